"""The locks must install on any machine: every version pinned by hash, and no address in them."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "requirements"
LOCKS = ("run", "all")
# Nothing else may stand in a lock, so no address, host, folder or option can slip in.
PIN = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>[0-9][0-9a-z.!+]*)( ; (?P<marker>[^/\\@:]+))? \\"
)
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def lines_of(lock: str) -> list[str]:
    return (REQUIREMENTS / f"{lock}.lock").read_text(encoding="utf-8").splitlines()


def pins_of(lock: str) -> dict[str, tuple[str, str | None]]:
    """Return version and marker by name."""
    found = (PIN.fullmatch(line) for line in lines_of(lock))
    return {pin["name"]: (pin["version"], pin["marker"]) for pin in found if pin}


def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def declared(lock: str) -> list[Requirement]:
    """Return what pyproject.toml asks of a lock, the build backend included."""
    content = pyproject()
    texts = [*content["project"]["dependencies"], *content["dependency-groups"]["build"]]
    if lock == "all":
        texts += chain.from_iterable(content["project"]["optional-dependencies"].values())
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("lock", LOCKS)
def test_holds_pins_and_hashes_and_nothing_else(lock: str) -> None:
    strange = [line for line in lines_of(lock) if not (PIN.fullmatch(line) or HASH.fullmatch(line))]
    assert strange == []


@pytest.mark.parametrize("lock", LOCKS)
def test_names_no_address(lock: str) -> None:
    text = "\n".join(lines_of(lock))
    assert "://" not in text
    assert "index" not in text.replace("--hash", "")
    assert "find-links" not in text


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash_and_stands_once(lock: str) -> None:
    lines = lines_of(lock)
    pins = [number for number, line in enumerate(lines) if PIN.fullmatch(line)]
    assert all(HASH.fullmatch(lines[number + 1]) for number in pins)
    assert len(pins) == len(pins_of(lock)) > 50


@pytest.mark.parametrize("lock", LOCKS)
def test_holds_every_declared_requirement_in_a_version_that_fits(lock: str) -> None:
    pins = pins_of(lock)
    unmet = [
        str(requirement)
        for requirement in declared(lock)
        if pins.get(canonicalize_name(requirement.name), ("0", None))[0]
        not in requirement.specifier
    ]
    assert unmet == [], "run python3 requirements/refresh.py"


def test_both_locks_agree_on_versions() -> None:
    everything = pins_of("all")  # its markers may be wider: lab wants some packages on Windows too
    differing = {
        name: (version, everything.get(name))
        for name, (version, _) in pins_of("run").items()
        if everything.get(name, (None,))[0] != version
    }
    assert differing == {}


def test_the_small_lock_leaves_out_what_only_people_need() -> None:
    assert not {"jupyterlab", "pytest", "ruff", "playwright", "weasyprint"} & set(pins_of("run"))


def test_the_build_backend_is_locked_because_the_project_is_built_without_isolation() -> None:
    required = {Requirement(text).name for text in pyproject()["build-system"]["requires"]}
    assert required == {"hatchling", "editables"}
    assert required <= set(pins_of("run"))


def test_leaves_out_what_drags_pandas_back_or_has_a_licence_that_binds_users() -> None:
    banned = {"lifetimes", "lifelines", "statsforecast", "pm4py", "scikit-survival"}
    assert not banned & set(pins_of("all"))


def test_conda_installs_the_lock_for_the_same_pythons_and_every_line_says_why() -> None:
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert "- -r requirements/all.lock" in text
    assert f"python {pyproject()['project']['requires-python']}" in text
    entries = [line for line in text.splitlines() if line.strip().startswith("- ")]
    assert [line for line in entries if " # " not in line and line.strip() != "- pip:"] == []
