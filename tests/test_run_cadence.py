"""Whole runs with real kernels: what is published, what is kept, what is run again.

A kernel costs more than a second, so one run is asked several questions.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpec
from tiny_project import LINES, saving_cell, tiny_project, write_notebook

from analysis.core.files import UNFINISHED, read_json
from analysis.core.problems import InputError, SettingsError
from analysis.core.result import Result
from analysis.run import run_cadence
from analysis.run.kernels import OwnPythonSpecs
from analysis.run.ledger import all_runs
from analysis.run.lock import project_lock

CHECK = "assert period == '2024Q2' and run_dir.startswith(project)"
SHOWS_A_LINK = """from IPython.display import HTML
HTML('<p><a href="downloads/a.worth.csv">All rows</a></p>')"""


def files(folder):
    """Return the bytes of every file below a folder."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def states(record):
    return {name: book.state for name, book in record.notebooks.items()}


def reused(record):
    return [name for name, book in record.notebooks.items() if book.is_reused]


def left_over(project):
    return [path.name for path in project.root.rglob(f"{UNFINISHED}*")]


def test_publishes_once_and_runs_nothing_twice(tmp_path):
    project = tiny_project(tmp_path, {"a": [], "room/b": ["a"]})
    write_notebook(tmp_path, "a", saving_cell("a"), CHECK)
    write_notebook(tmp_path, "room/b", "print(open(run_dir + '/a/result.json').read())")

    first = run_cadence(project, "quarterly")
    home, reports = tmp_path / "data/processed/runs/quarterly/2024Q2", tmp_path / "reports"
    assert (first.state, first.is_published, first.is_unchanged) == ("succeeded", True, False)
    assert set(states(first).values()) == {"succeeded"}
    assert set(files(reports)) == {
        "index.html",
        "quarterly/2024Q2/index.html",
        "quarterly/2024Q2/summary.json",
        "quarterly/2024Q2/details/a.html",
        "quarterly/2024Q2/details/b.html",
        "quarterly/2024Q2/downloads/a.worth.csv",
    }
    record = read_json(home / "run.json")
    assert record["state"] == "succeeded"
    assert record["rows"] == {"read": 4, "kept": 4, "rejected": 0, "merged": 0}
    assert record["money"]["kept"] == "75.5000"
    assert record["sources"]["till/invoice_lines.csv"]
    assert set(record["stages"]) == {"check", "load", "features", "notebooks", "pages"}

    before = files(tmp_path / "data/processed/runs") | files(reports)
    assert run_cadence(project, "quarterly", "2024Q2").is_unchanged
    assert files(tmp_path / "data/processed/runs") | files(reports) == before

    forced = run_cadence(project, "quarterly", "2024Q2", force=True)
    assert (forced.is_unchanged, reused(forced)) == (False, [])
    for name in ("a/worth.parquet", "a/result.json"):
        assert (home / name).read_bytes() == before[f"quarterly/2024Q2/{name}"]
    assert left_over(project) == []


def test_a_failure_publishes_nothing_and_the_next_run_goes_on_from_there(tmp_path):
    project = tiny_project(tmp_path, {"good": [], "bad": [], "after": ["bad"]})
    assert run_cadence(project, "quarterly").state == "succeeded"
    last_good = files(tmp_path / "reports")

    write_notebook(tmp_path, "good", "1 + 1")
    write_notebook(tmp_path, "bad", "raise ValueError('no such customer')")
    failed = run_cadence(project, "quarterly")
    assert states(failed) == {
        "good": "succeeded",
        "bad": "failed",
        "after": "not_run",
        "reports/quarterly": "not_run",
    }
    assert "ValueError: no such customer" in failed.notebooks["bad"].error
    now = files(tmp_path / "reports")
    assert "failed" in now.pop("index.html").decode()  # the index tells, the report stays
    assert now == {name: text for name, text in last_good.items() if name != "index.html"}
    kept = tmp_path / "data/processed/runs/quarterly/2024Q2.failed"
    assert failed.folder == kept
    assert "no such customer" in (kept / "notebooks/bad.ipynb").read_text(encoding="utf-8")
    assert [run.state for run in all_runs(project)] == ["succeeded", "failed"]

    write_notebook(tmp_path, "bad", "2 + 2")
    mended = run_cadence(project, "quarterly")
    assert mended.state == "succeeded"
    assert reused(mended) == ["good"]
    assert not kept.exists()
    assert left_over(project) == []


