"""What is kept, what goes, and the history that `analysis runs` tells of it."""

import json
import os

import pytest
from run_examples import cadences_project, run_without_kernels, write_lines
from tiny_project import write_notebook

from analysis import cli
from analysis.core.files import UNFINISHED, read_json
from analysis.core.problems import SettingsError
from analysis.run.cadence import run_cadence
from analysis.run.history import KILLED, attempts, history_dir
from analysis.run.ledger import failed_dir
from analysis.run.loading import load_raw
from analysis.run.lock import project_lock
from analysis.run.overview import disk_use, find_attempt, notebook_lines, run_history, state_of
from analysis.run.retention import clean, needed_snapshots

DAYS = ("2024-01-15", "2024-03-31", "2024-06-30", "2024-07-02")


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Make a project with these settings of [runs], whose runs need no kernel."""
    run_without_kernels(monkeypatch)
    return lambda runs="": cadences_project(tmp_path, "quarterly", runs=runs)


def load_other_data(project, *amounts):
    """Load once for each amount; return the snapshots, oldest first."""
    found = []
    for place, amount in enumerate(amounts):
        write_lines(project, *DAYS, amount=amount)
        found.append(load_raw(project).snapshot)
        # A fast computer makes several within one tick of its clock.
        os.utime(project.tables / found[-1], (1_700_000_000 + place, 1_700_000_000 + place))
    return found


def snapshots(project):
    return {path.name for path in project.tables.iterdir() if path.is_dir()}


def test_the_latest_snapshots_are_kept_and_what_is_needed_always(make):
    project = make("keep_snapshots = 1")
    (published,) = load_other_data(project, "1.00")
    assert run_cadence(project, "quarterly").is_published
    oldest, newer, current = load_other_data(project, "2.00", "3.00", "4.00")
    assert needed_snapshots(project) == {published, current}
    with project_lock(project, "test"):
        gone = clean(project)
    assert [path.name for path in gone] == [oldest]
    assert snapshots(project) == {published, newer, current}


def test_nothing_that_is_needed_goes_even_when_nothing_else_is_kept(make):
    project = make("keep_snapshots = 0\nkeep_features = 0\nkeep_failed_days = 0\nkeep_history = 1")
    load_other_data(project, "1.00")
    first = run_cadence(project, "quarterly", "2024Q1")
    load_other_data(project, "2.00")
    second = run_cadence(project, "quarterly", "2024Q2")
    load_other_data(project, "3.00", "4.00")
    assert run_cadence(project, "quarterly", "2024Q2").is_published  # replaces the second
    assert snapshots(project) == {first.snapshot, project.current_snapshot().name}
    assert second.snapshot not in snapshots(project)
    features = {path.name for path in (project.processed / "features").iterdir()}
    assert features == {project.current_snapshot().name}
    for record in (first, second):
        period = project.calendar.parse(record.period)
        assert project.report_dir(period).is_dir()
        assert (project.run_dir(period) / "run.json").is_file()
    assert project.ledger_dir(project.calendar.parse("2024Q1")).parent.parent == (
        project.processed / "ledger"
    )
    assert len(list(history_dir(project).iterdir())) == 1
    assert run_cadence(project, "quarterly", "2024Q2").is_unchanged  # nothing it needs has gone


def test_a_project_that_was_cleaned_runs_every_period_again(make):
    project = make("keep_snapshots = 0\nkeep_features = 0")
    load_other_data(project, "1.00", "2.00")
    for name in ("2024Q1", "2024Q2"):
        assert run_cadence(project, "quarterly", name).is_published
    for name in ("2024Q1", "2024Q2"):
        assert run_cadence(project, "quarterly", name).is_unchanged


def test_old_failed_runs_go_and_newer_ones_stay(make, monkeypatch):
    project = make("keep_failed_days = 90")
    write_lines(project, *DAYS)
    assert run_cadence(project, "quarterly", "2024Q2").is_published
    run_without_kernels(monkeypatch, failing=["quarterly_one"])
    run_cadence(project, "quarterly", "2024Q1")
    write_notebook(project.root, "quarterly_one", "1 + 1")
    run_cadence(project, "quarterly", "2024Q2")
    kept = [failed_dir(project, project.calendar.parse(name)) for name in ("2024Q1", "2024Q2")]
    record = read_json(kept[0] / "run.json") | {"finished_at": "2020-01-01T00:00:00+00:00"}
    (kept[0] / "run.json").write_text(json.dumps(record), encoding="utf-8")
    clean(project)
    assert [folder.is_dir() for folder in kept] == [False, True]
    assert project.run_dir(project.calendar.parse("2024Q2")).is_dir()


def test_scratch_goes_with_its_snapshot(make):
    project = make("keep_snapshots = 0")
    old, current = load_other_data(project, "1.00", "2.00")
    for snapshot in (old, current):
        (project.processed / "scratch" / snapshot / "quarterly").mkdir(parents=True)
    clean(project)
    assert [path.name for path in (project.processed / "scratch").iterdir()] == [current]


def test_a_stop_in_the_middle_leaves_no_half_snapshot_under_its_name(make, monkeypatch):
    project = make("keep_snapshots = 0")
    load_other_data(project, "1.00", "2.00")

    def stopped(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("analysis.run.retention.shutil.rmtree", stopped)
        with pytest.raises(KeyboardInterrupt):
            clean(project)
    names = sorted(path.name for path in project.tables.iterdir() if path.is_dir())
    assert names[0].startswith(UNFINISHED)
    assert names[1:] == [project.current_snapshot().name]
    run_cadence(project, "quarterly")  # tidies up
    assert snapshots(project) == {project.current_snapshot().name}


def test_the_history_keeps_what_a_later_run_replaced(make, monkeypatch):
    project = make()
    write_lines(project, *DAYS)
    run_without_kernels(monkeypatch, failing=["quarterly_one"])
    run_cadence(project, "quarterly")
    run_without_kernels(monkeypatch)
    run_cadence(project, "quarterly")
    run_cadence(project, "quarterly")
    found = run_history(project)
    assert [state_of(attempt) for attempt in found] == ["failed", "succeeded", "unchanged"]
    failed, done, unchanged = found
    assert [(line.name, line.state, line.seconds) for line in notebook_lines(found, failed)] == [
        ("quarterly_one", "failed", 0.5),
        ("reports/quarterly", "succeeded", 0.5),
    ]
    first, report = notebook_lines(found, done)
    assert (first.state, first.seconds, first.seconds_before) == ("succeeded", 0.5, None)
    assert "ValueError" in notebook_lines(found, failed)[0].why
    assert report.state in ("succeeded", "unchanged")
    lines = notebook_lines(found, unchanged)
    assert {line.state for line in lines} == {"unchanged"}
    assert all("nothing that it depends on has changed since 20" in line.why for line in lines)
    assert lines[0].seconds_before == 0.5


def test_a_run_that_was_killed_is_known(make):
    project = make()
    write_lines(project, *DAYS)
    run_cadence(project, "quarterly")
    (file,) = history_dir(project).iterdir()
    entry = read_json(file) | {"state": "running", "finished_at": "", "error": ""}
    entry["started_at"] = "2020-01-01T00:00:00+00:00"
    file.with_name("20200101T000000-quarterly.json").write_text(json.dumps(entry))
    killed = run_history(project)[0].record
    assert (killed.state, killed.error) == ("failed", KILLED)
    with project_lock(project, "a run"):
        assert run_history(project)[0].record.state == "running"


def test_runs_from_before_there_was_a_history_are_told_too(make):
    project = make()
    write_lines(project, *DAYS)
    run_cadence(project, "quarterly")
    for file in history_dir(project).iterdir():
        file.unlink()
    (attempt,) = attempts(project)
    assert (attempt.name, attempt.record.state) == ("quarterly/2024Q2", "succeeded")


def test_an_entry_that_cannot_be_read_hides_no_other(make):
    project = make()
    write_lines(project, *DAYS)
    run_cadence(project, "quarterly")
    (history_dir(project) / "00-half.json").write_text('{"cadence": "quart')
    assert len(run_history(project)) == 1


def test_a_history_that_cannot_be_written_fails_no_run(make):
    project = make()
    write_lines(project, *DAYS)
    project.processed.mkdir(parents=True)
    history_dir(project).write_text("a file where a folder should be")
    assert run_cadence(project, "quarterly").is_published


def test_a_run_is_found_by_id_name_or_period(make):
    project = make()
    write_lines(project, *DAYS)
    run_cadence(project, "quarterly", "2024Q1")
    run_cadence(project, "quarterly", "2024Q2")
    found = run_history(project)
    for name in (found[0].id, "quarterly/2024Q1", "2024Q1"):
        assert find_attempt(found, name) is found[0]
    with pytest.raises(SettingsError, match="quarterly/2024Q2, quarterly/2024Q1"):
        find_attempt(found, "2030Q1")


def test_the_commands_show_history_disk_use_and_one_run(make, capsys):
    project = make()
    write_lines(project, *DAYS)
    run_cadence(project, "quarterly")
    arguments = ["--project", str(project.root)]
    assert cli.main(["runs", *arguments]) == 0
    out = capsys.readouterr().out
    assert "quarterly/2024Q2" in out
    assert "succeeded" in out
    assert "Disk: data/raw" in out
    assert "reports" in disk_use(project)
    assert disk_use(project)["data/raw"] == (project.raw / "invoice_lines.csv").stat().st_size
    assert cli.main(["runs", "show", "quarterly/2024Q2", *arguments]) == 0
    out = capsys.readouterr().out
    assert "quarterly_one" in out
    assert "reports/quarterly/2024Q2: " in out
    assert cli.main(["runs", "show", "nobody", *arguments]) == 1
    assert "`analysis runs` lists the names" in capsys.readouterr().err
