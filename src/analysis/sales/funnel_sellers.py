"""How sellers convert, fairly: adjusted for the work they were given, and for chance."""

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.core.shrinkage import shrunk_shares
from analysis.core.statistics import false_discovery_levels
from analysis.sales.funnel_cohort import Cohort, win_incidence
from analysis.sales.funnel_mix import MIX, compare_groups
from analysis.sales.funnel_options import FunnelOptions
from analysis.sales.rep_names import is_person, rep_labels

_DAY = pd.Timedelta(days=1)
_YEAR_DAYS = 365
TOO_FEW = "too few deals"
SHOWN_ONLY = "shown, not compared"
_COLUMNS = ["rep_id", "seller", "deal_count", "won_count", "lost_count", "open_count"]
_COLUMNS += ["closed_share", "win_share", "win_low_share", "win_high_share", "mature_count"]
_COLUMNS += ["expected_share", "standardised_share", "standardised_low_share"]
_COLUMNS += ["standardised_high_share", "method", "p_value", "shrunk_share", "shrunk_low_share"]
_COLUMNS += ["shrunk_high_share", "below_share", "common_share", "discovery_level", "verdict"]
_STAGE_COLUMNS = ["rep_id", "seller", "stage_order", "stage_name", "trial_count", "passed_count"]
_STAGE_COLUMNS += ["pass_share", "team_share", "expected_share", "shrunk_share"]
_STAGE_COLUMNS += ["shrunk_low_share", "shrunk_high_share", "below_share", "p_value"]
_STAGE_COLUMNS += ["year_amount", "discovery_level", "is_behind"]
ALIKE = "not told from the team"
BELOW, ABOVE = "below the team", "above the team"


def seller_table(cohort: Cohort, reps: pd.DataFrame | None, options: FunnelOptions) -> pd.DataFrame:
    """Return one row per seller (owner of the deal at the end), by name.

    Columns: rep_id; seller; deal_count, won_count, lost_count, open_count (of the cohort);
    closed_share (won of closed: what is usually shown); win_share with low and high (within the
    horizon, open deals censored, 80 %); mature_count (deals known for the whole horizon, on which
    everything that follows stands); expected_share (of others with the same work);
    standardised_share with low and high, and method (see `compare_groups`); shrunk_share with low
    and high (drawn to the team's); below_share (chance that the seller is truly below the team's
    rate, not adjusted for mix); p_value and discovery_level (false discoveries controlled over the
    sellers compared); verdict.

    Rates of sellers with fewer than `least_shown` deals are missing: they would say nothing.
    """
    deals = cohort.deals[is_person(reps, cohort.deals["rep_id"])]
    cohort = replace(cohort, deals=deals)
    table = pd.DataFrame([_counts(name, mine) for name, mine in deals.groupby("rep_id")])
    if table.empty:
        return pd.DataFrame(columns=_COLUMNS)
    table = table.assign(seller=rep_labels(reps, table["rep_id"]))
    shares = [_win_share(mine, cohort) for _, mine in deals.groupby("rep_id")]
    ends = ["win_share", "win_low_share", "win_high_share"]
    table = table.join(pd.DataFrame(shares, columns=ends))
    table = table.merge(_adjusted(cohort, options), how="left", on="rep_id")
    table = table.assign(mature_count=table["mature_count"].fillna(0).astype(int))
    shown, compared = _enough(table["mature_count"], options)
    p_value = table["p_value"].where(compared)
    levels = false_discovery_levels(p_value)
    table = table.assign(p_value=p_value, discovery_level=levels)
    table = table.assign(verdict=_verdicts(table, shown, compared, options))
    withheld = [c for c in table.columns if c.endswith("_share")]
    table[withheld] = table[withheld].where(shown, np.nan)
    return _ordered(table)


def _counts(name: str, mine: pd.DataFrame) -> dict:
    outcomes = mine["outcome"].value_counts()
    won, lost = int(outcomes.get("won", 0)), int(outcomes.get("lost", 0))
    return {
        "rep_id": name,
        "deal_count": len(mine),
        "won_count": won,
        "lost_count": lost,
        "open_count": int(outcomes.get("open", 0)),
        "closed_share": won / (won + lost) if won + lost else np.nan,
    }


def _win_share(mine: pd.DataFrame, cohort: Cohort) -> tuple[float, float, float]:
    found = win_incidence(mine)
    horizon = cohort.horizon_days
    return found.at(horizon, "won"), *found.interval(horizon, "won")


def _adjusted(cohort: Cohort, options: FunnelOptions) -> pd.DataFrame:
    table = compare_groups(cohort.mature, "rep_id", "is_won_in_time", least_cell=options.least_cell)
    drawn = shrunk_shares(table["success_count"], table["trial_count"])
    names = {"share": "shrunk_share", "low": "shrunk_low_share", "high": "shrunk_high_share"}
    table = table.join(drawn.rename(columns=names)).drop(columns=["raw_share", "success_count"])
    return table.rename(columns={"trial_count": "mature_count"})


def _enough(count: pd.Series, options: FunnelOptions) -> tuple[pd.Series, pd.Series]:
    return count >= options.least_shown, count >= options.least_compared


