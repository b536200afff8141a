"""Hostile settings and hostile checkpoints, made one after another from a seed: every setting, every field
and every kind of tensor broken in several ways.
"""

from __future__ import annotations

import copy
import json
import math
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from safetensors.numpy import load_file, save_file

from dskreg.config import Config, setting_paths
from dskreg.text import legible

Break = Callable[[Path], None]
"""What breaks a checkpoint's folder."""

NESTED = "[" * 100_000 + "]" * 100_000
WRONG = (None, "text", [], {}, [[1]], {"a": 1}, True, 3, 3.5, b"bytes", object())
BEYOND = (10**30, -(10**30), 1e300, -1e300, 1e-320, math.nan, math.inf, -math.inf, 10**5000)
TEXTS = (
    "",
    "text",
    "None",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "-1e300",
    "1e300",
    "1e-320",
    "1" * 5000,
    "0x10",
    "1,5",
    "\ud800",
    "\x1b[31m",
    "[]",
    "٣٣٣٣٣٣٣٣٣٣٣٣",
)


@dataclass(frozen=True)
class Setting:
    """A value that `path` may not have; `text` where it comes from the command line."""

    path: str
    value: Any
    text: bool

    def __str__(self) -> str:
        return (
            f"{self.path} {'text' if self.text else 'value'} "
            f"{ascii(self.value)[:40] if not isinstance(self.value, int) else self.value.bit_length()}"
        )

    def document(self) -> dict[str, Any]:
        section, _, name = self.path.rpartition(".")
        return {section: {name: self.value}} if section else {name: self.value}


def bounds() -> dict[str, list[float]]:
    """The numbers just outside each setting's declared range, both sides."""
    schema = TypeAdapter(Config).json_schema()
    found: dict[str, list[float]] = {}
    for path in setting_paths():
        section, _, name = path.rpartition(".")
        owner = (
            schema["$defs"][schema["properties"][section]["$ref"].rpartition("/")[2]] if section else schema
        )
        told = owner["properties"][name]
        told = told.get("anyOf", [told])[0]  # of a number or None, the number
        ends = [told[key] for key in ("exclusiveMinimum", "exclusiveMaximum") if key in told]
        ends += [
            told[key] + sign * (1 if told["type"] == "integer" else abs(told[key]) / 8 or 1e-9)
            for key, sign in (("minimum", -1), ("maximum", 1))
            if key in told
        ]
        found[path] = ends
    return found


def settings() -> Iterator[Setting]:
    """For each setting what it may not be: other types, out of range on both sides, not finite, huge; as
    values and as text.
    """
    config, outside = Config(), bounds()
    for path in setting_paths():
        default: Any = config
        for part in path.split("."):
            default = getattr(default, part)
        if path == THRESHOLD:
            default = 7.0
        yield from (Setting(path, value, False) for value in WRONG if not _fits(value, default, path))
        if isinstance(default, (int, float)) and not isinstance(default, bool):
            yield from (
                Setting(path, value, False)
                for value in (*BEYOND, *outside[path])
                if abs(value) != 1e-320 or path not in SMALL
            )
            yield from (Setting(path, str(value), True) for value in outside[path])
        if not isinstance(default, (tuple, str)) or path in CHOSEN:
            yield from (Setting(path, text, True) for text in TEXTS if not _reads(text, default, path))


THRESHOLD = "data.like_threshold"  # a number, or None: by the ratings' scale
SMALL = {THRESHOLD, "train.l2", "graph.max_share"}
"""Settings for which the smallest numbers of all are as good as zero."""
CHOSEN = {"data.split", "train.device", "model.form", "model.relaxation"}
"""Texts of which only a few are meant."""


def _fits(value: Any, default: Any, path: str) -> bool:
    if isinstance(default, float):
        return type(value) in (int, float) or (value is None and path == THRESHOLD)
    if isinstance(default, tuple):
        return value == [] and isinstance(value, list)
    if isinstance(default, str):
        return False if value != "text" else True
    return type(value) is type(default)


def _reads(text: str, default: Any, path: str) -> bool:
    return (path in SMALL and text == "1e-320") or (path == THRESHOLD and text == "None")


# Checkpoints


