"""The numbers that an improvement was to move, per unit and quarter, from the raw tables."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.scope import Scope


@dataclass(frozen=True)
class Measured:
    """The tables that drivers are measured from; None where the project has none."""

    customers: pd.DataFrame | None = None
    customer_periods: pd.DataFrame | None = None
    opportunities: pd.DataFrame | None = None
    stage_events: pd.DataFrame | None = None
    stages: pd.DataFrame | None = None
    inbound_contacts: pd.DataFrame | None = None
    time_records: pd.DataFrame | None = None
    reps: pd.DataFrame | None = None


COMPANY = "company"
# Measured as logs.
RELATIVE = ("order_amount", "orders_per_customer", "response_hours")
# Fewer cases (orders, deals, answers, ...) in a unit and quarter are no measurement; a customer is
# its own case and is taken with one.
_LEAST_CASES = 3
# An answer is waited for so long, in every quarter; one that comes later counts in none.
_ANSWER_DAYS = 90


def driver_panel(
    driver: str, unit_type: str, measured: Measured, scope: Scope
) -> pd.DataFrame | None:
    """Return the driver by unit (rows) and quarter (columns, names ascending); None without data.

    order_amount and orders_per_customer by region or customer, win_share and `<stage>_pass_share`
    by rep, response_hours by channel, `<category>_time_share` by rep or team; all also by company,
    which is one unit. Amounts and hours are logs, so that an effect is relative; shares are shares.
    The scope is of a quarter; only whole quarters to it.
    """
    whole = unit_type == COMPANY
    cases = _cases(driver, _finest(driver) if whole else unit_type, measured, scope)
    if cases is None or cases.empty:
        return None
    if whole:
        cases = cases.assign(unit=COMPANY)
    sums = cases.groupby(["unit", "period"])[["value", "weight", "cases"]].sum()
    least = 1 if unit_type == "customer" else _LEAST_CASES
    level = (sums["value"] / sums["weight"]).where(sums["cases"] >= least)
    if driver in RELATIVE:
        level = np.log(level.where(level > 0))
    table = level.unstack("period")
    known = [name for name in sorted(table.columns) if name <= scope.period.name]
    return table[known].dropna(how="all")


def _finest(driver: str) -> str:
    """The units of which the driver's cases always have one."""
    if driver == "response_hours":
        return "channel"
    return "customer" if driver in ("order_amount", "orders_per_customer") else "rep"


def _cases(driver: str, unit_type: str, measured: Measured, scope: Scope) -> pd.DataFrame | None:
    """Unit, period, value, weight and number of cases; the driver is value over weight."""
    if driver in ("order_amount", "orders_per_customer"):
        return _orders(driver, unit_type, measured)
    found = _single_cases(driver, unit_type, measured, scope)
    return None if found is None else found.assign(cases=1)


def _single_cases(
    driver: str, unit_type: str, measured: Measured, scope: Scope
) -> pd.DataFrame | None:
    """The cases of the other drivers, a row each."""
    if driver == "win_share":
        return _wins(unit_type, measured, scope)
    if driver.endswith("_pass_share"):
        return _passes(driver.removesuffix("_pass_share"), unit_type, measured, scope)
    if driver == "response_hours":
        return _responses(unit_type, measured, scope)
    if driver.endswith("_time_share"):
        return _times(driver.removesuffix("_time_share"), unit_type, measured, scope)
    return None


def _orders(driver: str, unit_type: str, measured: Measured) -> pd.DataFrame | None:
    if measured.customer_periods is None or unit_type not in ("region", "customer"):
        return None
    table = measured.customer_periods[measured.customer_periods["order_count"] > 0]
    unit = table["customer_id"]
    if unit_type == "region":
        if measured.customers is None:
            return None
        regions = measured.customers.drop_duplicates("customer_id").set_index("customer_id")
        unit = unit.map(regions["region_id"])
    orders = table["order_count"].astype(float)
    is_amount = driver == "order_amount"
    return pd.DataFrame(
        {
            "unit": unit,
            "period": table["period"],
            "value": table["sale_amount"].astype(float) if is_amount else orders,
            "weight": orders if is_amount else 1.0,
            "cases": orders,
        }
    ).dropna(subset=["unit"])


