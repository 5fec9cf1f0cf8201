"""The register of actions between reports: read from the last one, kept with this one.

runs/<cadence>/<period>/register.json holds every action, open and closed, as the report of that
period told it. The next report of the cadence reads it; a report that is made again reads the one
before its own period, never its own or a later one, and so tells the same again.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.core.files import read_json, write_json, write_text
from analysis.core.periods import Cadence, Period
from analysis.core.problems import InputError, Problem
from analysis.core.project import Project
from analysis.core.result import Result, result_exists
from analysis.core.scope import Scope
from analysis.report.downloads import csv_text
from analysis.report.past import Past
from analysis.report.register import Register, make_register
from analysis.report.register_action import Action, from_records, records
from analysis.report.register_entries import Entry, file_entries
from analysis.report.register_page import DOWNLOAD, register_frame
from analysis.report.register_proposals import proposals
from analysis.report.register_rules import RegisterRules, make_rules
from analysis.run.ledger import published_runs
from analysis.run.record import load_if_there

if TYPE_CHECKING:
    from analysis.run.workspace import Workspace

REGISTER_FILE = "register.json"
# Below data/raw/overrides: what people said of actions, a line for each thing.
ENTRIES_FILE = "actions.csv"
_HIDDEN = "Asked in {period}; the words are not repeated, because names are hidden since."


def register_past(work: "Workspace") -> dict[str, object]:
    """Return what a register continues, as the fields of `Past` that hold it."""
    rules = rules_of(work.project, work.period.cadence)
    entries = file_entries(work.overrides(Path(ENTRIES_FILE).stem))
    return {
        "register": _last(work.project, work.period, rules),
        "entries": entries,
        "rules": rules,
    }


def keep_register(
    work: "Workspace", results: dict[str, Result], scope: Scope, folder: Path, downloads: Path
) -> Register:
    """Write the register of a run into its folder, and as CSV for leaders."""
    past = Past(actions=work.source_table("action_items"), **register_past(work))
    found = make_register(results, scope, past)
    write_json(folder / REGISTER_FILE, {"actions": records(found.actions)})
    if found.actions:  # the page then leads to it
        write_text(downloads / f"{DOWNLOAD}.csv", csv_text(register_frame(found)))
    return found


def rules_of(project: Project, cadence: Cadence) -> RegisterRules:
    """Return who owns what and until when, as project.toml says."""
    settings = project.settings
    return make_rules(settings.actions, cadence, settings.notebooks(cadence))


def register_source(project: Project, period: Period) -> str:
    """Return what a report's register rests on, as text for its key: also what was said by then.

    What is said later changes nothing, so that a report of an old period stays as it is.
    """
    found = _last_folder(project, period)
    path = found[1] / REGISTER_FILE if found else None
    last = path.read_bytes() if path and path.is_file() else b""
    try:
        said = [repr(e) for e in read_entries(project) if e.is_known(period.last_day)]
    except InputError as error:
        said = [str(error)]
    return hashlib.sha256(last + "\n".join(said).encode()).hexdigest() if last or said else ""


def read_entries(project: Project) -> tuple[Entry, ...]:
    """Return what people said of actions; InputError with every line that is not whole."""
    path = entries_path(project)
    if not path.is_file():
        return ()
    try:
        table = pd.read_csv(path, dtype="str", encoding="utf-8-sig", keep_default_na=False)
    except (ValueError, UnicodeDecodeError) as error:
        where = f"data/raw/overrides/{path.name}"
        mend = "save it as CSV with commas, first line the names of the columns"
        raise InputError(Problem(where, str(error), "CSV text in UTF-8", mend)) from None
    return file_entries(table.rename(columns=str.strip).apply(lambda column: column.str.strip()))


def entries_path(project: Project) -> Path:
    """Return the file in which people say who takes an action and what came of it."""
    return project.raw / "overrides" / ENTRIES_FILE


def read_register(folder: Path) -> tuple[Action, ...] | None:
    """Return the register that a run kept; None where it kept none."""
    path = folder / REGISTER_FILE
    return from_records(read_json(path)["actions"]) if path.is_file() else None


def _last(project: Project, period: Period, rules: RegisterRules) -> tuple[Action, ...] | None:
    """Return the register of the last report before; of one without, what its findings ask for."""
    found = _last_folder(project, period)
    if found is None:
        return None
    period, folder = found
    kept = read_register(folder)
    if kept is None:
        scope = Scope(period, project.calendar, project.display)
        kept = tuple(proposals(_results(folder), scope, rules))
    if project.settings.privacy.pseudonymise and not _was_hidden(folder):
        return tuple(_without_names(one, n, rules) for n, one in enumerate(kept, 1))
    return kept


def _was_hidden(folder: Path) -> bool:
    record = load_if_there(folder)
    privacy = record.settings.get("privacy", {}) if record else {}
    return bool(privacy.get("pseudonymise"))


def _without_names(one: Action, number: int, rules: RegisterRules) -> Action:
    """Return an action of a report that still showed names without any of its words."""
    is_named = one.kind == "flag"  # a flag is called by whom it is about
    name = f"{one.opened_in}/{one.chapter}/flag-{number}" if is_named else one.action_id
    text = _HIDDEN.format(period=one.opened_in)
    role = rules.owner(one.chapter)
    return replace(one, action_id=name, text=text, finding="", owner="", role=role, result="")


def _last_folder(project: Project, period: Period) -> tuple[Period, Path] | None:
    runs = published_runs(project, period.cadence)
    earlier = [run for run in runs if run[0].starts_on < period.starts_on]
    return earlier[-1] if earlier else None


def _results(folder: Path) -> Iterable[Result]:
    for place in sorted(folder.iterdir()):
        if result_exists(place):
            yield Result.load(place)
