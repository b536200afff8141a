"""Changes of DSKReG's code that no setting offers, for benchmarks/levers.py: each holds inside its `with` and
is undone after it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from dskreg.data.dataset import Dataset
from dskreg.data.interactions import train_matrix
from dskreg.evaluation.baselines import EASE
from dskreg.evaluation.ranking import Scorer, model_scorer
from dskreg.graph import candidates
from dskreg.model.dskreg import DSKReG
from dskreg.model.scoring import Catalogue
from dskreg.training import batches, objectives, trainer
from dskreg.training.batches import Masked
from dskreg.training.start import Start

DRAWS, DROPPED, FALLING = 8, 0.3, 0.98


@contextmanager
def patched(owner: Any, name: str, value: object) -> Iterator[None]:
    """`owner.name` is `value` inside."""
    real = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, real)


def dropping(share: float = DROPPED) -> AbstractContextManager[None]:
    """A share of the candidates, and of the liked items that may be picked, cannot be drawn in a step."""
    real = batches.gumbel

    def gumbel(
        shape: tuple[int, ...], generator: torch.Generator | None, device: torch.device | str = "cpu"
    ) -> Tensor:
        noise = real(shape, generator, device)
        return noise.masked_fill(torch.rand(shape, generator=generator, device=device) < share, -1e6)

    return patched(batches, "gumbel", gumbel)


def corrected(dataset: Dataset) -> AbstractContextManager[None]:
    """Softmax over score + log popularity: what is learnt is how much more a user likes an item than users
    do.
    """
    log_count = torch.from_numpy(
        np.log(np.maximum(np.asarray(train_matrix(dataset).sum(0)).ravel(), 1))
    ).float()
    real, forward = objectives.masked_softmax, objectives.MaskedSoftmax.forward

    def with_popularity(self: objectives.MaskedSoftmax, batch: Masked) -> Tensor:
        def loss(score: Tensor, *rest: Any) -> Tensor:
            return real(score + log_count[batch.titles], *rest)

        with patched(objectives, "masked_softmax", loss):
            return forward(self, batch)

    return patched(objectives.MaskedSoftmax, "forward", with_popularity)


def of_ease(regularisation: float) -> AbstractContextManager[None]:
    """Strength of a co-liked candidate: the positive part of EASE's weight."""

    def strengths(dataset: Dataset) -> Callable[[int, int], np.ndarray]:
        fitted = EASE(regularisation).fit(train_matrix(dataset))
        weights = fitted.likes.widen(fitted.likes.widen(np.maximum(fitted.weights, 0)).T).T.astype(np.float32)
        return lambda start, stop: weights[start:stop].copy()

    return patched(candidates, "co_liked", strengths)


def two_hops() -> AbstractContextManager[None]:
    """The embeddings start as what the graph makes of them, so that a neighbour brings its own neighbours
    along.
    """
    real = trainer.start_from_svd

    def start(model: DSKReG, *rest: Any) -> Start:
        found = real(model, *rest)
        model.eval()
        with torch.no_grad():
            model.item_embedding.copy_(model.representation()[1])
        model.train()
        return found

    return patched(trainer, "start_from_svd", start)


def falling(factor: float = FALLING) -> AbstractContextManager[None]:
    """Every step's learning rates are so many times the last one's."""
    real = trainer.optimiser_of

    def optimiser_of(*arguments: Any) -> torch.optim.AdamW:
        optimiser = real(*arguments)

        def fall(*_: object) -> None:
            for group in optimiser.param_groups:
                group["lr"] *= factor

        optimiser.register_step_post_hook(fall)
        return optimiser

    return patched(trainer, "optimiser_of", optimiser_of)


@torch.no_grad()
def averaged(model: DSKReG, draws: int = DRAWS) -> Scorer:
    """The mean score over several noisy draws of the titles' neighbours."""
    items, generator = torch.arange(len(model.item_embedding)), torch.Generator().manual_seed(0)
    noises = [
        batches.gumbel(tuple(model.neighbour.shape), generator, torch.device("cpu")) for _ in range(draws)
    ]
    scorers = [
        model_scorer(model, Catalogue.of(model, items, model.draw_items(items, noise))) for noise in noises
    ]
    return lambda who, history: np.mean([scores(who, history) for scores in scorers], axis=0)
