"""The back-test: nothing of the future, planted seasons and levels found, honest differences."""

import json

import numpy as np
import pandas as pd
import pytest
from test_growth import CALENDAR, SCOPE, features, origins, planted_orders

from analysis.core.problems import InputError
from analysis.core.statistics import normalised_gini
from analysis.customers.growth_backtest import (
    BASE_MODEL,
    LAST_QUARTER,
    MEAN_OF_YEAR,
    MODEL_ALONE,
    OUR_MODEL,
    PARETO_MODEL,
    REPEATS_MODEL,
    RHYTHM_MODEL,
    TREES_MODEL,
    YEAR_AGO,
)
from analysis.customers.growth_compare import (
    HURDLE_MODEL,
    MEAN_MODEL,
    CompareOptions,
    compare,
    comparison_chart,
    comparison_text,
)
from analysis.customers.growth_forecast import forecast_all, poisson_deviance
from analysis.customers.growth_grades import bootstrap_differences, errors, interval_errors
from analysis.customers.growth_level import (
    Level,
    bottom_up_level,
    combine,
    daily_sales,
    year_ago_level,
)
from analysis.customers.growth_origins import known_origins
from analysis.customers.growth_others import NOBODY, TO_COME, WHOLE, with_others
from analysis.customers.growth_totals import totals_table
from analysis.customers.season import learn_season
from analysis.run.backtest import save_comparison

QUARTERS = pd.period_range("2024Q1", "2025Q2", freq="Q")
OPTIONS = CompareOptions(draws=40)


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    return planted_orders(300, seed=8)


@pytest.fixture(scope="module")
def history(orders) -> pd.DataFrame:
    return origins(orders, QUARTERS)


@pytest.fixture(scope="module")
def company_days(orders) -> pd.DataFrame:
    """Give sales of known customers, less 1 a day that comes from nobody."""
    days = pd.date_range("2024-01-01", "2025-09-30")
    sums = orders.groupby("day")["sale"].sum().reindex(days).fillna(0).rename_axis("day")
    known = sums.rename("amount").reset_index().assign(kind="sale", has_customer=True)
    nobody = known.assign(amount=1.0, has_customer=False)
    return pd.concat([known, nobody], ignore_index=True).assign(is_revenue=True)


@pytest.fixture(scope="module")
def comparison(history, company_days):
    return compare(history, company_days, scope=SCOPE, options=OPTIONS)


class TestComparison:
    def test_shows_all_models_at_each_quarter_end_with_three_quarters_before_it(
        self, comparison
    ) -> None:
        rows = comparison.by_origin
        assert rows["origin"].unique().tolist() == ["2024Q3", "2024Q4", "2025Q1", "2025Q2"]
        assert set(rows["model"]) == {
            OUR_MODEL,
            TREES_MODEL,
            BASE_MODEL,
            RHYTHM_MODEL,
            HURDLE_MODEL,
            MEAN_MODEL,
            PARETO_MODEL,
            MODEL_ALONE,
            REPEATS_MODEL,
            MEAN_OF_YEAR,
            LAST_QUARTER,
            YEAR_AGO,
        }
        assert rows["largest_five_error_share"].between(0, 1).all()

    def test_beats_last_quarter_on_planted_customers(self, comparison) -> None:
        means = comparison.means.set_index("model")
        assert means.loc[OUR_MODEL, "rmse_amount"] < means.loc[LAST_QUARTER, "rmse_amount"]
        ours = comparison.differences.query(f"model == '{LAST_QUARTER}'").set_index("measure")
        assert ours.loc["normalised_gini", "high"] < 0

    def test_a_later_quarter_changes_no_earlier_forecast(self, orders, history, company_days):
        cut = history[history["origin"] != "2025Q2"]
        known = [
            compare(table, company_days, scope=SCOPE, options=OPTIONS).by_origin
            for table in (cut, history)
        ]
        same = known[1][known[1]["origin"] != "2025Q2"].reset_index(drop=True)
        pd.testing.assert_frame_equal(known[0], same)

    def test_leaves_its_input_unchanged_and_ignores_the_order_of_rows(
        self, history, company_days, comparison
    ) -> None:
        shuffled = [t.sample(frac=1, random_state=1) for t in (history, company_days)]
        copies = [table.copy() for table in shuffled]
        again = compare(*shuffled, scope=SCOPE, options=OPTIONS)
        pd.testing.assert_frame_equal(again.by_origin, comparison.by_origin)
        pd.testing.assert_frame_equal(again.differences, comparison.differences)
        for table, copy in zip(shuffled, copies, strict=True):
            pd.testing.assert_frame_equal(table, copy)

    def test_grades_a_sample_of_customers(self, history, company_days) -> None:
        options = CompareOptions(customer_count=120, draws=20)
        rows = compare(history, company_days, scope=SCOPE, options=options).by_origin
        assert rows["customer_count"].max() <= 120

    def test_says_when_the_history_is_too_short(self, history, company_days) -> None:
        short = history[history["origin"] == "2024Q1"]
        with pytest.raises(InputError, match="three quarters of history"):
            compare(short, company_days, scope=SCOPE, options=OPTIONS)

    def test_is_written_as_json_with_a_figure(self, comparison, tmp_path) -> None:
        picture = save_comparison(comparison, tmp_path / "found.json")
        found = json.loads((tmp_path / "found.json").read_text())
        assert found["means"][0]["model"] == OUR_MODEL
        assert picture.read_text().startswith("<svg")
        assert OUR_MODEL in comparison_chart(comparison).alternative_text
        assert "90 % range" in comparison_text(comparison)


