"""Fuzzing of the readers: `python benchmarks/fuzz.py [--format kaggle text recbole tables known] [--minutes
1] [--seed 0]`, in one process.

Small valid folders, those of `known` of the shape of known data sets, are harmed by the mutations of the
reliability tests. Each is either read, split and made into a graph, or refused in one line that names the
file. Whatever else happens (an exception, a warning, no end within 20 s, more memory than 4 GiB) is a
failure, reported with the command that repeats it, and the exit code is 1. Input n of a run has the seed
`--seed` + n; the seed and the format decide everything.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from dskreg.data.readers import files as sources
from tests.reliability.folders import KNOWN, VALID, files_of, lay, outcome
from tests.reliability.mutate import HANDINGS, MUTATIONS, ODD, harmed

MEMORY, SECONDS = 4 << 30, 20.0  # at most, of the process; of one input
BLOCK = sources.BLOCK
FORMATS = (*VALID, "known")
EVERY = 30.0  # seconds between two lines of progress


class TooSlow(BaseException):
    """Not an Exception: no reader may take the alarm for a damaged file."""


@dataclass
class Tally:
    """What became of the inputs."""

    tried: int = 0
    read: int = 0
    # Of the refusals, numbers and quotations left out
    messages: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)  # by the error and its place

    @property
    def refused(self) -> int:
        return self.messages.total()


def prepare(folder: Path, format: str, seed: int) -> Path:
    """Write the input of this seed; what to read."""
    rng = Random(f"{format} {seed}")
    richer = rng.random() < 0.5
    files = files_of(format, richer) if format in VALID else rng.choice(KNOWN)().files
    names = sorted(files)
    count = rng.choice((0, 1, 1, 1, 2, 3, 8))
    files = harmed(
        files, [(rng.choice(names), rng.choice(MUTATIONS), odd_value(rng)) for _ in range(count)], rng
    )
    for handing in rng.choices((None, *HANDINGS), (12, 1, 1, 2, 3)):
        files = handing(files, rng) if handing else files
    # Small ones: files of several blocks, and rows that do not fit
    sources.BLOCK = rng.choice((BLOCK, BLOCK, 256, 4096))
    source = lay(folder, files)
    return source / "archive.zip" if "archive.zip" in files and rng.random() < 0.5 else source


def odd_value(rng: Random) -> bytes:
    """One of the listed ones, a small number or noise."""
    return rng.choice(
        (
            rng.choice(ODD),
            rng.choice(ODD),
            str(rng.randint(-3, 40)).encode(),
            rng.randbytes(rng.choice((1, 2, 8, 300))),
        )
    )


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """TooSlow in the block when the time is over."""

    def ring(*_: object) -> None:
        raise TooSlow(f"no end within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def attempt(parent: Path, format: str, seed: int, tally: Tally, seconds: float = SECONDS) -> None:
    """One input.

    Its folder carries format and seed in its name, for the case that the process itself dies.
    """
    parent = parent / f"{format}-{seed}"
    parent.mkdir()
    source = prepare(parent / "data", format, seed)
    tally.tried += 1
    try:
        with warnings.catch_warnings(), alarm(seconds):
            warnings.simplefilter("error")
            said = outcome(format, source)
    except (Exception, TooSlow) as error:
        kind = f"{type(error).__name__} at {place_of(error)}"
        tally.failures[kind] += 1
        print(
            f"FAILURE {kind}; repeat: python benchmarks/fuzz.py --format {format} --seed {seed} --inputs 1",
            flush=True,
        )
        if tally.failures[kind] == 1:
            print("".join(traceback.format_exception(error)[-12:])[-3000:], flush=True)
    else:
        tally.read += not said
        tally.messages.update([outline(said, parent)] if said else [])
    finally:
        sources.BLOCK = BLOCK
        shutil.rmtree(parent)


def place_of(error: BaseException) -> str:
    """The line of ours that it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "dskreg" in Path(frame.filename).parts] or frames
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"


def outline(said: str, parent: Path) -> str:
    """A refusal without what is different every time."""
    said = re.sub(r"""(?<!\w)(['"]).*\1""", "...", said.replace(str(parent), ""))
    return re.sub(r"\d[\d,.]*", "N", re.sub(r"0x\w\w", "0x..", said))


def fuzz(
    formats: Sequence[str], seed: int, minutes: float, inputs: int | None = None, seconds: float = SECONDS
) -> dict[str, Tally]:
    """The formats in turn, until the time is over or each has had its number of inputs."""
    tallies = {format: Tally() for format in formats}
    began = last_line = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        number = 0
        while (inputs is None or number < inputs) and time.monotonic() - began < 60 * minutes:
            for format, tally in tallies.items():
                attempt(Path(folder), format, seed + number, tally, seconds)
            number += 1
            if time.monotonic() - last_line > EVERY:
                last_line = time.monotonic()
                print(f"{(last_line - began) / 60:5.1f} min  {report(tallies)}", flush=True)
    return tallies


def report(tallies: dict[str, Tally]) -> str:
    """One line of figures."""
    return "; ".join(
        f"{format}: {t.tried:,} tried, {t.read:,} read, {t.refused:,} refused ({len(t.messages):,} "
        f"distinct messages), {t.failures.total():,} failures"
        for format, t in tallies.items()
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 1 where anything but a clean refusal happened."""
    parser = argparse.ArgumentParser(
        description="Fuzz the readers; exit code 1 where one does anything but read or refuse in one line."
    )
    parser.add_argument("--format", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument(
        "--seed", type=int, default=0, help="of the first input; the next ones follow (default: %(default)s)"
    )
    parser.add_argument("--inputs", type=int, help="stop after so many per format")
    parser.add_argument("--messages", action="store_true", help="list the distinct messages")
    asked = parser.parse_args(arguments)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    tallies = fuzz(asked.format, asked.seed, asked.minutes, asked.inputs)
    for format, tally in tallies.items():
        for message, count in sorted(tally.messages.items()) if asked.messages else ():
            print(f"{count:8,}  {format}  {message}")
        for kind, count in tally.failures.most_common():
            print(f"FAILURE {count:,} times  {format}  {kind}")
    total = sum(tally.tried for tally in tallies.values())
    print(
        f"seeds {asked.seed} to {asked.seed + max(t.tried for t in tallies.values()) - 1}, {total:,} inputs"
    )
    print(report(tallies).replace("; ", "\n"))
    return 1 if any(tally.failures for tally in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
