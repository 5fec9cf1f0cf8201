"""How near is each customer to another segment, and what single change would move it there?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.display import Display
from analysis.customers.behaviour_features import FEATURES
from analysis.customers.segment_anchor import LARGER_ID, NEW_ID, SILENT_ID, SMALLER_ID, Anchor
from analysis.customers.segment_transform import Transform
from analysis.customers.segment_words import bare_text

# Nearer to the border than this share of the way to the other centre: could be either.
_NEAR_SHARE = 0.1
# A change of one thing by more deviations than this is none that a customer makes.
_MOST_STEP = 1.5
# A step past the border, in deviations, so that rounding does not fall short of it.
_STEP = 0.02
_DIGITS = 3
_QUARTERS = 4

Floats = np.ndarray


@dataclass(frozen=True)
class _Move:
    """Per customer: the feature that needs the smallest change (-1: none alone), and to where."""

    feature: np.ndarray
    value: Floats


def alternatives_table(
    customers: pd.DataFrame,
    features: pd.DataFrame,
    segments: pd.DataFrame,
    anchor: Anchor,
    display: Display,
) -> pd.DataFrame:
    """Return one row per customer, in the order given.

    Columns: customer_id; segment_name; nearest_segment_id and nearest_segment_name (the other
    segment that lies next; for customers too new to say the one that they resemble so far);
    distance_margin_share (1 at the own centre, 0 at the border, below 0 beyond it: kept by the
    dead-band or an override); is_near_border; what_would_move: the smallest change of one feature,
    all others as they are, that would carry the customer over the border, where one of up to 1.5
    deviations does. Missing or empty where there is no distance.
    """
    rows = _plain(customers, segments, anchor, display)
    if anchor.has_clusters:
        inside = segments["segment_id"].isin(anchor.cluster_ids)
        rows[inside] = _clustered(features[inside], segments[inside], anchor, display)
        is_new = segments["segment_id"] == NEW_ID
        rows[is_new] = _new(features[is_new], rows[is_new], anchor)
    kinds = {n: "str" for n in rows if n not in ("distance_margin_share", "is_near_border")}
    return rows.astype(kinds | {"distance_margin_share": "float64", "is_near_border": "bool"})


def _plain(
    customers: pd.DataFrame, segments: pd.DataFrame, anchor: Anchor, display: Display
) -> pd.DataFrame:
    """Return the rows of customers who are not clustered; those of the others are replaced."""
    ids, revenue = segments["segment_id"], customers["revenue_year_amount"]
    other = ids.map({LARGER_ID: SMALLER_ID, SMALLER_ID: LARGER_ID}).fillna("")
    gap = (anchor.larger_amount - revenue).abs()
    words = pd.Series("", index=segments.index, dtype="str")
    words = words.mask(ids == NEW_ID, "Too new to say: the next quarter places it.")
    words = words.mask(ids == SILENT_ID, "One order would show again how it buys.")
    for segment_id, said in ((SMALLER_ID, "more"), (LARGER_ID, "less")):
        mine = (ids == segment_id) & ~segments["is_override"]
        written = {v: display.amount(v) for v in gap[mine].unique()}
        words[mine] = [f"{written[v]} {said} in four quarters." for v in gap[mine]]
    margin = (gap / max(anchor.larger_amount, 0.01)).clip(upper=1.0)
    has_margin = other != ""
    return pd.DataFrame(
        {
            "customer_id": segments["customer_id"],
            "segment_name": segments["segment_name"],
            "nearest_segment_id": other,
            "nearest_segment_name": other.map(anchor.names).fillna(""),
            "distance_margin_share": margin.where(has_margin),
            "is_near_border": has_margin & (margin < _NEAR_SHARE),
            "what_would_move": words,
        }
    )


def _new(features: pd.DataFrame, rows: pd.DataFrame, anchor: Anchor) -> pd.DataFrame:
    if features.empty:
        return rows
    nearest = [anchor.cluster_ids[i] for i in anchor.distances(features).argmin(axis=1)]
    names = [anchor.names[i] for i in nearest]
    words = [f"Too new to say; so far it resembles “{name}”." for name in names]
    return rows.assign(
        nearest_segment_id=nearest, nearest_segment_name=names, what_would_move=words
    )


def _clustered(
    features: pd.DataFrame, segments: pd.DataFrame, anchor: Anchor, display: Display
) -> pd.DataFrame:
    ids = anchor.cluster_ids
    own = segments["segment_id"].map({name: i for i, name in enumerate(ids)}).to_numpy(int)
    distances, rows = anchor.distances(features), np.arange(len(features))
    others = distances.copy()
    others[rows, own] = np.inf
    other = others.argmin(axis=1)
    here, there = distances[rows, own], others[rows, other]
    margin = 1 - here / np.maximum(there, 1e-12)
    move = _smallest_move(features, own, other, anchor)
    names = [anchor.names[ids[i]] for i in other]
    words = _words(features[list(anchor.transform.features)], move, names, display)
    beyond = "Already past the border; it stays until it is clearly past."
    beyond_words = np.where(segments["is_override"], "Kept here by an analyst.", beyond)
    return pd.DataFrame(
        {
            "customer_id": segments["customer_id"],
            "segment_name": segments["segment_name"],
            "nearest_segment_id": [ids[i] for i in other],
            "nearest_segment_name": names,
            "distance_margin_share": margin,
            "is_near_border": margin < _NEAR_SHARE,
            "what_would_move": np.where(margin < 0, beyond_words, words),
        },
        index=segments.index,
    )


def _smallest_move(
    features: pd.DataFrame, own: np.ndarray, other: np.ndarray, anchor: Anchor
) -> _Move:
    """Find, of all changes of one feature, the smallest that makes `other` the nearest centre.

    On the line along feature j the border between two centres lies where the difference of squared
    distances, linear in the change, is 0.
    """
    points, centres = anchor.transform.apply(features), anchor.centres
    between = ((points - centres[other]) ** 2).sum(axis=1) - ((points - centres[own]) ** 2).sum(
        axis=1
    )
    best = np.full(len(points), _MOST_STEP)
    feature, value = np.full(len(points), -1), np.full(len(points), np.nan)
    ends = _reachable(anchor.transform)
    for j in range(points.shape[1]):
        slope = centres[other, j] - centres[own, j]
        with np.errstate(divide="ignore", invalid="ignore"):
            step = between / (2 * slope)
        target = points[:, j] + step + _STEP * np.sign(slope)
        moved = points.copy()
        moved[:, j] = target
        inside = (target >= ends[0][j]) & (target <= ends[1][j]) & (np.abs(step) < best)
        inside[inside] &= _nearest(moved[inside], centres) == other[inside]
        best[inside], feature[inside] = np.abs(step)[inside], j
        value[inside] = raw_value(anchor.transform, j, target[inside])
    return _Move(feature, value)


def _nearest(points: Floats, centres: Floats) -> np.ndarray:
    return np.column_stack([((points - c) ** 2).sum(axis=1) for c in centres]).argmin(axis=1)


def _reachable(transform: Transform) -> tuple[Floats, Floats]:
    """Return the ends of what a value can be after the transform."""
    ends = pd.DataFrame([transform.low, transform.high], columns=list(transform.features))
    low, high = transform.apply(ends)
    return low, high


def raw_value(transform: Transform, place: int, points: Floats) -> Floats:
    """Return the value that the transform makes into `points`: inverse Yeo-Johnson."""
    shaped = points * transform.scale[place] + transform.mean[place]
    power, size = transform.power[place], np.abs(shaped)
    above = np.expm1(size) if power == 0 else _root(power * size + 1, power)
    below = np.expm1(size) if power == 2 else _root((2 - power) * size + 1, 2 - power)
    return np.where(shaped >= 0, above, -below)


def _root(base: Floats, power: float) -> Floats:
    return np.maximum(base, 1e-12) ** (1 / power) - 1


def _words(features: pd.DataFrame, move: _Move, names: list[str], display: Display) -> np.ndarray:
    """Write each move; every distinct pair of rounded values once."""
    known = list(features.columns)
    said = np.array([f"No small change of one thing moves it to “{n}”." for n in names], object)
    for j in np.unique(move.feature[move.feature >= 0]):
        mine = np.flatnonzero(move.feature == j)
        name = known[j]
        rises = move.value[mine] > features[name].to_numpy()[mine]
        now = features[name].to_numpy()[mine]
        to = _past(name, move.value[mine], rises)
        keys = [(_short(a), b, c) for a, b, c in zip(now, to, rises, strict=True)]
        written = {key: _change_text(name, *key, display) for key in dict.fromkeys(keys)}
        said[mine] = [
            f"Would move to “{names[i]}” {written[key]}." for i, key in zip(mine, keys, strict=True)
        ]
    return said


def _past(feature: str, values: Floats, rises: np.ndarray) -> list[float]:
    """Round away from where the customer is, to what is said."""
    if FEATURES[feature].kind in ("times", "products"):
        return list(np.where(rises, np.ceil(values), np.floor(values)))
    return [_short(value) for value in values]


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _change_text(feature: str, now: float, to: float, rises: bool, display: Display) -> str:
    kind, side = FEATURES[feature].kind, "more" if rises else "fewer"
    if kind in ("times", "products"):
        many = max(abs(to - round(now)), 1)
        what = "order day" if kind == "times" else "product"
        plural = "" if many == 1 else "s"
        pace = ""
        if many >= _QUARTERS:
            pace = f", about {display.count(round(many / _QUARTERS))} a quarter"
        return (
            f"with {display.count(many)} {side} {what}{plural} a year "
            f"({display.count(to)} instead of {display.count(round(now))}{pace})"
        )
    label, old = FEATURES[feature].label.lower(), bare_text(feature, now, display)
    return f"with “{label}” at {bare_text(feature, to, display)} instead of {old}"
