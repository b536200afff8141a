"""One door to every format: the files in a folder tell which reader reads it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
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
    (ripplenet.recognises, lambda path, config: ripplenet.read(path)),
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
MOST_FOLDERS = 20  # sub-folders that are looked into, on each level
_PACKED = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".7z", ".rar", ".bz2", ".xz", ".zip")
_TABLES = (".xlsx", ".xls", ".ods", ".txt", ".sql", ".db", ".sqlite", ".feather", ".pkl", ".xml")
_DOCUMENTS = ("readme", "licen", "citation", "changelog", "notes")


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
    return reader.read(path, config, columns) if columns else reader_of(path)(path, config)


def reader_of(path: Path) -> Callable[[Path, DataConfig], Dataset]:
    """The reader of the data at `path`; raises InputError where nothing is recognised."""
    if (path / FILE).is_file() or not (path.is_dir() or path.suffix == ".zip"):
        return reader.read
    for recognises, read in READERS:
        if recognises(path):
            return read
    inner = _inner(path)
    if inner is not None:
        name = short(f"{inner.relative_to(path).as_posix()}/")
        raise InputError(f"{path}: expected files of data, found the folder {name} with some: name {inner}")
    if names_of(files_of(path)):
        return reader.read  # says what its tables lack
    files = files_at(path)
    raise InputError(f"{files.lacks(_LOOKED_FOR)}{_mend(files.lying)}")


def _inner(path: Path) -> Path | None:
    """The first folder, down to two levels, whose files are recognised."""
    level = [path]
    for _ in range(2):
        level = [inner for outer in level for inner in _folders(outer)]
        for folder in level:
            if recognised(folder):
                return folder
    return None


def _folders(path: Path) -> list[Path]:
    return [path / name.rstrip("/") for name in files_at(path).lying if name.endswith("/")][:MOST_FOLDERS]


def _mend(lying: Sequence[str]) -> str:
    """How to make data of the first file that may hold some."""
    for name in lying:
        if name.lower().endswith(_PACKED):
            return f"; unpack {short(name)}"
        if name.lower().endswith(_TABLES) and not name.lower().startswith(_DOCUMENTS):
            return f"; save {short(name)} as .csv"
    return ""


def there(source: str | Path) -> Path:
    """The path of a folder, a zip or a table; raises InputError for anything else."""
    path = Path(source).expanduser()
    if not path.exists():
        near = difflib.get_close_matches(path.name, files_at(path.parent).lying, n=1)
        told = f"; did you mean {short(str(path.parent / near[0].rstrip('/')))}?" if near else ""
        raise InputError(
            f"{source}: expected a folder of data, or the word {DEMO!r}; there is no such folder{told}"
        )
    if not path.is_dir() and not path.name.removesuffix(".gz").endswith((".zip", *ENDINGS)):
        raise InputError(
            f"{source}: expected a folder, a zip file or a table ({', '.join(ENDINGS)}), got a file"
        )
    return path


def recognised(path: Path) -> bool:
    """Does the folder or zip at `path` look like one of the formats?"""
    return any(recognises(path) for recognises, _ in READERS)
