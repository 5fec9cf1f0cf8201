"""What was known of every customer and day at the end of a period? One SQL file per answer.

The lines are read from Parquet in two streaming passes (money by document, products by customer);
every derived table is made from those two, so that an earlier origin of the back-test costs no
further pass. Each definition stands once, in its .sql file; the earlier origins run the same text.
The SQL is a subset that Spark knows too; what is DuckDB's own is in this module.
"""

import hashlib
import logging
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis.core.contents import damage_words, damaged, seal
from analysis.core.files import UNFINISHED, new_directory, read_json, write_json
from analysis.core.periods import FiscalCalendar, Period
from analysis.core.problems import InputError, Problem, TableError, raise_all
from analysis.core.project import Project
from analysis.core.tables import DUCKDB_TYPES, Table
from analysis.core.tables_customers import CUSTOMERS, INVOICE_LINES, LINE_KINDS, PRODUCTS
from analysis.core.tables_derived import (
    BACKTEST_ORIGINS,
    COMPANY_DAYS,
    COMPANY_KINDS,
    COMPANY_PERIODS,
    CUSTOMER_CATEGORIES,
    CUSTOMER_FEATURES,
    CUSTOMER_KINDS,
    CUSTOMER_PERIODS,
    CUSTOMER_PRODUCTS,
    PRODUCT_PERIODS,
    SELLER_PERIODS,
)
from analysis.features.grid import grid, register_cadences, register_grid

MADE_TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        COMPANY_DAYS,
        COMPANY_PERIODS,
        CUSTOMER_PERIODS,
        CUSTOMER_FEATURES,
        CUSTOMER_PRODUCTS,
        CUSTOMER_CATEGORIES,
        CUSTOMER_KINDS,
        COMPANY_KINDS,
        SELLER_PERIODS,
        PRODUCT_PERIODS,
        BACKTEST_ORIGINS,
    )
}
# What a customer can be charged for; a return, a write-off or a bad debt is no order.
ORDER_KINDS = ("sale", "fee", "postage", "adjustment")
_RECORD_FILE = "features.json"
_LOGGER = logging.getLogger(__name__)
_CODE = Path(__file__).parent
# Money of this table is read exactly, as decimals: its sums must balance to the cent.
_EXACT_TABLES = ("company_days",)


@dataclass(frozen=True)
class FeatureOptions:
    """How much the engine may take, and how far back the back-test goes."""

    origin_count: int = 8  # latest origins of backtest_origins, quarters
    month_end_customers: int = 30_000  # up to so many, month ends are origins as well
    month_end_quarters: int = 8  # from so many quarter ends on, they teach enough alone
    memory_limit: str = "600MB"  # of DuckDB; what does not fit goes to disk
    threads: int = 2  # results do not depend on it
    tables: tuple[str, ...] = field(default=tuple(MADE_TABLES))


def make_features(
    project: Project, snapshot: Path, period: Period, options: FeatureOptions | None = None
) -> Path:
    """Make the derived tables as of the period's end and return their folder.

    The folder is made once; it is made anew when the settings or the code that it depends on have
    changed. InputError when the snapshot has no invoice lines, or none in the period that were
    known by its end (for a single day: none up to it, or none from it on).
    """
    options = options or FeatureOptions()
    folder = project.features_dir(snapshot.name, period)
    record = _record(project, period, options)
    if _is_made(folder, record):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=folder.parent) as scratch,
        duckdb.connect(Path(scratch) / "work.duckdb") as connection,
        new_directory(folder) as work,
    ):
        _configure(connection, Path(scratch), options)
        _register_snapshot(connection, snapshot)
        first_day, _ = _known_days(connection, snapshot, period)
        _register_kinds(connection, project)
        register_grid(connection, grid(project.calendar, first_day, period, 0))
        register_cadences(connection, project.calendar, first_day, period)
        _make(connection, project.calendar, period, options, work)
        write_json(work / _RECORD_FILE, record)
        seal(work)
    return folder


