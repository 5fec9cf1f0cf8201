"""How often unchanged customers flip, and how soon true movers are caught: the simulated company.

    python benchmarks/segment_moves.py [--customers 4000] [--seed 5]

Segments are fitted once and applied to 14 quarter ends, each quarter knowing where customers were a
quarter before. Unchanged are the customers whose every change of segment is an error
(`is_constant`); true movers are those who switch their archetype and whose mean behaviour before
and after the switch lies in different segments. Goals: flips of at most 2 % a quarter, 60 % of
movers caught within two quarters. Figures stand in docs/segments.md.
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.core.project import open_project
from analysis.core.scope import Scope
from analysis.customers.behaviour_features import behaviour_features
from analysis.customers.migration_tables import directions
from analysis.customers.segment_anchor import Anchor
from analysis.customers.segment_fit import fit_anchor
from analysis.customers.segment_memory import DeadBand, held_clusters
from analysis.customers.segment_options import SegmentationOptions
from analysis.features.engine import FeatureOptions, make_features, read_table
from analysis.sources.load import load
from analysis.sources.simulated import SimulationOptions, simulate, write_sample

LAST = "2026Q2"
BANDS = (0.0, 0.3, 0.6, 1.0, 1.5)


@dataclass(frozen=True)
class Worlds:
    """Features of clustered customers by quarter, oldest first, and what each customer is."""

    features: dict[str, pd.DataFrame]
    anchor: Anchor
    truth: pd.DataFrame


def main() -> None:
    """Print flips and catches by width of the dead-band."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--customers", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    worlds = make_worlds(arguments.customers, arguments.seed)
    movers = true_movers(worlds)
    unchanged = worlds.truth.index[worlds.truth["is_constant"]]
    print(f"{len(worlds.anchor.centres)} segments; {len(unchanged)} unchanged", end=" ")
    print(f"customers, {len(movers)} true movers")
    print("band  flips  caught in 2 quarters  in 4  quarters with a false direction")
    for band in BANDS:
        labels = walk(worlds, DeadBand(band))
        two, four = (caught(labels, movers, quarters) for quarters in (2, 4))
        false = false_directions(walk(worlds, DeadBand(0)), unchanged)
        print(f"{band:4.1f} {flips(labels, unchanged):6.3f} {two:21.2f} {four:5.2f} {false:8.2f}")


def make_worlds(customers: int, seed: int) -> Worlds:
    """Simulate 20 quarters without sales, and fit on the first of the last 14."""
    options = SimulationOptions(
        customers=customers, quarters=20, first_quarter="2021Q3", seed=seed, has_sales=False
    )
    simulation = simulate(options)
    with tempfile.TemporaryDirectory() as folder:
        write_sample(simulation, Path(folder))
        project = open_project(Path(folder))
        load(project)
        wanted = FeatureOptions(
            origin_count=13, month_end_customers=0, tables=("customer_features", "backtest_origins")
        )
        period = project.calendar.parse(LAST)
        made = make_features(project, project.current_snapshot(), period, wanted)
        origins = read_table(made, "backtest_origins")
        now = read_table(made, "customer_features")
    tables = {str(name): part for name, part in origins.groupby("origin", observed=True)}
    tables = dict(sorted(tables.items())) | {LAST: now}
    scopes = {name: Scope(project.calendar.parse(name), project.calendar) for name in tables}
    ready = {name: placed_customers(table, scopes[name]) for name, table in tables.items()}
    first = next(iter(ready))
    anchor = fit_anchor(
        ready[first], "first fit", scope=scopes[first], options=SegmentationOptions()
    )
    features = {name: clustered(table, anchor) for name, table in ready.items()}
    return Worlds(features, anchor, simulation.truth["customers"].set_index("customer_id"))


def placed_customers(table: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """Return customers by id with what decides who is clustered."""
    table = table.sort_values("customer_id", ignore_index=True)
    is_new = table["first_order_on"] >= pd.Timestamp(scope.period.starts_on)
    has_ordered = table["order_day_year_count"].fillna(0) > 0
    missing = pd.Series(np.nan, index=table.index)
    return table.assign(
        is_new=is_new, is_clustered=has_ordered & ~is_new, forecast_year_amount=missing
    )


def clustered(table: pd.DataFrame, anchor: Anchor) -> pd.DataFrame:
    """Return the features of clustered customers, by id."""
    mine = table["is_clustered"]
    features = behaviour_features(table, anchor.typical_gap)[mine]
    return features.set_axis(table.loc[mine, "customer_id"])


def walk(worlds: Worlds, band: DeadBand) -> pd.DataFrame:
    """Return the segment of each customer at each quarter end, as a position; missing outside."""
    ids = worlds.anchor.cluster_ids
    found: dict[str, pd.Series] = {}
    before = pd.Series(dtype="object")
    for name, features in worlds.features.items():
        own = features.index.to_series().map(before)
        places = held_clusters(features, worlds.anchor, own, band)
        found[name] = pd.Series(places, index=features.index)
        before = found[name].map(lambda place: ids[place])
    return pd.DataFrame(found)


def flips(labels: pd.DataFrame, unchanged: pd.Index) -> float:
    """Return the share of unchanged customers who change their segment from quarter to quarter."""
    values = labels.reindex(unchanged).to_numpy(dtype=float)
    both = ~np.isnan(values[:, 1:]) & ~np.isnan(values[:, :-1])
    return float(((values[:, 1:] != values[:, :-1]) & both).sum() / both.sum())


def true_movers(worlds: Worlds) -> dict[str, tuple[int, int]]:
    """Return customer -> (quarter of the switch, segment of the mean behaviour after it)."""
    names, points = list(worlds.features), {}
    for name, features in worlds.features.items():
        points[name] = pd.DataFrame(worlds.anchor.transform.apply(features), features.index)
    switched = worlds.truth["switched_on"].dropna().dt.to_period("Q").astype(str)
    found = {}
    for customer, quarter in switched.items():
        if quarter not in names[1:-1]:
            continue
        place = names.index(quarter)
        # A year's features are all of the new behaviour three quarter ends later.
        means = [
            _mean(points, names[:place], customer),
            _mean(points, names[place + 3 :], customer),
        ]
        if any(mean is None for mean in means):
            continue
        before, after = (
            int(np.linalg.norm(worlds.anchor.centres - mean, axis=1).argmin()) for mean in means
        )
        if before != after:
            found[customer] = (place, after)
    return found


def _mean(points: dict[str, pd.DataFrame], names: list[str], customer: str) -> np.ndarray | None:
    own = [points[name].loc[customer] for name in names if customer in points[name].index]
    return np.mean(own, axis=0) if len(own) > 1 else None


def caught(labels: pd.DataFrame, movers: dict[str, tuple[int, int]], quarters: int) -> float:
    """Return the share of movers who are in their new segment within so many quarter ends."""
    hits = [
        after in labels.loc[customer].to_numpy()[place : place + quarters]
        for customer, (place, after) in movers.items()
    ]
    return float(np.mean(hits)) if hits else float("nan")


def false_directions(labels: pd.DataFrame, unchanged: pd.Index) -> float:
    """Return the share of quarters in which a flow of unchanged customers is called real."""
    own = labels.reindex(unchanged).apply(lambda column: column.map("{:.0f}".format))
    places = tuple(sorted(set(own.to_numpy().ravel()) - {"nan"}))
    pairs = zip(own, list(own)[1:], strict=False)
    verdicts = [directions(own[one], own[other], places)["verdict"] for one, other in pairs]
    return float(np.mean([verdict.str.startswith("real").any() for verdict in verdicts]))


if __name__ == "__main__":
    main()
