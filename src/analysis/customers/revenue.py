"""What happened to revenue this quarter or year, and which customers made it?"""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from analysis.core.figures import Chart
from analysis.core.periods import FiscalCalendar, Period
from analysis.core.problems import Problem, SettingsError
from analysis.core.result import Number, Result
from analysis.core.scope import Scope
from analysis.customers.revenue_bridge import bridge_on, compared_period, largest_changes
from analysis.customers.revenue_charts import bridge_chart, month_chart
from analysis.customers.revenue_findings import Parts, decisions, findings
from analysis.customers.revenue_gone import gone_by_quarter, gone_customers, gone_now
from analysis.customers.revenue_usual import usual_change
from analysis.customers.revenue_years import by_period

NAME = "revenue"
TITLE = "What happened to revenue"
# A source whose first line comes later than this in its first quarter does not hold the quarter.
_LATEST_FIRST_DAY = 7
_MONTHS_PER_YEAR = 12
_CADENCES = ("quarterly", "annual")


@dataclass(frozen=True)
class RevenueOptions:
    """Choices of the revenue chapter."""

    top_share: float = 0.2  # share of customers that counts as the top, 0 to 1
    confidence_share: float = 0.95  # of intervals around comparisons of shares, 0 to 1

    def __post_init__(self) -> None:
        for name in ("top_share", "confidence_share"):
            if not 0 < getattr(self, name) < 1:
                raise SettingsError(
                    Problem(
                        f"revenue option {name}",
                        str(getattr(self, name)),
                        "a share between 0 and 1",
                        "write for example 0.2 for 20 %",
                    )
                )


def revenue(
    company_days: pd.DataFrame,
    customer_periods: pd.DataFrame,
    *,
    scope: Scope,
    target_amount: float | None = None,
    options: RevenueOptions | None = None,
) -> Result:
    """Compare the quarter, or the fiscal year, with the one before, a year ago and its target.

    In an annual report every "quarter" below is a year. `target_amount` is the revenue that was
    demanded of the period, None where nobody set a target.

    Tables of the Result: `quarters` (one row per quarter of the data, see `quarter_table`),
    `months` (revenue by month), `bridge` (parts of the change on a year ago, or on the quarter
    before where the data are younger; they sum to the change), `changes` (customers whose revenue
    changed most), `kinds` (money by kind of line, and whether it counts), `gone` (top customers of
    the quarter before who ordered nothing), `gone_by_quarter` (how many such there were, and how
    many of them came back).
    """
    options = options or RevenueOptions()
    if scope.period.cadence not in _CADENCES:
        sentence = f"{scope.period} is not a quarter or a year; customers are compared by these."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    if company_days.empty:
        sentence = "No invoice lines are loaded, so what happened to revenue cannot be said."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    customer_periods = by_period(customer_periods, scope)
    quarters = quarter_table(company_days, customer_periods, scope=scope, options=options)
    parts = _parts(company_days, customer_periods, quarters, scope)
    gone = gone_customers(customer_periods, quarters, scope, options.top_share)
    months = month_table(company_days)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_with_target(_headline(quarters, scope, options.top_share), target_amount, scope),
        findings=findings(quarters, parts, gone, scope, options.confidence_share),
        decisions=decisions(quarters, company_days, gone, scope),
        tables={
            "quarters": quarters,
            "months": months,
            "bridge": parts.bridge,
            "changes": parts.changes,
            "kinds": kind_table(company_days, scope.period),
            "gone": gone_now(gone, scope),
            "gone_by_quarter": gone_by_quarter(gone),
        },
        charts={"revenue_by_month": month_chart(months, scope)} | _bridge(parts, scope),
        caveats=_caveats(quarters, scope),
        definitions=_definitions(quarters, scope, options.top_share),
        unknown=() if target_amount is not None else ("Target: none supplied.",),
    )


