"""Files from outside: opened in place (plain, `.gz` or inside a zip), checked in blocks from end to end, and
opened again for reading.

Memory holds a block, never a large file. Nothing is extracted, executed or unpickled.
"""

from __future__ import annotations

import codecs
import difflib
import fnmatch
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, NoReturn

from dskreg.errors import InputError
from dskreg.text import printable

# Bytes after decompression; the full Kaggle set has 0.1 GB, so more is a mistake or a zip bomb
LARGEST = 4 << 30
BLOCK = 4 << 20  # bytes handled at once; a row must fit into one
# Characters of a file's name in a list of several; how alike two names are that might be meant for one
SHOWN, NEAR = 40, 0.8
_BOM = codecs.BOM_UTF8
_DAMAGED = (zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, struct.error, UnicodeDecodeError)


@dataclass(frozen=True)
class Source:
    """A file (checked: not empty, UTF-8) and the name that errors call it by.

    `content` is what it holds, or, above one block, the way to open it again.
    """

    name: str
    content: bytes | Callable[[], AbstractContextManager[IO[bytes]]]

    @contextmanager
    def stream(self) -> Iterator[IO[bytes]]:
        """The decompressed content from its start, without byte-order mark."""
        if isinstance(self.content, bytes):
            yield io.BytesIO(self.content)
        else:
            with self.content() as stream:
                if stream.read(len(_BOM)) != _BOM:
                    stream.seek(0)
                yield stream

    @property
    def data(self) -> bytes:
        """The whole content, for files that are small by their nature."""
        with self.stream() as stream:
            return stream.read()

    def fail(self, line: int, column: str, expected: str, got: object = None) -> NoReturn:
        """Raise InputError naming the place; `line` 0 and `column` "" leave their part out."""
        place = (
            self.name
            + (f", line {line}" if line else "")
            + (f", column {printable(column)}" if column else "")
        )
        raise InputError(f"{place}: expected {expected}" + ("" if got is None else f" (got {short(got)})"))


def short(value: object, longest: int = 100) -> str:
    """The value between quotes, on one line, no longer than a message can bear."""
    text = value if isinstance(value, str) else str(value)
    return repr(text if len(text) <= longest else text[:longest] + "...")


def some(names: Iterable[str], most: int = 5) -> str:
    """The first of the names, between quotes, on one line."""
    found = list(names)
    return ", ".join(short(name, SHOWN) for name in found[:most]) + ", ..." * (len(found) > most)


class NotUtf8(InputError):
    """A file whose text is in another encoding."""


Rewrite = Callable[[IO[bytes]], IO[bytes]]
"""What is read in the place of a stream, such as its text in another encoding."""


def open_source(path: Path, rewrite: Rewrite | None = None) -> Source:
    """A plain or `.gz` file; raises InputError where it is missing, unreadable, truncated, empty or (NotUtf8)
    not UTF-8.
    """
    with _file(path, rewrite) as stream:
        return _checked(path.name, stream, partial(_file, path, rewrite))


@contextmanager
def _file(path: Path, rewrite: Rewrite | None = None) -> Iterator[IO[bytes]]:
    try:
        if path.exists() and not path.is_file() and not path.is_dir():  # a pipe would wait for ever
            raise InputError(f"{path}: expected a regular file")
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            yield rewrite(stream) if rewrite else stream  # type: ignore[arg-type,misc]  # like a file
    except FileNotFoundError:
        raise InputError(f"{path}: expected a file, found none") from None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise InputError(f"{path.name}: expected a complete gzip file (it is truncated or damaged)") from None
    except OSError as error:
        raise InputError(f"{path}: expected a readable file ({error.strerror})") from None


def open_member(archive: Path, wanted: str, rewrite: Rewrite | None = None) -> Source | None:
    """The member of a zip whose base name is `wanted` (the one least deep), or None; raises InputError for a
    damaged archive.
    """
    member = members(archive).get(wanted)
    if member is None:
        return None
    with _member(archive, member, rewrite) as stream:
        return _checked(f"{archive.name}/{wanted}", stream, partial(_member, archive, member, rewrite))


def members(archive: Path) -> dict[str, str]:
    """The members of a zip by base name, of several the one least deep; raises InputError for a damaged
    archive.
    """
    with _zip(archive) as file:
        names = sorted(file.namelist(), key=lambda name: -name.count("/"))
    return {
        base: name
        for name in names
        if (base := name.replace("\\", "/").rsplit("/", 1)[-1]) and base[0] != "."
    }


@dataclass(frozen=True)
class Place:
    """Where a file lies: at a path, plain or gzipped, or as the member of the zip at that path that has this
    base name.
    """

    path: Path
    member: str = ""

    def __call__(self, rewrite: Rewrite | None = None) -> Source | None:
        """The file of text."""
        if self.member:
            return open_member(self.path, self.member, rewrite)
        return open_source(self.path, rewrite)

    @property
    def plain(self) -> bool:
        """Is it neither gzipped nor in a zip?"""
        return not self.member and self.path.suffix != ".gz"

    def stream(self) -> AbstractContextManager[IO[bytes]]:
        """The decompressed content, whatever it is."""
        if self.member:
            return _member(self.path, members(self.path)[self.member])
        return _file(self.path)


