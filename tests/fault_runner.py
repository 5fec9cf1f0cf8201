"""Runs of a project in processes that a test may kill: forked from one that has imported all.

It reads one JSON line per run, {"project", "clock", "group", ...}, forks, and answers with the
process number; the child writes what became of the run to the file named `answer`. Started by
tests/test_run_faults.py, never by hand.
"""

import json
import os
import signal
import sys
from pathlib import Path

import analysis.features.engine
import analysis.run.parallel
import analysis.run.publish
import analysis.sources.load  # noqa: F401
from analysis.core.problems import AnalysisError
from analysis.core.project import Project
from analysis.run import cadence, leftovers


def run(order: dict) -> dict:
    """Do one run, its clock standing still; return what became of it."""
    for module in (cadence, leftovers):
        module.now = lambda: order["clock"]
    # Somebody may be working on the code while its tests run.
    cadence.code_identity = lambda: {"version": "0", "code": "tested", "lock": ""}
    try:
        record = cadence.run_cadence(Project(Path(order["project"])), "quarterly")
    except AnalysisError as error:
        return {"state": "refused", "error": str(error)}
    books = record.notebooks.items()
    return {
        "state": record.state,
        "error": record.error,
        "reused": [name for name, book in books if book.is_reused],
        "errors": {name: book.error for name, book in books if book.error},
        "is_unchanged": record.is_unchanged,
    }


def main() -> None:
    """Serve runs until nobody asks any more."""
    for line in sys.stdin:
        order = json.loads(line)
        number = os.fork()
        if number:
            print(number, flush=True)
            _, status = os.waitpid(number, 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        code = 1
        try:
            Path(order["answer"]).write_text(json.dumps(run(order)), encoding="utf-8")
            code = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(code)


if __name__ == "__main__":
    main()
