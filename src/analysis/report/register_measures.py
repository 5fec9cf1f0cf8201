"""Whether the number behind an action moved by more than chance since the action was opened.

A number is acted on when it is at its worst, and such a number comes back by itself. So it counts
as moved only when it lies beyond everything that chance explains: beyond both estimates' ranges put
together, and beyond its usual range. Even then nothing says that the action did it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from analysis.core.result import Finding, Number, NumberKind, Result
from analysis.report.register_action import Action, Measure
from analysis.report.register_rules import RegisterRules

Words = Literal[
    "better than chance explains",
    "no more than chance",
    "worse than chance explains",
    "cannot be measured",
]
# Ranges hold four in five; this many times as wide they hold nineteen in twenty.
_WIDER = 1.53
_KINDS: tuple[NumberKind, ...] = ("amount", "share", "count")
_UP = (
    "active_customers answered_in_time bought_again customer_count key_customers_heard "
    "on_time_share order_count revenue revenue_amount service_coverage target_attained_share "
    "top_retention_share top_year_change won_amount won_difference_amount"
)
_DOWN = (
    "exact_duplicates gone_count likely_gone_amount loss lost_margin marked_deals money_rejected "
    "no_customer_revenue_share no_customer_share not_forecast_amount ownerless_amount "
    "ownerless_leads recoverable_amount return_share stage_year_amount target_gap top_share "
    "unknown_cost unmatched_customers win_back_amount"
)
# How numbers are written whose names do not say it.
_WRITTEN: dict[str, NumberKind] = {
    **dict.fromkeys(
        ("loss", "lost_margin", "revenue_year", "target_gap", "unknown_cost"), "amount"
    ),
    **dict.fromkeys(("answered_in_time", "bought_again", "service_coverage"), "share"),
}
# Numbers that are good news by their sign, as a change or a gap; the others are levels.
_SIGNED = (
    "growth_ahead_amount revenue revenue_amount target_gap top_year_change won_amount "
    "won_difference_amount"
)
_BETTER = dict.fromkeys(_UP.split(), "up") | dict.fromkeys(_DOWN.split(), "down")


@dataclass(frozen=True)
class Verdict:
    """Whether a number moved, what chance alone would give, and why nothing can be said."""

    words: Words
    low: float | None = None
    high: float | None = None
    reason: str = ""


def is_good_news(finding: Finding) -> bool:
    """Whether a finding's number is a gain by its sign: more money, or a gap that is none."""
    if finding.value is None or finding.metric not in _SIGNED.split():
        return False
    return finding.value > 0 if _BETTER.get(finding.metric) != "down" else finding.value < 0


def finding_measure(finding: Finding, result: Result) -> Measure | None:
    """Return the number of a finding; None when it has none."""
    if finding.value is None or not finding.metric:
        return None
    kind = _kind(finding.metric, result)
    ranges = (finding.low, finding.high, finding.usual_low, finding.usual_high)
    return Measure(finding.metric, float(finding.value), kind, *ranges)


def measure_in(results: Iterable[Result], chapter: str, metric: str) -> Measure | None:
    """Return what a report says of a chapter's number: its finding's, else the headline's."""
    result = next((one for one in results if one.name == chapter), None)
    if result is None:
        return None
    said = (finding_measure(f, result) for f in result.findings if f.metric == metric)
    found = next((one for one in said if one is not None), None)
    return found or _headline_measure(result.headline.get(metric), metric)


def verdict(one: Action, rules: RegisterRules) -> Verdict:
    """Judge the number of an action, now against when it was opened."""
    if one.opened is None or one.now is None:
        words = "no number goes with it" if one.opened is None else "this report has no such number"
        return Verdict("cannot be measured", reason=words)
    chance = _chance(one.opened, one.now)
    if chance is None:
        reason = "nobody knows how far chance moves it"
        return Verdict("cannot be measured", reason=reason)
    low, high = chance
    if low <= one.now.value <= high:
        return Verdict("no more than chance", low, high)
    way = rules.better.get(one.opened.metric) or _BETTER.get(one.opened.metric)
    if way is None:
        reason = "it moved, and nobody has said which way is better"
        return Verdict("cannot be measured", low, high, reason)
    is_better = (one.now.value > high) == (way == "up")
    return Verdict(
        "better than chance explains" if is_better else "worse than chance explains", low, high
    )


def _chance(opened: Measure, now: Measure) -> tuple[float, float] | None:
    """Return where the number may lie now when nothing but chance moved it; None when unknown."""
    margins = [found for one in (opened, now) if (found := _margins(one)) is not None]
    usual = next((found for one in (now, opened) if (found := _usual(one)) is not None), None)
    ends = []
    if margins:
        (down, up), (down_now, up_now) = margins[0], margins[-1]
        ends += [opened.value - down - up_now, opened.value + up + down_now]
    elif usual:
        half = (usual[1] - usual[0]) / 2
        ends += [opened.value - half, opened.value + half]
    ends += usual or ()
    return (min(ends), max(ends)) if ends else None


def _margins(one: Measure) -> tuple[float, float] | None:
    """Return how far the truth may lie below and above an estimate."""
    if one.low is None or one.high is None:
        return None
    return _WIDER * max(0.0, one.value - one.low), _WIDER * max(0.0, one.high - one.value)


def _usual(one: Measure) -> tuple[float, float] | None:
    known = one.usual_low is not None and one.usual_high is not None
    return (one.usual_low, one.usual_high) if known else None


def _headline_measure(number: Number | None, metric: str) -> Measure | None:
    if number is None or number.value is None:
        return None
    return Measure(metric, float(number.value), number.kind, number.low, number.high)


def _kind(metric: str, result: Result) -> NumberKind:
    """Return how a finding's number is written: by its name, else like the headline's."""
    named = next((kind for kind in _KINDS if metric.endswith(f"_{kind}")), None)
    number = result.headline.get(metric)
    return named or _WRITTEN.get(metric) or (number.kind if number else "number")
