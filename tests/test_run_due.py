"""`analysis due`: what the calendar asks for, once each, oldest first, whatever the clock shows."""

import configparser
import os
import re
import runpy
import shlex
import subprocess
import sys
import types
from datetime import date
from pathlib import Path
from typing import ClassVar

import pytest
from nbclient import NotebookClient
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from run_examples import cadences_project, run_without_kernels, write_lines
from tiny_project import saving_cell, tiny_project, write_notebook

from analysis import cli
from analysis.core.files import read_json
from analysis.core.problems import InputError
from analysis.core.result import Result
from analysis.run.cadence import How, run_cadence
from analysis.run.due import outlook, run_due
from analysis.run.lock import project_lock

REPOSITORY = Path(__file__).resolve().parents[1]
DEPLOY = REPOSITORY / "deploy"
LATER = date(2026, 1, 1)


def names(periods):
    return [f"{period.cadence} {period}" for period in periods]


def due_on(project, day=LATER):
    return names(outlook(project, day).due)


def run_all(project, day=LATER):
    return list(run_due(project, outlook(project, day).due, How()))


@pytest.fixture
def ran(monkeypatch):
    """Run no kernel; give the periods that are run, in order."""
    return run_without_kernels(monkeypatch)


def test_before_the_first_run_only_the_last_complete_period_is_due(tmp_path, ran):
    project = cadences_project(tmp_path, "quarterly")
    assert due_on(project) == ["quarterly 2024Q2"]
    assert run_all(project)[0].is_good
    assert due_on(project) == []
    assert ran == ["quarterly 2024Q2"]


def test_an_outage_is_caught_up_oldest_first_once_each(tmp_path, ran):
    project = cadences_project(tmp_path, "quarterly", "annual", "biweekly")
    write_lines(project, "2023-02-01", "2023-12-31")
    assert names(p.period for p in run_all(project)) == [
        "biweekly 2023-12-18--2023-12-31",
        "quarterly 2023Q4",
        "annual 2023",
    ]
    later = ("2024-01-14", "2024-02-04", "2024-03-31", "2024-04-08", "2024-04-09")
    write_lines(project, "2023-02-01", "2023-12-31", *later)
    ran.clear()
    found = outlook(project, LATER)
    assert all(done.is_good for done in run_due(project, found.due, How()))
    assert ran == [
        "biweekly 2024-01-01--2024-01-14",
        "biweekly 2024-01-29--2024-02-11",
        "quarterly 2024Q1",
        "biweekly 2024-03-25--2024-04-07",
    ]
    assert "biweekly: 2024-01-15--2024-01-28 has no line and so no report." in found.notes
    assert due_on(project) == []


@pytest.mark.parametrize(
    ("day", "due"),
    [
        (date(2024, 6, 30), []),  # the period's own last day: it is not over
        (date(2024, 7, 1), []),  # over, but within the days of grace
        (date(2024, 7, 5), []),
        (date(2024, 7, 6), ["quarterly 2024Q2"]),
    ],
)
def test_a_period_is_due_when_it_and_its_days_of_grace_are_over(tmp_path, ran, day, due):
    grace = "[cadences.quarterly]\ngrace_days = 5"
    project = cadences_project(tmp_path, "quarterly", more=grace)
    write_lines(project, "2024-01-15", "2024-03-31")
    run_all(project)
    write_lines(project, "2024-01-15", "2024-03-31", "2024-06-30")
    assert due_on(project, day) == due


@pytest.mark.parametrize(
    ("last", "due"),
    [
        ("2024-03-28", []),  # a Thursday: Friday 29 March is missing
        ("2024-03-29", ["quarterly 2024Q1"]),  # only the weekend to 31 March is left
    ],
)
def test_a_period_waits_for_its_data(tmp_path, ran, last, due):
    project = cadences_project(tmp_path, "quarterly")
    write_lines(project, "2023-12-31")
    run_all(project)
    write_lines(project, "2023-12-31", last)
    found = outlook(project, date(2024, 4, 20))
    assert names(found.due) == due
    waits = [words for words in found.notes if "2024Q1 waits for data to 2024-03-31" in words]
    assert bool(waits) == (not due)


