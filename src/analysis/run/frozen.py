"""What was forecast, kept as it was published, so that a later run can grade it.

ledger/<cadence>/<period>/<version>/   forecasts.parquet and version.json, never changed

Version 1 is what was published first. A run of the same period with the same numbers adds nothing;
one with other numbers (late postings, new code) adds a version that says why. Graded is the first
version that was made when its own period was over; what came after it cannot look better.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.core.files import new_directory, read_json, remove_stale, write_json
from analysis.core.periods import FiscalCalendar, Period
from analysis.core.problems import SettingsError
from analysis.core.project import Project
from analysis.core.tables_derived import FORECASTS
from analysis.run.plan import period_notes
from analysis.run.record import RunRecord

_FORECASTS_FILE = "forecasts.parquet"
_VERSION_FILE = "version.json"
_NUMBER = re.compile(r"(forecast|target|potential)_(quarter|year)(?:_(low|high))?_amount")
_MEASURES = {"forecast": "revenue", "target": "target", "potential": "potential"}
_QUARTERS = {"quarter": 1, "year": 4}
_KINDS = ("scope", "measure", "horizon", "statistic", "period", "segment_name")
_NUMBER_COLUMNS = ["scope", "scope_id", "measure", "horizon", "statistic", "value_amount"]


def freeze(project: Project, period: Period, folder: Path, record: RunRecord) -> Path | None:
    """Keep the forecasts and targets of the run in `folder`; None when there is nothing new.

    Call it under the project's lock, before the run is put in place: a run that was stopped in
    between is published again, and then adds nothing.
    """
    numbers = _numbers(folder, period, project.calendar)
    if numbers.empty:
        return None
    home = project.ledger_dir(period)
    if home.is_dir():
        remove_stale(home)
    earlier = list(_versions(home))
    version = _version(project, period, record, earlier)
    if earlier and _is_same(numbers, version, earlier[-1]):
        return None
    target = home / f"{version['version']:04d}"
    with new_directory(target) as work:
        _with_version(numbers, version).to_parquet(work / _FORECASTS_FILE, index=False)
        write_json(work / _VERSION_FILE, version)
    return target


def frozen_forecasts(project: Project, period: Period) -> pd.DataFrame:
    """Return the rows of FORECASTS whose time is over at the period's end, as first published.

    The rows are those of runs of the same cadence for earlier periods. Runs of later periods add
    nothing to it, so an old period that is run again is graded as it was then.
    """
    last_day = pd.Timestamp(period.last_day)
    parts = [
        pd.read_parquet(folder / _FORECASTS_FILE, filters=[("ends_on", "<=", last_day)])
        for folder in _graded_folders(project, period)
    ]
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in FORECASTS.column_names})
    return pd.concat(parts, ignore_index=True)


def frozen_source(project: Project, period: Period) -> str:
    """Return what `frozen_forecasts` rests on, as text for the key of a notebook."""
    texts = [
        f"{folder.parent.name} {folder.name} {read_json(folder / _VERSION_FILE)['made_at']}"
        for folder in _graded_folders(project, period)
    ]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest() if texts else ""


def _graded_folders(project: Project, period: Period) -> Iterator[Path]:
    """Yield the graded version of every earlier period, oldest period first."""
    found = []
    for home in project.ledger_dir(period).parent.glob("*"):
        try:
            origin = project.calendar.parse(home.name, period.cadence)
        except SettingsError:  # of a calendar that has changed since
            continue
        if origin.starts_on < period.starts_on:
            found.append((origin.starts_on, home))
    for _, home in sorted(found):
        whole = [v for v in _versions(home) if not read_json(v / _VERSION_FILE)["is_provisional"]]
        yield from whole[:1]


def _versions(home: Path) -> Iterator[Path]:
    yield from sorted(path for path in home.glob("[0-9]*") if (path / _VERSION_FILE).is_file())


def _version(
    project: Project, period: Period, record: RunRecord, earlier: list[Path]
) -> dict[str, Any]:
    """Return what is known of a version beside its numbers."""
    from analysis.sources.load_report import read_report

    last_day = read_report(project.tables / record.snapshot).last_day
    version: dict[str, Any] = {
        "cadence": period.cadence,
        "origin": period.name,
        "version": len(earlier) + 1,
        "is_provisional": last_day is None or bool(period_notes(period, last_day)),
        "made_at": record.started_at,
        "snapshot": record.snapshot,
        "code": record.code.get("code", "")[:16],
    }
    before = read_json(earlier[-1] / _VERSION_FILE) if earlier else None
    return version | {"reason": _reason(version, before)}


def _reason(version: dict[str, Any], before: dict[str, Any] | None) -> str:
    if before is None:
        return "first published"
    changes = {
        "the period is over now": before["is_provisional"] and not version["is_provisional"],
        "other data, such as late postings": version["snapshot"] != before["snapshot"],
        "other code": version["code"] != before["code"],
    }
    found = [words for words, is_so in changes.items() if is_so]
    return "; ".join(found) or "other settings, options, overrides or notebooks"


def _is_same(numbers: pd.DataFrame, version: dict[str, Any], earlier: Path) -> bool:
    if version["is_provisional"] != read_json(earlier / _VERSION_FILE)["is_provisional"]:
        return False
    before = pd.read_parquet(earlier / _FORECASTS_FILE, columns=_NUMBER_COLUMNS)
    if len(before) != len(numbers):
        return False
    names = [name for name in _NUMBER_COLUMNS if name != "value_amount"]
    is_alike = all((before[n].astype(str) == numbers[n].astype(str)).all() for n in names)
    return is_alike and bool((before["value_amount"] == numbers["value_amount"]).all())


def _with_version(numbers: pd.DataFrame, version: dict[str, Any]) -> pd.DataFrame:
    """Return the rows of FORECASTS; what is alike in all of them is stored once."""
    made_at = pd.Timestamp(version["made_at"]).tz_convert("UTC").tz_localize(None)
    texts = ("cadence", "origin", "snapshot", "code", "reason")
    same = {name: pd.Categorical([version[name]] * len(numbers)) for name in texts}
    return numbers.assign(
        **same,
        version=version["version"],
        is_provisional=version["is_provisional"],
        made_at=made_at.as_unit("us"),
    )[list(FORECASTS.column_names)]


def _numbers(folder: Path, period: Period, calendar: FiscalCalendar) -> pd.DataFrame:
    """Return every number that a run said of a time to come, without a version."""
    parts = [_growth_numbers(folder, period, calendar), _pipeline_numbers(folder)]
    parts = [part for part in parts if len(part)]
    if len(parts) < 2:
        return parts[0] if parts else pd.DataFrame()
    numbers = pd.concat(parts, ignore_index=True)
    return numbers.assign(**{name: numbers[name].astype("category") for name in _KINDS})


def _pipeline_numbers(folder: Path) -> pd.DataFrame:
    """Return what the pipeline forecast said, with the time that it said it of."""
    path = folder / "pipeline_forecast" / "frozen.parquet"
    if not path.is_file():
        return pd.DataFrame()
    table = pd.read_parquet(path).assign(segment_name=pd.NA).astype({"segment_name": "string"})
    texts = {name: table[name].astype("category") for name in _KINDS}
    days = {name: table[name].astype("datetime64[us]") for name in ("starts_on", "ends_on")}
    return table.assign(**texts, **days, scope_id=table["scope_id"].astype("string"))


def _growth_numbers(folder: Path, period: Period, calendar: FiscalCalendar) -> pd.DataFrame:
    growth = folder / "growth"
    customers, totals = growth / "customer_growth.parquet", growth / "totals.parquet"
    parts = []
    if totals.is_file():
        table = pd.read_parquet(totals)
        parts += _long(table, table["level"], table["level_id"])
    if customers.is_file():
        table = pd.read_parquet(customers)
        # A share of a pool's target is nothing that one customer is judged by.
        target = table["target_quarter_amount"].where(table["target_pool_id"].isna())
        table = table.assign(target_quarter_amount=target)
        scope = pd.Series("customer", index=table.index)
        parts += _long(table, scope, table["customer_id"])
    if not parts:
        return pd.DataFrame()
    quarter = calendar.containing(period.last_day, "quarterly")
    numbers = pd.concat(parts, ignore_index=True)
    return _with_segments(_with_time(numbers, quarter, calendar), folder)


def _long(table: pd.DataFrame, scope: pd.Series, scope_id: pd.Series) -> Iterator[pd.DataFrame]:
    for name in table.columns:
        match = _NUMBER.fullmatch(name)
        if match:
            measure, horizon, end = match.groups()
            yield pd.DataFrame(
                {
                    "scope": scope,
                    "scope_id": scope_id.astype("string").fillna(""),
                    "measure": _MEASURES[measure],
                    "horizon": horizon,
                    "statistic": end or "point",
                    "value_amount": table[name].astype(float).round(2),
                }
            ).dropna(subset=["value_amount"])


def _with_time(numbers: pd.DataFrame, quarter: Period, calendar: FiscalCalendar) -> pd.DataFrame:
    """Add the time that each number is for: the quarter, or the four, after the run's own."""
    first = calendar.shift(quarter, 1)
    last = {name: calendar.shift(quarter, count) for name, count in _QUARTERS.items()}
    names = {n: first.name if p == first else f"{first} to {p}" for n, p in last.items()}
    ends = {name: pd.Timestamp(period.last_day) for name, period in last.items()}
    kinds = ("scope", "measure", "horizon", "statistic")
    return numbers.assign(
        **{name: numbers[name].astype("category") for name in kinds},
        period=numbers["horizon"].map(names).astype("category"),
        starts_on=pd.Timestamp(first.starts_on).as_unit("us"),
        ends_on=numbers["horizon"].map(ends).astype("datetime64[us]"),
    )


def _with_segments(numbers: pd.DataFrame, folder: Path) -> pd.DataFrame:
    path = folder / "segmentation" / "segments.parquet"
    names = pd.Series(dtype="string")
    if path.is_file():
        names = pd.read_parquet(path).set_index("customer_id")["segment_name"].astype("string")
    found = numbers["scope_id"].map(names).where(numbers["scope"] == "customer")
    return numbers.assign(segment_name=found.astype("string").astype("category"))
