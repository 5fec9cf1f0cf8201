"""Run the project on a machine that has Python and nothing else: `python3 start.py report`.

Makes the environment .venv from the locks, once, then hands over to the command inside it. Only the
standard library is imported, and nothing newer than Python 3.6 can read stands above the check of
the version, so that an old Python says what is wrong instead of failing on the syntax.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 13)


def problem_with_python(version: tuple) -> str:
    """Return why this Python cannot run the project and what to do; empty text if it can."""
    if OLDEST <= tuple(version[:2]) <= NEWEST:
        return ""
    suitable = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    present = [name for name in suitable if shutil.which(name)]
    advice = f"This machine also has one: {present[0]} start.py" if present else "Install one."
    return (
        f"start.py needs Python 3.{OLDEST[1]} to 3.{NEWEST[1]}; this is "
        f"{version[0]}.{version[1]} at {sys.executable}.\n{advice}"
    )


if problem_with_python(sys.version_info):
    sys.exit(problem_with_python(sys.version_info))

ROOT = Path(__file__).resolve().parent
HELP = """\
usage: python3 start.py COMMAND [arguments]          (on Windows: py start.py COMMAND)

  report     the quarterly report on the data in this folder; prints where the page is
  test       every check: ruff format, ruff check, tests and notebooks; arguments go to pytest
  lab        JupyterLab on the notebooks
  analysis   any command of the project, for example: python3 start.py analysis runs

  --slim     install only what reports need (no JupyterLab, no tests), for a scheduler's machine

The first call makes the environment .venv from requirements/, which takes about a minute; later
calls start at once. Arguments are passed on: python3 start.py report --period 2011Q3
"""
# Numeric libraries start one thread per core in every kernel; kernels already run side by side, and
# the oversubscription made one fit twenty times slower.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
# Checks run in two processes, a file's tests in one of them (tests/conftest.py): fixtures are made
# once, notebooks follow each other, and the smallest machine has the memory.
SIDE_BY_SIDE = ["-n", "2"]
# A person's own settings that would send packages elsewhere than .venv, or refuse to install there.
MISLEADING_VARIABLES = (
    "PIP_PREFIX",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONHOME",
    "PYTHONPATH",
)


def main(arguments: list[str]) -> int:
    """Prepare the environment and do what the first argument names; return the exit code."""
    words = [word for word in arguments if word != "--slim"]
    slim = len(words) < len(arguments)
    command, rest = (words[0], words[1:]) if words else ("--help", [])
    if command in {"-h", "--help", "help"}:
        print(HELP)
        return 0
    if command not in {"report", "test", "lab", "analysis"}:
        print(f"start.py does not know {command!r}.\n\n{HELP}", file=sys.stderr)
        return 2
    if slim and command in {"test", "lab"}:
        raise SystemExit(f"{command} needs everything: leave out --slim.")
    prepare(ROOT, choose_lock(ROOT, slim=slim))
    if command == "test":
        return check_everything(ROOT, rest)
    if command != "analysis" and "--project" not in rest:
        os.chdir(ROOT)  # the command looks for project.toml from here upwards
    first = {"report": ["run", "quarterly"], "lab": ["lab"], "analysis": []}[command]
    return hand_over([str(program(ROOT, "analysis")), *first, *rest], child_environment(ROOT))


# The environment ----------------------------------------------------------------------------------


def choose_lock(root: Path, *, slim: bool) -> str:
    """Return which lock to install; a full environment also serves reports, so it is kept."""
    is_full = read_stamp(root).get("lock", "").startswith("all ")
    return "run" if slim and not is_full else "all"


def prepare(root: Path, lock: str) -> None:
    """Make or mend .venv unless its stamp says that it is what the lock describes."""
    if is_ready(root, lock):
        return
    with one_builder(root):
        if not is_ready(root, lock):  # another start.py may have built it while this one waited
            build(root, lock)


def is_ready(root: Path, lock: str) -> bool:
    """Tell whether .venv is complete, current and still has its Python."""
    return program(root, "python").exists() and read_stamp(root) == wanted_stamp(root, lock)


def build(root: Path, lock: str) -> None:
    """Install what differs. The stamp comes last: whatever is killed before it is done again."""
    wanted = wanted_stamp(root, lock)
    only_project_differs = {**read_stamp(root), "project": wanted["project"]} == wanted
    if not (only_project_differs and program(root, "python").exists()):
        stamp_file(root).unlink(missing_ok=True)  # before all else: clearing has no fixed order
        make_environment(root)
        install_lock(root, lock)
    install(root, ["--no-deps", "--no-build-isolation", "-e", root])
    stamp_file(root).write_text(json.dumps(wanted, indent=1), encoding="utf-8")


def wanted_stamp(root: Path, lock: str) -> dict[str, str]:
    """Return what the environment depends on. The folder counts: a moved .venv does not run."""
    version = ".".join(map(str, sys.version_info[:2]))
    return {
        "lock": f"{lock} {digest(lock_file(root, lock))}",
        "project": digest(root / "pyproject.toml"),
        "python": f"{sys.implementation.name} {version} {sysconfig.get_platform()}",
        "folder": str(root),
    }


def read_stamp(root: Path) -> dict[str, str]:
    """Return the stamp of .venv, empty if there is none or it cannot be read."""
    try:
        stamp = json.loads(stamp_file(root).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def make_environment(root: Path) -> None:
    """Create .venv anew for the running Python, with its own pip where Python can supply one."""
    import venv  # here, because a call that finds everything ready should not pay for it

    pip_command(root)  # says what is missing before anything is cleared
    print("Making the environment .venv ...", flush=True)
    builder = venv.EnvBuilder(clear=True, symlinks=os.name != "nt", with_pip=has("ensurepip"))
    try:
        builder.create(root / ".venv")
    except PermissionError as error:
        raise SystemExit(
            f"{error}\nA file of .venv is in use: close JupyterLab and every run, then try again."
        ) from error
    except (SystemExit, subprocess.CalledProcessError) as error:
        raise SystemExit(f"Python could not make .venv: {error}\n{missing_venv()}") from error


def pip_command(root: Path) -> list[str]:
    """Return the pip that installs into .venv: its own, else the machine's working on it."""
    python = str(program(root, "python"))
    if has("ensurepip"):
        return [python, "-m", "pip"]
    if has("pip"):
        return [sys.executable, "-m", "pip", "--python", python]
    raise SystemExit(missing_venv())


