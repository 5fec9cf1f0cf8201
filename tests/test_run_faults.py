"""Faults that are really injected: whatever breaks, leaders see the last whole report.

A run killed at any moment, a kernel, a cell, a disk, a folder, another run, the clock, a snapshot,
a raw file: each is broken here, and the next run must mend it.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import date

import pytest
from faults import (
    CLOCK,
    FIRST_CLOCK,
    LATE_LINE,
    PERIOD,
    SAVES,
    Runner,
    add_late_line,
    copy_of,
    eventually,
    made,
    new_project,
    published,
)
from tiny_project import write_notebook

from analysis.core.files import UNFINISHED, read_json, write_json
from analysis.run.due import outlook

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and fork")
slow = pytest.mark.slow
is_root = hasattr(os, "geteuid") and os.geteuid() == 0
KEPT = f"data/processed/runs/{PERIOD}"


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    with Runner(tmp_path_factory.mktemp("runner")) as found:
        yield found


@pytest.fixture(scope="module")
def first(runner, tmp_path_factory):
    """A project with a published report."""
    project = new_project(tmp_path_factory.mktemp("first") / "project")
    assert runner.run(project, FIRST_CLOCK).state == "succeeded", runner.told()
    return project


@pytest.fixture(scope="module")
def second(runner, first, tmp_path_factory):
    """The same after a late line and a run that nothing disturbed; with its seconds."""
    project = copy_of(first, tmp_path_factory.mktemp("second") / "project")
    add_late_line(project)
    began = time.monotonic()
    ended = runner.run(project)
    assert ended.state == "succeeded", f"{ended} {runner.told()}"
    return project, time.monotonic() - began


@pytest.fixture
def project(first, tmp_path):
    """A copy of the project, its raw data changed since the report."""
    found = copy_of(first, tmp_path / "project")
    add_late_line(found)
    return found


@pytest.fixture
def sees_first(first):
    """Return whether a project shows the first report, byte for byte."""
    before = published(first)
    return lambda project: (
        published(project)[f"{PERIOD}/index.html"] == before[f"{PERIOD}/index.html"]
        and {n: t for n, t in published(project).items() if n != "index.html"}
        == {n: t for n, t in before.items() if n != "index.html"}
    )


def left_over(project):
    return [path.name for path in project.root.rglob(f"{UNFINISHED}*")]


# --- kill -9 of the runner ---------------------------------------------------------------------


class Reader(threading.Thread):
    """Somebody who opens pages of the report all the time, and notes what was not whole."""

    def __init__(self, project, *whole):
        super().__init__(daemon=True)
        self.folder = project.reports / PERIOD
        self.whole = {}
        for version in whole:
            for name, text in version.items():
                self.whole.setdefault(name.removeprefix(f"{PERIOD}/"), set()).add(text)
        self.names = [name.removeprefix(f"{PERIOD}/") for name in whole[0] if PERIOD in name]
        self.wrong, self.count, self.is_over = [], 0, False

    def run(self):
        while not self.is_over:
            for name in self.names:
                self.look(name)
            time.sleep(0.002)

    def look(self, name):
        self.count += 1
        try:
            if (self.folder / name).read_bytes() not in self.whole[name]:
                self.wrong.append(f"{name} is of no run")
        except OSError as error:
            self.wrong.append(f"{name}: {error}")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.join()


def finished_notebooks(project):
    """Return what the killed run had finished, and whether its run was put in place."""
    runs = project.processed / "runs" / "quarterly"
    records = [read_json(file) for file in runs.glob("*/run.json")]
    records += [read_json(file) for file in runs.glob(".*/run.json")]
    newest = max(records, key=lambda record: record["started_at"])
    is_in_place = read_json(runs / "2024Q2" / "run.json")["started_at"] == CLOCK
    books = newest["notebooks"].items() if newest["started_at"] == CLOCK else ()
    return {name for name, book in books if book["state"] == "succeeded"}, is_in_place


def kill_at(moment, runner, first, second, folder):
    """Kill a run after so many seconds, then run again; everything must be as if undisturbed."""
    project = copy_of(first, folder / "project")
    add_late_line(project)
    with Reader(project, published(first), published(second)) as reader:
        run = runner.start(project)
        time.sleep(moment)
        run.kill(signal.SIGKILL)
        killed = run.wait()
        assert eventually(lambda: not runner.alive()), "processes outlived the runner"
        finished, is_in_place = finished_notebooks(project)
        again = runner.run(project)
    assert again.state == "succeeded", f"{again} {runner.told()}"
    if killed.code == -signal.SIGKILL and not is_in_place:
        assert set(again.answer["reused"]) == finished
    assert made(project) == made(second)
    assert left_over(project) == []
    assert reader.wrong == []
    assert reader.count > len(reader.names)


def moments(count, seconds, seed):
    print(f"seed {seed}, {count} moments within {seconds:.1f} s")
    draw = random.Random(seed)
    return [draw.uniform(0.0, seconds) for _ in range(count)]


SEED = int(os.environ.get("FAULT_SEED", "20261122"))


@pytest.mark.parametrize("number", [0, 1, *(pytest.param(n, marks=slow) for n in (2, 3, 4))])
def test_a_runner_killed_at_a_random_moment(number, runner, first, second, tmp_path):
    whole, seconds = second
    moment = moments(5, seconds, SEED)[number]
    kill_at(moment, runner, first, whole, tmp_path)


@slow
def test_a_runner_killed_at_20_random_moments(runner, first, second, tmp_path):
    whole, seconds = second
    for number, moment in enumerate(moments(20, seconds, SEED + 1)):
        kill_at(moment, runner, first, whole, tmp_path / str(number))
        shutil.rmtree(tmp_path / str(number))


# --- kernels and cells -------------------------------------------------------------------------


def test_sigterm_ends_the_kernels_too_and_what_was_finished_is_used_again(runner, project):
    write_notebook(project.root, "c", "import time\ntime.sleep(600)")
    run = runner.start(project)
    started = project.processed / "runs" / "quarterly"
    assert eventually(lambda: b'"state": "succeeded"' in _running_record(started))
    run.kill(signal.SIGTERM)
    assert run.wait().code != 0
    assert eventually(lambda: not runner.alive())
    record = read_json(project.root / f"{KEPT}.failed" / "run.json")
    assert record["error"] == "broken off"
    write_notebook(project.root, "c", "'short'")
    assert "a" in runner.run(project).answer["reused"]


def _running_record(runs):
    return b"".join(path.read_bytes() for path in runs.glob(".unfinished-*/run.json"))


STUBBORN = """\
import signal
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
while True:
    pass"""
LETS_NO_THREAD_RUN = """\
import ctypes
ctypes.PyDLL(None).sleep(600)"""
KILLS_ITSELF = """\
import os, subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
os.kill(os.getpid(), 9)"""


def test_kernels_that_are_killed_or_hang_fail_alone_and_nothing_is_published(
    runner, first, tmp_path, sees_first
):
    project = copy_of(first, tmp_path / "project")
    settings = project.root / "project.toml"
    short = "[runs]\ncell_timeout_seconds = 4\njobs = 4"
    settings.write_text(settings.read_text().replace("[runs]", short))
    write_notebook(project.root, "a", "'before'", KILLS_ITSELF)
    write_notebook(project.root, "c", STUBBORN)
    write_notebook(project.root, "reports/quarterly", LETS_NO_THREAD_RUN)
    # The report would wait for the others.
    text = settings.read_text()
    settings.write_text(text.replace('"c" = []', '"c" = []\n"d" = []'))
    write_notebook(project.root, "d", LETS_NO_THREAD_RUN)
    ended = runner.run(project)
    errors = ended.answer["errors"]
    assert "cell `import os, subprocess, sys`: the kernel died" in errors["a"]
    assert "took longer than 4 seconds (runs.cell_timeout_seconds)" in errors["c"]
    assert "took longer than 4 seconds (runs.cell_timeout_seconds)" in errors["d"]
    assert errors["b"] == "it needs a"
    assert ended.state == "failed"
    assert sees_first(project)
    assert eventually(lambda: not runner.alive()), "a kernel, or what it started, lives on"


@slow
def test_a_killed_runner_leaves_no_kernel_that_lets_no_thread_run(runner, project):
    write_notebook(project.root, "a", LETS_NO_THREAD_RUN)
    run = runner.start(project)
    runs = project.processed / "runs" / "quarterly"
    assert eventually(lambda: len(runner.alive()) > 3 and _running_record(runs))
    time.sleep(2)
    run.kill(signal.SIGKILL)
    run.wait()
    assert eventually(lambda: not runner.alive())


def test_a_notebook_that_fails_is_told_with_its_cell_and_the_last_report_stays(
    runner, first, tmp_path, sees_first
):
    project = copy_of(first, tmp_path / "project")
    write_notebook(project.root, "a", "'before'", "customers = {}", "customers['no such customer']")
    ended = runner.run(project)
    assert ended.state == "failed"
    assert ended.error == "failed: a"
    error = ended.answer["errors"]["a"]
    assert "KeyError: 'no such customer'" in error
    assert "customers['no such customer']" in error
    record = read_json(project.root / f"{KEPT}.failed" / "run.json")
    states = {name: book["state"] for name, book in record["notebooks"].items()}
    assert (states["a"], states["b"], states["c"]) == ("failed", "not_run", "succeeded")
    assert sees_first(project)
    assert left_over(project) == []


# --- disks and folders -------------------------------------------------------------------------


def mounted(kind, *arguments):
    return subprocess.run(["mount", *kind, *arguments], capture_output=True).returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 24 MB, mounted for this test."""
    place = tmp_path / "disk"
    place.mkdir()
    if not is_root or not mounted(["-t", "tmpfs", "-o", "size=24m"], "tmpfs", str(place)):
        pytest.skip("needs the right to mount a disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize(
    "free_kilobytes", [40, pytest.param(0, marks=slow), pytest.param(150, marks=slow)]
)
def test_a_full_disk(free_kilobytes, runner, first, second, small_disk, sees_first):
    project = copy_of(first, small_disk / "project")
    add_late_line(project)
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space"), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"0" * 4096)
    os.truncate(filler, max(0, filler.stat().st_size - free_kilobytes * 1024))
    ended = runner.run(project)
    assert ended.state in ("failed", "refused"), ended
    words = ended.error + "".join(ended.answer.get("errors", {}).values())
    assert "no space left" in words.lower()
    assert sees_first(project)
    filler.unlink()
    assert runner.run(project).state == "succeeded"
    assert made(project) == made(second[0])
    assert left_over(project) == []


