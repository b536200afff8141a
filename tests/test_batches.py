"""What a step may see: what is shown, what is hidden, what competes with it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import Tensor
from worlds import A, B, D, checkerboard, hand_drawn

from dskreg import training
from dskreg.config import PRESETS, Config, TrainConfig
from dskreg.data.dataset import OUTSIDE, SEEN, TRAIN, VALIDATION
from dskreg.graph import CandidateGraph, train_matrix
from dskreg.losses import masked_softmax
from dskreg.model import DSKReG
from dskreg.training import BprSteps, SoftmaxSteps, hide
from tests.tiny_runs import CPU, settings, small


def test_hiding_divides_every_history_in_two() -> None:
    rng = np.random.default_rng(0)
    likes = train_matrix(checkerboard(60, 40))
    likes = likes.multiply(rng.random(likes.shape) < rng.random((60, 1))).tocsr()
    likes.eliminate_zeros()
    length = np.diff(likes.indptr)
    assert {1, 2} <= set(length.tolist()) and length.max() > 15
    for _ in range(20):
        shown, hidden = (part.toarray() for part in hide(likes, TrainConfig(), rng))
        assert not (shown * hidden).any()  # disjoint
        assert (shown + hidden == likes.toarray()).all()  # complete
        assert (hidden.sum(1)[length >= 2] >= 1).all() and (shown.sum(1)[length >= 1] >= 1).all()
        share = hidden.sum(1)[length >= 10] / length[length >= 10]
        assert share.min() >= 0.3 - 0.05 and share.max() <= 0.5 + 0.05


def test_every_title_is_hidden_equally_often() -> None:
    likes, rng = train_matrix(checkerboard(40, 40))[:1], np.random.default_rng(0)
    often = sum(hide(likes, TrainConfig(), rng)[1].toarray()[0] for _ in range(2000)) / 2000
    assert np.abs(often[likes.indices] - 0.4).max() < 0.05


class Watched(DSKReG):
    """Keeps what it is asked."""

    asked: list[dict[str, Any]]

    def user_hop(self, users: Tensor, history: Tensor, noise: Tensor | None = None, picks: int | None = None) -> Any:
        self.asked.append({"users": users, "history": history, "noise": noise})
        return super().user_hop(users, history, noise, picks)

    def item_hop(self, user: Tensor, items: Tensor, drawn: Any, paired: bool = False) -> Any:
        self.asked[-1] |= {"items": items, "drawn": drawn, "paired": paired}
        return super().item_hop(user, items, drawn, paired)


def watched(config: Config, graph: CandidateGraph, users: int) -> Watched:
    torch.manual_seed(0)
    model = Watched(config.model, graph, users)
    model.asked = []
    return model


def test_softmax_predicts_what_the_history_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    data, graph = small()
    config, likes = settings("default"), train_matrix(data).toarray() > 0
    model, steps = watched(config, graph, 24), SoftmaxSteps(data, config, CPU)
    given: list[tuple[Tensor, Tensor, Tensor]] = []
    masked_softmax = training.losses.masked_softmax

    def watched_loss(score: Tensor, target: Tensor, known: Tensor) -> Tensor:
        given.append((score, target, known))
        return masked_softmax(score, target, known)

    monkeypatch.setattr(training.losses, "masked_softmax", watched_loss)
    for epoch in (1, 2, 3):
        assert len(list(steps.losses(model, epoch))) == len(steps) == 2
    met: list[int] = []
    for asked, (score, target, known) in zip(model.asked, given, strict=True):
        users, history = asked["users"].numpy(), asked["history"].numpy()
        assert score.shape == target.shape and asked["items"].tolist() == list(range(16)) and not asked["paired"]
        shown = np.zeros((len(users), 16), dtype=bool)
        for row, titles in enumerate(history):
            shown[row, titles[titles >= 0]] = True
        assert (known.numpy() == shown).all() and not (shown & target.numpy()).any()
        assert ((shown | target.numpy()) == likes[users]).all()
        assert target.any(1).all() and shown.any(1).all()
        met.extend(users.tolist())
    assert sorted(met) == sorted([*range(24)] * 3)  # everybody once per epoch
    histories = [asked["history"] for asked in model.asked]
    assert not torch.equal(histories[0], histories[2])  # other epochs hide others
    assert not torch.equal(model.asked[0]["drawn"].noise, model.asked[1]["drawn"].noise)  # other steps draw others


def test_only_titles_with_training_likes_are_alternatives_and_only_those_with_two_likes_are_asked() -> None:
    data = hand_drawn()
    steps = SoftmaxSteps(data, settings("default"), CPU)
    assert steps.titles.tolist() == [A, B, D] and steps.users.tolist() == [0, 1]


def test_bpr_leaves_the_liked_title_out_of_the_history_and_never_takes_one_that_was_met(monkeypatch: pytest.MonkeyPatch) -> None:
    data, graph = small()
    seen_too = np.arange(len(data.fold)) % 5 == 0  # some of the training likes become seen, others stand outside the core
    fold = np.where(seen_too & (data.fold == TRAIN), np.where(data.item % 4 < 2, SEEN, OUTSIDE), data.fold).astype(np.int8)
    data = replace(data, fold=fold, liked=data.liked & (fold != SEEN))
    config, likes = settings("paper"), train_matrix(data).toarray() > 0
    met = np.zeros_like(likes)
    met[data.user[data.fold != VALIDATION], data.item[data.fold != VALIDATION]] = True
    model, steps = watched(config, graph, 24), BprSteps(data, config, CPU)
    pairs: list[tuple[int, int]] = []
    others: set[tuple[int, int]] = set()
    for epoch in (1, 2, 3, 4):
        list(steps.losses(model, epoch))
    for asked in model.asked:
        users, history = asked["users"].tolist(), asked["history"].tolist()
        liked, other = (part.tolist() for part in asked["items"].chunk(2))
        assert asked["paired"]
        for u, h, i, j in zip(users, history, liked, other, strict=True):
            assert likes[u, i] and not met[u, j]
            assert {t for t in h if t >= 0} == set(np.flatnonzero(likes[u])) - {i}
            pairs.append((u, i))
            others.add((u, j))
    assert sorted(pairs) == sorted([*map(tuple, np.argwhere(likes))] * 4)  # every pair once per epoch
    assert len(others) > 0.8 * (~met).sum()  # and whatever was never met has its turn


@pytest.mark.parametrize("name", PRESETS)
def test_the_liked_and_the_other_title_pass_through_the_same_tower(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for the same title on both sides, without noise: the two scores are one, and the loss is log 2."""
    data, graph = small()
    config = replace(settings(name, objective="bpr", l2=0.0))
    monkeypatch.setattr(training, "gumbel", lambda shape, generator, device: torch.zeros(shape))
    model, steps = watched(config, graph, 24), BprSteps(data, config, CPU)
    rng = training._randomness(config.seed, 1, CPU)[0]
    batches = np.array_split(rng.permutation(steps.pairs), len(steps))
    liked = iter([batch[:, 1] for batch in batches])
    monkeypatch.setattr(steps, "_negatives", lambda users, rng: next(liked))
    for loss in steps.losses(model, 1):
        assert loss.tolist() == pytest.approx(math.log(2), abs=1e-6)
    assert torch.equal(*model.asked[0]["items"].chunk(2))


