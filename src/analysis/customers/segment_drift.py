"""Do the customers of today still look like those that the segments were made from?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from analysis.customers.segment_anchor import Anchor
from analysis.customers.segment_stability import find_centres

# An average that moved by so many deviations, or so many customers far from every centre (1 % at
# the fit), ask for a new fit.
_MOST_SHIFT = 0.4
_MOST_FAR_SHARE = 0.04


@dataclass(frozen=True)
class Drift:
    """How far the customers have moved since the fit, and what a new fit would change.

    `table` has one row per feature: its typical value at the fit and now, and the shift of the
    average in deviations. `moved_share` is the share of clustered customers whom a new fit of as
    many segments, matched to the old ones, would put elsewhere; 0 unless a refit is proposed.
    """

    table: pd.DataFrame
    far_share: float
    is_refit_proposed: bool
    moved_share: float


def measure_drift(features: pd.DataFrame, anchor: Anchor, seed: int) -> Drift | None:
    """Compare clustered customers with those of the fit; None where there is nothing to compare."""
    if not anchor.has_clusters or features.empty:
        return None
    points = anchor.transform.apply(features)
    names = list(anchor.transform.features)
    before = np.array([anchor.reference[f"mean {name}"] for name in names])
    shift = points.mean(axis=0) - before
    distances = anchor.distances(features)
    far = float((distances.min(axis=1) > anchor.reference["far_distance"]).mean())
    is_proposed = bool(np.abs(shift).max() > _MOST_SHIFT or far > _MOST_FAR_SHARE)
    table = pd.DataFrame(
        {
            "feature": names,
            "typical_at_fit": [anchor.typical[name] for name in names],
            "typical_now": [float(features[name].median()) for name in names],
            "shift_deviations": shift,
        }
    )
    moved = _moved_share(points, distances.argmin(axis=1), anchor, seed) if is_proposed else 0.0
    return Drift(table, far, is_proposed, moved)


def _moved_share(points: np.ndarray, labels: np.ndarray, anchor: Anchor, seed: int) -> float:
    count = len(anchor.centres)
    if len(np.unique(points, axis=0)) < count:
        return 0.0
    centres = find_centres(points, count, seed)
    found = np.linalg.norm(points[:, None, :] - centres[None], axis=2).argmin(axis=1)
    both = np.bincount(labels * count + found, minlength=count * count).reshape(count, count)
    rows, columns = linear_sum_assignment(-both)
    return 1 - float(both[rows, columns].sum()) / len(points)
