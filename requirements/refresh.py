"""Compile run.lock and all.lock anew from pyproject.toml: `python3 requirements/refresh.py`.

Only the standard library is used. The compiler (uv) goes to a temporary environment, so nothing
has to be installed first and the project's own environment is left alone.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent
ROOT = REQUIREMENTS.parent
# A lock must install anywhere, so it names no address, no host and no folder, and one version of
# a package serves every supported Python and system: results do not depend on the machine.
COMPILE = (
    *("pip", "compile", "pyproject.toml", "--group", "build"),
    *("--universal", "--python-version", "3.11", "--fork-strategy", "fewest"),
    *("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"),
    *("--no-header", "--no-annotate", "--no-config", "--quiet"),
)
EXTRAS = ("lab", "test", "pdf")


def main() -> int:
    """Compile both locks; `all` under the pins of `run`, so that both agree."""
    options = read_arguments()
    with tempfile.TemporaryDirectory() as folder:
        uv = install_uv(Path(folder))
        compile_lock(uv, "run", options.upgrade, [])
        extras = [word for extra in EXTRAS for word in ("--extra", extra)]
        compile_lock(uv, "all", options.upgrade, [*extras, "-c", "requirements/run.lock"])
    print("Locks are refreshed. Next: python3 start.py test")
    return 0


def read_arguments() -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--upgrade",
        action="store_true",
        help="take the newest versions that fit; without it pins stay where they still fit",
    )
    return parser.parse_args()


def install_uv(folder: Path) -> Path:
    """Install the compiler into a temporary environment and return its path."""
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = [programs / "python", "-m", "pip", "install", "--quiet", "uv"]
    subprocess.run(pip, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return programs / "uv"


def compile_lock(uv: Path, name: str, upgrade: bool, words: list[str]) -> None:
    """Write one lock; a person's own uv settings must not reach it."""
    command = [uv, *COMPILE, *words, "-o", f"requirements/{name}.lock"]
    command += ["--upgrade"] if upgrade else []
    clean = {key: text for key, text in os.environ.items() if not key.startswith("UV_")}
    print(f"Compiling requirements/{name}.lock ...", flush=True)
    subprocess.run(command, check=True, cwd=ROOT, env=clean, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
