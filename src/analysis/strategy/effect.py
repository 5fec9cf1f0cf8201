"""Did it work? Treated units against the others, before and after, judged by reassignment."""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
from scipy.optimize import nnls
from scipy.stats import norm

Floats = np.ndarray

_MOST_ASSIGNMENTS = 2000
_LEVEL = 0.05
_FEWEST_BEFORE, _FEWEST_AFTER = 2, 1
_POWER = float(norm.ppf(0.975) + norm.ppf(0.8))
EFFECT, NONE_SEEN, CANNOT = "effect", "none seen", "cannot conclude"


@dataclass(frozen=True)
class Effect:
    """The change of treated units beyond that of the others, in the panel's unit.

    `low` and `high` are the ends of its 80 % range, `p_value` the share of reassignments of the
    treatment with at least as large a difference; it can be no smaller than `least_p_value`.
    `placebo_p_value` is that of a date before anything was done, `pre_trend_p_value` that of
    differing trends before. `detectable` is the effect that would be found 8 times in 10;
    `periods_needed` after the start for the effect seen, at the present number of units (missing
    where the effect is nil). `verdict` is one of "effect", "none seen", "cannot conclude".
    """

    value: float
    low: float
    high: float
    p_value: float
    least_p_value: float
    placebo_p_value: float
    pre_trend_p_value: float
    detectable: float
    periods_needed: float
    verdict: str
    why: str
    treated_count: int
    control_count: int


def nothing_known(why: str, treated: int = 0, controls: int = 0) -> Effect:
    """Return the effect of which nothing can be said, with the reason."""
    missing = float("nan")
    return Effect(
        missing, missing, missing, missing, 1.0, missing, missing, missing, missing, CANNOT, why,
        treated, controls,
    )  # fmt: skip


def difference_in_differences(
    panel: pd.DataFrame, treated_from: dict[str, int], seed: int
) -> Effect:
    """Compare the change of treated units with that of units never treated.

    `panel` has a row per unit and a column per period (ascending), missing where nothing was
    measured; `treated_from` the position of each treated unit's first treated period. Each treated
    unit's mean after less before is held against the same of the others over the same periods, and
    averaged. The treatment is then given to other units instead (all ways, or 2,000 drawn): serial
    correlation does no harm, few units do, and then nothing is concluded.
    """
    usable = panel[panel.notna().sum(axis=1) >= _FEWEST_BEFORE + _FEWEST_AFTER].sort_index()
    starts = {unit: start for unit, start in sorted(treated_from.items()) if unit in usable.index}
    values, units = usable.to_numpy(float), list(usable.index)
    places = [units.index(unit) for unit in starts]
    dates = list(starts.values())
    controls = len(units) - len(places)
    if not places or controls < 1:
        return nothing_known("no unit to compare with", len(places), controls)
    changes = _changes(values, sorted(set(dates)))
    seen = _statistic(changes, places, dates)
    if not np.isfinite(seen):
        return nothing_known("too few periods before or after", len(places), controls)
    others = _reassigned(changes, len(units), dates, seed)
    return _judged(values, places, dates, seen, others, seed)


def synthetic_control(panel: pd.DataFrame, unit: str, start: int) -> pd.Series:
    """Return what `unit` would have been, from others that moved alike before (Abadie 2010).

    Non-negative weights that sum to 1, fitted on the periods before `start`; units with a gap are
    left out. Missing throughout without such a unit.
    """
    whole = panel.dropna()
    donors = whole.drop(index=unit, errors="ignore").sort_index()
    if unit not in whole.index or donors.empty or start < _FEWEST_BEFORE:
        return pd.Series(np.nan, index=panel.columns)
    before = donors.to_numpy(float)[:, :start].T
    scale = 1e3 * max(float(np.abs(before).max()), 1.0)  # makes the weights sum to 1
    design = np.vstack([before, np.full((1, before.shape[1]), scale)])
    wanted = np.append(whole.loc[unit].to_numpy(float)[:start], scale)
    weights, _ = nnls(design, wanted)
    return pd.Series(weights @ donors.to_numpy(float), index=panel.columns)


def _changes(values: Floats, dates: list[int]) -> dict[int, Floats]:
    """After less before of every unit, for each date at which a treatment began."""
    return {date: _change(values, date) for date in dates}


def _change(values: Floats, date: int) -> Floats:
    before, after = values[:, :date], values[:, date:]
    is_enough = (np.isfinite(before).sum(axis=1) >= _FEWEST_BEFORE) & (
        np.isfinite(after).sum(axis=1) >= _FEWEST_AFTER
    )
    change = _row_mean(after) - _row_mean(before)
    return np.where(is_enough, change, np.nan)


def _row_mean(part: Floats) -> Floats:
    counts = np.isfinite(part).sum(axis=1)
    return np.divide(
        np.nansum(part, axis=1), counts, out=np.full(len(part), np.nan), where=counts > 0
    )


