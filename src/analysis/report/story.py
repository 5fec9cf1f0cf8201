"""How several Results become one report: the first screen, a chapter each, and what they share."""

import re
from collections.abc import Iterable, Mapping

import pandas as pd

from analysis.core.display import Display
from analysis.core.result import Decision, Finding, Number, Result
from analysis.core.scope import Scope
from analysis.report.choices import TableChoice
from analysis.report.comments import comment_words
from analysis.report.comparisons import changes, value_text
from analysis.report.components import (
    caveats,
    decision_box,
    definitions,
    figure,
    findings,
    headline,
    number_grid,
)
from analysis.report.moved import moved_numbers
from analysis.report.past import NO_PAST, Comment, Past
from analysis.report.pieces import NOTHING, Piece, joined, piece
from analysis.report.register import Register, make_register
from analysis.report.register_page import as_registered, follow_up
from analysis.report.register_proposals import decision_id, gist
from analysis.report.same_money import told_once
from analysis.report.tables import table, view

Results = Mapping[str, Result] | Iterable[Result]

# The Result that opens the first screen (the pulse in a report on a day or fortnight), and how many
# of its numbers may stand there.
_FIRST = ("revenue", "pulse")
_MOST_OF_FIRST = 4
_MOST_OF_OTHERS = 2
_MOST_NUMBERS = 7
_MOST_FINDINGS = 3
_MOST_DECISIONS = 4
_LAST = ("data_quality",)
_BACKTEST = "backtest"
_KEPT_FOR_LATER = ("_anchor", "frozen")  # ends of names of tables that serve the next run
_SCORED = {"period", "model", "actual_amount", "forecast_amount"}
_OPEN_TABLES = 1
_CHAPTER_ROWS = 10
_MOST_MOVED = 3
_MOST_UNTOLD = 2


def first_screen(results: Results, scope: Scope, past: Past = NO_PAST) -> Piece:
    """Show what a leader with five minutes reads.

    The title is the first finding (`ranked_findings`) and stands before everything else, or says
    that nothing unusual happened; its detail and the course of revenue follow, then a warning when
    the data end too early. Then at most seven numbers, at most three further findings, what to
    decide, what became of earlier actions, which numbers moved since they were reported, what
    analysts remark, and what is not known.
    """
    ordered = in_order(results)
    ranked = ranked_findings(ordered)
    opening = ranked[0] if ranked and not is_quiet(ranked) else None
    register = make_register(ordered, scope, past)
    asked = _first_decisions(ordered, register)
    said = [d.text for d in asked] + [f.text for f in ranked[: _MOST_FINDINGS + 1]]
    return joined(
        piece("title", page_title(ordered, scope), _lede(ordered, opening, scope)),
        piece("cut_short", cut_short_words(scope)) if scope.is_cut_short else NOTHING,
        number_grid(first_numbers(ordered), scope.period.name, scope.display),
        _further_findings(ranked, opening),
        decision_box(asked, scope.display),
        follow_up(register, said),
        _moved_on_first(ordered, scope, past),
        _remarks([c for c in past.comments if _is_for_first(c, ordered)], scope.display),
        _unknown(ordered),
    )


def page_title(results: Results, scope: Scope) -> str:
    """Return the sentence at the top: the first finding, that nothing was unusual, or revenue."""
    ordered = in_order(results)
    ranked = ranked_findings(ordered)
    if ranked and not is_quiet(ranked):
        return ranked[0].text.rstrip(".")
    number = _revenue(ordered)
    known = number is not None and number.value is not None
    if ranked:
        revenue = f": {number.label.lower()} is {_in_words(number, scope)}" if known else ""
        return f"Nothing unusual happened{revenue}"
    return (
        f"{number.label} is {_in_words(number, scope)}"
        if known
        else f"{scope.period}: nothing to report"
    )