def test_a_clock_that_goes_back_runs_nothing_again_and_breaks_nothing(tmp_path, ran):
    project = cadences_project(tmp_path, "quarterly", "daily")
    run_all(project)
    before = read_json(project.run_dir(project.calendar.parse("2024Q2")) / "run.json")
    ran.clear()
    for day in (date(2024, 5, 1), date(2024, 6, 30), date(1999, 1, 1), date(2024, 7, 1), LATER):
        assert due_on(project, day) == []
        run_all(project, day)
    assert ran == []
    assert read_json(project.run_dir(project.calendar.parse("2024Q2")) / "run.json") == before


def test_an_hour_that_comes_twice_gives_two_entries_and_one_report(tmp_path, ran, monkeypatch):
    project = cadences_project(tmp_path, "quarterly")
    monkeypatch.setattr("analysis.run.cadence.now", lambda: "2024-10-27T02:30:00+00:00")
    run_cadence(project, "quarterly")
    run_cadence(project, "quarterly")
    entries = sorted(path.name for path in (project.processed / "history").iterdir())
    assert entries == ["20241027T023000-quarterly-2.json", "20241027T023000-quarterly.json"]
    assert ran == ["quarterly 2024Q2"]


def test_a_cadence_that_is_switched_off_is_not_due(tmp_path, ran):
    off = "[cadences.daily]\nis_scheduled = false"
    project = cadences_project(tmp_path, "quarterly", "daily", more=off)
    assert due_on(project) == ["quarterly 2024Q2"]
    assert "daily: not scheduled in project.toml." in outlook(project, LATER).notes


def test_a_period_run_by_hand_before_its_end_is_due_when_it_is_over(tmp_path, ran):
    project = cadences_project(tmp_path, "quarterly")
    write_lines(project, "2024-03-31", "2024-05-15")
    assert run_cadence(project, "quarterly", "2024Q1").is_published
    assert run_cadence(project, "quarterly", "2024Q2").is_published
    assert due_on(project) == []
    write_lines(project, "2024-03-31", "2024-05-15", "2024-06-30")
    assert due_on(project) == ["quarterly 2024Q2"]


def test_a_long_outage_is_caught_up_to_a_limit_that_is_told(tmp_path, ran):
    project = cadences_project(tmp_path, "daily", runs="catch_up_periods = 3")
    run_all(project)
    write_lines(project, "2024-06-30", "2024-07-10")
    found = outlook(project, LATER)
    assert names(found.due) == ["daily 2024-07-08", "daily 2024-07-09", "daily 2024-07-10"]
    assert any("2024-07-01 to 2024-07-07 are not caught up" in words for words in found.notes)


def test_a_failed_period_is_tried_so_many_times_and_the_others_are_run(tmp_path, monkeypatch):
    project = cadences_project(tmp_path, "quarterly", runs="due_attempts = 2")
    write_lines(project, "2023-12-31")
    run_without_kernels(monkeypatch)
    run_all(project)
    write_lines(project, "2023-12-31", "2024-03-31", "2024-06-30")
    ran = run_without_kernels(monkeypatch, failing=["2024Q1"])
    assert [done.is_good for done in run_all(project)] == [False, True]
    assert due_on(project) == ["quarterly 2024Q1"]
    assert [done.is_good for done in run_all(project)] == [False]
    found = outlook(project, LATER)
    assert names(found.due) == []
    assert "quarterly 2024Q1 failed 2 times and is not tried again" in found.given_up[0]
    assert ran == ["quarterly 2024Q1", "quarterly 2024Q2", "quarterly 2024Q1"]

    run_without_kernels(monkeypatch)
    assert run_cadence(project, "quarterly", "2024Q1").is_published  # mended, by hand
    assert outlook(project, LATER).given_up == ()


