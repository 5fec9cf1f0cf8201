"""What people read of segments holds: rules, alternatives, actions, usefulness, worth, choices."""

import re

import numpy as np
import pandas as pd
import pytest
from segmentation_examples import SCOPE, customers, growth_of, planted

from analysis.customers.behaviour_features import behaviour_features
from analysis.customers.lifetime_value import LifetimeOptions
from analysis.customers.segment_actions import merge_groups, segment_actions
from analysis.customers.segment_alternatives import raw_value
from analysis.customers.segment_anchor import read_anchor
from analysis.customers.segment_choices import CLASS, SEGMENT, changed_share
from analysis.customers.segment_evidence import Evidence
from analysis.customers.segment_transform import fit_transform
from analysis.customers.segment_usefulness import (
    CATEGORIES,
    GROWS,
    RETURNS,
    past_year,
    usefulness_table,
)
from analysis.customers.segment_worth import Worth, spreads, worth_by_group
from analysis.customers.segmentation import SegmentationOptions, segmentation

QUICK = SegmentationOptions(bootstraps=6, most_segments=4)
LENIENT = SegmentationOptions(
    bootstraps=2,
    fewest_segments=3,
    most_segments=3,
    least_ari=0,
    least_jaccard=0,
    least_strength=0,
    largest_share=1,
)
THREE = ("order_days_per_year", "order_day_amount", "return_share")


@pytest.fixture(scope="module")
def table():
    return planted()[0]


@pytest.fixture(scope="module")
def result(table):
    return segmentation(table, growth_of(table), scope=SCOPE, options=QUICK)


def overlapping(seed):
    """Return customers of three kinds that run into each other, some of whom return goods."""
    rng = np.random.default_rng(seed)
    kind = np.repeat([0, 1, 2], [100, 150, 200])
    orders = np.round(np.array([40, 14, 4])[kind] * rng.lognormal(0, 0.35, 450)).clip(1)
    amount = np.array([900.0, 300.0, 90.0])[kind] * rng.lognormal(0, 0.4, 450)
    share = np.where(rng.random(450) < 0.4, rng.uniform(0, 0.2, 450), 0.0)
    return customers(
        order_day_year_count=orders.astype(int),
        mean_order_day_amount=amount,
        revenue_year_amount=orders * amount,
        revenue_year_before_amount=orders * amount * rng.lognormal(0, 0.4, 450),
        return_year_amount=orders * amount * share,
        recency_days=np.round(rng.exponential(np.array([8, 30, 110])[kind])).astype(int),
        product_year_count=np.round(np.array([40, 15, 4])[kind] * rng.lognormal(0, 0.4, 450)),
    )


def read_as_a_person(rules, behaviour):
    """Place customers by the printed text and their values alone; nothing of the product."""
    columns = {
        "order days a year": "order_days_per_year",
        "money per order day": "order_day_amount",
        "silence in own gaps": "silence_gaps",
        "trend": "trend_change_share",
        "returns": "return_share",
        "products a year": "product_year_count",
    }
    found = pd.Series("nowhere", index=behaviour.index)
    for name, text in rules.items():
        for leaf in text.split(" — or "):
            inside = pd.Series(True, index=behaviour.index)
            for said in leaf.split(", and "):
                label, side, value = re.fullmatch(r"(.+) (below|at least) (\S.*)", said).groups()
                number = float(re.sub(r"[^\d.−-]", "", value).replace("−", "-"))
                number /= 100 if "%" in value else 1
                values = behaviour[columns[label]]
                inside &= values < number if side == "below" else values >= number
            found[inside] = name
    return found


