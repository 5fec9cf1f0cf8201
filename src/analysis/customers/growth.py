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
from analysis.customers.growth_findings import caveats, decisions, definitions, findings, reasons
from analysis.customers.growth_forecast import (
    Origin,
    forecast_sales,
    known_origins,
    lagged_amounts,
    make_origin,
    season_factor,
)
from analysis.customers.growth_headline import headline
from analysis.customers.growth_potential import peer_sales
from analysis.customers.growth_ranges import Experience, gather, interval, reached_with, shock
from analysis.customers.growth_totals import spread_of, totals_table
from analysis.customers.growth_years import simulated_interval, year_interval

NAME = "growth"
TITLE = "How customers can grow"
_QUARTERS_PER_YEAR = 4
_QUARTER_DAYS = 91
_FEWEST_CUSTOMERS = 20
_TARGET_QUARTERS = 4  # whose potential is computed again, to set targets

Floats = np.ndarray


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
    *,
    scope: Scope,
    options: GrowthOptions | None = None,
) -> Result:
    """Forecast each known customer's next quarter and year, and say how good that would have been.

    Tables of the Result: `customer_growth` (every customer of `customer_features`, see its
    declaration), `backtest` (see `backtest_table`), `totals` (company, region, industry, business
    model: sums of `customer_growth`, to the cent, with 80 % intervals of the sums), `deciles` (the
    last quarter replayed: forecast and actual by tenth of customers).

    Customers who have not ordered yet are not forecast. A customer who bought once is forecast from
    all others who did. Returns are taken off at the customer's own rate, drawn to that of all.
    """
    options = options or GrowthOptions()
    if scope.period.cadence != "quarterly":
        sentence = f"{scope.period} is not a quarter; growth is forecast by quarter."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    if len(customer_features) < _FEWEST_CUSTOMERS:
        sentence = f"Fewer than {_FEWEST_CUSTOMERS} customers have ordered: too few to learn from."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    try:
        work = _work(customer_features, backtest_origins, scope, options)
    except FitError as error:
        sentence = f"Too few repeat purchases to forecast: {error.problems[0].found}."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    return _result(work, scope, options)


def _result(work: "_Work", scope: Scope, options: GrowthOptions) -> Result:
    customers = _customer_table(work, options)
    backtest = backtest_table(work.origins, work.forecasts, work.targets, options.shock_share)
    deviation = spread_of(work.experience, work.forecast)
    totals = totals_table(customers, work.now.table, deviation, work.shock)
    deciles = _decile_table(work)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=headline(customers, totals, work.now, _history(work.origins), scope),
        findings=findings(customers, totals, backtest, work.now.table, scope),
        decisions=decisions(customers, work.now.table, scope),
        tables={
            "customer_growth": check_table(customers, CUSTOMER_GROWTH),
            "backtest": backtest,
            "totals": totals,
            "deciles": deciles,
        },
        charts={
            "forecast_history": history_chart(backtest, totals, scope),
            "forecast_deciles": decile_chart(
                deciles, work.targets[-1] if work.targets else "nothing", scope
            ),
        },
        caveats=caveats(customers, backtest, work.now.is_leaving_known, scope),
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
    forecasts: list[Floats]  # sales, for each of the origins
    forecast: Floats  # revenue of the next quarter, now
    season: float
    experience: Experience
    shock: float


