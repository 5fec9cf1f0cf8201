"""What to do with each customer: value now against growth ahead, by cut points that stay."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.customers.behaviour_features import YEAR_DAYS, per_year

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
    loss_share: float  # forecast as a share of the mean year, at most, that counts as lost


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


def cut_shares(customers: pd.DataFrame, cuts: dict[str, float]) -> dict[str, float]:
    """Return the share of customers with orders in the year at or above each cut in money."""
    value = customers.loc[customers["order_day_year_count"] > 0, "revenue_year_amount"]
    names = ("high_value_amount", "low_value_amount")
    return {name: float((value >= cuts[name]).mean()) if len(value) else 0.0 for name in names}


def year_rate(customers: pd.DataFrame) -> pd.Series:
    """Return revenue of the last four quarters at a year's rate.

    Who has been a customer for three months has had three months to buy in: the time before is no
    low year, and catching up with it no growth. Fewer days than a quarter count as one.
    """
    return per_year(customers["revenue_year_amount"], customers["tenure_days"] + 1)


def growth_ahead(customers: pd.DataFrame, cuts: dict[str, float]) -> pd.Series:
    """Return forecast year over the last year's rate, less 1; 0 where there is no forecast.

    A small last year counts as the low cut point: ten times nothing is no growth to plan for.
    """
    value = year_rate(customers)
    change = customers["forecast_year_amount"] - value
    return (change / value.clip(lower=cuts["low_value_amount"])).fillna(0.0)


def mean_year(customers: pd.DataFrame) -> pd.Series:
    """Return revenue a year over the last eight quarters, or over the time since the first order.

    The better of two years would be too high by chance: whatever is picked for being high falls.
    Time as a customer counts as a year at least: who is younger has not yet had a year to lose.
    """
    amount = customers["revenue_year_amount"] + customers["revenue_year_before_amount"].fillna(0.0)
    return amount * YEAR_DAYS / (customers["tenure_days"] + 1).clip(YEAR_DAYS, 2 * YEAR_DAYS)


def prospect_class(customers: pd.DataFrame, cuts: dict[str, float]) -> pd.Series:
    """Return the class of each customer, the first rule that holds.

    win back: a mean year of some value, and a forecast of at most `loss_share` of it; without a
    forecast, no order in the year. keep and enlarge: high value now. grow: some value now and
    growth ahead. develop: an order in the year, less value now and growth ahead. serve lightly:
    everybody else.
    """
    value, mean = customers["revenue_year_amount"], mean_year(customers)
    forecast = customers["forecast_year_amount"]
    has_ordered = customers["order_day_year_count"] > 0
    is_silent = forecast.isna() & ~has_ordered
    has_value = mean >= cuts["low_value_amount"]
    is_lost = has_value & ((forecast <= cuts["loss_share"] * mean) | is_silent)
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

    `year_rate_amount` sums the last four quarters at a year's rate for those who have been
    customers for less; `growth_ahead_ratio` is the forecast over it, less 1, of the class as a
    whole, missing without revenue. `mean_year_amount` sums each customer's mean of two years.
    """
    work = customers.assign(
        year_rate_amount=year_rate(customers),
        mean_year_amount=mean_year(customers),
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
    rate = table["year_rate_amount"].where(table["year_rate_amount"] > 0)
    return table.assign(
        prospect_class=table["prospect_class"].astype("str"),
        revenue_share=revenue / total if total > 0 else np.nan,
        growth_ahead_ratio=table["forecast_year_amount"] / rate - 1,
        what_to_do=[_PURPOSES[name] for name in PROSPECT_CLASSES],
    )


_SUMS = (
    "revenue_quarter_amount",
    "revenue_year_amount",
    "forecast_quarter_amount",
    "forecast_year_amount",
    "gap_year_amount",
    "year_rate_amount",
    "mean_year_amount",
)
_PURPOSES = {
    KEEP: "Protect and enlarge: a named seller, and the next product in good time.",
    GROW: "Invest time: worth something now, and more is expected.",
    DEVELOP: "Win the next orders cheaply: small or new now, and more is expected.",
    SERVE: "Keep satisfied at low cost: level or small.",
    WIN_BACK: "Ask why, once and soon: bought well, and little is expected.",
}


def _sum(values: pd.Series) -> float:
    """Sum to a cent; missing when every value is."""
    return float(np.round(values.sum(min_count=1), 2))
