"""Stated rules for rows that say the same: files that overlap, exact duplicates, equal keys.

All work on `parsed_<table>` (see `mapping`). A row that a rule merges is listed in `merged` with
its reason and stays where it is, so that rows and money can be balanced.
"""

import duckdb

from analysis.core.tables import Table
from analysis.sources.load_report import Portion
from analysis.sources.mapping import SAME_KEY
from analysis.sources.sql import literal

# Tables of things that several systems know: one row per thing, filled from all of them.
SHARED = ("customers", "regions", "products", "reps", "teams")
OVERLAP = "in another file too"
DUPLICATE = "exact duplicate"
IDENTICAL = "identical row"
OTHER_SOURCE = "known from another source too"


def create_merged(con: duckdb.DuckDBPyConnection) -> None:
    """Make the list of merged rows."""
    con.execute("CREATE TABLE merged (_table VARCHAR, _file INTEGER, _row BIGINT, reason VARCHAR)")


def good_rows(table: str) -> str:
    """Return SQL for the rows of a table that are neither rejected nor merged."""
    return (
        f"(SELECT p.* FROM parsed_{table} p ANTI JOIN (SELECT * FROM merged WHERE _table ="
        f" {literal(table)}) m ON p._file = m._file AND p._row = m._row WHERE p._bad IS NULL)"
    )


def merge_overlap(con: duckdb.DuckDBPyConnection, table: str, files: list[int]) -> None:
    """Merge rows that several of these files hold: kept as often as the file that has them most.

    The n-th row of some content in one file is the n-th of that content in another. It is kept
    where it stands first in the order of files.
    """
    if len(files) < 2:
        return
    chosen = f"_file IN ({', '.join(map(str, files))}) AND _content IS NOT NULL"
    con.execute(
        f"""
INSERT INTO merged
WITH shared AS (
    SELECT _content FROM parsed_{table} WHERE {chosen}
    GROUP BY _content HAVING min(_file) <> max(_file)
), counted AS (
    SELECT _file, _row, _content,
        row_number() OVER (PARTITION BY _content, _file ORDER BY _row) AS nth
    FROM parsed_{table} WHERE {chosen} AND _content IN (SELECT _content FROM shared)
), ranked AS (
    SELECT _file, _row, row_number() OVER (PARTITION BY _content, nth ORDER BY _file) AS place
    FROM counted
)
SELECT {literal(table)}, _file, _row, {literal(OVERLAP)} FROM ranked WHERE place > 1"""
    )


def exact_duplicates(con: duckdb.DuckDBPyConnection, table: str) -> Portion:
    """Return the rows beyond the first of each content, and their money."""
    sql = f"""
SELECT coalesce(sum(n - 1), 0), coalesce(sum((n - 1) * money), 0)
FROM (
    SELECT _content, count(*) AS n, any_value(_money) AS money FROM {good_rows(table)}
    GROUP BY _content HAVING count(*) > 1
)"""
    rows, amount = con.execute(sql).fetchall()[0]
    return Portion(int(rows), amount)


def merge_duplicates(con: duckdb.DuckDBPyConnection, table: str, files: list[int]) -> None:
    """Merge exact duplicates within these files; the first row of each content stays."""
    con.execute(
        f"""
INSERT INTO merged
SELECT {literal(table)}, _file, _row, {literal(DUPLICATE)} FROM (
    SELECT _file, _row, row_number() OVER (PARTITION BY _content ORDER BY _file, _row) AS place
    FROM {good_rows(table)} WHERE _file IN ({", ".join(map(str, files))})
) WHERE place > 1"""
    )


def settle_keys(
    con: duckdb.DuckDBPyConnection, table: Table, source_of_file: dict[int, int]
) -> None:
    """Leave one row per key: identical rows are merged, other rows of the key are rejected.

    Only where several sources know the same thing (a customer, a product) are their rows merged
    into one, which takes each value from the first source that has it.
    """
    key = ", ".join(table.key)
    rows = good_rows(table.name)
    twice = f"SELECT 1 FROM {rows} GROUP BY {key} HAVING count(*) > 1 LIMIT 1"
    if not con.execute(twice).fetchall():
        return
    source = "CASE _file " + " ".join(f"WHEN {f} THEN {s}" for f, s in source_of_file.items())
    con.execute(
        f"""
CREATE OR REPLACE TEMP TABLE later AS
SELECT * FROM (
    SELECT _file, _row, {key}, _content, {source} END AS _source,
        row_number() OVER (PARTITION BY {key} ORDER BY _file, _row) AS place,
        first_value(_content) OVER (PARTITION BY {key}, {source} END ORDER BY _file, _row)
            AS first_content,
        first_value({source} END) OVER (PARTITION BY {key} ORDER BY _file, _row) AS first_source,
        row_number() OVER (PARTITION BY {key}, {source} END ORDER BY _file, _row) AS place_in_source
    FROM {rows}
) WHERE place > 1"""
    )
    is_shared = "true" if table.name in SHARED else "false"
    is_identical = "(place_in_source > 1 AND later._content = first_content)"
    from_other = f"({is_shared} AND _source <> first_source AND place_in_source = 1)"
    con.execute(
        f"INSERT INTO merged SELECT {literal(table.name)}, _file, _row,"
        f" CASE WHEN {is_identical} THEN {literal(IDENTICAL)} ELSE {literal(OTHER_SOURCE)} END"
        f" FROM later WHERE {is_identical} OR {from_other}"
    )
    shown = "concat_ws(', ', " + ", ".join(f"later.{k}" for k in table.key) + ")"
    con.execute(
        f"UPDATE parsed_{table.name} AS p SET _bad = {literal(SAME_KEY)}, _found = {shown}"
        " FROM later WHERE p._file = later._file AND p._row = later._row"
        f" AND NOT ({is_identical} OR {from_other})"
    )


def filled_from_sources(table: Table) -> str:
    """Return SQL for good rows of a shared table, empty values filled from merged rows."""
    key = ", ".join(table.key)
    others = [c for c in table.column_names if c not in table.key]
    filled = [
        f"first({c} ORDER BY _file, _row) FILTER (WHERE {c} IS NOT NULL) AS {c}" for c in others
    ]
    columns = ", ".join([key, *filled, "min(_file) AS _file", "arg_min(_row, _file) AS _row"])
    return f"(SELECT {columns} FROM parsed_{table.name} WHERE _bad IS NULL GROUP BY {key})"
