"""The market around the simulated company: its true size by region, and what outsiders know of it.

Two lists each hold a random part of the organisations, so that their overlap tells how many there
are (capture and recapture); the published estimates are near the truth and a little too low.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.tables_strategy import (
    CUSTOMER_WALLETS,
    MARKET_COMPETITORS,
    MARKET_LISTINGS,
    MARKET_POTENTIAL,
)
from analysis.sources.simulated.catalogue import (
    ADOPTION_SHARES,
    CATEGORIES,
    REGIONS_COUNT,
    region_ids,
)
from analysis.sources.simulated.customers import ONE_OFF, Population, customer_ids
from analysis.sources.simulated.world import World, frame, money, number_ids, pick

# Our own companies as a share of all in the region: from a foothold to the old home.
PENETRATION = np.array([0.10, 0.22, 0.12, 0.30, 0.34, 0.16, 0.26, 0.18])
COMPETITORS = np.array([14, 6, 9, 5, 4, 11, 6, 8])
LISTS = (("Trade register", 0.32), ("Fair directory", 0.26))
# So large that our part of the market is near the share of companies times that of their wallets.
_SPEND_CENTS = 500 * np.array([900, 700, 1500, 800, 600, 2400, 1100, 1300])
_REGULAR_FACTOR = 0.8  # of the share that ever buys a range, share that buys it every year
_ASKED = 60  # organisations of each region, for the share of regular buyers
# Regions whose competitors are all known, and what their coverage, prices and people really do.
_KNOWN_REGIONS = (3, 4, 6)
_ELASTICITIES = np.array([0.9, -2.0, 0.3])
_WALLETS_ASKED = 80  # of the customers of the last year, those of one order aside
_ANSWER_ERROR = 0.2  # deviation of the log of what somebody says that he spends in all


@dataclass(frozen=True)
class Market:
    """The companies of each region; ours come first."""

    counts: np.ndarray  # by region
    region: np.ndarray  # of each organisation
    customer: np.ndarray  # our customer's index, or -1
    number: np.ndarray  # of each organisation, in random order, so that it tells nothing


def market(world: World, people: Population) -> Market:
    """Return the true market: as many companies as our own and the penetration imply."""
    rng = world.stream("market")
    ours = np.flatnonzero(people.is_b2b)
    own = np.bincount(people.region[ours], minlength=REGIONS_COUNT)
    counts = np.maximum(np.round(own / PENETRATION).astype(int), own + 20)
    others = np.repeat(np.arange(REGIONS_COUNT), counts - own)
    region = np.concatenate([people.region[ours], others])
    customer = np.concatenate([ours, np.full(len(others), -1)])
    return Market(counts, region, customer, rng.permutation(len(region)))


def market_tables(
    world: World, known: Market, people: Population, year_cents: np.ndarray
) -> dict[str, pd.DataFrame]:
    """Return the outside numbers: listings, potential, competitors, and what customers spend."""
    return {
        "market_listings": _listings(world, known),
        "market_potential": _potential(world, known),
        "market_competitors": _competitors(world),
        "customer_wallets": _wallets(world, people, year_cents),
    }


def _rivals(world: World) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Region, number (0 is us) and coverage, price, people of each company, one row each."""
    rng = world.stream("competitors")
    counts = [COMPETITORS[region] + 1 for region in _KNOWN_REGIONS]
    region = np.repeat(_KNOWN_REGIONS, counts)
    number = np.concatenate([np.arange(count) for count in counts])
    size = len(region)
    coverage = np.round(rng.uniform(0.2, 0.8, size), 2)
    price = np.round(np.exp(rng.normal(0, 0.06, size)), 2)
    return region, number, np.column_stack([coverage, price, rng.integers(1, 7, size)])


def _competitors(world: World) -> pd.DataFrame:
    region, number, strength = _rivals(world)
    names = ["Sample company", *(f"Competitor {chr(65 + n)}" for n in range(COMPETITORS.max()))]
    return frame(
        MARKET_COMPETITORS,
        region_id=region_ids(region),
        competitor=pick(names, number),
        known_on=world.dates(np.full(len(region), world.end - 100)),
        is_own=number == 0,
        coverage_share=strength[:, 0],
        price_index=strength[:, 1],
        reps_count=strength[:, 2],
        source="Own sales people, yearly round",
    )


