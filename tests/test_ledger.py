"""The ledger: what was published first is graded, whatever is run later."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from tiny_project import tiny_project, write_notebook

from analysis.core.files import read_json
from analysis.core.project import open_project
from analysis.core.result import Result
from analysis.core.tables import check_table
from analysis.core.tables_derived import FORECASTS
from analysis.run import open_workspace, run_cadence
from analysis.run.frozen import freeze, frozen_forecasts, frozen_source
from analysis.run.keys import notebook_keys
from analysis.run.plan import make_plan
from analysis.run.record import RunRecord
from analysis.sources.load import load

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "raw" / "sample"
RECORD = RunRecord("quarterly", "", started_at="2024-07-02T06:15:00+00:00", code={"code": "c" * 64})


@pytest.fixture
def project(tmp_path):
    return tiny_project(tmp_path, {"a": []})


def publish(project, period, amount, segments=None, **changes):
    """Freeze a run that forecast `amount` for ada, the only customer; return the new version."""
    of = project.calendar.parse(period)
    folder = project.run_dir(of)
    forecast = {"forecast_quarter_amount": [amount], "forecast_quarter_low_amount": [amount / 2]}
    customers = pd.DataFrame(
        {
            "customer_id": ["ada"],
            "active_share": [0.5],
            **forecast,
            "forecast_year_amount": [4 * amount],
            "target_quarter_amount": [amount],
            "target_pool_id": ["rare"],  # a share of a pool's target: no row
        }
    )
    totals = pd.DataFrame({"level": ["company"], "level_id": [""], **forecast})
    tables = {"customer_growth": customers, "totals": totals}
    Result("growth", "Growth", period, of.last_day, tables=tables).save(folder / "growth")
    if segments is not None:
        tables = {"segments": segments}
        Result("segmentation", "S", period, of.last_day, tables=tables).save(
            folder / "segmentation"
        )
    record = replace(RECORD, period=period, snapshot=load(project).snapshot, **changes)
    return freeze(project, of, folder, record)


def frozen(project, period):
    return frozen_forecasts(project, project.calendar.parse(period))


def values(project, period):
    """Return the graded point forecasts of ada by origin and horizon."""
    rows = frozen(project, period)
    rows = rows[(rows["scope"] == "customer") & (rows["statistic"] == "point")]
    return {(row.origin, row.horizon): row.value_amount for row in rows.itertuples()}


def test_keeps_every_number_that_a_run_said_of_a_time_to_come(project):
    segments = pd.DataFrame({"customer_id": ["ada"], "segment_name": ["Often"]})
    folder = publish(project, "2024Q2", 10.0, segments)
    rows = check_table(pd.read_parquet(folder / "forecasts.parquet"), FORECASTS)
    shown = ["scope", "scope_id", "horizon", "statistic", "period", "value_amount"]
    assert rows[shown].astype({"scope_id": "object"}).values.tolist() == [
        ["company", "", "quarter", "point", "2024Q3", 10.0],
        ["company", "", "quarter", "low", "2024Q3", 5.0],
        ["customer", "ada", "quarter", "point", "2024Q3", 10.0],
        ["customer", "ada", "quarter", "low", "2024Q3", 5.0],
        ["customer", "ada", "year", "point", "2024Q3 to 2025Q2", 40.0],
    ]
    assert rows["ends_on"].dt.strftime("%Y-%m-%d").tolist() == ["2024-09-30"] * 4 + ["2025-06-30"]
    assert rows["segment_name"].dropna().tolist() == ["Often"] * 3
    assert set(rows["reason"]) == {"first published"}
    assert set(rows["made_at"]) == {pd.Timestamp("2024-07-02 06:15")}


def test_the_same_numbers_add_nothing(project):
    publish(project, "2024Q1", 10.0)
    later = {"started_at": "2025-01-01T00:00:00+00:00", "code": {"code": "d" * 64}}
    assert publish(project, "2024Q1", 10.0, **later) is None


def test_other_numbers_add_a_version_with_its_reason_and_the_first_stays_graded(project):
    first = publish(project, "2024Q1", 10.0)
    before = (first / "forecasts.parquet").read_bytes()
    lines = project.raw / "invoice_lines.csv"
    late = "5,1,ada,tea,2024-03-30,1,7.00,EUR,7.00,sale\n"
    lines.write_text(lines.read_text(encoding="utf-8") + late, encoding="utf-8")
    second = publish(project, "2024Q1", 12.0)
    third = publish(project, "2024Q1", 13.0, code={"code": "d" * 64})
    fourth = publish(project, "2024Q1", 14.0, code={"code": "d" * 64})
    reasons = [read_json(folder / "version.json")["reason"] for folder in (second, third, fourth)]
    assert reasons == [
        "other data, such as late postings",
        "other code",
        "other settings, options, overrides or notebooks",
    ]
    assert values(project, "2024Q2") == {("2024Q1", "quarter"): 10.0}
    assert (first / "forecasts.parquet").read_bytes() == before


def test_gives_only_forecasts_made_before_the_period_of_times_that_are_over(project):
    for period, amount in (("2023Q2", 1.0), ("2024Q1", 4.0), ("2024Q2", 5.0), ("2024Q3", 6.0)):
        publish(project, period, amount)
    assert values(project, "2023Q2") == {}
    assert values(project, "2024Q1") == {("2023Q2", "quarter"): 1.0}
    assert values(project, "2024Q2") == {
        ("2023Q2", "quarter"): 1.0,
        ("2023Q2", "year"): 4.0,  # 2023Q3 to 2024Q2
        ("2024Q1", "quarter"): 4.0,
    }


def test_a_run_of_a_quarter_that_is_not_over_is_kept_but_never_graded(project):
    publish(project, "2024Q3", 6.0)  # the data end on 30 June
    assert values(project, "2024Q4") == {}
    lines = project.raw / "invoice_lines.csv"
    more = "5,1,ada,tea,2024-09-30,1,7.00,EUR,7.00,sale\n"
    lines.write_text(lines.read_text(encoding="utf-8") + more, encoding="utf-8")
    folder = publish(project, "2024Q3", 6.0)
    assert "the period is over now" in read_json(folder / "version.json")["reason"]
    assert values(project, "2024Q4") == {("2024Q3", "quarter"): 6.0}


def test_a_run_without_a_forecast_freezes_nothing(project):
    folder = project.run_dir(project.calendar.parse("2024Q1"))
    period = project.calendar.parse("2024Q1")
    Result.nothing("growth", "Growth", period, "too little").save(folder / "growth")
    assert freeze(project, period, folder, replace(RECORD, period="2024Q1")) is None
    rows = frozen(project, "2024Q2")
    assert rows.empty
    assert list(rows.columns) == list(FORECASTS.column_names)


def test_what_a_killed_run_left_is_no_version(project):
    home = project.ledger_dir(project.calendar.parse("2024Q1"))
    (home / ".unfinished-0001-x").mkdir(parents=True)
    (home / "0001").mkdir()  # without version.json: not one of ours
    assert values(project, "2024Q2") == {}
    shutil.rmtree(home / "0001")
    publish(project, "2024Q1", 10.0)
    assert [path.name for path in home.iterdir()] == ["0001"]


def test_notebooks_run_again_when_an_earlier_quarter_was_frozen_and_only_then(project):
    def keys(period):
        plan = make_plan(project, "quarterly")
        found = notebook_keys(project, plan, project.calendar.parse(period), "s", {})
        return [key for key, _ in found.values()]

    first, second = keys("2024Q1"), keys("2024Q2")
    publish(project, "2024Q1", 10.0)
    assert keys("2024Q1") == first
    assert keys("2024Q2") != second
    second = keys("2024Q2")
    publish(project, "2024Q1", 11.0)  # a later version is not graded
    assert keys("2024Q2") == second
    assert frozen_source(project, project.calendar.parse("2024Q1")) == ""


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """A project on the sample's invoices with growth and the scoreboard only."""
    names = ("customers/revenue", "customers/segmentation", "data_quality")
    left_out = "\n".join(f'"{name}" = false' for name in names)
    folder = tmp_path_factory.mktemp("sample")
    raw = folder / "data" / "raw"
    raw.mkdir(parents=True)
    for name in ("invoice_lines", "customers", "products"):
        shutil.copy(SAMPLE / f"{name}.csv", raw)
    settings = f'[sources.sample]\npreset = "plain"\n\n[cadences.quarterly.notebooks]\n{left_out}\n'
    (folder / "project.toml").write_text(settings, encoding="utf-8")
    write_notebook(folder, "reports/quarterly")
    return open_project(folder)


