"""How long after the win does support speak with a new customer?

The clock starts at the win, which support's first contact cannot move. The seller's last contact
before that of support is chosen by when support came: a seller who calls every week makes every gap
short, however late support is.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.survival import Incidence, aalen_johansen, kaplan_meier, median_time
from analysis.sales.rep_names import rep_labels
from analysis.sales.roles_inputs import (
    DAY,
    SALES,
    SUPPORT,
    Known,
    Sources,
    looked_up,
    quarter_start,
)
from analysis.sales.roles_options import RolesOptions

HANDED, WAITING, NO_SELLER, BOUGHT = (
    "handed over",
    "waiting",
    "no seller spoke before",
    "had bought before",
)
SINCE_WON = "the day the deal was won"
_EVENT = "handed"


@dataclass(frozen=True)
class Handover:
    """What became of customers who were won."""

    customers: pd.DataFrame  # `won_customers`
    summary: pd.DataFrame
    curve: pd.DataFrame  # Kaplan-Meier since the win
    logged_share: float  # of the people of support, with a contact in the window; NaN without any
    begins: pd.Timestamp  # customers won from this day on

    @property
    def waiting(self) -> pd.DataFrame:
        """Customers still waiting, longest first."""
        table = self.customers[self.customers["state"] == WAITING]
        order = ["since_won_days", "won_amount", "customer_id"]
        return table.sort_values(order, ascending=[False, False, True], ignore_index=True)


def handover(
    known: Known, sources: Sources, begins: pd.Timestamp, options: RolesOptions
) -> Handover:
    """Follow every customer whose first deal was won from `begins` on to support's first contact.

    `summary` has one row: clock (`SINCE_WON`); customer_count; handed_count; waiting_count;
    median_days with low and high (80 %; missing where it lies beyond what was seen); within_share
    (handed over within `handover_days`) with low and high. Those still waiting count for as long as
    they have waited (Kaplan-Meier).
    """
    customers = won_customers(known, sources, begins)
    is_due = customers["state"].isin((HANDED, WAITING))
    due = customers[is_due]
    days, is_handed = due["since_won_days"], due["state"] == HANDED
    rows = [_clock_row(SINCE_WON, days, is_handed, options)]
    columns = ["clock", "customer_count", "handed_count", "waiting_count", "median_days"]
    columns += ["median_low_days", "median_high_days", "within_share", "within_low_share"]
    return Handover(
        customers=customers,
        summary=pd.DataFrame(rows, columns=[*columns, "within_high_share"]),
        curve=kaplan_meier(days, is_handed),
        logged_share=_logged_share(known, sources),
        begins=begins,
    )


def log_begins(known: Known, scope_start: pd.Timestamp) -> pd.Timestamp:
    """Return the first day from which a contact could be on record: `scope_start` or the log's."""
    first = known.contacts["at"].min()
    return scope_start if pd.isna(first) else max(scope_start, first.normalize())


def first_day(known: Known, scope: object, options: RolesOptions) -> pd.Timestamp:
    """Return from when on customers that were won are followed."""
    return log_begins(known, quarter_start(scope, options.handover_quarters))


def won_customers(known: Known, sources: Sources, begins: pd.Timestamp) -> pd.DataFrame:
    """Return one row per customer whose first deal was won from `begins` on, by customer_id.

    Columns: customer_id; customer_name; won_at; won_amount (of that deal); rep_id and seller (owner
    of the deal); last_seller_at (last contact by direct sales before that of support; the last one
    known where support has not spoken yet; missing where none is known up to the day of the win);
    first_support_at (first contact by support after sales' last one up to the day of the win); how;
    gap_days (between the two, to describe one customer: it is short wherever the seller went on
    calling; missing while waiting); since_won_days (from the win to support's first contact, or to
    the period's end while waiting; 0 where support came before it); state.
    """
    deals = known.deals[(known.deals["outcome"] == "won") & known.deals["customer_id"].notna()]
    order = ["ended_at", "opportunity_id"]
    won = deals.sort_values(order).drop_duplicates("customer_id")
    won = won[won["ended_at"] >= begins].sort_values("customer_id", ignore_index=True)
    table = won.rename(columns={"ended_at": "won_at", "value_amount": "won_amount"})
    columns = ["customer_id", "won_at", "won_amount", "rep_id", "created_at"]
    table = _with_contacts(table[columns], known)
    first_line = known.lines.groupby("customer_id")["first_on"].min()
    had_bought = looked_up(table["customer_id"], first_line) < table["created_at"].dt.normalize()
    is_handed, is_sold = table["first_support_at"].notna(), table["last_seller_at"].notna()
    until = table["first_support_at"].fillna(known.ends)
    state = np.select([had_bought, ~is_sold, is_handed], [BOUGHT, NO_SELLER, HANDED], WAITING)
    return table.drop(columns="created_at").assign(
        seller=rep_labels(sources.reps, table["rep_id"]),
        customer_name=looked_up(table["customer_id"], names_of(sources)),
        gap_days=(table["first_support_at"] - table["last_seller_at"]) / DAY,
        since_won_days=((until - table["won_at"]) / DAY).clip(lower=0.0),
        state=state.astype("str") if len(table) else pd.Series(dtype="str"),
    )


