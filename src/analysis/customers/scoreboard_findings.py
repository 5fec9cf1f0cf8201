"""The sentences of the scoreboard: what was missed is said as plainly as what was met."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from analysis.core.result import Finding
from analysis.core.scope import Scope
from analysis.core.statistics import wilson_interval
from analysis.customers.scoreboard_groups import NO_GROUP, SEGMENT, SMALL_GROUPS
from analysis.customers.scoreboard_measures import MODELS, OUR_MODEL, deciles_table
from analysis.customers.scoreboard_past import (
    COMPANY_PART,
    FORECAST_PART,
    JOINED_PART,
    NO_CUSTOMER_PART,
    Past,
)

_PROMISED = (0.77, 0.83)  # share inside 80 % ranges that counts as kept
_FEW_QUARTERS = 4
_NAMED = 3
_PLURALS = {
    SEGMENT: "segments",
    "region": "regions",
    "industry": "industries",
    "rep": "reps",
}
# Measure -> whether more is better, and how it is called.
_MEASURES = {
    "total_error_share": (False, "the total"),
    "decile_error_share": (False, "tenths of customers"),
    "normalised_gini": (True, "the ranking"),
    "rmse_amount": (False, "single customers"),
}


def findings(
    past: Sequence[Past],
    grades: pd.DataFrame,
    groups: pd.DataFrame,
    scope: Scope,
    attained_share: float,
) -> tuple[Finding, ...]:
    """Return what the grades say of the latest graded quarter, and of all of them."""
    latest = [one for one in past if one.horizon == "quarter"][-1]
    is_shown = (grades["origin"] == latest.origin) & (grades["horizon"] == "quarter")
    own = grades[is_shown].set_index("model")
    found = [
        _total_finding(latest, scope),
        _rules_finding(own, scope),
        _ranges_finding(latest, own.loc[OUR_MODEL], scope),
        _targets_finding(latest, own.loc[OUR_MODEL], scope, attained_share),
        _segments_finding(groups, scope),
        _groups_finding(groups, scope),
        _whole_finding(latest, scope),
        _parts_finding(latest, scope),
        _record_finding(grades, scope),
        *(_total_finding(one, scope) for one in past[-1:] if one.horizon == "year"),
    ]
    return tuple(finding for finding in found if finding is not None)


def _total_finding(one: Past, scope: Scope) -> Finding:
    amount, total = scope.display.amount, one.total
    error = total.forecast / total.actual - 1 if total.actual > 0 else float("nan")
    verdict = f"was {_too(error, scope)}" if np.isfinite(error) else "can only be compared"
    details = []
    if np.isfinite(total.low):
        held = "held" if total.low <= total.actual <= total.high else "did not hold"
        details.append(f"Its 80 % range, {amount(total.low)} to {amount(total.high)}, {held} it.")
    if one.is_replay:
        details.append(
            "It was computed when its time was over, from what was known before it: a replay, not "
            "a forecast that anybody read in time."
        )
    return Finding(
        f"The forecast of {one.period}, frozen at the end of {one.origin}, {verdict}: "
        f"{amount(total.forecast)} forecast, {amount(total.actual)} came of customers known then.",
        " ".join(details),
        metric=f"frozen_{one.horizon}_error",
        comparison=one.period,
        value=error if np.isfinite(error) else None,
        rank=abs(total.forecast - total.actual) if one.horizon == "quarter" else 0.0,
    )


def _too(error: float, scope: Scope) -> str:
    if round(abs(error), 3) == 0:
        return "right on the total"
    return f"{scope.display.share(abs(error))} too {'high' if error > 0 else 'low'}"


def _rules_finding(own: pd.DataFrame, scope: Scope) -> Finding:
    ours = own.loc[OUR_MODEL]
    rules = [model for model in MODELS.values() if model != OUR_MODEL]
    won = {rule: [m for m in _MEASURES if _is_better(ours, own.loc[rule], m)] for rule in rules}
    asked = {rule: [m for m in _MEASURES if _is_comparable(own, rule, m)] for rule in rules}
    counts = {rule: f"{len(won[rule])} of {len(asked[rule])} measures" for rule in rules}
    text = " and ".join(f"“{rule}” in {counts[rule]}" for rule in rules)
    lost = sorted({_MEASURES[m][1] for r in rules for m in asked[r] if m not in won[r]})
    where = f" A simple rule was as good or better for {_listed(lost)}." if lost else ""
    share, amount = scope.display.share, scope.display.amount
    detail = "; ".join(
        f"{model}: total off by {share(abs(row['total_error_share']), 0)}, tenths by "
        f"{share(row['decile_error_share'], 0)}, ranking {row['normalised_gini']:.2f}, single "
        f"customers by {amount(row['rmse_amount'])} (root mean square)"
        for model, row in own.iterrows()
    )
    return Finding(
        f"It beat {text}.{where}",
        f"{detail[:1].upper()}{detail[1:]}.",
        metric="measures_won",
        value=float(sum(len(measures) for measures in won.values())),
    )


def _is_better(ours: pd.Series, other: pd.Series, measure: str) -> bool:
    if _MEASURES[measure][0]:
        return bool(ours[measure] > other[measure])
    return bool(abs(ours[measure]) < abs(other[measure]))


def _is_comparable(own: pd.DataFrame, rule: str, measure: str) -> bool:
    return bool(own.loc[[OUR_MODEL, rule], measure].notna().all())


def _ranges_finding(latest: Past, ours: pd.Series, scope: Scope) -> Finding | None:
    share = scope.display.share
    inside = round(float(ours.get("interval_share", np.nan)), 2)  # as it is written
    if not np.isfinite(inside):
        return None
    verdict = (
        "the ranges were too narrow"
        if inside < _PROMISED[0]
        else "the ranges were wider than they had to be"
        if inside > _PROMISED[1]
        else "in all as promised"
    )
    tenths = deciles_table(latest)["interval_share"].dropna()
    kept = int(tenths.between(*_PROMISED).sum())
    return Finding(
        f"{share(inside, 0)} of customers ended inside their 80 % range: {verdict}, and in {kept} "
        f"of {len(tenths)} tenths of customers (77 to 83 %).",
        f"By tenth {share(tenths.min(), 0)} to {share(tenths.max(), 0)}; where nearly all buy "
        "nothing, nearly all are inside. Interval score "
        f"{scope.display.exact_amount(ours['interval_score_amount'])} (lower is better).",
        metric="interval_share",
        value=inside,
    )


def _targets_finding(
    latest: Past, ours: pd.Series, scope: Scope, designed: float
) -> Finding | None:
    count, attained = int(ours["target_count"]), float(ours["target_attained_share"])
    if not count:
        return None
    low, high = wilson_interval(round(attained * count), count)
    verdict = "fewer than" if high < designed else "more than" if low > designed else "as"
    share, amount = scope.display.share, scope.display.amount
    targeted = latest.customers[latest.customers["target"] > 0]
    return Finding(
        f"{share(attained, 0)} of {scope.display.count(count)} targets above zero were met, "
        f"{verdict} designed ({share(designed, 0)}).",
        f"Together they were {amount(targeted['target'].sum())}; these customers brought "
        f"{amount(targeted['actual'].sum())}. 80 % range of the share {share(low, 0)} to "
        f"{share(high, 0)}, if customers had nothing in common; a good quarter is good for many at "
        "once, so it is wider.",
        metric="target_attained_share",
        value=attained,
        low=low,
        high=high,
    )


def _segments_finding(groups: pd.DataFrame, scope: Scope) -> Finding | None:
    if groups.empty:
        return None
    is_named = (groups["group_kind"] == SEGMENT) & ~groups["group"].isin([NO_GROUP, SMALL_GROUPS])
    named = groups[is_named]
    if len(named) < 2:
        return None
    missed = named["forecast_amount"] - named["actual_amount"]
    row = named.loc[missed.abs().idxmax()]
    amount = scope.display.amount
    return Finding(
        f"Of the segments, {row['group']} was missed by most: "
        f"{amount(row['forecast_amount'])} forecast, {amount(row['actual_amount'])} came.",
        "Segments are those that the customers were in when the forecast was frozen, or those "
        "that the analyst gave.",
        metric="segment_error_amount",
        comparison=str(row["group"]),
        value=float(row["forecast_amount"] - row["actual_amount"]),
    )


def _groups_finding(groups: pd.DataFrame, scope: Scope) -> Finding | None:
    """Say which groups were missed otherwise than all customers, by more than chance explains."""
    if groups.empty:
        return None
    asked = groups[groups["is_beyond_chance"].notna()]
    if len(asked) < 2:
        return None
    beyond = asked[asked["is_beyond_chance"].astype(bool)]
    kinds = _listed([_PLURALS[kind] for kind in groups["group_kind"].unique()])
    counted = f"Of {len(asked)} {kinds} with 30 customers and more"
    if beyond.empty:
        text = f"{counted}, none was missed otherwise than all customers by more than chance allows"
    else:
        missed = (beyond["forecast_amount"] - beyond["actual_amount"]).abs()
        first = beyond.loc[missed.sort_values(ascending=False, kind="stable").index[:_NAMED]]
        said = [_group_words(row, scope) for row in first.itertuples()]
        more = f", and {len(beyond) - _NAMED} more" if len(beyond) > _NAMED else ""
        text = f"{counted}, {len(beyond)} missed by more than chance allows: {_listed(said)}{more}"
    return Finding(
        f"{text}.",
        "Held against the error over all customers; of the groups that are named, about one in "
        "twenty is named by chance. A few very large customers make this less sure than it sounds.",
        metric="groups_beyond_chance",
        value=float(len(beyond)),
    )


def _group_words(row: object, scope: Scope) -> str:
    amount = scope.display.amount
    error = row.total_error_share
    came = f"{amount(row.forecast_amount)} forecast, {amount(row.actual_amount)} came"
    return f"{row.group_kind} {row.group} ({_too(error, scope) if np.isfinite(error) else came})"


def _parts_finding(latest: Past, scope: Scope) -> Finding:
    parts = latest.parts.set_index("part")["actual_amount"]
    company, known = parts[COMPANY_PART], parts[FORECAST_PART]
    others = [p for p in parts.index if p not in (COMPANY_PART, FORECAST_PART) and parts[p]]
    listed = _listed([f"{part} {scope.display.amount(parts[part])}" for part in others])
    return Finding(
        f"No customer's forecast stands for {scope.display.amount(company - known)} of the "
        f"{scope.display.amount(company)} that the company took in {latest.period}.",
        f"That is {listed or 'nothing'}; with the customers who had a forecast it is the company's "
        f"{scope.display.exact_amount(company, 2)}, {_balance(latest, scope)}.",
        metric="not_forecast_amount",
        comparison=latest.period,
        value=float(company - known),
    )


def _whole_finding(latest: Past, scope: Scope) -> Finding | None:
    whole, amount = latest.part(COMPANY_PART), scope.display.amount
    if not np.isfinite(whole.forecast):
        return None
    held = "held" if whole.low <= whole.actual <= whole.high else "did not hold"
    parts = [
        f"{part} {amount(latest.part(part).forecast)} forecast, "
        f"{amount(latest.part(part).actual)} came"
        for part in (JOINED_PART, NO_CUSTOMER_PART)
    ]
    detail = _listed(parts)
    return Finding(
        f"With new customers and revenue without a customer, {amount(whole.forecast)} was forecast "
        f"of {latest.period} and {amount(whole.actual)} came; the 80 % range, {amount(whole.low)} "
        f"to {amount(whole.high)}, {held} it.",
        f"{detail[:1].upper()}{detail[1:]}.",
        metric="whole_company_error",
        comparison=latest.period,
        value=whole.forecast / whole.actual - 1 if whole.actual > 0 else None,
    )


def _balance(one: Past, scope: Scope) -> str:
    left = _left_over(one)
    return f"short by {scope.display.exact_amount(left, 2)}" if left else "to the cent"


def _left_over(one: Past) -> float:
    parts = one.parts.set_index("part")["actual_amount"]
    return round(float(parts[COMPANY_PART] - parts.drop(COMPANY_PART).sum()), 2)


def _record_finding(grades: pd.DataFrame, scope: Scope) -> Finding | None:
    quarters = grades[grades["horizon"] == "quarter"]
    errors = {m: quarters.loc[quarters["model"] == m, "total_error_share"] for m in MODELS.values()}
    ours = errors[OUR_MODEL].dropna()
    if len(ours) < 2:
        return None
    change, share = scope.display.change, scope.display.share
    few = "; too few to rely on" if len(ours) < _FEW_QUARTERS else ""
    rest = "; ".join(f"{m}: {share(e.abs().mean(), 0)}" for m, e in errors.items())
    return Finding(
        f"Over {len(ours)} graded quarters the total was missed by {change(ours.min(), 0)} to "
        f"{change(ours.max(), 0)}{few}.",
        f"Mean size of the miss: {rest}.",
        metric="mean_total_error",
        value=float(ours.abs().mean()),
    )


def _listed(texts: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(texts[:-1]), *texts[-1:]) if part)


def caveats(past: Sequence[Past], grades: pd.DataFrame, scope: Scope) -> tuple[str, ...]:
    """Return the limits of what the scoreboard says."""
    return tuple(_caveats(past, grades, scope))


def _caveats(past: Sequence[Past], grades: pd.DataFrame, scope: Scope) -> Iterator[str]:
    quarters = [one for one in past if one.horizon == "quarter"]
    if len(quarters) < _FEW_QUARTERS:
        count = "one quarter is" if len(quarters) == 1 else f"{len(quarters)} quarters are"
        yield f"Only {count} graded: that says little about totals."
    if any(one.is_replay for one in past):
        yield (
            "Forecasts marked as a replay were computed after their time, by code that may have "
            "been written with that time in view."
        )
    yield (
        "What came, and the quarters that the simple rules use, are as known at the end of "
        f"{scope.period}; the frozen forecast knew less where postings came late."
    )
    largest = grades.loc[grades["model"] == OUR_MODEL, "largest_five_error_share"].dropna()
    if len(largest):
        share = scope.display.share(largest.iloc[-1], 0)
        yield f"The five customers missed by most make {share} of the squared error."
    for one in past:
        if _left_over(one):
            yield f"The parts of {one.period} are {_balance(one, scope)} of the company's revenue."


def definitions(attained_share: float, scope: Scope) -> dict[str, str]:
    """Return the terms of the chapter."""
    return {
        "Frozen": "kept as it was first published for its period; a later run of that period never "
        "changes what is graded",
        "Last quarter again": "each customer buys what he bought in the quarter before the "
        "forecast (a year: four times that)",
        "Mean of four quarters": "each customer buys the mean of the four quarters before the "
        "forecast (a year: their sum)",
        "Error of tenths": "customers in ten parts by their forecast; mean over the parts of how "
        "far the forecast of the part was from what came",
        "Ranking": "normalised Gini: 1 when the forecast puts customers in the order of what came, "
        "0 when it does no better than chance",
        "Interval score": "mean width of the 80 % ranges plus ten times what lay outside",
        "Target met": "what came is at least the target; only targets above zero count, and "
        f"{scope.display.share(attained_share, 0)} are meant to be met",
        "Replay": "a frozen forecast that was computed after its time was over, from what was "
        "known before",
    }
