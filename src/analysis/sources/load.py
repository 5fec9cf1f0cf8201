"""Raw files to one immutable snapshot of the declared tables; nothing lost, nothing half done.

A snapshot is named by everything that decides it: the bytes and names of the raw files, the
settings, the presets and this code. Where it exists already nothing is read again.
"""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb

from analysis.core.contents import damage_words, damaged, seal
from analysis.core.files import UNFINISHED, new_directory, read_json, write_json
from analysis.core.problems import InputError, Problem, raise_all
from analysis.core.project import Project
from analysis.sources import balance, deal_states, isolated, making, merging
from analysis.sources.columns import ColumnMap, match_columns
from analysis.sources.formats import Formats, find_formats
from analysis.sources.inventory import (
    Inventory,
    RawFile,
    SourcePlan,
    changed_while_read,
    snapshot_id,
    take_inventory,
)
from analysis.sources.load_report import REPORT_FILE, LoadReport, Spelling, read_report
from analysis.sources.mapping import Mapping, rows_sql
from analysis.sources.presets import RAW_TABLES, TablePreset
from analysis.sources.readers import Staged, stage
from analysis.sources.sql import literal

__all__ = ["LoadReport", "is_current", "load", "read_report"]

_LOGGER = logging.getLogger(__name__)
# Other tables need these: rates to convert amounts, links to know customers.
_FIRST = ("exchange_rates", "customer_links")


def load(project: Project) -> LoadReport:
    """Read data/raw into a new snapshot, point to it, and return what became of every row.

    An unchanged project is not loaded again. InputError names every problem of every file at once;
    the last snapshot and the pointer to it then stay as they were.
    """
    inventory = take_inventory(project)
    snapshot = snapshot_id(project, inventory)
    folder = project.tables / snapshot
    if inventory.problems or not _is_whole(folder):
        project.tables.mkdir(parents=True, exist_ok=True)
        with new_directory(folder) as work:
            report = _make(project, inventory, snapshot, work)
            raise_all(changed_while_read(inventory), InputError)
            write_json(work / REPORT_FILE, report.record())
            seal(work)
    write_json(project.tables / "current.json", {"snapshot": snapshot})
    return read_report(folder)


def _is_whole(folder: Path) -> bool:
    """Whether the snapshot is there; one that was damaged is told and made anew."""
    if not (folder / REPORT_FILE).is_file():
        return False
    damage = damaged(folder)
    if damage:
        _LOGGER.warning(damage_words(folder, damage))
    return not damage


def is_current(project: Project) -> bool:
    """Whether the snapshot that the project points to is the one that `load` would make now."""
    pointer = project.tables / "current.json"
    if not pointer.is_file():
        return False
    try:
        inventory = take_inventory(project)
    except InputError:
        return False
    snapshot = snapshot_id(project, inventory)
    is_whole = (project.tables / snapshot / REPORT_FILE).is_file()
    return is_whole and not inventory.problems and read_json(pointer)["snapshot"] == snapshot


def _make(project: Project, inventory: Inventory, snapshot: str, folder: Path) -> LoadReport:
    with _engine(project) as con:
        mappings = _read_all(con, project, inventory)
        _parse_all(con, mappings)
        gaps = _reject_typos(con, mappings, inventory)
        names = _open_tables(con, mappings, inventory)
        spellings = _settle(con, mappings, inventory)
        spellings += _add_tables(con, mappings, inventory)
        _end_deals(con, mappings, names)
        con.execute(f"CREATE TABLE rejects ({making.REJECT_COLUMNS})")
        for mapping, _ in mappings:
            making.collect_rejects(con, mapping, mapping.staged.file)
        rows = {name: making.write_table(con, RAW_TABLES[name], folder) for name in names}
        making.write_rejects(con, folder)
        job = balance.Job(project, inventory, snapshot, folder, tuple(mappings))
        report = balance.report(con, job, rows, tuple(spellings))
        return replace(report, notes=(*report.notes, *gaps))


