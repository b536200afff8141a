"""What a model has to beat: the most liked items, item neighbourhoods, and a linear autoencoder.

All three know the training likes X `[U, I]` (0 or 1) only through the co-likes X'X, and serve any history,
also of users who were not in training:

    popularity  score_i = n_i
    item-kNN    score_i = sum_{j in history} s_ij,  s_ij = n_ij / (sqrt(n_i n_j) + shrink)
                where j is among the k nearest of i, else 0
    EASE        score = history · B,  B = I - P diag(P)^-1,  P = (X'X + lambda I)^-1
                (Steck, WWW 2019, arXiv 1905.03375)

Items without a training like have the score 0 in all three (in EASE that is what the closed form gives);
matrices hold the other items only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
import scipy.sparse as sp

from dskreg.evaluation.metrics import top_items

Csr: TypeAlias = sp.csr_array | sp.csr_matrix
Settings: TypeAlias = dict[str, float]
"""A baseline's settings by name: the keyword arguments that build it again."""

CHUNK = 512  # rows at a time


@dataclass(frozen=True)
class CoLikes:
    """How often items were liked by the same user."""

    titles: np.ndarray  # [J] positions of the items with a like
    # [J, J] float32; the diagonal holds each item's own count. Shared by the fits: never written to
    together: np.ndarray
    items: int  # I

    @classmethod
    def of(cls, train: Csr) -> CoLikes:
        """X'X over the items that occur in `train` `[U, I]`; every stored entry is one like."""
        binary = _binary(train)
        titles = np.flatnonzero(binary.sum(axis=0))
        likes = sp.csr_array(binary[:, titles])
        liked_by = sp.csr_array(likes.T)
        together = np.empty((len(titles), len(titles)), dtype=np.float32)
        # a whole sparse product would take several times the dense one's memory
        for start in range(0, len(titles), CHUNK):
            together[start : start + CHUNK] = (liked_by[start : start + CHUNK] @ likes).toarray()
        return cls(titles, together, train.shape[1])

    def narrow(self, history: Csr) -> sp.csr_array:
        """`[B, J]`: a history `[B, I]` without the items that no user likes."""
        if history.shape[1] != self.items:
            raise ValueError(f"history: expected {self.items} columns (got {history.shape[1]})")
        return sp.csr_array(_binary(history)[:, self.titles])

    def widen(self, scores: np.ndarray) -> np.ndarray:
        """`[B, I]`: scores `[B, J]`, 0 for the other items."""
        wide = np.zeros((len(scores), self.items), dtype=np.float32)
        wide[:, self.titles] = scores
        return wide


class Baseline(Protocol):
    """Learns from likes `[U, I]`, scores histories `[B, I]` as float32 `[B, I]`.

    A history's own items are scored too: exclude them outside.
    """

    def fit(self, train: Csr) -> Self: ...

    def fit_co_likes(self, likes: CoLikes) -> Self: ...

    def scores(self, history: Csr) -> np.ndarray: ...

    @property
    def settings(self) -> Settings: ...


class Popularity:
    """The same list for all users: training counts."""

    @property
    def settings(self) -> Settings:
        """None."""
        return {}

    def fit(self, train: Csr) -> Self:
        self.counts = np.asarray(_binary(train).sum(axis=0), dtype=np.float32)
        return self

    def fit_co_likes(self, likes: CoLikes) -> Self:
        self.counts = likes.widen(np.diag(likes.together)[None])[0]
        return self

    def scores(self, history: Csr) -> np.ndarray:
        return np.tile(self.counts, (history.shape[0], 1))


