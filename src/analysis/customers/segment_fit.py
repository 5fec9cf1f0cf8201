"""A new anchor from the customers of one quarter: features, clusters, names, cut points."""

import numpy as np
import pandas as pd

from analysis.core.scope import Scope
from analysis.customers.prospects import fit_cuts
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
_RULE_NAMES = {SILENT_ID: SILENT_NAME, NEW_ID: NEW_NAME}
_VALUE_NAMES = {LARGER_ID: LARGER_NAME, SMALLER_ID: SMALLER_NAME}


def fit_anchor(
    customers: pd.DataFrame,
    features: pd.DataFrame,
    why_fitted: str,
    *,
    scope: Scope,
    options: SegmentationOptions,
) -> Anchor:
    """Fit on `customers`, sorted by id, of whom those with `is_clustered` form the segments."""
    mine = customers["is_clustered"]
    transform = fit_transform(features[mine], options.feature_names)
    points = transform.apply(features[mine])
    scan, centres = _clusters(points, options)
    centres = _in_order(centres, points, customers.loc[mine, "revenue_year_amount"])
    names = segment_names(centres, transform.features)
    fitted = Anchor(
        period=scope.period.name,
        fitted_on=scope.as_of,
        why_fitted=why_fitted,
        transform=transform,
        names=_all_names(names),
        centres=centres,
        larger_amount=_larger_amount(customers.loc[mine, "revenue_year_amount"]),
        typical=features[mine].median().fillna(0.0).to_dict(),
        cuts=fit_cuts(customers, options.prospect_rule),
        reference=_reference(points, centres, transform),
        options=options.as_texts(),
        scan=scan,
    )
    # What is used now is what will be read back: one quarter run twice gives one answer.
    return read_anchor(fitted.to_table())


def _clusters(points: np.ndarray, options: SegmentationOptions) -> tuple[pd.DataFrame, np.ndarray]:
    counts = range(options.fewest_segments, options.most_segments + 1)
    is_enough = len(points) >= options.fewest_customers and points.shape[1] > 0
    scan = scan_clusters(
        points, counts if is_enough else range(0), options.stability_rule, options.seed
    )
    chosen = scan.loc[scan["is_chosen"], "cluster_count"]
    if chosen.empty:
        return scan, np.empty((0, points.shape[1]))
    return scan, find_centres(points, int(chosen.iloc[0]), options.seed)


def _in_order(centres: np.ndarray, points: np.ndarray, revenue: pd.Series) -> np.ndarray:
    """Order by revenue per customer, greatest first: segment s1 is the one with most money."""
    if not len(centres):
        return centres
    nearest = np.linalg.norm(points[:, None, :] - centres[None], axis=2).argmin(axis=1)
    means = revenue.groupby(nearest).mean().reindex(range(len(centres)), fill_value=0.0)
    return centres[np.lexsort([*centres.T[::-1], -means.to_numpy()])]


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
