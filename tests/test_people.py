"""People: tasks on time with open ones censored, targets, beginners, who hangs on whom; planted."""

from dataclasses import replace
from decimal import Decimal
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sales_examples import END, SCOPE, department, equal_deals
from scipy.stats import spearmanr

from analysis.core.periods import FiscalCalendar
from analysis.core.problems import SettingsError
from analysis.core.scope import Scope
from analysis.sales.control_points import control_points
from analysis.sales.funnel import funnel
from analysis.sales.funnel_cohort import Tables
from analysis.sales.people import PeopleOptions, Records, people
from analysis.sales.people_dependence import dependence_table, leaving_table
from analysis.sales.people_inputs import Work, work_of
from analysis.sales.people_metrics import METRICS
from analysis.sales.people_models import (
    between_variance,
    effect_line,
    excess_variation,
    person_effects,
    poisson_line,
)
from analysis.sales.people_ramp import fit_ramp, month_table, ramp_table, tenure_table
from analysis.sales.people_rollout import permutation_test
from analysis.sales.people_targets import attainment_table, chance_shares
from analysis.sales.people_tasks import compliance_table, on_time, overdue_table
from analysis.sales.throughput import throughput
from analysis.sources.simulated import SimulationOptions, simulate

DAY = pd.Timedelta(days=1)
START = pd.Timestamp("2025-06-01")


def days(*numbers: float | None) -> pd.Series:
    return pd.Series([pd.NaT if n is None else START + n * DAY for n in numbers])


class TestOnTime:
    def test_with_all_done_it_is_the_plain_share(self):
        due, done = days(2, 2, 2, 4, 10), days(1, 2, 3, 9, 4)
        share, low, high = on_time(days(0, 0, 0, 0, 0), due, done, days(*[20] * 5))
        assert share == pytest.approx(3 / 5)
        assert low < share < high

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 20)), min_size=1, max_size=30))
    def test_with_all_done_it_is_the_plain_share_whatever_was_allowed(self, tasks):
        due, done = (days(*numbers) for numbers in zip(*tasks, strict=True))
        share = on_time(days(*[0] * len(tasks)), due, done, days(*[99] * len(tasks)))[0]
        assert share == pytest.approx((done <= due).mean())

    def test_an_open_task_before_its_deadline_is_neither_on_time_nor_late(self):
        due, done = days(2, 2, 10), days(1, 3, None)
        assert on_time(days(0, 0, 0), due, done, days(4, 4, 4))[0] == pytest.approx(1 / 2)
        # Known for nine tenths of its time and not done yet: it could only have been late.
        assert on_time(days(0, 0, 0), due, done, days(9, 9, 9))[0] == pytest.approx(1 / 3)

    def test_an_open_task_past_its_deadline_is_late(self):
        due, done = days(2, 2), days(1, None)
        assert on_time(days(0, 0), due, done, days(4, 4))[0] == pytest.approx(1 / 2)

    def test_a_task_due_when_it_was_entered_is_on_time_only_when_done_by_then(self):
        share = on_time(days(1, 1), days(1, 1), days(1, 3), days(9, 9))[0]
        assert share == pytest.approx(1 / 2)

    def test_open_tasks_do_not_pull_the_share_down_as_counting_them_late_would(self):
        draw = np.random.default_rng(0)
        start = draw.uniform(0, 30, 3000)
        allowed = draw.uniform(5, 40, 3000)
        is_kept = draw.random(3000) < 0.75
        used = allowed * np.where(is_kept, draw.random(3000), 1 + 2 * draw.random(3000))
        done = pd.Series(np.where(start + used < 40, start + used, np.nan))
        found = on_time(
            START + pd.to_timedelta(start, "D"),
            START + pd.to_timedelta(start + allowed, "D"),
            START + pd.to_timedelta(done, "D"),
            days(*[40] * 3000),
        )
        assert found[0] == pytest.approx(0.75, abs=0.03)
        assert (
            start + used <= np.minimum(start + allowed, 40)
        ).mean() < 0.66  # counted as they are


