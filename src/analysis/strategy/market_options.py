"""Choices of the market chapter, and what each may be."""

from dataclasses import dataclass

from analysis.core.problems import Problem, SettingsError, raise_all

_RANGES: dict[str, tuple[float, float]] = {
    "ceiling_low_share": (0.001, 1),
    "ceiling_high_share": (0.001, 1),
    "crowded_competitors": (1, 1000),
    "crowded_concentration": (0, 1),
    "luck_strength": (1, 1000),
    "planning_years": (1, 25),
    "coverage_elasticity_low": (-10, 10),
    "coverage_elasticity_high": (-10, 10),
    "price_elasticity_low": (-10, 10),
    "price_elasticity_high": (-10, 10),
    "reps_elasticity_low": (-10, 10),
    "reps_elasticity_high": (-10, 10),
    "draws": (200, 100_000),
    "seed": (0, 2**32 - 1),
}
_PAIRS = (
    ("ceiling_low_share", "ceiling_high_share"),
    ("coverage_elasticity_low", "coverage_elasticity_high"),
    ("price_elasticity_low", "price_elasticity_high"),
    ("reps_elasticity_low", "reps_elasticity_high"),
)


@dataclass(frozen=True)
class MarketOptions:
    """Choices of the market chapter.

    Elasticities say by how many per cent the attraction of a company rises with 1 % more; their
    ends are 10 and 90 % points. What is usual: prices -2.6 on average, spread widely (Bijmolt, van
    Heerde, Pieters 2005); people in sales 0.31 (Albers, Mantrala, Sridhar 2010); coverage about 1.
    """

    ceiling_low_share: float = 0.05  # of a crowded market that one company can win, from
    ceiling_high_share: float = 0.10  # of a crowded market that one company can win, to
    crowded_competitors: int = 5  # competitors from which a market counts as crowded
    crowded_concentration: float = 0.15  # sum of squared shares below which it does; 0: never
    planning_years: int = 3  # years ahead for which the reachable share is shown
    coverage_elasticity_low: float = 0.5  # of coverage, or of sites
    coverage_elasticity_high: float = 1.3
    price_elasticity_low: float = -4.0  # of the price index
    price_elasticity_high: float = -1.0
    reps_elasticity_low: float = 0.15  # of people who sell in the region
    reps_elasticity_high: float = 0.5
    draws: int = 4000  # of the simulation that carries the ranges
    luck_strength: float = 9.0  # how alike companies are beyond what is known; 9: give or take 1/3
    seed: int = 0  # of these draws

    def __post_init__(self) -> None:
        problems = [
            Problem(f"market option {name}", repr(value), f"{low} to {high}", "mend the value")
            for name, (low, high) in _RANGES.items()
            if not low <= (value := getattr(self, name)) <= high
        ]
        for low_name, high_name in _PAIRS:
            low, high = getattr(self, low_name), getattr(self, high_name)
            if low > high:
                where = f"market options {low_name}, {high_name}"
                found = f"{low} and {high}"
                problems.append(Problem(where, found, "the first not above the second", "mend one"))
        raise_all(problems, SettingsError)
