"""The sentences of the throughput chapter; none says more than its interval allows."""

import pandas as pd

from analysis.core.result import Decision, Finding
from analysis.core.scope import Scope
from analysis.sales.funnel_cohort import Tables
from analysis.sales.rep_names import SELLER, some_of
from analysis.sales.throughput_bridge import CAUSES
from analysis.sales.throughput_capacity import Capacity
from analysis.sales.throughput_norms import PERSISTENT, QUARTERS, is_persistent
from analysis.sales.throughput_options import ThroughputOptions


def findings(
    sellers: pd.DataFrame,
    bridge: pd.DataFrame,
    alarms: pd.DataFrame,
    limit: Capacity,
    staff: pd.DataFrame,
    norms: pd.DataFrame,
    options: ThroughputOptions,
    scope: Scope,
) -> tuple[Finding, ...]:
    """Return who deserves a look, why, and what the department can do."""
    found = [_rule(sellers, alarms, options, scope), _bridge(sellers, bridge, scope)]
    found += [_norm(norms, scope), _people(staff, options, scope), _busy(sellers, limit, scope)]
    return tuple(finding for finding in found if finding is not None)


def _rule(
    sellers: pd.DataFrame, alarms: pd.DataFrame, options: ThroughputOptions, scope: Scope
) -> Finding:
    share, count = scope.display.share, scope.display.count
    judged = sellers[sellers["is_settled"]]
    beyond, different = judged[judged["is_beyond"]], judged[judged["is_different"]]
    limit = share(options.tolerance_share, 0)
    alarm = share(float(alarms["any_named_share"].iloc[0]), 0)
    caution = (
        f"With {count(len(sellers))} sellers alike and this many deals, the rule of {limit} would "
        f"name at least one in {alarm} of such periods by chance alone.{_settling(sellers, scope)}"
    )
    if beyond.empty:
        return Finding(f"Nobody is more than {limit} from the average.", caution)
    told = some_of(different["seller"]) or "nobody"
    lasting_ones = judged[is_persistent(judged)]
    again = some_of(lasting_ones.loc[lasting_ones["is_different"], "seller"])
    again = again or count(len(lasting_ones))
    lucky = scope.display.number(float(alarms["lasting_share"].iloc[0]) * len(sellers))
    lasting = (
        f"On the same side in {PERSISTENT} of {QUARTERS} quarters of the time: {again}; of sellers "
        f"alike {lucky} would be by chance."
    )
    return Finding(
        f"{count(len(beyond))} of {count(len(judged))} are more than {limit} from the average; "
        f"told from chance: {told}.",
        f"{lasting} {caution} A distance that may be chance is a reason to look, no verdict.",
    )


def _settling(sellers: pd.DataFrame, scope: Scope) -> str:
    new = int((~sellers["is_settled"]).sum())
    verbs = "is still settling and is" if new == 1 else "are still settling and are"
    return f" {scope.display.count(new)} {verbs} not judged." if new else ""


def _worst_parts(sellers: pd.DataFrame, bridge: pd.DataFrame) -> pd.DataFrame:
    """The parts of whoever is farthest behind of those told from chance, worst first; or none."""
    is_low = sellers["month_rate"] < sellers["average_rate"]
    is_flagged = sellers["is_different"] & sellers["is_settled"]
    names = sellers.loc[is_low & is_flagged, "rep_id"]
    mine = bridge[bridge["rep_id"].isin(names) & (bridge["difference_amount"] < 0)]
    if mine.empty:
        return mine
    worst = mine.loc[mine["difference_amount"].idxmin(), "rep_id"]
    return mine[mine["rep_id"] == worst].sort_values("part_amount", kind="stable")


def _bridge(sellers: pd.DataFrame, bridge: pd.DataFrame, scope: Scope) -> Finding | None:
    parts = _worst_parts(sellers, bridge)
    if parts.empty:
        return None
    amount = scope.display.amount
    first = parts.iloc[0]
    is_sure = first["part_high_amount"] < 0
    caution = "" if is_sure else " Its range reaches 0: look before you conclude."
    text = "; ".join(f"{CAUSES[row.cause]} {amount(row.part_amount)}" for row in parts.itertuples())
    return Finding(
        f"{first['seller']} won {amount(-first['difference_amount'])} less than the average of "
        f"the others; most of it through {CAUSES[first['cause']]}.",
        f"It splits exactly into: {text}.{caution}",
        metric="won_difference_amount",
        value=float(first["difference_amount"]),
    )


def _norm(norms: pd.DataFrame, scope: Scope) -> Finding:
    number, first = scope.display.number, norms.iloc[0]
    texts = [f"{row.kind} {number(row.month_rate)}" for row in norms.iloc[1:].itertuples()]
    parts = f" By kind of customer, all sellers: {'; '.join(texts)}." if texts else ""
    return Finding(
        f"A settled seller brings {number(first['median_rate'])} deals a full-time month to an end "
        f"(median); a quarter of them {number(first['upper_rate'])} or more.",
        f"Of {scope.display.count(first['seller_count'])} sellers who were there for half of the "
        f"time or longer.{parts}",
    )


