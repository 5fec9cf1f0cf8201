"""Parsed rows to finished tables: line numbers, collected tables, rejects, Parquet files.

Everything is written in the order of source, file and row, so that the same input gives the same
bytes.
"""

from pathlib import Path

import duckdb
import pyarrow as pa

from analysis.core.tables import DUCKDB_TYPES, Table
from analysis.sources.load_report import Spelling
from analysis.sources.mapping import FAR_DAY, MONEY, NO_LINK, NO_RATE, SAME_KEY, Mapping
from analysis.sources.merging import SHARED, filled_from_sources, good_rows
from analysis.sources.presets import RAW_TABLES, Collected
from analysis.sources.sql import literal, name

REJECT_COLUMNS = (
    "source VARCHAR, file VARCHAR, row_number BIGINT, table_name VARCHAR, column_name VARCHAR,"
    " found VARCHAR, expected VARCHAR, mend VARCHAR, amount DECIMAL(18,4), raw VARCHAR,"
    " unconverted_amount DECIMAL(18,4), unconverted_currency VARCHAR"
)
_COLLECTED_FILE = 1_000_000  # behind every real file


def create_parsed(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Make the empty table that the rows of all files go to."""
    declared = ", ".join(f"{c.name} {DUCKDB_TYPES[c.kind]}" for c in table.columns)
    con.execute(
        f"CREATE TABLE parsed_{table.name} ({declared}, _file INTEGER, _row BIGINT,"
        " _money DECIMAL(18,4), _bad VARCHAR, _found VARCHAR, _content UBIGINT)"
    )


def add_helper_columns(con: duckdb.DuckDBPyConnection, m: Mapping) -> None:
    """Give the parsed table a place for the helpers of a preset."""
    for helper, part in m.preset.helpers.items():
        con.execute(
            f"ALTER TABLE parsed_{m.table.name} ADD COLUMN IF NOT EXISTS"
            f" _h_{helper} {DUCKDB_TYPES[part.kind]}"
        )


def finish_table(
    con: duckdb.DuckDBPyConnection, table: Table, positions: dict[str, str], *, is_open: bool
) -> None:
    """Make `final_<table>` of the good rows: declared columns, `_file` and `_row`.

    `positions` holds SQL for columns that number rows. An open one is a table, to which collected
    or fixed rows can be added; else it is a view, so that many rows are not stored once more.
    """
    rows = filled_from_sources(table) if table.name in SHARED else good_rows(table.name)
    columns = ", ".join(f"{positions.get(c, c)} AS {c}" for c in table.column_names)
    made = "TABLE" if is_open else "VIEW"
    con.execute(f"CREATE {made} final_{table.name} AS SELECT {columns}, _file, _row FROM {rows}")


def position_sql(within: str) -> str:
    """Return SQL for a row's position among the rows of one source with the same value."""
    return f"row_number() OVER (PARTITION BY source_system, {within} ORDER BY _file, _row)"


def renumber_lines(
    con: duckdb.DuckDBPyConnection, table: Table, files: list[int], pair: tuple[str, str]
) -> Spelling:
    """Number the lines of a document by position where the source's numbers cannot be a key.

    A document keeps the numbers that it has unless one is missing or stands there twice.
    """
    number, within = pair
    rows = f"(SELECT * FROM {good_rows(table.name)} WHERE _file IN ({_listed(files)}))"
    con.execute(
        f"""
CREATE OR REPLACE TEMP TABLE positions AS
WITH wrong AS (
    SELECT DISTINCT {within} FROM (
        SELECT {within} FROM {rows} GROUP BY {within}, {number}
        HAVING count(*) > 1 OR {number} IS NULL
    )
)
SELECT p._file, p._row, p.{number} AS given,
    row_number() OVER (PARTITION BY p.{within} ORDER BY p._file, p._row) AS position
FROM {rows} p SEMI JOIN wrong ON p.{within} = wrong.{within}"""
    )
    given = con.execute("SELECT count(given) FROM positions").fetchall()[0][0]
    con.execute(
        f"UPDATE parsed_{table.name} AS p SET {number} = positions.position FROM positions"
        " WHERE p._file = positions._file AND p._row = positions._row"
    )
    rule = f"{table.name}.{number}: missing or twice in one {within}, so numbered by position"
    return Spelling(rule, "given numbers", "positions", given)


def collect_table(
    con: duckdb.DuckDBPyConnection, name_: str, part: Collected, files: list[int]
) -> list[Spelling]:
    """Gather a table from the rows of another; ids that the table has already stay as they are."""
    table = RAW_TABLES[name_]
    key = table.key[0]
    rows = f"(SELECT * FROM {good_rows(part.collect_from)} WHERE _file IN ({_listed(files)}))"
    source = {ours: _column_of(part, theirs) for ours, theirs in part.columns.items()}
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE ids AS SELECT DISTINCT {source[key]} AS {key} FROM {rows}"
        f" WHERE {source[key]} IS NOT NULL"
    )
    spellings, values, joins = [], {key: f"ids.{key}"}, ""
    for n, (ours, theirs) in enumerate((o, t) for o, t in source.items() if o != key):
        spellings += _most_frequent(con, f"votes_{n}", rows, source[key], theirs, (name_, ours))
        joins += f" LEFT JOIN votes_{n} ON votes_{n}.id = ids.{key}"
        values[ours] = f"votes_{n}.value"
    con.execute(
        f"INSERT INTO final_{name_} BY NAME SELECT {_each(values)}, {_COLLECTED_FILE} AS _file,"
        f" row_number() OVER (ORDER BY ids.{key}) AS _row FROM ids{joins}"
        f" WHERE ids.{key} NOT IN (SELECT {key} FROM final_{name_})"
    )
    return spellings


