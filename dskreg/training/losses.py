"""What training minimises. A leaf: pure functions of scores."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def bpr(liked: Tensor, other: Tensor) -> Tensor:
    """Bayesian personalised ranking, mean of -log sigmoid(y(u, i+) - y(u, i-)); scores `[B]` each.

    log 2 where they are equal.
    """
    return F.softplus(other - liked).mean()


def masked_softmax(
    score: Tensor, target: Tensor, known: Tensor, gather: Callable[[Tensor], Tensor] | None = None
) -> Tensor:
    """Mean over users of the mean negative log-likelihood of their hidden titles.

    score `[B, N]`; target `[B, N]` bool, the hidden titles; known `[B, N]` bool, the history shown: those
    titles are not among the alternatives, as they are not when recommending. Users without a target do not
    count.

    `gather`: the titles are divided among processes, and it gives everybody's values `[P, ...]` of a tensor,
    without gradient. The result is then this process's part: the parts, and their gradients, add up to the
    whole's.
    """
    reach = torch.logsumexp(score.masked_fill(known, -1e9), dim=1)  # [B] log of the sum over the titles here
    count, found = target.sum(1), (score * target).sum(1)
    if gather is not None:
        total, count = torch.logsumexp(gather(reach.detach()), 0), gather(count).sum(0)
        # The shares exp(own - total) add up to 1, so the values do to the total; the gradient is that of the
        # titles here.
        reach = torch.exp(reach.detach() - total) * (total + reach - reach.detach())
    asked = count > 0
    return (torch.where(asked, reach, 0.0) - found / count.clamp(min=1)).sum() / asked.sum().clamp(min=1)


def l2(*touched: Tensor) -> Tensor:
    """Half the squared norm of the embeddings that a batch touched, per row of the first."""
    return sum((t.square().sum() for t in touched), torch.zeros((), device=touched[0].device)) / (
        2 * max(len(touched[0]), 1)
    )
