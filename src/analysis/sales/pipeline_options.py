"""Choices of the pipeline forecast, and what each may be."""

from dataclasses import dataclass

from analysis.core.problems import Problem, SettingsError, raise_all

_RANGES: dict[str, tuple[float, float]] = {
    "history_quarters": (2, 40),
    "backtest_quarters": (0, 40),
    "half_life_days": (30, 100_000),
    "creation_days": (28, 1825),
    "least_deals": (5, 1000),
    "least_model_deals": (10, 10_000),
    "prior_deals": (1, 1000),
    "shock_share": (0.01, 1),
    "draw_count": (200, 100_000),
    "seed": (0, 2**32 - 1),
}


@dataclass(frozen=True)
class PipelineOptions:
    """Choices of the pipeline forecast."""

    history_quarters: int = 12  # quarters before the end whose month ends are learnt from
    backtest_quarters: int = 8  # earlier quarters that are forecast again, at most
    half_life_days: int = 365  # a deal so much older teaches half as much
    creation_days: int = 365  # the rate of new deals is that of so many days
    least_deals: int = 20  # won or lost; below it nothing is forecast
    least_model_deals: int = 50  # won, and as many lost; below it the table of stage and age
    prior_deals: float = 20.0  # what a cell of the table is drawn to weighs as so many deals
    shock_share: float = 0.2  # deviation that all deals of a quarter share, before experience
    draw_count: int = 4000  # simulated quarters
    seed: int = 0  # of the simulation

    def __post_init__(self) -> None:
        problems = [
            Problem(f"pipeline option {name}", repr(value), f"{low} to {high}", "mend the value")
            for name, (low, high) in _RANGES.items()
            if not low <= (value := getattr(self, name)) <= high
        ]
        raise_all(problems, SettingsError)
