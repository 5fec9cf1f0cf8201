"""The CRM of the simulated company: stages, opportunities, their events, proposals, activities.

Everything is cut at the end of the data: a deal whose end lies later is open, as are the last stay
and the tasks that nobody has done by then.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.tables_sales import (
    ACTIVITIES,
    OPPORTUNITIES,
    OPPORTUNITY_LINES,
    STAGE_EVENTS,
    STAGES,
)
from analysis.sources.simulated.catalogue import PRODUCT_COUNT, product_ids
from analysis.sources.simulated.customers import Population, customer_ids
from analysis.sources.simulated.deals import (
    DWELL_DAYS,
    LOST,
    MEDIAN_VALUE_CENTS,
    PASS_SHARES,
    STAGE_IDS,
    WON,
    Deals,
    deal_truth,
    deals,
)
from analysis.sources.simulated.leads import (
    CHANNELS,
    deal_ids,
    inbound_contacts,
    lead_table,
    lead_truth,
    leads,
)
from analysis.sources.simulated.people import STAGES_COUNT, Staff, rep_ids, time_records
from analysis.sources.simulated.world import (
    SOURCE_SYSTEM,
    World,
    frame,
    money,
    number_ids,
    pick,
    rank_within,
)

PIPELINE = "main"
_STAGE_WORDS = (
    ("Qualification", "Find out whether there is a need", "Need and budget confirmed", 14),
    ("Needs", "Understand what is needed", "Needs written down and agreed", 21),
    ("Proposal", "Offer what fits", "Proposal sent and presented", 28),
    ("Negotiation", "Agree on terms", "Terms agreed by both", 21),
    ("Contract", "Close", "Contract signed", 14),
    ("Won", "Hand over", "First order placed", None),
    ("Lost", "Learn why", "Reason recorded", None),
)
# Sellers expect to close in this share of the time that is usually left.
_OPTIMISM = 0.6
_LOST_REASONS = ("price", "competitor", "no decision", "no budget", "timing")
_FORECAST_CATEGORIES = (
    "pipeline",
    "pipeline",
    "best case",
    "commit",
    "commit",
    "closed",
    "omitted",
)
_TYPES = ("call", "meeting", "proposal", "meeting", "task")
_TASK_SLA_DAYS = np.array([2.0, 5.0, 5.0, 4.0, 3.0])
_MINUTES = np.array([20.0, 60.0, 90.0, 45.0, 30.0])
_TEMPLATES = ("call script", "", "standard proposal", "", "contract form", "follow-up mail")


@dataclass
class Stays:
    """One array element per stay of a deal in a stage, in the order of deal and time."""

    deal: np.ndarray
    number: np.ndarray  # from 0
    stage: np.ndarray
    previous: np.ndarray  # stage before; -1 for the first
    entered: np.ndarray
    exited: np.ndarray  # NaN while the stay lasts
    owner: np.ndarray
    is_last: np.ndarray


def sales_tables(
    world: World, people: Population, staff: Staff, year_cents: np.ndarray
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame], Deals]:
    """Return the tables of selling, their truth, and the deals for those who need them."""
    found = leads(world, staff)
    drawn = deals(world, people, staff, found, year_cents)
    stays = _stays(world, staff, drawn)
    deal_of_lead = np.full(len(found.created), -1)
    from_lead = np.flatnonzero(drawn.lead >= 0)
    deal_of_lead[drawn.lead[from_lead]] = from_lead
    lead_customer = np.full(len(found.created), -1)
    lead_customer[drawn.lead[from_lead]] = drawn.customer[from_lead]
    tables = {
        "stages": _stages(world),
        "leads": lead_table(world, found, deal_of_lead, lead_customer),
        "opportunities": _opportunities(world, drawn, stays),
        "stage_events": _stage_events(world, staff, drawn, stays),
        "opportunity_lines": _opportunity_lines(world, drawn, stays),
        "activities": _activities(world, staff, drawn, stays),
        "inbound_contacts": inbound_contacts(world, people, found, deal_of_lead),
        "time_records": time_records(world, staff),
    }
    return tables, lead_truth(world, found) | deal_truth(world, staff, drawn), drawn


def _stages(world: World) -> pd.DataFrame:
    number = np.arange(len(STAGE_IDS))
    ahead = [PASS_SHARES[i:].prod() for i in range(STAGES_COUNT)]
    return frame(
        STAGES,
        pipeline_id=PIPELINE,
        stage_id=list(STAGE_IDS),
        valid_from_on=world.dates(np.full(len(number), -400)),
        stage_name=[words[0] for words in _STAGE_WORDS],
        stage_order=np.minimum(number, WON) + 1,
        stage_category=["open"] * STAGES_COUNT + ["won", "lost"],
        # Tens of per cent, as people type them into a CRM.
        default_win_share=[*np.round(ahead, 1), 1.0, 0.0],
        objective=[words[1] for words in _STAGE_WORDS],
        exit_criteria=[words[2] for words in _STAGE_WORDS],
        sla_days=np.array([words[3] for words in _STAGE_WORDS], dtype=float),
    )


def _stays(world: World, staff: Staff, drawn: Deals) -> Stays:
    """Turn the slots that a deal enters before the end of the data into its stays."""
    happens = drawn.slot_day < world.end
    deal, slot = np.nonzero(happens)
    counts = happens.sum(axis=1)
    entered, stage = drawn.slot_day[deal, slot], drawn.slot_stage[deal, slot]
    number = rank_within(counts)
    same = np.append(deal[1:] == deal[:-1], False)[: len(deal)]
    exited = np.where(same, np.roll(entered, -1), np.nan)
    rep = drawn.rep[deal]
    return Stays(
        deal=deal,
        number=number,
        stage=stage,
        previous=np.where(number > 0, np.roll(stage, 1), -1),
        entered=entered,
        exited=exited,
        owner=np.where(entered < staff.left_day[rep], rep, staff.deputy[rep]),
        is_last=~same,
    )


def _values(drawn: Deals, stays: Stays) -> np.ndarray:
    """Value in cents at each stay; it is revised when the proposal is written."""
    revised = stays.stage >= STAGE_IDS.index("S3")
    ratio = np.where(revised, drawn.value_ratio[stays.deal], 1.0)
    return 100 * np.round(drawn.value_cents[stays.deal] * ratio / 100)


def _expected(stays: Stays) -> np.ndarray:
    """Day on which the seller expects to close, too early by habit."""
    left = np.concatenate([np.cumsum(DWELL_DAYS[::-1])[::-1], [0.0, 0.0]])
    return stays.entered + _OPTIMISM * left[stays.stage]


def _stage_events(world: World, staff: Staff, drawn: Deals, stays: Stays) -> pd.DataFrame:
    is_bulk = drawn.is_bulk[stays.deal] & (stays.stage == LOST)
    mover = np.where(is_bulk, staff.leader[stays.owner], stays.owner)
    return frame(
        STAGE_EVENTS,
        opportunity_id=deal_ids(stays.deal),
        event_no=stays.number + 1,
        entered_at=world.moments(stays.entered),
        exited_at=world.moments(stays.exited),
        stage_id=pick(STAGE_IDS, stays.stage),
        previous_stage_id=pick(STAGE_IDS, stays.previous),
        rep_id=rep_ids(stays.owner),
        changed_by_rep_id=rep_ids(mover),
        value_amount=money(_values(drawn, stays)),
        expected_close_on=world.dates(_expected(stays)),
        is_bulk=is_bulk,
        source_system=SOURCE_SYSTEM,
    )


def _opportunities(world: World, drawn: Deals, stays: Stays) -> pd.DataFrame:
    rng = world.stream("opportunity words")
    last = np.flatnonzero(stays.is_last)
    deal, stage = stays.deal[last], stays.stage[last]
    closed = stage >= WON
    value = money(_values(drawn, stays)[last])
    reason = np.where(stage == LOST, rng.integers(0, len(_LOST_REASONS), len(last)), -1)
    kind = np.where(drawn.is_expansion, 1 + (rng.random(len(deal)) < 0.3), 0)
    model = np.digitize(drawn.value_cents, [200_000, 1_500_000])
    ids = customer_ids(drawn.customer[deal])
    return frame(
        OPPORTUNITIES,
        opportunity_id=deal_ids(deal),
        customer_id=ids,
        pipeline_id=PIPELINE,
        stage_id=pick(STAGE_IDS, stage),
        rep_id=rep_ids(stays.owner[last]),
        created_at=world.moments(drawn.created[deal]),
        closed_at=world.moments(np.where(closed, stays.entered[last], np.nan)),
        expected_close_on=world.dates(_expected(stays)[last]),
        is_closed=closed,
        is_won=stage == WON,
        value_amount=value,
        currency="EUR",
        original_amount=value,
        win_share=_stages(world)["default_win_share"].to_numpy()[stage],
        forecast_category=pick(_FORECAST_CATEGORIES, stage),
        deal_type=pick(("new", "expansion", "renewal"), kind[deal]),
        selling_model=pick(("transactional", "consultative", "enterprise"), model[deal]),
        channel=pick(CHANNELS, drawn.channel[deal]),
        product_id=product_ids(drawn.product[deal]),
        lost_reason=pick(_LOST_REASONS, reason),
        source_system=SOURCE_SYSTEM,
        source_id=ids.copy(),
    )


def _opportunity_lines(world: World, drawn: Deals, stays: Stays) -> pd.DataFrame:
    """Proposals: bigger deals have more lines, and more lines win nothing by themselves."""
    rng = world.stream("proposals")
    offered = np.unique(stays.deal[stays.stage == STAGE_IDS.index("S3")])
    size = np.log(drawn.value_cents[offered] / MEDIAN_VALUE_CENTS)
    count = 1 + rng.poisson(np.exp(0.2 + 0.5 * size.clip(-2, 2)))
    deal = np.repeat(offered, count)
    number = rank_within(count)
    part = rng.gamma(3.0, size=len(deal))
    order = np.repeat(np.arange(len(offered)), count)
    part /= np.bincount(order, part)[order]
    value = drawn.value_cents * drawn.value_ratio
    closed = drawn.end_day[deal] < world.end
    taken = drawn.is_won[deal] & ((number == 0) | (rng.random(len(deal)) < 0.75))
    return frame(
        OPPORTUNITY_LINES,
        opportunity_id=deal_ids(deal),
        line_no=number + 1,
        product_id=product_ids((drawn.product[deal] + 7 * number) % PRODUCT_COUNT),
        quantity=1.0 + rng.poisson(2.0, len(deal)),
        value_amount=money(100 * np.round(value[deal] * part / 100)),
        is_proposed=np.ones(len(deal), dtype=bool),
        is_accepted=pd.arrays.BooleanArray(taken & closed, ~closed),
    )


def _activities(world: World, staff: Staff, drawn: Deals, stays: Stays) -> pd.DataFrame:
    """One required task for each stay in an open stage, and a machine's mail after a proposal."""
    rng = world.stream("activities")
    is_open = stays.stage < WON
    task = np.flatnonzero(is_open)
    mailed = (stays.stage[task] == 2) & (rng.random(len(task)) < 0.5)
    stay = np.concatenate([task, task[mailed]])
    machine = np.arange(len(stay)) >= len(task)
    order = np.lexsort((machine, stays.entered[stay]))
    stay, machine = stay[order], machine[order]
    stage, owner, created = stays.stage[stay], stays.owner[stay], stays.entered[stay]
    sla = np.where(machine, 3.0, _TASK_SLA_DAYS[stage])
    done = created + _task_days(staff, owner, sla, machine, rng)
    given_up = np.where(np.isfinite(stays.exited[stay]), stays.exited[stay], np.inf) + 10
    done = np.where(done < np.minimum(given_up, world.end), done, np.nan)
    minutes = np.where(machine, 1.0, _MINUTES[stage] * np.exp(rng.normal(0, 0.35, len(stay))))
    template = np.where(machine, 5, np.array([0, -1, 2, -1, 4])[stage])
    customer = customer_ids(drawn.customer[stays.deal[stay]])
    return frame(
        ACTIVITIES,
        activity_id=number_ids("E", 10_000 + np.arange(len(stay))),
        activity_type=pick((*_TYPES, "email"), np.where(machine, 5, stage)),
        rep_id=rep_ids(owner),
        customer_id=customer,
        opportunity_id=deal_ids(stays.deal[stay]),
        stage_id=pick(STAGE_IDS, stage),
        created_at=world.moments(created),
        due_at=world.moments(created + sla),
        completed_at=world.moments(done),
        duration_minutes=np.where(np.isfinite(done), np.maximum(1, np.round(minutes)), np.nan),
        template_id=pick(_TEMPLATES, template),
        is_automated=machine,
        is_selling=(stage < 4) & ~machine,
        source_system=SOURCE_SYSTEM,
        source_id=customer.copy(),
    )


def _task_days(
    staff: Staff,
    owner: np.ndarray,
    sla: np.ndarray,
    machine: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Days until a task is done: on time with the seller's own share, else up to thrice as long."""
    on_time = machine | (rng.random(len(owner)) < staff.compliance[owner])
    share = rng.random(len(owner))
    return sla * np.where(on_time, 0.05 + 0.95 * share, 1.0 + 2.0 * share)
