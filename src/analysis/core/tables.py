"""What a table is: grain, key, columns with kind, unit and meaning; checks are made from it.

The declarations themselves live in `tables_customers`, `tables_sales`, `tables_strategy` and
`tables_derived`; `dictionary` gathers them.
"""

from dataclasses import dataclass
from typing import Literal

import pandas as pd
import pandera.pandas as pa

from analysis.core.problems import Problem, TableError

Kind = Literal["id", "text", "day", "moment", "count", "number", "share", "amount", "flag", "list"]

# Money is exact in the engine; DECIMAL(18,4) holds 10^14 of a currency with its ten-thousandths.
DUCKDB_TYPES: dict[Kind, str] = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "day": "DATE",
    "moment": "TIMESTAMP",
    "count": "BIGINT",
    "number": "DOUBLE",
    "share": "DOUBLE",
    "amount": "DECIMAL(18,4)",
    "flag": "BOOLEAN",
    "list": "VARCHAR[]",
}
KIND_MEANINGS: dict[Kind, str] = {
    "id": "text that names one thing; never computed with",
    "text": "words",
    "day": "calendar day",
    "moment": "point in time, UTC, without zone",
    "count": "whole number",
    "number": "real number",
    "share": "0 to 1",
    "amount": "money in the company's currency unless the meaning says otherwise",
    "flag": "true or false",
    "list": "several texts",
}


@dataclass(frozen=True)
class Column:
    """One column: what it holds and in which unit."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    allowed: tuple[str, ...] = ()
    is_required: bool = False
    is_personal: bool = False


@dataclass(frozen=True)
class Table:
    """A declared table: one row per `grain`, named by `key`."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        missing = set(self.key) - set(self.column_names)
        if missing:
            raise ValueError(f"table {self.name}: key columns {sorted(missing)} are not declared")

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the column of this name; KeyError when the table has none."""
        return {column.name: column for column in self.columns}[name]

    @property
    def required_names(self) -> frozenset[str]:
        return frozenset(c.name for c in self.columns if c.is_required) | frozenset(self.key)


def check_table(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return `frame` when it keeps the declaration; raise TableError with every breach otherwise.

    Checked are: columns present, kinds, no missing key or required value, one row per key, shares
    within 0 to 1, allowed values. Columns that the declaration does not know are refused, so that
    every column of a stored table has a documented meaning.
    """
    try:
        return _schema(table).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        raise TableError(_problems(error, table)) from error


def _schema(table: Table) -> pa.DataFrameSchema:
    columns = {column.name: _pandera_column(column, table) for column in table.columns}
    return pa.DataFrameSchema(columns, strict=True, unique=list(table.key), name=table.name)


def _pandera_column(column: Column, table: Table) -> pa.Column:
    checks = [pa.Check(lambda s, kind=column.kind: _has_kind(s, kind), error=f"{column.kind}")]
    if column.kind == "share":
        checks.append(pa.Check.in_range(0, 1, error="within 0 to 1"))
    if column.allowed:
        checks.append(pa.Check.isin(column.allowed, error=f"one of {', '.join(column.allowed)}"))
    return pa.Column(checks=checks, nullable=column.name not in table.required_names)


def _has_kind(values: pd.Series, kind: Kind) -> bool:
    if values.isna().all():
        return True
    types = pd.api.types
    if kind in ("id", "text"):
        return types.is_string_dtype(values) or isinstance(values.dtype, pd.CategoricalDtype)
    if kind in ("day", "moment"):
        return types.is_datetime64_any_dtype(values)
    if kind == "flag":
        return types.is_bool_dtype(values)
    if kind == "count":
        return types.is_integer_dtype(values)
    if kind == "list":
        return types.is_object_dtype(values) or str(values.dtype).startswith("list")
    return types.is_numeric_dtype(values) or _is_decimal(values)


def _is_decimal(values: pd.Series) -> bool:
    return "decimal" in str(values.dtype)


def _problems(error: pa.errors.SchemaErrors, table: Table) -> list[Problem]:
    cases = error.failure_cases
    grouped = cases.groupby(["column", "check"], dropna=False, sort=False)["failure_case"]
    return [
        Problem(
            f"table {table.name}, column {column}",
            f"{len(values)} value(s), for example {list(values.astype(str).head(3))}",
            f"{check} ({table.grain})",
            "see the data dictionary for this column, and mend the step that makes the table",
        )
        for (column, check), values in grouped
    ]
