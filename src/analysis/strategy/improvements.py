"""What is each improvement worth, and did it bring what was promised?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.problems import Problem, SettingsError, raise_all
from analysis.core.result import Decision, Finding, Number, Result
from analysis.core.scope import Scope
from analysis.strategy.effect import (
    CANNOT,
    EFFECT,
    Effect,
    difference_in_differences,
    nothing_known,
)
from analysis.strategy.improvement_panels import Measured, driver_panel
from analysis.strategy.improvement_value import Base, value_table
from analysis.strategy.improvements_chart import promise_chart

NAME = "improvements"
TITLE = "What improvements are worth, and what they brought"
_WORKING_DAYS = 220  # of a person in a year
_RELATIVE = ("order_amount", "orders_per_customer", "response_hours")  # measured as logs


@dataclass(frozen=True)
class ImprovementsOptions:
    """Choices of the chapter on improvements."""

    draws: int = 4000  # of promised effects
    hour_amount: float = 45.0  # cost of one working hour, company currency
    used_share: float = 0.5  # of freed hours that are put to use
    response_elasticity: float = -0.1  # change of deals won per change of hours to an answer
    seed: int = 0  # of draws

    def __post_init__(self) -> None:
        ranges = {
            "draws": (200, 100_000),
            "hour_amount": (0, 10_000),
            "used_share": (0, 1),
            "response_elasticity": (-5, 0),
            "seed": (0, 2**32 - 1),
        }
        problems = [
            Problem(f"improvements option {n}", repr(v), f"{low} to {high}", "mend the value")
            for n, (low, high) in ranges.items()
            if not low <= (v := getattr(self, n)) <= high
        ]
        raise_all(problems, SettingsError)


def improvements(
    plans: pd.DataFrame | None,
    assignments: pd.DataFrame | None,
    measured: Measured,
    *,
    scope: Scope,
    options: ImprovementsOptions | None = None,
) -> Result:
    """Value every improvement of the table before, and measure those that have begun after.

    Tables of the Result: `before` (see `value_table`), `after` (one row per improvement that took
    effect: effect and range in the driver's unit, p-values, verdict and why, what would make it
    conclusive), `ledger` (promised against realised, a line each). An improvement whose plan was
    not known at the period's end is not seen.
    """
    options = options or ImprovementsOptions()
    if plans is None or plans.empty:
        sentence = "No improvement is planned: a table improvements names them with their promise."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    known = plans[plans["starts_on"].isna() | (plans["starts_on"] <= pd.Timestamp(scope.as_of))]
    if known.empty:
        sentence = f"No improvement had been planned by the end of {scope.period}."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    before = value_table(known, base_of(measured, scope, options), options.draws, options.seed)
    after = effect_table(known, assignments, measured, scope, options)
    ledger = ledger_table(known, after)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(before, after),
        findings=_findings(before, after, ledger, scope),
        decisions=_decisions(before, after, ledger),
        tables={"before": before, "after": after, "ledger": ledger},
        charts={"promises": promise_chart(ledger, scope)},
        caveats=_caveats(before, scope, options),
        definitions={
            "Worth a year": "Promised change of the driver times the money that it acts on; ranges "
            "of the promise are drawn. Effects on one stream of money multiply; parts sum.",
            "Effect": "Change of those treated beyond that of the others over the same quarters. "
            "It counts when fewer than one in twenty ways to give the treatment to others would "
            "show as much, and a date before and the course before are clean.",
            "Cannot conclude": "Too few units, or something else moved the treated ones: no number "
            "here would mean anything.",
        },
    )


def base_of(measured: Measured, scope: Scope, options: ImprovementsOptions) -> Base:
    """Return the money of the last four quarters that drivers act on."""
    margin = revenue = deals = float("nan")
    hours: dict[str, float] = {}
    if measured.customer_periods is not None:
        names = sorted(
            n for n in measured.customer_periods["period"].unique() if n <= scope.period.name
        )
        year = measured.customer_periods[measured.customer_periods["period"].isin(names[-4:])]
        known = year["margin_amount"].astype(float)
        revenue = float(year["revenue_amount"].astype(float).sum())
        margin = float(known.sum()) if known.notna().all() else float("nan")
    if measured.opportunities is not None:
        table = measured.opportunities
        end = pd.Timestamp(scope.as_of) + pd.Timedelta(days=1)
        is_year = (table["closed_at"] < end) & (table["closed_at"] >= end - pd.Timedelta(days=365))
        won = table[table["is_won"].astype(bool) & is_year]["value_amount"].astype(float).sum()
        share = margin / revenue if revenue else float("nan")
        deals = float(won) * share
    if measured.time_records is not None:
        hours = _yearly_hours(measured.time_records, scope)
    return Base(
        margin, deals, revenue, hours, options.hour_amount, options.used_share,
        options.response_elasticity,
    )  # fmt: skip


def _yearly_hours(records: pd.DataFrame, scope: Scope) -> dict[str, float]:
    """A year's worked hours by category, of everybody recorded, from the mean recorded day."""
    end = pd.Timestamp(scope.as_of) + pd.Timedelta(days=1)
    start = end - pd.Timedelta(days=365)
    year = records[(records["worked_on"] < end) & (records["worked_on"] >= start)]
    days = year.drop_duplicates(["rep_id", "worked_on"]).shape[0]
    if not days:
        return {}
    scale = _WORKING_DAYS * year["rep_id"].nunique() / days
    sums = year.groupby("category")["worked_hours"].sum().astype(float) * scale
    return sums.to_dict()


