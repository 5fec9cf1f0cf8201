"""Raw files to tables under the project's lock, for the command."""

from typing import Any

from analysis.core.disk import disk_errors_in_words
from analysis.core.project import Project
from analysis.run.lock import project_lock
from analysis.sources.load import LoadReport, load

__all__ = ["LoadReport", "load_raw", "reject_reasons"]


def load_raw(project: Project) -> LoadReport:
    """Load what changed and return what became of every row."""
    with disk_errors_in_words(), project_lock(project, "analysis load"):
        return load(project)


def reject_reasons(project: Project, report: LoadReport) -> list[dict[str, Any]]:
    """Return why rows were rejected, most rows first: see `data_quality_tables.rejects_table`."""
    import pandas as pd  # here, because a load without a reject needs none of it

    from analysis.sources.data_quality_tables import rejects_table

    path = project.tables / report.snapshot / "rejects.parquet"
    return rejects_table(pd.read_parquet(path)).to_dict("records")
