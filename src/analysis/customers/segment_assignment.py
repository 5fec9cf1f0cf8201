"""Which segment is each customer in, and why: the anchor decides, words explain."""

import numpy as np
import pandas as pd

from analysis.core.display import Display
from analysis.customers.segment_anchor import (
    LARGER_ID,
    NEW_ID,
    SILENT_ID,
    SMALLER_ID,
    Anchor,
)
from analysis.customers.segment_memory import DeadBand, Memory, held_clusters, held_sides
from analysis.customers.segment_words import compared_texts, placing_features

_HELD = "Stays where it was: past the border by too little to say that it moved. "


def assign_segments(
    customers: pd.DataFrame,
    features: pd.DataFrame,
    anchor: Anchor,
    display: Display,
    memory: Memory | None = None,
    band: DeadBand | None = None,
) -> pd.DataFrame:
    """Return segment_id, segment_name and reason per customer, in the order given.

    New customers and those without an order in the year are told apart by rule; the others go to
    the nearest centre, the one with more revenue when two are equally near, or, where the data hold
    no clusters, above or below the average revenue. Equal customers always share a segment, but for
    where they were: who is in `memory` leaves his segment only past the dead-band.
    """
    before = pd.Series(np.nan, index=customers.index, dtype="object")
    if memory is not None:
        before = memory.of(customers["customer_id"], "segment_id")
    ids = pd.Series(SILENT_ID, index=customers.index, dtype="str")
    reasons = pd.Series("", index=customers.index, dtype="str")
    is_new, is_clustered = customers["is_new"], customers["is_clustered"]
    is_silent = ~is_new & ~is_clustered
    ids = ids.mask(is_new, NEW_ID)
    reasons[is_new] = _dated("First order on {}: too new to say.", customers, is_new, display)
    reasons[is_silent] = _dated(
        "No order in the last four quarters; the last was on {}.", customers, is_silent, display
    )
    if is_clustered.any():
        place = _nearest if anchor.has_clusters else _by_value
        mine = customers[is_clustered].assign(segment_before=before[is_clustered])
        found = place(mine, features[is_clustered], anchor, (display, band or DeadBand()))
        ids[is_clustered], reasons[is_clustered] = found
    return pd.DataFrame(
        {"segment_id": ids, "segment_name": ids.map(anchor.names).astype("str"), "reason": reasons}
    )


def _dated(text: str, customers: pd.DataFrame, mine: pd.Series, display: Display) -> list[str]:
    column = "first_order_on" if text.startswith("First") else "last_order_on"
    days = customers.loc[mine, column]
    written = {day: text.format(display.day(day.date())) for day in days.unique()}
    return [written[day] for day in days]


def _nearest(
    customers: pd.DataFrame,
    features: pd.DataFrame,
    anchor: Anchor,
    how: tuple[Display, DeadBand],
) -> tuple[list[str], list[str]]:
    display, band = how
    order = np.argsort(anchor.distances(features), axis=1, kind="stable")
    own = held_clusters(features, anchor, customers["segment_before"], band)
    is_held = own != order[:, 0]
    other = np.where(is_held, order[:, 0], order[:, 1])
    points = anchor.transform.apply(features)
    placing = placing_features(points, anchor.centres[own], anchor.centres[other])
    names = anchor.transform.features
    said = np.array(
        [compared_texts(n, features[n], anchor.typical[n], display) for n in names], dtype=object
    )
    rows = np.arange(len(features))
    ids = anchor.cluster_ids
    others = [anchor.names[ids[i]] for i in other]
    # Someone with a single feature has it said once.
    texts = [
        "; ".join(dict.fromkeys(said[places, row]))
        for row, places in zip(rows, placing, strict=True)
    ]
    reasons = [
        f"{_capital(text)}. {_HELD if held else ''}Next nearest: {name}."
        for text, name, held in zip(texts, others, is_held, strict=True)
    ]
    return [ids[i] for i in own], reasons


def _by_value(
    customers: pd.DataFrame,
    features: pd.DataFrame,
    anchor: Anchor,
    how: tuple[Display, DeadBand],
) -> tuple[list[str], list[str]]:
    display, band = how
    value = customers["revenue_year_amount"]
    before = customers["segment_before"]
    is_larger, is_held = held_sides(value, anchor.larger_amount, before, band)
    limit = display.amount(anchor.larger_amount)
    written = {amount: display.amount(amount) for amount in value.unique()}
    reasons = [
        f"{written[amount]} in the last four quarters, "
        f"{'at least' if larger != held else 'less than'} {limit}. "
        f"{_HELD if held else ''}By value only: no clusters here."
        for amount, larger, held in zip(value, is_larger, is_held, strict=True)
    ]
    return [LARGER_ID if larger else SMALLER_ID for larger in is_larger], reasons


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
