"""Numbers from text, as SQL: decimal point or comma, thousands, accounting signs, units.

`1,234` alone does not tell a thousand from a fraction. The other numbers of the file tell which
sign parts the decimals; when none does, or when they disagree, it is an error, not a guess.
"""

from dataclasses import dataclass

from analysis.core.problems import Problem

EXPECTED = "a number such as 1234.56"
UNIT_FACTORS = {"cents": "0.01", "thousands": "1000", "millions": "1000000"}
# Spaces that people and programs put between thousands, and the apostrophe of Switzerland.
_GAPS = "[\\s\u00a0\u202f\u2009'’]"


def number_sql(text: str, decimal: str) -> str:
    """Return SQL for the text of a plain number (digits, point, exponent); NULL when it is none.

    `decimal` is the sign before decimals. Negative may be a minus before or behind, or brackets.
    """
    point, comma = (r"\.", ",") if decimal == "." else (",", r"\.")
    plain = rf"-?\d+({point}\d+)?"
    tidy = f"replace(regexp_replace({text}, '{_gaps()}', '', 'g'), '−', '-')"
    inner = rf"(\d+|\d{{1,3}}({comma}\d{{3}})+)?({point}\d*)?([eE][+-]?\d+)?"
    whole = rf"([+-]?{inner}|{inner}-|\({inner}\))"
    digits = f"regexp_replace({tidy}, '[^0-9.,eE-]|-$', '', 'g')"
    is_negative = rf"regexp_matches({tidy}, '^\(|\d-$')"
    signed = f"CASE WHEN {is_negative} THEN '-' || {digits} ELSE {digits} END"
    has_digit = f"regexp_matches({text}, '\\d')"
    return (
        f"CASE WHEN regexp_full_match({text}, '{plain}') THEN {_with_point(text, decimal)}"
        f" WHEN {has_digit} AND regexp_full_match({tidy}, '{whole}')"
        f" THEN {_with_point(signed, decimal)} END"
    )


def _with_point(text: str, decimal: str) -> str:
    if decimal == ".":
        return f"replace({text}, ',', '')"
    return f"replace(replace({text}, '.', ''), ',', '.')"


def share_sql(text: str, decimal: str, *, is_percent: bool) -> str:
    """Return SQL for a share as DOUBLE; a value with a percent sign is divided by 100."""
    bare = f"TRY_CAST({number_sql(_without_percent(text), decimal)} AS DOUBLE)"
    if is_percent:
        return f"{bare} / 100"
    return f"CASE WHEN contains({text}, '%') THEN {bare} / 100 ELSE {bare} END"


def _without_percent(text: str) -> str:
    return f"regexp_replace({text}, '\\s*%$', '')"


def _gaps() -> str:
    return _GAPS.replace("'", "''")


def evidence_sql(text: str) -> dict[str, str]:
    """Return SQL conditions on a number's text: proves a comma, proves a point, proves nothing."""
    tidy = f"regexp_replace({text}, '{_gaps()}|[()+-]|%$', '', 'g')"
    return {
        "comma": f"regexp_full_match({tidy}, '{_proof(',', chr(92) + '.')}')",
        "point": f"regexp_full_match({tidy}, '{_proof(chr(92) + '.', ',')}')",
        "unclear": rf"regexp_full_match({tidy}, '[1-9]\d{{0,2}}[.,]\d{{3}}')",
    }


def _proof(decimal: str, thousands: str) -> str:
    shapes = (
        rf"\d*{decimal}(\d{{1,2}}|\d{{4,}})",  # 12,5
        rf"(0\d*|\d{{4,}}){decimal}\d+",  # 0,125 and 1234,567: no thousands look so
        rf"\d{{1,3}}({thousands}\d{{3}})+{decimal}\d*",  # 1.234,5
        rf"\d{{1,3}}({thousands}\d{{3}}){{2,}}",  # 1.234.567
    )
    return "|".join(shapes)


@dataclass(frozen=True)
class NumberEvidence:
    """What the numbers of one file show about their decimal sign, with examples."""

    comma: int
    point: int
    unclear: int
    examples: tuple[str, ...]

    @property
    def decimal(self) -> str:
        return "," if self.comma and not self.point else "."

    def problem(self, where: str, source: str) -> Problem | None:
        """Return the error to show when the decimal sign cannot be known."""
        mend = f'set decimal = "." or "," in [sources.{source}]'
        shown = ", ".join(self.examples)
        if self.comma and self.point:
            return Problem(
                where,
                f"decimal commas ({self.comma:,}) and decimal points ({self.point:,}): {shown}",
                "one decimal sign in a file",
                f"{mend}; numbers that do not fit are then rejected and listed",
            )
        if self.unclear and not self.comma and not self.point:
            return Problem(
                where,
                f"{self.unclear:,} numbers that could be thousands or fractions, such as {shown}",
                "a number that shows the decimal sign, or the setting decimal",
                mend,
            )
        return None
