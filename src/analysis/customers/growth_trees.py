"""What boosted trees learn from earlier origins: what customers spent over what models expected."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from analysis.core.threads import one_thread
from analysis.customers.growth_known import Facts, fact_bins
from analysis.customers.growth_origins import Origin

_FEWEST_ROWS = 200  # that trees are grown on
_MOST_ROWS = 40_000  # more teach little and cost much
_HIGHEST_FACTOR = 20.0  # one customer's surprise may teach no more than this
_BINS = 31  # of every column that the trees see; finer ones change nothing
_WEIGHT_POWERS = (0.5, 1.0)  # of the base: between equal customers (ranking) and equal money

Floats = np.ndarray


@dataclass(frozen=True)
class LearntRows:
    """The rows that trees learn from, as origins with their rows, and what they see of them."""

    origins: list[tuple[Origin, Floats]]
    learnt: Floats
    asked: Floats


def learnt_rows(before: Sequence[Origin], now: Origin, facts: Facts) -> LearntRows | None:
    """Return a fixed sample of the rows of earlier origins; None where they are too few."""
    ends = np.cumsum([0, *(len(origin.base) for origin in before)])
    if ends[-1] < _FEWEST_ROWS:
        return None
    chosen = np.sort(np.random.default_rng(0).permutation(ends[-1])[:_MOST_ROWS])
    rows = [chosen[(chosen >= a) & (chosen < b)] - a for a, b in pairwise(ends)]
    origins = list(zip(before, rows, strict=True))
    inputs = np.vstack([origin.inputs[own] for origin, own in origins])
    learnt, asked = _in_bins(inputs, now.inputs)
    if facts:
        known = np.vstack([facts[origin.name][own] for origin, own in origins])
        more = fact_bins(known, facts[now.name])
        learnt, asked = np.hstack([learnt, more[0]]), np.hstack([asked, more[1]])
    return LearntRows(origins, learnt, asked)


def learnt_factors(before: Sequence[Origin], now: Origin, facts: Facts) -> Floats:
    """Return each customer's factor on what the models expect, 1 where nothing can be learnt.

    `facts` are known in advance, by name of origin; empty where nothing is.
    """
    rows = learnt_rows(before, now, facts)
    if rows is None:
        return np.ones(len(now.base))
    base = np.concatenate([origin.base[own] for origin, own in rows.origins])
    surprises = [
        (o.sales / o.base)[own] * (o.base.sum() / o.sales.sum()) for o, own in rows.origins
    ]
    factors = np.concatenate(surprises).clip(0, _HIGHEST_FACTOR)
    with one_thread():
        logs = [
            np.log(
                _trees(seed)
                .fit(rows.learnt, factors, sample_weight=base**power)
                .predict(rows.asked)
            )
            for seed, power in enumerate(_WEIGHT_POWERS)
        ]
    return np.exp(np.mean(logs, axis=0))


def _in_bins(learnt: Floats, asked: Floats) -> tuple[Floats, Floats]:
    """Return both tables with every column as the number of its bin, missing ones left missing.

    The trees cut columns into bins anyway; by weighted quantiles that took half of their time.
    """
    shares = np.linspace(0, 1, _BINS + 1)[1:-1]
    edges = [np.unique(np.nanquantile(column, shares)) for column in learnt.T]
    binned = []
    for table in (learnt, asked):
        columns = zip(edges, table.T, strict=True)
        numbers = np.column_stack([np.searchsorted(edge, c, "right") for edge, c in columns])
        binned.append(np.where(np.isnan(table), np.nan, numbers))
    return binned[0], binned[1]


def _trees(seed: int) -> HistGradientBoostingRegressor:
    return HistGradientBoostingRegressor(
        loss="poisson",
        learning_rate=0.05,
        max_iter=80,
        max_bins=_BINS,
        max_leaf_nodes=8,
        min_samples_leaf=100,
        l2_regularization=5,
        max_features=0.5,
        early_stopping=False,
        random_state=seed,
    )
