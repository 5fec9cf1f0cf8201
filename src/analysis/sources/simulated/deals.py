"""How simulated deals go through their stages: skill, quality, region, loops, skips, censoring.

A deal passes a stage with expit(base + seller's skill + seller's skill at the stage + channel
+ quality + region + training). A row of slots per deal - stay, step back, stay again, for every
stage, then the end - becomes its events.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.sources.simulated.catalogue import PRODUCT_COUNT, REGIONS_COUNT
from analysis.sources.simulated.customers import Population, customer_ids
from analysis.sources.simulated.leads import (
    ACCOUNT,
    CHANNEL_EFFECTS,
    CHANNEL_SHARES,
    CHANNELS,
    Leads,
    deal_ids,
)
from analysis.sources.simulated.people import STAGES_COUNT, Staff, rep_ids
from analysis.sources.simulated.world import World, expit, logit, number_ids, pick

STAGE_IDS = ("S1", "S2", "S3", "S4", "S5", "WON", "LOST")
WON, LOST = STAGES_COUNT, STAGES_COUNT + 1
PASS_SHARES = np.array([0.74, 0.78, 0.66, 0.74, 0.92])  # of an average deal
DWELL_DAYS = np.array([8.0, 12.0, 16.0, 12.0, 6.0])  # medians
QUALITY_EFFECT = 0.30  # logit for each standard deviation of a lead's quality
REGION_EFFECTS = np.array([0.21, -0.15, 0.03, -0.21, 0.09, -0.03, 0.15, -0.09])
TRAINING_STAGE, TRAINING_EFFECT = 2, 0.8  # logit at the proposal, for the trained
LOOP_SHARE, SKIP_SHARE, BULK_SHARE = 0.07, 0.05, 0.06
_DWELL_SPREAD = 0.55
_LOST_DWELL_FACTOR = 1.3
_SLOTS = 3 * STAGES_COUNT + 1
_ACCOUNT_DEALS_SHARE = 0.5  # of the deals that come from leads
MEDIAN_VALUE_CENTS = 300_000.0


@dataclass(frozen=True)
class Deals:
    """One array element per deal; `slot_day` and `slot_stage` have a column for each slot."""

    lead: np.ndarray  # -1 for further business with a customer
    created: np.ndarray
    rep: np.ndarray
    channel: np.ndarray
    region: np.ndarray
    product: np.ndarray
    quality: np.ndarray
    customer: np.ndarray  # customers first, then prospects
    is_expansion: np.ndarray
    value_cents: np.ndarray
    value_ratio: np.ndarray  # value from the proposal on, as a share of the first one
    pass_share: np.ndarray  # deal x stage, the truth
    slot_day: np.ndarray  # when the deal enters the slot; NaN where it does not
    slot_stage: np.ndarray
    is_bulk: np.ndarray

    @property
    def end_day(self) -> np.ndarray:
        return self.slot_day[:, -1]

    @property
    def is_won(self) -> np.ndarray:
        """Won in the end, whether or not the data reach so far."""
        return self.slot_stage[:, -1] == WON


def prospect_count(world: World) -> int:
    """Companies with which there is a deal or a lead, but no business yet."""
    return max(2 * REGIONS_COUNT, world.options.customers // 4)


def training_days(world: World, staff: Staff) -> np.ndarray:
    """First day of each seller with proposal training: every second seller, in two waves."""
    edges = world.quarter_edges
    quarters = world.options.quarters
    waves = np.array([edges[int(0.5 * quarters)], edges[int(0.65 * quarters)]])
    seller = np.arange(staff.size)
    trained = (seller < staff.seller_count) & (seller % 2 == 0)
    return np.where(trained, waves[(seller // 2) % 2], np.inf)


def deals(
    world: World, people: Population, staff: Staff, found: Leads, year_cents: np.ndarray
) -> Deals:
    """Draw all deals and their way; whoever begins to buy gets the deal that was won before."""
    rng = world.stream("deals")
    from_leads = np.flatnonzero(np.isfinite(found.converted))
    new = {
        "lead": from_leads,
        "created": found.converted[from_leads],
        "rep": found.rep[from_leads],
        "channel": found.channel[from_leads],
        "region": found.region[from_leads],
        "product": found.product[from_leads],
        "quality": found.quality[from_leads],
        "customer": np.full(len(from_leads), -1),
    }
    own = _account_deals(world, people, staff, int(_ACCOUNT_DEALS_SHARE * len(from_leads)), rng)
    parts = {name: np.concatenate([new[name], own[name]]) for name in new}
    order = np.argsort(parts["created"], kind="stable")
    parts = {name: values[order] for name, values in parts.items()}
    count = len(order)
    blank = np.zeros(count)
    drawn = Deals(
        **parts,
        is_expansion=parts["lead"] < 0,
        value_cents=blank,
        value_ratio=np.exp(rng.normal(-0.05, 0.15, count)),
        pass_share=np.zeros((count, STAGES_COUNT)),
        slot_day=np.zeros((count, _SLOTS)),
        slot_stage=np.zeros((count, _SLOTS), dtype=int),
        is_bulk=np.zeros(count, dtype=bool),
    )
    drawn = _with_customers(world, people, _with_ways(world, staff, drawn, rng), rng)
    value = MEDIAN_VALUE_CENTS * np.exp(rng.normal(0, 0.8, count))
    known = drawn.customer < people.size
    year = year_cents[np.where(known, drawn.customer, 0)]
    value = np.where(known, (0.3 * year + 50_000) * np.exp(rng.normal(0, 0.35, count)), value)
    return replace(drawn, value_cents=100 * np.round(value / 100))


def _account_deals(
    world: World, people: Population, staff: Staff, count: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    companies = np.flatnonzero(people.is_b2b)
    customer = companies[rng.integers(0, len(companies), count)]
    start = people.start_day[customer].clip(0) + 30
    stop = np.minimum(people.churn_day[customer], world.end)
    day = world.workday(start + rng.random(count) * (stop - start))
    real = (stop > start + 1) & (day > start - 5)
    customer, day = customer[real], day[real]
    count = len(customer)
    return {
        "lead": np.full(count, -1),
        "created": day + rng.uniform(8, 18, count) / 24,
        "rep": staff.owner_on(customer, day),
        "channel": np.full(count, ACCOUNT),
        "region": people.region[customer],
        "product": rng.integers(0, PRODUCT_COUNT, count),
        "quality": rng.standard_normal(count),
        "customer": customer,
    }


def pass_logits(
    has_structure: bool,
    skill: np.ndarray,
    stage_skill: np.ndarray,
    channel: np.ndarray,
    quality: np.ndarray,
    region: np.ndarray,
) -> np.ndarray:
    """Return deal x stage: logit of passing, without training; the base alone if no structure."""
    base = logit(PASS_SHARES)[None, :] + np.zeros((len(channel), 1))
    if not has_structure:
        return base
    own = skill + CHANNEL_EFFECTS[channel] + QUALITY_EFFECT * quality + REGION_EFFECTS[region]
    return base + own[:, None] + stage_skill


def _with_ways(world: World, staff: Staff, drawn: Deals, rng: np.random.Generator) -> Deals:
    count = len(drawn.created)
    logits = pass_logits(
        world.options.has_structure,
        staff.skill[drawn.rep],
        staff.stage_skill[drawn.rep],
        drawn.channel,
        drawn.quality,
        drawn.region,
    )
    luck = rng.random((count, STAGES_COUNT))
    dwell = DWELL_DAYS * np.exp(rng.normal(0, _DWELL_SPREAD, (count, STAGES_COUNT)))
    loops = rng.random((count, STAGES_COUNT)) < LOOP_SHARE
    skips = rng.random((count, STAGES_COUNT)) < SKIP_SHARE
    # When the proposal begins does not depend on how it ends, so a first pass tells who is trained.
    day, _ = _slots(drawn.created, luck < expit(logits), dwell, loops, skips)
    reaches = np.nan_to_num(day[:, 3 * TRAINING_STAGE], nan=-np.inf)
    trained = reaches >= training_days(world, staff)[drawn.rep]
    if world.options.has_structure:
        logits[trained, TRAINING_STAGE] += TRAINING_EFFECT
    day, stage = _slots(drawn.created, luck < expit(logits), dwell, loops, skips)
    in_bulk = (stage[:, -1] == LOST) & (day[:, -1] < world.end) & (day[:, -1] >= 0)
    in_bulk &= rng.random(count) < BULK_SHARE
    quarter = world.quarter_of(day[:, -1].clip(0))
    evening = world.quarter_edges[np.minimum(quarter + 1, world.options.quarters)] - 7 / 24
    in_bulk &= day[:, -1] < evening
    day[:, -1] = np.where(in_bulk, evening, day[:, -1])
    return replace(drawn, pass_share=expit(logits), slot_day=day, slot_stage=stage, is_bulk=in_bulk)


def _slots(
    created: np.ndarray,
    passes: np.ndarray,
    dwell: np.ndarray,
    loops: np.ndarray,
    skips: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return when each deal enters each slot (NaN: never) and which stage the slot is."""
    count = len(created)
    passed_before = np.cumprod(np.hstack([np.ones((count, 1)), passes[:, :-1]]), axis=1) > 0
    later = np.arange(STAGES_COUNT) > 0
    # Only a stage that is passed can be left out: a loss is always entered somewhere.
    stays = passed_before & ~(skips & passes & later)
    goes_back = stays & loops & later
    lost_here = passed_before & ~passes
    span = np.empty((count, _SLOTS))
    span[:, 0:-1:3] = dwell * np.where(lost_here & ~goes_back, _LOST_DWELL_FACTOR, 1)
    span[:, 1:-1:3] = 0.4 * dwell
    span[:, 2:-1:3] = 0.6 * dwell * np.where(lost_here, _LOST_DWELL_FACTOR, 1)
    span[:, -1] = 0
    present = np.ones((count, _SLOTS), dtype=bool)
    present[:, 0:-1:3], present[:, 1:-1:3], present[:, 2:-1:3] = stays, goes_back, goes_back
    spent = np.cumsum(span * present, axis=1)
    enters = created[:, None] + np.hstack([np.zeros((count, 1)), spent[:, :-1]])
    stage = np.empty((count, _SLOTS), dtype=int)
    number = np.arange(STAGES_COUNT)
    stage[:, 0:-1:3], stage[:, 1:-1:3], stage[:, 2:-1:3] = number, number - 1, number
    stage[:, -1] = np.where(passes.all(axis=1), WON, LOST)
    return np.where(present, enters, np.nan), stage