@contextmanager
def _engine(project: Project) -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine whose data lie on disk beside the snapshots, so that memory stays bounded."""
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=project.tables) as folder:
        con = duckdb.connect(str(Path(folder) / "load.duckdb"))
        try:
            con.execute(f"SET temp_directory = {literal(str(Path(folder) / 'spill'))}")
            con.execute("SET memory_limit = '1GB'")
            con.execute("SET preserve_insertion_order = false")  # rows carry their numbers
            con.execute("SET enable_progress_bar = false")
            yield con
        finally:
            con.close()


def _read_all(
    con: duckdb.DuckDBPyConnection, project: Project, inventory: Inventory
) -> list[tuple[Mapping, RawFile]]:
    """Stage every file and match its columns; InputError with the problems of all of them."""
    problems = list(inventory.problems)
    staged: list[tuple[RawFile, Staged]] = []
    for raw in inventory.files:
        try:
            staged += [(raw, item) for item in stage(con, raw.path, raw.file, raw.source.settings)]
        except InputError as error:
            problems += error.problems
    mappings, wrong = _map_all(con, project, _only_fitting_sheets(staged))
    raise_all([*problems, *wrong], InputError)
    return mappings


def _map_all(
    con: duckdb.DuckDBPyConnection, project: Project, staged: list[tuple[RawFile, Staged]]
) -> tuple[list[tuple[Mapping, RawFile]], list[Problem]]:
    mappings: list[tuple[Mapping, RawFile]] = []
    problems: list[Problem] = []
    for raw, item in staged:
        for table in raw.tables:
            part = raw.source.table(table)
            columns, wrong = match_columns(item, RAW_TABLES[table], part)
            mapping = _mapping(project, raw, item, columns, (table, len(mappings)))
            if not wrong:
                kinds = {columns.positions[c]: kind for c, kind in mapping.kinds.items()}
                formats = find_formats(con, item, kinds, raw.source.settings, raw.source.name)
                wrong = list(formats.problems)
                mapping = replace(mapping, formats=formats)
            problems += [p for p in wrong if p not in problems]
            mappings.append((mapping, raw))
    return mappings, problems


def _only_fitting_sheets(
    staged: list[tuple[RawFile, Staged]],
) -> list[tuple[RawFile, Staged]]:
    """Leave out sheets that miss a column while another sheet of the book has them all."""
    fits: dict[Path, list[tuple[RawFile, Staged]]] = {}
    for raw, item in staged:
        checks = [match_columns(item, RAW_TABLES[t], raw.source.table(t))[1] for t in raw.tables]
        if not any(checks):
            fits.setdefault(raw.path, []).append((raw, item))
    return [(raw, item) for raw, item in staged if (raw, item) in fits.get(raw.path, [(raw, item)])]


def _mapping(
    project: Project, raw: RawFile, item: Staged, columns: ColumnMap, place: tuple[str, int]
) -> Mapping:
    table, file_no = place
    company = project.settings.company.currency
    return Mapping(
        raw.source.name,
        RAW_TABLES[table],
        raw.source.table(table),
        item,
        columns,
        Formats(),
        file_no,
        raw.source.settings.currency or company,
        company,
        tuple(project.settings.sources),
    )


def _parse_all(con: duckdb.DuckDBPyConnection, mappings: list[tuple[Mapping, RawFile]]) -> None:
    """Fill `parsed_<table>` of every table; rates and links first, since others need them."""
    for name in dict.fromkeys(m.table.name for m, _ in mappings):
        making.create_parsed(con, RAW_TABLES[name])
    order = sorted(range(len(mappings)), key=lambda n: mappings[n][0].table.name not in _FIRST)
    for n in order:
        mapping, raw = mappings[n]
        if mapping.table.name not in _FIRST:
            mapping = _with_company_tables(con, mapping)
            mappings[n] = (mapping, raw)
        making.add_helper_columns(con, mapping)
        con.execute(f"INSERT INTO parsed_{mapping.table.name} BY NAME {rows_sql(mapping)}")


def _reject_typos(
    con: duckdb.DuckDBPyConnection, mappings: list[tuple[Mapping, RawFile]], inventory: Inventory
) -> tuple[str, ...]:
    plans = inventory.sources
    keeping = {plan.name for plan in plans if plan.settings.keep_isolated_days}
    return isolated.reject_isolated(con, [m for m, _ in mappings], keeping)


def _added_tables(inventory: Inventory) -> list[str]:
    """Tables that presets collect from others or state as data."""
    names = [n for plan in inventory.sources for n in plan.preset.collected]
    return names + [n for plan in inventory.sources for n in plan.preset.fixed_rows]


def _open_tables(
    con: duckdb.DuckDBPyConnection, mappings: list[tuple[Mapping, RawFile]], inventory: Inventory
) -> list[str]:
    """Return the names of all tables of this load; those without a file begin empty."""
    from_files = dict.fromkeys(m.table.name for m, _ in mappings)
    added = [n for n in dict.fromkeys(_added_tables(inventory)) if n not in from_files]
    for name in added:
        making.create_parsed(con, RAW_TABLES[name])
    return sorted([*from_files, *added])


def _with_company_tables(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> Mapping:
    """Say whether rates and links exist; make them readable when first asked."""
    if _has_table(con, "parsed_exchange_rates") and not _has_table(con, "rates"):
        con.execute(
            "CREATE TABLE rates AS SELECT DISTINCT ON (currency, valid_on) currency, valid_on,"
            " CAST(company_currency_per_unit AS DECIMAL(18,8)) AS rate FROM parsed_exchange_rates"
            " WHERE _bad IS NULL ORDER BY currency, valid_on, _file, _row"
        )
    if _has_table(con, "parsed_customer_links") and not _has_table(con, "links"):
        con.execute(
            "CREATE TABLE links AS SELECT DISTINCT ON (source_system, source_id) source_system,"
            " source_id, customer_id FROM parsed_customer_links WHERE _bad IS NULL"
            " ORDER BY source_system, source_id, _file, _row"
        )
    has_links = _has_table(con, "links") and bool(
        con.execute(
            "SELECT 1 FROM links WHERE source_system = ? LIMIT 1", [mapping.source]
        ).fetchall()
    )
    has_rates = _has_table(con, "rates")
    return replace(mapping, has_links=has_links, has_rates=has_rates)


def _has_table(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    sql = "SELECT 1 FROM duckdb_tables() WHERE table_name = ?"
    return bool(con.execute(sql, [name]).fetchall())


def _settle(
    con: duckdb.DuckDBPyConnection,
    mappings: list[tuple[Mapping, RawFile]],
    inventory: Inventory,
) -> list[Spelling]:
    """Merge what stated rules merge, settle keys, number lines, and finish each table."""
    merging.create_merged(con)
    sources = [plan.name for plan in inventory.sources]
    source_of_file = {m.file_no: sources.index(m.source) for m, _ in mappings}
    added = _added_tables(inventory)
    spellings = []
    for name in dict.fromkeys([*(m.table.name for m, _ in mappings), *added]):
        parts = [(m, raw) for m, raw in mappings if m.table.name == name]
        positions: dict[str, str] = {}
        plans = {raw.source.name: raw.source for _, raw in parts}.values()
        for plan in plans:
            own = [m for m, raw in parts if raw.source is plan]
            _merge_rows(con, name, plan, own)
            spellings += _number_rows(con, plan.table(name), own, positions)
        if not all(plan.table(name).number_within for plan in plans):
            merging.settle_keys(con, RAW_TABLES[name], source_of_file)
        making.finish_table(con, RAW_TABLES[name], positions, is_open=name in added)
    return spellings


def _merge_rows(
    con: duckdb.DuckDBPyConnection, table: str, plan: SourcePlan, mappings: list[Mapping]
) -> None:
    files = [m.file_no for m in mappings]
    if plan.table(table).overlap == "merge":
        merging.merge_overlap(con, table, files)
    if plan.settings.remove_exact_duplicates and table == "invoice_lines":
        merging.merge_duplicates(con, table, files)


def _number_rows(
    con: duckdb.DuckDBPyConnection,
    preset: TablePreset,
    mappings: list[Mapping],
    positions: dict[str, str],
) -> list[Spelling]:
    """Number rows by position: all where no file gives numbers, else where they are wrong.

    Adds to `positions` the SQL of numbers that are made when the table is written.
    """
    spellings = []
    table, files = mappings[0].table, [m.file_no for m in mappings]
    for number, within in preset.number_within.items():
        if any(number in m.columns.positions for m in mappings):
            spellings.append(making.renumber_lines(con, table, files, (number, within)))
        else:
            chosen = ", ".join(map(str, files))
            position, other = making.position_sql(within), positions.get(number, number)
            positions[number] = f"CASE WHEN _file IN ({chosen}) THEN {position} ELSE {other} END"
    return [spelling for spelling in spellings if spelling.rows]


def _add_tables(
    con: duckdb.DuckDBPyConnection, mappings: list[tuple[Mapping, RawFile]], inventory: Inventory
) -> list[Spelling]:
    spellings = []
    for plan in inventory.sources:
        own = [m for m, raw in mappings if raw.source is plan]
        for name, part in plan.preset.collected.items():
            files = [m.file_no for m in own if m.table.name == part.collect_from]
            if files:
                spellings += making.collect_table(con, name, part, files)
        for name, rows in plan.preset.fixed_rows.items():
            making.add_fixed_rows(con, name, rows)
    return spellings


def _end_deals(
    con: duckdb.DuckDBPyConnection, mappings: list[tuple[Mapping, RawFile]], names: list[str]
) -> None:
    """Close the deals of presets whose files state no end, as their stage events say."""
    files = [m.file_no for m, _ in mappings if m.preset.state_from_events]
    if files and {"stage_events", "stages"} <= set(names):
        deal_states.take_from_events(con, files)