def _statistic(changes: dict[int, Floats], places: list[int], dates: list[int]) -> float:
    is_control = np.ones(len(next(iter(changes.values()))), dtype=bool)
    is_control[places] = False
    differences = []
    for place, date in zip(places, dates, strict=True):
        others = changes[date][is_control]
        others = others[np.isfinite(others)]
        if len(others) and np.isfinite(changes[date][place]):
            differences.append(changes[date][place] - others.mean())
    return float(np.mean(differences)) if differences else float("nan")


def _reassigned(changes: dict[int, Floats], count: int, dates: list[int], seed: int) -> Floats:
    """The statistic under other assignments of the same dates to units; the seen one among them."""
    generator = np.random.default_rng(seed)
    if len(set(dates)) == 1 and comb(count, len(dates)) <= _MOST_ASSIGNMENTS:
        ways = np.array(list(combinations(range(count), len(dates))))
    else:
        drawn = [generator.permutation(count)[: len(dates)] for _ in range(_MOST_ASSIGNMENTS)]
        ways = np.array(drawn)
    if len(set(dates)) == 1:
        found = _simple_statistics(changes[dates[0]], ways)
    else:
        found = np.array([_statistic(changes, list(way), dates) for way in ways])
    return found[np.isfinite(found)]


def _simple_statistics(change: Floats, ways: Floats) -> Floats:
    """The statistic of many assignments of one date at once: mean change of these less others'."""
    is_known = np.isfinite(change)
    values = np.where(is_known, change, 0.0)
    treated_sum, treated_count = values[ways].sum(axis=1), is_known[ways].sum(axis=1)
    other_sum, other_count = values.sum() - treated_sum, is_known.sum() - treated_count
    with np.errstate(divide="ignore", invalid="ignore"):
        return treated_sum / treated_count - other_sum / other_count


def _share_as_large(seen: float, others: Floats) -> float:
    # Equal up to rounding counts as at least as large.
    return float((np.abs(others) >= abs(seen) * (1 - 1e-9)).mean())


def _judged(
    values: Floats, places: list[int], dates: list[int], seen: float, others: Floats, seed: int
) -> Effect:
    p_value = max(_share_as_large(seen, others), 1 / len(others))
    least = _least_p(values.shape[0], dates)
    spread = float(others.std())
    half = float(norm.ppf(0.9)) * spread
    placebo, trend = _before(values, places, dates, seed)
    verdict, why = _verdict(p_value, least, placebo, trend)
    after = values.shape[1] - min(dates)
    detectable = _POWER * spread
    needed = after * (detectable / abs(seen)) ** 2 if seen else float("nan")
    return Effect(
        seen, seen - half, seen + half, p_value, least, placebo, trend, detectable,
        float(np.ceil(needed)) if np.isfinite(needed) else needed, verdict, why,
        len(places), values.shape[0] - len(places),
    )  # fmt: skip


def _least_p(count: int, dates: list[int]) -> float:
    """The smallest share that reassignment can give: mirrored halves count twice."""
    ways = comb(count, len(dates))
    if len(set(dates)) > 1:
        return 1 / min(ways * 2, _MOST_ASSIGNMENTS)
    return (2 if 2 * len(dates) == count else 1) / ways


def _before(values: Floats, places: list[int], dates: list[int], seed: int) -> tuple[float, float]:
    """p-values of a placebo date halfway before the first start, and of differing trends before."""
    first = min(dates)
    early = values[:, :first]
    if first < 2 * _FEWEST_BEFORE:
        return float("nan"), float("nan")
    half = [first // 2] * len(places)
    placebo = _p_of(_changes(early, half[:1]), values.shape[0], places, half, seed)
    slopes = {0: _slopes(early)}
    return placebo, _p_of(slopes, values.shape[0], places, [0] * len(places), seed)


def _p_of(
    changes: dict[int, Floats], count: int, places: list[int], dates: list[int], seed: int
) -> float:
    seen = _statistic(changes, places, dates)
    if not np.isfinite(seen):
        return float("nan")
    return _share_as_large(seen, _reassigned(changes, count, dates, seed))


def _slopes(early: Floats) -> Floats:
    time = np.arange(early.shape[1], dtype=float)
    known = np.isfinite(early)
    counts = known.sum(axis=1)
    mean_time = np.where(known, time, 0).sum(axis=1) / np.maximum(counts, 1)
    centred = np.where(known, time - mean_time[:, None], 0.0)
    square = (centred**2).sum(axis=1)
    rise = np.nansum(centred * np.where(known, early, 0.0), axis=1)
    return np.divide(rise, square, out=np.full(len(early), np.nan), where=square > 0)


def _verdict(p_value: float, least: float, placebo: float, trend: float) -> tuple[str, str]:
    if least > _LEVEL:
        return CANNOT, "too few units: no outcome could have been told from chance"
    if p_value > _LEVEL:
        return NONE_SEEN, "no more than chance makes"
    if placebo <= _LEVEL:
        return CANNOT, "a date before anything was done shows an effect too"
    if trend <= _LEVEL:
        return CANNOT, "treated units were on another course before"
    return EFFECT, "more than reassignment gives"
