"""The sentences of the chapter on people; none says more than its interval allows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.result import Finding
from analysis.core.scope import Scope
from analysis.sales.people_metrics import ALL
from analysis.sales.people_options import PeopleOptions
from analysis.sales.people_ramp import Ramp
from analysis.sales.people_rollout import BETTER as MORE
from analysis.sales.people_rollout import NO_DATA, NOT_TOLD
from analysis.sales.people_targets import AVERAGE, MISSED, TARGET
from analysis.sales.people_tasks import BEHIND

_NAMED = 3  # people of whom a sentence speaks
_FULL = 0.995
_TOO_WIDE = 20.0  # upper end / lower end of odds that say nothing
_LEVEL = 0.05  # of chance, at which a relation is told
_EVEN = 0.05  # of which variation is not worth a word


@dataclass(frozen=True)
class Overall:
    """What is said of everybody together."""

    on_time: tuple[float, float, float]  # share, low, high
    ramp: Ramp | None
    hire_count: int
    first_win_months: float  # median by Kaplan-Meier


Tables = Mapping[str, pd.DataFrame]


def findings(
    tables: Tables, overall: Overall, options: PeopleOptions, scope: Scope
) -> tuple[Finding, ...]:
    """Return what can be said of people, and what cannot."""
    found = [
        _targets(tables["attainment"], scope),
        _owners(tables["accountability"], scope),
        _on_time(tables["compliance"], tables["overdue"], overall, scope),
        _steps(tables["steps"], scope),
        _relation(tables["compliance_and_winning"], scope),
        _activities(tables["elasticity"], scope),
        _ramp(tables["ramp"], overall, options, scope),
        _dependence(tables["dependence"], tables["leaving"], options, scope),
        _person_share(tables["dependence"], scope),
        _growth(tables["dependence"], scope),
        _repeatable(tables["repeatability"], scope),
        _rollout(tables["rollout"], scope),
        _benefits(tables["benefits"], tables["drift"], scope),
    ]
    return tuple(finding for finding in found if finding is not None)


def _targets(table: pd.DataFrame, scope: Scope) -> Finding | None:
    count, share = scope.display.count, scope.display.share
    if (table["yardstick"] == TARGET).any():
        behind = table[table["verdict"] == MISSED]
        missed = table[table["attained_share"] < 1]
        named = "; ".join(
            f"{row.seller} {share(row.attained_share, 0)}"
            for row in behind.sort_values("attained_share").head(_NAMED).itertuples()
        )
        return Finding(
            f"{count(len(missed))} of {count(len(table))} targets of sellers are missed so far; "
            f"{count(len(behind))} by more than chance explains.",
            (f"Farthest behind: {named}. " if named else "")
            + "The chance shown for each is that of so little, if the target were what the person "
            "brings on average.",
        )
    told = table[(table["yardstick"] == AVERAGE) & (table["verdict"] != "")]
    if told.empty:
        return Finding("No targets are set for sellers.")
    behind, ahead = (told[told["verdict"] == verdict] for verdict in (MISSED, "ahead"))
    names = f"behind: {_names(behind['seller'])}; ahead: {_names(ahead['seller'])}"
    return Finding(
        "No targets are set for sellers, so nobody can be said to have missed one.",
        "Instead the deals won stand beside what all together win in the same time present. Told "
        f"from chance, {names}. A number without a target changes nobody's day.",
    )


def _owners(table: pd.DataFrame, scope: Scope) -> Finding | None:
    nobody = table[table["owner"] == "nobody"]
    without = table[(table["target_count"] == 0) & (table["owner"] == "seller")]
    if nobody.empty and (without.empty or not table["target_count"].sum()):
        return None
    names = ", ".join(name[0].lower() + name[1:] for name in without["name"])
    texts = [f"No seller has a target for: {names}."] if names else []
    if len(nobody):
        texts.append(f"Targets for what nobody has defined: {', '.join(nobody['name'])}.")
    return Finding(
        f"{scope.display.count(len(without))} numbers that sellers answer for have no target.",
        " ".join(texts) + " A number without a target or an owner changes nobody's day.",
    )


def _on_time(
    table: pd.DataFrame, overdue: pd.DataFrame, overall: Overall, scope: Scope
) -> Finding | None:
    share = scope.display.share
    value, low, high = overall.on_time
    if table.empty or np.isnan(value):
        return None
    behind = table[table["verdict"] == BEHIND].sort_values("on_time_share")
    named = "; ".join(
        f"{row.seller} {share(row.on_time_share, 0)}" for row in behind.head(_NAMED).itertuples()
    )
    days = scope.display.number(table["late_days"].median())
    late = (
        f"Whoever is late is so by {days} days (median). {_many(len(overdue), 'task')} overdue now"
    )
    who = f"Less often on time than others, beyond chance: {named}"
    rest = len(behind) - _NAMED
    more = f"; and {rest} more" if rest > 0 else ""
    return Finding(
        f"{share(value, 0)} of tasks are done by their deadline "
        f"({share(low, 0)} to {share(high, 0)}).",
        (f"{who}{more}. " if named else "Nobody differs from the others by more than chance. ")
        + f"{late}.",
        metric="on_time_share",
        value=value,
        low=low,
        high=high,
    )


def _steps(table: pd.DataFrame, scope: Scope) -> Finding | None:
    known = table.dropna(subset=["done_share"])
    if known.empty:
        return None
    share = scope.display.share
    rare = known[known["done_share"] < _FULL].sort_values("done_share")
    if rare.empty:
        return Finding("Every required step is seen in every deal won.")
    named = "; ".join(
        f"{row.step_name} ({row.activity_type}) {share(row.done_share, 0)}"
        for row in rare.itertuples()
    )
    first = rare.iloc[0]
    return Finding(
        f"The required step “{first['step_name']}” is seen in {share(first['done_share'], 0)} of "
        "deals won.",
        f"Not in every deal: {named}. Not seen may be not done or not written down.",
    )


def _relation(table: pd.DataFrame, scope: Scope) -> Finding | None:
    known = table.dropna(subset=["odds_ratio"])
    if known.empty:
        return None
    told = known[known["is_told"]]
    number = scope.display.number
    texts = [
        f"{row.measure}: 10 points more go with odds of winning times {number(row.odds_ratio, 2)} "
        f"({number(row.odds_low, 2)} to {number(row.odds_high, 2)})"
        if row.odds_high < _TOO_WIDE * row.odds_low
        else f"{row.measure}: sellers are too alike in it, or too few"
        for row in known.itertuples()
    ]
    detail = (
        _sentence("; ".join(texts))
        + ". Between sellers, with the same product and channel; an association, "
        "no proof that one brings the other."
    )
    if told.empty:
        return Finding("Whether keeping the rules goes with winning cannot be concluded.", detail)
    way = "more" if told.iloc[0]["odds_ratio"] > 1 else "less"
    return Finding(f"Sellers with more {told.iloc[0]['measure']} win {way} often.", detail)


def _activities(table: pd.DataFrame, scope: Scope) -> Finding | None:
    mine = table[(table["activity_type"] == ALL) & table["elasticity"].notna()]
    if mine.empty:
        return None
    row = mine.iloc[0]
    share = scope.display.share
    low, high = (share(row[f"elasticity_{end}"] / 10, 0) for end in ("low", "high"))
    detail = (
        f"10 % more activities per day go with {share(row['elasticity'] / 10, 0)} more deals won "
        f"({low} to {high}). Whoever has more deals also has more to do: more calls alone need not "
        "bring more."
    )
    if row["discovery_level"] > _LEVEL:
        text = "Whether sellers who do more win more cannot be concluded."
        return Finding(text, detail)
    return Finding("Sellers who do more also win more.", detail)


def _ramp(
    table: pd.DataFrame, overall: Overall, options: PeopleOptions, scope: Scope
) -> Finding | None:
    number, count = scope.display.number, scope.display.count
    ramp = overall.ramp
    if ramp is None:
        if not overall.hire_count:
            return Finding("Nobody new began to sell, so how long it takes cannot be told.")
        wait = number(overall.first_win_months)
        half = f"Half have won a first deal within {wait} months"
        if np.isnan(overall.first_win_months):
            half = "Fewer than half have won a deal so far"
        return Finding(
            f"{count(overall.hire_count)} new sellers are too few for a curve of how they begin.",
            f"{half}. From {options.least_hires} on the months until they are settled are fitted.",
        )
    share = scope.display.share(options.ramped_share, 0)
    stayed = table[(table["people"] == "without leavers")]["months"]
    others = (
        f" Without those who left it would say {number(stayed.iloc[0])}." if len(stayed) else ""
    )
    when = f"{number(ramp.months)} months ({number(ramp.low)} to {number(ramp.high)})"
    if not np.isfinite(ramp.months):
        when = "longer than could be seen"
    return Finding(
        f"To take on {share} of what newcomers come to in the end, a new seller needs {when}.",
        f"{count(overall.hire_count)} hired since the data begin, those who left included; they "
        f"settle at {scope.display.share(ramp.level, 0)} of the pace of old hands.{others}",
        metric="ramp_months",
        value=ramp.months if np.isfinite(ramp.months) else None,
        low=ramp.low if np.isfinite(ramp.low) else None,
        high=ramp.high if np.isfinite(ramp.high) else None,
    )


def _dependence(
    table: pd.DataFrame, leaving: pd.DataFrame, options: PeopleOptions, scope: Scope
) -> Finding | None:
    if table.empty or leaving.empty:
        return None
    share, amount = scope.display.share, scope.display.amount
    rows = table.set_index("measure")
    top, even = rows.loc["top_share"], rows.loc["even_sellers"]
    first, best = leaving.iloc[0], leaving.loc[leaving["won_share"].idxmax()]
    who = best["seller"] if np.isclose(best["won_share"], top["value"]) else "A seller who left"
    return Finding(
        f"{who} won {share(top['value'], 0)} of all that was won "
        f"({share(top['value_low'], 0)} to {share(top['value_high'], 0)}).",
        f"Revenue is spread as if {scope.display.number(even['value'])} sellers won equally much. "
        f"If {first['seller']} left, about {amount(first['at_risk_amount'])} of a year would be "
        f"at risk: a scenario in which {share(options.lost_share, 0)} of the business goes too.",
        metric="top_share",
        value=float(top["value"]),
        low=float(top["value_low"]),
        high=float(top["value_high"]),
    )


def _person_share(table: pd.DataFrame, scope: Scope) -> Finding | None:
    mine = table[(table["measure"] == "person_share") & table["value"].notna()]
    if mine.empty:
        return None
    share, row = scope.display.share, mine.iloc[0]
    return Finding(
        f"{share(row['value'], 0)} of what decides whether a deal is won is who sells it "
        f"({share(row['value_low'], 0)} to {share(row['value_high'], 0)}).",
        f"With the same product and channel; the rest is the deal, the process and luck. From "
        f"{row['note']}.",
    )


def _growth(table: pd.DataFrame, scope: Scope) -> Finding | None:
    mine = table[(table["measure"] == "growth") & table["value"].notna()]
    if mine.empty:
        return None
    change, row = scope.display.change, mine.iloc[0]
    between = (
        f"({change(row['value_low'], 0)} to {change(row['value_high'], 0)} a year, {row['note']})"
    )
    if row["value_low"] <= 0 <= row["value_high"]:
        text = f"Whether deals won grow cannot be concluded {between}."
    else:
        text = f"Deals won change by {change(row['value'], 0)} a year {between}."
    return Finding(text, "A straight trend over all that is known; 95 % range.")


def _repeatable(table: pd.DataFrame, scope: Scope) -> Finding | None:
    rows = table.set_index("what")
    known = [name for name in ("months", "sellers") if name in rows.index]
    if not known:
        return None
    share = scope.display.share
    texts = []
    for name in known:
        row = rows.loc[name]
        ends = f"{share(row['value_low'], 0)} to {share(row['value_high'], 0)}"
        beyond = f"{share(row['value'], 0)} ({ends})"
        if row["value"] < _EVEN and row["value_low"] == 0:
            beyond = f"nothing that could be seen (up to {share(row['value_high'], 0)})"
        texts.append(f"between {name} {beyond}")
    ways = ""
    if "top ways" in rows.index:
        top = rows.loc["top ways"]
        ways = (
            f" The three most frequent ways cover {share(top['value'], 0)} of ended deals; there "
            f"are {top['note']}."
        )
    is_even = all(rows.loc[name, "value_low"] == 0 for name in known)
    text = "Deals ended differ between months and sellers by more than chance."
    if is_even:
        text = "That deals ended differ between months or sellers can be chance."
    return Finding(text, f"Variation beyond chance: {'; '.join(texts)}.{ways}")


def _rollout(table: pd.DataFrame, scope: Scope) -> Finding | None:
    if table.empty:
        return None
    points = scope.display.points
    texts = []
    for row in table.itertuples():
        reach = f"{row.name}: {row.treated_count} of {row.seller_count} sellers"
        effect = "cannot conclude"
        if row.verdict != NOT_TOLD:
            effect = f"won share {points(row.difference_share, 0)} points against the others"
        texts.append(f"{reach}, {effect}")
    told = table[table["verdict"] != NOT_TOLD]
    text = "Of no improvement given to sellers can be concluded that they win more."
    if len(told):
        text = f"Since {told.iloc[0]['name']}, its sellers win {told.iloc[0]['verdict']} often."
    return Finding(text, "; ".join(texts) + ".")


def _benefits(benefits: pd.DataFrame, drift: pd.DataFrame, scope: Scope) -> Finding | None:
    told = benefits[~benefits["verdict"].isin([NOT_TOLD, NO_DATA])]
    rest = len(benefits) - len(told)
    changed = drift.loc[drift["has_changed"].astype(bool), "measure"]
    texts = [
        f"{row.hypothesis}: {'yes' if row.verdict == MORE else 'no, fewer'}"
        for row in told.itertuples()
    ]
    if rest:
        hypotheses = benefits.loc[benefits["verdict"].isin([NOT_TOLD, NO_DATA]), "hypothesis"]
        texts.append(f"cannot be told: {', '.join(hypotheses)}")
    moved = f" Changed over the last eight quarters: {_names(changed)}." if len(changed) else ""
    count = f"{len(told)} of {len(benefits)}" if len(told) else "None"
    return Finding(
        f"{count} of the benefits that a defined way of selling is to bring can be told from the "
        "time before.",
        _sentence("; ".join(texts)) + f". Before and after only: no cause is named.{moved}",
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _many(number: int, noun: str) -> str:
    return f"1 {noun} is" if number == 1 else f"{number} {noun}s are"


def _names(names: pd.Series) -> str:
    found = list(dict.fromkeys(names))
    shown = ", ".join(found[:_NAMED])
    rest = len(found) - _NAMED
    return (f"{shown} and {rest} more" if rest > 0 else shown) or "nobody"
