"""The skip rule: a notebook is run again only when something that it depends on has changed.

That is: its cells, its parameters, the snapshot and the period, the settings, the keys of the
notebooks that it reads, its anchor, what it and they published for earlier periods beside their
anchors, what a report compares itself with and the register of actions that it continues, the
forecasts of earlier periods in the ledger, the analyst's overrides, why quality checks were
overruled, all of src/analysis and the lock file.
No finer tracking: whoever changes a line of the code has everything run again.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import analysis
from analysis.core.periods import Period
from analysis.core.project import Project
from analysis.run.frozen import frozen_source
from analysis.run.ledger import anchor_source, earlier_source
from analysis.run.parameters import read_cells, tags
from analysis.run.past import past_source
from analysis.run.plan import Plan, Step
from analysis.run.privacy import pseudonyms_source
from analysis.run.register import ENTRIES_FILE, register_source

PACKAGE = Path(analysis.__file__).resolve().parent
# How notebooks are run, or which: neither changes what one of them finds.
_NOT_OF_THE_OUTCOME = {"runs", "cadences", "options", "quality", "notify"}


def code_identity() -> dict[str, str]:
    """Return version and hash of the product's code, and the hash of what it is installed with."""
    return {
        "version": _version(),
        "code": _digest_files(_code_files(), PACKAGE),
        "lock": _installed(),
    }


def notebook_keys(
    project: Project,
    plan: Plan,
    period: Period,
    snapshot: str,
    code: Mapping[str, str],
    overruled: str = "",
) -> dict[str, tuple[str, str]]:
    """Return key and anchor of every step; a step's key holds the keys of its needs."""
    common = {
        "period": [period.cadence, period.name],
        "snapshot": snapshot,
        "code": dict(code),
        "settings": project.settings.model_dump(mode="json", exclude=_NOT_OF_THE_OUTCOME),
        "overrides": _digest_files(overrides_files(project), project.raw),
        "ledger": frozen_source(project, period),
        "pseudonyms": pseudonyms_source(project),
        "overruled": overruled,
    }
    keys: dict[str, tuple[str, str]] = {}
    waiting = list(plan.steps)
    while waiting:
        ready = next(s for s in waiting if all(need in keys for need in s.needs))
        waiting.remove(ready)
        anchor = anchor_source(project, period, ready.name)
        own = {
            "cells": _cells(ready),
            "options": dict(ready.options),
            "needs": {need: keys[need][0] for need in ready.needs},
            "anchor": anchor,
            "past": _told_against(project, period) if ready.name == plan.report else "",
            "earlier": [earlier_source(project, period, n) for n in (ready.name, *ready.needs)],
        }
        keys[ready.name] = (_digest(common | own), anchor)
    return keys


def overrides_files(project: Project) -> list[Path]:
    """Return the files in which analysts overrule an analysis; what they say of actions is none."""
    files = (project.raw / "overrides").glob("*.csv")
    return sorted(path for path in files if path.name != ENTRIES_FILE)


def _told_against(project: Project, period: Period) -> str:
    return f"{past_source(project, period)}{register_source(project, period)}"


def _cells(step: Step) -> list[Any]:
    """What of a notebook decides its outcome: not its outputs, not what JupyterLab remembers."""
    return [[cell["cell_type"], cell["source"], tags(cell)] for cell in read_cells(step.path)]


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _digest_files(paths: Iterable[Path], root: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def _code_files() -> list[Path]:
    shipped = PACKAGE / "notebooks"  # in a wheel they lie inside; each key has its own notebook
    return sorted(
        path
        for path in PACKAGE.rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and not path.is_relative_to(shipped)
        and path.suffix != ".pyc"
    )


def _version() -> str:
    try:
        return metadata.version("analysis")
    except metadata.PackageNotFoundError:
        return "unknown"


def _installed() -> str:
    """The lock file of the repository; of an installed product, what is installed beside it."""
    lock = PACKAGE.parents[1] / "requirements" / "run.lock"
    if lock.is_file():
        return hashlib.sha256(lock.read_bytes()).hexdigest()
    found = sorted({f"{d.name}=={d.version}" for d in metadata.distributions()})
    return _digest(found)
