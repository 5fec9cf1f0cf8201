"""The sentences of the chapter on roles; none says more than the records do."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from analysis.core.result import Decision, Finding
from analysis.core.scope import Scope
from analysis.sales.rep_names import some_of
from analysis.sales.roles_charts import time_words
from analysis.sales.roles_handover import SINCE_WON, Handover
from analysis.sales.roles_inputs import SALES, SUPPORT, Known
from analysis.sales.roles_options import RolesOptions
from analysis.sales.roles_owners import HAS_LEFT, LISTED, NO_OWNER, NOT_KNOWN, Owners
from analysis.sales.roles_time import EVERYBODY, NEW

_DUE_DAYS = 30  # for giving customers to somebody


@dataclass(frozen=True)
class Told:
    """What the chapter found; None where the tables for it are missing."""

    known: Known
    owners: Owners
    roles: pd.DataFrame | None
    sides: pd.DataFrame | None
    side_time: pd.DataFrame | None
    work: pd.DataFrame | None
    handover: Handover | None
    log_shares: dict[str, float]  # by side: hours for buyers that are in the log (`log_shares`)

    @property
    def late(self) -> pd.DataFrame:
        """Customers who wait for support, longest first; empty where nothing is known of it."""
        if self.handover is None:
            return pd.DataFrame(columns=["customer_id", "since_won_days", "won_amount"])
        return self.handover.waiting

    def leader(self, side: str, other: str) -> str:
        """Name who leads most people of a side who are here; `other` where nobody is named."""
        people = self.known.people
        is_here = people["left_on"].isna() | (people["left_on"] >= self.known.ends)
        names = people.loc[is_here & (people["side"] == side), "leader_rep_id"].dropna()
        counts = names[names.isin(people["rep_id"])].value_counts()
        if counts.empty:
            return other
        first = min(counts.index[counts == counts.max()])
        return str(people.set_index("rep_id").loc[first, "label"])

    def is_logged(self, side: str, options: RolesOptions) -> bool:
        """Whether enough of a side's hours for buyers is in the log, or nobody can tell."""
        share = self.log_shares.get(side, float("nan"))
        return not share < options.least_logged_share


def findings(told: Told, options: RolesOptions, scope: Scope) -> tuple[Finding, ...]:
    """Return what the chapter says, most money first."""
    made = [
        _money(told, scope),
        _ownerless(told, scope),
        _handover(told, options, scope),
        _changes(told.owners, options, scope),
        _new_business(told, options, scope),
        _time(told, scope),
    ]
    found = [pair for pair in made if pair is not None]
    return tuple(finding for _, finding in sorted(found, key=lambda pair: -pair[0]))


def _row(table: pd.DataFrame | None, column: str, name: str) -> pd.Series | None:
    rows = table[table[column] == name] if table is not None else []
    return rows.iloc[0] if len(rows) else None


def _money(told: Told, scope: Scope) -> tuple[float, Finding] | None:
    sales, support = (_row(told.sides, "side", side) for side in (SALES, SUPPORT))
    if sales is None or support is None or not np.isfinite(sales["share"]):
        return None
    share, money = scope.display.share, scope.display.amount
    column, words = time_words(told.roles)
    measure = told.known.measure
    text = (
        f"Direct sales stand for {share(sales['share'], 0)} of {measure} and "
        f"{share(sales[column], 0)} of {words}, support for {share(support['share'], 0)} and "
        f"{share(support[column], 0)}."
    )
    detail = (
        f"{money(sales['amount'])} and {money(support['amount'])} by who stands on the sale; per "
        f"full-time month {money(sales['month_amount'])} and {money(support['month_amount'])}. "
        "Support keeps what others sold, so its share of revenue is not what it is worth."
    )
    finding = Finding(text, detail, "direct_sales_share", value=float(sales["share"]))
    return float(told.roles["amount"].iloc[-1]), finding


def _ownerless(told: Told, scope: Scope) -> tuple[float, Finding] | None:
    found, table = told.owners, told.owners.ownerless
    if not found.basis:
        return None
    count, money = scope.display.count, scope.display.amount
    if table.empty:
        text = "Every customer who bought or has an open deal belongs to somebody who is here."
        return 0.0, Finding(text, metric="ownerless_amount", value=0.0)
    alone = table[~table["is_served"]]
    amount, worth = (float(alone[name].sum()) for name in ("revenue_amount", "worth_amount"))
    kinds = table["problem"].value_counts()
    words = {
        HAS_LEFT: "the owner has left",
        NO_OWNER: "no owner is named",
        NOT_KNOWN: "the owner is not in the list of people",
    }
    texts = [f"{words[name]}: {count(kinds[name])}" for name in words if name in kinds.index]
    source = "The customer list names" if found.basis == LISTED else "By who last sold there is"
    nobody = (
        "None has nobody"
        if alone.empty
        else f"{count(len(alone))} {'has' if len(alone) == 1 else 'have'} nobody ({money(worth)})"
    )
    finding = Finding(
        f"{source} nobody who is here for {_customers(len(table), scope)}; people who are here "
        f"deal with {count(len(table) - len(alone))} of them. {nobody}.",
        f"{_capital('; '.join(texts))}.",
        metric="ownerless_amount",
        value=amount,
        rank=worth,
    )
    return worth, finding


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _customers(number: int, scope: Scope) -> str:
    return f"{scope.display.count(number)} customer{'' if number == 1 else 's'}"


