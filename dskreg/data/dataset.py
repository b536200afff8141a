"""The data as every reader delivers it: items, users, what they saw and liked, and the knowledge graph's
triples.

Positions (0-based, dense) stand for ids everywhere below the readers; ids come back only at the explorer.
Torch-free.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse

from dskreg.errors import InputError
from dskreg.text import many

UNASSIGNED, TRAIN, VALIDATION, TEST, OUTSIDE, SEEN = -1, 0, 1, 2, 3, 4
"""Folds of an interaction.

OUTSIDE: liked, but outside the core that trains and tests. SEEN: seen, not liked.
"""

KNOWN = (TRAIN, VALIDATION, OUTSIDE)
"""The folds of a user's history when the model is served."""


def counted(*counts: tuple[int, str, str]) -> list[str]:
    """A note for each (count, noun, what about them) with a count above zero: `2 rows of a.csv: dropped`."""
    return [f"{many(count, noun)} {what}" for count, noun, what in counts if count]


@dataclass(frozen=True)
class Folds:
    """The interactions of a split data set as 0/1 matrices `[U, I]`, each built once, on first use.

    They are shared: do not write to them.
    """

    shape: tuple[int, int]
    user: np.ndarray
    item: np.ndarray
    liked: np.ndarray
    fold: np.ndarray

    @cached_property
    def train(self) -> sparse.csr_matrix:
        """The training likes."""
        return self.likes(TRAIN)

    @cached_property
    def shown(self) -> sparse.csr_matrix:
        """The histories at validation: training likes and those outside the core."""
        return self.likes(TRAIN, OUTSIDE)

    @cached_property
    def validation(self) -> sparse.csr_matrix:
        """The validation likes."""
        return self.likes(VALIDATION)

    @cached_property
    def known(self) -> sparse.csr_matrix:
        """The histories when serving and at the test: all likes but the test likes."""
        return self.likes(*KNOWN)

    @cached_property
    def test(self) -> sparse.csr_matrix:
        """The test likes."""
        return self.likes(TEST)

    @cached_property
    def seen(self) -> sparse.csr_matrix:
        """What was seen and not liked."""
        return self._pairs(self.fold == SEEN)

    def likes(self, *folds: int) -> sparse.csr_matrix:
        """The likes of the given folds, built anew."""
        return self._pairs(np.isin(self.fold, folds) & self.liked)

    def _pairs(self, chosen: np.ndarray) -> sparse.csr_matrix:
        ones = np.ones(int(chosen.sum()), dtype=np.float32)
        return sparse.csr_matrix((ones, (self.user[chosen], self.item[chosen])), shape=self.shape)


@dataclass(frozen=True)
class Dataset:
    """What a reader found.

    `items` has one row per item with at least `item_id` and `title`; further columns (`type`, `genres` joined
    by ", ", `year`, `image` with an address, ...) are shown where they exist. An interaction is `user[n]`,
    `item[n]` (positions), `liked[n]`, and `fold[n]`: UNASSIGNED until `split` assigns it, except where the
    data bring their own test split, or training, validation and test. A triple says that item `head[t]`
    carries entity `tail[t]` under relation `relation[t]`; `entity_item[e]` is the position of the item that
    entity `e` is, or -1.
    """

    name: str
    format: str  # kaggle, text, recbole, tables or demo
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
    # [N] float64, seconds since 1970, NaN where unknown; None without timestamps, and once it is split
    time: np.ndarray | None = None

    def __post_init__(self) -> None:
        items, users, entities = len(self.items), len(self.user_ids), len(self.entities)
        assert {"item_id", "title"} <= set(self.items.columns)
        assert len(self.user) == len(self.item) == len(self.liked) == len(self.fold)
        assert self.time is None or len(self.time) == len(self.user)
        assert len(self.head) == len(self.relation) == len(self.tail) and len(self.entity_item) == entities
        if not items:
            raise InputError(f"{self.name}: expected at least one item, found none")
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

    @cached_property
    def folds(self) -> Folds:
        """Its interactions as matrices, by fold."""
        return Folds(self.shape, self.user, self.item, self.liked, self.fold)
