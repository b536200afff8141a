"""The tables of a folder: their names, separators and columns, and their rows as text or numbers.

CSV, TSV, `.dat` with `::` (also without header, as MovieLens has it), parquet and lines of JSON; plain, `.gz`
or in a zip.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import IO, NoReturn

import pandas as pd

from dskreg.data.readers import tables
from dskreg.data.readers.files import Files, Folder, NotUtf8, Place, Source, files_at, short
from dskreg.data.readers.plain.columns import NAMES, TRIPLE, listed, plain
from dskreg.data.readers.plain.formats import jsonl
from dskreg.data.readers.plain.formats.parquet import parquet
from dskreg.data.readers.plain.formats.records import Records, text
from dskreg.data.readers.plain.formats.streams import UNIT, rewriting, utf8
from dskreg.errors import InputError

ENDINGS = (".csv", ".tsv", ".tab", ".dat", ".data", ".parquet", *jsonl.ENDINGS)
HEADLESS = {
    "ratings.dat": ("user_id", "movie_id", "rating", "timestamp"),
    "movies.dat": ("movie_id", "title", "genres"),
    "users.dat": ("user_id", "gender", "age", "occupation", "zip"),
    "u.data": ("user_id", "item_id", "rating", "timestamp"),
}
"""Columns of MovieLens files without header."""
_GRAPH = re.compile(r"(^|[._-])(kg|triples?|triplets?|knowledge[._-]?graph)($|[._-])", re.IGNORECASE)
_SEPARATORS = ("::", "\t", ";", "|", ",")
_KNOWN = {form for forms in NAMES.values() for form in forms}
_KNOWN_IN_TRIPLES = {form for forms in TRIPLE.values() for form in forms} | set(NAMES["item"])
START = 1 << 16  # bytes that tell the separator and the header


class _Headless(Source):
    """A file whose header line is put before its first line: its lines are one less than read."""

    def fail(self, line: int, column: str, expected: str, got: object = None) -> NoReturn:
        super().fail(max(line - 1, 1) if line else 0, column, expected, got)


@dataclass(frozen=True)
class Sheet:
    """A table: its file's name, its columns in order, and how to read it.

    header: the columns where the file has no header of its own
    records: the rows where they are no text with separators
    """

    name: str
    columns: tuple[str, ...]
    separator: str = ","
    header: tuple[str, ...] = ()
    files: Files | None = None
    records: Records | None = None

    @property
    def has_header(self) -> bool:
        """Is the file's first line the names of the columns?"""
        return self.records is None and not self.header

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
        assert self.records is not None
        before = 0
        for frame in self.records.blocks(list(kinds)):
            columns = {
                name: self._numbers(frame[name], before) if kind == "number" else frame[name].map(text)
                for name, kind in kinds.items()
            }
            yield before, pd.DataFrame(columns)
            before += len(frame)

    def _numbers(self, values: pd.Series, before: int) -> pd.Series:
        """The values of records as numbers, NaN where empty."""
        with suppress(TypeError, ValueError):
            return values.astype(float)
        cells = values.map(text)
        found = pd.to_numeric(cells.replace("", None), errors="coerce")
        self.require(found.notna() | (cells == ""), str(values.name), "a number", before, cells)
        return found.astype(float)

    def rows(self, columns: list[str]) -> pd.DataFrame:
        """The columns as text, "" where empty."""
        frames = [block for _, block in self.blocks(dict.fromkeys(columns, "text"))]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns, dtype=str)

    def require(
        self, ok: pd.Series, column: str, expected: str, before: int, cells: pd.Series | None = None
    ) -> None:
        """Raise InputError with line and value of the first row for which `ok` is false.

        `cells`: the values, which a text file is asked for.
        """
        if self.source is not None:
            tables.require(self.source, ok, column, expected, self.mark, before)
        elif not ok.all():
            first = int((~ok).argmax())
            assert self.records is not None
            row = f"{self.records.row} {before + first + 1}"
            got = "" if cells is None else f" (got {short(cells.iloc[first])})"
            raise InputError(
                f"{self.records.label}, {row}, column {listed([column])}: expected {expected}{got}"
            )

    @property
    def mark(self) -> str:
        """The one character that separates fields once the file is open."""
        return UNIT if self.separator == "::" else self.separator


