"""What training minimises: two objectives as modules (a batch in, its loss out), and their losses as
functions of scores. Both objectives call the model's own hops; nothing here depends on epochs or files.

    MaskedSoftmax   -1/B sum_u 1/|hidden_u| sum_{i hidden} log softmax_i y(u, i)     docs/model.md
    Bpr             -1/B sum log sigmoid(y(u, i+) - y(u, i-)) + lambda L2            the paper, section 3.4
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dskreg.config import TrainConfig
from dskreg.model.dskreg import DSKReG
from dskreg.model.scoring import Catalogue, pair_scores
from dskreg.training.batches import Masked, Triples


class MaskedSoftmax(nn.Module):
    """Predict the hidden part of a history from the rest, by one softmax over the items of the step."""

    def __init__(
        self, model: DSKReG, config: TrainConfig, gather: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        super().__init__()
        self.model, self.config, self.gather = model, config, gather

    def forward(self, batch: Masked) -> Tensor:
        """The loss; of several processes this one's part of it."""
        with precision(batch.users.device, self.config):
            user = self.model.user_hop(batch.users, batch.history, batch.user_noise)
            catalogue = Catalogue.of(
                self.model, batch.titles, self.model.draw_items(batch.titles, batch.item_noise)
            )
            score = catalogue.scores(user.output)
        score = score.float()  # [N, B]: rows of items, as they come
        hidden, excluded = marked(batch.hidden, score), marked(batch.known, score)
        if batch.sampled is not None:
            # A sampled alternative stands for several; an item that is only some user's target is no
            # alternative.
            score = score + math.log(batch.stands_for) * ~hidden
            excluded |= ~(batch.sampled[:, None] | hidden)
        return masked_softmax(score.T, hidden.T, excluded.T, self.gather)


def marked(places: Tensor, like: Tensor) -> Tensor:
    """A bool tensor of the shape of `like` that is true at `places` `[2, n]`."""
    return torch.zeros(like.shape, dtype=torch.bool, device=like.device).index_put_(
        (places[0], places[1]), torch.ones((), dtype=torch.bool, device=like.device)
    )


class Bpr(nn.Module):
    """A liked item ranks before one never seen."""

    def __init__(self, model: DSKReG, config: TrainConfig) -> None:
        super().__init__()
        self.model, self.config = model, config

    def forward(self, batch: Triples) -> Tensor:
        """The loss; of several processes this one's part of it."""
        model = self.model
        with precision(batch.users.device, self.config):
            user = model.user_hop(batch.users, batch.history, batch.user_noise)
            drawn = model.draw_items(batch.titles, batch.item_noise)
            place = torch.cat([batch.liked, batch.other])
            score = pair_scores(model, user.output.repeat(2, 1), batch.titles, drawn, place).float()
        loss = bpr(*score.chunk(2))
        if self.config.l2:
            # In every process' part
            touched = [model.item_embedding[batch.titles[place]], model.relation_embedding * batch.share**0.5]
            touched += [model.user_embedding[batch.users]] if model.user_embedding is not None else []
            loss = loss + self.config.l2 * l2(*touched)
        return loss * batch.share


def precision(device: torch.device, config: TrainConfig) -> torch.autocast:
    """bfloat16 for one forward pass on CUDA.

    Never around a step: autocast keeps the weights it cast until it ends.
    """
    return torch.autocast(
        device.type, dtype=torch.bfloat16, enabled=device.type == "cuda" and config.mixed_precision
    )


def bpr(liked: Tensor, other: Tensor) -> Tensor:
    """Bayesian personalised ranking, mean of -log sigmoid(y(u, i+) - y(u, i-)); scores `[B]` each.

    log 2 where they are equal.
    """
    return F.softplus(other - liked).mean()


def masked_softmax(
    score: Tensor, target: Tensor, known: Tensor, gather: Callable[[Tensor], Tensor] | None = None
) -> Tensor:
    """Mean over users of the mean negative log-likelihood of their hidden items.

    score `[B, N]`; target `[B, N]` bool, the hidden items; known `[B, N]` bool, the history shown: those
    items are not among the alternatives, as they are not when recommending. Users without a target do not
    count.

    `gather`: the items are divided among processes, and it gives every process's values `[P, ...]` of a
    tensor, without gradient. The result is then this process's part: the parts, and their gradients, add up
    to the whole's.
    """
    reach = torch.logsumexp(score.masked_fill(known, -1e9), dim=1)  # [B] log of the sum over the items here
    count, found = target.sum(1), (score * target).sum(1)
    if gather is not None:
        total, count = torch.logsumexp(gather(reach.detach()), 0), gather(count).sum(0)
        # The shares exp(own - total) add up to 1, so the values do to the total; the gradient is that of the
        # items here.
        reach = torch.exp(reach.detach() - total) * (total + reach - reach.detach())
    asked = count > 0
    return (torch.where(asked, reach, 0.0) - found / count.clamp(min=1)).sum() / asked.sum().clamp(min=1)


def l2(*touched: Tensor) -> Tensor:
    """Half the squared norm of the embeddings that a batch touched, per row of the first."""
    return sum((t.square().sum() for t in touched), torch.zeros((), device=touched[0].device)) / (
        2 * max(len(touched[0]), 1)
    )
