"""Why a total differs, in parts that sum to the difference exactly (Shapley values)."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from math import factorial, prod

_MOST_EXACT = 12  # 4,096 values


def shapley(names: Sequence[str], value: Callable[[frozenset[str]], float]) -> dict[str, float]:
    """Share out value(all) - value(none) among `names` (Shapley 1953).

    `value` says what the total is when these causes are as they are now and the others as they were
    before. The parts sum to the whole difference; a cause that never matters gets 0. At most 12.
    """
    if len(names) > _MOST_EXACT:
        raise ValueError(f"{len(names)} causes; at most {_MOST_EXACT} are shared out exactly")
    count = len(names)
    sets = [frozenset(s) for k in range(count + 1) for s in combinations(names, k)]
    worth = {s: value(s) for s in sets}
    weight = [factorial(k) * factorial(count - k - 1) / factorial(count) for k in range(count)]
    return {
        name: sum(weight[len(s)] * (worth[s | {name}] - worth[s]) for s in sets if name not in s)
        for name in names
    }


def product_parts(before: Mapping[str, float], now: Mapping[str, float]) -> dict[str, float]:
    """Share out the change of a product of factors, for example leads x conversion x deal size."""
    return shapley(list(before), lambda s: prod(now[n] if n in s else before[n] for n in before))
