"""An artifact: one folder that holds a trained model, the data it was trained on, its maps and its measurements. No pickle.

    manifest.json       format version, configuration, library versions, sha256 of every other file, the digest of the reproducible ones
    weights.safetensors the parameters            graph.safetensors   the candidate table
    serving.safetensors the picks of the noise-free draw of every title: what ranking asks of the sampler
    items, users, interactions, triples, entities .parquet             item_map, user_map .parquet
    metrics.json        test metrics, baselines, map quality           history.json        the epochs
    run.json            when, where and how long: the only file that differs between two runs of the same seed on the same machine

Written under a temporary name and renamed: whole or absent. Reading verifies every hash first.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError
from safetensors.numpy import load_file

from dskreg import folders
from dskreg.config import Config
from dskreg.data.dataset import Dataset
from dskreg.errors import InputError
from dskreg.graph import CandidateGraph
from dskreg.tensors import save_tensors

FORMAT = 4
MANIFEST, RUN = "manifest.json", "run.json"
FILES = (
    "weights.safetensors",
    "graph.safetensors",
    "serving.safetensors",
    "items.parquet",
    "users.parquet",
    "interactions.parquet",
    "triples.parquet",
    "entities.parquet",
    "item_map.parquet",
    "user_map.parquet",
    "metrics.json",
    "history.json",
    RUN,
)


@dataclass(frozen=True)
class Artifact:
    """What the folder holds, in memory."""

    config: Config
    dataset: Dataset  # split
    graph: CandidateGraph
    weights: dict[str, np.ndarray]
    item_map: pd.DataFrame  # one row per title: x, y (t-SNE after the graph), raw_x, raw_y (before it), cluster, kept (dskreg/pipeline.py)
    user_map: pd.DataFrame  # the people who were placed: user (position), x, y, cluster
    metrics: dict[str, Any]  # {"users", "metrics", "baselines", "maps"}
    history: list[dict[str, Any]]  # the epochs
    run: dict[str, Any]  # created, seconds, versions, hardware
    picks: dict[str, np.ndarray]  # of the noise-free draw: neighbour [I, K] int32, -1 where fewer were picked, and relation [I, K] int16
    manifest: dict[str, Any] | None = None  # as read; None before it is written


def refuse_foreign(folder: Path) -> None:
    """Raise InputError when `folder` holds something that is no artifact: it is never replaced."""
    folders.refuse_foreign(folder, folders.ARTIFACT)


def save(artifact: Artifact, folder: Path) -> None:
    """Write the artifact as `folder`, in the place of an older one. Raises InputError when the folder is something else or unwritable."""
    refuse_foreign(folder)
    folders.recover(folder)
    with folders.replacing(folder) as new:
        _write(artifact, new)


def recover(folder: Path) -> None:
    """Where a process died between taking the old artifact away and putting the new one there, put the old one back; not while one is at it."""
    if folders.orphans(folder):
        with contextlib.suppress(InputError), folders.alone(folder, "a training run"):
            folders.recover(folder)


def _write(artifact: Artifact, folder: Path) -> None:
    data, graph = artifact.dataset, artifact.graph
    save_tensors(dict(sorted(artifact.weights.items())), folder / "weights.safetensors")
    save_tensors({"neighbour": graph.neighbour, "relation": graph.relation, "strength": graph.strength}, folder / "graph.safetensors")
    save_tensors(artifact.picks, folder / "serving.safetensors")
    tables = {
        "items": data.items,
        "users": pd.DataFrame({"user_id": data.user_ids}),
        "interactions": pd.DataFrame({"user": data.user, "item": data.item, "liked": data.liked, "fold": data.fold}),
        "triples": pd.DataFrame({"head": data.head, "relation": data.relation, "tail": data.tail}),
        "entities": pd.DataFrame({"entity": data.entities, "item": data.entity_item}),
        "item_map": artifact.item_map,
        "user_map": artifact.user_map,
    }
    for name, frame in tables.items():
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), folder / f"{name}.parquet", compression="zstd")
    for name, document in {"metrics.json": artifact.metrics, "history.json": artifact.history, RUN: artifact.run}.items():
        (folder / name).write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
    hashes = {name: _sha256(folder / name) for name in FILES}
    manifest = {
        "format": FORMAT,
        "name": data.name,
        "data_format": data.format,
        "relations": list(data.relations),
        "graph_relations": list(graph.relations),
        "notes": list(data.notes),
        "config": artifact.config.to_json(),
        "files": hashes,
    }
    manifest["content"] = _content(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest alone, checked for form and version but not against the files. Raises InputError in words."""
    path = folder / MANIFEST
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; an artifact is a folder made by `python -m dskreg train`")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{folder}: not an artifact, {MANIFEST} is missing") from None
    except (OSError, ValueError):
        raise InputError(f"{path}: damaged, expected a JSON document; restore the artifact or train it again") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise InputError(f"{path}: damaged, expected the list of files; restore the artifact or train it again")
    if manifest.get("format") != FORMAT:
        raise InputError(f"{path}: format version {manifest.get('format')!r}, this program reads version {FORMAT}; train it again")
    missing = set(FILES) - set(manifest["files"])
    if missing:
        raise InputError(f"{path}: damaged, {sorted(missing)[0]} is not listed; restore the artifact or train it again")
    if manifest.get("content") != _content(manifest):
        raise InputError(f"{path}: altered, the digest does not fit the files listed; restore the artifact or train it again")
    return manifest


