"""What a notebook stands on, in a run and outside one."""

from dataclasses import replace

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient
from tiny_project import saving_cell, tiny_project, write_notebook

from analysis.core.problems import InputError, SettingsError
from analysis.core.result import Result
from analysis.run import open_workspace
from analysis.run.ledger import anchor_folder, anchor_source, earlier_source
from analysis.run.record import NotebookRecord, RunRecord
from analysis.run.workspace import PROJECT_VARIABLE


@pytest.fixture
def project(tmp_path):
    return tiny_project(tmp_path, {"a": [], "room/b": ["a"]})


def result(work, name, note=""):
    period = work.scope.period
    return replace(Result(name, f"About {name}", period.name, period.last_day), caveats=(note,))


def publish(project, period, notebook, fitted, source=""):
    """Leave a published run whose Result holds an anchor."""
    folder = project.run_dir(project.calendar.parse(period))
    stem = notebook.rsplit("/", 1)[-1]
    Result(
        stem,
        stem,
        period,
        project.calendar.parse(period).last_day,
        tables={"centre_anchor": pd.DataFrame({"x": [fitted]})},
    ).save(folder / stem)
    record = RunRecord("quarterly", period, "succeeded", snapshot="s")
    record.notebooks[notebook] = NotebookRecord("succeeded", anchor=source)
    record.save(folder)


def test_outside_a_run_it_loads_and_chooses_the_last_complete_quarter(project):
    work = open_workspace(str(project.root / "notebooks" / "reports"))
    assert work.scope.period.name == "2024Q2"
    assert set(work.table("customer_features")["customer_id"]) == {"ada", "bob", "cyd"}
    assert work.load_report.totals.rows_kept == 4
    assert work.rejects.empty
    assert work.source_table("control_totals") is None
    assert work.overrides("segments") is None


def test_keeps_results_in_scratch_and_gives_them_in_order_of_chapters(project):
    work = open_workspace(str(project.root), "2024Q1")
    work.save(result(work, "b"))
    work.save(result(work, "a"))
    assert list(work.results()) == ["a", "room/b"]
    assert work.result("room/b").name == "b"
    assert work.folder.is_relative_to(project.processed / "scratch")
    assert not (project.processed / "runs").exists()


def test_results_of_other_data_are_never_mixed(project):
    work = open_workspace(str(project.root))
    work.save(result(work, "a"))
    lines = project.raw / "invoice_lines.csv"
    lines.write_text(lines.read_text(encoding="utf-8").replace("30.00", "31.00"), encoding="utf-8")
    assert open_workspace(str(project.root)).results() == {}


def test_runs_the_notebook_whose_result_is_needed_and_missing(project, capsys):
    write_notebook(project.root, "a", saving_cell("a", "3.0"))
    work = open_workspace(str(project.root))
    assert work.result("a").headline["revenue"].value == 3.0
    assert "Running a first" in capsys.readouterr().err
    assert work.result("nobody") is None


def test_a_result_of_a_run_is_the_runs_own(project):
    outside = open_workspace(str(project.root))
    outside.save(result(outside, "a", "scratch"))
    folder = project.root / "data" / "processed" / "in"
    RunRecord("quarterly", "2024Q2", snapshot=outside.snapshot.name).save(folder)
    work = open_workspace(str(project.root), "2024Q2", str(folder))
    assert work.result("a") is None
    work.save(result(work, "a", "run"))
    assert work.result("a").caveats == ("run",)
    assert work.table("company_days")["line_count"].sum() == 4


def test_reads_what_analysts_overrule_as_text(project):
    folder = project.raw / "overrides"
    folder.mkdir()
    text = "\ufeffcustomer_id , segment_name\n007, NA\n=1+1,b\n"
    (folder / "segments.csv").write_text(text, encoding="utf-8")
    table = open_workspace(str(project.root)).overrides("segments")
    assert table.to_dict("list") == {
        "customer_id": ["007", "=1+1"],
        "segment_name": ["NA", "b"],
    }


