"""How many contacts does a customer of each class get in a quarter, and how many suit it?

What customers who later stayed or grew got is an association: contacts follow orders as much as
they bring them. It becomes the number of the class only where it is clearly more than what the
others got; else the number of today stays.
"""

import numpy as np
import pandas as pd

from analysis.core.scope import Scope
from analysis.customers.profitability_hours import done_activities
from analysis.customers.prospects import PROSPECT_CLASSES
from analysis.customers.service_levels_options import ServiceLevelOptions

_NO_CONTACT = ("task", "admin", "internal")
_YEAR = 4
_QUARTER_DAYS = 91.3
_LATE_DAYS = 31  # a first activity later than this in a year does not cover it
_Z = 1.2816
_AS_NOW = "as now: more is not shown to go with staying"
_AS_STAYERS = "as those had who stayed or grew"


def class_contacts(
    activities: pd.DataFrame | None,
    customers: pd.DataFrame,
    *,
    scope: Scope,
    options: ServiceLevelOptions,
) -> pd.DataFrame | None:
    """Return contacts per customer and quarter of each class; None without activities.

    `customers` holds customer_features with prospect_class. Columns: prospect_class; contact_count
    (last four quarters); contacts_now (per customer and quarter) with its 80 % interval;
    contacts_of_stayers and contacts_of_others (the year before, customers whose revenue since was
    at least as high, and the others; missing for small groups) with the interval of the difference;
    contacts_aim; basis.
    """
    last = scope.calendar.containing(scope.as_of, "quarterly")
    starts = [scope.calendar.shift(last, -back).starts_on for back in (2 * _YEAR - 1, _YEAR - 1)]
    before, now = (pd.Timestamp(day) for day in starts)
    end = pd.Timestamp(scope.period.ends_before)
    if activities is None or _contacts(activities, (now, end), options).empty:
        return None
    table = customers.sort_values("customer_id", ignore_index=True)
    table = table.assign(
        contacts=_counts(activities, table, (now, end), options),
        quarters=(table["tenure_days"] / _QUARTER_DAYS).clip(1, _YEAR),
        contacts_before=_counts(activities, table, (before, now), options),
    )
    is_covered = activities["completed_at"].min() < before + pd.Timedelta(days=_LATE_DAYS)
    rows = [
        _class_row(name, table[table["prospect_class"] == name], bool(is_covered), options)
        for name in PROSPECT_CLASSES
        if (table["prospect_class"] == name).any()
    ]
    return pd.DataFrame(rows)


def _contacts(
    activities: pd.DataFrame,
    window: tuple[pd.Timestamp, pd.Timestamp],
    options: ServiceLevelOptions,
) -> pd.DataFrame:
    done = done_activities(activities, window)
    kind = done["activity_type"].astype("str")
    chosen = kind.isin(options.contact_types) if options.contact_types else ~kind.isin(_NO_CONTACT)
    return done[chosen]


def _counts(
    activities: pd.DataFrame,
    customers: pd.DataFrame,
    window: tuple[pd.Timestamp, pd.Timestamp],
    options: ServiceLevelOptions,
) -> pd.Series:
    counts = _contacts(activities, window, options)["customer_id"].value_counts()
    return customers["customer_id"].map(counts).fillna(0).astype(int)


def _class_row(
    name: str, rows: pd.DataFrame, is_covered: bool, options: ServiceLevelOptions
) -> dict[str, object]:
    mean, half = _rate(rows["contacts"], rows["quarters"])
    had = rows[rows["revenue_year_before_amount"].astype(float) > 0]
    stayed = had["revenue_year_amount"].astype(float) >= had["revenue_year_before_amount"].astype(
        float
    )
    groups = [had.loc[flag, "contacts_before"] / _YEAR for flag in (stayed, ~stayed)]
    if not is_covered or min(map(len, groups)) < options.fewest_peers:
        groups = [pd.Series(dtype="float64")] * 2
    difference = groups[0].mean() - groups[1].mean()
    spread = _Z * np.sqrt(sum(group.var() / max(len(group), 1) for group in groups))
    is_clear = difference - spread > 0 and groups[0].mean() > mean
    return {
        "prospect_class": name,
        "contact_count": int(rows["contacts"].sum()),
        "contacts_now": mean,
        "contacts_now_low": max(0.0, mean - half),
        "contacts_now_high": mean + half,
        "contacts_aim": float(groups[0].mean()) if is_clear else mean,
        "basis": _AS_STAYERS if is_clear else _AS_NOW,
        "contacts_of_stayers": groups[0].mean(),
        "contacts_of_others": groups[1].mean(),
        "difference_low": difference - spread,
        "difference_high": difference + spread,
    }


def _rate(counts: pd.Series, quarters: pd.Series) -> tuple[float, float]:
    """Return contacts per customer and quarter, and half its 80 % interval (linearised)."""
    total = quarters.sum()
    rate = counts.sum() / total
    if len(counts) < 2:
        return float(rate), np.nan
    rest = (counts - rate * quarters).to_numpy(float)
    return float(rate), float(_Z * np.sqrt((rest**2).sum() * len(rest) / (len(rest) - 1)) / total)
