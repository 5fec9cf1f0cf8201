"""What the parts of the simulated company share: its time, its random streams, its frames.

Days are whole numbers counted from the first day of the data, moments are such numbers with a
fraction, money is whole cents; `frame` turns them into a declared table.
"""

import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analysis.core.periods import FiscalCalendar, Period
from analysis.core.tables import Table
from analysis.sources.simulated.options import SimulationOptions

# The world goes on for so long after the data end; what happens then is truth to grade forecasts.
FUTURE_QUARTERS = 4
QUARTER_DAYS = 365.25 / 4
SOURCE_SYSTEM = "sample"
_MINUTES = 24 * 60
_EMPTY_TYPES = {
    "id": "str",
    "text": "str",
    "day": "datetime64[s]",
    "moment": "datetime64[s]",
    "count": "Int64",
    "flag": "boolean",
}


@dataclass(frozen=True)
class World:
    """The time that is simulated, and independent random streams by name."""

    options: SimulationOptions

    def stream(self, name: str) -> np.random.Generator:
        """Return a stream that depends on the seed and its name only, whatever else is drawn."""
        return np.random.default_rng([self.options.seed, zlib.crc32(name.encode())])

    @cached_property
    def quarters(self) -> tuple[Period, ...]:
        """The quarters of the data and, after them, those of the future."""
        calendar = FiscalCalendar()
        first = calendar.parse(self.options.first_quarter, "quarterly")
        count = self.options.quarters + FUTURE_QUARTERS
        return tuple(calendar.shift(first, i) for i in range(count))

    @property
    def data_quarters(self) -> tuple[Period, ...]:
        return self.quarters[: self.options.quarters]

    @cached_property
    def first_day(self) -> np.datetime64:
        return np.datetime64(self.quarters[0].starts_on, "s")

    @cached_property
    def quarter_edges(self) -> np.ndarray:
        """First day of each quarter and, last, the day after the future."""
        ends = [np.datetime64(quarter.ends_before, "s") for quarter in self.quarters]
        return np.concatenate([[0], (np.array(ends) - self.first_day) / np.timedelta64(1, "D")])

    @cached_property
    def month_edges(self) -> np.ndarray:
        months = self.first_day.astype("datetime64[M]") + np.arange(3 * len(self.quarters) + 1)
        days = months.astype("datetime64[D]") - self.first_day.astype("datetime64[D]")
        return days.astype(float)

    @property
    def month_numbers(self) -> np.ndarray:
        """The month of the year of each simulated month, 0 to 11."""
        return (self.quarters[0].starts_on.month - 1 + np.arange(3 * len(self.quarters))) % 12

    @property
    def end(self) -> int:
        """The day after the last day of the data."""
        return int(self.quarter_edges[self.options.quarters])

    @property
    def horizon(self) -> int:
        """The day after the last day of the future."""
        return int(self.quarter_edges[-1])

    def quarter_of(self, day: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.quarter_edges, day, side="right") - 1

    def elapsed(self, day: np.ndarray) -> np.ndarray:
        """Quarters since the middle of the data: the time scale of growth."""
        return (np.asarray(day) - self.end / 2) / QUARTER_DAYS

    def weekday(self, day: np.ndarray) -> np.ndarray:
        """Monday is 0."""
        days_since_1970 = int(self.first_day.astype("datetime64[D]").astype(int))
        return (np.asarray(day).astype(int) + days_since_1970 + 3) % 7

    def workday(self, day: np.ndarray) -> np.ndarray:
        """Move a Saturday or Sunday to the Friday before, or to the first Monday of the data."""
        whole = np.floor(day).astype(int)
        moved = whole - np.maximum(self.weekday(whole) - 4, 0)
        return np.where((whole >= 0) & (moved < 0), whole + 7 - self.weekday(whole), moved)

    def dates(self, day: np.ndarray) -> np.ndarray:
        """Turn day numbers into dates; NaN gives no date."""
        numbers = np.asarray(day, dtype=float)
        known = np.isfinite(numbers)
        dates = self.first_day + np.where(known, np.floor(numbers), 0).astype("timedelta64[D]")
        return np.where(known, dates, np.datetime64("NaT", "s"))

    def moments(self, day: np.ndarray) -> np.ndarray:
        """Turn day numbers with fractions into moments to the minute; NaN gives none."""
        numbers = np.asarray(day, dtype=float)
        known = np.isfinite(numbers)
        minutes = np.floor(np.where(known, numbers, 0) * _MINUTES + 1e-6)
        moments = self.first_day + minutes.astype("timedelta64[m]").astype("timedelta64[s]")
        return np.where(known, moments, np.datetime64("NaT", "s"))


def frame(table: Table, **columns: Any) -> pd.DataFrame:
    """Return a frame with the declared columns in their order; those not given are missing."""
    unknown = set(columns) - set(table.column_names)
    if unknown:
        raise KeyError(f"table {table.name} has no column {sorted(unknown)}")
    given = [v for v in columns.values() if v is not None and not isinstance(v, str)]
    rows = len(given[0])
    data = {}
    for column in table.columns:
        value = columns.get(column.name)
        if isinstance(value, str):
            data[column.name] = pick([value], np.zeros(rows, dtype=int))
        elif value is None:
            data[column.name] = pd.Series(
                [None] * rows, dtype=_EMPTY_TYPES.get(column.kind, "float64")
            )
        else:
            data[column.name] = value
    return pd.DataFrame(data)


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text: a list of names that is easy to read."""
    return tuple(text.split())


def pick(names: Any, index: np.ndarray) -> pd.api.extensions.ExtensionArray:
    """Return the text at each index; an index below 0 gives a missing one."""
    index = np.asarray(index, dtype=np.int64)
    array = pa.array(np.asarray(names, dtype=object), pa.string())
    return pd.array(array.take(pa.array(index, mask=index < 0)), dtype="str")


def number_ids(prefix: str, numbers: np.ndarray) -> pd.api.extensions.ExtensionArray:
    """Return ids such as C10042; a number below 0 gives a missing one."""
    numbers = np.asarray(numbers, dtype=np.int64)
    text = pc.cast(pa.array(numbers, mask=numbers < 0), pa.string())
    return pd.array(pc.binary_join_element_wise(pa.scalar(prefix), text, ""), dtype="str")


def money(cents: np.ndarray) -> np.ndarray:
    """Return the float nearest to so many cents: its shortest text has two decimals at most."""
    return np.asarray(cents) / 100.0


def rank_within(counts: np.ndarray) -> np.ndarray:
    """Return 0, 1, 2, ... within each of several runs of the given lengths."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)


def choose(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return one index for each row of non-negative weights, with odds in their proportion."""
    cumulated = np.cumsum(weights, axis=1)
    drawn = rng.random((len(weights), 1)) * cumulated[:, -1:]
    # The last column equals the total, so counting the others cannot run past the end.
    return (cumulated[:, :-1] <= drawn).sum(axis=1)


def logit(share: Any) -> Any:
    return np.log(share) - np.log1p(-np.asarray(share, dtype=float))


def expit(value: Any) -> Any:
    return 1 / (1 + np.exp(-np.asarray(value, dtype=float)))
