"""How much sharing an entity says about taste: who likes what, seen from the entities.

    u_i = row of V, scaled to length 1          D_u^-1/4 X D_i^-1/4 = U S V', the DIRECTIONS leading ones
    c_e = (sum of u_i . u_j over the pairs that carry e + PRIOR c) / (pairs + PRIOR) - c_0
    weight(e) = idf(e) * max(c_e / (c - c_0), LEAST)^1/2

X are the training likes, D the lengths of its rows and columns, c the mean of u_i . u_j over the pairs that
share an entity of the relation, c_0 over all pairs. An entity that few carry is thus held near its relation.
Torch-free.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from dskreg.graph.entities import idf

DIRECTIONS = 256
PRIOR = 30.0  # pairs
LEAST = 0.01
NOTHING = 1e-3  # c - c_0 below this: the relation says nothing of taste, and idf alone weighs its entities


def directions(likes: sparse.csr_matrix, seed: int) -> np.ndarray:
    """u `[I, DIRECTIONS]` float64 by the likes `[U, I]`, fewer columns where there are fewer items or users;
    0 for an item without likes.
    """
    users, items = (np.maximum(np.asarray(likes.sum(axis)).ravel(), 1) for axis in (1, 0))
    rows = sparse.diags(users**-0.25) @ likes.astype(np.float64) @ sparse.diags(items**-0.25)
    _, size, right = randomized_svd(rows, min(DIRECTIONS, *rows.shape), random_state=seed)
    found = right[size > 1e-9 * size.max(initial=0)].T
    length = np.linalg.norm(found, axis=1, keepdims=True)
    liked = np.diff(likes.tocsc().indptr)[:, None] > 0
    return np.where(liked & (length > 0), found / np.maximum(length, 1e-12), 0.0)


def entity_weights(carried: sparse.csr_matrix, taste: np.ndarray) -> np.ndarray:
    """`[E]` float32 of every entity by the 0/1 matrix `[I, E]` of `carriers`; `taste` is u `[I, k]`."""
    known = taste.any(1)
    by_entity, taste = carried[known].T.tocsr().astype(np.float64), taste[known]
    count = np.asarray(by_entity.sum(1)).ravel()
    pairs = count * (count - 1) / 2
    alike = (((by_entity @ taste) ** 2).sum(1) - count) / 2
    every = len(taste) * (len(taste) - 1) / 2
    of_all = ((taste.sum(0) ** 2).sum() - len(taste)) / 2 / max(every, 1)
    of_relation = alike.sum() / max(pairs.sum(), 1)
    if of_relation - of_all < NOTHING:
        return idf(carried)
    excess = (alike + PRIOR * of_relation) / (pairs + PRIOR) - of_all
    return (idf(carried) * np.maximum(excess / (of_relation - of_all), LEAST) ** 0.5).astype(np.float32)