class TestRules:
    @pytest.mark.parametrize("seed", [0, 1])
    def test_a_reader_of_the_text_alone_is_right_eight_times_in_ten(self, seed):
        mine = overlapping(seed)
        tables = segmentation(mine, growth_of(mine), scope=SCOPE, options=LENIENT).tables
        profiles, segments = tables["segment_profiles"], tables["segments"]
        told = profiles[profiles["segment_id"].str.fullmatch(r"s\d")]
        assert len(told) == 3
        rules = dict(zip(told["segment_id"], told["rule"], strict=True))
        found = read_as_a_person(rules, tables["behaviour"])
        share = (found == segments["segment_id"]).mean()
        assert share >= 0.8
        weights = told["customer_count"]
        printed = np.average(told["rule_fidelity_share"], weights=weights)
        assert share == pytest.approx(printed, abs=0.02)

    def test_stay_as_they_were_printed_while_the_segments_do(self, table, result):
        anchor = result.tables["segment_anchor"]
        kept = table.iloc[::2]
        again = segmentation(kept, growth_of(kept), anchor, scope=SCOPE, options=QUICK)
        for name in ("segment_name", "rule", "what_to_do"):
            expected = result.tables["segment_profiles"][name]
            assert again.tables["segment_profiles"][name].tolist() == expected.tolist()

    def test_their_share_is_said(self, result):
        texts = [finding.text for finding in result.findings]
        assert any(text.startswith("The printed rules place 1") for text in texts), texts


class TestAlternatives:
    def test_the_change_that_is_named_moves_the_customer(self):
        table = overlapping(0)
        result = segmentation(table, growth_of(table), scope=SCOPE, options=LENIENT)
        anchor = read_anchor(result.tables["segment_anchor"])
        features = behaviour_features(table, anchor.typical_gap)
        named = result.tables["segment_alternatives"].set_index(table.index)
        pattern = r"with \d+ (?:more|fewer) order days? a year \((\d+) instead"
        target = named["what_would_move"].str.extract(pattern)[0].dropna().astype(float)
        assert len(target) > 0
        moved = features.loc[target.index].assign(order_days_per_year=target)
        ids = np.array(anchor.cluster_ids)[anchor.distances(moved).argmin(axis=1)]
        assert (ids == named.loc[target.index, "nearest_segment_id"]).all()

    def test_every_customer_has_a_row_and_the_nearest_is_another(self, table, result):
        rows = result.tables["segment_alternatives"]
        segments = result.tables["segments"]
        assert rows["customer_id"].tolist() == segments["customer_id"].tolist()
        assert (rows["nearest_segment_id"] != segments["segment_id"]).all()
        assert rows["distance_margin_share"].between(0, 1).all()
        assert (rows["what_would_move"] != "").all()

    def test_who_is_new_silent_or_kept_by_an_analyst_is_told_so(self, table, result):
        mine = table.copy()
        mine.loc[0, "first_order_on"] = pd.Timestamp("2026-08-01")
        mine.loc[1, "order_day_year_count"] = 0
        name = result.tables["segment_profiles"]["segment_name"].iloc[-1]
        kept = pd.DataFrame({"customer_id": ["c00002"], "segment_name": [name]})
        anchor = result.tables["segment_anchor"]
        rows = segmentation(mine, None, anchor, kept, scope=SCOPE, options=QUICK).tables
        said = rows["segment_alternatives"]["what_would_move"]
        assert said[0].startswith("Too new to say; so far it resembles")
        assert said[1] == "One order would show again how it buys."
        assert said[2] == "Kept here by an analyst."

    def test_the_transform_is_inverted(self):
        rng = np.random.default_rng(0)
        frame = pd.DataFrame(
            {"trend": rng.normal(size=300), "silence_gaps": rng.exponential(size=300)}
        )
        transform = fit_transform(frame, ("silence_gaps", "trend"))
        points = transform.apply(frame)
        for place, name in enumerate(transform.features):
            inner = np.abs(points[:, place]) < 2
            inner &= frame[name].between(transform.low[place], transform.high[place]).to_numpy()
            back = raw_value(transform, place, points[:, place])
            assert back[inner] == pytest.approx(frame[name].to_numpy()[inner], abs=1e-6)


