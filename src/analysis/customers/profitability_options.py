"""What an analyst can choose of the profit chapter, and what the choices may be."""

from dataclasses import dataclass

from analysis.core.problems import Problem, SettingsError, raise_all


@dataclass(frozen=True)
class ProfitabilityOptions:
    """Choices of the profit chapter; costs per hour and per order are the company's to say."""

    cost_per_hour_amount: float = 45.0  # of one logged hour for a customer, company currency
    cost_per_order_amount: float = 0.0  # of handling one order; 0: not counted
    least_coverage_share: float = 0.5  # of worked hours that must be logged by customer, 0 to 1
    top_share: float = 0.2  # share of customers that counts as the top, 0 to 1
    kept_share: float = 0.5  # of a top group's lead that must last to be called more than luck

    def __post_init__(self) -> None:
        """Raise SettingsError with every value that cannot be meant."""
        limits = (
            ("cost_per_hour_amount", 0.0, 10_000.0),
            ("cost_per_order_amount", 0.0, 10_000.0),
            ("least_coverage_share", 0.0, 1.0),
            ("top_share", 0.01, 0.5),
            ("kept_share", 0.0, 1.0),
        )
        problems = [
            Problem(
                f"profitability option {name}",
                str(getattr(self, name)),
                f"a number from {low:g} to {high:g}",
                "write one within these limits",
            )
            for name, low, high in limits
            if not low <= getattr(self, name) <= high
        ]
        raise_all(problems, SettingsError)
