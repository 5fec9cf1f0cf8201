"""What is wrong with raw files is said clearly, all at once, and nothing is published."""

import pytest
from sources_project import LINES, loaded, make_project

from analysis.core.problems import InputError, SettingsError
from analysis.sources.load import is_current, load

HEAD = LINES.splitlines()[0]


def problems_of(tmp_path, files, source='preset = "plain"'):
    project = make_project(tmp_path, files, source)
    with pytest.raises(InputError, match="mend") as caught:
        load(project)
    assert not (project.tables / "current.json").exists()
    assert not [p for p in project.tables.glob("*") if p.is_dir()]
    return [str(problem) for problem in caught.value.problems]


def test_a_missing_column_is_named_with_what_is_there_and_what_comes_near(tmp_path):
    text = LINES.replace("invoiced_on", "invoice_on")
    (problem,) = problems_of(tmp_path, {"invoice_lines.csv": text})
    assert "invoice_lines.csv, column invoiced_on" in problem
    assert "the file has invoice_id, customer_id, product_id, invoice_on" in problem
    assert "rename the column invoice_on" in problem


def test_the_synonyms_that_were_tried_are_named(tmp_path):
    text = "Invoice,StockCode,Quantity,Cost\n1,2,3,4\n"
    problems = problems_of(tmp_path, {"a.csv": text}, 'preset = "online_retail_ii"')
    assert any("a column named Price or UnitPrice" in p for p in problems)
    assert any("a column named InvoiceDate" in p for p in problems)
    assert len(problems) == 2


def test_two_spellings_of_a_column_in_one_file_are_refused(tmp_path):
    # What a naive concat of two exports looks like: each column half empty.
    text = "Invoice,InvoiceNo,StockCode,Quantity,InvoiceDate,Price\n1,,P,1,2026-01-01,1\n"
    (problem,) = problems_of(tmp_path, {"a.csv": text}, 'preset = "online_retail_ii"')
    assert "2 columns for it: Invoice, InvoiceNo" in problem


def test_one_column_twice_is_refused(tmp_path):
    text = "invoice_id,invoiced_on,original_amount,Original Amount\n1,2026-01-01,1,2\n"
    (problem,) = problems_of(tmp_path, {"invoice_lines.csv": text})
    assert "original_amount, Original Amount" in problem


@pytest.mark.parametrize("text", ["", "\n\n", HEAD, HEAD + "\n\n,,,,,\n"])
def test_an_empty_file_is_an_error(tmp_path, text):
    (problem,) = problems_of(tmp_path, {"invoice_lines.csv": text})
    assert "invoice_lines.csv" in problem
    assert "a header line and rows" in problem


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"PK\x03\x04rest", "a zip archive or Excel file"),
        (b"PAR1rest", "a Parquet file"),
        (b"%PDF-1.7", "a PDF"),
        (b"a,b\n\x00\x01,2\n", "binary data"),
        (bytes(range(1, 256)) * 50, "in utf-8 or cp1252"),
    ],
)
def test_a_binary_file_named_csv_is_an_error(tmp_path, content, found):
    (problem,) = problems_of(tmp_path, {"invoice_lines.csv": content})
    assert found in problem


def test_the_same_file_twice_is_an_error_that_names_both(tmp_path):
    files = {"invoice_lines_1.csv": LINES, "invoice_lines_2.csv": LINES}
    (problem,) = problems_of(tmp_path, files)
    assert "invoice_lines_1.csv and invoice_lines_2.csv" in problem


def test_no_file_at_all_names_the_folder_and_the_files_wanted(tmp_path):
    (problem,) = problems_of(tmp_path, {"sales.csv": LINES})
    assert "there is sales.csv" in problem
    assert "customers.csv" in problem


def test_a_folder_that_is_not_there_or_lies_outside_is_an_error(tmp_path):
    (missing,) = problems_of(tmp_path, {}, 'folder = "erp"')
    assert "no folder erp" in missing
    (outside,) = problems_of(tmp_path, {}, 'folder = "../.."')
    assert "a folder below data/raw" in outside


def test_a_project_without_a_source_is_told_how_to_name_one(tmp_path):
    project = make_project(tmp_path, {"invoice_lines.csv": LINES})
    (tmp_path / "project.toml").write_text("[company]\n")
    with pytest.raises(InputError, match=r"\[sources.NAME\]"):
        load(project)


def test_an_unknown_preset_names_those_that_exist(tmp_path):
    project = make_project(tmp_path, {"a.csv": LINES}, 'preset = "online_retail"')
    with pytest.raises(SettingsError, match="write online_retail_ii"):
        load(project)


@pytest.mark.parametrize("name", ["invoice_lines.xlsx", "invoice_lines.parquet"])
def test_a_file_that_is_not_what_its_ending_says_is_an_error(tmp_path, name):
    (problem,) = problems_of(tmp_path, {name: LINES})
    assert "a file that can be read to its end" in problem


def test_an_ambiguous_date_is_an_error_with_three_examples(tmp_path):
    rows = (
        "1,C,P,03/04/2026,1,1\n2,C,P,05/06/2026,1,1\n3,C,P,07/08/2026,1,1\n4,C,P,09/10/2026,1,1\n"
    )
    (problem,) = problems_of(tmp_path, {"invoice_lines.csv": f"{HEAD}\n{rows}"})
    assert "03/04/2026, 05/06/2026, 07/08/2026" in problem
    assert 'date_order = "day_first"' in problem


