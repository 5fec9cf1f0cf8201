"""How many clusters do the data hold, if any: would other customers have given the same ones?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

# The scan's own limits: beyond them, more customers or restarts do not change what it says.
_MOST_CUSTOMERS = 20_000
_FINAL_STARTS = 10
_CENTRE_STARTS = 30
_SCAN_STARTS = 6
_MOST_STEPS = 2_000
# Of two clusters one holds half or more, so that the limit on size cannot bind as it stands.
_LARGEST_OF_TWO = 0.8
# Clouds without clusters, and the draws from each: enough to see how stable a cut of one can be.
_NULLS = 9
_NULL_DRAWS = 6
# A value that so many customers share is a spike.
_SPIKE_SHARE = 0.02
# A cluster needs so many customers to be told from chance.
_FEWEST_PER_CLUSTER = 5
# After so many draws a number of clusters that is far below a limit is given up.
_FIRST_DRAWS = 6
_FAR_BELOW = 0.08
# So near a limit, the draws of one seed could say yes and those of another no: draw more.
_NEAR = 0.03
_MORE_DRAWS = 3
# Draws do not follow the analyst's seed: what the gates say must not depend on it.
_DRAWS_SEED = 20_260


@dataclass(frozen=True)
class StabilityRule:
    """What a number of clusters must reach to be chosen."""

    bootstraps: int  # draws of customers; half as many splits into halves
    least_ari: float
    least_jaccard: float
    least_strength: float
    smallest_share: float
    largest_share: float


def scan_clusters(
    points: np.ndarray, counts: range, rule: StabilityRule, seed: int = 0
) -> pd.DataFrame:
    """Return one row per number of clusters; of those that pass the rule, one is marked as chosen.

    That is the largest that is more stable than chance, or else the largest: stability alone shows
    no structure, since a single long cloud is cut at the same place again and again.

    `bootstrap_ari`: mean adjusted Rand index between the clusters of all customers and those found
    on customers drawn with replacement, over all customers (1 the same, 0 chance).
    `worst_jaccard_share`: the cluster least often found again, mean over draws (Hennig 2007).
    `prediction_strength_share`: share of pairs of the worst cluster that stay together when the
    clusters of the other half of the customers assign it (Tibshirani, Walther 2005), mean of
    splits; missing where the draws have already failed. `null_ari` and `null_strength_share` are
    the same for clouds without clusters, as `draw_cloud` draws them: the highest of nine, or of
    those until one is as stable, from the largest number that passes downwards until one is above
    both (`is_beyond_null`). `why_not` is empty for a number that passes. Nothing is chosen when
    none does.

    Beyond 20,000 customers the scan sees 20,000 drawn at random. Far below a limit it stops after
    six draws; near one it draws three times as many. `seed` starts k-means and is for studies only:
    the product leaves it at 0, for near ties of starts an analyst's seed would move customers.
    """
    sampled = _sample(points)
    most = min(max(counts, default=0), len(np.unique(sampled, axis=0)) - 1)
    tried = [k for k in counts if k <= most and len(sampled) >= _FEWEST_PER_CLUSTER * k]
    with threadpool_limits(1):
        rows = [_row(sampled, k, rule, seed) for k in tried]
        table = pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)
        table = _with_null(table, sampled)
    passing = table["why_not"] == ""
    eligible = passing & table["is_beyond_null"] if table["is_beyond_null"].any() else passing
    chosen = table.loc[eligible, "cluster_count"].max()
    return table.assign(is_chosen=table["cluster_count"] == chosen)


def find_centres(points: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Return the centres of k-means over all customers, best of many starts.

    Of more customers than the scan sees, those seen give the start and all the centres.
    """
    sampled = _sample(points)
    with threadpool_limits(1):
        # Run to the end: stopped a little before it, each start would leave other centres.
        model = KMeans(
            count, n_init=_CENTRE_STARTS, tol=0, max_iter=_MOST_STEPS, random_state=seed
        ).fit(sampled)
        if len(points) > len(sampled):
            model = KMeans(count, init=model.cluster_centers_, n_init=1).fit(points)
    return model.cluster_centers_


_COLUMNS = {
    "cluster_count": "int64",
    "bootstrap_ari": "float64",
    "worst_jaccard_share": "float64",
    "prediction_strength_share": "float64",
    "smallest_share": "float64",
    "largest_share": "float64",
    "why_not": "str",
    "null_ari": "float64",
    "null_strength_share": "float64",
    "is_beyond_null": "bool",
}


