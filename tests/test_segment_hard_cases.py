"""Every hard case of docs/segments.md has the treatment that stands there."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from segmentation_examples import SCOPE, customers, growth_of, planted
from sklearn.metrics import adjusted_rand_score

from analysis.customers import segment_stability
from analysis.customers.behaviour_features import DEFAULT_FEATURES, behaviour_features
from analysis.customers.prospects import ProspectRule, fit_cuts, prospect_class
from analysis.customers.segment_fit import fit_anchor
from analysis.customers.segment_options import SegmentationOptions
from analysis.customers.segment_stability import StabilityRule, find_centres, scan_clusters
from analysis.customers.segment_transform import fit_transform

OPTIONS = SegmentationOptions(bootstraps=6, most_segments=4)
RULE = StabilityRule(6, 0.9, 0.75, 0.8, 0.03, 0.5)


def prepared(table):
    """Return the customers as `segmentation` hands them to a fit."""
    ahead = growth_of(table).drop(columns="customer_id")
    joined = pd.concat([table.reset_index(drop=True), ahead], axis=1)
    return joined.assign(is_new=False, is_clustered=joined["order_day_year_count"] > 0)


def fitted(table, options=OPTIONS):
    anchor = fit_anchor(prepared(table), "test", scope=SCOPE, options=options)
    return anchor, anchor.distances(behaviour_features(table, anchor.typical_gap)).argmin(axis=1)


@pytest.fixture(scope="module")
def plain():
    """Three planted kinds: the customers, the anchor, and the cluster of each."""
    table, _ = planted((40, 60, 80))
    return table, *fitted(table)


def test_missing_numbers_never_make_a_missing_feature(plain):
    table = plain[0].astype({"product_year_count": float, "repeat_count": float})
    names = ["median_gap_days", "mean_order_day_amount", "return_year_amount", "repeat_count"]
    holes = table.copy()
    for place, name in enumerate([*names, "product_year_count", "revenue_year_before_amount"]):
        holes.loc[holes.index[place::6], name] = np.nan
    features = behaviour_features(holes)
    assert np.isfinite(features[list(DEFAULT_FEATURES)].to_numpy()).all()
    whole = ~holes[[*names, "product_year_count", "revenue_year_before_amount"]].isna().any(axis=1)
    gap = 40.0
    assert_frame_equal(behaviour_features(holes[whole], gap), behaviour_features(table[whole], gap))


def test_industry_region_and_kind_of_customer_are_no_distance(plain):
    table, anchor, clusters = plain
    other = table.assign(
        industry=np.where(np.arange(len(table)) % 2, "trade", None),
        region_id=[f"r{n % 7}" for n in range(len(table))],
        business_model=np.where(np.arange(len(table)) % 3, "b2b", "b2c"),
    )
    again, found = fitted(other)
    assert found.tolist() == clusters.tolist()
    assert again.names == anchor.names


def test_customers_without_cost_are_segmented_like_all_others(plain):
    table, _, clusters = plain
    _, found = fitted(table.assign(margin_year_amount=np.nan))
    assert found.tolist() == clusters.tolist()


def test_where_the_margin_is_asked_for_an_unknown_one_counts_as_average(plain):
    table = plain[0].assign(margin_year_amount=plain[0]["revenue_year_amount"] * 0.3)
    table.loc[table.index[::2], "margin_year_amount"] *= 0.5
    table.loc[table.index[::5], "margin_year_amount"] = np.nan
    features = behaviour_features(table)
    points = fit_transform(features, ("order_day_amount", "margin_share")).apply(features)
    unknown = table["margin_year_amount"].isna().to_numpy()
    assert (points[unknown, 1] == 0).all()
    assert abs(points[~unknown, 1].mean()) < 1e-9
    assert np.ptp(points[~unknown, 1]) > 1


def test_a_feature_that_is_known_of_nobody_is_left_out(plain):
    features = behaviour_features(plain[0].assign(margin_year_amount=np.nan))
    found = fit_transform(features, ("order_day_amount", "margin_share"))
    assert found.features == ("order_day_amount",)


def test_equal_customers_share_a_segment_and_a_class(plain):
    table, anchor, clusters = plain
    twins = table.assign(customer_id="x" + table["customer_id"])
    both = pd.concat([table, twins], ignore_index=True)
    told = anchor.distances(behaviour_features(both, anchor.typical_gap)).argmin(axis=1)
    assert told[: len(table)].tolist() == told[len(table) :].tolist() == clusters.tolist()
    ready = prepared(both)
    cuts = fit_cuts(ready, ProspectRule(0.9, 0.6, 0.1, 0.5))
    classes = prospect_class(ready, cuts).to_numpy()
    assert classes[: len(table)].tolist() == classes[len(table) :].tolist()


def test_when_all_customers_are_equal_there_are_no_clusters_and_one_class():
    table = customers(order_day_year_count=np.full(60, 8))
    anchor = fit_anchor(prepared(table), "test", scope=SCOPE, options=OPTIONS)
    assert not anchor.has_clusters
    assert prospect_class(prepared(table), anchor.cuts).nunique() == 1


@pytest.mark.parametrize(("count", "is_looked_at"), [(29, False), (30, True)])
def test_from_thirty_customers_on_clusters_are_looked_for(count, is_looked_at):
    table, _ = planted((10, 10, count - 20))
    anchor = fit_anchor(prepared(table), "test", scope=SCOPE, options=OPTIONS)
    assert (len(anchor.scan) > 0) == is_looked_at
    said = "fewer than 30 customers" in anchor.why_provisional
    assert said != is_looked_at


def test_a_cluster_needs_five_customers_to_be_tried():
    points = np.random.default_rng(0).normal(size=(14, 2))
    assert scan_clusters(points, range(2, 6), RULE)["cluster_count"].tolist() == [2]


def test_of_many_customers_some_are_scanned_and_all_assigned(monkeypatch):
    table, kind = planted((300, 400, 500), seed=2)
    features = behaviour_features(table)
    points = fit_transform(features, DEFAULT_FEATURES).apply(features)
    monkeypatch.setattr(segment_stability, "_MOST_CUSTOMERS", 240)
    scan = scan_clusters(points, range(3, 4), RULE)
    assert scan["is_chosen"].tolist() == [True]
    centres = find_centres(points, 3)
    nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(axis=1)
    assert adjusted_rand_score(kind, nearest) > 0.99
    # The centres are those of all customers, not of the sample.
    for place in range(3):
        assert np.allclose(centres[place], points[nearest == place].mean(axis=0), atol=0.01)


@pytest.mark.parametrize("seed", [1, 7, 12345])
def test_another_seed_changes_no_centre_name_or_cut(plain, seed):
    table, anchor, _ = plain
    options = SegmentationOptions(bootstraps=6, most_segments=4, seed=seed)
    again = fit_anchor(prepared(table), "test", scope=SCOPE, options=options)
    assert np.array_equal(again.centres, anchor.centres)
    assert (again.names, again.cuts) == (anchor.names, anchor.cuts)
    assert_frame_equal(again.scan, anchor.scan)
