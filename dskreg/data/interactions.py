"""Interactions as sparse matrices, and histories as the model takes them: rows of item positions, filled up
with -1. Torch-free.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from dskreg.data.dataset import TRAIN, Dataset


def train_matrix(dataset: Dataset, folds: tuple[int, ...] = (TRAIN,)) -> sparse.csr_matrix:
    """The likes `[U, I]` of the given folds as 0/1, built anew; `Dataset.folds` keeps the usual ones."""
    return dataset.folds.likes(*folds)


def seen_matrix(dataset: Dataset) -> sparse.csr_matrix:
    """What was seen and not liked, `[U, I]` as 0/1."""
    return dataset.folds.seen


def rows(likes: sparse.csr_matrix) -> np.ndarray:
    """`[nnz]`: the row of every entry."""
    return np.repeat(np.arange(likes.shape[0]), np.diff(likes.indptr))


def only(likes: sparse.csr_matrix, kept: np.ndarray) -> sparse.csr_matrix:
    """`likes` `[U, I]` of the items `kept` `[I]` bool; the others have no entry left."""
    found = sparse.csr_matrix(likes.multiply(kept.astype(np.float32)))
    found.eliminate_zeros()
    return found


def ragged(row: np.ndarray, value: np.ndarray, count: int) -> np.ndarray:
    """Values `[n]` by their rows (rising) as `[count, H]` int64, -1 filled; H is the longest, at least 1."""
    length = np.bincount(row, minlength=count)
    out = np.full((count, max(1, int(length.max(initial=0)))), -1, dtype=np.int64)
    out[row, np.arange(len(row)) - (np.cumsum(length) - length)[row]] = value
    return out


def padded(history: sparse.csr_matrix) -> np.ndarray:
    """Histories `[B, I]` as item positions `[B, H]`."""
    return ragged(rows(history), history.indices, history.shape[0])


def evenly(positions: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of the positions, evenly spaced, the first and the last among them."""
    if len(positions) <= most:
        return positions
    return positions[np.linspace(0, len(positions) - 1, most).astype(int)]
