"""Tables for people: headings, formats, intervals, missing values."""

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from report_examples import FORMULA, SCRIPT, growth_result

from analysis.core.display import Display
from analysis.report.captions import CAPTIONS, caption_of
from analysis.report.tables import human, table, view

POUNDS = Display("GBP", "en_GB")
NB = "\u00a0"


def shown(frame, **how):
    return view(pd.DataFrame(frame), "growth.made_up", POUNDS, **how)


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("forecast_quarter_amount", "Forecast quarter"),
        ("customer_id", "Customer"),
        ("order_count", "Orders"),
        ("trading_day_count", "Trading days"),
        ("category_count", "Categories"),
        ("rejected_count", "Rejected"),
        ("recency_days", "Recency, days"),
        ("is_new", "New"),
        ("amount", "Amount"),
        ("To decide", "To decide"),
    ],
)
def test_a_column_name_becomes_a_heading(name, heading):
    assert human(name) == heading


def test_values_are_written_by_the_kind_in_the_name():
    found = shown(
        {
            "customer_id": ["0012"],
            "revenue_amount": [Decimal("66433.50")],
            "return_share": [0.021],
            "order_count": [1234],
            "last_order_on": [pd.Timestamp("2011-09-28")],
            "month": [pd.Timestamp("2011-09-01")],
            "is_new": [True],
            "next_products": [["cup", "tea"]],
            "score": [0.12345],
        }
    )
    day = f"28{NB}September{NB}2011"
    assert found.rows == [
        ["0012", "£66,434", f"2.1{NB}%", "1,234", day, "Sep 2011", "yes", "cup, tea", "0.12"]
    ]


def test_what_is_missing_is_a_dash_in_every_kind_of_column():
    found = shown(
        {
            "text": [None],
            "number": [np.nan],
            "day": [pd.NaT],
            "flag": pd.array([pd.NA], dtype="boolean"),
            "products": [[]],
        }
    )
    assert found.rows == [["–"] * 5]


def test_the_ends_of_an_interval_share_a_column():
    found = shown(
        {
            "forecast_quarter_amount": [98_123.0, np.nan],
            "forecast_quarter_low_amount": [61_000.0, np.nan],
            "forecast_quarter_high_amount": [142_000.0, np.nan],
        }
    )
    assert [heading.text for heading in found.headings] == [
        "Forecast quarter",
        f"80{NB}% interval",
    ]
    assert found.rows == [["£98,100", "£61,000 to £142,000"], ["–", "–"]]


def test_an_interval_that_no_declaration_calls_80_per_cent_is_not_called_so():
    found = shown({"lift_low_share": [0.1], "lift_high_share": [0.3]})
    assert found.headings[0].text == "Lift, interval"


def test_estimates_show_three_digits_and_facts_show_all():
    found = shown({"forecast_amount": [98_123.0], "revenue_amount": [98_123.0]})
    assert found.rows == [["£98,100", "£98,123"]]


def test_small_money_keeps_its_pence():
    assert shown({"price_amount": [1.2, 3.456]}).rows == [["£1.20"], ["£3.46"]]


def test_rows_and_columns_that_are_left_out_are_counted():
    found = shown({f"c{i}": range(30) for i in range(12)}, rows=20)
    assert found.note == "20 of 30 rows shown, 9 of 12 columns shown"


def test_of_a_long_list_of_ids_those_with_most_money_are_shown():
    frame = {"customer_id": list("abc"), "x_share": [0.9, 0.1, 0.5], "y_amount": [1.0, None, 500.0]}
    found = shown(frame, rows=2)
    assert [row[0] for row in found.rows] == ["c", "a"]
    assert found.note == "2 of 3 rows shown, largest by y first"
    assert [row[0] for row in shown(frame).rows] == ["a", "b", "c"]


def test_columns_can_be_chosen_and_named():
    found = shown({"a_count": [1], "b_count": [2]}, columns={"b_count": "Bees", "gone": "Gone"})
    assert ([h.text for h in found.headings], found.rows) == (["Bees"], [["2"]])


def test_a_table_without_rows_says_so():
    assert "No rows." in str(table_of(pd.DataFrame({"day": pd.Series([], dtype="object")})))


def table_of(frame):
    result = growth_result()
    return table(
        type(result)(result.name, "", "2011Q3", date(2011, 9, 30), tables={"t": frame}),
        "t",
        POUNDS,
    ).html


def test_a_table_that_a_result_does_not_have_is_nothing():
    assert not table(growth_result(), "no_such_table", POUNDS).html


def test_what_data_hold_is_text():
    html = table(growth_result(), "customer_growth", POUNDS).html
    assert SCRIPT not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert FORMULA.replace('"', "&#34;") in html


def test_a_table_is_readable_by_machine_and_leads_to_its_numbers():
    html = table(growth_result(), "backtest", POUNDS).html
    assert "<caption>Forecasts of earlier periods and what came, by method</caption>" in html
    assert html.count('scope="col"') == 6  # two ends of the interval are one column
    assert html.count('scope="row"') == 3
    assert 'href="downloads/growth.backtest.csv"' in html


def test_a_table_leaves_its_input_unchanged():
    result = growth_result()
    before = result.tables["customer_growth"].copy(deep=True)
    table(result, "customer_growth", POUNDS)
    pd.testing.assert_frame_equal(result.tables["customer_growth"], before)


def test_a_table_has_words_above_it_not_its_name():
    assert caption_of("growth.totals") == "Forecasts added up, by level"
    assert shown({"a": [1]}).caption == "Made up"  # no words are known: the name, in words
    assert shown({"a": [1]}, caption="Given").caption == "Given"
    assert caption_of("throughput.bridge") != caption_of("revenue.bridge")
    words = [words for tables in CAPTIONS.values() for words in tables.values()]
    assert not [one for one in words if "_" in one or one[0].islower()]


def test_a_table_can_be_ordered_by_a_column_of_one_s_choice():
    frame = {"customer_id": list("abc"), "x_amount": [9.0, 1.0, 5.0], "gap_amount": [1.0, 3.0, 2.0]}
    found = shown(frame, rows=2, order="gap_amount")
    assert [row[0] for row in found.rows] == ["b", "c"]
    assert found.note == "2 of 3 rows shown, largest by gap first"


def test_a_name_that_repeats_the_id_is_left_out():
    same = shown({"customer_id": ["a", "b"], "customer_name": ["a", "b"], "order_count": [1, 2]})
    assert [h.text for h in same.headings] == ["Customer", "Orders"]
    other = shown({"customer_id": ["a", "b"], "customer_name": ["a", "c"], "order_count": [1, 2]})
    assert len(other.headings) == 3
