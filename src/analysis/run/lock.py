"""One run at a time: a lock of the operating system on the project, and who holds it.

The lock goes with the process that holds it, however that ends; the note beside it only tells a
person whom to ask. Process numbers are shown, never trusted.
"""

import getpass
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from filelock import FileLock, Timeout

from analysis.core.files import read_json, write_json
from analysis.core.problems import InputError, Problem
from analysis.core.project import Project

_LOCK = "project.lock"
_HOLDER = "project.lock.json"


class BusyError(InputError):
    """Another run holds the project."""


@contextmanager
def project_lock(project: Project, purpose: str, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the project while the block runs; BusyError naming the holder when another does."""
    project.processed.mkdir(parents=True, exist_ok=True)
    lock = FileLock(project.processed / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _wait(lock, project, wait_seconds)
    holder = project.processed / _HOLDER
    try:
        write_json(holder, _who(purpose))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def is_held(project: Project) -> bool:
    """Whether a run, or a notebook that prepares its data, holds the project now."""
    lock = FileLock(project.processed / _LOCK)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):  # who may not write here cannot tell, so take it for held
        return True
    lock.release()
    return False


def _wait(lock: FileLock, project: Project, seconds: float) -> None:
    if seconds:
        print(f"Waiting for the project, {_held(project).found}.", file=sys.stderr)
    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        raise BusyError(_held(project)) from None


def _who(purpose: str) -> dict[str, Any]:
    return {
        "purpose": purpose,
        "process": os.getpid(),
        "user": _user(),
        "computer": socket.gethostname(),
        "since": datetime.now().astimezone().isoformat(timespec="seconds"),
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container may run as a number without a name
        return "unknown"


def _held(project: Project) -> Problem:
    try:
        who = read_json(project.processed / _HOLDER)
        found = (
            f"in use since {who['since']}: {who['purpose']}, process {who['process']} "
            f"of {who['user']} on {who['computer']}"
        )
    except (OSError, ValueError, KeyError):  # just taken, or just given back
        found = "in use by another run"
    return Problem(
        f"project {project.root.name}", found, "one run at a time", "wait until it ends, or end it"
    )
