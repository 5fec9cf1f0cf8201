"""A rival of the forecast: will he buy at all, and if so, for how much? Two models of trees.

It is graded beside the others by `analysis backtest` and never shipped: it would double the time of
growth, and no public data set gave it the lead.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from analysis.core.threads import one_thread
from analysis.customers.growth_known import Facts
from analysis.customers.growth_origins import Origin
from analysis.customers.growth_trees import LearntRows, learnt_rows

_HIGHEST_FACTOR = 20.0  # one customer's surprise may teach no more than this
_FEWEST_BUYERS = 100
_CHOICES = {
    "learning_rate": 0.05,
    "max_iter": 80,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 100,
    "l2_regularization": 5,
    "early_stopping": False,
    "random_state": 0,
}

Floats = np.ndarray


def hurdle(before: Sequence[Origin], now: Origin, facts: Facts, total: float) -> Floats | None:
    """Return sales of the next quarter that sum to `total`; None where too few ever bought."""
    rows = learnt_rows(before, now, facts)
    if rows is None:
        return None
    sales = np.concatenate([o.sales[own] for o, own in rows.origins])
    value = np.concatenate([o.value[own] for o, own in rows.origins])
    buys = sales > 0
    if buys.sum() < _FEWEST_BUYERS or buys.all():
        return None
    with one_thread():
        expected = _chance(rows, buys) * _amount(rows, buys, sales / value) * now.value
    return expected * total / expected.sum()


def _chance(rows: LearntRows, buys: Floats) -> Floats:
    return (
        HistGradientBoostingClassifier(**_CHOICES)
        .fit(rows.learnt, buys)
        .predict_proba(rows.asked)[:, 1]
    )


def _amount(rows: LearntRows, buys: Floats, surprises: Floats) -> Floats:
    """Return what a buyer spends, in expected amounts of an order day."""
    trees = HistGradientBoostingRegressor(loss="gamma", **_CHOICES)
    factors = np.clip(surprises[buys], 1e-3, _HIGHEST_FACTOR)
    return trees.fit(rows.learnt[buys], factors).predict(rows.asked)
