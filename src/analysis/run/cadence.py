"""A whole run: raw files in, a published report out, and the last good one kept on any failure.

The steps: take the lock, check everything at once, load what changed, make the features, run the
notebooks that changed, make the pages, put them in place. What a failed or killed run had finished
is used again by the next one.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.core.disk import disk_errors_in_words
from analysis.core.files import UNFINISHED, put_in_place
from analysis.core.periods import Period
from analysis.core.problems import InputError, Problem, SettingsError, raise_all
from analysis.core.project import Project, open_project
from analysis.core.result import result_exists
from analysis.run import shelf
from analysis.run.closing import Book, closing, in_words
from analysis.run.events import Event, Progress, silent
from analysis.run.frozen import freeze
from analysis.run.gates import judge, period_of
from analysis.run.keys import code_identity, notebook_keys
from analysis.run.leaks import refuse_secrets, secret_problems
from analysis.run.ledger import failed_dir
from analysis.run.leftovers import executed, is_whole, keep_failed, mark_failed, tidy
from analysis.run.lock import project_lock
from analysis.run.plan import (
    Plan,
    Step,
    check_cadence,
    make_plan,
    period_notes,
)
from analysis.run.quick_import import import_without_grammar
from analysis.run.record import (
    NotebookRecord,
    RunRecord,
    counts_and_money,
    load_if_there,
    now,
    source_hashes,
)
from analysis.run.unchanged import refuse_changes
from analysis.run.writable import folder_problems

if TYPE_CHECKING:
    from analysis.run.execute import Outcome
    from analysis.run.kernels import Kernels
    from analysis.run.parallel import Jobs


@dataclass
class _Run:
    """A run under way: what it is for, where it works, what it has recorded."""

    project: Project
    plan: Plan
    period: Period
    snapshot: Path
    folder: Path
    record: RunRecord
    tell: Progress
    reusable: dict[str, Path] = field(default_factory=dict)

    def keep(self) -> None:
        """Write the record as it now stands."""
        self.record.save(self.folder)


@dataclass(frozen=True)
class How:
    """In which way a run goes; none of it changes what the notebooks find."""

    jobs: int | None = None  # notebooks side by side; None: as project.toml says
    accept: str = ""  # why to publish although a quality check is breached
    is_scheduled: bool = False  # `analysis due` asks for it
    progress: Progress = silent


def run_cadence(
    project: str | Path | Project = ".",
    cadence: str = "quarterly",
    period: str = "",
    only: Sequence[str] = (),
    force: bool = False,
    how: How = How(),
) -> RunRecord:
    """Run the notebooks of a cadence for a period and publish the report; return the record.

    A notebook that fails, or data that break a quality check, make the record's state "failed";
    nothing is then published. Whatever else is wrong before notebooks start is raised, with all its
    problems, as SettingsError or InputError.

    period
        As text, for example 2026Q3; when empty, the last complete one of the data.
    only
        Notebooks to run with what they need, for a look: their pages lie in data/processed/scratch
        and nothing is published.
    force
        Run also what is unchanged.
    """
    opened = project if isinstance(project, Project) else open_project(project)
    record = RunRecord(cadence, period, started_at=now(), is_scheduled=how.is_scheduled)
    asked = {"period": period, "only": list(only), "jobs": how.jobs, "force": force}
    record.parameters = asked | ({"accept": how.accept} if how.accept else {})
    # A person who mistypes a period is told by the command, and nobody else.
    book = Book(opened, record, is_told=how.is_scheduled or not (period or only))
    with closing(book), disk_errors_in_words():
        with record.stage("check"):
            plan = _checked(opened, cadence, period, only)
        with project_lock(opened, f"analysis run {cadence} {period}".strip()):
            book.is_told = not only
            return _locked(opened, plan, book, force, how)


def _locked(project: Project, plan: Plan, book: Book, force: bool, how: How) -> RunRecord:
    """Run under the project's lock; however it ends, it is written down and told under it."""
    record = book.record
    tidy(project, plan.cadence)
    with closing(book), disk_errors_in_words():
        if not plan.chosen:
            book.begin()
        run = _prepare(project, plan, record, how.progress, record.period)
        with record.stage("check"):
            if not plan.chosen:
                judge(project, run.period, record, how.accept)
            _plan_reuse(run, force)
        if _is_unchanged(run):
            return book.end(_unchanged(run))
        return book.end(_go(run, how.jobs or project.settings.runs.jobs))


