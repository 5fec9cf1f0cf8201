"""Dates and numbers as sources write them."""

import duckdb
import pytest

from analysis.sources.dates import ambiguous_sql, day_sql, moment_sql
from analysis.sources.numbers import evidence_sql, number_sql, share_sql


@pytest.fixture(scope="module")
def evaluate():
    con = duckdb.connect()

    def run(sql: str, text: str) -> object:
        return con.execute(f"SELECT {sql} FROM (VALUES (?)) v (t)", [text]).fetchall()[0][0]

    return run


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-09-30", "2026-09-30 00:00:00"),
        ("2026-9-3", "2026-09-03 00:00:00"),
        ("2026/09/30 8:05", "2026-09-30 08:05:00"),
        ("2026-09-30T10:00", "2026-09-30 10:00:00"),
        ("20260930", "2026-09-30 00:00:00"),
        ("45631", "2024-12-05 00:00:00"),  # a spreadsheet's day number
        ("45631.5", "2024-12-05 12:00:00"),
        ("30.09.2026", "2026-09-30 00:00:00"),
        ("1.2.26", "2026-02-01 00:00:00"),
        ("30 Sep 2026", "2026-09-30 00:00:00"),
        ("Sep 30, 2026", "2026-09-30 00:00:00"),
        ("17-Feb-2026", "2026-02-17 00:00:00"),
        ("25/12/2026", "2026-12-25 00:00:00"),  # can only be one day
        ("12/25/2026", "2026-12-25 00:00:00"),
        ("2026-09-30T10:00:00+02:00", "2026-09-30 08:00:00"),  # UTC
        ("2026-09-30 22:00:00-0530", "2026-10-01 03:30:00"),
        ("2026-09-30T01:00:00Z", "2026-09-30 01:00:00"),
    ],
)
def test_reads_a_date_as_it_stands(evaluate, text, moment):
    assert str(evaluate(moment_sql("t", ""), text)) == moment


@pytest.mark.parametrize(
    "text",
    ["2026-02-30", "30.02.2026", "13/13/2026", "soon", "epoch", "infinity", "today", "-", "12"],
)
def test_finds_no_date_where_there_is_none(evaluate, text):
    assert evaluate(moment_sql("t", ""), text) is None


def test_the_order_that_is_set_decides(evaluate):
    assert str(evaluate(moment_sql("t", "day_first"), "03/04/2026")).startswith("2026-04-03")
    assert str(evaluate(moment_sql("t", "month_first"), "03/04/2026")).startswith("2026-03-04")
    assert evaluate(moment_sql("t", "year_first"), "03/04/2026") is None
    assert evaluate(moment_sql("t", "month_first"), "25/12/2026") is None


def test_a_day_is_the_day_as_written_whatever_its_zone(evaluate):
    assert str(evaluate(day_sql("t", ""), "2026-09-30T01:00:00+02:00")) == "2026-09-30"


@pytest.mark.parametrize(
    ("text", "is_ambiguous"),
    [
        ("03/04/2026", True),
        ("3-4-2026 10:00", True),
        ("3/4/26", True),
        ("04/04/2026", False),  # the same day both ways
        ("13/04/2026", False),
        ("3.4.2026", False),
        ("2026/03/04", False),
    ],
)
def test_knows_which_date_could_be_two_days(evaluate, text, is_ambiguous):
    assert bool(evaluate(ambiguous_sql("t"), text)) is is_ambiguous


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1234.5", ".", "1234.5"),
        ("1,234.50", ".", "1234.50"),
        ("1 234,56", ",", "1234.56"),
        ("1\u00a0234,56", ",", "1234.56"),
        ("1.234,56", ",", "1234.56"),
        ("1'234.50", ".", "1234.50"),
        ("(12.50)", ".", "-12.50"),  # accountants
        ("12,50-", ",", "-12.50"),  # SAP
        ("\u22125", ".", "-5"),
        ("1e5", ".", "1e5"),
    ],
)
def test_reads_numbers_as_programs_write_them(evaluate, text, decimal, number):
    assert evaluate(number_sql("t", decimal), text) == number


@pytest.mark.parametrize(
    "text", ["abc", "1_000", "0x1F", "inf", "1,23,456", "12 EUR", "", "-", "1.2.3"]
)
def test_text_is_no_number(evaluate, text):
    assert evaluate(number_sql("t", "."), text) is None


def test_a_point_is_no_thousands_sign_where_the_groups_are_wrong(evaluate):
    assert evaluate(number_sql("t", ","), "1.5") is None


@pytest.mark.parametrize(
    ("text", "proves"),
    [
        ("12,5", "comma"),
        ("0,125", "comma"),
        ("1.234,5", "comma"),
        ("1.234.567", "comma"),
        ("12.5", "point"),
        ("1,234,567", "point"),
        ("0.001", "point"),
        ("1,234", "unclear"),
        ("1.234", "unclear"),
    ],
)
def test_knows_what_a_number_proves_about_its_decimal_sign(evaluate, text, proves):
    found = {name for name, sql in evidence_sql("t").items() if evaluate(sql, text)}
    assert found == {proves}


def test_a_percentage_becomes_a_share(evaluate):
    assert evaluate(share_sql("t", ".", is_percent=False), "12.5 %") == 0.125
    assert evaluate(share_sql("t", ".", is_percent=True), "40") == 0.4
    assert evaluate(share_sql("t", ".", is_percent=False), "0.4") == 0.4
