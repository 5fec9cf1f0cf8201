"""Segments are found where they are, kept over time, named once, and explained."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from segmentation_examples import LATER, SCOPE, customers, growth_of, noise, planted
from sklearn.metrics import adjusted_rand_score

from analysis.core.problems import InputError, SettingsError, TableError
from analysis.core.result import Result
from analysis.core.tables import check_table
from analysis.core.tables_derived import SEGMENTS
from analysis.customers.prospects import PROSPECT_CLASSES
from analysis.customers.segment_stability import draw_cloud, scan_clusters
from analysis.customers.segmentation import SegmentationOptions, segmentation

QUICK = SegmentationOptions(bootstraps=16, most_segments=5)


def run(table, anchor=None, overrides=None, scope=SCOPE, options=QUICK):
    return segmentation(table, growth_of(table), anchor, overrides, scope=scope, options=options)


def one_cloud(count=1500, seed=0):
    """Return customers who differ in one thing, their size; all they do follows from it."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=count)

    def follows(middle, sign=1):
        own = rng.normal(size=count)
        return middle * np.exp(0.5 * (np.sqrt(0.7) * sign * size + np.sqrt(0.3) * own))

    orders = follows(40.0).round().clip(1).astype(int)
    amount = follows(300.0)
    return customers(
        order_day_year_count=orders,
        mean_order_day_amount=amount,
        revenue_year_amount=orders * amount,
        revenue_year_before_amount=orders * amount,
        recency_days=follows(60.0, -1).round().astype(int),
        product_year_count=follows(50.0).round().astype(int),
    )


@pytest.fixture(scope="module")
def found():
    """Three planted kinds: the customers, their kinds, the result."""
    table, kind = planted()
    return table, kind, run(table)


class TestSegments:
    def test_recover_the_kinds_that_were_planted(self, found):
        _, kind, result = found
        segments = result.tables["segments"]
        assert adjusted_rand_score(kind, segments["segment_id"]) > 0.99
        assert sorted(segments["segment_id"].unique()) == ["s1", "s2", "s3"]

    def test_are_named_by_what_distinguishes_them(self, found):
        profiles = found[2].tables["segment_profiles"].set_index("segment_id")
        assert profiles.loc["s1", "segment_name"].startswith(("Frequent", "Large", "Broad"))
        assert profiles.loc["s3", "segment_name"].startswith(("Rare", "Small", "Overdue", "Narrow"))
        assert profiles["segment_name"].is_unique

    def test_stand_in_order_of_revenue_per_customer(self, found):
        profiles = found[2].tables["segment_profiles"]
        per_customer = profiles["revenue_year_amount"] / profiles["customer_count"]
        assert per_customer.is_monotonic_decreasing

    def test_keep_the_declaration(self, found):
        table, _, result = found
        segments = check_table(result.tables["segments"], SEGMENTS)
        assert sorted(segments["customer_id"]) == sorted(table["customer_id"])
        assert not segments["is_override"].any()

    def test_profiles_add_up_to_the_company(self, found):
        table, _, result = found
        profiles = result.tables["segment_profiles"]
        assert profiles["customer_count"].sum() == len(table)
        assert profiles["revenue_share"].sum() == pytest.approx(1)
        total = profiles["forecast_quarter_amount"].sum()
        assert total == pytest.approx(table["revenue_year_amount"].sum() / 4, abs=0.05)

    def test_every_reason_names_the_next_nearest_segment(self, found):
        segments = found[2].tables["segments"]
        names = set(segments["segment_name"])
        nearest = segments["reason"].str.extract(r"Next nearest: (.+)\.$")[0]
        assert set(nearest) <= names
        assert (nearest != segments["segment_name"]).all()


