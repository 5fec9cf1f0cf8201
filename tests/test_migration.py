"""Who moved is told from who only stands near a border, and what chance does from what is real."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from segmentation_examples import LATER, SCOPE, customers, growth_of, planted

from analysis.core.problems import SettingsError
from analysis.customers.behaviour_features import behaviour_features
from analysis.customers.migration import MigrationOptions, migration
from analysis.customers.migration_tables import (
    NOT_YET,
    directions,
    group_flows,
    held_moves,
    migration_matrix,
    regression_table,
)
from analysis.customers.segment_anchor import read_anchor
from analysis.customers.segment_memory import DeadBand, held_clusters
from analysis.customers.segment_refit import refit, refit_preview
from analysis.customers.segmentation import Evidence, SegmentationOptions, segmentation

QUICK = SegmentationOptions(bootstraps=4, most_segments=3, fewest_segments=3)
NO_ORIGINS = pd.DataFrame({"origin": pd.Series(dtype="str")})


def segmented(table, anchor=None, earlier=(), scope=SCOPE, overrides=None):
    evidence = Evidence(earlier=earlier)
    tables = (table, growth_of(table), anchor, overrides, evidence)
    return segmentation(*tables, scope=scope, options=QUICK)


def swapped(table, one, other):
    """Return customers where those two have changed places, all but their ids."""
    ids = table["customer_id"].to_numpy().copy()
    ids[[one, other]] = ids[[other, one]]
    return table.assign(customer_id=ids)


@pytest.fixture(scope="module")
def quarters():
    """Three kinds; in the next quarter 20 of the smallest buy as the largest do."""
    table, kind = planted()
    first = segmented(table)
    small, large = np.flatnonzero(kind == 2)[:20], np.flatnonzero(kind == 0)[:20]
    now = table.copy()
    copied = [name for name in table if name != "customer_id"]
    now.loc[small, copied] = table.loc[large, copied].to_numpy()
    now = now.astype(table.dtypes)
    second = segmented(now, first.tables["segment_anchor"], [first], LATER)
    return table, first, now, second


@pytest.fixture(scope="module")
def moved(quarters):
    _, first, now, second = quarters
    origins = quarters[0].assign(origin=SCOPE.period.name)
    return migration(second, now, origins, [first], scope=LATER)


class TestMoves:
    def test_are_the_planted_ones_and_no_others(self, quarters, moved):
        table, _, _, second = quarters
        changed = moved.tables["moves"]
        assert len(changed) == 20
        names = second.tables["segments"].set_index("customer_id")["segment_name"]
        assert (changed["to_name"] == changed["customer_id"].map(names)).all()
        assert moved.headline["moved_share"].value == pytest.approx(20 / len(table))

    def test_in_one_direction_are_called_real(self, moved):
        rows = moved.tables["directions"].query("kind == 'segment' and moved_count > 0")
        assert rows["there_count"].tolist() == [20]
        assert rows["verdict"].tolist() == ["real: more than chance"]
        assert any("more than chance would give" in f.text for f in moved.findings)

    def test_of_prospect_classes_are_told_where_these_were_published(self, quarters, moved):
        assert "prospect_class" in moved.charts
        _, _, now, second = quarters
        origins = quarters[0].assign(origin=SCOPE.period.name)
        alone = migration(second, now, origins, scope=LATER)
        assert "prospect_class" not in alone.charts
        assert any("not published" in text for text in alone.caveats)

    def test_told_from_origins_are_those_that_were_published(self, quarters, moved):
        _, _, now, second = quarters
        origins = quarters[0].assign(origin=SCOPE.period.name)
        alone = migration(second, now, origins, scope=LATER)
        assert_frame_equal(alone.tables["moves"], moved.tables["moves"])

    def test_of_customers_whom_an_analyst_placed_are_left_out(self, quarters):
        table, first, now, _ = quarters
        who = now["customer_id"].iloc[-1]
        name = first.tables["segments"]["segment_name"].iloc[0]
        overrides = pd.DataFrame({"customer_id": [who], "segment_name": [name]})
        ruled = segmented(now, first.tables["segment_anchor"], [first], LATER, overrides)
        origins = table.assign(origin=SCOPE.period.name)
        result = migration(ruled, now, origins, [first], scope=LATER)
        assert who not in set(result.tables["moves"]["customer_id"])
        assert any("placed by an analyst" in text for text in result.caveats)

    def test_do_not_depend_on_the_order_of_rows(self, quarters, moved):
        _, first, now, second = quarters
        origins = quarters[0].assign(origin=SCOPE.period.name).sample(frac=1, random_state=2)
        shuffled = migration(
            second, now.sample(frac=1, random_state=5), origins, [first], scope=LATER
        )
        assert shuffled.charts == moved.charts
        assert shuffled.findings == moved.findings
        for name, expected in moved.tables.items():
            assert_frame_equal(shuffled.tables[name], expected)

    def test_need_a_quarter_before(self, quarters):
        result = migration(quarters[1], quarters[0], NO_ORIGINS, scope=SCOPE)
        assert result.unavailable.startswith("No customers of the quarter before")
        assert migration(None, quarters[0], NO_ORIGINS, scope=SCOPE).unavailable


class TestChance:
    def test_alone_is_called_real_in_one_of_ten_worlds_at_most(self):
        places, found = ("a", "b", "c"), 0
        for seed in range(60):
            rng = np.random.default_rng(seed)
            before, now = (pd.Series(rng.choice(list(places), 400)) for _ in range(2))
            verdicts = directions(before, now, places)["verdict"]
            found += int(verdicts.str.startswith("real").any())
        assert found <= 12  # ten expected at most, three more are one chance in twenty

    def test_leaves_a_table_of_every_pair_even_when_nobody_moved(self):
        stays = pd.Series(["a", "b", "b"])
        table = directions(stays, stays, ("a", "b"))
        assert table["verdict"].tolist() == ["nobody moved"]

    def test_interval_of_the_net_flow_holds_it(self):
        before = pd.Series(["a"] * 30 + ["b"] * 10)
        now = pd.Series(["b"] * 30 + ["a"] * 10)
        row = directions(before, now, ("a", "b")).iloc[0]
        assert (row["there_count"], row["back_count"], row["net_count"]) == (30, 10, 20)
        assert 0 < row["net_low_count"] < 20 < row["net_high_count"] < 40


class TestMatrix:
    @given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=80))
    @settings(max_examples=40, deadline=None)
    def test_rows_sum_to_one_and_intervals_hold_their_shares(self, pairs):
        before = pd.Series([one for one, _ in pairs], dtype="str")
        now = pd.Series([other for _, other in pairs], dtype="str")
        table = migration_matrix(before, now, ("a", "b", "c"), 1)
        assert table["customer_count"].sum() == len(pairs)
        shown = table[~table["is_withheld"] & (table["from_name"] != NOT_YET)]
        sums = shown.groupby("from_name")["share"].sum()
        assert np.allclose(sums, 1, atol=1e-5)
        assert (shown["low_share"] <= shown["high_share"]).all()

    def test_small_rows_are_withheld_and_counted(self):
        before = pd.Series(["a"] * 50 + ["b"] * 3)
        table = migration_matrix(before, before, ("a", "b"), 10).set_index(["from_name", "to_name"])
        assert table.loc[("a", "a"), "share"] > 0.97
        assert np.isnan(table.loc[("b", "b"), "share"])
        assert table.loc[("b", "b"), "customer_count"] == 3

    def test_a_small_row_is_drawn_to_what_all_did(self):
        before = pd.Series(["a"] * 500 + ["b"] * 10)
        now = pd.Series(["a"] * 500 + ["b"] * 5 + ["a"] * 5)
        table = migration_matrix(before, now, ("a", "b"), 10).set_index(["from_name", "to_name"])
        assert 0.5 < table.loc[("b", "b"), "share"] < 0.65

    def test_who_was_no_customer_yet_has_a_row(self):
        before = pd.Series([np.nan, "a"], dtype="object")
        table = migration_matrix(before, pd.Series(["a", "a"]), ("a",), 1)
        assert table.set_index("from_name")["customer_count"].to_dict() == {"a": 1, NOT_YET: 1}


def test_moves_that_still_stand_a_quarter_later_are_counted():
    places = pd.DataFrame({"1": list("aaab"), "2": list("bbab"), "3": list("baab")})
    held = held_moves(places, ("a", "b"))
    assert (held.held, held.moves) == (1, 2)


def test_who_stays_in_leaves_and_comes_into_a_group_adds_up():
    places = pd.DataFrame({"1": list("hhhl"), "2": list("hhlh")})
    row = group_flows(places, "h").iloc[0]
    assert row[["before_count", "stayed_count", "left_count", "came_count"]].tolist() == [
        3,
        2,
        1,
        1,
    ]
    assert row["retention_low_share"] < 2 / 3 < row["retention_high_share"]


def test_picking_the_best_shows_the_same_fall_both_ways_when_nothing_changed():
    rng = np.random.default_rng(4)
    level = rng.lognormal(5, 0.5, 4000)
    year = pd.DataFrame({n: level * rng.lognormal(0, 0.4, 4000) for n in ("then", "now")})
    table = regression_table(year, 300.0)
    assert table["change_ratio"].max() < -0.05
    assert abs(table["change_ratio"].diff().iloc[1]) < 0.05


def test_options_out_of_range_are_refused():
    with pytest.raises(SettingsError, match="band_share"):
        MigrationOptions(band_share=2)


class TestDeadBand:
    @pytest.mark.parametrize(("past", "moves"), [(0.2, False), (1.0, True)])
    def test_holds_a_customer_near_the_border_and_lets_go_of_one_far_past_it(
        self, quarters, past, moves
    ):
        table, first, _, _ = quarters
        anchor = read_anchor(first.tables["segment_anchor"])
        one, other = anchor.centres[0], anchor.centres[1]
        way = (other - one) / np.linalg.norm(other - one)
        at = (one + other) / 2 + way * past
        shown = replace(anchor, transform=_Fixed(anchor.transform.features, at))
        before, features = pd.Series(["s1"], dtype="object"), behaviour_features(table.iloc[:1])
        place = held_clusters(features, shown, before, DeadBand(0.6, 0.1))
        assert place.tolist() == [1 if moves else 0]

    def test_keeps_the_class_of_a_customer_whose_value_fell_by_little(self):
        table = customers(revenue_year_amount=np.linspace(100, 1000, 40))
        first = segmented(table)
        keeps = first.tables["segments"]["prospect_class"] == "keep and enlarge"
        least = table.loc[keeps.to_numpy(), "revenue_year_amount"].idxmin()
        for factor, stays in ((0.97, True), (0.7, False)):
            now = table.copy()
            now.loc[least, "revenue_year_amount"] *= factor
            second = segmented(now, first.tables["segment_anchor"], [first], LATER)
            found = second.tables["segments"]["prospect_class"].iloc[least]
            assert (found == "keep and enlarge") == stays

    def test_forgets_what_an_analyst_had_set(self, quarters):
        table, first, _, _ = quarters
        last = first.tables["segments"]["segment_name"].iloc[-1]
        who = table["customer_id"].iloc[0]
        overrides = pd.DataFrame({"customer_id": [who], "segment_name": [last]})
        ruled = segmented(table, overrides=overrides)
        assert ruled.tables["segments"]["segment_name"].iloc[0] == last
        free = segmented(table, ruled.tables["segment_anchor"], [ruled], LATER)
        assert free.tables["segments"]["segment_name"].iloc[0] != last


class _Fixed:
    """A transform that puts everybody at one point."""

    def __init__(self, features, point):
        self.features, self.point = features, point

    def apply(self, table):
        return np.tile(self.point, (len(table), 1))


class TestRefit:
    def test_keeps_ids_and_names_of_segments_that_are_found_again(self, quarters):
        table, first, _, _ = quarters
        dearer = table.assign(
            mean_order_day_amount=table["mean_order_day_amount"] * 3,
            recency_days=table["recency_days"] + 60,
        )
        again = segmentation(
            dearer,
            growth_of(dearer),
            first.tables["segment_anchor"],
            scope=LATER,
            options=replace(QUICK, refit_now=True),
        )
        before, after = (read_anchor(r.tables["segment_anchor"]) for r in (first, again))
        assert after.period == LATER.period.name
        assert after.names == before.names
        columns = ["customer_id", "segment_id", "segment_name"]
        assert_frame_equal(again.tables["segments"][columns], first.tables["segments"][columns])

    def test_gives_a_segment_that_is_new_a_new_id_and_a_name_of_its_own(self, quarters):
        mine = quarters[0].assign(is_new=False, is_clustered=True, forecast_year_amount=np.nan)
        two = replace(QUICK, fewest_segments=2, most_segments=2)
        before = refit(mine, None, "a test", scope=SCOPE, options=two)
        fresh = refit(mine, before, "a test", scope=LATER, options=QUICK)
        new = set(fresh.cluster_ids) - set(before.cluster_ids)
        assert len(before.cluster_ids) == 2
        assert new == {"s3"}
        assert fresh.names["s3"] not in before.names.values()
        assert all(fresh.names[i] == before.names[i] for i in before.cluster_ids)

    def test_is_shown_before_it_is_made(self, quarters):
        table, first, _, _ = quarters
        moved = table.assign(recency_days=table["recency_days"] + 150)
        later = segmented(moved, first.tables["segment_anchor"], [first], LATER)
        preview = later.tables["refit_preview"]
        assert preview["customer_count"].sum() == len(table)
        assert set(preview["new_segment_name"]) == set(first.tables["segments"]["segment_name"])
        shares = preview.groupby("old_segment_name")["old_segment_share"].sum()
        assert np.allclose(shares, 1)
        # The alarm only proposes: the segments are still the old ones.
        assert_frame_equal(later.tables["segment_anchor"], first.tables["segment_anchor"])

    def test_would_change_nothing_where_nothing_changed(self, quarters):
        table, first, _, second = quarters
        anchor = read_anchor(first.tables["segment_anchor"])
        mine = table.assign(is_new=False, is_clustered=True, forecast_year_amount=np.nan)
        features = behaviour_features(mine, anchor.typical_gap)
        assert refit_preview(mine, features, anchor, anchor)["is_same"].all()
        assert "refit_preview" not in second.tables


class TestStaleOverrides:
    def warnings(self, quarters, **columns):
        table, first, _, _ = quarters
        overrides = pd.DataFrame({"customer_id": [table["customer_id"].iloc[0]]} | columns)
        result = segmented(table, first.tables["segment_anchor"], [], LATER, overrides)
        return result.tables["overrides"].iloc[0]

    def test_that_the_rule_agrees_with_by_now(self, quarters):
        own = quarters[1].tables["segments"]["segment_name"].iloc[0]
        row = self.warnings(quarters, segment_name=[own])
        assert (row["state"], row["warning"]) == ("applied", "the rule says the same by now")

    def test_that_are_older_than_the_segments(self, quarters):
        other = quarters[1].tables["segments"]["segment_name"].iloc[-1]
        row = self.warnings(quarters, segment_name=[other], set_on=["2026-01-05"])
        assert row["warning"] == "set before these segments were made"

    def test_that_are_older_than_a_year_and_have_no_end(self, quarters):
        row = self.warnings(quarters, prospect_class=["win back"], set_on=["2025-01-05"])
        assert row["warning"] == "older than a year, without an end"
        row = self.warnings(
            quarters, prospect_class=["win back"], set_on=["2025-01-05"], until_on=["2027-01-01"]
        )
        assert row["warning"] == ""

    def test_that_are_over_or_not_yet_made(self, quarters):
        row = self.warnings(quarters, prospect_class=["win back"], until_on=["2026-09-30"])
        assert row["state"] == row["warning"] == "expired"
        row = self.warnings(quarters, prospect_class=["win back"], set_on=["2027-01-05"])
        assert row["state"] == row["warning"] == "set after this period"


class TestShortData:
    def test_value_is_not_said_to_rise_while_the_years_fill_up(self, quarters):
        table, first, now, second = quarters
        origins = table.assign(origin=SCOPE.period.name)
        for days, is_short in ((400, True), (900, False)):
            start = pd.Timestamp(LATER.as_of) - pd.Timedelta(days=days)
            began = now.assign(first_order_on=start.as_unit("us"))
            result = migration(second, began, origins, [first], scope=LATER)
            rows = result.tables["directions"].query("kind == 'value'")
            assert rows["verdict"].str.startswith("real").any() != is_short
            said = any("fewer than eight whole quarters" in text for text in result.caveats)
            assert said == is_short
