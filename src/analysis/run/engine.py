"""papermill with our saving: one write at the end and one now and then, not two per cell.

papermill itself rewrites the whole file twice per cell: 605 writes for 300 cells where this one
writes once.
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import nbformat
from jupyter_client import AsyncKernelManager
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines

from analysis.core.files import write_text
from analysis.run.kernels import Kernels, cpu_seconds, kill, kill_what_it_left

NAME = "analysis"
AUTOSAVE_SECONDS = 30
START_SECONDS = 120
_NAME_LENGTH = 60
_LOGGER = logging.getLogger(__name__)


@dataclass
class Job:
    """One notebook being executed: where it is saved, how long a cell may take, its kernel."""

    save_path: Path
    folder: Path  # the working directory of the notebook
    kernels: Kernels
    cell_timeout_seconds: int
    cell: str = ""  # the code cell that runs, in words; empty before the first
    stopped_because: str = ""
    cpu_seconds: float | None = None
    client: Any = field(default=None, repr=False)

    @property
    def is_stopped(self) -> bool:
        return bool(self.stopped_because)

    def stop(self, because: str) -> None:
        """Kill the notebook's kernel; its execution then fails."""
        self.stopped_because = because
        if self.client is not None:
            kill(self.client.km)


class SavingManager(NotebookExecutionManager):
    """papermill's callbacks, saving when the notebook has ended or an autosave is due."""

    def __init__(self, nb: Any, job: Job) -> None:
        super().__init__(nb, progress_bar=False, autosave_cell_every=AUTOSAVE_SECONDS)
        self.job = job

    def save(self, nb: Any = None, **_: Any) -> None:
        """Write the notebook, whole, if it has ended or the last write is long ago."""
        self.nb = nb or self.nb
        elapsed = (self.now() - self.last_save_time).total_seconds()
        if self.end_time is None and elapsed < AUTOSAVE_SECONDS:
            return
        write_text(self.job.save_path, nbformat.writes(self.nb))
        self.last_save_time = self.now()

    def cell_start(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        """Remember which cell runs, to name it if it does not end; papermill does the rest."""
        if self.job.is_stopped:  # while its kernel was still starting
            raise RuntimeError(self.job.stopped_because)
        if cell.cell_type == "code" and cell.source.strip():
            first = cell.source.strip().splitlines()[0][:_NAME_LENGTH]
            self.job.cell = f"cell `{first}`"
        super().cell_start(cell, cell_index, **kwargs)


class _Client(PapermillNotebookClient):
    """papermill's client with our kernels; tells what its kernel spent before that is gone."""

    def create_kernel_manager(self) -> AsyncKernelManager:
        kernels = self.nb_man.job.kernels
        # Not in the home folder of whoever runs us: a service's user may have none.
        file = kernels.home / f"kernel-{uuid4()}.json"
        self.km = kernels.manager(kernel_name=self.kernel_name, connection_file=str(file))
        return self.km

    def papermill_execute_cells(self) -> None:
        try:
            super().papermill_execute_cells()
        finally:
            self.nb_man.job.cpu_seconds = cpu_seconds(self.km)
            kill_what_it_left(self.km)


class RunnerEngine(NBClientEngine):
    """Executes a notebook in a kernel of ours, as its Job says."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, *, job: Job, **_: Any) -> Any:
        """Execute the cells and return the notebook; raises when the kernel or a cell's time ends.

        A cell that raises ends the notebook without an exception here; papermill raises it next.
        """
        manager = SavingManager(nb, job)
        manager.notebook_start()
        try:
            cls.execute_managed_notebook(manager, kernel_name)
        finally:
            manager.notebook_complete()
        return manager.nb

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **_: Any) -> None:
        """Start a kernel, execute all cells in it, end it."""
        job: Job = nb_man.job
        job.client = _Client(
            nb_man,
            kernel_name=kernel_name,
            timeout=job.cell_timeout_seconds,
            startup_timeout=START_SECONDS,
            resources={"metadata": {"path": str(job.folder)}},
            # Nothing is left to tidy up in it, and a polite end costs time.
            shutdown_kernel="immediate",
            log=_LOGGER,
        )
        job.client.execute(env=job.kernels.environment)


papermill_engines.register(NAME, RunnerEngine)
