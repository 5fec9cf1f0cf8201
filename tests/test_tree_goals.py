"""Targets of share, revenue and margin: what is reached, at the present rate, and the chance."""

import numpy as np
import pandas as pd
import pytest

from analysis.core.periods import FiscalCalendar
from analysis.core.scope import Scope
from analysis.strategy.tree_draws import lognormal_draws, range_of
from analysis.strategy.tree_gap import gap_table, period_sums, rate_of
from analysis.strategy.tree_goals import Known, goal_table, unknown_metrics
from analysis.strategy.tree_words import with_goal_words

CALENDAR = FiscalCalendar()
SCOPE = Scope(CALENDAR.parse("2025Q2"), CALENDAR)
NAMES = [f"{y}Q{q}" for y in (2022, 2023, 2024) for q in (1, 2, 3, 4)] + ["2025Q1", "2025Q2"]
SEASON = [80.0, 100.0, 90.0, 130.0]
# 10 % more in each year than in the year before.
QUARTERS = pd.Series([SEASON[i % 4] * 1.1 ** (i // 4) for i in range(len(NAMES))], index=NAMES)
SHARES = [0.30 + 0.01 * (-1) ** (i // 4 + i) for i in range(len(NAMES))]
NEXT = SEASON[2] * 1.1**3
AFTER = [NEXT, SEASON[3] * 1.1**3, SEASON[0] * 1.1**4, SEASON[1] * 1.1**4]


def known(**changes) -> Known:
    quarter = {"middle": NEXT, "low": 0.9 * NEXT, "high": 1.1 * NEXT}
    year = {"middle": sum(AFTER), "low": 0.9 * sum(AFTER), "high": 1.1 * sum(AFTER)}
    share = {"middle": 0.2, "low": 0.16, "high": 0.25}
    given = {"forecast_quarter": quarter, "forecast_year": year, "share": share}
    return Known(QUARTERS, QUARTERS * SHARES, **(given | changes))


def targets(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["metric", "starts_on", "ends_on", "value"])
    return table.astype({"starts_on": "datetime64[s]", "ends_on": "datetime64[s]"})


def goal(metric: str, first: str, last: str, value: float, what: Known | None = None) -> pd.Series:
    found = goal_table(targets((metric, first, last, value)), what or known(), SCOPE)
    return found.iloc[0]


def test_a_steady_season_has_the_present_rate_that_it_had():
    row = goal("revenue_amount", "2025-07-01", "2025-09-30", NEXT)
    assert row["rate"] == pytest.approx(NEXT)
    assert row["now"] == QUARTERS["2025Q2"]
    assert (row["gap_rate"], row["gap_forecast"]) == (pytest.approx(0), pytest.approx(0))
    assert row["chance_share"] == pytest.approx(0.5)


def test_a_running_year_counts_what_is_reached():
    done = QUARTERS["2025Q1"] + QUARTERS["2025Q2"]
    row = goal("revenue_amount", "2025-01-01", "2025-12-31", done + AFTER[0] + AFTER[1])
    assert row["period"] == "2025"
    assert row["reached"] == pytest.approx(done)
    assert row["rate"] == pytest.approx(done + AFTER[0] + AFTER[1])
    # The forecast of two of four quarters: the next one, and the year's rest by season.
    assert row["forecast"] == pytest.approx(row["target"], rel=0.005)
    assert row["chance_share"] == pytest.approx(0.5, abs=0.05)


def test_the_share_of_the_market_moves_with_revenue_and_keeps_the_markets_range():
    year = QUARTERS.iloc[-4:].sum()
    row = goal("market_share", "2025-07-01", "2025-09-30", 0.2)
    rate = 0.2 * (year - QUARTERS["2024Q3"] + NEXT) / year
    assert row["now"] == 0.2
    assert row["rate"] == pytest.approx(rate)
    assert row["forecast"] == pytest.approx(rate, rel=0.01)
    assert row["forecast_low"] < 0.17 < 0.24 < row["forecast_high"]
    assert row["chance_share"] > 0.5
    assert "range of the market's size" in row["chance_how"]


def test_margin_is_revenue_times_a_share_that_wavers_as_it_did():
    share = (QUARTERS * SHARES).iloc[-4:].sum() / QUARTERS.iloc[-4:].sum()
    row = goal("margin_share", "2025-07-01", "2025-09-30", share)
    assert row["chance_share"] == pytest.approx(0.5, abs=0.05)
    assert row["chance_how"] == "how far 10 quarters lay from the four before"
    low = goal("margin_share", "2025-07-01", "2025-09-30", share - 0.05)
    assert low["chance_share"] > 0.98
    money = goal("margin_amount", "2025-07-01", "2025-09-30", share * NEXT)
    assert money["rate"] == pytest.approx(share * NEXT)
    assert money["chance_share"] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("metric", "lacking", "word"),
    [
        ("revenue_amount", {"forecast_quarter": None}, "no forecast"),
        ("market_share", {"share": None}, "market_potential"),
        ("margin_amount", {"forecast_quarter": None}, "no forecast"),
    ],
)
def test_without_its_source_a_chance_cannot_be_concluded(metric: str, lacking: dict, word: str):
    row = goal(metric, "2025-07-01", "2025-09-30", 1.0, known(**lacking))
    assert np.isnan(row["chance_share"])
    assert row["chance_how"].startswith("cannot conclude")
    assert word in row["chance_how"]


def test_a_missing_cost_hides_the_margin_of_its_year():
    what = Known(QUARTERS, (QUARTERS * SHARES).where(QUARTERS.index != "2025Q1"))
    row = goal("margin_share", "2025-07-01", "2025-09-30", 0.3, what)
    assert np.isnan(row["now"])
    assert "costs" in row["chance_how"]


def test_only_what_runs_or_comes_next_is_shown_and_whole_quarters_only():
    table = targets(
        ("revenue_amount", "2025-04-01", "2025-06-30", 1.0),  # over
        ("revenue_amount", "2025-10-01", "2025-12-31", 1.0),  # after the next one
        ("revenue_amount", "2025-07-01", "2025-08-31", 1.0),  # two months
        ("revenue_amount", "2025-09-30", "2025-07-01", 1.0),  # ends before it begins
        ("revenue_amount", "2025-07-01", "2026-06-30", 1.0),  # four quarters, no fiscal year
        ("joy", "2025-07-01", "2025-09-30", 1.0),
    )
    assert goal_table(table, known(), SCOPE)["period"].tolist() == ["2025Q3 to 2026Q2"]
    assert unknown_metrics(table) == ["joy"]


def test_a_higher_target_never_has_a_better_chance():
    values = np.linspace(0.1, 0.4, 13)
    chances = [
        goal("market_share", "2025-07-01", "2025-09-30", value)["chance_share"] for value in values
    ]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > chances[-1]


def test_years_are_fiscal_years_with_all_four_quarters():
    annual = Scope(CALENDAR.parse("2024"), CALENDAR)
    known_quarters = QUARTERS.loc["2022Q2":"2024Q4"]
    assert period_sums(known_quarters, annual).index.tolist() == ["2023", "2024"]
    rate = rate_of("2025", known_quarters, annual)
    assert rate == pytest.approx(QUARTERS.loc["2024Q1":"2024Q4"].sum() * 1.1)
    table = targets(("revenue_amount", "2025-01-01", "2025-12-31", 500.0))
    gaps = gap_table(table, known_quarters, None, annual)
    assert gaps["period"].tolist() == ["2025"]
    assert gaps["rate_gap_amount"].item() == pytest.approx(500 - rate)


def test_draws_have_the_points_that_they_are_drawn_from():
    points = {"middle": 100.0, "low": 80.0, "high": 150.0}
    found = range_of(lognormal_draws(points, np.random.default_rng(0), 40_000))
    assert found == pytest.approx(points, rel=0.01)
    flat = dict.fromkeys(points, 100.0)
    assert lognormal_draws(flat, np.random.default_rng(0), 10) is None


def test_words_have_the_unit_of_their_metric():
    rows = [("market_share", "2025-07-01", "2025-09-30", 0.25)]
    rows.append(("revenue_amount", "2025-07-01", "2025-09-30", 200.0))
    table = with_goal_words(goal_table(targets(*rows), known(), SCOPE), SCOPE.display)
    money, share = table.iloc[0], table.iloc[1]
    assert share["target_text"].startswith("25.0")
    assert share["gap_text"].endswith("points")
    assert money["target_text"] == "€200"
