"""How far would each factor go in a good quarter of our own? The size of every lever is measured.

A factor's changes on the year before, over the last eight quarters, say what a good quarter is: the
upper quartile. Part of it is luck, so it is drawn to their mean as far as chance explains the
spread. The lever is what lies between that and what is expected of the factor; where more is
expected than of a good quarter, there is none.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.core.scope import Scope

Floats = np.ndarray
LEVERS = {
    "keep": "customers who order again",
    "leads": "leads",
    "convert": "deals opened per lead",
    "win": "deals won of those opened",
    "won": "customers won or won back",
    "orders": "orders per customer",
    "value": "value per order",
}
SHARES = ("keep", "convert", "win")
COUNTS = ("leads", "won")
_YEAR, _WINDOW, _FEWEST = 4, 8, 4
DRAWS = 2000
_FEWEST_SELLERS = 4


@dataclass(frozen=True)
class Series:
    """A factor by quarter, oldest first, and what chance alone would make its change vary by.

    `noise` is the variance by chance of the log of each change on the year before; missing where
    that is not known.
    """

    names: list[str]
    values: Floats
    noise: Floats


@dataclass(frozen=True)
class Lever:
    """One factor: as expected, in a good quarter, and draws of the ratio of the two.

    `spread` is the variance of the log of its changes on the year before; missing if unknown.
    """

    name: str
    present: float
    good: float
    draws: Floats  # of good / present, around it: a lever may turn out to bring less than nothing
    source: str
    spread: float = float("nan")

    @property
    def ratio(self) -> float:
        """What the lever multiplies the factor by: never below 1."""
        return max(self.good / self.present, 1.0) if self.present > 0 else 1.0

    @property
    def ratios(self) -> Floats:
        """The same, drawn; where there is no lever, chance makes none either."""
        return self.draws if self.ratio > 1 else np.ones_like(self.draws)

    def moved(self, log_step: float) -> "Lever":
        """Return the lever when the factor is expected so much (log) above the present rate."""
        limit = 1.0 if self.name in SHARES else np.inf
        expected = min(self.present * float(np.exp(log_step)), limit)
        ratio = self.present / expected if expected > 0 else 1.0
        return replace(self, present=expected, draws=self.draws * ratio)


@dataclass(frozen=True)
class Composition:
    """Of what revenue with a customer consists: the part kept customers bring, and the others."""

    kept_share: float


def customer_series(
    customer_periods: pd.DataFrame, names: list[str]
) -> tuple[dict[str, Series], Composition]:
    """Return the factors of customers by quarter: keep, won, orders, value.

    `names` are all quarters to the period, in order. A customer is kept when he orders and did so
    in the four quarters before, else won or won back; both are missing in the first four quarters.
    """
    orders, revenue = _matrices(customer_periods, names)
    is_active = orders > 0
    before = np.zeros_like(is_active)
    for step in range(1, _YEAR + 1):
        before[:, step:] |= is_active[:, :-step]
    kept = is_active & before
    won = (is_active & ~before).sum(axis=0).astype(float)
    won[:_YEAR] = np.nan
    found = {
        "keep": _ratio(names, kept.astype(float), before.astype(float), _YEAR),
        "won": Series(names, won, _count_noise(won)),
        "orders": _ratio(names, orders, is_active.astype(float), 0),
        "value": _ratio(names, np.where(is_active, revenue, 0.0), orders, 0),
    }
    last = slice(len(names) - _YEAR, None)
    mine = float(revenue[:, last][kept[:, last]].sum())
    all_ = float(revenue[:, last][is_active[:, last]].sum())
    return found, Composition(mine / all_ if all_ > 0 else 1.0)


def _matrices(customer_periods: pd.DataFrame, names: list[str]) -> tuple[Floats, Floats]:
    mine = customer_periods[customer_periods["period"].isin(names)]
    customers, ids = pd.factorize(mine["customer_id"], sort=True)
    places = mine["period"].map({name: i for i, name in enumerate(names)}).to_numpy(int)
    shape = len(ids), len(names)
    orders, revenue = np.zeros(shape), np.zeros(shape)
    orders[customers, places] = mine["order_count"].to_numpy(float)
    revenue[customers, places] = mine["revenue_amount"].to_numpy(float)
    return orders, revenue


def _ratio(names: list[str], above: Floats, below: Floats, unknown: int) -> Series:
    """A ratio of sums by quarter, and the chance variance of the log of its yearly change."""
    sums, bases = above.sum(axis=0), below.sum(axis=0)
    has = (sums > 0) & (bases > 0)
    values = np.divide(sums, bases, out=np.full(len(sums), np.nan), where=has)
    values[:unknown] = np.nan
    noise = np.full(len(sums), np.nan)
    for place in range(_YEAR, len(sums)):
        pair = [place, place - _YEAR]
        if np.isfinite(values[pair]).all():
            each = [(above[:, p] - values[p] * below[:, p]) / sums[p] for p in pair]
            noise[place] = float(((each[0] - each[1]) ** 2).sum())
    return Series(names, values, noise)


def _count_noise(counts: Floats) -> Floats:
    noise = np.full(len(counts), np.nan)
    with np.errstate(divide="ignore"):
        noise[_YEAR:] = 1 / counts[_YEAR:] + 1 / counts[:-_YEAR]
    return noise


def count_series(moments: pd.Series, names: list[str], scope: Scope) -> Series:
    """Return how many moments lie in each quarter, for example leads created."""
    days = pd.to_datetime(moments.dropna())
    counts = np.array([((days >= s) & (days < e)).sum() for s, e in _edges(names, scope)], float)
    return _known_from(names, counts, days, scope)


def share_series(
    moments: pd.Series, is_done: pd.Series, names: list[str], scope: Scope
) -> tuple[Series, Floats]:
    """Return the share of what began in each quarter that is done, and of how many."""
    days = pd.to_datetime(moments)
    inside = [((days >= s) & (days < e)).to_numpy() for s, e in _edges(names, scope)]
    trials = np.array([part.sum() for part in inside], float)
    done = np.array([(part & is_done.to_numpy(bool)).sum() for part in inside], float)
    values = np.divide(
        done, trials, out=np.full(len(done), np.nan), where=(trials > 0) & (done > 0)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        each = (1 - values) / done
    noise = np.full(len(done), np.nan)
    noise[_YEAR:] = each[_YEAR:] + each[:-_YEAR]
    found = _known_from(names, values, days.dropna(), scope)
    return Series(names, found.values, noise), trials


def _known_from(names: list[str], values: Floats, days: pd.Series, scope: Scope) -> Series:
    """Quarters that began before the first day are not known in whole."""
    first = days.min()
    starts = pd.DatetimeIndex([s for s, _ in _edges(names, scope)])
    begun = starts + pd.Timedelta(days=14)  # a fortnight without a row is no missing data
    values = np.where((begun >= first) if pd.notna(first) else False, values, np.nan)
    return Series(names, values, _count_noise(values))


def _edges(names: list[str], scope: Scope) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    periods = [scope.calendar.parse(name) for name in names]
    return [(pd.Timestamp(p.starts_on), pd.Timestamp(p.ends_before)) for p in periods]


def lever_of(name: str, series: Series, scope: Scope, generator: np.random.Generator) -> Lever:
    """Return the lever of one factor from its changes on the year before.

    The factor stands at the present rate: a year before x its mean change of the last four
    quarters. The lever is nothing (ratio 1) when fewer than four such changes are known, and its
    source says so. Draws take the quarters anew.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        changes = np.log(series.values[_YEAR:] / series.values[:-_YEAR])[-_WINDOW:]
    noise = series.noise[_YEAR:][-_WINDOW:]
    is_known = np.isfinite(changes)
    changes, noise = changes[is_known], noise[is_known]
    base = _base(name, series, scope)
    if len(changes) < _FEWEST or not np.isfinite(base):
        source = f"cannot conclude: {_FEWEST} changes on the year before are needed"
        return Lever(name, base, base, np.ones(DRAWS), source)
    present = float(changes[-_YEAR:].mean())
    drawn = changes[generator.integers(0, len(changes), (DRAWS, len(changes)))]
    # A share cannot grow for ever: no more than in the best of these quarters.
    limit = float(np.nanmax(series.values[-_WINDOW:])) if name in SHARES else np.inf
    now = min(base * float(np.exp(present)), limit)
    good = min(base * float(np.exp(_good(changes[None, :], noise)[0])), limit)
    draws = np.minimum(base * np.exp(_good(drawn, noise)), limit) / now
    source = f"good quarter of our own: upper quartile of {len(changes)}, less luck"
    return Lever(name, now, good, draws, source, float(changes.var(ddof=1)))


