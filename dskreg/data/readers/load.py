"""One door to every format: the files in a folder tell which reader reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dskreg.config import DataConfig
from dskreg.data.dataset import Dataset
from dskreg.data.readers import kaggle, kgat, ripplenet
from dskreg.data.readers.atomic import recbole
from dskreg.data.readers.files import files_at, short
from dskreg.data.readers.plain import plan, reader
from dskreg.data.readers.plain.settings import FILE
from dskreg.data.readers.plain.sheets import ENDINGS, files_of, names_of
from dskreg.errors import InputError

DEMO = "demo"
READERS: tuple[tuple[Callable[[Path], bool], Callable[[Path, DataConfig], Dataset]], ...] = (
    (ripplenet.recognises, ripplenet.read),
    (kgat.recognises, lambda path, config: kgat.read(path)),
    (recbole.recognises, lambda path, config: recbole.read(path, config.like_threshold)),
    (
        lambda path: kaggle.recognises(path) and not _other_tables(path),
        lambda path, config: kaggle.read(path, config.like_threshold),
    ),
    (plan.recognises, reader.read),
    (kaggle.recognises, lambda path, config: kaggle.read(path, config.like_threshold)),
)
"""(whether a folder or zip looks like the format, its reader), in the order in which they are asked."""
_LOOKED_FOR = (
    "anime.csv and rating.csv (Kaggle), a table of users and items (.csv, .tsv, .dat, .jsonl, .parquet), "
    "train.txt, test.txt and kg_final.txt (text), or *.inter (RecBole), also .gz or in a zip"
)


def _other_tables(path: Path) -> bool:
    """Whether one of Kaggle's two files is missing, and other tables may stand in for it."""
    names = set(names_of(files_of(path)))
    both = {kaggle.CATALOGUE, kaggle.RATINGS}
    return not both <= names and bool(names - both)


def load(source: str | Path, config: DataConfig, columns: str | None = None) -> Dataset:
    """Read the data at `source`.

    Args:
        source: A folder, a zip of its files, one table, or the word `demo` for the bundled catalogue with
            simulated users.
        config: Its `like_threshold` decides what counts as liked; None: the scale of the ratings does.
        columns: `COLUMN=ROLE,...` of plain tables.

    Raises:
        InputError: Nothing there, nothing recognised, or a file is malformed; one line.
    """
    if str(source) == DEMO:
        from dskreg.data.readers import demo  # the catalogue is big and needed only here

        return demo.read()
    path = there(source)
    if columns:
        return (ripplenet if ripplenet.recognises(path) else reader).read(path, config, columns)
    return reader_of(path)(path, config)


def reader_of(path: Path) -> Callable[[Path, DataConfig], Dataset]:
    """The reader of the data at `path`; raises InputError where nothing is recognised."""
    told = (path / FILE).is_file() and not ripplenet.recognises(path)
    if told or not (path.is_dir() or path.suffix == ".zip"):
        return reader.read
    for recognises, read in READERS:
        if recognises(path):
            return read
    if names_of(files_of(path)):
        return reader.read  # says what its tables lack
    for name in files_at(path).lying:
        if name.endswith("/") and recognised(path / name):
            raise InputError(f"{path}: expected files of data, found the folder {short(name)} with some")
    raise files_at(path).lacks(_LOOKED_FOR)


def there(source: str | Path) -> Path:
    """The path of a folder, a zip or a table; raises InputError for anything else."""
    path = Path(source).expanduser()
    if not path.exists():
        raise InputError(
            f"{source}: expected a folder of data, or the word {DEMO!r}; there is no such folder"
        )
    if not path.is_dir() and not path.name.removesuffix(".gz").endswith((".zip", *ENDINGS)):
        raise InputError(
            f"{source}: expected a folder, a zip file or a table ({', '.join(ENDINGS)}), got a file"
        )
    return path


def recognised(path: Path) -> bool:
    """Does the folder or zip at `path` look like one of the formats?"""
    return any(recognises(path) for recognises, _ in READERS)
