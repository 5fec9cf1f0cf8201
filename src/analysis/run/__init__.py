"""Runs of a cadence: plan, execution, ledger, lock, publication.

`open_workspace` is what a notebook calls, `run_cadence` what the command calls. The second is
imported on first use only: a kernel that runs a notebook never pays for papermill.
"""

from typing import TYPE_CHECKING, Any

from analysis.run.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from analysis.run.cadence import run_cadence

__all__ = ["Workspace", "open_workspace", "run_cadence"]


def __getattr__(name: str) -> Any:
    if name == "run_cadence":
        from analysis.run.cadence import run_cadence

        return run_cadence
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
