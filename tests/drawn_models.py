"""Models of random weights over five titles, in which every parameter matters, and four users who ask
them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dskreg.config import ModelConfig
from dskreg.graph.candidates import CandidateGraph, build
from dskreg.model.dskreg import UNKNOWN_USER, DSKReG
from dskreg.model.evidence import EvidenceDSKReG, model_of
from dskreg.model.sampling import gumbel
from tests.small import random_world
from tests.worlds import EVERYTHING, A, B, D

HISTORY = [[A, B], [A, B, D], [D], []]
USERS = torch.tensor([0, 1, 2, UNKNOWN_USER])
PADDED = torch.tensor([[A, B, -1], [A, B, D], [D, -1, -1], [-1, -1, -1]])
CATALOGUE = torch.arange(5)


def crowded_graph() -> CandidateGraph:
    """Five titles under three relations, with more candidates each than most K."""
    return build(random_world(1, 5), EVERYTHING)


def make(config: ModelConfig, graph: CandidateGraph | None = None, seed: int = 0) -> DSKReG:
    """A model in float64 in which every parameter matters: drawn at random, none left at its start."""
    model = model_of(config, graph or crowded_graph(), users=3).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.7)
        if isinstance(model, EvidenceDSKReG):
            model.history_weight.uniform_(0.5, 2, generator=generator)
            model.likes.copy_(torch.tensor([4.0, 2, 0, 7, 1]))  # of A to E
            model.evidence.copy_(torch.tensor([3.0, 0.7, 1.5]))
            model.prior.uniform_(-1, 1, generator=generator)
    return model


def noises(model: DSKReG, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return gumbel((4, 3), generator).double(), gumbel((5, model.neighbour.shape[1]), generator).double()
