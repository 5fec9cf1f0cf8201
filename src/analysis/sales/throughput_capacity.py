"""Work in progress, throughput and capacity: three numbers that Little's law ties together."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import chi2

_DAY = pd.Timedelta(days=1)
_FEWEST_DEALS = 200  # ended deals for a capacity to be looked for
_LEVEL = 0.01  # several bends are tried, so the level of one is held low
_RAMPING_SHARE = 0.5  # of what others close, on average while ramping up
_DRAWS = 4_000
_MOST_PEOPLE = 10_000
_MONTHS = 12
_MOST_SHOWN = 10  # rows of a table of people
_SURE = (0.005, 0.995)  # chances beyond which more people, or fewer, change nothing


def littles_law(deals: pd.DataFrame, starts: pd.Timestamp, ends: pd.Timestamp) -> dict[str, float]:
    """Return average work in progress beside throughput x cycle time (Little 1961).

    `deals` has created_at and ended_at (missing while open). Keys: wip_count (mean number of open
    deals over the window), given_per_day, ended_per_day, cycle_days (mean time in progress of the
    deals that ended in it), littles_count (ended_per_day x cycle_days). The two counts agree where
    as many deals begin as end; wip_count is larger while work piles up.
    """
    days = (ends - starts) / _DAY
    begin = deals["created_at"].clip(lower=starts)
    end = deals["ended_at"].fillna(ends).clip(upper=ends)
    spent = float(((end - begin) / _DAY).clip(lower=0).sum())
    given = int(((deals["created_at"] >= starts) & (deals["created_at"] < ends)).sum())
    ended = deals[(deals["ended_at"] >= starts) & (deals["ended_at"] < ends)]
    cycle = float(((ended["ended_at"] - ended["created_at"]) / _DAY).mean())
    return {
        "wip_count": spent / days,
        "given_per_day": given / days,
        "ended_per_day": len(ended) / days,
        "cycle_days": cycle,
        "littles_count": len(ended) / days * cycle,
    }


def open_at_start(deals: pd.DataFrame) -> np.ndarray:
    """Return for each deal how many other deals its owner had open when it was opened."""
    counts = np.zeros(len(deals))
    begins = deals["created_at"].to_numpy()
    ends = deals["ended_at"].fillna(pd.Timestamp("2262-01-01")).to_numpy()
    for places in deals.groupby("rep_id").indices.values():
        begin, end = begins[places], ends[places]
        begun = np.searchsorted(np.sort(begin), begin, side="left")
        ended = np.searchsorted(np.sort(end), begin, side="right")
        counts[places] = np.maximum(begun - ended, 0)
    return counts


@dataclass(frozen=True)
class Capacity:
    """The number of open deals beyond which a seller wins less; None where it cannot be told."""

    count: float | None
    low: float | None
    high: float | None
    sentence: str


def capacity(load: np.ndarray, is_won: np.ndarray) -> Capacity:
    """Look for the load beyond which deals are won less often (a bend of the log-odds).

    `load` is the number of other open deals of the owner when the deal was opened. A logistic line
    with one downward bend is held against a constant; the range holds the bends that fit nearly as
    well (within the 80 % chi-square limit). Association, not proof: busy times differ in more.
    """
    if len(load) < _FEWEST_DEALS or len(np.unique(load)) < 5:
        return Capacity(None, None, None, "Too few ended deals to tell a capacity.")
    bends = np.unique(np.quantile(load, np.linspace(0.1, 0.9, 17)))
    loads, place = np.unique(load, return_inverse=True)
    deals, won = np.bincount(place).astype(float), np.bincount(place, weights=is_won)
    constant = _fit(np.zeros_like(loads), deals, won)[0]
    fits = [(bend, *_fit(np.maximum(loads - bend, 0.0), deals, won)) for bend in bends]
    falling = [(loss, bend) for bend, loss, slope in fits if slope < 0]
    gain = 2 * (constant - min(falling)[0]) if falling else 0.0
    if gain < chi2.ppf(1 - _LEVEL, 2):
        top = float(np.quantile(load, 0.95))
        sentence = f"No load up to {top:.0f} open deals goes with fewer wins: capacity not reached."
        return Capacity(None, None, None, sentence)
    best = min(falling)
    near = [bend for loss, bend in falling if 2 * (loss - best[0]) <= chi2.ppf(0.8, 1)]
    sentence = f"Beyond about {best[1]:.0f} open deals a seller wins fewer of the new ones."
    return Capacity(float(best[1]), float(min(near)), float(max(near)), sentence)


def with_utilisation(sellers: pd.DataFrame, limit: Capacity) -> pd.DataFrame:
    """Add utilisation_share, open deals over the capacity, where a capacity can be told."""
    if limit.count is None:
        return sellers
    return sellers.assign(utilisation_share=sellers["open_count"] / max(limit.count, 1.0))


def _fit(excess: np.ndarray, deals: np.ndarray, won: np.ndarray) -> tuple[float, float]:
    """Return the least negative log-likelihood and the slope, from deals and wins by excess."""
    scale = max(float(excess.max()), 1.0)

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        eta = theta[0] + theta[1] * excess / scale
        error = deals * expit(eta) - won
        value = float((deals * np.logaddexp(0, eta)).sum() - (won * eta).sum())
        return value, np.array([error.sum(), (error * excess).sum() / scale])

    found = minimize(loss, np.zeros(2), jac=True, method="BFGS")
    return float(found.fun), float(found.x[1])


@dataclass(frozen=True)
class People:
    """What a plan of people stands on."""

    ended_count: float  # deals ended, by `full_time_months` of work
    full_time_months: float
    ramp_months: float = 0.0
    leaving_share: float = 0.0  # within a year; replaced by somebody who ramps up
    seed: int = 0


def plain_headcount(target_per_month: float, per_person: float) -> int:
    """Return people needed if each closed exactly `per_person` a month: 132 at 22 are 6."""
    return int(np.ceil(round(target_per_month / per_person, 9)))


def headcount_table(target_per_month: float, people: People, have: int) -> pd.DataFrame:
    """Return how likely so many people are enough for a target, over the next year.

    Columns: people; enough_share (chance that a mean month reaches the target). Throughput is drawn
    from what is known of it (gamma), deals of the year by chance; leavers go at a random time and
    whoever replaces them, and everybody above `have`, closes half of what others do while ramping.
    From half to twice the plain need, at most 60 rows.
    """
    generator = np.random.default_rng(people.seed)
    rate = generator.gamma(people.ended_count + 0.5, 1 / people.full_time_months, _DRAWS)
    plain = plain_headcount(target_per_month, people.ended_count / people.full_time_months)
    first, last = max(1, plain // 2), min(max(2 * plain, plain + 4), _MOST_PEOPLE)
    counts = np.unique(np.linspace(first, last, min(60, last - first + 1)).round().astype(int))
    rows = []
    for count in counts:
        new = max(0, int(count) - have)
        leavers = generator.binomial(int(count), people.leaving_share, _DRAWS)
        starts = new + leavers
        lost = starts * min(people.ramp_months, _MONTHS) * (1 - _RAMPING_SHARE)
        months = np.maximum(count * _MONTHS - lost, 0)
        ended = generator.poisson(rate * months)
        rows.append((int(count), float((ended >= target_per_month * _MONTHS).mean())))
    return pd.DataFrame(rows, columns=["people", "enough_share"])


def around_answer(table: pd.DataFrame, enough_share: float) -> pd.DataFrame:
    """Return the rows of `headcount_table` where the chance turns, and its first and last.

    At most ten: those between hardly any chance and near certainty, the one that first reaches
    `enough_share` always, and both ends.
    """
    chance = table["enough_share"]
    turning = np.flatnonzero((chance > _SURE[0]) & (chance < _SURE[1]))
    enough = np.flatnonzero(chance >= enough_share)[:1]
    answer = int(enough[0]) if len(enough) else len(table) - 1
    near = sorted({*turning.tolist(), answer}, key=lambda place: (abs(place - answer), place))
    kept = sorted({0, len(table) - 1, *near[: _MOST_SHOWN - 2]})
    return table.iloc[kept].reset_index(drop=True)
