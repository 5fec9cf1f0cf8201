"""What became of the last decisions? Each is open, under way, overdue, done or measured."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from analysis.core.result import Decision, Result
from analysis.core.scope import Scope
from analysis.report.past import Past

STATES = ("measured", "done", "under way", "overdue", "open")


@dataclass(frozen=True)
class FollowUp:
    """A decision of an earlier report, or an action, and how far it came."""

    text: str
    state: str
    owner: str = ""
    due_on: date | None = None
    outcome: str = ""


def decision_id(period: str, result: Result, place: int) -> str:
    """Return the name by which action_items.finding_id refers to a decision: 2026Q2/revenue/1."""
    return f"{period}/{result.name}/{place + 1}"


def follow_ups(scope: Scope, past: Past) -> list[FollowUp]:
    """Return the decisions of the report before, then other actions that this period saw.

    An action answers a decision by its `finding_id`. Measured is what was done and has a result.
    What was done before the period began was told of then.
    """
    actions = _known_actions(past.actions, scope.as_of)
    answered: dict[str, dict[str, Any]] = {
        str(row["finding_id"]): row for row in actions if row["finding_id"]
    }
    found, used = [], set()
    for name, decision in _asked(scope, past):
        action = answered.get(name)
        used.add(name)
        if action is None:
            is_late = decision.due_on is not None and decision.due_on <= scope.as_of
            state = "overdue" if is_late else "open"
            found.append(FollowUp(decision.text, state, decision.owner, decision.due_on))
        else:
            found.append(_followed(decision.text, action, scope.as_of))
    begin = scope.period.starts_on
    others = [
        row
        for row in actions
        if row["finding_id"] not in used and (row["done_on"] is None or row["done_on"] >= begin)
    ]
    return found + [_followed(row["description"], row, scope.as_of) for row in others]


def _asked(scope: Scope, past: Past) -> Iterable[tuple[str, Decision]]:
    for earlier in past.reports:
        if earlier.period == scope.previous_period.name:
            for result in earlier.results.values():
                for place, decision in enumerate(result.decisions):
                    yield decision_id(earlier.period, result, place), decision


def summary(found: list[FollowUp], period: str) -> str:
    """Say in one sentence how many decisions came how far."""
    counts = {state: sum(one.state == state for one in found) for state in STATES}
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return f"Asked in {period} or undertaken since: {told}." if told else ""


def _known_actions(actions: pd.DataFrame | None, as_of: date) -> list[dict[str, Any]]:
    """Return what was undertaken by the as-of day, in order; what came later is not known yet."""
    if actions is None:
        return []
    names = ("action_id", "finding_id", "description", "owner", "result")
    days = ("opened_on", "due_on", "done_on")
    rows = []
    for row in actions.sort_values("action_id").to_dict("records"):
        texts = {name: _text(row.get(name)) for name in names}
        dates = {name: _day(row.get(name)) for name in days}
        if dates["opened_on"] is None or dates["opened_on"] <= as_of:
            rows.append(texts | dates)
    return rows


def _followed(text: str, action: dict[str, Any], as_of: date) -> FollowUp:
    done_on, due_on = action["done_on"], action["due_on"]
    if done_on is not None and done_on <= as_of:
        state = "measured" if action["result"] else "done"
    else:
        state = "overdue" if due_on is not None and due_on <= as_of else "under way"
    outcome = action["result"] if state == "measured" else ""
    return FollowUp(text, state, action["owner"], due_on, outcome)


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _day(value: Any) -> date | None:
    return None if value is None or pd.isna(value) else pd.Timestamp(value).date()
