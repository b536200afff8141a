"""The first gates: relations that say something are louder than those that do not, and all of them as loud as
does no harm.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from dskreg.training.gates import choose_gates
from scipy import sparse

from dskreg.config import Config, ModelConfig
from dskreg.data.dataset import CO_LIKED, TRAIN, VALIDATION, Dataset
from dskreg.data.interactions import train_matrix
from dskreg.evaluation.evaluate import evaluate
from dskreg.evaluation.metrics import hits, ndcg, top_items
from dskreg.evaluation.ranking import model_scorer
from dskreg.graph.candidates import build
from dskreg.model.dskreg import DSKReG
from dskreg.training import gates
from tests.tiny_runs import noisy, settings
from tests.worlds import EVERYTHING, checkerboard

CONFIG = replace(Config(), graph=EVERYTHING, model=ModelConfig(width=16, picks=3))


def begun(data: Dataset, config: Config = CONFIG) -> DSKReG:
    """A model of the data whose embeddings are those of an SVD of the likes, before any gate was chosen."""
    torch.manual_seed(0)
    model = DSKReG(config.model, build(data, config.graph), len(data.user_ids))
    right = np.linalg.svd(train_matrix(data).toarray(), full_matrices=False)[2][: config.model.width]
    with torch.no_grad():
        model.item_embedding.zero_()
        model.item_embedding[:, : len(right)] = torch.from_numpy(right.T)
    return model


def test_a_relation_that_says_something_is_louder_than_one_that_does_not() -> None:
    """Parity decides who likes what on the checkerboard; shelves say nothing."""
    data = checkerboard()
    model = begun(data)
    before = model.item_embedding.detach().clone()
    found, user_gate = choose_gates(model, data, CONFIG)
    assert build(data, EVERYTHING).relations == ("parity", "shelf", CO_LIKED)
    assert found[0] >= 2.9 * found[1] and any(found[0] == pytest.approx(gate) for gate in gates.GATES)
    torch.testing.assert_close(model.item_embedding.detach(), before, rtol=0, atol=0)
    assert model.gate is not None and tuple(model.gate.tolist()) == found and model.training
    assert isinstance(model.user_gate, torch.Tensor) and float(model.user_gate.detach()) == pytest.approx(
        user_gate
    )


def test_cold_items_rank_as_if_they_had_no_likes() -> None:
    """The same ranking from a model in which these items have no vector, over a graph without their co-liked
    ties.
    """
    data = noisy(60, 40)
    model = begun(data)
    likes = train_matrix(data, (TRAIN, VALIDATION))
    titles = np.array([7, 3, 21, 12])
    with torch.no_grad():
        found = gates.ColdItemProbe(model, likes, titles, len(data.relations)).ndcg()
    assert not (model.item_embedding == 0).all(1).any(), "they have their vectors again"
    likes, cold = likes.toarray(), np.isin(np.arange(40), titles)
    other = begun(data)
    with torch.no_grad():
        other.item_embedding[torch.from_numpy(cold)] = 0
    co_liked = (other.relation == len(data.relations)) & torch.from_numpy(cold)[:, None]
    other.neighbour = other.neighbour.masked_fill(co_liked, -1)
    history, target = likes * ~cold, likes[:, titles]
    people = np.flatnonzero(history.any(1) & target.any(1))
    score = model_scorer(other.eval())(people, sparse.csr_matrix(history[people]))[:, titles]
    wanted = sparse.csr_matrix(target[people])
    expected = ndcg(hits(top_items(score, None, 20), wanted), np.diff(wanted.indptr), 20).mean()
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("by", ["cold", "all"])
def test_no_other_gate_of_the_user_side_ranks_better(by: str) -> None:
    """It is chosen last: with all others as they stand, it is the best of those tried."""
    data = noisy(60, 40)
    model = begun(data)
    found, user_gate = choose_gates(model, data, CONFIG.override("train.gates_by", by))
    assert by == "cold" or set(np.round(found, 4)) <= {gates.LEAST, *gates.GATES}

    def quality(gate: float) -> float:
        assert model.log_user_gate is not None
        with torch.no_grad():
            model.log_user_gate.fill_(math.log(gate))
        return evaluate(model_scorer(model.eval()), data, VALIDATION).results()["ndcg@20"]

    chosen, tried = quality(user_gate), [quality(gate) for gate in (gates.LEAST, *gates.GATES)]
    assert chosen * gates.BETTER >= max(tried) > min(tried), "gates make a difference in this world"


@pytest.mark.parametrize(
    ("reached", "loudest"),
    [
        ({0.01: 0.5, 0.03: 0.499, 0.1: 0.49, 0.3: 0.4, 1.0: 0.3}, 0.03),
        ({0.01: 0.5, 0.03: 0.6, 0.1: 0.7, 0.3: 0.7, 1.0: 0.8}, 1.0),
        ({}, 0.01),
    ],
)
def test_as_loud_as_does_little_harm(reached: dict[float, float], loudest: float) -> None:
    log_gates = torch.tensor([0.1, 1.0, 0.3]).log()
    gates._largest_harmless_scale(log_gates, lambda: reached.get(round(float(log_gates.max().exp()), 4), 0.0))
    np.testing.assert_allclose(log_gates.exp(), np.array([0.1, 1.0, 0.3]) * loudest, rtol=1e-5)


def test_without_anything_to_ask_all_gates_stay_small() -> None:
    data = checkerboard()
    silent = replace(
        data,
        fold=np.zeros_like(data.fold),
        relations=(),
        head=data.head[:0],
        relation=data.relation[:0],
        tail=data.tail[:0],
    )
    model = begun(silent)
    found, user_gate = choose_gates(model, silent, settings("default"))
    assert found == pytest.approx((gates.LEAST,)) and user_gate == pytest.approx(gates.LEAST)
