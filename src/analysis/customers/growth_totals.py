"""What do customers' forecasts and targets sum to, for the company and for each group?"""

import numpy as np
import pandas as pd

from analysis.customers.growth_ranges import Experience, total_interval, variation

Floats = np.ndarray

_LEVELS = {"region": "region_id", "industry": "industry", "business_model": "business_model"}
_SUMS = [
    "forecast_quarter_amount",
    "forecast_year_amount",
    "potential_year_amount",
    "gap_year_amount",
    "target_quarter_amount",
]


def totals_table(
    customers: pd.DataFrame, table: pd.DataFrame, deviation: Floats, shock: float
) -> pd.DataFrame:
    """Return the sums of customers, company first: a row per level and group of it.

    Columns: level (company, region, industry, business_model); level_id (empty for the company and
    for customers without one); customer_count; the sums of `customer_growth`, to the cent;
    the 80 % intervals of both forecasts' sums.
    """
    rows = [_row("company", "", customers, deviation, shock)]
    for level, column in _LEVELS.items():
        codes, groups = pd.factorize(table[column].astype("string").fillna(""), sort=True)
        if set(groups) <= {""}:
            continue
        places = np.split(
            np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes, minlength=len(groups)))
        )
        for group, inside in zip(groups, places, strict=False):
            rows.append(_row(level, str(group), customers.iloc[inside], deviation[inside], shock))
    return pd.DataFrame(rows)


def spread_of(experience: Experience, forecast: Floats) -> Floats:
    """Return each customer's standard deviation; without experience that of a rare buyer."""
    return variation(experience, forecast) if experience.is_enough else 2 * forecast


def _row(
    level: str, group: str, customers: pd.DataFrame, deviation: Floats, shock: float
) -> dict[str, object]:
    forecast = customers["forecast_quarter_amount"].to_numpy(float)
    year = customers["forecast_year_amount"].to_numpy(float)
    ends = {}
    # Four quarters vary twice as much as one, where they are independent.
    year_deviation = deviation * year / np.maximum(forecast, 0.01) / 2
    for name, amounts, spread in (
        ("quarter", forecast, deviation),
        ("year", year, year_deviation),
    ):
        low, high = total_interval(amounts, spread, shock)
        ends |= {f"forecast_{name}_low_amount": low, f"forecast_{name}_high_amount": high}
    sums = {name: _exact_sum(customers[name]) for name in _SUMS}
    return {"level": level, "level_id": group, "customer_count": len(customers)} | sums | ends


def _exact_sum(amounts: pd.Series) -> float:
    """Sum in whole cents, so that groups sum to the company exactly; NaN where all are missing."""
    known = amounts.dropna()
    cents = np.rint(known.to_numpy(float) * 100).astype(np.int64)
    return float(cents.sum()) / 100 if len(known) else float("nan")
