"""The relational item graph: from triples to a table of at most M candidate neighbours per item.

j is a candidate of i under relation r when both carry the same entity under r (i -r- entity -r- j), or when
(i, r, j) is a triple between items (either way round), and somebody has liked j: what nobody has liked says
nothing about a user. One candidate per (i, j, r). The strength of a pair under a relation is the summed idf
of the entities that both carry, idf(e) = log(I / items that carry e) / log I: 1 is an entity that no other
item carries; a triple between the two adds 1. Where an item has more than M candidates, each relation gives
its strongest in turn, ties by a seeded rule (docs/model.md). Up to DENSE items are compared here, in dense
blocks; more by large.py. Torch-free.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from dskreg.config import GraphConfig
from dskreg.data.dataset import Dataset
from dskreg.graph.classes import Classes, bound
from dskreg.graph.entities import carriers, choose_relations, idf, links
from dskreg.graph.large import table

Strengths = Callable[[int, int], np.ndarray]
"""(start, stop) -> strengths `[stop - start, I]` of the items start..stop-1 towards all."""
TIE = 1e-6  # strengths nearer than this are a tie
DENSE = 20_000  # items; of more, classes of items are compared instead
CELLS = 1 << 25  # strengths held at a time, in dense blocks of rows x I x R


@dataclass(frozen=True)
class CandidateGraph:
    """M candidates per item, strongest first within a relation; -1 where there are fewer."""

    relations: tuple[str, ...]
    neighbour: np.ndarray  # [I, M] int32
    relation: np.ndarray  # [I, M] int16
    strengths: np.ndarray  # [I, M, R] float32 of the pair under every relation; 0 where there is no candidate

    @property
    def shape(self) -> tuple[int, int]:
        """(items, candidates per item)."""
        return self.neighbour.shape

    @property
    def strength(self) -> np.ndarray:
        """`[I, M]`: the strength under the candidate's own relation."""
        if not self.relations:
            return np.zeros(self.shape, dtype=np.float32)
        return np.take_along_axis(self.strengths, self.relation[..., None].astype(np.int64), 2)[..., 0]


def build(dataset: Dataset, config: GraphConfig, seed: int = 0) -> CandidateGraph:
    """The candidate table of the data set's triples, among the items with a training like."""
    n = len(dataset.items)
    chosen = choose_relations(dataset, config)
    liked = np.bincount(dataset.folds.train.indices, minlength=n) > 0
    m = min(config.candidates, max(1, (n - 1) * len(chosen)))
    return rows_from(0, dataset, config, chosen, liked, m, seed)


def rows_from(
    first: int,
    dataset: Dataset,
    config: GraphConfig,
    chosen: list[int],
    liked: np.ndarray,
    m: int,
    seed: int = 0,
) -> CandidateGraph:
    """The table's rows of the items from `first` on, with `m` candidates each under the relations `chosen`,
    among the items that are `liked` `[I]`.
    """
    n, names = len(dataset.items), tuple(dataset.relations[r] for r in chosen)
    if chosen and n > DENSE:
        classes = [_classes(dataset, r, config, liked, seed) for r in chosen]
        return CandidateGraph(names, *table(np.arange(first, n), classes, m, seed))
    between = [_shared(dataset, r, config) for r in chosen]
    neighbour = np.full((n - first, m), -1, dtype=np.int32)
    relation = np.zeros((n - first, m), dtype=np.int16)
    strengths = np.zeros((n - first, m, len(chosen)), dtype=np.float32)
    rng = np.random.default_rng(seed)
    step = max(1, CELLS // (n * max(1, len(chosen))))
    for start in range(first, n if chosen else first, step):
        stop = min(start + step, n)
        blocks = [strength(start, stop) for strength in between]
        parts = [_strongest(block * liked, start, m, TIE, rng) for block in blocks]
        # [rows, sum of m_r]
        j = np.concatenate([p[0] for p in parts], 1)
        r = np.concatenate([np.full(p[0].shape, q) for q, p in enumerate(parts)], 1)
        rank = np.concatenate([np.broadcast_to(np.arange(p[0].shape[1]), p[0].shape) for p in parts], 1)
        # Each relation's strongest in turn
        turn = np.where(j >= 0, rank * len(parts) + r, np.iinfo(np.int64).max)
        keep = np.argsort(turn, axis=1, kind="stable")[:, :m]
        rows = np.arange(stop - start)[:, None]
        width = keep.shape[1]
        kept = j[rows, keep]
        at = slice(start - first, stop - first)
        neighbour[at, :width] = kept
        relation[at, :width] = np.where(kept >= 0, r[rows, keep], 0)
        for q, block in enumerate(blocks):
            strengths[at, :width, q] = np.where(kept >= 0, block[rows, np.maximum(kept, 0)], 0)
    return CandidateGraph(names, neighbour, relation, strengths)


def _classes(dataset: Dataset, relation: int, config: GraphConfig, liked: np.ndarray, seed: int) -> Classes:
    """The items by what they carry under the relation."""
    matrix = carriers(dataset, relation, config.max_share)
    return Classes.of(matrix, idf(matrix), links(matrix, dataset.entity_item), liked, seed)


def _shared(dataset: Dataset, relation: int, config: GraphConfig) -> Strengths:
    """A function (start, stop) -> strengths `[stop - start, I]` under the relation."""
    matrix = carriers(dataset, relation, config.max_share)
    weighted, transposed = (matrix @ sparse.diags(idf(matrix))).tocsr(), matrix.T.tocsr()
    link = links(matrix, dataset.entity_item)  # as strong as one shared entity that no other item carries
    return lambda start, stop: (weighted[start:stop] @ transposed + link[start:stop]).toarray()


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
    row, column = np.nonzero(order >= bound(order, m)[:, None])
    found = strength[row, column]
    # What rounding made equal is settled by the draw
    ranked = np.lexsort((rng.random(len(row)), -order[row, column], row))
    first = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=rows))])
    place, m = np.arange(len(row)) - first[row], min(m, int(np.diff(first).max(initial=0)))
    kept = place < m
    top, value = np.full((rows, m), -1), np.zeros((rows, m), np.float32)
    top[row[kept], place[kept]], value[row[kept], place[kept]] = column[ranked][kept], found[ranked][kept]
    return top, value
