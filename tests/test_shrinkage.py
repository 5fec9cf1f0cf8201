"""Rates of small groups drawn to that of all, and parts that sum to a difference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.decomposition import product_parts, shapley
from analysis.core.shrinkage import shrunk_rates, shrunk_shares
from analysis.core.statistics import false_discovery_levels


def test_the_best_raw_share_of_ten_sellers_looks_six_points_too_good_and_the_shrunk_one_does_not():
    draw = np.random.default_rng(0)
    raw_error = shrunk_error = 0.0
    raw_lead, shrunk_lead = [], []
    for _ in range(80):
        truth = draw.beta(14, 86, 10)
        trials = draw.integers(20, 121, 10)
        won = draw.binomial(trials, truth)
        raw, shrunk = won / trials, shrunk_shares(won, trials)["share"].to_numpy()
        raw_error += float(((raw - truth) ** 2).sum())
        shrunk_error += float(((shrunk - truth) ** 2).sum())
        raw_lead.append(raw.max() - truth[raw.argmax()])
        shrunk_lead.append(shrunk.max() - truth[shrunk.argmax()])
    assert shrunk_error / raw_error == pytest.approx(0.45, abs=0.05)
    assert np.mean(raw_lead) == pytest.approx(0.06, abs=0.01)
    assert abs(np.mean(shrunk_lead)) < 0.01


def test_the_first_example_of_the_sales_process_is_drawn_together_but_stays_in_order():
    table = shrunk_shares([16, 4], [100, 100])
    assert 0.04 < table["share"][1] < table["share"][0] < 0.16
    assert table["below_share"][1] > 0.85 > 0.2 > table["below_share"][0]


def test_a_group_without_trials_gets_the_common_share():
    table = shrunk_shares([5, 0], [50, 0])
    assert table["share"][1] == pytest.approx(table["common_share"][1])


def test_rates_of_large_groups_stay_and_of_small_ones_move():
    table = shrunk_rates([2000, 3], [1000, 3])
    assert table["rate"][0] == pytest.approx(2.0, abs=0.01)
    assert 1.3 < table["rate"][1] < 2.0


def test_intervals_of_shrunk_rates_hold_the_truth_about_as_often_as_they_claim():
    draw = np.random.default_rng(3)
    held = total = 0
    for _ in range(50):
        truth = draw.gamma(60, 20 / 60, 8)
        table = shrunk_rates(draw.poisson(truth), np.ones(8))
        held += int(((table["low"] <= truth) & (truth <= table["high"])).sum())
        total += 8
    assert 0.72 <= held / total <= 0.9


def test_false_discovery_levels_equal_the_published_procedure():
    levels = false_discovery_levels([0.01, 0.04, 0.03, np.nan, 0.5])
    assert levels[[0, 1, 2, 4]] == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert np.isnan(levels[3])


def test_few_reports_without_a_difference_hold_a_false_alarm():
    draw = np.random.default_rng(4)
    alarms = [(false_discovery_levels(draw.random(24)) <= 0.05).any() for _ in range(1000)]
    assert np.mean(alarms) < 0.07
    plain = [(draw.random(24) <= 0.05).any() for _ in range(1000)]
    assert np.mean(plain) > 0.6


FACTORS = st.floats(0.01, 100)


@given(st.lists(st.tuples(FACTORS, FACTORS), min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_parts_of_a_product_sum_to_its_change(pairs: list[tuple[float, float]]):
    before = {str(n): first for n, (first, _) in enumerate(pairs)}
    now = {str(n): second for n, (_, second) in enumerate(pairs)}
    change = np.prod(list(now.values())) - np.prod(list(before.values()))
    assert sum(product_parts(before, now).values()) == pytest.approx(change, rel=1e-9, abs=1e-9)


def test_a_cause_that_does_not_matter_gets_nothing_and_equal_causes_the_same():
    parts = shapley(["a", "b", "idle"], lambda s: 10.0 if {"a", "b"} <= s else 0.0)
    assert parts == pytest.approx({"a": 5, "b": 5, "idle": 0})


def test_more_causes_than_can_be_shared_out_exactly_are_refused():
    with pytest.raises(ValueError, match="13 causes; at most 12"):
        shapley([str(n) for n in range(13)], lambda s: float(len(s)))
