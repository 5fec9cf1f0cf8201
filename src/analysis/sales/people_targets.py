"""Who reaches the target, and could a miss be chance?"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import gamma, poisson

from analysis.core.shrinkage import shrunk_rates
from analysis.core.statistics import false_discovery_levels
from analysis.sales.people_inputs import DAY, LEAST_DAYS, Work
from analysis.sales.people_options import PeopleOptions
from analysis.sales.rep_names import rep_labels
from analysis.sales.throughput_rules import poisson_interval

TARGET, AVERAGE = "target", "average of all"
MISSED, REACHED, NOT_TOLD = "behind", "ahead", "could be chance"
AMOUNTS = ("won_amount", "revenue_amount")
_COUNTS = {"won_count": "is_won", "ended_count": "is_ended", "given_count": "is_given"}
_FEWEST_SIZES = 10  # won deals for how much their sizes vary


def attainment_table(
    work: Work, reps: pd.DataFrame | None, targets: pd.DataFrame | None, options: PeopleOptions
) -> pd.DataFrame:
    """Return how far each seller came, and whether a miss says anything.

    One row per seller and target in force or ended within the window (level "rep", metrics
    won_amount, revenue_amount, won_count, ended_count, given_count); without any, per seller the
    deals won beside what all together win in the same time present. Columns: rep_id; seller;
    metric; yardstick ("target", "average of all"); starts_on; ends_on; target (of the days that
    have passed, where the span is not over); actual; attained_share (actual / target) with low and
    high (80 %); chance_share (chance to bring this little or less if the yardstick were what the
    """
    rows = _with_targets(work, targets)
    if not rows:
        rows = _with_average(work)
    columns = ["rep_id", "metric", "yardstick", "starts_on", "ends_on", "target", "actual"]
    columns += ["attained_share", "attained_low_share", "attained_high_share", "chance_share"]
    columns += ["more_share"]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(1, "seller", rep_labels(reps, table["rep_id"]))
    table = table.assign(
        verdict=_verdicts(table, options.false_discovery_share),
        expected_next_share=_expected_next(table, _sizes(work)),
    )
    order = ["metric", "starts_on", "seller", "rep_id"]
    return table.sort_values(order, ignore_index=True)


def chance_shares(
    actual: float, target: float, sizes: ArrayLike | None = None
) -> tuple[float, float]:
    """Return the chance of `actual` or less, and of as much or more, were `target` the mean.

    A number of deals is Poisson. An amount is the sum of a Poisson number of deals of such `sizes`:
    a gamma of the same mean and variance. NaN for a target of 0 or too few sizes.
    """
    if not target > 0:
        return float("nan"), float("nan")
    if sizes is None:
        return float(poisson.cdf(actual, target)), float(poisson.sf(actual - 1, target))
    size = np.asarray(sizes, dtype=float)
    if len(size) < _FEWEST_SIZES or size.sum() <= 0:
        return float("nan"), float("nan")
    scale = float((size**2).sum() / size.sum())  # variance of the sum / its mean
    sums = gamma(target / scale, scale=scale)
    return float(sums.cdf(actual)), float(sums.sf(actual))


def _with_targets(work: Work, targets: pd.DataFrame | None) -> list[tuple]:
    if targets is None:
        return []
    last = work.ends - DAY
    is_now = (targets["starts_on"] <= last) & (targets["ends_on"] >= work.starts)
    is_known = targets["set_on"].isna() | (targets["set_on"] <= last)
    is_mine = (targets["level"] == "rep") & targets["level_id"].isin(work.present.index)
    asked = targets[is_now & is_known & is_mine & targets["metric"].isin([*AMOUNTS, *_COUNTS])]
    asked = asked[asked["starts_on"] >= work.starts]  # of older ones a part would be missing
    sizes = _sizes(work)
    return [_row(work, target, sizes) for target in asked.sort_values("target_id").itertuples()]


def _row(work: Work, target: tuple, sizes: np.ndarray) -> tuple:
    ends = min(target.ends_on + DAY, work.ends)
    passed = (ends - target.starts_on) / (target.ends_on + DAY - target.starts_on)
    wanted = float(target.value) * passed
    mine = work.window[work.window["rep_id"] == target.level_id]
    moment = mine["created_at"] if target.metric == "given_count" else mine["ended_at"]
    mine = mine[(moment >= target.starts_on) & (moment < ends)]
    head = (target.level_id, target.metric, TARGET, target.starts_on, target.ends_on, wanted)
    if target.metric in AMOUNTS:
        won = mine["won_amount"].to_numpy()
        return *head, *_compared(float(won.sum()), wanted, sizes)
    actual = float(mine[_COUNTS[target.metric]].sum())
    return *head, *_compared(actual, wanted)


def _with_average(work: Work) -> list[tuple]:
    days = work.present[work.present >= LEAST_DAYS]
    won = work.window.groupby("rep_id")["is_won"].sum().reindex(days.index).fillna(0.0)
    if not won.sum():
        return []
    span = (work.starts, work.ends - DAY)
    wanted = won.sum() / days.sum() * days
    return [
        (name, "won_count", AVERAGE, *span, wanted[name], *_compared(won[name], wanted[name]))
        for name in days.index
    ]


def _compared(actual: float, wanted: float, sizes: np.ndarray | None = None) -> tuple[float, ...]:
    if not wanted > 0:
        return actual, *[np.nan] * 5
    if sizes is None:
        low, high = poisson_interval(actual)
    else:
        low, high = _amount_interval(actual, sizes)
    chances = chance_shares(actual, wanted, sizes)
    return actual, actual / wanted, low / wanted, high / wanted, *chances


def _amount_interval(actual: float, sizes: np.ndarray) -> tuple[float, float]:
    """Of a sum of deals: that of their number, widened by how much sizes vary."""
    if len(sizes) < _FEWEST_SIZES or sizes.sum() <= 0:
        return np.nan, np.nan
    scale = float((sizes**2).sum() / sizes.sum())  # the sum behaves like a count of such deals
    low, high = poisson_interval(actual / scale)
    return low * scale, high * scale


def _expected_next(table: pd.DataFrame, sizes: np.ndarray) -> pd.Series:
    """Attained shares drawn to that of all, by metric; an amount counts as so many usual deals."""
    found = pd.Series(np.nan, index=table.index)
    for metric, mine in table.groupby("metric"):
        scale = (sizes**2).sum() / sizes.sum() if metric in AMOUNTS and sizes.sum() else 1.0
        drawn = shrunk_rates(mine["actual"] / scale, mine["target"] / scale)
        found[mine.index] = drawn["rate"].to_numpy()
    return found


def _sizes(work: Work) -> np.ndarray:
    won = work.window.loc[work.window["is_won"], "won_amount"].to_numpy()
    return won[won > 0]


def _verdicts(table: pd.DataFrame, level: float) -> np.ndarray:
    so_little, so_much = table["chance_share"].astype(float), table["more_share"].astype(float)
    is_told = false_discovery_levels((2 * np.minimum(so_little, so_much)).clip(upper=1)) <= level
    names = np.select([is_told & (so_little < so_much), is_told], [MISSED, REACHED], NOT_TOLD)
    return np.where(so_little.isna(), "", names)
