"""Fairness of targets: a planted unfairness is named, chance among many reps is not; limits."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.core.periods import FiscalCalendar
from analysis.core.scope import Scope
from analysis.customers.growth_targets import (
    TargetsAsked,
    set_targets,
    target_caveats,
    target_findings,
)
from analysis.customers.target_bands import COLUMNS, attainment
from analysis.customers.target_fairness import fairness_finding, fairness_table, fairness_tables
from analysis.customers.targets import TargetOptions

SCOPE = Scope(FiscalCalendar().parse("2026Q2"))
NO_TOTALS = pd.DataFrame({"level_id": [], "forecast_quarter_amount": []})


def grades(chances: dict[str, float], each: int, seed: int) -> pd.DataFrame:
    """Return grades of targets that the reps' customers met with these chances."""
    random = np.random.default_rng(seed)
    reps = np.repeat(list(chances), each)
    ids = [f"C{n}" for n in range(len(reps))]
    met = random.random(len(reps)) < np.repeat(list(chances.values()), each)
    targets = pd.DataFrame(
        {
            "customer_id": ids,
            "target_amount": 10.0,
            "stretch_amount": 20.0,
            "is_pooled": False,
            "pool_id": "",
        }
    )
    came = pd.DataFrame({"customer_id": ids, "actual_amount": np.where(met, 10.0, 0.0)})
    graded = attainment(targets, came, pd.DataFrame({"customer_id": ids, "rep": reps}))
    return graded.assign(origin="", design_share=0.5)


def words(finding) -> str:
    return f"{finding.text} {finding.detail}".replace("\u00a0", " ")


ALIKE = {f"R{n:02d}": 0.5 for n in range(58)}


class TestManyReps:
    def test_reps_who_differ_by_chance_alone_are_not_named(self) -> None:
        named = [
            fairness_table(grades(ALIKE, 200, seed))["beyond_chance_count"].iloc[0]
            for seed in range(12)
        ]
        assert np.mean(np.array(named) > 0) <= 0.2  # 5 % are meant

    def test_all_reps_lie_within_the_range_of_chance_in_most_cases(self) -> None:
        rows = pd.concat([fairness_table(grades(ALIKE, 200, seed)) for seed in range(12)])
        held = (rows["lowest_share"] >= rows["chance_low_share"]) & (
            rows["highest_share"] <= rows["chance_high_share"]
        )
        assert held.mean() >= 0.8  # 95 % are meant
        # Tighter would be no limit: the farthest of 58 lies well beyond an interval for one.
        assert (rows["chance_low_share"] < 0.5 - 1.96 * np.sqrt(0.25 / 200)).all()

    def test_a_rep_whose_targets_are_too_high_is_named(self) -> None:
        found = fairness_tables(grades(ALIKE | {"R07": 0.2}, 200, 1))
        named = found["target_attainment"]
        assert named[named["band_kind"] == "rep"]["band"].tolist() == ["R07"]
        assert len(found["target_attainment_many"]) == 58
        assert found["target_attainment_many"]["band"].iloc[0] == "R07"
        finding = fairness_finding(found, SCOPE)
        assert "more or less often than chance explains: rep “R07” 2" in words(finding)
        assert "Chance alone would spread 58 rep bands over 3" in words(finding)

    def test_few_bands_stand_in_one_table(self) -> None:
        found = fairness_tables(grades({"R1": 0.5, "R2": 0.5}, 200, 3))
        assert set(found) == {"target_fairness", "target_attainment"}
        assert "no kind of customer differs" in words(fairness_finding(found, SCOPE))

    def test_of_small_bands_nothing_is_said(self) -> None:
        large = grades({"R1": 0.5, "R2": 0.5, "tiny": 0.5}, 100, 4)
        is_tiny = large["band"] == "tiny"
        small = large.assign(
            customer_count=large["customer_count"].mask(is_tiny, 49),
            attained_share=large["attained_share"].mask(is_tiny, 0.0),
        )
        found = fairness_table(small).iloc[0]
        assert (found["band_count"], found["small_band_count"]) == (2, 1)
        assert found["lowest_share"] > 0
        assert fairness_tables(small)["target_attainment"]["is_beyond_chance"].notna().sum() == 2

    def test_bands_without_a_customer_are_not_shown(self) -> None:
        graded = grades({"R1": 0.5, "R2": 0.5}, 100, 5)
        assert (graded["customer_count"] == 0).any()  # no targets were pooled
        shown = fairness_tables(graded)["target_attainment"]
        assert (shown["customer_count"] > 0).all()
        assert set(shown["band_kind"]) == {"all", "rep"}