def test_an_error_before_the_notebooks_counts_as_an_attempt(tmp_path, ran):
    project = cadences_project(tmp_path, "quarterly", runs="due_attempts = 1")
    write_notebook(tmp_path, "quarterly_one", tag="")  # a notebook without parameters
    (done,) = run_all(project)
    assert "no cell tagged `parameters`" in str(done.error)
    assert due_on(project) == []
    assert len(outlook(project, LATER).given_up) == 1


def test_a_project_in_use_is_no_attempt(tmp_path, ran):
    project = cadences_project(tmp_path, "quarterly")
    found = outlook(project, LATER)
    with (
        project_lock(project, "somebody's run"),
        pytest.raises(InputError, match="somebody's run"),
    ):
        list(run_due(project, found.due, How()))
    assert not (project.processed / "history").exists()


def test_the_command_says_when_nothing_is_due_and_ends_with_0(tmp_path, ran, capsys):
    cadences_project(tmp_path, "quarterly")
    arguments = ["due", "--project", str(tmp_path), "--on", "2026-01-01"]
    assert cli.main([*arguments, "--list"]) == 0
    assert "Due, oldest first: quarterly 2024Q2." in capsys.readouterr().out
    assert ran == []
    assert cli.main(arguments) == 0
    capsys.readouterr()
    assert cli.main(arguments) == 0
    assert "Nothing is due." in capsys.readouterr().out
    assert ran == ["quarterly 2024Q2"]


def test_the_command_ends_with_1_while_a_report_is_missing(tmp_path, monkeypatch, capsys):
    cadences_project(tmp_path, "quarterly", runs="due_attempts = 1")
    run_without_kernels(monkeypatch, failing=["quarterly_one"])
    arguments = ["due", "--project", str(tmp_path), "--on", "2026-01-01"]
    assert cli.main(arguments) == 1
    assert "notebook quarterly_one failed" in capsys.readouterr().err
    assert cli.main(arguments) == 1
    assert "is not tried again" in capsys.readouterr().err


def test_the_command_refuses_a_day_that_is_none(tmp_path, capsys):
    cadences_project(tmp_path, "quarterly")
    assert cli.main(["due", "--project", str(tmp_path), "--on", "tomorrow"]) == 1
    assert "a day such as" in capsys.readouterr().err


def test_data_that_cannot_be_loaded_end_with_1_and_publish_nothing(tmp_path, capsys):
    project = cadences_project(tmp_path, "quarterly")
    (project.raw / "invoice_lines.csv").write_text("nothing\nhere\n", encoding="utf-8")
    assert cli.main(["due", "--project", str(tmp_path)]) == 1
    assert "invoice_lines.csv" in capsys.readouterr().err
    assert not project.reports.exists()


# The files in deploy/: what they run is run, with a stand-in for the installed command.


@pytest.fixture
def served(tmp_path):
    """A project and an `analysis` in the places that the deploy files name, made local."""
    off = "[cadences.quarterly]\nis_scheduled = false"
    project = cadences_project(tmp_path / "acme", "quarterly", more=off)
    command = tmp_path / "bin" / "analysis"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m analysis.cli "$@"\n')
    command.chmod(0o755)

    def local(text):
        text = text.replace("/srv/analysis/.venv/bin/analysis", str(command))
        return text.replace("/srv/acme", str(project.root)).replace("/var/log", str(tmp_path))

    return local


def shell(command, **more):
    done = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, text=True, check=False, **more
    )
    return done.returncode, done.stdout + done.stderr


posix = pytest.mark.skipif(os.name != "posix", reason="cron and systemd are of Unix")


@posix
def test_the_crontab_runs_what_is_due(served, tmp_path):
    lines = (DEPLOY / "crontab").read_text(encoding="utf-8").splitlines()
    (job,) = [line for line in lines if re.match(r"[\d*]", line)]
    minute, hour, *rest, command = job.split(maxsplit=5)
    assert (int(minute) < 60, int(hour) < 24, rest) == (True, True, ["*", "*", "*"])
    assert "%" not in command  # cron takes it for the end of a line
    assert shell(served(command))[0] == 0
    assert "Nothing is due." in (tmp_path / "acme.log").read_text(encoding="utf-8")


