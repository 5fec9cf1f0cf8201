"""How simulated leads come, who gets them, how fast they are answered, which become deals.

The mix of leads is confounded with the seller on purpose: weaker sellers get more of the good
channels, so that raw win rates mislead and standardised ones do not.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.tables_sales import INBOUND_CONTACTS, LEADS
from analysis.sources.simulated.catalogue import PRODUCT_COUNT, REGION_WEIGHTS, product_ids
from analysis.sources.simulated.customers import Population, customer_ids
from analysis.sources.simulated.people import TEAMS_NAMED, Staff, rep_ids, team_ids
from analysis.sources.simulated.world import (
    SOURCE_SYSTEM,
    World,
    choose,
    frame,
    number_ids,
    pick,
)

CHANNELS = ("web", "phone", "referral", "fair", "cold call", "account")
ACCOUNT = len(CHANNELS) - 1  # further business with customers, without a lead
CHANNEL_SHARES = np.array([0.30, 0.20, 0.12, 0.13, 0.25])
CONVERT_SHARES = np.array([0.60, 0.72, 0.68, 0.42, 0.24])  # when answered at once
CHANNEL_EFFECTS = np.array([0.10, 0.25, 0.60, 0.0, -0.60, 0.45])  # logit, at every stage
INBOUND = np.array([True, True, False, False, False])
HALF_LIFE_HOURS = 36.0  # of the chance that an inbound lead becomes a deal, per hour of waiting
MISROUTED_SHARE = 0.15
MISROUTED_FACTOR = 4.0  # times as long until the first answer
ROUTING_CHANNEL, ROUTING_EFFECT = 0, -0.5  # the routing improvement halves the wait of the web
LEADS_PER_CUSTOMER_DAY = 0.0011
WARM_UP_DAYS = 180  # the CRM is older than the invoices, so the pipeline begins full
TOPICS = ("quote request", "order status", "technical question", "complaint")
SUPPORT_CHANNELS = ("phone", "email", "web")
# Team for each topic of a customer; every quote request of a prospect goes to inside sales.
TOPIC_TEAMS = np.array([2, 3, 3, 3])
_CAMPAIGNS = ("spring fair", "autumn fair", "newsletter", "search ads")


@dataclass
class Leads:
    """One array element per lead."""

    created: np.ndarray  # day with fraction
    channel: np.ndarray
    region: np.ndarray
    product: np.ndarray
    rep: np.ndarray
    quality: np.ndarray  # latent, standard normal; the score in the CRM is a noisy view of it
    is_routed_right: np.ndarray
    delay_hours: np.ndarray  # to the first answer; NaN for channels that we begin ourselves
    convert_share: np.ndarray  # true chance of becoming a deal
    converted: np.ndarray  # day with fraction; NaN when it does not


def routing_day(world: World) -> int:
    """Day from which contacts by the web are answered faster, the first of a quarter."""
    return int(world.quarter_edges[int(0.4 * world.options.quarters)])


def leads(world: World, staff: Staff) -> Leads:
    """Draw all leads from the warm-up to the end of the data."""
    rng = world.stream("leads")
    days = world.end + WARM_UP_DAYS
    count = rng.poisson(LEADS_PER_CUSTOMER_DAY * world.options.customers * days)
    day = np.sort(world.workday(rng.integers(-WARM_UP_DAYS, world.end, count)))
    created = day + rng.uniform(8, 18, count) / 24
    channel = rng.choice(len(CHANNEL_SHARES), count, p=CHANNEL_SHARES)
    quality = rng.standard_normal(count)
    routed_right = rng.random(count) >= MISROUTED_SHARE
    delay = _delay_hours(world, created, channel, routed_right, rng)
    waiting = delay if world.options.has_structure else 0 * delay
    share = CONVERT_SHARES[channel] * 0.5 ** (np.nan_to_num(waiting) / HALF_LIFE_HOURS)
    converts = rng.random(count) < share
    later = np.nan_to_num(delay) / 24 + rng.exponential(1.5, count)
    converted = np.where(converts, created + later, np.nan)
    return Leads(
        created=created,
        channel=channel,
        region=rng.choice(len(REGION_WEIGHTS), count, p=REGION_WEIGHTS),
        product=rng.integers(0, PRODUCT_COUNT, count),
        rep=assigned(staff, created, channel, rng),
        quality=quality,
        is_routed_right=routed_right,
        delay_hours=delay,
        convert_share=share,
        converted=np.where(converted < world.end, converted, np.nan),
    )


def _delay_hours(
    world: World,
    created: np.ndarray,
    channel: np.ndarray,
    routed_right: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    delay = 5.0 * np.exp(rng.normal(0, 0.9, len(created)))
    delay *= np.where(routed_right, 1.0, MISROUTED_FACTOR)
    faster = (channel == ROUTING_CHANNEL) & (created >= routing_day(world))
    faster &= world.options.has_structure
    delay *= np.where(faster, 1 + ROUTING_EFFECT, 1.0)
    return np.where(INBOUND[channel], delay, np.nan)


def assigned(
    staff: Staff, created: np.ndarray, channel: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return the seller of each lead: by capacity on the day, and by taste for good channels."""
    weights = staff.capacity(created).T + 1e-9
    taste = staff.lead_taste[: staff.seller_count]
    weights = weights * np.exp(2 * taste[None, :] * CHANNEL_EFFECTS[channel][:, None])
    return choose(weights, rng)


