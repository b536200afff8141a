"""Two worlds small enough to check by hand.

The hand-drawn one: items A to E, users 0 to 2, the entities Mecha, Space, Cooking and "E the item", the
relations genre and sequel.

    A - Mecha, Space      D - Cooking            train: 0: A B      1: A B D    2: D
    B - Mecha, Space      D - sequel - E         validation: 0: C   test: 1: E
    C - Space             outside the core: 2: C                   seen, not liked: 2: E

The checkerboard: users and items are even or odd, each user likes the items of the own parity, and the last
of them is held out.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from dskreg.config import GraphConfig
from dskreg.data.dataset import OUTSIDE, SEEN, TEST, TRAIN, VALIDATION, Dataset
from dskreg.graph.candidates import CandidateGraph, build

A, B, C, D, E = range(5)
GENRE, SEQUEL = 0, 1
EVERYTHING = GraphConfig(candidates=50, min_items=1, max_share=1.0)
"""Keeps whatever connects two items, however small the world."""


def world(
    interactions: list[tuple[int, int, int]],
    items: int,
    users: int,
    triples: list[tuple[int, int, int]],
    relations: tuple[str, ...],
    entities: list[str],
    entity_item: list[int],
) -> Dataset:
    """Interactions are (user, title, fold), triples (title, relation, entity)."""
    user, item, fold = np.array(interactions, dtype=np.int64).reshape(-1, 3).T
    head, relation, tail = np.array(triples, dtype=np.int64).reshape(-1, 3).T
    return Dataset(
        name="world",
        format="text",
        items=pd.DataFrame(
            {"item_id": np.arange(items) + 100, "title": [chr(ord("A") + n) for n in range(items)]}
        ),
        user_ids=np.arange(users) + 500,
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        liked=fold != SEEN,
        fold=fold.astype(np.int8),
        relations=relations,
        head=head.astype(np.int32),
        relation=relation.astype(np.int16),
        tail=tail.astype(np.int32),
        entities=np.array(entities, dtype=object),
        entity_item=np.array(entity_item, dtype=np.int32),
    )


def hand_drawn() -> Dataset:
    train = [(0, A), (0, B), (1, A), (1, B), (1, D), (2, D)]
    other = [(0, C, VALIDATION), (1, E, TEST), (2, C, OUTSIDE), (2, E, SEEN)]
    triples = [
        (A, GENRE, 0),
        (A, GENRE, 1),
        (B, GENRE, 0),
        (B, GENRE, 1),
        (C, GENRE, 1),
        (D, GENRE, 2),
        (D, SEQUEL, 3),
    ]
    return world(
        [(u, i, TRAIN) for u, i in train] + other,
        5,
        3,
        triples,
        ("genre", "sequel"),
        ["Mecha", "Space", "Cooking", "E the title"],
        [-1, -1, -1, E],
    )


def checkerboard(users: int = 40, items: int = 40) -> Dataset:
    """Every item is held out equally often, so that popularity knows nothing.

    Relations: parity, and a shelf that says nothing.
    """
    pairs = [
        (u, i, VALIDATION if i // 2 == u // 2 % (items // 2) else TRAIN)
        for u in range(users)
        for i in range(items)
        if (u + i) % 2 == 0
    ]
    triples = [(i, 0, i % 2) for i in range(items)] + [(i, 1, 2 + i // 8) for i in range(items)]
    entities = ["even", "odd", *(f"shelf {n}" for n in range((items + 7) // 8))]
    return world(pairs, items, users, triples, ("parity", "shelf"), entities, [-1] * len(entities))


def hand_drawn_graph() -> CandidateGraph:
    return build(hand_drawn(), EVERYTHING)


def blobs(count: int = 90, width: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points around three directions, and which."""
    rng = np.random.default_rng(seed)
    group = np.arange(count) % 3
    return (np.eye(3, width)[group] * 3 + rng.normal(size=(count, width)) * 0.3).astype(np.float32), group
