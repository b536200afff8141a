"""Reading of tables and number lists from outside, with the file and the line in every complaint.

The happy path is vectorised (pyarrow, numpy). Only when it has failed is the file walked line by line, to name the place. Archives are read in place: nothing
is extracted, executed or unpickled.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from dskreg.errors import InputError

Kind = Literal["whole", "number", "text"]
"""What a column holds: whole numbers (never empty), numbers (NaN where empty), text ("" where empty)."""

LARGEST = 4 << 30  # bytes after decompression; the full Kaggle set has 0.1 GB, so more is a mistake or a zip bomb
_ARROW: dict[Kind, pa.DataType] = {"whole": pa.int64(), "number": pa.float64(), "text": pa.string()}
_EXPECTED: dict[Kind, str] = {"whole": "a whole number", "number": "a number", "text": "text"}


@dataclass(frozen=True)
class Source:
    """The decompressed content of one file (checked: not empty, UTF-8 without byte-order mark) and the name that errors call it by."""

    name: str
    data: bytes

    def fail(self, line: int, column: str, expected: str, got: object = None) -> NoReturn:
        """Raise InputError naming the place; `line` 0 and `column` "" leave their part out."""
        place = self.name + (f", line {line}" if line else "") + (f", column {column}" if column else "")
        raise InputError(f"{place}: expected {expected}" + ("" if got is None else f" (got {_short(got)})"))


def _short(value: object) -> str:
    text = value if isinstance(value, str) else str(value)
    return repr(text if len(text) <= 100 else text[:100] + "...")


def open_source(path: Path) -> Source:
    """The content of a plain or `.gz` file; raises InputError where it is missing, unreadable, truncated, empty or not UTF-8."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            return _checked(path.name, stream)
    except FileNotFoundError:
        raise InputError(f"{path}: expected a file, found none") from None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise InputError(f"{path.name}: expected a complete gzip file (it is truncated or damaged)") from None
    except OSError as error:
        raise InputError(f"{path}: expected a readable file ({error.strerror})") from None


def open_member(archive: Path, wanted: str) -> Source | None:
    """The member of a zip whose base name is `wanted` (the one least deep), or None; raises InputError for a damaged archive."""
    try:
        with zipfile.ZipFile(archive) as file:
            names = [name for name in file.namelist() if name.rsplit("/", 1)[-1] == wanted]
            if not names:
                return None
            with file.open(min(names, key=lambda name: name.count("/"))) as stream:
                return _checked(f"{archive.name}/{wanted}", stream)
    except (zipfile.BadZipFile, EOFError, zlib.error):
        raise InputError(f"{archive.name}: expected a complete zip file (it is truncated or damaged)") from None
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or a compression that Python lacks
        raise InputError(f"{archive.name}: expected a zip file without password ({error})") from None
    except OSError as error:
        raise InputError(f"{archive}: expected a readable file ({error.strerror or error})") from None


def _checked(name: str, stream: IO[bytes] | gzip.GzipFile) -> Source:
    data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise InputError(f"{name}: expected at most {LARGEST:,} bytes")
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise InputError(f"{name}: expected data, found an empty file")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}, line {line}: expected UTF-8 text (got byte 0x{data[error.start]:02x} at position {error.start})") from None
    return Source(name, data)


def header(source: Source, delimiter: str = ",") -> list[str]:
    """The column names; raises InputError where one is repeated."""
    names = next(_records(source, delimiter))[1]
    for name in names:
        if names.count(name) > 1:
            source.fail(1, "", f"each column once, but {name!r} is there {names.count(name)} times")
    return names


