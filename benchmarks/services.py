"""Potential and next services: Online Retail II and a simulated company whose wallet is known.

    python benchmarks/services.py [--data FOLDER] [--customers 4000]

FOLDER holds online_retail_ii. The settings of EASE were chosen on the quarters after 2010-12-31 and
2011-03-31; the graded quarter is the one after 2011-06-30. Figures stand in docs/potential.md.
"""

import argparse
import os
import shutil
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import spearmanr

from analysis.core.project import Project, open_project
from analysis.customers.btyd import fit_bg_nbd
from analysis.customers.cross_sell import cross_sell_lifts
from analysis.customers.eligibility import barred_categories
from analysis.customers.growth_potential import peer_sales
from analysis.customers.product_categories import product_catalogue
from analysis.customers.services import ServiceOptions, ease, next_services, recency_weights
from analysis.features.engine import make_features, read_table
from analysis.run.new_project import new_project, new_sample
from analysis.sources.load import load

REPOSITORY = Path(__file__).resolve().parents[1]
CUT, CUT_QUARTER, NEXT_QUARTER = date(2011, 6, 30), "2011Q2", "2011Q3"
SHARE = 0.8
OPTIONS = ServiceOptions()


def main() -> None:
    """Print every figure of docs/potential.md."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    default = os.environ.get("ANALYSIS_PUBLIC_DATA", REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default), help="public data sets")
    parser.add_argument("--customers", type=int, default=4000, help="of the simulated company")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        retail = retail_project(Path(folder) / "retail", arguments.data / "online_retail_ii")
        grade_services(retail)
        grade_potential(retail)
        sample = Path(folder) / "sample"
        new_sample(sample, arguments.customers, 12, 1, 0.3)
        load(open_project(sample))
        grade_simulated(open_project(sample))


def retail_project(folder: Path, source: Path) -> Project:
    """Load the public data set as a project."""
    new_project(folder, "online_retail_ii")
    for file in source.iterdir():
        shutil.copy(file, folder / "data/raw")
    project = open_project(folder)
    load(project)
    return project


def tables(project: Project, period: str, *names: str) -> list[pd.DataFrame]:
    """Make and read derived tables as of a quarter's end."""
    folder = make_features(project, project.current_snapshot(), project.calendar.parse(period))
    return [read_table(folder, name) for name in names]


def grade_services(project: Project) -> None:
    """Print hit@10 of new products in the quarter after the cut, and how good the chances are."""
    features, past = tables(project, CUT_QUARTER, "customer_features", "customer_products")
    (after,) = tables(project, NEXT_QUARTER, "customer_products")
    new = after[(after["first_sold_on"].dt.date > CUT)]
    new = new[new["customer_id"].isin(past["customer_id"])]
    came = new.groupby("customer_id")["product_id"].agg(set)
    print(f"\nOnline Retail II, {len(came):,} customers who bought something new after {CUT}")
    for name, score in _scores(past, came.index).items():
        print(f"hit@10 {name:<28}{_hits(score, came):.3f}")
    products = pd.read_parquet(project.current_snapshot() / "products.parquet")
    catalogue = product_catalogue(past, products)
    offers = next_services(past, features, catalogue, as_of=CUT)
    hit = [product in came.get(who, ()) for who, product in offers[_PAIR].itertuples(index=False)]
    print(f"offers (five, one for each category): {len(offers):,}")
    first = pd.Series(hit).groupby(offers["customer_id"]).max().reindex(came.index)
    print(f"hit@5 of the offers          {first.fillna(False).astype(float).mean():.3f}")
    print(f"chance stated and come true  {offers['chance_share'].mean():.3f}, {np.mean(hit):.3f}")
    print(offers.assign(hit=hit).groupby("rank")[["chance_share", "hit"]].mean().round(3))


_PAIR = ["customer_id", "product_id"]


def _scores(past: pd.DataFrame, graded: pd.Index) -> dict[str, pd.DataFrame]:
    """Return the score of each product for each graded customer, -inf where he owns it."""
    cut = pd.Timestamp(CUT)
    ids, products = (pd.Index(sorted(past[name].unique())) for name in _PAIR)
    rows, columns = ids.get_indexer(past["customer_id"]), products.get_indexer(past["product_id"])
    shape = (len(ids), len(products))
    place = ids.get_indexer(graded)
    owned = sparse.csr_array((np.ones(len(past)), (rows, columns)), shape=shape)
    recent = (past["last_sold_on"] > cut - pd.Timedelta(days=90)).to_numpy()
    popular = {
        "popularity": np.bincount(columns, minlength=len(products)).astype(float),
        "popularity of 90 days": np.bincount(columns[recent], minlength=len(products)) * 1.0,
    }
    found = {name: np.tile(counts, (len(graded), 1)) for name, counts in popular.items()}
    top = np.sort(np.argsort(-popular["popularity of 90 days"], kind="stable")[:2000])
    ages = recency_weights(past["last_sold_on"], cut, OPTIONS.half_life_days)
    for name, values in (("EASE", np.ones(len(past))), ("EASE, recent counts more", ages)):
        weights = sparse.csr_array((values, (rows, columns)), shape=shape)[:, top]
        score = np.full((len(graded), len(products)), -np.inf)
        score[:, top] = weights[place] @ ease(weights, OPTIONS.ridge)
        found[name] = score
    is_own = owned[place].toarray() > 0
    return {
        name: pd.DataFrame(np.where(is_own, -np.inf, score), graded, products)
        for name, score in found.items()
    }


