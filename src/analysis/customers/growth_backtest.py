"""How good would the forecast have been at earlier quarter ends, beside simple rules?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.core.statistics import normalised_gini
from analysis.customers.growth_forecast import Origin
from analysis.customers.growth_ranges import gather, interval

_QUARTER_DAYS = 91.25
_YEAR_DAYS = 357  # a year but for a first week without orders

Floats = np.ndarray

OUR_MODEL = "this forecast"
LAST_QUARTER = "last quarter again"
MEAN_OF_YEAR = "mean of four quarters"
YEAR_AGO = "same quarter a year ago"
MODEL_ALONE = "BG/NBD alone"
_MISS_WEIGHT = 10.0  # 2 / 0.2: what a miss of an 80 % interval costs (Gneiting and Raftery 2007)


def backtest_table(
    origins: Sequence[Origin],
    forecasts: Sequence[Floats],
    targets: Sequence[str],
    assumed_shock: float,
) -> pd.DataFrame:
    """Return one row per earlier quarter end, model and kind of amount.

    Columns: origin (known then); period (the quarter forecast); model; amount_kind (`revenue`, net
    of returns, or `sales`); customer_count; actual_amount; forecast_amount; total_error_share
    (forecast / actual - 1); normalised_gini (ranking of customers, 1 is perfect); rmse_amount (per
    customer); decile_error_share (mean over tenths of customers by forecast); interval_share (of
    customers inside their 80 % interval, this forecast of revenue only); interval_score_amount
    (width plus ten times the miss, lower is better). The first origin is missing: nothing had been
    learnt.
    """
    rows = []
    for number in range(1, len(origins)):
        origin, forecast = origins[number], forecasts[number]
        known = _known(origin, targets[number])
        actual = {"revenue": origin.revenue, "sales": origin.sales}
        past = gather([_net(origins[i], forecasts[i]) for i in range(number)])
        for model, amounts in _models(origin, forecast).items():
            for kind, values in amounts.items():
                row = known | {"model": model, "amount_kind": kind}
                row |= _errors(actual[kind], values)
                if model == OUR_MODEL and kind == "revenue" and past.is_enough:
                    row |= _interval_errors(actual[kind], *interval(past, values, assumed_shock))
                rows.append(row)
    return pd.DataFrame(rows, columns=_COLUMNS)


def _known(origin: Origin, target: str) -> dict[str, object]:
    return {"origin": origin.name, "period": target, "customer_count": len(origin.base)}


def _net(origin: Origin, forecast: Floats) -> tuple[Floats, Floats]:
    return forecast * origin.net_share, origin.revenue


def _models(origin: Origin, forecast: Floats) -> dict[str, dict[str, Floats]]:
    """Return the forecasts of each model: revenue, and sales before returns."""
    table = origin.table
    quarter = table["revenue_quarter_amount"].to_numpy(float)
    # A customer of half a year has had two quarters to buy in, not four.
    quarters = np.clip(np.ceil(table["tenure_days"].to_numpy(float) / _QUARTER_DAYS), 1, 4)
    sales = table["sale_year_amount"].to_numpy(float) / quarters
    revenue = table["revenue_year_amount"].to_numpy(float) / quarters
    year_ago = origin.lags[:, -1]
    models = {
        OUR_MODEL: {"revenue": forecast * origin.net_share, "sales": forecast},
        MODEL_ALONE: {"revenue": origin.base * origin.net_share, "sales": origin.base},
        MEAN_OF_YEAR: {"revenue": revenue, "sales": sales},
        LAST_QUARTER: {"revenue": quarter, "sales": quarter.clip(0)},
    }
    # Before the data are a year old this rule has nothing to say; that is not a forecast of zero.
    has_year = table["tenure_days"].max() >= _YEAR_DAYS
    return models | {YEAR_AGO: {"revenue": year_ago, "sales": year_ago}} if has_year else models


_COLUMNS = [
    "origin",
    "period",
    "model",
    "amount_kind",
    "customer_count",
    "actual_amount",
    "forecast_amount",
    "total_error_share",
    "normalised_gini",
    "rmse_amount",
    "decile_error_share",
    "interval_share",
    "interval_score_amount",
]


def _errors(actual: Floats, forecast: Floats) -> dict[str, float]:
    total = actual.sum()
    return {
        "actual_amount": total,
        "forecast_amount": forecast.sum(),
        "total_error_share": forecast.sum() / total - 1 if total > 0 else np.nan,
        "normalised_gini": normalised_gini(actual, forecast),
        "rmse_amount": float(np.sqrt(np.mean((actual - forecast) ** 2))),
        "decile_error_share": _decile_error(actual, forecast),
    }


def _decile_error(actual: Floats, forecast: Floats) -> float:
    """Return the mean relative error of the sums of tenths of customers, by forecast."""
    tenths = np.array_split(np.argsort(forecast, kind="stable"), 10)
    came = np.array([actual[tenth].sum() for tenth in tenths])
    expected = np.array([forecast[tenth].sum() for tenth in tenths])
    has = came > 0
    return float(np.mean(np.abs(expected[has] / came[has] - 1))) if has.any() else np.nan


def _interval_errors(actual: Floats, low: Floats, high: Floats) -> dict[str, float]:
    miss = np.maximum(low - actual, 0) + np.maximum(actual - high, 0)
    return {
        "interval_share": float(np.mean(miss <= 0)),
        "interval_score_amount": float(np.mean(high - low + _MISS_WEIGHT * miss)),
    }
