"""What is a new customer worth, by market segment, first product and the channel he came by?

By quarter since the first order, the mean margin of all customers who have been customers for that
long, whether they still buy or not: the mean cumulative function, so nobody has to be declared
gone. Quarters beyond what anybody has been seen for go on from the last four, shrinking from year
to year as the margin of old customers did. Everything is discounted to the first order.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from analysis.core.statistics import false_discovery_levels
from analysis.sales.channels_options import ChannelsOptions

_YEAR = 4
_NORMAL_90 = float(norm.ppf(0.9))
OTHERS, NOT_KNOWN = "others, few each", "not known"
Floats = np.ndarray


@dataclass(frozen=True)
class Tenures:
    """Margin of customers by quarter since the first order.

    `ids` of new customers; `amounts` one row each and a column per quarter, 0 where nothing came;
    `first` their first quarter; `last` the latest quarter that is over (numbered alike). `before`
    and `after` are the margin of the old customers in the last year but one, and in the last.
    """

    ids: pd.Series
    amounts: Floats
    is_active: Floats
    first: Floats
    last: int
    before: Floats
    after: Floats

    @property
    def seen(self) -> Floats:
        """For each new customer and quarter since the first order, whether it is over."""
        return self.first[:, None] + np.arange(self.amounts.shape[1]) <= self.last

    @property
    def kept_share(self) -> float:
        """Margin of old customers as a share of that of a year before, 1 at most; NaN of none."""
        before = self.before.sum()
        return float(np.clip(self.after.sum() / before, 0, 1)) if before > 0 else float("nan")

    @property
    def kept_variance(self) -> float:
        """Variance of `kept_share`, by what each old customer adds to it."""
        before = self.before.sum()
        return float(np.sum(((self.after - self.kept_share * self.before) / before) ** 2))


def quarter_numbers(days: pd.Series) -> pd.Series:
    """Number fiscal quarters by their first days, one after the other."""
    return (days.dt.year * 12 + days.dt.month - 1) // 3


def tenures(
    periods: pd.DataFrame, end: pd.Timestamp, options: ChannelsOptions, *, later: int = 0
) -> Tenures | None:
    """Return the margin of customers by quarter since the first order; None without any new one.

    `periods` is customer_periods with `worth`. Only quarters that are over at `end` count, less the
    `later` last ones.
    """
    is_over = periods["starts_on"] + pd.DateOffset(months=3) <= end
    known = periods[is_over].assign(quarter=quarter_numbers(periods["starts_on"]))
    if known.empty:
        return None
    begin, last = int(known["quarter"].min()), int(known["quarter"].max()) - later
    known = known[known["quarter"] <= last].sort_values(["customer_id", "quarter"])
    ordered = known[known["order_count"] > 0]
    first = ordered.groupby("customer_id")["quarter"].min()
    fresh = first[first >= begin + options.old_quarters]
    if fresh.empty:
        return None
    table = known.assign(first=known["customer_id"].map(first))
    # Whoever buys in the very first quarter of the data was mostly there before.
    old = table[table["first"] <= max(last - 2 * _YEAR, begin)]
    shape = (len(fresh), _YEAR * options.horizon_years)
    return Tenures(
        pd.Series(fresh.index, name="customer_id"),
        *_by_tenure(table, fresh, shape),
        fresh.to_numpy(),
        last,
        *(_of_year(old, last - back - _YEAR + 1) for back in (_YEAR, 0)),
    )


def _by_tenure(
    table: pd.DataFrame, fresh: pd.Series, shape: tuple[int, int]
) -> tuple[Floats, Floats]:
    row = pd.Series(np.arange(len(fresh)), index=fresh.index)
    own = table[table["customer_id"].isin(fresh.index)]
    tenure = (own["quarter"] - own["first"]).to_numpy(int)
    own = own[(tenure >= 0) & (tenure < shape[1])]
    later = (own["quarter"] - own["first"]).to_numpy(int)
    place = (own["customer_id"].map(row).to_numpy(int), later)
    amounts, active = np.zeros(shape), np.zeros(shape)
    np.add.at(amounts, place, own["worth"].to_numpy(float))
    np.add.at(active, place, (own["order_count"] > 0).to_numpy(float))
    return amounts, active


def _of_year(old: pd.DataFrame, starts: int) -> Floats:
    is_year = (old["quarter"] >= starts) & (old["quarter"] < starts + _YEAR)
    worth = old["worth"].where(is_year, 0.0)
    return worth.groupby(old["customer_id"]).sum().to_numpy(float)


@dataclass(frozen=True)
class Profile:
    """Mean margin by quarter since the first order, the seen quarters and those beyond."""

    means: Floats
    seen_quarters: int
    value: float  # discounted sum
    variance: float

    def at(self, quarters: Floats) -> Floats:
        """Return the mean of these quarters since the first order."""
        return self.means[np.minimum(quarters, len(self.means) - 1)]


def profile_of(found: Tenures, chosen: Floats, options: ChannelsOptions) -> Profile | None:
    """Return the profile of the chosen new customers; None when fewer than a year is seen.

    None as well when later quarters are asked for and no old customer tells how margin goes on. A
    quarter counts as seen while `least_customers` of the chosen have been customers for so long.
    """
    seen = found.seen[chosen]
    at_risk = seen.sum(axis=0)
    enough = at_risk >= options.least_customers
    count = int(enough.argmin()) if not enough.all() else len(enough)
    is_whole = count == len(enough)
    if count < _YEAR or (np.isnan(found.kept_share) and not is_whole):
        return None
    amounts = np.where(seen, found.amounts[chosen], 0.0)[:, :count]
    means = amounts.sum(axis=0) / at_risk[:count]
    quarters = np.arange(seen.shape[1])
    discount = (1 + options.discount_share) ** -((quarters + 0.5) / _YEAR)
    beyond = quarters[count:]
    base = means[-_YEAR:].mean()
    years = (beyond - (count - 1 - (_YEAR - 1) / 2)) / _YEAR
    kept = found.kept_share**years
    weights = discount[:count].copy()
    weights[-_YEAR:] += (discount[count:] @ kept) / _YEAR
    all_means = np.concatenate([means, base * kept])
    # What each customer adds to the error of the sum (first order), then the error of kept_share.
    pulls = ((amounts - means) * seen[:, :count] / at_risk[:count]) @ weights
    slope = base * float(discount[count:] @ (years * max(found.kept_share, 0.01) ** (years - 1)))
    variance = float(pulls @ pulls)
    if not is_whole:
        variance += slope**2 * found.kept_variance
    return Profile(all_means, count, float(discount @ all_means), variance)


def lifetime_table(found: Tenures, groups: pd.DataFrame, options: ChannelsOptions) -> pd.DataFrame:
    """Return the worth of a new customer by kind of group: one row per kind and value.

    `groups` has customer_id and a column per kind. Columns: kind; value; customer_count (new ones);
    first_year_amount (mean of the first four quarters, not discounted); stay_share (bought in the
    second year, of those whose second year is over; missing below `least_customers`);
    own_amount (by the group's customers alone); lifetime_amount with low and high (80 %, drawn to
    all as far as chance explains the difference); difference_amount (to the others); p_value;
    discovery_level; is_different. Groups too small to be seen for a year stand together.
    """
    known = found.ids.to_frame().merge(groups, how="left", on="customer_id")
    parts = [_kind_table(found, known[kind], kind, options) for kind in groups.columns[1:]]
    parts = [part for part in parts if len(part) > 1]
    if not parts:
        return pd.DataFrame(columns=["kind", "value", "customer_count", "lifetime_amount"])
    table = pd.concat(parts, ignore_index=True)
    levels = false_discovery_levels(table["p_value"])
    is_different = levels <= options.false_discovery_share
    return table.assign(discovery_level=levels, is_different=is_different)


def pooled(found: Tenures, values: pd.Series, options: ChannelsOptions) -> pd.Series:
    """Return each new customer's group, small ones put together."""
    names = values.astype(object).fillna(NOT_KNOWN)
    is_seen = {
        name: profile_of(found, (names == name).to_numpy(), options) is not None
        for name in sorted(names.unique())
    }
    return names.where(names.map(is_seen), OTHERS)


