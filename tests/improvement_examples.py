"""Improvements of the simulated company: what is measured of them, and what they truly did."""

import numpy as np
import pandas as pd

from analysis.core.periods import FiscalCalendar
from analysis.core.scope import Scope
from analysis.sources.simulated import Simulation, SimulationOptions, simulate
from analysis.strategy.improvement_effects import effect_tables
from analysis.strategy.improvement_panels import Measured

CALENDAR = FiscalCalendar()


def measured_of(simulation: Simulation) -> Measured:
    """The tables that drivers are measured from; orders by customer and quarter from the lines."""
    tables = simulation.tables
    lines = tables["invoice_lines"].query("kind == 'sale'")
    quarter = lines["invoiced_on"].dt.to_period("Q").astype(str)
    grouped = lines.groupby(["customer_id", quarter.rename("period")])
    periods = grouped.agg(
        sale_amount=("revenue_amount", "sum"), order_count=("invoice_id", "nunique")
    ).reset_index()
    names = ("opportunities", "stage_events", "stages", "inbound_contacts", "time_records", "reps")
    return Measured(tables["customers"], periods, *(tables[name] for name in names))


def found_and_true(seed: int, customers: int, has_structure: bool = True) -> pd.DataFrame:
    """One row per improvement: what the chapter says, and truth_share, what it truly did."""
    company = simulate(
        SimulationOptions(customers=customers, quarters=12, seed=seed, has_structure=has_structure)
    )
    measured = measured_of(company)
    last = company.tables["control_totals"]["period"].iloc[-1]
    scope = Scope(CALENDAR.parse(last), CALENDAR)
    plans, given = (company.tables[name] for name in ("improvements", "improvement_assignments"))
    after, _ = effect_tables(plans, given, measured, scope, 0)
    return after.assign(truth_share=_truth(company, measured, after), seed=seed)


def _truth(company: Simulation, measured: Measured, after: pd.DataFrame) -> list[float]:
    """True effects as relative changes of the driver."""
    truth = company.truth["improvements"].set_index("improvement_id")["effect"]
    day = company.truth["improvements"].set_index("improvement_id")["effective_on"]
    admin = _admin_share(measured, day["M3"])
    passed = _pass_share(measured, day["M1"])
    lifted = 1 / (1 + np.exp(-np.log(passed / (1 - passed)) - truth["M1"]))
    true = truth.to_dict() | {"M1": lifted / passed - 1, "M3": truth["M3"] / admin}
    return [float(true[one]) for one in after["improvement_id"]]


def _admin_share(measured: Measured, day: pd.Timestamp) -> float:
    teams = measured.reps.set_index("rep_id")["team_id"]
    records = measured.time_records
    mine = records[(records["rep_id"].map(teams) == "T2") & (records["worked_on"] < day)]
    hours = mine["worked_hours"].astype(float)
    return float(hours[mine["category"] == "admin"].sum() / hours.sum())


def _pass_share(measured: Measured, day: pd.Timestamp) -> float:
    events = measured.stage_events.sort_values(["opportunity_id", "event_no"])
    after = events.groupby("opportunity_id")["stage_id"].shift(-1)
    ended = (events["stage_id"] == "S3") & after.notna() & (events["exited_at"] < day)
    return float(after[ended].isin(["S4", "S5", "WON"]).mean())
