"""Invoice lines dated years away from all others of their source: typos, by a stated rule.

One line dated 1900-01-01 would stretch every report over five hundred quarters. A line is rejected
when no line of its source lies nearer than 1,000 days on its inner side and less than 0.1 % of the
source's lines (or a single one of at least 100) lie that far out; or when the gap is more than
twenty years and less than 10 % lie beyond it, which is how systems write a date that they do not
know. Gaps with more lines behind them are an archive: kept, and noted.
"""

from dataclasses import dataclass
from datetime import date

import duckdb

from analysis.sources.mapping import FAR_DAY, Mapping
from analysis.sources.sql import literal

_GAP_DAYS = 1_000
_FEW = 0.001
_LEAST_FOR_ONE = 100  # lines of a source of which one alone may be a typo
_AGE_DAYS = 7_305  # twenty years
_SOME = 0.1
_TABLE = "parsed_invoice_lines"


@dataclass(frozen=True)
class _Day:
    day: date
    lines: int


def reject_isolated(
    con: duckdb.DuckDBPyConnection, mappings: list[Mapping], keeping: set[str]
) -> tuple[str, ...]:
    """Mark isolated lines as bad and return notes of the long gaps that stay.

    `keeping` names the sources whose setting keep_isolated_days is true.
    """
    notes: list[str] = []
    own = [m for m in mappings if m.table.name == "invoice_lines"]
    for source in dict.fromkeys(m.source for m in own):
        files = ", ".join(str(m.file_no) for m in own if m.source == source)
        days = _days(con, files)
        first, last = _bounds(days) if source not in keeping else (0, len(days))
        for outer, inner in ((days[:first], first), (days[last:], last - 1)):
            if outer:
                _reject(con, files, (outer[0].day, outer[-1].day), (source, days[inner].day))
        if source not in keeping:
            notes += _gaps(source, days[first:last])
    return tuple(notes)


def _days(con: duckdb.DuckDBPyConnection, files: str) -> list[_Day]:
    sql = (
        f"SELECT invoiced_on, count(*) FROM {_TABLE} WHERE _bad IS NULL AND _file IN ({files})"
        " AND invoiced_on IS NOT NULL GROUP BY 1 ORDER BY 1"
    )
    return [_Day(*row) for row in con.execute(sql).fetchall()]


def _bounds(days: list[_Day]) -> tuple[int, int]:
    """Return the slice of the days that belong together: what lies before and behind is far out."""
    count = sum(day.lines for day in days)
    first = _outliers(days, count)
    last = len(days) - _outliers(days[::-1], count)
    return (first, last) if first < last else (0, len(days))


def _outliers(days: list[_Day], count: int) -> int:
    """Return how many of the days, from the first on, are cut off from the rest by the rule."""
    cut, beyond = 0, 0
    for place in range(len(days) - 1):
        beyond += days[place].lines
        if beyond >= _SOME * count:
            break
        if _is_typo(beyond, count, abs((days[place + 1].day - days[place].day).days)):
            cut = place + 1
    return cut


def _is_typo(beyond: int, count: int, gap: int) -> bool:
    is_single = beyond == 1 and count >= _LEAST_FOR_ONE
    return gap > _AGE_DAYS or (gap > _GAP_DAYS and (is_single or beyond < _FEW * count))


def _reject(
    con: duckdb.DuckDBPyConnection, files: str, days: tuple[date, date], near: tuple[str, date]
) -> None:
    source, nearest = near
    rest = literal(f", while the next line of source {source} is of {nearest}")
    con.execute(
        f"UPDATE {_TABLE} SET _bad = {literal(FAR_DAY)}, _content = NULL,"
        f" _found = CAST(invoiced_on AS VARCHAR) || {rest}"
        f" WHERE _bad IS NULL AND _file IN ({files}) AND invoiced_on BETWEEN ? AND ?",
        list(days),
    )


def _gaps(source: str, days: list[_Day]) -> list[str]:
    notes, before = [], 0
    total = sum(day.lines for day in days)
    for place in range(len(days) - 1):
        before += days[place].lines
        day, following = days[place].day, days[place + 1].day
        if (following - day).days > _GAP_DAYS:
            notes.append(
                f"Source {source} has no line between {day} and {following}: {before:,} lines lie"
                f" before, {total - before:,} after. If a date is wrong, correct it in the source."
            )
    return notes
