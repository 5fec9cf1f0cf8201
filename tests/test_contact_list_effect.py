"""A lift is told from chance at the stated rates, whatever the tails; groups are drawn fairly."""

from math import comb, inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from analysis.customers.contact_list_draw import block_sizes, drawn_groups
from analysis.customers.contact_list_effect import Trial, block_weights, lift_of, limits
from analysis.customers.contact_list_power import Before, power_of

NOISE, SILENT = 0.8, 0.1
DRAWS = 399


def company(generator, count, sigma=1.0):
    """Return forecasts of a company with lognormal spend, largest first."""
    return np.sort(generator.lognormal(7, sigma, count))[::-1]


def quarter(generator, forecast, noise=NOISE, silent=SILENT):
    """Return what came: right on average, one in ten silent, the rest lognormal around it."""
    factor = generator.lognormal(-(noise**2) / 2, noise, len(forecast)) / (1 - silent)
    return forecast * factor * (generator.random(len(forecast)) > silent)


def trial(forecast, came, share, number, lift=0.0):
    block, is_contact = drawn_groups(len(forecast), share, [number, 1])
    came = np.where(is_contact, came * (1 + lift), came)
    return Trial(block, is_contact, forecast, limits(forecast), came)


def outcomes(count, share, lift, companies, sigma=1.0):
    """Return the lift found in each of many small companies."""
    found = []
    for number in range(companies):
        generator = np.random.default_rng(number)
        forecast = company(generator, count, sigma)
        one = trial(forecast, quarter(generator, forecast), share, number, lift)
        found.append(lift_of([one], draws=DRAWS, seed=[number, 2]))
    return found


class TestTheDraw:
    @given(st.integers(0, 300), st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.4, 0.5]), st.integers(0, 9))
    def test_every_block_holds_out_its_share_within_one_customer(self, count, share, seed):
        block, is_contact = drawn_groups(count, share, [seed])
        if not len(block_sizes(count, share)[0]):
            assert is_contact.all()
            return
        for number in np.unique(block):
            mine = block == number
            held = (mine & ~is_contact).sum()
            assert 1 <= held < mine.sum()
            assert abs(held - share * mine.sum()) <= 1
        assert (np.diff(block) >= 0).all()

    def test_blocks_are_as_small_as_the_share_allows(self):
        sizes, held = block_sizes(23, 0.2)
        assert sizes.tolist() == [5, 5, 5, 8]
        assert held.tolist() == [1, 1, 1, 2]  # a fifth of eight, rounded

    @pytest.mark.parametrize(("count", "share"), [(9, 0.2), (3, 0.5), (100, 0.0), (0, 0.2)])
    def test_nobody_is_held_out_of_too_few_or_when_switched_off(self, count, share):
        block, is_contact = drawn_groups(count, share, [0])
        assert is_contact.all()
        assert (block == 0).all()

    def test_everybody_is_as_likely_to_be_held_out(self):
        held = sum(~drawn_groups(20, 0.2, [seed])[1] for seed in range(2000))
        assert binom.ppf(1e-4, 2000, 0.2) <= held.min()
        assert held.max() <= binom.ppf(1 - 1e-4, 2000, 0.2)

    def test_the_same_seed_draws_the_same_and_another_does_not(self):
        first, again, other = (drawn_groups(100, 0.2, [2026, s])[1] for s in (1, 1, 2))
        assert (first == again).all()
        assert (first != other).any()


