"""How much do similar customers buy in a year? What is above a customer's forecast is untapped.

A high quantile of what customers of like order size, rhythm, tenure, region and industry bought
(Perlich, Rosset, Lawrence, Zadrozny 2007, High-quantile modeling for customer wallet estimation,
KDD). Cross-fitted: nobody is his own peer. How recently somebody bought is left out on purpose: a
customer who fell silent is held against like customers who did not.
"""

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

from analysis.core.threads import one_thread

_FOLDS = 3
_FEWEST_PEERS = 300
_MOST_PEERS = 200_000
_MOST_GROUPS = 50  # regions or industries; the rest are one group
_YEAR_DAYS = 365

Floats = np.ndarray


def peer_sales(table: pd.DataFrame, rate: Floats, quantile_share: float) -> Floats | None:
    """Return the sales of a year that this share of similar customers stay below.

    `table` holds the columns of customer_features, sorted by customer; `rate` is how often each
    would buy if he is still active. None with too few customers.
    """
    inputs, categories = _inputs(table, rate)
    sales = table["sale_year_amount"].to_numpy(dtype=float, na_value=0.0).clip(0)
    if len(sales) < _FEWEST_PEERS:
        return None
    has_year = table["tenure_days"].to_numpy(dtype=float) >= _YEAR_DAYS
    # Somebody new has not had a year to buy in, so he is no yardstick while others are enough.
    is_peer = has_year if has_year.sum() >= _FEWEST_PEERS else np.ones(len(sales), dtype=bool)
    fold = np.random.default_rng(0).integers(0, _FOLDS, len(sales))
    reached = np.empty(len(sales))
    for number in range(_FOLDS):
        others = np.flatnonzero(is_peer & (fold != number))[:: -(-len(sales) // _MOST_PEERS)]
        trees = HistGradientBoostingRegressor(
            loss="quantile",
            quantile=quantile_share,
            learning_rate=0.1,
            max_iter=60,
            max_bins=63,
            max_leaf_nodes=8,
            min_samples_leaf=30,
            categorical_features=categories,
            early_stopping=False,
            random_state=0,
        )
        with one_thread():
            trees.fit(inputs[others], np.log1p(sales[others]))
            reached[fold == number] = np.expm1(trees.predict(inputs[fold == number]))
    return reached.clip(0)


def _inputs(table: pd.DataFrame, rate: Floats) -> tuple[Floats, list[int]]:
    size = table["mean_order_day_amount"].to_numpy(dtype=float, na_value=0.0).clip(0)
    # Beyond a year, so that a new customer is like others and not like none.
    tenure = np.maximum(table["tenure_days"].to_numpy(dtype=float), _YEAR_DAYS)
    groups = [_group_codes(table[c]) for c in ("region_id", "industry", "business_model")]
    return np.column_stack([np.log1p(size), np.log(rate), tenure, *groups]), [3, 4, 5]


def _group_codes(column: pd.Series) -> Floats:
    """Return a number per frequent value, largest group first; missing is a group of its own."""
    text = column.astype("string").fillna("")
    counts = text.value_counts().rename_axis("group").reset_index(name="count")
    ranked = counts.sort_values(["count", "group"], ascending=[False, True])["group"]
    codes = {group: code for code, group in enumerate(ranked[: _MOST_GROUPS - 1])}
    return text.map(codes).fillna(_MOST_GROUPS - 1).to_numpy(dtype=float)