def _base(name: str, series: Series, scope: Scope) -> float:
    """The factor a year before the next period; for a year the mean of quarters, counts summed."""
    last = series.values[-_YEAR:]
    if scope.period.cadence == "annual":
        return float(last.sum() if name in COUNTS else last.mean())
    return float(last[0])


def _good(changes: Floats, noise: Floats) -> Floats:
    """Upper quartile of changes, drawn to their mean as far as chance explains the spread."""
    mean, top = changes.mean(axis=1), np.quantile(changes, 0.75, axis=1)
    spread = float(changes[0].var(ddof=1)) if len(changes) == 1 else np.nan
    if len(changes) > 1:
        spread = (
            float(changes.var(axis=1, ddof=1).mean()) * changes.shape[1] / (changes.shape[1] - 1)
        )
    chance = float(np.nanmean(noise)) if np.isfinite(noise).any() else 0.0
    real = max(0.0, 1 - chance / spread) if spread > 0 else 0.0
    return mean + real * (top - mean)


def expected_levers(levers: list[Lever], log_step: float, kept_share: float) -> list[Lever]:
    """Return the levers from what the forecast expects, `log_step` beside the present rate.

    Which factor is to move is not known: each gets the part that goes with how much it moved
    before (the expectation given the sum, were the factors independent). Factors of customers won
    weigh less, because they bring less of the revenue.
    """
    weights = {"keep": kept_share} | dict.fromkeys(
        ("leads", "convert", "win", "won"), 1 - kept_share
    )
    known = {
        lever.name: (weights.get(lever.name, 1.0), lever.spread)
        for lever in levers
        if np.isfinite(lever.spread)
    }
    whole = sum(weight**2 * spread for weight, spread in known.values())
    if not whole > 0 or log_step == 0:
        return levers
    steps = {name: log_step * weight * spread / whole for name, (weight, spread) in known.items()}
    return [lever.moved(steps.get(lever.name, 0.0)) for lever in levers]


