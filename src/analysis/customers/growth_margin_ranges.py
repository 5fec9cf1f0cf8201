"""How far may a margin fall from its forecast? Revenue varies, and so does its share of margin.

Read off from earlier quarter ends, from customers of a like forecast: for each what came over the
revenue forecast, and by how much its margin missed the expected share of it. Both together are laid
on a customer's own share, which may be negative. Without experience both are added as independent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Floats = np.ndarray

_FEWEST_PER_BIN = 50
_MOST_BINS = 20
_MOST_PER_BIN = 2000  # more rows change no end that matters
_TAIL_SHARE = 0.1
_INSIDE_SHARE = 0.8
_RARE_SHARE = 0.8  # without margin: from here on no interval holds 80 % of such customers
_SHOCKS = np.sqrt(1.5) * np.array([-1.0, 0.0, 1.0])  # of the whole company, equally likely
_NORMAL_90 = 1.2816
_ASSUMED_DEVIATION = 0.1  # of a customer's share of margin, before a quarter has told
_ASSUMED_DRIFT = 0.03  # of the company's share of margin within a quarter, counts as two quarters
_PRIOR_QUARTERS = 2
_SHARE_POINTS = (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1)


@dataclass(frozen=True)
class MarginExperience:
    """Customers of earlier quarters: revenue forecast (its total put right) and what came of it.

    `ratio` is revenue over forecast, `miss` the margin less the expected share of the revenue that
    came, over the forecast, `share` the expected one. `drifts` are the quarters' misses of all
    customers over their revenue.
    """

    forecast: Floats
    share: Floats
    ratio: Floats
    miss: Floats
    drifts: Floats

    @property
    def is_enough(self) -> bool:
        return len(self.forecast) >= 2 * _FEWEST_PER_BIN

    @property
    def drift(self) -> float:
        """The standard deviation of the company's share of margin around the expected one."""
        squares = (self.drifts**2).sum() + _PRIOR_QUARTERS * _ASSUMED_DRIFT**2
        return float(np.sqrt(squares / (len(self.drifts) + _PRIOR_QUARTERS)))


def experience_of(quarters: Sequence[tuple[Floats, Floats, Floats, Floats]]) -> MarginExperience:
    """Return the experience of quarters, each as forecast, share, revenue and margin that came."""
    parts, drifts = [np.empty((4, 0))], []
    for forecast, share, revenue, margin in quarters:
        has = ~np.isnan(margin) & ~np.isnan(revenue) & (forecast > 0)
        expected, came = forecast[has].sum(), revenue[has].sum()
        if expected <= 0 or came <= 0:
            continue
        right = forecast[has] * came / expected
        miss = margin[has] - share[has] * revenue[has]
        drifts.append(miss.sum() / came)
        parts.append(np.array([right, share[has], revenue[has] / right, miss / right]))
    return MarginExperience(*np.concatenate(parts, axis=1), np.array(drifts))


def margin_interval(
    experience: MarginExperience, revenue: Floats, share: Floats, shock: float
) -> tuple[Floats, Floats]:
    """Return the ends of an 80 % interval of each margin, holding its forecast.

    10 % lie below and 10 % above, where that can be; who mostly buys nothing has a low end of 0,
    or a high end of 0 if his share is negative, and the other end leaves 20 % beyond it.
    """
    centres, bins = _bins(experience, shock)
    points = np.unique(np.append(np.quantile(share, _SHARE_POINTS), 0.0))
    ends = np.array([[_ends(p * ratio + miss, p < 0) for p in points] for ratio, miss in bins])
    across = np.interp(np.log(np.maximum(revenue, 1e-9)), centres, np.arange(len(centres)))
    along = np.interp(share, points, np.arange(len(points)))
    low, high = (_between(ends[:, :, side], across, along) * revenue for side in (0, 1))
    margin = share * revenue
    return np.minimum(low, margin), np.maximum(high, margin)


def independent_interval(
    revenue: Floats, ends: tuple[Floats, Floats], share: Floats
) -> tuple[Floats, Floats]:
    """Return the ends from an interval of revenue and an assumed deviation of the share."""
    margin, unsure = share * revenue, _NORMAL_90 * _ASSUMED_DEVIATION * revenue
    less, more = (np.abs(share * (end - revenue)) for end in ends)
    below, above = np.where(share < 0, (more, less), (less, more))
    return margin - np.hypot(below, unsure), margin + np.hypot(above, unsure)


def margin_deviation(experience: MarginExperience, revenue: Floats, share: Floats) -> Floats:
    """Return the standard deviation of each customer's margin around its forecast."""
    if not experience.is_enough:
        return np.hypot(2 * np.abs(share), _ASSUMED_DEVIATION) * revenue
    parts = _parts(experience)
    centres = np.array([experience.forecast[part].mean() for part in parts])
    ratio = np.array([np.std(experience.ratio[part]) for part in parts])
    miss = np.array([np.sqrt(np.mean(experience.miss[part] ** 2)) for part in parts])
    spread = np.hypot(share * np.interp(revenue, centres, ratio), np.interp(revenue, centres, miss))
    return spread * revenue


def margin_total(
    margin: Floats, revenue: Floats, deviation: Floats, shock: float, drift: float
) -> tuple[float, float]:
    """Return the 80 % interval of a sum: own chance, one shock of revenue, one drift of shares."""
    total = margin.sum()
    squares = (deviation**2).sum() + (shock * total) ** 2 + (drift * revenue.sum()) ** 2
    half = _NORMAL_90 * np.sqrt(squares)
    return float(total - half), float(total + half)


def _bins(experience: MarginExperience, shock: float) -> tuple[Floats, list[tuple[Floats, Floats]]]:
    shocks = np.exp(shock * _SHOCKS)
    centres, bins = [], []
    for part in _parts(experience):
        centres.append(np.log(experience.forecast[part]).mean())
        rows = part[:: 1 + len(part) // _MOST_PER_BIN]
        columns = (experience.ratio[rows], experience.miss[rows])
        ratio, miss = (np.outer(column, shocks).ravel() for column in columns)
        bins.append((ratio, miss))
    return np.array(centres), bins


def _parts(experience: MarginExperience) -> list[np.ndarray]:
    """Return the rows of customers of like forecasts, lowest first, about as many in each part."""
    order = np.argsort(experience.forecast, kind="stable")
    return np.array_split(order, int(np.clip(len(order) // _FEWEST_PER_BIN, 1, _MOST_BINS)))


def _ends(values: Floats, is_negative: bool) -> tuple[float, float]:
    """Return the ends for one share; of a negative one those of the mirrored values."""
    if is_negative:
        low, high = _ends(-values, False)
        return -high, -low
    low = float(np.quantile(values, _TAIL_SHARE, method="lower"))
    if np.mean(values == 0) >= _RARE_SHARE:
        return low, float(np.quantile(values, 1 - _TAIL_SHARE))
    inside = min(_INSIDE_SHARE + float(np.mean(values < low)), 1.0)
    return low, float(np.quantile(values, inside, method="higher"))


def _between(table: Floats, across: Floats, along: Floats) -> Floats:
    """Return values between the rows (`across`) and the columns (`along`) of a table."""
    row, column = across.astype(int), along.astype(int)
    down, right = across - row, along - column
    below = np.minimum(row + 1, table.shape[0] - 1)
    beside = np.minimum(column + 1, table.shape[1] - 1)
    upper = (1 - right) * table[row, column] + right * table[row, beside]
    lower = (1 - right) * table[below, column] + right * table[below, beside]
    return (1 - down) * upper + down * lower
