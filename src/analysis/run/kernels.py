"""Plain kernels: the Python that runs us, whatever is installed as a kernel on this computer.

`new_environment` is what kernels see: one thread each, because they run side by side, none of the
secrets that project.toml names, and nothing of the IPython settings of whoever runs us.
"""

import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from traitlets import default

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
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)  # a kernel leads its own group
        else:
            process.kill()


def cpu_seconds(manager: Any) -> float | None:
    """Return processor seconds of a living kernel; None where the system does not tell."""
    process = getattr(getattr(manager, "provisioner", None), "process", None)
    try:
        text = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8")  # type: ignore[union-attr]
        user, system = text.rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError):
        return None
