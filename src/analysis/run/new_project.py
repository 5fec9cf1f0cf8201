"""A project folder for someone's own data, or for a simulated company."""

import json
from pathlib import Path

from analysis.core.files import write_text
from analysis.core.problems import Problem, SettingsError
from analysis.core.project import SETTINGS_FILE
from analysis.core.settings import Company

_SETTINGS = """\
# Settings of this project. Unknown names are refused, with the names that exist.
# Lines that begin with # are the defaults: take the # away to change one.

[company]
name = {name}                         # as it stands on reports
currency = {currency}                      # three letters; all amounts are in it
# locale = "en_GB"                    # how numbers and days are written for people
# fiscal_year_start_month = 1         # 1 to 12; 2026Q1 begins in this month
# fiscal_year_named_by = "end"        # by the calendar year in which it ends; or "start"

[sources.{source}]                    # one section per system that data come from
preset = {preset}                     # how its files become tables
folder = {folder}                     # below data/raw
# currency = ""                       # of amounts without a currency column
# date_order = ""                     # "day_first", "month_first": where 03/04/2026 could be both
# decimal = ""                        # "." or ","
# delimiter = ""                      # of CSV files; found out when empty
# remove_exact_duplicates = false     # equal lines are kept and counted
# keep_isolated_days = false          # a line dated years away from all others is rejected

# [revenue]                           # which kinds of invoice line count
# kinds = ["sale", "return", "fee", "postage", "write_off", "bad_debt", "adjustment"]

# [runs]
# jobs = 2                            # notebooks side by side
# cell_timeout_seconds = 600
# run_timeout_seconds = 3600
# secret_variables = []               # environment variables that no notebook may see

# [reports]
# pdf = false                         # report.pdf beside the pages; needs analysis[pdf]

# [privacy]
# pseudonymise = false                # names of people and customers become pseudonyms

# [actions.owners]                    # who owns what a chapter asks for: docs/actions.md
# "customers/revenue" = "Head of accounts"

# [quality]                           # limits of change since the last published run
# rows_fewer_share = 0.05             # beyond one nothing is published; all: docs/settings.md
# money_fewer_share = 0.02

# [notify.team]                       # who is told of runs; one section for each
# url_variable = "TEAM_URL"           # environment variable that holds the address
# on = ["success", "failure", "breach"]

# [cadences.quarterly]                # what `analysis due` runs, and when
# is_scheduled = true
# grace_days = 0                      # to wait after the quarter's end, for late postings

# [cadences.quarterly.notebooks]      # your own notebooks, and the notebooks that each reads
# "customers/mine" = ["customers/growth"]

# [options."customers/growth"]        # values for the parameters of a notebook
"""
_README = """\
# {name}

1. Put the files into `data/raw`. They are never changed.
2. `analysis load --project .` shows rows and money read, kept, rejected and merged.
3. `analysis run quarterly --project .` makes the report in `reports/quarterly/`.

Settings are in `project.toml`. A notebook in `notebooks/` takes the place of a shipped one of the
same name; others are named in `project.toml`. `analysis lab --copy customers/growth` copies a
shipped one there and opens JupyterLab.
"""
_FOLDERS = ("data/raw", "notebooks/customers", "notebooks/reports")


def new_project(folder: Path, preset: str, name: str = "", currency: str = "") -> None:
    """Make a project folder for files of a preset; SettingsError when there is one already."""
    from analysis.sources.presets import read_preset

    known = read_preset(preset)
    chosen = Company(
        name=name or folder.resolve().name, currency=_currency(currency or known.currency or "EUR")
    )
    _write(folder, chosen, preset, preset, ".")


def new_sample(folder: Path, customers: int, quarters: int, seed: int, difficulty: float) -> None:
    """Make a project folder with the raw files of a simulated company."""
    from analysis.sources.simulated import SimulationOptions, simulate, write_sample

    _refuse(folder)
    options = SimulationOptions(
        customers=customers, quarters=quarters, seed=seed, difficulty=difficulty
    )
    simulation = simulate(options)
    _write(folder, Company(name="Sample company", currency="EUR"), "sample", "plain", "sample")
    write_sample(simulation, folder)


def _write(folder: Path, company: Company, source: str, preset: str, below_raw: str) -> None:
    _refuse(folder)
    for name in (*_FOLDERS, f"data/raw/{below_raw}"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    text = _SETTINGS.format(
        name=_quoted(company.name),
        currency=_quoted(company.currency),
        source=source,
        preset=_quoted(preset),
        folder=_quoted(below_raw),
    )
    text = "".join(f"{_aligned(line)}\n" for line in text.splitlines())
    write_text(folder / "README.md", _README.format(name=company.name))
    write_text(folder / SETTINGS_FILE, text)


def _aligned(line: str) -> str:
    setting, sign, comment = line.rpartition("  # ")
    return f"{setting.rstrip():<36}{sign}{comment}" if sign else line


def _refuse(folder: Path) -> None:
    """Never write over what somebody has: files in data/raw may be there, settings not."""
    for name in (SETTINGS_FILE, "README.md"):
        if (folder / name).exists():
            mend = "name another folder, or change project.toml by hand"
            raise SettingsError(
                Problem(str(folder), f"{name} is already there", "a new folder", mend)
            )


def _currency(text: str) -> str:
    if len(text) == 3 and text.isascii() and text.isupper():
        return text
    raise SettingsError(Problem("--currency", repr(text), "three capital letters", "such as EUR"))


def _quoted(text: str) -> str:
    """Text as TOML writes it; JSON's strings are TOML's."""
    return json.dumps(text, ensure_ascii=False)
