"""Lifetime value is a closed formula; retention is what was seen, drawn to that of all."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.core.problems import SettingsError
from analysis.customers.lifetime_value import (
    LifetimeOptions,
    learn_retention,
    lifetime_factor,
    lifetime_table,
)


class TestFactor:
    def test_without_leaving_and_waiting_is_the_number_of_years(self):
        assert lifetime_factor(1.0, LifetimeOptions(5, 0.0)) == pytest.approx(5)

    def test_of_one_year_is_half_a_year_of_waiting(self):
        assert lifetime_factor(0.3, LifetimeOptions(1, 0.21)) == pytest.approx(1 / 1.1)

    @given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 20))
    def test_is_the_geometric_series(self, retention, discount, years):
        ratio = retention / (1 + discount)
        series = years if ratio == 1 else (1 - ratio**years) / (1 - ratio)
        found = lifetime_factor(retention, LifetimeOptions(years, discount))
        assert found == pytest.approx(series / np.sqrt(1 + discount), rel=1e-6)

    def test_of_many_customers_is_each_ones_own(self):
        options = LifetimeOptions()
        both = lifetime_factor(np.array([0.2, 0.9]), options)
        assert both.tolist() == [lifetime_factor(share, options) for share in (0.2, 0.9)]


class TestRetention:
    def test_finds_planted_shares(self):
        rng = np.random.default_rng(0)
        groups = pd.Series(["a"] * 4000 + ["b"] * 4000)
        stays = pd.Series(rng.random(8000) < np.where(groups == "a", 0.9, 0.4))
        found = learn_retention(groups, stays)
        assert found.share == pytest.approx({"a": 0.9, "b": 0.4}, abs=0.02)
        assert found.of(pd.Series(["b", "new"])) == pytest.approx([0.4, 0.65], abs=0.02)

    def test_draws_small_groups_to_all(self):
        groups = pd.Series(["a"] * 80 + ["b"])
        found = learn_retention(groups, pd.Series([True] * 40 + [False] * 40 + [True]))
        assert 0.5 < found.share["b"] < 0.55
        assert found.deviation["b"] > found.deviation["a"]

    def test_is_not_known_from_few(self):
        assert learn_retention(pd.Series(["a"] * 19), pd.Series([True] * 19)) is None


def test_the_table_multiplies_the_forecast_and_keeps_what_is_unknown_missing():
    customers = pd.DataFrame(
        {
            "customer_id": ["c1", "c2"],
            "segment_id": ["a", "a"],
            "forecast_year_amount": [100.0, np.nan],
            "forecast_year_low_amount": [50.0, np.nan],
            "forecast_year_high_amount": [200.0, np.nan],
            "margin_ahead_share": [0.25, np.nan],
        }
    )
    seen = learn_retention(pd.Series(["a"] * 100), pd.Series([True] * 80 + [False] * 20))
    table = lifetime_table(customers, seen, LifetimeOptions(2, 0.0))
    first = table.iloc[0]
    assert first["lifetime_amount"] == pytest.approx(100 * (1 + seen.share["a"]), abs=0.01)
    assert first["lifetime_margin_amount"] == pytest.approx(first["lifetime_amount"] / 4, abs=0.01)
    assert first["lifetime_low_amount"] < first["lifetime_amount"] < first["lifetime_high_amount"]
    assert table.iloc[1][["lifetime_amount", "lifetime_low_amount"]].isna().all()


def test_impossible_options_are_refused():
    with pytest.raises(SettingsError, match=r"(?s)horizon_years.*discount_share"):
        LifetimeOptions(0, 2.0)
