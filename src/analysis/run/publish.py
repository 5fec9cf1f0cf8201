"""A finished run becomes pages that leaders open: checked first, then put in place in one step."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from analysis.core.files import new_directory, write_text
from analysis.core.periods import Period, known_to
from analysis.core.problems import AnalysisError, InputError, Problem, raise_all
from analysis.core.project import Project
from analysis.core.result import Result, result_exists
from analysis.core.scope import Scope
from analysis.report import explore, index, page, pdf
from analysis.report.downloads import csv_text, write_downloads
from analysis.report.story import cut_short_words
from analysis.run.leaks import secret_problems
from analysis.run.plan import NOTEBOOKS_FOLDER, Plan, Step
from analysis.run.privacy import pseudonyms
from analysis.run.record import RunRecord
from analysis.run.register import keep_register
from analysis.run.shelf import FIRST_PAGE
from analysis.run.workspace import Workspace

DETAILS = "details"
DOWNLOADS = "downloads"
SCRATCH_PAGES = "pages"
_INDEX = "../../index.html"
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
    customers = _customers(project, period, results, record)
    with new_directory(project.report_dir(period)) as work:
        problems = []
        for step in plan.steps:
            place = FIRST_PAGE if step.name == plan.report else f"{DETAILS}/{step.stem}.html"
            html = _page(project, step, folder, record, place, customers is not None)
            problems += page.page_problems(html, place)
            write_text(work / place, html)
        for result in results.values():
            write_downloads(result, work / DOWNLOADS)
        at_work = Workspace(project, period, project.tables / record.snapshot, folder, True)
        keep_register(at_work, results, scope, folder, work / DOWNLOADS)
        if customers is not None:
            _write_explore(project, period, record, customers, work)
        if project.settings.reports.pdf:
            _write_pdf(work, record)
        problems += page.link_problems(work)
        problems += secret_problems(work)
        raise_all(problems, InputError)
        made_at = datetime.fromisoformat(record.started_at)
        summary = index.summarise(results, scope, made_at)
        extras = (explore.EXPLORE_FILE, pdf.PDF_FILE)
        files = tuple(name for name in extras if (work / name).is_file())
        index.write_summary(replace(summary, files=files), work)


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
        if name == plan.report:
            period = project.calendar.parse(record.period)
            scope, results = _scope(project, period, record), _results(plan, folder)
            at_work = Workspace(project, period, project.tables / record.snapshot, folder, True)
            keep_register(at_work, results, scope, folder, target.parent / DOWNLOADS)
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


def _page(
    project: Project,
    step: Step,
    folder: Path,
    record: RunRecord,
    place: str,
    has_customers: bool = False,
) -> str:
    period = project.calendar.parse(record.period)
    scope = _scope(project, period, record)
    is_detail = place.startswith(f"{DETAILS}/")
    links = [("The report", "../index.html")] if is_detail else [("All reports", _INDEX)]
    if has_customers:
        links.append(("Every customer", f"{'../' if is_detail else ''}{explore.EXPLORE_FILE}"))
    return page.notebook_page(
        folder / NOTEBOOKS_FOLDER / f"{step.name}.ipynb",
        eyebrow=_eyebrow(project, period),
        provenance=_provenance(project, scope, record, step.name),
        links=links,
        root="../" if is_detail else "",
        cut_short=cut_short_words(scope),
    )


def _eyebrow(project: Project, period: Period) -> str:
    return f"{project.settings.company.name} · {_TITLES[period.cadence]} · {period}"


def _provenance(project: Project, scope: Scope, record: RunRecord, notebook: str) -> list[str]:
    origin = page.Provenance(
        as_of=scope.known_to if scope.known_to and scope.is_cut_short else scope.as_of,
        snapshot=record.snapshot,
        code=f"analysis {record.code['version']}, code {record.code['code'][:12]}",
        made_at=datetime.fromisoformat(record.started_at),
        notebook=notebook,
    )
    return [*origin.lines(project.display), *record.notes]


def _customers(
    project: Project, period: Period, results: Mapping[str, Result], record: RunRecord
) -> pd.DataFrame | None:
    """Return the rows of the explore page; None where no Result speaks of single customers."""
    names = ["customer_id", "customer_name", "region_id", "industry", "rep_id"]
    names += ["revenue_quarter_amount", "revenue_year_amount"]
    path = project.features_dir(record.snapshot, period) / "customer_features.parquet"
    features = None
    if path.is_file():
        there = set(pq.read_schema(path).names)
        features = pd.read_parquet(path, columns=[name for name in names if name in there])
        hidden = pseudonyms(project, project.tables / record.snapshot)
        features = hidden.of(features, "customer_features") if hidden else features
    return explore.customer_list(results, features)


def _write_explore(
    project: Project, period: Period, record: RunRecord, customers: pd.DataFrame, work: Path
) -> None:
    frame = explore.ExploreFrame(
        title="Every customer",
        eyebrow=_eyebrow(project, period),
        links=[("The report", FIRST_PAGE), ("All reports", _INDEX)],
        provenance=_provenance(project, _scope(project, period, record), record, ""),
    )
    html = explore.explore_page(customers, frame, project.display)
    write_text(work / explore.EXPLORE_FILE, html)
    write_text(work / DOWNLOADS / explore.DOWNLOAD, csv_text(customers))


def _write_pdf(work: Path, record: RunRecord) -> None:
    """Write report.pdf beside the first page; where it cannot be made, the run says so."""
    try:
        pdf.write_pdf(work / FIRST_PAGE, work / pdf.PDF_FILE)
    except AnalysisError as error:
        record.notes.append(f"No PDF: {error.problems[0].found}; {error.problems[0].mend}")


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