def _hits(score: pd.DataFrame, came: pd.Series) -> float:
    top = np.argpartition(-score.to_numpy(), 10, axis=1)[:, :10]
    names = score.columns.to_numpy()[top]
    return float(
        np.mean([bool(bought & set(row)) for bought, row in zip(came, names, strict=True)])
    )


def grade_potential(project: Project) -> None:
    """Print pinball loss and exceedance of the potential, beside the customer's own quantile."""
    names = ("customer_features", "customer_periods")
    features, periods = tables(project, "2010Q3", *names)
    (later,) = tables(project, "2011Q3", "customer_periods")
    table = features.sort_values("customer_id", ignore_index=True)
    reached = peer_sales(table, _rate(table), SHARE)
    quarters = _by_quarter(periods, table["customer_id"])
    own = 4 * np.quantile(quarters.iloc[:, -4:], SHARE, axis=1)
    year = table["sale_year_amount"].to_numpy(float)
    following = _by_quarter(later, table["customer_id"]).iloc[:, -4:].sum(axis=1).to_numpy()
    print(f"\nOnline Retail II at 2010Q3, {len(table):,} customers: pinball loss, exceedance")
    for name, actual in (("same year", year), ("following year", following)):
        for model, forecast in (("peers", reached), ("own 4 quarters", own)):
            above = (actual > forecast + 1e-9).mean()
            print(f"{name:<16}{model:<16}{_pinball(actual, forecast):>8.1f}{above:>8.3f}")


def _rate(table: pd.DataFrame) -> np.ndarray:
    history = [table[c] for c in ("repeat_count", "repeat_span_days", "tenure_days")]
    model = fit_bg_nbd(*history)
    return ((model.r + history[0]) / (model.alpha + history[2])).to_numpy(float)


def _by_quarter(periods: pd.DataFrame, customer_ids: pd.Series) -> pd.DataFrame:
    wide = periods.pivot_table(
        index="customer_id", columns="period", values="sale_amount", aggfunc="sum"
    )
    return wide.reindex(customer_ids).fillna(0.0).astype(float)


def _pinball(actual: np.ndarray, forecast: np.ndarray) -> float:
    error = actual - forecast
    return float(np.mean(np.maximum(SHARE * error, (SHARE - 1) * error)))


def grade_simulated(project: Project) -> None:
    """Print how much of the wallet and of the cross-sell lift is found, beside what could be."""
    snapshot, truth = project.current_snapshot(), project.root / "truth"
    names = ("customer_features", "customer_categories")
    features, bought = tables(project, "2026Q2", *names)
    table = features.sort_values("customer_id", ignore_index=True)
    sales = table["sale_year_amount"].to_numpy(float)
    reached = peer_sales(table, _rate(table), SHARE)
    people = pd.read_parquet(truth / "customers.parquet").set_index("customer_id")
    people = people.reindex(table["customer_id"])
    wallet = people["wallet_year_amount"].to_numpy(float)
    by_kind = people.groupby("archetype")["share_of_wallet"].mean()
    ceiling = sales / people["archetype"].map(by_kind).to_numpy(float)
    active = (people["churned_on"].isna() & (sales > 0)).to_numpy()
    print(f"\nSimulated, {len(table):,} customers; exceedance {(sales > reached).mean():.3f}")
    print("rank correlation, active customers        wallet   gap")
    models = {"potential": np.maximum(reached, sales), "who knows the archetype": ceiling}
    print(f"{'sales of the year':<42}{spearmanr(sales[active], wallet[active])[0]:.3f}")
    for name, guess in models.items():
        gap = spearmanr((guess - sales)[active], (wallet - sales)[active])[0]
        print(f"{name:<42}{spearmanr(guess[active], wallet[active])[0]:.3f}   {gap:.3f}")
    _print_lifts(snapshot, truth, table, bought)


def _print_lifts(snapshot: Path, truth: Path, table: pd.DataFrame, bought: pd.DataFrame) -> None:
    eligibility = pd.read_parquet(snapshot / "product_eligibility.parquet")
    products = pd.read_parquet(snapshot / "products.parquet")
    barred = barred_categories(table, eligibility, products[["product_id", "product_category"]])
    adopted = pd.read_parquet(truth / "adoption.parquet")
    adopted = adopted[adopted["customer_id"].isin(table["customer_id"])]
    alike = table.assign(tenure_days=1, order_day_count=1)
    keys = ["from_category", "to_category"]
    shown = pd.read_parquet(truth / "cross_sell.parquet")[[*keys, "lift"]]
    shown = shown.rename(columns={"lift": "planted"})
    found = cross_sell_lifts(bought, table, barred)[[*keys, "lift", "lift_low", "lift_high"]]
    known = cross_sell_lifts(adopted, alike, barred)[[*keys, "lift"]]
    known = known.rename(columns={"lift": "with_all_adoption_known"})
    print(shown.merge(found, on=keys).merge(known, on=keys).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
