"""The skip rule: what changes a notebook's key, and what does not."""

import json

import pytest
from tiny_project import tiny_project, write_notebook

from analysis.core.project import Project
from analysis.run.keys import code_identity, notebook_keys
from analysis.run.plan import make_plan

CODE = {"version": "1", "code": "c", "lock": "l"}


@pytest.fixture
def project(tmp_path):
    return tiny_project(tmp_path, {"a": [], "b": ["a"], "c": []})


def keys(project, snapshot="s", period="2024Q2", code=CODE):
    fresh = Project(project.root)  # settings are read once per project
    plan = make_plan(fresh, "quarterly")
    found = notebook_keys(fresh, plan, fresh.calendar.parse(period), snapshot, code)
    return {name: key for name, (key, _) in found.items()}


def changed(before, after):
    return [name for name in before if before[name] != after[name]]


def add_settings(project, text):
    file = project.root / "project.toml"
    file.write_text(f"{file.read_text(encoding='utf-8')}\n{text}\n", encoding="utf-8")


ALL = ["a", "b", "c", "reports/quarterly"]


def test_a_changed_notebook_runs_again_with_all_that_read_it(project):
    before = keys(project)
    write_notebook(project.root, "a", "1 + 1")
    assert changed(before, keys(project)) == ["a", "b", "reports/quarterly"]


def test_outputs_and_memories_of_jupyterlab_change_nothing(project):
    before = keys(project)
    path = project.root / "notebooks" / "a.ipynb"
    book = json.loads(path.read_text(encoding="utf-8"))
    book["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["hello"]}]
    book["cells"][1]["execution_count"] = 7
    book["metadata"]["kernelspec"] = {"name": "mine", "display_name": "mine"}
    path.write_text(json.dumps(book), encoding="utf-8")
    assert keys(project) == before


@pytest.mark.parametrize(
    "other",
    [
        {"snapshot": "t"},
        {"period": "2024Q1"},
        {"code": CODE | {"code": "d"}},
        {"code": CODE | {"lock": "m"}},
    ],
)
def test_data_period_and_code_run_everything_again(project, other):
    assert changed(keys(project), keys(project, **other)) == ALL


def test_overrides_run_everything_again(project):
    before = keys(project)
    (project.raw / "overrides").mkdir()
    (project.raw / "overrides" / "x.csv").write_text("customer_id\nada\n", encoding="utf-8")
    assert changed(before, keys(project)) == ALL


def test_what_counts_as_revenue_runs_everything_again_but_not_the_number_of_jobs(project):
    before = keys(project)
    file = project.root / "project.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[runs]", "[runs]\njobs = 3"), encoding="utf-8")
    assert keys(project) == before
    add_settings(project, '[revenue]\nkinds = ["sale"]')
    assert changed(before, keys(project)) == ALL


def test_an_option_runs_its_notebook_again(project):
    parameters = 'project: str = "."\nperiod: str = ""\nrun_dir: str = ""\nspeed: int = 1'
    write_notebook(project.root, "c", parameters=parameters)
    before = keys(project)
    add_settings(project, '[options."c"]\nspeed = 2')
    assert changed(before, keys(project)) == ["c", "reports/quarterly"]


def test_the_code_has_one_identity_until_it_changes():
    assert code_identity() == code_identity()
    assert set(code_identity()) == {"version", "code", "lock"}
