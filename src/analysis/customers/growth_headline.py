"""The headline numbers of the growth chapter."""

import pandas as pd

from analysis.core.result import Number
from analysis.core.scope import Scope


def headline(
    customers: pd.DataFrame,
    totals: pd.DataFrame,
    table: pd.DataFrame,
    history: tuple[float, ...],
    scope: Scope,
) -> dict[str, Number]:
    """Return the numbers by name.

    `customers` is customer_growth, `table` the customer_features that it was made from, `history`
    the revenue of the known quarters, oldest first.
    """
    return _forecasts(totals.iloc[0], table, history, scope) | _customers(customers, scope)


def _forecasts(
    company: pd.Series, table: pd.DataFrame, history: tuple[float, ...], scope: Scope
) -> dict[str, Number]:
    year = float(table["revenue_year_amount"].sum())
    return {
        "forecast_quarter": Number(
            f"Forecast of {scope.next_period}, customers known today",
            *_with_ends(company, "quarter"),
            before=float(table["revenue_quarter_amount"].sum()),
            note="new customers come on top",
            history=history,
        ),
        "forecast_year": Number(
            "Forecast of the next four quarters",
            *_with_ends(company, "year"),
            before=year,
            note=f"{scope.display.amount(year)} in the last four",
        ),
    }


def _with_ends(company: pd.Series, span: str) -> tuple[float, str, float, float]:
    value, low, high = (
        float(company[f"forecast_{span}{end}_amount"]) for end in ("", "_low", "_high")
    )
    return value, "amount", low, high


def _customers(customers: pd.DataFrame, scope: Scope) -> dict[str, Number]:
    targets = customers["target_quarter_amount"]
    return {
        "active_customers": Number(
            "Customers who still buy",
            float(customers["active_share"].sum()),
            "count",
            note=f"of {scope.display.count(len(customers))} who ever ordered",
        ),
        "gap_year": Number(
            "Untapped in a year",
            float(customers["gap_year_amount"].sum(min_count=1)),
            "amount",
            note="potential of similar customers, less forecast",
        ),
        "target_quarter": Number(
            f"Targets for {scope.next_period}",
            float(targets.sum(min_count=1)),
            "amount",
            note=f"of {scope.display.count(int(targets.notna().sum()))} customers likely to buy",
        ),
    }
