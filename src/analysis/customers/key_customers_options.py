"""Choices of the chapter on key customers, and what each may be."""

from dataclasses import dataclass

from analysis.core.problems import Problem, SettingsError, raise_all

RULES = ("revenue", "list")
_RANGES: dict[str, tuple[float, float]] = {
    "revenue_share": (0.01, 1),
    "fewest_customers": (1, 1000),
    "most_customers": (1, 1000),
    "growth_customers": (0, 1000),
    "fresh_days": (1, 3650),
    "low_score": (0, 10),
    "fewest_answers": (2, 1000),
    "contact_days": (1, 3650),
    "proposal_quarters": (1, 80),
    "fewest_lines": (2, 1000),
    "fewest_proposals": (40, 100_000),
    "dealt_days": (1, 3650),
    "least_valued_share": (0.5, 1),
}


@dataclass(frozen=True)
class KeyCustomersOptions:
    """Who is a key customer, and when something about one is old, low or too little to tell."""

    rule: str = "revenue"  # "revenue", corrected by your own list; or "list": your own list only
    revenue_share: float = 0.5  # of the last four quarters' revenue that they bring together
    fewest_customers: int = 5  # key customers by revenue, at least
    most_customers: int = 30  # key customers by revenue, at most
    growth_customers: int = 5  # further ones, with the greatest gap to what like customers buy
    fresh_days: int = 365  # that feedback counts as fresh, days
    low_score: float = 6.0  # a score up to this one asks for a call, 0 to 10
    fewest_answers: int = 5  # customers with a fresh score, for a mean to be told
    contact_days: int = 90  # without a contact, after which a key customer is named, days
    proposal_quarters: int = 12  # of decided proposals that rates rest on, quarters
    fewest_lines: int = 10  # lines decided, for a rate of acceptance to be told
    fewest_proposals: int = 80  # decided, to hold lines against winning; a quarter won and lost
    dealt_days: int = 365  # within which somebody here has to have dealt with him, days
    least_valued_share: float = 0.9  # of won and of lost proposals, with a value

    def __post_init__(self) -> None:
        problems = [
            Problem(f"key_customers option {name}", repr(value), f"{low} to {high}", "mend it")
            for name, (low, high) in _RANGES.items()
            if not low <= (value := getattr(self, name)) <= high
        ]
        if self.rule not in RULES:
            expected = " or ".join(RULES)
            problems.append(Problem("key_customers option rule", self.rule, expected, "mend it"))
        if self.fewest_customers > self.most_customers:
            found = f"{self.fewest_customers} and {self.most_customers}"
            where = "key_customers options fewest_customers, most_customers"
            problems.append(Problem(where, found, "the first not above the second", "mend one"))
        raise_all(problems, SettingsError)
