"""Downloads hold every row, exactly, and nothing that a spreadsheet would run."""

import csv
import io
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_examples import FORMULA, growth_result

from analysis.report.downloads import csv_text, safe_text, write_downloads


def cells(frame):
    text = csv_text(frame).removeprefix("\ufeff")
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", " =", "\u00a0@"])
def test_text_that_begins_like_a_formula_is_made_text(start):
    assert safe_text(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize("text", ["Müller", "0012", "a=b", "", "1-2", "'=1"])
def test_other_text_stays_as_it_is(text):
    assert safe_text(text) == text


def test_numbers_stay_numbers_in_full():
    frame = pd.DataFrame(
        {
            "change_amount": [-1204.05, 0.1],
            "exact_amount": [Decimal("-10.0001"), Decimal("12345678901234.5678")],
            "order_count": pd.array([-3, pd.NA], dtype="Int64"),
        }
    )
    assert cells(frame) == [
        ["change_amount", "exact_amount", "order_count"],
        ["-1204.05", "-10.0001", "-3"],
        ["0.1", "12345678901234.5678", ""],
    ]


def test_days_are_iso_text_and_lists_are_their_parts():
    frame = pd.DataFrame(
        {
            "due_on": pd.to_datetime(["2011-09-30", None]),
            "seen_at": pd.to_datetime(["2011-09-30 08:15", "2011-10-01 00:00"]),
            "products": [["=cup", "tea"], np.array([], dtype=object)],
        }
    )
    assert cells(frame)[1:] == [
        ["2011-09-30", "2011-09-30T08:15:00", "'=cup; tea"],
        ["", "2011-10-01T00:00:00", ""],
    ]


def test_the_name_of_a_column_is_made_text_too():
    assert cells(pd.DataFrame({"=1+1": [1]})) == [["'=1+1"], ["1"]]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"))))
def test_every_text_comes_back_and_none_is_a_formula(texts):
    frame = pd.DataFrame({"name": pd.Series(texts, dtype=object), "number": range(len(texts))})
    read = cells(frame)[1:]
    assert [
        row[0].removeprefix("'") if row[0] != t else t for row, t in zip(read, texts, strict=True)
    ] == texts
    assert not any(row[0].startswith(("=", "+", "-", "@", "\t", "\r")) for row in read)


def test_every_table_of_a_result_is_written_with_all_its_rows(tmp_path):
    paths = write_downloads(growth_result(), tmp_path)
    assert [path.name for path in paths] == ["growth.customer_growth.csv", "growth.backtest.csv"]
    text = paths[0].read_text(encoding="utf-8")
    assert len(text.splitlines()) == 61
    assert text.startswith("\ufeffcustomer_id,")
    assert f"\n{FORMULA}" not in text
