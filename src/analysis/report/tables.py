"""A table for people: human headings, values by the kind in a column's name, a CSV for the rest."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from analysis.core.dictionary import TABLES
from analysis.core.display import Display
from analysis.core.result import Result
from analysis.report.captions import caption_of
from analysis.report.choices import TableChoice
from analysis.report.pieces import NOTHING, Piece, piece

MISSING = "\u2013"
_MOST_COLUMNS = 9
_SUFFIXES = ("amount", "share", "count", "days", "id", "on", "at")
# Estimates are shown with as many digits as they deserve.
_ESTIMATES = ("forecast", "potential", "gap", "expected", "predicted")
_ESTIMATE_DIGITS = 3
_SMALL_MONEY = 100
# What a `_count` counts when its last word is one of these; other words are not nouns.
_COUNTED = (
    "category change customer day deal document file invoice line opportunity order person product "
    "quarter row task time visit week"
)
_BOUND = re.compile(r"(?P<stem>.+?)_(?P<end>low|high)(?P<suffix>_[a-z]+)?")


@dataclass(frozen=True)
class Heading:
    """The head of a column; numbers stand on the right, long text may wrap."""

    text: str
    is_number: bool
    is_long: bool = False


@dataclass(frozen=True)
class TableView:
    """A table as it is shown: every cell is text."""

    caption: str
    headings: list[Heading]
    rows: list[list[str]]
    note: str
    download: str


def table(
    result: Result,
    name: str,
    display: Display,
    rows: int = 20,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    caption: str = "",
    order: str = "",
) -> Piece:
    """Show the first rows of a result's table; of a long list of ids, those with most money, and of
    a history its latest.

    `columns` chooses and orders columns; a mapping also gives their headings. The ends of an
    interval (`x_low_amount`, `x_high_amount`) become one column. `order` names a column whose
    largest values come first. Nothing is shown for a table that the result does not have.
    """
    frame = result.tables.get(name)
    if frame is None:
        return NOTHING
    shown = view(frame, f"{result.name}.{name}", display, rows, columns, caption, order)
    choice = TableChoice(result.name, name, columns, caption, order)
    return replace(piece("table", shown), beside=choice.bundle())


def view(
    frame: pd.DataFrame,
    name: str,
    display: Display,
    rows: int = 20,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    caption: str = "",
    order: str = "",
) -> TableView:
    """Return a frame as text; `name` is that of its CSV without the ending."""
    names = list(columns) if columns is not None else list(frame.columns)[: _MOST_COLUMNS + 2]
    names = [n for n in names if n in frame.columns]
    given = dict(columns) if isinstance(columns, Mapping) else {}
    order = order or (_order(frame) if len(frame) > rows else "")
    ordered = _ordered(frame, order)[names]
    shown = ordered.tail(rows) if _is_history(frame) else ordered.head(rows)
    parts = _with_intervals(names)[: None if columns is not None else _MOST_COLUMNS]
    cells = [_cells(shown, part, display) for part in parts]
    parts, cells = _without_echoes(parts, cells)
    return TableView(
        caption=caption or caption_of(name) or human(name.rsplit(".", 1)[-1]),
        headings=_distinct(
            [_heading(shown, part, texts, given) for part, texts in zip(parts, cells, strict=True)],
            parts,
        ),
        rows=[list(row) for row in zip(*cells, strict=True)],
        note=_note(shown, frame, sum(map(len, parts)), order),
        download=f"{name}.csv",
    )


def human(name: str) -> str:
    """Turn a column's name into a heading: forecast_quarter_amount is Forecast quarter."""
    words = name.split("_")
    suffix = words[-1] if len(words) > 1 and words[-1] in _SUFFIXES else ""
    if suffix:
        words = words[:-1]
    if words[0] in ("is", "has") and len(words) > 1:
        words = words[1:]
    text = " ".join(words)
    if suffix == "count" and words[-1] in _COUNTED.split():
        text = f"{text[:-1]}ies" if text.endswith("y") and words[-1] != "day" else f"{text}s"
    elif suffix == "days":
        text += ", days"
    return text[:1].upper() + text[1:]


def cell_text(value: Any, name: str, display: Display, digits: int = 0) -> str:
    """Write one value by its column's name and, where that says nothing, by its type."""
    if is_missing(value):
        return MISSING
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (pd.Timestamp, date)):
        return f"{value:%b %Y}" if name == "month" else _day_text(value, display)
    if isinstance(value, (list, tuple, set, np.ndarray)):
        return ", ".join(map(str, value)) or MISSING
    if isinstance(value, str):
        return value
    return _number_text(value, name, display, digits)


def is_missing(value: Any) -> bool:
    """Whether a cell is empty; lists are not."""
    if isinstance(value, (list, tuple, set, dict, np.ndarray)):
        return False
    return value is None or bool(pd.isna(value))


def _day_text(value: date, display: Display) -> str:
    has_time = isinstance(value, pd.Timestamp) and value != value.normalize()
    return f"{value:%Y-%m-%d %H:%M}" if has_time else display.day(value).replace(" ", "\u00a0")


