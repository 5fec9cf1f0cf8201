"""Kernels forked from a server: like plain ones to every notebook, and to the byte."""

import logging
import multiprocessing.forkserver
import os
import shutil
import sys

import nbformat
import pytest
from faults import made, new_project
from tiny_project import tiny_project, write_notebook

from analysis.core.project import Project
from analysis.core.settings import Runs
from analysis.run import run_cadence
from analysis.run.kernels import PlainKernelManager, kernels_of_a_run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
IS_FORKED = "import os, sys\nassert 'analysis.run.forked_imports' in sys.modules"
NO_SECRET = """\
for process in ("self", os.getppid()):
    with open(f"/proc/{process}/environ", "rb") as file:
        assert b"hunter2" not in file.read()"""
LIKE_A_NEW_PYTHON = """\
assert "TINY_PASSWORD" not in os.environ and os.environ["OMP_NUM_THREADS"] == "1"
assert sys.argv == ["ipykernel_launcher"] and "pytest" not in sys.modules
assert not any("tests" in folder for folder in sys.path)
assert os.getpgrp() == os.getpid() and os.getcwd() == os.path.join(project, "notebooks")
"""
MAY_START_PROCESSES = """\
import multiprocessing
with multiprocessing.Pool(1) as pool:
    assert pool.map(abs, [-1]) == [1]"""
FITS = """\
import numpy as np
from sklearn.cluster import KMeans
KMeans(3, n_init=2, random_state=1).fit(np.arange(300.0).reshape(100, 3)).inertia_"""
DRAWS = "import numpy as np\nprint(np.random.rand())"
_DATED = (".html", "summary.json")
SHOWS_A_FIGURE = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nNone"


def outputs(record, name):
    book = nbformat.read(record.folder / "notebooks" / f"{name}.ipynb", as_version=4)
    return [output for cell in book.cells for output in cell.get("outputs", [])]


def test_a_notebook_finds_what_a_new_python_would_give_it(tmp_path, monkeypatch):
    monkeypatch.setenv("TINY_PASSWORD", "hunter2")
    runs = 'secret_variables = ["TINY_PASSWORD"]'
    project = tiny_project(tmp_path / "project", {"a": [], "b": []}, runs=runs)
    alike = (IS_FORKED, NO_SECRET, LIKE_A_NEW_PYTHON, MAY_START_PROCESSES, FITS)
    write_notebook(project.root, "a", *alike, SHOWS_A_FIGURE, DRAWS)
    write_notebook(project.root, "b", DRAWS)
    record = run_cadence(project, "quarterly", only=["a", "b"])
    assert record.state == "succeeded", {n: b.error for n, b in record.notebooks.items()}
    assert any("image/png" in output.get("data", {}) for output in outputs(record, "a"))
    assert outputs(record, "a")[-1]["text"] != outputs(record, "b")[-1]["text"]
    assert multiprocessing.forkserver._forkserver._forkserver_pid is None
    assert os.environ["TINY_PASSWORD"] == "hunter2"


def test_forked_again_with_force_and_plain_kernels_make_the_same_bytes(tmp_path):
    project = new_project(tmp_path / "project")
    shutil.copytree(project.root, tmp_path / "plain")
    assert run_cadence(project, "quarterly").state == "succeeded"
    first = results(project)
    assert any(name.endswith(".svg") for name in first)
    assert run_cadence(project, "quarterly", force=True).state == "succeeded"
    assert results(project) == first
    settings = tmp_path / "plain" / "project.toml"
    off = "[runs]\nforked_kernels = false"
    settings.write_text(settings.read_text().replace("[runs]", off))
    plain = Project(tmp_path / "plain")
    write_notebook(plain.root, "reports/quarterly", IS_FORKED.replace("assert", "assert not"))
    assert run_cadence(plain, "quarterly").state == "succeeded"
    assert results(plain) == first


def results(project):
    """Return tables, figures and Results; pages and the summary tell when they were made."""
    return {name: text for name, text in made(project).items() if not name.endswith(_DATED)}


def test_a_server_that_did_not_import_everything_is_not_used(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("analysis.run.forked.IMPORTS", "analysis.run.events")
    with (
        caplog.at_level(logging.WARNING),
        kernels_of_a_run(Runs(), tmp_path) as kernels,
    ):
        assert kernels.manager is PlainKernelManager
    assert "cannot be forked here" in caplog.text
    assert multiprocessing.forkserver._forkserver._forkserver_pid is None
