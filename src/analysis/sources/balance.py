"""The books of a load: rows and money of every file, compared with what was written to disk."""

import difflib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from analysis.core.problems import InputError, Problem, raise_all
from analysis.core.project import Project
from analysis.sources import merging
from analysis.sources.inventory import Inventory, RawFile
from analysis.sources.load_report import (
    ZERO,
    Counts,
    FileReport,
    KindReport,
    LoadReport,
    Merged,
    Portion,
    Spelling,
    Unmatched,
)
from analysis.sources.mapping import MONEY, Mapping
from analysis.sources.presets import RAW_TABLES
from analysis.sources.readers import every_blank
from analysis.sources.sql import listed, literal

MOST_UNMATCHED = 10_000


@dataclass(frozen=True)
class Job:
    """What a load works on."""

    project: Project
    inventory: Inventory
    snapshot: str
    folder: Path
    mappings: tuple[tuple[Mapping, RawFile], ...]


def report(
    con: duckdb.DuckDBPyConnection,
    job: Job,
    table_rows: dict[str, int],
    spellings: tuple[Spelling, ...],
) -> LoadReport:
    """Return the report of a load; a broken balance or a file that gives no row is an error."""
    files = tuple(_file_report(con, mapping, raw) for mapping, raw in job.mappings)
    raise_all(_nothing_kept(con, files), InputError)
    _check_balance(con, job, files)
    lines = job.folder / "invoice_lines.parquet"
    return LoadReport(
        job.snapshot,
        tuple(plan.name for plan in job.inventory.sources),
        files,
        {name: count for name, count in table_rows.items() if count},
        spellings=(*_resolved(con, job), *spellings),
        merged=_merged(con),
        unmatched_customers=_unmatched(con, job),
        are_duplicates_removed=any(
            plan.settings.remove_exact_duplicates for plan in job.inventory.sources
        ),
        notes=_notes(job),
        **(_about_lines(con, job, lines) if lines.is_file() else _days_of_deals(con, job.folder)),
    )


def _file_report(con: duckdb.DuckDBPyConnection, m: Mapping, raw: RawFile) -> FileReport:
    table, names = literal(m.table.name), m.staged.columns
    rows, bad, money, money_bad = con.execute(
        "SELECT count(*), count(_bad), coalesce(sum(_money), 0),"
        " coalesce(sum(_money) FILTER (WHERE _bad IS NOT NULL), 0)"
        f" FROM parsed_{m.table.name} WHERE _file = {m.file_no}"
    ).fetchall()[0]
    merged, money_merged = con.execute(
        f"SELECT count(*), coalesce(sum(p._money), 0) FROM parsed_{m.table.name} p SEMI JOIN"
        f" (SELECT * FROM merged WHERE _table = {table}) x ON p._file = x._file AND p._row = x._row"
        f" WHERE p._file = {m.file_no}"
    ).fetchall()[0]
    aside = len(m.staged.ragged)
    kept, money_kept = rows - bad - merged, money - money_bad - money_merged
    counts = Counts(
        rows + aside, kept, bad + aside, merged, money, money_kept, money_bad, money_merged
    )
    return FileReport(
        m.source,
        m.staged.file,
        m.table.name,
        raw.sha256,
        counts,
        m.staged.blank_rows,
        {ours: names[p] for ours, p in m.columns.positions.items()},
        m.columns.unused,
        m.preset.repeats,
        m.staged.notes,
    )


def _nothing_kept(con: duckdb.DuckDBPyConnection, files: tuple[FileReport, ...]) -> list[Problem]:
    """A file of which no row is good was not understood; publishing without it would mislead."""
    problems = []
    for file in files:
        counts = file.counts
        if counts.rows_read and counts.rows_rejected == counts.rows_read:
            column, found, expected, mend = con.execute(
                "SELECT column_name, any_value(found), any_value(expected), any_value(mend)"
                " FROM rejects WHERE file = ? AND table_name = ? GROUP BY column_name"
                " ORDER BY count(*) DESC, column_name LIMIT 1",
                [file.file, file.table],
            ).fetchall()[0]
            problems.append(
                Problem(
                    f"{file.file}, column {column}",
                    f"not one good row of {counts.rows_read:,}; most often {found!r}",
                    expected,
                    mend,
                )
            )
    return problems


