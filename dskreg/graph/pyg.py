"""The data set and its candidate graph as one PyTorch Geometric graph, for work
with PyG's tools.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import HeteroData

from dskreg.data.dataset import Dataset
from dskreg.graph.candidates import CandidateGraph


def to_hetero_data(dataset: Dataset, graph: CandidateGraph) -> HeteroData:
    """Users, items and entities with everything that connects them; node n is position n of `dataset`.

    | edge type | edges | attributes |
    |---|---|---|
    | user, likes, title | the likes | `fold` (`dskreg.data.dataset`) |
    | user, saw, title | what was seen and not liked | `fold` |
    | title, (relation's name), entity | the triples, one edge type per relation that has any | |
    | title, candidate, title | from the candidate neighbour to the title, so that messages flow to it |
    `relation` (into `data.relations`), `strength` |
    """
    data = HeteroData()
    data["user"].num_nodes, data["user"].user_id = len(dataset.user_ids), dataset.user_ids.tolist()
    data["title"].num_nodes, data["title"].title = len(dataset.items), dataset.items["title"].tolist()
    data["entity"].num_nodes, data["entity"].label = len(dataset.entities), dataset.entities.tolist()
    # The item that the entity is, or -1
    data["entity"].title = torch.from_numpy(dataset.entity_item.astype(np.int64))
    data.relations = list(graph.relations)
    for name, chosen in (("likes", dataset.liked), ("saw", ~dataset.liked)):
        data["user", name, "title"].edge_index = _edges(dataset.user[chosen], dataset.item[chosen])
        data["user", name, "title"].fold = torch.from_numpy(dataset.fold[chosen].astype(np.int64))
    for r in np.unique(dataset.relation):
        chosen = dataset.relation == r
        data["title", dataset.relations[r], "entity"].edge_index = _edges(
            dataset.head[chosen], dataset.tail[chosen]
        )
    title, slot = np.nonzero(graph.neighbour >= 0)
    candidates = data["title", "candidate", "title"]
    candidates.edge_index = _edges(graph.neighbour[title, slot], title)
    candidates.relation = torch.from_numpy(graph.relation[title, slot].astype(np.int64))
    candidates.strength = torch.from_numpy(graph.strength[title, slot])
    return data


def _edges(source: np.ndarray, target: np.ndarray) -> Tensor:
    """`[2, E]`."""
    return torch.from_numpy(np.stack([source, target]).astype(np.int64))
