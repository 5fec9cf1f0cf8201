"""Choices of the chapter on the base's potential, what each may be, and the tables it reads."""

from dataclasses import dataclass

import pandas as pd

from analysis.core.problems import Problem, SettingsError, raise_all

_RANGES: dict[str, tuple[float, float]] = {
    "fewest_customers": (1, 10_000),
    "assumed_shock_share": (0.01, 1),
    "fewest_wallets": (5, 10_000),
    "potential_share": (0.5, 0.99),
}


@dataclass(frozen=True)
class BasePotentialOptions:
    """Choices of the chapter on the base's potential."""

    fewest_customers: int = 20  # with a gap, for a group of its own; smaller ones are pooled
    assumed_shock_share: float = 0.25  # shared error of a total before one could be seen
    fewest_wallets: int = 20  # answers from which the wallet of all is estimated
    potential_share: float = 0.8  # as in growth: share of like customers below the potential

    def __post_init__(self) -> None:
        problems = [
            Problem(f"base_potential option {name}", repr(value), f"{low} to {high}", "mend it")
            for name, (low, high) in _RANGES.items()
            if not low <= (value := getattr(self, name)) <= high
        ]
        raise_all(problems, SettingsError)


@dataclass(frozen=True)
class Base:
    """What is known of the customers: source and derived tables, None where there is none.

    `customers` holds region_id, `regions` their names, `customer_features` the year's revenue and
    order days, `customer_periods` revenue by quarter, `backtest_origins` customers at earlier
    quarter ends, `customer_wallets` what some customers said that they spend in all.
    """

    customers: pd.DataFrame
    customer_features: pd.DataFrame
    customer_periods: pd.DataFrame | None = None
    backtest_origins: pd.DataFrame | None = None
    regions: pd.DataFrame | None = None
    customer_wallets: pd.DataFrame | None = None


@dataclass(frozen=True)
class Known:
    """Tables of other chapters: growth's and segmentation's Results; empty where there are none."""

    customer_growth: pd.DataFrame | None = None
    potential_categories: pd.DataFrame | None = None
    next_services: pd.DataFrame | None = None
    backtest: pd.DataFrame | None = None
    segments: pd.DataFrame | None = None

    @classmethod
    def of(
        cls,
        growth: dict[str, pd.DataFrame] | None,
        segmentation: dict[str, pd.DataFrame] | None,
    ) -> "Known":
        """Return what there is among the tables of both Results."""
        ours = growth or {}
        names = ("customer_growth", "potential_categories", "next_services", "backtest")
        return cls(**{n: ours.get(n) for n in names}, segments=(segmentation or {}).get("segments"))
