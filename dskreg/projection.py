"""Maps: t-SNE in two dimensions, how far to trust them, and the true neighbours to hold against them.

Near means cosine throughout: the map is made from the distances sqrt(2 - 2 cos) of unit vectors, whose order is that of 1 - cos.
A vector without length has the cosine 0 with everything. Neighbours are exact: approximate search saves little at these sizes and would need its own seed.

With r(i, j) = 1 + the number of points nearer to i than j in the original space, and V_i the k nearest of i on the map (van der Maaten & Hinton, JMLR 2008;
Venna & Kaski, 2001), over m anchors i of n points:

    trustworthiness = 1 - 2 / (m k (2n - 3k - 1)) sum_i sum_{j in V_i} max(0, r(i, j) - k)          neighbour preservation = mean of [r(i, j) <= k]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dskreg.config import ProjectionConfig
from dskreg.errors import InputError
from dskreg.metrics import top_items

NEIGHBOURS = 15  # k of the quality figures
EXAGGERATION_ITERATIONS = 250  # before the configured ones
CELLS = 8_000_000  # similarities held at a time
FEWEST = 4  # points for t-SNE; fewer stand on a circle
JITTER = 0.01  # of the start's spread: points that coincide would never part
_HAIR = 1e-9  # distances closer than this are equal: rounding must not tell duplicates apart


@dataclass(frozen=True)
class Projection:
    """A map and its quality."""

    xy: np.ndarray  # [N, 2] float32
    trustworthiness: float  # 0 to 1
    neighbour_preservation: float  # 0 to 1
    neighbours: int  # k of both figures; less than NEIGHBOURS on small maps
    sample: int  # anchors they were computed for
    parameters: dict[str, Any]  # how the map was made; plain JSON values


def project(vectors: np.ndarray, config: ProjectionConfig, seed: int, report: Callable[[str], object] | None = None) -> Projection:
    """The map of `vectors` `[N, D]`; the same bits for the same arguments on the same machine.

    The perplexity is cut to (N - 1) / 3. Fewer than four points, or points that all have the same direction, stand on a circle.

    Args:
        report: told once what begins, since it may take a minute.

    Raises:
        InputError: a vector holds NaN or infinity, or `vectors` is not a matrix.
    """
    vectors = _checked(vectors)
    units, count = _units(vectors), len(vectors)
    perplexity = min(config.perplexity, (count - 1) / 3)
    parameters: dict[str, Any] = {"method": "circle", "metric": "cosine", "seed": seed}
    if count < FEWEST or np.ptp(units, axis=0).max(initial=0) < 1e-6:
        xy = _circle(count)
    else:
        if report:
            report(f"t-SNE map of {count:,} points")
        xy = _tsne(units, perplexity, config.iterations, seed)
        parameters |= {"method": "t-SNE (openTSNE)", "perplexity": perplexity, "start": "PCA"}
        parameters |= {"iterations": config.iterations, "early_exaggeration_iterations": EXAGGERATION_ITERATIONS}
    k, sample = neighbours_for(count), min(config.quality_sample, int(units.any(axis=1).sum()))
    trust, kept = quality(vectors, xy, k, sample, seed)
    return Projection(xy, trust, kept, k, sample, parameters)


def neighbours_for(count: int) -> int:
    """The k of the quality figures for `count` points: trustworthiness is defined below half of them."""
    return max(0, min(NEIGHBOURS, (count - 1) // 2))


def quality(vectors: np.ndarray, xy: np.ndarray, k: int, sample: int, seed: int) -> tuple[float, float]:
    """(trustworthiness, share of the k nearest neighbours preserved), exact for a seeded sample of anchors against all points.

    Points equally far away share the better rank: any of several duplicates is as true a neighbour as the other. A point without length is as far from
    all, so it is no anchor: it would only flatter the map. Without ties and with every point as an anchor it is scikit-learn's figure.
    With k = 0 (fewer than three points) or no anchor no map can err: both are 1.

    Raises:
        InputError: k is not below half the number of points, or a vector holds NaN or infinity.
    """
    vectors, count = _checked(vectors), len(vectors)
    if not 0 <= k < max(count / 2, 1):
        raise InputError(f"neighbours k: expected less than half of the {count} points (got {k})")
    units, points = _units(vectors.astype(np.float64)), xy.astype(np.float64)
    anchors = np.random.default_rng(seed).permutation(np.flatnonzero(units.any(axis=1)))[:sample]
    if not k or not len(anchors):
        return 1.0, 1.0
    excess, kept = 0, 0
    for chunk in _chunks(len(anchors), count):
        who = anchors[chunk]
        mapped = -((points[who, None, :] - points[None, :, :]) ** 2).sum(axis=2)
        mapped[np.arange(len(who)), who] = -np.inf
        true = units[who] @ units.T
        true[np.arange(len(who)), who] = -np.inf
        ranks = _ranks(true, top_items(mapped, None, k))
        excess += int(np.maximum(0, ranks - k).sum())
        kept += int((ranks <= k).sum())
    return 1 - 2 * excess / (len(anchors) * k * (2 * count - 3 * k - 1)), kept / (len(anchors) * k)


def nearest(vectors: np.ndarray, index: int, k: int, metric: Literal["cosine", "dot"] = "cosine") -> tuple[np.ndarray, np.ndarray]:
    """The k nearest of point `index` in the original space, without itself: (positions `[k]`, similarities `[k]` float32), nearest first.

    Equally near ones come by lower position; fewer than k + 1 points give fewer neighbours.

    Raises:
        InputError: there is no such point, or a vector holds NaN or infinity.
    """
    vectors = _checked(vectors)
    if not 0 <= index < len(vectors):
        raise InputError(f"point {index}: expected a position from 0 to {len(vectors) - 1}")
    space = _units(vectors) if metric == "cosine" else vectors
    similarity = (space @ space[index]).astype(np.float32)
    positions = np.delete(np.arange(len(vectors)), index)
    best = top_items(similarity[None, positions], None, max(0, min(k, len(positions))))[0]
    return positions[best], similarity[positions[best]]


def _checked(vectors: np.ndarray) -> np.ndarray:
    """The matrix as float32, or InputError."""
    vectors = np.asarray(vectors)
    if vectors.ndim != 2:
        raise InputError(f"vectors: expected a matrix of one row per point (got the shape {vectors.shape})")
    broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(broken):
        raise InputError(f"vectors: expected finite numbers, found NaN or infinity in {len(broken)} rows (the first is row {broken[0]})")
    return vectors.astype(np.float32)


def _units(vectors: np.ndarray) -> np.ndarray:
    """Rows divided by their length; rows without length stay zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)