def files_of(path: Folder) -> Files:
    """The files of a folder or zip, or the one file at `path`."""
    if isinstance(path, Files) or path.is_dir() or path.suffix == ".zip":
        return files_at(path)
    return Files(path, {path.name.removesuffix(".gz"): Place(path)}, (path.name,))


def names_of(files: Files) -> list[str]:
    """The names of the tables, without opening them."""
    return sorted(
        name
        for name in files.places
        if name.lower().endswith(ENDINGS) or (name.lower().endswith(".txt") and graph_named(name))
    )


def graph_named(name: str) -> bool:
    """Whether a file is called like a table of triples, such as kg.csv."""
    return _GRAPH.search(name.rpartition(".")[0]) is not None


def sheet(files: Files, name: str, separator: str = "", told: Collection[str] = ()) -> Sheet:
    """The table of that name, of which only the start is read.

    `told`: names of columns that a person gives. Raises InputError where the file is missing, empty or no
    table.
    """
    if name.lower().endswith(".parquet") and name in files.places:
        return _of(name, parquet(files.places[name]))
    if name.lower().endswith(jsonl.ENDINGS) and name in files.places:
        return _of(name, jsonl.json_lines(name, files))
    source = files.open(name, _start)
    content = source.data.decode()
    line = content.lstrip("\r\n").partition("\n")[0].rstrip("\r")
    if "\x00" in line:
        source.fail(1, "", "UTF-8 text, found NUL characters as UTF-16 has them: save it as UTF-8")
    separator = separator or _separator(line, name)
    mark = UNIT if separator == "::" else separator
    try:
        fields = next(csv.reader([line.replace(separator, mark)], delimiter=mark))
    except csv.Error as error:
        source.fail(1, "", f"a row of fields ({error})")
    header = _header(name, fields, told)
    columns = header or tables.header(
        Source(source.name, content.replace("::", mark).encode()) if mark == UNIT else source, mark
    )
    return Sheet(name, tuple(columns), separator, header, files)


def _of(name: str, records: Records) -> Sheet:
    return Sheet(name, records.columns, "", records=records)


def _start(stream: IO[bytes]) -> IO[bytes]:
    """The first lines of a stream, which need not be UTF-8."""
    start = stream.read(START)
    lines, end, _ = start.rpartition(b"\n")
    whole = lines + end or start
    try:
        return io.BytesIO(whole.decode().encode())
    except UnicodeDecodeError as error:
        cut = not end and error.start >= len(whole) - 3  # within the last character
        return io.BytesIO(whole.decode(errors="ignore").encode() if cut else utf8(whole))


def _separator(line: str, name: str) -> str:
    """The separator of which the first line has most; `::` before all others."""
    outside = re.sub(r'"[^"]*"', "", line)
    if "::" in outside:
        return "::"
    count = {mark: outside.count(mark) for mark in _SEPARATORS}
    best = max(_SEPARATORS, key=lambda mark: count[mark])
    if not count[best] and graph_named(name) and len(line.split(" ")) == len(TRIPLE):
        return " "
    return best if count[best] else "\t" if name.lower().endswith((".tsv", ".tab")) else ","


def _header(name: str, fields: list[str], told: Collection[str]) -> tuple[str, ...]:
    """The header that a file lacks: where its first line has numbers, and no name of a column; of a table of
    triples where no name is known.
    """
    if graph_named(name) and len(fields) == len(TRIPLE):
        known = any(plain(text) in _KNOWN_IN_TRIPLES or text in told for text in fields)
        return () if known else tuple(TRIPLE)
    if any(plain(text) in _KNOWN for text in fields) or not any(
        re.fullmatch(r"\s*-?[0-9]+([.][0-9]+)?\s*", text) for text in fields
    ):
        return ()
    columns = HEADLESS.get(name.lower(), ())
    return columns if len(columns) == len(fields) else tuple(str(n + 1) for n in range(len(fields)))
