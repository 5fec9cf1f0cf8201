"""The headline numbers of the growth chapter."""

import pandas as pd

from analysis.core.result import Number
from analysis.core.scope import Scope
from analysis.customers.growth_origins import Origin
from analysis.customers.growth_ranges import TWO_YEARS_DAYS

_YEAR_DAYS = 357  # a year but for a first week without orders


def headline(
    customers: pd.DataFrame,
    totals: pd.DataFrame,
    now: Origin,
    history: tuple[float, ...],
    record: str,
    scope: Scope,
) -> dict[str, Number]:
    """Return the numbers by name.

    `customers` is customer_growth, `now` the customers that it was made from, `history` the revenue
    of the known quarters, oldest first, `record` by how much replayed quarters were missed. Who
    still buys is counted only where the data tell it, and gaps are not summed: part of every gap is
    chance.
    """
    numbers = _forecasts(totals.iloc[0], now.table, history, record, scope)
    if now.is_leaving_known:
        numbers["active_customers"] = Number(
            "Customers who still buy",
            float(customers["active_share"].sum()),
            "count",
            note=f"of {scope.display.count(len(customers))} who ever ordered",
        )
    return numbers | {"target_quarter": _targets(customers, scope)}


def _forecasts(
    company: pd.Series,
    table: pd.DataFrame,
    history: tuple[float, ...],
    record: str,
    scope: Scope,
) -> dict[str, Number]:
    replayed = f"replayed quarters were missed by {record}" if record else ""
    return {
        "forecast_quarter": Number(
            f"Forecast of {scope.next_period}, customers known today",
            *_with_ends(company, "quarter"),
            note="new customers come on top" + _unproven(table),
            history=history,
        ),
        "forecast_year": Number(
            "Forecast of the next four quarters, customers known today",
            *_with_ends(company, "year"),
            note="; ".join(text for text in (_last_year(table, scope), replayed) if text),
        ),
    }


def _last_year(table: pd.DataFrame, scope: Scope) -> str:
    """What the last four quarters brought, and how much of it came from who was new in them."""
    if table["tenure_days"].max() < _YEAR_DAYS:
        return ""
    amount, bought = scope.display.amount, table["revenue_year_amount"].astype(float)
    new = float(bought[table["tenure_days"] < _YEAR_DAYS].sum())
    return (
        f"the last four brought {amount(float(bought.sum()))} of customers with a number, "
        f"{amount(new)} of it of customers new in them"
    )


def _unproven(table: pd.DataFrame) -> str:
    """Claim no coverage for a total where no season was seen twice."""
    is_young = table["tenure_days"].max() < TWO_YEARS_DAYS
    return "; under two years of data its interval is a convention" if is_young else ""


def _with_ends(company: pd.Series, span: str) -> tuple[float, str, float, float]:
    value, low, high = (
        float(company[f"forecast_{span}{end}_amount"]) for end in ("", "_low", "_high")
    )
    return value, "amount", low, high


def _targets(customers: pd.DataFrame, scope: Scope) -> Number:
    display, is_own = scope.display, customers["target_pool_id"].isna()
    return Number(
        f"Sum of customers' own targets for {scope.next_period}",
        float(customers["target_quarter_amount"].sum()),
        "amount",
        note=f"{display.count(int(is_own.sum()))} customers with one of their own, "
        f"{display.count(int((~is_own).sum()))} who rarely buy in pools",
    )
