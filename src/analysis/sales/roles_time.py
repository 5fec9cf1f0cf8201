"""Where do the hours go: by role and kind of work, and by role, activity and kind of customer?"""

import numpy as np
import pandas as pd
from scipy.stats import norm

from analysis.sales.presence import ABSENT
from analysis.sales.roles_inputs import (
    DAY,
    NOBODY,
    SALES,
    SUPPORT,
    UNKNOWN,
    Known,
    looked_up,
    side_of,
)
from analysis.sales.roles_options import RolesOptions

NEW, EXISTING, NOT_NAMED = "new", "existing", "not named"
NO_ACTIVITY = "nothing logged"
EVERYBODY = "everybody"
_FOR_BUYERS = ("selling", "support")  # kinds of time that are spent on buyers
_ORDER = (SALES, SUPPORT, "hunter", "field", "inside", "farmer", "service", "marketing", "manager")
_MINUTES = 60.0
_Z = float(norm.ppf(0.9))  # 80 % intervals


def order_of(names: pd.Series) -> pd.Series:
    """Return a place for each role or side: those who sell first, those without a person last."""
    places = {name: place for place, name in enumerate(_ORDER)}
    return names.map(places | {UNKNOWN: 98, NOBODY: 99}).fillna(50)


def recorded_days(records: pd.DataFrame | None, known: Known) -> pd.DataFrame:
    """Return the worked hours of the window by person, recorded day and category.

    Columns: rep_id; role; side; worked_on; category; hours (0 for absence); weight (weekdays on
    which the person was employed while hours were recorded, per day that was recorded: 1 where
    every day is).
    """
    columns = ["rep_id", "worked_on", "category", "worked_hours"]
    if records is None:
        empty = pd.DataFrame({name: pd.Series(dtype="str") for name in ("rep_id", "category")})
        return empty.assign(role="", side="", worked_on=pd.NaT, hours=0.0, weight=1.0)
    is_in = (records["worked_on"] >= known.starts) & (records["worked_on"] < known.ends)
    table = records.loc[is_in, columns].sort_values(columns[:3], ignore_index=True)
    hours = table["worked_hours"].astype(float).where(table["category"] != ABSENT, 0.0)
    return table.drop(columns="worked_hours").assign(
        role=side_of(known.people, table["rep_id"], "role"),
        side=side_of(known.people, table["rep_id"]),
        hours=hours,
        weight=_weights(table, known),
    )


def _weights(table: pd.DataFrame, known: Known) -> pd.Series:
    if table.empty:
        return pd.Series(dtype=float)
    counted = table.drop_duplicates(["rep_id", "worked_on"]).groupby("rep_id").size()
    people = known.people.set_index("rep_id").reindex(counted.index)
    first = people["hired_on"].fillna(table["worked_on"].min())
    first = first.clip(lower=table["worked_on"].min())
    last = people["left_on"].fillna(known.ends).clip(upper=known.ends)
    days = np.busday_count(_as_days(first), _as_days(last.where(last > first, first)))
    weight = pd.Series(days, index=counted.index) / counted
    return looked_up(table["rep_id"], weight.clip(lower=1.0))


def _as_days(moments: pd.Series) -> np.ndarray:
    return moments.to_numpy().astype("datetime64[D]")


def time_use(days: pd.DataFrame, options: RolesOptions, by: str = "role") -> pd.DataFrame:
    """Return what the working time of each role (or side) goes to.

    Columns: role (or side); category; recorded_days (person-days of the role); recorded_hours;
    hours_share of the role's working time with low and high (80 %, for the days that were not
    recorded). Roles with fewer than `least_days` recorded days are left out, and kinds without any
    hour.
    """
    rows = []
    worked = days[days["category"] != ABSENT]
    for name, mine in worked.groupby(by):
        count = len(days[days[by] == name].drop_duplicates(["rep_id", "worked_on"]))
        if count < options.least_days or mine["hours"].sum() <= 0:
            continue
        for category, part in mine.groupby("category"):
            share = hours_share(mine, mine["category"] == category)
            rows.append((name, category, count, part["hours"].sum(), *share))
    columns = [by, "category", "recorded_days", "recorded_hours", "hours_share"]
    table = pd.DataFrame(rows, columns=[*columns, "hours_low_share", "hours_high_share"])
    table = table[table["recorded_hours"] > 0]
    table = table.sort_values([by, "recorded_hours"], ascending=[True, False], ignore_index=True)
    return table.sort_values(by, key=order_of, kind="stable", ignore_index=True)


