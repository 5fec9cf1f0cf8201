"""Customers for tests of segmentation, with what is planted in them known."""

import numpy as np
import pandas as pd

from analysis.core.display import Display
from analysis.core.periods import FiscalCalendar
from analysis.core.scope import Scope

PERIOD = FiscalCalendar().parse("2026Q3")
SCOPE = Scope(PERIOD, display=Display("EUR"))
LATER = Scope(FiscalCalendar().parse("2026Q4"), display=Display("EUR"))


def customers(**columns):
    """Return customer_features: so many customers as the columns are long, the rest plain."""
    count = max(len(v) for v in columns.values() if not np.isscalar(v))
    plain = {
        "customer_id": [f"c{number:05d}" for number in range(count)],
        "tenure_days": 1000,
        "recency_days": 20,
        "repeat_count": 10,
        "median_gap_days": 40.0,
        "mean_order_day_amount": 100.0,
        "order_day_year_count": 8,
        "revenue_year_amount": 800.0,
        "revenue_year_before_amount": 800.0,
        "return_year_amount": 0.0,
        "margin_year_amount": 200.0,
        "product_year_count": 5,
    } | columns
    table = pd.DataFrame(plain, index=range(count)).astype({"customer_id": "str"})
    days = pd.to_timedelta(table["tenure_days"], unit="D")
    as_of = pd.Timestamp(PERIOD.last_day)
    orders = table["order_day_year_count"]
    return table.assign(
        first_order_on=as_of - days,
        last_order_on=as_of - pd.to_timedelta(table["recency_days"], unit="D"),
        order_count=table["repeat_count"] + 1,
        order_day_count=table["repeat_count"] + 1,
        repeat_span_days=400,
        mean_repeat_amount=table["mean_order_day_amount"],
        revenue_amount=table["revenue_year_amount"] + table["revenue_year_before_amount"],
        revenue_quarter_amount=table["revenue_year_amount"] / 4,
        sale_year_amount=table["revenue_year_amount"].clip(lower=0) + table["return_year_amount"],
        order_year_count=orders,
        active_quarter_year_count=orders.clip(upper=4),
        customer_name="Somebody",
        region_id="north",
        industry="trade",
        business_model="b2b",
        rep_id="r1",
    )


def growth_of(table, factor=1.0):
    """Return customer_growth that forecasts the last year times `factor`."""
    year = table["revenue_year_amount"].clip(lower=0) * factor
    return pd.DataFrame(
        {
            "customer_id": table["customer_id"],
            "forecast_quarter_amount": year / 4,
            "forecast_year_amount": year,
            "gap_year_amount": year * 0.2,
        }
    )


def planted(sizes=(60, 100, 140), seed=0):
    """Return customers of three kinds that lie far apart, and which kind each is."""
    rng = np.random.default_rng(seed)
    kind = np.repeat([0, 1, 2], sizes)

    def around(*middles):
        # The same spread in every kind, or the widest would rightly be divided once more.
        return np.array(middles)[kind] * rng.lognormal(0, 0.12, len(kind))

    orders = around(80, 35, 12).round().astype(int)
    amount = around(2000.0, 300.0, 60.0)
    table = customers(
        order_day_year_count=orders,
        mean_order_day_amount=amount,
        revenue_year_amount=orders * amount,
        revenue_year_before_amount=orders * amount * around(0.6, 1.0, 2.5),
        recency_days=around(10, 40, 160).round().astype(int),
        product_year_count=around(90, 45, 20).round().astype(int),
    )
    return table, kind


def noise(count=400, seed=0):
    """Return customers whose six features are uniform and know nothing of each other."""
    rng = np.random.default_rng(seed)
    orders = rng.integers(1, 30, count)
    revenue = rng.uniform(500, 1500, count)
    trend = rng.uniform(-0.9, 0.9, count)
    returns = rng.uniform(0.01, 0.5, count)
    return customers(
        order_day_year_count=orders,
        mean_order_day_amount=rng.uniform(10, 100, count),
        recency_days=rng.integers(0, 400, count),
        revenue_year_amount=revenue,
        revenue_year_before_amount=revenue * (1 - trend) / (1 + trend),
        return_year_amount=revenue * returns / (1 - returns),
        product_year_count=rng.integers(1, 60, count),
    )
