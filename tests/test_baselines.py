"""The baselines against their textbook forms, and in a world whose right answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from dskreg.baselines import EASE, CoLikes, ItemKNN, Popularity, baselines
from dskreg.metrics import hits, top_items
from dskreg.tuning import tuned


def likes(users: int = 60, items: int = 25, seed: int = 0) -> sp.csr_array:
    """Random likes; titles 4 and 20 have none, person 5 has none."""
    dense = np.random.default_rng(seed).random((users, items)) < 0.25
    dense[:, [4, 20]] = False
    dense[5] = False
    return sp.csr_array(dense.astype(np.float32))


def checkerboard(users: int = 40, items: int = 20) -> tuple[sp.csr_array, sp.csr_array]:
    """Even people like even titles, odd people odd ones; one like per person is held out. Odd titles are the popular ones."""
    dense = (np.arange(users)[:, None] + np.arange(items)) % 2 == 0
    held_out = np.zeros_like(dense)
    for user in range(users):
        held_out[user, np.flatnonzero(dense[user])[(user // 2) % (items // 2)]] = True
    keep = np.ones(users, dtype=bool)
    keep[: users // 2 : 2] = False  # fewer even people
    return sp.csr_array((dense & ~held_out)[keep].astype(np.float32)), sp.csr_array(held_out[keep].astype(np.float32))


def test_popularity_returns_the_training_counts() -> None:
    train = likes()
    expected = train.toarray().sum(axis=0)
    for fitted in (Popularity().fit(train), Popularity().fit_co_likes(CoLikes.of(train))):
        assert (fitted.scores(train[:3]) == np.tile(expected, (3, 1))).all()


@pytest.mark.parametrize("penalty", [0.5, 20.0, 300.0])
def test_ease_is_the_textbook_closed_form_over_the_whole_catalogue(penalty: float) -> None:
    train, history = likes(), likes(7, seed=1)
    dense = train.toarray().astype(np.float64)
    inverse = np.linalg.inv(dense.T @ dense + penalty * np.eye(25))
    weights = np.eye(25) - inverse / np.diag(inverse)
    np.testing.assert_allclose(EASE(penalty).fit(train).scores(history), history.toarray() @ weights, atol=1e-5)


def test_ease_minimises_its_objective() -> None:
    train = likes()
    dense, fitted = train.toarray().astype(np.float64), EASE(20.0).fit(train)
    weights = fitted.weights.astype(np.float64)
    active = dense[:, fitted.likes.titles]
    gradient = active.T @ (active @ weights - active) + 20.0 * weights
    np.fill_diagonal(gradient, 0)  # there the constraint holds instead
    assert np.abs(gradient).max() < 1e-4 and (np.diag(weights) == 0).all()


def naive_knn(train: np.ndarray, history: np.ndarray, k: int, shrink: float) -> np.ndarray:
    items = train.shape[1]
    similarity = np.zeros((items, items))
    for i in range(items):
        for j in range(items):
            both, root = (train[:, i] * train[:, j]).sum(), np.sqrt(train[:, i].sum() * train[:, j].sum())
            similarity[i, j] = both / (root + shrink) if i != j and both else 0
    scores = np.zeros(history.shape)
    for i in range(items):
        for j in sorted(range(items), key=lambda j: (-np.float32(similarity[i, j]), j))[:k]:
            scores[:, i] += history[:, j] * similarity[i, j]
    return scores


@pytest.mark.parametrize(("k", "shrink"), [(1, 0.0), (3, 10.0), (10, 0.0), (2000, 50.0)])
def test_item_knn_equals_a_double_loop(k: int, shrink: float) -> None:
    train, history = likes(), likes(7, seed=1)
    scores = ItemKNN(k, shrink).fit(train).scores(history)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, naive_knn(train.toarray(), history.toarray(), k, shrink), atol=1e-5)


def test_the_checkerboard_is_solved_by_neighbours_and_ease_but_not_by_popularity() -> None:
    train, held_out = checkerboard()
    found = {}
    for name, baseline in baselines().items():
        ranked = top_items(baseline.fit(train).scores(train), train, 1)
        found[name] = hits(ranked, held_out)[:, 0]
    assert found["item-kNN"].all() and found["EASE"].all()
    minority = train.toarray()[:, ::2].any(axis=1)
    assert minority.sum() == 10 and not found["popularity"][minority].any()


@pytest.mark.parametrize("name", list(baselines()))
def test_values_and_duplicates_mean_nothing_a_stored_entry_is_a_like(name: str) -> None:
    train = likes()
    doubled = sp.csr_array((np.tile(train.data * 9, 2), (np.tile(train.nonzero()[0], 2), np.tile(train.nonzero()[1], 2))), shape=train.shape)
    once, twice = baselines()[name].fit(train), baselines()[name].fit(sp.csr_matrix(doubled))
    assert (once.scores(train) == twice.scores(doubled)).all()


@pytest.mark.parametrize("name", list(baselines()))
def test_a_batch_equals_one_at_a_time_and_the_inputs_stay_as_they_were(name: str) -> None:
    train = likes()
    before = train.toarray()
    shared = CoLikes.of(train)
    together = shared.together.copy()
    fitted = baselines()[name].fit_co_likes(shared)
    batch = fitted.scores(train)
    assert batch.shape == train.shape and batch.dtype == np.float32
    np.testing.assert_allclose(batch, np.concatenate([fitted.scores(train[[u]]) for u in range(60)]), rtol=1e-6, atol=1e-6)
    assert (train.toarray() == before).all() and (shared.together == together).all()
    assert fitted.scores(train[:0]).shape == (0, 25)


@pytest.mark.parametrize("name", list(baselines()))
def test_no_likes_at_all_score_nothing(name: str) -> None:
    assert not baselines()[name].fit(sp.csr_array((3, 4))).scores(sp.csr_array(np.eye(3, 4))).any()


def test_co_likes_do_not_depend_on_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    train = likes()
    whole, inverse = CoLikes.of(train).together, EASE(20.0).fit(train).weights
    monkeypatch.setattr("dskreg.baselines.CHUNK", 4)
    assert (CoLikes.of(train).together == whole).all()
    np.testing.assert_allclose(EASE(20.0).fit(train).weights, inverse, atol=1e-6)
    np.testing.assert_allclose(ItemKNN(3).fit(train).scores(train), naive_knn(train.toarray(), train.toarray(), 3, 10.0), atol=1e-5)


def test_tuning_picks_on_validation_and_refits_on_what_it_is_told() -> None:
    train, validation = checkerboard()
    both = sp.csr_array(train + validation)
    winners, again = tuned(train, validation, both), tuned(train, validation, both)
    assert list(winners) == list(baselines())
    assert (winners["popularity"].scores(train)[0] == both.toarray().sum(axis=0)).all()
    for name, winner in winners.items():
        assert (winner.scores(train) == again[name].scores(train)).all()
    assert (tuned(train, validation)["popularity"].scores(train)[0] == train.toarray().sum(axis=0)).all()


def test_tuning_without_validation_likes_takes_the_first_settings() -> None:
    winners = tuned(likes(), sp.csr_array((60, 25)))
    assert vars(winners["item-kNN"]).items() >= {"k": 20, "shrink": 0.0}.items()
    assert vars(winners["EASE"])["regularisation"] == 20.0


def test_the_winners_say_their_settings_from_which_they_are_built_again() -> None:
    train, validation = checkerboard()
    winners = tuned(train, validation)
    settings = {name: winner.settings for name, winner in winners.items()}
    assert settings["popularity"] == {} and set(settings["item-kNN"]) == {"k", "shrink"} and set(settings["EASE"]) == {"regularisation"}
    for name, again in baselines(settings).items():
        assert again.settings == settings[name]
        assert (again.fit(train).scores(train) == winners[name].scores(train)).all()


def test_unnamed_baselines_get_the_usual_settings_and_unknown_settings_are_refused() -> None:
    usual = {name: one.settings for name, one in baselines().items()}
    changed = {name: one.settings for name, one in baselines({"EASE": {"regularisation": 3.0}}).items()}
    assert changed == usual | {"EASE": {"regularisation": 3.0}}
    with pytest.raises(TypeError):
        baselines({"EASE": {"penalty": 3.0}})


def test_settings_and_shapes_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="regularisation: expected more than 0"):
        EASE(0.0)
    with pytest.raises(ValueError, match="expected 25 columns"):
        EASE(1.0).fit(likes()).scores(sp.csr_array((2, 3)))