class TestSameAnswer:
    def test_whatever_the_order_of_rows(self, found):
        table, _, result = found
        again = run(table.sample(frac=1, random_state=3))
        assert again.charts == result.charts
        assert again.findings == result.findings
        for name, expected in result.tables.items():
            assert_frame_equal(again.tables[name], expected)

    def test_whatever_the_seed(self, found):
        table, _, result = found
        options = SegmentationOptions(bootstraps=16, most_segments=5, seed=7)
        other = run(table, options=options).tables["segments"]
        assert_frame_equal(other, result.tables["segments"])

    def test_when_the_quarter_is_run_again_from_its_own_saved_anchor(self, found, tmp_path):
        table, _, result = found
        result.save(tmp_path / "segmentation")
        saved = Result.load(tmp_path / "segmentation").tables["segment_anchor"]
        again = run(table, saved)
        assert again.charts == result.charts
        assert again.caveats == result.caveats
        for name, expected in result.tables.items():
            assert_frame_equal(again.tables[name], expected)

    def test_and_the_input_stays_unchanged(self, found):
        table = found[0]
        before, growth = table.copy(deep=True), growth_of(table)
        growth_before = growth.copy(deep=True)
        segmentation(table, growth, scope=SCOPE, options=QUICK)
        assert_frame_equal(table, before)
        assert_frame_equal(growth, growth_before)


class TestAnchor:
    def test_customers_who_did_not_change_stay_where_they_are(self, found):
        table, _, result = found
        anchor = result.tables["segment_anchor"]
        kept = table.iloc[::3]  # other customers have left
        later = run(kept, anchor, scope=LATER).tables["segments"].set_index("customer_id")
        before = result.tables["segments"].set_index("customer_id").loc[later.index]
        clustered = later[~later["is_new"]].index
        columns = ["segment_id", "segment_name", "prospect_class"]
        assert_frame_equal(later.loc[clustered, columns], before.loc[clustered, columns])

    def test_is_handed_on_as_it_came(self, found):
        table, _, result = found
        later = run(table, result.tables["segment_anchor"], scope=LATER)
        assert_frame_equal(later.tables["segment_anchor"], result.tables["segment_anchor"])
        assert "made in 2026Q3 and are kept" in later.caveats[0]

    def test_proposes_a_refit_when_all_customers_have_moved(self, found):
        table, _, result = found
        moved = table.assign(recency_days=table["recency_days"] + 150)
        later = run(moved, result.tables["segment_anchor"], scope=LATER)
        texts = [finding.text for finding in later.findings]
        assert "The segments of 2026Q3 no longer fit well: a new fit is proposed." in texts
        drift = later.tables["drift"].set_index("feature")["shift_deviations"]
        assert drift.idxmax() == "silence_gaps"

    def test_says_that_it_still_fits_when_nothing_moved(self, found):
        table, _, result = found
        later = run(table, result.tables["segment_anchor"], scope=LATER)
        assert "The segments of 2026Q3 still fit." in [f.text for f in later.findings]

    def test_is_not_used_for_other_options(self, found):
        table, _, result = found
        options = SegmentationOptions(bootstraps=16, most_segments=5, growth_share=0.2)
        again = run(table, result.tables["segment_anchor"], scope=LATER, options=options)
        assert again.caveats[0] == "Segments were made in 2026Q4: options changed."

    def test_of_a_later_quarter_is_refused(self, found):
        table = found[0]
        later = run(table, scope=LATER).tables["segment_anchor"]
        with pytest.raises(InputError, match="2026Q4"):
            run(table, later)

    def test_that_is_no_anchor_is_refused(self, found):
        with pytest.raises(TableError, match="segment_anchor"):
            run(found[0], pd.DataFrame({"kind": ["fit"]}))

    def test_proposes_a_refit_when_a_cut_point_no_longer_divides_as_it_did(self, found):
        table, _, result = found
        dearer = table.assign(revenue_year_amount=table["revenue_year_amount"] * 15)
        later = run(dearer, result.tables["segment_anchor"], scope=LATER)
        finding = next(f for f in later.findings if "no longer fit well" in f.text)
        assert "The cut point of “high value”" in finding.detail
        drift = later.tables["drift"].set_index("feature")
        assert drift.loc["customers at or above high_value_amount", "typical_at_fit"] == 0.1
        assert drift.loc["customers at or above high_value_amount", "typical_now"] > 0.18

    def test_keeps_the_typical_gap_so_that_others_move_nobody(self, found):
        table, _, result = found
        anchor = result.tables["segment_anchor"]
        few = table.assign(median_gap_days=np.where(np.arange(len(table)) % 2, 300.0, np.nan))
        few = few.assign(repeat_count=np.where(few["median_gap_days"].isna(), 0, 1))
        kept = few[few["median_gap_days"].isna()]
        all_later = run(few, anchor, scope=LATER).tables["segments"].set_index("customer_id")
        alone = run(kept, anchor, scope=LATER).tables["segments"].set_index("customer_id")
        assert_frame_equal(alone, all_later.loc[alone.index])

    def test_of_an_earlier_version_is_made_anew(self, found):
        table, _, result = found
        old = result.tables["segment_anchor"].query("name != 'typical_gap_days'")
        again = run(table, old, scope=LATER)
        assert "earlier version" in again.caveats[0]

    def test_that_is_broken_is_mended_by_a_new_fit(self, found):
        options = SegmentationOptions(bootstraps=16, most_segments=5, refit_now=True)
        again = run(found[0], pd.DataFrame({"kind": ["fit"]}), options=options)
        assert "an analyst asked for a new fit" in again.caveats[0]


