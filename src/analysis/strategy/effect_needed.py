"""What would make the answer conclusive: how many more units, or how many more weeks?"""

from dataclasses import dataclass
from math import comb

import numpy as np
from scipy.stats import t

from analysis.strategy.effect import CANNOT, EFFECT, LEVEL, Effect

WEEKS = 13  # in a quarter
_MOST_UNITS = 1000  # on each side
_MOST_PERIODS = 20  # nobody waits longer
_MISSING = float("nan")
_NOT_LOOKED = "quarters before the start: there are too few to look at"
_BY_LOT = "units chosen by lot: those who got it were not like the others before"


@dataclass(frozen=True)
class Needed:
    """The effort at which a true effect of a given size is found 8 times in 10.

    Units with it and without, in all and beyond those there are, at the periods there are; or
    periods after the start at the units there are (missing where more time alone cannot do it).
    """

    words: str
    detectable: float = _MISSING  # the effect that is found 8 times in 10 as things are
    units_each: float = _MISSING
    further_units: float = _MISSING
    further_periods: float = _MISSING
    further_weeks: float = _MISSING


def fewest_units() -> int:
    """Return with how few units on each side chance can be told at all."""
    return next(n for n in range(1, 50) if 2 / comb(2 * n, n) <= LEVEL)


def effort_needed(found: Effect, target: float) -> Needed:
    """Return what it takes to find an effect of size `target` (the panel's unit) 8 times in 10.

    Counted from how much units differ in their changes; that is itself known roughly, and periods
    that hang together need more, so periods are "at least".
    """
    if found.verdict == EFFECT:
        return Needed("nothing: it is shown", _detectable(found))
    if found.p_value <= LEVEL and found.least_p_value <= LEVEL:
        is_looked = np.isfinite([found.placebo_p_value, found.trend_p_value]).all()
        return Needed(_BY_LOT if is_looked else _NOT_LOOKED, _detectable(found))
    least = fewest_units()
    spread = found.unit_spread
    if not (np.isfinite(spread) and spread > 0 and np.isfinite(target) and target):
        units = float(max(0, least - found.treated_count) + max(0, least - found.control_count))
        text = f"at least {least} units with it and {least} without, chosen by lot"
        return Needed(text, units_each=float(least), further_units=units)
    each = _units_each(spread, abs(target))
    further = _MISSING
    if np.isfinite(each):
        further = max(0.0, each - found.treated_count) + max(0.0, each - found.control_count)
    periods = _further_periods(found, abs(target))
    text = _words(found, each, further, periods)
    return Needed(text, _detectable(found), each, further, periods, WEEKS * periods)


def _detectable(found: Effect) -> float:
    if not (found.treated_count and found.control_count):
        return _MISSING
    share = 1 / found.treated_count + 1 / found.control_count
    freedom = max(found.treated_count + found.control_count - 2, 1)
    return _power(freedom) * found.unit_spread * float(np.sqrt(share))


def _power(freedom: int) -> float:
    return float(t.ppf(1 - LEVEL / 2, freedom) + t.ppf(0.8, freedom))


def _units_each(spread: float, target: float) -> float:
    for each in range(fewest_units(), _MOST_UNITS + 1):
        if _power(2 * each - 2) * spread * np.sqrt(2 / each) <= target:
            return float(each)
    return _MISSING


def _further_periods(found: Effect, target: float) -> float:
    """Periods beyond those there are; missing where no number of them would do.

    More time after the start narrows what comes after, never what was before.
    """
    if found.least_p_value > LEVEL or not found.before_count or not found.after_count:
        return _MISSING
    now = 1 / found.before_count + 1 / found.after_count
    allowed = now * (target / _detectable(found)) ** 2 - 1 / found.before_count
    if allowed <= 0:
        return _MISSING
    further = max(0.0, float(np.ceil(1 / allowed)) - found.after_count)
    return further if further <= _MOST_PERIODS else _MISSING


def _words(found: Effect, each: float, further: float, periods: float) -> str:
    if np.isfinite(periods) and periods == 0 and found.verdict != CANNOT:
        return "nothing: an effect as promised would have been found 8 times in 10"
    if np.isnan(each):
        units = f"more than {_MOST_UNITS:,} units a side"
    else:
        units = f"{each:.0f} units with it and {each:.0f} without"
        units += f" (now {found.treated_count} and {found.control_count}, so {further:.0f} more)"
    if np.isnan(periods):
        return f"{units}; more time alone does not do it"
    if periods == 0:
        return units
    return f"{units}, or at least {periods:.0f} more quarters ({WEEKS * periods:.0f} weeks)"
