"""How much revenue goes with each role, beside its people and its hours?"""

import numpy as np
import pandas as pd

from analysis.sales.presence import ABSENT
from analysis.sales.roles_inputs import NOBODY, UNKNOWN, Known, side_of
from analysis.sales.roles_options import RolesOptions
from analysis.sales.roles_time import hours_share, order_of

ALL = "all"
MONTH_DAYS = 21.0  # full-time days of a month
_PARTS = ["new_amount", "existing_amount", "unnamed_amount"]
_FINE = 10_000  # parts of the currency's unit in which sums are made


def role_table(
    known: Known, days: pd.DataFrame, options: RolesOptions, by: str = "role"
) -> pd.DataFrame:
    """Return one row per role (or side), one for money without a person, and one for all.

    Columns: role (or side); person_count (of the window); full_time_days; days_share; amount and
    share of revenue (or won value: `Known.measure`); its parts new_amount (the quarter in which the
    customer first bought), existing_amount and unnamed_amount (no customer named); month_amount
    (per full-time month; missing below one); recorded_days (person-days with hours);
    recorded_hours; hours_share of all hours with low and high (80 %; missing below `least_days`
    recorded days). Amounts of the rows sum to that of all, to the cent.
    """
    people = known.people.assign(key=known.people[by])
    money = known.money.assign(key=side_of(known.people, known.money["rep_id"], by))
    there = people[people["full_time_days"] > 0].groupby("key")["full_time_days"]
    table = pd.DataFrame({"person_count": there.size(), "full_time_days": there.sum()})
    table = table.join(_sums(money), how="outer").join(_hours(days, by, options), how="left")
    table.index.name = by
    zeros = ["person_count", "full_time_days", "amount", *_PARTS]
    table = table.fillna(
        dict.fromkeys([*zeros, "recorded_days", "recorded_hours"], 0)
    ).reset_index()
    table = table.sort_values(by, key=order_of, kind="stable", ignore_index=True)
    return _shares(pd.concat([table, _total(table, by)], ignore_index=True))


def _sums(money: pd.DataFrame) -> pd.DataFrame:
    whole = np.round(money["amount"] * _FINE).astype("int64")
    is_named = money["customer_id"] != ""
    parts = money.assign(
        amount=whole,
        new_amount=whole.where(money["is_new"], 0),
        existing_amount=whole.where(~money["is_new"] & is_named, 0),
        unnamed_amount=whole.where(~is_named, 0),
    )
    names = ["amount", *_PARTS]
    return parts.groupby("key")[names].sum() / _FINE


def _hours(days: pd.DataFrame, by: str, options: RolesOptions) -> pd.DataFrame:
    """Recorded days and hours of each group, and its share of all hours that were recorded."""
    counts = days.drop_duplicates(["rep_id", "worked_on"]).groupby(by).size()
    worked = days[days["category"] != ABSENT]
    rows = []
    for name, count in counts.items():
        is_mine = worked[by] == name
        is_shown = count >= options.least_days and name not in (UNKNOWN, NOBODY)
        share = hours_share(worked, is_mine) if is_shown else (np.nan,) * 3
        rows.append((name, count, worked.loc[is_mine, "hours"].sum(), *share))
    columns = ["name", "recorded_days", "recorded_hours", "hours_share"]
    columns += ["hours_low_share", "hours_high_share"]
    return pd.DataFrame(rows, columns=columns).set_index("name")


def _total(table: pd.DataFrame, by: str) -> pd.DataFrame:
    sums = ["person_count", "full_time_days", "amount", *_PARTS]
    sums += ["recorded_days", "recorded_hours"]
    whole = {
        name: float(np.round(table[name] * _FINE).astype("int64").sum()) / _FINE for name in sums
    }
    return pd.DataFrame([{by: ALL} | whole])


def _shares(table: pd.DataFrame) -> pd.DataFrame:
    last = table.iloc[-1]
    months = table["full_time_days"] / MONTH_DAYS
    share = table["amount"] / last["amount"] if last["amount"] > 0 else np.nan
    present = last["full_time_days"]
    table = table.assign(
        person_count=table["person_count"].astype(int),
        recorded_days=table["recorded_days"].astype(int),
        share=share,
        days_share=table["full_time_days"] / present if present > 0 else np.nan,
        month_amount=(table["amount"] / months.where(months >= 1)),
    )
    order = [table.columns[0], "person_count", "full_time_days", "days_share", "amount", "share"]
    order += [*_PARTS, "month_amount", "recorded_days"]
    order += ["recorded_hours", "hours_share", "hours_low_share", "hours_high_share"]
    return table[order]
