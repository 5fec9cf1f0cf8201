"""Plain kernels: the Python that runs us, whatever is installed as a kernel on this computer.

`Kernels` says how the kernels of a run are started; forked ones (Linux) are in `forked`.
`new_environment` is what kernels see: one thread each, because they run side by side, none of the
secrets that project.toml names, and nothing of the IPython settings of whoever runs us.
"""

import logging
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from traitlets import default

from analysis.core.settings import Runs

# papermill asks the notebook otherwise, and an analyst's notebook names a kernel of their own.
KERNEL_NAME = "python3"
LANGUAGE = "python"
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
# Kernels warn each time that they talk to us without encryption; they do so within the computer.
_QUIET = ("--log-level=ERROR",)
_LOGGER = logging.getLogger(__name__)


class OwnPythonSpecs(KernelSpecManager):
    """Answers every question for a kernel with the interpreter that runs us."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the specification of our own interpreter, whatever the name."""
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", *_QUIET]
        return KernelSpec(argv=command, display_name="Python", language=LANGUAGE)


class PlainKernelManager(AsyncKernelManager):
    """Starts a kernel of its own for each notebook. Asynchronous, or cell timeouts do not work."""

    @default("kernel_spec_manager")
    def _own_specs(self) -> KernelSpecManager:
        return OwnPythonSpecs()


@dataclass(frozen=True)
class Kernels:
    """How the kernels of a run are started, and what they find."""

    home: Path  # an empty folder for their own small files
    environment: dict[str, str]
    manager: type[AsyncKernelManager] = PlainKernelManager


@contextmanager
def kernels_of_a_run(settings: Runs, home: Path, modules: Sequence[str] = ()) -> Iterator[Kernels]:
    """Give the kernels of a run: forked where that works and the settings allow it, else plain.

    `modules` are those that the notebooks import, as far as they are known.
    """
    plain = Kernels(home, new_environment(settings.secret_variables, home))
    if not settings.forked_kernels or sys.platform != "linux":
        yield plain
        return
    from analysis.run import forked  # here, because Windows lacks half of what it imports

    with forked.fork_server(plain.environment, modules) as is_ready:
        if not is_ready:
            _LOGGER.warning("Kernels cannot be forked here; each one starts by itself, slower.")
        yield replace(plain, manager=forked.ForkedKernelManager) if is_ready else plain


def new_environment(secret_variables: Iterable[str], home: Path) -> dict[str, str]:
    """Return the environment of the kernels: ours, one thread each, without the secrets.

    `home` is an empty folder in which IPython may write; a service's user may have none.
    """
    secrets = {name.casefold() for name in secret_variables}
    kept = {name: value for name, value in os.environ.items() if name.casefold() not in secrets}
    # Sets of text would otherwise be in another order in every kernel.
    own = {"PYTHONHASHSEED": "0", "IPYTHONDIR": str(home)}
    return kept | dict.fromkeys(THREAD_VARIABLES, "1") | own


def kill(manager: Any) -> None:
    """Kill a kernel and the processes it started; nothing happens when it has ended."""
    process = getattr(getattr(manager, "provisioner", None), "process", None)
    if process is None or process.poll() is not None:
        return
    if hasattr(os, "killpg"):
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)  # a kernel leads its own group
            return
    with suppress(OSError):  # no group: Windows, or forked a moment ago
        process.kill()


def kill_what_it_left(manager: Any) -> None:
    """Kill what a kernel that has died had started; nothing happens while the kernel lives."""
    process = getattr(getattr(manager, "provisioner", None), "process", None)
    if process is not None and process.poll() is not None and hasattr(os, "killpg"):
        with suppress(OSError):  # nothing is left in its group
            os.killpg(process.pid, signal.SIGKILL)


def cpu_seconds(manager: Any) -> float | None:
    """Return processor seconds of a living kernel; None where the system does not tell."""
    process = getattr(getattr(manager, "provisioner", None), "process", None)
    try:
        text = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8")  # type: ignore[union-attr]
        user, system = text.rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError):
        return None
