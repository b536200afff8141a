"""What the curve of the cold boost says of a model is what the model does at that boost."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse

from dskreg.evaluation.cold import ColdItems, hidden
from dskreg.evaluation.evidence import choose_evidence
from dskreg.evaluation.metrics import ndcg_of
from dskreg.evaluation.ranking import noise_free, strangers
from dskreg.explorer import Explorer
from dskreg.training.trainer import known
from tests.small import DEMO


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


@pytest.mark.parametrize("used", [0.0, 1.0, 2.5])
def test_a_row_of_the_curve_is_the_ndcg_of_the_model_with_that_boost(explorer: Explorer, used: float) -> None:
    model, folds = explorer.core.model, explorer.core.artifact.dataset.folds
    count = np.asarray(folds.known.sum(0)).ravel()
    asked = ColdItems.among_all(folds.known, folds.test, np.flatnonzero(count > 0)[::10], 60)
    before = model.evidence.clone()
    model.evidence[2] = used
    curve = [*map(asked.by_boost(model), (0.0, 0.5, 3.0))]
    assert float(model.evidence[2]) == used, "left as it was"
    for row in curve[1:]:
        model.evidence[2] = row["boost"]
        with hidden(model, torch.from_numpy(asked.items)):
            score = noise_free(model).scores(strangers(model, asked.history)).T.numpy()
            cold = model.likes.numpy() == 0
        assert row["all"] == pytest.approx(ndcg_of(score, asked.history, asked.wanted).mean(), abs=1e-4)
        for name, kept in (("warm", ~cold), ("cold", cold)):
            wanted = sparse.csr_matrix(asked.wanted.multiply(kept))
            wanted.eliminate_zeros()
            some = np.diff(wanted.indptr) > 0
            expected = ndcg_of(score[some], asked.history[some], wanted[some]).mean()
            assert row[name] == pytest.approx(expected, abs=1e-4)
    model.evidence.copy_(before)
    assert curve[0]["cold"] == 0 and curve[0]["warm"] >= curve[2]["warm"]


def test_where_nothing_is_held_out_nothing_is_boosted(explorer: Explorer) -> None:
    """Every boost is as good then: the largest must not be taken."""
    model, folds = explorer.core.model, known(explorer.core.artifact.dataset).folds
    before = model.evidence.clone()
    found = choose_evidence(model, folds, 100, 0)
    assert found["users"] == 0 and found["boost"] == 1 == float(model.evidence[2])
    assert (found["kappa"], found["scale"]) == pytest.approx(before[:2].tolist())
    model.evidence.copy_(before)
