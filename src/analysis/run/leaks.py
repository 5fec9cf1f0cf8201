"""A Result is written by its notebook's kernel, which knows no secret; so it is looked through."""

import shutil
import zipfile
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.core.problems import Problem
from analysis.core.result import result_exists
from analysis.core.secrets import has_any, redacted, secret_in


def refuse_secrets(folder: Path) -> str:
    """Remove a Result that holds a secret and return why; empty text where there is nothing."""
    if not has_any() or not result_exists(folder):
        return ""
    name = next(filter(None, map(_secret_of, sorted(folder.iterdir()))), "")
    if not name:
        return ""
    shutil.rmtree(folder)
    return f"its Result held the value of the secret variable {name} and was removed"


def secret_problems(folder: Path) -> list[Problem]:
    """Remove every file below a folder that holds a secret, and return a problem for each.

    Notebooks may write files of their own into the folder of their run; whatever is put in place
    was looked through here, archives (workbooks) part by part.
    """
    problems = []
    for path in sorted(folder.rglob("*")) if has_any() else ():
        if path.is_file() and (name := _secret_of(path) or secret_in(path.name)):
            path.unlink()
            where = f"file {path.relative_to(folder).as_posix()}"
            found = f"the value of the secret variable {name}; the file was removed"
            mend = "change the notebook that writes it, and the secret: it may have been read"
            problems.append(Problem(redacted(where), found, "no secret in what is kept", mend))
    return problems


def _secret_of(path: Path) -> str:
    if path.suffix == ".parquet":
        with suppress(pa.ArrowException):  # else by its bytes, whatever it is
            return secret_in("\n".join(_texts(pq.read_table(path))))
    if zipfile.is_zipfile(path):
        with suppress(zipfile.BadZipFile, RuntimeError), zipfile.ZipFile(path) as archive:
            parts = (archive.read(part).decode("utf-8", "ignore") for part in archive.namelist())
            return next(filter(None, map(secret_in, parts)), "")
    return secret_in(path.read_bytes().decode("utf-8", "ignore"))


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
