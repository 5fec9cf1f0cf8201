"""What the chapter on targets takes in: own business, what is demanded, and other chapters."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from analysis.core.problems import Problem, SettingsError, raise_all
from analysis.core.result import Result
from analysis.core.scope import Scope

_RANGES: dict[str, tuple[float, float]] = {
    "lever_share": (1e-6, 1),
    "sure_share": (0.5, 0.99),
    "ramp_months": (0, 36),
    "leaving_share": (0, 0.9),
    "seed": (0, 2**32 - 1),
}


@dataclass(frozen=True)
class TargetTreeOptions:
    """Choices of the chapter on targets."""

    lever_share: float = 0.01  # change of one factor whose worth is shown, 0.01 is 1 %
    sure_share: float = 0.8  # chance with which the target is to be reached, worked back from
    ramp_months: float = 6.0  # until a new seller does what others do, where none was measured
    leaving_share: float = 0.15  # of sellers who leave within a year and are replaced
    seed: int = 0  # of draws

    def __post_init__(self) -> None:
        problems = [
            Problem(f"target_tree option {name}", repr(value), f"{low} to {high}", "mend the value")
            for name, (low, high) in _RANGES.items()
            if not low <= (value := getattr(self, name)) <= high
        ]
        raise_all(problems, SettingsError)


@dataclass(frozen=True)
class Business:
    """Our own numbers as of the period's end; None where a table is missing."""

    customer_periods: pd.DataFrame
    company_days: pd.DataFrame
    company_kinds: pd.DataFrame | None = None
    product_periods: pd.DataFrame | None = None
    products: pd.DataFrame | None = None


@dataclass(frozen=True)
class Aims:
    """What is demanded: the table `targets`, and the next period's revenue of project.toml."""

    targets: pd.DataFrame | None = None
    demanded_amount: float | None = None

    def table(self, scope: Scope) -> pd.DataFrame:
        """The table, with project.toml's demand beside it where the table has none of its days."""
        columns = ["target_id", "level", "metric", "starts_on", "ends_on", "low", "value", "high"]
        columns = [*columns, "set_on"]
        days = ["starts_on", "ends_on", "set_on"]
        given = pd.DataFrame(columns=columns) if self.targets is None else self.targets[columns]
        given = given.astype(dict.fromkeys(days, "datetime64[s]"))
        if self.demanded_amount is None:
            return given
        coming = scope.next_period
        row = {"target_id": "", "level": "company", "metric": "revenue_amount"}
        row |= {"starts_on": coming.starts_on, "ends_on": coming.last_day}
        row |= {"low": float("nan"), "value": self.demanded_amount, "high": float("nan")}
        ours = pd.DataFrame([row | {"set_on": pd.NaT}]).astype(dict.fromkeys(days, "datetime64[s]"))
        return ours if given.empty else pd.concat([ours[columns], given], ignore_index=True)


@dataclass(frozen=True)
class Sales:
    """Selling as the sources give it; None where a table is missing."""

    opportunities: pd.DataFrame | None = None
    leads: pd.DataFrame | None = None
    reps: pd.DataFrame | None = None
    improvements: pd.DataFrame | None = None


@dataclass(frozen=True)
class Chapters:
    """Results of other chapters of the same period, by notebook; None or absent where not made."""

    results: Mapping[str, Result | None] = field(default_factory=dict)

    def table(self, notebook: str, *names: str) -> pd.DataFrame | None:
        """Return the first of these tables that the chapter has; None without rows."""
        result = self.results.get(notebook)
        found = (
            next((result.tables[n] for n in names if n in result.tables), None) if result else None
        )
        return None if found is None or found.empty else found

    def forecast(self, span: str) -> dict[str, float] | None:
        """Return middle, low and high of the whole company's next quarter or year (span)."""
        totals = self.table("customers/growth", "totals")
        whole = None if totals is None else totals[totals["level"] == "whole company"]
        if whole is None or whole.empty:
            return None
        row, names = whole.iloc[0], {"middle": "", "low": "_low", "high": "_high"}
        columns = {key: f"forecast_{span}{part}_amount" for key, part in names.items()}
        if not set(columns.values()) <= set(whole.columns):
            return None
        return {key: float(row[column]) for key, column in columns.items()}

    def market_share(self) -> dict[str, float] | None:
        """Return middle, low and high of our share of the market."""
        result = self.results.get("strategy/market")
        number = result.headline.get("share") if result else None
        if number is None or None in (number.value, number.low, number.high):
            return None
        return {"middle": number.value, "low": number.low, "high": number.high}

    def pipeline(self, period: str) -> dict[str, float] | None:
        """Return middle (half of draws), mean, low and high of what the pipeline brings."""
        layers = self.table("sales/pipeline_forecast", "layers")
        if layers is None:
            return None
        mine = layers[(layers["period"] == period) & (layers["layer"] == "together")]
        if mine.empty or mine["forecast_low_amount"].isna().any():
            return None
        row = mine.iloc[0]
        middle = row.get("median_amount", row["forecast_amount"])
        ends = {"low": row["forecast_low_amount"], "high": row["forecast_high_amount"]}
        ends |= {"mean": row["forecast_amount"]}
        return {"middle": float(middle), **{key: float(value) for key, value in ends.items()}}

    def ramp_months(self) -> float | None:
        """Return the months that newcomers took, where the chapter on people measured them."""
        ramp = self.table("sales/people", "ramp")
        known = None if ramp is None else ramp["months"].dropna()
        return None if known is None or known.empty else float(known.iloc[0])
