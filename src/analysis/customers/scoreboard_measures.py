"""How far is a forecast from what came: as a total, by tenths, in its ranking and its ranges?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.customers.growth_grades import errors, interval_errors
from analysis.customers.scoreboard_past import Past

OUR_MODEL = "the frozen forecast"
# Column of Past.customers -> what the report calls it.
MODELS = {
    "forecast": OUR_MODEL,
    "last_quarter": "last quarter again",
    "mean_quarters": "mean of four quarters",
}
_TENTHS = 10


def grades_table(past: Sequence[Past]) -> pd.DataFrame:
    """Return one row per frozen forecast and model, over the customers with a forecast.

    Columns: origin (end of which it was frozen); period (forecast); horizon; is_replay (computed
    when the period was over); model; customer_count; forecast_amount; actual_amount;
    total_error_share (forecast / actual - 1); decile_error_share (mean over tenths of customers by
    forecast); normalised_gini (ranking, 1 is perfect); rmse_amount (per customer);
    largest_five_error_share (of the squared error); interval_share (inside their 80 % range), at
    lowest and highest of the tenths (lowest_decile_interval_share, highest_...);
    interval_score_amount (width plus ten times the miss, lower is better); target_count (targets
    above 0); target_attained_share (of these). From interval_share on they
    are the frozen forecast's only.
    """
    rows = []
    for one in past:
        known = {
            "origin": one.origin,
            "period": one.period,
            "horizon": one.horizon,
            "is_replay": one.is_replay,
        }
        for column, model in MODELS.items():
            row = known | {"model": model, "customer_count": len(one.customers)}
            row |= errors(one.column("actual"), one.column(column))
            rows.append(row | (_promises(one.customers) if model == OUR_MODEL else {}))
    return pd.DataFrame(rows).astype({"target_count": "Int64"})


def deciles_table(one: Past) -> pd.DataFrame:
    """Return one row per tenth of customers, lowest forecast first.

    Columns: decile (1 to 10), customer_count, forecast_amount, actual_amount, interval_share,
    target_count, target_attained_share.
    """
    ordered = one.customers.sort_values(["forecast", "customer_id"], ignore_index=True)
    tenths = np.array_split(np.arange(len(ordered)), _TENTHS)
    rows = [
        {
            "decile": number,
            "customer_count": len(tenth),
            "forecast_amount": float(ordered["forecast"].iloc[tenth].sum()),
            "actual_amount": float(ordered["actual"].iloc[tenth].sum()),
            **shares(ordered.iloc[tenth]),
        }
        for number, tenth in enumerate(tenths, 1)
    ]
    return pd.DataFrame(rows)


def _promises(customers: pd.DataFrame) -> dict[str, float]:
    """Return how the ranges and the targets were kept."""
    ranged = customers.dropna(subset=["low", "high"])
    columns = (ranged[name].to_numpy(float) for name in ("actual", "forecast", "low", "high"))
    kept = shares(customers)
    return (interval_errors(*columns) if len(ranged) else {}) | {
        name: kept[name] for name in ("target_count", "target_attained_share")
    }


def shares(customers: pd.DataFrame) -> dict[str, float]:
    """Return which share stayed in the 80 % range, and which met a target above 0."""
    ranged = customers.dropna(subset=["low", "high"])
    inside = ranged["actual"].between(ranged["low"], ranged["high"])
    targeted = customers[customers["target"] > 0]
    attained = targeted["actual"] >= targeted["target"]
    return {
        "interval_share": float(inside.mean()) if len(ranged) else np.nan,
        "target_count": len(targeted),
        "target_attained_share": float(attained.mean()) if len(targeted) else np.nan,
    }
