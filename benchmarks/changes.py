"""Changes of DSKReG for benchmarks/levers.py: of a setting, or of code that no setting offers, which hold
inside their `with` and are undone after it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from dskreg.config import PRESETS, Config
from dskreg.evaluation.ranking import Scorer, model_scorer
from dskreg.model.dskreg import DSKReG
from dskreg.model.evidence import EvidenceDSKReG
from dskreg.model.sampling import gumbel as true_gumbel
from dskreg.model.scoring import Catalogue
from dskreg.training import masked

DRAWS, DROPPED = 8, 0.3


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
    """A share of the candidates cannot be drawn in a step."""
    real = masked.gumbel

    def gumbel(
        shape: tuple[int, ...], generator: torch.Generator | None, device: torch.device | str = "cpu"
    ) -> Tensor:
        noise = real(shape, generator, device)
        return noise.masked_fill(torch.rand(shape, generator=generator, device=device) < share, -1e6)

    return patched(masked, "gumbel", gumbel)


def wrong_sign() -> AbstractContextManager[None]:
    """The release's noise: log(-log U), which draws far too deterministically."""
    gumbel = masked.gumbel
    return patched(masked, "gumbel", lambda *arguments: -gumbel(*arguments))


def uniform() -> AbstractContextManager[None]:
    """Draws take no notice of what was learnt: every candidate is as likely as any other, also at the test,
    where the draw is of a fixed seed.
    """
    relevance = EvidenceDSKReG.relevance

    def equal(
        self: EvidenceDSKReG, items: Tensor, neighbour: Tensor, relation: Tensor, slot: Tensor | None
    ) -> Tensor:
        # a fixed order, title for title
        turned = items[:, None] * 4.1414 + neighbour.double() * 12.9898 + relation.double() * 78.233
        spread = torch.frac(torch.sin(turned) * 43758.5453).float()
        return spread + 0 * relevance(self, items, neighbour, relation, slot)

    return patched(EvidenceDSKReG, "relevance", equal)


def setting(**changes: object) -> Config:
    """The default preset with some settings changed, such as `train__epochs=0`."""
    config = PRESETS["default"]
    for name, value in changes.items():
        config = config.override(name.replace("__", "."), str(value))
    return config


@torch.no_grad()
def averaged(model: DSKReG, draws: int = DRAWS) -> Scorer:
    """The mean score over several noisy draws of the titles' neighbours."""
    items, generator = torch.arange(len(model.item_embedding)), torch.Generator().manual_seed(0)
    noises = [true_gumbel(tuple(model.neighbour.shape), generator) for _ in range(draws)]
    scorers = [
        model_scorer(model, Catalogue.of(model, items, model.draw_items(items, noise))) for noise in noises
    ]
    return lambda who, history: np.mean([scores(who, history) for scores in scorers], axis=0)
