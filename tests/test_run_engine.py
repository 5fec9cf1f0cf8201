"""papermill's callbacks with our saving: one write, however many cells."""

from datetime import timedelta

import nbformat

from analysis.run import engine
from analysis.run.engine import AUTOSAVE_SECONDS, Job, SavingManager
from analysis.run.kernels import Kernels


def book(cells):
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1") for _ in range(cells)])
    made.metadata["papermill"] = {}
    return made


def job(tmp_path):
    return Job(tmp_path / "out.ipynb", tmp_path, Kernels(tmp_path, {}), 60)


def count_writes(monkeypatch):
    writes = []
    monkeypatch.setattr(engine, "write_text", lambda path, text: writes.append(path))
    return writes


def walk_through(manager):
    manager.notebook_start()
    for number, cell in enumerate(manager.nb.cells):
        manager.cell_start(cell, number)
        manager.cell_complete(cell, number)
    manager.notebook_complete()


def test_writes_a_notebook_of_300_cells_once(tmp_path, monkeypatch):
    writes = count_writes(monkeypatch)
    walk_through(SavingManager(book(300), job(tmp_path)))
    assert writes == [tmp_path / "out.ipynb"]


def test_writes_now_and_then_while_a_notebook_takes_long(tmp_path, monkeypatch):
    writes = count_writes(monkeypatch)
    manager = SavingManager(book(3), job(tmp_path))
    late = [0]

    def now():
        late[0] += 1
        return start + late[0] * wait

    start, wait = manager.now(), timedelta(seconds=AUTOSAVE_SECONDS)
    monkeypatch.setattr(manager, "now", now)
    walk_through(manager)
    assert len(writes) > 3


def test_remembers_the_cell_that_runs(tmp_path):
    work = job(tmp_path)
    manager = SavingManager(book(2), work)
    manager.notebook_start()
    assert work.cell == ""
    manager.nb.cells[1].source = "first = 1\nsecond = 2"
    manager.cell_start(manager.nb.cells[1], 1)
    assert work.cell == "cell `first = 1`"
