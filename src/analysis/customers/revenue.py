"""What happened to revenue this quarter, and which customers made it?"""

from dataclasses import dataclass
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
from analysis.customers.revenue_findings import decisions, findings
from analysis.customers.revenue_gone import gone_by_quarter, gone_customers, gone_now

NAME = "revenue"
TITLE = "What happened to revenue"
# A source whose first line comes later than this in its first quarter does not hold the quarter.
_LATEST_FIRST_DAY = 7
_MONTHS_PER_YEAR = 12


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
    options: RevenueOptions | None = None,
) -> Result:
    """Compare the quarter with the one before and with a year ago.

    Tables of the Result: `quarters` (one row per quarter of the data, see `quarter_table`),
    `months` (revenue by month), `bridge` (parts of the change on a year ago, or on the quarter
    before where the data are younger; they sum to the change), `changes` (customers whose revenue
    changed most), `kinds` (money by kind of line, and whether it counts), `gone` (top customers of
    the quarter before who ordered nothing), `gone_by_quarter` (how many such there were, and how
    many of them came back).
    """
    options = options or RevenueOptions()
    if scope.period.cadence != "quarterly":
        sentence = f"{scope.period} is not a quarter; customers are compared by quarter."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    quarters = quarter_table(company_days, customer_periods, scope=scope, options=options)
    bridge = bridge_on(company_days, customer_periods, quarters, scope)
    gone = gone_customers(customer_periods, quarters, scope, options.top_share)
    months = month_table(company_days)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(quarters, scope, options.top_share),
        findings=findings(quarters, bridge, gone, scope, options.confidence_share),
        decisions=decisions(quarters, company_days, gone, scope),
        tables={
            "quarters": quarters,
            "months": months,
            "bridge": bridge,
            "changes": largest_changes(customer_periods, quarters, scope),
            "kinds": kind_table(company_days, scope.period),
            "gone": gone_now(gone, scope),
            "gone_by_quarter": gone_by_quarter(gone),
        },
        charts={"revenue_by_month": month_chart(months, scope)} | _bridge(bridge, quarters, scope),
        caveats=_caveats(quarters, scope),
        definitions=_definitions(quarters, scope, options.top_share),
    )


def _bridge(bridge: pd.DataFrame, quarters: pd.DataFrame, scope: Scope) -> dict[str, Chart]:
    base = compared_period(quarters, scope)
    return {"revenue_bridge": bridge_chart(bridge, base.name, scope)} if base else {}


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
        for period in scope.calendar.between(first_day, scope.period.starts_on, "quarterly")
    ]
    table = pd.DataFrame(rows)
    late = (first_day - scope.calendar.containing(first_day, "quarterly").starts_on).days
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
    days = row["trading_day_count"]
    per_day = display.exact_amount(row["revenue_amount"] / days) if days else display.amount(None)
    notes = {
        "revenue": f"{per_day} per trading day, {display.count(days)} days",
        "active_customers": f"{display.count(row['kept_count'])} also in {scope.previous_period}, "
        f"{display.count(row['returned_count'])} returned, "
        f"{display.count(row['never_seen_count'])} never seen before",
        "silent_before": "the same look-back in every quarter shown",
        "top_revenue_share": "of identified revenue",
        "return_share": "of product sales",
        "no_customer_share": "cannot be segmented or steered",
    }
    shown = {
        "revenue": ("Net revenue", "revenue_amount", "amount"),
        "active_customers": ("Active customers", "active_count", "count"),
        "silent_before": (f"No order for {months} months before", "silent_before_count", "count"),
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


def _top_words(top_share: float, scope: Scope) -> str:
    return "the top fifth" if top_share == 0.2 else f"the top {scope.display.share(top_share, 0)}"


def _number(
    quarters: pd.DataFrame, scope: Scope, label: str, column: str, kind: str, note: str
) -> Number:
    whole = quarters[quarters["is_whole"] | (quarters["period"] == scope.period.name)]
    values = whole.set_index("period")[column].astype(float)
    # A part of a quarter is held against no whole one.
    compared = values.iloc[:0] if scope.is_cut_short else values
    return Number(
        label,
        _value(values, scope.period),
        kind,
        before=_value(compared, scope.previous_period),
        year_before=_value(compared, scope.year_before),
        note=note,
        history=tuple(values.dropna()),
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
            "The data go back less than a year before the compared quarters: 'never seen' may mean "
            "'not seen since the data begin'."
        )
    if not quarters["is_whole"].iloc[0]:
        caveats.append(
            f"The data begin within {quarters['period'].iloc[0]}; that quarter is compared to none."
        )
    if scope.year_before.name not in set(quarters["period"]):
        caveats.append("There is no year before to compare with, so the season is not known.")
    return tuple(caveats)


def _cut_words(scope: Scope) -> str:
    day = scope.display.day(scope.known_to or scope.as_of)
    return (
        f"The data end on {day}, before {scope.period} does: it is compared with no whole quarter."
    )


def _definitions(quarters: pd.DataFrame, scope: Scope, top_share: float) -> dict[str, str]:
    months = int(quarters["lookback_months"].iloc[-1])
    return {
        "Net revenue": "sum of all lines of the kinds that count as revenue, returns deducted",
        "Active customer": "has a document with a sale of more than zero in the quarter",
        "No order before": f"active, with no order in the {months} months before the quarter; the "
        "same look-back for each quarter shown, because a source that starts late flatters 'new'",
        "Trading day": "day with at least one sale",
        "Top customers": f"{_top_words(top_share, scope)} of the active customers by revenue in "
        f"{scope.period}",
    }
