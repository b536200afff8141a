"""The similarity of two ranked lists: pure functions on lists of ids, best first.

With A_k, B_k the first k of each, X_k = |A_k and B_k|, s <= l the lengths of the two lists:

    Jaccard@k            X_k / |A_k or B_k|
    rank-biased overlap  (1-p)/p ( sum_{d<=l} X_d/d p^d + sum_{s<d<=l} X_s (d-s)/(s d) p^d )
                         + ((X_l - X_s)/l + X_s/s) p^l

Rank-biased overlap is RBO_ext, equation 32 of Webber, Moffat & Zobel, ACM TOIS 28(4), 2010. It extrapolates
the observed agreement beyond the ends of the lists.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

# p: the probability of reading on after each rank; with .9 the first ten ranks carry 86 % of the weight
PERSISTENCE = 0.9


def depths(first: Sequence[Hashable], second: Sequence[Hashable]) -> tuple[np.ndarray, np.ndarray]:
    """(X_k, |A_k or B_k|) for every depth k up to the longer length, both `[n]`.

    Raises:
        ValueError: A list holds an id twice.
    """
    for ids in (first, second):
        if len(set(ids)) < len(ids):
            raise ValueError("ranked list: expected every id once")
    a, b, rows = set[Hashable](), set[Hashable](), []
    for k in range(max(len(first), len(second))):
        a.update(first[k : k + 1])
        b.update(second[k : k + 1])
        common = len(a & b)
        rows.append((common, len(a) + len(b) - common))
    table = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def jaccard(first: Sequence[Hashable], second: Sequence[Hashable]) -> np.ndarray:
    """Jaccard@k for every depth k up to the longer length, `[n]`; past its end, a list stays whole."""
    shared, union = depths(first, second)
    return shared / np.maximum(union, 1)


def rank_biased_overlap(
    first: Sequence[Hashable], second: Sequence[Hashable], p: float = PERSISTENCE
) -> float:
    """1 for identical lists, 0 for disjoint or empty ones; agreement near the top counts more."""
    if not 0 < p < 1:
        raise ValueError(f"p: expected between 0 and 1 (got {p})")
    s, length = sorted((len(first), len(second)))
    if not s:
        return 0.0
    shared, _ = depths(first, second)
    d, weight = np.arange(1, length + 1), p ** np.arange(1, length + 1)
    at_s, at_l = shared[s - 1], shared[-1]
    seen = (shared / d * weight).sum() + (at_s * (d[s:] - s) / (s * d[s:]) * weight[s:]).sum()
    return float((1 - p) / p * seen + ((at_l - at_s) / length + at_s / s) * p**length)


def kendall_tau(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """1 if the common ids have the same order, -1 if the opposite; None for fewer than two common ids."""
    place = {item: rank for rank, item in enumerate(second)}
    order = [place[item] for item in first if item in place]
    if len(order) < 2:
        return None
    from scipy.stats import kendalltau

    return float(kendalltau(np.arange(len(order)), order).statistic)


def moves(first: Sequence[Hashable], second: Sequence[Hashable]) -> pd.DataFrame:
    """item_id, first, second, up of every id in either list, the best rank first.

    `first` and `second` are its ranks, missing where a list lacks it; `up` is its rank in the first list
    minus its rank in the second.
    """
    ranks = [{item: rank for rank, item in enumerate(ids, 1)} for ids in (first, second)]
    last = len(first) + len(second) + 1
    ids = sorted(
        dict.fromkeys([*first, *second]),
        key=lambda item: (min(rank.get(item, last) for rank in ranks), item not in ranks[0]),
    )
    frame = pd.DataFrame({"item_id": pd.Series(ids, dtype=object)})
    for name, rank in zip(("first", "second"), ranks, strict=True):
        frame[name] = pd.array([rank.get(item) for item in ids], dtype="Int64")
    return frame.assign(up=frame["first"] - frame["second"])


@dataclass(frozen=True)
class Overlap:
    """The comparison of two lists."""

    first: int  # their lengths
    second: int
    common: int
    jaccard: np.ndarray  # [n], by depth
    rbo: float
    tau: float | None  # None: fewer than two in common
    moves: pd.DataFrame

    @classmethod
    def of(cls, first: Sequence[Hashable], second: Sequence[Hashable]) -> Overlap:
        """All figures of two lists of ids."""
        common, tau = len(set(first) & set(second)), kendall_tau(first, second)
        return cls(
            len(first),
            len(second),
            common,
            jaccard(first, second),
            rank_biased_overlap(first, second),
            tau,
            moves(first, second),
        )
