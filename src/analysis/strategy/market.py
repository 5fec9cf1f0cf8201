"""How large is each region's market, how much of it is ours, and which share can be won?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.result import Number, NumberKind, Result
from analysis.core.scope import Scope
from analysis.strategy.market_capture import capture_table
from analysis.strategy.market_charts import penetration_chart
from analysis.strategy.market_findings import caveats, decisions, definitions, findings
from analysis.strategy.market_options import MarketOptions
from analysis.strategy.market_potential import (
    Potential,
    known_estimates,
    quantiles,
    simulate_potential,
)
from analysis.strategy.market_share import target_share, usual_growth

__all__ = ["MarketOptions", "OwnBusiness", "market"]

NAME = "market"
TITLE = "How large the market is, and our part of it"
_YEAR_QUARTERS = 4
_HOW = (
    "A table market_potential gives it: regular buyers and their spend, by region and product "
    "category (docs/market.md shows how to make one from public statistics)."
)


@dataclass(frozen=True)
class OwnBusiness:
    """What we have: customers (region_id), customer_features and customer_periods."""

    customers: pd.DataFrame
    customer_features: pd.DataFrame
    customer_periods: pd.DataFrame | None = None


def market(
    market_potential: pd.DataFrame | None,
    own: OwnBusiness,
    regions: pd.DataFrame | None = None,
    market_listings: pd.DataFrame | None = None,
    *,
    scope: Scope,
    options: MarketOptions | None = None,
) -> Result:
    """Hold own customers and revenue against what each region's market holds.

    Tables of the Result: `regions` (see `region_table`), `categories` (potential by product
    category), `refused` (regions whose stated market is smaller than our own customer list: they
    are in no total), `estimates` (the outside numbers used, with source and day), `capture`
    (organisations by two outside lists beside the stated number). Without outside numbers the
    chapter says what is missing and how to provide it.
    """
    options = options or MarketOptions()
    as_of = pd.Timestamp(scope.as_of)
    estimates = None if market_potential is None else known_estimates(market_potential, as_of)
    if estimates is None or estimates.empty:
        sentence = f"No outside number on the market was known at the end of {scope.period}. {_HOW}"
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    mine = own_table(own)
    refused = _refused(estimates, mine)
    kept = estimates[~estimates["region_id"].isin(refused["region_id"])].reset_index(drop=True)
    if kept.empty:
        sentence = "Every stated market is smaller than our own customer list: none can be right."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    capture = _capture(market_listings, as_of)
    potential = simulate_potential(kept, options.draws, options.seed)
    growth = _share_growth(own, potential, scope)
    table = _named(region_table(potential, kept, mine, growth, options), regions)
    totals = _totals(potential, table)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(totals),
        findings=findings(table, totals, refused, capture, kept, scope),
        decisions=decisions(table, refused, scope),
        tables={
            "regions": table,
            "categories": category_table(potential),
            "refused": refused,
            "estimates": kept,
            "capture": capture,
        },
        charts={"penetration": penetration_chart(table, scope)},
        caveats=caveats(table, mine, options, scope),
        definitions=definitions(options, scope),
    )


def _capture(listings: pd.DataFrame | None, as_of: pd.Timestamp) -> pd.DataFrame:
    if listings is None:
        columns = ["list_name", "organisation_id", "region_id", "listed_on"]
        listings = pd.DataFrame(columns=columns).astype({"listed_on": "datetime64[s]"})
    return capture_table(listings, as_of)


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
) -> pd.DataFrame:
    """Return one row per region, most untapped potential first.

    Columns: region_id; regular_low_count, _mid, _high; potential_low_amount, _mid, _high (a year);
    customer_count; revenue_year_amount; customer_share (of regular buyers) and penetration_share
    (of potential revenue) with low and high, at most 1; untapped_low_amount, _mid, _high (never
    below 0); competitor_count; is_crowded; target_low_share, _mid, _high (of potential revenue);
    is_ceiling_binding; is_above_rule; target_amount (revenue at the middle target);
    target_customer_count; years (to get there at the fastest usual growth; missing when unknown
    or over 25); basis; source; known_on. Ranges are 80 %.
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
                revenue,
                amount,
                customers,
                float(competitors[region]),
                growth.get(region, np.nan),
                options,
            )
            | sources.loc[region].to_dict()
        )
    table = pd.DataFrame(rows)
    return table.sort_values(
        ["untapped_mid_amount", "region_id"], ascending=[False, True], ignore_index=True
    )


def _region_row(
    region: str, customers: np.ndarray, amount: np.ndarray, count: float, revenue: float
) -> dict:
    # Nobody has less than what we already sell: a draw below our own revenue is put right.
    market_amount = np.maximum(amount, max(revenue, 1e-9))
    buyers = np.maximum(customers, max(count, 1e-9))
    return {
        "region_id": region,
        **_three("regular_{}_count", customers),
        **_three("potential_{}_amount", amount),
        "customer_count": count,
        "revenue_year_amount": revenue,
        **_three("customer_{}_share", count / buyers),
        **_three("penetration_{}_share", revenue / market_amount),
        **_three("untapped_{}_amount", market_amount - revenue),
    }


def _three(name: str, draws: np.ndarray) -> dict[str, float]:
    return {name.format(part): value for part, value in quantiles(draws).items()}


def _target_columns(
    revenue: float,
    amount: np.ndarray,
    customers: np.ndarray,
    competitors: float,
    growth: float,
    options: MarketOptions,
) -> dict:
    middle = max(float(np.median(amount)), 1e-9)
    present = min(1.0, revenue / middle)
    found = target_share(present, competitors, growth, options)
    return {
        "competitor_count": competitors,
        "is_crowded": found.is_crowded,
        "target_low_share": found.low,
        "target_mid_share": found.mid,
        "target_high_share": found.high,
        "is_ceiling_binding": found.is_ceiling_binding,
        "is_above_rule": found.is_above_rule,
        "target_amount": found.mid * middle,
        "target_customer_count": found.mid * float(np.median(customers)),
        "years": found.years,
        "basis": found.basis,
    }


def category_table(potential: Potential) -> pd.DataFrame:
    """Return the potential of each product category over all regions kept.

    Columns: product_category; regular_low_count, _mid, _high; potential_low_amount, _mid, _high.
    """
    rows = [
        {"product_category": name}
        | _three("regular_{}_count", customers)
        | _three("potential_{}_amount", amount)
        for name, (customers, amount) in sorted(potential.by("product_category").items())
        if name
    ]
    return pd.DataFrame(rows)


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
    customers, amount = potential.by("region_id")[""]
    revenue = float(table["revenue_year_amount"].sum())
    market_amount = np.maximum(amount, max(revenue, 1e-9))
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
