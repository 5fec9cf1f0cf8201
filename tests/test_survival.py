"""Time to an end with open cases: identities, a worked example, and recovery of a known truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.statistics import wilson_interval
from analysis.core.survival import aalen_johansen, kaplan_meier, median_time

CASES = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(["won", "lost", ""])), min_size=1, max_size=60
)


def test_kaplan_meier_equals_the_textbook_product():
    table = kaplan_meier([1, 2, 3, 4], [True, True, False, True])
    assert table["time"].tolist() == [1, 2, 4]
    assert table["at_risk_count"].tolist() == [4, 3, 1]
    assert table["waiting_share"].tolist() == pytest.approx([0.75, 0.5, 0.0])


def test_kaplan_meier_is_the_plain_share_when_nobody_waits():
    durations = np.array([5, 1, 3, 3, 9, 2])
    table = kaplan_meier(durations, np.ones(6, bool))
    plain = [(durations > time).mean() for time in table["time"]]
    assert table["waiting_share"].tolist() == pytest.approx(plain)


def test_kaplan_meier_of_nothing_but_waiting_has_no_row():
    assert kaplan_meier([3, 4], [False, False]).empty


@given(CASES)
@settings(max_examples=60, deadline=None)
def test_won_lost_and_open_sum_to_one_at_each_time(cases: list[tuple[int, str]]):
    found = aalen_johansen(*zip(*cases, strict=True))
    total = found.open_share + sum(found.shares.values(), np.zeros(len(found.times)))
    assert total == pytest.approx(np.ones(len(found.times)))
    assert all((variance >= 0).all() for variance in found.variances.values())


def test_young_deals_do_not_pull_the_win_rate_down():
    # One in seven is won in the end; those of the last weeks have had no time yet.
    draw = np.random.default_rng(1)
    ends, is_won = draw.exponential(90, 4000), draw.random(4000) < 0.14
    known_for = draw.uniform(0, 400, 4000)
    causes = np.where(ends > known_for, "", np.where(is_won, "won", "lost"))
    found = aalen_johansen(np.minimum(ends, known_for), causes)
    truth = 0.14 * (1 - np.exp(-365 / 90))
    assert found.at(365, "won") == pytest.approx(truth, abs=0.015)
    low, high = found.interval(365, "won", 0.95)
    assert low < truth < high
    assert (causes == "won").mean() < 0.115  # what a plain count would have said


def test_intervals_hold_the_truth_about_as_often_as_they_claim():
    draw = np.random.default_rng(2)
    truth, held = 0.3 * (1 - np.exp(-1)), 0
    for _ in range(300):
        ends, is_won = draw.exponential(100, 80), draw.random(80) < 0.3
        known_for = draw.uniform(50, 250, 80)
        causes = np.where(ends > known_for, "", np.where(is_won, "won", "lost"))
        low, high = aalen_johansen(np.minimum(ends, known_for), causes).interval(100, "won")
        held += low <= truth <= high
    assert 0.74 <= held / 300 <= 0.87


def test_cases_seen_late_are_not_at_risk_before():
    # The second case came under observation after 5; the end at 2 had one case at risk.
    found = aalen_johansen([2, 8], ["won", "won"], entries=[0, 5])
    assert found.at_risk.tolist() == [1, 1]


def test_no_end_seen_is_no_proof_of_none():
    found = aalen_johansen([10, 12], ["lost", ""])
    assert found.open_at(5) == 1
    assert found.open_at(11) == 0.5
    assert found.interval(11, "lost")[0] > 0
    assert found.interval(5, "lost") == (0.0, wilson_interval(0, 2)[1])
    assert found.interval(20, "won") == (0.0, wilson_interval(0, 1)[1])
    assert aalen_johansen([], []).interval(5, "lost") == (0.0, 1.0)


def test_much_data_without_an_end_or_with_all_ended_is_told_narrowly():
    lost = aalen_johansen(np.arange(1, 201), ["lost"] * 200)
    assert lost.interval(300, "won") == (0.0, wilson_interval(0, 200)[1])
    assert lost.interval(300, "lost") == (wilson_interval(200, 200)[0], 1.0)
    assert lost.interval(300, "lost")[0] > 0.98
    waiting = aalen_johansen([100.0] * 50 + [3.0] * 50, [""] * 100)
    assert waiting.interval(50, "won") == (0.0, wilson_interval(0, 50)[1])
    assert waiting.interval(101, "won") == (0.0, 1.0)


def test_the_median_is_unknown_while_most_are_open():
    assert median_time(aalen_johansen([1, 2, 3], ["won", "lost", "won"])) == 2
    assert np.isnan(median_time(aalen_johansen([1, 5, 5], ["won", "", ""])))