def test_only_runs_and_shows_but_does_not_publish(tmp_path):
    project = tiny_project(tmp_path, {"a": [], "b": ["a"], "c": []})
    write_notebook(tmp_path, "a", saving_cell("a", "7.0"))
    shown = run_cadence(project, "quarterly", only=["b"])
    assert (shown.state, shown.is_published) == ("succeeded", False)
    assert list(shown.notebooks) == ["a", "b"]
    (page,) = shown.pages
    assert page.is_relative_to(project.processed / "scratch")
    assert "About b" in page.read_text(encoding="utf-8")
    assert Result.load(page.parents[1] / "a").headline["revenue"].value == 7.0
    assert not (tmp_path / "reports" / "quarterly").exists()
    assert not project.run_dir(project.calendar.parse("2024Q2")).exists()


def test_tells_a_killed_kernel_a_hung_cell_and_an_early_exit_from_success(tmp_path):
    notebooks = {"killed": [], "hung": [], "left": [], "secret": []}
    runs = 'cell_timeout_seconds = 3\njobs = 4\nsecret_variables = ["TINY_PASSWORD"]'
    project = tiny_project(tmp_path, notebooks, runs=runs)
    write_notebook(tmp_path, "killed", "import os\nos.kill(os.getpid(), 9)")
    write_notebook(tmp_path, "hung", "import time", "time.sleep(600)")
    write_notebook(tmp_path, "left", "import sys", "sys.exit(0)", "'never'")
    write_notebook(
        tmp_path,
        "secret",
        "import os, sys",
        "assert 'TINY_PASSWORD' not in os.environ",
        f"assert os.path.realpath(sys.executable) == {os.path.realpath(sys.executable)!r}",
        "assert os.environ['OMP_NUM_THREADS'] == '1'",
        f"assert os.getcwd() == {str(tmp_path / 'notebooks')!r}",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINY_PASSWORD", "hunter2")
        record = run_cadence(project, "quarterly")
    errors = {name: book.error for name, book in record.notebooks.items()}
    assert "the kernel died" in errors["killed"]
    assert "`import os`" in errors["killed"]
    assert "took longer than 3 seconds" in errors["hung"]
    assert "stopped itself" in errors["left"]
    assert errors["secret"] == ""
    assert record.state == "failed"
    assert not (tmp_path / "reports" / "quarterly").exists()


def test_stops_when_the_run_takes_too_long(tmp_path):
    project = tiny_project(tmp_path, {"slow": []}, runs="run_timeout_seconds = 2")
    write_notebook(tmp_path, "slow", "import time", "time.sleep(600)")
    record = run_cadence(project, "quarterly")
    assert "runs.run_timeout_seconds" in record.notebooks["slow"].error


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("quarterly", "2011Q5"), "2011Q5"),
        (("quarterly", "../../x"), "../../x"),
        (("quarterly", "2031Q1"), "after the last day of the data"),
        (("weekly", ""), "'weekly'"),
        (("quarterly", "", ["nobody"]), "--only nobody"),
    ],
)
def test_refuses_what_cannot_be_run_before_anything_starts(tmp_path, arguments, found):
    project = tiny_project(tmp_path, {"a": []})
    with pytest.raises(SettingsError, match=found.replace(".", r"\.")):
        run_cadence(project, *arguments)
    assert not (tmp_path / "data/processed/runs").exists()
    assert not (tmp_path / "reports" / "quarterly").exists()


def test_tells_problems_of_period_and_plan_together(tmp_path):
    project = tiny_project(tmp_path, {"a": []}, more='[options."a"]\nspeed = 1')
    with pytest.raises(SettingsError) as caught:
        run_cadence(project, "quarterly", "2011Q5")
    assert [problem.found for problem in caught.value.problems] == [
        "'2011Q5'",
        "an unknown parameter",
    ]


def test_a_second_run_is_refused_while_one_holds_the_project(tmp_path):
    project = tiny_project(tmp_path, {"a": []})
    with (
        project_lock(project, "analysis run quarterly"),
        pytest.raises(InputError, match="in use since"),
    ):
        run_cadence(project, "quarterly")


def test_a_result_that_no_notebook_owns_is_not_published(tmp_path):
    project = tiny_project(tmp_path, {"a": []})
    write_notebook(tmp_path, "a", saving_cell("b"))
    with pytest.raises(InputError, match="Result b"):
        run_cadence(project, "quarterly")
    assert [run.state for run in all_runs(project)] == ["failed"]
    assert not (tmp_path / "reports" / "quarterly").exists()


def test_folders_that_refuse_a_file_are_told_before_anything_runs(tmp_path):
    project = tiny_project(tmp_path, {"a": []})
    (tmp_path / "reports").write_text("a file where a folder should be")
    (tmp_path / "data" / "processed").mkdir()
    (tmp_path / "data" / "processed" / "runs").write_text("")
    with pytest.raises(SettingsError) as caught:
        run_cadence(project, "quarterly")
    wheres = [problem.where for problem in caught.value.problems]
    assert wheres == [str(tmp_path / "data/processed/runs"), str(tmp_path / "reports")]
    assert "no file can be written here" in caught.value.problems[0].found
    assert not project.tables.exists()


