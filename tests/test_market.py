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
from analysis.sources.simulated import SimulationOptions, simulate
from analysis.strategy.market import MarketOptions, Outside, OwnBusiness, market
from analysis.strategy.market_capture import capture_table, chapman
from analysis.strategy.market_potential import (
    known_estimates,
    shrink_regulars,
    simulate_potential,
)
from analysis.strategy.market_rivals import known_rivals, strengths
from analysis.strategy.market_share import attraction_shares, target_share, usual_growth

CALENDAR = FiscalCalendar()
SCOPE = Scope(CALENDAR.parse("2025Q4"), CALENDAR)
AS_OF = pd.Timestamp("2025-12-31")
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


def test_one_survey_for_all_regions_errs_in_all_of_them_together():
    alone = simulate_potential(estimates(asked_count=60), 4000, 0)
    together = simulate_potential(estimates(), 4000, 0)
    assert np.corrcoef(alone.customers[0], alone.customers[2])[0, 1] == pytest.approx(0, abs=0.06)
    assert np.corrcoef(together.customers[0], together.customers[2])[0, 1] > 0.99
    own_source = estimates(source=["a", "a", "b", "b"])
    apart = simulate_potential(own_source, 4000, 0).customers
    assert np.corrcoef(apart[0], apart[2])[0, 1] == pytest.approx(0, abs=0.06)


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
    assert any("Who mends the outside numbers of E" in d.text for d in found.decisions)
    assert all(d.owner and d.due_on for d in found.decisions)


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


def test_the_chapter_aims_at_50_to_100_of_1000_buyers_where_the_market_is_crowded():
    stated = estimates(product_category="tools").drop_duplicates(["region_id", "product_category"])
    stated = stated.assign(
        organisation_count=2000,
        regular_low_count=999.0,
        regular_mid_count=1000.0,
        regular_high_count=1001.0,
    )
    table = market(stated, own(north=0), scope=SCOPE).tables["regions"].set_index("region_id")
    row = table.loc["N"]
    assert row["is_crowded"]
    assert 50 <= row["target_low_customer_count"] <= row["target_high_customer_count"] <= 100
    # With customers of ours it is so many as bring the target at what they bring now.
    east = table.loc["E"]
    each = east["revenue_year_amount"] / east["customer_count"]
    assert east["target_mid_customer_count"] == pytest.approx(east["target_mid_amount"] / each)


def stated(spend: tuple[float, float, float], region: str = "N", buyers: float = 500.0):
    """One row of the market with exact buyers."""
    names = [f"spend_{part}_amount" for part in ("low", "mid", "high")]
    counts = {f"regular_{part}_count": buyers for part in ("low", "mid", "high")}
    row = estimates(**counts, **dict(zip(names, spend, strict=True))).iloc[[0]]
    return row.assign(region_id=region)


def test_what_is_not_known_of_the_market_is_not_known_of_its_target():
    exact, vague = (
        market(stated(spend), own(), scope=SCOPE).tables["regions"].iloc[0]
        for spend in ((4000.0, 4000.0, 4000.0), (730.0, 4000.0, 21_900.0))
    )
    assert vague["target_mid_share"] == exact["target_mid_share"]
    for kind in ("amount", "customer_count"):
        width = [row[f"target_high_{kind}"] / row[f"target_low_{kind}"] for row in (exact, vague)]
        assert width[0] < 2
        assert width[1] > 5
    # What is ours stays ours, however small the market may be.
    assert vague["target_low_amount"] >= vague["revenue_year_amount"]


def test_buyers_to_win_where_nobody_is_ours_do_not_hang_on_what_they_spend():
    east, rows = stated((1.0, 1.0, 1.0), "E"), []
    for spend in ((1000.0, 1000.0, 1000.0), (100.0, 1000.0, 10_000.0)):
        both = pd.concat([stated(spend, buyers=1000.0), east])
        rows.append(market(both, own(north=0), scope=SCOPE).tables["regions"].iloc[0])
    assert [row["region_id"] for row in rows] == ["N", "N"]
    for part in ("low", "mid", "high"):
        count = [row[f"target_{part}_customer_count"] for row in rows]
        assert count[1] == pytest.approx(count[0])


