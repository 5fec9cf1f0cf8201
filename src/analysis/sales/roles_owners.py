"""Which customers have nobody who looks after them, and what happened when the owner changed?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.survival import aalen_johansen
from analysis.sales.rep_names import rep_labels
from analysis.sales.roles_handover import names_of
from analysis.sales.roles_inputs import DAY, NOBODY, Known, Sources, looked_up, side_of
from analysis.sales.roles_options import RolesOptions

NO_OWNER, HAS_LEFT, NOT_KNOWN = "no owner", "owner has left", "owner is not in the list of people"
LISTED, SOLD = "the customer list", "who last sold to them"
BY_INVOICE, BY_DEAL = "invoices", "a deal"
_EVENT = "spoken"


@dataclass(frozen=True)
class Owners:
    """Customers without an owner, and changes of owner in the last year."""

    basis: str  # LISTED, SOLD, or "" where no table names an owner
    ownerless: pd.DataFrame
    customer_count: int  # with revenue of the last year or an open deal
    changes: pd.DataFrame
    change_summary: pd.DataFrame
    contact_share: float  # of customers with revenue in the window, with a logged contact in it


def owners(known: Known, sources: Sources, options: RolesOptions) -> Owners:
    """Return customers without an owner and changes of owner, as known at the period's end."""
    basis, owner = _owner_of(known, sources)
    served = _money_of_customers(known)
    lost = _ownerless(served, owner, basis, known, sources)
    changes = owner_changes(known, sources, options)
    buyers = served.index[served["revenue_amount"] > 0]
    recent = known.contacts.loc[known.contacts["at"] >= known.starts, "customer_id"]
    return Owners(
        basis=basis,
        ownerless=lost,
        customer_count=len(served),
        changes=changes,
        change_summary=_change_summary(changes, options),
        contact_share=float(buyers.isin(recent).mean()) if len(buyers) else float("nan"),
    )


def _owner_of(known: Known, sources: Sources) -> tuple[str, pd.Series]:
    """Return where owners come from, and the owner by customer.

    A project whose customer list names nobody at all has the owner of the customer's last deal or
    sale instead, if it knows when people left.
    """
    customers = sources.customers
    if customers is not None and "rep_id" in customers and customers["rep_id"].notna().any():
        named = customers.drop_duplicates("customer_id").set_index("customer_id")["rep_id"]
        return LISTED, named
    lines = known.lines.loc[known.lines["rep_id"] != "", ["customer_id", "rep_id", "last_on"]]
    deals = known.deals[["customer_id", "rep_id", "created_at"]].dropna()
    both = pd.concat(
        [lines.rename(columns={"last_on": "at"}), deals.rename(columns={"created_at": "at"})]
    )
    # Whoever last sold is the owner, so only a leaver can leave a customer alone.
    if both.empty or known.people["left_on"].isna().all():
        return "", pd.Series(dtype="str")
    last = both.sort_values(["customer_id", "at", "rep_id"]).drop_duplicates(
        "customer_id", keep="last"
    )
    return SOLD, last.set_index("customer_id")["rep_id"]


def _money_of_customers(known: Known) -> pd.DataFrame:
    """Revenue of the window and open deals by customer, of those who have either."""
    money = known.money[known.money["customer_id"] != ""]
    deals = known.deals[(known.deals["outcome"] == "open") & known.deals["customer_id"].notna()]
    open_deals = deals.groupby("customer_id")["value_amount"].agg(["size", "sum"])
    table = money.groupby("customer_id")["amount"].sum().round(2).to_frame("revenue_amount")
    table = table.join(open_deals, how="outer").fillna(0.0)
    table = table.rename(columns={"size": "open_count", "sum": "open_amount"})
    return table.astype({"open_count": int}).sort_index()


