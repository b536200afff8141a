"""The metrics against torch_geometric's, against what can be counted by hand, and against their own laws."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from dskreg.evaluation.metrics import Ranking, hits, ndcg, top_items


def world(users: int = 40, items: int = 60, seed: int = 0) -> tuple[np.ndarray, sp.csr_array]:
    """Random full lists of 50, and relevant items for most users but not for all."""
    rng = np.random.default_rng(seed)
    ranked = np.stack([rng.permutation(items)[:50] for _ in range(users)])
    relevant = rng.random((users, items)) < rng.random((users, 1)) * 0.2
    relevant[3] = False
    return ranked, sp.csr_array(relevant.astype(np.float32))


def measure(ranked: np.ndarray, relevant: sp.csr_array, counts: np.ndarray, chunk: int = 1000) -> Ranking:
    ranking = Ranking(counts, users=100)
    for start in range(0, len(ranked), chunk):
        ranking.add(ranked[start : start + chunk], relevant[start : start + chunk])
    return ranking


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch_geometric's import
@pytest.mark.parametrize("k", [10, 20, 50])
def test_agrees_with_torch_geometric(k: int) -> None:
    torch = pytest.importorskip("torch")
    from torch_geometric import metrics as pyg

    ranked, relevant = world()
    counts = np.random.default_rng(1).integers(1, 90, 60)
    results = measure(ranked, relevant, counts).results()
    counted = np.flatnonzero(np.diff(relevant.indptr))
    lists, label = (
        torch.from_numpy(ranked[counted]),
        torch.from_numpy(np.stack(relevant[counted].nonzero()).astype(np.int64)),
    )
    oracles = {
        "recall": pyg.LinkPredRecall(k),
        "ndcg": pyg.LinkPredNDCG(k),
        "hit": pyg.LinkPredHitRatio(k),
        "mrr": pyg.LinkPredMRR(k),
        "precision": pyg.LinkPredPrecision(k),
        "coverage": pyg.LinkPredCoverage(k, num_dst_nodes=60),
        "popularity": pyg.LinkPredAveragePopularity(k, popularity=torch.from_numpy(counts)),
    }
    for name, oracle in oracles.items():
        oracle.update(lists, label)
        assert results[f"{name}@{k}"] == pytest.approx(float(oracle.compute()), rel=1e-5), name


def test_a_list_counted_by_hand() -> None:
    # Relevant: 1, 4 and 5. The list has 1 at rank 2 and 5 at rank 4; five places are filler.
    ranked = np.array([[0, 1, 2, 5, 3] + [-1] * 5])
    relevant = sp.csr_array(np.array([[0, 1, 0, 0, 1, 1, 0, 0]]))
    counts = np.array([8, 4, 2, 1, 1, 0, 0, 0])
    ranking = Ranking(counts, users=8, ks=(10,))
    ranking.add(ranked, relevant)
    dcg, ideal = 1 / np.log2(3) + 1 / np.log2(5), 1 + 1 / np.log2(3) + 1 / np.log2(4)
    expected = {
        "recall@10": 2 / 3,
        "ndcg@10": dcg / ideal,
        "hit@10": 1,
        "mrr@10": 1 / 2,
        "precision@10": 2 / 10,
        "coverage@10": 5 / 8,
    }
    # No user has item 5: counted as one user
    expected |= {"novelty@10": (0 + 1 + 2 + 3 + 3) / 5, "popularity@10": (8 + 4 + 2 + 0 + 1) / 5}
    assert ranking.results() == pytest.approx(expected)
    assert list(ranking.results()) == list(expected)


def test_a_random_ranking_has_recall_k_over_n() -> None:
    rng = np.random.default_rng(0)
    ranked = rng.permuted(np.tile(np.arange(100), (5000, 1)), axis=1)[:, :50]
    relevant = sp.csr_array((np.ones(5000), (np.arange(5000), rng.integers(0, 100, 5000))), shape=(5000, 100))
    results = measure(ranked, relevant, np.ones(100)).results()
    for k in (10, 20, 50):  # a share of 5,000 independent draws: within four standard errors
        assert abs(results[f"recall@{k}"] - k / 100) < 4 * np.sqrt(k / 100 * (1 - k / 100) / 5000)


@pytest.mark.parametrize("relevant_items", [1, 7, 30])
def test_a_perfect_ranking_has_ndcg_1_and_the_best_recall(relevant_items: int) -> None:
    relevant = sp.csr_array((np.arange(60) < relevant_items).astype(float)[None])
    results = measure(np.arange(50)[None], relevant, np.ones(60)).results()
    for k in (10, 20, 50):
        assert results[f"ndcg@{k}"] == pytest.approx(1)
        assert results[f"recall@{k}"] == pytest.approx(min(k, relevant_items) / relevant_items)
        assert results[f"mrr@{k}"] == 1


@pytest.mark.parametrize("chunk", [1, 7, 40])
def test_any_division_into_chunks_gives_the_same(chunk: int) -> None:
    ranked, relevant = world()
    counts = np.arange(60)
    whole, parts = measure(ranked, relevant, counts), measure(ranked, relevant, counts, chunk)
    assert whole.results() == parts.results()
    assert (whole.counted == parts.counted).all()
    for name, values in whole.per_user.items():
        assert (values == parts.per_user[name]).all(), name


def test_users_without_relevant_items_are_left_out() -> None:
    ranked, relevant = world()
    kept = np.flatnonzero(np.diff(relevant.indptr))
    ranking = measure(ranked, relevant, np.arange(60))
    assert 3 not in ranking.counted and (ranking.counted == kept).all()
    assert ranking.results() == measure(ranked[kept], relevant[kept], np.arange(60)).results()
    assert ranking.per_user["ndcg@20"].mean() == pytest.approx(ranking.results()["ndcg@20"])


def test_filler_never_counts_not_even_as_the_last_item_of_the_row_before() -> None:
    relevant = sp.csr_array(np.array([[0, 0, 1], [1, 0, 0]]))  # key 1 * 3 - 1 would be row 0's item 2
    assert not hits(np.array([[-1, -1], [-1, -1]]), relevant).any()
    results = measure(np.full((2, 50), -1), relevant, np.ones(3)).results()
    assert {name for name, value in results.items() if value is None} == {
        f"{of}@{k}" for of in ("novelty", "popularity") for k in (10, 20, 50)
    }
    assert set(results.values()) == {0.0, None}, "empty lists have no novelty, but no hit either"


def test_a_figure_over_no_users_is_undefined() -> None:
    assert set(Ranking(np.ones(3), users=2).results().values()) == {None}
    assert set(measure(np.full((2, 50), -1), sp.csr_array((2, 3)), np.ones(3)).results().values()) == {None}


def test_ndcg_accepts_lists_shorter_than_k() -> None:
    assert ndcg(np.array([[True, False]]), np.array([1]), 20) == pytest.approx([1.0])


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="relevant: expected the shape"):
        Ranking(np.ones(3), users=2).add(np.zeros((2, 5), dtype=int), sp.csr_array((2, 4)))


def naive_top(scores: np.ndarray, exclude: np.ndarray, n: int) -> np.ndarray:
    out = np.full((len(scores), n), -1)
    for row, (values, hidden) in enumerate(zip(scores, exclude, strict=True)):
        order = sorted(
            (i for i in range(len(values)) if not hidden[i] and values[i] > -np.inf),
            key=lambda i: (-values[i], i),
        )[:n]
        out[row, : len(order)] = order
    return out


@pytest.mark.parametrize("levels", [2, 5, 1000])  # few levels: many ties, also across the last place
@pytest.mark.parametrize("n", [1, 10, 30, 50])
@pytest.mark.parametrize("items", [30, 2000])  # by one partition, and by the maxima of blocks
def test_top_items_equals_sorting_with_ties_by_position(levels: int, n: int, items: int) -> None:
    rng = np.random.default_rng(levels + n)
    scores = rng.integers(0, levels, (30, items)).astype(np.float32)
    exclude = rng.random((30, items)) < rng.random((30, 1))
    exclude[0], exclude[1] = True, False
    before = scores.copy()
    assert (top_items(scores, sp.csr_array(exclude), n) == naive_top(scores, exclude, n)).all()
    assert (top_items(scores, None, n) == naive_top(scores, exclude & False, n)).all()
    assert (scores == before).all()


def test_top_items_at_the_edges() -> None:
    assert top_items(np.zeros((0, 4), np.float32), None, 3).shape == (0, 3)
    assert (top_items(np.zeros((2, 0), np.float32), None, 3) == -1).all()
    assert top_items(np.zeros((2, 4), np.float32), None, 0).shape == (2, 0)
    stored_zero = sp.csr_array((np.array([0.0]), (np.array([0]), np.array([1]))), shape=(1, 3))
    assert (top_items(np.array([[1.0, 9.0, -np.inf]]), stored_zero, 3) == [[0, -1, -1]]).all()
    with pytest.raises(ValueError, match="NaN"):
        top_items(np.array([[np.nan, 1.0]]), None, 1)
    with pytest.raises(ValueError, match="shape"):
        top_items(np.zeros((2, 4)), sp.csr_array((2, 5)), 1)
