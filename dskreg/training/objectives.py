"""The two objectives as modules: a batch in, its loss out. Both call the model's own hops; nothing here knows
about epochs or files.

MaskedSoftmax   -1/B sum_u 1/|hidden_u| sum_{i hidden} log softmax_i y(u, i)     histories hidden in part     (docs/model.md)
Bpr             -1/B sum log sigmoid(y(u, i+) - y(u, i-)) + lambda L2            the paper's                  section 3.4
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from dskreg.config import TrainConfig
from dskreg.model.dskreg import DSKReG
from dskreg.model.scoring import Catalogue, pair_scores
from dskreg.training import losses
from dskreg.training.batches import Masked, Triples


class MaskedSoftmax(nn.Module):
    """Predict the hidden part of a history from the rest, by one softmax over the titles of the step."""

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
        score = score.float()  # [N, B]: rows of titles, as they come
        hidden, excluded = marked(batch.hidden, score), marked(batch.known, score)
        if batch.sampled is not None:
            # A sampled alternative stands for several; a title that is only here as somebody else's target is
            # no alternative.
            score = score + math.log(batch.stands_for) * ~hidden
            excluded |= ~(batch.sampled[:, None] | hidden)
        return losses.masked_softmax(score.T, hidden.T, excluded.T, self.gather)


def marked(places: Tensor, like: Tensor) -> Tensor:
    """A bool tensor of the shape of `like` that is true at `places` `[2, n]`."""
    return torch.zeros(like.shape, dtype=torch.bool, device=like.device).index_put_(
        (places[0], places[1]), torch.ones((), dtype=torch.bool, device=like.device)
    )


class Bpr(nn.Module):
    """A liked title before one never met."""

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
        loss = losses.bpr(*score.chunk(2))
        if self.config.l2:
            # In every process' part
            touched = [model.item_embedding[batch.titles[place]], model.relation_embedding * batch.share**0.5]
            touched += [model.user_embedding[batch.users]] if model.user_embedding is not None else []
            loss = loss + self.config.l2 * losses.l2(*touched)
        return loss * batch.share


def precision(device: torch.device, config: TrainConfig) -> torch.autocast:
    """bfloat16 for one forward pass on CUDA.

    Never around a step: autocast keeps the weights it cast until it ends.
    """
    return torch.autocast(
        device.type, dtype=torch.bfloat16, enabled=device.type == "cuda" and config.mixed_precision
    )
