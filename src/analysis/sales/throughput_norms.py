"""What settled sellers get done, and who is beyond the tolerance again and again."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.stats import binom

from analysis.sales.presence import full_time_days
from analysis.sales.throughput_rules import deviations

MONTH_DAYS = 21.0  # full-time days of a month
QUARTERS = 4  # parts of the window
PERSISTENT = 3  # of them on the same side
_LEAST_DAYS = 5.0  # full-time days for a rate in a quarter of the window
_SETTLED_SHARE = 0.5  # of the longest presence, to count as somebody to measure by
_NEW = "new"
_KINDS = {"all deals": None, "new customers": True, "existing customers": False}
_COLUMNS = ["kind", "ended_count", "month_rate", "seller_count", "median_rate", "upper_rate"]


def benchmark_table(window: pd.DataFrame, present: pd.Series) -> pd.DataFrame:
    """Return deals ended per full-time month, of all deals and by kind of customer.

    `window` as `throughput` makes it, `present` full-time days by rep_id. Columns: kind;
    ended_count; month_rate (all sellers together); seller_count (settled: there for half of the
    time that anybody was), of whom median_rate and upper_rate (a quarter of them reach it) are.
    Kinds without a deal are left out; without deal types only "all deals" is told.
    """
    settled = present[present >= _SETTLED_SHARE * present.max()]
    ended = window[window["is_ended"]]
    is_told = ended["deal_type"].notna().any()
    rows = []
    for kind, is_new in _KINDS.items():
        mine = ended if is_new is None else ended[(ended["deal_type"] == _NEW) == is_new]
        if mine.empty or (is_new is not None and not is_told):
            continue
        counts = mine["rep_id"].value_counts()
        rates = counts.reindex(settled.index).fillna(0) / (settled / MONTH_DAYS)
        months = present.sum() / MONTH_DAYS
        ends = (float(rates.median()), float(rates.quantile(0.75)))
        rows.append((kind, len(mine), len(mine) / months, len(settled), *ends))
    return pd.DataFrame(rows, columns=_COLUMNS)


def quarters_beyond(
    window: pd.DataFrame,
    people: pd.DataFrame,
    span: tuple[pd.Timestamp, pd.Timestamp],
    records: pd.DataFrame | None,
    tolerance: float,
) -> pd.DataFrame:
    """Return in how many quarters of the window each seller was beyond the tolerance, by rep_id.

    Columns: below_quarter_count; above_quarter_count. A quarter counts for whoever was there for
    five full-time days of it, against the average of these.
    """
    edges = pd.date_range(*span, periods=QUARTERS + 1)
    ended = window[window["is_ended"]]
    sides: Mapping[int, pd.Series] = {
        place: _sides(ended, full_time_days(people, *edge, records), edge, tolerance)
        for place, edge in enumerate(pairwise(edges))
    }
    table = pd.DataFrame(dict(sides), index=people["rep_id"].astype("str")).fillna(0)
    return pd.DataFrame(
        {
            "below_quarter_count": (table < 0).sum(axis=1),
            "above_quarter_count": (table > 0).sum(axis=1),
        }
    )


def _sides(
    ended: pd.DataFrame, days: pd.Series, edge: tuple[pd.Timestamp, pd.Timestamp], tolerance: float
) -> pd.Series:
    """-1 for a rate beyond the tolerance below the average, 1 above, 0 within."""
    there = days[days >= _LEAST_DAYS]
    if there.empty:
        return there
    inside = ended[(ended["ended_at"] >= edge[0]) & (ended["ended_at"] < edge[1])]
    counts = inside["rep_id"].value_counts().reindex(there.index).fillna(0)
    rule = deviations(counts / (there / MONTH_DAYS), tolerance).set_index(there.index)
    return np.sign(rule["deviation_share"]).where(rule["is_beyond"].astype(bool), 0.0)


def is_persistent(sellers: pd.DataFrame) -> pd.Series:
    """Whether a seller was beyond the tolerance on one side in three quarters of four."""
    most = sellers[["below_quarter_count", "above_quarter_count"]].max(axis=1)
    return most >= PERSISTENT


def lasting_share(side_share: float) -> float:
    """Return how often an equal seller is named by `is_persistent` by chance.

    `side_share` is the chance to be beyond the tolerance on one given side in one quarter.
    """
    return 2 * float(binom.sf(PERSISTENT - 1, QUARTERS, side_share))