def _wins(unit_type: str, measured: Measured, scope: Scope) -> pd.DataFrame | None:
    deals = measured.opportunities
    if deals is None or unit_type != "rep":
        return None
    closed = deals[deals["is_closed"].astype(bool) & _is_known(deals["closed_at"], scope)]
    return pd.DataFrame(
        {
            "unit": closed["rep_id"],
            "period": _quarters(closed["closed_at"], scope),
            "value": closed["is_won"].astype(float),
            "weight": 1.0,
        }
    ).dropna(subset=["unit"])


def _passes(stage: str, unit_type: str, measured: Measured, scope: Scope) -> pd.DataFrame | None:
    """Ended stays in the stage of that name: passed when a later stage or a win follows."""
    if unit_type != "rep" or measured.stage_events is None or measured.stages is None:
        return None
    stages = measured.stages.drop_duplicates("stage_id", keep="last").set_index("stage_id")
    mine = stages.index[stages["stage_name"].str.lower() == stage.replace("_", " ")]
    events = measured.stage_events.sort_values(["opportunity_id", "event_no"])
    order = events["stage_id"].map(stages["stage_order"])
    lost = events["stage_id"].map(stages["stage_category"]) == "lost"
    deal = events["opportunity_id"]
    is_pass = (order.groupby(deal).shift(-1) > order) & ~lost.groupby(deal).shift(
        -1, fill_value=False
    )
    is_mine = events["stage_id"].isin(mine) & _is_known(events["exited_at"], scope)
    return pd.DataFrame(
        {
            "unit": events["rep_id"],
            "period": _quarters(events["exited_at"].where(is_mine), scope),
            "value": is_pass.astype(float),
            "weight": 1.0,
        }
    )[is_mine].dropna(subset=["unit"])


def _responses(unit_type: str, measured: Measured, scope: Scope) -> pd.DataFrame | None:
    """Answers within 90 days, by the quarter asked in; quarters still waiting are left out."""
    contacts = measured.inbound_contacts
    if contacts is None or unit_type != "channel":
        return None
    waited = contacts["first_response_at"] - contacts["received_at"]
    is_open = ~_is_known(contacts["received_at"] + pd.Timedelta(days=_ANSWER_DAYS), scope)
    answered = contacts[(waited <= pd.Timedelta(days=_ANSWER_DAYS)) & ~is_open]
    period = _quarters(answered["received_at"], scope)
    first_open = pd.Timestamp(scope.as_of) - pd.Timedelta(days=_ANSWER_DAYS - 1)
    is_whole = period < scope.calendar.containing(first_open.date(), "quarterly").name
    hours = waited[answered.index] / pd.Timedelta(hours=1)
    return pd.DataFrame(
        {"unit": answered["channel"], "period": period, "value": hours, "weight": 1.0}
    )[is_whole].dropna(subset=["unit"])


def _times(category: str, unit_type: str, measured: Measured, scope: Scope) -> pd.DataFrame | None:
    records = measured.time_records
    if records is None or unit_type not in ("rep", "team"):
        return None
    known = records[_is_known(records["worked_on"], scope)]
    unit = known["rep_id"]
    if unit_type == "team":
        if measured.reps is None:
            return None
        teams = measured.reps.drop_duplicates("rep_id").set_index("rep_id")["team_id"]
        unit = unit.map(teams)
    hours = known["worked_hours"].astype(float)
    return pd.DataFrame(
        {
            "unit": unit,
            "period": _quarters(known["worked_on"], scope),
            "value": hours.where(known["category"] == category, 0.0),
            "weight": hours,
        }
    ).dropna(subset=["unit"])


def _is_known(moments: pd.Series, scope: Scope) -> pd.Series:
    return moments < pd.Timestamp(scope.as_of) + pd.Timedelta(days=1)


def _quarters(moments: pd.Series, scope: Scope) -> pd.Series:
    days = moments.dt.normalize()
    names = {
        day: scope.calendar.containing(day.date(), "quarterly").name
        for day in days.dropna().unique()
    }
    return days.map(names)
