"""Days and moments from text, as SQL; a date that could be two days is found, never guessed.

Read as they stand: year first (`2026-09-30`, `2026/09/30`, `20260930`), with or without a time; a
month as a word (`30 Sep 2026`); with points (`30.09.2026`, day first wherever points are used);
spreadsheet day numbers (`45631`). Dates such as `03/04/2026` need the setting `date_order`, unless
no value of the column could be read both ways. A moment with an offset becomes UTC; one without is
taken as UTC. A day is the day as written. Years outside 1900 to 2199 are refused.
"""

from dataclasses import dataclass

from analysis.core.problems import Problem
from analysis.sources.sql import literal

_TIME = r"([ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?( ?[AaPp][Mm])?)?"
_ISO = r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?"
_ISO_OFFSET = r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)? ?(Z|UTC|[+-]\d{2}(:?\d{2})?)"
_YEAR_FIRST = r"\d{4}[/.-]\d{1,2}[/.-]\d{1,2}" + _TIME
_EIGHT_DIGITS = r"(19|20|21)\d{6}"
_DAY_NUMBER = r"[1-7]\d{4}(\.\d+)?"
_POINTS = r"\d{1,2}\.\d{1,2}\.(\d{2}|\d{4})" + _TIME
_SLASHED = r"\d{1,2}[/-]\d{1,2}[/-](\d{2}|\d{4})" + _TIME
_WORDS = r"(\d[\w ,.-]*)?[A-Za-z]{3}[\w ,.:-]*\d"
_TIME_FORMATS = ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", " %H:%M:%S.%f")
_WORD_FORMATS = ("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y")


def moment_sql(text: str, date_order: str) -> str:
    """Return SQL for the TIMESTAMP that the expression `text` states; NULL when it states none."""
    dashed = f"replace(regexp_replace({text}, '[/.]', '-', 'g'), 'T', ' ')"
    cases = [
        (_ISO, f"TRY_CAST({text} AS TIMESTAMP)"),
        (_ISO_OFFSET, _utc(text)),
        (_EIGHT_DIGITS, f"try_strptime({text}, '%Y%m%d')"),
        (_YEAR_FIRST, _strptime(dashed, "%Y-%m-%d")),
        (_DAY_NUMBER, _day_number(text)),
        (_POINTS, _two_ways(dashed, "month_first" if date_order == "month_first" else "day_first")),
        (_SLASHED, _two_ways(dashed, date_order)),
        (_WORDS, f"try_strptime({text}, [{', '.join(map(literal, _WORD_FORMATS))}])"),
    ]
    whens = " ".join(
        f"WHEN regexp_full_match({text}, '{shape}') THEN {sql}" for shape, sql in cases
    )
    return f"(CASE {whens} END)"


def day_sql(text: str, date_order: str) -> str:
    """Return SQL for the DATE that the expression `text` states, as written, whatever its zone."""
    has_offset = f"regexp_full_match({text}, '{_ISO_OFFSET}')"
    as_written = f"TRY_CAST(left({text}, 10) AS DATE)"
    day = moment_sql(text, date_order)
    return f"CASE WHEN {has_offset} THEN {as_written} ELSE CAST({day} AS DATE) END"


def is_plausible_sql(moment: str) -> str:
    """Return SQL that is true where the year of a day or moment can be meant."""
    return f"(year({moment}) BETWEEN 1900 AND 2199)"


def _utc(text: str) -> str:
    """DuckDB's cast ignores an offset, so it is subtracted here."""
    zone = r" ?(Z|UTC|[+-]\d{2}(:?\d{2})?)$"
    local = f"TRY_CAST(regexp_replace({text}, '{zone}', '') AS TIMESTAMP)"
    sign, hours, minutes = (
        f"regexp_extract({text}, '([+-])(\\d{{2}}):?(\\d{{2}})?$', {n})" for n in (1, 2, 3)
    )
    offset = (
        f"coalesce(TRY_CAST({hours} AS INTEGER), 0) * 60"
        f" + coalesce(TRY_CAST({minutes} AS INTEGER), 0)"
    )
    return f"({local} - to_minutes(CASE {sign} WHEN '-' THEN -1 ELSE 1 END * ({offset})))"


def _strptime(text: str, day: str) -> str:
    formats = ", ".join(literal(day + time) for time in _TIME_FORMATS)
    return f"try_strptime({text}, [{formats}])"


def _two_ways(dashed: str, date_order: str) -> str:
    """Return SQL for two numbers and a year, the year last, by the order that is set."""
    if date_order == "year_first":
        return "NULL"
    both = {
        order: _with_short_year(dashed, shape)
        for order, shape in (("day_first", "%d-%m-"), ("month_first", "%m-%d-"))
    }
    # Without an order no value of the column can be read both ways (ambiguous dates were refused).
    unset = f"coalesce({both['day_first']}, {both['month_first']})"
    return both.get(date_order, unset)


def _with_short_year(dashed: str, shape: str) -> str:
    is_short = f"regexp_matches({dashed}, '^\\d{{1,2}}-\\d{{1,2}}-\\d{{2}}( |$)')"
    short, full = _strptime(dashed, shape + "%y"), _strptime(dashed, shape + "%Y")
    return f"CASE WHEN {is_short} THEN {short} ELSE {full} END"


def _day_number(text: str) -> str:
    """Days since 1899-12-30, as spreadsheets count them."""
    seconds = f"CAST(round(TRY_CAST({text} AS DOUBLE) * 86400) AS BIGINT)"
    return f"TIMESTAMP '1899-12-30' + to_seconds({seconds})"


def ambiguous_sql(text: str) -> str:
    """Return SQL that is true for a date that could be two different days."""
    first, second = (_part(text, position) for position in (1, 2))
    has_short_year = f"regexp_matches({text}, '^\\d+[/-]\\d+[/-]\\d{{2}}( |$)')"
    is_open = f"({first} <= 12 AND {second} <= 12 AND {first} <> {second})"
    return f"(regexp_full_match({text}, '{_SLASHED}') AND ({is_open} OR {has_short_year}))"


def is_day_sql(text: str, position: int) -> str:
    """Return SQL that is true where the number at `position` (1, 2) is above 12, so is a day."""
    return f"(regexp_full_match({text}, '{_SLASHED}') AND {_part(text, position)} > 12)"


def _part(text: str, position: int) -> str:
    return f"TRY_CAST(regexp_extract({text}, '^(\\d+)[/-](\\d+)', {position}) AS INTEGER)"


@dataclass(frozen=True)
class DateEvidence:
    """What the dates of one column show about their order."""

    ambiguous: int
    day_first: int  # values that only day first can read
    month_first: int
    examples: tuple[str, ...]

    def problem(self, where: str, source: str) -> Problem | None:
        """Return the error to show when a date could be two days."""
        if not self.ambiguous:
            return None
        return Problem(
            where,
            f"{self.ambiguous:,} dates that could be two days, for example "
            + ", ".join(self.examples),
            "dates with the year first, or the setting date_order",
            f'set date_order = "day_first" or "month_first" in [sources.{source}]{self._hint}',
        )

    @property
    def _hint(self) -> str:
        if self.day_first and not self.month_first:
            return f" ({self.day_first:,} other dates of the column fit day_first only)"
        if self.month_first and not self.day_first:
            return f" ({self.month_first:,} other dates of the column fit month_first only)"
        return ""
