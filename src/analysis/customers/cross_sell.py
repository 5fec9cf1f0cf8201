"""Which category do buyers of another one take up more often than others do?

Customers who buy more and longer buy more of everything. So buyers and others are compared among
customers alike in industry, tenure and number of orders (Mantel and Haenszel 1959, risk ratio; its
variance by Greenland and Robins 1985). Orders, not lines: among customers with as many lines, who
spends some on one category has fewer left for the other.
"""

import numpy as np
import pandas as pd

_Z = 1.96  # 95 % intervals
_PARTS = 5  # fifths of tenure and of orders
_FEWEST = 20  # buyers of either category, below them there is no lift to speak of

_COLUMNS = [
    "from_category",
    "to_category",
    "customer_count",
    "base_share",
    "lift",
    "lift_low",
    "lift_high",
]


def cross_sell_lifts(
    customer_categories: pd.DataFrame,
    customer_features: pd.DataFrame,
    barred: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return one row per ordered pair of categories, highest lift first.

    Columns: from_category; to_category; customer_count (buyers of the first who can use the
    second); base_share (of the others who buy the second); lift (how many times as often buyers of
    the first buy the second, among customers alike) with a 95 % interval. That buyers of one take
    up the other more often is no proof that the one causes the other. `barred` holds customer_id
    and product_category of what somebody cannot use: he is left out of that comparison.
    """
    table = customer_features.sort_values("customer_id", ignore_index=True)
    has = pd.crosstab(customer_categories["customer_id"], customer_categories["product_category"])
    has = has.reindex(table["customer_id"], fill_value=0).to_numpy() > 0
    names = sorted(customer_categories["product_category"].unique())
    can = np.column_stack([_can_use(table["customer_id"], barred, name) for name in names])
    strata = _strata(table)
    rows = []
    for a, b in np.argwhere(~np.eye(len(names), dtype=bool)):
        chosen = can[:, a] & can[:, b]
        counts = _counts(has[chosen, a], has[chosen, b], strata[chosen])
        if min(has[chosen, a].sum(), has[chosen, b].sum()) >= _FEWEST:
            rows.append((names[a], names[b], *_lift(*counts)))
    found = pd.DataFrame(rows, columns=_COLUMNS).dropna(subset="lift")
    keys = ["lift", "from_category", "to_category"]
    return found.sort_values(keys, ascending=[False, True, True], ignore_index=True)


def _can_use(customer_ids: pd.Series, barred: pd.DataFrame | None, category: str) -> np.ndarray:
    if barred is None:
        return np.ones(len(customer_ids), dtype=bool)
    named = barred.loc[barred["product_category"] == category, "customer_id"]
    return ~customer_ids.isin(named).to_numpy()


def _strata(table: pd.DataFrame) -> np.ndarray:
    industry = pd.factorize(table["industry"], sort=True)[0] + 1
    parts = [_fifth(table[name].to_numpy(float)) for name in ("tenure_days", "order_day_count")]
    return (industry * _PARTS + parts[0]) * _PARTS + parts[1]


def _fifth(values: np.ndarray) -> np.ndarray:
    inner = np.arange(1, _PARTS) / _PARTS
    return np.searchsorted(np.quantile(values, inner), values, side="right")


def _counts(first: np.ndarray, second: np.ndarray, strata: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return per stratum: buyers of both, buyers of the first, of the second alone, others."""
    size = int(strata.max(initial=0)) + 1
    return (
        np.bincount(strata[first & second], minlength=size).astype(float),
        np.bincount(strata[first], minlength=size).astype(float),
        np.bincount(strata[~first & second], minlength=size).astype(float),
        np.bincount(strata[~first], minlength=size).astype(float),
    )


def _lift(
    both: np.ndarray, buyers: np.ndarray, alone: np.ndarray, others: np.ndarray
) -> tuple[float, ...]:
    total = (buyers + others).clip(1)
    above, below = (both * others / total).sum(), (alone * buyers / total).sum()
    base = alone.sum() / max(others.sum(), 1)
    if min(above, below) <= 0:
        return (buyers.sum(), base, np.nan, np.nan, np.nan)
    middle = buyers * others * (both + alone) - both * alone * total
    spread = np.sqrt((middle / total**2).sum() / (above * below))
    lift = above / below
    ends = (lift * np.exp(-_Z * spread), lift * np.exp(_Z * spread))
    return (int(buyers.sum()), base, lift, *ends)
