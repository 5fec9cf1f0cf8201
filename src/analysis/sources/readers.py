"""One raw file as a relation of text columns with row numbers, whatever its format.

CSV and other delimited text, Excel sheets and Parquet all become the same: `row_number`, `c0`,
`c1`, ... as text, missing where the file holds nothing. Nothing is interpreted here except what a
format itself states: a number or a date that Parquet or Excel stores as such is written plainly.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa

from analysis.core.problems import InputError, Problem
from analysis.core.settings import Source
from analysis.sources import text_files
from analysis.sources.sql import literal, name

_BATCH_ROWS = 20_000
_MANY_RAGGED = 1_000
_EXCEL_ENDINGS = (".xlsx", ".xlsm")
_NUMBERS = ("INT", "DECIMAL", "FLOAT", "DOUBLE")


@dataclass
class Staged:
    """A file, or a sheet of one, that SQL can read as `relation`."""

    relation: str
    file: str  # as people find it: path below data/raw, sheet in brackets
    columns: tuple[str, ...]
    # Columns whose values the format itself states as numbers, or as dates.
    numbers: frozenset[str] = frozenset()
    dates: frozenset[str] = frozenset()
    is_excel: bool = False
    blank_rows: int = 0
    ragged: list[tuple[int, int, str]] = field(default_factory=list)
    notes: tuple[str, ...] = ()


def stage(con: duckdb.DuckDBPyConnection, path: Path, file: str, source: Source) -> list[Staged]:
    """Return what the file holds, one item per sheet; InputError when it cannot be read.

    `file` is the name to show. The relations live in `con`, text files and sheets as tables on its
    disk, Parquet as views.
    """
    ending = path.suffix.lower()
    if ending == ".parquet":
        staged = [_stage_parquet(con, path, file)]
    elif ending in _EXCEL_ENDINGS:
        staged = _stage_excel(con, path, file)
    elif ending == ".xls":
        raise InputError(_unreadable(file, "the Excel format of before 2007", "save it as .xlsx"))
    else:
        staged = [_stage_text(con, path, file, source)]
    filled = [item for item in staged if _count_rows(con, item)]
    if not filled:
        found = "a header and no rows" if staged and staged[0].columns else "no rows"
        raise InputError(
            Problem(file, found, "a header line and rows", "export it again, or remove the file")
        )
    return filled


def _next_relation(con: duckdb.DuckDBPyConnection) -> str:
    sql = "SELECT count(*) FROM information_schema.tables WHERE starts_with(table_name, 'staged_')"
    return f"staged_{con.execute(sql).fetchall()[0][0]}"


def _count_rows(con: duckdb.DuckDBPyConnection, staged: Staged) -> int:
    """Count the rows, and set the blank ones apart."""
    if not staged.columns:
        return 0
    blank = f"{every_blank(staged)}"
    sql = f"SELECT count(*), count(*) FILTER (WHERE {blank}) FROM {staged.relation}"
    total, blanks = con.execute(sql).fetchall()[0]
    staged.blank_rows += blanks
    return total - blanks + len(staged.ragged)


def every_blank(staged: Staged) -> str:
    """Return the SQL condition that a row holds nothing at all."""
    columns = ", ".join(f"nullif(trim(c{n}), '')" for n in range(len(staged.columns)))
    return f"coalesce({columns}) IS NULL"


def _stage_text(con: duckdb.DuckDBPyConnection, path: Path, file: str, source: Source) -> Staged:
    shape = text_files.examine(path, file, encoding=source.encoding, delimiter=source.delimiter)
    ragged = text_files.Ragged()
    relation = _next_relation(con)
    reader = text_files.records(path, shape, ragged)
    try:
        _create(con, relation, reader)
    except (pa.ArrowException, duckdb.Error) as error:
        raise InputError(_unreadable(file, _first_line(error), "export it again")) from error
    staged = Staged(relation, file, shape.header, ragged=ragged.rows, notes=_text_notes(shape))
    staged.blank_rows = len(ragged.blank)
    _refuse_mostly_ragged(con, staged)
    if shape.ends_in_quotes and _last_record_has_lines(con, staged):
        found = "a quotation mark that is opened and never closed"
        raise InputError(_unreadable(file, found, "close or remove the quotation mark"))
    return staged


def _refuse_mostly_ragged(con: duckdb.DuckDBPyConnection, staged: Staged) -> None:
    """Many rows that do not fit the header are not dirt: the file was misread."""
    if len(staged.ragged) < _MANY_RAGGED:
        return
    fitting = con.execute(f"SELECT count(*) FROM {staged.relation}").fetchall()[0][0]
    if fitting < len(staged.ragged):
        number, fields, _ = staged.ragged[0]
        raise InputError(
            Problem(
                staged.file,
                f"{len(staged.ragged):,} rows whose fields are not as many as in the header, the "
                f"first of them row {number} with {fields}",
                f"{len(staged.columns)} fields in a row",
                "set `delimiter` of its source in project.toml, or export the file again",
            )
        )


def _text_notes(shape: text_files.TextShape) -> tuple[str, ...]:
    if shape.encoding == "cp1252":
        return ("not UTF-8, read as Windows-1252",)
    return ()


def _last_record_has_lines(con: duckdb.DuckDBPyConnection, staged: Staged) -> bool:
    columns = ", ".join(f"c{n}" for n in range(len(staged.columns)))
    sql = (
        f"SELECT contains(concat_ws('', {columns}), chr(10)) FROM {staged.relation}"
        " ORDER BY row_number DESC LIMIT 1"
    )
    last = con.execute(sql).fetchall()
    return bool(last and last[0][0]) or any("\n" in text for _, _, text in staged.ragged[-1:])


def _create(con: duckdb.DuckDBPyConnection, relation: str, reader: pa.RecordBatchReader) -> None:
    con.register("incoming", reader)
    try:
        con.execute(f"CREATE TABLE {relation} AS SELECT * FROM incoming")
    finally:
        con.unregister("incoming")


def _stage_parquet(con: duckdb.DuckDBPyConnection, path: Path, file: str) -> Staged:
    scan = f"read_parquet({literal(str(path))}, file_row_number = true)"
    try:
        described = con.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
    except duckdb.Error as error:
        mend = "export it again, or give the file the ending of what it is"
        raise InputError(_unreadable(file, _first_line(error), mend)) from error
    kinds = {row[0]: str(row[1]) for row in described if row[0] != "file_row_number"}
    texts = [f"{_as_text(name(c), kind)} AS c{n}" for n, (c, kind) in enumerate(kinds.items())]
    relation = _next_relation(con)
    con.execute(
        f"CREATE VIEW {relation} AS SELECT file_row_number + 1 AS row_number,"
        f" {', '.join(texts)} FROM {scan}"
    )
    numbers = frozenset(c for c, kind in kinds.items() if any(n in kind for n in _NUMBERS))
    dates = frozenset(c for c, kind in kinds.items() if kind.startswith(("DATE", "TIMESTAMP")))
    return Staged(relation, file, tuple(kinds), numbers, dates)


def _as_text(column: str, kind: str) -> str:
    """Write a stored value out plainly: whole numbers without a fraction, moments in UTC."""
    if kind in ("DOUBLE", "FLOAT"):
        whole = f"{column} = trunc({column}) AND abs({column}) < 1e15"
        return (
            f"CASE WHEN isnan({column}) THEN NULL WHEN {whole}"
            f" THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) ELSE CAST({column} AS VARCHAR) END"
        )
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"CAST(make_timestamp(epoch_us({column})) AS VARCHAR)"
    return f"CAST({column} AS VARCHAR)"


def _stage_excel(con: duckdb.DuckDBPyConnection, path: Path, file: str) -> list[Staged]:
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises many kinds for a file that is no workbook
        mend = "open it in a spreadsheet program and save it again as .xlsx"
        raise InputError(_unreadable(file, f"no workbook ({_first_line(error)})", mend)) from error
    try:
        names = [sheet.title for sheet in book.worksheets]
        shown = {n: f"{file} [{n}]" if len(names) > 1 else file for n in names}
        return [_stage_sheet(con, book[n], shown[n]) for n in names]
    finally:
        book.close()


def _stage_sheet(con: duckdb.DuckDBPyConnection, sheet: Any, file: str) -> Staged:
    sheet.reset_dimensions()  # some programs write a wrong extent
    rows = enumerate(sheet.iter_rows(values_only=True), 1)
    header: tuple[str, ...] = ()
    for _, row in rows:
        if any(cell is not None for cell in row):
            header = tuple("" if cell is None else _cell_text(cell) or "" for cell in row)
            break
    staged = Staged(_next_relation(con), file, header, is_excel=True)
    schema = pa.schema(
        [("row_number", pa.int64()), *((f"c{n}", pa.string()) for n in range(len(header)))]
    )
    batches = _sheet_batches(rows, schema, staged)
    _create(con, staged.relation, pa.RecordBatchReader.from_batches(schema, batches))
    return staged


def _sheet_batches(
    rows: Iterator[tuple[int, tuple[Any, ...]]], schema: pa.Schema, staged: Staged
) -> Iterator[pa.RecordBatch]:
    width = len(staged.columns)
    block: list[tuple[Any, ...]] = []
    for number, row in rows:
        cells = [_cell_text(cell) for cell in row]
        if any(cell is not None for cell in cells[width:]):
            shown = " | ".join(cell or "" for cell in cells)
            staged.ragged.append((number, len(cells), shown))
            continue
        padded = cells[:width] + [None] * (width - len(cells))
        block.append((number, *padded))
        if len(block) == _BATCH_ROWS:
            yield _batch(block, schema)
            block = []
    if block:
        yield _batch(block, schema)


def _batch(block: list[tuple[Any, ...]], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*block, strict=True)
    return pa.RecordBatch.from_arrays(
        [pa.array(column, f.type) for column, f in zip(columns, schema, strict=True)],
        schema=schema,
    )


def _cell_text(cell: Any) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)


def _unreadable(file: str, found: str, mend: str) -> Problem:
    return Problem(file, found, "a file that can be read to its end", mend)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else repr(error)
