"""Where was each customer before, and is that far enough behind to say that he has moved?

A customer near a border would change sides with every order. So who has been somewhere stays there
until he is past the border by more than a dead-band; the memory is what the latest earlier quarter
published, as far as the segments still mean the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.result import Result
from analysis.customers.prospects import prospect_class
from analysis.customers.segment_anchor import (
    LARGER_ID,
    SMALLER_ID,
    Anchor,
    is_outdated,
    read_anchor,
)


@dataclass(frozen=True)
class DeadBand:
    """How far past a border a customer must be before he is said to have moved.

    `deviations` is the distance from the plane between two segments, in deviations of the behaviour
    features; `share` is of an amount: of the value and the forecast that decide prospect classes,
    and of the limit between the categories by value.
    """

    deviations: float = 0.6
    share: float = 0.1


@dataclass(frozen=True)
class Memory:
    """What an earlier quarter published: a row per customer, by id, without analysts' overrides."""

    period: str
    segments: pd.DataFrame

    def of(self, customer_ids: pd.Series, name: str) -> pd.Series:
        """Return a column for these customers, missing for those who were not known then."""
        return customer_ids.map(self.segments[name])


def memories(earlier: Sequence[Result], anchor: Anchor) -> list[Memory]:
    """Return what earlier quarters published under segments that mean what these do.

    Newest first, up to the first quarter whose segments were others. What an analyst set is no
    memory: when the override ends, the rule decides afresh.
    """
    found = []
    for result in earlier:
        tables = result.tables
        if not {"segments", "segment_anchor"} <= set(tables) or is_outdated(
            tables["segment_anchor"]
        ):
            break
        if not mean_the_same(read_anchor(tables["segment_anchor"]), anchor):
            break
        ruled = tables["segments"][~tables["segments"]["is_override"].astype(bool)]
        found.append(Memory(result.period, ruled.set_index("customer_id")))
    return found


def mean_the_same(one: Anchor, other: Anchor) -> bool:
    """Do two anchors put every customer in the same place under the same name?"""
    if one.names != other.names or one.cuts != other.cuts:
        return False
    if not one.has_clusters:
        return one.larger_amount == other.larger_amount
    return one.transform.features == other.transform.features and all(
        np.array_equal(mine, yours)
        for mine, yours in (
            (one.centres, other.centres),
            *((getattr(one.transform, n), getattr(other.transform, n)) for n in _FITTED),
        )
    )


_FITTED = ("low", "high", "power", "mean", "scale")


def past_border(points: np.ndarray, centres: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return how far each point lies beyond the plane between its own and the nearest centre.

    In deviations; 0 for a point whose own centre is the nearest, or that has none (-1).
    """
    squares = ((points[:, None, :] - centres[None]) ** 2).sum(axis=2)
    nearest, rows = squares.argmin(axis=1), np.arange(len(points))
    mine = np.where(own < 0, nearest, own)
    apart = np.linalg.norm(centres[nearest] - centres[mine], axis=1)
    beyond = squares[rows, mine] - squares[rows, nearest]
    return np.divide(beyond, 2 * apart, out=np.zeros(len(points)), where=apart > 0)


def held_clusters(
    features: pd.DataFrame, anchor: Anchor, before: pd.Series, band: DeadBand
) -> np.ndarray:
    """Return the cluster of each customer, as a position: the nearest, or the one held so far."""
    nearest = anchor.distances(features).argmin(axis=1)
    if before.isna().all():
        return nearest
    places = {segment_id: place for place, segment_id in enumerate(anchor.cluster_ids)}
    own = before.map(places).fillna(-1).to_numpy(dtype=int)
    beyond = past_border(anchor.transform.apply(features), anchor.centres, own)
    return np.where((own >= 0) & (beyond <= band.deviations), own, nearest)


def held_sides(
    value: pd.Series, limit: float, before: pd.Series, band: DeadBand
) -> tuple[np.ndarray, np.ndarray]:
    """Return who counts as larger where value alone divides, and who does only by the dead-band."""
    plain = (value >= limit).to_numpy()
    was_larger, was_smaller = (before == LARGER_ID), (before == SMALLER_ID)
    stays_up = was_larger & (value * (1 + band.share) >= limit)
    stays_down = was_smaller & (value < limit * (1 + band.share))
    larger = np.where(stays_up, True, np.where(stays_down, False, plain))
    return larger, larger != plain


def held_classes(
    customers: pd.DataFrame, cuts: dict[str, float], before: pd.Series | None, band: DeadBand
) -> pd.Series:
    """Return the prospect class of each customer, the former one within the dead-band.

    That is: if value and forecast, each changed by the share of the band up or down, would still
    give it.
    """
    now = prospect_class(customers, cuts)
    if before is None or band.share == 0:
        return now
    former = before.reindex(customers.index)
    held = pd.Series(False, index=customers.index)
    steps = (1 / (1 + band.share), 1.0, 1 + band.share)
    for value_step in steps:
        for forecast_step in steps:
            nudged = customers.assign(
                revenue_year_amount=customers["revenue_year_amount"] * value_step,
                forecast_year_amount=customers["forecast_year_amount"] * forecast_step,
            )
            held |= prospect_class(nudged, cuts) == former
    return now.mask(held, former).astype("str")
