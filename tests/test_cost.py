"""What is counted as training, when a target is reached, and that both methods are what they are called."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import pytest
import torch
from scipy import sparse

from benchmarks.cost import (
    IALSSettings,
    LightGCNSettings,
    Point,
    Reached,
    adjacency,
    curve,
    ials,
    lightgcn,
    of_epochs,
    reached,
)
from dskreg.config import PRESETS
from dskreg.data.interactions import train_matrix
from dskreg.errors import InputError
from dskreg.evaluation.ranking import Scorer
from dskreg.training.batches import TripleBatches
from dskreg.training.trainer import Epoch
from tests.worlds import checkerboard, hand_drawn

# torch_geometric's import, hence inside the functions
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")

WHY = "implicit comes with requirements-bench.txt alone"
BOARD = checkerboard(24, 24)
SMALL = LightGCNSettings(width=16, layers=2, batch=64, learning_rate=2e-2)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def slow(clock: Clock, train: float, ask: float, rounds: int) -> Iterator[Scorer]:
    """Trains so long, and answers every question so slowly; knows parity from its second round on."""

    def scorer(knows: bool) -> Scorer:
        def scores(who: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
            clock.now += ask
            same = (who[:, None] + np.arange(history.shape[1])) % 2 == 0
            return (same if knows else ~same).astype(np.float32)

        return scores

    for n in range(rounds):
        clock.now += train
        yield scorer(n > 0)


def test_evaluation_costs_nothing_and_the_limit_ends_the_curve() -> None:
    clock = Clock()
    points = list(curve(slow(clock, 2.0, 50.0, 100), BOARD, limit=5.0, clock=clock))
    assert [p.seconds for p in points] == [2.0, 4.0, 6.0]
    # Twelve of the other parity stand before it at first
    assert [p.ndcg for p in points] == [pytest.approx(1 / math.log2(14)), 1.0, 1.0]
    assert clock.now >= 156


def test_a_method_that_ends_ends_the_curve() -> None:
    clock = Clock()
    assert len(list(curve(slow(clock, 2.0, 0.0, 2), BOARD, limit=100.0, clock=clock))) == 2


CURVE = [Point(1.0, 0.1), Point(2.0, 0.3), Point(3.0, 0.2), Point(4.0, 0.4)]


@pytest.mark.parametrize(
    ("points", "target", "expected"),
    [
        (CURVE, 0.3, Reached(2.0, 0.4)),  # at the target is reached
        (CURVE, 0.31, Reached(4.0, 0.4)),
        (CURVE, 0.5, Reached(None, 0.4)),
        (CURVE[:3], 0.5, Reached(None, 0.3)),  # the best need not be the last
        ([Point(1.0, math.nan), *CURVE[1:]], 0.0, Reached(2.0, 0.4)),
    ],
)
def test_a_target_is_reached_at_the_first_point_that_is_as_good(
    points: list[Point], target: float, expected: Reached
) -> None:
    assert reached(points, target) == expected


def test_an_empty_curve_reaches_nothing() -> None:
    found = reached([], 0.0)
    assert found.seconds is None and math.isnan(found.best)


def test_the_history_of_a_training_run_is_a_curve() -> None:
    history = [
        Epoch(n, 0.5, 0.5, ndcg=n / 10, recall=0.9, hidden=None, seconds=seconds, evaluation_seconds=99.0)
        for n, seconds in enumerate([0.0, 2.0, 1.5])
    ]
    assert of_epochs(history, start=1.0) == [Point(1.0, 0.0), Point(3.0, 0.1), Point(4.5, 0.2)]


def test_the_graph_is_the_training_fold_normalised_on_both_sides() -> None:
    likes = train_matrix(hand_drawn())  # 0: A B   1: A B D   2: D; three users, then five items
    expected = np.zeros((8, 8))
    degree = [2, 3, 1, 2, 2, 0, 2, 0]
    for user, title in [(0, 0), (0, 1), (1, 0), (1, 1), (1, 3), (2, 3)]:
        expected[user, 3 + title] = expected[3 + title, user] = 1 / math.sqrt(
            degree[user] * degree[3 + title]
        )
    assert np.allclose(adjacency(likes).to_dense().numpy(), expected)


def test_lightgcn_scores_with_the_mean_of_its_layers() -> None:
    """After one step at the learning rate 0 the embeddings are those of the start, and the layers can be
    written out.
    """
    from torch_geometric.nn.models import LightGCN

    settings = LightGCNSettings(width=4, layers=2, learning_rate=0.0)
    scores = next(lightgcn(hand_drawn(), settings, seed=5))(
        np.array([2, 0]), train_matrix(hand_drawn())[[2, 0]]
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        start = LightGCN(8, 4, 2).embedding.weight.detach().numpy()
    step = adjacency(train_matrix(hand_drawn())).to_dense().numpy()
    mean = (start + step @ start + step @ step @ start) / 3
    assert np.allclose(scores, mean[[2, 0]] @ mean[3:].T, atol=1e-6)


def test_a_step_of_lightgcn_is_one_of_adam_on_bpr() -> None:
    """Adam's first step goes against the gradient's sign: here of the loss written out over the same
    triples.
    """
    from torch_geometric.nn.models import LightGCN

    settings, likes = (
        LightGCNSettings(width=3, layers=1, learning_rate=0.01, l2=0.05),
        train_matrix(hand_drawn()),
    )
    scores = next(lightgcn(hand_drawn(), settings, seed=2))(np.arange(3), likes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        weight = LightGCN(8, 3, 1).embedding.weight.detach().double().requires_grad_()
    step, rng = adjacency(likes).to_dense().double(), np.random.default_rng(2)
    triples = TripleBatches(hand_drawn(), PRESETS["paper"], torch.device("cpu"))
    chosen = rng.permutation(6)
    who = triples.users[chosen].astype(np.int64)
    other = triples.negatives(who, rng)
    mean, loss = (weight + step @ weight) / 2, torch.zeros((), dtype=torch.float64)
    for u, i, j in zip(who, 3 + triples.liked[chosen], 3 + other, strict=True):
        loss = loss - torch.nn.functional.logsigmoid(mean[u] @ mean[i] - mean[u] @ mean[j]) / 6
    touched = torch.from_numpy(np.concatenate([who, 3 + triples.liked[chosen], 3 + other]))
    (gradient,) = torch.autograd.grad(loss + 0.05 * weight[touched].square().sum() / 6, weight)
    moved = weight.detach() - 0.01 * gradient / (gradient.abs() + 1e-8)
    after = (moved + step @ moved) / 2
    assert np.allclose(scores, (after[:3] @ after[3:].T).numpy(), atol=1e-5)


def test_every_step_of_lightgcn_begins_without_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three steps of plain descent on the sum of all weights: each goes down by the learning rate, three
    times.
    """
    from torch_geometric.nn.models import LightGCN

    monkeypatch.setattr(
        LightGCN, "recommendation_loss", lambda self, *scores, **settings: self.embedding.weight.sum()
    )
    monkeypatch.setattr(torch.optim, "Adam", torch.optim.SGD)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        after = LightGCN(8, 4, 0).embedding.weight.detach().numpy() - 3 * 0.1
    likes = train_matrix(hand_drawn())
    scores = next(lightgcn(hand_drawn(), LightGCNSettings(width=4, layers=0, learning_rate=0.1), epochs=3))(
        np.arange(3), likes
    )
    assert np.allclose(scores, after[:3] @ after[3:].T, atol=1e-6)


