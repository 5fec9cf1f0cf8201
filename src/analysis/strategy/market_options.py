"""Choices of the market chapter, and what each may be."""

from dataclasses import dataclass

from analysis.core.problems import Problem, SettingsError, raise_all

_RANGES: dict[str, tuple[float, float]] = {
    "ceiling_low_share": (0.001, 1),
    "ceiling_high_share": (0.001, 1),
    "crowded_competitors": (1, 1000),
    "draws": (200, 100_000),
    "seed": (0, 2**32 - 1),
}


@dataclass(frozen=True)
class MarketOptions:
    """Choices of the market chapter."""

    ceiling_low_share: float = 0.05  # of a crowded market that one company can win, from
    ceiling_high_share: float = 0.10  # of a crowded market that one company can win, to
    crowded_competitors: int = 5  # competitors from which a market counts as crowded
    draws: int = 4000  # of the simulation that carries the ranges
    seed: int = 0  # of these draws

    def __post_init__(self) -> None:
        problems = [
            Problem(f"market option {name}", repr(value), f"{low} to {high}", "mend the value")
            for name, (low, high) in _RANGES.items()
            if not low <= (value := getattr(self, name)) <= high
        ]
        if self.ceiling_low_share > self.ceiling_high_share:
            found = f"{self.ceiling_low_share} and {self.ceiling_high_share}"
            where = "market options ceiling_low_share, ceiling_high_share"
            problems.append(Problem(where, found, "the first not above the second", "mend one"))
        raise_all(problems, SettingsError)
