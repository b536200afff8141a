"""Relations of a knowledge graph that tell what another one tells: evidence that would count twice, and take
two of the few slots of the graph.

A relation is a copy of another one with exactly its pairs, and of one whose inverse it is: the same pairs the
other way round, but for one in twenty, since dumps lack some of either. Of two the one stays that leads from
items to entities more often, else the first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from dskreg.data.readers.files import short
from dskreg.text import many

ALIKE = 0.95  # of the pairs that a relation or its inverse has, the share that both have
COMPARED = 500  # relations asked whether they are inverses, the largest ones: far more than a graph takes
MOST_NOTES, LONGEST_NAME = 10, 60


@dataclass(frozen=True)
class _Copy:
    of: int  # the relation that stays
    inverse: bool  # the same pairs the other way round
    shared: int  # pairs that both have
    union: int  # pairs that one has


def one_of_copies(
    triples: pd.DataFrame, titles: pd.Index, name: Callable[[object], str]
) -> tuple[pd.DataFrame, list[str]]:
    """The triples (columns head, relation, tail; each once) with one relation in the place of its copies, and
    a note for each copy.

    Args:
        triples: The triples.
        items: The ids of heads and tails that are items.
        name: What the notes call a relation.
    """
    if triples.empty:
        return triples, []
    relation, ids = pd.factorize(triples["relation"], sort=True)
    head_titled, tail_titled = (triples[end].isin(titles).to_numpy() for end in ("head", "tail"))
    found = _copies(triples, relation, np.bincount(relation, head_titled) / np.bincount(relation))
    if not found:
        return triples, []
    into, turned, notes = np.arange(len(ids)), np.zeros(len(ids), bool), []
    for copy, kept in found.items():
        into[copy], turned[copy] = kept.of, kept.inverse
        copied, stays = (short(name(ids[r]), LONGEST_NAME) for r in (copy, kept.of))
        what = "the inverse" if kept.inverse else "a copy"
        notes.append(
            f"{copied} is {what} of {stays} ({kept.shared:,} of {kept.union:,} pairs in common): one relation"
        )
    if len(notes) > MOST_NOTES:
        notes[MOST_NOTES:] = [f"{many(len(notes) - MOST_NOTES, 'further relation')}: copies of others"]
    # Between items both ways stay: each tells who shares an entity
    turn = turned[relation] & ~(head_titled & tail_titled)
    ends = {
        end: triples[end].where(~turn, triples[other]) for end, other in (("head", "tail"), ("tail", "head"))
    }
    merged = pd.DataFrame({"head": ends["head"], "relation": ids[into[relation]], "tail": ends["tail"]})
    return merged.drop_duplicates(), notes


def _copies(triples: pd.DataFrame, relation: np.ndarray, titled: np.ndarray) -> dict[int, _Copy]:
    """What each copy repeats.

    `relation` `[T]` is each triple's, `titled` `[R]` the share of a relation's triples that begin with a
    item.
    """
    ends = pd.factorize(pd.concat([triples["head"], triples["tail"]]))[0].astype(np.int64)
    head, tail = np.split(ends, 2)
    pair = pd.factorize(np.concatenate([head * len(ends) + tail, tail * len(ends) + head]))[0]
    forth, back = np.split(pair, 2)
    size, first = np.bincount(relation), _first_alike(relation, forth)
    distinct = np.flatnonzero(first == np.arange(len(first)))
    chosen = distinct[np.argsort(-size[distinct], kind="stable")[:COMPARED]]
    chosen = chosen[np.lexsort((chosen, -titled[chosen]))]
    rows = np.isin(relation, chosen)
    ones, shape = np.ones(int(rows.sum()), np.int32), (len(size), int(pair.max()) + 1)
    one, other = (
        sparse.csr_matrix((ones, (relation[rows], columns[rows])), shape)[chosen] for columns in (forth, back)
    )
    shared = (one @ other.T).toarray()  # [C, C]: the pairs of one that the other has the other way round
    union = size[chosen][:, None] + size[chosen] - shared
    found: dict[int, _Copy] = {}
    stay: list[int] = []  # places in `chosen`
    for n in range(len(chosen)):
        inverses = [k for k in stay if shared[n, k] >= ALIKE * union[n, k]]
        if inverses:
            found[int(chosen[n])] = _Copy(
                int(chosen[inverses[0]]), True, int(shared[n, inverses[0]]), int(union[n, inverses[0]])
            )
        else:
            stay.append(n)
    for r in np.flatnonzero(first != np.arange(len(first))):
        found[int(r)] = found.get(int(first[r]), _Copy(int(first[r]), False, int(size[r]), int(size[r])))
    return found


def _first_alike(relation: np.ndarray, pair: np.ndarray) -> np.ndarray:
    """`[R]`: the first relation with exactly the same pairs, by the sum of a random number for each pair."""
    mark = np.random.default_rng(0).integers(np.iinfo(np.int64).max, size=int(pair.max()) + 1)
    total = np.zeros(int(relation.max()) + 1, np.int64)
    np.add.at(total, relation, mark[pair])  # wraps
    _, first, group = np.unique(
        np.stack([np.bincount(relation), total]), axis=1, return_index=True, return_inverse=True
    )
    return first[group.ravel()]
