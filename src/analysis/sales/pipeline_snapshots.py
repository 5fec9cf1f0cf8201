"""What was known of the deals on many days: full states, open deals, and what became of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from analysis.core.periods import FiscalCalendar
from analysis.core.scope import Scope
from analysis.sales.deals import deals_as_of
from analysis.sales.funnel_cohort import Tables

Wanted = Callable[[np.datetime64], np.ndarray]  # end of a day -> which deals matter

DAY = pd.Timedelta(days=1)
_WIDTH = 4  # digits of the mark
_IDS = ("opportunity_id", "pipeline_id")
_TIMES = {
    "opportunities": ["created_at", "closed_at", "expected_close_on"],
    "stage_events": ["entered_at", "exited_at", "expected_close_on"],
    "stages": ["valid_from_on"],
}
# What deals_as_of reads; copies of anything else would only cost time.
_READ = {
    "opportunities": "opportunity_id customer_id rep_id pipeline_id product_id channel deal_type "
    "selling_model lost_reason created_at closed_at stage_id is_closed is_won value_amount "
    "expected_close_on",
    "stage_events": "opportunity_id event_no entered_at exited_at stage_id rep_id value_amount "
    "expected_close_on",
    "stages": "pipeline_id stage_id valid_from_on stage_name stage_order stage_category",
}
_STATE_TIMES = ["created_at", "expected_close_on", "ended_at", "stage_since"]
_WEEKS = 13


@dataclass(frozen=True)
class Ahead:
    """A time that is forecast: from `starts`, `ends` being the first moment after it."""

    name: str
    starts: pd.Timestamp
    ends: pd.Timestamp
    quarters: int

    @property
    def days(self) -> int:
        return (self.ends - self.starts).days

    @property
    def words(self) -> str:
        """What it is called in a sentence: the quarter's name, or how many weeks."""
        return f"the next {_WEEKS * self.quarters} weeks" if "--" in self.name else self.name


def ahead_of(as_of: date, calendar: FiscalCalendar, quarters: int = 1) -> Ahead:
    """Return the fiscal quarters after `as_of`; as many times 13 weeks where it ends none."""
    starts = pd.Timestamp(as_of) + DAY
    own = calendar.containing(as_of, "quarterly")
    if own.last_day != as_of:
        ends = starts + quarters * _WEEKS * 7 * DAY
        return Ahead(f"{starts:%Y-%m-%d}--{ends - DAY:%Y-%m-%d}", starts, ends, quarters)
    first, last = calendar.shift(own, 1), calendar.shift(own, quarters)
    name = first.name if quarters == 1 else f"{first} to {last}"
    return Ahead(name, starts, pd.Timestamp(last.ends_before), quarters)


def past_quarter_ends(scope: Scope, earliest: pd.Timestamp, most: int) -> list[date]:
    """Return ends of quarters before the scope's, from `earliest` on, oldest first."""
    own = scope.calendar.containing(scope.as_of, "quarterly")
    ends = [scope.calendar.shift(own, -back).last_day for back in range(most, -1, -1)]
    return [day for day in ends if day < scope.as_of and pd.Timestamp(day) >= earliest]


def month_ends(first: pd.Timestamp, last: date) -> list[date]:
    """Return `last` and the ends of months from `first` on that lie before it, oldest first."""
    ends = pd.date_range(first.normalize(), pd.Timestamp(last), freq="ME")
    days = [moment.date() for moment in ends]
    return days if days and days[-1] == last else [*days, last]


def states_at(tables: Tables, days: Sequence[date]) -> dict[date, pd.DataFrame]:
    """Return `deals_as_of` of each day, computed in one go."""
    created = tables.opportunities["created_at"].to_numpy()
    return _answers(tables, days, lambda end: created < end)


def open_at(tables: Tables, days: Sequence[date]) -> dict[date, pd.DataFrame]:
    """Return the open deals of `deals_as_of` of each day, computed in one go."""
    created = tables.opportunities["created_at"].to_numpy()
    over = _over_since(tables).to_numpy()
    found = _answers(tables, days, lambda end: (created < end) & ~(over < end))
    return {
        day: deals[deals["outcome"] == "open"].reset_index(drop=True)
        for day, deals in found.items()
    }


def with_labels(open_deals: pd.DataFrame, state: pd.DataFrame, days: int) -> pd.DataFrame:
    """Add what `state`, known later, tells of open deals: result in time, and final value.

    `open_deals` has known_to, the first moment that is not known of each; `result` is "won", "lost"
    or "open" `days` later; `final_amount` the value when it was won, else missing.
    """
    known = state.set_index("opportunity_id")[["outcome", "ended_at", "value_amount"]]
    found = known.reindex(open_deals["opportunity_id"]).reset_index(drop=True)
    is_in_time = found["ended_at"] < (open_deals["known_to"] + days * DAY).to_numpy()
    result = found["outcome"].where(is_in_time, "open").to_numpy(dtype=object)
    final = found["value_amount"].where(result == "won").to_numpy()
    return open_deals.assign(result=result, final_amount=final)


