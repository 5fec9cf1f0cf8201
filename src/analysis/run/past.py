"""What the report is told in against: earlier reports, actions undertaken, signed comments."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.core.periods import Period
from analysis.core.project import Project
from analysis.core.result import Result, result_exists
from analysis.report.choices import TableChoice, read_choices
from analysis.report.past import Basis, Earlier, Past
from analysis.run.ledger import published_runs
from analysis.run.record import RUN_FILE, RunRecord, load_if_there
from analysis.run.register import register_past

if TYPE_CHECKING:
    from analysis.run.workspace import Workspace

# Settings that decide what counts as revenue, and in which period; the others are settings.
_DEFINING = ("revenue", "company")
_OF_RUNS = ("runs", "cadences", "quality", "notify", "reports")
_RESULT_FILE = "result.json"


def read_past(work: "Workspace", results: Mapping[str, Result]) -> Past:
    """Return what was published for the period before and a year ago, and what people wrote."""
    from analysis.report.comments import loaded_comments, read_comments

    chapters = [result.name for result in results.values()]
    written = read_comments(work.overrides("comments"), work.period.name, chapters)
    loaded = loaded_comments(work.source_table("comments"), work.period.name, chapters)
    return Past(
        basis=_basis(load_if_there(work.folder)),
        reports=tuple(_earlier(work.project, work.period)),
        late=_late(work),
        actions=work.source_table("action_items"),
        comments=(*written, *loaded),
        **register_past(work),
        choices=_choices(work, results),
    )


def _choices(work: "Workspace", results: Mapping[str, Result]) -> dict[str, list[TableChoice]]:
    """How each notebook showed its tables; outside a run there are no executed notebooks."""
    executed = {name: work.folder / "notebooks" / f"{name}.ipynb" for name in results}
    return {
        results[name].name: list(read_choices(path))
        for name, path in executed.items()
        if path.is_file()
    }


def period_target(work: "Workspace") -> float | None:
    """Return the revenue that was demanded of the period by its last day; None without a target.

    The table `targets` comes first: the company's target for exactly these days that was set last.
    Else project.toml, in an annual report the sum of its quarters.
    """
    table = work.source_table("targets")
    found = None if table is None else _set_target(table, work.period)
    if found is not None:
        return found
    demanded = work.project.settings.targets.quarter_revenue_amount
    period, calendar = work.period, work.project.calendar
    if period.cadence not in ("quarterly", "annual"):
        return None
    quarters = calendar.between(period.starts_on, period.last_day, "quarterly")
    amounts = [demanded.get(quarter.name) for quarter in quarters]
    return None if None in amounts else float(sum(amounts))


def _set_target(table: pd.DataFrame, period: Period) -> float | None:
    starts_on, last_day = pd.Timestamp(period.starts_on), pd.Timestamp(period.last_day)
    set_on = pd.to_datetime(table["set_on"])
    own = table[
        (table["level"] == "company")
        & (table["metric"] == "revenue_amount")
        & (pd.to_datetime(table["starts_on"]) == starts_on)
        & (pd.to_datetime(table["ends_on"]) == last_day)
        & (set_on.isna() | (set_on <= last_day))
    ]
    latest = own.assign(set_on=pd.to_datetime(own["set_on"])).sort_values(
        ["set_on", "target_id"], na_position="first"
    )
    return None if latest.empty else float(latest["value"].iloc[-1])


def past_source(project: Project, period: Period) -> str:
    """Return what earlier reports a report rests on, as text for its key; empty without one."""
    digest = hashlib.sha256()
    folders = list(_folders(project, period))
    for folder in folders:
        for path in sorted([*folder.glob(f"*/{_RESULT_FILE}"), folder / RUN_FILE]):
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(_what_counts(path))
    return digest.hexdigest() if folders else ""


def _what_counts(path: Path) -> bytes:
    """A Result's bytes; of a run's record only what its numbers rest on, not when it ran."""
    if path.name != RUN_FILE:
        return path.read_bytes()
    record = load_if_there(path.parent)
    return str(_basis(record)).encode()


def _folders(project: Project, period: Period) -> Iterator[Path]:
    """Yield the published runs of the period before and of a year ago, as far as there are any."""
    published = {found.name: folder for found, folder in published_runs(project, period.cadence)}
    calendar = project.calendar
    wanted = (calendar.shift(period, -1).name, calendar.year_before(period).name)
    yield from (published[name] for name in dict.fromkeys(wanted) if name in published)


def _earlier(project: Project, period: Period) -> Iterator[Earlier]:
    for folder in _folders(project, period):
        places = [place for place in sorted(folder.iterdir()) if result_exists(place)]
        results = [Result.load(place, with_tables=False) for place in places]
        named = {result.name: result for result in results}
        yield Earlier(folder.name, named, _basis(load_if_there(folder)))


def _basis(record: RunRecord | None) -> Basis:
    """Return what the numbers of a run rest on; nothing is known outside a run."""
    if record is None:
        return Basis()
    settings = record.settings
    rest = {name: value for name, value in settings.items() if name not in _DEFINING + _OF_RUNS}
    options = {name: book.parameters for name, book in sorted(record.notebooks.items())}
    own = {n: {k: v for k, v in p.items() if k != "period"} for n, p in options.items()}
    return Basis(
        sources=record.sources,
        definitions=_digest({name: settings.get(name) for name in _DEFINING}),
        settings=_digest([rest, own]),
        code=record.code.get("code", ""),
    )


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _late(work: "Workspace") -> dict[str, float]:
    """Return by period what was posted only after its end, as far as anything was."""
    table: pd.DataFrame = work.table("company_periods")
    own = table[(table["cadence"] == work.period.cadence) & (table["late_amount"] != 0)]
    return dict(zip(own["period"], own["late_amount"].astype(float), strict=True))
