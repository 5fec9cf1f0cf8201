"""What is due by the calendar, and running it: `analysis due`, for a scheduler that nobody watches.

A period is due when its cadence is scheduled, the period and its days of grace are over, the data
reach its end, and no run of the whole period is published. Reckoned is from the last period that
was published, so an outage is caught up, oldest first; before a first run only the last complete
period is due. A period that failed is tried again, so many times as project.toml allows. What was
published is never run again, whatever day the clock or `on` shows.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta

import duckdb

from analysis.core.periods import CADENCES, Cadence, Period, known_to
from analysis.core.problems import AnalysisError, Problem, SettingsError
from analysis.core.project import Project
from analysis.run.cadence import How, run_cadence
from analysis.run.history import attempts
from analysis.run.ledger import published_runs
from analysis.run.loading import load_raw
from analysis.run.lock import BusyError
from analysis.run.notify import failure_message, tell
from analysis.run.record import RunRecord, load_if_there

Failures = Counter[tuple[str, str]]  # attempts by cadence and period


@dataclass(frozen=True)
class Outlook:
    """What is due, oldest first, and in words why something else is not."""

    due: tuple[Period, ...] = ()
    given_up: tuple[str, ...] = ()  # a person must look after these
    notes: tuple[str, ...] = ()
    waiting: tuple[Period, ...] = ()  # over with their days of grace, without data to their end


@dataclass(frozen=True)
class Done:
    """One period that was due: the record of its run, or the error that stopped it."""

    period: Period
    record: RunRecord | None = None
    error: AnalysisError | None = None

    @property
    def is_good(self) -> bool:
        return self.record is not None and self.record.state == "succeeded"


def outlook(project: Project, on: date) -> Outlook:
    """Load what changed and return what is due on a day."""
    try:
        report = load_raw(project)
    except BusyError:
        raise
    except AnalysisError as error:  # nobody watches: who is to know is told
        settings = project.settings
        tell(settings, failure_message(settings.company.name, "loading the data", error))
        raise
    if report.first_day is None or report.last_day is None:
        return Outlook(notes=("The data hold no dated line yet.",))
    days = (report.first_day, report.last_day)
    failures = _failures(project)
    parts = [_of_cadence(project, cadence, on, days, failures) for cadence in CADENCES]
    due = sorted(
        (period for part in parts for period in part.due),
        key=lambda period: (period.ends_before, CADENCES.index(period.cadence)),
    )
    given_up = tuple(words for part in parts for words in part.given_up)
    notes = tuple(words for part in parts for words in part.notes)
    return Outlook(tuple(due), given_up, notes, tuple(p for part in parts for p in part.waiting))


def run_due(project: Project, periods: tuple[Period, ...], how: How) -> Iterator[Done]:
    """Run what is due, each once; a period that fails does not keep the others from being run."""
    scheduled = replace(how, is_scheduled=True)
    for period in periods:
        try:
            yield Done(period, run_cadence(project, period.cadence, period.name, how=scheduled))
        except BusyError:
            raise
        except AnalysisError as error:
            yield Done(period, error=error)


def _of_cadence(
    project: Project, cadence: Cadence, on: date, days: tuple[date, date], failures: Failures
) -> Outlook:
    plan = project.settings.cadence(cadence)
    if not project.settings.notebooks(cadence):
        return Outlook()
    if not plan.is_scheduled:
        return Outlook(notes=(f"{cadence}: not scheduled in project.toml.",))
    calendar = project.calendar
    latest_over = calendar.last_complete(on - timedelta(days=1 + plan.grace_days), cadence)
    latest_known = calendar.last_complete(known_to(cadence, days[1]), cadence)
    latest = min(latest_over, latest_known, key=lambda period: period.starts_on)
    notes: tuple[str, ...] = ()
    waiting: tuple[Period, ...] = ()
    if latest_known.starts_on < latest_over.starts_on:
        end, waiting = latest_over.last_day, (latest_over,)
        notes = (f"{cadence}: {latest_over} waits for data to {end}; they end on {days[1]}.",)
    missed, empty = _with_lines(project, _missed(project, latest, days[0], failures))
    notes = (*notes, *(f"{cadence}: {period} has no line and so no report." for period in empty))
    most = project.settings.runs.catch_up_periods
    if len(missed) > most:
        left = f"{missed[0]} to {missed[-most - 1]}"
        limit = f"runs.catch_up_periods = {most}"
        notes = (*notes, f"{cadence}: {left} are not caught up on ({limit}).")
    return replace(_tried(project, missed[-most:], failures, notes), waiting=waiting)


def _missed(project: Project, latest: Period, first_day: date, failures: Failures) -> list[Period]:
    """Return what is not published, from the last published period to `latest`, oldest first."""
    calendar, cadence = project.calendar, latest.cadence
    published = {period.starts_on: period for period in _published(project, cadence)}
    if not published:
        return [latest] if latest.last_day >= first_day else []
    after = calendar.shift(published[max(published)], 1)
    missed = {}
    if after.starts_on <= latest.starts_on:
        found = calendar.between(after.starts_on, latest.last_day, cadence)
        missed = {period.starts_on: period for period in found}
    for name in [name for tried, name in failures if tried == cadence]:
        with suppress(SettingsError):  # of a calendar that has changed since
            period = calendar.parse(name, cadence)
            if period.starts_on not in published and period.starts_on <= latest.starts_on:
                missed[period.starts_on] = period
    return [missed[day] for day in sorted(missed)]


def _with_lines(project: Project, periods: list[Period]) -> tuple[list[Period], list[Period]]:
    """Part periods with a line from those without; a single day may well have none."""
    lines = project.current_snapshot() / "invoice_lines.parquet"
    if not periods or periods[0].cadence == "daily" or not lines.is_file():
        return periods, []
    with duckdb.connect() as con:
        query = "SELECT DISTINCT invoiced_on FROM read_parquet(?)"
        days = sorted(day for (day,) in con.execute(query, [str(lines)]).fetchall())
    has_lines = {
        p: bisect_left(days, p.starts_on) < bisect_left(days, p.ends_before) for p in periods
    }
    return [p for p in periods if has_lines[p]], [p for p in periods if not has_lines[p]]


def _published(project: Project, cadence: Cadence) -> Iterator[Period]:
    """Yield the periods that are published whole, not those that were still under way."""
    for period, folder in published_runs(project, cadence):
        record = load_if_there(folder)
        if record is None or not record.is_published:
            continue
        last = date.fromisoformat(record.data_to) if record.data_to else period.last_day
        if known_to(cadence, last) >= period.last_day:
            yield period


def _failures(project: Project) -> Failures:
    """Count the attempts of `analysis due` that did not end well, by cadence and period."""
    return Counter(
        (attempt.record.cadence, attempt.record.period)
        for attempt in attempts(project)
        if attempt.record.is_scheduled and attempt.record.state != "succeeded"
    )


def _tried(
    project: Project, missed: list[Period], failures: Failures, notes: tuple[str, ...]
) -> Outlook:
    """Part what is to be tried from what was tried often enough."""
    most = project.settings.runs.due_attempts
    counts = {period: failures[period.cadence, period.name] for period in missed}
    due = tuple(period for period in missed if counts[period] < most)
    given_up = tuple(
        f"{period.cadence} {period} failed {counts[period]} times and is not tried again "
        f"(runs.due_attempts = {most}). Why: analysis runs show {period.cadence}/{period}; when "
        f"it is mended: analysis run {period.cadence} --period {period}"
        for period in missed
        if period not in due
    )
    return Outlook(due, given_up, notes)


def day_of(text: str, today: date) -> date:
    """Return the day that `--on` names, today when it is empty."""
    if not text:
        return today
    try:
        return date.fromisoformat(text)
    except ValueError:
        expected, mend = "a day such as 2026-10-02", "correct the day"
        raise SettingsError(Problem("--on", repr(text), expected, mend)) from None
