"""The documentation names everything that it must."""

from pathlib import Path

import pytest

from analysis.core import settings
from analysis.core.dictionary import dictionary_markdown

REPOSITORY = Path(__file__).resolve().parents[1]
SECTIONS = (
    settings.Company,
    settings.Source,
    settings.Revenue,
    settings.Targets,
    settings.Runs,
    settings.Quality,
    settings.Notice,
    settings.Reports,
    settings.Privacy,
    settings.Actions,
    settings.CadencePlan,
)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_setting_is_documented(section):
    page = (REPOSITORY / "docs" / "settings.md").read_text()
    for name in section.model_fields:
        assert f"| {name} |" in page, name


def test_the_committed_dictionary_is_the_one_that_the_declarations_make():
    page = (REPOSITORY / "docs" / "dictionary.md").read_text()
    assert page == dictionary_markdown(), "run `analysis dictionary`"


def test_every_shipped_notebook_stands_in_the_readme():
    readme = (REPOSITORY / "README.md").read_text()
    for notebooks in (*settings.SHIPPED_NOTEBOOKS.values(), settings.NOTEBOOKS_BY_HAND):
        for name in notebooks:
            assert f"notebooks/{name}.ipynb" in readme, name


def test_every_room_stands_in_the_architecture_page():
    page = (REPOSITORY / "docs" / "architecture.md").read_text()
    for room in (REPOSITORY / "src" / "analysis").iterdir():
        if room.is_dir() and (room / "__init__.py").exists():
            assert f"| {room.name}/ |" in page, room.name
