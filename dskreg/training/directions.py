"""The leading right singular vectors of a sparse matrix A `[N, I]`.

    few columns    the eigenvectors of A'A, all of it in memory
    many           a randomised decomposition (Halko, Martinsson, Tropp, 2011) by scikit-learn
    beyond it      subspace iteration on A'A, in place: a table `[I, width]`, and PANEL columns of A's height

Torch-free.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.linalg import eigh

EXACT = 6000  # columns; of more, the directions come from a randomised decomposition
LARGE = 1 << 28  # numbers of (N + I) x width; of more, in place
ITERATIONS = 4
MORE = 10  # directions than asked for: the last ones of a subspace converge slowest
ROWS, PANEL = 1 << 15, 128  # rows of a block of the basis, directions that are multiplied at a time


def leading(rows: sparse.csr_matrix, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(V `[I, D]`, s^2 `[D]` falling) of A `[N, I]`, D = min(width, I)."""
    items = rows.shape[1]
    width = min(width, items)
    if items <= EXACT:
        squared, vectors = eigh((rows.T @ rows).toarray(), subset_by_index=(items - width, items - 1))
        return vectors[:, ::-1], np.maximum(squared[::-1], 0)
    if sum(rows.shape) * width > LARGE:
        return _in_place(rows, width, seed)
    from sklearn.utils.extmath import randomized_svd  # slow to import, and only needed here

    _, value, vectors = randomized_svd(rows, width, n_iter=ITERATIONS, random_state=seed)
    return vectors.T, value**2


def _in_place(rows: sparse.csr_matrix, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`leading` by subspace iteration on A'A, a panel of directions at a time."""
    many = min(width + MORE, rows.shape[1])
    basis = np.random.default_rng(seed).standard_normal((rows.shape[1], many), dtype=np.float32)
    panels = [slice(first, first + PANEL) for first in range(0, many, PANEL)]
    for _ in range(ITERATIONS):
        for panel in panels:
            basis[:, panel] = rows.T @ (rows @ np.ascontiguousarray(basis[:, panel]))
        _make_orthonormal(basis)
    inner = np.empty((many, many))
    for panel in panels:
        inner[:, panel] = basis.T @ (rows.T @ (rows @ np.ascontiguousarray(basis[:, panel])))
    squared, turn = eigh((inner + inner.T) / 2)
    _turn(basis, turn[:, ::-1])
    return basis[:, :width], np.maximum(squared[::-1][:width], 0)


def _make_orthonormal(basis: np.ndarray) -> None:
    """Another basis of the same space, in place; twice, because what is nearly dependent needs it."""
    for _ in range(2):
        inner = np.zeros((basis.shape[1],) * 2)
        for first in range(0, len(basis), ROWS):
            block = basis[first : first + ROWS]
            inner += block.T @ block
        squared, turn = eigh(inner)
        _turn(basis, turn / np.sqrt(np.maximum(squared, 1e-12 * squared[-1])))


def _turn(basis: np.ndarray, turn: np.ndarray) -> None:
    """`basis` times `turn`, in place."""
    turn = turn.astype(np.float32)
    for first in range(0, len(basis), ROWS):
        basis[first : first + ROWS] = basis[first : first + ROWS] @ turn
