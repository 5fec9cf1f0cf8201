"""Order of needs, so many at a time, all failures collected: without any kernel."""

import threading
import time
from pathlib import Path

import pytest

from analysis.run.execute import Outcome
from analysis.run.parallel import TIME_IS_OVER, Crew, Jobs
from analysis.run.plan import Step


def steps(**needs):
    return [Step(name, Path(name), tuple(needed)) for name, needed in needs.items()]


def crew(work, size=2, seconds=60.0, jobs=None):
    ended = {}

    def note(step, outcome):
        ended[step.name] = outcome.error

    deadline = time.monotonic() + seconds
    return Crew(work, lambda step: None, note, size, jobs or Jobs(), deadline), ended


def test_runs_each_step_after_what_it_needs():
    team, ended = crew(lambda step: Outcome())
    team.run(steps(c=["b"], b=["a"], a=[], d=["a", "c"]))
    assert list(ended) == ["a", "b", "c", "d"]


def test_a_need_that_is_no_step_was_there_before():
    team, ended = crew(lambda step: Outcome())
    team.run(steps(b=["reused"]))
    assert ended == {"b": ""}


def test_runs_all_but_what_needs_a_failed_step():
    team, ended = crew(lambda step: Outcome("broke" if step.name == "a" else ""))
    team.run(steps(a=[], b=["a"], c=["b"], d=[]))
    assert ended == {"a": "broke", "b": "it needs a", "c": "it needs b", "d": ""}


def test_runs_no_more_than_so_many_at_a_time():
    at_work, most, lock = set(), [], threading.Lock()

    def work(step):
        with lock:
            at_work.add(step.name)
            most.append(len(at_work))
        time.sleep(0.02)
        with lock:
            at_work.discard(step.name)
        return Outcome()

    team, ended = crew(work, size=3)
    team.run(steps(**{name: [] for name in "abcdefgh"}))
    assert len(ended) == 8
    assert max(most) == 3


def test_stops_everything_when_the_time_is_over():
    jobs = Jobs()

    def work(step):
        while not jobs.stopped_because:
            time.sleep(0.01)
        return Outcome(jobs.stopped_because)

    team, ended = crew(work, size=1, seconds=0.05, jobs=jobs)
    team.run(steps(a=[], b=[]))
    assert ended == {"a": TIME_IS_OVER, "b": TIME_IS_OVER}


def test_a_mistake_of_ours_is_not_swallowed():
    def work(step):
        raise KeyError(step.name)

    team, _ = crew(work)
    with pytest.raises(KeyError, match="a"):
        team.run(steps(a=[]))
