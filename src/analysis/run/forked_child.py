"""What happens in a kernel that was forked from the server: between the fork and the first cell."""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from multiprocessing import forkserver
from multiprocessing.connection import wait
from threading import Thread

IMPORTS = "analysis.run.forked_imports"
NOT_PRELOADED = 3
_SET_DEATH_SIGNAL = 1


def check() -> None:
    """End with an error unless the server imported everything and started no thread.

    The server swallows an ImportError; a fork copies no thread but the one that forks.
    """
    imports = sys.modules.get(IMPORTS)
    if getattr(imports, "THREADS", 0) != 1:
        sys.exit(NOT_PRELOADED)


def serve(connection_file: str, folder: str, environment: Mapping[str, str]) -> None:
    """Be a kernel until the runner has no more work, or is gone."""
    os.setsid()  # its own group: whoever kills the kernel kills what it started
    Thread(target=_end_with_the_runner, daemon=True).start()
    _end_with_the_server()
    check()
    _be_a_new_process(folder, environment)

    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance(parent_handle=os.getppid())  # it also ends with the server
    app.initialize(["-f", connection_file, "--log-level=ERROR"])
    # Imported before there was a shell, its backend would show figures as text.
    app.shell.run_line_magic("matplotlib", "inline")
    app.start()


def _end_with_the_runner() -> None:
    """Kill this kernel and what it started as soon as the runner has ended, however it ended."""
    runner = multiprocessing.parent_process()
    assert runner is not None
    wait([runner.sentinel])
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _end_with_the_server() -> None:
    """Have the system kill this kernel with the server, also while a cell lets no thread run.

    The server ends with the last holder of a pipe, which shall be the runner alone.
    """
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
    pipe = forkserver._forkserver._forkserver_alive_fd
    if pipe is not None:
        os.close(pipe)
        forkserver._forkserver._forkserver_alive_fd = None


def _be_a_new_process(folder: str, environment: Mapping[str, str]) -> None:
    """Undo what the fork inherited, so that a notebook finds what a new Python would give it."""
    import numpy as np

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[:] = sys.modules[IMPORTS].PATH
    sys.argv = ["ipykernel_launcher"]
    np.random.seed()  # else every kernel would draw the same numbers
    multiprocessing.current_process().daemon = False  # a notebook may start processes
    multiprocessing.set_start_method(None, force=True)