def test_the_target_and_the_market_do_not_share_their_luck():
    aim = target_share(0.0, 9, 0.01, OPTIONS).aim
    known = target_share(
        0.0, 3, 0.01, OPTIONS, strengths(known_rivals(rivals(), AS_OF)[0], 3, OPTIONS)
    )
    for drawn in (aim, known.aim):
        amount = simulate_potential(estimates(), OPTIONS.draws, OPTIONS.seed).amount[0]
        assert np.corrcoef(drawn, amount)[0, 1] == pytest.approx(0, abs=0.06)


def test_what_is_not_ours_is_the_sum_of_the_regions():
    both = pd.concat([stated((100.0,) * 3), stated((200.0,) * 3, "E")])
    found = market(both, own(), scope=SCOPE)
    # N: 50,000 stated, 60,000 ours; E: 100,000 stated, 5,000 ours.
    assert found.tables["regions"]["untapped_mid_amount"].tolist() == [95_000, 0]
    assert found.headline["untapped"].value == 95_000
    assert found.headline["share"].value == pytest.approx(65 / 160)


def test_what_is_not_ours_of_a_category_is_the_sum_of_its_regions():
    both = pd.concat([stated((100.0,) * 3), stated((200.0,) * 3, "E")])
    sold = pd.DataFrame(
        {"customer_id": ["n0"], "product_category": "tools", "sale_year_amount": 60_000.0}
    )
    mine = OwnBusiness(own().customers, own().customer_features, customer_categories=sold)
    tables = market(both, mine, scope=SCOPE).tables
    assert tables["region_categories"]["untapped_mid_amount"].tolist() == [100_000, 0]
    assert tables["categories"]["untapped_mid_amount"].tolist() == [100_000]
    assert tables["categories"]["penetration_mid_share"].iloc[0] == pytest.approx(60 / 160)


def largest_said(first: tuple[float, float, float], second: tuple[float, float, float]) -> str:
    table = pd.concat([stated(first), stated(second, "E")])
    found = market(table, own(north=0, east=1), scope=SCOPE)
    return next(f.text for f in found.findings if "The largest untapped" in f.text)


def test_a_region_is_the_largest_only_where_its_range_lies_above_all_others():
    # 500,000 at least against 450,000 in the middle, but perhaps 600,000.
    assert "may be N" in largest_said((1000, 1200, 1400), (700, 900, 1200))
    assert "is N" in largest_said((1000, 1200, 1400), (700, 800, 900))


def test_the_region_with_the_widest_range_is_named_as_too_close_though_it_is_the_third():
    rows = [stated((1000, 1200, 1400)), stated((890, 900, 910), "E"), stated((100, 800, 5000), "W")]
    found = market(pd.concat(rows), own(north=0, east=1), scope=SCOPE)
    said = next(f for f in found.findings if "The largest untapped" in f.text)
    assert "may be N" in said.text
    assert "W is too close" in said.detail


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
    found = target_share(0.01, 99, 0.01, OPTIONS, np.array([[1.0], [1.0], [2.0]]))
    assert not found.is_crowded
    assert found.mid == pytest.approx(0.25, abs=0.02)
    assert "strength of known" in found.basis
    equal = attraction_shares(np.ones((4, 1)), OPTIONS)
    assert equal.mean() == pytest.approx(0.25, abs=0.005)
    assert target_share(0.01, 3, 0.01, OPTIONS).basis.endswith("the rule, not an estimate")