def _check_balance(con: duckdb.DuckDBPyConnection, job: Job, files: tuple[FileReport, ...]) -> None:
    """Compare the books with the files on disk: rows and money, kept and rejected."""
    for table in {file.table for file in files}:
        counts = LoadReport.counts_of(f for f in files if f.table == table)
        kept = _on_disk(con, job.folder / f"{table}.parquet", MONEY.get(table, ("",))[0])
        rejects = job.folder / "rejects.parquet"
        rejected = _on_disk(con, rejects, "amount", f'WHERE "table" = {literal(table)}')
        read = con.execute(
            f"SELECT count(*), coalesce(sum(_money), 0) FROM parsed_{table}"
        ).fetchall()[0]
        is_collected = kept[0] > counts.rows_kept and table not in MONEY
        if not (
            counts.is_balanced
            and (kept == (counts.rows_kept, counts.money_kept) or is_collected)
            and rejected == (counts.rows_rejected, counts.money_rejected)
            and read[1] == counts.money_read
        ):
            raise AssertionError(
                f"table {table} does not balance: {counts};"
                f" on disk kept {kept}, rejected {rejected}"
            )


def _on_disk(
    con: duckdb.DuckDBPyConnection, path: Path, amount: str, where: str = ""
) -> tuple[int, Decimal]:
    if not path.is_file():
        return 0, ZERO
    money = f"coalesce(sum({amount}), 0)" if amount else "0"
    sql = f"SELECT count(*), {money} FROM read_parquet({literal(str(path))}) {where}"
    rows, total = con.execute(sql).fetchall()[0]
    return rows, Decimal(total)


def _about_lines(con: duckdb.DuckDBPyConnection, job: Job, path: Path) -> dict[str, object]:
    lines = f"read_parquet({literal(str(path))})"
    kinds = con.execute(
        f"SELECT kind, count(*), sum(revenue_amount) FROM {lines} GROUP BY kind ORDER BY kind"
    ).fetchall()
    revenue_kinds = job.project.settings.revenue.kinds
    unknown = con.execute(
        "SELECT count(*), coalesce(sum(revenue_amount) FILTER (WHERE kind IN"
        f" ({', '.join(map(literal, revenue_kinds))})), 0) FROM {lines} WHERE customer_id IS NULL"
    ).fetchall()[0]
    days = con.execute(f"SELECT min(invoiced_on), max(invoiced_on) FROM {lines}").fetchall()[0]
    return {
        "kinds": tuple(KindReport(k, n, amount, k in revenue_kinds) for k, n, amount in kinds),
        "lines_without_customer": Portion(*unknown),
        "exact_duplicates": _duplicates(con),
        "first_day": days[0],
        "last_day": days[1],
    }


def _days_of_deals(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, object]:
    """The days that a project without invoice lines knows: those of its deals."""
    moments = {"opportunities": ("created_at", "closed_at"), "stage_events": ("entered_at",)}
    selects = [
        f"SELECT {moment} AS moment FROM read_parquet({literal(str(folder / f'{table}.parquet'))})"
        for table, names in moments.items()
        if (folder / f"{table}.parquet").is_file()
        for moment in names
    ]
    if not selects:
        return {}
    union = " UNION ALL ".join(selects)
    sql = f"SELECT CAST(min(moment) AS DATE), CAST(max(moment) AS DATE) FROM ({union})"
    first, last = con.execute(sql).fetchall()[0]
    return {"first_day": first, "last_day": last}


def _duplicates(con: duckdb.DuckDBPyConnection) -> Portion:
    """Exact duplicates that were kept, or that the setting removed."""
    removed = con.execute(
        "SELECT count(*), coalesce(sum(p._money), 0) FROM parsed_invoice_lines p JOIN merged x"
        f" ON x._table = 'invoice_lines' AND x.reason = {literal(merging.DUPLICATE)}"
        " AND p._file = x._file AND p._row = x._row"
    ).fetchall()[0]
    kept = merging.exact_duplicates(con, "invoice_lines")
    return Portion(kept.rows + removed[0], kept.amount + removed[1])


