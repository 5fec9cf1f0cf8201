"""The sentences of the chapter on targets; none says more than its range allows."""

import numpy as np
import pandas as pd

from analysis.core.result import Decision, Finding, Number
from analysis.core.scope import Scope
from analysis.strategy.tree_ahead import Ahead
from analysis.strategy.tree_goals import METRICS
from analysis.strategy.tree_past import Past

_LEVER_ROWS = ("rate", "forecast", "together", "target", "open")
_LIKELY = 0.8


def headline(past: Past, ahead: Ahead, scope: Scope) -> dict[str, Number]:
    """Return the year, its margin, the next target and what all levers together would bring."""
    before, year = past.years
    label = "Revenue of the last four quarters"
    numbers = {"year": Number(label, year, "amount", year_before=before)}
    if np.isfinite(past.margin_share):
        numbers["margin"] = Number("Margin share, last four quarters", past.margin_share, "share")
    coming = _coming(ahead, scope)
    if coming is None:
        return numbers
    chance = coming["chance_share"]
    said = f"reached with a chance of {_chance(chance, scope)}"
    target = float(coming["target_amount"])
    label = f"Company target for {scope.next_period}"
    note = "" if np.isnan(chance) else said
    numbers["target"] = Number(label, target, "amount", note=note)
    together = ahead.bridge.table.set_index("step").loc["together"]
    ends = [together[f"part_{end}_amount"] for end in ("low", "high")]
    label = "With every lever as in a good quarter of our own"
    numbers["together"] = Number(label, ahead.bridge.together_amount, "amount", *ends)
    return numbers


def findings(past: Past, ahead: Ahead, scope: Scope) -> tuple[Finding, ...]:
    """Return what the chapter says, the past first."""
    found = [_tree(past, scope), _products(past, scope), _met(ahead, scope), _next(ahead, scope)]
    found += [*_goals(ahead, scope), _bridge(ahead, scope), _need(ahead, scope)]
    found += [_enough(ahead, scope)]
    return tuple(finding for finding in found if finding is not None)


def _coming(ahead: Ahead, scope: Scope) -> pd.Series | None:
    coming = ahead.gaps[ahead.gaps["period"] == scope.next_period.name]
    return None if coming.empty else coming.iloc[0]


def _tree(past: Past, scope: Scope) -> Finding:
    parts = past.tree[past.tree["factor"] != "margin"].set_index("name")["revenue_part_amount"]
    change, amount = float(parts.sum()), scope.display.amount
    ordered = parts.loc[parts.abs().sort_values(ascending=False, kind="stable").index]
    text = "; ".join(f"{name} {amount(value)}" for name, value in ordered.items())
    verb = "more" if change >= 0 else "less"
    same = ordered[ordered * change > 0]
    through = f"; the largest part is {same.index[0]}" if len(same) else ""
    return Finding(
        f"The last four quarters brought {amount(abs(change))} {verb} than the four before"
        f"{through}.",
        f"It splits exactly into: {text}.",
        metric="revenue_year",
        value=change,
    )


def _products(past: Past, scope: Scope) -> Finding | None:
    if past.products is None:
        return None
    amount = scope.display.amount
    parts = past.products.parts.set_index("part")["revenue_part_amount"]
    names = {"price": "prices", "volume": "volume", "mix": "mix", "new": "new products"}
    names |= {"gone": "products no longer sold", "untold": "sales that say no product or quantity"}
    names |= {"other": "returns, fees and other lines"}
    told = [f"{words} {amount(parts[part])}" for part, words in names.items()]
    price = parts["price"]
    mix = "dearer" if parts["mix"] >= 0 else "cheaper"
    moved = ("added", "to") if price >= 0 else ("took", "from")
    return Finding(
        f"Prices {moved[0]} {amount(abs(price))} {moved[1]} a year's revenue, volume made "
        f"{amount(parts['volume'])}, a {mix} mix {amount(parts['mix'])}.",
        f"To the cent: {'; '.join(told)}. A price is the mean of what was paid for a product.",
        metric="price_part",
        value=float(price),
    )


