"""Improvements: closed forms, parts that sum, promises kept, and "cannot conclude"."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from improvement_examples import found_and_true

from analysis.core.periods import FiscalCalendar
from analysis.core.problems import SettingsError
from analysis.core.scope import Scope
from analysis.strategy import improvements as improvements_module
from analysis.strategy.effect import ALONE, CANNOT, EFFECT, TWIN
from analysis.strategy.improvement_inputs import NOBODY, input_table
from analysis.strategy.improvement_ledger import calibration_table, calibration_words
from analysis.strategy.improvement_panels import Measured, driver_panel
from analysis.strategy.improvement_value import (
    MARGIN_DRIVERS,
    Base,
    knowing_amounts,
    value_table,
)
from analysis.strategy.improvements import ImprovementsOptions, base_of, improvements

CALENDAR = FiscalCalendar()
SCOPE = Scope(CALENDAR.parse("2025Q4"), CALENDAR)
PICTURES = (improvements_module.promise_chart, improvements_module.course_chart)
QUARTERS = [f"{year}Q{number}" for year in (2023, 2024, 2025) for number in (1, 2, 3, 4)]


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    """Pictures take longer than everything else; they have a test of their own."""
    for picture in PICTURES:
        monkeypatch.setattr(improvements_module, picture.__name__, lambda *_: None)


def plans(**changes: object) -> pd.DataFrame:
    """Three plans whose ranges have no width, so that closed forms hold."""
    table = pd.DataFrame(
        {
            "improvement_id": ["A", "B", "C"],
            "name": ["Bigger orders", "More wins", "Less paper"],
            "kind": ["process", "training", "automation"],
            "driver": ["order_amount", "win_share", "admin_time_share"],
            "effect_low": [0.10, 0.20, -0.5],
            "effect_mid": [0.10, 0.20, -0.5],
            "effect_high": [0.10, 0.20, -0.5],
            "cost_once_amount": [60_000.0, 6000.0, 0.0],
            "cost_month_amount": [0.0, 500.0, 0.0],
            "starts_on": pd.Timestamp("2024-01-01"),
            "effective_on": pd.Timestamp("2025-01-01"),
            "owner": "Head",
        }
    )
    return table.assign(**changes)


BASE = Base(1_000_000.0, 90_000.0, 4_000_000.0, {"admin": 1000.0}, hour_amount=40.0, used_share=0.5)


def test_values_are_the_closed_forms_of_the_driver_tree():
    table = value_table(plans(), BASE, 500, 0).set_index("improvement_id")
    assert table["value_mid_amount"].to_dict() == pytest.approx(
        {"A": 100_000.0, "B": 18_000.0, "C": 0.5 * 1000 * 40 * 0.5}
    )
    assert table.loc["A", "payback_months"] == pytest.approx(7.2)
    assert table.loc["B", "payback_months"] == pytest.approx(6.0)
    assert table.loc["A", "loss_share"] == 0.0


def test_parts_of_what_all_bring_together_sum_to_the_joint_effect():
    both = plans(driver=["order_amount", "orders_per_customer", "retention_share"], effect_mid=0.1)
    both = both.assign(effect_low=0.1, effect_high=0.1)
    table = value_table(both, BASE, 300, 0)
    assert table["together_amount"].sum() == pytest.approx(1_000_000 * (1.1**3 - 1))
    assert table["together_amount"].nunique() == 1 or np.ptp(table["together_amount"]) < 1e-6
    assert table["value_mid_amount"].sum() < table["together_amount"].sum()


def test_one_point_more_of_conversion_is_worth_what_the_tree_says():
    # 1,000 leads x 20 % x 5,000 x margin of 30 %; from 20 to 21 % is a twentieth more.
    base = Base(9e9, 1000 * 0.20 * 5000 * 0.3)
    one = plans(driver="win_share", effect_low=0.05, effect_mid=0.05, effect_high=0.05).iloc[:1]
    assert value_table(one, base, 300, 0)["value_mid_amount"].item() == pytest.approx(
        1000 * 0.01 * 5000 * 0.3
    )


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*MARGIN_DRIVERS, "win_share", "leads", "admin_time_share"]),
            st.floats(-0.9, 2.0),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_the_parts_always_sum_to_what_all_bring_together(made):
    names = [f"M{n}" for n in range(len(made))]
    drivers, effects = zip(*made, strict=True)
    table = pd.DataFrame({"improvement_id": names, "name": names, "kind": "process"})
    table = table.assign(driver=drivers, cost_once_amount=0.0, cost_month_amount=0.0)
    table = table.assign(effect_low=effects, effect_mid=effects, effect_high=effects)
    found = value_table(table, BASE, 200, 0)["together_amount"].sum()

    def grown(*kinds: str) -> float:
        return float(np.prod([1 + effect for driver, effect in made if driver in kinds]))

    sales = 1_000_000 * (grown(*MARGIN_DRIVERS) - 1)
    deals = 90_000 * (grown("win_share", "leads") - 1)
    assert found == pytest.approx(
        sales + deals + 20_000 * (1 - grown("admin_time_share")), abs=1e-3
    )


@pytest.mark.parametrize(
    ("kinds", "freed"),
    [(("admin", "admin"), 0.75), (("admin", "travel"), 1.0), (("admin",), 0.5)],
)
def test_hours_cut_once_cannot_be_cut_again_and_kinds_of_hours_add_up(kinds, freed):
    base = Base(1.0, 1.0, hours={"admin": 1000.0, "travel": 1000.0}, hour_amount=50, used_share=1)
    made = plans(effect_low=-0.5, effect_mid=-0.5, effect_high=-0.5).iloc[: len(kinds)]
    made = made.assign(driver=[f"{kind}_time_share" for kind in kinds])
    found = value_table(made, base, 200, 0)["together_amount"]
    assert found.sum() == pytest.approx(freed * 1000 * 50)
    assert np.ptp(found) < 1e-6


def test_to_know_is_worth_what_it_makes_the_choice_better():
    # A brings 0 or 10 with equal chance, B always 4: knowing A, one takes 10 or 4 instead of 5.
    net = np.array([[0.0, 10.0], [4.0, 4.0], [-3.0, -3.0]])
    assert knowing_amounts(net) == pytest.approx([2.0, 0.0, 0.0])
    assert knowing_amounts(-net) == pytest.approx([0.0, 0.0, 0.0])


def test_the_number_that_decides_the_order_is_named():
    wide = plans(effect_low=[0.0, 0.1, -0.5], effect_high=[0.2, 0.1, -0.5])
    wide = wide.assign(effect_mid=[0.1, 0.1, -0.5])
    before = value_table(wide, BASE, 2000, 0)
    table = input_table(wide, BASE, before, 3)
    first = table.iloc[0]
    assert first["input"] == "Effect of Bigger orders"
    assert (first["low_first"], first["high_first"]) == ("Less paper", "Bigger orders")
    assert first["knowing_amount"] > 0
    assert "Cost of an hour" in set(table["input"])
    dear = plans(cost_once_amount=1e9)
    assert set(input_table(dear, BASE, value_table(dear, BASE, 200, 0), 3)["low_first"]) == {NOBODY}


def test_a_driver_that_nobody_knows_has_no_value_and_says_so():
    table = value_table(plans(driver=["order_amount", "luck", "admin_time_share"]), BASE, 300, 0)
    row = table.set_index("improvement_id").loc["B"]
    assert np.isnan(row["value_mid_amount"])
    assert "no value can be given" in row["acts_on"]


def test_wider_promises_give_wider_ranges_and_a_chance_of_loss():
    wide = plans(effect_low=[0.0, 0.1, -0.9], effect_high=[0.2, 0.3, -0.1])
    row = value_table(wide, BASE, 4000, 0).set_index("improvement_id").loc["A"]
    assert row["value_low_amount"] == pytest.approx(0, abs=6000)
    assert row["value_high_amount"] == pytest.approx(200_000, abs=8000)
    assert 0.2 < row["loss_share"] < 0.4


def company(lift: float) -> Measured:
    """Twelve regions of 30 customers; in five of them orders are larger from 2025Q1 on."""
    draw = np.random.default_rng(0)
    regions = np.repeat([f"A{n:02d}" for n in range(12)], 30)
    ids = [f"C{n:03d}" for n in range(360)]
    rows = []
    for quarter in QUARTERS:
        orders = draw.poisson(3, 360) + 1
        raised = (regions < "A05") & (quarter >= "2025")
        sales = orders * 100 * draw.lognormal(0, 0.15, 360) * np.where(raised, 1 + lift, 1)
        rows.append(
            pd.DataFrame(
                {"customer_id": ids, "period": quarter, "order_count": orders, "sale_amount": sales}
            )
        )
    periods = pd.concat(rows, ignore_index=True)
    periods = periods.assign(
        revenue_amount=periods["sale_amount"], margin_amount=periods["sale_amount"] * 0.3
    )
    return Measured(pd.DataFrame({"customer_id": ids, "region_id": regions}), periods)


ASSIGNED = pd.DataFrame(
    {
        "improvement_id": "A",
        "unit_type": "region",
        "unit_id": [f"A{n:02d}" for n in range(5)],
        "treated_from_on": pd.Timestamp("2025-01-01"),
    }
)


def test_an_improvement_that_works_is_shown_and_kept():
    found = improvements(plans(), ASSIGNED, company(0.12), scope=SCOPE)
    row = found.tables["after"].set_index("improvement_id").loc["A"]
    assert row["verdict"] == EFFECT
    assert row["effect_low_share"] <= 0.12 <= row["effect_high_share"]
    ledger = found.tables["ledger"].set_index("improvement_id")
    assert ledger.loc["A", "kept"] == "kept"
    assert "shown to work: Bigger orders" in " ".join(one.text for one in found.findings)


def test_one_that_does_not_work_is_not_shown_and_not_kept():
    found = improvements(plans(), ASSIGNED, company(0.0), scope=SCOPE)
    row = found.tables["after"].set_index("improvement_id").loc["A"]
    assert row["verdict"] != EFFECT
    assert found.tables["ledger"].set_index("improvement_id").loc["A", "kept"] == "not kept"
    assert any("Go on with" in decision.text for decision in found.decisions)


def test_one_without_anybody_to_compare_with_cannot_be_concluded():
    found = improvements(plans(), ASSIGNED, company(0.12), scope=SCOPE)
    row = found.tables["after"].set_index("improvement_id").loc["B"]
    assert row["verdict"] == CANNOT
    assert "nobody is named as treated" in row["why"]


def test_nothing_of_later_is_seen():
    early = Scope(CALENDAR.parse("2024Q2"), CALENDAR)
    found = improvements(plans(), ASSIGNED, company(0.12), scope=early)
    assert found.tables["after"].empty
    before_all = Scope(CALENDAR.parse("2023Q2"), CALENDAR)
    assert (
        "had been planned"
        in improvements(plans(), None, company(0.0), scope=before_all).unavailable
    )


def worked(people: dict[str, tuple[str, str]], category: str = "admin") -> pd.DataFrame:
    """Eight hours every fourteenth day from the first to the last day of each person."""
    parts = [
        pd.DataFrame({"rep_id": name, "worked_on": pd.date_range(*days, freq="14D")})
        for name, days in people.items()
    ]
    return pd.concat(parts, ignore_index=True).assign(category=category, worked_hours=8.0)


def yearly_hours(records: pd.DataFrame, reps: pd.DataFrame | None = None) -> dict[str, float]:
    measured = Measured(time_records=records, reps=reps)
    return dict(base_of(measured, SCOPE, ImprovementsOptions()).hours)


def test_a_post_is_one_post_when_its_person_is_replaced():
    whole = {"R1": ("2025-01-01", "2025-12-31")}
    halves = {"R1": ("2025-01-01", "2025-06-28"), "R2": ("2025-07-02", "2025-12-31")}
    assert yearly_hours(worked(whole))["admin"] == pytest.approx(220 * 8, rel=0.02)
    assert yearly_hours(worked(halves))["admin"] == pytest.approx(220 * 8, rel=0.05)
    reps = pd.DataFrame(
        {
            "rep_id": ["R1", "R2"],
            "hired_on": pd.to_datetime(["2020-01-01", "2025-07-01"]),
            "left_on": pd.to_datetime(["2025-06-30", None]),
        }
    )
    assert yearly_hours(worked(halves), reps)["admin"] == pytest.approx(220 * 8)


def test_days_away_are_no_hours_and_no_working_days():
    records = worked({"R1": ("2025-01-01", "2025-12-31")})
    away = records.assign(category="absent", worked_on=records["worked_on"] + pd.Timedelta(days=1))
    assert yearly_hours(pd.concat([records, away])) == yearly_hours(records)


def test_a_few_recorded_days_of_two_people_are_two_posts():
    once = worked({"R1": ("2025-03-03", "2025-03-03"), "R2": ("2025-03-04", "2025-03-04")})
    assert yearly_hours(once)["admin"] == pytest.approx(2 * 220 * 8)


def contacts() -> pd.DataFrame:
    """A hundred questions a quarter; half is answered in an hour, half after 80 days."""
    days = pd.date_range("2024-01-01", "2025-12-30", freq="22h")
    waits = np.where(np.arange(len(days)) % 2 == 0, 1 / 24, 80)
    waits[::50] = 200  # longer than anybody waits for
    table = pd.DataFrame({"received_at": days, "channel": "web"})
    return table.assign(first_response_at=days + pd.to_timedelta(waits, unit="D"))


def test_hours_to_an_answer_do_not_fall_in_the_last_quarter_for_lack_of_time():
    measured = Measured(inbound_contacts=contacts())
    table = driver_panel("response_hours", "channel", measured, SCOPE)
    assert list(table.columns) == QUARTERS[4:11]
    assert np.exp(table.loc["web"]).to_numpy() == pytest.approx(40 * 24, rel=0.06)
    early = driver_panel(
        "response_hours", "channel", measured, Scope(CALENDAR.parse("2025Q1"), CALENDAR)
    )
    pd.testing.assert_frame_equal(early, table[early.columns])


def test_customers_are_measured_though_each_has_one_row_a_quarter():
    table = driver_panel("order_amount", "customer", company(0.0), SCOPE)
    assert table.shape == (360, 12)
    treated = ASSIGNED.iloc[:1].assign(unit_type="customer")
    treated = treated.merge(pd.DataFrame({"customer": [f"C{n:03d}" for n in range(40)]}), "cross")
    treated = treated.drop(columns="unit_id").rename(columns={"customer": "unit_id"})
    found = improvements(plans().iloc[:1], treated, company(0.12), scope=SCOPE)
    row = found.tables["after"].iloc[0]
    assert (row["treated_count"], row["control_count"], row["verdict"]) == (40, 320, EFFECT)
    assert found.tables["courses"]["unit_id"].nunique() == 61  # the treated, 60 drawn by lot
    one = improvements(plans().iloc[:1], treated.iloc[:1], company(0.0), scope=SCOPE)
    row = one.tables["after"].iloc[0]
    assert (row["method"], row["control_count"]) == (TWIN, 60)


def test_too_few_cases_are_not_called_everybody():
    made = company(0.0)
    few = made.customer_periods.drop_duplicates(["period"]).assign(order_count=1)
    few = few.merge(made.customers, "left")
    found = improvements(
        plans().iloc[:1], ASSIGNED, Measured(made.customers, few), scope=SCOPE
    ).tables["after"]
    assert found["note"].item() == ""
    assert "too few cases by region, and order_amount has too few cases" in found["why"].item()


def test_panels_are_logs_of_what_an_order_brings():
    table = driver_panel("order_amount", "region", company(0.0), SCOPE)
    assert table.shape == (12, 12)
    assert np.exp(table.to_numpy()).mean() == pytest.approx(101, rel=0.03)
    assert driver_panel("order_amount", "rep", company(0.0), SCOPE) is None
    assert driver_panel("luck", "region", company(0.0), SCOPE) is None


def test_without_plans_the_chapter_says_what_to_provide():
    assert (
        "a table improvements names them"
        in improvements(None, None, Measured(), scope=SCOPE).unavailable
    )


def test_impossible_options_are_refused():
    with pytest.raises(SettingsError, match="used_share"):
        ImprovementsOptions(used_share=2)


def test_leaves_its_input_unchanged_and_row_order_changes_nothing():
    table, made = plans(), company(0.1)
    first = improvements(table, ASSIGNED, made, scope=SCOPE)
    pd.testing.assert_frame_equal(table, plans())
    mixed = improvements(plans().iloc[::-1], ASSIGNED.iloc[::-1], made, scope=SCOPE)
    for name, found in first.tables.items():
        pd.testing.assert_frame_equal(found, mixed.tables[name])


def test_a_year_is_measured_by_its_quarters_like_its_last_quarter():
    year = Scope(CALENDAR.parse("2025"), CALENDAR)
    by_year = improvements(plans(), ASSIGNED, company(0.12), scope=year)
    by_quarter = improvements(plans(), ASSIGNED, company(0.12), scope=SCOPE)
    assert by_year.period == "2025"
    for name, table in by_quarter.tables.items():
        pd.testing.assert_frame_equal(table, by_year.tables[name])


def test_in_a_year_that_begins_in_april_quarters_are_the_companys():
    april = FiscalCalendar(start_month=4)
    scope = Scope(april.parse("2025Q4"), april)  # January to March 2025
    treated = ASSIGNED.assign(treated_from_on=pd.Timestamp("2024-10-01"))
    begun = plans(effective_on=pd.Timestamp("2024-10-01"), starts_on=pd.Timestamp("2024-05-01"))
    row = improvements(begun, treated, company(0.0), scope=scope).tables["after"].iloc[0]
    assert (row["before_count"], row["after_count"]) == (10, 2)


def test_where_everybody_got_it_a_change_is_told_without_a_cause():
    everybody = pd.DataFrame(
        {
            "improvement_id": "A",
            "unit_type": "region",
            "unit_id": [f"A{n:02d}" for n in range(12)],
            "treated_from_on": pd.Timestamp("2025-01-01"),
        }
    )
    found = improvements(plans().iloc[:1], everybody, company(0.5), scope=SCOPE)
    row = found.tables["after"].iloc[0]
    assert row["method"] == ALONE
    assert row["verdict"] == CANNOT
    assert "everybody got it" in row["note"]
    said = " ".join(one.text + one.detail for one in found.findings)
    assert "at that time" in said
    assert "shown to work: none" in said


def test_one_treated_region_is_shown_with_its_twin_and_the_placebos():
    found = improvements(plans().iloc[:1], ASSIGNED.iloc[:1], company(0.12), scope=SCOPE)
    row = found.tables["after"].iloc[0]
    assert (row["method"], row["verdict"]) == (TWIN, CANNOT)
    assert np.isfinite(row["placebo_share"])
    courses = found.tables["courses"]
    assert courses["unit_id"].nunique() == 12
    assert set(courses.loc[courses["is_treated"], "unit_id"]) == {"A00"}
    assert "units with it and" in row["needed"]


def test_units_that_another_improvement_of_the_same_number_moved_are_not_compared_with():
    made = company(0.12)
    second = ASSIGNED.assign(improvement_id="B", unit_id=[f"A{n:02d}" for n in range(5, 10)])
    both = pd.concat([ASSIGNED, second.assign(treated_from_on=pd.Timestamp("2025-04-01"))])
    two = plans(driver=["order_amount", "order_amount", "admin_time_share"])
    row = improvements(two, both, made, scope=SCOPE).tables["after"].iloc[0]
    assert (row["treated_count"], row["control_count"]) == (5, 2)
    assert "without 5 that got another" in row["note"]
    third = pd.concat([both, second.assign(improvement_id="B", unit_id=["A10", "A11"] * 2 + ["X"])])
    third = third.drop_duplicates(["improvement_id", "unit_id"])
    late = third["improvement_id"] == "B"
    third.loc[late, "treated_from_on"] = pd.Timestamp("2025-07-01")
    row = improvements(two, third, made, scope=SCOPE).tables["after"].iloc[0]
    assert (row["treated_count"], row["control_count"], row["after_count"]) == (5, 7, 2)


def test_quarters_after_a_treatment_ended_do_not_count():
    ended = ASSIGNED.assign(treated_to_on=pd.Timestamp("2025-06-30"))
    row = improvements(plans(), ended, company(0.12), scope=SCOPE).tables["after"].iloc[0]
    whole = improvements(plans(), ASSIGNED, company(0.12), scope=SCOPE).tables["after"].iloc[0]
    assert row["effect_share"] != whole["effect_share"]
    assert row["effect_low_share"] <= 0.12 <= row["effect_high_share"]


def ledger(count: int, realised: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "promised_low_share": 0.05,
            "promised_mid_share": 0.10,
            "promised_high_share": 0.15,
            "realised_share": [realised] * (count - 3) + [0.10] * 3,
            "realised_low_share": [realised - 0.04] * (count - 3) + [0.06] * 3,
            "realised_high_share": [realised + 0.04] * (count - 3) + [0.14] * 3,
            "verdict": EFFECT,
        }
    )


def test_past_promises_are_held_against_what_came():
    table = calibration_table(ledger(12, 0.02))
    row = table.iloc[0]
    assert (row["measured_count"], row["told_count"], row["inside_count"]) == (12, 12, 3)
    assert (row["reached_count"], row["above_count"], row["below_count"]) == (12, 0, 0)
    assert row["inside_share"] == pytest.approx(0.25)
    assert row["inside_low_share"] < 0.25 < row["inside_high_share"] < 0.8
    assert row["ratio"] == pytest.approx(0.2)
    words = calibration_words(table, SCOPE)
    assert words.startswith("Of 12 improvements measured, 12 agree with what was promised")
    assert "Of the 12 measured more finely than promised, 3 lie within the promise" in words


@pytest.mark.parametrize("side", [1, -1])
def test_those_that_brought_more_than_promised_are_told_from_those_that_brought_less(side):
    table = pd.concat([ledger(7, 0.30), ledger(5, -0.10)])
    shares = [name for name in table.columns if name != "verdict"]
    if side < 0:  # a promise of less: hours that fall by more bring more
        table[shares] = -table[shares]
        turned = {"low": "high", "high": "low"}
        table = table.rename(
            columns={n: "_".join(turned.get(w, w) for w in n.split("_")) for n in shares}
        )
    found = calibration_table(table)
    row = found.iloc[0]
    assert (row["reached_count"], row["above_count"], row["below_count"]) == (6, 4, 2)
    words = calibration_words(found, SCOPE)
    assert "4 brought more, 2 brought less" in words


def test_what_is_measured_roughly_is_not_said_to_lie_within_its_promise():
    rough = ledger(12, 0.10).assign(realised_low_share=-0.5, realised_high_share=0.7)
    found = calibration_table(rough)
    row = found.iloc[0]
    assert (row["reached_count"], row["told_count"], row["inside_count"]) == (12, 0, 0)
    assert np.isnan(row["inside_share"])
    assert "Too few are measured finely enough" in calibration_words(found, SCOPE)


def test_of_few_past_promises_it_is_said_that_they_are_too_few():
    table = calibration_table(pd.concat([ledger(9, 0.1), ledger(4, 0.1).assign(verdict=CANNOT)]))
    assert np.isnan(table.loc[0, "inside_share"])
    words = calibration_words(table, SCOPE)
    assert words.startswith("Too few to say") and "9 measured, 10 needed" in words


@pytest.mark.slow
def test_true_improvements_of_simulated_companies_are_held_and_others_seldom_shown():
    found = pd.concat([found_and_true(seed, 900) for seed in range(40)])
    held = found["truth_share"].between(found["effect_low_share"], found["effect_high_share"])
    by_improvement = held.groupby(found["improvement_id"]).mean()
    assert by_improvement.between(0.6, 0.95).all(), by_improvement.to_dict()
    shown = (found["verdict"] == EFFECT).groupby(found["improvement_id"]).mean()
    assert shown[["M5", "M6"]].max() <= 0.05
    assert shown[["M2", "M3", "M6"]].max() == 0.0  # too few units to tell
    nothing = pd.concat([found_and_true(seed, 900, False) for seed in range(40)])
    assert (nothing["verdict"] == EFFECT).mean() <= 0.05


def test_a_simulated_company_says_how_much_it_can_tell():
    found = found_and_true(7, 900).set_index("improvement_id")
    assert set(found["verdict"]) <= {EFFECT, "none seen", CANNOT}
    assert found.loc["M3", "method"] == TWIN
    assert found["needed"].str.len().min() > 10


def test_both_pictures_say_in_words_what_they_show():
    tables = improvements(plans(), ASSIGNED, company(0.12), scope=SCOPE).tables
    promises, courses = PICTURES
    assert "Bigger orders: promised +10" in promises(tables["ledger"], SCOPE).alternative_text
    drawn = courses(tables["courses"], SCOPE)
    assert "Bigger orders: +1" in drawn.alternative_text
    assert "<svg" in drawn.svg
    nobody = courses(tables["courses"].iloc[:0], SCOPE)
    assert "Nobody could be compared" in nobody.alternative_text
