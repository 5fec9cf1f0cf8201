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
from analysis.customers.segment_words import compared_texts, placing_features


def assign_segments(
    customers: pd.DataFrame, features: pd.DataFrame, anchor: Anchor, display: Display
) -> pd.DataFrame:
    """Return segment_id, segment_name and reason per customer, in the order given.

    New customers and those without an order in the year are told apart by rule; the others go to
    the nearest centre, the one with more revenue when two are equally near, or, where the data hold
    no clusters, above or below the average revenue. Equal customers always share a segment.
    """
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
        found = place(customers[is_clustered], features[is_clustered], anchor, display)
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
    customers: pd.DataFrame, features: pd.DataFrame, anchor: Anchor, display: Display
) -> tuple[list[str], list[str]]:
    distances = anchor.distances(features)
    order = np.argsort(distances, axis=1, kind="stable")
    own, other = order[:, 0], order[:, 1]
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
        f"{_capital(text)}. Next nearest: {name}." for text, name in zip(texts, others, strict=True)
    ]
    return [ids[i] for i in own], reasons


def _by_value(
    customers: pd.DataFrame, features: pd.DataFrame, anchor: Anchor, display: Display
) -> tuple[list[str], list[str]]:
    value = customers["revenue_year_amount"]
    is_larger = value >= anchor.larger_amount
    limit = display.amount(anchor.larger_amount)
    written = {amount: display.amount(amount) for amount in value.unique()}
    reasons = [
        f"{written[amount]} in the last four quarters, {'at least' if larger else 'less than'} "
        f"{limit}. By value only: no clusters here."
        for amount, larger in zip(value, is_larger, strict=True)
    ]
    return [LARGER_ID if larger else SMALLER_ID for larger in is_larger], reasons


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
