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
    known_to: date | None = None  # last day that the data speak of; None: the period's last

    @property
    def is_cut_short(self) -> bool:
        """Whether the data end before the period does; its sums are then not those of a period."""
        return self.known_to is not None and self.known_to < self.as_of

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
