"""Raw files to tables: nothing lost, nothing half done."""

import datetime as dt
import hashlib
import io
from decimal import Decimal

import openpyxl
import pandas as pd
import pytest
from sources_project import LINES, loaded, make_project, rejected

from analysis.core.problems import InputError
from analysis.core.project import Project
from analysis.sources.data_quality_tables import rejects_table
from analysis.sources.load import is_current, load, read_report


def test_a_plain_file_becomes_a_table(tmp_path):
    project = make_project(tmp_path, {"invoice_lines.csv": LINES})
    report = load(project)
    table = loaded(project)
    assert table["invoice_id"].tolist() == ["1", "1", "2", "3"]
    assert table["line_no"].tolist() == [1, 2, 1, 1]
    assert table["kind"].tolist() == ["sale", "sale", "return", "sale"]
    assert table["revenue_amount"].sum() == 55.75
    assert table["source_system"].unique().tolist() == ["erp"]
    assert table["source_id"].tolist() == ["C1", "C1", "C2", None]
    assert table["currency"].unique().tolist() == ["EUR"]
    assert (report.totals.rows_read, report.totals.rows_kept) == (4, 4)
    assert report.totals.money_read == Decimal("55.75")
    assert report.lines_without_customer.rows == 1
    assert report.first_day == dt.date(2026, 1, 5)


def test_the_same_input_gives_the_same_bytes(tmp_path):
    hashes = []
    for name in ("one", "two"):
        project = make_project(tmp_path / name, {"invoice_lines.csv": LINES})
        load(project)
        files = sorted(project.current_snapshot().iterdir())
        hashes.append([(p.name, hashlib.sha256(p.read_bytes()).hexdigest()) for p in files])
    assert hashes[0] == hashes[1]


def test_unchanged_files_are_not_loaded_again(tmp_path):
    project = make_project(tmp_path, {"invoice_lines.csv": LINES})
    assert not is_current(project)
    first = load(project)
    made = (project.current_snapshot() / "load.json").stat().st_mtime_ns
    assert is_current(project)
    assert load(project) == first == read_report(project.current_snapshot())
    assert (project.current_snapshot() / "load.json").stat().st_mtime_ns == made


def test_a_changed_file_or_setting_makes_a_new_snapshot_and_keeps_the_old(tmp_path):
    project = make_project(tmp_path, {"invoice_lines.csv": LINES})
    first = load(project).snapshot
    project = make_project(tmp_path, {"invoice_lines.csv": LINES + "4,C1,P1,2026-04-01,1,1\n"})
    assert not is_current(project)
    second = load(project).snapshot
    again = make_project(tmp_path, {}, 'preset = "plain"\nremove_exact_duplicates = true')
    assert load(again).snapshot not in (first, second)
    assert (project.tables / first / "invoice_lines.parquet").is_file()


def test_a_failed_load_leaves_the_last_snapshot(tmp_path):
    project = make_project(tmp_path, {"invoice_lines.csv": LINES})
    snapshot = load(project).snapshot
    make_project(tmp_path, {"invoice_lines.csv": "invoice_id\n1\n"})
    with pytest.raises(InputError, match="original_amount"):
        load(project)
    assert project.current_snapshot().name == snapshot
    assert [p.name for p in project.tables.iterdir() if p.is_dir()] == [snapshot]


def test_a_bad_row_is_listed_with_its_place_its_money_and_the_mend(tmp_path):
    bad = "4,C1,P1,2026-02-30,1,7.25\n5,C1,P1,2026-03-01,1,ten\n"
    project = make_project(tmp_path, {"invoice_lines.csv": LINES + bad})
    report = load(project)
    day, amount = rejected(project)
    assert (day["file"], day["row_number"], day["column"]) == (
        "invoice_lines.csv",
        6,
        "invoiced_on",
    )
    assert day["found"] == "2026-02-30"
    assert day["amount"] == Decimal("7.25")
    assert day["raw"]["invoice_id"] == "4"
    assert (amount["column"], amount["found"], amount["amount"]) == ("original_amount", "ten", None)
    assert amount["mend"]
    assert report.totals.rows_rejected == 2
    assert report.totals.money_rejected == Decimal("7.25")
    assert report.totals.is_balanced


