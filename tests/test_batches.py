"""What a step of the paper's objective may see: what is shown, and what is compared with it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from dskreg.data.dataset import OUTSIDE, SEEN, TRAIN, VALIDATION
from dskreg.data.interactions import train_matrix
from dskreg.model.dskreg import DSKReG
from dskreg.model.scoring import pair_scores
from dskreg.training.batches import TripleBatches, Triples
from dskreg.training.distributed import Part
from dskreg.training.objectives import Bpr
from tests.tiny_runs import CPU, settings, small


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


def test_the_liked_and_the_other_title_pass_through_the_same_tower() -> None:
    """Ask for the same item on both sides: the two scores are one, and the loss is log 2."""
    data, graph = small()
    config = settings("paper", l2=0.0)
    torch.manual_seed(0)
    model = DSKReG(config.model, graph, 24)
    for batch in TripleBatches(data, config, CPU).epoch(1, graph.shape[1]):
        assert Bpr(model, config.train)(replace(batch, other=batch.liked)).tolist() == pytest.approx(
            math.log(2), abs=1e-6
        )
        assert Bpr(model, config.train)(batch).tolist() != pytest.approx(math.log(2), abs=1e-6)


def test_a_pairs_score_is_the_one_of_the_whole_pass() -> None:
    data, graph = small()
    config = settings("paper")
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


@pytest.mark.parametrize("size", [2, 3])
def test_the_parts_of_a_step_make_up_the_step(size: int) -> None:
    """Several processes, one after the other: their losses and gradients add up to those of one."""
    data, graph = small()
    config = settings("paper")
    torch.manual_seed(0)
    model = DSKReG(config.model, graph, 24).double()
    objective, found = Bpr(model, config.train), []
    for part in (Part(), *(Part(rank, size) for rank in range(size))):
        loss = objective(next(TripleBatches(data, config, CPU, part).epoch(1, graph.shape[1])))
        model.zero_grad()
        loss.backward()
        found.append((loss.item(), [p.grad.clone() for p in model.parameters()]))
    (whole, gradient), *parts = found
    assert sum(loss for loss, _ in parts) == pytest.approx(whole, rel=1e-5)
    for n, expected in enumerate(gradient):
        assert torch.allclose(sum(part[n] for _, part in parts), expected, rtol=1e-4, atol=1e-6)
