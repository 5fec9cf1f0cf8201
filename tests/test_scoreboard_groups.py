"""The scoreboard by segment, region, industry and rep: a planted miss is named, chance is not."""

import numpy as np
import pandas as pd
import pytest
from test_scoreboard import SCOPE, company_days, customer_periods, frozen, sentences

from analysis.customers.scoreboard import scoreboard
from analysis.customers.scoreboard_groups import group_names, groups_table
from analysis.customers.scoreboard_past import past_forecasts

COUNT = 600


def company(seed: int, bias: dict[str, float] | None = None, count: int = COUNT):
    """Return what was frozen, what came and who the customers were; regions miss by `bias`."""
    random = np.random.default_rng(seed)
    ids = [f"C{n:04d}" for n in range(count)]
    region = np.array(["North", "South", "West"])[np.arange(count) % 3]
    expected = np.round(np.exp(random.normal(4, 0.7, count)), 2)
    factor = np.array([(bias or {}).get(name, 1.0) for name in region])
    came = np.round(expected * factor * random.lognormal(-0.08, 0.4, count), 2)
    forecasts = {
        name: (value, value * 0.6, value * 1.6, value, "Often" if number % 2 else "Rare")
        for number, (name, value) in enumerate(zip(ids, expected.tolist(), strict=True))
    }
    lines = [(name, "2024Q4", 10.0) for name in ids]
    lines += [(name, "2025Q1", amount) for name, amount in zip(ids, came.tolist(), strict=True)]
    then = pd.DataFrame(
        {
            "origin": "2024Q4",
            "customer_id": ids,
            "region_id": region,
            "industry": None,
            "rep_id": [f"R{n % 20:02d}" for n in range(count)],
        }
    )
    later = then.assign(origin="2025Q1", region_id="Moved", rep_id="Later")
    return frozen(forecasts), lines, pd.concat([then, later], ignore_index=True)


def graded(made, **changes):
    rows, lines, then = made
    tables = (rows, customer_periods(lines), company_days(lines))
    return scoreboard(*tables, backtest_origins=then, scope=SCOPE, **changes)


def only_groups(made):
    """Return the table of groups without the rest of the chapter."""
    rows, lines, then = made
    (past,) = past_forecasts(rows, customer_periods(lines), company_days(lines), SCOPE)
    return groups_table(past, group_names(past, None, then))


def groups(result, kind, table="groups"):
    found = result.tables[table]
    return found[found["group_kind"] == kind].set_index("group")


def test_grades_what_was_known_when_the_forecast_was_made():
    result = graded(company(1))
    assert result.tables["groups"]["group_kind"].unique().tolist() == ["segment", "region", "rep"]
    regions = groups(result, "region")
    assert regions["customer_count"].to_dict() == dict.fromkeys(regions.index, COUNT // 3)
    assert set(regions.index) == {"North", "South", "West"}
    assert set(groups(result, "rep").index) == {f"R{n:02d}" for n in range(20)}


def test_every_kind_of_group_sums_to_all_customers():
    result = graded(company(2))
    total = result.tables["grades"].iloc[0]
    sums = result.tables["groups"].groupby("group_kind")[["forecast_amount", "actual_amount"]].sum()
    for name in sums:
        assert sums[name].tolist() == pytest.approx([total[name]] * 3)


def test_a_region_that_was_forecast_too_high_is_named():
    result = graded(company(3, {"South": 0.6}))
    regions = groups(result, "region")
    assert bool(regions.loc["South", "is_beyond_chance"])
    assert "region South (" in sentences(result)
    row = regions.loc["South"]
    assert row["total_error_low_share"] < 1 / 0.6 - 1 < row["total_error_high_share"]
    assert row["total_error_share"] > 0.5
    kept = groups(result, "region", "promises").loc["South"]
    assert kept["target_attained_high_share"] < 0.4
    assert kept["interval_low_share"] < kept["interval_share"] < kept["interval_high_share"]


def test_groups_that_differ_by_chance_alone_are_not_named():
    found = [only_groups(company(seed)) for seed in range(10, 30)]
    named = [bool(table["is_beyond_chance"].fillna(False).any()) for table in found]
    assert np.mean(named) <= 0.2  # 5 % are meant
    assert "none was missed otherwise" in sentences(graded(company(10)))


def test_the_range_of_an_error_holds_what_chance_did():
    tables = pd.concat([only_groups(company(seed)) for seed in range(40, 46)])
    errors = tables[tables["group_kind"] == "rep"]
    inside = (errors["total_error_low_share"] <= 0) & (errors["total_error_high_share"] >= 0)
    assert inside.mean() == pytest.approx(0.8, abs=0.12)


def test_small_groups_are_one_row_and_of_too_few_only_the_money_is_told():
    rows, lines, then = company(5)
    small = np.array(["Large"] * 200, dtype=object)
    small[:4], small[4:8] = "Tiny", "Small"
    few = then.assign(region_id=np.tile(small, len(then) // 200), rep_id=None)
    regions = groups(graded((rows, lines, few)), "region")
    assert regions["customer_count"].to_dict() == {"Large": 576, "smaller ones together": 24}
    together = regions.loc["smaller ones together"]
    assert together["actual_amount"] > 0
    assert (
        together.drop(["group_kind", "customer_count", "forecast_amount", "actual_amount"])
        .isna()
        .all()
    )
    kept = groups(graded((rows, lines, few)), "region", "promises")
    assert (
        kept.loc["smaller ones together", ["interval_share", "target_attained_share"]].isna().all()
    )


def test_segments_are_those_that_were_frozen_or_those_given():
    made = company(6)
    assert set(groups(graded(made), "segment").index) == {"Often", "Rare"}
    given = pd.DataFrame({"customer_id": [f"C{n:04d}" for n in range(100)], "segment_name": "Best"})
    found = groups(graded(made, segments=given), "segment")["customer_count"]
    assert found.to_dict() == {"Best": 100, "not known": 500}


def test_without_any_group_there_is_no_table_of_them():
    rows, lines, _ = company(7)
    result = graded((rows.assign(segment_name=None), lines, None))
    assert {"groups", "promises"} & set(result.tables) == set()


def test_the_order_of_rows_changes_nothing_and_tables_can_be_saved(tmp_path):
    rows, lines, then = company(8)
    shuffled = (
        rows.sample(frac=1, random_state=1),
        lines[::-1],
        then.sample(frac=1, random_state=2),
    )
    first, again = graded((rows, lines, then)), graded(shuffled)
    for name in ("groups", "promises"):
        pd.testing.assert_frame_equal(first.tables[name], again.tables[name])
    first.save(tmp_path / "result")
    assert (tmp_path / "result" / "groups.parquet").is_file()
