"""What the `analysis` command prints: progress, problems, outcomes; plain lines in a log."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from analysis.core.problems import AnalysisError
from analysis.core.project import Project
from analysis.core.secrets import redacted
from analysis.run.events import Event
from analysis.run.record import RunRecord

if TYPE_CHECKING:
    from analysis.run.loading import LoadReport

_Made = TypeVar("_Made")
_WORDS = {
    "started": "started",
    "done": "done",
    "unchanged": "unchanged",
    "failed": "FAILED",
    "not_run": "not run",
}
_LOG_WIDTH = 160
_MOST_REASONS = 20
_FATES = ("read", "kept", "rejected", "merged")
_STAGES = {
    "load": "Load raw files",
    "features": "Make features",
    "notebooks": "Run notebooks",
    "pages": "Make pages",
    "simulate": "Simulate",
}


def new_console(*, is_error: bool = False) -> Console:
    """Return a console; a log has no width, so that nothing is folded there."""
    console = Console(stderr=is_error)
    return console if console.is_terminal else Console(stderr=is_error, width=_LOG_WIDTH)


class Watcher:
    """Shows what happens: on a terminal a line that moves, in a log a line per thing that ended.

    It is called from the threads that run notebooks.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._at_work: list[str] = []
        self._status: Status | None = None

    def __enter__(self) -> "Watcher":
        if self._console.is_terminal:
            self._status = self._console.status("Checking")
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def __call__(self, event: Event) -> None:
        """Show one event of a run."""
        name = _STAGES.get(event.name, event.name)
        with self._lock:
            if event.state == "started":
                self._at_work.append(name)
            else:
                self._at_work = [other for other in self._at_work if other != name]
                print_plain(self._console, _line(event, name))
            if self._status is not None and self._at_work:
                self._status.update(", ".join(self._at_work))

    def during(self, name: str, work: Callable[[], _Made]) -> _Made:
        """Do some work while its name is shown, and return what it makes."""
        self(Event("stage", name, "started"))
        made = work()
        self(Event("stage", name, "done"))
        return made


def _line(event: Event, name: str) -> str:
    indent = "  " if event.kind == "notebook" else ""
    seconds = f", {event.seconds:.1f} s" if event.seconds else ""
    reason = f": {event.text.splitlines()[0]}" if event.text else ""
    return f"{indent}{name}: {_WORDS[event.state]}{seconds}{reason}"


def print_plain(console: Console, text: str) -> None:
    """Print text as it is: a path or a name in brackets is not a style, and is never wrapped."""
    console.print(redacted(text), markup=False, highlight=False, soft_wrap=True)


def print_error(error: AnalysisError) -> None:
    """Show every problem, on the error stream, without a traceback."""
    console = new_console(is_error=True)
    count = len(error.problems)
    console.print(f"{count} problem{'s' if count > 1 else ''}:", style="bold red")
    print_plain(console, str(error))


def print_outcome(console: Console, record: RunRecord) -> None:
    """Show how a run ended; the address of the page comes last."""
    for note in record.notes:
        print_plain(console, f"Note: {note}.")
    if record.state != "succeeded":
        _print_failures(record)
        return
    if record.is_unchanged:
        print_plain(console, f"{record.period}: nothing has changed, nothing was run again.")
    else:
        spent = sum(stage.cpu_seconds for stage in record.stages.values())
        split = ", ".join(f"{name} {s.cpu_seconds:.1f}" for name, s in record.stages.items())
        print_plain(console, f"{record.period}: {spent:.1f} processor seconds ({split}).")
    if not record.is_published:
        print_plain(console, "Not published: this was a look with --only.")
    _print_notices(record)
    for page in record.pages:
        print_plain(console, str(page))


def _print_failures(record: RunRecord) -> None:
    console = new_console(is_error=True)
    for name, book in record.failed.items():
        print_plain(console, f"\nnotebook {name} failed:\n{_indented(book.error)}")
    if record.outcome == "breach":
        print_plain(console, f"\n{record.error}")
    last = "Nothing was published; the last good report, if there is one, stays as it was."
    print_plain(console, f"\n{last}")
    if record.folder is not None:
        print_plain(console, f"To look into it: {record.folder}")
    _print_notices(record)


def _print_notices(record: RunRecord) -> None:
    """Say who could not be told of the run; that fails nothing."""
    for notice in record.notices if not record.is_unchanged else ():
        if notice["error"]:
            words = f"{notice['to']} could not be told: {notice['error']}"
            print_plain(new_console(is_error=True), words)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _print_reasons(console: Console, report: "LoadReport", project: Project) -> None:
    """Show why rows were rejected and how to mend it, most rows first."""
    from analysis.run.loading import reject_reasons

    show = project.display
    reasons = reject_reasons(project, report)
    for reason in reasons[:_MOST_REASONS]:
        money = show.exact_amount(reason["amount"], 2)
        count = reason["row_count"]
        rows = f"{show.count(count)} row{'s' if count > 1 else ''} of {reason['file']}, {money}"
        print_plain(console, f"Rejected: {rows}; column {reason['column']}")
        for word, text in (("found", "examples"), ("expected", "expected"), ("mend", "mend")):
            print_plain(console, f"    {f'{word}:':<10}{reason[text]}")
    if len(reasons) > _MOST_REASONS:
        print_plain(console, f"... and {len(reasons) - _MOST_REASONS} more reasons")


def print_load(console: Console, report: "LoadReport", project: Project) -> None:
    """Show rows and money read, kept, rejected and merged, by file and in all."""
    show = project.display
    table = Table(box=None, pad_edge=False)
    table.add_column("file", overflow="fold")
    table.add_column("table", overflow="fold")
    for name in _FATES:
        table.add_column(name, justify="right")
    for file in report.files:
        rows = [show.count(getattr(file.counts, f"rows_{name}")) for name in _FATES]
        table.add_row(Text(file.file), file.table, *rows)
    totals = report.totals
    table.add_section()
    table.add_row("rows", "", *(show.count(getattr(totals, f"rows_{n}")) for n in _FATES))
    money = [show.exact_amount(getattr(totals, f"money_{name}"), 2) for name in _FATES]
    table.add_row("money", "", *money)
    console.print(table)
    for note in report.notes:
        print_plain(console, f"Note: {note}")
    if totals.rows_rejected:
        _print_reasons(console, report, project)
        place = project.tables / report.snapshot / "rejects.parquet"
        print_plain(console, f"Every rejected row with its reason: {place}")
    if report.first_day and report.last_day:
        what = "Invoice lines" if "invoice_lines" in report.table_rows else "Deals"
        print_plain(console, f"{what} from {report.first_day} to {report.last_day}.")
