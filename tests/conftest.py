"""Fixtures that several test modules share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is no failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file in one process; notebooks, which share a project, all in one."""
    for item in items:
        is_notebook = item.path.suffix == ".ipynb"
        item.add_marker(pytest.mark.xdist_group("notebooks" if is_notebook else item.path.name))


@pytest.fixture(scope="session")
def public_data() -> Callable[[str], Path]:
    """Give the folder of a public data set, or skip the test with the reason."""
    root = Path(os.environ.get("ANALYSIS_PUBLIC_DATA", REPOSITORY.parent / "shared" / "data"))

    def folder(name: str) -> Path:
        if not (root / name).is_dir():
            pytest.skip(f"public data set {name} is not in {root} (set ANALYSIS_PUBLIC_DATA)")
        return root / name

    return folder