def test_a_notebook_that_saved_no_result_is_named_instead_of_a_dead_link(tmp_path):
    project = tiny_project(tmp_path, {"a": []})
    write_notebook(tmp_path, "a", SHOWS_A_LINK)
    with pytest.raises(InputError, match=r"notebook a\s.*saved no Result \(work\.save\)"):
        run_cadence(project, "quarterly")
    assert not (tmp_path / "reports" / "quarterly" / "2024Q2").exists()


def test_goes_on_from_a_run_that_was_killed(tmp_path):
    project = tiny_project(tmp_path, {"a": [], "b": []})
    write_notebook(tmp_path, "b", "raise ValueError('first time')")
    failed = run_cadence(project, "quarterly")
    # What kill -9 leaves: an unfinished folder whose record says "running".
    left = failed.folder.with_name(f"{UNFINISHED}2024Q2-killed")
    failed.folder.rename(left)
    record = read_json(left / "run.json") | {"state": "running", "error": "", "finished_at": ""}
    (left / "run.json").write_text(json.dumps(record), encoding="utf-8")

    write_notebook(tmp_path, "b", "'second time'")
    again = run_cadence(project, "quarterly")
    assert again.state == "succeeded"
    assert reused(again) == ["a"]
    assert left_over(project) == []


def test_late_data_run_everything_again_and_an_older_quarter_stays_as_it_was(tmp_path):
    project = tiny_project(tmp_path, {"a": []})
    assert run_cadence(project, "quarterly").state == "succeeded"
    older = Path("data/raw/invoice_lines.csv")
    (tmp_path / older).write_text(
        LINES + "5,1,ada,tea,2024-09-30,1,9.00,EUR,9.00,sale\n", encoding="utf-8"
    )
    newer = run_cadence(project, "quarterly")
    assert (newer.period, reused(newer)) == ("2024Q3", [])
    assert [run.period for run in all_runs(project)] == ["2024Q2", "2024Q3"]


FIRST_ONE_DIES = """
import sys
from pathlib import Path
marker = Path({marker!r})
if not marker.exists():
    marker.touch()
    sys.exit(1)
sys.argv[0] = "ipykernel_launcher"
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
"""


def test_a_kernel_that_dies_at_its_start_gets_one_more_chance(tmp_path, monkeypatch):
    plain = "forked_kernels = false"
    project = tiny_project(tmp_path / "project", {"a": []}, runs=plain)
    script = tmp_path / "kernel.py"
    script.write_text(FIRST_ONE_DIES.format(marker=str(tmp_path / "died")), encoding="utf-8")
    argv = [sys.executable, str(script), "-f", "{connection_file}"]
    monkeypatch.setattr(
        OwnPythonSpecs, "get_kernel_spec", lambda *_: KernelSpec(argv=argv, language="python")
    )
    assert run_cadence(project, "quarterly").state == "succeeded"
    assert (tmp_path / "died").exists()


def test_a_customer_named_like_a_script_or_a_formula_is_text_on_every_page(tmp_path):
    script, formula = "<script>alert(1)</script>", "=1+1"
    project = tiny_project(tmp_path, {"own": []})
    shutil.rmtree(tmp_path / "notebooks" / "reports")  # so the shipped one runs
    write_notebook(
        tmp_path,
        "own",
        "from analysis import report, run\nfrom analysis.core.result import Result",
        "work = run.open_workspace(project, period, run_dir)",
        "tables = {'who': work.table('customer_features')[['customer_id', 'revenue_amount']]}\n"
        "result = Result('own', 'Who they are', period, work.scope.as_of, tables=tables)",
        "report.table(result, 'who', work.scope.display)",
        "work.save(result)",
    )
    hostile = LINES.replace(",ada,", f",{script},").replace(",bob,", f",{formula},")
    (project.raw / "invoice_lines.csv").write_text(hostile, encoding="utf-8")
    assert run_cadence(project, "quarterly").state == "succeeded"
    pages = [path.read_text(encoding="utf-8") for path in project.reports.rglob("*.html")]
    assert len(pages) == 3
    assert not any("<script" in page for page in pages)
    assert any("&lt;script&gt;alert(1)" in page for page in pages)
    cells = ",".join(
        path.read_text(encoding="utf-8").replace("\n", ",")
        for path in project.reports.rglob("*.csv")
    )
    assert f",'{formula}," in cells
    assert f",{formula}," not in cells
