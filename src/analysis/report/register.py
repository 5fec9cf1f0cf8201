"""Which actions are open, whose they are, what became of them: the register of one report.

Every report takes the register of the one before, adds what its own findings ask for, and closes
what people have closed by its last day. Nothing leaves the register without being closed; what
speaks of a period that is over, and nobody took, closes as passed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from analysis.core.result import Result
from analysis.core.scope import Scope
from analysis.report.past import Past
from analysis.report.register_action import Action
from analysis.report.register_entries import Entry, table_entries
from analysis.report.register_measures import measure_in
from analysis.report.register_proposals import gist, proposals
from analysis.report.register_rules import RegisterRules, default_rules

Results = Mapping[str, Result] | Iterable[Result]


@dataclass(frozen=True)
class Register:
    """Every action of a report, oldest first, and whether any report came before."""

    actions: tuple[Action, ...]
    rules: RegisterRules
    period: str
    as_of: date
    is_first: bool = False

    @property
    def open(self) -> list[Action]:
        """What is not closed: what is late first, then what is worth most."""
        found = [one for one in self.actions if one.is_open]
        return sorted(found, key=self._urgency)

    @property
    def closed_now(self) -> list[Action]:
        """What was closed since the report before; the next report does not show it again."""
        return [one for one in self.actions if not one.is_open and one.told_in == self.period]

    @property
    def earlier(self) -> list[Action]:
        """What was opened in an earlier report."""
        return [one for one in self.actions if one.opened_in != self.period]

    def _urgency(self, one: Action) -> tuple[bool, float, str]:
        is_late = one.state(self.as_of) == "overdue"
        return not is_late, -(one.worth_amount or 0), one.action_id


def make_register(results: Results, scope: Scope, past: Past) -> Register:
    """Return the register of the period's report.

    An open action is carried over; a finding that says again what an open action is about renews
    that action's words and number and opens none. What people wrote counts from the day on which
    they did, so a report that is made again knows no more than it did.
    """
    rules = past.rules or default_rules(scope.period.cadence)
    told = list(results.values() if isinstance(results, Mapping) else results)
    before = past.register
    if before is None:
        before = _of_last_report(scope, past, rules)
    entries = [e for e in (*table_entries(past.actions), *past.entries) if e.is_known(scope.as_of)]
    # Answers come before what this report asks: what was closed and is said again is asked again.
    kept = [_answered(_carried(one, told), entries, scope) for one in before]
    asked = [_answered(one, entries, scope) for one in proposals(told, scope, rules)]
    merged = [_passed(one, scope) for one in _with_new(kept, asked, scope)]
    merged += [_answered(one, entries, scope) for one in _own(entries, merged, scope)]
    return Register(tuple(merged), rules, scope.period.name, scope.as_of, is_first=not before)


def _of_last_report(scope: Scope, past: Past, rules: RegisterRules) -> list[Action]:
    """Return what the report before asked for, where it was published without a register."""
    earlier = [one for one in past.reports if one.period == scope.previous_period.name]
    then = replace(scope, period=scope.previous_period, known_to=None)
    return [a for one in earlier for a in proposals(one.results.values(), then, rules)]


def _carried(one: Action, results: Sequence[Result]) -> Action:
    if not one.is_open:
        return one
    now = measure_in(results, one.chapter, one.opened.metric) if one.opened else None
    return replace(one, carried=one.carried + 1, now=now)


def _with_new(kept: list[Action], asked: list[Action], scope: Scope) -> list[Action]:
    """Let every action that is asked for renew the open one about the same, or join as new."""
    found = list(kept)
    places = {_subject(one): n for n, one in enumerate(found) if one.is_open}
    closed = {_subject(one): one.action_id for one in found if not one.is_open}
    taken = {one.action_id for one in found}
    reworded = _reworded(found, asked)
    for one in asked:
        place = places.get(_subject(one), reworded.get(one.action_id))
        if place is None:
            name, again = _free(one.action_id, taken), closed.get(_subject(one), "")
            found.append(replace(one, action_id=name, again_after=again))
            taken.add(name)
            continue
        found[place] = _renewed(found[place], one)
    return found


def _renewed(old: Action, one: Action) -> Action:
    """Return an open action in the words of the report that asks again.

    Who took it keeps his day; where nobody did, the report's owner and day count.
    """
    ask = {} if old.is_taken else {"owner": one.owner, "role": one.role, "due_on": one.due_on}
    return replace(
        old,
        subject_key=one.subject_key,
        text=one.text,
        finding=one.finding,
        worth_amount=one.worth_amount,
        metric=one.metric,
        ends_on=one.ends_on,
        asked=old.asked + 1,
        opened=old.opened or one.opened,
        now=one.opened,
        said_in=one.said_in,
        **ask,
    )


def _subject(one: Action) -> tuple[str, str, str]:
    """Return what an action is about; questions of older registers are made alike again."""
    key = gist(one.subject_key) if one.kind == "decision" else one.subject_key
    return one.chapter, one.kind, key


def _reworded(kept: list[Action], asked: list[Action]) -> dict[str, int]:
    """Return the places of open decisions that are asked again in other words about one number.

    Only where both reports ask one such question: of several nobody knows which is which.
    """
    before: dict[tuple[str, str], list[int]] = {}
    after: dict[tuple[str, str], list[Action]] = {}
    for place, one in enumerate(kept):
        if one.is_open and one.metric and one.kind == "decision":
            before.setdefault((one.chapter, one.metric), []).append(place)
    for one in asked:
        if one.metric and one.kind == "decision":
            after.setdefault((one.chapter, one.metric), []).append(one)
    return {
        again[0].action_id: before[about][0]
        for about, again in after.items()
        if len(again) == 1 and len(before.get(about, ())) == 1
    }


def _passed(one: Action, scope: Scope) -> Action:
    """Close what speaks of a period that is over, if this report does not ask and nobody took."""
    if not one.is_open or one.is_taken or one.said_in == scope.period.name or one.ends_on is None:
        return one
    if one.ends_on > scope.as_of:
        return one
    return replace(one, passed_on=scope.as_of, told_in=scope.period.name)


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def _own(entries: list[Entry], actions: list[Action], scope: Scope) -> list[Action]:
    """Return the company's own actions that the register does not know yet.

    One that was done before the period began is history. One that answers a finding of another
    cadence's report stands in that register.
    """
    known = {one.action_id for one in actions}
    found: dict[str, Action] = {}
    for entry in entries:
        if entry.action_id in known or not entry.text or _is_of_other_cadence(entry, scope):
            continue
        if entry.done_on is None or entry.done_on >= scope.period.starts_on:
            found[entry.action_id] = Action(
                entry.action_id,
                "own",
                entry.action_id,
                text=entry.text,
                opened_in=scope.period.name,
                opened_on=entry.said_on or scope.as_of,
            )
    return list(found.values())


def _is_of_other_cadence(entry: Entry, scope: Scope) -> bool:
    name = entry.action_id.partition("/")[0]
    try:
        return scope.calendar.parse(name).cadence != scope.period.cadence
    except ValueError:
        return False


def _answered(one: Action, entries: list[Entry], scope: Scope) -> Action:
    """Return an action with what people said of it, later words before earlier ones.

    What a report has told as closed stays so.
    """
    if one.told_in:
        return one
    for entry in entries:
        if entry.action_id == one.action_id:
            one = entry.applied(one, scope.as_of)
    return one if one.is_open else replace(one, told_in=scope.period.name)