def test_an_ambiguous_date_stays_one_when_other_rows_prove_an_order(tmp_path):
    rows = "1,C,P,03/04/2026,1,1\n2,C,P,25/06/2026,1,1\n"
    (problem,) = problems_of(tmp_path, {"invoice_lines.csv": f"{HEAD}\n{rows}"})
    assert "1 other dates of the column fit day_first only" in problem


def test_dates_that_can_only_be_one_day_need_no_setting(tmp_path):
    rows = "1,C,P,25/12/2026,1,1\n2,C,P,04/04/2026,1,1\n"
    project = make_project(tmp_path, {"invoice_lines.csv": f"{HEAD}\n{rows}"})
    load(project)
    assert [d.isoformat() for d in loaded(project)["invoiced_on"]] == ["2026-12-25", "2026-04-04"]


def test_the_setting_date_order_reads_ambiguous_dates(tmp_path):
    files = {"invoice_lines.csv": f"{HEAD}\n1,C,P,03/04/2026,1,1\n"}
    project = make_project(tmp_path, files, 'date_order = "month_first"')
    load(project)
    assert [d.isoformat() for d in loaded(project)["invoiced_on"]] == ["2026-03-04"]


def test_a_number_that_could_be_a_thousand_or_a_fraction_is_an_error(tmp_path):
    files = {"invoice_lines.csv": f'{HEAD}\n1,C,P,2026-01-01,1,"1,234"\n'}
    (problem,) = problems_of(tmp_path, files)
    assert "could be thousands or fractions, such as 1,234" in problem


def test_two_decimal_signs_in_a_file_are_an_error_until_one_is_set(tmp_path):
    rows = '1,C,P,2026-01-01,1,"1,5"\n2,C,P,2026-01-01,1,2.5\n'
    files = {"invoice_lines.csv": f"{HEAD}\n{rows}"}
    (problem,) = problems_of(tmp_path, files)
    assert "decimal commas (1) and decimal points (1)" in problem
    project = make_project(tmp_path, files, 'decimal = "."')
    assert load(project).totals.rows_rejected == 1


def test_a_file_without_one_good_row_is_an_error(tmp_path):
    rows = "1,C,P,2026-01-01,1,ten\n2,C,P,2026-01-01,1,eleven\n"
    (problem,) = problems_of(tmp_path, {"invoice_lines.csv": f"{HEAD}\n{rows}"})
    assert "not one good row of 2" in problem
    assert "column original_amount" in problem


def test_a_currency_without_any_rate_is_an_error(tmp_path):
    (problem,) = problems_of(tmp_path, {"invoice_lines.csv": LINES}, 'currency = "USD"')
    assert "add the rate to the table exchange_rates" in problem


def test_a_quotation_mark_that_is_never_closed_is_an_error(tmp_path):
    text = LINES + '9,"C1,P1,2026-01-01,1,1\n10,C1,P1,2026-01-01,1,1\n'
    (problem,) = problems_of(tmp_path, {"invoice_lines.csv": text})
    assert "never closed" in problem


def test_every_problem_of_every_file_is_told_at_once(tmp_path):
    files = {
        "invoice_lines.csv": "invoice_id,invoiced_on\n1,2026-01-01\n",
        "customers.csv": "name\nAnn\n",
        "exchange_rates.csv": "currency,valid_on,company_currency_per_unit\nUSD,01/02/2026,1\n",
    }
    problems = problems_of(tmp_path, files)
    assert len(problems) == 3
    files |= {"products.csv": b"", "reps.csv": b"\x00", "regions.csv": "x\n1\n"}
    files |= {"regions_b.csv": files["regions.csv"]}
    problems = problems_of(tmp_path / "more", files)
    assert len(problems) == 3 + 2 + 1 + 2  # unreadable, the same twice, no region_id in both


@pytest.mark.parametrize(
    ("setting", "message"), [('encoding = "utf-9"', "utf-9"), ('delimiter = "||"', "one sign")]
)
def test_a_setting_that_no_file_can_have_is_an_error(tmp_path, setting, message):
    (problem,) = problems_of(tmp_path, {"invoice_lines.csv": LINES}, setting)
    assert message in problem


def test_a_file_read_with_the_wrong_delimiter_is_refused(tmp_path):
    text = HEAD + "\n" + "1;C;P;2026-01-01;1;1\n" * 2000
    (problem,) = problems_of(tmp_path, {"invoice_lines.csv": text})
    assert "2,000 rows" in problem
    assert "row 2 with 1" in problem


def test_a_file_that_two_sources_read_is_an_error(tmp_path):
    (problem,) = problems_of(tmp_path, {"invoice_lines.csv": LINES}, "\n[sources.crm]\n")
    assert "read by the sources erp and crm" in problem


def test_is_current_is_false_while_files_are_wrong(tmp_path):
    project = make_project(tmp_path, {"invoice_lines.csv": LINES})
    load(project)
    (project.raw / "invoice_lines_2.csv").write_text(LINES)
    assert not is_current(project)


def test_a_column_in_use_is_never_proposed_for_another(tmp_path):
    text = "invoice_id,invoiced_on,original_amoun,quantity,product_id\n1,2026-01-01,1,1,P\n"
    text = text.replace("invoiced_on", "invoicd_on").replace("invoice_id", "invoice_id,id")
    problems = problems_of(tmp_path, {"invoice_lines.csv": text.replace("\n1,", "\n1,1,")})
    assert len(problems) == 2
    assert "rename the column invoicd_on" in " ".join(problems)
    (problem,) = problems_of(tmp_path, {"invoice_lines.csv": "invoice_id,original_amount\n1,2\n"})
    assert "rename the column invoice_id" not in problem
    assert "add the column to the export" in problem
