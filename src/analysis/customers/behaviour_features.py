"""How does each customer buy, measured against the customer's own rhythm and history?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

YEAR_DAYS = 365
# A rate over fewer days would make one order in the first week look like fifty a year.
FEWEST_RATE_DAYS = 91
# The typical gap weighs as much as so many gaps of the customer's own.
_GAP_WEIGHT = 2
_SHORTEST_GAP_DAYS = 7

# These change from quarter to quarter in customers who do not: at full weight they made six times
# as many of those change their segment, and found no more of the true movers (docs/segments.md).
_NOISY_WEIGHT = 0.5

FeatureKind = Literal["times", "amount", "gaps", "trend", "share", "products"]


@dataclass(frozen=True)
class BehaviourFeature:
    """One feature: its column, its words, and which of its two sides a company would like."""

    name: str
    label: str
    kind: FeatureKind
    high_word: str
    low_word: str
    is_high_good: bool
    meaning: str
    weight: float = 1.0  # of its deviation when customers are compared
    weight: float = 1.0  # of its deviation when customers are compared
    name_weight: float = 1.0  # of its deviation when a segment is named
    is_default: bool = True  # used unless an analyst chooses; docs/segments.md says why not


FEATURES: dict[str, BehaviourFeature] = {
    feature.name: feature
    for feature in (
        BehaviourFeature(
            "order_days_per_year",
            "Order days a year",
            "times",
            "frequent",
            "rare",
            True,
            "order days of the last four quarters per year of being a customer, at least a quarter",
        ),
        BehaviourFeature(
            "order_day_amount",
            "Money per order day",
            "amount",
            "large",
            "small",
            True,
            "sales per order day, over all order days",
        ),
        BehaviourFeature(
            "silence_gaps",
            "Silence in own gaps",
            "gaps",
            "overdue",
            "on time",
            False,
            "days since the last order, divided by the customer's own median gap between order "
            "days (drawn to the typical gap while the customer has few)",
            weight=_NOISY_WEIGHT,
        ),
        BehaviourFeature(
            "trend",
            "Trend",
            "trend",
            "growing",
            "fading",
            True,
            "revenue of the last four quarters against the four before, per day of being a "
            "customer: −1 nothing left, 0 unchanged or too young to tell, 1 nothing before",
            weight=_NOISY_WEIGHT,
        ),
        BehaviourFeature(
            "return_share",
            "Returns",
            "share",
            "with returns",
            "without returns",
            False,
            "returns of the last four quarters as a share of their sales",
            weight=_NOISY_WEIGHT,
            # Most have none, so that a few per cent are many deviations; in money they are little.
            name_weight=0.4,
        ),
        BehaviourFeature(
            "product_year_count",
            "Products a year",
            "products",
            "broad",
            "narrow",
            True,
            "distinct products of the last four quarters",
        ),
        BehaviourFeature(
            "active_quarter_share",
            "Quarters with orders",
            "share",
            "all year round",
            "seasonal",
            True,
            "quarters with an order among the last four (since the first order, if that is less)",
            is_default=False,
        ),
        BehaviourFeature(
            "margin_share",
            "Margin",
            "share",
            "high margin",
            "low margin",
            True,
            "margin of the last four quarters as a share of their revenue, −1 to 1; where the cost "
            "is not known in full the customer counts as average",
            is_default=False,
        ),
    )
}
DEFAULT_FEATURES = tuple(name for name, feature in FEATURES.items() if feature.is_default)


def name_weights(features: Sequence[str]) -> np.ndarray:
    """Return what makes distances of the fit into what counts when a segment is named."""
    return np.array([FEATURES[name].name_weight / FEATURES[name].weight for name in features])


def per_year(amount: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Return amounts of so many days at a year's rate; fewer days than a quarter count as one."""
    return amount * YEAR_DAYS / np.clip(days, FEWEST_RATE_DAYS, YEAR_DAYS)


