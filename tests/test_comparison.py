"""DSKReG and the baselines for one user: lists, ranks and metrics, as the evaluation computes them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from dskreg.config import ModelConfig
from dskreg.data.dataset import KNOWN, TEST
from dskreg.data.interactions import train_matrix
from dskreg.errors import InputError
from dskreg.evaluation.baselines import EASE, CoLikes, ItemKNN, baselines
from dskreg.evaluation.evaluate import evaluate
from dskreg.evaluation.metrics import top_items
from dskreg.evaluation.ranking import Scorer, model_scorer
from dskreg.explore.comparison import ALL, CUTOFFS, MEASURES, MODEL
from dskreg.explorer import Explorer
from dskreg.model.dskreg import DSKReG
from dskreg.pipeline import measure
from dskreg.serving import baselines as fitted
from dskreg.serving.baselines import FittedBaselines
from tests.small import DEMO
from tests.worlds import A, B, C, D, E, hand_drawn, hand_drawn_graph

FIGURES = [f"{measure}@{k}" for k in CUTOFFS for measure in MEASURES]
pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


def scorer(explorer: Explorer, name: str) -> Scorer:
    """The recommender as `pipeline.measure` scores it."""
    if name == MODEL:
        return model_scorer(explorer.model)
    baseline = baselines(explorer.core.artifact.metrics.get("baseline_settings"))[name]
    baseline.fit(train_matrix(explorer.core.artifact.dataset, KNOWN))
    return lambda users, history: baseline.scores(history)


@pytest.mark.parametrize("name", ALL)
def test_a_users_metrics_are_those_that_the_evaluation_averages(explorer: Explorer, name: str) -> None:
    data = explorer.core.artifact.dataset
    ranking = evaluate(scorer(explorer, name), data, TEST, most=60)
    tested = np.flatnonzero(np.diff(train_matrix(data, (TEST,)).indptr))
    asked = tested[np.linspace(0, len(tested) - 1, 60).astype(int)]
    for row, user in enumerate(asked):
        mine = explorer.rivals.metrics(explorer.profile(data.user_ids[user]), (name,))
        assert mine.loc[name, FIGURES].to_list() == pytest.approx(
            [ranking.per_user[figure][row] for figure in FIGURES]
        )


@pytest.mark.parametrize("name", ALL)
def test_the_metrics_follow_from_the_ranks_of_the_held_out_items(explorer: Explorer, name: str) -> None:
    profile = explorer.profile(17)
    ranks = explorer.rivals.held_out(profile)[name].to_numpy()
    figures = explorer.rivals.metrics(profile).loc[name]
    assert len(ranks) and (ranks > 0).all()
    for k in CUTOFFS:
        assert figures[f"recall@{k}"] == pytest.approx((ranks <= k).mean())
        assert figures[f"hit@{k}"] == float((ranks <= k).any())
        assert figures[f"mrr@{k}"] == pytest.approx(1 / ranks.min() if ranks.min() <= k else 0)
        ideal = (1 / np.log2(np.arange(2, min(k, len(ranks)) + 2))).sum()
        assert figures[f"ndcg@{k}"] == pytest.approx((1 / np.log2(ranks[ranks <= k] + 1)).sum() / ideal)


@pytest.mark.parametrize("name", ALL)
def test_the_full_ranking_contains_every_item_except_the_history_once(explorer: Explorer, name: str) -> None:
    profile = explorer.profile(17)
    ranks = explorer.rivals.ranks(name, profile)
    known = explorer.core.positions(profile.history)
    assert (ranks[known] == 0).all()
    assert sorted(ranks[ranks > 0]) == list(range(1, len(ranks) - len(known) + 1))
    listed = explorer.with_seen.rivals.recommend(name, profile, 20)
    assert (
        ranks[explorer.core.positions(listed["item_id"])].tolist()
        == listed["rank"].tolist()
        == list(range(1, 21))
    )
    assert not set(listed["item_id"]) & set(profile.history)
    hidden = explorer.rivals.held_out(profile)
    assert set(listed.loc[listed["held_out"], "item_id"]) == set(hidden.loc[hidden[name] <= 20, "item_id"])


def test_the_list_of_the_model_is_that_of_the_explorer(explorer: Explorer) -> None:
    genre, kind = explorer.genres[0], explorer.types[0]
    for profile in (
        explorer.profile(17),
        explorer.profile_of([36]),
        explorer.edited(explorer.profile(17), [36], [explorer.profile(17).history[0]]),
    ):
        for filters in ({}, {"genres": [genre], "types": [kind]}):
            expected = explorer.recommend(profile, 15, **filters).drop(
                columns=["neighbour_share", "reason", "because"]
            )
            pd.testing.assert_frame_equal(explorer.rivals.recommend(MODEL, profile, 15, **filters), expected)


def test_the_list_of_a_baseline_is_its_top_unseen_items(explorer: Explorer) -> None:
    data, profile = explorer.core.artifact.dataset, explorer.profile(17)
    user = explorer.core.directory.user(17)
    for name in explorer.rivals.names:
        score = scorer(explorer, name)(np.array([user]), train_matrix(data, KNOWN)[[user]])
        expected = top_items(score, explorer.core.directory.seen[[user]], 12)[0]
        listed = explorer.rivals.recommend(name, profile, 12)
        assert explorer.core.positions(listed["item_id"]) == expected.tolist()
        assert listed["score"].to_numpy() == pytest.approx(score[0, expected])
        assert not listed["seen"].any() and not set(listed["item_id"]) & set(profile.seen)


def test_custom_and_edited_profiles_have_no_metrics(explorer: Explorer) -> None:
    untouched = explorer.profile(17)
    people = {
        "custom profile": explorer.profile_of([36]),
        "edited": explorer.edited(untouched, disliked=[untouched.history[0]]),
    }
    for word, profile in people.items():
        assert word in explorer.rivals.untestable(profile).lower()
        assert (
            explorer.rivals.metrics(profile).empty
            and list(explorer.rivals.metrics(profile).columns) == FIGURES
        )
        assert explorer.rivals.held_out(profile).empty and list(
            explorer.rivals.held_out(profile).columns
        ) == ["item_id", "title", *ALL]
    assert explorer.rivals.untestable(untouched) == ""


def test_baselines_use_the_settings_of_the_artifact_or_a_note_says_that_they_cannot() -> None:
    settings = {"item-kNN": {"k": 2, "shrink": 1.5}, "EASE": {"regularisation": 7.0}}
    tuned = FittedBaselines(hand_drawn(), {"baseline_settings": settings})
    assert tuned.note == "" and {name: tuned.settings(name) for name in settings} == settings
    assert tuned.settings("popularity") == {}
    usual = {name: one.settings for name, one in baselines().items()}
    for metrics in (
        {},
        {"baseline_settings": {}},
        {"baseline_settings": {"EASE": {"penalty": 3}}},
        {"baseline_settings": {"EASE": None}},
    ):
        older = FittedBaselines(hand_drawn(), metrics)
        assert "Train it again" in older.note and {name: older.settings(name) for name in usual} == usual


def test_baselines_are_fitted_on_training_and_validation_likes() -> None:
    """By hand: A to D have 2 likes each, one of C's is for validation; E is held out or only seen."""
    known = FittedBaselines(hand_drawn(), {})
    counts = known.get("popularity").scores(train_matrix(hand_drawn()))[0]
    assert [counts[i] for i in (A, B, C, D, E)] == [2, 2, 2, 2, 0]
    assert known.titles == 4


