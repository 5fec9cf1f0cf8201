"""What differs between two runs, and what to say where there is no such run."""

import json
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from tiny_project import tiny_project

from analysis.cli import main
from analysis.core.problems import SettingsError
from analysis.core.result import Finding, Number, Result
from analysis.run.compare import Change, compare
from analysis.run.compare_text import comparison_text
from analysis.run.record import NotebookRecord, RunRecord

AS_OF = date(2024, 6, 30)


@pytest.fixture
def project(tmp_path):
    return tiny_project(tmp_path, {"a": []})


def growth(**changed):
    customers = pd.DataFrame(
        {"customer_id": ["ada", "bob"], "forecast_quarter_amount": [10.0, 20.0]}
    )
    segments = pd.DataFrame({"customer_id": ["ada", "bob"], "segment_name": ["Big", "Small"]})
    parts = {
        "headline": {"revenue": Number("Revenue", 30.0, "amount")},
        "findings": (Finding("Revenue is £30.", metric="revenue"), Finding("Only here.")),
        "tables": {"customer_growth": customers, "segments": segments},
    }
    return Result("growth", "Growth", "2024Q2", AS_OF, **parts | changed)


def record(**changed):
    made = RunRecord("quarterly", "2024Q2", "succeeded", "2024-07-01T00:00:00+00:00")
    made.snapshot, made.sources = "s1", {"till/lines.csv": "a" * 64}
    made.code, made.rows = {"version": "1", "code": "c" * 64, "lock": "l" * 64}, {"read": 4}
    made.settings = {"company": {"name": "Tiny", "currency": "EUR"}}
    made.notebooks = {"growth": NotebookRecord("succeeded", parameters={"draws": 100})}
    return replace(made, **changed)


def keep(project, name, run, result):
    folder = project.processed / "runs" / "quarterly" / name
    result.save(folder / result.name)
    run.save(folder)
    return folder


def names(changes):
    return {change.name for change in changes}


def test_a_run_compared_with_itself_differs_in_nothing(project):
    keep(project, "2024Q2", record(), growth())
    found = compare(project, "2024Q2", "2024Q2")
    assert found.is_same
    assert comparison_text(found).endswith("Nothing differs.")


def test_every_kind_of_difference_is_found_and_no_other(project):
    keep(project, "2024Q1", record(), growth())
    moved = growth(
        headline={"revenue": Number("Revenue", 33.0, "amount"), "n": Number("N", 1.0, "count")},
        findings=(Finding("Revenue is £33.", metric="revenue"),),
        tables={
            "customer_growth": pd.DataFrame(
                {"customer_id": ["ada", "cyd"], "forecast_quarter_amount": [11.0, 20.0]}
            ),
            "segments": pd.DataFrame({"customer_id": ["a", "b"], "segment_name": ["Big", "Big"]}),
        },
    )
    other = record(
        code={"version": "1", "code": "d" * 64, "lock": "l" * 64},
        sources={"till/lines.csv": "b" * 64, "till/more.csv": "a" * 64},
        settings={"company": {"name": "Tiny", "currency": "GBP"}},
        rows={"read": 5},
        notebooks={
            "growth": NotebookRecord("failed", error="cell [1]: no", parameters={"draws": 9})
        },
    )
    keep(project, "2024Q2", other, moved)
    parts = compare(project, "2024Q1", "2024Q2").parts
    assert parts["code"] == (Change("code", "c" * 64, "d" * 64),)
    assert parts["settings"] == (Change("company.currency", "EUR", "GBP"),)
    assert parts["options"] == (Change("growth.draws", 100, 9),)
    assert names(parts["data"]) == {"till/lines.csv", "till/more.csv"}
    assert parts["rows"] == (Change("read", 4, 5),)
    assert parts["notebooks"] == (Change("growth", "succeeded", "failed, cell [1]: no"),)
    assert set(parts["numbers"]) == {
        Change("growth: Revenue", 30.0, 33.0),
        Change("growth: N", None, 1.0),
    }
    assert Change("growth: revenue", "Revenue is £30.", "Revenue is £33.") in parts["findings"]
    assert Change("growth: Only here.", "Only here.", None) in parts["findings"]
    assert set(parts["counts"]) == {
        Change("segment Big", 1, 2),
        Change("segment Small", 1, None),
    }
    assert set(parts["forecasts"]) == {
        Change("sum of forecast_quarter_amount", 30.0, 31.0),
        Change("customers with another forecast", 0, 1),
        Change("customers in one run only", 1, 1),
    }
    assert parts["money"] == ()


def test_the_last_digit_of_a_sum_is_no_difference(project):
    keep(project, "2024Q1", record(), growth())
    headline = {"revenue": Number("Revenue", 30.0 * (1 + 1e-12), "amount")}
    keep(project, "2024Q2", record(), growth(headline=headline))
    assert compare(project, "2024Q1", "2024Q2").is_same


def test_a_failed_run_and_a_folder_elsewhere_can_be_compared(project, tmp_path):
    keep(project, "2024Q2", record(), growth())
    keep(project, "2024Q2.failed", record(state="failed"), growth())
    assert compare(project, "2024Q2", "2024Q2.failed").is_same
    assert compare(
        project, "2024Q2", str(project.run_dir(project.calendar.parse("2024Q2")))
    ).is_same


def test_a_run_of_an_older_version_without_settings_is_compared_too(project):
    folder = keep(project, "2024Q1", record(), growth())
    text = json.loads((folder / "run.json").read_text())
    del text["settings"]
    (folder / "run.json").write_text(json.dumps(text))
    keep(project, "2024Q2", record(), growth())
    assert names(compare(project, "2024Q1", "2024Q2").parts["settings"]) == {
        *("company.name", "company.currency"),
    }


def test_names_of_no_run_are_told_together_with_those_that_exist(project):
    keep(project, "2024Q2", record(), growth())
    with pytest.raises(
        SettingsError, match=r"run 2031Q1[\s\S]*one of 2024Q2[\s\S]*run \.\./x"
    ) as e:
        compare(project, "2031Q1", "../x")
    assert len(e.value.problems) == 2


def test_without_any_run_it_says_how_to_make_one(project):
    with pytest.raises(SettingsError, match="analysis run quarterly"):
        compare(project, "2024Q1", "2024Q2")


def test_the_command_prints_words_and_writes_json(project, tmp_path, capsys):
    keep(project, "2024Q1", record(), growth())
    keep(project, "2024Q2", record(rows={"read": 5}), growth())
    target = tmp_path / "diff.json"
    words = ["compare", "2024Q1", "2024Q2", "--project", str(project.root), "--json", str(target)]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "Rows: 1 differ\n  read: 4 -> 5 (+25.0 %)" in printed
    assert "The same: period, code, settings" in printed
    assert json.loads(target.read_text())["parts"]["rows"][0]["second"] == 5


def test_the_command_ends_with_an_error_where_there_is_no_such_run(project, capsys):
    assert main(["compare", "2024Q1", "2024Q2", "--project", str(project.root)]) == 1
    assert "no run of that name" in capsys.readouterr().err