class TestTargets:
    def test_a_miss_that_is_chance_and_one_that_is_not(self):
        assert chance_shares(20, 22)[0] > 0.3
        assert chance_shares(8, 22)[0] < 0.001
        assert np.isnan(chance_shares(5, 0)[0])

    def test_the_chance_of_an_amount_is_that_of_simulated_sums(self):
        draw = np.random.default_rng(1)
        sizes = np.exp(draw.normal(8, 0.8, 400))
        target = 15 * sizes.mean()
        sums = [draw.choice(sizes, n).sum() for n in draw.poisson(15, 4000)]
        for actual in np.quantile(sums, [0.05, 0.3, 0.8]):
            expected = np.mean(np.array(sums) <= actual)
            assert chance_shares(actual, target, sizes)[0] == pytest.approx(expected, abs=0.03)

    def test_equal_sellers_with_fair_targets_are_rarely_named(self):
        tables = company()
        table = attainment_of(tables, rep_targets(tables, factor=1.0))
        assert (table["yardstick"] == "target").all()
        assert not (table["verdict"] == "behind").any()

    def test_a_target_out_of_reach_is_missed_by_more_than_chance_and_gets_a_plan(self):
        tables = company()
        found = people(tables, Records(targets=rep_targets(tables, factor=3.0)), scope=SCOPE)
        table = found.tables["attainment"]
        assert (table["verdict"] == "behind").all()
        assert table["attained_share"].between(0.2, 0.5).all()
        plan = found.tables["playbook"]
        assert set(plan["cause"]) == {"target"}
        assert plan["follow_up"].str.contains("of the target even if nothing is done").all()

    def test_without_targets_nobody_is_said_to_have_missed_one(self):
        found = people(company(), scope=SCOPE)
        assert (found.tables["attainment"]["yardstick"] == "average of all").all()
        assert "No targets are set" in found.findings[0].text
        assert found.tables["attainment"]["attained_share"].mean() == pytest.approx(1, abs=0.02)

    def test_a_target_set_after_the_period_is_not_seen(self):
        tables = company()
        late = rep_targets(tables, factor=3.0).assign(set_on=END + DAY)
        assert (attainment_of(tables, late)["yardstick"] == "average of all").all()

    def test_every_metric_has_an_owner_and_a_meaning(self):
        for metric in METRICS.values():
            assert metric.owner in {"seller", "sales director"}
            assert metric.kind in {"activity", "result"}
            assert metric.meaning

    def test_a_target_for_something_undefined_has_nobody(self):
        tables = company()
        targets = rep_targets(tables, 1.0).assign(metric="smiles", ends_on=END + 9 * DAY)
        found = people(tables, Records(targets=targets), scope=SCOPE)
        row = found.tables["accountability"].set_index("metric").loc["smiles"]
        assert row["owner"] == "nobody"
        assert any("nobody has defined: smiles" in finding.detail for finding in found.findings)