def _sample(points: np.ndarray) -> np.ndarray:
    if len(points) <= _MOST_CUSTOMERS:
        return points
    draw = np.random.default_rng(_DRAWS_SEED)
    return points[np.sort(draw.choice(len(points), _MOST_CUSTOMERS, replace=False))]


def _row(points: np.ndarray, count: int, rule: StabilityRule, seed: int) -> tuple:
    labels = KMeans(count, n_init=_FINAL_STARTS, random_state=seed).fit(points).labels_
    shares = np.bincount(labels, minlength=count) / len(points)
    ari, jaccard = _found_again(points, labels, count, rule)
    is_found_again = ari >= rule.least_ari and jaccard >= rule.least_jaccard
    # Halves are not asked where whole draws have said no: they would take as long again.
    strength = _strength_of_halves(points, count, rule) if is_found_again else np.nan
    numbers = (ari, jaccard, strength, float(shares.min()), float(shares.max()))
    return (count, *numbers, _why_not(count, numbers, rule), np.nan, np.nan, False)


def _with_null(table: pd.DataFrame, points: np.ndarray) -> pd.DataFrame:
    """Add what clouds without clusters reach, from the largest number that passes downwards."""
    for place in reversed(table.index[table["why_not"] == ""]):
        row = table.loc[place]
        observed = (row["bootstrap_ari"], row["prediction_strength_share"])
        null = _null(points, int(row["cluster_count"]), observed)
        is_beyond = _is_beyond(observed, null)
        names = ["null_ari", "null_strength_share", "is_beyond_null"]
        table.loc[place, names] = [*null, is_beyond]
        if is_beyond:
            break
    return table.astype(_COLUMNS)


