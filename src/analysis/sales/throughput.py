"""How many deals does each seller bring to an end, and how many sellers are needed?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.figures import Chart
from analysis.core.result import Number, Result
from analysis.core.scope import Scope
from analysis.core.shrinkage import shrunk_rates
from analysis.core.statistics import false_discovery_levels
from analysis.sales.deals import deals_as_of
from analysis.sales.funnel_cohort import NO_DEALS, Tables, category_of
from analysis.sales.funnel_mix import chances_of_others
from analysis.sales.playbook import playbook
from analysis.sales.presence import full_time_days, known_people, settled, window_start
from analysis.sales.rep_names import is_person, leader_labels, rep_labels
from analysis.sales.selling_models import pace_by_model
from analysis.sales.throughput_bridge import CAUSES, bridge_table
from analysis.sales.throughput_capacity import (
    Capacity,
    People,
    around_answer,
    capacity,
    headcount_table,
    littles_law,
    open_at_start,
    plain_headcount,
    with_utilisation,
)
from analysis.sales.throughput_charts import bridge_chart, limit_chart
from analysis.sales.throughput_findings import caveats, decisions, definitions, findings
from analysis.sales.throughput_norms import (
    MONTH_DAYS,
    QUARTERS,
    benchmark_table,
    lasting_share,
    quarters_beyond,
)
from analysis.sales.throughput_options import ThroughputOptions
from analysis.sales.throughput_rules import against_others, alarm_shares, deviations

__all__ = ["ThroughputOptions", "throughput"]

NAME = "throughput"
TITLE = "What the sales department gets done"
_DAY = pd.Timedelta(days=1)
_FEWEST_DEALS = 20
_LEAST_DAYS = 10.0  # full-time days for a rate of one person


@dataclass(frozen=True)
class _Work:
    """The deals of the window and the time that people had for them."""

    deals: pd.DataFrame
    window: pd.DataFrame  # given or ended within it
    present: pd.Series
    starts: pd.Timestamp
    ends: pd.Timestamp

    @property
    def days(self) -> int:
        """How many days of the window have data."""
        return (self.ends - self.starts).days


def throughput(
    tables: Tables,
    time_records: pd.DataFrame | None = None,
    *,
    scope: Scope,
    options: ThroughputOptions | None = None,
) -> Result:
    """Measure deals brought to an end per full-time month, by seller, and what explains it.

    Tables of the Result: `sellers`, `rule_alarms`, `bridge`, `benchmarks`, `selling_models` (as of
    `pace_by_model`), `playbook`, `flow` (work in progress, throughput and cycle tied by Little's
    law), `headcount` (rows around the answer and both ends). A seller is whoever owned deals in the
    window; without the table reps everybody counts as full-time, and the limits say so.
    """
    options = options or ThroughputOptions()
    if tables.opportunities is None:
        return Result.nothing(NAME, TITLE, scope.period, NO_DEALS)
    work = _work(tables, time_records, scope, options)
    ended = work.window[work.window["is_ended"]] if len(work.window) else work.window
    if len(ended) < _FEWEST_DEALS:
        found = scope.display.count(len(ended))
        sentence = f"{found} deals were won or lost: too few to say what people get done."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    limit = _capacity(work)
    sellers = with_utilisation(_with_quarters(work, tables.reps, time_records, options), limit)
    bridge = _named(bridge_table(work.window, work.present, options.seed), tables.reps)
    flow = pd.DataFrame([littles_law(work.deals, work.starts, work.ends)])
    staff = _staff(work, options)
    norms = benchmark_table(work.window, work.present)
    alarms = _alarms(sellers, options)
    known = _established(bridge, sellers)
    plays = playbook(_flags(sellers, tables.reps), known, scope)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(sellers, flow, work),
        findings=findings(sellers, known, alarms, limit, staff, norms, options, scope),
        decisions=decisions(sellers, known, plays, staff, options, scope),
        tables={
            "sellers": sellers,
            "bridge": bridge,
            "playbook": plays,
            "benchmarks": norms,
            "selling_models": pace_by_model(work.window, work.present),
            "rule_alarms": alarms,
            "flow": flow,
            "headcount": around_answer(staff, options.enough_share),
        },
        charts=_charts(sellers, known, options, scope),
        caveats=caveats(tables, time_records, work.days, scope),
        definitions=definitions(options, scope),
    )


def _charts(
    sellers: pd.DataFrame, known: pd.DataFrame, options: ThroughputOptions, scope: Scope
) -> dict[str, Chart]:
    return {
        "throughput": limit_chart(sellers, options, scope),
        "bridge": bridge_chart(known, sellers, scope),
    }


def seller_table(
    window: pd.DataFrame,
    present: pd.Series,
    reps: pd.DataFrame | None,
    options: ThroughputOptions,
) -> pd.DataFrame:
    """Return one row per seller, by name.

    Columns: rep_id; seller; full_time_days; given_count; ended_count; won_count; won_amount;
    month_rate (deals ended per full-time month); average_rate (of sellers, each counted once);
    deviation_share and is_beyond (the tolerance rule); others_rate; limit_low_rate and
    limit_high_rate (95 % of sellers like the others lie between); shrunk_rate with low and high
    (80 %); p_value; discovery_level; is_different (false discoveries controlled).
    """
    sums = window.groupby("rep_id").agg(
        given_count=("is_given", "sum"),
        ended_count=("is_ended", "sum"),
        won_count=("is_won", "sum"),
        won_amount=("won_amount", "sum"),
    )
    days = present.rename("full_time_days").rename_axis("rep_id")
    table = days[days >= _LEAST_DAYS].to_frame().join(sums).fillna(0.0)
    table = table[table["given_count"] + table["ended_count"] > 0].reset_index()
    months = table["full_time_days"] / MONTH_DAYS
    table = table.assign(month_rate=table["ended_count"] / months)
    rule = deviations(table["month_rate"], options.tolerance_share)
    compared = against_others(table["ended_count"], months)
    drawn = shrunk_rates(table["ended_count"], months)
    names = {"rate": "shrunk_rate", "low": "shrunk_low_rate", "high": "shrunk_high_rate"}
    table = table.assign(
        seller=rep_labels(reps, table["rep_id"]),
        average_rate=rule["average"],
        deviation_share=rule["deviation_share"],
        is_beyond=rule["is_beyond"],
    )
    table = table.join(compared).join(drawn.rename(columns=names)[list(names.values())])
    levels = false_discovery_levels(table["p_value"])
    is_different = levels <= options.false_discovery_share
    table = table.assign(discovery_level=levels, is_different=is_different)
    return table.sort_values(["seller", "rep_id"], ignore_index=True)


def _work(
    tables: Tables, records: pd.DataFrame | None, scope: Scope, options: ThroughputOptions
) -> _Work:
    deals = deals_as_of(tables.opportunities, tables.stage_events, tables.stages, scope.as_of)
    ends = pd.Timestamp(scope.as_of) + _DAY
    starts = window_start(ends, options.window_days, deals["created_at"])
    is_given = deals["created_at"] >= starts
    is_ended = (deals["outcome"] != "open") & (deals["ended_at"] >= starts)
    window = deals.assign(
        is_given=is_given,
        is_ended=is_ended,
        is_won=is_ended & (deals["outcome"] == "won"),
        product_category=category_of(deals, tables.products),
    )
    is_theirs = is_person(tables.reps, deals["rep_id"])
    window = window[(is_given | is_ended) & is_theirs].reset_index(drop=True)
    window = window.assign(
        won_amount=window["value_amount"].where(window["is_won"], 0.0).fillna(0.0),
        chance=_chances(window),
    )
    return _Work(deals, window, _present(window, tables.reps, records, starts, ends), starts, ends)


def _with_quarters(
    work: _Work,
    reps: pd.DataFrame | None,
    records: pd.DataFrame | None,
    options: ThroughputOptions,
) -> pd.DataFrame:
    """The sellers, with deals open now, quarters beyond the rule, and whether they are settled."""
    sellers = seller_table(work.window, work.present, reps, options)
    people = known_people(reps, pd.Index(work.present.index))
    span = (work.starts, work.ends)
    counts = quarters_beyond(work.window, people, span, records, options.tolerance_share)
    is_open = work.deals["outcome"] == "open"
    held = work.deals.loc[is_open, "rep_id"].value_counts()
    table = sellers.join(counts, on="rep_id")
    last = work.ends - _DAY
    return table.assign(
        open_count=table["rep_id"].map(held).fillna(0).astype(int),
        is_settled=settled(reps, table["rep_id"], last, options.ramp_months),
    )


def _chances(window: pd.DataFrame) -> np.ndarray:
    chances = np.zeros(len(window))
    is_ended = window["is_ended"].to_numpy()
    if is_ended.any():
        chances[is_ended] = chances_of_others(window[is_ended], "rep_id", "is_won")
    return chances


def _present(
    window: pd.DataFrame,
    reps: pd.DataFrame | None,
    records: pd.DataFrame | None,
    starts: pd.Timestamp,
    ends: pd.Timestamp,
) -> pd.Series:
    both = known_people(reps, pd.Index(sorted(window["rep_id"].unique())))
    return full_time_days(both, starts, ends, records).sort_index()


def _capacity(work: _Work) -> Capacity:
    ended = work.deals[(work.deals["outcome"] != "open") & work.deals["rep_id"].notna()]
    if ended.empty:
        return capacity(np.zeros(0), np.zeros(0))
    owned = work.deals[work.deals["rep_id"].notna()].reset_index(drop=True)
    load = open_at_start(owned)
    is_ended = (owned["outcome"] != "open").to_numpy()
    return capacity(load[is_ended], (owned["outcome"] == "won").to_numpy()[is_ended])


def _staff(work: _Work, options: ThroughputOptions) -> pd.DataFrame:
    months = float(work.present.sum()) / MONTH_DAYS
    ended = float(work.window["is_ended"].sum())
    window_months = work.days / 365 * 12
    target = ended / window_months * (1 + options.growth_share)
    have = round(months / window_months)
    people = People(ended, months, options.ramp_months, options.leaving_share, options.seed)
    table = headcount_table(target, people, have)
    plain = plain_headcount(target, ended / months)
    return table.assign(target_month_count=target, have_people=have, plain_people=plain)


def _alarms(sellers: pd.DataFrame, options: ThroughputOptions) -> pd.DataFrame:
    """How often the tolerance rule names equal sellers, for this department as it is."""
    mean, count = float(sellers["ended_count"].mean()), len(sellers)
    given, any_of = alarm_shares(mean, count, options.tolerance_share, options.seed)
    side = alarm_shares(mean / QUARTERS, count, options.tolerance_share, options.seed)[0] / 2
    row = (mean, count, given, any_of, lasting_share(side))
    columns = ["mean_ended_count", "seller_count", "one_named_share", "any_named_share"]
    columns.append("lasting_share")
    return pd.DataFrame([row], columns=columns)


def _named(bridge: pd.DataFrame, reps: pd.DataFrame | None) -> pd.DataFrame:
    """With the names of sellers and causes, the seller farthest behind first."""
    ordered = bridge.sort_values(["difference_amount", "rep_id"], kind="stable", ignore_index=True)
    ordered.insert(0, "seller", rep_labels(reps, ordered["rep_id"]))
    ordered.insert(1, "part", ordered["cause"].map(CAUSES).astype("str"))
    return ordered


def _flags(sellers: pd.DataFrame, reps: pd.DataFrame | None) -> pd.DataFrame:
    is_low = sellers["month_rate"] < sellers["average_rate"]
    flagged = sellers[is_low & sellers["is_different"] & sellers["is_settled"]]
    leaders = leader_labels(flagged["rep_id"], reps)
    return flagged.assign(
        rate=flagged["month_rate"], expected_next_rate=flagged["shrunk_rate"], leader=leaders
    )


def _established(bridge: pd.DataFrame, sellers: pd.DataFrame) -> pd.DataFrame:
    """The parts of sellers who were there for half of the time or more."""
    days = sellers["full_time_days"]
    names = sellers.loc[days >= days.max() / 2, "rep_id"]
    return bridge[bridge["rep_id"].isin(names)]


def _headline(sellers: pd.DataFrame, flow: pd.DataFrame, work: _Work) -> dict[str, Number]:
    months = sellers["full_time_days"].sum() / MONTH_DAYS
    ended = float(sellers["ended_count"].sum())
    drawn = shrunk_rates([ended], [months])
    row = flow.iloc[0]
    days = f"in {work.days} days"
    return {
        "month_rate": Number(
            "Deals ended per full-time month",
            ended / months,
            "number",
            float(drawn["low"].iloc[0]),
            float(drawn["high"].iloc[0]),
            note=days,
        ),
        "ended": Number("Deals won or lost", ended, "count", note=days),
        "wip": Number("Open deals, on average", float(row["wip_count"]), "number", note=days),
        "full_time": Number("Full-time months worked", float(months), "number", note=days),
    }
