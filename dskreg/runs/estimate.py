"""How long a training run will take: a range from the times of earlier runs and the size of the data.

An artifact keeps how long its training took, and how much of it the epochs. That time is scaled by the number
of interactions, and the epochs by their number. Nothing is promised: the range is wider where only other data
were measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from dskreg.config import Config
from dskreg.data.readers.files import Place, files_at
from dskreg.documents import read_json
from dskreg.errors import InputError
from dskreg.storage.artifact import MEND, RUN, read_manifest
from dskreg.storage.schema import DOCUMENTS, TABLES
from dskreg.storage.verify import table_rows

SAME, OTHER = 1.5, 3.0  # the range's factor each way: the same data were measured, or others
PAPER = "paper"  # the preset that takes another time than all others
BLOCK = 4 << 20  # bytes read at once
MOST_PACKED = 32 << 20  # bytes of a packed file that is unpacked to be counted
TEXTS = ("train.txt", "valid.txt", "test.txt")
ITEM, LINE = b" ", b"\n"  # what comes before each item of a text file, and after each row of a table


@dataclass(frozen=True)
class Timed:
    """A finished training.

    data:     name of the data set
    seconds:  of the whole run; `in_epochs` of them in its epochs and their validation
    epochs:   how many it took, of at most `most`
    hardware: the machine in words
    """

    model: str
    data: str
    preset: str
    interactions: int
    seconds: float
    in_epochs: float
    epochs: int
    most: int
    hardware: str

    def scaled(self, epochs: int) -> float:
        """Seconds of a run with so many epochs."""
        return self.seconds + self.in_epochs * (epochs / max(self.epochs, 1) - 1)


@dataclass(frozen=True)
class Estimate:
    """A range in seconds, the trainings that it rests on, and whether these had the same data."""

    low: float
    high: float
    basis: tuple[Timed, ...]
    same_data: bool


def timed(paths: Iterable[Path]) -> list[Timed]:
    """The trainings of these artifacts; what cannot be read is left out."""
    found = []
    for path in paths:
        with suppress(InputError, OSError):
            found.append(_timed(path, (path / RUN).stat().st_mtime_ns))
    return found


@lru_cache(maxsize=256)
def _timed(path: Path, time_ns: int) -> Timed:
    manifest = read_manifest(path)
    config = Config.from_json(manifest["config"])
    run = read_json(path / RUN, DOCUMENTS[RUN], MEND)
    seconds = run["seconds"]
    rows: dict[str, int] = {}
    for name in ("users", "items", "interactions"):
        rows[name] = table_rows(path / f"{name}.parquet", TABLES[name], rows)
    in_epochs = sum(seconds["epochs"]) + sum(seconds["validation"])
    return Timed(
        path.name,
        manifest["name"],
        config.preset,
        rows["interactions"],
        max(seconds["total"], in_epochs),  # the total of a resumed run is that of its last process
        in_epochs,
        max(len(seconds["epochs"]) - 1, 1),  # the first is the start, before any step
        config.train.epochs,
        run["hardware"],
    )


def estimate(
    data: str, preset: str, epochs: int | None, interactions: int | None, measured: Iterable[Timed]
) -> Estimate | None:
    """The range for a run; None where no comparable training was timed, or the size is unknown.

    Args:
        data: The data set's name.
        preset: `paper` is compared with itself alone.
        epochs: At most so many; None: as in the training it is compared with.
        interactions: Of the data set; None: unknown.
    """
    comparable = [run for run in measured if (run.preset == PAPER) == (preset == PAPER)]
    same = tuple(run for run in comparable if run.data == data)
    basis, spread = same, SAME
    if not same:
        if not interactions or not comparable:
            return None
        ratio = [abs(math.log(interactions / max(run.interactions, 1))) for run in comparable]
        basis, spread = (comparable[ratio.index(min(ratio))],), OTHER
    size = [interactions / max(run.interactions, 1) if interactions and not same else 1.0 for run in basis]
    # Training may end before the last epoch, as it did when it was timed
    early = [run.scaled(min(run.epochs, epochs or run.most)) for run in basis]
    late = [run.scaled(epochs or run.most) for run in basis]
    low, high = (
        min(map(math.prod, zip(early, size, strict=True))),
        max(map(math.prod, zip(late, size, strict=True))),
    )
    return Estimate(low / spread, high * spread, basis, bool(same))


def interactions_in(folder: Path) -> int | None:
    """How many interactions the files of a data set hold, counted without reading them as data; None where
    nothing is recognised, a file is damaged, or a large one is packed.
    """
    places = files_at(folder).places
    texts = [places[name] for name in TEXTS if name in places]
    inter = [place for name, place in places.items() if name.endswith(".inter")]
    if texts:
        return _total(_count(place, ITEM) for place in texts)
    if inter:
        return _total(_count(place, LINE, header=1) for place in inter)
    return _total(_in_tables(folder))


def _in_tables(folder: Path) -> Iterator[int | None]:
    """Of the tables of interactions among plain tables, by their numbers of lines or what parquet says."""
    from dskreg.data.readers.plain.formats.parquet import Parquet
    from dskreg.data.readers.plain.plan import plan

    with suppress(InputError):
        found = plan(folder)
        for sheet, _ in found.parts:
            if isinstance(sheet.records, Parquet):
                yield sheet.records.rows
            elif sheet.records is not None and sheet.records.row == "record":
                yield None  # a list of JSON, whose lines are not its objects
            else:
                yield _count(found.files.places[sheet.name], LINE, header=int(sheet.has_header))


def _total(counts: Iterable[int | None]) -> int | None:
    found = list(counts)
    return None if None in found else sum(filter(None, found)) or None


def _count(place: Place, mark: bytes, header: int = 0) -> int | None:
    """How often `mark` is in the file, without its first `header` ones."""
    with suppress(OSError, InputError):
        found = place.path.stat()
        if place.plain or found.st_size <= MOST_PACKED:
            return max(_marks(place, mark, found.st_size, found.st_mtime_ns) - header, 0)
    return None


@lru_cache(maxsize=64)
def _marks(place: Place, mark: bytes, size: int, time_ns: int) -> int:
    """A last line without an end counts too."""
    count, last = 0, LINE
    with place.stream() as stream:
        while block := stream.read(BLOCK):
            count, last = count + block.count(mark), block[-1:]
    return count + (mark == LINE != last)
