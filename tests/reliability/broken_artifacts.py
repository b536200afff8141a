"""Artifacts that are consistent, every hash as it should be, and yet not what an artifact is: every field of
every file broken in several ways.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import load_file, save_file

from dskreg.storage import folders
from dskreg.storage.artifact import FILES, MANIFEST

DOCUMENTS = (MANIFEST, "metrics.json", "history.json", "run.json")
TABLES = tuple(name for name in FILES if name.endswith(".parquet"))
TENSORS = tuple(name for name in FILES if name.endswith(".safetensors"))
HASHED = 1 << 30  # bytes; a larger file is refused for its size
MOST_ROWS = 2  # rows of a list in a document that are broken one by one


@dataclass(frozen=True)
class Broken:
    """One way to break an artifact.

    `file` and `field` are what a message should name; `fatal`: can it not be anything but refused?
    """

    name: str
    file: str
    field: str
    apply: Callable[[Path], object]
    fatal: bool = True


def consistent(folder: Path) -> None:
    """Make the manifest's hashes those of the files as they are, and its digest its own."""
    path = folder / MANIFEST
    if not path.is_file() or path.stat().st_size > HASHED:
        return
    try:
        manifest = json.loads(path.read_text())
        files = manifest["files"]
        for name in files:
            if (folder / name).is_file() and (folder / name).stat().st_size < HASHED:
                files[name] = folders.sha256(folder / name)
        kept = {k: v for k, v in manifest.items() if k != "content"} | {
            "files": {k: v for k, v in files.items() if k != "run.json"}
        }
        manifest["content"] = folders.digest(kept)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError):
        return  # the manifest itself is what was broken
    path.write_text(json.dumps(manifest))


def copied(source: Path, target: Path) -> Path:
    """A copy of the artifact."""
    shutil.rmtree(target, ignore_errors=True)
    return Path(shutil.copytree(source, target))


# Documents

WRONG: tuple[tuple[str, Any, bool], ...] = (
    ("null", None, False),
    ("text", "<b>x</b>", False),
    ("list", [], False),
    ("object", {}, False),
    ("negative", -1, False),
    ("huge", 1e300, False),
    ("NaN", float("nan"), False),
    ("flag", True, False),
)


PRECISE = (
    ("evidence", "kappa"),
    ("evidence", "boost"),
    ("evidence", "curve", 0, "boost"),
    ("evidence", "curve", 1, "cold"),
    ("resets", 0, "part"),
    ("resets", 0, "all"),
    ("start", "exponent"),
)
"""Fields of metrics.json that hold one kind of value."""


