"""How far may a customer's revenue fall from its forecast, and what is a fair target?

Read off from earlier quarter ends: customers of a like forecast, what came over what was forecast.
So nothing is assumed of the spread; it has the zeros and the large orders that it had before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Floats = np.ndarray

TWO_YEARS_DAYS = 730  # of history, below which no season was seen twice
_MOST_BINS = 20
_FEWEST_PER_BIN = 50
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

    `level_errors` are the logs of what came over what was forecast, all customers of a quarter.
    """

    forecast: Floats
    actual: Floats
    level_errors: Floats

    @property
    def is_enough(self) -> bool:
        return len(self.forecast) >= 2 * _FEWEST_PER_BIN


def gather(pairs: Sequence[tuple[Floats, Floats]]) -> Experience:
    """Return the experience of some quarters, each given as forecast and actual of its customers.

    Single quarters' totals are put aside, because customers of one quarter share its season: that
    error comes back as `level_errors`.
    """
    usable = [(f, a) for f, a in pairs if f.sum() > 0 and a.sum() > 0]
    levels = [a.sum() / f.sum() for f, a in usable]
    none = [np.empty(0)]
    return Experience(
        np.concatenate([f * level for (f, _), level in zip(usable, levels, strict=True)] or none),
        np.concatenate([a for _, a in usable] or none),
        np.log(np.array(levels)),
    )


def shock(experience: Experience, assumed: float) -> float:
    """Return the standard deviation of the log error of a total, drawn to the assumed one."""
    squares = (experience.level_errors**2).sum() + _PRIOR_QUARTERS * assumed**2
    return float(np.sqrt(squares / (len(experience.level_errors) + _PRIOR_QUARTERS)))


def widened(deviation: float, history_days: float) -> float:
    """Return the deviation of a total's log, wider where the data cover less than two years."""
    is_young = history_days < TWO_YEARS_DAYS
    return float(np.hypot(deviation, _YOUNG_DEVIATION)) if is_young else deviation


def interval(experience: Experience, forecast: Floats, deviation: float) -> tuple[Floats, Floats]:
    """Return the ends of an 80 % interval of each customer, with that deviation of the total's log.

    10 % lie below the low end and 10 % above the high one; where more than 10 % have no revenue,
    the low end is 0 and nothing lies below it, so 20 % lie above the high end. Where 80 % have
    none, an interval of 0 alone would hold them: the high end then leaves 10 % above it. High ends
    do not fall as forecasts rise. The interval holds the forecast, which is a mean and exceeds the
    80th percentile of rare buyers.
    """
    centres, bins = _bins(experience, forecast, deviation)
    lows, highs = np.array([_ends(ratios) for ratios in bins]).T
    highs = np.maximum.accumulate(highs * np.exp(centres)) / np.exp(centres)
    low, high = (_between(forecast, centres, column) * forecast for column in (lows, highs))
    return np.minimum(low, forecast), np.maximum(high, forecast)


def variation(experience: Experience, forecast: Floats) -> Floats:
    """Return the standard deviation of each customer's revenue around a forecast of right total."""
    parts = _parts(experience)
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


def _bins(
    experience: Experience, forecast: Floats, deviation: float
) -> tuple[Floats, list[Floats]]:
    """Return the log of the forecast and the ratios actual / forecast of like customers."""
    parts = _parts(experience)
    logs = np.log(np.maximum(experience.forecast, _least(forecast)))
    shocks = np.exp(deviation * _SHOCKS)
    ratios = experience.actual / np.exp(logs)
    return (
        np.array([logs[part].mean() for part in parts]),
        [np.outer(ratios[part], shocks).ravel() for part in parts],
    )


def _parts(experience: Experience) -> list[np.ndarray]:
    """Return the rows of customers of like forecasts, lowest first, about as many in each part."""
    order = np.argsort(experience.forecast, kind="stable")
    return np.array_split(order, int(np.clip(len(order) // _FEWEST_PER_BIN, 1, _MOST_BINS)))


def _ends(ratios: Floats) -> tuple[float, float]:
    if np.mean(ratios <= 0) >= _RARE_SHARE:
        return 0.0, float(np.quantile(ratios, 1 - _TAIL_SHARE))
    low = float(np.quantile(ratios, _TAIL_SHARE, method="lower"))
    inside = _INSIDE_SHARE + np.mean(ratios < low)
    return low, float(np.quantile(ratios, min(inside, 1.0), method="higher"))


def _between(forecast: Floats, centres: Floats, values: Floats) -> Floats:
    return np.interp(np.log(np.maximum(forecast, _least(forecast))), centres, values)


def _least(forecast: Floats) -> float:
    """A forecast so small that it is nothing, so that logs exist."""
    return max(float(np.max(forecast, initial=0.0)) * 1e-12, 1e-12)
