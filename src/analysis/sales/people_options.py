"""Choices of the chapter on people, and what each may be."""

from dataclasses import dataclass

from analysis.core.problems import Problem, SettingsError, raise_all

_RANGES: dict[str, tuple[float, float]] = {
    "window_days": (28, 1825),
    "least_shown": (1, 1000),
    "least_compared": (2, 10_000),
    "false_discovery_share": (0.001, 0.5),
    "ramped_share": (0.1, 0.99),
    "least_hires": (3, 1000),
    "lost_share": (0, 1),
    "seed": (0, 2**32 - 1),
}


@dataclass(frozen=True)
class PeopleOptions:
    """Choices of the chapter on people."""

    window_days: int = 364  # deals and tasks of so many days before the end count
    least_shown: int = 20  # tasks or deals of a person for a share to be shown
    least_compared: int = 50  # tasks of a person for a comparison with the others
    false_discovery_share: float = 0.05  # of the differences named, at most so many by chance
    ramped_share: float = 0.8  # of what settled sellers get done, to count as settled
    least_hires: int = 8  # new sellers below which no curve is fitted
    lost_share: float = 0.3  # of a leaver's business that goes too: a scenario, not measured
    seed: int = 0  # of draws

    def __post_init__(self) -> None:
        problems = [
            Problem(f"people option {name}", repr(value), f"{low} to {high}", "mend the value")
            for name, (low, high) in _RANGES.items()
            if not low <= (value := getattr(self, name)) <= high
        ]
        raise_all(problems, SettingsError)
