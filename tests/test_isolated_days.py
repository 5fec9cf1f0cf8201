"""A typo in a date does not stretch the report; an archive stays whole."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sources_project import loaded, make_project, rejected

from analysis.sources.load import load

HEAD = "invoice_id,customer_id,product_id,invoiced_on,quantity,original_amount\n"


def lines(count, start=date(2025, 1, 1)):
    days = [start + timedelta(days=n % 365) for n in range(count)]
    return "".join(f"{start.year}-{n},C{n},P,{day},1,2.00\n" for n, day in enumerate(days))


@pytest.mark.parametrize("day", ["1900-01-01", "2199-12-31", "2019-03-01"])
def test_one_line_years_away_from_all_others_is_rejected_with_its_money(tmp_path, day):
    text = f"{HEAD}{lines(200)}X,C,P,{day},1,7.50\n"
    report = load(make_project(tmp_path, {"invoice_lines.csv": text}))
    (row,) = rejected(make_project(tmp_path, {}))
    assert (row["column"], row["row_number"], row["amount"]) == (
        "invoiced_on",
        202,
        Decimal("7.5000"),
    )
    assert row["found"].startswith(f"{day}, while the next line of source erp is of 2025-")
    assert "keep_isolated_days" in row["mend"]
    assert (report.first_day, report.last_day) == (date(2025, 1, 1), date(2025, 7, 19))
    assert report.totals.money_rejected == Decimal("7.50")
    assert report.totals.is_balanced


def test_both_ends_and_unknown_dates_of_a_system_are_rejected(tmp_path):
    typos = "A,C,P,1900-01-01,1,1\nB,C,P,1900-01-02,1,1\nD,C,P,2125-01-01,1,1\n"
    report = load(make_project(tmp_path, {"invoice_lines.csv": HEAD + lines(50) + typos}))
    assert (report.totals.rows_kept, report.totals.rows_rejected) == (50, 3)


def test_the_setting_keeps_them(tmp_path):
    text = f"{HEAD}{lines(200)}X,C,P,1900-01-01,1,7.50\n"
    source = 'preset = "plain"\nkeep_isolated_days = true'
    report = load(make_project(tmp_path, {"invoice_lines.csv": text}, source))
    assert report.first_day == date(1900, 1, 1)


def test_an_old_archive_is_kept_and_its_gap_is_noted(tmp_path):
    text = HEAD + lines(10, date(2010, 1, 1)) + lines(200)
    report = load(make_project(tmp_path, {"invoice_lines.csv": text}))
    assert report.totals.rows_rejected == 0
    assert any("no line between 2010-01-10 and 2025-01-01" in note for note in report.notes)
    assert len(loaded(make_project(tmp_path, {}))) == 210


def test_a_few_lines_over_many_years_are_no_typos(tmp_path):
    rows = "1,C,P,2010-01-01,1,1\n2,C,P,2015-01-01,1,1\n3,C,P,2025-01-01,1,1\n"
    report = load(make_project(tmp_path, {"invoice_lines.csv": HEAD + rows}))
    assert report.totals.rows_rejected == 0


def test_each_source_is_judged_by_its_own_days(tmp_path):
    files = {
        "erp/invoice_lines.csv": HEAD + lines(20, date(2001, 1, 1)),
        "shop/invoice_lines.csv": HEAD + lines(500),
    }
    shop = '[sources.shop]\npreset = "plain"\nfolder = "shop"'
    project = make_project(tmp_path, files, f'preset = "plain"\nfolder = "erp"\n\n{shop}')
    assert load(project).totals.rows_rejected == 0
