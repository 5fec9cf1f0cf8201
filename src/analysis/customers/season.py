"""When in the year do customers who surely were active buy?

Between his first and last order day a customer was active, whatever the model of leaving. Given how
many orders lie strictly between them, a Poisson buyer's orders fall there in proportion to the
season alone (a conditional Poisson likelihood). Every customer is his own control, so neither a
growing number of customers nor a first year that the source cuts off passes for a season.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

_PRIOR_DEVIATION = 0.3  # of the log of a month's index: half of retail months lie within 20 %
_YEAR_DEVIATION = 0.1  # by which the log of a month's index differs between years
_FEWEST_DAYS = 3  # order days of a customer: two of them bound the time that is looked at
_ROUNDS = 30
_MONTHS = 12
_LONGEST_MONTH = 31
_DAY = np.timedelta64(1, "D")

Floats = np.ndarray


@dataclass(frozen=True)
class Season:
    """Index of the 12 calendar months, 1 on average and where a month was never seen."""

    index: Floats

    def time(self, days: pd.Series | pd.DatetimeIndex) -> Floats:
        """Return the days since 1970 that would hold as much season as passed by each day."""
        moments = np.asarray(days, dtype="datetime64[D]")
        months = moments.astype("datetime64[M]")
        first = np.datetime64("1970-01", "M")
        last = max(int((months.max() - first).astype(int)) if len(months) else 0, 0)
        starts = (first + np.arange(last + 2)).astype("datetime64[D]").astype(float)
        passed = np.r_[0.0, np.cumsum(np.diff(starts) * self.index[np.arange(last + 1) % _MONTHS])]
        place = (months - first).astype(int)
        into = moments.astype(float) - starts[place]
        return passed[place] + into * self.index[place % _MONTHS]


def learn_season(ends: Sequence[pd.Timestamp], tables: Sequence[pd.DataFrame]) -> Season:
    """Return what order days up to the last of some days tell about the season.

    `ends` are month ends (or quarter ends, whose months then share an index), oldest first, each
    with its customer_features. A month's index has a normal prior on its log; what is seen of it
    errs by the count and by what differs between years.
    """
    if len(ends) < 2:
        return Season(np.ones(_MONTHS))
    first, last, counts = _inner_days(ends, tables)
    bounds = _bounds(ends, tables[0])
    over = np.minimum(last[:, None], bounds[1:]) - np.maximum(first[:, None] + _DAY, bounds[:-1])
    over = np.clip(over / _DAY, 0, None)
    slot = np.array([end.month - 1 for end in ends])
    # Months of a quarter take the index of its end, where only quarter ends are known.
    step = 1 if len(set(slot % 3)) > 1 else 3
    # Origins may begin long after the data: what came before the first is no month.
    since = int((bounds[1] - bounds[0]) / _DAY > step * _LONGEST_MONTH)
    logs = _month_logs(over[:, since:], counts[:, since:], slot[since:])
    months = np.arange(_MONTHS)
    return Season(np.exp(logs[(months + (slot[0] - months) % step) % _MONTHS]))


def _bounds(ends: Sequence[pd.Timestamp], table: pd.DataFrame) -> np.ndarray:
    """Return the first days of the windows between the ends, and the day after the last one."""
    after = [np.datetime64(end, "D") + 1 for end in ends]
    earliest = np.datetime64(table["first_order_on"].min(), "D")
    return np.array([min(earliest, after[0]), *after])


def _inner_days(
    ends: Sequence[pd.Timestamp], tables: Sequence[pd.DataFrame]
) -> tuple[np.ndarray, np.ndarray, Floats]:
    """Return first and last order day, and the order days between them by window."""
    table = tables[-1][tables[-1]["order_day_count"] >= _FEWEST_DAYS]
    known = pd.Index(table["customer_id"])
    totals = [
        pd.Series(t["order_day_count"].to_numpy(float), index=t["customer_id"])
        .reindex(known)
        .fillna(0)
        .to_numpy()
        for t in tables
    ]
    counts = np.diff(np.column_stack([np.zeros(len(known)), *totals]), axis=1)
    after = np.array([np.datetime64(end, "D") for end in ends])
    days = [table[f"{end}_order_on"].to_numpy(dtype="datetime64[D]") for end in ("first", "last")]
    for day in days:
        place = np.minimum(np.searchsorted(after, day), len(ends) - 1)
        np.subtract.at(counts, (np.arange(len(known)), place), 1)
    return days[0], days[1], np.clip(counts, 0, None)


def _month_logs(over: Floats, counts: Floats, slot: np.ndarray) -> Floats:
    """Return the logs of the indices, by alternating customers' rates and months' indices."""
    seen_days, total = counts.sum(axis=0), counts.sum(axis=1)
    came = np.bincount(slot, weights=seen_days, minlength=_MONTHS)
    years = np.maximum(np.bincount(slot, weights=over.sum(axis=0) > 0, minlength=_MONTHS), 1)
    noise = 1 / np.maximum(came, 1) + _YEAR_DEVIATION**2 / years
    weight = _PRIOR_DEVIATION**2 / (_PRIOR_DEVIATION**2 + noise)
    logs = np.zeros(_MONTHS)
    for _ in range(_ROUNDS):
        index = np.exp(logs)[slot]
        mass = over @ index
        rate = np.divide(total, mass, out=np.zeros_like(total), where=mass > 0)
        expected = np.bincount(slot, weights=(rate @ over) * index, minlength=_MONTHS)
        seen = (came > 0) & (expected > 0)
        if not seen.any():
            break
        raw = logs + np.log(np.where(seen, came, 1) / np.where(seen, expected, 1))
        raw -= np.average(raw[seen], weights=expected[seen])
        logs = np.where(seen, weight * raw, 0.0)
    return logs
