"""The public data sets load whole; every expected figure was counted in the raw files."""

import datetime as dt
import shutil
from decimal import Decimal

import duckdb
import pytest
from sources_project import loaded, make_project

from analysis.sources.load import load

pytestmark = pytest.mark.public_data


def load_public(tmp_path_factory, folder, preset, currency):
    source = f'preset = "{preset}"'
    project = make_project(tmp_path_factory.mktemp(preset), {}, source, f'currency = "{currency}"')
    for path in folder.iterdir():
        shutil.copy(path, project.raw)
    return project, load(project)


@pytest.fixture(scope="module")
def retail(tmp_path_factory, public_data):
    folder = public_data("online_retail_ii")
    return load_public(tmp_path_factory, folder, "online_retail_ii", "GBP")


@pytest.fixture(scope="module")
def maven(tmp_path_factory, public_data):
    return load_public(tmp_path_factory, public_data("maven_crm"), "maven_crm", "USD")


def ask(sql):
    return duckdb.connect().execute(sql).fetchall()[0]


def test_online_retail_rows_and_money_balance(retail):
    _, report = retail
    totals = report.totals
    assert (totals.rows_read, totals.rows_merged, totals.rows_rejected) == (1_067_370, 22_523, 0)
    assert totals.rows_kept == 1_044_847
    assert totals.money_kept == Decimal("18909744.118")
    assert totals.money_read == Decimal("9539484.634") + Decimal("9747747.934")
    assert totals.is_balanced


def test_online_retail_has_the_customers_and_invoices_of_both_years(retail):
    project, report = retail
    lines = f"'{project.current_snapshot()}/invoice_lines.parquet'"
    sql = f"SELECT count(DISTINCT customer_id), count(DISTINCT invoice_id) FROM {lines}"
    assert ask(sql) == (5_942, 53_628)
    assert report.table_rows["customers"] == 5_942
    assert (report.first_day, report.last_day) == (dt.date(2009, 12, 1), dt.date(2011, 12, 9))
    assert ask(f"SELECT count(*) FROM {lines} WHERE customer_id LIKE '%.%'") == (0,)


def test_online_retail_revenue_of_a_quarter_is_the_direct_sum_over_the_raw_files(
    retail, public_data
):
    project, _ = retail
    window = ">= '2011-07-01' AND {0} < '2011-10-01'"
    raw = public_data("online_retail_ii") / "year_2010_2011.parquet"
    direct = ask(
        "SELECT sum(CAST(CAST(UnitPrice AS DECIMAL(18,4)) * Quantity AS DECIMAL(18,4)))"
        f" FROM '{raw}' WHERE InvoiceDate {window.format('InvoiceDate')}"
    )
    lines = project.current_snapshot() / "invoice_lines.parquet"
    kept = ask(
        f"SELECT sum(revenue_amount) FROM '{lines}'"
        f" WHERE invoiced_on {window.format('invoiced_on')}"
    )
    assert kept == direct
    assert round(kept[0]) == 2_383_668


def test_online_retail_kinds_are_what_the_design_counted(retail):
    project, report = retail
    rows = {kind.kind: kind.rows for kind in report.kinds}
    assert rows["bad_debt"] == 6
    lines = project.current_snapshot() / "invoice_lines.parquet"
    quarter = f"FROM '{lines}' WHERE invoiced_on >= '2011-07-01' AND invoiced_on < '2011-10-01'"
    amazon = f"SELECT sum(revenue_amount), any_value(kind) {quarter} AND product_id = 'AMAZONFEE'"
    assert ask(amazon) == (Decimal("-46318.3700"), "fee")
    assert ask(f"SELECT sum(revenue_amount) {quarter} AND kind = 'bad_debt'") == (
        Decimal("-11062.0600"),
    )
    sale, back = (
        ask(f"SELECT sum(revenue_amount) {quarter} AND kind = '{kind}'")[0]
        for kind in ("sale", "return")
    )
    assert round(-back / sale, 3) == Decimal("0.021")


def test_online_retail_cancellations_net(retail):
    # Very large orders that were cancelled minutes later, customers 12346 and 16446.
    project, _ = retail
    lines = project.current_snapshot() / "invoice_lines.parquet"
    for order, cancellation in (("541431", "C541433"), ("581483", "C581484")):
        sql = f"SELECT sum(revenue_amount), count(*) FROM '{lines}' WHERE invoice_id IN "
        assert ask(f"{sql}('{order}', '{cancellation}')") == (Decimal(0), 2)


def test_online_retail_duplicates_and_missing_customers_are_counted(retail):
    _, report = retail
    assert report.exact_duplicates.rows == 11_812
    assert report.lines_without_customer.rows == 235_287


def test_cdnow_loads_the_master_file_only(tmp_path_factory, public_data):
    project, report = load_public(tmp_path_factory, public_data("cdnow"), "cdnow", "USD")
    assert (report.totals.rows_read, report.totals.rows_kept) == (69_659, 69_659)
    assert report.totals.money_kept == Decimal("2500315.63")
    table = loaded(project)
    assert table["customer_id"].iloc[0] == "00001"
    assert table["customer_id"].nunique() == report.table_rows["customers"] == 23_570
    assert table["quantity"].sum() == 167_881
    documents = table.groupby("invoice_id")[["customer_id", "invoiced_on"]].nunique()
    assert (documents == 1).all(axis=None)
    assert any("CDNOW_sample.txt was not read" in note for note in report.notes)


def test_maven_resolves_the_misspelt_product_by_a_stated_rule(maven):
    project, report = maven
    assert report.totals.rows_read == 8_800 + 85 + 7 + 35
    (spelling,) = report.spellings
    assert (spelling.found, spelling.used, spelling.rows) == ("GTXPro", "GTX Pro", 1_480)
    deals = loaded(project, "opportunities")
    assert set(deals["product_id"]) == set(loaded(project, "products")["product_id"])


def test_maven_deals_are_as_the_crm_holds_them(maven):
    project, _ = maven
    deals = loaded(project, "opportunities")
    assert len(deals) == 8_800
    assert deals["is_won"].sum() == 4_238
    assert deals["is_closed"].sum() == 4_238 + 2_473
    assert deals["customer_id"].isna().sum() == 1_425
    assert deals.loc[deals["customer_id"].isna(), "is_closed"].sum() == 0
    assert deals["created_at"].isna().sum() == 500
    assert deals["closed_at"].isna().sum() == deals["value_amount"].isna().sum() == 2_089
    assert deals["value_amount"].sum() == 10_005_534


def test_maven_accounts_are_in_millions_and_people_in_teams(maven):
    project, report = maven
    customers = loaded(project, "customers").set_index("customer_id")
    assert customers.loc["Acme Corporation", "annual_revenue_amount"] == 1_100_040_000
    assert customers["parent_customer_id"].notna().sum() == 15
    counts = {name: report.table_rows[name] for name in ("customers", "reps", "teams", "stages")}
    assert counts == {"customers": 85, "reps": 35, "teams": 6, "stages": 4}


def test_maven_won_deals_also_stand_as_invoice_lines(maven):
    project, report = maven
    lines = loaded(project)
    assert len(lines) == 4_238
    assert report.totals.money_kept == Decimal(10_005_534)
    quarters = lines.groupby(lines["invoiced_on"].map(lambda day: (day.month - 1) // 3 + 1))
    assert quarters["revenue_amount"].sum().tolist() == [1_134_672, 3_086_111, 2_982_255, 2_802_496]
