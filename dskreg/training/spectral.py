"""Item vectors in closed form: spectral filters of who liked what, alone or mixed, chosen on validation.

    A = D_u^-p X D_i^-p          the likes, with (where validation says so) further rows below:
        D_s^-p S D_i^-p          what each user has seen and not liked
        D_e^-1/2 T D_i^-p        which items carry each entity of the knowledge graph
    A = U S V'
    kernel   e_i = n_i^q V_i (S^2 / (S^2 / ridge + mean))^1/2
    weight   n_i^-h / mean       of an item in a history
    mixture  e_i . e_j = sum_k share_k e_i^k . e_j^k

The kernels of a mixture are scaled to scores of one standard deviation, and the mixture is the nearest
product of `width` numbers an item.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
from scipy import sparse

from dskreg.config import Config
from dskreg.console import Progress, silent, stepwise
from dskreg.data.dataset import Dataset
from dskreg.data.interactions import evenly
from dskreg.evaluation.evaluate import validation_ndcg
from dskreg.evaluation.metrics import ndcg_of
from dskreg.evaluation.ranking import Scorer
from dskreg.graph.entities import carriers, choose_relations
from dskreg.training.start import Kernel, Start

EXPONENTS, RIDGES, PARTS = (0.15, 0.25, 0.35), (10.0, math.inf), (16, 8, 4, 2, 1)
"""Tried together: how far degrees are evened out; ridge in units of the mean eigenvalue; shares of the width.
"""
# (q, h), tried with the best of these
POPULARITY = ((0.1, 0.3), (0.0, 0.0), (0.0, 0.1), (0.0, 0.2), (0.1, 0.2))
# Once the further rows are chosen, which shift the best ridge
FINE_RIDGES, FINE_PARTS = (7.0, 10.0, 15.0, 20.0, 30.0), (2, 1)
MIXED_PARTS, SHARES = (8, 1), (0.15, 0.3, 0.5)
"""What may be mixed in, at every exponent, with the first kernel's ridge or none, and with which share."""
KERNELS, BETTER = 4, 1.0005  # at most; another kernel must rank so many times better
SCORES = 25_000_000  # numbers `[users, I]` held for one kernel while mixing
SPREAD_OVER = 500  # users
# Users whose likes decide what is chosen, at most; the vectors themselves come from all users
CHOOSERS = 20_000


