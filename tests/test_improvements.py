"""Improvements: closed forms, parts that sum, false alarms, recovery, and "cannot conclude"."""

import numpy as np
import pandas as pd
import pytest

from analysis.core.periods import FiscalCalendar
from analysis.core.problems import SettingsError
from analysis.core.scope import Scope
from analysis.strategy.effect import (
    CANNOT,
    EFFECT,
    difference_in_differences,
    synthetic_control,
)
from analysis.strategy.improvement_panels import Measured, driver_panel
from analysis.strategy.improvement_value import Base, value_table
from analysis.strategy.improvements import ImprovementsOptions, improvements

CALENDAR = FiscalCalendar()
SCOPE = Scope(CALENDAR.parse("2025Q4"), CALENDAR)
QUARTERS = [f"{year}Q{number}" for year in (2023, 2024, 2025) for number in (1, 2, 3, 4)]


def panel(units: int, effect: float, treated: int, seed: int, periods: int = 24) -> pd.DataFrame:
    """AR(1) noise (.6) around a level of each unit; the first `treated` rise from the middle on."""
    draw = np.random.default_rng(seed)
    noise = np.zeros((units, periods))
    shocks = draw.normal(0, 1, (units, periods))
    for time in range(periods):
        noise[:, time] = 0.6 * noise[:, max(time - 1, 0)] + shocks[:, time]
    values = draw.normal(0, 3, (units, 1)) + noise + draw.normal(0, 1, (1, periods))
    values[:treated, periods // 2 :] += effect
    names = [f"u{n:02d}" for n in range(units)]
    return pd.DataFrame(values, index=names, columns=range(periods))


def starts(count: int, start: int = 12) -> dict[str, int]:
    return {f"u{n:02d}": start for n in range(count)}


def test_the_difference_is_the_plain_one():
    table = pd.DataFrame(
        [[1.0, 1.0, 5.0, 5.0], [2.0, 2.0, 3.0, 3.0], [0.0, 0.0, 1.0, 1.0]], index=["t", "a", "b"]
    )
    found = difference_in_differences(table, {"t": 2}, seed=0)
    assert found.value == pytest.approx(4.0 - 1.0)
    assert (found.treated_count, found.control_count) == (1, 2)


def test_no_more_than_one_in_twenty_without_an_effect_is_called_one():
    found = [
        difference_in_differences(panel(12, 0.0, 5, seed), starts(5), 0) for seed in range(1000)
    ]
    assert np.mean([one.verdict == EFFECT for one in found]) <= 0.05


def test_a_date_before_anything_was_done_covers_nothing_in_95_of_100():
    found = [
        difference_in_differences(panel(12, 0.0, 5, seed), starts(5), 0) for seed in range(1000)
    ]
    assert np.mean([one.placebo_p_value <= 0.05 for one in found]) <= 0.06


def test_a_planted_effect_is_found_and_held_by_its_range():
    found = [difference_in_differences(panel(14, 3.0, 6, seed), starts(6), 0) for seed in range(40)]
    assert np.mean([one.verdict == EFFECT for one in found]) > 0.75
    assert np.mean([one.low <= 3.0 <= one.high for one in found]) > 0.7
    assert np.mean([one.value for one in found]) == pytest.approx(3.0, abs=0.25)


def test_three_against_three_can_conclude_nothing():
    found = difference_in_differences(panel(6, 20.0, 3, 0), starts(3), 0)
    assert found.least_p_value == pytest.approx(0.10)
    assert found.p_value == pytest.approx(0.10)
    assert found.verdict == CANNOT
    assert "too few units" in found.why


def test_treated_units_on_another_course_before_are_not_called_an_effect():
    table = panel(14, 0.0, 6, 1)
    table.iloc[:6] += np.arange(24) * 0.5  # they rose all along
    found = difference_in_differences(table, starts(6), 0)
    assert found.p_value <= 0.05
    assert found.verdict == CANNOT


def test_staggered_starts_are_each_held_against_the_same_quarters():
    table = panel(16, 0.0, 0, 2)
    table.iloc[0, 8:] += 5.0
    table.iloc[1, 16:] += 5.0
    table.iloc[2, 8:] += 5.0
    found = difference_in_differences(table, {"u00": 8, "u01": 16, "u02": 8}, 0)
    assert found.low <= 5.0 <= found.high


def test_without_units_or_periods_to_compare_nothing_is_known():
    table = panel(4, 0.0, 4, 0)
    assert difference_in_differences(table, starts(4), 0).verdict == CANNOT
    assert "too few periods" in difference_in_differences(table, {"u00": 0}, 0).why
    assert difference_in_differences(table, {"nobody": 3}, 0).control_count == 4


def test_a_synthetic_control_follows_what_it_is_made_of():
    table = panel(5, 0.0, 0, 3)
    table.loc["u00"] = 0.3 * table.loc["u01"] + 0.7 * table.loc["u02"]
    made = synthetic_control(table, "u00", 12)
    assert made.to_numpy() == pytest.approx(table.loc["u00"].to_numpy(), abs=1e-3)
    assert synthetic_control(table, "u00", 1).isna().all()


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
    assert row["low"] <= 0.12 <= row["high"]
    ledger = found.tables["ledger"].set_index("improvement_id")
    assert ledger.loc["A", "kept"] == "kept"
    assert "shown to work: Bigger orders" in found.findings[1].text


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
