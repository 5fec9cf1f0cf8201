"""How long until something happens, when some are still waiting: Kaplan-Meier, Aalen-Johansen."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import norm

from analysis.core.statistics import wilson_interval

Floats = np.ndarray


@dataclass(frozen=True)
class Incidence:
    """Cumulative incidence of competing ends by time since the start.

    `times` are the moments of any end, ascending; `shares[cause]` the share that ended by then for
    this cause; `variances[cause]` its variance; `open_share` the share that had not ended. At each
    time the shares of all causes and the open share sum to 1. `begins`, `last_known` and
    `ended` are, ascending, the times at which cases came under observation, were last known, and
    ended.
    """

    times: Floats
    at_risk: Floats
    open_share: Floats
    shares: dict[str, Floats]
    variances: dict[str, Floats]
    begins: Floats
    last_known: Floats
    ended: Floats

    def at(self, time: float, cause: str) -> float:
        """Return the share that ended for `cause` by `time`; 0 where none was seen by then."""
        return _step(self.times, self.shares[cause], time, 0.0) if cause in self.shares else 0.0

    def open_at(self, time: float) -> float:
        """Return the share that had not ended by `time`; 1 before the first end."""
        return _step(self.times, self.open_share, time, 1.0)

    def interval(
        self, time: float, cause: str, confidence_share: float = 0.8
    ) -> tuple[float, float]:
        """Return the interval of `at` on the complementary log-log scale, within 0 to 1.

        Where none or all ended for the cause by then, it is the Wilson interval of the cases whose
        state at `time` is known: no end seen is no proof of none. (0, 1) without such cases.
        """
        share = self.at(time, cause)
        if not 0 < share < 1:
            known = self._known_at(time)
            low, high = wilson_interval(known if share else 0, known, confidence_share)
            return (0.0, high) if not share else (low, 1.0)
        deviation = np.sqrt(_step(self.times, self.variances[cause], time, 0.0))
        z = float(norm.ppf(0.5 + confidence_share / 2))
        width = z * deviation / (abs((1 - share) * np.log1p(-share)))
        ends = -np.expm1(np.log1p(-share) * np.exp([-width, width]))
        return float(ends[0]), float(ends[1])

    def _known_at(self, time: float) -> int:
        """Cases that had ended before `time` or were still watched then."""
        ended = np.searchsorted(self.ended, time, side="left")
        begun = np.searchsorted(self.begins, time, side="right")
        return int(ended + begun - np.searchsorted(self.last_known, time, side="left"))


def aalen_johansen(
    durations: ArrayLike, causes: ArrayLike, entries: ArrayLike | None = None
) -> Incidence:
    """Estimate the cumulative incidence of each cause from partly unfinished cases.

    `durations` is the time from the start to the end, or to the last day known; `causes` names the
    end, "" where the case is still open (censored). `entries` is the time since its start at which
    a case came under observation, 0 if left out; a case counts as at risk only after it. Ends come
    before censorings of the same time. Variances are those of Marubini and Valsecchi (1995, 10.12).
    """
    time = np.asarray(durations, dtype=float)
    found, names = pd.factorize(np.asarray(causes, dtype=object), use_na_sentinel=False)
    names = np.asarray(names, dtype=str)
    begin = np.zeros_like(time) if entries is None else np.asarray(entries, dtype=float)
    has_ended = (names != "")[found] if len(time) else np.zeros(0, dtype=bool)
    times, place = np.unique(time[has_ended], return_inverse=True)
    cause = found[has_ended]
    at_risk = _at_risk(times, begin, time)
    all_ends = np.bincount(place, minlength=len(times)).astype(float)
    kept = np.cumprod(1 - all_ends / at_risk)
    before = np.concatenate([[1.0], kept[:-1]])
    shares, variances = {}, {}
    for name in sorted(set(names) - {""}):
        mine = place[(names == name)[cause]]
        ends = np.bincount(mine, minlength=len(times)).astype(float)
        shares[name] = np.cumsum(before * ends / at_risk)
        variances[name] = _variance(shares[name], before, ends, all_ends, at_risk)
    watched = np.sort(begin), np.sort(time), np.sort(time[has_ended])
    return Incidence(times, at_risk, kept, shares, variances, *watched)


def kaplan_meier(durations: ArrayLike, has_ended: ArrayLike) -> pd.DataFrame:
    """Return the share that is still waiting by time, with Greenwood's 80 % interval.

    Columns: time; at_risk_count; end_count; waiting_share (0 to 1); waiting_low_share;
    waiting_high_share. One row per time at which something ended; no row where nothing did.
    """
    ended = np.asarray(has_ended, dtype=bool)
    found = aalen_johansen(durations, np.where(ended, "end", ""))
    if not len(found.times):
        columns = ["time", "at_risk_count", "end_count", "waiting_share"]
        return pd.DataFrame(columns=[*columns, "waiting_low_share", "waiting_high_share"])
    ends = [found.interval(time, "end") for time in found.times]
    return pd.DataFrame(
        {
            "time": found.times,
            "at_risk_count": found.at_risk.astype(int),
            "end_count": _counted(found.times, np.asarray(durations, float)[ended]).astype(int),
            "waiting_share": found.open_share,
            "waiting_low_share": [1 - high for _, high in ends],
            "waiting_high_share": [1 - low for low, _ in ends],
        }
    )


def median_time(incidence: Incidence) -> float:
    """Return the time by which half have ended for any cause; NaN where fewer than half did."""
    reached = np.flatnonzero(incidence.open_share <= 0.5)
    return float(incidence.times[reached[0]]) if len(reached) else float("nan")


def _at_risk(times: Floats, begin: Floats, end: Floats) -> Floats:
    begins = np.sort(begin)
    entered = np.searchsorted(begins, times, side="left")
    # A case that begins at 0 is at risk of an end at 0.
    entered = np.where(times == 0, np.searchsorted(begins, times, side="right"), entered)
    return (entered - np.searchsorted(np.sort(end), times, side="left")).astype(float)


def _counted(times: Floats, ends: Floats) -> Floats:
    return np.bincount(np.searchsorted(times, ends), minlength=len(times)).astype(float)


def _variance(
    share: Floats, before: Floats, ends: Floats, all_ends: Floats, at_risk: Floats
) -> Floats:
    # Sums over earlier times of (F(t) - F(s)) ** p, expanded so that they are running sums.
    left = np.where(at_risk > all_ends, at_risk - all_ends, np.inf)
    hazard = all_ends / (at_risk * left)
    pull = before * ends / at_risk**2
    square = np.cumsum(hazard) * share**2 - 2 * share * np.cumsum(hazard * share)
    square += np.cumsum(hazard * share**2)
    own = np.cumsum(before**2 * ends * (at_risk - ends) / at_risk**3)
    cross = share * np.cumsum(pull) - np.cumsum(pull * share)
    return np.maximum(square + own - 2 * cross, 0.0)


def _step(times: Floats, values: Floats, time: float, start: float) -> float:
    place = int(np.searchsorted(times, time, side="right"))
    return float(values[place - 1]) if place else start