def _handover(told: Told, options: RolesOptions, scope: Scope) -> tuple[float, Finding] | None:
    found = told.handover
    if found is None:
        return None
    count = scope.display.count
    row = _row(found.summary, "clock", SINCE_WON)
    late = told.late[told.late["since_won_days"] > options.handover_days]
    worth = float(late["won_amount"].sum())
    if not row["customer_count"]:
        return 0.0, Finding("No customer was won who should have passed from a seller to support.")
    if not found.logged_share >= options.least_logged_share:
        share = scope.display.share(found.logged_share, 0)
        return 0.0, Finding(
            "How soon support speaks with new customers cannot be said: too little of its work is "
            "on record.",
            f"Contacts are logged for {share} of support's people; "
            f"{scope.display.share(options.least_logged_share, 0)} are asked for.",
        )
    if not np.isfinite(row["within_share"]):
        return worth, Finding(
            f"{_customers(int(row['customer_count']), scope)} passed from a seller to support or "
            "should have: too few for a usual time.",
            f"{count(row['handed_count'])} have heard from support, {count(row['waiting_count'])} "
            "have not.",
            rank=worth,
        )
    is_sure = told.is_logged(SUPPORT, options)
    return worth, Finding(
        _gap_text(row, options, scope),
        _gap_detail(told, late, options, scope),
        metric="handover_within_share",
        value=float(row["within_share"]),
        low=float(row["within_low_share"]),
        high=float(row["within_high_share"]),
        rank=worth if is_sure else 0.0,
    )


def _gap_text(row: pd.Series, options: RolesOptions, scope: Scope) -> str:
    share, days = scope.display.share, scope.display.count
    within = (
        f"On record, {share(row['within_share'], 0)} ({share(row['within_low_share'], 0)} to "
        f"{share(row['within_high_share'], 0)}) of new customers hear from support within "
        f"{options.handover_days} days of the win"
    )
    if not np.isfinite(row["median_days"]):
        return f"{within}; so far fewer than half have heard at all."
    ends = row["median_low_days"], row["median_high_days"]
    high = days(ends[1]) if np.isfinite(ends[1]) else "more than was seen"
    return (
        f"{within}; half wait {days(row['median_days'])} days or more ({days(ends[0])} to {high})."
    )


def _gap_detail(told: Told, late: pd.DataFrame, options: RolesOptions, scope: Scope) -> str:
    found, count, money = told.handover, scope.display.count, scope.display.amount
    row = _row(found.summary, "clock", SINCE_WON)
    texts = [
        f"Of {count(row['customer_count'])} customers won since {scope.display.day(found.begins)} "
        f"{count(row['handed_count'])} have heard from support."
    ]
    if len(late):
        longest = late.iloc[0]
        texts.append(
            f"{count(len(late))} have waited longer than {options.handover_days} days, the longest "
            f"{count(longest['since_won_days'])}; their first deals were worth "
            f"{money(late['won_amount'].sum())}."
        )
    if told.is_logged(SUPPORT, options):
        texts.append("Only contacts on record count.")
    else:
        share = scope.display.share(told.log_shares[SUPPORT], 0)
        texts.append(
            f"Only contacts on record count, and {share} of support's hours for buyers are on "
            "record: whether these customers really wait cannot be concluded."
        )
    return " ".join(texts)


def _changes(found: Owners, options: RolesOptions, scope: Scope) -> tuple[float, Finding] | None:
    row = found.change_summary.iloc[0]
    if not found.basis or not row["change_count"]:
        return None
    share = scope.display.share
    customers = _customers(int(row["customer_count"]), scope)
    text = f"{customers} passed from one person to another in the window"
    if not found.contact_share >= options.least_logged_share:
        return 0.0, Finding(
            f"{text}; whether anybody spoke with them then cannot be said.",
            f"{share(found.contact_share, 0)} of the customers who bought have any contact on "
            f"record, {share(options.least_logged_share, 0)} are asked for.",
            metric="owner_changes",
            value=float(row["customer_count"]),
        )
    if not np.isfinite(row["contact_share"]):
        detail = "Too few for a share of those who were spoken with soon after."
        return 0.0, Finding(f"{text}.", detail, "owner_changes", value=row["customer_count"])
    range_ = f"{share(row['contact_low_share'], 0)} to {share(row['contact_high_share'], 0)}"
    return 0.0, Finding(
        f"{text}; {share(row['contact_share'], 0)} ({range_}) were spoken with within "
        f"{options.contact_days} days.",
        "A contact by anybody counts, if it is on record.",
        metric="contact_after_change",
        value=float(row["contact_share"]),
        low=float(row["contact_low_share"]),
        high=float(row["contact_high_share"]),
    )


