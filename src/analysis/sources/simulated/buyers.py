"""The customer list of the simulated company: names, size, owner, state; prospects included."""

import numpy as np
import pandas as pd

from analysis.core.tables_customers import CUSTOMERS
from analysis.sources.simulated.catalogue import HOUSEHOLDS, INDUSTRIES, REGIONS_COUNT, region_ids
from analysis.sources.simulated.customers import Population, customer_ids
from analysis.sources.simulated.deals import Deals, prospect_count
from analysis.sources.simulated.invoices import Lines
from analysis.sources.simulated.people import Staff, rep_ids
from analysis.sources.simulated.world import World, frame, money, pick, words

_PLACES = words(
    "Alder Amber Ash Beacon Birch Bramble Brook Cedar Chalk Clay Clover Coast Copper Crane Dale "
    "Eagle Elm Falcon Fern Flint Forge Garnet Glen Granite Hawthorn Hazel Heron Hill Holly Iron "
    "Ivy Juniper Kestrel Lake Larch Linden Maple Marble Marsh Meadow Mill Moor Oak Orchard Pebble "
    "Pine Quarry Raven Reed Ridge River Rowan Sand Silver Slate Spruce Stone Thorn Vale Willow"
)
_TRADES = (
    ("Metalworks", "Machining", "Foundry", "Steelworks"),
    ("Building", "Roofing", "Joinery", "Scaffolding"),
    ("Garage", "Motors", "Bodyworks", "Tyres"),
    ("Bakery", "Dairy", "Mills", "Canning"),
    ("Facilities", "Cleaning", "Estates", "Property Care"),
)
_FORMS = ("Ltd", "& Sons", "Group", "Works", "Partners")
_SURNAMES = words(
    "Abbott Baker Carter Dawson Ellis Fisher Grant Harper Ingram Jarvis Kemp Lowe Mercer Norris "
    "Osborne Palmer Quinn Rhodes Sutton Turner Upton Vickers Walker Yates"
)
_REVENUE_PER_PERSON_CENTS = 14_000_000
# Nobody who bought nothing for so long is called a customer any more.
_FORMER_AFTER_DAYS = 365


def customer_table(
    world: World, people: Population, staff: Staff, lines: Lines, drawn: Deals | None
) -> pd.DataFrame:
    """Return customers and prospects; the size of a company is a noisy view of its wallet."""
    rng = world.stream("customer list")
    buyers, prospects = people.size, prospect_count(world) if drawn is not None else 0
    total = buyers + prospects
    industry = np.concatenate([people.industry, rng.integers(0, HOUSEHOLDS, prospects)])
    region = np.concatenate([people.region, np.arange(prospects) % REGIONS_COUNT])
    head_count = _head_count(people, prospects, rng)
    created, won = _first_days(world, people, drawn, prospects, rng)
    last = np.full(total, -np.inf)
    np.maximum.at(last, lines.customer, lines.day)
    state = np.where(last < world.end - _FORMER_AFTER_DAYS, 2, 1)
    state[buyers:] = 0
    revenue = head_count * _REVENUE_PER_PERSON_CENTS * np.exp(rng.normal(0, 0.25, total))
    is_home = industry == HOUSEHOLDS
    owner = np.concatenate([staff.customer_rep, rng.integers(0, staff.seller_count, prospects)])
    # The CRM keeps the owner who left, and some customers have none.
    owner = np.where(rng.random(total) < 0.02, -1, owner)
    return frame(
        CUSTOMERS,
        customer_id=customer_ids(np.arange(total)),
        customer_name=_names(industry, rng),
        parent_customer_id=customer_ids(_parents(people, total, rng)),
        customer_state=pick(("prospect", "customer", "former"), state),
        business_model=pick(("b2b", "b2c"), is_home.astype(int)),
        industry=pick(INDUSTRIES, industry),
        region_id=region_ids(region),
        employee_count=pd.array(np.where(is_home, np.nan, head_count), dtype="Int64"),
        annual_revenue_amount=np.where(
            is_home, np.nan, money(10_000_000 * np.round(revenue / 1e7))
        ),
        rep_id=rep_ids(owner),
        created_on=world.dates(created),
        first_won_on=world.dates(won),
    )


def _head_count(people: Population, prospects: int, rng: np.random.Generator) -> np.ndarray:
    spend = np.exp(people.log_orders[1] + people.log_cents[1]) * 4
    wallet = np.log(spend / people.wallet_share / 100_000)
    draw = np.concatenate([wallet, rng.choice(wallet, prospects)])
    return np.maximum(1, np.round(3 * np.exp(0.8 * draw + rng.normal(0, 0.4, len(draw)))))


def _first_days(
    world: World,
    people: Population,
    drawn: Deals | None,
    prospects: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Day on which each was first known, and first deal won (NaN for none)."""
    known = np.concatenate([people.start_day, rng.uniform(0, world.end - 1, prospects)])
    won = np.full(len(known), np.nan)
    if drawn is not None:
        np.minimum.at(known, drawn.customer, drawn.created)
        wins = np.flatnonzero(drawn.is_won & (drawn.end_day < world.end))
        first = np.full(len(known), np.inf)
        np.minimum.at(first, drawn.customer[wins], drawn.end_day[wins])
        won = np.where(np.isfinite(first), first, np.nan)
    return np.floor(known), won


def _names(industry: np.ndarray, rng: np.random.Generator) -> pd.api.extensions.ExtensionArray:
    """Company names that differ as long as combinations last, then with a number."""
    trades = len(_TRADES[0])
    combinations = len(_PLACES) * trades * len(_FORMS)
    number = np.empty(len(industry), dtype=int)
    for kind in range(HOUSEHOLDS + 1):
        rows = np.flatnonzero(industry == kind)
        number[rows] = _shuffled(len(rows), combinations, rng)
    names = [
        _name(int(k), int(n), trades, combinations) for k, n in zip(industry, number, strict=True)
    ]
    return pd.array(names, dtype="str")


def _shuffled(count: int, combinations: int, rng: np.random.Generator) -> np.ndarray:
    rounds = -(-count // combinations)
    order = [rng.permutation(combinations) + combinations * r for r in range(rounds)]
    return np.concatenate([*order, np.zeros(0, dtype=int)])[:count]


def _name(industry: int, number: int, trades: int, combinations: int) -> str:
    again, number = divmod(number, combinations)
    number, place = divmod(number, len(_PLACES))
    form, trade = divmod(number, trades)
    end = f" {again + 1}" if again else ""
    if industry == HOUSEHOLDS:
        initials = f"{chr(65 + form * trades + trade)}. {_PLACES[place][0]}."
        return f"{_SURNAMES[place % len(_SURNAMES)]} {initials}{end}"
    return f"{_PLACES[place]} {_TRADES[industry][trade]} {_FORMS[form]}{end}"


def _parents(people: Population, total: int, rng: np.random.Generator) -> np.ndarray:
    """One company in thirty belongs to a group: an earlier customer that is a company."""
    companies = np.flatnonzero(people.is_b2b)
    parent = companies[rng.integers(0, len(companies), total)]
    belongs = (rng.random(total) < 0.03) & (parent < np.arange(total))
    belongs[: people.size] &= people.is_b2b
    return np.where(belongs, parent, -1)
