"""Where the benchmarks' data sets lie: a folder each in $DSKREG_DATA or `data/`, or wherever `--data` "
"says."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

DATA = Path(os.environ.get("DSKREG_DATA") or Path(__file__).parents[1] / "data")
SOURCES = {
    "anime": "the Kaggle set, `dskreg download anime`, or a sample of its people",
    "dskreg-lastfm": "train.txt, test.txt and kg_final.txt of the authors' release",
    "dskreg-book": "train.txt, test.txt and kg_final.txt of the authors' release",
}


def there(data: Path, names: Iterable[str]) -> list[Path]:
    """The folders of these data sets.

    Ends the program with a line that says what is missing and where it comes from.
    """
    for name in names:
        if not (data / name).is_dir():
            raise SystemExit(
                f"error: {data / name} is not there: expected {SOURCES.get(name, 'a data set')}; --data "
                "FOLDER says where the sets are"
            )
    return [data / name for name in names]
