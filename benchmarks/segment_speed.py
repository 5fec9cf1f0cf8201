"""Segments of 500,000 customers: transform, scan of k, bootstraps, and the assignment of all.

    python benchmarks/segment_speed.py [--customers 500000]

Customers are drawn from seven kinds that overlap. The scan sees 20,000 of them (decided by size in
segment_stability), the centres and the assignment all. Goal: 60 s and 4 GB on two cores.
"""

import argparse
import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.core.periods import FiscalCalendar
from analysis.core.scope import Scope
from analysis.customers.behaviour_features import behaviour_features
from analysis.customers.prospects import prospect_class
from analysis.customers.segment_fit import fit_anchor
from analysis.customers.segment_options import SegmentationOptions

PERIOD = FiscalCalendar().parse("2026Q2")
KINDS = 7


def main() -> None:
    """Print seconds and memory of each part."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--customers", type=int, default=500_000)
    customers = many_customers(parser.parse_args().customers)
    wall, cpu, queued = time.perf_counter(), time.process_time(), waited()
    anchor = fit_anchor(customers, "benchmark", scope=Scope(PERIOD), options=SegmentationOptions())
    fitted = time.perf_counter()
    features = behaviour_features(customers, anchor.typical_gap)
    nearest = anchor.distances(features).argmin(axis=1)
    classes = prospect_class(customers, anchor.cuts)
    now = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{len(customers):,} customers, {len(anchor.centres)} segments")
    print(f"transform, scan of 2 to 9, 20 bootstraps, centres  {fitted - wall:6.1f} s")
    print(f"assignment of all to segments and classes          {now - fitted:6.1f} s")
    print(f"together                                           {now - wall:6.1f} s (goal 60)")
    print(f"CPU                                                {time.process_time() - cpu:6.1f} s")
    print(f"waited for a core, others at work                  {waited() - queued:6.1f} s")
    print(f"peak memory                                        {peak:6.2f} GB (goal 4)")
    print(pd.Series(nearest).value_counts(normalize=True).round(3).to_dict())
    print(classes.value_counts(normalize=True).round(3).to_dict())


def waited() -> float:
    """Return seconds that the first thread stood ready while others had the cores (Linux only)."""
    told = Path("/proc/thread-self/schedstat")
    return int(told.read_text(encoding="utf-8").split()[1]) / 1e9 if told.is_file() else 0.0


def many_customers(count: int, seed: int = 0) -> pd.DataFrame:
    """Return customers as `segmentation` hands them to a fit, of kinds that overlap."""
    random = np.random.default_rng(seed)
    kind = random.integers(0, KINDS, count)
    middles = random.lognormal(0, 0.9, (KINDS, 6))

    def around(place: int, scale: float) -> np.ndarray:
        return scale * middles[kind, place] * random.lognormal(0, 0.3, count)

    orders = around(0, 8).round().clip(1)
    amount = around(1, 200)
    revenue = orders * amount
    table = pd.DataFrame(
        {
            "customer_id": np.arange(count).astype(str),
            "tenure_days": random.integers(100, 1000, count),
            "recency_days": around(2, 40).round().clip(0, 365),
            "repeat_count": orders,
            "median_gap_days": around(3, 40),
            "mean_order_day_amount": amount,
            "order_day_year_count": orders,
            "revenue_quarter_amount": revenue / 4,
            "revenue_year_amount": revenue,
            "revenue_year_before_amount": revenue * around(4, 1),
            "sale_year_amount": revenue,
            "return_year_amount": revenue * np.where(random.random(count) < 0.4, 0.05, 0.0),
            "margin_year_amount": revenue * 0.3,
            "product_year_count": around(5, 20).round().clip(1),
            "active_quarter_year_count": orders.clip(max=4),
            "forecast_quarter_amount": revenue / 4,
            "forecast_year_amount": revenue * random.lognormal(-0.1, 0.3, count),
            "gap_year_amount": revenue * 0.1,
        }
    )
    return table.assign(is_new=False, is_clustered=True)


if __name__ == "__main__":
    main()
