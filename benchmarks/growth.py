"""The whole growth step at several sizes: CPU seconds, peak memory, and how they grow with size.

    python benchmarks/growth.py [--customers 5000 500000] [--without-products] [--keep FOLDER]

A company of that many customers is generated (three years, about 6 order days and 13 lines each,
48 products in 8 categories), its derived tables are made, and `growth` is called as its notebook
calls it, with products and a target, in a process of its own. CPU is user and system time of all
threads; making the tables and reading them are shown beside, not counted in. Peak memory is that of
the whole process, libraries and tables included. Exit code 1 when time grows with a greater
exponent than the goal.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis.core.project import Project
from analysis.core.scope import Scope
from analysis.customers.growth import growth
from analysis.customers.growth_offers import SoldProducts
from analysis.customers.growth_targets import TargetsAsked
from analysis.features.engine import make_features, read_table

EXPONENT_GOAL = 1.1
PERIOD = "2025Q4"
FIRST_DAY = np.datetime64("2023-01-01")
DAYS = 1096
PRODUCTS, CATEGORIES = 48, 8
REGIONS, INDUSTRIES = 12, 8
STEPS = ("features", "read", "growth")


def main() -> int:
    """Measure every size and print the figures."""
    arguments = _arguments()
    if arguments.measure:
        print(json.dumps(_measure(arguments)))
        return 0
    print(f"{'customers':>10}{'lines':>12}" + "".join(f"{s + ' CPU s':>16}" for s in STEPS), end="")
    print(f"{'growth wall s':>16}{'peak MB':>9}")
    found = [_of_size(customers, arguments) for customers in arguments.customers]
    if len(found) < 2:
        return 0
    (small, first), *_, (large, last) = zip(arguments.customers, found, strict=True)
    exponent = math.log(last / first) / math.log(large / small)
    print(f"\ngoal: exponent at most {EXPONENT_GOAL}, {small:,} to {large:,}: {exponent:.2f}")
    return int(exponent > EXPONENT_GOAL)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--customers", type=int, nargs="+", default=[5_000, 500_000])
    parser.add_argument("--without-products", action="store_true")
    parser.add_argument("--keep", default="", help="folder to make the companies in, and leave")
    parser.add_argument(
        "--measure", choices=("generate", "features", "growth"), help=argparse.SUPPRESS
    )
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def _of_size(customers: int, arguments: argparse.Namespace) -> float:
    """Print one line and return the CPU seconds of growth."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(arguments.keep or scratch) / str(customers)
        if not folder.exists():
            _in_own_process("generate", folder, arguments)
        lines = pq.ParquetFile(_snapshot(folder) / "invoice_lines.parquet").metadata.num_rows
        print(f"{customers:>10,}{lines:>12,}", end="", flush=True)
        seen = _in_own_process("features", folder, arguments)
        seen |= _in_own_process("growth", folder, arguments)
    print("".join(f"{seen[step]:>16.1f}" for step in STEPS), end="")
    print(f"{seen['wall']:>16.1f}{seen['megabytes']:>9.0f}", flush=True)
    return seen["growth"]


