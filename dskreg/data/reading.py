"""Reading of tables and number lists from outside, with the file and the line in every complaint.

The happy path is vectorised (pyarrow, numpy) and goes block by block. Only when it has failed is the file walked line by line, to name the place.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Literal, NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from dskreg.data import sources
from dskreg.data.sources import Source, short

Kind = Literal["whole", "number", "text"]
"""What a column holds: whole numbers (never empty), numbers (NaN where empty), text ("" where empty)."""

_ARROW: dict[Kind, pa.DataType] = {"whole": pa.int64(), "number": pa.float64(), "text": pa.string()}
_EXPECTED: dict[Kind, str] = {"whole": "a whole number", "number": "a number", "text": "text"}


def header(source: Source, delimiter: str = ",") -> list[str]:
    """The column names; raises InputError where one is repeated."""
    names = next(_records(source, delimiter))[1]
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        source.fail(1, "", f"each column once, but {short(name)} is there {times} times")
    return names


def table(source: Source, kinds: Mapping[str, Kind], delimiter: str = ",") -> pd.DataFrame:
    """The columns named in `kinds`, in that order and of these kinds; other columns are ignored.

    A comma-separated file may quote its fields (also over several lines); a tab-separated one has no quotes, as RecBole writes it.

    Raises:
        InputError: A column is missing, a row has too few or too many fields, or a field is not of its kind.
    """
    schema = pa.schema([(name, _ARROW[kind]) for name, kind in kinds.items()])
    return pa.Table.from_batches(_batches(source, kinds, delimiter), schema).to_pandas()


def blocks(source: Source, kinds: Mapping[str, Kind], delimiter: str = ",") -> Iterator[tuple[int, pd.DataFrame]]:
    """`table` block by block, each with the number of rows before it."""
    before = 0
    for batch in _batches(source, kinds, delimiter):
        yield before, batch.to_pandas()
        before += batch.num_rows


def _batches(source: Source, kinds: Mapping[str, Kind], delimiter: str) -> Iterator[pa.RecordBatch]:
    names = header(source, delimiter)
    for name in kinds:
        if name not in names:
            source.fail(1, "", f"the column {name!r}", ", ".join(names))
    quoted = delimiter == ","
    parse = pa.csv.ParseOptions(delimiter=delimiter, quote_char='"' if quoted else False, newlines_in_values=quoted)
    convert = pa.csv.ConvertOptions(column_types={name: _ARROW[kind] for name, kind in kinds.items()}, include_columns=list(kinds), null_values=[""])
    whole = [name for name, kind in kinds.items() if kind == "whole"]
    with source.stream() as stream:
        try:
            for batch in pa.csv.open_csv(stream, pa.csv.ReadOptions(block_size=sources.BLOCK), parse, convert):
                if any(batch.column(name).null_count for name in whole):
                    _explain(source, kinds, delimiter, "a number is missing")
                yield batch
        except pa.ArrowInvalid as error:
            _explain(source, kinds, delimiter, str(error))


def require(source: Source, ok: np.ndarray | pd.Series, column: str, expected: str, delimiter: str = ",", before: int = 0) -> None:
    """Raise InputError with line and value of the first row for which `ok` is false; `ok` begins after `before` rows of the table."""
    if not np.all(ok):
        line, fields = _row(source, before + int(np.argmin(ok)), delimiter)
        source.fail(line, column, expected, fields[header(source, delimiter).index(column)])


def _row(source: Source, index: int, delimiter: str) -> tuple[int, list[str]]:
    records = _records(source, delimiter)
    for _ in range(index + 1):
        next(records)
    return next(records)


def _records(source: Source, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line on which the record starts, its fields), the header first, blank lines left out as pyarrow does."""
    start = 1
    with source.stream() as stream:
        lines = io.TextIOWrapper(stream, "utf-8", newline="")
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE)
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
    source.fail(0, "", f"a table with the columns {short(', '.join(kinds))}", reason)


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
    values, lines, line = [], [], 1
    for block in _whole_lines(source):
        data = np.frombuffer(block, np.uint8)
        digit = (data >= ord("0")) & (data <= ord("9"))
        stray = ~(digit | np.isin(data, list(b" \t\r\n")))
        edges = np.flatnonzero(np.diff(digit, prepend=False, append=False))
        starts, ends = edges[::2], edges[1::2]
        long = ends - starts > 18  # would not fit int64
        if stray.any() or long.any():
            at = int(np.argmax(stray)) if stray.any() else int(starts[np.argmax(long)])
            before = block.count(b"\n", 0, at)
            text = block.split(b"\n")[before].decode().strip("\r")
            word = next((word for word in text.split(" ") if not re.fullmatch(r"\d{0,18}", word, re.ASCII)), text)
            source.fail(line + before, "", "whole numbers >= 0", word)
        ends_of_lines = np.flatnonzero(data == ord("\n"))
        lines.append(np.searchsorted(ends_of_lines, starts) + line)
        values.append(np.fromstring(block, dtype=np.int64, sep=" ") if len(starts) else np.empty(0, np.int64))
        line += len(ends_of_lines)
    return np.concatenate(values), np.concatenate(lines)


def _whole_lines(source: Source) -> Iterator[bytes]:
    """The content in blocks that end where a line ends."""
    rest = b""
    with source.stream() as stream:
        while block := stream.read(sources.BLOCK):
            whole, end, rest_of_block = block.rpartition(b"\n")
            if end:
                yield rest + whole + end
                rest = b""
            rest += rest_of_block
    if rest:
        yield rest
