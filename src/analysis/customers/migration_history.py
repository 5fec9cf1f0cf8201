"""Where was every customer at the last quarter ends, in segments that mean the same throughout?

Quarters that were published under the same segments count as they were published. Before them
today's segments are applied to what was known then, going back from the earliest published quarter:
a customer was elsewhere only if he was past the border by more than the dead-band.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.periods import FiscalCalendar, Period
from analysis.core.result import Result
from analysis.core.scope import Scope
from analysis.customers.behaviour_features import behaviour_features
from analysis.customers.prospects import PROSPECT_CLASSES
from analysis.customers.segment_anchor import (
    LARGER_ID,
    NEW_ID,
    SILENT_ID,
    SMALLER_ID,
    Anchor,
)
from analysis.customers.segment_memory import DeadBand, Memory, held_clusters, held_sides, memories

HIGH, SOME, LITTLE, NONE = TIERS = (
    "high value",
    "some value",
    "little value",
    "no order in the year",
)
MOST_QUARTERS = 4
# Sums of a year still fill up while the data are shorter than two years.
_FULL_QUARTERS = 8
_LATE_START = 7  # days after which a first quarter is not whole


@dataclass(frozen=True)
class History:
    """Customers x quarter ends, oldest first, missing where somebody was not yet a customer.

    `segments`, `tiers` and `classes` hold ids or names; `nearest` and `plain_tiers` the same
    without a dead-band, `revenue` the last four quarters' revenue. `published` names the quarters
    whose segments stand as they were published; `classes` has such quarters only. `own` are the
    segments that a customer can move between by how he buys.
    """

    segments: pd.DataFrame
    nearest: pd.DataFrame
    tiers: pd.DataFrame
    plain_tiers: pd.DataFrame
    classes: pd.DataFrame
    revenue: pd.DataFrame
    published: tuple[str, ...]
    own: tuple[str, ...]
    names: dict[str, str]
    overruled_count: int


def read_history(
    segments: pd.DataFrame,
    anchor: Anchor,
    tables: tuple[pd.DataFrame, pd.DataFrame],
    earlier: Sequence[Result],
    *,
    scope: Scope,
    band: DeadBand,
) -> History:
    """Return the last four quarter ends at most; `tables`: customer_features, backtest_origins.

    `segments` are today's as published. Customers whom an analyst overruled today are left out: his
    change of mind is no move.
    """
    features, origins = tables
    known = {memory.period: memory for memory in memories(earlier, anchor)}
    ruled = segments[~segments["is_override"].astype(bool)]
    now = Memory(scope.period.name, ruled.set_index("customer_id").sort_index())
    ends = [_End(now.period, *_look(features, now.segments.index, anchor, scope.period))]
    found = [now.segments["segment_id"]]
    classes = {now.period: now.segments["prospect_class"]}
    period = scope.period
    while len(found) < MOST_QUARTERS:
        period = scope.calendar.shift(period, -1)
        rows = origins[origins["origin"] == period.name]
        if rows.empty:
            break
        end = _End(period.name, *_look(rows, now.segments.index, anchor, period))
        memory = known.get(period.name)
        if memory is None:
            known = {}  # what lies before a gap is not looked at
            found.append(_placed(end.customers, end.features, anchor, found[-1], band))
        else:
            found.append(memory.segments["segment_id"].reindex(now.segments.index))
            classes[period.name] = memory.segments["prospect_class"].reindex(now.segments.index)
        ends.append(end)
    return _history(ends, found, classes, anchor, band, len(segments) - len(ruled))


@dataclass(frozen=True)
class _End:
    period: str
    customers: pd.DataFrame
    features: pd.DataFrame


def _look(
    rows: pd.DataFrame, ids: pd.Index, anchor: Anchor, period: Period
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return customers by id as of a quarter's end, and how they bought."""
    amounts = ["revenue_year_amount", "revenue_year_before_amount", "revenue_quarter_amount"]
    table = rows.astype(dict.fromkeys(amounts, "float64"))
    table = table[table["customer_id"].isin(ids)].sort_values("customer_id", ignore_index=True)
    is_new = table["first_order_on"] >= pd.Timestamp(period.starts_on)
    has_ordered = table["order_day_year_count"].fillna(0) > 0
    table = table.assign(is_new=is_new, is_clustered=has_ordered & ~is_new)
    return table, behaviour_features(table, anchor.typical_gap)


def _placed(
    customers: pd.DataFrame,
    features: pd.DataFrame,
    anchor: Anchor,
    later: pd.Series | None,
    band: DeadBand,
) -> pd.Series:
    """Return the segment of each customer, by id; `later`: where he was a quarter after."""
    ids = customers["customer_id"]
    found = pd.Series(SILENT_ID, index=customers.index, dtype="str")
    found = found.mask(customers["is_new"], NEW_ID)
    mine = customers["is_clustered"]
    empty = pd.Series(np.nan, index=customers.index, dtype="object")
    beside = (empty if later is None else ids.map(later))[mine]
    if mine.any() and anchor.has_clusters:
        places = held_clusters(features[mine], anchor, beside, band)
        found[mine] = [anchor.cluster_ids[place] for place in places]
    elif mine.any():
        value = customers.loc[mine, "revenue_year_amount"]
        larger, _ = held_sides(value, anchor.larger_amount, beside, band)
        found[mine] = np.where(larger, LARGER_ID, SMALLER_ID)
    return found.set_axis(ids)


