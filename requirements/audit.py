"""Ask whether a locked package has a known vulnerability: `python3 requirements/audit.py`.

pip-audit (in a temporary environment) asks the package index, which keeps the advisories. It counts
a package that the index says nothing of as fine, so an answer is believed only when a version with
a known vulnerability is recognised first. Exit code 1 when a locked package is vulnerable; where
nobody could be asked that is said loudly, and is an error with --strict only.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

LOCK = Path(__file__).resolve().parent / "all.lock"
AUDITOR = "pip-audit==2.10.1"
CONTROL = "jinja2==2.10"  # an escape from the sandbox, known since 2019
SECONDS = 600


class UnansweredError(Exception):
    """Nobody could be asked; the words say why."""


def main() -> int:
    """Audit the lock and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strict", action="store_true", help="no answer is an error too")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            return audit(Path(folder))
    except UnansweredError as reason:
        print(f"{'=' * 72}\nNOT AUDITED for known vulnerabilities: {reason}\n{'=' * 72}")
        return int(options.strict)


def audit(folder: Path) -> int:
    """Audit in an environment made in `folder`; UnansweredError without an answer to believe."""
    auditor = install(folder)
    control = folder / "control.txt"
    control.write_text(CONTROL + "\n", encoding="utf-8")
    if not vulnerable(ask(auditor, control, "--no-deps")):
        raise UnansweredError(f"the package index does not tell of the known one in {CONTROL}")
    answers = ask(auditor, LOCK, "--require-hashes")
    for name, version, advisories in vulnerable(answers):
        print(f"VULNERABLE: {name} {version}: {advisories}")
    silent = [answer["name"] for answer in answers if "skip_reason" in answer]
    if silent:
        print(f"Not audited, unknown to the package index: {', '.join(silent)}")
    count = len(answers) - len(silent)
    print(f"Audited {count} locked packages: {len(vulnerable(answers))} vulnerable.")
    return int(bool(vulnerable(answers)))


def install(folder: Path) -> Path:
    """Install pip-audit into a temporary environment and return its path."""
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    command = [programs / "python", "-m", "pip", "install", "--quiet", AUDITOR]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        raise UnansweredError(f"{AUDITOR} could not be installed")
    return programs / "pip-audit"


def ask(auditor: Path, lock: Path, *words: str) -> list[dict]:
    """Return what pip-audit found of each package."""
    command = [auditor, "--disable-pip", "--format", "json", *words, "--requirement", lock]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        return json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, subprocess.TimeoutExpired):
        raise UnansweredError("the package index cannot be reached") from None


def vulnerable(answers: list[dict]) -> list[tuple[str, str, str]]:
    """Return name, version and advisories of each package that has any."""
    return [
        (answer["name"], answer["version"], ", ".join(one["id"] for one in answer["vulns"]))
        for answer in answers
        if answer.get("vulns")
    ]


if __name__ == "__main__":
    sys.exit(main())
