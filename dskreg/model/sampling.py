"""Differentiable sampling without replacement: Gumbel top-k per node, its relaxation, and exact inclusion
probabilities.

    key = s + G,  G = -log(-log U)                        the K largest keys of a node are an exact draw of K
                                                          without replacement from softmax(s)
                                                          (Gumbel top-k, Kool et al., arXiv 1903.06059)
    p^1 = softmax(key / tau),  key <- key + log(1 - p)    K rounds; their sum, the relaxed K-hot, carries the
                                                          gradient (Xie & Ermon, arXiv 1901.10517)
    pi_i = int w_i e^{-w_i t} P(at most K-1 others by t)  the probability that i is among the K
                                                          (docs/model.md)

Letters: N nodes, M candidates per node, K picks, S slots that carry weight (K, or more in the soft form). A
leaf: nothing of dskreg.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

TAKEN = 1e-30  # of a candidate's probability mass that remains, at least
STEP = 32  # integrals have a multiple of so many nodes, so that few rules are ever needed
CELLS = 4_000_000  # probabilities `[M, K, T]` held at a time
# The relaxation runs over the PRUNE * K largest keys: beyond them softmax(key / 0.1) is zero in float32
PRUNE = 4


@dataclass(frozen=True)
class Draw:
    """One draw for N nodes, with everything that led to it."""

    logit: Tensor  # [N, M]; -inf where there is no candidate
    noise: Tensor  # [N, M]
    key: Tensor  # [N, M] logit + noise
    slot: Tensor  # [N, S] positions in 0..M-1 of the S largest keys, largest first
    picked: Tensor  # [N, S] bool: among the K largest, and a candidate
    # [N, S] 1 for a pick (straight-through) or its relaxed K-hot entry (soft); carries the gradient
    weight: Tensor

    def of(self, nodes: Tensor) -> Draw:
        """The same draw for some of its nodes, `[n]` rows."""
        return Draw(**{field.name: getattr(self, field.name)[nodes] for field in fields(self)})


@dataclass(frozen=True)
class DrawSettings:
    """How one user and one item are sampled."""

    seed: int | None  # of the Gumbel noise; None: no noise, the largest logits are picked
    picks: int  # K on the item side
    user_picks: int  # K on the user side
    temperature: float  # tau of the relaxed top-k, which no score that is served depends on


def gumbel(
    shape: tuple[int, ...], generator: torch.Generator | None, device: torch.device | str = "cpu"
) -> Tensor:
    """Independent standard Gumbel noise."""
    uniform = torch.rand(shape, generator=generator, device=device)
    # Float32 below 1: the largest value stays finite
    return -torch.log(-torch.log(uniform.clamp(1e-20, 1 - 6e-8)))


def node_noise(seed: int, nodes: np.ndarray | None, width: int, count: int = 0) -> np.ndarray:
    """Gumbel noise `[N, width]` float32 that depends on (seed, node) alone, so that one node and the whole
    table agree.

    Philox is counter-based: row n of the table starts at counter n * ceil(width / 4). `nodes` None means all
    of 0..count-1.
    """
    stride = -(-width // 4)

    def rows(start: int, n: int) -> np.ndarray:
        generator = np.random.Generator(np.random.Philox(key=seed, counter=start * stride))
        return generator.random((n, stride * 4))[:, :width]

    uniform = (
        rows(0, count)
        if nodes is None
        else np.concatenate([rows(int(n), 1) for n in nodes])
        if len(nodes)
        else np.zeros((0, width))
    )
    return -np.log(-np.log(np.clip(uniform, 1e-300, 1 - 1e-16))).astype(np.float32)


class _RelaxedTopK(torch.autograd.Function):
    """K rounds with their gradient by hand: autograd's record of some fifteen small operations a round costs
    more than the rounds.
    """

    @staticmethod
    def forward(ctx: Any, key: Tensor, k: int, temperature: float) -> Tensor:
        scaled, khot, rounds = key / temperature, torch.zeros_like(key), []
        for _ in range(k):
            p = torch.softmax(scaled, dim=-1)
            khot += p
            left = 1 - p
            # Taken mass removed in log space; the clamp keeps it finite
            scaled = scaled.add(torch.log(left.clamp(min=TAKEN)), alpha=1 / temperature)
            rounds.append((p, left))
        ctx.rounds, ctx.temperature = rounds, temperature
        return khot

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        towards = torch.zeros_like(grad)  # dL / d(key after the round)
        for p, left in reversed(ctx.rounds):
            # Beyond the clamp nothing changes
            of_p = torch.addcdiv(grad, towards, left.masked_fill(left <= TAKEN, torch.inf), value=-1.0)
            towards = towards.add(
                torch._softmax_backward_data(of_p, p, -1, p.dtype), alpha=1 / ctx.temperature
            )
        return towards, None, None


def relaxed_top_k(key: Tensor, k: int, temperature: float) -> Tensor:
    """The relaxed K-hot `[N, L]` of the keys `[N, L]`; each row sums to K.

    Not a probability: entries may exceed 1.
    """
    return _RelaxedTopK.apply(key, k, temperature)


def draw(logit: Tensor, noise: Tensor | None, k: int, slots: int | None = None) -> Draw:
    """The hard draw `[N, M] -> Draw` with weights of 0 and 1, over the K largest keys (what is served) or
    over more `slots`.

    Noise None: zeros, and of equal keys, of which there are many then, the earlier slot is taken, so that
    neither padding nor a candidate left out changes the other picks (`topk` settles ties by M).
    """
    count = min(slots or k, logit.shape[1])
    if noise is None:
        key, noise = logit, torch.zeros_like(logit)
        slot = key.sort(dim=1, descending=True, stable=True).indices[:, :count]
    else:
        key = logit + noise
        slot = key.topk(count, dim=1).indices
    picked = torch.isfinite(logit.gather(1, slot))
    if slots:
        picked &= torch.arange(slot.shape[1], device=slot.device) < k
    return Draw(logit, noise, key, slot, picked, picked.to(logit.dtype))


def soften(hard: Draw, slot_logit: Tensor, k: int, temperature: float, soft: bool) -> Draw:
    """The draw with gradient: `slot_logit` `[N, L]` are the differentiable logits at the slots of `hard`,
    those of the L largest keys.

    Straight-through: forward the hard 0/1, backward the relaxed K-hot, for the picks and the next few:
    without it the next few would get no gradient. Soft: the relaxed K-hot over all L
    slots. A node with at most K candidates picks them all: its weights are 1 and carry no gradient.
    """
    slot, candidate = hard.slot, torch.isfinite(slot_logit)
    key = (slot_logit + hard.noise.gather(1, slot)).masked_fill(~candidate, -1e9)
    crowded = (candidate.sum(1, keepdim=True) > k).to(key.dtype)
    everyone = candidate.to(key.dtype)
    khot = relaxed_top_k(key, k, temperature) * everyone
    if soft:
        return replace(hard, weight=crowded * khot + (1 - crowded) * everyone)
    kept = k + max(1, k // 4)
    khot, slot, picked = khot[:, :kept] * crowded, slot[:, :kept], hard.picked[:, :kept]
    # Exactly 0 or 1
    return Draw(
        hard.logit, hard.noise, hard.key, slot, picked, picked.to(khot.dtype) + (khot - khot.detach())
    )


def inclusion_probability(logit: np.ndarray, k: int) -> np.ndarray:
    """Exact probability `[M]` that each candidate is among the K drawn; float64, sums to K within 1e-6.

    Candidate i arrives at an exponential time of rate w_i = softmax(s)_i and is drawn when at most K-1 others
    came before it: pi_i = int w_i exp(-w_i t) P(at most K-1 of the others arrived by t) dt. The count of the
    others is Poisson-binomial; prefix and suffix recursions give it without candidate i (dividing i out of
    the whole is unstable). Gauss-Legendre nodes in log t.
    """
    logit = np.asarray(logit, dtype=np.float64)
    candidate = np.isfinite(logit)
    if candidate.sum() <= k:
        return candidate.astype(np.float64)
    # A candidate e^40 times as likely as the K+1st is among the K for certain; by how much does not matter,
    # and a short axis suffices.
    logit = np.minimum(logit, np.sort(logit)[-(k + 1)] + 40.0)
    w = np.exp(logit - logit.max())
    w /= w.sum()
    # Before `low` no candidate has arrived; after `high` the K+1 most likely have: outside lies less than
    # 1e-9 of the integral.
    low, high = math.log(1e-9 / w.max()), math.log(30.0 / max(np.sort(w)[-(k + 1)], 1e-300))
    # The K-th arrival is about 1/sqrt(K) wide in log t
    x, weight = _nodes(-int(-8 * (high - low) // STEP) * STEP)
    t = np.exp(low + (x + 1) / 2 * (high - low))  # [T]
    measure, step = weight * (high - low) / 2 * t, max(1, CELLS // (len(w) * k))
    return sum(
        (
            _arriving(w, t[part], measure[part], k)
            for part in (slice(n, n + step) for n in range(0, len(t), step))
        ),
        np.zeros(len(w)),
    )


@lru_cache(maxsize=1024)
def probability_of(logit: bytes, k: int) -> np.ndarray:
    """`inclusion_probability` of float64 logits, kept: in the evidence form they are the same for all users.

    Nobody may change the result.
    """
    return inclusion_probability(np.frombuffer(logit), k)


@lru_cache(maxsize=64)
def _nodes(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights on [-1, 1].

    They are eigenvalues, and take longer than all the rest.
    """
    return np.polynomial.legendre.leggauss(count)


def _arriving(w: np.ndarray, t: np.ndarray, measure: np.ndarray, k: int) -> np.ndarray:
    """`[M]`: the integral's part over the nodes `t` `[T]`, each with its `measure` `[T]`."""
    waiting = np.exp(-np.outer(w, t))  # [M, T] P(i has not arrived)
    arrived = -np.expm1(-np.outer(w, t))
    before = np.zeros((len(w), k, len(t)))  # [i, c]: P(exactly c of the candidates before i have arrived)
    before[0, 0] = 1.0
    for i in range(1, len(w)):
        np.multiply(before[i - 1], waiting[i - 1], out=before[i])
        before[i, 1:] += before[i - 1, :-1] * arrived[i - 1]
    few = np.empty_like(waiting)  # P(at most K-1 others have arrived)
    after = np.ones((k, len(t)))  # [c]: P(at most K-1-c of the candidates after i have arrived)
    for i in reversed(range(len(w))):
        np.einsum("ct,ct->t", before[i], after, out=few[i])
        missed = after[1:] * arrived[i]
        after *= waiting[i]
        after[:-1] += missed
    return (w[:, None] * waiting * few * measure).sum(1)
