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
NO_SEGMENT = "without a segment"


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
            **_shares(ordered.iloc[tenth]),
        }
        for number, tenth in enumerate(tenths, 1)
    ]
    return pd.DataFrame(rows)


def segments_table(one: Past, segments: pd.DataFrame | None) -> pd.DataFrame:
    """Return one row per segment, most money first; empty when no customer has one.

    `segments` (see its declaration) takes the place of the segments that were frozen. Columns:
    segment_name, customer_count, forecast_amount, actual_amount, total_error_share,
    last_quarter_error_share and mean_quarters_error_share (the simple rules), normalised_gini,
    interval_share, target_count, target_attained_share.
    """
    names = one.customers["segment_name"]
    if segments is not None:
        given = segments.set_index("customer_id")["segment_name"].astype(object)
        names = one.customers["customer_id"].map(given)
    if names.isna().all():
        return pd.DataFrame()
    rows = [
        _segment_row(str(name), part)
        for name, part in one.customers.groupby(names.fillna(NO_SEGMENT), sort=True)
    ]
    return pd.DataFrame(rows).sort_values("actual_amount", ascending=False, ignore_index=True)


def _segment_row(name: str, part: pd.DataFrame) -> dict[str, object]:
    actual = part["actual"].to_numpy(float)
    found = {c: errors(actual, part[c].to_numpy(float)) for c in MODELS}
    ours = found["forecast"]
    first = ("forecast_amount", "actual_amount", "total_error_share")
    return {
        "segment_name": name,
        "customer_count": len(part),
        **{column: ours[column] for column in first},
        "last_quarter_error_share": found["last_quarter"]["total_error_share"],
        "mean_quarters_error_share": found["mean_quarters"]["total_error_share"],
        "normalised_gini": ours["normalised_gini"],
        **_shares(part),
    }


def _promises(customers: pd.DataFrame) -> dict[str, float]:
    """Return how the ranges and the targets were kept."""
    ranged = customers.dropna(subset=["low", "high"])
    columns = (ranged[name].to_numpy(float) for name in ("actual", "forecast", "low", "high"))
    shares = _shares(customers)
    return (interval_errors(*columns) if len(ranged) else {}) | {
        name: shares[name] for name in ("target_count", "target_attained_share")
    }


def _shares(customers: pd.DataFrame) -> dict[str, float]:
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
