"""Whether a project's reports name people: the setting [privacy], and the key of its pseudonyms."""

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from analysis.core.periods import CADENCES
from analysis.core.problems import InputError, Problem
from analysis.core.project import Project
from analysis.core.pseudonyms import Pseudonyms
from analysis.run.ledger import published_runs
from analysis.run.record import load_if_there

# Beside project.toml, not in data/processed, which may be deleted at any time; never published.
KEY_FILE = ".pseudonym-key"
_KEY_BYTES = 32


# Tables that name someone: the id, the name, and further columns that hold such ids.
_NAMING = {
    "customers": ("customer_id", "customer_name", ("parent_customer_id",)),
    "reps": ("rep_id", "rep_name", ("leader_rep_id",)),
}


def pseudonyms(project: Project, snapshot: Path) -> Pseudonyms | None:
    """Return what replaces names in everything that notebooks see; None where names are shown.

    `snapshot` holds the loaded tables, which tell whether ids are names.
    """
    settings = project.settings.privacy
    if not settings.pseudonymise:
        return None
    named: dict[str, str] = {}
    ids = []
    for table, (id_column, name_column, others) in _NAMING.items():
        found = _read(snapshot / f"{table}.parquet", (id_column, name_column, *others))
        if name_column not in found or id_column not in found:
            continue
        names = _texts(found[name_column])
        is_name = bool(names & _texts(found[id_column]))
        for column in (id_column, *others) if is_name else ():
            names |= _texts(found[column]) if column in found else set()
        ids += [id_column] if is_name else []
        named |= dict.fromkeys(sorted(names - set(named)), name_column)
    key = _key(project.root / KEY_FILE)
    return Pseudonyms(key, frozenset(settings.columns), named, tuple(ids))


def pseudonyms_source(project: Project) -> str:
    """Return which key the pseudonyms are made with, as text for the keys of notebooks."""
    if not project.settings.privacy.pseudonymise:
        return ""
    return hashlib.sha256(b"which key " + _key(project.root / KEY_FILE)).hexdigest()


def reports_with_names(project: Project) -> list[str]:
    """Return the published reports that were made before names were to be replaced."""
    if not project.settings.privacy.pseudonymise:
        return []
    return [
        f"{cadence} {period}"
        for cadence in CADENCES
        for period, folder in published_runs(project, cadence)
        if not _was_hidden(folder)
    ]


def _was_hidden(folder: Path) -> bool:
    record = load_if_there(folder)
    privacy = record.settings.get("privacy", {}) if record else {}
    return bool(privacy.get("pseudonymise"))


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame()
    there = set(pq.read_schema(path).names)
    return pd.read_parquet(path, columns=[name for name in columns if name in there])


def _texts(values: pd.Series) -> set[str]:
    return {text for value in values.dropna().unique() if (text := str(value).strip())}


def _key(path: Path) -> bytes:
    """Return the project's key; the first call makes it, readable by its owner only."""
    with suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) < _KEY_BYTES:
        expected = f"{2 * _KEY_BYTES} digits 0 to 9 and a to f"
        mend = "restore the file; without it the same name gets another pseudonym from now on"
        raise InputError(Problem(str(path), "not a key of pseudonyms", expected, mend))
    return key
