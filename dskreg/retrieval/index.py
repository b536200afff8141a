"""Items in an engine for approximate nearest neighbours, and lists that are made through it.

    shortlist = the n items with the largest e_hat_u . e_hat_i, from the engine
    list      = the shortlist, sorted by y(u,i)

An engine knows one vector per item (TrainedModel.representations). In the evidence form that is all there
is: y(u,i) = e_hat_u . e_hat_i, so the shortlist is the list. In the paper's form the attention over an item's
neighbours depends on the user's preference among relations, and the activation does not split into a user's
and an item's part: the engine has e_hat_i for a user without preference, the shortlist is longer than the
list and only proposes, and every item on it is scored by the model. What is listed has the Explorer's scores,
and the only possible fault is an item that was not proposed. How often that happens is measured when an index
is built.

    manifest.json        kind, format, engine, its version and settings, the artifact's digest, recall,
                         sha256 of the files, its own digest
    vectors.safetensors  `vectors` float32 [I, D], for any engine
    items.parquet        position, item_id
    index.faiss          the engine's own
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, TypeAdapter
from scipy import sparse
from typing_extensions import TypedDict

from dskreg.documents import quoted, regular_size
from dskreg.errors import InputError
from dskreg.evaluation.metrics import top_items
from dskreg.explorer import Explorer
from dskreg.retrieval.engines import ENGINES, Engine, Exact
from dskreg.retrieval.shortlist import Index
from dskreg.storage import folders
from dskreg.storage.folders import save_tensors
from dskreg.storage.schema import STRICT, Amount, Count, Digest, Text
from dskreg.storage.tensors import Tensor
from dskreg.storage.verify import read_tensors, tensors_form

FORMAT = 1
LARGEST_VECTOR = 1e15  # products of which are still finite in single precision
VECTORS, ITEMS = "vectors.safetensors", "items.parquet"
LEAST = 200
"""Unseen items on a shortlist of the paper's form; ten times the length of the list where that is more."""
FORM = {"vectors": Tensor("F32", ("items", "width"), -LARGEST_VECTOR, LARGEST_VECTOR)}
AGAIN = "build it again with `dskreg index`"


class Manifest(TypedDict):
    """manifest.json"""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    kind: Literal["index"]
    format: int
    engine: Text
    version: Text
    settings: dict[Text, Annotated[int, Field(ge=1, lt=2**31)]]
    shortlist: Annotated[int, Field(ge=1, lt=2**31)] | None
    artifact: Digest
    titles: Count
    width: Count
    measured: dict[Text, Amount | None]
    files: dict[Text, Digest]
    content: Digest


MANIFEST: TypeAdapter[Manifest] = TypeAdapter(Manifest)


def build(
    explorer: Explorer,
    out: Path,
    engine_name: str = "faiss",
    settings: dict[str, int] | None = None,
    least: int | None = None,
    **sample: int,
) -> dict[str, Any]:
    """Put the items of an opened artifact into an engine, measure it (`sample`: as for `measure`) and write
    the folder `out`.

    Returns the manifest with the measured times and the bytes written. Raises InputError, and then leaves
    `out` as it was.
    """
    folders.refuse_foreign(out, folders.INDEX)
    engine = engine_named(engine_name, settings)
    version = engine.version()
    vectors = np.ascontiguousarray(explorer.core.representations[1], dtype=np.float32)
    began = time.perf_counter()
    engine.build(vectors)
    seconds = time.perf_counter() - began
    least = least or (None if engine.whole else LEAST)
    measured = measure(explorer, Index(engine, least), vectors, **sample)
    milliseconds = measured.pop("milliseconds")
    manifest = {
        "kind": folders.INDEX,
        "format": FORMAT,
        "engine": engine.name,
        "version": version,
        "settings": engine.settings,
        "shortlist": least,
        "artifact": explorer.content,
        "titles": len(vectors),
        "width": vectors.shape[1],
        "measured": measured,
    }
    with folders.replacing(out) as new:
        size = _write(new, manifest, vectors, engine, explorer.directory.item_ids)
    return {**manifest, "milliseconds": milliseconds, "build_seconds": seconds, "bytes": size}


def _write(
    folder: Path, manifest: dict[str, Any], vectors: np.ndarray, engine: Engine, item_ids: list[Any]
) -> int:
    """Write the files and then the manifest, which it completes; how many bytes."""
    save_tensors({"vectors": vectors}, folder / VECTORS)
    pd.DataFrame({"position": np.arange(len(item_ids)), "item_id": item_ids}).to_parquet(
        folder / ITEMS, index=False
    )
    if engine.file is not None:
        engine.write(folder / engine.file)
    manifest["files"] = {path.name: folders.sha256(path) for path in sorted(folder.iterdir())}
    manifest["content"] = folders.content(manifest)
    (folder / folders.MANIFEST).write_text(json.dumps(manifest, indent=1, allow_nan=False), encoding="utf-8")
    return sum(path.stat().st_size for path in folder.iterdir())


