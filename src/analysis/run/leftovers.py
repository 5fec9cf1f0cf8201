"""What failed and killed runs leave behind, and what the next run takes from them."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from analysis.core.files import put_in_place, remove_stale, restore
from analysis.core.periods import Cadence, Period
from analysis.core.problems import SettingsError
from analysis.core.project import Project
from analysis.core.result import result_exists
from analysis.run.ledger import failed_dir, unfinished_runs
from analysis.run.plan import NOTEBOOKS_FOLDER, Step
from analysis.run.record import NotebookRecord, RunRecord, load_if_there, now

_KILLED = "the runner was killed or lost its computer"


def tidy(project: Project, cadence: Cadence) -> None:
    """Keep what a killed run had finished, then remove what killed writers left."""
    runs = project.processed / "runs" / cadence
    if runs.is_dir():
        restore(runs)  # first, or the last good run could be taken for a killed one
    for folder in unfinished_runs(project, cadence):
        _keep_killed(project, cadence, folder)
    for folder in (*_written_by_runs(project), runs, project.reports / cadence):
        if folder.is_dir():
            remove_stale(folder)


def _written_by_runs(project: Project) -> Iterator[Path]:
    """Folders that runs of every cadence write into; scratch may be somebody's at work now."""
    features = project.processed / "features"
    yield from (project.tables, features, project.processed / "history", project.reports)
    yield from features.glob("[!.]*")


def _keep_killed(project: Project, cadence: Cadence, folder: Path) -> None:
    record = load_if_there(folder)
    if record is None:
        return
    with suppress(SettingsError):
        period = project.calendar.parse(record.period, cadence)
        published = load_if_there(project.run_dir(period))
        # After an exchange it is the older, published run that has the unfinished name. Their times
        # tell nothing when somebody set the clock.
        if published is None or published.replaces != record.started_at:
            record.error = record.error or _KILLED
            keep_failed(project, period, folder, record)


def keep_failed(project: Project, period: Period, folder: Path, record: RunRecord) -> None:
    """Put a failed run where a person can look into it and the next run can go on from it."""
    mark_failed(record)
    record.save(folder)
    kept = failed_dir(project, period)
    put_in_place(folder, kept)
    record.folder = kept


def mark_failed(record: RunRecord) -> None:
    """Say of a run, and of its notebooks that did not end, that they failed."""
    record.state, record.is_published = "failed", False
    record.finished_at = record.finished_at or now()
    for book in record.notebooks.values():
        if book.state == "running":
            book.state, book.error = "failed", record.error
        elif book.state == "waiting":
            book.state = "not_run"


def is_whole(folder: Path, step: Step, book: NotebookRecord) -> bool:
    """Whether everything that a notebook made is still in `folder`."""
    has_result = result_exists(folder / step.stem)
    return executed(folder, step.name).is_file() and (has_result or not book.has_result)


def executed(folder: Path, name: str) -> Path:
    """Return where a run keeps the executed notebook."""
    return folder / NOTEBOOKS_FOLDER / f"{name}.ipynb"