def _checked(project: Project, cadence: str, period: str, only: Sequence[str]) -> Plan:
    """Check all that can be checked without the data, and raise all problems together."""
    problems = []
    plan = None
    try:
        if period:
            project.calendar.parse(period, check_cadence(cadence))
    except SettingsError as error:
        problems += error.problems
    try:
        plan = make_plan(project, cadence, only)
    except SettingsError as error:
        problems += [problem for problem in error.problems if problem not in problems]
    if plan is not None:
        problems += folder_problems(project, plan.cadence, publishes=not plan.chosen)
    raise_all(problems, SettingsError)
    assert plan is not None
    return plan


def _prepare(
    project: Project, plan: Plan, record: RunRecord, tell: Progress, period_text: str
) -> _Run:
    """Load, choose the period, make the features; nothing is written in runs/ yet."""
    # Here, because the checks before them should not wait for these to be imported.
    from analysis.features.engine import make_features
    from analysis.sources.load import load

    with _stage(record, tell, "load"):
        report = load(project)
        snapshot = project.tables / report.snapshot
    record.snapshot, record.sources = snapshot.name, source_hashes(report)
    record.rows, record.money = counts_and_money(report)
    record.settings = project.settings.model_dump(mode="json")
    days = (report.first_day, report.last_day)
    period = period_of(project, plan.cadence, period_text, report)
    record.period, record.notes = period.name, list(period_notes(period, days[1]))
    record.data_to = str(days[1])
    with _stage(record, tell, "features"):
        make_features(project, snapshot, period)
    home = project.run_dir(period)
    folder = project.scratch_dir(snapshot.name, period) if plan.chosen else home
    return _Run(project, plan, period, snapshot, folder, record, tell)


def _plan_reuse(run: _Run, force: bool) -> None:
    """Give every notebook its key, and find those that an earlier run made with the same key."""
    record = run.record
    record.code = code_identity()
    place = (run.project, run.plan, run.period, run.snapshot.name)
    keys = notebook_keys(*place, record.code, record.accepted)
    for step in run.plan.steps:
        key, anchor = keys[step.name]
        options = {"period": run.period.name} | dict(step.options)
        record.notebooks[step.name] = NotebookRecord(key=key, anchor=anchor, parameters=options)
    if force:
        return
    for folder in (run.project.run_dir(run.period), failed_dir(run.project, run.period)):
        earlier = load_if_there(folder)
        for step in run.plan.steps if earlier else ():
            book = earlier.notebooks.get(step.name, NotebookRecord())
            is_same = book.state == "succeeded" and book.key == keys[step.name][0]
            if is_same and step.name not in run.plan.chosen and is_whole(folder, step, book):
                run.reusable.setdefault(step.name, folder)


def _is_unchanged(run: _Run) -> bool:
    """Whether the published run is what this one would make, and its report is still there."""
    home = run.project.run_dir(run.period)
    earlier = load_if_there(home)
    return (
        not run.plan.chosen
        and earlier is not None
        and earlier.state == "succeeded"
        and set(earlier.notebooks) == set(run.plan.names)
        and all(run.reusable.get(name) == home for name in run.plan.names)
        and shelf.is_published(run.project, run.period)
    )


def _unchanged(run: _Run) -> RunRecord:
    for name in run.plan.names:
        run.tell(Event("notebook", name, "unchanged"))
    record = RunRecord.load(run.project.run_dir(run.period))
    record.is_unchanged = True
    record.pages = (shelf.first_page(run.project, run.period),)
    shelf.refresh_index(run.project)
    return record


