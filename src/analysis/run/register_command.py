"""What one person says of actions at the command line, and the open register that he sees.

Everything said is a new line in data/raw/overrides/actions.csv; no line is ever changed or removed.
"""

import csv
import difflib
import fnmatch
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
from filelock import FileLock

from analysis.core.files import read_json, write_text
from analysis.core.periods import CADENCES, Cadence
from analysis.core.problems import Problem, SettingsError, raise_all
from analysis.core.project import Project
from analysis.report.register_action import Action
from analysis.report.register_entries import (
    FILE_COLUMNS,
    Entry,
    parsed_day,
    table_entries,
)
from analysis.run.ledger import published_runs
from analysis.run.register import entries_path, read_entries, read_register

Chosen = Sequence[tuple[Action, str]]  # an action and what becomes of it
_LOCK = "actions.lock"
_WAIT_SECONDS = 10
_MOST_NEAR = 3
_OPEN_IDS = "the number of an open action; `analysis actions` lists them"


@dataclass(frozen=True)
class Said:
    """What a person says: which actions are taken, done or dropped, and the words to it.

    Actions are named by their numbers; * and ? stand for any letters, as in "2026Q2/*/rest".
    """

    take: Sequence[str] = ()
    done: Sequence[str] = ()
    drop: Sequence[str] = ()
    owner: str = ""
    due: str = ""
    result: str = ""
    on: str = ""  # the day on which it was said or done; empty: today
    is_sure: bool = False  # whether a pattern may close several

    @property
    def is_anything(self) -> bool:
        """Whether anything is said at all."""
        return any((self.take, self.done, self.drop, self.owner, self.due, self.result, self.on))


def current_register(project: Project, today: date, cadence: Cadence | None = None) -> list[Action]:
    """Return the actions of the last report of every cadence, with all that was said since.

    What stands in several registers, such as the company's own actions, is there once.
    """
    entries = [*_table(project), *read_entries(project)]
    found: dict[str, Action] = {}
    for name in [cadence] if cadence else CADENCES:
        kept = [read_register(folder) for _, folder in published_runs(project, name)]
        last = [register for register in kept if register is not None][-1:]
        for one in last[0] if last else ():
            found.setdefault(one.action_id, _with_said(one, entries, today))
    return list(found.values())


def unknown_ids(project: Project, today: date) -> list[str]:
    """Return what lines of actions.csv speak of and no register knows: mistyped by hand."""
    known = {one.action_id for one in current_register(project, today)}
    return sorted({entry.action_id for entry in read_entries(project)} - known)


def say(project: Project, said: Said, today: date) -> list[Action]:
    """Write down what was said and return the actions as they now stand.

    SettingsError names every number that is no open action, with those that are near, and whatever
    else is wrong; nothing is then written.
    """
    path = entries_path(project)
    path.parent.mkdir(parents=True, exist_ok=True)
    project.processed.mkdir(parents=True, exist_ok=True)
    with FileLock(project.processed / _LOCK, timeout=_WAIT_SECONDS):
        actions = current_register(project, today)
        problems = list(_problems(said, today))
        chosen, wrong = _chosen(said, actions)
        wrong += _days_before(said, chosen) + _several_closed(said, chosen)
        raise_all([*problems, *wrong], SettingsError)
        entries = [_entry(one, how, said, today) for one, how in chosen]
        write_text(path, _with_lines(path, entries))
    return [
        _with_said(one, [entry], today) for (one, _), entry in zip(chosen, entries, strict=True)
    ]


def state_today(one: Action, today: date) -> str:
    """Return how far an action is; on its day it is not late yet."""
    return one.state(today - timedelta(days=1))


def _table(project: Project) -> tuple[Entry, ...]:
    """Return the rows of action_items in the data that were loaded last."""
    pointer = project.tables / "current.json"
    if not pointer.is_file():
        return ()
    path = project.tables / read_json(pointer)["snapshot"] / "action_items.parquet"
    return table_entries(pd.read_parquet(path)) if path.is_file() else ()


def _with_said(one: Action, entries: Sequence[Entry], today: date) -> Action:
    for entry in entries if one.is_open else ():
        if entry.action_id == one.action_id and entry.is_known(today):
            one = entry.applied(one, today)
    return one


