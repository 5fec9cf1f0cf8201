"""Effects: false alarms, recovery, placebos, one treated unit, one series, what would be needed."""

import numpy as np
import pandas as pd
import pytest

from analysis.strategy.effect import (
    ALONE,
    CANNOT,
    EFFECT,
    NONE_SEEN,
    TWIN,
    Effect,
    difference_in_differences,
)
from analysis.strategy.effect_needed import effort_needed, fewest_units
from analysis.strategy.effect_series import (
    AS_BEFORE,
    CHANGED,
    interrupted_series,
    newey_west,
    step_of,
)
from analysis.strategy.effect_twin import one_treated_unit, synthetic_control, twin_gaps


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


@pytest.fixture(scope="module")
def without_effect() -> list[Effect]:
    """400 times twelve units of whom five are treated, to no effect."""
    return [difference_in_differences(panel(12, 0.0, 5, n), starts(5), 0) for n in range(400)]


def test_no_more_than_one_in_twenty_without_an_effect_is_called_one(without_effect):
    assert np.mean([one.verdict == EFFECT for one in without_effect]) <= 0.05
    assert np.mean([one.p_value <= 0.05 for one in without_effect]) == pytest.approx(
        0.05, abs=0.025
    )


def test_the_range_at_a_date_before_anything_was_done_holds_nothing_in_95_of_100(without_effect):
    held = [one.placebo_low <= 0 <= one.placebo_high for one in without_effect]
    assert np.mean(held) == pytest.approx(0.95, abs=0.025)
    seen = [one.placebo_p_value <= 0.05 for one in without_effect]
    assert np.mean(seen) == pytest.approx(0.05, abs=0.025)


def test_ranges_hold_the_truth_as_often_as_they_say(without_effect):
    assert np.mean([one.low <= 0 <= one.high for one in without_effect]) == pytest.approx(
        0.8, abs=0.04
    )


def test_a_planted_effect_is_found_and_held_by_its_range():
    found = [difference_in_differences(panel(14, 3.0, 6, seed), starts(6), 0) for seed in range(40)]
    assert np.mean([one.verdict == EFFECT for one in found]) > 0.75
    assert np.mean([one.low <= 3.0 <= one.high for one in found]) == pytest.approx(0.8, abs=0.15)
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


def test_nothing_is_an_effect_where_the_time_before_cannot_be_looked_at():
    table = panel(14, 8.0, 6, 1, periods=6)  # three periods before
    found = difference_in_differences(table, starts(6, 3), 0)
    assert found.p_value <= 0.05
    assert found.verdict == CANNOT
    assert "too few periods before" in found.why


# --- one treated unit ---------------------------------------------------------------------------


def test_one_treated_unit_is_found_by_its_twin_and_held_by_the_range():
    found = [one_treated_unit(panel(30, 5.0, 1, seed), "u00", 12) for seed in range(12)]
    assert {one.method for one in found} == {TWIN}
    assert np.mean([one.verdict == EFFECT for one in found]) > 0.6
    assert np.mean([one.value for one in found]) == pytest.approx(5.0, abs=0.6)
    assert np.mean([one.low <= 5.0 <= one.high for one in found]) > 0.6


def test_one_unit_without_an_effect_is_seldom_called_one():
    found = [one_treated_unit(panel(24, 0.0, 1, seed), "u00", 12) for seed in range(30)]
    assert np.mean([one.p_value <= 0.05 for one in found]) <= 0.1
    assert np.mean([one.placebo_low <= 0 <= one.placebo_high for one in found]) > 0.88


def test_an_effect_is_found_where_twins_of_others_fit_exactly_before():
    # 6 quarters before and 24 others: some twins fit by luck, and divided by nothing drown all.
    short = [panel(25, 6 * 1.25, 1, seed, periods=12) for seed in range(20)]
    found = [one_treated_unit(table, "u00", 6) for table in short]
    assert np.mean([one.p_value <= 0.05 for one in found]) >= 0.7
    null = [one_treated_unit(panel(25, 0.0, 1, seed, periods=12), "u00", 6) for seed in range(40)]
    # 5 % of 40 are 2; more than 5 come with a chance of 1 in 70.
    assert sum(one.p_value <= 0.05 for one in null) <= 5


def test_one_of_nine_units_can_conclude_nothing_however_large():
    found = one_treated_unit(panel(9, 50.0, 1, 0), "u00", 12)
    assert found.p_value == pytest.approx(1 / 9)
    assert found.verdict == CANNOT
    assert "too few units" in found.why


def test_every_other_unit_gets_a_twin_too_and_the_treated_one_is_part_of_none():
    table = panel(6, 0.0, 1, 4)
    gaps = twin_gaps(table, "u00", 12)
    assert list(gaps.index) == [f"u{n:02d}" for n in range(6)]
    table.loc["u00"] += 1000.0
    assert np.allclose(twin_gaps(table, "u00", 12).iloc[1:], gaps.iloc[1:])


def test_a_unit_above_all_others_has_a_twin_of_its_course():
    table = panel(5, 0.0, 0, 3)
    table.loc["u00"] = 0.5 * table.loc["u01"] + 0.5 * table.loc["u02"] + 100.0
    assert one_treated_unit(table, "u00", 12).value == pytest.approx(0, abs=0.01)


