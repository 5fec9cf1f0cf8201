"""Are tasks done by their deadlines, what is overdue, and which deals have nothing planned?"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import fisher_exact

from analysis.core.statistics import false_discovery_levels
from analysis.core.survival import aalen_johansen
from analysis.sales.people_inputs import DAY, Work
from analysis.sales.people_options import PeopleOptions
from analysis.sales.rep_names import rep_labels

BEHIND, BETTER, LIKE, TOO_FEW = "less than others", "more than others", "like others", "too few"
_DONE = "done"


def on_time(
    created: ArrayLike, due: ArrayLike, completed: ArrayLike, known_to: ArrayLike
) -> tuple[float, float, float]:
    """Return the share of tasks done by their deadline, with its 80 % interval.

    Time runs in parts of what was allowed: 1 is the deadline. A task that was open when last looked
    at (`known_to`) counts for as long as it was known (Kaplan-Meier): before its deadline it is
    neither on time nor late. With all done it is the plain share. NaN without tasks.
    """
    used, is_done = _time_used(created, due, completed, known_to)
    if not len(used):
        return float("nan"), float("nan"), float("nan")
    found = aalen_johansen(used, np.where(is_done, _DONE, ""))
    if _DONE not in found.shares:
        return 0.0, 0.0, 1.0
    return found.at(1.0, _DONE), *found.interval(1.0, _DONE)


def _time_used(
    created: ArrayLike, due: ArrayLike, completed: ArrayLike, known_to: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    table = pd.DataFrame({"created": created, "due": due, "done": completed, "known": known_to})
    last = table["done"].fillna(table["known"])
    allowed = (table["due"] - table["created"]) / DAY
    with np.errstate(divide="ignore", invalid="ignore"):
        used = ((last - table["created"]) / DAY / allowed).to_numpy(float)
    # Without any time allowed it is on time or late at once; rounding must not decide about others.
    is_by_due = (last <= table["due"]).to_numpy()
    used = np.where(allowed.to_numpy() > 0, used, np.where(is_by_due, 0.5, 2.0))
    used = np.where(is_by_due, np.minimum(used, 1.0), np.maximum(used, np.nextafter(1.0, 2.0)))
    return np.maximum(used, 0.0), table["done"].notna().to_numpy()


def compliance_table(work: Work, reps: pd.DataFrame | None, options: PeopleOptions) -> pd.DataFrame:
    """Return how many tasks each person did by their deadlines, beside all others.

    Tasks with a deadline, entered within the window. Columns: rep_id; seller; task_count;
    done_count; on_time_count (done by the deadline); late_count (done late, or open past the
    deadline); open_count; overdue_count (open, past the deadline, the deal still open);
    on_time_share with low and high (80 %, `on_time`); plain_share (on time of those done: what is
    usually shown); late_days (median of those done late); p_value (exact, against all others);
    discovery_level; verdict. Shares are missing below `least_shown` tasks; nobody is compared below
    `least_compared`.
    """
    tasks = window_tasks(work)
    rows = [_person_row(name, mine, options) for name, mine in tasks.groupby("rep_id")]
    columns = ["rep_id", "task_count", "done_count", "on_time_count", "late_count", "open_count"]
    columns += ["overdue_count", "on_time_share", "on_time_low_share", "on_time_high_share"]
    table = pd.DataFrame(rows, columns=[*columns, "plain_share", "late_days"])
    p_value = _p_values(tasks, table, options.least_compared)
    levels = false_discovery_levels(p_value)
    is_told = levels <= options.false_discovery_share
    total = on_time_of(tasks)[0]
    is_low = (table["on_time_share"] < total).to_numpy()
    verdict = np.select(
        [np.isnan(p_value), is_told & is_low, is_told], [TOO_FEW, BEHIND, BETTER], LIKE
    )
    table.insert(1, "seller", rep_labels(reps, table["rep_id"]))
    table = table.assign(p_value=p_value, discovery_level=levels, verdict=verdict)
    return table.sort_values(["seller", "rep_id"], ignore_index=True)


def window_tasks(work: Work) -> pd.DataFrame:
    """Return the tasks with a deadline entered within the window.

    With known_to (until when an open one was looked at: the end, or that of its deal) and
    is_deal_open.
    """
    tasks = work.tasks
    tasks = tasks[(tasks["created_at"] >= work.starts) & tasks["due_at"].notna()]
    ended = work.deals.set_index("opportunity_id")["ended_at"]
    deal_end = tasks["opportunity_id"].map(ended).astype("datetime64[s]")
    known = deal_end.fillna(work.ends).clip(upper=work.ends)
    known = known.where(known >= tasks["created_at"], work.ends)  # entered after the deal's end
    return tasks.assign(known_to=known, is_deal_open=deal_end.isna()).reset_index(drop=True)


def on_time_of(tasks: pd.DataFrame) -> tuple[float, float, float]:
    """Return the share on time, with low and high (80 %), of tasks of `window_tasks`."""
    return on_time(*(tasks[n] for n in ("created_at", "due_at", "completed_at", "known_to")))


def overdue_table(work: Work, reps: pd.DataFrame | None) -> pd.DataFrame:
    """Return the open tasks past their deadline, of open deals or of none, longest overdue first.

    Columns: activity_id; activity_type; rep_id; seller; opportunity_id; customer_id; due_at;
    late_days; value_amount (of the deal).
    """
    tasks = work.tasks
    deals = work.deals.set_index("opportunity_id")
    outcome = tasks["opportunity_id"].map(deals["outcome"]).fillna("open")
    is_late = tasks["completed_at"].isna() & (tasks["due_at"] < work.ends) & (outcome == "open")
    late = tasks[is_late]
    late = late.assign(
        seller=rep_labels(reps, late["rep_id"]),
        late_days=((work.ends - late["due_at"]) / DAY).round(1),
        value_amount=late["opportunity_id"].map(deals["value_amount"]).astype(float),
    )
    columns = ["activity_id", "activity_type", "rep_id", "seller", "opportunity_id"]
    columns += ["customer_id", "due_at", "late_days", "value_amount"]
    order = ["late_days", "activity_id"]
    return late[columns].sort_values(order, ascending=[False, True], ignore_index=True)


def next_step_table(work: Work) -> pd.DataFrame:
    """Return for each stage how many open deals have nothing planned.

    Columns: stage_name; open_count; without_count (no task that is open and due after the period's
    end); without_share; without_amount (value of those deals).
    """
    deals = work.deals[work.deals["outcome"] == "open"]
    tasks = work.tasks
    is_planned = tasks["completed_at"].isna() & (tasks["due_at"] >= work.ends)
    planned = tasks.loc[is_planned, "opportunity_id"]
    is_without = ~deals["opportunity_id"].isin(planned)
    value = deals["value_amount"].astype(float).fillna(0.0).where(is_without, 0.0)
    table = deals.assign(
        is_without=is_without, value=value, stage_name=deals["stage_name"].fillna("not known")
    )
    found = table.groupby(["stage_order", "stage_name"], dropna=False).agg(
        open_count=("is_without", "size"),
        without_count=("is_without", "sum"),
        without_amount=("value", "sum"),
    )
    found = found.reset_index().drop(columns="stage_order")
    share = found["without_count"] / found["open_count"]
    return found.assign(without_share=share, without_amount=found["without_amount"].round(2))


def _person_row(name: str, mine: pd.DataFrame, options: PeopleOptions) -> tuple:
    is_done = mine["completed_at"].notna()
    is_late = _is_late(mine)
    is_overdue = ~is_done & is_late & mine["is_deal_open"]
    counts = (len(mine), is_done.sum(), (is_done & ~is_late).sum(), is_late.sum())
    counts = (*counts, (~is_done).sum(), is_overdue.sum())
    shares = on_time_of(mine) if len(mine) >= options.least_shown else (np.nan,) * 3
    plain = 1 - is_late[is_done].mean() if is_done.any() else np.nan
    late = mine[is_done & is_late]
    days = ((late["completed_at"] - late["due_at"]) / DAY).median()
    return name, *(int(n) for n in counts), *shares, plain, days


def _is_late(tasks: pd.DataFrame) -> pd.Series:
    """Known to be late; a task that was given up before its deadline is not."""
    return tasks["completed_at"].fillna(tasks["known_to"]) > tasks["due_at"]


def _p_values(tasks: pd.DataFrame, table: pd.DataFrame, least: int) -> np.ndarray:
    is_late = _is_late(tasks)
    decided = tasks[is_late | tasks["completed_at"].notna()].assign(is_late=is_late)
    sums = decided.groupby("rep_id")["is_late"].agg(["sum", "size"]).reindex(table["rep_id"])
    late, count = sums["sum"].fillna(0).to_numpy(int), sums["size"].fillna(0).to_numpy(int)
    rest_late, rest = late.sum() - late, count.sum() - count
    return np.array(
        [
            fisher_exact([[a, n - a], [b, m - b]]).pvalue if n >= least and m >= least else np.nan
            for a, n, b, m in zip(late, count, rest_late, rest, strict=True)
        ],
        dtype=float,
    )
