"""What lies ahead of the target: gaps, the bridge, what must be won, and whether we can."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.core.scope import Scope
from analysis.strategy.tree_backwards import (
    Selling,
    need_draws,
    need_table,
    pipeline_enough,
    selling_of,
)
from analysis.strategy.tree_bridge import Bridge, Start, bridge_of
from analysis.strategy.tree_draws import Floats, lognormal_draws
from analysis.strategy.tree_gap import company_targets, gap_table, known_targets, rate_of
from analysis.strategy.tree_goals import Known, goal_table, unknown_metrics
from analysis.strategy.tree_inputs import Aims, Business, Chapters, Sales, TargetTreeOptions
from analysis.strategy.tree_past import Past
from analysis.strategy.tree_people import Plan, Role, enough_share, people_table, roles_of
from analysis.strategy.tree_sources import levers_of, means_of, whole_quarters

_DRAWS = 4000
_ENOUGH = ["what", "wanted", "have_low", "have_mid", "have_high", "unit", "chance_share", "how"]


@dataclass(frozen=True)
class Inputs:
    """Everything that the chapter takes in."""

    business: Business
    aims: Aims
    sales: Sales
    chapters: Chapters
    options: TargetTreeOptions


@dataclass(frozen=True)
class Missing:
    """How much of the next target is missing: as expected, and to be as sure as wanted."""

    target: float
    expected_amount: float
    sure_amount: float
    sure_share: float  # as sure as that; missing where the forecast has no range


@dataclass(frozen=True)
class Ahead:
    """Tables and numbers of what lies ahead; None where nothing can be said."""

    gaps: pd.DataFrame
    goals: pd.DataFrame
    unknown_metrics: list[str]
    missing: Missing
    bridge: Bridge
    means_said: tuple[str, ...]
    forecast: dict[str, float] | None
    selling: Selling | None = None
    need: pd.DataFrame | None = None
    people: pd.DataFrame | None = None
    plan: Plan | None = None
    enough: pd.DataFrame | None = None


def ahead_of(inputs: Inputs, past: Past, scope: Scope) -> Ahead:
    """Hold targets against what is expected, build the bridge, and work back what is missing."""
    span = "year" if scope.period.cadence == "annual" else "quarter"
    forecast = inputs.chapters.forecast(span)
    targets = inputs.aims.table(scope)
    gaps = gap_table(company_targets(targets, scope), past.quarters, forecast, scope)
    known = Known(
        past.quarters,
        past.margins,
        inputs.chapters.forecast("quarter"),
        inputs.chapters.forecast("year"),
        inputs.chapters.market_share(),
    )
    all_targets = known_targets(targets, scope)
    missing = _missing(gaps, forecast, inputs.options, scope)
    bridge, said = _bridge(inputs, past, forecast, missing.target, scope)
    found = Ahead(
        gaps,
        goal_table(all_targets, known, scope, inputs.options.seed),
        unknown_metrics(all_targets),
        missing,
        bridge,
        said,
        forecast,
    )
    return _with_selling(found, inputs, scope)


def _missing(
    gaps: pd.DataFrame, forecast: dict[str, float] | None, options: TargetTreeOptions, scope: Scope
) -> Missing:
    coming = gaps[gaps["period"] == scope.next_period.name]
    if coming.empty:
        return Missing(float("nan"), 0.0, 0.0, float("nan"))
    row = coming.iloc[0]
    target = float(row["target_amount"])
    gap = row["rate_gap_amount"] if np.isnan(row["gap_amount"]) else row["gap_amount"]
    expected = max(float(gap), 0.0) if np.isfinite(gap) else 0.0
    generator = np.random.default_rng(options.seed)
    draws = None if forecast is None else lognormal_draws(forecast, generator, _DRAWS)
    if draws is None:
        return Missing(target, expected, expected, float("nan"))
    sure = float(np.quantile(draws, 1 - options.sure_share))
    return Missing(target, expected, max(target - sure, 0.0), options.sure_share)


def _bridge(
    inputs: Inputs, past: Past, forecast: dict[str, float] | None, target: float, scope: Scope
) -> tuple[Bridge, tuple[str, ...]]:
    business, sales, chapters = inputs.business, inputs.sales, inputs.chapters
    names = whole_quarters(business.company_days, past.quarters, scope)
    seed = inputs.options.seed
    levers, kept = levers_of(business, sales, chapters, names, scope, seed)
    means, said = means_of(sales, chapters, levers, past.margin_share, scope, seed)
    rate = rate_of(scope.next_period.name, past.quarters, scope)
    start = Start(rate, forecast, past.customer_share, kept)
    return bridge_of(start, levers, means, target, seed), said


def _with_selling(found: Ahead, inputs: Inputs, scope: Scope) -> Ahead:
    sales, options = inputs.sales, inputs.options
    if sales.opportunities is None:
        return found
    as_of = pd.Timestamp(scope.as_of)
    stages = inputs.chapters.table("sales/funnel", "stages")
    selling = selling_of(sales.opportunities, sales.leads, as_of, stages)
    amount = found.missing.sure_amount
    need = need_table(amount, selling, options.seed, found.missing.expected_amount)
    draws = need_draws(amount, selling, options.seed)
    nothing = np.zeros(_DRAWS)
    extra = {
        "deals": draws["opened"][2] if "opened" in draws else nothing,
        "leads": draws["leads"][2] if "leads" in draws else nothing,
    }
    plan = _plan(inputs, scope)
    roles = (
        () if sales.reps is None else roles_of(sales.opportunities, sales.leads, sales.reps, as_of)
    )
    people = people_table(roles, extra, plan, options.seed)
    enough = _enough(selling, amount, inputs, roles, extra["deals"], plan, scope)
    return replace(found, selling=selling, need=need, people=people, plan=plan, enough=enough)


def _plan(inputs: Inputs, scope: Scope) -> Plan:
    measured, options = inputs.chapters.ramp_months(), inputs.options
    ramp = options.ramp_months if measured is None else measured
    months = 12 if scope.period.cadence == "annual" else 3
    return Plan(ramp, options.leaving_share, options.sure_share, months)


def _enough(
    selling: Selling,
    amount: float,
    inputs: Inputs,
    roles: tuple[Role, ...],
    extra: Floats,
    plan: Plan,
    scope: Scope,
) -> pd.DataFrame:
    """Whether what there is does the usual and brings the rest as well.

    Columns: what (pipeline, people, both); wanted; have_low, have_mid, have_high; unit;
    chance_share; how.
    """
    part = plan.months / 12
    wanted = selling.won_amount * part + amount
    pipeline = inputs.chapters.pipeline(_pipeline_period(scope))
    points = pipeline or dict.fromkeys(("low", "mean", "high"), float("nan"))
    chance = pipeline_enough(wanted, pipeline)
    how = "deals won usually and what is missing, against the pipeline forecast"
    how = how if pipeline else "cannot conclude: there is no forecast of the pipeline"
    ends = [points["low"], points["mean"], points["high"]]  # the number of the pipeline's chapter
    rows = [("pipeline", wanted, *ends, "won amount", chance, how)]
    rows.append(_people_row(roles, extra, plan, inputs.options.seed))
    both = rows[0][6] * rows[1][6]
    said = "both, were they independent" if both == both else "cannot conclude: one is not known"
    rows.append(("both", *[float("nan")] * 4, "", both, said))
    return pd.DataFrame(rows, columns=_ENOUGH)


def _people_row(roles: tuple[Role, ...], extra: Floats, plan: Plan, seed: int) -> tuple:
    """All who close deals, as though they could stand in for each other."""
    mine = [role for role in roles if role.work == "deals"]
    time = sum(role.full_time_quarters for role in mine)
    unit = "deals ended"
    if time <= 0:
        how = "cannot conclude: who closes deals, and their time, is not known (table reps)"
        return ("people", *[float("nan")] * 4, unit, float("nan"), how)
    done, have = sum(role.done_count for role in mine), sum(role.have for role in mine)
    generator = np.random.default_rng([seed, 99])
    rates = generator.gamma(done + 0.5, 1 / time, len(extra))
    luck = generator.random((2, len(extra)))
    wanted = done * plan.months / 12 + extra
    chance = enough_share(have, 0, wanted=wanted, rates=rates, plan=plan, luck=luck)
    ends = np.quantile(rates * have * plan.months / 3, [0.1, 0.5, 0.9])
    how = "full-time sellers at their pace of the year, leavers drawn"
    return ("people", float(np.median(wanted)), *ends, unit, chance, how)


def _pipeline_period(scope: Scope) -> str:
    if scope.period.cadence != "annual":
        return scope.next_period.name
    last = scope.closing_quarter.period
    first, end = (scope.calendar.shift(last, step).name for step in (1, 4))
    return f"{first} to {end}"
