"""What each seller does and what comes of it, per time present; who answers for each number."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from analysis.core.shrinkage import shrunk_rates
from analysis.core.statistics import false_discovery_levels
from analysis.sales.people_inputs import LEAST_DAYS, Work
from analysis.sales.people_models import poisson_line
from analysis.sales.rep_names import rep_labels

MONTH_DAYS = 21.0  # full-time days of a month
_FEWEST_PEOPLE = 8  # for what goes with what between people
_FEWEST_RESULTS = 30
_Z = float(norm.ppf(0.9))


@dataclass(frozen=True)
class Metric:
    """A number that somebody answers for."""

    name: str
    kind: str  # "activity" (leading: in the person's hands) or "result" (lagging)
    owner: str
    meaning: str


METRICS: dict[str, Metric] = {
    "activity_count": Metric(
        "Activities done", "activity", "seller", "calls, meetings, ... completed by a person"
    ),
    "given_count": Metric(
        "Deals given", "activity", "sales director", "deals opened that the person owns"
    ),
    "on_time_share": Metric(
        "Tasks on time", "activity", "seller", "share of tasks done by their deadline"
    ),
    "steps_share": Metric(
        "Required steps done", "activity", "sales director", "required steps seen in won deals"
    ),
    "next_step_share": Metric(
        "Open deals with a next step", "activity", "seller", "open deals with a task still to come"
    ),
    "ended_count": Metric("Deals ended", "result", "seller", "deals won or lost"),
    "won_count": Metric("Deals won", "result", "seller", "deals won"),
    "won_amount": Metric("Won amount", "result", "seller", "value of deals won"),
    "revenue_amount": Metric(
        "Revenue", "result", "seller", "value of deals won stands for it where sellers are measured"
    ),
    "won_share": Metric(
        "Won of ended", "result", "sales director", "deals won of those won or lost"
    ),
    "ramp_months": Metric(
        "Months until settled", "result", "sales director", "time a new seller takes"
    ),
}
ALL = "all"  # types of activity together
_COUNTED = {"given_count": "is_given", "ended_count": "is_ended", "won_count": "is_won"}


def metric_table(work: Work, reps: pd.DataFrame | None) -> pd.DataFrame:
    """Return what each seller did and brought in the window, per time present; one row per metric.

    Columns: rep_id; seller; metric and its name; kind ("activity", "result"); activity_type (of
    one type of activity, "all" for all); total_count (an amount for won_amount); full_time_days;
    rate per `unit` (full-time day for activities, full-time month of 21 days for the rest);
    average_rate (of all together); shrunk_rate (drawn to that of all; not of amounts), rate_low and
    rate_high (80 %).
    """
    days = work.present[work.present >= LEAST_DAYS]
    parts = [_activity_rows(work, days, kind) for kind in _activity_types(work)]
    sums = work.window.groupby("rep_id")[[*_COUNTED.values(), "won_amount"]].sum()
    sums = sums.reindex(days.index).fillna(0.0)
    for name, column in _COUNTED.items():
        parts.append(_rates(name, "", sums[column], days, MONTH_DAYS))
    parts.append(_amounts(work, sums["won_amount"], days))
    table = pd.concat(parts, ignore_index=True)
    table = table.assign(
        seller=rep_labels(reps, table["rep_id"]),
        name=table["metric"].map({key: metric.name for key, metric in METRICS.items()}),
        kind=table["metric"].map({key: metric.kind for key, metric in METRICS.items()}),
    )
    table = table.sort_values(["seller", "rep_id"], kind="stable", ignore_index=True)
    columns = ["rep_id", "seller", "metric", "name", "kind", "activity_type", "total_count"]
    columns += [
        "full_time_days",
        "rate",
        "unit",
        "average_rate",
        "shrunk_rate",
        "rate_low",
        "rate_high",
    ]
    return table[columns]


def summary_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return one row per seller: what is done and comes of it, per time present.

    Columns: rep_id; seller; full_time_days; activity_day_rate (per full-time day); given_rate,
    ended_rate, won_rate and won_month_amount (per full-time month).
    """
    names = {
        "activity_count": "activity_day_rate",
        "given_count": "given_rate",
        "ended_count": "ended_rate",
        "won_count": "won_rate",
        "won_amount": "won_month_amount",
    }
    whole = metrics[metrics["activity_type"].isin(["", ALL])]
    keys = ["seller", "rep_id", "full_time_days"]
    wide = whole.pivot(index=keys, columns="metric", values="rate").reindex(columns=list(names))
    wide = wide.rename(columns=names).reset_index().rename_axis(columns=None)
    return wide[["rep_id", "seller", "full_time_days", *names.values()]]


