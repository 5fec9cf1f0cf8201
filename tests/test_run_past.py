"""What a report is told in against is found in the ledger, the tables and project.toml."""

from decimal import Decimal
from types import SimpleNamespace

import pandas as pd
import pytest
from tiny_project import tiny_project

from analysis.core.periods import FiscalCalendar
from analysis.core.result import Number, Result
from analysis.core.settings import Settings
from analysis.run.past import past_source, period_target, read_past
from analysis.run.record import RunRecord

CALENDAR = FiscalCalendar()
QUARTERS = {f"2026Q{n}": Decimal(100 * n) for n in range(1, 5)}


def work(period, table=None, demanded=None):
    settings = Settings.model_validate({"targets": {"quarter_revenue_amount": demanded or {}}})
    return SimpleNamespace(
        period=CALENDAR.parse(period),
        project=SimpleNamespace(settings=settings, calendar=CALENDAR),
        source_table=lambda name: table,
    )


def target(**more):
    row = {
        "target_id": "t1",
        "level": "company",
        "metric": "revenue_amount",
        "starts_on": pd.Timestamp("2026-04-01"),
        "ends_on": pd.Timestamp("2026-06-30"),
        "value": 900.0,
        "set_on": pd.Timestamp("2026-01-05"),
    }
    return row | more


@pytest.mark.parametrize(
    ("period", "amount"),
    [("2026Q2", 200), ("2026", 1000), ("2025Q2", None), ("2026-06-30", None), ("2027", None)],
)
def test_project_toml_names_the_target_of_a_quarter_and_by_sum_of_a_year(period, amount):
    assert period_target(work(period, demanded=QUARTERS)) == amount


def test_a_year_of_which_a_quarter_is_missing_has_no_target():
    three = {name: amount for name, amount in QUARTERS.items() if name != "2026Q3"}
    assert period_target(work("2026", demanded=three)) is None


def test_the_table_of_targets_comes_first_and_the_one_set_last():
    table = pd.DataFrame(
        [
            target(),
            target(target_id="t2", value=950.0, set_on=pd.Timestamp("2026-02-01")),
            target(target_id="t3", value=1.0, set_on=pd.Timestamp("2026-07-01")),  # after the fact
            target(target_id="t4", value=2.0, level="region"),
            target(target_id="t5", value=3.0, metric="order_count"),
        ]
    )
    assert period_target(work("2026Q2", table, QUARTERS)) == 950.0
    assert period_target(work("2026Q1", table, QUARTERS)) == 100


def test_without_any_target_there_is_none():
    assert period_target(work("2026Q2")) is None


def publish(project, period, value, **more):
    """Put a published run of one Result in place."""
    folder = project.run_dir(project.calendar.parse(period))
    number = Number("Net revenue", value, "amount")
    parsed = project.calendar.parse(period)
    result = Result("revenue", "Revenue", period, parsed.last_day, headline={"revenue": number})
    result.save(folder / "revenue")
    record = RunRecord("quarterly", period, state="succeeded", sources={"a.csv": "1"}, **more)
    record.save(folder)
    return folder


@pytest.fixture
def project(tmp_path):
    return tiny_project(tmp_path, {})


def test_the_key_of_a_report_follows_what_was_published_before_it(project):
    period = project.calendar.parse("2026Q2")
    assert past_source(project, period) == ""
    publish(project, "2026Q1", 1.0)
    first = past_source(project, period)
    publish(project, "2026Q1", 1.0, started_at="later", finished_at="later")
    assert past_source(project, period) == first  # run again, nothing new
    publish(project, "2026Q1", 2.0)
    assert past_source(project, period) != first
    assert past_source(project, project.calendar.parse("2026Q1")) == ""  # not its own past


def test_a_later_report_is_no_part_of_the_past(project):
    publish(project, "2026Q3", 1.0)
    assert past_source(project, project.calendar.parse("2026Q2")) == ""


def reader(project, tmp_path):
    late = pd.DataFrame(
        {
            "cadence": ["quarterly", "quarterly", "daily"],
            "period": ["2026Q1", "2025Q4", "2026-01-01"],
            "late_amount": [5.0, 0.0, 7.0],
        }
    )
    return SimpleNamespace(
        project=project,
        period=project.calendar.parse("2026Q2"),
        folder=tmp_path / "now",
        table=lambda name: late,
        source_table=lambda name: None,
        overrides=lambda name: None,
    )


def test_the_past_is_the_period_before_and_a_year_ago(project, tmp_path):
    for period in ("2025Q1", "2025Q2", "2026Q1"):
        publish(project, period, 1.0)
    past = read_past(reader(project, tmp_path), {})
    assert [earlier.period for earlier in past.reports] == ["2026Q1", "2025Q2"]
    assert past.reports[0].results["revenue"].headline["revenue"].value == 1.0
    assert past.late == {"2026Q1": 5.0}
    assert past.comments == ()


def test_what_a_run_rests_on_is_told_apart(project, tmp_path):
    kinds = {"revenue": {"kinds": ["sale"]}, "options": {}}
    publish(project, "2026Q1", 1.0, settings=kinds, code={"code": "abc"})
    own = reader(project, tmp_path)
    again = {"revenue": {"kinds": ["sale", "fee"]}, "options": {"x": 1}}
    RunRecord("quarterly", "2026Q2", settings=again, code={"code": "def"}).save(own.folder)
    past = read_past(own, {})
    then, now = past.reports[0].basis, past.basis
    assert then.definitions != now.definitions
    assert then.settings != now.settings
    assert (then.code, now.code) == ("abc", "def")
    assert then.sources == {"a.csv": "1"}
