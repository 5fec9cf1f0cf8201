"""Did it work? Treated units against the others, before and after, judged by reassignment."""

from dataclasses import dataclass, replace
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
from scipy.stats import t

Floats = np.ndarray

_MOST_ASSIGNMENTS = 2000
LEVEL = 0.05
FEWEST_BEFORE, FEWEST_AFTER = 2, 1
FEWEST_CHECKED = 2 * FEWEST_BEFORE  # periods before the start that the checks need
EFFECT, NONE_SEEN, CANNOT = "effect", "none seen", "cannot conclude"
OTHERS, TWIN, ALONE = "against others", "against a made-up twin", "before and after only"
_MISSING = float("nan")


@dataclass(frozen=True)
class Effect:
    """The change of treated units beyond that of the others, in the panel's unit.

    `low` and `high` are the ends of its 80 % range, `p_value` the share of reassignments of the
    treatment with at least as large a difference; it can be no smaller than `least_p_value`. The
    placebo is a date halfway before anything was done: what it shows, with its 95 % range. The
    trend is by how much the treated rose more than others a period, before anything was done.
    `unit_spread` is the standard deviation of one unit's change. `verdict` is one of "effect",
    "none seen", "cannot conclude".
    """

    why: str
    verdict: str = CANNOT
    method: str = OTHERS
    value: float = _MISSING
    low: float = _MISSING
    high: float = _MISSING
    p_value: float = _MISSING
    least_p_value: float = 1.0
    placebo: float = _MISSING
    placebo_low: float = _MISSING
    placebo_high: float = _MISSING
    placebo_p_value: float = _MISSING
    trend: float = _MISSING
    trend_p_value: float = _MISSING
    unit_spread: float = _MISSING
    treated_count: int = 0
    control_count: int = 0
    before_count: int = 0
    after_count: int = 0


@dataclass(frozen=True)
class _Estimate:
    """A difference of treated and other units, with its spread and how rare it is."""

    value: float
    error: float  # standard error, from how units of one kind differ among themselves
    freedom: int
    p_value: float

    def ends(self, share: float) -> tuple[float, float]:
        half = float(t.ppf(0.5 + share / 2, self.freedom)) * self.error if self.freedom else np.nan
        return self.value - half, self.value + half


def difference_in_differences(
    panel: pd.DataFrame, treated_from: dict[str, int], seed: int
) -> Effect:
    """Compare the change of treated units with that of units never treated.

    `panel` has a row per unit and a column per period (ascending), missing where nothing was
    measured; `treated_from` the position of each treated unit's first treated period. Each treated
    unit's mean after less before is held against the same of the others over the same periods, and
    averaged. The treatment is then given to other units instead (all ways, or 2,000 drawn): serial
    correlation does no harm, few units do, and then nothing is concluded. Nothing is called an
    effect unless a date before anything was done and the course before it were looked at.
    """
    usable = panel[panel.notna().sum(axis=1) >= FEWEST_BEFORE + FEWEST_AFTER].sort_index()
    starts = {unit: start for unit, start in sorted(treated_from.items()) if unit in usable.index}
    values, units = usable.to_numpy(float), list(usable.index)
    places, dates = [units.index(unit) for unit in starts], list(starts.values())
    controls = len(units) - len(places)
    nothing = Effect("no unit to compare with", treated_count=len(places), control_count=controls)
    if not places or controls < 1:
        return nothing
    found = _estimate(values, places, dates, seed)
    if not np.isfinite(found.value):
        return replace(nothing, why="too few periods before or after")
    low, high = found.ends(0.8)
    share = 1 / len(places) + 1 / controls
    return judged(
        replace(
            nothing,
            value=found.value,
            low=low,
            high=high,
            p_value=found.p_value,
            least_p_value=_least_p(len(units), dates),
            unit_spread=found.error / np.sqrt(share) if found.freedom else np.nan,
            before_count=min(dates),
            after_count=values.shape[1] - min(dates),
            **_checks(values[:, : min(dates)], places, seed),
        )
    )


def judged(found: Effect) -> Effect:
    """Return the same with verdict and reason."""
    verdict, why = _verdict(found)
    return replace(found, verdict=verdict, why=why)


def _verdict(found: Effect) -> tuple[str, str]:
    if found.least_p_value > LEVEL:
        return CANNOT, "too few units: no outcome could have been told from chance"
    if found.p_value > LEVEL:
        return NONE_SEEN, "no more than chance makes"
    if not (np.isfinite(found.placebo_p_value) and np.isfinite(found.trend_p_value)):
        return CANNOT, "too few periods before the start to see whether it was alike before"
    if found.placebo_p_value <= LEVEL:
        return CANNOT, "a date before anything was done shows an effect too"
    if found.trend_p_value <= LEVEL:
        return CANNOT, "treated units were on another course before"
    return EFFECT, "more than reassignment gives"


def _checks(early: Floats, places: list[int], seed: int) -> dict[str, float]:
    """What a date halfway before the first start shows, and the trends before."""
    if early.shape[1] < FEWEST_CHECKED:
        return {}
    half = early.shape[1] // 2
    placebo = _estimate(early, places, [half] * len(places), seed)
    low, high = placebo.ends(0.95)
    none = [0] * len(places)
    slopes = {0: slopes_of(early)}
    trend = _statistics(slopes, np.array([places]), none)[0]
    return {
        "placebo": placebo.value,
        "placebo_low": low,
        "placebo_high": high,
        "placebo_p_value": placebo.p_value,
        "trend": trend,
        "trend_p_value": _share_as_large(trend, *_reassigned(slopes, len(early), none, seed)),
    }


