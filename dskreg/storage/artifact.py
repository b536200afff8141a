"""An artifact: one folder that holds a trained model, the data it was trained on, its maps and its
measurements. No pickle.

    manifest.json       format version, configuration, sha256 of every other file, digest of all but run.json
    weights.safetensors the parameters
    graph.safetensors   the candidate table
    serving.safetensors the picks of the noise-free draw of every item, for ranking
    snapshots.safetensors  the sampler at every epoch (snapshots.py); older artifacts have none
    items, users, interactions, triples, entities, item_map, user_map .parquet
    metrics.json        test metrics, baselines, map quality
    history.json        the epochs
    run.json            time, versions, hardware: the only file that differs between two runs of the same seed

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

from dskreg.config import Config
from dskreg.data.dataset import SEEN, Dataset
from dskreg.documents import LARGEST, read_bytes, read_json, regular_size
from dskreg.errors import InputError
from dskreg.graph.candidates import CandidateGraph
from dskreg.storage import folders, schema, tensors, verify
from dskreg.storage.folders import save_tensors
from dskreg.storage.manifest import FILES, FORMAT, MANIFEST, MEND, RUN, SNAPSHOTS, Manifest, read_manifest

SMALL = 64 << 20  # bytes of a file whose hash is taken before anything else is said of it


@dataclass(frozen=True)
class Artifact:
    """What the folder holds, in memory."""

    config: Config
    dataset: Dataset  # split
    graph: CandidateGraph
    weights: dict[str, np.ndarray]
    # A row per item: x, y (t-SNE after the graph), raw_x, raw_y (before it), cluster, kept
    # (embedding.maps.MapsMade)
    item_map: pd.DataFrame
    user_map: pd.DataFrame  # a row per placed user: user (position), x, y, cluster
    metrics: dict[str, Any]  # {"users", "metrics", "baselines", "maps"}
    history: list[dict[str, Any]]  # the epochs
    run: dict[str, Any]  # created, seconds, versions, hardware
    # Of the noise-free draw: neighbour [I, K] int32, -1 where fewer were picked, relation [I, K] int16,
    # weight [I, K] float32
    picks: dict[str, np.ndarray]
    manifest: Manifest | None = None  # as read; None before it is written
    snapshots: dict[str, np.ndarray] | None = None  # the sampler at every epoch (snapshots.py)


def refuse_foreign(folder: Path) -> None:
    """Raise InputError when `folder` holds something that is no artifact: it is never replaced."""
    folders.refuse_foreign(folder, folders.ARTIFACT)


def save(artifact: Artifact, folder: Path) -> None:
    """Write the artifact as `folder`, in the place of an older one, once what was written has been read back
    and checked.

    Raises:
        InputError: the folder is something else or unwritable, or the artifact is not what
            `dskreg/storage/schema.py` describes.
    """
    refuse_foreign(folder)
    folders.recover(folder)
    with folders.replacing(folder) as new:
        _write(artifact, new)
        try:
            _load(new)
        except InputError as error:
            raise InputError(str(error).replace(str(new), str(folder))) from None


def recover(folder: Path) -> None:
    """Where a process died between taking the old artifact away and putting the new one there, put the old
    one back; not while one is at it.
    """
    if folders.orphans(folder):
        with contextlib.suppress(InputError), folders.alone(folder, "a training run"):
            folders.recover(folder)


def _write(artifact: Artifact, folder: Path) -> None:
    data, graph = artifact.dataset, artifact.graph
    entities = data.entities if len(data.entities) else pd.array([], "string")  # not a column of nothing
    save_tensors(dict(sorted(artifact.weights.items())), folder / "weights.safetensors")
    save_tensors(
        {"neighbour": graph.neighbour, "relation": graph.relation, "strengths": graph.strengths},
        folder / "graph.safetensors",
    )
    save_tensors(artifact.picks, folder / "serving.safetensors")
    if artifact.snapshots is not None:
        save_tensors(artifact.snapshots, folder / SNAPSHOTS)
    tables = {
        "items": data.items,
        "users": pd.DataFrame({"user_id": data.user_ids}),
        "interactions": pd.DataFrame(
            {"user": data.user, "item": data.item, "liked": data.liked, "fold": data.fold}
        ),
        "triples": pd.DataFrame({"head": data.head, "relation": data.relation, "tail": data.tail}),
        "entities": pd.DataFrame({"entity": entities, "item": data.entity_item}),
        "item_map": artifact.item_map,
        "user_map": artifact.user_map,
    }
    for name, frame in tables.items():
        pq.write_table(
            pa.Table.from_pandas(frame, preserve_index=False), folder / f"{name}.parquet", compression="zstd"
        )
    for name, document in {
        "metrics.json": artifact.metrics,
        "history.json": artifact.history,
        RUN: artifact.run,
    }.items():
        (folder / name).write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
    hashes = {name: folders.sha256(folder / name) for name in FILES if (folder / name).exists()}
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "name": data.name,
        "data_format": data.format,
        "relations": list(data.relations),
        "graph_relations": list(graph.relations),
        "notes": list(data.notes),
        "config": artifact.config.to_json(),
        "files": hashes,
    }
    manifest["content"] = folders.content(manifest, without=RUN)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def list_artifacts(folder: str | Path) -> list[str]:
    """The names of the sub-folders that look like artifacts, sorted; [] where there is no such folder."""
    return folders.named(Path(folder), folders.ARTIFACT)


def fingerprint(folder: str | Path) -> str:
    """Digest of the manifest and of every file's size and time: cheap, and different after a replacement.

    Raises InputError where it is unreadable.
    """
    folder = Path(folder)
    recover(folder)
    return folders.settled(folder, lambda: _fingerprint(folder))


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256(read_bytes(folder / MANIFEST, MEND, folders.LARGEST_MANIFEST))
    try:
        for file in sorted(folder.iterdir()):
            status = file.stat()
            digest.update(f"{file.name} {status.st_size} {status.st_mtime_ns}".encode())
    except OSError as error:
        raise InputError(f"cannot read the artifact {folder}: {error.strerror}") from error
    return digest.hexdigest()


def load(folder: Path) -> Artifact:
    """Read the artifact and check all of it: every file against its hash and against
    `dskreg/storage/schema.py`.

    Raises:
        InputError: names the file, and the field, of what is missing, unreadable, altered, truncated, foreign
            or of another form.
    """
    recover(folder)
    return folders.settled(folder, lambda: _load(folder))


def _load(folder: Path) -> Artifact:
    manifest = read_manifest(folder)
    try:
        config = Config.from_json(manifest["config"])
    except InputError as error:
        raise InputError(f"{folder / MANIFEST}: {error}; {MEND}") from None
    forms = {"weights": tensors.weights(config.model), "graph": tensors.GRAPH, "serving": tensors.PICKS}
    if SNAPSHOTS in manifest["files"]:
        forms["snapshots"] = tensors.snapshots(config.model)
    sizes = _sizes(folder, manifest, config, forms)
    for name in manifest["files"]:
        _require_hash(folder / name, manifest)
    try:
        return _read(folder, manifest, config, forms, sizes)
    except InputError as error:
        raise InputError(f"{error}; {MEND}") from None


def _sizes(
    folder: Path, manifest: Manifest, config: Config, forms: dict[str, dict[str, tensors.Tensor]]
) -> verify.Sizes:
    """The sizes of what the artifact holds, once the form of every file has been checked by header or footer:
    cheap, whatever they claim to hold.
    """
    relations = len(manifest["graph_relations"])
    sizes = {
        "relations": len(manifest["relations"]),
        "strengths": relations,
        "graph relations": max(1, relations),
        "pair features": max(1, relations) + 1,
        "width": config.model.width,
    }
    path = folder
    try:
        for name in manifest["files"]:
            regular_size(path := folder / name, largest=LARGEST if name in schema.DOCUMENTS else None)
        for name, table in schema.TABLES.items():
            sizes[name] = verify.table_rows(path := folder / f"{name}.parquet", table, sizes)
        for name, form in forms.items():
            verify.tensors_form(path := folder / f"{name}.safetensors", form, sizes)
    except InputError as error:
        if path.is_file() and path.stat().st_size <= SMALL:  # what was altered is altered in the first place
            _require_hash(path, manifest)
        raise InputError(f"{error}; {MEND}") from None
    for name, most in (("candidates", config.graph.candidates), ("picks", config.model.picks)):
        if not 1 <= sizes[name] <= most:
            wanted = f"1 to {most:,} {name} for each item, as the settings say"
            raise InputError(f"{folder}: expected {wanted} (got {sizes[name]:,}); {MEND}")
    return sizes


def _require_hash(path: Path, manifest: Manifest) -> None:
    try:
        same = folders.sha256(path) == manifest["files"][path.name]
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); {MEND}") from None
    if not same:
        raise InputError(f"{path}: altered or truncated, its hash is not the manifest's; {MEND}")


def _read(
    folder: Path,
    manifest: Manifest,
    config: Config,
    forms: dict[str, dict[str, tensors.Tensor]],
    sizes: verify.Sizes,
) -> Artifact:
    documents = {name: read_json(folder / name, form) for name, form in schema.DOCUMENTS.items()}
    tables = {
        name: verify.read_table(folder / f"{name}.parquet", form, sizes)
        for name, form in schema.TABLES.items()
    }
    arrays = {
        name: verify.read_tensors(folder / f"{name}.safetensors", form, sizes) for name, form in forms.items()
    }
    interactions, triples, entities = tables["interactions"], tables["triples"], tables["entities"]
    if not np.array_equal(interactions["liked"], interactions["fold"] != SEEN):
        wanted = f"{SEEN} for what is not liked, and for nothing else"
        raise InputError(f"{folder / 'interactions.parquet'}: column fold: expected {wanted}")
    dataset = Dataset(
        name=manifest["name"],
        format=manifest["data_format"],
        items=tables["items"],
        user_ids=tables["users"]["user_id"].to_numpy(),
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
    graph = CandidateGraph(tuple(manifest["graph_relations"]), **arrays["graph"])
    if "snapshots" in arrays:
        verify.require_epochs(folder / SNAPSHOTS, arrays["snapshots"]["epoch"])
    verify.require_candidates(folder / "serving.safetensors", graph, arrays["serving"])
    return Artifact(
        config=config,
        dataset=dataset,
        graph=graph,
        weights=arrays["weights"],
        item_map=tables["item_map"],
        user_map=tables["user_map"],
        metrics=documents["metrics.json"],
        history=documents["history.json"],
        run=documents[RUN],
        picks=arrays["serving"],
        manifest=manifest,
        snapshots=arrays.get("snapshots"),
    )
