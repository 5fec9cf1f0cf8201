"""Statistics that several rooms share: intervals of shares, ranking of forecasts."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom, hypergeom, norm


def wilson_interval(
    successes: int, trials: int, confidence_share: float = 0.8
) -> tuple[float, float]:
    """Return the Wilson score interval of a share (Wilson 1927); (0, 1) without trials."""
    if trials == 0:
        return 0.0, 1.0
    z = float(norm.ppf(0.5 + confidence_share / 2))
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return max(0.0, centre - float(half)), min(1.0, centre + float(half))


def normalised_gini(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Return how well `predicted` ranks `actual`: 1 is perfect, 0 is chance.

    Gini of the actual amounts in the order of the prediction, divided by that in their own order
    (Wang, Liu, Miao 2019). Ties of the prediction share their positions, so that row order does not
    matter. NaN when all actual amounts are equal.
    """
    truth = np.asarray(actual, dtype=float)
    best = _gini(truth, truth)
    return _gini(truth, np.asarray(predicted, dtype=float)) / best if best else float("nan")


def _gini(truth: np.ndarray, order: np.ndarray) -> float:
    _, group = np.unique(-order, return_inverse=True)
    counts = np.bincount(group)
    sums = np.bincount(group, weights=truth)
    covered = np.concatenate([[0.0], np.cumsum(counts) / len(truth)])
    total = truth.sum()
    if not total:
        return 0.0
    gained = np.concatenate([[0.0], np.cumsum(sums) / total])
    return float(2 * np.trapezoid(gained, covered) - 1)


def share_difference_interval(
    first: tuple[int, int], second: tuple[int, int], confidence_share: float = 0.95
) -> tuple[float, float]:
    """Return the interval of share(first) - share(second), each given as (successes, trials).

    Newcombe's hybrid of two Wilson intervals (Newcombe 1998, method 10); within -1 to 1.
    """
    low_1, high_1 = wilson_interval(*first, confidence_share)
    low_2, high_2 = wilson_interval(*second, confidence_share)
    share_1 = first[0] / first[1] if first[1] else 0.5
    share_2 = second[0] / second[1] if second[1] else 0.5
    below = float(np.hypot(share_1 - low_1, high_2 - share_2))
    above = float(np.hypot(high_1 - share_1, share_2 - low_2))
    return share_1 - share_2 - below, share_1 - share_2 + above


def detectable_lift(group_size: int, base_share: float, power_share: float = 0.8) -> float:
    """Return the lift of a share that two groups of this size can show, two-sided at 5 %.

    Normal approximation with the variance of `base_share` in both groups; 1 without a group.
    """
    if group_size <= 0:
        return 1.0
    z = float(norm.ppf(0.975) + norm.ppf(power_share))
    return min(1.0, z * float(np.sqrt(2 * base_share * (1 - base_share) / group_size)))


def false_discovery_levels(p_values: ArrayLike) -> np.ndarray:
    """Return for each test the lowest share of false alarms at which it is still reported.

    Adjusted p-values of Benjamini and Hochberg (1995), in the order given; NaN (not tested) stays
    NaN and does not count as a test.
    """
    p = np.asarray(p_values, dtype=float)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    ranks = np.arange(1, len(order) + 1)
    raised = np.minimum.accumulate((p[order] * len(order) / ranks)[::-1])[::-1]
    levels = np.full(len(p), np.nan)
    levels[order] = np.minimum(raised, 1.0)
    return levels


def power_to_tell(first_share: float, second_share: float, trials: int) -> float:
    """Return the chance that Fisher's exact test at 5 % tells two shares apart, exactly.

    `trials` of each group. Shares of 0 to 1; 0 without trials. Meant for up to a few hundred.
    """
    counts = np.arange(trials + 1)
    first, second = (binom.pmf(counts, trials, share) for share in (first_share, second_share))
    # Two-sided p-value: all tables with these margins that are no more likely than the one seen.
    is_told = np.zeros((trials + 1, trials + 1), dtype=bool)
    for both in range(2 * trials + 1):
        mine = np.arange(max(0, both - trials), min(trials, both) + 1)
        chance = hypergeom.pmf(mine, 2 * trials, both, trials)
        order = np.argsort(chance, kind="stable")
        below = np.cumsum(chance[order])
        # Tables of equal chance count together, so look up the last of them.
        last = np.searchsorted(chance[order], chance * (1 + 1e-7), side="right") - 1
        is_told[mine, both - mine] = below[last] < 0.05
    return float(first @ is_told @ second)


def chance_above(amount: float, middle: float, low: float, high: float) -> float:
    """Return the chance that a lognormal forecast reaches `amount`.

    `low` and `high` are its 10 and 90 % points; each side has its own spread. 1 for an amount of 0
    or less, NaN without a range.
    """
    if not (0 < low <= middle <= high) or low == high:
        return float("nan")
    if amount <= 0:
        return 1.0
    spread = np.log(middle / low) if amount < middle else np.log(high / middle)
    if spread <= 0:
        return 1.0 if amount <= middle else 0.0
    return float(norm.sf(np.log(amount / middle) / (spread / float(norm.ppf(0.9)))))
