"""What a notebook stands on: its period's tables, the Results of others, and where to save its own.

In a run the runner has prepared everything. Outside one (JupyterLab, tests of notebooks) the
workspace loads what changed, makes the features, and keeps Results in data/processed/scratch, apart
from what was published.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.core.files import read_json
from analysis.core.periods import Period, known_to
from analysis.core.problems import InputError, Problem, SettingsError
from analysis.core.project import Project, open_project
from analysis.core.result import Result, result_exists
from analysis.core.scope import Scope

if TYPE_CHECKING:
    from analysis.core.pseudonyms import Pseudonyms
    from analysis.customers.growth_targets import TargetsAsked
    from analysis.report.past import Past
    from analysis.sources.load_report import LoadReport

PROJECT_VARIABLE = "ANALYSIS_PROJECT"


@dataclass(frozen=True)
class Workspace:
    """The project at one period; `folder` is where this notebook's Result is saved."""

    project: Project
    period: Period
    snapshot: Path
    folder: Path
    is_run: bool

    @property
    def scope(self) -> Scope:
        """Period, calendar and how numbers are written, for the analyses."""
        last = self.load_report.last_day
        known = known_to(self.period.cadence, last) if last else None
        if known and known < self.period.last_day:
            known = last  # the weekend is forgiven, not added
        return Scope(self.period, self.project.calendar, self.project.display, known)

    @cached_property
    def load_report(self) -> "LoadReport":
        """What was read, kept, rejected and merged when the data were loaded."""
        from analysis.sources.load_report import read_report

        return read_report(self.snapshot)

    @property
    def overruled(self) -> tuple[str, ...]:
        """Quality checks that a person overruled for this run, in sentences; outside a run none."""
        from analysis.run.gates import overruled

        if not self.is_run:
            return ()
        record = read_json(self.folder / "run.json")
        return tuple(overruled(record.get("quality", ()), record.get("accepted", "")))

    @cached_property
    def rejects(self) -> pd.DataFrame:
        """Every raw row that no table took, with the reason."""
        rejects = pd.read_parquet(self.snapshot / "rejects.parquet")
        return self._pseudonyms.rejects(rejects) if self._pseudonyms else rejects

    def table(self, name: str) -> pd.DataFrame:
        """Return a derived table as of the period's end, for example customer_features."""
        from analysis.features.engine import read_table

        features = self.project.features_dir(self.snapshot.name, self.period)
        return self._without_names(read_table(features, name), name)

    def source_table(self, name: str) -> pd.DataFrame | None:
        """Return a loaded table as the sources gave it, days as datetime64; None without a file."""
        path = self.snapshot / f"{name}.parquet"
        if not path.is_file():
            return None
        table = pd.read_parquet(path, to_pandas_kwargs={"date_as_object": False})
        return self._without_names(table, name)

    def targets_asked(self) -> "TargetsAsked":
        """What is demanded of the next quarter: the targets table, project.toml, overrides."""
        from analysis.customers.growth_targets import TargetsAsked

        demanded = self.project.settings.targets.quarter_revenue_amount
        amount = demanded.get(self.scope.next_period.name)
        table = self.source_table("targets")
        company_amount = None if amount is None else float(amount)
        return TargetsAsked(table, company_amount, self.overrides("targets"))

    def overrides(self, name: str) -> pd.DataFrame | None:
        """Return data/raw/overrides/<name>.csv, where an analyst overrules; None without one."""
        path = self.project.raw / "overrides" / f"{name}.csv"
        if not path.is_file():
            return None
        try:
            table = pd.read_csv(path, dtype="str", encoding="utf-8-sig", keep_default_na=False)
        except (ValueError, UnicodeDecodeError) as error:
            where = f"data/raw/overrides/{path.name}"
            mend = "save it as CSV with commas, first line the names of the columns"
            raise InputError(Problem(where, str(error), "CSV text in UTF-8", mend)) from None
        stripped = table.rename(columns=str.strip).apply(lambda column: column.str.strip())
        return self._without_names(stripped, f"override of {name}")

    def anchor(self, notebook: str, table: str) -> pd.DataFrame | None:
        """Return a table that an earlier run of `notebook` left so that meanings stay the same.

        This period's own earlier run comes first, else the latest run of an earlier period, never
        of a later one; None when there is none.
        """
        from analysis.run.ledger import anchor_folder

        folder = anchor_folder(self.project, self.period, _stem(notebook))
        path = folder / f"{table}.parquet" if folder else None
        return self._hidden_again(pd.read_parquet(path)) if path and path.is_file() else None

    def earlier(self, notebook: str) -> list[Result]:
        """Return what the latest runs of earlier periods published, newest first, three at most.

        Only of notebooks that leave an anchor. This period's own earlier run and later periods are
        never among them, so that running a quarter again gives the same.
        """
        from analysis.run.ledger import EARLIER_RUNS, earlier_folders

        folders = earlier_folders(self.project, self.period, _stem(notebook), EARLIER_RUNS)
        found = [Result.load(folder) for folder in folders if result_exists(folder)]
        if not self._pseudonyms:
            return found
        hidden = [{n: self._hidden_again(t) for n, t in r.tables.items()} for r in found]
        return [replace(r, tables=t) for r, t in zip(found, hidden, strict=True)]

    def ledger(self) -> pd.DataFrame:
        """Return what earlier runs forecast of times that are over at the period's end.

        Rows of the declared table `forecasts`, as they were first published; none on a first run.
        """
        from analysis.run.frozen import frozen_forecasts

        return self._hidden_again(frozen_forecasts(self.project, self.period))

    def result(self, notebook: str) -> Result | None:
        """Return the Result of another notebook for this period; None when there is none.

        In a run it is the run's. Outside, it is the one last saved here, else the published one of
        the same data, else the notebook is run now.
        """
        stem = _stem(notebook)
        if self.is_run:
            return _load(self.folder / stem)
        return self._saved(stem) or self._made_now(notebook)

    def results(self) -> dict[str, Result]:
        """Return every Result of this period that there is, by notebook, in order of chapters."""
        find = self._in_run if self.is_run else self._saved
        names = self.project.settings.notebooks(self.period.cadence)
        found = {name: find(_stem(name)) for name in names}
        return {name: result for name, result in found.items() if result is not None}

    def past(self, results: Mapping[str, Result]) -> "Past":
        """Return what a report is told in against: earlier reports, actions, signed comments."""
        from analysis.run.past import read_past

        return read_past(self, results)

    def period_target(self) -> float | None:
        """Return the revenue that was demanded of the period; None without a target."""
        from analysis.run.past import period_target

        return period_target(self)

    def save(self, result: Result) -> None:
        """Keep the Result for other notebooks, the report and the next quarter."""
        result.save(self.folder / result.name)

    @cached_property
    def _pseudonyms(self) -> "Pseudonyms | None":
        from analysis.run.privacy import pseudonyms

        return pseudonyms(self.project, self.snapshot)

    def _without_names(self, table: pd.DataFrame, name: str) -> pd.DataFrame:
        """Return a table as notebooks may see it: with pseudonyms where the project says so."""
        return self._pseudonyms.of(table, name) if self._pseudonyms else table

    def _hidden_again(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return what an earlier run left, which may have been published with names."""
        return self._pseudonyms.again(table) if self._pseudonyms else table

    def _in_run(self, stem: str) -> Result | None:
        return _load(self.folder / stem)

    def _saved(self, stem: str) -> Result | None:
        return _load(self.folder / stem) or _load(self._published() / stem)

    def _published(self) -> Path:
        """The published run of the period, or a folder that is not there if it used other data."""
        folder = self.project.run_dir(self.period)
        run_file = folder / "run.json"
        is_same = run_file.is_file() and read_json(run_file)["snapshot"] == self.snapshot.name
        return folder if is_same else folder / "of other data"

    def _made_now(self, notebook: str) -> Result | None:
        from analysis.run.cadence import run_cadence

        if notebook not in self.project.settings.notebooks(self.period.cadence):
            return None
        print(f"Running {notebook} first: this notebook reads its Result.", file=sys.stderr)
        run_cadence(self.project, self.period.cadence, self.period.name, only=[notebook])
        return _load(self.folder / _stem(notebook))


def open_workspace(project: str = ".", period: str = "", run_dir: str = "") -> Workspace:
    """Return what a notebook works on; the arguments are the parameters of every notebook.

    `project` is any folder within the project; "." is the folder of the notebook, or what
    `analysis lab` was opened for. An empty `period` is the latest complete quarter of the data. An
    empty `run_dir` means outside a run: data are loaded and features made if needed.
    """
    opened = open_project(_folder(project))
    if run_dir:
        _refuse_outside(opened, run_dir)
        record = read_json(Path(run_dir) / "run.json")
        snapshot = opened.tables / record["snapshot"]
        return Workspace(opened, opened.calendar.parse(period), snapshot, Path(run_dir), True)
    return _outside_a_run(opened, period)


def _outside_a_run(project: Project, text: str) -> Workspace:
    from analysis.run.prepare import prepare  # a kernel in a run never needs it

    snapshot, period = prepare(project, text)
    folder = project.scratch_dir(snapshot, period)
    return Workspace(project, period, project.tables / snapshot, folder, False)


def _refuse_outside(project: Project, run_dir: str) -> None:
    if not Path(run_dir).resolve().is_relative_to(project.processed.resolve()):
        expected = f"a folder of a run below {project.processed}"
        mend = "leave run_dir empty; the runner sets it"
        raise SettingsError(Problem("run_dir", run_dir, expected, mend))


def _folder(project: str) -> str:
    """Shipped notebooks say "." and lie elsewhere; `analysis lab` tells what they are for."""
    return os.environ.get(PROJECT_VARIABLE, project) if project == "." else project


def _load(folder: Path) -> Result | None:
    return Result.load(folder) if result_exists(folder) else None


def _stem(notebook: str) -> str:
    return notebook.rsplit("/", 1)[-1]