def _estimate(values: Floats, places: list[int], dates: list[int], seed: int) -> _Estimate:
    changes = _changes(values, dates)
    seen = float(_statistics(changes, np.array([places]), dates)[0])
    freedom = len(values) - 2
    if not np.isfinite(seen):
        return _Estimate(np.nan, np.nan, freedom, np.nan)
    p_value = _share_as_large(seen, *_reassigned(changes, len(values), dates, seed))
    error = _error(values, places, dates, seen, seed) if freedom else np.nan
    return _Estimate(seen, error, freedom, p_value)


def _error(values: Floats, places: list[int], dates: list[int], seen: float, seed: int) -> float:
    """The spread of the statistic over reassignments, the difference itself taken out before.

    With one date that is the pooled error of two means, in closed form.
    """
    rest = values.copy()
    for place, date in zip(places, dates, strict=True):
        rest[place, date:] -= seen
    changes, count = _changes(rest, dates), len(values)
    if len(set(dates)) > 1:
        chance, _ = _reassigned(changes, count, dates, seed)
        return float(chance.std() * np.sqrt((count - 1) / (count - 2)))
    known = changes[dates[0]]
    mine = np.isin(np.arange(count), places)
    sides = [known[side & np.isfinite(known)] for side in (mine, ~mine)]
    square = sum(float(((side - side.mean()) ** 2).sum()) for side in sides)
    freedom = sum(len(side) for side in sides) - 2
    if freedom < 1:
        return float("nan")
    return float(np.sqrt(square / freedom * sum(1 / len(side) for side in sides)))


def _changes(values: Floats, dates: list[int]) -> dict[int, Floats]:
    """After less before of every unit, for each date at which a treatment began."""
    return {date: _change(values, date) for date in sorted(set(dates))}


def _change(values: Floats, date: int) -> Floats:
    before, after = values[:, :date], values[:, date:]
    is_enough = (np.isfinite(before).sum(axis=1) >= FEWEST_BEFORE) & (
        np.isfinite(after).sum(axis=1) >= FEWEST_AFTER
    )
    change = _row_mean(after) - _row_mean(before)
    return np.where(is_enough, change, np.nan)


def _row_mean(part: Floats) -> Floats:
    counts = np.isfinite(part).sum(axis=1)
    return np.divide(
        np.nansum(part, axis=1), counts, out=np.full(len(part), np.nan), where=counts > 0
    )


def _statistics(changes: dict[int, Floats], ways: Floats, dates: list[int]) -> Floats:
    """The mean difference from the others, for each way (row) to give these dates to units."""
    differences = np.full(ways.shape, np.nan)
    for date, change in changes.items():
        is_known = np.isfinite(change)
        values = np.where(is_known, change, 0.0)
        other_sum = values.sum() - values[ways].sum(axis=1)
        other_count = is_known.sum() - is_known[ways].sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            others = other_sum / other_count
        mine = np.array(dates) == date
        differences[:, mine] = change[ways[:, mine]] - others[:, None]
    return _row_mean(np.where(np.isfinite(differences), differences, np.nan))


def _reassigned(
    changes: dict[int, Floats], count: int, dates: list[int], seed: int
) -> tuple[Floats, bool]:
    """The statistic under other assignments of the dates to units, and whether they are all."""
    is_whole = len(set(dates)) == 1 and comb(count, len(dates)) <= _MOST_ASSIGNMENTS
    if is_whole:
        ways = np.array(list(combinations(range(count), len(dates))))
    else:
        generator = np.random.default_rng(seed)
        drawn = [generator.permutation(count)[: len(dates)] for _ in range(_MOST_ASSIGNMENTS)]
        ways = np.array(drawn)
    found = _statistics(changes, ways, dates)
    return found[np.isfinite(found)], is_whole


def _share_as_large(seen: float, others: Floats, is_whole: bool) -> float:
    """The share of assignments at least as large; the one seen is among them, or counted in."""
    if not np.isfinite(seen) or not len(others):
        return float("nan")
    # Equal up to rounding counts as at least as large.
    count = int((np.abs(others) >= abs(seen) * (1 - 1e-9)).sum())
    return count / len(others) if is_whole else (count + 1) / (len(others) + 1)


def _least_p(count: int, dates: list[int]) -> float:
    """The smallest share that reassignment can give: mirrored halves count twice."""
    ways = comb(count, len(dates))
    if len(set(dates)) > 1:
        return 1 / min(ways * 2, _MOST_ASSIGNMENTS)
    return (2 if 2 * len(dates) == count else 1) / ways


def slopes_of(early: Floats) -> Floats:
    """The rise of each unit a period, by least squares; missing with fewer than two values."""
    time = np.arange(early.shape[1], dtype=float)
    known = np.isfinite(early)
    counts = known.sum(axis=1)
    mean_time = np.where(known, time, 0).sum(axis=1) / np.maximum(counts, 1)
    centred = np.where(known, time - mean_time[:, None], 0.0)
    square = (centred**2).sum(axis=1)
    rise = np.nansum(centred * np.where(known, early, 0.0), axis=1)
    return np.divide(rise, square, out=np.full(len(early), np.nan), where=square > 0)
