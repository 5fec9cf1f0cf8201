"""The SQL that turns the text of one file into rows of one declared table, good and bad.

Every row comes out. A bad one carries the first column that is wrong and what was found there, in
`_bad` and `_found`; `expectation` says what was expected and how to mend it. Columns beside the
declared ones begin with `_`: `_file`, `_row`, `_money` (company currency, also of bad rows where it
can be told), `_content` (equal for identical rows), `_h_...` (helpers).
"""

from dataclasses import dataclass

from analysis.core.tables import DUCKDB_TYPES, Column, Kind, Table
from analysis.sources import dates, numbers
from analysis.sources.columns import ColumnMap
from analysis.sources.formats import Formats
from analysis.sources.presets import Condition, Rule, TablePreset
from analysis.sources.readers import Staged, every_blank
from analysis.sources.sql import listed, literal

# The amount of a table in company currency, and the day whose exchange rate it takes.
MONEY: dict[str, tuple[str, str]] = {
    "invoice_lines": ("revenue_amount", "invoiced_on"),
    "opportunities": ("value_amount", "CAST(coalesce(closed_at, created_at) AS DATE)"),
}
NO_RATE, NO_LINK, SAME_KEY, FAR_DAY = "#rate", "#link", "#key", "#far"
_FACTOR = "DECIMAL(18,6)"  # of price and quantity; their product keeps four decimals
_WHITE = "[\t\r\n\u00a0]"
# What programs write for a missing value; in a text column only those that no name can be.
_MISSING_ANYWHERE = ("nan", "NaN", "NaT", "<NA>")
_MISSING = (*_MISSING_ANYWHERE, "NAN", "null", "NULL", "None", "N/A", "n/a", "#N/A")


@dataclass(frozen=True)
class Mapping:
    """Everything that decides how one file becomes rows of one table."""

    source: str
    table: Table
    preset: TablePreset
    staged: Staged
    columns: ColumnMap
    formats: Formats
    file_no: int
    currency: str  # of amounts without a currency column
    company_currency: str
    sources: tuple[str, ...] = ()  # of project.toml
    has_links: bool = False  # customer_links speaks of this source
    has_rates: bool = False

    @property
    def kinds(self) -> dict[str, Kind]:
        """What each mapped column and helper holds."""
        helpers = {name: helper.kind for name, helper in self.preset.helpers.items()}
        declared = {column.name: column.kind for column in self.table.columns}
        return {c: (declared | helpers)[c] for c in self.columns.positions}


def rows_sql(m: Mapping) -> str:
    """Return the SELECT that gives every row of the file for the table."""
    money = f", {_money(m)}" if m.table.name in MONEY else ""
    return f"""
WITH cells AS (
    SELECT row_number AS _row, {_each(_cells(m))}
    FROM {m.staged.relation} WHERE NOT ({every_blank(m.staged)})
), texts AS (
    SELECT _row, {_each(_clean(m))} FROM cells
), typed AS (
    SELECT *, {_each(_typed(m))} FROM texts
), bounded AS (
    SELECT * REPLACE ({_each(_bounded(m))}) FROM typed
), linked AS (
    SELECT bounded.*{_linked(m)}
), ruled AS (
    SELECT *, {_each(_ruled(m))} FROM linked WHERE {_all(m.preset.only, m)}
), priced AS (
    SELECT ruled.*{money} {_rates_join(m)}
), judged AS (
    SELECT *, {_bad(m)} AS _bad FROM priced
)
SELECT {m.file_no} AS _file, _row, {_each(_final(m))},
    {_money_column(m)} AS _money, _bad, {_found(m)} AS _found,
    CASE WHEN _bad IS NULL THEN {_content(m)} END AS _content
FROM judged"""


def _each(columns: dict[str, str]) -> str:
    return ", ".join(f"{sql} AS {name}" for name, sql in columns.items())


def _cells(m: Mapping) -> dict[str, str]:
    """Text without blanks around it; the slow trim of other white space only where there is any."""
    return {
        f"c_{c}": f"CASE WHEN regexp_matches(c{p}, '{_WHITE}') THEN trim(c{p}, ' {_WHITE[1:-1]}')"
        f" ELSE trim(c{p}) END"
        for c, p in m.columns.positions.items()
    }


def _clean(m: Mapping) -> dict[str, str]:
    """The text, missing where a program wrote a word for it; spellings resolved."""
    return {f"r_{c}": _clean_text(m, c, kind) for c, kind in m.kinds.items()}


