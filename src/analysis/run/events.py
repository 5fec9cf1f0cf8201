"""What a run tells while it goes on, for a person who watches or a log."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

State = Literal["started", "done", "unchanged", "failed", "not_run"]


@dataclass(frozen=True)
class Event:
    """One thing that happened: to a stage of the run, or to one of its notebooks."""

    kind: Literal["stage", "notebook"]
    name: str
    state: State
    text: str = ""
    seconds: float = 0.0


Progress = Callable[[Event], None]


def silent(_: Event) -> None:
    """Tell nobody."""
