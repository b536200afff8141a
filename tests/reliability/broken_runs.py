"""Run folders with one fault each.

The faults are wrong values of every field, files that are no regular files, and bytes changed at random. A
value is wrong where its declaration in dskreg/runs (request.py, process.py, journal.py) does not allow it.
"""

from __future__ import annotations

import json
import os
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REQUEST: dict[str, Any] = {
    "data": "demo",
    "out": "made",
    "preset": "default",
    "epochs": 4,
    "seed": 0,
    "device": "auto",
    "replace": False,
}
REQUEST |= {"baselines": True, "settings": ["model.width=8"], "asked": 1.7e9}
PROCESS: dict[str, Any] = {"pid": 2**22 + 1, "born": 12.5, "clock": "another boot"}
JOURNAL: list[dict[str, Any]] = [
    {"time": 1.7e9, "event": "start", "epochs": 4, "patience": 2, "resume": False},
    {"time": 1.7e9, "event": "stage", "text": "training"},
    {"time": 1.7e9, "event": "epoch", "epoch": 1, "loss": 0.5, "ndcg": 0.25, "recall": 0.5}
    | {"hidden": 0.5, "entropy": 0.75},
    {"time": 1.7e9, "event": "step", "label": "epoch 2", "step": 1, "steps": 2},
    {"time": 1.7e9, "event": "error", "message": "no space"},
]
OPTIONAL = {
    "preset",
    "epochs",
    "seed",
    "device",
    "replace",
    "baselines",
    "settings",
    "clock",
    "label",
    "patience",
    "loss",
    "ndcg",
    "recall",
    "hidden",
    "entropy",
}
UNREAD = {"label", "patience"}  # fields of the journal that the app does not read
FILES = ("request.json", "process.json", "journal.jsonl", "output.txt")
KEYS = ("request", "process", "journal", "output")
DEEP = "[" * 100_000
VALUES: dict[str, str] = {  # as JSON
    "null": "null",
    "true": "true",
    "markup": json.dumps("<b>"),
    "list": "[]",
    "object": "{}",
    "minus": "-1",
    "huge": "1e300",
    "fraction": "0.5",
    "nan": "NaN",
    "infinite": "-Infinity",
    "overflow": "1e999",
    "digits": "9" * 5000,
    "nested": DEEP + "]" * 100_000,
    "surrogate": '"\\ud800"',
    "long": json.dumps("x" * 100_000),
}


@dataclass(frozen=True)
class Broken:
    """A run's folder with a fault."""

    name: str
    lay: Callable[[Path], object]  # makes the folder
    file: str  # the problem must name it; "" where the run is shown nevertheless
    field: str = ""