def _null(points: np.ndarray, count: int, observed: tuple[float, float]) -> tuple[float, float]:
    """Return the highest ARI and strength of clouds, drawn until one is as stable as observed."""
    highest = (-1.0, -1.0)
    for number in range(_NULLS):
        drawn = draw_cloud(points, np.random.default_rng([_DRAWS_SEED, 2, number]))
        labels = KMeans(count, n_init=_SCAN_STARTS, random_state=number).fit(drawn).labels_
        ari, _ = _means(_bootstrap(drawn, labels, count, range(_NULL_DRAWS)))
        halves = _halves(drawn, count, range(_NULL_DRAWS // 2))
        highest = (max(highest[0], ari), max(highest[1], float(np.mean(halves))))
        if not _is_beyond(observed, highest):
            break
    return highest


def draw_cloud(points: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return as many customers drawn from one cloud, features correlated and spiked as they are.

    A Gaussian copula: ranks of normal draws with the correlation of the normal scores, and at each
    rank the value of `_shape` there. So spikes (no returns, no trend known, one order) stay, at
    which k-means cuts one cloud again and again; what goes is that some values, or combinations of
    values, are crowded and others empty, which is what clusters are.
    """
    count = len(points)
    # Equal values get their ranks by chance, or a spike would look like one more correlation.
    orders = [np.lexsort((random.random(count), column)) for column in points.T]
    scores = np.column_stack([norm.ppf((order.argsort() + 0.5) / count) for order in orders])
    shape = np.nan_to_num(np.atleast_2d(np.corrcoef(scores.T)))
    drawn = random.multivariate_normal(np.zeros(len(shape)), shape, count)
    ranks = drawn.argsort(axis=0).argsort(axis=0)
    return np.take_along_axis(np.column_stack([_shape(c) for c in points.T]), ranks, axis=0)


def _shape(values: np.ndarray) -> np.ndarray:
    """Return one feature in order with its spikes, and between them a normal curve for the rest."""
    ordered = np.sort(values)
    _, places, sizes = np.unique(ordered, return_inverse=True, return_counts=True)
    is_spike = sizes[places] >= max(_SPIKE_SHARE * len(ordered), _FEWEST_PER_CLUSTER)
    edges = np.flatnonzero(np.diff(is_spike)) + 1
    for part in np.split(np.arange(len(ordered)), edges):
        if not is_spike[part[0]]:
            rest = ordered[part]
            curve = norm.ppf((np.arange(len(rest)) + 0.5) / len(rest))
            ordered[part] = np.clip(rest.mean() + rest.std() * curve, rest[0], rest[-1])
    return ordered


def _is_beyond(observed: tuple[float, float], null: tuple[float, float]) -> bool:
    return all(own > chance for own, chance in zip(observed, null, strict=True))


def _found_again(
    points: np.ndarray, labels: np.ndarray, count: int, rule: StabilityRule
) -> tuple[float, float]:
    """Return the mean ARI and the worst mean Jaccard over draws: few if clear, more if close."""
    limits = (rule.least_ari, rule.least_jaccard)
    draws = min(_FIRST_DRAWS, rule.bootstraps)
    found = _bootstrap(points, labels, count, range(draws))
    if any(own < least - _FAR_BELOW for own, least in zip(_means(found), limits, strict=True)):
        return _means(found)
    found += _bootstrap(points, labels, count, range(draws, rule.bootstraps))
    if any(abs(own - least) < _NEAR for own, least in zip(_means(found), limits, strict=True)):
        more = range(rule.bootstraps, _MORE_DRAWS * rule.bootstraps)
        found += _bootstrap(points, labels, count, more)
    return _means(found)


def _means(found: list[tuple[float, np.ndarray]]) -> tuple[float, float]:
    aris, jaccards = zip(*found, strict=True)
    return float(np.mean(aris)), float(np.mean(jaccards, axis=0).min())


def _bootstrap(
    points: np.ndarray, labels: np.ndarray, count: int, draws: range
) -> list[tuple[float, np.ndarray]]:
    found = []
    for draw in draws:
        # The draw is the same for every number of clusters, so that they are compared on it.
        random = np.random.default_rng([_DRAWS_SEED, draw])
        rows = random.integers(0, len(points), len(points))
        model = KMeans(count, n_init=_SCAN_STARTS, random_state=draw).fit(points[rows])
        told = model.predict(points)
        found.append((adjusted_rand_score(labels, told), _best_jaccard(labels, told, count)))
    return found


def _best_jaccard(labels: np.ndarray, found: np.ndarray, count: int) -> np.ndarray:
    both = np.bincount(labels * count + found, minlength=count * count).reshape(count, count)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    return (both / np.maximum(either, 1)).max(axis=1)


def _strength_of_halves(points: np.ndarray, count: int, rule: StabilityRule) -> float:
    splits = max(rule.bootstraps // 2, 1)
    found = _halves(points, count, range(splits))
    if abs(np.mean(found) - rule.least_strength) < _NEAR:
        found += _halves(points, count, range(splits, _MORE_DRAWS * splits))
    return float(np.mean(found))


def _halves(points: np.ndarray, count: int, splits: range) -> list[float]:
    strengths = []
    for split in splits:
        order = np.random.default_rng([_DRAWS_SEED, 1, split]).permutation(len(points))
        halves = points[order[: len(order) // 2]], points[order[len(order) // 2 :]]
        models = [
            KMeans(count, n_init=_SCAN_STARTS, random_state=split).fit(half) for half in halves
        ]
        # Each half once judges the other, which makes two splits of one.
        strengths += [
            _strength(models[1].labels_, models[0].predict(halves[1]), count),
            _strength(models[0].labels_, models[1].predict(halves[0]), count),
        ]
    return strengths


def _strength(own: np.ndarray, told: np.ndarray, count: int) -> float:
    pairs = np.bincount(own * count + told, minlength=count * count).reshape(count, count)
    sizes = pairs.sum(axis=1)
    together = (pairs * (pairs - 1)).sum(axis=1) / np.maximum(sizes * (sizes - 1), 1)
    return float(together[sizes > 1].min(initial=1.0))


def _why_not(count: int, numbers: tuple[float, ...], rule: StabilityRule) -> str:
    ari, jaccard, strength, smallest, largest = numbers
    limit = rule.largest_share if count > 2 else max(_LARGEST_OF_TWO, rule.largest_share)
    reasons = (
        (ari < rule.least_ari, "other customers would give other segments"),
        (jaccard < rule.least_jaccard, "one segment is not found again"),
        (strength < rule.least_strength, "one half does not predict the other"),
        (smallest < rule.smallest_share, "one segment is too small"),
        (largest > limit, "one segment is too large"),
    )
    return "; ".join(words for fails, words in reasons if fails)
