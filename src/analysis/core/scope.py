"""What an analysis must know of its run: the period, the calendar, how numbers are written."""

from dataclasses import dataclass, field
from datetime import date

from analysis.core.display import Display
from analysis.core.periods import FiscalCalendar, Period


@dataclass(frozen=True)
class Scope:
    """The period that an analysis is for; it sees only what was known at the period's end."""

    period: Period
    calendar: FiscalCalendar = field(default_factory=FiscalCalendar)
    display: Display = field(default_factory=Display)

    @property
    def as_of(self) -> date:
        """The last day that is known."""
        return self.period.last_day

    @property
    def next_period(self) -> Period:
        return self.calendar.shift(self.period, 1)

    @property
    def previous_period(self) -> Period:
        return self.calendar.shift(self.period, -1)

    @property
    def year_before(self) -> Period:
        return self.calendar.year_before(self.period)
