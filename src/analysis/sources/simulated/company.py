"""The simulated company: every canonical table from one seed, and the truth behind it, apart.

`simulate(options)` gives both; `write_sample` writes the tables as a project's raw files and the
truth beside `data`, where no notebook looks. `SAMPLE` is the company that is committed under
data/raw/sample: `simulate(SAMPLE).truth` is what its numbers should tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.sources.simulated.buyers import customer_table
from analysis.sources.simulated.catalogue import catalogue, cross_sell_truth
from analysis.sources.simulated.customers import (
    adoption_truth,
    customer_ids,
    customer_truth,
    population,
)
from analysis.sources.simulated.deals import Deals
from analysis.sources.simulated.dirt import make_dirty
from analysis.sources.simulated.files import write_project
from analysis.sources.simulated.invoices import (
    control_totals,
    expected_cents,
    future_truth,
    invoice_frame,
    invoice_lines,
)
from analysis.sources.simulated.market import (
    attraction_truth,
    market,
    market_tables,
    market_truth,
)
from analysis.sources.simulated.options import Dirt, SimulationOptions
from analysis.sources.simulated.people import people_tables, staff, staff_truth
from analysis.sources.simulated.sales import sales_tables
from analysis.sources.simulated.strategy import improvement_truth, strategy_tables
from analysis.sources.simulated.world import World, pick

SAMPLE = SimulationOptions(
    customers=900,
    quarters=12,
    first_quarter="2023Q3",
    seed=2026,
    dirt=Dirt(
        missing_customer_share=0.04,
        duplicate_count=6,
        refund_count=5,
        late_count=3,
        merged_count=4,
        reopened_count=4,
        has_hostile_names=True,
    ),
)


@dataclass(frozen=True)
class Simulation:
    """Tables by name, each as declared, and truth by name, for tests only."""

    options: SimulationOptions
    tables: Mapping[str, pd.DataFrame]
    truth: Mapping[str, pd.DataFrame]


def simulate(options: SimulationOptions = SAMPLE) -> Simulation:
    """Return the simulated company; the same options give equal tables.

    Truth tables: customers, adoption, cross_sell, customer_quarters (expected sales, four quarters
    past the data included), future (what is really bought then), reps, time_shares, market,
    attraction, improvements, dirt; with sales also leads, channels, opportunities, stages,
    region_effects, rep_win_shares.
    """
    world = World(options)
    people = population(world)
    staff_ = staff(world, people)
    lines = invoice_lines(world, people)
    expected = expected_cents(world, people)
    year_cents = expected[:, max(options.quarters - 4, 0) : options.quarters].sum(axis=1)
    truth = {
        "customers": customer_truth(world, people, year_cents),
        "adoption": adoption_truth(world, people),
        "cross_sell": cross_sell_truth(world),
        "customer_quarters": _expected_truth(world, expected),
        "future": future_truth(world, lines),
        "improvements": improvement_truth(world, staff_),
        **staff_truth(world, staff_),
    }
    known = lines.rows(lines.day < world.end)
    tables = catalogue(world) | {"invoice_lines": invoice_frame(world, known, staff_)}
    drawn: Deals | None = None
    if options.has_sales:
        made, deal_truth, drawn = sales_tables(world, people, staff_, year_cents)
        tables |= made
        truth |= deal_truth
    market_ = market(world, people)
    tables |= people_tables(world, staff_) | market_tables(world, market_, people, year_cents)
    tables |= strategy_tables(world, people, staff_, known)
    tables["customers"] = customer_table(world, people, staff_, known, drawn)
    truth |= {"market": market_truth(market_), "attraction": attraction_truth(world)}
    tables, truth["dirt"] = make_dirty(world, tables)
    tables["control_totals"] = control_totals(world, tables["invoice_lines"])
    return Simulation(options, tables, truth)


def write_sample(simulation: Simulation, folder: Path) -> list[Path]:
    """Write a project: data/raw/sample/*.csv, truth/*.parquet, project.toml when there is none."""
    return write_project(simulation.tables, simulation.truth, folder)


def _expected_truth(world: World, expected: np.ndarray) -> pd.DataFrame:
    customer, quarter = (part.ravel() for part in np.indices(expected.shape))
    return pd.DataFrame(
        {
            "customer_id": customer_ids(customer),
            "period": pick([q.name for q in world.quarters], quarter),
            "expected_amount": expected.ravel() / 100,
        }
    )
