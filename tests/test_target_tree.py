"""The target tree: parts that sum, gaps, chances, and what a target takes backwards."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.periods import FiscalCalendar
from analysis.core.problems import SettingsError
from analysis.core.scope import Scope
from analysis.core.statistics import chance_above
from analysis.strategy.target_tree import (
    Ahead,
    TargetTreeOptions,
    ahead_of,
    lever_table,
    target_tree,
)
from analysis.strategy.tree_backwards import (
    Selling,
    need_table,
    plain_need,
    plain_yield,
    selling_of,
)
from analysis.strategy.tree_decomposition import price_volume_mix, tree_table
from analysis.strategy.tree_gap import company_targets

CALENDAR = FiscalCalendar()
SCOPE = Scope(CALENDAR.parse("2025Q4"), CALENDAR)
QUARTERS = [f"{year}Q{number}" for year in (2024, 2025) for number in (1, 2, 3, 4)]
SUMS = st.fixed_dictionaries(
    {
        "customers": st.integers(10, 10_000).map(float),
        "orders": st.integers(10, 100_000).map(float),
        "revenue": st.integers(1000, 10**7).map(float),
        "margin": st.integers(-(10**6), 10**6).map(float),
    }
)


@given(SUMS, SUMS)
@settings(max_examples=60, deadline=None)
def test_parts_of_revenue_and_margin_sum_to_their_change(before: dict, now: dict):
    table = tree_table(before, now)
    for kind in ("revenue", "margin"):
        parts = table[f"{kind}_part_amount"]
        # Parts of opposite sign may be a million times the change: a float has 16 digits.
        slack = 0.01 + 1e-9 * parts.abs().max()
        assert parts.sum() == pytest.approx(now[kind] - before[kind], rel=1e-6, abs=slack)


def test_one_factor_that_changes_alone_makes_the_whole_change():
    before = {"customers": 100.0, "orders": 200.0, "revenue": 20_000.0, "margin": 5000.0}
    now = before | {"customers": 110.0, "orders": 220.0, "revenue": 22_000.0, "margin": 5500.0}
    parts = tree_table(before, now).set_index("factor")
    assert parts["revenue_part_amount"].to_dict() == pytest.approx(
        {"customers": 2000.0, "orders": 0.0, "value": 0.0, "margin": 0.0}, abs=1e-6
    )
    assert parts.loc["customers", "margin_part_amount"] == pytest.approx(500.0)


def test_a_missing_margin_splits_revenue_only():
    before = {"customers": 100.0, "orders": 200.0, "revenue": 20_000.0, "margin": float("nan")}
    table = tree_table(before, before)
    assert table["margin_part_amount"].isna().all()
    assert table["revenue_part_amount"].sum() == 0


def test_a_lever_of_one_per_cent_brings_one_per_cent():
    now = {"customers": 100.0, "orders": 200.0, "revenue": 20_000.0, "margin": 5000.0}
    table = lever_table(now, TargetTreeOptions()).set_index("factor")
    assert table["revenue_amount"].tolist() == [200.0, 200.0, 200.0, 0.0]
    assert table["margin_amount"].tolist() == [50.0, 50.0, 50.0, 50.0]


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


@pytest.mark.parametrize(
    ("target", "chance"), [(100.0, 0.5), (80.0, 0.9), (125.0, 0.1), (0.0, 1.0), (-5.0, 1.0)]
)
def test_the_chance_of_a_target_follows_the_range(target: float, chance: float):
    assert chance_above(target, 100.0, 80.0, 125.0) == pytest.approx(chance)


def test_without_a_range_there_is_no_chance():
    assert np.isnan(chance_above(100.0, 100.0, 100.0, 100.0))
    assert np.isnan(chance_above(100.0, 100.0, float("nan"), 120.0))


def targets() -> pd.DataFrame:
    """2025Q4 set twice, 2026Q1 set once and once too late to be known."""
    rows = [
        ("t1", "2025-10-01", "2025-12-31", 900.0, "2025-09-01"),
        ("t2", "2025-10-01", "2025-12-31", 1000.0, "2025-09-20"),
        ("t3", "2026-01-01", "2026-03-31", 1300.0, "2025-12-20"),
        ("t4", "2026-01-01", "2026-03-31", 9999.0, "2026-01-05"),
    ]
    table = pd.DataFrame(rows, columns=["target_id", "starts_on", "ends_on", "value", "set_on"])
    table = table.astype(dict.fromkeys(["starts_on", "ends_on", "set_on"], "datetime64[s]"))
    return table.assign(level="company", metric="revenue_amount", low=0.0, high=0.0)


def test_the_target_known_last_counts_and_none_of_later():
    assert company_targets(targets(), SCOPE)["value"].tolist() == [1000.0, 1300.0]


def periods(margin: float | None = 30.0) -> pd.DataFrame:
    """Ten customers of 100 a quarter, eleven in the second year."""
    rows = [
        (f"C{n}", quarter, 100.0, margin, 2)
        for quarter in QUARTERS
        for n in range(10 if quarter < "2025" else 11)
    ]
    columns = ["customer_id", "period", "revenue_amount", "margin_amount", "order_count"]
    return pd.DataFrame(rows, columns=columns)


def days() -> pd.DataFrame:
    """The same revenue by day, and 50 a quarter without a customer."""
    rows = []
    for quarter in QUARTERS:
        day = CALENDAR.parse(quarter).starts_on
        rows.append((day, True, 1000.0 if quarter < "2025" else 1100.0))
        rows.append((day, True, 50.0))
        rows.append((day, False, 7777.0))
    return pd.DataFrame(rows, columns=["day", "is_revenue", "amount"])


def test_the_chapter_balances_with_the_company_and_finds_the_factor():
    ahead = Ahead({"middle": 1200.0, "low": 1000.0, "high": 1400.0}, selling())
    found = target_tree(periods(), days(), targets(), ahead, scope=SCOPE)
    parts = found.tables["tree"]
    assert parts["revenue_part_amount"].sum() == pytest.approx(400.0)
    assert parts.loc[parts["factor"] == "rest", "revenue_part_amount"].item() == 0
    assert "most of it through number of customers" in found.findings[0].text
    gaps = found.tables["gaps"].set_index("period")
    assert gaps.loc["2025Q4", ["actual_amount", "chance_share"]].tolist() == [1150.0, 1.0]
    row = gaps.loc["2026Q1"]
    assert row["gap_amount"] == pytest.approx(100.0)
    assert row["rate_amount"] == pytest.approx(1150.0 * 4600 / 4200)
    assert 0.2 < row["chance_share"] < 0.4
    assert found.tables["need"]["step"].tolist() == ["revenue", "won", "opened", "leads", "people"]


def test_what_is_missing_is_said():
    found = target_tree(periods(margin=None), days(), scope=SCOPE)
    texts = " ".join(found.caveats)
    for part in ("costs are not known", "a table targets", "no forecast", "no deals"):
        assert part in texts
    short = periods()[lambda t: t["period"] > "2024Q2"]
    assert "Fewer than eight quarters" in target_tree(short, days(), scope=SCOPE).unavailable


def selling() -> Selling:
    return Selling(40, 160, np.linspace(80, 120, 41), 400, 200, 160, 16.0)


RATES = {"value": 100.0, "win_share": 0.25, "convert_share": 0.5, "per_person": 10.0}


@given(st.floats(1, 1e7))
def test_the_way_back_and_the_way_forward_meet(amount: float):
    need = plain_need(amount, RATES)
    assert plain_yield(need["leads"], RATES) == pytest.approx(amount)


def test_plain_need_is_the_worked_division_and_ranges_hold_it():
    table = need_table(10_000.0, selling(), seed=0).set_index("step")
    plain = plain_need(10_000.0, RATES)
    for step in ("won", "opened", "leads", "people"):
        row = table.loc[step]
        assert row["plain"] == pytest.approx(plain[step], rel=1e-6)
        assert row["low"] < row["plain"] < row["high"]
    widths = (table["high"] / table["low"]).loc[["won", "opened", "leads"]].tolist()
    assert widths == sorted(widths)  # each step adds what is not known of it


def test_little_data_or_nothing_missing_works_back_nothing():
    assert need_table(100.0, Selling(4, 10, np.ones(4), 0, 0, 10, 1.0), 0).empty
    assert need_table(0.0, selling(), 0).empty
    without_leads = Selling(40, 160, np.ones(40), 0, 0, 160, 0.0)
    assert need_table(100.0, without_leads, 0)["step"].tolist() == ["revenue", "won", "opened"]


def test_selling_counts_only_what_was_known():
    moments = ["2025-03-01", "2025-06-01", "2026-02-01", None, "2023-01-01"]
    deals = pd.DataFrame(
        {
            "is_closed": [True, True, True, False, True],
            "is_won": [True, False, True, False, True],
            "closed_at": pd.to_datetime(moments),
            "value_amount": [10.0, 20.0, 30.0, 40.0, 50.0],
        }
    )
    leads = pd.DataFrame(
        {
            "created_at": pd.to_datetime(["2025-02-01", "2025-02-01", "2025-12-20"]),
            "converted_at": pd.to_datetime(["2025-03-01", "2026-03-01", "2025-12-25"]),
        }
    )
    found = selling_of(deals, leads, 3.0, pd.Timestamp("2025-12-31"))
    assert (found.won_count, found.closed_count, found.values.tolist()) == (1, 2, [10.0])
    assert (found.lead_count, found.converted_count) == (2, 1)
    assert found.full_time_quarters == 12


def test_what_is_ahead_comes_from_the_whole_company_and_people_who_are_here():
    totals = pd.DataFrame(
        {
            "level": ["company", "whole company"],
            "forecast_quarter_amount": [1.0, 10.0],
            "forecast_quarter_low_amount": [0.5, 8.0],
            "forecast_quarter_high_amount": [2.0, 13.0],
        }
    )
    deals = pd.DataFrame(
        {
            "rep_id": ["a", "b", "gone"],
            "is_closed": True,
            "is_won": True,
            "closed_at": pd.Timestamp("2025-11-01"),
            "value_amount": 1.0,
        }
    )
    reps = pd.DataFrame(
        {
            "rep_id": ["a", "b", "gone", "idle"],
            "left_on": pd.to_datetime([None, None, "2025-06-01", None]),
            "fte_share": [1.0, 0.5, 1.0, 1.0],
        }
    )
    found = ahead_of(totals, deals, None, reps, scope=SCOPE)
    assert found.forecast == {"middle": 10.0, "low": 8.0, "high": 13.0}
    assert found.selling.full_time_quarters == 6.0
    assert ahead_of(totals.head(1), None, None, None, scope=SCOPE) == Ahead()


def test_impossible_options_are_refused():
    with pytest.raises(SettingsError, match="lever_share"):
        TargetTreeOptions(lever_share=0)


def test_leaves_its_input_unchanged():
    table, aims = periods(), targets()
    target_tree(table, days(), aims, scope=SCOPE)
    pd.testing.assert_frame_equal(table, periods())
    pd.testing.assert_frame_equal(aims, targets())
