"""What the simulated company is to be like: its size, its time, how hard it is, how dirty."""

from dataclasses import dataclass, field, fields

from analysis.core.periods import FiscalCalendar
from analysis.core.problems import Problem, SettingsError, raise_all

FEWEST_CUSTOMERS = 20
MOST_CUSTOMERS = 1_000_000
MOST_QUARTERS = 80


@dataclass(frozen=True)
class Dirt:
    """What is wrong with the raw data on purpose; nothing by default.

    Dirt has a random stream of its own: the clean rows are the same with it and without it. Each
    piece is listed in the truth table `dirt`.
    """

    missing_customer_share: float = 0.0  # of the documents, share that names no customer
    duplicate_count: int = 0  # lines that stand twice on their document
    refund_count: int = 0  # orders taken back whole on the day of the order or the next
    late_count: int = 0  # documents that the source knew only after the quarter's end
    merged_count: int = 0  # customers with a second id, which customer_links resolve
    foreign_share: float = 0.0  # of the customers, share invoiced in another currency
    reopened_count: int = 0  # lost deals that are opened again
    has_hostile_names: bool = False  # customers named like a script and like a formula


@dataclass(frozen=True)
class SimulationOptions:
    """The simulated company; the same options give the same tables, to the byte."""

    customers: int = 1000  # who buy at least once; prospects come on top
    quarters: int = 12  # complete quarters of data
    first_quarter: str = "2023Q3"  # calendar quarter of the first invoice
    seed: int = 1
    difficulty: float = 0.3  # 0 = archetypes far apart, 1 = they overlap widely
    has_structure: bool = True  # False: no archetypes, skills, lifts or effects to be found
    has_sales: bool = True  # False: without the tables of deals, activities and time
    dirt: Dirt = field(default_factory=Dirt)

    def __post_init__(self) -> None:
        raise_all(list(self._problems()), SettingsError)

    def _problems(self) -> list[Problem]:
        limits = {
            "customers": (FEWEST_CUSTOMERS, MOST_CUSTOMERS),
            "quarters": (1, MOST_QUARTERS),
            "difficulty": (0, 1),
            "seed": (0, 2**63),
        }
        problems = [
            _out_of_range(name, getattr(self, name), low, high)
            for name, (low, high) in limits.items()
            if not low <= getattr(self, name) <= high
        ]
        for item in fields(Dirt):
            value = getattr(self.dirt, item.name)
            high = 1 if item.name.endswith("share") else self.customers
            if not 0 <= value <= high:
                problems.append(_out_of_range(f"dirt.{item.name}", value, 0, high))
        try:
            FiscalCalendar().parse(self.first_quarter, "quarterly")
        except SettingsError as error:
            problems.extend(error.problems)
        return problems


def _out_of_range(name: str, value: float, low: float, high: float) -> Problem:
    return Problem(
        f"simulated company, {name}",
        str(value),
        f"{low:g} to {high:g}",
        "give a value within these limits",
    )
