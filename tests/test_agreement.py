"""What sharing an entity says about taste, derived pair by pair."""

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy import sparse

from dskreg.config import GraphConfig
from dskreg.graph import agreement
from dskreg.graph.agreement import LEAST, PRIOR, directions, entity_weights
from dskreg.graph.candidates import build
from dskreg.graph.entities import idf
from tests.small import random_world


def tastes(items: int = 30) -> np.ndarray:
    found = np.random.default_rng(0).normal(size=(items, 4)) + 0.5
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    found[-3:] = 0  # nobody has liked them
    return found


def test_the_weight_of_an_entity_is_how_alike_the_pairs_are_that_share_it() -> None:
    taste, rng = tastes(), np.random.default_rng(1)
    carried = (rng.random((30, 6)) < 0.3).astype(np.float32)
    carried[:, :4] = taste > 0.6  # of one taste each
    known = range(27)
    cosine = {(i, j): float(taste[i] @ taste[j]) for i, j in combinations(known, 2)}
    sharing = [[cosine[i, j] for i, j in cosine if carried[i, e] and carried[j, e]] for e in range(6)]
    every, mean = np.mean([*cosine.values()]), np.mean([c for of_one in sharing for c in of_one])
    found = entity_weights(sparse.csr_matrix(carried), taste)
    for e, of_one in enumerate(sharing):
        excess = (sum(of_one) + PRIOR * mean) / (len(of_one) + PRIOR) - every
        rarity = math.log(30 / carried[:, e].sum()) / math.log(30)
        assert found[e] == pytest.approx(rarity * max(excess / (mean - every), LEAST) ** 0.5, rel=1e-5)
    assert found[:4].min() > found[4:].max()


def test_an_entity_that_says_nothing_keeps_its_idf() -> None:
    carried = sparse.csr_matrix(np.eye(30, 5, dtype=np.float32))  # no pair shares any
    assert np.array_equal(entity_weights(carried, tastes()), idf(carried))
    nobody = np.zeros((30, 4))
    assert np.array_equal(entity_weights(sparse.csr_matrix(np.ones((30, 2), np.float32)), nobody), [0, 0])


def test_directions_are_rows_of_the_leading_right_singular_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement, "DIRECTIONS", 3)
    likes = (np.random.default_rng(0).random((40, 12)) < 0.3).astype(np.float64)
    likes[:, 5] = 0
    weighed = likes / np.maximum(likes.sum(1), 1)[:, None] ** 0.25 / np.maximum(likes.sum(0), 1) ** 0.25
    right = np.linalg.svd(weighed)[2][:3].T
    expected = right / np.maximum(np.linalg.norm(right, axis=1, keepdims=True), 1e-12)
    found = directions(sparse.csr_matrix(likes), 0)
    expected[5] = 0
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-6)


def test_the_table_is_built_with_these_weights_and_keeps_them() -> None:
    data = random_world(3)
    config = GraphConfig(candidates=50, min_items=1, max_share=1.0)
    graph, plain = build(data, config), build(data, replace(config, entity_weight="idf"))
    assert graph.weights.shape == (len(graph.relations), len(data.entities)) and (graph.weights >= 0).all()
    assert not np.allclose(graph.weights, plain.weights)
    for i, slot in np.argwhere(graph.neighbour >= 0)[::7]:
        for q, name in enumerate(graph.relations):
            r = data.relations.index(name)
            own, other = (
                set(data.tail[(data.head == item) & (data.relation == r)].tolist())
                for item in (i, graph.neighbour[i, slot])
            )
            linked = any(data.entity_item[e] == graph.neighbour[i, slot] for e in own)
            linked |= any(data.entity_item[e] == i for e in other)
            expected = sum(graph.weights[q, e] for e in own & other) + linked
            assert graph.strengths[i, slot, q] == pytest.approx(expected, abs=1e-5)