class TestProvisional:
    """What was made from too little holds for its period; the next makes it anew."""

    def test_a_young_company_is_segmented_anew_until_it_has_a_year(self, found):
        table, _, result = found
        first = run(table.assign(tenure_days=200))
        assert "less than 4 whole quarters of history" in first.caveats[1]
        later = run(table, first.tables["segment_anchor"], scope=LATER)
        assert later.caveats[0] == (
            "Segments were made in 2026Q4: those of 2026Q3 were provisional "
            "(less than 4 whole quarters of history)."
        )
        assert not any("They are provisional" in caveat for caveat in later.caveats)
        assert "They are provisional" not in " ".join(result.caveats)

    @pytest.mark.parametrize(("days", "is_provisional"), [(349, True), (350, False)])
    def test_a_year_less_two_weeks_is_enough(self, found, days, is_provisional):
        # The first order of all comes some days after the start of the first quarter.
        caveats = run(found[0].assign(tenure_days=days - 1)).caveats
        assert ("They are provisional" in " ".join(caveats)) == is_provisional

    def test_clusters_are_found_once_there_are_customers_enough(self, found):
        table, kind, _ = found
        first = run(table.iloc[:20])
        assert "fewer than 30 customers" in first.caveats[1]
        later = run(table, first.tables["segment_anchor"], scope=LATER)
        assert adjusted_rand_score(kind, later.tables["segments"]["segment_id"]) > 0.99

    def test_the_same_period_gives_the_same_again(self, found, tmp_path):
        table = found[0].iloc[:20]
        first = run(table)
        again = run(table, first.tables["segment_anchor"])
        first.save(tmp_path / "first")
        again.save(tmp_path / "again")
        files = sorted(path.name for path in (tmp_path / "first").iterdir())
        for name in files:
            expected = (tmp_path / "first" / name).read_bytes()
            assert (tmp_path / "again" / name).read_bytes() == expected, name

    def test_limits_in_money_stay_where_again_no_clusters_are_found(self):
        table = noise()
        first = run(table).tables["segment_anchor"]
        dearer = table.assign(revenue_year_amount=table["revenue_year_amount"] * 1.05)
        second = run(dearer, first, scope=LATER).tables["segment_anchor"]
        limits = "kind == 'cut' or name == 'larger_amount' or name.str.startswith('share ')"
        assert second.query("name == 'period'")["text"].tolist() == ["2026Q4"]
        assert_frame_equal(
            second.query(limits).reset_index(drop=True), first.query(limits).reset_index(drop=True)
        )
        twice = table.assign(revenue_year_amount=table["revenue_year_amount"] * 2)
        moved = run(twice, first, scope=LATER).tables["segment_anchor"]
        assert not moved.query("kind == 'cut'").equals(first.query("kind == 'cut'"))


