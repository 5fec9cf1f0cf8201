"""What running notebooks costs beside their own computing: ours against the papermill command.

    python benchmarks/kernels.py [--plain] [--leave-out NOTEBOOK ...]

The sample quarter is run twice, processor seconds of whole process trees measured: by
`analysis run quarterly` (one process, forked kernels, two at a time) and by the `papermill` command
one after another. What the notebooks compute themselves is subtracted from both sides: their cells
in one Python that has imported everything, run once before. Loading, derived tables and pages are
no part of running notebooks and are left out of ours; papermill makes none. Goal: a quarter.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from quarter import copy_sample

from analysis.core.files import read_json
from analysis.core.project import Project

GOAL = 0.25
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
NOT_NOTEBOOKS = ("load", "features", "pages")
# Notebooks in one Python: argument 1 lists them with their parameters.
OWN = """
import ast, io, json, resource, sys, contextlib
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
def run(path, parameters):
    shell.reset(new_session=False)
    for cell in json.load(open(path))["cells"]:
        if cell["cell_type"] == "code":
            with contextlib.redirect_stdout(io.StringIO()):
                shell.run_cell("".join(cell["source"])).raise_error()
            if "parameters" in cell["metadata"].get("tags", []):
                shell.push(parameters)
books = json.load(open(sys.argv[1]))
found = {}
for turn in (1, 2):
    for book in books:
        before = spent()
        run(book["path"], book["parameters"])
        found[book["name"]] = spent() - before
json.dump(found, open(sys.argv[2], "w"))
"""


def main() -> None:
    """Run the benchmark and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plain", action="store_true", help="our run with plain kernels")
    parser.add_argument("--leave-out", nargs="*", default=[], help="notebooks to do without")
    chosen = parser.parse_args()
    os.environ.update(dict.fromkeys(THREADS, "1"))  # papermill's kernels too: the fair comparison
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = Project(copy_sample(folder / "sample"))
        with (project.root / "project.toml").open("a", encoding="utf-8") as file:
            file.write(f"\n[runs]\nforked_kernels = {str(not chosen.plain).lower()}\n")
            file.write("[cadences.quarterly.notebooks]\n")
            file.writelines(f'"{name}" = false\n' for name in chosen.leave_out)
        run_ours(project)  # loads, and warms the file caches
        ours = measured(lambda: run_ours(project))
        books = listed(project)
        theirs = measured(lambda: [papermill(book, folder) for book in books])
        own = own_computing(books, folder)
        show(project, books, (ours, theirs), own)


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Return processor seconds of all processes that the work starts, and seconds."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, time.perf_counter() - began


def run_ours(project: Project) -> None:
    """Run the quarter with the command, nothing reused."""
    command = [sys.executable, "-m", "analysis.cli", "run", "quarterly", "--force"]
    options = ["--project", str(project.root), "--jobs", "2"]
    subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)


def listed(project: Project) -> list[dict]:
    """Return the notebooks of the run in the order of their needs, with parameters of their own."""
    (run_file,) = (project.processed / "runs/quarterly").glob("*/run.json")
    record = read_json(run_file)
    target = project.processed / "beside" / record["period"]  # notebooks refuse a folder elsewhere
    shutil.copytree(run_file.parent, target)
    needs = project.settings.notebooks("quarterly") | {project.settings.report("quarterly"): []}
    order, waiting = [], list(needs)
    while waiting:
        ready = next(name for name in waiting if set(needs[name]) <= set(order))
        waiting.remove(ready)
        order.append(ready)
    fixed = {"project": str(project.root), "period": record["period"], "run_dir": str(target)}
    path = project.notebook
    return [{"name": name, "path": str(path(name)), "parameters": fixed} for name in order]


def papermill(book: dict, folder: Path) -> None:
    """Run one notebook with the papermill command."""
    command = [sys.executable, "-m", "papermill", book["path"], str(folder / "out.ipynb")]
    command += ["--no-progress-bar", "--log-level", "ERROR"]
    command += ["--kernel", "python3", "--language", "python"]
    for name, value in book["parameters"].items():
        command += ["-r", name, value]
    told = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if told.returncode:
        sys.exit(f"papermill {book['name']}:\n{told.stderr.decode(errors='replace')}")


def own_computing(books: list[dict], folder: Path) -> dict[str, float]:
    """Return processor seconds of every notebook's cells, imports made before."""
    listing, answer = folder / "books.json", folder / "own.json"
    listing.write_text(json.dumps(books), encoding="utf-8")
    subprocess.run([sys.executable, "-c", OWN, str(listing), str(answer)], check=True)
    return read_json(answer)


def show(
    project: Project,
    books: list[dict],
    both: tuple[tuple[float, float], tuple[float, float]],
    own: dict[str, float],
) -> None:
    """Print both sides and the ratio."""
    (run_file,) = (project.processed / "runs/quarterly").glob("*/run.json")
    stages = read_json(run_file)["stages"]
    other = sum(stages[name]["cpu_seconds"] for name in NOT_NOTEBOOKS)
    (ours, ours_wall), (theirs, theirs_wall) = both
    computing = sum(own.values())
    mine, papers = ours - other - computing, theirs - computing
    print(f"{len(books)} notebooks, their own computing {computing:.1f} CPU s")
    print(f"{'':<26}{'CPU s':>8}{'overhead':>10}{'wall s':>8}")
    print(f"{'analysis run':<26}{ours - other:>8.1f}{mine:>10.1f}{ours_wall:>8.1f}")
    print(f"{'  notebooks stage alone':<26}{stages['notebooks']['cpu_seconds']:>8.1f}")
    print(f"{'papermill, one by one':<26}{theirs:>8.1f}{papers:>10.1f}{theirs_wall:>8.1f}")
    print(f"ours is {mine / papers:.2f} of papermill's overhead (goal {GOAL})")


if __name__ == "__main__":
    main()
