"""run.json: what a run did, with which inputs, and how each notebook ended.

Only this record says whether a run or a notebook succeeded; an executed notebook does not: after a
killed kernel every one of its cells reads "completed".
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from analysis.core.files import read_json, write_json
from analysis.core.settings import Outcome

if TYPE_CHECKING:
    from analysis.sources.load_report import LoadReport

RUN_FILE = "run.json"
RunState = Literal["running", "succeeded", "failed"]
NotebookState = Literal["waiting", "running", "succeeded", "failed", "not_run"]


@dataclass
class NotebookRecord:
    """How one notebook of a run ended; `key` names everything that its outcome depends on."""

    state: NotebookState = "waiting"
    seconds: float = 0.0
    cpu_seconds: float | None = None  # of its kernel; None where the system does not tell
    error: str = ""
    is_reused: bool = False  # unchanged since the run that made it, so not run again
    has_result: bool = False
    started_at: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    anchor: str = ""  # what it was anchored to, part of the key


@dataclass
class Spent:
    """Processor and wall-clock seconds of one stage, kernels included."""

    cpu_seconds: float
    wall_seconds: float


@dataclass
class RunRecord:
    """One run; the fields are those of run.json.

    `rows` and `money` have read, kept, rejected and merged; money is text, exact to the cent.
    `data_to` is the last day of the data, `measures` what the quality checks compare, `quality`
    what they found; with a reason in `accepted` the run was published all the same. `notices` are
    the messages that were sent, or why they could not be. `is_unchanged` tells a caller that
    nothing had to be done; it is not written.
    """

    cadence: str
    period: str
    state: RunState = "running"
    started_at: str = ""
    finished_at: str = ""
    error: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    snapshot: str = ""
    sources: dict[str, str] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)  # project.toml as this run read it
    notebooks: dict[str, NotebookRecord] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    money: dict[str, str] = field(default_factory=dict)
    stages: dict[str, Spent] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    data_to: str = ""
    measures: dict[str, Any] = field(default_factory=dict)
    quality: list[dict[str, str]] = field(default_factory=list)
    accepted: str = ""
    notices: list[dict[str, str]] = field(default_factory=list)
    is_scheduled: bool = False  # `analysis due` ran it
    replaces: str = ""  # started_at of the published run whose place it took
    is_published: bool = False
    is_unchanged: bool = False
    folder: Path | None = None  # where this record lies; not written
    pages: tuple[Path, ...] = ()  # pages that the run made; not written

    def save(self, folder: Path) -> None:
        """Write run.json into `folder`, whole or not at all."""
        write_json(folder / RUN_FILE, self.as_json())
        self.folder = folder

    def as_json(self) -> dict[str, Any]:
        """Return what run.json holds."""
        record = asdict(self)
        for name in ("is_unchanged", "folder", "pages"):
            del record[name]
        return record

    @classmethod
    def load(cls, folder: Path) -> "RunRecord":
        """Read what `save` wrote; FileNotFoundError when there is no run in `folder`."""
        record = cls.from_json(read_json(folder / RUN_FILE))
        record.folder = folder
        return record

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "RunRecord":
        """Return the record that `as_json` made."""
        notebooks = {n: NotebookRecord(**v) for n, v in record["notebooks"].items()}
        stages = {n: Spent(**v) for n, v in record["stages"].items()}
        return cls(**record | {"notebooks": notebooks, "stages": stages})

    @property
    def outcome(self) -> Outcome:
        """How it ended, as those who are told of runs are told."""
        if self.state == "succeeded":
            return "success"
        return "breach" if self.quality and not self.accepted else "failure"

    @property
    def failed(self) -> dict[str, NotebookRecord]:
        """The notebooks that failed, by name."""
        return {n: book for n, book in self.notebooks.items() if book.state == "failed"}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add what the block spends to the stage of this name."""
        cpu, wall = cpu_seconds(), time.perf_counter()
        try:
            yield
        finally:
            before = self.stages.get(name, Spent(0.0, 0.0))
            self.stages[name] = Spent(
                round(before.cpu_seconds + cpu_seconds() - cpu, 2),
                round(before.wall_seconds + time.perf_counter() - wall, 2),
            )


def load_if_there(folder: Path) -> RunRecord | None:
    """Return the record in `folder`; None when there is none that can be read."""
    try:
        return RunRecord.load(folder)
    except (OSError, ValueError, KeyError, TypeError):  # absent, or of another version
        return None


def now() -> str:
    """Return the present moment as text, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def cpu_seconds() -> float:
    """Return processor seconds of this process and its ended children; Windows counts only it."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def counts_and_money(report: "LoadReport") -> tuple[dict[str, int], dict[str, str]]:
    """Return rows and money read, kept, rejected and merged, ready for JSON."""
    totals = report.totals
    names = ("read", "kept", "rejected", "merged")
    rows = {name: int(getattr(totals, f"rows_{name}")) for name in names}
    return rows, {name: str(getattr(totals, f"money_{name}")) for name in names}


def source_hashes(report: "LoadReport") -> dict[str, str]:
    """Return the content hash of every raw file."""
    return {f"{file.source}/{file.file}": file.sha256 for file in report.files}
