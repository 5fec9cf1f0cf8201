"""Did every row and every cent of the raw files arrive, and what should a reader know of them?"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from analysis.core.periods import Period
from analysis.core.result import Finding, Number, Result
from analysis.core.scope import Scope
from analysis.sources import data_quality_tables as tables
from analysis.sources.data_quality_chart import customer_chart
from analysis.sources.load_report import LoadReport

NAME = "data_quality"
TITLE = "Can the numbers be trusted?"
DEFINITIONS = {
    "Kept, rejected, merged": "Every raw row ends in exactly one of the three: in a table; in the "
    "list of rejects with the reason and the mend; or, by a stated rule, in another row that says "
    "the same. Rows read and money read are the sums of the three.",
    "Money": "Revenue amount of invoice lines in the company's currency, of rows where it can be "
    "told.",
    "Revenue": "Lines of the kinds that project.toml counts (revenue.kinds), net of tax.",
    "Without a customer": "Lines whose source names no customer, or one that customer_links does "
    "not know. They count in revenue; they cannot be segmented.",
    "Exact duplicate": "A row that equals an earlier one in every column that is used. Kept unless "
    "remove_exact_duplicates is set, since two equal lines of an invoice can both be real.",
    "Overlap": "Identical rows in several files of a source are kept as often as in the file that "
    "has them most.",
}


def data_quality(
    load: LoadReport,
    rejects: pd.DataFrame,
    company_days: pd.DataFrame,
    control_totals: pd.DataFrame | None = None,
    overruled: Sequence[str] = (),
    *,
    scope: Scope,
) -> Result:
    """Account for the load, and for the money of the scope's period.

    Tables of the Result: `files` (what became of each file), `kinds` (money of the period by kind
    of line and whether it counts as revenue), `quarters` (share of revenue and lines without a
    customer by fiscal quarter), `rejects` (by reason, with an example and the mend),
    `rejected_rows` (each of them, the first 10,000), `merged` (rows that say the same, by rule, and
    whether they were kept), `spellings` (stated rules that changed what a source wrote),
    `unmatched_customers`, `control_totals` (revenue beside finance's total and the difference).
    Tables without a row are left out, but not `files`. `overruled` are sentences about quality
    checks that a person overruled for this run; each becomes a finding. Rows and money of the load
    are of all periods: a file is loaded whole or not at all.
    """
    made = {
        "kinds": tables.kinds_table(company_days, scope),
        "files": tables.files_table(load),
        "quarters": tables.quarters_table(company_days, scope),
        "rejects": tables.rejects_table(rejects),
        "rejected_rows": tables.rejected_rows(rejects),
        "merged": tables.merged_table(load),
        "spellings": tables.spellings_table(load),
        "unmatched_customers": tables.unmatched_table(load),
        "control_totals": tables.control_table(company_days, control_totals, scope),
    }
    has_quarters = len(made["quarters"]) > 1
    return Result(
        NAME,
        TITLE,
        scope.period.name,
        scope.as_of,
        headline=_headline(load, rejects, company_days, scope),
        findings=(
            *(Finding(f"{text}.", metric="overruled") for text in overruled),
            *_findings(load, rejects, company_days, made, scope),
        ),
        tables={name: table for name, table in made.items() if len(table) or name == "files"},
        charts={"quarters": customer_chart(made["quarters"], scope)} if has_quarters else {},
        caveats=_caveats(load, len(rejects), scope),
        definitions=DEFINITIONS,
    )


def _headline(
    load: LoadReport, rejects: pd.DataFrame, days: pd.DataFrame, scope: Scope
) -> dict[str, Number]:
    totals = load.totals
    own = tables.unconverted(rejects)
    off = totals.money_read - totals.money_kept - totals.money_rejected - totals.money_merged
    no_customer = [
        tables.without_customer(days, period)
        for period in (scope.period, scope.previous_period, scope.year_before)
    ]
    return {
        "rows_read": Number(
            "Rows read",
            totals.rows_read,
            "count",
            note=f"{_files(load, scope)}; {_all_files(load, scope)}",
        ),
        "rows_kept": Number("Rows kept", totals.rows_kept, "count"),
        "rows_rejected": Number("Rows rejected", totals.rows_rejected, "count"),
        "rows_merged": Number("Rows merged by a stated rule", totals.rows_merged, "count"),
        "money_read": Number("Money read", float(totals.money_read), "amount", note="all periods"),
        "money_rejected": Number(
            "Money rejected",
            float(totals.money_rejected),
            "amount",
            note=f"and without a rate {', '.join(own)}" if own else "",
        ),
        "money_difference": Number(
            "Read less kept, rejected and merged", float(off), "amount", note="0 when in balance"
        ),
        "no_customer_revenue_share": _compared("Revenue without a customer", 0, no_customer),
        "no_customer_line_share": _compared("Lines without a customer", 1, no_customer),
    }


def _compared(label: str, place: int, shares: list[tuple[float | None, float | None]]) -> Number:
    now, before, year_before = (pair[place] for pair in shares)
    return Number(label, now, "share", before=before, year_before=year_before)


def _files(load: LoadReport, scope: Scope) -> str:
    """Count files, not what is made of them: one file may fill several tables."""
    count = len({(file.source, file.file) for file in load.files})
    return "1 file" if count == 1 else f"{scope.display.count(count)} files"


def _read_again(load: LoadReport, scope: Scope) -> str:
    """Name the tables that the same files fill too, whose rows are not counted a second time."""
    again = [file for file in load.files if file.repeats]
    if not again:
        return ""
    rows: dict[str, int] = {}
    for file in again:
        rows[file.table] = rows.get(file.table, 0) + file.counts.rows_read
    named = ", ".join(
        f"{table.replace('_', ' ')} {scope.display.count(count)}" for table, count in rows.items()
    )
    return f" The same files also fill further tables, not counted again (rows read): {named}."


def _all_files(load: LoadReport, scope: Scope) -> str:
    """What findings about the whole load say: they are not as of the period."""
    if load.last_day is None:
        return "all files"
    return f"all files, loaded to {scope.display.day(load.last_day)}"


def _findings(
    load: LoadReport,
    rejects: pd.DataFrame,
    days: pd.DataFrame,
    made: dict[str, pd.DataFrame],
    scope: Scope,
) -> tuple[Finding, ...]:
    found = [
        _balance_finding(load, scope),
        _reject_finding(load, made["rejects"], tables.unconverted(rejects), scope),
        _customer_finding(load, days, scope),
        _duplicate_finding(load, scope),
        _kinds_finding(made["kinds"], scope),
        _unmatched_finding(load, scope),
        *_control_findings(made["control_totals"], scope),
        _spelling_finding(load, scope),
    ]
    return tuple(finding for finding in found if finding is not None)


def _balance_finding(load: LoadReport, scope: Scope) -> Finding:
    """Written only when the books balance: a load that does not is never published."""
    totals, show = load.totals, scope.display
    return Finding(
        f"Every row and every cent is accounted for: {show.count(totals.rows_read)} rows read, "
        f"{show.count(totals.rows_kept)} kept, {show.count(totals.rows_rejected)} rejected, "
        f"{show.count(totals.rows_merged)} merged ({_all_files(load, scope)}).",
        f"Money: {show.exact_amount(totals.money_read, 2)} read = "
        f"{show.exact_amount(totals.money_kept, 2)} kept + "
        f"{show.exact_amount(totals.money_rejected, 2)} rejected + "
        f"{show.exact_amount(totals.money_merged, 2)} merged.{_read_again(load, scope)}",
        metric="rows_read",
        value=totals.rows_read,
    )


def _reject_finding(
    load: LoadReport, rejects: pd.DataFrame, unconverted: list[str], scope: Scope
) -> Finding | None:
    """Never on the first screen: it is of all files, whatever the period."""
    totals, show = load.totals, scope.display
    if not totals.rows_rejected or rejects.empty:
        return None
    worst = rejects.iloc[0]
    own = f", and {', '.join(unconverted)} that no rate converts" if unconverted else ""
    return Finding(
        f"{show.count(totals.rows_rejected)} rows were rejected, with "
        f"{show.exact_amount(totals.money_rejected)} where their amount can be read{own} "
        f"({_all_files(load, scope)}).",
        f"Most often: {worst['column']} in {worst['file']}, expected {worst['expected']}. "
        "Each is listed with the mend.",
        metric="money_rejected",
        value=float(totals.money_rejected),
    )


def _customer_finding(load: LoadReport, days: pd.DataFrame, scope: Scope) -> Finding | None:
    share, line_share = tables.without_customer(days, scope.period)
    if not line_share or share is None:
        return None
    show = scope.display
    return Finding(
        f"{show.share(share)} of revenue and {show.share(line_share)} of lines name no customer.",
        "They count in revenue and are left out of segments, growth and customer counts. Over all "
        f"periods: {show.count(load.lines_without_customer.rows)} lines, "
        f"{show.exact_amount(load.lines_without_customer.amount)} of revenue.",
        metric="no_customer_revenue_share",
        value=share,
    )


def _duplicate_finding(load: LoadReport, scope: Scope) -> Finding | None:
    duplicates, show = load.exact_duplicates, scope.display
    if not duplicates.rows:
        return None
    done = "were removed, as set" if load.are_duplicates_removed else "are kept and counted"
    return Finding(
        f"{show.count(duplicates.rows)} lines equal an earlier line in every column "
        f"({show.exact_amount(duplicates.amount)}); they {done}.",
        f"This is of {_all_files(load, scope)}. Two equal lines of an invoice can both be real; "
        "remove_exact_duplicates of the source decides.",
        metric="exact_duplicates",
        value=float(duplicates.amount),
    )


def _kinds_finding(kinds: pd.DataFrame, scope: Scope) -> Finding | None:
    others = kinds[~kinds["kind"].isin(("sale", "return")) & (kinds["amount"] != 0)]
    if others.empty:
        return None
    show = scope.display
    listed = ", ".join(
        f"{row.kind.replace('_', ' ')} {show.exact_amount(row.amount)}"
        for row in others.itertuples()
    )
    counted = others[others["is_revenue"]]
    text = f"Of {scope.period}, beside sales and returns: {listed}."
    total = tables.exact_sum(kinds.loc[kinds["is_revenue"], "amount"])
    rest = total - tables.exact_sum(counted["amount"])
    detail = (
        f"Revenue counts {', '.join(counted['kind'].str.replace('_', ' ')) or 'none of them'}; "
        f"it is {show.exact_amount(total)}, and {show.exact_amount(rest)} of sales and returns."
    )
    return Finding(text, detail, metric="kinds", value=float(total))


def _unmatched_finding(load: LoadReport, scope: Scope) -> Finding | None:
    people, show = load.unmatched_customers, scope.display
    if not people:
        return None
    amount = sum((person.amount for person in people), Decimal())
    return Finding(
        f"customer_links does not know {show.count(len(people))} customers of a source, with "
        f"{show.exact_amount(amount)}; their lines count as without a customer "
        f"({_all_files(load, scope)}).",
        "Add them to customer_links, greatest first.",
        metric="unmatched_customers",
        value=float(amount),
    )


def _control_findings(control: pd.DataFrame, scope: Scope) -> list[Finding]:
    """One sentence for each total that differs, and one for all that agree."""
    gaps = [Decimal(gap) for gap in control["difference_amount"]] if len(control) else []
    off = [row for row, gap in zip(control.itertuples(), gaps, strict=True) if gap]
    agreeing = [row.period for row, gap in zip(control.itertuples(), gaps, strict=True) if not gap]
    findings = [_difference(row, scope) for row in off]
    if agreeing:
        last = f", {agreeing[-1]} the last" if len(agreeing) > 1 else f", {agreeing[0]}"
        text = f"Revenue equals finance's total in {len(agreeing)} of {len(control)} periods{last}."
        findings.append(Finding(text, metric="control_total", value=0.0))
    return findings


def _difference(row: Any, scope: Scope) -> Finding:
    gap, show = Decimal(row.difference_amount), scope.display
    return Finding(
        f"Revenue of {row.period} is {show.exact_amount(abs(gap), 2)} "
        f"{'above' if gap > 0 else 'below'} finance's total of "
        f"{show.exact_amount(row.control_amount, 2)}.",
        f"Source of the total: {row.source}." if row.source else "",
        metric="control_total",
        comparison=row.period,
        value=float(gap),
        rank=abs(float(gap)) if row.period == scope.period.name else 0.0,
    )


def _spelling_finding(load: LoadReport, scope: Scope) -> Finding | None:
    if not load.spellings:
        return None
    listed = "; ".join(
        f"{s.rule}: {s.found} read as {s.used} ({scope.display.count(s.rows)} rows)"
        for s in load.spellings
    )
    return Finding("Stated rules changed what the sources wrote.", listed, metric="spellings")


def _caveats(load: LoadReport, reject_count: int, scope: Scope) -> tuple[str, ...]:
    caveats = [*_cut_period(load, scope.period, scope), *load.notes]
    if reject_count > tables.MOST_REJECTS:
        caveats.append(
            f"rejected_rows lists the first {scope.display.count(tables.MOST_REJECTS)} of "
            f"{scope.display.count(reject_count)} rejected rows; all are in rejects.parquet of "
            f"data/processed/tables/{load.snapshot}."
        )
    blank = sum(file.blank_rows for file in load.files if not file.repeats)
    if blank:
        caveats.append(f"{scope.display.count(blank)} blank lines were skipped; they hold nothing.")
    caveats += [f"{file.file}: {note}." for file in load.files for note in file.notes]
    return tuple(dict.fromkeys(caveats))


def _cut_period(load: LoadReport, period: Period, scope: Scope) -> list[str]:
    """Say when the data begin after the period's start or end before its end."""
    show: list[str] = []
    first, last = load.first_day, load.last_day
    if isinstance(last, date) and last < period.last_day:
        day = scope.display.day(last)
        show.append(f"The data end on {day}, before the end of {period}: its sums are not whole.")
    if isinstance(first, date) and first > period.starts_on:
        day = scope.display.day(first)
        show.append(f"The data begin on {day}, after the start of {period}.")
    return show