def _met(ahead: Ahead, scope: Scope) -> Finding | None:
    over = ahead.gaps[ahead.gaps["actual_amount"].notna()]
    if over.empty:
        return None
    met = int((over["gap_amount"] <= 0).sum())
    share, count = scope.display.share, scope.display.count
    texts = "; ".join(f"{row.period} {share(row.attained_share, 0)}" for row in over.itertuples())
    unit = "yearly" if scope.period.cadence == "annual" else "quarterly"
    last = f"{count(met)} of the last {count(len(over))} {unit} targets were met."
    alone = f"The {unit} target was {'met' if met else 'missed'}."
    return Finding(last if len(over) > 1 else alone, f"Attained: {texts}.")


def _next(ahead: Ahead, scope: Scope) -> Finding | None:
    row, amount = _coming(ahead, scope), scope.display.amount
    if row is None or np.isnan(row["gap_amount"]):
        return None
    is_short = row["gap_amount"] > 0
    distance = f"{amount(abs(row['gap_amount']))} {'short of' if is_short else 'above'} the target"
    known = f"it is reached with a chance of {_chance(row['chance_share'], scope)}"
    known = "the chance of it cannot be told" if np.isnan(row["chance_share"]) else known
    return Finding(
        f"{scope.next_period} is expected {distance} of {amount(row['target_amount'])}; {known}.",
        f"Forecast {amount(row['forecast_amount'])} (80 % range "
        f"{amount(row['forecast_low_amount'])} to {amount(row['forecast_high_amount'])}); at the "
        f"present rate {amount(row['rate_amount'])}.",
        metric="target_gap",
        value=float(row["gap_amount"]),
        rank=float(abs(row["gap_amount"])),
    )


def _goals(ahead: Ahead, scope: Scope) -> list[Finding]:
    """One sentence for each metric's nearest target beside the next period's revenue."""
    goals = ahead.goals
    others = goals[
        (goals["metric"] != "revenue_amount") | (goals["period"] != scope.next_period.name)
    ]
    return [_goal(row, scope) for row in others.drop_duplicates("metric").itertuples()]


def _goal(row: tuple, scope: Scope) -> Finding:
    display = scope.display
    text = display.amount if row.unit == "amount" else (lambda value: display.share(value, 1))
    name = METRICS[row.metric].capitalize()
    if np.isnan(row.chance_share):
        said = f"whether it is reached is not known ({row.chance_how})"
    else:
        said = f"it is reached with a chance of {_chance(row.chance_share, scope)}"
    known = [("now", row.now), ("at the present rate", row.rate)]
    parts = [f"{words} {text(value)}" for words, value in known if value == value]
    if row.reached == row.reached and row.reached:
        parts.insert(0, f"so far {text(row.reached)}")
    if row.forecast == row.forecast:
        ends = f"{text(row.forecast_low)} to {text(row.forecast_high)}"
        parts.append(f"expected {text(row.forecast)} (80 % range {ends})")
    how = "" if np.isnan(row.chance_share) else f" The chance comes from {row.chance_how}."
    return Finding(
        f"{name} of {row.period}: the target is {text(row.target)}; {said}.",
        f"{_upper('; '.join(parts))}.{how}" if parts else "",
        metric=f"{row.metric}_gap",
        value=None if np.isnan(row.gap_forecast) else float(row.gap_forecast),
    )