def _merged(con: duckdb.DuckDBPyConnection) -> tuple[Merged, ...]:
    """Count what each rule merged, by table."""
    tables = con.execute("SELECT DISTINCT _table FROM merged ORDER BY 1").fetchall()
    return tuple(
        Merged(table, *row)
        for (table,) in tables
        for row in con.execute(
            f"SELECT x.reason, count(*), coalesce(sum(p._money), 0) FROM parsed_{table} p"
            " JOIN merged x ON p._file = x._file AND p._row = x._row WHERE x._table = ?"
            " GROUP BY x.reason ORDER BY x.reason",
            [table],
        ).fetchall()
    )


def _resolved(con: duckdb.DuckDBPyConnection, job: Job) -> list[Spelling]:
    """Count the spellings that a preset resolves, and whole numbers written as fractions."""
    spellings = []
    for m, _ in job.mappings:
        if m.preset.repeats:
            continue
        for column, values in m.preset.values.items():
            for found, used in values.items():
                rows = _count(con, m, column, f"= {literal(found)}")
                spellings.append(Spelling(f"{m.table.name}.{column}", found, used, rows))
        for column, kind in m.kinds.items():
            if (
                kind == "id"
                and m.staged.columns[m.columns.positions[column]] not in m.staged.numbers
            ):
                rows = _count(con, m, column, "SIMILAR TO '\\d+\\.0+'")
                rule = f"{m.table.name}.{column}: an id is no fraction"
                spellings.append(Spelling(rule, "17850.0", "17850", rows))
    return [spelling for spelling in spellings if spelling.rows]


def _count(con: duckdb.DuckDBPyConnection, m: Mapping, column: str, test: str) -> int:
    if column not in m.columns.positions:
        return 0
    text = f"trim(c{m.columns.positions[column]})"
    quick = f"contains({text}, '.0') AND " if "SIMILAR" in test else ""
    sql = f"SELECT count(*) FROM {m.staged.relation} WHERE {quick}{text} {test}"
    return con.execute(f"{sql} AND NOT ({every_blank(m.staged)})").fetchall()[0][0]


def _unmatched(con: duckdb.DuckDBPyConnection, job: Job) -> tuple[Unmatched, ...]:
    """Customers of linked sources whom customer_links does not know, greatest money first."""
    found = []
    for table in {m.table.name for m, _ in job.mappings if m.has_links and not m.preset.repeats}:
        columns = set(RAW_TABLES[table].column_names)
        if {"customer_id", "source_id"} <= columns and table not in ("customers", "customer_links"):
            linked = listed(m.source for m, _ in job.mappings if m.has_links)
            found += con.execute(
                "SELECT source_system, source_id, count(*), coalesce(sum(_money), 0)"
                f" FROM {merging.good_rows(table)} WHERE customer_id IS NULL"
                f" AND source_id IS NOT NULL AND source_system IN ({linked})"
                " GROUP BY ALL"
            ).fetchall()
    people = [Unmatched(*row) for row in found]
    people.sort(key=lambda u: (-abs(u.amount), u.source_system, u.source_id))
    return tuple(people[:MOST_UNMATCHED])


def _notes(job: Job) -> tuple[str, ...]:
    """What a reader should know of the load: the presets' rules, files and columns not used."""
    notes = [note for plan in job.inventory.sources for note in plan.preset.notes]
    notes += [
        p.note for plan in job.inventory.sources for p in plan.preset.tables.values() if p.note
    ]
    notes += [*job.inventory.notes, *_unused_columns(job)]
    company = job.project.settings.company.currency
    for plan in job.inventory.sources:
        if plan.settings.currency and plan.settings.currency != company:
            notes.append(
                f"Source {plan.name} states amounts in {plan.settings.currency}: invoice lines and"
                f" opportunities are converted to {company}, amounts of other tables are not."
            )
    return tuple(dict.fromkeys(notes))


def _unused_columns(job: Job) -> list[str]:
    """Name the columns that no table took, with the one of ours that comes near."""
    notes = []
    by_file: dict[str, list[Mapping]] = {}
    for m, _ in job.mappings:
        by_file.setdefault(m.staged.file, []).append(m)
    for file, mappings in by_file.items():
        unused = set.intersection(*(set(m.columns.unused) for m in mappings))
        for column in (c for c in mappings[0].staged.columns if c in unused):
            names = [c for m in mappings for c in m.preset.columns if c not in m.columns.positions]
            near = difflib.get_close_matches(column, names, 1, 0.8)
            hint = f"; did you mean {near[0]}?" if near else "."
            notes.append(f"{file}: column {column} was not used{hint}")
    return notes
