"""The pulse: usual ranges that keep to their budget of false alarms, and days that add up."""

import re
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
from analysis.customers.pulse_changes import change_table
from analysis.customers.pulse_limits import (
    FEWEST_VALUES,
    Verdict,
    judged,
    restored,
    seen_after,
    stabilised,
)
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


WEEKDAYS = np.array([1.3, 1.1, 1.0, 0.9, 0.7, 0.0, 0.0])


def shop(seed: int, fall: float = 0.0, fallen: int = 0) -> tuple[pd.DataFrame, Scope]:
    """Return 460 days: orders negative binomial by weekday, amounts lognormal, closed weekends.

    For the last `fallen` days the level is lower by the share `fall`.
    """
    draw, place = np.random.default_rng(seed), np.arange(460)
    level = 30 * WEEKDAYS[place % 7] * np.where(place >= 460 - fallen, 1 - fall, 1)
    orders = draw.negative_binomial(20, 20 / (20 + level))
    days = [FIRST + timedelta(days=int(n)) for n in place]
    table = pd.DataFrame({"period": [day.isoformat() for day in days]})
    table = table.assign(
        starts_on=pd.to_datetime(days),
        revenue_amount=[float(draw.lognormal(4, 1, count).sum()) for count in orders],
        order_count=orders,
        active_count=orders - draw.binomial(orders, 0.1),
    )
    return table, scope_of(days[-1].isoformat())


def test_many_measures_of_an_unchanged_business_together_keep_to_the_budget_of_100_days():
    alarms = [pulse_module._replayed(*shop(seed), BUDGET).sum() for seed in range(8)]
    design = 100 / PulseOptions().reports_per_false_alarm  # for all three numbers and six charts
    assert 0 < np.mean(alarms) <= design


def test_a_business_that_halves_is_seen_within_eight_trading_days(monkeypatch):
    monkeypatch.setattr(pulse_module, "_REPLAYED", 12)
    seen = [pulse_module._replayed(*shop(seed, 0.5, 12), BUDGET).any() for seed in range(16)]
    assert np.mean(seen) >= 0.75


def test_the_chapter_states_its_budget_and_how_soon_a_fall_is_seen():
    words = " ".join(run(noisy(3)).caveats)
    assert "at most about one day in 50 of an unchanged business raises an alarm" in words
    assert re.search(
        r"A lasting fall of revenue by half is seen in about \d+ days? of trade", words
    )
    assert "a lasting fall of revenue by a fifth is seen only by luck" in words


def test_a_shift_is_seen_when_its_average_leaves_the_bound():
    verdict = Verdict(-4.0, 4.0, False, False, 1.0)
    assert seen_after(verdict, 5.0) == 1
    assert seen_after(verdict, 2.0) == 4  # 1 - 0.8 ** 3 = 0.488, 1 - 0.8 ** 4 = 0.590
    assert seen_after(verdict, -1.0) == float("inf")


LABELS = {"revenue_amount": "Net revenue"}


def test_a_fortnight_changes_by_its_difference_with_the_range_of_earlier_ones():
    steady = pd.DataFrame({"revenue_amount": [100.0, 121.0] * 20})
    rows = change_table(steady, LABELS).set_index("against")
    one = rows.loc["the fortnight before"]
    assert (one["before"], one["now"], one["change"]) == (100.0, 121.0, 21.0)
    # Roots went from 10 to 11 and back 38 times: their changes have a deviation of 1.01.
    half = 1.3042 * np.sqrt(38 / 37) * np.sqrt(1 + 1 / 38)
    assert one["change_low"] == pytest.approx((11 - half) ** 2 - 100, abs=0.05)
    assert one["change_high"] == pytest.approx((11 + half) ** 2 - 100, abs=0.05)
    assert rows.loc["the same fortnight a year ago", "change"] == 0


def test_the_range_of_a_change_holds_nothing_in_8_of_10():
    draw = np.random.default_rng(2)
    held = []
    for _ in range(300):
        values = pd.DataFrame({"revenue_amount": draw.gamma(30, 100, 40)})
        row = change_table(values, LABELS).iloc[0]
        held.append(row["change_low"] <= 0 <= row["change_high"])
    assert np.mean(held) == pytest.approx(0.8, abs=0.06)


def test_a_day_is_held_against_its_weekday_and_never_against_the_day_before():
    revenue_number = run(noisy(6, 400)).headline["revenue"]
    assert revenue_number.before is None
    assert revenue_number.year_before is not None
    assert "usual on a " in revenue_number.note


def test_changes_are_of_whole_fortnights_only():
    amounts = noisy(6, 14 * 60)
    name = CALENDAR.containing(FIRST + timedelta(days=len(amounts) - 1), "biweekly").name
    assert len(pulse(*tables(amounts), scope=scope_of(name)).tables["changes"]) == 6
    assert "changes" not in run(noisy(6)).tables
    short = change_table(pd.DataFrame({"revenue_amount": [1.0] * 5}), LABELS)
    assert short["change_low"].isna().all()


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