def _people(staff: pd.DataFrame, options: ThroughputOptions, scope: Scope) -> Finding | None:
    enough = staff[staff["enough_share"] >= options.enough_share]
    have, plain = int(staff["have_people"].iloc[0]), int(staff["plain_people"].iloc[0])
    if enough.empty:
        return None
    need, chance = int(enough["people"].iloc[0]), scope.display.share(options.enough_share, 0)
    return Finding(
        f"{need} full-time sellers would bring {_goal(options, scope)} with a chance of "
        f"{chance}; there were {have}.",
        f"Plain division says {plain}; the rest is for new people who learn, for those who leave "
        "and for chance. It assumes that each finds enough deals to work on.",
    )


def _busy(sellers: pd.DataFrame, limit: Capacity, scope: Scope) -> Finding:
    if limit.count is None:
        told = "So how busy sellers are, against what they could handle well, cannot be told."
        return Finding(limit.sentence, told)
    busy, count = sellers["utilisation_share"], scope.display.count
    mean = scope.display.share(float(busy.mean()), 0)
    ends = f"{limit.low:.0f} and {limit.high:.0f}"
    most = sellers.sort_values(["open_count", "seller"], ascending=[False, True])
    names = some_of(most.loc[busy.reindex(most.index) > 1, "seller"]) or "nobody"
    return Finding(
        limit.sentence,
        f"Between {ends}, as far as can be told. Now {count(len(sellers))} sellers hold {mean} of "
        f"that on average; more than that: {names}.",
        metric="utilisation_share",
        value=float(busy.mean()),
    )


def decisions(
    sellers: pd.DataFrame,
    bridge: pd.DataFrame,
    plays: pd.DataFrame,
    staff: pd.DataFrame,
    options: ThroughputOptions,
    scope: Scope,
) -> tuple[Decision, ...]:
    """Return what only leaders can decide: who looks into the gap, and how many people to have."""
    return (*_look(sellers, bridge, plays), *_hiring(staff, options, scope))


def _hiring(staff: pd.DataFrame, options: ThroughputOptions, scope: Scope) -> tuple[Decision, ...]:
    enough = staff[staff["enough_share"] >= options.enough_share]
    if enough.empty or enough["people"].iloc[0] <= enough["have_people"].iloc[0]:
        return ()
    first = enough.iloc[0]
    text = (
        f"Go from {int(first['have_people'])} to {int(first['people'])} full-time sellers, for "
        f"{_goal(options, scope)}?"
    )
    owner, due_on = "sales director", scope.next_period.last_day
    return (Decision(text, None, owner, due_on, float(first["enough_share"])),)


def _goal(options: ThroughputOptions, scope: Scope) -> str:
    growth = options.growth_share
    more = f"{scope.display.share(abs(growth), 0)} {'more' if growth > 0 else 'fewer'} deals"
    return f"{more} than now" if growth else "as many deals as now"


def _look(sellers: pd.DataFrame, bridge: pd.DataFrame, plays: pd.DataFrame) -> tuple[Decision, ...]:
    parts = _worst_parts(sellers, bridge)
    mine = plays[plays["rep_id"].isin(parts["rep_id"].head(1))]
    if mine.empty:
        return ()
    first = mine.iloc[0]
    below = parts.loc[parts["cause"] == first["cause"], "below_share"]
    return (
        Decision(
            f"Who looks into why {first['seller']} is behind? Most of it is "
            f"{CAUSES[first['cause']]}: check {first['check']}.",
            worth_amount=-float(first["part_amount"]),
            owner="" if pd.isna(first["owner"]) else str(first["owner"]),
            due_on=first["due_on"],
            chance_share=float(below.iloc[0]),
        ),
    )


def caveats(
    tables: Tables,
    records: pd.DataFrame | None,
    days: int,
    scope: Scope,
) -> tuple[str, ...]:
    """Return the limits of what the chapter says."""
    texts = [
        f"Deals given, won or lost in the {days} days to "
        f"{scope.display.day(scope.as_of)}; a deal counts for its owner at the end.",
        "Parts of a difference are arithmetic, no causes: they say where to look first.",
    ]
    if tables.reps is None:
        texts.append(
            "Nothing is known of people's hours: everybody counts as full-time throughout."
        )
    elif records is None:
        texts.append("Absence is not recorded: days count from hiring to leaving.")
    return tuple(texts)


def definitions(options: ThroughputOptions, scope: Scope) -> dict[str, str]:
    """Return what each term of the chapter means."""
    limit = scope.display.share(options.tolerance_share, 0)
    return {
        "Deals ended": "Won or lost: work brought to an end, whatever its outcome.",
        "Full-time month": "21 working days of a full-time person, less recorded absence.",
        f"More than {limit}": "From the average of all sellers, each counted once; exactly "
        f"{limit} is not more. A reason to look, no verdict.",
        "Told from chance": "The rate differs from that of all others by more than chance makes, "
        "when everybody is looked at together.",
        "Work in progress, throughput, capacity": "Deals open at a time; deals ended per month; "
        "open deals beyond which fewer are won. Work in progress = throughput x time in progress.",
        "Expected next": "The rate drawn to that of all as far as chance explains the difference: "
        "what the next period brings if nothing is done.",
        **SELLER,
    }
