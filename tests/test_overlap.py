"""The overlap of two ranked lists: by hand, and against infinite sums computed term by term."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dskreg.explore.overlap import Overlap, depths, jaccard, kendall_tau, moves, rank_biased_overlap


def naive_rbo(first: list[int], second: list[int], p: float) -> float:
    """(1-p) sum_d p^(d-1) A_d in 4,000 terms; the agreement A_d is extrapolated beyond a list's end."""
    short, long = sorted((first, second), key=len)
    s, n = len(short), len(long)

    def common(d: int) -> int:
        return len(set(short[:d]) & set(long[:d]))

    def agreement(d: int) -> float:
        d = min(d, n)
        return (common(d) + max(d - s, 0) * common(s) / s) / d

    return (1 - p) * sum(p ** (d - 1) * agreement(d) for d in range(1, 4001))


def lists(seed: int) -> tuple[list[int], list[int]]:
    rng = np.random.default_rng(seed)
    return rng.permutation(15)[: rng.integers(1, 12)].tolist(), rng.permutation(15)[
        : rng.integers(1, 12)
    ].tolist()


@pytest.mark.parametrize("p", [0.5, 0.9])
@pytest.mark.parametrize("seed", range(12))
def test_rank_biased_overlap_is_the_extrapolated_sum(seed: int, p: float) -> None:
    first, second = lists(seed)
    assert rank_biased_overlap(first, second, p) == pytest.approx(naive_rbo(first, second, p), abs=1e-9)
    assert rank_biased_overlap(first, second, p) == rank_biased_overlap(second, first, p)


def test_rank_biased_overlap_is_1_for_equal_lists_and_0_for_disjoint_ones() -> None:
    assert rank_biased_overlap([1, 2, 3], [1, 2, 3]) == pytest.approx(1)
    assert rank_biased_overlap([1, 2, 3], [4, 5]) == 0
    assert rank_biased_overlap([], [1]) == rank_biased_overlap([], []) == 0


def test_rank_biased_overlap_weighs_agreement_at_the_top_more() -> None:
    assert rank_biased_overlap([1, 2, 3, 4], [1, 2, 8, 9]) > rank_biased_overlap([3, 4, 1, 2], [8, 9, 1, 2])


def test_jaccard_at_every_depth_equals_the_ratio_of_the_sets() -> None:
    assert jaccard([1, 2, 3], [2, 1, 4]) == pytest.approx([0, 1, 2 / 4])
    assert jaccard([1], [2, 1, 3]) == pytest.approx([0, 1 / 2, 1 / 3])
    for seed in range(8):
        first, second = lists(seed)
        expected = [
            len(set(first[:k]) & set(second[:k])) / len(set(first[:k]) | set(second[:k]))
            for k in range(1, max(len(first), len(second)) + 1)
        ]
        assert jaccard(first, second) == pytest.approx(expected)


def test_empty_lists_have_no_overlap() -> None:
    assert len(jaccard([], [])) == 0 and len(moves([], [])) == 0
    overlap = Overlap.of([], [])
    assert (overlap.common, overlap.rbo, overlap.tau) == (0, 0.0, None)


def naive_tau(first: list[int], second: list[int]) -> float:
    common = [item for item in first if item in second]
    pairs = [(a, b) for n, a in enumerate(common) for b in common[n + 1 :]]
    return sum(1 if second.index(a) < second.index(b) else -1 for a, b in pairs) / len(pairs)


def test_kendall_tau_counts_the_pairs_in_the_same_order() -> None:
    assert kendall_tau([1, 2, 3], [1, 2, 3]) == 1 and kendall_tau([1, 2, 3], [3, 2, 1]) == -1
    assert kendall_tau([1, 2], [2, 3]) is None
    pairs = [lists(seed) for seed in range(8)]
    pairs = [(first, second) for first, second in pairs if len(set(first) & set(second)) > 1]
    assert len(pairs) > 3
    for first, second in pairs:
        assert kendall_tau(first, second) == pytest.approx(naive_tau(first, second))


def test_moves_count_the_places_by_which_an_item_rises() -> None:
    frame = moves(["a", "b", "c"], ["c", "x", "a"])
    rows = {row.item_id: (row.first, row.second, row.up) for row in frame.itertuples()}
    assert rows["a"] == (1, 3, -2) and rows["c"] == (3, 1, 2)
    assert rows["b"][0] == 2 and rows["b"][1] is pd.NA and rows["b"][2] is pd.NA
    assert rows["x"][0] is pd.NA and rows["x"][1] == 2
    assert frame["item_id"].tolist() == ["a", "c", "b", "x"]


def test_the_overlap_has_the_values_of_its_functions() -> None:
    first, second = [1, 2, 3, 4], [2, 5, 1]
    overlap = Overlap.of(first, second)
    assert (overlap.first, overlap.second, overlap.common) == (4, 3, 2)
    assert (
        overlap.rbo == rank_biased_overlap(first, second) and overlap.tau == kendall_tau(first, second) == -1
    )
    assert (overlap.jaccard == jaccard(first, second)).all()
    assert overlap.moves["up"].dropna().tolist() == [-2, 1]


def test_repeated_ids_and_invalid_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="every id once"):
        depths([1, 1], [2])
    with pytest.raises(ValueError, match="between 0 and 1"):
        rank_biased_overlap([1], [1], 1.0)
