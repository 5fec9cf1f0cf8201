"""How large is each region's market, how much of it is ours, and which share can be won?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.result import Number, NumberKind, Result
from analysis.core.scope import Scope
from analysis.strategy.market_capture import capture_table
from analysis.strategy.market_categories import (
    category_table,
    own_sales,
    region_category_table,
    three,
)
from analysis.strategy.market_charts import penetration_chart, region_chart
from analysis.strategy.market_checks import checked, nothing_usable, unmatched
from analysis.strategy.market_cross_check import cross_check_table, own_list_table
from analysis.strategy.market_findings import (
    Told,
    caveats,
    decisions,
    definitions,
    findings,
)
from analysis.strategy.market_options import MarketOptions
from analysis.strategy.market_potential import (
    Potential,
    known_estimates,
    quantiles,
    shrink_regulars,
    simulate_potential,
)
from analysis.strategy.market_rivals import known_rivals, strengths
from analysis.strategy.market_share import TargetShare, target_share, usual_growth

__all__ = ["MarketOptions", "Outside", "OwnBusiness", "market"]

NAME = "market"
TITLE = "How large the market is, and our part of it"
_YEAR_QUARTERS = 4
_HOW = (
    "A table market_potential gives it: regular buyers and their spend, by region and product "
    "category (docs/market.md shows how to make one from public statistics)."
)


@dataclass(frozen=True)
class OwnBusiness:
    """What we have: customers (region_id), and the derived tables, None where there is none."""

    customers: pd.DataFrame
    customer_features: pd.DataFrame
    customer_periods: pd.DataFrame | None = None
    customer_categories: pd.DataFrame | None = None


@dataclass(frozen=True)
class Outside:
    """Declared tables beside market_potential; None where there is none."""

    regions: pd.DataFrame | None = None
    market_listings: pd.DataFrame | None = None
    market_competitors: pd.DataFrame | None = None


def market(
    market_potential: pd.DataFrame | None,
    own: OwnBusiness,
    outside: Outside | None = None,
    *,
    scope: Scope,
    options: MarketOptions | None = None,
) -> Result:
    """Hold own customers and revenue against what each region's market holds.

    Tables of the Result: `regions` (see `region_table`), `categories` and `region_categories`
    (potential and our part of it, most untapped first), `refused` (regions whose stated market is
    smaller than our own customer list: they are in no total), `unusable` (rows that cannot be
    right, and why), `estimates` (the outside numbers used, with source and day), `cross_check`
    (organisations and potential counted from below), `competitors` (the companies known). Without
    outside numbers, or without one that can be used, the chapter says what is missing.
    """
    options, outside = options or MarketOptions(), outside or Outside()
    as_of = pd.Timestamp(scope.as_of)
    estimates = None if market_potential is None else known_estimates(market_potential, as_of)
    if estimates is None or estimates.empty:
        sentence = f"No outside number on the market was known at the end of {scope.period}. {_HOW}"
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    usable, unusable = checked(estimates, _known_regions(own, outside))
    mine = own_table(own)
    refused = _refused(usable, mine)
    kept = usable[~usable["region_id"].isin(refused["region_id"])].reset_index(drop=True)
    if reason := _nothing(usable, unusable, kept, mine):
        return Result.nothing(NAME, TITLE, scope.period, reason)
    work = _work(shrink_regulars(kept), own, outside, mine, scope, options)
    told = Told(work.tables["regions"], work.totals, refused, _joined(unusable, work.wrong))
    return _result(work, told, mine, scope, options)


@dataclass(frozen=True)
class _Work:
    """The tables of the chapter and what its sentences need beside them."""

    tables: dict[str, pd.DataFrame]
    totals: dict[str, dict[str, float]]
    wrong: pd.DataFrame  # of competitors


def _work(
    kept: pd.DataFrame,
    own: OwnBusiness,
    outside: Outside,
    mine: pd.DataFrame,
    scope: Scope,
    options: MarketOptions,
) -> _Work:
    as_of = pd.Timestamp(scope.as_of)
    potential = simulate_potential(kept, options.draws, options.seed)
    growth = _share_growth(own, potential, scope)
    rivals, wrong = known_rivals(outside.market_competitors, as_of)
    table = region_table(potential, kept, mine, growth, options, rivals)
    table = _named(table, outside.regions)
    capture = _capture(outside.market_listings, as_of)
    own_list = own_list_table(own.customers, _listings(outside.market_listings), as_of)
    sales = own_sales(own.customer_categories, own.customers)
    check = cross_check_table(table, capture, own_list, kept)
    tables = {
        "regions": table,
        "categories": category_table(potential, sales),
        "region_categories": _named(region_category_table(potential, sales), outside.regions),
        "estimates": kept,
        "cross_check": _named(check, outside.regions),
        "competitors": _named(rivals, outside.regions),
    }
    return _Work(tables, _totals(potential, table), wrong)


def _result(
    work: _Work, told: Told, mine: pd.DataFrame, scope: Scope, options: MarketOptions
) -> Result:
    tables = work.tables
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(work.totals),
        findings=findings(told, tables, scope),
        decisions=decisions(told, options.planning_years, scope),
        tables=tables | {"refused": told.refused, "unusable": told.unusable},
        charts={
            "penetration": penetration_chart(tables["regions"], scope),
            "regions": region_chart(tables["regions"], scope),
        },
        caveats=caveats(told, tables, mine, scope),
        definitions=definitions(options, scope),
    )


def _known_regions(own: OwnBusiness, outside: Outside) -> set[str] | None:
    if outside.regions is None:
        return None
    theirs = set(own.customers["region_id"].dropna().astype(str))
    return theirs | set(outside.regions["region_id"].dropna().astype(str))


def _nothing(
    usable: pd.DataFrame, unusable: pd.DataFrame, kept: pd.DataFrame, mine: pd.DataFrame
) -> str:
    """Why nothing can be said of the market, in words; empty where something can."""
    if usable.empty:
        return f"{nothing_usable(unusable)} {_HOW}"
    if reason := unmatched(usable, set(mine["region_id"].astype(str))):
        return reason
    if kept.empty:
        return "Every stated market is smaller than our own customer list: none can be right."
    return ""


def _joined(*tables: pd.DataFrame) -> pd.DataFrame:
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else tables[0]


def _listings(listings: pd.DataFrame | None) -> pd.DataFrame:
    if listings is not None:
        return listings
    columns = ["list_name", "organisation_id", "region_id", "customer_id", "listed_on"]
    return pd.DataFrame(columns=columns).astype({"listed_on": "datetime64[s]"})


def _capture(listings: pd.DataFrame | None, as_of: pd.Timestamp) -> pd.DataFrame:
    return capture_table(_listings(listings), as_of)


def own_table(own: OwnBusiness) -> pd.DataFrame:
    """Return our customers with an order in the year and their revenue, by region.

    Columns: region_id, customer_count, revenue_year_amount. Customers without a region are left
    out; the limits say how many.
    """
    table = own.customer_features[["customer_id", "order_day_year_count", "revenue_year_amount"]]
    table = table.merge(own.customers[["customer_id", "region_id"]], on="customer_id", how="left")
    bought = table[table["order_day_year_count"].fillna(0) > 0]
    grouped = bought.groupby("region_id", as_index=False).agg(
        customer_count=("customer_id", "size"), revenue_year_amount=("revenue_year_amount", "sum")
    )
    return grouped.assign(revenue_year_amount=grouped["revenue_year_amount"].astype(float))


def _refused(estimates: pd.DataFrame, mine: pd.DataFrame) -> pd.DataFrame:
    """Regions where we have more customers than the market is said to hold organisations."""
    stated = estimates.groupby("region_id")["organisation_count"].max().rename("stated_count")
    both = mine.merge(stated, on="region_id")
    wrong = both[both["customer_count"] > both["stated_count"]]
    return wrong[["region_id", "customer_count", "stated_count"]].reset_index(drop=True)


def region_table(
    potential: Potential,
    estimates: pd.DataFrame,
    mine: pd.DataFrame,
    growth: dict[str, float],
    options: MarketOptions,
    rivals: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return one row per region, most untapped potential first.

    Columns: region_id; regular_low_count, _mid, _high; potential_low_amount, _mid, _high (a year);
    customer_count; revenue_year_amount; customer_share (of regular buyers) and penetration_share
    (of potential revenue) with low and high, at most 1; untapped_low_amount, _mid, _high (never
    below 0); competitor_count; is_crowded; target_low_share, _mid, _high (of potential revenue);
    is_ceiling_binding; is_above_rule; target_low_amount, _mid, _high (revenue at the target, with
    what is not known of the market itself; never below ours);
    target_low_customer_count, _mid, _high (at what ours bring now); years (to get there at the
    fastest usual growth; missing when unknown or over 25); remark (what binds, in words);
    reachable_share (in the planning years at that growth); basis; source; known_on. Ranges are
    80 %. A region without a number of competitors has no target.
    """
    competitors = estimates.groupby("region_id")["competitor_count"].max()
    sources = estimates.groupby("region_id").agg(
        source=("source", "first"), known_on=("known_on", "max")
    )
    owned = mine.set_index("region_id")
    rows = []
    for region, (customers, amount) in sorted(potential.by("region_id").items()):
        if not region:
            continue
        have = owned.loc[region] if region in owned.index else None
        count = 0.0 if have is None else float(have["customer_count"])
        revenue = 0.0 if have is None else float(have["revenue_year_amount"])
        rows.append(
            _region_row(region, customers, amount, count, revenue)
            | _target_columns(
                (count, revenue),
                amount,
                customers,
                float(competitors[region]),
                growth.get(region, np.nan),
                options,
                _strength(rivals, region, float(competitors[region]), options),
            )
            | sources.loc[region].to_dict()
        )
    table = pd.DataFrame(rows).astype({"years": "Int64"})
    return table.sort_values(
        ["untapped_mid_amount", "region_id"], ascending=[False, True], ignore_index=True
    )


