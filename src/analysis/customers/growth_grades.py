"""How far was a forecast from what came? Measures per quarter, and differences that chance allows.

The measures: normalised Gini (ranking of customers, 1 is perfect), root mean square error per
customer, mean relative error of tenths of customers by forecast, relative error of the total.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.core.statistics import normalised_gini

MEASURES = ("normalised_gini", "rmse_amount", "decile_error_share", "absolute_total_error_share")
_TENTHS = 10
_LARGEST = 5
_MISS_WEIGHT = 10.0  # 2 / 0.2: what a miss of an 80 % interval costs (Gneiting and Raftery 2007)
_DRAWS_AT_ONCE = 40
_ENDS = (0.05, 0.95)

Floats = np.ndarray


def errors(actual: Floats, forecast: Floats) -> dict[str, float]:
    """Return what came, what was forecast, and the measures of the difference."""
    total, squares = actual.sum(), (actual - forecast) ** 2
    largest = np.sort(squares)[-_LARGEST:].sum()
    return {
        "actual_amount": total,
        "forecast_amount": forecast.sum(),
        "total_error_share": forecast.sum() / total - 1 if total > 0 else np.nan,
        "normalised_gini": normalised_gini(actual, forecast),
        "rmse_amount": float(np.sqrt(np.mean(squares))),
        "decile_error_share": _decile_error(actual, forecast),
        "largest_five_error_share": float(largest / squares.sum()) if squares.sum() else np.nan,
    }


def interval_errors(
    actual: Floats, forecast: Floats, low: Floats, high: Floats
) -> dict[str, float]:
    """Return the share inside an 80 % interval, at worst of the tenths, and the interval score."""
    miss = np.maximum(low - actual, 0) + np.maximum(actual - high, 0)
    inside = miss <= 0
    tenths = [inside[tenth].mean() for tenth in _tenths(forecast) if len(tenth)]
    return {
        "interval_share": float(np.mean(inside)),
        "lowest_decile_interval_share": float(min(tenths)),
        "highest_decile_interval_share": float(max(tenths)),
        "interval_score_amount": float(np.mean(high - low + _MISS_WEIGHT * miss)),
    }


def _tenths(forecast: Floats) -> list[np.ndarray]:
    return np.array_split(np.argsort(forecast, kind="stable"), _TENTHS)


def _decile_error(actual: Floats, forecast: Floats) -> float:
    """Return the mean relative error of the sums of tenths of customers, by forecast."""
    came = np.array([actual[tenth].sum() for tenth in _tenths(forecast)])
    expected = np.array([forecast[tenth].sum() for tenth in _tenths(forecast)])
    has = came > 0
    return float(np.mean(np.abs(expected[has] / came[has] - 1))) if has.any() else np.nan


def bootstrap_differences(
    customers: Sequence[pd.Series],
    actuals: Sequence[Floats],
    forecasts: Sequence[Mapping[str, Floats]],
    against: str,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    """Return each model's measures less those of one model, with 90 % intervals.

    One entry per origin: its customers, what came, and the forecasts by model. A draw takes
    customers with replacement, the same ones at every origin and for every model. Columns: model;
    measure; difference (of the means over origins); low and high (5th and 95th percentile).
    """
    models = [name for name in forecasts[0] if all(name in each for each in forecasts)]
    everyone = np.unique(np.concatenate([ids.to_numpy(dtype=str) for ids in customers]))
    places = [np.searchsorted(everyone, ids.to_numpy(dtype=str)) for ids in customers]
    random = np.random.default_rng(seed)
    parts = []
    for start in range(0, draws, _DRAWS_AT_ONCE):
        count = min(_DRAWS_AT_ONCE, draws - start)
        weights = random.multinomial(
            len(everyone), np.full(len(everyone), 1 / len(everyone)), size=count
        )
        drawn = [
            [_weighted(weights[:, place], actual, each[name]) for name in models]
            for place, actual, each in zip(places, actuals, forecasts, strict=True)
        ]
        parts.append(np.mean(drawn, axis=0))  # model x measure x draw
    found = np.concatenate(parts, axis=2)
    differences = found - found[models.index(against)]
    rows = [
        (name, measure, values.mean(), *np.quantile(values, _ENDS))
        for name, by_measure in zip(models, differences, strict=True)
        for measure, values in zip(MEASURES, by_measure, strict=True)
        if name != against
    ]
    return pd.DataFrame(rows, columns=["model", "measure", "difference", "low", "high"])


def _weighted(weights: Floats, actual: Floats, forecast: Floats) -> Floats:
    """Return the measures for each row of weights, in the order of MEASURES."""
    everybody = weights.sum(axis=1)
    came, said = weights @ actual, weights @ forecast
    rmse = np.sqrt(weights @ (actual - forecast) ** 2 / everybody)
    gini = _weighted_gini(weights, actual, forecast) / _weighted_gini(weights, actual, actual)
    deciles = _weighted_deciles(weights, actual, forecast)
    return np.array([gini, rmse, deciles, np.abs(said / came - 1)])


def _weighted_gini(weights: Floats, actual: Floats, order: Floats) -> Floats:
    rank = np.argsort(-order, kind="stable")
    starts = np.flatnonzero(np.diff(-order[rank], prepend=-np.inf) != 0)
    sorted_weights = weights[:, rank].astype(float)
    covered = np.add.reduceat(sorted_weights, starts, axis=1).cumsum(axis=1)
    gained = np.add.reduceat(sorted_weights * actual[rank], starts, axis=1).cumsum(axis=1)
    covered, gained = covered / covered[:, -1:], gained / gained[:, -1:]
    zeros = np.zeros((len(weights), 1))
    return 2 * np.trapezoid(np.hstack([zeros, gained]), np.hstack([zeros, covered]), axis=1) - 1


def _weighted_deciles(weights: Floats, actual: Floats, forecast: Floats) -> Floats:
    rank = np.argsort(forecast, kind="stable")
    drawn = weights[:, rank]
    middle = (drawn.cumsum(axis=1) - drawn / 2) / drawn.sum(axis=1, keepdims=True)
    tenth = np.minimum((middle * _TENTHS).astype(int), _TENTHS - 1)
    cell = (tenth + _TENTHS * np.arange(len(drawn))[:, None]).ravel()
    came, said = (
        np.bincount(cell, (drawn * values[rank]).ravel(), len(drawn) * _TENTHS).reshape(-1, _TENTHS)
        for values in (actual, forecast)
    )
    missed = np.divide(said, came, out=np.full_like(said, np.nan), where=came > 0)
    return np.nanmean(np.abs(missed - 1), axis=1)
