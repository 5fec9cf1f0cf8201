"""What killed writers leave is removed by the next run, wherever runs write."""

import pytest
from tiny_project import tiny_project

from analysis.core.files import UNFINISHED
from analysis.run.leftovers import tidy

PLACES = [
    "data/processed/tables",
    "data/processed/features",
    "data/processed/features/0123456789abcdef",
    "data/processed/runs/quarterly",
    "data/processed/history",
    "reports",
    "reports/quarterly",
]


@pytest.mark.parametrize("place", PLACES)
def test_what_a_killed_writer_left_is_removed_and_what_is_whole_stays(place, tmp_path):
    project = tiny_project(tmp_path, {"a": []})
    home = project.root / place
    (home / f"{UNFINISHED}2024Q2-abc").mkdir(parents=True)
    (home / f"{UNFINISHED}2024Q2-abc" / "work.duckdb").write_text("half")
    (home / f"{UNFINISHED}xyz").write_text("half")
    (home / "2024Q1").mkdir()
    tidy(project, "quarterly")
    assert sorted(path.name for path in home.iterdir()) == ["2024Q1"]


def test_scratch_is_left_alone_for_somebody_may_be_at_work_there(tmp_path):
    project = tiny_project(tmp_path, {"a": []})
    at_work = project.processed / "scratch" / f"{UNFINISHED}growth-abc"
    at_work.mkdir(parents=True)
    tidy(project, "quarterly")
    assert at_work.is_dir()
