"""Were some groups of customers forecast worse than others: segments, regions, industries, reps?

Small groups are graded together, and a group is named only when it was missed by more than chance
explains with all groups looked at.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm

from analysis.core.statistics import false_discovery_levels, wilson_interval
from analysis.customers.growth_grades import errors
from analysis.customers.scoreboard_measures import MODELS, shares
from analysis.customers.scoreboard_past import Past

SEGMENT = "segment"
NO_GROUP = "not known"
SMALL_GROUPS = "smaller ones together"
_COLUMNS = {"region": "region_id", "industry": "industry", "rep": "rep_id"}
_FEWEST = 30  # customers of a group, below it only its money is shown
_FEWEST_IN_TENTHS = 200
_FALSE_ALARMS = 0.05
_NORMAL_80 = 1.2816
_DECILES = "decile_error_share"

Floats = np.ndarray


def group_names(
    one: Past, segments: pd.DataFrame | None, backtest_origins: pd.DataFrame | None
) -> dict[str, pd.Series]:
    """Return the group of each customer of `one.customers`, by kind; kinds that nobody has are out.

    Segments are those frozen with the forecast, or `segments` where given. Region, industry and rep
    are those of `backtest_origins` at the forecast's own origin (the rep who sold most then).
    """
    ids, names = one.customers["customer_id"], {SEGMENT: one.customers["segment_name"]}
    if segments is not None:
        names[SEGMENT] = ids.map(segments.set_index("customer_id")["segment_name"].astype(object))
    if backtest_origins is not None:
        then = backtest_origins[backtest_origins["origin"].astype(str) == one.origin]
        known = then.set_index("customer_id")
        names |= {
            kind: ids.map(known[column].astype(object))
            for kind, column in _COLUMNS.items()
            if column in known
        }
    return {kind: series for kind, series in names.items() if series.notna().any()}


def groups_table(one: Past, names: dict[str, pd.Series]) -> pd.DataFrame:
    """Return how far the forecast of each group was from what came, most money first by kind.

    Columns: group_kind; group; customer_count; forecast_amount; actual_amount; total_error_share
    with total_error_low_share and total_error_high_share (80 % range that chance among customers
    gives it); last_quarter_error_share and mean_quarters_error_share (the simple rules);
    decile_error_share and mean_quarters_decile_error_share (from 200 customers on);
    normalised_gini and mean_quarters_normalised_gini; is_beyond_chance (missed otherwise than all
    customers by more than chance explains). Groups under 30 customers are one row; if that is still
    under 30, only its money is given.
    """
    rows = [
        {"group_kind": kind, "group": group, **_errors(part)}
        for kind, group, part in _groups(one, names)
    ]
    if not rows:
        return pd.DataFrame()
    z = np.array([_difference(part, one) for _, _, part in _groups(one, names)])
    levels = false_discovery_levels(2 * norm.sf(np.abs(z)))
    beyond = pd.array(levels <= _FALSE_ALARMS, dtype="boolean")
    beyond[np.isnan(levels)] = pd.NA
    return pd.DataFrame(rows).assign(is_beyond_chance=beyond)


def promises_table(one: Past, names: dict[str, pd.Series]) -> pd.DataFrame:
    """Return how the ranges and targets of each group were kept, in the order of `groups_table`.

    Columns: group_kind; group; customer_count; interval_share (inside their 80 % range) with
    interval_low_share and interval_high_share (80 % range of it); target_count (above zero);
    target_attained_share likewise. Groups under 30 customers or targets have no share.
    """
    rows = [
        {"group_kind": kind, "group": group, "customer_count": len(part), **_kept(part)}
        for kind, group, part in _groups(one, names)
    ]
    return pd.DataFrame(rows)


def _groups(one: Past, names: dict[str, pd.Series]) -> list[tuple[str, str, pd.DataFrame]]:
    found = []
    for kind, series in names.items():
        group = series.fillna(NO_GROUP).astype(str)
        counts = group.value_counts()
        small = counts.index[counts < _FEWEST]
        group = group.mask(group.isin(small), SMALL_GROUPS if len(small) > 1 else group)
        parts = [(kind, str(name), part) for name, part in one.customers.groupby(group, sort=True)]
        found += sorted(parts, key=lambda each: -each[2]["actual"].sum())
    return found


def _errors(part: pd.DataFrame) -> dict[str, object]:
    actual = part["actual"].to_numpy(float)
    found = {column: errors(actual, part[column].to_numpy(float)) for column in MODELS}
    ours, mean = found["forecast"], found["mean_quarters"]
    low, high = _error_range(actual, part["forecast"].to_numpy(float))
    money = {name: ours[name] for name in ("forecast_amount", "actual_amount")}
    graded = {
        "total_error_share": ours["total_error_share"],
        "total_error_low_share": low,
        "total_error_high_share": high,
        "last_quarter_error_share": found["last_quarter"]["total_error_share"],
        "mean_quarters_error_share": mean["total_error_share"],
        _DECILES: ours[_DECILES] if len(part) >= _FEWEST_IN_TENTHS else np.nan,
        f"mean_quarters_{_DECILES}": mean[_DECILES] if len(part) >= _FEWEST_IN_TENTHS else np.nan,
        "normalised_gini": ours["normalised_gini"],
        "mean_quarters_normalised_gini": mean["normalised_gini"],
    }
    if len(part) < _FEWEST:
        graded = dict.fromkeys(graded, np.nan)
    return {"customer_count": len(part), **money, **graded}


def _error_range(actual: Floats, forecast: Floats) -> tuple[float, float]:
    """Return the 80 % range of forecast / actual - 1 over draws of such customers."""
    total = actual.sum()
    if total <= 0 or len(actual) < 2:
        return np.nan, np.nan
    ratio = forecast.sum() / total
    half = _NORMAL_80 * float((forecast - ratio * actual).std(ddof=1)) * len(actual) ** 0.5 / total
    return ratio - 1 - half, ratio - 1 + half


def _difference(part: pd.DataFrame, one: Past) -> float:
    """Return how many standard deviations the group was missed otherwise than all customers."""
    everyone, rest = one.column("actual").sum(), 1 - len(part) / len(one.customers)
    if len(part) < _FEWEST or everyone <= 0 or rest <= 0:
        return np.nan
    ratio = one.column("forecast").sum() / everyone
    off = part["forecast"].to_numpy(float) - ratio * part["actual"].to_numpy(float)
    spread = float(off.std(ddof=1)) * (len(off) * rest) ** 0.5
    return float(off.sum()) / spread if spread > 0 else np.nan


def _kept(part: pd.DataFrame) -> dict[str, object]:
    found = shares(part)
    ranged = int(part[["low", "high"]].notna().all(axis=1).sum())
    interval = _with_range(found["interval_share"], ranged)
    attained = _with_range(found["target_attained_share"], int(found["target_count"]))
    ends = ("share", "low_share", "high_share")
    return {
        **{f"interval_{end}": value for end, value in zip(ends, interval, strict=True)},
        "target_count": found["target_count"],
        **{f"target_attained_{end}": value for end, value in zip(ends, attained, strict=True)},
    }


def _with_range(share: float, count: int) -> tuple[float, float, float]:
    if count < _FEWEST:
        return np.nan, np.nan, np.nan
    return share, *wilson_interval(round(share * count), count)