def spiky(seed, count=300):
    """Return customers of one correlated cloud: a spike at -1, a skewed and a normal feature."""
    shape = np.full((3, 3), 0.3) + np.eye(3) * 0.7
    cloud = np.random.default_rng(seed).multivariate_normal(np.zeros(3), shape, count)
    spike = np.where(cloud[:, 0] < 0.4, -1.0, 2.0 + 0.3 * cloud[:, 0])
    return np.column_stack([spike, np.exp(0.4 * cloud[:, 1]), cloud[:, 2] * 0.5])


class TestContinuum:
    """Stability is not structure: one cloud is cut at the same place again and again."""

    @pytest.mark.parametrize("correlation", [0.0, 0.3, 0.5])
    @pytest.mark.parametrize("seed", [0, 1])
    def test_one_cloud_is_never_called_groups(self, correlation, seed):
        shape = np.full((6, 6), correlation) + np.eye(6) * (1 - correlation)
        cloud = np.random.default_rng(seed).multivariate_normal(np.zeros(6), shape, 1000)
        rule = SegmentationOptions(bootstraps=6).stability_rule
        scan = scan_clusters(np.clip(cloud, -2.5, 2.5), range(2, 5), rule, 0)
        assert not scan["is_beyond_null"].any()
        assert scan["null_ari"].notna().equals(scan["why_not"] == "")

    def test_spikes_of_single_features_are_no_groups(self):
        # Normal clouds without the spike would call this kinds: it is cut there every time.
        rule = SegmentationOptions(bootstraps=6).stability_rule
        scans = [scan_clusters(spiky(seed), range(2, 4), rule) for seed in range(3)]
        assert all((scan["why_not"] == "").any() for scan in scans)
        assert not any(scan["is_beyond_null"].any() for scan in scans)

    def test_kinds_are_found_beside_spikes(self):
        points = np.concatenate([spiky(0), spiky(1) + np.array([0, 5.0, 5.0])])
        rule = SegmentationOptions(bootstraps=6).stability_rule
        assert scan_clusters(points, range(2, 3), rule)["is_beyond_null"].all()

    def test_the_null_keeps_spikes_and_the_correlation(self):
        points = spiky(3, 2000)
        drawn = draw_cloud(points, np.random.default_rng(0))
        assert (drawn[:, 0] == -1).sum() == (points[:, 0] == -1).sum() > 1000
        shapes = [pd.DataFrame(part).corr("spearman").to_numpy() for part in (points, drawn)]
        assert np.abs(shapes[0] - shapes[1]).max() < 0.08

    def test_the_null_fills_the_gap_between_kinds(self):
        two = np.concatenate([np.linspace(-3, -1, 300), np.linspace(1, 3, 300)])
        drawn = draw_cloud(np.column_stack([two, two]), np.random.default_rng(0))
        assert (np.abs(drawn) < 1).mean() > 0.2

    def test_a_stable_cut_of_one_cloud_is_said_to_be_one(self):
        result = run(one_cloud())
        assert result.tables["stability"]["is_chosen"].any()
        finding = next(f for f in result.findings if f.metric == "bootstrap_ari")
        assert "a stable cut of a continuum, not groups that stand apart" in finding.text
        assert "stable cut of a continuum" in result.caveats[1]
        assert not result.tables["segments"]["segment_id"].isin(["larger", "smaller"]).any()

    def test_planted_kinds_are_more_than_a_cut(self, found):
        chosen = found[2].tables["stability"].query("is_chosen").iloc[0]
        assert chosen["is_beyond_null"]
        assert chosen["null_ari"] < chosen["bootstrap_ari"]
        assert "more than a cut" in " ".join(f.text for f in found[2].findings)