def list_artifacts(folder: str | Path) -> list[str]:
    """The names of the sub-folders that look like artifacts, sorted; [] where there is no such folder."""
    return folders.named(Path(folder), folders.ARTIFACT)


def fingerprint(folder: str | Path) -> str:
    """Digest of the manifest and of every file's size and time: cheap, and different after a replacement. Raises InputError where it is unreadable."""
    folder = Path(folder)
    recover(folder)
    return folders.settled(folder, lambda: _fingerprint(folder))


def _fingerprint(folder: Path) -> str:
    try:
        digest = hashlib.sha256((folder / MANIFEST).read_bytes())
        for file in sorted(folder.iterdir()):
            status = file.stat()
            digest.update(f"{file.name} {status.st_size} {status.st_mtime_ns}".encode())
    except OSError as error:
        raise InputError(f"cannot read the artifact {folder}: {error.strerror}") from error
    return digest.hexdigest()


def load(folder: Path) -> Artifact:
    """Read and verify the artifact. Raises InputError that names the file when anything is missing, altered, truncated or foreign."""
    recover(folder)
    return folders.settled(folder, lambda: _load(folder))


def _load(folder: Path) -> Artifact:
    manifest = read_manifest(folder)
    for name in FILES:
        path = folder / name
        if not path.is_file():
            raise InputError(f"{path}: missing; restore the artifact or train it again")
        if _sha256(path) != manifest["files"][name]:
            raise InputError(f"{path}: altered or truncated, its hash is not the manifest's; restore the artifact or train it again")
    try:
        return _read(folder, manifest)
    except InputError as error:
        raise InputError(f"{folder}: {error}") from None
    except (OSError, ValueError, KeyError, TypeError, AssertionError, SafetensorError, pa.ArrowException) as error:
        raise InputError(f"{folder}: its files do not fit together ({type(error).__name__}: {error}); train it again") from None


def _read(folder: Path, manifest: dict[str, Any]) -> Artifact:
    def table(name: str) -> pd.DataFrame:
        return pq.read_table(folder / f"{name}.parquet").to_pandas()

    interactions, triples, entities = table("interactions"), table("triples"), table("entities")
    dataset = Dataset(
        name=manifest["name"],
        format=manifest["data_format"],
        items=table("items"),
        user_ids=table("users")["user_id"].to_numpy(),
        user=interactions["user"].to_numpy(),
        item=interactions["item"].to_numpy(),
        liked=interactions["liked"].to_numpy(),
        fold=interactions["fold"].to_numpy(),
        relations=tuple(manifest["relations"]),
        head=triples["head"].to_numpy(),
        relation=triples["relation"].to_numpy(),
        tail=triples["tail"].to_numpy(),
        entities=entities["entity"].to_numpy(),
        entity_item=entities["item"].to_numpy(),
        notes=tuple(manifest["notes"]),
    )
    documents = {name: json.loads((folder / name).read_text(encoding="utf-8")) for name in ("metrics.json", "history.json", RUN)}
    return Artifact(
        config=Config.from_json(manifest["config"]),
        dataset=dataset,
        graph=CandidateGraph(tuple(manifest["graph_relations"]), **load_file(folder / "graph.safetensors")),
        weights=load_file(folder / "weights.safetensors"),
        item_map=_rows(table("item_map"), len(dataset.items)),
        user_map=table("user_map"),
        metrics=documents["metrics.json"],
        history=documents["history.json"],
        run=documents[RUN],
        picks=_picks(load_file(folder / "serving.safetensors"), len(dataset.items)),
        manifest=manifest,
    )


def _rows(frame: pd.DataFrame, count: int) -> pd.DataFrame:
    if len(frame) != count:
        raise ValueError(f"the map holds {len(frame)} titles, the data {count}")
    return frame


def _picks(found: dict[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
    neighbour, relation = found["neighbour"], found["relation"]
    if neighbour.ndim != 2 or neighbour.shape != relation.shape or len(neighbour) != count:
        raise ValueError(f"serving.safetensors holds picks of the shape {neighbour.shape}, the data {count} titles")
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _content(manifest: dict[str, Any]) -> str:
    """The digest of everything that a repeated run reproduces: the manifest itself and, through it, all files but the run's record."""
    kept = {k: v for k, v in manifest.items() if k != "content"} | {"files": {k: v for k, v in manifest["files"].items() if k != RUN}}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
