"""Do the customers of today still look like those that the segments were made from?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.scope import Scope
from analysis.customers.prospects import cut_shares
from analysis.customers.segment_anchor import Anchor
from analysis.customers.segment_options import SegmentationOptions
from analysis.customers.segment_refit import refit, refit_preview

# An average that moved by so many deviations, or so many customers far from every centre (1 % at
# the fit), ask for a new fit.
_MOST_SHIFT = 0.4
_MOST_FAR_SHARE = 0.04
# So does a cut point when the odds of being above it became so many times what they were, or one
# part of that: of 20 % above it at the fit, 33 % or 11 %.
_MOST_ODDS = 2.0
# A share of 0 or 1 has no odds.
_LEAST_SHARE = 0.005


@dataclass(frozen=True)
class Drift:
    """How far the customers have moved since the fit, and what a new fit would change.

    `table` has one row per feature: its typical value at the fit and now, and the shift of the
    average in deviations; and one per cut point: the share of customers with orders at or above it,
    without a shift. `cuts_moved` names the cut points that ask for a new fit. `preview` says what
    the new fit would change (`refit_preview`), and `moved_share` is the share of clustered
    customers whom it would put elsewhere; no rows and 0 unless a refit is proposed.
    """

    table: pd.DataFrame
    far_share: float
    cuts_moved: tuple[str, ...]
    is_refit_proposed: bool
    moved_share: float
    preview: pd.DataFrame


def measure_drift(
    customers: pd.DataFrame,
    features: pd.DataFrame,
    anchor: Anchor,
    *,
    scope: Scope,
    options: SegmentationOptions,
) -> Drift | None:
    """Compare customers with those of the fit; None where there is nothing to compare."""
    mine = customers["is_clustered"]
    features = features[mine]
    if not anchor.has_clusters or features.empty:
        return None
    cuts_moved = moved_cuts(customers, anchor)
    points = anchor.transform.apply(features)
    names = list(anchor.transform.features)
    before = np.array([anchor.reference[f"mean {name}"] for name in names])
    shift = points.mean(axis=0) - before
    distances = anchor.distances(features)
    far = float((distances.min(axis=1) > anchor.reference["far_distance"]).mean())
    is_proposed = bool(np.abs(shift).max() > _MOST_SHIFT or far > _MOST_FAR_SHARE or cuts_moved)
    table = pd.DataFrame(
        {
            "feature": names,
            "typical_at_fit": [anchor.typical[name] for name in names],
            "typical_now": [float(features[name].median()) for name in names],
            "shift_deviations": shift,
        }
    )
    table = pd.concat([table, _cut_rows(customers, anchor)], ignore_index=True)
    fresh = anchor
    if is_proposed:
        fresh = refit(customers, anchor, "proposed", scope=scope, options=options)
    preview = refit_preview(customers, features, anchor, fresh)
    moved = preview.loc[~preview["is_same"], "customer_count"].sum() / len(features)
    shown = preview if is_proposed else preview.iloc[:0]
    return Drift(table, far, cuts_moved, is_proposed, float(moved), shown)


def moved_cuts(customers: pd.DataFrame, anchor: Anchor) -> tuple[str, ...]:
    """Return the cut points that now divide customers far otherwise than at the fit."""
    return tuple(
        name
        for name, share in cut_shares(customers, anchor.cuts).items()
        if abs(np.log(_odds(share) / _odds(anchor.reference[f"share {name}"]))) > np.log(_MOST_ODDS)
    )


def _odds(share: float) -> float:
    bounded = min(max(share, _LEAST_SHARE), 1 - _LEAST_SHARE)
    return bounded / (1 - bounded)


def _cut_rows(customers: pd.DataFrame, anchor: Anchor) -> pd.DataFrame:
    shares = cut_shares(customers, anchor.cuts)
    return pd.DataFrame(
        {
            "feature": [f"customers at or above {name}" for name in shares],
            "typical_at_fit": [anchor.reference[f"share {name}"] for name in shares],
            "typical_now": list(shares.values()),
            "shift_deviations": np.nan,
        }
    )
