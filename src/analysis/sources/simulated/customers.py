"""Who the simulated customers are: archetype, rhythm, spend, drift, switches, adopted ranges.

`Population` holds one array element per customer; `truth` says it in words for the tests. Rates
are per quarter, amounts in cents, days counted from the first day of the data.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.sources.simulated.catalogue import (
    ADOPTION_SHARES,
    CATEGORIES,
    HOUSEHOLDS,
    INDUSTRY_WEIGHTS,
    IS_SERVICE,
    LIFTS,
    REGION_WEIGHTS,
    eligibility,
    region_ids,
)
from analysis.sources.simulated.world import QUARTER_DAYS, World, number_ids, pick

ARCHETYPES = ("key account", "grower", "steady", "seasonal", "small", "decliner", "one-off")
KEY, GROWER, STEADY, SEASONAL, SMALL, DECLINER, ONE_OFF = range(len(ARCHETYPES))
ARCHETYPE_SHARES = np.array([0.03, 0.10, 0.22, 0.12, 0.25, 0.12, 0.16])

# One value per archetype, in the order above.
_ORDERS = np.array([10.0, 2.8, 3.0, 2.4, 0.9, 3.2, 0.6])  # orders in a quarter
_ORDER_CENTS = 100 * np.array([1500.0, 420.0, 460.0, 520.0, 130.0, 480.0, 210.0])
_GROWTH = np.array([0.010, 0.075, 0.0, 0.0, 0.0, -0.11, 0.0])  # log revenue rate per quarter
_SEASON = np.array([0.1, 0.1, 0.1, 1.3, 0.1, 0.1, 0.1])  # log swing of the own season
_CHURN = np.array([0.004, 0.010, 0.012, 0.015, 0.030, 0.050, 0.0])  # hazard per quarter
_CLOCKWORK = np.array([0.4, 0.15, 0.35, 0.0, 0.05, 0.10, 0.0])  # share with a fixed rhythm
_B2B = np.array([1.0, 0.9, 0.85, 0.75, 0.60, 0.85, 0.55])
_WALLET = np.array([0.65, 0.30, 0.50, 0.40, 0.20, 0.35, 0.05])  # mean share of wallet
_EXISTING = np.array([0.85, 0.55, 0.70, 0.65, 0.55, 0.75, 0.0])  # bought before the data begin
_SWITCHES_TO = np.array([DECLINER, STEADY, DECLINER, STEADY, GROWER, STEADY, ONE_OFF])
_SWITCH_SHARE = 0.10
_CLOCKWORK_SHAPE, _B2B_SHAPE, _B2C_SHAPE = 80.0, 2.5, 1.0
_SPREAD = 0.25  # of log rates among equals when nothing overlaps
_B2C_SPEND = 0.4  # of what a company of the same archetype spends on an order


@dataclass(frozen=True)
class Population:
    """One array element per customer; pairs are before and after the switch."""

    archetype: np.ndarray
    archetype_after: np.ndarray
    switch_day: np.ndarray  # NaN when never
    start_day: np.ndarray  # of buying; negative when before the data begin
    churn_day: np.ndarray  # first day without purchases; beyond the future when none
    is_b2b: np.ndarray
    region: np.ndarray
    industry: np.ndarray
    rhythm_shape: np.ndarray  # of gamma gaps; 1 is Poisson, 80 a clock
    log_orders: tuple[np.ndarray, np.ndarray]
    log_cents: tuple[np.ndarray, np.ndarray]
    growth: tuple[np.ndarray, np.ndarray]
    season: tuple[np.ndarray, np.ndarray]
    season_peak: np.ndarray  # month of the year, 0 to 11
    spread: np.ndarray  # log standard deviation of one order's amount
    wallet_share: np.ndarray
    adopted_day: np.ndarray  # customer x category; inf when never
    taste: np.ndarray  # customer x category

    @property
    def size(self) -> int:
        return len(self.archetype)


def population(world: World) -> Population:
    """Draw the customers; without structure all come from one cloud, without drift or switch."""
    rng = world.stream("customers")
    count = world.options.customers
    kind = rng.choice(len(ARCHETYPES), count, p=ARCHETYPE_SHARES)
    if not world.options.has_structure:
        kind = np.full(count, STEADY)
    start = _starts(world, kind, rng)
    churn = start + rng.exponential(QUARTER_DAYS / np.maximum(_CHURN[kind], 1e-9))
    churn = np.where(kind == ONE_OFF, start + 1, np.maximum(churn, start + QUARTER_DAYS / 2))
    # A customer of earlier years is one only when still buying as the data begin.
    churn = np.where((start < 0) & (churn < QUARTER_DAYS), churn + 2 * QUARTER_DAYS, churn)
    switch, after = _switches(world, kind, start, churn, rng)
    is_b2b = rng.random(count) < _B2B[kind]
    industry = rng.choice(HOUSEHOLDS, count, p=INDUSTRY_WEIGHTS)
    industry = np.where(is_b2b, industry, HOUSEHOLDS)
    clock = is_b2b & (rng.random(count) < _CLOCKWORK[kind])
    shape = np.where(clock, _CLOCKWORK_SHAPE, np.where(is_b2b, _B2B_SHAPE, _B2C_SHAPE))
    adopted = _adoption(world, start, industry, rng)
    size_factor = np.where(is_b2b, 0.0, np.log(_B2C_SPEND))
    return Population(
        archetype=kind,
        archetype_after=after,
        switch_day=switch,
        start_day=start,
        churn_day=np.minimum(churn, world.horizon + 10_000.0),
        is_b2b=is_b2b,
        region=rng.choice(len(REGION_WEIGHTS), count, p=REGION_WEIGHTS),
        industry=industry,
        rhythm_shape=shape,
        **_levels(world, kind, after, size_factor, rng),
        season_peak=np.where(rng.random(count) < 0.75, 4, 10),
        spread=np.where(clock, 0.12, np.where(is_b2b, 0.35, 0.55)),
        wallet_share=rng.beta(8 * _WALLET[kind], 8 * (1 - _WALLET[kind])),
        adopted_day=adopted,
        taste=rng.gamma(1.5, size=adopted.shape) + 0.2,
    )


def _starts(world: World, kind: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Day from which each buys: before the data, or at any time within them."""
    earlier = -rng.exponential(4 * QUARTER_DAYS, len(kind)) - 1
    within = np.floor(rng.random(len(kind)) * world.end)
    return np.where(rng.random(len(kind)) < _EXISTING[kind], earlier, within)


