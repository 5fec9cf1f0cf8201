"""What will all known customers spend together? Two views of the total, weighed by what they err.

A sum of customers' forecasts knows the customers and little of the season; the same window a year
ago knows the season and little of the customers. Neither is corrected by what a single quarter
taught: on Online Retail II that took the error of totals from 42 to 73 %. The standard deviations
below were set before any run.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.customers.growth_models import usual_days

_PRIOR_QUARTERS = 2  # that the assumed error of a sum of forecasts counts as much as
_YEAR_DEVIATION = 0.15  # of the log of last year's window, had the company not moved at all
_DAMPING = 0.5  # half of the growth since the year before is carried on
_UNKNOWN_GROWTH = np.log(2)  # where there was nothing to grow from
_YEAR = pd.Timedelta(days=364)  # whole weeks

Floats = np.ndarray


@dataclass(frozen=True)
class Level:
    """A total, and the standard deviation of its log."""

    total: float
    deviation: float


def bottom_up_level(
    total: float, level_errors: Floats, overlap: int, assumed_deviation: float
) -> Level:
    """Return a sum of forecasts with what such sums erred by.

    `level_errors` are logs of what came over what was forecast at earlier origins, of which
    `overlap` share a quarter; `assumed_deviation` is that of the log before there is experience.
    """
    quarters = len(level_errors) / overlap
    squares = np.sum(np.square(level_errors)) / overlap + _PRIOR_QUARTERS * assumed_deviation**2
    return Level(total, float(np.sqrt(squares / (quarters + _PRIOR_QUARTERS))))


def year_ago_level(
    daily: pd.Series, known_share: float, starts_on: pd.Timestamp, ends_before: pd.Timestamp
) -> Level | None:
    """Return what the same window a year ago tells; None before there is such a window.

    `daily` are the sales to customers by day, without gaps. `known_share` is the part of the
    last quarter's sales that came from those known at its start.
    """
    first = daily.index[0]
    if starts_on - _YEAR < first:
        return None
    then = _sum(daily, starts_on - _YEAR, ends_before - _YEAR)
    # The last quarter, as far as its own year-ago days are known.
    since = max(starts_on - (ends_before - starts_on), first + _YEAR)
    now, ago = _sum(daily, since, starts_on), _sum(daily, since - _YEAR, starts_on - _YEAR)
    if then * known_share <= 0:
        return None
    growth = float(np.log(now / ago)) if now > 0 and ago > 0 else _UNKNOWN_GROWTH
    total = then * known_share * np.exp(_DAMPING * growth)
    return Level(float(total), float(np.hypot(_YEAR_DEVIATION, growth)))


def combine(bottom_up: Level, year_ago: Level | None) -> Level:
    """Return the mean of the logs, weighed by precision."""
    if year_ago is None or bottom_up.total <= 0:
        return bottom_up
    weights = np.array([view.deviation**-2 for view in (bottom_up, year_ago)])
    logs = np.log([bottom_up.total, year_ago.total])
    return Level(float(np.exp(weights @ logs / weights.sum())), float(weights.sum() ** -0.5))


def daily_sales(company_days: pd.DataFrame) -> pd.Series:
    """Return sales to known customers by day, every day from the first to the last.

    A day with a giant order counts as the largest imaginable one: the same quarter a year later
    would be forecast to have it again.
    """
    is_ours = company_days["has_customer"].astype(bool) & (company_days["kind"] == "sale")
    days = company_days.loc[is_ours, ["day", "amount"]].astype({"amount": float})
    if days.empty:
        return pd.Series(dtype=float, index=pd.DatetimeIndex([]))
    return usual_days(days.groupby("day")["amount"].sum().asfreq("D", fill_value=0.0))


def _sum(daily: pd.Series, starts_on: pd.Timestamp, ends_before: pd.Timestamp) -> float:
    return float(daily[(daily.index >= starts_on) & (daily.index < ends_before)].sum())
