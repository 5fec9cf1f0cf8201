"""Simulated companies that tests share, and naive methods to look for their truth."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from analysis.sources.simulated import SAMPLE, Dirt, Simulation, SimulationOptions, simulate

SMALL = SimulationOptions(customers=150, quarters=6, first_quarter="2024Q3", seed=3)


@cache
def world(**changes: object) -> Simulation:
    """A company large enough for planted truth to show; simulated once per set of changes."""
    return simulate(SimulationOptions(customers=5000, quarters=12, seed=11, **changes))


@cache
def small() -> Simulation:
    return simulate(SMALL)


@cache
def sample() -> Simulation:
    return simulate(SAMPLE)


def with_dirt(**changes: object) -> Simulation:
    return simulate(replace(SMALL, dirt=Dirt(**changes)))


def log_odds(share: float) -> float:
    return float(np.log(share / (1 - share)))


def end_of(simulation: Simulation) -> pd.Timestamp:
    """The first moment after the data."""
    last = simulation.tables["control_totals"]["period"].iloc[-1]
    return pd.Period(last, freq="Q").end_time.ceil("D")


def quarterly_sales(simulation: Simulation) -> pd.DataFrame:
    lines = simulation.tables["invoice_lines"].query("kind == 'sale'")
    lines = lines.assign(period=lines["invoiced_on"].dt.to_period("Q").astype(str))
    return lines.pivot_table(
        index="customer_id", columns="period", values="revenue_amount", aggfunc="sum", fill_value=0
    )


def naive_lift(simulation: Simulation, base: str, lifted: str) -> float:
    """Share of buyers of `lifted` among buyers of `base`, over that among the others."""
    tables = simulation.tables
    lines = (
        tables["invoice_lines"].query("kind == 'sale'").merge(tables["products"], on="product_id")
    )
    counts = lines.groupby("customer_id")["invoice_id"].nunique()
    companies = tables["customers"].query("business_model == 'b2b'")["customer_id"]
    often = lines[lines["customer_id"].isin(counts.index[counts >= 20].intersection(companies))]
    buys = pd.crosstab(often["customer_id"], often["product_category"]) > 0
    return buys.loc[buys[base], lifted].mean() / buys.loc[~buys[base], lifted].mean()


def won_by_true_end(simulation: Simulation) -> pd.DataFrame:
    """Deals from leads with their lead's channel, the truth, and the outcome in the end."""
    deals = simulation.tables["opportunities"].query("channel != 'account'")
    truth = simulation.truth["opportunities"].drop(columns=["customer_id", "is_won"])
    deals = deals.drop(columns="win_share").merge(truth, on="opportunity_id")
    return deals[deals["closes_at"] < end_of(simulation)]
