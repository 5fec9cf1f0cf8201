"""What the findings of one report ask for, as actions: each finding stands in exactly one.

A decision is an action, with the findings that it answers. So is a finding beyond its usual range,
one that is worth money and has no usual range unless it is good news, and everybody whom a playbook
names. The other findings of a chapter, and those within their usual range, are one action together:
somebody reads them and says what follows.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta

import pandas as pd

from analysis.core.result import Decision, Finding, Result
from analysis.core.scope import Scope
from analysis.report.register_action import Action
from analysis.report.register_entries import parsed_day
from analysis.report.register_measures import finding_measure, is_good_news, measure_in
from analysis.report.register_rules import RegisterRules

REST = "rest"
_PLAYBOOK = "playbook"
_PLAYBOOK_COLUMNS = {"rep_id", "action", "owner", "due_on"}
_NUMBER = re.compile(r"\S*\d\S*(?:\s+(?:k|M|bn|%)(?!\w))?")
_MONTHS = "january february march april may june july august september october november december"
_DAY = re.compile(rf"# (?:{'|'.join(_MONTHS.split())})(?: #)?(?!\w)")
_NAMED_DAY = re.compile(rf"(\d{{1,2}})\s+({'|'.join(_MONTHS.split())})\s+(\d{{4}})", re.IGNORECASE)
_NAMED_PERIOD = re.compile(r"\b(?:FY)?\d{4}(?:Q[1-4]|-\d{2}(?:-\d{2})?)\b")
_NOT_OF_AN_ID = re.compile(r"[^\w.-]+")


def decision_id(period: str, result: Result, place: int) -> str:
    """Return the name of a decision's action: 2026Q2/revenue/1."""
    return f"{period}/{result.name}/{place + 1}"


def asks(finding: Finding) -> bool:
    """Whether a finding asks for something by itself: it is unusual, or worth money and no range
    says that it is as usual."""
    return finding.is_unusual is True or (finding.rank > 0 and finding.is_unusual is None)


def gist(text: str) -> str:
    """Return what a text says in every period alike: its question or all, without numbers."""
    question, mark, _ = text.partition("?")
    return _DAY.sub("#", " ".join(_NUMBER.sub("#", question + mark).casefold().split()))


def ends_on(text: str, scope: Scope) -> date | None:
    """Return the last day of the latest period or day that a text names; None when it has none."""
    found = [
        date(int(year), _MONTHS.split().index(month.lower()) + 1, int(day))
        for day, month, year in _NAMED_DAY.findall(text)
    ]
    for name in _NAMED_PERIOD.findall(text):
        try:
            found.append(scope.calendar.parse(name).last_day)
        except ValueError:  # a number that looks like a period
            continue
    return max(found, default=None)


def proposals(results: Iterable[Result], scope: Scope, rules: RegisterRules) -> list[Action]:
    """Return the actions that a report asks for, in the order of its chapters."""
    asked = [one for result in results for one in _of_chapter(result, scope, rules)]
    return [
        replace(one, ends_on=ends_on(one.text, scope), owner=rules.spelled(one.owner))
        for one in asked
    ]


def _of_chapter(result: Result, scope: Scope, rules: RegisterRules) -> list[Action]:
    due_on = scope.as_of + timedelta(days=rules.due_days)
    blank = Action(
        "",
        "finding",
        "",
        chapter=result.name,
        title=result.title,
        role=rules.owner(result.name),
        due_on=due_on,
        opened_in=scope.period.name,
        opened_on=scope.as_of,
        said_in=scope.period.name,
    )
    asked = [_decision(d, n, result, blank) for n, d in enumerate(result.decisions)]
    found = _without_twins(asked)
    own = [f for f in result.findings if not any(_is_about(d, f) for d in result.decisions)]
    calls = [f for f in own if asks(f) and not (f.is_unusual is None and is_good_news(f))]
    asking = _without_twins([_finding(f, n, result, blank) for n, f in enumerate(calls)])
    rest = [f for f in own if f not in calls]
    found += [*asking, *_flags(result, blank)]
    return [*found, _rest(rest, blank)] if rest and rules.is_read else found