def _bridge(ahead: Ahead, scope: Scope) -> Finding | None:
    bridge, amount = ahead.bridge, scope.display.amount
    levers = bridge.table[~bridge.table["step"].isin(_LEVER_ROWS)]
    levers = levers.sort_values("part_amount", ascending=False, kind="stable")
    whole = float(levers["part_amount"].sum())
    if not np.isfinite(whole) or len(levers) == 0:
        return None
    if whole < 0.005:
        return _nothing_on_top(levers, scope) or Finding(
            "No lever is larger than nothing: every factor is at its own best, or too few quarters "
            "are known to say what a good quarter is.",
            "; ".join(f"{row.name}: {row.source}" for row in levers.itertuples()) + ".",
        )
    first = levers.iloc[0]
    texts = [f"{r.name} {_with_range(r, scope)}" for r in levers.itertuples() if r.part_amount != 0]
    return Finding(
        f"A good quarter of our own in every lever would bring {amount(whole)} on top, most "
        f"through {_lower(first['name'])}{_outcome(ahead, scope)}.",
        f"{'; '.join(texts)}. The size of a lever is measured, that it is reached is not.",
        metric="levers_amount",
        value=whole,
        rank=whole if bridge.open_amount > 0 else 0.0,
    )


def _nothing_on_top(levers: pd.DataFrame, scope: Scope) -> Finding | None:
    """Where what loses takes up all that levers bring; None where nothing loses."""
    loses = levers[levers["part_amount"] < 0]
    if loses.empty:
        return None
    named = " and ".join(_lower(name) for name in loses["name"])
    return Finding(
        f"All levers and plans together bring nothing on top: what is expected to be lost through "
        f"{named} takes up the rest.",
        "; ".join(f"{r.name} {_with_range(r, scope)}" for r in levers.itertuples()) + ".",
    )


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _with_range(row: tuple, scope: Scope) -> str:
    amount = scope.display.amount
    ends = f"{amount(row.part_low_amount)} to {amount(row.part_high_amount)}"
    return f"{amount(row.part_amount)} ({ends})"


def _outcome(ahead: Ahead, scope: Scope) -> str:
    bridge, amount = ahead.bridge, scope.display.amount
    if not np.isfinite(bridge.target_amount):
        return ""
    if bridge.open_amount > 0:
        return f"; {amount(bridge.open_amount)} of the target would still be open"
    base = bridge.table.set_index("step")["part_amount"]
    expected = base["rate"] + base.get("forecast", 0.0)
    if expected >= bridge.target_amount:
        return "; the target is expected to be met without"
    return "; together they would reach the target"


def _need(ahead: Ahead, scope: Scope) -> Finding | None:
    if ahead.need is None or ahead.need.empty:
        return None
    number, need = scope.display.number, ahead.need.set_index("step")
    texts = [
        f"{row.name} {number(row.need_mid, 0)} ({number(row.need_low, 0)} to "
        f"{number(row.need_high, 0)})"
        for row in ahead.need[ahead.need["step"] != "revenue"].itertuples()
    ]
    amount = scope.display.amount(need.loc["revenue", "need_mid"])
    won = number(need.loc["won", "need_mid"], 0)
    opened = number(need.loc["opened", "need_mid"], 0)
    sure = ahead.missing.sure_share
    aim, beside = "To reach the target", "at the present rate"
    if sure == sure:
        aim = f"{_certainty(ahead, scope)} of the target of {scope.next_period}"
        beside = "is expected"
    return Finding(
        f"{aim}, {amount} more must be won than {beside}: about {won} deals, for which {opened} "
        "must be opened.",
        "On top of what is usual: " + "; ".join(texts) + ". 80 % ranges, at the rates of the last "
        "year, if what is missing comes as won deals.",
        metric="deals_needed",
        value=float(need.loc["won", "need_mid"]),
    )


