"""The pulse: usual ranges that keep to their budget of false alarms, and days that add up."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.display import Display
from analysis.core.periods import FiscalCalendar
from analysis.core.problems import SettingsError
from analysis.core.scope import Scope
from analysis.customers import pulse as pulse_module
from analysis.customers.pulse import PulseOptions, pulse
from analysis.customers.pulse_limits import FEWEST_VALUES, judged, restored, stabilised
from analysis.customers.pulse_series import revenue_between
from analysis.customers.revenue import revenue

CALENDAR = FiscalCalendar()
FIRST = date(2010, 1, 4)  # a Monday
BUDGET = PulseOptions().chance_share


def scope_of(text, known_to=None):
    return Scope(CALENDAR.parse(text), CALENDAR, Display("GBP"), known_to)


def tables(amounts, orders=None):
    """Return company_days and company_periods of one amount a day from FIRST on; None: closed."""
    open_days = [(FIRST + timedelta(days=n), a) for n, a in enumerate(amounts) if a is not None]
    days = pd.DataFrame(open_days, columns=["day", "amount"])
    company_days = pd.DataFrame(
        {
            "day": pd.to_datetime(days["day"]).astype("datetime64[us]"),
            "kind": "sale",
            "has_customer": True,
            "amount": [Decimal(str(round(a, 2))) for a in days["amount"]],
            "is_revenue": True,
            "line_count": 1,
            "invoice_count": 1,
        }
    )
    rows = []
    for place, (day, _) in enumerate(open_days):
        count = 10 if orders is None else int(orders[place])
        for cadence in ("daily", "biweekly"):
            span = CALENDAR.containing(day, cadence)
            rows.append((cadence, span.name, pd.Timestamp(span.starts_on), count, count))
    names = ["cadence", "period", "starts_on", "order_count", "active_count"]
    periods = pd.DataFrame(rows, columns=names)
    key = ["cadence", "period", "starts_on"]
    return company_days, periods.groupby(key, as_index=False).sum()


def day_name(amounts):
    return (FIRST + timedelta(days=len(amounts) - 1)).isoformat()


def run(amounts, **more):
    return pulse(*tables(amounts), scope=scope_of(day_name(amounts)), **more)


def noisy(seed, count=200):
    return list(np.random.default_rng(seed).gamma(20, 50, size=count).round(2))


@pytest.mark.parametrize("kind", ["normal", "gamma", "heavy", "orders"])
def test_an_unchanged_series_keeps_to_the_budget_of_false_alarms(kind):
    random = np.random.default_rng(5)
    draws = {
        "normal": lambda size: random.normal(100, 10, size),
        "gamma": lambda size: random.gamma(2, 50, size),
        "heavy": lambda size: random.lognormal(3, 1.2, size),
        "orders": lambda size: random.poisson(4, size),
    }
    trials = 1500
    alarms = 0
    for _ in range(trials):
        verdict = judged(stabilised(draws[kind](150)), BUDGET)
        alarms += verdict.is_beyond or verdict.is_drifting
    # Three such numbers make a report; by design one report in 50 has a false alarm. Where fewer
    # past values than one in a chart's chance are known, a heavy tail may take three times as much.
    assert alarms / trials <= 3 * 2 * BUDGET


def test_whole_reports_of_an_unchanged_business_keep_to_the_budget(monkeypatch):
    monkeypatch.setattr(pulse_module, "pulse_chart", lambda *_: None)
    monkeypatch.setattr(pulse_module, "_REPLAYED", 1)
    random = np.random.default_rng(8)
    amounts = random.gamma(8, 100, size=520).round(2)
    company_days, periods = tables(list(amounts), random.poisson(30, size=520))
    alarms = 0
    ends = range(320, 520)
    for end in ends:
        day = FIRST + timedelta(days=end - 1)
        known = company_days[company_days["day"] <= pd.Timestamp(day)]
        result = pulse(known, periods, scope=scope_of(day.isoformat()))
        alarms += not result.findings[0].text.startswith("Nothing unusual")
    assert alarms <= 2 * len(ends) / PulseOptions().reports_per_false_alarm


def test_a_day_far_beyond_its_range_is_a_finding_with_both():
    amounts = noisy(1)
    amounts[-1] = 5000.0
    (first, *_) = run(amounts).findings
    assert first.text.startswith("Net revenue: £5.00\u00a0k is above what is usual on a ")
    assert first.is_unusual


def test_a_usual_day_says_that_nothing_is_unusual():
    amounts = noisy(2)
    amounts[-1] = 1000.0
    (only,) = run(amounts).findings
    assert only.text.startswith("Nothing unusual")
    assert only.is_unusual is False


def test_a_slow_fall_is_seen_before_any_single_day_is_odd():
    amounts = list(np.random.default_rng(4).normal(1000, 50, size=200).round(2))
    amounts[-6:] = [value - 120 for value in amounts[-6:]]
    texts = [finding.text for finding in run(amounts).findings]
    assert any("has drifted" in text for text in texts)


def test_closed_weekdays_are_no_alarm_and_no_part_of_the_limits():
    amounts = noisy(3, 203)
    closed = [None if n % 7 == 6 else a for n, a in enumerate(amounts)][:202]
    closed[-1] = 1000.0
    assert run(closed).findings[0].text.startswith("Nothing unusual")


def test_too_little_history_is_said():
    result = run([100.0] * 20)
    assert result.findings == ()
    assert "Too little history" in result.caveats[0]
    assert "too little history" in result.headline["revenue"].note


def test_limits_need_a_dozen_values():
    assert judged(np.arange(float(FEWEST_VALUES)), BUDGET) is None
    assert judged(np.arange(FEWEST_VALUES + 1.0), BUDGET) is not None


def test_a_series_that_never_moved_is_as_usual_and_any_step_is_not():
    flat = np.ones(30)
    assert not judged(flat, BUDGET).is_beyond
    assert judged(np.append(flat, 2.0), BUDGET).is_beyond


def test_a_fortnight_is_held_against_those_before_it():
    amounts = noisy(6, 14 * 40)
    amounts[-14:] = [10 * value for value in amounts[-14:]]
    period = CALENDAR.containing(FIRST + timedelta(days=len(amounts) - 1), "biweekly")
    result = pulse(*tables(amounts), scope=scope_of(period.name))
    assert "is above what is usual for a fortnight" in result.findings[0].text
    assert "season is not taken out" in " ".join(result.caveats)


def test_a_fortnight_of_a_season_is_usual_when_there_was_one_a_year_ago():
    days = np.arange(14 * 78)
    season = np.where((days // 14) % 26 == 25, 3.0, 1.0)
    amounts = list((np.random.default_rng(7).gamma(20, 50, size=len(days)) * season).round(2))
    period = CALENDAR.containing(FIRST + timedelta(days=len(amounts) - 1), "biweekly")
    result = pulse(*tables(amounts), scope=scope_of(period.name))
    assert result.findings[0].text.startswith("Nothing unusual")


def test_a_fortnight_that_the_data_end_within_is_judged_by_nobody():
    amounts = noisy(6, 14 * 30 + 3)
    end = FIRST + timedelta(days=len(amounts) - 1)
    period = CALENDAR.containing(end, "biweekly")
    result = pulse(*tables(amounts), scope=scope_of(period.name, end))
    assert result.findings == ()
    assert result.headline["revenue"].before is None


def test_a_quarter_is_not_the_pulses_business():
    result = pulse(*tables([1.0]), scope=scope_of("2010Q1"))
    assert "neither a day nor a fortnight" in result.unavailable


def test_without_a_line_there_is_nothing_to_watch():
    days, periods = tables([1.0])
    assert (
        "No invoice lines"
        in pulse(days.iloc[:0], periods, scope=scope_of("2010-01-04")).unavailable
    )


def test_a_day_without_a_line_after_trade_has_no_verdict():
    amounts = noisy(9)
    later = (FIRST + timedelta(days=len(amounts) + 1)).isoformat()
    result = pulse(*tables(amounts), scope=scope_of(later))
    assert result.headline["revenue"].value == 0
    assert result.findings == ()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-99_999, 99_999), min_size=1, max_size=200))
def test_days_and_fortnights_add_up_to_the_quarter_to_the_cent(cents):
    days, _ = tables([c / 100 for c in cents])
    quarter = CALENDAR.parse("2010Q1")
    inside = [c for n, c in enumerate(cents) if FIRST + timedelta(days=n) in quarter]
    singles = CALENDAR.between(quarter.starts_on, quarter.last_day, "daily")
    assert round(100 * revenue_between(days, quarter)) == sum(inside)
    assert round(100 * sum(revenue_between(days, day) for day in singles)) == sum(inside)
    last = FIRST + timedelta(days=len(cents) - 1)
    fortnights = CALENDAR.between(FIRST, last, "biweekly")
    assert round(100 * sum(revenue_between(days, f) for f in fortnights)) == sum(cents)


def test_the_daily_results_add_up_to_the_quarterly_and_annual_results(monkeypatch):
    monkeypatch.setattr(pulse_module, "pulse_chart", lambda *_: None)
    monkeypatch.setattr(pulse_module, "_REPLAYED", 1)
    days, periods = tables(noisy(10, 726))  # 4 January 2010 to 30 December 2011
    nobody = pd.DataFrame(
        {
            "customer_id": ["ann"],
            "period": ["2011Q1"],
            "revenue_amount": [1.0],
            "order_count": [1],
            "previous_order_on": pd.to_datetime([None]),
        }
    )
    quarter = CALENDAR.parse("2011Q1")
    daily = [
        pulse(days, periods, scope=scope_of(day.name)).headline
        for day in CALENDAR.between(quarter.starts_on, quarter.last_day, "daily")
    ]
    by_quarter = {
        name: revenue(days, nobody, scope=scope_of(name)).headline["revenue"].value
        for name in ("2011Q1", "2011Q2", "2011Q3", "2011Q4")
    }
    total = sum(headline["revenue"].value for headline in daily)
    assert total == pytest.approx(by_quarter["2011Q1"], abs=0.004)
    assert daily[-1]["quarter_so_far"].value == pytest.approx(by_quarter["2011Q1"], abs=0.004)
    year = revenue(days, nobody, scope=scope_of("2011")).headline["revenue"].value
    assert sum(by_quarter.values()) == pytest.approx(year, abs=0.004)


def test_another_order_of_rows_changes_nothing_and_inputs_stay():
    days, periods = tables(noisy(11))
    scope = scope_of(day_name(noisy(11)))
    kept = days.copy()
    straight = pulse(days, periods, scope=scope)
    mixed = pulse(days.sample(frac=1, random_state=1), periods.iloc[::-1], scope=scope)
    assert mixed.findings == straight.findings
    for name, table in straight.tables.items():
        pd.testing.assert_frame_equal(mixed.tables[name], table)
    pd.testing.assert_frame_equal(days, kept)


@given(st.floats(-1e6, 1e6))
def test_square_roots_keep_sign_and_size(value):
    assert restored(float(stabilised([value])[0])) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("count", [1, 0, -5])
def test_an_impossible_budget_is_refused(count):
    with pytest.raises(SettingsError, match="reports_per_false_alarm"):
        PulseOptions(reports_per_false_alarm=count)
