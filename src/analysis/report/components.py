"""What a notebook shows of one Result: numbers, findings, decisions, pictures, limits, terms."""

import re
from dataclasses import dataclass, replace

from markupsafe import Markup

from analysis.core.display import Display
from analysis.core.figures import Chart
from analysis.core.result import Decision, Number, Result
from analysis.report.comparisons import (
    Sparkline,
    changes,
    interval_text,
    sparkline,
    value_text,
)
from analysis.report.pieces import NOTHING, Piece, piece


@dataclass(frozen=True)
class NumberView:
    """A headline number as it is shown."""

    label: str
    value: str
    interval: str
    changes: list[str]
    note: str
    sparkline: Sparkline | None


@dataclass(frozen=True)
class DecisionView:
    """A decision as it is shown."""

    text: str
    facts: str


def headline(result: Result, display: Display) -> Piece:
    """Show the result's headline numbers, or the sentence why there are none."""
    if result.unavailable:
        return piece("unavailable", result.unavailable)
    return number_grid(list(result.headline.values()), result.period, display)


def number_grid(numbers: list[Number], period: str, display: Display) -> Piece:
    """Show numbers of one period side by side."""
    if not numbers:
        return NOTHING
    return piece("numbers", [number_view(number, period, display) for number in numbers])


def number_view(number: Number, period: str, display: Display) -> NumberView:
    """Put a number into words."""
    return NumberView(
        label=number.label,
        value=value_text(number.value, number.kind, display),
        interval=interval_text(number, display),
        changes=changes(number, period, display),
        note=number.note,
        sparkline=sparkline(number.history),
    )


def findings(result: Result) -> Piece:
    """Show the result's findings as a numbered list."""
    if result.unavailable:
        return piece("unavailable", result.unavailable)
    return piece("findings", result.findings, False) if result.findings else NOTHING


def decisions(result: Result, display: Display | None = None) -> Piece:
    """Show what leaders are asked; what hangs on it is written when `display` is given."""
    return decision_box(result.decisions, display)


def decision_box(asked: tuple[Decision, ...], display: Display | None) -> Piece:
    """Show decisions, of one result or of several."""
    if not asked:
        return NOTHING
    return piece("decisions", [DecisionView(d.text, _facts(d, display)) for d in asked])


def chart(result: Result, name: str) -> Piece:
    """Show a picture of the result; nothing when it has none of this name."""
    if name not in result.charts:
        return NOTHING
    return figure(result.charts[name], result.name)


def figure(picture: Chart, owner: str) -> Piece:
    """Show a picture; `owner` keeps its ids apart from those of other results."""
    prepared = replace(picture, svg=_embedded(picture, owner))
    return piece("figure", prepared, Markup(prepared.svg))


def caveats(result: Result) -> Piece:
    """Show the limits of the result."""
    return piece("caveats", result.caveats) if result.caveats else NOTHING


def definitions(result: Result) -> Piece:
    """Show what the result's terms mean."""
    return piece("definitions", dict(result.definitions)) if result.definitions else NOTHING


def _facts(decision: Decision, display: Display | None) -> str:
    stake = decision.worth_amount  # what is at stake, not what the action brings
    facts = [
        f"At stake: {display.amount(stake)}" if display and stake is not None else "",
        _chance(decision, display) if display else "",
        f"Owner: {decision.owner or 'to be named'}" if decision.owner or display else "",
        f"By {(display or Display()).day(decision.due_on)}" if decision.due_on else "",
    ]
    return " · ".join(fact for fact in facts if fact)


def _chance(decision: Decision, display: Display) -> str:
    """Say how likely it is that the decision brings what is at stake; nobody knows by default."""
    known = decision.chance_share
    return f"Chance: {'not measured yet' if known is None else display.share(known, 0)}"


_ROOT = re.compile(r"<svg\b[^>]*>")
_VIEW_BOX = re.compile(r'viewBox="[^"]*"')
_STYLE = re.compile(r"<style\b.*?</style>", re.DOTALL)
_ID = re.compile(r'\sid="([^"]*)"')
_USED_ID = re.compile(r'href="#([^"]+)"|url\(#([^)]+)\)')


def _embedded(picture: Chart, owner: str) -> str:
    """Return the SVG as a page can carry it.

    The rule `* {stroke-linejoin: round}` that matplotlib writes would hold for the whole page, so
    it moved to the style sheet. Ids that nothing refers to go; the others bear the owner's name.
    Black and white follow the theme: text drawn without a house colour is black in an SVG.
    """
    text = _STYLE.sub("", picture.svg[picture.svg.index("<svg") :])
    text = _ROOT.sub(lambda match: _root(match[0], picture.alternative_text), text, count=1)
    used = {first or second for first, second in _USED_ID.findall(text)}
    text = _ID.sub(lambda match: match[0] if match[1] in used else "", text)
    prefix = re.sub(r"[^A-Za-z0-9_-]", "-", owner)
    text = re.sub(r'(\sid="|href="#|url\(#)', rf"\g<1>{prefix}-", text)
    text = text.replace("#000000", "currentColor")
    text = text.replace("#ffffff", "var(--paper, #ffffff)").replace("xlink:href=", "href=")
    return re.sub(r"\n\s*", "\n", text)


def _root(tag: str, alternative_text: str) -> str:
    view_box = _VIEW_BOX.search(tag)
    return Markup(
        '<svg {} role="img" aria-label="{}" focusable="false" fill="currentColor">'
    ).format(Markup(view_box[0] if view_box else ""), alternative_text)
