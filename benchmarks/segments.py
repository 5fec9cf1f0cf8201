"""How good are both segmentations? The marks of methods.md 2 beside ours, on three companies.

    python benchmarks/segments.py [--data FOLDER] [--customers 2000] [--only retail]

FOLDER holds online_retail_ii and wholesale_customers. Cut points of prospect classes were chosen on
the quarter ends 2010Q3 and 2010Q4; the graded one is 2011Q1, with revenue of 2011Q2 and 2011Q3.
Figures stand in docs/segments.md.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import cross_val_predict

from analysis.core.periods import FiscalCalendar
from analysis.core.project import Project, open_project
from analysis.core.scope import Scope
from analysis.customers.behaviour_features import behaviour_features
from analysis.customers.growth import growth
from analysis.customers.product_categories import category_sales, learn_categories
from analysis.customers.prospects import fit_cuts, prospect_class
from analysis.customers.segment_evidence import Evidence
from analysis.customers.segment_fit import fit_anchor
from analysis.customers.segment_options import SegmentationOptions
from analysis.customers.segment_stability import find_centres, scan_clusters
from analysis.customers.segment_transform import fit_transform
from analysis.customers.segment_usefulness import PastYear, usefulness_table
from analysis.features.engine import make_features, read_table
from analysis.run.new_project import new_project, new_sample
from analysis.sources.load import load
from analysis.sources.simulated import SimulationOptions, simulate, write_sample

REPOSITORY = Path(__file__).resolve().parents[1]
OPTIONS = SegmentationOptions()
GRADED, BEFORE = "2011Q1", "2010Q4"
DRAWS, FOLDS, REPEATS = 20, 5, 3
STRUCTURELESS = tuple(range(11, 19))  # seeds of companies without structure
# An unchanged customer: as many order days, and revenue of the year within so much.
SAME = 0.1
# From customers to their segments, as fitted on others.
Labels = Callable[[pd.DataFrame], np.ndarray]


@dataclass
class Company:
    """Customers of one quarter end, sorted by id, and what they bought by quarter."""

    customers: pd.DataFrame
    quarters: pd.DataFrame
    period: str

    @property
    def clustered(self) -> pd.DataFrame:
        return self.customers[self.customers["is_clustered"]].reset_index(drop=True)

    def following(self, ids: pd.Series, ahead: tuple[int, ...]) -> np.ndarray:
        """Return revenue of the quarters so many after the period, 0 without any."""
        place = list(self.quarters.columns).index(self.period)
        wanted = self.quarters.iloc[:, [place + step for step in ahead]].sum(axis=1)
        return ids.map(wanted).fillna(0.0).to_numpy(float)


def main() -> None:
    """Print every table of docs/segments.md, section Marks."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    default = os.environ.get("ANALYSIS_PUBLIC_DATA", REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default), help="public data sets")
    parser.add_argument("--customers", type=int, default=2000, help="of the simulated company")
    parser.add_argument("--only", choices=("retail", "wholesale", "simulated"))
    chosen = parser.parse_args()
    if chosen.only in (None, "wholesale"):
        grade_wholesale(chosen.data / "wholesale_customers" / "wholesale_customers.csv")
    with tempfile.TemporaryDirectory() as folder:
        if chosen.only in (None, "retail"):
            grade_retail(Path(folder) / "retail", chosen.data / "online_retail_ii")
        if chosen.only in (None, "simulated"):
            grade_simulated(Path(folder), chosen.customers)


def grade_retail(folder: Path, source: Path) -> None:
    """Print stability, what segments say of money to come, and whether they beat bins."""
    new_project(folder, "online_retail_ii")
    for file in source.iterdir():
        shutil.copy(file, folder / "data/raw")
    project = open_project(folder)
    load(project)
    last = quarters_of(project, "2011Q3")
    now, before = (company(project, period, last) for period in (GRADED, BEFORE))
    print(f"\nOnline Retail II at {GRADED}: {len(now.customers):,} customers known")
    print_marks(now, before)
    print("\nProspect classes at every quarter end (cut points fitted there; * graded)")
    for period in ("2010Q3", BEFORE, GRADED):
        print_classes(company(project, period, last))
    print("\nWhat segments of 2010Q3 say of the year to 2011Q3, out of sample")
    then, later = (company(project, period, last) for period in ("2010Q3", "2011Q3"))
    print_usefulness(project, then, later)


