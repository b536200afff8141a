"""How the candidate graph and the closed-form start grow, on made-up data of any size:
`python benchmarks/scale.py graph --items 100000 300000 1000000` and
`python benchmarks/scale.py start --likes 1000000 3000000` (`embeddings`: without the choice of settings).

The made-up catalogue has the relations of a real one, with as many entities as it would have:

    genre       60, of which the most common is on 38 % of the items, 5 an item; as many different sets as in
                the anime sample, 7.2 I^0.65, Zipf, or nearly one an item (`varied`)
    type, year  8 and 60; one an item
    studio      an entity for every 30 items, Zipf; one or two an item
    person      one for every 2 items, Zipf; six an item
    franchise   families of 5 on average, 40 % of the items
    sequel      triples between items, 5 % of the items

Nine of ten items are liked. The likes of `start` follow Zipf among items, and of each user 70 % are of one of
200 groups of items. There are as many users as items, and 100 likes a user, copies left out. One process a
size, so that the peak memory is that size's.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.growth import slope
from dskreg.config import PRESETS
from dskreg.data.dataset import TRAIN, VALIDATION, Dataset
from dskreg.graph.candidates import build
from dskreg.training import directions
from dskreg.training.closed_form import FIRST, choose, embeddings

RELATIONS = ("genre", "type", "year", "studio", "person", "franchise", "sequel")
LIKED, A_USER, VALIDATED, GROUPS, IN_GROUP = 0.9, 100, 0.1, 200, 0.7


def zipf(count: int, power: float, size: int, rng: np.random.Generator) -> np.ndarray:
    """`[size]` numbers below `count`, n with a probability like 1 / (n + 3)^power."""
    cumulated = np.cumsum((np.arange(count) + 3.0) ** -power)
    return np.searchsorted(cumulated / cumulated[-1], rng.random(size), "right").clip(max=count - 1)


def catalogue(items: int, varied: bool = False, seed: int = 0) -> Dataset:
    """Items and triples; one user has liked nine of ten."""
    rng = np.random.default_rng(seed)
    everything = np.arange(items)
    sets = items if varied else round(7.2 * items**0.65)
    carried = rng.random((sets, 60)) < 0.38 * (1 + np.arange(60) / 4) ** -0.9
    genre_item, genre = np.nonzero(carried[everything if varied else zipf(sets, 0.8, items, rng)])
    of_studio, of_person = rng.integers(1, 3, items), np.full(items, 6)
    family = np.flatnonzero(rng.random(items) < 0.4)
    linked = np.flatnonzero(rng.random(items) < 0.05)
    parts = {
        "genre": (genre_item, genre, 60),
        "type": (everything, zipf(8, 1.5, items, rng), 8),
        "year": (everything, zipf(60, 0.7, items, rng), 60),
        "studio": (
            np.repeat(everything, of_studio),
            zipf(items // 30, 1.0, of_studio.sum(), rng),
            items // 30,
        ),
        "person": (
            np.repeat(everything, of_person),
            zipf(items // 2, 0.8, of_person.sum(), rng),
            items // 2,
        ),
        "franchise": (family, rng.integers(max(1, len(family) // 5), size=len(family)), items // 10 + 1),
        "sequel": (linked, rng.permutation(items)[: len(linked)], items),
    }
    first = np.cumsum([0, *(count for _, _, count in parts.values())])
    triples = [len(head) for head, _, _ in parts.values()]
    entity_item = np.full(first[-1], -1, np.int32)
    entity_item[first[-2] :] = everything
    liked = np.flatnonzero(rng.random(items) < LIKED).astype(np.int32)
    return Dataset(
        name="made up",
        format="tables",
        items=pd.DataFrame({"item_id": everything, "title": everything.astype(str)}),
        user_ids=np.arange(1),
        user=np.zeros(len(liked), np.int32),
        item=liked,
        liked=np.ones(len(liked), bool),
        fold=np.full(len(liked), TRAIN, np.int8),
        relations=RELATIONS,
        head=np.concatenate([head for head, _, _ in parts.values()]).astype(np.int32),
        relation=np.repeat(np.arange(len(parts)), triples).astype(np.int16),
        tail=np.concatenate(
            [tail + at for (_, tail, _), at in zip(parts.values(), first, strict=False)]
        ).astype(np.int32),
        entities=np.arange(first[-1]).astype(str).astype(object),
        entity_item=entity_item,
    )


def tastes(likes: int, seed: int = 0) -> Dataset:
    """About so many likes, a tenth of them for validation; no triples."""
    rng = np.random.default_rng(seed)
    users = items = likes // A_USER
    user = np.repeat(np.arange(users), A_USER)
    item = zipf(items, 0.9, len(user), rng)
    own = rng.random(len(user)) < IN_GROUP
    item[own] = (item - item % GROUPS + (user % GROUPS))[own].clip(max=items - 1)
    key = np.unique(user * items + item)
    fold = np.where(rng.random(len(key)) < VALIDATED, np.int8(VALIDATION), np.int8(TRAIN))
    return Dataset(
        name="made up",
        format="tables",
        items=pd.DataFrame({"item_id": np.arange(items), "title": np.arange(items).astype(str)}),
        user_ids=np.arange(users),
        user=(key // items).astype(np.int32),
        item=(key % items).astype(np.int32),
        liked=np.ones(len(key), bool),
        fold=fold,
        relations=(),
        head=np.empty(0, np.int32),
        relation=np.empty(0, np.int16),
        tail=np.empty(0, np.int32),
        entities=np.empty(0, object),
        entity_item=np.empty(0, np.int32),
    )


def of_graph(size: int, varied: bool = False) -> dict[str, Any]:
    """The cost of the candidate graph of so many items, default preset."""
    dataset, config = catalogue(size, varied), PRESETS["default"].graph
    dataset.folds.train  # noqa: B018 - a matrix of likes that training has anyway
    before = time.perf_counter(), time.process_time()
    graph = build(dataset, config)
    found = spent("graph", before)
    return {
        "items": size,
        "triples": len(dataset.head),
        "candidates": int((graph.neighbour >= 0).sum()),
        "relations": len(graph.relations),
    } | found


def of_start(size: int) -> dict[str, Any]:
    """The cost of the closed-form start from so many likes, default preset."""
    dataset, config = tastes(size), PRESETS["default"]
    folds, width = dataset.folds, config.model.width
    likes, seen = folds.train, folds.seen
    before = time.perf_counter(), time.process_time()
    start = choose(folds, width, config.train.validation_users, config.seed)
    found = spent("choose", before)
    before = time.perf_counter(), time.process_time()
    embeddings(likes, seen, start, width, config.seed)
    users, items = folds.shape
    return {"likes": likes.nnz, "users": users, "items": items} | found | spent("embeddings", before)


def of_embeddings(size: int) -> dict[str, Any]:
    """The cost of the embeddings alone, in place whatever the size, by settings that are not chosen."""
    folds, width = tastes(size).folds, PRESETS["default"].model.width
    likes, seen = folds.train, folds.seen
    before = time.perf_counter(), time.process_time()
    with patch.object(directions, "LARGE", 0):
        embeddings(likes, seen, FIRST, width, 0)
    users, items = folds.shape
    return {"likes": likes.nnz, "users": users, "items": items} | spent("embeddings", before)


def spent(what: str, before: tuple[float, float]) -> dict[str, Any]:
    """Wall and CPU seconds since `before`, and the process's peak memory so far."""
    return {
        f"{what}_s": round(time.perf_counter() - before[0], 1),
        f"{what}_cpu_s": round(time.process_time() - before[1], 1),
        f"{what}_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def of_varied_graph(size: int) -> dict[str, Any]:
    """The same where nearly every item has a set of genres of its own."""
    return of_graph(size, varied=True)


MEASURED = {"graph": of_graph, "varied": of_varied_graph, "start": of_start, "embeddings": of_embeddings}


def keep(path: Path, what: str, row: dict[str, Any]) -> None:
    """Write the row into the JSON file, in the place of one of the same size."""
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    others = [other for other in known.get(what, []) if other["items"] != row["items"]]
    known[what] = sorted([*others, row], key=lambda row: row["items"])
    path.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


def main() -> None:
    """Read the arguments, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=MEASURED)
    parser.add_argument("--items", "--likes", dest="sizes", type=int, nargs="+", required=True)
    parser.add_argument("--out", type=Path, help="a JSON file, in which other sizes stay")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(MEASURED[given.what](given.sizes[0])))
        return
    rows = []
    for size in given.sizes:
        command = [sys.executable, __file__, given.what, "--one", "--items", str(size)]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        rows.append(json.loads(told))
        print("  ".join(f"{name} {value:,}" for name, value in rows[-1].items()), flush=True)
        if given.out:
            keep(given.out, given.what, rows[-1])
    size = "likes" if "likes" in rows[0] else "items"
    for name in (name for name in rows[0] if name.endswith("_cpu_s") and len(rows) > 1):
        print(f"slope of log({name}) over log({size}): {slope(rows, name, size):.2f}")


if __name__ == "__main__":
    main()
