"""What is each group of customers worth ahead: forecasts with ranges of sums, room, lifetime value.

A sum varies by its customers, each by himself, and by one shock that all share. How large both are
is read back from the totals of growth: levels and their groups share the shock, not the customers.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.customers.growth_ranges import total_interval
from analysis.customers.lifetime_value import (
    LifetimeOptions,
    Retention,
    learn_retention,
    lifetime_factor,
    lifetime_table,
)
from analysis.customers.segment_anchor import Anchor
from analysis.customers.segment_choices import rule_ids
from analysis.customers.segment_evidence import Evidence
from analysis.customers.segment_usefulness import PastYear

_NORMAL_90 = 1.2816
_AHEAD = ("quarter", "year")
_GROWTH_AMOUNTS = (
    "forecast_quarter_amount",
    "forecast_quarter_low_amount",
    "forecast_quarter_high_amount",
    "forecast_year_amount",
    "forecast_year_low_amount",
    "forecast_year_high_amount",
    "forecast_year_margin_amount",
    "potential_year_amount",
    "gap_year_amount",
)

Floats = np.ndarray


@dataclass(frozen=True)
class Spread:
    """How sums of forecasts vary: each customer's standard deviation and the shock of all."""

    deviation: Floats
    shock: float


@dataclass(frozen=True)
class Worth:
    """How sums of forecasts vary, who stays, and what each customer is worth for some years.

    `lifetimes` has no rows where retention is not known.
    """

    spreads: dict[str, Spread]
    retention: Retention | None
    lifetimes: pd.DataFrame
    options: LifetimeOptions


def ahead(customer_growth: pd.DataFrame | None) -> pd.DataFrame:
    """Return what is needed of customer_growth, amounts as floats; missing where it has none."""
    if customer_growth is None:
        customer_growth = pd.DataFrame({"customer_id": pd.Series(dtype="str")})
    table = customer_growth.reindex(columns=["customer_id", *_GROWTH_AMOUNTS, "next_products"])
    return table.astype(dict.fromkeys(_GROWTH_AMOUNTS, "float64"))


def measure_worth(
    customers: pd.DataFrame,
    past: PastYear | None,
    anchor: Anchor,
    evidence: Evidence,
    options: LifetimeOptions,
) -> Worth:
    """Return what the customers' sums and years ahead rest on.

    Retention is by segment, from those who bought in the four quarters up to a year ago.
    """
    retention = None
    if past is not None:
        before = past.before.assign(is_new=False, is_clustered=True)
        groups = pd.Series(rule_ids(before, anchor), index=before.index)
        retention = learn_retention(groups, past.after["order_day_year_count"] > 0)
    lifetimes = pd.DataFrame()
    if retention is not None and customers["forecast_year_amount"].notna().any():
        known = customers.assign(margin_ahead_share=_margin_ahead(customers))
        lifetimes = lifetime_table(known, retention, options)
    return Worth(spreads(customers, evidence.growth_totals), retention, lifetimes, options)


def class_worth(classes: pd.DataFrame, customers: pd.DataFrame, worth: Worth) -> pd.DataFrame:
    """Return the table of prospect classes with margin now and all that is ahead."""
    table = worth_by_group(customers, "prospect_class", worth)
    table = table.reindex(classes["prospect_class"]).reset_index(drop=True)
    table = table[[name for name in table if name not in classes]]
    margins = {name: known_margin(mine) for name, mine in customers.groupby("prospect_class")}
    shares = [margins.get(name, {}).get("margin_share") for name in classes["prospect_class"]]
    last = ["what_to_do"]
    first = [name for name in classes if name not in last]
    money = pd.DataFrame({"margin_share": pd.Series(shares, dtype="float64")})
    return pd.concat([classes[first], money, table, classes[last]], axis=1)


def known_margin(customers: pd.DataFrame) -> dict[str, float]:
    """Return margin of the year, and over the revenue of those whose cost is known."""
    has_cost = customers["margin_year_amount"].notna()
    revenue = float(customers.loc[has_cost, "revenue_year_amount"].sum())
    margin = float(customers["margin_year_amount"].sum())
    return {
        "margin_year_amount": round(margin, 2) if has_cost.any() else np.nan,
        "margin_share": margin / revenue if revenue > 0 else np.nan,
    }


def _margin_ahead(customers: pd.DataFrame) -> pd.Series:
    """Return expected margin per revenue: the forecast's, else the last four quarters'."""
    forecast, revenue = customers["forecast_year_amount"], customers["revenue_year_amount"]
    own = customers["margin_year_amount"] / revenue.where(revenue > 0)
    expected = customers["forecast_year_margin_amount"] / forecast.where(forecast > 0)
    return expected.fillna(own).clip(-1, 1)


def spreads(customers: pd.DataFrame, totals: pd.DataFrame | None) -> dict[str, Spread]:
    """Return how sums of the quarter and of the year vary; empty where growth made no totals."""
    if totals is None or "company" not in set(totals["level"]):
        return {}
    return {ahead: _spread(customers, totals, ahead) for ahead in _AHEAD}