def measure(
    explorer: Explorer, index: Index, vectors: np.ndarray, top: int = 20, people: int = 500, seed: int = 0
) -> dict[str, Any]:
    """How much of the exact lists the index finds, mean over a seeded sample of the users with a history,
    and how long a list takes.

    recall:                   |list by the index ∩ exact list| / |exact list|
    recall_exact_search:      the same with an engine that misses nothing
    recall_without_rescoring: the same for the engine's own order
    milliseconds:             medians of one list by the index and by scoring everything

    The figures are None where no user has anything to be recommended.
    """
    core, history = explorer.core, explorer.directory.history
    active = np.flatnonzero(np.diff(history.indptr))
    who = np.sort(np.random.default_rng(seed).permutation(active)[:people])
    oracle = Exact()
    oracle.build(vectors)
    found: dict[str, list[float]] = {
        name: [] for name in ("recall", "recall_exact_search", "recall_without_rescoring", "index", "exact")
    }
    for position in who:
        profile = explorer.profile(explorer.user_ids[position])
        began = time.perf_counter()
        hidden = core.hidden(profile)
        wanted = top_items(core.scores(profile)[None], sparse.csr_matrix(hidden[None]), top)[0]
        between = time.perf_counter()
        user, hidden = core.user_hop(*core.history(profile)).output, core.hidden(profile)
        listed = index.ranked(core, user, hidden, top)[0]
        ended = time.perf_counter()
        wanted = wanted[wanted >= 0]
        if not len(wanted):
            continue
        proposed = index.engine.search(user[0].numpy(), min(len(hidden), top + int(hidden.sum())))
        lists = (
            listed,
            Index(oracle, index.least).ranked(core, user, hidden, top)[0],
            proposed[~hidden[proposed]][:top],
        )
        for name, positions in zip(
            ("recall", "recall_exact_search", "recall_without_rescoring"), lists, strict=True
        ):
            found[name].append(float(np.isin(wanted, positions).mean()))
        found["exact"].append(1000 * (between - began))
        found["index"].append(1000 * (ended - between))
    means = {
        f"{name}@{top}": float(np.mean(found[name])) if found[name] else None
        for name in ("recall", "recall_exact_search", "recall_without_rescoring")
    }
    medians = {name: float(np.median(found[name])) if found[name] else None for name in ("index", "exact")}
    return {"top": top, "people": len(found["recall"]), "seed": seed, **means, "milliseconds": medians}


def load(folder: Path, explorer: Explorer) -> Index:
    """The index at `folder`, verified, for the artifact that it was made from.

    Raises InputError, in words, for anything else.
    """
    manifest = read_manifest(folder)
    if manifest["artifact"] != explorer.content:
        raise InputError(f"{folder}: made from another artifact than {explorer.path}; {AGAIN}")
    engine = engine_named(manifest["engine"], manifest["settings"])
    if manifest["version"] != engine.version():
        raise InputError(
            f"{folder}: made by {engine.name} {quoted(manifest['version'])}, installed is "
            f"{engine.version()}; {AGAIN}"
        )
    for name in {VECTORS, ITEMS, engine.file or VECTORS} ^ set(manifest["files"]):
        raise InputError(
            f"{folder / folders.MANIFEST}: files: {quoted(name)} is unknown or not listed; {AGAIN}"
        )
    for name, wanted in manifest["files"].items():
        regular_size(folder / name, AGAIN)
        if folders.sha256(folder / name) != wanted:
            raise InputError(
                f"{folder / name}: altered or truncated, its hash is not the manifest's; {AGAIN}"
            )
    sizes = {"items": len(explorer.items), "width": explorer.model.config.width}
    try:
        tensors_form(folder / VECTORS, FORM, sizes)
        vectors = read_tensors(folder / VECTORS, FORM, sizes)["vectors"]
    except InputError as error:
        raise InputError(f"{error}; {AGAIN}") from None
    shape = engine.read(folder / (engine.file or VECTORS), vectors)
    if shape != vectors.shape:
        raise InputError(
            f"{folder}: holds {shape[0]} vectors of width {shape[1]}, not one for each of "
            f"{len(explorer.items)} titles; {AGAIN}"
        )
    return Index(engine, manifest["shortlist"])


def read_manifest(folder: Path) -> Manifest:
    """The manifest alone, checked for form and version but not against the files.

    Raises InputError in words.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; an index is a folder made by `dskreg index`")
    if folders.kind(folder) != folders.INDEX:
        raise InputError(
            f"{folder}: not an index, or its {folders.MANIFEST} is damaged; an index is a folder made by "
            "`dskreg index`"
        )
    return folders.read_manifest(folder, MANIFEST, FORMAT, lambda: AGAIN, AGAIN)


def engine_named(name: str, settings: dict[str, int] | None) -> Engine:
    """An empty engine; InputError for an unknown one."""
    if name not in ENGINES:
        raise InputError(f"unknown engine {name!r}: expected one of {', '.join(ENGINES)}")
    return ENGINES[name](settings)
