"""Files that readers always see whole: written beside, then put in place in one step."""

import ctypes
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from analysis.core.secrets import redacted

# Anything whose name begins so is unfinished work; `remove_stale` may delete it at a start.
UNFINISHED = ".unfinished-"
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def write_text(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old one or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(redacted(text))
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, keys in their order, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """Give an empty folder to fill; it takes the place of `path` when the block ends well.

    When the block fails, the unfinished folder is removed and `path` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f"{UNFINISHED}{path.name}-", dir=path.parent))
    work.chmod(0o755)
    try:
        yield work
        put_in_place(work, path)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def put_in_place(new: Path, path: Path) -> None:
    """Let folder `new` take the place of `path`; what was there is afterwards at `new`.

    On Linux the two are exchanged in one step. Elsewhere, and on file systems without that, the
    old folder steps aside first: for a moment there is none, and a stop in that moment leaves it
    under an unfinished name, from where `restore` brings it back.
    """
    if not path.exists():
        new.rename(path)
    elif not _exchange(new, path):
        aside = path.with_name(f"{UNFINISHED}old-{path.name}")
        shutil.rmtree(aside, ignore_errors=True)
        path.rename(aside)
        new.rename(path)
        aside.rename(new)


def _exchange(first: Path, second: Path) -> bool:
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    names = (os.fsencode(first), os.fsencode(second))
    return rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0


def restore(folder: Path) -> None:
    """Bring back folders that stepped aside in `put_in_place` and were left there by a stop."""
    prefix = f"{UNFINISHED}old-"
    for aside in folder.glob(f"{prefix}*"):
        place = aside.with_name(aside.name.removeprefix(prefix))
        if not place.exists():
            aside.rename(place)


def remove_stale(folder: Path) -> None:
    """Remove what killed writers left in `folder` (not below); call it under the project's lock."""
    restore(folder)
    for left in folder.glob(f"{UNFINISHED}*"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
