"""Numbers put into words, at the edges of every rule."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.core.display import Display
from analysis.core.result import Number
from analysis.report.comparisons import change, changes, interval_text, names_before, sparkline

POUNDS = Display("GBP", "en_GB")
NB = "\u00a0"


def texts(number, period="2011Q3"):
    return changes(number, period, POUNDS)


def test_a_number_is_compared_with_the_quarter_before_and_with_a_year_ago():
    number = Number("Revenue", 2_383_668, "amount", before=1_907_664, year_before=2_085_663)
    assert texts(number) == [f"+25.0{NB}% on 2011Q2", f"+14.3{NB}% on 2010Q3"]


def test_the_quarter_before_the_first_one_is_the_last_of_the_year_before():
    assert names_before("2011Q1") == ("2010Q4", "2010Q1")


def test_an_annual_number_is_compared_with_one_year_only():
    number = Number("Revenue", 110, "amount", before=100, year_before=100)
    assert texts(number, "2011") == [f"+10.0{NB}% on 2010"]


def test_a_fortnight_of_another_grid_is_compared_in_words():
    assert names_before("2024-01-03--2024-01-16") == ("the period before", "a year ago")


def test_shares_change_in_points_not_in_per_cent():
    assert change(0.608, 0.578, "share", "2010Q3", POUNDS) == "+3.0 points on 2010Q3"


@pytest.mark.parametrize(
    ("now", "then", "text"),
    [
        (100, 100, "unchanged on Q"),
        (100, 100.01, "unchanged on Q"),  # rounds to nothing
        (99, 100, f"−1.0{NB}% on Q"),
        (0, 100, f"−100.0{NB}% on Q"),
        (1_000, 100, "10 times Q"),
        (1e5, 1e-9, f"+£100{NB}k on Q"),  # dust of a sum
        (50, 0, "+£50 on Q"),  # nothing to relate to
        (-50, 100, "−£150 on Q"),  # the sign turns
        (50, -100, "+£150 on Q"),
        (0, 0, "unchanged on Q"),
    ],
)
def test_an_amount_changes_in_per_cent_unless_that_has_no_meaning(now, then, text):
    assert change(now, then, "amount", "Q", POUNDS) == text


@pytest.mark.parametrize("missing", [None, math.nan])
def test_nothing_is_said_of_a_value_that_is_missing(missing):
    assert change(1, missing, "amount", "Q", POUNDS) is None
    assert change(missing, 1, "amount", "Q", POUNDS) is None


def test_an_estimate_shows_its_interval_and_no_change():
    number = Number("Forecast", 2.9e6, "amount", low=2.5e6, high=3.31e6, before=2.4e6)
    assert interval_text(number, POUNDS) == f"80{NB}% interval £2.50{NB}M to £3.31{NB}M"
    assert texts(number) == []


def test_a_sparkline_needs_three_known_values():
    assert sparkline((1, 2)) is None
    assert sparkline((1, None, 2)) is None
    assert sparkline((1, 2, 3)) is not None


@given(st.lists(st.floats(-1e12, 1e12), min_size=3, max_size=60))
def test_a_sparkline_stays_within_its_box(history):
    line = sparkline(tuple(history))
    points = [tuple(map(float, pair.split(","))) for pair in line.points.split()]
    assert len(points) <= 20
    assert all(0 <= x <= line.width and 0 <= y <= line.height for x, y in points)


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.sampled_from(["amount", "share", "count"]))
def test_the_sign_in_the_text_tells_the_direction(now, then, kind):
    found = change(now, then, kind, "Q", POUNDS)
    rises, falls = ("+", *"123456789"), ("−",)
    assert found.startswith(("unchanged", *(rises if now > then else falls)))


def test_days_and_fortnights_are_named_in_words():
    assert names_before("2026-06-15--2026-06-28") == ("1 to 14 June 2026", "16 to 29 June 2025")
    assert names_before("2026-07-13--2026-07-26")[0] == "29 June 2026 to 12 July 2026"
    assert names_before("2026-06-30") == ("29 June 2026", "the same weekday a year ago")
