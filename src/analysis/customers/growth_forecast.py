"""What will each customer spend in the next quarter?

Buy-till-you-die models know how single customers buy, but nothing of what is special to this
company. So their forecast is multiplied by a factor that boosted trees learn from earlier quarter
and month ends: what customers then spent in the following quarter, over what the models expected.
The trees decide who gets how much of the total, never the total: `growth_level` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

from analysis.core.threads import one_thread
from analysis.customers.growth_level import Level, bottom_up_level, combine, year_ago_level
from analysis.customers.growth_origins import Origin

_FEWEST_ROWS = 200  # that trees are grown on
_MOST_ROWS = 40_000  # more teach little and cost much
_HIGHEST_FACTOR = 20.0  # one customer's surprise may teach no more than this
_BINS = 31  # of every column that the trees see; finer ones change nothing
_WEIGHT_POWERS = (0.5, 1.0)  # of the base: between equal customers (ranking) and equal money
_QUARTER_MONTHS = 3
_JUDGED = 4  # latest quarters on which the trees must have been better than the models alone

Floats = np.ndarray


@dataclass(frozen=True)
class Forecast:
    """Sales of the next quarter, per customer, in the order of the origin's table.

    `base` is what the models alone say and `trees` what the trees make of it, both at the same
    total; `sales` is the one of them that was better at earlier origins.
    """

    sales: Floats
    base: Floats
    trees: Floats
    level: Level


def forecast_all(
    origins: Sequence[Origin],
    targets: Sequence[Origin],
    daily: pd.Series | None,
    assumed_shock: float,
) -> list[Forecast]:
    """Return the forecasts made at some origins, each with what was over by then.

    `origins` are what can be learnt from, `targets` are in the order of time; `daily` are the sales
    to customers by day, without which the year before says nothing; `assumed_shock` is the error
    of a total before there is experience.
    """
    made: list[Forecast] = []
    for now in targets:
        before = [o for o in origins if o.known_on <= now.ends_on and o.sales.sum() > 0]
        graded = [
            (target, forecast)
            for target, forecast in zip(targets, made, strict=False)
            if target.known_on <= now.ends_on and target.sales.sum() > 0
        ]
        level = _level(before, now, daily, assumed_shock)
        made.append(_forecast(before, now, level, _are_better(graded[-_JUDGED:])))
    return made


def poisson_deviance(actual: Floats, forecast: Floats) -> float:
    """Return the mean Poisson deviance over the mean, the forecast scaled to the right total."""
    fitted = np.maximum(forecast * actual.sum() / forecast.sum(), 1e-6)
    amounts = np.maximum(actual, 0)
    logs = np.where(amounts > 0, amounts * np.log(np.maximum(amounts, 1e-9) / fitted), 0)
    return float(2 * np.mean(logs - (amounts - fitted)) / amounts.mean())


def _forecast(
    before: Sequence[Origin], now: Origin, level: Level, are_trees_better: bool
) -> Forecast:
    base = now.base * level.total / now.base.sum()
    trees = now.base * _learnt_factors(before, now)
    trees = trees * level.total / trees.sum()
    return Forecast(trees if are_trees_better else base, base, trees, level)


def _level(
    before: Sequence[Origin], now: Origin, daily: pd.Series | None, assumed_shock: float
) -> Level:
    errors = np.array([np.log(origin.sales.sum() / origin.bottom_up) for origin in before])
    overlap = 1 if all(origin.is_quarter for origin in before) else _QUARTER_MONTHS
    bottom_up = bottom_up_level(now.bottom_up, errors, overlap, assumed_shock)
    if daily is None or daily.empty:
        return bottom_up
    starts_on = now.ends_on + pd.Timedelta(days=1)
    ends_before = now.known_on + pd.Timedelta(days=1)
    return combine(bottom_up, year_ago_level(daily, now.known_share, starts_on, ends_before))


def _are_better(graded: Sequence[tuple[Origin, Forecast]]) -> bool:
    """Tell whether the trees were better in past quarters; True while there is none to judge by."""
    gains = [
        poisson_deviance(origin.sales, forecast.base)
        - poisson_deviance(origin.sales, forecast.trees)
        for origin, forecast in graded
    ]
    return not gains or float(np.mean(gains)) >= 0


def _learnt_factors(before: Sequence[Origin], now: Origin) -> Floats:
    """Return each customer's factor on what the models expect, 1 where nothing can be learnt."""
    ends = np.cumsum([0, *(len(origin.base) for origin in before)])
    if ends[-1] < _FEWEST_ROWS:
        return np.ones(len(now.base))
    chosen = np.sort(np.random.default_rng(0).permutation(ends[-1])[:_MOST_ROWS])
    rows = [chosen[(chosen >= a) & (chosen < b)] - a for a, b in pairwise(ends)]
    origins = list(zip(before, rows, strict=True))
    inputs = np.vstack([origin.inputs[own] for origin, own in origins])
    base = np.concatenate([origin.base[own] for origin, own in origins])
    surprises = [(o.sales / o.base)[own] * (o.base.sum() / o.sales.sum()) for o, own in origins]
    factors = np.concatenate(surprises).clip(0, _HIGHEST_FACTOR)
    learnt, asked = _in_bins(inputs, now.inputs)
    with one_thread():
        logs = [
            np.log(_trees(seed).fit(learnt, factors, sample_weight=base**power).predict(asked))
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
