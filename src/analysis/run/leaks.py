"""A Result is written by its notebook's kernel, which knows no secret; so it is looked through."""

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.core.result import result_exists
from analysis.core.secrets import has_any, secret_in


def refuse_secrets(folder: Path) -> str:
    """Remove a Result that holds a secret and return why; empty text where there is nothing."""
    if not has_any() or not result_exists(folder):
        return ""
    name = next(filter(None, map(_secret_of, sorted(folder.iterdir()))), "")
    if not name:
        return ""
    shutil.rmtree(folder)
    return f"its Result held the value of the secret variable {name} and was removed"


def _secret_of(path: Path) -> str:
    if path.suffix == ".parquet":
        return secret_in("\n".join(_texts(pq.read_table(path))))
    return secret_in(path.read_text(encoding="utf-8"))


def _texts(table: pa.Table) -> list[str]:
    """Return everything in the columns of text, once each."""
    found = list(table.column_names)
    for column in table.columns:
        flat = column.combine_chunks()
        while pa.types.is_list(flat.type) or pa.types.is_large_list(flat.type):
            flat = flat.flatten()
        if pa.types.is_dictionary(flat.type):
            flat = flat.dictionary_decode()
        if pa.types.is_string(flat.type) or pa.types.is_large_string(flat.type):
            found += [text for text in flat.unique().to_pylist() if text]
    return found
