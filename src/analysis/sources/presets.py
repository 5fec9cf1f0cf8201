"""Presets: how the files of one kind of source become the declared tables, written as data.

A preset is a TOML file beside this module. It renames columns, states units, gives kinds and other
words by ordered rules, and says what happens with rows that several files repeat. It holds no code
and no expression; an unknown key is refused. docs/your-data.md explains every key by example.
"""

import difflib
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from analysis.core.dictionary import CHAPTERS
from analysis.core.problems import Problem, SettingsError
from analysis.core.tables import Kind, Table

PRESETS = Path(__file__).parent / "presets"
# Derived tables are made by features; no source supplies them.
RAW_TABLES: dict[str, Table] = {
    table.name: table
    for chapter, group in CHAPTERS.items()
    if chapter != "Derived"
    for table in group
}
# Filled by the load, whatever a file says.
FILLED = ("source_system", "source_id")
Unit = Literal["percent", "cents", "thousands", "millions"]
DateOrder = Literal["", "year_first", "day_first", "month_first"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Part):
    """One test of one column; of the tests given, all must hold."""

    column: str
    equals: tuple[str, ...] = ()
    starts_with: tuple[str, ...] = ()
    sign: Literal["", "negative", "zero", "positive"] = ""
    is_missing: bool | None = None


class Rule(_Part):
    """A value for a column where all conditions hold; without conditions, everywhere."""

    value: str
    when: tuple[Condition, ...] = ()


class Helper(_Part):
    """A source column that no declared column holds but that a rule needs."""

    kind: Kind
    columns: tuple[str, ...]


class TablePreset(_Part):
    """How files become one table."""

    files: tuple[str, ...] = ()  # patterns below the source's folder; letter case does not matter
    columns: dict[str, tuple[str, ...]] = {}  # declared column -> names in files
    helpers: dict[str, Helper] = {}
    product_of: dict[str, tuple[str, str]] = {}  # amount = first x second
    joined: dict[str, tuple[str, ...]] = {}  # id = the columns joined by "-"
    number_within: dict[str, str] = {}  # count = position within rows of the same value
    units: dict[str, Unit] = {}
    values: dict[str, dict[str, str]] = {}  # column -> {as the source spells it: as we do}
    rules: dict[str, tuple[Rule, ...]] = {}  # first that holds, where the file gives no value
    only: tuple[Condition, ...] = ()  # take only rows for which all hold
    repeats: str = ""  # this table shows rows of that table again, so they are not counted twice
    overlap: Literal["merge", "keep"] = "merge"  # identical rows in several files
    state_from_events: bool = False  # of opportunities: stage, owner and end as stage_events say
    note: str = ""  # a stated rule, for the report


class Collected(_Part):
    """A table gathered from the rows of another: one row per id, most frequent spelling wins."""

    collect_from: str = Field(alias="from")
    columns: dict[str, str]  # declared column -> column or helper of that table


class Preset(_Part):
    """A whole preset."""

    title: str
    currency: str = Field("", pattern="^([A-Z]{3})?$")
    date_order: DateOrder = ""
    decimal: Literal["", ".", ","] = ""
    delimiter: str = ""
    encoding: str = ""
    # Every declared table from files named after it, every column under its own name.
    is_canonical: bool = False
    ignored_files: dict[str, str] = {}  # pattern -> reason
    tables: dict[str, TablePreset] = {}
    collected: dict[str, Collected] = {}
    fixed_rows: dict[str, tuple[dict[str, str], ...]] = {}
    notes: tuple[str, ...] = ()


def preset_names(own: Path | None = None) -> tuple[str, ...]:
    """Return the names of the shipped presets and of those in the folder `own`."""
    return tuple(sorted(_preset_files(own)))


def _preset_files(own: Path | None) -> dict[str, Path]:
    """A project's own preset shadows a shipped one of that name."""
    folders = [PRESETS, own] if own else [PRESETS]
    return {path.stem: path for folder in folders for path in folder.glob("*.toml")}


def preset_text(name: str, own: Path | None = None) -> str:
    """Return the text of a preset; SettingsError when there is none of that name."""
    files = _preset_files(own)
    if name not in files:
        near = difflib.get_close_matches(name, files, 1)
        raise SettingsError(
            Problem(
                "project.toml, preset of a source",
                repr(name),
                f"one of {', '.join(sorted(files))}",
                f"write {near[0]}" if near else "choose one, or `plain` for files in our names",
            )
        )
    try:
        return files[name].read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        problem = Problem(str(files[name]), str(error), "text in UTF-8", "save it as UTF-8")
        raise SettingsError(problem) from None