def test_two_layers_alone_know_the_checkerboard() -> None:
    """It falls into two graphs: what is likewise propagated is of the same parity."""
    assert next(curve(lightgcn(BOARD, SMALL), BOARD, 60.0)).ndcg == 1.0


def test_without_layers_lightgcn_has_to_learn_it_and_repeats_itself() -> None:
    state = torch.random.get_rng_state()
    settings = replace(SMALL, layers=0)
    first, again, other = (
        list(islice(curve(lightgcn(BOARD, settings, seed=s), BOARD, 60.0), 30)) for s in (0, 0, 1)
    )
    assert torch.equal(torch.random.get_rng_state(), state)  # the global generator is as it was
    assert first[0].ndcg < 0.7 and first[-1].ndcg > 0.95
    assert [p.ndcg for p in first] == [p.ndcg for p in again] != [p.ndcg for p in other]
    assert all(a.seconds < b.seconds for a, b in pairwise(first))


def test_lightgcn_yields_after_so_many_epochs() -> None:
    users = np.arange(5)
    likes = train_matrix(BOARD)[users]
    one, three = list(islice(lightgcn(BOARD, SMALL), 3))[-1], next(lightgcn(BOARD, SMALL, epochs=3))
    assert np.array_equal(one(users, likes), three(users, likes))


def test_ials_learns_the_checkerboard() -> None:
    pytest.importorskip("implicit", reason=WHY)
    points = list(islice(curve(ials(BOARD, IALSSettings(factors=8, regularization=1.0)), BOARD, 60.0), 3))
    assert points[-1].ndcg == 1.0
    assert reached(points, 0.99).seconds is not None


def test_ials_goes_on_from_sweep_to_sweep() -> None:
    """Three times one sweep is one fit of three."""
    als = pytest.importorskip("implicit.als", reason=WHY)
    from threadpoolctl import threadpool_limits

    users, likes = np.arange(5), train_matrix(BOARD)
    settings = IALSSettings(factors=4, regularization=2.0, alpha=3.0)
    with threadpool_limits(1, "blas"):
        whole = als.AlternatingLeastSquares(
            factors=4, regularization=2.0, alpha=3.0, iterations=3, random_state=7
        )
        whole.fit(likes, show_progress=False)
    for method in (
        list(islice(ials(BOARD, settings, seed=7), 3))[-1],
        next(ials(BOARD, settings, seed=7, sweeps=3)),
    ):
        assert np.allclose(
            method(users, likes[users]), whole.user_factors[users] @ whole.item_factors.T, atol=1e-5
        )


def test_without_implicit_one_reads_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("implicit", "implicit.als"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"pip install -r requirements-bench\.txt"):
        ials(BOARD)
