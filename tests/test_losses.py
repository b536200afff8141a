"""The objectives by hand."""

from __future__ import annotations

import math

import pytest
import torch

from dskreg.training.masked import share_of_likes
from dskreg.training.objectives import bpr, l2


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


def test_the_share_of_likes_by_hand() -> None:
    # Weights 1, 2, 4, 8 of 15. The first likes 1 and 4, the second 8.
    score = torch.log(torch.tensor([[1.0, 2.0, 4.0, 8.0]])).expand(2, 4)
    liked = torch.tensor([[1.0, 0, 1, 0], [0, 0, 0, 1]])
    first, second = (math.log(15 / 1) + math.log(15 / 4)) / 2, math.log(15 / 8)
    assert share_of_likes(score, liked).tolist() == pytest.approx((first + second) / 2)
    assert share_of_likes(score + 50.0, liked).tolist() == pytest.approx((first + second) / 2, abs=1e-4)


def test_without_any_user_there_is_no_loss_and_no_nan() -> None:
    score = torch.randn(0, 3, requires_grad=True)
    loss = share_of_likes(score, torch.zeros(0, 3))
    loss.backward()
    assert loss == 0.0 and score.grad is not None


def test_l2_is_half_the_squared_norm_per_row_of_the_first() -> None:
    assert l2(torch.tensor([[3.0, 4.0], [0.0, 1.0]]), torch.tensor([[2.0]])).tolist() == pytest.approx(
        (25 + 1 + 4) / 2 / 2
    )
