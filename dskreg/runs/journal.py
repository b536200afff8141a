"""A training run's journal for machines: one JSON object per line, appended, {"time": seconds since 1970,
"event": ...} and

    start  epochs, patience, resume   a run, or its continuation, begins         stage  text     what the person at the terminal reads
    step   label, step, steps         progress within an epoch, now and then     epoch  Epoch's numbers; null where there is none
    done   artifact, users, metrics   the artifact is written                    error  message  the run ended without one

Whoever writes may be killed at any moment and whoever reads does so meanwhile: a line that is not whole, or
not of the form declared below, is passed over.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from dskreg.documents import read_bytes
from dskreg.errors import InputError
from dskreg.runs.request import MOST_EPOCHS

PAUSE = 2.0  # seconds between two steps that are told
HEADLINES = ("ndcg@20", "recall@20", "coverage@20")
# Bytes and lines that are read, at the end; bytes of a line
LARGEST, LINES, LONGEST = 16 << 20, 200_000, 1 << 16
# Lines that are looked into, and the last lines in which a step still counts
EVENTS, STEPS = 2 * MOST_EPOCHS, 200
LATEST = 2.0**33  # a moment in 2242, which every library can still show
EVENT = ConfigDict(strict=True)  # what later versions add is passed over

Progress = Callable[[Iterator, int, str], Iterator]
Moment = Annotated[float, Field(ge=0, le=LATEST)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=-1e-6, le=1 + 1e-6)]  # 0 .. 1, rounded
Count = Annotated[int, Field(ge=0, le=2**53)]


@dataclass(frozen=True, config=EVENT)
class Started:
    """A run, or its continuation, has begun."""

    event: Literal["start"]
    time: Moment
    epochs: Count
    resume: bool


@dataclass(frozen=True, config=EVENT)
class Stage:
    """What the person at the terminal read."""

    event: Literal["stage"]
    time: Moment
    text: str


@dataclass(frozen=True, config=EVENT)
class Step:
    """How far an epoch has come."""

    event: Literal["step"]
    time: Moment
    step: Count
    steps: Count


@dataclass(frozen=True, config=EVENT)
class Row:
    """An epoch's numbers (dskreg.training.Epoch)."""

    event: Literal["epoch"]
    time: Moment
    epoch: Annotated[int, Field(ge=0, le=MOST_EPOCHS)]
    loss: Number | None = None
    ndcg: Share | None = None
    recall: Share | None = None
    entropy: Share | None = None


@dataclass(frozen=True, config=EVENT)
class Done:
    """The artifact is written; its headline metrics."""

    event: Literal["done"]
    time: Moment
    metrics: dict[str, Number | None] = Field(default_factory=dict)


@dataclass(frozen=True, config=EVENT)
class Failed:
    """The run ended without an artifact."""

    event: Literal["error"]
    time: Moment
    message: str


LINE: TypeAdapter[Started | Stage | Step | Row | Done | Failed] = TypeAdapter(
    Annotated[Started | Stage | Step | Row | Done | Failed, Field(discriminator="event")]
)