def _in_own_process(step: str, folder: Path, arguments: argparse.Namespace) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", step, "--folder", str(folder)]
    command += ["--without-products"] if arguments.without_products else []
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def _measure(arguments: argparse.Namespace) -> dict[str, float]:
    if arguments.measure == "generate":
        generate(Path(arguments.folder), int(Path(arguments.folder).name))
        return {}
    project = Project(Path(arguments.folder))
    period = project.calendar.parse(PERIOD)
    began = _cpu_seconds()
    if arguments.measure == "features":
        make_features(project, _snapshot(project.root), period)
        return {"features": _cpu_seconds() - began}
    made = project.features_dir(_snapshot(project.root).name, period)
    names = ("customer_features", "backtest_origins", "company_days")
    tables = [read_table(made, name) for name in names]
    sold = None if arguments.without_products else _sold(project, made)
    read, started = _cpu_seconds() - began, time.perf_counter()
    asked = TargetsAsked(company_amount=float(tables[0]["revenue_quarter_amount"].sum() * 1.02))
    result = growth(*tables, sold, asked, scope=Scope(period, project.calendar))
    if len(result.tables.get("customer_growth", ())) != len(tables[0]):
        raise SystemExit(f"no forecast for every customer: {result.headline}")
    return {
        "read": read,
        "growth": _cpu_seconds() - began - read,
        "wall": time.perf_counter() - started,
        # Linux counts in kilobytes.
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _sold(project: Project, made: Path) -> SoldProducts:
    return SoldProducts(
        read_table(made, "customer_products"),
        read_table(made, "customer_categories"),
        pd.read_parquet(_snapshot(project.root) / "products.parquet"),
    )


def _snapshot(folder: Path) -> Path:
    return Project(folder).tables / "generated"


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def generate(folder: Path, customers: int) -> None:
    """Write a company: customers of uneven size who buy, change their mix little, and leave."""
    folder.mkdir(parents=True)
    (folder / "project.toml").write_text('[company]\nname = "Benchmark"\n', encoding="utf-8")
    snapshot = _snapshot(folder)
    snapshot.mkdir(parents=True)
    random = np.random.default_rng(customers)
    numbers = np.arange(customers)
    pq.write_table(
        pa.table(
            {
                "customer_id": _ids("C", numbers),
                "customer_name": _ids("Customer ", numbers),
                "business_model": pa.repeat("b2b", customers),
                "industry": _ids("industry ", random.integers(INDUSTRIES, size=customers)),
                "region_id": _ids("R", random.integers(REGIONS, size=customers)),
                "employee_count": random.integers(1, 500, customers),
            }
        ),
        snapshot / "customers.parquet",
    )
    products = np.arange(PRODUCTS)
    pq.write_table(
        pa.table(
            {
                "product_id": _ids("P", products),
                "product_name": _ids("Product ", products),
                "product_category": _ids("range ", products % CATEGORIES),
            }
        ),
        snapshot / "products.parquet",
    )
    _write_lines(snapshot / "invoice_lines.parquet", customers, random)


def _write_lines(file: Path, customers: int, random: np.random.Generator) -> None:
    """Write the lines, some customers at a time, so that memory stays low."""
    writer, written = None, 0
    for first in range(0, customers, 250_000):
        lines = _lines(np.arange(first, min(first + 250_000, customers)), written, random)
        writer = writer or pq.ParquetWriter(file, lines.schema, compression="zstd")
        writer.write_table(lines)
        written += len(lines)
    writer.close()


def _lines(numbers: np.ndarray, written: int, random: np.random.Generator) -> pa.Table:
    """Return the lines of these customers; documents are numbered on from those written."""
    count = len(numbers)
    start = np.where(random.random(count) < 0.3, 0, random.random(count)) * (DAYS - 1)
    stays = np.minimum(random.exponential(500, count), DAYS - start)
    orders = 1 + random.poisson(random.gamma(1.2, 1 / 75, count) * stays)
    level = random.lognormal(4, 1, count)
    owner = np.repeat(np.arange(count), orders)
    later = random.random(len(owner)) * stays[owner]
    later[np.cumsum(orders) - orders] = 0  # the first order is at the start
    day = (start[owner] + later).astype(int)
    per_order = random.integers(1, 4, len(owner))
    order = np.repeat(np.arange(len(owner)), per_order)
    line_no = np.arange(len(order)) - np.repeat(np.cumsum(per_order) - per_order, per_order) + 1
    buyer, is_return = owner[order], random.random(len(order)) < 0.02
    # A customer's lines are mostly of his own dozen of products.
    product = (buyer * 7 + (random.random(len(order)) ** 2 * 16).astype(int)) % PRODUCTS
    cents = np.ceil(level[buyer] * random.lognormal(4, 0.6, len(order))).astype(np.int64)
    revenue = _money(np.where(is_return, -cents, cents))
    return pa.table(
        {
            "invoice_id": _ids("I", written + order),
            "line_no": line_no,
            "customer_id": _ids("C", numbers[buyer]),
            "product_id": _ids("P", product),
            "invoiced_on": pa.array(FIRST_DAY + day[order], pa.date32()),
            "quantity": np.where(is_return, -1.0, 1.0),
            "revenue_amount": revenue,
            "cost_amount": _money(np.where(is_return, -cents, cents) * 6 // 10),
            "currency": pa.repeat("EUR", len(order)),
            "original_amount": revenue,
            "kind": pa.array(np.where(is_return, "return", "sale")),
            "source_system": pa.repeat("erp", len(order)),
        }
    )


def _ids(prefix: str, numbers: np.ndarray) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")


def _money(cents: np.ndarray) -> pa.Array:
    return pc.multiply(pa.array(cents), pa.scalar(Decimal("0.01"))).cast(pa.decimal128(18, 4))


if __name__ == "__main__":
    sys.exit(main())
