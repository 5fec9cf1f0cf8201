"""The simulated company: CPU to make every table and its truth, and to write the files.

    python benchmarks/simulated.py [--customers 5000] [--quarters 8] [--repeats 3]

CPU is user and system time of all threads, the least of the repeats; imports are not counted. Exit
code 1 when the goal for 5,000 customers and 24 months is missed.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.sources.simulated import Simulation, SimulationOptions, simulate, write_sample

GOAL_SECONDS = 2.0
GOAL_SIZE = (5000, 8)
WARM_UP = SimulationOptions(customers=100, quarters=4)


def main() -> int:
    """Simulate, write, print the figures."""
    arguments = _arguments()
    options = SimulationOptions(customers=arguments.customers, quarters=arguments.quarters)
    simulate(WARM_UP)
    makings = [_timed(lambda: simulate(options)) for _ in range(arguments.repeats)]
    seconds = min(taken for taken, _ in makings)
    simulation: Simulation = makings[0][1]
    with tempfile.TemporaryDirectory() as folder:
        writing, paths = _timed(lambda: write_sample(simulation, Path(folder)))
        size = sum(path.stat().st_size for path in paths)
    rows = sum(len(table) for table in simulation.tables.values())
    print(f"{arguments.customers:,} customers, {3 * arguments.quarters} months: {rows:,} rows,")
    print(f"  of which {len(simulation.tables['invoice_lines']):,} invoice lines")
    print(f"  simulate      {seconds:6.2f} CPU s")
    print(f"  write_sample  {writing:6.2f} CPU s, {size / 1e6:.1f} MB")
    is_goal = (arguments.customers, arguments.quarters) == GOAL_SIZE
    if is_goal:
        print(f"  goal: everything simulated within {GOAL_SECONDS:g} CPU s")
    return int(is_goal and seconds > GOAL_SECONDS)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=GOAL_SIZE[0])
    parser.add_argument("--quarters", type=int, default=GOAL_SIZE[1])
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.process_time()
    result = work()
    return time.process_time() - begin, result


if __name__ == "__main__":
    sys.exit(main())