class TestModels:
    def test_poisson_months_vary_by_nothing_beyond_chance(self):
        draw = np.random.default_rng(2)
        months = draw.poisson(22, (300, 12))
        found = [excess_variation(counts, np.full(12, counts.mean())) for counts in months]
        assert np.median([value for value, *_ in found]) < 0.08
        assert np.mean([p_value < 0.05 for *_, p_value in found]) < 0.08
        assert (months.std() / months.mean()) > 0.2  # the raw variation of the same months

    def test_variation_beyond_chance_is_found_and_its_range_holds_it(self):
        draw = np.random.default_rng(3)
        hits = []
        for _ in range(200):
            rate = 40 * draw.gamma(1 / 0.3**2, 0.3**2, 20)
            _, low, high, _ = excess_variation(draw.poisson(rate), np.full(20, 40.0))
            hits.append(low <= 0.3 <= high)
        assert np.mean(hits) == pytest.approx(0.8, abs=0.09)

    def test_a_share_that_is_the_person_is_found_and_its_range_holds_it(self):
        hits, values = [], []
        for seed in range(60):
            deals, _ = deals_of_people(seed, people=25, each=60, spread=0.6)
            effects = person_effects(deals, "rep_id", "is_won")
            value, low, high = between_variance(effects["effect"], effects["variance"])
            values.append(value)
            hits.append(low <= 0.36 <= high)
        assert np.mean(values) == pytest.approx(0.36, abs=0.06)
        assert np.mean(hits) > 0.68

    def test_no_relation_of_deadlines_and_winning_is_claimed_in_1_of_20_where_there_is_none(self):
        claims = []
        for seed in range(200):
            deals, care = deals_of_people(seed, people=10, each=40, spread=0.4)
            effects = person_effects(deals, "rep_id", "is_won")
            line = effect_line(effects["effect"], effects["variance"], care)
            claims.append(line.p_value < 0.05)
        assert np.mean(claims) <= 0.05

    def test_a_planted_relation_is_found_though_the_careful_get_the_worse_work(self):
        slopes = []
        for seed in range(20):
            deals, care = deals_of_people(seed, people=30, each=80, spread=0.2, slope=3.0, mix=2.0)
            effects = person_effects(deals, "rep_id", "is_won")
            slopes.append(effect_line(effects["effect"], effects["variance"], care).slope)
        assert np.mean(slopes) == pytest.approx(3.0, abs=0.4)

    def test_an_elasticity_is_found_and_none_is_rarely_claimed(self):
        draw = np.random.default_rng(4)
        activity = np.log(draw.uniform(0.5, 2, 40))
        line = poisson_line(draw.poisson(30 * np.exp(0.8 * activity)), np.ones(40), activity)
        low, high = line.interval(0.95)
        assert low < 0.8 < high
        none = [
            poisson_line(draw.poisson(30 * draw.gamma(9, 1 / 9, 40)), np.ones(40), activity).p_value
            for _ in range(200)
        ]
        assert np.mean(np.array(none) < 0.05) < 0.09

    def test_three_against_three_can_never_be_told(self):
        values = np.array([1.0, 1, 1, 0, 0, 0])
        assert permutation_test(values, np.array([True] * 3 + [False] * 3)) == (1.0, 0.1, 0.1)


def deals_of_people(
    seed: int, people: int, each: int, spread: float, slope: float = 0.0, mix: float = 0.0
) -> tuple[pd.DataFrame, np.ndarray]:
    """Ended deals of people who differ by `spread` and by `slope` x care; careful ones get more
    of the channel that wins `mix` (log odds) less often.
    """
    draw = np.random.default_rng(seed)
    care = draw.uniform(0.5, 1.0, people)
    own = draw.normal(0, spread, people) + slope * (care - care.mean())
    rep = np.repeat(np.arange(people), each)
    is_cold = draw.random(len(rep)) < (care[rep] - 0.25 if mix else 0.5)
    chance = 1 / (1 + np.exp(0.3 - own[rep] + mix * is_cold))
    deals = pd.DataFrame(
        {
            "rep_id": [f"R{n:02d}" for n in rep],
            "product_category": "P",
            "channel": np.where(is_cold, "cold", "web"),
            "is_won": draw.random(len(rep)) < chance,
        }
    )
    return deals, care


def newcomers(seed: int, hires: int, tau: float, settled: float = 8.0) -> pd.DataFrame:
    """Months of new sellers on a planted curve, own levels, some of whom leave early."""
    draw = np.random.default_rng(seed)
    rows = []
    for number in range(hires):
        level, length = draw.gamma(20, 1 / 20), int(draw.integers(4, 30))
        middle = np.arange(length) + 0.5
        mean = settled * level * -np.expm1(-middle / tau)
        part = {"month": np.arange(length) + 1, "middle_months": middle}
        part |= {"given_count": draw.poisson(mean), "settled_given_count": settled}
        rows.append(pd.DataFrame(part).assign(rep_id=f"N{number:02d}", has_left=length < 12))
    return pd.concat(rows, ignore_index=True)