def _clean_text(m: Mapping, column: str, kind: Kind) -> str:
    text = f"c_{column}"
    words = _MISSING_ANYWHERE if kind == "text" else _MISSING
    whens = [f"WHEN length({text}) <= 5 AND {text} IN ('', {listed(words)}) THEN NULL"]
    if kind == "id":
        # 17850.0 is an id that a program took for a number.
        whole = f"ends_with({text}, '0') AND regexp_full_match({text}, '\\d+\\.0+')"
        whens.append(f"WHEN {whole} THEN split_part({text}, '.', 1)")
    for found, used in m.preset.values.get(column, {}).items():
        whens.append(f"WHEN {text} = {literal(found)} THEN {literal(used)}")
    return f"CASE {' '.join(whens)} ELSE {text} END"


def _typed(m: Mapping) -> dict[str, str]:
    factors = {c for pair in m.preset.product_of.values() for c in pair}
    typed = {f"v_{c}": typed_sql(m, c, kind) for c, kind in m.kinds.items()}
    for c in sorted(factors & set(m.columns.positions)):
        typed[f"f_{c}"] = f"TRY_CAST({_number(m, c)} AS {_FACTOR})"
    return typed


def typed_sql(m: Mapping, column: str, kind: Kind) -> str:
    """Return SQL for the column's value in its declared kind, NULL where the text is none."""
    text = f"r_{column}"
    if kind in ("day", "moment"):
        if _raw_name(m, column) in m.staged.dates:
            return f"CAST(TRY_CAST({text} AS TIMESTAMP) AS {DUCKDB_TYPES[kind]})"
        as_sql = dates.day_sql if kind == "day" else dates.moment_sql
        return as_sql(text, m.formats.date_order)
    if kind == "flag":
        yes, no = "'true', 't', 'yes', 'y', '1'", "'false', 'f', 'no', 'n', '0'"
        word = f"lower({text})"
        return f"CASE WHEN {word} IN ({yes}) THEN true WHEN {word} IN ({no}) THEN false END"
    if kind in ("amount", "number", "share", "count"):
        return _number_in_unit(m, column, kind)
    return f"upper({text})" if column == "currency" else text


def _number_in_unit(m: Mapping, column: str, kind: Kind) -> str:
    unit = m.preset.units.get(column, "")
    if kind == "share":
        is_percent = unit == "percent"
        return numbers.share_sql(f"r_{column}", m.formats.decimal, is_percent=is_percent)
    number = _number(m, column)
    if kind == "count":
        whole = f"TRY_CAST({number} AS DECIMAL(18,4))"
        return f"CASE WHEN {whole} = trunc({whole}) THEN TRY_CAST({whole} AS BIGINT) END"
    if unit:
        exact = f"TRY_CAST({number} AS {_FACTOR}) * {numbers.UNIT_FACTORS[unit]}"
        return f"TRY_CAST({exact} AS {DUCKDB_TYPES[kind]})"
    return f"TRY_CAST({number} AS {DUCKDB_TYPES[kind]})"


def _number(m: Mapping, column: str) -> str:
    if _raw_name(m, column) in m.staged.numbers:
        return f"r_{column}"
    return numbers.number_sql(f"r_{column}", m.formats.decimal)


def _raw_name(m: Mapping, column: str) -> str:
    return m.staged.columns[m.columns.positions[column]]


def _bounded(m: Mapping) -> dict[str, str]:
    return {f"v_{c}": _bound(m, c, kind) for c, kind in m.kinds.items()}


def _bound(m: Mapping, column: str, kind: Kind) -> str:
    """The value where it can be meant, else NULL."""
    value = f"v_{column}"
    allowed = _declared(m).get(column, Column("", "text", "")).allowed
    if allowed:
        word = f"replace(replace(lower({value}), ' ', '_'), '-', '_')"  # Write-off is write_off
        return f"CASE WHEN {word} IN ({listed(allowed)}) THEN {word} END"
    if column == "currency":
        return f"CASE WHEN regexp_full_match({value}, '[A-Z]{{3}}') THEN {value} END"
    if kind in ("day", "moment"):
        return f"CASE WHEN {dates.is_plausible_sql(value)} THEN {value} END"
    if kind == "share":
        return f"CASE WHEN {value} BETWEEN 0 AND 1 THEN {value} END"
    if kind == "number":
        positive = f" AND {value} > 0" if column == "company_currency_per_unit" else ""
        return f"CASE WHEN isfinite({value}){positive} THEN {value} END"
    return value