class TestTheLift:
    def test_is_exact_where_contacts_bring_half_as_much_again_and_nothing_else_varies(self):
        forecast = np.repeat([400.0, 100.0], 10)
        block, is_contact = drawn_groups(20, 0.2, [0])
        came = np.where(is_contact, 1.5 * forecast, forecast)
        found = lift_of(
            [Trial(block, is_contact, forecast, limits(forecast), came)], draws=999, seed=[0]
        )
        assert found.lift == pytest.approx(0.5)
        assert found.low_95 <= 0.5 <= found.high_95
        assert found.is_told
        # A third of what contacts brought came through the contact.
        assert found.gains(3000.0)[0] == pytest.approx(1000.0)

    def test_is_by_hand_for_two_blocks(self):
        forecast = np.array([100.0, 100.0, 100.0, 100.0])
        came = np.array([130.0, 110.0, 90.0, 80.0])
        is_contact = np.array([True, False, True, False])
        found = lift_of(
            [Trial(np.array([1, 1, 2, 2]), is_contact, forecast, limits(forecast), came)],
            draws=999,
            seed=[0],
        )
        # Equal weights: contacts brought 220, those held out 190.
        assert found.lift == pytest.approx(220 / 190 - 1)
        # Four ways to draw: nothing could have been told.
        assert found.least_p_value == pytest.approx(0.5)
        assert not found.is_told

    def test_no_outcome_of_too_few_ways_is_told(self):
        forecast = np.full(10, 100.0)
        block, is_contact = drawn_groups(10, 0.2, [3])
        came = np.where(is_contact, 1000.0, 1.0)
        found = lift_of(
            [Trial(block, is_contact, forecast, np.full(10, inf), came)], draws=999, seed=[0]
        )
        assert found.least_p_value == pytest.approx(2 / comb(5, 1) ** 2)
        assert not found.is_told

    def test_one_giant_order_does_not_decide(self):
        generator = np.random.default_rng(5)
        forecast = company(generator, 100)
        came = quarter(generator, forecast)
        one = trial(forecast, came, 0.2, 5)
        place = np.flatnonzero(one.is_contact & (came > 100))[3]
        giant = one.came.copy()
        giant[place] *= 1000
        raised = Trial(one.block, one.is_contact, forecast, one.limit, giant)
        plain = [lift_of([t], draws=DRAWS, seed=[1], in_money=True).lift for t in (one, raised)]
        robust = [lift_of([t], draws=DRAWS, seed=[1]).lift for t in (one, raised)]
        assert plain[1] - plain[0] > 10
        assert abs(robust[1] - robust[0]) < 0.15

    def test_revenue_counts_to_the_mean_of_the_others_where_half_have_no_forecast(self):
        assert limits(np.array([0.0, 0.0, 0.0, 100.0, 300.0])).tolist() == [600.0] * 4 + [900.0]
        assert limits(np.array([0.0, 100.0, 300.0])).tolist() == [300.0, 300.0, 900.0]
        assert limits(np.zeros(3)).tolist() == [0.0] * 3

    @pytest.mark.parametrize("counts_of", [np.zeros_like, lambda one: np.full_like(one, inf)])
    def test_a_lift_without_a_size_gains_nothing_that_could_be_told(self, counts_of):
        # Nothing counts; or those held out brought nothing at all.
        forecast = np.zeros(20)
        block, is_contact = drawn_groups(20, 0.2, [0])
        came = np.where(is_contact, 70.0, 0.0)
        one = Trial(block, is_contact, forecast, counts_of(forecast), came)
        found = lift_of([one], draws=DRAWS, seed=[0])
        assert not found.has_size
        assert np.isnan(found.gains(1000.0)).all()
        assert np.isnan(found.gains(0.0)).all()

    def test_a_quarter_without_revenue_tells_nothing(self):
        forecast = np.full(20, 50.0)
        found = lift_of([trial(forecast, np.zeros(20), 0.2, 0)], draws=DRAWS, seed=[0])
        assert not found.is_told
        assert found.p_value == 1.0

    def test_a_block_that_expects_nothing_weighs_no_more_than_a_tenth_of_the_middle_one(self):
        block = np.array([1, 1, 2, 2, 3, 3])
        forecast = np.array([400.0, 400.0, 100.0, 100.0, 0.0, 0.0])
        weights = block_weights(block, forecast)
        assert weights[[0, 2]] == pytest.approx([1 / 20, 1 / 10])
        # The middle of the blocks that expect something is 250, a tenth of it 25.
        assert weights[4] == pytest.approx(1 / 5)

    def test_several_lists_together_tell_more_than_one(self):
        widths = []
        for lists in (1, 4):
            trials = []
            for number in range(lists):
                generator = np.random.default_rng(number)
                forecast = company(generator, 100)
                came = quarter(generator, forecast)
                trials.append(trial(forecast, came, 0.2, number, 0.3))
            found = lift_of(trials, draws=DRAWS, seed=[1])
            assert found.low_95 <= 0.3 <= found.high_95
            widths.append(found.high_80 - found.low_80)
        assert widths[1] < 0.7 * widths[0]

    @given(st.integers(0, 10_000))
    def test_intervals_hold_each_other_and_agree_with_the_verdict(self, seed):
        generator = np.random.default_rng(seed)
        forecast = company(generator, 25)
        one = trial(forecast, quarter(generator, forecast), 0.2, seed, generator.choice([0, 1, 4]))
        found = lift_of([one], draws=DRAWS, seed=[seed])
        assert -1 <= found.low_95 <= found.low_80 <= found.high_80 <= found.high_95
        assert found.low_95 <= found.lift <= found.high_95
        assert found.is_told == (not found.low_95 <= 0 <= found.high_95)


