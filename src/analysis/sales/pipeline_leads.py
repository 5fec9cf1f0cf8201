"""What revenue comes of so many leads, and when: leads by month, passed through their lag."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.stats import gamma

from analysis.core.survival import Incidence, aalen_johansen
from analysis.sales.pipeline_snapshots import DAY

Floats = np.ndarray

_MONTH_DAYS = 365.25 / 12
_AHEAD_MONTHS = 3
_RATE_MONTHS = 12
_FEWEST_WON = 10


def lagged_revenue(counts: Floats, increments: Floats, amount: float) -> Floats:
    """Return expected revenue by month: sum over l of counts[t - l] * increments[l] * amount.

    `increments[l]` is the share of leads that is won in the l-th month after the lead came.
    """
    return np.convolve(counts, increments)[: len(counts)] * amount


def lead_table(
    leads: pd.DataFrame | None, state: pd.DataFrame, ends: pd.Timestamp, history_months: int
) -> pd.DataFrame:
    """Return leads, expected and won value by month, `ends` being the first moment not known.

    Columns: month (first day); is_ahead; lead_count (ahead: the mean of the last year);
    expected_amount with its 80 % range; won_amount (of deals from leads; missing ahead). Months are
    counted back from `ends`. Without leads, deals take their place from the day they were opened.
    Empty where fewer than ten were won.
    """
    cases = _cases(leads, state, ends)
    won = cases[cases["is_won"]]
    if len(won) < _FEWEST_WON:
        return pd.DataFrame()
    edges = _edges(cases["created_at"].min(), ends)
    known = len(edges) - 1
    counts = np.histogram(_days(cases["created_at"]), _days(edges))[0].astype(float)
    rate = counts[-_RATE_MONTHS:].mean()
    counts = np.concatenate([counts, np.full(_AHEAD_MONTHS, rate)])
    increments = month_increments(incidence(cases), len(counts))
    amounts = won["won_amount"].to_numpy(float)
    expected = lagged_revenue(counts, increments, float(amounts.mean()))
    variance = lagged_revenue(counts, increments, float((amounts**2).mean()))
    came = np.histogram(_days(won["ended_at"]), _days(edges), weights=amounts)[0]
    low, high = _range(expected, variance)
    ahead = [ends + pd.DateOffset(months=count) for count in range(_AHEAD_MONTHS)]
    table = pd.DataFrame(
        {
            "month": pd.DatetimeIndex([*edges[:-1], *ahead]),
            "is_ahead": np.arange(len(counts)) >= known,
            "lead_count": np.round(counts, 1),
            "expected_amount": expected,
            "expected_low_amount": low,
            "expected_high_amount": high,
            "won_amount": np.concatenate([came, np.full(_AHEAD_MONTHS, np.nan)]),
        }
    )
    return table.tail(history_months + _AHEAD_MONTHS).reset_index(drop=True)


def _edges(first: pd.Timestamp, ends: pd.Timestamp) -> list[pd.Timestamp]:
    """Months back from `ends` until none is left to begin, oldest first."""
    edges = [ends]
    while edges[-1] > first:
        edges.append(ends - pd.DateOffset(months=len(edges)))
    return edges[::-1]


def _days(moments: Iterable[pd.Timestamp]) -> Floats:
    return np.asarray((pd.DatetimeIndex(moments) - pd.Timestamp("2000-01-01")) / DAY, float)


def incidence(cases: pd.DataFrame) -> Incidence:
    """Return the share of leads won by days since they came.

    A lead that was dropped or lost stays in the count to the last day known, as the share of all
    leads asks for (Fine and Gray 1999); only the end of the data censors.
    """
    time = cases["won_days"].where(cases["is_won"], cases["age_days"])
    return aalen_johansen(time, np.where(cases["is_won"], "won", ""))


def month_increments(found: Incidence, count: int) -> Floats:
    """Return the share won in the l-th month since a lead that came at a random time of a month.

    A lead of a month came on average in its middle, so the share by the end of the l-th month is
    the mean of the cumulative incidence over the month before it.
    """
    if "won" not in found.shares:
        return np.zeros(count)
    edges = np.arange(count + 1) * _MONTH_DAYS
    jumps = np.diff(np.concatenate([[0.0], found.shares["won"]]))
    area = (jumps * (edges[:, None] - found.times).clip(min=0)).sum(axis=1)  # integral of the share
    by_end = np.diff(area) / _MONTH_DAYS
    return np.diff(np.concatenate([[0.0], by_end])).clip(min=0)


def _cases(leads: pd.DataFrame | None, state: pd.DataFrame, ends: pd.Timestamp) -> pd.DataFrame:
    columns = ["opportunity_id", "outcome", "ended_at", "value_amount"]
    if leads is None:
        cases = state[["created_at", *columns]]
    else:
        cases = leads.loc[leads["created_at"] < ends, ["lead_id", "created_at", "opportunity_id"]]
        cases = cases.merge(state[columns], how="left", on="opportunity_id").sort_values("lead_id")
    is_won = (cases["outcome"] == "won").to_numpy()
    days = (cases["ended_at"] - cases["created_at"]) / DAY
    return pd.DataFrame(
        {
            "created_at": cases["created_at"],
            "age_days": (ends - cases["created_at"]) / DAY,
            "is_won": is_won,
            "ended_at": cases["ended_at"],
            "won_days": days.clip(lower=0),
            "won_amount": cases["value_amount"].where(is_won).fillna(0.0),
        }
    )


def _range(expected: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """80 % of a gamma with this mean and the variance of a compound Poisson sum."""
    is_some = expected > 0
    scale = np.where(is_some, variance / np.where(is_some, expected, 1), 1)
    shape = np.where(is_some, expected / scale, 1)
    ends = gamma.ppf([[0.1], [0.9]], shape, scale=scale)
    return np.where(is_some, ends[0], 0.0), np.where(is_some, ends[1], 0.0)