def test_l2_counts_what_the_batch_touched() -> None:
    data, graph = small()
    with_l2, without = settings("paper", l2=0.5), settings("paper", l2=0.0)
    pairs = [list(BprSteps(data, config, CPU).losses(watched(config, graph, 24), 1)) for config in (with_l2, without)]
    model = watched(with_l2, graph, 24)
    list(BprSteps(data, with_l2, CPU).losses(model, 1))
    for asked, penalised, plain in zip(model.asked, *pairs, strict=True):
        assert model.user_embedding is not None
        touched = (model.item_embedding[asked["items"]], model.relation_embedding, model.user_embedding[asked["users"]])
        norm = sum(float(t.detach().square().sum()) for t in touched)
        assert float((penalised - plain).detach()) == pytest.approx(0.5 * norm / 2 / len(asked["items"]), rel=1e-3)


def test_a_sampled_softmax_estimates_the_whole_one() -> None:
    """A uniform sample of the alternatives, each standing for several, gives about the loss over all; nobody's target is lost."""
    rng = np.random.default_rng(0)
    score, target = torch.randn(40, 3000), torch.zeros(40, 3000, dtype=torch.bool)
    target[torch.arange(40), torch.from_numpy(rng.integers(3000, size=40))] = True
    whole = masked_softmax(score, target, torch.zeros_like(target))
    steps = training.SoftmaxSteps.__new__(training.SoftmaxSteps)
    steps.titles, steps.config = np.arange(3000), replace(Config(), train=TrainConfig(alternatives=600))
    hidden = sparse.csr_matrix(target.float().numpy())
    items, sampled = steps._alternatives(hidden, rng)
    assert len(set(items)) == len(items) and sampled.sum() == 600 and set(hidden.indices) <= set(items)
    own = target[:, items]
    weighted = score[:, items] + np.log(3000 / 600) * ~own
    part = masked_softmax(weighted, own, torch.from_numpy(~sampled) & ~own)
    assert float(part) == pytest.approx(float(whole), rel=0.02)
    assert float(masked_softmax(score[:, items], own, torch.zeros_like(own))) != pytest.approx(float(whole), rel=0.02)
