"""Which top customers of one quarter ordered nothing in the next, and how many came back?"""

import pandas as pd

from analysis.core.periods import Period
from analysis.core.scope import Scope

# A share of fewer silent customers than this says nothing.
_FEWEST_GONE = 20
# Quarters of experience with silent customers that a sentence needs.
_FEWEST_QUARTERS = 3


def gone_customers(
    customer_periods: pd.DataFrame, quarters: pd.DataFrame, scope: Scope, top_share: float
) -> pd.DataFrame:
    """Return top customers of one quarter without an order in the next, for every quarter.

    Columns: period (in which they ordered nothing), customer_id, before_amount (their revenue of
    the quarter before), is_back (ordered again in the quarter after; missing for the scope's
    quarter). Top are the `top_share` with most revenue among the active of the quarter before,
    which the data must hold in whole.
    """
    ordered = customer_periods[customer_periods["order_count"] > 0]
    whole = set(quarters.loc[quarters["is_whole"], "period"])
    parts = []
    for name in quarters["period"]:
        period = scope.calendar.parse(name)
        before = scope.calendar.shift(period, -1).name
        if before in whole:
            top = _top_customers(ordered[ordered["period"] == before], top_share)
            after = scope.calendar.shift(period, 1)
            parts.append(_gone_in(top, ordered, period, after, scope))
    columns = ["period", "customer_id", "before_amount", "is_back"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _top_customers(active: pd.DataFrame, top_share: float) -> pd.DataFrame:
    """The top by revenue; ties by id, so that the list does not depend on the order of rows."""
    amounts = active.assign(before_amount=active["revenue_amount"].astype(float))
    ranked = amounts.sort_values(["before_amount", "customer_id"], ascending=[False, True])
    return ranked.head(round(top_share * len(active)))


def _gone_in(
    top: pd.DataFrame, ordered: pd.DataFrame, period: Period, after: Period, scope: Scope
) -> pd.DataFrame:
    now = ordered.loc[ordered["period"] == period.name, "customer_id"]
    later = ordered.loc[ordered["period"] == after.name, "customer_id"]
    gone = top.loc[~top["customer_id"].isin(now), ["customer_id", "before_amount"]]
    is_back = gone["customer_id"].isin(later).astype("boolean")
    if after.ends_before > scope.period.ends_before:
        is_back = is_back.mask(is_back.notna())
    return gone.assign(period=period.name, is_back=is_back)[
        ["period", "customer_id", "before_amount", "is_back"]
    ]


def gone_now(gone: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """Return the gone of the scope's quarter, largest first: customer_id, before_amount."""
    now = gone.loc[gone["period"] == scope.period.name, ["customer_id", "before_amount"]]
    order = ["before_amount", "customer_id"]
    return now.sort_values(order, ascending=[False, True], ignore_index=True)


def gone_by_quarter(gone: pd.DataFrame) -> pd.DataFrame:
    """Return by quarter: period, gone_count, before_amount, back_count (missing while unknown)."""
    grouped = gone.assign(is_back=gone["is_back"].astype("Int64")).groupby("period")
    table = grouped.agg(
        gone_count=("customer_id", "size"),
        before_amount=("before_amount", "sum"),
        back_count=("is_back", lambda values: values.sum(min_count=1)),
    )
    return table.reset_index()


def experience(gone: pd.DataFrame, scope: Scope) -> str:
    """Say how many such customers came back; a range of shares only where quarters have many."""
    display, known = scope.display, gone.dropna(subset=["is_back"])
    shares, quarters = back_shares(gone), known["period"].nunique()
    if quarters < _FEWEST_QUARTERS:
        return ""
    counts = gone_by_quarter(gone[gone["period"] != scope.period.name])["gone_count"]
    usual = f" Earlier {scope.unit}s had {counts.min()} to {counts.max()} such customers."
    if known.groupby("period").size().min() >= _FEWEST_GONE:
        return (
            f"{usual} In {quarters} earlier {scope.unit}s {display.share(shares.min(), 0)} to "
            f"{display.share(shares.max(), 0)} of such customers were back one {scope.unit} later."
        )
    back = display.count(known["is_back"].sum())
    return (
        f"{usual} In {quarters} earlier {scope.unit}s {back} of {display.count(len(known))} such "
        f"customers were back one {scope.unit} later."
    )


def back_shares(gone: pd.DataFrame) -> pd.Series:
    """Return by quarter the share of the gone who were back a quarter later, where known."""
    known = gone.dropna(subset=["is_back"])
    return known["is_back"].astype(float).groupby(known["period"]).mean()
