"""Item embeddings in closed form: against dense linear algebra, and the best of those tried."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import sparse

from dskreg.data.dataset import SEEN, TEST, TRAIN, VALIDATION, Folds
from dskreg.evaluation.metrics import ndcg_of
from dskreg.training import closed_form, directions
from dskreg.training.closed_form import Start, choose, decomposed, embeddings

NOTHING = sparse.csr_matrix((30, 20), dtype=np.float32)
PLAIN = Start(0.25, 10.0, 0.0)


def table(seed: int = 0, share: float = 0.4) -> np.ndarray:
    """0/1 `[30, 20]`."""
    return (np.random.default_rng(seed).random((30, 20)) < share).astype(np.float32)


@pytest.fixture(scope="module")
def both() -> tuple[np.ndarray, np.ndarray]:
    """What is liked, and what was seen and not liked."""
    likes, seen = table(), table(1)
    return likes, seen * (1 - likes)


def evened(pairs: np.ndarray, count: np.ndarray, exponent: float) -> np.ndarray:
    return pairs / np.maximum(pairs.sum(1, keepdims=True), 1) ** exponent / np.maximum(count, 1) ** exponent


def tastes(users: int = 60, items: int = 40, seed: int = 7) -> Folds:
    """Users who mostly like the items of their own quarter, the first of them most."""
    rng = np.random.default_rng(seed)
    own = np.arange(users)[:, None] % 4 == np.arange(items) % 4
    likely = np.where(own, 0.7, 0.15) * np.linspace(1.2, 0.4, items)
    user, item = np.nonzero(rng.random((users, items)) < likely)
    fold = rng.choice([TRAIN, VALIDATION, TEST, SEEN], len(user), p=[0.6, 0.15, 0.1, 0.15]).astype(np.int8)
    return Folds((users, items), user, item, fold != SEEN, fold)


def asked(folds: Folds, start: Start, width: int = 16) -> float:
    """Validation NDCG@20 of the plain dot product by the embeddings, without any shortcut."""
    vectors, weight, prior = embeddings(folds.train, folds.seen, start, width, 0)
    wanted = folds.validation
    users = np.flatnonzero(np.diff(wanted.indptr) * np.diff(folds.shown.indptr))
    score = (folds.shown[users] @ (vectors * weight[:, None]) + prior) @ vectors.T
    return float(ndcg_of(score, folds.shown[users], wanted[users]).mean())


def test_at_full_width_it_ranks_like_ease_before_its_columns_are_scaled(
    both: tuple[np.ndarray, np.ndarray],
) -> None:
    """B_ij = -P_ij / P_jj with P = (X'X + lambda I)^-1 is e_i . e_j / (lambda P_jj) off the diagonal."""
    likes = both[0].astype(float)
    found = decomposed(sparse.csr_matrix(both[0]), NOTHING, 0.0, 20, 0)
    kernel = (found.right * found.filtered(Start(0.0, 3.0, 0.0))) @ found.right.T
    penalty = 3.0 * np.trace(likes.T @ likes) / 20
    p = np.linalg.inv(likes.T @ likes + penalty * np.eye(20))
    off = ~np.eye(20, dtype=bool)
    # An infinite ridge is s^2 in units of the mean: hence the 3
    np.testing.assert_allclose((kernel / 3.0)[off], (-p * penalty)[off], atol=1e-5)


@pytest.mark.parametrize(("ridge", "head"), [(2.0, 0.0), (math.inf, 0.0), (2.0, 1.0)])
def test_embeddings_are_the_leading_part_of_a_ridge_regression(
    both: tuple[np.ndarray, np.ndarray], ridge: float, head: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closed_form, "HEAD", 3)
    likes, seen = both
    count = likes.sum(0)
    vectors, weight, prior = embeddings(
        sparse.csr_matrix(likes), sparse.csr_matrix(seen), Start(0.25, ridge, head, prior=1.5), 8, 0
    )
    normal = evened(likes, count, 0.25)
    rows = np.vstack([normal, evened(seen, count, 0.25)])
    eigenvalue, vector = np.linalg.eigh(rows.T @ rows)
    eigenvalue, vector = eigenvalue[::-1][:8], vector[:, ::-1][:, :8]
    mean = (normal**2).sum() / 20  # of the likes alone
    filtered = eigenvalue / (eigenvalue / ridge + mean) * (1 + head * (np.arange(8) < 3))
    expected = (vector * filtered) @ vector.T * np.outer(count**0.1, count**0.1)
    gram = vectors @ vectors.T  # V f V': whatever the signs
    scale = np.trace(gram) / np.trace(expected)
    np.testing.assert_allclose(gram, expected * scale, atol=1e-4 * scale)
    np.testing.assert_allclose(weight, count**-0.3 / np.average(count**-0.3, weights=count), rtol=1e-5)
    histories = likes @ (vectors * weight[:, None])
    np.testing.assert_allclose(prior, 1.5 * histories.sum(0) / likes.sum(), rtol=1e-4, atol=1e-6)


def test_what_was_seen_becomes_further_rows(both: tuple[np.ndarray, np.ndarray]) -> None:
    likes, seen = both
    rows = np.vstack([evened(pairs, likes.sum(0), 0.25) for pairs in both])
    found = decomposed(sparse.csr_matrix(likes), sparse.csr_matrix(seen), 0.25, 5, 0)
    _, value, right = np.linalg.svd(rows, full_matrices=False)
    np.testing.assert_allclose(found.squared, value[:5] ** 2, rtol=1e-4)
    np.testing.assert_allclose(found.right @ found.right.T, right[:5].T @ right[:5], atol=1e-4)
    assert found.mean == pytest.approx((rows[:30] ** 2).sum() / 20), "the ridge is in units of the likes"


@pytest.mark.parametrize("watched", [False, True])
def test_items_with_few_likes_shape_no_direction_and_are_folded_in(
    both: tuple[np.ndarray, np.ndarray], watched: bool
) -> None:
    """Their rows are what their own likes say in the directions of the others, and the others' rows are as if
    they were alone.
    """
    likes, seen = both[0], both[1] * watched
    count = likes.sum(0)
    least = int(np.median(count))
    common = count >= least
    assert 5 < common.sum() < 20
    rows = np.vstack([evened(pairs, count, 0.25) for pairs in (likes, seen)])
    found = decomposed(sparse.csr_matrix(likes), sparse.csr_matrix(seen), 0.25, 5, 0, least)
    left, value, _ = np.linalg.svd(rows[:, common], full_matrices=False)
    np.testing.assert_allclose(found.squared, value[:5] ** 2, rtol=1e-4)
    assert found.mean == pytest.approx((rows[:30, common] ** 2).sum() / common.sum())
    expected = rows.T @ left[:, :5] / value[:5]
    np.testing.assert_allclose(found.right @ found.right.T, expected @ expected.T, atol=1e-3)
    all_shape = decomposed(sparse.csr_matrix(likes), sparse.csr_matrix(seen), 0.25, 5, 0).right
    assert not np.allclose(expected @ expected.T, all_shape @ all_shape.T, atol=2e-2), (
        "it makes a difference here"
    )


def test_where_every_item_has_few_likes_all_shape_the_directions(both: tuple[np.ndarray, np.ndarray]) -> None:
    likes = sparse.csr_matrix(both[0])
    few, any_ = (decomposed(likes, NOTHING, 0.25, 5, 0, least) for least in (1000, 0))
    np.testing.assert_array_equal(few.right, any_.right)


@pytest.mark.parametrize("least", [0, 3])
def test_an_item_without_likes_has_no_vector(both: tuple[np.ndarray, np.ndarray], least: int) -> None:
    """Even where it was seen."""
    likes, seen = both[0].copy(), both[1]
    likes[:, [3, 11]] = 0
    assert seen[:, [3, 11]].any()
    start = replace(PLAIN, least=least)
    vectors, weight, _ = embeddings(sparse.csr_matrix(likes), sparse.csr_matrix(seen), start, 8, 0)
    assert not vectors[[3, 11]].any() and vectors[[2, 4]].any(1).all() and np.isfinite(weight).all()


def test_columns_beyond_the_rank_are_zero() -> None:
    """Users of three kinds: rank 3, whatever the width."""
    likes = sparse.csr_matrix(np.tile(table()[:3], (10, 1)))
    for least in (0, 15):
        vectors = embeddings(likes, NOTHING, replace(PLAIN, least=least), 32, 0)[0]
        assert vectors.shape == (20, 32) and vectors[:, :3].any(0).all() and not vectors[:, 3:].any()
        assert np.isfinite(vectors).all()


def test_the_sign_of_a_direction_is_fixed(both: tuple[np.ndarray, np.ndarray]) -> None:
    """The largest entry is positive, so that the same likes give the same embeddings, by either way."""
    found = decomposed(sparse.csr_matrix(both[0]), NOTHING, 0.25, 8, 0).right
    assert (np.abs(found).max(0) == found.max(0)).all()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(directions, "EXACT", 0)
        for large in (directions.LARGE, 0):
            patch.setattr(directions, "LARGE", large)
            other = decomposed(sparse.csr_matrix(both[0]), NOTHING, 0.25, 8, 0).right
            np.testing.assert_allclose(other, found, atol=1e-3)


@pytest.mark.parametrize("rank", [3, 30])
def test_the_directions_of_many_columns_are_those_of_a_singular_value_decomposition(
    rank: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place, panel by panel; of a matrix of small rank too."""
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((300, rank)), rng.standard_normal((rank, 120))
    rows = sparse.csr_matrix(((left * 0.8 ** np.arange(rank)) @ right).astype(np.float32))
    for name, value in (("EXACT", 0), ("LARGE", 0), ("PANEL", 7), ("ROWS", 50)):
        monkeypatch.setattr(directions, name, value)
    monkeypatch.setattr("sklearn.utils.extmath.randomized_svd", None)  # not by this one
    vectors, squared = directions.leading(rows, 12, 0)
    _, value, expected = np.linalg.svd(rows.toarray(), full_matrices=False)
    kept = min(rank, 12)
    np.testing.assert_allclose(vectors[:, :kept].T @ vectors[:, :kept], np.eye(kept), atol=1e-5)
    np.testing.assert_allclose(squared, value[:12] ** 2, rtol=1e-3, atol=1e-3 * value[0])
    np.testing.assert_allclose(
        vectors[:, :kept] @ vectors[:, :kept].T, expected[:kept].T @ expected[:kept], atol=5e-3
    )


def test_scores_are_scaled_to_the_least_loss() -> None:
    """A softmax over all items, each scored by the history without it; the liked ones are the targets."""
    folds = tastes()
    vectors, weight, prior = embeddings(folds.train, folds.seen, replace(PLAIN, prior=2.0), 8, 0)

    def loss(scale: float) -> float:
        of_user = []
        for history in folds.train.toarray().astype(bool):
            if history.sum() < 2:
                continue
            score = np.zeros(40)
            for item in range(40):
                others = history & (np.arange(40) != item)
                user = (weight[others, None] * vectors[others]).sum(0) + prior
                score[item] = scale * (user @ vectors[item]) / history.sum() ** 0.5
            of_user.append(np.log(np.exp(score).sum()) - score[history].mean())
        return float(np.mean(of_user))

    assert loss(1.0) < loss(0.85) and loss(1.0) < loss(1.18)


def test_the_scores_that_decide_the_scale_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    folds, found = tastes(), []
    for name, value in (("SCALED_ON", 512), ("SCALED_ON", 5), ("SCORES", 5 * 40 + 39)):
        with monkeypatch.context() as patch:
            patch.setattr(closed_form, name, value)
            found.append(embeddings(folds.train, folds.seen, PLAIN, 8, 0)[0])
    np.testing.assert_array_equal(found[1], found[2])
    assert not np.allclose(found[0], found[1])


@pytest.mark.parametrize("seed", range(6))
def test_no_neighbouring_setting_ranks_better_than_the_chosen_one(seed: int) -> None:
    folds = tastes(seed=seed)
    best = choose(folds, 16, 1000, 0)
    found = asked(folds, best)
    for name, values in closed_form.GRID.items():
        place = values.index(getattr(best, name))
        for value in values[max(0, place - 1) : place + 2]:
            assert asked(folds, replace(best, **{name: value})) <= found, name
    assert asked(folds, closed_form.FIRST) < found


def test_the_search_finds_the_best_of_the_grid_where_no_other_value_is_as_good_as_its_neighbours() -> None:
    """A quality that falls to all sides of its best, wherever that is; at most 20 settings are tried."""
    values = tuple(closed_form.GRID.values())
    for wanted in product(*map(range, map(len, values))):
        tried: list[Start] = []

        def quality(start: Start, wanted: tuple[int, ...] = wanted, tried: list[Start] = tried) -> float:
            tried.append(start)
            places = (of.index(getattr(start, name)) for name, of in closed_form.GRID.items())
            return -sum((place - best) ** 2 for place, best in zip(places, wanted, strict=True))

        found = closed_form._climb(closed_form.FIRST, quality)
        assert quality(found) == 0 and len(set(tried)) <= 20


def test_the_search_comes_back_to_a_setting_that_another_one_has_changed() -> None:
    """The best prior depends on the ridge: both rise in turn."""

    def quality(start: Start) -> float:
        prior, ridge = (closed_form.GRID[name].index(getattr(start, name)) for name in ("prior", "ridge"))
        return -(0.3 * (prior - ridge) ** 2) - (ridge - 4) ** 2

    found = closed_form._climb(closed_form.FIRST, quality)
    assert (found.prior, found.ridge) == (4.0, math.inf)


def test_the_first_is_chosen_where_nothing_can_be_measured() -> None:
    folds = tastes()
    alone = replace(folds, fold=np.where(folds.fold == VALIDATION, TEST, folds.fold))
    assert choose(alone, 16, 1000, 0) == Start(0.25, 10.0, 0.0, 2.0)


def test_of_many_users_a_sample_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    folds = tastes()
    kept = np.isin(folds.user, np.linspace(0, 59, 20).astype(int))
    pairs = {name: getattr(folds, name)[kept] for name in ("user", "item", "liked", "fold")}
    expected = choose(Folds(folds.shape, **pairs), 16, 1000, 0)
    assert expected != choose(folds, 16, 1000, 0)
    monkeypatch.setattr(closed_form, "CHOOSERS", 20)
    assert choose(folds, 16, 1000, 0) == expected


def test_of_many_items_the_most_liked_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    folds = tastes()
    most = np.sort(np.argsort(-np.bincount(folds.train.indices, minlength=40), kind="stable")[:12])
    kept = np.isin(folds.item, most)
    pairs = {name: getattr(folds, name)[kept] for name in ("user", "liked", "fold")}
    expected = choose(Folds((60, 12), item=np.searchsorted(most, folds.item[kept]), **pairs), 8, 1000, 0)
    assert expected != choose(folds, 8, 1000, 0)
    monkeypatch.setattr(closed_form, "CHOICES", 12)
    assert choose(folds, 8, 1000, 0) == expected


def test_every_try_is_counted() -> None:
    counted: list[int] = []

    def progress(steps, count, label):  # type: ignore[no-untyped-def]
        counted.append(count)
        for step in steps:
            counted.append(step)
            yield step

    choose(tastes(), 4, 10, 0, progress)
    assert counted[1:] == list(range(counted[0]))


def test_a_start_comes_back_from_json() -> None:
    for start in (Start(0.35, math.inf, 1.0, 0.5, 5), PLAIN):
        assert Start.from_json(json.loads(json.dumps(start.to_json(), allow_nan=False))) == start