class TestGrades:
    def test_errors_by_hand(self) -> None:
        found = errors(np.array([0.0, 10.0]), np.array([1.0, 5.0]))
        assert found["total_error_share"] == pytest.approx(-0.4)
        assert found["rmse_amount"] == pytest.approx(np.sqrt((1 + 25) / 2))
        assert found["normalised_gini"] == 1.0
        assert found["largest_five_error_share"] == 1.0

    def test_a_miss_costs_ten_times_its_size(self) -> None:
        low, high = np.zeros(2), np.ones(2)
        found = interval_errors(np.array([0.5, 3.0]), np.ones(2), low, high)
        assert found["interval_share"] == 0.5
        assert found["interval_score_amount"] == pytest.approx((1 + 1 + 10 * 2) / 2)

    def test_a_model_equal_to_the_other_differs_by_nothing(self) -> None:
        random = np.random.default_rng(0)
        actual = random.gamma(1, 10, 500) * (random.random(500) < 0.5)
        good, bad = actual + random.random(500), random.random(500)
        found = bootstrap_differences(
            [pd.Series([str(n) for n in range(500)])],
            [actual],
            [{"usual": good, "same": good.copy(), "bad": bad}],
            "usual",
            60,
            0,
        ).set_index(["model", "measure"])
        assert (found.loc["same", ["difference", "low", "high"]] == 0).all(axis=None)
        gini = found.loc[("bad", "normalised_gini")]
        exact = normalised_gini(actual, bad) - normalised_gini(actual, good)
        assert gini["low"] < exact < gini["high"] < 0


class TestLevels:
    def test_experience_replaces_the_assumed_error(self) -> None:
        assert bottom_up_level(10, np.empty(0), 3, 0.25).deviation == pytest.approx(0.25)
        many = bottom_up_level(10, np.full(300, 0.1), 3, 0.25).deviation
        assert many == pytest.approx(0.1, abs=0.01)

    def test_the_surer_view_counts_more(self) -> None:
        found = combine(Level(100, 0.3), Level(400, 0.15))
        assert found.total == pytest.approx(100 * 4**0.8)
        assert found.deviation == pytest.approx((0.3**-2 + 0.15**-2) ** -0.5)
        assert combine(Level(100, 0.3), None) == Level(100, 0.3)

    def test_the_year_before_carries_on_half_of_the_growth(self) -> None:
        days = pd.date_range("2023-01-01", "2024-12-31")
        daily = pd.Series(np.where(days < "2024-01-01", 1.0, 1.21), index=days)
        found = year_ago_level(daily, 0.5, pd.Timestamp("2025-01-01"), pd.Timestamp("2025-04-01"))
        # Of the 90 days from 2024-01-03 on, all had grown already; half of a fifth comes on top.
        assert found.total == pytest.approx(90 * 1.21 * 0.5 * 1.1, rel=0.01)
        assert found.deviation == pytest.approx(np.hypot(0.15, np.log(1.21)), rel=0.02)

    def test_without_a_year_there_is_no_year_before(self) -> None:
        daily = pd.Series(1.0, index=pd.date_range("2024-06-01", "2024-12-31"))
        end = pd.Timestamp("2025-04-01")
        assert year_ago_level(daily, 1, pd.Timestamp("2025-01-01"), end) is None

    def test_only_sales_to_customers_count(self, company_days) -> None:
        ours = company_days[company_days["has_customer"]]
        assert daily_sales(company_days).sum() == pytest.approx(ours["amount"].sum())
        assert daily_sales(company_days.head(0)).empty