class TestWithoutClusters:
    def test_noise_is_called_so_and_still_divided_by_value(self):
        result = run(noise())
        assert "No clusters here" in " ".join(finding.text for finding in result.findings)
        profiles = result.tables["segment_profiles"]
        assert list(profiles["segment_id"]) == ["larger", "smaller"]
        assert (profiles["customer_count"] > 0).all()
        assert profiles["segment_name"].str.contains("by value only").all()

    def test_three_customers_are_divided_by_value(self):
        table = customers(revenue_year_amount=[900.0, 10.0, 20.0])
        segments = run(table).tables["segments"]
        assert list(segments["segment_id"]) == ["larger", "smaller", "smaller"]

    def test_numbers_tried_are_spoken_of_only_where_some_were(self):
        details = [
            next(f.detail for f in run(table).findings if f.metric == "segment_count")
            for table in (noise(), noise().iloc[:5])
        ]
        assert details[0].startswith("No number of clusters that was tried")
        assert details[1].startswith("Clusters were not looked for")

    def test_everyone_alike_shares_one_category_and_the_other_stays_empty(self):
        table = customers(revenue_year_amount=[0.1] * 100)
        result = run(table)
        assert list(result.tables["segment_profiles"]["customer_count"]) == [100, 0]
        assert result.tables["segments"]["prospect_class"].nunique() == 1

    def test_thirty_customers_of_three_kinds_are_still_found(self):
        table, kind = planted(sizes=(10, 10, 10))
        segments = run(table).tables["segments"]
        assert adjusted_rand_score(kind, segments["segment_id"]) > 0.9

    def test_no_customers_is_said_in_a_sentence(self):
        table = customers(revenue_year_amount=[1.0]).iloc[:0]
        assert "No order is known" in run(table).unavailable


class TestHardCases:
    def test_ties_are_never_split(self):
        table, _ = planted()
        twice = pd.concat([table, table.assign(customer_id="x" + table["customer_id"])])
        segments = run(twice).tables["segments"].set_index("customer_id")
        own = segments.loc[table["customer_id"], ["segment_id", "prospect_class"]]
        other = segments.loc["x" + table["customer_id"], ["segment_id", "prospect_class"]]
        assert (own.to_numpy() == other.to_numpy()).all()

    def test_one_giant_changes_nobody_else(self, found):
        table, _, result = found
        giant = table.iloc[[0]].assign(
            customer_id="giant",
            mean_order_day_amount=1e9,
            revenue_year_amount=1e11,
            revenue_year_before_amount=1e11,
        )
        segments = run(pd.concat([table, giant], ignore_index=True)).tables["segments"]
        others = segments[segments["customer_id"] != "giant"]
        expected = result.tables["segments"]["segment_id"].to_numpy()
        assert (others["segment_id"].to_numpy() == expected).all()

    def test_missing_margin_growth_and_gaps_leave_nobody_out(self, found):
        table = found[0].assign(margin_year_amount=np.nan, median_gap_days=np.nan)
        result = segmentation(table, None, scope=SCOPE, options=QUICK)
        assert len(check_table(result.tables["segments"], SEGMENTS)) == len(table)
        assert any("no cost is known" in caveat for caveat in result.caveats)
        assert any("no forecast" in caveat for caveat in result.caveats)

    def test_returns_above_sales_are_a_low_value_not_an_error(self, found):
        table = found[0].copy()
        table.loc[5, ["revenue_year_amount", "return_year_amount"]] = [-500.0, 900.0]
        segments = run(table).tables["segments"].set_index("customer_id")
        assert segments.loc["c00005", "prospect_class"] in ("win back", "serve lightly")

    def test_a_first_order_within_the_quarter_is_too_new_to_say(self, found):
        table = found[0].copy()
        table.loc[0, "first_order_on"] = pd.Timestamp("2026-07-01")  # first day of 2026Q3
        table.loc[1, "first_order_on"] = pd.Timestamp("2026-06-30")  # last day before it
        segments = run(table).tables["segments"]
        assert list(segments["is_new"].head(2)) == [True, False]
        assert segments.loc[0, "segment_name"] == "Too new to say"
        assert segments.loc[0, "reason"] == "First order on 1 July 2026: too new to say."

    def test_no_order_in_the_year_is_silent_by_rule(self, found):
        table = found[0].copy()
        table.loc[0, ["order_day_year_count", "recency_days"]] = [0, 500]
        segments = run(table).tables["segments"]
        assert segments.loc[0, "segment_id"] == "silent"

    def test_a_missing_column_is_named(self, found):
        with pytest.raises(TableError, match="no column tenure_days"):
            run(found[0].drop(columns="tenure_days"))

    def test_impossible_options_are_all_named(self):
        with pytest.raises(SettingsError, match=r"(?s)most_segments.*height"):
            SegmentationOptions(features=["height"], most_segments=99)


