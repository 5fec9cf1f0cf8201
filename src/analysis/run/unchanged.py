"""Whether everything that a run rests on stayed as it was while the run was under way.

The tables are a snapshot and cannot change. Settings, overrides and notebooks are read while the
run goes on: half of its notebooks could have seen other ones than the other half.
"""

from collections.abc import Iterator

from analysis.core.periods import Period
from analysis.core.problems import AnalysisError, InputError, Problem, raise_all
from analysis.core.project import Project
from analysis.run.keys import notebook_keys
from analysis.run.plan import make_plan
from analysis.run.record import RunRecord

_EXPECTED = "the same from the beginning of a run to its end"
_MEND = "run again when nobody changes it; nothing was published"


def refuse_changes(project: Project, period: Period, record: RunRecord) -> None:
    """Raise InputError with everything that has changed since the run began."""
    fresh = Project(project.root)  # reads project.toml again
    try:
        problems = [*_raw_files(fresh, record), *_others(fresh, period, record)]
    except AnalysisError as error:
        problems = [Problem("project.toml, data/raw", str(error), _EXPECTED, _MEND)]
    raise_all(problems, InputError)


def _raw_files(project: Project, record: RunRecord) -> Iterator[Problem]:
    from analysis.sources.inventory import take_inventory

    files = {
        f"{file.source.name}/{file.file}": file.sha256 for file in take_inventory(project).files
    }
    for name in sorted(files.keys() | record.sources.keys()):
        if files.get(name) != record.sources.get(name):
            found = "changed" if name in files and name in record.sources else "came or went"
            yield Problem(f"data/raw: {name}", f"{found} during the run", _EXPECTED, _MEND)


def _others(project: Project, period: Period, record: RunRecord) -> Iterator[Problem]:
    plan = make_plan(project, record.cadence)
    place = (project, plan, period, record.snapshot)
    keys = notebook_keys(*place, record.code, record.accepted)
    before = {name: book.key for name, book in record.notebooks.items()}
    changed = [name for name in before if keys.get(name, ("", ""))[0] != before[name]]
    if changed or keys.keys() != before.keys():
        names = ", ".join(changed) or "their list"
        where = "project.toml, overrides or notebooks"
        yield Problem(where, f"changed during the run ({names})", _EXPECTED, _MEND)