def is_quiet(ranked: list[Finding]) -> bool:
    """Whether what has a usual range is within it, and something has one.

    Findings without a range, such as forecasts, say what may come or what to do; they do not make
    a period unusual. The first one does when it is of what happened: it is then the title.
    """
    judged = [finding.is_unusual for finding in ranked]
    return bool(ranked) and judged[0] is False and not any(judged)


def ranked_findings(results: Results) -> list[Finding]:
    """Return the findings that may stand on the first screen, in their order there.

    Revenue's first one opens: what happened comes before what may come, however much money a
    forecast is about. Beside it only what is beyond its usual range may open. Then the first of
    every other chapter, most money first, then the second: a chapter with many findings does not
    keep the others away.
    """
    placed = []
    for result in told_once(in_order(results)):
        own = sorted((f for f in result.findings if f.rank > 0), key=lambda f: -f.rank)
        for turn, finding in enumerate(own):
            is_first = result.name in _FIRST and turn == 0
            opens = finding.is_unusual is True or (is_first and finding.is_unusual is None)
            placed.append((not opens, not is_first, turn, -finding.rank, finding))
    return [place[-1] for place in sorted(placed, key=lambda place: place[:-1])]


def first_numbers(results: Results) -> list[Number]:
    """Return the numbers of the first screen: revenue's first ones, then some of each other's.

    Room that is left goes to the numbers that had to stand back, revenue's first again. A number
    without a value stands in its chapter only, and so do those that tell of the data.
    """
    chosen: list[tuple[int, Number]] = []
    waiting: list[tuple[int, Number]] = []
    told = [result for result in told_once(in_order(results)) if result.name not in _LAST]
    for position, result in enumerate(told):
        room = _MOST_OF_FIRST if result.name in _FIRST else _MOST_OF_OTHERS
        known = [(position, n) for n in result.headline.values() if n.value is not None]
        chosen += known[:room]
        waiting += known[room:]
    chosen = chosen[:_MOST_NUMBERS]
    chosen += waiting[: _MOST_NUMBERS - len(chosen)]
    return [number for _, number in sorted(chosen, key=_position)]


def _position(placed: tuple[int, Number]) -> int:
    return placed[0]


def chapters(results: Results, display: Display, past: Past = NO_PAST) -> Piece:
    """Show a chapter for every Result, in the order given, data quality last.

    What the data do not suffice for stands together in one chapter: it is not what a leader came
    for, but what somebody may want to provide.
    """
    ordered = in_order(results)
    told = [result for result in ordered if not result.unavailable]
    first = [chapter(result, display, past) for result in told if result.name not in _LAST]
    last = [chapter(result, display, past) for result in told if result.name in _LAST]
    return joined(*first, _not_told([r for r in ordered if r.unavailable]), *last)


def _not_told(missing: list[Result]) -> Piece:
    if not missing:
        return NOTHING
    body = piece("notes", "For want of data", [(r.title, r.unavailable) for r in missing])
    return piece("chapter", "not-told", "What these data cannot tell", body.html)


def chapter(result: Result, display: Display, past: Past = NO_PAST) -> Piece:
    """Show one Result: numbers, remarks, findings, pictures, its first table; the rest folded."""
    own = [c for c in past.comments if c.about.split(".")[0] == result.name]
    remarks = _remarks(own, display)
    if result.unavailable:
        body = joined(headline(result, display), remarks, _folded("Limits", caveats(result)))
        return piece("chapter", slug(result.name), result.title, body.html)
    tables = _tables(result, display, past)
    body = joined(
        headline(result, display),
        remarks,
        findings(result),
        *(figure(picture, result.name) for picture in result.charts.values()),
        *tables[:_OPEN_TABLES],
        _folded("More tables", joined(*tables[_OPEN_TABLES:])),
        _folded("Limits", caveats(result)),
        _folded("What the words mean", definitions(result)),
        piece("more", result.name, result.title),
    )
    return piece("chapter", slug(result.name), result.title, body.html)


