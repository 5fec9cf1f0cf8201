"""Rates of small groups, drawn to that of all as far as chance could explain the difference."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betaln, expit, gammaln, logit, softmax
from scipy.stats import beta, gamma
from scipy.stats.distributions import rv_frozen

Floats = np.ndarray

# Spread of groups beyond chance is integrated over a grid: for shares the pseudo-trials of the
# prior, for rates its shape. A maximum alone runs away when groups look alike. The prior of its log
# is weak: most departments differ, by a factor rather than by nothing.
_SPREADS = np.exp(np.linspace(np.log(2), np.log(5000), 30))
_CENTRE, _WIDTH = np.log(60), 1.5
# The common value is not known exactly either: its grid, in deviations on the log or logit scale.
_STEPS = np.linspace(-4, 4, 17)
_LEAST_WEIGHT = 1e-3  # of the greatest; points of the grid below it change no printed digit
_CLOSE = 2.0**-24  # of the range of a quantile's parts
_MOST_STEPS = 60


def shrunk_shares(
    successes: ArrayLike, trials: ArrayLike, confidence_share: float = 0.8
) -> pd.DataFrame:
    """Return each group's share, drawn to the common one (beta-binomial, empirical Bayes).

    Columns, in the order given: share (0 to 1, posterior mean), low and high (interval),
    below_share (posterior chance that the group is truly below the common share), common_share. How
    far groups differ beyond chance is averaged over, with a weak prior, so that equal groups are
    drawn together and very different ones stay apart. A group without trials gets the common share.
    """
    won, all_ = np.asarray(successes, float), np.asarray(trials, float)
    centre = logit((won.sum() + 0.5) / (all_.sum() + 1))
    deviation = _log_deviation(won, all_) + 1 / np.sqrt(all_.sum() - won.sum() + 1)
    common, spread = _grid(expit(centre + deviation * _STEPS))
    a, b = common * spread, (1 - common) * spread
    first, second = won[:, None] + a, (all_ - won)[:, None] + b
    logs = np.sum(betaln(first, second) - betaln(a, b), axis=0)
    kept, weights = _weights(logs, spread)
    first, second = first[:, kept], second[:, kept]
    mean = first / (first + second)
    return _summary(common[kept], weights, mean, beta(first, second), confidence_share)


def shrunk_rates(
    counts: ArrayLike, exposures: ArrayLike, confidence_share: float = 0.8
) -> pd.DataFrame:
    """Return each group's rate per unit of exposure, drawn to the common one (gamma-Poisson).

    Columns as in `shrunk_shares`, with `rate` and `common_rate` in place of the shares. Exposure is
    time, for example full-time days present; a group without any gets the common rate.
    """
    number, time = np.asarray(counts, float), np.asarray(exposures, float)
    centre = np.log((number.sum() + 0.5) / max(float(time.sum()), 1e-12))
    common, shape = _grid(np.exp(centre + _log_deviation(number, time) * _STEPS))
    first, second = number[:, None] + shape, time[:, None] + shape / common
    # Terms without the parameters are left out.
    logs = gammaln(first) - gammaln(shape) + shape * np.log(shape / common)
    kept, weights = _weights(np.sum(logs - first * np.log(second), axis=0), shape)
    first, second = first[:, kept], second[:, kept]
    parts = gamma(first, scale=1 / second)
    table = _summary(common[kept], weights, first / second, parts, confidence_share)
    return table.rename(columns={"share": "rate", "common_share": "common_rate"})


def _log_deviation(counts: Floats, exposures: Floats) -> float:
    """Deviation of the log of the common value: chance, and how far the groups lie apart."""
    seen = exposures > 0
    logs = np.log((counts[seen] + 0.5) / exposures[seen])
    between = float(logs.var() / len(logs)) if len(logs) > 1 else 0.0
    return float(np.sqrt(1 / (counts.sum() + 1) + between))


def _grid(common: Floats) -> tuple[Floats, Floats]:
    pairs = np.meshgrid(common, _SPREADS)
    return pairs[0].ravel(), pairs[1].ravel()


def _weights(log_likelihood: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Return which points of the grid matter, and their weights."""
    logs = log_likelihood - 0.5 * ((np.log(spread) - _CENTRE) / _WIDTH) ** 2
    kept = np.flatnonzero(logs > logs.max() + np.log(_LEAST_WEIGHT))
    return kept, softmax(logs[kept])


def _summary(
    common: Floats, weights: Floats, mean: Floats, parts: rv_frozen, confidence_share: float
) -> pd.DataFrame:
    tail = (1 - confidence_share) / 2
    return pd.DataFrame(
        {
            "share": mean @ weights,
            "low": _quantile(tail, weights, parts),
            "high": _quantile(1 - tail, weights, parts),
            "below_share": parts.cdf(common) @ weights,
            "common_share": common @ weights,
        }
    )


def _quantile(level: float, weights: Floats, parts: rv_frozen) -> Floats:
    """Quantile of the mixture over the grid: Newton, kept between the extremes of its parts."""
    ends = parts.ppf(level)
    low, high = ends.min(axis=1), ends.max(axis=1)
    close, place = (high - low) * _CLOSE, ends @ weights
    for _ in range(_MOST_STEPS):
        excess = parts.cdf(place[:, None]) @ weights - level
        low, high = np.where(excess < 0, place, low), np.where(excess < 0, high, place)
        height = parts.pdf(place[:, None]) @ weights
        wanted = place - np.divide(
            excess, height, out=np.full_like(place, np.inf), where=height > 0
        )
        is_inside = (wanted >= low) & (wanted <= high)
        step = np.where(is_inside, wanted, (low + high) / 2) - place
        place = place + step
        if (np.abs(step) <= close).all():
            break
    return place
