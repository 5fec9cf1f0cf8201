"""What a folder of tables holds, written down when it is made, so that damage is noticed.

A disk that was full, a copy that broke off, a backup: a file may be there and be cut short.
"""

import hashlib
from pathlib import Path

from analysis.core.files import read_json, write_json

CONTENTS_FILE = "contents.json"


def seal(folder: Path) -> None:
    """Write down the hash of every file of a folder that is complete."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    write_json(folder / CONTENTS_FILE, {name: _digest(folder / name) for name in names})


def damaged(folder: Path) -> list[str]:
    """Return the files that are not as they were made; none when nothing was written down."""
    try:
        contents = read_json(folder / CONTENTS_FILE)
    except FileNotFoundError:  # of an earlier version of this product
        return []
    except ValueError:
        return [CONTENTS_FILE]
    return [name for name, digest in contents.items() if _digest(folder / name) != digest]


def damage_words(folder: Path, damage: list[str]) -> str:
    """Say what is damaged and what is done about it."""
    return (
        f"{folder}: {', '.join(damage)} was cut short or changed since it was made. It is made anew"
        " from data/raw; if this happens again, have the disk checked."
    )


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
