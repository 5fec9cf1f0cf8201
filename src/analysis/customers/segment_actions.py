"""What is to be done with each segment; one without an action of its own is merged with another."""

import numpy as np

from analysis.customers.behaviour_features import FEATURES, name_weights

# Below so many deviations from the average a feature asks for nothing.
_LEAST_DEVIATION = 0.25
# What says at least this share of what the first feature does may give the action instead.
_SECOND_SHARE = 0.4
_NOTHING = "Keep as it is: nothing sets these customers apart."
_HIGH = {
    "order_days_per_year": "Protect: one contact person, and delivery on time.",
    "order_day_amount": "Agree on prices and terms: each order is large.",
    "silence_gaps": "Remind now: they are later than by their own rhythm.",
    "trend": "Invest time: ask what they need more of.",
    "return_share": "Find the cause of returns: wrong goods, damage or advice.",
    "product_year_count": "Offer an agreement on the whole range.",
}
_LOW = {
    "order_days_per_year": "Serve lightly: let them order by themselves, at low cost.",
    "order_day_amount": "Make orders larger: sets, refills, free carriage from an amount on.",
    "silence_gaps": "Offer the next product while they are buying.",
    "trend": "Ask why they buy less, before they leave.",
    "return_share": "Offer more of the same: what they buy they keep.",
    "product_year_count": "Show the next category: they know few.",
}


def segment_actions(centres: np.ndarray, features: tuple[str, ...]) -> list[str]:
    """Return an action per segment, in order, no two alike while there are enough to choose from.

    The action is that of the feature in which the centre is farthest from the average customer;
    where another segment has it already, that of the next feature that says nearly as much. Empty
    for a segment that has none of its own left.
    """
    taken: list[str] = []
    for centre in centres:
        own = [action for action in _candidates(centre, features) if action not in taken]
        taken.append(own[0] if own else "")
    return taken


def merge_groups(centres: np.ndarray, sizes: np.ndarray, features: tuple[str, ...]) -> np.ndarray:
    """Return the centres with those that have no action of their own merged into the nearest.

    A merged centre is the mean of the two by their numbers of customers. Order is kept.
    """
    centres, sizes = centres.copy(), np.asarray(sizes, dtype=float)
    while len(centres) > 2 and "" in (actions := segment_actions(centres, features)):
        place = actions.index("")
        gaps = np.linalg.norm(centres - centres[place], axis=1)
        gaps[place] = np.inf
        other = int(gaps.argmin())
        both = sizes[place] + sizes[other]
        weights = sizes[[place, other]] / both if both > 0 else np.array([0.5, 0.5])
        centres[other] = weights @ centres[[place, other]]
        sizes[other] = both
        centres, sizes = np.delete(centres, place, axis=0), np.delete(sizes, place)
    return centres


def _candidates(centre: np.ndarray, features: tuple[str, ...]) -> list[str]:
    weighted = centre * name_weights(features)
    order = np.argsort(-np.abs(weighted), kind="stable")
    if not len(order) or abs(weighted[order[0]]) < _LEAST_DEVIATION:
        return [_NOTHING]
    enough = max(_SECOND_SHARE * abs(weighted[order[0]]), _LEAST_DEVIATION)
    return [_action(features[i], weighted[i] > 0) for i in order if abs(weighted[i]) >= enough]


def _action(feature: str, is_high: bool) -> str:
    known = (_HIGH if is_high else _LOW).get(feature)
    word = FEATURES[feature].high_word if is_high else FEATURES[feature].low_word
    return known or f"Ask what “{word}” means for these customers."
