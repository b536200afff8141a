"""One door to every format: the files in a folder tell which reader reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dskreg.config import DataConfig
from dskreg.data.dataset import Dataset
from dskreg.data.readers import kaggle, kgat, recbole
from dskreg.data.readers.files import files_at
from dskreg.errors import InputError

DEMO = "demo"
READERS: tuple[tuple[Callable[[Path], bool], Callable[[Path, DataConfig], Dataset]], ...] = (
    (kgat.recognises, lambda path, config: kgat.read(path)),
    (recbole.recognises, lambda path, config: recbole.read(path, config.like_threshold)),
    (kaggle.recognises, lambda path, config: kaggle.read(path, config.like_threshold)),
)
"""(whether a folder or zip looks like the format, its reader), in the order in which they are asked."""
_LOOKED_FOR = (
    "anime.csv and rating.csv (Kaggle), train.txt, test.txt and kg_final.txt (text), or *.inter (RecBole), "
    "also .gz or in a zip"
)


def load(source: str | Path, config: DataConfig) -> Dataset:
    """Read the data at `source`.

    Args:
        source: A folder, a zip of its files, or the word `demo` for the bundled catalogue with simulated
            users.
        config: Its `like_threshold` decides what counts as liked.

    Raises:
        InputError: Nothing there, nothing recognised, or a file is malformed; one line.
    """
    if str(source) == DEMO:
        from dskreg.data.readers import demo  # the catalogue is big and needed only here

        return demo.read()
    path = Path(source).expanduser()
    if not path.exists():
        raise InputError(
            f"{source}: expected a folder of data, or the word {DEMO!r}; there is no such folder"
        )
    if not path.is_dir() and path.suffix != ".zip":
        raise InputError(f"{source}: expected a folder (or a zip file), got a file")
    for recognises, read in READERS:
        if recognises(path):
            return read(path, config)
    raise files_at(path).lacks(_LOOKED_FOR)


def recognised(path: Path) -> bool:
    """Does the folder or zip at `path` look like one of the formats?"""
    return any(recognises(path) for recognises, _ in READERS)
