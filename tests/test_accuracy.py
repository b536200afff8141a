"""The accuracy benchmark: its measure is the evaluation's, its rivals and its cold split do what they say."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import accuracy, recommenders
from benchmarks import assess as assessing
from benchmarks.accuracy import MODELS, Plan
from benchmarks.assess import assess, chilled
from benchmarks.changes import uniform
from benchmarks.recommenders import SEEN_TOO, Recommender, content_knn, ease_seen, rp3beta, with_seen
from benchmarks.sets import there
from dskreg.config import PRESETS, ModelConfig
from dskreg.data.dataset import SEEN, TEST, TRAIN, VALIDATION, Dataset
from dskreg.data.interactions import seen_matrix, train_matrix
from dskreg.evaluation.evaluate import evaluate
from dskreg.evaluation.ranking import Scorer
from dskreg.evaluation.tuning import tuned
from dskreg.graph.candidates import build
from dskreg.model.evidence import EvidenceDSKReG, model_of
from dskreg.training.closed_form import Start
from tests.tiny_runs import fixed_scorer, noisy, small


def test_the_benchmark_measures_what_the_evaluation_measures() -> None:
    data = noisy()
    means, per = assess(fixed_scorer(), data)
    ranking = evaluate(fixed_scorer(), data, TEST)
    for name in ("ndcg@20", "recall@20"):
        assert means[name] == pytest.approx(ranking.results()[name])
    np.testing.assert_allclose(per["ndcg"], ranking.per_user["ndcg@20"])
    assert len(per["user"]) == len(ranking.counted)


def test_the_mean_over_fifths_is_the_mean_over_all_users() -> None:
    data = noisy()
    means, per = assess(fixed_scorer(), data)
    of_user = np.bincount(
        np.argsort(np.argsort(np.diff(train_matrix(data, (0, 1, 4)).indptr)[per["user"]], kind="stable"))
        * 5
        // len(per["user"])
    )
    assert np.average(means["ndcg@20 by history"], weights=of_user[:5]) == pytest.approx(means["ndcg@20"])


def test_among_and_targets_restrict_what_is_ranked_and_what_counts() -> None:
    data = noisy()
    some = np.arange(len(data.items)) % 3 == 0
    asked: list[np.ndarray] = []

    def perfect(who: np.ndarray, history: object) -> np.ndarray:
        asked.append(who)
        # Items that may not be ranked come first
        return train_matrix(data, (TEST,))[who].toarray() + np.where(some, 0, 5.0)

    means, per = assess(perfect, data, among=some, targets=some)
    held = train_matrix(data, (TEST,)).toarray()[:, some]
    assert means["ndcg@20"] == pytest.approx(1) and set(per["user"]) == set(np.flatnonzero(held.any(1)))
    assert assess(perfect, data, targets=some)[0]["ndcg@20"] < 1


def test_equal_scores_are_ranked_in_an_order_of_each_user_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    data = noisy()

    def equal(who: np.ndarray, history: object) -> np.ndarray:
        return np.zeros((len(who), len(data.items)))

    monkeypatch.setattr(assessing, "CHUNK", 4)
    monkeypatch.setattr(assessing, "K", 5)
    several = assess(equal, data)[0]["coverage@20"]
    monkeypatch.setattr(assessing, "CHUNK", 10_000)
    assert several > 1.5 * assess(equal, data)[0]["coverage@20"], (
        "one list for everybody is one draw, which may be lucky"
    )


def test_cold_items_have_no_like_before_the_test() -> None:
    data = noisy()
    data = replace(
        data,
        fold=np.where(np.arange(len(data.fold)) % 7 == 0, SEEN, data.fold).astype(np.int8),
        liked=np.arange(len(data.fold)) % 7 > 0,
    )
    without, cold = chilled(data, 3)
    assert not seen_matrix(without)[:, cold].nnz and seen_matrix(without).nnz, "nor has anybody seen them"
    assert cold.sum() == round(0.1 * (np.asarray(train_matrix(data).sum(0)) > 0).sum())
    left = without.fold[cold[without.item] & without.liked]
    assert set(left) <= {TEST} and (without.fold == TEST).sum() > (data.fold == TEST).sum()
    assert (without.fold[~cold[without.item]] == data.fold[~cold[data.item]]).all()


def test_rp3beta_is_three_steps_and_a_penalty() -> None:
    likes = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 1, 1]], dtype=float)
    user, item = likes.nonzero()
    data = replace(
        noisy(3, 4),
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        liked=np.ones(len(user), bool),
        fold=np.zeros(len(user), np.int8),
    )
    settings = {"alpha": 0.7, "beta": 0.4, "k": 10}
    found = rp3beta(data, settings, 0)(np.arange(3), train_matrix(data))
    towards, back = (likes / likes.sum(1, keepdims=True)) ** 0.7, (likes.T / likes.sum(0)[:, None]) ** 0.7
    walk = back @ towards / likes.sum(0) ** 0.4
    np.fill_diagonal(walk, 0)
    np.testing.assert_allclose(found, likes @ walk, rtol=1e-5)


def test_ease_learns_from_seen_items_as_from_further_users() -> None:
    data = noisy()
    data = replace(
        data, fold=np.where(data.user % 2, SEEN, data.fold).astype(np.int8), liked=data.user % 2 == 0
    )
    rows = np.vstack([train_matrix(data).toarray(), seen_matrix(data).toarray()])
    p = np.linalg.inv(rows.T @ rows + 50 * np.eye(rows.shape[1]))
    expected = -p / np.diag(p)
    np.fill_diagonal(expected, 0)
    likes = train_matrix(data)
    np.testing.assert_allclose(
        ease_seen(data, {"regularisation": 50.0}, 0)(np.arange(40), likes),
        likes.toarray() @ expected,
        atol=1e-4,
    )


def test_content_knn_ranks_items_without_likes() -> None:
    data, cold = chilled(noisy(), 0)
    means, _ = assess(content_knn(data, {}, 0), data, among=cold, targets=cold)
    likes, told = train_matrix(data), content_knn(data, {}, 0)
    assert means["recall@20"] > 0 and np.isfinite(told(np.arange(4), likes[:4])).all()


def test_uniform_sampling_ignores_the_weights() -> None:
    _, graph = small(24, 16)
    draws = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        model = model_of(ModelConfig(width=8, picks=3), graph, 24).eval()
        assert isinstance(model, EvidenceDSKReG)
        model.likes.fill_(2)
        model.pair_relevance.data.normal_()
        with uniform():
            draws.append(model.draw_items(torch.arange(16)).slot)
        learnt = model.draw_items(torch.arange(16)).slot
    assert torch.equal(*draws) and not torch.equal(draws[1], learnt)


def test_the_model_tells_what_it_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    data, settings = noisy(), {"start": Start(0.25, 10.0, 0.0).to_json()}
    config = replace(PRESETS["default"], model=ModelConfig(width=8, picks=3))
    config = replace(config, train=replace(config.train, epochs=1))
    model = recommenders.fitted(config, data, settings, 3)
    assert isinstance(model, EvidenceDSKReG)
    assert set(settings) == {"start", "best_epoch", "validation ndcg@20", "kappa", "scale", "boost"}
    assert model.evidence.tolist() == pytest.approx([settings[name] for name in ("kappa", "scale", "boost")])
    known = np.isin(data.fold, (TRAIN, VALIDATION))
    assert (model.likes.numpy() == np.bincount(data.item[known], minlength=len(data.items))).all(), "refitted"


def test_titles_without_likes_get_the_columns_of_their_neighbours() -> None:
    """By dense matrices and a loop over pairs: the strengths summed over relations, eight of them, alike."""
    data, cold = chilled(noisy(40, 30), 0)
    settings = {"regularisation": 20.0, "gamma": 2.0, "kappa": 0.3}
    likes = train_matrix(data).toarray()
    liked = likes.any(0)
    assert (cold & ~liked).sum() == cold.sum() == 3
    p = np.linalg.inv(likes[:, liked].T @ likes[:, liked] + 20 * np.eye(liked.sum()))
    weights = np.zeros((30, 30))
    block = -p / np.diag(p)
    np.fill_diagonal(block, 0)
    weights[np.ix_(liked, liked)] = block
    graph = build(data, PRESETS["default"].graph, 5)
    columns = weights.copy()
    for i in np.flatnonzero(~liked):
        strength: dict[int, float] = {}
        for place, j in enumerate(graph.neighbour[i].tolist()):
            if j >= 0:
                strength[j] = float(graph.strengths[i, place].sum())
        order = sorted(strength, key=lambda j: (-strength[j], j))[:8]
        assert len(order) == 8 < len(strength)
        columns[:, i] = sum(weights[:, j] + 2.0 * np.eye(30)[j] for j in order) / 8 * 0.3
    found = recommenders.ease_columns(data, settings, 5)(np.arange(40), train_matrix(data))
    np.testing.assert_allclose(found, likes @ columns, atol=1e-4)


def test_recorded_settings_are_kept_and_what_is_missing_is_tuned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = {"best_epoch": 3, "start": {"exponent": 0.25}}
    settings = {"iALS": {"factors": 7}, "EASE": {"regularisation": 7.5}, "DSKReG": ours}
    rows = [{"model": name, "settings": values} for name, values in settings.items()]
    (tmp_path / "accuracy.json").write_text(json.dumps({"tiny: test": rows}))
    monkeypatch.setattr(accuracy, "prepared", lambda folder, seed: noisy())
    # Without Optuna, which CI lacks
    monkeypatch.setattr(accuracy, "tuned", lambda name, *rest: ({"alpha": len(name)}, {"trials": 1}))
    plan = Plan(
        tmp_path, tmp_path / "work", seeds=1, trials=1, seconds=1, recorded=tmp_path / "accuracy.json"
    )
    names = ("iALS", "DSKReG", "BPR-MF", "EASE")
    found = {
        name: accuracy.settings_of(name, accuracy.MODELS[name], tmp_path / "tiny", plan) for name in names
    }
    assert found["iALS"] == {"factors": 7} and found["BPR-MF"] == {"alpha": 6}
    assert found["EASE"] == {"alpha": 4} and found["DSKReG"] == {"alpha": 6}, (
        "what searches by itself is never taken from an earlier run"
    )


@pytest.mark.parametrize("name", ["EASE", "item-kNN"])
def test_the_benchmark_tunes_as_an_artifact_s_baselines_are_tuned(name: str, tmp_path: Path) -> None:
    data, plan = noisy(), Plan(tmp_path, tmp_path, seeds=1, trials=1, seconds=1)
    found, how = accuracy.tuned(name, MODELS[name], data, plan)
    own = tuned(train_matrix(data, (TRAIN,)), train_matrix(data, (VALIDATION,)))
    assert found == own[name].settings and how == {"trials": 0}


def test_ease_that_sees_more_is_tuned_on_what_it_learns_from(monkeypatch: pytest.MonkeyPatch) -> None:
    data = noisy()
    data = replace(
        data, fold=np.where(data.user % 2, SEEN, data.fold).astype(np.int8), liked=data.user % 2 == 0
    )
    given: list[tuple] = []
    monkeypatch.setattr(
        recommenders, "best_settings", lambda *arguments: given.append(arguments) or {"regularisation": 3.0}
    )
    tune = MODELS[SEEN_TOO].tune
    assert tune is not None and tune(data) == {"regularisation": 3.0}
    (name, likes, history, validation), rows = given[0], with_seen(data)
    expected = (rows.T @ rows).toarray()
    assert (
        name == "EASE"
        and (likes.widen(likes.widen(likes.together).T) == expected).all()
        and rows.nnz > history.nnz
    )
    assert (history != train_matrix(data)).nnz == 0 and (
        validation != train_matrix(data, (VALIDATION,))
    ).nnz == 0


@pytest.mark.parametrize("itself", [True, False])
def test_a_model_that_tunes_itself_gets_validation_likes_apart_and_others_in_training(
    itself: bool, tmp_path: Path
) -> None:
    given: list[Dataset] = []

    def fit(data: Dataset, settings: dict, seed: int) -> Scorer:
        given.append(data)
        return fixed_scorer()

    accuracy.one(
        tmp_path / "x-0.json",
        Recommender(fit, choose=(lambda data, settings: {}) if itself else None),
        {},
        noisy(),
        0,
    )
    assert (given[0].fold == VALIDATION).any() == itself


def test_a_data_set_that_is_missing_is_named_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "anime").mkdir()
    assert there(tmp_path, ["anime"]) == [tmp_path / "anime"]
    monkeypatch.setattr(
        sys,
        "argv",
        [
            "accuracy.py",
            "--data",
            str(tmp_path),
            "--work",
            str(tmp_path / "work"),
            "--datasets",
            "anime",
            "dskreg-book",
        ],
    )
    with pytest.raises(
        SystemExit, match=r"dskreg-book is not there: expected train.txt, test.txt .*--data FOLDER"
    ):
        accuracy.main()
    assert not (tmp_path / "work").exists()
