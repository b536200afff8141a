"""The objectives by hand."""

from __future__ import annotations

import math

import pytest
import torch

from dskreg.training.objectives import bpr, l2, masked_softmax


def test_bpr_of_equal_scores_is_log_2() -> None:
    score = torch.tensor([-3.0, 0.0, 100.0])
    assert bpr(score, score).tolist() == pytest.approx(math.log(2))


def test_bpr_by_hand_and_finite_for_extreme_scores() -> None:
    assert bpr(torch.tensor([2.0, 0.0]), torch.tensor([0.0, 1.0])).tolist() == pytest.approx(
        (math.log(1 + math.exp(-2)) + math.log(1 + math.exp(1))) / 2
    )
    assert bpr(torch.tensor([0.0]), torch.tensor([1e4])).tolist() == 1e4


def test_bpr_raises_the_liked_item_as_much_as_it_lowers_the_other() -> None:
    liked, other = torch.zeros(2, requires_grad=True), torch.zeros(2, requires_grad=True)
    bpr(liked, other).backward()
    assert liked.grad is not None and other.grad is not None
    assert liked.grad.tolist() == [-0.25, -0.25] and other.grad.tolist() == [0.25, 0.25]


def test_masked_softmax_by_hand() -> None:
    # Weights 1, 2, 4, 8 for both. The first has seen 8 and hides 1 and 4 of the remaining 7; the second hides
    # 8 of 15.
    score = torch.log(torch.tensor([[1.0, 2.0, 4.0, 8.0]])).expand(3, 4)
    target = torch.tensor([[1, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]).bool()
    known = torch.tensor([[0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]]).bool()
    first, second = (math.log(7 / 1) + math.log(7 / 4)) / 2, math.log(15 / 8)
    # The third hides nothing and does not count
    assert masked_softmax(score, target, known).tolist() == pytest.approx((first + second) / 2)


def test_masked_softmax_ignores_a_common_constant_and_what_is_known() -> None:
    generator = torch.Generator().manual_seed(0)
    score = torch.randn(5, 9, generator=generator)
    part = torch.randint(3, (5, 9), generator=generator)
    target, known = part == 0, part == 1
    loss = masked_softmax(score, target, known)
    assert torch.allclose(masked_softmax(score + 50.0, target, known), loss, atol=1e-5)
    assert torch.equal(masked_softmax(torch.where(known, 1e6, score), target, known), loss)


def test_without_any_target_there_is_no_loss_and_no_nan() -> None:
    score = torch.randn(2, 3, requires_grad=True)
    loss = masked_softmax(score, torch.zeros(2, 3).bool(), torch.ones(2, 3).bool())
    loss.backward()
    assert loss == 0.0 and score.grad is not None and not score.grad.any()


def test_l2_is_half_the_squared_norm_per_row_of_the_first() -> None:
    assert l2(torch.tensor([[3.0, 4.0], [0.0, 1.0]]), torch.tensor([[2.0]])).tolist() == pytest.approx(
        (25 + 1 + 4) / 2 / 2
    )
