"""All artifacts of some folders in one table.

It is read from the manifests and small documents alone. Hashes are verified when an artifact is opened.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from dskreg.config import Config
from dskreg.documents import read_json, regular_size
from dskreg.errors import InputError
from dskreg.storage.artifact import MEND, RUN, read_manifest
from dskreg.storage.folders import is_text
from dskreg.storage.schema import DOCUMENTS, TABLES
from dskreg.storage.verify import table_rows

MEASURES = ("ndcg@20", "recall@20", "coverage@20")
COLUMNS = (
    "name",
    "dataset",
    "users",
    "items",
    "preset",
    "seed",
    "created",
    "size",
    *MEASURES,
    "baseline",
    "baseline ndcg@20",
    "problem",
)


def summaries(*folders: str | Path) -> pd.DataFrame:
    """One row per sub-folder, by name; of several with one name, that of the first of `folders`.

    `size` is in MB, `created` in UTC; `baseline` names the baseline with the best NDCG@20, None where none
    was measured. `problem` is "" for a readable artifact; otherwise it says what is wrong, and the other
    columns are empty.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        with suppress(OSError):  # a folder that is missing or cannot be listed holds no artifact
            for path in Path(folder).iterdir():
                if path.is_dir() and not path.name.startswith("."):
                    found.setdefault(path.name, path)
    table = pd.DataFrame([_row(found[name]) for name in sorted(found)], columns=list(COLUMNS))
    numbers = ("users", "items", "seed", "size", *MEASURES, "baseline ndcg@20")
    return table.assign(
        **{name: pd.to_numeric(table[name]) for name in numbers},
        created=pd.to_datetime(table["created"], utc=True, errors="coerce"),
    )


def _row(path: Path) -> dict[str, Any]:
    name = path.name if is_text(path.name) else os.fsencode(path.name).decode("utf-8", "replace")
    try:
        if name != path.name:
            raise InputError(f"{name}: expected a name in UTF-8; rename the folder")
        return {"name": name, "problem": "", **_read(path)}
    except InputError as error:
        return {"name": name, "problem": str(error)}
    except OSError as error:
        return {"name": name, "problem": f"{path}: cannot be read ({error.strerror or error})"}


def _read(path: Path) -> dict[str, Any]:
    manifest = read_manifest(path)
    size = sum(regular_size(path / name, MEND) for name in manifest["files"])
    config = Config.from_json(manifest["config"])
    measured, run = (read_json(path / name, DOCUMENTS[name], MEND) for name in ("metrics.json", RUN))
    rows = {name: table_rows(path / f"{name}.parquet", TABLES[name], {}) for name in ("users", "items")}
    baselines = {
        name: figures["ndcg@20"]
        for name, figures in measured["baselines"].items()
        if figures["ndcg@20"] is not None
    }
    best = max(baselines, key=lambda name: baselines[name]) if baselines else None
    return {
        "dataset": manifest["name"],
        "users": rows["users"],
        "items": rows["items"],
        "preset": config.preset,
        "seed": config.seed,
        "created": run["created"],
        "size": size / 1e6,
        **{name: measured["metrics"][name] for name in MEASURES},
        "baseline": best,
        "baseline ndcg@20": baselines.get(best) if best else None,
    }
