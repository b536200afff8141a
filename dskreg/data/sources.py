"""Files from outside: opened in place (plain, `.gz` or inside a zip), checked in blocks from end to end, and opened again for reading.

Memory holds a block, never a large file. Nothing is extracted, executed or unpickled.
"""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, NoReturn

from dskreg.errors import InputError

LARGEST = 4 << 30  # bytes after decompression; the full Kaggle set has 0.1 GB, so more is a mistake or a zip bomb
BLOCK = 4 << 20  # bytes handled at once; a row must fit into one
_BOM = codecs.BOM_UTF8


@dataclass(frozen=True)
class Source:
    """A file (checked: not empty, UTF-8) and the name that errors call it by. `content` is what it holds, or, above one block, the way to open it again."""

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
        place = self.name + (f", line {line}" if line else "") + (f", column {column}" if column else "")
        raise InputError(f"{place}: expected {expected}" + ("" if got is None else f" (got {short(got)})"))


def short(value: object) -> str:
    """The value between quotes, on one line, no longer than a message can bear."""
    text = value if isinstance(value, str) else str(value)
    return repr(text if len(text) <= 100 else text[:100] + "...")


def open_source(path: Path) -> Source:
    """A plain or `.gz` file; raises InputError where it is missing, unreadable, truncated, empty or not UTF-8."""
    with _file(path) as stream:
        return _checked(path.name, stream, partial(_file, path))


@contextmanager
def _file(path: Path) -> Iterator[IO[bytes]]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            yield stream  # type: ignore[misc]  # a GzipFile reads like a file
    except FileNotFoundError:
        raise InputError(f"{path}: expected a file, found none") from None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise InputError(f"{path.name}: expected a complete gzip file (it is truncated or damaged)") from None
    except OSError as error:
        raise InputError(f"{path}: expected a readable file ({error.strerror})") from None


def open_member(archive: Path, wanted: str) -> Source | None:
    """The member of a zip whose base name is `wanted` (the one least deep), or None; raises InputError for a damaged archive."""
    with _zip(archive) as file:
        names = [name for name in file.namelist() if name.rsplit("/", 1)[-1] == wanted]
    if not names:
        return None
    member = min(names, key=lambda name: name.count("/"))
    with _member(archive, member) as stream:
        return _checked(f"{archive.name}/{wanted}", stream, partial(_member, archive, member))


@contextmanager
def _member(archive: Path, member: str) -> Iterator[IO[bytes]]:
    with _zip(archive) as file, file.open(member) as stream:
        yield stream


@contextmanager
def _zip(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(archive) as file:
            yield file
    except (zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError):
        raise InputError(f"{archive.name}: expected a complete zip file (it is truncated or damaged)") from None
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
            raise InputError(f"{name}, line {line}: expected UTF-8 text (got byte 0x{part[error.start]:02x} at position {at})") from None
        line, rest = line + part.count(b"\n", 0, decoded), part[decoded:]
        if not block:
            break
    if blank:
        raise InputError(f"{name}: expected data, found an empty file")
    return Source(name, first if size <= BLOCK else again)