def leaves(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of every field, of lists the first and the last entry."""
    if path:
        yield path
    if isinstance(document, dict):
        for name, value in document.items():
            yield from leaves(value, (*path, name))
    elif isinstance(document, list):
        for place in sorted({0, len(document) - 1} if document else set()):
            yield from leaves(document[place], (*path, place))


def put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of the document with the value at the path; REMOVED takes it out."""
    changed = copy.deepcopy(document)
    owner = changed
    for part in path[:-1]:
        owner = owner[part]
    if value is REMOVED:
        del owner[path[-1]]
    else:
        owner[path[-1]] = value
    return changed


REMOVED = object()
VALUES = (
    REMOVED,
    None,
    "text",
    [],
    {},
    [[[]]],
    -1,
    True,
    1e300,
    -1e300,
    10**30,
    math.nan,
    math.inf,
    "\u0000",
)


def _rewrite(value: Any, path: tuple[Any, ...]) -> Break:
    def breaks(folder: Path) -> None:
        file = folder / "state.json"
        file.write_text(json.dumps(put(json.loads(file.read_text()), path, value)))

    return breaks


def fields(document: dict[str, Any]) -> Iterator[tuple[str, Break]]:
    """Every field of state.json in every way of VALUES, unknown ones beside them, epochs out of order."""
    for path in leaves(document):
        for value in VALUES:
            if not harmless(document, path, value):
                said = "removed" if value is REMOVED else repr(value)
                yield f"state.json {'.'.join(map(str, path))} {said}", _rewrite(value, path)
    for path in ((), ("start",), ("history", 0), ("config",), ("config", "model")):
        yield f"state.json {'.'.join(map(str, path))} unknown", _rewrite(1, (*path, "unknown"))
    rows = document["history"]
    for name, history in {"reversed": rows[::-1], "twice": rows + rows, "late": rows[1:], "none": []}.items():
        yield f"state.json history {name}", _rewrite(history, ("history",))


def harmless(document: Any, path: tuple[Any, ...], value: Any) -> bool:
    """May a valid checkpoint say so? Figures may be missing, a yes may be a no, losses are any number."""
    found = document
    for part in path:
        found = found[part]
    if path[0] == "config" or value is REMOVED:
        return value is not REMOVED and type(value) is type(found) and value == found
    if path[-1] in ("loss", "ndcg", "recall", "hidden", "ridge") and value is None:
        return True
    return (path[-1] == "loss" and value in (-1, found)) or (
        isinstance(found, bool) and isinstance(value, bool)
    )


def tensors(found: dict[str, np.ndarray]) -> Iterator[tuple[str, Break]]:
    """Every tensor gone, of another shape or type, with NaN, infinity or numbers out of sense in it, and one
    too many.
    """

    def save(change: Callable[[dict[str, np.ndarray]], None]) -> Break:
        def breaks(folder: Path) -> None:
            held = load_file(folder / "state.safetensors")
            change(held)
            save_file(
                {name: np.asarray(value, order="C") for name, value in held.items()},
                folder / "state.safetensors",
            )

        return breaks

    for name in found:
        ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
            "longer": lambda array: np.resize(array, (*array.shape, 2)),
            "flat": lambda array: array.ravel() if array.ndim > 1 else array.reshape(1, *array.shape),
            "empty": lambda array: np.zeros(0, array.dtype),
            "double": lambda array: array.astype(np.float64),
            "whole": lambda array: array.astype(np.int32),
            "half": lambda array: array.astype(np.float16),
            "nan": lambda array: spoilt(array, np.nan),
            "inf": lambda array: spoilt(array, np.inf),
            "-inf": lambda array: spoilt(array, -np.inf),
        }
        if name.startswith(("model.", "best.")):
            ways["1e38"] = lambda array: spoilt(array, 1e38)
        if name.endswith((".step", ".exp_avg_sq")):
            ways["negative"] = lambda array: spoilt(array, -1)
        for way, change in ways.items():
            yield (
                f"state.safetensors {name} {way}",
                save(lambda held, name=name, change=change: held.update({name: change(held[name])})),
            )  # type: ignore[misc]
        yield f"state.safetensors {name} missing", save(lambda held, name=name: held.pop(name))  # type: ignore[misc]
    for name in (
        "extra",
        "model.extra",
        "optimiser.0.extra",
        "optimiser.99.step",
        "optimiser.x.step",
        "\u202e",
    ):
        yield (
            f"state.safetensors {name!r} too many",
            save(lambda held, name=name: held.update({name: np.zeros(2, np.float32)})),
        )  # type: ignore[misc]


def spoilt(array: np.ndarray, value: float) -> np.ndarray:
    """A copy whose last number is `value`."""
    changed = array.copy()
    changed.reshape(-1)[-1:] = value
    return changed


def files() -> Iterator[tuple[str, Break]]:
    """Every file as something else than a file of its kind."""

    def replaced(name: str, make: Callable[[Path], object]) -> Break:
        def breaks(folder: Path) -> None:
            (folder / name).unlink()
            make(folder / name)

        return breaks

    contents = {
        "empty": b"",
        "nested": NESTED.encode(),
        "nested objects": b'{"a":' * 50_000,
        "binary": bytes(range(256)) * 20,
        "a list": b"[]",
        "a number": b"1",
        "null": b"null",
        "not UTF-8": b'{"data": "\xff\xfe"}',
        "large": b" " * (5 << 20),
        "a long number": b'{"tensors": ' + b"9" * 10_000 + b"}",
        "a huge header": (2**63 - 1).to_bytes(8, "little") + b"{}",
        "twice the same": b'{"data": "a", "data": "b"}',
    }
    for name in ("state.json", "state.safetensors"):
        for said, content in contents.items():
            yield f"{name} {said}", replaced(name, lambda path, content=content: path.write_bytes(content))  # type: ignore[misc]
        yield f"{name} missing", replaced(name, lambda path: None)
        yield f"{name} a pipe", replaced(name, os.mkfifo)
        yield f"{name} a folder", replaced(name, lambda path: path.mkdir())
        yield f"{name} a device", replaced(name, lambda path: path.symlink_to("/dev/zero"))
        yield f"{name} a circle", replaced(name, lambda path: path.symlink_to(path))
        for share in (0.1, 0.5, 0.9, 0.999):
            yield f"{name} cut to {share}", lambda folder, name=name, share=share: cut(folder / name, share)  # type: ignore[misc]


def cut(path: Path, share: float) -> None:
    """Keep the first bytes alone."""
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


def checkpoints(folder: Path) -> list[tuple[str, Break]]:
    """All ways to break the checkpoint at `folder`, each with its name."""
    document, found = json.loads((folder / "state.json").read_text()), load_file(folder / "state.safetensors")
    return [*files(), *fields(document), *tensors(found)]


def some(cases: list[Any], count: int, seed: int = 0) -> list[Any]:
    """`count` of the cases at most, the same for the same seed."""
    return random.Random(seed).sample(cases, min(count, len(cases)))


def lines_of(error: Exception) -> bool:
    """Is the message, as the command line prints it, one line of reasonable length?"""
    said = legible(str(error))
    return said.isprintable() and len(said) < 700