def test_the_trees_must_have_been_better_before(history) -> None:
    known = known_origins(history, pd.Timestamp(SCOPE.as_of), CALENDAR, 12)
    made = forecast_all(known, known, None, 0.25)
    for number in range(2, len(known)):
        gains = [
            poisson_deviance(o.sales, f.base) - poisson_deviance(o.sales, f.trees)
            for o, f in zip(known[:number][-4:], made[:number][-4:], strict=True)
        ]
        chosen = made[number].trees if np.mean(gains) >= 0 else made[number].base
        np.testing.assert_array_equal(made[number].learnt, chosen)


def test_a_planted_season_is_found_although_customers_grow_in_number() -> None:
    random = np.random.default_rng(4)
    days = pd.date_range("2023-01-01", "2024-12-31")
    season = np.where(days.month == 12, 2.0, 1.0)
    rows = []
    for number in range(800):
        begins = random.integers(0, 600)
        bought = np.flatnonzero(random.random(len(days)) < 0.02 * season)
        rows += [(f"C{number:03d}", days[day]) for day in bought[bought >= begins]]
    bought = pd.DataFrame(rows, columns=["customer_id", "day"])
    ends = list(pd.date_range("2023-01-31", "2024-12-31", freq="ME"))
    tables = []
    for end in ends:
        per = bought[bought["day"] <= end].groupby("customer_id")["day"]
        table = per.agg(first_order_on="min", last_order_on="max", order_day_count="size")
        tables.append(table.reset_index())
    found = learn_season(ends, tables)
    others = found.index[:11].mean()
    assert found.index[11] / others == pytest.approx(2, rel=0.2)
    assert found.index[:11] == pytest.approx(others, rel=0.25)
    assert learn_season(ends[:1], tables[:1]).index.tolist() == [1.0] * 12


def test_time_passes_with_the_season() -> None:
    flat = learn_season([], [])
    days = pd.DatetimeIndex(["2024-01-01", "2024-03-15", "2025-01-01"])
    assert np.diff(flat.time(days)).tolist() == [74.0, 292.0]


def test_parts_of_the_company_equal_the_whole_to_the_cent(orders, history, company_days) -> None:
    now = features(orders, pd.Period("2025Q3"))
    amounts = ("forecast_quarter", "forecast_year", "potential_year", "gap_year", "target_quarter")
    random = np.random.default_rng(1)
    customers = pd.DataFrame({f"{name}_amount": random.random(len(now)) for name in amounts})
    totals = totals_table(customers.round(2), now, np.ones(len(now)), 0.2)
    known = known_origins(history, pd.Timestamp(SCOPE.as_of), CALENDAR, 12)
    found = with_others(totals, known, company_days, CALENDAR, 0.25)
    parts = found[found["level"] == "part"].set_index("level_id")
    whole = found[found["level"] == WHOLE].iloc[0]
    for name in ("forecast_quarter_amount", "forecast_year_amount"):
        cents = (parts[name] * 100).round().astype("int64")
        assert cents.sum() == round(whole[name] * 100)
    days = [91, 92]  # of the quarters: 90 to 92 days at 1 a day from nobody
    assert days[0] - 1 <= parts.loc[NOBODY, "forecast_quarter_amount"] <= days[1]
    assert parts.loc[TO_COME, "forecast_quarter_amount"] > 0
    assert with_others(totals, [], company_days, CALENDAR, 0.25) is totals


def test_what_came_before_the_first_month_end_is_no_month() -> None:
    days = pd.date_range("2022-01-01", "2024-03-31", freq="10D")
    ends = list(pd.date_range("2024-01-31", "2024-03-31", freq="ME"))
    tables = [
        pd.DataFrame(
            {
                "customer_id": ["C1"],
                "first_order_on": days[:1],
                "last_order_on": days[days <= end][-1:],
                "order_day_count": [(days <= end).sum()],
            }
        )
        for end in ends
    ]
    found = learn_season(ends, tables)
    assert found.index[0] == 1.0  # two years would have made January what everything is held to
    assert found.index[3:].tolist() == [1.0] * 9


def test_twenty_customers_are_forecast_by_the_models_alone() -> None:
    few = origins(planted_orders(20, seed=3), QUARTERS)
    known = known_origins(few, pd.Timestamp(SCOPE.as_of), CALENDAR, 12)
    made = forecast_all(known[:2], known[:3], None, 0.25)
    for forecast in made:
        np.testing.assert_allclose(forecast.trees, forecast.base)
        assert np.isfinite(forecast.sales).all()
