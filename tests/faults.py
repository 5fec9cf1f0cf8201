"""What tests of faults share: a tiny project with a published report, and runs that can be killed.

The runs are forked from one Python that has imported everything (fault_runner.py), so that each
costs a few seconds. Every process that comes of them carries a mark in its environment.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tiny_project import LINES, tiny_project, write_notebook

from analysis.core.project import Project

CLOCK = "2030-01-01T00:00:00+00:00"  # of every run but the first
FIRST_CLOCK = "2028-01-01T00:00:00+00:00"
LATE_LINE = "5,1,cyd,cup,2024-06-30,1,7.25,EUR,7.25,sale\n"
PERIOD = "quarterly/2024Q2"
SAVES = """\
from analysis import run
from analysis.core.figures import chart, new_axes
from analysis.core.result import Number, Result
work = run.open_workspace(project, period, run_dir)
table = work.table("customer_features")[["customer_id", "revenue_amount"]]
figure, axes = new_axes()
axes.bar(table["customer_id"], table["revenue_amount"])
picture = chart(figure, "{name}", title="Bars", alternative_text="One bar for each customer.")
number = Number("Revenue", float(table["revenue_amount"].sum()), "amount")
work.save(Result("{name}", "About {name}", period, work.scope.as_of,
    headline={{"revenue": number}}, tables={{"worth": table}}, charts={{"bars": picture}}))
number.value"""


def new_project(folder: Path, runs: str = "") -> Project:
    """Make a project of three notebooks that save a table and a figure made of the data."""
    lenient = "[quality]\nis_checked = false"  # or the late line would be a breach
    project = tiny_project(folder, {"a": [], "b": ["a"], "c": []}, runs=runs, more=lenient)
    for name in "abc":
        write_notebook(folder, name, SAVES.format(name=name))
    return project


def add_late_line(project: Project) -> None:
    """Change the raw data, so that everything is to be made anew."""
    (project.raw / "invoice_lines.csv").write_text(LINES + LATE_LINE, encoding="utf-8")


def published(project: Project) -> dict[str, bytes]:
    """Return what leaders see, every file below reports/."""
    return _files(project.reports)


def made(project: Project) -> dict[str, bytes]:
    """Return what leaders see, and every table, figure and Result of the run behind it."""
    home = project.processed / "runs" / PERIOD
    kept = {name: text for name, text in _files(home).items() if _is_of_the_result(name)}
    return published(project) | kept


def _is_of_the_result(name: str) -> bool:
    # run.json and the executed notebooks tell seconds and moments.
    return name != "run.json" and not name.startswith("notebooks/")


def _files(folder: Path) -> dict[str, bytes]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@dataclass
class Ended:
    """How a run ended: its exit code, and what it answered when it was not killed."""

    code: int | None
    answer: dict

    @property
    def state(self) -> str:
        return self.answer.get("state", "")

    @property
    def error(self) -> str:
        return self.answer.get("error", "")


class Runner:
    """Forks runs; use it as a context."""

    def __init__(self, folder: Path, prefix: Sequence[str] = ()) -> None:
        self.folder = folder
        self.mark = f"FAULT_MARK={uuid4()}"
        name, value = self.mark.split("=")
        self.errors = folder / "errors.txt"
        self._process = subprocess.Popen(
            [*prefix, sys.executable, str(Path(__file__).with_name("fault_runner.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors.open("ab"),
            text=True,
            env=os.environ | {name: value, "PYTHONWARNINGS": "default"},
        )

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(30)

    def start(self, project: Project, clock: str = CLOCK) -> "Run":
        """Begin a run and return at once."""
        answer = self.folder / f"{uuid4()}.json"
        order = {"project": str(project.root), "clock": clock, "answer": str(answer)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Run(int(self._process.stdout.readline()), answer, self)

    def run(self, project: Project, clock: str = CLOCK) -> Ended:
        """Do a run and return how it ended."""
        return self.start(project, clock).wait()

    def ended(self) -> int:
        """Wait until the run that was started has ended; return its exit code."""
        return int(self._process.stdout.readline())

    def told(self) -> str:
        """Return what the runs wrote to standard error so far."""
        return self.errors.read_text(encoding="utf-8")

    def alive(self) -> list[int]:
        """Return the processes that came of the runs and still run."""
        own = {self._process.pid}
        return [pid for pid in marked(self.mark) if pid not in own]


@dataclass
class Run:
    """A run under way."""

    pid: int
    answer: Path
    runner: Runner

    def kill(self, signal: int) -> None:
        """Send a signal to the runner alone, if it still runs."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal)

    def wait(self) -> Ended:
        """Wait for its end."""
        code = self.runner.ended()
        found = json.loads(self.answer.read_text()) if self.answer.is_file() else {}
        return Ended(code, found)


def marked(mark: str) -> list[int]:
    """Return the living processes that have the mark in their environment."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            has_mark = mark.encode() in (place / "environ").read_bytes()
            is_dead = (place / "stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
        except OSError:
            continue
        if has_mark and not is_dead:
            found.append(int(place.name))
    return found


def eventually(condition, seconds: float = 30.0) -> bool:
    """Wait until the condition holds; False when it never does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())


def copy_of(project: Project, folder: Path) -> Project:
    """Copy a project with everything that was made in it."""
    shutil.copytree(project.root, folder)
    return Project(folder)
