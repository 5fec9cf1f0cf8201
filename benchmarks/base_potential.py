"""Potential of the base on simulated companies: do ranges of sums hold the year that comes?

    python benchmarks/base_potential.py [--companies 24] [--customers 800]

Also: how much of what customers spend elsewhere do peers show, and does the range of the wallet,
from those who were asked, hold the true sum? Figures stand in docs/potential.md.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.core.project import open_project
from analysis.core.scope import Scope
from analysis.customers.growth import growth
from analysis.customers.growth_known import Beside
from analysis.features.engine import make_features, read_table
from analysis.sources.load import load
from analysis.sources.simulated import Simulation, SimulationOptions, simulate, write_sample
from analysis.strategy.base_potential import Base, BasePotentialOptions, Known
from analysis.strategy.base_potential_rows import customer_rows
from analysis.strategy.base_potential_sums import group_tables, shared_errors
from analysis.strategy.base_potential_wallet import known_wallets, regular, wallet_of_all

PERIOD = "2026Q2"
OPTIONS = BasePotentialOptions(fewest_customers=5)


def main() -> None:
    """Print every figure of the section on the base."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--companies", type=int, default=24)
    parser.add_argument("--customers", type=int, default=800)
    arguments = parser.parse_args()
    found = [grade(1000 + number, arguments.customers) for number in range(arguments.companies)]
    table = pd.DataFrame(found)
    print(table.mean().round(3).to_string())


def grade(seed: int, customers: int) -> dict[str, float]:
    """Return what held of one company."""
    made = simulate(SimulationOptions(customers=customers, seed=seed, has_sales=False))
    base, known, as_of = _tables(made)
    rows = customer_rows(base, known)
    shared = shared_errors(rows, base, known, OPTIONS)
    tables = group_tables(rows, known, shared, OPTIONS)
    came = made.truth["future"].groupby("customer_id")["revenue_amount"].sum()
    bought = rows["customer_id"].map(came).fillna(0.0)
    real = rows.assign(real=rows["potential_year_amount"] - bought)[rows["gap_cents"] > 0]
    by_region = real.groupby("region_name")
    regions = tables["regions"].set_index("region_name")
    sums = by_region["real"].sum().reindex(regions.index)
    own = 1.2816 * np.sqrt((real["own_amount"] ** 2).groupby(real["region_name"]).sum())
    miss = (sums - regions["gap_year_amount"]).abs()
    total = tables["total"].iloc[0]
    return {
        "total_held": _within(real["real"].sum(), total),
        "regions_held": np.mean([_within(sums[name], row) for name, row in regions.iterrows()]),
        "regions_held_if_independent": (miss <= own.reindex(regions.index)).mean(),
    } | _wallets(made, rows, float(total["gap_year_amount"]), as_of)


def _within(value: float, row: pd.Series) -> bool:
    return row["gap_year_low_amount"] <= value <= row["gap_year_high_amount"]


def _wallets(made: Simulation, rows: pd.DataFrame, gap: float, as_of: pd.Timestamp) -> dict:
    truth = made.truth["customers"].set_index("customer_id")["wallet_year_amount"].astype(float)
    base = regular(rows)
    whole = truth.reindex(base["customer_id"]).sum()
    said = known_wallets(made.tables["customer_wallets"], rows, as_of)
    found = wallet_of_all(said, rows, OPTIONS.fewest_wallets)
    elsewhere = whole - base["revenue_year_amount"].sum()
    if found is None:  # too many answers below our own revenue: withheld
        return {"gap_over_elsewhere": gap / elsewhere}
    return {
        "gap_over_elsewhere": gap / elsewhere,
        "wallet_held": found.low <= whole <= found.high,
        "wallet_ratio": found.mid / whole,
    }


def _tables(made: Simulation) -> tuple[Base, Known, pd.Timestamp]:
    """Load one company and forecast its customers."""
    with tempfile.TemporaryDirectory() as folder:
        write_sample(made, Path(folder))
        project = open_project(Path(folder))
        load(project)
        period = project.calendar.parse(PERIOD)
        features = make_features(project, project.current_snapshot(), period)
        names = ("customer_features", "backtest_origins", "company_days", "customer_periods")
        customers, origins, days, periods = (read_table(features, name) for name in names)
    scope = Scope(period, project.calendar)
    result = growth(customers, origins, days, None, None, Beside(periods), scope=scope)
    base = Base(customers[["customer_id", "region_id"]], customers, periods, origins)
    return base, Known.of(dict(result.tables), None), pd.Timestamp(scope.as_of)


if __name__ == "__main__":
    main()