def whole(folder: Path, **files: str | bytes) -> Path:
    """The folder of a failed run; `files` replaces its request, process, journal or output."""
    folder.mkdir(parents=True)
    content: dict[str, str | bytes] = {
        "request": json.dumps(REQUEST),
        "process": json.dumps(PROCESS),
        "journal": "".join(json.dumps(line) + "\n" for line in JOURNAL),
        "output": "training\nerror: no space\n",
    } | files
    for file, text in zip(FILES, content.values(), strict=True):
        (folder / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def replaced(document: dict[str, Any], field: str, value: str) -> str:
    """The document as JSON with `value`, which may be invalid JSON, instead of the field's value."""
    return json.dumps(document | {field: "@"}).replace('"@"', value, 1)


def allowed(field: str, kind: str) -> bool:
    """Whether the form allows the value."""
    right = {
        "data": {"markup"},
        "epochs": {"null"},
        "replace": {"true"},
        "baselines": {"true"},
        "settings": {"list"},
        "asked": {"fraction"},
        "born": {"fraction", "huge"},
        "clock": {"markup"},
    }
    return kind in right.get(field, set())


def fields() -> list[Broken]:
    """Every field of the two documents, missing or wrong, and one that is unknown."""
    made = []
    for key, document in (("request", REQUEST), ("process", PROCESS)):
        file = f"{key}.json"
        for field in document:
            for kind, value in VALUES.items():
                if not allowed(field, kind):
                    text = replaced(document, field, value)
                    # Invalid JSON is reported without a field.
                    named = "" if kind in ("overflow", "digits", "nested", "surrogate") else field
                    made.append(
                        Broken(
                            f"{key} {field} {kind}",
                            lambda at, k=key, t=text: whole(at, **{k: t}),
                            file,
                            named,
                        )
                    )
            left = json.dumps({name: value for name, value in document.items() if name != field})
            if field not in OPTIONAL:
                made.append(
                    Broken(
                        f"{key} {field} missing", lambda at, k=key, t=left: whole(at, **{k: t}), file, field
                    )
                )
        extra = json.dumps(document | {"more": 1})
        made.append(
            Broken(f"{key} unknown field", lambda at, k=key, t=extra: whole(at, **{k: t}), file, "more")
        )
    return made


def lines() -> list[Broken]:
    """A wrong value for every field of every event: the run is shown without that line."""
    made = []
    for n, event in enumerate(JOURNAL):
        for field in event:
            for kind, value in VALUES.items():
                written = [json.dumps(line) for line in JOURNAL]
                written[n] = replaced(event, field, value)
                text = "\n".join(written) + "\n"
                made.append(
                    Broken(
                        f"journal {event['event']} {field} {kind}",
                        lambda at, t=text: whole(at, journal=t),
                        "",
                    )
                )
    return made


def documents() -> list[Broken]:
    """Files that are not JSON, or not an object."""
    whole_request = json.dumps(REQUEST)
    texts: dict[str, bytes] = {
        "empty": b"",
        "cut": whole_request[:40].encode(),
        "list": b"[]",
        "number": b"1e300",
        "nul": b"\0" * 1000,
        "utf16": whole_request.encode("utf-16"),
        "latin1": b'{"data": "\xe4"}',
        "nested": DEEP.encode(),
        "nested objects": b'{"data":' * 100_000,
        "large": b" " * (5 << 20) + whole_request.encode(),
    }
    return [
        Broken(
            f"{key} {kind}",
            lambda at, k=key, t=text: whole(at, **{k: t}),
            f"{key}.json" * (key in ("request", "process")),
        )
        for key in KEYS
        for kind, text in texts.items()
    ]


def kinds() -> list[Broken]:
    """Something other than a regular file of normal size instead of each file, and of the folder."""
    made = []
    for file in FILES:
        for kind, lay in KINDS.items():
            # A journal and an output are read from their end, whatever their size. The output is read only
            # where nothing else says how the run ended.
            harmless = file in ("journal.jsonl", "output.txt") and kind in ("sparse", "one line")
            quiet = {"journal": ""} if file == "output.txt" else {}
            made.append(
                Broken(
                    f"{file} {kind}",
                    lambda at, f=file, put=lay, q=quiet: put(whole(at, **q), f),
                    "" if harmless else file,
                )
            )
        if os.getuid():
            made.append(
                Broken(f"{file} forbidden", lambda at, f=file: (whole(at, journal="") / f).chmod(0), file)
            )
    made += [
        Broken(f"stopped {kind}", lambda at, put=lay: put(whole(at), "stopped"), "")
        for kind, lay in KINDS.items()
    ]
    made.append(Broken("folder empty", lambda at: at.mkdir(), "request.json"))
    made += [
        Broken(f"folder {kind}", lambda at, put=lay: put(at.parent, at.name), "")
        for kind, lay in KINDS.items()
        if kind != "folder"
    ]
    return made


def _free(folder: Path, name: str) -> Path:
    (folder / name).unlink(missing_ok=True)
    return folder / name


def _sized(folder: Path, name: str, size: int) -> None:
    with _free(folder, name).open("wb") as file:
        file.truncate(size)  # takes no space on the disk


def _socket(folder: Path, name: str) -> None:
    here = os.getcwd()
    os.chdir(folder)  # the path of a socket must be short
    try:
        _free(folder, name)
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(name)
    finally:
        os.chdir(here)


KINDS: dict[str, Callable[[Path, str], object]] = {
    "pipe": lambda folder, name: os.mkfifo(_free(folder, name)),
    "folder": lambda folder, name: _free(folder, name).mkdir(),
    "loop": lambda folder, name: _free(folder, name).symlink_to(name),
    "dangling": lambda folder, name: _free(folder, name).symlink_to("nowhere"),
    "device": lambda folder, name: _free(folder, name).symlink_to("/dev/zero"),
    "socket": _socket,
    "sparse": lambda folder, name: _sized(folder, name, 5 << 30),
    "one line": lambda folder, name: _sized(folder, name, 1 << 30),
}


def flips(seed: int, count: int) -> list[Broken]:
    """Files with bytes changed, removed or inserted at random: any outcome is fine for the run itself."""
    made = []
    for n in range(count):
        rng = random.Random(f"{seed} {n}")
        file = rng.choice(FILES)
        made.append(Broken(f"{file} flipped {n}", lambda at, f=file, r=rng: _flip(whole(at) / f, r), ""))
    return made


def _flip(path: Path, rng: random.Random) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(content) or 1)
        content[at : at + rng.randint(0, 3)] = bytes(
            rng.choice(b'\0"{}[],:-0123456789eE\xff ') for _ in range(rng.randint(0, 3))
        )
    path.write_bytes(content)


NAMES = {
    "bytes": b"20260101-\xff\xfe",
    "markup": b"<b onclick=x>bold",
    "long": b"x" * 255,
    "turned": "\u202etxt".encode(),
    "lines": b"one\ntwo",
    "escape": b"\x1b[31mred",
}


def cases(seed: int, count: int) -> list[Broken]:
    """Every case of `kinds`, and `count` of the other cases, sampled with the seed."""
    found = [*fields(), *documents(), *lines(), *flips(seed, 200)]
    return kinds() + random.Random(seed).sample(found, min(count, len(found)))