def _tables(result: Result, display: Display, past: Past) -> list[Piece]:
    """Tables in the order of the Result, with the columns and words of the chapter's notebook."""
    chosen = {choice.table: choice for choice in past.choices.get(result.name, ())}
    shown = []
    for name in _told(result):
        how = chosen.get(name, TableChoice(result.name, name))
        rows = _CHAPTER_ROWS
        shown.append(table(result, name, display, rows, how.columns, how.caption, how.order))
    return shown


def _told(result: Result) -> list[str]:
    """The tables that tell a leader something: with rows, and not kept for later runs only."""
    return [
        name
        for name, frame in result.tables.items()
        if len(frame) and not name.endswith(_KEPT_FOR_LATER)
    ]


def track_record(results: Results, display: Display) -> Piece:
    """Show how good earlier forecasts were, where an analysis keeps a back-test.

    A back-test with the columns `period`, `model`, `actual_amount` and `forecast_amount` is shown
    as a scoreboard: what came, and by how much the total of every method missed it.
    """
    shown = []
    for result in in_order(results):
        if _BACKTEST in result.tables:
            board = _scoreboard(result.tables[_BACKTEST])
            words = "what came, and how far each forecast of the total was off"
            name = f"{result.name}.{_BACKTEST}"
            caption = f"{result.title}: {words}"
            shown.append(piece("table", view(board, name, display, caption=caption)))
    if not shown:
        return NOTHING
    return piece(
        "chapter", "track-record", "How good the method would have been", joined(*shown).html
    )


def _scoreboard(backtest: pd.DataFrame) -> pd.DataFrame:
    """Return one row per period: what came, and the error of every method as a share of it."""
    if not _SCORED.issubset(backtest.columns):
        return backtest
    if "amount_kind" in backtest.columns:  # a report speaks of revenue
        backtest = backtest[backtest["amount_kind"] == "revenue"]
    actual = backtest["actual_amount"].astype(float)
    error = backtest["forecast_amount"].astype(float) / actual.where(actual > 0) - 1
    scored = backtest.assign(error=error)
    board = scored[["period", "actual_amount"]].drop_duplicates("period").set_index("period")
    for model in scored["model"].unique():
        own = scored[scored["model"] == model].set_index("period")
        board[f"{model}_share"] = own["error"]
    return board.reset_index()


def actions(results: Results, display: Display) -> Piece:
    """Show every decision asked for, with what hangs on it, its owner and its day.

    `report.register` shows these and all other actions; this is for notebooks that were copied
    before there was one.
    """
    asked = [
        (result, place, decision)
        for result in in_order(results)
        for place, decision in enumerate(result.decisions)
    ]
    rows = [
        {
            "To decide": decision.text,
            "Number": decision_id(result.period, result, place),
            "at_stake_amount": decision.worth_amount,
            "owner": decision.owner or None,
            "due_on": decision.due_on,
            "Chapter": result.title,
        }
        for result, place, decision in sorted(asked, key=_stake)
    ]
    if not rows:
        return NOTHING
    shown = view(pd.DataFrame(rows), "", display, len(rows), caption="Open decisions")
    return piece("chapter", "actions", "Actions", piece("plain_table", shown).html)


def _stake(asked: tuple[Result, int, Decision]) -> float:
    return -(asked[2].worth_amount or 0)


def moved(results: Results, scope: Scope, past: Past) -> Piece:
    """Show every number that is no longer what was reported, both, with the reason."""
    found = moved_numbers(in_order(results), scope, past)
    if not found:
        return NOTHING
    said = [("", one.sentence(scope.display)) for one in found]
    body = piece("notes", "Reported then, known now", said)
    return piece("chapter", "moved", "Numbers that moved since they were reported", body.html)


def glossary(results: Results) -> Piece:
    """Show what every term of the report means, in alphabetical order."""
    terms = {t: m for result in in_order(results) for t, m in result.definitions.items()}
    if not terms:
        return NOTHING
    ordered = {term: terms[term] for term in sorted(terms, key=str.casefold)}
    return piece("chapter", "words", "What the words mean", piece("definitions", ordered).html)


