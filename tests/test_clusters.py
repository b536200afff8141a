"""Clusters and their labels: planted groups are found, and every call gives the same result."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dskreg.embedding.clusters import NOWHERE, clusters, label, middles
from tests.worlds import blobs


def test_planted_groups_are_found_and_numbered_by_size() -> None:
    vectors, group = blobs(90)
    keep = np.r_[np.flatnonzero(group == 0), np.flatnonzero(group == 1)[:20], np.flatnonzero(group == 2)[:10]]
    found = clusters(vectors[keep], most=3, seed=0)
    assert found.tolist() == group[keep].tolist()
    assert found.dtype == np.int32


def test_clusters_depend_on_the_seed_and_directions_but_not_on_lengths() -> None:
    vectors = np.random.default_rng(0).normal(size=(300, 8))
    first = clusters(vectors, 12, 3)
    assert np.array_equal(first, clusters(vectors, 12, 3))
    assert np.array_equal(
        first, clusters(vectors * np.random.default_rng(1).integers(1, 9, size=(300, 1)), 12, 3)
    )
    assert len(np.unique(first)) == 12 and (np.diff(np.bincount(first)) <= 0).all()


def test_every_point_is_in_the_cluster_of_the_nearest_mean_direction() -> None:
    vectors = np.random.default_rng(0).normal(size=(200, 6))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found = clusters(vectors, 8, 0)
    centres = np.stack([unit[found == c].sum(0) for c in range(8)])
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    assert ((unit @ centres.T).argmax(1) == found).all()


@pytest.mark.parametrize(
    "vectors",
    [np.zeros((0, 3)), np.zeros((5, 3)), np.ones((50, 3)), np.eye(3)],
    ids=["none", "zeros", "one direction", "three"],
)
def test_degenerate_points_get_a_cluster_or_none(vectors: np.ndarray) -> None:
    found = clusters(vectors, 20, 0)
    assert (
        len(found) == len(vectors)
        and ((found >= 0) == vectors.any(axis=1)).all()
        and (found >= NOWHERE).all()
    )
    label(found, np.ones((len(vectors), 1)), ["a"])
    middles(found, np.zeros((len(vectors), 2)))


def test_a_label_needs_support_and_lift() -> None:
    cluster = np.repeat([0, 1, NOWHERE], [20, 10, 5])
    carried = np.zeros((35, 4))
    carried[:, 0] = 1  # all points: not specific
    carried[:2, 1] = 1  # two of twenty: too few
    carried[20:30, 2] = 1  # all of cluster 1 and no other
    carried[20:26, 3] = 1
    carried[:6, 3] = 1  # 6 of 10 against 6 of 20
    table = label(cluster, carried, ["all", "rare", "own", "half"])
    assert table["label"].tolist() == ["", "own, half"]
    assert table["lift"].tolist() == [1.0, pytest.approx(3.0)]  # 1 / (10 / 30)
    assert table["size"].tolist() == [20, 10]
    assert isinstance(table, pd.DataFrame)


def test_the_middle_of_a_cluster_is_in_its_densest_part_and_not_between_two() -> None:
    rng = np.random.default_rng(0)
    xy = np.concatenate([rng.normal(size=(40, 2)) * 0.1, rng.normal(size=(10, 2)) * 0.1 + 100])
    (at,) = middles(np.zeros(50, dtype=int), xy)
    assert np.linalg.norm(at) < 1 and (xy == at).all(axis=1).any()
