"""A training run's journal for machines: one JSON object per line, appended, {"time": seconds since 1970, "event": ...} and

    start  epochs, patience, resume   a run, or its continuation, begins         stage  text     what the person at the terminal reads
    step   label, step, steps         progress within an epoch, a few a second   epoch  Epoch's numbers; null where there is none
    done   artifact, users, metrics   the artifact is written                    error  message  the run ended without one

Whoever writes may be killed at any moment and whoever reads does so meanwhile: a line that is not whole, or not ours, is passed over.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from dskreg.errors import InputError

PAUSE = 0.5  # seconds between two steps that are told
HEADLINES = ("ndcg@20", "recall@20", "coverage@20")

Progress = Callable[[Iterator, int, str], Iterator]


class Journal:
    """The writing end. Without a file it takes everything and keeps nothing."""

    def __init__(self, file: IO[str] | None) -> None:
        self.file = file

    def write(self, event: str, **fields: Any) -> None:
        """Append one line. A disk that is full does not end the training that it tells of."""
        if self.file is not None:
            with suppress(OSError):
                known = {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in fields.items()}
                self.file.write(json.dumps({"time": round(time.time(), 3), "event": event} | known) + "\n")
                self.file.flush()

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
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise InputError(f"--log: {path} cannot be written ({error.strerror})") from None
    with file:
        made = Journal(file)
        try:
            yield made
        except InputError as error:
            made.write("error", message=" ".join(str(error).split()))
            raise
        except Exception as error:
            made.write("error", message=" ".join(f"{type(error).__name__}: {error}".split()))
            raise


@dataclass(frozen=True)
class Told:
    """What a journal has told so far."""

    start: dict[str, Any]  # of the last beginning; {} before
    stage: str  # the last one; "" before
    epochs: tuple[dict[str, Any], ...]  # by number; one that was trained again after an interruption counts as it last was
    step: dict[str, Any]  # the last one of the epoch under way; {} between epochs
    end: dict[str, Any]  # `done` or `error` since the last beginning; {} while there is none
    time: float | None  # of the last line


def read(path: Path) -> Told:
    """What the journal at `path` tells; an empty one where there is none yet."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        lines = []
    start: dict[str, Any] = {}
    step: dict[str, Any] = {}
    end: dict[str, Any] = {}
    stage, last, epochs = "", None, {}
    for number, line in enumerate(lines):
        if number < len(lines) - 200 and b'"event": "step"' in line[:60]:
            continue  # nearly all of a long journal, and only the last ones count
        told = _event(line)
        event = told.get("event")
        last = told.get("time", last)
        if event == "start":
            start, step, end = told, {}, {}
        elif event == "stage":
            stage = str(told.get("text", ""))
        elif event == "step":
            step = told
        elif event == "epoch" and isinstance(told.get("epoch"), int):
            epochs[told["epoch"]], step = told, {}
        elif event in ("done", "error"):
            end, step = told, {}
    return Told(start, stage, tuple(epochs[n] for n in sorted(epochs)), step, end, last)


def _event(line: bytes) -> dict[str, Any]:
    """The line's object; {} where it is not (yet) one."""
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) and isinstance(told.get("time"), (int, float)) else {}