def _number_text(value: Any, name: str, display: Display, digits: int) -> str:
    if name.endswith("amount"):
        return display.exact_amount(value, digits)
    if name.endswith("share"):
        return display.share(value)
    if isinstance(value, (int, np.integer)) or name.endswith(("_count", "_days")):
        return display.count(value)
    size = abs(float(value))
    return display.number(value, 0 if size >= 1000 else 1 if size >= 10 else 2)


def _cells(shown: pd.DataFrame, part: tuple[str, ...], display: Display) -> list[str]:
    texts = [_column_texts(shown[name], name, display) for name in part]
    if len(texts) == 1:
        return texts[0]
    return [
        f"{low} to {high}" if low != MISSING else MISSING for low, high in zip(*texts, strict=True)
    ]


def _column_texts(values: pd.Series, name: str, display: Display) -> list[str]:
    digits = 0
    if name.endswith("amount"):
        sizes = pd.to_numeric(values, errors="coerce").abs()
        digits = 2 if sizes.max() < _SMALL_MONEY else 0
        if name.startswith(_ESTIMATES):
            values = values.map(_rounded)
    return [cell_text(value, name, display, digits) for value in values]


def _rounded(value: Any) -> Any:
    if is_missing(value) or not float(value) or not math.isfinite(float(value)):
        return value
    return round(float(value), _ESTIMATE_DIGITS - 1 - math.floor(math.log10(abs(float(value)))))


def _without_echoes(
    parts: list[tuple[str, ...]], cells: list[list[str]]
) -> tuple[list[tuple[str, ...]], list[list[str]]]:
    """Leave out names that say no more than the ids before them, as where ids are names."""
    ids = [texts for part, texts in zip(parts, cells, strict=True) if part[0].endswith("_id")]
    kept = [
        (part, texts)
        for part, texts in zip(parts, cells, strict=True)
        if not (part[0].endswith("_name") and texts and texts in ids)
    ]
    return [part for part, _ in kept], [texts for _, texts in kept]


def _with_intervals(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Group the two ends of an interval; every other column stands alone."""
    partners = {low: high for low in names if (high := _upper_end(low)) in names}
    taken = set(partners.values())
    return [(n, partners[n]) if n in partners else (n,) for n in names if n not in taken]


def _upper_end(name: str) -> str | None:
    match = _BOUND.fullmatch(name)
    if match is None or match["end"] != "low":
        return None
    return f"{match['stem']}_high{match['suffix'] or ''}"


def _heading(
    shown: pd.DataFrame, part: tuple[str, ...], texts: list[str], given: dict[str, str]
) -> Heading:
    name = part[0]
    text = given.get(name) or (human(name) if len(part) == 1 else _interval_heading(name, shown))
    values = shown[name]
    kinds = pd.api.types
    is_number = name.endswith("amount") or (
        kinds.is_numeric_dtype(values) and not kinds.is_bool_dtype(values)
    )
    is_long = not is_number and max(map(len, texts), default=0) > 28
    return Heading(text, is_number, is_long)


def _distinct(headings: list[Heading], parts: list[tuple[str, ...]]) -> list[Heading]:
    """Where rows and money of the same thing would bear one heading, say which is the money."""
    texts = [heading.text for heading in headings]
    return [
        replace(heading, text=f"{heading.text}, money")
        if len(part) == 1 and texts.count(heading.text) > 1 and part[0].endswith("_amount")
        else heading
        for heading, part in zip(headings, parts, strict=True)
    ]


def _interval_heading(low: str, shown: pd.DataFrame) -> str:
    """Name the interval by its number unless that stands in the table; 80 % if so declared."""
    match = _BOUND.fullmatch(low)
    base = f"{match['stem']}{match['suffix'] or ''}"
    words = "80\u00a0% interval" if "80 %" in _meanings().get(low, "") else "interval"
    return words.capitalize() if base in shown.columns else f"{human(base)}, {words}"


def _meanings() -> dict[str, str]:
    return {c.name: c.meaning for declared in TABLES.values() for c in declared.columns}


def _order(frame: pd.DataFrame) -> str:
    """Name the column by which a list of ids is cut: its first amount; empty for other tables."""
    if not str(frame.columns[0]).endswith("_id"):
        return ""
    return next((name for name in frame.columns if str(name).endswith("_amount")), "")


def _is_history(frame: pd.DataFrame) -> bool:
    """Whether rows follow each other in time: of those the latest matter most."""
    names = ("starts_on", "month", "day")
    return any(name in frame and frame[name].is_monotonic_increasing for name in names)


def _ordered(frame: pd.DataFrame, order: str) -> pd.DataFrame:
    # A table of nothing may lack the column.
    if not order or order not in frame.columns:
        return frame
    return frame.sort_values(order, ascending=False, na_position="last", kind="stable")


def _note(shown: pd.DataFrame, frame: pd.DataFrame, columns: int, order: str) -> str:
    parts = []
    if len(shown) < len(frame):
        which = "the latest " if _is_history(frame) else ""
        parts.append(f"{which}{len(shown):,} of {len(frame):,} rows shown")
    if order:
        parts.append(f"largest by {human(order).lower()} first")
    if columns < len(frame.columns):
        parts.append(f"{columns} of {len(frame.columns)} columns shown")
    return ", ".join(parts)