class TestActions:
    def test_every_segment_has_one_of_its_own(self, result):
        actions = result.tables["segment_profiles"]["what_to_do"]
        assert actions.is_unique
        assert (actions != "").all()

    def test_one_without_is_merged_with_the_nearest_by_size(self):
        centres = np.array([[2.0, 0.0, 0.0], [1.0, 0.0, 0.0], [-1.5, 0.0, 0.0]])
        assert segment_actions(centres, THREE)[1] == ""
        merged = merge_groups(centres, np.array([10, 30, 50]), THREE)
        assert merged.tolist() == [[1.25, 0.0, 0.0], [-1.5, 0.0, 0.0]]

    def test_nothing_is_merged_where_each_has_its_own(self):
        centres = np.array([[2.0, 1.5, 0.0], [1.0, 0.9, 0.0], [-1.5, 0.0, 0.0]])
        assert merge_groups(centres, np.ones(3), THREE).tolist() == centres.tolist()


def year_apart(seed=0, count=600, told=True):
    """Return a year's two ends: kinds of one revenue grow or shrink, if `told` by their kind."""
    rng = np.random.default_rng(seed)
    kind = np.arange(count) % 2
    orders, amount = np.array([60, 6])[kind], np.array([50.0, 500.0])[kind]
    noise = rng.lognormal(0, 0.2, count)
    before = customers(
        order_day_year_count=orders,
        mean_order_day_amount=amount * noise,
        revenue_year_amount=orders * amount * noise,
        product_year_count=np.array([50, 4])[kind] + rng.integers(0, 3, count),
        recency_days=np.array([4, 60])[kind],
    )
    group = kind if told else rng.integers(0, 2, count)
    factor = np.where(group == 1, 0.5, 1.5) * rng.lognormal(0, 0.3, count)
    returned = np.where(rng.random(count) < np.where(group == 1, 0.7, 0.1), 10.0, 0.0)
    after = before.assign(
        revenue_year_amount=before["revenue_year_amount"] * factor, return_year_amount=returned
    )
    bought = before.loc[rng.random(count) < np.where(group == 1, 0.9, 0.2), ["customer_id"]]
    categories = bought.assign(product_category="Tools", sale_year_amount=1.0)
    origin = before.assign(origin="2025Q3")
    return before, after, Evidence(origin, categories)


class TestUsefulness:
    def judged(self, told):
        before, after, evidence = year_apart(told=told)
        options = SegmentationOptions(bootstraps=4, most_segments=2, largest_share=0.8)
        made = segmentation(before, None, scope=SCOPE, options=options)
        anchor = read_anchor(made.tables["segment_anchor"])
        past = past_year(after, evidence, SCOPE)
        return usefulness_table(past, evidence, anchor, 0).set_index("question")

    def test_segments_that_tell_the_year_ahead_are_better_than_revenue_bins(self):
        table = self.judged(told=True)
        assert list(table.index) == [GROWS, RETURNS, CATEGORIES]
        assert (table["verdict"] == "better").all()
        assert (table["difference_low_share"] < table["difference_share"]).all()

    def test_segments_that_tell_nothing_are_not_called_better(self):
        assert (self.judged(told=False)["verdict"] == "cannot conclude").all()

    def test_nothing_is_judged_without_a_year_of_history(self, table, result):
        assert past_year(table, Evidence(), SCOPE) is None
        assert "usefulness" not in result.tables

    def test_lifetime_value_and_verdict_reach_the_chapter(self):
        _, after, evidence = year_apart()
        options = SegmentationOptions(bootstraps=4, most_segments=2, largest_share=0.8)
        made = segmentation(
            after, growth_of(after), None, None, evidence, scope=SCOPE, options=options
        )
        assert any(f.metric == "usefulness_difference_share" for f in made.findings)
        assert (made.tables["customer_lifetime"]["lifetime_amount"] > 0).all()
        profiles = made.tables["segment_profiles"]
        total = made.tables["customer_lifetime"]["lifetime_amount"].sum()
        assert profiles["lifetime_amount"].sum() == pytest.approx(total, abs=0.05)


def totals_of(deviation, forecast, shock, regions):
    """Return totals as growth makes them, of the quarter and the year alike."""
    rows = []
    groups = [("company", np.ones(len(regions), bool))]
    groups += [("region", regions == name) for name in np.unique(regions)]
    for level, mine in groups:
        total = forecast[mine].sum()
        width = 1.2816 * np.hypot(np.sqrt((deviation[mine] ** 2).sum()) / total, shock)
        row = {"level": level}
        for span in ("quarter", "year"):
            row |= {f"forecast_{span}_amount": total}
            row |= {f"forecast_{span}_low_amount": total * np.exp(-width)}
            row |= {f"forecast_{span}_high_amount": total * np.exp(width)}
        rows.append(row)
    return pd.DataFrame(rows)


