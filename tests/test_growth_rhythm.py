"""Regular customers: planted clockwork is found, forecast better than by chance, and weighed."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from test_growth import CALENDAR, SCOPE, origins

from analysis.customers.growth_forecast import forecast_all, poisson_deviance
from analysis.customers.growth_origins import known_origins
from analysis.customers.growth_rhythm import expected_orders, gaps_between, rhythm

QUARTERS = pd.period_range("2024Q1", "2025Q2", freq="Q")


def planted_rhythm(customers: int, seed: int) -> pd.DataFrame:
    """Return order days: even customers order like clockwork, odd ones by chance, all as often."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        mean = random.uniform(25, 70)
        shape = 60 if number % 2 == 0 else 1
        gaps = np.maximum(random.gamma(shape, mean / shape, 60), 1)
        days = np.unique((random.uniform(0, 90) + np.r_[0, gaps.cumsum()]).astype(int))
        size = random.lognormal(4, 0.5)
        rows += [(f"C{number:05d}", day, size * random.lognormal(0, 0.1)) for day in days]
    orders = pd.DataFrame(rows, columns=["customer_id", "day", "sale"]).query("day <= 730")
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(orders["day"], unit="D")
    return orders.assign(day=days, returned=0.0).round({"sale": 2})


@pytest.fixture(scope="module")
def known():
    tables = origins(planted_rhythm(300, seed=2), QUARTERS)
    return known_origins(tables, pd.Timestamp(SCOPE.as_of), CALENDAR, 12)


@pytest.fixture(scope="module")
def made(known):
    return forecast_all(known, known, None, 0.25)


def is_clockwork(origin) -> np.ndarray:
    return (origin.table["customer_id"].str[1:].astype(int) % 2 == 0).to_numpy()


class TestExpectedOrders:
    @pytest.mark.parametrize("variation", [0.02, 0.15, 0.4])
    @pytest.mark.parametrize("silent", [0.0, 20.0, 33.0])
    def test_equals_a_simulation_of_gaps(self, variation: float, silent: float) -> None:
        random = np.random.default_rng(0)
        gaps = random.gamma(1 / variation, 30 * variation, (40_000, 16))
        gaps = gaps[gaps[:, 0] > silent]
        came = (gaps.cumsum(axis=1) <= silent + 91).sum(axis=1).mean()
        found = expected_orders(
            np.array([30.0]), np.array([variation]), np.array([silent]), 91, 1e-9
        )
        assert found[0] == pytest.approx(came, rel=0.03)

    def test_an_order_that_is_due_comes_sooner(self) -> None:
        mean, variation = np.full(2, 80.0), np.full(2, 0.02)
        due, fresh = expected_orders(mean, variation, np.array([75.0, 1.0]), 60, 0.01)
        assert due > 0.95
        assert fresh < 0.05

    def test_who_is_far_too_late_has_left(self) -> None:
        mean, variation = np.full(3, 30.0), np.full(3, 0.05)
        found = expected_orders(mean, variation, np.array([20.0, 60.0, 300.0]), 91, 0.05)
        assert found[0] > found[1] > found[2]
        assert found[2] < 0.01

    def test_very_frequent_orders_follow_the_limit(self) -> None:
        found = expected_orders(np.array([2.0]), np.array([0.2]), np.array([1.0]), 90, 1e-6)
        assert found[0] == pytest.approx(45, rel=0.03)


class TestPlantedClockwork:
    def test_is_found(self, known) -> None:
        now = known[-1]
        found = rhythm(gaps_between(known), now).is_regular
        clockwork = is_clockwork(now)
        assert found[clockwork].mean() > 0.9
        assert found[~clockwork].mean() < 0.25  # six quarters do look regular by chance

    def test_wins_for_customers_who_order_like_clockwork(self, known, made) -> None:
        errors = {"rhythm": [], "models": [], "trees": [], "shipped": []}
        for origin, forecast in list(zip(known, made, strict=True))[3:]:
            who = is_clockwork(origin)
            ways = {
                "rhythm": forecast.rhythm.sales,
                "models": origin.base,
                "trees": forecast.trees,
                "shipped": forecast.sales,
            }
            for name, sales in ways.items():
                errors[name].append(poisson_deviance(origin.sales[who], sales[who]))
        means = {name: np.mean(values) for name, values in errors.items()}
        assert means["rhythm"] < 0.6 * means["models"]
        assert means["shipped"] < 0.95 * means["trees"]  # trees see a part of it by themselves

    def test_is_weighed_by_what_was_better_before(self, known, made) -> None:
        assert made[0].rhythm_weight == 0  # nothing to judge by
        assert made[-1].rhythm_weight > 0
        who = is_clockwork(known[-1])
        errors = [
            poisson_deviance(known[-1].sales[who], sales[who])
            for sales in (made[-1].sales, made[-1].learnt)
        ]
        assert errors[0] < errors[1]

    def test_moves_no_total(self, made) -> None:
        for forecast in made:
            assert forecast.sales.sum() == pytest.approx(forecast.level.total)
            others = ~forecast.rhythm.is_regular
            np.testing.assert_array_equal(forecast.sales[others], forecast.learnt[others])

    def test_a_later_origin_changes_nothing(self, known) -> None:
        for few, more in pairwise((known[:3], known[:4])):
            found = [rhythm(gaps_between(each), known[2]) for each in (few, more)]
            np.testing.assert_array_equal(found[0].sales, found[1].sales)


def test_customers_who_order_by_chance_are_left_to_the_models() -> None:
    orders = planted_rhythm(400, seed=4)
    by_chance = orders[orders["customer_id"].str[1:].astype(int) % 2 == 1]
    known = known_origins(origins(by_chance, QUARTERS), pd.Timestamp(SCOPE.as_of), CALENDAR, 12)
    found = rhythm(gaps_between(known), known[-1])
    assert found.is_regular.mean() < 0.15
    np.testing.assert_array_equal(found.sales[~found.is_regular], known[-1].base[~found.is_regular])
