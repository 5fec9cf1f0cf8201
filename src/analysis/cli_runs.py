"""The commands about runs as such: what is due, what was run, why something was not."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis.cli_options import HERE, ProjectOption
from analysis.cli_output import Watcher, new_console, print_error, print_outcome, print_plain
from analysis.core.project import Project, open_project
from analysis.core.secrets import redacted

if TYPE_CHECKING:
    from analysis.run.due import Done, Outlook
    from analysis.run.history import Attempt

_SIZES = ("bytes", "kB", "MB", "GB", "TB")
_STEP = 1000
runs_app = typer.Typer(
    epilog="Example: analysis runs --project ../acme",
    invoke_without_command=True,
    rich_markup_mode=None,
)


def due(
    project: ProjectOption = HERE,
    on: Annotated[str, typer.Option(help="As if it were this day, such as 2026-10-02.")] = "",
    jobs: Annotated[int | None, typer.Option(min=1, max=64, help="Notebooks side by side.")] = None,
    only_list: Annotated[bool, typer.Option("--list", help="Show what is due; run none.")] = False,
) -> None:
    """Run every report that is due and not published, oldest first; for a scheduler."""
    from analysis.run.cadence import How
    from analysis.run.due import day_of, outlook, run_due
    from analysis.run.waiting import tell_waiting

    opened = open_project(project)
    console = new_console()
    # The calendar of people, not UTC: a day is over when it is over here.
    today = day_of(on, date.today())
    found = outlook(opened, today)
    _print_outlook(console, found)
    if only_list:
        return
    tell_waiting(opened, found, today)
    is_good = not found.given_up
    with Watcher(console) as watcher:
        for done in run_due(opened, found.due, How(jobs=jobs, progress=watcher)):
            _print_done(console, done)
            is_good = is_good and done.is_good
    if not is_good:
        raise typer.Exit(1)


def _print_outlook(console: Console, found: "Outlook") -> None:
    for words in found.notes:
        print_plain(console, words)
    for words in found.given_up:
        print_plain(new_console(is_error=True), words)
    if not found.due:
        print_plain(console, "Nothing is due.")
        return
    names = ", ".join(f"{period.cadence} {period}" for period in found.due)
    print_plain(console, f"Due, oldest first: {names}.")


def _print_done(console: Console, done: "Done") -> None:
    if done.record is not None:
        print_outcome(console, done.record)
    elif done.error is not None:
        print_plain(new_console(is_error=True), f"\n{done.period.cadence} {done.period}:")
        print_error(done.error)


@runs_app.callback()
def runs(
    context: typer.Context,
    project: ProjectOption = HERE,
    most: Annotated[int, typer.Option(min=1, help="The latest so many.")] = 30,
) -> None:
    """List the runs: published, failed, stopped, running; how long each took, and disk use."""
    if context.invoked_subcommand is None:
        from analysis.run.overview import disk_use, run_history

        opened = open_project(project)
        console = new_console()
        _print_runs(console, run_history(opened)[-most:])
        _print_sizes(console, disk_use(opened))


@runs_app.command(epilog="Example: analysis runs show quarterly/2026Q3 --project ../acme")
def show(
    name: Annotated[str, typer.Argument(help="As `analysis runs` lists it.", show_default=False)],
    project: ProjectOption = HERE,
) -> None:
    """Show one run: each notebook with its duration, what was skipped and why, what it left."""
    from analysis.run.overview import find_attempt, run_history

    opened = open_project(project)
    found = run_history(opened)
    _print_run(new_console(), opened, found, find_attempt(found, name))


def _print_runs(console: Console, found: Sequence["Attempt"]) -> None:
    """Show one line per attempt, oldest first."""
    from analysis.run.overview import seconds_of, state_of

    if not found:
        print_plain(console, "No runs yet. Make one: analysis run quarterly")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("run", "state", "started", "seconds", "notebooks", "asked by"):
        table.add_column(
            heading, overflow="fold", justify="right" if heading == "seconds" else "left"
        )
    for attempt in found:
        record = attempt.record
        books = record.notebooks.values()
        done = sum(book.state == "succeeded" for book in books)
        count = f"{done} of {len(books)}" if books else ""
        asked_by = "due" if record.is_scheduled else "run"
        cells = (attempt.name, state_of(attempt), record.started_at, _number(seconds_of(attempt)))
        table.add_row(*cells, count, asked_by)
    console.print(table)
    for attempt in [attempt for attempt in found if attempt.record.error]:
        # Below the table, where it is never cut: it says what to mend.
        print_plain(console, f"{attempt.name} of {attempt.record.started_at}:")
        print_plain(console, _indented(attempt.record.error))
        print_plain(console, f"    More: analysis runs show {attempt.id}")


def _print_run(
    console: Console, project: Project, found: Sequence["Attempt"], attempt: "Attempt"
) -> None:
    from analysis.run import overview

    record = attempt.record
    print_plain(console, f"{attempt.name}: {overview.state_of(attempt)} ({attempt.id})")
    took = _number(overview.seconds_of(attempt)) or "not known"
    print_plain(console, f"Started {record.started_at}, seconds: {took}.")
    if record.data_to:
        print_plain(console, f"Data to {record.data_to}, snapshot {record.snapshot}.")
    for note in record.notes:
        print_plain(console, f"Note: {note}.")
    table = Table(box=None, pad_edge=False)
    for heading in ("notebook", "state", "seconds", "last time", "why"):
        table.add_column(heading, overflow="fold")
    for line in overview.notebook_lines(list(found), attempt):
        times = (_number(line.seconds), _number(line.seconds_before))
        table.add_row(Text(line.name), line.state, *times, Text(redacted(line.why)))
    console.print(table)
    if record.error:
        print_plain(console, record.error)
    for notice in record.notices:
        why = f": {notice['error']}" if notice["error"] else ""
        print_plain(console, f"Told {notice['to']} of {notice['about']}: {notice['state']}{why}")
    for folder in overview.kept_folders(project, attempt):
        size = _size(overview.folder_bytes(folder))
        print_plain(console, f"{folder.relative_to(project.root).as_posix()}: {size}")


def _print_sizes(console: Console, sizes: dict[str, int]) -> None:
    texts = [f"{name} {_size(count)}" for name, count in sizes.items()]
    if texts:
        print_plain(console, f"Disk: {', '.join(texts)}; in all {_size(sum(sizes.values()))}.")


def _size(count: int) -> str:
    number, place = float(count), 0
    while number >= _STEP and place < len(_SIZES) - 1:
        number, place = number / _STEP, place + 1
    return f"{number:.1f} {_SIZES[place]}" if place else f"{count} bytes"


def _number(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
