"""What people say of actions: who takes one, until when, and what came of it.

Two places, one meaning: the file data/raw/overrides/actions.csv that `analysis actions` writes, a
line for each thing said, and the company's own table `action_items`. A line counts from its day.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pandas as pd

from analysis.core.problems import InputError, Problem, raise_all
from analysis.report.register_action import Action

FILE_COLUMNS = ("said_on", "action_id", "owner", "due_on", "done_on", "dropped_on", "result")
PLACE = "data/raw/overrides/actions.csv"
_DAYS = ("said_on", "due_on", "done_on", "dropped_on")


@dataclass(frozen=True)
class Entry:
    """One thing said of one action; what is empty leaves what was said before."""

    action_id: str
    said_on: date | None = None
    owner: str = ""
    due_on: date | None = None
    done_on: date | None = None
    dropped_on: date | None = None
    result: str = ""
    text: str = ""  # what is to be done, where the company's own table says it

    def is_known(self, as_of: date) -> bool:
        """Whether it had been said by that day."""
        return self.said_on is None or self.said_on <= as_of

    def applied(self, one: Action, as_of: date) -> Action:
        """Return the action with what this says of it, as far as it had happened by that day."""
        done_on = self.done_on if self.done_on and self.done_on <= as_of else one.done_on
        dropped = self.dropped_on if self.dropped_on and self.dropped_on <= as_of else None
        dropped = dropped or one.dropped_on
        return replace(
            one,
            is_taken=True,
            owner=self.owner or one.owner,
            due_on=self.due_on or one.due_on,
            done_on=done_on,
            dropped_on=None if done_on else dropped,
            result=self.result if self.result and (done_on or dropped) else one.result,
        )


def file_entries(table: pd.DataFrame | None) -> tuple[Entry, ...]:
    """Return the lines of actions.csv in the order of their days; all texts, empty where missing.

    InputError with every line that names no action or holds a day that is none.
    """
    if table is None:
        return ()
    missing = [name for name in FILE_COLUMNS if name not in table.columns]
    if missing:
        expected = f"the columns {', '.join(FILE_COLUMNS)}"
        mend = "add them to the first line, with commas between"
        raise InputError(Problem(PLACE, f"no column {', '.join(missing)}", expected, mend))
    problems: list[Problem] = []
    found = []
    for number, row in enumerate(table.fillna("").to_dict("records"), start=2):
        wrong = list(_problems(row, f"{PLACE}, line {number}"))
        problems += wrong
        if not wrong:
            days = {name: date.fromisoformat(row[name]) for name in _DAYS if row[name]}
            texts = {name: row[name] for name in ("action_id", "owner", "result")}
            found.append(Entry(**texts, **days))
    raise_all(problems, InputError)
    return tuple(sorted(found, key=lambda entry: entry.said_on or date.min))


def table_entries(table: pd.DataFrame | None) -> tuple[Entry, ...]:
    """Return the rows of the table `action_items`, in order of their ids.

    A row that answers a finding speaks of that action, every other one of an action of its own.
    """
    if table is None:
        return ()
    found = []
    for row in table.sort_values("action_id").to_dict("records"):
        done_on, result = _day(row.get("done_on")), _text(row.get("result"))
        found.append(
            Entry(
                _text(row.get("finding_id")) or _text(row["action_id"]),
                _day(row.get("opened_on")),
                _text(row.get("owner")),
                _day(row.get("due_on")),
                done_on,
                result=result,
                text=_text(row.get("description")) or _text(row["action_id"]),
            )
        )
    return tuple(found)


def _problems(row: dict[str, str], where: str) -> list[Problem]:
    found = []
    if not row["action_id"]:
        expected = "the number of an action such as 2026Q2/revenue/1"
        found.append(Problem(where, "no action_id", expected, "fill action_id"))
    if not row["said_on"]:
        mend = "fill said_on: a report knows what was said by its last day"
        found.append(Problem(where, "no said_on", "the day on which this was said", mend))
    for name in _DAYS:
        if row[name] and parsed_day(row[name]) is None:
            expected = "a day such as 2026-10-02, or nothing"
            found.append(Problem(where, f"{name} {row[name]!r}", expected, f"mend {name}"))
    return found


def parsed_day(text: str) -> date | None:
    """Return the day that a text names; None when it names none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _day(value: Any) -> date | None:
    return None if value is None or pd.isna(value) else pd.Timestamp(value).date()
