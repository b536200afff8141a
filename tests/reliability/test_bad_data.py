"""Malformed and odd inputs over the three formats: each is either read, and then trains, or refused in one
line that names the file, with exit code 2.
"""

from __future__ import annotations

import gzip
import os
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dskreg.cli import main
from tests.reliability.folders import PAIRS, VALID, files_of, lay, outcome
from tests.reliability.size import LONG

SLOWEST = 15.0  # seconds; what grew with the square of a cell or of a header took minutes


def edit(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes())) and None


def append(line: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content + line


EVERY_TABLE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "one blank line": lambda content: b"\n",
    "header alone": lambda content: content.splitlines(keepends=True)[0],
    "utf-8 with a byte-order mark": lambda content: b"\xef\xbb\xbf" + content,
    "utf-16": lambda content: content.decode().encode("utf-16"),
    "latin-1": lambda content: content + "1,caf\u00e9\n".encode("latin-1"),
    "windows line ends": lambda content: content.replace(b"\n", b"\r\n"),
    "old mac line ends": lambda content: content.replace(b"\n", b"\r"),
    "no last line end": lambda content: content.rstrip(b"\n"),
    "blank lines between": lambda content: content.replace(b"\n", b"\n\n"),
    "a NUL byte": append(b"\x001\n"),
    "cut in the middle of a row": lambda content: content[: len(content) // 2 + 1],
    "noise": lambda content: bytes(range(256)) * 20,
    "an open quote": append(b'"1,2,3\n'),
    "every row twice": lambda content: content + b"".join(content.splitlines(keepends=True)[1:]),
    "spaces around": lambda content: content.replace(b",", b" , "),
    "a picture": lambda content: b"\x89PNG\r\n\x1a\n" + content,
    "a page": lambda content: b"<!doctype html><html><script>alert(1)</script></html>\n",
}

ROWS: dict[str, tuple[str, str, bytes]] = {
    "ragged, short": ("kaggle", "rating.csv", b"1\n"),
    "ragged, long": ("kaggle", "rating.csv", b"1,2,8,9,9\n"),
    "negative user": ("kaggle", "rating.csv", b"-5,2,8\n"),
    "fractional user": ("kaggle", "rating.csv", b"1.5,2,8\n"),
    "user beyond 64 bits": ("kaggle", "rating.csv", b"99999999999999999999999,2,8\n"),
    "user of 64 bits": ("kaggle", "rating.csv", b"9223372036854775807,2,8\n"),
    "user as a word": ("kaggle", "rating.csv", b"bob,2,8\n"),
    "rating nan": ("kaggle", "rating.csv", b"1,2,nan\n"),
    "rating inf": ("kaggle", "rating.csv", b"1,2,inf\n"),
    "rating a word": ("kaggle", "rating.csv", b"1,2,good\n"),
    "rating of a thousand digits": ("kaggle", "rating.csv", b"1,2," + b"9" * 1000 + b"\n"),
    "rating missing": ("kaggle", "rating.csv", b"1,2,\n"),
    "an unknown title": ("kaggle", "rating.csv", b"1,424242,8\n"),
    "exponent notation": ("kaggle", "rating.csv", b"1e0,2,8\n"),
    "a full-width digit": ("kaggle", "rating.csv", "１,2,8\n".encode()),
    "title twice": ("kaggle", "anime.csv", b"1,Again,Action,TV,12,7,1\n"),
    "title without a name": ("kaggle", "anime.csv", b"99,,Action,TV,12,7,1\n"),
    "title of 100,000 letters": ("kaggle", "anime.csv", b"99," + b"x" * 100_000 + b",Action,TV,12,7,1\n"),
    "title with a formula": ("kaggle", "anime.csv", b"99,=1+1,Action,TV,12,7,1\n"),
    "title with a line break": ("kaggle", "anime.csv", b'99,"two\nlines",Action,TV,12,7,1\n'),
    "genre of commas": ("kaggle", "anime.csv", b'99,X,",,, ,",TV,12,7,1\n'),
    "a thousand genres": (
        "kaggle",
        "anime.csv",
        b'99,X,"' + b", ".join(b"g%d" % n for n in range(1000)) + b'",TV,12,7,1\n',
    ),
    "title of 60,000 marks": ("kaggle", "anime.csv", b"99," + b"!" * 60_000 + b"a,Action,TV,12,7,1\n"),
    "title of 20,000 numbers": ("kaggle", "anime.csv", b"99,abc" + b" 1" * 20_000 + b",Action,TV,12,7,1\n"),
    "title with a reference of 5,000 digits": (
        "kaggle",
        "anime.csv",
        b"99,&#" + b"9" * 5000 + b";,&#" + b"9" * 5000 + b";,TV,12,7,1\n",
    ),
    "episodes with a separator for a blank": ("kaggle", "anime.csv", b"99,X,Action,TV,12\x1c,7,1\n"),
    "negative title": ("kaggle", "anime.csv", b"-1,X,Action,TV,12,7,1\n"),
    "a user alone": ("text", "train.txt", b"77\n"),
    "a negative item": ("text", "train.txt", b"3 -1\n"),
    "an item as a word": ("text", "train.txt", b"3 four\n"),
    "a huge item": ("text", "train.txt", b"3 4000000000\n"),
    "an item beyond what a graph can be built of": ("text", "train.txt", b"3 900000\n"),
    "an item beyond 64 bits": ("text", "train.txt", b"3 99999999999999999999999\n"),
    "a tab": ("text", "train.txt", b"3\t4\n"),
    "train and test the same": ("text", "test.txt", b"0 0 1 2 4\n"),
    "a triple of two": ("text", "kg_final.txt", b"1 2\n"),
    "a triple of four": ("text", "kg_final.txt", b"1 2 3 4\n"),
    "a self-loop": ("text", "kg_final.txt", b"1 0 1\n"),
    "a cycle": ("text", "kg_final.txt", b"1 1 2\n2 1 3\n3 1 1\n"),
    "a triple twice": ("text", "kg_final.txt", b"1 0 11\n1 0 11\n"),
    "a negative relation": ("text", "kg_final.txt", b"1 -1 11\n"),
    "a huge relation": ("text", "kg_final.txt", b"1 123456789 11\n"),
    "a huge entity": ("text", "kg_final.txt", b"1 0 987654321987\n"),
    "inter: rating nan": ("recbole", "x.inter", b"u1\ti1\tnan\n"),
    "inter: rating a word": ("recbole", "x.inter", b"u1\ti1\tgood\n"),
    "inter: one column": ("recbole", "x.inter", b"u1\n"),
    "inter: too many columns": ("recbole", "x.inter", b"u1\ti1\t5\t5\t5\n"),
    "inter: no user": ("recbole", "x.inter", b"\ti1\t5\n"),
    "inter: a user with a NUL": ("recbole", "x.inter", b"u1\x00\ti1\t8\n"),
    "kg: more relations than there may be": (
        "recbole",
        "x.kg",
        b"".join(b"m%d\tr%d\tg%d\n" % (n % 10, n, n) for n in range(33_000)),
    ),
    "kg: an entity that nothing links to": ("recbole", "x.kg", b"nobody\tr\tg0\n"),
    "kg: a relation without a name": ("recbole", "x.kg", b"m1\t\tg0\n"),
    "link: an item twice": ("recbole", "x.link", b"i1\tm2\n"),
    "link: an unknown item": ("recbole", "x.link", b"i999\tm999\n"),
    "item: an item twice": ("recbole", "x.item", b"i1\tAgain\n"),
    "item: a field too many": ("recbole", "x.item", b"i1\tAgain\tand more\n"),
    "kg: every relation and its inverse": (
        "recbole",
        "x.kg",
        b"".join(b"g%d\tback\tm%d\n" % (i % 3, i) for i in range(10)),
    ),
    "kg: many relations with the same pair": (
        "recbole",
        "x.kg",
        b"".join(b"m1\tr%d\tg0\n" % n for n in range(33_000)),
    ),
    "whole numbers as floats": ("kaggle", "rating.csv", b"1.0,2.0,8.0\n"),
    "a whole number as a float of 5,000 digits": ("kaggle", "rating.csv", b"1." + b"0" * 5000 + b",2,8\n"),
}


def only(name: str, *lines: bytes) -> Callable[[Path], None]:
    """The header of the file, if any, and these lines."""
    return edit(
        name,
        lambda content: (
            (b"" if name.endswith(".txt") else content.splitlines(keepends=True)[0]) + b"".join(lines)
        ),
    )


def bomb(folder: Path) -> None:
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("anime.csv", (folder / "anime.csv").read_text())
        with file.open("rating.csv", "w", force_zip64=True) as member:
            for _ in range(64 if not LONG else 5 * 1024):
                member.write(b"\0" * (1 << 20))
    _only_the_zip(folder)


def _only_the_zip(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    os.replace(folder.with_suffix(".zip"), folder / "archive.zip")


def climbing(folder: Path) -> None:
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as file:
        for name in ("anime.csv", "rating.csv"):
            file.writestr(f"../../{name}", (folder / name).read_text())
        file.writestr("../../outside.txt", "written outside")
    _only_the_zip(folder)


def long_line(folder: Path) -> None:
    with (folder / "rating.csv").open("ab") as file:
        for _ in range(1024 if LONG else 16):
            file.write(b"1" * (1 << 20))


def broken_gzip(folder: Path) -> None:
    content = gzip.compress((folder / "rating.csv").read_bytes())
    (folder / "rating.csv").unlink()
    (folder / "rating.csv.gz").write_bytes(content[:-10])


def broken_lzma(folder: Path) -> None:
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w", zipfile.ZIP_LZMA) as file:
        for name in ("anime.csv", "rating.csv"):
            file.writestr(name, (folder / name).read_bytes())
    content = bytearray(folder.with_suffix(".zip").read_bytes())
    content[60:70] = b"\xff" * 10
    folder.with_suffix(".zip").write_bytes(content)
    _only_the_zip(folder)


def linked(folder: Path, to: str) -> None:
    (folder / "rating.csv").unlink()
    (folder / "rating.csv").symlink_to(to)


def beside(name: str, content: bytes) -> Callable[[Path], None]:
    """A file more."""
    return lambda folder: (folder / name).write_bytes(content) and None


def piped(name: str) -> Callable[[Path], None]:
    """A pipe in the place of the file: who opens it waits for ever."""

    def harm(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return harm


LISTS = ("item_list.txt", "user_list.txt", "relation_list.txt", "entity_list.txt")
ODD_LISTS: dict[str, bytes] = {
    "empty": b"",
    "noise": bytes(range(256)),
    "header alone": b"org_id remap_id\n",
    "no header": b"B0001 0\nB0002 1\n",
    "glued": b"org_id remap_id freebase_id\na 0a\n",
    "one column": b"remap_id\n0\n1\n",
    "numbers alone, turned round": b"remap_id org_id\n"
    + b"".join(b"%d %d\n" % (n, 9 - n) for n in range(10)),
    "all the same": b"org_id\tremap_id\n" + b"x\t1\n" * 100,
    "a huge number": b"org_id remap_id\na 999999999999\nb 99999999999999999999999\n",
    "a picture": b"\x89PNG\r\n\x1a\n",
    "a name of 100,000 letters": b"org_id remap_id\n" + b"x" * 100_000 + b" 0\n",
    "100,000 words": b"org_id remap_id\n" + b"a " * 100_000 + b"0\n",
}

FOLDERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    **{
        f"{name}: {what}": ("text", beside(name, content))
        for name in LISTS
        for what, content in ODD_LISTS.items()
    },
    **{
        f"a pipe as {name}": (format, piped(name))
        for format, files in VALID.items()
        for name in (*files, "item_list.txt", "x.zip")
    },
    "one user": ("text", only("train.txt", b"0 1 2 3 4\n")),
    "one item": ("text", only("train.txt", *(b"%d 1\n" % u for u in range(8)))),
    "a user who liked everything": (
        "text",
        only("train.txt", b"0 0 1 2 3 4 5 6 7 8 9\n", b"1 1 2 3\n", b"2 2 3 4\n"),
    ),
    "nobody likes anything": (
        "kaggle",
        only("rating.csv", *(b"%d,%d,-1\n" % (u + 1, i + 1) for u, i in PAIRS)),
    ),
    "a graph without edges": ("text", only("kg_final.txt", b"")),
    "a graph of one edge": ("text", only("kg_final.txt", b"0 0 11\n")),
    "all share one entity": ("text", only("kg_final.txt", *(b"%d 0 11\n" % i for i in range(10)))),
    "a zip bomb": ("kaggle", bomb),
    "a zip that climbs out": ("kaggle", climbing),
    "one endless line": ("kaggle", long_line),
    "half a gzip": ("kaggle", broken_gzip),
    "a link to nothing": ("kaggle", lambda folder: linked(folder, "nowhere.csv")),
    "a link to itself": ("kaggle", lambda folder: linked(folder, "rating.csv")),
    "a link to a device": ("kaggle", lambda folder: linked(folder, "/dev/null")),
    "a folder in the place of a file": (
        "kaggle",
        lambda folder: (folder / "rating.csv").unlink() or (folder / "rating.csv").mkdir(),
    ),
    "a missing table": ("kaggle", lambda folder: (folder / "anime.csv").unlink()),
    "a missing test split": ("text", lambda folder: (folder / "test.txt").unlink()),
    "a missing link table": ("recbole", lambda folder: (folder / "x.link").unlink()),
    "two interaction tables": (
        "recbole",
        lambda folder: (folder / "y.inter").write_bytes((folder / "x.inter").read_bytes()) and None,
    ),
    "a title that is a number": (
        "recbole",
        edit("x.item", lambda content: b"item_id:token\ttitle:float\ni1\t5\n"),
    ),
    "an item that is a number": (
        "recbole",
        edit(
            "x.item",
            lambda content: content.replace(b"item_id:token", b"item_id:float").replace(b"\ni", b"\n"),
        ),
    ),
    "a relation that is a number": (
        "recbole",
        edit(
            "x.kg",
            lambda content: content.replace(b"relation_id:token", b"relation_id:float").replace(
                b"\tr\t", b"\t1\t"
            ),
        ),
    ),
    "a header of 50,000 columns": (
        "recbole",
        edit("x.inter", lambda content: b"".join(b"c%d:token\t" % n for n in range(50_000)) + content),
    ),
    "a column name of 10,000 letters, twice": (
        "kaggle",
        edit("rating.csv", lambda content: b"x" * 10_000 + b"," + b"x" * 10_000 + b"," + content),
    ),
    "a zip of LZMA, damaged": ("kaggle", broken_lzma),
    "an unknown column type": (
        "recbole",
        edit("x.inter", lambda content: content.replace(b"rating:float", b"rating:blob")),
    ),
    "a header without types": (
        "recbole",
        edit("x.inter", lambda content: content.replace(b":token", b"").replace(b":float", b"")),
    ),
    "a column twice": (
        "kaggle",
        edit(
            "rating.csv",
            lambda content: content.replace(b"user_id,anime_id,rating", b"user_id,user_id,rating"),
        ),
    ),
    "columns in another order": (
        "kaggle",
        edit("rating.csv", lambda content: b"rating,anime_id,user_id\n" + content.split(b"\n", 1)[1]),
    ),
}

CASES: dict[str, tuple[str, Callable[[Path], None]]] = {}
for _format, _files in VALID.items():
    for _name in _files:
        for _what, _change in EVERY_TABLE.items():
            CASES[f"{_format}, {_name}: {_what}"] = (_format, edit(_name, _change))
for _what, (_format, _name, _row) in ROWS.items():
    CASES[f"{_format}, {_name}: {_what}"] = (_format, edit(_name, append(_row)))
for _what, (_format, _act) in FOLDERS.items():
    CASES[f"{_format}: {_what}"] = (_format, _act)


@pytest.mark.parametrize("case", CASES)
def test_read_or_refused_in_one_line(case: str, tmp_path: Path) -> None:
    format, harm = CASES[case]
    folder = lay(tmp_path / "data", files_of(format))
    before = sorted(path.name for path in tmp_path.iterdir())
    harm(folder)
    began = time.monotonic()
    outcome(format, folder / "archive.zip" if (folder / "archive.zip").exists() else folder)
    assert time.monotonic() - began < (SLOWEST if not LONG else 10 * SLOWEST)
    assert sorted(path.name for path in tmp_path.iterdir()) == before, "nothing is written outside"
    assert not (tmp_path.parent / "outside.txt").exists()


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 300


@pytest.mark.parametrize("what", ODD_LISTS)
@pytest.mark.parametrize("name", LISTS)
def test_an_optional_list_never_stops_the_reading(name: str, what: str, tmp_path: Path) -> None:
    folder = lay(tmp_path / "data", files_of("text"))
    beside(name, ODD_LISTS[what])(folder)
    assert outcome("text", folder) == ""


@pytest.mark.parametrize(
    "case",
    [
        "kaggle, rating.csv: noise",
        "text, train.txt: an item as a word",
        "recbole, x.inter: utf-16",
        "kaggle: half a gzip",
    ],
)
def test_the_command_line_ends_with_2(case: str, tmp_path: Path, capsys, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    format, harm = CASES[case]
    folder = lay(tmp_path / "data", files_of(format))
    harm(folder)
    monkeypatch.setattr(sys, "argv", ["dskreg", "train", str(folder), "--out", str(tmp_path / "made")])
    assert main() == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1 and not (tmp_path / "made").exists()


def test_an_archive_that_asks_for_more_memory_than_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged header of LZMA may name a dictionary of 4 GiB."""

    def no_memory(*_: object) -> bytes:
        raise MemoryError

    folder = lay(tmp_path / "data", files_of("tables"))
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w", zipfile.ZIP_LZMA) as file:
        for path in folder.iterdir():
            file.write(path, path.name)
    _only_the_zip(folder)
    monkeypatch.setattr(zipfile.LZMADecompressor, "decompress", no_memory)
    told = "archive.zip: expected a complete zip file (it is truncated or damaged)"
    assert outcome("tables", folder) == told