def _verdicts(
    table: pd.DataFrame, shown: pd.Series, compared: pd.Series, options: FunnelOptions
) -> np.ndarray:
    is_found = table["discovery_level"] <= options.false_discovery_share
    is_below = table["standardised_share"] < table["common_share"]
    return np.select(
        [~shown, ~compared, is_found & is_below, is_found],
        [TOO_FEW, SHOWN_ONLY, BELOW, ABOVE],
        ALIKE,
    )


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    first = ["rep_id", "seller", "deal_count", "won_count", "lost_count", "open_count"]
    rest = [name for name in table.columns if name not in (*first, "verdict")]
    table = table[[*first, *rest, "verdict"]]
    return table.sort_values(["seller", "rep_id"], ignore_index=True)


def seller_stage_table(
    cohort: Cohort, reps: pd.DataFrame | None, options: FunnelOptions
) -> pd.DataFrame:
    """Return how each seller passes each stage: one row per owner at the time and open stage.

    Columns: rep_id; seller; stage_order; stage_name; trial_count (deals that came to the stage
    long enough ago to be judged: nine tenths of the others had left it sooner); passed_count;
    pass_share; team_share (of all others); expected_share (of others with the same work);
    shrunk_share with low and high; below_share (chance that the seller truly passes less often
    than the team, not adjusted for mix); p_value; discovery_level (over all sellers and stages
    compared); year_amount (what passing as often as others with the same work would have brought in
    a year: value x win share after the stage, of the shrunk difference; negative where the seller
    passes more); is_behind.
    """
    mine = cohort.passages[is_person(reps, cohort.passages["rep_id"])]
    cohort = replace(cohort, passages=mine)
    parts = [_one_stage(cohort, order, options) for order in cohort.names]
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame(columns=_STAGE_COLUMNS)
    table = pd.concat(parts, ignore_index=True)
    compared = table["trial_count"] >= options.least_compared
    p_value = table["p_value"].where(compared)
    levels = false_discovery_levels(p_value)
    is_low = table["pass_share"] < table["expected_share"]
    is_behind = (levels <= options.false_discovery_share) & is_low
    table = table.assign(p_value=p_value, discovery_level=levels, is_behind=is_behind)
    shown = table["trial_count"] >= options.least_shown
    withheld = ["pass_share", "shrunk_share", "shrunk_low_share", "shrunk_high_share"]
    withheld += ["expected_share", "year_amount", "below_share"]
    table[withheld] = table[withheld].where(shown, np.nan)
    table = table.assign(seller=rep_labels(reps, table["rep_id"]))
    first = ["rep_id", "seller", "stage_order", "stage_name"]
    table = table[[*first, *(name for name in table.columns if name not in first)]]
    return table.sort_values(["seller", "rep_id", "stage_order"], ignore_index=True)


def _one_stage(cohort: Cohort, order: int, options: FunnelOptions) -> pd.DataFrame:
    cases = _settled(cohort, order)
    found = compare_groups(cases, "rep_id", "is_passed", least_cell=options.least_cell)
    if found.empty:
        return found
    trials, passed = found["trial_count"], found["success_count"]
    drawn = shrunk_shares(passed, trials)
    rest = trials.sum() - trials
    missing = found["expected_share"] - drawn["share"]
    value = _value_after(cohort, order)
    per_year = trials * _YEAR_DAYS / options.cohort_days
    return pd.DataFrame(
        {
            "rep_id": found["rep_id"],
            "stage_order": order,
            "stage_name": cohort.names[order],
            "trial_count": trials,
            "passed_count": passed,
            "pass_share": found["raw_share"],
            "team_share": (passed.sum() - passed) / rest.where(rest > 0),
            "expected_share": found["expected_share"],
            "shrunk_share": drawn["share"],
            "shrunk_low_share": drawn["low"],
            "shrunk_high_share": drawn["high"],
            "below_share": drawn["below_share"],
            "p_value": found["p_value"],
            "year_amount": (missing * per_year * value).round(2),
        }
    )


def _settled(cohort: Cohort, order: int) -> pd.DataFrame:
    """Deals that came to the stage long enough ago, with whether they passed it in that time."""
    mine = cohort.passages[cohort.passages["stage_order"] == order]
    left = mine.loc[mine["result"] != "", "days"]
    limit = float(left.quantile(0.9)) if len(left) else 0.0
    deals = cohort.deals.set_index("opportunity_id")
    is_settled = (cohort.end - mine["reached_at"]) / _DAY >= limit
    cases = mine[is_settled].join(deals[MIX], on="opportunity_id")
    return cases.assign(is_passed=(cases["result"] == "passed") & (cases["days"] <= limit))


def _value_after(cohort: Cohort, order: int) -> float:
    """What a deal that has passed the stage brings on average."""
    passed = cohort.passages[
        (cohort.passages["stage_order"] == order) & (cohort.passages["result"] == "passed")
    ]
    deals = cohort.deals.set_index("opportunity_id").loc[passed["opportunity_id"]]
    closed = deals[deals["outcome"] != "open"]
    worth = closed["value_amount"].where(closed["outcome"] == "won", 0.0)
    return float(worth.mean()) if len(closed) else 0.0
