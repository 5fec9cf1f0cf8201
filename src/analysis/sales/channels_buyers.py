"""What is known of customers who buy: what they leave by quarter, and the groups they belong to."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

# Kinds of groups that lifetime value is told for, as a page names them.
KINDS = ("industry", "business model", "first product category", "channel of the first deal")
_LEAST_KNOWN_SHARE = 0.5  # of revenue, with a margin, for margin to be told at all


@dataclass(frozen=True)
class Buyers:
    """The tables of customers; `customer_categories` None where products have no categories."""

    customer_periods: pd.DataFrame
    customer_features: pd.DataFrame
    customer_categories: pd.DataFrame | None = None


def with_worth(periods: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return customer_periods with `worth`, and what that is: "margin" or "revenue".

    Where the margin of a quarter is unknown, it is revenue at the usual margin. Where more than
    half of revenue has none, worth is revenue.
    """
    revenue = periods["revenue_amount"].astype(float)
    margin = periods["margin_amount"].astype(float)
    known = revenue[margin.notna()].sum()
    if not known > _LEAST_KNOWN_SHARE * revenue.sum():
        return periods.assign(worth=revenue), "revenue"
    usual = margin.sum() / known
    return periods.assign(worth=margin.fillna(revenue * usual)), "margin"


def buyer_groups(
    buyers: Buyers, deals: pd.DataFrame, category: pd.Series, leads: pd.DataFrame | None
) -> pd.DataFrame:
    """Return customer_id and the customer's group of each of KINDS; missing where not known.

    `deals` is `deals_as_of` with `category` beside it. The channel is that of the first won deal,
    else of the first lead of the customer.
    """
    features = buyers.customer_features.sort_values("customer_id")
    ids = features["customer_id"]
    won = deals.assign(category=category)[deals["outcome"] == "won"]
    won = won.dropna(subset=["customer_id"]).sort_values(["ended_at", "opportunity_id"])
    first = won.drop_duplicates("customer_id").set_index("customer_id")
    channel = ids.map(first["channel"])
    if leads is not None:
        named = leads.dropna(subset=["customer_id"]).sort_values(["created_at", "lead_id"])
        by_lead = named.drop_duplicates("customer_id").set_index("customer_id")["channel"]
        channel = channel.fillna(ids.map(by_lead))
    category_of_first = _first_category(buyers, ids, first["category"])
    columns = (features["industry"], features["business_model"], category_of_first, channel)
    table = pd.DataFrame({"customer_id": ids} | dict(zip(KINDS, columns, strict=True)))
    return table.replace({np.nan: None}).reset_index(drop=True)


def _first_category(buyers: Buyers, ids: pd.Series, of_deal: pd.Series) -> pd.Series:
    bought = buyers.customer_categories
    if bought is None or bought.empty:
        return ids.map(of_deal)
    order = ["customer_id", "first_sold_on", "product_category"]
    first = bought.sort_values(order).drop_duplicates("customer_id").set_index("customer_id")
    return ids.map(first["product_category"])
