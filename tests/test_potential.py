"""Potential: what similar customers buy, by category; nobody is his own peer."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.customers.eligibility import barred_categories, barred_products
from analysis.customers.growth_potential import (
    peer_sales,
    potential_by_category,
    potential_reasons,
)

COUNT = 900


def planted(seed: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    """Return customers who buy order size x rate, times pure luck."""
    random = np.random.default_rng(seed)
    size = random.lognormal(5, 1, COUNT)
    rate = random.gamma(4, 1 / 200, COUNT)
    luck = random.lognormal(0, 0.5, COUNT)
    table = pd.DataFrame(
        {
            "customer_id": [f"C{n:04}" for n in range(COUNT)],
            "mean_order_day_amount": size,
            "tenure_days": 800,
            "region_id": random.choice(["N", "S"], COUNT),
            "industry": random.choice(["shop", "plant"], COUNT),
            "business_model": "b2b",
            "sale_year_amount": size * rate * 365 * luck,
        }
    )
    return table, rate


def split(table: pd.DataFrame, shares: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return customer_categories: the sales of a year by these shares."""
    parts = [
        pd.DataFrame(
            {
                "customer_id": table["customer_id"],
                "product_category": name,
                "sale_year_amount": table["sale_year_amount"] * share,
                "sale_year_before_amount": 0.0,
            }
        )
        for name, share in shares.items()
    ]
    rows = pd.concat(parts, ignore_index=True)
    return rows[rows["sale_year_amount"] > 0]


def totals_of(table: pd.DataFrame, potential: np.ndarray) -> pd.DataFrame:
    forecast = table["sale_year_amount"].to_numpy()
    return pd.DataFrame(
        {
            "customer_id": table["customer_id"],
            "forecast_year_amount": forecast,
            "potential_year_amount": np.maximum(potential, forecast),
            "net_share": 1.0,
        }
    )


@pytest.fixture(scope="module")
def company():
    table, rate = planted()
    return table, rate, peer_sales(table, rate, 0.8)


@pytest.fixture(scope="module")
def by_category(company):
    table, rate, reached = company
    is_plant = (table["industry"] == "plant").to_numpy()
    half = np.arange(COUNT) % 2 == 0
    # Everybody buys bolts, every second customer training, plants alone may buy oil, and all do.
    shares = {"bolts": np.full(COUNT, 0.5), "training": half * 0.3, "oil": is_plant * 0.2}
    barred = pd.DataFrame(
        {"customer_id": table.loc[~is_plant, "customer_id"], "product_category": "oil"}
    )
    return potential_by_category(
        table,
        rate,
        split(table, shares),
        totals_of(table, reached),
        quantile_share=0.8,
        barred=barred,
    )


def test_one_in_five_customers_is_above_what_peers_reach(company):
    table, _, reached = company
    assert (table["sale_year_amount"] > reached).mean() == pytest.approx(0.2, abs=0.03)


def test_finds_the_planted_quantile(company):
    table, rate, reached = company
    truth = table["mean_order_day_amount"] * rate * 365 * np.exp(0.5 * 0.8416)
    assert np.median(reached / truth) == pytest.approx(1, abs=0.08)
    assert np.corrcoef(np.log(reached), np.log(truth))[0, 1] > 0.95


def test_a_customer_larger_than_all_others_has_more_potential_than_they(company):
    table, rate, reached = company
    giant = table.copy()
    giant.loc[0, "mean_order_day_amount"] = table["mean_order_day_amount"].max() * 20
    assert peer_sales(giant, rate, 0.8)[0] > reached.max()


@settings(max_examples=15, deadline=None)
@given(who=st.integers(0, COUNT - 1), factor=st.floats(0.01, 100))
def test_nobody_is_his_own_peer(company, who, factor):
    table, rate, reached = company
    other = table.copy()
    other.loc[who, "sale_year_amount"] *= factor
    assert peer_sales(other, rate, 0.8)[who] == reached[who]


@settings(max_examples=15, deadline=None)
@given(who=st.integers(0, COUNT - 1), factor=st.floats(1, 50), grows=st.booleans())
def test_a_larger_customer_has_no_smaller_potential(company, who, factor, grows):
    table, rate, _ = company
    # Only what is asked about moves, so the peers stay who they are: a second row of a customer
    # who is no yardstick, since he has no year behind him.
    twin = table.iloc[[who]].assign(tenure_days=300, customer_id="Z")
    larger = twin.assign(customer_id="ZZ")
    rates = np.append(rate, [rate[who], rate[who]])
    if grows:
        larger["mean_order_day_amount"] *= factor
    else:
        rates[-1] *= factor
    both = pd.concat([table, twin, larger], ignore_index=True)
    found = _same_third(both, rates)
    assert found[-1] >= found[-2] * (1 - 1e-9)


def _same_third(table: pd.DataFrame, rates: np.ndarray) -> np.ndarray:
    """Ask for each of the two last rows in the same place, so that the same peers judge them."""
    first = peer_sales(table.iloc[:-1], rates[:-1], 0.8)[-1]
    swapped = pd.concat([table.iloc[:-2], table.iloc[[-1]]], ignore_index=True)
    second = peer_sales(swapped, np.append(rates[:-2], rates[-1]), 0.8)[-1]
    return np.array([first, second])