def test_refuses_overrides_that_are_no_text(project):
    (project.raw / "overrides").mkdir()
    (project.raw / "overrides" / "segments.csv").write_bytes(b"\xff\xfe\x00\x01")
    work = open_workspace(str(project.root))
    with pytest.raises(InputError, match=r"overrides/segments\.csv"):
        work.overrides("segments")


def test_refuses_a_period_without_data_outside_a_run_too(project):
    with pytest.raises(SettingsError, match="after the last day"):
        open_workspace(str(project.root), "2031Q1")


def test_the_lab_names_the_project_of_notebooks_that_lie_elsewhere(project, monkeypatch):
    monkeypatch.setenv(PROJECT_VARIABLE, str(project.root))
    assert open_workspace().project.root == project.root


def test_an_anchor_is_never_one_that_was_fitted_later(project):
    for period, fitted in (("2023Q3", 1.0), ("2023Q4", 2.0), ("2024Q2", 4.0)):
        publish(project, period, "a", fitted)
    work = open_workspace(str(project.root), "2024Q1")
    assert work.anchor("a", "centre_anchor")["x"].tolist() == [2.0]
    assert work.anchor("a", "other_anchor") is None
    assert work.anchor("room/b", "centre_anchor") is None
    publish(project, "2024Q1", "a", 3.0)  # the period's own comes first
    assert work.anchor("a", "centre_anchor")["x"].tolist() == [3.0]


def test_a_periods_own_anchor_does_not_change_its_key(project):
    first, second = (project.calendar.parse(text) for text in ("2024Q1", "2024Q2"))
    publish(project, "2024Q1", "a", 1.0)
    before = anchor_source(project, second, "a")
    assert before.startswith("2024Q1 ")
    publish(project, "2024Q2", "a", 2.0, source=before)
    assert anchor_folder(project, second, "a") == project.run_dir(second) / "a"
    assert anchor_source(project, second, "a") == before
    assert anchor_source(project, first, "a") == ""


def test_works_in_a_kernel_that_nobody_runs(project):
    """As JupyterLab would: the defaults of the parameters, the folder of the notebook.

    The notebook that it needs was never run, so the kernel runs it first.
    """
    write_notebook(project.root, "a", saving_cell("a", "3.0"))
    cell = "from analysis import run\nwork = run.open_workspace(project, period, run_dir)\n"
    path = write_notebook(
        project.root,
        "room/b",
        cell + "work.result('a').headline['revenue'].value, work.scope.period.name",
    )
    cells = nbformat.read(path, as_version=4)
    NotebookClient(
        cells, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    assert "(3.0, '2024Q2')" in cells.cells[-1].outputs[-1]["data"]["text/plain"]


def test_a_kernel_is_told_every_problem_of_the_data(project, monkeypatch):
    (project.raw / "invoice_lines.csv").write_text("invoice_id\n1\n", encoding="utf-8")
    monkeypatch.setattr("analysis.run.prepare._is_a_kernel", lambda: True)
    with pytest.raises(InputError, match=r"invoice_lines\.csv"):
        open_workspace(str(project.root))


def test_earlier_periods_are_what_they_published_and_never_this_one_or_a_later_one(project):
    for period, fitted in (("2023Q4", 1.0), ("2024Q1", 2.0), ("2024Q2", 3.0), ("2024Q3", 4.0)):
        publish(project, period, "a", fitted)
    work = open_workspace(str(project.root), "2024Q2")
    assert [one.period for one in work.earlier("a")] == ["2024Q1", "2023Q4"]
    assert work.earlier("room/b") == []


def test_what_earlier_periods_published_changes_the_key_and_what_later_ones_did_does_not(project):
    period = project.calendar.parse("2024Q2")
    publish(project, "2024Q1", "a", 1.0)
    before = earlier_source(project, period, "a")
    publish(project, "2024Q2", "a", 2.0)
    publish(project, "2024Q3", "a", 3.0)
    assert earlier_source(project, period, "a") == before != ""
    publish(project, "2024Q1", "a", 5.0)
    assert earlier_source(project, period, "a") != before
