"""A training run's log for programs: one JSON object per line, with `time` (seconds since 1970), `event` and

    start  epochs, patience, resume   a run starts or continues
    stage  text                       the message shown at the terminal
    step   label, step, steps         progress within an epoch, every few seconds
    epoch  the fields of Epoch        an epoch's metrics; null where there is none
    done   artifact, users, metrics   the artifact is written
    error  message                    the run ended without an artifact

The writer may be killed at any time and the file is read while it is written. The reader skips every line
that is incomplete or not of the form declared below.
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

PAUSE = 2.0  # seconds between two logged steps
HEADLINES = ("ndcg@20", "recall@20", "coverage@20")
# The end of the file that is read, in bytes and lines; the longest line that is parsed, in bytes
LARGEST, LINES, LONGEST = 16 << 20, 200_000, 1 << 16
# Lines that are parsed; steps are parsed in the last lines only
EVENTS, STEPS = 2 * MOST_EPOCHS, 200
LATEST = 2.0**33  # in the year 2242, which every library can display
EVENT = ConfigDict(strict=True)  # unknown fields are ignored: later versions may add some

Progress = Callable[[Iterator, int, str], Iterator]
Moment = Annotated[float, Field(ge=0, le=LATEST)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=-1e-6, le=1 + 1e-6)]  # 0 .. 1, rounded
Count = Annotated[int, Field(ge=0, le=2**53)]


@dataclass(frozen=True, config=EVENT)
class Started:
    """A run has started or continued."""

    event: Literal["start"]
    time: Moment
    epochs: Count
    resume: bool


@dataclass(frozen=True, config=EVENT)
class Stage:
    """A message shown at the terminal."""

    event: Literal["stage"]
    time: Moment
    text: str


@dataclass(frozen=True, config=EVENT)
class Step:
    """Progress within an epoch."""

    event: Literal["step"]
    time: Moment
    step: Count
    steps: Count


@dataclass(frozen=True, config=EVENT)
class Row:
    """The metrics of an epoch (dskreg.training.trainer.Epoch)."""

    event: Literal["epoch"]
    time: Moment
    epoch: Annotated[int, Field(ge=0, le=MOST_EPOCHS)]
    loss: Number | None = None
    ndcg: Share | None = None
    recall: Share | None = None
    hidden: Share | None = None
    entropy: Share | None = None


@dataclass(frozen=True, config=EVENT)
class Done:
    """The artifact is written; its main metrics."""

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
    """The writer of a journal; without a file it discards everything."""

    def __init__(self, file: IO[bytes] | None) -> None:
        self.file = file  # unbuffered: a failed write is not repeated on closing
        self.whole = True  # whether the last line is complete
        self.begun = False

    def write(self, event: str, **fields: Any) -> None:
        """Append one line.

        Only the first line must succeed: a disk that fills up later does not end the training.

        Raises:
            InputError: The first line cannot be written.
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

    def log_stage(self, say: Callable[[str], object]) -> Callable[[str], None]:
        """`say` that also logs its message as a stage."""

        def both(message: str) -> None:
            say(message)
            self.write("stage", text=message)

        return both

    def log_steps(self, progress: Progress) -> Progress:
        """`progress` that also logs a step, at most every PAUSE seconds."""

        def both(steps: Iterator, count: int, label: str) -> Iterator:
            logged = -math.inf
            for done, step in enumerate(progress(steps, count, label), start=1):
                yield step
                if time.monotonic() - logged >= PAUSE:
                    logged = time.monotonic()
                    self.write("step", label=label, step=done, steps=count)

        return both

    def epoch(self, epoch: Any) -> None:
        """Log the metrics of an epoch (dskreg.training.trainer.Epoch)."""
        self.write("epoch", **asdict(epoch))

    def done(self, artifact: Path, metrics: dict[str, Any]) -> None:
        """Log the end of a successful run; `metrics` is the artifact's document."""
        headlines = {name: metrics["metrics"][name] for name in HEADLINES if name in metrics["metrics"]}
        self.write("done", artifact=str(artifact), users=metrics["users"], metrics=headlines)


@contextmanager
def journal(path: Path | None) -> Iterator[Journal]:
    """A journal that appends to `path` and logs an exception of its block as the run's error.

    Raises:
        InputError: The file cannot be written.
    """
    if path is None:
        yield Journal(None)
        return
    try:
        file = open(path, "ab", buffering=0, opener=_without_waiting)
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


def _without_waiting(path: str, flags: int) -> int:
    # Opening a pipe without a reader would block.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)


def _whole(path: Path) -> bool:
    """Whether an existing file ends with a complete line; its writer may have been killed."""
    with suppress(InputError):
        return read_bytes(path, largest=1, tail=True) in (b"", b"\n")
    return True


@dataclass(frozen=True)
class RunStatus:
    """The current state of a run, as read from its journal."""

    start: Started | None = None  # the last start or continuation
    stage: str = ""  # the last message
    # By number; an epoch that was repeated after an interruption counts once, with its last metrics
    epochs: tuple[Row, ...] = ()
    step: Step | None = None  # the last step of the current epoch; None between epochs
    end: Done | Failed | None = None  # since the last start


def read(path: Path) -> RunStatus:
    """The state that the journal at `path` describes; an empty one where there is no file yet.

    Of a very long journal, only the end is read.

    Raises:
        InputError: The path is not a regular file, or cannot be read.
    """
    if not os.path.lexists(path):
        return RunStatus()
    lines = read_bytes(path, largest=LARGEST, tail=True).rsplit(b"\n", LINES)
    # Nearly all lines of a long journal are steps, and only the last step counts.
    events = [line for line in lines[:-STEPS] if b'"event": "step"' not in line[:60]][-EVENTS:]
    events += lines[-STEPS:]
    start, step, end, stage = None, None, None, ""
    epochs: dict[int, Row] = {}
    for line in events:
        event = _event(line)
        if isinstance(event, Started):
            start, step, end = event, None, None
        elif isinstance(event, Stage):
            stage = event.text
        elif isinstance(event, Step):
            step = event
        elif isinstance(event, Row):
            epochs[event.epoch], step = event, None
        elif event:
            end, step = event, None
    return RunStatus(start, stage, tuple(epochs[n] for n in sorted(epochs)), step, end)


def _event(line: bytes) -> Started | Stage | Step | Row | Done | Failed | None:
    """The event of a line; None for an incomplete or foreign line."""
    if not line or len(line) > LONGEST:
        return None
    try:
        return LINE.validate_json(line)
    except ValidationError:
        return None
