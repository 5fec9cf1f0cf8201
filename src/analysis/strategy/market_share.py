"""Which share of a market can be won, how long it takes, and when the ceiling binds."""

from dataclasses import dataclass, field

import numpy as np

from analysis.strategy.market_options import MarketOptions
from analysis.strategy.market_potential import quantiles

Floats = np.ndarray
_MOST_YEARS = 25
_CEILING_SEED = 3  # apart from the draws of the market, of luck and of elasticities
RULE = "the rule, not an estimate"
STRENGTH = "strength of known competitors"
NONE = "no number of competitors"


@dataclass(frozen=True)
class TargetShare:
    """The share to aim at: 10, 50 and 90 % points, 0 to 1."""

    low: float
    mid: float
    high: float
    is_crowded: bool
    is_ceiling_binding: bool
    is_above_rule: bool  # the present share is above the ceiling; it is kept, never cut
    years: float  # until the middle is reached at the fastest usual growth; 0 when reached
    reachable: float  # share after the planning years at that growth, at most the middle
    basis: str
    aim: Floats = field(repr=False, compare=False)  # draws of the share, before what is ours now


def attraction_shares(strength: Floats, options: MarketOptions) -> Floats:
    """Return draws of our share of all attraction (Bell, Keeney and Little 1975).

    `strength` has a row per company, ours first, with one column or one per draw. What is not known
    of companies makes shares vary by a Dirichlet distribution around them: with equal strengths it
    is the prior of fair shares, 1 / (competitors + 1) on average.
    """
    generator = np.random.default_rng(options.seed + 1)
    # Company by company, so that one more competitor leaves the luck of the others as it is.
    luck = generator.gamma(options.luck_strength, size=(len(strength), options.draws))
    attraction = strength * luck
    return attraction[0] / attraction.sum(axis=0)


def target_share(
    present_share: float,
    competitors: float,
    yearly_growth: float,
    options: MarketOptions,
    strength: Floats | None = None,
) -> TargetShare:
    """Return the share that can be aimed at in a market.

    Where companies are known (`strength`, see `attraction_shares`) it is our part of all
    attraction; otherwise a fair share of all who compete, 1 / (competitors + 1), with a wide range:
    that is the rule, not an estimate. In a crowded market (`crowded_competitors` or more, or known
    shares whose squares sum to less than `crowded_concentration`) it is held to a ceiling drawn
    evenly between the options' two ends. A present share above what can be aimed at stays the
    target. `yearly_growth` is the fastest growth of share a year that was usual before. Without
    competitors' number or strength there is no target.
    """
    if strength is None and not np.isfinite(competitors):
        return _no_target(options.draws)
    is_known = strength is not None
    strength = strength if is_known else np.ones((int(competitors) + 1, 1))
    aim = attraction_shares(strength, options)
    is_crowded = is_crowd(strength, options, is_known)
    generator = np.random.default_rng(options.seed + _CEILING_SEED)
    ceiling = generator.uniform(
        options.ceiling_low_share, options.ceiling_high_share, options.draws
    )
    is_binding = is_crowded and bool((aim > ceiling).mean() > 0.5)
    if is_crowded:
        aim = np.minimum(aim, ceiling)
    points = quantiles(np.maximum(aim, present_share))
    reach = present_share + options.planning_years * max(yearly_growth, 0.0)
    return TargetShare(
        **points,
        is_crowded=is_crowded,
        is_ceiling_binding=is_binding,
        is_above_rule=is_crowded and present_share > options.ceiling_high_share,
        years=_years(points["mid"] - present_share, yearly_growth),
        reachable=min(points["mid"], reach) if np.isfinite(yearly_growth) else float("nan"),
        basis=STRENGTH if is_known else RULE,
        aim=aim,
    )


def is_crowd(strength: Floats, options: MarketOptions, is_known: bool) -> bool:
    """Whether a market is crowded: many competitors, or known ones none of whom is large."""
    if len(strength) - 1 >= options.crowded_competitors:
        return True
    shares = (strength / strength.sum(axis=0)).mean(axis=1)
    return is_known and float((shares**2).sum()) < options.crowded_concentration


def _no_target(draws: int) -> TargetShare:
    nothing = float("nan")
    return TargetShare(
        *(nothing, nothing, nothing, False, False, False),
        years=nothing,
        reachable=nothing,
        basis=NONE,
        aim=np.full(draws, nothing),
    )


def _years(gap: float, yearly_growth: float) -> float:
    if gap <= 0:
        return 0.0
    if not yearly_growth > 0:
        return float("nan")
    years = gap / yearly_growth
    return float(np.ceil(years)) if years <= _MOST_YEARS else float("nan")


def usual_growth(shares: Floats) -> float:
    """Return the 80 % quantile of yearly changes of share; NaN with fewer than two years."""
    changes = np.diff(np.asarray(shares, dtype=float))
    return float(np.quantile(changes, 0.8)) if len(changes) else float("nan")
