"""Streams that are rewritten while they are read: another encoding, `::` as separator, a missing header."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable
from typing import IO, Any, cast

from dskreg.data.readers.files import Rewrite

UNIT = "\x1f"
"""The ASCII unit separator, which stands for `::` once a file is open: readers take one character."""
BLOCK = 1 << 20  # bytes rewritten at once


class _Rewritten(io.RawIOBase):
    """A stream of bytes that are made block by block from those of another one."""

    def __init__(self, source: IO[bytes], first: bytes, rewrite: Callable[[bytes, bool], bytes]) -> None:
        self._source, self._first, self._rewrite = source, first, rewrite
        self._waiting, self._ended, self._at = first, False, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Back to the start, which is all that readers ask for."""
        if whence == io.SEEK_CUR and offset == 0:
            return self._at
        if whence != io.SEEK_SET or offset != 0:
            raise io.UnsupportedOperation("seek")
        self._source.seek(0)
        self._rewrite(b"", True)
        self._waiting, self._ended, self._at = self._first, False, 0
        return 0

    def readinto(self, buffer: Any) -> int:
        while not self._waiting and not self._ended:
            block = self._source.read(BLOCK)
            self._ended = not block
            self._waiting = self._rewrite(block, self._ended)
        part, self._waiting = self._waiting[: len(buffer)], self._waiting[len(buffer) :]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


def rewriting(latin: bool, colons: bool, header: str = "") -> Rewrite:
    """What reads Windows-1252 as UTF-8, `::` as UNIT, and puts a header before the first line, as asked."""

    def opened(stream: IO[bytes]) -> IO[bytes]:
        rest = b""

        def rewrite(block: bytes, last: bool) -> bytes:
            nonlocal rest
            whole = rest + block
            rest = b""
            if colons and not last and whole.endswith(b":"):  # its other half may come
                whole, rest = whole.rstrip(b":"), whole[len(whole.rstrip(b":")) :]
            if colons:
                whole = whole.replace(b"::", UNIT.encode())
            return utf8(whole) if latin else whole

        first = f"{header}\n".encode() if header else b""
        return cast(IO[bytes], io.BufferedReader(_Rewritten(stream, first, rewrite)))

    return opened


def utf8(text: bytes) -> bytes:
    """Text in Windows-1252 as UTF-8."""
    try:
        return codecs.decode(text, "cp1252").encode()
    except UnicodeDecodeError:  # bytes that Windows-1252 leaves open
        return codecs.decode(text, "latin-1").encode()