def _strength(
    rivals: pd.DataFrame | None, region: str, competitors: float, options: MarketOptions
) -> np.ndarray | None:
    rows = None if rivals is None else rivals[rivals["region_id"] == region]
    return None if rows is None or rows.empty else strengths(rows, competitors, options)


def _region_row(
    region: str, customers: np.ndarray, amount: np.ndarray, count: float, revenue: float
) -> dict:
    # Nobody has less than what we already sell: a draw below our own revenue is put right.
    market_amount = np.maximum(amount, max(revenue, 1e-9))
    buyers = np.maximum(customers, max(count, 1e-9))
    return {
        "region_id": region,
        **three("regular_{}_count", customers),
        **three("potential_{}_amount", amount),
        "customer_count": count,
        "revenue_year_amount": revenue,
        **three("customer_{}_share", count / buyers),
        **three("penetration_{}_share", revenue / market_amount),
        **three("untapped_{}_amount", market_amount - revenue),
    }


def _target_columns(
    ours: tuple[float, float],
    amount: np.ndarray,
    customers: np.ndarray,
    competitors: float,
    growth: float,
    options: MarketOptions,
    strength: np.ndarray | None,
) -> dict:
    middle = max(float(np.median(amount)), 1e-9)
    count, revenue = ours
    found = target_share(min(1.0, revenue / middle), competitors, growth, options, strength)
    # What is not known of the market is not known of its target either; what is ours stays ours.
    aim_amount = np.maximum(found.aim * np.maximum(amount, revenue), revenue)
    # So many as bring it at what a customer of ours brings now, else a buyer spends.
    buyer = np.maximum(amount, 1e-9) / np.maximum(customers, 1e-9)
    each = revenue / count if count and revenue > 0 else buyer
    shares = {"low": found.low, "mid": found.mid, "high": found.high}
    return {
        "competitor_count": competitors if strength is None else float(len(strength) - 1),
        "is_crowded": found.is_crowded,
        **{f"target_{part}_share": share for part, share in shares.items()},
        "is_ceiling_binding": found.is_ceiling_binding,
        "is_above_rule": found.is_above_rule,
        **three("target_{}_amount", aim_amount),
        **three("target_{}_customer_count", aim_amount / each),
        "years": found.years,
        "remark": _remark(found),
        "reachable_share": found.reachable,
        "basis": found.basis,
    }


