"""The candidate table of a large catalogue, from sparse products over classes of items.

The items that carry the same entities under a relation form a class: what one of them shares with another
item, all share. The strengths are one sparse product per relation, classes x entities x classes, in blocks
of rows whose size is bounded, so that time follows the number of pairs of classes that share an entity, and
memory the table. Where triples connect items directly, every item is a class of its own.

A row takes its strongest classes whole. Of those that tie at the end it takes a stratified random sample
of their members: every member has the same probability, by a hash of the seed, the relation and the item, so
no block size shows. Strengths are compared on a grid of TIE. Torch-free.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

TIE = 1e-6  # strengths nearer than this are a tie
PRODUCTS = 1 << 24  # products of a block at most, where a row alone has not more
PLACES = 1 << 21  # candidates that are placed at a time


@dataclass(frozen=True)
class Classes:
    """The items by what they carry under one relation."""

    carried: sparse.csr_matrix  # 0/1 [I, E], entities with an idf of 0 left out
    weight: np.ndarray  # [E] idf
    link: sparse.csr_matrix  # 0/1 [I, I]
    group: np.ndarray  # [I] class of the item, -1 where it carries nothing
    entities: sparse.csr_matrix  # 0/1 [C, E] float64
    target: sparse.csr_matrix  # its transpose, of the classes with a liked item
    member: np.ndarray  # liked items by class, in a seeded order within it
    start: np.ndarray  # [C + 1] where the members of a class begin
    rank: np.ndarray  # [I] an item's place among the members of its class, -1 where it is not liked

    @classmethod
    def of(
        cls, carried: sparse.csr_matrix, weight: np.ndarray, link: sparse.csr_matrix, liked: np.ndarray, seed: int
    ) -> Classes:
        """Of the matrices of `entities.carriers` and `entities.links`, among the items that are `liked` `[I]`."""
        n = len(liked)
        carried = sparse.csr_matrix(carried @ sparse.diags((weight > 0).astype(np.float32)))
        carried.eliminate_zeros()
        carried.sort_indices()
        if link.nnz:
            group, first = np.arange(n), np.arange(n)
        else:
            keys = np.empty(n, dtype=object)
            at = carried.indptr
            keys[:] = [carried.indices[at[i] : at[i + 1]].tobytes() for i in range(n)]
            group = pd.factorize(np.where(np.diff(at) > 0, keys, None))[0]
            first = np.full(group.max(initial=-1) + 1, n)
            np.minimum.at(first, group[group >= 0], np.flatnonzero(group >= 0))
        there = np.flatnonzero(liked & (group >= 0))
        member = there[np.lexsort((_uniform(seed, there), group[there]))]
        size = np.bincount(group[member], minlength=len(first))
        start = np.concatenate([[0], np.cumsum(size)])
        rank = np.full(n, -1)
        rank[member] = np.arange(len(member)) - start[group[member]]
        entities = sparse.csr_matrix(carried[first], dtype=np.float64)
        target = sparse.csr_matrix((sparse.diags((size > 0).astype(np.float64)) @ entities).T)
        target.eliminate_zeros()
        link = sparse.csr_matrix(link @ sparse.diags(liked.astype(np.float32)))
        link.setdiag(0)  # no item is a neighbour of itself
        link.eliminate_zeros()
        return cls(carried, weight, link, group, entities, target, member, start, rank)

    @property
    def size(self) -> np.ndarray:
        """`[C]`: liked items of each class."""
        return np.diff(self.start)

    def blocks(self, classes: np.ndarray) -> Iterator[np.ndarray]:
        """`classes` in blocks, none of much more than PRODUCTS products."""
        products = self.entities[classes] @ np.diff(self.target.indptr) + 1
        yield from np.split(classes, np.flatnonzero(np.diff((np.cumsum(products) // PRODUCTS).astype(int))) + 1)

    def pairs(self, classes: np.ndarray, weight: np.ndarray) -> sparse.csr_matrix:
        """`[len(classes), C]` summed weights of what each shares with the classes that have a liked item."""
        found = sparse.csr_matrix(self.entities[classes] @ sparse.diags(weight)) @ self.target
        return sparse.csr_matrix(found + self.link[classes]) if self.link.nnz else found

    def available(self, items: np.ndarray, m: int) -> np.ndarray:
        """`[len(items)]`: how many candidates each has under the relation, counted up to m."""
        group, row = np.unique(self.group[items], return_inverse=True)
        count, asked = np.zeros(len(group), int), group >= 0
        carriers = self.target.astype(bool) @ self.size
        most = np.zeros(len(group))
        of_asked = self.entities[group[asked]] @ sparse.diags(carriers.astype(np.float64))
        most[asked] = of_asked.max(1).toarray().ravel()
        # One of their entities is enough
        count[most > m] = m + 1
        few = np.flatnonzero(asked & (most <= m))
        at = 0
        for block in self.blocks(group[few]) if len(few) else ():
            shared = self.pairs(block, np.ones(len(self.weight)))
            shared.data[:] = self.size[shared.indices]
            count[few[at : at + len(block)]] = np.asarray(shared.sum(1)).ravel()
            at += len(block)
        # No item is a neighbour of itself; without an entity a linked one has not been counted
        own = (self.rank[items] >= 0) & (np.diff(self.carried.indptr)[items] > 0)
        return np.clip(count[row] - own, 0, m)

    def strengths(self, item: np.ndarray, neighbour: np.ndarray) -> np.ndarray:
        """`[len(item)]` float32 of the pairs."""
        weighted = sparse.csr_matrix(self.carried[item] @ sparse.diags(self.weight))
        found = np.asarray(weighted.multiply(self.carried[neighbour]).sum(1)).ravel()
        return found + np.asarray(self.link[item, neighbour]).ravel() if self.link.nnz else found


def table(
    items: np.ndarray, classes: Sequence[Classes], m: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(neighbour `[N, M]`, relation `[N, M]`, strengths `[N, M, R]`) of the `items` `[N]`, as
    `candidates.CandidateGraph` has them.
    """
    available = np.stack([relation.available(items, m) for relation in classes], 1)
    neighbour = np.full((len(items), m), -1, dtype=np.int32)
    relation = np.zeros((len(items), m), dtype=np.int16)
    for r, of_relation in enumerate(classes):
        for row, rank, found in _strongest(of_relation, items, _wanted(available, r, m), m, seed + r):
            place = _place(available[row], r, rank[:, None])[:, 0]
            neighbour[row, place], relation[row, place] = found, r
    strengths = np.zeros((len(items), m, len(classes)), dtype=np.float32)
    step = max(1, PLACES // m)
    for first in range(0, len(items), step):
        row, place = np.nonzero(neighbour[first : first + step] >= 0)
        for r, of_relation in enumerate(classes):
            strengths[first + row, place, r] = of_relation.strengths(
                items[first + row], neighbour[first + row, place]
            )
    return neighbour, relation, strengths


def _place(available: np.ndarray, r: int, rank: np.ndarray) -> np.ndarray:
    """Where the candidate of that rank under relation r stands when each relation gives its strongest in turn;
    `available` `[N, R]`, `rank` `[N, k]` or `[k]`.
    """
    before = rank + np.zeros((len(available), 1), dtype=np.int64)
    for q in range(available.shape[1]):
        if q != r:
            before += np.minimum(available[:, q, None], rank + (q < r))
    return before


def _wanted(available: np.ndarray, r: int, m: int) -> np.ndarray:
    """`[N]`: how many candidates of relation r stand among the first m; `available` `[N, R]`."""
    wanted, rank = np.zeros(len(available), dtype=np.int64), np.arange(m)
    step = max(1, PLACES // m)
    for first in range(0, len(available), step):
        of = available[first : first + step]
        wanted[first : first + step] = ((_place(of, r, rank) < m) & (rank < of[:, r, None])).sum(1)
    return wanted


def _strongest(
    classes: Classes, items: np.ndarray, wanted: np.ndarray, m: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(row in `items`, rank, neighbour) of the `wanted` `[N]` strongest of each item, at most m, in parts."""
    rows = np.flatnonzero(wanted > 0)
    rows = rows[np.argsort(classes.group[items[rows]], kind="stable")]
    group, count = np.unique(classes.group[items[rows]], return_counts=True)
    at, begin, step = 0, 0, max(1, PLACES // m)
    for block in classes.blocks(group) if len(group) else ():
        levels = Levels.of(classes, block, m)
        source = np.repeat(np.arange(len(block)), count[at : at + len(block)])
        of_block = rows[begin : begin + len(source)]
        for first in range(0, len(source), step):
            row = of_block[first : first + step]
            part = source[first : first + step]
            which, rank, found = levels.sampled(classes, items[row], part, wanted[row], seed)
            yield row[which], rank, found
        at, begin = at + len(block), begin + len(source)


@dataclass(frozen=True)
class Levels:
    """The strongest classes of some classes, by level: those of one level tie."""

    column: np.ndarray  # [N] class of each entry, strongest level first within its row
    before: np.ndarray  # [N + 1] members of the entries before
    first: np.ndarray  # [rows] first level of a row
    last: np.ndarray  # [rows] after the last level that m candidates need
    member: np.ndarray  # [levels + 1] where the members of a level begin, as in `before`
    own: np.ndarray  # [rows] where the members of the row's own class begin, as in `before`; or -1

    @classmethod
    def of(cls, classes: Classes, block: np.ndarray, m: int) -> Levels:
        """The levels of the classes `block` that their items need for m candidates."""
        found = classes.pairs(block, classes.weight)
        row = np.repeat(np.arange(len(block)), np.diff(found.indptr))
        kept = found.data >= _floor(found.data, found.indptr, m + 1)[row] - TIE
        if classes.link.nnz:
            kept &= found.indices != block[row]
        row, column, level = row[kept], found.indices[kept], np.rint(found.data[kept] / TIE)
        order = np.lexsort((column, -level, row))
        row, column, level = row[order], column[order], level[order]
        before = np.concatenate([[0], np.cumsum(classes.size[column])])
        begins = np.ones(len(row), dtype=bool)
        begins[1:] = (np.diff(row) > 0) | (np.diff(level) < 0)
        member, of_level = np.append(before[:-1][begins], before[-1]), row[begins]
        first = np.searchsorted(of_level, np.arange(len(block)))
        needed = member[:-1] - member[first][of_level] <= m  # the item itself may be among them
        last = first + np.bincount(of_level[needed], minlength=len(block))
        own = np.full(len(block), -1)
        mine = np.flatnonzero(column == block[row])
        own[row[mine]] = before[mine]
        return cls(column, before, first, last, member, own)

    def sampled(
        self, classes: Classes, item: np.ndarray, source: np.ndarray, wanted: np.ndarray, seed: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(position in `item`, rank, neighbour) of the `wanted` strongest of each `item`, whose class is the
        row `source`.
        """
        own = np.where(classes.rank[item] >= 0, self.own[source], -1)
        own = np.where(own >= 0, own + classes.rank[item], -1)  # its place among all members
        n, level = _ranges(self.first[source], self.last[source])
        begin, end, own = self.member[level], self.member[level + 1], own[n]
        inside = (own >= begin) & (own < end)
        before = begin - self.member[self.first[source]][n] - ((own >= 0) & (own < begin))
        size = end - begin - inside
        take = np.clip(wanted[n] - before, 0, size)
        level, slot = _ranges(np.zeros_like(take), take)
        n, size, take, rank = n[level], size[level], take[level], before[level] + slot
        # A stretch of the members for every place, from a random turn on; a random one of each
        low, high = slot * size // take, (slot + 1) * size // take
        key = item[n] << 20
        turn, inner = _uniform(seed, key + before[level]), _uniform(~seed, key + rank)
        at = ((turn * size).astype(np.int64) + low + (inner * (high - low)).astype(np.int64)) % size
        at += begin[level]
        at += inside[level] & (at >= own[level])  # past the item itself
        entry = np.searchsorted(self.before, at, "right") - 1
        return n, rank, classes.member[classes.start[self.column[entry]] + at - self.before[entry]]


def _ranges(start: np.ndarray, stop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, value) of all values from `start[n]` to `stop[n] - 1`, one range after another."""
    length = stop - start
    n = np.repeat(np.arange(len(start)), length)
    return n, np.arange(len(n)) - (np.cumsum(length) - length)[n] + start[n]


def _floor(value: np.ndarray, start: np.ndarray, m: int) -> np.ndarray:
    """`[rows]`: at most the m-th largest value of each row of a sparse matrix, but near it: the m-th largest of
    the maxima of stretches of the row; 0 where a row is short.
    """
    stretches = 8 * m
    floor, length = np.zeros(len(start) - 1), np.diff(start).astype(np.int64)
    long = np.flatnonzero(length > stretches)
    if len(long):
        bounds = start[long, None] + length[long, None] * np.arange(stretches + 1) // stretches
        bounds = np.minimum(bounds, len(value) - 1)
        most = np.maximum.reduceat(value, bounds.ravel()).reshape(bounds.shape)[:, :-1]
        floor[long] = np.partition(most, stretches - m, axis=1)[:, stretches - m]
    return floor


def _uniform(seed: int, key: np.ndarray) -> np.ndarray:
    """Numbers in [0, 1) that only the seed and the key decide (splitmix64)."""
    x = key.astype(np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15) % (1 << 64))
    x += np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2.0**53
