"""Folders of the shape of data sets that people use: their files, headers and quirks, with invented rows.

All hold the same world: 8 users and 10 items, of which each user has seen items 0 and 1 and every second of
the others (48 interactions), and likes those below 6 (32 likes). Odd items are comedies, even ones dramas,
every third one has music too (14 labels). What a set's quirks add to these counts is said beside it.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

USERS, ITEMS = 8, 10
PAIRS = [(u, i) for u in range(USERS) for i in range(ITEMS) if i < 2 or (u + i) % 2 == 0]
GENRES = [["Drama", "Comedy"][i % 2 : i % 2 + 1] + ["Music"] * (i % 3 == 0) for i in range(ITEMS)]
STUDIOS = ["Gull", "Heron"]  # of items in turn

Files = dict[str, bytes]


@dataclass(frozen=True)
class Shape:
    """The files of a folder and what they hold, counted by hand.

    triples: by relation, in the order of the relations
    title:   the first item's
    columns: what `--columns` must say
    """

    files: Files
    triples: dict[str, int]
    users: int = USERS
    items: int = ITEMS
    interactions: int = len(PAIRS)
    likes: int = 32
    title: str = "Film 0"
    columns: str = ""
    format: str = "tables"


def lay(shape: Shape, folder: Path) -> Path:
    """Write the folder."""
    folder.mkdir(parents=True)
    for name, content in shape.files.items():
        (folder / name).write_bytes(content)
    return folder


def rows(header: str, lines: Iterable[Sequence[object]], mark: str = ",", code: str = "utf-8") -> bytes:
    """A table as published: quotes only where they must be; `header` may be empty."""
    out = io.StringIO()
    if header:
        out.write(header + "\n")
    csv.writer(out, delimiter=mark, lineterminator="\n").writerows(lines)
    return out.getvalue().encode(code)


def joined(lines: Iterable[Sequence[object]], mark: str, code: str = "utf-8") -> bytes:
    """Lines of fields without header and without quotes."""
    return "".join(mark.join(map(str, line)) + "\n" for line in lines).encode(code)


def jsonl(documents: Iterable[dict[str, object]]) -> bytes:
    return "".join(json.dumps(document) + "\n" for document in documents).encode()


def zipped(**members: bytes) -> bytes:
    """A zip of files, their names with `__` for the dot."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, member in members.items():
            archive.writestr(name.replace("__", "."), member)
    return content.getvalue()


def stars(item: int) -> int:
    """On the scale to 5: liked items 5 or 4, the others 2."""
    return 5 - item % 2 if item < 6 else 2


def marks(item: int) -> int:
    """On the scale to 10: liked items 9 or 7, the others 4."""
    return 9 - 2 * (item % 2) if item < 6 else 4


def seconds(user: int, item: int) -> int:
    """A time in seconds since 1970."""
    return 1_400_000_000 + 86_400 * item + 60 * user