class Journal:
    """The writing end. Without a file it takes everything and keeps nothing."""

    def __init__(self, file: IO[bytes] | None) -> None:
        self.file = file  # without a buffer: what could not be written does not come back at the end
        self.whole = True  # the last line
        self.begun = False

    def write(self, event: str, **fields: Any) -> None:
        """Append one line. A disk that fills up does not end the training that it tells of; one that is full
        at the beginning does.

        Raises:
            InputError: The very first line cannot be written.
        """
        if self.file is None:
            return
        known = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in fields.items()}
        line = json.dumps({"time": round(time.time(), 3), "event": event} | known).encode() + b"\n"
        line = line if self.whole else b"\n" + line
        try:
            self.whole = self.file.write(line) == len(line)
            self.begun = True
        except OSError as error:
            if not self.begun:
                raise InputError(
                    f"--log: {self.file.name} cannot be written ({error.strerror or error})"
                ) from None

    def saying(self, say: Callable[[str], object]) -> Callable[[str], None]:
        """`say` that also tells the stage."""

        def both(message: str) -> None:
            say(message)
            self.write("stage", text=message)

        return both

    def counting(self, progress: Progress) -> Progress:
        """`progress` that also tells the steps, at most one every PAUSE seconds."""

        def both(steps: Iterator, count: int, label: str) -> Iterator:
            told = -math.inf
            for done, step in enumerate(progress(steps, count, label), start=1):
                yield step
                if time.monotonic() - told >= PAUSE:
                    told = time.monotonic()
                    self.write("step", label=label, step=done, steps=count)

        return both

    def epoch(self, epoch: Any) -> None:
        """An epoch's numbers (dskreg.training.Epoch)."""
        self.write("epoch", **asdict(epoch))

    def done(self, artifact: Path, metrics: dict[str, Any]) -> None:
        """The run ended well; `metrics` is the artifact's."""
        headlines = {name: metrics["metrics"][name] for name in HEADLINES if name in metrics["metrics"]}
        self.write("done", artifact=str(artifact), users=metrics["users"], metrics=headlines)


@contextmanager
def journal(path: Path | None) -> Iterator[Journal]:
    """A journal that appends to `path`; an exception that passes through is told as the run's error.

    Raises:
        InputError: the file cannot be written.
    """
    if path is None:
        yield Journal(None)
        return
    try:
        file = open(path, "ab", buffering=0, opener=_at_once)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(
            f"--log: {path} cannot be written ({getattr(error, 'strerror', None) or error})"
        ) from None
    with file:
        os.set_blocking(file.fileno(), True)
        made = Journal(file)
        made.whole = _whole(path)
        try:
            yield made
        except InputError as error:
            made.write("error", message=" ".join(str(error).split()))
            raise
        except Exception as error:
            made.write("error", message=" ".join(f"{type(error).__name__}: {error}".split()))
            raise


def _at_once(path: str, flags: int) -> int:
    # A pipe that nobody reads would let `open` wait for ever.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)


def _whole(path: Path) -> bool:
    """Whether the last line of a file that is there ends; whoever wrote it may have been killed meanwhile."""
    with suppress(InputError):
        return read_bytes(path, largest=1, tail=True) in (b"", b"\n")
    return True


@dataclass(frozen=True)
class RunStatus:
    """What a journal has told so far."""

    start: Started | None = None  # of the last beginning
    stage: str = ""  # the last one
    # By number; one that was trained again after an interruption counts as it last was
    epochs: tuple[Row, ...] = ()
    step: Step | None = None  # the last one of the epoch under way; None between epochs
    end: Done | Failed | None = None  # since the last beginning


def read(path: Path) -> RunStatus:
    """What the journal at `path` tells, of a very long one its end; an empty one where there is none yet.

    Raises:
        InputError: It is no regular file, or cannot be read.
    """
    if not os.path.lexists(path):
        return RunStatus()
    lines = read_bytes(path, largest=LARGEST, tail=True).rsplit(b"\n", LINES)
    # Steps are nearly all of a long journal, and only the last ones count.
    events = [line for line in lines[:-STEPS] if b'"event": "step"' not in line[:60]][-EVENTS:] + lines[
        -STEPS:
    ]
    start, step, end, stage = None, None, None, ""
    epochs: dict[int, Row] = {}
    for line in events:
        told = _event(line)
        if isinstance(told, Started):
            start, step, end = told, None, None
        elif isinstance(told, Stage):
            stage = told.text
        elif isinstance(told, Step):
            step = told
        elif isinstance(told, Row):
            epochs[told.epoch], step = told, None
        elif told:
            end, step = told, None
    return RunStatus(start, stage, tuple(epochs[n] for n in sorted(epochs)), step, end)


def _event(line: bytes) -> Started | Stage | Step | Row | Done | Failed | None:
    """The line's event; None where it is not (yet) one."""
    if not line or len(line) > LONGEST:
        return None
    try:
        return LINE.validate_json(line)
    except ValidationError:
        return None