def _kind_table(
    found: Tenures, values: pd.Series, kind: str, options: ChannelsOptions
) -> pd.DataFrame:
    names = pooled(found, values, options)
    rows = []
    for name in sorted(names.unique()):
        chosen = (names == name).to_numpy()
        own, others = (profile_of(found, part, options) for part in (chosen, ~chosen))
        if own is not None:
            row = {"kind": kind, "value": name, "customer_count": int(chosen.sum())}
            rows.append(row | _group_row(found, chosen, (own, others), options))
    return _drawn(pd.DataFrame(rows)) if rows else pd.DataFrame()


def _group_row(
    found: Tenures,
    chosen: Floats,
    profiles: tuple[Profile, Profile | None],
    options: ChannelsOptions,
) -> dict[str, float]:
    own, others = profiles
    second = found.first[chosen] + 2 * _YEAR - 1 <= found.last
    stays = found.is_active[chosen][second, _YEAR : 2 * _YEAR].any(axis=1)
    difference, p_value = np.nan, np.nan
    if others is not None:
        difference = own.value - others.value
        deviation = np.sqrt(own.variance + others.variance)
        p_value = float(2 * norm.sf(abs(difference) / deviation)) if deviation > 0 else np.nan
    return {
        "first_year_amount": float(own.means[:_YEAR].sum()),
        "stay_share": float(stays.mean()) if len(stays) >= options.least_customers else np.nan,
        "own_amount": own.value,
        "variance": own.variance,
        "difference_amount": difference,
        "p_value": p_value,
    }


def _drawn(table: pd.DataFrame) -> pd.DataFrame:
    """Draw each group to all (DerSimonian and Laird 1986) and give its 80 % range."""
    value, variance = table["own_amount"].to_numpy(), table.pop("variance").to_numpy()
    weight = 1 / np.maximum(variance, 1e-12)
    centre = (weight @ value) / weight.sum()
    spread = weight @ (value - centre) ** 2 - (len(value) - 1)
    scale = weight.sum() - (weight @ weight) / weight.sum()
    between = max(spread / scale, 0.0) if len(value) > 1 else 0.0
    total = 1 / (variance + between) if between > 0 else weight
    centre = (total @ value) / total.sum()
    own = between / (between + variance) if between > 0 else np.zeros(len(value))
    mean = own * value + (1 - own) * centre
    deviation = np.sqrt(own * variance + (1 - own) ** 2 / total.sum())
    return table.assign(
        lifetime_amount=mean,
        lifetime_low_amount=mean - _NORMAL_90 * deviation,
        lifetime_high_amount=mean + _NORMAL_90 * deviation,
    )
