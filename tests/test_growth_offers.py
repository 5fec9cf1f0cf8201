"""What growth offers: without categories of the source they are learnt from what goes together."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analysis.customers.growth_offers import (
    SoldProducts,
    _worth_offering,
    offers,
    with_offers,
)

AS_OF = date(2026, 6, 30)
COUNT = 600
NOTHING = pd.DataFrame(
    columns=["customer_id", "product_category", "sale_year_amount", "sale_year_before_amount"]
)


def company(products: int = 60):
    """Return customers who buy from one of two assortments, and what they bought."""
    random = np.random.default_rng(5)
    size, rate = random.lognormal(5, 1, COUNT), random.gamma(4, 1 / 200, COUNT)
    table = pd.DataFrame(
        {
            "customer_id": [f"C{n:03}" for n in range(COUNT)],
            "mean_order_day_amount": size,
            "tenure_days": 800,
            "region_id": "N",
            "industry": "shop",
            "business_model": "b2b",
            "sale_year_amount": size * rate * 365,
        }
    )
    rows = []
    for n, sales in enumerate(table["sale_year_amount"]):
        half = np.arange(products // 2) + (products // 2) * (n % 2)
        bought = random.choice(half, random.integers(3, 9), replace=False)
        rows += [
            (f"C{n:03}", f"P{p:03}", sales / len(bought), int(random.integers(5, 300)))
            for p in bought
        ]
    ids, names, sales, days = zip(*rows, strict=True)
    sold_on = pd.Timestamp(AS_OF) - pd.to_timedelta(days, unit="D")
    bought = pd.DataFrame(
        {
            "customer_id": ids,
            "product_id": names,
            "sale_year_amount": sales,
            "sale_year_before_amount": 0.0,
            "line_year_count": 1,
            "line_count": 1,
            "first_sold_on": sold_on,
            "last_sold_on": sold_on,
        }
    )
    return SimpleNamespace(table=table, rate=rate, net_share=np.ones(COUNT)), bought


@pytest.fixture(scope="module")
def made():
    now, bought = company()
    forecast = now.table["sale_year_amount"].to_numpy()
    customers = pd.DataFrame(
        {
            "customer_id": now.table["customer_id"],
            "forecast_year_amount": forecast,
            # One half is saturated: nothing is left between forecast and potential.
            "potential_year_amount": forecast * np.where(np.arange(COUNT) % 4 < 2, 1.0, 3.0),
        }
    )
    sold = SoldProducts(bought, NOTHING)
    tables = offers(sold, now, customers, as_of=AS_OF, potential_share=0.8)
    return customers, bought, tables


def test_categories_are_learnt_where_the_source_has_none(made):
    _, _, tables = made
    names = tables["potential_categories"]["product_category"]
    assert names.notna().all()
    assert names.nunique() > 1
    assert tables["next_services"]["product_category"].notna().all()


def test_at_most_five_new_products_each_with_an_amount_and_a_reason(made):
    _, bought, tables = made
    found = tables["next_services"]
    assert found.groupby("customer_id").size().max() == 5
    owned = set(zip(bought["customer_id"], bought["product_id"], strict=True))
    assert not owned & set(zip(found["customer_id"], found["product_id"], strict=True))
    assert (found["expected_amount"] > 0).any()
    assert found["expected_amount"].notna().all()
    assert found["reason"].str.strip().ne("").all()


def test_the_saturated_have_no_gap_in_any_category_and_are_told_so(made):
    customers, _, tables = made
    gaps = tables["potential_categories"].groupby("customer_id")["gap_year_amount"].sum()
    is_full = (customers["potential_year_amount"] == customers["forecast_year_amount"]).to_numpy()
    full, open_ = customers["customer_id"][is_full], customers["customer_id"][~is_full]
    assert gaps.reindex(full).max() == 0
    assert gaps.reindex(open_).max() > 0
    said = with_offers(customers.assign(reason="why"), tables).set_index("customer_id")["reason"]
    assert said[full].eq("why; expected to buy as much as peers of this size").all()
    assert said[open_].str.contains("; peers of this size buy|; buys the categories").any()


def test_a_source_without_products_offers_nothing():
    now, bought = company()
    customers = pd.DataFrame({"customer_id": now.table["customer_id"]})
    for sold in (None, SoldProducts(bought.head(0), NOTHING)):
        assert offers(sold, now, customers, as_of=AS_OF, potential_share=0.8) == {}


def test_what_nobody_expects_money_from_is_not_offered():
    made = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b"],
            "rank": [1, 2, 3, 1],
            "product_name": ["Nuts", "Bolts", "Clips", "Nuts"],
            "chance_share": [0.0, 0.2, 0.1, 0.1],
            "expected_amount": [0.0, 5.0, 2.0, 0.0],
        }
    )
    kept = _worth_offering(made)
    assert list(kept["product_name"]) == ["Bolts", "Clips"]
    assert list(kept["rank"]) == [1, 2]
    customers = pd.DataFrame({"customer_id": ["a", "b"], "reason": ["", ""]})
    told = with_offers(customers, {"next_services": kept})
    assert list(told["next_products"]) == [["Bolts", "Clips"], []]
    assert _worth_offering(None) is None
