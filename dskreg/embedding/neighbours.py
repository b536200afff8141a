"""Who lies near whom: exact neighbours in the original space, and how many of them a map in two dimensions
keeps.

Near means cosine unless Euclidean distance is asked for. Neighbours are exact: approximate search saves
little at these sizes and would need its own seed. A vector without length has the cosine 0 with everything.

With r(i, j) = 1 + the number of points nearer to i than j in the original space, and V_i the k nearest of i
on the map (van der Maaten & Hinton, JMLR 2008; Venna & Kaski, 2001), over m anchors i of n points:

    trustworthiness        = 1 - 2 / (m k (2n - 3k - 1)) sum_i sum_{j in V_i} max(0, r(i, j) - k)
    neighbour preservation = mean of [r(i, j) <= k]
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from dskreg.errors import InputError
from dskreg.evaluation.metrics import top_items

Metric = Literal["cosine", "euclidean"]
NEIGHBOURS = 15  # k of the quality figures
CELLS = 8_000_000  # similarities held at a time
_HAIR = 1e-9  # distances closer than this are equal: rounding must not tell duplicates apart


def checked(vectors: np.ndarray) -> np.ndarray:
    """The matrix as float32; InputError where it is none, or holds NaN or infinity."""
    vectors = np.asarray(vectors)
    if vectors.ndim != 2:
        raise InputError(f"vectors: expected a matrix of one row per point (got the shape {vectors.shape})")
    broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(broken):
        raise InputError(
            f"vectors: expected finite numbers, found NaN or infinity in {len(broken)} rows (the first is "
            f"row {broken[0]})"
        )
    return vectors.astype(np.float32)


def units(vectors: np.ndarray) -> np.ndarray:
    """Rows divided by their length; rows without length stay zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)


def neighbours_for(count: int) -> int:
    """The k of the quality figures for `count` points: trustworthiness is defined below half of them."""
    return max(0, min(NEIGHBOURS, (count - 1) // 2))


def closeness(
    vectors: np.ndarray, anchor: np.ndarray, metric: Metric = "cosine", lengths: np.ndarray | None = None
) -> np.ndarray:
    """`[N]` float32, larger is nearer to `anchor` `[D]`: the cosine, or minus the Euclidean distance;
    `lengths` `[N]` of the vectors, where they are known.
    """
    if metric == "cosine":
        lengths = np.linalg.norm(vectors, axis=1) if lengths is None else lengths
        product = (vectors @ units(anchor[None])[0]).astype(np.float32)
        return np.divide(product, lengths, out=np.zeros_like(product), where=lengths > 0)
    return -np.linalg.norm(vectors - anchor, axis=1).astype(np.float32)


def nearest_of(close: np.ndarray, k: int, left_out: np.ndarray | None = None) -> np.ndarray:
    """Positions of the k largest of `close` `[N]`, the nearest first, equal ones by lower position;
    `left_out` `[N]` bool never appears.
    """
    allowed = np.arange(len(close)) if left_out is None else np.flatnonzero(~left_out)
    return allowed[top_items(close[None, allowed], None, max(0, min(k, len(allowed))))[0]]


def ranks_of(close: np.ndarray, found: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """`[k]`: 1 + how many others are nearer than each of the positions `found`, by `close` `[N]`; those
    `left_out` `[N]` do not count.
    """
    others = np.sort(close[~left_out])
    return 1 + len(others) - np.searchsorted(others, close[found], side="right")


def nearest(
    vectors: np.ndarray, index: int, k: int, metric: Metric = "cosine"
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest of point `index` in the original space, without itself: (positions `[k]`, closeness `[k]`
    float32), nearest first.

    Equally near ones come by lower position; fewer than k + 1 points give fewer neighbours.

    Raises:
        InputError: there is no such point, or a vector holds NaN or infinity.
    """
    vectors = checked(vectors)
    if not 0 <= index < len(vectors):
        raise InputError(f"point {index}: expected a position from 0 to {len(vectors) - 1}")
    close = closeness(vectors, vectors[index], metric)
    found = nearest_of(close, k, np.arange(len(vectors)) == index)
    return found, close[found]


def all_nearest(unit: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(positions, distances sqrt(2 - 2 cos)) `[N, k]` of every point's nearest others; `unit` `[N, D]` rows
    of length 1 or 0.
    """
    found, near = [], []
    for chunk in chunks(len(unit), len(unit)):
        similarity = unit[chunk] @ unit.T
        rows = np.arange(len(similarity))
        similarity[rows, rows + chunk.start] = -np.inf
        best = top_items(similarity, None, k)
        found.append(best)
        near.append(np.take_along_axis(similarity, best, axis=1))
    if not found:
        return np.zeros((0, k), dtype=np.int64), np.zeros((0, k))
    return np.concatenate(found), np.sqrt(np.maximum(0, 2 - 2 * np.concatenate(near).astype(np.float64)))


def kept(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """`[N]` float32: the share of each point's neighbours `before` `[N, k]` that are also among those `after`
    `[N, k]`; 1 where k = 0.
    """
    if not before.shape[1]:
        return np.ones(len(before), dtype=np.float32)
    return (before[:, :, None] == after[:, None, :]).any(axis=2).mean(axis=1).astype(np.float32)


def quality(
    vectors: np.ndarray, xy: np.ndarray, k: int, sample: int, seed: int
) -> tuple[float | None, float | None]:
    """(trustworthiness, share of the k nearest neighbours preserved), exact for a seeded sample of anchors
    against all points.

    Points equally far away share the better rank: any of several duplicates is as true a neighbour as the
    other. A point without length is as far from all, so it is no anchor: it would only flatter the map.
    Without ties and with every point as an anchor it is scikit-learn's figure. With k = 0 (fewer than three
    points) or no anchor there is nothing to measure: both are None.

    Raises:
        InputError: k is not below half the number of points, or a vector holds NaN or infinity.
    """
    vectors, count = checked(vectors), len(vectors)
    if not 0 <= k < max(count / 2, 1):
        raise InputError(f"neighbours k: expected less than half of the {count} points (got {k})")
    unit, points = units(vectors.astype(np.float64)), xy.astype(np.float64)
    anchors = np.random.default_rng(seed).permutation(np.flatnonzero(unit.any(axis=1)))[:sample]
    if not k or not len(anchors):
        return None, None
    excess, preserved = 0, 0
    for chunk in chunks(len(anchors), count):
        who = anchors[chunk]
        mapped = -((points[who, None, :] - points[None, :, :]) ** 2).sum(axis=2)
        mapped[np.arange(len(who)), who] = -np.inf
        true = unit[who] @ unit.T
        true[np.arange(len(who)), who] = -np.inf
        ranks = _ranks(true, top_items(mapped, None, k))
        excess += int(np.maximum(0, ranks - k).sum())
        preserved += int((ranks <= k).sum())
    return 1 - 2 * excess / (len(anchors) * k * (2 * count - 3 * k - 1)), preserved / (len(anchors) * k)


def chunks(rows: int, columns: int) -> Iterator[slice]:
    """Slices of `rows` that keep a chunk against all columns within CELLS."""
    step = max(1, CELLS // max(columns, 1))
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def _ranks(similarity: np.ndarray, picked: np.ndarray) -> np.ndarray:
    """`[C, k]`: 1 + how many of the row are more similar than each picked column."""
    ordered = np.sort(similarity, axis=1)
    wanted = np.take_along_axis(similarity, picked, axis=1) + _HAIR
    above = [np.searchsorted(row, values, side="right") for row, values in zip(ordered, wanted, strict=True)]
    return 1 + similarity.shape[1] - np.array(above)
