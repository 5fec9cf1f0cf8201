"""The funnel: worked examples, identities, recovery of a planted truth, few false alarms."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from sales_examples import CALENDAR, END, SCOPE, department, equal_deals

from analysis.core.problems import SettingsError
from analysis.core.scope import Scope
from analysis.core.statistics import false_discovery_levels, power_to_tell, wilson_interval
from analysis.sales.funnel import FunnelOptions, Tables, funnel
from analysis.sales.funnel_cohort import cohort_of, win_incidence
from analysis.sales.funnel_mix import compare_groups, mix_table
from analysis.sales.funnel_sellers import BELOW, seller_stage_table, seller_table
from analysis.sales.funnel_stages import leak_table, path_table, stage_table

OPTIONS = FunnelOptions()


def closed_company(seed: int = 0, shares: tuple[float, ...] = (0.6, 0.7, 0.5)) -> Tables:
    """Three sellers, 900 deals, all over long ago."""
    deals = equal_deals(3, 300, seed, days=300)
    deals = deals.assign(created_at=deals["created_at"] - pd.Timedelta(days=300))
    chances = np.tile(shares, (len(deals), 1))
    return Tables(**department(deals, chances, stage_days=5, seed=seed))


def cases(rows: list[tuple[str, str, int, int]]) -> pd.DataFrame:
    """(seller, channel, deals, won) as one row per deal."""
    parts = [
        pd.DataFrame(
            {"rep_id": rep, "channel": channel, "is_won": [True] * won + [False] * (n - won)}
        )
        for rep, channel, n, won in rows
    ]
    return pd.concat(parts, ignore_index=True).assign(product_category="all")


# The worked example: 80 inbound at 30 % and 20 cold at 5 %, against 20 and 80.
UNEQUAL = cases(
    [("A", "in", 80, 24), ("A", "cold", 20, 1), ("B", "in", 20, 6), ("B", "cold", 80, 4)]
)


def test_equal_sellers_with_unequal_leads_have_equal_standardised_rates():
    table = compare_groups(UNEQUAL, "rep_id", "is_won").set_index("rep_id")
    assert table["raw_share"].tolist() == [0.25, 0.10]
    assert table["standardised_share"].tolist() == pytest.approx([0.175, 0.175])
    assert table["method"].tolist() == ["direct", "direct"]
    assert (table["p_value"] > 0.5).all()


def test_observed_against_expected_is_one_for_equal_sellers():
    sparse = compare_groups(UNEQUAL, "rep_id", "is_won", least_cell=1000).set_index("rep_id")
    assert sparse["method"].tolist() == ["expected", "expected"]
    ratio = sparse["raw_share"] / sparse["expected_share"]
    assert ratio.tolist() == pytest.approx([1.0, 1.0], abs=0.01)


def test_nobody_to_compare_is_an_empty_table():
    assert compare_groups(UNEQUAL.head(0), "rep_id", "is_won").empty


def test_the_mix_of_leads_is_found_unequal():
    table = mix_table(UNEQUAL, "rep_id").set_index("attribute")
    assert table.loc["channel", "p_value"] < 1e-10
    assert table.loc["channel", "association"] == pytest.approx(0.6, abs=0.02)
    assert np.isnan(table.loc["product_category", "p_value"])


def test_standardised_equals_raw_when_all_have_the_same_work():
    table = compare_groups(
        cases(
            [("A", "in", 50, 20), ("A", "cold", 50, 5), ("B", "in", 50, 10), ("B", "cold", 50, 5)]
        ),
        "rep_id",
        "is_won",
    )
    assert table["standardised_share"].tolist() == pytest.approx(table["raw_share"].tolist())


def test_one_seller_at_four_times_the_other_and_what_100_leads_can_tell():
    table = compare_groups(cases([("A", "in", 100, 4), ("B", "in", 100, 16)]), "rep_id", "is_won")
    first, second = table["raw_share"]
    assert second / first == 4.0
    low, high = wilson_interval(4, 100, 0.95)
    assert (round(low, 3), round(high, 3)) == (0.016, 0.098)
    low, high = wilson_interval(16, 100, 0.95)
    assert (round(low, 3), round(high, 3)) == (0.101, 0.244)


@pytest.mark.parametrize(
    ("leads", "power"), [(25, 0.10), (50, 0.37), (75, 0.63), (100, 0.77), (150, 0.93)]
)
def test_power_to_tell_16_from_4_per_cent(leads: int, power: float):
    assert power_to_tell(0.04, 0.16, leads) == pytest.approx(power, abs=0.0101)


def test_the_product_of_stages_is_the_overall_conversion_when_all_is_over():
    cohort = cohort_of(closed_company(), SCOPE, FunnelOptions(horizon_days=200))
    table = stage_table(cohort, None)
    overall = (cohort.deals["outcome"] == "won").mean()
    assert table["pass_share"].prod() == pytest.approx(overall)
    assert table["reach_share"].tolist() == pytest.approx(
        table["reached_count"] / len(cohort.deals)
    )


def test_planted_shares_of_passing_lie_in_their_intervals():
    table = stage_table(cohort_of(closed_company(), SCOPE, OPTIONS), None)
    for share, row in zip((0.6, 0.7, 0.5), table.itertuples(), strict=True):
        assert row.pass_low_share - 0.02 < share < row.pass_high_share + 0.02


def test_changes_of_expected_value_sum_to_won_less_expected():
    tables = closed_company()
    cohort = cohort_of(tables, SCOPE, OPTIONS)
    leaks = leak_table(cohort)
    closed = cohort.deals[cohort.deals["outcome"] != "open"]
    won = closed.loc[closed["outcome"] == "won", "value_amount"].sum()
    expected = closed["value_amount"].sum() * (closed["outcome"] == "won").mean()
    assert leaks["change_amount"].sum() == pytest.approx(won - expected, abs=0.01)
    assert (leaks["recoverable_amount"] <= leaks["lost_amount"]).all()
    assert leaks["no_decision_share"].tolist() == [1.0, 1.0, 1.0]


def test_a_seller_who_fails_at_one_stage_is_named_there():
    deals = equal_deals(4, 250, 5)
    chances = np.full((1000, 4), 0.7)
    chances[deals["rep_id"] == "R2", 2] = 0.35
    tables = Tables(**department(deals, chances, stage_days=8, seed=5))
    steps = seller_stage_table(cohort_of(tables, SCOPE, OPTIONS), None, OPTIONS)
    behind = steps[steps["is_behind"]]
    assert list(zip(behind["rep_id"], behind["stage_order"], strict=True)) == [("R2", 3)]
    assert behind["year_amount"].iloc[0] > 0


def test_few_quarters_without_differences_name_anybody():
    named = []
    for seed in range(200):
        deals = equal_deals(3, 60, seed, days=500)
        tables = Tables(**department(deals, np.full((180, 2), 0.6), stage_days=6, seed=1000 + seed))
        cohort = cohort_of(tables, SCOPE, FunnelOptions(horizon_days=60))
        found = compare_groups(cohort.mature, "rep_id", "is_won_in_time")
        named.append((false_discovery_levels(found["p_value"]) <= 0.05).any())
    assert np.mean(named) <= 0.06


def test_work_that_differs_between_equal_sellers_names_nobody():
    named = 0
    for seed in range(20):
        draw = np.random.default_rng(seed)
        deals = equal_deals(3, 200, seed)
        warm = draw.random(600) < deals["rep_id"].map({"R0": 0.8, "R1": 0.5, "R2": 0.2})
        deals = deals.assign(channel=np.where(warm, "warm", "cold"))
        chances = np.repeat(np.where(warm, 0.8, 0.4)[:, None], 2, axis=1)
        tables = Tables(**department(deals, chances, stage_days=6, seed=seed))
        cohort = cohort_of(tables, SCOPE, OPTIONS)
        table = compare_groups(cohort.mature, "rep_id", "is_won_in_time")
        raw = table.set_index("rep_id")["raw_share"]
        assert raw["R0"] > raw["R2"]  # what a plain ranking would have said
        named += (false_discovery_levels(table["p_value"]) <= 0.05).any()
    assert named <= 4


def test_sellers_with_few_deals_get_no_rate():
    deals = pd.concat([equal_deals(2, 100, 1), equal_deals(1, 12, 2).assign(rep_id="new")])
    tables = Tables(**department(deals, np.full((212, 2), 0.6), stage_days=6, seed=1))
    table = seller_table(cohort_of(tables, SCOPE, OPTIONS), None, OPTIONS).set_index("rep_id")
    assert table.loc["new", "verdict"] == "too few deals"
    assert table.loc["new", ["win_share", "standardised_share", "closed_share"]].isna().all()
    assert table.loc["R0", "standardised_share"] > 0


def test_standardised_ranges_hold_the_planted_rate_about_as_often_as_they_claim():
    truth, ends = 0.6**3, ["standardised_low_share", "standardised_high_share"]
    held = []
    for seed in range(40):
        # All is over, so everybody's deals have had their time.
        cohort = cohort_of(
            closed_company(seed, (0.6, 0.6, 0.6)), SCOPE, FunnelOptions(365 * 3, 200)
        )
        found = compare_groups(cohort.mature, "rep_id", "is_won_in_time")
        held += [low <= truth <= high for low, high in found[ends].to_numpy()]
    assert 0.7 <= np.mean(held) <= 0.9


def test_paths_tell_skips_and_returns():
    table = path_table(cohort_of(closed_company(), SCOPE, OPTIONS))
    assert table["deal_share"].sum() == pytest.approx(1.0)
    assert not table["has_skip"].any()
    assert not table["has_return"].any()
    assert table["path"].iloc[0] == "Stage 1 > Lost"


def test_filters_keep_one_channel():
    deals = equal_deals(3, 100, 3).assign(channel=["web", "fair"] * 150)
    tables = Tables(**department(deals, np.full((300, 2), 0.6), stage_days=6, seed=3))
    found = funnel(tables, scope=SCOPE, options=FunnelOptions(channel="fair"))
    assert found.headline["deals"].value == 150


def test_without_stage_events_whole_deals_are_still_told():
    full = closed_company()
    found = funnel(Tables(full.opportunities), scope=SCOPE)
    assert found.unavailable == ""
    whole = funnel(full, scope=SCOPE)
    for name in ("stages", "seller_stages", "leaks", "paths"):
        empty, filled = found.tables[name], whole.tables[name]
        assert empty.empty
        assert empty.columns.tolist() == filled.columns.tolist()
    assert 0.15 < found.headline["won_share"].value < 0.25
    assert any("no history of stages" in caveat for caveat in found.caveats)


def test_without_owners_nobody_is_compared_and_a_machine_never_is():
    full = closed_company()
    deals = full.opportunities.assign(rep_id=pd.Series(None, index=full.opportunities.index))
    found = funnel(Tables(deals.astype({"rep_id": "str"})), scope=SCOPE).tables["sellers"]
    assert found.empty
    named = funnel(full, scope=SCOPE).tables["sellers"]
    assert found.columns.tolist() == named.columns.tolist()
    machine = named["rep_id"].iloc[0]
    ids = full.opportunities["rep_id"].replace({machine: "112 (automatic)"})
    marked = funnel(Tables(full.opportunities.assign(rep_id=ids)), scope=SCOPE).tables["sellers"]
    assert set(marked["rep_id"]) == set(named["rep_id"]) - {machine}


def test_too_few_deals_give_a_sentence():
    full = closed_company()
    found = funnel(Tables(full.opportunities.head(5)), scope=SCOPE)
    assert (
        found.unavailable == "5 deals were opened: too few to say how they come through the funnel."
    )


def test_nothing_known_later_changes_what_was_said():
    tables = closed_company()
    early = Scope(CALENDAR.parse("2025Q1"), CALENDAR)
    cut = pd.Timestamp("2025-04-01")
    known = Tables(
        tables.opportunities[tables.opportunities["created_at"] < cut],
        tables.stage_events[tables.stage_events["entered_at"] < cut],
        tables.stages,
    )
    whole, part = funnel(tables, scope=early), funnel(known, scope=early)
    for name, table in whole.tables.items():
        pd.testing.assert_frame_equal(table, part.tables[name])


def test_row_order_changes_nothing():
    tables = closed_company()
    shuffled = Tables(
        tables.opportunities.sample(frac=1, random_state=1),
        tables.stage_events.sample(frac=1, random_state=2),
        tables.stages,
    )
    first, second = funnel(tables, scope=SCOPE), funnel(shuffled, scope=SCOPE)
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(table, second.tables[name])
    assert first.headline == second.headline


def test_a_weak_seller_is_a_finding_with_a_decision():
    deals = equal_deals(4, 300, 7)
    chances = np.full((1200, 3), 0.7)
    chances[deals["rep_id"] == "R1"] = 0.4
    found = funnel(Tables(**department(deals, chances, stage_days=6, seed=7)), scope=SCOPE)
    assert found.tables["sellers"].set_index("rep_id").loc["R1", "verdict"] == BELOW
    assert any("R1" in finding.detail for finding in found.findings)
    assert found.decisions[0].text.startswith("Coach R1 in Stage")


def test_who_is_told_from_chance_gets_a_decision_with_owner_and_day_unless_new():
    made = closed_company()
    deals, draw = made.opportunities, np.random.default_rng(3)
    is_hit = (deals["rep_id"] == "R1") & (draw.random(len(deals)) < 0.75)
    deals = deals[~(is_hit & deals["is_won"])]
    reps = pd.DataFrame({"rep_id": ["R1"], "rep_name": "Finn", "leader_rep_id": "boss"})
    reps = reps.assign(hired_on=pd.Timestamp("2020-01-01"))
    asked = funnel(Tables(deals, reps=reps), scope=SCOPE).decisions
    assert asked[0].text.startswith("Who works with Finn, who wins ")
    assert asked[0].owner == "boss"
    assert asked[0].due_on == SCOPE.as_of + timedelta(days=14)
    new = reps.assign(hired_on=pd.Timestamp(SCOPE.as_of) - pd.Timedelta(days=60))
    assert not funnel(Tables(deals, reps=new), scope=SCOPE).decisions


def test_impossible_options_are_refused_together():
    with pytest.raises(SettingsError, match=r"cohort_days(.|\n)*least_shown"):
        FunnelOptions(cohort_days=5, least_shown=0)


def test_leaves_its_input_unchanged():
    tables, again = closed_company(), closed_company()
    funnel(tables, scope=SCOPE)
    pd.testing.assert_frame_equal(tables.opportunities, again.opportunities)
    pd.testing.assert_frame_equal(tables.stage_events, again.stage_events)
    assert END.year == 2026


def slow_winners(seed: int, count: int = 6000) -> tuple[Tables, pd.DataFrame]:
    """Deals of two years, 14 in 100 won within a year: losses come soon, wins take half a year."""
    draw = np.random.default_rng(seed)
    is_won = draw.random(count) < 0.145
    days = np.where(is_won, draw.gamma(4, 45, count), draw.gamma(2, 60, count))
    created = END - draw.uniform(0, 730, count) * pd.Timedelta(days=1).to_timedelta64()
    deals = pd.DataFrame({"created_at": created}).assign(
        opportunity_id=[f"D{n:05d}" for n in range(count)],
        customer_id="C",
        rep_id="R0",
        pipeline_id="main",
        product_id="P",
        channel="web",
        deal_type="new",
        selling_model="transactional",
        stage_id="S1",
        is_closed=True,
        is_won=is_won,
        closed_at=created + days * pd.Timedelta(days=1).to_timedelta64(),
        lost_reason=None,
        value_amount=1000.0,
        expected_close_on=END,
    )
    return Tables(deals), deals.assign(is_won_in_a_year=is_won & (days <= 365))


def test_deals_of_the_last_120_days_mislead_a_plain_count_and_not_the_funnel():
    options = FunnelOptions(horizon_days=365)
    found, truth = [], []
    for seed in range(4):
        tables, planted = slow_winners(seed)
        deals = cohort_of(tables, SCOPE, options).deals
        young = deals[deals["created_at"] >= END - pd.Timedelta(days=120)]
        won, closed = (young["outcome"] == "won").sum(), (young["outcome"] != "open").sum()
        true_young = planted.loc[planted["created_at"] >= young["created_at"].min()]
        true_share = true_young["is_won_in_a_year"].mean()
        assert 0.12 < true_share < 0.16
        assert won / len(young) <= 0.05 < true_share / 2  # counted of all created
        assert won / closed < true_share / 2  # counted of won and lost
        found.append(win_incidence(deals).at(365, "won"))
        truth.append(planted["is_won_in_a_year"].mean())
    told = funnel(tables, scope=SCOPE, options=options).headline["won_share"].value
    assert told == found[-1]
    assert np.mean(truth) == pytest.approx(0.14, abs=0.005)
    assert np.mean(found) == pytest.approx(np.mean(truth), abs=0.005)


def test_what_comes_into_a_stage_has_passed_is_lost_or_is_still_there():
    deals = equal_deals(3, 100, 6, days=200)
    tables = Tables(**department(deals, np.full((300, 3), 0.7), stage_days=20, seed=6))
    table = stage_table(cohort_of(tables, SCOPE, OPTIONS), tables.stages)
    out = table["passed_count"] + table["lost_count"] + table["open_count"]
    assert table["reached_count"].tolist() == out.tolist()
    assert table["reached_count"].tolist()[1:] == table["passed_count"].tolist()[:-1]
    assert table["open_count"].min() > 0
