"""Which files of data/raw belong to which source and table, and which snapshot they make."""

import fnmatch
import hashlib
from dataclasses import dataclass
from pathlib import Path

from analysis.core import tables, tables_customers, tables_sales, tables_strategy
from analysis.core.problems import InputError, Problem, raise_all
from analysis.core.project import Project
from analysis.core.settings import Source
from analysis.sources.presets import Preset, TablePreset, preset_text, read_preset
from analysis.sources.text_files import file_hash

OWN_PRESETS = "presets"  # folder of a project with presets of its own
OVERRIDES = "overrides"  # below data/raw; an analyst's corrections, read by the notebooks
_MOST_UNREAD = 50  # named one by one
_SNAPSHOT_LETTERS = 16


@dataclass(frozen=True)
class SourcePlan:
    """A source with its preset; settings that project.toml leaves empty are the preset's."""

    name: str
    settings: Source
    preset: Preset
    folder: Path

    def table(self, table: str) -> TablePreset:
        """Return the preset of one table, with the project's own file patterns."""
        part = self.preset.tables[table]
        patterns = self.settings.files.get(table)
        return part.model_copy(update={"files": tuple(patterns)}) if patterns else part


@dataclass(frozen=True)
class RawFile:
    """One file and the tables that it is for."""

    source: SourcePlan
    path: Path
    file: str  # below data/raw
    tables: tuple[str, ...]
    sha256: str
    state: tuple[int, ...]  # size and time before it was hashed; whoever writes to it changes them


@dataclass(frozen=True)
class Inventory:
    """Every file that a load reads, in order of source and name, and those it does not."""

    sources: tuple[SourcePlan, ...]
    files: tuple[RawFile, ...]
    notes: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


def plan_sources(project: Project) -> tuple[SourcePlan, ...]:
    """Return the sources of project.toml; InputError when there is none or one is impossible."""
    if not project.settings.sources:
        raise InputError(
            Problem(
                "project.toml",
                "no source",
                "a section [sources.NAME] for each system that data come from",
                'add one, for example [sources.erp] with preset = "plain"',
            )
        )
    plans, problems = [], []
    for name, settings in project.settings.sources.items():
        preset = read_preset(settings.preset, project.root / OWN_PRESETS)
        folder = (project.raw / settings.folder).resolve()
        plan = SourcePlan(name, _with_preset(settings, preset), preset, folder)
        problems += _impossible(plan, project)
        plans.append(plan)
    raise_all(problems, InputError)
    return tuple(plans)


def _with_preset(settings: Source, preset: Preset) -> Source:
    keys = ("currency", "date_order", "decimal", "delimiter", "encoding")
    return settings.model_copy(
        update={key: getattr(settings, key) or getattr(preset, key) for key in keys}
    )


def _impossible(plan: SourcePlan, project: Project) -> list[Problem]:
    where = f"project.toml, sources.{plan.name}"
    problems = []
    if not plan.folder.is_relative_to(project.raw.resolve()):
        problems.append(
            Problem(
                f"{where}.folder",
                plan.settings.folder,
                "a folder below data/raw",
                "put the files there and name the folder",
            )
        )
    elif not plan.folder.is_dir():
        problems.append(
            Problem(
                f"{where}.folder",
                f"no folder {plan.settings.folder} in {project.raw}",
                "a folder with the raw files",
                "make it and put the files there, or correct its name",
            )
        )
    for table in plan.settings.files:
        if table not in plan.preset.tables:
            problems.append(
                Problem(
                    f"{where}.files",
                    f"table {table}",
                    f"a table that preset {plan.settings.preset} makes: "
                    + ", ".join(plan.preset.tables),
                    "correct the name of the table",
                )
            )
    return problems


def take_inventory(project: Project) -> Inventory:
    """Return the files to read, and as problems: none at all, and a file that is there twice."""
    plans = plan_sources(project)
    files: list[RawFile] = []
    problems: list[Problem] = []
    for plan in plans:
        found = _files_of(plan, project)
        files += found
        if not found:
            problems.append(_no_files(plan))
    problems += _read_twice(files) + _equal_files(files)
    notes = _unread(project, plans, {raw.path for raw in files})
    return Inventory(plans, tuple(files), tuple(notes), tuple(problems))


def _files_of(plan: SourcePlan, project: Project) -> list[RawFile]:
    by_path: dict[Path, list[str]] = {}
    for table in plan.preset.tables:
        for path in _matches(plan, plan.table(table).files):
            by_path.setdefault(path, []).append(table)
    root = project.raw.resolve()
    found = []
    for path in sorted(by_path, key=lambda p: p.as_posix()):
        if _reason_to_ignore(path, plan) is None:
            file = path.relative_to(root).as_posix()
            state = _state(path)
            found.append(RawFile(plan, path, file, tuple(by_path[path]), file_hash(path), state))
    return found


def changed_while_read(inventory: Inventory) -> list[Problem]:
    """Return a problem for each file that somebody wrote to since the inventory was taken."""
    return [_changed(raw) for raw in inventory.files if _state(raw.path) != raw.state]


