"""What the leaders of the simulated company plan: targets, improvements, process, actions."""

import numpy as np
import pandas as pd

from analysis.core.tables_customers import COMMENTS
from analysis.core.tables_strategy import (
    ACTION_ITEMS,
    FEEDBACK,
    IMPROVEMENT_ASSIGNMENTS,
    IMPROVEMENTS,
    PROCESS_EDGES,
    PROCESS_STEPS,
    ROUTING_RULES,
    TARGETS,
)
from analysis.sources.simulated.catalogue import REGIONS_COUNT, region_ids
from analysis.sources.simulated.customers import Population, customer_ids
from analysis.sources.simulated.deals import TRAINING_EFFECT, training_days
from analysis.sources.simulated.invoices import (
    DELIVERY_EFFECT,
    DELIVERY_REGIONS,
    Lines,
    delivery_day,
)
from analysis.sources.simulated.leads import (
    ROUTING_EFFECT,
    SUPPORT_CHANNELS,
    TOPIC_TEAMS,
    TOPICS,
    routing_day,
)
from analysis.sources.simulated.people import (
    AUTOMATION_EFFECT,
    AUTOMATION_TEAM,
    TEAMS_NAMED,
    Staff,
    automation_day,
    rep_ids,
    team_ids,
)
from analysis.sources.simulated.world import SOURCE_SYSTEM, World, frame, number_ids, pick

_TARGET_GROWTH = 1.06
# The board's aims for each fiscal year, round as boards set them; revenue is last year's and 6 %.
_YEAR_AIMS = {"revenue_amount": 0.0, "margin_share": 0.36, "market_share": 0.085}
# id, name, kind, driver, promised low/mid/high, once, month; promises are not what comes of them.
_IMPROVEMENTS = """
M1 | Proposal training | training | proposal_pass_share | 0.05 | 0.15 | 0.30 | 24000 | 400
M2 | Faster answers to web enquiries | routing | response_hours | -0.6 | -0.4 | -0.2 | 9000 | 300
M3 | Automatic offers and minutes | automation | admin_time_share | -0.5 | -0.3 | -0.1 | 38000 | 900
M4 | Next-day delivery | process | order_amount | 0.02 | 0.08 | 0.15 | 52000 | 3200
M5 | Cleaned customer database | database | win_share | 0.03 | 0.10 | 0.20 | 31000 | 500
M6 | New ledger | accounting_system | order_amount | 0.0 | 0.03 | 0.06 | 64000 | 1100
"""
_OWNERS = ("Head of sales", "Head of service", "Head of finance")
# phase, step, team, for whom, activity, hours, objective, tool, follow-up, required
_STEPS = """
Win | Answer the enquiry | T3 | prospect | call | 24 | Speak at once | Script | Book a talk | yes
Win | Qualify | T3 | prospect | call | 48 | Need and budget known | Questions | Invite expert | yes
Win | Visit or show | T1 | prospect | meeting | 120 | Needs agreed | Demo van | Minutes | yes
Win | Propose | T1 | prospect | proposal | 120 | Offer fits | Template | Call in 3 days | yes
Win | Negotiate | T1 | prospect | meeting | 96 | Terms agreed | Price frame | Contract | no
Win | Sign | T1 | prospect | task | 72 | Contract signed | Contract form | Hand over | yes
Care | Hand over | T4 | customer | task | 48 | Nobody waits | Checklist | Welcome call | yes
Care | Welcome call | T4 | customer | call | 168 | First order fine | Script | Plan visits | yes
Care | Review needs | T2 | customer | meeting | 4320 | Next service found | Sheet | Offer | yes
Care | Offer next service | T2 | customer | proposal | 240 | Wider use | Template | Call | no
"""
_TOPIC_TEXTS = (
    ("delivery", "Deliveries come on time"),
    ("delivery", "Parcel came two days late"),
    ("service", "The technician knew our machines"),
    ("service", "We waited long for an answer"),
    ("price", "Fair, but others have become cheaper"),
    ("product", "Gloves wear out too fast"),
    ("product", "Good quality, wider range wished"),
)
_TOPIC_SCORES = np.array([9, 4, 9, 3, 6, 4, 8])


