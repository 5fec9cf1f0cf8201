"""Raw files to tables under the project's lock, for the command."""

from analysis.core.project import Project
from analysis.run.lock import project_lock
from analysis.sources.load import LoadReport, load

__all__ = ["LoadReport", "load_raw"]


def load_raw(project: Project) -> LoadReport:
    """Load what changed and return what became of every row."""
    with project_lock(project, "analysis load"):
        return load(project)
