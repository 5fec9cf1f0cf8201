"""The sales room on public data; every expected figure was counted in the raw files."""

import datetime as dt
import shutil

import pandas as pd
import pytest
from sources_project import loaded, make_project

from analysis.core.periods import FiscalCalendar
from analysis.core.scope import Scope
from analysis.features.engine import make_features, read_table
from analysis.sales.control_points import control_points
from analysis.sales.deals import deals_as_of, stages_reached, stays_as_of
from analysis.sales.funnel import FunnelOptions, Tables, funnel
from analysis.sales.throughput import throughput
from analysis.sources.load import load

pytestmark = pytest.mark.public_data

CALENDAR = FiscalCalendar()
NAMES = ("opportunities", "stage_events", "stages", "reps", "products")


def load_public(tmp_path_factory, folder, preset, currency):
    source = f'preset = "{preset}"'
    project = make_project(tmp_path_factory.mktemp(preset), {}, source, f'currency = "{currency}"')
    for path in folder.iterdir():
        shutil.copy(path, project.raw)
    return project, load(project)


def sales_tables(project) -> Tables:
    """The tables as a notebook has them: days as datetime64; None without a file."""
    folder = project.current_snapshot()
    files = [folder / f"{name}.parquet" for name in NAMES]
    read = {"date_as_object": False}
    return Tables(
        *[pd.read_parquet(f, to_pandas_kwargs=read) if f.is_file() else None for f in files]
    )


@pytest.fixture(scope="module")
def bank(tmp_path_factory, public_data):
    folder = public_data("bpi_challenge_2012")
    return load_public(tmp_path_factory, folder, "bpi_challenge_2012", "EUR")


@pytest.fixture(scope="module")
def maven(tmp_path_factory, public_data):
    return load_public(tmp_path_factory, public_data("maven_crm"), "maven_crm", "USD")


# The log ends on 14 March 2012, in the first quarter.
LAST = Scope(CALENDAR.parse("2012Q1"), CALENDAR)
REACHED = {
    "A_SUBMITTED": 13_087,
    "A_PREACCEPTED": 7_367,
    "A_ACCEPTED": 5_113,
    "A_FINALIZED": 5_015,
    "O_SENT": 5_015,
    "O_SENT_BACK": 3_254,
    "A_APPROVED": 2_246,
}


def test_the_log_of_a_bank_loads_as_deals_stages_and_activities(bank):
    _, report = bank
    kept = {file.table: file.counts.rows_kept for file in report.files}
    assert kept == {"opportunities": 13_087, "stage_events": 53_754, "activities": 72_413}
    assert report.totals.rows_rejected == 0
    assert report.totals.money_kept == 177_634_511
    # 1 October 2011, 00:38 in Amsterdam, is the evening before in UTC.
    assert (report.first_day, report.last_day) == (dt.date(2011, 9, 30), dt.date(2012, 3, 14))


def test_the_bank_s_deals_end_as_their_events_say(bank):
    deals = loaded(bank[0], "opportunities")
    assert deals["is_won"].sum() == 2_246
    assert (~deals["is_closed"]).sum() == 399
    assert deals["stage_id"].value_counts().to_dict() == {
        "A_DECLINED": 7_635,
        "A_CANCELLED": 2_807,
        "A_APPROVED": 2_246,
        "O_SENT": 240,
        "O_SENT_BACK": 87,
        "A_PREACCEPTED": 69,
        "A_ACCEPTED": 3,
    }
    assert deals["closed_at"].isna().sum() == 399
    assert (deals["created_at"].dropna() <= deals["closed_at"].fillna(deals["created_at"])).all()


def test_half_of_the_applications_are_over_within_the_published_time(bank):
    deals, done = (loaded(bank[0], name) for name in ("opportunities", "activities"))
    last = done.groupby("opportunity_id")["completed_at"].max()
    worked = deals["opportunity_id"].map(last).astype("datetime64[us]")
    events = loaded(bank[0], "stage_events").groupby("opportunity_id")["entered_at"].max()
    ended = deals["opportunity_id"].map(events).astype("datetime64[us]")
    until = pd.concat([worked, ended], axis=1).max(axis=1)
    days = (until - deals["created_at"]) / pd.Timedelta(days=1)
    assert days.median() == pytest.approx(0.81, abs=0.01)