def test_two_files_may_spell_a_column_differently(tmp_path):
    # A naive concat of these would lose the customers of one year.
    first = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
    second = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    files = {
        "a.csv": first + "1,P1,Cup,2,2010-01-02 10:00:00,1.5,17850.0,Spain\n",
        "b.csv": second + "2,P1,Cup,1,2011-01-02 10:00:00,2.5,17850.0,Spain\n",
    }
    project = make_project(tmp_path, files, 'preset = "online_retail_ii"', 'currency = "GBP"')
    report = load(project)
    table = loaded(project)
    assert table["customer_id"].tolist() == ["17850", "17850"]
    assert table["revenue_amount"].tolist() == [3.0, 2.5]
    assert [s.rows for s in report.spellings if s.found == "17850.0"] == [1, 1]


def test_rows_that_two_files_share_count_as_often_as_in_the_file_that_has_them_most(tmp_path):
    head, row = LINES.splitlines()[0], "9,C1,P1,2026-05-01,1,8.00"
    files = {
        "invoice_lines_a.csv": "\n".join([head, row, row, "8,C1,P1,2026-04-01,1,1.00"]),
        "invoice_lines_b.csv": "\n".join([head, row, row, row, "10,C1,P1,2026-06-01,1,2.00"]),
    }
    project = make_project(tmp_path, files)
    report = load(project)
    assert loaded(project)["invoice_id"].tolist() == ["9", "9", "8", "9", "10"]
    assert (report.totals.rows_merged, report.totals.money_merged) == (2, Decimal("16.00"))
    assert report.exact_duplicates.rows == 2


def test_exact_duplicates_are_kept_and_counted(tmp_path):
    row = "9,C1,P1,2026-05-01,1,8.00\n"
    project = make_project(tmp_path, {"invoice_lines.csv": LINES + row + row + row})
    report = load(project)
    assert len(loaded(project)) == 7
    assert (report.exact_duplicates.rows, report.exact_duplicates.amount) == (2, Decimal("16.00"))
    assert not report.are_duplicates_removed


def test_exact_duplicates_are_removed_when_the_setting_says_so(tmp_path):
    row = "9,C1,P1,2026-05-01,1,8.00\n"
    source = 'preset = "plain"\nremove_exact_duplicates = true'
    project = make_project(tmp_path, {"invoice_lines.csv": LINES + row + row}, source)
    report = load(project)
    assert len(loaded(project)) == 5
    assert (report.totals.rows_merged, report.totals.money_merged) == (1, Decimal("8.00"))
    assert (report.exact_duplicates.rows, report.are_duplicates_removed) == (1, True)


def test_a_line_number_that_stands_twice_is_replaced_by_the_position(tmp_path):
    head = "invoice_id,line_no,invoiced_on,original_amount\n"
    rows = "1,1,2026-01-01,1\n1,1,2026-01-01,2\n2,10,2026-01-01,3\n2,20,2026-01-01,4\n"
    project = make_project(tmp_path, {"invoice_lines.csv": head + rows})
    report = load(project)
    assert loaded(project)["line_no"].tolist() == [1, 2, 10, 20]
    assert [s.rows for s in report.spellings] == [2]


def test_amounts_in_another_currency_take_the_last_rate_before_the_day(tmp_path):
    files = {
        "invoice_lines.csv": "invoice_id,invoiced_on,original_amount,currency\n"
        "1,2026-01-05,100,usd\n2,2026-03-05,100,USD\n3,2026-03-05,100,EUR\n4,2025-12-31,100,USD\n",
        "exchange_rates.csv": "currency,valid_on,company_currency_per_unit\n"
        "USD,2026-01-01,0.90\nUSD,2026-03-01,0.95\n",
    }
    project = make_project(tmp_path, files)
    report = load(project)
    assert loaded(project)["revenue_amount"].tolist() == [90.0, 95.0, 100.0]
    (reject,) = rejected(project)
    assert (reject["column"], reject["found"]) == ("currency", "USD")
    assert "exchange_rates" in reject["mend"]
    assert report.totals.is_balanced


def test_customer_links_join_the_ids_of_sources(tmp_path):
    files = {
        "invoice_lines.csv": LINES,
        "customer_links.csv": "source_system,source_id,customer_id,matched_by\nerp,C1,77,tax id\n",
    }
    project = make_project(tmp_path, files)
    report = load(project)
    table = loaded(project)
    assert table["customer_id"].tolist() == ["77", "77", None, None]
    assert table["source_id"].tolist() == ["C1", "C1", "C2", None]
    (unmatched,) = report.unmatched_customers
    assert (unmatched.source_id, unmatched.rows, unmatched.amount) == ("C2", 1, Decimal("-10.00"))
    assert table["revenue_amount"].sum() == 55.75  # revenue counts all the same


