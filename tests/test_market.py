"""The market: ranges carried through, impossible markets refused, the ceiling, two lists."""

import re
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.periods import FiscalCalendar
from analysis.core.problems import SettingsError
from analysis.core.scope import Scope
from analysis.strategy.market import MarketOptions, OwnBusiness, market
from analysis.strategy.market_capture import capture_table, chapman
from analysis.strategy.market_potential import known_estimates, simulate_potential
from analysis.strategy.market_share import attraction_shares, target_share, usual_growth

CALENDAR = FiscalCalendar()
SCOPE = Scope(CALENDAR.parse("2025Q4"), CALENDAR)
OPTIONS = MarketOptions()


def estimates(**changes: object) -> pd.DataFrame:
    """Two regions with two categories each; East is small."""
    table = pd.DataFrame(
        {
            "region_id": ["N", "N", "E", "E"],
            "product_category": ["tools", "wear", "tools", "wear"],
            "period": "2025",
            "known_on": pd.Timestamp("2025-02-01"),
            "organisation_count": [1000, 1000, 50, 50],
            "regular_low_count": [400.0, 150.0, 20.0, 8.0],
            "regular_mid_count": [500.0, 200.0, 25.0, 10.0],
            "regular_high_count": [600.0, 250.0, 30.0, 12.0],
            "spend_low_amount": 800.0,
            "spend_mid_amount": 1000.0,
            "spend_high_amount": 1250.0,
            "competitor_count": [9, 9, 2, 2],
            "source": "survey",
        }
    )
    return table.assign(**changes)


def own(north: int = 60, east: int = 5) -> OwnBusiness:
    """Customers who bought for 1,000 each in the year."""
    ids = [f"n{i}" for i in range(north)] + [f"e{i}" for i in range(east)]
    customers = pd.DataFrame({"customer_id": ids, "region_id": ["N"] * north + ["E"] * east})
    features = pd.DataFrame({"customer_id": ids, "order_day_year_count": 3})
    return OwnBusiness(customers, features.assign(revenue_year_amount=1000.0))


def test_regions_sum_to_the_company_in_every_draw():
    potential = simulate_potential(estimates(), 500, 0)
    regions = potential.by("region_id")
    categories = potential.by("product_category")
    for part in (0, 1):
        total = regions["N"][part] + regions["E"][part]
        assert total == pytest.approx(regions[""][part])
    assert categories["tools"][1] + categories["wear"][1] == pytest.approx(categories[""][1])


def test_a_product_of_ranges_is_wider_than_either_and_its_middle_is_the_product():
    potential = simulate_potential(estimates(), 20_000, 0)
    low, mid, high = np.quantile(potential.amount[0], [0.1, 0.5, 0.9])
    assert mid == pytest.approx(500_000, rel=0.02)
    assert high / mid > 1250 / 1000
    assert low / mid < 800 / 1000


def test_points_of_the_survey_come_back_as_quantiles():
    potential = simulate_potential(estimates(), 40_000, 0)
    found = np.quantile(potential.customers[0], [0.1, 0.5, 0.9])
    assert found == pytest.approx([400, 500, 600], rel=0.02)


def test_regular_buyers_never_exceed_the_organisations_that_there_are():
    tight = estimates(regular_high_count=5000.0, organisation_count=520)
    assert simulate_potential(tight, 2000, 0).customers.max() <= 520


def test_an_estimate_without_a_range_is_taken_as_it_stands():
    plain = estimates(regular_low_count=np.nan, spend_low_amount=np.nan, spend_high_amount=np.nan)
    plain = plain.assign(regular_high_count=np.nan)
    assert np.ptp(simulate_potential(plain, 500, 0).amount[0]) == 0


def test_only_what_was_known_counts_and_of_that_the_latest():
    later = estimates(known_on=pd.Timestamp("2026-02-01"), regular_mid_count=999.0)
    older = estimates(known_on=pd.Timestamp("2024-02-01"), regular_mid_count=1.0)
    found = known_estimates(pd.concat([later, older, estimates()]), pd.Timestamp("2025-12-31"))
    assert found["regular_mid_count"].tolist() == [25.0, 10.0, 500.0, 200.0]