@dataclass(frozen=True)
class Files:
    """What lies at a path, a folder or a zip, by the name that it has when it is neither gzipped nor in a
    zip.
    """

    path: Path
    places: dict[str, Place]
    lying: tuple[str, ...] = ()  # the names as they lie there, a sub-folder's with a slash
    damaged: tuple[InputError, ...] = ()  # what cannot be listed, and why
    chosen: str = ""  # the files in words, where they were named one by one

    def named(self, pattern: str) -> list[str]:
        """The names that match, such as `*.inter`."""
        return sorted(fnmatch.filter(self.places, pattern))

    def __contains__(self, name: str) -> bool:
        return name in self.places or not {name, f"{name}/"}.isdisjoint(self.lying)

    def open(self, name: str, rewrite: Rewrite | None = None) -> Source:
        """The file of that name; raises InputError, and says what lies there instead, where there is none."""
        source = self.places[name](rewrite) if name in self.places else None
        if source is not None:
            return source
        if name in self:  # a link to nothing, a folder, a device
            return open_source(self.path / name)
        raise self.lacks(f"{name} (or {name}.gz, or a zip that holds {name})", name)

    def lacks(self, expected: str, name: str = "") -> InputError:
        """The refusal of a path without what was expected: the damaged zip that might hold it, else what lies
        there, first what is called nearly as `name`, then sub-folders and zips, which may hold it.
        """
        if self.damaged:
            return self.damaged[0]
        alike = {
            other: difflib.SequenceMatcher(None, name, other[:SHOWN]).ratio() for other in self.lying[:1000]
        }
        near = sorted(
            alike,
            key=lambda other: (alike[other] < NEAR, not other.endswith(("/", ".zip")), -alike[other], other),
        )
        place = self.chosen or self.path
        return InputError(f"{place}: expected {expected}, found {some(near, 4) or 'nothing'}")


Folder = Path | Files
"""A folder, or what was named in its place."""


def files_at(path: Folder) -> Files:
    """The files of a folder (plain, then `.gz`, then in one of its zips) or of the zip `path`.

    Hidden ones are left out; nothing is raised.
    """
    if isinstance(path, Files):
        return path
    places: dict[str, Place] = {}
    lying: list[str] = []
    damaged: list[InputError] = []
    try:
        if path.is_file():
            places = _held(path)
            return Files(path, places, tuple(places))
        entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
        for entry in sorted(entries, key=lambda entry: (entry.suffix == ".zip", entry.suffix == ".gz")):
            lying.append(entry.name + "/" * entry.is_dir())
            if entry.is_file() and entry.suffix != ".zip":
                places.setdefault(entry.name.removesuffix(".gz"), Place(entry))
            elif entry.is_file():
                try:
                    places = _held(entry) | places
                except InputError as error:
                    damaged.append(error)
    except InputError as error:
        damaged.append(error)
    except OSError as error:
        damaged.append(InputError(f"{path}: expected a readable folder ({error.strerror})"))
    return Files(path, places, tuple(lying), tuple(damaged))


def _held(archive: Path) -> dict[str, Place]:
    return {name: Place(archive, name) for name in members(archive)}


@contextmanager
def _member(archive: Path, member: str, rewrite: Rewrite | None = None) -> Iterator[IO[bytes]]:
    with _zip(archive) as file, file.open(member) as stream:
        yield rewrite(stream) if rewrite else stream


@contextmanager
def _zip(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(archive) as file:
            yield file
    except (*_DAMAGED, MemoryError):  # LZMA takes the memory that the archive asks for
        raise InputError(
            f"{archive.name}: expected a complete zip file (it is truncated or damaged)"
        ) from None
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or a compression that Python lacks
        raise InputError(f"{archive.name}: expected a zip file without password ({error})") from None
    except OSError as error:
        raise InputError(f"{archive}: expected a readable file ({error.strerror or error})") from None


def _checked(name: str, stream: IO[bytes], again: Callable[[], AbstractContextManager[IO[bytes]]]) -> Source:
    """The source, its stream walked to the end; only content of at most one block is kept."""
    first = rest = stream.read(len(_BOM)).removeprefix(_BOM)
    size, line, blank = len(first), 1, not first.strip()
    while True:
        block = stream.read(BLOCK)
        size += len(block)
        if size > LARGEST:
            raise InputError(f"{name}: expected at most {LARGEST:,} bytes")
        blank = blank and not block.strip()
        if size <= BLOCK:
            first += block
        part = rest + block  # `rest`: the start of a character that the block before cut in two
        try:
            decoded = len(part) if part.isascii() else codecs.utf_8_decode(part, "strict", not block)[1]
        except UnicodeDecodeError as error:
            line += part.count(b"\n", 0, error.start)
            at = size - len(part) + error.start
            raise NotUtf8(
                f"{name}, line {line}: expected UTF-8 text (got byte 0x{part[error.start]:02x} at position "
                f"{at})"
            ) from None
        line, rest = line + part.count(b"\n", 0, decoded), part[decoded:]
        if not block:
            break
    if blank:
        raise InputError(f"{name}: expected data, found an empty file")
    return Source(name, first if size <= BLOCK else again)