class TestChance:
    def test_a_list_without_effect_is_called_one_in_at_most_one_of_twenty_companies(self):
        companies = 150
        found = outcomes(60, 0.2, 0.0, companies, sigma=1.5)
        assert sum(one.is_told for one in found) <= binom.ppf(0.99, companies, 0.05)

    @pytest.mark.parametrize("lift", [0.0, 0.3])
    def test_intervals_hold_the_truth_as_often_as_they_say(self, lift):
        companies = 100
        found = outcomes(60, 0.2, lift, companies)
        for level, ends in ((0.8, ("low_80", "high_80")), (0.95, ("low_95", "high_95"))):
            held = sum(getattr(one, ends[0]) <= lift <= getattr(one, ends[1]) for one in found)
            assert held >= binom.ppf(0.01, companies, level), level

    @pytest.mark.parametrize(("count", "share"), [(100, 0.5), (150, 0.2)])
    def test_the_lift_that_was_said_to_be_told_is_told_four_times_in_five(self, count, share):
        generator = np.random.default_rng(3)
        forecast = company(generator, count)
        earlier = [Before.of(forecast, quarter(generator, forecast)) for _ in range(30)]
        least = power_of(earlier, count, share, 0.1).least_lift
        quarters = 80
        told = 0
        for number in range(quarters):
            one = trial(forecast, quarter(generator, forecast), share, number, least)
            told += lift_of([one], draws=DRAWS, seed=[number, 2]).is_told
        assert binom.ppf(0.02, quarters, 0.8) <= told <= binom.ppf(0.98, quarters, 0.8)


class TestPower:
    def earlier(self, count, noise=NOISE):
        generator = np.random.default_rng(0)
        forecast = company(generator, count)
        return [Before.of(forecast, quarter(generator, forecast, noise)) for _ in range(4)]

    def test_a_list_of_the_size_said_to_be_needed_tells_the_lift(self):
        power = power_of(self.earlier(200), 200, 0.2, 0.25)
        again = power_of(self.earlier(200), int(power.needed_count), 0.2, 0.25)
        assert again.least_lift == pytest.approx(0.25, rel=0.03)

    def test_more_customers_less_noise_and_half_held_out_tell_smaller_lifts(self):
        plain = power_of(self.earlier(200), 200, 0.2, 0.1).least_lift
        assert power_of(self.earlier(200), 800, 0.2, 0.1).least_lift < plain
        assert power_of(self.earlier(200, 0.3), 200, 0.2, 0.1).least_lift < plain
        assert power_of(self.earlier(200), 200, 0.5, 0.1).least_lift < plain

    def test_is_unknown_without_an_earlier_quarter_or_with_nobody_held_out(self):
        assert np.isnan(power_of([], 200, 0.2, 0.1).least_lift)
        assert np.isnan(power_of(self.earlier(200), 200, 0.0, 0.1).needed_count)
