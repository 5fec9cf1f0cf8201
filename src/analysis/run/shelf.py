"""Where published reports stand, and the page that lists them."""

from datetime import datetime
from pathlib import Path

from analysis.core.files import write_text
from analysis.core.periods import Period
from analysis.core.problems import Problem, SettingsError
from analysis.core.project import Project
from analysis.report import index
from analysis.report.pdf import PDF_FILE, write_pdf
from analysis.run.ledger import FAILED, all_runs

FIRST_PAGE = "index.html"


def refresh_index(project: Project) -> None:
    """Write reports/index.html anew from the reports that are there."""
    company = project.settings.company.name
    summaries = index.read_summaries(project.reports)
    html = index.index_page(
        summaries, company=company, display=project.display, failures=_failures(project)
    )
    target = project.reports / FIRST_PAGE
    if not target.is_file() or target.read_text(encoding="utf-8") != html:
        write_text(target, html)


def _failures(project: Project) -> list[index.Failure]:
    """Return the periods whose last run failed; what went wrong stays with the analyst."""
    failed = [r for r in all_runs(project) if r.folder and r.folder.name.endswith(FAILED)]
    return [
        index.Failure(
            record.cadence,
            record.period,
            datetime.fromisoformat(record.finished_at or record.started_at),
            tuple(record.failed),
        )
        for record in failed
        if record.finished_at or record.started_at
    ]


def first_page(project: Project, period: Period) -> Path:
    """Return the page that leaders open first."""
    return project.report_dir(period) / FIRST_PAGE


def published_page(project: Project, text: str) -> Path:
    """Return the first page of the period that `text` names; SettingsError when it has none."""
    period = project.calendar.parse(text)
    page = first_page(project, period)
    if page.is_file():
        return page
    mend = f"make it: analysis run {period.cadence} --period {period}"
    raise SettingsError(Problem(f"period {period}", "no report", "a published report", mend))


def page_as_pdf(project: Project, text: str, target: Path | None) -> Path:
    """Write the report of the period that `text` names as PDF, beside its page without a target."""
    page = published_page(project, text)
    return write_pdf(page, target or page.with_name(PDF_FILE))


def is_published(project: Project, period: Period) -> bool:
    """Whether the period has a report."""
    return first_page(project, period).is_file()
