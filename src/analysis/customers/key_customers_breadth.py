"""Do broader proposals win more often, once deals of equal size are compared?

Large deals get more lines and win more or less often for reasons of their own, so lines and winning
go together even where one does nothing for the other. The claim rests on a logistic regression with
a smooth curve of the logarithm of the value (Harrell's restricted cubic spline), because fifths of
value leave differences of size within each fifth. Fifths (Mantel and Haenszel 1959) stand beside
it, since a reader can follow them by hand. Deals of one customer are not independent: errors of the
regression are clustered by customer (sandwich), the range of fifths leaves out one customer at a
time (jackknife).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm, t

from analysis.customers.key_customers_options import KeyCustomersOptions

Floats = np.ndarray

MORE, LESS, CANNOT, NOTHING = "more often", "less often", "cannot conclude", "too few"
AS_IT_LOOKS, AT_EQUAL_SIZE, IN_FIFTHS = "as it looks", "at equal deal size", "in fifths of size"
_CONFIDENCE = 0.95  # of a claim: where nothing is, at most one in twenty says something
_POWER = 0.8
_GROUPS = 5
_FEWEST_SHOWN = 10  # proposals of a cell, for its share to be shown
_KNOTS = {3: (0.1, 0.5, 0.9), 4: (0.05, 0.35, 0.65, 0.95)}
_FEWEST_FOR = ((80, 4), (30, 3))  # proposals of the rarer outcome, for so many knots
_MOST_STEPS, _CLOSE, _MOST_LOGIT = 50, 1e-10, 12.0
_EFFECT_COLUMNS = [
    "method",
    "comparison",
    "odds_ratio",
    "odds_low_ratio",
    "odds_high_ratio",
    "won_difference_share",
    "won_difference_low_share",
    "won_difference_high_share",
]


@dataclass(frozen=True)
class Breadth:
    """What can be said of lines and winning.

    `effects`: one row per method with the odds ratio of winning and the difference of the share
    won, each with its 95 % interval. `sizes`: one row per fifth of value. `detectable_share` is the
    difference that so many proposals would show 8 times in 10.
    """

    verdict: str
    why: str
    proposal_count: int
    effects: pd.DataFrame
    sizes: pd.DataFrame
    broad_from: int = 0
    detectable_share: float = np.nan

    def row(self, method: str) -> pd.Series:
        """The row of one method; KeyError where it was not computed."""
        return self.effects.set_index("method").loc[method]


def breadth(proposals: pd.DataFrame, options: KeyCustomersOptions) -> Breadth:
    """Hold lines per decided proposal against winning.

    `proposals` has a row per decided proposal: opportunity_id, customer_id, is_won, line_count and
    value_amount. Those without a value above 0 are left out.
    """
    known = proposals[proposals["value_amount"] > 0].sort_values("opportunity_id")
    known = known.reset_index(drop=True)
    why = _why_not(proposals, known, options)
    if why:
        return Breadth(NOTHING, why, len(known), _no_effects(), pd.DataFrame())
    lines, won = np.log2(known["line_count"].to_numpy(float)), known["is_won"].to_numpy(float)
    size = np.log(known["value_amount"].to_numpy(float))
    owner = known["customer_id"].fillna("deal " + known["opportunity_id"]).to_numpy(str)
    _, cluster = np.unique(owner, return_inverse=True)
    plain = _logistic(lines, np.empty((len(known), 0)), won, cluster)
    adjusted = _logistic(lines, size_curve(size, won), won, cluster)
    if plain is None or adjusted is None:
        text = "The number of lines follows from the size of the deal: they cannot be told apart."
        return Breadth(CANNOT, text, len(known), _no_effects(), pd.DataFrame())
    broad_from = _broad_from(known["line_count"])
    sizes = size_table(known, broad_from)
    fifths = fifths_odds(known, broad_from, cluster)
    effects = pd.DataFrame(
        [
            (AS_IT_LOOKS, "twice as many lines", *plain),
            (AT_EQUAL_SIZE, "twice as many lines", *adjusted),
            (IN_FIFTHS, f"{broad_from} lines and more against fewer", *fifths, *[np.nan] * 3),
        ],
        columns=_EFFECT_COLUMNS,
    )
    low, high = adjusted[1], adjusted[2]
    verdict = MORE if low > 1 else LESS if high < 1 else CANNOT
    half = (adjusted[5] - adjusted[4]) / 2
    detectable = half / norm.ppf(0.5 + _CONFIDENCE / 2) * norm.ppf([0.5 + _CONFIDENCE / 2, _POWER])
    return Breadth(verdict, "", len(known), effects, sizes, broad_from, float(detectable.sum()))


def _why_not(all_: pd.DataFrame, known: pd.DataFrame, options: KeyCustomersOptions) -> str:
    """Say why lines cannot be held against winning; empty when they can."""
    won = int(known["is_won"].sum())
    rarer = min(won, len(known) - won)
    valued = (all_["value_amount"] > 0).groupby(all_["is_won"]).mean()
    if len(valued) and valued.min() < options.least_valued_share:
        return (
            "Too many proposals have no value, won or lost ones: deals of equal size cannot be "
            "compared."
        )
    if len(known) < options.fewest_proposals or rarer < options.fewest_proposals / 4:
        return (
            f"{len(known)} decided proposals, {won} of them won: too few to hold the number of "
            "lines against winning."
        )
    if known["line_count"].nunique() == 1:
        return "All proposals have the same number of lines."
    return ""


def _no_effects() -> pd.DataFrame:
    return pd.DataFrame(columns=_EFFECT_COLUMNS)


def size_curve(size: Floats, won: Floats) -> Floats:
    """Return the columns of a restricted cubic spline of `size`; linear where data are few."""
    rarer = min(won.sum(), len(won) - won.sum())
    count = next((knots for fewest, knots in _FEWEST_FOR if rarer >= fewest), 0)
    scaled = (size - size.mean()) / (size.std() or 1.0)
    knots = np.unique(np.quantile(scaled, _KNOTS[count])) if count else np.array([])
    if len(knots) < 3:
        return scaled[:, None]
    last, before = knots[-1], knots[-2]
    parts = [scaled]
    for knot in knots[:-2]:
        bend = (
            _cube(scaled - knot)
            - _cube(scaled - before) * (last - knot) / (last - before)
            + _cube(scaled - last) * (before - knot) / (last - before)
        )
        parts.append(bend / (last - knots[0]) ** 2)
    return np.column_stack(parts)


def _cube(values: Floats) -> Floats:
    return np.clip(values, 0, None) ** 3


def _logistic(lines: Floats, others: Floats, won: Floats, cluster: Floats) -> tuple | None:
    """Return odds ratio and difference of the share won per unit of `lines`, with intervals.

    Maximum likelihood by Newton; covariance clustered (CR1), intervals by t with one degree of
    freedom less than clusters; the difference is the mean slope, by the delta method. None where
    nothing can be estimated.
    """
    X = np.column_stack([lines, np.ones(len(won)), others])
    if np.linalg.matrix_rank(X) < X.shape[1]:
        return None
    beta = _fit(X, won)
    if beta is None:
        return None
    p = expit(X @ beta)
    spread = _clustered(X, won - p, p * (1 - p), cluster)
    groups = int(cluster.max()) + 1
    if groups <= X.shape[1] + 1:
        return None
    reach = float(t.ppf(0.5 + _CONFIDENCE / 2, groups - 1))
    half = reach * float(np.sqrt(spread[0, 0]))
    slope = p * (1 - p)
    gradient = beta[0] * (slope * (1 - 2 * p)) @ X / len(won)
    gradient[0] += slope.mean()
    points = float(beta[0] * slope.mean())
    points_half = reach * float(np.sqrt(gradient @ spread @ gradient))
    odds = [float(np.exp(beta[0] + sign * half)) for sign in (0, -1, 1)]
    return (*odds, points, points - points_half, points + points_half)


def _fit(X: Floats, won: Floats) -> Floats | None:
    beta = np.zeros(X.shape[1])
    for _ in range(_MOST_STEPS):
        p = expit(X @ beta)
        information = (X * (p * (1 - p))[:, None]).T @ X
        try:
            step = np.linalg.solve(information, X.T @ (won - p))
        except np.linalg.LinAlgError:
            return None
        # A step of more than one logit for a usual row would overshoot.
        step /= max(1.0, float(np.abs(X @ step).max()) / 5)
        beta = beta + step
        if np.abs(X @ beta).max() > _MOST_LOGIT:
            return None  # winners and losers fall apart: there is no finite answer
        if np.abs(step).max() < _CLOSE:
            return beta
    return None


def _clustered(X: Floats, rest: Floats, weight: Floats, cluster: Floats) -> Floats:
    groups, (rows, columns) = int(cluster.max()) + 1, X.shape
    scores = np.zeros((groups, columns))
    np.add.at(scores, cluster, X * rest[:, None])
    bread = np.linalg.inv((X * weight[:, None]).T @ X)
    scale = groups / (groups - 1) * (rows - 1) / (rows - columns)
    return scale * bread @ (scores.T @ scores) @ bread


def _broad_from(lines: pd.Series) -> int:
    """Lines from which a proposal is broad: more than the median, or the most there are."""
    middle = int(np.floor(lines.median()))
    return middle + 1 if (lines > middle).any() else int(lines.max())


def size_table(proposals: pd.DataFrame, broad_from: int) -> pd.DataFrame:
    """Return one row per fifth of value with an equal cut for equal values, smallest first.

    Columns: size_from_amount, size_to_amount; narrow_count, narrow_won_count, narrow_won_share;
    the same of broad (`broad_from` lines and more). A share of under ten proposals is missing.
    """
    value, won = (proposals[name].to_numpy(float) for name in ("value_amount", "is_won"))
    group = _fifths(value)
    order = np.argsort(value, kind="stable")
    sizes = np.bincount(group)
    last = np.cumsum(sizes) - 1
    ends = value[order]
    columns = {"size_from_amount": ends[last - sizes + 1], "size_to_amount": ends[last]}
    is_broad = proposals["line_count"].to_numpy() >= broad_from
    for name, mine in (("narrow", ~is_broad), ("broad", is_broad)):
        count = np.bincount(group, mine).astype(int)
        wins = np.bincount(group, won * mine).astype(int)
        share = np.where(count >= _FEWEST_SHOWN, wins / np.maximum(count, 1), np.nan)
        columns |= {f"{name}_count": count, f"{name}_won_count": wins, f"{name}_won_share": share}
    return pd.DataFrame(columns)


def _fifths(value: Floats) -> Floats:
    cuts = np.unique(np.quantile(value, np.arange(1, _GROUPS) / _GROUPS))
    return np.unique(np.searchsorted(cuts, value, side="left"), return_inverse=True)[1]


def mantel_haenszel(cells: Floats) -> Floats:
    """Return the common odds ratio of winning, broad against narrow (Mantel and Haenszel 1959).

    `cells`: broad won, broad lost, narrow won, narrow lost along the last axis, groups of size
    along the one before. NaN where a product of the cells is 0 in all groups.
    """
    a, b, c, d = np.moveaxis(cells, -1, 0)
    n = np.maximum(a + b + c + d, 1)
    up, down = (a * d / n).sum(axis=-1), (b * c / n).sum(axis=-1)
    is_known = (up > 0) & (down > 0)
    return np.where(is_known, up / np.where(is_known, down, 1.0), np.nan)


def fifths_odds(
    proposals: pd.DataFrame, broad_from: int, customer: Floats
) -> tuple[float, float, float]:
    """Return the odds ratio within fifths of value, with its 95 % interval.

    Deals of one customer are alike, so each customer (0 and on) is left out in turn (jackknife of
    the logarithm, t with one degree of freedom less than customers). Ends are NaN where an answer
    hangs on a single customer.
    """
    group = _fifths(proposals["value_amount"].to_numpy(float))
    is_broad = proposals["line_count"].to_numpy() >= broad_from
    cell = 2 * (~is_broad) + (1 - proposals["is_won"].to_numpy(int))
    groups, customers = int(group.max()) + 1, int(customer.max()) + 1
    place = (customer * groups + group) * 4 + cell
    cells = np.bincount(place, minlength=customers * groups * 4).reshape(customers, groups, 4)
    whole = cells.sum(axis=0)
    middle = float(mantel_haenszel(whole))
    without = np.log(mantel_haenszel(whole - cells))
    if customers < 2 or not np.isfinite(without).all():
        return middle, np.nan, np.nan
    variance = ((without - without.mean()) ** 2).sum() * (customers - 1) / customers
    half = float(t.ppf(0.5 + _CONFIDENCE / 2, customers - 1) * np.sqrt(variance))
    return tuple(middle * float(np.exp(sign * half)) for sign in (0, -1, 1))