class TestBeginners:
    def test_a_planted_ramp_is_recovered_with_a_range_that_holds_it(self):
        truth = -5 * np.log(0.2)
        found = [fit_ramp(newcomers(s, 25, 5.0), "given_count", PeopleOptions()) for s in range(12)]
        assert np.median([ramp.tau for ramp in found]) == pytest.approx(5, rel=0.15)
        assert np.median([ramp.months for ramp in found]) == pytest.approx(truth, rel=0.15)
        assert sum(ramp.low <= truth <= ramp.high for ramp in found) >= 7

    def test_below_eight_hires_there_is_no_curve(self):
        assert fit_ramp(newcomers(0, 7, 5.0), "given_count", PeopleOptions()) is None
        assert fit_ramp(newcomers(0, 8, 5.0), "given_count", PeopleOptions()) is not None

    def test_the_ramp_of_the_simulated_company_is_recovered(self):
        found = big_result()
        ramp = found.tables["ramp"].set_index(["measure", "people"])
        row = ramp.loc[("new business taken on", "all hired")]
        true_months = -float(big_truth()["ramp_months"].iloc[0]) * np.log(0.2)
        assert row["months_low"] <= true_months <= row["months_high"]
        assert row["tau_months"] == pytest.approx(5, rel=0.3)
        stayed = ramp.loc[("new business taken on", "without leavers")]
        assert stayed["hire_count"] < row["hire_count"]

    def test_leavers_stay_in_with_the_months_they_were_there(self):
        tables = company(hired={"R3": "2025-01-01", "R4": "2025-01-01"}, left={"R4": "2025-07-01"})
        tenure = tenure_table(work(tables), tables.reps)
        table = month_table(tenure).set_index("month")["person_count"]
        assert table[3] == 2
        assert table[9] == 1
        assert ramp_table(tenure, PeopleOptions()).empty


@cache
def big() -> tuple[Tables, Records, Scope, pd.DataFrame]:
    made = simulate(SimulationOptions(customers=5000, quarters=16))
    names = ("opportunities", "stage_events", "stages", "reps", "products")
    tables = Tables(*(made.tables[name] for name in names))
    names = ("activities", "time_records", "targets", "process_steps", "improvements")
    records = Records(*(made.tables[n] for n in (*names, "improvement_assignments")))
    calendar = FiscalCalendar()
    return tables, records, Scope(calendar.parse("2027Q2"), calendar), made.truth["reps"]


@cache
def big_result():
    tables, records, scope, _ = big()
    return people(tables, records, scope=scope)


def big_truth() -> pd.DataFrame:
    return big()[3].set_index("rep_id")


class TestSimulatedCompany:
    def test_who_keeps_deadlines_is_recovered(self):
        table = big_result().tables["compliance"].dropna(subset=["on_time_share"])
        truth = big_truth()["compliance_share"].reindex(table["rep_id"]).to_numpy()
        is_in = (table["on_time_low_share"] <= truth) & (truth <= table["on_time_high_share"])
        assert is_in.mean() == pytest.approx(0.8, abs=0.12)
        assert spearmanr(table["on_time_share"], truth).statistic > 0.85
        told = table[table["verdict"] == "less than others"]
        assert len(told) >= 5
        assert (truth[table["verdict"] == "less than others"] < np.median(truth)).all()

    def test_keeping_deadlines_wins_nothing_there_and_nothing_is_claimed(self):
        assert not big_result().tables["compliance_and_winning"]["is_told"].any()

    def test_an_improvement_without_effect_is_not_praised(self):
        rollout = big_result().tables["rollout"].set_index("improvement_id")
        assert rollout.loc["M5", "verdict"] == "cannot be told"
        assert rollout.loc["M1", "treated_count"] < rollout.loc["M1", "seller_count"]

    def test_what_was_tried_is_on_the_register_and_unmeasured_until_it_is(self):
        table = big_result().tables["register"].set_index("improvement_id")
        tried = big()[1].improvements.set_index("improvement_id")
        assert set(table.index) == set(tried.index)
        assert (table["verdict"] == "not measured").all()
        rollout = big_result().tables["rollout"].set_index("improvement_id")
        row = table.loc["M1"]
        assert (row["driver"], row["unit"]) == ("proposal pass share", "seller")
        assert row["promised_share"] == tried.loc["M1", "effect_mid"]
        assert row["begins_on"] == rollout.loc["M1", "first_on"]
        assert row["without_count"] == (
            rollout.loc["M1", "seller_count"] - rollout.loc["M1", "treated_count"]
        )

    def test_required_steps_are_seen_where_there_is_an_activity_of_their_type(self):
        steps = big_result().tables["steps"].set_index("step_name")["done_share"]
        assert steps["Answer the enquiry"] == 1.0
        assert steps["Qualify"] < 0.2  # a second call is rare
        assert steps["Sign"] > 0.9

    def test_everybody_who_was_there_is_measured_once(self):
        table = big_result().tables["metrics"]
        assert not table.duplicated(["rep_id", "metric", "activity_type"]).any()
        won = table[table["metric"] == "won_amount"]["total_count"].sum()
        shares = big_result().tables["leaving"]["won_share"].sum()
        assert won > 0
        assert shares <= 1 + 1e-9