class TestOverrides:
    def test_are_applied_listed_and_explained(self, found):
        table, _, result = found
        name = result.tables["segment_profiles"]["segment_name"].iloc[-1]
        overrides = pd.DataFrame(
            {
                "customer_id": ["c00000", "c00001", "c00002", "nobody", "c00003"],
                "segment_name": [name, "", name, name, "No such name"],
                "prospect_class": ["", "Grow", "", "", ""],
                "author": ["Ada", "Ada", "Ada", "Ada", ""],
                "until_on": ["2026-09-30", "", "2026-09-29", "", ""],  # the quarter's last day
            }
        )
        again = run(table, overrides=overrides)
        segments = again.tables["segments"].set_index("customer_id")
        assert segments.index[segments["is_override"]].tolist() == ["c00000", "c00001"]
        assert segments.loc["c00000", "segment_name"] == name
        assert segments.loc["c00001", "prospect_class"] == "grow"
        assert segments.loc["c00001", "segment_id"] == "s1"
        assert segments.loc["c00000", "reason"].startswith("Set by Ada; the rule says “")
        listed = again.tables["overrides"].set_index("customer_id")["state"].to_dict()
        assert listed == {
            "c00000": "applied",
            "c00001": "applied",
            "c00002": "expired",
            "c00003": "no segment or class of this name",
            "nobody": "customer is not known",
        }
        assert any("3 overrides were not applied" in caveat for caveat in again.caveats)

    @pytest.mark.parametrize(
        ("table", "words"),
        [
            ({"customer": ["c1"]}, "no column customer_id"),
            ({"customer_id": ["c1", "c1"], "segment_name": ["a", "b"]}, "more than one row"),
            ({"customer_id": ["c1"], "until_on": ["30.9.2026"]}, "until_on"),
        ],
    )
    def test_that_cannot_be_read_are_refused(self, found, table, words):
        with pytest.raises(InputError, match=words):
            run(found[0], overrides=pd.DataFrame(table))


