"""What every segment is like: its size, its money, its typical customer, and a sentence."""

import numpy as np
import pandas as pd

from analysis.core.display import Display
from analysis.customers.behaviour_features import FEATURES
from analysis.customers.segment_anchor import NEW_ID, SILENT_ID, Anchor
from analysis.customers.segment_words import customers_text, top_features, value_text


def profile_table(
    customers: pd.DataFrame, features: pd.DataFrame, anchor: Anchor, display: Display
) -> pd.DataFrame:
    """Return one row per segment in canonical order; rule-made ones only where somebody is in them.

    `forecast_quarter_amount` sums the forecasts of the next quarter; `margin_share` is margin over
    revenue of the customers whose cost is known; `median_` columns are the typical customer's
    behaviour. Shares are of all customers and of all their revenue of the last four quarters.
    """
    rows = []
    for segment_id, name in anchor.names.items():
        mine = customers["segment_id"] == segment_id
        if mine.any() or segment_id not in (NEW_ID, SILENT_ID):
            rows.append({"segment_id": segment_id, "segment_name": name} | _sums(customers[mine]))
            rows[-1] |= {f"median_{n}": features.loc[mine, n].median() for n in FEATURES}
    table = pd.DataFrame(rows).astype({"segment_id": "str", "segment_name": "str"})
    revenue = customers["revenue_year_amount"].sum()
    table = table.assign(
        customer_share=table["customer_count"] / len(customers),
        revenue_share=table["revenue_year_amount"] / revenue if revenue > 0 else np.nan,
    )
    sentences = [_sentence(row, anchor, display) for row in table.to_dict("records")]
    return table.assign(sentence=pd.Series(sentences, dtype="str"))[_order(table)]


def _sums(mine: pd.DataFrame) -> dict[str, float]:
    has_cost = mine["margin_year_amount"].notna()
    revenue = float(mine.loc[has_cost, "revenue_year_amount"].sum())
    margin = float(mine["margin_year_amount"].sum())
    return {
        "customer_count": len(mine),
        "revenue_year_amount": round(float(mine["revenue_year_amount"].sum()), 2),
        "forecast_quarter_amount": round(
            float(mine["forecast_quarter_amount"].sum(min_count=1)), 2
        ),
        "margin_share": margin / revenue if revenue > 0 else np.nan,
    }


def _order(table: pd.DataFrame) -> list[str]:
    first = [
        "segment_id",
        "segment_name",
        "sentence",
        "customer_count",
        "customer_share",
        "revenue_year_amount",
        "revenue_share",
        "forecast_quarter_amount",
    ]
    return first + [name for name in table.columns if name not in first]


def _sentence(row: dict, anchor: Anchor, display: Display) -> str:
    count, amount = row["customer_count"], display.amount(row["revenue_year_amount"])
    if not count:
        return "Nobody at present."
    who = customers_text(count, display)
    they = "it" if count == 1 else "they"
    brought = f"brought {amount}, {display.share(row['revenue_share'])} of the last four quarters."
    segment_id = row["segment_id"]
    if segment_id == NEW_ID:
        return f"{who} whose first order lies within the last quarter; {they} {brought}"
    if segment_id == SILENT_ID:
        return f"{who} without an order in the last four quarters."
    if not anchor.has_clusters:
        side = "at least" if segment_id == anchor_first(anchor) else "less than"
        limit = display.amount(anchor.larger_amount) + ("" if count == 1 else " each")
        return f"{who} with {side} {limit}; {they} {brought}"
    centre = anchor.centres[anchor.cluster_ids.index(segment_id)]
    said = [
        value_text(name, row[f"median_{name}"], display)
        for name in top_features(centre, anchor.transform.features)
    ]
    one = "it" if count == 1 else "the typical one"
    return f"{who}; {one} {' and '.join(said)}. {they.capitalize()} {brought}"


def anchor_first(anchor: Anchor) -> str:
    """Return the id of the segment that stands first."""
    return next(iter(anchor.names))
