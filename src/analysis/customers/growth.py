"""How can each customer grow: what will he spend, how sure is that, what is left untapped?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.problems import Problem, SettingsError, raise_all
from analysis.core.result import Result
from analysis.core.scope import Scope
from analysis.core.tables import check_table
from analysis.core.tables_derived import CUSTOMER_GROWTH
from analysis.customers.btyd import FitError
from analysis.customers.growth_backtest import backtest_table
from analysis.customers.growth_charts import decile_chart, history_chart
from analysis.customers.growth_findings import (
    caveats,
    decisions,
    definitions,
    findings,
    missed_words,
    reasons,
)
from analysis.customers.growth_forecast import Forecast, forecast_all
from analysis.customers.growth_headline import headline
from analysis.customers.growth_known import Beside, known_facts
from analysis.customers.growth_level import daily_sales
from analysis.customers.growth_margin import learn_margins
from analysis.customers.growth_margin_tables import (
    MarginTables,
    Revenues,
    margin_tables,
    with_margins,
)
from analysis.customers.growth_offers import SoldProducts, offers, with_offers
from analysis.customers.growth_origins import Origin, by_customer, known_origins, origin_now
from analysis.customers.growth_others import with_others
from analysis.customers.growth_potential import peer_sales
from analysis.customers.growth_ranges import (
    Experience,
    gather,
    interval,
    widened,
)
from analysis.customers.growth_targets import (
    TargetsAsked,
    TargetsSet,
    past_inputs,
    set_targets,
    target_caveats,
    target_findings,
)
from analysis.customers.growth_totals import spread_of, totals_table
from analysis.customers.growth_years import simulated_interval, year_interval
from analysis.customers.target_backtest import target_inputs
from analysis.customers.targets import TargetOptions

NAME = "growth"
TITLE = "How customers can grow"
_QUARTER_DAYS = 91
_STRETCH_ATTAINED = 0.2  # chance that a stretch target is met
_ENDS = ("forecast_quarter_low_amount", "forecast_quarter_high_amount")

Floats = np.ndarray
Ends = tuple[Floats, Floats]


@dataclass(frozen=True)
class GrowthOptions:
    """Choices of the growth chapter."""

    history_quarters: int = 8  # earlier quarter ends to learn from, 1 to 8
    shock_share: float = 0.25  # assumed error of a quarter's total before there is experience
    potential_share: float = 0.8  # share of similar customers that stay below the potential
    attained_share: float = 0.5  # share of targets that are to be met
    stretch_share: float = 0.1  # of the reachable gap, added to the forecast before the target
    seed: int = 0  # of simulated years, used where no year is known yet

    def __post_init__(self) -> None:
        problems = [
            _outside(name, getattr(self, name), low, high)
            for name, low, high in (
                ("history_quarters", 1, 8),
                ("shock_share", 0.01, 1),
                ("potential_share", 0.5, 0.99),
                ("attained_share", 0.05, 0.95),
                ("stretch_share", 0, 1),
                ("seed", 0, 2**32 - 1),
            )
            if not low <= getattr(self, name) <= high
        ]
        raise_all(problems, SettingsError)


def growth(
    customer_features: pd.DataFrame,
    backtest_origins: pd.DataFrame,
    company_days: pd.DataFrame | None = None,
    sold: SoldProducts | None = None,
    asked: TargetsAsked | None = None,
    beside: Beside | None = None,
    *,
    scope: Scope,
    options: GrowthOptions | None = None,
) -> Result:
    """Forecast each known customer's next quarter and year, and say how good that would have been.

    Tables of the Result: `customer_growth` (every customer of `customer_features`, see its
    declaration), `backtest` (see `backtest_table`), `totals` (company, region, industry, business
    model: sums of `customer_growth`, to the cent, with 80 % intervals of the sums; `with_others`
    adds the rest of the company's revenue), `deciles` (the last quarter replayed: forecast and
    actual by tenth of customers), `target_attainment` (would targets have been met as often as
    designed?); where there are products `potential_categories` and `next_services`; where a target
    is demanded `target_demands`; where `beside` tells margins `margin_totals` and
    `margin_backtest`. Without `company_days` neither the year before nor the rest of the revenue is
    known. What `beside` knows in advance is a column for the trees.

    Customers who have not ordered yet are not forecast. A customer who bought once is forecast from
    all others who did. Returns are taken off at the customer's own rate, drawn to that of all. Hard
    cases, and what is done about each: docs/growth.md.
    """
    options = options or GrowthOptions()
    if scope.period.cadence not in ("quarterly", "annual"):
        sentence = f"{scope.period} is not a quarter or a year; growth is forecast by quarter."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    scope = scope.closing_quarter
    if customer_features.empty:
        sentence = "No order is known: invoice lines are missing, or nobody has bought yet."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    try:
        tables = (customer_features, backtest_origins, company_days)
        work = _work(*tables, beside or Beside(), scope, options)
    except FitError as error:
        sentence = f"Too few repeat purchases to forecast: {error.problems[0].found}."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    customers, margins = _customer_table(work, beside or Beside(), scope, options)
    made = offers(
        sold,
        work.now,
        customers[["customer_id", "forecast_year_amount", "potential_year_amount"]],
        as_of=scope.as_of,
        potential_share=options.potential_share,
    )
    targets = _targets(work, customers, asked or TargetsAsked(), company_days, scope, options)
    customers = with_offers(customers, made).merge(targets.customers, on="customer_id")
    customers = customers[list(CUSTOMER_GROWTH.column_names)]
    totals = _totals(work, customers, company_days, scope, options)
    tables = {"customer_growth": check_table(customers, CUSTOMER_GROWTH), "totals": totals}
    tables |= made | targets.tables | margins.tables
    return with_margins(_result(work, tables, targets, scope, options), margins)


def _totals(
    work: "_Work",
    customers: pd.DataFrame,
    company_days: pd.DataFrame | None,
    scope: Scope,
    options: GrowthOptions,
) -> pd.DataFrame:
    deviation = spread_of(work.experience, work.forecast)
    totals = totals_table(customers, work.now.table, deviation, work.shock)
    if company_days is None:
        return totals
    return with_others(totals, work.origins, company_days, scope.calendar, options.shock_share)


def _targets(
    work: "_Work",
    customers: pd.DataFrame,
    asked: TargetsAsked,
    company_days: pd.DataFrame | None,
    scope: Scope,
    options: GrowthOptions,
) -> TargetsSet:
    now = work.now
    gap = customers["gap_year_amount"].to_numpy(float)
    inputs = target_inputs(now.table, work.forecast, gap, now.active_share.clip(0, 1)).assign(
        **{name: customers[name].to_numpy(float) for name in _ENDS}
    )
    choices = TargetOptions(
        attained_share=options.attained_share,
        stretch_attained_share=min(_STRETCH_ATTAINED, options.attained_share),
        assumed_reach_share=options.stretch_share,
        shock_share=options.shock_share,
    )
    past = past_inputs(work.origins, work.forecasts, options.potential_share)
    without = customers.assign(target_quarter_amount=np.nan, stretch_quarter_amount=np.nan)
    totals = _totals(work, without, company_days, scope, options)
    return set_targets(inputs, past, asked, totals, scope=scope, options=choices)


def _result(
    work: "_Work",
    tables: dict[str, pd.DataFrame],
    targets: TargetsSet,
    scope: Scope,
    options: GrowthOptions,
) -> Result:
    customers, totals = tables["customer_growth"], tables["totals"]
    backtest = backtest_table(work.origins, work.forecasts, work.targets)
    deciles, record = _decile_table(work), missed_words(backtest, scope)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=headline(customers, totals, work.now, _history(work.origins), record, scope),
        findings=findings(customers, totals, backtest, work.now.table, scope)
        + target_findings(targets, scope),
        decisions=decisions(customers, work.now.table, scope),
        tables=tables | {"backtest": backtest, "deciles": deciles},
        charts={
            "forecast_history": history_chart(backtest, totals, scope),
            "forecast_deciles": decile_chart(
                deciles, work.targets[-1] if work.targets else "nothing", scope
            ),
        },
        caveats=caveats(customers, backtest, work.now, scope) + target_caveats(targets, scope),
        definitions=definitions(options, backtest, work.experience.is_enough, scope),
    )


def _outside(name: str, value: float, low: float, high: float) -> Problem:
    expected = f"a number from {low} to {high}"
    return Problem(f"growth option {name}", str(value), expected, "write one within these limits")


@dataclass(frozen=True)
class _Work:
    """The customers now, the earlier quarter ends, and the forecasts made at each."""

    now: Origin
    origins: list[Origin]
    targets: list[str]  # the quarter after each of the origins
    forecasts: list[Forecast]  # sales, for each of the origins
    forecast: Floats  # revenue of the next quarter, now
    lift: float  # of the next quarter's total over what the models alone expect
    experience: Experience
    shock: float  # deviation of the log of a total


def _work(
    customer_features: pd.DataFrame,
    backtest_origins: pd.DataFrame,
    company_days: pd.DataFrame | None,
    beside: Beside,
    scope: Scope,
    options: GrowthOptions,
) -> _Work:
    # Sorted, so that nothing depends on the order of rows.
    table = by_customer(customer_features)
    calendar = scope.calendar
    # A quarter that the data end within is nothing to learn from or to be graded by.
    as_of = pd.Timestamp(scope.known_to if scope.is_cut_short else scope.as_of)
    now = origin_now(table, backtest_origins, scope)
    learnt = known_origins(backtest_origins, as_of, calendar, options.history_quarters)
    origins = [origin for origin in learnt if origin.is_quarter]
    daily = None if company_days is None else daily_sales(company_days)
    facts = known_facts([*learnt, now], beside)
    targets = [*origins, now]
    *forecasts, last = forecast_all(learnt, targets, daily, options.shock_share, facts)
    pairs = [(_net(o, f), o.revenue) for o, f in zip(origins, forecasts, strict=True)]
    return _Work(
        now=now,
        origins=origins,
        targets=[calendar.shift(calendar.parse(origin.name), 1).name for origin in origins],
        forecasts=forecasts,
        forecast=_net(now, last),
        lift=last.sales.sum() / now.base.sum(),
        experience=gather(pairs, [origin.orders for origin in origins]),
        shock=widened(last.level.deviation, now.history_days),
    )


def _net(origin: Origin, forecast: Forecast) -> Floats:
    return forecast.sales * origin.net_share


def _customer_table(
    work: _Work, beside: Beside, scope: Scope, options: GrowthOptions
) -> tuple[pd.DataFrame, MarginTables]:
    now, forecast = work.now, work.forecast
    year = forecast / work.lift * now.year_ratio
    year_ends = year_interval(work.origins, [f.sales for f in work.forecasts], now, year, options)
    if work.experience.is_enough:
        ends = interval(work.experience, forecast, work.shock, now.orders)
    else:
        ends = simulated_interval(now, forecast, _QUARTER_DAYS, options)
    peers = peer_sales(now.table, now.rate, options.potential_share)
    unknown = np.full(len(forecast), np.nan)
    potential = unknown if peers is None else np.maximum(peers * now.net_share, year)
    margins = _margins(work, beside, (forecast, ends, year, year_ends), scope)
    table = pd.DataFrame(
        {
            "customer_id": now.table["customer_id"],
            "active_share": now.active_share.clip(0, 1),
            "forecast_quarter_amount": forecast,
            "forecast_quarter_low_amount": ends[0],
            "forecast_quarter_high_amount": ends[1],
            "forecast_year_amount": year,
            "forecast_year_low_amount": year_ends[0],
            "forecast_year_high_amount": year_ends[1],
            "potential_year_amount": potential,
            "gap_year_amount": potential - year,
        }
    ).round({name: 2 for name in CUSTOMER_GROWTH.column_names if name.endswith("_amount")})
    table = table.assign(
        gap_year_amount=lambda t: (t["potential_year_amount"] - t["forecast_year_amount"]).round(2),
        reason=reasons(now.table, now.active_share),
    )
    return pd.concat([table, margins.columns], axis=1), margins


def _margins(
    work: _Work, beside: Beside, now: tuple[Floats, Ends, Floats, Ends], scope: Scope
) -> MarginTables:
    pairs = list(zip(work.origins, work.forecasts, strict=True))
    past = [_net(origin, forecast) for origin, forecast in pairs]
    shocks = [widened(f.level.deviation, o.history_days) for o, f in pairs]
    names = ([origin.name for origin in work.origins], work.targets)
    learnt = None
    if beside.customer_periods is not None:
        years = [amounts * o.year_ratio for (o, _), amounts in zip(pairs, past, strict=True)]
        learnt = learn_margins(
            work.now, work.origins, work.targets, (past, years), beside.customer_periods
        )
    revenues = Revenues(*now, work.shock, past, shocks)
    return margin_tables(learnt, work.now.table, revenues, names, scope)


def _decile_table(work: _Work) -> pd.DataFrame:
    """Return the last known quarter by tenth of customers, lowest forecast first.

    Columns: decile (1 to 10); customer_count; forecast_amount; actual_amount.
    """
    columns = ["decile", "customer_count", "forecast_amount", "actual_amount"]
    if len(work.origins) < 2:
        return pd.DataFrame(columns=columns)
    origin = work.origins[-1]
    forecast = _net(origin, work.forecasts[-1])
    tenths = np.array_split(np.argsort(forecast, kind="stable"), 10)
    rows = [
        (number, len(tenth), forecast[tenth].sum(), origin.revenue[tenth].sum())
        for number, tenth in enumerate(tenths, 1)
    ]
    return pd.DataFrame(rows, columns=columns)


def _history(origins: list[Origin]) -> tuple[float, ...]:
    return tuple(float(origin.revenue.sum()) for origin in origins)