def _ownerless(
    served: pd.DataFrame, owner: pd.Series, basis: str, known: Known, sources: Sources
) -> pd.DataFrame:
    """Return customers with money but without an owner, most money first.

    Columns: customer_id; customer_name; problem; owner (who has left or is not known); left_on;
    revenue_amount (of the window); open_count; open_amount; worth_amount (both); is_served
    (somebody who is here sold to the customer or spoke with him in the window); served_by.
    """
    table = served.reset_index()
    table = table.assign(rep_id=looked_up(table["customer_id"], owner))
    people = known.people.set_index("rep_id")
    left = looked_up(table["rep_id"], people["left_on"])
    conditions = [
        table["rep_id"].isna(),
        ~table["rep_id"].isin(people.index) & (len(people) > 0),
        left < known.ends,
    ]
    table = table.assign(
        problem=np.select(conditions, [NO_OWNER, NOT_KNOWN, HAS_LEFT], ""), left_on=left
    )
    table = table[table["problem"] != ""] if basis else table.head(0)
    worth = (table["revenue_amount"] + table["open_amount"]).round(2)
    by = looked_up(table["customer_id"], _served_by(known, sources))
    table = table.assign(
        customer_name=looked_up(table["customer_id"], names_of(sources)),
        owner=rep_labels(sources.reps, table["rep_id"]).where(table["rep_id"].notna(), None),
        worth_amount=worth,
        is_served=by.notna(),
        served_by=by,
        left_on=table["left_on"].where(table["problem"] == HAS_LEFT),
    )
    columns = ["customer_id", "customer_name", "problem", "owner", "left_on", "revenue_amount"]
    columns += ["open_count", "open_amount", "worth_amount", "is_served", "served_by"]
    order = ["worth_amount", "customer_id"]
    return table[columns].sort_values(order, ascending=[False, True], ignore_index=True)


def _served_by(known: Known, sources: Sources) -> pd.Series:
    """Name, by customer, who of those here last sold to him or spoke with him in the window."""
    people = known.people
    here = people.loc[
        (people["left_on"].isna() | (people["left_on"] >= known.ends)) & (people["side"] != NOBODY),
        "rep_id",
    ]
    lines = known.lines[known.lines["last_on"] >= known.starts]
    spoken = known.contacts[known.contacts["at"] >= known.starts]
    both = pd.concat(
        [
            lines[["customer_id", "rep_id", "last_on"]].rename(columns={"last_on": "at"}),
            spoken[["customer_id", "rep_id", "at"]],
        ]
    )
    both = both[both["rep_id"].isin(here)].sort_values(["customer_id", "at", "rep_id"])
    last = both.drop_duplicates("customer_id", keep="last").set_index("customer_id")["rep_id"]
    return rep_labels(sources.reps, last) if len(last) else last


def owner_changes(known: Known, sources: Sources, options: RolesOptions) -> pd.DataFrame:
    """Return every change from one person to another in the window, by day.

    Columns: customer_id; customer_name; seen_in (`BY_INVOICE`: another sells from a day on, with at
    least two days of sales, or the former has left, and the former never sells again; `BY_DEAL`: a
    deal passes to another); from_id, to_id, from_seller, to_seller; changed_on (the day on which
    the former left, where that lies between); next_contact_at (first logged contact by anybody from
    that day on); waited_days (to it, or to the period's end); has_contact.
    """
    both = pd.concat([_invoice_changes(known), _deal_changes(known)], ignore_index=True)
    both = both[both["changed_on"] >= known.starts]
    is_person = ~both[["from_id", "to_id"]].apply(
        lambda ids: side_of(known.people, ids) == NOBODY
    ).any(axis=1)  # fmt: skip
    both = both[is_person].sort_values(
        ["changed_on", "customer_id", "seen_in", "from_id", "to_id"], ignore_index=True
    )
    both = both.drop_duplicates(["customer_id", "from_id", "to_id"], ignore_index=True)
    table = _next_contact(both, known)
    return table.assign(
        customer_name=looked_up(table["customer_id"], names_of(sources)),
        from_seller=rep_labels(sources.reps, table["from_id"]),
        to_seller=rep_labels(sources.reps, table["to_id"]),
    )


