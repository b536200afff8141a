"""Spectral filters of the likes: against dense linear algebra, and the best of those tried."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from dskreg.training.initialise import start_from_svd
from dskreg.training.spectral import Spectra, narrowed, of_some
from dskreg.training.start import Kernel, Start

from dskreg.config import Config, ModelConfig
from dskreg.data.dataset import SEEN, Dataset
from dskreg.data.interactions import seen_matrix, train_matrix
from dskreg.graph.candidates import build
from dskreg.model.dskreg import DSKReG
from dskreg.training import spectral as spectra_
from tests.tiny_runs import in_full, noisy, settings, small
from tests.worlds import EVERYTHING


@pytest.fixture(scope="module")
def dense() -> tuple[Dataset, np.ndarray]:
    return in_full()


def test_at_full_width_it_ranks_like_ease_before_its_columns_are_scaled(
    dense: tuple[Dataset, np.ndarray],
) -> None:
    """B_ij = -P_ij / P_jj with P = (X'X + lambda I)^-1 is e_i . e_j / (lambda P_jj) off the diagonal."""
    data, likes = dense
    vectors, _ = Spectra(data, replace(Config(), model=ModelConfig(width=20))).vectors(
        Start((Kernel(0.0, 3.0, 20),))
    )
    penalty = 3.0 * np.trace(likes.T @ likes) / 20
    p = np.linalg.inv(likes.T @ likes + penalty * np.eye(20))
    off = ~np.eye(20, dtype=bool)
    # Infinite ridge is S^2 in units of the mean: hence the 3
    np.testing.assert_allclose((vectors @ vectors.T / 3.0)[off], (-p * penalty)[off], atol=1e-5)


def test_entities_that_two_items_carry_become_rows(dense: tuple[Dataset, np.ndarray]) -> None:
    data = dense[0]
    entities = Spectra(data, Config())._entities().toarray()
    assert len(entities) and ((entities > 0).sum(1) >= 2).all()
    np.testing.assert_allclose((entities**2).sum(1), 1, rtol=1e-6)


def test_exponent_ridge_and_rank_are_the_best_of_those_tried() -> None:
    """No combination that was tried ranks the validation items better by the plain dot product, nor does
    another popularity.
    """
    data, _ = small(60, 40)
    spectra = Spectra(data, replace(Config(), model=ModelConfig(width=16)))
    best = spectra.choose()
    q, h = spectra_.POPULARITY[0]
    tried = [
        Start((Kernel(p, ridge, 16 // part),), q, h)
        for p, ridge, part in product(spectra_.EXPONENTS, spectra_.RIDGES, spectra_.PARTS)
    ]
    tried += [
        Start((Kernel(p, ridge, 16 // part),), best.popularity, best.discount)
        for p, ridge, part in product(spectra_.EXPONENTS, spectra_.FINE_RIDGES, (1, 2))
    ]
    assert spectra.ndcg(best) >= max(map(spectra.ndcg, tried))
    plain = (replace(best.kernels[0], knowledge=False, share=1.0),)
    others = [replace(best, popularity=q, discount=h, kernels=plain) for q, h in spectra_.POPULARITY]
    assert spectra.ndcg(best) >= max(map(spectra.ndcg, others))


@pytest.mark.parametrize("knowledge", [False, True])
def test_titles_with_few_likes_shape_no_direction_and_are_folded_in(
    dense: tuple[Dataset, np.ndarray], knowledge: bool
) -> None:
    """Their rows are the ridge regression of their own likes on the directions of the others, and the others'
    rows are as if they were alone.
    """
    data, likes = dense
    count = likes.sum(0)
    least = int(np.median(count))
    common = count >= least
    assert 5 < common.sum() < 20
    spectra = Spectra(data, replace(Config(), model=ModelConfig(width=5)))
    entities = spectra._entities().toarray() if knowledge else np.zeros((0, 20))
    rows = np.vstack([likes / likes.sum(1, keepdims=True) ** 0.25, entities]) / count**0.25
    found, squared, mean = spectra.decomposed(0.25, knowledge, min_likes=least)
    left, value, _ = np.linalg.svd(rows[:, common], full_matrices=False)
    np.testing.assert_allclose(squared, value[:5] ** 2, rtol=1e-3)
    assert mean == pytest.approx((rows[:30, common] ** 2).sum() / common.sum())
    expected = rows.T @ left[:, :5] / value[:5]
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=2e-3)  # whatever the signs
    all_shape = spectra.decomposed(0.25, knowledge)[0]
    assert not np.allclose(expected @ expected.T, all_shape @ all_shape.T, atol=2e-2), (
        "it makes a difference here"
    )


def test_where_every_title_has_few_likes_all_shape_the_directions(dense: tuple[Dataset, np.ndarray]) -> None:
    spectra = Spectra(dense[0], replace(Config(), model=ModelConfig(width=5)))
    np.testing.assert_array_equal(spectra.decomposed(0.25, min_likes=1000)[0], spectra.decomposed(0.25)[0])


@pytest.mark.parametrize("least", [0, 3])
def test_an_item_without_likes_has_no_direction(dense: tuple[Dataset, np.ndarray], least: int) -> None:
    data, _ = dense
    gone = np.isin(data.item, (3, 11))
    alone = replace(
        data, user=data.user[~gone], item=data.item[~gone], liked=data.liked[~gone], fold=data.fold[~gone]
    )
    vectors, _ = Spectra(alone, settings("default")).vectors(Start((Kernel(0.25, 10.0, 8),), least=least))
    assert not vectors[[3, 11]].any() and vectors[[2, 4]].any(1).all()


def watching(dense: tuple[Dataset, np.ndarray]) -> tuple[Dataset, np.ndarray, np.ndarray]:
    """The data set in which every third interaction is of something seen and not liked; both tables."""
    data = dense[0]
    seen = np.arange(len(data.user)) % 3 == 0
    data = replace(data, liked=~seen, fold=np.where(seen, SEEN, data.fold).astype(np.int8))
    return data, train_matrix(data).toarray().astype(float), seen_matrix(data).toarray().astype(float)


def test_lists_of_seen_items_become_further_rows(dense: tuple[Dataset, np.ndarray]) -> None:
    data, likes, seen = watching(dense)
    assert not (likes * seen).any() and likes.sum() + seen.sum() == dense[1].sum()
    rows = (
        np.vstack([table / np.maximum(table.sum(1, keepdims=True), 1) ** 0.25 for table in (likes, seen)])
        / np.maximum(likes.sum(0), 1) ** 0.25
    )
    found, squared, mean = Spectra(data, replace(Config(), model=ModelConfig(width=5))).decomposed(
        0.25, seen=True
    )
    _, value, right = np.linalg.svd(rows, full_matrices=False)
    np.testing.assert_allclose(squared, value[:5] ** 2, rtol=1e-3)
    np.testing.assert_allclose(found @ found.T, right[:5].T @ right[:5], atol=2e-3)
    assert mean == pytest.approx((rows[: len(likes)] ** 2).sum() / np.count_nonzero(likes.sum(0))), (
        "the ridge is in units of the likes alone"
    )


def test_a_mixture_scores_like_the_sum_of_its_parts(dense: tuple[Dataset, np.ndarray]) -> None:
    """Where the width has room for all; every part's scores have the same spread over the users."""
    data, likes, _ = watching(dense)
    spectra = Spectra(data, replace(Config(), model=ModelConfig(width=20)))
    kernels = (Kernel(0.35, 10.0, 6, seen=True, share=0.7), Kernel(0.15, math.inf, 9, share=0.3))
    start = Start(kernels, popularity=0.1, discount=0.3)
    expected = np.zeros((30, 20))
    for kernel in kernels:
        vectors, weight = spectra.vectors(replace(start, kernels=(replace(kernel, share=1.0),)))
        scores = (likes * weight) @ vectors @ vectors.T
        asked = scores[likes.any(1)]
        expected += kernel.share * scores / asked.std()
    vectors, weight = spectra.vectors(start)
    np.testing.assert_allclose((likes * weight) @ vectors @ vectors.T, expected, rtol=1e-3, atol=1e-3)


def test_narrowed_vectors_are_the_nearest_of_their_width() -> None:
    wide = np.random.default_rng(0).normal(size=(15, 9)).astype(np.float32)
    left, value, right = np.linalg.svd(wide, full_matrices=False)
    nearest = (left[:, :4] * value[:4]) @ right[:4]
    found = narrowed(wide, 4)
    assert found.shape == (15, 4) and narrowed(wide, 9) is wide
    np.testing.assert_allclose(found @ found.T, nearest @ nearest.T, atol=1e-3)


def test_what_is_mixed_in_ranks_better_than_any_other_mixture_of_two() -> None:
    """By the plain dot product, with room for both, on the same users."""
    data = noisy(60, 40)
    spectra = Spectra(data, replace(Config(), model=ModelConfig(width=32)))
    first = Start((Kernel(0.25, 10.0, 16),), popularity=0.1, discount=0.3)
    narrow = (8, 4)  # so that the sum fits the width
    pool = [
        Kernel(p, ridge, 32 // part)
        for p, ridge, part in product(spectra_.EXPONENTS, (10.0, math.inf), narrow)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spectra_, "MIXED_PARTS", narrow)
        patch.setattr(spectra_, "KERNELS", 2)
        two = spectra._mixed(first)
    assert spectra.ndcg(two) > spectra.ndcg(first) and sum(
        kernel.share for kernel in two.kernels
    ) == pytest.approx(1)
    others = (
        replace(two, kernels=(Kernel(0.25, 10.0, 16, share=1 - share), replace(kernel, share=share)))
        for kernel in pool
        for share in spectra_.SHARES
    )
    assert spectra.ndcg(two) >= max(map(spectra.ndcg, others)) - 1e-6


def test_nothing_is_mixed_in_without_validation_likes(dense: tuple[Dataset, np.ndarray]) -> None:
    assert len(Spectra(dense[0], settings("default")).choose().kernels) == 1


def test_of_many_users_a_sample_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    data = noisy(60, 40)
    assert of_some(data) is data
    monkeypatch.setattr(spectra_, "CHOOSERS", 20)
    some = of_some(data)
    kept = np.isin(data.user, np.linspace(0, 59, 20).astype(int))
    assert some.shape == data.shape and len(np.unique(some.user)) == 20
    for name in ("user", "item", "liked", "fold"):
        np.testing.assert_array_equal(getattr(some, name), getattr(data, name)[kept])
    chosen = Spectra(some, settings("default")).choose()
    model = DSKReG(settings("default").model, build(data, EVERYTHING), 60)
    found = start_from_svd(model, data, settings("default"))
    assert replace(found, gates=(), user_gate=None) == chosen, "what was chosen"
    vectors, _ = Spectra(data, settings("default")).vectors(chosen)
    gram, expected = (table @ table.T for table in (model.item_embedding.detach().numpy(), vectors))
    np.testing.assert_allclose(gram / np.trace(gram), expected / np.trace(expected), atol=1e-5)


def test_a_start_comes_back_from_json() -> None:
    start = Start(
        (Kernel(0.35, math.inf, 64, seen=True, share=0.5), Kernel(0.15, 10.0, 8, knowledge=True, share=0.5)),
        0.1,
        0.3,
        (0.3, 0.01),
        0.03,
        5,
    )
    assert Start.from_json(json.loads(json.dumps(start.to_json(), allow_nan=False))) == start