def _new_business(told: Told, options: RolesOptions, scope: Scope) -> tuple[float, Finding] | None:
    if told.work is None or told.roles is None:
        return None
    work = told.work[told.work["activity_count"] > 0]
    share = scope.display.share
    timed = work["timed_count"].sum() / work["activity_count"].sum()
    total = told.roles.iloc[-1]
    if not timed >= options.least_timed_share or total["amount"] <= 0:
        return 0.0, Finding(
            "What hours go into new and into existing customers cannot be said.",
            f"{share(timed, 0)} of the activities have a duration, "
            f"{share(options.least_timed_share, 0)} are asked for.",
        )
    if not told.is_logged(EVERYBODY, options):
        part = share(told.log_shares[EVERYBODY], 0)
        return 0.0, Finding(
            "What hours go into new and what into existing customers cannot be said.",
            f"Too few are logged: {part} of those worked for buyers on recorded days, "
            f"{share(options.least_logged_share, 0)} are asked for.",
            metric="logged_share",
            value=told.log_shares[EVERYBODY],
        )
    hours = work.groupby("customer_state")["logged_hours"].sum()
    part = float(hours.get(NEW, 0.0) / hours.sum())
    money = total["new_amount"] / total["amount"]
    return float(total["new_amount"]), Finding(
        f"{share(part, 0)} of the logged hours went to customers who had bought nothing yet; "
        f"customers in their first quarter brought {share(money, 0)} of {told.known.measure}.",
        f"{scope.display.count(hours.sum())} hours are logged, {share(timed, 0)} of the activities "
        "have a duration. New business pays later, so the two shares need not be alike.",
        metric="new_hours_share",
        value=part,
    )


def _time(told: Told, scope: Scope) -> tuple[float, Finding] | None:
    use = told.side_time
    if use is None or use.empty:
        return None
    share = scope.display.share
    texts = []
    for side, category in ((SALES, "selling"), (SUPPORT, "support")):
        row = _row(use[use["category"] == category], "side", side)
        if row is None:
            continue
        range_ = f"{share(row['hours_low_share'], 0)} to {share(row['hours_high_share'], 0)}"
        texts.append(
            f"{share(row['hours_share'], 0)} ({range_}) of the time of {side} goes to {category}"
        )
    if not texts:
        return None
    days = use.drop_duplicates("side")["recorded_days"].sum()
    detail = f"From {scope.display.count(days)} recorded days of single people."
    text = "; ".join(texts) + "."
    return 0.0, Finding(text, detail, "selling_time_share")


def decisions(told: Told, options: RolesOptions, scope: Scope) -> tuple[Decision, ...]:
    """Return what leaders are asked, with what hangs on it, an owner and a day."""
    asked = []
    asked += _ask_owners(told, scope)
    found = told.handover
    late = told.late[told.late["since_won_days"] > options.handover_days]
    is_on_record = found is None or found.logged_share >= options.least_logged_share
    if not is_on_record or not told.is_logged(SUPPORT, options):
        text = "Should support log its contacts with customers? Handovers cannot be seen without."
        due = scope.as_of + timedelta(days=_DUE_DAYS)
        asked.append(Decision(text, owner=told.leader(SUPPORT, "head of support"), due_on=due))
    if is_on_record and len(late):
        wait = "wait" if len(late) > 1 else "waits"
        wait = wait if told.is_logged(SUPPORT, options) else f"on record {wait}"
        names = some_of(late["customer_name"].fillna(late["customer_id"]).astype("str"))
        asked.append(
            Decision(
                f"Will support call the {_customers(len(late), scope)} who {wait} for a first "
                f"contact? Longest first: {names}.",
                worth_amount=float(late["won_amount"].sum()),
                owner=told.leader(SUPPORT, "head of support"),
                due_on=scope.as_of + timedelta(days=options.handover_days),
                metric="handover_within_share",
            )
        )
    return tuple(asked)


def _ask_owners(told: Told, scope: Scope) -> list[Decision]:
    """Ask who takes the customers whom nobody deals with, and for the list to be brought up."""
    table = told.owners.ownerless
    if table.empty:
        return []
    alone = table[~table["is_served"]]
    customers = _customers(len(table), scope)
    text = f"Bring the owner field of {customers} up to date?"
    if told.owners.basis != LISTED:
        text = f"Name an owner for {customers}?"
    if len(alone):
        names = some_of(alone["customer_name"].fillna(alone["customer_id"]).astype("str"))
        text += f" First those whom nobody deals with, most money first: {names}".rstrip(".") + "."
    return [
        Decision(
            text,
            worth_amount=float(alone["worth_amount"].sum()) if len(alone) else None,
            owner=told.leader(SALES, "head of sales"),
            due_on=scope.as_of + timedelta(days=_DUE_DAYS),
            metric="ownerless_amount",
        )
    ]
