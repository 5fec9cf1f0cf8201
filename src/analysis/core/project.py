"""Where everything of a project lives: settings, notebooks, raw data, snapshots, runs, reports."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from analysis.core.display import Display
from analysis.core.files import read_json
from analysis.core.periods import FiscalCalendar, Period
from analysis.core.problems import InputError, Problem, SettingsError
from analysis.core.secrets import hide
from analysis.core.settings import Settings, read_settings

SETTINGS_FILE = "project.toml"


@dataclass(frozen=True)
class Project:
    """A project folder. The repository is one; `--project DIR` names another."""

    root: Path

    @cached_property
    def settings(self) -> Settings:
        """What project.toml says; from now on this process hides the secrets that it names."""
        settings = read_settings(self.root / SETTINGS_FILE)
        hide(settings.secret_variables)
        return settings

    @property
    def calendar(self) -> FiscalCalendar:
        return self.settings.calendar

    @property
    def display(self) -> Display:
        return Display(self.settings.company.currency, self.settings.company.locale)

    @property
    def raw(self) -> Path:
        return self.root / "data" / "raw"

    @property
    def processed(self) -> Path:
        return self.root / "data" / "processed"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def tables(self) -> Path:
        return self.processed / "tables"

    def scratch_dir(self, snapshot: str, period: Period) -> Path:
        """Return where Results of notebooks outside a run are kept; never mixed between snapshots.

        Outside a run are JupyterLab, tests of notebooks and `--only`.
        """
        return self.processed / "scratch" / snapshot / period.cadence / period.name

    def run_dir(self, period: Period) -> Path:
        """Return the folder of the period's run, runs/<cadence>/<period>."""
        return self.processed / "runs" / period.cadence / period.name

    def ledger_dir(self, period: Period) -> Path:
        """Return the folder of what the period's runs forecast, ledger/<cadence>/<period>."""
        return self.processed / "ledger" / period.cadence / period.name

    def report_dir(self, period: Period) -> Path:
        """Return the folder that leaders open, reports/<cadence>/<period>."""
        return self.reports / period.cadence / period.name

    def features_dir(self, snapshot: str, period: Period) -> Path:
        """Return the folder of the tables derived from a snapshot as of the period's end."""
        return self.processed / "features" / snapshot / period.name

    def current_snapshot(self) -> Path:
        """Return the folder of the tables that the last load made; InputError when none was."""
        pointer = self.tables / "current.json"
        if not pointer.exists():
            raise InputError(
                Problem(
                    str(self.tables),
                    "no loaded tables",
                    "a snapshot made from data/raw",
                    "run `analysis load`",
                )
            )
        return self.tables / read_json(pointer)["snapshot"]

    def notebook(self, name: str) -> Path:
        """Return the file of a notebook; the project's own shadows a shipped one of that name."""
        is_within = all(part not in ("", ".", "..") for part in re.split(r"[/\\:]", name))
        for folder in (self.root / "notebooks", shipped_notebooks()) if is_within else ():
            path = folder / f"{name}.ipynb"
            if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
                return path
        raise SettingsError(
            Problem(
                f"notebook {name}",
                "no such file",
                f"notebooks/{name}.ipynb in {self.root} or among the shipped notebooks",
                "put the file there or correct its name in project.toml",
            )
        )


def open_project(start: str | Path = ".") -> Project:
    """Return the project that `start` is in: the nearest folder upwards with a project.toml."""
    folder = Path(start).resolve()
    for candidate in (folder, *folder.parents):
        if (candidate / SETTINGS_FILE).is_file():
            return Project(candidate)
    raise SettingsError(
        Problem(
            str(folder),
            "no project.toml here or above",
            "a project folder",
            "run `analysis init DIR --preset NAME`, or name the folder with --project",
        )
    )


def shipped_notebooks() -> Path:
    """Return the folder of the notebooks that come with the product."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "notebooks"
    return installed if installed.is_dir() else package.parents[1] / "notebooks"
