"""Who went where between two quarters, how sure that is, and what chance alone would give."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import beta, binomtest, false_discovery_control

from analysis.core.statistics import wilson_interval

NOT_YET = "not yet a customer"
_INTERVAL = 0.8
# All moves of a quarter together weigh as much as so many customers of one row.
_PRIOR_CUSTOMERS = 2.0
# Of the directions that are called real, so many may be chance.
_FALSE_SHARE = 0.1
_COLUMNS = {
    "from_name": "str",
    "to_name": "str",
    "customer_count": "int64",
    "from_count": "int64",
    "share": "float64",
    "low_share": "float64",
    "high_share": "float64",
    "is_withheld": "bool",
}


@dataclass(frozen=True)
class Held:
    """Of the moves of earlier quarters, how many still stood a quarter later."""

    held: int
    moves: int

    @property
    def share(self) -> float:
        return self.held / self.moves if self.moves else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        return wilson_interval(self.held, self.moves, _INTERVAL)


def migration_matrix(
    before: pd.Series, now: pd.Series, places: tuple[str, ...], fewest: int
) -> pd.DataFrame:
    """Return a row per pair of places: customers, and the share of those who were there before.

    The shares of a row sum to 1. Each is the mean of a Dirichlet whose prior is what all customers
    did (stayed, or went there), worth two customers, with the 80 % interval; so small rows are
    drawn to all. Rows of fewer than `fewest` customers are withheld: counts only. Customers who
    were not there before have a row of their own.
    """
    rows = [*places, NOT_YET]
    counts = pd.crosstab(before.fillna(NOT_YET), now).reindex(
        index=rows, columns=list(places), fill_value=0
    )
    number = counts.to_numpy(dtype=float)
    sizes = number.sum(axis=1)
    kept = _prior(number[:-1])
    prior = np.vstack([kept, np.full((1, len(places)), 1 / len(places))])
    weight = number + _PRIOR_CUSTOMERS * prior
    total = weight.sum(axis=1, keepdims=True)
    low, high = (beta.ppf(q, weight, total - weight) for q in (0.1, 0.9))
    withheld = np.repeat(sizes < fewest, len(places))
    shares = [
        np.where(withheld, np.nan, part.ravel()).round(6) for part in (weight / total, low, high)
    ]
    return pd.DataFrame(
        {
            "from_name": np.repeat(rows, len(places)),
            "to_name": np.tile(list(places), len(rows)),
            "customer_count": number.ravel(),
            "from_count": np.repeat(sizes, len(places)),
            **dict(zip(("share", "low_share", "high_share"), shares, strict=True)),
            "is_withheld": withheld,
        }
    ).astype(_COLUMNS)


def _prior(number: np.ndarray) -> np.ndarray:
    """Return what a row is drawn to: all customers' share of staying, the rest by where they go.

    Nothing is impossible: one customer more than there are is spread over all pairs.
    """
    count = len(number)
    spread = number + 1 / count**2
    stay = np.trace(spread) / spread.sum()
    gone = spread - np.diag(np.diag(spread))
    to = np.tile(gone.sum(axis=0), (count, 1))
    np.fill_diagonal(to, 0.0)
    prior = (1 - stay) * to / np.maximum(to.sum(axis=1, keepdims=True), 1e-12)
    np.fill_diagonal(prior, stay if count > 1 else 1.0)
    return prior / prior.sum(axis=1, keepdims=True)


def directions(before: pd.Series, now: pd.Series, own: tuple[str, ...]) -> pd.DataFrame:
    """Return a row per pair of places that customers move between: there, back, and the verdict.

    Chance carries customers over a border as often one way as the other, so only what does not
    come back can be told from it: an exact binomial test of there against back, with the false
    discovery rate over all pairs held at 10 %. `net_low_count` to `net_high_count` is the 80 %
    interval of there less back.
    """
    rows = []
    for place, one in enumerate(own):
        for other in own[place + 1 :]:
            there = int(((before == one) & (now == other)).sum())
            back = int(((before == other) & (now == one)).sum())
            rows.append(_direction(one, other, there, back))
    table = pd.DataFrame(rows, columns=list(_DIRECTION)).astype(_DIRECTION)
    tested = table["moved_count"] > 0
    is_real = pd.Series(False, index=table.index)
    if tested.any():
        adjusted = false_discovery_control(table.loc[tested, "chance_share"])
        is_real[tested] = adjusted <= _FALSE_SHARE
    verdict = np.where(is_real, "real: more than chance", "cannot conclude")
    table = table.assign(verdict=np.where(tested, verdict, "nobody moved")).astype(
        {"verdict": "str"}
    )
    return table.sort_values(
        ["moved_count", "from_name", "to_name"], ascending=[False, True, True], ignore_index=True
    )


_DIRECTION = {
    "from_name": "str",
    "to_name": "str",
    "there_count": "int64",
    "back_count": "int64",
    "moved_count": "int64",
    "net_count": "int64",
    "net_low_count": "float64",
    "net_high_count": "float64",
    "chance_share": "float64",
}


def _direction(one: str, other: str, there: int, back: int) -> tuple:
    """Return a row that points the way that more customers went."""
    if back > there:
        one, other, there, back = other, one, back, there
    both = there + back
    if not both:
        return one, other, 0, 0, 0, 0, 0.0, 0.0, 1.0
    test = binomtest(there, both)
    ends = test.proportion_ci(_INTERVAL)
    low, high = (both * (2 * end - 1) for end in (ends.low, ends.high))
    return one, other, there, back, both, there - back, low, high, float(test.pvalue)


def held_moves(places: pd.DataFrame, own: tuple[str, ...]) -> Held:
    """Return how many moves between own places still stood a quarter later, all quarters known."""
    held = moves = 0
    columns = [places[name] for name in places]
    for first, second, third in zip(columns, columns[1:], columns[2:], strict=False):
        moved = first.isin(own) & second.isin(own) & third.notna() & (first != second)
        moves += int(moved.sum())
        held += int((moved & (second == third)).sum())
    return Held(held, moves)


def group_flows(places: pd.DataFrame, group: str) -> pd.DataFrame:
    """Return a row per pair of quarters: who stayed in a group, left it, and came into it.

    Shares have 80 % Wilson intervals: retention is of those who were in it, inflow of those who
    are.
    """
    rows = []
    for first, second in zip(list(places), list(places)[1:], strict=False):
        was, now = places[first] == group, places[second] == group
        stayed = int((was & now).sum())
        retention = wilson_interval(stayed, int(was.sum()), _INTERVAL)
        came = int((~was & now).sum())
        inflow = wilson_interval(came, int(now.sum()), _INTERVAL)
        counts = (int(was.sum()), stayed, int((was & ~now).sum()), came, int(now.sum()))
        shares = (_share(stayed, was), *retention, _share(came, now), *inflow)
        rows.append((first, second, group, *counts, *shares))
    return pd.DataFrame(rows, columns=list(_FLOWS)).astype(_FLOWS)


_FLOWS = {
    "from_period": "str",
    "to_period": "str",
    "group_name": "str",
    "before_count": "int64",
    "stayed_count": "int64",
    "left_count": "int64",
    "came_count": "int64",
    "now_count": "int64",
    "retention_share": "float64",
    "retention_low_share": "float64",
    "retention_high_share": "float64",
    "inflow_share": "float64",
    "inflow_low_share": "float64",
    "inflow_high_share": "float64",
}


def _share(count: int, among: pd.Series) -> float:
    size = int(among.sum())
    return count / size if size else float("nan")


def regression_table(year: pd.DataFrame, limit: float) -> pd.DataFrame:
    """Return what customers of high value brought in two years that share no day, both ways.

    Whoever is picked for a high year falls in the other, later or earlier: the fall of those who
    were high a year ago, against the fall looking back from those who are high now, is what chance
    does; only the difference of the two is a change.
    """
    rows = []
    for name, picked, other in (("a year ago", "then", "now"), ("now", "now", "then")):
        chosen = year[year[picked] >= limit]
        own, left = chosen[picked].sum(), chosen[other].fillna(0.0).sum()
        change = float(left / own - 1) if own > 0 else float("nan")
        amounts = (round(float(own), 2), round(float(left), 2))
        rows.append((f"high value {name}", len(chosen), *amounts, change))
    names = ("picked", "customer_count", "picked_year_amount", "other_year_amount", "change_ratio")
    return pd.DataFrame(rows, columns=list(names)).astype({"picked": "str"})


def moved_customers(
    before: pd.Series, now: pd.Series, own: tuple[str, ...], revenue: pd.Series
) -> pd.DataFrame:
    """Return the customers who moved between own places, by revenue of the year, greatest first."""
    moved = before.isin(own) & now.isin(own) & (before != now)
    table = pd.DataFrame(
        {
            "customer_id": before.index[moved].astype("str"),
            "from_name": before[moved].to_numpy(),
            "to_name": now[moved].to_numpy(),
            "revenue_year_amount": revenue.reindex(before.index)[moved].to_numpy(dtype=float),
        }
    )
    order = ["revenue_year_amount", "customer_id"]
    return table.sort_values(order, ascending=[False, True], ignore_index=True)
