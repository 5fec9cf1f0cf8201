"""What do the trees of the forecast see of a customer?"""

import numpy as np
import pandas as pd

Floats = np.ndarray


def tree_inputs(
    table: pd.DataFrame,
    bg_purchases: Floats,
    pareto_purchases: Floats,
    value: Floats,
    active_share: Floats,
    lags: Floats,
) -> Floats:
    """Return a column per input; amounts as logs, so that scale does not matter."""
    column = {name: table[name].to_numpy(dtype=float, na_value=np.nan) for name in _SEEN}
    repeats, recency = column["repeat_count"], column["recency_days"]
    mean_gap = np.divide(
        column["repeat_span_days"], repeats, out=np.full(len(table), np.nan), where=repeats > 0
    )
    waiting = np.where(repeats > 0, np.nan_to_num(mean_gap), column["tenure_days"] + 30)
    columns = [
        np.log(bg_purchases),
        np.log(pareto_purchases),
        np.log(value),
        np.log(np.sqrt(bg_purchases * pareto_purchases) * value),
        active_share,
        recency,
        column["tenure_days"],
        recency / (column["tenure_days"] + 1),
        np.log((recency + 3) / (waiting + 7)),
        mean_gap,
        column["median_gap_days"],
        np.log1p(column["order_day_count"]),
        column["order_day_year_count"],
        column["active_quarter_year_count"],
        np.log1p(column["product_year_count"]),
        _log_amount(column["mean_order_day_amount"]),
        _log_amount(column["sale_year_amount"]),
        _log_amount(column["revenue_year_before_amount"]),
        _log_amount(column["revenue_quarter_amount"]),
        *(_log_amount(lag) for lag in lags.T),
        column["return_year_amount"] / (column["sale_year_amount"] + 1),
    ]
    return np.column_stack(columns)


_SEEN = (
    "recency_days",
    "tenure_days",
    "repeat_count",
    "repeat_span_days",
    "median_gap_days",
    "order_day_count",
    "order_day_year_count",
    "active_quarter_year_count",
    "product_year_count",
    "mean_order_day_amount",
    "sale_year_amount",
    "revenue_year_before_amount",
    "revenue_quarter_amount",
    "return_year_amount",
)


def _log_amount(amounts: Floats) -> Floats:
    return np.log1p(np.clip(np.nan_to_num(amounts), 0, None))
