"""Rules are tests, not reminders: direction of imports, thin notebooks, documented columns."""

import ast
import json
import re
from pathlib import Path

import pytest

from analysis.core.dictionary import TABLES
from analysis.core.settings import NOTEBOOKS_BY_HAND, SHIPPED_NOTEBOOKS
from analysis.run.parameters import STANDARD, read_parameters

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "src" / "analysis"
MODULES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted(
    path
    for path in (REPOSITORY / "notebooks").rglob("*.ipynb")
    if ".ipynb_checkpoints" not in path.parts
)
# Room -> rooms it may import. The command knows run only, beside what everybody knows.
ALLOWED = {
    "core": {"core"},
    "sources": {"sources", "core"},
    "features": {"features", "core"},
    "customers": {"customers", "core"},
    "sales": {"sales", "core"},
    "strategy": {"strategy", "core"},
    "report": {"report", "core"},
    "run": {"run", "report", "strategy", "sales", "customers", "features", "sources", "core"},
    "cli": {"cli", "run", "core"},
}
MOST_LINES = 450
MOST_FUNCTION_LINES = 40  # of the body, without the docstring
FEWEST_DOCUMENTED_LINES = 3  # logit needs no words
MOST_CELL_LINES = 12
MOST_ARGUMENTS = 7


def name_of(path):
    return path.relative_to(REPOSITORY).as_posix()


def room(path):
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "cli" if first.startswith("cli") else first


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: write the whole name of a module"
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "analysis" and len(parts) > 1:
                yield "cli" if parts[1].startswith("cli") else parts[1]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_one_way(path):
    if path == PACKAGE / "__init__.py":
        assert list(imported_rooms(path)) == []
        return
    assert set(imported_rooms(path)) - ALLOWED[room(path)] == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_stay_small_and_say_what_they_are_for(path):
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert text.count("\n") <= MOST_LINES
    assert ast.get_docstring(tree), "begin with a sentence that says what the module is for"
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = {f.name for f in functions if code_lines(f) > MOST_FUNCTION_LINES}
    assert long == set()
    undocumented = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        and code_lines(node) >= FEWEST_DOCUMENTED_LINES
    }
    assert undocumented == set()


def code_lines(node):
    """Count the lines of the body of a function or class, without its docstring."""
    first = node.body[0]
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return node.end_lineno - (first.end_lineno if is_text else first.lineno - 1)


@pytest.mark.parametrize("path", [p for p in MODULES if room(p) != "cli"], ids=name_of)
def test_only_the_command_prints(path):
    calls = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if is_print(n)]
    assert [call.lineno for call in calls] == []


def is_print(node):
    if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "print":
        return False
    # A notebook that waits is told why, on the error stream.
    return not any(keyword.arg == "file" for keyword in node.keywords)


def test_every_shipped_notebook_is_there_and_in_a_plan_or_opened_by_hand():
    planned = {name for needs in SHIPPED_NOTEBOOKS.values() for name in needs}
    reports = {f"reports/{cadence}" for cadence, needs in SHIPPED_NOTEBOOKS.items() if needs}
    found = {p.relative_to(REPOSITORY / "notebooks").with_suffix("").as_posix() for p in NOTEBOOKS}
    assert found == planned | reports | set(NOTEBOOKS_BY_HAND)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
class TestNotebooks:
    def cells(self, path, kind):
        book = json.loads(path.read_text(encoding="utf-8"))
        return [cell for cell in book["cells"] if cell["cell_type"] == kind]

    def test_begins_with_its_question_and_then_its_parameters(self, path):
        book = json.loads(path.read_text(encoding="utf-8"))
        first, second = book["cells"][:2]
        assert first["cell_type"] == "markdown"
        assert "".join(first["source"]).startswith("# ")
        assert second["metadata"]["tags"] == ["parameters"]

    def test_has_the_standard_parameters_with_defaults_that_run_as_they_are(self, path):
        parameters = read_parameters(path, path.stem)
        assert list(parameters)[:3] == list(STANDARD)
        assert [parameters[name].default for name in STANDARD] == [".", "", ""]

    def test_every_parameter_says_its_meaning(self, path):
        source = "".join(self.cells(path, "code")[0]["source"])
        assert [
            line for line in source.splitlines() if not re.search(r": .+ = .+  # .+", line)
        ] == []

    def test_is_thin(self, path):
        for cell in self.cells(path, "code"):
            source = "".join(cell["source"])
            assert source.count("\n") < MOST_CELL_LINES, source
            defined = [
                node
                for node in ast.walk(ast.parse(source))
                if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda)
            ]
            assert defined == [], source

    def test_holds_no_path_and_no_address(self, path):
        for cell in self.cells(path, "code"):
            tree = ast.parse("".join(cell["source"]))
            texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
            found = [t for t in texts if isinstance(t, str) and is_place(t)]
            assert found == []

    def test_an_analysis_ends_by_saving_its_result(self, path):
        last = "".join(self.cells(path, "code")[-1]["source"])
        assert path.parent.name == "reports" or last == "work.save(result)"

    def test_is_committed_without_outputs(self, path):
        for cell in self.cells(path, "code"):
            assert cell["outputs"] == []
            assert cell["execution_count"] is None

    def test_says_before_each_step_what_it_is(self, path):
        book = json.loads(path.read_text(encoding="utf-8"))
        kinds = [cell["cell_type"] for cell in book["cells"]]
        runs = "".join("c" if kind == "code" else "m" for kind in kinds)
        assert "cccc" not in runs


def is_place(text):
    is_notebook = re.fullmatch(r"[a-z_]+/[a-z_]+", text) is not None
    return not is_notebook and re.search(r"[/\\]|\.(csv|parquet|json)$", text) is not None


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_column_is_documented(table):
    assert table.grain
    for column in table.columns:
        assert len(column.meaning) > 2, column.name
        assert column.name == column.name.lower()


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_names_of_columns_carry_their_kind(table):
    endings = {"amount": "_amount", "share": "_share", "day": "_on", "moment": "_at"}
    for column in table.columns:
        ending = endings.get(column.kind, "")
        is_named = column.name.endswith(ending) or column.name in ("amount", "day")
        assert is_named, f"{table.name}.{column.name} is of kind {column.kind}"
        if column.kind == "flag":
            assert column.name.startswith(("is_", "has_")), column.name