def company(
    hired: dict[str, str] | None = None, left: dict[str, str] | None = None, top: float = 1.0
) -> Tables:
    """Five equal sellers; of R0 every deal is worth `top` times as much."""
    deals = equal_deals(5, 200, 0)
    deals["value_amount"] = np.where(deals["rep_id"] == "R0", 1000.0 * top, 1000.0)
    made = department(deals, np.full((len(deals), 2), 0.6), stage_days=5, seed=0)
    names = [f"R{n}" for n in range(5)]
    reps = pd.DataFrame({"rep_id": names, "rep_name": names, "fte_share": 1.0})
    days_of = {
        "hired_on": [(hired or {}).get(name, "2020-01-01") for name in names],
        "left_on": [(left or {}).get(name) for name in names],
    }
    reps = reps.assign(**days_of, leader_rep_id="boss")
    return Tables(**made, reps=reps.astype(dict.fromkeys(days_of, "datetime64[s]")))


def work(tables: Tables, records: Records | None = None) -> Work:
    return work_of(tables, records or Records(), SCOPE, PeopleOptions())


def attainment_of(tables: Tables, targets: pd.DataFrame) -> pd.DataFrame:
    return attainment_table(work(tables), tables.reps, targets, PeopleOptions())


def rep_targets(tables: Tables, factor: float) -> pd.DataFrame:
    """Of the last half year, `factor` x what an average seller won in it."""
    deals = tables.opportunities
    since = pd.Timestamp("2025-07-01")
    is_in = deals["is_won"] & (deals["closed_at"] >= since) & (deals["closed_at"] < END)
    rows = [(f"T{n}", f"R{n}") for n in range(5)]
    return pd.DataFrame(rows, columns=["target_id", "level_id"]).assign(
        level="rep",
        metric="won_count",
        starts_on=since,
        ends_on=END - DAY,
        value=factor * is_in.sum() / 5,
        set_on=since,
    )


