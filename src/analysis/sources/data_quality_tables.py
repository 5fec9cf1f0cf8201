"""The tables of the data-quality chapter."""

from decimal import Decimal

import pandas as pd

from analysis.core.periods import Period
from analysis.core.problems import SettingsError
from analysis.core.scope import Scope
from analysis.sources.load_report import LoadReport

_EXAMPLES = 3
MOST_REJECTS = 10_000  # listed row by row


def files_table(load: LoadReport) -> pd.DataFrame:
    """One row per file and table: rows and money read, kept, rejected, merged; what was not used.

    A file whose rows another table counts already is marked in `counted_with`.
    """
    rows = [
        {
            "source": file.source,
            "file": file.file,
            "table": file.table,
            "read_count": file.counts.rows_read,
            "kept_count": file.counts.rows_kept,
            "rejected_count": file.counts.rows_rejected,
            "merged_count": file.counts.rows_merged,
            "read_amount": file.counts.money_read,
            "kept_amount": file.counts.money_kept,
            "rejected_amount": file.counts.money_rejected,
            "merged_amount": file.counts.money_merged,
            "blank_count": file.blank_rows,
            "columns_not_used": ", ".join(file.unused_columns),
            "counted_with": file.repeats,
            "sha256": file.sha256,
        }
        for file in load.files
    ]
    return pd.DataFrame(rows)