def rivals(**changes: object) -> pd.DataFrame:
    """Two companies beside us in N; ours calls on twice as many buyers."""
    table = pd.DataFrame(
        {
            "region_id": "N",
            "competitor": ["we", "one", "two"],
            "known_on": pd.Timestamp("2025-06-01"),
            "is_own": [True, False, False],
            "coverage_share": [0.8, 0.4, 0.4],
            "price_index": 1.0,
            "reps_count": 3.0,
            "source": "sales people",
        }
    )
    return table.assign(**changes)


def test_strength_is_log_linear_in_coverage_prices_and_people_with_ranged_elasticities():
    exact = MarketOptions(
        coverage_elasticity_low=1, coverage_elasticity_high=1, draws=200, luck_strength=1000
    )
    rows, wrong = known_rivals(rivals(), pd.Timestamp("2025-12-31"))
    assert wrong.empty
    drawn = strengths(rows, 2, exact)
    assert drawn[0] / drawn[1] == pytest.approx(np.full(200, 2.0))
    assert attraction_shares(drawn, exact).mean() == pytest.approx(0.5, abs=0.01)
    # Twice the coverage is worth 2 to the power of the elasticity, which is a range.
    wide = strengths(rows, 2, OPTIONS)
    assert np.quantile(wide[0] / wide[1], [0.1, 0.9]) == pytest.approx([2**0.5, 2**1.3], rel=0.03)
    dear, _ = known_rivals(rivals(price_index=[1.2, 1.0, 1.0]), pd.Timestamp("2025-12-31"))
    many, _ = known_rivals(rivals(reps_count=[9.0, 3.0, 3.0]), pd.Timestamp("2025-12-31"))
    plain = attraction_shares(wide, OPTIONS).mean()
    assert attraction_shares(strengths(dear, 2, OPTIONS), OPTIONS).mean() < plain
    assert attraction_shares(strengths(many, 2, OPTIONS), OPTIONS).mean() > plain


def test_what_is_not_known_of_a_competitor_counts_as_average_and_the_unnamed_are_added():
    blank = rivals(coverage_share=np.nan, price_index=np.nan, reps_count=np.nan)
    rows, _ = known_rivals(blank, pd.Timestamp("2025-12-31"))
    assert (strengths(rows, 2, OPTIONS) == 1).all()
    assert strengths(rows, 9, OPTIONS).shape == (10, OPTIONS.draws)
    sites, _ = known_rivals(blank.assign(site_count=[8, 4, 4]), pd.Timestamp("2025-12-31"))
    drawn = strengths(sites, 2, OPTIONS)
    assert (drawn[0] > drawn[1]).mean() > 0.98
    assert known_rivals(rivals(), pd.Timestamp("2025-01-01"))[0].empty


def test_the_chapter_takes_the_strength_of_competitors_where_it_is_known():
    outside = Outside(market_competitors=rivals())
    found = market(estimates(), own(), outside, scope=SCOPE)
    table = found.tables["regions"].set_index("region_id")
    # The estimates count 9 competitors, of whom two are named: crowded, held to the ceiling.
    assert "strength" in table.loc["N", "basis"]
    assert table.loc["N", "competitor_count"] == 9
    assert "rule, not an estimate" in table.loc["E", "basis"]
    assert any("1 of 2 regions the target share is the rule" in f.text for f in found.findings)


def test_a_market_without_a_number_of_competitors_has_no_target():
    found = market(estimates(competitor_count=pd.NA), own(), scope=SCOPE)
    assert found.tables["regions"]["target_mid_share"].isna().all()
    assert any("no target" in f.text for f in found.findings)
    assert not any("Aim at" in d.text for d in found.decisions)


def test_a_market_is_full_by_competitors_or_by_known_shares_none_of_which_is_large():
    many = MarketOptions(crowded_competitors=50)
    assert not target_share(0.01, 9, 0.01, many).is_crowded
    assert target_share(0.01, 9, 0.01, many, np.ones((10, 1))).is_crowded
    assert not target_share(0.01, 3, 0.01, many, np.array([[1.0], [9.0], [1.0]])).is_crowded


