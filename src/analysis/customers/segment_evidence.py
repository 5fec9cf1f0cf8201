"""What beside features and forecasts shows what segments are worth; every part may be missing."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.core.result import Result


@dataclass(frozen=True)
class Evidence:
    """Optional tables of a segmentation; without one, what rests on it is left out and said so."""

    backtest_origins: pd.DataFrame | None = None  # derived: customers at earlier quarter ends
    customer_categories: pd.DataFrame | None = None  # derived: who buys which categories
    growth_totals: pd.DataFrame | None = None  # `totals` of growth: how sums of forecasts vary
    earlier: Sequence[Result] = ()  # what earlier periods published, newest first
