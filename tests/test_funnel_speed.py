"""Won per day: what happened, what the usual formula says, and the difference in exact parts."""

import numpy as np
import pandas as pd
import pytest
from sales_examples import END, SCOPE, department, equal_deals

from analysis.sales.funnel import FunnelOptions, Tables, funnel
from analysis.sales.funnel_cohort import cohort_of
from analysis.sales.funnel_speed import TOTAL, speed_table
from analysis.sales.funnel_stages import velocity

DAY = pd.Timedelta(days=1)


def steady(days: int, every: int, cycle: int, won_of: int) -> Tables:
    """A deal opened every few days, ended after `cycle` days, one of `won_of` won, worth 1,000."""
    begins = [END - DAY * n for n in range(1, days, every)]
    count = len(begins)
    created = pd.Series(begins).sort_values(ignore_index=True)
    closed = created + DAY * cycle
    is_closed = closed < END
    is_won = pd.Series(np.arange(count) % won_of == 0)
    table = pd.DataFrame(
        {
            "opportunity_id": [f"D{n}" for n in range(count)],
            "created_at": created,
            "closed_at": closed.where(is_closed),
            "is_closed": is_closed,
            "is_won": is_won & is_closed,
            "value_amount": 1000.0,
            "rep_id": "R1",
            "stage_id": "any",
            "pipeline_id": "main",
        }
    )
    text = ["customer_id", "product_id", "channel", "deal_type", "selling_model", "lost_reason"]
    table = table.assign(**dict.fromkeys(text, pd.Series(None, dtype="str")))
    return Tables(table.assign(expected_close_on=pd.NaT))


def table_of(tables: Tables) -> pd.DataFrame:
    return speed_table(cohort_of(tables, SCOPE, FunnelOptions())).set_index("factor")


def test_in_a_steady_flow_the_formula_says_what_is_won_as_littles_law_has_it():
    rows = table_of(steady(1000, 2, 40, 4))  # half a deal a day, a quarter won: 125 a day
    assert rows.loc[TOTAL, "happened_number"] == pytest.approx(125, rel=0.02)
    assert rows.loc[TOTAL, "formula_number"] == pytest.approx(125, rel=0.1)
    assert rows.loc["days in hand", "happened_number"] == pytest.approx(40, rel=0.03)


def test_the_number_told_is_what_was_won_per_day_and_the_parts_sum_to_the_difference():
    deals = equal_deals(3, 200, 0, days=700)
    chances = np.full((len(deals), 2), 0.6)
    tables = Tables(**department(deals, chances, stage_days=40, seed=0))
    cohort = cohort_of(tables, SCOPE, FunnelOptions())
    rows = speed_table(cohort).set_index("factor")
    won = cohort.known[cohort.known["outcome"] == "won"]
    last_year = won[won["ended_at"] >= END - 365 * DAY]["value_amount"].sum() / 365
    assert rows.loc[TOTAL, "happened_number"] == pytest.approx(last_year)
    assert rows.loc[TOTAL, "formula_number"] == pytest.approx(velocity(cohort, 0)[0])
    parts = rows.drop(index=TOTAL)["part_amount"]
    total = rows.loc[TOTAL]
    assert parts.sum() == pytest.approx(total["formula_number"] - total["happened_number"])
    found = funnel(tables, scope=SCOPE)
    assert found.headline["won_per_day"].value == pytest.approx(last_year)
    assert "velocity" not in found.headline
    told = next(one for one in found.findings if one.metric == "won_per_day_amount")
    assert "splits exactly into" in told.detail


def test_nothing_won_has_no_speed():
    tables = steady(400, 2, 40, 4)
    lost = tables.opportunities.assign(is_won=False)
    assert speed_table(cohort_of(Tables(lost), SCOPE, FunnelOptions())).empty
