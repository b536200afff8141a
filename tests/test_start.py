"""Where training starts: a truncated ridge regression of the likes, and gates, both the best of those tried."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from worlds import EVERYTHING, checkerboard

from dskreg import start
from dskreg.config import Config, ModelConfig
from dskreg.data.dataset import TRAIN, VALIDATION, Dataset
from dskreg.evaluation import evaluate
from dskreg.graph import build, train_matrix
from dskreg.model import DSKReG
from dskreg.serving import model_scorer
from dskreg.start import Spectra, Start, start_from_svd
from tests.tiny_runs import noisy, settings, small


@pytest.fixture(scope="module")
def dense() -> tuple[Dataset, np.ndarray]:
    """A data set of 30 people and 20 titles, everything in training, and its likes as a dense table."""
    user, item = np.nonzero(np.random.default_rng(0).random((30, 20)) < 0.4)
    fold, liked = np.full(len(user), TRAIN, dtype=np.int8), np.ones(len(user), dtype=bool)
    data = replace(checkerboard(30, 20), user=user.astype(np.int32), item=item.astype(np.int32), fold=fold, liked=liked)
    return data, train_matrix(data).toarray().astype(float)


@pytest.mark.parametrize("ridge", [2.0, math.inf])
def test_the_start_is_the_leading_part_of_a_ridge_regression(dense: tuple[Dataset, np.ndarray], ridge: float) -> None:
    data, likes = dense
    config = settings("default", epochs=0)
    model = DSKReG(config.model, build(data, EVERYTHING), 30)
    chosen = Start(0.25, ridge, config.model.width, popularity=0.1, discount=0.3)
    found = start_from_svd(model, data, config, chosen)
    assert replace(found, gates=(), user_gate=None) == chosen and len(found.gates) == len(model.relation_embedding), "gates are chosen where none are named"
    assert start_from_svd(model, data, config, found) == found
    count = likes.sum(0)
    normal = likes / likes.sum(1, keepdims=True) ** 0.25 / count**0.25
    eigenvalue, vector = np.linalg.eigh(normal.T @ normal)
    eigenvalue, vector = eigenvalue[::-1][: config.model.width], vector[:, ::-1][:, : config.model.width]
    filtered = eigenvalue / (eigenvalue + ridge * np.trace(normal.T @ normal) / 20) if math.isfinite(ridge) else eigenvalue
    expected = (vector * filtered) @ vector.T * np.outer(count**0.1, count**0.1)
    gram = (model.item_embedding @ model.item_embedding.T).detach().numpy()  # V f V': whatever the signs
    scale = np.trace(gram) / np.trace(expected)
    assert scale > 0 and np.allclose(gram, expected * scale, atol=1e-4 * scale)
    weight = model.history_weight
    assert weight is not None
    np.testing.assert_allclose(weight, count**-0.3 / np.average(count**-0.3, weights=count), rtol=1e-5)


def test_at_full_width_it_ranks_like_ease_before_its_columns_are_scaled(dense: tuple[Dataset, np.ndarray]) -> None:
    """B_ij = -P_ij / P_jj with P = (X'X + lambda I)^-1 is e_i . e_j / (lambda P_jj) off the diagonal."""
    data, likes = dense
    vectors, _ = Spectra(data, replace(Config(), model=ModelConfig(width=20))).vectors(Start(0.0, 3.0, 20))
    penalty = 3.0 * np.trace(likes.T @ likes) / 20
    p = np.linalg.inv(likes.T @ likes + penalty * np.eye(20))
    off = ~np.eye(20, dtype=bool)
    np.testing.assert_allclose((vectors @ vectors.T / 3.0)[off], (-p * penalty)[off], atol=1e-5)  # infinite ridge is S^2 in units of the mean: hence the 3


def test_entities_that_two_titles_carry_count_as_people(dense: tuple[Dataset, np.ndarray]) -> None:
    data = dense[0]
    entities = Spectra(data, Config())._entities().toarray()
    assert len(entities) and ((entities > 0).sum(1) >= 2).all()
    np.testing.assert_allclose((entities**2).sum(1), 1, rtol=1e-6)


def test_a_width_beyond_the_rank_is_filled_with_zeros() -> None:
    data, graph = small(8, 6)
    model = DSKReG(ModelConfig(width=32), graph, 8)
    start_from_svd(model, data, replace(Config(), model=ModelConfig(width=32)))
    assert not model.item_embedding[:, 6:].any() and model.item_embedding[:, :2].any()


def test_exponent_ridge_and_rank_are_the_best_of_those_tried() -> None:
    """No combination that was tried ranks the validation titles better by the plain dot product, nor does another popularity."""
    data, _ = small(60, 40)
    spectra = Spectra(data, replace(Config(), model=ModelConfig(width=16)))
    best = spectra.choose()
    q, h = start.POPULARITY[0]
    tried = [Start(p, ridge, 16 // part, q, h) for p, ridge, part in product(start.EXPONENTS, start.RIDGES, start.PARTS)]
    assert spectra.ndcg(best) >= max(map(spectra.ndcg, tried))
    others = [replace(best, popularity=q, discount=h, knowledge=False) for q, h in start.POPULARITY]
    assert spectra.ndcg(best) >= max(map(spectra.ndcg, others))


def test_no_other_gate_of_one_relation_ranks_better() -> None:
    """The last gate that was chosen, with all others as they stand, is the best of those tried."""
    data = noisy(60, 40)
    graph = build(data, EVERYTHING)
    config = replace(Config(), model=ModelConfig(width=16))
    torch.manual_seed(0)
    model = DSKReG(config.model, graph, 60)
    found = start_from_svd(model, data, config)
    assert len(found.gates) == len(graph.relations) and set(np.round(found.gates, 4)) <= {start.LEAST, *start.GATES}
    assert model.log_user_gate is not None and math.exp(float(model.log_user_gate.detach())) == pytest.approx(found.user_gate)

    def ndcg(gate: float) -> float:
        assert model.log_user_gate is not None
        with torch.no_grad():
            model.log_user_gate.fill_(math.log(gate))
        return evaluate(model_scorer(model.eval()), data, VALIDATION).results()["ndcg@20"]

    assert found.user_gate is not None
    chosen, tried = ndcg(found.user_gate), [ndcg(gate) for gate in (start.LEAST, *start.GATES)]
    assert chosen * start.BETTER >= max(tried) > min(tried), "gates make a difference in this world"


def test_what_was_chosen_before_is_used_again() -> None:
    data, graph = small(40, 30)
    config = replace(Config(), model=ModelConfig(width=16))
    models = []
    chosen = None
    for _ in range(2):
        torch.manual_seed(0)
        models.append(DSKReG(config.model, graph, 40))
        chosen = start_from_svd(models[-1], data, config, chosen)
    for name, value in models[0].state_dict().items():
        torch.testing.assert_close(value, models[1].state_dict()[name])


@pytest.mark.parametrize("knowledge", [False, True])
def test_titles_with_few_likes_shape_no_direction_and_are_folded_in(dense: tuple[Dataset, np.ndarray], knowledge: bool) -> None:
    """Their rows are the ridge regression of their own likes on the directions of the others, and the others' rows are as if they were alone."""
    data, likes = dense
    count = likes.sum(0)
    least = int(np.median(count))
    common = count >= least
    assert 5 < common.sum() < 20
    spectra = Spectra(data, replace(Config(), model=ModelConfig(width=5)))
    entities = spectra._entities().toarray() if knowledge else np.zeros((0, 20))
    rows = np.vstack([likes / likes.sum(1, keepdims=True) ** 0.25, entities]) / count**0.25
    found, squared, mean = spectra.decomposed(0.25, knowledge, least)
    left, value, _ = np.linalg.svd(rows[:, common], full_matrices=False)
    np.testing.assert_allclose(squared, value[:5] ** 2, rtol=1e-3)
    assert mean == pytest.approx((rows[:30, common] ** 2).sum() / common.sum())
    expected = rows.T @ left[:, :5] / value[:5]
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=2e-3)  # whatever the signs
    all_shape = spectra.decomposed(0.25, knowledge)[0]
    assert not np.allclose(expected @ expected.T, all_shape @ all_shape.T, atol=2e-2), "it makes a difference here"


def test_where_every_title_has_few_likes_all_shape_the_directions(dense: tuple[Dataset, np.ndarray]) -> None:
    spectra = Spectra(dense[0], replace(Config(), model=ModelConfig(width=5)))
    np.testing.assert_array_equal(spectra.decomposed(0.25, False, 1000)[0], spectra.decomposed(0.25, False)[0])


@pytest.mark.parametrize("least", [0, 3])
def test_a_title_that_nobody_likes_has_no_direction(dense: tuple[Dataset, np.ndarray], least: int) -> None:
    data, _ = dense
    gone = np.isin(data.item, (3, 11))
    alone = replace(data, user=data.user[~gone], item=data.item[~gone], liked=data.liked[~gone], fold=data.fold[~gone])
    vectors, _ = Spectra(alone, settings("default")).vectors(Start(0.25, 10.0, 8, least=least))
    assert not vectors[[3, 11]].any() and vectors[[2, 4]].any(1).all()
