"""How far may a number stray before somebody should look? Limits with a budget of false alarms.

Two control charts watch each number: one sees a single odd value (individuals and moving range,
Shewhart), one a slow drift (exponentially weighted moving average, Roberts 1959). The budget is
spread evenly over all charts of a report. A limit is the wider of two: what the usual step from
value to value allows, and what earlier values really did, so that heavy tails raise no alarm.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

# A mean moving range of two values of a normal variable is so many standard deviations.
_RANGE_TO_DEVIATION = 1.128
_MEMORY = 0.2  # weight of the newest value in the moving average
# Values that a limit is learned from.
FEWEST_VALUES = 12
MOST_VALUES = 250

Floats = np.ndarray


@dataclass(frozen=True)
class Verdict:
    """What the charts say of the last value: limits in the units of the series, and alarms."""

    low: float
    high: float
    is_beyond: bool
    is_drifting: bool
    drift_bound: float = float("nan")  # how far the moving average may stray


def stabilised(values: Sequence[float]) -> Floats:
    """Return signed square roots: the spread of counts and of sums of orders is then alike."""
    numbers = np.asarray(values, dtype=float)
    return np.sign(numbers) * np.sqrt(np.abs(numbers))


def restored(root: float) -> float:
    """Undo `stabilised` for one value."""
    return float(np.sign(root) * root**2)


def judged(series: Floats, chance_share: float) -> Verdict | None:
    """Judge the last value of a series by those before it; None when they are too few.

    `chance_share` is the chance of a false alarm on each of the two charts.
    """
    past, last = series[:-1][-MOST_VALUES:], series[-1]
    if len(past) < FEWEST_VALUES:
        return None
    centre = float(past.mean())
    deviation = float(np.abs(np.diff(past)).mean()) / _RANGE_TO_DEVIATION
    steps = float(t.ppf(1 - chance_share / 2, len(past) - 1)) * np.sqrt(1 + 1 / len(past))
    half = max(steps * deviation, _seldom(np.abs(past - centre), chance_share))
    smooth = _smoothed(np.append(past, last) - centre)
    settled = deviation * np.sqrt(_MEMORY / (2 - _MEMORY))
    bound = max(steps * settled, _seldom(np.abs(smooth[:-1]), chance_share))
    is_drifting = bool(abs(smooth[-1]) > bound)
    return Verdict(
        centre - half, centre + half, bool(abs(last - centre) > half), is_drifting, bound
    )


def seen_after(verdict: Verdict, shift: float) -> float:
    """Return after how many values a lasting shift is seen in the middle case; inf where never.

    Without luck: the shift alone carries the value over a limit, or the moving average over its.
    """
    half = (verdict.high - verdict.low) / 2
    if abs(shift) > half:
        return 1.0
    if not abs(shift) > verdict.drift_bound:
        return float("inf")
    steps = np.log(1 - verdict.drift_bound / abs(shift)) / np.log(1 - _MEMORY)
    return float(np.ceil(steps))


def _seldom(sizes: Floats, chance_share: float) -> float:
    """The size that a new value of the same kind surpasses with at most this chance, if it can."""
    place = int(np.floor(chance_share * (len(sizes) + 1)))  # so many may be larger
    return float(np.sort(sizes)[::-1][min(place, len(sizes) - 1)])


def _smoothed(series: Floats) -> Floats:
    smooth = np.empty(len(series))
    level = 0.0
    for place, value in enumerate(series):
        level = _MEMORY * value + (1 - _MEMORY) * level
        smooth[place] = level
    return smooth
