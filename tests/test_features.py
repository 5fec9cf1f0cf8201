"""Derived tables: what counts at a period's end, and that nothing is lost or counted twice."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from features_examples import Line, features_of, project_in, snapshot_of

from analysis.core.problems import InputError, TableError
from analysis.core.tables import DUCKDB_TYPES
from analysis.core.tables_derived import TABLES
from analysis.features import engine
from analysis.features.engine import (
    MADE_TABLES,
    make_features,
    read_table,
)

SQL_FILES = sorted(Path(engine.__file__).parent.glob("*.sql"))


@pytest.fixture
def project(tmp_path):
    return project_in(tmp_path / "project")


# --- what an order is, and the sums of a quarter ------------------------------------------------


def test_sums_a_customers_quarter(project):
    lines = [
        Line("ada", "1", "2024-01-15", "10.00", cost="6.00"),
        Line("ada", "1", "2024-01-15", "5.50", cost="2.50", product_id="cup"),
        Line("ada", "2", "2024-01-15", "1.00", cost="0.50"),  # a second order on that day
        Line("ada", "3", "2024-02-20", "4.00", "postage", cost="4.00"),  # charges: an order too
        Line("ada", "4", "2024-03-31", "-5.50", "return", cost="-2.50", product_id="cup"),
        Line("ada", "5", "2024-04-01", "99.00", cost="1.00"),  # the next quarter
    ]
    first = features_of(project, lines, "2024Q2")["customer_periods"].iloc[0]
    assert first.to_dict() == {
        "customer_id": "ada",
        "period": "2024Q1",
        "starts_on": pd.Timestamp("2024-01-01"),
        "revenue_amount": 15.0,
        "sale_amount": 16.5,
        "return_amount": 5.5,
        "margin_amount": 4.5,
        "order_count": 3,
        "order_day_count": 2,
        "product_count": 2,
        "line_count": 5,
        "first_order_on": pd.Timestamp("2024-01-15"),
        "last_order_on": pd.Timestamp("2024-02-20"),
        "previous_order_on": pd.NaT,
    }


def test_describes_a_customer(project):
    lines = [
        Line("ada", "1", "2023-02-01", "1000.00", cost="1.00"),  # nine quarters ago at 2025Q1
        Line("ada", "2", "2024-01-01", "100.00", cost="50.00"),  # a quarter of the year before
        Line("ada", "3", "2024-04-01", "10.00", cost="6.00"),  # first day of the last four
        Line("ada", "4", "2025-03-31", "6.00", cost="3.00", product_id="cup"),
        Line("ada", "5", "2025-03-31", "8.00", cost="4.00", product_id="cup"),
    ]
    snapshot = snapshot_of(
        project, lines, customers=[{"customer_id": "ada", "customer_name": "Ada & Co"}]
    )
    folder = make_features(project, snapshot, project.calendar.parse("2025Q1"))
    features = read_table(folder, "customer_features").iloc[0].to_dict()
    expected = {
        "first_order_on": pd.Timestamp("2023-02-01"),
        "last_order_on": pd.Timestamp("2025-03-31"),
        "tenure_days": (date(2025, 3, 31) - date(2023, 2, 1)).days,
        "recency_days": 0,
        "order_count": 5,
        "order_day_count": 4,
        "repeat_count": 3,
        "repeat_span_days": (date(2025, 3, 31) - date(2023, 2, 1)).days,
        "median_gap_days": 334.0,  # of 334, 91 and 364
        "mean_order_day_amount": 1124 / 4,
        "mean_repeat_amount": 124 / 3,
        "revenue_amount": 1124.0,
        "revenue_quarter_amount": 14.0,
        "revenue_year_amount": 24.0,
        "revenue_year_before_amount": 100.0,
        "sale_year_amount": 24.0,
        "return_year_amount": 0.0,
        "margin_year_amount": 11.0,
        "order_year_count": 3,
        "order_day_year_count": 2,
        "product_year_count": 2,
        "active_quarter_year_count": 2,
        "customer_name": "Ada & Co",
    }
    assert {name: features[name] for name in expected} == expected


def test_a_credit_note_is_no_order_and_free_goods_are(project):
    lines = [
        Line("ada", "1", "2024-01-15", "-10.00", "return", quantity=-1),
        Line("bob", "2", "2024-01-15", "-10.00", "adjustment", quantity=-1),  # a rebate
        Line("bob", "3", "2024-01-16", "0.00", quantity=None),  # a note without goods
        Line("cyd", "4", "2024-01-15", "0.00"),  # CDNOW holds such purchases
        Line("dan", "5", "2024-01-15", "10.00"),
        Line("dan", "5", "2024-01-15", "-30.00", "return"),  # an exchange: bought, too
        Line("eve", "6", "2024-01-15", "50.00", "bad_debt"),  # paid after all: not bought
    ]
    tables = features_of(project, lines, "2024Q1")
    orders = tables["customer_periods"].set_index("customer_id")["order_count"]
    assert orders.to_dict() == {"ada": 0, "bob": 0, "cyd": 1, "dan": 1, "eve": 0}
    assert list(tables["customer_features"]["customer_id"]) == ["cyd", "dan"]


def test_returns_larger_than_sales_give_negative_revenue(project):
    lines = [
        Line("ada", "1", "2024-01-15", "10.00"),
        Line("ada", "2", "2024-02-15", "-30.00", "return", quantity=-3),
    ]
    tables = features_of(project, lines, "2024Q1")
    assert tables["customer_features"].iloc[0][
        ["revenue_amount", "return_year_amount"]
    ].to_list() == [
        -20.0,
        30.0,
    ]
    assert tables["customer_features"].iloc[0]["mean_order_day_amount"] == 10.0


def test_a_giant_order_cancelled_the_same_day_stays_an_order_worth_nothing(project):
    lines = [
        Line("12346", "1", "2010-06-28", "40.00"),
        Line("12346", "541431", "2011-01-18", "77183.60", quantity=74215),
        Line("12346", "C541433", "2011-01-18", "-77183.60", "return", quantity=-74215),
        Line("12346", "2", "2011-02-01", "60.00"),
    ]
    features = features_of(project, lines, "2011Q1")["customer_features"].iloc[0]
    assert features["revenue_amount"] == 100.0
    assert features["order_count"] == 3
    assert features["repeat_count"] == 2
    assert features["mean_repeat_amount"] == 30.0  # 0 and 60, not 38,622


def test_margin_is_missing_where_a_cost_is(project):
    lines = [
        Line("ada", "1", "2024-01-15", "10.00", cost="6.00"),
        Line("ada", "1", "2024-01-15", "3.00", "postage"),  # no cost: unknown, not 0
        Line("bob", "2", "2023-01-15", "10.00"),  # before the last four quarters
        Line("bob", "3", "2024-01-15", "10.00", cost="12.00"),
        Line("cyd", "4", "2023-01-15", "10.00", cost="1.00"),  # nothing in the last four
    ]
    features = features_of(project, lines, "2024Q1")["customer_features"].set_index("customer_id")
    margins = features["margin_year_amount"]
    assert margins.isna().to_dict() == {"ada": True, "bob": False, "cyd": True}
    assert margins["bob"] == -2.0


def test_only_revenue_kinds_are_revenue(tmp_path):
    project = project_in(tmp_path, '[revenue]\nkinds = ["sale", "return"]')
    lines = [
        Line("ada", "1", "2024-01-15", "10.00", cost="4.00"),
        Line("ada", "1", "2024-01-15", "3.00", "postage"),
        Line("ada", "2", "2024-01-16", "5.00", "fee"),
    ]
    tables = features_of(project, lines, "2024Q1")
    period = tables["customer_periods"].iloc[0]
    assert (period["revenue_amount"], period["margin_amount"]) == (10.0, 6.0)
    assert (period["order_count"], period["line_count"]) == (1, 3)
    days = tables["company_days"].set_index("kind")
    assert days["is_revenue"].to_dict() == {"fee": False, "postage": False, "sale": True}
    assert days["amount"].sum() == Decimal("18.00")


def test_exact_duplicates_are_kept(project):
    lines = [Line("ada", "1", "2024-01-15", "10.00")] * 2
    tables = features_of(project, lines, "2024Q1")
    period = tables["customer_periods"].iloc[0]
    assert period[["revenue_amount", "order_count", "line_count"]].to_list() == [20.0, 1, 2]


def test_equal_document_numbers_of_two_sources_are_two_orders(project):
    lines = [
        Line("ada", "1", "2024-01-15", "10.00"),
        Line("ada", "1", "2024-01-15", "10.00", source_system="shop"),
    ]
    tables = features_of(project, lines, "2024Q1")
    assert tables["customer_periods"].iloc[0]["order_count"] == 2
    assert tables["company_days"].iloc[0]["invoice_count"] == 2


def test_lines_without_a_customer_count_for_the_company_only(project):
    lines = [
        Line("ada", "1", "2024-01-15", "10.00"),
        Line(None, "2", "2024-01-15", "7.0001"),
        Line(None, "2", "2024-01-15", "0.0002"),
    ]
    tables = features_of(project, lines, "2024Q1")
    assert list(tables["customer_periods"]["customer_id"]) == ["ada"]
    days = tables["company_days"]
    assert days[["has_customer", "amount", "line_count", "invoice_count"]].to_dict("records") == [
        {"has_customer": False, "amount": Decimal("7.0003"), "line_count": 2, "invoice_count": 1},
        {"has_customer": True, "amount": Decimal("10.0000"), "line_count": 1, "invoice_count": 1},
    ]


def test_previous_order_looks_over_quarters_without_one(project):
    lines = [
        Line("ada", "1", "2023-01-15", "10.00"),
        Line("ada", "2", "2023-05-15", "-10.00", "return"),  # a quarter without an order
        Line("ada", "3", "2024-01-15", "10.00"),
    ]
    periods = features_of(project, lines, "2024Q1")["customer_periods"].set_index("period")
    first = pd.Timestamp("2023-01-15")
    assert periods["previous_order_on"].to_dict() == {
        "2023Q1": pd.NaT,
        "2023Q2": first,
        "2024Q1": first,
    }
    assert pd.isna(periods.loc["2023Q2", "last_order_on"])


# --- quarters, fiscal years, the as-of rule -------------------------------------------------------


def test_quarters_follow_a_fiscal_year_that_begins_in_july(tmp_path):
    project = project_in(tmp_path, "fiscal_year_start_month = 7")
    lines = [
        Line("ada", "1", "2024-06-30", "1.00"),  # the last day of fiscal year 2024
        Line("ada", "2", "2024-07-01", "2.00"),
        Line("ada", "3", "2024-09-30", "4.00"),
        Line("ada", "4", "2024-10-01", "8.00"),
    ]
    tables = features_of(project, lines, "2025Q2")
    periods = tables["customer_periods"].set_index("period")["revenue_amount"]
    assert periods.to_dict() == {"2024Q4": 1.0, "2025Q1": 6.0, "2025Q2": 8.0}
    assert tables["customer_features"].iloc[0]["revenue_year_amount"] == 15.0


def test_a_line_that_became_known_after_the_end_does_not_count(project):
    lines = [
        Line("ada", "1", "2024-03-31", "1.00", known_at="2024-03-31 23:59:59"),
        Line("ada", "2", "2024-03-31", "2.00", known_at="2024-04-01 00:00:00"),
        Line("ada", "3", "2024-04-01", "4.00", known_at="2024-03-01 00:00:00"),  # dated ahead
    ]
    first = features_of(project, lines, "2024Q1")
    assert first["customer_features"].iloc[0]["revenue_amount"] == 1.0
    assert first["company_days"]["amount"].sum() == Decimal(1)
    second = features_of(project, lines, "2024Q2")
    assert second["customer_periods"]["revenue_amount"].to_list() == [3.0, 4.0]


def test_an_earlier_origin_sees_only_what_was_known_then(project):
    lines = [
        Line("ada", "1", "2024-01-10", "1.00"),
        Line("ada", "2", "2024-01-20", "2.00", known_at="2024-05-01 00:00:00", product_id="cup"),
        Line("bob", "3", "2024-04-20", "4.00", known_at="2024-08-01 00:00:00"),
        Line("ada", "4", "2024-09-30", "8.00"),
    ]
    origins = _quarter_ends(project, lines, "2024Q3")
    shown = origins[
        ["origin", "customer_id", "revenue_amount", "product_year_count", "next_quarter_amount"]
    ]
    assert shown.to_numpy().tolist() == [
        ["2024Q1", "ada", 1.0, 1, 0.0],
        ["2024Q2", "ada", 3.0, 2, 8.0],  # the late posting is known; bob's order is not yet
    ]


def test_the_outcome_of_an_origin_is_what_is_known_now(project):
    lines = [
        Line("ada", "1", "2024-01-10", "1.00"),
        Line("ada", "2", "2024-04-20", "4.00", known_at="2024-08-01 00:00:00"),
        Line("ada", "3", "2024-08-20", "0.50"),
    ]
    origins = _quarter_ends(project, lines, "2024Q3").set_index("origin")
    assert origins["next_quarter_amount"].to_dict() == {"2024Q1": 4.0, "2024Q2": 0.5}
    assert origins["horizon_days"].to_dict() == {"2024Q1": 91, "2024Q2": 92}


def test_a_document_of_which_a_part_becomes_known_later_is_one_order(project):
    lines = [
        Line("ada", "1", "2024-01-10", "10.00"),
        Line("ada", "1", "2024-01-10", "-4.00", "adjustment", known_at="2024-04-05 00:00:00"),
        Line("ada", "2", "2024-06-10", "1.00"),
    ]
    tables = features_of(project, lines, "2024Q2")
    assert tables["customer_features"].iloc[0]["order_count"] == 2
    assert tables["customer_features"].iloc[0]["mean_order_day_amount"] == 3.5
    origins = tables["backtest_origins"].set_index("origin")["mean_order_day_amount"]
    assert origins["2024Q1"] == 10.0


def _quarter_ends(project, lines, period, **options):
    return features_of(project, lines, period, month_end_customers=0, **options)["backtest_origins"]


def test_a_small_company_learns_from_month_ends_as_well(project):
    lines = [
        Line("ada", "1", "2024-01-10", "1.00"),
        Line("ada", "2", "2024-02-20", "2.00", known_at="2024-03-02 00:00:00"),
        Line("ada", "3", "2024-04-20", "4.00"),
        Line("ada", "4", "2024-05-20", "8.00"),
        Line("ada", "5", "2024-06-30", "16.00"),
    ]
    origins = features_of(project, lines, "2024Q2")["backtest_origins"]
    shown = ["origin", "horizon_days", "revenue_quarter_amount", "next_quarter_amount"]
    assert origins[shown].to_numpy().tolist() == [
        ["2024-01-31", 90, 1.0, 6.0],
        ["2024-02-29", 92, 1.0, 12.0],  # the second line came to be known in March
        ["2024Q1", 91, 3.0, 28.0],
    ]


@pytest.mark.parametrize(("quarter_ends", "origins"), [(2, 2), (3, 6)])
def test_month_ends_teach_only_while_few_quarter_ends_are_known(project, quarter_ends, origins):
    days = [f"2024-{month:02d}-05" for month in range(1, 10)]
    lines = [Line("ada", str(number), day, "1.00") for number, day in enumerate(days)]
    made = features_of(project, lines, "2024Q3", month_end_quarters=quarter_ends)
    assert made["backtest_origins"]["origin"].nunique() == origins


def test_the_latest_origins_are_kept(project):
    lines = [
        Line("ada", str(month), f"{year}-{month:02d}-01", "1.00")
        for year in (2021, 2022, 2023)
        for month in range(1, 13)
    ]
    origins = _quarter_ends(project, lines, "2023Q4")["origin"]
    assert (origins.min(), origins.max(), origins.nunique()) == ("2021Q4", "2023Q3", 8)
    origins = _quarter_ends(project, lines, "2023Q4", origin_count=2)["origin"]
    assert origins.to_list() == ["2023Q2", "2023Q3"]


def test_a_period_that_is_no_quarter_ends_where_it_ends(project):
    lines = [
        Line("ada", "1", "2024-01-10", "1.00"),
        Line("ada", "2", "2024-05-10", "2.00"),
        Line("ada", "3", "2024-05-11", "4.00"),
    ]
    tables = features_of(project, lines, "2024-05-10", month_end_customers=0)
    assert tables["customer_periods"]["revenue_amount"].to_list() == [1.0, 2.0]
    assert tables["customer_features"].iloc[0]["recency_days"] == 0
    assert tables["backtest_origins"].empty  # 2024Q2 is not over


# --- the files of SQL --------------------------------------------------------------------------


@pytest.mark.parametrize("file", SQL_FILES, ids=lambda file: file.stem)
def test_sql_stays_within_what_other_engines_know(file):
    text = re.sub(r"--.*", "", file.read_text(encoding="utf-8"))
    words = r"\b(QUALIFY|FILTER|GROUP BY ALL|ORDER BY ALL|EXCLUDE|USING|ASOF)\b"
    assert re.findall(words, text) == []
    assert re.findall(r"::|[\[\]{}]", text) == []
    assert file.read_text(encoding="utf-8").startswith("-- ")  # what one row is, and why
    assert not re.search(r"\bDOUBLE\b|\bFLOAT\b", text) or file.stem == "customer_features"


# --- the folder, the declarations, the errors ---------------------------------------------------


def test_files_have_the_declared_columns_and_types(project):
    snapshot = snapshot_of(project, [Line("ada", "1", "2024-01-15", "10.00")])
    folder = make_features(project, snapshot, project.calendar.parse("2024Q1"))
    for name, table in MADE_TABLES.items():
        assert table in TABLES
        rows = duckdb.sql(f"DESCRIBE SELECT * FROM '{folder / name}.parquet'").fetchall()
        assert [(row[0], row[1]) for row in rows] == [
            (column.name, DUCKDB_TYPES[column.kind]) for column in table.columns
        ]


def test_the_folder_is_made_once_and_again_when_settings_change(project):
    snapshot = snapshot_of(project, [Line("ada", "1", "2024-01-15", "10.00")])
    period = project.calendar.parse("2024Q1")
    folder = make_features(project, snapshot, period)
    before = (folder / "company_days.parquet").stat().st_ino
    assert make_features(project, snapshot, period) == folder
    assert (folder / "company_days.parquet").stat().st_ino == before
    changed = project_in(project.root, '[revenue]\nkinds = ["fee"]')
    make_features(changed, snapshot, period)
    assert not read_table(folder, "company_days")["is_revenue"].any()
    assert [left.name for left in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("period", ["2023Q4", "2024Q3", "2025Q1", "2030", "2023-12-31"])
def test_a_period_without_data_is_refused_with_the_days_of_the_data(project, period):
    lines = [
        Line("ada", "1", "2024-01-15", "10.00"),
        Line("ada", "2", "2024-05-20", "10.00"),
        Line("ada", "3", "2024-09-20", "10.00", known_at="2024-12-31 00:00:00"),
        Line("ada", "4", "2024-11-20", "10.00"),
    ]
    with pytest.raises(InputError, match="the data run from 2024-01-15 to 2024-11-20"):
        features_of(project, lines, period)
    assert not list(project.processed.glob("features/*/*"))


def test_a_day_without_trade_is_not_refused(project):
    lines = [Line("ada", "1", "2024-01-12", "1.00"), Line("ada", "2", "2024-01-15", "1.00")]
    assert len(features_of(project, lines, "2024-01-14")["customer_features"]) == 1


def test_a_snapshot_without_invoice_lines_is_refused(project):
    snapshot = project.tables / "empty"
    snapshot.mkdir(parents=True)
    with pytest.raises(InputError, match="no invoice lines"):
        make_features(project, snapshot, project.calendar.parse("2024Q1"))
    with pytest.raises(InputError, match="no invoice lines at all"):
        features_of(project, [], "2024Q1")


def test_a_quarter_without_lines_in_the_middle_is_told(project):
    lines = [Line("ada", "1", "2024-01-15", "1.00"), Line("ada", "2", "2024-09-15", "1.00")]
    with pytest.raises(InputError, match="no lines within 2024Q2"):
        features_of(project, lines, "2024Q2")


def test_a_customer_twice_in_the_snapshot_is_refused(project):
    twice = [{"customer_id": "ada"}, {"customer_id": "ada"}]
    snapshot = snapshot_of(project, [Line("ada", "1", "2024-01-15", "1.00")], customers=twice)
    with pytest.raises(TableError, match=r"customer_features.*\n.*1 repeated key"):
        make_features(project, snapshot, project.calendar.parse("2024Q1"))


def test_a_column_that_the_snapshot_lacks_is_named(project):
    snapshot = snapshot_of(project, [Line("ada", "1", "2024-01-15", "1.00")])
    file = snapshot / "invoice_lines.parquet"
    pq.write_table(pq.read_table(file).drop_columns("kind"), file)
    with pytest.raises(TableError, match=r"invoice_lines\.parquet, column kind"):
        make_features(project, snapshot, project.calendar.parse("2024Q1"))