class TestWorth:
    def table(self):
        rng = np.random.default_rng(0)
        forecast = rng.uniform(50, 500, 400)
        deviation = 0.8 * forecast
        mine = pd.DataFrame({"group": np.arange(400) % 4, "segment_id": "s1"})
        for span in ("quarter", "year"):
            mine[f"forecast_{span}_amount"] = forecast
            # Ends of customers are only as wide as they are relative to each other.
            mine[f"forecast_{span}_low_amount"] = forecast - deviation
            mine[f"forecast_{span}_high_amount"] = forecast + deviation
        totals = totals_of(deviation, forecast, 0.1, np.arange(400) % 5)
        return mine, totals, deviation

    def test_the_shared_shock_and_the_customers_own_part_are_read_back(self):
        mine, totals, deviation = self.table()
        found = spreads(mine, totals)["year"]
        assert found.shock == pytest.approx(0.1, abs=1e-6)
        assert found.deviation == pytest.approx(deviation, rel=1e-6)

    def test_sums_of_groups_are_as_unsure_as_the_shock_and_their_customers_make_them(self):
        mine, totals, deviation = self.table()
        worth = Worth(spreads(mine, totals), None, pd.DataFrame(), LifetimeOptions())
        row = worth_by_group(mine, "group", worth).iloc[0]
        first = mine["group"].to_numpy() == 0
        total = mine.loc[first, "forecast_year_amount"].sum()
        width = 1.2816 * np.hypot(np.sqrt((deviation[first] ** 2).sum()) / total, 0.1)
        assert row["forecast_year_high_amount"] == pytest.approx(total * np.exp(width), rel=1e-6)
        assert row["forecast_year_amount"] == pytest.approx(total, abs=0.01)

    def test_without_totals_there_is_no_interval(self, result):
        profiles = result.tables["segment_profiles"]
        assert profiles["forecast_year_low_amount"].isna().all()
        assert profiles["forecast_year_amount"].notna().all()


class TestChoices:
    def test_are_compared_with_the_published_segments(self, table, result):
        other = SegmentationOptions(bootstraps=6, most_segments=2, largest_share=0.8)
        anchor = result.tables["segment_anchor"]
        made = segmentation(table, growth_of(table), anchor, scope=SCOPE, options=other)
        choices = made.tables["choices"]
        moved, total = changed_share(choices, SEGMENT)
        assert total == len(table)
        assert moved == 60 or moved == 100 or moved == 140  # one kind has lost its segment
        assert changed_share(choices, CLASS) == (0, len(table))
        assert any("These choices put" in finding.text for finding in made.findings)

    def test_are_nothing_to_speak_of_where_none_was_made(self, table, result):
        anchor = result.tables["segment_anchor"]
        again = segmentation(table, growth_of(table), anchor, scope=SCOPE, options=QUICK)
        assert "choices" not in again.tables


class TestPromising:
    def test_is_named_with_money_and_what_enlarges_it(self, table):
        growth = growth_of(table).assign(next_products=[["Clips", "Nails"]] * len(table))
        made = segmentation(table, growth, scope=SCOPE, options=QUICK)
        classes = made.tables["prospect_classes"]
        name = classes.loc[classes["is_most_promising"], "prospect_class"].iloc[0]
        finding = next(f for f in made.findings if f.metric == "promising_forecast_amount")
        assert finding.text.startswith(f"Most promising is “{name}”")
        assert "margin" in finding.text
        assert "First to offer: Clips" in finding.detail
        assert name in made.decisions[0].text

    def test_nothing_is_said_to_grow_that_the_interval_does_not_show(self, table, result):
        finding = next(f for f in result.findings if f.metric == "promising_forecast_amount")
        assert "more than now" not in finding.text
