"""One entity of the knowledge graph: which items carry it, and where it connects sampled neighbours.

A candidate (i, j, r) is connected by the entity e where r is the entity's relation and i and j both carry e,
or one carries it and the other is it. Noise is off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dskreg.errors import InputError
from dskreg.explain.edits import entity_columns, entity_ends
from dskreg.explain.explanation import via_words
from dskreg.serving.trained import TrainedModel


@dataclass(frozen=True)
class Entity:
    """What an entity connects."""

    relation: str
    name: str
    titles: pd.DataFrame
    """item_id, title, likes, candidates (of the item, through the entity), sampled (of these), sampled_by
    (items that sample this one through it); the most sampled first.
    """
    edges: pd.DataFrame
    """item_id, title, neighbour_id, neighbour, others (further entities that both share under the relation),
    share (probability that the neighbour is sampled first) of the sampled neighbours that it connects.
    """
    candidates: int  # pairs of an item and a candidate that it connects
    users: int  # users whose history holds at least one of the titles


def entity(core: TrainedModel, relation: str, name: str) -> Entity:
    """The entity of this label under this relation; InputError where no item is connected by it.

    Items that are left out of lists are left out here too.
    """
    graph, directory, drawn = core.graph, core.directory, core.drawn
    if relation not in graph.relations:
        raise InputError(f"unknown relation {relation}: the model has {', '.join(graph.relations) or 'none'}")
    carried = directory.carriers(relation).tocsc()
    columns = entity_columns(directory, relation, name)
    mine = np.zeros(graph.neighbour.shape, dtype=bool)
    all_ends = np.zeros(len(core.items), dtype=bool)
    under = (graph.relation == graph.relations.index(relation)) & (graph.neighbour >= 0)
    for column in columns:
        ends = entity_ends(directory, carried, int(column)) & ~core.kept_out
        rows = np.flatnonzero(ends)
        mine[rows] |= under[rows] & ends[graph.neighbour[rows]]
        all_ends |= ends
    picked = np.zeros_like(mine)
    np.put_along_axis(picked, drawn.slot.numpy(), drawn.picked.numpy(), axis=1)
    item, slot = np.nonzero(mine & picked)
    other, count = graph.neighbour[item, slot], len(core.items)
    shown = np.flatnonzero(all_ends)
    sampled, sampled_by = (np.bincount(places, minlength=count)[shown] for places in (item, other))
    titles = core.rows(shown)[["item_id", "title", "likes"]].assign(
        candidates=mine[shown].sum(1), sampled=sampled, sampled_by=sampled_by
    )
    order = np.lexsort((-titles["likes"], -sampled, -sampled_by))
    edges = pd.DataFrame(
        {
            "item_id": core.rows(item)["item_id"],
            "title": directory.titles[item],
            "neighbour_id": core.rows(other)["item_id"],
            "neighbour": directory.titles[other],
            "others": _others(core, relation, name, item, other),
            "share": core.share[item, slot].astype(np.float64),
        }
    )
    return Entity(
        relation,
        name,
        titles.iloc[order].reset_index(drop=True),
        edges.sort_values("share", ascending=False, kind="stable", ignore_index=True),
        int(mine.sum()),
        int((np.asarray(directory.history[:, shown].sum(1)).ravel() > 0).sum()),
    )


def _others(core: TrainedModel, relation: str, name: str, item: np.ndarray, other: np.ndarray) -> list[int]:
    """How many further entities each pair shares under the relation."""
    number, found = core.graph.relations.index(relation), np.zeros(len(item), dtype=np.int64)
    for i in np.unique(item):
        rows = np.flatnonzero(item == i)
        words = via_words(core.directory, core.graph, int(i), other[rows], np.full(len(rows), number))
        found[rows] = [sum(word != name for word in shared) for shared in words]
    return [int(n) for n in found]