def read_preset(name: str, own: Path | None = None) -> Preset:
    """Return a preset by name: from the folder `own` (a project's presets/), else a shipped one."""
    return _parsed(preset_text(name, own), f"preset {name}")


@cache
def _parsed(text: str, where: str) -> Preset:
    return parse_preset(text, where)


def parse_preset(text: str, where: str) -> Preset:
    """Return the preset that `text` states; SettingsError with every problem in it."""
    try:
        preset = Preset.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        problem = Problem(where, str(error), "TOML text", "mend the line named")
        raise SettingsError(problem) from None
    except ValidationError as error:
        raise SettingsError([_problem(where, e) for e in error.errors()]) from None
    if preset.is_canonical:
        preset = preset.model_copy(update={"tables": _canonical_tables(preset)})
    problems = [p for name in preset.tables for p in _unknown_names(name, preset, where)]
    problems += [p for name in preset.collected for p in _unknown_collected(name, preset, where)]
    if problems:
        raise SettingsError(problems)
    return preset


def _canonical_tables(preset: Preset) -> dict[str, TablePreset]:
    endings = ("csv", "txt", "tsv", "xlsx", "parquet")
    tables = {}
    for name, table in RAW_TABLES.items():
        stated = preset.tables.get(name, TablePreset())
        own = {c: (c,) for c in table.column_names if c not in FILLED or _is_data(name)}
        files = tuple(f"{name}{part}.{e}" for e in endings for part in ("", "_*"))
        tables[name] = stated.model_copy(
            update={"columns": own | stated.columns, "files": stated.files or files}
        )
    return tables


def _is_data(table: str) -> bool:
    """In customer_links the source's name and id are what the table is about."""
    return table == "customer_links"


def _problem(where: str, error: Any) -> Problem:
    place = f"{where}, {'.'.join(str(part) for part in error['loc'])}"
    if error["type"] == "extra_forbidden":
        return Problem(place, "an unknown key", "a key that presets know", "remove or correct it")
    return Problem(place, repr(error["input"]), error["msg"], "mend the value")


def _unknown_names(name: str, preset: Preset, where: str) -> list[Problem]:
    if name not in RAW_TABLES:
        return [_unknown(f"{where}, tables.{name}", name, tuple(RAW_TABLES))]
    part = preset.tables[name]
    declared = RAW_TABLES[name].column_names
    known = (*declared, *part.helpers)
    targets = [*part.columns, *part.joined, *part.number_within, *part.rules, *part.product_of]
    read = [c.column for rules in part.rules.values() for rule in rules for c in rule.when]
    read += [c.column for c in part.only] + [c for pair in part.product_of.values() for c in pair]
    read += [c for group in part.joined.values() for c in group] + list(part.number_within.values())
    read += [*part.units, *part.values]
    place = f"{where}, tables.{name}"
    problems = [_unknown(place, c, declared) for c in targets if c not in declared]
    problems += [_unknown(place, c, known) for c in read if c not in known]
    return problems + _lone_state(name, preset, place)


def _lone_state(name: str, preset: Preset, place: str) -> list[Problem]:
    stated = {*preset.tables, *preset.fixed_rows}
    has_all = name == "opportunities" and {"stage_events", "stages"} <= stated
    if not preset.tables[name].state_from_events or has_all:
        return []
    expected = "opportunities of a preset that also gives stage_events and stages"
    return [Problem(place, "state_from_events", expected, "remove it or give these tables")]


def _unknown_collected(name: str, preset: Preset, where: str) -> list[Problem]:
    part, place = preset.collected[name], f"{where}, collected.{name}"
    if name not in RAW_TABLES or part.collect_from not in preset.tables:
        return [_unknown(place, f"{name} from {part.collect_from}", tuple(RAW_TABLES))]
    source = preset.tables[part.collect_from]
    known = (*RAW_TABLES[part.collect_from].column_names, *source.helpers)
    declared = RAW_TABLES[name].column_names
    return [_unknown(place, c, declared) for c in part.columns if c not in declared] + [
        _unknown(place, c, known) for c in part.columns.values() if c not in known
    ]


def _unknown(place: str, found: str, known: tuple[str, ...]) -> Problem:
    near = difflib.get_close_matches(found, known, 1)
    mend = f"write {near[0]}" if near else "correct the name"
    return Problem(place, f"the unknown name {found}", f"one of {', '.join(known)}", mend)