class Spectra:
    """The leading directions of the normalised likes, by exponent and by further rows; computed when
    first requested.
    """

    def __init__(self, dataset: Dataset, config: Config) -> None:
        self.dataset, self.config, self.likes = dataset, config, dataset.folds.train
        self.seen = dataset.folds.seen
        self.width = min(config.model.width, *self.likes.shape)
        self.count = np.maximum(np.asarray(self.likes.sum(0)).ravel(), 1)  # n_i
        self._kept: dict[tuple[float, bool, bool, int], tuple[np.ndarray, np.ndarray, float]] = {}
        self._spreads: dict[tuple[Kernel, float, float, int], float] = {}
        self._step: Callable[[], object] = lambda: None  # one more was tried

    def choose(self, progress: Progress = silent) -> Start:
        """The best on validation: exponent, ridge and rank; then popularity; then the further rows;
        the first three finer; then what is mixed in.
        """
        with stepwise(progress, self._most_tried(), "start") as self._step:
            return self._choose()

    def _most_tried(self) -> int:
        """How many starts and mixtures `choose` tries, where as many kernels are mixed as may be."""
        kernels = [
            len(list(self._kernels(ridges, parts)))
            for ridges, parts in ((RIDGES, PARTS), (FINE_RIDGES, FINE_PARTS), (RIDGES, MIXED_PARTS))
        ]
        mixed = KERNELS + (KERNELS - 1) * kernels[2] * min(2, len(self._asked()))
        return kernels[0] + len(POPULARITY) * self._discounts() + len(self._asked()) + 1 + kernels[1] + mixed

    def _discounts(self) -> bool:
        return self.config.model.user == "items"

    def _asked(self) -> list[tuple[bool, bool]]:
        """(knowledge, seen): which further rows are tried."""
        return [
            (k, s)
            for s in (False, True)[: 1 + bool(self.seen.nnz)]
            for k in (False, True)[: 1 + bool(len(self.dataset.relations))]
        ]

    def _choose(self) -> Start:
        discounts = self._discounts()
        q, h = POPULARITY[0] if discounts else (0.0, 0.0)
        best = self._best(Start((kernel,), q, h) for kernel in self._kernels(RIDGES, PARTS))
        if discounts:
            best = self._best(replace(best, popularity=q, discount=h) for q, h in POPULARITY)
        best = self._best(
            replace(best, kernels=(replace(best.kernels[0], knowledge=k, seen=s),)) for k, s in self._asked()
        )
        first = best.kernels[0]
        finer = (
            replace(kernel, knowledge=first.knowledge, seen=first.seen)
            for kernel in self._kernels(FINE_RIDGES, FINE_PARTS)
        )
        return self._mixed(self._best([best, *(replace(best, kernels=(kernel,)) for kernel in finer)]))

    def _kernels(self, ridges: Iterable[float], parts: Iterable[int]) -> Iterator[Kernel]:
        ranks = sorted({max(1, self.width // part) for part in parts})
        return (Kernel(p, ridge, rank) for p in EXPONENTS for ridge in ridges for rank in ranks)

    def _best(self, starts: Iterable[Start]) -> Start:
        return max(starts, key=self.ndcg)

    def ndcg(self, start: Start) -> float:
        """Validation NDCG@20 of the plain dot product; 0 where no user has a validation item."""
        self._step()
        vectors, weight = self.vectors(start)
        scorer = dot_product(vectors, vectors * weight[:, None])
        return validation_ndcg(scorer, self.dataset, self.config.train.validation_users)

    def _mixed(self, best: Start) -> Start:
        """Kernels mixed in one after another, each time the kernel and share that rank the validation items
        best, as long as that is an improvement.
        """
        target = self.dataset.folds.validation
        users = np.flatnonzero(np.diff(target.indptr))
        if not len(users):
            return best
        most = min(self.config.train.validation_users, max(100, SCORES // len(self.count)))
        users = evenly(users, most)
        history, wanted = self.dataset.folds.shown[users], target[users]

        def scores(kernel: Kernel) -> np.ndarray:
            self._step()
            vectors, weight = self._unit(kernel, best)
            return (history @ (vectors * weight[:, None])) @ vectors.T

        def quality(score: np.ndarray) -> float:
            return float(ndcg_of(score, history, wanted).mean())

        first = best.kernels[0]
        sides = dict.fromkeys([(False, False), (first.knowledge, first.seen)])
        pool = [
            replace(kernel, knowledge=k, seen=s)
            for kernel in self._kernels(sorted({first.ridge, math.inf}), MIXED_PARTS)
            for k, s in sides
        ]
        kernels, total = best.kernels, scores(first)
        reached = quality(total)
        while len(kernels) < KERNELS:
            tried = (
                (quality((1 - share) * total + share * other), kernel, share)
                for kernel in pool
                for other in [scores(kernel)]
                for share in SHARES
            )
            found = max(tried, key=lambda outcome: outcome[0])
            if found[0] <= reached * BETTER:
                break
            reached, added, share = found
            total = (1 - share) * total + share * scores(added)
            kernels = (
                *(replace(kernel, share=kernel.share * (1 - share)) for kernel in kernels),
                replace(added, share=share),
            )
        return replace(best, kernels=kernels)

    def vectors(self, start: Start) -> tuple[np.ndarray, np.ndarray]:
        """(e `[I, at most width]`, weights in a history `[I]`), float32."""
        if len(start.kernels) == 1:
            return self._filtered(start.kernels[0], start), self._weight(start)
        parts = [self._unit(kernel, start)[0] * kernel.share**0.5 for kernel in start.kernels]
        return narrowed(np.hstack(parts), self.width), self._weight(start)

    def _weight(self, start: Start) -> np.ndarray:
        weight = self.count**-start.discount
        return (weight / weight[self.likes.indices].mean()).astype(np.float32)

    def _unit(self, kernel: Kernel, start: Start) -> tuple[np.ndarray, np.ndarray]:
        """The kernel's vectors, their scores of one spread, and weights in a history."""
        vectors, weight = self._filtered(kernel, start), self._weight(start)
        key = (replace(kernel, share=1.0), start.popularity, start.discount, start.least)
        if key not in self._spreads:
            users = np.flatnonzero(np.diff(self.likes.indptr))
            some = self.likes[evenly(users, SPREAD_OVER)]
            self._spreads[key] = float(((some @ (vectors * weight[:, None])) @ vectors.T).std()) or 1.0
        return vectors / np.float32(self._spreads[key] ** 0.5), weight

    def _filtered(self, kernel: Kernel, start: Start) -> np.ndarray:
        right, squared, mean = self.decomposed(kernel.exponent, kernel.knowledge, kernel.seen, start.least)
        filter_ = np.sqrt(squared / (squared / kernel.ridge + mean))[: kernel.rank]
        return (right[:, : kernel.rank] * filter_ * (self.count**start.popularity)[:, None]).astype(
            np.float32
        )

    def decomposed(
        self, exponent: float, knowledge: bool = False, seen: bool = False, min_likes: int = 0
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """(V `[I, width]`, S^2 `[width]` falling, the mean eigenvalue of the likes' part over items with
        `min_likes` likes).

        These items alone shape the directions; the others get the row of V that their likes give them: V_i =
        a_i U / S.
        """
        key = (exponent, knowledge, seen, min_likes)
        if key not in self._kept:
            from sklearn.utils.extmath import randomized_svd  # slow to import, and only needed here

            columns = sparse.diags(self.count**-exponent)
            normal = scaled_rows(self.likes, exponent) @ columns
            likes = np.asarray(self.likes.sum(0)).ravel()
            common = likes >= min_likes
            common |= not common.any()
            mean = float((normal[:, common].data ** 2).sum() / max(1, np.count_nonzero(likes[common])))
            further = [self._entities() @ columns] * knowledge + [
                scaled_rows(self.seen, exponent) @ columns
            ] * seen
            rows = sparse.csr_matrix(sparse.vstack([normal, *further]))
            left, value, of_common = randomized_svd(
                rows[:, common], min(self.width, common.sum()), n_iter=4, random_state=self.config.seed
            )
            # Beyond the rank there is only rounding
            value = np.where(value > 1e-6 * value.max(initial=0), value, 0)
            right = np.empty((len(common), len(value)), of_common.dtype)
            right[common] = of_common.T
            right[~common] = rows[:, ~common].T @ np.divide(
                left, value, out=np.zeros_like(left), where=value > 0
            )
            # What is in no row has no direction, not even that of a rounding error
            right[np.diff(rows.tocsc().indptr) == 0] = 0
            # The sign is arbitrary: fix it
            right *= np.where(np.abs(of_common).max(1) == of_common.max(1), 1, -1)
            self._kept[key] = right, value.astype(np.float64) ** 2, mean
        return self._kept[key]

    def _entities(self) -> sparse.csr_matrix:
        """One row per entity that two items or more carry, of length 1."""
        relations = choose_relations(self.dataset, self.config.graph)
        parts = [carriers(self.dataset, r, self.config.graph.max_share).T for r in relations]
        carried = sparse.vstack([*parts, sparse.csr_matrix((0, len(self.count)), dtype=np.float32)]).tocsr()
        size = np.diff(carried.indptr)
        return sparse.diags(size[size > 1] ** -0.5) @ carried[size > 1]


def of_some(dataset: Dataset) -> Dataset:
    """What CHOOSERS evenly spaced users saw and liked, or all of it: settings are found in a part of the
    time that the spectra of all users would take.
    """
    count = len(dataset.user_ids)
    if count <= CHOOSERS:
        return dataset
    asked = np.zeros(count, dtype=bool)
    asked[evenly(np.arange(count), CHOOSERS)] = True
    kept = asked[dataset.user]
    return replace(
        dataset, **{name: getattr(dataset, name)[kept] for name in ("user", "item", "liked", "fold")}
    )


def scaled_rows(pairs: sparse.csr_matrix, exponent: float) -> sparse.csr_matrix:
    """D_u^-p X: long lists count for less."""
    return sparse.diags(np.maximum(np.asarray(pairs.sum(1)).ravel(), 1) ** -exponent) @ pairs


def narrowed(vectors: np.ndarray, width: int) -> np.ndarray:
    """`[I, width]` float32 whose dot products are as near to those of `vectors` `[I, D]` as they can be;
    `vectors` where they are not wider.
    """
    if vectors.shape[1] <= width:
        return vectors
    directions = np.linalg.eigh((vectors.T @ vectors).astype(np.float64))[1][:, : -width - 1 : -1]
    directions *= np.where(np.abs(directions).max(0) == directions.max(0), 1, -1)
    return vectors @ directions.astype(np.float32)


def dot_product(vectors: np.ndarray, of_history: np.ndarray) -> Scorer:
    """Scores `[B, I]`: the sum of a history's vectors times every item's."""
    return lambda users, history: np.asarray((history @ of_history) @ vectors.T)
