"""The candidate table of a large catalogue, from classes of items (classes.py).

Time follows the number of pairs of classes that share an entity, and memory the table. A row takes its
strongest classes whole. Of those that tie at the end it takes a random sample of their members, one from each
of as many stretches as it has places: every member has the same probability. A hash of the seed, the relation
and the item decides, so no block size shows. Torch-free.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dskreg.graph.classes import STEP, Classes, uniform

PLACES = 1 << 21  # candidates that are placed at a time


def table(
    items: np.ndarray, classes: Sequence[Classes], m: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(neighbour `[N, M]`, relation `[N, M]`, strengths `[N, M, R]`) of the `items` `[N]`, as
    `candidates.CandidateGraph` has them.
    """
    available = np.stack([relation.available(items, m) for relation in classes], 1)
    neighbour = np.full((len(items), m), -1, dtype=np.int32)
    relation = np.zeros((len(items), m), dtype=np.int16)
    step = max(1, PLACES // m)
    for r, of_relation in enumerate(classes):
        for row, rank, found in _strongest(of_relation, items, _wanted(available, r, m), step, seed + r):
            place = _place(available[row], r, rank[:, None])[:, 0]
            neighbour[row, place], relation[row, place] = found, r
    strengths = np.zeros((len(items), m, len(classes)), dtype=np.float32)
    for first in range(0, len(items), step):
        row, place = np.nonzero(neighbour[first : first + step] >= 0)
        row += first
        for r, of_relation in enumerate(classes):
            strengths[row, place, r] = of_relation.strengths(items[row], neighbour[row, place])
    return neighbour, relation, strengths


def _place(available: np.ndarray, r: int, rank: np.ndarray) -> np.ndarray:
    """Where the candidate of that rank under relation r stands when each relation gives its strongest in
    turn; `available` `[N, R]`, `rank` `[N, k]` or `[k]`.
    """
    before = rank + np.zeros((len(available), 1), dtype=np.int64)
    for q in range(available.shape[1]):
        if q != r:
            before += np.minimum(available[:, q, None], rank + (q < r))
    return before


def _wanted(available: np.ndarray, r: int, m: int) -> np.ndarray:
    """`[N]`: how many candidates of relation r stand among the first m; `available` `[N, R]`."""
    wanted, rank, step = np.zeros(len(available), dtype=np.int64), np.arange(m), max(1, PLACES // m)
    for first in range(0, len(available), step):
        of = available[first : first + step]
        wanted[first : first + step] = ((_place(of, r, rank) < m) & (rank < of[:, r, None])).sum(1)
    return wanted


def _strongest(
    classes: Classes, items: np.ndarray, wanted: np.ndarray, step: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(position in `items`, rank, neighbour) of the `wanted` `[N]` strongest of each, in parts."""
    rows = np.flatnonzero(wanted)
    rows = rows[np.argsort(classes.group[items[rows]], kind="stable")]
    group, begin, count = np.unique(classes.group[items[rows]], return_index=True, return_counts=True)
    most = np.maximum.reduceat(wanted[rows], begin) if len(rows) else begin
    order = np.argsort(most, kind="stable")  # a block sorts as many as its greediest row needs
    group, begin, count, most = group[order], begin[order], count[order], most[order]
    for block in classes.blocks(group):
        levels = Levels.of(classes, group[block], int(most[block][-1]))
        source, place = _ranges(begin[block], begin[block] + count[block])
        for first in range(0, len(source), step):
            row, part = rows[place[first : first + step]], source[first : first + step]
            which, rank, found = levels.sampled(classes, items[row], part, wanted[row], seed)
            yield row[which], rank, found


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
        row, column, strength = classes.near(block, m + 1)  # the item itself may be among them
        level = row.astype(np.int64) << 32 | (1 << 31) - np.rint(strength / STEP).astype(np.int64)
        order = np.argsort(level, kind="stable")
        row, column, level = row[order], column[order], level[order]
        before = np.concatenate([[0], np.cumsum(classes.size[column])])
        begins = np.ones(len(row), dtype=bool)
        begins[1:] = level[1:] > level[:-1]
        member, of_level = np.append(before[:-1][begins], before[-1]), row[begins]
        first = np.searchsorted(of_level, np.arange(len(block)))
        needed = member[:-1] - member[first][of_level] <= m
        last = first + np.bincount(of_level[needed], minlength=len(block))
        own, mine = np.full(len(block), -1), np.flatnonzero(column == block[row])
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
        turn, inner = uniform(seed, key + before[level]), uniform(~seed, key + rank)
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
