"""How far may a customer's revenue fall from its forecast?

Read off from earlier quarter ends: customers of whom as many orders and a like amount were
expected, what came over what was forecast. So nothing is assumed of the spread; it has the zeros
and the large orders that it had before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

Floats = np.ndarray

TWO_YEARS_DAYS = 730  # of history, below which no season was seen twice
_MOST_BINS = 20
_FEWEST_PER_BIN = 50
_ORDERS = np.array([0.1, 0.25, 0.5, 1, 2, 4])  # expected; customers between two of them are alike
_MOST_BINS_ALIKE = 8  # by amount, among customers of alike expected orders
_HIGHEST_FACTOR = 50.0  # on a customer's or the mean forecast, for the total of a quarter
_MOST_PER_BIN = 20_000  # more rows change no end that matters
_MOST_PER_QUARTER = 500_000
_TAIL_SHARE = 0.1  # below the low end, and above the high end, of an 80 % interval
_INSIDE_SHARE = 0.8
# A shock of the whole company, three equally likely sizes with the given standard deviation.
_SHOCKS = np.sqrt(1.5) * np.array([-1.0, 0.0, 1.0])
_PRIOR_QUARTERS = 2  # that the assumed shock counts as much as
_YOUNG_DEVIATION = 0.35  # comes to a shock under two years, when no season was seen twice
_RARE_SHARE = 0.8  # without revenue: from here on no interval holds 80 % of such customers
_NORMAL_90 = 1.2816


@dataclass(frozen=True)
class Experience:
    """Earlier forecasts of one kind and what came, each quarter's total put right.

    `level_errors` are the logs of what came over what was forecast, all customers of a quarter;
    `orders` are the order days expected of each customer, None where amounts alone are known.
    """

    forecast: Floats
    actual: Floats
    level_errors: Floats
    orders: Floats | None = None

    @property
    def is_enough(self) -> bool:
        return len(self.forecast) >= 2 * _FEWEST_PER_BIN


def gather(
    pairs: Sequence[tuple[Floats, Floats]], orders: Sequence[Floats] | None = None
) -> Experience:
    """Return the experience of some quarters, each given as forecast and actual of its customers.

    Single quarters' totals are put aside, because customers of one quarter share its season: that
    error comes back as `level_errors`. `orders` are the order days that were expected.
    """
    usable = [n for n, (f, a) in enumerate(pairs) if f.sum() > 0 and a.sum() > 0]
    levels = [_level(*pairs[n]) for n in usable]
    rows = [slice(None, None, 1 + len(pairs[n][0]) // _MOST_PER_QUARTER) for n in usable]
    none = [np.empty(0)]
    right = [pairs[n][0][r] * level for n, r, level in zip(usable, rows, levels, strict=True)]
    came = [pairs[n][1][r] for n, r in zip(usable, rows, strict=True)]
    expected = [orders[n][r] for n, r in zip(usable, rows, strict=True)] if orders else None
    return Experience(
        np.concatenate(right or none),
        np.concatenate(came or none),
        np.log(np.array(levels)),
        None if orders is None else np.concatenate(expected or none),
    )


def _level(forecast: Floats, actual: Floats) -> float:
    """Return what came over what was forecast, of a giant order only what is still imaginable."""
    most = _HIGHEST_FACTOR * np.maximum(forecast, forecast.mean())
    return float(np.minimum(actual, most).sum() / forecast.sum())


def shock(experience: Experience, assumed: float) -> float:
    """Return the standard deviation of the log error of a total, drawn to the assumed one."""
    squares = (experience.level_errors**2).sum() + _PRIOR_QUARTERS * assumed**2
    return float(np.sqrt(squares / (len(experience.level_errors) + _PRIOR_QUARTERS)))


def widened(deviation: float, history_days: float) -> float:
    """Return the deviation of a total's log, wider where the data cover less than two years."""
    is_young = history_days < TWO_YEARS_DAYS
    return float(np.hypot(deviation, _YOUNG_DEVIATION)) if is_young else deviation


