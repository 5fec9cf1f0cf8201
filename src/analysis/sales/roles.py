"""Who sells and who supports: what time and money go with each, and who is left between them?"""

import numpy as np
import pandas as pd

from analysis.core.result import Number, Result
from analysis.core.scope import Scope
from analysis.sales.roles_charts import share_chart, wait_chart
from analysis.sales.roles_findings import Told, decisions, findings
from analysis.sales.roles_handover import SINCE_WON, first_day, handover
from analysis.sales.roles_inputs import SALES, SUPPORT, Known, Sources, known_of
from analysis.sales.roles_money import role_table
from analysis.sales.roles_options import RolesOptions
from analysis.sales.roles_owners import owners
from analysis.sales.roles_time import by_activity, log_shares, recorded_days, time_use, work_types
from analysis.sales.roles_words import NO_ROLES, NO_WORK, caveats, definitions, unknown

__all__ = ["RolesOptions", "Sources", "roles"]

NAME = "roles"
TITLE = "Direct sales and support"


def roles(sources: Sources, *, scope: Scope, options: RolesOptions | None = None) -> Result:
    """Say what each role's time and money are, how customers pass between roles, who has nobody.

    Tables of the Result, each left out where its data are missing: `roles` (people, time and money
    by role; sums to the company's total), `time_use` (what recorded time goes to), `work_types`
    (logged hours and won value by role, activity and kind of customer; `activities` has the kinds
    of customer side by side), `handover` (how soon
    support speaks with new customers), `waiting` (who still waits, longest first), `won_customers`
    (each with its wait), `ownerless` (customers that belong to nobody who is here, most money
    first), `owner_changes` and `change_summary`.
    """
    options = options or RolesOptions()
    known = known_of(sources, scope, options)
    told = _told(known, sources, scope, options)
    if not told.owners.basis and not _has_work(told):
        sentence = NO_ROLES if told.roles is None else NO_WORK
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(told),
        findings=findings(told, options, scope),
        decisions=decisions(told, options, scope),
        tables=_tables(told, known, sources, options),
        charts=_charts(told, options, scope),
        caveats=caveats(told, sources, options, scope),
        definitions=definitions(told, options, scope),
        unknown=unknown(told, options),
    )


def _told(known: Known, sources: Sources, scope: Scope, options: RolesOptions) -> Told:
    has_roles = bool(known.people["side"].isin((SALES, SUPPORT)).any())
    days = recorded_days(sources.time_records, known)
    if not has_roles:
        nothing = dict.fromkeys(("roles", "sides", "side_time", "work", "handover"))
        return Told(known, owners(known, sources, options), **nothing, log_shares={})
    has_wins = bool((known.deals["outcome"] == "won").any())
    has_work = len(known.done) > 0
    followed = handover(known, sources, first_day(known, scope, options), options)
    return Told(
        known=known,
        owners=owners(known, sources, options),
        roles=role_table(known, days, options),
        sides=role_table(known, days, options, "side"),
        side_time=time_use(days, options, "side"),
        work=work_types(known, options) if has_work else None,
        handover=followed if has_wins and len(known.contacts) else None,
        log_shares=log_shares(days, known, options) if has_work else {},
    )


def _has_work(told: Told) -> bool:
    if told.roles is None:
        return False
    last = told.roles.iloc[-1]
    return told.work is not None or last["amount"] != 0 or last["recorded_days"] > 0


def _tables(
    told: Told, known: Known, sources: Sources, options: RolesOptions
) -> dict[str, pd.DataFrame]:
    tables = {"ownerless": told.owners.ownerless, "owner_changes": told.owners.changes}
    if len(told.owners.changes):
        tables["change_summary"] = told.owners.change_summary
    if told.roles is not None:
        days = recorded_days(sources.time_records, known)
        tables |= {"roles": told.roles, "time_use": time_use(days, options)}
    if told.work is not None:
        tables |= {"activities": by_activity(told.work), "work_types": told.work}
    if told.handover is not None:
        tables |= {
            "handover": told.handover.summary,
            "waiting": told.handover.waiting,
            "won_customers": told.handover.customers,
        }
    return {name: table for name, table in tables.items() if len(table)}


def _charts(told: Told, options: RolesOptions, scope: Scope) -> dict:
    charts = {}
    if told.roles is not None and told.roles["amount"].iloc[-1] > 0:
        charts["shares"] = share_chart(told.roles, told.known.measure, scope)
    if told.handover is not None and len(told.handover.curve):
        is_enough = told.handover.logged_share >= options.least_logged_share
        if is_enough and np.isfinite(told.handover.summary["within_share"].iloc[0]):
            charts["waiting"] = wait_chart(told.handover, options, scope)
    return charts


def _headline(told: Told) -> dict[str, Number]:
    numbers = {}
    if told.sides is not None:
        for name, side in (("sales_month", SALES), ("support_month", SUPPORT)):
            row = told.sides[told.sides["side"] == side]
            if len(row) and np.isfinite(row["month_amount"].iloc[0]):
                label = f"{told.known.measure.capitalize()} per full-time month, {side}"
                numbers[name] = Number(label, float(row["month_amount"].iloc[0]), "amount")
    if told.handover is not None:
        row = told.handover.summary.iloc[0]
        if np.isfinite(row["median_days"]):
            ends = (_end(row["median_low_days"]), _end(row["median_high_days"]))
            label = "Days until support has spoken with half of new customers"
            note = f"from {SINCE_WON}, as far as contacts are on record"
            if ends[1] is None and ends[0] is not None:
                note += f"; 80 % range from {ends[0]:.0f} to more than was seen"
            numbers["handover"] = Number(
                label, float(row["median_days"]), "count", *ends, note=note
            )
        numbers["waiting"] = Number(
            "New customers who wait for support", float(row["waiting_count"]), "count"
        )
    if told.owners.basis:
        count = float((~told.owners.ownerless["is_served"].astype(bool)).sum())
        label = "Customers with whom nobody who is here deals"
        numbers["ownerless"] = Number(label, count, "count")
    return numbers


def _end(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
