"""How the product says that something is wrong: where, found, expected, and the mend."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, in the words of the person who must mend it."""

    where: str  # a file, a table and column, a setting, a notebook
    found: str
    expected: str
    mend: str

    def __str__(self) -> str:
        return (
            f"{self.where}\n    found:    {self.found}"
            f"\n    expected: {self.expected}\n    mend:     {self.mend}"
        )


class AnalysisError(ValueError):
    """Everything that is wrong, at once; the base of all errors that a user can mend."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        found = [problems] if isinstance(problems, Problem) else list(problems)
        self.problems: tuple[Problem, ...] = tuple(found)
        super().__init__("\n".join(f"{n}. {p}" for n, p in enumerate(found, 1)))


class InputError(AnalysisError):
    """Raw data, a table or a file is not as it must be."""


class SettingsError(AnalysisError):
    """project.toml, a parameter or an argument of the command is not as it must be."""


class TableError(AnalysisError):
    """A table breaks its declaration."""


def raise_all(problems: Sequence[Problem], error: type[AnalysisError]) -> None:
    """Raise `error` with all problems, or return when there are none."""
    if problems:
        raise error(problems)
