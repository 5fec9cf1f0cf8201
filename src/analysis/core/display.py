"""Numbers for people: in the project's currency and locale, rounded to what a reader can use."""

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

# A no-break space keeps a number and its unit on one line.
SPACE = "\u00a0"
_MISSING = "\u2013"
_MINUS = "\u2212"
_UNITS = ((1e9, "bn"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True)
class Display:
    """How the project writes numbers; every method takes None or NaN and gives a dash for it."""

    currency: str = "EUR"
    locale: str = "en_GB"

    def amount(self, value: Any) -> str:
        """Money in three significant digits: £2.38 M, £98.0 k, £12."""
        if _is_missing(value):
            return _MISSING
        number = float(value)
        for size, unit in _UNITS:
            # 999,950 rounds to 1.00 M, not to 1,000 k.
            if abs(number) >= size * 0.9995:
                digits = 2 if abs(number) < 9.995 * size else 1 if abs(number) < 99.95 * size else 0
                return self._money(number / size, digits, f"'{SPACE}{unit}'")
        return self._money(number, 0)

    def exact_amount(self, value: Any, digits: int = 0) -> str:
        """Money in full: £2,383,668."""
        return _MISSING if _is_missing(value) else self._money(float(value), digits)

    def count(self, value: Any) -> str:
        """A whole number: 2,161."""
        return self.number(value, 0)

    def number(self, value: Any, digits: int = 1) -> str:
        """A number with so many decimals."""
        return _MISSING if _is_missing(value) else self._decimal(float(value), digits)

    def share(self, value: Any, digits: int = 1) -> str:
        """A share of 0 to 1 as per cent: 12.4 %."""
        if _is_missing(value):
            return _MISSING
        return f"{self._decimal(100 * float(value), digits)}{SPACE}%"

    def change(self, value: Any, digits: int = 1) -> str:
        """A relative change with its sign: +14.3 %."""
        if _is_missing(value):
            return _MISSING
        text = self.share(value, digits)
        is_positive = round(100 * float(value), digits) > 0
        return f"+{text}" if is_positive else text

    def points(self, value: Any, digits: int = 1) -> str:
        """A difference of shares of 0 to 1 in percentage points, with its sign: +3.0."""
        if _is_missing(value):
            return _MISSING
        text = self._decimal(100 * float(value), digits)
        return f"+{text}" if round(100 * float(value), digits) > 0 else text

    def day(self, value: date) -> str:
        """A day: 30 September 2011."""
        return format_date(value, "long", locale=self.locale)

    def _money(self, value: float, digits: int, unit: str = "") -> str:
        rounded = round(value, digits) + 0.0  # no minus zero
        pattern = _currency_pattern(self.locale, digits, unit)
        text = format_currency(
            abs(rounded), self.currency, pattern, locale=self.locale, currency_digits=False
        )
        return f"{_MINUS}{text}" if rounded < 0 else text

    def _decimal(self, value: float, digits: int) -> str:
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        rounded = round(value, digits) + 0.0
        text = format_decimal(abs(rounded), pattern, locale=self.locale)
        return f"{_MINUS}{text}" if rounded < 0 else text


def _currency_pattern(locale: str, digits: int, unit: str) -> str:
    """The locale's pattern with so many decimals; the unit (quoted) stands behind the digits."""
    standard = Locale.parse(locale).currency_formats["standard"].pattern.split(";")[0]
    return standard.replace("0.00", "0" + ("." + "0" * digits if digits else "") + unit)


def _is_missing(value: Any) -> bool:
    return value is None or not math.isfinite(float(value))
