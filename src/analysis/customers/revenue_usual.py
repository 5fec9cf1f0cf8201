"""By how much would revenue and silent customers change had nothing changed?"""

import numpy as np
import pandas as pd
from scipy.stats import norm, t

from analysis.core.periods import Period
from analysis.customers.revenue_gone import gone_by_quarter

# Two sentences share one false alarm in ten: one in twenty for revenue, one in forty for silence.
_CHANGE_CONFIDENCE = 0.95
_GONE_CONFIDENCE = 0.975
# With fewer customers in either period, how much they vary is not known.
_FEWEST_CUSTOMERS = 30
_FEWEST_QUARTERS = 3


def usual_change(
    company_days: pd.DataFrame, customer_periods: pd.DataFrame, now: Period, base: Period
) -> tuple[float, float] | None:
    """Return between which changes revenue would lie by chance; None with too few customers.

    Customers come, go and spend independently of one another; had none changed his ways, the
    change of the sum would have mean zero and the sum of the squared changes of each as variance.
    Revenue without a customer varies like its days. Seasons fall out when `base` is a year ago.
    """
    pair = [_spend(customer_periods, period) for period in (now, base)]
    if min(len(spend) for spend in pair) < _FEWEST_CUSTOMERS:
        return None
    changes = pair[0].sub(pair[1], fill_value=0.0)
    variance = float((changes**2).sum())
    variance += sum(_days_variance(company_days, period) for period in (now, base))
    half = float(norm.ppf(0.5 + _CHANGE_CONFIDENCE / 2) * np.sqrt(variance))
    return -half, half


def usual_gone(gone: pd.DataFrame, period: str) -> tuple[float, float] | None:
    """Return how many top customers fall silent in a usual quarter; None before three of them."""
    counts = gone_by_quarter(gone[gone["period"] != period])["gone_count"].astype(float)
    if len(counts) < _FEWEST_QUARTERS:
        return None
    deviation = max(float(counts.std()), float(np.sqrt(counts.mean())))
    reach = float(t.ppf(_GONE_CONFIDENCE, len(counts) - 1)) * np.sqrt(1 + 1 / len(counts))
    return 0.0, float(counts.mean() + reach * deviation)


def _spend(customer_periods: pd.DataFrame, period: Period) -> pd.Series:
    rows = customer_periods[customer_periods["period"] == period.name]
    ordered = rows.sort_values("customer_id")
    return ordered.set_index("customer_id")["revenue_amount"].astype(float)


def _days_variance(company_days: pd.DataFrame, period: Period) -> float:
    start, end = pd.Timestamp(period.starts_on), pd.Timestamp(period.ends_before)
    is_own = (company_days["day"] >= start) & (company_days["day"] < end)
    rows = company_days[is_own & company_days["is_revenue"] & ~company_days["has_customer"]]
    days = rows["amount"].astype(float).groupby(rows["day"]).sum()
    return float(len(days) * days.var()) if len(days) > 1 else float((days**2).sum())
