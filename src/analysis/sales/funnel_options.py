"""Choices of the funnel chapter, and what each may be."""

from dataclasses import dataclass

from analysis.core.problems import Problem, SettingsError, raise_all

_RANGES: dict[str, tuple[float, float]] = {
    "cohort_days": (30, 3650),
    "horizon_days": (0, 1825),
    "least_shown": (1, 1000),
    "least_compared": (1, 10_000),
    "least_cell": (1, 1000),
    "false_discovery_share": (0.001, 0.5),
    "seed": (0, 2**32 - 1),
}


@dataclass(frozen=True)
class FunnelOptions:
    """Choices of the funnel chapter."""

    cohort_days: int = 730  # deals opened within so many days before the end count
    horizon_days: int = 0  # time that a deal is given; 0: what 19 in 20 won ones took
    product_category: str = ""  # only deals of this category; empty: all
    pipeline_id: str = ""  # only deals of this pipeline; empty: the one with most deals
    channel: str = ""  # only deals that came this way; empty: all
    least_shown: int = 20  # deals of a seller for a rate to be shown
    least_compared: int = 50  # deals of a seller for a comparison
    least_cell: int = 5  # deals in each product and channel of a seller for direct standardisation
    false_discovery_share: float = 0.05  # of the differences reported, at most so many by chance
    seed: int = 0  # of bootstrap draws

    def __post_init__(self) -> None:
        problems = [
            Problem(f"funnel option {name}", repr(value), f"{low} to {high}", "mend the value")
            for name, (low, high) in _RANGES.items()
            if not low <= (value := getattr(self, name)) <= high
        ]
        raise_all(problems, SettingsError)
