"""What margin will each customer leave in the next quarter and the next four?

Forecast revenue times the share of it that is margin. A customer's own share (of his last four
quarters) is drawn to that of customers of the same industry and business model, and theirs to the
company's, by as much as erred least on earlier quarter ends. Shares may be negative, and so may
margins. Where the cost of any line of those four quarters is unknown there is no margin: one of
half the lines would look like one of all. Who had no line in them is forecast like the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from analysis.customers.growth_margin_ranges import MarginExperience, experience_of
from analysis.customers.growth_origins import Origin

# Money that the company's or group's share counts as, in revenues of a year of the mean customer.
_OWN_WEIGHTS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, np.inf)
_GROUP_WEIGHTS = (1.0, 10.0, np.inf)
_GRID = tuple(product(_OWN_WEIGHTS, _GROUP_WEIGHTS))
_BEFORE = _GRID.index((0.3, 10.0))  # is used before any quarter can tell
_QUARTERS_PER_YEAR = 4

Floats = np.ndarray


@dataclass(frozen=True)
class CostKnown:
    """Customers at a quarter's end, what they left as margin, and what came of it.

    `margin` and `revenue` are of the four quarters before; `margin` is 0 where there was no line
    and NaN where a cost is unknown. `quarter` is the margin of the last quarter. `came` and
    `came_revenue` are of the next quarter, None while it is to come.
    """

    customers: pd.Series
    margin: Floats
    revenue: Floats
    groups: Floats  # a number for each industry and business model
    own_quarters: Floats
    quarter: Floats
    came: Floats | None
    came_revenue: Floats | None

    @property
    def is_known(self) -> Floats:
        """Whether all costs of the last four quarters are known."""
        return ~np.isnan(self.margin)

    @property
    def company_share(self) -> float:
        """Margin over revenue of all customers whose costs are known."""
        revenue = self.revenue[self.is_known].sum()
        return float(self.margin[self.is_known].sum() / revenue) if revenue > 0 else 0.0


def cost_known(origin: Origin, periods: pd.DataFrame, target: str | None) -> CostKnown:
    """Return what is known of margins at an origin; `periods` is the table customer_periods."""
    table = origin.table
    amounts = {
        name: table[name].to_numpy(dtype=float, na_value=np.nan)
        for name in ("margin_year_amount", "revenue_year_amount", "tenure_days")
    }
    lines = ("order_year_count", "sale_year_amount", "return_year_amount", "revenue_year_amount")
    is_silent = (table[list(lines)].astype(float).fillna(0) == 0).all(axis=1).to_numpy()
    kinds = table["industry"].astype("string").fillna("") + "\0"
    kinds += table["business_model"].astype("string").fillna("")
    return CostKnown(
        customers=table["customer_id"],
        margin=np.where(is_silent, 0.0, amounts["margin_year_amount"]),
        revenue=amounts["revenue_year_amount"],
        groups=pd.factorize(kinds, sort=True)[0],
        own_quarters=np.clip(np.ceil(amounts["tenure_days"] / 91.25), 1, _QUARTERS_PER_YEAR),
        quarter=margin_of(periods, origin.name, table["customer_id"]),
        came=None if target is None else margin_of(periods, target, table["customer_id"]),
        came_revenue=origin.revenue,
    )


def margin_of(periods: pd.DataFrame, period: str, customers: pd.Series) -> Floats:
    """Return each customer's margin of one quarter, NaN where a cost is unknown, else 0."""
    lines = periods[(periods["period"] == period).to_numpy(bool)]
    amounts = lines[["revenue_amount", "sale_amount", "return_amount"]].astype(float)
    has_none = (amounts.fillna(0) == 0).all(axis=1).to_numpy()
    margin = lines["margin_amount"].to_numpy(dtype=float, na_value=np.nan)
    margin = np.where(np.isnan(margin) & has_none, 0.0, margin)
    place = pd.Index(lines["customer_id"]).get_indexer(customers)
    return np.where(place >= 0, np.append(margin, 0.0)[place], 0.0)


