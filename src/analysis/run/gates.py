"""Quality gates: data that differ too much from those of the last published run stop publication.

Compared are rows of every table, rows rejected, the money of all lines, the revenue of quarters
that were reported before, columns that sources fill, and how fresh every table is. The limits stand
in project.toml, [quality]; a change equal to its limit passes. A person may overrule once, with a
reason that is recorded and shown in the report.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from analysis.core.periods import CADENCES, Cadence, FiscalCalendar, Period
from analysis.core.problems import InputError, Problem, SettingsError
from analysis.core.project import Project
from analysis.core.settings import Quality
from analysis.run.ledger import published_runs
from analysis.run.plan import choose_period
from analysis.run.record import RunRecord, load_if_there

if TYPE_CHECKING:
    from analysis.sources.load_report import LoadReport

# The column that tells when something happened; what is planned tells nothing of freshness.
_EVENT_DAYS = {
    "invoice_lines": "invoiced_on",
    "leads": "created_at",
    "opportunities": "created_at",
    "stage_events": "entered_at",
    "activities": "created_at",
    "inbound_contacts": "received_at",
    "time_records": "worked_on",
    "comments": "written_on",
    "feedback": "given_on",
}
_INVOICES = "invoice_lines"
_MONEY = "money of all lines"


@dataclass(frozen=True)
class Measures:
    """What one load and its period looked like; kept in run.json for the next run.

    Money is text, exact to the cent. `revenue` is of whole fiscal quarters, as known then.
    """

    as_of: str
    rows: dict[str, int]
    rows_read: int
    rows_rejected: int
    money_kept: str
    columns: dict[str, list[str]]
    last_days: dict[str, str]
    revenue: dict[str, str]


@dataclass(frozen=True)
class Breach:
    """One measure beyond its limit, in words without any customer's data."""

    measure: str
    found: str
    last: str
    limit: str
    setting: str

    def problem(self, command: str) -> Problem:
        """Return it as a problem with the two ways out."""
        where = f"quality check, {self.measure}"
        expected = f"{self.limit} ({self.setting}); the last published run: {self.last}"
        mend = f'mend the data, or overrule this once: {command} --accept "why it is right"'
        return Problem(where, self.found, expected, mend)


def measure(project: Project, period: Period, report: "LoadReport") -> Measures:
    """Return the measures of the snapshot that `report` tells of, and of the period's features."""
    features = project.features_dir(report.snapshot, period)
    revenue = _revenue(features, period, project.calendar)
    return _measures(project, report, period.last_day, revenue)


def _measures(
    project: Project, report: "LoadReport", as_of: date, revenue: dict[str, str]
) -> Measures:
    totals = report.totals
    return Measures(
        as_of=as_of.isoformat(),
        rows=dict(sorted(report.table_rows.items())),
        rows_read=totals.rows_read,
        rows_rejected=totals.rows_rejected,
        money_kept=f"{totals.money_kept:.2f}",
        columns=_filled_columns(report),
        last_days=_last_days(project.tables / report.snapshot),
        revenue=revenue,
    )


def judge(project: Project, period: Period, record: RunRecord, accept: str) -> None:
    """Write into the record what is measured and found; `error` when it may not be published.

    What was accepted once for these data and this period stays accepted.
    """
    from analysis.sources.load_report import read_report

    report = read_report(project.tables / record.snapshot)
    now = measure(project, period, report)
    record.measures = asdict(now)
    before = load_if_there(project.run_dir(period))
    if before and before.snapshot == record.snapshot and before.accepted:
        record.quality, record.accepted = before.quality, before.accepted
    else:
        last = last_published(project)
        last_measures = Measures(**last.measures) if last else None
        limits = project.settings.quality
        found = breaches(now, last_measures, limits, on=date.fromisoformat(record.started_at[:10]))
        record.quality = [asdict(breach) for breach in found]
        record.accepted = accept.strip() if found else ""
        if found and not record.accepted:
            command = f"analysis run {period.cadence} --period {period}{_where(project.root)}"
            problems = [breach.problem(command) for breach in found]
            record.error = f"stopped by quality checks:\n{InputError(problems)}"
    record.notes += overruled(record.quality, record.accepted)


def period_of(project: Project, cadence: Cadence, text: str, report: "LoadReport") -> Period:
    """Return the period to run, as `choose_period` does.

    Where the data no longer reach it, the SettingsError also names what the load has lost since the
    last published run: data that were cut off are told as such.
    """
    try:
        return choose_period(project.calendar, cadence, text, report.first_day, report.last_day)
    except SettingsError as error:
        lost = _lost(project, report, f"analysis run {cadence}")
        raise SettingsError([*error.problems, *lost]) from None


