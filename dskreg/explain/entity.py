"""One entity or relation of the knowledge graph: what it connects, and where neighbours are sampled by it.

A candidate (i, j, r) is connected by the entity e where r is the entity's relation and i and j both carry e,
or one carries it and the other is it. Noise is off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from dskreg.evaluation.ranking import ranks, require_length
from dskreg.explain.edits import all_entities, entity_columns, entity_ends, relation_number
from dskreg.explain.explanation import via_words
from dskreg.serving.directory import Profile
from dskreg.serving.trained import TrainedModel

EXAMPLES = 8  # pairs at each end


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
    number = relation_number(graph, relation)
    carried = directory.carriers(relation).tocsc()
    columns = entity_columns(directory, relation, name)
    mine = np.zeros(graph.neighbour.shape, dtype=bool)
    all_ends = np.zeros(len(core.items), dtype=bool)
    under = (graph.relation == number) & (graph.neighbour >= 0)
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


@dataclass(frozen=True)
class Relation:
    """One relation: what it connects, and what it adds to one user's scores."""

    name: str
    entities: pd.DataFrame  # entity, titles (that carry it); those that most items carry first
    sampled: int  # pairs of an item that can be recommended and a neighbour sampled under the relation
    below: int  # of these, those that lower the score
    share: float | None  # of what all sampled neighbours add to the user's top; None where that is 0 or less
    best: pd.DataFrame
    """item_id, title, neighbour_id, neighbour, via (the entities that both share), share (probability that
    the neighbour is sampled first), contribution of the sampled pairs that add most to the user's scores.
    """
    worst: pd.DataFrame  # the same of those that add least, the least first


@torch.no_grad()
def relation(core: TrainedModel, profile: Profile, name: str, top: int) -> Relation:
    """The relation of this name for one user and the `top` recommendations; InputError for an unknown one.

    Noise is off. Items that the user cannot be recommended are left out.
    """
    graph, directory = core.graph, core.directory
    require_length(top)
    number, shown = relation_number(graph, name), ~core.hidden(profile)
    hop = core.user_hop(*core.history(profile))
    hops = core.model.item_hop(hop.output, core.all_items, core.drawn)
    slot, picked = core.drawn.slot.numpy(), core.drawn.picked.numpy() & shown[:, None]
    neighbour, kind = (np.take_along_axis(table, slot, 1) for table in (graph.neighbour, graph.relation))
    added = np.where(picked, hops.contribution[..., 0].numpy(), 0.0)
    listed = shown & (ranks(core.order(profile, core.scores(profile)), shown) <= top)
    whole, mine = float(added[listed].sum()), float(added[listed][kind[listed] == number].sum())
    item, place = np.nonzero(picked & (kind == number) & ~core.kept_out[np.maximum(neighbour, 0)])
    other, value = neighbour[item, place], added[item, place]
    order = np.argsort(-value, kind="stable")
    ends = order[:EXAMPLES], order[::-1][: min(EXAMPLES, max(0, len(order) - EXAMPLES))]

    def examples(rows: np.ndarray) -> pd.DataFrame:
        i, j = item[rows], other[rows]
        via = [
            via_words(directory, graph, int(a), np.array([b]), np.array([number]))[0]
            for a, b in zip(i, j, strict=True)
        ]
        return pd.DataFrame(
            {
                "item_id": core.rows(i)["item_id"],
                "title": directory.titles[i],
                "neighbour_id": core.rows(j)["item_id"],
                "neighbour": directory.titles[j],
                "via": via,
                "share": core.share[i, slot[i, place[rows]]].astype(np.float64),
                "contribution": value[rows],
            }
        )

    entities = all_entities(graph, directory)
    return Relation(
        name,
        entities[entities["relation"] == name][["entity", "titles"]].reset_index(drop=True),
        len(item),
        int((value < 0).sum()),
        mine / whole if whole > 0 else None,
        *map(examples, ends),
    )
