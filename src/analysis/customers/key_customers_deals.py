"""What was offered to customers, taken and is still open, as it was known at the period's end.

A line of a proposal bears no day. It is counted once its deal was won or lost: then it had been
offered and decided. Lines of deals still open at the end are not counted, because they may have
been written later.
"""

import numpy as np
import pandas as pd

from analysis.core.scope import Scope

_YEAR = 4
_OTHER = "no product named"
_LINE_COLUMNS = ["opportunity_id", "customer_id", "product_category", "is_won", "is_accepted"]
_PROPOSAL_COLUMNS = [
    "opportunity_id",
    "customer_id",
    "is_won",
    "line_count",
    "value_amount",
    "decided_line_count",
    "accepted_line_count",
]


def first_day(scope: Scope, quarters: int) -> pd.Timestamp:
    """Return the first day of the last so many quarters up to the period's end."""
    last = scope.calendar.containing(scope.as_of, "quarterly")
    return pd.Timestamp(scope.calendar.shift(last, 1 - quarters).starts_on)


def won_base(deals: pd.DataFrame | None, scope: Scope) -> pd.DataFrame:
    """Return won value by customer where there are no invoices.

    Columns: customer_id, customer_name (missing), year_amount, year_before_amount, rep_id
    (missing). `deals` is the table of sales.deals.deals_as_of.
    """
    names = ["customer_id", "year_amount", "year_before_amount"]
    if deals is None:
        return pd.DataFrame(columns=names).assign(customer_name=None, rep_id=None)
    won = deals[(deals["outcome"] == "won") & deals["customer_id"].notna()]
    start, before = first_day(scope, _YEAR), first_day(scope, 2 * _YEAR)
    value, day = won["value_amount"].astype(float).fillna(0.0), won["ended_at"]
    table = won[["customer_id"]].assign(
        year_amount=value.where(day >= start, 0.0),
        year_before_amount=value.where((day >= before) & (day < start), 0.0),
    )
    sums = table.groupby("customer_id", as_index=False)[names[1:]].sum()
    return sums.assign(customer_name=None, rep_id=None)


def decided_lines(
    deals: pd.DataFrame | None,
    opportunity_lines: pd.DataFrame | None,
    products: pd.DataFrame | None,
    *,
    scope: Scope,
    quarters: int,
) -> pd.DataFrame:
    """Return one row per line offered in a deal that was won or lost within the quarters.

    Columns: opportunity_id, customer_id, product_category (the product's own id where no category
    is known), is_won, is_accepted (NaN: the deal was won and nobody said of this line). A line of a
    lost deal that says nothing was not taken.
    """
    if deals is None or opportunity_lines is None or opportunity_lines.empty:
        return pd.DataFrame(columns=_LINE_COLUMNS)
    ended = deals[deals["outcome"].isin(["won", "lost"])]
    ended = ended[ended["ended_at"] >= first_day(scope, quarters)]
    offered = opportunity_lines[opportunity_lines["is_proposed"].astype("boolean").fillna(True)]
    lines = offered.merge(ended[["opportunity_id", "customer_id", "outcome"]], on="opportunity_id")
    taken = (
        lines["is_accepted"].astype("boolean").astype("Float64").to_numpy(float, na_value=np.nan)
    )
    is_won = lines["outcome"] == "won"
    lines = lines.assign(
        product_category=_categories(lines["product_id"], products),
        is_won=is_won,
        is_accepted=np.where(np.isnan(taken) & ~is_won, 0.0, taken),
    )
    ordered = lines.sort_values(["opportunity_id", "line_no"], ignore_index=True)
    return ordered[_LINE_COLUMNS]


def _categories(product_ids: pd.Series, products: pd.DataFrame | None) -> pd.Series:
    named = product_ids.astype("object")
    if products is not None and "product_category" in products:
        known = products.dropna(subset=["product_category"]).drop_duplicates("product_id")
        category = named.map(known.set_index("product_id")["product_category"])
        named = category.astype("object").where(category.notna(), named)
    return named.where(named.notna(), _OTHER).astype("str")


def proposals(
    lines: pd.DataFrame, opportunity_lines: pd.DataFrame | None, deals: pd.DataFrame | None
) -> pd.DataFrame:
    """Return one row per decided proposal, by opportunity_id.

    Columns: opportunity_id, customer_id, is_won, line_count, value_amount (of the deal as last
    known; where under nine in ten of won or of lost deals have one, of the offered lines),
    decided_line_count and accepted_line_count (lines of which it is known).
    """
    if lines.empty or deals is None or opportunity_lines is None:
        return pd.DataFrame(columns=_PROPOSAL_COLUMNS).astype({"value_amount": "float64"})
    table = lines.groupby("opportunity_id", as_index=False).agg(
        is_won=("is_won", "first"),
        line_count=("is_won", "size"),
        decided_line_count=("is_accepted", "count"),
        accepted_line_count=("is_accepted", "sum"),
    )
    known = deals.drop_duplicates("opportunity_id").set_index("opportunity_id")
    value = table["opportunity_id"].map(known["value_amount"]).astype(float)
    has_value = (value > 0).groupby(table["is_won"]).mean()
    if has_value.min() < 0.9:
        offered = opportunity_lines[opportunity_lines["is_proposed"].astype("boolean").fillna(True)]
        sums = offered["value_amount"].astype(float).groupby(offered["opportunity_id"]).sum()
        value = table["opportunity_id"].map(sums)
    table = table.assign(
        customer_id=table["opportunity_id"].map(known["customer_id"]), value_amount=value
    )
    return table[_PROPOSAL_COLUMNS]


def open_deals(deals: pd.DataFrame | None) -> pd.DataFrame:
    """Return number and value (missing where none has one) of open deals, by customer."""
    if deals is None:
        return pd.DataFrame(columns=["open_deal_count", "open_deal_amount"])
    still = deals[(deals["outcome"] == "open") & deals["customer_id"].notna()]
    by_customer = still.assign(amount=still["value_amount"].astype(float)).groupby("customer_id")
    return pd.DataFrame(
        {
            "open_deal_count": by_customer.size(),
            "open_deal_amount": by_customer["amount"].sum(min_count=1),
        }
    )


def latest_owner(deals: pd.DataFrame | None) -> pd.Series:
    """Return the owner of each customer's latest deal, as it was known then."""
    if deals is None:
        return pd.Series(dtype="object")
    owned = deals[deals["rep_id"].notna() & deals["customer_id"].notna()]
    last = owned.sort_values(["created_at", "opportunity_id"]).drop_duplicates(
        "customer_id", keep="last"
    )
    return last.set_index("customer_id")["rep_id"]
