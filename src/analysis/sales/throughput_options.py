"""Choices of the throughput chapter, and what each may be."""

from dataclasses import dataclass

from analysis.core.problems import Problem, SettingsError, raise_all

_RANGES: dict[str, tuple[float, float]] = {
    "window_days": (28, 1825),
    "tolerance_share": (0.01, 1),
    "false_discovery_share": (0.001, 0.5),
    "growth_share": (-0.9, 10),
    "enough_share": (0.05, 0.99),
    "ramp_months": (0, 36),
    "leaving_share": (0, 0.9),
    "seed": (0, 2**32 - 1),
}


@dataclass(frozen=True)
class ThroughputOptions:
    """Choices of the throughput chapter."""

    window_days: int = 364  # deals closed within so many days before the end count
    tolerance_share: float = 0.2  # a larger deviation from the average deserves a look
    false_discovery_share: float = 0.05  # of the differences named, at most so many by chance
    growth_share: float = 0.1  # more deals a month than now, that people are planned for
    enough_share: float = 0.8  # chance that the planned people suffice
    ramp_months: float = 6.0  # until a new seller closes what others do, on the way half of it
    leaving_share: float = 0.15  # of sellers who leave within a year and are replaced
    seed: int = 0  # of draws

    def __post_init__(self) -> None:
        problems = [
            Problem(f"throughput option {name}", repr(value), f"{low} to {high}", "mend the value")
            for name, (low, high) in _RANGES.items()
            if not low <= (value := getattr(self, name)) <= high
        ]
        raise_all(problems, SettingsError)