def paths_of(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON document, the first rows of lists alone."""
    if path:
        yield path
    inner = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document[:MOST_ROWS])
        if isinstance(document, list)
        else ()
    )
    for key, value in inner:
        yield from paths_of(value, (*path, key))


def changed(document: Any, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    """A copy of the document, changed at the place by `change(owner, key)`."""
    found = copy.deepcopy(document)
    owner = found
    for key in path[:-1]:
        owner = owner[key]
    change(owner, path[-1])
    return found


def rewriting(file: str, make: Callable[[Any], Any]) -> Callable[[Path], None]:
    """Replace the document by what `make` makes of it."""

    def apply(folder: Path) -> None:
        (folder / file).write_text(json.dumps(make(json.loads((folder / file).read_text()))))

    return apply


def broken_documents(source: Path) -> Iterator[Broken]:
    """Every field of every document with another type, another value, missing, and a stranger beside it."""
    for file in DOCUMENTS:
        document = json.loads((source / file).read_text())
        for path in paths_of(document):
            if path[0] in ("files", "content") and file == MANIFEST and len(path) > 1:
                continue  # hashes are made anew
            label = ".".join(map(str, path))
            for kind, value, fatal in WRONG:
                put = rewriting(
                    file,
                    lambda found, path=path, value=value: changed(
                        found, path, lambda owner, key: owner.__setitem__(key, value)
                    ),
                )
                yield Broken(f"{file} {label} {kind}", file, str(path[-1]), put, fatal)
            gone = rewriting(
                file, lambda found, path=path: changed(found, path, lambda owner, key: owner.__delitem__(key))
            )
            yield Broken(f"{file} {label} missing", file, str(path[-1]), gone, False)
        for path in PRECISE if file == "metrics.json" else ():
            for value in ([], float("nan"), -1, None):
                put = rewriting(
                    file,
                    lambda found, path=path, value=value: changed(
                        found, path, lambda owner, key: owner.__setitem__(key, value)
                    ),
                )
                label = ".".join(map(str, path))
                yield Broken(f"{file} {label} precisely {value}", file, str(path[-1]), put)
        stranger = rewriting(
            file,
            lambda found: found | {"stranger": 1} if isinstance(found, dict) else [*found, {"stranger": 1}],
        )
        yield Broken(f"{file} stranger", file, "stranger", stranger)
        for kind, text in (
            ("nested", "[" * 100_000),
            ("empty", ""),
            ("number", "3"),
            ("list", "[]" if file != "history.json" else "{}"),
            ("bytes", "\udcff"),
        ):
            yield Broken(
                f"{file} {kind}",
                file,
                "",
                lambda folder, file=file, text=text: (folder / file).write_text(
                    text, errors="surrogateescape"
                ),
            )
        yield Broken(f"{file} long", file, "", lambda folder, file=file: os.truncate(folder / file, 5 << 30))


# Tables


def retabled(file: str, make: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    """Replace the table by what `make` makes of it."""

    def apply(folder: Path) -> None:
        pq.write_table(make(pq.read_table(folder / file).replace_schema_metadata(None)), folder / file)

    return apply


def with_value(table: pa.Table, name: str, value: Any, kind: pa.DataType | None = None) -> pa.Table:
    """The table with another value in the middle of a column."""
    values = table.column(name).to_pylist()
    if values:
        values[len(values) // 2] = value
    place = table.schema.get_field_index(name)
    return table.set_column(place, name, pa.array(values, kind or table.schema.field(name).type))


def as_other_type(table: pa.Table, name: str) -> pa.Table:
    """The column as text, or as numbers where it is text."""
    place, kind = table.schema.get_field_index(name), table.schema.field(name).type
    other = (
        pa.array(range(len(table)), pa.float64())
        if pa.types.is_string(kind) or pa.types.is_large_string(kind)
        else table.column(name).cast(pa.string())
    )
    return table.set_column(place, name, other)


def broken_tables(source: Path) -> Iterator[Broken]:
    """Every column of every table: missing, renamed, twice, of another type, nested, with nulls and with
    values out of range.
    """
    for file in TABLES:
        table = pq.read_table(source / file)
        for field in table.schema:
            name = field.name
            required = name not in (
                "type",
                "genres",
                "studio",
                "source",
                "franchise",
                "episodes",
                "year",
                "members",
                "mean_rating",
            )
            harms: dict[str, tuple[Callable[[pa.Table], pa.Table], bool]] = {
                "missing": (lambda t, n=name: t.drop_columns([n]), required),
                "renamed": (lambda t, n=name: t.rename_columns({n: f"{n}?"}), True),
                "twice": (lambda t, n=name: t.append_column(n, t.column(n)), True),
                "other type": (as_other_type, name not in ("item_id", "user_id")),  # ids may be texts
                "nested": (
                    lambda t, n=name: t.set_column(t.schema.get_field_index(n), n, pa.array([[1]] * len(t))),
                    True,
                ),
                "nulls": (lambda t, n=name: with_value(t, n, None), required),
            }
            if pa.types.is_integer(field.type):
                bounds = np.iinfo(field.type.to_pandas_dtype())
                harms |= {
                    "far below": (
                        lambda t, n=name, v=int(bounds.min): with_value(t, n, v),
                        name != "item_id" and name != "user_id",
                    ),
                    "far above": (
                        lambda t, n=name, v=int(bounds.max): with_value(t, n, v),
                        name not in ("item_id", "user_id", "episodes", "year", "members"),
                    ),
                }
            if pa.types.is_floating(field.type):
                harms |= {
                    word: (lambda t, n=name, v=value: with_value(t, n, v), True)
                    for word, value in (
                        ("NaN", np.nan),
                        ("infinite", np.inf),
                        ("huge", 1e38),
                        ("-huge", -1e38),
                    )
                }
            if name in ("item_id", "user_id"):
                harms["repeated"] = (lambda t, n=name: with_value(t, n, t.column(n)[0].as_py()), True)
            for word, (make, fatal) in harms.items():
                harm = (lambda t, m=make, n=name: m(t, n)) if make is as_other_type else make
                yield Broken(f"{file} {name} {word}", file, name, retabled(file, harm), fatal)
        yield Broken(
            f"{file} stranger",
            file,
            "stranger",
            retabled(file, lambda t: t.append_column("stranger", pa.array([1] * len(t)))),
        )
        yield Broken(
            f"{file} no rows",
            file,
            "",
            retabled(file, lambda t: t.slice(0, 0)),
            file not in ("user_map.parquet", "triples.parquet", "interactions.parquet"),
        )
        yield Broken(
            f"{file} one row less", file, "", retabled(file, lambda t: t.slice(1)), file == "item_map.parquet"
        )
        yield Broken(
            f"{file} no parquet",
            file,
            "",
            lambda folder, file=file: (folder / file).write_bytes(b"PAR1" + b"\xff" * 100 + b"PAR1"),
        )


def million_rows_of(file: str, rows: int) -> Callable[[Path], None]:
    """The table's first row again and again: next to nothing on disk, gigabytes in memory."""

    def apply(folder: Path) -> None:
        first = pq.read_table(folder / file).slice(0, 1)
        block = pa.concat_tables([first] * 1000).combine_chunks()
        block = pa.concat_tables([block] * 1000).combine_chunks()
        with pq.ParquetWriter(folder / file, block.schema, compression="zstd") as writer:
            for _ in range(rows // len(block)):
                writer.write_table(block)

    return apply


# Tensors

AMOUNTS = ("strengths", "weight", "likes", "evidence")  # never below 0
PAIRS = ("pair_relevance", "strengths")  # with a column for each feature of a pair


def retensored(file: str, make: Callable[[dict[str, np.ndarray]], object]) -> Callable[[Path], None]:
    """Change the tensors in place."""

    def apply(folder: Path) -> None:
        tensors = {name: value.copy() for name, value in load_file(folder / file).items()}
        make(tensors)
        save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, folder / file)

    return apply


def set_one(tensors: dict[str, np.ndarray], name: str, value: float) -> None:
    """Another value in the middle of a tensor."""
    tensors[name].reshape(-1)[tensors[name].size // 2] = value


def broken_tensors(source: Path) -> Iterator[Broken]:
    """Every tensor: missing, renamed, of another type and shape, empty, and with values that are none or out
    of range.
    """
    for file in TENSORS:
        for name, value in load_file(source / file).items():
            whole = np.issubdtype(value.dtype, np.integer)
            harms: dict[str, Callable[[dict[str, np.ndarray]], object]] = {
                "missing": lambda t, n=name: t.pop(n),
                "renamed": lambda t, n=name: t.update({f"{n}?": t.pop(n)}),
                "other type": lambda t, n=name: t.update({n: t[n].astype(np.float64)}),
                "other shape": lambda t, n=name: t.update({n: t[n][..., None]}),
                "shorter": lambda t, n=name: t.update({n: t[n][:-1]}),
                "empty": lambda t, n=name: t.update({n: t[n][:0]}),
            }
            values = (
                (np.iinfo(value.dtype).max, np.iinfo(value.dtype).min)
                if whole
                else (np.nan, np.inf, -np.inf, 1e38)
            )
            if name in AMOUNTS:
                values = (*values, -1)
            if name in PAIRS:
                harms["narrower"] = lambda t, n=name: t.update({n: t[n][..., :-1]})
                harms["wider"] = lambda t, n=name: t.update({n: np.concatenate([t[n], t[n][..., :1]], -1)})
            harms |= {f"{bad:g}": lambda t, n=name, bad=bad: set_one(t, n, bad) for bad in values}
            for word, make in harms.items():
                yield Broken(f"{file} {name} {word}", file, name, retensored(file, make))
        yield Broken(
            f"{file} stranger",
            file,
            "stranger",
            retensored(file, lambda t: t.update(stranger=np.zeros(3, np.float32))),
        )
        yield Broken(
            f"{file} header",
            file,
            "",
            lambda folder, file=file: (folder / file).write_bytes((2**40).to_bytes(8, "little") + b"{}"),
        )
    yield Broken(
        "picks of others",
        "serving.safetensors",
        "neighbour",
        retensored("serving.safetensors", lambda t: t.update(neighbour=t["neighbour"][::-1])),
    )


# What stands in the place of a file


def broken_files() -> Iterator[Broken]:
    """Every file: a pipe, a folder, a link to nowhere or to itself, a device, absent."""

    def replaced(file: str, make: Callable[[Path], object]) -> Callable[[Path], None]:
        def apply(folder: Path) -> None:
            (folder / file).unlink()
            make(folder / file)

        return apply

    for file in (*FILES, MANIFEST):
        yield Broken(f"{file} pipe", file, "", replaced(file, os.mkfifo))
        yield Broken(f"{file} folder", file, "", replaced(file, Path.mkdir))
        yield Broken(f"{file} loop", file, "", replaced(file, lambda path: path.symlink_to(path.name)))
        yield Broken(f"{file} device", file, "", replaced(file, lambda path: path.symlink_to("/dev/zero")))
        yield Broken(f"{file} absent", file, "", replaced(file, lambda path: None))


def broken_whole(source: Path) -> list[Broken]:
    """All of the above."""
    return [*broken_documents(source), *broken_tables(source), *broken_tensors(source), *broken_files()]


def bombs() -> list[Broken]:
    """Small on disk and far too large in memory, or large and of no use."""

    def text_bomb(folder: Path) -> None:
        table = pq.read_table(folder / "items.parquet").replace_schema_metadata(None)
        place = table.schema.get_field_index("title")
        same = pa.DictionaryArray.from_arrays(
            pa.array([0] * len(table), pa.int32()), pa.array(["x" * 5_000_000])
        )
        pq.write_table(table.set_column(place, "title", same), folder / "items.parquet", store_schema=False)

    def unread(folder: Path) -> None:
        table = pq.read_table(folder / "interactions.parquet").replace_schema_metadata(None)
        rng = np.random.default_rng(0)
        blob = pa.array(
            [rng.bytes(8 << 20) for _ in range(100)] + [b""] * (len(table) - 100), pa.large_binary()
        )
        pq.write_table(
            table.append_column("unread", blob),
            folder / "interactions.parquet",
            compression="none",
            use_dictionary=False,
        )

    names = rewriting(MANIFEST, lambda found: found | {"relations": [f"r{n}" for n in range(1_000_000)]})
    return [
        Broken(
            "300 million equal likes",
            "interactions.parquet",
            "",
            million_rows_of("interactions.parquet", 300_000_000),
        ),
        Broken("300 million equal users", "users.parquet", "", million_rows_of("users.parquet", 300_000_000)),
        Broken(
            "300 million equal triples",
            "triples.parquet",
            "",
            million_rows_of("triples.parquet", 300_000_000),
        ),
        Broken("titles of 4 GB", "items.parquet", "", text_bomb),
        Broken("an unread column of 800 MB", "interactions.parquet", "unread", unread),
        Broken("a million relations", MANIFEST, "", names),
    ]
