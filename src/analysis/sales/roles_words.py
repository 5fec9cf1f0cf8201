"""Limits, terms and open questions of the chapter on roles."""

import numpy as np
import pandas as pd

from analysis.core.scope import Scope
from analysis.sales.roles_findings import Told
from analysis.sales.roles_handover import BOUGHT, HANDED, NO_SELLER, WAITING
from analysis.sales.roles_inputs import INVOICED, NOBODY, SUPPORT, UNKNOWN, Sources
from analysis.sales.roles_money import ALL
from analysis.sales.roles_options import RolesOptions
from analysis.sales.roles_owners import LISTED, SOLD
from analysis.sales.roles_time import EVERYBODY

NO_ROLES = (
    "Nobody's role is known: the column role of the table reps (hunter, field, inside, farmer, "
    "service, ...) would tell direct sales from support."
)
NO_WORK = (
    "Roles are known, but no revenue, deal, activity or working time of anybody: the tables "
    "invoice_lines, opportunities, activities and time_records would tell what each role does."
)


def caveats(told: Told, sources: Sources, options: RolesOptions, scope: Scope) -> tuple[str, ...]:
    """Return the limits of what the chapter says, and what is missing for more."""
    texts = [*_missing(told, sources)]
    if told.roles is None and sources.reps is not None:
        texts.append(NO_ROLES)
    if told.roles is not None:
        texts += _of_roles(told, scope)
        texts += _of_hours(told, options, scope)
    if told.handover is not None:
        texts += _of_handover(told, options, scope)
    texts += _of_owners(told, scope)
    texts.append(
        "Nothing here compares the time before a change of roles with the time after: without "
        "customers who stayed as they were, the season and the market would pass for its effect."
    )
    return tuple(texts)


def _missing(told: Told, sources: Sources) -> list[str]:
    parts = {
        "reps": (sources.reps, "which roles people have, and handovers between them"),
        "activities": (sources.activities, "logged hours, and contacts with customers"),
        "time_records": (sources.time_records, "what working time goes to"),
        "opportunities": (sources.opportunities, "which customers were won, and their handover"),
        "inbound_contacts": (sources.inbound_contacts, "which enquiries support has answered"),
        "customers": (sources.customers, "who looks after each customer"),
    }
    return [
        f"The table {name} is missing: it would tell {what}."
        for name, (table, what) in parts.items()
        if table is None
    ]


def _of_roles(told: Told, scope: Scope) -> list[str]:
    day = scope.display.day
    first, measure = told.known.starts, told.known.measure
    by = "whoever stands on the invoice line" if measure == INVOICED else "the owner of the deal"
    texts = [
        f"Hours and money are those of {day(first)} to {day(scope.as_of)}; {measure} counts for "
        f"{by}, whoever else has worked for it.",
        "Roles are those of today: what somebody did in another role before counts for the present "
        "one.",
    ]
    table = told.roles[told.roles["role"] != ALL]
    unnamed = float(told.roles["unnamed_amount"].iloc[-1])
    if unnamed:
        money = scope.display.amount(unnamed)
        texts.append(f"{money} of {measure} name no customer: neither new nor existing.")
    for name in (UNKNOWN, NOBODY):
        amount = float(table.loc[table["role"] == name, "amount"].sum())
        if amount:
            money = scope.display.amount(amount)
            texts.append(f"{money} stand under {name!r}, so that the rows sum to all.")
    return texts


def _of_hours(told: Told, options: RolesOptions, scope: Scope) -> list[str]:
    texts = []
    table = told.roles[told.roles["role"] != ALL]
    if table["recorded_days"].sum() > 0:
        is_short = (table["full_time_days"] > 0) & table["hours_share"].isna()
        names = ", ".join(table.loc[is_short, "role"])
        texts.append(
            f"Working time is known of {scope.display.count(table['recorded_days'].sum())} days of "
            "single people; shares stand for the rest, with ranges for the days that were not "
            "recorded. No hours are made up for them."
        )
        if names:
            texts.append(f"Too few days are recorded of: {names}.")
    if told.work is None:
        return texts
    work = told.work
    done, timed = work["activity_count"].sum(), work["timed_count"].sum()
    if done:
        share = scope.display.share
        texts.append(
            f"{share(timed / done, 0)} of {scope.display.count(done)} logged activities have a "
            "duration; nothing is put in for the others, and where fewer than "
            f"{share(options.least_timed_share, 0)} have one no hours are shown. Work that nobody "
            "logs is in none of them, and what machines did is left out."
        )
    if EVERYBODY in told.log_shares:
        texts.append(
            f"On recorded days the log holds {scope.display.share(told.log_shares[EVERYBODY], 0)} "
            "of the hours worked for buyers; logged hours are a part of working time, not all."
        )
    texts.append(
        "The value of a won deal is divided equally among the activities logged for it: a way of "
        "counting, not what an activity brings."
    )
    return texts