def _problems(said: Said, today: date) -> list[Problem]:
    found = []
    for option, text in (("--due", said.due), ("--on", said.on)):
        if text and parsed_day(text) is None:
            found.append(Problem(option, repr(text), "a day such as 2026-10-02", "mend the day"))
    day = parsed_day(said.on) if said.on else None
    if day and day > today:
        mend = "say it when it has happened"
        found.append(Problem("--on", said.on, f"a day up to today, {today}", mend))
    if said.take and not (said.owner.strip() or said.due):
        mend = 'say who does it, such as --owner "Ann", or until when: --due 2026-10-02'
        found.append(Problem("--take", "neither --owner nor --due", "who or when", mend))
    if said.owner and not said.owner.strip():
        found.append(Problem("--owner", "no name", "a name", 'say who does it: --owner "Ann"'))
    if said.done and not said.result.strip():
        mend = 'say it: --result "12 of 30 came back"'
        found.append(Problem("--done", "no --result", "what came of it", mend))
    if said.drop and not said.result.strip():
        mend = 'say why: --result "the account was sold"'
        found.append(Problem("--drop", "no --result", "why it is not done", mend))
    if not (said.take or said.done or said.drop):
        mend = "name the action: --take, --done or --drop with its number"
        found.append(Problem("analysis actions", "no action", _OPEN_IDS, mend))
    return found


def _days_before(said: Said, chosen: Chosen) -> list[Problem]:
    """Name the options whose day lies before one of the actions was opened."""
    return [
        Problem(option, text, f"a day from {one.opened_on}, when {one.action_id} was opened", mend)
        for option, text, mend in (
            ("--due", said.due, "say until when it can be done"),
            ("--on", said.on, "say when it was done or said"),
        )
        for one, _ in chosen
        if one.opened_on and (day := parsed_day(text)) and day < one.opened_on
    ]


def _several_closed(said: Said, chosen: Chosen) -> list[Problem]:
    """Ask before one pattern closes several actions, with all that it would close."""
    found = []
    for how, patterns in (("done", said.done), ("drop", said.drop)):
        for pattern in () if said.is_sure else patterns:
            names = [
                one.action_id
                for one, way in chosen
                if way == how and fnmatch.fnmatchcase(one.action_id, pattern)
            ]
            if len(names) > 1:
                words = f"{pattern} would close {len(names)}: {', '.join(names)}"
                found.append(Problem(f"--{how}", words, "one action, or --yes", "add --yes"))
    return found


def _chosen(
    said: Said, actions: Sequence[Action]
) -> tuple[list[tuple[Action, str]], list[Problem]]:
    """Return the actions that are named, each with what becomes of it, and what is wrong."""
    named = [("take", p) for p in said.take] + [("done", p) for p in said.done]
    named += [("drop", p) for p in said.drop]
    chosen: dict[str, tuple[Action, str]] = {}
    problems = []
    for how, pattern in named:
        hits = [one for one in actions if fnmatch.fnmatchcase(one.action_id, pattern)]
        still = [one for one in hits if one.is_open]
        if not still:
            problems.append(_unknown(how, pattern, actions, hits))
        for one in still:
            before = chosen.setdefault(one.action_id, (one, how))[1]
            if before != how:
                found = f"{one.action_id} is also named with --{before}"
                problems.append(Problem(f"--{how}", found, "one of the two", "leave one out"))
    return list(chosen.values()), problems


def _unknown(
    how: str, pattern: str, actions: Sequence[Action], closed: Sequence[Action]
) -> Problem:
    if closed:
        one = closed[0]
        found = f"{pattern} was {one.state(date.max)} on {one.closed_on}"
        return Problem(f"--{how}", found, _OPEN_IDS, "leave it out; a finding opens anew")
    still = [one.action_id for one in actions if one.is_open]
    near = difflib.get_close_matches(pattern, still, _MOST_NEAR, cutoff=0.5)
    mend = f"did you mean {' or '.join(near)}?" if near else "correct the number"
    if not actions:
        mend = "publish a report first: analysis run quarterly"
    return Problem(f"--{how}", f"{pattern} is no action", _OPEN_IDS, mend)


def _entry(one: Action, how: str, said: Said, today: date) -> Entry:
    day = parsed_day(said.on) or today
    entry = Entry(
        one.action_id,
        day,
        said.owner.strip(),
        parsed_day(said.due),
        result=" ".join(said.result.split()),
    )
    if how == "done":
        return replace(entry, done_on=day)
    return replace(entry, dropped_on=day) if how == "drop" else entry


def _with_lines(path: Path, entries: Sequence[Entry]) -> str:
    """Return the file's text, every line as it is, and a line for each entry at its end."""
    text = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
    if not text.strip():
        text = f"{','.join(FILE_COLUMNS)}\n"
    names = [name.strip() for name in next(csv.reader(io.StringIO(text)))]
    added = io.StringIO()
    writer = csv.DictWriter(added, names, restval="", lineterminator="\n")
    for entry in entries:
        values = {name: getattr(entry, name) for name in FILE_COLUMNS}
        writer.writerow({name: "" if v is None else str(v) for name, v in values.items()})
    return f"{text}{'' if text.endswith(chr(10)) else chr(10)}{added.getvalue()}"
