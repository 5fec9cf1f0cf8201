"""Choices of the list of customers to act on."""

from dataclasses import dataclass

from analysis.core.problems import Problem, SettingsError, raise_all


@dataclass(frozen=True)
class ContactListOptions:
    """Choices of the list; those of its drawing hold for lists that are not published yet."""

    list_size: int = 200  # customers that are drawn for, at most
    list_share: float = 0.5  # of all customers, that the list may hold at most
    least_gain_amount: float = 1.0  # expected gain of a quarter, below which nobody is listed
    reach_share: float = 0.1  # of the gap to similar customers, assumed won by a contact
    hold_out_share: float = 0.2  # of the list, left alone to compare with; 0: nobody
    lift_share: float = 0.1  # of revenue, for which the needed number of customers is told
    draws: int = 4000  # of the groups, to judge the outcome by
    seed: int = 0  # of the draw; together with the quarter
    most_least_lift_share: float = 1.0  # told at least, above which nobody is held out
    never_hold_out_count: int = 30  # largest customers, contacted without a draw (a tenth at most)

    def __post_init__(self) -> None:
        ranges = {
            "list_size": (1, 1_000_000),
            "list_share": (0.01, 1),
            "least_gain_amount": (0, 1e12),
            "reach_share": (0.001, 1),
            "lift_share": (0.001, 5),
            "most_least_lift_share": (0.01, 9),
            "never_hold_out_count": (0, 1_000_000),
            "draws": (200, 100_000),
            "seed": (0, 2**32 - 1),
        }
        problems = [
            _problem(name, value, f"{low} to {high}")
            for name, (low, high) in ranges.items()
            if not low <= (value := getattr(self, name)) <= high
        ]
        held = self.hold_out_share
        if held != 0 and not 0.1 <= held <= 0.5:
            problems.append(_problem("hold_out_share", held, "0, or 0.1 to 0.5"))
        raise_all(problems, SettingsError)


def _problem(name: str, value: float, expected: str) -> Problem:
    where = f"contact list option {name}"
    return Problem(where, repr(value), expected, "write one within these limits")
