"""The `parameters` cell is read without running it, and every value checked before a run."""

import json

import pytest
from tiny_project import PARAMETERS, write_notebook

from analysis.core.problems import SettingsError
from analysis.run.parameters import Parameter, check_options, read_parameters

OWN = (
    f"{PARAMETERS}\n"
    "share: float = 0.8  # of revenue\n"
    "names: list[str] = ['a']\n"
    "is_deep: bool = False\n"
    "count = 3\n"
)


def read(tmp_path, cell, tag="parameters"):
    return read_parameters(write_notebook(tmp_path, "own", parameters=cell, tag=tag), "own")


def test_reads_names_types_and_defaults(tmp_path):
    found = read(tmp_path, OWN)
    assert list(found) == ["project", "period", "run_dir", "share", "names", "is_deep", "count"]
    assert found["share"] == Parameter("share", "float", 0.8)
    assert found["names"] == Parameter("names", "list[str]", ["a"])
    assert found["count"].kind == "int"


def test_refuses_a_notebook_without_a_parameters_tag(tmp_path):
    with pytest.raises(SettingsError, match="no cell tagged `parameters`"):
        read(tmp_path, PARAMETERS, tag="")


def test_refuses_two_parameters_cells(tmp_path):
    path = write_notebook(tmp_path, "own", "x: int = 1")
    book = json.loads(path.read_text(encoding="utf-8"))
    book["cells"][2]["metadata"] = {"tags": ["parameters"]}
    path.write_text(json.dumps(book), encoding="utf-8")
    with pytest.raises(SettingsError, match="2 such cells"):
        read_parameters(path, "own")


def test_refuses_a_file_that_is_no_notebook(tmp_path):
    path = tmp_path / "own.ipynb"
    path.write_text("not json", encoding="utf-8")
    with pytest.raises(SettingsError, match="not a notebook"):
        read_parameters(path, "own")


def test_names_every_standard_parameter_that_is_missing(tmp_path):
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, 'project: str = "."\nperiod: int = 3')
    assert [problem.found for problem in caught.value.problems] == ["period: int", "no run_dir"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("x: int", "without a default"),
        ("x: int = 1 + y", "not a plain value"),
        ("x = date.today()", "not a plain value"),
        ("x: dict = {}", "of type dict"),
        ("x: int = 'one'", "x = 'one'"),
        ("import os", "import os"),
        ("for x in 1:", "expected|invalid"),
    ],
)
def test_refuses_what_is_no_plain_parameter(tmp_path, line, found):
    with pytest.raises(SettingsError, match=found):
        read(tmp_path, f"{PARAMETERS}\n{line}")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"share": 0.5, "names": [], "is_deep": True, "count": 4}, []),
        ({"share": 1}, []),  # a whole number is a number
        ({"shar": 0.5}, ["an unknown parameter"]),
        ({"share": "0.5"}, ["'0.5' (str)"]),
        ({"count": True}, ["True (bool)"]),  # a flag is no number
        ({"count": 2.5}, ["2.5 (float)"]),
        ({"names": ["a", 1]}, ["['a', 1] (list)"]),
        ({"period": "2026Q3"}, ["a parameter that the runner sets"]),
    ],
)
def test_checks_options_by_name_and_type(tmp_path, options, expected):
    problems = check_options("own", read(tmp_path, OWN), options)
    assert [problem.found for problem in problems] == expected


def test_names_the_nearest_parameter(tmp_path):
    (problem,) = check_options("own", read(tmp_path, OWN), {"shar": 0.5})
    assert problem.mend == "write share"


def test_asks_the_analysis_itself_whether_a_value_is_possible(tmp_path):
    parameters = read(tmp_path, f"{PARAMETERS}\ntop_share: float = 0.2")
    assert check_options("customers/revenue", parameters, {"top_share": 0.3}) == []
    (problem,) = check_options("customers/revenue", parameters, {"top_share": 7.0})
    assert problem.where == ('project.toml, options."customers/revenue", revenue option top_share')
    assert (problem.found, problem.expected) == ("7.0", "a share between 0 and 1")
