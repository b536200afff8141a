"""Files of one JSON object per line (.json, .jsonl, .ndjson), as Amazon's reviews have them, or one list of
objects. Lines of the old releases, which are Python's dictionaries, are read too.
"""

from __future__ import annotations

import ast
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import pandas as pd

from dskreg.data.readers.files import SHOWN, Files, Source
from dskreg.data.readers.plain.formats.records import label

ENDINGS = (".json", ".jsonl", ".ndjson")
START = 1 << 20  # bytes whose objects tell the columns
LONGEST = 16 << 20  # characters of a line; of a file that is one list too
BLOCK = 1 << 16  # objects read at once
_EXPECTED = "one JSON object per line"


@dataclass(frozen=True)
class JsonLines:
    """The objects of the file called `name`; the columns are the keys of its first objects."""

    name: str
    files: Files
    columns: tuple[str, ...]
    row: str = "line"  # record, of a list

    @property
    def label(self) -> str:
        """The file's name in messages."""
        return label(self.files.places[self.name])

    def blocks(self, columns: list[str]) -> Iterator[pd.DataFrame]:
        """The values of these keys, None where missing; raises InputError for a line that is no object."""
        rows: list[list[Any]] = []
        for found in _objects(self.files.open(self.name)):
            rows.append([found.get(name) for name in columns])
            if len(rows) == BLOCK:
                yield pd.DataFrame(rows, columns=columns, dtype=object)
                rows = []
        if rows:
            yield pd.DataFrame(rows, columns=columns, dtype=object)


def json_lines(name: str, files: Files) -> JsonLines:
    """The table, of which only the start is read; raises InputError where its first line is no object."""
    columns: dict[str, None] = {}
    start = files.open(name, _start)
    for found in _objects(start):
        columns |= dict.fromkeys(map(str, found))
    if not columns:
        start.fail(1, "", _EXPECTED)
    listed = start.data.lstrip().startswith(b"[")
    return JsonLines(name, files, tuple(columns), "record" if listed else "line")


def _start(stream: IO[bytes]) -> IO[bytes]:
    """The first lines of a stream; the whole of a list."""
    start = stream.read(START)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        return io.BytesIO(start + stream.read(LONGEST + 1))
    lines, end, _ = start.rpartition(b"\n")
    if not end and len(start) == START:
        lines = start + stream.readline(LONGEST)
    return io.BytesIO(lines + end if end else lines or start)


def _objects(source: Source) -> Iterator[dict[str, Any]]:
    with source.stream() as stream:
        lines = io.TextIOWrapper(stream, "utf-8")
        number = 0
        while line := lines.readline(LONGEST + 1):
            number += 1
            if len(line) > LONGEST:
                source.fail(number, "", f"lines of at most {LONGEST:,} characters")
            if line.isspace():
                continue
            if number == 1 and line.lstrip().startswith("["):
                yield from _listed(source, line + lines.read(LONGEST + 1))
                return
            yield _object(source, number, line)


def _listed(source: Source, text: str) -> list[dict[str, Any]]:
    if len(text) > LONGEST:
        source.fail(0, "", f"{_EXPECTED}, found one list of more than {LONGEST:,} characters")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        source.fail(1, "", f"{_EXPECTED}, or one list of objects", text.strip()[:SHOWN])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        source.fail(1, "", f"{_EXPECTED}, or one list of objects", text.strip()[:SHOWN])
    return found


def _object(source: Source, number: int, line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = _literal(line)
    if not isinstance(found, dict):
        source.fail(number, "", _EXPECTED, line.strip()[:SHOWN])
    return found


def _literal(line: str) -> Any:
    """The dictionary of Python that a line is, by its literals alone; None for anything else."""
    try:
        return ast.literal_eval(line.strip()) if line.lstrip().startswith("{'") else None
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None