def _parts(
    company_days: pd.DataFrame,
    customer_periods: pd.DataFrame,
    quarters: pd.DataFrame,
    scope: Scope,
) -> Parts:
    base = compared_period(quarters, scope)
    return Parts(
        base,
        bridge_on(company_days, customer_periods, quarters, scope),
        largest_changes(customer_periods, quarters, scope),
        usual_change(company_days, customer_periods, scope.period, base) if base else None,
    )


def _bridge(parts: Parts, scope: Scope) -> dict[str, Chart]:
    if parts.base is None:
        return {}
    return {"revenue_bridge": bridge_chart(parts.bridge, parts.base.name, scope)}


def quarter_table(
    company_days: pd.DataFrame,
    customer_periods: pd.DataFrame,
    *,
    scope: Scope,
    options: RevenueOptions,
) -> pd.DataFrame:
    """Return one row per quarter from the first line to the scope's quarter.

    Columns: period; starts_on; is_whole (the data hold all of it); revenue_amount;
    trading_day_count (days with a sale); active_count (customers with an order), split into
    kept_count (also active the quarter before), returned_count and never_seen_count;
    silent_before_count (active, but without an order for `lookback_months` before: the same
    look-back for each quarter, so that an early start of the data flatters none; missing where the
    data do not go back so far); lookback_months; bought_again_share (of the active of the quarter
    before, 0 to 1); top_revenue_share (of identified revenue, by the top customers); return_share
    (returns of goods, of sales); no_customer_share (of revenue, without a customer).
    """
    first_day = company_days["day"].min().date()
    months = equal_lookback_months(first_day, scope)
    rows = [
        _company_row(company_days, period)
        | _customer_row(customer_periods, period, scope.calendar, months, options.top_share)
        for period in scope.calendar.between(
            first_day, scope.period.starts_on, scope.period.cadence
        )
    ]
    table = pd.DataFrame(rows)
    late = (first_day - scope.calendar.containing(first_day, scope.period.cadence).starts_on).days
    is_first = pd.Series(table.index == 0)
    is_partial = is_first & (late > _LATEST_FIRST_DAY)
    is_partial |= (table["period"] == scope.period.name) & scope.is_cut_short
    # A share of the buyers of a part of a quarter says nothing.
    previous_active = table["active_count"].where(~is_partial).shift()
    can_look_back = table.pop("lookback_from") >= pd.Timestamp(first_day)
    return table.assign(
        silent_before_count=table["silent_before_count"].where(can_look_back),
        is_whole=~is_partial,
        lookback_months=months,
        bought_again_share=(table["kept_count"] / previous_active).where(
            (previous_active > 0) & ~is_partial
        ),
    )


def equal_lookback_months(first_day: date, scope: Scope) -> int:
    """Return how many whole months all compared quarters can look back; 0 when none.

    Compared are the scope's quarter, the one before and that of a year before, as far as the data
    begin before them.
    """
    compared = (scope.year_before, scope.previous_period, scope.period)
    start = next((p.starts_on for p in compared if p.starts_on > first_day), first_day)
    months = (start.year - first_day.year) * 12 + start.month - first_day.month
    return max(0, months - (start.day < first_day.day))


def month_table(company_days: pd.DataFrame) -> pd.DataFrame:
    """Return revenue by calendar month: month (first day), revenue_amount."""
    days = company_days[company_days["is_revenue"]]
    month = days["day"].dt.to_period("M").dt.to_timestamp().rename("month")
    sums = days["amount"].astype(float).groupby(month).sum()
    return sums.rename("revenue_amount").reset_index()


