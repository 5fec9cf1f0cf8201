"""Do the segments tell more than as many plain revenue bins, of a year they have not seen?

Customers are put into segments as of the quarter end a year ago, by the centres of the anchor, and
into as many equally large bins of that year's revenue. Both then tell the year that followed: each
customer is expected to do what the others of the same group did (cross-validated over customers).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.scope import Scope
from analysis.customers.behaviour_features import behaviour_features
from analysis.customers.segment_anchor import Anchor
from analysis.customers.segment_evidence import Evidence

GROWS, RETURNS, CATEGORIES = "who grows", "who returns goods", "who buys which categories"
BETTER, WORSE, UNCLEAR = "better", "worse", "cannot conclude"
_FOLDS = 10
_DRAWS = 400
# Three questions are asked: together, with 95 %, no interval misses.
_CONFIDENCE_SHARE = 1 - 0.05 / 3
_FEWEST_CUSTOMERS = 60
# More customers would not change what is said, and take longer.
_MOST_CUSTOMERS = 20_000

Floats = np.ndarray


@dataclass(frozen=True)
class PastYear:
    """Customers with orders as they were a year ago, and what they did since.

    `before` and `after` are rows of customer_features of the same customers, in one order.
    """

    origin: str
    before: pd.DataFrame
    after: pd.DataFrame


def past_year(customers: pd.DataFrame, evidence: Evidence, scope: Scope) -> PastYear | None:
    """Return the customers of the quarter end four quarters ago; None where it is not known."""
    history = evidence.backtest_origins
    if history is None or history.empty or scope.period.cadence != "quarterly":
        return None
    origin = scope.calendar.shift(scope.period, -4)
    before = history[history["origin"] == origin.name]
    before = before[before["customer_id"].isin(customers["customer_id"])]
    before = before.sort_values("customer_id", ignore_index=True)
    is_new = before["first_order_on"] >= pd.Timestamp(origin.starts_on)
    before = before[(before["order_day_year_count"] > 0) & ~is_new].reset_index(drop=True)
    after = customers.set_index("customer_id").loc[before["customer_id"]].reset_index()
    return PastYear(origin.name, before, after) if len(before) else None


def usefulness_table(
    past: PastYear | None, evidence: Evidence, anchor: Anchor, seed: int
) -> pd.DataFrame:
    """Return one row per question; no rows where there are no clusters or too little history.

    Columns: question; segments_score_share and bins_score_share (share of the variance explained,
    out of sample, 0 no better than the average of all); difference_share with its interval (95 %
    for the three together, customers drawn again); verdict (better, worse, cannot conclude);
    customer_count; origin (the quarter whose end they were judged from).
    """
    if past is None or not anchor.has_clusters or len(past.before) < _FEWEST_CUSTOMERS:
        return pd.DataFrame(columns=_COLUMNS)
    past = _sampled(past, seed)
    features = behaviour_features(past.before, anchor.typical_gap)
    segments = anchor.distances(features).argmin(axis=1)
    bins = _revenue_bins(past.before, len(anchor.centres))
    rows = [
        {"question": question} | _judged(outcomes, segments, bins, seed)
        for question, outcomes in _outcomes(past, evidence).items()
        if len(outcomes) and np.ptp(outcomes, axis=0).any()
    ]
    count = len(past.before)
    table = pd.DataFrame(rows).assign(customer_count=count, origin=past.origin)
    return table.reindex(columns=_COLUMNS)


_COLUMNS = [
    "question",
    "segments_score_share",
    "bins_score_share",
    "difference_share",
    "difference_low_share",
    "difference_high_share",
    "verdict",
    "customer_count",
    "origin",
]


def _sampled(past: PastYear, seed: int) -> PastYear:
    if len(past.before) <= _MOST_CUSTOMERS:
        return past
    rows = np.random.default_rng([seed, 7]).choice(
        len(past.before), _MOST_CUSTOMERS, replace=False, shuffle=False
    )
    rows = np.sort(rows)
    return PastYear(past.origin, past.before.iloc[rows], past.after.iloc[rows])


def _revenue_bins(before: pd.DataFrame, count: int) -> np.ndarray:
    """Return equally large bins of the year's revenue; equal amounts share one."""
    revenue = before["revenue_year_amount"].to_numpy(float)
    inner = np.linspace(0, 1, count + 1)[1:-1]
    return np.searchsorted(np.quantile(revenue, inner, method="higher"), revenue, side="right")


def _outcomes(past: PastYear, evidence: Evidence) -> dict[str, Floats]:
    """Return what each question is answered by: customers x outcomes."""
    then = past.before["revenue_year_amount"].to_numpy(float)
    now = past.after["revenue_year_amount"].to_numpy(float)
    both = np.maximum(then, 0) + np.maximum(now, 0)
    growth = (np.maximum(now, 0) - np.maximum(then, 0)) / np.where(both > 0, both, 1)
    returned = np.nan_to_num(past.after["return_year_amount"].to_numpy(float)) > 0
    found = {GROWS: growth[:, None], RETURNS: returned[:, None].astype(float)}
    bought = evidence.customer_categories
    if bought is None or bought.empty:
        return found
    bought = bought[bought["sale_year_amount"].astype(float) > 0]
    places = pd.Index(past.before["customer_id"]).get_indexer(bought["customer_id"])
    kinds, names = pd.factorize(bought["product_category"], sort=True)
    matrix = np.zeros((len(then), len(names)))
    matrix[places[places >= 0], kinds[places >= 0]] = 1.0
    return found | {CATEGORIES: matrix}


def _judged(outcomes: Floats, segments: np.ndarray, bins: np.ndarray, seed: int) -> dict:
    by_segment, by_bin = _misses(outcomes, segments), _misses(outcomes, bins)
    nothing = _misses(outcomes, np.zeros_like(segments))
    difference = (by_bin.sum() - by_segment.sum()) / nothing.sum()
    low, high = _interval(by_bin - by_segment, nothing, seed)
    verdict = BETTER if low > 0 else WORSE if high < 0 else UNCLEAR
    return {
        "segments_score_share": 1 - by_segment.sum() / nothing.sum(),
        "bins_score_share": 1 - by_bin.sum() / nothing.sum(),
        "difference_share": difference,
        "difference_low_share": low,
        "difference_high_share": high,
        "verdict": verdict,
    }


def _misses(outcomes: Floats, groups: np.ndarray) -> Floats:
    """Return each customer's squared miss by the mean of its group in the other folds, summed.

    A group without anybody in the other folds is expected to do as everybody.
    """
    fold, size = np.arange(len(groups)) % _FOLDS, int(groups.max()) + 1
    cell = fold * size + groups
    counts = np.bincount(cell, minlength=_FOLDS * size).reshape(_FOLDS, size)
    others = counts.sum(axis=0) - counts
    total = np.zeros(len(groups))
    for column in outcomes.T:
        sums = np.bincount(cell, column, _FOLDS * size).reshape(_FOLDS, size)
        rest = sums.sum(axis=0) - sums
        means = np.where(others > 0, rest / np.maximum(others, 1), column.mean())
        total += (column - means[fold, groups]) ** 2
    return total


def _interval(gains: Floats, nothing: Floats, seed: int) -> tuple[float, float]:
    """Return the interval of the ratio of sums, customers drawn with replacement."""
    rng, drawn = np.random.default_rng([seed, 8]), np.empty(_DRAWS)
    for draw in range(_DRAWS):
        rows = rng.integers(0, len(gains), len(gains))
        drawn[draw] = gains[rows].sum() / max(nothing[rows].sum(), 1e-12)
    tail = (1 - _CONFIDENCE_SHARE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)