def lead_table(
    world: World, found: Leads, deal_of_lead: np.ndarray, customer: np.ndarray
) -> pd.DataFrame:
    """Return the declared table; `deal_of_lead` and `customer` are -1 where there is none."""
    rng = world.stream("lead table")
    count = len(found.created)
    is_converted = np.isfinite(found.converted)
    is_young = found.created > world.end - 14
    status = np.where(is_converted, 0, np.where(is_young, 1, 2))
    score = np.clip(50 + 18 * (0.7 * found.quality + 0.7 * rng.standard_normal(count)), 0, 100)
    campaign = rng.integers(0, len(_CAMPAIGNS), count)
    # Some leads that were given up have lost their owner, as in many a CRM.
    ownerless = (status == 2) & (rng.random(count) < 0.05)
    ids = customer_ids(customer)
    return frame(
        LEADS,
        lead_id=number_ids("L", 10_000 + np.arange(count)),
        customer_id=ids,
        created_at=world.moments(found.created),
        channel=pick(CHANNELS, found.channel),
        campaign=pick(_CAMPAIGNS, np.where(rng.random(count) < 0.4, campaign, -1)),
        product_id=product_ids(found.product),
        rep_id=rep_ids(np.where(ownerless, -1, found.rep)),
        status=pick(("converted", "working", "disqualified"), status),
        converted_at=world.moments(found.converted),
        opportunity_id=deal_ids(deal_of_lead),
        quality_score=np.round(score),
        source_system=SOURCE_SYSTEM,
        source_id=ids.copy(),
    )


def deal_ids(index: np.ndarray) -> pd.api.extensions.ExtensionArray:
    return number_ids("O", np.where(np.asarray(index) < 0, -1, np.asarray(index) + 10_000))