def test_the_register_takes_the_verdict_of_the_chapter_that_measures():
    days = pd.to_datetime(["2025-01-01", "2026-03-01", None])
    plans = pd.DataFrame({"improvement_id": ["M1", "M2", "M3"], "name": ["A", "B", "C"]}).assign(
        kind="training",
        driver="win_share",
        effect_low=0.0,
        effect_mid=0.1,
        effect_high=0.2,
        owner="boss",
        starts_on=pd.to_datetime(["2024-10-01", "2025-12-01", "2026-02-01"]),  # M3: not known yet
        effective_on=days,
    )
    given = pd.DataFrame(
        [("M1", "rep", "R0", "2025-01-01"), ("M1", "rep", "R1", "2025-04-01")],
        columns=["improvement_id", "unit_type", "unit_id", "treated_from_on"],
    ).astype({"treated_from_on": "datetime64[s]"})
    measured = pd.DataFrame({"improvement_id": ["M1"], "verdict": ["cannot conclude"]})
    measured = measured.assign(effect_share=0.02, effect_low_share=-0.1, effect_high_share=0.1)
    records = Records(improvements=plans, improvement_assignments=given, measured=measured)
    table = people(company(), records, scope=SCOPE).tables["register"].set_index("improvement_id")
    assert table["verdict"].to_dict() == {"M1": "cannot conclude", "M2": "not begun"}
    assert table["with_count"].iloc[0] == 2
    assert table["without_count"].iloc[0] == 3
    assert table.loc["M1", "measured_low_share"] == -0.1
    assert table["unit"].tolist() == ["seller", "nobody named"]
    assert people(company(), scope=SCOPE).tables["register"].empty
    alone = Records(improvement_assignments=given)
    assert people(company(), alone, scope=SCOPE).tables["register"]["name"].tolist() == ["M1"]


def tasks_of(tables: Tables, kept: dict[str, float]) -> pd.DataFrame:
    """One task for each deal, three days allowed, done in time by the seller's own share."""
    draw = np.random.default_rng(7)
    deals = tables.opportunities
    share = deals["rep_id"].map(kept).fillna(0.9)
    days_used = np.where(draw.random(len(deals)) < share, 1.0, 5.0)
    return pd.DataFrame(
        {
            "activity_id": [f"A{n:05d}" for n in range(len(deals))],
            "activity_type": "call",
            "rep_id": deals["rep_id"],
            "customer_id": deals["customer_id"],
            "opportunity_id": deals["opportunity_id"],
            "stage_id": "S1",
            "created_at": deals["created_at"],
            "due_at": deals["created_at"] + 3 * DAY,
            "completed_at": deals["created_at"] + pd.to_timedelta(days_used, "D"),
            "is_automated": False,
        }
    )


