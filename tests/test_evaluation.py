"""Who is asked about what: the histories, the targets and what may not be listed, fold by fold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse

from dskreg.config import PRESETS
from dskreg.data.dataset import KNOWN, TEST, VALIDATION
from dskreg.data.interactions import padded, train_matrix
from dskreg.evaluation.evaluate import evaluate
from dskreg.evaluation.metrics import Ranking
from dskreg.evaluation.ranking import model_scorer, rankings, ranks
from dskreg.graph.candidates import build
from dskreg.model.evidence import EvidenceDSKReG, model_of
from tests.worlds import EVERYTHING, A, B, C, D, E, checkerboard, hand_drawn, hand_drawn_graph


def test_padded_is_the_loop() -> None:
    rng = np.random.default_rng(0)
    for density in (0.0, 0.1, 0.5, 1.0):
        dense = rng.random((7, 9)) < density
        dense[3] = False
        result = padded(sparse.csr_matrix(dense.astype(np.float32)))
        width = max(1, dense.sum(1).max())
        assert result.tolist() == [[*np.flatnonzero(row), *[-1] * (width - row.sum())] for row in dense]
    assert padded(sparse.csr_matrix((2, 5))).tolist() == [[-1], [-1]]


def test_padded_of_some_rows_is_those_rows() -> None:
    likes = train_matrix(hand_drawn(), KNOWN)
    assert padded(likes).tolist() == [[A, B, C], [A, B, D], [C, D, -1]]
    assert padded(likes[[2, 0]]).tolist() == [[C, D, -1], [A, B, C]]


@pytest.mark.parametrize("fold, expected", [(VALIDATION, (0, [A, B], [C])), (TEST, (1, [A, B, D], [E]))])
def test_history_and_target_of_each_fold(
    fold: int, expected: tuple[int, list[int], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only those with something to find are asked, from what they are known to have liked by then; it is not
    listed again.
    """
    asked: list[tuple[int, list[int]]] = []
    listed: list[tuple[list[int], list[int]]] = []

    def scorer(users: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
        asked.extend((int(u), row.indices.tolist()) for u, row in zip(users, history, strict=True))
        return np.ones(history.shape)

    def add(self: Ranking, ranked: np.ndarray, target: sparse.csr_matrix) -> None:
        listed.extend((r[r >= 0].tolist(), t.indices.tolist()) for r, t in zip(ranked, target, strict=True))

    monkeypatch.setattr(Ranking, "add", add)
    evaluate(scorer, hand_drawn(), fold)
    user, history, target = expected
    assert asked == [(user, history)]
    assert listed == [(sorted({A, B, C, D, E} - set(history)), target)]


def test_likes_outside_the_core_belong_to_the_history_in_both_folds() -> None:
    data = hand_drawn()
    for fold, history in ((VALIDATION, [C, D]), (TEST, [C, D])):
        asked: dict[int, list[int]] = {}
        more = replace(
            data,
            fold=np.where((data.user == 2) & (data.item == E), fold, data.fold).astype(np.int8),
            liked=np.ones_like(data.liked),
        )

        def scorer(
            users: np.ndarray, known: sparse.csr_matrix, asked: dict[int, list[int]] = asked
        ) -> np.ndarray:
            asked.update({int(u): row.indices.tolist() for u, row in zip(users, known, strict=True)})
            return np.zeros(known.shape)

        evaluate(scorer, more, fold)
        assert asked[2] == history


def test_a_scorer_that_knows_the_answer_is_perfect_and_one_that_inverts_it_last() -> None:
    data = checkerboard()
    target = train_matrix(data, (VALIDATION,)).toarray()
    assert evaluate(lambda users, history: target[users], data, VALIDATION).results()["ndcg@10"] == 1.0
    assert evaluate(lambda users, history: -target[users], data, VALIDATION).results()["recall@20"] == 0.0


@pytest.mark.parametrize(
    "most, expected", [(None, list(range(300))), (1000, list(range(300))), (4, [0, 99, 199, 299])]
)
def test_at_most_so_many_are_asked_evenly_spaced(most: int | None, expected: list[int]) -> None:
    asked: list[int] = []

    def scorer(users: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
        asked.extend(users.tolist())
        return np.zeros(history.shape)

    evaluate(scorer, checkerboard(300, 10), VALIDATION, most)
    assert asked == expected


@pytest.mark.parametrize("chunk", [1, 7, 100])
@pytest.mark.parametrize("name", ["default", "paper"])
def test_any_division_into_chunks_gives_the_same(name: str, chunk: int) -> None:
    data = checkerboard(30, 12)
    torch.manual_seed(0)
    model = model_of(replace(PRESETS[name].model, width=4), build(data, EVERYTHING), 30)
    if isinstance(model, EvidenceDSKReG):
        model.likes.fill_(3)
    likes, users = train_matrix(data), np.random.default_rng(0).permutation(30)[:23]
    whole = list(rankings(model_scorer(model), users, likes, likes, 5, chunk=1000))
    parts = list(rankings(model_scorer(model), users, likes, likes, 5, chunk=chunk))
    assert len(whole) == 1 and len(parts) == -(-23 // chunk)
    who, ranked, score = (np.concatenate([part[n] for part in parts]) for n in range(3))
    assert np.array_equal(who, users) and np.array_equal(ranked, whole[0][1])
    assert np.allclose(score, whole[0][2], atol=1e-6)


def test_rankings_list_the_best_with_their_scores_and_fill_short_lists() -> None:
    likes = train_matrix(hand_drawn())
    score = np.array([[5.0, 4.0, 3.0, 2.0, 1.0]] * 3)
    ((who, ranked, best),) = rankings(lambda users, history: score[users], np.array([1, 2]), likes, likes, 4)
    assert who.tolist() == [1, 2]
    assert ranked.tolist() == [[C, E, -1, -1], [A, B, C, E]]
    assert best[0, :2].tolist() == [3.0, 1.0] and best[1].tolist() == [5.0, 4.0, 3.0, 1.0]


def test_the_scorer_is_the_model_without_noise() -> None:
    model = model_of(replace(PRESETS["paper"].model, width=4), hand_drawn_graph(), 3)
    likes = train_matrix(hand_drawn())
    with torch.no_grad():
        expected = model(torch.arange(3), torch.from_numpy(padded(likes)), torch.arange(5)).score.numpy()
    assert np.allclose(model_scorer(model)(np.arange(3), likes), expected, atol=1e-6)


def test_ranks_count_what_is_shown_and_better_or_equal_and_earlier() -> None:
    rng = np.random.default_rng(0)
    by, shown = rng.integers(0, 6, 40).astype(float), rng.random(40) < 0.7
    expected = [
        1 + sum(shown[j] and (by[j] > by[i] or (by[j] == by[i] and j < i)) for j in range(40))
        for i in range(40)
    ]
    assert ranks(by, shown).tolist() == expected
