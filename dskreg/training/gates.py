"""The first gates, chosen on validation.

`train.gates_by` = cold, in three steps:

1. The relative gates of the knowledge graph's relations are chosen on cold items: some items lose their likes
   and are ranked among themselves, by their neighbours alone.
2. The common scale of these gates is chosen on all items: the largest that costs next to nothing there.
3. The gates of co-liked and of the user's picks are chosen on all items: the smallest gate, unless a
   larger one ranks better.

`all`: every relation's gate is chosen by step 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from dskreg.config import Config
from dskreg.console import Progress, silent, stepwise
from dskreg.data.dataset import TRAIN, VALIDATION, Dataset
from dskreg.data.interactions import evenly, padded
from dskreg.evaluation.evaluate import validation_ndcg
from dskreg.evaluation.metrics import ndcg_of
from dskreg.evaluation.ranking import model_scorer
from dskreg.graph.entities import choose_relations
from dskreg.model.dskreg import UNKNOWN_USER, DSKReG
from dskreg.model.scoring import Catalogue

GATES, LEAST, MIDDLE = (0.03, 0.1, 0.3, 1.0), 0.01, 0.1
# Another gate is taken if it ranks so many times better: all items, or cold ones, of which there are fewer
BETTER, BETTER_COLD = 1.0005, 1.005
HARM = 1.003  # another split changes more
COLD, TENTHS = 0.1, 3  # so many shares of the items lose their likes, each by itself
USERS = 1000  # asked about each gate
ROUNDS, TRIED = 2, 1 + len(GATES)  # of all relations where cold items compete; gates tried for each


def choose_gates(
    model: DSKReG, dataset: Dataset, config: Config, progress: Progress = silent
) -> tuple[tuple[float, ...], float]:
    """(g_r, g of the user side), set in the model as well."""
    knowledge = len(choose_relations(dataset, config.graph))
    # Of the relations whose gates are chosen where all items compete
    first = knowledge if config.train.gates_by == "cold" else 0
    gates = len(model.relation_embedding)
    tried = (1 + ROUNDS * first * TRIED + TRIED) * bool(first) + 1 + (gates - first + 1) * TRIED
    with stepwise(progress, tried, "gates") as step:
        return _choose_gates(model, dataset, config, first, knowledge, step)


@torch.no_grad()
def _choose_gates(
    model: DSKReG, dataset: Dataset, config: Config, first: int, knowledge: int, step: Callable[[], object]
) -> tuple[tuple[float, ...], float]:
    assert model.log_gate is not None and model.log_user_gate is not None
    training = model.training
    model.eval()
    log_gate = model.log_gate
    for log_gates in (log_gate, model.log_user_gate):
        log_gates.fill_(math.log(LEAST))

    def warm(users: int = USERS) -> float:
        step()
        return validation_ndcg(model_scorer(model), dataset, min(users, config.train.validation_users))

    if first:
        log_gate[:first] = math.log(MIDDLE)  # from here each gate may rise or fall
        _proportions(log_gate[:first], _probes(model, dataset, config.seed, knowledge), step)
        _largest_harmless_scale(log_gate[:first], lambda: warm(config.train.validation_users))
    best = warm()
    for log_gates, places in ((log_gate, range(first, len(log_gate))), (model.log_user_gate, range(1))):
        for place in places:
            best = _climb(log_gates, place, best, warm)
    model.train(training)
    return tuple(log_gate.exp().tolist()), float(model.log_user_gate.exp())


def _probes(model: DSKReG, dataset: Dataset, seed: int, co_liked: int) -> list[ColdItemProbe]:
    likes = dataset.folds.likes(TRAIN, VALIDATION)
    titles = np.random.default_rng([seed, 2]).permutation(np.flatnonzero(np.asarray(likes.sum(0)).ravel()))
    return [
        ColdItemProbe(model, likes, part, co_liked)
        for part in np.array_split(titles, round(1 / COLD))[:TENTHS]
    ]


class ColdItemProbe:
    """Some items without their likes: they have no vector and no co-liked candidate, and are ranked among
    themselves by their neighbours alone.
    """

    def __init__(self, model: DSKReG, likes: sparse.csr_matrix, titles: np.ndarray, co_liked: int) -> None:
        """`titles` in no order, since equal scores say nothing; `likes` `[U, I]` of all users; `co_liked`:
        that relation's number.
        """
        others = np.ones(likes.shape[1], dtype=np.float32)
        others[titles] = 0
        history, target = sparse.csr_matrix(likes.multiply(others)), likes[:, titles]
        history.eliminate_zeros()
        users = np.flatnonzero(np.diff(target.indptr) * np.diff(history.indptr))
        users = evenly(users, USERS)
        self.model, self.wanted = model, target[users]
        self.titles = torch.from_numpy(titles).to(model.item_embedding.device)
        self.without = model.relation[self.titles] == co_liked
        self.vectors = model.item_embedding[self.titles].clone()
        with self._bare():
            unknown = torch.full((len(users),), UNKNOWN_USER, device=self.titles.device)
            self.user = model.user_hop(
                unknown, torch.from_numpy(padded(history[users])).to(self.titles.device)
            ).output

    @contextmanager
    def _bare(self) -> Iterator[None]:
        self.model.item_embedding[self.titles] = 0
        try:
            yield
        finally:
            self.model.item_embedding[self.titles] = self.vectors

    def ndcg(self) -> float:
        """NDCG@20 by the gates as they are; 0 over no user."""
        if not len(self.user):
            return 0.0
        with self._bare():
            score = Catalogue.of(
                self.model, self.titles, self.model.draw_items(self.titles, without=self.without)
            ).scores(self.user)
        return float(ndcg_of(score.T.float().cpu().numpy(), None, self.wanted).mean())


def _proportions(log_gates: Tensor, probes: list[ColdItemProbe], step: Callable[[], object]) -> None:
    """Relation by relation, what ranks the cold items best."""

    def cold() -> float:
        step()
        return float(np.mean([probe.ndcg() for probe in probes]))

    best = cold()
    for _ in range(ROUNDS):  # what the first relations should be depends on the later ones
        for place in range(len(log_gates)):
            best = _climb(log_gates, place, best, cold, BETTER_COLD)


def _climb(
    log_gates: Tensor, place: int, best: float, quality: Callable[[], float], times: float = BETTER
) -> float:
    """Put the best of LEAST and GATES at the place where it betters `best` by so many `times`; returns the
    best.
    """
    kept = float(log_gates[place])
    for gate in (LEAST, *GATES):
        log_gates[place] = math.log(gate)
        found = quality()
        if found > best * times:
            best, kept = found, math.log(gate)
    log_gates[place] = kept
    return best


def _largest_harmless_scale(log_gates: Tensor, quality: Callable[[], float]) -> None:
    """Bring the largest gate to the largest of LEAST and GATES that ranks nearly as well as any, the others
    in proportion.
    """
    proportion = log_gates - log_gates.max()
    found = {}
    for largest in (LEAST, *GATES):
        log_gates.copy_(proportion + math.log(largest))
        found[largest] = quality()
    most = max(found.values())
    largest = max(gate for gate, reached in found.items() if reached * HARM >= most) if most else LEAST
    log_gates.copy_(proportion + math.log(largest))
