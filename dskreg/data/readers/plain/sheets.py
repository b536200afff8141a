"""The tables of a folder: their names, separators and columns, and their rows as text or numbers.

CSV, TSV, `.dat` with `::` (also without header, as MovieLens has it), parquet; the text formats plain, `.gz`
or in a zip.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import IO, NoReturn

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from dskreg.data.readers import tables
from dskreg.data.readers.files import LARGEST, Files, NotUtf8, Source, files_at, open_source
from dskreg.data.readers.plain.columns import NAMES, listed, plain
from dskreg.data.readers.plain.streams import UNIT, rewriting
from dskreg.errors import InputError

ENDINGS = (".csv", ".tsv", ".tab", ".dat", ".data", ".parquet")
HEADLESS = {
    "ratings.dat": ("user_id", "movie_id", "rating", "timestamp"),
    "movies.dat": ("movie_id", "title", "genres"),
    "users.dat": ("user_id", "gender", "age", "occupation", "zip"),
    "u.data": ("user_id", "item_id", "rating", "timestamp"),
}
"""Columns of MovieLens files without header."""
_SEPARATORS = ("::", "\t", ";", "|", ",")
_KNOWN = {form for forms in NAMES.values() for form in forms}
START = 1 << 16  # bytes that tell the separator and the header


class _Headless(Source):
    """A file whose header line is put before its first line: its lines are one less than read."""

    def fail(self, line: int, column: str, expected: str, got: object = None) -> NoReturn:
        super().fail(max(line - 1, 1) if line else 0, column, expected, got)


@dataclass(frozen=True)
class Sheet:
    """A table: its file's name, its columns in order, and how to read it.

    header: the columns where the file has no header of its own
    parquet: the file where it is one of parquet
    """

    name: str
    columns: tuple[str, ...]
    separator: str = ","
    header: tuple[str, ...] = ()
    files: Files | None = None
    parquet: Path | None = None

    @cached_property
    def source(self) -> Source | None:
        """The text file, checked from end to end."""
        return self._opened[0]

    @property
    def notes(self) -> list[str]:
        """What is unusual about the file."""
        told = [f"{self.name} is not UTF-8: read as Windows-1252"] if self._opened[1] else []
        if self.header:
            told.append(f"{self.name} has no header: its columns are {listed(self.header)}")
        return told

    @cached_property
    def _opened(self) -> tuple[Source | None, bool]:
        if self.files is None:
            return None, False
        line, colons = self.mark.join(self.header), self.separator == "::"
        latin = False
        try:
            source = self.files.open(self.name, rewriting(False, colons, line) if line or colons else None)
        except NotUtf8:
            latin, source = True, self.files.open(self.name, rewriting(True, colons, line))
        return (_Headless(source.name, source.content) if self.header else source), latin

    def blocks(self, kinds: dict[str, tables.Kind]) -> Iterator[tuple[int, pd.DataFrame]]:
        """The columns of these kinds block by block, each with the number of rows before it."""
        if self.source is not None:
            yield from tables.blocks(self.source, kinds, self.mark)
            return
        before = 0
        try:
            with pa.parquet.ParquetFile(self.parquet) as file:
                for batch in file.iter_batches(columns=list(kinds)):
                    frame = batch.to_pandas()
                    columns = {name: _column(self.name, frame[name], kind) for name, kind in kinds.items()}
                    yield before, pd.DataFrame(columns)
                    before += batch.num_rows
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            if isinstance(error, InputError):
                raise
            raise _damaged(self.name) from None

    def rows(self, columns: list[str]) -> pd.DataFrame:
        """The columns as text, "" where empty."""
        frames = [block for _, block in self.blocks(dict.fromkeys(columns, "text"))]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns, dtype=str)

    def require(self, ok: pd.Series, column: str, expected: str, before: int) -> None:
        """Raise InputError with line and value of the first row for which `ok` is false."""
        if self.source is not None:
            tables.require(self.source, ok, column, expected, self.mark, before)
        elif not ok.all():
            place = f"{self.name}, row {before + int((~ok).argmax()) + 1}, column {listed([column])}"
            raise InputError(f"{place}: expected {expected}")

    @property
    def mark(self) -> str:
        """The one character that separates fields once the file is open."""
        return UNIT if self.separator == "::" else self.separator


def _column(file: str, values: pd.Series, kind: tables.Kind) -> pd.Series:
    if kind == "number":
        try:
            return values.astype(float)
        except (TypeError, ValueError):
            raise InputError(f"{file}, column {listed([str(values.name)])}: expected numbers") from None
    return values.map(_text)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if hasattr(value, "__iter__"):
        return "|".join(map(_text, value))
    return "" if value is None or value != value or value is pd.NaT else tables.whole_text(str(value))


def _damaged(name: str) -> InputError:
    return InputError(f"{name}: expected a complete parquet file (it is truncated or damaged)")


def files_of(path: Path) -> Files:
    """The files of a folder or zip, or the one file at `path`."""
    if path.is_dir() or path.suffix == ".zip":
        return files_at(path)
    return Files(path, {path.name.removesuffix(".gz"): partial(open_source, path)}, (path.name,))


def names_of(files: Files) -> list[str]:
    """The names of the tables, without opening them."""
    return sorted(name for name in files.openers if Path(name).suffix.lower() in ENDINGS)


def sheet(files: Files, name: str, separator: str = "") -> Sheet:
    """The table of that name, of which only the start is read.

    Raises InputError where it is missing, empty or no table.
    """
    if name.lower().endswith(".parquet") and name in files.openers:
        return _parquet(files.path / name if files.path.is_dir() else files.path)
    source = files.open(name, _start)
    text = source.data.decode()
    line = text.lstrip("\r\n").partition("\n")[0].rstrip("\r")
    if "\x00" in line:
        source.fail(1, "", "UTF-8 text, found NUL characters as UTF-16 has them: save it as UTF-8")
    separator = separator or _separator(line, name)
    mark = UNIT if separator == "::" else separator
    try:
        fields = next(csv.reader([line.replace(separator, mark)], delimiter=mark))
    except csv.Error as error:
        source.fail(1, "", f"a row of fields ({error})")
    header = _header(name, fields)
    columns = header or tables.header(
        Source(source.name, text.replace("::", mark).encode()) if mark == UNIT else source, mark
    )
    return Sheet(name, tuple(columns), separator, header, files)


def _start(stream: IO[bytes]) -> IO[bytes]:
    """The first lines of a stream, which need not be UTF-8."""
    start = stream.read(START)
    lines, end, _ = start.rpartition(b"\n")
    return io.BytesIO((lines + end or start).decode("utf-8", "ignore").encode())


def _parquet(path: Path) -> Sheet:
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path.name}: expected at most {LARGEST:,} bytes")
        columns = tuple(pa.parquet.read_schema(path).names)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise _damaged(path.name) from None
    if len(set(columns)) < len(columns) or not columns:
        raise InputError(f"{path.name}: expected each column once (got {listed(columns)})")
    return Sheet(path.name, columns, parquet=path)


def _separator(line: str, name: str) -> str:
    """The separator of which the first line has most; `::` before all others."""
    outside = re.sub(r'"[^"]*"', "", line)
    if "::" in outside:
        return "::"
    count = {mark: outside.count(mark) for mark in _SEPARATORS}
    best = max(_SEPARATORS, key=lambda mark: count[mark])
    return best if count[best] else "\t" if name.lower().endswith((".tsv", ".tab")) else ","


def _header(name: str, fields: list[str]) -> tuple[str, ...]:
    """The header that a file lacks: where its first line has numbers, and no name of a column."""
    if any(plain(text) in _KNOWN for text in fields) or not any(
        re.fullmatch(r"\s*-?[0-9]+([.][0-9]+)?\s*", text) for text in fields
    ):
        return ()
    known = HEADLESS.get(name.lower(), ())
    return known if len(known) == len(fields) else tuple(str(n + 1) for n in range(len(fields)))
