"""Which share of a market can be won, how long it takes, and when the ceiling binds."""

from dataclasses import dataclass

import numpy as np

from analysis.strategy.market_options import MarketOptions
from analysis.strategy.market_potential import quantiles

Floats = np.ndarray
_MOST_YEARS = 25
_SURVEY_SPREAD = 0.35  # deviation of the log of a fair share: competitors are never equal


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
    basis: str


def attraction_shares(own: float, others: Floats) -> float:
    """Return own / (own + others): the attraction model (Bell, Keeney and Little 1975)."""
    total = own + float(np.sum(others))
    return own / total if total > 0 else 0.0


def target_share(
    present_share: float,
    competitors: float,
    yearly_growth: float,
    options: MarketOptions,
    attractions: tuple[float, ...] = (),
) -> TargetShare:
    """Return the share that can be aimed at in a market.

    Where the attraction of competitors is known (`attractions`, relative to our own 1.0, for
    example from coverage, prices and people), it is ours over all; otherwise a fair share of all
    who compete, 1 / (competitors + 1), with a wide range: that is a prior, no estimate. In a
    crowded market (`crowded_competitors` or more) it is held to a ceiling drawn evenly between the
    options' two ends. A present share above what can be aimed at stays the target. `yearly_growth`
    is the fastest growth of share in points a year that was usual before.
    """
    generator = np.random.default_rng(options.seed)
    crowd = len(attractions) if attractions else competitors
    if attractions:
        fair = attraction_shares(1.0, np.asarray(attractions))
        basis = "attraction of known competitors"
    else:
        fair = 1 / (competitors + 1) if np.isfinite(competitors) else 1.0
        basis = "fair share of those who compete: a rule, no estimate"
    odds = fair / max(1 - fair, 1e-9) * np.exp(generator.normal(0, _SURVEY_SPREAD, options.draws))
    aim = odds / (1 + odds)
    is_crowded = bool(crowd >= options.crowded_competitors)
    ceiling = generator.uniform(
        options.ceiling_low_share, options.ceiling_high_share, options.draws
    )
    is_binding = is_crowded and bool((aim > ceiling).mean() > 0.5)
    if is_crowded:
        aim = np.minimum(aim, ceiling)
    is_above = is_crowded and present_share > options.ceiling_high_share
    points = quantiles(np.maximum(aim, present_share))
    years = _years(points["mid"] - present_share, yearly_growth)
    return TargetShare(
        **points,
        is_crowded=is_crowded,
        is_ceiling_binding=is_binding,
        is_above_rule=is_above,
        years=years,
        basis=basis,
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
