"""Fetching a public data set through kagglehub, an optional extra."""

from __future__ import annotations

import shutil
from pathlib import Path

from dskreg.data.readers.kaggle import CATALOGUE, RATINGS
from dskreg.errors import InputError

DATASETS = {"anime": "CooperUnion/anime-recommendations-database"}


def download(name: str, folder: Path | str) -> Path:
    """Fetch the data set called `name` and copy its files into `folder`, which is made where it is missing.

    Returns:
        The folder, ready for `load`.

    Raises:
        InputError: An unknown name, kagglehub is not installed, the download failed, or the folder cannot be
            written; says what to do.
    """
    if name not in DATASETS:
        raise InputError(f"unknown data set {name!r}: expected one of {', '.join(DATASETS)}")
    page = f"https://www.kaggle.com/datasets/{DATASETS[name]}"
    by_hand = f"or fetch it by hand: download {page} and unzip it into {folder}"
    try:
        import kagglehub
    except ImportError:
        raise InputError(f'downloading needs kagglehub: pip install "kagglehub<1.0.3", {by_hand}') from None
    try:
        fetched = Path(kagglehub.dataset_download(DATASETS[name]))
    # Kagglehub lets errors of requests, of its login and its own through; none is ours to mend
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0]
        raise InputError(
            f"the download of {DATASETS[name]} failed ({type(error).__name__}: {reason}); check the "
            f"network, {by_hand}"
        ) from None
    target = Path(folder)
    missing = [file for file in (CATALOGUE, RATINGS) if not (fetched / file).is_file()]
    if missing:
        raise InputError(f"{fetched}: expected {' and '.join(missing)} in what was downloaded; {by_hand}")
    try:
        target.mkdir(parents=True, exist_ok=True)
        for file in (CATALOGUE, RATINGS):
            _copy(fetched / file, target / file)
    except OSError as error:
        raise InputError(f"{target}: expected a folder to write into ({error.strerror})") from None
    return target


def _copy(source: Path, target: Path) -> None:
    """Copy so that `target` is never half-written."""
    partial = target.with_name(target.name + ".part")
    try:
        shutil.copyfile(source, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
