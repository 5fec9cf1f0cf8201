"""The revenue chapter: exact parts, equal look-back, sentences no stronger than their intervals."""

from datetime import date
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.display import Display
from analysis.core.periods import FiscalCalendar
from analysis.core.problems import SettingsError
from analysis.core.scope import Scope
from analysis.customers.revenue import RevenueOptions, equal_lookback_months, revenue

CALENDAR = FiscalCalendar()


def _scope(period="2011Q3"):
    return Scope(CALENDAR.parse(period), CALENDAR, Display("GBP"))


def _days(*rows):
    """Rows of (day, kind, has_customer, amount)."""
    frame = pd.DataFrame(rows, columns=["day", "kind", "has_customer", "amount"])
    return frame.assign(
        day=pd.to_datetime(frame["day"]),
        amount=frame["amount"].map(lambda value: Decimal(str(value))),
        is_revenue=True,
        line_count=1,
        invoice_count=1,
    )


def _periods(*rows):
    """Rows of (customer_id, period, revenue_amount, order_count, previous_order_on)."""
    names = ["customer_id", "period", "revenue_amount", "order_count", "previous_order_on"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(
        revenue_amount=frame["revenue_amount"].astype(float),
        previous_order_on=pd.to_datetime(frame["previous_order_on"]),
    )


DAYS = _days(
    ("2010-07-01", "sale", True, 100),
    ("2010-07-02", "sale", False, 10),
    ("2011-04-05", "sale", True, 80),
    ("2011-07-05", "sale", True, 170),
    ("2011-07-05", "return", True, -20),
    ("2011-07-06", "sale", False, 40),
    ("2011-08-06", "bad_debt", False, -5),
)
PERIODS = _periods(
    ("ann", "2010Q3", 100, 1, None),
    ("ann", "2011Q2", 80, 1, "2010-07-01"),
    ("ann", "2011Q3", 90, 2, "2011-04-05"),  # kept
    ("ben", "2011Q3", 60, 1, None),  # never seen
    ("cat", "2011Q3", 0, 0, None),  # a postage line only: not active
)


def _table(result, name):
    return result.tables[name]


def test_headline_counts_and_sums():
    result = revenue(DAYS, PERIODS, scope=_scope())
    values = {name: number.value for name, number in result.headline.items()}
    assert values["revenue"] == 185
    assert values["active_customers"] == 2
    assert values["bought_again"] == 1
    assert values["return_share"] == pytest.approx(20 / 210)
    assert values["no_customer_share"] == pytest.approx(35 / 185)
    assert result.headline["revenue"].before == 80
    assert result.headline["revenue"].year_before == 110


def test_parts_of_the_bridge_are_exact():
    bridge = _table(revenue(DAYS, PERIODS, scope=_scope()), "bridge").set_index("part")["amount"]
    # identified 100 -> 150 with 1 -> 2 customers: (2 - 1) * (100 + 75) / 2 and the rest
    assert bridge.to_dict() == {
        "Number of customers": 87.5,
        "Spend per customer": -37.5,
        "Without a customer": 30.0,
        "Bad debt": -5.0,
    }


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["2010-07-09", "2011-04-09", "2011-07-09"]),
            st.sampled_from(["sale", "return", "fee", "bad_debt"]),
            st.booleans(),
            st.decimals(-999, 999, places=2),
        ),
        min_size=1,
    )
)
def test_parts_sum_to_the_change_whatever_the_lines(rows):
    days = _days(("2010-07-01", "sale", True, 1), *rows)
    result = revenue(days, PERIODS, scope=_scope())
    headline = result.headline["revenue"]
    change = headline.value - headline.year_before
    assert _table(result, "bridge")["amount"].sum() == pytest.approx(change, abs=1e-6)


def test_the_look_back_is_the_same_for_all_compared_quarters():
    # History starts in December 2009; the oldest compared quarter starts in July 2010.
    assert equal_lookback_months(date(2009, 12, 1), _scope()) == 7
    assert equal_lookback_months(date(2009, 12, 2), _scope()) == 6
    assert equal_lookback_months(date(2011, 7, 4), _scope()) == 0


def test_a_quarter_that_cannot_look_back_so_far_has_no_count_of_the_silent():
    quarters = revenue(DAYS, PERIODS, scope=_scope()).tables["quarters"].set_index("period")
    counts = quarters["silent_before_count"]
    assert quarters["lookback_months"].iloc[0] == 9  # from July 2010 to April 2011
    assert counts.loc[:"2011Q1"].isna().all()
    assert counts.loc["2011Q2":].tolist() == [0, 1]


def test_a_quarter_that_the_data_begin_within_is_compared_to_none():
    days = DAYS[DAYS["day"] >= "2010-07-20"].reset_index(drop=True)
    late = _days(("2010-08-20", "sale", True, 1))
    result = revenue(pd.concat([late, days]), PERIODS, scope=_scope())
    assert result.headline["revenue"].year_before is None
    assert "begin within 2010Q3" in " ".join(result.caveats)


