"""What a load tells about itself: rows and money of every file, and every rule that it applied."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from analysis.core.files import read_json

REPORT_FILE = "load.json"
ZERO = Decimal("0.0000")


@dataclass(frozen=True)
class Counts:
    """Rows and their money: read = kept + rejected + merged, both to the last digit.

    Money is in company currency, of rows where it can be told; rows of tables without an amount,
    and rows whose amount cannot be read, add none.
    """

    rows_read: int = 0
    rows_kept: int = 0
    rows_rejected: int = 0
    rows_merged: int = 0
    money_read: Decimal = ZERO
    money_kept: Decimal = ZERO
    money_rejected: Decimal = ZERO
    money_merged: Decimal = ZERO

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Counts)))

    @property
    def is_balanced(self) -> bool:
        rows = self.rows_kept + self.rows_rejected + self.rows_merged
        money = self.money_kept + self.money_rejected + self.money_merged
        return rows == self.rows_read and money == self.money_read


@dataclass(frozen=True)
class FileReport:
    """What became of one file (or sheet) in one table.

    `repeats` names the table that counts the same rows already: such a report is left out of
    totals.
    """

    source: str
    file: str
    table: str
    sha256: str
    counts: Counts
    blank_rows: int = 0
    columns: dict[str, str] | None = None  # ours -> the file's
    unused_columns: tuple[str, ...] = ()
    repeats: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class KindReport:
    """The invoice lines of one kind, of all periods."""

    kind: str
    rows: int
    amount: Decimal
    is_revenue: bool


@dataclass(frozen=True)
class Spelling:
    """A stated rule that changed what a source wrote, and how often."""

    rule: str
    found: str
    used: str
    rows: int


@dataclass(frozen=True)
class Unmatched:
    """A customer of a source whom customer_links does not know."""

    source_system: str
    source_id: str
    rows: int
    amount: Decimal


@dataclass(frozen=True)
class Merged:
    """Rows of one table that a stated rule merged into others."""

    table: str
    reason: str
    rows: int
    amount: Decimal


@dataclass(frozen=True)
class Portion:
    """Some rows and their money."""

    rows: int = 0
    amount: Decimal = ZERO


@dataclass(frozen=True)
class LoadReport:
    """The whole of one load, saved as load.json beside the tables."""

    snapshot: str
    sources: tuple[str, ...]
    files: tuple[FileReport, ...]
    table_rows: dict[str, int]
    kinds: tuple[KindReport, ...] = ()
    exact_duplicates: Portion = Portion()
    are_duplicates_removed: bool = False
    lines_without_customer: Portion = Portion()
    merged: tuple[Merged, ...] = ()
    unmatched_customers: tuple[Unmatched, ...] = ()
    spellings: tuple[Spelling, ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    notes: tuple[str, ...] = ()

    @property
    def totals(self) -> Counts:
        """Rows of all files, each raw row once, and the money of `money_table`.

        Money of different tables is never added: a deal's value is no revenue.
        """
        rows = self.counts_of(f for f in self.files if not f.repeats)
        money = self.counts_of(f for f in self.files if f.table == self.money_table)
        names = ("money_read", "money_kept", "money_rejected", "money_merged")
        return replace(rows, **{name: getattr(money, name) for name in names})

    @property
    def money_table(self) -> str:
        """The table whose money totals state: invoice lines, where there are any."""
        tables = {file.table for file in self.files}
        return "invoice_lines" if "invoice_lines" in tables else "opportunities"

    @staticmethod
    def counts_of(files: Iterable[FileReport]) -> Counts:
        """Return the sum over files."""
        return sum((file.counts for file in files), Counts())

    def record(self) -> dict[str, Any]:
        """Return the report as JSON can hold it; money as text, so that it stays exact."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "LoadReport":
        """Return the report that `record` made."""
        return cls(
            **record
            | {
                "sources": tuple(record["sources"]),
                "files": tuple(_file(f) for f in record["files"]),
                "kinds": tuple(KindReport(**_exact(k)) for k in record["kinds"]),
                "exact_duplicates": Portion(**_exact(record["exact_duplicates"])),
                "lines_without_customer": Portion(**_exact(record["lines_without_customer"])),
                "merged": tuple(Merged(**_exact(m)) for m in record["merged"]),
                "unmatched_customers": tuple(
                    Unmatched(**_exact(u)) for u in record["unmatched_customers"]
                ),
                "spellings": tuple(Spelling(**s) for s in record["spellings"]),
                "first_day": _day(record["first_day"]),
                "last_day": _day(record["last_day"]),
                "notes": tuple(record["notes"]),
            }
        )


def read_report(snapshot_dir: Path) -> LoadReport:
    """Return the report of the load that made this snapshot."""
    return LoadReport.from_record(read_json(snapshot_dir / REPORT_FILE))


def _file(record: dict[str, Any]) -> FileReport:
    counts = {k: Decimal(v) if k.startswith("money") else v for k, v in record["counts"].items()}
    return FileReport(
        **record
        | {
            "counts": Counts(**counts),
            "unused_columns": tuple(record["unused_columns"]),
            "notes": tuple(record["notes"]),
        }
    )


def _exact(record: dict[str, Any]) -> dict[str, Any]:
    return record | {"amount": Decimal(record["amount"])}


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
