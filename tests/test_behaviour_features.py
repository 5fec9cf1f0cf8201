"""Behaviour is measured against the customer's own rhythm; nobody is left without a value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from segmentation_examples import customers

from analysis.core.display import Display
from analysis.customers.behaviour_features import (
    DEFAULT_FEATURES,
    behaviour_features,
    typical_gap_days,
)
from analysis.customers.segment_words import segment_names, value_text


def test_the_same_silence_is_long_for_the_frequent_and_short_for_the_rare():
    table = customers(median_gap_days=[10.0, 100.0], repeat_count=[1000, 1000], recency_days=50)
    # With a thousand gaps of their own, the typical gap of 55 weighs nothing.
    assert behaviour_features(table)["silence_gaps"].tolist() == pytest.approx([5, 0.5], rel=0.01)


def test_one_order_is_judged_by_the_typical_gap():
    table = customers(median_gap_days=[np.nan, 30.0, 50.0], repeat_count=[0, 5, 5], recency_days=80)
    assert behaviour_features(table)["silence_gaps"].iloc[0] == 2.0  # 80 days over 40


def test_the_typical_gap_of_the_fit_keeps_a_customer_where_it_was():
    alone = customers(median_gap_days=[np.nan], repeat_count=[0], recency_days=80)
    others = customers(median_gap_days=[np.nan, 5.0, 6.0], repeat_count=[0, 9, 9], recency_days=80)
    assert typical_gap_days(others) == 5.5
    assert behaviour_features(alone, 40.0)["silence_gaps"].tolist() == [2.0]
    assert behaviour_features(others, 40.0)["silence_gaps"].iloc[0] == 2.0


def test_without_any_gap_the_typical_one_is_a_year():
    assert typical_gap_days(customers(median_gap_days=[np.nan, np.nan])) == 365


def test_a_young_customer_has_a_rate_but_no_trend():
    table = customers(
        tenure_days=[9, 181, 729],
        order_day_year_count=[1, 4, 4],
        revenue_year_amount=[100.0, 100.0, 100.0],
        revenue_year_before_amount=[0.0, 0.0, 300.0],
    )
    features = behaviour_features(table)
    # Ten days count as a quarter: one order is four a year, not 36.
    assert features["order_days_per_year"].round(2).tolist() == [4.01, 8.02, 4.0]
    assert features["trend"].tolist() == [0, 0, -0.5]


def test_returns_above_sales_count_as_all():
    table = customers(revenue_year_amount=[-50.0, 90.0, 0.0], return_year_amount=[100.0, 10.0, 0.0])
    assert behaviour_features(table)["return_share"].tolist() == [1.0, 0.1, 0.0]


def test_no_value_is_missing_where_the_source_knows_nothing():
    table = customers(
        median_gap_days=[np.nan], return_year_amount=np.nan, mean_order_day_amount=np.nan
    )
    assert behaviour_features(table).notna().all(axis=None)


@given(
    st.lists(
        st.lists(st.floats(-2.5, 2.5), min_size=6, max_size=6),
        min_size=1,
        max_size=9,
    )
)
def test_names_of_segments_are_never_shared(centres):
    names = segment_names(np.array(centres), DEFAULT_FEATURES)
    assert len(set(names)) == len(centres)
    assert all(names)


def test_names_join_what_agrees_and_set_apart_what_does_not():
    features = ("order_days_per_year", "order_day_amount", "silence_gaps")
    centres = np.array([[1.5, 1.2, 0], [1.5, -1.2, 0], [0.1, 0, 2.0], [0, 0.1, 0]])
    assert segment_names(centres, features) == [
        "Frequent and large",
        "Frequent but small",
        "Overdue",
        "In the middle",
    ]


@pytest.mark.parametrize(
    ("feature", "value", "text"),
    [
        ("order_days_per_year", 14.25, "orders on 14.2 days a year"),
        ("order_day_amount", 410.0, "spends €410 per order day"),
        ("silence_gaps", 3.0, "has been silent for 3.0 of its own gaps between orders"),
        ("trend", -0.5, "has revenue −67\u00a0% on the year before"),
        ("trend", 1.0, "has revenue at least nine times that of the year before"),
        ("return_share", 0.0, "returns nothing"),
        ("product_year_count", 1.0, "buys 1 different product a year"),
    ],
)
def test_features_are_said_in_words(feature, value, text):
    assert value_text(feature, value, Display("EUR")) == text
