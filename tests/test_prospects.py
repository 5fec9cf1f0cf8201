"""Prospect classes follow from cut points that stay: value now, growth ahead."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.customers.prospects import (
    PROSPECT_CLASSES,
    ProspectRule,
    class_table,
    cut_shares,
    fit_cuts,
    growth_ahead,
    mean_year,
    prospect_class,
    year_rate,
)

CUTS = {
    "high_value_amount": 10_000.0,
    "low_value_amount": 1_000.0,
    "growth_share": 0.1,
    "loss_share": 0.5,
}


def people(rows, tenure_days=1000):
    names = ["revenue_year_amount", "revenue_year_before_amount", "forecast_year_amount"]
    table = pd.DataFrame(rows, columns=[*names, "order_day_year_count"])
    table = table.astype(float).assign(customer_id=[f"c{n}" for n in range(len(table))])
    return table.assign(tenure_days=tenure_days)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ((10_000, 9_000, 9_500, 5), "keep and enlarge"),  # just high value, level
        ((9_999, 9_000, 12_000, 5), "grow"),
        ((1_000, 900, 1_100, 5), "grow"),  # exactly some value, exactly the growth
        ((999, 900, 1_100, 5), "develop"),  # growth of 101 on the low cut point: 10.1 %
        ((999, 900, 1_000, 5), "serve lightly"),
        ((5_000, 5_000, 5_000, 5), "serve lightly"),  # level
        ((2_000, 8_000, 2_500, 2), "win back"),  # exactly half of the mean of two years
        ((4_000, 8_000, 4_000, 2), "serve lightly"),  # half of the better year is no loss
        ((0, 8_000, 100, 0), "win back"),
        ((12_000, 30_000, 10_000, 9), "win back"),  # large still, but most of it is gone
        ((0, 500, 300, 0), "serve lightly"),  # silent: growth on nothing is not to be planned for
        ((-50, 900, 0, 0), "serve lightly"),  # returns above sales, never worth much
        ((0, 8_000, np.nan, 0), "win back"),  # no forecast: silent after a good year
        ((5_000, 5_000, np.nan, 4), "serve lightly"),  # no forecast counts as level
    ],
)
def test_the_class_follows_from_value_and_growth(row, expected):
    assert prospect_class(people([row]), CUTS).tolist() == [expected]


def test_growth_on_little_is_measured_on_the_low_cut_point():
    assert growth_ahead(people([(100, 0, 300, 1)]), CUTS).tolist() == [0.2]


@pytest.mark.parametrize(
    ("tenure_days", "rate"),
    [(30, 4_010.99), (90, 4_010.99), (181, 2_005.49), (364, 1_000.0), (900, 1_000.0)],
)
def test_the_year_of_a_young_customer_is_the_rate_of_its_days(tenure_days, rate):
    table = people([(1_000, 0, 4_000, 3)], tenure_days)
    assert year_rate(table).round(2).tolist() == [rate]


def test_being_new_is_no_growth():
    young, old = people([(1_000, 0, 4_000, 3)], 90), people([(1_000, 0, 4_000, 3)], 900)
    assert growth_ahead(young, CUTS).round(3).tolist() == [-0.003]  # 4,000 a year as before
    assert prospect_class(young, CUTS).tolist() == ["serve lightly"]
    assert prospect_class(old, CUTS).tolist() == ["grow"]


@pytest.mark.parametrize(
    ("tenure_days", "mean"), [(90, 6_000), (364, 6_000), (546, 4_003.66), (900, 3_000)]
)
def test_the_mean_year_is_over_the_time_as_a_customer(tenure_days, mean):
    assert mean_year(people([(6_000, 0, 0, 3)], tenure_days)).round(2).tolist() == [mean]


def test_customers_who_only_vary_by_chance_are_not_to_win_back():
    rng = np.random.default_rng(0)
    now, before = rng.gamma(2, 2_000, (2, 2_000))  # the same customers, two lucky or poor years
    table = people([(a, b, 4_000, 5) for a, b in zip(now, before, strict=True)])
    lost = prospect_class(table, CUTS) == "win back"
    # A few are: their mean of two years exceeds twice what everybody may expect.
    assert lost.mean() < 0.06
    assert (table.loc[lost, "revenue_year_amount"] > 0).all()


def test_the_share_above_a_cut_counts_those_who_ordered():
    table = people([(v, 0, v, 1) for v in (500, 1_000, 20_000, 30_000)] + [(0, 0, 0, 0)])
    assert cut_shares(table, CUTS) == {"high_value_amount": 0.5, "low_value_amount": 0.75}
    assert cut_shares(table.tail(1), CUTS)["high_value_amount"] == 0


def test_cut_points_are_somebodys_value_so_that_ties_stay_together():
    table = people([(v, 0, v, 1) for v in (100, 100, 100, 100, 500)])
    cuts = fit_cuts(table, ProspectRule(0.8, 0.5, 0.1, 0.5))
    assert (cuts["high_value_amount"], cuts["low_value_amount"]) == (500, 100)
    assert prospect_class(table, cuts).nunique() == 2


def test_the_table_of_classes_adds_up_and_shows_empty_ones():
    table = people([(10_000, 0, 12_000, 5), (30_000, 0, 28_000, 5)])
    work = table.assign(
        prospect_class=prospect_class(table, CUTS),
        revenue_quarter_amount=1.0,
        forecast_quarter_amount=2.0,
        gap_year_amount=np.nan,
    )
    classes = class_table(work).set_index("prospect_class")
    assert list(classes.index) == list(PROSPECT_CLASSES)
    assert classes.loc["keep and enlarge", "revenue_share"] == 1
    assert classes.loc["keep and enlarge", "growth_ahead_ratio"] == 0
    assert classes.loc["keep and enlarge", "mean_year_amount"] == 20_000  # half, over two years
    assert np.isnan(classes.loc["keep and enlarge", "gap_year_amount"])  # not known is not 0
    assert classes.loc["grow", ["customer_count", "revenue_year_amount"]].tolist() == [0, 0]


@given(
    st.lists(
        st.tuples(*[st.floats(-1e5, 1e7, allow_nan=False)] * 3, st.integers(0, 50)), min_size=1
    )
)
def test_everybody_has_one_class_whatever_the_order(rows):
    table = people(rows)
    cuts = fit_cuts(table, ProspectRule(0.8, 0.5, 0.1, 0.5))
    classes = prospect_class(table, cuts)
    assert set(classes) <= set(PROSPECT_CLASSES)
    backwards = table.iloc[::-1]
    assert fit_cuts(backwards, ProspectRule(0.8, 0.5, 0.1, 0.5)) == cuts
    assert prospect_class(backwards, cuts).sort_index().equals(classes)