def test_links_of_a_source_that_does_not_exist_are_rejected(tmp_path):
    links = "source_system,source_id,customer_id\nerp,C1,77\nepr,C2,78\n"
    project = make_project(tmp_path, {"invoice_lines.csv": LINES, "customer_links.csv": links})
    load(project)
    (reject,) = rejected(project)
    assert (reject["column"], reject["found"]) == ("source_system", "epr")


def test_one_key_twice_in_a_file_of_customers_is_rejected_not_guessed(tmp_path):
    customers = "customer_id,customer_name\nC1,Ann\nC1,Anne\nC2,Bob\nC2,Bob\n"
    project = make_project(tmp_path, {"invoice_lines.csv": LINES, "customers.csv": customers})
    report = load(project)
    assert loaded(project, "customers")["customer_name"].tolist() == ["Ann", "Bob"]
    assert [r["found"] for r in rejected(project)] == ["C1"]
    assert report.totals.rows_merged == 1  # the second Bob is the same row


def test_two_sources_that_know_one_customer_make_one_row(tmp_path):
    project = make_project(
        tmp_path,
        {
            "erp/customers.csv": "customer_id,customer_name\nC1,Ann\n",
            "crm/customers.csv": "customer_id,customer_name,industry\nC1,Anna,toys\nC2,Bob,\n",
        },
        'folder = "erp"\n\n[sources.crm]\nfolder = "crm"',
    )
    report = load(project)
    table = loaded(project, "customers").set_index("customer_id")
    assert table.loc["C1", ["customer_name", "industry"]].tolist() == ["Ann", "toys"]
    assert report.totals.rows_merged == 1


def test_text_that_looks_like_a_script_or_a_formula_stays_text(tmp_path):
    customers = (
        'customer_id,customer_name\nC1,<script>alert(1)</script>\nC2,=1+1\n"C\'3","a ""b"""\n'
    )
    project = make_project(tmp_path, {"invoice_lines.csv": LINES, "customers.csv": customers})
    load(project)
    names = loaded(project, "customers")["customer_name"].tolist()
    assert names == ["<script>alert(1)</script>", "=1+1", 'a "b"']


