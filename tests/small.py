"""Explorers of random weights over small random worlds: every parameter matters, and a loop can check the
numbers.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from dskreg.config import Config, GraphConfig, ModelConfig, TrainConfig
from dskreg.data.dataset import Dataset
from dskreg.evaluation.metrics import Ranking
from dskreg.evaluation.ranking import noise_free, picks_of
from dskreg.explorer import Explorer
from dskreg.graph.candidates import CandidateGraph, build
from dskreg.model.evidence import EvidenceDSKReG, model_of
from dskreg.serving.trained import TrainedModel
from dskreg.storage.artifact import Artifact
from tests.worlds import EVERYTHING, world

DEMO = Path(__file__).parents[1] / "artifacts" / "demo"
SMALL = {
    "default": ModelConfig(width=4, picks=2, user_picks=2),
    "paper": ModelConfig(form="paper", width=4, picks=2, user_picks=2),
}


def opened(dataset: Dataset, graph: CandidateGraph, model: ModelConfig, seed: int = 3) -> Explorer:
    """An explorer of random weights over a small world."""
    made = model_of(model, graph, len(dataset.user_ids))
    generator = torch.Generator().manual_seed(seed)
    weights = {
        name: torch.randn(value.shape, generator=generator) for name, value in made.state_dict().items()
    }
    if isinstance(made, EvidenceDSKReG):
        count = np.asarray(dataset.folds.train.sum(0)).ravel()
        count = count * (1 + 0.01 * np.arange(len(count)))  # no two alike, so that no logits are equal
        likes = torch.from_numpy(count.astype(np.float32))
        known = {"likes": likes, "evidence": torch.tensor([3.0, 0.7, 1.5])}
        weights |= known | {"history_weight": weights["history_weight"].abs()}
        weights["item_embedding"][likes == 0] = 0
    made.load_state_dict(weights)
    picks = picks_of(noise_free(made.eval()))
    nothing = pd.DataFrame(columns=["user", "x", "y"])
    numbers, places = (
        {name: value.numpy() for name, value in weights.items()},
        np.zeros((len(dataset.items), 2)),
    )
    artifact = Artifact(
        Config(graph=EVERYTHING, model=model, train=TrainConfig(refit=False)),
        dataset,
        graph,
        numbers,
        places,
        nothing,
        {},
        [],
        {},
        picks,
        {"content": "a world"},
    )
    return Explorer(TrainedModel(Path("world"), artifact))


def nowhere(count: int) -> dict[str, np.ndarray]:
    """Places on a map, `count` of them, all in one cluster."""
    line = np.arange(count, dtype=np.float64)
    return {"x": line, "y": line % 3, "cluster": np.zeros(count, dtype=np.int32)}


def whole(
    dataset: Dataset, config: GraphConfig = EVERYTHING, model: ModelConfig = SMALL["default"]
) -> Explorer:
    """An explorer of random weights with maps and figures, for every page."""
    bare = opened(dataset, build(dataset, config), model)
    items, active = len(dataset.items), np.flatnonzero(np.diff(bare.directory.history.indptr))
    places = nowhere(items)
    titles = pd.DataFrame(places | {"raw_x": places["y"], "raw_y": places["x"], "kept": np.ones(items)})
    quality = {
        "trustworthiness": 1.0,
        "neighbour_preservation": 1.0,
        "k": 1,
        "sample": items,
        "parameters": {"method": "t-SNE"},
    }
    figures = {
        "users": 0,
        "metrics": Ranking(np.ones(items), len(dataset.user_ids)).results(),
        "baselines": {},
    }
    graph = (dataset.relations, dataset.head.tolist(), dataset.tail.tolist())
    artifact = replace(
        bare.core.artifact,
        item_map=titles,
        user_map=pd.DataFrame({"user": active, **nowhere(len(active))}),
        metrics=figures
        | {"maps": dict.fromkeys(("titles", "raw", "users"), quality), "best_epoch": 0, "start": None}
        | {"evidence": None, "resets": []},
        manifest={"content": f"{dataset.name} {items} {len(active)} {config} {graph}", "files": {}},
    )
    return Explorer(TrainedModel(Path("world"), artifact))


def random_world(seed: int, items: int = 12) -> Dataset:
    """Items 100 ..

    with several entities under one relation and one under another, and links between items both ways round;
    users 500 .. 505.
    """
    rng = np.random.default_rng(seed)
    entities = (
        [f"genre {n}" for n in range(5)]
        + [f"studio {n}" for n in range(3)]
        + [f"title {n}" for n in range(items)]
    )
    triples = [(i, 0, e) for i in range(items) for e in range(5) if rng.random() < 0.5]
    triples += [(i, 1, 5 + int(rng.integers(3))) for i in range(items)]
    triples += [
        (i, 2, 8 + int(j)) for i in range(items) for j in rng.choice(items, 2, replace=False) if i != j
    ]
    likes = {(u, i, 0) for u in range(6) for i in range(items) if rng.random() < 0.4} | {(0, 0, 0), (0, 1, 0)}
    return world(
        sorted(likes),
        items,
        6,
        triples,
        ("genre", "studio", "sequel"),
        entities,
        [-1] * 8 + list(range(items)),
    )


def of_few(name: str, seed: int) -> Explorer:
    """An explorer of the kind `name` of SMALL over ten items, few enough for brute force."""
    dataset = random_world(seed, 10)
    return opened(dataset, build(dataset, EVERYTHING), SMALL[name], seed)