class TestMoney:
    def test_growth_of_the_young_is_not_counted(self, found):
        table = found[0].assign(tenure_days=181, revenue_year_before_amount=0.0)
        growth = growth_of(table, factor=365 / 182)  # as much a day as until now
        result = segmentation(table, growth, scope=SCOPE, options=QUICK)
        ahead = result.tables["segment_profiles"]["growth_ahead_ratio"]
        assert ahead.dropna().tolist() == pytest.approx([0.0] * len(ahead.dropna()), abs=1e-6)
        assert len(ahead.dropna()) > 0

    def test_win_back_compares_with_the_mean_of_two_years_and_asks_nothing(self, found):
        table = found[0].assign(revenue_year_before_amount=found[0]["revenue_year_amount"] * 3)
        growth = growth_of(table, factor=0.5)
        result = segmentation(table, growth, scope=SCOPE, options=QUICK)
        finding = next(f for f in result.findings if f.metric == "win_back_amount")
        year = table["revenue_year_amount"].clip(lower=0)
        lost = table["customer_id"].isin(
            result.tables["segments"].query("prospect_class == 'win back'")["customer_id"]
        )
        assert finding.value == pytest.approx(1.5 * year[lost].sum(), abs=1)  # 2 a year, 0.5 ahead
        assert not any("win back" in decision.text for decision in result.decisions)


class TestWords:
    def test_one_customer_is_said_in_the_singular(self, found):
        table = found[0].copy()
        table.loc[0, "revenue_year_before_amount"] *= 4
        table.loc[1, "order_day_year_count"] = 0
        growth = growth_of(table)
        growth.loc[0, "forecast_year_amount"] = 0.0
        cheap = table["revenue_year_amount"].idxmin()
        growth.loc[cheap, "forecast_year_amount"] *= 100
        growth.loc[2, "forecast_year_amount"] = np.nan
        names = pd.DataFrame({"customer_id": ["nobody"], "segment_name": ["x"]})
        result = segmentation(table, growth, None, names, scope=SCOPE, options=QUICK)
        words = [f.text for f in result.findings] + list(result.caveats)
        words += list(result.tables["segment_profiles"]["sentence"])
        words += [chart.alternative_text for chart in result.charts.values()]
        text = " ".join(words)
        assert "1 customer to win back" in text
        assert "1 customer has no forecast" in text
        assert "1 override was not applied" in text
        assert "1 customer without an order" in text
        assert not re.search(r"\b1 (customers|overrides)\b", text)

    def test_alternative_texts_say_what_is_seen(self, found):
        charts = found[2].charts
        for row in found[2].tables["segment_profiles"].itertuples():
            assert row.segment_name in charts["segment_profiles"].alternative_text
        assert "Keep and enlarge: " in charts["prospect_map"].alternative_text

    def test_every_finding_carries_its_claim(self, found):
        for finding in found[2].findings:
            assert finding.metric, finding.text
            assert finding.value is not None, finding.text

    def test_hostile_names_do_not_reach_a_sentence(self, found):
        table = found[0].assign(customer_name="<script>alert(1)</script>")
        result = run(table)
        assert not any("script" in finding.text for finding in result.findings)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(-1e4, 1e6, allow_nan=False),
            st.integers(0, 60),
            st.integers(0, 900),
            st.floats(0, 1e5, allow_nan=False),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_whatever_the_customers_each_gets_one_segment_and_class(rows):
    revenue, orders, recency, returns = (list(column) for column in zip(*rows, strict=True))
    table = customers(
        revenue_year_amount=revenue,
        order_day_year_count=orders,
        recency_days=recency,
        return_year_amount=returns,
    )
    result = run(table, options=SegmentationOptions(bootstraps=2, most_segments=3))
    segments = check_table(result.tables["segments"], SEGMENTS)
    assert list(segments["customer_id"]) == sorted(table["customer_id"])
    assert set(segments["prospect_class"]) <= set(PROSPECT_CLASSES)
    names = segments.groupby("segment_id")["segment_name"].nunique()
    assert (names == 1).all()
    profiles = result.tables["segment_profiles"]
    counted = profiles.set_index("segment_id")["customer_count"]
    expected = segments["segment_id"].value_counts().reindex(counted.index, fill_value=0)
    assert counted.tolist() == expected.tolist()
    assert counted.sum() == len(table)
    classes = result.tables["prospect_classes"].set_index("prospect_class")["customer_count"]
    assert classes[classes > 0].to_dict() == segments["prospect_class"].value_counts().to_dict()
