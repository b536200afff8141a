"""Harm done to tables: odd values and mutations, shared by the Hypothesis tests and the fuzzer
(benchmarks/fuzz.py).

A mutation takes (content, an odd value, chance) and gives other content; whatever it needs to choose comes
from the chance it is handed.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Iterable
from random import Random

Mutation = Callable[[bytes, bytes, Random], bytes]
LARGEST = 1 << 20  # bytes of a file after mutation

ODD: tuple[bytes, ...] = (
    *(
        b"",
        b" ",
        b"-1",
        b"0",
        b"00",
        b"-0",
        b"+1",
        b"1.0",
        b"1.5",
        b"1e3",
        b"1e400",
        b"0x10",
        b"1_000",
        b"nan",
        b"NaN",
        b"inf",
        b"-inf",
        b"null",
        b"true",
    ),
    *(
        str(n).encode()
        for n in (
            2**31 - 1,
            2**31,
            2**32,
            2**53,
            2**63 - 1,
            2**63,
            2**64,
            10**18,
            10**17,
            999_999,
            20_000,
            32_768,
        )
    ),
    *(b"9" * n for n in (18, 19, 400, 5000)),
    *(
        b"\x00",
        b"1\x00",
        b'"',
        b'""',
        b'"a""b"',
        b'a"b',
        b"'",
        b",",
        b"\t",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\x0b",
        b"\x0c",
        b"\x1b[31m",
        b"\x1c",
        b"|",
        b"a|b",
    ),
    *(
        text.encode()
        for text in (
            "\x85",
            "\u2028",
            "\ufeff",
            "é",
            "e\u0301",
            "🦊",
            "١",
            "１",
            "İ",
            "ß",
            "\u202e",
            "\u200b",
            "\U000e0041",
            "（",
        )
    ),
    *(b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\xff\xfe"),
    *(
        b"&amp;",
        b"&#0;",
        b"&#x110000;",
        b"&#" + b"9" * 5000 + b";",
        b"&lt",
        b"<script>alert(1)</script>",
        b"=1+1",
        b"[a](b)",
        b"$x$",
        b"../../x",
    ),
    *(
        b"Unknown",
        b"studio",
        b"1999-01-01",
        b"item 1",
        b"a, b",
        b", ,,",
        b"Action, Action",
        b"Movie",
        b": ",
        b" Movie 2nd Season",
        b"(TV)",
        b"III",
    ),
    *(
        b"user_id",
        b"anime_id",
        b"rating",
        b"remap_id",
        b"satori_id",
        b"rating:float",
        b"timestamp:float",
        b"title:float",
        b"name:token",
        b":token",
        b"x:",
    ),
    *(b"!" * 60_000 + b"a", b"abc " + b"1 " * 20_000, b" - " * 20_000, b"x" * 140_000, b"a b " * 20_000),
)
"""Values that a cell, a line or a file might hold by mistake or malice."""


# Bytes


def flip(content: bytes, odd: bytes, rng: Random) -> bytes:
    changed = bytearray(content or b"\0")
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def insert(content: bytes, odd: bytes, rng: Random) -> bytes:
    at = rng.randint(0, len(content))
    return content[:at] + odd + content[at:]


def overwrite(content: bytes, odd: bytes, rng: Random) -> bytes:
    at = rng.randint(0, len(content))
    return content[:at] + odd + content[at + len(odd) :]


def _span(content: bytes, rng: Random) -> tuple[int, int]:
    start = rng.randint(0, len(content))
    return start, min(len(content), start + rng.choice((1, 2, 5, 40, 1000)))


def take_out(content: bytes, odd: bytes, rng: Random) -> bytes:
    start, stop = _span(content, rng)
    return content[:start] + content[stop:]


def say_twice(content: bytes, odd: bytes, rng: Random) -> bytes:
    start, stop = _span(content, rng)
    return content[:stop] + content[start:]


def cut(content: bytes, odd: bytes, rng: Random) -> bytes:
    return content[: rng.randint(0, len(content))]


def put_before(content: bytes, odd: bytes, rng: Random) -> bytes:
    return odd + content


def put_after(content: bytes, odd: bytes, rng: Random) -> bytes:
    return content + odd


def replace_all(content: bytes, odd: bytes, rng: Random) -> bytes:
    return odd


# Lines


def _lines(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True) or [b""]


def shuffle(content: bytes, odd: bytes, rng: Random) -> bytes:
    """Of the lines; the header stays first more often than not."""
    lines = _lines(content)
    kept = rng.choice((0, 1, 1))
    rest = lines[kept:]
    rng.shuffle(rest)
    return b"".join(lines[:kept] + rest)


def drop_line(content: bytes, odd: bytes, rng: Random) -> bytes:
    lines = _lines(content)
    del lines[rng.choice((0, rng.randrange(len(lines))))]
    return b"".join(lines)


def repeat_line(content: bytes, odd: bytes, rng: Random) -> bytes:
    lines = _lines(content)
    lines.insert(rng.randint(0, len(lines)), rng.choice(lines))
    return b"".join(lines)


def odd_line(content: bytes, odd: bytes, rng: Random) -> bytes:
    lines = _lines(content)
    lines.insert(rng.randint(0, len(lines)), odd + rng.choice((b"\n", b"\r\n", b"\r", b"")))
    return b"".join(lines)


def glue(content: bytes, odd: bytes, rng: Random) -> bytes:
    lines = _lines(content)
    at = rng.randrange(len(lines))
    lines[at] = lines[at].rstrip(b"\r\n")
    return b"".join(lines)


def few(content: bytes, odd: bytes, rng: Random) -> bytes:
    """The header and one, two or no lines."""
    lines = _lines(content)
    return b"".join(lines[:1] + rng.sample(lines[1:], min(len(lines) - 1, rng.randint(0, 2))))


def many(content: bytes, odd: bytes, rng: Random) -> bytes:
    lines = _lines(content)
    return b"".join(lines[:1] + lines[1:] * rng.choice((2, 20, 200)))


def numbered(content: bytes, odd: bytes, rng: Random) -> bytes:
    """The lines over and over, one column counting them: many different users, items, entities or
    relations.
    """
    mark, at = _delimiter(content), rng.randrange(4)
    lines = [line.rstrip(b"\r\n").split(mark) for line in _lines(content)]
    body = lines[1:] or lines
    most = min(3000, LARGEST // (1 + max(map(len, _lines(content)))))
    rows = [list(body[n % len(body)]) for n in range(rng.choice((min(most, 100), most)))]
    for n, cells in enumerate(rows):
        cells[at % len(cells)] = b"%d" % n
    return b"".join(mark.join(cells) + b"\n" for cells in (lines[0], *rows))


# Cells


def _delimiter(content: bytes) -> bytes:
    return next((mark for mark in (b"\t", b",", b" ") if mark in content), b",")


def _in_cells(
    content: bytes, rng: Random, change: Callable[[list[bytes]], None], header: float = 0.1
) -> bytes:
    """One line's cells changed; with chance `header` the first line's."""
    lines, mark = _lines(content), _delimiter(content)
    at = 0 if rng.random() < header else rng.randrange(len(lines))
    body = lines[at].rstrip(b"\r\n")
    cells, end = body.split(mark), lines[at][len(body) :]
    change(cells)
    lines[at] = mark.join(cells) + end
    return b"".join(lines)


def cell(content: bytes, odd: bytes, rng: Random) -> bytes:
    def change(cells: list[bytes]) -> None:
        cells[rng.randrange(len(cells))] = odd

    return _in_cells(content, rng, change)


def in_cell(content: bytes, odd: bytes, rng: Random) -> bytes:
    def change(cells: list[bytes]) -> None:
        at = rng.randrange(len(cells))
        cells[at] = rng.choice(
            (cells[at] + odd, odd + cells[at], b'"%s%s"' % (cells[at].strip(b'"'), odd.replace(b'"', b'""')))
        )

    return _in_cells(content, rng, change, header=0.02)


def header_cell(content: bytes, odd: bytes, rng: Random) -> bytes:
    def change(cells: list[bytes]) -> None:
        cells[rng.randrange(len(cells))] = odd

    return _in_cells(content, rng, change, header=1.0)


def more_cells(content: bytes, odd: bytes, rng: Random) -> bytes:
    return _in_cells(content, rng, lambda cells: cells.insert(rng.randint(0, len(cells)), odd))


def fewer_cells(content: bytes, odd: bytes, rng: Random) -> bytes:
    return _in_cells(content, rng, lambda cells: cells.pop(rng.randrange(len(cells))) and None)


def whole_column(content: bytes, odd: bytes, rng: Random) -> bytes:
    """A column's cells replaced, left out, doubled or moved, with or without its header."""
    mark, what, at, start = _delimiter(content), rng.randrange(4), rng.randrange(8), rng.choice((0, 1))
    lines = [line.rstrip(b"\r\n").split(mark) for line in _lines(content)]
    for cells in lines[start:]:
        here = at % len(cells)
        if what == 0:
            cells[here] = odd
        elif what == 1:
            del cells[here]
        elif what == 2:
            cells.insert(here, cells[here])
        else:
            cells.append(cells.pop(here))
    return b"".join(mark.join(cells) + b"\n" for cells in lines)


