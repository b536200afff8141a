"""Training the sampler on the question that only the graph can answer: some liked items are hidden whole, and
must be ranked, by their drawn neighbours, for the people who like them.

    loss = -1/B sum_u 1/|hidden_u| sum_{i hidden, liked by u} log softmax_i (t y(u, i)) over the hidden items

Of a hidden item the own vector, its likes and its place in histories are gone, so the score is that of its
neighbours alone. An epoch hides every liked item once. t sets the scale of the softmax and is trained too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy import sparse
from torch import Tensor, nn

from dskreg.config import Config
from dskreg.errors import InputError
from dskreg.evaluation.cold import hidden, without
from dskreg.model.evidence import SHARPNESS, EvidenceDSKReG
from dskreg.model.sampling import gumbel
from dskreg.model.scoring import Catalogue
from dskreg.training.batches import randomness, send
from dskreg.training.distributed import WHOLE, Part

LEAST_LIKES = 5  # of an item that a step hides: fewer say little about who likes it


@dataclass(frozen=True)
class Hidden:
    """Items that are hidden, and users who like some of them."""

    items: Tensor  # [N]
    history: Tensor  # [L] the users' other likes, one user after another: nothing for the device to count
    length: Tensor  # [B] how many each has
    liked: Tensor  # [B, N] 1 where the user likes the hidden item
    noise: Tensor  # [N, M] of the draw: Gumbel noise times SHARPNESS, so that every candidate is tried
    share: float  # of the step's users that are here


class HiddenItems:
    """The steps of an epoch."""

    def __init__(
        self,
        likes: sparse.csr_matrix,
        kept: np.ndarray,
        config: Config,
        device: torch.device,
        part: Part = WHOLE,
    ) -> None:
        """`likes` `[U, I]` of training; `kept` `[n]` items that are never hidden, for validation."""
        self.likes, self.config, self.device, self.part = likes, config, device, part
        count, steps = np.asarray(likes.sum(0)).ravel(), max(1, round(1 / config.train.hide))
        for least in range(LEAST_LIKES, 0, -1):
            self.items = np.setdiff1d(np.flatnonzero(count >= least), kept)
            if len(self.items) >= 2 * steps:
                break
        self.steps = min(steps, len(self.items) // 2)
        if len(self.items) < 2 or not (np.diff(likes.indptr) >= 2).any():
            raise InputError(
                "expected two liked titles and a user with two training likes (one to show, one to predict); "
                "try --preset paper"
            )

    def __len__(self) -> int:
        return self.steps

    def epoch(self, epoch: int, candidates: int) -> Iterator[Hidden]:
        """The steps of the epoch; `candidates`: M of the graph."""
        rng, generator = randomness(self.config.seed, epoch, self.device)
        length = np.diff(self.likes.indptr)
        for items in np.array_split(rng.permutation(self.items), len(self)):
            of_items = self.likes[:, items]
            asked = np.diff(of_items.indptr)
            users = rng.permutation(np.flatnonzero((asked > 0) & (length > asked)))
            users = users[: self.config.train.batch]
            noise = SHARPNESS * gumbel((len(items), candidates), generator, self.device)
            here = users[self.part.rows]
            if not len(users):
                continue
            shown = without(self.likes[here], items)
            yield Hidden(
                items=send(items, self.device),
                history=send(shown.indices.astype(np.int64), self.device),
                length=send(np.diff(shown.indptr).astype(np.int64), self.device),
                liked=send(of_items[here].toarray(), self.device),
                noise=noise,
                share=len(here) / len(users),
            )


class HiddenSoftmax(nn.Module):
    """The loss of a step."""

    def __init__(self, model: EvidenceDSKReG) -> None:
        super().__init__()
        self.model = model

    def forward(self, step: Hidden) -> Tensor:
        """The loss; of several processes this one's part of it."""
        model = self.model
        with hidden(model, step.items):
            user = model.encode_likes(step.history, step.length)
            drawn = model.draw_items(step.items, step.noise)
            score = Catalogue.of(model, step.items, drawn).scores(user).T  # [B, N]
        return share_of_likes(score * model.log_scale.exp(), step.liked) * step.share


def share_of_likes(score: Tensor, liked: Tensor) -> Tensor:
    """Mean over users of the mean negative log-likelihood of what they like; `score` and `liked` `[B, N]`.

    0 over no user.
    """
    likelihood = F.log_softmax(score, 1) * liked
    return -(likelihood.sum(1) / liked.sum(1).clamp(min=1)).sum() / max(len(liked), 1)