def _lost(project: Project, report: "LoadReport", command: str) -> list[Problem]:
    """Return what the load alone shows to differ too much from the last published run."""
    last = last_published(project)
    if last is None or report.last_day is None:
        return []
    now = _measures(project, report, report.last_day, {})
    limits = project.settings.quality.model_copy(update={"age_days": 0})
    found = breaches(now, Measures(**last.measures), limits, on=report.last_day)
    mend = "mend the data: put back what is missing, or restore the last files"
    return [replace(breach.problem(command), mend=mend) for breach in found]


def _where(root: Path) -> str:
    """Return the option that names the project, where the command needs it."""
    if Path.cwd().is_relative_to(root.resolve()):
        return ""
    return f" --project {shlex.quote(str(root))}"


def overruled(quality: Sequence[Mapping[str, str]], reason: str) -> list[str]:
    """Return a sentence for each check that was overruled, without a full stop."""
    return [
        f"Quality check overruled: {breach['measure']} is {breach['found']}, at the last published "
        f"run {breach['last']}; allowed is {breach['limit']}. Reason given: {reason.rstrip('.')}"
        for breach in (quality if reason else ())
    ]


def last_published(project: Project) -> RunRecord | None:
    """Return the run that was published last, of any cadence, with measures; None without one."""
    folders = [folder for cadence in CADENCES for _, folder in published_runs(project, cadence)]
    records = [record for folder in folders if (record := load_if_there(folder))]
    measured = [record for record in records if record.measures and record.is_published]
    return max(measured, key=lambda record: record.finished_at, default=None)


def breaches(
    now: Measures, last: Measures | None, limits: Quality, *, on: date
) -> tuple[Breach, ...]:
    """Return every measure that is beyond its limit; without a last run only age is checked."""
    if not limits.is_checked:
        return ()
    found = list(_age(now, limits, on))
    if last is not None:
        checks = (_rows, _rejected, _money, _reported, _columns, _back, _lag)
        found += [breach for check in checks for breach in check(now, last, limits)]
    return tuple(found)


def _rows(now: Measures, last: Measures, limits: Quality) -> Iterator[Breach]:
    for table, before in last.rows.items():
        rows = now.rows.get(table, 0)
        if max(rows, before) < limits.checked_from_rows or not before:
            continue
        name = f"rows of {table}"
        found, was = f"{rows:,} rows", f"{before:,} rows"
        if _is_beyond(before - rows, before, limits.rows_fewer_share):
            limit = f"at most {limits.rows_fewer_share:.1%} fewer"
            yield Breach(name, found, was, limit, "quality.rows_fewer_share")
        if _is_beyond(rows - before, before, limits.rows_more_share):
            limit = f"at most {limits.rows_more_share:.1%} more"
            yield Breach(name, found, was, limit, "quality.rows_more_share")


def _rejected(now: Measures, last: Measures, limits: Quality) -> Iterator[Breach]:
    shares = [m.rows_rejected / m.rows_read if m.rows_read else 0.0 for m in (now, last)]
    # Rounded, so that a change equal to the limit is not beyond it by a last binary digit.
    if round(shares[0] - shares[1] - limits.rejected_more_share, 12) > 0:
        found, was = (f"{share:.2%} of rows" for share in shares)
        limit = f"at most {limits.rejected_more_share:.1%} of rows more"
        yield Breach("rejected rows", found, was, limit, "quality.rejected_more_share")


def _money(now: Measures, last: Measures, limits: Quality) -> Iterator[Breach]:
    found, before = Decimal(now.money_kept), Decimal(last.money_kept)
    texts = (f"{found:,.2f}", f"{before:,.2f}")
    if _is_beyond(before - found, before, limits.money_fewer_share):
        limit = f"at most {limits.money_fewer_share:.1%} less"
        yield Breach(_MONEY, *texts, limit, "quality.money_fewer_share")
    if _is_beyond(found - before, before, limits.money_more_share):
        limit = f"at most {limits.money_more_share:.1%} more"
        yield Breach(_MONEY, *texts, limit, "quality.money_more_share")


