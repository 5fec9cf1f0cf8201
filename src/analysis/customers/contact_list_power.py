"""Which lift could a list tell, said before anything is done? Earlier quarters show the noise.

Had the same customers been divided at earlier quarter ends and nobody been contacted, the groups
would have differed by chance alone. How far, follows from the spread within the blocks, without
drawing. The lift that is told four times in five is where what it adds exceeds what chance makes
at 5 % (two-sided) and what chance takes away in one case of five.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import ceil, nan

import numpy as np
import pandas as pd
from scipy.stats import norm

from analysis.core.scope import Scope
from analysis.customers.contact_list_draw import block_sizes
from analysis.customers.contact_list_effect import Floats, block_weights, limits

_LEVEL, _POWER = 0.05, 0.8
_MOST_LIFT = 9.0
_QUARTERS = 4  # so that every season counts
_FEWEST = 10  # customers of an earlier quarter
_YEAR_QUARTERS = 4


@dataclass(frozen=True)
class Before:
    """What the listed customers brought in an earlier quarter, and what was to be expected."""

    forecast: Floats
    came: Floats

    @classmethod
    def of(cls, forecast: Floats, came: Floats) -> "Before":
        """Put the level right, which blocks take out anyway, and sort by forecast."""
        total = forecast.sum()
        forecast = forecast * (max(came.sum(), 0.0) / total) if total > 0 else forecast
        order = np.argsort(-forecast, kind="stable")
        return cls(forecast[order], came[order])


@dataclass(frozen=True)
class Known:
    """Where earlier quarters are known from; None where a table is not there.

    `backtest_origins` is a derived table; `frozen` is the ledger of what earlier reports forecast.
    """

    backtest_origins: pd.DataFrame | None = None
    frozen: pd.DataFrame | None = None


def quarters_before(known: Known, customer_ids: Collection[str], scope: Scope) -> list[Before]:
    """Return the last known quarters of the listed customers, a year of them at most.

    Expected is what was forecast then, where a report of that quarter was published, else the mean
    of the four quarters before: a coarser guess, so the noise is rather told too large.
    """
    if known.backtest_origins is None or known.backtest_origins.empty:
        return []
    origins = known.backtest_origins
    names = origins["origin"].astype("str")
    ends = {name: _known_on(name, scope) for name in sorted(set(names))}
    usable = sorted((day, name) for name, day in ends.items() if day is not None)
    published = _published(known, customer_ids)
    found = []
    for _, name in usable[-_QUARTERS:]:
        rows = origins[names == name]
        rows = rows[rows["customer_id"].isin(customer_ids)].sort_values("customer_id")
        year = rows["revenue_year_amount"].astype(float).clip(lower=0) / _YEAR_QUARTERS
        expected = published.get(name)
        if expected is not None:
            year = rows["customer_id"].astype("str").map(expected).fillna(year)
        if len(rows) >= _FEWEST:
            came = rows["next_quarter_amount"].astype(float).to_numpy()
            found.append(Before.of(year.to_numpy(float), came))
    return found


def _published(known: Known, customer_ids: Collection[str]) -> dict[str, pd.Series]:
    """What earlier reports forecast of the customers' next quarter, by the report's quarter."""
    if known.frozen is None or known.frozen.empty:
        return {}
    wanted = {
        "scope": "customer",
        "measure": "revenue",
        "horizon": "quarter",
        "statistic": "point",
        "cadence": "quarterly",
    }
    rows = known.frozen[known.frozen["scope_id"].isin(customer_ids)]
    for name, value in wanted.items():
        rows = rows[rows[name].astype("str") == value]
    by_origin = rows.groupby(rows["origin"].astype("str"))
    return {
        name: part.assign(scope_id=part["scope_id"].astype("str"))
        .set_index("scope_id")["value_amount"]
        .astype(float)
        for name, part in by_origin
    }


def _known_on(name: str, scope: Scope) -> pd.Timestamp | None:
    """The day by which what came after an origin is known; None unless it is a whole quarter's."""
    if "Q" not in name:
        return None
    day = scope.calendar.shift(scope.calendar.parse(name), 1).last_day
    last = scope.known_to if scope.is_cut_short else scope.as_of
    return pd.Timestamp(day) if last is not None and day <= last else None