def _enough(ahead: Ahead, scope: Scope) -> Finding | None:
    if ahead.enough is None:
        return None
    rows = ahead.enough.set_index("what")
    said = []
    for what, words in (("pipeline", "the present pipeline"), ("people", "the present people")):
        chance = rows.loc[what, "chance_share"]
        known = f"{words} with a chance of {_chance(chance, scope)}"
        said.append(f"{words}: cannot be told" if np.isnan(chance) else known)
    if rows.loc[["pipeline", "people"], "chance_share"].isna().all():
        return None
    text = "Enough for the usual work and what is missing: " + "; ".join(said) + "."
    if ahead.missing.sure_share == ahead.missing.sure_share:
        text = f"{_certainty(ahead, scope)} of the target, enough: {'; '.join(said)}."
    money, deals = rows.loc["pipeline"], rows.loc["people"]
    amount, number = scope.display.amount, scope.display.number
    told = [
        f"{amount(money['wanted'])} must be won (of which {amount(ahead.missing.sure_amount)} on "
        f"top of the usual), the pipeline is expected to bring {amount(money['have_mid'])} "
        "on average",
        f"{number(deals['wanted'], 0)} deals must be brought to an end, the people there end about "
        f"{number(deals['have_mid'], 0)}",
    ]
    known = [t for t, row in zip(told, (money, deals), strict=True) if row["have_mid"] > 0]
    return Finding(text, f"{_upper('; '.join(known))}.", metric="enough_share")


def _certainty(ahead: Ahead, scope: Scope) -> str:
    return f"For {scope.display.share(ahead.missing.sure_share, 0)} certainty"


def _chance(share: float, scope: Scope) -> str:
    """A chance in words; no estimate is so good that it could say never or always."""
    one = scope.display.share(0.01, 0)
    if share < 0.01:
        return f"less than {one}"
    return (
        f"more than {scope.display.share(0.99, 0)}"
        if share > 0.99
        else scope.display.share(share, 0)
    )


def decisions(ahead: Ahead, scope: Scope) -> tuple[Decision, ...]:
    """Return what leaders must decide: the target itself, the first lever, and people."""
    row, found = _coming(ahead, scope), []
    if row is not None and row["gap_amount"] > 0:
        chance = None if np.isnan(row["chance_share"]) else float(row["chance_share"])
        found.append(
            Decision(
                f"Keep the target of {scope.next_period}, or change it or the means?",
                worth_amount=float(row["gap_amount"]),
                owner="managing director",
                due_on=scope.due_by(scope.next_period.starts_on),
                chance_share=chance,
            )
        )
    return (*found, *_lever_decision(ahead, scope), *_people_decision(ahead, scope))


def _lever_decision(ahead: Ahead, scope: Scope) -> list[Decision]:
    table = ahead.bridge.table
    levers = table[~table["step"].isin(_LEVER_ROWS)]
    levers = levers.sort_values("part_amount", ascending=False, kind="stable")
    if ahead.missing.sure_amount <= 0 or levers.empty or not levers["part_amount"].iloc[0] > 0:
        return []
    first = levers.iloc[0]
    text = f"Who answers for the first lever in {scope.next_period}: {_lower(first['name'])}?"
    worth = float(first["part_amount"])
    due = scope.due_by(scope.next_period.starts_on)
    return [Decision(text, worth_amount=worth, owner="sales director", due_on=due)]


def _people_decision(ahead: Ahead, scope: Scope) -> list[Decision]:
    if ahead.enough is None or ahead.people is None:
        return []
    chance = ahead.enough.set_index("what").loc["people", "chance_share"]
    more = float((ahead.people["plain_people"] - ahead.people["have_people"]).clip(lower=0).sum())
    if ahead.plan is None or not chance < _LIKELY or not more > 0:
        return []
    number, plan = scope.display.number, ahead.plan
    if plan.ramp_months >= plan.months:
        months = number(plan.ramp_months, 0)
        text = (
            f"Who takes work off the sellers in {scope.next_period}? Newcomers learn for {months} "
            "months, so hiring now comes too late for it."
        )
    else:
        count = number(np.ceil(more), 0)
        text = f"Hire {count} or more sellers, move work, or take the risk that they lack?"
    due = scope.due_by(scope.next_period.starts_on)
    return [Decision(text, owner="sales director", due_on=due)]
