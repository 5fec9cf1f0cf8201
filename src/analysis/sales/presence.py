"""How much working time each seller was there: full-time days of a window."""

import numpy as np
import pandas as pd

ABSENT = "absent"
_MONTH = pd.Timedelta(days=365.25 / 12)
_FEWEST_DAYS = 10  # recorded days of a person for an absence of his own


def known_people(reps: pd.DataFrame | None, rep_ids: pd.Index) -> pd.DataFrame:
    """Return rep_id, hired_on, left_on and fte_share of these people; full-time if not known."""
    known = reps[reps["rep_id"].isin(rep_ids)] if reps is not None else None
    missing = [name for name in rep_ids if known is None or name not in set(known["rep_id"])]
    unknown = pd.DataFrame({"rep_id": missing, "hired_on": pd.NaT, "left_on": pd.NaT})
    unknown = unknown.assign(fte_share=1.0).astype(
        {"hired_on": "datetime64[s]", "left_on": "datetime64[s]"}
    )
    columns = ["rep_id", "hired_on", "left_on", "fte_share"]
    return unknown if known is None else pd.concat([known[columns], unknown])


def settled(
    reps: pd.DataFrame | None, rep_ids: pd.Series, as_of: pd.Timestamp, months: float
) -> pd.Series:
    """Return whether each was hired at least `months` before `as_of`; True if nobody knows."""
    if reps is None:
        return pd.Series(True, index=rep_ids.index)
    hired = rep_ids.map(reps.drop_duplicates("rep_id").set_index("rep_id")["hired_on"])
    is_new = pd.to_datetime(hired) > as_of - months * _MONTH
    return ~is_new.astype(bool)


def window_start(ends: pd.Timestamp, days: int, *moments: pd.Series) -> pd.Timestamp:
    """Return the day `days` before `ends`, or the first day of `moments` where that is later."""
    earliest = ends - pd.Timedelta(days=days)
    firsts = [first for each in moments if pd.notna(first := each.min())]
    return max(earliest, min(firsts).normalize()) if firsts else earliest


def full_time_days(
    reps: pd.DataFrame,
    starts_on: pd.Timestamp,
    ends_before: pd.Timestamp,
    time_records: pd.DataFrame | None = None,
    holidays: tuple[str, ...] = (),
) -> pd.Series:
    """Return full-time days present by rep_id: Monday to Friday, employed, part-time by its share.

    `holidays` (ISO days) are taken off. Where hours are recorded, the share of paid hours that was
    absence is taken off too: the person's own with at least ten recorded days, else that of all. A
    missing hiring day means employed since ever, a missing share means full-time.
    """
    first = reps["hired_on"].fillna(starts_on).clip(lower=starts_on)
    last = reps["left_on"].fillna(ends_before).clip(upper=ends_before)
    last = last.where(last > first, first)
    free = np.array(holidays, dtype="datetime64[D]")
    days = np.busday_count(_days(first), _days(last), holidays=free)
    share = reps["fte_share"].astype(float).fillna(1.0).to_numpy()
    present = pd.Series(days * share, index=reps["rep_id"].astype("str"))
    return present * (1 - _absence(present.index, time_records, starts_on, ends_before))


def _days(moments: pd.Series) -> np.ndarray:
    return moments.to_numpy().astype("datetime64[D]")


def _absence(
    rep_ids: pd.Index,
    records: pd.DataFrame | None,
    starts_on: pd.Timestamp,
    ends_before: pd.Timestamp,
) -> pd.Series:
    if records is None:
        return pd.Series(0.0, index=rep_ids)
    is_in = (records["worked_on"] >= starts_on) & (records["worked_on"] < ends_before)
    known = records[is_in & records["paid_hours"].notna()]
    if known.empty:
        return pd.Series(0.0, index=rep_ids)
    hours = known["paid_hours"].astype(float)
    away = hours.where(known["category"] == ABSENT, 0.0)
    by_rep = pd.DataFrame({"rep_id": known["rep_id"], "hours": hours, "away": away})
    sums = by_rep.groupby("rep_id")[["hours", "away"]].sum()
    days = known.groupby("rep_id")["worked_on"].nunique()
    own = (sums["away"] / sums["hours"]).where(days >= _FEWEST_DAYS)
    overall = float(away.sum() / hours.sum())
    return own.reindex(rep_ids).fillna(overall)