def test_a_first_quarter_without_history_says_that_nothing_can_be_compared():
    days = _days(("2011-07-05", "sale", True, 10))
    result = revenue(days, _periods(("ann", "2011Q3", 10, 1, None)), scope=_scope())
    assert result.tables["bridge"].empty
    assert not result.findings
    assert "season is not known" in " ".join(result.caveats)


def test_a_small_difference_is_too_close_to_call():
    rows = []
    for year, kept in ((2010, 6), (2011, 7)):
        for n in range(10):
            rows.append((f"c{n}", f"{year}Q2", 10, 1, None))
        rows += [(f"c{n}", f"{year}Q3", 10, 1, f"{year}-04-09") for n in range(kept)]
    days = _days(*((f"{y}-{m}-01", "sale", True, 50) for y in (2010, 2011) for m in ("04", "07")))
    findings = revenue(days, _periods(*rows), scope=_scope()).findings
    (sentence,) = [f for f in findings if f.metric == "bought_again"]
    assert "too close to call" in sentence.text
    assert sentence.low < 0 < sentence.high


def test_silent_top_customers_are_named_with_what_they_spent():
    rows = [(f"c{n}", "2011Q2", 100 - n, 1, None) for n in range(10)]
    rows += [(f"c{n}", "2011Q3", 10, 1, "2011-04-09") for n in range(1, 10)]
    days = _days(("2011-04-01", "sale", True, 955), ("2011-07-01", "sale", True, 90))
    result = revenue(days, _periods(*rows), scope=_scope())
    assert result.tables["gone"]["customer_id"].tolist() == ["c0"]
    by_quarter = result.tables["gone_by_quarter"].set_index("period")
    assert by_quarter.loc["2011Q3", "gone_count"] == 1
    assert pd.isna(by_quarter.loc["2011Q3", "back_count"])  # nobody knows yet


def test_a_quarter_that_the_data_end_within_is_held_against_none():
    scope = Scope(CALENDAR.parse("2011Q3"), CALENDAR, Display("GBP"), date(2011, 8, 6))
    result = revenue(DAYS, PERIODS, scope=scope)
    assert result.headline["revenue"].before is None
    assert not result.findings
    assert result.tables["bridge"].empty
    assert "data end on 6 August 2011" in result.caveats[0]


def test_another_order_of_rows_changes_nothing():
    mixed = revenue(DAYS.sample(frac=1, random_state=1), PERIODS.iloc[::-1], scope=_scope())
    straight = revenue(DAYS, PERIODS, scope=_scope())
    assert mixed.findings == straight.findings
    for name, table in straight.tables.items():
        pd.testing.assert_frame_equal(mixed.tables[name], table)


def test_leaves_its_input_unchanged():
    days, periods = DAYS.copy(), PERIODS.copy()
    revenue(DAYS, PERIODS, scope=_scope())
    pd.testing.assert_frame_equal(DAYS, days)
    pd.testing.assert_frame_equal(PERIODS, periods)


def test_a_day_is_unavailable_in_words():
    scope = Scope(CALENDAR.parse("2011-07-05"), CALENDAR)
    assert "not a quarter or a year" in revenue(DAYS, PERIODS, scope=scope).unavailable


@pytest.mark.parametrize("share", [0, 1, -0.2, 20])
def test_an_impossible_share_is_refused(share):
    with pytest.raises(SettingsError, match="top_share"):
        RevenueOptions(top_share=share)


def _claim(result, metric):
    return next((f for f in result.findings if f.metric == metric), None)


def _quarters_of(amounts, customer="ann"):
    """One customer and one line a quarter, the amounts of 2010Q3 and then 2011Q2 and 2011Q3."""
    names = ("2010Q3", "2011Q2", "2011Q3")
    days = ("2010-07-01", "2011-04-01", "2011-07-01")
    pairs = [(d, n, a) for d, n, a in zip(days, names, amounts, strict=True) if a is not None]
    lines = _days(*((day, "sale", True, amount) for day, _, amount in pairs))
    return lines, _periods(*((customer, name, amount, 1, None) for _, name, amount in pairs))


def test_one_customer_is_a_report_without_a_usual_range():
    result = revenue(*_quarters_of((100, 80, 150)), scope=_scope())
    finding = _claim(result, "revenue")
    assert finding.text == "Revenue is up £50 on 2010Q3 (+50.0\u00a0%)."
    assert finding.is_unusual is None
    assert "Customer ann alone: +£50." in finding.detail


def test_revenue_that_did_not_change_equals_that_of_a_year_ago():
    finding = _claim(revenue(*_quarters_of((100, 80, 100)), scope=_scope()), "revenue")
    assert finding.text == "Revenue equals that of 2010Q3."


