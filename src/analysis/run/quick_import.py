"""What papermill and nbformat import without need, left out: a second of every run.

With JupyterLab in the environment, jsonschema imports rfc3987_syntax, which builds a grammar of
international web addresses each time (more than a processor second). Notebooks hold none to check.
"""

import sys
from contextlib import suppress
from importlib import import_module

SLOW = "rfc3987_syntax"


def import_without_grammar() -> None:
    """Import jsonschema, if it is there, without the grammar; whoever else wants that finds it."""
    if SLOW in sys.modules:
        return
    sys.modules[SLOW] = None  # type: ignore[assignment]  # Python's way to say: not to be found
    try:
        with suppress(ImportError):
            import_module("jsonschema")
    finally:
        del sys.modules[SLOW]