def interval(
    experience: Experience, forecast: Floats, deviation: float, orders: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return the ends of an 80 % interval of each customer, with that deviation of the total's log.

    10 % lie below the low end and 10 % above the high one; where more than 10 % have no revenue,
    the low end is 0 and nothing lies below it, so 20 % lie above the high end. Where 80 % have
    none, an interval of 0 alone would hold them: the high end then leaves 10 % above it. Among
    customers of alike `orders`, high ends do not fall as forecasts rise. The interval holds the
    forecast, which is a mean and exceeds the 80th percentile of rare buyers.
    """
    low, high = np.zeros(len(forecast)), np.zeros(len(forecast))
    for past, now in _alike(experience, forecast, orders):
        parts = _parts(
            experience.forecast[past], _MOST_BINS if orders is None else _MOST_BINS_ALIKE
        )
        rows = [past[part] for part in parts]
        low[now], high[now] = _ends_of(experience, rows, forecast[now], deviation)
    return np.minimum(low, forecast), np.maximum(high, forecast)


def variation(experience: Experience, forecast: Floats) -> Floats:
    """Return the standard deviation of each customer's revenue around a forecast of right total."""
    parts = _parts(experience.forecast, _MOST_BINS)
    centres = np.array([experience.forecast[part].mean() for part in parts])
    misses = experience.actual - experience.forecast
    spread = np.array([np.sqrt(np.mean(misses[part] ** 2)) for part in parts]) / centres
    return np.interp(forecast, centres, spread) * forecast


def total_interval(forecast: Floats, deviation: Floats, shock_share: float) -> tuple[float, float]:
    """Return the 80 % interval of a sum: customers vary by themselves, and all by one shock."""
    total = forecast.sum()
    if total <= 0:
        return 0.0, 0.0
    spread = np.hypot(np.sqrt((deviation**2).sum()) / total, shock_share)
    return float(total * np.exp(-_NORMAL_90 * spread)), float(total * np.exp(_NORMAL_90 * spread))


def _alike(
    experience: Experience, forecast: Floats, orders: Floats | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows of experience and of the forecast that belong together.

    Bands of expected orders, from the top; a band too small to learn from joins the one below.
    """
    if orders is None or experience.orders is None:
        yield np.arange(len(experience.forecast)), np.arange(len(forecast))
        return
    then, now = (np.searchsorted(_ORDERS, values) for values in (experience.orders, orders))
    counts = np.bincount(then, minlength=len(_ORDERS) + 1)
    top = len(_ORDERS)
    for bottom in range(len(_ORDERS), -1, -1):
        is_last = bottom == 0 or counts[:bottom].sum() < 2 * _FEWEST_PER_BIN
        if is_last or counts[bottom : top + 1].sum() >= 2 * _FEWEST_PER_BIN:
            first = 0 if is_last else bottom
            yield tuple(np.flatnonzero((b >= first) & (b <= top)) for b in (then, now))
            top = bottom - 1
        if is_last:
            return


def _ends_of(
    experience: Experience, parts: Sequence[np.ndarray], forecast: Floats, deviation: float
) -> tuple[Floats, Floats]:
    """Return the ends for some customers, from the rows of experience that are like them."""
    least = _least(forecast)
    shocks = np.exp(deviation * _SHOCKS)
    centres, ends = [], []
    for part in parts:
        rows = part[:: 1 + len(part) // _MOST_PER_BIN]
        amounts = np.maximum(experience.forecast[rows], least)
        centres.append(np.log(amounts).mean())
        ends.append(_ends(np.outer(experience.actual[rows] / amounts, shocks).ravel()))
    lows, highs = np.array(ends).T
    highs = np.maximum.accumulate(highs * np.exp(centres)) / np.exp(centres)
    places = np.log(np.maximum(forecast, least))
    return tuple(np.interp(places, centres, column) * forecast for column in (lows, highs))


def _parts(forecast: Floats, most: int) -> list[np.ndarray]:
    """Return the rows of like forecasts, lowest first, about as many in each part."""
    order = np.argsort(forecast, kind="stable")
    return np.array_split(order, int(np.clip(len(order) // _FEWEST_PER_BIN, 1, most)))


def _ends(ratios: Floats) -> tuple[float, float]:
    if np.mean(ratios <= 0) >= _RARE_SHARE:
        return 0.0, float(np.quantile(ratios, 1 - _TAIL_SHARE))
    low = max(0.0, float(np.quantile(ratios, _TAIL_SHARE, method="lower")))
    inside = _INSIDE_SHARE + np.mean(ratios < low)
    return low, float(np.quantile(ratios, min(inside, 1.0), method="higher"))


def _least(forecast: Floats) -> float:
    """A forecast so small that it is nothing, so that logs exist."""
    return max(float(np.max(forecast, initial=0.0)) * 1e-12, 1e-12)
