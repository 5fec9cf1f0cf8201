"""Derived tables from 10 million lines of 50,000 customers: CPU beside a bare scan, and memory.

    python benchmarks/features.py [--lines 10000000] [--customers 50000] [--late 0.02]

Each measurement runs in a process of its own; CPU is user and system time of all its threads. The
bare scan reads the same columns of the same file with DuckDB and does the least that cannot be
answered from the file's statistics. The lines of an invoice lie far apart in the file, the worst
order for grouping. Exit code 1 when a goal is missed.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from analysis.core.project import Project
from analysis.features.engine import FeatureOptions, make_features

RATIO_GOAL = 30.0
MEMORY_GOAL_MB = 1024.0
THREADS = 2
PERIOD = "2025Q4"
QUARTERLY_TABLES = ("customer_periods", "customer_features")
# What known_lines.sql reads.
SCANNED = (
    "customer_id",
    "source_system",
    "invoice_id",
    "product_id",
    "invoiced_on",
    "kind",
    "quantity",
    "revenue_amount",
    "cost_amount",
    "known_at",
)


def main() -> int:
    """Generate the lines, measure each step in its own process, print the figures."""
    arguments = _arguments()
    if arguments.measure:
        print(json.dumps(_measure(arguments.measure, Path(arguments.folder))))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        file = _generate(Path(folder), arguments)
        print(f"{arguments.lines:,} lines of {arguments.customers:,} customers, {THREADS} threads,")
        print(f"{file.stat().st_size / 2**20:,.0f} MB of Parquet, {arguments.late:.0%} known late")
        measured = {
            step: _in_own_process(step, folder) for step in ("idle", "scan", "two tables", "all")
        }
    return _report(measured)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--customers", type=int, default=50_000)
    parser.add_argument("--lines-per-invoice", type=int, default=10)
    parser.add_argument("--late", type=float, default=0.02, help="share known after its day")
    parser.add_argument("--measure", default="", help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def _generate(folder: Path, arguments: argparse.Namespace) -> Path:
    """Write three years of lines: 2,000 products of uneven weight, customers of uneven size."""
    (folder / "project.toml").write_text('[company]\nname = "Benchmark"\n', encoding="utf-8")
    snapshot = Project(folder).tables / "generated"
    snapshot.mkdir(parents=True)
    file = snapshot / "invoice_lines.parquet"
    lines, documents = arguments.lines, arguments.lines // arguments.lines_per_invoice
    # hash() gives the same numbers in each run, whatever the threads.
    share = "(hash({}) % 1000000) / 1000000.0".format
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = {THREADS}")
        connection.execute(f"""
            COPY (
                SELECT
                    'I' || lpad(CAST(document AS VARCHAR), 8, '0') AS invoice_id,
                    line // {documents} + 1 AS line_no,
                    CASE WHEN hash(document, 1) % 50 > 0 THEN 'C' || lpad(CAST(CAST(
                        {arguments.customers} * pow({share("document, 2")}, 2) AS INT) AS VARCHAR
                    ), 7, '0') END AS customer_id,
                    'P' || CAST(CAST(2000 * pow({share("line, 3")}, 2) AS INT) AS VARCHAR)
                        AS product_id,
                    day AS invoiced_on,
                    CAST(CASE WHEN is_return THEN -1 ELSE 1 + hash(line, 4) % 9 END AS DOUBLE)
                        AS quantity,
                    CAST((CASE WHEN is_return THEN -1 ELSE 1 END) * (100 + hash(line, 5) % 99900)
                        / 100.0 AS DECIMAL(18, 4)) AS revenue_amount,
                    CAST((CASE WHEN is_return THEN -1 ELSE 1 END) * (50 + hash(line, 5) % 60000)
                        / 100.0 AS DECIMAL(18, 4)) AS cost_amount,
                    CAST(NULL AS VARCHAR) AS rep_id,
                    'EUR' AS currency,
                    revenue_amount AS original_amount,
                    CASE WHEN is_return THEN 'return' ELSE 'sale' END AS kind,
                    CASE WHEN hash(document, 6) % 10000 < {10000 * arguments.late}
                        THEN CAST(day AS TIMESTAMP) + INTERVAL 40 DAY END AS known_at,
                    'erp' AS source_system,
                    CAST(NULL AS VARCHAR) AS source_id
                FROM (
                    SELECT
                        line,
                        line % {documents} AS document,
                        DATE '2023-01-01'
                            + CAST((line % {documents}) * 1096 // {documents} AS INT) AS day,
                        hash(line % {documents}, 7) % 25 = 0 AS is_return
                    FROM range({lines}) AS t(line)
                )
            ) TO '{file}' (FORMAT parquet, COMPRESSION zstd)""")
    return file


def _in_own_process(step: str, folder: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", step, "--folder", folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def _measure(step: str, folder: Path) -> dict[str, float]:
    project = Project(folder)
    snapshot = project.tables / "generated"
    before, started = _cpu_seconds(), time.perf_counter()
    if step == "scan":
        _scan(snapshot / "invoice_lines.parquet")
    elif step != "idle":
        tables = {"tables": QUARTERLY_TABLES} if step == "two tables" else {}
        options = FeatureOptions(threads=THREADS, **tables)
        make_features(project, snapshot, project.calendar.parse(PERIOD), options)
    return {
        "cpu": _cpu_seconds() - before,
        "wall": time.perf_counter() - started,
        # Linux counts in kilobytes.
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _scan(file: Path) -> None:
    # COUNT, MIN and MAX come from the statistics in the file; LAST must read the values.
    seen = ", ".join(f"LAST({name})" for name in SCANNED)
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = {THREADS}")
        connection.execute(f"SELECT {seen} FROM read_parquet('{file}')").fetchall()


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _report(measured: dict[str, dict[str, float]]) -> int:
    print(f"\n{'':14}{'CPU s':>8}{'wall s':>8}{'x scan':>8}{'peak MB':>9}")
    for step, figures in measured.items():
        ratio = figures["cpu"] / measured["scan"]["cpu"]
        print(
            f"{step:14}{figures['cpu']:8.2f}{figures['wall']:8.2f}"
            f"{ratio:8.1f}{figures['megabytes']:9.0f}"
        )
    ratio = measured["two tables"]["cpu"] / measured["scan"]["cpu"]
    peak = max(measured[step]["megabytes"] for step in ("two tables", "all"))
    met = ratio <= RATIO_GOAL and peak <= MEMORY_GOAL_MB
    print(f"\ngoal: two tables at most {RATIO_GOAL:.0f} times the scan: {ratio:.1f}")
    print(f"goal: peak at most {MEMORY_GOAL_MB:.0f} MB, all tables: {peak:.0f}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
