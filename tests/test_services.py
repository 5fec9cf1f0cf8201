"""Next services: new to the customer, at most five, from who buys what; categories; lifts."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

from analysis.core.problems import SettingsError
from analysis.customers.cross_sell import cross_sell_lifts
from analysis.customers.product_categories import (
    OTHER,
    category_sales,
    learn_categories,
    product_catalogue,
)
from analysis.customers.services import (
    ServiceOptions,
    ease,
    next_services,
    recency_weights,
)

AS_OF = date(2026, 6, 30)
PRODUCTS = [f"P{n:02}" for n in range(12)]
CATALOGUE = pd.DataFrame(
    {
        "product_id": PRODUCTS,
        "product_category": ["odd" if n % 2 else "even" for n in range(12)],
        "product_name": [f"name {n}" for n in range(12)],
    }
)


def purchases(rows) -> pd.DataFrame:
    """Return customer_products from (customer, product, days ago of first and of last, amount)."""
    end = pd.Timestamp(AS_OF)
    return pd.DataFrame(
        {
            "customer_id": pd.Series([row[0] for row in rows], dtype="str"),
            "product_id": pd.Series([row[1] for row in rows], dtype="str"),
            "sale_year_amount": pd.Series([float(row[4]) for row in rows], dtype=float),
            "sale_year_before_amount": 0.0,
            "line_year_count": 1,
            "line_count": 1,
            "first_sold_on": pd.to_datetime([end - pd.Timedelta(days=row[2]) for row in rows]),
            "last_sold_on": pd.to_datetime([end - pd.Timedelta(days=row[3]) for row in rows]),
        }
    )


def customers_of(ids, **columns) -> pd.DataFrame:
    names = pd.Series(sorted(ids), dtype="str")
    known = {"mean_order_day_amount": 100.0, "industry": None, "tenure_days": 500}
    return pd.DataFrame({"customer_id": names, **(known | columns)})


def pairs_company(count: int = 200) -> pd.DataFrame:
    """Half of the customers buy P00 and P01 together, the other half P02 and P03."""
    rows = []
    for n in range(count):
        base = 2 * (n % 2)
        # One in ten has not bought the second of his pair yet; another tenth did last month.
        if n % 20 < 2:
            rows.append((f"C{n:03}", PRODUCTS[base], 400, 20, 100))
            continue
        first = 30 if n % 20 < 4 else 300
        rows.append((f"C{n:03}", PRODUCTS[base], 400, 20, 100))
        rows.append((f"C{n:03}", PRODUCTS[base + 1], first, 10, 50))
    return purchases(rows)


def test_offers_what_goes_with_the_customers_own_products():
    bought = pairs_company()
    offers = next_services(
        bought, customers_of(bought["customer_id"].unique()), CATALOGUE, as_of=AS_OF
    )
    first = offers[offers["rank"] == 1].set_index("customer_id")
    assert first.loc["C000", "product_id"] == "P01"  # owns P00 alone
    assert first.loc["C001", "product_id"] == "P03"
    assert first.loc["C000", "reason"].startswith("90% of those who buy name 0 buy it too, 0% of")


def test_expects_the_chance_times_what_buyers_spend():
    bought = pairs_company()
    offers = next_services(
        bought, customers_of(bought["customer_id"].unique()), CATALOGUE, as_of=AS_OF
    )
    row = offers.set_index("customer_id").loc["C000"]
    # Of the 40 who had only the first product of the pair a quarter ago, 20 have bought the second.
    assert row["chance_share"] == pytest.approx(0.5)
    assert row["expected_amount"] == pytest.approx(0.5 * 50)


def test_a_customer_without_known_products_gets_what_his_industry_buys_and_is_told_so():
    bought = pairs_company()
    ids = [*bought["customer_id"].unique(), "new"]
    industry = [None if name == "new" else "even" for name in sorted(ids)]
    offers = next_services(bought, customers_of(ids, industry=industry), CATALOGUE, as_of=AS_OF)
    cold = offers[offers["customer_id"] == "new"]
    assert len(cold) == 4
    assert set(cold["product_id"].head(2)) == {"P00", "P02"}  # the most bought
    assert cold["reason"].str.contains("too few purchases of his own").all()


def test_what_a_customer_cannot_use_is_not_offered():
    bought = pairs_company()
    barred = pd.DataFrame({"customer_id": ["C000"], "product_id": ["P01"]})
    offers = next_services(
        bought, customers_of(bought["customer_id"].unique()), CATALOGUE, as_of=AS_OF, barred=barred
    )
    assert "P01" not in set(offers.loc[offers["customer_id"] == "C000", "product_id"])


def test_of_a_large_catalogue_each_offer_is_of_another_category():
    bought = random_company(1)
    options = ServiceOptions(large_catalogue_count=5)
    offers = next_services(
        bought,
        customers_of(bought["customer_id"].unique()),
        CATALOGUE,
        as_of=AS_OF,
        options=options,
    )
    assert len(offers)
    assert not offers.duplicated(["customer_id", "product_category"]).any()


def test_without_a_sale_there_is_nothing_to_offer():
    assert next_services(purchases([]), customers_of(["a"]), CATALOGUE, as_of=AS_OF).empty


def test_where_everybody_has_everything_there_is_nothing_to_offer():
    bought = purchases([(f"C{n:03}", PRODUCTS[0], 400, 20, 100) for n in range(30)])
    one = CATALOGUE[CATALOGUE["product_id"] == PRODUCTS[0]]
    offers = next_services(bought, customers_of(bought["customer_id"]), one, as_of=AS_OF)
    assert offers.empty


def random_company(seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    rows = []
    for n in range(60):
        for product in random.choice(PRODUCTS, random.integers(1, 12), replace=False):
            first = int(random.integers(0, 700))
            rows.append((f"C{n:03}", str(product), first, int(random.integers(0, first + 1)), 10))
    return purchases(rows)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 5),
    half_life=st.floats(1, 1000),
    large=st.sampled_from([0, 200]),
)
def test_never_offers_what_is_owned_and_never_more_than_asked(seed, count, half_life, large):
    bought = random_company(seed)
    options = ServiceOptions(
        offer_count=count, half_life_days=half_life, large_catalogue_count=large
    )
    customers = customers_of([*bought["customer_id"].unique(), "nobody"])
    copies = [bought.copy(), customers.copy()]
    offers = next_services(bought, customers, CATALOGUE, as_of=AS_OF, options=options)
    owned = set(zip(bought["customer_id"], bought["product_id"], strict=True))
    assert not owned & set(zip(offers["customer_id"], offers["product_id"], strict=True))
    assert not offers.duplicated(["customer_id", "product_id"]).any()
    ranks = offers.groupby("customer_id")["rank"].agg(list)
    assert all(found == list(range(1, len(found) + 1)) for found in ranks)
    assert offers["rank"].max() <= count
    assert offers["chance_share"].between(0, 1).all()
    assert (offers["expected_amount"] >= 0).all()
    assert (offers["reason"].str.len() > 10).all()
    again = next_services(
        bought.sample(frac=1, random_state=1), customers, CATALOGUE, as_of=AS_OF, options=options
    )
    pd.testing.assert_frame_equal(offers, again)
    for frame, copy in zip((bought, customers), copies, strict=True):
        pd.testing.assert_frame_equal(frame, copy)


def test_refuses_impossible_options_at_once():
    with pytest.raises(SettingsError, match=r"(?s)offer_count.*half_life_days"):
        ServiceOptions(offer_count=6, half_life_days=0)


def test_ease_equals_its_closed_form():
    # Two products always together, a third alone; the inverse by hand for two equal columns.
    weights = sparse.csr_array(np.array([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]]))
    together = ease(weights, 1.0)
    assert together[0, 1] == pytest.approx(2 / 3)  # 2 / (2 + ridge)
    assert together[0, 2] == together[2, 0] == 0
    assert (np.diag(together) == 0).all()


def test_a_purchase_counts_half_after_a_half_life():
    days = pd.Series(pd.to_datetime(["2026-06-30", "2026-06-20", "2026-06-10"]))
    found = recency_weights(days, pd.Timestamp(AS_OF), 10)
    assert found.tolist() == pytest.approx([1, 0.5, 0.25])


class TestCategories:
    def planted(self) -> pd.DataFrame:
        """Return 300 customers of three tastes, each with 20 products and a little noise."""
        random = np.random.default_rng(4)
        rows = []
        for n in range(300):
            own = 20 * (n % 3) + random.choice(20, 6, replace=False)
            for product in {*own, random.integers(60)}:
                rows.append((f"C{n:03}", f"P{product:02}", 100, 10, 10 + product % 20))
        return purchases(rows)

    def test_finds_the_planted_tastes(self):
        found = learn_categories(self.planted(), count=3)
        taste = found["product_id"].str[1:].astype(int) // 20
        table = pd.crosstab(taste, found["product_category"])
        assert table.shape == (3, 3)
        assert (table > 0).sum().sum() == 3
        sold = self.planted().groupby("product_id")["sale_year_amount"].sum()
        best = {sold.iloc[n : n + 20].idxmax() for n in (0, 20, 40)}
        assert set(found["product_category"]) == {f"{name} and alike" for name in best}

    def test_the_same_rows_in_another_order_give_the_same_categories(self):
        bought = self.planted()
        shuffled = bought.sample(frac=1, random_state=2)
        once, again = learn_categories(bought, count=3), learn_categories(shuffled, count=3)
        pd.testing.assert_frame_equal(once, again)

    def test_a_product_that_hardly_anybody_buys_is_in_no_category(self):
        bought = pd.concat([self.planted(), purchases([("C000", "rare", 9, 9, 9)])])
        found = learn_categories(bought, count=3).set_index("product_id")
        assert found.loc["rare", "product_category"] == OTHER

    def test_the_categories_of_the_source_come_first(self):
        listed = CATALOGUE.assign(product_category=["a", None] * 6, product_name=None)
        bought = purchases([(f"C{n}", f"P0{n}", 9, 9, 9) for n in range(3)])
        bought = pd.concat([bought, purchases([("C9", "not listed", 9, 9, 9)])])
        found = product_catalogue(bought, listed)
        assert found.to_numpy().tolist() == [
            ["P00", "a", "P00"],
            ["P01", OTHER, "P01"],
            ["P02", "a", "P02"],
            ["not listed", OTHER, "not listed"],
        ]

    def test_without_categories_of_the_source_they_are_learned(self):
        listed = CATALOGUE.assign(product_category=None)
        found = product_catalogue(self.planted(), listed, count=3).set_index("product_id")
        learned = learn_categories(self.planted(), listed, count=3).set_index("product_id")
        assert found["product_category"].equals(learned["product_category"])
        assert found.loc["P03", "product_name"] == "name 3"

    def test_few_products_are_each_a_category(self):
        found = learn_categories(pairs_company(), CATALOGUE)
        assert found["product_category"].tolist() == [f"name {n}" for n in range(4)]

    def test_sums_a_customers_purchases_by_category(self):
        rows = [("a", "P00", 400, 9, 5), ("a", "P02", 300, 30, 7), ("a", "P01", 8, 8, 1)]
        found = category_sales(purchases(rows), CATALOGUE).set_index("product_category")
        assert found["sale_year_amount"].to_dict() == {"even": 12.0, "odd": 1.0}
        end = pd.Timestamp(AS_OF)
        assert found.loc["even", "first_sold_on"] == end - pd.Timedelta(days=400)
        assert found.loc["even", "last_sold_on"] == end - pd.Timedelta(days=9)


class TestCrossSell:
    def planted(self, lift: float) -> tuple[pd.DataFrame, pd.DataFrame]:
        random = np.random.default_rng(5)
        count = 6000
        tenure = random.integers(100, 1500, count)
        # Time alone makes buyers of both: without alike tenures it would look like a lift.
        has_drill = random.random(count) < tenure / 2000
        takes = random.random(count) < 0.2 * tenure / 1500 * np.where(has_drill, lift, 1)
        ids = pd.Series([f"C{n:04}" for n in range(count)])
        bought = pd.concat(
            [
                pd.DataFrame({"customer_id": ids[has_drill], "product_category": "drills"}),
                pd.DataFrame({"customer_id": ids[takes], "product_category": "service"}),
            ]
        )
        features = customers_of(ids, tenure_days=tenure, order_day_count=5)
        return bought, features

    @pytest.mark.parametrize("lift", [1.0, 2.5])
    def test_finds_the_planted_lift(self, lift):
        found = cross_sell_lifts(*self.planted(lift)).set_index(["from_category", "to_category"])
        row = found.loc[("drills", "service")]
        assert row["lift_low"] < lift * 1.12
        assert row["lift_high"] > lift
        assert row["lift"] == pytest.approx(lift, rel=0.2)

    def test_who_cannot_use_it_is_not_compared(self):
        bought, features = self.planted(2.5)
        barred = pd.DataFrame(
            {"customer_id": features["customer_id"].head(3000), "product_category": "service"}
        )
        found = cross_sell_lifts(bought, features, barred)
        assert found["customer_count"].max() < 3000

    def test_of_few_buyers_nothing_is_said(self):
        bought, features = self.planted(2.5)
        assert cross_sell_lifts(bought.head(30), features).empty
