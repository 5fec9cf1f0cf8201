"""A project folder with raw files for tests of loading."""

import json
from pathlib import Path

import pandas as pd

from analysis.core.project import Project

LINES = """invoice_id,customer_id,product_id,invoiced_on,quantity,original_amount
1,C1,P1,2026-01-05,2,20.00
1,C1,P2,2026-01-05,1,5.50
2,C2,P1,2026-02-10,-1,-10.00
3,,P3,2026-03-31,4,40.25
"""


def make_project(
    folder: Path,
    files: dict[str, str | bytes],
    source: str = 'preset = "plain"',
    company: str = 'currency = "EUR"',
) -> Project:
    """Write files below data/raw and a project.toml with one source `erp`; return the project."""
    for name, content in files.items():
        path = folder / "data" / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    text = f"[company]\n{company}\n\n[sources.erp]\n{source}\n"
    (folder / "project.toml").write_text(text, encoding="utf-8")
    (folder / "data" / "raw").mkdir(parents=True, exist_ok=True)
    return Project(folder)


def loaded(project: Project, table: str = "invoice_lines") -> pd.DataFrame:
    """Return a table of the current snapshot: amounts as floats, missing text as None."""
    frame = pd.read_parquet(project.current_snapshot() / f"{table}.parquet")
    amounts = [column for column in frame.columns if column.endswith("amount")]
    frame = frame.astype(dict.fromkeys(amounts, "float64"))
    texts = frame.select_dtypes("str")
    return frame.assign(**texts.astype(object).where(texts.notna(), None))


def rejected(project: Project) -> list[dict[str, object]]:
    """Return the rejects of the current snapshot, the raw row as a dictionary."""
    frame = pd.read_parquet(project.current_snapshot() / "rejects.parquet")
    return [row | {"raw": json.loads(row["raw"])} for row in frame.to_dict("records")]
