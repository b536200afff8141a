"""The sampler against enumeration, against the laws of a draw, and against finite differences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from dskreg.model import sampling
from dskreg.model.aggregation import attention
from dskreg.model.sampling import (
    PRUNE,
    Draw,
    draw,
    gumbel,
    inclusion_probability,
    node_noise,
    relaxed_top_k,
    soften,
)


def noise_for(rows: int, width: int, seed: int = 0) -> Tensor:
    return gumbel((rows, width), torch.Generator().manual_seed(seed))


def softened(
    logit: Tensor,
    noise: Tensor,
    k: int,
    temperature: float = 0.1,
    soft: bool = False,
    keep: int | None = None,
) -> Draw:
    """What the model does under training: the hard draw, then its relaxation over the `keep` largest keys
    (PRUNE * k).
    """
    hard = draw(logit.detach(), noise, k, keep or PRUNE * k)
    return soften(hard, logit.gather(1, hard.slot), k, temperature, soft)


# Noise


def test_the_first_pick_follows_softmax() -> None:
    logit = torch.tensor([0.0, 1.0, 2.0, 3.0])
    draws = 100_000
    first = draw(logit.expand(draws, 4), noise_for(draws, 4), 2).slot[:, 0]
    share = torch.bincount(first, minlength=4) / draws
    # Noise of the wrong sign, as released, gives .006 .052 .242 .700
    expected = torch.tensor([0.032, 0.087, 0.237, 0.644])
    assert torch.allclose(torch.softmax(logit, 0), expected, atol=6e-4)
    assert ((share - torch.softmax(logit, 0)).abs() < 4 * (expected * (1 - expected) / draws).sqrt()).all()


@pytest.mark.parametrize("source", ["torch", "numpy"])
def test_noise_is_standard_gumbel(source: str) -> None:
    sample = noise_for(1000, 200).numpy() if source == "torch" else node_noise(0, None, 200, 1000)
    sample = np.sort(sample.ravel())
    expected = np.exp(-np.exp(-sample))  # P(G <= g)
    gap = np.abs(expected - (np.arange(len(sample)) + 0.5) / len(sample)).max()
    assert gap < 1.95 / np.sqrt(len(sample))  # Kolmogorov-Smirnov, p = .001
    assert np.isfinite(sample).all() and sample.dtype == np.float32


def test_noise_is_finite_at_the_ends_of_the_unit_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "rand", lambda *args, **kwargs: torch.tensor([0.0, 1.0 - 2**-24]))
    assert torch.isfinite(gumbel((2,), None)).all()


def test_the_generator_alone_decides_the_noise() -> None:
    torch.manual_seed(1)
    first = noise_for(3, 5)
    torch.manual_seed(2)
    assert torch.equal(first, noise_for(3, 5))
    assert not torch.equal(first, noise_for(3, 5, seed=1))


@pytest.mark.parametrize("width", [1, 4, 7, 200])
def test_the_noise_of_one_node_is_its_row_in_the_table(width: int) -> None:
    table = node_noise(3, None, width, 20)
    assert table.shape == (20, width)
    for node in (0, 7, 19):
        assert np.array_equal(node_noise(3, np.array([node]), width)[0], table[node])
    assert np.array_equal(node_noise(3, np.array([19, 0]), width), table[[19, 0]])
    # No two rows share a stretch of the stream (float32 may collide)
    assert len(np.unique(table)) >= table.size - 5
    assert node_noise(3, np.array([], dtype=int), width).shape == (0, width)


def test_other_seeds_give_other_noise() -> None:
    assert not (node_noise(0, None, 8, 5) == node_noise(1, None, 8, 5)).any()


# The hard draw


def test_the_draw_takes_the_k_largest_keys_largest_first() -> None:
    logit, noise = torch.tensor([[0.0, 1.0, 2.0, 3.0]]), torch.tensor([[5.0, 0.0, 0.5, -1.0]])
    drawn = draw(logit, noise, 3)
    assert drawn.key.tolist() == [[5.0, 1.0, 2.5, 2.0]]
    assert drawn.slot.tolist() == [[0, 2, 3]]
    assert drawn.picked.all() and drawn.weight.tolist() == [[1.0, 1.0, 1.0]]


def test_a_node_with_fewer_candidates_than_k_picks_them_all_and_no_more() -> None:
    logit = torch.tensor([[-torch.inf, 1.0, -torch.inf, 0.0], [-torch.inf] * 4, [1.0, 2.0, 3.0, 4.0]])
    for drawn in (
        draw(logit, noise_for(3, 4), 3),
        softened(logit, noise_for(3, 4), 3),
        softened(logit, noise_for(3, 4), 3, soft=True),
    ):
        assert drawn.picked.sum(1).tolist() == [2, 0, 3]
        assert drawn.weight[:2].sum(1).tolist() == [2.0, 0.0]
        assert set(drawn.slot[0][drawn.picked[0]].tolist()) == {1, 3}


def test_k_beyond_the_table_is_the_whole_table() -> None:
    drawn = draw(torch.zeros(1, 3), noise_for(1, 3), 8)
    assert sorted(drawn.slot[0].tolist()) == [0, 1, 2] and drawn.picked.all()


def test_a_constant_added_to_the_logits_changes_nothing() -> None:
    logit, noise = (
        torch.randn(50, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64),
        noise_for(50, 12).double(),
    )
    for soft in (False, True):
        one, other = (softened(logit + shift, noise, 3, soft=soft) for shift in (0.0, 5.0))
        assert torch.equal(one.slot, other.slot)
        assert torch.allclose(one.weight, other.weight, atol=1e-12)
    assert np.allclose(
        inclusion_probability(logit[0].numpy(), 3), inclusion_probability(logit[0].numpy() + 5, 3), atol=1e-12
    )


# The relaxation


def test_the_relaxed_k_hot_sums_to_k() -> None:
    for k, temperature in itertools.product((1, 3, 8), (0.05, 0.1, 1.0, 10.0)):
        khot = relaxed_top_k(noise_for(20, 32), k, temperature)
        assert torch.allclose(khot.sum(1), torch.full((20,), float(k)), atol=1e-4)


def test_a_cold_relaxation_is_the_hard_k_hot() -> None:
    key = noise_for(20, 12).double()
    hot = torch.zeros_like(key).scatter(1, key.topk(4).indices, 1.0)
    gaps = [(relaxed_top_k(key, 4, temperature) - hot).abs().max() for temperature in (1.0, 0.1, 1e-2, 1e-4)]
    assert all(a > b for a, b in itertools.pairwise(gaps)) and gaps[-1] < 1e-6


def test_a_key_far_above_the_others_is_taken_once() -> None:
    for gap in (5.0, 15.0, 50.0):
        khot = relaxed_top_k(torch.tensor([[gap, 0.0, -1.0, -2.0]]), 2, 0.1)
        assert torch.allclose(khot, torch.tensor([[1.0, 1.0, 0.0, 0.0]]), atol=1e-3)


def test_a_hot_relaxation_is_uniform() -> None:
    assert torch.allclose(relaxed_top_k(noise_for(5, 10), 3, 1e6), torch.full((5, 10), 0.3), atol=1e-4)


def test_two_rounds_by_hand() -> None:
    # tau = 1: softmax(log 1, log 3) = 1/4, 3/4; then the weights are 1 * 3/4 and 3 * 1/4: a half each.
    khot = relaxed_top_k(torch.log(torch.tensor([[1.0, 3.0]])), 2, 1.0)
    assert torch.allclose(khot, torch.tensor([[0.75, 1.25]]))


def test_the_relaxation_over_the_largest_keys_is_the_one_over_all() -> None:
    logit, noise, k = torch.randn(20, 300, generator=torch.Generator().manual_seed(0)), noise_for(20, 300), 8
    whole = relaxed_top_k(logit + noise, k, 0.1)
    pruned = softened(logit, noise, k, soft=True)
    assert pruned.slot.shape == (20, PRUNE * k)
    assert torch.allclose(torch.zeros_like(whole).scatter(1, pruned.slot, pruned.weight), whole, atol=1e-4)


def test_the_relaxed_top_k_has_the_gradient_of_finite_differences() -> None:
    key = torch.randn(
        3, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True
    )
    assert torch.autograd.gradcheck(lambda x: relaxed_top_k(x, 3, 0.7), (key,))


def test_straight_through_is_hard_forward_and_relaxed_backward() -> None:
    logit = torch.randn(
        6, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True
    )
    noise, k, worth = noise_for(6, 10).double(), 3, torch.linspace(-1, 2, 10, dtype=torch.float64)
    drawn = softened(logit, noise, k, 0.5)
    hard = draw(logit.detach(), noise, k)
    assert torch.equal(drawn.slot[:, :k], hard.slot)
    # Exactly, or explain would not equal score
    assert torch.equal(drawn.weight[:, :k].detach(), hard.weight) and not drawn.weight[:, k:].any()
    (backward,) = torch.autograd.grad((drawn.weight * worth[drawn.slot]).sum(), logit)
    relaxed = relaxed_top_k(logit + noise, k, 0.5)
    (expected,) = torch.autograd.grad((relaxed.gather(1, drawn.slot) * worth[drawn.slot]).sum(), logit)
    assert torch.allclose(backward, expected, atol=1e-12) and expected.abs().max() > 0.01


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("soft", [False, True])
def test_the_gradient_points_along_the_true_one(k: int, soft: bool) -> None:
    """Of the expected loss over all draws, enumerated.

    Without the slots that just missed it the mean cosine is about .75, and 0 for K = 1.
    """
    orders, cosines, lengths = torch.tensor(list(itertools.permutations(range(8), k))), [], []
    for seed in range(8):
        rng = torch.Generator().manual_seed(seed)
        logit, preference, worth = (
            torch.randn(8, generator=rng, dtype=torch.float64) * scale for scale in (1.0, 0.5, 3.0)
        )

        def loss(alpha: Tensor, slot: Tensor, worth: Tensor = worth) -> Tensor:
            return torch.nn.functional.softplus(-(alpha * worth[slot]).sum(1))

        exact, sampled = logit.clone().requires_grad_(), logit.clone().requires_grad_()
        w = torch.softmax(exact, 0)[orders]
        probability = (w / (1 - torch.nn.functional.pad(w.cumsum(1)[:, :-1], (1, 0)))).prod(1)
        (true,) = torch.autograd.grad(
            (probability * loss(torch.softmax(preference[orders], 1), orders)).sum(), exact
        )
        drawn = softened(sampled.expand(3000, 8), noise_for(3000, 8, seed).double(), k, 0.1, soft)
        (estimate,) = torch.autograd.grad(
            loss(attention(preference[drawn.slot], drawn.weight), drawn.slot).mean(), sampled
        )
        cosines.append(float(torch.cosine_similarity(true, estimate, 0)))
        lengths.append(float(estimate.norm() / true.norm()))
    assert np.mean(cosines) > 0.9 and min(cosines) > 0.75
    assert 0.6 < np.mean(lengths) < 1.6


def test_soft_is_relaxed_both_ways() -> None:
    logit = torch.randn(6, 10, generator=torch.Generator().manual_seed(0), requires_grad=True)
    noise = noise_for(6, 10)
    drawn = softened(logit, noise, 3, 0.5, soft=True)
    assert torch.allclose(drawn.weight, relaxed_top_k(logit + noise, 3, 0.5).gather(1, drawn.slot), atol=1e-6)
    assert torch.equal(drawn.picked.sum(1), torch.full((6,), 3))


@pytest.mark.parametrize("soft", [False, True])
def test_where_all_candidates_are_picked_there_is_no_gradient(soft: bool) -> None:
    logit = torch.tensor([[0.3, -torch.inf, -0.2], [-torch.inf] * 3], requires_grad=True)
    drawn = softened(logit, noise_for(2, 3), 2, soft=soft)
    assert drawn.weight.sum(1).tolist() == [2.0, 0.0]
    (backward,) = torch.autograd.grad(drawn.weight.square().sum(), logit)
    assert not backward.any() and torch.isfinite(backward).all()


# Inclusion probabilities


def plackett_luce(logit: np.ndarray, k: int) -> np.ndarray:
    """By enumeration of every ordered draw of k without replacement."""
    w = np.exp(logit - logit.max())
    pi = np.zeros(len(w))
    for order in itertools.permutations(range(len(w)), k):
        p, left = 1.0, w.sum()
        for i in order:
            p, left = p * w[i] / left, left - w[i]
        pi[list(order)] += p
    return pi


@pytest.mark.parametrize("m", [1, 2, 4, 6])
def test_inclusion_is_enumerated_plackett_luce(m: int) -> None:
    for k in range(1, m + 1):
        for logit in (np.zeros(m), np.arange(m) * 1.0, np.random.default_rng(m).normal(size=m) * 3):
            assert np.allclose(inclusion_probability(logit, k), plackett_luce(logit, k), atol=1e-8)


def test_inclusion_is_how_often_a_candidate_is_drawn() -> None:
    logit, draws = torch.linspace(-1, 2, 20), 20_000
    slot = draw(logit.expand(draws, 20), noise_for(draws, 20), 5).slot
    share = np.bincount(slot.flatten().numpy(), minlength=20) / draws
    pi = inclusion_probability(logit.numpy(), 5)
    assert (np.abs(share - pi) < 4.5 * np.sqrt(pi * (1 - pi) / draws)).all()


@pytest.mark.parametrize("k", [1, 8, 32])
@pytest.mark.parametrize("m", [9, 100, 500])
def test_inclusion_sums_to_k(m: int, k: int) -> None:
    normal = np.random.default_rng(0).normal(size=m)
    for spread in (1e-3, 1.0, 5.0):
        pi = inclusion_probability(normal * spread, k)
        assert abs(pi.sum() - min(k, m)) < 1e-6
        assert pi.min() >= 0 and pi.max() < 1 + 1e-6
        order = np.argsort(normal)
        assert (np.diff(pi[order]) > -1e-9).all()  # the more relevant, the likelier
    assert inclusion_probability(np.zeros(m), k) == pytest.approx(np.full(m, min(k, m) / m))


def test_inclusion_of_a_huge_spread_is_the_hard_top_k(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, nodes = [], sampling._nodes

    def counted(n: int) -> tuple[np.ndarray, np.ndarray]:
        asked.append(n)
        return nodes(n)

    monkeypatch.setattr(sampling, "_nodes", counted)
    for step in (20.0, 500.0):  # the second underflows: only the first has any probability left
        logit = np.random.default_rng(0).permutation(60) * step
        assert np.allclose(inclusion_probability(logit, 4), logit >= 56 * step, atol=1e-6)
    assert max(asked) < 1000  # as many nodes as the logits are wide would take minutes


def test_the_integral_s_nodes_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sampling._nodes.cache_clear()
    counted, leggauss = [], np.polynomial.legendre.leggauss
    monkeypatch.setattr(np.polynomial.legendre, "leggauss", lambda n: (counted.append(n), leggauss(n))[1])
    rng = np.random.default_rng(0)
    for _ in range(20):  # never the same spread, and few numbers of nodes
        inclusion_probability(rng.normal(size=60), 4)
    assert 1 <= len(counted) <= 3 and len(set(counted)) == len(counted)
    sampling._nodes.cache_clear()


def test_inclusion_in_parts_is_inclusion_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    logit = np.random.default_rng(4).normal(0, 3, 40)
    whole = inclusion_probability(logit, 5)
    largest: list[int] = []
    arriving = sampling._arriving
    monkeypatch.setattr(
        sampling,
        "_arriving",
        lambda w, t, *rest: (largest.append(len(w) * len(t) * rest[-1]), arriving(w, t, *rest))[1],
    )
    for cells in (1, 700, 10_000):
        monkeypatch.setattr(sampling, "CELLS", cells)
        largest.clear()
        np.testing.assert_allclose(inclusion_probability(logit, 5), whole, atol=1e-12)
        assert max(largest) <= max(cells, 40 * 5)


def test_inclusion_of_what_is_no_candidate_is_zero() -> None:
    logit = np.array([0.3, -np.inf, 1.0, -0.5, 0.2, -np.inf])
    for k in (1, 2, 3):
        pi = inclusion_probability(logit, k)
        assert (
            np.allclose(pi[np.isfinite(logit)], plackett_luce(logit[np.isfinite(logit)], k), atol=1e-8)
            and not pi[~np.isfinite(logit)].any()
        )