def _switches(
    world: World,
    kind: np.ndarray,
    start: np.ndarray,
    churn: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Day and target of those who change their archetype, at the beginning of a quarter."""
    quarters = world.options.quarters
    chosen = rng.random(len(kind)) < _SWITCH_SHARE
    quarter = rng.integers(3, max(quarters - 2, 4), len(kind))
    day = world.quarter_edges[np.minimum(quarter, quarters)]
    possible = (start < day - 3 * QUARTER_DAYS) & (churn > day + 2 * QUARTER_DAYS)
    chosen &= possible & (kind != ONE_OFF) & (quarters >= 6) & world.options.has_structure
    return np.where(chosen, day, np.nan), np.where(chosen, _SWITCHES_TO[kind], kind)


def _levels(
    world: World,
    kind: np.ndarray,
    after: np.ndarray,
    size_factor: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Log rates before and after; difficulty pulls the archetypes together and spreads them."""
    overlap = world.options.difficulty
    spread = _SPREAD + 0.45 * overlap
    noise = rng.normal(0, spread, (2, len(kind)))
    season_noise = np.exp(rng.normal(0, 0.15 + 0.3 * overlap, len(kind)))
    growth_noise = rng.normal(0, 0.004 + 0.02 * overlap, len(kind))
    if not world.options.has_structure:
        growth_noise = np.zeros(len(kind))
    orders, cents = (_pulled(np.log(v), overlap) for v in (_ORDERS, _ORDER_CENTS))
    growth, season = _pulled(_GROWTH, overlap), _pulled(_SEASON, overlap)
    # One order says nothing of drift; and a steady customer stays level whatever the difficulty,
    # so that there are customers of whom a change of segment is always an error.
    flat = np.array([KEY, STEADY, SEASONAL, SMALL, ONE_OFF])
    growth[flat] = _GROWTH[flat]
    drifts = ~np.isin(kind, [STEADY, SEASONAL, SMALL, ONE_OFF])
    pair = (kind, after)
    own_growth = np.where(drifts, growth_noise, 0)
    return {
        "log_orders": tuple(orders[k] + noise[0] for k in pair),
        "log_cents": tuple(cents[k] + noise[1] + size_factor for k in pair),
        "growth": (growth[kind] + own_growth, growth[after] + own_growth),
        "season": tuple(season[k] * season_noise for k in pair),
    }


def _pulled(centres: np.ndarray, overlap: float) -> np.ndarray:
    """Move the centres of the archetypes up to 70 % of the way to their common mean."""
    mean = (ARCHETYPE_SHARES * centres).sum()
    return centres + 0.7 * overlap * (mean - centres)


def _adoption(
    world: World, start: np.ndarray, industry: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Day from which each customer buys each category: goods at once, services in time."""
    share = np.tile(ADOPTION_SHARES, (len(start), 1))
    uses = rng.random(share.shape) < share
    drawn = rng.random(share.shape)
    if world.options.has_structure:
        for base, lifted, lift in LIFTS:
            a, b = CATEGORIES.index(base), CATEGORIES.index(lifted)
            share[:, b] *= np.where(uses[:, a], lift, 1.0)
    uses = np.where(IS_SERVICE, drawn < share, uses) & eligibility()[industry]
    uses[:, 0] |= ~uses[:, ~IS_SERVICE].any(axis=1)
    waiting = rng.exponential(5 * QUARTER_DAYS, share.shape)
    day = start[:, None] + np.where(IS_SERVICE, waiting, 0.0)
    return np.where(uses, day, np.inf)


def customer_ids(index: np.ndarray) -> pd.api.extensions.ExtensionArray:
    """Return ids of customers, and of prospects behind them; below 0 is nobody."""
    return number_ids("C", np.where(np.asarray(index) < 0, -1, np.asarray(index) + 10_000))


def customer_truth(world: World, people: Population, year_cents: np.ndarray) -> pd.DataFrame:
    """Return what each customer really is; `year_cents` is the expected spend of the last year.

    `is_constant`: neither switch, drift nor churn within the data and there from the beginning, so
    every change of this customer's segment is an error. The wallet is what the customer spends with
    anybody in a year.
    """
    stays = (people.start_day < 0) & (people.churn_day >= world.end)
    level = np.isin(people.archetype, [STEADY, SEASONAL, SMALL]) & (people.growth[0] == 0)
    switched = np.isfinite(people.switch_day)
    gone = people.churn_day < world.horizon
    return pd.DataFrame(
        {
            "customer_id": customer_ids(np.arange(people.size)),
            "archetype": pick(ARCHETYPES, people.archetype_after),
            "archetype_before": pick(ARCHETYPES, people.archetype),
            "switched_on": world.dates(people.switch_day),
            "starts_on": world.dates(people.start_day),
            "churned_on": world.dates(np.where(gone, people.churn_day, np.nan)),
            "is_constant": stays & level & ~switched,
            "is_b2b": people.is_b2b,
            "region_id": region_ids(people.region),
            "orders_per_quarter": np.exp(people.log_orders[1]),
            "order_amount": np.exp(people.log_cents[1]) / 100,
            "growth_per_quarter": people.growth[1],
            "season_strength": people.season[1],
            "rhythm_shape": people.rhythm_shape,
            "is_clockwork": people.rhythm_shape == _CLOCKWORK_SHAPE,
            "share_of_wallet": people.wallet_share,
            "wallet_year_amount": np.round(year_cents / people.wallet_share) / 100,
        }
    )


def adoption_truth(world: World, people: Population) -> pd.DataFrame:
    """Return every adopted category with the day from which it can be bought."""
    customer, category = np.nonzero(np.isfinite(people.adopted_day))
    return pd.DataFrame(
        {
            "customer_id": customer_ids(customer),
            "product_category": pick(CATEGORIES, category),
            "adopted_on": world.dates(people.adopted_day[customer, category]),
        }
    )
