"""A new fit that keeps the names of the segments it finds again, and what it would change."""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from analysis.core.scope import Scope
from analysis.customers.behaviour_features import behaviour_features
from analysis.customers.segment_anchor import Anchor, read_anchor
from analysis.customers.segment_fit import fit_anchor
from analysis.customers.segment_options import SegmentationOptions

# Segments are the same when they share so much of all customers who are in either of them.
_SAME_JACCARD = 0.5


def refit(
    customers: pd.DataFrame,
    before: Anchor | None,
    why: str,
    *,
    scope: Scope,
    options: SegmentationOptions,
) -> Anchor:
    """Fit anew; segments that are found again keep their id and name, others get new ones.

    Found again is a segment that shares at least half of all customers in either with one before,
    each matched at most once so that most customers stay.
    """
    fresh = fit_anchor(customers, why, scope=scope, options=options)
    if before is None or not (before.has_clusters and fresh.has_clusters):
        return fresh
    mine = customers["is_clustered"]
    clustered = customers[mine]
    # The typical silence is the company's, so it comes from all customers.
    old = _places(clustered, behaviour_features(customers, before.typical_gap)[mine], before)
    new = _places(clustered, behaviour_features(customers, fresh.typical_gap)[mine], fresh)
    same = _found_again(old, new, len(before.centres), len(fresh.centres))
    renamed = replace(fresh, names=_names(fresh, before, same))
    return read_anchor(renamed.to_table())


def refit_preview(
    customers: pd.DataFrame, features: pd.DataFrame, before: Anchor, fresh: Anchor
) -> pd.DataFrame:
    """Return how many clustered customers would go from which segment to which.

    One row per pair with customers, by segment: old_segment_name, new_segment_name, customer_count,
    old_segment_share (of the old segment's customers) and is_same. `features` are those of the
    clustered customers under the old anchor.
    """
    clustered = customers[customers["is_clustered"]]
    own = behaviour_features(customers, fresh.typical_gap)[customers["is_clustered"]]
    old = np.array(before.cluster_ids)[_places(clustered, features, before)]
    if fresh.has_clusters:
        new = np.array(fresh.cluster_ids)[_places(clustered, own, fresh)]
    else:
        larger, smaller = list(fresh.names)[:2]
        is_larger = clustered["revenue_year_amount"] >= fresh.larger_amount
        new = np.where(is_larger, larger, smaller)
    pairs = pd.DataFrame({"old": old, "new": new}).value_counts().rename("customer_count")
    table = pairs.reset_index().sort_values(["old", "new"], ignore_index=True)
    sizes = table.groupby("old")["customer_count"].transform("sum")
    return pd.DataFrame(
        {
            "old_segment_name": table["old"].map(before.names).astype("str"),
            "new_segment_name": table["new"].map(fresh.names).astype("str"),
            "customer_count": table["customer_count"].astype("int64"),
            "old_segment_share": table["customer_count"] / sizes,
            "is_same": table["old"] == table["new"],
        }
    )


def _places(clustered: pd.DataFrame, features: pd.DataFrame, anchor: Anchor) -> np.ndarray:
    if clustered.empty:
        return np.empty(0, dtype=int)
    return anchor.distances(features).argmin(axis=1)


def _found_again(
    old: np.ndarray, new: np.ndarray, old_count: int, new_count: int
) -> dict[int, int]:
    """Return new segment -> the old one that it is, by position."""
    both = np.bincount(old * new_count + new, minlength=old_count * new_count)
    both = both.reshape(old_count, new_count)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    jaccard = both / np.maximum(either, 1)
    rows, columns = linear_sum_assignment(-both)
    return {
        int(column): int(row)
        for row, column in zip(rows, columns, strict=True)
        if jaccard[row, column] >= _SAME_JACCARD
    }


def _names(fresh: Anchor, before: Anchor, same: dict[int, int]) -> dict[str, str]:
    """Return ids and names in the order of the fresh centres; no id or name means two things."""
    names: dict[str, str] = {}
    number = max(int(i.removeprefix("s")) for i in before.cluster_ids)
    for place, own_id in enumerate(fresh.cluster_ids):
        if place in same:
            kept = before.cluster_ids[same[place]]
            names[kept] = before.names[kept]
            continue
        number += 1
        taken = {*names.values(), *before.names.values()}
        name = fresh.names[own_id]
        names[f"s{number}"] = name if name not in taken else f"{name}, new in {fresh.period}"
    return names | {i: n for i, n in fresh.names.items() if i not in fresh.cluster_ids}
