"""Classes of items that carry the same entities under a relation, and the pairs of classes that share most.

What one item of a class shares with another item, all of the class share. Strengths between classes are one
product, classes x entities x classes, in blocks of rows: sparse, or dense where few entities are on many
items. They are compared in steps of STEP, exactly: idf is rounded to it, so that float32 sums below 16 do not
depend on their order. Where triples connect items directly, every item is a class of its own. Torch-free.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import sparse

from dskreg.data.interactions import only, rows

STEP = 2.0**-20  # strengths nearer than this are a tie
PRODUCTS = 1 << 24  # products of a block at most, where a row alone has not more
SPARSE, DENSE, ENTITY = 20.0, 3.0, 1 / 16
"""Nanoseconds a sparse product, a dense pair, and each entity of a dense pair: what decides between them."""


@dataclass(frozen=True)
class Classes:
    """The items by what they carry under one relation."""

    carried: sparse.csr_matrix  # 0/1 [I, E], entities with an idf of 0 left out
    weight: np.ndarray  # [E] idf
    link: sparse.csr_matrix  # 0/1 [I, I] towards liked items
    group: np.ndarray  # [I] class of the item, -1 where it carries nothing
    entities: sparse.csr_matrix  # 0/1 [C, E]
    member: np.ndarray  # liked items by class, in a seeded order within it
    start: np.ndarray  # [C + 1] where the members of a class begin
    rank: np.ndarray  # [I] an item's place among the members of its class, -1 where it is not liked

    @classmethod
    def of(
        cls,
        carried: sparse.csr_matrix,
        weight: np.ndarray,
        link: sparse.csr_matrix,
        liked: np.ndarray,
        seed: int,
    ) -> Classes:
        """Of the matrices of `entities.carriers` and `entities.links` and the idf `weight` `[E]`, among the
        items that are `liked` `[I]`.
        """
        n, used = len(liked), np.flatnonzero((np.diff(carried.tocsc().indptr) > 0) & (weight > 0))
        carried, weight = sparse.csr_matrix(carried[:, used]), weight[used]
        carried.sort_indices()
        group = np.arange(n) if link.nnz else _alike(carried)
        first = np.full(group.max(initial=-1) + 1, n)
        np.minimum.at(first, group[group >= 0], np.flatnonzero(group >= 0))
        there = np.flatnonzero(liked & (group >= 0))
        member = there[np.lexsort((uniform(seed, there), group[there]))]
        start = np.concatenate([[0], np.cumsum(np.bincount(group[member], minlength=len(first)))])
        rank = np.full(n, -1)
        rank[member] = np.arange(len(member)) - start[group[member]]
        link = only(link, liked)
        link.setdiag(0)  # no item is a neighbour of itself
        link.eliminate_zeros()
        return cls(carried, weight, link, group, sparse.csr_matrix(carried[first]), member, start, rank)

    @cached_property
    def size(self) -> np.ndarray:
        """`[C]`: liked items of each class."""
        return np.diff(self.start)

    @cached_property
    def target(self) -> sparse.csr_matrix:
        """0/1 `[E, C]`: which classes with a liked item carry an entity."""
        return only(sparse.csr_matrix(self.entities.T), self.size > 0)

    @cached_property
    def rounded(self) -> np.ndarray:
        """`[E]`: idf in steps of STEP."""
        return (np.maximum(np.rint(self.weight.astype(np.float64) / STEP), 1) * STEP).astype(np.float32)

    @cached_property
    def products(self) -> np.ndarray:
        """`[C]`: how many products a sparse row takes."""
        return self.entities @ np.diff(self.target.indptr).astype(np.float64)

    @cached_property
    def dense(self) -> bool:
        """Are dense blocks faster?"""
        pairs = float(len(self.size)) * np.count_nonzero(self.size)
        of_pair = DENSE + ENTITY * len(self.weight)
        return not self.link.nnz and pairs * of_pair < self.products.sum() * SPARSE

    @cached_property
    def columns(self) -> tuple[np.ndarray, np.ndarray]:
        """Classes with a liked item `[T]`, and what they carry `[E, T]` float32, for dense blocks."""
        there = np.flatnonzero(self.size)
        return there, np.ascontiguousarray(self.entities[there].toarray().T)

    def blocks(self, classes: np.ndarray) -> Iterator[slice]:
        """Stretches of `classes` with not much more than PRODUCTS products each."""
        of_row = np.full(len(classes), np.count_nonzero(self.size)) if self.dense else self.products[classes]
        ends = np.flatnonzero(np.diff(np.cumsum(of_row + 1) // PRODUCTS)) + 1
        for first, last in zip([0, *ends], [*ends, len(classes)], strict=True):
            if last > first:
                yield slice(first, last)

    def shared(self, classes: np.ndarray, weight: np.ndarray) -> sparse.csr_matrix:
        """`[len(classes), C]`: summed weights of what each shares with the classes that have a liked item."""
        found = sparse.csr_matrix(self.entities[classes] @ sparse.diags(weight)) @ self.target
        return sparse.csr_matrix(found + self.link[classes]) if self.link.nnz else found

    def near(self, classes: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(position in `classes`, class, strength) of the classes that hold the m strongest items of each,
        and of all that tie with them.
        """
        if self.dense:
            there, columns = self.columns
            block = (self.entities[classes].toarray() * self.rounded) @ columns
            at = np.flatnonzero(block >= bound(block, m)[:, None])
            return at // len(there), there[at % len(there)], block.ravel()[at]
        if not self.link.nnz:
            return self._near_by_the_rarest(classes, m)
        found = self.shared(classes, self.rounded)
        row, column = rows(found), found.indices
        kept = (found.data >= _bound_of_rows(found.data, found.indptr, m)[row]) & (column != classes[row])
        return row[kept], column[kept], found.data[kept]

    def _near_by_the_rarest(self, classes: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`near`, without the products of common entities: where m items carry an entity, what shares only
        entities that together say less is not among the strongest.
        """
        asked = self.entities[classes]
        row, weight = rows(asked), self.rounded[asked.indices]
        order = np.lexsort((weight, row))
        below = np.empty(len(order))  # the weight of the entity and of all that are more common
        before = np.concatenate([[0], np.cumsum(weight[order], dtype=np.float64)])
        below[order] = before[1:] - before[asked.indptr[row]]
        of_one = np.zeros(len(classes), np.float32)
        np.maximum.at(of_one, row, np.where((self.target @ self.size)[asked.indices] >= m, weight, 0))
        rare = below >= of_one[row]
        of_rare, of_common = asked.copy(), asked.copy()
        of_rare.data, of_common.data = weight * rare, weight * ~rare
        of_rare.eliminate_zeros()
        of_common.eliminate_zeros()
        found, more = of_rare @ self.target, np.asarray(of_common.sum(1)).ravel()
        floor = np.maximum(of_one, _bound_of_rows(found.data, found.indptr, m))
        length = np.diff(found.indptr)
        at = np.flatnonzero(found.data >= np.repeat(floor - more, length))
        row, column = np.searchsorted(found.indptr, at, "right") - 1, found.indices[at]
        strength = found.data[at]
        add = np.flatnonzero(more[row])
        shared = of_common[row[add]].multiply(self.entities[column[add]])
        strength[add] += np.asarray(shared.sum(1)).ravel()
        kept = strength >= floor[row]
        return row[kept], column[kept], strength[kept]

    def available(self, items: np.ndarray, m: int) -> np.ndarray:
        """`[len(items)]`: how many candidates each has under the relation, counted up to m."""
        group, row = np.unique(self.group[items], return_inverse=True)
        asked = np.flatnonzero(group >= 0)
        of_asked, most = self.entities[group[asked]], np.zeros(len(asked))
        np.maximum.at(most, rows(of_asked), (self.target @ self.size)[of_asked.indices])
        # Where one of the entities is enough, the others need not be counted
        count, few = np.full(len(group), m + 1), asked[most <= m]
        count[group < 0] = 0
        for block in self.blocks(group[few]):
            found = self.shared(group[few][block], np.ones_like(self.weight))
            found.data = self.size[found.indices]
            count[few[block]] = np.asarray(found.sum(1)).ravel()
        own = (self.rank[items] >= 0) & (np.diff(self.carried.indptr)[items] > 0)
        return np.clip(count[row] - own, 0, m)

    def strengths(self, item: np.ndarray, neighbour: np.ndarray) -> np.ndarray:
        """`[len(item)]` float32 of the pairs."""
        if not self.link.nnz and np.diff(self.entities.indptr).max(initial=0) == 1:
            own = self.group[item]  # one entity an item: of the same class, or nothing in common
            same = (own == self.group[neighbour]) & (own >= 0)
            return np.where(same, self.weight[self.entities.indices[own * same]], np.float32(0))
        weighted = sparse.csr_matrix(self.carried[item] @ sparse.diags(self.weight))
        found = np.asarray(weighted.multiply(self.carried[neighbour]).sum(1)).ravel()
        return found + np.asarray(self.link[item, neighbour]).ravel() if self.link.nnz else found


def bound(block: np.ndarray, m: int) -> np.ndarray:
    """`[rows]`: above 0 and at most each row's m-th largest value, but near it: the m-th largest of the
    maxima of groups of columns.
    """
    rows, width = block.shape
    groups = min(width, 8 * m)
    even = width - width % groups
    most = block[:, :even].reshape(rows, -1, groups).max(1)
    most[:, : width - even] = np.maximum(most[:, : width - even], block[:, even:])
    found = (
        np.partition(most, groups - m, axis=1)[:, groups - m] if m < groups else np.zeros(rows, np.float32)
    )
    return np.maximum(found, np.finfo(np.float32).tiny)


def _bound_of_rows(value: np.ndarray, start: np.ndarray, m: int) -> np.ndarray:
    """`bound` of a sparse matrix, by stretches of its rows; 0 where a row is short."""
    stretches = 8 * m
    floor, length = np.zeros(len(start) - 1, value.dtype), np.diff(start).astype(np.int64)
    long = np.flatnonzero(length > stretches)
    if len(long):
        ends = start[long, None] + length[long, None] * np.arange(stretches + 1) // stretches
        # What lies between two rows is dropped, and the last value of all
        most = np.maximum.reduceat(value, np.minimum(ends, len(value) - 1).ravel())
        most = most.reshape(ends.shape)[:, :-1]
        floor[long] = np.partition(most, stretches - m, axis=1)[:, stretches - m]
    return floor


def _alike(carried: sparse.csr_matrix) -> np.ndarray:
    """`[I]`: the same number for equal rows, -1 for empty ones."""
    start = carried.indptr
    keys = np.empty(len(start) - 1, dtype=object)
    keys[:] = [carried.indices[begin:end].tobytes() or None for begin, end in pairwise(start.tolist())]
    return pd.factorize(keys)[0]


def uniform(seed: int, key: np.ndarray) -> np.ndarray:
    """Numbers in [0, 1) that the seed and the key alone decide (splitmix64)."""
    x = key.astype(np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15) % (1 << 64))
    x += np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2.0**53
