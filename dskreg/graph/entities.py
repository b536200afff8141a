"""Entities of the knowledge graph: which items carry which, their idf, and which relations connect
the most items.

idf(e) = log(I / items that carry e) / log I: 1 is an entity that one item alone carries. Torch-free.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from dskreg.config import GraphConfig
from dskreg.data.dataset import Dataset


def carriers(dataset: Dataset, relation: int, max_share: float = 1.0) -> sparse.csr_matrix:
    """0/1 `[I, E]`: which items carry which entity under the relation.

    An entity that more than `max_share` of the items carry is left out: it would connect almost all items
    and say almost nothing.
    """
    chosen = dataset.relation == relation
    # a triple that is there twice
    pairs = pd.DataFrame({"head": dataset.head[chosen], "tail": dataset.tail[chosen]}).drop_duplicates()
    pairs = pairs[pairs.groupby("tail")["head"].transform("size") <= max_share * len(dataset.items)]
    ones = np.ones(len(pairs), dtype=np.float32)
    return sparse.csr_matrix(
        (ones, (pairs["head"], pairs["tail"])), shape=(len(dataset.items), len(dataset.entities))
    )


def choose_relations(dataset: Dataset, config: GraphConfig) -> list[int]:
    """The knowledge graph's relations that connect the most items, in that order."""
    reach = {}
    linked = dataset.entity_item >= 0
    for r, name in enumerate(dataset.relations):
        if name in config.without:
            continue
        matrix = carriers(dataset, r, config.max_share)
        degree = np.asarray(matrix.sum(0)).ravel()
        connected = matrix @ ((degree >= 2) | linked).astype(np.float32) > 0
        connected[dataset.entity_item[linked & (degree > 0)]] = True  # a link between items connects both
        reach[r] = int(connected.sum())
    best = sorted(reach, key=lambda r: (-reach[r], r))[: config.max_relations]
    return [r for r in best if reach[r] >= max(1, min(config.min_items, len(dataset.items) // 2))]


def idf(carried: sparse.csr_matrix) -> np.ndarray:
    """log(I / items that carry e) / log I of every entity, `[E]` float32, by the 0/1 matrix `[I, E]` of
    `carriers`.
    """
    n = carried.shape[0]
    degree = np.maximum(np.asarray(carried.sum(0)).ravel(), 1)
    return (np.log(n / degree) / np.log(max(n, 2))).astype(np.float32)


def links(carried: sparse.csr_matrix, entity_item: np.ndarray) -> sparse.csr_matrix:
    """0/1 `[I, I]`: items that a triple connects directly, either way round; `entity_item` `[E]` is the item
    that an entity is, or -1.
    """
    direct = carried.tocoo()
    other = entity_item[direct.col]
    head, tail = direct.row[other >= 0], other[other >= 0]
    ones = np.ones(2 * len(head), dtype=np.float32)
    link = sparse.csr_matrix((ones, (np.r_[head, tail], np.r_[tail, head])), shape=(carried.shape[0],) * 2)
    link.sum_duplicates()
    link.data[:] = 1.0
    return link


def shared_entities(carried: sparse.csr_matrix, item: int, others: np.ndarray) -> list[list[int]]:
    """For each of `others` the entities that it shares with `item`, by the 0/1 matrix `[I, E]` of `carriers`;
    none for a direct triple.
    """
    entity, row = carried.indices, carried.indptr
    own = set(entity[row[item] : row[item + 1]].tolist())
    return [sorted(own.intersection(entity[row[j] : row[j + 1]].tolist())) for j in others]