def kinds_table(days: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """One row per kind of line of the period: lines, amount, whether it counts as revenue."""
    chosen = days[in_period(days, scope.period)]
    rows = [
        {
            "kind": kind,
            "is_revenue": bool(group["is_revenue"].iloc[0]),
            "line_count": int(group["line_count"].sum()),
            "amount": exact_sum(group["amount"]),
            "no_customer_amount": exact_sum(group.loc[~_known(group), "amount"]),
        }
        for kind, group in chosen.groupby("kind", sort=True)
    ]
    columns = ["kind", "is_revenue", "line_count", "amount", "no_customer_amount"]
    table = pd.DataFrame(rows, columns=columns)
    order = table["amount"].map(lambda amount: -abs(amount)).sort_values(kind="stable").index
    return table.loc[order].reset_index(drop=True)


def quarters_table(days: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """One row per fiscal quarter up to the period: revenue and shares without a customer."""
    known = days[days["day"] <= pd.Timestamp(scope.as_of)]
    columns = ["period", "revenue_amount", "no_customer_revenue_share", "no_customer_line_share"]
    if known.empty:
        return pd.DataFrame(columns=columns)
    first, last = known["day"].min().date(), known["day"].max().date()
    rows = []
    for quarter in scope.calendar.between(first, last, "quarterly"):
        share, line_share = without_customer(known, quarter)
        rows.append((quarter.name, _revenue(known, quarter), share, line_share))
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({c: "float64" for c in columns[2:]})


def rejects_table(rejects: pd.DataFrame) -> pd.DataFrame:
    """One row per file, column and expectation, most rows first, with examples."""
    columns = [
        *("source", "file", "table", "column", "expected", "mend"),
        *("row_count", "amount", "examples", "first_row"),
    ]
    rows = []
    keys = ["source", "file", "table", "column", "expected", "mend"]
    for key, group in rejects.groupby(keys, sort=False, dropna=False):
        found = list(dict.fromkeys(group["found"].dropna()))[:_EXAMPLES]
        row = dict(zip(keys, key, strict=True))
        row |= {"row_count": len(group), "amount": exact_sum(group["amount"].dropna())}
        if own := unconverted(group):
            lines = f"{len(group):,} line{'s' if len(group) > 1 else ''}"
            found = [f"{lines}, {', '.join(own)}"]
        rows.append(row | {"examples": ", ".join(found), "first_row": group["row_number"].min()})
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(
        ["row_count", "file", "table", "column"], ascending=[False, True, True, True]
    ).reset_index(drop=True)


def unconverted(rejects: pd.DataFrame) -> list[str]:
    """Return the money that no exchange rate converts, by currency: CHF 73,567.20."""
    if "unconverted_currency" not in rejects:
        return []
    rows = rejects[rejects["unconverted_currency"].notna()]
    return [
        f"{currency} {exact_sum(group['unconverted_amount'].dropna()):,.2f}"
        for currency, group in rows.groupby("unconverted_currency", sort=True)
    ]


def rejected_rows(rejects: pd.DataFrame) -> pd.DataFrame:
    """One row per rejected row, the first `MOST_REJECTS` of them: where it stands and the mend."""
    columns = ["source", "file", "row_number", "column", "found", "expected", "mend", "amount"]
    return rejects[columns].head(MOST_REJECTS).reset_index(drop=True)


def merged_table(load: LoadReport) -> pd.DataFrame:
    """One row per rule that merged rows, or that found equal rows and kept them."""
    rows = [(m.table, m.reason, False, m.rows, m.amount) for m in load.merged]
    duplicates = load.exact_duplicates
    if duplicates.rows and not load.are_duplicates_removed:
        rows.append(("invoice_lines", "exact duplicate", True, duplicates.rows, duplicates.amount))
    return pd.DataFrame(rows, columns=["table", "reason", "is_kept", "row_count", "amount"])


def spellings_table(load: LoadReport) -> pd.DataFrame:
    """One row per stated rule that changed what a source wrote."""
    rows = [(s.rule, s.found, s.used, s.rows) for s in load.spellings]
    return pd.DataFrame(rows, columns=["rule", "found", "used", "row_count"])


def unmatched_table(load: LoadReport) -> pd.DataFrame:
    """One row per customer of a source whom customer_links does not know, greatest first."""
    rows = [(u.source_system, u.source_id, u.rows, u.amount) for u in load.unmatched_customers]
    return pd.DataFrame(rows, columns=["source_system", "source_id", "row_count", "amount"])


def control_table(
    days: pd.DataFrame, control_totals: pd.DataFrame | None, scope: Scope
) -> pd.DataFrame:
    """One row per control total of a period that has ended: revenue beside it, the difference.

    `difference_amount` is revenue less the control total; 0 is reconciled to the last digit.
    """
    columns = ["period", "revenue_amount", "control_amount", "difference_amount", "source"]
    rows = []
    for row in (control_totals if control_totals is not None else pd.DataFrame()).itertuples():
        try:
            period = scope.calendar.parse(str(row.period))
        except SettingsError:
            rows.append((row.period, None, Decimal(str(row.value_amount)), None, "no such period"))
            continue
        if period.last_day <= scope.as_of:
            revenue, stated = _revenue(days, period), Decimal(str(row.value_amount))
            source = row.source if isinstance(row.source, str) else ""
            rows.append((period.name, revenue, stated, revenue - stated, source))
    return pd.DataFrame([r for r in rows if r[3] is not None], columns=columns)


def without_customer(days: pd.DataFrame, period: Period) -> tuple[float | None, float | None]:
    """Return the shares of revenue and of lines without a customer; None where there are none."""
    chosen = days[in_period(days, period)]
    revenue = chosen[chosen["is_revenue"].astype(bool)]
    total, lines = exact_sum(revenue["amount"]), int(chosen["line_count"].sum())
    unknown = ~_known(chosen)
    amount = exact_sum(revenue.loc[~_known(revenue), "amount"])
    return (
        float(amount / total) if total > 0 else None,
        int(chosen.loc[unknown, "line_count"].sum()) / lines if lines else None,
    )


def in_period(days: pd.DataFrame, period: Period) -> pd.Series:
    """Return which rows of company_days lie in the period."""
    starts, ends = pd.Timestamp(period.starts_on), pd.Timestamp(period.ends_before)
    return (days["day"] >= starts) & (days["day"] < ends)


def exact_sum(amounts: pd.Series) -> Decimal:
    """Return the sum of exact amounts, exactly."""
    return sum((_decimal(amount) for amount in amounts), Decimal())


def _decimal(amount: object) -> Decimal:
    return amount if isinstance(amount, Decimal) else Decimal(str(amount))


def _revenue(days: pd.DataFrame, period: Period) -> Decimal:
    chosen = days[in_period(days, period) & days["is_revenue"].astype(bool)]
    return exact_sum(chosen["amount"])


def _known(days: pd.DataFrame) -> pd.Series:
    return days["has_customer"].astype(bool)
