"""The relational item graph: from triples and training likes to a table of at most M candidate neighbours per
item.

j is a candidate of i under relation r when both carry the same entity under r (i -r- entity -r- j), when (i,
r, j) is a triple between items (either way round), or, for `co-liked`, when the same users liked both in
training. One candidate per (i, j, r). Its strength is the summed idf of the shared entities, idf(e) = log(I /
items that carry e), over log I: 1 is an entity that no other item carries. For co-liked it is the shrunk
cosine of the two columns, 1 for a typical item's best neighbour. Where an item has more than M, each
relation gives its strongest in turn, ties by a seeded rule (docs/model.md). Torch-free.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from dskreg.config import GraphConfig
from dskreg.data.dataset import CO_LIKED, Dataset
from dskreg.graph.entities import carriers, choose_relations, idf, links

Strengths = Callable[[int, int], np.ndarray]
"""(start, stop) -> strengths `[stop - start, I]` of the items start..stop-1 towards all."""
SHRINK = 10.0  # co-liking that rests on few users counts less
TIE = 1e-6  # strengths nearer than this are a tie
ROWS = 512  # items handled at once; bounds the dense block to ROWS x I


@dataclass(frozen=True)
class CandidateGraph:
    """M candidates per item, strongest first within a relation; -1 where there are fewer."""

    relations: tuple[str, ...]
    neighbour: np.ndarray  # [I, M] int32
    relation: np.ndarray  # [I, M] int16
    strength: np.ndarray  # [I, M] float32 in (0, ...); 0 where there is no candidate

    @property
    def shape(self) -> tuple[int, int]:
        """(items, candidates per item)."""
        return self.neighbour.shape


def build(dataset: Dataset, config: GraphConfig, seed: int = 0) -> CandidateGraph:
    """The candidate table of the data set's training fold and triples."""
    n = len(dataset.items)
    chosen = choose_relations(dataset, config)
    names = [dataset.relations[r] for r in chosen]
    links = [_shared(dataset, r, config) for r in chosen]
    if CO_LIKED not in config.without:
        names.append(CO_LIKED)
        links.append(co_liked(dataset))
    # Co-liking is not in its unit yet
    ties, best = [TIE] * len(chosen) + [TIE / 10] * (len(links) - len(chosen)), []
    m = min(config.candidates, max(1, (n - 1) * len(names)))
    neighbour = np.full((n, m), -1, dtype=np.int32)
    relation, strength = np.zeros((n, m), dtype=np.int16), np.zeros((n, m), dtype=np.float32)
    rng = np.random.default_rng(seed)
    for start in range(0, n, ROWS):
        stop = min(start + ROWS, n)
        parts = [
            _strongest(link(start, stop), start, m, tie, rng) for link, tie in zip(links, ties, strict=True)
        ]
        if not parts:
            break
        best.append(parts[-1][1].max(1, initial=0))
        # [rows, sum of m_r]
        j, s = np.concatenate([p[0] for p in parts], 1), np.concatenate([p[1] for p in parts], 1)
        r = np.concatenate([np.full(p[0].shape, q) for q, p in enumerate(parts)], 1)
        rank = np.concatenate([np.broadcast_to(np.arange(p[0].shape[1]), p[0].shape) for p in parts], 1)
        # Each relation's strongest in turn
        turn = np.where(j >= 0, rank * len(parts) + r, np.iinfo(np.int64).max)
        keep = np.argsort(turn, axis=1, kind="stable")[:, :m]
        rows = np.arange(stop - start)[:, None]
        width = keep.shape[1]
        neighbour[start:stop, :width], strength[start:stop, :width] = j[rows, keep], s[rows, keep]
        relation[start:stop, :width] = np.where(j[rows, keep] >= 0, r[rows, keep], 0)
    typical = np.concatenate([*best, np.empty(0, np.float32)])
    if len(links) > len(chosen) and typical.any():  # co-liked, the last one: 1 is a typical item's best
        strength[(relation == len(chosen)) & (neighbour >= 0)] /= np.median(typical[typical > 0])
    return CandidateGraph(tuple(names), neighbour, relation, strength)


def _shared(dataset: Dataset, relation: int, config: GraphConfig) -> Strengths:
    """A function (start, stop) -> strengths `[stop - start, I]` under the relation."""
    matrix = carriers(dataset, relation, config.max_share)
    weighted, transposed = (matrix @ sparse.diags(idf(matrix))).tocsr(), matrix.T.tocsr()
    link = links(matrix, dataset.entity_item)  # as strong as one shared entity that no other item carries
    return lambda start, stop: (weighted[start:stop] @ transposed + link[start:stop]).toarray()


def co_liked(dataset: Dataset) -> Strengths:
    """n_ij / (sqrt(n_i n_j) + SHRINK) over the training likes, counted for the items asked for; `build` sets
    the unit.
    """
    likes = dataset.folds.train
    likers, root = likes.T.tocsr(), np.sqrt(np.asarray(likes.sum(0), dtype=np.float32).ravel())

    def strengths(start: int, stop: int) -> np.ndarray:
        both = (likers[start:stop] @ likes).tocsr()
        both.data /= np.repeat(root[start:stop], np.diff(both.indptr)) * root[both.indices] + np.float32(
            SHRINK
        )
        return both.toarray()

    return strengths


def _strongest(
    strength: np.ndarray, start: int, m: int, tie: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The m strongest neighbours of each row `[rows, m']` with their strengths, strongest first; those nearer
    than `tie` in a random order.
    """
    rows, width = strength.shape
    strength[np.arange(rows), start + np.arange(rows)] = 0.0  # no item is a neighbour of itself
    # One table of random numbers, from which each row takes its own stretch: a number per pair would cost
    # more than all the rest.
    noise, begin = rng.random(2 * width, dtype=np.float32) * np.float32(tie), rng.integers(width, size=rows)
    order = strength + np.lib.stride_tricks.sliding_window_view(noise, width)[begin]
    order *= strength > 0
    row, column = np.nonzero(order >= _bound(order, m)[:, None])
    found = strength[row, column]
    # What rounding made equal is settled by the draw
    ranked = np.lexsort((rng.random(len(row)), -order[row, column], row))
    first = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=rows))])
    place, m = np.arange(len(row)) - first[row], min(m, int(np.diff(first).max(initial=0)))
    kept = place < m
    top, value = np.full((rows, m), -1), np.zeros((rows, m), np.float32)
    top[row[kept], place[kept]], value[row[kept], place[kept]] = column[ranked][kept], found[ranked][kept]
    return top, value


def _bound(order: np.ndarray, m: int) -> np.ndarray:
    """`[rows]`: above 0 and at most each row's m-th largest value, but near it: the m-th largest of the
    maxima of groups of columns.
    """
    rows, width = order.shape
    groups = min(width, 8 * m)
    even = width - width % groups
    most = order[:, :even].reshape(rows, -1, groups).max(1)
    most[:, : width - even] = np.maximum(most[:, : width - even], order[:, even:])
    found = (
        np.partition(most, groups - m, axis=1)[:, groups - m] if m < groups else np.zeros(rows, np.float32)
    )
    return np.maximum(found, np.finfo(np.float32).tiny)