def test_each_baseline_is_fitted_once_for_all_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    for kind in (EASE, ItemKNN):
        whole = kind.fit_co_likes
        monkeypatch.setattr(
            kind,
            "fit_co_likes",
            lambda self, likes, whole=whole: (counted.append(type(self).__name__), whole(self, likes))[1],
        )
    counting = CoLikes.of
    monkeypatch.setattr(CoLikes, "of", lambda train: (counted.append("likes"), counting(train))[1])
    shared = FittedBaselines(hand_drawn(), {})
    assert not shared.ready("EASE")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(shared.get, ["EASE", "item-kNN"] * 8))
    assert sorted(counted) == ["EASE", "ItemKNN", "likes"]
    assert len({id(one) for one in found}) == 2 and shared.ready("EASE")


def test_a_large_ease_is_fitted_only_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitted, "FEW_TITLES", 3)
    large = FittedBaselines(hand_drawn(), {})
    assert "memory" in large.refusal("EASE") and large.refusal("item-kNN") == ""
    with pytest.raises(InputError, match="4 items"):
        large.get("EASE")
    assert large.get("EASE", large=True) is large.get("EASE")
    assert large.refusal("EASE") == ""


def test_hiding_adult_items_changes_the_lists_and_neither_fits_nor_metrics() -> None:
    whole = Explorer.open(DEMO)
    first = whole.core.directory.item(
        whole.with_seen.rivals.recommend("EASE", whole.profile(17), 1)["item_id"].iloc[0]
    )
    whole.core.directory.__dict__["adult"] = np.arange(len(whole.items)) == first
    veiled = whole.without_adult
    assert veiled is not whole and veiled.core.baselines is whole.core.baselines
    assert whole.items["item_id"].iloc[first] not in set(
        veiled.with_seen.rivals.recommend("EASE", whole.profile(17), 50)["item_id"]
    )
    assert veiled.rivals.metrics(whole.profile(17)).equals(whole.rivals.metrics(whole.profile(17)))