def _reported(now: Measures, last: Measures, limits: Quality) -> Iterator[Breach]:
    if now.as_of < last.as_of:  # what came in late is not known yet
        return
    share = limits.reported_revenue_share
    for quarter in [quarter for quarter in last.revenue if quarter in now.revenue]:
        found, before = Decimal(now.revenue[quarter]), Decimal(last.revenue[quarter])
        if _is_beyond(abs(found - before), before, share):
            texts = (f"{found:,.2f}", f"{before:,.2f}")
            limit = f"at most {share:.1%} more or less than was reported"
            name = f"revenue of {quarter}"
            yield Breach(name, *texts, limit, "quality.reported_revenue_share")


def _columns(now: Measures, last: Measures, limits: Quality) -> Iterator[Breach]:
    for table, before in last.columns.items():
        missing = sorted(set(before) - set(now.columns.get(table, [])))
        if len(missing) > limits.missing_columns:
            found = f"no column {', '.join(missing)}"
            was, limit = f"{len(before)} columns", f"at most {limits.missing_columns} fewer"
            yield Breach(f"columns of {table}", found, was, limit, "quality.missing_columns")


def _back(now: Measures, last: Measures, limits: Quality) -> Iterator[Breach]:
    found, before = now.last_days.get(_INVOICES), last.last_days.get(_INVOICES)
    if not found or not before:
        return
    if (date.fromisoformat(before) - date.fromisoformat(found)).days > limits.days_back:
        limit = f"at most {limits.days_back} days earlier"
        name = "last day of the data"
        yield Breach(name, f"{found}", f"{before}", limit, "quality.days_back")


def _lag(now: Measures, last: Measures, limits: Quality) -> Iterator[Breach]:
    for table in [table for table in now.last_days if table in last.last_days]:
        behind = (_behind(now, table), _behind(last, table))
        if behind[0] - behind[1] > limits.lag_days:
            found, was = (f"{days} days behind the invoices" for days in behind)
            limit = f"at most {limits.lag_days} days further behind"
            yield Breach(f"freshness of {table}", found, was, limit, "quality.lag_days")


def _age(now: Measures, limits: Quality, on: date) -> Iterator[Breach]:
    last_day = now.last_days.get(_INVOICES)
    if not limits.age_days or not last_day:
        return
    days = (on - date.fromisoformat(last_day)).days
    if days > limits.age_days:
        limit = f"at most {limits.age_days} days old"
        yield Breach("age of the data", f"{days} days", "not compared", limit, "quality.age_days")


def _is_beyond(change: Decimal | int, before: Decimal | int, share: float) -> bool:
    return change > 0 and Decimal(change) > abs(Decimal(before)) * Decimal(str(share))


def _behind(measures: Measures, table: str) -> int:
    invoices = measures.last_days.get(_INVOICES, measures.last_days[table])
    return (date.fromisoformat(invoices) - date.fromisoformat(measures.last_days[table])).days


def _filled_columns(report: "LoadReport") -> dict[str, list[str]]:
    """Return the columns that every file of a source fills, by table and source."""
    found: dict[str, set[str]] = {}
    for file in report.files:
        names = set(file.columns or {})
        place = f"{file.table} from {file.source}"
        found[place] = found.get(place, names) & names
    return {place: sorted(names) for place, names in sorted(found.items())}


def _last_days(snapshot: Path) -> dict[str, str]:
    """Return the last day on which each table tells of something that happened."""
    found = {}
    with duckdb.connect() as con:
        for table, column in _EVENT_DAYS.items():
            path = snapshot / f"{table}.parquet"
            if path.is_file():
                query = f"SELECT CAST(max({column}) AS DATE) FROM read_parquet(?)"
                ((day,),) = con.execute(query, [str(path)]).fetchall()
                found |= {table: day.isoformat()} if day else {}
    return found


def _revenue(features: Path, period: Period, calendar: FiscalCalendar) -> dict[str, str]:
    """Return the revenue of every fiscal quarter that is over at the period's end."""
    query = "SELECT day, sum(amount) FROM read_parquet(?) WHERE is_revenue GROUP BY day"
    with duckdb.connect() as con:
        days: list[Any] = con.execute(query, [str(features / "company_days.parquet")]).fetchall()
    sums: dict[str, Decimal] = {}
    for day, amount in sorted(days):
        quarter = calendar.containing(day, "quarterly")
        if quarter.ends_before <= period.last_day + timedelta(days=1):
            sums[quarter.name] = sums.get(quarter.name, Decimal()) + amount
    return {quarter: f"{amount:.2f}" for quarter, amount in sums.items()}
