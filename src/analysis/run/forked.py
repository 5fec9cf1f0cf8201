"""Kernels forked from a server that has imported everything once; on Linux only.

A plain kernel spends two processor seconds on imports before its first cell. Here a server imports
once, without the runner's secrets, and each kernel is a fork of it. The server and its kernels end
with the runner, also when that is killed: see `forked_child`.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any
from uuid import uuid4

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

from analysis.run.forked_child import IMPORTS, check, serve
from analysis.run.kernels import PlainKernelManager

START_SECONDS = 60
_STOP_SECONDS = 5
_starting = threading.Lock()


class ForkedProcess:
    """A forked kernel with the methods that a provisioner asks of subprocess.Popen."""

    stdin = stdout = stderr = None

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        self.pid: int = process.pid or 0

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        return self._process.exitcode

    def wait(self) -> int | None:
        """Wait until it has ended and return the exit code."""
        self._process.join()
        return self._process.exitcode

    def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel alone."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkedProvisioner(LocalProvisioner):
    """Has the server fork a kernel where the local one starts a new Python."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel; when the server has died, start the plain one that `cmd` describes."""
        if not _is_running():
            return await super().launch_kernel(cmd, **kwargs)
        file = str(self.parent.connection_file)
        process = _start(serve, file, str(kwargs["cwd"]), dict(kwargs["env"]))
        self.process = ForkedProcess(process)
        # It leads a group of its own as soon as it runs. Asked now, it may still be in ours, and
        # whoever kills its group would kill us.
        self.pid = self.pgid = process.pid
        self.cwd = kwargs["cwd"]
        return self.connection_info


class ForkedKernelManager(PlainKernelManager):
    """Forks a kernel for each notebook. Asynchronous, or cell timeouts do not work."""

    async def _async_pre_start_kernel(self, **kwargs: Any) -> Any:
        if self.provisioner is None:
            self.kernel_id = self.kernel_id or str(uuid4())
            self.provisioner = ForkedProvisioner(
                kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self
            )
        return await super()._async_pre_start_kernel(**kwargs)


@contextmanager
def fork_server(environment: Mapping[str, str], modules: Sequence[str] = ()) -> Iterator[bool]:
    """Run the server while the block runs; False when it did not get ready.

    `modules` are imported too, where they exist. `environment` is what the server starts with: the
    number of threads counts when libraries are loaded, and secrets must not be in it.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*(m for m in modules if _exists(m)), IMPORTS])
    try:
        with _environment(environment):
            forkserver.ensure_running()
        yield _is_ready()
    finally:
        _stop()


def _is_running() -> bool:
    """Whether the server is there. multiprocessing would start another one, with our secrets."""
    number = forkserver._forkserver._forkserver_pid
    if number is None:
        return False
    with suppress(ChildProcessError):
        return os.waitid(os.P_PID, number, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    return False


def _is_ready() -> bool:
    """Whether a fork of the server finds everything imported."""
    with suppress(OSError, EOFError):  # the server died while it imported
        process = _start(check)
        process.join(START_SECONDS)
        return process.exitcode == 0
    return False


def _start(target: Any, *arguments: Any) -> BaseProcess:
    process = multiprocessing.get_context("forkserver").Process(
        target=target, args=arguments, daemon=True
    )
    with _starting, _empty_main():
        process.start()
    return process


@contextmanager
def _empty_main() -> Iterator[None]:
    """Hide our entry script, which every child would import again."""
    ours = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = ours


@contextmanager
def _environment(environment: Mapping[str, str]) -> Iterator[None]:
    """Set our environment for a moment: the server takes what it finds and cannot be told."""
    ours = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(ours)


def _exists(module: str) -> bool:
    with suppress(ImportError, ValueError):
        return find_spec(module) is not None
    return False


def _stop() -> None:
    """Stop the server when its last kernel has ended; kill it when that takes long.

    Waiting for it adds what it and its kernels spent to our children's processor seconds.
    """
    server = forkserver._forkserver
    number = server._forkserver_pid
    if number is None:
        return
    late = threading.Timer(_STOP_SECONDS, os.kill, (number, signal.SIGKILL))
    late.start()
    try:
        server._stop()
    finally:
        late.cancel()
