"""The knowledge graph's triples (title, relation, entity): built from a catalogue's columns, or folded from
triples whose ends are ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dskreg.data.dataset import counted
from dskreg.data.readers.duplicate_relations import one_of_copies
from dskreg.data.readers.franchise import franchises
from dskreg.errors import InputError
from dskreg.text import last_part

LENGTHS = (
    (1, "1 episode"),
    (6, "2 to 6 episodes"),
    (14, "7 to 14 episodes"),
    (30, "15 to 30 episodes"),
    (100, "31 to 100 episodes"),
)
"""Classes of the number of episodes by their upper ends; beyond the last: more than 100 episodes."""


@dataclass(frozen=True)
class Triples:
    """The part of a `Dataset` that is the knowledge graph, field by field as there."""

    relations: tuple[str, ...]  # [R]
    head: np.ndarray  # [T] int32
    relation: np.ndarray  # [T] int16
    tail: np.ndarray  # [T] int32
    entities: np.ndarray  # [E] str
    entity_item: np.ndarray  # [E] int32
    notes: tuple[str, ...] = ()

    def fields(self) -> dict[str, Any]:
        """The `Dataset` fields of the knowledge graph, by name; the notes stay with the reader."""
        return {name: value for name, value in vars(self).items() if name != "notes"}


def triples_of_labels(labels: Mapping[str, Sequence[Iterable[str]]]) -> Triples:
    """One relation per key of `labels`, which gives for each item the labels that it carries ("" is none).

    The same label under two relations is two entities; a relation that no user carries is left out.
    """
    rows = [
        (name, item, label)
        for name, column in labels.items()
        for item, carried in enumerate(column)
        for label in dict.fromkeys(carried)
        if label
    ]
    frame = pd.DataFrame(rows, columns=["relation", "head", "label"])
    relation, relations = pd.factorize(frame["relation"])
    tail, entities = pd.factorize(pd.MultiIndex.from_frame(frame[["relation", "label"]]))
    # Text also where there is none: a table of objects without any has no type
    names = np.array([label for _, label in entities], dtype=object if len(entities) else str)
    head = frame["head"].to_numpy().astype(np.int32)
    return Triples(
        tuple(map(str, relations)),
        head,
        relation.astype(np.int16),
        tail.astype(np.int32),
        names,
        np.full(len(names), -1, np.int32),
    )


def relations_of_titles(items: pd.DataFrame) -> Triples:
    """genre, type, franchise (from the titles' stems) and length (class of the number of episodes), as far as
    `items` has the columns.

    Args:
        items: A catalogue with `title` and any of `genres` (joined by ", "), `type` and `episodes`; missing
            values carry no entity.
    """
    labels: dict[str, list[list[str]]] = {}
    if "genres" in items:
        labels["genre"] = [text.split(", ") for text in items["genres"].fillna("")]
    if "type" in items:
        labels["type"] = [[text] for text in items["type"].fillna("")]
    labels["franchise"] = [[name] for name in franchises(list(items["title"]))]
    if "episodes" in items:
        labels["length"] = [[length_class(count)] for count in items["episodes"].fillna(0)]
    return triples_of_labels(labels)


def length_class(episodes: int) -> str:
    """The class of a number of episodes; "" for an unknown one (0)."""
    if episodes < 1:
        return ""
    return next((name for most, name in LENGTHS if episodes <= most), f"more than {LENGTHS[-1][0]} episodes")


def fold_triples(
    triples: pd.DataFrame,
    item_of: pd.Series,
    titles: Sequence[str],
    relation_names: Mapping[object, str],
    entity_names: Mapping[object, str],
    file: str,
) -> Triples:
    """Bring triples between ids into the form (title, relation, entity).

    (title, r, entity) stays; (entity, r, title) becomes (title, "r (inverse)", entity); (title, r, title)
    stays, its tail an entity that is an item. Dropped, and counted in the notes: triples without an item,
    self loops and repetitions. Relations that tell the same become one (copies.py).

    Args:
        triples: `[T, 3]` columns head, relation, tail (ids of one kind for both ends).
        item_of: The item's position by entity id.
        items: `[I]` labels of the entities that are items.
        relation_names: Name by relation id; `relation ID` where it is missing. Of a whole URI, here and of
            entities, the last part.
        entity_names: Label by entity id; `entity ID` where it is missing.
        file: Where the triples are from, for the complaint.
    """
    relation_names = {id_: last_part(name) for id_, name in relation_names.items()}
    entity_names = {id_: last_part(name) for id_, name in entity_names.items()}
    titled = {end: triples[end].isin(item_of.index) for end in ("head", "tail")}
    unused, loop = ~titled["head"] & ~titled["tail"], triples["head"] == triples["tail"]
    given = triples[~unused & ~loop]
    once = given.drop_duplicates()
    repeated = len(given) - len(once)
    once, copies = one_of_copies(once, item_of.index, lambda id_: relation_names.get(id_, f"relation {id_}"))
    inverse = ~once["head"].isin(item_of.index)
    folded = pd.DataFrame(
        {
            "relation": once["relation"],
            "inverse": inverse,
            "head": once["head"].where(~inverse, once["tail"]).map(item_of),
        }
    )
    folded["entity"] = once["tail"].where(~inverse, once["head"])
    distinct = folded.sort_values(["relation", "inverse", "head", "entity"])
    relation, pairs = pd.factorize(pd.MultiIndex.from_frame(distinct[["relation", "inverse"]]))
    if len(pairs) > np.iinfo(np.int16).max:
        raise InputError(
            f"{file}: expected at most {np.iinfo(np.int16).max:,} relations (got {len(pairs):,})"
        )
    tails, ids = pd.factorize(distinct["entity"])
    entity_item = pd.Series(ids).map(item_of).fillna(-1).to_numpy().astype(np.int32)
    names = [
        titles[item] if item >= 0 else entity_names.get(id_, f"entity {id_}")
        for id_, item in zip(ids, entity_item, strict=True)
    ]
    counts = (
        (int(unused.sum()), "triple", "without an item at either end: not used"),
        (int((loop & ~unused).sum()), "triple", "from an item to itself: dropped"),
        (repeated, "triple", "repeated: dropped"),
    )
    return Triples(
        relations=_distinct_names(list(pairs), relation_names),
        head=distinct["head"].to_numpy().astype(np.int32),
        relation=relation.astype(np.int16),
        tail=tails.astype(np.int32),
        entities=np.array(names, dtype=object),
        entity_item=entity_item,
        notes=(*counted(*counts), *copies),
    )


def _distinct_names(pairs: Sequence[tuple[object, bool]], names: Mapping[object, str]) -> tuple[str, ...]:
    """A name for each (relation id, whether inverse); the id is added where two relations, or one and the
    co-liking that the graph adds, share their name.
    """
    found = [names.get(id_, f"relation {id_}") + (" (inverse)" if turned else "") for id_, turned in pairs]
    count = Counter(found)
    return tuple(
        name if count[name] == 1 else f"{name} [{id_}]" for name, (id_, _) in zip(found, pairs, strict=True)
    )