def test_a_market_smaller_than_our_own_list_is_refused_with_the_numbers():
    found = market(estimates(), own(east=51), scope=SCOPE)
    assert found.tables["refused"].to_dict("records") == [
        {"region_id": "E", "customer_count": 51, "stated_count": 50}
    ]
    assert found.tables["regions"]["region_id"].tolist() == ["N"]
    assert any("51 customers of ours, market of 50" in f.detail for f in found.findings)
    assert any("Who mends the estimates of E" in d.text for d in found.decisions)


def test_when_every_market_is_impossible_nothing_is_said_of_it():
    found = market(estimates(), own(north=1001, east=51), scope=SCOPE)
    assert "none can be right" in found.unavailable


def test_penetration_is_our_revenue_over_the_market_and_never_above_one():
    table = market(estimates(), own(), scope=SCOPE).tables["regions"].set_index("region_id")
    middle = table.loc["N", "potential_mid_amount"]
    assert table.loc["N", "penetration_mid_share"] == pytest.approx(60_000 / middle, rel=0.01)
    rich = own()
    rich = OwnBusiness(rich.customers, rich.customer_features.assign(revenue_year_amount=1e7))
    table = market(estimates(), rich, scope=SCOPE).tables["regions"]
    assert (table["penetration_high_share"] <= 1).all()
    assert (table["untapped_low_amount"] >= 0).all()


def test_in_a_crowded_market_of_1000_the_target_is_50_to_100_customers():
    for competitors in (5, 9):
        found = target_share(0.01, competitors, 0.01, OPTIONS)
        assert found.is_crowded
        assert found.is_ceiling_binding
        assert 50 <= round(1000 * found.low) <= round(1000 * found.high) <= 100


def test_where_a_fair_share_is_below_the_ceiling_it_is_the_target():
    found = target_share(0.01, 30, 0.01, OPTIONS)
    assert found.mid == pytest.approx(1 / 31, rel=0.05)
    assert not found.is_ceiling_binding


def test_a_share_above_the_rule_is_reported_and_never_cut():
    found = target_share(0.3, 10, 0.01, OPTIONS)
    assert found.is_above_rule
    assert (found.low, found.mid, found.high) == (0.3, 0.3, 0.3)
    assert found.years == 0