def test_says_nothing_about_few_customers(company):
    table, rate, _ = company
    assert peer_sales(table.head(299), rate[:299], 0.8) is None
    nothing = split(table, {"bolts": np.ones(COUNT)}).head(0)
    few = table.head(10)
    found = potential_by_category(
        few, rate[:10], nothing, totals_of(few, np.ones(10)), quantile_share=0.8
    )
    assert found is None


def test_potential_by_category_is_never_below_the_forecast(by_category):
    assert (by_category["potential_year_amount"] >= by_category["forecast_year_amount"]).all()
    assert (by_category["gap_year_amount"] >= 0).all()


def test_gaps_of_categories_sum_to_no_more_than_the_customers_gap(company, by_category):
    table, _, reached = company
    gap = (reached - table["sale_year_amount"]).clip(lower=0).set_axis(table["customer_id"])
    sums = by_category.groupby("customer_id")["gap_year_amount"].sum()
    assert (sums <= gap[sums.index] + 1e-6).all()
    saturated = gap[gap == 0].index
    assert len(saturated) > 100
    assert sums.reindex(saturated).max() == 0


def test_the_forecast_is_split_as_the_customer_bought(company, by_category):
    table = company[0].set_index("customer_id")
    rows = by_category.merge(table[["sale_year_amount"]], left_on="customer_id", right_index=True)
    bolts = rows[rows["product_category"] == "bolts"].groupby("customer_id").first()
    share = bolts["forecast_year_amount"] / bolts["sale_year_amount_y"]
    expected = bolts["sale_year_amount_x"] / _bought(by_category).reindex(bolts.index)
    np.testing.assert_allclose(share, expected)


def _bought(by_category):
    return by_category.groupby("customer_id")["sale_year_amount"].sum()


def test_names_the_category_that_peers_buy_and_not_the_barred_one(company, by_category):
    table = company[0].set_index("customer_id")
    new = by_category[by_category["is_new"] & (by_category["gap_year_amount"] > 0)]
    assert set(new["product_category"]) == {"training"}
    shops = table.index[table["industry"] == "shop"]
    oil = by_category[by_category["product_category"] == "oil"]
    assert not oil["customer_id"].isin(shops).any()
    reasons = potential_reasons(by_category)
    assert (reasons[new["customer_id"]] == "peers of this size buy 1 more category: training").any()


def test_the_reason_names_how_many_categories_and_the_largest():
    rows = [
        # customer, category, gap, is_new
        ("ada", "spare parts", 60.0, True),
        ("ada", "oil", 30.0, True),
        ("ada", "training", 20.0, True),
        ("ada", "gloves", 1.0, True),  # less than a tenth of the gap
        ("bob", "oil", 5.0, True),
        ("bob", "gloves", 5.0, False),
        ("cyd", "gloves", 9.0, False),
        ("dan", "gloves", 0.0, False),
    ]
    names = ["customer_id", "product_category", "gap_year_amount", "is_new"]
    assert potential_reasons(pd.DataFrame(rows, columns=names)).to_dict() == {
        "ada": "peers of this size buy 3 more categories; spare parts is the largest",
        "bob": "peers of this size buy 1 more category: oil",
        "cyd": "buys the categories of peers, less of them; mostly gloves",
        "dan": "expected to buy as much as peers of this size",
    }


def test_leaves_its_input_unchanged(company):
    table, rate, reached = company
    bought = split(table, {"bolts": np.ones(COUNT)})
    inputs = [table, bought, totals_of(table, reached)]
    copies = [frame.copy() for frame in inputs]
    potential_by_category(table, rate, bought, inputs[2], quantile_share=0.8)
    for frame, copy in zip(inputs, copies, strict=True):
        pd.testing.assert_frame_equal(frame, copy)


class TestEligibility:
    customers = pd.DataFrame({"customer_id": ["a", "b", "c"], "industry": ["food", "metal", None]})
    rules = pd.DataFrame(
        {
            "product_id": ["oil", "grease", "oil", "glove"],
            "segment": ["food", "food", "metal", "food"],
            "is_eligible": [False, False, True, True],
        }
    )
    categories = pd.DataFrame(
        {"product_id": ["oil", "grease", "glove"], "product_category": ["L", "L", "S"]}
    )

    def test_a_rule_bars_its_industry_only(self):
        found = barred_products(self.customers, self.rules)
        assert found.to_numpy().tolist() == [["a", "oil"], ["a", "grease"]]

    def test_a_category_is_barred_when_all_its_products_are(self):
        found = barred_categories(self.customers, self.rules, self.categories)
        assert found.to_numpy().tolist() == [["a", "L"]]
        one = self.rules[self.rules["product_id"] != "grease"]
        assert barred_categories(self.customers, one, self.categories).empty

    def test_without_rules_nothing_is_barred(self):
        assert barred_products(self.customers, None).empty
        assert barred_categories(self.customers, None, self.categories).empty
