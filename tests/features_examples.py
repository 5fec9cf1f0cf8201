"""Snapshots made of literal invoice lines, and the derived tables computed again the slow way."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.core.project import Project
from analysis.core.tables import Kind, Table
from analysis.core.tables_customers import CUSTOMERS, INVOICE_LINES, PRODUCTS
from analysis.features.engine import MADE_TABLES, FeatureOptions, make_features, read_table

_ARROW_TYPES: dict[Kind, pa.DataType] = {
    "id": pa.string(),
    "text": pa.string(),
    "day": pa.date32(),
    "moment": pa.timestamp("us"),
    "count": pa.int64(),
    "number": pa.float64(),
    "amount": pa.decimal128(18, 4),
    "flag": pa.bool_(),
}


@dataclass(frozen=True)
class Line:
    """An invoice line; what a test does not care about has a plain value."""

    customer_id: str | None
    invoice_id: str
    invoiced_on: str
    amount: str
    kind: str = "sale"
    known_at: str | None = None
    cost: str | None = None
    product_id: str | None = "tea"
    quantity: float | None = 1.0
    source_system: str = "till"
    rep_id: str | None = None

    @property
    def day(self) -> date:
        return date.fromisoformat(self.invoiced_on)

    @property
    def known_on(self) -> date:
        known = datetime.fromisoformat(self.known_at).date() if self.known_at else self.day
        return max(self.day, known)

    def record(self, line_no: int) -> dict[str, object]:
        return {
            "customer_id": self.customer_id,
            "invoice_id": self.invoice_id,
            "line_no": line_no,
            "product_id": self.product_id,
            "invoiced_on": self.day,
            "quantity": self.quantity,
            "revenue_amount": Decimal(self.amount),
            "cost_amount": None if self.cost is None else Decimal(self.cost),
            "currency": "EUR",
            "original_amount": Decimal(self.amount),
            "kind": self.kind,
            "known_at": datetime.fromisoformat(self.known_at) if self.known_at else None,
            "source_system": self.source_system,
            "rep_id": self.rep_id,
        }


def project_in(folder: Path, settings: str = "") -> Project:
    """Make a project folder with this text behind its [company] section."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "project.toml").write_text(f"[company]\n{settings}\n", encoding="utf-8")
    return Project(folder)


def snapshot_of(
    project: Project,
    lines: Sequence[Line],
    *,
    customers: Sequence[dict[str, object]] = (),
    products: Sequence[dict[str, object]] = (),
) -> Path:
    """Write a snapshot as `load` does: other rows, other name; a table without rows is no file."""
    name = hashlib.sha256(repr((lines, customers, products)).encode()).hexdigest()[:16]
    folder = project.tables / name
    folder.mkdir(parents=True, exist_ok=True)
    records = [line.record(number) for number, line in enumerate(lines, 1)]
    _write(records, INVOICE_LINES, folder)
    if customers:
        _write(customers, CUSTOMERS, folder)
    if products:
        _write(products, PRODUCTS, folder)
    return folder


def features_of(
    project: Project, lines: Sequence[Line], period: str, **options: object
) -> dict[str, pd.DataFrame]:
    """Make and read all derived tables, with the key as index."""
    snapshot = snapshot_of(project, lines)
    named = project.calendar.parse(period)
    folder = make_features(project, snapshot, named, FeatureOptions(**options))
    return {name: read_table(folder, name) for name in MADE_TABLES}


def _write(records: Sequence[dict[str, object]], table: Table, folder: Path) -> None:
    schema = pa.schema([(c.name, _ARROW_TYPES[c.kind]) for c in table.columns])
    pq.write_table(pa.Table.from_pylist(list(records), schema), folder / f"{table.name}.parquet")