@given(st.integers(0, 30), st.integers(0, 30), st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_more_competitors_never_raise_the_target_and_it_never_falls_below_what_is_ours(
    fewer: int, more: int, present: float
):
    few, many = sorted((fewer, more))
    first, second = (target_share(present, n, 0.01, MarketOptions(draws=200)) for n in (few, many))
    assert second.mid <= first.mid + 1e-12
    assert first.low >= present - 1e-12


def test_years_needed_follow_the_fastest_usual_growth():
    found = target_share(0.05, 3, 0.02, OPTIONS)
    assert found.years == np.ceil((found.mid - 0.05) / 0.02)
    assert np.isnan(target_share(0.05, 3, float("nan"), OPTIONS).years)
    assert np.isnan(target_share(0.05, 3, -0.01, OPTIONS).years)
    assert usual_growth(np.array([0.1, 0.12, 0.13])) == pytest.approx(0.018)
    assert np.isnan(usual_growth(np.array([0.1])))


def test_known_competitors_share_by_attraction():
    assert attraction_shares(1.0, np.array([1.0, 2.0])) == 0.25
    assert attraction_shares(0.0, np.array([])) == 0.0
    found = target_share(0.01, 99, 0.01, OPTIONS, attractions=(1.0, 2.0))
    assert not found.is_crowded
    assert found.mid == pytest.approx(0.25, abs=0.02)


def test_two_lists_recover_the_number_at_the_stated_rate():
    draw = np.random.default_rng(0)
    held, estimates_ = 0, []
    for _ in range(400):
        first, second = draw.random(600) < 0.32, draw.random(600) < 0.26
        both = int((first & second).sum())
        found, low, high = chapman(int(first.sum()), int(second.sum()), both)
        held += low <= 600 <= high
        estimates_.append(found)
    assert 0.75 <= held / 400 <= 0.86
    assert np.mean(estimates_) == pytest.approx(600, rel=0.01)


def test_one_list_or_a_later_one_tells_nothing():
    listings = pd.DataFrame(
        {
            "list_name": ["a", "a", "b"],
            "organisation_id": ["1", "2", "1"],
            "region_id": "N",
            "listed_on": pd.to_datetime(["2025-01-01", "2025-01-01", "2026-01-01"]),
        }
    )
    assert capture_table(listings, pd.Timestamp("2025-12-31")).empty
    table = capture_table(listings, pd.Timestamp("2026-12-31"))
    assert table[["first_count", "second_count", "both_count"]].to_numpy().tolist() == [[2, 1, 1]]


def test_without_outside_numbers_the_chapter_says_what_to_provide():
    for nothing in (None, estimates(known_on=pd.Timestamp("2026-06-01"))):
        found = market(nothing, own(), scope=SCOPE)
        assert "A table market_potential gives it" in found.unavailable


def test_growth_of_share_gives_years_from_our_own_past():
    periods = [f"{year}Q{q}" for year in (2023, 2024, 2025) for q in (1, 2, 3, 4)]
    gains = {"2023": 20.0, "2024": 60.0, "2025": 100.0}
    rows = pd.DataFrame({"customer_id": "e0", "period": periods})
    rows = rows.assign(revenue_amount=[gains[p[:4]] * 10 for p in periods])
    mine = own()
    mine = OwnBusiness(mine.customers, mine.customer_features, rows)
    table = market(estimates(), mine, scope=SCOPE).tables["regions"].set_index("region_id")
    assert 0 < table.loc["E", "years"] <= 25


def test_impossible_options_are_refused():
    with pytest.raises(SettingsError, match="the first not above the second"):
        MarketOptions(ceiling_low_share=0.2, ceiling_high_share=0.1)


def test_leaves_its_input_unchanged_and_row_order_changes_nothing():
    table, mine = estimates(), own()
    first = market(table, mine, scope=SCOPE)
    pd.testing.assert_frame_equal(table, estimates())
    mixed = estimates().sample(frac=1, random_state=3)
    second = market(mixed, mine, scope=SCOPE)
    for name, found in first.tables.items():
        pd.testing.assert_frame_equal(found, second.tables[name])
    assert first.as_of == date(2025, 12, 31)


@pytest.mark.public_data
def test_the_guide_makes_a_usable_market_of_us_counties(public_data, tmp_path, monkeypatch):
    guide = (Path(__file__).parents[1] / "docs" / "market.md").read_text(encoding="utf-8")
    block = re.search(r"```python\n(.*?)```", guide, re.DOTALL).group(1)
    shutil.copy(public_data("us_county_market") / "us_county_market.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "docs/market.md", "exec"), {})
    made = pd.read_csv("market_potential.csv", parse_dates=["known_on"])
    assert len(made) == 51
    assert made["organisation_count"].sum() == 7_424_960
    ids = [f"c{n}" for n in range(300)]
    customers = pd.DataFrame({"customer_id": ids, "region_id": ["Texas"] * 200 + ["Ohio"] * 100})
    features = pd.DataFrame({"customer_id": ids, "order_day_year_count": 2})
    mine = OwnBusiness(customers, features.assign(revenue_year_amount=900.0))
    table = market(made, mine, scope=SCOPE).tables["regions"].set_index("region_name")
    assert table.loc["Texas", "customer_count"] == 200
    assert 0 < table.loc["Texas", "penetration_mid_share"] < 0.02
    assert table.loc["California", "untapped_mid_amount"] == table["untapped_mid_amount"].max()