def test_the_stretch_is_graded_beside_the_target() -> None:
    targets = pd.DataFrame(
        {
            "customer_id": ["A", "B", "C", "D"],
            "target_amount": [10.0, 10.0, 3.0, 4.0],
            "stretch_amount": [20.0, 11.0, 6.0, 8.0],
            "is_pooled": [False, False, True, True],
            "pool_id": ["", "", "P", "P"],
        }
    )
    came = pd.DataFrame({"customer_id": ["A", "B", "C"], "actual_amount": [12.0, 12.0, 13.0]})
    known = pd.DataFrame({"customer_id": list("ABCD"), "size": "x"})
    found = attainment(targets, came, known)
    assert list(found) == COLUMNS
    assert found["stretch_attained_share"].tolist() == [0.5, 0.5, 0.0]
    without = attainment(targets.drop(columns="stretch_amount"), came, known)
    assert without["stretch_attained_share"].isna().all()
    assert without["attained_share"].tolist() == [1.0, 1.0, 1.0]


def customers(count: int = 40) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": [f"C{n:02d}" for n in range(count)],
            "forecast_quarter_amount": 100.0,
            "forecast_quarter_low_amount": 50.0,
            "forecast_quarter_high_amount": 200.0,
            "gap_year_amount": 0.0,
            "active_share": 1.0,
            "revenue_quarter_amount": 100.0,
            "revenue_year_amount": 400.0,
            "tenure_days": 900,
            "recency_days": 10,
            "median_gap_days": 30.0,
            "mean_order_day_amount": 100.0,
        }
    )


class TestLimits:
    """Floors, ceilings and locks as an analyst writes them into data/raw/overrides/targets.csv."""

    def set(self, limits: pd.DataFrame | None, company: float):
        asked = TargetsAsked(company_amount=company, limits=limits)
        return set_targets(
            customers(),
            pd.DataFrame(),
            asked,
            NO_TOTALS,
            scope=SCOPE,
            options=TargetOptions(),
        )

    def limits(self, **columns: list[str]) -> pd.DataFrame:
        ids = [f"C{n:02d}" for n in range(len(next(iter(columns.values()))))]
        return pd.DataFrame({"customer_id": ids, **columns})

    def test_are_respected_and_the_sum_is_met_to_the_cent(self) -> None:
        limits = self.limits(
            floor_amount=["300", "", ""],
            ceiling_amount=["", "20.50", ""],
            locked_amount=["", "", "7"],
        )
        found = self.set(limits, 5000.01)
        target = found.customers.set_index("customer_id")["target_quarter_amount"]
        assert found.refused == ()
        assert target["C00"] >= 300
        assert target["C01"] <= 20.5
        assert target["C02"] == 7
        assert round(target.sum() * 100) == 500_001

    def test_a_demand_that_they_do_not_allow_is_refused_with_its_numbers(self) -> None:
        limits = self.limits(ceiling_amount=["10"] * 40)
        found = self.set(limits, 1000)
        said = " ".join(target_caveats(found, SCOPE))
        assert "refused" in said
        assert "1000.00 demanded" in said.replace(",", "")
        assert "at most 400.00" in said
        assert "lower this target by 600.00" in said
        drafts = self.set(None, 1000).tables["target_demands"]["drafted_amount"].iloc[0]
        assert found.customers["target_quarter_amount"].sum() == pytest.approx(drafts)

    @pytest.mark.parametrize(
        ("limits", "said"),
        [
            ({"customer": ["C00"], "floor_amount": ["1"]}, "columns customer, floor_amount"),
            ({"customer_id": ["C00"], "minimum": ["1"]}, "columns customer_id, minimum"),
            ({"customer_id": ["C00", "C00"], "floor_amount": ["1", "2"]}, "C00 twice"),
            ({"customer_id": ["C00"], "floor_amount": ["12,50"]}, "'12,50'"),
            ({"customer_id": ["Z"], "floor_amount": ["1"]}, "Z"),
        ],
    )
    def test_a_file_with_a_mistake_is_refused_and_fair_targets_stay(self, limits, said) -> None:
        found = self.set(pd.DataFrame(limits), 5000)
        assert said in " ".join(found.refused)
        assert found.customers["target_quarter_amount"].sum() < 5000


class TestReachIsTold:
    def test_an_assumption_is_called_one(self) -> None:
        found = set_targets(
            customers(),
            pd.DataFrame(),
            TargetsAsked(),
            NO_TOTALS,
            scope=SCOPE,
            options=TargetOptions(),
        )
        assert "an assumption" in target_caveats(found, SCOPE)[0]
        assert target_findings(found, SCOPE) == ()
        learnt = replace(found, reach=replace(found.reach, quarter_count=3))
        assert "learnt from 3 quarters" in target_caveats(learnt, SCOPE)[0]
