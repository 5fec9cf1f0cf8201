"""How far from the revenue target: now, at the present rate, and with which chance it is met."""

import pandas as pd

from analysis.core.scope import Scope
from analysis.core.statistics import chance_above

METRIC = "revenue_amount"
_YEAR_QUARTERS = 4
_COLUMNS = ["period", "target_amount", "actual_amount", "attained_share", "forecast_amount"]
_COLUMNS += ["forecast_low_amount", "forecast_high_amount", "rate_amount", "gap_amount"]
_COLUMNS += ["rate_gap_amount", "chance_share"]


def known_targets(targets: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """Return the company's targets that were set by the period's end, by metric and start.

    Of several for the same metric and days the one set last. Columns: metric, starts_on, ends_on,
    low, value, high.
    """
    known = targets[
        (targets["level"] == "company")
        & (targets["set_on"].isna() | (targets["set_on"] <= pd.Timestamp(scope.as_of)))
    ]
    days = ["metric", "starts_on", "ends_on"]
    ordered = known.sort_values([*days, "set_on", "target_id"], na_position="first")
    latest = ordered.drop_duplicates(days, keep="last")
    return latest[[*days, "low", "value", "high"]].reset_index(drop=True)


def company_targets(targets: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """Return the company's revenue targets as `known_targets` does, without the metric."""
    known = known_targets(targets, scope)
    mine = known[known["metric"] == METRIC].drop(columns="metric")
    return mine.reset_index(drop=True)


def quarter_sums(company_days: pd.DataFrame, scope: Scope) -> pd.Series:
    """Return revenue of each quarter to the period's end, by name."""
    counted = company_days[company_days["is_revenue"]]
    days = pd.to_datetime(counted["day"])
    counted = counted[days <= pd.Timestamp(scope.as_of)]
    days = days[days <= pd.Timestamp(scope.as_of)]
    names = {day: scope.calendar.containing(day.date(), "quarterly").name for day in days.unique()}
    return counted["amount"].astype(float).groupby(days.map(names).to_numpy()).sum().sort_index()


def period_sums(quarters: pd.Series, scope: Scope) -> pd.Series:
    """Return the quarters, in an annual report the fiscal years that have all four, by name."""
    if scope.period.cadence != "annual":
        return quarters
    years = pd.Series([str(name)[:4] for name in quarters.index], index=quarters.index)
    grouped = quarters.groupby(years)
    return grouped.sum()[grouped.size() == _YEAR_QUARTERS]


def present_growth(quarters: pd.Series) -> float:
    """Return the last four quarters on the four before, 1 is no growth; missing if unknown."""
    if len(quarters) < 2 * _YEAR_QUARTERS:
        return float("nan")
    before = float(quarters.iloc[-8:-4].sum())
    return float(quarters.iloc[-4:].sum()) / before if before > 0 else float("nan")


def rate_of(name: str, quarters: pd.Series, scope: Scope) -> float:
    """Return the present rate of a coming quarter or year: a year before x growth."""
    sums = period_sums(quarters, scope)
    before = scope.calendar.year_before(scope.calendar.parse(name)).name
    return float(sums.get(before, float("nan"))) * present_growth(quarters)


def gap_table(
    targets: pd.DataFrame, quarters: pd.Series, forecast: dict[str, float] | None, scope: Scope
) -> pd.DataFrame:
    """Return one row per target of the last four periods (quarters or years) and the next.

    `quarters` is revenue by quarter name (whole quarters to the period); `forecast` has middle, low
    and high of the next period's whole revenue, None without one. Columns: period; target_amount;
    actual_amount (missing when to come); attained_share; forecast_amount with low and high;
    rate_amount (present rate: the same period a year before x growth of the last four quarters on
    the four before); gap_amount (target less actual, or less forecast); rate_gap_amount (target
    less present rate); chance_share (that the target is reached; 0 or 1 when it is over).
    """
    sums, rows = period_sums(quarters, scope), []
    for period in (scope.calendar.shift(scope.period, step) for step in range(-3, 2)):
        mine = targets[
            (targets["starts_on"] == pd.Timestamp(period.starts_on))
            & (targets["ends_on"] == pd.Timestamp(period.last_day))
        ]
        if len(mine):
            target = float(mine["value"].iloc[0])
            actual = float(sums.get(period.name, float("nan")))
            rate = rate_of(period.name, quarters, scope)
            is_over = period.last_day <= scope.as_of
            over, coming = _over(target, actual), _coming(target, rate, forecast)
            rows.append((period.name, target, *(over if is_over else coming)))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _over(target: float, actual: float) -> tuple[float, ...]:
    nothing = float("nan")
    share = actual / target if target else nothing
    met = float(actual >= target) if actual == actual else nothing
    return actual, share, nothing, nothing, nothing, nothing, target - actual, nothing, met


def _coming(target: float, rate: float, forecast: dict[str, float] | None) -> tuple[float, ...]:
    nothing = float("nan")
    if forecast is None:
        return (*[nothing] * 5, rate, nothing, target - rate, nothing)
    ends = (forecast["middle"], forecast["low"], forecast["high"])
    chance = chance_above(target, *ends)
    return nothing, nothing, *ends, rate, target - ends[0], target - rate, chance