def _of_handover(told: Told, options: RolesOptions, scope: Scope) -> list[str]:
    found, count = told.handover, scope.display.count
    kinds = found.customers["state"].value_counts()
    texts = [
        "Handovers are of customers whose first deal was won since "
        f"{scope.display.day(found.begins)}: {count(kinds.get(HANDED, 0) + kinds.get(WAITING, 0))} "
        f"are followed; {count(kinds.get(BOUGHT, 0))} had bought before, and with "
        f"{count(kinds.get(NO_SELLER, 0))} no seller is on record as having spoken before the win, "
        "so nothing had to be handed over.",
        "A contact is a finished call, message, meeting or proposal by a person, or an enquiry "
        "that a team of one side alone answered. A contact that nobody logged leaves a customer "
        "waiting here.",
        "The wait runs from the win. What a seller did in between is no support, and does not "
        "start it anew.",
    ]
    if np.isfinite(found.logged_share):
        share = scope.display.share
        texts.append(
            f"{share(found.logged_share, 0)} of support's people have a contact on record; below "
            f"{share(options.least_logged_share, 0)} nothing is said of handovers."
        )
    return texts


def _of_owners(told: Told, scope: Scope) -> list[str]:
    basis = told.owners.basis
    if not basis:
        return [
            "Which customers are without an owner cannot be said: the customer list names none, "
            "and nobody's last sale or last day is known that could stand in for it."
        ]
    if basis == SOLD:
        return [
            "The customer list names no owner; who last sold to a customer counts as his owner."
        ]
    texts = [
        "The owner of a customer is the one in the customer list as it was loaded: the list keeps "
        "no history, so for a period long past it may be a later one."
    ]
    if told.known.people["left_on"].isna().all():
        texts.append("When people left is not known, so an owner who has gone is not noticed.")
    return texts


def definitions(told: Told, options: RolesOptions, scope: Scope) -> dict[str, str]:
    """Return what each term of the chapter means."""
    terms = {
        "Direct sales, support": f"People whose role is {_listed(options.seller_roles)}, and "
        f"people whose role is {_listed(options.support_roles)}; the rest is other work.",
        "Belongs to nobody who is here": "No owner is named, the owner has left, or the list of "
        "people does not know him.",
    }
    if told.roles is not None:
        terms["New and existing customers"] = (
            "New is who had bought nothing before the day of an activity; of revenue, what came in "
            "the quarter of the customer's first invoice (of deals, the first one won)."
        )
        terms["Full-time month"] = "21 working days of one full-time person, absence taken off."
    if told.handover is not None:
        terms["Handover"] = (
            "From the win of a new customer's first deal to support's first contact after the last "
            "one of direct sales up to the day of the win; no wait where that was before the win. "
            "Who still waits counts for as long as he has waited so far."
        )
    if told.owners.basis in (LISTED, SOLD):
        terms["Passed to another"] = (
            "Another person sells from a day on and the former never again, or a deal goes to "
            "another person."
        )
    return terms


def _listed(names: tuple[str, ...]) -> str:
    return " or ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} or {names[-1]}"


def unknown(told: Told, options: RolesOptions) -> tuple[str, ...]:
    """Return what a leader would ask next and the data cannot answer."""
    texts = []
    if told.handover is not None and not told.is_logged(SUPPORT, options):
        texts.append(
            "How long new customers really wait for support: little of its work is logged."
        )
    if told.roles is not None and not _has_hours(told.roles):
        texts.append("How many hours each role works: no hours are recorded.")
    return tuple(texts)


def _has_hours(roles: pd.DataFrame) -> bool:
    return bool(roles["hours_share"].notna().any())
