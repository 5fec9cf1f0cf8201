"""The page that lists every report, made from the summaries that reports leave beside them."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from analysis.core.display import Display
from analysis.core.files import read_json, write_json
from analysis.core.periods import CADENCES
from analysis.core.result import Number
from analysis.core.scope import Scope
from analysis.report.components import NumberView, number_view
from analysis.report.pieces import environment, style
from analysis.report.story import Results, first_numbers, page_title, slug

SUMMARY_FILE = "summary.json"
_CADENCE_TITLES = {
    "daily": "Daily",
    "biweekly": "Every two weeks",
    "quarterly": "Quarterly",
    "annual": "Annual",
}
# The planning level of each: what it is for, and what is decided there.
_LEVELS = {
    "daily": "Operational: the requirements of customers today; who looks at what now.",
    "biweekly": "Tactical: segments, funnel and people; what to do before the next fortnight.",
    "quarterly": "Strategic, short term: targets and where growth lies; targets, actions and "
    "improvements are decided.",
    "annual": "Strategic, long term: market, share and direction of the years ahead.",
}
_FILES = {"explore.html": "Every customer", "report.pdf": "PDF"}
_NUMBERS = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Summary:
    """What the index says of one published report."""

    title: str
    cadence: str
    period: str
    as_of: date
    published_at: datetime
    data_end_on: date | None = None  # when the data end before the period does
    state: str = "succeeded"
    headline: tuple[Number, ...] = ()
    files: tuple[str, ...] = ()  # beside the first page: explore.html, report.pdf


@dataclass(frozen=True)
class Failure:
    """What the index says of a period's last run when that failed; nothing of the data."""

    cadence: str
    period: str
    failed_at: datetime
    notebooks: tuple[str, ...] = ()  # that failed


@dataclass(frozen=True)
class _Entry:
    summary: Summary
    address: str
    links: list[tuple[str, str]]
    numbers: list[NumberView]
    published: str
    known: str


@dataclass(frozen=True)
class _FailedEntry:
    failure: Failure
    day: str
    has_report: bool


def summarise(results: Results, scope: Scope, published_at: datetime) -> Summary:
    """Return what the index shall say of a report that is about to be published."""
    return Summary(
        title=page_title(results, scope),
        cadence=scope.period.cadence,
        period=scope.period.name,
        as_of=scope.as_of,
        published_at=published_at,
        data_end_on=scope.known_to if scope.is_cut_short else None,
        headline=tuple(first_numbers(results)[:_NUMBERS]),
    )


def write_summary(summary: Summary, folder: Path) -> None:
    """Write <folder>/summary.json."""
    record = asdict(summary)
    record["published_at"] = summary.published_at.isoformat()
    write_json(folder / SUMMARY_FILE, record)


def read_summaries(reports: Path) -> list[Summary]:
    """Read the summaries below a reports folder, newest period first within a cadence.

    One that cannot be read is left out and logged: an index without one report is better than
    none.
    """
    found = []
    for path in reports.glob(f"*/*/{SUMMARY_FILE}"):
        if path.parent.name.startswith(".") or path.parent.parent.name not in CADENCES:
            continue
        try:
            found.append(_summary(read_json(path)))
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.warning("index: %s left out: %s", path, error)
    return sorted(found, key=lambda s: (s.as_of, s.period), reverse=True)


def index_page(
    summaries: Sequence[Summary],
    *,
    company: str,
    display: Display,
    failures: Sequence[Failure] = (),
) -> str:
    """Return reports/index.html: the reports by cadence, newest first, and runs that failed."""
    groups = [
        (
            slug(cadence),
            _CADENCE_TITLES[cadence],
            _entries(summaries, cadence, display),
            _failed(failures, summaries, cadence, display),
            _LEVELS[cadence],
        )
        for cadence in reversed(CADENCES)
    ]
    return (
        environment()
        .get_template("index.html.j2")
        .render(
            company=company,
            groups=[group for group in groups if group[2] or group[3]],
            pieces=environment().get_template("pieces.html.j2").module,
            style=style(),
        )
    )


def _entries(summaries: Sequence[Summary], cadence: str, display: Display) -> list[_Entry]:
    chosen = [summary for summary in summaries if summary.cadence == cadence]
    chosen.sort(key=lambda summary: (summary.as_of, summary.period), reverse=True)
    return [
        _Entry(
            summary=summary,
            address=f"{summary.cadence}/{summary.period}/index.html",
            links=[(_FILES[name], name) for name in summary.files if name in _FILES],
            numbers=[number_view(n, summary.period, display) for n in _whole(summary)],
            published=display.day(summary.published_at),
            known=display.day(summary.data_end_on or summary.as_of),
        )
        for summary in chosen
    ]


def _whole(summary: Summary) -> list[Number]:
    """Return the headline; the course of a number does not end with a part of a period."""
    if summary.data_end_on is None:
        return list(summary.headline)
    return [
        replace(n, history=n.history[:-1] if n.history[-1:] == (n.value,) else n.history)
        for n in summary.headline
    ]


def _failed(
    failures: Sequence[Failure], summaries: Sequence[Summary], cadence: str, display: Display
) -> list[_FailedEntry]:
    published = {(summary.cadence, summary.period) for summary in summaries}
    chosen = [failure for failure in failures if failure.cadence == cadence]
    chosen.sort(key=lambda failure: failure.failed_at, reverse=True)
    return [
        _FailedEntry(one, display.day(one.failed_at), (one.cadence, one.period) in published)
        for one in chosen
    ]


def _summary(record: dict[str, Any]) -> Summary:
    # Older summaries do not have these.
    record = {"data_end_on": None, "files": ()} | record
    ends = record["data_end_on"]
    return Summary(
        **record
        | {
            "as_of": date.fromisoformat(record["as_of"]),
            "data_end_on": date.fromisoformat(ends) if ends else None,
            "published_at": datetime.fromisoformat(record["published_at"]),
            "files": tuple(record["files"]),
            "headline": tuple(_number(one) for one in record["headline"]),
        }
    )


def _number(record: dict[str, Any]) -> Number:
    return Number(**record | {"history": tuple(record.get("history", ()))})
