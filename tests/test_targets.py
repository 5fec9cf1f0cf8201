"""Targets: met as often as designed by everybody, and the company's demand to the cent."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.periods import FiscalCalendar
from analysis.core.problems import SettingsError
from analysis.customers.target_backtest import target_backtest
from analysis.customers.target_bands import LUCKS, attainment, bands, luck_of
from analysis.customers.target_spread import demand_table, demands, reconcile, split_cents
from analysis.customers.targets import (
    TargetOptions,
    draft_targets,
    reachable_share,
)

QUARTER = FiscalCalendar().parse("2026Q3")
NOTHING = pd.DataFrame(columns=["level", "level_id", "low", "value", "high"])


def planted(count: int, seed: int, *, closing: float = 0.0, large_bias: float = 1.0):
    """Return customers whose true level is known: steady ones, and half who rarely buy.

    The forecast is the level; `closing` is the share of the gap that is closed, `large_bias` what
    large customers bring over what is forecast. The last quarter is the level times pure luck.
    """
    random = np.random.default_rng(seed)
    level = np.exp(random.normal(6, 1, count))
    is_steady = np.arange(count) % 2 == 0
    chance = np.where(is_steady, 0.95, 0.2)
    gap = random.choice([0.0, 2.0], count) * level * 4
    luck = random.lognormal(-0.125, 0.5, count)
    is_large = level > np.quantile(level, 0.75)
    mean = chance * level * np.where(is_large, large_bias, 1.0) + closing * gap / 4
    expected = (
        chance * level * mean.sum() / (chance * level).sum() if large_bias > 1 else chance * level
    )
    came = (random.random(count) < chance) * mean / chance * random.lognormal(-0.125, 0.5, count)
    return pd.DataFrame(
        {
            "customer_id": [f"C{n:05d}" for n in range(count)],
            "forecast_quarter_amount": expected,
            "gap_year_amount": gap,
            "active_share": 1.0,
            "revenue_quarter_amount": level * chance * luck,
            "revenue_year_amount": level * chance * (3 + luck),
            "tenure_days": random.integers(100, 1500, count),
            "recency_days": random.integers(0, 90, count),
            "median_gap_days": 30.0,
            "mean_order_day_amount": level,
            "region_id": np.where(np.arange(count) % 3 == 0, "A1", "A2"),
            "rep_id": [f"R{n % 5}" for n in range(count)],
            "actual_amount": np.round(came, 2),
        }
    )


def history(count: int = 1200, quarters: int = 4, **plan: float) -> pd.DataFrame:
    return pd.concat(
        [planted(count, n, **plan).assign(origin=f"2025Q{n}") for n in range(1, quarters + 1)],
        ignore_index=True,
    )


@pytest.fixture(scope="module")
def past() -> pd.DataFrame:
    return history()


@pytest.fixture(scope="module")
def now() -> pd.DataFrame:
    return planted(3000, 99)


@pytest.fixture(scope="module")
def drafted(now: pd.DataFrame, past: pd.DataFrame) -> pd.DataFrame:
    return draft_targets(now, past)


class TestDrafts:
    def test_every_customer_has_one_target_with_a_reason(self, drafted, now) -> None:
        assert drafted["customer_id"].tolist() == sorted(now["customer_id"])
        assert (drafted["target_amount"] >= 0).all()
        assert (drafted["stretch_amount"] >= drafted["target_amount"]).all()
        assert (drafted["reason"] != "").all()

    def test_who_rarely_buys_is_in_a_pool_and_nobody_else(self, drafted, now) -> None:
        is_steady = np.arange(len(now)) % 2 == 0
        assert drafted["is_pooled"][~is_steady].mean() > 0.9
        assert drafted["is_pooled"][is_steady].mean() < 0.1
        assert ((drafted["pool_id"] != "") == drafted["is_pooled"]).all()

    @pytest.mark.parametrize("share", [0.35, 0.5, 0.65])
    def test_targets_are_met_as_often_as_designed_in_every_band(self, share) -> None:
        past, now = history(4000, large_bias=1.5), planted(8000, 99, large_bias=1.5)
        grades = self._grades(past, now, share)
        large = grades[grades["customer_count"] >= 500]  # smaller ones vary by two points alone
        assert len(large) > 15
        assert large["attained_share"].sub(share).abs().max() < 0.06

    def _grades(self, past: pd.DataFrame, now: pd.DataFrame, share: float) -> pd.DataFrame:
        options = TargetOptions(attained_share=share, stretch_attained_share=0.2, shock_share=0.01)
        grades = attainment(draft_targets(now, past, options), now, bands(now))
        return grades[grades["band_kind"] != "pool"]

    def test_the_stretch_is_met_as_often_as_designed(self, drafted, now) -> None:
        own = drafted[~drafted["is_pooled"]]
        came = now.set_index("customer_id")["actual_amount"].reindex(own["customer_id"])
        assert (came.to_numpy() >= own["stretch_amount"]).mean() == pytest.approx(0.2, abs=0.06)

    def test_luck_of_the_last_quarter_does_not_raise_the_target(self, past, now) -> None:
        # The forecast is the true level; a ratchet would ask more of who was lucky.
        lucky = now.assign(
            revenue_quarter_amount=now["revenue_quarter_amount"] * 3,
            revenue_year_amount=now["revenue_year_amount"] + 2 * now["revenue_quarter_amount"],
        )
        before, after = draft_targets(now, past), draft_targets(lucky, past)
        own = ~before["is_pooled"] & ~after["is_pooled"]
        was_lucky = bands(now)["luck"].eq(LUCKS[-1]).to_numpy()
        raised = after["target_amount"] / before["target_amount"]
        assert raised[own & ~was_lucky].median() < 1.05

    def test_a_pool_sums_to_what_such_customers_bring(self, drafted, now) -> None:
        pooled = drafted[drafted["is_pooled"]]
        came = now.set_index("customer_id")["actual_amount"].reindex(pooled["customer_id"]).sum()
        assert pooled["target_amount"].sum() == pytest.approx(came, rel=0.2)

    def test_does_not_depend_on_order_and_leaves_its_input_unchanged(self, past, now) -> None:
        mixed = [table.sample(frac=1, random_state=5) for table in (now, past)]
        copies = [table.copy() for table in mixed]
        pd.testing.assert_frame_equal(draft_targets(*mixed), draft_targets(now, past))
        for table, copy in zip(mixed, copies, strict=True):
            pd.testing.assert_frame_equal(table, copy)

    @pytest.mark.parametrize("rows", [0, 20])
    def test_with_twenty_customers_only_their_sum_is_a_target(self, past, rows) -> None:
        found = draft_targets(planted(20, 3), past.head(rows))
        assert found["is_pooled"].all()
        assert found["pool_id"].nunique() == 1
        assert found["target_amount"].sum() > 0
        assert found["reason"].str.contains("too few earlier quarters").all()

    def test_hard_customers_get_a_target_that_is_a_number(self, past) -> None:
        table = planted(60, 3).astype({"median_gap_days": float})
        table.loc[0, "median_gap_days"] = np.nan  # one purchase only
        table.loc[1, "tenure_days"] = 0  # new this quarter
        table.loc[2, ["revenue_year_amount", "forecast_quarter_amount"]] = (-500.0, 0.0)  # returns
        table.loc[3, "revenue_quarter_amount"] = 1e8  # one giant order
        table.loc[4, ["active_share", "recency_days"]] = (0.001, 900)  # dormant
        table.loc[5, "gap_year_amount"] = np.nan  # no peers
        found = draft_targets(table, past)
        assert np.isfinite(found[["target_amount", "stretch_amount"]]).all(axis=None)
        assert (found["target_amount"] >= 0).all()

    def test_refuses_impossible_options_at_once(self) -> None:
        with pytest.raises(SettingsError, match=r"(?s)stretch_attained_share.*shock_share"):
            TargetOptions(stretch_attained_share=0.7, shock_share=0)


class TestReach:
    def test_finds_the_share_of_gaps_that_customers_closed(self) -> None:
        found = reachable_share(history(3000, closing=0.3))
        assert not found.is_assumed
        assert found.share == pytest.approx(0.3, abs=0.1)
        assert found.low_share <= found.share <= found.high_share

    def test_gaps_that_nobody_closed_are_not_reachable(self, past) -> None:
        assert reachable_share(past).share < 0.05

    def test_is_an_assumption_with_too_few_quarters_and_says_so(self, now, past) -> None:
        once = past[past["origin"] == "2025Q1"]
        assert reachable_share(once).is_assumed
        assert reachable_share(once).share == TargetOptions().assumed_reach_share
        assert draft_targets(now, once)["reason"].str.contains("assumed").any()


class TestGrades:
    TARGETS = pd.DataFrame(
        {
            "customer_id": ["A", "B", "C", "D", "E"],
            "target_amount": [10.0, 10.0, 0.0, 5.0, 5.0],  # C's would always be met
            "is_pooled": [False, False, False, True, True],
            "pool_id": ["", "", "", "P", "P"],
        }
    )
    ACTUAL = pd.DataFrame({"customer_id": ["A", "D"], "actual_amount": [10.0, 12.0]})

    def test_counts_targets_above_zero_and_each_pool_once(self) -> None:
        known = pd.DataFrame({"customer_id": list("ABCDE"), "size": list("xyxxy")})
        found = attainment(self.TARGETS, self.ACTUAL, known).set_index(["band_kind", "band"])
        counts = found[["customer_count", "attained_count"]].to_numpy().tolist()
        assert list(found.index) == [("all", ""), ("size", "x"), ("size", "y"), ("pool", "")]
        assert counts == [[2, 1], [1, 1], [1, 0], [1, 1]]
        assert found.loc[("all", ""), "attained_low_share"] < 0.5

    def test_luck_is_missing_without_a_level_and_zero_at_it(self) -> None:
        table = pd.DataFrame(
            {
                "tenure_days": [100, 1000, 1000, 1000],
                "revenue_quarter_amount": [50.0, 100.0, 300.0, 0.0],
                "revenue_year_amount": [50.0, 400.0, 600.0, 300.0],
                "mean_order_day_amount": [50.0, 50.0, 50.0, 50.0],
            }
        )
        luck = luck_of(table)
        assert np.isnan(luck[0])
        assert luck[1] == pytest.approx(0)
        assert luck[2] > 0.35
        assert luck[3] < -0.35

    def test_a_replay_sees_earlier_quarters_only(self, past) -> None:
        whole = target_backtest(past)
        early = target_backtest(past[past["origin"] <= "2025Q3"])
        same = whole[whole["origin"].isin(["2025Q2", "2025Q3"])].reset_index(drop=True)
        again = early[early["origin"] != ""].reset_index(drop=True)
        pd.testing.assert_frame_equal(same, again)
        assert set(whole["origin"]) == {"", "2025Q2", "2025Q3", "2025Q4"}
        every = whole[whole["band_kind"] == "all"].set_index("origin")["attained_share"]
        assert every["2025Q4"] == pytest.approx(0.5, abs=0.06)

    def test_a_replay_of_one_quarter_has_nothing_to_say(self, past) -> None:
        assert target_backtest(past[past["origin"] == "2025Q1"]).empty


def declared(*rows: tuple[object, ...]) -> pd.DataFrame:
    columns = ["level", "level_id", "value", "set_on", "metric", "starts_on", "ends_on"]
    filled = [(*row, "revenue_amount", "2026-07-01", "2026-09-30")[:7] for row in rows]
    return pd.DataFrame(filled, columns=columns).assign(low=None, high=None)


class TestDemands:
    AS_OF = date(2026, 6, 30)

    def test_takes_the_last_one_set_for_the_quarter_in_time(self) -> None:
        table = pd.concat(
            [
                declared(
                    ("company", None, 100.0, "2026-05-01"),
                    ("company", None, 120.0, "2026-06-01"),
                    ("company", None, 500.0, "2026-07-15"),  # not known yet
                    ("region", "A1", 70.0, None),
                    ("rep", "R1", 9.0, "2026-05-01"),
                ),
                declared(("company", None, 1.0, "2026-06-02")).assign(metric="win_share"),
                declared(("company", None, 1.0, "2026-06-02")).assign(ends_on="2026-12-31"),
            ],
            ignore_index=True,
        )
        found = demands(table, QUARTER, as_of=self.AS_OF)
        assert found[["level", "level_id", "value"]].to_numpy().tolist() == [
            ["company", "", 120.0],
            ["region", "A1", 70.0],
        ]

    def test_the_settings_can_say_it_but_not_otherwise(self) -> None:
        table = declared(("company", None, 120.0, "2026-06-01"))
        assert len(demands(table, QUARTER, as_of=self.AS_OF, company_amount=120)) == 1
        alone = demands(None, QUARTER, as_of=self.AS_OF, company_amount=99.5)
        assert alone["value"].tolist() == [99.5]
        with pytest.raises(SettingsError, match=r"99\.50, while the table targets has 120\.00"):
            demands(table, QUARTER, as_of=self.AS_OF, company_amount=99.5)

    def test_two_targets_of_one_day_are_refused(self) -> None:
        table = declared(("company", None, 1.0, "2026-06-01"), ("company", None, 2.0, "2026-06-01"))
        with pytest.raises(SettingsError, match="set on the same day"):
            demands(table, QUARTER, as_of=self.AS_OF)

    def test_what_others_bring_is_taken_off_and_regions_still_sum_to_the_company(self) -> None:
        rows = [("region", f"A{n}", 33.33, "2026-06-01") for n in range(3)]
        table = declared(("company", None, 99.99, "2026-06-01"), *rows)
        found = demands(table, QUARTER, as_of=self.AS_OF, others_amount=10.0)
        cents = (found["value"] * 100).round().astype(int)
        assert cents[0] == 8999
        assert cents[1:].sum() == cents[0]

    def test_rounded_targets_of_regions_are_made_to_sum_to_the_company(self) -> None:
        rows = [
            ("region", name, value, "2026-06-01")
            for name, value in zip("AB", (400.0, 600.2), strict=True)
        ]
        table = declared(("company", None, 1000.0, "2026-06-01"), *rows)
        found = demands(table, QUARTER, as_of=self.AS_OF)["value"]
        assert cents_of(found)[1:].sum() == 100_000
        # Half a per cent is not rounding: somebody wants it so.
        table.loc[2, "value"] = 605.0
        assert demands(table, QUARTER, as_of=self.AS_OF)["value"].tolist() == [1000.0, 400.0, 605.0]

    def test_nothing_demanded_is_an_empty_table(self) -> None:
        assert demands(None, QUARTER, as_of=self.AS_OF).empty


CENTS = st.integers(0, 10**9)


@st.composite
def companies(draw) -> dict[str, object]:
    """Give customers with bounds and locks that do not contradict each other."""
    count = draw(st.integers(1, 12))
    drafts = draw(st.lists(CENTS, min_size=count, max_size=count))
    ids = [f"C{n:02d}" for n in range(count)]
    floors, ceilings, locks = {}, {}, {}
    for name in ids:
        low, high = sorted((draw(CENTS), draw(CENTS)))
        kind = draw(st.sampled_from(["free", "floor", "ceiling", "both", "locked"]))
        if kind in ("floor", "both"):
            floors[name] = low / 100
        if kind in ("ceiling", "both"):
            ceilings[name] = high / 100
        if kind == "locked":
            locks[name] = low / 100
    spread = draw(st.lists(CENTS, min_size=count, max_size=count))
    table = pd.DataFrame(
        {
            "customer_id": ids,
            "target_amount": np.array(drafts) / 100,
            "region_id": [("A1", "A2")[n % 2] for n in range(count)],
            "forecast_quarter_low_amount": np.maximum(np.array(drafts) - spread, 0) / 100,
            "forecast_quarter_high_amount": (np.array(drafts) + spread) / 100,
        }
    )
    return {"targets": table, "floors": floors, "ceilings": ceilings, "locked": locks}


def company(cents: int) -> pd.DataFrame:
    row = {"level": "company", "level_id": "", "low": None, "value": cents / 100, "high": None}
    return pd.DataFrame([row])


def cents_of(amounts: pd.Series) -> np.ndarray:
    return (amounts * 100).round().astype("int64").to_numpy()


def limits(plan: dict[str, object]) -> tuple[int, int | None]:
    """Return the least and the most that can be demanded; None where nothing limits it."""
    least, most = 0, 0
    for name in plan["targets"]["customer_id"]:
        lock = plan["locked"].get(name)
        low = lock if lock is not None else plan["floors"].get(name, 0.0)
        high = lock if lock is not None else plan["ceilings"].get(name)
        least += round(low * 100)
        most = None if most is None or high is None else most + round(high * 100)
    return least, most


class TestSpread:
    @settings(max_examples=150, deadline=None)
    @given(companies(), st.integers(0, 10**10), st.integers(0, 10**6))
    def test_sums_to_the_cent_within_all_bounds_or_is_refused(self, plan, total, more) -> None:
        least, most = limits(plan)
        if total < least or (most is not None and total > most):
            with pytest.raises(SettingsError, match=r"demanded of \d+ customers(?s:.)*by [\d,.]+"):
                reconcile(demanded=company(total), **plan)
            return
        found = reconcile(demanded=company(total), **plan).set_index("customer_id")
        target = found["target_amount"]
        assert cents_of(target).sum() == total
        for name, low in plan["floors"].items():
            assert target[name] >= low
        for name, high in plan["ceilings"].items():
            assert target[name] <= high
        for name, lock in plan["locked"].items():
            assert target[name] == lock
            assert found.loc[name, "is_locked"]
        assert (target >= 0).all()
        higher = total + more
        if most is None or higher <= most:
            raised = reconcile(demanded=company(higher), **plan)["target_amount"]
            assert (cents_of(raised) >= cents_of(target)).all()

    @settings(max_examples=60, deadline=None)
    @given(companies(), st.integers(0, 10**9), st.randoms(use_true_random=False))
    def test_order_of_rows_does_not_matter(self, plan, extra, random) -> None:
        least, most = limits(plan)
        total = least + extra if most is None else min(least + extra, most)
        rows = list(range(len(plan["targets"])))
        random.shuffle(rows)
        mixed = plan | {"targets": plan["targets"].iloc[rows]}
        pd.testing.assert_frame_equal(
            reconcile(demanded=company(total), **plan), reconcile(demanded=company(total), **mixed)
        )

    @settings(max_examples=60, deadline=None)
    @given(companies(), st.integers(0, 10**9), st.integers(0, 10**9))
    def test_regions_are_nested_in_the_company(self, plan, region, rest) -> None:
        plan = plan | {"floors": {}, "ceilings": {}, "locked": {}}
        has_rest = len(plan["targets"]) > 1
        total = region + rest * has_rest
        row = {"level": "region", "level_id": "A1", "value": region / 100}
        demanded = pd.concat([company(total), pd.DataFrame([row])], ignore_index=True)
        found = reconcile(demanded=demanded, **plan)
        inside = found["region_id"] == "A1"
        assert cents_of(found["target_amount"][inside]).sum() == region
        assert cents_of(found["target_amount"]).sum() == total
        beside = demand_table(found, demanded).set_index("level")["target_amount"]
        assert round(beside["company"] * 100) == total
        assert round(beside["region"] * 100) == region

    def test_without_a_demand_everybody_keeps_his_draft(self) -> None:
        table = pd.DataFrame({"customer_id": ["B", "A"], "target_amount": [2.0, 1.0]})
        found = reconcile(table, NOTHING)
        assert found["target_amount"].tolist() == [1.0, 2.0]

    def test_a_raise_goes_where_there_is_room_and_a_cut_likewise(self) -> None:
        table = pd.DataFrame(
            {
                "customer_id": ["A", "B", "C"],
                "target_amount": [100.0, 100.0, 100.0],
                "forecast_quarter_low_amount": [90.0, 70.0, 100.0],
                "forecast_quarter_high_amount": [130.0, 110.0, 100.0],
            }
        )
        raised = reconcile(table, company(34_000))["target_amount"]
        assert raised.tolist() == pytest.approx([130.0, 110.0, 100.0], abs=0.02)
        cut = reconcile(table, company(26_000))["target_amount"]
        assert cut.tolist() == pytest.approx([90.0, 70.0, 100.0], abs=0.02)

    def test_an_infeasible_demand_says_by_how_much(self) -> None:
        table = pd.DataFrame({"customer_id": ["A", "B"], "target_amount": [10.0, 20.0]})
        with pytest.raises(SettingsError, match=r"(?s)100.00 demanded.*at most 75.00.*by 25.00"):
            reconcile(table, company(10_000), ceilings={"A": 50, "B": 25})
        with pytest.raises(SettingsError, match=r"(?s)5.00 demanded.*at least 12.00.*by 7.00"):
            reconcile(table, company(500), floors={"A": 12})

    def test_regions_beyond_the_company_are_refused(self) -> None:
        table = pd.DataFrame(
            {"customer_id": ["A", "B"], "target_amount": [1.0, 1.0], "region_id": ["X", None]}
        )
        row = {"level": "region", "level_id": "X", "value": 30.0}
        demanded = pd.concat([company(2_000), pd.DataFrame([row])], ignore_index=True)
        with pytest.raises(
            SettingsError, match=r"(?s)after its regions.*-10.00 demanded.*by 10.00"
        ):
            reconcile(table, demanded)

    def test_contradictions_and_strangers_are_named_all_at_once(self) -> None:
        table = pd.DataFrame({"customer_id": ["A", "B"], "target_amount": [1.0, 1.0]})
        with pytest.raises(SettingsError, match=r"(?s)customer A.*customer B"):
            reconcile(table, NOTHING, floors={"A": 5}, ceilings={"A": 4, "B": 3}, locked={"B": 9})
        with pytest.raises(SettingsError, match=r"(?s)floors.*Z.*locked targets.*Y"):
            reconcile(table, NOTHING, floors={"Z": 5}, locked={"Y": 9})

    def test_a_customer_of_the_targets_table_is_locked(self) -> None:
        table = pd.DataFrame({"customer_id": ["A", "B"], "target_amount": [1.0, 1.0]})
        row = {"level": "customer", "level_id": "A", "value": 7.5}
        demanded = pd.concat([company(1_000), pd.DataFrame([row])], ignore_index=True)
        found = reconcile(table, demanded)
        assert found["target_amount"].tolist() == [7.5, 2.5]
        assert found["is_locked"].tolist() == [True, False]

    @given(st.integers(0, 10**12), st.lists(st.floats(0, 1e9), min_size=1, max_size=30))
    def test_parts_of_a_pool_sum_to_it(self, total, weights) -> None:
        parts = split_cents(total, np.array(weights))
        assert parts.sum() == total
        assert (parts >= 0).all()
