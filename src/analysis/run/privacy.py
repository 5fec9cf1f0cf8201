"""Whether a project's reports name people: the setting [privacy], and the key of its pseudonyms."""

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

from analysis.core.problems import InputError, Problem
from analysis.core.project import Project
from analysis.core.pseudonyms import Pseudonyms

# Beside project.toml, not in data/processed, which may be deleted at any time; never published.
KEY_FILE = ".pseudonym-key"
_KEY_BYTES = 32


def pseudonyms(project: Project) -> Pseudonyms | None:
    """Return what replaces names in everything that notebooks see; None where names are shown."""
    settings = project.settings.privacy
    if not settings.pseudonymise:
        return None
    return Pseudonyms(_key(project.root / KEY_FILE), frozenset(settings.columns))


def pseudonyms_source(project: Project) -> str:
    """Return which key the pseudonyms are made with, as text for the keys of notebooks."""
    used = pseudonyms(project)
    return hashlib.sha256(b"which key " + used.key).hexdigest() if used else ""


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
