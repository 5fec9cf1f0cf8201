"""One run at a time, and a second one says who holds the project."""

import subprocess
import sys

import pytest
from tiny_project import tiny_project

from analysis.core.problems import InputError
from analysis.run.lock import project_lock

HOLD = """
import sys
from pathlib import Path
from analysis.core.project import Project
from analysis.run.lock import project_lock
with project_lock(Project(Path(sys.argv[1])), "analysis run quarterly"):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def project(tmp_path):
    return tiny_project(tmp_path, {})


def test_a_second_run_is_told_who_holds_the_project(project):
    command = [sys.executable, "-c", HOLD, str(project.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline().strip() == b"held"
        with (
            pytest.raises(InputError, match=f"analysis run quarterly, process {other.pid}"),
            project_lock(project, "another"),
        ):
            pass
        other.kill()  # however it ends, the lock ends with it
    with project_lock(project, "another"):
        pass


def test_a_lock_that_was_given_back_can_be_taken(project):
    for _ in range(2):
        with project_lock(project, "a run"):
            pass
    assert not (project.processed / "project.lock.json").exists()


def test_a_failure_gives_the_lock_back(project):
    with pytest.raises(KeyError, match="mistake"), project_lock(project, "a run"):
        raise KeyError("mistake")
    with project_lock(project, "a run"):
        pass
