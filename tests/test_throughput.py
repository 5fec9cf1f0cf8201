"""Throughput: worked examples, the rule's false alarms, parts that sum, a simulated queue."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from sales_examples import SCOPE, department, equal_deals

from analysis.core.problems import SettingsError
from analysis.core.shrinkage import shrunk_rates
from analysis.sales.deals import deals_as_of
from analysis.sales.funnel_cohort import Tables
from analysis.sales.presence import full_time_days
from analysis.sales.rep_names import is_person, some_of
from analysis.sales.throughput import ThroughputOptions, throughput
from analysis.sales.throughput_bridge import CAUSES, bridge_table
from analysis.sales.throughput_capacity import (
    Capacity,
    People,
    around_answer,
    capacity,
    headcount_table,
    littles_law,
    open_at_start,
    plain_headcount,
    with_utilisation,
)
from analysis.sales.throughput_norms import (
    benchmark_table,
    is_persistent,
    lasting_share,
    quarters_beyond,
)
from analysis.sales.throughput_rules import (
    against_others,
    alarm_shares,
    deviations,
    poisson_interval,
)


def test_three_sellers_with_20_25_and_21_deals():
    table = deviations([20, 25, 21])
    assert table["count"].sum() == 66
    assert table["average"].tolist() == [22, 22, 22]
    assert (100 * table["deviation_share"]).round(2).tolist() == [-9.09, 13.64, -4.55]
    assert not table["is_beyond"].any()
    assert not (against_others([20, 25, 21], [1, 1, 1])["p_value"] < 0.4).any()


@pytest.mark.parametrize(
    ("count", "low", "high"), [(20, 12.2, 30.9), (25, 16.2, 36.9), (21, 13.0, 32.1)]
)
def test_what_20_25_and_21_deals_can_mean(count: int, low: float, high: float):
    found = poisson_interval(count, 0.95)
    assert [round(end, 1) for end in found] == [low, high]


def test_exactly_the_tolerance_is_not_beyond_it():
    assert deviations([24, 16, 20])["is_beyond"].tolist() == [False, False, False]
    assert deviations([24.2, 15.8, 20])["is_beyond"].tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("mean", "sellers", "named"),
    [
        (22, 3, 0.48),
        (22, 10, 0.97),
        (5, 3, 0.83),
        (50, 3, 0.19),
        (50, 10, 0.75),
        (100, 3, 0.04),
        (100, 10, 0.29),
    ],
)
def test_how_often_the_rule_names_one_of_equal_sellers(mean: int, sellers: int, named: float):
    assert alarm_shares(mean, sellers)[1] == pytest.approx(named, abs=0.012)


def test_a_given_seller_of_three_is_named_in_a_quarter_of_months_and_rarely_with_90_deals():
    assert alarm_shares(22, 3)[0] == pytest.approx(0.25, abs=0.01)
    assert alarm_shares(90, 10)[0] < 0.05


def test_66_deals_need_3_people_and_132_need_6_and_more_with_ramp():
    assert plain_headcount(66, 22) == 3
    assert plain_headcount(132, 22) == 6
    known = People(ended_count=22 * 36.0, full_time_months=36.0, ramp_months=6)
    table = headcount_table(132, known, have=3).set_index("people")["enough_share"]
    assert table[6] < 0.5
    assert table[table >= 0.8].index[0] > 6
    assert table.is_monotonic_increasing


def test_nobody_new_and_nobody_leaving_is_an_even_chance_at_the_plain_number():
    known = People(ended_count=22 * 10_000.0, full_time_months=10_000.0)
    table = headcount_table(66, known, have=3).set_index("people")["enough_share"]
    assert table[3] == pytest.approx(0.5, abs=0.05)


def test_days_present_leave_out_weekends_part_time_joiners_leavers_and_absence():
    reps = pd.DataFrame(
        {
            "rep_id": ["full", "half", "joiner", "leaver", "gone"],
            "hired_on": [None, "2020-01-01", "2025-01-20", "2020-01-01", "2020-01-01"],
            "left_on": [None, None, None, "2025-01-13", "2024-06-01"],
            "fte_share": [None, 0.5, 1.0, 1.0, 1.0],
        }
    ).astype({"hired_on": "datetime64[s]", "left_on": "datetime64[s]"})
    window = (pd.Timestamp("2025-01-06"), pd.Timestamp("2025-02-03"))  # four whole weeks
    assert full_time_days(reps, *window).tolist() == [20, 10, 10, 5, 0]
    assert full_time_days(reps, *window, holidays=("2025-01-06",))["full"] == 19
    days = pd.date_range("2025-01-06", periods=10)
    records = pd.DataFrame({"rep_id": "full", "worked_on": days, "paid_hours": 8.0})
    records = records.assign(category=["absent"] + ["selling"] * 9)
    assert full_time_days(reps, *window, records)["full"] == pytest.approx(18)


def test_littles_law_holds_on_a_steady_queue():
    draw = np.random.default_rng(0)
    created = pd.Timestamp("2024-01-01") + pd.to_timedelta(draw.uniform(0, 800, 8000), unit="D")
    ended = created + pd.to_timedelta(draw.exponential(30, 8000), unit="D")
    deals = pd.DataFrame({"created_at": created, "ended_at": ended})
    found = littles_law(deals, pd.Timestamp("2024-06-01"), pd.Timestamp("2025-12-01"))
    assert found["wip_count"] == pytest.approx(300, rel=0.05)  # 10 a day for 30 days
    assert found["littles_count"] == pytest.approx(found["wip_count"], rel=0.03)


def test_work_that_piles_up_is_more_than_what_comes_out():
    created = pd.to_datetime(["2025-01-01", "2025-01-01", "2025-01-01"])
    ended = pd.to_datetime(["2025-01-11", None, None])
    found = littles_law(
        pd.DataFrame({"created_at": created, "ended_at": ended}),
        created[0],
        created[0] + pd.Timedelta("20D"),
    )
    assert found["wip_count"] == 2.5
    assert found["littles_count"] == 0.5


def test_open_deals_of_the_owner_are_counted_when_a_deal_comes():
    deals = pd.DataFrame(
        {
            "rep_id": ["a", "a", "a", "b"],
            "created_at": pd.to_datetime(["2025-01-01", "2025-01-05", "2025-01-20", "2025-01-05"]),
            "ended_at": pd.to_datetime(["2025-01-10", None, None, None]),
        }
    )
    assert open_at_start(deals).tolist() == [0, 1, 1, 0]


def test_a_planted_capacity_is_found_and_none_is_not():
    draw = np.random.default_rng(1)
    load = draw.integers(0, 30, 4000).astype(float)
    chance = 1 / (1 + np.exp(0.2 + 0.25 * np.maximum(load - 15, 0)))
    found = capacity(load, draw.random(4000) < chance)
    assert found.low <= 15.5
    assert found.high >= 13.5
    assert found.count == pytest.approx(15, abs=3)
    none = capacity(load, draw.random(4000) < 0.4)
    assert none.count is None
    assert "capacity not reached" in none.sentence
    assert capacity(load[:50], np.ones(50)).sentence == "Too few ended deals to tell a capacity."


def test_a_capacity_is_rarely_found_where_there_is_none():
    draw = np.random.default_rng(2)
    found = [
        capacity(draw.integers(0, 30, 600).astype(float), draw.random(600) < 0.4) for _ in range(40)
    ]
    assert sum(one.count is not None for one in found) <= 3


def test_how_busy_sellers_are_is_open_deals_over_capacity_or_is_said_to_be_unknown():
    told = Capacity(20.0, 15.0, 25.0, "Beyond about 20 open deals a seller wins fewer.")
    sellers = pd.DataFrame({"open_count": [10, 20, 30]})
    assert with_utilisation(sellers, told)["utilisation_share"].tolist() == [0.5, 1.0, 1.5]
    found = throughput(company(), scope=SCOPE)
    assert "utilisation_share" not in found.tables["sellers"]  # no column of nothing
    said = next(one for one in found.findings if "capacity" in one.text)
    assert said.detail == (
        "So how busy sellers are, against what they could handle well, cannot be told."
    )


def test_sellers_with_more_open_deals_than_they_can_handle_are_named():
    draw = np.random.default_rng(108)
    deals = equal_deals(2, 600, 8, days=700)
    deals["rep_id"] = np.where(draw.random(len(deals)) < 0.85, "R0", "R1")
    deals = pd.concat([deals, equal_deals(1, 80, 9, days=15)], ignore_index=True)  # R0, of late
    rows = open_at_start(deals.assign(ended_at=deals["created_at"] + pd.Timedelta(days=25)))
    chance = np.where(rows > np.quantile(rows, 0.3), 0.05, 0.6)[:, None]
    tables = Tables(**department(deals, chance, stage_days=25, seed=8))
    found = throughput(tables, scope=SCOPE)
    table = found.tables["sellers"].set_index("rep_id")
    said = next(one for one in found.findings if one.metric == "utilisation_share")
    assert said.text.startswith("Beyond about")
    assert table.loc["R0", "utilisation_share"] > 1 > table.loc["R1", "utilisation_share"]
    assert "more than that: R0" in said.detail
    assert said.value == pytest.approx(table["utilisation_share"].mean())


def deals_of(rows: list[tuple[str, int, int, int, float]]) -> pd.DataFrame:
    """(seller, given, ended, won, value of a won deal) as one row per deal."""
    parts = []
    for rep, given, ended, won, value in rows:
        number = np.arange(max(given, ended))
        parts.append(
            pd.DataFrame(
                {
                    "rep_id": rep,
                    "is_given": number < given,
                    "is_ended": number < ended,
                    "is_won": number < won,
                    "chance": 0.25,
                    "value_amount": value,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def test_parts_of_a_difference_sum_to_it_and_name_the_cause():
    deals = deals_of([("A", 40, 40, 10, 100.0), ("B", 40, 40, 10, 100.0), ("C", 40, 40, 4, 100.0)])
    table = bridge_table(deals, pd.Series({"A": 20.0, "B": 20.0, "C": 20.0}), seed=0)
    mine = table[table["rep_id"] == "C"].set_index("cause")
    assert list(mine.index) == list(CAUSES)
    assert mine["part_amount"].sum() == pytest.approx(400.0 - 1000.0)
    assert mine["difference_amount"].iloc[0] == pytest.approx(-600.0)
    assert mine["part_amount"].idxmin() == "conversion"
    assert mine.loc["conversion", "part_amount"] == pytest.approx(-600.0)
    assert mine.loc["conversion", "part_high_amount"] < 0


def test_somebody_who_was_there_half_of_the_time_differs_by_days():
    deals = deals_of([("A", 40, 40, 10, 100.0), ("B", 40, 40, 10, 100.0), ("C", 20, 20, 5, 100.0)])
    table = bridge_table(deals, pd.Series({"A": 20.0, "B": 20.0, "C": 10.0}), seed=0)
    mine = table[table["rep_id"] == "C"].set_index("cause")["part_amount"]
    assert mine["days"] == pytest.approx(-500.0)
    assert mine.drop("days").tolist() == pytest.approx([0.0] * 5)


def company(slow: float = 1.0) -> Tables:
    """Five sellers, of whom R2 gets fewer deals."""
    deals = equal_deals(5, 200, 0, days=360)
    draw = np.random.default_rng(0)
    kept = (deals["rep_id"] != "R2") | (draw.random(len(deals)) < slow)
    deals = deals[kept].reset_index(drop=True)
    made = department(deals, np.full((len(deals), 2), 0.6), stage_days=5, seed=0)
    names = [f"R{n}" for n in range(5)]
    reps = pd.DataFrame({"rep_id": names, "rep_name": names, "fte_share": 1.0})
    reps = reps.assign(hired_on=pd.Timestamp("2020-01-01"), left_on=pd.NaT, leader_rep_id="boss")
    return Tables(**made, reps=reps.astype({"left_on": "datetime64[s]"}))


def test_a_seller_with_a_third_of_the_deals_is_flagged_by_both_rules_with_a_plan():
    found = throughput(company(0.33), scope=SCOPE)
    row = found.tables["sellers"].set_index("rep_id").loc["R2"]
    assert row["is_beyond"]
    assert row["is_different"]
    plan = found.tables["playbook"].set_index("rep_id").loc["R2"]
    assert plan["cause"] == "leads"
    assert plan["owner"] == "boss"
    assert plan["due_on"] == date(2026, 1, 14)
    assert plan["expected_next_rate"] > row["month_rate"]  # regression to the mean
    assert found.decisions[0].worth_amount > 0


def test_equal_sellers_are_told_apart_by_nobody():
    found = throughput(company(), scope=SCOPE)
    assert not found.tables["sellers"]["is_different"].any()
    assert "told from chance" not in found.findings[0].text or "nobody" in found.findings[0].text


def test_nobody_is_named_for_a_decision_who_is_not_told_from_chance():
    found = throughput(company(0.86), options=ThroughputOptions(tolerance_share=0.02), scope=SCOPE)
    sellers = found.tables["sellers"]
    assert sellers["is_beyond"].any()
    assert not sellers["is_different"].any()
    assert found.tables["playbook"].empty
    assert not any("behind" in asked.text for asked in found.decisions)
    assert not any(name in one.text for one in found.findings for name in sellers["seller"])


def test_who_is_still_settling_is_not_judged():
    full = company(0.33)
    hired = full.reps["hired_on"].mask(full.reps["rep_id"] == "R2", pd.Timestamp("2025-08-01"))
    found = throughput(replace(full, reps=full.reps.assign(hired_on=hired)), scope=SCOPE)
    assert found.tables["playbook"].empty
    assert not any("R2" in asked.text for asked in found.decisions)
    assert "1 is still settling and is not judged" in found.findings[0].detail


def test_the_worst_of_equal_sellers_improves_without_anything_being_done():
    # What the plan expects is nearer to what comes than the low number that raised the flag.
    draw = np.random.default_rng(5)
    flagged, expected, came = [], [], []
    for _ in range(60):
        first, second = draw.poisson(22, (2, 6))
        worst = first.argmin()
        flagged.append(first[worst])
        expected.append(shrunk_rates(first, np.ones(6))["rate"][worst])
        came.append(second[worst])
    assert np.mean(came) - np.mean(flagged) > 4
    assert abs(np.mean(came) - np.mean(expected)) < abs(np.mean(came) - np.mean(flagged)) / 2


def test_without_people_everybody_counts_as_full_time_and_the_limits_say_so():
    full = company()
    found = throughput(Tables(full.opportunities, full.stage_events, full.stages), scope=SCOPE)
    assert found.tables["sellers"]["full_time_days"].nunique() == 1
    assert any("everybody counts as full-time" in caveat for caveat in found.caveats)


def test_data_of_three_months_are_counted_over_three_months():
    full = company()
    since = pd.Timestamp("2025-10-01")
    late = full.opportunities[full.opportunities["created_at"] >= since]
    found = throughput(Tables(late), scope=SCOPE)
    days = (pd.Timestamp("2026-01-01") - late["created_at"].min().normalize()).days
    assert days <= 92
    assert found.headline["ended"].note == f"in {days} days"
    assert f"in the {days} days to" in found.caveats[0]
    assert found.tables["sellers"]["full_time_days"].max() <= 66
    flow = found.tables["flow"].iloc[0]
    assert flow["given_per_day"] == pytest.approx(len(late) / days)
    staff = found.tables["headcount"].iloc[0]
    assert staff["have_people"] == 5


def test_the_decision_is_about_whom_the_finding_names_and_names_an_owner():
    full = company(0.33)
    nobody = pd.Series(None, index=full.reps.index, dtype="str")
    reps = full.reps.assign(leader_rep_id=nobody)
    found = throughput(replace(full, reps=reps), scope=SCOPE)
    told = next(one.text for one in found.findings if "less than the average" in one.text)
    assert told.startswith("R2 won")
    assert "why R2 is behind" in found.decisions[0].text
    assert found.decisions[0].owner == "sales director"


def test_long_rows_of_names_are_cut_and_machines_are_no_people():
    assert some_of(["a", "b", "c"]) == "a, b, c"
    assert some_of(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    ids = pd.Series(["112 (automatic)", "113", None])
    assert is_person(None, ids).tolist() == [False, True, False]


def test_too_few_deals_give_a_sentence():
    full = company()
    found = throughput(Tables(full.opportunities.head(10)), scope=SCOPE)
    assert "too few to say what people get done" in found.unavailable


def test_impossible_options_are_refused():
    with pytest.raises(SettingsError, match="tolerance_share"):
        ThroughputOptions(tolerance_share=0)


def test_leaves_its_input_unchanged_and_row_order_changes_nothing():
    tables, again = company(), company()
    first = throughput(tables, scope=SCOPE)
    pd.testing.assert_frame_equal(tables.opportunities, again.opportunities)
    mixed = Tables(
        tables.opportunities.sample(frac=1, random_state=1),
        tables.stage_events.sample(frac=1, random_state=1),
        tables.stages,
        tables.reps.sample(frac=1, random_state=1),
    )
    second = throughput(mixed, scope=SCOPE)
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(table, second.tables[name], check_dtype=False)


def test_the_table_of_people_shows_where_the_chance_turns_and_both_ends():
    chances = [0.0] * 17 + [0.002, 0.02, 0.17, 0.49, 0.81, 0.95, 0.994] + [1.0] * 16
    table = pd.DataFrame({"people": range(17, 57), "enough_share": chances})
    shown = around_answer(table, 0.8)
    assert shown["people"].tolist() == [17, 35, 36, 37, 38, 39, 40, 56]
    nobody = around_answer(table.head(5), 0.8)
    assert nobody["people"].tolist() == [17, 21]
    wide = pd.DataFrame({"people": range(100), "enough_share": np.linspace(0.01, 0.99, 100)})
    kept = around_answer(wide, 0.8)
    assert len(kept) == 10
    assert kept["people"].iloc[[0, -1]].tolist() == [0, 99]
    assert (kept["enough_share"] >= 0.8).idxmax() > 0  # the answer stands among its neighbours


def test_a_decision_on_people_carries_the_chance_that_they_suffice():
    found = throughput(company(), scope=SCOPE)
    asked = next(one for one in found.decisions if one.text.startswith("Go from 5 to"))
    rows = found.tables["headcount"]
    first = rows[rows["enough_share"] >= 0.8].iloc[0]
    assert asked.chance_share == first["enough_share"]
    assert f"to {first['people']:.0f} full-time sellers" in asked.text


def test_the_decision_to_look_into_a_gap_carries_the_chance_that_it_is_one():
    found = throughput(company(0.33), scope=SCOPE)
    bridge = found.tables["bridge"]
    mine = bridge[(bridge["seller"] == "R2") & (bridge["cause"] == "leads")].iloc[0]
    assert found.decisions[0].chance_share == mine["below_share"]
    assert 0.9 <= mine["below_share"] <= 0.99  # a hundred draws cannot tell more


def test_settled_sellers_are_the_benchmark_and_new_customers_stand_apart():
    deals = deals_of(
        [
            ("A", 40, 42, 10, 1.0),
            ("B", 40, 21, 10, 1.0),
            ("C", 40, 84, 10, 1.0),
            ("D", 9, 9, 1, 1.0),
        ]
    )
    kinds = np.where(np.arange(len(deals)) % 3 == 0, "new", "renewal")
    ended = deals.assign(deal_type=kinds, ended_at=pd.Timestamp("2025-10-10"))
    present = pd.Series({"A": 21.0, "B": 21.0, "C": 42.0, "D": 9.0})  # D is not settled
    table = benchmark_table(ended, present).set_index("kind")
    every = table.loc["all deals"]
    assert every["seller_count"] == 3
    counts = ended[ended["is_ended"]].groupby("rep_id").size()
    rates = [counts["A"], counts["B"], counts["C"] / 2]
    assert every["median_rate"] == pytest.approx(np.median(rates))
    assert every["upper_rate"] == pytest.approx(np.quantile(rates, 0.75))
    assert every["month_rate"] == pytest.approx(counts.sum() / (93 / 21))
    kinds = table.drop(index="all deals")
    assert kinds["ended_count"].sum() == every["ended_count"]
    assert kinds["month_rate"].sum() == pytest.approx(every["month_rate"])
    untold = benchmark_table(ended.assign(deal_type=None), present)
    assert untold["kind"].tolist() == ["all deals"]


def test_who_is_behind_in_every_quarter_is_told_from_who_was_once():
    rows = []
    for quarter in range(4):
        day = pd.Timestamp("2025-01-20") + pd.Timedelta(days=91 * quarter)
        counts = {"A": 20, "B": 20, "C": 8, "D": 2 if quarter == 1 else 20}
        rows += [(rep, day) for rep, count in counts.items() for _ in range(count)]
    ended = pd.DataFrame(rows, columns=["rep_id", "ended_at"]).assign(is_ended=True)
    people = pd.DataFrame({"rep_id": list("ABCD"), "fte_share": 1.0})
    people = people.assign(hired_on=pd.NaT, left_on=pd.NaT).astype(
        {"hired_on": "datetime64[s]", "left_on": "datetime64[s]"}
    )
    span = (pd.Timestamp("2025-01-01"), pd.Timestamp("2025-12-31"))
    table = quarters_beyond(ended, people, span, None, 0.2)
    assert table["below_quarter_count"].to_dict() == {"A": 0, "B": 0, "C": 4, "D": 1}
    assert is_persistent(table).to_dict() == {"A": False, "B": False, "C": True, "D": False}


def test_open_deals_and_quarters_stand_beside_each_seller():
    found = throughput(company(0.33), scope=SCOPE)
    table = found.tables["sellers"].set_index("rep_id")
    assert table.loc["R2", "below_quarter_count"] >= 3
    assert "On the same side in 3 of 4 quarters of the time: R2" in found.findings[0].detail
    known = company(0.33)
    deals = deals_as_of(known.opportunities, known.stage_events, known.stages, SCOPE.as_of)
    assert table["open_count"].sum() == (deals["outcome"] == "open").sum() > 0
    assert any("A settled seller brings" in one.text for one in found.findings)


def test_how_often_equal_sellers_last_beyond_the_rule_is_that_of_simulated_ones():
    draw = np.random.default_rng(3)
    sides = draw.choice([-1, 0, 1], p=[0.25, 0.5, 0.25], size=(40_000, 4))
    named = ((sides < 0).sum(axis=1) >= 3) | ((sides > 0).sum(axis=1) >= 3)
    assert lasting_share(0.25) == pytest.approx(named.mean(), abs=0.006)
    assert lasting_share(0.0) == 0.0
