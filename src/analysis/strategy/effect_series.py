"""One series and nobody to compare with: did it change at that time? By what, nobody can say."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.strategy.effect import ALONE, CANNOT, Effect

Floats = np.ndarray
_FEWEST_EACH_SIDE = 3
_FEWEST_FREE = 4  # values beyond the parameters of the course
_LAG = 1.3  # times the root of the length: Lazarus, Lewis, Stock and Watson 2018
_DRAWS, _SEED = 999, 0
_MOST_HELD = 0.95  # of a value that may hang on from the one before
CHANGED = "it changed at that time; without anybody to compare with, nobody can say by what"
AS_BEFORE = "no change at that time beyond its own course; what it would have been, nobody can say"


class Step(NamedTuple):
    """A level shift in a series with a straight course, its standard error, and what is usual."""

    value: float
    error: float
    usual: Floats  # sizes in errors, ascending, that a series of this kind without a shift shows

    def ends(self, share: float) -> tuple[float, float]:
        half = self.error * float(np.quantile(self.usual, share))
        return self.value - half, self.value + half


def interrupted_series(series: pd.Series, start: int) -> Effect:
    """Return by how much one series left its straight course at `start`, and what may be said.

    The error allows for values that hang together (Newey and West 1987, wide lag), the limits come
    from drawn series that hang together as much. Never an effect: whatever else happened at the
    time is in it. The placebo is a date halfway before.
    """
    values = series.to_numpy(float)
    after = len(values) - start
    counts = {"method": ALONE, "before_count": max(start, 0), "after_count": max(after, 0)}
    found = step_of(values, start)
    if found is None:
        why = "nobody to compare with, and too few periods before or after to see a change"
        return Effect(why, **counts)
    low, high = found.ends(0.8)
    earlier = step_of(values[:start], start // 2)
    placebo_low, placebo_high = earlier.ends(0.95) if earlier else (np.nan, np.nan)
    wide_low, wide_high = found.ends(0.95)
    is_off = not wide_low <= 0 <= wide_high
    is_off_before = earlier is not None and not placebo_low <= 0 <= placebo_high
    why = CHANGED if is_off else AS_BEFORE
    if is_off and is_off_before:
        why = "it changed at that time, but at an earlier date too: it does not keep a course"
    return Effect(
        why,
        verdict=CANNOT,
        value=found.value,
        low=low,
        high=high,
        placebo=earlier.value if earlier else np.nan,
        placebo_low=placebo_low,
        placebo_high=placebo_high,
        **counts,
    )


def step_of(values: Floats, start: int) -> Step | None:
    """Return the level shift at `start` of a series with a straight course; None if too short."""
    time = np.arange(len(values), dtype=float)
    known = np.isfinite(values)
    is_after = time >= start
    free = int(known.sum()) - 3
    sides = min(int((known & is_after).sum()), int((known & ~is_after).sum()))
    if sides < _FEWEST_EACH_SIDE or free < _FEWEST_FREE:
        return None
    design = np.column_stack([np.ones(len(time)), time, is_after.astype(float)])[known]
    wanted = values[known]
    lag = int(np.ceil(_LAG * np.sqrt(len(wanted))))
    fitted, *_ = np.linalg.lstsq(design, wanted, rcond=None)
    left = wanted - design @ fitted
    error = float(np.sqrt(max(newey_west(design, left, lag)[2, 2], 0.0)))
    return Step(float(fitted[2]), error, _usual_sizes(design, lag, _held(left)))


def _held(left: Floats) -> float:
    """How much of a value hangs on from the one before, what the fit took away put back."""
    square = float(left @ left)
    seen = float(left[1:] @ left[:-1]) / square if square > 0 else 0.0
    # A fitted level, trend and step each take some of it (after Kendall 1954).
    return float(np.clip(seen + (3 + 5 * seen) / len(left), 0.0, _MOST_HELD))


def _usual_sizes(design: Floats, lag: int, held: float) -> Floats:
    """Shift over error, without sign, in drawn series of this length that have no shift.

    Limits of the textbook are too narrow for short series that hang together.
    """
    shocks = np.random.default_rng(_SEED).standard_normal((_DRAWS, len(design)))
    drawn = np.empty_like(shocks)
    drawn[:, 0] = shocks[:, 0] / np.sqrt(1 - held**2)
    for place in range(1, len(design)):
        drawn[:, place] = held * drawn[:, place - 1] + shocks[:, place]
    solve = np.linalg.pinv(design)
    fitted = drawn @ solve.T
    parts = solve[2] * (drawn - fitted @ design.T)
    square = (parts**2).sum(axis=1)
    for distance in range(1, min(lag, len(design) - 1) + 1):
        together = (parts[:, distance:] * parts[:, :-distance]).sum(axis=1)
        square += 2 * (1 - distance / (lag + 1)) * together
    errors = np.sqrt(np.maximum(square, np.finfo(float).tiny))
    return np.sort(np.abs(fitted[:, 2]) / errors)


def newey_west(design: Floats, left: Floats, lag: int) -> Floats:
    """Return the covariance of least-squares coefficients whose errors hang together in time.

    Bartlett weights 1 - d / (lag + 1) up to distance `lag` (Newey and West 1987).
    """
    scores = design * left[:, None]
    middle = scores.T @ scores
    for distance in range(1, min(lag, len(left) - 1) + 1):
        cross = scores[distance:].T @ scores[:-distance]
        middle += (1 - distance / (lag + 1)) * (cross + cross.T)
    bread = np.linalg.inv(design.T @ design)
    return bread @ middle @ bread
