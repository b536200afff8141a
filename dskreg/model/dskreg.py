"""DSKReG: differentiable sampling on a knowledge graph for recommendation (Wang et al., CIKM 2021, arXiv
2108.11883), as the paper has it. `model/evidence.py` changes what the default preset changes.

    relevance logit                                                     section 3.2
        s(i,j,r)  = a . e_j + c . e_r
        picks     = the K largest s + Gumbel noise, per node            sampling.py
    the user, from liked items                                          section 3.3
        e_hat_u   = act(W_u (e_u + sum_picks beta_j e_j) + b_u),        beta ~ exp(e_u . e_j)
    the item, for this user
        e_hat_i|u = act(W_i (e_i + sum_picks alpha_j e_j) + b_i),       alpha ~ exp(e_hat_u . e_r)
    score                                                               section 3.4
        y(u,i)    = e_hat_u . e_hat_i|u

Letters: U users, I items, R relations, M candidates per item, K picks, S slots, D width, B users and N items
of a batch, H longest history.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dskreg.config import ModelConfig
from dskreg.graph.candidates import CandidateGraph
from dskreg.model.aggregation import (
    ItemHop,
    Picks,
    Trace,
    UserHop,
    attention,
    lookup,
    per_relation,
    project_pairs,
)
from dskreg.model.sampling import PRUNE, Draw, draw, soften

UNKNOWN_USER = -1
"""The user position of a user who is not in the data."""


class DSKReG(nn.Module):
    """The model over one candidate graph.

    The graph's tables are buffers; they travel with the module but are not among its weights.
    """

    activation = "tanh"
    neighbour: Tensor
    relation: Tensor
    strengths: Tensor
    relation_embedding: Tensor | None

    def __init__(self, config: ModelConfig, graph: CandidateGraph, users: int) -> None:
        super().__init__()
        self.config = config
        self.relations = max(1, len(graph.relations))  # without any relation, one that no candidate has
        self.register_buffer("neighbour", torch.from_numpy(graph.neighbour), persistent=False)
        self.register_buffer("relation", torch.from_numpy(graph.relation), persistent=False)
        self.register_buffer("strengths", torch.from_numpy(graph.strengths), persistent=False)
        self.item_embedding = nn.Parameter(
            torch.randn(len(graph.neighbour), config.width) / config.width**0.5
        )
        self._parameters_of(users)

    def _parameters_of(self, users: int) -> None:
        d = self.config.width
        self.user_embedding = nn.Parameter(torch.randn(users, d) / d**0.5)  # e_u
        self.relation_embedding = nn.Parameter(torch.randn(self.relations, d) * 0.1)  # e_r
        self.relevance_item = nn.Parameter(torch.zeros(d))  # a
        self.relevance_relation = nn.Parameter(torch.zeros(d))  # c
        self.user_tower, self.item_tower = nn.Linear(d, d), nn.Linear(d, d)  # W_u, b_u and W_i, b_i
        for tower in (self.user_tower, self.item_tower):  # start as the dot product of the embeddings
            nn.init.eye_(tower.weight)
            nn.init.zeros_(tower.bias)

    # The sampler

    def _draw(
        self, logit: Tensor, noise: Tensor | None, k: int, slot_logit: Callable[[Tensor], Tensor]
    ) -> Draw:
        """The draw over the logits `[N, M]`; while it learns (`training`, gradients on) `slot_logit(slot)`
        gives the largest keys' again.
        """
        learns = self.training and torch.is_grad_enabled()
        with torch.no_grad():
            hard = draw(logit.detach(), noise, k, PRUNE * k if learns else None)
        return (
            soften(hard, slot_logit(hard.slot), k, self.config.temperature, self.config.relaxation == "soft")
            if learns
            else hard
        )

    def item_logits(self, items: Tensor, without: Tensor | None = None) -> Tensor:
        """Logits s `[N, M]` of the candidates of `items`; -inf where there is none.

        `without` `[N, M]` bool: candidates to leave out (what if a neighbour were gone).
        """
        return self._logits(items, without, None)

    def _logits(self, items: Tensor, without: Tensor | None, slot: Tensor | None) -> Tensor:
        """Logits at the slots `[N, S]` of the candidate table, or at all of them."""
        neighbour = self.neighbour.index_select(0, items)
        relation = self.relation.index_select(0, items).int()
        gone = neighbour < 0 if without is None else (neighbour < 0) | without
        if slot is not None:
            neighbour, relation, gone = (part.gather(1, slot) for part in (neighbour, relation, gone))
        neighbour = neighbour.clamp(min=0)
        gone = self._silent(neighbour, gone)
        logit = self.relevance(items, neighbour, relation, slot)
        return logit.masked_fill(gone, -torch.inf)

    def _silent(self, neighbour: Tensor, gone: Tensor) -> Tensor:
        """`[N, S]` bool: which candidates cannot be drawn."""
        return gone

    def relevance(self, items: Tensor, neighbour: Tensor, relation: Tensor, slot: Tensor | None) -> Tensor:
        """s `[N, S]` of the candidates (neighbour, relation) `[N, S]` of `items`: one scalar per item and one
        per relation, looked up.
        """
        assert self.relation_embedding is not None
        of_item = self.item_embedding @ self.relevance_item
        of_relation = self.relation_embedding @ self.relevance_relation
        return lookup(of_item, neighbour) + lookup(of_relation, relation)

    # The user

    def user_hop(
        self, users: Tensor, history: Tensor, noise: Tensor | None = None, picks: int | None = None
    ) -> UserHop:
        """e_hat_u for `users` `[B]` (UNKNOWN_USER for a user outside the data) from `history` `[B, H]`
        (items, -1 filled); `noise` `[B, H]`.
        """
        k = picks or self.config.user_picks
        present = history >= 0
        title = history.clamp(min=0)
        of_item = self.item_embedding @ self.relevance_item

        def logits(index: Tensor, there: Tensor) -> Tensor:
            return lookup(of_item, index).masked_fill(~there, -torch.inf)

        def slot_logits(slot: Tensor) -> Tensor:
            return logits(title.gather(1, slot), present.gather(1, slot))

        drawn = self._draw(logits(title, present), noise, k, slot_logits)
        base = self._free(users)
        neighbour = title.gather(1, drawn.slot)
        embedded = F.embedding(neighbour, self.item_embedding)  # [B, S, D]
        beta = attention(torch.einsum("bsd,bd->bs", embedded, base), drawn.weight)
        picked = torch.einsum("bs,bsd->bd", beta, embedded)
        return UserHop(drawn, neighbour, beta, base, self.activate(self.user_tower(base + picked)))

    def _free(self, users: Tensor) -> Tensor:
        """e_u `[B, D]`; of a user outside the data the mean of all."""
        stranger = (users == UNKNOWN_USER)[:, None]
        return torch.where(
            stranger, self.user_embedding.mean(0), F.embedding(users.clamp(min=0), self.user_embedding)
        )

    def encode(self, users: Tensor, history: Tensor) -> Tensor:
        """e_hat_u `[B, D]` alone, without noise."""
        return self.user_hop(users, history).output

    def user_terms(self, hop: UserHop, history: Tensor) -> Tensor:
        """`[H + 2, D]`: what each item of one user's `history` `[H]` adds to e_hat_u before the activation,
        then e_u, then b_u (B = 1).
        """
        weight = torch.zeros(len(history))
        picked = hop.draw.picked[0]
        weight[hop.draw.slot[0][picked]] = hop.attention[0][picked]
        parts = torch.cat([weight[:, None] * self.item_embedding[history], hop.base])
        return torch.cat([parts @ self.user_tower.weight.T, self.user_tower.bias[None]])

    # The item

    def draw_items(
        self,
        items: Tensor,
        noise: Tensor | None = None,
        picks: int | None = None,
        without: Tensor | None = None,
    ) -> Draw:
        """The draw among the candidates of `items` `[N]`, the same for all; `noise`, `without` `[N, M]`."""

        def slot_logit(slot: Tensor) -> Tensor:
            return self._logits(items, without, slot)

        with torch.no_grad():
            logit = self._logits(items, without, None)
        return self._draw(logit, noise, picks or self.config.picks, slot_logit)

    def item_hop(self, user: Tensor, items: Tensor, drawn: Draw, paired: bool = False) -> ItemHop:
        """The items' side of the score with `user` `[B, D]` = e_hat_u, from the draw of `items` `[N]`. With
        `paired`, item n meets user n alone (N = B).
        """
        picks = self.picks(items, drawn)
        return ItemHop(drawn, picks.neighbour, picks.relation, *self.by_slot(user, items, picks, paired))

    def picks(self, items: Tensor, drawn: Draw) -> Picks:
        """What the draw of `items` `[N]` took."""
        neighbour = self.neighbour.index_select(0, items).gather(1, drawn.slot).clamp(min=0)
        relation = self.relation.index_select(0, items).gather(1, drawn.slot).long()
        return Picks(neighbour, relation, drawn.weight)

    def by_slot(self, user: Tensor, items: Tensor, picks: Picks, paired: bool = False) -> tuple[Tensor, ...]:
        """Attention, contributions, own part, bias, their sum and the score: the fields of ItemHop."""
        neighbour, relation = picks.neighbour, picks.relation
        alpha = attention(self.preference(user, relation, paired), picks.weight[..., None])
        weighed = self.weighed(items, alpha)
        # W_i^T e_hat_u: e_hat_u . (W_i e_j) is a lookup for every item
        aimed = self.aimed(user)
        contribution = weighed * project_pairs(aimed, self.item_embedding, neighbour, paired)
        own = project_pairs(aimed, self.item_embedding, items[:, None], paired).squeeze(1)
        bias = self.bias(user)[:, None] if paired else self.bias(user)
        pre_activation = own + contribution.sum(1) + bias
        score = pre_activation
        if self.activation != "linear":  # needs the D-vector of every pair
            score = torch.einsum(
                "nbd,nd->nb" if paired else "nbd,bd->nb", self.item_vectors(items, neighbour, weighed), user
            )
        return alpha, contribution, own, bias, pre_activation, score

    def preference(self, user: Tensor, relation: Tensor, paired: bool) -> Tensor:
        """e_hat_u . e_r at every slot: `[N, S, B]`, or `[N, S, 1]` for the row's own user."""
        if self.relation_embedding is None:
            return user.new_zeros(*relation.shape, 1 if paired else len(user))
        return per_relation(user, self.relation_embedding, relation, paired)

    def item_vectors(self, items: Tensor, neighbour: Tensor, weighed: Tensor) -> Tensor:
        """e_hat_i|u `[N, b, D]`; `weighed` `[N, S, b]`: the slots' weights."""
        around = torch.einsum("nsb,nsd->nbd", weighed, F.embedding(neighbour, self.item_embedding))
        return self.project(F.embedding(items, self.item_embedding)[:, None] + around)

    def item_terms(self, hop: ItemHop, item: int) -> Tensor:
        """`[1 + K + 1, D]`: what an item's own embedding, its picks and the bias add to W_i (...) + b_i (N =
        B = 1).
        """
        picked = hop.draw.picked[0]
        neighbour = hop.neighbour[0][picked]
        weighed = self.weighed(torch.tensor([item]), hop.attention[:, picked])[0]  # [K, 1]
        return self._terms(torch.cat([self.item_embedding[[item]], weighed * self.item_embedding[neighbour]]))

    def _terms(self, parts: Tensor) -> Tensor:
        return torch.cat([parts @ self.item_tower.weight.T, self.item_tower.bias[None]])

    def weighed(self, items: Tensor, alpha: Tensor) -> Tensor:
        """What the picks weigh beside the item's own embedding `[N, S, b]`: the attention alpha itself."""
        return alpha

    def aimed(self, user: Tensor) -> Tensor:
        """W_i^T e_hat_u `[B, D]`."""
        return user @ self.item_tower.weight

    def bias(self, user: Tensor) -> Tensor:
        """e_hat_u . b_i `[B]`."""
        return user @ self.item_tower.bias

    def project_linear(self, x: Tensor) -> Tensor:
        """W_i x + b_i."""
        return self.item_tower(x)

    def project(self, x: Tensor) -> Tensor:
        """act(W_i x + b_i)."""
        return self.activate(self.project_linear(x))

    def activate(self, x: Tensor) -> Tensor:
        return torch.tanh(x)

    # The whole

    def forward(
        self,
        users: Tensor,
        history: Tensor,
        items: Tensor,
        user_noise: Tensor | None = None,
        item_noise: Tensor | None = None,
        paired: bool = False,
    ) -> Trace:
        """Scores of `items` `[N]` for `users` `[B]` with `history` `[B, H]`; noise None: zeros. With
        `paired`, item n meets user n alone. For scores alone model/scoring.py is faster, and gives the same.
        """
        user = self.user_hop(users, history, user_noise)
        item = self.item_hop(user.output, items, self.draw_items(items, item_noise), paired)
        return Trace(user, item, item.score.squeeze(1) if paired else item.score.T)

    @torch.no_grad()
    def representation(self, picks: Picks | None = None) -> tuple[Tensor, Tensor]:
        """Items before and after the graph, both `[I, D]`: e_i, and e_hat_i for a user without preference
        among relations; with the `picks` of all items, or without those of the noise-free draw.
        """
        indifferent = torch.zeros(1, self.config.width, device=self.item_embedding.device)
        items = torch.arange(len(self.item_embedding), device=indifferent.device)
        picks = picks or self.picks(items, self.draw_items(items))
        alpha = attention(self.preference(indifferent, picks.relation, False), picks.weight[..., None])
        after = self.item_vectors(items, picks.neighbour, self.weighed(items, alpha))
        return self.item_embedding.detach(), after.squeeze(1)
