"""What a step may see: what is shown, what is hidden, what competes with it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from dskreg.config import PRESETS, Config, TrainConfig
from dskreg.data.dataset import OUTSIDE, SEEN, TRAIN, VALIDATION
from dskreg.data.interactions import rows, train_matrix
from dskreg.model.dskreg import DSKReG
from dskreg.model.scoring import pair_scores
from dskreg.training.batches import Masked, MaskedBatches, TripleBatches, Triples, hide
from dskreg.training.distributed import Part
from dskreg.training.objectives import Bpr, MaskedSoftmax, marked, masked_softmax
from tests.tiny_runs import CPU, settings, small
from tests.worlds import A, B, D, checkerboard, hand_drawn


def whole_of(batch: Masked, places: Tensor) -> np.ndarray:
    """`[B, I]` bool from (place among the items, place among the users)."""
    found = np.zeros((len(batch.users), 16), dtype=bool)
    found[places[1], batch.titles[places[0]]] = True
    return found


def test_hiding_divides_every_history_in_two() -> None:
    rng = np.random.default_rng(0)
    likes = train_matrix(checkerboard(60, 40))
    likes = likes.multiply(rng.random(likes.shape) < rng.random((60, 1))).tocsr()
    likes.eliminate_zeros()
    length = np.diff(likes.indptr)
    assert {1, 2} <= set(length.tolist()) and length.max() > 15
    for _ in range(20):
        count = np.bincount(rows(likes), hide(likes, TrainConfig(), rng), minlength=60)
        assert (count[length >= 2] >= 1).all() and ((length - count)[length >= 1] >= 1).all()
        share = count[length >= 10] / length[length >= 10]
        assert share.min() >= 0.3 - 0.05 and share.max() <= 0.5 + 0.05


def test_every_title_is_hidden_equally_often() -> None:
    likes, rng = train_matrix(checkerboard(40, 40))[:1], np.random.default_rng(0)
    often = sum(hide(likes, TrainConfig(), rng).astype(float) for _ in range(2000)) / 2000
    assert np.abs(often - 0.4).max() < 0.05


def test_softmax_predicts_what_the_history_does_not_show() -> None:
    data, graph = small()
    config, likes = settings("default"), train_matrix(data).toarray() > 0
    batches = MaskedBatches(data, config, CPU)
    met: list[int] = []
    seen: list[Masked] = []
    for epoch in (1, 2, 3):
        found = list(batches.epoch(epoch, graph.shape[1]))
        assert len(found) == len(batches) == 2
        for batch in found:
            users, shown = batch.users.numpy(), np.zeros((len(batch.users), 16), dtype=bool)
            for row, titles in enumerate(batch.history.numpy()):
                shown[row, titles[titles >= 0]] = True
            hidden = whole_of(batch, batch.hidden)
            assert (
                batch.titles.tolist() == list(range(16)) and batch.sampled is None and batch.stands_for == 1
            )
            assert (whole_of(batch, batch.known) == shown).all() and not (shown & hidden).any()
            assert ((shown | hidden) == likes[users]).all()
            assert hidden.any(1).all() and shown.any(1).all()
            met.extend(users.tolist())
        seen += found
    assert Counter(met) == Counter([*range(24)] * 3)  # every user once per epoch
    assert not torch.equal(seen[0].history, seen[2].history)  # other epochs hide others
    assert not torch.equal(seen[0].item_noise, seen[1].item_noise)  # other steps draw others


def test_the_loss_is_the_softmax_over_the_scores_of_the_models_own_pass() -> None:
    data, graph = small()
    config = settings("default")
    torch.manual_seed(0)
    model = DSKReG(config.model, graph, 24)
    for batch in MaskedBatches(data, config, CPU).epoch(1, graph.shape[1]):
        score = model(batch.users, batch.history, batch.titles, batch.user_noise, batch.item_noise).score
        expected = masked_softmax(
            score, *(marked(places, score.T).T for places in (batch.hidden, batch.known))
        )
        assert torch.allclose(MaskedSoftmax(model, config.train)(batch), expected, rtol=1e-5)


def test_only_titles_with_training_likes_are_alternatives_and_only_those_with_two_likes_are_asked() -> None:
    batches = MaskedBatches(hand_drawn(), settings("default"), CPU)
    assert batches.titles.tolist() == [A, B, D] and batches.users.tolist() == [0, 1]


def test_bpr_leaves_the_liked_title_out_of_the_history_and_never_takes_one_that_was_met() -> None:
    data, graph = small()
    # Some of the training likes become seen, others stand outside the core
    seen_too = np.arange(len(data.fold)) % 5 == 0
    fold = np.where(
        seen_too & (data.fold == TRAIN), np.where(data.item % 4 < 2, SEEN, OUTSIDE), data.fold
    ).astype(np.int8)
    data = replace(data, fold=fold, liked=data.liked & (fold != SEEN))
    likes = train_matrix(data).toarray() > 0
    met = np.zeros_like(likes)
    met[data.user[data.fold != VALIDATION], data.item[data.fold != VALIDATION]] = True
    batches = TripleBatches(data, settings("paper"), CPU)
    pairs: list[tuple[int, int]] = []
    others: set[tuple[int, int]] = set()
    for epoch in (1, 2, 3, 4):
        for batch in batches.epoch(epoch, graph.shape[1]):
            # One draw per item and step
            assert len(batch.titles.unique()) == len(batch.titles) == len(batch.item_noise)
            liked, other = batch.titles[batch.liked].tolist(), batch.titles[batch.other].tolist()
            for u, h, i, j in zip(batch.users.tolist(), batch.history.tolist(), liked, other, strict=True):
                assert likes[u, i] and not met[u, j]
                assert {t for t in h if t >= 0} == set(np.flatnonzero(likes[u])) - {i}
                pairs.append((u, i))
                others.add((u, j))
    assert sorted(pairs) == sorted([*map(tuple, np.argwhere(likes))] * 4)  # every pair once per epoch
    assert len(others) > 0.8 * (~met).sum()  # and whatever was never met has its turn


@pytest.mark.parametrize("name", PRESETS)
def test_the_liked_and_the_other_title_pass_through_the_same_tower(name: str) -> None:
    """Ask for the same item on both sides: the two scores are one, and the loss is log 2."""
    data, graph = small()
    config = settings(name, objective="bpr", l2=0.0)
    torch.manual_seed(0)
    model = DSKReG(config.model, graph, 24)
    for batch in TripleBatches(data, config, CPU).epoch(1, graph.shape[1]):
        assert Bpr(model, config.train)(replace(batch, other=batch.liked)).tolist() == pytest.approx(
            math.log(2), abs=1e-6
        )
        assert Bpr(model, config.train)(batch).tolist() != pytest.approx(math.log(2), abs=1e-6)


@pytest.mark.parametrize("name", PRESETS)
def test_a_pairs_score_is_the_one_of_the_whole_pass(name: str) -> None:
    data, graph = small()
    config = settings(name, objective="bpr")
    torch.manual_seed(0)
    model = DSKReG(config.model, graph, 24)
    batch: Triples = next(TripleBatches(data, config, CPU).epoch(1, graph.shape[1]))
    whole = model(batch.users, batch.history, batch.titles, batch.user_noise, batch.item_noise).score
    user = model.user_hop(batch.users, batch.history, batch.user_noise).output
    pairs = pair_scores(
        model, user, batch.titles, model.draw_items(batch.titles, batch.item_noise), batch.liked
    )
    assert torch.allclose(pairs, whole[torch.arange(len(batch.users)), batch.liked], rtol=1e-4, atol=1e-6)


def test_l2_counts_what_the_batch_touched() -> None:
    data, graph = small()
    with_l2, without = settings("paper", l2=0.5), settings("paper", l2=0.0)
    torch.manual_seed(0)
    model = DSKReG(with_l2.model, graph, 24)
    assert model.user_embedding is not None
    for batch in TripleBatches(data, with_l2, CPU).epoch(1, graph.shape[1]):
        penalised, plain = (Bpr(model, config.train)(batch).item() for config in (with_l2, without))
        items = batch.titles[torch.cat([batch.liked, batch.other])]
        touched = (model.item_embedding[items], model.relation_embedding, model.user_embedding[batch.users])
        norm = sum(float(t.detach().square().sum()) for t in touched)
        assert penalised - plain == pytest.approx(0.5 * norm / 2 / len(items), rel=1e-3)


def test_a_sampled_softmax_estimates_the_whole_one() -> None:
    """A uniform sample of the alternatives, each standing for several, gives about the loss over all;
    no user's target is lost.
    """
    rng = np.random.default_rng(0)
    score, target = torch.randn(40, 3000), torch.zeros(40, 3000, dtype=torch.bool)
    hidden = rng.integers(3000, size=40)
    target[torch.arange(40), torch.from_numpy(hidden)] = True
    whole = masked_softmax(score, target, torch.zeros_like(target))
    batches = MaskedBatches.__new__(MaskedBatches)
    batches.titles, batches.config = np.arange(3000), replace(Config(), train=TrainConfig(alternatives=600))
    items, sampled = batches._alternatives(hidden, rng)
    assert len(set(items)) == len(items) and sampled.sum() == 600 and set(hidden) <= set(items)
    own = target[:, items]
    weighted = score[:, items] + np.log(3000 / 600) * ~own
    part = masked_softmax(weighted, own, torch.from_numpy(~sampled) & ~own)
    assert float(part) == pytest.approx(float(whole), rel=0.02)
    assert float(masked_softmax(score[:, items], own, torch.zeros_like(own))) != pytest.approx(
        float(whole), rel=0.02
    )


def test_in_a_sampled_step_only_the_sample_competes() -> None:
    data, graph = small()
    config = settings("default", alternatives=5)
    torch.manual_seed(0)
    model = DSKReG(config.model, graph, 24)
    batch = next(MaskedBatches(data, config, CPU).epoch(1, graph.shape[1]))
    assert (
        batch.sampled is not None
        and batch.sampled.sum() == 5 < len(batch.titles)
        and batch.stands_for == 16 / 5
    )
    score = model(batch.users, batch.history, batch.titles, batch.user_noise, batch.item_noise).score
    hidden, known = marked(batch.hidden, score.T).T, marked(batch.known, score.T).T
    total = 0.0
    for row, own, shown in zip(score.tolist(), hidden.tolist(), known.tolist(), strict=True):
        competing = [
            math.exp(s) * (1 if mine else batch.stands_for)
            for s, mine, seen, sampled in zip(row, own, shown, batch.sampled.tolist(), strict=True)
            if mine or (sampled and not seen)
        ]
        total += sum(math.log(sum(competing)) - s for s, mine in zip(row, own, strict=True) if mine) / sum(
            own
        )
    assert MaskedSoftmax(model, config.train)(batch).item() == pytest.approx(
        total / len(batch.users), rel=1e-4
    )


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize(("name", "alternatives"), [("default", 4096), ("default", 5), ("paper", 4096)])
def test_the_parts_of_a_step_make_up_the_step(name: str, alternatives: int, size: int) -> None:
    """Several processes, one after the other: their losses and gradients add up to those of one."""
    data, graph = small()
    config = settings(name, alternatives=alternatives)
    torch.manual_seed(0)
    model = DSKReG(config.model, graph, 24).double()
    kind = MaskedBatches if config.train.objective == "softmax" else TripleBatches
    steps = [
        next(kind(data, config, CPU, part).epoch(1, graph.shape[1]))
        for part in (Part(), *(Part(rank, size) for rank in range(size)))
    ]
    told: list[list[Tensor]] = [[] for _ in range(size)]

    def run(batch: Masked | Triples, rank: int | None) -> tuple[float, list[Tensor]]:
        calls = iter(range(10))

        def gather(value: Tensor) -> Tensor:
            if len(told[rank or 0]) == (call := next(calls)):
                told[rank or 0].append(value)
            return torch.stack([others[call] if len(others) > call else value for others in told])

        objective = (
            MaskedSoftmax(model, config.train, None if rank is None else gather)
            if kind is MaskedBatches
            else Bpr(model, config.train)
        )
        loss = objective(batch)
        model.zero_grad()
        loss.backward()
        return loss.item(), [p.grad.clone() for p in model.parameters() if p.grad is not None]

    for rank in range(size):  # the first round only tells the others
        run(steps[1 + rank], rank)
    whole, gradient = run(steps[0], None)
    parts = [run(steps[1 + rank], rank) for rank in range(size)]
    assert sum(loss for loss, _ in parts) == pytest.approx(whole, rel=1e-5)
    for n, expected in enumerate(gradient):
        assert torch.allclose(sum(part[n] for _, part in parts), expected, rtol=1e-4, atol=1e-6)
