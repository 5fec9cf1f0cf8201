"""The history of runs in words and numbers, for `analysis runs` and `analysis runs show`."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from analysis.core.problems import Problem, SettingsError
from analysis.core.project import Project
from analysis.run.history import Attempt, attempts
from analysis.run.ledger import FAILED, failed_dir
from analysis.run.lock import is_held
from analysis.run.record import NotebookRecord

_PARTS = ("tables", "features", "runs", "ledger", "scratch", "history")


@dataclass(frozen=True)
class NotebookLine:
    """One notebook of a run: how long it took, now and before, and why it was skipped."""

    name: str
    state: str
    seconds: float | None
    seconds_before: float | None
    why: str


def run_history(project: Project) -> list[Attempt]:
    """Return every attempt at a run, oldest first."""
    found = attempts(project)
    # Asked for only when something seems to run: asking takes the lock for a moment.
    is_running = any(attempt.record.finished_at == "" for attempt in found)
    return attempts(project, is_held=True) if is_running and is_held(project) else found


def disk_use(project: Project) -> dict[str, int]:
    """Return the bytes of each part of data/processed, of the raw data and of the reports."""
    parts = {f"data/processed/{name}": project.processed / name for name in _PARTS}
    places = {"data/raw": project.raw, **parts, "reports": project.reports}
    return {name: folder_bytes(place) for name, place in places.items() if place.is_dir()}


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def kept_folders(project: Project, attempt: Attempt) -> list[Path]:
    """Return what is still there of an attempt: its run, and its report if it is published."""
    record = attempt.record
    if not record.period:
        return []
    period = project.calendar.parse(record.period)
    if record.state == "succeeded":
        places = [project.run_dir(period), project.report_dir(period)]
    else:
        places = [failed_dir(project, period)]
    return [place for place in places if place.is_dir()]


def find_attempt(found: list[Attempt], name: str) -> Attempt:
    """Return the latest attempt of a name: an id, quarterly/2026Q3, or 2026Q3.

    With .failed at the end, as the folder of a failed run is named, the latest that failed.
    """
    bare = name.removesuffix(FAILED)
    for attempt in reversed(found):
        is_asked = bare == name or attempt.record.state == "failed"
        if is_asked and bare in (attempt.id, attempt.name, attempt.record.period):
            return attempt
    names = dict.fromkeys(attempt.name for attempt in reversed(found))
    kind = "a failed run of " if bare != name else ""
    expected = f"{kind}one of {', '.join(list(names)[:10])}" if names else "a run; there is none"
    mend = "`analysis runs` lists the names"
    raise SettingsError(Problem("analysis runs show", repr(name), expected, mend))


def notebook_lines(found: list[Attempt], attempt: Attempt) -> list[NotebookLine]:
    """Return what became of every notebook of an attempt, beside the last time that it ran."""
    index = [other.id for other in found].index(attempt.id)
    earlier = [a for a in reversed(found[:index]) if a.record.cadence == attempt.record.cadence]
    return [
        NotebookLine(name, _state(book), _spent(book), _before(earlier, name), _why(book))
        for name, book in attempt.record.notebooks.items()
    ]


def seconds_of(attempt: Attempt) -> float | None:
    """Return how long an attempt took; None while it runs or when it was killed."""
    record = attempt.record
    if not record.started_at or not record.finished_at:
        return None
    began, ended = (datetime.fromisoformat(t) for t in (record.started_at, record.finished_at))
    return max((ended - began).total_seconds(), 0.0)


def state_of(attempt: Attempt) -> str:
    """Return how an attempt ended, in one or two words."""
    record = attempt.record
    if record.is_unchanged:
        return "unchanged"
    if record.outcome == "breach" and record.state == "failed":
        return "stopped by a check"
    return record.state


def _state(book: NotebookRecord) -> str:
    return "unchanged" if book.is_reused else book.state.replace("_", " ")


def _spent(book: NotebookRecord) -> float | None:
    is_run = book.state in ("succeeded", "failed") and not book.is_reused
    return book.seconds if is_run else None


def _before(earlier: list[Attempt], name: str) -> float | None:
    for attempt in earlier:
        book = attempt.record.notebooks.get(name)
        if book and book.state == "succeeded" and not book.is_reused:
            return book.seconds
    return None


def _why(book: NotebookRecord) -> str:
    if book.is_reused:
        return f"nothing that it depends on has changed since {book.started_at}"
    if book.error:
        return book.error.splitlines()[0]
    if book.state == "not_run":
        return "the run ended before its turn"
    return ""