def _is_made(folder: Path, record: dict[str, object]) -> bool:
    """Whether the tables are there as they must be; damaged ones are told and made anew."""
    if not (folder / _RECORD_FILE).is_file() or read_json(folder / _RECORD_FILE) != record:
        return False
    damage = damaged(folder)
    if damage:
        _LOGGER.warning(damage_words(folder, damage))
    return not damage


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """Read one derived table for an analysis.

    Days are datetime64, amounts float64; the amounts of company_days are exact decimals. KeyError
    when no derived table has this name.
    """
    declared = MADE_TABLES[name]
    table = pq.read_table(folder / f"{name}.parquet")
    if name not in _EXACT_TABLES:
        for place, column in enumerate(table.schema):
            if pa.types.is_decimal(column.type):
                table = table.set_column(place, column.name, _as_floats(table.column(place)))
    frame = table.to_pandas(types_mapper=_pandas_type)
    days = [column.name for column in declared.columns if column.kind == "day"]
    return frame.astype({day: "datetime64[us]" for day in days})


def _as_floats(amounts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the float64 nearest to each decimal; Arrow's own cast makes 11.345600000000001."""
    size = 10**amounts.type.scale
    whole = pc.cast(pc.multiply(amounts, pa.scalar(Decimal(size))), pa.int64())
    return pc.divide(pc.cast(whole, pa.float64()), pa.scalar(float(size)))


def _pandas_type(arrow_type: pa.DataType) -> pd.ArrowDtype | None:
    return pd.ArrowDtype(arrow_type) if pa.types.is_decimal(arrow_type) else None


def _record(project: Project, period: Period, options: FeatureOptions) -> dict[str, object]:
    """Everything beside the snapshot that the tables depend on."""
    quarter = project.calendar.containing(period.last_day, "quarterly")
    code = hashlib.sha256()
    for file in sorted([*_CODE.glob("*.sql"), *_CODE.glob("*.py"), *_core_files()]):
        code.update(file.name.encode() + file.read_bytes())
    return {
        "starts_on": period.starts_on.isoformat(),
        "ends_before": period.ends_before.isoformat(),
        "quarter": [quarter.name, quarter.starts_on.isoformat()],
        "biweekly_anchor_on": project.calendar.biweekly_anchor_on.isoformat(),
        "revenue_kinds": sorted(project.settings.revenue.kinds),
        "origin_count": options.origin_count,
        "month_end_customers": options.month_end_customers,
        "month_end_quarters": options.month_end_quarters,
        "tables": sorted(options.tables),
        "code": code.hexdigest()[:16],
    }


def _core_files() -> list[Path]:
    core = _CODE.parent / "core"
    return [core / f"{name}.py" for name in ("periods", "tables_customers", "tables_derived")]


def _configure(
    connection: duckdb.DuckDBPyConnection, scratch: Path, options: FeatureOptions
) -> None:
    connection.execute(f"SET memory_limit = {_text(options.memory_limit)}")
    connection.execute(f"SET temp_directory = {_text(scratch / 'spill')}")
    connection.execute(f"SET threads = {int(options.threads)}")
    connection.execute("SET enable_progress_bar = false")
    # The order of rows is set by ORDER BY alone; insertion order costs memory.
    connection.execute("SET preserve_insertion_order = false")


def _register_snapshot(connection: duckdb.DuckDBPyConnection, snapshot: Path) -> None:
    lines = snapshot / "invoice_lines.parquet"
    if not lines.is_file() and not _has_deals_only(snapshot):
        raise InputError(
            Problem(
                f"snapshot {snapshot.name}",
                "no invoice lines",
                "at least one source with invoice lines",
                "put the export into data/raw and name it in project.toml, then `analysis load`",
            )
        )
    _register(connection, INVOICE_LINES, lines)
    _register(connection, CUSTOMERS, snapshot / "customers.parquet")
    _register(connection, PRODUCTS, snapshot / "products.parquet")


def _has_deals_only(snapshot: Path) -> bool:
    """Whether a project knows of deals but not of invoices: its tables of customers are empty."""
    has_lines = (snapshot / "invoice_lines.parquet").is_file()
    return not has_lines and (snapshot / "opportunities.parquet").is_file()


def _register(connection: duckdb.DuckDBPyConnection, table: Table, file: Path) -> None:
    """Make a view with the declared columns and types; what the file lacks is missing there."""
    source = f"read_parquet({_text(file)})"
    has: set[str] = set()
    if file.is_file():
        rows = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        has = {row[0] for row in rows}
        raise_all(
            [_lacks(table, file, name) for name in sorted(table.required_names - has)], TableError
        )
    columns = ", ".join(
        f"CAST({column.name if column.name in has else 'NULL'} AS {DUCKDB_TYPES[column.kind]})"
        f" AS {column.name}"
        for column in table.columns
    )
    rows = f"FROM {source}" if has else "WHERE 1 = 0"
    connection.execute(f"CREATE TEMP VIEW {table.name} AS SELECT {columns} {rows}")


def _lacks(table: Table, file: Path, name: str) -> Problem:
    return Problem(
        f"{file.name}, column {name}",
        "no such column",
        table.column(name).meaning,
        "load the raw data again: `analysis load`",
    )


def _known_days(
    connection: duckdb.DuckDBPyConnection, snapshot: Path, period: Period
) -> tuple[date, date]:
    """Return the first and last day of the lines; InputError when the period has no lines."""
    connection.execute("CREATE TEMP TABLE scope (starts_on DATE, ends_before DATE)")
    connection.execute("INSERT INTO scope VALUES (?, ?)", [period.starts_on, period.ends_before])
    connection.execute(f"CREATE TEMP VIEW known_lines AS {_sql('known_lines')}")
    if _has_deals_only(snapshot):
        return period.starts_on, period.last_day
    first, last = connection.execute(
        "SELECT MIN(invoiced_on), MAX(invoiced_on) FROM invoice_lines"
    ).fetchall()[0]
    if first is None:
        found, days = f"no invoice lines at all (snapshot {snapshot.name})", ""
    else:
        within = connection.execute(
            "SELECT COUNT(*) FROM invoice_lines CROSS JOIN scope"
            " WHERE invoiced_on >= starts_on AND invoiced_on < ends_before"
        ).fetchall()[0][0]
        known_by = f"no lines of it known by {period.last_day}"
        found = known_by if within else f"no lines within {period}"
        days = f" from {first} to {last}"
        known = connection.execute(
            "SELECT COUNT(*) FROM known_lines CROSS JOIN scope WHERE invoiced_on >= starts_on"
        ).fetchall()[0][0]
        is_quiet_day = period.cadence == "daily" and first <= period.starts_on <= last
        if known or is_quiet_day:
            return first, last
    raise InputError(
        Problem(
            f"period {period}, {period.starts_on} to {period.last_day}",
            found,
            f"a period with data; the data run{days}" if days else "a period with data",
            "name a period that the data cover, or load the missing files with `analysis load`",
        )
    )


def _register_kinds(connection: duckdb.DuckDBPyConnection, project: Project) -> None:
    revenue = project.settings.revenue.kinds
    connection.execute("CREATE TABLE kinds (kind TEXT, is_revenue BOOLEAN, is_order BOOLEAN)")
    connection.executemany(
        "INSERT INTO kinds VALUES (?, ?, ?)",
        [[kind, kind in revenue, kind in revenue and kind in ORDER_KINDS] for kind in LINE_KINDS],
    )


def _make(
    connection: duckdb.DuckDBPyConnection,
    calendar: FiscalCalendar,
    period: Period,
    options: FeatureOptions,
    work: Path,
) -> None:
    _create(connection, "document_kinds")
    if "company_days" in options.tables:
        _write(connection, COMPANY_DAYS, work)
    _create(connection, "documents")
    _create(connection, "product_quarters")
    quarter = calendar.containing(period.last_day, "quarterly")
    _set_origin(connection, quarter, period.last_day, 0)
    _create(connection, "customer_days")
    for name in ("customer_products", "revenue_kinds"):  # what two tables each are sums of
        connection.execute(f"CREATE VIEW {name} AS {_sql(name)}")
    for table in MADE_TABLES.values():
        if table.name in options.tables and table not in (COMPANY_DAYS, BACKTEST_ORIGINS):
            _write(connection, table, work)
    if "backtest_origins" in options.tables:
        _make_backtest(connection, calendar, period, options)
        _write_query(connection, BACKTEST_ORIGINS, "SELECT * FROM replayed", work)


def _make_backtest(
    connection: duckdb.DuckDBPyConnection,
    calendar: FiscalCalendar,
    period: Period,
    options: FeatureOptions,
) -> None:
    """Fill `replayed` with the features at quarter ends; small, young companies' month ends too.

    A month end is the end of a quarter that begins a month or two later: the same SQL, other days.
    """
    connection.execute(f"CREATE TABLE replayed ({_declared_columns(BACKTEST_ORIGINS)})")
    first_day, customers = connection.execute(
        "SELECT MIN(day), COUNT(DISTINCT customer_id) FROM documents"
    ).fetchall()[0]
    if not customers:
        return
    ends = _replay(connection, grid(calendar, first_day, period, 0), period, options.origin_count)
    if customers > options.month_end_customers or ends >= options.month_end_quarters:
        return
    for months_later in (1, 2):
        quarters = grid(calendar, first_day, period, months_later)
        register_grid(connection, quarters)
        for name in ("documents", "product_quarters"):
            _create(connection, name)
        _replay(connection, quarters, period, options.origin_count)


def _replay(
    connection: duckdb.DuckDBPyConnection, quarters: Sequence[Period], period: Period, count: int
) -> int:
    """Add the features at the ends of the latest quarters whose next one ends with the period.

    Return how many such quarter ends there are.
    """
    whole = [pair for pair in pairwise(quarters) if pair[1].ends_before <= period.ends_before]
    for origin, following in whole[max(0, len(whole) - count) :]:
        _set_origin(connection, origin, origin.last_day, following.day_count)
        for name in ("customer_days", "customer_features"):
            _create(connection, name)
        connection.execute(
            "CREATE OR REPLACE VIEW origin_features AS SELECT * FROM customer_features"
        )
        query = _cast_query(BACKTEST_ORIGINS, _sql("backtest_origins"))
        connection.execute(f"INSERT INTO replayed {query}")
    return len(whole)


def _set_origin(
    connection: duckdb.DuckDBPyConnection, quarter: Period, last_day: date, horizon_days: int
) -> None:
    connection.execute(
        "CREATE OR REPLACE TABLE origin AS"
        " SELECT periods.period, periods.period_no, days.day_no, ? AS horizon_days"
        " FROM periods INNER JOIN days ON days.period_no = periods.period_no"
        " WHERE periods.period = ? AND days.day = ?",
        [horizon_days, quarter.name, last_day],
    )


def _create(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS {_sql(name)}")


def _write(connection: duckdb.DuckDBPyConnection, table: Table, work: Path) -> None:
    _write_query(connection, table, _sql(table.name), work)


def _write_query(
    connection: duckdb.DuckDBPyConnection, table: Table, query: str, work: Path
) -> None:
    """Write a query's rows in the order of the key, so that equal data give equal bytes."""
    file = work / f"{table.name}.parquet"
    ordered = f"{_cast_query(table, query)} ORDER BY {', '.join(table.key)}"
    connection.execute(
        f"COPY ({ordered}) TO {_text(file)} (FORMAT parquet, COMPRESSION zstd,"
        " ROW_GROUP_SIZE 122880)"
    )
    raise_all(list(_breaches(connection, table, file)), TableError)


def _cast_query(table: Table, query: str) -> str:
    columns = ", ".join(
        f"CAST({column.name} AS {DUCKDB_TYPES[column.kind]}) AS {column.name}"
        for column in table.columns
    )
    return f"SELECT {columns} FROM (\n{query}\n) AS made"


def _declared_columns(table: Table) -> str:
    return ", ".join(f"{column.name} {DUCKDB_TYPES[column.kind]}" for column in table.columns)


def _breaches(connection: duckdb.DuckDBPyConnection, table: Table, file: Path) -> Iterable[Problem]:
    """Find missing required values and repeated keys; names and types are set when written."""
    source = f"read_parquet({_text(file)})"
    required = sorted(table.required_names)
    nulls = ", ".join(f"COUNT(*) - COUNT({name})" for name in required)
    counts = connection.execute(f"SELECT {nulls} FROM {source}").fetchall()[0]
    for name, missing in zip(required, counts, strict=True):
        if missing:
            yield _breach(table, name, f"{missing} missing value(s)", "a value in each row")
    key = ", ".join(table.key)
    repeated = connection.execute(
        f"SELECT COUNT(*) FROM (SELECT {key} FROM {source} GROUP BY {key} HAVING COUNT(*) > 1)"
    ).fetchall()[0][0]
    if repeated:
        yield _breach(table, key, f"{repeated} repeated key(s)", f"one row: {table.grain}")


def _breach(table: Table, column: str, found: str, expected: str) -> Problem:
    return Problem(
        f"table {table.name}, column {column}",
        found,
        expected,
        f"look for repeated rows in the snapshot's tables; {table.name}.sql joins them",
    )


def _sql(name: str) -> str:
    return (_CODE / f"{name}.sql").read_text(encoding="utf-8").strip()


def _text(value: object) -> str:
    """Quote a value as SQL text."""
    return "'" + str(value).replace("'", "''") + "'"
