"""Which plain rule tells the segments, so that a person places a customer by its text alone?

The rule is a small decision tree over the features as people read them, thresholds rounded, and
kept with the anchor: the text changes only when the segments do.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from analysis.core.display import Display
from analysis.customers.behaviour_features import FEATURES
from analysis.customers.segment_anchor import LARGER_ID, NEW_ID, SILENT_ID, SMALLER_ID, Anchor

BELOW, AT_LEAST = "below", "at least"
AND, OR = ", and ", " — or "
# Three questions for a customer; more only where so few reproduce too little.
_DEPTHS = (3, 4, 5)
_ENOUGH_FIDELITY = 0.9
_FEWEST_PER_LEAF = 5
_DIGITS = {"amount": 3}  # significant ones of a threshold; two for all others
_KIND = "rule"
_UNKNOWN = 1e12  # a value that is not known counts as "at least"

_TEXTS = ("kind", "segment_id", "name", "feature", "value", "text")

Condition = tuple[str, str, float]  # feature, side, threshold in units of the feature


def fit_rules(features: pd.DataFrame, segment_ids: pd.Series, anchor: Anchor) -> pd.DataFrame:
    """Return the rule as rows: segment_id, rule_number, feature, side, value.

    Rows with one number hold together ("and"); a segment with several numbers is in it by any of
    them. `value` is rounded as it will be printed. No rows where there are no clusters.
    """
    names = list(anchor.transform.features)
    if not anchor.has_clusters or segment_ids.nunique() < 2:
        return _table([])
    ids = segment_ids.to_numpy(dtype=str)
    rules = _table([])
    for depth in _DEPTHS:
        tree = DecisionTreeClassifier(
            max_depth=depth, min_samples_leaf=_FEWEST_PER_LEAF, random_state=0
        ).fit(features[names].fillna(_UNKNOWN).to_numpy(), ids)
        rules = _table(list(_leaves(tree, names)))
        is_whole = set(rules["segment_id"]) == set(ids)
        if is_whole and fidelity(rules, features, segment_ids) >= _ENOUGH_FIDELITY:
            break
    return rules


def anchor_rules(
    given: pd.DataFrame | None, used: Anchor, features: pd.DataFrame, segments: pd.DataFrame
) -> pd.DataFrame:
    """Return the rule that came with the anchor, or a new one where the anchor is new."""
    if given is not None and set(_TEXTS) <= set(given.columns):
        own, made = given[given["kind"] != _KIND].reset_index(drop=True), used.to_table()
        is_same = len(own) == len(made) and all(
            own[name].astype("str").equals(made[name].astype("str")) for name in _TEXTS
        )
        rules = read_rules(given)
        if is_same and len(rules):
            return rules
    mine = segments["segment_id"].isin(used.cluster_ids) & ~segments["is_override"]
    return fit_rules(features[mine], segments.loc[mine, "segment_id"], used)


def apply_rules(rules: pd.DataFrame, features: pd.DataFrame) -> np.ndarray:
    """Return the segment id that the rule gives each customer; every customer gets one."""
    found = np.full(len(features), "", dtype=object)
    for _, leaf in rules.groupby("rule_number", sort=False):
        inside = np.ones(len(features), dtype=bool)
        for row in leaf.itertuples():
            values = features[row.feature].to_numpy()
            inside &= values < row.value if row.side == BELOW else ~(values < row.value)
        found[inside] = leaf["segment_id"].iloc[0]
    return found


def fidelity(rules: pd.DataFrame, features: pd.DataFrame, segment_ids: pd.Series) -> float:
    """Return the share of customers whom the rule puts into their segment; NaN without a rule."""
    if rules.empty or not len(features):
        return float("nan")
    return float((apply_rules(rules, features) == segment_ids.to_numpy(dtype=str)).mean())


def rule_texts(rules: pd.DataFrame, anchor: Anchor, display: Display) -> dict[str, str]:
    """Return the printed rule per segment; those of new and silent customers are asked first."""
    limit = f"revenue of the last four quarters {{}} {display.exact_amount(anchor.larger_amount)}"
    texts = {
        NEW_ID: "first order within the last quarter",
        SILENT_ID: "no order in the last four quarters",
        LARGER_ID: limit.format(AT_LEAST),
        SMALLER_ID: limit.format(BELOW),
    }
    for segment_id, mine in rules.groupby("segment_id", sort=False):
        leaves = [
            AND.join(_said(row, display) for row in leaf.itertuples())
            for _, leaf in mine.groupby("rule_number", sort=False)
        ]
        texts[str(segment_id)] = OR.join(leaves)
    return {name: texts.get(name, "no plain rule tells it") for name in anchor.names}


def readable(features: pd.DataFrame) -> pd.DataFrame:
    """Return the features as the rule prints them: trends as changes on the year before."""
    trends = {n: _change(features[n]) for n in features if FEATURES[n].kind == "trend"}
    return features.assign(**trends).rename(columns={n: f"{n}_change_share" for n in trends})


def rule_rows(rules: pd.DataFrame) -> pd.DataFrame:
    """Return the rule as rows to stand in the table of the anchor."""
    return pd.DataFrame(
        {
            "kind": _KIND,
            "segment_id": rules["segment_id"],
            "name": rules["side"],
            "feature": rules["feature"],
            "value": rules["value"],
            "text": rules["rule_number"].astype("str"),
        }
    )


def read_rules(anchor: pd.DataFrame | None) -> pd.DataFrame:
    """Return the rule that stands in the table of an anchor; no rows where none does."""
    if anchor is None or "kind" not in anchor or not (anchor["kind"] == _KIND).any():
        return _table([])
    rows = anchor[anchor["kind"] == _KIND]
    return _table(
        list(
            zip(
                rows["segment_id"],
                rows["text"].astype(int),
                rows["feature"],
                rows["name"],
                rows["value"].astype(float),
                strict=True,
            )
        )
    )


def _table(rows: list[tuple]) -> pd.DataFrame:
    kinds = {
        "segment_id": "str",
        "rule_number": "int64",
        "feature": "str",
        "side": "str",
        "value": "float64",
    }
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)


def _leaves(tree: DecisionTreeClassifier, names: list[str]) -> Iterator[tuple]:
    for number, (conditions, segment_id) in enumerate(_walk(tree, names, 0), 1):
        for feature, side, value in _tightest(conditions):
            yield segment_id, number, feature, side, value


def _walk(
    tree: DecisionTreeClassifier, names: list[str], node: int
) -> list[tuple[list[Condition], str]]:
    """Return the leaves below a node; two with the same answer are one."""
    inner = tree.tree_
    if inner.children_left[node] < 0:
        return [([], str(tree.classes_[inner.value[node, 0].argmax()]))]
    feature = names[inner.feature[node]]
    limit = _rounded(feature, float(inner.threshold[node]))
    sides = (
        (BELOW, _walk(tree, names, inner.children_left[node])),
        (AT_LEAST, _walk(tree, names, inner.children_right[node])),
    )
    (_, left), (_, right) = sides
    if len(left) == len(right) == 1 and left[0][1] == right[0][1]:
        return [([], left[0][1])]
    return [
        ([(feature, side, limit), *conditions], segment_id)
        for side, leaves in sides
        for conditions, segment_id in leaves
    ]


def _tightest(conditions: list[Condition]) -> list[Condition]:
    """Leave out what a narrower condition on the same side of the same feature says already."""
    kept: dict[tuple[str, str], float] = {}
    for feature, side, value in conditions:
        choose = min if side == BELOW else max
        kept[feature, side] = choose(value, kept.get((feature, side), value))
    return [(feature, side, value) for (feature, side), value in kept.items()]


def _rounded(feature: str, value: float) -> float:
    """Round a threshold to what is printed."""
    kind = FEATURES[feature].kind
    if kind == "products":
        return float(np.ceil(value))
    if kind == "trend":
        change = round(float(_change(value)), 2)
        return change / (2 + change)
    return float(f"{value:.{_DIGITS.get(kind, 2)}g}")


def _change(trend: pd.Series | float) -> pd.Series | float:
    """Say a trend of −1 to 1 as a change; the end, something after nothing, as a hundredfold."""
    bounded = np.minimum(trend, 0.98)
    return (1 + bounded) / (1 - bounded) - 1


def _said(row: Any, display: Display) -> str:
    return f"{FEATURES[row.feature].label.lower()} {row.side} {_value(row, display)}"


def _value(row: Any, display: Display) -> str:
    kind, value = FEATURES[row.feature].kind, row.value
    if kind == "trend":
        return display.change(float(_change(value)), 0)
    shown = 100 * value if kind == "share" else value
    digits = _decimals(shown)
    if kind == "amount":
        return display.exact_amount(value, digits)
    return display.share(value, digits) if kind == "share" else display.number(value, digits)


def _decimals(value: float) -> int:
    """Return how many decimals write the value in full."""
    text = np.format_float_positional(round(value, 10), trim="-")
    return len(text.partition(".")[2])
