"""CSV files that a spreadsheet opens without running anything in them; numbers stay exact."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.core.files import write_text
from analysis.core.result import Result, refuse_path
from analysis.report.tables import is_missing

# A spreadsheet takes a cell that begins so for a formula; the last four are their wide forms.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Excel takes a CSV file for UTF-8 by this mark only.
_BYTE_ORDER_MARK = "\ufeff"


def write_downloads(result: Result, folder: Path) -> list[Path]:
    """Write every table of a result as <folder>/<result>.<table>.csv; return the files."""
    paths = []
    for name in (result.name, *result.tables):
        refuse_path(name)
    for name, table in result.tables.items():
        path = folder / f"{result.name}.{name}.csv"
        write_text(path, csv_text(table))
        paths.append(path)
    return paths


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV text for spreadsheets.

    Numbers are written in full, days as ISO text, a list as its parts with semicolons. Text that a
    spreadsheet would take for a formula begins with an apostrophe, column names too.
    """
    columns = {safe_text(str(name)): _column(table[name]) for name in table.columns}
    frame = pd.DataFrame(columns, index=table.index)
    return _BYTE_ORDER_MARK + frame.to_csv(index=False, lineterminator="\r\n")


def safe_text(text: str) -> str:
    """Return text that no spreadsheet takes for a formula, also not behind leading blanks."""
    return f"'{text}" if text.lstrip(" \u00a0\u200b\ufeff").startswith(_FORMULA_STARTS) else text


def _column(values: pd.Series) -> pd.Series:
    types = pd.api.types
    if types.is_numeric_dtype(values) or "decimal" in str(values.dtype):
        return values
    if types.is_datetime64_any_dtype(values):
        has_time = (values.dropna() != values.dropna().dt.normalize()).any()
        return values.dt.strftime("%Y-%m-%dT%H:%M:%S" if has_time else "%Y-%m-%d")
    # By hand: map() may call a function on whole blocks of extension types.
    return pd.Series([_cell(value) for value in values], index=values.index, dtype=object)


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return safe_text(value)
    if isinstance(value, (list, tuple, np.ndarray)):
        return safe_text("; ".join(map(str, value)))
    return None if is_missing(value) else value
