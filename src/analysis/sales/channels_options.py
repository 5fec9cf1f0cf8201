"""Choices of the chapter on leads, channels and lifetime value, and what each may be."""

from dataclasses import dataclass

from analysis.core.problems import Problem, SettingsError, raise_all

_RANGES: dict[str, tuple[float, float]] = {
    "window_days": (30, 3650),
    "horizon_days": (0, 1825),
    "answer_hours": (0.1, 720),
    "least_shown": (1, 1000),
    "least_compared": (1, 10_000),
    "false_discovery_share": (0.001, 0.5),
    "horizon_years": (1, 10),
    "discount_share": (0, 1),
    "old_quarters": (0, 12),
    "least_customers": (5, 1000),
    "seed": (0, 2**32 - 1),
}


@dataclass(frozen=True)
class ChannelsOptions:
    """Choices of the chapter on leads, channels and lifetime value."""

    window_days: int = 730  # leads that came within so many days before the end count
    horizon_days: int = 0  # from lead to won; 0: what 19 in 20 won ones took
    answer_hours: float = 24.0  # by the clock, within which an enquiry should be answered
    least_shown: int = 20  # leads for a rate to be shown
    least_compared: int = 50  # leads for a comparison with the others
    false_discovery_share: float = 0.05  # of the differences reported, at most so many by chance
    horizon_years: int = 3  # years from the first order that lifetime value counts
    discount_share: float = 0.1  # what a year of waiting takes off, 0 to 1
    old_quarters: int = 4  # whoever buys in so many first quarters of the data is no new customer
    least_customers: int = 20  # new customers for a group of its own; fewer are put together
    seed: int = 0  # of bootstrap draws

    def __post_init__(self) -> None:
        problems = [
            Problem(f"channels option {name}", repr(value), f"{low} to {high}", "mend the value")
            for name, (low, high) in _RANGES.items()
            if not low <= (value := getattr(self, name)) <= high
        ]
        raise_all(problems, SettingsError)
