"""What was run when: one small file per attempt, also of those that a later run replaced.

data/processed/history/<moment>-<cadence>.json holds what run.json held at the end. It is written
when an attempt begins, too, so that one that was killed is known. The period's own folder below
runs/ keeps its last run only.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from analysis.core.files import read_json, write_json
from analysis.core.project import Project
from analysis.run import ledger
from analysis.run.record import RunRecord

KILLED = "killed, or its computer stopped"
# Long, and told by run.json of the period.
_LEFT_OUT = ("sources", "measures", "code", "settings")


@dataclass(frozen=True)
class Attempt:
    """One attempt at a run: its id, its file and what it left."""

    id: str
    file: Path
    record: RunRecord

    @property
    def name(self) -> str:
        """The cadence and period, as `analysis runs show` takes them."""
        return f"{self.record.cadence}/{self.record.period}"


def history_dir(project: Project) -> Path:
    """Return the folder of the history."""
    return project.processed / "history"


def new_entry(project: Project, record: RunRecord) -> Path:
    """Return a new file for the attempt, named by the moment of its start."""
    stamp = record.started_at[:19].replace("-", "").replace(":", "")
    home = history_dir(project)
    file = home / f"{stamp}-{record.cadence}.json"
    number = 2
    while file.exists():  # within one second, or the clock was set back
        file = home / f"{stamp}-{record.cadence}-{number}.json"
        number += 1
    return file


def keep(file: Path, record: RunRecord) -> None:
    """Write an attempt down; a disk that is full or read-only must not end a run for it."""
    entry = record.as_json() | {"is_unchanged": record.is_unchanged}
    for name in _LEFT_OUT:
        entry[name] = {}
    with suppress(OSError):
        write_json(file, entry)


def attempts(project: Project, *, is_held: bool = False) -> list[Attempt]:
    """Return every attempt, oldest first; what still "runs" while nobody holds the project died.

    Runs from before there was a history are told from their run.json.
    """
    found = list(_written(project))
    known = {(a.record.cadence, a.record.started_at) for a in found}
    for record in ledger.all_runs(project):
        folder = record.folder
        if folder is not None and (record.cadence, record.started_at) not in known:
            found.append(Attempt(f"{record.cadence}-{folder.name}", folder / "run.json", record))
    for attempt in found if not is_held else ():
        if attempt.record.state == "running":
            attempt.record.state = "failed"
            attempt.record.error = attempt.record.error or KILLED
    return sorted(found, key=lambda attempt: (attempt.record.started_at, attempt.id))


def prune(project: Project, most: int) -> None:
    """Remove the oldest entries beyond `most`."""
    files = sorted(history_dir(project).glob("*.json"))
    for file in files[: max(len(files) - most, 0)]:
        file.unlink(missing_ok=True)


def _written(project: Project) -> Iterator[Attempt]:
    for file in sorted(history_dir(project).glob("*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):  # of another version, or not ours
            yield Attempt(file.stem, file, RunRecord.from_json(read_json(file)))
