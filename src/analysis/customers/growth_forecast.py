"""What will each customer spend in the next quarter?

Buy-till-you-die models know how single customers buy, but nothing of what is special to this
company. So their forecast is multiplied by a factor that boosted trees learn from earlier quarter
and month ends: what customers then spent in the following quarter, over what the models expected.
The trees decide who gets how much of the total, never the total: `growth_level` does. Regular
customers share out what they get together by their rhythm, as far as that was better before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.customers.growth_known import Facts
from analysis.customers.growth_level import Level, bottom_up_level, combine, year_ago_level
from analysis.customers.growth_origins import Origin
from analysis.customers.growth_rhythm import Rhythm, gaps_between, rhythm
from analysis.customers.growth_trees import learnt_factors

_QUARTER_MONTHS = 3
_JUDGED = 4  # latest quarters on which the trees must have been better than the models alone
_RHYTHM_WEIGHTS = (0.0, 0.5, 1.0)  # of the logs of what regular customers spend
_FEWEST_REGULAR = 20  # customers at an origin, to judge rhythm by

Floats = np.ndarray


@dataclass(frozen=True)
class Forecast:
    """Sales of the next quarter, per customer, in the order of the origin's table.

    `base` is what the models alone say and `trees` what the trees make of it, both at the same
    total; `learnt` is the one of them that was better at earlier origins, and `sales` what rhythm
    makes of it, with the weight `rhythm_weight` among regular customers.
    """

    sales: Floats
    base: Floats
    trees: Floats
    level: Level
    learnt: Floats
    rhythm: Rhythm
    rhythm_weight: float


def forecast_all(
    origins: Sequence[Origin],
    targets: Sequence[Origin],
    daily: pd.Series | None,
    assumed_shock: float,
    facts: Facts | None = None,
) -> list[Forecast]:
    """Return the forecasts made at some origins, each with what was over by then.

    `origins` are what can be learnt from, `targets` are in the order of time; `daily` are the sales
    to customers by day, without which the year before says nothing; `assumed_shock` is the error
    of a total before there is experience; `facts` are those known in advance, by name of origin.
    """
    made: list[Forecast] = []
    gaps = gaps_between([*origins, *targets])
    for now in targets:
        before = [o for o in origins if o.known_on <= now.ends_on and o.sales.sum() > 0]
        graded = [
            (target, forecast)
            for target, forecast in zip(targets, made, strict=False)
            if target.known_on <= now.ends_on and target.sales.sum() > 0
        ]
        level = _level(before, now, daily, assumed_shock)
        factors = learnt_factors(before, now, facts or {})
        made.append(_forecast(now, level, factors, rhythm(gaps, now), graded[-_JUDGED:]))
    return made


def poisson_deviance(actual: Floats, forecast: Floats) -> float:
    """Return the mean Poisson deviance over the mean, the forecast scaled to the right total."""
    fitted = np.maximum(forecast * actual.sum() / forecast.sum(), 1e-6)
    amounts = np.maximum(actual, 0)
    logs = np.where(amounts > 0, amounts * np.log(np.maximum(amounts, 1e-9) / fitted), 0)
    return float(2 * np.mean(logs - (amounts - fitted)) / amounts.mean())


def _forecast(
    now: Origin,
    level: Level,
    factors: Floats,
    regular: Rhythm,
    graded: Sequence[tuple[Origin, Forecast]],
) -> Forecast:
    base = now.base * level.total / now.base.sum()
    trees = now.base * factors
    trees = trees * level.total / trees.sum()
    learnt = trees if _are_better(graded) else base
    weight = _rhythm_weight(graded)
    sales = _with_rhythm(learnt, regular, weight)
    return Forecast(sales, base, trees, level, learnt, regular, weight)


def _with_rhythm(learnt: Floats, regular: Rhythm, weight: float) -> Floats:
    """Return the forecast with what regular customers get together shared out by their rhythm."""
    who = regular.is_regular
    if weight == 0 or not who.any():
        return learnt
    mixed = learnt[who] ** (1 - weight) * regular.sales[who] ** weight
    sales = learnt.copy()
    sales[who] = mixed * learnt[who].sum() / mixed.sum()
    return sales


def _rhythm_weight(graded: Sequence[tuple[Origin, Forecast]]) -> float:
    """Return the weight that was best for regular customers of past quarters; 0 without any."""
    errors = []
    for origin, forecast in graded:
        who = forecast.rhythm.is_regular
        if who.sum() >= _FEWEST_REGULAR and origin.sales[who].sum() > 0:
            ways = [_with_rhythm(forecast.learnt, forecast.rhythm, w) for w in _RHYTHM_WEIGHTS]
            errors.append([poisson_deviance(origin.sales[who], way[who]) for way in ways])
    return _RHYTHM_WEIGHTS[int(np.argmin(np.mean(errors, axis=0)))] if errors else 0.0


def _level(
    before: Sequence[Origin], now: Origin, daily: pd.Series | None, assumed_shock: float
) -> Level:
    errors = np.array([np.log(origin.sales.sum() / origin.bottom_up) for origin in before])
    overlap = 1 if all(origin.is_quarter for origin in before) else _QUARTER_MONTHS
    bottom_up = bottom_up_level(now.bottom_up, errors, overlap, assumed_shock)
    if daily is None or daily.empty:
        return bottom_up
    starts_on = now.ends_on + pd.Timedelta(days=1)
    ends_before = now.known_on + pd.Timedelta(days=1)
    return combine(bottom_up, year_ago_level(daily, now.known_share, starts_on, ends_before))


def _are_better(graded: Sequence[tuple[Origin, Forecast]]) -> bool:
    """Tell whether the trees were better in past quarters; True while there is none to judge by."""
    gains = [
        poisson_deviance(origin.sales, forecast.base)
        - poisson_deviance(origin.sales, forecast.trees)
        for origin, forecast in graded
    ]
    return not gains or float(np.mean(gains)) >= 0