def retype(content: bytes, odd: bytes, rng: Random) -> bytes:
    """Another type in a RecBole header."""
    first, end, rest = content.partition(b"\n")
    words = first.split(b"\t")
    at = rng.randrange(len(words))
    words[at] = words[at].partition(b":")[0] + rng.choice(
        (b":float", b":token", b":token_seq", b":float_seq", b"", b":", b":int")
    )
    return b"\t".join(words) + end + rest


def wide(content: bytes, odd: bytes, rng: Random) -> bytes:
    """Thousands of columns in the header."""
    first, end, rest = content.partition(b"\n")
    mark = _delimiter(content)
    return (
        first
        + b"".join(
            mark + b"c%d%s" % (n, b":token" * (mark == b"\t")) for n in range(rng.choice((50, 5000, 50_000)))
        )
        + end
        + rest
    )


# Encodings


def in_utf_16(content: bytes, odd: bytes, rng: Random) -> bytes:
    return content.decode("latin-1").encode(rng.choice(("utf-16", "utf-16-le", "utf-32")))


def line_ends(content: bytes, odd: bytes, rng: Random) -> bytes:
    return content.replace(
        b"\n", rng.choice((b"\r\n", b"\r", b"\n\n", b"\r\r\n", b"\n\r", b"\x0b", b"\xe2\x80\xa8", b" \n"))
    )


