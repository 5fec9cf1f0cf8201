"""Where published reports stand, and the page that lists them."""

from pathlib import Path

from analysis.core.files import write_text
from analysis.core.periods import Period
from analysis.core.project import Project
from analysis.report import index

FIRST_PAGE = "index.html"


def refresh_index(project: Project) -> None:
    """Write reports/index.html anew from the reports that are there."""
    company = project.settings.company.name
    summaries = index.read_summaries(project.reports)
    html = index.index_page(summaries, company=company, display=project.display)
    target = project.reports / FIRST_PAGE
    if not target.is_file() or target.read_text(encoding="utf-8") != html:
        write_text(target, html)


def first_page(project: Project, period: Period) -> Path:
    """Return the page that leaders open first."""
    return project.report_dir(period) / FIRST_PAGE


def is_published(project: Project, period: Period) -> bool:
    """Whether the period has a report."""
    return first_page(project, period).is_file()
