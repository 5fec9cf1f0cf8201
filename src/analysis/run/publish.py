"""A finished run becomes pages that leaders open: checked first, then put in place in one step."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from analysis.core.files import new_directory, write_text
from analysis.core.periods import Period, known_to
from analysis.core.problems import InputError, Problem, raise_all
from analysis.core.project import Project
from analysis.core.result import Result, result_exists
from analysis.core.scope import Scope
from analysis.report import index, page
from analysis.report.downloads import write_downloads
from analysis.report.story import cut_short_words
from analysis.run.plan import NOTEBOOKS_FOLDER, Plan, Step
from analysis.run.record import RunRecord
from analysis.run.shelf import FIRST_PAGE

DETAILS = "details"
DOWNLOADS = "downloads"
SCRATCH_PAGES = "pages"
_TITLES = {
    "daily": "Daily report",
    "biweekly": "Two-weekly report",
    "quarterly": "Quarterly report",
    "annual": "Annual report",
}


def publish_report(
    project: Project, plan: Plan, period: Period, folder: Path, record: RunRecord
) -> None:
    """Make reports/<cadence>/<period> from the run in `folder` and put it in place.

    InputError with every problem when a page may not be published; the last report then stays.
    """
    raise_all(list(_strangers(plan, folder)), InputError)
    scope = _scope(project, period, record)
    results = _results(plan, folder)
    with new_directory(project.report_dir(period)) as work:
        problems = []
        for step in plan.steps:
            place = FIRST_PAGE if step.name == plan.report else f"{DETAILS}/{step.stem}.html"
            html = _page(project, step, folder, record, place)
            problems += page.page_problems(html, place)
            write_text(work / place, html)
        for result in results.values():
            write_downloads(result, work / DOWNLOADS)
        problems += page.link_problems(work)
        raise_all(problems, InputError)
        made_at = datetime.fromisoformat(record.started_at)
        index.write_summary(index.summarise(results, scope, made_at), work)


def scratch_pages(
    project: Project, plan: Plan, folder: Path, record: RunRecord
) -> tuple[Path, ...]:
    """Make the pages of the notebooks named with --only, beside their Results in scratch."""
    pages = []
    for name in plan.chosen:
        step = plan.step(name)
        target = folder / SCRATCH_PAGES / f"{step.stem}.html"
        write_text(target, _page(project, step, folder, record, target.name))
        if result_exists(folder / step.stem):
            write_downloads(Result.load(folder / step.stem), target.parent / DOWNLOADS)
        pages.append(target)
    return tuple(pages)


def _scope(project: Project, period: Period, record: RunRecord) -> Scope:
    """Return the scope of a run; where its data end too early, their very last day is told."""
    from analysis.sources.load_report import read_report

    last = read_report(project.tables / record.snapshot).last_day
    known = known_to(period.cadence, last) if last else None
    if known and known < period.last_day:
        known = last
    return Scope(period, project.calendar, project.display, known)


def _page(project: Project, step: Step, folder: Path, record: RunRecord, place: str) -> str:
    period = project.calendar.parse(record.period)
    scope = _scope(project, period, record)
    is_detail = place.startswith(f"{DETAILS}/")
    origin = page.Provenance(
        as_of=scope.known_to if scope.known_to and scope.is_cut_short else scope.as_of,
        snapshot=record.snapshot,
        code=f"analysis {record.code['version']}, code {record.code['code'][:12]}",
        made_at=datetime.fromisoformat(record.started_at),
        notebook=step.name,
    )
    return page.notebook_page(
        folder / NOTEBOOKS_FOLDER / f"{step.name}.ipynb",
        eyebrow=f"{project.settings.company.name} · {_TITLES[period.cadence]} · {period}",
        provenance=[*origin.lines(project.display), *record.notes],
        links=[("The report", "../index.html")]
        if is_detail
        else [("All reports", "../../index.html")],
        root="../" if is_detail else "",
        cut_short=cut_short_words(scope),
    )


def _results(plan: Plan, folder: Path) -> dict[str, Result]:
    """Return the Results of a run by notebook, in the order of the chapters."""
    steps = [step for step in plan.steps if result_exists(folder / step.stem)]
    return {step.name: Result.load(folder / step.stem) for step in steps}


def _strangers(plan: Plan, folder: Path) -> Iterable[Problem]:
    """Find Results that no notebook of the plan owns: nobody would ever read them."""
    stems = {step.stem for step in plan.steps}
    for place in sorted(folder.iterdir()):
        if place.is_dir() and place.name not in stems and result_exists(place):
            yield Problem(
                f"Result {place.name}",
                "no notebook of that name in this run",
                f"the last part of its notebook's name: one of {', '.join(sorted(stems))}",
                "give the Result the name of the notebook that saves it",
            )