def effect_table(
    known: pd.DataFrame,
    assignments: pd.DataFrame | None,
    measured: Measured,
    scope: Scope,
    options: ImprovementsOptions,
) -> pd.DataFrame:
    """Return one row per improvement that took effect by the period's end.

    Columns: improvement_id; name; driver; unit (log change or share points); effect, low, high (80
    % range); p_value; least_p_value; placebo_p_value; pre_trend_p_value; treated_count;
    control_count; verdict; why; detectable; periods_needed (quarters, at the units there are, until
    an effect of this size would be found 8 times in 10).
    """
    begun = known[known["effective_on"] <= pd.Timestamp(scope.as_of)]
    rows = [
        _effect_row(plan, assignments, measured, scope, options)
        for plan in begun.sort_values("improvement_id").itertuples()
    ]
    columns = ["improvement_id", "name", "driver", "unit", "effect", "low", "high", "p_value"]
    columns += ["least_p_value", "placebo_p_value", "pre_trend_p_value", "treated_count"]
    columns += ["control_count", "verdict", "why", "detectable", "periods_needed"]
    return pd.DataFrame(rows, columns=columns)


def _effect_row(
    plan: tuple,
    assignments: pd.DataFrame | None,
    measured: Measured,
    scope: Scope,
    options: ImprovementsOptions,
) -> tuple:
    found = _measured_effect(plan, assignments, measured, scope, options)
    unit = "relative" if plan.driver in _RELATIVE else "points"
    value, low, high = found.value, found.low, found.high
    if unit == "relative":
        value, low, high = (float(np.expm1(number)) for number in (value, low, high))
    return (
        plan.improvement_id, plan.name, plan.driver, unit, value, low, high, found.p_value,
        found.least_p_value, found.placebo_p_value, found.pre_trend_p_value, found.treated_count,
        found.control_count, found.verdict, found.why, found.detectable, found.periods_needed,
    )  # fmt: skip


def _measured_effect(
    plan: tuple,
    assignments: pd.DataFrame | None,
    measured: Measured,
    scope: Scope,
    options: ImprovementsOptions,
) -> Effect:
    mine = None
    if assignments is not None:
        mine = assignments[assignments["improvement_id"] == plan.improvement_id]
        mine = mine[mine["treated_from_on"] <= pd.Timestamp(scope.as_of)]
    if mine is None or mine.empty:
        return nothing_known("nobody is named as treated, so there is nobody to compare with")
    unit_types = mine["unit_type"].unique()
    if len(unit_types) > 1:
        return nothing_known("treated units are of several kinds")
    panel = driver_panel(plan.driver, str(unit_types[0]), measured, scope)
    if panel is None:
        return nothing_known(f"{plan.driver} is not measured by {unit_types[0]}", len(mine))
    names = list(panel.columns)
    treated = {}
    for row in mine.itertuples():
        quarter = scope.calendar.containing(row.treated_from_on.date(), "quarterly").name
        treated[str(row.unit_id)] = sum(name < quarter for name in names)
    return difference_in_differences(panel, treated, options.seed)


