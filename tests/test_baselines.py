"""The baselines against their textbook forms, and in a world whose right answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from dskreg.evaluation import tuning
from dskreg.evaluation.baselines import EASE, CoLikes, ItemKNN, Popularity, baselines
from dskreg.evaluation.metrics import hits, top_items
from dskreg.evaluation.tuning import chosen, search, tuned


def likes(users: int = 60, items: int = 25, seed: int = 0) -> sp.csr_array:
    """Random likes; items 4 and 20 have none, user 5 has none."""
    dense = np.random.default_rng(seed).random((users, items)) < 0.25
    dense[:, [4, 20]] = False
    dense[5] = False
    return sp.csr_array(dense.astype(np.float32))


def checkerboard(users: int = 40, items: int = 20) -> tuple[sp.csr_array, sp.csr_array]:
    """Even users like even items, odd users odd ones; one like per user is held out.

    Odd items are the popular ones.
    """
    dense = (np.arange(users)[:, None] + np.arange(items)) % 2 == 0
    held_out = np.zeros_like(dense)
    for user in range(users):
        held_out[user, np.flatnonzero(dense[user])[(user // 2) % (items // 2)]] = True
    keep = np.ones(users, dtype=bool)
    keep[: users // 2 : 2] = False  # fewer even users
    return sp.csr_array((dense & ~held_out)[keep].astype(np.float32)), sp.csr_array(
        held_out[keep].astype(np.float32)
    )


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
    np.testing.assert_allclose(
        EASE(penalty).fit(train).scores(history), history.toarray() @ weights, atol=1e-5
    )


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
    doubled = sp.csr_array(
        (np.tile(train.data * 9, 2), (np.tile(train.nonzero()[0], 2), np.tile(train.nonzero()[1], 2))),
        shape=train.shape,
    )
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
    np.testing.assert_allclose(
        batch, np.concatenate([fitted.scores(train[[u]]) for u in range(60)]), rtol=1e-6, atol=1e-6
    )
    assert (train.toarray() == before).all() and (shared.together == together).all()
    assert fitted.scores(train[:0]).shape == (0, 25)


@pytest.mark.parametrize("name", list(baselines()))
def test_no_likes_at_all_score_nothing(name: str) -> None:
    assert not baselines()[name].fit(sp.csr_array((3, 4))).scores(sp.csr_array(np.eye(3, 4))).any()


def test_co_likes_do_not_depend_on_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    train = likes()
    whole, inverse = CoLikes.of(train).together, EASE(20.0).fit(train).weights
    monkeypatch.setattr("dskreg.evaluation.baselines.CHUNK", 4)
    assert (CoLikes.of(train).together == whole).all()
    np.testing.assert_allclose(EASE(20.0).fit(train).weights, inverse, atol=1e-6)
    np.testing.assert_allclose(
        ItemKNN(3).fit(train).scores(train), naive_knn(train.toarray(), train.toarray(), 3, 10.0), atol=1e-5
    )


def test_tuning_chooses_on_validation_and_refits_on_the_given_likes() -> None:
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
    assert winners["item-kNN"].settings == {"k": 23, "shrink": 9.0}, (
        "as many neighbours as there are titles with a like"
    )
    assert winners["EASE"].settings == {"regularisation": 100.0}


@pytest.mark.parametrize("peak", [0.2, 3.0, 15.0, 40.0, 130.0, 699.0, 5e4, 4e6])
def test_the_best_penalty_is_found_wherever_it_lies(peak: float) -> None:
    asked: list[float] = []

    def quality(settings: dict[str, float]) -> float:
        asked.append(settings["regularisation"])
        return -((np.log10(settings["regularisation"]) - np.log10(peak)) ** 2)

    found = search(tuning.AXES["EASE"], quality)["regularisation"]
    assert abs(np.log10(found / peak)) <= tuning.FINEST and len(asked) == len(set(asked)) <= 20


@pytest.mark.parametrize(("k", "shrink"), [(3, 0.0), (8, 6.0), (183, 16.0), (1552, 84.0), (40, 700.0)])
def test_the_best_neighbourhood_is_found_wherever_it_lies(k: int, shrink: float) -> None:
    asked: list[dict[str, float]] = []

    def loss(settings: dict[str, float]) -> np.ndarray:
        return np.abs(np.log10([settings["k"] / k, (settings["shrink"] + 1) / (shrink + 1)]))

    def quality(settings: dict[str, float]) -> float:
        asked.append(settings)
        return -float(loss(settings).sum())

    found = search(tuning.AXES["item-kNN"], quality)
    assert (loss(found) <= tuning.FINEST).all() and len(asked) <= 45


def test_a_search_is_bounded_and_takes_the_earlier_of_equals() -> None:
    asked: list[dict[str, float]] = []

    def rising(settings: dict[str, float]) -> float:
        asked.append(settings)
        return float(len(asked))

    search(tuning.AXES["item-kNN"], rising, finest=1e-9)
    assert len(asked) == tuning.MOST_FITS
    assert search(tuning.AXES["item-kNN"], lambda settings: 0.0) == {"k": 100, "shrink": 9.0}
    assert search({}, rising) == {}


def test_no_finer_grid_is_ahead_of_the_chosen_penalty() -> None:
    rng = np.random.default_rng(3)
    taste = rng.random((300, 4)) @ rng.random((4, 80)) + 0.6 * rng.random((300, 80))
    liked = taste > np.quantile(taste, 0.85)
    held_out = liked & (rng.random(liked.shape) < 0.3)
    train, validation = (
        sp.csr_array((liked & ~held_out).astype(np.float32)),
        sp.csr_array(held_out.astype(np.float32)),
    )
    seen, wanted = (matrix[np.flatnonzero(np.diff(validation.indptr))] for matrix in (train, validation))

    def quality(penalty: float) -> float:
        return tuning._ndcg20(EASE(penalty), CoLikes.of(train), seen, wanted)

    found = chosen("EASE", CoLikes.of(train), train, validation)["regularisation"]
    fine = {penalty: quality(penalty) for penalty in np.logspace(0, 5, 61)}
    assert quality(found) >= max(fine.values()) - 0.002 and quality(found) > quality(10.0) + 0.005


def test_a_penalty_that_cannot_be_inverted_does_not_win(monkeypatch: pytest.MonkeyPatch) -> None:
    train, validation = checkerboard()

    def refused(self: EASE, likes: CoLikes) -> EASE:
        if self.regularisation < 500:
            raise ValueError("not positive definite")
        return real(self, likes)

    real = EASE.fit_co_likes
    monkeypatch.setattr(EASE, "fit_co_likes", refused)
    assert tuned(train, validation)["EASE"].settings["regularisation"] >= 500


def test_many_titles_get_fewer_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    train, validation = checkerboard()
    fits = []
    real = tuning._ndcg20
    monkeypatch.setattr(tuning, "_ndcg20", lambda *rest: fits.append(rest[0].settings) or real(*rest))
    chosen("EASE", CoLikes.of(train), train, validation)
    full = len(fits)
    monkeypatch.setattr(tuning, "FEW_TITLES", 3)
    chosen("EASE", CoLikes.of(train), train, validation)
    assert 4 < len(fits) - full < full


def test_the_winners_say_their_settings_from_which_they_are_built_again() -> None:
    train, validation = checkerboard()
    winners = tuned(train, validation)
    settings = {name: winner.settings for name, winner in winners.items()}
    assert (
        settings["popularity"] == {}
        and set(settings["item-kNN"]) == {"k", "shrink"}
        and set(settings["EASE"]) == {"regularisation"}
    )
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
