"""Scores alone, for training and ranking: no tensor has a slot and a user axis.

    without preference  e_hat_i is the same for everybody: one vector per item, one matrix product
    with preference     the attention depends on the user only through the relation (docs/model.md):
        S(i,r) = sum_{j in r} y_j W e_j,   n(i,r) = sum_{j in r} y_j,   p_ur = exp(e_hat_u . e_r)
        sum_j alpha_j W e_j = sum_r p_ur S(i,r) / sum_r p_ur n(i,r)

This is the same number as `DSKReG.by_slot` gives slot by slot; it differs in the order of summation.
Letters: B users, N items, S slots, R relations, D width, P pairs.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor

from dskreg.model.aggregation import Picks, attention
from dskreg.model.dskreg import DSKReG
from dskreg.model.sampling import Draw

CACHED = 1 << 19  # numbers of a block that is worked at while it lies in the processor's cache
BLOCK = 1 << 22  # numbers of the slots' vectors that are held at a time
PER_ITEM = {"items", "vectors", "own", "sum", "present"}  # what a catalogue has a row of for each item
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
        if model.relation_embedding is None:
            alpha = attention(torch.zeros_like(picks.weight), picks.weight)[..., None]
            weighed = model.weighed(items, alpha)
            # A block at a time: the vectors of all slots of a large catalogue are hundreds of megabytes
            rows = max(1, BLOCK // max(1, picks.neighbour.shape[1] * model.item_embedding.shape[1]))
            blocks = zip(*(x.split(rows) for x in (items, picks.neighbour, weighed)), strict=True)
            vectors = torch.cat([model.item_vectors(*block) for block in blocks])
            self.vectors = vectors.squeeze(1)  # e_hat_i, [N, D]
            return
        bias = model.project_linear(torch.zeros_like(model.item_embedding[:1]))
        projected = model.project_linear(model.item_embedding)  # W_i e + b_i, [I, D]
        slots = (F.embedding(picks.neighbour, projected) - bias) * picks.weight[..., None]
        self.own = F.embedding(items, projected)
        shape = (len(items), model.relations)
        self.sum = slots.new_zeros(*shape, slots.shape[2]).scatter_add(
            1, picks.relation[..., None].expand_as(slots), slots
        )
        self.present = slots.new_zeros(shape).scatter_add(1, picks.relation, picks.weight.to(slots.dtype))

    @classmethod
    def of(cls, model: DSKReG, items: Tensor, drawn: Draw) -> Catalogue:
        """From a draw of `items` `[N]`."""
        return cls(model, items, model.picks(items, drawn))

    def part(self, rows: Tensor) -> Catalogue:
        """Some of its items, by place."""
        other, picks = copy.copy(self), self.picks
        other.picks = Picks(picks.neighbour[rows], picks.relation[rows], picks.weight[rows])
        for name in PER_ITEM & vars(self).keys():
            setattr(other, name, getattr(self, name)[rows])
        return other

    def with_part(self, rows: Tensor, part: Catalogue) -> Catalogue:
        """The same items, those at `rows` as `part` has them; the others do not differ in `part`'s model."""
        other, old, new = copy.copy(part), self.picks, part.picks
        other.picks = Picks(
            _with_rows(old.neighbour, rows, new.neighbour),
            _with_rows(old.relation, rows, new.relation),
            _with_rows(old.weight, rows, new.weight),
        )
        for name in PER_ITEM & vars(self).keys():
            setattr(other, name, _with_rows(getattr(self, name), rows, getattr(part, name)))
        return other

    def scores(self, user: Tensor) -> Tensor:
        """`[N, B]` for `user` `[B, D]` = e_hat_u.

        While serving, where a user's preferences differ by more than SPREAD, it goes slot by slot.
        """
        model = self.model
        if model.relation_embedding is None:
            return self.vectors @ user.T
        preference = model.relation_embedding @ user.T  # [R, B]
        if (
            not torch.is_grad_enabled()
            and len(user)
            and (preference.amax(0) - preference.amin(0)).max() > SPREAD
        ):
            return model.by_slot(user, self.items, self.picks)[-1]
        # p_ur, each user's largest is 1
        share = torch.exp((preference - preference.amax(0).detach()).clamp(min=-SPREAD))
        total = self.present @ share
        total = torch.where(total > 0, total, 1.0)  # 1 where nothing was drawn: the sum above it is 0
        # The activation needs the vector of every pair, so items come a few at a time
        rows = max(1, CACHED // max(1, user.numel()))
        found = [share.new_zeros(0, len(user))]
        for part in (slice(start, start + rows) for start in range(0, len(self.items), rows)):
            around = torch.matmul(share.T, self.sum[part])  # [n, B, D]
            seen = model.activate(
                torch.addcdiv(self.own[part, None].expand_as(around), around, total[part, :, None])
            )
            found.append((seen * user).sum(-1))
        return torch.cat(found)


def _with_rows(whole: Tensor, rows: Tensor, part: Tensor) -> Tensor:
    return whole.index_copy(0, rows, part.to(whole.dtype))


def pair_scores(model: DSKReG, user: Tensor, items: Tensor, drawn: Draw, place: Tensor) -> Tensor:
    """The scores `[P]` of pairs: `user` `[P, D]` = e_hat_u meets the item at `place` `[P]` among `items`
    `[N]`, which are drawn once for all.
    """
    picks = model.picks(items, drawn)
    relation, weight = picks.relation[place], picks.weight[place]
    alpha = attention(model.preference(user, relation, paired=True), weight[..., None])
    weighed = model.weighed(items[place], alpha)
    return (model.item_vectors(items[place], picks.neighbour[place], weighed).squeeze(1) * user).sum(1)
