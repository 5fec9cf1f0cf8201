"""The simulated company as files: raw CSV in our own names, and the truth apart from them."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from analysis.core.dictionary import TABLES
from analysis.core.files import write_text
from analysis.core.project import SETTINGS_FILE

SETTINGS = """\
[company]
name = "Sample company"
currency = "EUR"
locale = "en_GB"
fiscal_year_start_month = 1

[sources.sample]
preset = "plain"
folder = "sample"
"""
# What the load fills in by itself: the source by its settings, the original amount and currency.
_FILLED = {"source_system", "source_id", "original_amount"}
_HOME_CURRENCY = "EUR"
_USUAL_KINDS = ("sale", "return")


def write_project(
    tables: Mapping[str, pd.DataFrame], truth: Mapping[str, pd.DataFrame], folder: Path
) -> list[Path]:
    """Write raw files, truth and, where there is none, project.toml; return the raw files."""
    raw, apart = folder / "data" / "raw" / "sample", folder / "truth"
    raw.mkdir(parents=True, exist_ok=True)
    apart.mkdir(parents=True, exist_ok=True)
    paths = [_write_csv(raw / f"{name}.csv", raw_table(name, tables[name])) for name in tables]
    for name, table in truth.items():
        table.to_parquet(apart / f"{name}.parquet", index=False)
    if not (folder / SETTINGS_FILE).exists():
        write_text(folder / SETTINGS_FILE, SETTINGS)
    return paths


def raw_table(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return a table as a source would hold it: without what the load derives, or is empty.

    Amounts stand in the currency of the line; the buyer's id is the source's own; a kind is
    written only where the sign of the line does not tell it.
    """
    left_out = set() if name == "customer_links" else set(_FILLED)
    if name == "invoice_lines":
        kind = table["kind"].mask(table["kind"].isin(_USUAL_KINDS))
        table = table.assign(customer_id=table["source_id"], kind=kind)
        left_out = {"source_system", "source_id", "line_no", "revenue_amount"}
    if "currency" in table and (table["currency"] == _HOME_CURRENCY).all():
        left_out.add("currency")
    kept = [c for c in table.columns if c not in left_out and not table[c].isna().all()]
    return table[kept]


def _write_csv(path: Path, table: pd.DataFrame) -> Path:
    """Write UTF-8 with plain line ends; Arrow writes what needs no quotes, pandas the rest."""
    arrow = pa.Table.from_pandas(_as_text(path.stem, table), preserve_index=False)
    try:
        with path.open("wb") as file:
            file.write((",".join(table.columns) + "\n").encode())
            options = arrow_csv.WriteOptions(include_header=False, quoting_style="none")
            arrow_csv.write_csv(arrow, file, options)
    except pa.ArrowInvalid:  # a text with a comma, a quote or a line end
        arrow.to_pandas().to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
    return path


def _as_text(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Days and moments in their shortest exact form; whole numbers without a point."""
    kinds = {column.name: column.kind for column in TABLES[name].columns}
    return table.assign(**{c: _text(table[c], kinds[c]) for c in table.columns})


def _text(values: pd.Series, kind: str) -> pd.Series:
    shapes = {"day": "%Y-%m-%d", "moment": "%Y-%m-%d %H:%M"}
    if kind in shapes:
        return _strings(pc.strftime(pa.array(values).cast(pa.timestamp("s")), shapes[kind]))
    if kind in ("number", "share", "amount"):
        text = pc.cast(pa.array(values, from_pandas=True), pa.string())
        return _strings(pc.replace_substring_regex(text, r"\.0$", ""))
    return values


def _strings(array: pa.Array) -> pd.Series:
    return pd.Series(pd.array(array, dtype="str"))