def hours_share(days: pd.DataFrame, is_part: pd.Series) -> tuple[float, float, float]:
    """Return the share of the working time of `days` that a part takes, with its 80 % interval.

    Ratio of sums over recorded person-days, each standing for `weight` days; chance lies in which
    days were recorded, so it is nil where all were. NaN without an hour.
    """
    table = days.assign(part=days["hours"].where(is_part, 0.0))
    by_day = table.groupby(["rep_id", "worked_on"], as_index=False).agg(
        hours=("hours", "sum"), part=("part", "sum"), weight=("weight", "first")
    )
    total = float((by_day["hours"] * by_day["weight"]).sum())
    if total <= 0:
        return float("nan"), float("nan"), float("nan")
    share = float((by_day["part"] * by_day["weight"]).sum()) / total
    off = by_day["part"] - share * by_day["hours"]
    half = _Z * np.sqrt(_variance(by_day.assign(value=off))) / total
    return share, max(0.0, share - half), min(1.0, share + half)


def _variance(by_day: pd.DataFrame) -> float:
    """Variance of the weighted sum of `value`, each person's days drawn from his working days."""
    people = by_day.groupby("rep_id").agg(
        spread=("value", "var"), count=("value", "size"), weight=("weight", "first")
    )
    spread = people["spread"].fillna(by_day["value"].var()).fillna(0.0)
    missing = 1 - 1 / people["weight"]
    return float((people["weight"] ** 2 * people["count"] * spread * missing).sum())


def log_shares(days: pd.DataFrame, known: Known, options: RolesOptions) -> dict[str, float]:
    """Return how much of the hours worked for buyers is in the log, by side and for `EVERYBODY`.

    Logged hours over recorded hours of selling and support, both on the person-days that were
    recorded, so that a time study of a few days tells it without bias. A side with fewer than
    `least_days` recorded days is left out.
    """
    hours = days["hours"].where(days["category"].isin(_FOR_BUYERS), 0.0)
    by_day = (
        days.assign(hours=hours)
        .groupby(["rep_id", "worked_on"], as_index=False)
        .agg(side=("side", "first"), weight=("weight", "first"), hours=("hours", "sum"))
    )
    logged = known.done.assign(worked_on=known.done["at"].dt.normalize())
    minutes = logged.groupby(["rep_id", "worked_on"])["minutes"].sum().rename("minutes")
    kinds = dict.fromkeys(("worked_on",), "datetime64[s]")
    both = by_day.astype(kinds).merge(minutes.reset_index().astype(kinds), how="left")
    both = both.assign(
        minutes=both["minutes"].fillna(0.0) * both["weight"], hours=both["hours"] * both["weight"]
    )
    groups = {EVERYBODY: both} | {side: both[both["side"] == side] for side in (SALES, SUPPORT)}
    return {
        name: float(part["minutes"].sum() / _MINUTES / part["hours"].sum())
        for name, part in groups.items()
        if len(part) >= options.least_days and part["hours"].sum() > 0
    }


