"""Choices of the chapter on direct sales and support, and what each may be."""

from dataclasses import dataclass

from analysis.core.problems import Problem, SettingsError, raise_all
from analysis.core.tables_sales import ROLES

_RANGES: dict[str, tuple[float, float]] = {
    "window_quarters": (1, 40),
    "handover_quarters": (1, 80),
    "least_timed_share": (0.01, 1),
    "least_logged_share": (0.01, 1),
    "handover_days": (1, 365),
    "contact_days": (1, 365),
    "least_shown": (2, 10_000),
    "least_days": (2, 10_000),
}


@dataclass(frozen=True)
class RolesOptions:
    """Choices of the chapter on direct sales and support."""

    seller_roles: tuple[str, ...] = ("hunter", "field", "inside")  # who win customers
    support_roles: tuple[str, ...] = ("farmer", "service")  # who look after them
    window_quarters: int = 4  # hours and revenue of so many quarters count
    handover_quarters: int = 8  # customers won in so many quarters are looked at for a handover
    least_timed_share: float = 0.5  # of activities with a duration, for hours to be shown
    least_logged_share: float = 0.5  # of those who should, with a logged contact, to conclude
    handover_days: int = 14  # within which support should have spoken to a new customer
    contact_days: int = 30  # within which a new owner should have spoken to the customer
    least_shown: int = 20  # customers for a share or a curve to be shown
    least_days: int = 10  # recorded person-days of a role for its working time to be shown

    def __post_init__(self) -> None:
        problems = [
            Problem(f"roles option {name}", repr(value), f"{low} to {high}", "mend the value")
            for name, (low, high) in _RANGES.items()
            if not low <= (value := getattr(self, name)) <= high
        ]
        problems += [
            Problem(f"roles option {name}", repr(role), f"one of {', '.join(ROLES)}", "mend it")
            for name in ("seller_roles", "support_roles")
            for role in getattr(self, name)
            if role not in ROLES
        ]
        both = sorted(set(self.seller_roles) & set(self.support_roles))
        if both:
            where, found = "roles option support_roles", ", ".join(both)
            mend = "name each role once"
            problems.append(Problem(where, found, "roles that are not seller_roles", mend))
        raise_all(problems, SettingsError)