def _wallets(world: World, people: Population, year_cents: np.ndarray) -> pd.DataFrame:
    """Customers of the year drawn by lot say what they spend in all, about right."""
    rng = world.stream("wallets")
    regular = np.flatnonzero((people.archetype != ONE_OFF) & (year_cents > 0))
    chosen = np.sort(rng.permutation(regular)[:_WALLETS_ASKED])
    said = year_cents[chosen] / people.wallet_share[chosen]
    said = said * np.exp(rng.normal(-(_ANSWER_ERROR**2) / 2, _ANSWER_ERROR, len(chosen)))
    return frame(
        CUSTOMER_WALLETS,
        customer_id=customer_ids(chosen),
        known_on=world.dates(np.full(len(chosen), world.end - 30)),
        wallet_amount=money(10_000 * np.ceil(said / 10_000)),
        source="Asked by telephone, drawn by lot",
    )


def _listings(world: World, known: Market) -> pd.DataFrame:
    rng = world.stream("listings")
    chosen = [np.flatnonzero(rng.random(len(known.region)) < share) for _, share in LISTS]
    chosen = [rows[np.argsort(known.number[rows])] for rows in chosen]
    rows = np.concatenate(chosen)
    which = np.repeat(np.arange(len(LISTS)), [len(part) for part in chosen])
    return frame(
        MARKET_LISTINGS,
        list_name=pick([name for name, _ in LISTS], which),
        organisation_id=number_ids("G", 10_000 + known.number[rows]),
        region_id=region_ids(known.region[rows]),
        customer_id=customer_ids(known.customer[rows]),
        listed_on=world.dates(np.full(len(rows), world.end - 120)),
    )


def _potential(world: World, known: Market) -> pd.DataFrame:
    rng = world.stream("potential")
    years = sorted({q.name[:4] for q in world.data_quarters})
    shape = (len(years), REGIONS_COUNT, len(CATEGORIES))
    year, region, category = (part.ravel() for part in np.indices(shape))
    growth = 1.01 ** (year - len(years) + 1)
    organisations = np.round(
        known.counts[region] * growth * rng.uniform(0.92, 1.0, REGIONS_COUNT)[region]
    )
    regular = organisations * regular_shares()[category]
    # The share comes from a survey of 60 organisations, with the error of one.
    error = 1.28 * np.sqrt(regular_shares()[category] * (1 - regular_shares()[category]) / _ASKED)
    middle = np.clip(
        regular + organisations * error / 1.28 * rng.standard_normal(len(year)), 1, None
    )
    half = organisations * error
    spend = _SPEND_CENTS[category] * np.exp(rng.normal(0, 0.10, len(year)))
    day = [np.datetime64(f"{y}-02-01") for y in years]
    return frame(
        MARKET_POTENTIAL,
        region_id=region_ids(region),
        product_category=pick(CATEGORIES, category),
        period=pick(years, year),
        known_on=np.array(day, dtype="datetime64[s]")[year],
        organisation_count=organisations.astype(int),
        regular_low_count=np.round(np.maximum(middle - half, 0)),
        regular_mid_count=np.round(middle),
        regular_high_count=np.round(middle + half),
        spend_low_amount=money(100 * np.round(spend * 0.75 / 100)),
        spend_mid_amount=money(100 * np.round(spend / 100)),
        spend_high_amount=money(100 * np.round(spend * 1.3 / 100)),
        competitor_count=COMPETITORS[region],
        source="Chamber of commerce, survey of 60 per region",
        asked_count=_ASKED,
    )


def regular_shares() -> np.ndarray:
    """True share of organisations that buy each category every year."""
    return _REGULAR_FACTOR * ADOPTION_SHARES


def attraction_truth(world: World) -> pd.DataFrame:
    """Return our share of all attraction in each region whose competitors are known."""
    region, number, strength = _rivals(world)
    attraction = np.exp(np.log(strength) @ _ELASTICITIES)
    whole = np.bincount(region, attraction)[region]
    ours = number == 0
    share = (attraction / whole)[ours]
    return pd.DataFrame({"region_id": region_ids(region[ours]), "attraction_share": share})


def market_truth(known: Market) -> pd.DataFrame:
    """Return the true number of organisations of each region."""
    region = np.arange(REGIONS_COUNT)
    own = np.bincount(known.region[known.customer >= 0], minlength=REGIONS_COUNT)
    return pd.DataFrame(
        {
            "region_id": region_ids(region),
            "organisation_count": known.counts,
            "customer_count": own,
            "competitor_count": COMPETITORS,
            "list_a_share": LISTS[0][1],
            "list_b_share": LISTS[1][1],
        }
    )
