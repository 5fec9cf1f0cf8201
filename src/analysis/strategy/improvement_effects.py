"""What became of each improvement that took effect: who is compared with whom, and what came."""

from math import comb
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.core.scope import Scope
from analysis.strategy.effect import (
    FEWEST_AFTER,
    FEWEST_BEFORE,
    LEVEL,
    Effect,
    difference_in_differences,
)
from analysis.strategy.effect_needed import effort_needed
from analysis.strategy.effect_series import interrupted_series
from analysis.strategy.effect_twin import one_treated_unit, twin_gaps
from analysis.strategy.improvement_panels import COMPANY, RELATIVE, Measured, driver_panel

_SELLING = ("win_share", "convert_share")
_MOST_TOLD = 10.0  # a smallest effect beyond ten times the level is no answer
_MOST_OTHERS = 60  # units a twin is made of and shown: of more, so many are drawn by lot
_NOT_NAMED = "nobody is named as treated"
AFTER_COLUMNS = (
    *("improvement_id", "name", "driver", "method", "treated_count", "control_count"),
    *("effect_share", "effect_low_share", "effect_high_share", "verdict", "why", "needed"),
    *("detectable_share", "units_needed_count", "further_unit_count", "further_quarter_count"),
    *("further_week_count", "p_value", "least_p_value", "placebo_share", "placebo_low_share"),
    *("placebo_high_share", "placebo_p_value", "trend_share", "trend_p_value"),
    *("before_count", "after_count", "note"),
)


class _Watch(NamedTuple):
    """What every improvement is measured with; the scope is of a quarter."""

    assignments: pd.DataFrame | None
    drivers: dict[str, str]  # of every improvement that has begun
    measured: Measured
    scope: Scope
    seed: int


class Design(NamedTuple):
    """Units by quarter that may be compared, which are treated since when, what was left out."""

    panel: pd.DataFrame
    starts: dict[str, int]
    note: str = ""


