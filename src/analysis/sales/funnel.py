"""How do deals come through the funnel, who converts how often, and where is money lost?"""

import pandas as pd

from analysis.core.result import Number, Result
from analysis.core.scope import Scope
from analysis.core.shrinkage import shrunk_shares
from analysis.core.statistics import wilson_interval
from analysis.sales.funnel_charts import seller_chart, stage_chart
from analysis.sales.funnel_cohort import NO_DEALS, Cohort, Tables, cohort_of, win_incidence
from analysis.sales.funnel_findings import caveats, decisions, definitions, findings
from analysis.sales.funnel_mix import mix_table
from analysis.sales.funnel_options import FunnelOptions
from analysis.sales.funnel_sellers import seller_stage_table, seller_table
from analysis.sales.funnel_speed import TOTAL, speed_finding, speed_table
from analysis.sales.funnel_stages import leak_table, path_table, stage_table, velocity

__all__ = ["FunnelOptions", "Tables", "funnel"]

NAME = "funnel"
TITLE = "How deals come through the funnel"
_FEWEST_DEALS = 20
_LAST_YEAR = "in the last year, or since the first deal"
_KINDS = ("product_category", "channel", "deal_type", "selling_model")


def funnel(tables: Tables, *, scope: Scope, options: FunnelOptions | None = None) -> Result:
    """Measure conversion of the team and of each seller, stage by stage.

    Tables of the Result: `stages`, `sellers`, `seller_stages`, `groups` (by product category,
    channel, deal type, selling model), `leaks`, `paths`, `mix`, `speed` (won
    per day, by the usual formula and as it was); those about stages are empty without stage
    events. Only what was known at the period's end is used.
    """
    options = options or FunnelOptions()
    if tables.opportunities is None:
        return Result.nothing(NAME, TITLE, scope.period, NO_DEALS)
    cohort = cohort_of(tables, scope, options)
    if len(cohort.deals) < _FEWEST_DEALS or not cohort.horizon_days:
        found = scope.display.count(len(cohort.deals))
        sentence = f"{found} deals were opened: too few to say how they come through the funnel."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    stages = stage_table(cohort, tables.stages)
    sellers = seller_table(cohort, tables.reps, options)
    steps = seller_stage_table(cohort, tables.reps, options)
    leaks = leak_table(cohort)
    mix = mix_table(cohort.mature.dropna(subset=["rep_id"]), "rep_id")
    speed = speed_table(cohort)
    told = speed_finding(speed, velocity(cohort, options.seed), scope)
    charts = {"sellers": seller_chart(sellers, cohort.horizon_days, scope)}
    if len(stages):
        charts["stages"] = stage_chart(stages, len(cohort.deals), scope)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(cohort, speed),
        findings=(*findings(sellers, steps, leaks, mix, options, scope), *([told] if told else [])),
        decisions=decisions(sellers, steps, tables.reps, scope),
        tables={
            "stages": stages,
            "sellers": sellers,
            "seller_stages": steps,
            "groups": _in_words(group_table(cohort, options), "kind"),
            "leaks": leaks,
            "paths": path_table(cohort),
            "mix": _in_words(mix, "attribute"),
            "speed": speed,
        },
        charts=charts,
        caveats=caveats(cohort, options, scope),
        definitions=definitions(cohort, options, scope),
    )


def _in_words(table: pd.DataFrame, column: str) -> pd.DataFrame:
    return table.assign(**{column: table[column].astype("str").str.replace("_", " ")})


def _headline(cohort: Cohort, speed: pd.DataFrame) -> dict[str, Number]:
    deals = cohort.deals
    found = win_incidence(deals)
    days = f"within {cohort.horizon_days:.0f} days of being opened"
    closed = deals[deals["outcome"] != "open"]
    won = closed[closed["outcome"] == "won"]
    numbers = {"deals": Number("Deals opened", float(len(deals)), "count")}
    if "won" in found.shares:
        share = found.at(cohort.horizon_days, "won")
        ends = found.interval(cohort.horizon_days, "won")
        numbers["won_share"] = Number("Won", share, "share", *ends, note=days)
    ends = wilson_interval(len(won), len(closed))
    numbers["closed_share"] = Number(
        "Won of closed", len(won) / len(closed), "share", *ends, note="what is usually shown"
    )
    for value in speed.loc[speed["factor"] == TOTAL, "happened_number"]:
        numbers["won_per_day"] = Number("Won per day, mean", value, "amount", note=_LAST_YEAR)
    numbers["cycle_days"] = Number("Days to win, median", float(won["age_days"].median()), "number")
    return {name: number for name, number in numbers.items() if number.value == number.value}


def group_table(cohort: Cohort, options: FunnelOptions) -> pd.DataFrame:
    """Return how kinds of deals convert: one row per kind and value.

    Columns: kind; value; deal_count; won_share with low and high (within the horizon, open deals
    censored, 80 %; missing below `least_shown` deals); shrunk_share (drawn to all of its kind,
    deals known for the whole horizon); win_days (median, of deals won); won_mean_amount (value of
    a deal won, mean).
    """
    parts = [_groups(cohort, kind, options) for kind in _KINDS]
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def _groups(cohort: Cohort, kind: str, options: FunnelOptions) -> pd.DataFrame:
    deals = cohort.deals.assign(value=cohort.deals[kind].astype(object).fillna("not known"))
    mature = cohort.mature.assign(value=cohort.mature[kind].astype(object).fillna("not known"))
    values = sorted(deals["value"].unique())
    rows = [
        (kind, value, *_group_share(deals[deals["value"] == value], cohort, options))
        for value in values
    ]
    columns = ["kind", "value", "deal_count", "won_share", "won_low_share", "won_high_share"]
    counts = (
        mature.groupby("value")["is_won_in_time"].agg(["sum", "size"]).reindex(values).fillna(0)
    )
    drawn = shrunk_shares(counts["sum"], counts["size"])["share"]
    won = deals[deals["outcome"] == "won"].groupby("value")
    return pd.DataFrame(rows, columns=columns).assign(
        shrunk_share=drawn.to_numpy(),
        win_days=won["age_days"].median().reindex(values).to_numpy(),
        won_mean_amount=won["value_amount"].mean().reindex(values).to_numpy(dtype=float),
    )


def _group_share(
    deals: pd.DataFrame, cohort: Cohort, options: FunnelOptions
) -> tuple[int, float, float, float]:
    found = win_incidence(deals)
    if len(deals) < options.least_shown or "won" not in found.shares:
        return len(deals), float("nan"), float("nan"), float("nan")
    horizon = cohort.horizon_days
    return len(deals), found.at(horizon, "won"), *found.interval(horizon, "won")