def table(source: Source, kinds: Mapping[str, Kind], delimiter: str = ",") -> pd.DataFrame:
    """The columns named in `kinds`, in that order and of these kinds; other columns are ignored.

    A comma-separated file may quote its fields (also over several lines); a tab-separated one has no quotes, as RecBole writes it.

    Raises:
        InputError: A column is missing, a row has too few or too many fields, or a field is not of its kind.
    """
    names = header(source, delimiter)
    for name in kinds:
        if name not in names:
            source.fail(1, "", f"the column {name!r}", ", ".join(names))
    quoted = delimiter == ","
    # Splitting at newlines inside quotes costs the parallel reading, so it is asked for only where quotes exist.
    parse = pa.csv.ParseOptions(delimiter=delimiter, quote_char='"' if quoted else False, newlines_in_values=quoted and b'"' in source.data)
    convert = pa.csv.ConvertOptions(column_types={name: _ARROW[kind] for name, kind in kinds.items()}, include_columns=list(kinds), null_values=[""])
    try:
        found = pa.csv.read_csv(pa.BufferReader(source.data), parse_options=parse, convert_options=convert)
    except pa.ArrowInvalid as error:
        _explain(source, kinds, delimiter, str(error))
    if any(found.column(name).null_count for name, kind in kinds.items() if kind == "whole"):
        _explain(source, kinds, delimiter, "a number is missing")
    return found.to_pandas()


def require(source: Source, ok: np.ndarray | pd.Series, column: str, expected: str, delimiter: str = ",") -> None:
    """Raise InputError with line and value of the first row of the table for which `ok` is false."""
    if not np.all(ok):
        line, fields = _row(source, int(np.argmin(ok)), delimiter)
        source.fail(line, column, expected, fields[header(source, delimiter).index(column)])


def _row(source: Source, index: int, delimiter: str) -> tuple[int, list[str]]:
    records = _records(source, delimiter)
    for _ in range(index + 1):
        next(records)
    return next(records)


def _records(source: Source, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line on which the record starts, its fields), the header first, blank lines left out as pyarrow does."""
    lines = io.StringIO(source.data.decode("utf-8"), newline="")
    reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE)
    start = 1
    try:
        for fields in reader:
            if fields:
                yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        source.fail(start, "", f"a row of fields ({error})")


def _explain(source: Source, kinds: Mapping[str, Kind], delimiter: str, reason: str) -> NoReturn:
    """Find the row that pyarrow refused and raise the error for it."""
    records = _records(source, delimiter)
    names = next(records)[1]
    checked = [(names.index(name), name, kind) for name, kind in kinds.items() if kind != "text"]
    for line, fields in records:
        if len(fields) != len(names):
            source.fail(line, "", f"{len(names)} fields", str(len(fields)))
        for index, name, kind in checked:
            if not _is_of(kind, fields[index]):
                source.fail(line, name, _EXPECTED[kind], fields[index])
    raise InputError(f"{source.name}: expected a table with the columns {', '.join(kinds)} ({reason.splitlines()[0]})")


def _is_of(kind: Kind, field: str) -> bool:
    """Whether pyarrow reads `field` as a value of `kind`; Python alone would take digits of other scripts and underscores."""
    if not field.isascii() or "_" in field:
        return False
    try:
        if kind == "whole":
            return -(2**63) <= int(field) < 2**63
        float(field or "0")
        return True
    except ValueError:
        return False


def whole_numbers(source: Source) -> tuple[np.ndarray, np.ndarray]:
    """All numbers of a file that holds nothing but whole numbers >= 0, blanks and line ends.

    Returns:
        `[n]` int64 values and `[n]` their 1-based lines.
    """
    data = np.frombuffer(source.data, np.uint8)
    digit = (data >= ord("0")) & (data <= ord("9"))
    stray = ~(digit | np.isin(data, list(b" \t\r\n")))
    edges = np.flatnonzero(np.diff(digit, prepend=False, append=False))
    starts, ends = edges[::2], edges[1::2]
    long = ends - starts > 18  # would not fit int64
    if stray.any() or long.any():
        at = int(np.argmax(stray)) if stray.any() else int(starts[np.argmax(long)])
        before = source.data.count(b"\n", 0, at)
        line = source.data.split(b"\n")[before].decode().strip("\r")
        source.fail(before + 1, "", "whole numbers >= 0", next((word for word in line.split(" ") if not re.fullmatch(r"\d{0,18}", word, re.ASCII)), line))
    lines = np.cumsum(data == ord("\n"))[starts] + 1
    return np.fromstring(source.data, dtype=np.int64, sep=" "), lines
