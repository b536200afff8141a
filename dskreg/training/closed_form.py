"""Item embeddings in closed form: a spectral filter of who liked what, chosen on validation.

    A = D_u^-p X D_i^-p        the likes and, below them, what was seen and not liked:
        D_s^-p S D_i^-p
    A'A = V s^2 V'
    e_i = n_i^q V_i f^1/2      f_k = s_k^2 / (s_k^2 / ridge + mean) * (1 + head [k < HEAD])
    w_i = n_i^-h / mean        weight in a history
    sum_{i in H} w_i e_i + prior * (mean of w_i e_i over all likes)      a history H

D has the lengths of rows and the items' likes n_i. Off the diagonal e_i . e_j is a ridge regression of every
item on all the others, which is what EASE is before its columns are scaled (Steck, WWW 2019), from `width`
numbers an item: for items outside the history the plain dot product ranks like it. The prior draws histories
towards what all users like, short ones most.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from dskreg.console import Progress, silent, stepwise
from dskreg.data.dataset import Folds
from dskreg.data.interactions import evenly
from dskreg.evaluation.metrics import hits, ndcg, top_items
from dskreg.training.directions import leading

EXPONENTS = (0.25, 0.15, 0.35)
GRID: dict[str, tuple[Any, ...]] = {
    "prior": (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0),
    "ridge": (7.0, 10.0, 15.0, 30.0, math.inf),
    "head": (0.0, 1.0),
}
HEAD = 64  # directions
POPULARITY, DISCOUNT = 0.1, 0.3  # q and h: no others were better on all data sets of benchmarks/
CHOOSERS = 20_000  # users whose likes decide what is chosen, at most
CHOICES = 50_000  # items among which it is chosen: the most liked of these users
CHUNK = 128  # users ranked at once
SCALED_ON, SCORES = 512, 1 << 26  # users whose loss decides the scale, as long as they have so many scores
ROWS = 1 << 15  # that are scaled at a time


@dataclass(frozen=True)
class Start:
    """What was chosen on validation, as an artifact and a checkpoint keep it."""

    exponent: float  # p: how far degrees are evened out
    ridge: float  # in units of the likes' mean eigenvalue; infinite: no shrinkage
    head: float  # extra weight of the HEAD leading directions
    prior: float = 0.0  # as many average likes are in every history
    least: int = 0  # items with fewer likes shape no direction and are folded in

    def to_json(self) -> dict[str, Any]:
        """Plain numbers; an infinite ridge is null."""
        return asdict(self) | {"ridge": self.ridge if math.isfinite(self.ridge) else None}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Start:
        """The inverse of `to_json`."""
        return cls(**document | {"ridge": math.inf if document["ridge"] is None else document["ridge"]})


FIRST = Start(EXPONENTS[0], ridge=10.0, head=0.0, prior=2.0)
"""Where the search begins, and what is taken where nothing can be measured."""


@dataclass(frozen=True)
class Directions:
    """The leading directions of the evened-out likes."""

    right: np.ndarray  # V [I, at most width]; no row for an item without likes
    squared: np.ndarray  # s^2, falling
    mean: float  # mean eigenvalue of the likes' part over the items that shape the directions

    def filtered(self, start: Start) -> np.ndarray:
        """f `[at most width]`."""
        head = 1 + start.head * (np.arange(len(self.squared)) < HEAD)
        return self.squared / (self.squared / start.ridge + self.mean) * head


def choose(folds: Folds, width: int, users: int, seed: int, progress: Progress = silent) -> Start:
    """The settings whose plain dot product ranks the validation likes best: the mean NDCG@20 over `users`
    evenly spaced users at most. Every exponent is tried; the rest is a search from the best so far.

    Of many users a sample stands for all, in the directions as well, and of many items the most liked.
    """
    asked = evenly(np.arange(folds.shape[0]), CHOOSERS)
    likes, seen, shown, wanted = (m[asked] for m in (folds.train, folds.seen, folds.shown, folds.validation))
    if likes.shape[1] > CHOICES:
        most = np.sort(np.argsort(-_count(likes), kind="stable")[:CHOICES])
        likes, seen, shown, wanted = (m[:, most] for m in (likes, seen, shown, wanted))
    judges = evenly(np.flatnonzero(np.diff(wanted.indptr) * np.diff(shown.indptr)), users)
    best, value = FIRST, -math.inf
    if not len(judges):
        return best
    with stepwise(progress, 2 * len(EXPONENTS), "start") as step:
        for exponent in EXPONENTS:
            directions = decomposed(likes, seen, exponent, width, seed)
            step()
            quality = cache(_judge(directions, likes, shown[judges], wanted[judges]))
            found = _climb(replace(best, exponent=exponent), quality)
            if quality(found) > value:
                best, value = found, quality(found)
            step()
    return best


def _climb(start: Start, quality: Callable[[Start], float]) -> Start:
    """`start` with other values of GRID: from each to the next as long as that is better, one setting after
    the other, until no neighbouring value is.
    """
    before = None
    while start != before:
        before = start
        for name, values in GRID.items():
            for way in (values, values[::-1]):
                for value in way[way.index(getattr(start, name)) + 1 :]:
                    changed = replace(start, **{name: value})
                    if quality(changed) <= quality(start):
                        break
                    start = changed
    return start


def _judge(
    directions: Directions, likes: sparse.csr_matrix, history: sparse.csr_matrix, wanted: sparse.csr_matrix
) -> Callable[[Start], float]:
    """The mean NDCG@20 by a start over the histories `[B, I]`."""
    count = _count(likes)
    liked, total = count > 0, np.diff(wanted.indptr)  # no other item has a vector
    history, wanted, weight = history[:, liked], wanted[:, liked], _weight(count)[liked]
    item = directions.right[liked] * (count[liked, None] ** POPULARITY).astype(np.float32)
    average, user = (count[liked] * weight) @ item / count.sum(), history @ (item * weight[:, None])

    def quality(start: Start) -> float:
        filtered, value = directions.filtered(start).astype(np.float32), 0.0
        for first in range(0, len(user), CHUNK):
            chunk = slice(first, first + CHUNK)
            score = ((user[chunk] + start.prior * average) * filtered) @ item.T
            value += ndcg(hits(top_items(score, history[chunk], 20), wanted[chunk]), total[chunk], 20).sum()
        return value / len(user)

    return quality


def embeddings(
    likes: sparse.csr_matrix, seen: sparse.csr_matrix, start: Start, width: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(e `[I, width]`, weights in a history `[I]`, what every history begins with `[width]`), float32;
    `likes` and `seen` are `[U, I]`.

    Columns beyond the rank are zero, and so are the rows of items without likes. The whole is scaled so that
    the softmax loss of a sample of histories is smallest: with scores far too small, training would first
    unlearn the start.
    """
    directions = decomposed(likes, seen, start.exponent, width, seed, start.least)
    count, filtered = _count(likes), directions.filtered(start)
    weight = _weight(count)
    vectors = np.zeros((len(count), width), np.float32)
    for first in range(0, len(count), ROWS):
        of = slice(first, first + ROWS)
        vectors[of, : len(filtered)] = directions.right[of] * filtered**0.5 * (count**POPULARITY)[of, None]
    del directions  # as large as the result
    prior = start.prior * ((count * weight) @ vectors) / max(1, count.sum())
    scaled_on = max(1, min(SCALED_ON, SCORES // likes.shape[1]))
    sample = likes[np.random.default_rng(seed).permutation(likes.shape[0])[:scaled_on]]
    scale = np.float32(_best_scale(vectors, weight, prior, sample) ** 0.5)
    vectors *= scale
    return vectors, weight, prior * scale


def decomposed(
    likes: sparse.csr_matrix,
    seen: sparse.csr_matrix,
    exponent: float,
    width: int,
    seed: int,
    least: int = 0,
) -> Directions:
    """The leading directions; items with `least` likes alone shape them, or all, where none has as many.

    The others get the row of V that their likes give them: V_i = a_i' A V / s^2.
    """
    count = _count(likes)
    common = count >= max(1, least)
    if not common.any():
        common = count > 0
    rare = (count > 0) & ~common
    columns = sparse.diags(np.maximum(count, 1) ** -exponent)
    of_likes, of_seen = (_evened(pairs, exponent) @ columns for pairs in (likes, seen))
    rows = sparse.csr_matrix(sparse.vstack([of_likes, of_seen]), dtype=np.float32)
    mean = float((of_likes[:, common].data ** 2).sum() / max(1, common.sum()))
    directions, squared = leading(rows[:, common], width, seed)
    # Beyond the rank there is only rounding
    kept = squared > 1e-6 * squared.max(initial=0)
    if not kept.all():
        directions, squared = directions[:, kept], squared[kept]
    # The sign is arbitrary: fix it
    directions *= np.where(directions.max(0, initial=0) >= -directions.min(0, initial=0), 1, -1)
    right = np.zeros((len(count), len(squared)), np.float32)
    right[common] = directions
    right[rare] = rows[:, rare].T @ (rows[:, common] @ (directions / squared))
    return Directions(right, squared, mean)


def _count(likes: sparse.csr_matrix) -> np.ndarray:
    """n_i `[I]`."""
    return np.asarray(likes.sum(0)).ravel()


def _weight(count: np.ndarray) -> np.ndarray:
    """w `[I]` float32, its mean over all likes 1."""
    weight = np.maximum(count, 1) ** -DISCOUNT
    return (weight * (max(1, count.sum()) / max(1, (weight * count).sum()))).astype(np.float32)


def _evened(pairs: sparse.csr_matrix, exponent: float) -> sparse.csr_matrix:
    """D^-p X: long rows count for less."""
    return sparse.diags(np.maximum(np.asarray(pairs.sum(1)).ravel(), 1) ** -exponent) @ pairs


def _best_scale(
    vectors: np.ndarray, weight: np.ndarray, prior: np.ndarray, sample: sparse.csr_matrix
) -> float:
    """What scores by the histories `[B, I]` of the sample, over the root of their lengths, should be
    multiplied by.
    """
    sample = sample[np.diff(sample.indptr) > 1]
    if not sample.shape[0]:
        return 1.0
    x = sample.toarray()
    length = x.sum(1, keepdims=True)
    # Each liked item is predicted from the others: its own share of the sum is taken out of its score
    own = x * (weight * (vectors**2).sum(1))
    score = ((sample @ (vectors * weight[:, None]) + prior) @ vectors.T - own) / length**0.5

    def loss(log_scale: float) -> float:
        return float(-(log_softmax(np.float32(math.exp(log_scale)) * score, 1) * x / length).sum())

    # The loss is convex in the scale
    bounds = (math.log(0.01), math.log(1000))
    return math.exp(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 0.05}).x)