def kind_table(company_days: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Return the quarter's money by kind: kind, amount, line_count, is_revenue."""
    days = _within(company_days, period)
    grouped = days.groupby(["kind", "is_revenue"], observed=True, as_index=False)
    return grouped.agg(amount=("amount", "sum"), line_count=("line_count", "sum")).sort_values(
        "kind", ignore_index=True
    )


def _within(days: pd.DataFrame, period: Period) -> pd.DataFrame:
    start, end = pd.Timestamp(period.starts_on), pd.Timestamp(period.ends_before)
    return days[(days["day"] >= start) & (days["day"] < end)]


def _company_row(company_days: pd.DataFrame, period: Period) -> dict[str, object]:
    days = _within(company_days, period)
    counted = days[days["is_revenue"]]
    amount = counted["amount"].astype(float)
    sales = days.loc[days["kind"] == "sale", "amount"].astype(float).sum()
    returns = -days.loc[days["kind"] == "return", "amount"].astype(float).sum()
    total = float(counted["amount"].sum())  # exact, then rounded once
    return {
        "period": period.name,
        "starts_on": pd.Timestamp(period.starts_on),
        "revenue_amount": total,
        "trading_day_count": int(days.loc[days["kind"] == "sale", "day"].nunique()),
        "return_share": returns / sales if sales > 0 else np.nan,
        "no_customer_share": amount[~counted["has_customer"]].sum() / total if total else np.nan,
    }


def _customer_row(
    customer_periods: pd.DataFrame,
    period: Period,
    calendar: FiscalCalendar,
    lookback_months: int,
    top_share: float,
) -> dict[str, object]:
    rows = customer_periods[customer_periods["period"] == period.name]
    active = rows[rows["order_count"] > 0]
    before = active["previous_order_on"]
    lookback_from = pd.Timestamp(period.starts_on) - pd.DateOffset(months=lookback_months)
    kept = before >= pd.Timestamp(calendar.shift(period, -1).starts_on)
    return {
        "active_count": len(active),
        "kept_count": int(kept.sum()),
        "returned_count": int((before.notna() & ~kept).sum()),
        "never_seen_count": int(before.isna().sum()),
        "lookback_from": lookback_from,
        "silent_before_count": float((before.isna() | (before < lookback_from)).sum()),
        "top_revenue_share": _top_revenue_share(active["revenue_amount"].astype(float), top_share),
    }


def _top_revenue_share(amounts: pd.Series, top_share: float) -> float:
    """Share of the revenue that the top customers make; missing when revenue is not positive."""
    total = amounts.sum()
    if total <= 0:
        return np.nan
    count = max(1, round(top_share * len(amounts)))
    return min(1.0, amounts.nlargest(count).sum() / total)


def _headline(quarters: pd.DataFrame, scope: Scope, top_share: float) -> dict[str, Number]:
    display, top = scope.display, _top_words(top_share, scope)
    row = quarters.iloc[-1]
    months = int(row["lookback_months"])
    notes = {
        "revenue": _per_trading_day(quarters, scope),
        "active_customers": f"{display.count(row['kept_count'])} also in {scope.previous_period}, "
        f"{display.count(row['returned_count'])} returned, "
        f"{display.count(row['never_seen_count'])} never seen before",
        "silent_before": f"the same look-back in every {scope.unit} shown",
        "top_revenue_share": "of identified revenue",
        "return_share": "of product sales",
        "no_customer_share": "cannot be segmented or steered",
    }
    shown = {
        "revenue": ("Net revenue", "revenue_amount", "amount"),
        "active_customers": ("Active customers", "active_count", "count"),
        "silent_before": (f"No order for {_months(months)} before", "silent_before_count", "count"),
        "bought_again": (
            f"Bought again after {scope.previous_period}",
            "bought_again_share",
            "share",
        ),
        "top_revenue_share": (f"Revenue from {top}", "top_revenue_share", "share"),
        "return_share": ("Product returns", "return_share", "share"),
        "no_customer_share": ("Revenue without a customer", "no_customer_share", "share"),
    }
    return {
        name: _number(quarters, scope, label, column, kind, notes.get(name, ""))
        for name, (label, column, kind) in shown.items()
        if column != "silent_before_count" or months > 0
    }


def _months(count: int) -> str:
    return f"{count} month{'s' if count != 1 else ''}"


def _per_trading_day(quarters: pd.DataFrame, scope: Scope) -> str:
    """Say what a trading day brought, in this period and in those that it is held against."""
    rows = quarters[quarters["is_whole"]].set_index("period")
    rows = rows.combine_first(quarters.set_index("period").loc[[scope.period.name]])
    compared = () if scope.is_cut_short else (scope.previous_period, scope.year_before)
    said = []
    for name in dict.fromkeys(period.name for period in (scope.period, *compared)):
        days = int(rows["trading_day_count"].get(name, 0))
        if days:
            amount = scope.display.exact_amount(rows["revenue_amount"][name] / days)
            place = "" if name == scope.period.name else f" in {name}"
            unit = "day" if days == 1 else "days"
            said.append(f"{amount}{place} ({scope.display.count(days)} {unit})")
    return f"per trading day {', '.join(said)}" if said else "no trading day"


def _with_target(
    headline: dict[str, Number], target_amount: float | None, scope: Scope
) -> dict[str, Number]:
    """Hold revenue against its target; a part of a period is held against none."""
    target = None if scope.is_cut_short else target_amount
    return headline | {"revenue": replace(headline["revenue"], target=target)}


def _top_words(top_share: float, scope: Scope) -> str:
    return "the top fifth" if top_share == 0.2 else f"the top {scope.display.share(top_share, 0)}"


def _number(
    quarters: pd.DataFrame, scope: Scope, label: str, column: str, kind: str, note: str
) -> Number:
    whole = quarters[quarters["is_whole"] | (quarters["period"] == scope.period.name)]
    values = whole.set_index("period")[column].astype(float)
    # A part of a quarter is held against no whole one.
    compared = values.iloc[:0] if scope.is_cut_short else values
    course = values.drop(scope.period.name, errors="ignore") if scope.is_cut_short else values
    return Number(
        label,
        _value(values, scope.period),
        kind,
        before=_value(compared, scope.previous_period),
        year_before=_value(compared, scope.year_before),
        note=note,
        history=tuple(course.dropna()),
    )


def _value(values: pd.Series, period: Period) -> float | None:
    value = values.get(period.name, np.nan)
    return None if pd.isna(value) else float(value)


def _caveats(quarters: pd.DataFrame, scope: Scope) -> tuple[str, ...]:
    caveats = ["Silent is not lost: without contracts, nobody says that he leaves."]
    if scope.is_cut_short:
        caveats.insert(0, _cut_words(scope))
    if quarters["lookback_months"].iloc[-1] < _MONTHS_PER_YEAR:
        caveats.append(
            f"The data go back less than a year before the compared {scope.unit}s: 'never seen' "
            "may mean 'not seen since the data begin'."
        )
    if not quarters["is_whole"].iloc[0]:
        caveats.append(
            f"The data begin within {quarters['period'].iloc[0]}; that {scope.unit} is compared "
            "to none."
        )
    if scope.year_before.name not in set(quarters["period"]):
        caveats.append("There is no year before to compare with, so the season is not known.")
    return tuple(caveats)


def _cut_words(scope: Scope) -> str:
    day = scope.display.day(scope.known_to or scope.as_of)
    return (
        f"The data end on {day}, before {scope.period} does: it is compared with no whole "
        f"{scope.unit}."
    )


def _definitions(quarters: pd.DataFrame, scope: Scope, top_share: float) -> dict[str, str]:
    months = int(quarters["lookback_months"].iloc[-1])
    return {
        "Net revenue": "sum of all lines of the kinds that count as revenue, returns deducted",
        "Active customer": f"has a document with a sale of more than zero in the {scope.unit}",
        "No order before": f"active, with no order in the {_months(months)} before the "
        f"{scope.unit}; the same look-back for each {scope.unit} shown, because a source that "
        "starts late flatters 'new'",
        "Trading day": "day with at least one sale",
        "Top customers": f"{_top_words(top_share, scope)} of the active customers by revenue in "
        f"{scope.period}",
    }