def _state(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _changed(raw: RawFile) -> Problem:
    return Problem(
        f"data/raw/{raw.file}",
        "changed while it was read",
        "a file that is complete",
        "load again when the export has ended; better, export beside data/raw and move the file in",
    )


def _unread(project: Project, plans: tuple[SourcePlan, ...], read: set[Path]) -> list[str]:
    """Say of every other file below data/raw that it was not read, why, and what to do."""
    root = project.raw.resolve()
    unread = []
    for path in _candidates(root, is_deep=True):
        parts = path.relative_to(root).parts
        is_hidden = any(part.startswith(".") for part in parts)
        if path not in read and not is_hidden and parts[0] != OVERRIDES:
            unread.append(path)
    notes = [_unread_note(path, root, plans) for path in unread[:_MOST_UNREAD]]
    if more := len(unread) - len(notes):
        notes.append(f"{more:,} more files below data/raw were not read either.")
    return notes


def _unread_note(path: Path, root: Path, plans: tuple[SourcePlan, ...]) -> str:
    file = f"data/raw/{path.relative_to(root).as_posix()}"
    for plan in plans:
        if path.parent == plan.folder and (reason := _reason_to_ignore(path, plan)):
            return f"{file} was not read: {reason}."
    takers = [plan for plan in plans if _takes(plan, path.name)]
    if takers and not any(path.parent == plan.folder for plan in takers):
        folders = dict.fromkeys(_shown_folder(plan, root) for plan in takers)
        mend = f"put it into the folder of a source ({' or '.join(folders)})"
    else:
        near = [plan for plan in plans if path.is_relative_to(plan.folder)] or list(plans)
        name = near[-1].name
        mend = f"name it as a table, or name it in [sources.{name}.files] of project.toml"
    return f"{file}: no source reads it; {mend}."


def _takes(plan: SourcePlan, name: str) -> bool:
    patterns = [pattern for table in plan.preset.tables for pattern in plan.table(table).files]
    return any(fnmatch.fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def _shown_folder(plan: SourcePlan, root: Path) -> str:
    return (Path("data/raw") / plan.folder.relative_to(root)).as_posix()


def _matches(plan: SourcePlan, patterns: tuple[str, ...]) -> list[Path]:
    matches = []
    for pattern in patterns:
        is_deep = "/" in pattern
        for path in _candidates(plan.folder, is_deep=is_deep):
            name = path.relative_to(plan.folder).as_posix()
            if fnmatch.fnmatchcase(name.lower(), pattern.lower()) and path not in matches:
                matches.append(path)
    return matches


def _candidates(folder: Path, *, is_deep: bool = False) -> list[Path]:
    paths = folder.rglob("*") if is_deep else folder.iterdir()
    # Names with ~$ are the locks of an open spreadsheet, with a dot hidden or unfinished.
    return sorted(p for p in paths if p.is_file() and not p.name.startswith((".", "~$")))


def _reason_to_ignore(path: Path, plan: SourcePlan) -> str | None:
    for pattern, reason in plan.preset.ignored_files.items():
        if fnmatch.fnmatchcase(path.name.lower(), pattern.lower()):
            return reason
    return None


def _no_files(plan: SourcePlan) -> Problem:
    tables = list(plan.preset.tables)
    wanted = [p for table in tables for p in plan.table(table).files]
    shown = ", ".join(wanted[:6]) + (" ..." if len(wanted) > 6 else "")
    there = ", ".join(p.name for p in _candidates(plan.folder)[:6]) or "nothing"
    return Problem(
        f"source {plan.name}, folder {plan.folder}",
        f"no file for any table; there is {there}",
        f"files named {shown}",
        f"put the files there, rename them, or name them in [sources.{plan.name}.files]",
    )


def _read_twice(files: list[RawFile]) -> list[Problem]:
    owners: dict[Path, list[str]] = {}
    for raw in files:
        owners.setdefault(raw.path, []).append(raw.source.name)
    return [
        Problem(
            str(path.name),
            f"read by the sources {' and '.join(names)}",
            "each file in one source",
            "give the sources folders of their own below data/raw",
        )
        for path, names in owners.items()
        if len(names) > 1
    ]


def _equal_files(files: list[RawFile]) -> list[Problem]:
    by_hash: dict[str, list[RawFile]] = {}
    for raw in files:
        if raw.path.stat().st_size:  # empty files are refused as such
            by_hash.setdefault(raw.sha256, []).append(raw)
    twins = [{r.path: r.file for r in group} for group in by_hash.values()]
    return [
        Problem(
            " and ".join(names.values()),
            "the same bytes under several names",
            "each file once, or its rows would count twice",
            "remove all but one of them",
        )
        for names in twins
        if len(names) > 1
    ]


def snapshot_id(project: Project, inventory: Inventory) -> str:
    """Return the name of the snapshot that these files, settings and this code make.

    The company's calendar and revenue kinds are part of it, because tables derived from a snapshot
    depend on them.
    """
    settings = project.settings
    digest = hashlib.sha256()
    for raw in inventory.files:
        digest.update(f"{raw.source.name}\0{raw.file}\0{raw.sha256}\0".encode())
    for note in inventory.notes:
        digest.update(note.encode())
    for name, source in settings.sources.items():
        preset = preset_text(source.preset, project.root / OWN_PRESETS)
        digest.update(f"{name}{source.model_dump_json()}{preset}".encode())
    company = settings.company.model_dump_json(exclude={"name", "locale"})
    digest.update(f"{company}{settings.revenue.model_dump_json()}".encode())
    for path in _code():
        digest.update(path.read_bytes())
    return digest.hexdigest()[:_SNAPSHOT_LETTERS]


def _code() -> list[Path]:
    """What decides the tables: this room without the simulated company, and the declarations."""
    own = sorted(Path(__file__).parent.glob("*.py"))
    modules = (tables, tables_customers, tables_sales, tables_strategy)
    return [*own, *(Path(str(module.__file__)) for module in modules)]
