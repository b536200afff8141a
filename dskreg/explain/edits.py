"""Edits of the candidate table: what is removed is a whole relation, one entity such as the genre Mecha, or
one neighbour of one item.

Without the entities X, what is left between i and j under relation r is

    strength(i,j,r) = sum of idf(e) over the e that both still carry + 1 where a triple still links the two
    items

as in graph.py; idf(e) is the entity's own and does not change. Where no such e and no link is left, j is no
longer a candidate of i. Which pairs were candidates when the table was built does not change: a neighbour
beyond the M-th does not move up. Torch-free.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse

from dskreg.errors import InputError
from dskreg.graph.candidates import CandidateGraph
from dskreg.graph.entities import idf, links
from dskreg.serving.directory import Directory

ROUNDING = 1e-6  # of a strength


@dataclass(frozen=True)
class GraphEdit:
    """The candidate table after a removal."""

    gone: np.ndarray  # [I, M] bool: no candidate any more
    strengths: np.ndarray  # [I, M, R] float32; where nothing was cut, exactly the table's
    # [I, M] bool: still a candidate, of a pair that shares less under any relation
    weaker: np.ndarray

    @cached_property
    def touched(self) -> np.ndarray:
        """Positions of the items with a candidate that is gone or weaker."""
        return np.flatnonzero((self.gone | self.weaker).any(1))


def cut(
    graph: CandidateGraph,
    directory: Directory,
    relations: Iterable[str] = (),
    entities: Iterable[tuple[str, str]] = (),
) -> GraphEdit:
    """The table without whole `relations` and without some `entities` (relation, label). Raises InputError
    for unknown ones.

    Entities of one relation that have the same label go together.
    """
    numbers = [relation_number(graph, name) for name in relations]
    gone = np.isin(graph.relation, numbers) & (graph.neighbour >= 0)
    strengths, weaker = graph.strengths.copy(), np.zeros_like(gone)
    for number in numbers:
        weaker |= strengths[:, :, number] > 0
        strengths[:, :, number] = 0
    labels: dict[str, list[str]] = {}
    for name, label in entities:
        labels.setdefault(name, []).append(label)
    for name, those in labels.items():
        number = relation_number(graph, name)
        row, slot = np.nonzero(strengths[:, :, number] > 0)
        columns = np.unique(np.concatenate([entity_columns(directory, name, label) for label in those]))
        changed = _tied(directory, name, columns, row, graph.neighbour[row, slot])
        # It connects no candidates, and scipy's sparse matrices take no empty selection of pairs
        if not changed.any():
            continue
        row, slot = row[changed], slot[changed]
        left, count = _left(directory, name, columns, row, graph.neighbour[row, slot])
        # A pair may be linked both ways: one link more or less is nothing
        less = strengths[row, slot, number] - left > ROUNDING
        row, slot, left, count = row[less], slot[less], left[less], count[less]
        strengths[row, slot, number] = left
        gone[row, slot] |= (count == 0) & (graph.relation[row, slot] == number)
        weaker[row, slot] = True
    return GraphEdit(gone, strengths, weaker & ~gone)


def entities_of(graph: CandidateGraph, directory: Directory, item: int) -> pd.DataFrame:
    """relation, entity, titles, candidates: what connects the item with others, how many items carry it, how
    many candidates it connects. Nameless entities are left out.
    """
    rows: list[tuple[str, str, int, int]] = []
    for r, name in enumerate(graph.relations):
        carried = directory.carriers(name).tocsc()
        degree = np.diff(carried.indptr)
        # Others carry this very item
        is_it = np.flatnonzero((directory.dataset.entity_item == item) & (degree > 0))
        others = graph.neighbour[item][(graph.relation[item] == r) & (graph.neighbour[item] >= 0)]
        for e in dict.fromkeys([*directory.carriers(name)[item].indices.tolist(), *is_it.tolist()]):
            if directory.nameless[e]:
                continue
            ends = entity_ends(directory, carried, e)
            rows.append((name, str(directory.entities[e]), int(degree[e]), int(ends[others].sum())))
    frame = pd.DataFrame(rows, columns=["relation", "entity", "titles", "candidates"])
    return frame.groupby(["relation", "entity"], sort=False, as_index=False).sum()


def all_entities(graph: CandidateGraph, directory: Directory) -> pd.DataFrame:
    """relation, entity, titles of every entity that can be removed, those that most items carry first;
    nameless ones (Directory.veiled) are left out.
    """
    parts = []
    for _, name in enumerate(graph.relations):
        degree = np.diff(directory.carriers(name).tocsc().indptr)
        carried = np.flatnonzero((degree > 0) & ~directory.nameless)
        parts.append(
            pd.DataFrame(
                {
                    "relation": name,
                    "entity": directory.entities[carried].astype(str),
                    "titles": degree[carried],
                }
            )
        )
    frame = pd.concat(parts) if parts else pd.DataFrame(columns=["relation", "entity", "titles"])
    return (
        frame.groupby(["relation", "entity"], sort=False, as_index=False)
        .sum()
        .sort_values("titles", ascending=False, kind="stable", ignore_index=True)
    )


def relation_number(graph: CandidateGraph, name: str) -> int:
    """The relation's place among the graph's; InputError where it has none of this name."""
    if name not in graph.relations:
        raise InputError(f"unknown relation {name}: the model has {', '.join(graph.relations) or 'none'}")
    return graph.relations.index(name)


def entity_columns(directory: Directory, relation: str, label: str) -> np.ndarray:
    """The entities of this label that connect items under the relation."""
    named = np.flatnonzero((directory.entities == label) & ~directory.nameless)
    columns = named[np.diff(directory.carriers(relation).tocsc().indptr)[named] > 0]
    if not len(columns):
        raise InputError(f"unknown entity {label}: no item is connected by it under {relation}")
    return columns


def entity_ends(directory: Directory, carried: sparse.csc_matrix, entity: int) -> np.ndarray:
    """`[I]` bool: items that carry the entity, and the item that it is."""
    ends = np.zeros(carried.shape[0], dtype=bool)
    ends[carried.indices[carried.indptr[entity] : carried.indptr[entity + 1]]] = True
    if directory.dataset.entity_item[entity] >= 0:
        ends[directory.dataset.entity_item[entity]] = True
    return ends


def _tied(
    directory: Directory, relation: str, columns: np.ndarray, i: np.ndarray, j: np.ndarray
) -> np.ndarray:
    """`[P]` bool: is the pair (i, j) connected by any of the entities?"""
    carried = directory.carriers(relation).tocsc()
    tied = np.zeros(len(i), dtype=bool)
    for entity in columns:
        ends = entity_ends(directory, carried, int(entity))
        tied |= ends[i] & ends[j]
    return tied


def _left(
    directory: Directory, relation: str, columns: np.ndarray, i: np.ndarray, j: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Strength `[P]` of the pairs without the entities, and how many connections are left `[P]`: counted,
    since the rounding of a sum of floats hides a zero.
    """
    carried = directory.carriers(relation)
    weight = idf(carried)
    weight[columns] = 0
    # An entity that every item carries has the idf 0 and connects nothing
    rest = (carried @ sparse.diags((weight > 0).astype(np.float32))).tocsr()
    rest.eliminate_zeros()
    shared = rest[i].multiply(rest[j]).tocsr()
    entity_item = directory.dataset.entity_item.copy()
    entity_item[columns] = -1
    linked = np.asarray(links(carried, entity_item)[i, j]).ravel() > 0
    return (np.asarray(shared @ weight).ravel() + linked).astype(np.float32), np.diff(shared.indptr) + linked
