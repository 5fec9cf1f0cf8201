"""One treated unit: what would it have been? A twin made of others, and placebos to judge it by."""

import numpy as np
import pandas as pd
from scipy.optimize import nnls
from scipy.stats import t

from analysis.strategy.effect import (
    FEWEST_AFTER,
    FEWEST_BEFORE,
    FEWEST_CHECKED,
    TWIN,
    Effect,
    judged,
    slopes_of,
)

Floats = np.ndarray
_FEWEST_OTHERS = 2


def synthetic_control(panel: pd.DataFrame, unit: str, start: int) -> pd.Series:
    """Return what `unit` would have been, from others that moved alike before (Abadie 2010).

    Non-negative weights that sum to 1, fitted on the periods before `start` to the course around
    each unit's own level, so that a unit may stand above or below all others. Units with a gap are
    left out. Missing throughout without such a unit.
    """
    whole = panel.dropna()
    donors = whole.drop(index=unit, errors="ignore").sort_index()
    if unit not in whole.index or donors.empty or start < FEWEST_BEFORE:
        return pd.Series(np.nan, index=panel.columns)
    mine, others = whole.loc[unit].to_numpy(float), donors.to_numpy(float)
    level, levels = mine[:start].mean(), others[:, :start].mean(axis=1, keepdims=True)
    before = (others - levels)[:, :start].T
    scale = 1e3 * max(float(np.abs(before).max()), 1e-9)  # makes the weights sum to 1
    design = np.vstack([before, np.full((1, before.shape[1]), scale)])
    weights, _ = nnls(design, np.append(mine[:start] - level, scale))
    return pd.Series(level + weights @ (others - levels), index=panel.columns)


def twin_gaps(panel: pd.DataFrame, unit: str, start: int) -> pd.DataFrame:
    """Return actual less twin of every unit and period: the treated unit's, then placebos'.

    Each other unit is held against a twin as if it had been treated; the treated one is never part
    of another's twin.
    """
    whole = panel.dropna().sort_index()
    others = whole.drop(index=unit, errors="ignore")
    gaps = {unit: whole.loc[unit] - synthetic_control(whole, unit, start)}
    gaps |= {one: others.loc[one] - synthetic_control(others, one, start) for one in others.index}
    return pd.DataFrame(gaps).T


def one_treated_unit(panel: pd.DataFrame, unit: str, start: int) -> Effect:
    """Compare one unit with its twin, and the gap with those of units that nothing was done to.

    Placebo in space: the share of units, the treated among them, whose gap after is as large beside
    their gap before and the usual one (a twin that fits exactly by luck makes no gap large).
    Placebo in time: the same at a date halfway before the start. Ranges come from the gaps of the
    others.
    """
    whole = panel.dropna()
    controls = len(whole.drop(index=unit, errors="ignore"))
    nothing = Effect("", method=TWIN, treated_count=1, control_count=controls)
    if unit not in whole.index or controls < _FEWEST_OTHERS:
        return Effect(
            "too few units measured in every period to make a twin of",
            **(_plain(nothing) | {"treated_count": int(unit in whole.index)}),
        )
    if start < FEWEST_BEFORE or whole.shape[1] - start < FEWEST_AFTER:
        return Effect("too few periods before or after", **_plain(nothing))
    value, error, p_value = _compared(whole, unit, start)
    low, high = _ends(value, error, controls, 0.8)
    return judged(
        Effect(
            "",
            **_plain(nothing),
            value=value,
            low=low,
            high=high,
            p_value=p_value,
            least_p_value=1 / (controls + 1),
            unit_spread=error / np.sqrt(1 + 1 / controls),
            before_count=start,
            after_count=whole.shape[1] - start,
            **_checks(whole, unit, start),
        )
    )


def _plain(found: Effect) -> dict[str, object]:
    names = ("method", "treated_count", "control_count")
    return {name: getattr(found, name) for name in names}


def _compared(whole: pd.DataFrame, unit: str, start: int) -> tuple[float, float, float]:
    """Mean gap after, its error by the gaps of the others, and the rank among all."""
    gaps = twin_gaps(whole, unit, start).to_numpy(float)
    after = gaps[:, start:].mean(axis=1)
    missed = np.sqrt((gaps[:, :start] ** 2).mean(axis=1))
    floor = 1e-9 * max(float(np.abs(whole.to_numpy(float)).max()), 1e-9)
    usual = np.sqrt((missed**2).mean())
    sizes = np.abs(after) / np.maximum(np.hypot(missed, usual), floor)
    p_value = float((sizes >= sizes[0] * (1 - 1e-9)).mean())
    error = float(np.sqrt((after[1:] ** 2).mean())) if len(after) > 1 else float("nan")
    return float(after[0]), error, p_value


def _ends(value: float, error: float, controls: int, share: float) -> tuple[float, float]:
    half = float(t.ppf(0.5 + share / 2, controls - 1)) * error
    return value - half, value + half


def _checks(whole: pd.DataFrame, unit: str, start: int) -> dict[str, float]:
    if start < FEWEST_CHECKED:
        return {}
    early = whole.iloc[:, :start]
    controls = len(whole) - 1
    placebo, error, p_value = _compared(early, unit, start // 2)
    low, high = _ends(placebo, error, controls, 0.95)
    # A twin follows its unit before the start by its making, so the trend is that of the units.
    values = early.to_numpy(float)
    mine = list(early.index).index(unit)
    slopes = slopes_of(values)
    apart = slopes - (slopes.sum() - slopes) / controls
    return {
        "placebo": placebo,
        "placebo_low": low,
        "placebo_high": high,
        "placebo_p_value": p_value,
        "trend": float(apart[mine]),
        "trend_p_value": float((np.abs(apart) >= abs(apart[mine]) * (1 - 1e-9)).mean()),
    }