def missing_venv() -> str:
    """Return how to get what makes environments; Debian and its kin package it apart."""
    package = "python{}.{}-venv".format(*sys.version_info)
    if Path("/etc/debian_version").exists():
        return f"Python here lacks venv. Run: sudo apt-get install {package}"
    return f"Python at {sys.executable} lacks venv or pip. Install them or a complete Python."


def install_lock(root: Path, lock: str) -> None:
    """Install every pinned package; compile them on all cores, which pip would do on one."""
    pinned = ["--require-hashes", "--only-binary", ":all:", "-r", lock_file(root, lock)]
    install(root, ["--no-compile", *pinned])
    command = [program(root, "python"), "-m", "compileall", "-q", "-j", "0", root / ".venv"]
    # A package may ship a file that this Python cannot read; such a file is never imported.
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def install(root: Path, words: list) -> None:
    """Run `pip install`, showing how far it is; its own words go to .venv/install.log."""
    command = [*pip_command(root), "install", "--no-input", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", *map(str, words)]
    log = root / ".venv" / "install.log"
    with log.open("a", encoding="utf-8") as written, start_pip(root, command) as pip:
        last = show_progress(pip.stdout, written)
    if pip.returncode:
        raise SystemExit(failed_installation(last, log))


def start_pip(root: Path, command: list[str]) -> subprocess.Popen:
    """Start pip with one stream of output, without the settings that would mislead it."""
    return subprocess.Popen(
        command,
        env={name: text for name, text in os.environ.items() if name not in MISLEADING_VARIABLES},
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )


def show_progress(lines: object, log: object) -> list[str]:
    """Copy pip's lines to the log, tell a person where it stands, and return the last ones."""
    last, packages = [], 0
    for line in lines:
        log.write(line)
        if not line.startswith(("WARNING", "Ignoring ")):
            last = [*last[-14:], line.rstrip()]
        if line.startswith(("Collecting ", "Processing ")):
            packages += 1
            if sys.stdout.isatty():
                print(f"\r  packages fetched: {packages}", end="", flush=True)
        elif line.startswith("Installing collected") and packages:
            end = "\r" if sys.stdout.isatty() else ""
            print(f"{end}  installing {packages} packages ...", flush=True)
    return last


def failed_installation(last: list[str], log: Path) -> str:
    """Return the message for a failed pip: its last words, and what mostly helps."""
    hint = "Mostly it is the network, a proxy or a full disk: mend it and run the same again."
    if os.name == "nt":
        hint += "\nOn Windows also: close JupyterLab, and keep this folder's path short."
    return "\n".join([*last, "", f"The installation failed; the whole story is in {log}.", hint])


@contextlib.contextmanager
def one_builder(root: Path):  # noqa: ANN201  (an iterator's type would need an import)
    """Let one start.py at a time build: a scheduler and a person may begin together."""
    with (root / ".venv.lock").open("ab") as handle:
        if not try_lock(handle):
            print("Another start.py is preparing .venv: waiting for it ...", flush=True)
            wait_lock(handle)
        yield  # closing the file frees the lock, and so does being killed


def try_lock(handle: object) -> bool:
    """Take the lock if it is free; tell whether it was."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def wait_lock(handle: object) -> None:
    """Take the lock as soon as it is free. Windows has no waiting lock, so both ask again."""
    import time

    while not try_lock(handle):
        time.sleep(0.5)


# What is run inside it ----------------------------------------------------------------------------


def check_everything(root: Path, rest: list[str]) -> int:
    """Run every check, even after one failed, so that one call shows all; pytest speaks last."""
    environment, python = child_environment(root), str(program(root, "python"))
    os.chdir(root)
    style = [
        run([python, "-m", "ruff", "format", "--check", "."], environment),
        run([python, "-m", "ruff", "check", "."], environment),
    ]
    tests = run([python, "-m", "pytest", *pytest_arguments(root, rest)], environment)
    if any(style):
        print("ruff is not content, see the top. It mends most: ruff format; ruff check --fix")
    return tests or max(style)


def pytest_arguments(root: Path, rest: list[str]) -> list[str]:
    """Return pytest's arguments: the tests, and the notebooks as tests (nbval), unless named.

    The slow checks and those on public data run when asked for: `-m "public_data or slow"`.
    """
    if any((root / word.split("::")[0]).exists() for word in rest if not word.startswith("-")):
        return ["--nbval-lax", *rest]
    tier = (
        [] if any(word.startswith("-m") for word in rest) else ["-m", "not (public_data or slow)"]
    )
    side_by_side = [] if any(word.startswith("-n") for word in rest) else SIDE_BY_SIDE
    targets = [name for name in ("tests", "notebooks") if (root / name).is_dir()]
    return ["--nbval-lax", *tier, *side_by_side, *rest, *targets]


def child_environment(root: Path) -> dict[str, str]:
    """Return the variables of the child: .venv first on the path, few threads, UTF-8 everywhere."""
    folder = program(root, "python").parent
    defaults = {**dict.fromkeys(THREAD_VARIABLES, "1"), "PYTHONUTF8": "1"}
    path = os.pathsep.join([str(folder), os.environ.get("PATH", "")])
    return {**defaults, **os.environ, "VIRTUAL_ENV": str(root / ".venv"), "PATH": path}


def hand_over(command: list[str], environment: dict[str, str]) -> int:
    """Become the command, so that signals and the exit code are its own. Windows cannot: wait."""
    if os.name == "nt":
        return run(command, environment)
    sys.stdout.flush()
    os.execve(command[0], command, environment)


def run(command: list[str], environment: dict[str, str]) -> int:
    """Run a command and return its exit code; an interruption is left for the command to handle."""
    sys.stdout.flush()
    with subprocess.Popen(command, env=environment) as child:
        # After the start, because a child inherits what its parent ignores.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        code = child.wait()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return code if code >= 0 else 128 - code


# Places -------------------------------------------------------------------------------------------


def program(root: Path, name: str) -> Path:
    """Return the path of a program in .venv, which Windows keeps elsewhere."""
    if os.name == "nt":
        return root / ".venv" / "Scripts" / f"{name}.exe"
    return root / ".venv" / "bin" / name


def stamp_file(root: Path) -> Path:
    """Return the file that says what .venv was made from."""
    return root / ".venv" / "start-stamp.json"


def lock_file(root: Path, lock: str) -> Path:
    """Return the path of a lock."""
    return root / "requirements" / f"{lock}.lock"


def digest(file: Path) -> str:
    """Return a fingerprint of a file that does not depend on its line ends."""
    return hashlib.sha256(file.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def has(module: str) -> bool:
    """Tell whether the running Python can import a module, without importing it."""
    return importlib.util.find_spec(module) is not None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
