"""All artifacts of a folder in one table. Read from the manifests and their neighbours alone: no file's hash is verified, that is for opening."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dskreg.artifact import RUN, read_manifest
from dskreg.errors import InputError

MEASURES = ("ndcg@20", "recall@20", "coverage@20")
COLUMNS = ("name", "dataset", "viewers", "titles", "preset", "seed", "created", "size", *MEASURES, "baseline", "baseline ndcg@20", "problem")


def summaries(folder: str | Path) -> pd.DataFrame:
    """One row per sub-folder, by name.

    `size` is in MB, `created` in UTC; `baseline` is the one with the best NDCG@20, None where none was measured. `problem` is "" for what reads as an
    artifact, else the sentence that says why not, and then the other columns are empty.
    """
    root = Path(folder)
    found = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")) if root.is_dir() else []
    table = pd.DataFrame([_row(path) for path in found], columns=list(COLUMNS))
    numbers = ("viewers", "titles", "seed", "size", *MEASURES, "baseline ndcg@20")
    return table.assign(**{name: pd.to_numeric(table[name]) for name in numbers}, created=pd.to_datetime(table["created"], utc=True, errors="coerce"))


def _row(path: Path) -> dict[str, Any]:
    try:
        return {"name": path.name, "problem": "", **_read(path)}
    except InputError as error:
        return {"name": path.name, "problem": str(error)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException) as error:
        return {"name": path.name, "problem": f"{path}: cannot be read ({type(error).__name__}); restore the artifact or train it again"}


def _read(path: Path) -> dict[str, Any]:
    manifest = read_manifest(path)
    missing = [name for name in manifest["files"] if not (path / name).is_file()]
    if missing:
        raise InputError(f"{path / missing[0]}: missing; restore the artifact or train it again")
    measured, made = (json.loads((path / name).read_text(encoding="utf-8")) for name in ("metrics.json", RUN))
    rivals = {name: float(values["ndcg@20"]) for name, values in measured["baselines"].items()}
    best = max(rivals, key=lambda name: rivals[name]) if rivals else None
    return {
        "dataset": str(manifest["name"]),
        "viewers": pq.read_metadata(path / "users.parquet").num_rows,
        "titles": pq.read_metadata(path / "items.parquet").num_rows,
        "preset": str(manifest["config"]["preset"]),
        "seed": int(manifest["config"]["seed"]),
        "created": str(made["created"]),
        "size": sum((path / name).stat().st_size for name in manifest["files"]) / 1e6,
        **{name: measured["metrics"].get(name) for name in MEASURES},
        "baseline": best,
        "baseline ndcg@20": rivals.get(best) if best else None,
    }
