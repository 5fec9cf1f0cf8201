"""How a page shows the register: what is open, what was closed, what moved, and by which rules."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import pandas as pd

from analysis.core.display import Display
from analysis.core.result import Decision
from analysis.core.scope import Scope
from analysis.report.past import NO_PAST, Past
from analysis.report.pieces import NOTHING, Piece, joined, piece
from analysis.report.register import Register, Results, make_register
from analysis.report.register_action import Action, Measure
from analysis.report.register_measures import Verdict, verdict
from analysis.report.register_proposals import gist
from analysis.report.tables import MISSING, cell_text, view

# The whole register is downloads/actions.register.csv; run.register writes it.
DOWNLOAD = "actions.register"
_MOST_OPEN = 40
_MOST_FOLLOWED = 4
_EMPTY = "The register begins empty: nothing in this report asks for an action."
_WARNING = (
    "A number is acted on when it is at its worst, and such a number comes back by itself. "
    "“Better” therefore does not say that the action worked: that needs customers or sellers to "
    "compare with, as the chapter on improvements and lists with a part held back have them. "
    "Chance reaches from the lower to the upper end that both reports' ranges and the usual range "
    "leave open."
)


def register(results: Results, scope: Scope, past: Past = NO_PAST) -> Piece:
    """Show the chapter "Actions": every open action, what was closed, and whether it helped."""
    found = make_register(results, scope, past)
    if not found.actions:
        return piece("chapter", "actions", "Actions", piece("unavailable", _EMPTY).html)
    display = scope.display
    open_ = [one for one in found.open if one.kind != "chapter"]
    closed = _closed(found)
    body = joined(
        piece("notes", "Where the register stands", [("", words) for words in told(found)]),
        _table(_open_rows(open_, found), "Open actions", display),
        _plain(_closed_rows(closed), "Closed since the last report", display),
        _measured(found, display),
        _read(found, display),
        piece("folded", "By which rules", piece("notes", "Rules", _rules(found)).html),
    )
    return piece("chapter", "actions", "Actions", body.html)


def last_decisions(scope: Scope, past: Past) -> Piece:
    """Show what became of earlier actions; for notebooks copied before there was a register."""
    found = make_register((), scope, past)
    body = joined(
        _plain(_open_rows(found.open, found), "Earlier actions, still open", scope.display),
        _plain(_closed_rows(found.closed_now), "Closed since the last report", scope.display),
    )
    if not body.html:
        return NOTHING
    return piece("chapter", "last-decisions", "What became of the last decisions", body.html)


def follow_up(found: Register, told_above: Collection[str] = ()) -> Piece:
    """Show on the first screen what became of earlier actions; nothing on a first run.

    `told_above` are the texts of decisions and findings that stand there already.
    """
    if found.is_first or not found.actions:
        return NOTHING
    still = [
        one
        for one in found.open
        if one in found.earlier
        and one.kind != "chapter"
        and not {one.text, one.finding} & set(told_above)
    ]
    first = (_closed(found) + still)[:_MOST_FOLLOWED]
    said = [("", words) for words in told(found)]
    said += [(one.state(found.as_of).capitalize(), _in_words(one)) for one in first]
    return piece("notes", "What became of earlier actions", said)


def as_registered(decision: Decision, chapter: str, found: Register) -> Decision:
    """Return a decision with the owner and the day of its entry in the register."""
    key = gist(decision.text)
    said = (one for one in found.open if (one.chapter, one.kind) == (chapter, "decision"))
    one = next((one for one in said if gist(one.text) == key), None)
    return replace(decision, owner=one.who, due_on=one.due_on) if one else decision


def _closed(found: Register) -> list[Action]:
    """Return what people closed; what passed by itself is told in one sentence."""
    return [one for one in found.closed_now if one.kind != "chapter" and one.passed_on is None]


def told(found: Register) -> list[str]:
    """Say in sentences how many actions are open, late and closed, and how long closing takes.

    Chapters that wait for a reader are counted apart: they would drown what is to be done.
    """
    real = [one for one in found.open if one.kind != "chapter"]
    counts = _several(len(real), "open action")
    reading = _reading(found)
    if found.is_first:
        return [f"The register begins with this report: {counts}.", *reading]
    states = [one.state(found.as_of) for one in real]
    new = sum(one.opened_in == found.period for one in real)
    first = (
        f"{counts}: {new} new, {len(real) - new} carried over; "
        f"{states.count('overdue')} overdue, {states.count('under way')} under way."
    )
    return [first, *_closing(found), *_passing(found), *reading]


def _passing(found: Register) -> list[str]:
    passed = sum(one.passed_on is not None for one in found.closed_now)
    if not passed:
        return []
    return [
        f"{_several(passed, 'action')} passed, not done: nobody took "
        f"{'it' if passed == 1 else 'them'}, and the period in the words is over."
    ]


def _reading(found: Register) -> list[str]:
    waiting = [one for one in found.open if one.kind == "chapter"]
    late = sum(one.state(found.as_of) == "overdue" for one in waiting)
    read = sum(one.kind == "chapter" for one in found.closed_now)
    parts = []
    if waiting:
        verb = "waits" if len(waiting) == 1 else "wait"
        parts.append(f"{_several(len(waiting), 'chapter')} {verb} for a reader")
    if late:
        parts.append(f"{late} overdue")
    if read:
        parts.append(f"{_several(read, 'chapter')} of the last report {_were(read)} read")
    return [f"{', '.join(parts)}."] if parts else []


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def register_frame(found: Register) -> pd.DataFrame:
    """Return the whole register, open and closed, one row per action."""
    rows = [_row(one, found) for one in found.actions]
    return pd.DataFrame(rows, columns=list(_row(Action("", "own", ""), found)))


def _closing(found: Register) -> list[str]:
    """Say how many earlier actions are closed, and after how many days; nothing without one."""
    earlier = [one for one in found.earlier if one.kind != "chapter"]
    done = [one for one in earlier if one.done_on is not None]
    dropped = sum(one.dropped_on is not None for one in earlier)
    if not earlier:
        return []
    text = (
        f"Of {_several(len(earlier), 'action')} opened before, {len(done)} {_were(len(done))} done"
    )
    text += f" and {dropped} dropped" if dropped else ""
    text += f" ({len(done) + dropped} closed, {_rate(len(done) + dropped, len(earlier))})"
    days = sorted(one.days_to_close for one in done if one.days_to_close is not None)
    if not days:
        return [f"{text}."]
    middle = days[(len(days) - 1) // 2]
    half = "it took" if len(days) == 1 else f"half of these {len(days)} took at most"
    return [f"{text}; {half} {_several(middle, 'day')}."]


def _rate(count: int, total: int) -> str:
    return f"{100 * count / total:.0f} %"


def _several(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _in_words(one: Action) -> str:
    owner = f" Owner: {one.who}." if one.who else ""
    stop = "" if one.text.endswith((".", "?", "!")) else "."
    return f"{one.text}{stop}{owner}" + (f" What came of it: {one.result}" if one.result else "")


def _open_rows(actions: Sequence[Action], found: Register) -> list[dict]:
    return [
        {
            "Number": one.action_id,
            "To do": one.text,
            "owner": one.who or None,
            "due_on": one.due_on,
            "State": one.state(found.as_of),
            "Since": _since(one),
            "at_stake_amount": one.worth_amount,
        }
        for one in actions
    ]


def _since(one: Action) -> str:
    if not one.carried and one.kind == "own":
        return "new here"
    if not one.carried:
        return f"new; asked again after {one.again_after}" if one.again_after else "new"
    if one.asked > 1:
        return f"first asked {one.opened_in}, asked {one.asked:,} times"
    often = "once" if one.carried == 1 else f"{one.carried:,} times"
    return f"{one.opened_in}, carried over {often}"


def _closed_rows(actions: Sequence[Action]) -> list[dict]:
    return [
        {
            "Number": one.action_id,
            "What was to do": one.text,
            "What came of it": one.result or None,
            "owner": one.who or None,
            "State": "done" if one.done_on else "dropped",
            "closed_on": one.closed_on,
        }
        for one in actions
    ]


def _measured(found: Register, display: Display) -> Piece:
    """Show the number behind every earlier action that is open or was closed just now."""
    closed = [one for one in found.closed_now if one.passed_on is None]
    told_of = [one for one in found.earlier if one.is_open or one in closed]
    own = [(one, verdict(one, found.rules)) for one in told_of if one.opened is not None]
    if not own:
        return NOTHING
    rows = [_measured_row(one, judged, display) for one, judged in own]
    shown = _plain(rows, "Did the number move since the action was opened?", display)
    without = sum(one.opened is None and one.kind != "chapter" for one in told_of)
    said = [("", _WARNING)]
    if without:
        verb = "has" if without == 1 else "have"
        said.append(("", f"{_several(without, 'earlier action')} {verb} no number to go by."))
    return joined(shown, piece("notes", "How to read it", said))


def _measured_row(one: Action, judged: Verdict, display: Display) -> dict[str, str | None]:
    then, now = one.opened, one.now
    reason = f" ({judged.reason})" if judged.reason else ""
    low, high = (_written(then, value, display) for value in (judged.low, judged.high))
    return {
        "Number": one.action_id,
        "Action": one.text,
        "When opened": f"{_written(then, then.value, display)} ({one.opened_in})",
        "Now": _written(now, now.value, display) if now else None,
        "Chance": f"{low} to {high}" if judged.low is not None else None,
        "So": f"{judged.words}{reason}",
    }


def _written(measure: Measure | None, value: float | None, display: Display) -> str:
    if measure is None or value is None:
        return MISSING
    return cell_text(value, measure.kind, display)


def _read(found: Register, display: Display) -> Piece:
    rows = _open_rows([one for one in found.open if one.kind == "chapter"], found)
    if not rows:
        return NOTHING
    caption = "Chapters to read"
    return piece("folded", f"{caption}: {len(rows)}", _plain(rows, caption, display).html)


def _rules(found: Register) -> list[tuple[str, str]]:
    days = found.rules.due_days
    read = (
        "All other findings of a chapter are one action together: somebody reads them."
        if found.rules.is_read
        else "All other findings ask for nothing here; the quarterly register has them read."
    )
    return [
        (
            "What is an action",
            "Every decision, with the findings that it answers; every other finding beyond its "
            "usual range, or worth money without one and no good news; "
            f"every seller who is flagged; the company's own actions. {read}",
        ),
        (
            "Owner and day",
            "As the decision says; else the role of the chapter as a proposal, "
            f"{_several(days, 'day')} after the last day of the period.",
        ),
        (
            "Carried over",
            "A finding that comes again renews the open action about it and opens no second one: "
            "an action that nobody took gets a new day, one that somebody took keeps his. What "
            "nobody took and is not asked again passes when the period in its words is over.",
        ),
        (
            "Known",
            "What was said of an action counts from the day on which it was said; this report "
            "knows nothing of later days. An action due on the last day and not done is overdue.",
        ),
    ]


def _table(rows: list[dict], caption: str, display: Display) -> Piece:
    """Show rows with the way to the whole register, also where nothing is open."""
    frame = pd.DataFrame(rows or [{"To do": "Nothing is open."}])
    return piece("table", view(frame, DOWNLOAD, display, _MOST_OPEN, caption=caption))


def _plain(rows: list[dict], caption: str, display: Display) -> Piece:
    if not rows:
        return NOTHING
    shown = view(pd.DataFrame(rows), "", display, len(rows), caption=caption)
    return piece("plain_table", shown)


def _row(one: Action, found: Register) -> dict:
    judged = verdict(one, found.rules) if one.opened_in != found.period else None
    then, now = one.opened, one.now
    return {
        "action_id": one.action_id,
        "kind": one.kind,
        "state": one.state(found.as_of),
        "to_do": one.text,
        "owner": one.owner or one.role,
        "is_owner_proposed": not one.owner,
        "due_on": one.due_on,
        "opened_in": one.opened_in,
        "opened_on": one.opened_on,
        "carried_count": one.carried,
        "asked_count": one.asked,
        "said_last_in": one.said_in,
        "done_on": one.done_on,
        "dropped_on": one.dropped_on,
        "passed_on": one.passed_on,
        "result": one.result,
        "again_after": one.again_after,
        "chapter": one.chapter,
        "finding": one.finding,
        "at_stake_amount": one.worth_amount,
        "measure": then.metric if then else None,
        "value_when_opened": then.value if then else None,
        "low_when_opened": then.low if then else None,
        "high_when_opened": then.high if then else None,
        "value_now": now.value if now else None,
        "low_now": now.low if now else None,
        "high_now": now.high if now else None,
        "chance_low": judged.low if judged else None,
        "chance_high": judged.high if judged else None,
        "verdict": judged.words if judged else None,
    }
