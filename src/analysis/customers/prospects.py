"""What to do with each customer: value now against growth ahead, by cut points that stay."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.customers.behaviour_features import YEAR_DAYS, per_year

PROTECT, KEEP, BUILD, GROW, HOLD, DEVELOP, SERVE, WIN_BACK = PROSPECT_CLASSES = (
    "protect",
    "keep and enlarge",
    "build up",
    "grow",
    "hold",
    "develop",
    "serve lightly",
    "win back",
)
# A group of fewer customers is no group to plan for.
_FEWEST_SHARE = 0.03


@dataclass(frozen=True)
class ProspectRule:
    """Where the cut points are set at a fit; amounts follow from the customers then."""

    high_value_share: float  # share of customers with orders that stay below "high value"
    low_value_share: float  # the same for "some value"
    growth_share: float  # growth ahead that always counts as growth
    loss_share: float  # forecast as a share of the mean year, at most, that counts as lost
    top_value_share: float = 0.96  # as high_value_share, for "top value"
    upper_value_share: float = 0.82  # the same for "upper value"
    growing_share: float = 0.4  # share of customers with orders who are said to grow, at least


def fit_cuts(customers: pd.DataFrame, rule: ProspectRule) -> dict[str, float]:
    """Return the cut points from the customers who ordered in the year (all, if nobody did).

    Known customers as a whole always decline, for some leave and newcomers are not yet known. So
    growth ahead is what `growing_share` of them reach, where that is less than `growth_share`.
    """
    has_ordered = customers["order_day_year_count"] > 0
    mine = customers.loc[has_ordered if has_ordered.any() else slice(None)]
    value = value_amount(mine)
    # A quantile that is somebody's value: ties lie on one side of it, and no rounding moves them.
    top, high, upper, low = (
        max(float(value.quantile(share, interpolation="higher")), 0.01)
        for share in (
            rule.top_value_share,
            rule.high_value_share,
            rule.upper_value_share,
            rule.low_value_share,
        )
    )
    ahead = growth_ahead(mine[mine["forecast_year_amount"].notna()], {"low_value_amount": low})
    reached = ahead.quantile(1 - rule.growing_share, interpolation="higher")
    # Without forecasts there is no growth to tell apart.
    reached = rule.growth_share if ahead.empty else float(reached)
    return {
        "top_value_amount": top,
        "high_value_amount": high,
        "upper_value_amount": upper,
        "low_value_amount": low,
        "growth_share": min(rule.growth_share, reached),
        "loss_share": rule.loss_share,
    }


def cut_shares(customers: pd.DataFrame, cuts: dict[str, float]) -> dict[str, float]:
    """Return the share of customers with orders in the year at or above each cut in money."""
    value = value_amount(customers.loc[customers["order_day_year_count"] > 0])
    names = ("high_value_amount", "low_value_amount")
    return {name: float((value >= cuts[name]).mean()) if len(value) else 0.0 for name in names}


def value_amount(customers: pd.DataFrame) -> pd.Series:
    """Return the mean of the last four quarters and of the forecast of the next four.

    One lucky year is no value and neither is a forecast alone. Without a forecast: the last year.
    """
    year = customers["revenue_year_amount"]
    return (year + customers["forecast_year_amount"].fillna(year)) / 2


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
    forecast, no order in the year. protect: top value. keep and enlarge: high value. build
    up: upper value. grow: some value and growth ahead. hold: some value without. develop: an order
    in the year, less value and growth ahead. serve lightly: everybody else.
    """
    value, mean = value_amount(customers), mean_year(customers)
    forecast = customers["forecast_year_amount"]
    has_ordered = customers["order_day_year_count"] > 0
    is_silent = forecast.isna() & ~has_ordered
    has_value = mean >= cuts["low_value_amount"]
    is_lost = has_value & ((forecast <= cuts["loss_share"] * mean) | is_silent)
    # Without a forecast growth counts as level, and level is growth to nobody.
    grows = forecast.notna() & (growth_ahead(customers, cuts) >= cuts["growth_share"])
    has_some = value >= cuts["low_value_amount"]
    rules = {
        WIN_BACK: is_lost,
        PROTECT: value >= cuts["top_value_amount"],
        KEEP: value >= cuts["high_value_amount"],
        BUILD: value >= cuts["upper_value_amount"],
        GROW: grows & has_some,
        HOLD: has_some,
        DEVELOP: grows & has_ordered,
    }
    chosen = np.select(list(rules.values()), list(rules), SERVE)
    return pd.Series(chosen, index=customers.index, dtype="str")