def test_the_reachable_share_is_what_usual_growth_brings_in_the_planning_years():
    found = target_share(0.05, 3, 0.02, OPTIONS)
    assert found.reachable == pytest.approx(0.05 + 3 * 0.02)
    near = target_share(0.05, 3, 0.2, OPTIONS)
    assert near.reachable == near.mid
    assert np.isnan(target_share(0.05, 3, float("nan"), OPTIONS).reachable)


def test_two_lists_recover_the_number_at_the_stated_rate():
    draw = np.random.default_rng(0)
    held, estimates_ = 0, []
    for _ in range(500):
        first, second = draw.random(600) < 0.32, draw.random(600) < 0.26
        both = int((first & second).sum())
        found, low, high = chapman(int(first.sum()), int(second.sum()), both)
        held += low <= 600 <= high
        estimates_.append(found)
    assert held / 500 == pytest.approx(0.8, abs=0.045)  # 2.5 binomial deviations
    assert np.mean(estimates_) == pytest.approx(600, rel=0.01)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_the_range_of_two_lists_holds_the_estimate_and_is_never_below_those_seen(
    first: int, second: int, both: int
):
    both = min(first, second, both)
    found, low, high = chapman(first, second, both)
    assert first + second - both <= low <= found <= high


@pytest.mark.parametrize("counts", [(50, 0, 0), (0, 50, 0), (0, 0, 0)])
def test_a_list_with_nobody_tells_no_number(counts: tuple[int, int, int]):
    assert np.isnan(chapman(*counts)).all()


def test_a_region_that_one_list_does_not_cover_is_not_judged():
    ids = [f"o{n}" for n in range(40)]
    lists = {("a", "N"): ids[:30], ("b", "N"): ids[10:], ("a", "E"): ["e1", "e2", "e3"]}
    listings = pd.concat(
        pd.DataFrame({"list_name": name, "region_id": region, "organisation_id": rows})
        for (name, region), rows in lists.items()
    )
    listings = listings.assign(listed_on=pd.Timestamp("2025-01-01"), customer_id=pd.NA)
    found = market(estimates(), own(), Outside(market_listings=listings), scope=SCOPE)
    check = found.tables["cross_check"].set_index("region_id")
    assert pd.isna(check.loc["E", "is_agreed"])
    assert pd.isna(check.loc["E", "two_lists_count"])
    assert not check.loc["N", "is_agreed"]
    said = next(f for f in found.findings if "Two outside lists" in f.text)
    assert "in 0 of 1 regions" in said.text
    assert "the estimates say 1,000" in said.detail
    alone = Outside(market_listings=listings[listings["region_id"] == "E"])
    texts = [f.text for f in market(estimates(), own(), alone, scope=SCOPE).findings]
    assert not any("Two outside lists" in text for text in texts)


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


