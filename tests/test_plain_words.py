"""Leaders read plain words: no sentence that may stand on a first screen uses a forbidden one.

The same is tested on public data in test_run_public.py.
"""

import shutil
from pathlib import Path

import pytest
from plain_words import FORBIDDEN, first_screen_text, jargon, spoken

from analysis.core.project import Project
from analysis.core.result import Result, result_exists
from analysis.run import run_cadence

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The committed sample company in a folder of its own, its last quarter published."""
    folder = tmp_path_factory.mktemp("sample")
    shutil.copy(REPOSITORY / "project.toml", folder)
    shutil.copytree(REPOSITORY / "data" / "raw", folder / "data" / "raw")
    project = Project(folder)
    record = run_cadence(project, "quarterly")
    assert record.state == "succeeded", {n: b.error for n, b in record.failed.items()}
    return project, record


def test_no_sentence_of_the_sample_needs_a_dictionary(sample):
    project, record = sample
    home = project.run_dir(project.calendar.parse(record.period))
    places = [place for place in sorted(home.iterdir()) if result_exists(place)]
    said = spoken(Result.load(place, with_tables=False) for place in places)
    assert len(said) > 30
    assert {where: jargon(text) for where, text in said.items() if jargon(text)} == {}


def test_the_first_screen_of_the_sample_is_whole_and_plain(sample):
    _, record = sample
    html = record.pages[0].read_text(encoding="utf-8")
    text = first_screen_text(html)
    assert jargon(text) == []
    for words in ("To decide", "At stake:", "Chance:", "Owner:", "on the target of", "Known at"):
        assert words in text
    assert 4 <= html[: html.index("<section")].count('<div class="number">') <= 7


@pytest.mark.parametrize("word", ["significant", "p-value", "Cluster", "SHAPLEY", "churn"])
def test_a_forbidden_word_is_found_in_any_case(word):
    assert jargon(f"This is {word}, they say.")


@pytest.mark.parametrize("text", ["insignificant", "priority", "gamma-ray", "the parameters"])
def test_a_word_within_another_is_not(text):
    assert jargon(text) == []


def test_the_list_is_long_enough_to_mean_something():
    assert len(set(FORBIDDEN)) == len(FORBIDDEN) > 50