def work_types(known: Known, options: RolesOptions) -> pd.DataFrame:
    """Return hours and won value by role, type of activity and kind of customer at the time.

    Columns: role; activity_type; customer_state ("new": nothing bought before that day);
    activity_count (finished in the window); timed_count; timed_share; logged_hours (of those with a
    duration; missing where fewer than `least_timed_share` have one); won_amount (value of deals won
    in the window, in equal parts to the activities done for them up to then). A last row holds the
    won value of deals without a logged activity, so that won_amount sums to all that was won.
    """
    done = known.done.assign(customer_state=_states(known))
    inside = done[done["at"] >= known.starts]
    keys = ["role", "activity_type", "customer_state"]
    counts = inside.groupby(keys).agg(
        activity_count=("at", "size"), timed_count=("minutes", "count"), minutes=("minutes", "sum")
    )
    table = counts.join(_won_parts(done, known, keys), how="outer").reset_index()
    table = table.fillna({"activity_count": 0, "timed_count": 0, "minutes": 0.0, "won_amount": 0.0})
    share = table["timed_count"] / table["activity_count"].where(table["activity_count"] > 0)
    is_known = (share >= options.least_timed_share) | (table["activity_count"] == 0)
    table = table.assign(
        activity_count=table["activity_count"].astype(int),
        timed_count=table["timed_count"].astype(int),
        timed_share=share,
        logged_hours=(table["minutes"] / _MINUTES).where(is_known),
    )
    place = (table["activity_type"] == NO_ACTIVITY).astype(int)
    table = table.assign(place=place, first=order_of(table["role"]))
    table = table.sort_values(["place", "first", *keys], ignore_index=True)
    cents = np.diff(np.round(np.cumsum(table["won_amount"].to_numpy()) * 100), prepend=0.0)
    columns = [*keys, "activity_count", "timed_count", "timed_share", "logged_hours"]
    return table[columns].assign(won_amount=cents / 100)


def by_activity(work: pd.DataFrame) -> pd.DataFrame:
    """Return `work_types` with new and existing customers beside each other, for people to read.

    Columns: role; activity_type; activity_count; timed_share; new_hours, existing_hours and
    unnamed_hours (logged with no customer; missing where withheld); new_won_amount,
    existing_won_amount, unnamed_won_amount. A column of nothing but 0 for no customer is left out.
    """
    keys = ["role", "activity_type"]
    work = work.assign(place=range(len(work)))
    sums = work.groupby(keys, sort=False).agg(
        activity_count=("activity_count", "sum"), timed_count=("timed_count", "sum")
    )
    timed = sums["timed_count"] / sums["activity_count"].where(sums["activity_count"] > 0)
    table = sums.drop(columns="timed_count").assign(timed_share=timed)
    for suffix, column in (("hours", "logged_hours"), ("won_amount", "won_amount")):
        for state, word in ((NEW, "new"), (EXISTING, "existing"), (NOT_NAMED, "unnamed")):
            mine = work[work["customer_state"] == state].set_index(keys)[column]
            filled = mine.reindex(table.index)
            is_there = table.index.isin(mine.index)
            table[f"{word}_{suffix}"] = filled.where(is_there, 0.0)
    is_empty = {name: bool((table[name] == 0).all()) for name in table if "unnamed" in name}
    return table.drop(columns=[name for name, empty in is_empty.items() if empty]).reset_index()


def _states(known: Known) -> pd.Series:
    done = known.done
    bought = looked_up(done["customer_id"], known.bought_on)
    is_existing = bought < done["at"].dt.normalize()
    names = np.where(is_existing, EXISTING, NEW)
    return pd.Series(names, index=done.index).where(done["customer_id"].notna(), NOT_NAMED)


def _won_parts(done: pd.DataFrame, known: Known, keys: list[str]) -> pd.Series:
    deals = known.deals
    won = deals[(deals["outcome"] == "won") & (deals["ended_at"] >= known.starts)]
    won = won[["opportunity_id", "ended_at", "value_amount"]]
    parts = done[[*keys, "opportunity_id", "at"]].merge(won, on="opportunity_id")
    parts = parts[parts["at"] < parts["ended_at"].dt.normalize() + DAY]
    count = parts.groupby("opportunity_id")["at"].transform("size")
    parts = parts.assign(won_amount=parts["value_amount"] / count)
    bare = won[~won["opportunity_id"].isin(parts["opportunity_id"])]
    bare = bare.assign(
        role=NOBODY,
        activity_type=NO_ACTIVITY,
        customer_state=NOT_NAMED,
        won_amount=bare["value_amount"],
    )
    both = pd.concat([part for part in (parts, bare) if len(part)] or [parts])
    both = both.sort_values([*keys, "opportunity_id"])
    return both.groupby(keys)["won_amount"].sum()
