"""The data as every reader delivers it: items, users, what they saw and liked, and the knowledge graph's
triples.

Positions (0-based, dense) stand for ids everywhere below the readers; ids come back only at the explorer.
Torch-free.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dskreg.errors import InputError

UNASSIGNED, TRAIN, VALIDATION, TEST, OUTSIDE, SEEN = -1, 0, 1, 2, 3, 4
"""Folds of an interaction.

OUTSIDE: liked, but outside the core that trains and tests. SEEN: seen, not liked.
"""

KNOWN = (TRAIN, VALIDATION, OUTSIDE)
"""The folds of a user's history when the model is served."""

CO_LIKED = "co-liked"


def counted(*counts: tuple[int, str]) -> list[str]:
    """A note for each count above zero."""
    return [f"{count:,} {what}" for count, what in counts if count]


@dataclass(frozen=True)
class Dataset:
    """What a reader found.

    `items` has one row per item with at least `item_id` and `title`; further columns (`type`, `genres`
    joined by ", ", `year`, ...) are shown where they exist. An interaction is `user[n]`, `item[n]`
    (positions), `liked[n]`, and `fold[n]`: UNASSIGNED until `split` assigns it, except where the data bring
    their own test split. A triple says that item `head[t]` carries entity `tail[t]` under relation
    `relation[t]`; `entity_item[e]` is the position of the item that entity `e` is, or -1.
    """

    name: str
    format: str  # kaggle, text, recbole or demo
    items: pd.DataFrame  # [I]
    user_ids: np.ndarray  # [U], int64 or str
    user: np.ndarray  # [N] int32
    item: np.ndarray  # [N] int32
    liked: np.ndarray  # [N] bool
    fold: np.ndarray  # [N] int8
    relations: tuple[str, ...]  # [R] names of the knowledge graph's relations
    head: np.ndarray  # [T] int32, positions of items
    relation: np.ndarray  # [T] int16
    tail: np.ndarray  # [T] int32, positions of entities
    entities: np.ndarray  # [E] str labels
    entity_item: np.ndarray  # [E] int32
    notes: tuple[str, ...] = ()  # what was dropped or mended, with counts
    numbered: bool = False  # positions follow the data's own numbers, never the order of the rows

    def __post_init__(self) -> None:
        items, users, entities = len(self.items), len(self.user_ids), len(self.entities)
        assert {"item_id", "title"} <= set(self.items.columns)
        assert len(self.user) == len(self.item) == len(self.liked) == len(self.fold)
        assert len(self.head) == len(self.relation) == len(self.tail) and len(self.entity_item) == entities
        if not items:
            raise InputError(f"{self.name}: expected at least one title, found none")
        relations = len(self.relations)
        for name, bound in (
            ("user", users),
            ("item", items),
            ("head", items),
            ("tail", entities),
            ("relation", relations),
        ):
            values = getattr(self, name)
            assert not len(values) or (values.min() >= 0 and values.max() < bound), name

    @property
    def shape(self) -> tuple[int, int]:
        """(users, items)."""
        return len(self.user_ids), len(self.items)