def _tier(customers: pd.DataFrame, cuts: dict[str, float], factor: float) -> pd.Series:
    value = customers["revenue_year_amount"] * factor
    chosen = np.select(
        [
            customers["order_day_year_count"].fillna(0) <= 0,
            value >= cuts["high_value_amount"],
            value >= cuts["low_value_amount"],
        ],
        [NONE, HIGH, SOME],
        LITTLE,
    )
    return pd.Series(chosen, index=customers["customer_id"], dtype="str")


def _held_tier(
    customers: pd.DataFrame, cuts: dict[str, float], later: pd.Series | None, band: DeadBand
) -> pd.Series:
    plain = _tier(customers, cuts, 1.0)
    if later is None:
        return plain
    beside = later.reindex(plain.index)
    held = [_tier(customers, cuts, f) == beside for f in (1 + band.share, 1 / (1 + band.share))]
    return plain.mask(held[0] | held[1], beside)


def _history(
    ends: list[_End],
    found: list[pd.Series],
    classes: dict[str, pd.Series],
    anchor: Anchor,
    band: DeadBand,
    overruled_count: int,
) -> History:
    tiers: list[pd.Series] = []
    for end in ends:
        tiers.append(_held_tier(end.customers, anchor.cuts, tiers[-1] if tiers else None, band))
    names = [end.period for end in ends]
    plain = [_placed(end.customers, end.features, anchor, None, band) for end in ends]
    revenue = [e.customers.set_index("customer_id")["revenue_year_amount"] for e in ends]
    index = found[0].index
    own = anchor.cluster_ids if anchor.has_clusters else [LARGER_ID, SMALLER_ID]
    return History(
        segments=_side_by_side(names, found, index),
        nearest=_side_by_side(names, plain, index),
        tiers=_side_by_side(names, tiers, index),
        plain_tiers=_side_by_side(
            names, [_tier(e.customers, anchor.cuts, 1.0) for e in ends], index
        ),
        classes=_side_by_side(list(classes), list(classes.values()), index),
        revenue=_side_by_side(names, revenue, index),
        published=tuple(reversed(classes)),
        own=tuple(own),
        names=dict(anchor.names),
        overruled_count=overruled_count,
    )


def _side_by_side(names: list[str], columns: list[pd.Series], index: pd.Index) -> pd.DataFrame:
    parts = {n: c.reindex(index) for n, c in zip(names, columns, strict=True)}
    return pd.DataFrame({name: parts[name] for name in reversed(names)}, index=index)


@dataclass(frozen=True)
class Kind:
    """One way to divide customers: where they were, with and without a dead-band."""

    name: str
    places: pd.DataFrame
    plain: pd.DataFrame
    names: dict[str, str]  # words of every place, in order
    own: tuple[str, ...]  # the places that customers move between by what they buy

    @property
    def pair(self) -> tuple[pd.Series, pd.Series]:
        """The last two quarters."""
        return self.places.iloc[:, -2], self.places.iloc[:, -1]


def kinds(history: History) -> list[Kind]:
    """Return the divisions that reach back a quarter at least."""
    tiers, classes = (dict(zip(n, n, strict=True)) for n in (TIERS, PROSPECT_CLASSES))
    found = [
        Kind("segment", history.segments, history.nearest, history.names, history.own),
        Kind("value", history.tiers, history.plain_tiers, tiers, TIERS[:3]),
        Kind("prospect class", history.classes, history.classes, classes, PROSPECT_CLASSES),
    ]
    return [kind for kind in found if kind.places.shape[1] > 1]


def years_fill_up(features: pd.DataFrame, scope: Scope) -> bool:
    """Whether the data are too short to compare sums of a year between quarter ends."""
    first = pd.to_datetime(features["first_order_on"]).min()
    if pd.isna(first):
        return True
    last = scope.period.last_day
    quarters = scope.calendar.between(first.date(), last, "quarterly")
    is_part = bool(quarters) and (first.date() - quarters[0].starts_on).days > _LATE_START
    return len(quarters) - is_part < _FULL_QUARTERS


def year_ago(
    features: pd.DataFrame, origins: pd.DataFrame, period: Period, calendar: FiscalCalendar
) -> pd.DataFrame:
    """Return revenue of the year then and now per customer, where the data reach back a year.

    The two years share no day; no rows without the quarter end of a year ago.
    """
    then = origins[origins["origin"] == calendar.year_before(period).name]
    parts = [
        table.set_index("customer_id")["revenue_year_amount"].astype("float64").sort_index()
        for table in (then, features)
    ]
    return pd.DataFrame({"then": parts[0], "now": parts[1]}).loc[lambda t: t["now"].notna()]