def elasticity_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return how deals won per time go with activities per time, between sellers.

    Columns: activity_type ("all": all); person_count; elasticity (per cent more deals won that go
    with 1 per cent more activities) with low and high (95 %); p_value; discovery_level. Missing
    with fewer than 8 sellers or 30 deals won. An association only: who has more deals does more.
    """
    won = metrics[metrics["metric"] == "won_count"].set_index("rep_id")
    done = metrics[metrics["metric"] == "activity_count"]
    rows = [_elasticity(kind, mine, won) for kind, mine in done.groupby("activity_type")]
    columns = ["activity_type", "person_count", "elasticity", "elasticity_low", "elasticity_high"]
    table = pd.DataFrame(rows, columns=[*columns, "p_value"])
    return table.assign(discovery_level=false_discovery_levels(table["p_value"].astype(float)))


def owner_table(targets: pd.DataFrame | None, work: Work) -> pd.DataFrame:
    """Return who answers for each metric, and for how many sellers it has a target now.

    Columns: metric; name; kind; meaning; owner (the role that it belongs to); seller_count;
    target_count (sellers with a target for it that holds at the period's end); target_share. A
    target for a metric that is not in the list stands with the owner "nobody": it has to be
    defined.
    """
    held = _held_targets(targets, work)
    known = [(key, m.name, m.kind, m.meaning, m.owner) for key, m in METRICS.items()]
    others = sorted(set(held["metric"].dropna()) - set(METRICS))
    known += [(key, key, "", "not defined", "nobody") for key in others]
    table = pd.DataFrame(known, columns=["metric", "name", "kind", "meaning", "owner"])
    counts = held.groupby("metric")["level_id"].nunique()
    sellers = len(work.present)
    target_count = table["metric"].map(counts).fillna(0).astype(int)
    return table.assign(
        seller_count=sellers,
        target_count=target_count,
        target_share=target_count / sellers if sellers else np.nan,
    )


def _held_targets(targets: pd.DataFrame | None, work: Work) -> pd.DataFrame:
    if targets is None:
        return pd.DataFrame(columns=["metric", "level_id"])
    last = work.ends - pd.Timedelta(days=1)
    is_held = (targets["starts_on"] <= last) & (targets["ends_on"] >= last)
    is_known = targets["set_on"].isna() | (targets["set_on"] <= last)
    mine = targets[(targets["level"] == "rep") & is_held & is_known]
    return mine[mine["level_id"].isin(work.present.index)]


def _activity_types(work: Work) -> list[str]:
    done = work.done
    types = sorted(done["activity_type"].dropna().unique())
    return [ALL, *types] if len(done) else []


def _activity_rows(work: Work, days: pd.Series, kind: str) -> pd.DataFrame:
    done = work.done
    mine = done if kind == ALL else done[done["activity_type"] == kind]
    counts = mine.groupby("rep_id").size().reindex(days.index).fillna(0)
    return _rates("activity_count", kind, counts, days, 1.0)


def _rates(
    metric: str, activity_type: str, counts: pd.Series, days: pd.Series, unit_days: float
) -> pd.DataFrame:
    time = days / unit_days
    drawn = shrunk_rates(counts, time)
    return _metric_rows(metric, activity_type, counts, days, unit_days).assign(
        shrunk_rate=drawn["rate"].to_numpy(),
        rate_low=drawn["low"].to_numpy(),
        rate_high=drawn["high"].to_numpy(),
    )


def _amounts(work: Work, amounts: pd.Series, days: pd.Series) -> pd.DataFrame:
    """The variance of a sum of a chance number of amounts is the sum of their squares."""
    squares = (work.window["won_amount"] ** 2).groupby(work.window["rep_id"]).sum()
    half = _Z * np.sqrt(squares.reindex(days.index).fillna(0.0)) / days * MONTH_DAYS
    table = _metric_rows("won_amount", "", amounts, days, MONTH_DAYS)
    return table.assign(
        shrunk_rate=np.nan,
        rate_low=(table["rate"] - half.to_numpy()).clip(lower=0),
        rate_high=table["rate"] + half.to_numpy(),
    )


def _metric_rows(
    metric: str, activity_type: str, counts: pd.Series, days: pd.Series, unit_days: float
) -> pd.DataFrame:
    time = days / unit_days
    return pd.DataFrame(
        {
            "rep_id": days.index,
            "metric": metric,
            "activity_type": activity_type,
            "total_count": counts.to_numpy(float).round(2),
            "full_time_days": days.to_numpy(),
            "rate": (counts / time).to_numpy(),
            "unit": "full-time day" if unit_days == 1 else "full-time month",
            "average_rate": counts.sum() / time.sum() if len(time) else np.nan,
        }
    )


def _elasticity(kind: str, mine: pd.DataFrame, won: pd.DataFrame) -> tuple:
    known = mine[mine["total_count"] > 0]
    results = won.reindex(known["rep_id"])
    total = results["total_count"].sum()
    if len(known) < _FEWEST_PEOPLE or total < _FEWEST_RESULTS:
        return kind, len(known), np.nan, np.nan, np.nan, np.nan
    days = known["full_time_days"].to_numpy()
    line = poisson_line(results["total_count"], days, np.log(known["rate"]))
    return kind, len(known), line.slope, *line.interval(0.95), line.p_value
