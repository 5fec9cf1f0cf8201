"""Would lifetime value have been right? Reckoned without the last year, held against that year."""

import numpy as np
import pandas as pd
from scipy.stats import norm

from analysis.sales.channels_lifetime import (
    Profile,
    Tenures,
    lifetime_table,
    pooled,
    profile_of,
    tenures,
)
from analysis.sales.channels_options import ChannelsOptions

_YEAR = 4
_NORMAL_90 = float(norm.ppf(0.9))
EVERYBODY = "all"
Floats = np.ndarray


def holdout_table(
    periods: pd.DataFrame, groups: pd.DataFrame, end: pd.Timestamp, options: ChannelsOptions
) -> pd.DataFrame:
    """Return what new customers of a year ago were expected to leave in the year since, and left.

    Columns: kind; value ("all" for everybody); customer_count; expected_amount with low and high
    (80 %: the estimate's error and the customers' own chance); came_amount; is_inside. Everything
    but `came_amount` is reckoned from the quarters before that year. Empty where they were too few.
    """
    then = tenures(periods, end, options, later=_YEAR)
    now = tenures(periods, end, options)
    columns = ["kind", "value", "customer_count", "expected_amount", "came_amount", "is_inside"]
    if then is None or now is None:
        return pd.DataFrame(columns=columns)
    everybody = np.ones(len(then.ids), dtype=bool)
    profile = profile_of(then, everybody, options)
    place = then.last - then.first
    is_within = place + _YEAR < then.amounts.shape[1]
    if profile is None or not is_within.any() or profile.value <= 0:
        return pd.DataFrame(columns=columns)
    ahead = place[:, None] + np.arange(1, _YEAR + 1)
    expected = profile.at(ahead).sum(axis=1)
    came = _came(now, then.ids, ahead)
    noise = _own_variance(then, profile)
    rows = []
    for kind, value, chosen, scale in _groups(then, groups, profile, options):
        own = chosen & is_within
        mean, deviation = scale
        total = mean * expected[own].sum()
        width = np.sqrt((deviation * expected[own].sum()) ** 2 + own.sum() * noise)
        ends = (total - _NORMAL_90 * width, total + _NORMAL_90 * width)
        rows.append((kind, value, int(own.sum()), total, *ends, came[own].sum()))
    names = ["kind", "value", "customer_count", "expected_amount"]
    names += ["expected_low_amount", "expected_high_amount", "came_amount"]
    table = pd.DataFrame(rows, columns=names)
    low, high = table["expected_low_amount"], table["expected_high_amount"]
    return table.assign(is_inside=table["came_amount"].between(low, high))


def _came(now: Tenures, ids: pd.Series, ahead: Floats) -> Floats:
    rows = pd.Series(np.arange(len(now.ids)), index=now.ids).reindex(ids).to_numpy(int)
    columns = np.minimum(ahead, now.amounts.shape[1] - 1)
    return now.amounts[rows[:, None], columns].sum(axis=1)


def _own_variance(then: Tenures, profile: Profile) -> float:
    """How far one customer's year lies from the mean of his tenure, by the latest year known."""
    start = then.last - then.first - _YEAR + 1
    whole = start >= 0
    if not whole.any():
        return 0.0
    quarters = start[whole, None] + np.arange(_YEAR)
    quarters = np.minimum(quarters, then.amounts.shape[1] - 1)
    came = np.take_along_axis(then.amounts[whole], quarters, axis=1).sum(axis=1)
    return float(np.mean((came - profile.at(quarters).sum(axis=1)) ** 2))


def _groups(
    then: Tenures, groups: pd.DataFrame, profile: Profile, options: ChannelsOptions
) -> list[tuple[str, str, Floats, tuple[float, float]]]:
    """Each group with how its customers compare to all: ratio, and deviation of the ratio."""
    everybody = np.ones(len(then.ids), dtype=bool)
    deviation = float(np.sqrt(profile.variance)) / profile.value
    found = [(EVERYBODY, EVERYBODY, everybody, (1.0, deviation))]
    known = then.ids.to_frame().merge(groups, how="left", on="customer_id")
    for row in lifetime_table(then, groups, options).itertuples():
        names = pooled(then, known[row.kind], options)
        ratio = row.lifetime_amount / profile.value
        spread = (row.lifetime_high_amount - row.lifetime_amount) / _NORMAL_90 / profile.value
        found.append((row.kind, row.value, (names == row.value).to_numpy(), (ratio, spread)))
    return found
