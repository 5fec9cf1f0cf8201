"""Potential of regions and product categories, as ranges: counts x spend, never point x point."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from analysis.core.shrinkage import shrunk_shares

_Z90 = float(norm.ppf(0.9))
_QUANTILES = {"low": 0.1, "mid": 0.5, "high": 0.9}
KEYS = ["region_id", "product_category"]
_RANGED = ("regular_{}_count", "spend_{}_amount")

Floats = np.ndarray


@dataclass(frozen=True)
class Potential:
    """Draws of what the market holds; one row per region and category, one column per draw.

    `customers` are regular buyers, `amount` their spend in a year (company currency).
    """

    keys: pd.DataFrame
    customers: Floats
    amount: Floats

    def by(self, column: str) -> dict[str, tuple[Floats, Floats]]:
        """Return draws of customers and amount per region or category, and in all under "".

        Customers of a region buy several categories, so a region has at least the buyers of its
        largest category: that is what is counted. Amounts add up.
        """
        found = {"": (self._customers(self.keys.index), self.amount.sum(axis=0))}
        for name, rows in self.keys.groupby(column).groups.items():
            found[str(name)] = (self._customers(rows), self.amount[rows].sum(axis=0))
        return found

    def _customers(self, rows: pd.Index) -> Floats:
        regions = self.keys.loc[rows, "region_id"]
        return sum(
            (self.customers[mine].max(axis=0) for mine in regions.groupby(regions).groups.values()),
            np.zeros(self.customers.shape[1]),
        )


def known_estimates(market_potential: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return per region and category the latest estimate that was known at the end of `as_of`.

    Of several periods the latest period, of several versions of it the one known last.
    """
    known = market_potential[market_potential["known_on"] <= as_of]
    ordered = known.sort_values([*KEYS, "known_on", "period"], kind="stable")
    return ordered.drop_duplicates(KEYS, keep="last").reset_index(drop=True)


_FEWEST_SHRUNK = 3  # regions of a category whose answers are counted


def shrink_regulars(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the estimates with shares of regular buyers drawn to that of all regions.

    Only where `asked_count` says how many answers are behind a share: the fewer, the nearer to all
    regions of the category (beta-binomial), and the range is that of the drawn share. Adds
    stated_mid_count (as it was given) and is_shrunk.
    """
    table = estimates.assign(stated_mid_count=estimates["regular_mid_count"], is_shrunk=False)
    if "asked_count" not in table:
        return table
    asked = table["asked_count"].astype(float)
    is_asked = (asked > 0) & (table["organisation_count"].astype(float) > 0)
    names = [f"regular_{part}_count" for part in _QUANTILES]
    table = table.astype({name: float for name in names})
    for _, rows in table[is_asked].groupby("product_category", sort=True):
        if len(rows) < _FEWEST_SHRUNK:
            continue
        count, trials = rows["organisation_count"].astype(float), asked[rows.index]
        found = shrunk_shares(rows["regular_mid_count"] / count * trials, trials)
        made = found[["low", "share", "high"]].to_numpy() * count.to_numpy()[:, None]
        table.loc[rows.index, names] = made
        table.loc[rows.index, "is_shrunk"] = True
    return table


def simulate_potential(estimates: pd.DataFrame, draws: int, seed: int) -> Potential:
    """Draw regular buyers and spend from their 10, 50 and 90 % points.

    Each is a two-piece lognormal through its three points. An error of the count is shared by all
    rows of one source (one survey made them), by the categories of a region where `asked_count`
    says that the region was asked by itself; an error of the spend by all regions of a category. A
    row without a low or high point is taken as it stands, and so is one without spend (0). Counts
    never exceed the organisations that there are.
    """
    generator = np.random.default_rng(seed)
    keys = estimates[KEYS]
    made_by = (_surveys(estimates), keys["product_category"])
    regular, spend = (
        _drawn(estimates, name, _shared(names, draws, generator))
        for name, names in zip(_RANGED, made_by, strict=True)
    )
    most = estimates["organisation_count"].astype(float).fillna(np.inf).to_numpy()[:, None]
    customers = np.minimum(regular, most)
    return Potential(keys.reset_index(drop=True), customers, customers * spend)


def _surveys(estimates: pd.DataFrame) -> pd.Series:
    """Name the survey behind each row's count: that of the region, or one source for all."""
    source = estimates["source"].astype("string").fillna("")
    own = source.eq("")
    if "asked_count" in estimates:
        own |= estimates["asked_count"].notna()
    return ("source " + source).mask(own, "region " + estimates["region_id"].astype("string"))


def _shared(names: pd.Series, draws: int, generator: np.random.Generator) -> Floats:
    """One standard normal draw per name and draw, the same for all rows of the name."""
    ordered = sorted(names.unique())
    made = generator.standard_normal((len(ordered), draws))
    return made[[ordered.index(name) for name in names]]


def _drawn(estimates: pd.DataFrame, name: str, z: Floats) -> Floats:
    low, mid, high = (
        estimates[name.format(part)].astype(float).to_numpy()[:, None] for part in _QUANTILES
    )
    mid = np.nan_to_num(mid)
    with np.errstate(divide="ignore", invalid="ignore"):
        down = np.log(mid / low) / _Z90
        up = np.log(high / mid) / _Z90
    usable = np.isfinite(down) & np.isfinite(up) & (down >= 0) & (up >= 0)
    spread = np.where(z < 0, np.where(usable, down, 0), np.where(usable, up, 0))
    return mid * np.exp(spread * z)


def quantiles(draws: Floats) -> dict[str, float]:
    """Return the 10, 50 and 90 % points of draws, as low, mid and high."""
    return {name: float(np.quantile(draws, level)) for name, level in _QUANTILES.items()}