def strategy_tables(
    world: World, people: Population, staff: Staff, lines: Lines
) -> dict[str, pd.DataFrame]:
    """Return everything that leaders plan and hear."""
    return {
        "targets": _targets(world, people, lines),
        "improvements": _improvements(world, staff),
        "improvement_assignments": _assignments(world, staff),
        "process_steps": _process_steps(),
        "process_edges": _process_edges(),
        "routing_rules": _routing_rules(world),
        "action_items": _action_items(world),
        "feedback": _feedback(world, people),
        "comments": _comments(world, lines),
    }


def _targets(world: World, people: Population, lines: Lines) -> pd.DataFrame:
    """Company and regions, each quarter and the next: last year's revenue and 6 %."""
    rng = world.stream("targets")
    count = world.options.quarters
    revenue = np.zeros((count, REGIONS_COUNT))
    known = lines.rows(lines.day < world.end)
    np.add.at(revenue, (world.quarter_of(known.day), people.region[known.customer]), known.cents)
    revenue = np.hstack([revenue.sum(axis=1, keepdims=True), revenue]) / 100
    # The first year has no year before it: its targets are guesses around what came.
    guessed = revenue[: min(4, count)] * rng.uniform(0.95, 1.08, (min(4, count), 1))
    planned = np.vstack([guessed, revenue[: max(count - 3, 0)] * _TARGET_GROWTH])
    quarter, place = (part.ravel() for part in np.indices(planned.shape))
    value = np.round(planned.ravel(), -2)
    level = pick(("company", "region"), np.minimum(place, 1))
    edges = world.quarter_edges
    quarters = frame(
        TARGETS,
        target_id=number_ids("Z", 1_000 + np.arange(len(value))),
        level=level,
        level_id=region_ids(place - 1),
        metric="revenue_amount",
        starts_on=world.dates(edges[quarter]),
        ends_on=world.dates(edges[quarter + 1] - 1),
        low=np.round(0.95 * value, -2),
        value=value,
        high=np.round(1.08 * value, -2),
        set_by="Board",
        set_on=world.dates(edges[quarter] - 12),
    )
    return pd.concat([quarters, _year_targets(world, revenue[:, 0], len(value))], ignore_index=True)


def _year_targets(world: World, revenue: np.ndarray, count: int) -> pd.DataFrame:
    """Revenue, margin share and market share of the company, for each year after a whole one."""
    names = [quarter.name for quarter in world.data_quarters]
    # The year before ends 12 days after the board meets; what it lacks, the board guesses well.
    firsts = [i for i, name in enumerate(names) if name.endswith("Q1") and i + 4 <= len(names)]
    rows = [
        (i, metric, aim or round(_TARGET_GROWTH * float(revenue[i : i + 4].sum()), -3))
        for metric, aim in _YEAR_AIMS.items()
        for i in firsts
    ]
    place = np.array([i for i, _, _ in rows], dtype=int)
    value = np.array([aim for _, _, aim in rows], dtype=float)
    edges, digits = world.quarter_edges, np.where(value > 1, 0, 3)
    return frame(
        TARGETS,
        target_id=number_ids("Z", 1_000 + count + np.arange(len(rows))),
        level="company",
        metric=[metric for _, metric, _ in rows],
        starts_on=world.dates(edges[place + 4]),
        ends_on=world.dates(edges[place + 8] - 1),
        low=[round(0.95 * v, int(d)) for v, d in zip(value, digits, strict=True)],
        value=value,
        high=[round(1.08 * v, int(d)) for v, d in zip(value, digits, strict=True)],
        set_by="Board",
        set_on=world.dates(edges[place + 4] - 12),
    )


def _effective_days(world: World, staff: Staff) -> np.ndarray:
    """First day of each improvement, in the order of the list."""
    edges, count = world.quarter_edges, world.options.quarters
    database, ledger = edges[int(0.45 * count)], edges[int(0.7 * count)]
    training = training_days(world, staff).min()
    return np.array(
        [training, routing_day(world), automation_day(world), delivery_day(world), database, ledger]
    )