def effect_tables(
    known: pd.DataFrame,
    assignments: pd.DataFrame | None,
    measured: Measured,
    scope: Scope,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what was measured of each improvement that took effect, and the courses behind it.

    The first has a row per improvement: AFTER_COLUMNS; shares are relative changes of the driver
    (effect with its 80 % range, the placebo date's with its 95 % range, the trend a quarter);
    `needed` says in words what would make it conclusive. Each improvement is a question of its own,
    asked with one false alarm in twenty. The second has columns improvement_id, name, unit_id,
    period, gap_share, is_treated, starts_at, placebo_at (positions of quarters). The scope is of a
    quarter.
    """
    begun = known[known["effective_on"] <= pd.Timestamp(scope.as_of)]
    drivers = dict(zip(known["improvement_id"], known["driver"], strict=True))
    watch = _Watch(assignments, drivers, measured, scope, seed)
    rows, courses = [], []
    for plan in begun.sort_values("improvement_id").itertuples():
        row, course = _measured(plan, watch)
        rows.append(row)
        courses.append(course)
    after = pd.DataFrame(rows, columns=list(AFTER_COLUMNS))
    columns = ["improvement_id", "name", "unit_id", "period", "gap_share", "is_treated"]
    columns += ["starts_at", "placebo_at"]
    some = [course for course in courses if len(course)]
    return after, pd.concat(some, ignore_index=True) if some else pd.DataFrame(columns=columns)


def _measured(plan: tuple, watch: _Watch) -> tuple[dict[str, object], pd.DataFrame]:
    design = _design(plan, watch)
    if isinstance(design, str):
        return _alone(plan, watch, design)
    starts = design.starts
    if len(starts) == 1 and (found := _twin(design)) is not None:
        gaps = twin_gaps(_fewer(design), next(iter(starts)), min(starts.values()))
    else:
        found = difference_in_differences(design.panel, starts, watch.seed)
        gaps = _gaps(design)
    treated = design.panel.reindex(list(starts)).to_numpy(float)
    level = _level(treated[:, : max(min(starts.values(), default=0), 0)])
    row = _row(plan, found, level, design.note)
    return row, _course(plan, gaps, starts, level)


def _twin(design: Design) -> Effect | None:
    """The comparison of one treated unit; None where no twin can be made."""
    ((unit, start),) = design.starts.items()
    found = one_treated_unit(_fewer(design), unit, start)
    return found if np.isfinite(found.value) else None


def _fewer(design: Design) -> pd.DataFrame:
    """The treated and so many of the others, measured throughout, as twins can be made for."""
    others = design.panel.drop(index=list(design.starts), errors="ignore").dropna()
    return design.panel.loc[design.panel.index.isin([*design.starts, *_by_lot(others.index)])]


def _by_lot(units: pd.Index) -> list[str]:
    names = sorted(units)
    if len(names) <= _MOST_OTHERS:
        return names
    return sorted(np.random.default_rng(0).permutation(names)[:_MOST_OTHERS].tolist())


def _alone(plan: tuple, watch: _Watch, why: str) -> tuple[dict[str, object], pd.DataFrame]:
    """The company's own course, where there is nobody to compare with."""
    panel = driver_panel(plan.driver, COMPANY, watch.measured, watch.scope)
    if panel is None or panel.empty:
        text = "is not measured in the tables there are" if panel is None else "has too few cases"
        found = Effect(f"{why}, and {plan.driver} {text}")
        return _row(plan, found, np.nan, ""), pd.DataFrame()
    start = _position(plan.effective_on, list(panel.columns), watch.scope)
    found = interrupted_series(panel.iloc[0], start)
    level = _level(panel.to_numpy(float)[:, : max(start, 0)])
    return _row(plan, found, level, why), pd.DataFrame()


def _design(plan: tuple, watch: _Watch) -> Design | str:
    """Whom to compare with whom, or the reason why there is nobody."""
    if watch.assignments is None:
        return _NOT_NAMED
    scope, given = watch.scope, watch.assignments
    given = given[given["treated_from_on"] <= pd.Timestamp(scope.as_of)]
    mine = given[given["improvement_id"] == plan.improvement_id].sort_values("unit_id")
    if mine.empty:
        return _NOT_NAMED
    kinds = mine["unit_type"].unique()
    if len(kinds) > 1:
        return "those treated are of several kinds"
    panel = driver_panel(plan.driver, str(kinds[0]), watch.measured, scope)
    if panel is None:
        return f"{plan.driver} is not measured by {kinds[0]}"
    if panel.empty:
        return f"too few cases by {kinds[0]}"
    names = list(panel.columns)
    panel = panel.copy()
    starts = {}
    for one in mine.itertuples():
        unit = str(one.unit_id)
        starts[unit] = _position(one.treated_from_on, names, scope)
        if unit in panel.index:
            _leave_out_mixed(panel, unit, one, scope)
    if not set(panel.index) - set(starts):
        return "everybody got it, so nobody is left to compare with"
    others = given[given["unit_type"] == kinds[0]]
    return _without_others(Design(panel, starts), _others(plan, others, names, watch))


def _leave_out_mixed(panel: pd.DataFrame, unit: str, one: tuple, scope: Scope) -> None:
    """Make missing the quarter within which a treatment began, and those after it ended."""
    quarter = scope.calendar.containing(one.treated_from_on.date(), "quarterly")
    if one.treated_from_on.date() != quarter.starts_on and quarter.name in panel.columns:
        panel.loc[unit, quarter.name] = np.nan
    ended = getattr(one, "treated_to_on", None)
    if ended is not None and not pd.isna(ended):
        last = scope.calendar.containing(ended.date(), "quarterly").name
        panel.loc[unit, [name for name in panel.columns if name >= last]] = np.nan


def _position(day: pd.Timestamp, names: list[str], scope: Scope) -> int:
    quarter = scope.calendar.containing(day.date(), "quarterly").name
    return sum(name < quarter for name in names)


def _others(plan: tuple, given: pd.DataFrame, names: list[str], watch: _Watch) -> dict[str, int]:
    """Units to which another improvement of the same number came while it was watched."""
    is_other = given["improvement_id"] != plan.improvement_id
    found = {}
    for one in given[is_other].itertuples():
        if not _is_same(plan.driver, watch.drivers.get(one.improvement_id, "")):
            continue
        place = _position(one.treated_from_on, names, watch.scope)
        if 0 < place < len(names):
            unit = str(one.unit_id)
            found[unit] = min(place, found.get(unit, place))
    return found


def _is_same(first: str, second: str) -> bool:
    """Whether the second driver moves the first number; passing a stage is part of winning."""
    return first == second or (first in _SELLING and second.endswith("_pass_share"))


def _without_others(design: Design, others: dict[str, int]) -> Design:
    """Leave out units that another improvement moved; else the quarters since or until it did."""
    touched = sorted(set(others) & set(design.panel.index))
    if not touched:
        return design
    kept = {unit: start for unit, start in design.starts.items() if unit not in touched}
    text = f"measured without {len(touched)} that got another improvement of the same number"
    fewer = Design(design.panel.drop(index=touched), kept, text)
    if _can_tell(fewer):
        return fewer
    first = min(design.starts.values())
    begin = max((others[unit] for unit in touched if others[unit] <= first), default=0)
    end = min((others[unit] for unit in touched if others[unit] > first), default=None)
    panel = design.panel.iloc[:, begin:end]
    starts = {u: s - begin for u, s in design.starts.items() if end is None or s < end}
    late = sorted(set(design.starts) - set(starts))
    text = "measured in those quarters only in which no other of the same number began"
    shorter = Design(panel.drop(index=late, errors="ignore"), starts, text)
    return shorter if _can_tell(shorter) else fewer


def _can_tell(design: Design) -> bool:
    treated = len(set(design.starts) & set(design.panel.index))
    if not treated or treated == len(design.panel):
        return False
    first = min(design.starts.values())
    is_long = first >= FEWEST_BEFORE and design.panel.shape[1] - first >= FEWEST_AFTER
    ways = comb(len(design.panel), treated)
    return is_long and (2 if 2 * treated == len(design.panel) else 1) / ways <= LEVEL


def _gaps(design: Design) -> pd.DataFrame:
    """Each unit's course less that of the others, around its level before; the treated as one."""
    panel = design.panel
    is_treated = panel.index.isin(list(design.starts))
    first = min(design.starts.values(), default=0)
    centred = panel.sub(panel.iloc[:, :first].mean(axis=1), axis=0)
    others = centred[~is_treated]
    gaps = {"treated": centred[is_treated].mean() - others.mean()}
    if len(others) > 1:
        shown = _by_lot(others.index)
        gaps |= {one: others.loc[one] - others.drop(index=one).mean() for one in shown}
    return pd.DataFrame(gaps).T


def _course(plan: tuple, gaps: pd.DataFrame, starts: dict[str, int], level: float) -> pd.DataFrame:
    """The gaps as a long table, as relative changes of the driver; the first row is the treated."""
    first = min(starts.values(), default=0)
    long = gaps.rename_axis("unit_id").reset_index()
    long = long.melt(id_vars="unit_id", var_name="period", value_name="gap")
    return pd.DataFrame(
        {
            "improvement_id": plan.improvement_id,
            "name": plan.name,
            "unit_id": long["unit_id"],
            "period": long["period"],
            "gap_share": [relative(v, plan.driver, level) for v in long["gap"]],
            "is_treated": long["unit_id"] == gaps.index[0],
            "starts_at": first,
            "placebo_at": first // 2,
        }
    )


def _level(before: np.ndarray) -> float:
    known = before[np.isfinite(before)]
    return float(known.mean()) if len(known) else float("nan")


def relative(value: float, driver: str, level: float) -> float:
    """Return a difference in the panel's unit as a relative change of the driver."""
    return (
        float(np.expm1(value)) if driver in RELATIVE else float(value / level if level else np.nan)
    )


def _row(plan: tuple, found: Effect, level: float, note: str) -> dict[str, object]:
    promise = float(plan.effect_mid)
    target = float(np.log1p(promise)) if plan.driver in RELATIVE else promise * level
    needed = effort_needed(found, target)

    def shares(*numbers: float) -> list[float]:
        return [relative(number, plan.driver, level) for number in numbers]

    effect, low, high = shares(found.value, found.low, found.high)
    low = max(low, -1.0) if np.isfinite(low) else low  # nothing falls by more than all of it
    placebo = shares(found.placebo, found.placebo_low, found.placebo_high)
    (trend,) = shares(found.trend)
    (detectable,) = shares(needed.detectable)
    detectable = detectable if detectable <= _MOST_TOLD else np.nan
    values = (
        plan.improvement_id, plan.name, plan.driver, found.method, found.treated_count,
        found.control_count, effect, low, high, found.verdict, found.why, needed.words, detectable,
        needed.units_each, needed.further_units, needed.further_periods, needed.further_weeks,
        found.p_value, found.least_p_value, *placebo, found.placebo_p_value, trend,
        found.trend_p_value, found.before_count, found.after_count, note,
    )  # fmt: skip
    return dict(zip(AFTER_COLUMNS, values, strict=True))
