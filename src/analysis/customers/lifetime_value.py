"""What is a customer still worth: revenue of the next years, discounted, as long as it stays?

Year 1 is the forecast, which holds the chance that the customer has already left. In each later
year it buys as much again with the chance `retention`. Payments come in the middle of a year.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.problems import Problem, SettingsError, raise_all

# A group's own share of those who stay counts half once so many customers were seen in it.
_PRIOR_CUSTOMERS = 20
_NORMAL_90 = 1.2816
_FEWEST_CUSTOMERS = 20

Floats = np.ndarray


@dataclass(frozen=True)
class LifetimeOptions:
    """How far to look ahead, and what a later year is worth today."""

    horizon_years: int = 3  # years counted, 1 to 20
    discount_share: float = 0.1  # a year, 0 to 1

    def __post_init__(self) -> None:
        problems = [
            Problem(f"lifetime option {name}", repr(value), f"{low} to {high}", "mend the value")
            for name, low, high in (("horizon_years", 1, 20), ("discount_share", 0, 1))
            if not low <= (value := getattr(self, name)) <= high
        ]
        raise_all(problems, SettingsError)


@dataclass(frozen=True)
class Retention:
    """Share of a year's buyers who buy again in the next year: of all, and of each group.

    Groups are drawn to the share of all; `deviation` is the standard deviation of each share.
    """

    everyone: float
    share: dict[str, float]
    deviation: dict[str, float]

    def of(self, groups: pd.Series) -> Floats:
        """Return each customer's share; that of everyone where the group was not seen."""
        return groups.map(self.share).fillna(self.everyone).to_numpy(float)

    def spread_of(self, groups: pd.Series) -> Floats:
        """Return the standard deviation of each customer's share."""
        widest = max(self.deviation.values(), default=0.0)
        return groups.map(self.deviation).fillna(widest).to_numpy(float)


def learn_retention(groups: pd.Series, has_bought_again: pd.Series) -> Retention | None:
    """Return retention from buyers of one year, by group; None from fewer than 20 customers."""
    if len(groups) < _FEWEST_CUSTOMERS:
        return None
    stayed = has_bought_again.astype(float)
    everyone = float((stayed.sum() + 1) / (len(stayed) + 2))
    sums = stayed.groupby(groups).agg(["sum", "size"])
    weight = sums["size"] + _PRIOR_CUSTOMERS
    share = (sums["sum"] + _PRIOR_CUSTOMERS * everyone) / weight
    deviation = np.sqrt(share * (1 - share) / weight)
    return Retention(everyone, share.to_dict(), deviation.to_dict())


def lifetime_factor(retention: Floats | float, options: LifetimeOptions) -> Floats:
    """Return what the next years are worth as a multiple of the next year's forecast.

    The sum over years t = 1 to the horizon of retention^(t - 1) / (1 + discount)^(t - 1/2).
    """
    years = np.arange(options.horizon_years)
    kept = np.asarray(retention, dtype=float)[..., None] ** years
    return kept @ (1 + options.discount_share) ** -(years + 0.5)


def lifetime_table(
    customers: pd.DataFrame, retention: Retention, options: LifetimeOptions
) -> pd.DataFrame:
    """Return one row per customer, in the order given, money of today to the cent.

    `customers` holds customer_id, segment_id, the forecast of the year with its 80 % interval, and
    margin_ahead_share (expected margin per revenue, missing without cost). Columns: customer_id;
    retention_share; lifetime_amount (revenue) with low and high (80 %: both the year's range and
    the uncertainty of retention at once); lifetime_margin_amount.
    """
    groups = customers["segment_id"]
    share, spread = retention.of(groups), _NORMAL_90 * retention.spread_of(groups)
    factor = lifetime_factor(share, options)
    low, high = (lifetime_factor(np.clip(share + s, 0, 1), options) for s in (-spread, spread))
    amount = customers["forecast_year_amount"].to_numpy(float) * factor
    return pd.DataFrame(
        {
            "customer_id": customers["customer_id"],
            "retention_share": share,
            "lifetime_amount": amount,
            "lifetime_low_amount": customers["forecast_year_low_amount"].to_numpy(float) * low,
            "lifetime_high_amount": customers["forecast_year_high_amount"].to_numpy(float) * high,
            "lifetime_margin_amount": amount * customers["margin_ahead_share"].to_numpy(float),
        }
    ).round({name: 2 for name in _AMOUNTS})


_AMOUNTS = (
    "lifetime_amount",
    "lifetime_low_amount",
    "lifetime_high_amount",
    "lifetime_margin_amount",
)
