"""How often targets would have been met in earlier quarters of a project, by band.

    python benchmarks/targets.py PROJECT [--period 2011Q3] [--share 0.5]

Each quarter's targets are set with what was known at its start: forecast, gap and experience of
earlier quarters only. Bands are shown with at least 100 customers; last come the kinds of band,
with what chance alone would give so many bands.
"""

import argparse

import numpy as np
import pandas as pd

from analysis.customers.growth_forecast import forecast_all
from analysis.customers.growth_level import daily_sales
from analysis.customers.growth_origins import Origin, known_origins
from analysis.customers.growth_potential import peer_sales
from analysis.customers.target_backtest import target_backtest, target_inputs
from analysis.customers.target_fairness import fairness_table
from analysis.customers.targets import TargetOptions, reachable_share
from analysis.run.workspace import open_workspace

FEWEST = 100
QUARTERS = 12
SHOCK = 0.25
POTENTIAL_SHARE = 0.8


def main() -> None:
    """Replay the targets and print how often they were met."""
    arguments = _arguments()
    options = TargetOptions(
        attained_share=arguments.share, stretch_attained_share=min(0.2, arguments.share)
    )
    past = _past(arguments.project, arguments.period)
    reach = reachable_share(past, options)
    grades = target_backtest(past, options)
    print(f"design {arguments.share:.2f}; gaps closed {reach.share:.2f}", end=" ")
    print("(assumed)" if reach.is_assumed else f"({reach.low_share:.2f}-{reach.high_share:.2f})")
    for kind, rows in grades.groupby("band_kind", sort=False):
        for row in rows[rows["origin"] == ""].itertuples():
            if row.customer_count >= FEWEST or kind in ("all", "pool"):
                name = f"{kind:8} {row.band:22} {row.customer_count:7,}"
                interval = f"{row.attained_low_share:.2f}-{row.attained_high_share:.2f}"
                print(f"{name} {row.attained_share:.3f}  {interval}")
    single = grades[(grades["band_kind"] == "all") & (grades["origin"] != "")]
    for row in single.itertuples():
        print(f"after {row.origin}  {row.customer_count:7,} {row.attained_share:.3f}")
    with pd.option_context("display.width", 200, "display.max_columns", 20):
        print(fairness_table(grades).round(3).to_string(index=False))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("project")
    parser.add_argument("--period", default="")
    parser.add_argument("--share", type=float, default=0.5)
    return parser.parse_args()


def _past(project: str, period: str) -> pd.DataFrame:
    """Return the customers of earlier quarter ends as they were forecast then."""
    work = open_workspace(project, period)
    history = work.table("backtest_origins").sort_values(
        ["origin", "customer_id"], ignore_index=True
    )
    as_of = pd.Timestamp(work.scope.as_of)
    learnt = known_origins(history, as_of, work.scope.calendar, QUARTERS)
    origins = [origin for origin in learnt if origin.is_quarter]
    forecasts = forecast_all(learnt, origins, daily_sales(work.table("company_days")), SHOCK)
    parts = []
    for origin, forecast in zip(origins, forecasts, strict=True):
        revenue = forecast.sales * origin.net_share
        gap = _gap(origin, revenue)
        parts.append(target_inputs(origin.table, revenue, gap, origin.active_share.clip(0, 1)))
    return pd.concat(parts, ignore_index=True)


def _gap(origin: Origin, revenue: np.ndarray) -> np.ndarray | None:
    peers = peer_sales(origin.table, origin.rate, POTENTIAL_SHARE)
    year = revenue * origin.year_ratio
    return None if peers is None else np.maximum(peers * origin.net_share - year, 0)


if __name__ == "__main__":
    main()
