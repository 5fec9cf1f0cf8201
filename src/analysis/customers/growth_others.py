"""What will come beside the customers known today: from new customers, and without a customer?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.core.periods import FiscalCalendar
from analysis.customers.growth_origins import Origin

PART, WHOLE = "part", "whole company"
KNOWN, TO_COME, NOBODY = "known customers", "customers yet to come", "revenue without a customer"
_QUARTERS = 4  # the mean of so many latest quarters is the forecast
_PRIOR_QUARTERS = 2  # that the assumed deviation counts as much as
_NORMAL_90 = 1.2816

Floats = np.ndarray


def with_others(
    totals: pd.DataFrame,
    origins: Sequence[Origin],
    company_days: pd.DataFrame,
    calendar: FiscalCalendar,
    assumed_shock: float,
) -> pd.DataFrame:
    """Return `totals` with the parts of the company's revenue and their sum, to the cent.

    Level `part` has known customers (the line of level company again), customers yet to come and
    revenue without a customer; level `whole company` is their sum. The latter two are forecast by
    the mean of the last four quarters, and a year by four times that; they have no potential and no
    target. Ranges are added as independent ones. Without an earlier quarter nothing is added.
    """
    if not origins:
        return totals
    quarters = [_quarter(origin, company_days, calendar) for origin in list(origins)[-_QUARTERS:]]
    known = totals.iloc[[0]].assign(level=PART, level_id=KNOWN)
    others = [
        _other(name, np.array(amounts), assumed_shock)
        for name, amounts in zip((TO_COME, NOBODY), zip(*quarters, strict=True), strict=True)
    ]
    parts = pd.concat([known, pd.DataFrame(others)], ignore_index=True)
    whole = pd.DataFrame([_sum(parts)])
    return pd.concat([totals, parts, whole], ignore_index=True)[list(totals.columns)]


def _quarter(
    origin: Origin, company_days: pd.DataFrame, calendar: FiscalCalendar
) -> tuple[float, float]:
    """Return what newcomers and nobody brought in the quarter after an origin."""
    quarter = calendar.shift(calendar.parse(origin.name), 1)
    starts_on, ends_before = (pd.Timestamp(d) for d in (quarter.starts_on, quarter.ends_before))
    inside = (company_days["day"] >= starts_on) & (company_days["day"] < ends_before)
    days = company_days[inside & company_days["is_revenue"].astype(bool)]
    has_customer = days["has_customer"].astype(bool)
    amounts = days["amount"].astype(float)
    return (
        float(amounts[has_customer].sum() - origin.revenue.sum()),
        float(amounts[~has_customer].sum()),
    )


def _other(name: str, amounts: Floats, assumed_shock: float) -> dict[str, object]:
    mean = amounts.mean()
    squares = ((amounts - mean) ** 2).sum() + _PRIOR_QUARTERS * (assumed_shock * mean) ** 2
    half = _NORMAL_90 * np.sqrt(squares / (len(amounts) + _PRIOR_QUARTERS))
    row: dict[str, object] = {"level": PART, "level_id": name, "customer_count": 0}
    # Four quarters vary twice as much as one, where they are independent.
    for span, count, width in (("quarter", 1, half), ("year", _QUARTERS, 2 * half)):
        value = count * mean
        row |= _line(span, value, value - width, value + width)
    return row


def _sum(parts: pd.DataFrame) -> dict[str, object]:
    row: dict[str, object] = {
        "level": WHOLE,
        "level_id": "",
        "customer_count": int(parts["customer_count"].sum()),
    }
    for span in ("quarter", "year"):
        values, lows, highs = (
            parts[f"forecast_{span}{end}_amount"].to_numpy(float) for end in ("", "_low", "_high")
        )
        value = values.sum()
        below, above = (np.sqrt((end**2).sum()) for end in (values - lows, highs - values))
        row |= _line(span, value, value - below, value + above)
    return row


def _line(span: str, value: float, low: float, high: float) -> dict[str, object]:
    ends = {"": value, "_low": low, "_high": high}
    return {f"forecast_{span}{end}_amount": round(amount, 2) for end, amount in ends.items()}