def test_the_next_quarter_grades_what_this_one_published_whatever_is_run_later(sample):
    first, second = (sample.calendar.parse(text) for text in ("2026Q1", "2026Q2"))
    assert run_cadence(sample, "quarterly", "2026Q1").is_published
    board = Result.load(sample.run_dir(first) / "scoreboard")
    assert board.unavailable.startswith("None frozen to grade yet")
    published = Result.load(sample.run_dir(first) / "growth").tables["customer_growth"]

    assert run_cadence(sample, "quarterly", "2026Q2").is_published
    graded = Result.load(sample.run_dir(second) / "scoreboard")
    own = graded.tables["customers"].set_index("customer_id")["forecast_amount"]
    said = published.set_index("customer_id")["forecast_quarter_amount"]
    pd.testing.assert_series_equal(own, said.sort_index(), check_names=False, check_index=False)
    assert set(graded.tables["grades"]["period"]) == {"2026Q2"}
    before = frozen_forecasts(sample, second)

    # A posting that came late makes another forecast of the old quarter; it is kept beside.
    lines = sample.raw / "invoice_lines.csv"
    text = lines.read_text(encoding="utf-8")
    cells = text.splitlines()[1].split(",")
    changes = {"invoice_id": "999999", "customer_id": "C10014", "invoiced_on": "2026-03-31"}
    header = text.splitlines()[0].split(",")
    late = [changes.get(name, cell) for name, cell in zip(header, cells, strict=True)]
    late[header.index("original_amount")] = "54321.00"
    lines.write_text(text + ",".join(late) + "\n", encoding="utf-8")
    assert run_cadence(sample, "quarterly", "2026Q1").is_published
    versions = sorted(path.name for path in sample.ledger_dir(first).iterdir())
    assert versions == ["0001", "0002"]
    pd.testing.assert_frame_equal(frozen_forecasts(sample, second), before)
    assert open_workspace(str(sample.root), "2026Q1").ledger().empty
