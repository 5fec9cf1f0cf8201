"""One action of the register: what to do, why, by whom, until when, and how it is measured."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Literal

from analysis.core.result import NumberKind

# A question to leaders, a finding that asks for something, a flag, the company's own, a chapter
# whose other findings are to be read.
ActionKind = Literal["decision", "finding", "flag", "own", "chapter"]
State = Literal["open", "under way", "overdue", "done", "dropped", "passed"]
_DAYS = ("opened_on", "due_on", "ends_on", "done_on", "dropped_on", "passed_on")
_MEASURES = ("opened", "now")


@dataclass(frozen=True)
class Measure:
    """A number at one report, with the range of its estimate and that of chance, where known."""

    metric: str
    value: float
    kind: NumberKind = "number"
    low: float | None = None
    high: float | None = None
    usual_low: float | None = None
    usual_high: float | None = None


@dataclass(frozen=True)
class Action:
    """One row of the register.

    `subject_key` makes next period's finding the same as this one's. `said_in` is the last report
    that said it, `carried` the number of later reports in which it was still open, `told_in` the
    report that showed it as closed, `again_after` the closed action about the same. `opened` is
    the number when the action was opened, `now` in this report. `ends_on` is the last day of the
    latest period that the words name: over, not said again and taken by nobody, it is passed.
    """

    action_id: str
    kind: ActionKind
    subject_key: str
    chapter: str = ""  # name of the Result
    title: str = ""  # of the chapter
    text: str = ""
    finding: str = ""
    worth_amount: float | None = None
    owner: str = ""
    role: str = ""  # who owns it by rule as long as nobody is named
    due_on: date | None = None
    is_taken: bool = False  # whether somebody has said that he does it
    opened_in: str = ""
    opened_on: date | None = None
    said_in: str = ""
    carried: int = 0
    asked: int = 1  # reports that asked for it
    metric: str = ""  # the number of a decision
    ends_on: date | None = None
    passed_on: date | None = None
    done_on: date | None = None
    dropped_on: date | None = None
    result: str = ""
    told_in: str = ""
    again_after: str = ""
    opened: Measure | None = None
    now: Measure | None = None

    @property
    def subject(self) -> tuple[str, str, str]:
        """What it is about; two open actions never have the same."""
        return self.chapter, self.kind, self.subject_key

    @property
    def who(self) -> str:
        """Who owns it; by rule only, that is a proposal."""
        return self.owner or (f"{self.role} (proposed)" if self.role else "")

    @property
    def is_open(self) -> bool:
        """Whether it is neither done nor dropped nor passed."""
        return self.closed_on is None

    @property
    def closed_on(self) -> date | None:
        """The day on which it was done or dropped, or found to be passed."""
        return self.done_on or self.dropped_on or self.passed_on

    def state(self, ended_on: date) -> State:
        """Return how far it came when `ended_on` was over; due on that day and not done is late."""
        if self.done_on is not None:
            return "done"
        if self.dropped_on is not None:
            return "dropped"
        if self.passed_on is not None:
            return "passed"
        if self.due_on is not None and self.due_on <= ended_on:
            return "overdue"
        return "under way" if self.is_taken else "open"

    @property
    def days_to_close(self) -> int | None:
        """Days from opening to done; None while it is not, and for what was dropped."""
        if self.done_on is None or self.opened_on is None:
            return None
        return max(0, (self.done_on - self.opened_on).days)


def records(actions: Iterable[Action]) -> list[dict[str, Any]]:
    """Return actions as JSON can hold them; what is empty is left out."""
    return [
        {name: _plain(value) for name, value in asdict(one).items() if value not in (None, "")}
        for one in actions
    ]


def from_records(rows: Iterable[dict[str, Any]]) -> tuple[Action, ...]:
    """Return the actions that `records` wrote; fields that are not known any more are left out."""
    return tuple(_from_record(row) for row in rows)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _from_record(row: dict[str, Any]) -> Action:
    known = {n: v for n, v in row.items() if n in Action.__dataclass_fields__}
    days = {name: date.fromisoformat(known[name]) for name in _DAYS if name in known}
    measures = {name: Measure(**known[name]) for name in _MEASURES if name in known}
    return replace(Action("", "own", ""), **known | days | measures)
