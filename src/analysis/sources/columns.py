"""Which column of a file is which of ours: by the preset's synonyms, for each file by itself.

Letter case, blanks, `_`, `-` and other signs in a column's name do not matter. A file that has two
columns for one of ours is refused: such files come from pasting together files that spell a column
differently, and then each column is empty for a part of the rows.
"""

import difflib
import re
from dataclasses import dataclass

from analysis.core.problems import Problem
from analysis.core.tables import Table
from analysis.sources.presets import FILLED, TablePreset
from analysis.sources.readers import Staged

# Without the one the other is taken: an amount in a currency, or already in the company's.
EITHER = {"original_amount": "revenue_amount", "revenue_amount": "original_amount"}


@dataclass(frozen=True)
class ColumnMap:
    """For one file and one table: our names -> position of the file's column."""

    positions: dict[str, int]
    unused: tuple[str, ...]


def match_columns(
    staged: Staged, table: Table, preset: TablePreset
) -> tuple[ColumnMap, list[Problem]]:
    """Return which column is which, and every problem: missing, twice, two spellings."""
    found: dict[str, list[int]] = {}
    for position, column in enumerate(staged.columns):
        found.setdefault(plain(column), []).append(position)
    positions: dict[str, int] = {}
    problems: list[Problem] = []
    twice: list[str] = []
    for ours, synonyms in _wanted(preset).items():
        places = sorted({p for s in synonyms for p in found.get(plain(s), ())})
        if len(places) > 1:
            twice.append(ours)
            problems.append(_two_spellings(staged, ours, [staged.columns[p] for p in places]))
        elif places:
            positions[ours] = places[0]
    missing = [c for c in _missing(table, preset, {*positions, *twice}) if c not in twice]
    free = [c for n, c in enumerate(staged.columns) if n not in positions.values()]
    problems += [_missing_column(staged, table, ours, preset, free) for ours in missing]
    unused = [c for n, c in enumerate(staged.columns) if n not in positions.values() and c.strip()]
    return ColumnMap(positions, tuple(unused)), problems


def plain(column: str) -> str:
    """Return a column's name without letter case, blanks and signs."""
    return re.sub(r"[\W_]+", "", column.casefold()) or column


def _wanted(preset: TablePreset) -> dict[str, tuple[str, ...]]:
    return preset.columns | {name: helper.columns for name, helper in preset.helpers.items()}


def _missing(table: Table, preset: TablePreset, positions: set[str]) -> list[str]:
    """Return the columns that the table needs and neither the file nor a rule gives."""
    given = positions | set(FILLED) | set(preset.joined) | set(preset.number_within)
    given |= {c for c, rules in preset.rules.items() if rules}
    given |= {c for c, factors in preset.product_of.items() if set(factors) <= positions}
    given |= {"currency"}  # the source's, where a file does not say
    needed = [c for c in table.column_names if c in table.required_names]
    needed += [c for c in _read_by_rules(preset) if c not in needed]
    missing = [c for c in needed if c not in given and EITHER.get(c) not in given]
    # Of the two amounts one is enough, and a product needs its factors, which are named instead.
    missing = [c for c in missing if c != "revenue_amount" or "original_amount" not in missing]
    return [c for c in missing if c not in preset.product_of]


def _read_by_rules(preset: TablePreset) -> list[str]:
    """The columns that rules cannot do without; a condition on an absent column does not hold."""
    factors = [c for pair in preset.product_of.values() for c in pair]
    joined = [c for group in preset.joined.values() for c in group]
    filters = [c.column for c in preset.only]
    return factors + joined + filters


def _missing_column(
    staged: Staged, table: Table, ours: str, preset: TablePreset, free: list[str]
) -> Problem:
    """Name the column that comes near among the `free` ones: those that are not in use already."""
    synonyms = _wanted(preset).get(ours, (ours,))
    if other := EITHER.get(ours):
        synonyms = (*synonyms, *_wanted(preset).get(other, ()))
    shown = [c for c in staged.columns if c.strip()]
    near = _near(synonyms, [c for c in free if c.strip()])
    return Problem(
        f"{staged.file}, column {ours} of {table.name}",
        f"no such column; the file has {', '.join(shown)}",
        f"a column named {' or '.join(synonyms)}",
        f"rename the column {near}, if it is the one" if near else "add the column to the export",
    )


def _near(synonyms: tuple[str, ...], columns: list[str]) -> str:
    by_plain = {plain(c): c for c in columns}
    for synonym in synonyms:
        near = difflib.get_close_matches(plain(synonym), by_plain, 1, 0.75)
        if near:
            return by_plain[near[0]]
    return ""


def _two_spellings(staged: Staged, ours: str, columns: list[str]) -> Problem:
    return Problem(
        f"{staged.file}, column {ours}",
        f"{len(columns)} columns for it: {', '.join(columns)}",
        "one column; files pasted together may spell it differently, each half empty",
        "keep one of the columns, or load the files one by one as they were exported",
    )
