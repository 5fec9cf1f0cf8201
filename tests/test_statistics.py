"""Shared statistics against published values and definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.core.statistics import (
    detectable_lift,
    normalised_gini,
    share_difference_interval,
    wilson_interval,
)


@pytest.mark.parametrize(
    ("successes", "low", "high"), [(4, 0.016, 0.098), (16, 0.101, 0.244)]
)  # worked example of the conversion of 4 % and 16 %
def test_wilson_interval_of_the_worked_example(successes, low, high):
    assert wilson_interval(successes, 100, 0.95) == pytest.approx((low, high), abs=0.0006)


def test_wilson_interval_without_trials_says_nothing():
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_newcombe_interval_of_the_published_example():
    # Newcombe 1998, table II (a): 56/70 - 48/80, method 10.
    assert share_difference_interval((56, 70), (48, 80)) == pytest.approx(
        (0.0524, 0.3339), abs=0.0001
    )


def test_gini_of_the_truth_is_one_and_of_a_constant_nought():
    truth = [0.0, 5.0, 1.0, 9.0]
    assert normalised_gini(truth, truth) == pytest.approx(1)
    assert normalised_gini(truth, [1, 1, 1, 1]) == pytest.approx(0)
    assert normalised_gini(truth, [-t for t in truth]) == pytest.approx(-1)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=2), st.randoms())
def test_gini_does_not_depend_on_the_order_of_rows(pairs, random):
    shuffled = pairs.copy()
    random.shuffle(shuffled)
    values = [
        normalised_gini(*map(np.array, zip(*rows, strict=True))) for rows in (pairs, shuffled)
    ]
    assert values[0] == pytest.approx(values[1], nan_ok=True)


def test_a_small_group_shows_only_a_large_lift():
    assert detectable_lift(31, 0.45) == pytest.approx(0.354, abs=0.001)
    assert detectable_lift(0, 0.45) == 1