def _remark(found: TargetShare) -> str:
    if found.is_above_rule:
        return "above the rule; kept"
    if found.low == found.high:
        return "already ours"
    return "held to the ceiling" if found.is_ceiling_binding else ""


def _share_growth(own: OwnBusiness, potential: Potential, scope: Scope) -> dict[str, float]:
    """Points of share that each region gained in a usual good year; the market taken as it is."""
    if own.customer_periods is None:
        return {}
    periods = own.customer_periods.merge(
        own.customers[["customer_id", "region_id"]], on="customer_id"
    )
    sums = periods.groupby(["region_id", "period"])["revenue_amount"].sum().astype(float)
    names = sorted(periods["period"].unique())
    names = [name for name in names if name <= scope.period.name]
    usable = names[len(names) % _YEAR_QUARTERS :]
    years = [usable[i : i + _YEAR_QUARTERS] for i in range(0, len(usable), _YEAR_QUARTERS)]
    middles = {
        region: float(np.median(amount))
        for region, (_, amount) in potential.by("region_id").items()
    }
    return {
        region: usual_growth(
            [sum(sums.get((region, q), 0.0) for q in year) / middles[region] for year in years]
        )
        for region in middles
        if region and middles[region] > 0
    }


def _named(table: pd.DataFrame, regions: pd.DataFrame | None) -> pd.DataFrame:
    if regions is None:
        return table.assign(region_name=table["region_id"])
    names = regions.drop_duplicates("region_id").set_index("region_id")["region_name"]
    return table.assign(region_name=table["region_id"].map(names).fillna(table["region_id"]))


def _totals(potential: Potential, table: pd.DataFrame) -> dict[str, dict[str, float]]:
    by_region = potential.by("region_id")
    customers, amount = by_region[""]
    ours = table.set_index("region_id")["revenue_year_amount"]
    revenue = float(ours.sum())
    # Region by region: what we sell beyond one region's market fills no other's.
    market_amount = sum(
        np.maximum(by_region[name][1], max(own, 1e-9)) for name, own in ours.items()
    )
    return {
        "customers": quantiles(customers),
        "amount": quantiles(amount),
        "share": quantiles(revenue / market_amount),
        "untapped": quantiles(market_amount - revenue),
    }


def _headline(totals: dict[str, dict[str, float]]) -> dict[str, Number]:
    note = "revenue of the last four quarters"
    return {
        "potential": _number(totals["amount"], "The market, a year", "amount"),
        "buyers": _number(totals["customers"], "Regular buyers", "count"),
        "share": _number(totals["share"], "Our part of it", "share", note),
        "untapped": _number(totals["untapped"], "Not ours yet", "amount"),
    }


def _number(points: dict[str, float], label: str, kind: NumberKind, note: str = "") -> Number:
    return Number(label, points["mid"], kind, points["low"], points["high"], note=note)
