"""Notes on recommendations and neighbours: a file of JSON lines beside the artifact, never inside it.

    {"event": "note", "id", "time", "content", "item", "mark", ...}   the fields of `Note`
    {"event": "removed", "id", "time"}                                the note `id` is no longer shown

Lines are only appended, under a lock of the file, and a line that cannot be written whole is taken back. A
line that cannot be read is reported and stays where it is.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import IO, Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from dskreg.documents import problem, read_bytes
from dskreg.errors import InputError
from dskreg.storage import places
from dskreg.storage.schema import Digest

try:
    import fcntl
except ImportError:  # Windows: the sessions of one process alone are kept apart
    fcntl = None  # type: ignore[assignment]

MARKS = ("good", "bad", "odd")
LONGEST = 500  # characters of a note's text
MOST_LIKES = 10_000  # items of a custom profile that a note keeps
LARGEST = 32 << 20  # bytes of a file
PATIENCE, PAUSE = 10.0, 0.01  # seconds that a writer waits for others, and between two tries
FORM = ConfigDict(strict=True)  # unknown fields are ignored: later versions may add some

Id = int | Annotated[str, Field(max_length=10_000)]
Ids = Annotated[tuple[Id, ...], Field(max_length=MOST_LIKES)]
Name = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
Number = Annotated[float, Field(allow_inf_nan=False)]


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, config=FORM)
class Note:
    """A mark on an item that was recommended to a user, or on a neighbour that was sampled for the item."""

    mark: Literal["good", "bad", "odd"]
    item: Id
    content: Digest  # of the artifact
    user: Id | None = None  # None: a custom profile
    likes: Ids = ()  # of a custom profile; of a user those added by hand
    removed: Ids = ()  # likes of the user that were taken out by hand
    neighbour: Id | None = None
    relation: str | None = None  # under which the neighbour is a candidate
    seed: Annotated[int, Field(ge=0)] | None = None  # of the sample; None: as served
    text: str = ""
    rank: Annotated[int, Field(ge=1)] | None = None  # of the item in the list; None: not in it
    score: Number | None = None  # of the item
    time: Moment = Field(default_factory=now)
    id: Name = Field(default_factory=lambda: uuid.uuid4().hex)
    event: Literal["note"] = "note"


@dataclass(frozen=True, config=FORM)
class Removal:
    """A note is no longer shown."""

    id: Name
    time: Moment = Field(default_factory=now)
    event: Literal["removed"] = "removed"


@dataclass(frozen=True)
class Notes:
    """What a file holds: the notes that were not removed, the oldest first, and a message per bad line."""

    notes: tuple[Note, ...] = ()
    damaged: tuple[str, ...] = ()


LINE: TypeAdapter[Note | Removal] = TypeAdapter(
    Annotated[Note | Removal, Field(discriminator="event")], config=FORM
)
_threads = Lock()


def beside(artifact: Path) -> Path:
    """The file of an artifact's notes; that of a bundled one is in the folder of the user's artifacts."""
    folder = artifact.absolute()
    bundled = places.INSTALLED and folder.parent == places.BUNDLED
    return (places.artifacts_folder() if bundled else folder.parent) / f"{folder.name}.notes.jsonl"


def add(artifact: Path, note: Note) -> None:
    """Append a note.

    Raises:
        InputError: The text is too long or no text, or the file is full, busy or unwritable.
    """
    if len(note.text) > LONGEST:
        raise InputError(f"note: expected at most {LONGEST} characters (got {len(note.text):,})")
    _append(beside(artifact), note)


def remove(artifact: Path, *ids: str) -> None:
    """Hide the notes with these ids, as `read` gives them; their lines stay in the file. Raises InputError as
    `add` does.
    """
    for id_ in ids:
        _append(beside(artifact), Removal(id_))


def read(artifact: Path) -> Notes:
    """The artifact's notes; none where there is no file.

    Raises:
        InputError: The file is no regular file, too large, busy or unreadable.
    """
    path = beside(artifact)
    try:
        with _locked(path, "rb") as file:
            status = os.fstat(file.fileno())
            return _parsed(path, status.st_ino, status.st_size, status.st_mtime_ns)
    except FileNotFoundError:
        return Notes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


@lru_cache(maxsize=16)
def _parsed(path: Path, inode: int, size: int, time_ns: int) -> Notes:
    notes: dict[str, Note] = {}
    damaged, removed = [], set()
    for number, line in enumerate(read_bytes(path, largest=LARGEST).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            found = LINE.validate_json(line)
        except ValidationError as error:
            damaged.append(f"line {number}: {problem(error)}")
            continue
        if isinstance(found, Note):
            notes[found.id] = found
        else:
            removed.add(found.id)
    return Notes(tuple(note for id_, note in notes.items() if id_ not in removed), tuple(damaged))


def _append(path: Path, line: Note | Removal) -> None:
    try:
        data = LINE.dump_json(line, exclude_none=True) + b"\n"
    except (ValueError, UnicodeError):  # half of a surrogate pair
        raise InputError("note: expected text in UTF-8") from None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path, "ab") as file:
            before = os.fstat(file.fileno()).st_size
            if before and not _ends_a_line(path):
                data = b"\n" + data  # what a writer left that died
            if before + len(data) > LARGEST:
                raise InputError(f"{path}: full, it holds {before:,} bytes; move it away to begin another")
            if file.write(data) != len(data):
                os.ftruncate(file.fileno(), before)
                raise InputError(f"{path}: cannot be written (the disk is full)")
            os.fsync(file.fileno())
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


@contextmanager
def _locked(path: Path, mode: Literal["rb", "ab"]) -> Iterator[IO[bytes]]:
    """The open file: no other thread or process appends to it until the end of the block.

    InputError where others hold it for PATIENCE seconds.
    """
    with _threads, open(path, mode, buffering=0, opener=_at_once) as file:
        if fcntl is not None:
            rule = fcntl.LOCK_SH if mode == "rb" else fcntl.LOCK_EX
            until = time.monotonic() + PATIENCE
            while True:
                try:
                    fcntl.flock(file, rule | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise InputError(f"{path}: another process holds it; try again") from None
                    time.sleep(PAUSE)
        yield file


def _at_once(path: str, flags: int) -> int:
    # a pipe without a reader would let `open` wait for ever
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
