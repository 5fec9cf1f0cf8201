"""Everything that is wrong with a plan is found at once, before anything starts."""

from datetime import date

import pytest
from tiny_project import tiny_project, write_notebook

from analysis.core.periods import FiscalCalendar
from analysis.core.problems import SettingsError
from analysis.core.settings import SHIPPED_NOTEBOOKS
from analysis.run.plan import choose_period, make_plan, period_notes

CALENDAR = FiscalCalendar()


def problems_of(project, cadence="quarterly", only=()):
    with pytest.raises(SettingsError) as caught:
        make_plan(project, cadence, only)
    return [f"{problem.where}: {problem.found}" for problem in caught.value.problems]


def test_orders_chapters_as_in_the_settings_and_puts_the_report_last(tmp_path):
    plan = make_plan(tiny_project(tmp_path, {"z": ["a"], "a": []}), "quarterly")
    assert plan.names == ("z", "a", "reports/quarterly")
    assert plan.step("reports/quarterly").needs == ("z", "a")


def test_only_takes_the_notebook_and_what_it_needs(tmp_path):
    project = tiny_project(tmp_path, {"room/a": [], "b": ["room/a"], "c": []})
    plan = make_plan(project, "quarterly", ["b"])
    assert plan.names == ("room/a", "b")
    assert make_plan(project, "quarterly", ["a"]).chosen == ("room/a",)  # the last part will do


def test_finds_every_problem_at_once(tmp_path):
    more = '[options."b"]\nspeed = 3\n[options."nobody"]\nx = 1'
    project = tiny_project(tmp_path, {"a": ["missing"], "b": []}, more=more)
    write_notebook(tmp_path, "a", tag="")
    assert problems_of(project, only=["q"]) == [
        "notebook a: needs missing, which this cadence does not run",
        'project.toml, options."nobody": a notebook that no cadence runs',
        "--only q: no notebook of this cadence",
        "notebook a: no cell tagged `parameters`",
        'project.toml, options."b".speed: an unknown parameter',
    ]


def test_shows_the_circle_of_notebooks_that_need_each_other(tmp_path):
    project = tiny_project(tmp_path, {"free": [], "a": ["b"], "b": ["c"], "c": ["b"]})
    assert problems_of(project) == ["notebooks: b needs c needs b"]


def test_refuses_a_missing_notebook(tmp_path):
    project = tiny_project(tmp_path, {"a": []})
    (tmp_path / "notebooks" / "a.ipynb").unlink()
    assert problems_of(project) == ["notebook a: no such file"]


def test_refuses_a_notebook_outside_of_the_notebooks_folder(tmp_path):
    project = tiny_project(tmp_path / "in", {"../../out": []})
    assert problems_of(project) == ["notebook ../../out: no such file"]


def test_refuses_two_results_in_one_folder(tmp_path):
    found = problems_of(tiny_project(tmp_path, {"x/a": [], "y/a": []}))
    assert found == ["notebook y/a: its Result's folder a is already that of x/a"]


def test_refuses_a_cadence_without_notebooks(tmp_path):
    none = "[cadences.daily.notebooks]\n" + "".join(
        f'"{name}" = false\n' for name in SHIPPED_NOTEBOOKS["daily"]
    )
    project = tiny_project(tmp_path, {}, more=none)
    assert problems_of(project, "daily") == ["cadence daily: no notebooks"]


def test_the_projects_own_notebook_shadows_a_shipped_one(tmp_path):
    project = tiny_project(tmp_path, {"data_quality": []})
    own = tmp_path / "notebooks" / "data_quality.ipynb"
    assert make_plan(project, "quarterly").step("data_quality").path == own
    own.unlink()
    shipped = make_plan(project, "quarterly").step("data_quality").path
    assert not shipped.is_relative_to(tmp_path)


@pytest.mark.parametrize(
    ("text", "last", "expected"),
    [
        ("", date(2024, 6, 30), "2024Q2"),  # a Sunday
        ("", date(2024, 6, 28), "2024Q2"),  # nobody sells on the weekend that ends it
        ("", date(2024, 6, 27), "2024Q1"),
        ("2024Q2", date(2024, 4, 1), "2024Q2"),  # named, so it may be incomplete
    ],
)
def test_chooses_the_last_complete_period(text, last, expected):
    assert choose_period(CALENDAR, "quarterly", text, date(2023, 1, 5), last).name == expected


def test_no_weekend_completes_a_day():
    chosen = choose_period(CALENDAR, "daily", "", date(2024, 1, 2), date(2024, 6, 28))
    assert chosen.name == "2024-06-28"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2024Q3", "after the last day of the data"),
        ("2022Q4", "before the first day of the data"),
        ("2011Q5", "'2011Q5'"),
        ("../../x", "'../../x'"),
    ],
)
def test_refuses_a_period_without_data(text, found):
    with pytest.raises(SettingsError, match=found):
        choose_period(CALENDAR, "quarterly", text, date(2023, 1, 5), date(2024, 6, 30))


def test_refuses_data_without_a_complete_period():
    with pytest.raises(SettingsError, match="hold no complete quarterly period"):
        choose_period(CALENDAR, "quarterly", "", date(2024, 4, 3), date(2024, 5, 3))


def test_tells_that_a_period_is_not_over():
    period = CALENDAR.parse("2024Q2")
    assert period_notes(period, date(2024, 6, 28)) == ()
    (note,) = period_notes(period, date(2024, 6, 20))
    assert "not complete" in note


def test_options_of_another_cadences_notebook_are_checked_too(tmp_path):
    more = '[options."b"]\nspeed = 3\n[cadences.daily.notebooks]\na = []'
    project = tiny_project(tmp_path, {"a": [], "b": []}, more=more)
    wrong = ['project.toml, options."b".speed: an unknown parameter']
    assert problems_of(project, "daily") == wrong
    assert problems_of(project, only=["a"]) == wrong
