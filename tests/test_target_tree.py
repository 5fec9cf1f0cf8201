"""The chapter on targets: it balances, says what is missing, and works in quarters and years."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.periods import FiscalCalendar
from analysis.core.problems import SettingsError
from analysis.core.result import Number, Result
from analysis.core.scope import Scope
from analysis.core.statistics import chance_above
from analysis.strategy.target_tree import (
    Aims,
    Business,
    Chapters,
    Sales,
    TargetTreeOptions,
    target_tree,
)
from analysis.strategy.tree_decomposition import tree_table
from analysis.strategy.tree_gap import company_targets
from analysis.strategy.tree_past import lever_table

CALENDAR = FiscalCalendar()
SCOPE = Scope(CALENDAR.parse("2025Q4"), CALENDAR)
YEAR = Scope(CALENDAR.parse("2025"), CALENDAR)
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
    table = lever_table(now, 0.01).set_index("factor")
    assert table["revenue_amount"].tolist() == [200.0, 200.0, 200.0, 0.0]
    assert table["margin_amount"].tolist() == [50.0, 50.0, 50.0, 50.0]


@pytest.mark.parametrize(
    ("target", "chance"), [(100.0, 0.5), (80.0, 0.9), (125.0, 0.1), (0.0, 1.0), (-5.0, 1.0)]
)
def test_the_chance_of_a_target_follows_the_range(target: float, chance: float):
    assert chance_above(target, 100.0, 80.0, 125.0) == pytest.approx(chance)


def test_without_a_range_there_is_no_chance():
    assert np.isnan(chance_above(100.0, 100.0, 100.0, 100.0))
    assert np.isnan(chance_above(100.0, 100.0, float("nan"), 120.0))


def targets(*more: tuple) -> pd.DataFrame:
    """2025Q4 set twice, 2026Q1 set once and once too late to be known."""
    rows = [
        ("t1", "revenue_amount", "2025-10-01", "2025-12-31", 900.0, "2025-09-01"),
        ("t2", "revenue_amount", "2025-10-01", "2025-12-31", 1000.0, "2025-09-20"),
        ("t3", "revenue_amount", "2026-01-01", "2026-03-31", 1300.0, "2025-12-20"),
        ("t4", "revenue_amount", "2026-01-01", "2026-03-31", 9999.0, "2026-01-05"),
        *more,
    ]
    columns = ["target_id", "metric", "starts_on", "ends_on", "value", "set_on"]
    table = pd.DataFrame(rows, columns=columns)
    table = table.astype(dict.fromkeys(["starts_on", "ends_on", "set_on"], "datetime64[s]"))
    return table.assign(level="company", low=0.0, high=0.0)


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


def kinds() -> pd.DataFrame:
    """Costs of 70 % of all revenue."""
    rows = [(q, 1050.0 if q < "2025" else 1150.0) for q in QUARTERS]
    table = pd.DataFrame(rows, columns=["period", "with_cost_amount"])
    return table.assign(cost_amount=0.7 * table["with_cost_amount"], missing_cost_count=0)


def product_periods() -> pd.DataFrame:
    """One product at 10 a piece, from 2025 on at 11; it makes the revenue of customers."""
    rows = [
        ("a", q, 100.0, 1000.0 if q < "2025" else 1100.0, 700.0 if q < "2025" else 770.0)
        for q in QUARTERS
    ]
    columns = ["product_id", "period", "unit_number", "priced_amount", "cost_amount"]
    table = pd.DataFrame(rows, columns=columns)
    counts = dict.fromkeys(["missing_cost_count", "missing_quantity_count"], 0)
    return table.assign(sale_amount=table["priced_amount"], line_count=1, **counts)


def business(**changes) -> Business:
    products = pd.DataFrame({"product_id": ["a"], "product_name": "A", "product_category": "X"})
    own = {"company_kinds": kinds(), "product_periods": product_periods(), "products": products}
    return Business(periods(), days(), **(own | changes))


def result(name: str, **content) -> Result:
    return Result(name, name, "2025Q4", date(2025, 12, 31), **content)


def growth() -> Result:
    row = {"level": "whole company", "level_id": ""}
    for span, times in (("quarter", 1), ("year", 4)):
        row |= {f"forecast_{span}_amount": 1200.0 * times}
        row |= {f"forecast_{span}_low_amount": 1000.0 * times}
        row |= {f"forecast_{span}_high_amount": 1400.0 * times}
    return result("growth", tables={"totals": pd.DataFrame([row])})


def market() -> Result:
    return result("market", headline={"share": Number("Ours", 0.2, "share", 0.16, 0.25)})


def chapters(**more: Result) -> Chapters:
    return Chapters({"customers/growth": growth(), "strategy/market": market(), **more})


def deals() -> pd.DataFrame:
    """Forty deals of about 20 closed in the year, every fourth won."""
    rows = [
        (f"O{n}", "ab"[n % 2], True, n % 4 == 0, f"2025-{n % 12 + 1:02d}-10", 18.0 + n % 5)
        for n in range(40)
    ]
    columns = ["opportunity_id", "rep_id", "is_closed", "is_won", "closed_at", "value_amount"]
    return pd.DataFrame(rows, columns=columns).astype({"closed_at": "datetime64[us]"})


def reps() -> pd.DataFrame:
    rows = [("a", "hunter", None, None, 1.0), ("b", "farmer", "2020-01-01", None, 0.5)]
    table = pd.DataFrame(rows, columns=["rep_id", "role", "hired_on", "left_on", "fte_share"])
    return table.astype({"hired_on": "datetime64[s]", "left_on": "datetime64[s]"})


def test_the_chapter_balances_with_the_company_and_finds_the_factor():
    sales = Sales(deals(), None, reps())
    found = target_tree(business(), Aims(targets()), sales, chapters(), scope=SCOPE)
    parts = found.tables["tree"]
    assert parts["revenue_part_amount"].sum() == pytest.approx(400.0)
    assert parts.loc[parts["factor"] == "rest", "revenue_part_amount"].item() == 0
    assert "the largest part is number of customers" in found.findings[0].text
    gaps = found.tables["gaps"].set_index("period")
    assert gaps.loc["2025Q4", ["actual_amount", "chance_share"]].tolist() == [1150.0, 1.0]
    row = gaps.loc["2026Q1"]
    assert row["gap_amount"] == pytest.approx(100.0)
    assert row["rate_amount"] == pytest.approx(1150.0 * 4600 / 4200)
    assert 0.2 < row["chance_share"] < 0.4
    assert found.tables["need"]["step"].tolist() == ["revenue", "won", "opened"]
    assert found.tables["people"]["role"].tolist() == ["farmer", "hunter"]


def test_price_is_the_whole_change_of_what_is_sold_in_equal_numbers():
    parts = target_tree(business(), scope=SCOPE).tables["price_volume_mix"].set_index("part")
    assert parts["revenue_part_amount"].to_dict() == {
        "volume": 0.0,
        "mix": 0.0,
        "price": 400.0,
        "cost": 0.0,
        "new": 0.0,
        "gone": 0.0,
        "untold": 0.0,
        "other": 0.0,
    }
    margins = parts["margin_part_amount"]
    assert margins[["price", "cost", "other"]].tolist() == [400.0, -280.0, 0.0]
    assert margins.sum() == pytest.approx(0.3 * 400)


def test_the_bridge_sums_to_the_cent_and_ends_beside_the_target():
    found = target_tree(business(), Aims(targets()), chapters=chapters(), scope=SCOPE)
    table = found.tables["bridge"].set_index("step")["part_amount"]
    levers = table.drop(["together", "target", "open"])
    assert round(levers.sum(), 2) == table["together"]
    assert round(table["together"] + table["open"], 2) == table["target"] == 1300.0
    assert table["rate"] + table["forecast"] == pytest.approx(1200.0)
    # Two years of quarters know too few changes for any lever, and say so.
    sources = found.tables["bridge"].set_index("step").loc["orders":"value", "source"]
    assert found.charts["bridge"].svg.startswith("<svg")
    assert found.tables["bridge"].set_index("step").loc["keep", "source"].startswith("cannot")
    assert not sources.str.startswith("cannot").any()


@pytest.mark.parametrize(("middle", "is_loss"), [(-12000.0, True), (12000.0, False)])
def test_an_improvement_that_is_expected_to_lose_is_said_and_sums(middle: float, is_loss: bool):
    plans = pd.DataFrame({"improvement_id": ["M1"], "effective_on": [pd.Timestamp("2026-01-01")]})
    row = {"improvement_id": ["M1"], "name": "Works", "driver": "order_amount"}
    ends = {"value_low_amount": middle - 900, "value_high_amount": middle + 900}
    before = pd.DataFrame(row | ends | {"value_mid_amount": middle})
    others = chapters(
        **{"strategy/improvements": result("improvements", tables={"before": before})}
    )
    sales = Sales(improvements=plans)
    found = target_tree(business(), Aims(targets()), sales, others, scope=SCOPE)
    table = found.tables["bridge"].set_index("step")["part_amount"]
    assert np.sign(table["improvement M1"]) == np.sign(middle)
    inner = table.drop(["together", "target", "open"])
    assert round(inner.sum(), 2) == table["together"]
    said = [f.text for f in found.findings if "takes up the rest" in f.text]
    assert len(said) == is_loss
    assert all("lost through improvement: Works" in text for text in said)


def test_every_metric_is_held_against_its_target_and_unknown_names_are_said():
    year = ("2026-01-01", "2026-12-31")
    more = [
        ("t5", "market_share", *year, 0.21, "2025-12-01"),
        ("t6", "margin_share", *year, 0.30, "2025-12-01"),
        ("t7", "happiness", *year, 9.0, "2025-12-01"),
    ]
    found = target_tree(business(), Aims(targets(*more)), chapters=chapters(), scope=SCOPE)
    goals = found.tables["goals"].set_index("metric")
    assert goals.index.tolist() == ["revenue_amount", "margin_share", "market_share"]
    assert goals.loc["market_share", "now"] == 0.2
    assert goals.loc["market_share", "forecast"] == pytest.approx(0.2 * 4800 / 4600, rel=0.02)
    assert 0.3 < goals.loc["market_share", "chance_share"] < 0.6
    # The margin share never moved: its spread cannot be told from eight equal quarters.
    assert np.isnan(goals.loc["margin_share", "chance_share"])
    assert goals.loc["margin_share", "chance_how"].startswith("cannot conclude")
    assert any("happiness are not followed" in text for text in found.caveats)


def test_an_annual_report_speaks_of_fiscal_years():
    year = ("t5", "revenue_amount", "2026-01-01", "2026-12-31", 5000.0, "2025-12-01")
    aims, sales = Aims(targets(year)), Sales(deals(), None, reps())
    found = target_tree(business(), aims, sales, chapters(), scope=YEAR)
    gaps = found.tables["gaps"].set_index("period")
    assert gaps.index.tolist() == ["2026"]
    assert gaps.loc["2026", "rate_amount"] == pytest.approx(4600 * 4600 / 4200)
    assert gaps.loc["2026", "gap_amount"] == pytest.approx(200.0)
    bridge = found.tables["bridge"].set_index("step")["part_amount"]
    assert bridge["rate"] + bridge["forecast"] == pytest.approx(4800.0)
    assert bridge["target"] == 5000.0
    quarterly = target_tree(business(), aims, sales, chapters(), scope=SCOPE)
    pd.testing.assert_frame_equal(found.tables["tree"], quarterly.tables["tree"])


def test_a_demand_of_the_settings_counts_where_the_table_has_none():
    found = target_tree(business(), Aims(None, 1250.0), scope=SCOPE)
    assert found.tables["gaps"]["target_amount"].tolist() == [1250.0]
    both = target_tree(business(), Aims(targets(), 1250.0), scope=SCOPE)
    assert both.tables["gaps"]["target_amount"].tolist() == [1000.0, 1300.0]


def test_what_is_missing_is_said():
    bare = Business(periods(margin=None), days())
    found = target_tree(bare, scope=SCOPE)
    texts = " ".join(found.caveats)
    for part in ("costs are not known", "a table targets", "no forecast", "no deals", "No sale"):
        assert part in texts
    assert "Target of 2026Q1: none supplied." in found.unknown
    assert "bridge" not in found.charts  # no lever, no forecast, no target
    short = Business(periods()[lambda t: t["period"] > "2024Q2"], days())
    assert "Fewer than eight quarters" in target_tree(short, scope=SCOPE).unavailable
    daily = Scope(CALENDAR.parse("2025-12-31"), CALENDAR)
    assert "no quarter or year" in target_tree(bare, scope=daily).unavailable


def test_more_to_win_when_the_target_is_to_be_sure():
    sales, aims = Sales(deals(), None, reps()), Aims(targets())
    found = [
        target_tree(business(), aims, sales, chapters(), scope=SCOPE, options=options)
        for options in (TargetTreeOptions(), TargetTreeOptions(sure_share=0.95))
    ]
    amounts = [f.tables["need"].set_index("step").loc["revenue", "need_mid"] for f in found]
    assert 100 < amounts[0] < amounts[1]
    questions = " ".join(decision.text for decision in found[0].decisions)
    assert "Keep the target of 2026Q1" in questions
    assert all(decision.owner for decision in found[0].decisions)
    assert all(one.due_on >= SCOPE.as_of + timedelta(days=14) for one in found[0].decisions)
    titles = [one.text.replace("\u00a0", " ") for one in found[0].findings]
    assert any(text.startswith("For 80 % certainty of the target of 2026Q1,") for text in titles)
    assert found[0].headline["target"].label == "Company target for 2026Q1"
    assert not any("for margin," in text or "for margin:" in text for text in found[0].unknown)


def test_row_order_changes_nothing():
    def made(order: int) -> Result:
        tables = [t.iloc[::order].reset_index(drop=True) for t in (periods(), days(), targets())]
        own = Business(tables[0], tables[1], kinds(), product_periods().iloc[::order])
        sales = Sales(deals().iloc[::order], None, reps().iloc[::order])
        return target_tree(own, Aims(tables[2]), sales, chapters(), scope=SCOPE)

    first, second = made(1), made(-1)
    assert first.findings == second.findings
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(table, second.tables[name])


@pytest.mark.parametrize("name", ["lever_share", "sure_share", "ramp_months", "leaving_share"])
def test_impossible_options_are_refused(name: str):
    with pytest.raises(SettingsError, match=name):
        TargetTreeOptions(**{name: -1})


def test_leaves_its_input_unchanged():
    own, aims, sales = business(), targets(), Sales(deals(), None, reps())
    target_tree(own, Aims(aims), sales, chapters(), scope=SCOPE)
    pd.testing.assert_frame_equal(own.customer_periods, periods())
    pd.testing.assert_frame_equal(own.product_periods, product_periods())
    pd.testing.assert_frame_equal(aims, targets())
    pd.testing.assert_frame_equal(sales.opportunities, deals())
    pd.testing.assert_frame_equal(sales.reps, reps())


def test_no_decision_is_due_before_leaders_could_have_read_of_it():
    for scope in (SCOPE, YEAR):
        first = scope.next_period.starts_on
        assert scope.due_by(first) == scope.as_of + timedelta(days=14) > first
    late = date(2026, 3, 31)
    assert SCOPE.due_by(late) == late


def test_the_mean_of_the_pipeline_is_told_and_its_middle_kept_for_the_chance():
    row = {"period": "2026Q1", "layer": "together", "forecast_amount": 65.3, "median_amount": 63.5}
    layers = pd.DataFrame([row | {"forecast_low_amount": 40.0, "forecast_high_amount": 95.0}])
    known = Chapters({"sales/pipeline_forecast": result("p", tables={"layers": layers})})
    found = known.pipeline("2026Q1")
    assert (found["mean"], found["middle"]) == (65.3, 63.5)
