"""Two rules that say who deserves a look, and how often each would cry wolf."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import binomtest, chi2, norm

_DRAWS = 20_000


def deviations(counts: ArrayLike, tolerance_share: float = 0.2) -> pd.DataFrame:
    """Return each seller's deviation from the average of all, and whether it is beyond tolerance.

    Columns: count; average; deviation_share (0.136 is 13.6 % above); is_beyond. Exactly the
    tolerance is not beyond it. All counts zero: no deviation.
    """
    number = np.asarray(counts, dtype=float)
    average = number.mean()
    deviation = number / average - 1 if average else np.zeros_like(number)
    # 24 / 20 - 1 is 0.19999999999999996: what is meant is compared, not what is stored.
    is_beyond = np.round(np.abs(deviation), 9) > tolerance_share
    return pd.DataFrame(
        {
            "count": number,
            "average": average,
            "deviation_share": deviation,
            "is_beyond": is_beyond,
        }
    )


def poisson_interval(count: float, confidence_share: float = 0.8) -> tuple[float, float]:
    """Return the exact interval of a Poisson mean of which `count` was seen (Garwood 1936)."""
    tail = (1 - confidence_share) / 2
    low = chi2.ppf(tail, 2 * count) / 2 if count else 0.0
    return float(low), float(chi2.ppf(1 - tail, 2 * count + 2) / 2)


def alarm_shares(
    mean: float, sellers: int, tolerance_share: float = 0.2, seed: int = 0
) -> tuple[float, float]:
    """Return how often the tolerance rule names sellers who are all alike.

    The chance for a given one, and that at least one of `sellers` is named, when each closes
    `mean` deals and only chance (Poisson) makes them differ. By 20,000 draws.
    """
    draws = np.random.default_rng(seed).poisson(mean, (_DRAWS, sellers)).astype(float)
    average = draws.mean(axis=1, keepdims=True)
    share = np.divide(draws, average, out=np.ones_like(draws), where=average > 0)
    is_named = np.round(np.abs(share - 1), 9) > tolerance_share
    return float(is_named.mean()), float(is_named.any(axis=1).mean())


def against_others(counts: ArrayLike, exposures: ArrayLike) -> pd.DataFrame:
    """Return how each seller's rate compares with that of all others together.

    Columns: others_rate (per unit of exposure, leaving the seller out); p_value (two-sided, exact,
    of two Poisson rates given their sum), widened where sellers differ more than chance makes by
    the factor `dispersion` (mean squared deviation of root counts, at least 1, the largest and
    smallest tenth drawn in; Spiegelhalter 2005); low and high rate between which 95 % of sellers
    like the others would lie at this exposure.
    """
    number, time = np.asarray(counts, float), np.asarray(exposures, float)
    rest_count, rest_time = number.sum() - number, time.sum() - time
    rate = np.divide(
        rest_count, rest_time, out=np.full_like(rest_count, np.nan), where=rest_time > 0
    )
    expected = rate * time
    score = 2 * (np.sqrt(number) - np.sqrt(expected))
    dispersion = _dispersion(score)
    exact = [_p_value(*row) for row in zip(number, time, rest_count, rest_time, strict=True)]
    p_value = np.asarray(exact, dtype=float)
    if dispersion > 1:
        widened = 2 * norm.sf(np.abs(score) / np.sqrt(dispersion))
        p_value = np.where(np.isnan(p_value), p_value, np.fmax(p_value, widened))
    half = norm.ppf(0.975) * np.sqrt(dispersion) / 2
    root = np.sqrt(expected)
    safe = np.where(time > 0, time, np.nan)
    return pd.DataFrame(
        {
            "others_rate": rate,
            "p_value": p_value,
            "limit_low_rate": np.maximum(root - half, 0) ** 2 / safe,
            "limit_high_rate": (root + half) ** 2 / safe,
            "dispersion": dispersion,
        }
    )


def _dispersion(score: np.ndarray) -> float:
    known = score[np.isfinite(score)]
    if len(known) < 3:
        return 1.0
    low, high = np.quantile(known, [0.1, 0.9])
    return max(1.0, float((known.clip(low, high) ** 2).mean()))


def _p_value(count: float, time: float, rest_count: float, rest_time: float) -> float:
    total = int(count + rest_count)
    if total == 0 or time <= 0 or rest_time <= 0:
        return float("nan")
    return float(binomtest(int(count), total, time / (time + rest_time)).pvalue)
