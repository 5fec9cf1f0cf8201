"""The market around the simulated company: its true size by region, and what outsiders know of it.

Two lists each hold a random part of the organisations, so that their overlap tells how many there
are (capture and recapture); the published estimates are near the truth and a little too low.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.tables_strategy import MARKET_LISTINGS, MARKET_POTENTIAL
from analysis.sources.simulated.catalogue import (
    ADOPTION_SHARES,
    CATEGORIES,
    REGIONS_COUNT,
    region_ids,
)
from analysis.sources.simulated.customers import Population, customer_ids
from analysis.sources.simulated.world import World, frame, money, number_ids, pick

# Our own companies as a share of all in the region: from a foothold to the old home.
PENETRATION = np.array([0.10, 0.22, 0.12, 0.30, 0.34, 0.16, 0.26, 0.18])
COMPETITORS = np.array([14, 6, 9, 5, 4, 11, 6, 8])
LISTS = (("Trade register", 0.32), ("Fair directory", 0.26))
_SPEND_CENTS = 100 * np.array([900, 700, 1500, 800, 600, 2400, 1100, 1300])
_REGULAR_FACTOR = 0.8  # of the share that ever buys a range, share that buys it every year


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


def market_tables(world: World, known: Market) -> dict[str, pd.DataFrame]:
    """Return market_listings and market_potential."""
    return {
        "market_listings": _listings(world, known),
        "market_potential": _potential(world, known),
    }


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
    error = 1.28 * np.sqrt(regular_shares()[category] * (1 - regular_shares()[category]) / 60)
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
    )


def regular_shares() -> np.ndarray:
    """True share of organisations that buy each category every year."""
    return _REGULAR_FACTOR * ADOPTION_SHARES


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