def _column_of(part: Collected, theirs: str) -> str:
    is_declared = theirs in RAW_TABLES[part.collect_from].column_names
    return theirs if is_declared else f"_h_{theirs}"


def _most_frequent(
    con: duckdb.DuckDBPyConnection,
    votes: str,
    rows: str,
    key: str,
    value: str,
    place: tuple[str, str],
) -> list[Spelling]:
    """Make the table of each id's most frequent value (of equal ones the first in the alphabet)."""
    con.execute(
        f"""
CREATE OR REPLACE TEMP TABLE {votes} AS
SELECT id, value, n, total, spellings FROM (
    SELECT {key} AS id, {value} AS value, count(*) AS n,
        sum(count(*)) OVER (PARTITION BY {key}) AS total,
        count(*) OVER (PARTITION BY {key}) AS spellings,
        row_number() OVER (PARTITION BY {key} ORDER BY count(*) DESC, {value}) AS place
    FROM {rows} WHERE {key} IS NOT NULL AND {value} IS NOT NULL GROUP BY {key}, {value}
) WHERE place = 1"""
    )
    ids, lines = con.execute(
        f"SELECT count(*), coalesce(sum(total - n), 0) FROM {votes} WHERE spellings > 1"
    ).fetchall()[0]
    if not ids:
        return []
    table, column = place
    rule = f"{table}.{column}: the most frequent wins where the source has several for one id"
    return [Spelling(rule, f"{ids:,} ids with several", "the most frequent", int(lines))]


def add_fixed_rows(
    con: duckdb.DuckDBPyConnection, name_: str, rows: tuple[dict[str, str], ...]
) -> None:
    """Add rows that a preset states as data."""
    table = RAW_TABLES[name_]
    for n, row in enumerate(rows):
        values = {
            c: f"CAST({literal(v)} AS {DUCKDB_TYPES[table.column(c).kind]})" for c, v in row.items()
        }
        con.execute(
            f"INSERT INTO final_{name_} BY NAME SELECT {_each(values)},"
            f" {_COLLECTED_FILE} AS _file, {n} AS _row"
        )


def _each(columns: dict[str, str]) -> str:
    return ", ".join(f"{sql} AS {column}" for column, sql in columns.items())


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))


def collect_rejects(con: duckdb.DuckDBPyConnection, m: Mapping, file: str) -> None:
    """Add the bad rows of one file to `rejects`, with the whole raw row as JSON."""
    pairs = ", ".join(
        f"{literal(column or f'column {n + 1}')}, s.c{n}"
        for n, column in enumerate(m.staged.columns)
    )
    money = f"CASE WHEN p._bad = {literal(NO_RATE)} THEN"  # what no rate converts, as it stands
    unconverted = f"{money} p.original_amount END, {money} p.currency END"
    if m.table.name not in MONEY:
        unconverted = "NULL, NULL"
    expectations = [expectation(m, bad) for bad in _possible(m)]
    values = ", ".join(f"({', '.join(map(literal, e))})" for e in expectations)
    con.execute(
        f"""
INSERT INTO rejects
SELECT {literal(m.source)}, {literal(file)}, p._row, {literal(m.table.name)}, e.column_name,
    coalesce(p._found, '(nothing)'), e.expected, e.mend, p._money, json_object({pairs}),
    {unconverted}
FROM parsed_{m.table.name} p
JOIN {m.staged.relation} s ON s.row_number = p._row
JOIN (VALUES {values}) e (bad, column_name, expected, mend) ON e.bad = p._bad
WHERE p._file = {m.file_no} AND p._bad IS NOT NULL"""
    )
    if m.staged.ragged:
        _add_ragged(con, m, file)


