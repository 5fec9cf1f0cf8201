"""Quarters of customers become years, so that the revenue chapter reads the same by the year."""

import pandas as pd

from analysis.core.scope import Scope


def by_period(customer_periods: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """Return customer x quarter as it is, or as customer x fiscal year in an annual report.

    Amounts and orders are summed; `previous_order_on` is the last order day before the year.
    """
    if scope.period.cadence != "annual":
        return customer_periods
    quarters = {
        name: scope.calendar.parse(name).starts_on for name in customer_periods["period"].unique()
    }
    years = {name: scope.calendar.containing(day, "annual").name for name, day in quarters.items()}
    starts_on = pd.to_datetime(customer_periods["period"].map(quarters))
    ordered = customer_periods.assign(_starts_on=starts_on).sort_values(
        ["customer_id", "_starts_on"], ignore_index=True
    )
    ordered["revenue_amount"] = ordered["revenue_amount"].astype(float)
    ordered["period"] = ordered["period"].map(years)
    key = ["customer_id", "period"]
    sums = ordered.groupby(key, observed=True)[["revenue_amount", "order_count"]].sum()
    first = ordered.drop_duplicates(key).set_index(key)["previous_order_on"]
    return sums.join(first).reset_index()