def in_order(results: Results) -> list[Result]:
    """Return the Results in the order given, those that close a report last."""
    given = list(results.values() if isinstance(results, Mapping) else results)
    return sorted(given, key=lambda result: result.name in _LAST)


def cut_short_words(scope: Scope) -> str:
    """Return the warning above a report whose period the data do not fill; else nothing."""
    if scope.known_to is None or not scope.is_cut_short:
        return ""
    return (
        f"The data end on {scope.display.day(scope.known_to)}, before {scope.period} does: "
        f"its sums are not those of a whole {scope.unit}, "
        "and are compared with none."
    )


def slug(text: str) -> str:
    """Return text as an id of a page."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "part"


def _lede(results: list[Result], opening: Finding | None, scope: Scope) -> str:
    detail = opening.detail if opening else ""
    number = _revenue(results)
    revenue = ""
    if opening and number is not None and number.value is not None:
        revenue = f"{number.label} {_in_words(number, scope)}."
    # Data that end too early are told of right below.
    known = "" if scope.is_cut_short else f"Known at {scope.display.day(scope.as_of)}."
    return " ".join(part for part in (detail, revenue, known) if part)


def _in_words(number: Number, scope: Scope) -> str:
    text = value_text(number.value, number.kind, scope.display)
    compared = changes(number, scope.period.name, scope.display)
    return ", ".join([text, *compared])


def _revenue(results: list[Result]) -> Number | None:
    numbers = [r.headline for r in results if r.name in _FIRST and r.headline]
    return next(iter(numbers[0].values())) if numbers else None


def _first_decisions(results: list[Result], register: Register) -> tuple[Decision, ...]:
    """Return those with most at stake, with owner and day as in the register.

    Of several that one number would answer, or that ask the same, the largest.
    """
    asked = [
        as_registered(decision, result.name, register)
        for result in results
        for decision in result.decisions
    ]
    ordered = sorted(asked, key=lambda d: -(d.worth_amount or 0))
    seen: dict[str, Decision] = {}
    for decision in ordered:
        seen.setdefault(decision.metric or gist(decision.text), decision)
    return tuple(seen.values())[:_MOST_DECISIONS]


def _further_findings(ranked: list[Finding], opening: Finding | None) -> Piece:
    rest = [finding for finding in ranked if finding is not opening][:_MOST_FINDINGS]
    return piece("findings", rest, True) if rest else NOTHING


def _moved_on_first(results: list[Result], scope: Scope, past: Past) -> Piece:
    found = moved_numbers(results, scope, past)
    said = [("", one.sentence(scope.display)) for one in found[:_MOST_MOVED]]
    if len(found) > _MOST_MOVED:
        said.append(("", f"{len(found) - _MOST_MOVED} more stand below."))
    return piece("notes", "Moved since it was reported", said) if said else NOTHING


def _is_for_first(comment: Comment, results: list[Result]) -> bool:
    """Whether a comment is about the whole report or a number of the first screen."""
    shown = [number.label for number in first_numbers(results)]
    named = {
        f"{result.name}.{name}"
        for result in results
        for name, number in result.headline.items()
        if number.label in shown
    }
    return not comment.about or comment.about in named


def _remarks(comments: list[Comment], display: Display) -> Piece:
    said = [("", comment_words(comment, display)) for comment in comments]
    return piece("notes", "Remarks", said) if said else NOTHING


def _unknown(results: list[Result]) -> Piece:
    untold = [(result.title, result.unavailable) for result in results if result.unavailable]
    if len(untold) > _MOST_UNTOLD:
        titles = "; ".join(title.rstrip("?!.") for title, _ in untold)
        words = f"{len(untold)} chapters have no data: {titles}. What each would take stands below."
        untold = [("What these data cannot tell", words)]
    missing = untold + [(result.title, words) for result in results for words in result.unknown]
    return piece("unknown", missing) if missing else NOTHING


def _folded(summary: str, body: Piece) -> Piece:
    return piece("folded", summary, body.html) if body.html else NOTHING
