"""What did each customer earn in the last four quarters, and what took most of it away?

Profit splits exactly into parts: sales at the company's usual margin; what this customer's prices
and products give above or below it; what came back; credits, fees and bad debt; handling of orders;
hours. The largest part below zero is the reason when a customer loses money.
"""

import numpy as np
import pandas as pd

from analysis.customers.profitability_hours import ServedHours
from analysis.customers.profitability_options import ProfitabilityOptions

# Part -> the reason that it gives, in the words of the list.
REASONS = {
    "price_amount": "low prices or costly products",
    "return_amount": "returns",
    "other_amount": "credits, fees and bad debt",
    "order_cost_amount": "small orders",
    "service_cost_amount": "hours that it takes",
}
_CENTS = 100.0
_FINE = 10_000  # amounts are exact in ten-thousandths


def exact_sum(amounts: pd.Series) -> float:
    """Return the sum of amounts without the drift of floating point; missing ones count 0."""
    whole = np.round(amounts.to_numpy(dtype=float, na_value=0.0) * _FINE).astype(np.int64)
    return int(whole.sum()) / _FINE


def usual_margin_share(customer_kinds: pd.DataFrame) -> float:
    """Return margin over revenue of all sales with a cost; missing without any."""
    sales = customer_kinds[customer_kinds["kind"] == "sale"]
    revenue = exact_sum(sales["with_cost_amount"])
    return 1 - exact_sum(sales["cost_amount"]) / revenue if revenue > 0 else np.nan


def customer_profit(
    customer_kinds: pd.DataFrame,
    customers: pd.DataFrame,
    hours: ServedHours,
    options: ProfitabilityOptions,
) -> pd.DataFrame:
    """Return one row per customer with a line in the last four quarters, sorted by id.

    Columns: customer_id; customer_name; prospect_class; segment_name; order_count;
    revenue_amount; margin_amount (missing when a line has no cost); the parts `usual_amount`,
    `price_amount`, `return_amount`, `other_amount`, `order_cost_amount`, `service_cost_amount`
    (the last two not above 0; hours count 0 where they are withheld); service_hours; profit_amount
    (sum of the parts; missing with the margin); reason (what takes most away: the largest part
    below 0; empty where no part is).
    """
    table = _by_kind(customer_kinds)
    table = table.merge(customers, on="customer_id", how="left").sort_values(
        "customer_id", ignore_index=True
    )
    parts = _parts(table, usual_margin_share(customer_kinds), hours, options)
    known = parts["margin_amount"].notna()
    names = ["usual_amount", *REASONS]
    profit = parts[names].sum(axis=1).round(4).where(known)
    table = pd.concat([table, parts], axis=1).assign(profit_amount=profit)
    return table.assign(reason=_reason(table))[_COLUMNS]


_COLUMNS = [
    "customer_id",
    "customer_name",
    "profit_amount",
    "revenue_amount",
    "margin_amount",
    "usual_amount",
    *REASONS,
    "service_hours",
    "order_count",
    "prospect_class",
    "segment_name",
    "reason",
]


def _by_kind(customer_kinds: pd.DataFrame) -> pd.DataFrame:
    """Return revenue, margin of sales, returns and the rest, and lines without cost."""
    kinds = customer_kinds.astype({"kind": "str"})
    margin = (kinds["with_cost_amount"] - kinds["cost_amount"]).astype(float).round(4)
    group = kinds["kind"].where(kinds["kind"].isin(["sale", "return"]), "other")
    work = kinds.assign(
        sale_with_cost=kinds["with_cost_amount"].where(group == "sale", 0.0),
        sale_margin=margin.where(group == "sale", 0.0),
        return_margin=margin.where(group == "return", 0.0),
        other_margin=margin.where(group == "other", 0.0),
    )
    names = ["revenue_amount", "sale_with_cost", "sale_margin", "return_margin", "other_margin"]
    sums = work.groupby("customer_id")[[*names, "missing_cost_count"]].sum()
    return sums.round(4).reset_index()


def _parts(
    table: pd.DataFrame, usual_share: float, hours: ServedHours, options: ProfitabilityOptions
) -> pd.DataFrame:
    known = table["missing_cost_count"] == 0
    usual = (table["sale_with_cost"] * usual_share).round(2)
    served = table["customer_id"].map(hours.by_customer).fillna(0.0).astype(float)
    charged = served if hours.is_enough(options.least_coverage_share) else served * 0.0
    orders = table["order_count"].fillna(0).astype(float)
    margin = table["sale_margin"] + table["return_margin"] + table["other_margin"]
    parts = {
        "margin_amount": margin.round(4),
        "usual_amount": usual,
        "price_amount": (table["sale_margin"] - usual).round(4),
        "return_amount": table["return_margin"],
        "other_amount": table["other_margin"],
        "order_cost_amount": _cents(-orders * options.cost_per_order_amount),
        "service_cost_amount": _cents(-charged * options.cost_per_hour_amount),
    }
    frame = pd.DataFrame({name: values.where(known) for name, values in parts.items()})
    return frame.assign(service_hours=served)


def _cents(amounts: pd.Series) -> pd.Series:
    return (amounts * _CENTS).round() / _CENTS + 0.0  # no minus zero


def _reason(table: pd.DataFrame) -> pd.Series:
    parts = table[list(REASONS)].fillna(0.0).to_numpy(float)
    worst = parts.argmin(axis=1)
    names = np.array(list(REASONS.values()))[worst]
    return pd.Series(np.where(parts.min(axis=1) < 0, names, ""), index=table.index, dtype="str")
