"""The whole sample quarter, from raw files to a published report: processor seconds by stage.

    python benchmarks/quarter.py [--jobs 2]

Two copies of the sample company are made. The first run warms the file caches; the second one makes
everything anew and is measured, with every kernel counted. Then it is run again unchanged, which
must cost next to nothing. Goal: 25 processor seconds.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from analysis.run.record import RunRecord

REPOSITORY = Path(__file__).resolve().parents[1]
GOAL_CPU_SECONDS = 25


def main() -> None:
    """Run the benchmark and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2, help="notebooks side by side")
    jobs = parser.parse_args().jobs
    with tempfile.TemporaryDirectory() as folder:
        measure(copy_sample(Path(folder) / "first"), jobs)
        project = copy_sample(Path(folder) / "second")
        cpu, wall = measure(project, jobs)
        (run_file,) = (project / "data/processed/runs/quarterly").glob("*/run.json")
        print_split(RunRecord.load(run_file.parent), cpu, wall)
        cpu, wall = measure(project, jobs)
        print(f"run again, unchanged: {cpu:.1f} CPU s, {wall:.1f} s")


def copy_sample(target: Path) -> Path:
    """Copy settings and raw files of the sample company, nothing that was made from them."""
    shutil.copytree(REPOSITORY / "data/raw/sample", target / "data/raw/sample")
    shutil.copy(REPOSITORY / "project.toml", target)
    return target


def measure(project: Path, jobs: int) -> tuple[float, float]:
    """Run the quarter with the command; return processor and wall-clock seconds."""
    command = [sys.executable, "-m", "analysis.cli", "run", "quarterly"]
    before, began = os.times(), time.perf_counter()
    options = ["--project", str(project), "--jobs", str(jobs)]
    subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    spent = after.children_user + after.children_system
    return spent - before.children_user - before.children_system, time.perf_counter() - began


def print_split(record: RunRecord, cpu: float, wall: float) -> None:
    """Print where the seconds went."""
    print(
        f"sample quarter {record.period}: {cpu:.1f} CPU s (goal {GOAL_CPU_SECONDS}), {wall:.1f} s"
    )
    print(f"{'stage':<28}{'CPU s':>8}{'wall s':>8}")
    counted = 0.0
    for name, spent in record.stages.items():
        print(f"{name:<28}{spent.cpu_seconds:>8.1f}{spent.wall_seconds:>8.1f}")
        counted += spent.cpu_seconds
        for notebook, book in record.notebooks.items() if name == "notebooks" else ():
            print(f"  {notebook:<26}{book.cpu_seconds or 0:>8.1f}{book.seconds:>8.1f}")
    print(f"{'start and imports':<28}{cpu - counted:>8.1f}")


if __name__ == "__main__":
    main()
