"""What an analyst can choose of the services and contacts of each class."""

from dataclasses import dataclass

from analysis.core.problems import Problem, SettingsError, raise_all

UNITS = ("category", "service")


@dataclass(frozen=True)
class ServiceLevelOptions:
    """Choices of the service catalogue of each class."""

    unit: str = "category"  # what counts as one service: a product category, or a product "service"
    quantile_share: float = 0.75  # of like customers who have as many services at most, 0 to 1
    fewest_tenure_days: int = 730  # as a customer, for a peer to have had the time to buy
    fewest_peers: int = 20  # of a class; below, the next better class joins
    contact_types: tuple[str, ...] = ()  # activities that are contacts; empty: all but tasks, admin
    resamples: int = 500  # of the bootstrap behind the intervals
    seed: int = 0  # of the bootstrap

    def __post_init__(self) -> None:
        """Raise SettingsError with every value that cannot be meant."""
        limits = (
            ("quantile_share", 0.05, 0.95),
            ("fewest_tenure_days", 0, 3650),
            ("fewest_peers", 5, 10_000),
            ("resamples", 50, 10_000),
            ("seed", 0, 2**31),
        )
        problems = [
            _problem(name, getattr(self, name), f"a number from {low:g} to {high:g}")
            for name, low, high in limits
            if not low <= getattr(self, name) <= high
        ]
        if self.unit not in UNITS:
            problems.append(_problem("unit", self.unit, f"one of {', '.join(UNITS)}"))
        raise_all(problems, SettingsError)


def _problem(name: str, found: object, expected: str) -> Problem:
    return Problem(
        f"service levels option {name}", str(found), expected, "write one within these limits"
    )