def refuses(runner, project, sees_first, words):
    ended = runner.run(project)
    assert ended.state == "refused", ended
    assert str(project.reports) in ended.error
    assert words in ended.error
    assert "give this user the right to write" in ended.error
    assert sees_first(project)
    assert not (project.root / f"{KEPT}.failed").exists(), "notebooks were run for nothing"


def test_a_reports_folder_on_a_disk_that_is_read_only(runner, project, second, sees_first):
    place = str(project.reports)
    if not is_root or not mounted(["--bind"], place, place):
        pytest.skip("needs the right to mount a folder")
    try:
        assert mounted(["-o", "remount,ro,bind"], place)
        refuses(runner, project, sees_first, "Read-only file system")
    finally:
        subprocess.run(["umount", "-l", place], check=True)
    assert runner.run(project).state == "succeeded"
    assert made(project) == made(second[0])


def test_a_reports_folder_that_belongs_to_another_user(runner_without_rights, project, sees_first):
    for folder in [project.reports, *(p for p in project.reports.rglob("*") if p.is_dir())]:
        folder.chmod(0o755 if is_root else 0o555)
        if is_root:
            os.chown(folder, 65534, 65534)
    refuses(runner_without_rights, project, sees_first, "Permission denied")


@pytest.fixture
def runner_without_rights(tmp_path):
    """Runs by a user who may write to what is theirs only, as every user but root."""
    prefix = ()
    if is_root:
        rights = "-dac_override,-dac_read_search,-fowner"
        prefix = ("setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}")
        if subprocess.run([*prefix, "true"], capture_output=True).returncode:
            pytest.skip("needs setpriv to drop the rights of root")
    (tmp_path / "runner").mkdir()
    with Runner(tmp_path / "runner", prefix) as found:
        yield found


