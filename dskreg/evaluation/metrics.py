"""Full-ranking metrics: how good the lists are, and how much of the catalogue they show.

A user's list is `ranked[u]`, item positions with the best first and -1 where it is shorter; `hit[u, r] = 1`
where the item at rank r is among the user's relevant items R (the held-out likes), and

    recall@k    = sum_{r<=k} hit_r / |R|
    precision@k = sum_{r<=k} hit_r / k
    hit@k       = max_{r<=k} hit_r
    mrr@k       = max_{r<=k} hit_r / r
    ndcg@k      = sum_{r<=k} hit_r / log2(r+1)  /  sum_{r<=min(k,|R|)} 1 / log2(r+1)

NDCG's ideal is the best list that this user could get, not the best order of what was found. A leaf: numpy
and scipy alone.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import scipy.sparse as sp

Csr: TypeAlias = sp.csr_array | sp.csr_matrix

KS = (10, 20, 50)
BLOCK = 64  # items


def top_items(scores: np.ndarray, exclude: Csr | None, n: int) -> np.ndarray:
    """The best `n` items of every row, best first, equal scores by lower position; so the same scores always
    give the same list.

    Args:
        scores: `[B, I]`; left unchanged. An item with the score -inf counts as excluded.
        exclude: `[B, I]`; the stored entries never appear, whatever their value. None excludes nothing.
        n: the length of a list.

    Returns:
        `[B, n]` int64 item positions, -1 where fewer than `n` items are left.

    Raises:
        NotANumber: for a score that is none.
        ValueError: for shapes that differ.
    """
    scores = np.array(scores, dtype=np.result_type(scores, np.float32))
    if np.isnan(scores).any():
        raise NotANumber("scores: expected numbers, found NaN")
    if exclude is not None:
        if exclude.shape != scores.shape:
            raise ValueError(
                f"exclude: expected the shape of the scores {scores.shape} (got {exclude.shape})"
            )
        scores[_rows(exclude), exclude.indices] = -np.inf
    rows, items = scores.shape
    width = min(n, items)
    ranked = np.full((rows, n), -1, dtype=np.int64)
    if not rows or not width:
        return ranked
    # Few items reach the bound: only these are sorted, by position first, so that a stable sort settles ties.
    row, item = np.nonzero((scores >= _bound(scores, width)) & (scores > -np.inf))
    count = np.bincount(row, minlength=rows)
    place = np.arange(len(row)) - (np.cumsum(count) - count)[row]
    best = np.full((rows, max(1, int(count.max(initial=0)))), -np.inf, dtype=scores.dtype)
    chosen = np.full(best.shape, -1, dtype=np.int64)
    best[row, place], chosen[row, place] = scores[row, item], item
    order = np.argsort(-best, axis=1, kind="stable")[:, :width]
    ranked[:, : order.shape[1]] = np.take_along_axis(chosen, order, axis=1)
    return ranked


def _bound(scores: np.ndarray, width: int) -> np.ndarray:
    """`[B, 1]`: a score that at least `width` items of the row reach: the `width`-th largest maximum of
    blocks of items, where there are enough blocks.
    """
    rows, items = scores.shape
    blocks = items // BLOCK
    if blocks <= width:
        return np.partition(scores, items - width, axis=1)[:, -width, None]
    largest = scores[:, : blocks * BLOCK].reshape(rows, blocks, BLOCK).max(axis=2)
    return np.partition(largest, blocks - width, axis=1)[:, -width, None]


def _rows(matrix: Csr) -> np.ndarray:
    """The row of every stored entry."""
    return np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))


def hits(ranked: np.ndarray, relevant: Csr) -> np.ndarray:
    """`[B, N]` bool: is the item at this place a stored entry of `relevant` `[B, I]`? A filler never is."""
    items = relevant.shape[1]
    keys = _rows(relevant) * items + relevant.indices
    wanted = np.arange(len(ranked), dtype=np.int64)[:, None] * items + ranked
    # Without the second half -1 would mean the previous row's last item
    return np.isin(wanted, keys) & (ranked >= 0)


def recall(hit: np.ndarray, total: np.ndarray, k: int) -> np.ndarray:
    """`[B]`: found / |R|; 0 without relevant items."""
    return hit[:, :k].sum(axis=1) / np.maximum(total, 1)


def ndcg(hit: np.ndarray, total: np.ndarray, k: int) -> np.ndarray:
    """`[B]`: DCG / DCG of min(k, |R|) ones; 0 without relevant items."""
    gain = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(gain)[np.clip(total, 1, k) - 1]
    # a matrix product's last bits would depend on the number of rows
    return (hit[:, :k] * gain[: hit.shape[1]]).sum(axis=1) / ideal


def ndcg_of(scores: np.ndarray, exclude: Csr | None, relevant: Csr, k: int = 20) -> np.ndarray:
    """`[B]`: NDCG@k of the lists by `scores` `[B, I]` without the stored entries of `exclude`."""
    return ndcg(hits(top_items(scores, exclude, k), relevant), np.diff(relevant.indptr), k)


def hit_rate(hit: np.ndarray, total: np.ndarray, k: int) -> np.ndarray:
    """`[B]`: 1 where at least one of the first k is relevant; 0 without relevant items."""
    return hit[:, :k].any(axis=1).astype(float)


def mrr(hit: np.ndarray, total: np.ndarray, k: int) -> np.ndarray:
    """`[B]`: 1 / rank of the first relevant item; 0 where none is among the first k."""
    places = hit[:, :k] / np.arange(1, hit[:, :k].shape[1] + 1)
    return places.max(axis=1, initial=0.0)


def precision(hit: np.ndarray, total: np.ndarray, k: int) -> np.ndarray:
    """`[B]`: found / k, also where the list is shorter than k; 0 without relevant items."""
    return hit[:, :k].sum(axis=1) / k


def list_mean(values: np.ndarray, ranked: np.ndarray, k: int) -> np.ndarray:
    """`[B]`: the mean of `values` `[I]` over the items among the first k; NaN for an empty list."""
    listed = ranked[:, :k] >= 0
    total = np.where(listed, values[np.maximum(ranked[:, :k], 0)], 0.0).sum(axis=1)
    count = listed.sum(axis=1)
    return np.divide(total, count, out=np.full(len(ranked), np.nan), where=count > 0)


def self_information(counts: np.ndarray, users: int) -> np.ndarray:
    """`[I]`: -log2 p, p = the share of the `users` who have the item in training; an item that no user has
    counts as if one user had it.
    """
    return -np.log2(np.maximum(counts, 1) / max(users, 1))


ACCURACY = {"recall": recall, "ndcg": ndcg, "hit": hit_rate, "mrr": mrr, "precision": precision}
REPORTED = tuple(f"{name}@{k}" for k in KS for name in (*ACCURACY, "coverage", "novelty", "popularity"))
"""The figures of a test, in the order in which they are reported."""


class NotANumber(ValueError):
    """A score is NaN: there is no order to measure."""


class Ranking:
    """Collects the lists of many users, chunk by chunk, in any division into chunks.

    Users without relevant items are left out of every figure, coverage included. Figures are means over
    users (of the mean over a list, for novelty and popularity, where empty lists are left out); coverage@k
    is the share of the catalogue that is in at least one list. A figure over no user is None.
    """

    def __init__(self, counts: np.ndarray, users: int, ks: tuple[int, ...] = KS) -> None:
        """Args:
        counts: `[I]` how many users have each item in training.
        users: how many users there are in training.
        ks: the list lengths to report.
        """
        self.counts = np.asarray(counts, dtype=float)
        self.information = self_information(self.counts, users)
        self.ks = ks
        self._fed = 0
        self._counted: list[np.ndarray] = []
        self._chunks: dict[str, list[np.ndarray]] = {
            f"{name}@{k}": [] for k in ks for name in (*ACCURACY, "novelty", "popularity")
        }
        self._shown = {k: np.zeros(len(self.counts), dtype=bool) for k in ks}

    def add(self, ranked: np.ndarray, relevant: Csr) -> None:
        """One more chunk: lists `[B, N]`, best first, -1 for filler, and relevant items `[B, I]` (stored
        entries, each at most once).
        """
        if relevant.shape != (len(ranked), len(self.counts)):
            raise ValueError(
                f"relevant: expected the shape {(len(ranked), len(self.counts))} (got {relevant.shape})"
            )
        total = np.diff(relevant.indptr)
        kept = np.flatnonzero(total)
        self._counted.append(kept + self._fed)
        self._fed += len(ranked)
        hit, total, ranked = hits(ranked, relevant)[kept], total[kept], ranked[kept]
        for k in self.ks:
            for name, metric in ACCURACY.items():
                self._chunks[f"{name}@{k}"].append(metric(hit, total, k))
            self._chunks[f"novelty@{k}"].append(list_mean(self.information, ranked, k))
            self._chunks[f"popularity@{k}"].append(list_mean(self.counts, ranked, k))
            self._shown[k][ranked[:, :k][ranked[:, :k] >= 0]] = True

    @property
    def counted(self) -> np.ndarray:
        """`[C]`: who counts, as positions in the order of feeding.

        Two models fed alike can be compared user by user.
        """
        return np.concatenate(self._counted) if self._counted else np.zeros(0, dtype=np.int64)

    @property
    def per_user(self) -> dict[str, np.ndarray]:
        """`[C]` for each metric but coverage, aligned with `counted`; NaN in novelty and popularity for an
        empty list.
        """
        return {
            name: np.concatenate(chunks) if chunks else np.zeros(0) for name, chunks in self._chunks.items()
        }

    def results(self) -> dict[str, float | None]:
        """The means, such as `results()["ndcg@20"]`."""
        means = {name: _mean(values[~np.isnan(values)]) for name, values in self.per_user.items()}
        coverage = {
            f"coverage@{k}": _mean(shown) if len(self.counted) else None for k, shown in self._shown.items()
        }
        names = [f"{name}@{k}" for k in self.ks for name in (*ACCURACY, "coverage", "novelty", "popularity")]
        return {name: (means | coverage)[name] for name in names}


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
