"""What the segments are good for, in words: against revenue bins, by rule, and where to invest."""

import numpy as np
import pandas as pd

from analysis.core.display import Display
from analysis.core.result import Decision, Finding
from analysis.core.scope import Scope
from analysis.core.statistics import chance_above
from analysis.customers.segment_choices import CLASS, SEGMENT, changed_share
from analysis.customers.segment_usefulness import BETTER, WORSE
from analysis.customers.segment_words import customers_text

# What a reader of the rule alone is to get right.
_GOAL_FIDELITY = 0.8


def statements(
    profiles: pd.DataFrame, usefulness: pd.DataFrame, choices: pd.DataFrame, scope: Scope
) -> tuple[Finding, ...]:
    """Return what is known of the segments' use, as far as it was measured."""
    found = [
        _usefulness_finding(usefulness, scope),
        _rule_finding(profiles, scope),
        _choices_finding(choices, scope),
    ]
    return tuple(finding for finding in found if finding is not None)


def promising_finding(
    customers: pd.DataFrame, classes: pd.DataFrame, scope: Scope
) -> tuple[Finding, ...]:
    """Name the most promising group, what it brings, and what would enlarge it."""
    row = _promising(classes)
    if row is None:
        return ()
    display, name = scope.display, row["prospect_class"]
    forecast, low, high = (row[f"forecast_year{end}_amount"] for end in ("", "_low", "_high"))
    outlook = _outlook(row, display)
    text = (
        f"Most promising is “{name}”: {customers_text(row['customer_count'], display)}, "
        f"{display.amount(row['revenue_year_amount'])} in the last four quarters"
        f"{_margin_text(row, display)}; {outlook}"
    )
    said = ["Of the classes to invest in the one with the best forecast for its revenue."]
    if row.get("lever"):
        said.append(f"What would enlarge it most, beside the class above: {row['lever']}.")
    offers = _offers(customers[customers["prospect_class"] == name], display)
    said += [f"First to offer: {offers}."] if offers else []
    said.append("Customers picked for their forecast tend to fall short of it.")
    found = Finding(
        text,
        detail=" ".join(said),
        metric="promising_forecast_amount",
        comparison=name,
        value=float(forecast),
        low=None if pd.isna(low) else float(low),
        high=None if pd.isna(high) else float(high),
    )
    return (found,)


def promising_decision(
    customers: pd.DataFrame, classes: pd.DataFrame, scope: Scope
) -> tuple[Decision, ...]:
    """Return the one question that the classes raise and no other chapter asks.

    Whom to win back is no question here: the chapters of revenue and growth ask about the large
    customers who fell silent, and these are the same people.
    """
    row = _promising(classes)
    if row is None:
        return ()
    display, name, count = scope.display, row["prospect_class"], int(row["customer_count"])
    who = (
        f"Who takes on the {customers_text(count, display)} in “{name}”, the most promising group?"
    )
    if count == 1:
        who = f"Who takes on the one customer in “{name}”, the most promising group?"
    offers = _offers(customers[customers["prospect_class"] == name], display)
    lever = f" What would enlarge it: {row['lever']}." if row.get("lever") else ""
    first = f" First to offer: {offers}." if offers else ""
    forecast = float(row["forecast_year_amount"])
    more = forecast - float(row["year_rate_amount"])
    change = f", {display.amount(more)} more than now" if more > 0 else ""
    they = "it" if count == 1 else "them"
    text = f"{who} {display.amount(forecast)} is expected of {they} in a year{change}."
    ends = (float(row[f"forecast_year{end}_amount"]) for end in ("", "_low", "_high"))
    chance = chance_above(float(row["year_rate_amount"]), *ends)
    chance_share = None if np.isnan(chance) else chance
    stake = round(max(more, 0.0), 2)
    return (Decision(f"{text}{lever}{first}", stake, chance_share=chance_share),)


def _promising(classes: pd.DataFrame) -> pd.Series | None:
    marked = classes[classes["is_most_promising"] & (classes["forecast_year_amount"] > 0)]
    return None if marked.empty else marked.iloc[0]