def with_activity(
    open_deals: pd.DataFrame, activities: pd.DataFrame | None, as_of: date
) -> pd.DataFrame:
    """Add known_to, and quiet_days: since the last activity that was done, else since opening."""
    end = pd.Timestamp(as_of) + DAY
    open_deals = open_deals.assign(known_to=end)
    if activities is None:
        return open_deals.assign(quiet_days=np.nan)
    done = activities[activities["completed_at"] < end]
    last = done.groupby("opportunity_id")["completed_at"].max()
    # reindex, not map: mapping by an empty series loses the kind of the column.
    latest = last.reindex(open_deals["opportunity_id"]).set_axis(open_deals.index)
    since = latest.fillna(open_deals["created_at"])
    return open_deals.assign(quiet_days=(end - since) / DAY)


def _over_since(tables: Tables) -> pd.Series:
    """When each deal was over for good, by its id; missing for one that is open in the end."""
    deals = tables.opportunities
    over = deals.set_index("opportunity_id")["closed_at"]
    over = over.where(deals["is_closed"].to_numpy(dtype=bool))
    if tables.stage_events is None or tables.stages is None or tables.stage_events.empty:
        return over
    events = tables.stage_events.sort_values(["opportunity_id", "event_no"])
    last = events.drop_duplicates("opportunity_id", keep="last").set_index("opportunity_id")
    terminal = tables.stages.loc[tables.stages["stage_category"] != "open", "stage_id"]
    latest = events.groupby("opportunity_id")["entered_at"].max()
    told = latest.where(last["stage_id"].isin(terminal))
    return told.reindex(over.index).where(over.index.isin(told.index), over)


def _answers(tables: Tables, days: Sequence[date], wanted: Wanted) -> dict[date, pd.DataFrame]:
    # deals_as_of answers for one day. A copy of what matters on each day, moved to one common day,
    # has it answer for all at once; ids of copies are marked by the day's number.
    read = {
        name: None if (table := getattr(tables, name)) is None else table[columns.split()]
        for name, columns in _READ.items()
    }
    moments = np.array(days, dtype="datetime64[D]").astype("datetime64[s]")
    shifts = moments.max() - moments
    rows = _rows(read, moments + np.timedelta64(1, "D"), wanted)
    stacked = [
        None if read[name] is None else _stacked(read[name], name, rows[name], shifts)
        for name in _READ
    ]
    answer = deals_as_of(*stacked, max(days))
    number = answer["opportunity_id"].str.slice(0, _WIDTH).astype(int).to_numpy()
    answer = answer.assign(
        opportunity_id=answer["opportunity_id"].str.slice(_WIDTH),
        pipeline_id=answer["pipeline_id"].str.slice(_WIDTH),
        **{n: answer[n] - pd.to_timedelta(shifts[number]) for n in _STATE_TIMES},
    )
    return {day: answer[number == place].reset_index(drop=True) for place, day in enumerate(days)}


def _rows(
    read: dict[str, pd.DataFrame | None], ends: np.ndarray, wanted: Wanted
) -> dict[str, list[np.ndarray]]:
    """Which rows of each table matter on each day: what had begun by its end, of wanted deals."""
    chosen = [wanted(end) for end in ends]
    found = {"opportunities": [np.flatnonzero(is_chosen) for is_chosen in chosen]}
    events, stages = read["stage_events"], read["stages"]
    if events is not None:
        deal = pd.Index(read["opportunities"]["opportunity_id"]).get_indexer(
            events["opportunity_id"]
        )
        entered = events["entered_at"].to_numpy()
        found["stage_events"] = [
            np.flatnonzero((entered < end) & (deal >= 0) & is_chosen[deal])
            for end, is_chosen in zip(ends, chosen, strict=True)
        ]
    if stages is not None:
        found["stages"] = [np.arange(len(stages))] * len(ends)
    return found


def _stacked(
    table: pd.DataFrame, name: str, rows: list[np.ndarray], shifts: np.ndarray
) -> pd.DataFrame:
    copies = table.take(np.concatenate(rows)).reset_index(drop=True)
    number = np.repeat(np.arange(len(rows)), [len(part) for part in rows])
    by = pd.to_timedelta(shifts[number])
    marks = np.array([f"{place:0{_WIDTH}d}" for place in range(len(rows))], dtype=object)[number]
    mark = pd.Series(marks, index=copies.index).astype("str")
    ids = [column for column in _IDS if column in copies]
    return copies.assign(
        **{column: copies[column] + by for column in _TIMES[name]},
        **{column: mark + copies[column] for column in ids},
    )
