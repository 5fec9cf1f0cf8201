"""Notebooks in the order of their needs, so many side by side, with all failures collected.

A notebook whose needs failed is not run; every other one is. When the run's time is over, kernels
are killed and what waits is not run.
"""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from analysis.run.engine import Job
from analysis.run.execute import Outcome
from analysis.run.plan import Step

TIME_IS_OVER = "stopped: the run took longer than runs.run_timeout_seconds"
BROKEN_OFF = "stopped: the run was broken off"


class Jobs:
    """The notebooks that are being executed, so that another thread can stop them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: list[Job] = []
        self.stopped_because = ""

    def add(self, job: Job) -> Job:
        """Remember a job and return it; after `stop` it is stopped at once."""
        with self._lock:
            self._running.append(job)
            if self.stopped_because:
                job.stop(self.stopped_because)
        return job

    def stop(self, because: str) -> None:
        """Kill the kernels of all jobs, those that come later included."""
        with self._lock:
            self.stopped_because = self.stopped_because or because
            for job in self._running:
                job.stop(self.stopped_because)


@dataclass
class Crew:
    """`work` does one step in a thread; `started` and `ended` are told in the calling thread."""

    work: Callable[[Step], Outcome]
    started: Callable[[Step], None]
    ended: Callable[[Step, Outcome], None]
    size: int
    jobs: Jobs
    deadline: float  # of time.monotonic
    _waiting: list[Step] = field(default_factory=list)
    _running: dict[Future[Outcome], Step] = field(default_factory=dict)
    _done: dict[str, Outcome] = field(default_factory=dict)

    def run(self, steps: Iterable[Step]) -> None:
        """Do all steps; returns when each has ended or cannot be run."""
        self._waiting = list(steps)
        with ThreadPoolExecutor(self.size, thread_name_prefix="notebook") as pool:
            try:
                while self._waiting or self._running:
                    self._drop_hopeless()
                    self._start_ready(pool)
                    self._collect()
            finally:
                if self._running:  # Ctrl-C, or a mistake of ours: leave no kernel behind
                    self.jobs.stop(BROKEN_OFF)

    def _drop_hopeless(self) -> None:
        """End what cannot run any more; dropping one may make others hopeless."""
        for step in [step for step in self._waiting if self._hopeless(step)]:
            self._waiting.remove(step)
            self._end(step, Outcome(self._hopeless(step), is_run=False))
            self._drop_hopeless()
            return

    def _hopeless(self, step: Step) -> str:
        failed = [need for need in step.needs if need in self._done and self._done[need].error]
        if failed:
            return f"it needs {', '.join(failed)}"
        return self.jobs.stopped_because

    def _start_ready(self, pool: ThreadPoolExecutor) -> None:
        # A need that is not among the steps was there before.
        unfinished = {step.name for step in [*self._waiting, *self._running.values()]}
        ready = [step for step in self._waiting if not unfinished.intersection(step.needs)]
        for step in ready[: self.size - len(self._running)]:
            self._waiting.remove(step)
            self.started(step)
            self._running[pool.submit(self.work, step)] = step

    def _collect(self) -> None:
        if not self._running:
            return
        left = max(0.0, self.deadline - time.monotonic())
        finished, _ = wait(self._running, timeout=left, return_when=FIRST_COMPLETED)
        if not finished:
            self.jobs.stop(TIME_IS_OVER)
            finished, _ = wait(self._running, return_when=FIRST_COMPLETED)
        for future in finished:
            self._end(self._running.pop(future), future.result())

    def _end(self, step: Step, outcome: Outcome) -> None:
        self._done[step.name] = outcome
        self.ended(step, outcome)