def _go(run: _Run, jobs: int) -> RunRecord:
    """Run the notebooks and publish; whatever happens, the record is kept where it can be read."""
    with _working_folder(run):
        run.keep()
        if run.record.error:  # the data broke a quality check
            return _failed(run)
        try:
            _reuse(run)
            with _stage(run.record, run.tell, "notebooks"):
                import_without_grammar()
                _run_notebooks(run, jobs)
            if run.record.failed:
                run.record.error = f"failed: {', '.join(run.record.failed)}"
                return _failed(run)
            if run.plan.chosen:
                return _show(run)
            run.record.notes += _without_chapter(run)
            with run.record.stage("check"):
                refuse_changes(run.project, run.period, run.record)
            return _publish(run)
        except BaseException as error:
            run.record.error = run.record.error or in_words(error)
            with suppress(OSError):  # a full disk keeps nothing, and the first error counts
                _failed(run)
            raise


def _without_chapter(run: _Run) -> list[str]:
    """Return a note for every notebook that saved nothing, the report itself apart."""
    books = run.record.notebooks
    silent_ones = [n for n in run.plan.names if n != run.plan.report and not books[n].has_result]
    return [f"notebook {name} made no Result; it has no chapter" for name in silent_ones]


@contextmanager
def _working_folder(run: _Run) -> Iterator[None]:
    """Work beside the published run; a look with --only works in scratch, where it stays."""
    home = run.folder
    if run.plan.chosen:
        home.mkdir(parents=True, exist_ok=True)
        yield
        return
    home.parent.mkdir(parents=True, exist_ok=True)
    run.folder = Path(tempfile.mkdtemp(prefix=f"{UNFINISHED}{home.name}-", dir=home.parent))
    run.folder.chmod(0o755)
    try:
        yield
    finally:  # by now published or kept as failed; what is left is the run it replaced
        shutil.rmtree(run.folder, ignore_errors=True)


