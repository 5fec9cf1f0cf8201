"""What the chapter on people looks at: deals and tasks of a window, and who was there."""

from dataclasses import dataclass

import pandas as pd

from analysis.core.scope import Scope
from analysis.sales.deals import deals_as_of, stays_as_of
from analysis.sales.funnel_cohort import Tables, category_of
from analysis.sales.people_options import PeopleOptions
from analysis.sales.presence import full_time_days, known_people, window_start
from analysis.sales.rep_names import is_person

DAY = pd.Timedelta(days=1)
LEAST_DAYS = 10.0  # full-time days for a rate of one person


@dataclass(frozen=True)
class Records:
    """What is kept about people's work beside deals; None where the project has none."""

    activities: pd.DataFrame | None = None
    time_records: pd.DataFrame | None = None
    targets: pd.DataFrame | None = None
    process_steps: pd.DataFrame | None = None
    improvements: pd.DataFrame | None = None
    improvement_assignments: pd.DataFrame | None = None
    measured: pd.DataFrame | None = None  # `after` of the chapter on improvements


@dataclass(frozen=True)
class Work:
    """What was known at the end of the period.

    `deals` is `deals_as_of` with product_category; `window` those with an owner that were given or
    ended within the window, with is_given, is_ended, is_won and won_amount. `tasks` are activities
    that people were to do or did, entered by the end, with completed_at missing where it was not
    done by then. `present` holds full-time days of the window by rep_id, of everybody who had deals
    or tasks in it.
    """

    deals: pd.DataFrame
    stays: pd.DataFrame
    window: pd.DataFrame
    tasks: pd.DataFrame
    present: pd.Series
    starts: pd.Timestamp
    ends: pd.Timestamp  # the first moment that is not known

    @property
    def days(self) -> int:
        """How many days of the window have data."""
        return (self.ends - self.starts).days

    @property
    def done(self) -> pd.DataFrame:
        """Tasks done within the window."""
        return self.tasks[self.tasks["completed_at"] >= self.starts]

    @property
    def ended(self) -> pd.DataFrame:
        """Deals won or lost within the window."""
        return self.window[self.window["is_ended"]]


def work_of(tables: Tables, records: Records, scope: Scope, options: PeopleOptions) -> Work:
    """Return what people had to do with in the window, as it was known at the period's end."""
    known = (tables.opportunities, tables.stage_events, tables.stages, scope.as_of)
    deals = deals_as_of(*known)
    deals = deals.assign(product_category=category_of(deals, tables.products))
    ends = pd.Timestamp(scope.as_of) + DAY
    tasks = known_tasks(records.activities, ends)
    begun = deals["created_at"], tasks["created_at"]
    starts = window_start(ends, options.window_days, *begun)
    is_theirs = is_person(tables.reps, deals["rep_id"])
    window = _in_window(deals[is_theirs].reset_index(drop=True), starts)
    tasks = tasks[is_person(tables.reps, tasks["rep_id"])].reset_index(drop=True)
    done = tasks.loc[tasks["completed_at"] >= starts, "rep_id"]
    names = pd.Index(sorted({*window["rep_id"].astype("str"), *done.astype("str")}), dtype="str")
    people = known_people(tables.reps, names)
    present = full_time_days(people, starts, ends, records.time_records).sort_index()
    return Work(deals, stays_as_of(*known), window, tasks, present, starts, ends)


def known_tasks(activities: pd.DataFrame | None, ends: pd.Timestamp) -> pd.DataFrame:
    """Return the activities of people entered before `ends`, in order; machines' are left out."""
    columns = ["activity_id", "activity_type", "rep_id", "customer_id", "opportunity_id"]
    columns += ["stage_id", "created_at", "due_at", "completed_at"]
    if activities is None:
        times = dict.fromkeys(columns[-3:], "datetime64[s]")
        return pd.DataFrame(columns=columns).astype(times)
    is_machine = activities["is_automated"].astype("boolean").fillna(value=False).astype(bool)
    is_known = (activities["created_at"] < ends) & activities["rep_id"].notna()
    tasks = activities[is_known & ~is_machine]
    done = tasks["completed_at"].where(tasks["completed_at"] < ends)
    return tasks[columns].assign(completed_at=done).sort_values("activity_id", ignore_index=True)


def _in_window(deals: pd.DataFrame, starts: pd.Timestamp) -> pd.DataFrame:
    is_given = deals["created_at"] >= starts
    is_ended = (deals["outcome"] != "open") & (deals["ended_at"] >= starts)
    is_won = is_ended & (deals["outcome"] == "won")
    table = deals.assign(
        is_given=is_given,
        is_ended=is_ended,
        is_won=is_won,
        won_amount=deals["value_amount"].astype(float).where(is_won, 0.0).fillna(0.0),
    )
    return table[is_given | is_ended].reset_index(drop=True)
