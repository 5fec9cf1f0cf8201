"""Does the stated market agree with what can be counted from below?"""

import pandas as pd

from analysis.strategy.market_capture import chapman

COLUMNS = [
    "region_id",
    "stated_count",
    "two_lists_count",
    "two_lists_low_count",
    "two_lists_high_count",
    "own_list_count",
    "own_list_low_count",
    "own_list_high_count",
    "potential_mid_amount",
    "bottom_up_low_amount",
    "bottom_up_mid_amount",
    "bottom_up_high_amount",
    "is_agreed",
]


def cross_check_table(
    regions: pd.DataFrame, capture: pd.DataFrame, own_list: pd.DataFrame, estimates: pd.DataFrame
) -> pd.DataFrame:
    """Return each region's stated organisations beside those counted from below.

    Columns: region_id; stated_count (top-down); two_lists_count (two outside lists) and
    own_list_count (our customers and the outside lists: of those listed so many are ours), with low
    and high; potential_mid_amount (top-down) and bottom_up_low_amount, _mid, _high (the same with
    the organisations of the two lists); is_agreed (the stated number is within the 80 % range of
    the two lists; missing where one list has nobody of the region). Empty without lists.
    """
    if capture.empty:
        return pd.DataFrame(columns=COLUMNS)
    stated = estimates.groupby("region_id")["organisation_count"].max().astype(float)
    names = {f"organisation{end}_count": f"two_lists{end}_count" for end in ("", "_low", "_high")}
    table = capture.rename(columns=names)[["region_id", *names.values()]]
    table = table.assign(stated_count=table["region_id"].map(stated))
    table = table[table["stated_count"] > 0].merge(own_list, on="region_id", how="left")
    amount = regions.set_index("region_id")["potential_mid_amount"]
    table = table.assign(potential_mid_amount=table["region_id"].map(amount))
    each = table["potential_mid_amount"] / table["stated_count"]
    for part, end in (("low", "_low"), ("mid", ""), ("high", "_high")):
        counted = table[f"two_lists{end}_count"]
        table = table.assign(**{f"bottom_up_{part}_amount": each * counted})
    inside = table["stated_count"].between(
        table["two_lists_low_count"], table["two_lists_high_count"]
    )
    inside = inside.astype("boolean").where(table["two_lists_count"].notna())
    return table.assign(is_agreed=inside)[COLUMNS].reset_index(drop=True)


def own_list_table(
    customers: pd.DataFrame, market_listings: pd.DataFrame, as_of: pd.Timestamp
) -> pd.DataFrame:
    """Return the organisations of each region, from our own customers and the outside lists.

    Our customers who are organisations are one list, all outside lists together the other (Chapman
    1951). Columns: region_id, own_list_count with low and high.
    """
    columns = ["region_id", "own_list_count", "own_list_low_count", "own_list_high_count"]
    ours = _organisations(customers, as_of)
    known = market_listings[market_listings["listed_on"] <= as_of]
    if "customer_id" not in known or known["customer_id"].isna().all():
        return pd.DataFrame(columns=columns)
    listed = known.drop_duplicates("organisation_id")
    is_ours = listed["customer_id"].isin(set(ours["customer_id"]))
    rows = []
    for region in sorted(set(ours["region_id"].dropna()) & set(listed["region_id"])):
        own = int((ours["region_id"] == region).sum())
        inside = listed["region_id"] == region
        both = min(own, int((inside & is_ours).sum()))
        rows.append((region, *chapman(own, int(inside.sum()), both)))
    return pd.DataFrame(rows, columns=columns)


def _organisations(customers: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    kept = pd.Series(True, index=customers.index)
    if "business_model" in customers:
        kept &= ~customers["business_model"].eq("b2c").fillna(False).astype(bool)
    if "customer_state" in customers:
        kept &= ~customers["customer_state"].eq("prospect").fillna(False).astype(bool)
    if "created_on" in customers:
        kept &= ~(customers["created_on"] > as_of)
    return customers[kept]
