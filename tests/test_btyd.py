"""Buy-till-you-die models: published truth, exact gradients, stable predictions, clear errors."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import hyp2f1

from analysis.core.problems import InputError
from analysis.customers import _bg_nbd, _gamma_gamma, _pareto_nbd
from analysis.customers._btyd_fitting import checked_histories, scaled_rows
from analysis.customers.btyd import (
    BgNbd,
    FitError,
    GammaGamma,
    ParetoNbd,
    bg_nbd_active_share,
    bg_nbd_expected_purchases,
    fit_bg_nbd,
    fit_gamma_gamma,
    fit_pareto_nbd,
    gamma_gamma_expected_value,
    pareto_nbd_active_share,
    pareto_nbd_expected_purchases,
    simulate_spend,
)

CDNOW = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
CDNOW_PARETO = ParetoNbd(r=0.553, alpha=10.578, s=0.606, beta=11.669)
CDNOW_SPEND = GammaGamma(p=6.25, q=3.74, gamma=15.44)
# Weeks; one customer who never came back, one on the as-of date, one who left early, a regular.
HISTORIES = {
    "frequency": np.array([0, 1, 2, 2, 26, 1, 0, 4]),
    "recency": np.array([0, 38, 30.43, 3, 30.86, 5, 0, 20]),
    "T": np.array([38.86, 38, 38.86, 38, 31, 30, 27, 39]),
}
MEAN_VALUES = np.array([np.nan, 12, 22.35, 50, 31, 8, np.nan, 17])


def simulated(model: BgNbd, customers: int, seed: int, weeks: int = 78) -> dict[str, np.ndarray]:
    """Return histories of customers who behave as the model says; days as sevenths of weeks."""
    random = np.random.default_rng(seed)
    T = random.integers(7, 7 * weeks + 1, customers) / 7
    potential = random.poisson(random.gamma(model.r, 1 / model.alpha, customers) * T)
    leaving = np.maximum(random.beta(model.a, model.b, customers), 1e-12)
    x = np.minimum(potential, random.geometric(leaving))
    # Purchases fall evenly on the time, so the x-th of n is at Beta(x, n - x + 1) of it.
    last = random.beta(np.maximum(x, 1), np.maximum(potential - x, 0) + 1)
    recency = np.where(x > 0, np.ceil(7 * T * last).clip(1) / 7, 0)
    return {"frequency": x, "recency": recency, "T": T}


@pytest.fixture(scope="module")
def cdnow(public_data: Callable[[str], Path]) -> pd.DataFrame:
    """Give the calibration half of the CDNOW sample: purchases of one day merged, time in weeks."""
    names = ["master_id", "customer_id", "day", "cds", "amount"]
    path = public_data("cdnow") / "CDNOW_sample.txt"
    lines = pd.read_csv(path, sep=r"\s+", names=names, dtype={"day": str})
    lines["day"] = pd.to_datetime(lines["day"], format="%Y%m%d")
    end = pd.Timestamp("1997-09-30")
    days = lines[lines["day"] <= end].groupby(["customer_id", "day"], as_index=False)["amount"]
    days = days.sum()
    per_customer = days.groupby("customer_id")["day"]
    repeats = days[days["customer_id"].duplicated()].groupby("customer_id")["amount"]
    return pd.DataFrame(
        {
            "frequency": per_customer.size() - 1,
            "recency": (per_customer.max() - per_customer.min()).dt.days / 7,
            "T": (end - per_customer.min()).dt.days / 7,
            "mean_value": repeats.mean(),
        }
    )


@pytest.mark.public_data
class TestPublishedTruth:
    def test_bg_nbd_equals_fader_hardie_lee(self, cdnow: pd.DataFrame) -> None:
        model = fit_bg_nbd(cdnow["frequency"], cdnow["recency"], cdnow["T"])
        found = [round(value, 3) for value in (model.r, model.alpha, model.a, model.b)]
        assert found == [0.243, 4.414, 0.793, 2.426]
        assert round(model.log_likelihood, 1) == -9582.4
        assert not model.at_bound

    def test_pareto_nbd_equals_the_published_fit(self, cdnow: pd.DataFrame) -> None:
        model = fit_pareto_nbd(cdnow["frequency"], cdnow["recency"], cdnow["T"])
        found = [round(value, 3) for value in (model.r, model.alpha, model.s, model.beta)]
        assert found == [0.553, 10.578, 0.606, 11.669]
        assert round(model.log_likelihood, 1) == -9595.0

    def test_gamma_gamma_equals_the_published_fit(self, cdnow: pd.DataFrame) -> None:
        model = fit_gamma_gamma(cdnow["frequency"], cdnow["mean_value"])
        assert [round(value, 2) for value in (model.p, model.q, model.gamma)] == [6.25, 3.74, 15.44]
        assert (cdnow["frequency"] > 0).sum() == 946

    def test_bg_nbd_forecasts_the_second_half(self, cdnow: pd.DataFrame) -> None:
        data = (cdnow["frequency"], cdnow["recency"], cdnow["T"])
        expected = bg_nbd_expected_purchases(fit_bg_nbd(*data), 39, *data).sum()
        # The paper's figure 4 too stays a few per cent below the repeat purchases of 78 weeks.
        assert cdnow["frequency"].sum() + expected == pytest.approx(2457 + 1882, rel=0.06)


def test_expects_the_published_purchases() -> None:
    # Fader, Hardie, Lee: Implementing the BG/NBD model for customer base analysis in Excel
    expected = bg_nbd_expected_purchases(CDNOW, 39, [2], [30.43], [38.86])
    assert expected == pytest.approx(1.226, abs=5e-4)
    # the regular customer of the walkthrough of R's package BTYD
    assert pareto_nbd_expected_purchases(CDNOW_PARETO, 52, [26], [30.86], [31]) == pytest.approx(
        25.46, abs=0.01
    )
    assert pareto_nbd_active_share(CDNOW_PARETO, [26], [30.86], [31]) == pytest.approx(
        0.9979, abs=1e-4
    )


def test_expected_value_lies_between_own_mean_and_that_of_all() -> None:
    found = gamma_gamma_expected_value(CDNOW_SPEND, [2, 1, 0], [22.35, 11.77, np.nan])
    assert found == pytest.approx([24.66, 18.91, 35.17], abs=0.05)


def gradient_error(objective: Callable, point: list[float]) -> float:
    step, point = 1e-5, np.array(point)
    steps = np.eye(len(point)) * step
    slopes = [(objective(point + s)[0] - objective(point - s)[0]) / (2 * step) for s in steps]
    _, gradient = objective(point)
    return float(np.abs(gradient - slopes).max() / (1 + np.abs(slopes).max()))


points = st.lists(st.floats(-2.5, 2.5), min_size=4, max_size=4)


@settings(deadline=None, max_examples=60)
@given(points)
def test_gradients_equal_finite_differences(point: list[float]) -> None:
    rows, _ = scaled_rows(checked_histories(*HISTORIES.values()))
    again = HISTORIES["frequency"] > 0
    x, value = HISTORIES["frequency"][again].astype(float), MEAN_VALUES[again] / 20
    spend = _gamma_gamma._tables(x, value, np.arange(1.0, len(x) + 1))
    objectives = [
        partial(_bg_nbd._objective, _bg_nbd._tables(rows)),
        partial(_pareto_nbd._objective, rows),
    ]
    for objective in objectives:
        assert gradient_error(objective, point) < 1e-6
    assert gradient_error(partial(_gamma_gamma._objective, spend), point[:3]) < 1e-6


@pytest.mark.parametrize("fit", [fit_bg_nbd, fit_pareto_nbd])
class TestFit:
    def test_takes_weights_as_repeated_rows(self, fit: Callable) -> None:
        data = simulated(CDNOW, 500, seed=1)
        weights = np.random.default_rng(1).integers(0, 4, 500)
        repeated = {name: np.repeat(values, weights) for name, values in data.items()}
        assert fit(**data, weights=weights) == fit(**repeated)

    def test_does_not_depend_on_the_order_of_rows(self, fit: Callable) -> None:
        data = simulated(CDNOW, 500, seed=2)
        order = np.random.default_rng(2).permutation(500)
        assert fit(**data) == fit(**{name: values[order] for name, values in data.items()})

    def test_scales_with_the_unit_of_time(self, fit: Callable) -> None:
        data = simulated(CDNOW, 800, seed=3)
        weeks = fit(**data)
        days = fit(data["frequency"], 7 * data["recency"], 7 * data["T"])
        assert days.alpha == pytest.approx(7 * weeks.alpha, rel=1e-4)
        assert days.r == pytest.approx(weeks.r, rel=1e-4)
        shift = data["frequency"].sum() * np.log(7)
        assert days.log_likelihood == pytest.approx(weeks.log_likelihood - shift)

    def test_leaves_its_input_unchanged(self, fit: Callable) -> None:
        data = simulated(CDNOW, 100, seed=4)
        before = {name: values.copy() for name, values in data.items()}
        fit(**data)
        assert all((data[name] == before[name]).all() for name in data)

    def test_takes_nullable_columns_and_lists(self, fit: Callable) -> None:
        data = pd.DataFrame(simulated(CDNOW, 100, seed=5))
        nullable = fit(data["frequency"].astype("Int64"), data["recency"], data["T"])
        lists = fit(*(data[name].tolist() for name in data))
        assert nullable == lists

    def test_says_when_nobody_bought_again(self, fit: Callable) -> None:
        with pytest.raises(FitError, match="none of 3 customers bought again"):
            fit([0, 0, 0], [0, 0, 0], [5, 6, 7])

    def test_names_the_parameter_that_ran_off(self, fit: Callable) -> None:
        nobody_leaves = simulated(BgNbd(2, 2, 1e-6, 100), 300, seed=6)
        model = fit(**nobody_leaves)
        assert model.at_bound
        assert np.isfinite(list(vars(model).values())[:5]).all()

    def test_reports_everything_impossible_at_once(self, fit: Callable) -> None:
        columns = ([-1, 1.5, 0, 2, 2, np.nan], [0, 1, 3, 9, 0, 1], [5, 5, 5, 5, 5, np.inf])
        with pytest.raises(InputError) as raised:
            fit(*columns, weights=[1, 1, 1, 1, 1, -1])
        text = str(raised.value)
        assert "3 of 6 rows (row 0: -1, row 1: 1.5, row 5: nan)" in text
        assert "above 0 where frequency is above 0" in text
        assert "at most T" in text
        assert "0 where frequency is 0" in text
        assert "1 of 6 rows (row 5: inf)" in text
        assert "weights" in text

    def test_refuses_columns_of_different_lengths(self, fit: Callable) -> None:
        with pytest.raises(InputError, match="frequency 2, recency 1, T 2"):
            fit([1, 2], [1], [2, 3])

    def test_refuses_what_is_not_a_number(self, fit: Callable) -> None:
        with pytest.raises(InputError, match="dates or time spans"):
            fit([1, 1], pd.to_timedelta([1, 2], unit="D"), [2, 3])


@pytest.mark.parametrize("seed", range(40))
def test_recovers_random_models(seed: int) -> None:
    random = np.random.default_rng([7, seed])
    truth = BgNbd(*(float(random.uniform(*limits)) for limits in
                    ((0.1, 3), (0.5, 30), (0.1, 3), (0.5, 10))))  # fmt: skip
    data = simulated(truth, 3000, seed)
    model = fit_bg_nbd(**data)
    planted = bg_nbd_expected_purchases(truth, 26, **data).sum()
    assert bg_nbd_expected_purchases(model, 26, **data).sum() == pytest.approx(planted, rel=0.2)
    start = np.log([truth.r, truth.alpha, truth.a, truth.b])
    rows, scale = scaled_rows(checked_histories(**data))
    start[1] -= np.log(scale)
    at_truth = -_bg_nbd._objective(_bg_nbd._tables(rows), start)[0] * 3000
    assert model.log_likelihood + data["frequency"].sum() * np.log(scale) >= at_truth


def test_recovers_the_planted_parameters() -> None:
    model = fit_bg_nbd(**simulated(CDNOW, 100_000, seed=8))
    # The last day is rounded up, which moves alpha by less than a day.
    assert model.r == pytest.approx(CDNOW.r, rel=0.05)
    assert model.alpha == pytest.approx(CDNOW.alpha, rel=0.08)
    assert model.a / (model.a + model.b) == pytest.approx(0.2463, rel=0.05)


def test_expected_purchases_equal_the_papers_formula() -> None:
    x, recency, T = (HISTORIES[name] for name in ("frequency", "recency", "T"))
    r, alpha, a, b, t = CDNOW.r, CDNOW.alpha, CDNOW.a, CDNOW.b, 39
    ratio = ((alpha + T) / (alpha + T + t)) ** (r + x)
    series = ratio * hyp2f1(r + x, b + x, a + b + x - 1, t / (alpha + T + t))
    share = bg_nbd_active_share(CDNOW, x, recency, T)
    paper = share * (a + b + x - 1) / (a - 1) * (1 - series)
    assert bg_nbd_expected_purchases(CDNOW, t, x, recency, T) == pytest.approx(paper, rel=1e-10)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([1e-4, 0.5, 1 - 1e-9, 1.0, 1 + 1e-9, 3.0, 1e4]),
    st.sampled_from([1e-4, 0.1, 1.0, 10.0, 1e4]),
    st.integers(0, 5000),
    st.floats(0, 1000),
    st.floats(0.01, 1),
)
def test_predictions_stay_finite_and_plausible(
    a: float, r: float, x: int, horizon: float, recency_share: float
) -> None:
    T = 78.0
    recency = T * recency_share if x else 0.0
    for s in (a, r):
        pareto = ParetoNbd(r, 4.4, s, 11.0)
        expected = pareto_nbd_expected_purchases(pareto, horizon, [x], [recency], [T])[0]
        assert 0 <= expected <= horizon * (r + x) / (4.4 + T) * (1 + 1e-9)
    model = BgNbd(r, 4.4, a, 2.4)
    expected = bg_nbd_expected_purchases(model, horizon, [x], [recency], [T])[0]
    assert 0 <= expected <= horizon * (r + x) / (4.4 + T) * (1 + 1e-9)
    assert 0 <= bg_nbd_active_share(model, [x], [recency], [T])[0] <= 1


def test_expected_purchases_are_smooth_where_a_is_one() -> None:
    data = (HISTORIES["frequency"], HISTORIES["recency"], HISTORIES["T"])
    at_one = bg_nbd_expected_purchases(replace(CDNOW, a=1.0), 39, *data)
    beside = bg_nbd_expected_purchases(replace(CDNOW, a=1 + 1e-10), 39, *data)
    assert beside == pytest.approx(at_one, rel=1e-8)


def test_pareto_likelihood_equals_the_hypergeometric_functions() -> None:
    for model in (CDNOW_PARETO, ParetoNbd(0.553, 12.0, 0.606, 5.0)):
        r, alpha, s, beta = model.r, model.alpha, model.s, model.beta
        for x, tx, T in zip(*HISTORIES.values(), strict=True):
            m, most, least = r + s + x, max(alpha, beta), min(alpha, beta)
            second = s + 1 if alpha >= beta else r + x
            ends = [
                hyp2f1(m, second, m + 1, (most - least) / (most + t)) / (most + t) ** m
                for t in (tx, T)
            ]
            odds = s / m * (ends[0] - ends[1]) * (alpha + T) ** (r + x) * (beta + T) ** s
            share = pareto_nbd_active_share(model, [x], [tx], [T])[0]
            assert share == pytest.approx(1 / (1 + odds), rel=1e-9)


def test_refuses_a_horizon_in_the_past() -> None:
    with pytest.raises(InputError, match="horizon"):
        bg_nbd_expected_purchases(CDNOW, -1, [1], [1], [2])


class TestGammaGamma:
    def test_weights_are_repeated_rows_and_order_does_not_matter(self) -> None:
        random = np.random.default_rng(9)
        x, value = random.integers(0, 5, 300), random.gamma(4, 10, 300)
        weights = random.integers(0, 3, 300)
        weighted = fit_gamma_gamma(x, value, weights=weights)
        order = random.permutation(weights.sum())
        repeated = fit_gamma_gamma(np.repeat(x, weights)[order], np.repeat(value, weights)[order])
        assert weighted == repeated

    def test_recovers_the_planted_parameters(self) -> None:
        random = np.random.default_rng(10)
        x = random.integers(1, 8, 50_000)
        nu = random.gamma(3.74, 1 / 15.44, 50_000)
        model = fit_gamma_gamma(x, random.gamma(6.25 * x) / nu / x)
        assert [model.p, model.q, model.gamma] == pytest.approx([6.25, 3.74, 15.44], rel=0.05)

    def test_scales_with_the_unit_of_money(self) -> None:
        x, value = np.array([1, 2, 3, 1, 2] * 20), np.random.default_rng(11).gamma(4, 10, 100)
        one, hundred = fit_gamma_gamma(x, value), fit_gamma_gamma(x, 100 * value)
        assert hundred.gamma == pytest.approx(100 * one.gamma, rel=1e-3)
        assert hundred.log_likelihood == pytest.approx(one.log_likelihood - 100 * np.log(100))

    def test_says_when_nobody_bought_again(self) -> None:
        with pytest.raises(FitError, match="no customer bought again"):
            fit_gamma_gamma([0, 0], [np.nan, np.nan])

    def test_refuses_amounts_of_zero_or_less(self) -> None:
        with pytest.raises(InputError, match=r"2 of 3 rows \(row 0: 0, row 1: -4\)"):
            fit_gamma_gamma([1, 2, 3], [0, -4, 5])

    def test_says_when_the_mean_does_not_exist(self) -> None:
        with pytest.raises(FitError, match="no mean for 1 customers"):
            gamma_gamma_expected_value(GammaGamma(6, 0.9, 15), [0, 2], [np.nan, 20])


class TestSimulateSpend:
    def simulate(self, draws: int = 4000, **columns: np.ndarray) -> pd.DataFrame:
        given = HISTORIES | {"mean_value": MEAN_VALUES} | columns
        spend = simulate_spend(CDNOW, CDNOW_SPEND, horizon=39, seed=12, draws=draws, **given)
        frame = pd.DataFrame(spend.quantiles, columns=list(spend.probabilities))
        return frame.assign(mean=spend.mean, standard_deviation=spend.standard_deviation)

    def test_mean_equals_the_expectation(self) -> None:
        found = self.simulate(draws=100_000)
        purchases = bg_nbd_expected_purchases(CDNOW, 39, **HISTORIES)
        value = gamma_gamma_expected_value(CDNOW_SPEND, HISTORIES["frequency"], MEAN_VALUES)
        error = found["standard_deviation"] / np.sqrt(100_000)
        assert (np.abs(found["mean"] - purchases * value) < 4 * error).all()

    def test_purchases_spread_as_those_of_the_planted_process(self) -> None:
        # Known rate and probability to leave: huge r and alpha, a and b; one euro per purchase.
        sure, euro = BgNbd(2e6, 1e7, 3e6, 7e6), GammaGamma(1e6, 1e6, 1)
        found = simulate_spend(
            sure, euro, horizon=10, seed=1, draws=50_000, probabilities=(0.5, 1),
            frequency=[0], recency=[0], T=[0], mean_value=[0],
        )  # fmt: skip
        assert found.mean[0] == pytest.approx((1 - np.exp(-0.3 * 0.2 * 10)) / 0.3, rel=0.02)
        assert found.quantiles[0, 0] == pytest.approx(1, abs=0.01)

    def test_is_the_same_for_a_seed_whatever_the_order(self) -> None:
        reverse = {name: values[::-1] for name, values in HISTORIES.items()}
        found = self.simulate(**reverse, mean_value=MEAN_VALUES[::-1])[::-1].reset_index(drop=True)
        pd.testing.assert_frame_equal(found, self.simulate())

    def test_equal_histories_get_equal_intervals(self) -> None:
        twice = {name: np.tile(values, 2) for name, values in HISTORIES.items()}
        found = self.simulate(**twice, mean_value=np.tile(MEAN_VALUES, 2))
        pd.testing.assert_frame_equal(found[:8], found[8:].reset_index(drop=True))
        pd.testing.assert_frame_equal(found[:8], self.simulate())

    def test_refuses_impossible_options(self) -> None:
        with pytest.raises(InputError, match=r"(?s)draws.*probabilities"):
            simulate_spend(
                CDNOW, CDNOW_SPEND, horizon=39, seed=1, draws=0, probabilities=(10, 90),
                **HISTORIES, mean_value=MEAN_VALUES,
            )  # fmt: skip
