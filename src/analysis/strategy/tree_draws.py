"""Draws from the ranges that other chapters state: middle, 10 and 90 % points."""

import numpy as np
from scipy.stats import norm

Floats = np.ndarray
_Z = float(norm.ppf(0.9))


def lognormal_draws(
    points: dict[str, float], generator: np.random.Generator, count: int
) -> Floats | None:
    """Draw a positive amount from its middle, low and high; each side has its own spread.

    None without a range.
    """
    middle, low, high = points["middle"], points["low"], points["high"]
    if not 0 < low <= middle <= high or low == high:
        return None
    z = generator.standard_normal(count)
    spread = np.where(z < 0, np.log(middle / low), np.log(high / middle)) / _Z
    return middle * np.exp(z * spread)


def range_of(draws: Floats) -> dict[str, float]:
    """Return 10, 50 and 90 % points of draws as low, middle and high."""
    low, middle, high = np.quantile(draws, [0.1, 0.5, 0.9])
    return {"middle": float(middle), "low": float(low), "high": float(high)}