# --- two runs, the clock -----------------------------------------------------------------------


def test_two_runs_at_once(runner, project, second, tmp_path):
    write_notebook(project.root, "c", *slowly("c"))
    (tmp_path / "other").mkdir()
    with Runner(tmp_path / "other") as other:
        run = runner.start(project)
        assert eventually((project.processed / "project.lock.json").is_file)
        refused = other.run(project)
        assert refused.state == "refused"
        assert "in use since" in refused.error
        assert f"process {run.pid}" in refused.error
        assert run.wait().state == "succeeded"
        assert other.run(project).answer["is_unchanged"]
    assert (
        published(project)[f"{PERIOD}/details/a.html"]
        == made(second[0])[f"{PERIOD}/details/a.html"]
    )


def slowly(name):
    return "import time\ntime.sleep(3)", SAVES.format(name=name)


def test_a_clock_that_was_set_back(runner, project, second, tmp_path):
    """The published run is of the future, the one that was killed is older than it."""
    future = "2099-01-01T00:00:00+00:00"
    for file in [*project.processed.rglob("run.json"), *project.processed.rglob("version.json")]:
        record = read_json(file)
        moments = {n: future for n in ("started_at", "finished_at", "made_at") if n in record}
        write_json(file, record | moments)
    write_notebook(project.root, "c", *slowly("c"))
    run = runner.start(project)
    runs = project.processed / "runs" / "quarterly"
    assert eventually(lambda: b'"state": "succeeded"' in _running_record(runs))
    run.kill(signal.SIGKILL)
    run.wait()
    again = runner.run(project)
    assert again.state == "succeeded"
    assert "a" in again.answer["reused"]
    page = f"{PERIOD}/details/a.html"
    assert published(project)[page] == published(second[0])[page]
    assert runner.run(project).answer["is_unchanged"]
    assert read_json(project.root / KEPT / "run.json")["started_at"] == CLOCK
    due = outlook(project, date(2024, 8, 1)).due
    assert not [period for period in due if period.cadence == "quarterly"]


