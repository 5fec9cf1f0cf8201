"""Prospect classes follow from cut points that stay: value now, growth ahead."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
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
    "top_value_amount": 50_000.0,
    "high_value_amount": 10_000.0,
    "upper_value_amount": 6_000.0,
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
        ((52_000, 50_000, 48_000, 5), "protect"),  # exactly top value: the mean of both years
        ((10_400, 9_000, 9_600, 5), "keep and enlarge"),  # just high value, level
        ((9_000, 9_000, 11_000, 5), "keep and enlarge"),
        ((8_000, 9_000, 11_000, 5), "build up"),
        ((6_100, 9_000, 5_900, 5), "build up"),  # exactly upper value, growing or not
        ((4_000, 9_000, 5_000, 5), "grow"),
        ((950, 900, 1_050, 5), "grow"),  # exactly some value, exactly the growth
        ((900, 900, 1_000, 5), "develop"),  # growth of 100 on the low cut point: 10 %
        ((900, 900, 950, 5), "serve lightly"),
        ((5_000, 5_000, 5_000, 5), "hold"),  # level
        ((2_000, 8_000, 2_500, 2), "win back"),  # exactly half of the mean of two years
        ((4_000, 8_000, 4_000, 2), "hold"),  # half of the better year is no loss
        ((0, 8_000, 100, 0), "win back"),
        ((120_000, 300_000, 100_000, 9), "win back"),  # large still, but most of it is gone
        ((0, 500, 300, 0), "serve lightly"),  # silent: growth on nothing is not to be planned for
        ((-50, 900, 0, 0), "serve lightly"),  # returns above sales, never worth much
        ((0, 8_000, np.nan, 0), "win back"),  # no forecast: silent after a good year
        ((5_000, 5_000, np.nan, 4), "hold"),  # no forecast: the last year is the value
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


def test_without_forecasts_nobody_grows_whatever_the_cut():
    table = people([(5_000, 5_000, np.nan, 4), (500, 500, np.nan, 4)])
    cuts = fit_cuts(table, ProspectRule(0.8, 0.5, -0.2, 0.5))
    assert cuts["growth_share"] == -0.2
    assert set(prospect_class(table, cuts)) <= {"protect", "keep and enlarge", "serve lightly"}


def test_growth_ahead_is_what_the_asked_share_of_customers_reaches_when_all_shrink():
    forecasts = (200, 400, 600, 800, 900)  # of 1,000 each
    table = people([(1_000, 1_000, forecast, 4) for forecast in forecasts])
    cuts = fit_cuts(table, ProspectRule(0.9, 0.0, 0.1, 0.5, growing_share=0.5))
    assert round(cuts["growth_share"], 9) == -0.4
    asked = fit_cuts(table, ProspectRule(0.9, 0.0, 0.1, 0.5, growing_share=0.0))
    assert round(asked["growth_share"], 9) == -0.1


def test_being_new_is_no_growth():
    young, old = people([(1_000, 0, 4_000, 3)], 90), people([(1_000, 0, 4_000, 3)], 900)
    assert growth_ahead(young, CUTS).round(3).tolist() == [-0.003]  # 4,000 a year as before
    assert prospect_class(young, CUTS).tolist() == ["hold"]
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
    table = table.assign(margin_year_amount=[2_000.0, np.nan])
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
    assert classes.loc["keep and enlarge", "margin_year_amount"] == 2_000
    assert classes.loc["keep and enlarge", "margin_known_share"] == 0.5
    assert classes.loc["grow", ["customer_count", "revenue_year_amount"]].tolist() == [0, 0]
    assert classes["is_most_promising"].to_dict()["keep and enlarge"]
    assert classes["is_most_promising"].sum() == 1


def test_what_enlarges_a_class_is_what_is_farthest_below_the_class_of_more_value():
    high, some = (20_000, 20_000, 20_000, 10), (2_000, 2_000, 3_000, 8)
    table = people([high] * 3 + [some] * 3)
    work = table.assign(
        prospect_class=prospect_class(table, CUTS),
        revenue_quarter_amount=1.0,
        forecast_quarter_amount=2.0,
        gap_year_amount=0.0,
        product_year_count=[20] * 3 + [15] * 3,
    )
    classes = class_table(work).set_index("prospect_class")
    assert classes.loc["grow", "lever"] == "larger orders"  # 250 beside 2,000
    assert classes.loc["protect", "lever"] == ""
    assert classes.loc["keep and enlarge", "lever"] == ""  # nobody above
    assert classes.index[classes["is_most_promising"]].tolist() == ["grow"]


@settings(deadline=None, max_examples=50)
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
