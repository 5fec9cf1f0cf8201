"""Numbers by way of selling: they add up to those of all, small ways are withheld."""

import numpy as np
import pandas as pd
import pytest
from sales_examples import SCOPE, department, equal_deals

from analysis.sales.funnel_cohort import Tables
from analysis.sales.pipeline_forecast import PipelineOptions, pipeline_forecast
from analysis.sales.pipeline_layers import OPENED
from analysis.sales.selling_models import LEAST_DEALS, pace_by_model
from analysis.sales.throughput import throughput

OPTIONS = PipelineOptions(history_quarters=6, draw_count=400, backtest_quarters=2)


def company(models: tuple[str | None, ...], weights: tuple[float, ...]) -> Tables:
    """Three sellers; enterprise deals are worth ten times as much, and won as often."""
    deals = equal_deals(3, 200, 4, days=900)
    made = department(deals, np.full((len(deals), 2), 0.6), stage_days=25, seed=4)
    table = made["opportunities"]
    told = np.random.default_rng(104).choice(np.array(models, dtype=object), len(table), p=weights)
    worth = np.where(told == "enterprise", 10_000.0, 1_000.0)
    table = table.assign(selling_model=told, value_amount=worth)
    values = dict(zip(table["opportunity_id"], worth, strict=True))
    events = made["stage_events"]
    events = events.assign(value_amount=events["opportunity_id"].map(values))
    return Tables(table, events, made["stages"])


BOTH = company(("transactional", "enterprise"), (0.8, 0.2))


def test_pace_by_way_of_selling_adds_up_to_that_of_all():
    found = throughput(BOTH, scope=SCOPE)
    table = found.tables["selling_models"].set_index("selling_model")
    assert list(table.index) == ["enterprise", "transactional"]
    assert table["ended_count"].sum() == found.headline["ended"].value
    assert table["month_rate"].sum() == pytest.approx(found.headline["month_rate"].value)
    assert (table["won_low_share"] < table["won_share"]).all()
    assert (table["won_share"] < table["won_high_share"]).all()
    truth = 0.36
    assert (table["won_low_share"] <= truth).all()
    assert (table["won_high_share"] >= truth).all()


def test_a_way_of_selling_with_few_deals_gets_no_rate_of_its_own():
    rows = [("enterprise", number < 5) for number in range(LEAST_DEALS - 1)]
    rows += [("transactional", number < 10) for number in range(40)]
    rows += [(None, False)]
    window = pd.DataFrame(rows, columns=["selling_model", "is_won"])
    window = window.assign(is_given=True, is_ended=True, age_days=30.0)
    present = pd.Series({"A": 210.0})
    table = pace_by_model(window, present).set_index("selling_model")
    assert list(table.index) == ["enterprise", "transactional", "not known"]
    assert table["ended_count"].tolist() == [LEAST_DEALS - 1, 40, 1]
    assert table["won_share"].notna().tolist() == [False, True, False]
    assert table["month_rate"].notna().tolist() == [False, True, False]
    assert table.loc["transactional", "month_rate"] == pytest.approx(4.0)
    assert 0.24 < table.loc["transactional", "won_share"] < 0.27  # 10 of 40, drawn to 15 of 60
    untold = window.assign(selling_model=None)
    assert pace_by_model(untold, present).empty


def test_what_open_deals_bring_by_way_of_selling_sums_to_their_layer():
    found = pipeline_forecast(BOTH, scope=SCOPE, options=OPTIONS)
    table = found.tables["selling_models"].set_index("selling_model")
    layers = found.tables["layers"]
    now = layers[(layers["layer"] == OPENED)].iloc[0]
    assert table["forecast_amount"].sum() == pytest.approx(now["forecast_amount"])
    assert table["open_count"].sum() == len(found.tables["deals"])
    assert (table["forecast_low_amount"] <= table["forecast_amount"]).all()
    assert (table["forecast_amount"] <= table["forecast_high_amount"]).all()
    deal = table["open_amount"] / table["open_count"]
    assert deal.tolist() == [10_000.0, 1_000.0]
    is_few = table["open_count"] < LEAST_DEALS
    assert (table["win_share"].isna() == is_few).all()


def test_deals_that_tell_no_way_of_selling_give_no_table():
    untold = company((None,), (1.0,))
    assert throughput(untold, scope=SCOPE).tables["selling_models"].empty
    assert pipeline_forecast(untold, scope=SCOPE, options=OPTIONS).tables["selling_models"].empty