class ItemKNN:
    """Items liked by the same users as the history's items.

    The k nearest belong to the item that is scored, not to the one in the history: so every item has k
    neighbours, rare ones too (anime, k = 20, shrink 10: validation NDCG@20 .211 against .186 the other way
    round; on Last.FM no difference).
    """

    def __init__(self, k: int = 100, shrink: float = 10.0) -> None:
        """Args:
        k: neighbours kept per item; equally near ones by lower position.
        shrink: added to the denominator; lowers similarities that rest on few likes.
        """
        self.k, self.shrink = k, shrink

    @property
    def settings(self) -> Settings:
        """k and shrink."""
        return {"k": self.k, "shrink": self.shrink}

    def fit(self, train: Csr) -> Self:
        return self.fit_co_likes(CoLikes.of(train))

    def fit_co_likes(self, likes: CoLikes) -> Self:
        roots = np.sqrt(np.diag(likes.together))
        parts = [
            self._neighbours(likes.together[start : start + CHUNK], start, roots)
            for start in range(0, len(roots), CHUNK)
        ]
        self.likes = likes
        nearest = sp.vstack(parts) if parts else sp.csr_array((0, 0), dtype=np.float32)
        # Row: an item of the history; column: the item whose score it adds to
        self.similarity = sp.csr_array(nearest.T)
        return self

    def _neighbours(self, together: np.ndarray, start: int, roots: np.ndarray) -> sp.csr_array:
        """`[C, J]`: the k largest positive similarities of the items from `start` on, never to themselves."""
        similarity = together / (roots[start : start + len(together), None] * roots + np.float32(self.shrink))
        similarity[np.arange(len(together)), np.arange(start, start + len(together))] = 0
        nearest = top_items(similarity, None, min(self.k, len(roots)))
        rows = np.repeat(np.arange(len(together)), nearest.shape[1])
        values = similarity[rows, nearest.ravel()]
        kept = values > 0
        return sp.csr_array((values[kept], (rows[kept], nearest.ravel()[kept])), shape=similarity.shape)

    def scores(self, history: Csr) -> np.ndarray:
        return self.likes.widen((self.likes.narrow(history) @ self.similarity).toarray())


class EASE:
    """The best linear map from a history to itself whose diagonal is zero, with a quadratic penalty."""

    def __init__(self, regularisation: float = 100.0) -> None:
        """Args:
        regularisation: lambda; it must be above 0, for X'X alone need not be invertible.
        """
        if not regularisation > 0:
            raise ValueError(f"regularisation: expected more than 0 (got {regularisation})")
        self.regularisation = regularisation

    @property
    def settings(self) -> Settings:
        """The regularisation."""
        return {"regularisation": self.regularisation}

    def fit(self, train: Csr) -> Self:
        return self.fit_co_likes(CoLikes.of(train))

    def fit_co_likes(self, likes: CoLikes) -> Self:
        weights = likes.together.copy()
        weights[np.diag_indices_from(weights)] += self.regularisation
        weights = _inverse(weights)
        weights /= -np.diag(weights).copy()
        np.fill_diagonal(weights, 0)
        self.likes, self.weights = likes, weights
        return self

    def scores(self, history: Csr) -> np.ndarray:
        return self.likes.widen(self.likes.narrow(history) @ self.weights)


MADE: dict[str, Callable[..., Baseline]] = {"popularity": Popularity, "item-kNN": ItemKNN, "EASE": EASE}
"""The baselines by name, in the order in which they are shown."""
USUAL: dict[str, Settings] = {"EASE": {"regularisation": 200.0}}
"""What does well on sets of a few thousand items, where it is not the default of the class."""


def baselines(settings: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Baseline]:
    """One of each, not yet fitted; those that `settings` does not name get what does well on sets of a few
    thousand items.

    Raises:
        TypeError, ValueError: a setting that does not exist or cannot be.
    """
    chosen = USUAL | dict(settings or {})
    return {name: made(**chosen.get(name, {})) for name, made in MADE.items()}


def _binary(likes: Csr) -> sp.csr_array:
    """Every stored entry as one like, float32."""
    likes = sp.csr_array(likes, copy=True)
    likes.sum_duplicates()
    return sp.csr_array(
        (np.ones(likes.nnz, dtype=np.float32), likes.indices, likes.indptr), shape=likes.shape
    )


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """The inverse of a symmetric positive definite float32 matrix in row order, in its own memory: 13,000
    rows are 0.7 GB and stay so.
    """
    from scipy.linalg import lapack
    from threadpoolctl import threadpool_limits

    if not len(matrix):
        return matrix
    # OpenBLAS's threads wait for each other in a busy loop: 4,000 rows take 0.6 s on one core, 11 to 23 s on
    # two that others use as well.
    with threadpool_limits(1, user_api="blas"):
        # LAPACK wants column order: a symmetric matrix's transpose has it for free
        columns, failed = lapack.spotrf(matrix.T, lower=1, overwrite_a=1)
        if not failed:
            columns, failed = lapack.spotri(columns, lower=1, overwrite_c=1)
    if failed:
        raise ValueError(
            "X'X + lambda I is not positive definite in single precision: expected a larger regularisation"
        )
    rows = columns.T
    # LAPACK fills one triangle: column order's lower is row order's upper
    for start in range(0, len(rows), CHUNK):
        block = rows[start : start + CHUNK, start : start + CHUNK]
        block[:] = np.triu(block) + np.triu(block, 1).T
        rows[start + CHUNK :, start : start + CHUNK] = rows[start : start + CHUNK, start + CHUNK :].T
    return rows
