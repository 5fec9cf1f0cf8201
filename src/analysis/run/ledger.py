"""Which runs there are: published ones, failed ones, and those that an anchor may come from.

runs/<cadence>/<period>/          the last run that succeeded, whole
runs/<cadence>/<period>.failed/   the last one that failed since, for mending; it resumes there
runs/<cadence>/.unfinished-...    the one that is running
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from analysis.core.files import UNFINISHED
from analysis.core.periods import CADENCES, Cadence, Period
from analysis.core.problems import SettingsError
from analysis.core.project import Project
from analysis.run.record import RunRecord, load_if_there

FAILED = ".failed"
# A table whose name ends so is handed from run to run, so that its meaning stays the same.
ANCHOR = "_anchor"
# How many earlier periods a notebook may look back at.
EARLIER_RUNS = 3


def failed_dir(project: Project, period: Period) -> Path:
    """Return the folder that keeps the period's last failed run."""
    done = project.run_dir(period)
    return done.with_name(f"{done.name}{FAILED}")


def all_runs(project: Project) -> list[RunRecord]:
    """Return every run that left a record, by cadence, then period, then start."""
    folders = (f for cadence in CADENCES for f in _folders(_home(project, cadence)))
    records = [record for folder in folders if (record := load_if_there(folder))]
    return sorted(records, key=lambda r: (CADENCES.index(r.cadence), r.period, r.started_at))


def published_runs(project: Project, cadence: Cadence) -> Iterator[tuple[Period, Path]]:
    """Yield period and folder of every published run of a cadence, oldest period first."""
    found = []
    for folder in _folders(_home(project, cadence)):
        try:
            found.append((project.calendar.parse(folder.name, cadence), folder))
        except SettingsError:  # failed, unfinished, or of a calendar that has changed since
            continue
    yield from sorted(found, key=lambda pair: pair[0].starts_on)


def anchor_folder(project: Project, period: Period, stem: str) -> Path | None:
    """Return the folder of the Result whose anchor serves `period`; None when none does.

    Its own earlier run comes first, else the latest run of an earlier period; never one that was
    fitted later than the period.
    """
    folders = {p.starts_on: f / stem for p, f in published_runs(project, period.cadence)}
    fitting = [day for day in folders if day <= period.starts_on and _anchors(folders[day])]
    return folders[max(fitting)] if fitting else None


def earlier_folders(project: Project, period: Period, stem: str, most: int) -> list[Path]:
    """Return the anchored Results of the latest earlier periods, newest first, `most` of them."""
    folders = {p.starts_on: f / stem for p, f in published_runs(project, period.cadence)}
    days = [day for day in folders if day < period.starts_on and _anchors(folders[day])]
    return [folders[day] for day in sorted(days, reverse=True)[:most]]


def earlier_source(project: Project, period: Period, name: str) -> str:
    """Return what notebook `name` left in earlier periods, as text for keys; empty if nothing."""
    stem = name.rsplit("/", 1)[-1]
    folders = earlier_folders(project, period, stem, EARLIER_RUNS)
    return " ".join(f"{f.parent.name} {_digest(f)}" for f in folders)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.parquet")):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def anchor_source(project: Project, period: Period, name: str) -> str:
    """Return what the anchor of notebook `name` is, as text for its key; empty without one.

    A period that has its own anchor keeps the text of the run that made it: running again does not
    make its own outcome an input that has changed.
    """
    stem = name.rsplit("/", 1)[-1]
    folder = anchor_folder(project, period, stem)
    if folder is None:
        return ""
    if folder.parent == project.run_dir(period):
        record = load_if_there(folder.parent)
        return record.notebooks[name].anchor if record and name in record.notebooks else ""
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in _anchors(folder)]
    return " ".join([folder.parent.name, *hashes])


def _home(project: Project, cadence: Cadence) -> Path:
    return project.processed / "runs" / cadence


def _folders(home: Path) -> list[Path]:
    return sorted(path for path in home.glob("*") if path.is_dir()) if home.is_dir() else []


def _anchors(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{ANCHOR}.parquet"))


def unfinished_runs(project: Project, cadence: Cadence) -> list[Path]:
    """Return what runs left that were killed; call it under the project's lock."""
    return [folder for folder in _folders(_home(project, cadence)) if _is_unfinished(folder)]


def _is_unfinished(folder: Path) -> bool:
    return folder.name.startswith(UNFINISHED)
