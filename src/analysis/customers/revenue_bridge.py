"""What the change of revenue is made of: parts that sum to it exactly."""

import numpy as np
import pandas as pd

from analysis.core.periods import Period
from analysis.core.scope import Scope

_MOST_CHANGES = 10


def compared_period(quarters: pd.DataFrame, scope: Scope) -> Period | None:
    """Return the quarter to compare with: a year ago, else the one before, else none.

    A quarter that the data do not hold in whole is compared to none.
    """
    if scope.is_cut_short:
        return None
    whole = set(quarters.loc[quarters["is_whole"], "period"])
    candidates = (scope.year_before, scope.previous_period)
    return next((period for period in candidates if period.name in whole), None)


def bridge_on(
    company_days: pd.DataFrame,
    customer_periods: pd.DataFrame,
    quarters: pd.DataFrame,
    scope: Scope,
) -> pd.DataFrame:
    """Return the parts of the change on the compared quarter: part, amount; they sum to it.

    Parts: more or fewer customers, spend per customer, revenue without a customer, bad debt.
    Empty when there is no quarter to compare with. The first two split the change of identified
    revenue by the midpoint rule (Shapley value of a product of two factors), so they sum exactly.
    """
    base = compared_period(quarters, scope)
    if base is None:
        return pd.DataFrame({"part": pd.Series(dtype="str"), "amount": pd.Series(dtype=float)})
    now, then = (_sums(company_days, period) for period in (scope.period, base))
    counts = quarters.set_index("period")["active_count"]
    more, each = _split(
        then["identified"], now["identified"], counts[base.name], counts[scope.period.name]
    )
    parts = {
        "Number of customers": more,
        "Spend per customer": each,
        "Without a customer": now["unidentified"] - then["unidentified"],
        "Bad debt": now["bad_debt"] - then["bad_debt"],
    }
    return pd.DataFrame({"part": list(parts), "amount": list(parts.values())})


def largest_changes(
    customer_periods: pd.DataFrame, quarters: pd.DataFrame, scope: Scope
) -> pd.DataFrame:
    """Return the customers whose revenue changed most on the compared quarter, largest first.

    Columns: customer_id, before_amount, now_amount, change_amount.
    """
    columns = ["customer_id", "before_amount", "now_amount", "change_amount"]
    base = compared_period(quarters, scope)
    if base is None:
        return pd.DataFrame(columns=columns)
    pivot = customer_periods.assign(
        revenue_amount=customer_periods["revenue_amount"].astype(float)
    ).pivot(index="customer_id", columns="period", values="revenue_amount")
    pair = pivot.reindex(columns=[base.name, scope.period.name]).fillna(0.0)
    pair.columns = ["before_amount", "now_amount"]
    changes = pair.assign(change_amount=pair["now_amount"] - pair["before_amount"])
    order = changes["change_amount"].abs().sort_values(ascending=False, kind="stable").index
    return changes.loc[order].head(_MOST_CHANGES).reset_index()[columns]


def _sums(company_days: pd.DataFrame, period: Period) -> dict[str, float]:
    start, end = pd.Timestamp(period.starts_on), pd.Timestamp(period.ends_before)
    days = company_days[
        (company_days["day"] >= start) & (company_days["day"] < end) & company_days["is_revenue"]
    ]
    amount = days["amount"]  # exact decimals, rounded once after the sum
    is_bad_debt = (days["kind"] == "bad_debt") & ~days["has_customer"]
    return {
        "identified": float(amount[days["has_customer"]].sum()),
        "unidentified": float(amount[~days["has_customer"] & ~is_bad_debt].sum()),
        "bad_debt": float(amount[is_bad_debt].sum()),
    }


def _split(before: float, now: float, count_before: int, count_now: int) -> tuple[float, float]:
    """Split now - before into the share of the count and that of the spend per head."""
    if not count_before or not count_now:
        return now - before, 0.0
    spend_before, spend_now = before / count_before, now / count_now
    more = (count_now - count_before) * (spend_before + spend_now) / 2
    return float(more), float(np.subtract(now, before) - more)
