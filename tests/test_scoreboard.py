"""The scoreboard: planted misses are found, parts balance, and bad grades are said."""

from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.periods import FiscalCalendar
from analysis.core.problems import SettingsError
from analysis.core.result import Result
from analysis.core.scope import Scope
from analysis.customers.scoreboard import ScoreboardOptions, scoreboard
from analysis.customers.scoreboard_measures import OUR_MODEL
from analysis.customers.scoreboard_past import COMPANY_PART, past_forecasts

CALENDAR = FiscalCalendar()
SCOPE = Scope(CALENDAR.parse("2025Q1"))
# customer, quarter, revenue
PERIODS = [
    ("ada", "2024Q1", 100.00),
    ("ada", "2024Q4", 60.00),
    ("ada", "2025Q1", 110.00),
    ("bob", "2024Q4", 40.00),
    ("bob", "2025Q1", 10.10),
    ("cyd", "2024Q2", 20.00),  # bought nothing in the quarter that is graded
    ("dot", "2025Q1", 5.05),  # joined after the forecast
    ("eve", "2024Q4", -3.00),  # sent something back, never ordered: no forecast
    ("eve", "2025Q1", -1.00),
]
NO_CUSTOMER = Decimal("7.77")
# customer -> forecast, low, high, target, segment
FORECASTS = {
    "ada": (100.0, 80.0, 120.0, 105.0, "Often"),
    "bob": (50.0, 30.0, 70.0, 45.0, "Often"),
    "cyd": (1.0, 0.0, 5.0, None, "Rare"),
}


def customer_periods(rows=PERIODS):
    table = pd.DataFrame(rows, columns=["customer_id", "period", "revenue_amount"])
    starts = [CALENDAR.parse(period).starts_on for period in table["period"]]
    return table.assign(starts_on=pd.to_datetime(starts))


def company_days(rows=PERIODS, without=NO_CUSTOMER):
    """Return a day per line; half of it is of a kind that is no revenue and must not count."""
    days = [
        (CALENDAR.parse(period).starts_on, True, Decimal(str(amount)), True)
        for _, period, amount in rows
    ]
    days += [("2025-03-31", False, without, True), ("2025-03-31", False, Decimal(900), False)]
    table = pd.DataFrame(days, columns=["day", "has_customer", "amount", "is_revenue"])
    return table.assign(day=pd.to_datetime(table["day"]))


def frozen(
    forecasts=FORECASTS, origin="2024Q4", horizon="quarter", made_at="2025-01-05", whole=None
):
    """Return the rows that the ledger would hold of one run."""
    first = CALENDAR.shift(CALENDAR.parse(origin), 1)
    last = CALENDAR.shift(first, 3 if horizon == "year" else 0)
    numbers = [
        ("customer", customer, measure, statistic, value, row[-1])
        for customer, row in forecasts.items()
        for measure, statistic, value in zip(
            ["revenue"] * 3 + ["target"], ["point", "low", "high", "point"], row[:4], strict=True
        )
        if value is not None
    ]
    total = sum(row[0] for row in forecasts.values())
    ends = (("point", total), ("low", total - 20), ("high", total + 20))
    numbers += [("company", "", "revenue", name, value, None) for name, value in ends]
    if whole is not None:
        numbers += [("whole company", "", "revenue", "point", whole, None)]
        numbers += [("whole company", "", "revenue", "low", whole - 20, None)]
        numbers += [("whole company", "", "revenue", "high", whole + 20, None)]
        numbers += [("part", "customers yet to come", "revenue", "point", 4.0, None)]
    columns = ["scope", "scope_id", "measure", "statistic", "value_amount", "segment_name"]
    return pd.DataFrame(numbers, columns=columns).assign(
        origin=origin,
        horizon=horizon,
        period=first.name if horizon == "quarter" else f"{first} to {last}",
        starts_on=pd.Timestamp(first.starts_on),
        ends_on=pd.Timestamp(last.last_day),
        made_at=pd.Timestamp(made_at),
    )


def graded(rows=None, segments=None, **changes):
    table = frozen() if rows is None else rows
    return scoreboard(table, customer_periods(), company_days(), segments, scope=SCOPE, **changes)


def sentences(result):
    return " ".join(f"{finding.text} {finding.detail}" for finding in result.findings)


def test_a_first_run_says_that_there_is_nothing_to_grade():
    nothing = frozen().iloc[:0]
    assert graded(nothing).unavailable.startswith("None frozen to grade yet")
    not_over = frozen(origin="2025Q1")
    assert graded(not_over).unavailable.startswith("None frozen to grade yet")


def test_grades_the_frozen_forecast_beside_the_simple_rules():
    grades = graded().tables["grades"].set_index("model")
    assert grades["forecast_amount"].to_dict() == {
        OUR_MODEL: 151.0,
        "last quarter again": 100.0,  # 60 + 40 + 0
        "mean of four quarters": 55.0,  # (160 + 40 + 20) / 4
    }
    assert set(grades["actual_amount"].round(2)) == {120.10}  # 110 + 10.10 + 0
    ours = grades.loc[OUR_MODEL]
    assert ours["total_error_share"] == pytest.approx(151 / 120.10 - 1)
    assert ours["normalised_gini"] == pytest.approx(1)  # the order is right
    assert ours["rmse_amount"] == pytest.approx(((10**2 + 39.9**2 + 1) / 3) ** 0.5)
    # bob misses all: a third outside; the ranges are 40, 40 and 5 wide, bob is 19.90 below his.
    assert ours["interval_share"] == pytest.approx(2 / 3)
    assert ours["interval_score_amount"] == pytest.approx((40 + 40 + 5 + 10 * 19.9) / 3)
    assert (ours["target_count"], ours["target_attained_share"]) == (2, 0.5)
    assert grades["interval_share"].isna().tolist() == [False, True, True]
    assert "Together they were €150; these customers brought €120" in sentences(graded())


