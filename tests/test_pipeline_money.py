"""Invoices that are the won deals: one sum of money, two forecasts, one of them to plan with."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sales_examples import SCOPE

from analysis.core.result import Finding, Number, Result
from analysis.report.same_money import told_once
from analysis.report.story import first_numbers, ranked_findings
from analysis.sales.pipeline_backtest import OURS
from analysis.sales.pipeline_money import (
    ORDERS,
    WON_DEALS,
    OtherForecast,
    Overlap,
    money_finding,
    money_table,
    overlap,
    plans_with_orders,
)

SAME = Overlap(1000.0, 1000.0, 1000.0)
DRAWS = np.full(100, 900.0)


def deals(**columns: object) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "opportunity_id": ["D1", "D2", "D3"],
            "customer_id": ["C1", "C2", "C3"],
            "outcome": ["won", "won", "lost"],
            "ended_at": pd.to_datetime(["2025-10-01", "2025-11-01", "2025-11-02"]),
            "value_amount": [100.0, 250.0, 999.0],
        }
    )
    return table.assign(**columns)


def lines(rows: list[tuple[str, str, str, float]]) -> pd.DataFrame:
    """(invoice, customer, day, amount)."""
    table = pd.DataFrame(rows, columns=["invoice_id", "customer_id", "day", "revenue_amount"])
    return table.assign(invoiced_on=pd.to_datetime(table["day"]), known_at=pd.NaT)


def test_invoices_with_the_ids_and_values_of_won_deals_are_the_same_money():
    invoices = [("D1", "C1", "2025-10-01", 60.0), ("D1", "C1", "2025-10-01", 40.0)]
    found = overlap(deals(), lines([*invoices, ("D2", "C2", "2025-11-01", 250.0)]), SCOPE)
    assert found == Overlap(350.0, 350.0, 350.0)
    assert found.is_same


def test_invoices_of_the_same_customer_and_amount_soon_after_are_the_deal_and_serve_one_only():
    two = deals(customer_id="C1", value_amount=[100.0, 100.0, 1.0])
    late = ("I9", "C1", "2025-12-31", 100.0)  # 60 days after the second deal, 91 after the first
    early = ("I8", "C1", "2025-09-30", 100.0)  # before either was won
    found = overlap(two, lines([late, early]), SCOPE)
    assert found == Overlap(200.0, 200.0, 100.0)
    assert not found.is_same


@pytest.mark.parametrize(
    "invoices",
    [
        [("D1", "C1", "2025-10-01", 100.0), ("X", "C9", "2025-10-01", 5000.0)],  # much else
        [("D1", "C1", "2025-10-01", 170.0), ("D2", "C2", "2025-11-01", 990.0)],  # other amounts
    ],
)
def test_invoices_that_hold_much_else_are_not_the_won_deals(invoices):
    found = overlap(deals(), lines(invoices), SCOPE)
    assert found.is_known
    assert not found.is_same
    told = money_finding(found, money_table(found, DRAWS, past([]), OtherForecast()), SCOPE)
    assert told.text.startswith("Won deals are not the invoices")


def test_without_invoices_nothing_is_said_of_them():
    found = overlap(deals(), None, SCOPE)
    assert not found.is_known
    assert money_finding(found, money_table(found, DRAWS, past([]), OtherForecast()), SCOPE) is None


def past(rows: list[tuple[str, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["period", "actual_amount", "forecast_amount"])


def other(rows: list[tuple[str, float, float]]) -> OtherForecast:
    ends = {f"forecast_quarter{end}_amount": [1000.0] for end in ("", "_low", "_high")}
    totals = pd.DataFrame({"level": ["company"]} | ends)
    backtest = past(rows).assign(model=OURS, amount_kind="revenue")
    worse = backtest.assign(model="last quarter again", forecast_amount=0.0)
    return OtherForecast(None, totals, pd.concat([backtest, worse]))


def test_the_forecast_that_missed_less_in_the_quarters_both_forecast_is_planned_with():
    orders = other([("2025Q3", 100.0, 110.0), ("2025Q2", 100.0, 100.0)])
    mine = past([("2025Q3", 100.0, 60.0), ("2025Q1", 100.0, 100.0)])
    table = money_table(SAME, DRAWS, mine, orders).set_index("chapter")
    assert table["error_share"].to_dict() == {WON_DEALS: 0.4, ORDERS: pytest.approx(0.1)}
    assert table["quarter_count"].tolist() == [1, 1]
    assert table["is_to_plan_with"].to_dict() == {WON_DEALS: False, ORDERS: True}
    better = money_table(SAME, DRAWS, past([("2025Q3", 100.0, 101.0)]), orders)
    assert not plans_with_orders(better)
    told = money_finding(SAME, better, SCOPE)
    assert "plan with €900, from won deals" in told.text
    assert "one earlier quarter that both forecast, which is little to go by" in told.detail


def test_without_a_quarter_that_both_forecast_orders_are_planned_with_and_it_is_said():
    table = money_table(SAME, DRAWS, past([]), other([("2025Q3", 100.0, 110.0)]))
    assert plans_with_orders(table)
    assert "Neither could be held against" in money_finding(SAME, table, SCOPE).detail


def chapter(name: str, numbers: dict[str, float], metric: str) -> Result:
    headline = {key: Number(f"{name} {key}", value, "amount") for key, value in numbers.items()}
    found = (Finding(f"{name} forecasts", metric=metric, value=1.0, rank=10.0),)
    return Result(name, name, "2025Q4", SCOPE.as_of, headline=headline, findings=found)


@pytest.mark.parametrize("planned", [WON_DEALS, ORDERS])
def test_the_first_screen_shows_one_forecast_of_the_same_money(planned):
    names = [WON_DEALS, ORDERS]
    table = pd.DataFrame({"chapter": names, "is_to_plan_with": [n == planned for n in names]})
    results = [
        chapter(ORDERS, {"forecast_quarter": 1.0, "active": 2.0}, "forecast_quarter"),
        replace(chapter(WON_DEALS, {"won_amount": 3.0}, "won_amount"), tables={"money": table}),
    ]
    shown = " ".join(number.label for number in first_numbers(results))
    assert ("forecast_quarter" in shown, "won_amount" in shown) == (
        planned == ORDERS,
        planned == WON_DEALS,
    )
    assert [one.text for one in ranked_findings(results)] == [f"{planned} forecasts"]
    assert "active" in shown
    assert len(told_once(results)[0].findings) == 1  # it stays in the chapter


def test_forecasts_of_different_money_stand_side_by_side():
    empty = pd.DataFrame({"chapter": [], "is_to_plan_with": []})
    results = [
        chapter(ORDERS, {"forecast_quarter": 1.0}, "forecast_quarter"),
        replace(chapter(WON_DEALS, {"won_amount": 3.0}, "won_amount"), tables={"money": empty}),
    ]
    assert len(first_numbers(results)) == 2
