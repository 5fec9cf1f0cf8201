"""How many customers stay inside their 80 % range, by tenth of the forecast, pooled over quarters?

    python benchmarks/ranges.py PROJECT PERIOD [CUSTOMERS]

Every quarter end with three quarters of data is graded with what was known before it. Shown are
the share inside and the share who buy nothing at all, by tenth of customers by forecast, and the
interval score: ours, and with hindsight (ranges read off from the graded quarter itself).
"""

import sys

import numpy as np
import pandas as pd

from analysis.customers.growth_forecast import Forecast, forecast_all
from analysis.customers.growth_grades import interval_errors
from analysis.customers.growth_level import daily_sales
from analysis.customers.growth_origins import Origin, known_origins
from analysis.customers.growth_ranges import gather, interval, widened
from analysis.run.workspace import open_workspace

Ends = tuple[np.ndarray, np.ndarray]
_FEWEST_DAYS = 270
_TAIL, _BANDS = 0.1, 20


def replayed(project: str, period: str, count: int) -> list[tuple[Origin, Forecast]]:
    """Return quarter ends with the forecasts made at them."""
    work = open_workspace(project, period)
    history, days = (work.table(name) for name in ("backtest_origins", "company_days"))
    history = history.sort_values(["origin", "customer_id"], ignore_index=True)
    daily = daily_sales(days)
    if count:
        known = np.sort(history["customer_id"].unique())
        chosen = np.random.default_rng(0).choice(known, count, replace=False)
        history = history[history["customer_id"].isin(chosen)]
        daily = daily * count / len(known)
    scope = work.scope
    learnt = known_origins(history, pd.Timestamp(scope.as_of), scope.calendar, 12)
    quarters = [origin for origin in learnt if origin.is_quarter]
    return list(zip(quarters, forecast_all(learnt, quarters, daily, 0.25), strict=True))


def ours(past: list[tuple[Origin, Forecast]], origin: Origin, forecast: Forecast) -> Ends:
    """Return the ranges that would have been shown."""
    pairs = [(made.sales, then.sales) for then, made in past]
    known = gather(pairs, [then.orders for then, _ in past])
    deviation = widened(forecast.level.deviation, origin.history_days)
    return interval(known, forecast.sales, deviation, origin.orders)


def hindsight(origin: Origin, forecast: Forecast, *, is_central: bool) -> Ends:
    """Return ranges of bands of like forecasts, had the quarter been known.

    From the 10th to the 90th percentile, or (not central) the least above the 10th that hold 80 %.
    """
    low, high = np.zeros((2, len(forecast.sales)))
    for band in np.array_split(np.argsort(forecast.sales, kind="stable"), _BANDS):
        ratio = origin.sales[band] / np.maximum(forecast.sales[band], 1e-9)
        first = np.quantile(ratio, _TAIL, method="lower")
        share = 1 - _TAIL if is_central else min(1 - 2 * _TAIL + np.mean(ratio < first), 1.0)
        low[band] = first * forecast.sales[band]
        high[band] = np.quantile(ratio, share, method="higher") * forecast.sales[band]
    return np.minimum(low, forecast.sales), np.maximum(high, forecast.sales)


def main() -> None:
    project, period, count = (*sys.argv[1:], "0")[:3]
    made = replayed(project, period, int(count))
    rows, inside, empty = [], [], []
    for number, (origin, forecast) in enumerate(made):
        if number == 0 or origin.history_days < _FEWEST_DAYS:
            continue
        ways = {
            "ours": ours(made[:number], origin, forecast),
            "hindsight, 80 %": hindsight(origin, forecast, is_central=False),
            "hindsight, percentiles": hindsight(origin, forecast, is_central=True),
        }
        found = {
            name: interval_errors(origin.sales, forecast.sales, *ends)
            for name, ends in ways.items()
        }
        rows.append({name: each["interval_score_amount"] for name, each in found.items()})
        low, high = ways["ours"]
        tenths = np.array_split(np.argsort(forecast.sales, kind="stable"), 10)
        is_inside = (origin.sales >= low) & (origin.sales <= high)
        inside.append([is_inside[tenth].mean() for tenth in tenths])
        empty.append([(origin.sales[tenth] <= 0).mean() for tenth in tenths])
    print(f"{len(rows)} quarters; interval score", pd.DataFrame(rows).mean().round(1).to_dict())
    print("inside, by tenth:  ", np.mean(inside, axis=0).round(2).tolist())
    print("buy nothing:       ", np.mean(empty, axis=0).round(2).tolist())


if __name__ == "__main__":
    main()
