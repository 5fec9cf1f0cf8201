"""What an analysis must know of its run: the period, the calendar, how numbers are written."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from analysis.core.display import Display
from analysis.core.periods import FiscalCalendar, Period

_UNITS = {"daily": "day", "biweekly": "fortnight", "quarterly": "quarter", "annual": "year"}


@dataclass(frozen=True)
class Scope:
    """The period that an analysis is for; it sees only what was known at the period's end."""

    period: Period
    calendar: FiscalCalendar = field(default_factory=FiscalCalendar)
    display: Display = field(default_factory=Display)
    known_to: date | None = None  # last day that the data speak of; None: the period's last

    @property
    def is_cut_short(self) -> bool:
        """Whether the data end before the period does; its sums are then not those of a period."""
        return self.known_to is not None and self.known_to < self.as_of

    @property
    def unit(self) -> str:
        """What one such period is called: day, fortnight, quarter or year."""
        return _UNITS[self.period.cadence]

    @property
    def as_of(self) -> date:
        """The last day that is known."""
        return self.period.last_day

    @property
    def closing_quarter(self) -> "Scope":
        """The same for the quarter of the last day: what is as of a year's end is as of its."""
        return replace(self, period=self.calendar.containing(self.as_of, "quarterly"))

    @property
    def next_period(self) -> Period:
        return self.calendar.shift(self.period, 1)

    def due_by(self, day: date, days: int = 14) -> date:
        """Return `day`, or the day that leaves leaders `days` after the report where that is later.

        A decision due the day after the data end would be late before anybody could read of it.
        """
        return max(day, self.as_of + timedelta(days=days))

    @property
    def previous_period(self) -> Period:
        return self.calendar.shift(self.period, -1)

    @property
    def year_before(self) -> Period:
        return self.calendar.year_before(self.period)