# --- snapshots and raw files -------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["tables", pytest.param("features", marks=slow)])
def test_a_table_that_was_cut_short_is_noticed_and_made_anew(folder, runner, first, tmp_path):
    project = copy_of(first, tmp_path / "project")
    table = "invoice_lines" if folder == "tables" else "customer_features"
    (file,) = (project.processed / folder).rglob(f"{table}.parquet")
    whole = file.read_bytes()
    os.truncate(file, len(whole) // 2)
    write_notebook(project.root, "c", *slowly("c"))  # or nothing would be run
    assert runner.run(project).state == "succeeded"
    assert file.read_bytes() == whole
    told = [line for line in runner.told().splitlines() if str(file.parent) in line]
    assert len(told) == 1
    assert f"{table}.parquet was cut short or changed" in told[0]
    assert "made anew from data/raw" in told[0]


def test_a_raw_file_that_grows_while_it_is_read(runner, project, second, sees_first):
    raw = project.raw / "invoice_lines.csv"
    with raw.open("a", encoding="utf-8") as file:
        for number in range(100, 60_000):
            file.write(f"{number},1,ada,tea,2024-05-20,1,1.00,EUR,1.00,sale\n")
        file.flush()
        run = runner.start(project)
        while not run.answer.is_file():
            file.write("60001,1,ada,tea,2024-05-20,1,1.0")
            file.flush()
            time.sleep(0.005)
    ended = run.wait()
    assert ended.state == "refused"
    assert "invoice_lines.csv" in ended.error
    assert "changed while it was read" in ended.error
    assert "load again when the export has ended" in ended.error
    assert sees_first(project)
    add_late_line(project)
    assert runner.run(project).state == "succeeded"
    assert made(project) == made(second[0])


@pytest.mark.parametrize(
    "what",
    [
        "raw file",
        pytest.param("notebook", marks=slow),
        pytest.param("override", marks=slow),
        pytest.param("settings", marks=slow),
    ],
)
def test_what_a_run_rests_on_changes_while_it_is_under_way(what, runner, project, sees_first):
    write_notebook(project.root, "c", *slowly("c"))
    run = runner.start(project)
    runs = project.processed / "runs" / "quarterly"
    assert eventually(lambda: b'"state": "running"' in _running_record(runs))
    expected = change(what, project)
    ended = run.wait()
    assert ended.state == "refused", ended
    assert expected in ended.error
    assert "during the run" in ended.error
    assert sees_first(project)
    assert runner.run(project).state == "succeeded"
    assert not sees_first(project)


def change(what, project):
    """Change one thing, and return how the run must name it."""
    if what == "raw file":
        with (project.raw / "invoice_lines.csv").open("a", encoding="utf-8") as file:
            file.write(LATE_LINE.replace("5,1", "6,1"))
        return "data/raw: till/invoice_lines.csv"
    if what == "override":
        (project.raw / "overrides").mkdir()
        (project.raw / "overrides" / "segments.csv").write_text("customer_id,segment_id\nada,x\n")
    elif what == "settings":
        file = project.root / "project.toml"
        file.write_text(file.read_text().replace('name = "Tiny"', 'name = "Small"'))
    else:
        write_notebook(project.root, "a", "'another'")
    return "project.toml, overrides or notebooks"
