"""Data for a notebook outside a run: loaded and made in a process of its own.

Loading may take most of a gigabyte, which a kernel would keep until it ends. And within a kernel
DuckDB refuses to have its progress bar switched off unless ipywidgets is there.
"""

import json
import subprocess
import sys
from dataclasses import asdict

from analysis.core.periods import Period
from analysis.core.problems import AnalysisError, InputError, Problem
from analysis.core.project import Project, open_project
from analysis.run.lock import project_lock
from analysis.run.plan import choose_period

_LOCK_WAIT_SECONDS = 600


def prepare(project: Project, period: str) -> tuple[str, Period]:
    """Load what changed, make the features of the period; return the snapshot and the period.

    InputError with all problems that keep the data from being loaded.
    """
    if not _is_a_kernel():
        return _prepare_here(project, period)
    command = [sys.executable, "-m", __name__, str(project.root), period]
    # Its other words, such as that it waits for a run, go to the notebook as they come.
    child = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    answer = json.loads(child.stdout) if child.stdout else {}
    if "problems" in answer:
        raise InputError([Problem(**problem) for problem in answer["problems"]])
    if child.returncode:
        raise RuntimeError("the data could not be prepared; `analysis load` shows why")
    return answer["snapshot"], project.calendar.parse(answer["period"])


def _is_a_kernel() -> bool:
    kernelapp = sys.modules.get("ipykernel.kernelapp")
    return kernelapp is not None and kernelapp.IPKernelApp.initialized()


def _prepare_here(project: Project, text: str) -> tuple[str, Period]:
    from analysis.features.engine import make_features
    from analysis.sources.load import load

    calendar = project.calendar
    cadence = calendar.parse(text).cadence if text else "quarterly"
    with project_lock(project, "a notebook prepares its data", _LOCK_WAIT_SECONDS):
        report = load(project)
        period = choose_period(calendar, cadence, text, report.first_day, report.last_day)
        make_features(project, project.tables / report.snapshot, period)
    return report.snapshot, period


def _main(root: str, text: str) -> int:
    try:
        snapshot, period = _prepare_here(open_project(root), text)
    except AnalysisError as error:
        sys.stdout.write(json.dumps({"problems": [asdict(p) for p in error.problems]}))
        return 1
    sys.stdout.write(json.dumps({"snapshot": snapshot, "period": period.name}))
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
