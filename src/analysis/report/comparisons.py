"""How a headline number, its change and its uncertainty are put into words."""

import math
from dataclasses import dataclass

from analysis.core.display import Display
from analysis.core.periods import FiscalCalendar, Period
from analysis.core.problems import SettingsError
from analysis.core.result import Number

# From here on "12 times" reads better than "+1,100 %".
_TIMES = 10
# Beyond this the base is next to nothing, and so is what a ratio to it says.
_MOST_TIMES = 1_000
_FEWEST_POINTS = 3
_MOST_POINTS = 20
# Size of a sparkline in its own units, with room for the last point.
_WIDTH, _HEIGHT, _MARGIN = 88, 26, 3


@dataclass(frozen=True)
class Sparkline:
    """The course of a number: points of a polyline and its end, in units of the view box."""

    points: str
    x: float
    y: float
    width: int = _WIDTH
    height: int = _HEIGHT


def value_text(value: float | None, kind: str, display: Display) -> str:
    """Write a value in the way of its kind."""
    if kind == "amount":
        return display.amount(value)
    if kind == "share":
        return display.share(value)
    if kind == "count":
        return display.count(value)
    return display.number(value)


def interval_text(number: Number, display: Display) -> str:
    """Write the 80 % interval; empty for a number that is no estimate."""
    if _is_missing(number.low) or _is_missing(number.high):
        return ""
    low = value_text(number.low, number.kind, display)
    high = value_text(number.high, number.kind, display)
    return f"80\u00a0% interval {low} to {high}"


def changes(number: Number, period: str, display: Display) -> list[str]:
    """Compare a number with the period before, a year ago and its target, where there are any.

    An estimate is compared with nothing: its interval stands there, and a change of its middle
    would say more than that allows.
    """
    if not _is_missing(number.low):
        return []
    names = names_before(period, display)
    compared = zip((number.before, number.year_before), names, strict=True)
    if names[0] == names[1]:  # an annual report: the period before is the year before
        compared = iter([(number.before, names[0])])
    found = [change(number.value, then, number.kind, name, display) for then, name in compared]
    if not _is_missing(number.target):
        name = f"the target of {value_text(number.target, number.kind, display)}"
        found.append(change(number.value, number.target, number.kind, name, display))
    return [one for one in found if one is not None]


def change(
    now: float | None, then: float | None, kind: str, name: str, display: Display
) -> str | None:
    """Compare two values: shares in points, amounts and counts in per cent.

    The sign is all that tells the direction: whether more is good or bad news is not known here.

    A relative change has no meaning on a base of next to nothing or less, or when the sign turns:
    the difference is shown instead. A tenfold rise is said in times.
    """
    if _is_missing(now) or _is_missing(then):
        return None
    if kind == "share":
        return _signed(display.number(abs(100 * (now - then))), now - then, f" points on {name}")
    if then > 0 and 0 <= now < then * _MOST_TIMES:
        if now / then >= _TIMES:
            return f"{display.number(now / then, 0)} times {name}"
        return _signed(display.share(abs(now / then - 1)), now - then, f" on {name}")
    return _signed(value_text(abs(now - then), kind, display), now - then, f" on {name}")


def names_before(period: str, display: Display | None = None) -> tuple[str, str]:
    """Return how the period before and that of a year ago are called.

    Names of quarters and years follow one another alike whatever month the year starts in; days
    and fortnights are named in words, those of another grid without their days.
    """
    calendar, display = FiscalCalendar(), display or Display()
    try:
        parsed = calendar.parse(period)
    except SettingsError:
        return "the period before", "a year ago"
    before, year_before = calendar.shift(parsed, -1), calendar.year_before(parsed)
    if parsed.cadence == "daily":
        return display.day(before.starts_on), "the same weekday a year ago"
    return _called(before, display), _called(year_before, display)


def _called(period: Period, display: Display) -> str:
    """The period's name; of a fortnight its days, "1 to 14 June 2026"."""
    if period.cadence != "biweekly":
        return period.name
    first, last = period.starts_on, period.last_day
    end = display.day(last)
    is_short = (first.year, first.month) == (last.year, last.month) and end.startswith(
        f"{last.day}"
    )
    return f"{first.day if is_short else display.day(first)} to {end}"


def sparkline(history: tuple[float | None, ...]) -> Sparkline | None:
    """Return the course of a number; None for fewer than three known values."""
    values = [float(v) for v in history if not _is_missing(v)][-_MOST_POINTS:]
    if len(values) < _FEWEST_POINTS:
        return None
    low, high = min(values), max(values)
    step = (_WIDTH - 2 * _MARGIN) / (len(values) - 1)
    room = _HEIGHT - 2 * _MARGIN
    xs = [_MARGIN + step * i for i in range(len(values))]
    # A number that never moved is a line through the middle.
    ys = [
        _HEIGHT - _MARGIN - room * ((v - low) / (high - low) if high > low else 0.5) for v in values
    ]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
    return Sparkline(points, round(xs[-1], 1), round(ys[-1], 1))


def _signed(text: str, difference: float, ending: str) -> str:
    if not any(digit in text for digit in "123456789"):
        return f"unchanged{ending.removeprefix(' points')}"
    sign = "+" if difference > 0 else "\u2212"
    return f"{sign}{text}{ending}"


def _is_missing(value: float | None) -> bool:
    return value is None or not math.isfinite(value)
