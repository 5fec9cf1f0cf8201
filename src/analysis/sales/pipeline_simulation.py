"""What a quarter may bring: deals drawn one by one, new ones, and a luck that all of them share."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import softmax

from analysis.core.survival import Incidence, aalen_johansen
from analysis.sales.pipeline_options import PipelineOptions
from analysis.sales.pipeline_snapshots import DAY, Ahead

Floats = np.ndarray

_GRID = np.linspace(0, 1.2, 61)  # deviations of the shared luck
_ONE_BY_ONE = 500  # largest deals; the sum of the others is as good as normal
_MANY_WINS = 400.0  # new deals beyond which their sum is as good as normal
_LUCKS = 40
_FEWEST_RATIOS = 20
_FEWEST_RECENT = 50
_PRIOR_RATIO = (0.0, 0.2)  # mean and deviation of log final / quoted before there is experience


@dataclass(frozen=True)
class NewDeals:
    """Deals that nobody has opened yet: how many a day, how many are won in time, at what value."""

    count: int  # opened in `days`
    days: float
    won_days: float  # integral of the share won by age: wins per daily deal
    amounts: Floats  # values of won deals

    @property
    def expected_count(self) -> float:
        return self.count / self.days * self.won_days if self.days else 0.0

    @property
    def expected_amount(self) -> float:
        return self.expected_count * float(self.amounts.mean()) if len(self.amounts) else 0.0

    @property
    def variance(self) -> float:
        """Of the sum, by chance: of deals, of their values, and of the rate at which they come."""
        if not len(self.amounts):
            return 0.0
        squares = self.expected_count * float((self.amounts**2).mean())
        return squares + self.expected_amount**2 / max(self.count, 1)


@dataclass(frozen=True)
class OpenDeals:
    """Chance to be won in time and value of each open deal; log final / quoted by deal."""

    chances: Floats
    amounts: Floats
    ratio_means: Floats
    ratio_deviations: Floats

    @property
    def expected_amounts(self) -> Floats:
        return self.chances * self.values

    @property
    def values(self) -> Floats:
        """What each deal is worth on average when it is won."""
        return self.amounts * np.exp(self.ratio_means + self.ratio_deviations**2 / 2)

    @property
    def variance(self) -> float:
        """Of the sum, by chance: who is won, and at what value."""
        squares = self.values**2 * np.exp(self.ratio_deviations**2)
        return float((self.chances * squares - self.expected_amounts**2).sum())


@dataclass(frozen=True)
class Draws:
    """Simulated sums of the time ahead; element by element of one simulated time."""

    opened: Floats
    new: Floats

    @property
    def total(self) -> Floats:
        return self.opened + self.new


def new_deals(state: pd.DataFrame, ahead: Ahead, options: PipelineOptions) -> NewDeals:
    """Return what `state`, known at the start of `ahead`, tells of deals yet to come."""
    first = state["created_at"].min()
    days = min(float(options.creation_days), (ahead.starts - first) / DAY)
    count = int((state["created_at"] >= ahead.starts - days * DAY).sum())
    known = _recent(state, state["created_at"], ahead, options)
    found = win_incidence(known)
    won = state[(state["outcome"] == "won") & state["value_amount"].notna()]
    won = _recent(won, won["ended_at"], ahead, options)["value_amount"].to_numpy(float)
    return NewDeals(count, max(days, 1.0), won_days(found, ahead.days), np.sort(won))


def _recent(
    deals: pd.DataFrame, moments: pd.Series, ahead: Ahead, options: PipelineOptions
) -> pd.DataFrame:
    """Deals of two half-lives, of four where these are few, else of all times."""
    for half_lives in (2, 4):
        kept = deals[moments >= ahead.starts - half_lives * options.half_life_days * DAY]
        if len(kept) >= _FEWEST_RECENT:
            return kept
    return deals


def win_incidence(deals: pd.DataFrame) -> Incidence:
    """Return the cumulative incidence of won and lost by days since opening; open ones censored."""
    causes = deals["outcome"].where(deals["outcome"] != "open", "")
    return aalen_johansen(deals["age_days"].clip(lower=0), causes)


def won_days(found: Incidence, days: float) -> float:
    """Return the integral of the share won from 0 to `days`: what a deal a day brings in wins."""
    if "won" not in found.shares:
        return 0.0
    jumps = np.diff(np.concatenate([[0.0], found.shares["won"]]))
    return float((jumps * (days - found.times).clip(min=0)).sum())


def priced(
    deals: pd.DataFrame, chances: Floats, learnt: pd.DataFrame, won_amounts: Floats
) -> OpenDeals:
    """Add to open deals what their value becomes by the time that they are won.

    `learnt` holds earlier snapshots of won deals with final_amount. A deal without a value counts
    as one of `won_amounts`.
    """
    pairs = learnt[(learnt["value_amount"] > 0) & (learnt["final_amount"] > 0)]
    pairs = pairs.drop_duplicates("opportunity_id", keep="last")
    mean, deviation = _PRIOR_RATIO
    if len(pairs) >= _FEWEST_RATIOS:
        logs = np.log(pairs["final_amount"].to_numpy(float) / pairs["value_amount"].to_numpy(float))
        mean, deviation = float(logs.mean()), float(logs.std(ddof=1))
    values = deals["value_amount"].to_numpy(float)
    is_known = np.isfinite(values)
    likely = won_amounts[won_amounts > 0]
    logs = np.log(likely) if len(likely) else np.zeros(1)
    # The median of won deals, and their spread: the mean is then that of a log-normal.
    middle = float(np.exp(logs.mean())) if len(likely) else 0.0
    return OpenDeals(
        chances,
        np.where(is_known, values, middle),
        np.where(is_known, mean, 0.0),
        np.where(is_known, deviation, float(logs.std())),
    )


def luck_weights(
    expected: Floats, variances: Floats, came: Floats, quarters: int, prior: float
) -> Floats:
    """Return how likely each deviation of `_GRID` is, from won values of earlier times.

    They vary by chance (`variances`) and by a luck that a whole time shares: var + (s * mean)^2.
    The prior of s is half-normal with deviation `prior`. Times that overlap count as parts of one.
    """
    spread = variances[:, None] + (_GRID * expected[:, None]) ** 2 + 1e-6
    logs = -0.5 * np.log(spread) - 0.5 * (came - expected)[:, None] ** 2 / spread
    return softmax(logs.sum(axis=0) / quarters - 0.5 * (_GRID / prior) ** 2)


def luck_deviation(weights: Floats) -> float:
    """Return the deviation whose square is the expected one."""
    return float(np.sqrt(weights @ _GRID**2))


def simulate(opened: OpenDeals, new: NewDeals, weights: Floats, count: int, seed: int) -> Draws:
    """Draw `count` times ahead; `weights` are those of `luck_weights`."""
    draw = np.random.default_rng(seed)
    deviation = draw.choice(_GRID, size=count, p=weights)
    luck = np.exp(deviation * draw.standard_normal(count) - deviation**2 / 2)
    return Draws(_drawn_open(opened, luck, draw), _drawn_new(new, luck, draw))


def _drawn_open(opened: OpenDeals, luck: Floats, draw: np.random.Generator) -> Floats:
    order = np.argsort(-opened.expected_amounts, kind="stable")
    first, rest = order[:_ONE_BY_ONE], order[_ONE_BY_ONE:]
    total = np.zeros(len(luck))
    if len(first):
        shape = (len(luck), len(first))
        is_won = draw.random(shape) < _with_luck(opened.chances[first], luck)
        noise = draw.standard_normal(shape) * opened.ratio_deviations[first]
        values = opened.amounts[first] * np.exp(opened.ratio_means[first] + noise)
        total = (is_won * values).sum(axis=1)
    return total + _normal_rest(opened, rest, luck, draw)


def _with_luck(chances: Floats, luck: Floats) -> Floats:
    """Chances under a common luck, which multiplies the hazard; draw by deal."""
    return -np.expm1(np.log1p(-np.minimum(chances, 1 - 1e-12)) * luck[:, None])


def _normal_rest(
    opened: OpenDeals, rest: Floats, luck: Floats, draw: np.random.Generator
) -> Floats:
    if not len(rest):
        return np.zeros(len(luck))
    lucks = np.quantile(luck, np.linspace(0, 1, _LUCKS))
    value = opened.values[rest]
    square = value**2 * np.exp(opened.ratio_deviations[rest] ** 2)
    chances = _with_luck(opened.chances[rest], lucks)
    means = chances @ value
    deviations = np.sqrt(chances @ square - chances**2 @ value**2)
    deviation = np.interp(luck, lucks, deviations)
    return (np.interp(luck, lucks, means) + deviation * draw.standard_normal(len(luck))).clip(min=0)


def _drawn_new(new: NewDeals, luck: Floats, draw: np.random.Generator) -> Floats:
    if not len(new.amounts) or new.expected_count <= 0:
        return np.zeros(len(luck))
    rate = draw.gamma(new.count + 0.5, 1 / new.days, len(luck)) * new.won_days * luck
    wins = draw.poisson(rate)
    if new.expected_count > _MANY_WINS:
        noise = np.sqrt(wins) * new.amounts.std() * draw.standard_normal(len(luck))
        return (wins * new.amounts.mean() + noise).clip(min=0)
    amounts = draw.choice(new.amounts, size=int(wins.sum()))
    return np.bincount(np.repeat(np.arange(len(luck)), wins), amounts, minlength=len(luck))
