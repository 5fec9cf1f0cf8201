"""The sentences of the throughput chapter; none says more than its interval allows."""

import pandas as pd

from analysis.core.result import Decision, Finding
from analysis.core.scope import Scope
from analysis.sales.funnel_cohort import Tables
from analysis.sales.rep_names import some_of
from analysis.sales.throughput_bridge import CAUSES
from analysis.sales.throughput_capacity import Capacity
from analysis.sales.throughput_options import ThroughputOptions


def findings(
    managers: pd.DataFrame,
    bridge: pd.DataFrame,
    alarms: pd.DataFrame,
    limit: Capacity,
    staff: pd.DataFrame,
    options: ThroughputOptions,
    scope: Scope,
) -> tuple[Finding, ...]:
    """Return who deserves a look, why, and what the department can do."""
    found = [_rule(managers, alarms, options, scope), _bridge(managers, bridge, scope)]
    found += [_people(staff, options, scope), Finding(limit.sentence)]
    return tuple(finding for finding in found if finding is not None)


def _rule(
    managers: pd.DataFrame, alarms: pd.DataFrame, options: ThroughputOptions, scope: Scope
) -> Finding:
    share, count = scope.display.share, scope.display.count
    beyond, different = managers[managers["is_beyond"]], managers[managers["is_different"]]
    limit = share(options.tolerance_share, 0)
    alarm = share(float(alarms["any_named_share"].iloc[0]), 0)
    caution = (
        f"With {count(len(managers))} sellers alike and this many deals, the rule of {limit} would "
        f"name at least one in {alarm} of such periods by chance alone."
    )
    farthest = beyond.sort_values("deviation_share", key=lambda s: -s.abs(), kind="stable")
    named = some_of(
        f"{row.manager} {scope.display.change(row.deviation_share, 0)}"
        for row in farthest.itertuples()
    )
    if beyond.empty:
        return Finding(f"Nobody is more than {limit} from the average.", caution)
    told = some_of(different["manager"]) or "nobody"
    return Finding(
        f"{count(len(beyond))} of {count(len(managers))} are more than {limit} from the average; "
        f"told from chance: {told}.",
        f"{named}. {caution}",
    )


def _worst_parts(managers: pd.DataFrame, bridge: pd.DataFrame) -> pd.DataFrame:
    """The parts of the one named who is farthest behind in revenue, worst first; or none."""
    is_low = managers["month_rate"] < managers["average_rate"]
    is_flagged = managers["is_beyond"] | managers["is_different"]
    names = managers.loc[is_low & is_flagged, "rep_id"]
    mine = bridge[bridge["rep_id"].isin(names) & (bridge["difference_amount"] < 0)]
    if mine.empty:
        return mine
    worst = mine.loc[mine["difference_amount"].idxmin(), "rep_id"]
    return mine[mine["rep_id"] == worst].sort_values("part_amount", kind="stable")


def _bridge(managers: pd.DataFrame, bridge: pd.DataFrame, scope: Scope) -> Finding | None:
    parts = _worst_parts(managers, bridge)
    if parts.empty:
        return None
    amount = scope.display.amount
    first = parts.iloc[0]
    is_sure = first["part_high_amount"] < 0
    caution = "" if is_sure else " Its range reaches 0: look before you conclude."
    text = "; ".join(f"{CAUSES[row.cause]} {amount(row.part_amount)}" for row in parts.itertuples())
    return Finding(
        f"{first['manager']} won {amount(-first['difference_amount'])} less than the average of "
        f"the others; most of it through {CAUSES[first['cause']]}.",
        f"It splits exactly into: {text}.{caution}",
        metric="won_difference_amount",
        value=float(first["difference_amount"]),
    )


def _people(staff: pd.DataFrame, options: ThroughputOptions, scope: Scope) -> Finding | None:
    enough = staff[staff["enough_share"] >= options.enough_share]
    have, plain = int(staff["have_people"].iloc[0]), int(staff["plain_people"].iloc[0])
    growth = options.growth_share
    more = (
        f"{scope.display.share(abs(growth), 0)} {'more' if growth > 0 else 'fewer'} deals than now"
    )
    goal = more if growth else "as many deals as now"
    if enough.empty:
        return None
    need, chance = int(enough["people"].iloc[0]), scope.display.share(options.enough_share, 0)
    return Finding(
        f"{need} full-time sellers would bring {goal} with a chance of {chance}; there were "
        f"{have}.",
        f"Plain division says {plain}; the rest is for new people who learn, for those who leave "
        "and for chance. It assumes that each finds enough deals to work on.",
    )


def decisions(
    managers: pd.DataFrame, bridge: pd.DataFrame, plays: pd.DataFrame
) -> tuple[Decision, ...]:
    """Return what only leaders can decide: who looks into the gap that the finding names."""
    worst = _worst_parts(managers, bridge)["rep_id"].head(1)
    mine = plays[plays["rep_id"].isin(worst)]
    if mine.empty:
        return ()
    first = mine.iloc[0]
    return (
        Decision(
            f"Who looks into why {first['manager']} is behind? Most of it is "
            f"{CAUSES[first['cause']]}: check {first['check']}.",
            worth_amount=-float(first["part_amount"]),
            owner="" if pd.isna(first["owner"]) else str(first["owner"]),
            due_on=first["due_on"],
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
        f"More than {limit}": "From the average of all managers, each counted once; exactly "
        f"{limit} is not more. A reason to look, no verdict.",
        "Told from chance": "The rate differs from that of all others by more than chance makes, "
        "when everybody is looked at together.",
        "Work in progress, throughput, capacity": "Deals open at a time; deals ended per month; "
        "open deals beyond which fewer are won. Work in progress = throughput x time in progress.",
        "Expected next": "The rate drawn to that of all as far as chance explains the difference: "
        "what the next period brings if nothing is done.",
    }