def simulated_market(seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The chapter's cross check and competitors of one simulated company, and the truth."""
    made = simulate(SimulationOptions(customers=250, quarters=4, seed=seed, has_sales=False))
    tables = made.tables
    features = pd.DataFrame({"customer_id": tables["customers"]["customer_id"]})
    features = features.assign(order_day_year_count=1, revenue_year_amount=1.0)
    names = ("regions", "market_listings", "market_competitors")
    stated = tables["market_potential"].drop(columns="asked_count")
    stated = stated[stated["product_category"] == "Fasteners"]
    found = market(
        stated.assign(organisation_count=10**6),
        OwnBusiness(tables["customers"], features),
        Outside(*(tables[name] for name in names)),
        scope=Scope(CALENDAR.parse("2024Q2"), CALENDAR),
        options=MarketOptions(draws=200),
    )
    truth = made.truth["market"].merge(made.truth["attraction"], on="region_id", how="left")
    return found.tables["cross_check"], found.tables["competitors"], truth


def test_the_chapter_finds_the_simulated_markets_at_the_stated_rate():
    """Number of organisations by two lists, and our share of all strength, over several seeds."""
    by_lists, by_own, by_strength = [], [], []
    for seed in range(8):
        check, companies, truth = simulated_market(seed)
        both = check.merge(truth, on="region_id")
        number = both["organisation_count"]
        by_lists += number.between(
            both["two_lists_low_count"], both["two_lists_high_count"]
        ).tolist()
        by_own += number.between(both["own_list_low_count"], both["own_list_high_count"]).tolist()
        known = truth[truth["attraction_share"].notna()]
        for row in known.itertuples():
            drawn = strengths(companies[companies["region_id"] == row.region_id], np.nan, OPTIONS)
            low, high = np.quantile(attraction_shares(drawn, OPTIONS), [0.1, 0.9])
            by_strength.append(low <= row.attraction_share <= high)
    # 64 regions: one binomial deviation is 5 points.
    assert 0.7 <= np.mean(by_lists) <= 0.9
    assert 0.7 <= np.mean(by_own) <= 0.9
    # True elasticities lie inside their ranges and no luck is planted, so it holds more often.
    assert np.mean(by_strength) >= 0.8


def test_few_answers_are_drawn_to_all_regions_and_many_are_believed():
    draw = np.random.default_rng(4)
    asked = np.array([8] * 30 + [4000])
    counted = draw.binomial(asked, 0.3)
    counted[-1] = 2000  # half of the large region, told by many
    table = pd.DataFrame(
        {
            "region_id": [f"R{n:02}" for n in range(31)],
            "product_category": "tools",
            "organisation_count": 1000,
            "regular_mid_count": counted / asked * 1000,
            "regular_low_count": 0.0,
            "regular_high_count": 1000.0,
            "asked_count": asked,
        }
    )
    found = shrink_regulars(table)
    errors = [(t["regular_mid_count"].iloc[:-1] - 300) for t in (table, found)]
    assert (errors[1] ** 2).mean() < 0.5 * (errors[0] ** 2).mean()
    assert found["regular_mid_count"].iloc[-1] == pytest.approx(500, abs=5)
    assert found["stated_mid_count"].equals(table["regular_mid_count"])
    unknown = shrink_regulars(table.drop(columns="asked_count"))
    assert not unknown["is_shrunk"].any()
    assert unknown["regular_mid_count"].equals(table["regular_mid_count"])


def test_our_part_of_each_category_is_ranked_by_what_is_untapped():
    sold = pd.DataFrame(
        {
            "customer_id": ["n0", "n1", "e0"],
            "product_category": ["tools", "wear", "tools"],
            "sale_year_amount": [100_000.0, 150_000.0, 20_000.0],
        }
    )
    mine = OwnBusiness(own().customers, own().customer_features, customer_categories=sold)
    tables = market(estimates(), mine, scope=SCOPE).tables
    pairs = tables["region_categories"]
    assert pairs["untapped_mid_amount"].is_monotonic_decreasing
    north = pairs[(pairs["region_id"] == "N") & (pairs["product_category"] == "tools")].iloc[0]
    assert north["penetration_mid_share"] == pytest.approx(0.2, rel=0.02)
    whole = tables["categories"].set_index("product_category")["sale_year_amount"]
    assert whole.to_dict() == {"tools": 120_000, "wear": 150_000}
    assert pairs["sale_year_amount"].sum() == 270_000
    none = market(estimates(), own(), scope=SCOPE)
    assert any("not known, so no part of a category" in text for text in none.caveats)


def test_without_outside_numbers_the_chapter_says_what_to_provide():
    for nothing in (None, estimates(known_on=pd.Timestamp("2026-06-01"))):
        found = market(nothing, own(), scope=SCOPE)
        assert "A table market_potential gives it" in found.unavailable


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"regular_mid_count": -5.0, "regular_low_count": -9.0}, "below 0"),
        ({"spend_mid_amount": np.nan}, "spend_mid_amount is missing"),
        ({"spend_low_amount": 2000.0}, "do not rise: 2,000, 1,000, 1,250"),
        ({"regular_mid_count": 0.35, "regular_low_count": 0.3}, "a share, where a number"),
        ({"regular_mid_count": 1200.0, "regular_high_count": 1300.0}, "1,200 regular buyers of"),
    ],
)
def test_numbers_that_cannot_be_right_are_left_out_with_the_reason(
    changes: dict[str, float], problem: str
):
    bad = estimates()
    bad.loc[0, list(changes)] = list(changes.values())
    found = market(bad, own(), scope=SCOPE)
    assert problem in found.tables["unusable"]["problem"].iloc[0]
    assert any("One outside number cannot be right" in f.text for f in found.findings)
    # A region with one wrong row is left out whole: else our revenue would meet half a market.
    region = bad.loc[0, "region_id"]
    assert region not in set(found.tables["estimates"]["region_id"])
    assert region not in set(found.tables["regions"]["region_id"])
    assert len(found.tables["estimates"]) == (bad["region_id"] != region).sum()
    everything = market(estimates(**changes).iloc[[0]], own(), scope=SCOPE)
    assert problem in everything.unavailable


