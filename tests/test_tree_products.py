"""Price, volume and mix: parts that sum to the cent, and a worked example."""

import pandas as pd
import pytest
from features_examples import Line, features_of, project_in
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.strategy.tree_decomposition import price_volume_mix
from analysis.strategy.tree_products import change_table, products_of

COLUMNS = ["product_id", "unit_number", "priced_amount", "sale_amount", "cost_amount"]
COLUMNS += ["missing_cost_count", "missing_quantity_count", "line_count"]
PARTS = ["volume_amount", "mix_amount", "price_amount", "new_amount", "gone_amount"]
PARTS += ["untold_amount"]


def products(rows: list[tuple[str, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["product_id", "quantity", "amount"])


PRODUCTS = st.lists(
    st.tuples(st.sampled_from("abcde"), st.integers(0, 10_000), st.integers(0, 10**5)),
    max_size=5,
    unique_by=lambda row: row[0],
)


@given(PRODUCTS, PRODUCTS)
@settings(max_examples=60, deadline=None)
def test_volume_mix_and_price_sum_to_the_change(before: list, now: list):
    table = price_volume_mix(products(before), products(now))
    parts = table[["volume_amount", "mix_amount", "price_amount"]].to_numpy().sum()
    change = sum(row[2] for row in now) - sum(row[2] for row in before)
    assert parts == pytest.approx(change, rel=1e-6, abs=1e-3)


def test_price_volume_and_mix_are_what_they_are_called():
    before = products([("a", 100, 1000), ("b", 100, 2000)])
    dearer = products([("a", 100, 1100), ("b", 100, 2200)])
    more = products([("a", 110, 1100), ("b", 110, 2200)])
    shifted = products([("a", 50, 500), ("b", 150, 3000)])
    columns = ["volume_amount", "mix_amount", "price_amount"]
    found = [
        price_volume_mix(before, now)[columns].sum().round(6).tolist()
        for now in (dearer, more, shifted)
    ]
    assert found == [[0, 0, 300], [300, 0, 0], [0, 500, 0]]


def year(rows: list[tuple[str, float, float, float]], lacking: int = 0) -> pd.DataFrame:
    """Units, sales and cost by product; `lacking` lines of each lack a cost."""
    full = [(p, units, amount, amount, cost, lacking, 0, 1) for p, units, amount, cost in rows]
    return pd.DataFrame(full, columns=COLUMNS)


# Bolts in two sizes, one dearer product (drills) gone, one (saws) new.
BEFORE = year(
    [
        ("small", 100, 1000.0, 600.0),  # 10 a piece, cost 6
        ("large", 100, 2000.0, 1000.0),  # 20 a piece, cost 10
        ("drill", 10, 500.0, 300.0),
    ]
)
NOW = year(
    [
        ("small", 90, 990.0, 540.0),  # 11 a piece, cost 6
        ("large", 150, 3000.0, 1650.0),  # 20 a piece, cost 11
        ("saw", 4, 400.0, 300.0),
    ]
)


def test_the_worked_example_comes_out_by_hand():
    table = change_table(BEFORE, NOW, None).set_index("product_id")
    assert table["status"].to_dict() == {
        "drill": "gone",
        "large": "kept",
        "saw": "new",
        "small": "kept",
    }
    # 200 bolts became 240: a fifth more. 90 small ones are 1 dearer each. The rest is mix.
    small = table.loc["small", ["volume_amount", "mix_amount", "price_amount"]].tolist()
    large = table.loc["large", ["volume_amount", "mix_amount", "price_amount"]].tolist()
    assert (small, large) == ([200.0, -300.0, 90.0], [400.0, 600.0, 0.0])
    assert table.loc["drill", "gone_amount"] == -500.0
    assert table.loc["saw", "new_amount"] == 400.0
    # Margin of large: 1000 became 1350. A fifth more is 200, 1 more cost for each of 150 is -150.
    margin = table.loc["large", ["margin_volume_amount", "cost_amount", "margin_mix_amount"]]
    assert margin.tolist() == [200.0, -150.0, 300.0]
    assert table.loc["large", "margin_change_amount"] == 350.0


def test_ranges_of_other_units_do_not_mix():
    ranges = pd.DataFrame(
        {"product_id": ["small", "large"], "product_name": ["s", "l"], "product_category": "bolts"}
    )
    ranges = pd.concat(
        [
            ranges,
            pd.DataFrame([["drill", "d", "tools"], ["saw", "w", None]], columns=ranges.columns),
        ]
    )
    more = year([("small", 100, 1000.0, 600.0), ("large", 100, 2000.0, 1000.0), ("drill", 20, 1000.0, 600.0)])  # fmt: skip  # noqa: E501
    table = change_table(BEFORE, more, ranges).set_index("product_id")
    # Twice the drills are volume of drills; bolts did not change at all.
    assert table.loc["drill", "volume_amount"] == 500.0
    assert (table.loc[["small", "large"], PARTS] == 0).all().all()


def test_lines_without_product_or_quantity_stand_apart():
    now = NOW.assign(sale_amount=NOW["sale_amount"] + 7.0, missing_quantity_count=1)
    none = year([("", 0, 0.0, 5.0)]).assign(sale_amount=33.0)
    table = change_table(BEFORE, pd.concat([now, none]), None).set_index("product_id")
    assert table.loc["", "untold_amount"] == 33.0
    assert table.loc["small", "untold_amount"] == 7.0
    assert table.loc["small", "price_amount"] == 90.0
    assert table["margin_change_amount"].isna().sum() == 2  # what costs of kept ones are is unknown


def test_all_parts_sum_to_the_company_to_the_cent():
    quarters = [(f"{y}Q1", table) for y, table in ((2024, BEFORE), (2025, NOW))]
    periods = pd.concat([table.assign(period=name) for name, table in quarters])
    found = products_of(periods, None, (["2024Q1"], ["2025Q1"]), 900.07, 321.01)
    parts = found.parts.set_index("part")
    assert round(parts["revenue_part_amount"].sum(), 2) == 900.07
    assert parts.loc["other", "revenue_part_amount"] == 10.07  # 890 of products
    assert round(parts["margin_part_amount"].sum(), 2) == 321.01
    assert found.largest["product_id"].tolist()[0] == "large"
    assert found.categories[PARTS].to_numpy().sum() == pytest.approx(890.0)


def test_a_missing_cost_leaves_margin_unsplit_and_revenue_split():
    lacking = year([("small", 90, 990.0, 0.0)], lacking=2)
    periods = pd.concat([BEFORE.assign(period="2024Q1"), lacking.assign(period="2025Q1")])
    found = products_of(periods, None, (["2024Q1"], ["2025Q1"]), -2510.0, float("nan"))
    assert not found.has_margin
    assert found.parts["margin_part_amount"].isna().all()
    assert found.parts["revenue_part_amount"].sum() == pytest.approx(-2510.0)


def test_without_any_unit_there_is_nothing_to_say():
    none = year([("", 0, 0.0, 5.0)]).assign(sale_amount=33.0, period="2025Q1")
    assert products_of(none, None, (["2024Q1"], ["2025Q1"]), 33.0, 28.0) is None


AMOUNTS = st.integers(1, 10**7).map(lambda cents: cents / 100)
ROWS = st.lists(
    st.tuples(st.sampled_from(["", *"abcde"]), st.integers(0, 999), AMOUNTS, AMOUNTS),
    max_size=6,
    unique_by=lambda row: row[0],
)


@given(ROWS, ROWS)
@settings(max_examples=40, deadline=None)
def test_each_product_sums_to_its_change_whatever_was_sold(before: list, now: list):
    years = [
        year([(p, u, a if u else 0.0, c) for p, u, a, c in rows]).assign(
            sale_amount=[a for _, _, a, _ in rows]
        )
        for rows in (before, now)
    ]
    table = change_table(*years, None)
    assert (table[PARTS].sum(axis=1).round(2) == table["change_amount"]).all()
    whole = sum(r[2] for r in now) - sum(r[2] for r in before)
    assert table["change_amount"].sum() == pytest.approx(whole, abs=0.001)


def test_the_features_count_units_money_and_what_is_missing(tmp_path):
    lines = [
        Line("ada", "1", "2025-01-05", "10.00", quantity=2, cost="6.00"),
        Line("ada", "2", "2025-02-05", "11.50", quantity=3),
        Line("ada", "3", "2025-02-06", "5.00", quantity=None, cost="1.00"),
        Line(None, "4", "2025-02-07", "4.00", product_id=None, cost="1.00"),
        Line("ada", "5", "2025-02-08", "-10.00", "return", quantity=-2),  # sales only
        Line("ada", "6", "2025-03-31", "9.00", known_at="2025-04-02 08:00:00"),  # not known yet
        Line("ada", "7", "2024-12-31", "8.00", quantity=1, cost="5.00"),
    ]
    found = features_of(project_in(tmp_path), lines, "2025Q1")["product_periods"]
    table = found.set_index(["product_id", "period"]).drop(columns="starts_on")
    assert table.loc[("tea", "2025Q1")].tolist() == [5.0, 21.5, 26.5, 7.0, 1, 1, 3]
    assert table.loc[("tea", "2024Q4")].tolist() == [1.0, 8.0, 8.0, 5.0, 0, 0, 1]
    assert table.loc[("", "2025Q1"), "sale_amount"] == 4.0
    assert len(table) == 3
