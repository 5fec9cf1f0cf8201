"""The chapter that says whether the numbers can be trusted."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from analysis.core.display import Display
from analysis.core.periods import FiscalCalendar
from analysis.core.result import Result
from analysis.core.scope import Scope
from analysis.sources import data_quality_tables as tables
from analysis.sources.data_quality import data_quality
from analysis.sources.load_report import (
    Counts,
    FileReport,
    KindReport,
    LoadReport,
    Merged,
    Portion,
    Spelling,
    Unmatched,
)

CALENDAR = FiscalCalendar()
SCOPE = Scope(CALENDAR.parse("2026Q2"), CALENDAR, Display("EUR"))
COUNTS = Counts(10, 7, 2, 1, Decimal("100.00"), Decimal("70.00"), Decimal("25.00"), Decimal("5.00"))
LOAD = LoadReport(
    "abc",
    ("erp",),
    (
        FileReport("erp", "a.csv", "invoice_lines", "f00", COUNTS, 3, {}, ("colour",)),
        FileReport("erp", "b.csv", "customers", "f01", Counts(4, 4)),
    ),
    {"invoice_lines": 7},
    (KindReport("sale", 7, Decimal("70.00"), True),),
    exact_duplicates=Portion(2, Decimal("6.00")),
    lines_without_customer=Portion(1, Decimal("10.00")),
    merged=(Merged("invoice_lines", "in another file too", 1, Decimal("5.00")),),
    unmatched_customers=(Unmatched("erp", "C9", 1, Decimal("10.00")),),
    spellings=(Spelling("products", "GTXPro", "GTX Pro", 5),),
    first_day=date(2025, 1, 1),
    last_day=date(2026, 6, 30),
    notes=("A stated rule.",),
)
EXACT = pd.ArrowDtype(pa.decimal128(38, 4))


def company_days() -> pd.DataFrame:
    rows = [
        ("2026-01-15", "sale", True, "40.00", True, 4),
        ("2026-01-16", "sale", False, "10.00", True, 1),
        ("2026-04-01", "sale", True, "80.05", True, 6),
        ("2026-06-30", "sale", False, "20.00", True, 2),  # no customer
        ("2026-06-30", "fee", False, "-0.05", True, 1),
        ("2026-05-01", "postage", True, "7.00", False, 1),  # does not count as revenue
    ]
    columns = ["day", "kind", "has_customer", "amount", "is_revenue", "line_count"]
    table = pd.DataFrame(rows, columns=columns)
    amounts = table["amount"].map(Decimal).astype(EXACT)
    return table.assign(day=pd.to_datetime(table["day"]), amount=amounts, invoice_count=1)


def rejects() -> pd.DataFrame:
    row = {"source": "erp", "file": "a.csv", "table": "invoice_lines", "column": "amount"}
    row |= {"expected": "a number", "mend": "correct it", "raw": "{}"}
    found = [("ten", Decimal("25.00"), 5), ("eleven", None, 6)]
    rows = [row | {"found": f, "amount": a, "row_number": n} for f, a, n in found]
    return pd.DataFrame(rows)


def no_rejects() -> pd.DataFrame:
    return rejects().head(0)


def test_rows_and_money_of_the_load_are_the_headline():
    result = data_quality(LOAD, rejects(), company_days(), scope=SCOPE)
    headline = {name: number.value for name, number in result.headline.items()}
    assert headline["rows_read"] == 14
    assert (headline["rows_kept"], headline["rows_rejected"], headline["rows_merged"]) == (11, 2, 1)
    assert headline["money_read"] == 100
    assert headline["money_difference"] == 0


def test_what_names_no_customer_is_compared_with_the_quarter_before():
    result = data_quality(LOAD, rejects(), company_days(), scope=SCOPE)
    share = result.headline["no_customer_revenue_share"]
    assert share.value == pytest.approx(19.95 / 100.00)
    assert share.before == pytest.approx(0.2)
    assert share.year_before is None
    assert result.headline["no_customer_line_share"].value == pytest.approx(3 / 10)


def test_money_by_kind_says_what_counts_as_revenue():
    result = data_quality(LOAD, rejects(), company_days(), scope=SCOPE)
    kinds = result.tables["kinds"].set_index("kind")
    assert kinds["amount"].to_dict() == {
        "sale": Decimal("100.05"),
        "postage": Decimal("7.00"),
        "fee": Decimal("-0.05"),
    }
    assert kinds["is_revenue"].to_dict() == {"sale": True, "postage": False, "fee": True}


def test_rejects_are_grouped_by_reason_with_examples_and_the_mend():
    result = data_quality(LOAD, rejects(), company_days(), scope=SCOPE)
    (row,) = result.tables["rejects"].to_dict("records")
    assert (row["row_count"], row["amount"], row["first_row"]) == (2, Decimal("25.00"), 5)
    assert (row["examples"], row["mend"]) == ("ten, eleven", "correct it")
    assert any("2 rows were rejected" in finding.text for finding in result.findings)


def test_revenue_is_held_against_the_totals_of_finance():
    control = pd.DataFrame(
        {
            "period": ["2026Q1", "2026Q2", "2026Q3", "2026Q9"],  # not yet over; no such quarter
            "measure": "revenue_amount",
            "value_amount": [Decimal("50.00"), Decimal("101.00"), Decimal("1"), Decimal("1")],
            "source": ["ledger", None, None, None],
        }
    )
    result = data_quality(LOAD, no_rejects(), company_days(), control, scope=SCOPE)
    table = result.tables["control_totals"].set_index("period")
    assert table["difference_amount"].to_dict() == {
        "2026Q1": Decimal(0),
        "2026Q2": Decimal("-1.00"),
    }
    texts = [finding.text for finding in result.findings]
    assert "Revenue equals finance's total in 1 of 2 periods, 2026Q1." in texts
    assert "Revenue of 2026Q2 is €1.00 below finance's total of €101.00." in texts


def test_every_stated_rule_and_unmatched_customer_is_listed():
    result = data_quality(LOAD, rejects(), company_days(), scope=SCOPE)
    assert result.tables["spellings"]["used"].tolist() == ["GTX Pro"]
    assert result.tables["unmatched_customers"]["source_id"].tolist() == ["C9"]
    assert "A stated rule." in result.caveats
    assert "3 blank lines were skipped; they hold nothing." in result.caveats


def test_merged_rows_and_kept_duplicates_stand_side_by_side():
    result = data_quality(LOAD, rejects(), company_days(), scope=SCOPE)
    merged = result.tables["merged"][["reason", "is_kept", "row_count"]]
    assert merged.to_numpy().tolist() == [
        ["in another file too", False, 1],
        ["exact duplicate", True, 2],
    ]


def test_a_period_that_the_data_cut_off_is_said_so():
    cut = replace(LOAD, last_day=date(2026, 6, 9), first_day=date(2026, 4, 2))
    caveats = data_quality(cut, rejects(), company_days(), scope=SCOPE).caveats
    assert any("end on 9 June 2026, before the end of 2026Q2" in caveat for caveat in caveats)
    assert any("begin on 2 April 2026" in caveat for caveat in caveats)


def test_clean_data_leave_out_what_has_nothing_to_say():
    clean = replace(
        LOAD,
        exact_duplicates=Portion(),
        merged=(),
        unmatched_customers=(),
        spellings=(),
        files=(FileReport("erp", "a.csv", "invoice_lines", "f00", Counts(7, 7)),),
    )
    known = company_days().query("has_customer and kind == 'sale'")
    result = data_quality(clean, no_rejects(), known, scope=SCOPE)
    assert set(result.tables) == {"files", "kinds", "quarters"}
    assert len(result.findings) == 1


def test_data_without_any_invoice_line_still_give_an_account():
    deals = replace(LOAD, kinds=(), first_day=None, last_day=None)
    result = data_quality(deals, no_rejects(), company_days().head(0), scope=SCOPE)
    assert result.headline["no_customer_revenue_share"].value is None
    assert set(result.tables) >= {"files"}
    assert not result.charts


def test_the_chart_says_in_words_what_it_shows():
    result = data_quality(LOAD, rejects(), company_days(), scope=SCOPE)
    assert "2 quarters from 2026Q1 to 2026Q2" in result.charts["quarters"].alternative_text


def test_the_result_is_saved_and_loaded_whole(tmp_path):
    result = data_quality(LOAD, rejects(), company_days(), scope=SCOPE)
    result.save(tmp_path / "data_quality")
    again = Result.load(tmp_path / "data_quality")
    assert again.findings == result.findings
    assert again.tables["kinds"]["amount"].tolist() == result.tables["kinds"]["amount"].tolist()


def test_leaves_its_input_unchanged():
    days, bad = company_days(), rejects()
    data_quality(LOAD, bad, days, scope=SCOPE)
    pd.testing.assert_frame_equal(days, company_days())
    pd.testing.assert_frame_equal(bad, rejects())


def test_a_report_comes_back_from_json_as_it_was():
    assert LoadReport.from_record(_as_json(LOAD)) == LOAD


def _as_json(load: LoadReport) -> dict:
    return json.loads(json.dumps(load.record(), default=str))


def test_every_rejected_row_is_listed_up_to_the_cap_that_is_said(monkeypatch):
    result = data_quality(LOAD, rejects(), company_days(), scope=SCOPE)
    listed = result.tables["rejected_rows"]
    columns = ["source", "file", "row_number", "column", "found", "expected", "mend", "amount"]
    assert list(listed.columns) == columns
    assert listed["row_number"].tolist() == [5, 6]
    monkeypatch.setattr(tables, "MOST_REJECTS", 1)
    result = data_quality(LOAD, rejects(), company_days(), scope=SCOPE)
    assert len(result.tables["rejected_rows"]) == 1
    assert any("lists the first 1 of 2 rejected rows" in text for text in result.caveats)


def test_what_is_of_all_files_says_so_and_never_opens_the_report():
    result = data_quality(LOAD, rejects(), company_days(), scope=SCOPE)
    found = {finding.metric: finding for finding in result.findings}
    for metric in ("money_rejected", "unmatched_customers", "rows_read"):
        assert "all files, loaded to 30 June 2026" in found[metric].text
        assert found[metric].rank == 0


def test_money_that_no_rate_converts_stands_beside_what_was_rejected():
    own = {"unconverted_amount": Decimal("36783.60"), "unconverted_currency": "CHF"}
    result = data_quality(LOAD, rejects().assign(**own), company_days(), scope=SCOPE)
    texts = " ".join(finding.text for finding in result.findings)
    assert "and CHF 73,567.20 that no rate converts" in texts
    assert result.tables["rejects"]["examples"].tolist() == ["2 lines, CHF 73,567.20"]


def test_a_file_that_fills_several_tables_is_one_file_and_its_other_tables_are_named():
    again = FileReport("erp", "a.csv", "stage_events", "f00", Counts(30, 30), repeats="leads")
    load = replace(LOAD, files=(LOAD.files[0], again))
    found = data_quality(load, no_rejects(), company_days(), scope=SCOPE)
    assert found.headline["rows_read"].value == 10
    assert found.headline["rows_read"].note.startswith("1 file;")
    assert "not counted again (rows read): stage events 30." in found.findings[0].detail
    both = data_quality(LOAD, no_rejects(), company_days(), scope=SCOPE)
    assert both.headline["rows_read"].note.startswith("2 files;")
    assert "not counted again" not in both.findings[0].detail
