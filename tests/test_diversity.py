"""Maximal marginal relevance, compared with its definition item by item."""

from __future__ import annotations

import numpy as np
import pytest

from dskreg.serving.diversity import intra_list_similarity, mmr


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def naive(score: np.ndarray, vectors: np.ndarray, count: int, diversity: float) -> list[int]:
    """argmax (1 - d) rel(i) - d max sim(i, j), over and over; the first is the best."""
    relevance = [(s - min(score)) / (max(score) - min(score)) for s in score]
    chosen = [int(np.argmax(score))]
    while len(chosen) < min(count, len(score)):
        gains = {
            i: (1 - diversity) * relevance[i]
            - diversity * max(0.0, *(cosine(vectors[i], vectors[j]) for j in chosen))
            for i in range(len(score))
            if i not in chosen
        }
        chosen.append(max(gains, key=lambda i: gains[i]))
    return chosen


@pytest.fixture
def pool() -> tuple[np.ndarray, np.ndarray]:
    """Thirty items, the best first."""
    rng = np.random.default_rng(5)
    return np.sort(rng.normal(size=30))[::-1].copy(), rng.normal(size=(30, 4))


@pytest.mark.parametrize("diversity", [0.0, 0.2, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("count", [1, 7, 30, 40])
def test_the_order_follows_the_definition(
    pool: tuple[np.ndarray, np.ndarray], count: int, diversity: float
) -> None:
    assert mmr(*pool, count, diversity).tolist() == naive(*pool, count, diversity)


def test_without_diversity_the_order_is_that_of_the_scores(pool: tuple[np.ndarray, np.ndarray]) -> None:
    assert mmr(*pool, 10, 0.0).tolist() == list(range(10))


@pytest.mark.parametrize("diversity", [0.0, 0.4, 1.0])
def test_the_best_item_stays_first_and_no_item_is_repeated(
    pool: tuple[np.ndarray, np.ndarray], diversity: float
) -> None:
    chosen = mmr(*pool, 30, diversity).tolist()
    assert chosen[0] == 0
    assert sorted(chosen) == list(range(30))


def test_full_diversity_takes_the_item_least_similar_to_the_chosen_ones() -> None:
    """By hand: after east, north is as unlike as can be; then north-east is like both, and the twin of east
    comes last.
    """
    score = np.array([4.0, 3.0, 2.0, 1.0])
    east, twin, north_east, north = [1.0, 0.0], [2.0, 0.0], [1.0, 1.0], [0.0, 1.0]
    assert mmr(score, np.array([east, twin, north_east, north]), 4, 1.0).tolist() == [0, 3, 2, 1]


def test_an_opposite_item_is_no_better_than_an_unrelated_one() -> None:
    score = np.array([3.0, 2.0, 1.0])
    assert mmr(score, np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]), 3, 1.0).tolist() == [0, 1, 2]


def test_the_order_depends_neither_on_the_unit_of_the_scores_nor_on_the_vectors_lengths(
    pool: tuple[np.ndarray, np.ndarray],
) -> None:
    score, vectors = pool
    stretched = vectors * np.random.default_rng(1).uniform(0.1, 9, size=(30, 1))
    assert mmr(7 * score - 3, stretched, 12, 0.5).tolist() == mmr(score, vectors, 12, 0.5).tolist()


def test_empty_pools_equal_scores_and_zero_vectors_are_valid() -> None:
    assert mmr(np.zeros(0), np.zeros((0, 3)), 5, 0.5).tolist() == []
    assert mmr(np.ones(3), np.zeros((3, 2)), 3, 0.5).tolist() == [0, 1, 2]


def test_intra_list_similarity_is_the_mean_cosine_over_pairs(pool: tuple[np.ndarray, np.ndarray]) -> None:
    _, vectors = pool
    pairs = [cosine(vectors[i], vectors[j]) for i in range(30) for j in range(i)]
    assert intra_list_similarity(vectors) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize(
    ("vectors", "expected"),
    [([], 0.0), ([[1.0, 2.0]], 0.0), ([[1.0, 2.0], [3.0, 6.0]], 1.0), ([[1.0, 0.0], [0.0, 5.0]], 0.0)],
)
def test_intra_list_similarity_of_small_lists(vectors: list[list[float]], expected: float) -> None:
    assert intra_list_similarity(np.array(vectors).reshape(-1, 2)) == pytest.approx(expected)
