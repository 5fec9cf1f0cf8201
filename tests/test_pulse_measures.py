"""The table of measures names what the chapters show, at the levels at which they show it."""

import ast
import shutil
from datetime import date, datetime
from pathlib import Path

import nbformat
import pytest

from analysis.core.display import Display
from analysis.core.periods import CADENCES
from analysis.core.project import Project
from analysis.core.result import Result, result_exists
from analysis.core.settings import NOTEBOOKS_BY_HAND, SHIPPED_NOTEBOOKS
from analysis.report import index
from analysis.run import run_cadence

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "src" / "analysis"
ROOMS = ("customers", "sales", "strategy", "sources")
LEVELS = {
    "daily": "daily",
    "biweekly": "two-weekly",
    "quarterly": "quarterly",
    "annual": "annual",
}
MAKERS = {"Number", "_number"}


def documented() -> dict[str, list[str]]:
    """Return the row of each measure: what it is, unit, room, levels, owner."""
    rows = {}
    for line in (REPOSITORY / "docs" / "measures.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and "." in cells[0]:
            assert cells[0] not in rows, cells[0]
            rows[cells[0]] = cells[1:]
    return rows


def chapters() -> dict[str, set[str]]:
    """Return the levels of each shipped chapter by the name of its Result."""
    found: dict[str, set[str]] = {}
    for cadence, notebooks in SHIPPED_NOTEBOOKS.items():
        for name in notebooks:
            found.setdefault(name.rsplit("/", 1)[-1], set()).add(LEVELS[cadence])
    return found


def names_in(path: Path) -> set[str]:
    """Return the names under which a module puts numbers into a headline, as far as literal."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        pairs = []
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            pairs = [(node.targets[0].slice, node.value)]
        for key, value in pairs:
            is_made = isinstance(value, ast.Call) and getattr(value.func, "id", "") in MAKERS
            if is_made and isinstance(key, ast.Constant):
                found.add(key.value)
    return found


def modules(room: str) -> list[Path]:
    by_hand = tuple(name.rsplit("/", 1)[-1] for name in NOTEBOOKS_BY_HAND)
    paths = sorted((PACKAGE / room).glob("*.py"))
    return [path for path in paths if not path.stem.startswith(by_hand)]


def test_every_measure_has_a_meaning_a_unit_a_room_and_an_owner():
    rows = documented()
    assert len(rows) > 80
    for name, (meaning, unit, room, _, owner) in rows.items():
        assert meaning and unit and owner, name
        assert room in ROOMS, name


def test_every_measure_is_shown_at_the_levels_of_its_chapter():
    shown = chapters()
    for name, row in documented().items():
        assert set(row[3].split(", ")) == shown.get(name.split(".")[0]), name


def test_every_chapter_has_its_measures_in_the_table():
    assert chapters().keys() == {name.split(".")[0] for name in documented()}


@pytest.mark.parametrize("room", ROOMS)
def test_the_table_and_the_code_of_a_room_name_the_same_numbers(room):
    mine = {name.split(".")[1] for name, row in documented().items() if row[2] == room}
    made = set().union(*map(names_in, modules(room)))
    assert made <= mine, f"describe in docs/measures.md: {sorted(made - mine)}"
    text = "".join(path.read_text(encoding="utf-8") for path in modules(room))
    gone = {name for name in mine if f'"{name}' not in text}
    assert gone == set(), "docs/measures.md names what nobody shows"


@pytest.mark.slow
@pytest.mark.parametrize("cadence", list(SHIPPED_NOTEBOOKS))
def test_every_number_of_a_report_of_the_sample_is_in_the_table(tmp_path, cadence):
    shutil.copy(REPOSITORY / "project.toml", tmp_path)
    shutil.copytree(REPOSITORY / "data" / "raw", tmp_path / "data" / "raw")
    project = Project(tmp_path)
    record = run_cadence(project, cadence)
    assert record.state == "succeeded", {n: b.error for n, b in record.failed.items()}
    home = project.run_dir(project.calendar.parse(record.period))
    results = [Result.load(one, with_tables=False) for one in home.iterdir() if result_exists(one)]
    said = {f"{result.name}.{name}" for result in results for name in result.headline}
    assert len(said) > 3
    assert said - documented().keys() == set()


@pytest.mark.parametrize(
    ("cadence", "level"),
    [("daily", "Operational"), ("biweekly", "Tactical"), ("quarterly", "Strategic"),
     ("annual", "Strategic")],
)  # fmt: skip
def test_every_report_says_its_planning_level_and_the_way_to_the_others(cadence, level):
    path = REPOSITORY / "notebooks" / "reports" / f"{cadence}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    shown = [
        cell.source
        for cell in cells
        if cell.cell_type == "markdown" and "analyst" not in cell.metadata.get("tags", ())
    ]
    (line,) = [text for text in shown if text.startswith(f"**{level} level")]
    assert "What it is for:" in line and "What is decided here:" in line
    assert "[all reports](../../index.html)" in line


def test_the_list_of_reports_says_what_each_level_is_for():
    assert list(index._LEVELS) == list(CADENCES)
    day = date(2026, 6, 30)
    one = index.Summary("A day", "daily", "2026-06-30", day, datetime(2026, 7, 1))
    html = index.index_page([one], company="Us", display=Display("EUR"))
    assert "Operational: the requirements of customers today" in html