def test_without_units_measured_throughout_there_is_no_twin():
    table = panel(4, 0.0, 1, 0)
    table.iloc[1:, 3] = np.nan
    assert "measured in every period" in one_treated_unit(table, "u00", 12).why
    assert "too few periods" in one_treated_unit(panel(4, 0.0, 1, 0), "u00", 1).why


# --- one series ---------------------------------------------------------------------------------


def series(seed: int, step: float, periods: int = 36, hold: float = 0.3) -> pd.Series:
    draw = np.random.default_rng(seed)
    values = np.zeros(periods)
    for time in range(1, periods):
        values[time] = hold * values[time - 1] + draw.normal()
    return pd.Series(values + 0.1 * np.arange(periods) + step * (np.arange(periods) >= 20))


def test_errors_that_hang_together_are_those_worked_by_hand():
    # Mean of 1, 2, 4: errors -4/3, -1/3, 5/3; lag 1 has weight 1/2.
    left = np.array([-4.0, -1.0, 5.0]) / 3
    by_hand = ((16 + 1 + 25) + 2 * 0.5 * (4 - 5)) / 9 / 9
    assert newey_west(np.ones((3, 1)), left, 1)[0, 0] == pytest.approx(by_hand)
    assert newey_west(np.ones((3, 1)), left, 0)[0, 0] == pytest.approx(42 / 81)


def test_a_straight_course_with_a_step_is_found_exactly():
    found = step_of(2.0 + 0.5 * np.arange(20) + 3.0 * (np.arange(20) >= 9), 9)
    assert found.value == pytest.approx(3.0)
    assert found.error == pytest.approx(0, abs=1e-9)


def test_a_series_without_a_change_is_seldom_said_to_have_one():
    for hold in (0.0, 0.6):
        found = [interrupted_series(series(n, 0.0, hold=hold), 20) for n in range(120)]
        assert np.mean([one.why == AS_BEFORE for one in found]) >= 0.88
        assert np.mean([one.low <= 0 <= one.high for one in found]) >= 0.7


def test_a_change_is_told_without_a_cause():
    found = interrupted_series(series(1, 9.0), 20)
    assert found.why == CHANGED
    assert found.low < 9.0 < found.high
    assert found.method == ALONE
    assert found.verdict == CANNOT
    assert not {"effect", "because", "works", "caused"} & set(found.why.split())


def test_a_series_that_changed_at_an_earlier_date_too_keeps_no_course():
    values = series(3, 9.0)
    values.iloc[10:20] -= 15.0
    assert "at an earlier date too" in interrupted_series(values, 20).why


def test_a_short_series_says_nothing():
    found = interrupted_series(pd.Series([1.0, 2.0, 3.0, 4.0]), 2)
    assert "too few periods" in found.why
    assert np.isnan(found.value)


# --- what would be needed -----------------------------------------------------------------------


def test_three_against_three_need_a_fourth_on_each_side_at_least():
    found = difference_in_differences(panel(6, 0.0, 3, 0), starts(3), 0)
    needed = effort_needed(found, 1000.0)
    assert fewest_units() == 4
    assert (needed.units_each, needed.further_units) == (4, 2)
    assert "4 units with it and 4 without (now 3 and 3, so 2 more)" in needed.words
    assert "more time alone does not do it" in needed.words


def test_with_so_many_units_as_are_said_to_be_needed_8_in_10_are_found():
    found = difference_in_differences(panel(200, 0.0, 100, 0), starts(100), 0)
    target = 1.5
    each = int(effort_needed(found, target).units_each)
    again = [
        difference_in_differences(panel(2 * each, target, each, n), starts(each), 0)
        for n in range(60)
    ]
    assert np.mean([one.p_value <= 0.05 for one in again]) == pytest.approx(0.8, abs=0.1)


def test_more_time_after_helps_only_as_far_as_the_time_before_goes():
    common = {"verdict": NONE_SEEN, "p_value": 0.5, "least_p_value": 0.001, "unit_spread": 1.0}
    common |= {"treated_count": 8, "control_count": 8, "before_count": 12, "after_count": 1}
    found = Effect("no more than chance makes", **common)
    needed = effort_needed(found, 1.0)
    assert needed.further_periods == 2
    assert needed.further_weeks == 26
    assert "at least 2 more quarters (26 weeks)" in needed.words
    assert np.isnan(effort_needed(found, 0.2).further_periods)
    assert effort_needed(found, 5.0).words.startswith("nothing: an effect as promised would have")


def test_where_nothing_is_known_of_units_the_fewest_are_said():
    needed = effort_needed(Effect("nobody", treated_count=1, control_count=0), float("nan"))
    assert needed.further_units == 7
    assert "at least 4 units with it and 4 without" in needed.words


def test_where_nobody_could_look_before_no_unlikeness_is_claimed():
    found = difference_in_differences(panel(14, 8.0, 6, 1, periods=6), starts(6, 3), 0)
    words = effort_needed(found, 1.0).words
    assert words == "quarters before the start: there are too few to look at"


def test_units_that_were_unlike_before_need_a_lot_not_more_of_them():
    table = panel(14, 0.0, 6, 1)
    table.iloc[:6] += np.arange(24) * 0.5
    needed = effort_needed(difference_in_differences(table, starts(6), 0), 1.0)
    assert "chosen by lot" in needed.words
