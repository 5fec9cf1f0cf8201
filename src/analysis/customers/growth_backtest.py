"""How good would the forecast have been at earlier quarter ends, beside what else one could use?"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.customers.btyd import FitError, fit_gamma_gamma, gamma_gamma_expected_value
from analysis.customers.growth_forecast import Forecast
from analysis.customers.growth_grades import errors, interval_errors
from analysis.customers.growth_origins import Origin
from analysis.customers.growth_ranges import gather, interval, widened

_QUARTER_DAYS = 91.25
_YEAR_DAYS = 357  # a year but for a first week without orders

Floats = np.ndarray
Rivals = Mapping[str, Mapping[str, Floats]]

OUR_MODEL = "this forecast"
LAST_QUARTER = "last quarter again"
MEAN_OF_YEAR = "mean of four quarters"
YEAR_AGO = "same quarter a year ago"
REPEATS_MODEL = "BG/NBD, repeat orders' amounts"
MODEL_ALONE = "BG/NBD, all orders' amounts"
PARETO_MODEL = "Pareto/NBD"
BASE_MODEL = "both models, total as ours"
TREES_MODEL = "trees, total as ours"
RHYTHM_MODEL = "regular rhythm, total as ours"
_QUARTER_DAYS = 91.3


def backtest_table(
    origins: Sequence[Origin],
    forecasts: Sequence[Forecast],
    targets: Sequence[str],
    rivals: Rivals | None = None,
) -> pd.DataFrame:
    """Return one row per earlier quarter end, model and kind of amount.

    Columns: origin (known then); period (the quarter forecast); model; amount_kind (`revenue`, net
    of returns, or `sales`); customer_count; actual_amount; forecast_amount; total_error_share
    (forecast / actual - 1); normalised_gini (ranking of customers, 1 is perfect); rmse_amount (per
    customer); decile_error_share (mean over tenths of customers by forecast);
    largest_five_error_share (part of the squared error that five customers make); interval_share
    (of customers inside their 80 % interval, this forecast only) with the lowest and the highest of
    the tenths; interval_score_amount (width plus ten times the miss, lower is better). The first
    origin is missing: nothing had been learnt.
    """
    rows = []
    for number in range(1, len(origins)):
        origin, forecast = origins[number], forecasts[number]
        for model, amounts in candidates(origin, forecast, rivals).items():
            for kind, values in amounts.items():
                row = {
                    "origin": origin.name,
                    "period": targets[number],
                    "model": model,
                    "amount_kind": kind,
                    "customer_count": len(values),
                }
                row |= errors(_came(origin, kind), values)
                if model == OUR_MODEL:
                    row |= _range_errors(origins, forecasts, number, kind)
                rows.append(row)
    return pd.DataFrame(rows, columns=_COLUMNS)


def candidates(
    origin: Origin, forecast: Forecast, rivals: Rivals | None = None
) -> dict[str, dict[str, Floats]]:
    """Return the forecasts of each model, ours first: revenue, and sales before returns.

    `rivals` are further forecasts of sales, by name of origin and model.
    A rule that has nothing to say at an origin is left out: that is no forecast of zero.
    """
    table = origin.table
    quarter = table["revenue_quarter_amount"].to_numpy(float)
    own_quarters = np.clip(np.ceil(table["tenure_days"].to_numpy(float) / _QUARTER_DAYS), 1, 4)
    by_model = {
        OUR_MODEL: forecast.sales,
        TREES_MODEL: forecast.trees,
        **((rivals or {}).get(origin.name, {})),
        BASE_MODEL: forecast.base,
        RHYTHM_MODEL: forecast.rhythm.sales * forecast.level.total / forecast.rhythm.sales.sum(),
        PARETO_MODEL: origin.pareto_purchases * origin.value,
        MODEL_ALONE: origin.bg_purchases * origin.value,
    }
    repeats = _repeat_value(table)
    if repeats is not None:
        by_model[REPEATS_MODEL] = origin.bg_purchases * repeats
    found = {
        name: {"revenue": sales * origin.net_share, "sales": sales}
        for name, sales in by_model.items()
    }
    found[MEAN_OF_YEAR] = {
        "revenue": table["revenue_year_amount"].to_numpy(float) / own_quarters,
        "sales": table["sale_year_amount"].to_numpy(float) / own_quarters,
    }
    found[LAST_QUARTER] = {"revenue": quarter, "sales": quarter.clip(0)}
    year_ago = origin.lags[:, -1]
    if origin.history_days < _YEAR_DAYS or not year_ago.any():
        return found
    return found | {YEAR_AGO: {"revenue": year_ago, "sales": year_ago}}


def _repeat_value(table: pd.DataFrame) -> Floats | None:
    """Return the amount of an order day as the papers have it, learnt without the first ones."""
    mean = table["mean_repeat_amount"].to_numpy(dtype=float, na_value=0.0)
    repeats = np.where(mean > 0, table["repeat_count"].to_numpy(float), 0)
    try:
        return gamma_gamma_expected_value(fit_gamma_gamma(repeats, mean), repeats, mean)
    except FitError:
        return None


def _range_errors(
    origins: Sequence[Origin], forecasts: Sequence[Forecast], number: int, kind: str
) -> dict[str, float]:
    """Return how the intervals did that were made from the origins before."""
    pairs = [
        (_ours(earlier, forecast)[kind], _came(earlier, kind))
        for earlier, forecast in zip(origins[:number], forecasts[:number], strict=True)
    ]
    past, origin = gather(pairs, [earlier.orders for earlier in origins[:number]]), origins[number]
    if not past.is_enough:
        return {}
    values = _ours(origin, forecasts[number])[kind]
    deviation = widened(forecasts[number].level.deviation, origin.history_days)
    ends = interval(past, values, deviation, origin.orders)
    return interval_errors(_came(origin, kind), values, *ends)


def _came(origin: Origin, kind: str) -> Floats:
    return origin.revenue if kind == "revenue" else origin.sales


def _ours(origin: Origin, forecast: Forecast) -> dict[str, Floats]:
    return {"revenue": forecast.sales * origin.net_share, "sales": forecast.sales}


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
    "largest_five_error_share",
    "interval_share",
    "lowest_decile_interval_share",
    "highest_decile_interval_share",
    "interval_score_amount",
]
