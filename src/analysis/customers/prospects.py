"""What to do with each customer: value now against growth ahead, by cut points that stay."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

KEEP, GROW, DEVELOP, SERVE, WIN_BACK = PROSPECT_CLASSES = (
    "keep and enlarge",
    "grow",
    "develop",
    "serve lightly",
    "win back",
)


@dataclass(frozen=True)
class ProspectRule:
    """Where the cut points are set at a fit; amounts follow from the customers then."""

    high_value_share: float  # share of customers with orders that stay below "high value"
    low_value_share: float  # the same for "some value"
    growth_share: float  # growth ahead that counts as growth
    loss_share: float  # forecast as a share of the better year, at most, that counts as lost


def fit_cuts(customers: pd.DataFrame, rule: ProspectRule) -> dict[str, float]:
    """Return the cut points from the customers who ordered in the year (all, if nobody did)."""
    has_ordered = customers["order_day_year_count"] > 0
    value = customers.loc[has_ordered if has_ordered.any() else slice(None), "revenue_year_amount"]
    # A quantile that is somebody's value: ties lie on one side of it, and no rounding moves them.
    high, low = (
        float(value.quantile(share, interpolation="higher"))
        for share in (rule.high_value_share, rule.low_value_share)
    )
    return {
        "high_value_amount": max(high, 0.01),
        "low_value_amount": max(low, 0.01),
        "growth_share": rule.growth_share,
        "loss_share": rule.loss_share,
    }


def growth_ahead(customers: pd.DataFrame, cuts: dict[str, float]) -> pd.Series:
    """Return forecast year over the last four quarters, less 1; 0 where there is no forecast.

    A small last year counts as the low cut point: ten times nothing is no growth to plan for.
    """
    value = customers["revenue_year_amount"]
    change = customers["forecast_year_amount"] - value
    return (change / value.clip(lower=cuts["low_value_amount"])).fillna(0.0)


def best_year(customers: pd.DataFrame) -> pd.Series:
    """Return the better of the last four quarters and the four before."""
    return customers[["revenue_year_amount", "revenue_year_before_amount"]].max(axis=1)


def prospect_class(customers: pd.DataFrame, cuts: dict[str, float]) -> pd.Series:
    """Return the class of each customer, the first rule that holds.

    win back: a better year of some value, and a forecast of at most `loss_share` of it; without a
    forecast, no order in the year. keep and enlarge: high value now. grow: some value now and
    growth ahead. develop: an order in the year, less value now and growth ahead. serve lightly:
    everybody else.
    """
    value, best = customers["revenue_year_amount"], best_year(customers)
    forecast = customers["forecast_year_amount"]
    has_ordered = customers["order_day_year_count"] > 0
    is_silent = forecast.isna() & ~has_ordered
    has_value = best >= cuts["low_value_amount"]
    is_lost = has_value & ((forecast <= cuts["loss_share"] * best) | is_silent)
    grows = growth_ahead(customers, cuts) >= cuts["growth_share"]
    has_some = value >= cuts["low_value_amount"]
    chosen = np.select(
        [is_lost, value >= cuts["high_value_amount"], grows & has_some, grows & has_ordered],
        [WIN_BACK, KEEP, GROW, DEVELOP],
        SERVE,
    )
    return pd.Series(chosen, index=customers.index, dtype="str")


def class_table(customers: pd.DataFrame) -> pd.DataFrame:
    """Return one row per class, all five always: customers, money now, ahead and within reach.

    `growth_ahead_ratio` is the forecast over the last four quarters, less 1, of the class as a
    whole; missing without revenue. `best_year_amount` sums each customer's better year.
    """
    work = customers.assign(
        best_year_amount=best_year(customers),
        prospect_class=pd.Categorical(customers["prospect_class"], PROSPECT_CLASSES),
    )
    sums = work.groupby("prospect_class", observed=False)
    table = sums.agg(
        customer_count=("customer_id", "size"),
        **{name: (name, _sum) for name in _SUMS},
    ).reset_index()
    # Nobody's money is nothing; money that is not known stays missing.
    table = table.assign(**{n: table[n].mask(table["customer_count"] == 0, 0.0) for n in _SUMS})
    revenue, total = table["revenue_year_amount"], table["revenue_year_amount"].sum()
    with_revenue = revenue.where(revenue > 0)
    return table.assign(
        prospect_class=table["prospect_class"].astype("str"),
        revenue_share=revenue / total if total > 0 else np.nan,
        growth_ahead_ratio=table["forecast_year_amount"] / with_revenue - 1,
        what_to_do=[_PURPOSES[name] for name in PROSPECT_CLASSES],
    )


_SUMS = (
    "revenue_quarter_amount",
    "revenue_year_amount",
    "forecast_quarter_amount",
    "forecast_year_amount",
    "gap_year_amount",
    "best_year_amount",
)
_PURPOSES = {
    KEEP: "Protect and enlarge: a named seller, and the next product in good time.",
    GROW: "Invest time: worth something now, and more is expected.",
    DEVELOP: "Win the next orders cheaply: small or new now, and more is expected.",
    SERVE: "Keep satisfied at low cost: level or small.",
    WIN_BACK: "Ask why, once and soon: a good year is behind, little is expected.",
}


def _sum(values: pd.Series) -> float:
    """Sum to a cent; missing when every value is."""
    return float(np.round(values.sum(min_count=1), 2))
