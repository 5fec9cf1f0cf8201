"""How several Results become one report: the first screen, a chapter each, and what they share."""

import re
from collections.abc import Iterable, Mapping

import pandas as pd

from analysis.core.display import Display
from analysis.core.result import Finding, Number, Result
from analysis.core.scope import Scope
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
from analysis.report.pieces import NOTHING, Piece, joined, piece
from analysis.report.tables import table, view

Results = Mapping[str, Result] | Iterable[Result]

# The Result that opens the first screen, and how many of its numbers may stand there.
_FIRST = "revenue"
_MOST_OF_FIRST = 4
_MOST_OF_OTHERS = 2
_MOST_NUMBERS = 6
_MOST_FINDINGS = 3
_MOST_DECISIONS = 4
_LAST = ("data_quality",)
_BACKTEST = "backtest"
_SCORED = {"period", "model", "actual_amount", "forecast_amount"}
_OPEN_TABLES = 1
_CHAPTER_ROWS = 10
_UNITS = {"daily": "day", "biweekly": "fortnight", "quarterly": "quarter", "annual": "year"}


def first_screen(results: Results, scope: Scope) -> Piece:
    """Show what a leader with five minutes reads.

    The title is the first finding (`ranked_findings`) and stands before everything else; its detail
    and the course of revenue follow, then a warning when the data end too early. Then at most six
    numbers, at most three further findings, what to decide, and what is not known.
    """
    ordered = in_order(results)
    ranked = ranked_findings(ordered)
    return joined(
        piece("title", page_title(ordered, scope), _lede(ordered, ranked, scope)),
        piece("cut_short", cut_short_words(scope)) if scope.is_cut_short else NOTHING,
        number_grid(first_numbers(ordered), scope.period.name, scope.display),
        piece("findings", ranked[1 : _MOST_FINDINGS + 1], True) if ranked[1:] else NOTHING,
        decision_box(_first_decisions(ordered), scope.display),
        _unknown(ordered),
    )


def page_title(results: Results, scope: Scope) -> str:
    """Return the sentence at the top: the first finding, or revenue in words without one."""
    ordered = in_order(results)
    ranked = ranked_findings(ordered)
    if ranked:
        return ranked[0].text.rstrip(".")
    number = _revenue(ordered)
    if number is None or number.value is None:
        return f"{scope.period}: nothing to report"
    return f"{number.label} is {_in_words(number, scope)}"


def ranked_findings(results: Results) -> list[Finding]:
    """Return the findings that may stand on the first screen, in their order there.

    Revenue's first one opens: what happened comes before what may come, however much money a
    forecast is about. Then the first of every other chapter, most money first, then the second:
    a chapter with many findings does not keep the others away.
    """
    placed = []
    for result in in_order(results):
        own = sorted((f for f in result.findings if f.rank > 0), key=lambda f: -f.rank)
        for turn, finding in enumerate(own):
            opens = result.name == _FIRST and turn == 0
            placed.append((not opens, turn, -finding.rank, finding))
    return [place[-1] for place in sorted(placed, key=lambda place: place[:-1])]


def first_numbers(results: Results) -> list[Number]:
    """Return the numbers of the first screen: revenue's first ones, then some of each other's.

    Room that is left goes to the numbers that had to stand back, revenue's first again. A number
    without a value stands in its chapter only, and so do those that tell of the data.
    """
    chosen: list[tuple[int, Number]] = []
    waiting: list[tuple[int, Number]] = []
    told = [result for result in in_order(results) if result.name not in _LAST]
    for position, result in enumerate(told):
        room = _MOST_OF_FIRST if result.name == _FIRST else _MOST_OF_OTHERS
        known = [(position, n) for n in result.headline.values() if n.value is not None]
        chosen += known[:room]
        waiting += known[room:]
    chosen = chosen[:_MOST_NUMBERS]
    chosen += waiting[: _MOST_NUMBERS - len(chosen)]
    return [number for _, number in sorted(chosen, key=_position)]


def _position(placed: tuple[int, Number]) -> int:
    return placed[0]


def chapters(results: Results, display: Display) -> Piece:
    """Show a chapter for every Result, in the order given, data quality last."""
    return joined(*(chapter(result, display) for result in in_order(results)))


def chapter(result: Result, display: Display) -> Piece:
    """Show one Result: numbers, findings, pictures, its first table; the rest folded."""
    if result.unavailable:
        body = joined(headline(result, display), _folded("Limits", caveats(result)))
        return piece("chapter", slug(result.name), result.title, body.html)
    tables = [table(result, name, display, _CHAPTER_ROWS) for name in result.tables]
    body = joined(
        headline(result, display),
        findings(result),
        *(figure(picture, result.name) for picture in result.charts.values()),
        *tables[:_OPEN_TABLES],
        _folded("More tables", joined(*tables[_OPEN_TABLES:])),
        _folded("Limits", caveats(result)),
        _folded("What the words mean", definitions(result)),
        piece("more", result.name, result.title),
    )
    return piece("chapter", slug(result.name), result.title, body.html)


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
    """Show every decision asked for, with what hangs on it, its owner and its day."""
    asked = [(result, decision) for result in in_order(results) for decision in result.decisions]
    rows = [
        {
            "To decide": decision.text,
            "at_stake_amount": decision.worth_amount,
            "owner": decision.owner or None,
            "due_on": decision.due_on,
            "Chapter": result.title,
        }
        for result, decision in sorted(asked, key=lambda pair: -(pair[1].worth_amount or 0))
    ]
    if not rows:
        return NOTHING
    shown = view(pd.DataFrame(rows), "", display, len(rows), caption="Open decisions")
    return piece("chapter", "actions", "Actions", piece("plain_table", shown).html)


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
        f"its sums are not those of a whole {_UNITS[scope.period.cadence]}, "
        "and are compared with none."
    )


def slug(text: str) -> str:
    """Return text as an id of a page."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "part"


def _lede(results: list[Result], ranked: list[Finding], scope: Scope) -> str:
    detail = ranked[0].detail if ranked else ""
    number = _revenue(results)
    revenue = ""
    if number is not None and number.value is not None:
        revenue = f"{number.label} {_in_words(number, scope)}."
    # Data that end too early are told of right below.
    known = "" if scope.is_cut_short else f"Known at {scope.display.day(scope.as_of)}."
    return " ".join(part for part in (detail, revenue, known) if part)


def _in_words(number: Number, scope: Scope) -> str:
    text = value_text(number.value, number.kind, scope.display)
    compared = changes(number, scope.period.name, scope.display)
    return ", ".join([text, *compared])


def _revenue(results: list[Result]) -> Number | None:
    numbers = [r.headline for r in results if r.name == _FIRST and r.headline]
    return next(iter(numbers[0].values())) if numbers else None


def _first_decisions(results: list[Result]) -> tuple:
    asked = [decision for result in results for decision in result.decisions]
    return tuple(sorted(asked, key=lambda d: -(d.worth_amount or 0))[:_MOST_DECISIONS])


def _unknown(results: list[Result]) -> Piece:
    missing = [(result.title, result.unavailable) for result in results if result.unavailable]
    return piece("unknown", missing) if missing else NOTHING


def _folded(summary: str, body: Piece) -> Piece:
    return piece("folded", summary, body.html) if body.html else NOTHING