@dataclass(frozen=True)
class Power:
    """What a list can tell: the least lift, and how many such customers `lift_share` takes."""

    hold_out_share: float
    held_count: int
    least_lift: float  # NaN where no lift to nine times the revenue is told
    needed_count: float  # NaN where unknown


def power_of(
    before: Sequence[Before], count: int, hold_out_share: float, lift_share: float
) -> Power:
    """Return what a list of `count` customers tells when such a share of it is held out."""
    held = int(block_sizes(count, hold_out_share)[1].sum())
    known = [b for b in before if len(block_sizes(len(b.came), hold_out_share)[0])]
    if not known or not held:
        return Power(hold_out_share, held, nan, nan)
    scale = float(np.mean([len(b.came) for b in known])) / count
    gain, noise = _moments(known, hold_out_share, lift_share)
    needed = ceil(count * scale * (noise / gain) ** 2) if gain > 0 else nan
    return Power(hold_out_share, held, _least_lift(known, hold_out_share, scale), needed)


def _least_lift(before: Sequence[Before], hold_out_share: float, scale: float) -> float:
    """The lift whose gain is just as large as the noise, by halving."""
    low, high = 0.0, _MOST_LIFT
    if not _is_told(before, hold_out_share, scale, high):
        return nan
    for _ in range(40):
        middle = (low + high) / 2
        if _is_told(before, hold_out_share, scale, middle):
            high = middle
        else:
            low = middle
    return high


def _is_told(before: Sequence[Before], hold_out_share: float, scale: float, lift: float) -> bool:
    gain, noise = _moments(before, hold_out_share, lift)
    return gain >= noise * np.sqrt(scale)


def _moments(before: Sequence[Before], hold_out_share: float, lift: float) -> tuple[float, float]:
    """What such a lift adds to the comparison, and how much it takes to be told: quarters' mean."""
    each = np.array([_moments_of(one, hold_out_share, lift) for one in before])
    gain, without, with_lift = each.mean(axis=0)
    chance = float(norm.ppf(1 - _LEVEL / 2)) * np.sqrt(without)
    return float(gain), float(chance + float(norm.ppf(_POWER)) * np.sqrt(with_lift))


def _moments_of(one: Before, hold_out_share: float, lift: float) -> tuple[float, float, float]:
    """Expected gain, and variance over draws under no effect and under the lift; without a unit."""
    sizes, held = block_sizes(len(one.came), hold_out_share)
    block = np.repeat(np.arange(len(sizes)), sizes)
    weights, limit = block_weights(block, one.forecast), limits(one.forecast)
    plain, raised = (np.clip(one.came * times, 0, limit) for times in (1.0, 1.0 + lift))
    contacts = sizes - held
    each = weights[np.cumsum(sizes) - 1] * contacts  # how much a block's difference counts
    gain = (each * _means(raised - plain, block, sizes)).sum()
    of_held = _variances(plain - one.forecast, block, sizes)
    of_contacts = _variances(raised - one.forecast, block, sizes)
    mixed = (contacts * of_contacts + held * of_held) / sizes
    without = (each**2 * mixed * (1 / contacts + 1 / held)).sum()
    with_lift = (each**2 * (of_contacts / contacts + of_held / held)).sum()
    unit = max((each * _means(one.forecast, block, sizes)).sum(), 1e-12)
    return gain / unit, without / unit**2, with_lift / unit**2


def _means(values: Floats, block: Floats, sizes: Floats) -> Floats:
    return np.bincount(block, values) / sizes


def _variances(values: Floats, block: Floats, sizes: Floats) -> Floats:
    rest = values - _means(values, block, sizes)[block]
    return np.bincount(block, rest**2) / np.maximum(sizes - 1, 1)