def win_lever(
    sellers: pd.DataFrame, present: float, generator: np.random.Generator
) -> Lever | None:
    """Return the lever of winning: everybody like the upper quartile of sellers, shrunk.

    `sellers` is the table of the chapter on the funnel (shrunk_share with low and high,
    common_share); None with fewer than four sellers compared there. `present` is the share won now.
    """
    known = sellers[sellers["shrunk_share"].notna()]
    if len(known) < _FEWEST_SELLERS or not present > 0:
        return None
    shares = known["shrunk_share"].to_numpy(float)
    common = float(known["common_share"].iloc[0])
    half = (known["shrunk_high_share"] - known["shrunk_low_share"]).to_numpy(float) / 2.563
    drawn = shares + half * generator.standard_normal((DRAWS, len(shares)))
    ratio = max(float(np.quantile(shares, 0.75)) / common, 1.0)
    tops = np.quantile(drawn, 0.75, axis=1)
    # The best of noisy draws is better than the best of sellers: drawn around what is claimed.
    ratios = ratio * tops / np.median(tops)
    limit = 1 / present
    source = f"upper quartile of {len(known)} sellers for equal work, less luck (funnel)"
    good = present * min(ratio, limit)
    return Lever("win", present, good, np.minimum(ratios, limit), source)
