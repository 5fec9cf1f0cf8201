"""Which days a report is about: fiscal days, fortnights, quarters and years as half-open windows.

The text of a period names its cadence, so a notebook needs the text alone:

| cadence | text | days |
| --- | --- | --- |
| daily | `2026-09-30` | that day |
| biweekly | `2026-09-21--2026-10-04` | first to last day, on a 14-day grid from an anchor day |
| quarterly | `2026Q3` | third quarter of fiscal year 2026 |
| annual | `2026` | fiscal year 2026 |

A fiscal year that begins in January is the calendar year. Any other bears the number of the
calendar year in which it ends (`named_by = "end"`, the usual rule) or begins (`"start"`).
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

from analysis.core.problems import Problem, SettingsError

Cadence = Literal["daily", "biweekly", "quarterly", "annual"]
CADENCES: tuple[Cadence, ...] = get_args(Cadence)
EXAMPLES: dict[Cadence, str] = {
    "daily": "2026-09-30",
    "biweekly": "2026-09-21--2026-10-04",
    "quarterly": "2026Q3",
    "annual": "2026",
}
_SHAPES: dict[Cadence, re.Pattern[str]] = {
    "daily": re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII),
    "biweekly": re.compile(r"\d{4}-\d{2}-\d{2}--\d{4}-\d{2}-\d{2}", re.ASCII),
    "quarterly": re.compile(r"\d{4}Q[1-4]", re.ASCII),
    "annual": re.compile(r"\d{4}", re.ASCII),
}
_FORTNIGHT_DAYS = 14
_SATURDAY = 5
_MONTHS_PER_YEAR = 12
_MONTHS_PER_QUARTER = 3


@dataclass(frozen=True)
class Period:
    """A half-open window of days: `starts_on` is inside, `ends_before` is not."""

    cadence: Cadence
    name: str
    starts_on: date
    ends_before: date

    @property
    def last_day(self) -> date:
        return self.ends_before - timedelta(days=1)

    @property
    def day_count(self) -> int:
        return (self.ends_before - self.starts_on).days

    def __contains__(self, day: date) -> bool:
        return self.starts_on <= day < self.ends_before

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class FiscalCalendar:
    """The company's years and fortnights.

    `start_month` is the month in which the fiscal year begins (1 to 12); `biweekly_anchor_on` is
    the first day of any one fortnight.
    """

    start_month: int = 1
    named_by: Literal["start", "end"] = "end"
    biweekly_anchor_on: date = date(2024, 1, 1)

    def parse(self, text: str, cadence: Cadence | None = None) -> Period:
        """Return the period that `text` names; raise SettingsError when it names none."""
        for shape in CADENCES if cadence is None else (cadence,):
            if _SHAPES[shape].fullmatch(text):
                return self._parse_shaped(text, shape)
        raise _not_a_period(text, cadence)

    def containing(self, day: date, cadence: Cadence) -> Period:
        """Return the period of this cadence that `day` lies in."""
        if cadence == "daily":
            return Period(cadence, day.isoformat(), day, day + timedelta(days=1))
        if cadence == "biweekly":
            return self._fortnight((day - self.biweekly_anchor_on).days // _FORTNIGHT_DAYS)
        start_year = day.year - (day.month < self.start_month)
        if cadence == "annual":
            return self._year(start_year)
        months_in = (day.year - start_year) * _MONTHS_PER_YEAR + day.month - self.start_month
        return self._quarter(start_year, months_in // _MONTHS_PER_QUARTER)

    def shift(self, period: Period, count: int) -> Period:
        """Return the period `count` later (earlier when negative) of the same cadence."""
        if period.cadence == "daily":
            return self.containing(period.starts_on + timedelta(days=count), "daily")
        if period.cadence == "biweekly":
            days = _FORTNIGHT_DAYS * count
            return self.containing(period.starts_on + timedelta(days=days), "biweekly")
        months = _MONTHS_PER_YEAR if period.cadence == "annual" else _MONTHS_PER_QUARTER
        return self.containing(_add_months(period.starts_on, months * count), period.cadence)

    def year_before(self, period: Period) -> Period:
        """Return the period a year earlier; for a fortnight the one 26 fortnights earlier."""
        back = {"daily": 364, "biweekly": 26, "quarterly": 4, "annual": 1}
        return self.shift(period, -back[period.cadence])

    def between(self, first: date, last: date, cadence: Cadence) -> tuple[Period, ...]:
        """Return the periods that hold the days `first` to `last`, both included, in order."""
        periods = []
        period = self.containing(first, cadence)
        while period.starts_on <= last:
            periods.append(period)
            period = self.shift(period, 1)
        return tuple(periods)

    def last_complete(self, known_to: date, cadence: Cadence) -> Period:
        """Return the last period that has ended when the last known day is `known_to`."""
        period = self.containing(known_to, cadence)
        return period if period.last_day <= known_to else self.shift(period, -1)

    def _parse_shaped(self, text: str, cadence: Cadence) -> Period:
        try:
            if cadence in ("daily", "biweekly"):
                period = self.containing(date.fromisoformat(text[:10]), cadence)
            elif cadence == "quarterly":
                period = self._quarter(self._start_year(int(text[:4])), int(text[5]) - 1)
            else:
                period = self._year(self._start_year(int(text)))
        except (ValueError, OverflowError) as error:
            raise _not_a_period(text, cadence) from error
        if period.name != text:
            raise SettingsError(
                Problem(
                    f"period {text}",
                    "days that are not a fortnight of this company's 14-day grid",
                    f"for example {period.name}, or another company.biweekly_anchor_on",
                    "name the fortnight by its first and last day",
                )
            )
        return period

    def _start_year(self, fiscal_year: int) -> int:
        return fiscal_year - self._name_offset

    @property
    def _name_offset(self) -> int:
        return int(self.start_month > 1 and self.named_by == "end")

    def _year(self, start_year: int) -> Period:
        start = date(start_year, self.start_month, 1)
        name = f"{start_year + self._name_offset:04d}"
        return Period("annual", name, start, _add_months(start, _MONTHS_PER_YEAR))

    def _quarter(self, start_year: int, index: int) -> Period:
        start = _add_months(date(start_year, self.start_month, 1), _MONTHS_PER_QUARTER * index)
        name = f"{start_year + self._name_offset:04d}Q{index + 1}"
        return Period("quarterly", name, start, _add_months(start, _MONTHS_PER_QUARTER))

    def _fortnight(self, index: int) -> Period:
        start = self.biweekly_anchor_on + timedelta(days=_FORTNIGHT_DAYS * index)
        end = start + timedelta(days=_FORTNIGHT_DAYS)
        return Period("biweekly", f"{start}--{end - timedelta(days=1)}", start, end)


def known_to(cadence: Cadence, last: date) -> date:
    """Return the last day that data with a last line on day `last` can speak of.

    Nobody sells on the weekend after a Friday's last line, so a quarter that ends on that weekend
    is complete; a day is never taken to be empty.
    """
    day = last
    while cadence != "daily" and (day + timedelta(days=1)).weekday() >= _SATURDAY:
        day += timedelta(days=1)
    return day


def _add_months(day: date, months: int) -> date:
    """Shift the first day of a month; other days of a month do not occur here."""
    year, month = divmod(day.year * _MONTHS_PER_YEAR + day.month - 1 + months, _MONTHS_PER_YEAR)
    return date(year, month + 1, 1)


def _not_a_period(text: str, cadence: Cadence | None) -> SettingsError:
    wanted = EXAMPLES.items() if cadence is None else [(cadence, EXAMPLES[cadence])]
    return SettingsError(
        Problem(
            "period",
            repr(text),
            " or ".join(f"{example} ({name})" for name, example in wanted),
            "give the period in one of these forms, with digits that make a real date",
        )
    )