def _with_customers(
    world: World, people: Population, drawn: Deals, rng: np.random.Generator
) -> Deals:
    """Give each deal that came from a lead a customer or prospect of its region."""
    customer, expansion = drawn.customer.copy(), drawn.is_expansion.copy()
    won = drawn.is_won & (drawn.end_day < world.end)
    starts = people.is_b2b & (people.start_day >= 0) & (people.start_day < world.end)
    for region in range(REGIONS_COUNT):
        wins = np.flatnonzero(won & (drawn.lead >= 0) & (drawn.region == region))
        begins = np.flatnonzero(starts & (people.region == region))
        _match(wins, drawn.end_day, begins, people.start_day, customer)
        rest = wins[customer[wins] < 0]
        old = np.flatnonzero(people.is_b2b & (people.region == region) & (people.start_day < 0))
        if len(old):
            customer[rest] = old[rng.integers(0, len(old), len(rest))]
            expansion[rest] = True
    nobody = customer < 0
    per_region = prospect_count(world) // REGIONS_COUNT
    chosen = rng.integers(0, per_region, len(customer)) * REGIONS_COUNT + drawn.region
    customer = np.where(nobody, people.size + chosen, customer)
    return replace(drawn, customer=customer, is_expansion=expansion)


def _match(
    wins: np.ndarray,
    won_day: np.ndarray,
    begins: np.ndarray,
    start_day: np.ndarray,
    customer: np.ndarray,
) -> None:
    """Fill `customer`: each beginning takes the latest free win of the 45 days before it."""
    wins = wins[np.argsort(won_day[wins], kind="stable")]
    free: list[int] = []
    position = 0
    for person in begins[np.argsort(start_day[begins], kind="stable")]:
        while position < len(wins) and won_day[wins[position]] < start_day[person]:
            free.append(int(wins[position]))
            position += 1
        if free and won_day[free[-1]] > start_day[person] - 45:
            customer[free.pop()] = person