def test_customers_who_joined_later_have_a_line_and_all_lines_are_the_company():
    parts = graded().tables["parts"]
    assert parts[["part", "actual_amount"]].values.tolist() == [
        ["customers with a forecast", 120.10],
        ["customers who joined after the forecast", 5.05],
        ["other customers without a forecast", -1.00],
        ["revenue without a customer", 7.77],
        ["company", 131.92],
    ]
    assert "to the cent" in sentences(graded())


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(-10_000_000, 10_000_000), min_size=4, max_size=9),
    st.integers(-10_000_000, 10_000_000),
)
def test_parts_equal_the_company_to_the_cent(cents, without):
    rows = [("ada", "2024Q4", 60.0)]
    rows += [(f"c{n}" if n else "ada", "2025Q1", amount / 100) for n, amount in enumerate(cents)]
    days = company_days(rows, Decimal(without) / 100)
    (past,) = past_forecasts(frozen(), customer_periods(rows), days, SCOPE)
    parts = past.parts.set_index("part")["actual_amount"]
    total = round(float(parts.drop(COMPANY_PART).sum()), 2)
    assert total == float(parts[COMPANY_PART]) == round((sum(cents) + without) / 100, 2)


def test_says_when_parts_do_not_balance():
    short = customer_periods().query("customer_id != 'dot'")
    result = scoreboard(frozen(), short, company_days(), scope=SCOPE)
    assert "short by €5.05" in sentences(result)
    assert any("short by €5.05" in caveat for caveat in result.caveats)


def test_says_plainly_that_a_forecast_was_bad():
    bad = FORECASTS | {"cyd": (400.0, 390.0, 410.0, 395.0, "Rare")}
    text = sentences(graded(frozen(bad)))
    assert "was 358.0 % too high: €550 forecast, €120 came" in text.replace("\u00a0", " ")
    assert "“last quarter again” in 0 of 4 measures" in text
    assert "A simple rule was as good or better for single customers, tenths of customers" in text
    assert "the ranges were too narrow" in text
    assert "did not hold" in text


def test_a_forecast_made_in_time_is_no_replay():
    in_time = graded(frozen(made_at="2025-01-05"))
    later = graded(frozen(made_at="2025-04-01"))
    assert not in_time.tables["grades"]["is_replay"].any()
    assert "replay" not in sentences(in_time)
    assert later.tables["grades"]["is_replay"].all()
    assert "a replay" in sentences(later)


def test_the_whole_company_is_graded_where_it_was_forecast():
    result = graded(frozen(whole=160.0))
    text = sentences(result)
    assert "€160 was forecast of 2025Q1 and €132 came" in text
    assert "€140 to €180, did not hold it" in text
    assert "Customers who joined after the forecast €4 forecast, €5 came" in text
    parts = result.tables["parts"].set_index("part")["forecast_amount"].dropna()
    assert parts.to_dict() == {
        "customers with a forecast": 151.0,
        "customers who joined after the forecast": 4.0,
        "company": 160.0,
    }
    assert "was forecast of" not in sentences(graded())


def test_grades_a_year_when_it_is_over_against_four_times_the_rules():
    year = frozen(origin="2024Q1", horizon="year")
    quarter = frozen(origin="2024Q1")
    rows = pd.concat([year, quarter, frozen()], ignore_index=True)
    grades = graded(rows).tables["grades"]
    assert grades["period"].drop_duplicates().tolist() == [
        "2024Q2",
        "2025Q1",
        "2024Q2 to 2025Q1",
    ]
    own = grades[grades["horizon"] == "year"].set_index("model")
    assert own["actual_amount"].round(2).tolist() == [240.10] * 3  # ada 170, bob 50.10, cyd 20
    assert own.loc["last quarter again", "forecast_amount"] == 400.0
    assert own.loc["mean of four quarters", "forecast_amount"] == 100.0
    assert "Over 2 graded quarters" in sentences(graded(rows))


def test_the_order_of_rows_changes_nothing():
    rows = frozen()
    shuffled = rows.sample(frac=1, random_state=1)
    again = scoreboard(shuffled, customer_periods(PERIODS[::-1]), company_days(), scope=SCOPE)
    for name, table in graded().tables.items():
        pd.testing.assert_frame_equal(again.tables[name], table)


def test_leaves_its_input_unchanged_and_survives_saving(tmp_path):
    tables = (frozen(), customer_periods(), company_days())
    copies = [table.copy(deep=True) for table in tables]
    result = scoreboard(*tables, scope=SCOPE)
    for table, copy in zip(tables, copies, strict=True):
        pd.testing.assert_frame_equal(table, copy)
    result.save(tmp_path / "scoreboard")
    loaded = Result.load(tmp_path / "scoreboard")
    assert loaded.headline == result.headline
    assert list(loaded.tables) == ["grades", "parts", "deciles", "groups", "promises", "customers"]
    assert "forecast €151" in loaded.charts["graded"].alternative_text


def test_a_quarter_without_revenue_has_no_error_but_a_sentence():
    rows = [row for row in PERIODS if row[1] != "2025Q1"]
    days = company_days(rows, Decimal(0))
    result = scoreboard(frozen(), customer_periods(rows), days, scope=SCOPE)
    assert result.tables["grades"]["total_error_share"].isna().all()
    assert "total_error" not in result.headline
    assert "€151 forecast, €0 came" in sentences(result)


def test_refuses_an_impossible_share_of_targets():
    with pytest.raises(SettingsError, match="between 0 and 1"):
        ScoreboardOptions(attained_share=1.5)