def class_table(customers: pd.DataFrame) -> pd.DataFrame:
    """Return one row per class, all of them always: customers, money now, ahead and within reach.

    `year_rate_amount` sums the last four quarters at a year's rate for those who have been
    customers for less; `growth_ahead_ratio` is the forecast over it, less 1, of the class as a
    whole, missing without revenue. `mean_year_amount` sums each customer's mean of two years.
    `margin_year_amount` is of the customers whose cost is known, `margin_known_share` their share.
    `order_days_per_customer`, `order_day_amount` and `products_per_customer` are of customers with
    orders in the year; `lever` is the one of the three that is farthest below that of the class of
    more value, that is what would enlarge it. `is_most_promising` marks the class of value or
    growth, of 3 % of the customers at least, with the highest growth ahead.
    """
    work = customers.assign(
        year_rate_amount=year_rate(customers),
        mean_year_amount=mean_year(customers),
        prospect_class=pd.Categorical(customers["prospect_class"], PROSPECT_CLASSES),
    )
    sums = work.groupby("prospect_class", observed=False)
    table = sums.agg(
        customer_count=("customer_id", "size"),
        **{name: (name, _sum) for name in _SUMS if name in work},
    ).reset_index()
    # Nobody's money is nothing; money that is not known stays missing.
    names = [name for name in _SUMS if name in work]
    table = table.assign(**{n: table[n].mask(table["customer_count"] == 0, 0.0) for n in names})
    revenue, total = table["revenue_year_amount"], table["revenue_year_amount"].sum()
    rate = table["year_rate_amount"].where(table["year_rate_amount"] > 0)
    table = table.assign(
        prospect_class=table["prospect_class"].astype("str"),
        revenue_share=revenue / total if total > 0 else np.nan,
        growth_ahead_ratio=table["forecast_year_amount"] / rate - 1,
        what_to_do=[_PURPOSES[name] for name in PROSPECT_CLASSES],
    )
    table = _with_levers(table, work)
    return table.assign(is_most_promising=_most_promising(table))


_SUMS = (
    "revenue_quarter_amount",
    "revenue_year_amount",
    "forecast_quarter_amount",
    "forecast_year_amount",
    "gap_year_amount",
    "margin_year_amount",
    "year_rate_amount",
    "mean_year_amount",
)
_PURPOSES = {
    PROTECT: "Protect: a named seller, a plan for the year, and a visit before anything is lost.",
    KEEP: "Keep and enlarge: a named seller, and the next product in good time.",
    BUILD: "Build up: agree on what comes next, and look at it with them twice a year.",
    GROW: "Invest time: worth something, and expected to hold up better than most.",
    HOLD: "Keep in touch: worth something, and expected to order less.",
    DEVELOP: "Win the next orders cheaply: small or new, and expected to hold up better than most.",
    SERVE: "Keep satisfied at low cost: small, and little is expected.",
    WIN_BACK: "Ask why, once and soon: bought well, and little is expected.",
}
# What a class can be enlarged by, and the columns that it is a ratio of.
LEVERS = {
    "order_days_per_customer": "more orders",
    "order_day_amount": "larger orders",
    "products_per_customer": "more different products",
}
_ABOVE = {
    KEEP: PROTECT,
    BUILD: KEEP,
    GROW: BUILD,
    HOLD: GROW,
    DEVELOP: GROW,
    SERVE: HOLD,
    WIN_BACK: HOLD,
}
_TO_INVEST_IN = (PROTECT, KEEP, BUILD, GROW, DEVELOP)


def _with_levers(table: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """Add how customers of each class buy, and the lever: what is farthest below the class above.

    Ratios of medians; where the class above has nobody, the one above that counts. Empty where a
    class or all above have nobody.
    """
    bought = customers[customers["order_day_year_count"] > 0]
    parts = {
        "order_days_per_customer": bought["order_day_year_count"],
        "order_day_amount": bought["revenue_year_amount"] / bought["order_day_year_count"],
    }
    if "product_year_count" in bought:
        parts["products_per_customer"] = bought["product_year_count"]
    medians = pd.DataFrame(parts).astype(float).groupby(bought["prospect_class"], observed=False)
    medians = medians.median().reindex(table["prospect_class"])
    filled = set(medians.index[medians.notna().any(axis=1)])
    above = medians.reindex([_above(str(name), filled) for name in medians.index])
    ratios = medians.to_numpy() / above.where(above > 0).to_numpy()
    known = pd.DataFrame(np.where(ratios < 1, ratios, np.nan), columns=list(medians.columns))
    levers = [LEVERS[row.idxmin()] if row.notna().any() else "" for _, row in known.iterrows()]
    if "margin_year_amount" in customers:
        has_cost = customers["margin_year_amount"].notna()
        shares = has_cost.groupby(customers["prospect_class"], observed=False).mean()
        table = table.assign(margin_known_share=shares.to_numpy())
    return table.assign(**{name: medians[name].to_numpy() for name in medians}, lever=levers)


def _above(name: str, filled: set[str]) -> str:
    """Return the next class of more value that has customers; empty without one."""
    above = _ABOVE.get(name, "")
    while above and above not in filled:
        above = _ABOVE.get(above, "")
    return above


def _most_promising(table: pd.DataFrame) -> pd.Series:
    share = table["customer_count"] / max(table["customer_count"].sum(), 1)
    is_open = table["prospect_class"].isin(_TO_INVEST_IN) & (share >= _FEWEST_SHARE)
    growth = table["growth_ahead_ratio"].where(is_open & table["forecast_year_amount"].notna())
    best = growth.idxmax() if growth.notna().any() else None
    return pd.Series(table.index == best, index=table.index)


def _sum(values: pd.Series) -> float:
    """Sum to a cent; missing when every value is."""
    return float(np.round(values.sum(min_count=1), 2))
