"""What differs between two runs: numbers, findings, counts, forecasts, settings, data, code."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.core.problems import Problem, SettingsError
from analysis.core.project import Project
from analysis.core.result import Finding, Number, Result, result_exists
from analysis.run.ledger import FAILED, all_runs
from analysis.run.record import RUN_FILE, RunRecord

_COUNTED = {"segment": "segment_name", "class": "prospect_class"}
_SUMMED = (
    "forecast_quarter_amount",
    "forecast_year_amount",
    "potential_year_amount",
    "target_quarter_amount",
)
# Two runs of the same data differ by the last digits of a sum at most.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Change:
    """One thing that is not the same: its name, its value in the first run and in the second."""

    name: str
    first: Any
    second: Any


@dataclass(frozen=True)
class Comparison:
    """Everything that differs; a part is empty where nothing does."""

    first: Mapping[str, Any]
    second: Mapping[str, Any]
    parts: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)

    @property
    def is_same(self) -> bool:
        return not any(self.parts.values())

    def record(self) -> dict[str, Any]:
        """Return the comparison ready for JSON."""
        return asdict(self)


def compare(project: Project, first: str, second: str) -> Comparison:
    """Compare two runs, named by period (2026Q3, 2026Q3.failed) or by the folder of their run.json.

    SettingsError names what is no run, both at once.
    """
    folders, problems = [], []
    for name in (first, second):
        found = _folder(project, name)
        (problems if isinstance(found, Problem) else folders).append(found)
    if problems:
        raise SettingsError(problems)
    records = [RunRecord.load(folder) for folder in folders]
    results = [_results(folder) for folder in folders]
    parts = _parts_of_records(*records) | _parts_of_results(*results)
    return Comparison(
        _header(records[0], folders[0]),
        _header(records[1], folders[1]),
        {name: tuple(changes) for name, changes in parts.items()},
    )


def _folder(project: Project, name: str) -> Path | Problem:
    """Return the folder of a run; what is wrong with the name otherwise."""
    given = Path(name)
    if (given / RUN_FILE).is_file():
        return given
    try:
        period = project.calendar.parse(name.removesuffix(FAILED).rsplit("/", 1)[-1])
    except SettingsError:
        period = None
    if period is not None:
        home = project.run_dir(period)
        folder = home.with_name(home.name + (FAILED if name.endswith(FAILED) else ""))
        if (folder / RUN_FILE).is_file():
            return folder
    known = [record.folder.name for record in all_runs(project) if record.folder]
    expected = f"one of {', '.join(known)}, or a folder with a run.json" if known else "a run"
    mend = "`analysis runs` lists them" if known else "make one: analysis run quarterly"
    return Problem(f"run {name}", "no run of that name", expected, mend)


def _header(record: RunRecord, folder: Path) -> dict[str, Any]:
    names = ("cadence", "period", "state", "started_at", "snapshot")
    return {"run": folder.name} | {name: getattr(record, name) for name in names}


def _results(folder: Path) -> dict[str, Result]:
    places = sorted(place for place in folder.iterdir() if place.is_dir())
    return {place.name: Result.load(place) for place in places if result_exists(place)}


def _parts_of_records(first: RunRecord, second: RunRecord) -> dict[str, list[Change]]:
    return {
        "period": _changes({"period": first.period}, {"period": second.period}),
        "code": _changes(first.code, second.code),
        "settings": _changes(_flat(first.settings), _flat(second.settings)),
        "options": _changes(_options(first), _options(second)),
        "data": _changes(first.sources, second.sources),
        "rows": _changes(first.rows, second.rows),
        "money": _changes(first.money, second.money),
        "notebooks": _changes(_states(first), _states(second)),
    }


def _states(record: RunRecord) -> dict[str, str]:
    return {
        name: f"{book.state}, {book.error.splitlines()[0]}" if book.error else book.state
        for name, book in record.notebooks.items()
    }


def _parts_of_results(
    first: Mapping[str, Result], second: Mapping[str, Result]
) -> dict[str, list[Change]]:
    return {
        "numbers": _number_changes(first, second),
        "findings": _changes(_findings(first), _findings(second)),
        "counts": _changes(_counts(first), _counts(second)),
        "forecasts": _changes(_forecasts(first), _forecasts(second)) + _moved(first, second),
        "tables": _changes(_sizes(first), _sizes(second)),
    }


def _changes(first: Mapping[Any, Any], second: Mapping[Any, Any]) -> list[Change]:
    return [
        Change(name, first.get(name), second.get(name))
        for name in dict.fromkeys([*first, *second])
        if not _equal(first.get(name), second.get(name))
    ]


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, float) and isinstance(second, float):
        both_missing = math.isnan(first) and math.isnan(second)
        return both_missing or math.isclose(first, second, rel_tol=_TOLERANCE, abs_tol=1e-12)
    return first == second


def _flat(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return nested settings by their full names: company.currency."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{above}{name}.")
        else:
            found[f"{above}{name}"] = value
    return found


def _options(record: RunRecord) -> dict[str, Any]:
    return {
        f"{name}.{key}": value
        for name, book in record.notebooks.items()
        for key, value in book.parameters.items()
        if key != "period"
    }


def _number_changes(first: Mapping[str, Result], second: Mapping[str, Result]) -> list[Change]:
    """Compare headline numbers by their key: the label of a forecast names its own period."""
    before, now = _numbers(first), _numbers(second)
    labels = {key: f"{key[0]}: {number.label}" for key, number in (before | now).items()}
    values = [{key: number.value for key, number in side.items()} for side in (before, now)]
    return [replace(change, name=labels[change.name]) for change in _changes(*values)]


def _numbers(results: Mapping[str, Result]) -> dict[tuple[str, str], Number]:
    return {
        (name, key): number
        for name, result in results.items()
        for key, number in result.headline.items()
    }


def _findings(results: Mapping[str, Result]) -> dict[str, str]:
    """Return the sentences; those about one thing bear one name, so that they are set side by side.

    A sentence without a metric is its own name: it is there or it is not.
    """
    found: dict[str, str] = {}
    for name, result in results.items():
        for finding in result.findings:
            found[_unique(f"{name}: {_subject(finding)}", found)] = finding.text
        if result.unavailable:
            found[f"{name}: unavailable"] = result.unavailable
    return found


def _subject(finding: Finding) -> str:
    return finding.metric or finding.text


def _unique(name: str, taken: Iterable[str]) -> str:
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name} ({number})"
    return candidate


def _counts(results: Mapping[str, Result]) -> dict[str, int]:
    table = _table(results, "segments")
    found: dict[str, int] = {}
    for word, column in _COUNTED.items():
        if table is not None and column in table:
            counted = table[column].value_counts().sort_index()
            found |= {f"{word} {name}": int(count) for name, count in counted.items()}
    return found


def _forecasts(results: Mapping[str, Result]) -> dict[str, float]:
    table = _table(results, "customer_growth")
    if table is None:
        return {}
    return {
        f"sum of {name}": float(pd.to_numeric(table[name], errors="coerce").sum())
        for name in _SUMMED
        if name in table
    }


def _moved(first: Mapping[str, Result], second: Mapping[str, Result]) -> list[Change]:
    """Say how many customers of both runs have another forecast, and how many are in one only."""
    tables = [_table(results, "customer_growth") for results in (first, second)]
    if tables[0] is None or tables[1] is None:
        return []
    name = "forecast_quarter_amount"
    one, other = (pd.to_numeric(t.set_index("customer_id")[name], errors="coerce") for t in tables)
    both = one.index.intersection(other.index)
    a, b = one.loc[both].fillna(0), other.loc[both].fillna(0)
    differ = int(((a - b).abs() > _TOLERANCE * a.abs().clip(lower=1)).sum())
    changes = [Change("customers with another forecast", 0, differ)] if differ else []
    if len(both) < max(len(one), len(other)):
        lone = (len(one) - len(both), len(other) - len(both))
        changes.append(Change("customers in one run only", *lone))
    return changes


def _table(results: Mapping[str, Result], name: str) -> pd.DataFrame | None:
    return next((r.tables[name] for r in results.values() if name in r.tables), None)


def _sizes(results: Mapping[str, Result]) -> dict[str, str]:
    return {
        f"{name}.{table}": f"{len(frame):,} rows, {len(frame.columns)} columns"
        for name, result in results.items()
        for table, frame in result.tables.items()
    }
