"""Where the default preset starts: title embeddings in closed form, and gates, both chosen on validation.

A = D_u^-p X D_i^-p, below it (where it pays) D_e^-1/2 T D_i^-p: entities of the knowledge graph as people who like what carries them
A = U S V',   e_i = n_i^q V_i (S^2 / (S^2 / ridge + mean))^1/2,   weight of a title in a history  n_i^-h / mean
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from dskreg.config import Config
from dskreg.data.dataset import VALIDATION, Dataset
from dskreg.evaluation import evaluate
from dskreg.graph import carriers, choose_relations, train_matrix
from dskreg.model import DSKReG
from dskreg.serving import Scorer, model_scorer

EXPONENTS, RIDGES, PARTS = (0.15, 0.25, 0.35), (10.0, 30.0, math.inf), (8, 4, 2, 1)
"""Tried together: how far degrees are evened out; ridge in units of the mean eigenvalue; shares of the width."""
POPULARITY = ((0.1, 0.3), (0.0, 0.0), (0.0, 0.1), (0.0, 0.2), (0.1, 0.2))  # (q, h), tried with the best of these
GATES, LEAST, BETTER = (0.03, 0.1, 0.3, 1.0), 0.01, 1.0005  # a relation's gate is LEAST unless one of these ranks so many times better
GATE_USERS = 1000  # asked about each gate


@dataclass(frozen=True)
class Start:
    """What was chosen on validation."""

    exponent: float  # p
    ridge: float
    rank: int
    popularity: float = 0.0  # q: how much longer the vectors of much liked titles are
    discount: float = 0.0  # h: how much less a much liked title says of who likes it
    knowledge: bool = False  # do entities of the knowledge graph count as people?
    gates: tuple[float, ...] = ()  # g_r; empty: as the model has them
    user_gate: float | None = None
    least: int = 0  # titles with fewer likes shape no direction: they are folded in


def start_from_svd(model: DSKReG, dataset: Dataset, config: Config, chosen: Start | None = None) -> Start:
    """Set the embeddings, the weights of titles in histories and the gates; returns what was chosen, or `chosen` where that is given.

    Where `chosen` names no gates, those of the model are chosen all the same.

    Off the diagonal e_i . e_j is a ridge regression of every title on all the others, which is what EASE is before its columns are scaled
    (Steck, WWW 2019; entities as people: Jeunen et al., RecSys 2020): for titles outside the history the plain dot product ranks like it, from `width`
    numbers a title. An infinite ridge is S^2 itself. Everything is chosen by validation NDCG@20, first of that dot product, then gate by gate of the model.
    The whole is scaled so that the softmax loss of a sample of histories is smallest: with scores far too small, training would first
    unlearn the start (docs/model.md).
    """
    spectra = Spectra(dataset, config)
    best = chosen or spectra.choose()
    vectors, weight = spectra.vectors(best)
    embedding = torch.zeros_like(model.item_embedding)
    embedding[:, : vectors.shape[1]] = torch.from_numpy(vectors).to(embedding.device)
    weight_ = torch.from_numpy(weight).to(embedding.device)
    with torch.no_grad():
        model.item_embedding.copy_(embedding * _best_scale(embedding, weight_, spectra.likes, config.seed) ** 0.5)
        if model.history_weight is not None:
            model.history_weight.copy_(weight_)
    if model.log_gate is not None and not best.gates:
        gates, user_gate = choose_gates(model, dataset, config)
        best = replace(best, gates=gates, user_gate=user_gate)
    set_gates(model, best)
    return best


class Spectra:
    """The leading directions of the normalised likes, by exponent; computed when first asked for."""

    def __init__(self, dataset: Dataset, config: Config) -> None:
        self.dataset, self.config, self.likes = dataset, config, train_matrix(dataset)
        self.width = min(config.model.width, *self.likes.shape)
        self.count = np.maximum(np.asarray(self.likes.sum(0)).ravel(), 1)  # n_i
        self._kept: dict[tuple[float, bool, int], tuple[np.ndarray, np.ndarray, float]] = {}

    def choose(self) -> Start:
        """The best on validation: exponent, ridge and rank; then popularity; then whether the knowledge graph helps."""
        discounts = self.config.model.user == "items"
        q, h = POPULARITY[0] if discounts else (0.0, 0.0)
        ranks = sorted({max(1, self.width // part) for part in PARTS})
        best = self._best(Start(p, ridge, rank, q, h) for p in EXPONENTS for ridge in RIDGES for rank in ranks)
        if discounts:
            best = self._best(replace(best, popularity=q, discount=h) for q, h in POPULARITY)
        return self._best(replace(best, knowledge=knowledge) for knowledge in (False, True)[: 1 + bool(len(self.dataset.relations))])

    def _best(self, starts: Iterable[Start]) -> Start:
        return max(starts, key=self.ndcg)

    def ndcg(self, start: Start) -> float:
        """Validation NDCG@20 of the plain dot product."""
        vectors, weight = self.vectors(start)
        scorer = dot_product(vectors, vectors * weight[:, None])
        return evaluate(scorer, self.dataset, VALIDATION, self.config.train.validation_users).results()["ndcg@20"]

    def vectors(self, start: Start) -> tuple[np.ndarray, np.ndarray]:
        """(e `[I, rank]`, weights in a history `[I]`), float32."""
        right, squared, mean = self.decomposed(start.exponent, start.knowledge, start.least)
        longer = right[:, : start.rank] * np.sqrt(squared / (squared / start.ridge + mean))[: start.rank] * (self.count**start.popularity)[:, None]
        weight = self.count**-start.discount
        return longer.astype(np.float32), (weight / weight[self.likes.indices].mean()).astype(np.float32)

    def decomposed(self, exponent: float, knowledge: bool, least: int = 0) -> tuple[np.ndarray, np.ndarray, float]:
        """(V `[I, width]`, S^2 `[width]` falling, the mean eigenvalue of the likes' part over titles with `least` likes).

        These titles alone shape the directions; the others get the row of V that their likes give them: V_i = a_i U / S.
        """
        key = (exponent, knowledge, least)
        if key not in self._kept:
            from sklearn.utils.extmath import randomized_svd  # slow to import, and only needed here

            columns = sparse.diags(self.count**-exponent)
            normal = sparse.diags(np.maximum(np.asarray(self.likes.sum(1)).ravel(), 1) ** -exponent) @ self.likes @ columns
            likes = np.asarray(self.likes.sum(0)).ravel()
            common = likes >= least
            common |= not common.any()
            mean = float((normal[:, common].data ** 2).sum() / max(1, np.count_nonzero(likes[common])))
            rows = sparse.csr_matrix(sparse.vstack([normal, self._entities() @ columns]) if knowledge else normal)
            left, value, of_common = randomized_svd(rows[:, common], min(self.width, common.sum()), n_iter=4, random_state=self.config.seed)
            value = np.where(value > 1e-6 * value.max(initial=0), value, 0)  # beyond the rank there is only rounding
            right = np.empty((len(common), len(value)), of_common.dtype)
            right[common] = of_common.T
            right[~common] = rows[:, ~common].T @ np.divide(left, value, out=np.zeros_like(left), where=value > 0)
            right[np.diff(rows.tocsc().indptr) == 0] = 0  # what nobody likes has no direction, not even that of a rounding error
            right *= np.where(np.abs(of_common).max(1) == of_common.max(1), 1, -1)  # the sign is arbitrary: fix it
            self._kept[key] = right, value.astype(np.float64) ** 2, mean
        return self._kept[key]

    def _entities(self) -> sparse.csr_matrix:
        """One row per entity that two titles or more carry, of length 1."""
        relations = choose_relations(self.dataset, self.config.graph)
        parts = [carriers(self.dataset, r, self.config.graph.max_share).T for r in relations]
        carried = sparse.vstack([*parts, sparse.csr_matrix((0, len(self.count)), dtype=np.float32)]).tocsr()
        size = np.diff(carried.indptr)
        return sparse.diags(size[size > 1] ** -0.5) @ carried[size > 1]


def dot_product(vectors: np.ndarray, of_history: np.ndarray) -> Scorer:
    """Scores `[B, I]`: the sum of a history's vectors times every title's."""
    return lambda users, history: np.asarray((history @ of_history) @ vectors.T)


def choose_gates(model: DSKReG, dataset: Dataset, config: Config) -> tuple[tuple[float, ...], float]:
    """(g_r, g of the user side), one after another: the smallest, unless a larger one ranks the validation titles better."""

    def ndcg() -> float:
        asked = min(GATE_USERS, config.train.validation_users)
        return evaluate(model_scorer(model), dataset, VALIDATION, asked).results()["ndcg@20"]

    assert model.log_gate is not None and model.log_user_gate is not None
    training = model.training
    model.eval()
    with torch.no_grad():
        for log_gates in (model.log_gate, model.log_user_gate):
            log_gates.fill_(math.log(LEAST))
        best = ndcg()
        for log_gates in (model.log_gate, model.log_user_gate):
            for place in range(len(log_gates)):
                best = _climb(log_gates, place, best, ndcg)
    model.train(training)
    return tuple(model.log_gate.exp().tolist()), float(model.log_user_gate.detach().exp())


def _climb(log_gates: Tensor, place: int, best: float, ndcg: Callable[[], float]) -> float:
    """Put the best of GATES at the place where it betters `best`; returns the best."""
    kept = float(log_gates[place])
    for gate in GATES:
        log_gates[place] = math.log(gate)
        found = ndcg()
        if found > best * BETTER:
            best, kept = found, math.log(gate)
    log_gates[place] = kept
    return best


def set_gates(model: DSKReG, start: Start) -> None:
    """The gates of `start`, where it names any."""
    with torch.no_grad():
        if model.log_gate is not None and start.gates:
            model.log_gate.copy_(torch.tensor(start.gates).log())
        if model.log_user_gate is not None and start.user_gate is not None:
            model.log_user_gate.fill_(math.log(start.user_gate))


def _best_scale(embedding: Tensor, weight: Tensor, likes: sparse.csr_matrix, seed: int) -> float:
    sample = likes[np.random.default_rng(seed).permutation(likes.shape[0])[:512]]
    x = torch.from_numpy(sample.toarray()).to(embedding.device)
    x = x[x.sum(1) > 1]
    if not len(x):
        return 1.0
    total, count = (x * weight) @ embedding, x.sum(1, keepdim=True)
    own = x * weight * (embedding**2).sum(1)
    losses_ = {}
    for scale in np.geomspace(0.01, 1000, 31).tolist():
        # Each liked title is predicted from the others: its own share of the sum is taken out of its score.
        score = scale * (total @ embedding.T - own) / count**0.5
        losses_[scale] = float(-(torch.log_softmax(score, 1) * x / count).sum() / len(x))
    return min(losses_, key=lambda s: losses_[s])
