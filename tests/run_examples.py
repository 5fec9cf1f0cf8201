"""Runs without kernels: what is planned, gated, published and told, in a second instead of ten."""

import json
import shutil

from tiny_project import SETTINGS, tiny_project, write_notebook

from analysis.core.project import Project
from analysis.core.settings import SHIPPED_NOTEBOOKS
from analysis.run.leftovers import executed

LINES_HEADER = (
    "invoice_id,line_no,customer_id,product_id,invoiced_on,quantity,revenue_amount,currency,"
    "original_amount,kind"
)


def run_without_kernels(monkeypatch, failing=()):
    """Let every notebook succeed without running it, but for those named: these fail.

    Return the list of the runs' periods, in order, that fills as they are run.
    """
    ran = []

    def run_notebooks(run, _):
        ran.append(f"{run.period.cadence} {run.period}")
        for step in run.plan.steps:
            book = run.record.notebooks[step.name]
            book.state, book.started_at, book.seconds = "succeeded", run.record.started_at, 0.5
            if step.name in failing or run.period.name in failing:
                book.state, book.error = "failed", f"cell [1]: ValueError: {SECRET_CUSTOMER}"
            elif step.name not in run.reusable:
                target = executed(run.folder, step.name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(step.path, target)
        run.keep()

    monkeypatch.setattr("analysis.run.cadence._run_notebooks", run_notebooks)
    # The code is the same in every run here, and reading all of it takes a while.
    code = {"version": "0", "code": "of this test", "lock": "of this test"}
    monkeypatch.setattr("analysis.run.cadence.code_identity", lambda: code)
    return ran


SECRET_CUSTOMER = "no such customer Ada Lovelace"


def cadences_project(folder, *cadences, runs="", more=""):
    """Make the tiny project with one notebook for each of these cadences; no other has any."""
    project = tiny_project(folder, {"quarterly_one": []})
    sections = []
    for cadence, shipped in SHIPPED_NOTEBOOKS.items():
        lines = [f"{json.dumps(name)} = false" for name in shipped]
        if cadence in cadences:
            lines.append(f'"{cadence}_one" = []')
            write_notebook(folder, f"{cadence}_one")
            write_notebook(folder, f"reports/{cadence}")
        sections.append("\n".join([f"[cadences.{cadence}.notebooks]", *lines]))
    start = SETTINGS.split("[cadences", 1)[0].format(runs=runs)
    # A few lines more are half of all: checks of the data are for tests that ask for them.
    quality = "" if "[quality]" in more else "[quality]\nis_checked = false"
    text = "\n".join([start, *sections, quality, more])
    (folder / "project.toml").write_text(text, encoding="utf-8")
    return Project(project.root)


def write_lines(project, *days, amount="10.00"):
    """Write one invoice line for each day, and none else."""
    rows = [
        f"{number},1,ada,tea,{day},1,{amount},EUR,{amount},sale"
        for number, day in enumerate(days, 1)
    ]
    text = "\n".join([LINES_HEADER, *rows, ""])
    (project.raw / "invoice_lines.csv").write_text(text, encoding="utf-8")