def _improvements(world: World, staff: Staff) -> pd.DataFrame:
    effective = _effective_days(world, staff)
    columns = _columns(_IMPROVEMENTS)
    return frame(
        IMPROVEMENTS,
        improvement_id=list(columns[0]),
        name=list(columns[1]),
        kind=list(columns[2]),
        driver=list(columns[3]),
        effect_low=np.array(columns[4], dtype=float),
        effect_mid=np.array(columns[5], dtype=float),
        effect_high=np.array(columns[6], dtype=float),
        cost_once_amount=np.array(columns[7], dtype=float),
        cost_month_amount=np.array(columns[8], dtype=float),
        starts_on=world.dates(effective - 75),
        effective_on=world.dates(effective),
        owner=[_OWNERS[i % len(_OWNERS)] for i in range(len(columns[0]))],
    )


def _assignments(world: World, staff: Staff) -> pd.DataFrame:
    """Who gets each improvement; the database goes to the same kind of half, without effect."""
    days = _effective_days(world, staff)
    trained = np.flatnonzero(np.isfinite(training_days(world, staff)))
    others = np.arange(1, staff.seller_count, 2)[::2]
    east = [1, 2, 4]
    parts = [
        ("M1", "rep", rep_ids(trained), training_days(world, staff)[trained]),
        ("M2", "channel", ["web"], days[1:2]),
        ("M3", "team", team_ids(np.array([AUTOMATION_TEAM])), days[2:3]),
        ("M4", "region", region_ids(np.array(DELIVERY_REGIONS)), np.full(3, days[3])),
        ("M5", "rep", rep_ids(others), np.full(len(others), days[4])),
        ("M6", "region", region_ids(np.array(east)), np.full(len(east), days[5])),
    ]
    return frame(
        IMPROVEMENT_ASSIGNMENTS,
        improvement_id=np.repeat([p[0] for p in parts], [len(p[2]) for p in parts]).astype(object),
        unit_type=np.repeat([p[1] for p in parts], [len(p[2]) for p in parts]).astype(object),
        unit_id=[unit for part in parts for unit in part[2]],
        treated_from_on=world.dates(np.concatenate([p[3] for p in parts])),
    )


def improvement_truth(world: World, staff: Staff) -> pd.DataFrame:
    """Return what each improvement really does: `effect` on `scale`; 0 for those without."""
    effects = np.array(
        [TRAINING_EFFECT, ROUTING_EFFECT, AUTOMATION_EFFECT, DELIVERY_EFFECT, 0.0, 0.0]
    )
    scales = ("logit at stage S3", "relative", "difference of shares", "relative", "", "")
    columns = _columns(_IMPROVEMENTS)
    return pd.DataFrame(
        {
            "improvement_id": list(columns[0]),
            "driver": list(columns[3]),
            "effect": effects * world.options.has_structure,
            "scale": scales,
            "effective_on": world.dates(_effective_days(world, staff)),
        }
    )


def _process_steps() -> pd.DataFrame:
    columns = _columns(_STEPS)
    number = np.arange(len(columns[0]))
    return frame(
        PROCESS_STEPS,
        model_version="2024",
        step_id=number_ids("W", number + 1),
        phase=list(columns[0]),
        step_order=number + 1,
        step_name=list(columns[1]),
        team_id=list(columns[2]),
        customer_state=list(columns[3]),
        activity_type=list(columns[4]),
        sla_hours=np.array(columns[5], dtype=float),
        objective=list(columns[6]),
        tool=list(columns[7]),
        follow_up=list(columns[8]),
        is_required=np.array(columns[9]) == "yes",
    )


def _process_edges() -> pd.DataFrame:
    ways = [(i, i + 1, "") for i in range(1, len(_columns(_STEPS)[0]))]
    ways += [(4, 6, "no negotiation needed"), (4, 3, "needs have changed"), (5, 4, "new offer")]
    return frame(
        PROCESS_EDGES,
        model_version="2024",
        from_step_id=[f"W{a}" for a, _, _ in ways],
        to_step_id=[f"W{b}" for _, b, _ in ways],
        condition=[condition or None for _, _, condition in ways],
    )


