"""What training minimises. A leaf: pure functions of scores."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def bpr(liked: Tensor, other: Tensor) -> Tensor:
    """Bayesian personalised ranking, mean of -log sigmoid(y(u, i+) - y(u, i-)); scores `[B]` each. log 2 where they are equal."""
    return F.softplus(other - liked).mean()


def masked_softmax(score: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Mean over users of the mean negative log-likelihood of their hidden titles.

    score `[B, N]`; target `[B, N]` bool, the hidden titles; known `[B, N]` bool, the history shown: those titles are not among the
    alternatives, as they are not when recommending. Users without a target do not count.
    """
    log_p = torch.log_softmax(score.masked_fill(known, -1e9), dim=1)
    count = target.sum(1)
    mean = (log_p * target).sum(1) / count.clamp(min=1)
    return -mean.sum() / (count > 0).sum().clamp(min=1)


def l2(*touched: Tensor) -> Tensor:
    """Half the squared norm of the embeddings that a batch touched, per row of the first."""
    return sum((t.square().sum() for t in touched), torch.zeros((), device=touched[0].device)) / (2 * max(len(touched[0]), 1))
