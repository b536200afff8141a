"""One door to every format: the files in a folder tell which reader reads it."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Callable, Sequence
from pathlib import Path

from dskreg.config import DataConfig
from dskreg.data.dataset import Dataset
from dskreg.data.readers import kaggle, kgat, ripplenet
from dskreg.data.readers.atomic import recbole
from dskreg.data.readers.files import Files, Folder, Place, files_at, short
from dskreg.data.readers.plain import plan, reader
from dskreg.data.readers.plain.settings import FILE, file_in
from dskreg.data.readers.plain.sheets import ENDINGS, files_of, names_of
from dskreg.errors import InputError

DEMO = "demo"
Given = str | Path | Sequence[str | Path]
"""A folder, a zip or a table, the word `demo`, or files one by one."""
READERS: tuple[tuple[Callable[[Folder], bool], Callable[[Folder, DataConfig], Dataset]], ...] = (
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
_FORMATS = (
    *(kgat.TRAINING, kgat.VALIDATING, kgat.TESTING, kgat.GRAPH),
    *(kgat.ITEMS, kgat.USERS, kgat.RELATIONS, kgat.ENTITIES),
    *(ripplenet.RATINGS, ripplenet.INDEX),
    *(f"*.{suffix}" for suffix in ("inter", "item", "user", "link", "kg", "zip")),
    FILE,
)
"""Files beside tables that may be named one by one."""
_DOCUMENTS = ("readme", "licen", "citation", "changelog", "notes")


def _other_tables(path: Folder) -> bool:
    """Whether one of Kaggle's two files is missing, and other tables may stand in for it."""
    names = set(names_of(files_of(path)))
    both = {kaggle.CATALOGUE, kaggle.RATINGS}
    return not both <= names and bool(names - both)


def load(source: Given, config: DataConfig, columns: str | None = None) -> Dataset:
    """Read the data at `source`.

    Args:
        source: A folder, a zip of its files, one table, files one by one, or the word `demo` for the bundled
            catalogue with simulated users.
        config: Its `like_threshold` decides what counts as liked; None: the scale of the ratings does.
        columns: `COLUMN=ROLE,...` of plain tables.

    Raises:
        InputError: Nothing there, nothing recognised, or a file is malformed; one line.
    """
    if is_demo(source):
        from dskreg.data.readers import demo  # the catalogue is big and needed only here

        return demo.read()
    path = there(source)
    return reader.read(path, config, columns) if columns else reader_of(path)(path, config)


def is_demo(source: Given) -> bool:
    """Whether it is the word for the bundled data."""
    return str(source) == DEMO or source == [DEMO]


def reader_of(path: Folder) -> Callable[[Folder, DataConfig], Dataset]:
    """The reader of the data at `path`; raises InputError where nothing is recognised."""
    if file_in(path) or not (isinstance(path, Files) or path.is_dir() or path.suffix == ".zip"):
        return reader.read
    for recognises, read in READERS:
        if recognises(path):
            return read
    if not isinstance(path, Files) and (inner := _inner(path)) is not None:
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


def there(source: Given) -> Folder:
    """The path of a folder, a zip or a table, or files that were named one by one; raises InputError for
    anything else.
    """
    if not isinstance(source, (str, Path)):
        if len(source) > 1 and DEMO in source:
            raise InputError(f"{DEMO}: the bundled data go alone; leave out the other paths")
        if len(source) > 1:
            return _together([_existing(one, "files of data", "file") for one in source])
        source = source[0]
    path = _existing(source, f"a folder of data, or the word {DEMO!r}", "folder")
    if not path.is_dir() and not path.name.removesuffix(".gz").endswith((".zip", *ENDINGS)):
        raise InputError(
            f"{source}: expected a folder, a zip file or a table ({', '.join(ENDINGS)}), got a file"
        )
    return path


def _existing(source: str | Path, expected: str, kind: str) -> Path:
    path = Path(source).expanduser()
    if path.exists():
        return path
    near = difflib.get_close_matches(path.name, files_at(path.parent).lying, n=1)
    told = f"; did you mean {short(str(path.parent / near[0].rstrip('/')))}?" if near else ""
    raise InputError(f"{source}: expected {expected}; there is no such {kind}{told}")


def _together(paths: Sequence[Path]) -> Files:
    """The files as those of a folder that holds nothing else."""
    named: dict[str, Path] = {}
    places: dict[str, Place] = {}
    damaged: list[InputError] = []
    for path in paths:
        if path.is_dir():
            raise InputError(f"{path}: expected a file, got a folder; name a folder alone, or its files")
        found, name = files_of(path), path.name.removesuffix(".gz")
        if not path.is_file() or not (
            names_of(found) or any(fnmatch.fnmatch(name, form) for form in _FORMATS)
        ):
            mend = _mend([path.name]) or "; leave it out"
            raise InputError(f"{path}: expected a file of data, for example a {ENDINGS[0]} table{mend}")
        if name in named:
            raise InputError(
                f"{named[name]} and {path}: both are {short(name)}; name one of them, or rename one"
            )
        named[name] = path
        places = found.places | places if path.suffix == ".zip" else places | found.places
        damaged += found.damaged
    names = tuple(path.name for path in paths)
    chosen = ", ".join(names[:3]) + ", ..." * (len(names) > 3)
    return Files(paths[0].absolute().parent, places, names, tuple(damaged), chosen)


def recognised(path: Path) -> bool:
    """Does the folder or zip at `path` look like one of the formats?"""
    return any(recognises(path) for recognises, _ in READERS)