def _declared(m: Mapping) -> dict[str, Column]:
    return {column.name: column for column in m.table.columns}


def _linked(m: Mapping) -> str:
    """Our own id for the source's id of a customer, where customer_links speaks of the source."""
    if not m.has_links or "customer_id" not in m.columns.positions:
        return " FROM bounded"
    return (
        " REPLACE (links.customer_id AS v_customer_id) FROM bounded LEFT JOIN links"
        f" ON links.source_id = bounded.r_customer_id AND links.source_system = {literal(m.source)}"
    )


def _ruled(m: Mapping) -> dict[str, str]:
    """Values that rules give where the file gives none: products, joined ids, kinds."""
    ruled = {}
    for column, pair in m.preset.product_of.items():
        if column not in m.columns.positions:
            product = " * ".join(f"f_{factor}" for factor in pair)
            ruled[f"p_{column}"] = f"TRY_CAST({product} AS {DUCKDB_TYPES['amount']})"
    for column, parts in m.preset.joined.items():
        texts = ", ".join(f"CAST(v_{part} AS VARCHAR)" for part in parts)
        missing = " OR ".join(f"v_{part} IS NULL" for part in parts)
        ruled[f"p_{column}"] = f"CASE WHEN NOT ({missing}) THEN concat_ws('-', {texts}) END"
    for column, rules in m.preset.rules.items():
        kind = _declared(m)[column].kind
        ruled[f"p_{column}"] = f"TRY_CAST({_decide(rules, m)} AS {DUCKDB_TYPES[kind]})"
    return ruled or {"p_": "NULL"}


def _decide(rules: tuple[Rule, ...], m: Mapping) -> str:
    whens = " ".join(f"WHEN {_all(rule.when, m)} THEN {literal(rule.value)}" for rule in rules)
    return f"CASE {whens} END"


def _all(conditions: tuple[Condition, ...], m: Mapping) -> str:
    return " AND ".join(_holds(c, m) for c in conditions) or "true"


def _holds(condition: Condition, m: Mapping) -> str:
    column = condition.column
    if column == "original_amount" and column not in m.columns.positions:
        column = "revenue_amount"  # of a file with one amount
    if column not in m.columns.positions:
        return "true" if condition.is_missing else "false"
    tests = []
    if condition.equals:
        tests.append(f"r_{column} IN ({listed(condition.equals)})")
    if condition.starts_with:
        parts = (f"starts_with(r_{column}, {literal(t)})" for t in condition.starts_with)
        tests.append(f"({' OR '.join(parts)})")
    if condition.sign:
        sign = {"negative": "<", "zero": "=", "positive": ">"}[condition.sign]
        tests.append(f"v_{column} {sign} 0")
    if condition.is_missing is not None:
        tests.append(f"r_{column} IS {'' if condition.is_missing else 'NOT '}NULL")
    return f"coalesce({' AND '.join(tests) or 'true'}, false)"


def _value(m: Mapping, column: str) -> str:
    """SQL for a declared column before money is converted."""
    parts = [f"v_{column}"] if column in m.columns.positions else []
    given = (*m.preset.product_of, *m.preset.joined, *m.preset.rules)
    if column in given and (column not in m.preset.product_of or not parts):
        parts.append(f"p_{column}")
    if column == "currency":
        parts.append(literal(m.currency))
    if not parts:
        return f"CAST(NULL AS {DUCKDB_TYPES[_declared(m)[column].kind]})"
    return f"coalesce({', '.join(parts)})" if len(parts) > 1 else parts[0]


def _money(m: Mapping) -> str:
    """Both amounts of a row; an amount that stands alone is in `currency` and is converted."""
    own, _ = MONEY[m.table.name]
    rate = f"CASE WHEN {_value(m, 'currency')} = {literal(m.company_currency)} THEN 1"
    rate += " ELSE rates.rate END" if m.has_rates else " END"
    has_both = own in m.columns.positions and _has_original(m)
    original = _value(m, "original_amount") if _has_original(m) else _value(m, own)
    converted = f"TRY_CAST(({original}) * ({rate}) AS {DUCKDB_TYPES['amount']})"
    amount = f"coalesce({_value(m, own)}, {converted})" if has_both else converted
    return (
        f"coalesce({original}, CASE WHEN {rate} = 1 THEN {amount} END) AS m_original_amount,"
        f" {amount} AS m_{own}"
    )