def deal_truth(world: World, staff: Staff, drawn: Deals) -> dict[str, pd.DataFrame]:
    """Return the true chances and outcomes of deals, and of each seller with equal leads."""
    table = pd.DataFrame(
        {
            "opportunity_id": deal_ids(np.arange(len(drawn.created))),
            "customer_id": customer_ids(drawn.customer),
            "quality": drawn.quality,
            "win_share": drawn.pass_share.prod(axis=1),
            "is_won": drawn.is_won,
            "closes_at": world.moments(drawn.end_day),
        }
        | {f"pass_{STAGE_IDS[s].lower()}": drawn.pass_share[:, s] for s in range(STAGES_COUNT)}
    )
    stages = pd.DataFrame(
        {"stage_id": pick(STAGE_IDS, np.arange(STAGES_COUNT)), "pass_share": PASS_SHARES}
    )
    regions = pd.DataFrame(
        {
            "region_id": number_ids("A", np.arange(REGIONS_COUNT) + 1),
            "stage_effect": REGION_EFFECTS * world.options.has_structure,
        }
    )
    return {
        "opportunities": table,
        "stages": stages,
        "region_effects": regions,
        "rep_win_shares": _rep_win_shares(world, staff),
    }


def _rep_win_shares(world: World, staff: Staff) -> pd.DataFrame:
    """Win share of each seller if all had the company's mix of channels, quality and regions."""
    rng = world.stream("standard mix")
    size = 2_000
    channel = rng.choice(len(CHANNELS) - 1, size, p=CHANNEL_SHARES)
    quality, region = rng.standard_normal(size), rng.integers(0, REGIONS_COUNT, size)
    shares = [
        expit(
            pass_logits(
                world.options.has_structure,
                np.full(size, staff.skill[seller]),
                staff.stage_skill[seller],
                channel,
                quality,
                region,
            )
        )
        .prod(axis=1)
        .mean()
        for seller in range(staff.seller_count)
    ]
    sellers = np.arange(staff.seller_count)
    return pd.DataFrame({"rep_id": rep_ids(sellers), "standardised_win_share": shares})
