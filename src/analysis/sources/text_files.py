"""How a text file is written: encoding, delimiter, header; and its records as Arrow batches.

Every record keeps its number (the header is 1, as a spreadsheet counts), blank ones included, so
that a rejected row can be found again. A record with too many or too few fields is kept aside.
"""

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from analysis.core.problems import InputError, Problem

WHITESPACE = "whitespace"
_DELIMITERS = (",", ";", "\t", "|")
_CHUNK = 1 << 20
_BLOCK = 1 << 22
_MAGIC = {b"PK\x03\x04": "a zip archive or Excel file", b"PAR1": "a Parquet file", b"%PDF": "a PDF"}
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))


@dataclass(frozen=True)
class TextShape:
    """What was found out about a text file before its records are read."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    skipped_lines: int  # lines before the first record below the header
    skipped_records: int  # records before it: blank ones, `sep=;` and the header
    ends_in_quotes: bool  # an odd number of quotation marks
    has_records: bool = True  # anything below the header


@dataclass
class Ragged:
    """Records whose number of fields is not that of the header."""

    rows: list[tuple[int, int, str]] = field(default_factory=list)  # number, fields, text
    blank: list[int] = field(default_factory=list)  # numbers of lines that hold blanks only


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def examine(path: Path, where: str, *, encoding: str = "", delimiter: str = "") -> TextShape:
    """Return how the file is written; InputError when it is empty or no text."""
    if len(delimiter) > 1 and delimiter != WHITESPACE:
        raise InputError(_wrong_delimiter(where, delimiter))
    found, quotes = _scan(path, where, encoding)
    with path.open("r", encoding=found, newline="") as file:
        start = file.read(_CHUNK)
    if not start.strip():
        raise InputError(_empty(where))
    lines, records, start = _skip_before_header(start)
    announced = re.match(r"sep=(.)\r?\n", start)
    if announced:
        delimiter = delimiter or announced[1]
        start = start[announced.end() :]
        lines, records = lines + 1, records + 1
    delimiter = delimiter or _sniff(start)
    try:
        header, used, is_all = _header(start, delimiter)
    except csv.Error as error:
        raise InputError(_binary(where, f"a first line that is no header ({error})")) from None
    has_records = not is_all or path.stat().st_size > _CHUNK
    odd = quotes % 2 == 1
    return TextShape(found, delimiter, header, lines + used, records + 1, odd, has_records)


def _scan(path: Path, where: str, encoding: str) -> tuple[str, int]:
    """Read all bytes once: is it text, in which encoding, how many quotation marks."""
    with path.open("rb") as file:
        first = file.read(_CHUNK)
        if not first:
            raise InputError(_empty(where))
        found = encoding or _by_mark(first)
        if not found:
            _refuse_binary(first, where)
        quotes, chunk = 0, first
        try:
            decoder = codecs.getincrementaldecoder(found or "utf-8")()
            while chunk:
                decoder.decode(chunk)
                quotes += chunk.count(b'"')
                chunk = file.read(_CHUNK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            return _second_choice(path, where, found, error), quotes
        except LookupError:
            raise InputError(_wrong_encoding(where, found, "no such encoding")) from None
    return found or "utf-8", quotes


def _by_mark(first: bytes) -> str:
    if first.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    is_wide = first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return "utf-16" if is_wide else ""


def _second_choice(path: Path, where: str, found: str, error: UnicodeDecodeError) -> str:
    """What is no UTF-8 is Windows-1252, the other usual encoding, if all bytes exist in it."""
    if found:
        raise InputError(_wrong_encoding(where, found, str(error)))
    decoder = codecs.getincrementaldecoder("cp1252")()
    controls = total = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                raise InputError(_wrong_encoding(where, "utf-8 or cp1252", str(error))) from None
            controls += len(chunk) - len(chunk.translate(None, _CONTROL))
            total += len(chunk)
    if controls > total / 1000:
        raise InputError(_binary(where, "binary data"))
    return "cp1252"


def _refuse_binary(first: bytes, where: str) -> None:
    for magic, what in _MAGIC.items():
        if first.startswith(magic):
            raise InputError(_binary(where, what))
    if b"\0" in first:
        raise InputError(_binary(where, "binary data (zero bytes)"))


def _binary(where: str, found: str) -> Problem:
    mend = "export it again as text, or give the file the ending of what it is"
    return Problem(where, found, "a text file with a header line", mend)


def _wrong_encoding(where: str, encoding: str, found: str) -> Problem:
    return Problem(
        where,
        found,
        f"text in {encoding}",
        "export it as UTF-8, or set `encoding` of its source in project.toml",
    )


def _wrong_delimiter(where: str, delimiter: str) -> Problem:
    return Problem(
        where,
        f"the delimiter {delimiter!r}",
        "one sign, or `whitespace` for columns parted by blanks",
        "correct `delimiter` of its source in project.toml",
    )


def _empty(where: str) -> Problem:
    return Problem(
        where, "an empty file", "a header line and rows", "export it again, or remove the file"
    )


def _skip_before_header(start: str) -> tuple[int, int, str]:
    blank = re.match(r"([ \t]*(\r\n|\n|\r))*", start)
    count = len(re.findall(r"\r\n|\n|\r", blank[0])) if blank else 0
    return count, count, start[blank.end() :] if blank else start


def _sniff(start: str) -> str:
    """The delimiter that gives the most fields in the header, as many as in the rows below."""
    return max(_DELIMITERS, key=lambda d: _agreement(start, d))


def _agreement(start: str, delimiter: str) -> tuple[float, int]:
    records = [r for r in _first_records(start, delimiter) if r]
    width = len(records[0])
    if width == 1:
        return 0.0, 1
    return sum(len(r) == width for r in records) / len(records), width


def _first_records(start: str, delimiter: str, most: int = 50) -> list[list[str]]:
    reader = csv.reader(io.StringIO(start), delimiter=delimiter)
    records = []
    try:
        for record in reader:
            records.append(record)
            if len(records) > most:
                break
    except csv.Error:
        pass
    # The last record may be cut off by the end of the chunk.
    return records[:-1] if len(records) > 1 else records or [[""]]


def _header(start: str, delimiter: str) -> tuple[tuple[str, ...], int, bool]:
    """Return the column names, how many lines they take, and whether nothing comes below."""
    if delimiter == WHITESPACE:
        first, *rest = start.splitlines()
        return tuple(first.split()), 1, not rest
    text = io.StringIO(start, newline="")
    reader = csv.reader(text, delimiter=delimiter)
    names = tuple(n.strip().lstrip("\ufeff") for n in next(reader))
    return names, reader.line_num, not text.read(1)


def records(path: Path, shape: TextShape, ragged: Ragged) -> pa.RecordBatchReader:
    """Return the records as Arrow batches of text: row_number, c0, c1, ...; streaming."""
    names = [f"c{n}" for n in range(len(shape.header))]
    schema = pa.schema([("row_number", pa.int64()), *((n, pa.string()) for n in names)])
    return pa.RecordBatchReader.from_batches(schema, _batches(path, shape, names, ragged))


def _batches(
    path: Path, shape: TextShape, names: list[str], ragged: Ragged
) -> Iterator[pa.RecordBatch]:
    if not shape.has_records:
        return
    with path.open("rb") as file:
        try:
            reader = pc.open_csv(_bytes(file, shape), **_options(shape, names, ragged))
        except pa.ArrowInvalid as error:
            # pyarrow says so when there is no record below the header, or only ragged ones.
            if "Empty" in str(error):
                return
            raise
        next_number = shape.skipped_records + 1
        for batch in reader:
            numbers, next_number = _numbers(next_number, batch.num_rows, ragged)
            yield pa.RecordBatch.from_arrays(
                [pa.array(numbers, pa.int64()), *batch.columns], ["row_number", *names]
            )


def _bytes(file: BinaryIO, shape: TextShape) -> Any:
    return _Squeezed(file, shape.encoding) if shape.delimiter == WHITESPACE else file


def _options(shape: TextShape, names: list[str], ragged: Ragged) -> dict[str, Any]:
    def keep_aside(row: pc.InvalidRow) -> str:
        # pyarrow counts the lines that it skips as one record each, from 1.
        number = row.number - shape.skipped_lines + shape.skipped_records
        if row.text.strip():
            ragged.rows.append((number, row.actual_columns, row.text))
        else:
            ragged.blank.append(number)
        return "skip"

    is_squeezed = shape.delimiter == WHITESPACE
    return {
        "read_options": pc.ReadOptions(
            use_threads=False,  # row numbers need it
            block_size=_BLOCK,
            skip_rows=shape.skipped_lines,
            column_names=names,
            encoding="utf-8" if is_squeezed else shape.encoding,
        ),
        "parse_options": pc.ParseOptions(
            delimiter="\t" if is_squeezed else shape.delimiter,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=keep_aside,
        ),
        "convert_options": pc.ConvertOptions(
            column_types={n: pa.string() for n in names},
            strings_can_be_null=True,
            null_values=[""],
        ),
    }


def _numbers(start: int, count: int, ragged: Ragged) -> tuple[np.ndarray, int]:
    """Return the next `count` record numbers from `start` that ragged records do not have."""
    skipped = [*(n for n, _, _ in ragged.rows), *ragged.blank]
    aside = np.array([n for n in skipped if n >= start], dtype=np.int64)
    candidates = np.arange(start, start + count + len(aside), dtype=np.int64)
    free = candidates[~np.isin(candidates, aside)][:count]
    return free, int(free[-1]) + 1 if count else start


class _Squeezed(io.RawIOBase):
    """A file whose columns are parted by runs of blanks, read as if parted by one tab."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._lines = codecs.getreader(encoding)(file)
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            lines = self._lines.readlines(_CHUNK)
            if not lines:
                return 0
            self._left = "".join(_squeeze(line) for line in lines).encode()
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size


def _squeeze(line: str) -> str:
    return "\t".join(line.split()) + "\n"
