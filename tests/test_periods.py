"""Fiscal periods: texts, windows, year ends, leap years."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.core.periods import CADENCES, FiscalCalendar, known_to
from analysis.core.problems import SettingsError

calendars = st.builds(
    FiscalCalendar,
    start_month=st.integers(1, 12),
    named_by=st.sampled_from(["start", "end"]),
    biweekly_anchor_on=st.dates(date(2000, 1, 1), date(2030, 1, 1)),
)
days = st.dates(date(1990, 1, 1), date(2060, 12, 31))


@pytest.mark.parametrize(
    ("text", "cadence", "starts_on", "ends_before"),
    [
        ("2011Q3", "quarterly", date(2011, 7, 1), date(2011, 10, 1)),
        ("2011Q4", "quarterly", date(2011, 10, 1), date(2012, 1, 1)),
        ("2012", "annual", date(2012, 1, 1), date(2013, 1, 1)),
        ("2012-02-29", "daily", date(2012, 2, 29), date(2012, 3, 1)),
        ("2024-01-15--2024-01-28", "biweekly", date(2024, 1, 15), date(2024, 1, 29)),
    ],
)
def test_text_names_cadence_and_half_open_window(text, cadence, starts_on, ends_before):
    period = FiscalCalendar().parse(text)
    assert (period.cadence, period.starts_on, period.ends_before) == (
        cadence,
        starts_on,
        ends_before,
    )


@pytest.mark.parametrize(
    ("named_by", "quarter", "year"), [("end", "2026Q1", "2026"), ("start", "2025Q1", "2025")]
)
def test_fiscal_year_from_july_is_named_by_the_year_of_its_end_or_start(named_by, quarter, year):
    calendar = FiscalCalendar(7, named_by)
    assert calendar.containing(date(2025, 7, 1), "quarterly").name == quarter
    assert calendar.containing(date(2026, 6, 30), "annual").name == year


@pytest.mark.parametrize(
    "text", ["2011Q5", "2011q1", "../../x", "2011-02-30", "", "2011Q3 ", "0000Q1", "9999Q4", "٢٠١١"]
)
def test_refuses_what_names_no_period(text):
    with pytest.raises(SettingsError, match="expected: 2026"):
        FiscalCalendar().parse(text)


def test_refuses_a_fortnight_off_the_grid_and_names_the_right_one():
    with pytest.raises(SettingsError, match="2024-01-01--2024-01-14"):
        FiscalCalendar().parse("2024-01-02--2024-01-15")


def test_a_text_of_another_cadence_is_refused_when_the_cadence_is_given():
    with pytest.raises(SettingsError, match="quarterly"):
        FiscalCalendar().parse("2011", "quarterly")


def test_last_complete_period_waits_for_its_last_day():
    calendar = FiscalCalendar()
    assert calendar.last_complete(date(2011, 9, 29), "quarterly").name == "2011Q2"
    assert calendar.last_complete(date(2011, 9, 30), "quarterly").name == "2011Q3"


def test_a_weekend_without_lines_does_not_cut_a_quarter_short():
    friday = date(2026, 6, 26)
    assert known_to("quarterly", friday) == date(2026, 6, 28)
    assert known_to("daily", friday) == friday


@given(calendars, days, st.sampled_from(CADENCES))
def test_every_day_lies_in_exactly_one_period_and_its_text_reads_back(calendar, day, cadence):
    period = calendar.containing(day, cadence)
    assert day in period
    assert calendar.parse(period.name) == period
    following = calendar.shift(period, 1)
    assert following.starts_on == period.ends_before
    assert calendar.shift(following, -1) == period
    assert period.last_day + timedelta(days=1) == period.ends_before


@given(calendars, days)
def test_quarters_tile_the_year(calendar, day):
    year = calendar.containing(day, "annual")
    quarters = calendar.between(year.starts_on, year.last_day, "quarterly")
    assert len(quarters) == 4
    assert [q.name for q in quarters] == [f"{year.name}Q{n}" for n in (1, 2, 3, 4)]
    assert sum(q.day_count for q in quarters) == year.day_count
