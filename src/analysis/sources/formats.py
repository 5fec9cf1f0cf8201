"""How one file writes numbers and dates: set in project.toml, or proven by all of its rows.

Where neither holds it is an error with examples; nothing is guessed from the first rows.
"""

from dataclasses import dataclass, field

import duckdb

from analysis.core.problems import Problem
from analysis.core.settings import Source
from analysis.core.tables import Kind
from analysis.sources.dates import DateEvidence, ambiguous_sql, is_day_sql
from analysis.sources.numbers import NumberEvidence, evidence_sql
from analysis.sources.readers import Staged

NUMBER_KINDS: tuple[Kind, ...] = ("amount", "number", "share", "count")
DATE_KINDS: tuple[Kind, ...] = ("day", "moment")
_EXAMPLES = 3


@dataclass(frozen=True)
class Formats:
    """How to read the numbers and dates of a file that does not store them as such."""

    decimal: str = "."
    date_order: str = ""
    problems: tuple[Problem, ...] = field(default=(), compare=False)


def find_formats(
    con: duckdb.DuckDBPyConnection,
    staged: Staged,
    kinds: dict[int, Kind],
    source: Source,
    source_name: str,
) -> Formats:
    """Return how the file writes values; `kinds` maps positions of columns to what they hold."""
    stored = staged.numbers | staged.dates
    texts = {p: kind for p, kind in kinds.items() if staged.columns[p] not in stored}
    problems = []
    decimal = "." if staged.is_excel else source.decimal
    if not decimal:
        numbers = [f"trim(c{p})" for p, kind in texts.items() if kind in NUMBER_KINDS]
        evidence = _number_evidence(con, staged, numbers)
        problems.append(evidence.problem(f"{staged.file}, its numbers", source_name))
        decimal = evidence.decimal
    if not source.date_order:
        for p in (p for p, kind in texts.items() if kind in DATE_KINDS):
            where = f"{staged.file}, column {staged.columns[p]}"
            problems.append(_date_evidence(con, staged, p).problem(where, source_name))
    return Formats(decimal, source.date_order, tuple(p for p in problems if p))


def _number_evidence(
    con: duckdb.DuckDBPyConnection, staged: Staged, columns: list[str]
) -> NumberEvidence:
    counts = {"comma": 0, "point": 0, "unclear": 0}
    for column in columns:
        parts = evidence_sql(column)
        sums = ", ".join(f"count(*) FILTER (WHERE {sql})" for sql in parts.values())
        with_sign = f"(contains({column}, ',') OR contains({column}, '.'))"
        sql = f"SELECT {sums} FROM {staged.relation} WHERE {with_sign}"
        for key, count in zip(parts, con.execute(sql).fetchall()[0], strict=True):
            counts[key] += count
    if bool(counts["comma"]) != bool(counts["point"]):
        return NumberEvidence(**counts, examples=())
    # Either signs that disagree, or nothing but numbers that prove nothing: shown in an error.
    wanted = [key for key in ("comma", "point") if counts[key]] or ["unclear"]
    examples = [
        example
        for key in wanted
        for column in columns
        for example in _examples(con, staged, column, evidence_sql(column)[key], _EXAMPLES)
    ]
    return NumberEvidence(**counts, examples=tuple(examples[: 2 * _EXAMPLES]))


def _date_evidence(con: duckdb.DuckDBPyConnection, staged: Staged, position: int) -> DateEvidence:
    text = f"trim(c{position})"
    conditions = (ambiguous_sql(text), is_day_sql(text, 1), is_day_sql(text, 2))
    sums = ", ".join(f"count(*) FILTER (WHERE {sql})" for sql in conditions)
    sql = (
        f"SELECT {sums} FROM {staged.relation}"
        f" WHERE contains({text}, '/') OR regexp_matches({text}, '^\\d{{1,2}}-')"
    )
    counts = con.execute(sql).fetchall()[0]
    examples = _examples(con, staged, text, conditions[0], _EXAMPLES) if counts[0] else []
    return DateEvidence(*counts, tuple(examples))


def _examples(
    con: duckdb.DuckDBPyConnection, staged: Staged, text: str, condition: str, most: int
) -> list[str]:
    """The first different values in the file's order for which the condition holds."""
    sql = (
        f"SELECT {text} FROM {staged.relation} WHERE {condition}"
        f" GROUP BY 1 ORDER BY min(row_number) LIMIT {most}"
    )
    return [row[0] for row in con.execute(sql).fetchall()]