def _work(
    customer_features: pd.DataFrame,
    backtest_origins: pd.DataFrame,
    scope: Scope,
    options: GrowthOptions,
) -> _Work:
    # Sorted, so that nothing depends on the order of rows.
    table = customer_features.sort_values("customer_id", ignore_index=True)
    history = backtest_origins.sort_values(["origin", "customer_id"], ignore_index=True)
    calendar = scope.calendar
    lags = lagged_amounts(table, history, scope.period.name, calendar)
    now = make_origin(table, scope.period.name, lags, float(scope.next_period.day_count))
    # A quarter that the data end within is nothing to learn from or to be graded by.
    as_of = pd.Timestamp(scope.known_to if scope.is_cut_short else scope.as_of)
    origins = known_origins(history, as_of, calendar, options.history_quarters)
    forecasts = [forecast_sales(origins[:i], origin, calendar) for i, origin in enumerate(origins)]
    experience = gather(
        [
            (forecast * origin.net_share, origin.revenue)
            for forecast, origin in zip(forecasts, origins, strict=True)
        ]
    )
    return _Work(
        now=now,
        origins=origins,
        targets=[calendar.shift(calendar.parse(origin.name), 1).name for origin in origins],
        forecasts=forecasts,
        forecast=forecast_sales(origins, now, calendar) * now.net_share,
        season=season_factor(origins, now.name, calendar),
        experience=experience,
        shock=shock(experience, options.shock_share),
    )


def _customer_table(work: _Work, options: GrowthOptions) -> pd.DataFrame:
    now, forecast = work.now, work.forecast
    year = forecast / work.season * now.year_ratio
    year_ends = year_interval(work.origins, work.forecasts, now, year, options)
    if work.experience.is_enough:
        ends = interval(work.experience, forecast, options.shock_share)
    else:
        ends = simulated_interval(now, forecast, _QUARTER_DAYS, options)
    peers = peer_sales(now.table, now.rate, options.potential_share)
    unknown = np.full(len(forecast), np.nan)
    potential = unknown if peers is None else np.maximum(peers * now.net_share, year)
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
            "target_quarter_amount": _targets(work, potential - year, options),
        }
    ).round({name: 2 for name in CUSTOMER_GROWTH.column_names if name.endswith("_amount")})
    return table.assign(
        gap_year_amount=lambda t: (t["potential_year_amount"] - t["forecast_year_amount"]).round(2),
        next_products=[[] for _ in range(len(table))],
        reason=reasons(now.table, now.active_share),
    )


def _targets(work: _Work, gap: Floats, options: GrowthOptions) -> Floats:
    """Return what each customer reaches with the designed chance; missing where that is nothing."""
    past = []
    recent = slice(-_TARGET_QUARTERS, None)
    for origin, sales in zip(work.origins[recent], work.forecasts[recent], strict=True):
        revenue = sales * origin.net_share
        peers = peer_sales(origin.table, origin.rate, options.potential_share)
        year = revenue * origin.year_ratio
        known = 0.0 if peers is None else np.maximum(peers * origin.net_share - year, 0)
        past.append((_stretched(revenue, known, origin, options), origin.revenue))
    experience = gather(past)
    if not experience.is_enough:
        return np.full(len(gap), np.nan)
    score = _stretched(work.forecast, np.nan_to_num(gap), work.now, options)
    target = reached_with(experience, score, options.attained_share, options.shock_share)
    return np.where(np.round(target, 2) > 0, target, np.nan)


def _stretched(
    revenue: Floats, gap: Floats | float, origin: Origin, options: GrowthOptions
) -> Floats:
    """Return the forecast plus a share of the gap that an active customer could close."""
    return revenue + options.stretch_share * origin.active_share * gap / _QUARTERS_PER_YEAR


def _decile_table(work: _Work) -> pd.DataFrame:
    """Return the last known quarter by tenth of customers, lowest forecast first.

    Columns: decile (1 to 10); customer_count; forecast_amount; actual_amount.
    """
    columns = ["decile", "customer_count", "forecast_amount", "actual_amount"]
    if len(work.origins) < 2:
        return pd.DataFrame(columns=columns)
    origin = work.origins[-1]
    forecast = work.forecasts[-1] * origin.net_share
    tenths = np.array_split(np.argsort(forecast, kind="stable"), 10)
    rows = [
        (number, len(tenth), forecast[tenth].sum(), origin.revenue[tenth].sum())
        for number, tenth in enumerate(tenths, 1)
    ]
    return pd.DataFrame(rows, columns=columns)


def _history(origins: list[Origin]) -> tuple[float, ...]:
    return tuple(float(origin.revenue.sum()) for origin in origins)
