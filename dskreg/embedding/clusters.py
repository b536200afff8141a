"""Regions of a map: clusters found in the original space, and what is over-represented in each.

k-means on unit vectors, so that near means cosine (spherical k-means, Dhillon & Modha 2001), begun at points
chosen one after the other with a probability that grows with their distance from those already chosen
(k-means++, Arthur & Vassilvitskii 2007).

    lift of a word in a cluster = its share of the cluster's points / its share of all points
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dskreg.embedding.neighbours import units

ROUNDS = 100  # of assigning and averaging, at most
# a word that labels a cluster is carried by so large a share of its points, and by so many
SUPPORT, LEAST = 0.3, 4
LIFT = 1.3  # and is so much more frequent there than anywhere
WORDS = 2  # of a label, at most
MOST = 500  # points of a cluster that its middle is sought among
NOWHERE = -1
"""The cluster of a point whose vector has no length."""


def clusters(vectors: np.ndarray, most: int, seed: int) -> np.ndarray:
    """The cluster of every point, `[N]` int32, 0 the largest; NOWHERE for vectors `[N, D]` without length.

    There are at most `most` clusters, and fewer on small data: sqrt(N / 2).
    """
    unit = units(np.asarray(vectors, dtype=np.float64))
    somewhere = np.flatnonzero(unit.any(axis=1))
    points = unit[somewhere]
    count = max(1, min(most, int(np.sqrt(len(points) / 2))))
    found = np.full(len(unit), NOWHERE, dtype=np.int32)
    if not len(points):
        return found
    centres = _seeds(points, count, np.random.default_rng(seed))
    member = (points @ centres.T).argmax(axis=1)
    for _ in range(ROUNDS):
        sums = np.zeros_like(centres)
        np.add.at(sums, member, points)
        centres = np.where(sums.any(axis=1, keepdims=True), units(sums), centres)
        again = (points @ centres.T).argmax(axis=1)
        if (again == member).all():
            break
        member = again
    sizes = np.bincount(member, minlength=count)
    rank = np.empty(count, dtype=np.int32)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(count)
    found[somewhere] = rank[member]
    return found


def _seeds(points: np.ndarray, count: int, chance: np.random.Generator) -> np.ndarray:
    """`[count, D]`: the first centres, fewer distinct ones where the points do not have as many
    directions.
    """
    chosen = [int(chance.integers(len(points)))]
    far = np.full(len(points), np.inf)
    for _ in range(count - 1):
        far = np.minimum(far, np.maximum(0, 1 - points @ points[chosen[-1]]))
        total = far.sum()
        chosen.append(
            int(np.searchsorted(far.cumsum(), chance.random() * total, side="right").clip(0, len(points) - 1))
            if total > 0
            else chosen[0]
        )
    return points[chosen]


def label(cluster: np.ndarray, carried: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """cluster, label, lift, size of every cluster: the words over-represented in it, the strongest first.

    Args:
        cluster: `[N]`, numbers from 0; points below 0 belong to none.
        carried: 0/1 `[N, W]`, which point carries which word.
        names: the words.

    Returns:
        One row per cluster; an empty label where no word is frequent there and rarer elsewhere, with the lift
        1.
    """
    rows = []
    everywhere = carried[cluster >= 0].mean(axis=0) if (cluster >= 0).any() else np.zeros(len(names))
    for number in range(int(cluster.max(initial=-1)) + 1):
        mine = carried[cluster == number]
        share = mine.mean(axis=0) if len(mine) else np.zeros(len(names))
        lift = np.divide(share, everywhere, out=np.zeros(len(names)), where=everywhere > 0)
        frequent = (share >= SUPPORT) & (mine.sum(axis=0) >= LEAST) & (lift >= LIFT)
        best = [w for w in np.argsort(-lift, kind="stable") if frequent[w]][:WORDS]
        rows.append(
            (number, ", ".join(names[w] for w in best), float(lift[best[0]]) if best else 1.0, len(mine))
        )
    return pd.DataFrame(rows, columns=["cluster", "label", "lift", "size"])


def middles(cluster: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """`[C, 2]`: for every cluster the place of one of its points, in the middle of its densest part on the
    map `xy` `[N, 2]`.

    A cluster may lie in several pieces on a map; its mean would then fall between them.
    """
    places = []
    for number in range(int(cluster.max(initial=-1)) + 1):
        mine = xy[cluster == number].astype(np.float64)
        if not len(mine):
            places.append(np.full(2, np.nan))
            continue
        mine = mine[:: -(-len(mine) // MOST)]
        apart = ((mine[:, None] - mine[None]) ** 2).sum(axis=2)
        half = len(mine) // 2
        places.append(mine[np.partition(apart, half, axis=1)[:, half].argmin()])
    return np.array(places).reshape(-1, 2)
