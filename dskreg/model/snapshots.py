"""What the sampler was at an epoch: the few numbers that all logits follow from, and the logits again.

evidence form    s(i,j,r) = SHARPNESS (v . f_ij + v_r f_ijr)      v [R + 1]; the features stay the same
paper's form     s(i,j,r) = a . e_j + c . e_r                     a . e_j [I] and c . e_r [R]
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from dskreg.model.dskreg import DSKReG
from dskreg.model.evidence import EvidenceDSKReG


@torch.no_grad()
def sampler_state(model: DSKReG) -> dict[str, np.ndarray]:
    """The numbers, by name: `pair_relevance` `[R + 1]`, or `item_logit` `[I]` and `relation_logit` `[R]`."""
    if isinstance(model, EvidenceDSKReG):
        found: dict[str, Tensor] = {"pair_relevance": model.pair_relevance}
    else:
        assert model.relation_embedding is not None
        found = {
            "item_logit": model.item_embedding @ model.relevance_item,
            "relation_logit": model.relation_embedding @ model.relevance_relation,
        }
    return {name: value.detach().cpu().numpy().copy() for name, value in found.items()}


def with_sampler(model: DSKReG, state: Mapping[str, np.ndarray]) -> DSKReG:
    """A model whose `item_logits` are those of the state; nothing else of it may be asked."""
    values = {name: torch.from_numpy(value) for name, value in state.items()}
    if not isinstance(model, EvidenceDSKReG):  # embeddings of one number, which is the logit
        one = torch.ones(1)
        values = {
            "item_embedding": values["item_logit"][:, None],
            "relation_embedding": values["relation_logit"][:, None],
            "relevance_item": one,
            "relevance_relation": one,
        }
    other = copy.copy(model)
    other._parameters = model._parameters | {name: _fixed(value) for name, value in values.items()}
    return other


def _fixed(value: Tensor) -> nn.Parameter:
    return nn.Parameter(value, requires_grad=False)
