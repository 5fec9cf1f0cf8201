"""Lines and winning at equal deal size: nothing is claimed where size alone does it."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import binom, t
from sklearn.linear_model import LogisticRegression

from analysis.customers.key_customers_breadth import (
    AS_IT_LOOKS,
    AT_EQUAL_SIZE,
    CANNOT,
    IN_FIFTHS,
    MORE,
    NOTHING,
    breadth,
    fifths_odds,
    mantel_haenszel,
    size_curve,
    size_table,
)
from analysis.customers.key_customers_options import KeyCustomersOptions

OPTIONS = KeyCustomersOptions()
SETS = 80


def drawn(seed, count=300, effect=0.0, shape="linear", customers=0):
    """Large deals have more lines and are won more often; `effect` is the logit of twice as many.

    With `customers`, deals of one customer are alike as well.
    """
    rng = np.random.default_rng(seed)
    size = rng.normal(0, 0.8, count)
    lines = 1 + rng.poisson(np.exp(0.2 + 0.8 * size.clip(-2, 2)))
    by_size = {"linear": size, "threshold": 2.0 * (size > 0.3)}[shape]
    owner = rng.integers(0, customers or count, count)
    alike = rng.normal(0, 1.0, customers or count)[owner] * bool(customers)
    won = rng.random(count) < expit(-0.3 + by_size + alike + effect * np.log2(lines))
    return pd.DataFrame(
        {
            "opportunity_id": [f"O{n:05d}" for n in range(count)],
            "customer_id": [f"C{n}" for n in owner],
            "is_won": won,
            "line_count": lines,
            "value_amount": 3000 * np.exp(size),
        }
    )


def claims(method, found):
    row = found.row(method)
    return row["odds_low_ratio"] > 1 or row["odds_high_ratio"] < 1


@pytest.mark.parametrize(("shape", "customers"), [("linear", 0), ("threshold", 50)])
def test_breadth_without_an_effect_looks_strong_and_is_hardly_ever_claimed(shape, customers):
    sets = [drawn(seed, shape=shape, customers=customers) for seed in range(SETS)]
    found = [breadth(one, OPTIONS) for one in sets]
    told = [one for one in found if one.verdict != NOTHING and not one.effects.empty]
    assert len(told) > 0.95 * SETS
    # Size alone makes broad proposals look better, in most of the sets beyond any doubt.
    assert np.mean([claims(AS_IT_LOOKS, one) for one in told]) > 0.6
    false = sum(one.verdict != CANNOT for one in told)
    # One in twenty by chance, and what so many sets may show of that (99 in 100).
    assert false <= binom.ppf(0.99, len(told), 0.05)


def test_fifths_of_size_leave_size_within_them():
    found = [breadth(drawn(seed, count=1500), OPTIONS) for seed in range(30)]
    odds = [[one.row(name)["odds_ratio"] for one in found] for name in (IN_FIFTHS, AT_EQUAL_SIZE)]
    fifths, curve = (np.mean(np.log(values)) for values in odds)
    # Hence the claim rests on the curve.
    assert fifths > 0.04
    assert abs(curve) < fifths / 2


def test_a_planted_effect_is_found_and_its_range_holds_it():
    effect = 0.8
    found = [breadth(drawn(1000 + seed, count=800, effect=effect), OPTIONS) for seed in range(40)]
    assert np.mean([one.verdict == MORE for one in found]) > 0.9
    rows = pd.DataFrame([one.row(AT_EQUAL_SIZE) for one in found])
    is_held = (rows["odds_low_ratio"] < np.exp(effect)) & (rows["odds_high_ratio"] > np.exp(effect))
    assert is_held.mean() > binom.ppf(0.01, 40, 0.95) / 40
    assert rows["won_difference_share"].between(0, 0.3).all()


def test_the_fit_is_that_of_another_program():
    table = drawn(3)
    lines, size = np.log2(table["line_count"]), np.log(table["value_amount"])
    X = np.column_stack([lines, size_curve(size.to_numpy(), table["is_won"].to_numpy(float))])
    other = LogisticRegression(C=1e10, tol=1e-10, max_iter=5000).fit(X, table["is_won"])
    odds = breadth(table, OPTIONS).row(AT_EQUAL_SIZE)["odds_ratio"]
    assert odds == pytest.approx(float(np.exp(other.coef_[0, 0])), rel=1e-4)


def test_with_one_or_two_lines_the_numbers_are_those_of_a_table_of_four():
    won, lost = np.array([40, 60]), np.array([60, 30])  # of one line, of two lines
    count = int((won + lost).sum())
    table = pd.DataFrame(
        {
            "opportunity_id": [f"O{n:03d}" for n in range(count)],
            "customer_id": [f"C{n}" for n in range(count)],
            "is_won": np.repeat([True, False, True, False], [40, 60, 60, 30]),
            "line_count": np.repeat([1, 2], [100, 90]),
            "value_amount": np.exp(np.random.default_rng(1).normal(8, 1, count)),
        }
    )
    row = breadth(table, OPTIONS).row(AS_IT_LOOKS)
    assert row["odds_ratio"] == pytest.approx((60 / 30) / (40 / 60))
    # One over each cell, and the correction for two numbers learned.
    scale = count / (count - 1) * (count - 1) / (count - 2)
    half = t.ppf(0.975, count - 1) * np.sqrt(scale * (1 / 40 + 1 / 60 + 1 / 60 + 1 / 30))
    assert row["odds_high_ratio"] == pytest.approx(row["odds_ratio"] * np.exp(half))


def test_mantel_haenszel_is_by_hand_for_two_groups():
    # Broad won and lost, narrow won and lost.
    one, two = [20, 10, 10, 30], [5, 5, 10, 20]
    assert mantel_haenszel(np.array([one])) == pytest.approx(6.0)  # 20 x 30 / (10 x 10)
    # Each group by its size: 600 / 70 + 100 / 40 over 100 / 70 + 50 / 40.
    both = (600 / 70 + 100 / 40) / (100 / 70 + 50 / 40)
    assert mantel_haenszel(np.array([one, two])) == pytest.approx(both)
    assert np.isnan(mantel_haenszel(np.array([[20, 0, 0, 30]])))


def test_the_range_of_fifths_is_about_the_plain_one_where_each_customer_has_one_deal():
    cells = np.array([40, 30, 35, 45])
    table = pd.DataFrame(
        {
            "is_won": np.repeat([True, False, True, False], cells),
            "line_count": np.repeat([2, 2, 1, 1], cells),
            "value_amount": 1000.0,
        }
    )
    middle, low, high = fifths_odds(table, 2, np.arange(len(table)))
    half = 1.96 * np.sqrt((1 / cells).sum())
    assert middle == pytest.approx(40 * 45 / (30 * 35))
    assert (low, high) == pytest.approx((middle * np.exp(-half), middle * np.exp(half)), rel=0.03)
    # Whoever has all the deals leaves nothing to hold them against.
    assert np.isnan(fifths_odds(table, 2, np.zeros(len(table), dtype=int))[1:]).all()


def test_the_range_of_fifths_holds_where_deals_of_a_customer_are_alike():
    """Lines do nothing, but each customer has a habit of lines and a habit of buying."""
    sets, customers, held, naive = 80, 40, 0, 0
    for seed in range(sets):
        rng = np.random.default_rng(seed)
        owner = np.repeat(np.arange(customers), 16)
        habits = rng.normal(0, 1, (2, customers))[:, owner]
        table = pd.DataFrame(
            {
                "is_won": rng.random(len(owner)) < expit(1.5 * habits[0]),
                "line_count": 1 + rng.poisson(np.exp(0.3 + habits[1])),
                "value_amount": rng.lognormal(8, 1, len(owner)),
            }
        )
        _, low, high = fifths_odds(table, 3, owner)
        held += low <= 1 <= high
        _, low, high = fifths_odds(table, 3, np.arange(len(owner)))
        naive += low <= 1 <= high
    assert held >= binom.ppf(0.01, sets, 0.95)
    assert naive < binom.ppf(0.01, sets, 0.95)  # deals counted one by one promise too much


def test_groups_of_size_hold_every_proposal_once_and_equal_values_together():
    table = drawn(5).assign(value_amount=lambda x: x["value_amount"].round(-3) + 1000)
    sizes = size_table(table, 2)
    assert sizes["narrow_count"].sum() + sizes["broad_count"].sum() == len(table)
    assert (sizes["size_from_amount"].iloc[1:] > sizes["size_to_amount"].iloc[:-1].values).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x.head(30), "too few"),
        (lambda x: x.assign(is_won=True), "too few"),
        (lambda x: x.assign(line_count=2), "same number of lines"),
        # A system that keeps a value only of deals won.
        (lambda x: x.assign(value_amount=x["value_amount"].where(x["is_won"])), "no value"),
    ],
)
def test_says_why_nothing_can_be_said(change, words):
    found = breadth(change(drawn(7)), OPTIONS)
    assert found.verdict == NOTHING
    assert words in found.why
    assert found.effects.empty


def test_lines_that_follow_from_size_alone_cannot_be_told_apart_from_it():
    table = drawn(9)
    both = table.assign(value_amount=1000.0 * table["line_count"])
    found = breadth(both, OPTIONS)
    assert found.verdict == CANNOT
    assert "cannot be told apart" in found.why


def test_the_order_of_rows_and_the_unit_of_money_do_not_matter():
    table = drawn(11, customers=40)
    before = table.copy()
    first = breadth(table, OPTIONS)
    pd.testing.assert_frame_equal(table, before)
    again = breadth(table.sample(frac=1, random_state=2), OPTIONS)
    pd.testing.assert_frame_equal(first.effects, again.effects)
    cents = breadth(table.assign(value_amount=100 * table["value_amount"]), OPTIONS)
    numbers = first.effects.columns[2:]
    pd.testing.assert_frame_equal(first.effects[numbers], cents.effects[numbers], rtol=1e-6)