def typical_gap_days(customer_features: pd.DataFrame) -> float:
    """Return the median over customers of their own median gap; a year where nobody has one."""
    own = _numbers(customer_features, "median_gap_days")
    known = own[np.isfinite(own) & (_numbers(customer_features, "repeat_count") > 0)]
    return float(np.median(known)) if len(known) else float(YEAR_DAYS)


def behaviour_features(
    customer_features: pd.DataFrame, typical_gap: float | None = None
) -> pd.DataFrame:
    """Return one row per customer, in the same order and with the same index: the FEATURES.

    `typical_gap` is in days and comes from the anchor, or a customer's features would move with the
    other customers; None: that of the customers given.

    No value is missing but the margin of customers whose cost is not known, which `Transform` puts
    at the average of the fit. A customer with one order day is judged against the typical gap; one
    who has been a customer for less than five quarters has trend 0; without sales in the year the
    return share is 0, or 1 when goods came back. Returns above sales count as 1.
    """
    number = {name: _numbers(customer_features, name) for name in _NEEDED}
    typical = typical_gap_days(customer_features) if typical_gap is None else typical_gap
    columns = {
        "order_days_per_year": _order_rate(number),
        "order_day_amount": np.maximum(number["mean_order_day_amount"], 0),
        "silence_gaps": number["recency_days"] / _own_gap(number, typical),
        "trend": _trend(number),
        "return_share": _return_share(number),
        "product_year_count": number["product_year_count"],
        "active_quarter_share": _active_share(number),
    }
    table = pd.DataFrame(columns, index=customer_features.index).astype(float)
    table = table.where(np.isfinite(table), 0.0)
    return table.assign(margin_share=_margin_share(customer_features))[list(FEATURES)]


_NEEDED = (
    "tenure_days",
    "recency_days",
    "repeat_count",
    "median_gap_days",
    "mean_order_day_amount",
    "order_day_year_count",
    "revenue_year_amount",
    "revenue_year_before_amount",
    "sale_year_amount",
    "return_year_amount",
    "product_year_count",
    "active_quarter_year_count",
)


def _numbers(table: pd.DataFrame, name: str) -> np.ndarray:
    values = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return values if name == "median_gap_days" else np.nan_to_num(values)


def _order_rate(number: dict[str, np.ndarray]) -> np.ndarray:
    return per_year(number["order_day_year_count"], number["tenure_days"] + 1)


def _own_gap(number: dict[str, np.ndarray], typical: float) -> np.ndarray:
    own, weight = number["median_gap_days"], number["repeat_count"]
    gap = (np.nan_to_num(own, nan=typical) * weight + typical * _GAP_WEIGHT) / (
        weight + _GAP_WEIGHT
    )
    return np.maximum(gap, _SHORTEST_GAP_DAYS)


def _trend(number: dict[str, np.ndarray]) -> np.ndarray:
    days_before = np.clip(number["tenure_days"] + 1 - YEAR_DAYS, 0, YEAR_DAYS)
    now = np.maximum(number["revenue_year_amount"], 0)
    before = per_year(np.maximum(number["revenue_year_before_amount"], 0), days_before)
    is_known = (days_before >= FEWEST_RATE_DAYS) & (now + before > 0)
    return np.where(is_known, (now - before) / np.where(is_known, now + before, 1), 0.0)


def _return_share(number: dict[str, np.ndarray]) -> np.ndarray:
    sales, returns = number["sale_year_amount"], np.maximum(number["return_year_amount"], 0)
    share = np.divide(returns, sales, out=(returns > 0).astype(float), where=sales > 0)
    return np.clip(share, 0, 1)


def _active_share(number: dict[str, np.ndarray]) -> np.ndarray:
    known = np.ceil((number["tenure_days"] + 1) / (YEAR_DAYS / 4)).clip(1, 4)
    return np.clip(number["active_quarter_year_count"] / known, 0, 1)


def _margin_share(table: pd.DataFrame) -> np.ndarray:
    margin, revenue = (
        pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        for name in ("margin_year_amount", "revenue_year_amount")
    )
    share = np.divide(margin, revenue, out=np.full(len(table), np.nan), where=revenue >= 0.01)
    return np.clip(share, -1, 1)