def _chunks(rows: int, columns: int) -> Iterator[slice]:
    """Slices of `rows` that keep a chunk against all columns within CELLS."""
    step = max(1, CELLS // max(columns, 1))
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def _ranks(similarity: np.ndarray, picked: np.ndarray) -> np.ndarray:
    """`[C, k]`: 1 + how many of the row are more similar than each picked column."""
    ordered = np.sort(similarity, axis=1)
    wanted = np.take_along_axis(similarity, picked, axis=1) + _HAIR
    above = [np.searchsorted(row, values, side="right") for row, values in zip(ordered, wanted, strict=True)]
    return 1 + similarity.shape[1] - np.array(above)


def _circle(count: int) -> np.ndarray:
    """`[N, 2]`: points at equal distances on the unit circle; a single one at the origin."""
    angle = 2 * np.pi * np.arange(count) / max(count, 1)
    return (np.stack([np.cos(angle), np.sin(angle)], axis=1) * (count > 1)).astype(np.float32)


def _tsne(units: np.ndarray, perplexity: float, iterations: int, seed: int) -> np.ndarray:
    """`[N, 2]` float32: openTSNE on exact neighbours from a PCA start."""
    import openTSNE  # slow, and needed only where an artifact is built
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    # One thread: the result is the same with more, and openTSNE's threads wait in a busy loop: 2,000 points take 4 s with one thread,
    # 24 s with two on two cores that others use as well.
    neighbours, distances = _neighbours(units, min(len(units) - 1, int(np.ceil(3 * perplexity))))
    affinities = PerplexityBasedNN(perplexity=perplexity, knn_index=PrecomputedNeighbors(neighbours, distances), n_jobs=1)
    tsne = openTSNE.TSNE(early_exaggeration_iter=EXAGGERATION_ITERATIONS, n_iter=iterations, n_jobs=1, random_state=seed)
    return np.asarray(tsne.fit(affinities=affinities, initialization=_start(units, seed)), dtype=np.float32)


def _neighbours(units: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(positions, distances sqrt(2 - 2 cos)) `[N, k]` of every point's nearest others."""
    found, near = [], []
    for chunk in _chunks(len(units), len(units)):
        similarity = units[chunk] @ units.T
        rows = np.arange(len(similarity))
        similarity[rows, rows + chunk.start] = -np.inf
        best = top_items(similarity, None, k)
        found.append(best)
        near.append(np.take_along_axis(similarity, best, axis=1))
    return np.concatenate(found), np.sqrt(np.maximum(0, 2 - 2 * np.concatenate(near).astype(np.float64)))


def _start(units: np.ndarray, seed: int) -> np.ndarray:
    """`[N, 2]`: the two principal axes, as small as t-SNE wants its start, with a jitter."""
    centred = units.astype(np.float64) - units.mean(axis=0, dtype=np.float64)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :2]
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])  # an eigenvector's sign is arbitrary
    start = np.zeros((len(units), 2))
    start[:, : axes.shape[1]] = centred @ axes
    start /= start[:, 0].std()
    start += np.random.default_rng(seed).normal(0, JITTER, start.shape)
    return np.ascontiguousarray(start * 1e-4)
