"""What the server imports once, so that no kernel forked from it has to: imports only.

The modules of the analyses, and the libraries that these need, are named by the run.

Nothing is computed here. A fit leaves threads behind that a fork does not copy: after one KMeans
in the server, the first one in a kernel waited for ever.
"""

import gc
import sys
from importlib import import_module
from pathlib import Path

# Arrow's library starts this one when it is loaded, and starts it anew after a fork.
_HARMLESS = "jemalloc_bg_thd"

_EVERY_KERNEL = (
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "analysis.report",
    "analysis.run",
)


def _threads() -> int:
    tasks = Path("/proc/self/task")
    names = [(task / "comm").read_text(encoding="utf-8").strip() for task in tasks.iterdir()]
    return len(names) - names.count(_HARMLESS)


for _name in _EVERY_KERNEL:
    import_module(_name)
THREADS = _threads()
PATH = [folder for folder in sys.path if folder]  # a fork is given the runner's instead
gc.freeze()  # a collection in a kernel would touch, and so copy, all that it shares with the others
