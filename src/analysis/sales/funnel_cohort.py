"""The deals that a funnel is measured on, and what became of each within the time it is given."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.scope import Scope
from analysis.core.survival import Incidence, aalen_johansen
from analysis.sales.deals import deals_as_of, stages_reached, stays_as_of
from analysis.sales.funnel_options import FunnelOptions

NO_DEALS = "No deals are loaded: nothing can be said about selling."
_DAY = pd.Timedelta(days=1)
_WON_SHARE = 0.95  # of won deals took no longer than the horizon


@dataclass(frozen=True)
class Tables:
    """The canonical tables of selling; None where the project has none."""

    opportunities: pd.DataFrame | None
    stage_events: pd.DataFrame | None = None
    stages: pd.DataFrame | None = None
    reps: pd.DataFrame | None = None
    products: pd.DataFrame | None = None


@dataclass(frozen=True)
class Cohort:
    """Deals opened in the window, as known at the end of the period.

    `deals` is `deals_as_of` with product_category and is_mature (known for at least the horizon).
    `passages` has one row per deal and open stage that it reached: opportunity_id, stage_order,
    reached_at, rep_id (owner when it came there), result ("passed", "lost", "" while there), days
    (in the stage or beyond, until passed, lost or the end). `names` gives the stages' names by
    order. Without stage events `passages` is empty. `known` are all deals of the funnel, also those
    opened before the window.
    """

    deals: pd.DataFrame
    stays: pd.DataFrame
    passages: pd.DataFrame
    names: dict[int, str]
    horizon_days: float
    end: pd.Timestamp  # the first moment that is not known
    known: pd.DataFrame

    @property
    def mature(self) -> pd.DataFrame:
        """Deals known for the whole horizon, with is_won_in_time."""
        deals = self.deals[self.deals["is_mature"]]
        in_time = (deals["outcome"] == "won") & (deals["age_days"] <= self.horizon_days)
        return deals.assign(is_won_in_time=in_time)


def cohort_of(tables: Tables, scope: Scope, options: FunnelOptions) -> Cohort:
    """Return the deals opened within `cohort_days` that the filters leave."""
    opportunities = _filtered(tables, options)
    known = deals_as_of(opportunities, tables.stage_events, tables.stages, scope.as_of)
    end = pd.Timestamp(scope.as_of) + _DAY
    deals = known[known["created_at"] >= end - options.cohort_days * _DAY].reset_index(drop=True)
    deals = deals.assign(product_category=category_of(deals, tables.products))
    horizon = _horizon(deals, options)
    deals = deals.assign(is_mature=(end - deals["created_at"]) / _DAY >= horizon)
    stays = stays_as_of(opportunities, tables.stage_events, tables.stages, scope.as_of)
    stays = stays[stays["opportunity_id"].isin(deals["opportunity_id"])]
    passages, names = _passages(stays, deals, end) if len(stays) else (_no_passages(), {})
    return Cohort(deals, stays, passages, names, horizon, end, known)


def win_incidence(deals: pd.DataFrame) -> Incidence:
    """Return the cumulative incidence of won and lost by days since a deal was opened."""
    causes = deals["outcome"].where(deals["outcome"] != "open", "")
    return aalen_johansen(deals["age_days"].clip(lower=0), causes)


def _filtered(tables: Tables, options: FunnelOptions) -> pd.DataFrame:
    deals = tables.opportunities
    pipelines = deals["pipeline_id"].value_counts()
    if len(pipelines):
        # Of several equally large pipelines the first by name.
        largest = min(pipelines.index[pipelines == pipelines.max()])
        deals = deals[deals["pipeline_id"] == (options.pipeline_id or largest)]
    if options.channel:
        deals = deals[deals["channel"] == options.channel]
    if options.product_category:
        deals = deals[category_of(deals, tables.products) == options.product_category]
    return deals


def category_of(deals: pd.DataFrame, products: pd.DataFrame | None) -> pd.Series:
    """Return the product category of each deal; the product where there are no categories."""
    if products is None or "product_category" not in products:
        return deals["product_id"].astype("str").fillna("not known")
    categories = products.drop_duplicates("product_id").set_index("product_id")["product_category"]
    return deals["product_id"].map(categories).fillna("not known").astype("str")


def _horizon(deals: pd.DataFrame, options: FunnelOptions) -> float:
    if options.horizon_days:
        return float(options.horizon_days)
    won = deals.loc[deals["outcome"] == "won", "age_days"]
    return float(np.ceil(won.quantile(_WON_SHARE))) if len(won) else 0.0


def _no_passages() -> pd.DataFrame:
    columns = ["opportunity_id", "stage_order", "reached_at", "rep_id", "result", "days"]
    return pd.DataFrame(columns=columns)


def _passages(
    stays: pd.DataFrame, deals: pd.DataFrame, end: pd.Timestamp
) -> tuple[pd.DataFrame, dict[int, str]]:
    reached = stages_reached(stays, deals).sort_values(["opportunity_id", "stage_order"])
    later = reached.groupby("opportunity_id")["reached_at"].shift(-1)
    table = reached.merge(deals[["opportunity_id", "outcome", "ended_at"]], on="opportunity_id")
    later = later.to_numpy()
    is_last = pd.isna(later)
    outcome = table["outcome"].to_numpy()
    result = np.select(
        [~is_last, outcome == "won", outcome == "lost"], ["passed", "passed", "lost"], ""
    )
    until = pd.Series(later).fillna(table["ended_at"]).fillna(end)
    days = ((until - table["reached_at"]) / _DAY).clip(lower=0)
    table = table.assign(result=result, days=days)
    owners = _owners(stays, table)
    is_open = stays["stage_category"] == "open"
    names = stays[is_open].drop_duplicates("stage_order").sort_values("stage_order")
    named = dict(zip(names["stage_order"].astype(int), names["stage_name"], strict=True))
    columns = ["opportunity_id", "stage_order", "reached_at", "rep_id", "result", "days"]
    return owners[columns].reset_index(drop=True), named


def _owners(stays: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The owner when the deal came to the stage: of the last stay begun by then."""
    begun = stays[["opportunity_id", "entered_at", "rep_id"]].sort_values(
        "entered_at", kind="stable"
    )
    ordered = table.sort_values("reached_at", kind="stable")
    found = pd.merge_asof(
        ordered, begun, left_on="reached_at", right_on="entered_at", by="opportunity_id"
    )
    return found.sort_values(["opportunity_id", "stage_order"])
