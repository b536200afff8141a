"""Two items compared: what connects them in the knowledge graph, how many users like both, how similar they
are to the model. And what connects an item with each of its candidates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dskreg.embedding.neighbours import closeness
from dskreg.graph.candidates import CandidateGraph
from dskreg.graph.entities import shared_entities
from dskreg.serving.directory import Directory
from dskreg.serving.trained import TrainedModel


@dataclass(frozen=True)
class Pair:
    """What two items have in common."""

    one: Any  # ids
    other: Any
    # relation, entity: a row per connection; a direct triple carries the name of the other item
    shared: pd.DataFrame
    together: int  # users whose training likes hold both
    before: float  # cosine of the embeddings e
    after: float  # cosine after the graph


def pair(core: TrainedModel, one: object, other: object) -> Pair:
    """The two items' shared entities and cosines; entities that too many items carry are left out, as in the
    graph.

    Raises InputError for an unknown id.
    """
    directory = core.directory
    i, j = directory.item(one), directory.item(other)
    rows = [(name, tie) for name in core.graph.relations for tie in _ties(core, name, i, j)]
    first, last = sorted((i, j))  # the same digits from both sides
    before, after = (float(closeness(vectors[[last]], vectors[first])[0]) for vectors in core.representations)
    together = directory.liked_together(i, np.array([j]))[0]
    return Pair(
        directory.item_ids[i],
        directory.item_ids[j],
        pd.DataFrame(rows, columns=["relation", "entity"]),
        together,
        before,
        after,
    )


def _ties(core: TrainedModel, relation: str, i: int, j: int) -> list[str]:
    """The entities that both items carry, and each item that the other carries as an entity itself."""
    directory = core.directory
    data, carried = directory.dataset, directory.carriers(relation)
    ties = [str(directory.entities[e]) for e in shared_entities(carried, i, np.array([j]))[0]]
    direct = [(i, j), (j, i)]
    return ties + [
        str(directory.titles[b]) for a, b in direct if (data.entity_item[carried[a].indices] == b).any()
    ]


def via_words(
    directory: Directory, graph: CandidateGraph, item: int, neighbour: np.ndarray, relation: np.ndarray
) -> list[list[str]]:
    """What connects the item with each of its candidates: the shared entities; none for a direct triple."""
    words: list[list[str]] = [[] for _ in neighbour]
    for r in np.unique(relation):
        rows = np.flatnonzero(relation == r)
        name, others = graph.relations[r], neighbour[rows]
        texts = [
            [str(directory.entities[e]) for e in shared]
            for shared in shared_entities(directory.carriers(name), item, others)
        ]
        for row, text in zip(rows, texts, strict=True):
            words[row] = text
    return words
