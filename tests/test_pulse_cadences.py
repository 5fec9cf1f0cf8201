"""One definition at every level: days, fortnights, quarters and years of one company add up."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from features_examples import Line, features_of, project_in

from analysis.core.periods import Period
from analysis.core.scope import Scope
from analysis.customers import pulse as pulse_module
from analysis.customers.pulse import pulse
from analysis.customers.revenue import revenue

# The company's year 2024: April 2023 to March 2024. Two quarters' ends with trade on both sides,
# a leap day, the days of 23 and of 25 hours, the year's last day among them, and the day after it.
DAYS = (
    *("2023-04-01", "2023-05-17", "2023-06-30", "2023-07-01", "2023-08-09", "2023-09-30"),
    *("2023-10-01", "2023-10-28", "2023-10-29", "2023-10-30", "2023-12-31", "2024-01-01"),
    *("2024-02-28", "2024-02-29", "2024-03-01", "2024-03-30", "2024-03-31", "2024-04-01"),
)
SETTINGS = 'fiscal_year_start_month = 4\nbiweekly_anchor_on = "2023-04-03"'
QUARTERS = ("2024Q1", "2024Q2", "2024Q3", "2024Q4")


def lines() -> list[Line]:
    made = []
    for number, day in enumerate(DAYS):
        made.append(Line("ann", f"A{number}", day, f"{10 + number}.{37 + number}"))
        made.append(Line("ben" if number % 2 else "cat", f"B{number}", day, f"0.{11 + number}"))
        if number % 3 == 0:
            made.append(Line("ann", f"C{number}", day, f"-{number}.03", kind="return"))
    return made


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """The calendar and the tables as of the end of the year after, so that no day is missing."""
    project = project_in(tmp_path_factory.mktemp("levels"), SETTINGS)
    return project.calendar, features_of(project, lines(), "2025Q1")


@pytest.fixture
def levels(company, monkeypatch):
    """Every day and fortnight by the pulse, every quarter and year by the revenue chapter."""
    monkeypatch.setattr(pulse_module, "pulse_chart", lambda *_: None)
    monkeypatch.setattr(pulse_module, "_REPLAYED", 1)
    monkeypatch.setattr(pulse_module, "_SHOWN", 400)
    calendar, tables = company
    days_table, periods = tables["company_days"].reset_index(), tables["company_periods"]
    both = (days_table, periods.reset_index())

    def watched(name: str) -> pd.DataFrame:
        return pulse(*both, scope=Scope(calendar.parse(name), calendar)).tables["periods"]

    def told(name: str) -> float:
        scope = Scope(calendar.parse(name), calendar)
        found = revenue(days_table, tables["customer_periods"].reset_index(), scope=scope)
        return found.headline["revenue"].value

    fortnight = calendar.containing(date(2024, 3, 31), "biweekly").name
    return calendar, watched("2024-03-31"), watched(fortnight), told


def within(days: pd.DataFrame, period: Period) -> pd.Series:
    return days["starts_on"].map(lambda day: day.date() in period)


def cents(amounts: object) -> list[int]:
    return [round(100 * float(amount)) for amount in np.atleast_1d(amounts)]


def test_days_of_each_quarter_add_up_to_the_quarter_and_quarters_to_the_year(levels):
    calendar, days, _, told = levels
    assert len(days) == 366
    for name in QUARTERS:
        mine = within(days, calendar.parse(name))
        assert sum(cents(days.loc[mine, "revenue_amount"])) == cents(told(name))[0]
    by_quarter = [cents(told(name))[0] for name in QUARTERS]
    assert sum(by_quarter) == cents(told("2024"))[0] == sum(cents(days["revenue_amount"]))
    by_hand = sum(cents(line.amount)[0] for line in lines() if line.invoiced_on < "2024-04-01")
    assert sum(by_quarter) == by_hand


def test_days_add_up_to_each_fortnight_in_money_and_orders(levels):
    calendar, days, fortnights, _ = levels
    assert len(fortnights) == 26
    for row in fortnights.itertuples():
        mine = within(days, calendar.parse(row.period))
        assert mine.sum() == 14
        assert sum(cents(days.loc[mine, "revenue_amount"])) == cents(row.revenue_amount)[0]
        assert days.loc[mine, "order_count"].sum() == row.order_count


def test_orders_of_days_add_up_to_those_of_quarters_and_years(levels, company):
    calendar, days, _, _ = levels
    periods = company[1]["company_periods"].reset_index().set_index(["cadence", "period"])
    customers = company[1]["customer_periods"].reset_index()
    for name in QUARTERS:
        mine = within(days, calendar.parse(name))
        count = days.loc[mine, "order_count"].sum()
        assert count == periods.loc[("quarterly", name), "order_count"]
        assert count == customers.loc[customers["period"] == name, "order_count"].sum()
    assert days["order_count"].sum() == periods.loc[("annual", "2024"), "order_count"] == 34


def test_a_leap_day_and_days_of_23_and_25_hours_are_days_like_others(levels):
    _, days, _, _ = levels
    rows = days.set_index("period")
    for number, day in enumerate(DAYS[:-1]):
        amount = sum(cents(line.amount)[0] for line in lines() if line.invoiced_on == day)
        assert cents(rows.loc[day, "revenue_amount"])[0] == amount, day
        assert rows.loc[day, "order_count"] == 2, (number, day)
    assert rows["revenue_amount"].ne(0).sum() == len(DAYS) - 1
