"""Words from numbers: names of segments, a sentence for each, and a reason per customer."""

import numpy as np
import pandas as pd

from analysis.core.display import Display
from analysis.customers.behaviour_features import FEATURES, BehaviourFeature, name_weights

# Below so many deviations from the average a segment is not distinguished by a feature.
_LEAST_DEVIATION = 0.25
# A second word is used when it says at least this share of what the first does.
_SECOND_SHARE = 0.4
# Values of reasons are rounded to so many significant digits, as a person would say them.
_DIGITS = 3
# A trend from which a change in per cent no longer says anything: nine times the year before.
_MANIFOLD = 0.8


def customers_text(count: float, display: Display) -> str:
    """Say how many customers: 1 customer, 2 customers."""
    return f"{display.count(count)} customer{'' if count == 1 else 's'}"


def segment_names(centres: np.ndarray, features: tuple[str, ...]) -> list[str]:
    """Return a name per segment from what distinguishes it, no two alike.

    The words are those of the features in which the centre is farthest from the average customer,
    two of them, or one when it says most; a word more where two segments would share a name.
    """
    names: list[str] = []
    for centre in centres:
        words = _distinguishing(centre, features)
        candidates = [_joined(words[:count]) for count in range(_enough(words), len(words) + 1)]
        fallback = f"{candidates[-1]}, group {len(names) + 1}"
        names.append(next((name for name in candidates if name not in names), fallback))
    return names


def top_features(centre: np.ndarray, features: tuple[str, ...], count: int = 2) -> list[str]:
    """Return the features in which a centre is farthest from the average, farthest first."""
    return [feature.name for feature, _ in _distinguishing(centre, features)[:count]]


def value_text(feature: str, value: float, display: Display) -> str:
    """Say one feature of a customer or segment in words that begin with a verb."""
    kind = FEATURES[feature].kind
    if feature == "active_quarter_share":
        return f"orders in {display.share(value, 0)} of the quarters"
    if feature == "margin_share":
        known = f"leaves {display.share(value)} of revenue as margin"
        return known if value == value else "has no known margin"
    if kind == "times":
        return f"orders on {display.number(value)} days a year"
    if kind == "amount":
        return f"spends {display.amount(value)} per order day"
    if kind == "gaps":
        return f"has been silent for {display.number(value)} of its own gaps between orders"
    if kind == "share":
        return f"returns {display.share(value)} of sales" if value > 0 else "returns nothing"
    if kind == "products":
        plural = "" if round(value) == 1 else "s"
        return f"buys {display.count(value)} different product{plural} a year"
    return f"has revenue {trend_text(value, display)}"


def trend_text(value: float, display: Display) -> str:
    """Say a trend of −1 to 1 as a change on the year before."""
    if value >= _MANIFOLD:
        return "at least nine times that of the year before"
    if abs(value) < 0.005:
        return "level with the year before, or too young to tell"
    return f"{display.change((1 + value) / (1 - value) - 1, 0)} on the year before"


def bare_text(feature: str, value: float, display: Display) -> str:
    """Write one feature's value without words, for a table or a picture."""
    kind = FEATURES[feature].kind
    if kind == "amount":
        return display.amount(value)
    if kind == "share":
        return display.share(value)
    if kind == "trend":
        is_manifold = value >= _MANIFOLD
        return "×9 or more" if is_manifold else display.change((1 + value) / (1 - value) - 1, 0)
    return display.number(value, 0 if kind == "products" else 1)


def compared_texts(feature: str, values: pd.Series, typical: float, display: Display) -> list[str]:
    """Say a feature of every customer beside the typical customer's.

    Each distinct rounded value is written once: writing money takes longer than all arithmetic.
    """
    rounded = [float(f"{value:.{_DIGITS}g}") for value in values]
    beside = bare_text(feature, typical, display)
    written = {
        value: f"{value_text(feature, value, display)} (typical {beside})"
        for value in dict.fromkeys(rounded)
    }
    return [written[value] for value in rounded]


def placing_features(points: np.ndarray, own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return customers x 2: the positions of the features that most place each in its segment.

    A feature places a customer by how much farther the next segment's centre is along it.
    """
    weight = (points - other) ** 2 - (points - own) ** 2
    return np.argsort(-weight, axis=1, kind="stable")[:, :2]


def _distinguishing(
    centre: np.ndarray, features: tuple[str, ...]
) -> list[tuple[BehaviourFeature, float]]:
    weighted = centre * name_weights(features)
    order = np.argsort(-np.abs(weighted), kind="stable")
    return [(FEATURES[features[i]], float(weighted[i])) for i in order]


def _enough(words: list[tuple[BehaviourFeature, float]]) -> int:
    if len(words) < 2 or abs(words[0][1]) < _LEAST_DEVIATION:
        return min(len(words), 1)
    return 2 if abs(words[1][1]) >= _SECOND_SHARE * abs(words[0][1]) else 1


def _joined(words: list[tuple[BehaviourFeature, float]]) -> str:
    """Join with "and" what points the same way for the company, with "but" what does not."""
    if not words or abs(words[0][1]) < _LEAST_DEVIATION:
        return "In the middle"
    said = [f.high_word if z > 0 else f.low_word for f, z in words]
    is_good = [(z > 0) == f.is_high_good for f, z in words]
    text = said[0]
    if len(said) > 1:
        link = "and" if is_good[-1] == is_good[-2] else "but"
        text = f"{', '.join(said[:-1])} {link} {said[-1]}"
    return text[:1].upper() + text[1:]
