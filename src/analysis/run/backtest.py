"""Grade the growth forecast and its rivals on earlier quarters of a project, for the command."""

from pathlib import Path

from analysis.core.files import write_json, write_text
from analysis.core.project import Project
from analysis.customers.growth_compare import (
    CompareOptions,
    Comparison,
    compare,
    comparison_chart,
    comparison_text,
)
from analysis.customers.growth_known import Beside
from analysis.run.workspace import open_workspace

__all__ = ["CompareOptions", "Comparison", "backtest", "comparison_text", "save_comparison"]


def backtest(project: Project, period: str, options: CompareOptions) -> Comparison:
    """Return the comparison at the end of a period, the latest complete quarter without one.

    Loads what changed and makes the features, if needed.
    """
    work = open_workspace(str(project.root), period)
    tables = [work.table(name) for name in ("backtest_origins", "company_days")]
    ahead = [work.source_table(n) for n in ("opportunities", "stage_events", "known_ahead")]
    return compare(*tables, Beside(None, *ahead), scope=work.scope, options=options)


def save_comparison(comparison: Comparison, file: Path) -> Path:
    """Write the tables as JSON and the figure beside it; return the figure's file."""
    tables = {
        name: getattr(comparison, name)
        .astype(object)
        .where(getattr(comparison, name).notna(), None)
        for name in ("means", "by_origin", "differences")
    }
    write_json(file, {name: table.to_dict("records") for name, table in tables.items()})
    picture = file.with_suffix(".svg")
    write_text(picture, comparison_chart(comparison).svg)
    return picture
