"""Which target does each customer get: fair ones, spread so that they sum to what is demanded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.core.problems import Problem, SettingsError, raise_all
from analysis.core.result import Finding
from analysis.core.scope import Scope
from analysis.customers.growth_forecast import Forecast
from analysis.customers.growth_origins import Origin
from analysis.customers.growth_others import NOBODY, TO_COME
from analysis.customers.growth_potential import peer_sales
from analysis.customers.target_backtest import target_backtest, target_inputs
from analysis.customers.target_fairness import fairness_finding, fairness_tables
from analysis.customers.target_spread import demand_table, demands, reconcile
from analysis.customers.targets import Reach, TargetOptions, draft_targets, reachable_share

# Quarter ends whose potential is computed again; older ones teach without a gap.
_GAP_QUARTERS = 4
_LIMITS_FILE = "data/raw/overrides/targets.csv"
_LIMITS = {"floors": "floor_amount", "ceilings": "ceiling_amount", "locked": "locked_amount"}

Floats = np.ndarray


@dataclass(frozen=True)
class TargetsAsked:
    """What is demanded: the sources' `targets` table, the company's target of the next quarter from
    project.toml, and an analyst's floors, ceilings and locks by customer; None where there is none.
    """

    targets: pd.DataFrame | None = None
    company_amount: float | None = None
    limits: pd.DataFrame | None = None


@dataclass(frozen=True)
class TargetsSet:
    """The outcome: a row per customer in the order of the origin, and what stands behind it."""

    customers: pd.DataFrame  # customer_id, target, stretch and pool columns of customer_growth
    reach: Reach
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    refused: tuple[str, ...] = ()  # why a demand was not met, in words


def past_inputs(
    origins: Sequence[Origin], forecasts: Sequence[Forecast], potential_share: float
) -> pd.DataFrame:
    """Return what targets would have been drafted from at earlier quarter ends, and what came."""
    first_with_gap = len(origins) - _GAP_QUARTERS
    parts = []
    for number, (origin, forecast) in enumerate(zip(origins, forecasts, strict=True)):
        net = forecast.sales * origin.net_share
        gap = _gap(origin, net, potential_share) if number >= first_with_gap else None
        parts.append(target_inputs(origin.table, net, gap, origin.active_share.clip(0, 1)))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def set_targets(
    now: pd.DataFrame,
    past: pd.DataFrame,
    asked: TargetsAsked,
    totals: pd.DataFrame,
    *,
    scope: Scope,
    options: TargetOptions,
) -> TargetsSet:
    """Draft fair targets and reconcile them with what is demanded of the next quarter.

    `now` and `past` are as of `target_inputs`; of `totals` the lines of customers yet to come and
    of revenue without a customer are taken off the demand. A demand that cannot be met is refused
    with its numbers, and the drafts stay.
    """
    if past.empty:
        past = now.head(0).assign(origin="", actual_amount=0.0)
    drafts = draft_targets(now, past, options)
    tables, refused, final = {}, (), drafts.set_index("customer_id")["target_amount"]
    try:
        spread, demanded = _reconciled(drafts, now, asked, totals, scope)
        final = spread.set_index("customer_id")["target_amount"]
        if len(demanded):
            tables["target_demands"] = demand_table(spread, demanded)
    except SettingsError as error:
        refused = tuple(_refusal(problem) for problem in error.problems)
    if past["origin"].nunique() > 1:
        graded = target_backtest(past, options)
        tables |= fairness_tables(graded) if len(graded) else {}
    target = drafts["customer_id"].map(final).to_numpy(float)
    customers = pd.DataFrame(
        {
            "customer_id": drafts["customer_id"],
            "target_quarter_amount": target,
            "stretch_quarter_amount": np.maximum(drafts["stretch_amount"].to_numpy(float), target),
            "target_pool_id": drafts["pool_id"].where(drafts["is_pooled"]).astype("str"),
        }
    )
    return TargetsSet(customers, reachable_share(past, options), tables, refused)


def _refusal(problem: Problem) -> str:
    return f"{problem.where}: {problem.found}; {problem.expected}; {problem.mend}"


def target_findings(targets: TargetsSet, scope: Scope) -> tuple[Finding, ...]:
    """Say whether targets set in earlier quarters would have been met alike by all."""
    finding = fairness_finding(targets.tables, scope)
    return () if finding is None else (finding,)


def target_caveats(targets: TargetsSet, scope: Scope) -> tuple[str, ...]:
    """Say where the reach comes from, and which demand was refused."""
    share = scope.display.share(targets.reach.share, 0)
    source = (
        "an assumption, too few quarters to learn it from"
        if targets.reach.is_assumed
        else f"learnt from {targets.reach.quarter_count} quarters"
    )
    said = f"Targets hold {share} of each gap of a quarter: {source}."
    return (said, *(f"A demanded target was refused: {words}." for words in targets.refused))


def _reconciled(
    drafts: pd.DataFrame,
    now: pd.DataFrame,
    asked: TargetsAsked,
    totals: pd.DataFrame,
    scope: Scope,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    others = totals[totals["level_id"].isin((TO_COME, NOBODY))]["forecast_quarter_amount"].sum()
    demanded = demands(
        asked.targets,
        scope.next_period,
        as_of=scope.as_of,
        company_amount=asked.company_amount,
        others_amount=float(others),
    )
    wanted = ["customer_id", "region_id", *_ENDS]
    table = drafts[["customer_id", "target_amount"]].merge(
        now[[name for name in wanted if name in now]], on="customer_id", how="left"
    )
    return reconcile(table, demanded, **_limits(asked.limits)), demanded


_ENDS = ("forecast_quarter_low_amount", "forecast_quarter_high_amount")


def _limits(limits: pd.DataFrame | None) -> dict[str, dict[str, float]]:
    if limits is None:
        return {}
    raise_all(list(_limit_problems(limits)), SettingsError)
    return {name: _amounts(limits, column) for name, column in _LIMITS.items() if column in limits}


def _amounts(limits: pd.DataFrame, column: str) -> dict[str, float]:
    given = pd.to_numeric(limits.set_index("customer_id")[column].replace("", np.nan)).dropna()
    return {str(customer): float(amount) for customer, amount in given.items()}


def _limit_problems(limits: pd.DataFrame) -> Iterator[Problem]:
    """Find what an analyst's file of floors, ceilings and locks gets wrong."""
    expected = ("customer_id", *_LIMITS.values(), "note")
    unknown = [name for name in limits if name not in expected]
    if unknown or "customer_id" not in limits:
        found, mend = (
            f"columns {', '.join(map(str, limits))}",
            "write these names on its first line",
        )
        yield Problem(
            _LIMITS_FILE, found, f"customer_id and any of {', '.join(expected[1:])}", mend
        )
        return
    twice = limits["customer_id"][limits["customer_id"].duplicated()]
    for customer in sorted(set(twice)):
        yield Problem(_LIMITS_FILE, f"{customer} twice", "one row per customer", "keep one of them")
    for column in [name for name in _LIMITS.values() if name in limits]:
        given = limits[column].replace("", np.nan).dropna()
        for amount in given[pd.to_numeric(given, errors="coerce").isna()]:
            where, found = f"{_LIMITS_FILE}, {column}", repr(amount)
            yield Problem(
                where, found, "an amount such as 1200.50", "write it with a decimal point"
            )


def _gap(origin: Origin, net: Floats, potential_share: float) -> Floats | None:
    peers = peer_sales(origin.table, origin.rate, potential_share)
    if peers is None:
        return None
    return np.maximum(peers * origin.net_share - net * origin.year_ratio, 0)