def test_unknown_regions_are_named():
    found = market(estimates(region_id=["X", "X", "E", "E"]), own(), scope=SCOPE)
    assert found.tables["regions"]["customer_count"].tolist() == [0, 5]  # no table of regions
    elsewhere = market(estimates(region_id="X"), own(), scope=SCOPE)
    assert "it has X, customers have E, N. Use the same ids" in elsewhere.unavailable
    names = pd.DataFrame({"region_id": ["N", "E"], "region_name": ["North", "East"]})
    strict = market(
        estimates(region_id=["X", "X", "E", "E"]), own(), Outside(regions=names), scope=SCOPE
    )
    assert "no row of regions has this region" in strict.tables["unusable"]["problem"].iloc[0]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"coverage_share": [80.0, 40.0, 40.0]}, "a share is 0 to 1, not per cent"),
        ({"price_index": [95.0, 100.0, 105.0]}, "1 is the usual price, not 100"),
        ({"reps_count": [-1.0, 2.0, 2.0]}, "reps_count of -1 cannot be"),
        ({"is_own": [False, False, False]}, "0 rows say is_own, one row is ours"),
        ({"is_own": [True, True, False]}, "2 rows say is_own"),
    ],
)
def test_competitors_that_cannot_be_right_leave_the_rule_and_are_said(
    changes: dict[str, list], problem: str
):
    outside = Outside(market_competitors=rivals(**changes))
    found = market(estimates(), own(), outside, scope=SCOPE)
    assert problem in found.tables["unusable"]["problem"].iloc[0]
    assert found.tables["regions"]["basis"].str.contains("rule").all()


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
    with pytest.raises(SettingsError, match="price_elasticity_low, price_elasticity_high"):
        MarketOptions(price_elasticity_low=1)


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


def test_leaders_are_asked_about_the_region_where_most_can_be_won_soon():
    periods = [f"{year}Q{q}" for year in (2024, 2025) for q in (1, 2, 3, 4)]
    rows = pd.DataFrame({"customer_id": "e0", "period": periods})
    rows = rows.assign(revenue_amount=[100.0] * 4 + [200.0] * 4)
    mine = OwnBusiness(own().customers, own().customer_features, rows)
    asked = market(estimates(), mine, scope=SCOPE).decisions[0]
    assert asked.text.startswith("Aim at")
    assert "3 years would bring" in asked.text
    assert (
        "how long it takes is not known"
        in market(estimates(), own(), scope=SCOPE).decisions[0].text
    )