def worth_by_group(customers: pd.DataFrame, column: str, worth: Worth) -> pd.DataFrame:
    """Return one row per value of `column`, which is the index: sums ahead, to the cent.

    Columns: forecast_quarter_amount and forecast_year_amount with the ends of their 80 % intervals
    (missing without totals of growth); potential_year_amount and gap_year_amount (what peers reach,
    a yardstick: positive by chance alone); lifetime_amount with its interval and
    lifetime_margin_amount of the customers whose margin is known; missing where unknown.
    """
    known = pd.concat(
        [customers, worth.lifetimes.drop(columns="customer_id", errors="ignore")], axis=1
    )
    groups = customers.groupby(column, sort=True).indices
    rows = {group: _row(known.iloc[at], at, worth) for group, at in groups.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(WORTH_COLUMNS))


WORTH_COLUMNS = (
    "forecast_quarter_amount",
    "forecast_quarter_low_amount",
    "forecast_quarter_high_amount",
    "forecast_year_amount",
    "forecast_year_low_amount",
    "forecast_year_high_amount",
    "potential_year_amount",
    "gap_year_amount",
    "lifetime_amount",
    "lifetime_low_amount",
    "lifetime_high_amount",
    "lifetime_margin_amount",
)


def _spread(customers: pd.DataFrame, totals: pd.DataFrame, ahead: str) -> Spread:
    low, high, forecast = (
        customers[f"forecast_{ahead}{end}_amount"].to_numpy(float) for end in ("_low", "_high", "")
    )
    own = np.nan_to_num((high - low) / (2 * _NORMAL_90), nan=0.0)
    company = totals[totals["level"] == "company"].iloc[0]
    shock = _shared_shock(totals, ahead)
    width, total = _log_width(company, ahead), float(company[f"forecast_{ahead}_amount"])
    if np.isnan(shock):
        # One level only: what customers do not explain is the shock.
        rest = width**2 - (own**2).sum() / max(total, 0.01) ** 2
        return Spread(own, float(np.sqrt(max(rest, 0.0))))
    apart = max(width**2 - shock**2, 0.0) * total**2
    scale = np.sqrt(apart / (own**2).sum()) if (own**2).sum() > 0 else 0.0
    return Spread(np.where(np.isfinite(forecast), own * scale, 0.0), shock)


def _shared_shock(totals: pd.DataFrame, ahead: str) -> float:
    """Return the shock that the company and the groups of the finest level share; NaN if alone.

    Variances of customers add up, so sum(T_g² (w_g² - s²)) = T² (w² - s²) has one unknown, s.
    """
    company = totals[totals["level"] == "company"].iloc[0]
    levels = [part for name, part in totals.groupby("level") if name in _LEVELS and len(part) > 1]
    if not levels:
        return float("nan")
    groups = max(levels, key=len)
    sizes = groups[f"forecast_{ahead}_amount"].to_numpy(float)
    widths = np.array([_log_width(row, ahead) for _, row in groups.iterrows()])
    total, width = float(company[f"forecast_{ahead}_amount"]), _log_width(company, ahead)
    square = (total**2 * width**2 - (sizes**2 * widths**2).sum()) / (total**2 - (sizes**2).sum())
    return float(np.sqrt(np.clip(square, 0.0, width**2)))


_LEVELS = ("region", "industry", "business_model")


def _log_width(row: pd.Series, ahead: str) -> float:
    low, high = (float(row[f"forecast_{ahead}_{end}_amount"]) for end in ("low", "high"))
    return float(np.log(high / low)) / (2 * _NORMAL_90) if low > 0 else 0.0


def _row(mine: pd.DataFrame, places: np.ndarray, worth: Worth) -> dict[str, float]:
    row = {name: _sum(mine[name]) for name in WORTH_COLUMNS if name in mine and _is_sum(name)}
    for span, spread in worth.spreads.items():
        forecast = mine[f"forecast_{span}_amount"].fillna(0.0).to_numpy(float)
        ends = total_interval(forecast, spread.deviation[places], spread.shock)
        names = (f"forecast_{span}_{end}_amount" for end in ("low", "high"))
        row |= dict(zip(names, np.round(ends, 2).tolist(), strict=True))
    if worth.retention is not None and worth.spreads and "lifetime_amount" in row:
        ends = _lifetime_ends(mine, row, worth.retention, worth.options)
        row |= dict(zip(("lifetime_low_amount", "lifetime_high_amount"), ends, strict=True))
    return row


def _lifetime_ends(
    mine: pd.DataFrame, row: dict[str, float], retention: Retention, options: LifetimeOptions
) -> tuple[float, float]:
    """Return 80 % ends: the year's range, its shock lasting, and retention's own uncertainty.

    Customers of a group share its retention, so its error does not average out.
    """
    amount, year = row["lifetime_amount"], row["forecast_year_amount"]
    if not amount > 0 or not year > 0:
        return 0.0, 0.0
    groups, forecast = mine["segment_id"], mine["forecast_year_amount"].fillna(0.0).to_numpy(float)
    share, spread = retention.of(groups), retention.spread_of(groups)
    factors = [lifetime_factor(np.clip(share + s, 0, 1), options) for s in (-spread, spread)]
    ratio = np.log((forecast @ factors[1]) / (forecast @ factors[0])) / 2
    ranges = np.log(row["forecast_year_high_amount"] / row["forecast_year_low_amount"]) / 2
    width = float(np.hypot(ranges, _NORMAL_90 * ratio))
    return round(amount * np.exp(-width), 2), round(amount * np.exp(width), 2)


def _is_sum(name: str) -> bool:
    return "_low_" not in name and "_high_" not in name


def _sum(values: pd.Series) -> float:
    """Sum to the cent; missing when every value is."""
    return round(float(values.astype(float).sum(min_count=1)), 2)
