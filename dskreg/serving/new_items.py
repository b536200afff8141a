"""New titles in a trained artifact, without training: nobody has liked them, so what they share with others
in the knowledge graph is all that the model has to go by, as for every title without likes.

    items, triples   a row for each new title; known entities by their label, others are new
    candidates       the rows that graph/candidates.py gives in the enlarged catalogue, idf included;
                     the rows of the older titles stay as they are until the next training
    weights          e_i = 0, n_i = 0, w_i as of other titles without likes
    picks            of the noise-free draw
    maps             at the mean of the picks, weighted by attention; cluster of the strongest pick
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from dskreg.data.dataset import KNOWN, TRAIN, Dataset, counted
from dskreg.evaluation.ranking import picks_of
from dskreg.graph.candidates import CandidateGraph, rows_from
from dskreg.model.evidence import model_of
from dskreg.model.scoring import Catalogue
from dskreg.serving.new_titles import NewTitles
from dskreg.storage.artifact import Artifact
from dskreg.text import many

Tensors = dict[str, np.ndarray]


@dataclass(frozen=True)
class Added:
    """The enlarged artifact, and what became of the new titles."""

    artifact: Artifact
    candidates: np.ndarray  # [N] how many each new title has
    notes: tuple[str, ...]


def add(artifact: Artifact, new: NewTitles, source: str) -> Added:
    """The artifact with `new` titles behind its own; `source` is where they are from, in words."""
    data = _enlarged(artifact.dataset, new)
    first = len(artifact.dataset.items)
    rows = _candidates(artifact, data)
    graph = CandidateGraph(
        artifact.graph.relations,
        np.concatenate([artifact.graph.neighbour, rows.neighbour]),
        np.concatenate([artifact.graph.relation, rows.relation]),
        np.concatenate([artifact.graph.strengths, rows.strengths]),
    )
    weights = _weights(artifact.weights, len(new.items))
    picks = _picks(artifact, graph, weights, first)
    count = (rows.neighbour >= 0).sum(1)
    notes = (
        f"{many(len(new.items), 'item')} of {source} added to the trained model, without interactions",
        *counted(
            (len(new.entities), "entity", "of added items alone"),
            (int((count == 0).sum()), "added item", "without a candidate: nothing shared with a liked item"),
        ),
    )
    return Added(
        replace(
            artifact,
            dataset=replace(data, notes=(*data.notes, *notes)),
            graph=graph,
            weights=weights,
            picks={name: np.concatenate([artifact.picks[name], picks[name]]) for name in artifact.picks},
            item_map=pd.concat([artifact.item_map, _places(artifact.item_map, picks)], ignore_index=True),
            snapshots=_snapshots(artifact.snapshots, len(new.items)),
            manifest=None,
        ),
        count,
        notes,
    )


def _enlarged(data: Dataset, new: NewTitles) -> Dataset:
    """The data set with the new titles and their triples."""
    first = len(data.items)
    return replace(
        data,
        items=pd.concat([data.items.astype(new.items.dtypes), new.items], ignore_index=True),
        head=np.concatenate([data.head, new.head + first]).astype(np.int32),
        relation=np.concatenate([data.relation, new.relation]).astype(np.int16),
        tail=np.concatenate([data.tail, new.tail]).astype(np.int32),
        entities=np.concatenate([data.entities, new.entities]),
        entity_item=np.concatenate([data.entity_item, np.full(len(new.entities), -1)]).astype(np.int32),
    )


def _candidates(artifact: Artifact, data: Dataset) -> CandidateGraph:
    """The rows of the new titles in the table."""
    config = artifact.config
    likes = data.folds.likes(*(KNOWN if config.train.refit else (TRAIN,)))
    return rows_from(
        len(artifact.dataset.items),
        data,
        config.graph,
        [data.relations.index(name) for name in artifact.graph.relations],
        np.bincount(likes.indices, minlength=len(data.items)) > 0,
        artifact.graph.shape[1],
        config.seed,
    )


def _weights(weights: Tensors, count: int) -> Tensors:
    """The weights with `count` more items, which nobody has liked."""
    new: dict[str, Any] = {"item_embedding": np.zeros((count, weights["item_embedding"].shape[1]))}
    if "likes" in weights:
        new["likes"] = np.zeros(count)
        new["history_weight"] = np.full(count, _unliked(weights["likes"], weights["history_weight"]))
    return weights | {
        name: np.concatenate([weights[name], rows.astype(weights[name].dtype)]) for name, rows in new.items()
    }


def _snapshots(kept: Tensors | None, count: int) -> Tensors | None:
    """The snapshots with `count` more items, whose embedding and so whose logit is 0."""
    if kept is None or "item_logit" not in kept:
        return kept
    return kept | {"item_logit": np.pad(kept["item_logit"], ((0, 0), (0, count)))}


def _unliked(likes: np.ndarray, weight: np.ndarray) -> float:
    """w of an item without likes: w is a power of max(likes, 1) (training/closed_form.py)."""
    count = np.maximum(likes, 1.0)
    few, many = int(count.argmin()), int(count.argmax())
    if count[few] == count[many]:
        return float(weight[few])
    power = np.log(weight[few] / weight[many]) / np.log(count[many] / count[few])
    return float(weight[few] * count[few] ** power)


@torch.no_grad()
def _picks(artifact: Artifact, graph: CandidateGraph, weights: Tensors, first: int) -> Tensors:
    """The picks of the items from `first` on, as the artifact keeps them."""
    model = model_of(artifact.config.model, graph, len(artifact.dataset.user_ids))
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    items = torch.arange(first, len(graph.neighbour))
    return picks_of(Catalogue.of(model.eval(), items, model.draw_items(items)))


def _places(known: pd.DataFrame, picks: Tensors) -> pd.DataFrame:
    """Rows of the item map; a title without picks stands in the middle, in no cluster."""
    weight = picks["weight"].astype(np.float64)
    found = weight.sum(1) > 0
    share = weight / np.where(found, weight.sum(1), 1.0)[:, None]
    neighbour = np.maximum(picks["neighbour"], 0)
    new = {}
    for name in ("x", "y", "raw_x", "raw_y"):
        place = known[name].to_numpy(dtype=np.float64)
        new[name] = np.where(found, (share * place[neighbour]).sum(1), place.mean())
    cluster = known["cluster"].to_numpy()
    strongest = neighbour[np.arange(len(neighbour)), weight.argmax(1)]
    new["cluster"] = np.where(found, cluster[strongest], -1)
    new["kept"] = np.zeros(len(found))
    return pd.DataFrame(new).astype(known[list(new)].dtypes)
