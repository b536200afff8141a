"""The optimiser: AdamW over two groups of parameters."""

from __future__ import annotations

import torch

from dskreg.config import TrainConfig
from dskreg.model.dskreg import DSKReG


def optimiser_of(model: DSKReG, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW over `parameter_groups`, which decays by the learning rate times its `weight_decay`; one kernel
    for all parameters where there is one.
    """
    fused = model.item_embedding.device.type in ("cpu", "cuda")
    return torch.optim.AdamW(
        parameter_groups(model, config), weight_decay=config.weight_decay / config.learning_rate, fused=fused
    )


def parameter_groups(model: DSKReG, config: TrainConfig) -> list[dict]:
    """The embeddings and towers at one learning rate; the sampler's and the attention's few parameters at
    another, without decay.
    """
    small = {
        "relation_embedding",
        "relevance_item",
        "relevance_relation",
        "prior",
        "log_gate",
        "log_user_gate",
    }
    named = list(model.named_parameters())
    return [
        {"params": [p for n, p in named if n not in small], "lr": config.learning_rate},
        {
            "params": [p for n, p in named if n in small],
            "lr": config.sampler_learning_rate,
            "weight_decay": 0.0,
        },
    ]