def quarters_of(project: Project, period: str) -> pd.DataFrame:
    """Return revenue, customers x quarters, as known at the end of `period`."""
    folder = make_features(project, project.current_snapshot(), project.calendar.parse(period))
    table = read_table(folder, "customer_periods")
    wide = table.pivot_table(
        index="customer_id", columns="period", values="revenue_amount", aggfunc="sum"
    )
    return wide.fillna(0.0).sort_index(axis=1)


def company(
    project: Project, name: str, quarters: pd.DataFrame, *, has_forecasts: bool = True
) -> Company:
    """Return the customers at a quarter's end as the product sees them, with their forecasts."""
    period = project.calendar.parse(name)
    folder = make_features(project, project.current_snapshot(), period)
    table, *others = (
        read_table(folder, table)
        for table in ("customer_features", "backtest_origins", "company_days")
    )
    columns = ["forecast_quarter_amount", "forecast_year_amount", "gap_year_amount"]
    merged = table.assign(**dict.fromkeys(columns, np.nan))
    if has_forecasts:
        ahead = growth(table, *others, scope=Scope(period)).tables["customer_growth"]
        merged = table.merge(ahead[["customer_id", *columns]], on="customer_id", how="left")
    merged = merged.sort_values("customer_id", ignore_index=True)
    is_new = merged["first_order_on"] >= pd.Timestamp(period.starts_on)
    is_clustered = (merged["order_day_year_count"] > 0) & ~is_new
    merged = merged.assign(is_new=is_new, is_clustered=is_clustered)
    return Company(merged, quarters, name)


class Pipeline:
    """One way to segment: fitted on customers, then applied to any."""

    def __init__(self, name: str, fit: Callable[[pd.DataFrame], Labels]) -> None:
        self.name, self.fit = name, fit


def pipelines() -> list[Pipeline]:
    """Return ours and the baselines; `fit` gives a function from customers to labels."""
    return [
        Pipeline("behaviour segments", fit_behaviour),
        Pipeline("prospect classes", fit_prospects),
        Pipeline("RFM rules", fit_rfm_rules),
        Pipeline("raw RFM k-means, 4", lambda table: fit_kmeans(table, 4, is_log=False)),
        Pipeline("log RFM k-means, 6", lambda table: fit_kmeans(table, 6, is_log=True)),
        Pipeline("7 equal-count revenue bins", lambda table: fit_bins(table, 7)),
        Pipeline("9 equal-count revenue bins", lambda table: fit_bins(table, 9)),
    ]


def fit_behaviour(table: pd.DataFrame) -> Labels:
    """Fit our transform and as many centres as the gate chose on all customers of the quarter."""
    features = behaviour_features(table)
    transform = fit_transform(features, OPTIONS.feature_names)
    count = fit_behaviour.count
    centres = find_centres(transform.apply(features), count, 0)

    def label(customers: pd.DataFrame) -> np.ndarray:
        points = transform.apply(behaviour_features(customers))
        return np.linalg.norm(points[:, None] - centres, axis=2).argmin(axis=1)

    return label


fit_behaviour.count = 2


def fit_prospects(table: pd.DataFrame) -> Labels:
    """Fit the cut points of prospect classes."""
    cuts = fit_cuts(table, OPTIONS.prospect_rule)
    return lambda customers: prospect_class(customers, cuts).to_numpy(str)