def _decision(decision: Decision, place: int, result: Result, blank: Action) -> Action:
    """A decision, with the findings that it answers."""
    answered = [f for f in result.findings if _is_about(decision, f)]
    metric = decision.metric or next((f.metric for f in answered if f.metric), "")
    return replace(
        blank,
        action_id=decision_id(blank.opened_in, result, place),
        kind="decision",
        subject_key=gist(decision.text),
        text=decision.text,
        finding=" ".join(f.text for f in answered),
        worth_amount=decision.worth_amount,
        metric=decision.metric,
        owner=decision.owner,
        due_on=decision.due_on or blank.due_on,
        opened=measure_in([result], result.name, metric) if metric else None,
    )


def _is_about(decision: Decision, finding: Finding) -> bool:
    """Whether a decision answers a finding: the same number, or the same money to the cent."""
    if decision.metric and finding.metric == decision.metric:
        return True
    if not decision.worth_amount or not finding.rank:
        return False
    sums = {round(finding.rank, 2), round(abs(finding.value or 0), 2)}
    return round(decision.worth_amount, 2) in sums


def _finding(finding: Finding, place: int, result: Result, blank: Action) -> Action:
    name = _NOT_OF_AN_ID.sub("-", finding.metric) or f"finding-{place + 1}"
    ask = "Find out why, and say what follows" if finding.is_unusual else "Say what follows"
    return replace(
        blank,
        action_id=f"{blank.opened_in}/{result.name}/{name}",
        subject_key=finding.metric or gist(finding.text),
        text=f"{ask}: {finding.text}",
        finding=finding.text,
        worth_amount=finding.rank or None,
        opened=finding_measure(finding, result),
    )


def _rest(findings: list[Finding], blank: Action) -> Action:
    several = f"{len(findings)} findings" if len(findings) > 1 else "finding"
    return replace(
        blank,
        action_id=f"{blank.opened_in}/{blank.chapter}/{REST}",
        kind="chapter",
        subject_key=REST,
        text=f"Read the other {several} of “{blank.title}”, and say what follows.",
        finding=" ".join(finding.text for finding in findings),
    )


def _flags(result: Result, blank: Action) -> Iterator[Action]:
    """Return an action for everybody whom the playbook names and no decision does."""
    table = result.tables.get(_PLAYBOOK)
    if table is None or not set(table.columns) >= _PLAYBOOK_COLUMNS:
        return
    for row in table.sort_values(["rep_id", "action"]).to_dict("records"):
        name = str(row.get("seller") or row.get("manager") or row["rep_id"])
        if any(name in decision.text for decision in result.decisions):
            continue
        due_on = None if pd.isna(row["due_on"]) else parsed_day(str(row["due_on"])[:10])
        cause = str(row.get("cause") or "")
        rep = _NOT_OF_AN_ID.sub("-", " ".join([str(row["rep_id"]), cause]).strip())
        yield replace(
            blank,
            action_id=f"{blank.opened_in}/{result.name}/{rep}",
            kind="flag",
            subject_key=f"{row['rep_id']} {cause}",
            text=f"{name}: {row['action']}",
            finding=str(row.get("follow_up") or ""),
            owner="" if pd.isna(row["owner"]) else str(row["owner"]),
            due_on=due_on or blank.due_on,
        )


def _without_twins(asked: list[Action]) -> list[Action]:
    """Return one action for each subject; what says the same joins its findings."""
    found: dict[tuple[str, str, str], Action] = {}
    for one in asked:
        first = found.get(one.subject)
        joined = (
            " ".join(dict.fromkeys(t for t in (first.finding, one.finding) if t)) if first else ""
        )
        found[one.subject] = replace(first, finding=joined) if first else one
    return list(found.values())