def test_an_unknown_recommender_and_an_empty_list_are_refused(explorer: Explorer) -> None:
    with pytest.raises(InputError, match="unknown recommender magic"):
        explorer.rivals.recommend("magic", explorer.profile(17))
    with pytest.raises(InputError, match="at least 1"):
        explorer.rivals.recommend("EASE", explorer.profile(17), 0)


def test_a_profile_without_likes_gets_a_list(explorer: Explorer) -> None:
    empty = explorer.profile_of([])
    assert len(explorer.rivals.recommend("EASE", empty, 5)) == 5
    assert explorer.rivals.recommend("popularity", empty, 5)["score"].is_monotonic_decreasing


# Pairs of items


def test_a_pair_of_items_shares_the_genres_of_both(explorer: Explorer) -> None:
    ids = explorer.items.sort_values("likes", ascending=False)["item_id"].head(2).tolist()
    pair, back = explorer.pair(*ids), explorer.pair(*reversed(ids))
    assert (pair.before, pair.after, pair.together) == (back.before, back.after, back.together)
    assert pair.after == pytest.approx(explorer.intra_list_similarity(ids), abs=1e-5)
    assert pair.shared.equals(back.shared)
    genres = [set(explorer.item(i)["genres"].split(", ")) for i in ids]
    tied = set(pair.shared.loc[pair.shared["relation"] == "genre", "entity"])
    assert tied and tied <= genres[0] & genres[1]
    itself = explorer.pair(ids[0], ids[0])
    assert itself.before == pytest.approx(1) and itself.after == pytest.approx(1)


def test_the_measured_settings_build_the_same_baselines() -> None:
    """Through the JSON of an artifact, on an untrained model: nothing here depends on its weights."""
    data = hand_drawn()
    model = DSKReG(ModelConfig(width=4), hand_drawn_graph(), len(data.user_ids)).requires_grad_(False)
    measured = json.loads(json.dumps(measure(model, data, True, lambda text: None)))
    assert set(measured["baseline_settings"]) == {"item-kNN", "EASE"}
    again = FittedBaselines(data, measured)
    assert again.note == "" and all(
        again.settings(name) == settings for name, settings in measured["baseline_settings"].items()
    )
    assert measure(model, data, False, lambda text: None)["baseline_settings"] == {}