def fit_rfm_rules(table: pd.DataFrame) -> Labels:
    """Fit the usual notebook: fifths of recency, frequency and money, ten segments by rule."""
    columns = ["recency_days", "order_day_year_count", "revenue_year_amount"]
    limits = {name: np.quantile(table[name], [0.2, 0.4, 0.6, 0.8]) for name in columns}

    def label(customers: pd.DataFrame) -> np.ndarray:
        r, f, m = (np.digitize(customers[name], limits[name]) for name in columns)
        recent, much = np.minimum(4 - r, 4), (f + m + 1) // 2
        return np.minimum(recent // 2, 2) * 10 + np.minimum(much, 4)

    return label


def fit_kmeans(table: pd.DataFrame, count: int, *, is_log: bool) -> Labels:
    """Fit k-means on recency, frequency and money of the year, raw or as logarithms."""
    columns = ["recency_days", "order_day_year_count", "revenue_year_amount"]

    def shaped(customers: pd.DataFrame) -> np.ndarray:
        values = customers[columns].to_numpy(float).clip(0)
        return np.log1p(values) if is_log else values

    values = shaped(table)
    mean, scale = values.mean(axis=0), values.std(axis=0)
    model = KMeans(count, n_init=10, random_state=0).fit((values - mean) / scale)
    return lambda customers: model.predict((shaped(customers) - mean) / scale)


def fit_bins(table: pd.DataFrame, count: int) -> Labels:
    """Fit equal-count bins of the last year's revenue."""
    limits = np.quantile(table["revenue_year_amount"], np.arange(1, count) / count)
    return lambda customers: np.digitize(customers["revenue_year_amount"], limits)


def print_marks(now: Company, before: Company) -> None:
    """Print the table of marks: stability on customers drawn again, flips, money to come."""
    chosen = scan_of(now)
    print(chosen.round(3).to_string(index=False))
    fit_behaviour.count = int(chosen.loc[chosen["is_chosen"], "cluster_count"].max())
    heads = ("n", 3), ("sizes", 13), ("ARI", 6), ("Jacc", 6), ("flips", 7), ("R2", 6), ("Gini", 6)
    print(f"{'pipeline':<28}" + "".join(f"{name:>{width}}" for name, width in heads))
    for pipeline in pipelines():
        table = now.clustered if "behaviour" in pipeline.name else now.customers
        labels = pipeline.fit(table)(table)
        shares = pd.Series(labels).value_counts(normalize=True)
        sizes = f"{shares.min():.1%}-{shares.max():.1%}"
        ari, jaccard = bootstrap(pipeline, table)
        r2, gini = money(labels, now.following(table["customer_id"], (1, 2)))
        flipped = flips(pipeline, now, before)
        print(
            f"{pipeline.name:<28}{shares.size:>3}{sizes:>13}{ari:>6.3f}{jaccard:>6.2f}"
            f"{flipped:>7.1%}{r2:>6.3f}{gini:>6.3f}"
        )


def scan_of(place: Company) -> pd.DataFrame:
    """Return the scan of k of our behaviour segments, with the columns worth printing."""
    features = behaviour_features(place.clustered)
    points = fit_transform(features, OPTIONS.feature_names).apply(features)
    scan = scan_clusters(points, range(2, 10), OPTIONS.stability_rule)
    return scan.drop(columns=["why_not"])


def bootstrap(pipeline: Pipeline, table: pd.DataFrame) -> tuple[float, float]:
    """Return the mean adjusted Rand index and the worst cluster's mean Jaccard over draws."""
    labels = pd.factorize(pipeline.fit(table)(table), sort=True)[0]
    aris, jaccards = [], []
    for draw in range(DRAWS):
        rows = np.random.default_rng(draw).integers(0, len(table), len(table))
        told = pipeline.fit(table.iloc[rows].reset_index(drop=True))(table)
        told = pd.factorize(told, sort=True)[0]
        aris.append(adjusted_rand_score(labels, told))
        both = pd.crosstab(labels, told).to_numpy()
        either = both.sum(axis=1, keepdims=True) + both.sum(axis=0) - both
        jaccards.append((both / either).max(axis=1))
    return float(np.mean(aris)), float(np.mean(jaccards, axis=0).min())


def flips(pipeline: Pipeline, now: Company, before: Company) -> float:
    """Return the share of unchanged customers whom limits of the quarter before put elsewhere.

    Without a dead-band; the product has one on top (docs/segments.md says what it leaves).
    """
    earlier = before.clustered.set_index("customer_id", drop=False)
    later = now.clustered.set_index("customer_id", drop=False)
    ids = earlier.index.intersection(later.index)
    first, second = earlier.loc[ids], later.loc[ids]
    rate = second["revenue_year_amount"] / first["revenue_year_amount"].clip(lower=1)
    orders = second["order_day_year_count"] - first["order_day_year_count"]
    same = ((rate - 1).abs() <= SAME) & (orders.abs() <= 1)
    fitted = pipeline.fit(before.clustered)
    one, two = (fitted(part[same].reset_index(drop=True)) for part in (first, second))
    return float(np.mean(one != two))


def money(labels: np.ndarray, amount: np.ndarray) -> tuple[float, float]:
    """Return R2 of amounts winsorised at 99 % by cross-validated means, and the normalised Gini."""
    target = np.clip(amount, None, np.quantile(amount, 0.99))
    told = crossed_means(labels, target)
    return r2_of(target, told), gini_of(np.clip(amount, 0, None), told)


def crossed_means(labels: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return for each customer the mean of its segment among the other folds, mean of repeats."""
    told = np.zeros(len(target))
    for repeat in range(REPEATS):
        folds = np.random.default_rng(repeat).integers(0, FOLDS, len(target))
        for fold in range(FOLDS):
            out = folds == fold
            means = pd.Series(target[~out]).groupby(labels[~out]).mean()
            other = target[~out].mean()
            told[out] += pd.Series(labels[out]).map(means).fillna(other).to_numpy() / REPEATS
    return told


def r2_of(target: np.ndarray, told: np.ndarray) -> float:
    """Return the share of variance that is explained."""
    return float(1 - ((target - told) ** 2).sum() / ((target - target.mean()) ** 2).sum())


def gini_of(amount: np.ndarray, score: np.ndarray) -> float:
    """Return the normalised Gini: 1 when the score ranks customers as the amounts do."""

    def area(order: np.ndarray) -> float:
        return float((np.cumsum(amount[order]) / amount.sum()).mean() - 0.5)

    best = np.argsort(-amount, kind="stable")
    return area(np.argsort(-score, kind="stable")) / area(best)


def print_classes(place: Company) -> None:
    """Print R2 and Gini of revenue, R2 of growth, and sizes of the classes at a quarter end."""
    table = place.customers
    labels = fit_prospects(table)(table)
    r2, gini = money(labels, place.following(table["customer_id"], (1, 2)))
    texts = [f"{name} {r2_of(*pair):.3f}" for name, pair in growth_told(place, labels).items()]
    shares = pd.Series(labels).value_counts(normalize=True)
    star = "*" if place.period == GRADED else " "
    print(f"{place.period}{star} R2 {r2:.3f}, Gini {gini:.3f}; growth: {'; '.join(texts)}")
    print("        " + ", ".join(f"{name} {share:.1%}" for name, share in shares.items()))


def growth_told(place: Company, labels: np.ndarray) -> dict[str, tuple]:
    """Return growth in money of customers with orders, two ways, and what segments say of it."""
    has = (place.customers["order_day_year_count"] > 0).to_numpy()
    ids = place.customers["customer_id"][has]
    following = place.following(ids, (1, 2))
    year = place.customers["revenue_year_amount"].to_numpy(float)[has]
    found = {"on half of the last year": following - year / 2}
    if list(place.quarters.columns).index(place.period) >= 4:
        found["on the same quarters before"] = following - place.following(ids, (-3, -2))
    clipped = {n: np.clip(v, *np.quantile(v, [0.01, 0.99])) for n, v in found.items()}
    return {n: (v, crossed_means(labels[has], v)) for n, v in clipped.items()}


def print_usefulness(project: Project, then: Company, later: Company) -> None:
    """Print what the product's own table says: segments beside as many revenue bins, a year on.

    Segments are fitted at `then` and judged by the year to `later`; categories, which this source
    does not name, are learned from what was bought until `then`.
    """
    scope = Scope(project.calendar.parse(then.period))
    anchor = fit_anchor(then.customers, "benchmark", scope=scope, options=OPTIONS)
    before = then.clustered
    after = later.customers.set_index("customer_id").loc[before["customer_id"]].reset_index()
    categories = learn_categories(products_of(project, then.period))
    bought = category_sales(products_of(project, later.period), categories)
    evidence = Evidence(customer_categories=bought)
    table = usefulness_table(PastYear(then.period, before, after), evidence, anchor, OPTIONS.seed)
    print(f"{len(anchor.centres)} segments, {len(before):,} customers")
    for row in table.itertuples():
        low, high = row.difference_low_share, row.difference_high_share
        print(
            f"  {row.question:<28}{row.segments_score_share:>7.3f}{row.bins_score_share:>7.3f}"
            f"  {row.difference_share:+.3f} ({low:+.3f} to {high:+.3f})  {row.verdict}"
        )


def products_of(project: Project, period: str) -> pd.DataFrame:
    """Return customer_products as known at the end of a quarter."""
    snapshot = project.current_snapshot()
    folder = make_features(project, snapshot, project.calendar.parse(period))
    return read_table(folder, "customer_products")


def grade_wholesale(file: Path) -> None:
    """Print the scan and the adjusted Rand index against Channel."""
    table = pd.read_csv(file)
    names = tuple(table.columns[2:])
    points = fit_transform(table, names).apply(table)
    scan = scan_clusters(points, range(2, 10), OPTIONS.stability_rule)
    chosen = scan[scan["is_chosen"]].iloc[0]
    centres = find_centres(points, int(chosen["cluster_count"]), 0)
    labels = np.linalg.norm(points[:, None] - centres, axis=2).argmin(axis=1)
    ari = adjusted_rand_score(table["Channel"], labels)
    print(f"Wholesale customers: {len(centres)} clusters, ARI with Channel {ari:.3f} (mark .526,")
    print(f"goal .55), bootstrap ARI {chosen['bootstrap_ari']:.3f} (goal .95)")


def grade_simulated(folder: Path, count: int) -> None:
    """Print archetypes found, as a share of what can be found, and the world without any."""
    for difficulty in (0.0, 0.3):
        options = SimulationOptions(customers=count, seed=11, difficulty=difficulty)
        place, truth = simulated(folder / f"d{difficulty}", options)
        found = archetypes(place, truth)
        print(f"\nSimulated company, difficulty {difficulty}: {found}")
    false = 0
    for seed in STRUCTURELESS:
        options = SimulationOptions(customers=count, seed=seed, has_structure=False)
        scan = scan_of(simulated(folder / f"none{seed}", options)[0])
        chosen = scan[scan["is_chosen"]]
        false += int(chosen["is_beyond_null"].any())
        said = "by value only" if chosen.empty else "a stable cut of a continuum"
        said = "CLUSTERS" if chosen["is_beyond_null"].any() else f"no clusters, {said}"
        print(f"Without structure, seed {seed}: {said}")
    print(f"False clusters: {false} of {len(STRUCTURELESS)}")


def simulated(folder: Path, options: SimulationOptions) -> tuple[Company, pd.DataFrame]:
    """Return the customers of a simulated company at its last quarter, and the truth."""
    new_sample(folder, 30, 4, 1, 0.3)
    shutil.rmtree(folder / "data/raw/sample")
    write_sample(simulate(options), folder)
    project = open_project(folder)
    load(project)
    quarters = quarters_of(project, "2026Q2")
    return company(project, "2026Q2", quarters, has_forecasts=False), truth_of(folder)


def truth_of(folder: Path) -> pd.DataFrame:
    """Return the true archetype of each customer."""
    return pd.read_parquet(folder / "truth/customers.parquet").set_index("customer_id")


def archetypes(place: Company, truth: pd.DataFrame) -> str:
    """Say how well segments agree with the archetypes, beside a forest that was told them."""
    table = place.clustered[place.clustered["customer_id"].isin(truth.index)]
    table = table.reset_index(drop=True)
    kinds = truth.loc[table["customer_id"], "archetype"].to_numpy(str)
    features = behaviour_features(table)
    forest = RandomForestClassifier(200, min_samples_leaf=3, random_state=0)
    ceiling = adjusted_rand_score(
        kinds, cross_val_predict(forest, features.fillna(features.median()), kinds, cv=5)
    )
    period = Scope(FiscalCalendar().parse(place.period))
    anchor = fit_anchor(place.customers, "benchmark", scope=period, options=OPTIONS)
    if not anchor.has_clusters:
        return f"no clusters; ceiling {ceiling:.3f}"
    own = anchor.distances(features).argmin(axis=1)
    ari = adjusted_rand_score(kinds, own)
    return (
        f"{len(anchor.centres)} segments, ARI {ari:.3f} of {ceiling:.3f} with the archetypes told: "
        f"{ari / ceiling:.0%} (mark 73 %, goal 85 %)"
    )


if __name__ == "__main__":
    main()
