"""The paper's objective (section 3.4): -1/B sum log sigmoid(y(u, i+) - y(u, i-)) + lambda L2."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dskreg.config import TrainConfig
from dskreg.model.dskreg import DSKReG
from dskreg.model.scoring import pair_scores
from dskreg.training.batches import Triples


class Bpr(nn.Module):
    """A liked item ranks before one never seen."""

    def __init__(self, model: DSKReG, config: TrainConfig) -> None:
        super().__init__()
        self.model, self.config = model, config

    def forward(self, batch: Triples) -> Tensor:
        """The loss; of several processes this one's part of it."""
        model = self.model
        user = model.user_hop(batch.users, batch.history, batch.user_noise)
        drawn = model.draw_items(batch.titles, batch.item_noise)
        place = torch.cat([batch.liked, batch.other])
        score = pair_scores(model, user.output.repeat(2, 1), batch.titles, drawn, place)
        loss = bpr(*score.chunk(2))
        if self.config.l2:
            # In every process' part
            touched = [model.item_embedding[batch.titles[place]], model.relation_embedding * batch.share**0.5]
            touched += [model.user_embedding[batch.users]] if model.user_embedding is not None else []
            loss = loss + self.config.l2 * l2(*touched)
        return loss * batch.share


def bpr(liked: Tensor, other: Tensor) -> Tensor:
    """Bayesian personalised ranking, mean of -log sigmoid(y(u, i+) - y(u, i-)); scores `[B]` each.

    log 2 where they are equal.
    """
    return F.softplus(other - liked).mean()


def l2(*touched: Tensor) -> Tensor:
    """Half the squared norm of the embeddings that a batch touched, per row of the first."""
    return sum((t.square().sum() for t in touched), torch.zeros((), device=touched[0].device)) / (
        2 * max(len(touched[0]), 1)
    )
