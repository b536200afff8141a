"""Preference-aware aggregation over the drawn neighbours (paper, section 3.3), without gathering what is
shared.

    alpha_j = y_j exp(x_j) / sum_j' y_j' exp(x_j')        x_j: preference for slot j, y_j: weight in the draw
    e_hat   = act(W (e + sum_j alpha_j e_j) + b)

The item side's x_j = e_hat_u . e_r depends on the user only through the relation, and e_hat_u . (W e_j) only
through the neighbour: for B users and N items everything but two lookups per slot is a matrix product. Here
stands what an explanation wants, a value for every slot; scores alone sum the slots of a relation first
(scoring.py). Letters: B users, N items, S slots, R relations, D width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from dskreg.model.sampling import Draw

FEW = 4  # where fewer than one row in so many is asked for, it is faster to look them up before the product


@dataclass(frozen=True)
class UserHop:
    """From a history to a user representation."""

    draw: Draw  # over the history, [B, H]
    neighbour: Tensor  # [B, S] items at the slots
    attention: Tensor  # [B, S] beta; sums to one over the picks
    base: Tensor  # [B, D] e_u before the picks
    output: Tensor  # [B, D] e_hat_u


@dataclass(frozen=True)
class Picks:
    """What was drawn for N items. The only thing that a score asks of a draw."""

    neighbour: Tensor  # [N, S] items at the slots; anything where the weight is 0
    relation: Tensor  # [N, S]
    weight: Tensor  # [N, S] y; of the evidence form, times the pair's part of the attention


@dataclass(frozen=True)
class ItemHop:
    """From the picks of N items to their part of the score with each of B users (b = B), or with one user
    each (b = 1).
    """

    draw: Draw  # over the candidates, [N, M]
    neighbour: Tensor  # [N, S] items at the slots
    relation: Tensor  # [N, S]
    attention: Tensor  # [N, S, b] alpha; sums to one over the picks
    contribution: Tensor  # [N, S, b] alpha_j e_hat_u . (W_i e_j); of the evidence form, times k_i
    self_contribution: Tensor  # [N, b] e_hat_u . (W_i e_i)
    bias: Tensor  # [b] e_hat_u . b_i (aligned pairs: [N, 1])
    pre_activation: Tensor  # [N, b] the sum of the three: e_hat_u . (W_i (...) + b_i)
    score: Tensor  # [N, b] e_hat_u . act(W_i (...) + b_i)


@dataclass(frozen=True)
class Trace:
    """One pass, whole: how the users were formed, how the items were, and the scores."""

    user: UserHop
    item: ItemHop
    score: Tensor  # [B, N], or [B] for aligned pairs


def attention(preference: Tensor, weight: Tensor) -> Tensor:
    """Attention y exp(x), normalised over dimension 1; all zero where no slot has weight.

    Both broadcast to `[N, S, b]` or `[N, S]`.
    """
    largest = preference.masked_fill(weight <= 0, -torch.inf).amax(1, keepdim=True).detach()
    # The shift cancels and keeps exp finite. A slot that was not picked has the weight 0 and still a
    # gradient: it may exceed the largest.
    grown = weight * torch.exp((preference - largest).clamp(max=20.0))
    total = grown.sum(1, keepdim=True)
    return grown / torch.where(total > 0, total, 1.0)


def neighbour_share(contribution: Tensor, pre_activation: Tensor) -> Tensor:
    """What part of the score before the activation `[N, b]` the picks' contributions `[N, S, b]` are: below 0
    or above 1 where they and the item's own embedding pull apart; 0 where the score is 0.
    """
    return torch.where(pre_activation == 0, 0.0, contribution.sum(1) / pre_activation)


def lookup(values: Tensor, index: Tensor) -> Tensor:
    """`values` `[I]` at `index`, of any shape.

    On the CPU its gradient takes a seventeenth of the time of an embedding's of width 1.
    """
    return values.index_select(0, index.flatten()).view(index.shape)


def project_pairs(user: Tensor, table: Tensor, index: Tensor, paired: bool) -> Tensor:
    """Dot products user . table[index]: `[N, S, B]` for every user, or `[N, S, 1]` for the row's own user.

    user `[B, D]`, table `[I, D]`, index `[N, S]`. For all pairs one matrix product and a lookup of whole rows
    replace [B, N, S, D]; where few rows of the table are asked for, these alone are multiplied.
    """
    if paired:
        return torch.einsum("nsd,nd->ns", F.embedding(index, table), user).unsqueeze(-1)
    if FEW * index.numel() < len(table):
        return F.embedding(index, table) @ user.T
    return F.embedding(index, table @ user.T)


def per_relation(user: Tensor, relation_embedding: Tensor, relation: Tensor, paired: bool) -> Tensor:
    """e_hat_u . e_r at every slot: `[N, S, B]`, or `[N, S, 1]` for the row's own user."""
    preference = user @ relation_embedding.T  # [B, R]
    return (
        preference.gather(1, relation).unsqueeze(-1)
        if paired
        else F.embedding(relation, preference.T.contiguous())
    )
