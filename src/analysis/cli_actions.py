"""The command about the register of actions: what is open, and who takes or closes it."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from analysis.cli_options import HERE, ProjectOption
from analysis.cli_output import new_console, print_plain
from analysis.core.periods import Cadence
from analysis.core.project import open_project
from analysis.core.secrets import redacted

if TYPE_CHECKING:
    from rich.console import Console

    from analysis.run.register_command import Action

_HEADINGS = ("number", "to do", "owner", "due", "state", "carried")


def actions(
    project: ProjectOption = HERE,
    take: Annotated[
        list[str] | None, typer.Option(help="This action is taken; with --owner or --due.")
    ] = None,
    done: Annotated[list[str] | None, typer.Option(help="This action is done.")] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="This action is not done; with --result: why.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Who does it.")] = None,
    due: Annotated[str, typer.Option(help="Until when, such as 2026-10-02.")] = "",
    result: Annotated[str, typer.Option(help="What came of it.")] = "",
    on: Annotated[str, typer.Option(help="The day of it; without it, today.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="One pattern may close several.")] = False,
    cadence: Annotated[Cadence | None, typer.Option(help="List this register only.")] = None,
) -> None:
    """List the open actions of the last reports, or take, close and drop some by their numbers.

    --take, --done and --drop may be repeated; * stands for any letters, as in --done
    "2026Q2/*/rest"; a pattern that closes several needs --yes.
    """
    from analysis.run.register_command import Said, current_register, say, unknown_ids

    opened = open_project(project)
    # The calendar of people, not UTC: it is their day that is written down.
    today = date.today()
    said = Said(
        take or (),
        done or (),
        drop or (),
        " " if owner == "" else owner or "",
        due,
        result,
        on,
        is_sure=yes,
    )
    console = new_console()
    if said.is_anything:
        _print(console, say(opened, said, today), today)
        return
    unknown = unknown_ids(opened, today)
    if unknown:
        names = ", ".join(unknown)
        print_plain(console, f"Lines of actions.csv that name no action of any report: {names}.")
    found = [one for one in current_register(opened, today, cadence) if one.is_open]
    if not found:
        print_plain(console, "No open action. A published report opens them.")
        return
    _print(console, found, today)


def _print(console: "Console", found: Sequence["Action"], today: date) -> None:
    from analysis.run.register_command import state_today

    table = Table(box=None, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, overflow="fold", no_wrap=heading in ("due", "state"))
    for one in found:
        due_on = str(one.due_on or "")
        state, carried = state_today(one, today), str(one.carried)
        texts = (one.action_id, redacted(one.text), one.who)
        table.add_row(*(Text(text) for text in texts), due_on, state, carried)
    console.print(table)