def inbound_contacts(
    world: World, people: Population, found: Leads, deal_of_lead: np.ndarray
) -> pd.DataFrame:
    """Return contacts: the inbound leads, and customers who ask or complain."""
    rng = world.stream("contacts")
    asked = np.flatnonzero(INBOUND[found.channel] & (found.created >= 0))
    own = _customer_contacts(world, people, len(asked), rng)
    prospect = _prospect_contacts(found, asked, deal_of_lead, rng)
    parts = {name: np.concatenate([prospect[name], own[name]]) for name in prospect}
    order = np.argsort(parts["received"], kind="stable")
    parts = {name: values[order] for name, values in parts.items()}
    answered = parts["received"] + parts["delay"] / 24
    resolved = answered + rng.exponential(2.0, len(order))
    customer = customer_ids(parts["customer"])
    return frame(
        INBOUND_CONTACTS,
        contact_id=number_ids("N", 10_000 + np.arange(len(order))),
        received_at=world.moments(parts["received"]),
        channel=pick(SUPPORT_CHANNELS, parts["channel"]),
        topic=pick(TOPICS, parts["topic"]),
        customer_id=customer,
        customer_state=pick(("prospect", "customer"), parts["state"]),
        routed_team_id=team_ids(parts["team"]),
        transfer_count=parts["transfers"],
        first_response_at=world.moments(np.where(answered < world.end, answered, np.nan)),
        resolved_at=world.moments(np.where(resolved < world.end, resolved, np.nan)),
        opportunity_id=deal_ids(parts["deal"]),
        source_system=SOURCE_SYSTEM,
        source_id=customer.copy(),
    )


def _prospect_contacts(
    found: Leads, asked: np.ndarray, deal_of_lead: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    right = found.is_routed_right[asked]
    zero = np.zeros(len(asked), dtype=int)
    return {
        "received": found.created[asked],
        "channel": np.where(found.channel[asked] == 0, 2, 0),  # web form, phone
        "topic": zero,
        "customer": zero - 1,
        "state": zero,
        "team": np.where(right, TOPIC_TEAMS[0], _wrong_team(TOPIC_TEAMS[zero], rng)),
        "transfers": np.where(right, 0, 1 + rng.poisson(0.3, len(asked))),
        "delay": found.delay_hours[asked],
        "deal": deal_of_lead[asked],
    }


def _customer_contacts(
    world: World, people: Population, count: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    customer = rng.integers(0, people.size, count)
    start = people.start_day[customer].clip(0)
    stop = np.minimum(people.churn_day[customer], world.end)
    day = world.workday(start + rng.random(count) * np.maximum(stop - start, 1)).clip(0)
    topic = rng.choice(len(TOPICS), count, p=[0.15, 0.4, 0.3, 0.15])
    right = rng.random(count) >= MISROUTED_SHARE
    delay = 4.0 * np.exp(rng.normal(0, 0.9, count)) * np.where(right, 1.0, MISROUTED_FACTOR)
    return {
        "received": np.minimum(day, world.end - 1) + rng.uniform(8, 18, count) / 24,
        "channel": rng.integers(0, len(SUPPORT_CHANNELS), count),
        "topic": topic,
        "customer": customer,
        "state": np.ones(count, dtype=int),
        "team": np.where(right, TOPIC_TEAMS[topic], _wrong_team(TOPIC_TEAMS[topic], rng)),
        "transfers": np.where(right, 0, 1 + rng.poisson(0.3, count)),
        "delay": delay,
        "deal": np.full(count, -1),
    }


def _wrong_team(right: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Any team but the right one; marketing answers nobody."""
    answering = len(TEAMS_NAMED) - 1
    return (right + rng.integers(1, answering, len(right))) % answering


def lead_truth(world: World, found: Leads) -> dict[str, pd.DataFrame]:
    """Return each lead's latent quality and chance, and the effects of the channels."""
    has_structure = world.options.has_structure
    table = pd.DataFrame(
        {
            "lead_id": number_ids("L", 10_000 + np.arange(len(found.created))),
            "quality": found.quality,
            "convert_share": found.convert_share,
            "delay_hours": found.delay_hours,
            "is_routed_right": found.is_routed_right,
        }
    )
    channels = pd.DataFrame(
        {
            "channel": CHANNELS,
            "convert_share_at_once": [*CONVERT_SHARES, np.nan],
            "stage_effect": CHANNEL_EFFECTS if has_structure else 0 * CHANNEL_EFFECTS,
            "half_life_hours": HALF_LIFE_HOURS if has_structure else np.inf,
        }
    )
    return {"leads": table, "channels": channels}
