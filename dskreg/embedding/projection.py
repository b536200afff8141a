"""Maps: t-SNE and PCA in two dimensions, and the place of a new point on either.

t-SNE is made from the distances sqrt(2 - 2 cos) of unit vectors, whose order is that of 1 - cos; PCA takes
the two directions in which the unit vectors vary most. How far a map is to be trusted is measured in
dskreg/embedding/neighbours.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse

from dskreg.config import ProjectionConfig
from dskreg.embedding.neighbours import (
    all_nearest,
    checked,
    closeness,
    nearest_of,
    neighbours_for,
    quality,
    units,
)

EXAGGERATION_ITERATIONS = 250  # before the configured ones
FEWEST = 4  # points for t-SNE; fewer stand on a circle
JITTER = 0.01  # of the start's spread: points that coincide would never part
# Of a new point among points that stay: openTSNE's own choice
PLACING_PERPLEXITY, PLACING_ITERATIONS = 5.0, 250


@dataclass(frozen=True)
class Projection:
    """A map and its quality."""

    xy: np.ndarray  # [N, 2] float32
    trustworthiness: float | None  # 0 to 1; None where there is nothing to measure
    neighbour_preservation: float | None  # the same
    neighbours: int  # k of both figures; less than NEIGHBOURS on small maps
    sample: int  # anchors they were computed for
    parameters: dict[str, Any]  # how the map was made; plain JSON values
    near: np.ndarray = field(compare=False)  # [N, k] the nearest neighbours in the original space


def project(
    vectors: np.ndarray,
    config: ProjectionConfig,
    seed: int,
    report: Callable[[str], object] | None = None,
    name: str = "points",
    start: np.ndarray | None = None,
) -> Projection:
    """The t-SNE map of `vectors` `[N, D]`; the same bits for the same arguments on the same machine.

    The perplexity is cut to (N - 1) / 3. Fewer than four points, or points that all have the same direction,
    stand on a circle.

    Args:
        report: called once with what begins, since it may take a minute.
        name: what the points are, for the report.
        start: `[N, 2]`, another map of the same points. This one begins there and is turned towards it, so
            that the two can be compared.

    Raises:
        InputError: a vector holds NaN or infinity, or `vectors` is not a matrix.
    """
    vectors = checked(vectors)
    unit, count = units(vectors), len(vectors)
    perplexity, k = min(config.perplexity, (count - 1) / 3), neighbours_for(count)
    parameters: dict[str, Any] = {"method": "circle", "metric": "cosine", "seed": seed}
    flat = count < FEWEST or np.ptp(unit, axis=0).max(initial=0) < 1e-6
    near, distances = all_nearest(unit, k if flat else max(k, min(count - 1, int(np.ceil(3 * perplexity)))))
    if flat:
        xy = _circle(count)
    else:
        if report:
            report(f"t-SNE map of {count:,} {name}")
        begin = _small(principal(unit, seed).xy if start is None else start, seed)
        xy = _tsne(near, distances, perplexity, config.iterations, begin, seed)
        xy = xy if start is None else turned(xy, start)
        parameters |= {
            "method": "t-SNE (openTSNE)",
            "perplexity": perplexity,
            "start": "PCA" if start is None else "another map",
        }
        parameters |= {
            "iterations": config.iterations,
            "early_exaggeration_iterations": EXAGGERATION_ITERATIONS,
        }
    sample = min(config.quality_sample, int(unit.any(axis=1).sum()))
    trust, kept = quality(vectors, xy, k, sample, seed)
    return Projection(xy, trust, kept, k, sample, parameters, near[:, :k])


@dataclass(frozen=True)
class Plane:
    """The two principal axes of unit vectors and what lies on them."""

    xy: np.ndarray  # [N, 2] float64
    mean: np.ndarray  # [D]
    axes: np.ndarray  # [D, 2]; zeros where there is no second direction
    shares: tuple[float, float]  # of the variance

    def place(self, vector: np.ndarray) -> tuple[float, float]:
        """Where another vector `[D]` falls."""
        x, y = (units(vector[None].astype(np.float64))[0] - self.mean) @ self.axes
        return float(x), float(y)


def principal(vectors: np.ndarray, seed: int = 0) -> Plane:
    """PCA of the rows `[N, D]` at unit length.

    An axis' sign, arbitrary in itself, is that of its largest part.
    """
    unit = units(np.asarray(vectors, dtype=np.float64))
    mean = unit.mean(axis=0) if len(unit) else np.zeros(unit.shape[1])
    centred = unit - mean
    variance, vector = np.linalg.eigh(centred.T @ centred)
    variance, vector = np.maximum(variance[::-1], 0), vector[:, ::-1][:, :2]
    axes = np.zeros((unit.shape[1], 2))
    axes[:, : vector.shape[1]] = (
        vector * np.sign(vector[np.abs(vector).argmax(axis=0), np.arange(vector.shape[1])])
        if vector.size
        else vector
    )
    total = variance.sum()
    first, second = (float(v / total) if total > 0 else 0.0 for v in (*variance, 0.0, 0.0)[:2])
    return Plane(centred @ axes, mean, axes, (first, second))


def turned(xy: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """The map `[N, 2]` rotated or mirrored about its middle so that it lies as near as it can to `towards`
    (orthogonal Procrustes); its shape stays.
    """
    moved, other = xy - xy.mean(axis=0, dtype=np.float64), towards - towards.mean(axis=0, dtype=np.float64)
    left, _, right = np.linalg.svd(moved.T @ other)
    return (moved @ (left @ right) + towards.mean(axis=0, dtype=np.float64)).astype(np.float32)


def place(vector: np.ndarray, vectors: np.ndarray, xy: np.ndarray) -> tuple[float, float]:
    """Where a new point `[D]` falls on the finished t-SNE map `xy` `[N, 2]` of `vectors` `[N, D]`: openTSNE's
    transform, the others stay where they are.

    A vector without length has no neighbours: it goes to the middle.
    """
    if not len(xy) or not vector.any():
        return (0.0, 0.0) if not len(xy) else (float(xy[:, 0].mean()), float(xy[:, 1].mean()))
    close = closeness(vectors, vector)
    near = nearest_of(close, min(len(xy), int(3 * PLACING_PERPLEXITY)))
    begin = np.median(xy[near], axis=0)
    if len(near) < FEWEST:
        return float(begin[0]), float(begin[1])
    import openTSNE  # slow, and needed only here and where an artifact is built
    from openTSNE.affinity import PrecomputedAffinities, joint_probabilities_nn

    distance = np.sqrt(np.maximum(0, 2 - 2 * close[near].astype(np.float64)))
    perplexity = min(PLACING_PERPLEXITY, (len(near) - 1) / 3)
    affinity = joint_probabilities_nn(
        near[None],
        distance[None],
        [perplexity],
        symmetrize=False,
        normalization="point-wise",
        n_reference_samples=len(xy),
    )
    # Asked for, but those that stay need none
    among_themselves = PrecomputedAffinities(sparse.csr_matrix((len(xy), len(xy))), normalize=False)
    reference = openTSNE.TSNEEmbedding(np.asarray(xy, dtype=np.float64), among_themselves)
    fresh = openTSNE.tsne.PartialTSNEEmbedding(
        begin[None].astype(np.float64), reference, affinity, negative_gradient_method="bh", n_jobs=1
    )
    settled = fresh.optimize(
        PLACING_ITERATIONS, learning_rate=0.1, exaggeration=1.5, momentum=0.8, max_grad_norm=0.25
    )
    return float(settled[0, 0]), float(settled[0, 1])


def _circle(count: int) -> np.ndarray:
    """`[N, 2]`: points at equal distances on the unit circle; a single one at the origin."""
    angle = 2 * np.pi * np.arange(count) / max(count, 1)
    return (np.stack([np.cos(angle), np.sin(angle)], axis=1) * (count > 1)).astype(np.float32)


def _tsne(
    near: np.ndarray, distances: np.ndarray, perplexity: float, iterations: int, start: np.ndarray, seed: int
) -> np.ndarray:
    """`[N, 2]` float32: openTSNE on exact neighbours `[N, k]` from `start` `[N, 2]`."""
    import openTSNE
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    # One thread: the result is the same with more, and openTSNE's threads wait in a busy loop: 2,000 points
    # take 4 s with one thread,
    # 24 s with two on two cores that others use as well.
    affinities = PerplexityBasedNN(
        perplexity=perplexity, knn_index=PrecomputedNeighbors(near, distances), n_jobs=1
    )
    tsne = openTSNE.TSNE(
        early_exaggeration_iter=EXAGGERATION_ITERATIONS, n_iter=iterations, n_jobs=1, random_state=seed
    )
    return np.asarray(tsne.fit(affinities=affinities, initialization=start), dtype=np.float32)


def _small(xy: np.ndarray, seed: int) -> np.ndarray:
    """`[N, 2]`: a first guess as small as t-SNE wants its start, with a jitter."""
    start = (xy - xy.mean(axis=0)).astype(np.float64)
    start /= start[:, 0].std()
    start += np.random.default_rng(seed).normal(0, JITTER, start.shape)
    return np.ascontiguousarray(start * 1e-4)