def ledger_table(known: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return promised against realised: one row per improvement that took effect.

    Columns: improvement_id; name; owner; driver; promised_low, promised_mid, promised_high
    (relative change of the driver); realised, realised_low, realised_high (missing unless
    measured); unit; verdict; kept ("kept", "not kept", "cannot conclude": whether the range of what
    was realised reaches the middle of the promise).
    """
    promised = known.set_index("improvement_id")
    rows = []
    for row in after.itertuples():
        plan = promised.loc[row.improvement_id]
        points = [float(plan[f"effect_{part}"]) for part in ("low", "mid", "high")]
        rows.append(
            (row.improvement_id, row.name, plan["owner"], row.driver, *points, row.effect, row.low,
             row.high, row.unit, row.verdict, _kept(row, points[1]))
        )  # fmt: skip
    columns = ["improvement_id", "name", "owner", "driver", "promised_low", "promised_mid"]
    columns += ["promised_high", "realised", "realised_low", "realised_high", "unit", "verdict"]
    return pd.DataFrame(rows, columns=[*columns, "kept"])


def _kept(row: tuple, promise: float) -> str:
    if row.verdict == CANNOT or not np.isfinite(row.effect):
        return CANNOT
    if row.unit != "relative":
        # A promise in per cent of a share is not comparable with points without its level.
        return "effect, size not comparable" if row.verdict == EFFECT else CANNOT
    reaches = row.high >= promise if promise > 0 else row.low <= promise
    if not reaches:
        return "not kept"
    return "kept" if row.verdict == EFFECT else CANNOT


def _headline(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, Number]:
    together = before["together_amount"].sum(min_count=1)
    return {
        "count": Number("Improvements", float(len(before)), "count"),
        "promised": Number("Promised together, a year", float(together), "amount"),
        "shown": Number("Shown to work", float((after["verdict"] == EFFECT).sum()), "count"),
    }


def _findings(
    before: pd.DataFrame, after: pd.DataFrame, ledger: pd.DataFrame, scope: Scope
) -> tuple[Finding, ...]:
    count = scope.display.count
    found = [_best(before, scope)]
    if len(after):
        worked = ", ".join(after.loc[after["verdict"] == EFFECT, "name"]) or "none"
        unknown = int((after["verdict"] == CANNOT).sum())
        found.append(
            Finding(
                f"Of {count(len(after))} improvements in effect, shown to work: {worked}.",
                f"Of {count(unknown)} nothing can be concluded. "
                + " ".join(f"{row.name}: {row.why}." for row in after.itertuples()),
            )
        )
    return tuple(finding for finding in found if finding is not None)


def _best(before: pd.DataFrame, scope: Scope) -> Finding | None:
    known = before[before["value_mid_amount"].notna()]
    if known.empty:
        return None
    first, amount, share = known.iloc[0], scope.display.amount, scope.display.share
    payback = first["payback_months"]
    text = "never pays back" if np.isnan(payback) else f"pays back in {payback:.0f} months"
    return Finding(
        f"{first['name']} promises most: {amount(first['value_mid_amount'])} a year.",
        f"80 % range {amount(first['value_low_amount'])} to {amount(first['value_high_amount'])}; "
        f"it {text}; the first year costs more than it brings with a chance of "
        f"{share(first['loss_share'], 0)}. A promise, not a measurement.",
        metric="promised_amount",
        value=float(first["value_mid_amount"]),
    )


def _decisions(
    before: pd.DataFrame, after: pd.DataFrame, ledger: pd.DataFrame
) -> tuple[Decision, ...]:
    open_ones = after[(after["verdict"] != EFFECT)]
    costs = before.set_index("improvement_id")["year_cost_amount"]
    owners = ledger.set_index("improvement_id")["owner"]
    asked = []
    for row in open_ones.itertuples():
        cost = float(costs[row.improvement_id])
        if cost > 0:
            text = f"Go on with {row.name}? It is not shown to work."
            owner = owners[row.improvement_id]
            owner = "" if pd.isna(owner) else str(owner)
            asked.append(Decision(text, worth_amount=cost, owner=owner))
    return tuple(sorted(asked, key=lambda one: -(one.worth_amount or 0))[:2])


def _caveats(before: pd.DataFrame, scope: Scope, options: ImprovementsOptions) -> tuple[str, ...]:
    share = scope.display.share
    texts = [
        f"Freed hours count as far as they are used ({share(options.used_share, 0)}, an "
        f"assumption) at {scope.display.exact_amount(options.hour_amount)} each.",
        "Faster answers are assumed to raise deals won by "
        f"{share(-0.1 * options.response_elasticity, 1)} for each 10 % less time.",
    ]
    unknown = before.loc[before["value_mid_amount"].isna(), "name"]
    if len(unknown):
        texts.append(f"No value can be given for {', '.join(unknown)}: the driver is not known.")
    return tuple(texts)