def delimiters(content: bytes, odd: bytes, rng: Random) -> bytes:
    return content.replace(_delimiter(content), rng.choice((b",", b"\t", b" ", b";", b" , ", b"\x00", b"::")))


def quotes(content: bytes, odd: bytes, rng: Random) -> bytes:
    mark = _delimiter(content)
    return content.replace(mark, rng.choice((b'"' + mark, mark + b'"', b'"' + mark + b'"')))


MUTATIONS: tuple[Mutation, ...] = (
    *(flip, insert, overwrite, take_out, say_twice, cut, put_before, put_after, replace_all),
    *(shuffle, drop_line, repeat_line, odd_line, glue, few, many, numbered),
    *(
        cell,
        cell,
        cell,
        cell,
        *(in_cell,) * 8,
        header_cell,
        more_cells,
        fewer_cells,
        whole_column,
        retype,
        wide,
    ),
    *(in_utf_16, line_ends, delimiters, quotes),
)


def harmed(
    files: dict[str, bytes], changes: Iterable[tuple[str, Mutation, bytes]], rng: Random
) -> dict[str, bytes]:
    """The files after the changes (which file, how, the odd value)."""
    files = dict(files)
    for name, mutation, odd in changes:
        files[name] = mutation(files[name], odd, rng)[:LARGEST]
    return files


# Ways to hand the files over

COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def one_missing(files: dict[str, bytes], rng: Random) -> dict[str, bytes]:
    gone = rng.choice(sorted(files))
    return {name: content for name, content in files.items() if name != gone}


def one_more(files: dict[str, bytes], rng: Random) -> dict[str, bytes]:
    """One file's content also in the place of another, or under a new name."""
    names = sorted(files)
    source = rng.choice(names)
    return files | {
        rng.choice(
            (*names, f"y.{source.rpartition('.')[2]}", f"{source}.gz", "train.txt", "archive.zip")
        ): files[source]
    }


def gzipped(files: dict[str, bytes], rng: Random) -> dict[str, bytes]:
    """One file as .gz, sound or damaged."""
    name = rng.choice(sorted(files))
    others = {other: content for other, content in files.items() if other != name}
    return others | {f"{name}.gz": damaged(gzip.compress(files[name], 1, mtime=0), rng)}


def zipped(files: dict[str, bytes], rng: Random) -> dict[str, bytes]:
    """All files in a zip, sound or damaged."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", rng.choice(COMPRESSIONS)) as file:
        for name, content in files.items():
            file.writestr(
                zipfile.ZipInfo(rng.choice(("", "a/", "../", "/", "a\\")) + name),
                content,
                rng.choice(COMPRESSIONS),
            )
    return {rng.choice(("archive.zip", "archive.zip", "b.zip")): damaged(packed.getvalue(), rng)}


def damaged(content: bytes, rng: Random) -> bytes:
    """As it is, or with a few bytes changed or cut off."""
    for _ in range(rng.choice((0, 1, 1, 3, 20))):
        content = rng.choice((flip, flip, flip, overwrite, take_out, cut))(content, rng.randbytes(2), rng)
    return content


HANDINGS: tuple[Callable[[dict[str, bytes], Random], dict[str, bytes]], ...] = (
    one_missing,
    one_more,
    gzipped,
    zipped,
)
