"""Revenue, orders and customers by day or fortnight, held against what is usual for that time."""

import numpy as np
import pandas as pd

from analysis.core.periods import Period
from analysis.core.scope import Scope
from analysis.customers.pulse_limits import stabilised

MEASURES = ("revenue_amount", "order_count", "active_count")
# Money is summed in whole ten-thousandths, so that days add up to the quarter exactly.
_PARTS = 10_000
# A day is held against the same weekdays before it, a fortnight against the ones before it.
_PERIODS_OF_CYCLE = {"daily": 7, "biweekly": 1}
_CYCLES = {"daily": 8, "biweekly": 6}
_FEWEST_CYCLES = 4
# With so many fortnights, each is first held against the one a year before: no season is left.
_FORTNIGHTS_OF_A_YEAR = 26
_FEWEST_FOR_SEASON = 46


def period_table(
    company_days: pd.DataFrame, company_periods: pd.DataFrame, scope: Scope
) -> pd.DataFrame:
    """Return one row per day or fortnight that the data hold in whole, up to the scope's.

    Columns: period; starts_on; revenue_amount; order_count; active_count. A fortnight within which
    the data begin is left out.
    """
    cadence = scope.period.cadence
    first_day = company_days["day"].min().date()
    spans = scope.calendar.between(first_day, scope.period.starts_on, cadence)
    spans = [span for span in spans if span.starts_on >= first_day or span == scope.period]
    sums = day_sums(company_days)
    passed = np.r_[0, np.cumsum(sums.to_numpy())]
    starts = pd.DatetimeIndex([span.starts_on for span in spans])
    ends = pd.DatetimeIndex([span.ends_before for span in spans])
    places = [np.searchsorted(sums.index, edge) for edge in (starts, ends)]
    own = company_periods[company_periods["cadence"] == cadence].set_index("period")
    table = pd.DataFrame({"period": [span.name for span in spans], "starts_on": starts})
    table["revenue_amount"] = (passed[places[1]] - passed[places[0]]) / _PARTS
    for name in ("order_count", "active_count"):
        table[name] = own[name].reindex(table["period"]).fillna(0).to_numpy(dtype="int64")
    return table


def day_sums(company_days: pd.DataFrame) -> pd.Series:
    """Return revenue by day in whole ten-thousandths of the currency, in order of days."""
    days = company_days[company_days["is_revenue"]]
    whole = (days["amount"].astype(float) * _PARTS).round().astype("int64")
    return whole.groupby(days["day"]).sum().sort_index()


def revenue_between(company_days: pd.DataFrame, period: Period) -> float:
    """Return the revenue of a period, exact to the cent."""
    sums = day_sums(company_days)
    start, end = pd.Timestamp(period.starts_on), pd.Timestamp(period.ends_before)
    return float(sums[(sums.index >= start) & (sums.index < end)].sum() / _PARTS)


def is_seasonal(table: pd.DataFrame, cadence: str) -> bool:
    """Whether the data go back far enough to hold each fortnight against that of a year before."""
    return cadence == "biweekly" and len(table) >= _FEWEST_FOR_SEASON


def deviations(table: pd.DataFrame, measure: str, cadence: str) -> tuple[np.ndarray, float]:
    """Return by how much each value left what was usual, in square roots, and the last usual one.

    Days without any trade are left out, as are periods with too little before them. Empty when the
    last period is one of these.
    """
    series = stabilised(table[measure])
    base = np.zeros(len(series))
    if is_seasonal(table, cadence):
        base = np.r_[np.full(_FORTNIGHTS_OF_A_YEAR, np.nan), series[:-_FORTNIGHTS_OF_A_YEAR]]
    usual = base + _mean_before(series - base, _PERIODS_OF_CYCLE[cadence], _CYCLES[cadence])
    is_open = (table["order_count"].to_numpy() > 0) | (table[measure].to_numpy() != 0)
    is_judged = ~np.isnan(usual) & is_open
    if not len(series) or not is_judged[-1]:
        return np.array([]), float("nan")
    return (series - usual)[is_judged], float(usual[-1])


def _mean_before(series: np.ndarray, step: int, count: int) -> np.ndarray:
    """Return the mean of the `count` values before, `step` apart; missing below four of them."""
    shifted = [np.r_[np.full(step * n, np.nan), series][: len(series)] for n in range(1, count + 1)]
    rows = np.array(shifted)
    known = (~np.isnan(rows)).sum(axis=0)
    sums = np.nansum(rows, axis=0)
    return np.where(known >= _FEWEST_CYCLES, sums / np.maximum(known, 1), np.nan)
