"""What of data/processed may go: old snapshots, old derived tables, old failed runs.

Never removed is the snapshot that current.json or any published run names, and the derived tables
of the current one. Call it under the project's lock. A folder is first given an unfinished name, so
that a stop in between leaves no half snapshot that the next load would take for a whole one.
"""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from analysis.core.files import UNFINISHED, read_json, remove_stale
from analysis.core.periods import CADENCES
from analysis.core.project import Project
from analysis.run import history
from analysis.run.ledger import FAILED, published_runs
from analysis.run.record import load_if_there

_POINTER = "current.json"


def clean(project: Project) -> list[Path]:
    """Remove what the settings do not keep; return the folders that went."""
    limits = project.settings.runs
    gone = [
        *_snapshots(project, limits.keep_snapshots),
        *_features(project, limits.keep_features),
        *_failed_runs(project, limits.keep_failed_days),
    ]
    for folder in gone:
        _remove(folder)
    gone += _scratch(project)
    history.prune(project, limits.keep_history)
    return gone


def needed_snapshots(project: Project) -> set[str]:
    """Return the snapshots that the pointer or a published run names."""
    pointer = project.tables / _POINTER
    needed = {read_json(pointer)["snapshot"]} if pointer.is_file() else set()
    for cadence in CADENCES:
        records = (load_if_there(folder) for _, folder in published_runs(project, cadence))
        needed |= {record.snapshot for record in records if record}
    return needed


def _snapshots(project: Project, most: int) -> list[Path]:
    needed = needed_snapshots(project)
    others = [folder for folder in _latest_first(project.tables) if folder.name not in needed]
    return others[most:]


def _features(project: Project, most: int) -> list[Path]:
    """Derived tables can be made again from a snapshot, so published runs do not need them."""
    home = _features_home(project)
    if home.is_dir():
        remove_stale(home)
    pointer = project.tables / _POINTER
    current = read_json(pointer)["snapshot"] if pointer.is_file() else ""
    return [folder for folder in _latest_first(home) if folder.name != current][most:]


def _failed_runs(project: Project, days: int) -> Iterator[Path]:
    oldest = datetime.now(UTC) - timedelta(days=days)
    for cadence in CADENCES:
        for folder in (project.processed / "runs" / cadence).glob(f"*{FAILED}"):
            record = load_if_there(folder)
            if record and record.finished_at and _moment(record.finished_at) < oldest:
                yield folder


def _scratch(project: Project) -> list[Path]:
    """Results outside a run are of a snapshot, and go with it."""
    home = project.processed / "scratch"
    gone = [f for f in _latest_first(home) if not (project.tables / f.name).is_dir()]
    for folder in gone:
        _remove(folder)
    return gone


def _latest_first(home: Path) -> list[Path]:
    folders = [f for f in home.glob("*") if f.is_dir() and not f.name.startswith(UNFINISHED)]
    return sorted(folders, key=lambda folder: (folder.stat().st_mtime, folder.name), reverse=True)


def _remove(folder: Path) -> None:
    aside = folder.with_name(f"{UNFINISHED}gone-{folder.name}")
    folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def _features_home(project: Project) -> Path:
    return project.processed / "features"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
