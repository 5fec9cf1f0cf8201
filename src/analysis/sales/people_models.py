"""Small models of people's results: what differs beyond chance, and what goes with what."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import chi2, norm, t

from analysis.sales.funnel_mix import MIX

Floats = np.ndarray
_STEPS = 30
_CLOSE = 1e-8
_MIX_PRIOR, _PERSON_PRIOR = 0.05, 0.1  # precisions: keep what was not seen finite, move little else
_LARGEST = 25.0  # variance of logs beyond which nobody can tell more


@dataclass(frozen=True)
class Line:
    """A slope with its deviation and degrees of freedom; NaN where it cannot be told."""

    slope: float
    deviation: float
    freedom: int

    @property
    def p_value(self) -> float:
        """Two-sided; 1 where the slope cannot be told."""
        if not self.deviation > 0 or self.freedom < 1:
            return 1.0
        return float(2 * t.sf(abs(self.slope) / self.deviation, self.freedom))

    def interval(self, confidence_share: float = 0.8) -> tuple[float, float]:
        """Return the interval of the slope."""
        half = float(t.ppf(0.5 + confidence_share / 2, self.freedom)) * self.deviation
        return self.slope - half, self.slope + half


def poisson_line(counts: ArrayLike, exposures: ArrayLike, values: ArrayLike) -> Line:
    """Fit counts = exposure x exp(a + slope x value), chance widened by what is left over.

    Quasi-Poisson: the deviation grows with the scatter around the line, and is never below that of
    pure chance.
    """
    number, time, value = (np.asarray(v, dtype=float) for v in (counts, exposures, values))
    freedom = len(number) - 2
    if freedom < 1 or number.sum() == 0 or np.ptp(value) < 1e-12:
        return Line(float("nan"), float("nan"), 0)
    design = np.column_stack([np.ones_like(value), value - value.mean()])
    weights = np.array([np.log(number.sum() / time.sum()), 0.0])
    for _ in range(_STEPS):
        mean = time * np.exp(np.clip(design @ weights, -30, 30))
        step = np.linalg.lstsq(
            (design * mean[:, None]).T @ design, design.T @ (number - mean), rcond=None
        )[0]
        weights = weights + np.clip(step, -2, 2)
        if np.abs(step).max() < _CLOSE:
            break
    mean = time * np.exp(np.clip(design @ weights, -30, 30))
    scatter = max(1.0, float(((number - mean) ** 2 / mean).sum() / freedom))
    spread = np.linalg.pinv((design * mean[:, None]).T @ design)
    return Line(float(weights[1]), float(np.sqrt(scatter * spread[1, 1])), freedom)


def person_effects(deals: pd.DataFrame, person: str, outcome: str) -> pd.DataFrame:
    """Return how much more often each person succeeds with the same work, as log of the odds.

    Logistic regression on the person and the columns of MIX. What the mix does is learnt within
    people, so that giving the best work to the best people does not blur it. Columns: `person`;
    deal_count; effect (against the mean of all, weighted by deals); variance. By person.
    """
    known = deals.assign(**{name: deals[name].fillna("not known") for name in MIX})
    cells = known.groupby([person, *MIX])[outcome].agg(["size", "sum"]).reset_index()
    names = sorted(cells[person].unique())
    own = (cells[person].to_numpy()[:, None] == np.array(names)[None, :]).astype(float)
    work = pd.get_dummies(cells[MIX], drop_first=True).to_numpy(float)
    size = cells["size"].to_numpy(float)
    counts = own.T @ size
    won = float(cells["sum"].sum())
    base = np.log((won + 0.5) / (size.sum() - won + 0.5))
    design = np.hstack([own, work])
    prior = np.r_[np.full(len(names), _PERSON_PRIOR), np.full(work.shape[1], _MIX_PRIOR)]
    centre = np.r_[np.full(len(names), base), np.zeros(work.shape[1])]
    weights, spread = _ridge(design, cells["sum"].to_numpy(float), size, prior, centre)
    contrast = np.eye(len(names)) - counts / counts.sum()
    effect = contrast @ weights[: len(names)]
    variance = np.diag(contrast @ spread[: len(names), : len(names)] @ contrast.T)
    return pd.DataFrame(
        {person: names, "deal_count": counts.astype(int), "effect": effect, "variance": variance}
    )


def _ridge(
    design: Floats, won: Floats, size: Floats, prior: Floats, centre: Floats
) -> tuple[Floats, Floats]:
    weights = centre
    for _ in range(_STEPS):
        chance = expit(design @ weights)
        pull = design.T @ (won - size * chance) - prior * (weights - centre)
        curve = (design * (size * chance * (1 - chance))[:, None]).T @ design + np.diag(prior)
        step = np.linalg.solve(curve, pull)
        weights = weights + np.clip(step, -2, 2)
        if np.abs(step).max() < _CLOSE:
            break
    return weights, np.linalg.inv(curve)


def effect_line(effects: ArrayLike, variances: ArrayLike, values: ArrayLike) -> Line:
    """Fit effect = a + slope x value between people, who differ for other reasons too.

    Random-effects regression: the variance between people is that at which the weighted scatter is
    what chance expects (Paule and Mandel 1982); the deviation is Knapp and Hartung's (2003), which
    keeps false claims at their level with few people.
    """
    effect, variance, value = (np.asarray(v, dtype=float) for v in (effects, variances, values))
    freedom = len(effect) - 2
    if freedom < 1 or np.ptp(value) < 1e-12:
        return Line(float("nan"), float("nan"), 0)
    design = np.column_stack([np.ones_like(value), value - value.mean()])
    between = _solve(lambda v: _scatter(design, effect, variance + v) - freedom)
    weight = 1 / (variance + between)
    spread = np.linalg.inv((design * weight[:, None]).T @ design)
    line = spread @ (design.T @ (weight * effect))
    scatter = max(1.0, _scatter(design, effect, variance + between) / freedom)
    return Line(float(line[1]), float(np.sqrt(scatter * spread[1, 1])), freedom)


def between_variance(
    effects: ArrayLike, variances: ArrayLike, confidence_share: float = 0.8
) -> tuple[float, float, float]:
    """Return the variance of true effects between people, and its interval (Q-profile).

    Viechtbauer 2007: the values at which the weighted scatter lies between the quantiles of chance.
    NaN below three people.
    """
    effect, variance = np.asarray(effects, float), np.asarray(variances, float)
    freedom = len(effect) - 1
    if freedom < 2:
        return float("nan"), float("nan"), float("nan")
    design = np.ones((len(effect), 1))
    tail = (1 - confidence_share) / 2
    levels = (freedom, chi2.ppf(1 - tail, freedom), chi2.ppf(tail, freedom))
    found = [_solve(lambda v, n=n: _scatter(design, effect, variance + v) - n) for n in levels]
    return found[0], found[1], found[2]


def excess_variation(
    counts: ArrayLike, expected: ArrayLike, confidence_share: float = 0.8
) -> tuple[float, float, float, float]:
    """Return by how much true rates vary (coefficient of variation) beyond chance, and its p-value.

    `expected` are the counts that equal rates would give. The variation is that at which the
    scatter, with chance (Poisson) and this much more, is what is expected; low and high by the
    quantiles of chance; p-value of there being none. NaN below three counts.
    """
    number, mean = np.asarray(counts, float), np.asarray(expected, float)
    number, mean = number[mean > 0], mean[mean > 0]
    freedom = len(number) - 1
    if freedom < 2:
        return (float("nan"),) * 4
    tail = (1 - confidence_share) / 2
    levels = (freedom, chi2.ppf(1 - tail, freedom), chi2.ppf(tail, freedom))
    found = [
        np.sqrt(_solve(lambda v, n=n: ((number - mean) ** 2 / (mean + v * mean**2)).sum() - n))
        for n in levels
    ]
    p_value = float(chi2.sf(((number - mean) ** 2 / mean).sum(), freedom))
    return float(found[0]), float(found[1]), float(found[2]), p_value


def rate_ratio(
    first: tuple[float, float], second: tuple[float, float], confidence_share: float = 0.8
) -> tuple[float, float, float]:
    """Return rate(first) / rate(second), each given as (count, exposure), with its interval.

    Half a case is added to each count, so that none seen is not none; on the log scale.
    """
    counts = np.array([first[0], second[0]]) + 0.5
    times = np.array([first[1], second[1]], dtype=float)
    if (times <= 0).any():
        return float("nan"), float("nan"), float("nan")
    log = float(np.log(counts[0] / times[0]) - np.log(counts[1] / times[1]))
    half = float(norm.ppf(0.5 + confidence_share / 2) * np.sqrt((1 / counts).sum()))
    return float(np.exp(log)), float(np.exp(log - half)), float(np.exp(log + half))


def _scatter(design: Floats, effect: Floats, variance: Floats) -> float:
    weight = 1 / variance
    curve = (design * weight[:, None]).T @ design
    line = np.linalg.solve(curve, design.T @ (weight * effect))
    return float((weight * (effect - design @ line) ** 2).sum())


def _solve(falls: Callable[[float], float]) -> float:
    """The variance at which a falling function is 0; 0 where it is below 0 already."""
    if falls(0.0) <= 0:
        return 0.0
    return _LARGEST if falls(_LARGEST) > 0 else float(brentq(falls, 0.0, _LARGEST))