def _reuse(run: _Run) -> None:
    for name, folder in run.reusable.items():
        step = run.plan.step(name)
        earlier = RunRecord.load(folder).notebooks[name]
        earlier.is_reused = True
        run.record.notebooks[name] = earlier
        executed(run.folder, name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(executed(folder, name), executed(run.folder, name))
        if earlier.has_result:
            target = run.folder / step.stem
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(folder / step.stem, target)
        run.tell(Event("notebook", name, "unchanged"))
    run.keep()


def _run_notebooks(run: _Run, jobs: int) -> None:
    steps = [step for step in run.plan.steps if step.name not in run.reusable]
    if not steps:
        return
    # Here, because a run that finds everything unchanged should not wait for papermill.
    from analysis.run.kernels import kernels_of_a_run
    from analysis.run.parallel import Crew, Jobs

    settings = run.project.settings
    # What people are told by holds passwords, too.
    hidden = {"secret_variables": settings.secret_variables}
    limits = settings.runs.model_copy(update=hidden)
    at_work = Jobs()
    with (
        tempfile.TemporaryDirectory(prefix="analysis-", ignore_cleanup_errors=True) as home,
        kernels_of_a_run(limits, Path(home), _modules(steps)) as kernels,
    ):
        work = _worker(run, at_work, kernels)
        deadline = time.monotonic() + limits.run_timeout_seconds
        started, ended = partial(_started, run), partial(_ended, run)
        try:
            Crew(work, started, ended, jobs, at_work, deadline).run(steps)
        finally:
            leaks = secret_problems(run.folder)
        raise_all(leaks, InputError)


def _modules(steps: Iterable[Step]) -> list[str]:
    """Return the modules that the notebooks are likely to import: those of their names."""
    return [f"analysis.{step.name.replace('/', '.')}" for step in steps]


def _worker(run: _Run, at_work: "Jobs", kernels: "Kernels") -> "Callable[[Step], Outcome]":
    """Return the function that executes one notebook; it is called from several threads."""
    from analysis.run.engine import Job
    from analysis.run.execute import execute

    limits = run.project.settings.runs

    def new_job(step: Step) -> Job:
        target, folder = executed(run.folder, step.name), step.path.resolve().parent
        return at_work.add(Job(target, folder, kernels, limits.cell_timeout_seconds))

    def work(step: Step) -> "Outcome":
        return execute(step.path, _parameters(run, step), partial(new_job, step))

    return work


def _parameters(run: _Run, step: Step) -> dict[str, Any]:
    """What papermill passes: absolute paths, because kernels work in the notebook's folder."""
    return dict(step.options) | {
        "project": str(run.project.root.resolve()),
        "period": run.period.name,
        "run_dir": str(run.folder.resolve()),
    }


def _started(run: _Run, step: Step) -> None:
    book = run.record.notebooks[step.name]
    book.state, book.started_at = "running", now()
    run.keep()
    run.tell(Event("notebook", step.name, "started"))


def _ended(run: _Run, step: Step, outcome: "Outcome") -> None:
    book = run.record.notebooks[step.name]
    book.seconds, book.cpu_seconds = outcome.seconds, outcome.cpu_seconds
    book.error = outcome.error or refuse_secrets(run.folder / step.stem)
    book.has_result = result_exists(run.folder / step.stem)
    state = "failed" if book.error else "done"
    if not outcome.is_run:
        book.state, state = "not_run", "not_run"
    else:
        book.state = "failed" if book.error else "succeeded"
    run.keep()
    run.tell(Event("notebook", step.name, state, book.error, outcome.seconds))


def _publish(run: _Run) -> RunRecord:
    """Put the report and the run in place, each in one step; the report first.

    A reader then sees a whole report at every moment. Stopped in between, the next run finds the
    run unfinished and does this again. What the report forecast goes to the ledger between the two.
    """
    with _stage(run.record, run.tell, "pages"):
        from analysis.run import publish  # here, because nbconvert takes a second to import

        try:
            publish.publish_report(run.project, run.plan, run.period, run.folder, run.record)
        except InputError as error:
            problems = [_or_no_result(run, problem) for problem in error.problems]
            raise InputError(dict.fromkeys(problems)) from None
    freeze(run.project, run.period, run.folder, run.record)
    home = run.project.run_dir(run.period)
    earlier = load_if_there(home)
    run.record.replaces = earlier.started_at if earlier else ""
    run.record.state, run.record.is_published = "succeeded", True
    run.record.finished_at = now()
    run.keep()
    put_in_place(run.folder, home)
    run.record.folder = home
    run.record.pages = (shelf.first_page(run.project, run.period),)
    shutil.rmtree(failed_dir(run.project, run.period), ignore_errors=True)
    shelf.refresh_index(run.project)
    return run.record


def _or_no_result(run: _Run, problem: Problem) -> Problem:
    """Give the cause of a dead link to a table: its notebook saved nothing."""
    for step in run.plan.steps:
        is_its_table = f"downloads/{step.stem}." in problem.found
        if is_its_table and not run.record.notebooks[step.name].has_result:
            found, expected = "the notebook saved no Result (work.save)", "a saved Result"
            mend = "add a last cell: work.save(result)"
            return Problem(f"notebook {step.name}", found, expected, mend)
    return problem


def _show(run: _Run) -> RunRecord:
    """Make the pages of the notebooks that were asked for, in scratch."""
    with _stage(run.record, run.tell, "pages"):
        from analysis.run import publish

        run.record.pages = publish.scratch_pages(run.project, run.plan, run.folder, run.record)
    run.record.state, run.record.finished_at = "succeeded", now()
    run.keep()
    return run.record


def _failed(run: _Run) -> RunRecord:
    if run.plan.chosen:
        mark_failed(run.record)
        run.keep()
    else:
        keep_failed(run.project, run.period, run.folder, run.record)
        with suppress(OSError):  # of a full disk, say; the failure itself is told already
            shelf.refresh_index(run.project)
    return run.record


@contextmanager
def _stage(record: RunRecord, tell: Progress, name: str) -> Iterator[None]:
    tell(Event("stage", name, "started"))
    try:
        with record.stage(name):
            yield
    except BaseException:
        tell(Event("stage", name, "failed"))
        raise
    tell(Event("stage", name, "done", seconds=record.stages[name].wall_seconds))