def _routing_rules(world: World) -> pd.DataFrame:
    state, topic, channel = (
        part.ravel() for part in np.indices((2, len(TOPICS), len(SUPPORT_CHANNELS)))
    )
    return frame(
        ROUTING_RULES,
        channel=pick(SUPPORT_CHANNELS, channel),
        customer_state=pick(("prospect", "customer"), state),
        topic=pick(TOPICS, topic),
        valid_from_on=world.dates(np.full(len(state), -400)),
        team_id=pick([team[0] for team in TEAMS_NAMED], TOPIC_TEAMS[topic]),
    )


def _action_items(world: World) -> pd.DataFrame:
    """Two actions for each of the last four quarters; some done, some late, one without end."""
    words = ("Call silent key accounts", "Agree on a price frame", "Name owners of open deals",
             "Review late tasks", "Ask for missing customer numbers", "Plan visits in the north",
             "Train the offer template", "Check the routing table")  # fmt: skip
    first = np.maximum(world.options.quarters - 4, 0)
    opened = world.quarter_edges[first + np.arange(len(words)) // 2] + 18.0
    done = opened + np.array([20, 75, 31, np.nan, 44, 90, np.nan, np.nan])
    done = np.where(done < world.end, done, np.nan)
    finished = np.isfinite(done)
    return frame(
        ACTION_ITEMS,
        action_id=number_ids("Q", 100 + np.arange(len(words))),
        description=list(words),
        owner=[_OWNERS[i % len(_OWNERS)] for i in range(len(words))],
        opened_on=world.dates(opened),
        due_on=world.dates(opened + 60),
        done_on=world.dates(done),
        result=["Done as planned" if f else None for f in finished],
    )


def _feedback(world: World, people: Population) -> pd.DataFrame:
    """About one customer in seven answers, the contented a little more often."""
    rng = world.stream("feedback")
    customer = np.flatnonzero(rng.random(people.size) < 0.15)
    words = rng.integers(0, len(_TOPIC_TEXTS), len(customer))
    stop = np.minimum(people.churn_day[customer] + 60, world.end)
    start = people.start_day[customer].clip(0)
    day = np.floor(start + rng.random(len(customer)) * (stop - start)).clip(0, world.end - 1)
    score = np.clip(_TOPIC_SCORES[words] + rng.integers(-1, 2, len(customer)), 0, 10)
    order = np.argsort(day, kind="stable")
    ids = customer_ids(customer[order])
    return frame(
        FEEDBACK,
        feedback_id=number_ids("K", 1_000 + np.arange(len(order))),
        customer_id=ids,
        given_on=world.dates(day[order]),
        topic=pick([topic for topic, _ in _TOPIC_TEXTS], words[order]),
        score=score[order].astype(float),
        text=pick([text for _, text in _TOPIC_TEXTS], words[order]),
        source_system=SOURCE_SYSTEM,
        source_id=ids.copy(),
    )


def _comments(world: World, lines: Lines) -> pd.DataFrame:
    """A signed remark on the greatest line of the last year, and two on what happened."""
    last = (lines.day < world.end) & (lines.day >= world.end - 365)
    row = np.flatnonzero(last)[np.argmax(lines.cents[last])]
    names = [q.name for q in world.quarters]
    quarters = world.options.quarters
    periods = [
        names[int(world.quarter_of(lines.day[row]))],
        names[int(0.6 * quarters)],
        names[quarters - 1],
    ]
    buyer = customer_ids(lines.customer[[row]])[0]
    written = np.array([lines.day[row] + 5, delivery_day(world), world.end - 3])
    texts = [
        "A single large order for a new hall; it will not come again.",
        "Next-day delivery began in three regions.",
        "Two early holidays fell into this quarter; compare per working day.",
    ]
    return frame(
        COMMENTS,
        comment_id=["B1", "B2", "B3"],
        period=periods,
        about=[buyer, "revenue", "revenue"],
        text=texts,
        author=["A. Analyst", "A. Analyst", "C. Controller"],
        written_on=world.dates(written.clip(0, world.end - 1)),
        is_one_off=np.array([True, False, False]),
    )


def _columns(text: str) -> list[tuple[str, ...]]:
    """Return the columns of a small table written with bars between them."""
    rows = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return list(zip(*rows, strict=True))