def own_shares(known: CostKnown, own_weight: float, group_weight: float) -> Floats:
    """Return the share of revenue that is expected to be margin, for every customer.

    A customer whose returns exceeded his sales has no share of his own, and gets that of his like.
    """
    has = known.is_known & (known.revenue > 0)
    revenue, margin = np.where(has, known.revenue, 0.0), np.where(has, known.margin, 0.0)
    mean = revenue.sum() / max(has.sum(), 1)
    company = known.company_share
    count = int(known.groups.max(initial=-1)) + 1
    of_groups = _drawn(
        np.bincount(known.groups, margin, count),
        np.bincount(known.groups, revenue, count),
        company,
        group_weight * mean,
    )
    return _drawn(margin, revenue, of_groups[known.groups], own_weight * mean)


def _drawn(margin: Floats, revenue: Floats, towards: Floats | float, weight: float) -> Floats:
    if not np.isfinite(weight):
        return np.broadcast_to(np.asarray(towards, float), margin.shape).copy()
    if weight <= 0:
        return np.zeros(margin.shape)
    return (margin + weight * np.asarray(towards)) / (revenue + weight)


@dataclass(frozen=True)
class Margins:
    """Margins at earlier quarter ends and now: shares, expected amounts, experience."""

    past: list[CostKnown]
    now: CostKnown
    past_shares: list[Floats]
    shares: Floats
    quarters: MarginExperience
    years: MarginExperience
    quarters_before: list[MarginExperience]  # at each earlier quarter end


def learn_margins(
    now: Origin,
    origins: Sequence[Origin],
    targets: Sequence[str],
    forecasts: tuple[Sequence[Floats], Sequence[Floats]],
    periods: pd.DataFrame,
) -> Margins | None:
    """Return what earlier quarter ends teach of margins; None where no cost is known.

    `targets` are the quarters after the `origins`, `forecasts` their revenue forecast at each: of
    the next quarter, and of the next four. Shares at an origin are drawn as those before it teach.
    """
    at_now = cost_known(now, periods, None)
    if not (at_now.is_known & (at_now.revenue != 0)).any():
        return None
    past = [cost_known(o, periods, t) for o, t in zip(origins, targets, strict=True)]
    chosen = _choices(past)
    shares = [own_shares(known, *_GRID[n]) for known, n in zip(past, chosen[:-1], strict=True)]
    quarters = [
        (forecast, share, known.came_revenue, known.came)
        for forecast, share, known in zip(forecasts[0], shares, past, strict=True)
    ]
    return Margins(
        past=past,
        now=at_now,
        past_shares=shares,
        shares=own_shares(at_now, *_GRID[chosen[-1]]),
        quarters=experience_of(quarters),
        years=experience_of(_years(past, shares, forecasts[1])),
        quarters_before=[experience_of(quarters[:number]) for number in range(len(past))],
    )


def _choices(past: Sequence[CostKnown]) -> list[int]:
    """Return which weights erred least before each of the quarters, and before now."""
    losses = np.array([[_loss(known, *weights) for weights in _GRID] for known in past])
    sums = np.cumsum(losses.reshape(len(past), len(_GRID)), axis=0)
    return [_BEFORE, *(int(np.argmin(row)) if row.any() else _BEFORE for row in sums)]


def _loss(known: CostKnown, own_weight: float, group_weight: float) -> float:
    """Return the squared error of the next quarter's margin, had its revenue been known.

    Margins of large revenues vary more, about as their square root does.
    """
    has = known.is_known & ~np.isnan(known.came) & (known.came_revenue > 0)
    if not has.any():
        return 0.0
    revenue = known.came_revenue[has]
    shares = own_shares(known, own_weight, group_weight)[has]
    misses = known.came[has] - shares * revenue
    return float(np.sum(misses**2 / (revenue + revenue.mean())) / revenue.sum())


def _years(
    past: Sequence[CostKnown], shares: Sequence[Floats], forecasts: Sequence[Floats]
) -> list[tuple[Floats, Floats, Floats, Floats]]:
    """Return forecast, share, revenue and margin of the years that followed earlier quarters."""
    found = []
    for number in range(len(past) - _QUARTERS_PER_YEAR + 1):
        four = past[number : number + _QUARTERS_PER_YEAR]
        margin, revenue = np.zeros((2, len(four[0].customers)))
        for known in four:
            # Customers of an origin are in all later ones.
            place = pd.Index(known.customers).get_indexer(four[0].customers)
            margin += np.where(place >= 0, known.came[place], np.nan)
            revenue += np.where(place >= 0, known.came_revenue[place], np.nan)
        found.append((forecasts[number], shares[number], revenue, margin))
    return found