def _has_original(m: Mapping) -> bool:
    return "original_amount" in (*m.columns.positions, *m.preset.product_of)


def _rates_join(m: Mapping) -> str:
    if not m.has_rates or m.table.name not in MONEY:
        return "FROM ruled"
    _, day = MONEY[m.table.name]
    for column in ("invoiced_on", "closed_at", "created_at"):
        if column in m.table.column_names:
            day = day.replace(column, _value(m, column))
    return (
        f"FROM ruled ASOF LEFT JOIN rates ON rates.currency = {_value(m, 'currency')}"
        f" AND rates.valid_on <= {day}"
    )


def _final(m: Mapping) -> dict[str, str]:
    final = {c: _stored(m, c) for c in m.table.column_names}
    helpers = {f"_h_{h}": f"v_{h}" for h in m.preset.helpers if h in m.columns.positions}
    return final | helpers


def _stored(m: Mapping, column: str) -> str:
    if column == "source_system" and m.table.name != "customer_links":
        return literal(m.source)
    if column == "source_id" and m.table.name != "customer_links":
        return "r_customer_id" if "customer_id" in m.columns.positions else "CAST(NULL AS VARCHAR)"
    if m.table.name in MONEY and column in ("original_amount", MONEY[m.table.name][0]):
        return f"m_{column}"
    return _value(m, column)


def _money_column(m: Mapping) -> str:
    if m.table.name not in MONEY:
        return f"CAST(NULL AS {DUCKDB_TYPES['amount']})"
    return f"m_{MONEY[m.table.name][0]}"


def _bad(m: Mapping) -> str:
    """The first column that is wrong, in the order of the file's columns, then what is missing."""
    columns = m.columns.positions
    wrong = {c: f"r_{c} IS NOT NULL AND v_{c} IS NULL" for c in columns}
    if m.has_links and "customer_id" in columns:
        wrong.pop("customer_id")
    if m.table.name == "customer_links" and "source_system" in columns:
        wrong["source_system"] = f"v_source_system NOT IN ({listed(m.sources)})"
    needed = [c for pair in m.preset.product_of.values() for c in pair if c in columns]
    missing = {c: f"r_{c} IS NULL" for c in needed}
    amounts = ("original_amount", MONEY.get(m.table.name, ("",))[0])
    for column in m.table.column_names:
        is_late = column in m.preset.number_within or column in ("source_system", *amounts)
        if column in m.table.required_names and not is_late:
            missing.setdefault(column, f"{_stored(m, column)} IS NULL")
    tests = [(c, sql) for c, sql in [*wrong.items(), *missing.items()]]
    if m.has_links and m.table.name == "customers":
        tests.insert(len(wrong), (NO_LINK, "r_customer_id IS NOT NULL AND v_customer_id IS NULL"))
    tests += _bad_money(m)
    whens = " ".join(f"WHEN {sql} THEN {literal(c)}" for c, sql in tests)
    return f"CASE {whens} END" if tests else "CAST(NULL AS VARCHAR)"


def _bad_money(m: Mapping) -> list[tuple[str, str]]:
    if m.table.name not in MONEY:
        return []
    own = MONEY[m.table.name][0]
    unconverted = f"m_original_amount IS NOT NULL AND m_{own} IS NULL"
    tests = [(NO_RATE, unconverted)]
    if own in m.table.required_names:
        tests.append((_amount_name(m), f"m_original_amount IS NULL OR m_{own} IS NULL"))
    return tests


def _amount_name(m: Mapping) -> str:
    own = MONEY[m.table.name][0]
    return own if own in m.columns.positions and not _has_original(m) else "original_amount"


def _found(m: Mapping) -> str:
    whens = [f"WHEN {literal(c)} THEN r_{c}" for c in m.columns.positions]
    if m.table.name in MONEY:
        currency = _value(m, "currency")
        whens.append(f"WHEN {literal(NO_RATE)} THEN {currency}")
    if "customer_id" in m.columns.positions:
        whens.append(f"WHEN {literal(NO_LINK)} THEN r_customer_id")
    return f"CASE _bad {' '.join(whens)} END" if whens else "CAST(NULL AS VARCHAR)"


def _content(m: Mapping) -> str:
    """A number that is equal for rows whose every used column is equal."""
    columns = [f"v_{c}" for c in sorted(m.columns.positions)]
    names = [literal(c) for c in sorted(m.columns.positions)]
    return f"hash({literal(m.source)}, {', '.join(names + columns)})"
