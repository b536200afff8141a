"""Diverse lists: re-ranking by maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998).

    next = argmax_i (1 - d) rel(i) - d max_{j chosen} sim(i, j)

rel is the score, scaled to 0 .. 1 over the pool; sim is the cosine, at least 0. d = 0 gives the ranking by
score, and the first item is always the best one.
"""

from __future__ import annotations

import numpy as np

# The pool contains the best items: at least POOL, and at least WIDE times as many as requested
POOL, WIDE = 200, 10


def mmr(score: np.ndarray, vectors: np.ndarray, count: int, diversity: float) -> np.ndarray:
    """Positions `[count]` into the pool, in the order they are chosen.

    `score` `[P]`, the largest first; `vectors` `[P, D]`; `diversity` d in 0 .. 1.
    """
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    spread = float(np.ptp(score)) if len(score) else 0.0
    relevance = (score - score.min()) / spread if spread > 0 else np.zeros(len(score))
    chosen: list[int] = []
    nearest, free = np.zeros(len(score)), np.ones(len(score), dtype=bool)
    for _ in range(min(count, len(score))):
        gain = (1 - diversity) * relevance - diversity * nearest if chosen else score
        best = int(np.argmax(np.where(free, gain, -np.inf)))
        chosen.append(best)
        free[best] = False
        nearest = np.maximum(nearest, unit @ unit[best])
    return np.array(chosen, dtype=np.int64)


def intra_list_similarity(vectors: np.ndarray) -> float:
    """Mean cosine over all pairs of rows of `vectors` `[N, D]`; 0 for fewer than two."""
    if len(vectors) < 2:
        return 0.0
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    total = unit.sum(0)
    own = (unit**2).sum()
    return float((total @ total - own) / (len(vectors) * (len(vectors) - 1)))
