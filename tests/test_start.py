"""start.py must work with Python alone, never trust a half-made .venv, and say what is wrong."""

import ast
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "start.py"


MAIN_TIER = ("-m", "not (public_data or slow)")
TWO = ("-n", "2")  # processes


@pytest.fixture
def start() -> ModuleType:
    spec = importlib.util.spec_from_file_location("start_under_test", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder with locks and no environment."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "all.lock").write_text("six==1.17.0\n")
    (tmp_path / "requirements" / "run.lock").write_text("")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    return tmp_path


@pytest.fixture
def steps(start: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps that a build takes, recorded instead of done."""
    done = []

    def make(root: Path) -> None:
        done.append("make")
        start.program(root, "python").parent.mkdir(parents=True, exist_ok=True)
        start.program(root, "python").touch()

    monkeypatch.setattr(start, "make_environment", make)
    monkeypatch.setattr(start, "install_lock", lambda root, lock: done.append(f"{lock}.lock"))
    monkeypatch.setattr(start, "install", lambda root, words: done.append("project"))
    return done


EVERYTHING = ["make", "all.lock", "project"]


def test_imports_only_the_standard_library() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else names_of(node))
    }
    assert imported <= set(sys.stdlib_module_names)


def names_of(node: ast.Import) -> list[str]:
    return [alias.name for alias in node.names]


def test_can_be_read_by_an_old_python_so_that_it_refuses_clearly() -> None:
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 7))


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 1), (3, 13, 9)])
def test_accepts_the_supported_pythons(start: ModuleType, version: tuple) -> None:
    assert start.problem_with_python(version) == ""


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 14, 0), (2, 7, 18)])
def test_refuses_another_python_and_says_which_it_needs(start: ModuleType, version: tuple) -> None:
    problem = start.problem_with_python(version)
    assert "needs Python 3.11 to 3.13" in problem
    assert f"this is {version[0]}.{version[1]} at {sys.executable}" in problem


def test_supports_the_pythons_that_the_package_declares(start: ModuleType) -> None:
    newest = f"3.{start.NEWEST[1] + 1}"
    declared = f'requires-python = ">=3.{start.OLDEST[1]},<{newest}"'
    assert declared in SCRIPT.with_name("pyproject.toml").read_text(encoding="utf-8")


def test_makes_everything_once(start: ModuleType, folder: Path, steps: list[str]) -> None:
    start.prepare(folder, "all")
    start.prepare(folder, "all")
    assert steps == EVERYTHING


def test_makes_everything_anew_when_the_lock_changed(
    start: ModuleType, folder: Path, steps: list[str]
) -> None:
    start.prepare(folder, "all")
    start.lock_file(folder, "all").write_text("six==1.16.0\n")
    start.prepare(folder, "all")
    assert steps == EVERYTHING * 2


def test_installs_only_the_project_when_only_pyproject_changed(
    start: ModuleType, folder: Path, steps: list[str]
) -> None:
    start.prepare(folder, "all")
    (folder / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    start.prepare(folder, "all")
    assert steps == [*EVERYTHING, "project"]


def test_does_not_care_about_line_ends(start: ModuleType, folder: Path, steps: list[str]) -> None:
    start.prepare(folder, "all")
    start.lock_file(folder, "all").write_bytes(b"six==1.17.0\r\n")
    start.prepare(folder, "all")
    assert steps == EVERYTHING


def test_repairs_an_environment_whose_installation_was_killed(
    start: ModuleType, folder: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(root: Path, lock: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(start, "install_lock", killed)
        start.prepare(folder, "all")
    assert not start.is_ready(folder, "all")
    start.prepare(folder, "all")
    assert steps == ["make", *EVERYTHING]  # made, killed, then all of it again


def test_forgets_the_old_stamp_before_it_clears_anything(
    start: ModuleType, folder: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start.prepare(folder, "all")
    start.lock_file(folder, "all").write_text("six==1.16.0\n")

    def killed(root: Path) -> None:
        assert start.read_stamp(root) == {}
        raise SystemExit("killed")

    monkeypatch.setattr(start, "make_environment", killed)
    with pytest.raises(SystemExit, match="killed"):
        start.prepare(folder, "all")


def test_repairs_an_environment_that_lost_its_python(
    start: ModuleType, folder: Path, steps: list[str]
) -> None:
    start.prepare(folder, "all")
    start.program(folder, "python").unlink()  # as after the system's Python was upgraded away
    start.prepare(folder, "all")
    assert steps == EVERYTHING * 2


def test_repairs_an_environment_that_was_moved(
    start: ModuleType, folder: Path, steps: list[str]
) -> None:
    start.prepare(folder, "all")
    stamp = json.loads(start.stamp_file(folder).read_text())
    start.stamp_file(folder).write_text(json.dumps({**stamp, "folder": "/elsewhere"}))
    start.prepare(folder, "all")
    assert steps == EVERYTHING * 2


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_takes_an_unreadable_stamp_for_none(start: ModuleType, folder: Path, text: str) -> None:
    start.stamp_file(folder).parent.mkdir()
    start.stamp_file(folder).write_text(text)
    assert start.read_stamp(folder) == {}


def test_slim_installs_the_small_lock_and_keeps_a_full_environment(
    start: ModuleType, folder: Path, steps: list[str]
) -> None:
    assert start.choose_lock(folder, slim=True) == "run"
    assert start.choose_lock(folder, slim=False) == "all"
    start.prepare(folder, "all")
    assert start.choose_lock(folder, slim=True) == "all"


def test_names_the_package_when_the_machine_has_neither_venv_nor_pip(
    start: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "has", {"ensurepip": False, "pip": False}.get)
    with pytest.raises(SystemExit, match="lacks venv"):
        start.make_environment(folder)
    assert not (folder / ".venv").exists()


def test_uses_the_pip_of_the_machine_when_venv_has_none(
    start: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "has", {"ensurepip": False, "pip": True}.get)
    python = str(start.program(folder, "python"))
    assert start.pip_command(folder) == [sys.executable, "-m", "pip", "--python", python]


def test_a_failed_installation_shows_why_and_leaves_no_stamp(
    start: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [sys.executable, "-c", "print('No space left on device'); raise SystemExit(1)"]
    monkeypatch.setattr(start, "make_environment", lambda root: (root / ".venv").mkdir())
    monkeypatch.setattr(start, "pip_command", lambda root: broken)
    with pytest.raises(SystemExit, match=r"No space left on device[\s\S]*install\.log"):
        start.prepare(folder, "all")
    assert start.read_stamp(folder) == {}


def test_pip_does_not_see_settings_that_lead_elsewhere(
    start: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    show = [sys.executable, "-c", "import os; print(os.environ.get('PIP_TARGET'))"]
    with start.start_pip(folder, show) as pip:
        assert pip.stdout.read().strip() == "None"


def test_waits_while_another_start_prepares(start: ModuleType, folder: Path) -> None:
    with start.one_builder(folder), (folder / ".venv.lock").open("ab") as second:
        assert not start.try_lock(second)
    with (folder / ".venv.lock").open("ab") as third:
        assert start.try_lock(third)


def test_child_uses_one_thread_unless_told_and_finds_the_environment_first(
    start: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    environment = start.child_environment(folder)
    assert environment["OMP_NUM_THREADS"] == "4"
    assert environment["MKL_NUM_THREADS"] == "1"
    assert environment["PATH"].split(os.pathsep)[0] == str(start.program(folder, "python").parent)


def test_passes_on_the_exit_code(start: ModuleType) -> None:
    fails = [sys.executable, "-c", "raise SystemExit(3)"]
    assert start.run(fails, dict(os.environ)) == 3


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ([], ["--nbval-lax", *MAIN_TIER, *TWO, "tests", "notebooks"]),
        (["-k", "start"], ["--nbval-lax", *MAIN_TIER, *TWO, "-k", "start"]),
        (["-m", "public_data"], ["--nbval-lax", *TWO, "-m", "public_data", "tests", "notebooks"]),
        (["--maxfail=1"], ["--nbval-lax", *MAIN_TIER, *TWO, "--maxfail=1"]),
        (["-n0"], ["--nbval-lax", *MAIN_TIER, "-n0", "tests", "notebooks"]),
        (["tests/test_start.py"], ["--nbval-lax", "tests/test_start.py"]),
        (["tests/test_start.py::test_x", "-x"], ["--nbval-lax", "tests/test_start.py::test_x"]),
    ],
)
def test_runs_tests_and_notebooks_unless_one_is_named(
    start: ModuleType, folder: Path, rest: list[str], expected: list[str]
) -> None:
    (folder / "tests").mkdir()
    (folder / "tests" / "test_start.py").touch()
    (folder / "notebooks").mkdir()
    assert start.pytest_arguments(folder, rest)[: len(expected)] == expected


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [(["--help"], 0, "usage: python3 start.py"), ([], 0, "usage"), (["rpeort"], 2, "'rpeort'")],
)
def test_help_needs_no_environment(tmp_path: Path, words: list[str], code: int, text: str) -> None:
    copy = tmp_path / "start.py"
    copy.write_bytes(SCRIPT.read_bytes())
    done = subprocess.run(
        [sys.executable, copy, *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, text in done.stdout + done.stderr) == (code, True)
    assert not (tmp_path / ".venv").exists()


def test_tests_need_more_than_the_slim_environment(start: ModuleType) -> None:
    with pytest.raises(SystemExit, match="leave out --slim"):
        start.main(["--slim", "test"])