def test_a_base_of_nothing_has_no_relative_change():
    days, periods = _quarters_of((0, 80, 100))
    finding = _claim(revenue(days, periods, scope=_scope()), "revenue")
    assert finding.text == "Revenue is up £100 on 2010Q3."


def test_a_quarter_of_nothing_is_said_as_a_fall_of_all():
    finding = _claim(revenue(*_quarters_of((100, 80, 0)), scope=_scope()), "revenue")
    assert finding.text == "Revenue is down £100 on 2010Q3 (\u2212100.0\u00a0%)."


def test_a_huge_change_is_said_in_full():
    finding = _claim(revenue(*_quarters_of((1, 80, 1_000_000)), scope=_scope()), "revenue")
    assert finding.text.startswith("Revenue is up £1,000\u00a0k on 2010Q3 (+99,999,900.0") or (
        finding.text.startswith("Revenue is up £1.00\u00a0M on 2010Q3 (+99,999,900.0")
    )


def test_without_a_line_in_the_last_quarter_the_year_before_is_still_compared():
    days, periods = _quarters_of((100, None, 150))
    result = revenue(days, periods, scope=_scope())
    assert result.headline["revenue"].before == 0  # nothing was sold then
    assert _claim(result, "revenue").comparison == "2010Q3"


def test_a_young_company_is_held_against_the_quarter_before():
    days, periods = _quarters_of((None, 80, 100))
    finding = _claim(revenue(days, periods, scope=_scope()), "revenue")
    assert finding.text == "Revenue is up £20 on 2011Q2 (+25.0\u00a0%)."


def test_a_target_is_held_against_revenue_and_none_is_said():
    with_target = revenue(DAYS, PERIODS, scope=_scope(), target_amount=200.0)
    assert with_target.headline["revenue"].target == 200.0
    assert with_target.unknown == ()
    assert revenue(DAYS, PERIODS, scope=_scope()).unknown == ("Target: none supplied.",)


def test_a_part_of_a_quarter_is_held_against_no_target():
    scope = Scope(CALENDAR.parse("2011Q3"), CALENDAR, Display("GBP"), date(2011, 8, 6))
    result = revenue(DAYS, PERIODS, scope=scope, target_amount=200.0)
    assert result.headline["revenue"].target is None


def test_trading_days_are_told_of_every_compared_quarter():
    note = revenue(DAYS, PERIODS, scope=_scope()).headline["revenue"].note
    assert note == "per trading day £92 (2 days), £80 in 2011Q2 (1 day), £55 in 2010Q3 (2 days)"


def _many(spend_now, count=200):
    rows, days = [], []
    for n in range(count):
        for name, day, amount in (
            ("2010Q3", "2010-07-01", 100 + n),
            ("2011Q2", "2011-04-01", 100),
            ("2011Q3", "2011-07-01", (100 + (n + 50) % count) * spend_now),
        ):
            rows.append((f"c{n:03d}", name, round(amount, 2), 1, None))
            days.append((day, "sale", True, round(amount, 2)))
    return _days(*days), _periods(*rows)


def test_a_change_that_chance_brings_is_called_so():
    finding = _claim(revenue(*_many(1.01), scope=_scope()), "revenue")
    assert finding.is_unusual is False
    assert finding.text.endswith(", no more than chance brings.")


def test_a_change_beyond_chance_is_not():
    finding = _claim(revenue(*_many(1.5), scope=_scope()), "revenue")
    assert finding.is_unusual is True
    assert "chance brings" not in finding.text
    assert "Chance alone would bring" in finding.detail


def test_a_year_is_the_sum_of_its_quarters_and_of_distinct_customers():
    scope = Scope(CALENDAR.parse("2011"), CALENDAR, Display("GBP"))
    result = revenue(DAYS, PERIODS, scope=scope)
    assert result.headline["revenue"].value == 265  # 80 and 185
    assert result.headline["active_customers"].value == 2
    table = result.tables["quarters"].set_index("period")
    assert table.loc["2011", "kept_count"] == 1  # ann also ordered in 2010
    assert "no order in the" in result.definitions["No order before"]
    assert "year" in result.definitions["Active customer"]


def test_a_fiscal_year_takes_its_own_quarters():
    calendar = FiscalCalendar(start_month=4)
    days = _days(("2010-05-01", "sale", True, 10), ("2011-02-01", "sale", True, 5))
    periods = _periods(("ann", "2011Q1", 10, 1, None), ("ann", "2011Q4", 5, 1, "2010-05-01"))
    scope = Scope(calendar.parse("2011"), calendar, Display("GBP"))
    result = revenue(days, periods, scope=scope)
    assert result.headline["revenue"].value == 15
    assert result.headline["active_customers"].value == 1
