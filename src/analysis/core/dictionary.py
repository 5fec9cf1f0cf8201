"""Every declared table by name, and the data dictionary page made from the declarations."""

from analysis.core import tables_customers, tables_derived, tables_sales, tables_strategy
from analysis.core.tables import KIND_MEANINGS, Column, Table

CHAPTERS: dict[str, tuple[Table, ...]] = {
    "Customers and invoices": tables_customers.TABLES,
    "Sales": tables_sales.TABLES,
    "Strategy": tables_strategy.TABLES,
    "Derived": tables_derived.TABLES,
}
TABLES: dict[str, Table] = {table.name: table for group in CHAPTERS.values() for table in group}


def dictionary_markdown() -> str:
    """Return the data dictionary as one Markdown page."""
    lines = [
        "# Data dictionary",
        "",
        "Made by `analysis dictionary` from the declarations in src/analysis/core; do not edit.",
        "",
        "| kind | holds |",
        "| --- | --- |",
        *(f"| {kind} | {meaning} |" for kind, meaning in KIND_MEANINGS.items()),
    ]
    for chapter, tables in CHAPTERS.items():
        lines += ["", f"## {chapter}"]
        for table in tables:
            lines += ["", *_table_lines(table)]
    return "\n".join(lines) + "\n"


def _table_lines(table: Table) -> list[str]:
    return [
        f"### {table.name}",
        "",
        f"One row: {table.grain}. Key: {', '.join(table.key)}.",
        "",
        "| column | kind | meaning |",
        "| --- | --- | --- |",
        *(_column_line(column, table) for column in table.columns),
    ]


def _column_line(column: Column, table: Table) -> str:
    notes = [column.meaning]
    if column.unit:
        notes.append(f"unit: {column.unit}")
    if column.allowed:
        notes.append(f"one of: {', '.join(column.allowed)}")
    if column.name in table.required_names:
        notes.append("never missing")
    if column.is_personal:
        notes.append("personal")
    return f"| {column.name} | {column.kind} | {'; '.join(notes)} |"