def _invoice_changes(known: Known) -> pd.DataFrame:
    """The last change of seller of each customer, if the former seller did not come back."""
    lines = known.lines[(known.lines["customer_id"] != "") & (known.lines["rep_id"] != "")]
    by_pair = lines.groupby(["customer_id", "rep_id"], as_index=False).agg(
        first_on=("first_on", "min"), last_on=("last_on", "max"), day_count=("day_count", "sum")
    )
    by_pair = by_pair.sort_values(["customer_id", "last_on", "first_on", "rep_id"])
    before = by_pair.groupby("customer_id")[["rep_id", "last_on"]].shift(1)
    pairs = by_pair.assign(from_id=before["rep_id"], former_last_on=before["last_on"])
    pairs = pairs.drop_duplicates("customer_id", keep="last")
    pairs = pairs[pairs["from_id"].notna() & (pairs["first_on"] > pairs["former_last_on"])]
    left = looked_up(pairs["from_id"], known.people.set_index("rep_id")["left_on"])
    is_gone = left < known.ends
    pairs = pairs[(pairs["day_count"] > 1) | is_gone]
    left = left.reindex(pairs.index)
    is_between = (left > pairs["former_last_on"]) & (left <= pairs["first_on"])
    return pd.DataFrame(
        {
            "customer_id": pairs["customer_id"],
            "seen_in": BY_INVOICE,
            "from_id": pairs["from_id"],
            "to_id": pairs["rep_id"],
            "changed_on": left.where(is_between, pairs["first_on"]).astype("datetime64[s]"),
        }
    )


def _deal_changes(known: Known) -> pd.DataFrame:
    columns = ["customer_id", "seen_in", "from_id", "to_id", "changed_on"]
    if known.stays.empty or "rep_id" not in known.stays:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in columns}).astype(
            {"changed_on": "datetime64[s]"}
        )
    stays = known.stays[known.stays["rep_id"].notna()]
    stays = stays.sort_values(["opportunity_id", "event_no"])
    former = stays.groupby("opportunity_id")["rep_id"].shift(1)
    customer = known.deals.set_index("opportunity_id")["customer_id"]
    moved = stays.assign(from_id=former, customer_id=looked_up(stays["opportunity_id"], customer))
    moved = moved[former.notna() & (former != stays["rep_id"]) & moved["customer_id"].notna()]
    return moved.assign(
        seen_in=BY_DEAL, to_id=moved["rep_id"], changed_on=moved["entered_at"].dt.normalize()
    )[columns]


def _next_contact(changes: pd.DataFrame, known: Known) -> pd.DataFrame:
    pairs = changes[["customer_id", "changed_on"]].drop_duplicates()
    later = pairs.merge(known.contacts[["customer_id", "at"]], on="customer_id")
    later = later[later["at"] >= later["changed_on"]]
    first = later.groupby(["customer_id", "changed_on"])["at"].min().rename("next_contact_at")
    table = changes.merge(first.reset_index(), how="left", on=["customer_id", "changed_on"])
    found = table["next_contact_at"].astype("datetime64[s]")
    return table.assign(
        next_contact_at=found,
        waited_days=(found.fillna(known.ends) - table["changed_on"]) / DAY,
        has_contact=found.notna(),
    )


def _change_summary(changes: pd.DataFrame, options: RolesOptions) -> pd.DataFrame:
    """Return one row: customer_count; change_count; contact_share within `contact_days`, 80 %."""
    customers = changes["customer_id"].nunique()
    share = low = high = float("nan")
    if len(changes) >= options.least_shown:
        found = aalen_johansen(changes["waited_days"], np.where(changes["has_contact"], _EVENT, ""))
        share = found.at(options.contact_days, _EVENT)
        low, high = found.interval(options.contact_days, _EVENT)
    columns = ["customer_count", "change_count", "contact_share", "contact_low_share"]
    row = (customers, len(changes), share, low, high)
    return pd.DataFrame([row], columns=[*columns, "contact_high_share"])