@posix
def test_the_systemd_service_runs_what_is_due_and_its_timer_catches_up(served):
    service, timer = configparser.RawConfigParser(), configparser.RawConfigParser()
    for parser, name in ((service, "service"), (timer, "timer")):
        parser.optionxform = str
        parser.read(DEPLOY / f"analysis-due.{name}", encoding="utf-8")
    assert service["Service"]["Type"] == "oneshot"
    assert timer["Timer"]["Persistent"] == "true"
    assert timer["Timer"]["OnCalendar"]
    code, out = shell(shlex.join(shlex.split(served(service["Service"]["ExecStart"]))))
    assert (code, "Nothing is due." in out) == (0, True)


class Operator:
    """Stands in for Airflow's classes: keeps what it was given."""

    made: ClassVar[list["Operator"]] = []

    def __init__(self, *arguments, **given):
        self.arguments, self.given = arguments, given
        Operator.made.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


@pytest.fixture
def airflow(monkeypatch):
    """Parse the DAG file with stand-ins for Airflow; give DAGs and tasks by id."""
    Operator.made = []
    for name in (
        "airflow",
        "airflow.sdk",
        "airflow.providers",
        "airflow.providers.standard",
        "airflow.providers.standard.operators",
        "airflow.providers.standard.operators.bash",
    ):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    sys.modules["airflow.sdk"].DAG = sys.modules["airflow.sdk"].Param = Operator
    sys.modules["airflow.providers.standard.operators.bash"].BashOperator = Operator
    runpy.run_path(str(DEPLOY / "airflow_dag.py"))
    found = {made.given.get("dag_id") or made.given.get("task_id"): made for made in Operator.made}
    found.pop(None, None)
    return found


@posix
def test_the_airflow_dag_runs_what_is_due(served, airflow):
    dag, task = airflow["analysis_due"], airflow["due"]
    assert dag.given["catchup"] is False  # `analysis due` catches up itself
    assert dag.given["max_active_runs"] == 1
    assert task.given["append_env"] is True
    environment = {key: served(value) for key, value in task.given["env"].items()}
    code, out = shell(task.given["bash_command"], env=os.environ | environment)
    assert (code, "Nothing is due." in out) == (0, True)


@posix
def test_the_airflow_dag_by_hand_passes_words_as_words(served, airflow):
    task = airflow["run"]
    environment = {key: served(value) for key, value in task.given["env"].items()}
    environment |= {"CADENCE": "quarterly", "PERIOD": "2024Q2; touch /tmp/not-this"}
    code, out = shell(task.given["bash_command"], env=os.environ | environment)
    assert (code, "'2024Q2; touch /tmp/not-this'" in out) == (1, True)
    assert "{{" not in task.given["bash_command"]  # what a person types never becomes a command


def test_a_notebook_runs_by_jupyter_schedulers_convention(tmp_path):
    """jupyter-scheduler copies the notebook, adds a cell after `parameters`, and executes it."""
    project = tiny_project(tmp_path / "project", {"a": []})
    write_notebook(project.root, "a", saving_cell("a", "7.0"))
    book = load_notebook_node(str(project.root / "notebooks" / "a.ipynb"))
    given = {"project": str(project.root), "period": "2024Q1"}
    injected = parameterize_notebook(book, given, kernel_name="python3", language="python")
    assert [cell.metadata.get("tags") for cell in injected.cells][1:3] == [
        ["parameters"],
        ["injected-parameters"],
    ]
    staging = tmp_path / "staging"
    staging.mkdir()
    NotebookClient(injected, resources={"metadata": {"path": str(staging)}}).execute()
    (folder,) = (project.processed / "scratch").glob("*/quarterly/2024Q1/a")
    assert Result.load(folder).headline["revenue"].value == 7.0
    assert not project.reports.exists()