def _margin_text(row: pd.Series, display: Display) -> str:
    if pd.isna(row["margin_share"]):
        return ", margin not known"
    known = row.get("margin_known_share", 1.0)
    of_known = f" of the {display.share(known, 0)} with known cost" if known < 1 else ""
    return f" at a margin of {display.share(row['margin_share'], 0)}{of_known}"


def _outlook(row: pd.Series, display: Display) -> str:
    """Say where the forecast lies beside the last year, no more than its interval allows."""
    forecast, low, high = (row[f"forecast_year{end}_amount"] for end in ("", "_low", "_high"))
    rate = row["year_rate_amount"]
    text = f"{display.amount(forecast)} is expected in the next"
    if pd.isna(low):
        return f"{text}."
    text = f"{text} ({display.amount(low)} to {display.amount(high)})"
    if low > rate:
        return f"{text}, more than now."
    if high < rate:
        return f"{text}, less than now: all classes are expected to shrink, this one least."
    return f"{text}, which is too wide to say that it grows."


def _offers(mine: pd.DataFrame, display: Display) -> str:
    """Say what is next for most of them, two products at most."""
    firsts = [
        str(products[0])
        for products in mine["next_products"]
        if isinstance(products, list | tuple | np.ndarray) and len(products)
    ]
    counts = pd.Series(firsts, dtype="str").value_counts()
    counts = counts.sort_index().sort_values(ascending=False, kind="stable").head(2)
    return ", ".join(f"{name} ({display.count(count)})" for name, count in counts.items())


def _usefulness_finding(usefulness: pd.DataFrame, scope: Scope) -> Finding | None:
    if usefulness.empty:
        return None
    better, worse, open_ = (
        list(usefulness.loc[mine, "question"])
        for mine in (
            usefulness["verdict"] == BETTER,
            usefulness["verdict"] == WORSE,
            ~usefulness["verdict"].isin((BETTER, WORSE)),
        )
    )
    said = [f"better than plain revenue bins at telling {_listed(better)}"] if better else []
    said += [f"worse at telling {_listed(worse)}"] if worse else []
    text = f"A year ahead, the segments are {'; '.join(said)}."
    if not said:
        text = "Whether the segments tell more of the year ahead than plain revenue bins: "
        text += "cannot conclude."
    elif open_:
        text = f"{text[:-1]}; {_listed(open_)}: cannot conclude."
    row = usefulness.iloc[0]
    display = scope.display
    scores = "; ".join(
        f"{r['question']} {display.share(r['segments_score_share'])} against "
        f"{display.share(r['bins_score_share'])}"
        for r in usefulness.to_dict("records")
    )
    return Finding(
        text,
        detail=f"Customers of {row['origin']} judged by the four quarters since, as many bins as "
        f"segments, each customer told by the others of its group. Share explained: {scores}.",
        metric="usefulness_difference_share",
        comparison="as many revenue bins",
        value=float(usefulness["difference_share"].mean()),
    )


def _rule_finding(profiles: pd.DataFrame, scope: Scope) -> Finding | None:
    told = profiles[profiles["rule_fidelity_share"].notna() & (profiles["customer_count"] > 0)]
    if told.empty:
        return None
    share = float(np.average(told["rule_fidelity_share"], weights=told["customer_count"]))
    enough = "" if share >= _GOAL_FIDELITY else ": less than the 8 in 10 that they should"
    return Finding(
        f"The printed rules place {scope.display.share(share, 0)} of the customers in their "
        f"segment{enough}.",
        detail="Of customers who are neither new nor silent. The segments themselves go to the "
        "nearest centre; the rules are the short version of that.",
        metric="rule_fidelity_share",
        comparison=scope.period.name,
        value=share,
    )


def _choices_finding(choices: pd.DataFrame, scope: Scope) -> Finding | None:
    if choices.empty:
        return None
    display = scope.display
    (moved, total), (other, _) = (changed_share(choices, what) for what in (SEGMENT, CLASS))
    return Finding(
        f"These choices put {display.count(moved)} of {customers_text(total, display)} in another "
        f"segment than the one published, and {display.count(other)} in another prospect class.",
        metric="changed_share",
        comparison="the segments published",
        value=moved / total if total else 0.0,
    )


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