def test_a_german_export_is_read_as_it_is(tmp_path):
    text = (
        "invoice_id;customer_id;invoiced_on;original_amount;product_id\r\n"
        "1;Müller;31.01.2026;1.234,56;P1\r\n"
        "\r\n"
        ';;;;\r\n2;"Groß; Söhne";01.02.2026;-2,50;"two\r\nlines"\r\n'
    )
    project = make_project(tmp_path, {"invoice_lines.csv": text.encode("cp1252")})
    report = load(project)
    table = loaded(project)
    assert table["customer_id"].tolist() == ["Müller", "Groß; Söhne"]
    assert table["revenue_amount"].tolist() == [1234.56, -2.5]
    assert [d.isoformat() for d in table["invoiced_on"]] == ["2026-01-31", "2026-02-01"]
    assert report.files[0].blank_rows == 2
    assert report.files[0].notes == ("not UTF-8, read as Windows-1252",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_and_their_marks_are_found(tmp_path, encoding):
    text = LINES.replace("C2", "Zoë")
    project = make_project(tmp_path, {"invoice_lines.csv": text.encode(encoding)})
    load(project)
    assert loaded(project)["customer_id"].tolist()[2] == "Zoë"


def test_a_row_with_too_many_or_too_few_fields_is_rejected_with_its_text(tmp_path):
    project = make_project(
        tmp_path, {"invoice_lines.csv": LINES + "7,C1,P1\n8,C1,P1,2026-01-01,1,2,3\n"}
    )
    report = load(project)
    short, long = rejected(project)
    assert (short["row_number"], short["raw"]) == (6, {"text": "7,C1,P1"})
    assert long["found"] == "7 fields"
    assert (report.totals.rows_read, report.totals.rows_rejected) == (6, 2)
    assert report.totals.is_balanced


def test_row_numbers_count_blank_lines_as_a_spreadsheet_does(tmp_path):
    text = LINES.replace("2,C2", "\n\n2,C2").replace("2026-03-31", "2026-03-32")
    project = make_project(tmp_path, {"invoice_lines.csv": text})
    load(project)
    assert [r["row_number"] for r in rejected(project)] == [7]


def _excel(sheets: dict[str, list[list[object]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_excel_sheets_are_read_with_their_own_dates_and_numbers(tmp_path):
    head = ["invoice_id", "customer_id", "invoiced_on", "original_amount"]
    first = [head, [1, 17850.0, dt.datetime(2026, 1, 31, 9, 30), 12.345], [None] * 4]
    second = [head, [2, "C2", 45631, 3], [3, "C2", "31.12.2026", "1,50"]]
    files = {
        "invoice_lines.xlsx": _excel({"2025": first, "2026": second, "Notes": [["hello"], ["x"]]})
    }
    project = make_project(tmp_path, files)
    report = load(project)
    table = loaded(project)
    assert table["customer_id"].tolist() == ["17850", "C2"]
    assert [d.isoformat() for d in table["invoiced_on"]] == ["2026-01-31", "2024-12-05"]
    assert table["revenue_amount"].tolist() == [12.345, 3.0]
    assert [f.file for f in report.files] == [
        "invoice_lines.xlsx [2025]",
        "invoice_lines.xlsx [2026]",
    ]
    assert [(r["row_number"], r["found"]) for r in rejected(project)] == [(3, "1,50")]


def test_nan_in_parquet_is_missing_and_whole_floats_are_ids(tmp_path):
    frame = pd.DataFrame(
        {
            "invoice_id": ["1", "2"],
            "customer_id": [17850.0, float("nan")],
            "product_id": ["nan", "P1"],
            "invoiced_on": pd.to_datetime(["2026-01-01 23:59", "2026-01-02 00:00"]),
            "original_amount": [1.1, 2.2],
        }
    )
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    project = make_project(tmp_path, {"invoice_lines.parquet": buffer.getvalue()})
    load(project)
    table = loaded(project)
    assert table["customer_id"].tolist() == ["17850", None]
    assert table["product_id"].tolist() == [None, "P1"]
    assert table["revenue_amount"].sum() == pytest.approx(3.3)


def test_a_preset_that_speaks_percent_is_set_right(tmp_path):
    text = "rep_id,fte_share\nR1,80 %\nR2,0.5\nR3,80\n"
    project = make_project(tmp_path, {"reps.csv": text})
    load(project)
    assert loaded(project, "reps")["fte_share"].tolist() == [0.8, 0.5]
    assert [r["found"] for r in rejected(project)] == ["80"]


def test_a_revenue_amount_in_company_currency_stands_beside_the_original(tmp_path):
    text = "invoice_id,invoiced_on,revenue_amount,original_amount,currency\n1,2026-01-01,9,10,USD\n"
    project = make_project(tmp_path, {"invoice_lines.csv": text})
    load(project)
    row = loaded(project).iloc[0]
    assert (row["revenue_amount"], row["original_amount"], row["currency"]) == (9, 10, "USD")


def test_words_are_known_whatever_their_case(tmp_path):
    text = (
        "invoice_id,invoiced_on,original_amount,kind\n1,2026-01-01,-9,Write-off\n2,2026-01-01,1,x\n"
    )
    project = make_project(tmp_path, {"invoice_lines.csv": text})
    load(project)
    assert loaded(project)["kind"].tolist() == ["write_off"]
    assert "one of sale, return" in rejected(project)[0]["expected"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_any_system_ends_them(tmp_path, end):
    project = make_project(tmp_path, {"invoice_lines.csv": LINES.replace("\n", end)})
    assert load(project).totals.rows_kept == 4


def test_a_project_names_its_own_files_even_with_quotes(tmp_path):
    source = 'files = { invoice_lines = ["*/sales o\'*.csv"] }'
    project = make_project(tmp_path, {"2026/Sales O'Neil.csv": LINES}, source)
    report = load(project)
    assert [f.file for f in report.files] == ["2026/Sales O'Neil.csv"]
    assert len(loaded(project)) == 4


ACME = """
title = "Acme's ERP export"
[tables.invoice_lines]
files = ["sales_*.csv"]
product_of = { original_amount = ["quantity", "price"] }
number_within = { line_no = "invoice_id" }
[tables.invoice_lines.columns]
invoice_id = ["Document", "Doc. no."]
customer_id = ["Debtor"]
product_id = ["Article"]
invoiced_on = ["Posting date"]
quantity = ["Qty"]
[tables.invoice_lines.helpers]
price = { kind = "amount", columns = ["Unit price"] }
[tables.invoice_lines.values.customer_id]
"ACME" = "1204"
[[tables.invoice_lines.rules.kind]]
value = "postage"
when = [{ column = "product_id", equals = ["FREIGHT"] }]
[[tables.invoice_lines.rules.kind]]
value = "return"
when = [{ column = "quantity", sign = "negative" }]
[[tables.invoice_lines.rules.kind]]
value = "sale"
[collected.products]
from = "invoice_lines"
columns = { product_id = "product_id" }
"""


def test_a_project_may_have_a_preset_of_its_own(tmp_path):
    text = (
        "doc no;Debtor;Article;posting date;QTY;unit price\n"
        "D1;ACME;P1;31.01.2026;2;0,125\nD1;ACME;FREIGHT;31.01.2026;1;4,90\n"
        "D2;17;P1;01.02.2026;-1;0,125\n"
    )
    project = make_project(tmp_path, {"sales_1.csv": text}, 'preset = "acme"')
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "acme.toml").write_text(ACME)
    report = load(project)
    table = loaded(project)
    assert table["kind"].tolist() == ["sale", "postage", "return"]
    assert table["revenue_amount"].tolist() == [0.25, 4.9, -0.125]
    assert table["customer_id"].tolist() == ["1204", "1204", "17"]
    assert loaded(project, "products")["product_id"].tolist() == ["FREIGHT", "P1"]
    assert [(s.found, s.rows) for s in report.spellings] == [("ACME", 2)]
    (tmp_path / "presets" / "acme.toml").write_text(ACME.replace('"1204"', '"1205"'))
    assert not is_current(project)


def test_files_that_no_table_takes_are_named(tmp_path):
    project = make_project(tmp_path, {"invoice_lines.csv": LINES, "costs.csv": "a\n1\n"})
    notes = load(project).notes
    assert any("data/raw/costs.csv: no source reads it" in note for note in notes)


def test_columns_that_no_table_takes_are_named_with_a_near_one(tmp_path):
    customers = "customer_id,customer_nam,shoe_size\nC1,Ann,38\n"
    project = make_project(tmp_path, {"invoice_lines.csv": LINES, "customers.csv": customers})
    notes = load(project).notes
    assert "customers.csv: column customer_nam was not used; did you mean customer_name?" in notes
    assert "customers.csv: column shoe_size was not used." in notes


def test_money_of_invoices_and_of_deals_is_never_added(tmp_path):
    deals = "opportunity_id,created_at,is_closed,is_won,value_amount\n1,2026-01-01,true,true,999\n"
    project = make_project(tmp_path, {"invoice_lines.csv": LINES, "opportunities.csv": deals})
    totals = load(project).totals
    assert (totals.rows_read, totals.money_read) == (5, Decimal("55.75"))


def test_nothing_outside_the_snapshot_is_left_behind(tmp_path):
    project: Project = make_project(tmp_path, {"invoice_lines.csv": LINES})
    load(project)
    names = {p.name for p in project.tables.iterdir()}
    assert names == {"current.json", project.current_snapshot().name}
    assert not list(project.current_snapshot().glob("*.duckdb*"))


def test_every_file_that_no_source_reads_is_named_with_where_it_belongs(tmp_path):
    names = ["customer_links.csv", "shop/old/customers.csv", "deep/er/x.json", "shop/mine.csv"]
    files = dict.fromkeys([*names, "overrides/segments.csv", ".hidden/y", "shop/.part"], "a\n1\n")
    lines = {
        "shop/invoice_lines.csv": LINES,
        "erp/invoice_lines.csv": LINES + "9,C,P,2026-01-01,1,1",
    }
    shop = '[sources.shop]\npreset = "plain"\nfolder = "shop"'
    project = make_project(tmp_path, files | lines, f'preset = "plain"\nfolder = "erp"\n\n{shop}')
    notes = [note for note in load(project).notes if "no source reads it" in note]
    assert [note.split(":")[0] for note in notes] == sorted(f"data/raw/{name}" for name in names)
    assert notes[0].endswith("the folder of a source (data/raw/erp or data/raw/shop).")
    assert "[sources.shop.files]" in notes[2]
    (tmp_path / "data" / "raw" / "control_totals.csv").write_text("a\n1\n")
    assert not is_current(project)


def test_what_no_rate_converts_is_told_in_its_own_currency(tmp_path):
    files = {
        "invoice_lines.csv": "invoice_id,invoiced_on,original_amount,currency\n"
        "1,2026-01-05,100.50,CHF\n2,2026-03-05,1000,CHF\n3,2026-03-05,100,EUR\n"
    }
    project = make_project(tmp_path, files)
    load(project)
    (row,) = rejects_table(pd.DataFrame(rejected(project))).to_dict("records")
    assert (row["column"], row["examples"]) == ("currency", "2 lines, CHF 1,100.50")
