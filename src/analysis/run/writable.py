"""Whether a run may write where its results will go: asked before anything runs."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from analysis.core.files import UNFINISHED
from analysis.core.periods import Cadence
from analysis.core.problems import Problem
from analysis.core.project import Project


def folder_problems(project: Project, cadence: Cadence, *, publishes: bool) -> list[Problem]:
    """Return a problem for each folder of a run, or the one above it, that refuses a file."""
    places = [project.tables, project.processed / "runs" / cadence]
    if publishes:
        places.append(project.reports / cadence)
    problems = [problem for place in places for problem in _refusals(place)]
    return list(dict.fromkeys(problems))


def _refusals(place: Path) -> Iterator[Problem]:
    folder = next(path for path in (place, *place.parents) if path.exists())
    try:
        # Asking for permissions tells nothing on some systems; trying does.
        with tempfile.TemporaryFile(prefix=UNFINISHED, dir=folder):
            return
    except OSError as error:
        reason = error.strerror or type(error).__name__
        yield Problem(
            str(folder),
            f"no file can be written here ({reason})",
            "a folder that this user may write to",
            "give this user the right to write, or choose another project folder",
        )
