"""Attention over the drawn slots by hand, and the shortcuts against the products they replace."""

from __future__ import annotations

import math

import pytest
import torch

from dskreg.model.aggregation import attention, per_relation, project_pairs


def test_attention_by_hand() -> None:
    # exp: 1, 2, 4; the third slot is not picked, so a third and two thirds remain.
    preference = torch.log(torch.tensor([[1.0, 2.0, 4.0]]))
    assert torch.allclose(
        attention(preference, torch.tensor([[1.0, 1.0, 0.0]])), torch.tensor([[1 / 3, 2 / 3, 0.0]])
    )
    # Relaxed weights multiply: .5 * 1, 1.5 * 2, .25 * 4.
    assert torch.allclose(
        attention(preference, torch.tensor([[0.5, 1.5, 0.25]])), torch.tensor([[0.5, 3.0, 1.0]]) / 4.5
    )


def test_attention_sums_to_one_over_the_picks_and_is_zero_without_any() -> None:
    generator = torch.Generator().manual_seed(0)
    preference, weight = (
        torch.randn(20, 5, 3, generator=generator) * 30,
        (torch.rand(20, 5, 1, generator=generator) < 0.5).float(),
    )
    weight[0] = 0.0
    alpha = attention(preference, weight)
    assert torch.allclose(alpha.sum(1), (weight.sum(1) > 0).float().expand(20, 3), atol=1e-6)
    assert not alpha[(weight == 0).expand_as(alpha)].any()


def test_a_slot_without_weight_does_not_matter_however_much_it_is_preferred() -> None:
    alpha = attention(torch.tensor([[1000.0, 0.0, 0.0]]), torch.tensor([[0.0, 1.0, 1.0]]))
    assert alpha.tolist() == [[0.0, 0.5, 0.5]]


def test_a_constant_preference_and_a_common_weight_cancel() -> None:
    preference, weight = torch.tensor([[0.1, -2.0, 1.0]]), torch.tensor([[0.2, 2.0, 0.7]])
    assert torch.allclose(
        attention(preference + 300.0, weight * 7.0), attention(preference, weight), atol=1e-5
    )


def test_attention_has_the_gradient_of_finite_differences() -> None:
    generator = torch.Generator().manual_seed(0)
    preference = torch.randn(4, 3, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    weight = (torch.rand(4, 3, 1, generator=generator, dtype=torch.float64) + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(attention, (preference, weight))


def test_attention_without_picks_has_no_gradient_and_no_nan() -> None:
    preference, weight = torch.randn(2, 3, requires_grad=True), torch.zeros(2, 3)
    attention(preference, weight).sum().backward()
    assert preference.grad is not None and not preference.grad.any()


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("rows", [9, 90])
def test_the_shortcuts_are_the_products(paired: bool, rows: int) -> None:
    """Of 90 rows few are asked for."""
    generator = torch.Generator().manual_seed(0)
    user, table, index = (
        torch.randn(6, 4, generator=generator),
        torch.randn(rows, 4, generator=generator),
        torch.randint(rows, (6, 3), generator=generator),
    )
    for result in (project_pairs(user, table, index, paired), per_relation(user, table, index, paired)):
        assert result.shape == (6, 3, 1 if paired else 6)
        for n in range(6):
            for s in range(3):
                for b in [n] if paired else range(6):
                    expected = sum(float(user[b, d] * table[index[n, s], d]) for d in range(4))
                    assert math.isclose(float(result[n, s, 0 if paired else b]), expected, abs_tol=1e-5)
