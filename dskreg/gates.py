"""The first gates, chosen on validation.

How loud the relations of the knowledge graph are beside each other is chosen where their neighbours are all that is known: a tenth of the titles lose
their likes and are ranked among themselves. How loud all of them are, and then co-liked and the user's picks, is chosen where all titles compete:
as loud as does no harm there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from dskreg.config import Config
from dskreg.data.dataset import TRAIN, VALIDATION, Dataset
from dskreg.evaluation import evaluate
from dskreg.graph import choose_relations, train_matrix
from dskreg.histories import padded
from dskreg.metrics import hits, ndcg, top_items
from dskreg.model import NOBODY, DSKReG
from dskreg.scoring import Catalogue
from dskreg.serving import model_scorer

GATES, LEAST = (0.03, 0.1, 0.3, 1.0), 0.01
BETTER = 1.0005  # one of GATES is taken in the place of LEAST if it ranks so many times better
USERS = 1000  # asked about cold titles
COLD = 0.1  # of the titles


@torch.no_grad()
def choose_gates(model: DSKReG, dataset: Dataset, config: Config) -> tuple[tuple[float, ...], float]:
    """(g_r, g of the user side), set in the model as well."""
    assert model.log_gate is not None and model.log_user_gate is not None
    training = model.training
    model.eval()
    log_gate, knowledge = model.log_gate, len(choose_relations(dataset, config.graph))
    for log_gates in (log_gate, model.log_user_gate):
        log_gates.fill_(math.log(LEAST))
    with _chilled(model, dataset, config.seed, knowledge) as quality:
        if quality is not None:
            best = quality()
            for _ in range(2):  # what the first relations should be depends on the later ones
                for place in range(knowledge):
                    best = _climb(log_gate, place, best, quality)

    def warm() -> float:
        return evaluate(model_scorer(model), dataset, VALIDATION, config.train.validation_users).results()["ndcg@20"]

    if knowledge:
        best = _as_loud_as_does_no_harm(log_gate[:knowledge], warm)
    else:
        best = warm()
    for log_gates, places in ((log_gate, range(knowledge, len(log_gate))), (model.log_user_gate, range(1))):
        for place in places:
            best = _climb(log_gates, place, best, warm)
    model.train(training)
    return tuple(log_gate.exp().tolist()), float(model.log_user_gate.exp())


@contextmanager
def _chilled(model: DSKReG, dataset: Dataset, seed: int, co_liked: int) -> Iterator[Callable[[], float] | None]:
    """NDCG@20 of some titles among themselves by their neighbours alone: they have no vector, and no co-liked candidate. None: too few to ask."""
    likes = train_matrix(dataset, (TRAIN, VALIDATION))
    liked = np.flatnonzero(np.asarray(likes.sum(0)).ravel())
    cold = np.random.default_rng([seed, 2]).permutation(liked)[: round(COLD * len(liked))]  # in no order: equal scores say nothing
    others = np.ones(likes.shape[1], dtype=np.float32)
    others[cold] = 0
    history, target = likes.multiply(others).tocsr(), likes[:, cold]
    history.eliminate_zeros()
    people = np.flatnonzero(np.diff(target.indptr) * np.diff(history.indptr))
    if not co_liked or not len(people):
        yield None
        return
    people = people[np.linspace(0, len(people) - 1, min(len(people), USERS)).astype(int)]
    device = model.item_embedding.device
    titles = torch.from_numpy(cold).to(device)
    without = model.relation[titles] == co_liked
    kept = model.item_embedding[titles].clone()
    model.item_embedding[titles] = 0
    nobody = torch.full((len(people),), NOBODY, device=device)
    user = model.user_hop(nobody, torch.from_numpy(padded(history[people])).to(device)).output
    wanted = target[people]

    def quality() -> float:
        score = Catalogue.of(model, titles, model.draw_items(titles, without=without)).scores(user)
        ranked = top_items(score.T.float().cpu().numpy(), None, 20)
        return float(ndcg(hits(ranked, wanted), np.diff(wanted.indptr), 20).mean())

    try:
        yield quality
    finally:
        model.item_embedding[titles] = kept


def _climb(log_gates: Tensor, place: int, best: float, quality: Callable[[], float]) -> float:
    """Put the best of GATES at the place where it betters `best`; returns the best."""
    kept = float(log_gates[place])
    for gate in (LEAST, *GATES):
        log_gates[place] = math.log(gate)
        found = quality()
        if found > best * BETTER:
            best, kept = found, math.log(gate)
    log_gates[place] = kept
    return best


def _as_loud_as_does_no_harm(log_gates: Tensor, quality: Callable[[], float]) -> float:
    """Bring the largest gate to the largest of LEAST and GATES that ranks as well as any, the others in proportion; returns how well."""
    proportion = log_gates - log_gates.max()
    found = {}
    for loudest in (LEAST, *GATES):
        log_gates.copy_(proportion + math.log(loudest))
        found[loudest] = quality()
    most = max(found.values())
    loudest = max(gate for gate, reached in found.items() if reached * BETTER >= most) if most else LEAST
    log_gates.copy_(proportion + math.log(loudest))
    return found[loudest]
