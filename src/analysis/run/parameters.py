"""What a notebook may be told: its `parameters` cell read without running it, and values checked.

papermill only warns of an unknown parameter and never looks at types; here both are refused before
anything starts. A parameter is one line, `name: type = value  # meaning, unit`; types are text,
numbers, flags and lists of these, so that every value can be written down in run.json.
"""

import ast
import dataclasses
import difflib
import importlib
import importlib.util
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.core.problems import AnalysisError, Problem, SettingsError, raise_all

TAG = "parameters"
# Every notebook has these three; the runner sets them.
STANDARD: dict[str, str] = {"project": "str", "period": "str", "run_dir": "str"}
_SCALARS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
}
_KINDS = (*_SCALARS, *(f"list[{name}]" for name in _SCALARS))
_WORDS = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}
_SHAPE = "name: type = value  # meaning, unit"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a notebook: its type as written, its default."""

    name: str
    kind: str
    default: Any


def read_cells(path: Path) -> list[dict[str, Any]]:
    """Return the cells of a notebook file; SettingsError when it is not one."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return [cell | {"source": "".join(cell["source"])} for cell in cells]
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            Problem(
                path.name,
                f"not a notebook ({type(error).__name__}: {error})",
                "a Jupyter notebook, format 4",
                "open it in JupyterLab and save it again, or restore it",
            )
        ) from None


def tags(cell: Mapping[str, Any]) -> list[str]:
    """Return the tags of a notebook cell."""
    return list(cell.get("metadata", {}).get("tags", []))


def read_parameters(path: Path, name: str) -> dict[str, Parameter]:
    """Return the parameters of notebook `name`, in order; SettingsError with every problem."""
    tagged = [c for c in read_cells(path) if c["cell_type"] == "code" and TAG in tags(c)]
    where = f"notebook {name}"
    if len(tagged) != 1:
        found = "no cell tagged `parameters`" if not tagged else f"{len(tagged)} such cells"
        lines = "project: str = '.', period: str = '', run_dir: str = ''"
        mend = "tag one code cell (JupyterLab: property inspector, cell tags)"
        raise SettingsError(Problem(where, found, f"one `parameters` cell with {lines}", mend))
    try:
        statements = ast.parse(tagged[0]["source"]).body
    except SyntaxError as error:
        problem = Problem(f"{where}, parameters cell", str(error), _SHAPE, "mend that line")
        raise SettingsError(problem) from None
    found_parameters, problems = _collect(statements, where)
    problems += _standard_problems(found_parameters, where)
    raise_all(problems, SettingsError)
    return found_parameters


def value_problem(parameter: Parameter, value: Any, where: str) -> Problem | None:
    """Return what is wrong with `value` for this parameter, None when nothing is."""
    if _fits(parameter.kind, value):
        return None
    return Problem(
        where,
        f"{value!r} ({type(value).__name__})",
        f"{_in_words(parameter.kind)}, like {parameter.default!r}",
        "correct the value in project.toml",
    )


def check_options(
    name: str, parameters: Mapping[str, Parameter], options: Mapping[str, Any]
) -> list[Problem]:
    """Return every problem of the options that project.toml gives to notebook `name`."""
    problems = [
        problem
        for key, value in options.items()
        if (problem := _option_problem(name, parameters, key, value)) is not None
    ]
    return problems or list(_impossible_values(name, options))


def _collect(statements: list[ast.stmt], where: str) -> tuple[dict[str, Parameter], list[Problem]]:
    parameters: dict[str, Parameter] = {}
    problems = []
    for statement in statements:
        parameter = _parameter(statement)
        if isinstance(parameter, str):
            line = f"{where}, parameters cell, line {statement.lineno}"
            mend = "write one parameter per line; compute in a later cell"
            problems.append(Problem(line, parameter, f"{_SHAPE}; types {', '.join(_KINDS)}", mend))
        else:
            parameters[parameter.name] = parameter
    return parameters, problems


