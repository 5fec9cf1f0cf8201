"""What would other choices change: the segments at hand beside those that were published?"""

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from analysis.customers.behaviour_features import behaviour_features
from analysis.customers.prospects import prospect_class
from analysis.customers.segment_anchor import NEW_ID, SILENT_ID, Anchor

SEGMENT, CLASS = "segment", "prospect class"


def choices_table(
    customers: pd.DataFrame, segments: pd.DataFrame, used: Anchor, published: Anchor
) -> pd.DataFrame:
    """Return who stands where by the published segments and by those at hand, overrides left out.

    One row per pair that holds anybody. Columns: what (segment, prospect class); published_name;
    name_now; customer_count; revenue_year_amount; is_changed (a segment is the same one when the
    two lie over each other most, whatever its name).
    """
    rule = segments[~segments["is_override"]]
    mine = customers.loc[rule.index]
    before = pd.Series(rule_ids(mine, published), index=mine.index)
    pairs = _paired(before, rule["segment_id"])
    tables = [
        _crossed(
            SEGMENT,
            before.map(published.names),
            rule["segment_name"],
            before.map(pairs).fillna("") != rule["segment_id"],
            mine,
        ),
    ]
    classes = prospect_class(mine, published.cuts)
    changed = classes != rule["prospect_class"]
    tables.append(_crossed(CLASS, classes, rule["prospect_class"], changed, mine))
    return pd.concat(tables, ignore_index=True)


def changed_share(table: pd.DataFrame, what: str) -> tuple[int, int]:
    """Return how many customers are elsewhere, and of how many."""
    mine = table[table["what"] == what]
    counts = mine["customer_count"]
    return int(counts[mine["is_changed"]].sum()), int(counts.sum())


def rule_ids(customers: pd.DataFrame, anchor: Anchor) -> np.ndarray:
    """Return the segment of each customer by an anchor: nearest centre, or the cut in value."""
    features = behaviour_features(customers, anchor.typical_gap)
    names = list(anchor.names)
    if anchor.has_clusters:
        found = np.array(names, dtype=object)[anchor.distances(features).argmin(axis=1)]
    else:
        is_smaller = customers["revenue_year_amount"].to_numpy() < anchor.larger_amount
        found = np.array(names, dtype=object)[is_smaller.astype(int)]
    found = np.where(customers["is_clustered"], found, SILENT_ID)
    return np.where(customers["is_new"], NEW_ID, found)


def _paired(before: pd.Series, now: pd.Series) -> dict[str, str]:
    """Match ids so that as many customers as can be stay where they are."""
    both = pd.crosstab(before, now)
    rows, columns = linear_sum_assignment(-both.to_numpy())
    return {both.index[i]: both.columns[j] for i, j in zip(rows, columns, strict=True)}


def _crossed(
    what: str, before: pd.Series, now: pd.Series, changed: pd.Series, customers: pd.DataFrame
) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "published_name": before.astype("str"),
            "name_now": now.astype("str"),
            "is_changed": changed.astype(bool),
            "revenue_year_amount": customers["revenue_year_amount"],
        }
    )
    keys = ["published_name", "name_now", "is_changed"]
    table = rows.groupby(keys, sort=False, as_index=False).agg(
        customer_count=("revenue_year_amount", "size"),
        revenue_year_amount=("revenue_year_amount", "sum"),
    )
    order = ["customer_count", "published_name", "name_now"]
    table = table.sort_values(order, ascending=[False, True, True], ignore_index=True)
    table = table.assign(what=what, revenue_year_amount=table["revenue_year_amount"].round(2))
    return table[["what", *keys[:2], "customer_count", "revenue_year_amount", "is_changed"]]