def _add_ragged(con: duckdb.DuckDBPyConnection, m: Mapping, file: str) -> None:
    numbers, fields, texts = zip(*m.staged.ragged, strict=True)
    con.register("ragged", pa.table({"number": numbers, "fields": fields, "text": texts}))
    mend = "put text that holds the delimiter in quotation marks, or complete the row"
    con.execute(
        f"""
INSERT INTO rejects
SELECT {literal(m.source)}, {literal(file)}, number, {literal(m.table.name)}, '(the whole row)',
    fields || ' fields', '{len(m.staged.columns)} fields, as in the header', {literal(mend)}, NULL,
    json_object('text', text), NULL, NULL
FROM ragged"""
    )
    con.unregister("ragged")


def _possible(m: Mapping) -> list[str]:
    return [
        *m.kinds,
        *(c for c in m.table.column_names if c not in m.kinds),
        NO_RATE,
        NO_LINK,
        SAME_KEY,
        FAR_DAY,
    ]


def expectation(m: Mapping, bad: str) -> tuple[str, str, str, str]:
    """Return the bad mark, the column to show, what was expected, and the mend."""
    raw = {ours: m.staged.columns[p] for ours, p in m.columns.positions.items()}
    if bad == NO_RATE:
        return (
            bad,
            "currency",
            f"{m.company_currency}, or a rate in exchange_rates valid on the day",
            "add the rate to the table exchange_rates, or correct the currency",
        )
    if bad == NO_LINK:
        return (
            bad,
            raw.get("customer_id", "customer_id"),
            f"an id that customer_links knows for source {m.source}",
            "add the customer to customer_links",
        )
    if bad == FAR_DAY:
        return (
            bad,
            raw.get("invoiced_on", "invoiced_on"),
            "a day near the other lines of the source",
            "correct the date; if it is right, set keep_isolated_days = true in"
            f" [sources.{m.source}]",
        )
    if bad == SAME_KEY:
        key = " and ".join(m.table.key)
        return bad, key, f"one row per {key}", "keep the right one of the rows in the export"
    expected, mend = _expected_value(m, bad)
    return bad, raw.get(bad, bad), expected, mend


def _expected_value(m: Mapping, column: str) -> tuple[str, str]:
    helper = m.preset.helpers.get(column)
    declared = {c.name: c for c in m.table.columns}.get(column)
    kind = helper.kind if helper else declared.kind if declared else "text"
    if declared and declared.allowed:
        return f"one of {', '.join(declared.allowed)}", "correct the word in the source"
    if column == "source_system":
        return f"a source of project.toml: {', '.join(m.sources)}", "correct the source's name"
    if column == "currency":
        return "an ISO 4217 code such as EUR", "correct the currency in the source"
    return {
        "day": ("a real date such as 2026-09-30, from 1900 to 2199", "correct the date"),
        "moment": ("a real date or time such as 2026-09-30 14:05", "correct the date"),
        "amount": ("a number such as 1234.56", "correct the number, or set decimal of its source"),
        "number": ("a number such as 1234.56", "correct the number, or set decimal of its source"),
        "count": ("a whole number such as 12", "correct the number"),
        "share": ("a share from 0 to 1, or a percentage with %", "correct the share"),
        "flag": ("true or false", "write true or false"),
    }.get(kind, ("a value", "complete the row in the source"))


def write_table(con: duckdb.DuckDBPyConnection, table: Table, folder: Path) -> int:
    """Write `final_<table>` in its order and return its rows; no file for no row."""
    count = con.execute(f"SELECT count(*) FROM final_{table.name}").fetchall()[0][0]
    if count:
        columns = ", ".join(name(c) for c in table.column_names)
        _copy(
            con,
            f"SELECT {columns} FROM final_{table.name} ORDER BY _file, _row",
            folder / f"{table.name}.parquet",
        )
    return count


def write_rejects(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write every rejected row; the file is there also when there is none."""
    order = "source, file, row_number, table_name"
    columns = (
        'source, file, row_number, table_name AS "table", column_name AS "column",'
        " found, expected, mend, amount, unconverted_amount, unconverted_currency, raw"
    )
    _copy(con, f"SELECT {columns} FROM rejects ORDER BY {order}", folder / "rejects.parquet")


def _copy(con: duckdb.DuckDBPyConnection, select: str, path: Path) -> None:
    con.execute("SET preserve_insertion_order = true")  # the order of the rows in the file
    con.execute(f"COPY ({select}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)")