def test_the_funnel_of_the_bank_is_that_of_the_raw_log(bank):
    tables = sales_tables(bank[0])
    deals = deals_as_of(tables.opportunities, tables.stage_events, tables.stages, LAST.as_of)
    stays = stays_as_of(tables.opportunities, tables.stage_events, tables.stages, LAST.as_of)
    counts = stages_reached(stays, deals)["stage_order"].value_counts()
    ids = tables.stages.drop_duplicates("stage_order").set_index("stage_order")["stage_id"]
    found = {ids[order]: int(count) for order, count in counts.items()}
    assert found == {name: n for name, n in REACHED.items() if name != "A_APPROVED"}
    assert deals["outcome"].value_counts().to_dict() == {"lost": 10_442, "won": 2_246, "open": 399}


def test_the_funnel_chapter_tells_the_bank_s_stages(bank):
    options = FunnelOptions(cohort_days=365)
    result = funnel(sales_tables(bank[0]), scope=LAST, options=options)
    assert not result.unavailable
    stages = result.tables["stages"]
    assert stages["reached_count"].tolist() == list(REACHED.values())[:-1]
    assert result.headline["deals"].value == 13_087
    # Open ones are censored, so the share lies between won of all and won of those that ended.
    share = result.headline["won_share"].value
    assert 0.9 * 2_246 / 13_087 < share < 2_246 / (13_087 - 399)


def test_what_the_bank_knew_at_the_end_of_a_quarter_is_less(bank):
    tables = sales_tables(bank[0])
    before = deals_as_of(
        tables.opportunities, tables.stage_events, tables.stages, dt.date(2011, 12, 31)
    )
    assert len(before) < 13_087
    assert before["ended_at"].max() < pd.Timestamp("2012-01-01")
    assert (before["outcome"] == "open").sum() > 399


def test_a_project_without_invoices_has_empty_tables_of_customers(bank):
    project, report = bank
    snapshot = project.tables / report.snapshot
    folder = make_features(project, snapshot, CALENDAR.parse("2011Q4"))
    for name in ("company_days", "customer_periods", "customer_features", "backtest_origins"):
        assert read_table(folder, name).empty


def test_the_bank_s_open_deals_can_be_acted_on(bank):
    result = control_points(sales_tables(bank[0]), loaded(bank[0], "activities"), scope=LAST)
    assert result.headline["open"].value == 399


MAVEN = Scope(CALENDAR.parse("2017Q4"), CALENDAR)


def test_maven_deals_without_a_history_are_told_as_whole_deals(maven):
    result = funnel(sales_tables(maven[0]), scope=MAVEN)
    assert result.headline["closed_share"].value == pytest.approx(4_238 / 6_711)
    assert result.headline["deals"].value == 8_800 - 500  # Prospecting has no engage date
    assert result.tables["stages"].empty
    assert any(text.startswith("There is no history of stages") for text in result.caveats)
    sellers = result.tables["sellers"]
    assert len(sellers) == 30
    assert sellers["deal_count"].sum() == 8_300


def test_maven_throughput_runs_without_hire_dates_and_says_so(maven):
    tables = sales_tables(maven[0])
    result = throughput(tables, scope=MAVEN)
    assert not result.unavailable
    assert result.tables["sellers"]["won_count"].sum() == 4_238
    assert result.caveats


def test_maven_open_deals_lack_value_customer_and_close_date(maven):
    result = control_points(sales_tables(maven[0]), scope=MAVEN)
    assert result.headline["open"].value == 1_589
    # What no open deal has is no fault of any: said once, not 1,589 times.
    assert not {"no_value", "no_close"} & set(result.tables["rules"]["rule"])
    assert any("No activities are loaded" in text for text in result.caveats)
    assert any(text.startswith("500 deals that nobody has begun") for text in result.caveats)