def _parameter(statement: ast.stmt) -> Parameter | str:
    """Return the parameter that a line declares, or in words why it declares none."""
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        name, kind = statement.target.id, ast.unparse(statement.annotation)
        if statement.value is None:
            return f"{name} without a default"
    elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        name, kind = statement.targets[0].id, ""
    else:
        return ast.unparse(statement)[:80]
    try:
        default = ast.literal_eval(statement.value)
    except ValueError:
        return f"{name} = {ast.unparse(statement.value)[:60]}, which is not a plain value"
    kind = kind or _kind_of(default)
    if kind not in _KINDS:
        return f"{name} of type {kind}"
    return Parameter(name, kind, default) if _fits(kind, default) else f"{name} = {default!r}"


def _kind_of(value: Any) -> str:
    if isinstance(value, list):
        kinds = {type(item).__name__ for item in value}
        return f"list[{kinds.pop() if len(kinds) == 1 else 'str'}]"
    return type(value).__name__


def _standard_problems(parameters: Mapping[str, Parameter], where: str) -> list[Problem]:
    return [
        Problem(
            f"{where}, parameters cell",
            f"{name}: {parameters[name].kind}" if name in parameters else f"no {name}",
            f'{name}: {kind} = "{"." if name == "project" else ""}"',
            "add the line; the runner sets it",
        )
        for name, kind in STANDARD.items()
        if name not in parameters or parameters[name].kind != kind
    ]


def _fits(kind: str, value: Any) -> bool:
    if kind.startswith("list["):
        inner = kind.removeprefix("list[").removesuffix("]")
        return isinstance(value, list) and all(_fits(inner, item) for item in value)
    # A flag is an int in Python; as a number it is a mistake.
    if isinstance(value, bool) and kind != "bool":
        return False
    return isinstance(value, _SCALARS[kind])


def _in_words(kind: str) -> str:
    if kind.startswith("list["):
        return f"a list, each item {_WORDS[kind.removeprefix('list[').removesuffix(']')]}"
    return _WORDS[kind]


def _option_problem(
    name: str, parameters: Mapping[str, Parameter], key: str, value: Any
) -> Problem | None:
    where = f'project.toml, options."{name}".{key}'
    if key in STANDARD:
        mend = "remove it; use --project and --period of the command"
        return Problem(where, "a parameter that the runner sets", "an option", mend)
    if key in parameters:
        return value_problem(parameters[key], value, where)
    names = [known for known in parameters if known not in STANDARD]
    near = difflib.get_close_matches(key, names, 1)
    return Problem(
        where,
        "an unknown parameter",
        f"one of {', '.join(names)}" if names else "no options: the notebook has none",
        f"write {near[0]}" if near else "remove it or correct its name",
    )


def _impossible_values(name: str, options: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what the analysis itself says of the values: its options dataclass is constructed."""
    options_class = _options_class(name) if options else None
    if options_class is None:
        return
    fields = {field.name for field in dataclasses.fields(options_class)}
    where = f'project.toml, options."{name}"'
    try:
        options_class(**{key: value for key, value in options.items() if key in fields})
    except AnalysisError as error:  # already in words, one problem for each value
        for problem in error.problems:
            yield dataclasses.replace(problem, where=f"{where}, {problem.where}")
    except (ValueError, TypeError) as error:
        yield Problem(where, str(error), "values that the analysis allows", "correct the value")


def _options_class(name: str) -> Any:
    """Return GrowthOptions of analysis.customers.growth for customers/growth; None without one."""
    module_name = f"analysis.{name.replace('/', '.')}"
    try:
        if importlib.util.find_spec(module_name) is None:
            return None
    except (ImportError, ValueError):
        return None
    words = name.rsplit("/", 1)[-1].split("_")
    class_name = "".join(word.capitalize() for word in words) + "Options"
    found = getattr(importlib.import_module(module_name), class_name, None)
    return found if dataclasses.is_dataclass(found) else None