def names_of(sources: Sources) -> pd.Series:
    """Return the name of each customer; the id where none is known is left to the reader."""
    if sources.customers is None:
        return pd.Series(dtype="str")
    return sources.customers.set_index("customer_id")["customer_name"]


def _with_contacts(won: pd.DataFrame, known: Known) -> pd.DataFrame:
    mine = known.contacts.merge(won[["customer_id", "won_at"]], on="customer_id")
    sales, support = (mine[mine["side"] == side] for side in (SALES, SUPPORT))
    # A deal is often marked as won some hours before the visit that won it is written down.
    by_then = sales["at"] < sales["won_at"].dt.normalize() + DAY
    before = sales[by_then].groupby("customer_id")["at"].max()
    won = won.assign(since=looked_up(won["customer_id"], before).astype("datetime64[s]"))
    sales = sales[sales["customer_id"].isin(before.index)]
    support = support.merge(won[["customer_id", "since"]], on="customer_id")
    support = support[support["at"] >= support["since"]].sort_values(["customer_id", "at", "how"])
    first = support.drop_duplicates("customer_id").set_index("customer_id")
    began = looked_up(won["customer_id"], first["at"])
    sales = sales.merge(
        won[["customer_id"]].assign(first_support_at=began), on="customer_id", how="left"
    )
    earlier = sales[sales["first_support_at"].isna() | (sales["at"] <= sales["first_support_at"])]
    last = earlier.groupby("customer_id")["at"].max()
    return won.drop(columns="since").assign(
        last_seller_at=looked_up(won["customer_id"], last).astype("datetime64[s]"),
        first_support_at=began.astype("datetime64[s]"),
        how=looked_up(won["customer_id"], first["how"]),
    )


def _clock_row(name: str, days: pd.Series, is_handed: pd.Series, options: RolesOptions) -> tuple:
    counts = (len(days), int(is_handed.sum()), int((~is_handed).sum()))
    if len(days) < options.least_shown:
        return (name, *counts, *(float("nan"),) * 6)
    found = aalen_johansen(days, np.where(is_handed, _EVENT, ""))
    within = found.at(options.handover_days, _EVENT)
    range_ = found.interval(options.handover_days, _EVENT)
    return (name, *counts, median_time(found), *median_range(found), within, *range_)


def median_range(found: Incidence) -> tuple[float, float]:
    """Return the 80 % interval of the median: times at which the band of the curve passes half.

    NaN where the band does not come down to half: the end lies beyond what was seen.
    """
    if _EVENT not in found.shares:
        return float("nan"), float("nan")
    bands = np.array([found.interval(time, _EVENT) for time in found.times])
    ends = []
    for column in (1, 0):  # where even the upper share of ends reaches half comes first
        reached = np.flatnonzero(bands[:, column] >= 0.5)
        ends.append(float(found.times[reached[0]]) if len(reached) else float("nan"))
    return ends[0], ends[1]


def _logged_share(known: Known, sources: Sources) -> float:
    """Share of support's people, present in the window, whose contacts are on record."""
    people = known.people
    people = people[(people["side"] == SUPPORT) & (people["full_time_days"] > 0)]
    if people.empty:
        return float("nan")
    recent = known.contacts[known.contacts["at"] >= known.starts]
    is_logged = people["rep_id"].isin(recent["rep_id"])
    if sources.inbound_contacts is not None and "team_id" in sources.reps:
        answers = sources.inbound_contacts
        when = answers["first_response_at"]
        answering = answers.loc[(when >= known.starts) & (when < known.ends), "routed_team_id"]
        teams = looked_up(people["rep_id"], sources.reps.set_index("rep_id")["team_id"])
        is_logged |= teams.isin(answering.dropna())
    return float(is_logged.mean())
