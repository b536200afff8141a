"""Scores alone, for training and ranking: the slots of one relation are summed first, and no tensor has a
slot and a user axis.

    S(i,r) = sum_{j in r} y_j P_j,   n(i,r) = sum_{j in r} y_j,   p_ur = exp(e_hat_u . e_r)
    sum_j alpha_j g_r P_j = sum_r p_ur g_r S(i,r) / sum_r p_ur n(i,r)
    P = E (W^T e_hat_u), or W E where the activation is not linear

The attention depends on the user only through the relation (docs/model.md), so this is the same number as
`DSKReG.by_slot` gives slot by slot; it differs in the order of summation. Letters: B users, N items, S
slots, R relations, D width, P pairs.
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from dskreg.model.aggregation import Picks, attention
from dskreg.model.dskreg import DSKReG
from dskreg.model.sampling import Draw

CACHED = 1 << 19  # numbers of a block that is worked at while it lies in the processor's cache
SPREAD = 30.0
"""Preferences further than this below a user's largest count as e^-30 of it, which float32 cannot tell from
nothing beside the largest.
"""


class Catalogue:
    """Items with what was drawn for them: everything that depends on no user, computed once and scored for
    any number of users.
    """

    def __init__(self, model: DSKReG, items: Tensor, picks: Picks) -> None:
        """`items` `[N]`; `picks` of them. Gradients flow through where they are on."""
        self.model, self.items, self.picks = model, items, picks
        self.linear, relations = model.config.activation == "linear", len(model.relation_embedding)
        if self.linear:
            self.rows, own, neighbour = met(items, picks.neighbour, model.item_embedding)
            self.sums, self.own = RelationSums(replace(picks, neighbour=neighbour), relations), own
        else:
            projected = model.item_tower(model.item_embedding)  # W_i e + b_i, [I, D]
            slots = (
                model.gated(picks.relation, F.embedding(picks.neighbour, projected) - model.item_tower.bias)
                * picks.weight[..., None]
            )
            self.own = F.embedding(items, projected)
            self.sum = slots.new_zeros(len(items), relations, slots.shape[2]).scatter_add(
                1, picks.relation[..., None].expand_as(slots), slots
            )
            self.present = slots.new_zeros(len(items), relations).scatter_add(
                1, picks.relation, picks.weight.to(slots.dtype)
            )

    @classmethod
    def of(cls, model: DSKReG, items: Tensor, drawn: Draw) -> Catalogue:
        """From a draw of `items` `[N]`."""
        return cls(model, items, model.picks(items, drawn))

    def scores(self, user: Tensor) -> Tensor:
        """`[N, B]` for `user` `[B, D]` = e_hat_u.

        While serving, where a user's preferences differ by more than SPREAD, it goes slot by slot.
        """
        model = self.model
        preference = model.relation_embedding @ user.T  # [R, B]
        if (
            not torch.is_grad_enabled()
            and len(user)
            and (preference.amax(0) - preference.amin(0)).max() > SPREAD
        ):
            return model.by_slot(user, self.items, self.picks)[-1]
        # p_ur, each user's largest is 1
        share = torch.exp((preference - preference.amax(0).detach()).clamp(min=-SPREAD))
        return self._linear(user, share) if self.linear else self._nonlinear(user, share)

    def _linear(self, user: Tensor, share: Tensor) -> Tensor:
        model = self.model
        table = model.item_embedding if self.rows is None else F.embedding(self.rows, model.item_embedding)
        projected = table @ (user @ model.item_tower.weight).T  # P, [I, B]
        total = divisor(self.sums.present.T @ share)
        gated = share if model.gate is None else share * model.gate[:, None]
        mixed = torch.zeros_like(total)
        for of_relation, part in zip(self.sums.of(projected).unbind(), gated, strict=True):
            mixed = torch.addcmul(mixed, of_relation, part)
        return F.embedding(self.own, projected) + mixed / total + user @ model.item_tower.bias

    def _nonlinear(self, user: Tensor, share: Tensor) -> Tensor:
        """The activation needs the vector of every pair, so items come a few at a time."""
        total = divisor(self.present @ share)
        rows = max(1, CACHED // max(1, user.numel()))
        found = [share.new_zeros(0, len(user))]
        for part in (slice(start, start + rows) for start in range(0, len(self.items), rows)):
            around = torch.matmul(share.T, self.sum[part])  # [n, B, D]
            seen = self.model.activate(
                torch.addcdiv(self.own[part, None].expand_as(around), around, total[part, :, None])
            )
            found.append((seen * user).sum(-1))
        return torch.cat(found)


def met(items: Tensor, neighbour: Tensor, table: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
    """(the rows of `table` that a step meets, or None for all; `items` and `neighbour` as places among them).

    Fewer rows are fewer products, forward and backward. On a card they cost less than asking it how many
    there are.
    """
    if table.device.type != "cpu" or 2 * len(items) > len(table):
        return None, items, neighbour
    there = torch.zeros(len(table), dtype=torch.bool)
    there[items] = True
    there[neighbour.flatten().long()] = True
    place = there.cumsum(0) - 1
    return there.nonzero().squeeze(1), place[items], place[neighbour.long()]


class RelationSums:
    """The slots of N items in the order of (relation, item)."""

    def __init__(self, picks: Picks, relations: int) -> None:
        count, weight = len(picks.relation), picks.weight.flatten()
        group = (
            picks.relation * count + torch.arange(count, device=picks.relation.device)[:, None]
        ).flatten()
        order = torch.argsort(group, stable=True)
        size = torch.zeros(relations * count, dtype=torch.long, device=group.device).scatter_add_(
            0, group, torch.ones_like(group)
        )
        self.start, self.shape = size.cumsum(0) - size, (relations, count)
        self.neighbour, self.weight = picks.neighbour.flatten()[order].long(), weight[order]
        # n(i,r)
        self.present = (
            torch.zeros(relations * count, dtype=weight.dtype, device=group.device)
            .index_add(0, group, weight)
            .view(self.shape)
        )

    def of(self, table: Tensor) -> Tensor:
        """S `[R, N, B]`: rows of `table` `[I, B]` at the slots, times their weights, summed by relation."""
        return F.embedding_bag(
            self.neighbour, table, self.start, mode="sum", per_sample_weights=self.weight.to(table.dtype)
        ).view(*self.shape, -1)


def divisor(total: Tensor) -> Tensor:
    """1 where nothing was drawn: the sum above it is 0."""
    return torch.where(total > 0, total, 1.0)


def pair_scores(model: DSKReG, user: Tensor, items: Tensor, drawn: Draw, place: Tensor) -> Tensor:
    """The scores `[P]` of pairs: `user` `[P, D]` = e_hat_u meets the item at `place` `[P]` among `items`
    `[N]`, which are drawn once for all.
    """
    picks = model.picks(items, drawn)
    relation = picks.relation[place]
    alpha = attention((user @ model.relation_embedding.T).gather(1, relation), picks.weight[place])
    gated = model.gated(relation, alpha[..., None])
    # [P, D]
    around = torch.bmm(
        gated.transpose(1, 2), F.embedding(picks.neighbour[place], model.item_embedding)
    ).squeeze(1)
    return (
        model.activate(model.item_tower(F.embedding(items[place], model.item_embedding) + around)) * user
    ).sum(1)
