"""A new anchor from the customers of one quarter: features, clusters, names, cut points."""

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.core.scope import Scope
from analysis.customers.behaviour_features import (
    YEAR_DAYS,
    behaviour_features,
    typical_gap_days,
)
from analysis.customers.prospects import cut_shares, fit_cuts
from analysis.customers.segment_actions import merge_groups
from analysis.customers.segment_anchor import (
    LARGER_ID,
    LARGER_NAME,
    NEW_ID,
    NEW_NAME,
    SILENT_ID,
    SILENT_NAME,
    SMALLER_ID,
    SMALLER_NAME,
    Anchor,
    read_anchor,
)
from analysis.customers.segment_options import SegmentationOptions
from analysis.customers.segment_stability import find_centres, scan_clusters
from analysis.customers.segment_transform import Transform, fit_transform
from analysis.customers.segment_words import segment_names

_FAR_SHARE = 0.99
# Below a year, seasons and rhythms are not seen; a fit from less holds for its period only.
_FEWEST_QUARTERS = 4
_QUARTER_DAYS = YEAR_DAYS // 4
# The first order of all may come so late in a company's first quarter.
_GRACE_DAYS = 14
_RULE_NAMES = {SILENT_ID: SILENT_NAME, NEW_ID: NEW_NAME}
_VALUE_NAMES = {LARGER_ID: LARGER_NAME, SMALLER_ID: SMALLER_NAME}


def fit_anchor(
    customers: pd.DataFrame,
    why_fitted: str,
    *,
    scope: Scope,
    options: SegmentationOptions,
) -> Anchor:
    """Fit on `customers`, sorted by id, of whom those with `is_clustered` form the segments."""
    mine = customers["is_clustered"]
    gap = typical_gap_days(customers)
    features = behaviour_features(customers, gap)
    cuts = fit_cuts(customers, options.prospect_rule)
    transform = fit_transform(features[mine], options.feature_names)
    points = transform.apply(features[mine])
    scan, centres = _clusters(points, options)
    centres = _in_order(centres, points, customers.loc[mine, "revenue_year_amount"])
    centres = merge_groups(centres, _sizes(points, centres), transform.features)
    names = segment_names(centres, transform.features)
    fitted = Anchor(
        period=scope.period.name,
        fitted_on=scope.as_of,
        why_fitted=why_fitted,
        why_provisional=_why_provisional(customers, len(centres), options),
        typical_gap=gap,
        transform=transform,
        names=_all_names(names),
        centres=centres,
        larger_amount=_larger_amount(customers.loc[mine, "revenue_year_amount"]),
        typical=features.loc[mine, list(options.feature_names)].median().fillna(0.0).to_dict(),
        cuts=cuts,
        reference=_reference(points, centres, transform)
        | {f"share {name}": share for name, share in cut_shares(customers, cuts).items()},
        options=options.as_texts(),
        scan=scan,
    )
    # What is used now is what will be read back: one quarter run twice gives one answer.
    return read_anchor(fitted.to_table())


def keep_value_limits(fresh: Anchor, before: Anchor) -> Anchor:
    """Return the fresh anchor with the limits of the one before, in value and of classes.

    For a fit that again found no clusters: nothing is gained by new limits, and with them customers
    would move who did not change.
    """
    shares = {name: v for name, v in before.reference.items() if name.startswith("share ")}
    kept = replace(
        fresh,
        why_fitted=f"{fresh.why_fitted}; limits in money are kept",
        larger_amount=before.larger_amount,
        cuts=before.cuts,
        reference=fresh.reference | shares,
    )
    return read_anchor(kept.to_table())


def _why_provisional(
    customers: pd.DataFrame, cluster_count: int, options: SegmentationOptions
) -> str:
    quarters = (int(customers["tenure_days"].max()) + 1 + _GRACE_DAYS) // _QUARTER_DAYS
    if quarters < _FEWEST_QUARTERS:
        return f"less than {_FEWEST_QUARTERS} whole quarters of history"
    if customers["is_clustered"].sum() < options.fewest_customers:
        return f"fewer than {options.fewest_customers} customers to look for clusters in"
    return "" if cluster_count else "no clusters were found"


def _clusters(points: np.ndarray, options: SegmentationOptions) -> tuple[pd.DataFrame, np.ndarray]:
    counts = range(options.fewest_segments, options.most_segments + 1)
    is_enough = len(points) >= options.fewest_customers and points.shape[1] > 0
    scan = scan_clusters(points, counts if is_enough else range(0), options.stability_rule)
    chosen = scan.loc[scan["is_chosen"], "cluster_count"]
    if chosen.empty:
        return scan, np.empty((0, points.shape[1]))
    return scan, find_centres(points, int(chosen.iloc[0]))


def _in_order(centres: np.ndarray, points: np.ndarray, revenue: pd.Series) -> np.ndarray:
    """Order by revenue per customer, greatest first: segment s1 is the one with most money."""
    if not len(centres):
        return centres
    nearest = np.linalg.norm(points[:, None, :] - centres[None], axis=2).argmin(axis=1)
    means = revenue.groupby(nearest).mean().reindex(range(len(centres)), fill_value=0.0)
    return centres[np.lexsort([*centres.T[::-1], -means.to_numpy()])]


def _sizes(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    if not len(centres):
        return np.empty(0)
    nearest = np.linalg.norm(points[:, None, :] - centres[None], axis=2).argmin(axis=1)
    return np.bincount(nearest, minlength=len(centres))


def _all_names(names: list[str]) -> dict[str, str]:
    own = {f"s{number}": name for number, name in enumerate(names, 1)} or _VALUE_NAMES
    return own | _RULE_NAMES


def _larger_amount(revenue: pd.Series) -> float:
    """Return the least revenue that is at least average: a customer's own value, so no tie splits.

    The sum of equal amounts divided by their number may exceed them by a rounding error.
    """
    if revenue.empty:
        return 0.0
    return float(revenue[revenue >= revenue.mean() - 0.005].min())


def _reference(points: np.ndarray, centres: np.ndarray, transform: Transform) -> dict[str, float]:
    means = points.mean(axis=0) if len(points) else np.zeros(len(transform.features))
    found = {f"mean {name}": float(m) for name, m in zip(transform.features, means, strict=True)}
    if not len(centres):
        return found
    distances = np.column_stack([np.linalg.norm(points - c, axis=1) for c in centres])
    return found | {"far_distance": float(np.quantile(distances.min(axis=1), _FAR_SHARE))}
