"""How many hours did each customer take, and is enough of the work logged to say so?

Hours come from activities that were done by people within the last four quarters. Time records say
how long people really worked for buyers (selling and support); the share of it that is logged with
a customer is the coverage. Both are compared on the same person-days, so that a time study of a few
days gives the coverage without bias.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

_FOR_CUSTOMERS = ("selling", "support")  # categories of time that are spent on buyers
_FEWEST_DAYS = 30  # recorded person-days below which time records say nothing
_WEEK_DAYS = 5 / 7
_Z = 1.2816  # of an 80 % interval
_MINUTES = 60.0


@dataclass(frozen=True)
class ServedHours:
    """Hours by customer, and how far they can be trusted."""

    by_customer: pd.Series  # logged hours of the last four quarters, by customer_id
    coverage_share: float  # of worked or expected records that are logged; NaN: not known
    coverage_of: str  # what the coverage is a share of, in words
    total_hours: float = np.nan  # worked for buyers in the four quarters, by time records
    total_low_hours: float = np.nan
    total_high_hours: float = np.nan
    timed_share: float = np.nan  # of the activities, with a duration

    def is_enough(self, least_coverage_share: float) -> bool:
        """Whether hours can be charged to customers."""
        return bool(len(self.by_customer) and self.coverage_share >= least_coverage_share)


def served_hours(
    activities: pd.DataFrame | None,
    time_records: pd.DataFrame | None,
    active_ids: pd.Series,
    window: tuple[pd.Timestamp, pd.Timestamp],
) -> ServedHours:
    """Return the hours of the window (first day, first day after it).

    Without time records the coverage is the share of `active_ids` (customers who ordered in the
    window) with at least one logged hour, times the share of activities with a duration.
    """
    done = done_activities(activities, window)
    timed = done[done["duration_minutes"] > 0]
    hours = timed.groupby("customer_id")["duration_minutes"].sum().div(_MINUTES).sort_index()
    timed_share = len(timed) / len(done) if len(done) else np.nan
    records = _records(time_records, window)
    days = records.groupby(["rep_id", "worked_on"], as_index=False)["hours"].sum()
    if len(days) >= _FEWEST_DAYS and days["hours"].sum() > 0:
        share = _logged_share(timed, days)
        of = "the hours that time records show for selling and support"
        return ServedHours(hours, share, of, *_total(days, window), timed_share)
    share = float(active_ids.isin(hours.index).mean()) if len(active_ids) else np.nan
    of = "the customers who ordered, weighed by how many activities have a duration"
    return ServedHours(hours, share * timed_share, of, timed_share=timed_share)


def done_activities(
    activities: pd.DataFrame | None, window: tuple[pd.Timestamp, pd.Timestamp]
) -> pd.DataFrame:
    """Return what people did for a known customer and finished within the window."""
    if activities is None:
        columns = ["customer_id", "rep_id", "activity_type", "completed_at", "duration_minutes"]
        return pd.DataFrame({name: pd.Series(dtype="object") for name in columns}).astype(
            {"duration_minutes": "float64", "completed_at": "datetime64[us]"}
        )
    is_machine = activities["is_automated"].astype("boolean").fillna(False).astype(bool)
    done = activities["completed_at"]
    within = (done >= window[0]) & (done < window[1]) & activities["customer_id"].notna()
    return activities[within & ~is_machine]


def _records(
    time_records: pd.DataFrame | None, window: tuple[pd.Timestamp, pd.Timestamp]
) -> pd.DataFrame:
    """Return rep_id, worked_on and the hours for buyers; a day without any has 0."""
    if time_records is None:
        return pd.DataFrame({"rep_id": [], "worked_on": [], "hours": []})
    day = pd.to_datetime(time_records["worked_on"])
    within = time_records[(day >= window[0]) & (day < window[1])]
    is_for_buyers = within["category"].isin(_FOR_CUSTOMERS)
    hours = within["worked_hours"].astype(float).where(is_for_buyers, 0.0)
    return within[["rep_id", "worked_on"]].assign(hours=hours)


def _logged_share(timed: pd.DataFrame, days: pd.DataFrame) -> float:
    """Return logged hours over worked hours on the person-days that were recorded."""
    logged = timed.assign(worked_on=timed["completed_at"].dt.normalize())
    sums = logged.groupby(["rep_id", "worked_on"], as_index=False)["duration_minutes"].sum()
    keyed = days.assign(worked_on=pd.to_datetime(days["worked_on"]).astype("datetime64[us]"))
    sums = sums.assign(worked_on=sums["worked_on"].astype("datetime64[us]"))
    both = keyed.merge(sums, on=["rep_id", "worked_on"], how="left")
    return float(both["duration_minutes"].sum() / _MINUTES / both["hours"].sum())


def _total(
    days: pd.DataFrame, window: tuple[pd.Timestamp, pd.Timestamp]
) -> tuple[float, float, float]:
    """Return hours for buyers in the window: mean of each person's recorded days x weekdays."""
    weekdays = (window[1] - window[0]).days * _WEEK_DAYS
    by_rep = days.groupby("rep_id")["hours"].agg(["mean", "var", "size"])
    total = float(by_rep["mean"].sum() * weekdays)
    variance = (by_rep["var"].fillna(days["hours"].var()) / by_rep["size"]).sum()
    half = float(_Z * np.sqrt(variance) * weekdays)
    return total, max(0.0, total - half), total + half