class TestChapter:
    def test_who_misses_deadlines_gets_a_plan_that_expects_luck_to_turn(self):
        tables = company()
        found = people(tables, Records(activities=tasks_of(tables, {"R2": 0.5})), scope=SCOPE)
        row = found.tables["compliance"].set_index("rep_id").loc["R2"]
        assert row["verdict"] == "less than others"
        plan = found.tables["playbook"].set_index("rep_id").loc["R2"]
        assert plan["owner"] == "boss"
        assert plan["gap_share"] < -0.2
        assert set(found.charts) == {"attainment", "compliance"}
        assert plan["expected_next_rate"] > row["on_time_share"]
        assert "on time even if nothing is done" in plan["follow_up"]

    def test_equal_care_is_told_apart_by_nobody(self):
        tables = company()
        mine = work(tables, Records(activities=tasks_of(tables, {})))
        table = compliance_table(mine, tables.reps, PeopleOptions())
        assert (table["verdict"] == "like others").all()

    def test_an_open_task_of_an_ended_deal_is_not_listed_as_overdue(self):
        tables = company()
        tasks = tasks_of(tables, {}).assign(completed_at=pd.NaT)
        mine = work(tables, Records(activities=tasks))
        late = overdue_table(mine, tables.reps)
        still_open = set(mine.deals.loc[mine.deals["outcome"] == "open", "opportunity_id"])
        assert set(late["opportunity_id"]) <= still_open
        assert 0 < len(late) <= len(still_open)
        assert late["late_days"].is_monotonic_decreasing

    def test_what_one_seller_wins_alone_is_seen(self):
        even = dependence_table(work(company()), PeopleOptions()).set_index("measure")
        one = people(company(top=20.0), scope=SCOPE)
        uneven = one.tables["dependence"].dropna(subset=["value"]).set_index("measure")
        assert even.loc["even_sellers", "value"] == pytest.approx(5, abs=0.3)
        assert uneven.loc["top_share", "value"] > 0.75
        assert (uneven["value_low"] <= uneven["value"]).all()
        assert (uneven["value"] <= uneven["value_high"]).all()
        assert "Who else gets to know R0's customers?" in [asked.text for asked in one.decisions]

    def test_whoever_left_cannot_leave_again(self):
        tables = company(left={"R4": "2025-07-01"})
        table = leaving_table(work(tables), tables.reps, PeopleOptions(), months=6)
        assert set(table["rep_id"]) == {"R0", "R1", "R2", "R3"}

    def test_the_scenario_of_leaving_grows_with_what_is_assumed_to_go_too(self):
        tables = company()
        none, all_ = (
            leaving_table(work(tables), tables.reps, PeopleOptions(lost_share=share), months=6)
            for share in (0.0, 1.0)
        )
        assert (none["at_risk_amount"] == none["gap_amount"]).all()
        total = all_["year_amount"] + all_["open_amount"]
        assert all_["at_risk_amount"].to_numpy() == pytest.approx(total.to_numpy())

    def test_what_is_not_loaded_is_said(self):
        full = company()
        found = people(Tables(full.opportunities), scope=SCOPE)
        assert any("No activities are loaded" in caveat for caveat in found.caveats)
        assert any("No table of sellers (reps) is loaded" in caveat for caveat in found.caveats)
        assert found.tables["compliance"].empty
        assert found.tables["ramp"].empty

    @pytest.mark.parametrize("analysis", [people, throughput, funnel, control_points])
    def test_without_deals_there_is_a_sentence(self, analysis):
        assert "No deals are loaded" in analysis(Tables(None), scope=SCOPE).unavailable

    def test_without_rows_there_is_a_sentence(self):
        empty = Tables(company().opportunities.head(0))
        assert "nothing can be said of sellers" in people(empty, scope=SCOPE).unavailable

    def test_what_came_after_the_period_changes_nothing(self):
        tables = company()
        tasks = tasks_of(tables, {})
        first = people(tables, Records(activities=tasks), scope=SCOPE)
        later = tasks.head(50).assign(
            activity_id=[f"Z{n}" for n in range(50)], created_at=END + DAY, due_at=END + 2 * DAY
        )
        both = Records(activities=pd.concat([tasks, later]))
        second = people(tables, both, scope=SCOPE)
        for name, table in first.tables.items():
            pd.testing.assert_frame_equal(table, second.tables[name])

    def test_loaded_money_is_decimal_and_gives_the_same(self):
        tables = company()
        values = [Decimal(f"{value:.2f}") for value in tables.opportunities["value_amount"]]
        deals = tables.opportunities.assign(value_amount=pd.Series(values, dtype=object))
        events = tables.stage_events
        money = events["value_amount"].map(lambda value: Decimal(f"{value:.2f}"))
        events = events.assign(value_amount=money)
        loaded = replace(tables, opportunities=deals, stage_events=events)
        for analysis in (people, throughput, funnel):
            first, second = analysis(tables, scope=SCOPE), analysis(loaded, scope=SCOPE)
            assert first.headline == second.headline
            assert first.findings == second.findings

    def test_impossible_options_are_refused(self):
        with pytest.raises(SettingsError, match="lost_share"):
            PeopleOptions(lost_share=1.5)

    def test_leaves_its_input_unchanged_and_row_order_changes_nothing(self):
        tables, again = company(), company()
        records = Records(activities=tasks_of(tables, {"R2": 0.5}))
        first = people(tables, records, scope=SCOPE)
        pd.testing.assert_frame_equal(tables.opportunities, again.opportunities)
        mixed = Tables(
            tables.opportunities.sample(frac=1, random_state=1),
            tables.stage_events.sample(frac=1, random_state=1),
            tables.stages,
            tables.reps.sample(frac=1, random_state=1),
        )
        shuffled = Records(activities=records.activities.sample(frac=1, random_state=1))
        second = people(mixed, shuffled, scope=SCOPE)
        assert first.findings == second.findings
        for name, table in first.tables.items():
            pd.testing.assert_frame_equal(table, second.tables[name], check_dtype=False)
