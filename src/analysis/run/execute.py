"""One notebook executed by papermill, with its end told in words.

Whether it succeeded is decided here, from what was raised and from the cells that ran; never from
the executed notebook's own marks.
"""

import logging
import re
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError
from papermill.execute import execute_notebook

from analysis.run import engine
from analysis.run.engine import Job
from analysis.run.kernels import KERNEL_NAME, LANGUAGE

_TRACE_LINES = 12
_COLOUR_CODES = re.compile(r"\x1b\[[0-9;]*m")
# papermill warns of what was checked before; what it raises is told in our own words.
logging.getLogger("papermill").setLevel(logging.ERROR)
logging.getLogger(engine.__name__).setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Outcome:
    """How one notebook ended; `error` is empty when it succeeded."""

    error: str = ""
    seconds: float = 0.0
    cpu_seconds: float | None = None
    is_run: bool = True


def execute(path: Path, parameters: dict[str, Any], new_job: Callable[[], Job]) -> Outcome:
    """Execute the notebook; a kernel that dies before its first cell gets one more chance."""
    began = time.perf_counter()
    job = new_job()
    error = _attempt(path, parameters, job)
    if error and not job.cell and not job.is_stopped:
        job = new_job()
        error = _attempt(path, parameters, job)
    return Outcome(error, round(time.perf_counter() - began, 2), job.cpu_seconds)


def _attempt(path: Path, parameters: dict[str, Any], job: Job) -> str:
    """Return why the notebook failed, empty text when it did not."""
    try:
        # A node, not a path: papermill would take braces in a path for parameters.
        executed = execute_notebook(
            nbformat.read(path, as_version=4),
            None,
            parameters,
            engine_name=engine.NAME,
            kernel_name=KERNEL_NAME,
            language=LANGUAGE,
            progress_bar=False,
            job=job,
        )
    except PapermillExecutionError as error:
        return _cell_error(error)
    except CellTimeoutError:
        limit = f"{job.cell_timeout_seconds} seconds (runs.cell_timeout_seconds)"
        return f"{job.cell}: took longer than {limit}"
    except Exception as error:  # whatever it is, the other notebooks go on
        return _dead(job, error)
    return _unfinished(executed)


def _cell_error(error: PapermillExecutionError) -> str:
    trace = _COLOUR_CODES.sub("", "\n".join(error.traceback)).splitlines()
    return "\n".join(
        [f"cell [{error.exec_count}]: {error.ename}: {error.evalue}", *trace[-_TRACE_LINES:]]
    )


def _dead(job: Job, error: Exception) -> str:
    if job.is_stopped:
        return job.stopped_because
    if not job.cell:
        return f"the kernel did not start, twice: {error}"
    if isinstance(error, DeadKernelError):
        return f"{job.cell}: the kernel died; too little memory is the usual reason"
    trace = "".join(traceback.format_exception(error)).splitlines()
    return "\n".join([f"{job.cell}: {type(error).__name__}: {error}", *trace[-_TRACE_LINES:]])


def _unfinished(executed: Any) -> str:
    """Say which cell never ran: sys.exit() in a cell ends a notebook without any error."""
    for cell in executed.cells:
        is_code = cell.cell_type == "code" and cell.source.strip()
        if is_code and cell.execution_count is None:
            return f"stopped itself before the end; not run: {first_line(cell.source)}"
        if any(output.get("ename") == "SystemExit" for output in cell.get("outputs", [])):
            return f"stopped itself: {first_line(cell.source)}"
    return ""


def first_line(source: str) -> str:
    """Return the first line of a cell, to name it by."""
    return next((line.strip() for line in source.splitlines() if line.strip()), "")[:80]
