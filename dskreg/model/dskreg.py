"""DSKReG: differentiable sampling on a knowledge graph for recommendation (Wang et al., CIKM 2021, arXiv
2108.11883).

    relevance logit                                                     section 3.2
        s(i,j,r)  = a . e_j + c . e_r  (+ log g_r + v_r log strength(i,j,r))
        picks     = the K largest s + Gumbel noise, per node            sampling.py
    the user, from liked items                                          section 3.3
        e_hat_u   = act(W_u (e_u + g sum_picks beta_j e_j) + b_u),      beta ~ exp(e_u . e_j)
    the item, for this user
        e_hat_i|u = act(W_i (e_i + sum_picks alpha_j g_r e_j) + b_i),   alpha ~ exp(e_hat_u . e_r)
    score                                                               section 3.4
        y(u,i)    = e_hat_u . e_hat_i|u

What stands in brackets, and e_u = weighted sum of the history / sqrt(its length) in place of a free e_u,
belongs to the `default` preset; `paper` has neither (docs/model.md lists every deviation).
Letters: U users, I items, R relations, M candidates per item, K picks, S slots, D width, B users and N items
of a batch, H longest history.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
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


def log_strength(strength: np.ndarray) -> Tensor:
    """Log of candidates' strengths, of any shape; finite where there is no candidate."""
    return torch.from_numpy(np.log(np.maximum(strength, 1e-6)))


class DSKReG(nn.Module):
    """The model over one candidate graph.

    The graph's tables are buffers; they travel with the module but are not among its weights.
    """

    neighbour: Tensor
    relation: Tensor
    log_strength: Tensor
    history_weight: Tensor | None  # [I] of items in e_u, 1 on average; found at the start and not trained

    def __init__(self, config: ModelConfig, graph: CandidateGraph, users: int) -> None:
        super().__init__()
        self.config = config
        d, r = config.width, max(1, len(graph.relations))  # without any relation, one that no candidate has
        self.item_embedding = nn.Parameter(torch.randn(len(graph.neighbour), d) / d**0.5)  # e_i
        self.relation_embedding = nn.Parameter(torch.randn(r, d) * 0.1)  # e_r
        self.user_embedding = nn.Parameter(torch.randn(users, d) / d**0.5) if config.user == "free" else None
        self.relevance_item = nn.Parameter(torch.zeros(d))  # a
        self.relevance_relation = nn.Parameter(torch.zeros(d))  # c
        self.prior = nn.Parameter(torch.full((r,), config.prior_start)) if config.prior else None  # v_r
        gate = math.log(config.gate_start)
        self.log_gate = nn.Parameter(torch.full((r,), gate)) if config.gates else None  # log g_r
        self.log_user_gate = nn.Parameter(torch.tensor([gate])) if config.gates else None  # log g, [1]
        self.user_tower, self.item_tower = nn.Linear(d, d), nn.Linear(d, d)  # W_u, b_u and W_i, b_i
        if config.activation == "linear":
            for tower in (self.user_tower, self.item_tower):  # start as the dot product of the embeddings
                nn.init.eye_(tower.weight)
                nn.init.zeros_(tower.bias)
        weight = torch.ones(len(graph.neighbour)) if config.user == "items" else None
        self.register_buffer("history_weight", weight)
        self.register_buffer("neighbour", torch.from_numpy(graph.neighbour), persistent=False)
        self.register_buffer("relation", torch.from_numpy(graph.relation), persistent=False)
        self.register_buffer("log_strength", log_strength(graph.strength), persistent=False)

    @property
    def gate(self) -> Tensor | None:
        """g_r `[R]`, above 0: the weight of each relation's picks; None where there are no gates."""
        return None if self.log_gate is None else self.log_gate.exp()

    @property
    def user_gate(self) -> Tensor | float:
        """g, above 0: the weight of the picks of a history beside its sum; 1 where there are no gates."""
        return 1.0 if self.log_user_gate is None else self.log_user_gate.exp()

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

    def item_logits(
        self, items: Tensor, without: Tensor | None = None, log_strength: Tensor | None = None
    ) -> Tensor:
        """Logits s `[N, M]` of the candidates of `items`; -inf where there is none. One scalar per item and
        one per relation, looked up.

        `without` `[N, M]` bool: candidates to leave out (what if a neighbour were gone); `log_strength` `[N,
        M]` in the place of the table's.
        """
        return self.logits_of(*self._candidates(items, without, log_strength))

    def _candidates(self, items: Tensor, without: Tensor | None, log_strength: Tensor | None) -> list[Tensor]:
        """Rows of the candidate table, `[N, M]` each: neighbour (0 where there is none), relation, is it
        gone?, and log strength where it counts.
        """
        neighbour = self.neighbour.index_select(0, items)
        gone = neighbour < 0 if without is None else (neighbour < 0) | without
        found = [neighbour.clamp_(min=0), self.relation.index_select(0, items).int(), gone]
        if self.prior is None:
            return found
        return [*found, self.log_strength.index_select(0, items) if log_strength is None else log_strength]

    def logits_of(self, neighbour: Tensor, relation: Tensor, gone: Tensor, *log_strength: Tensor) -> Tensor:
        of_item = self.item_embedding @ self.relevance_item
        of_relation = self.relation_embedding @ self.relevance_relation
        if self.log_gate is not None:
            # A relation with a small gate is also drawn rarely. Otherwise one with a gate near 0 becomes a
            # free no-op pick.
            of_relation = of_relation + self.log_gate
        logit = lookup(of_item, neighbour) + lookup(of_relation, relation)
        if self.prior is not None:
            logit = logit + lookup(self.prior, relation) * log_strength[0]
        return logit.masked_fill(gone, -torch.inf)

    # The two hops

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
        base = self._base(users, title, present)
        neighbour = title.gather(1, drawn.slot)
        embedded = F.embedding(neighbour, self.item_embedding)  # [B, S, D]
        beta = attention(torch.einsum("bsd,bd->bs", embedded, base), drawn.weight)
        picked = torch.einsum("bs,bsd->bd", beta, embedded)
        output = self.activate(self.user_tower(base + self.user_gate * picked))
        return UserHop(drawn, neighbour, beta, base, output)

    def _base(self, users: Tensor, title: Tensor, present: Tensor) -> Tensor:
        """e_u `[B, D]`: free, or the weighted sum of the history over the root of its length.

        The free e_u of a user outside the data is the mean of all.
        """
        if self.user_embedding is not None or self.history_weight is None:
            assert self.user_embedding is not None
            stranger = (users == UNKNOWN_USER)[:, None]
            return torch.where(
                stranger, self.user_embedding.mean(0), F.embedding(users.clamp(min=0), self.user_embedding)
            )
        length = present.sum(1)
        offsets = F.pad(length.cumsum(0)[:-1], (1, 0))
        liked = title[present]
        weight = F.embedding(liked, self.history_weight[:, None]).squeeze(1)
        total = F.embedding_bag(liked, self.item_embedding, offsets, mode="sum", per_sample_weights=weight)
        return total / length.clamp(min=1)[:, None] ** 0.5

    def history_share(self, history: Tensor) -> Tensor:
        """`[H]`: what e_u takes of each item of one user's history; zeros where e_u is free."""
        if self.history_weight is None:
            return torch.zeros(len(history), device=history.device)
        return self.history_weight[history] / max(len(history), 1) ** 0.5

    def draw_items(
        self,
        items: Tensor,
        noise: Tensor | None = None,
        picks: int | None = None,
        without: Tensor | None = None,
        log_strength: Tensor | None = None,
    ) -> Draw:
        """The draw among the candidates of `items` `[N]`; `noise`, `without` and `log_strength` `[N, M]`.

        It depends on no user: all share it.
        """
        candidates = self._candidates(items, without, log_strength)

        def slot_logit(slot: Tensor) -> Tensor:
            return self.logits_of(*(part.gather(1, slot) for part in candidates))

        with torch.no_grad():
            logit = self.logits_of(*candidates)
        return self._draw(logit, noise, picks or self.config.picks, slot_logit)

    def item_hop(self, user: Tensor, items: Tensor, drawn: Draw, paired: bool = False) -> ItemHop:
        """The items' side of the score with `user` `[B, D]` = e_hat_u, from the draw of `items` `[N]`.

        With `paired`, item n meets user n alone (N = B); otherwise every item meets every user.
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
        preference = per_relation(user, self.relation_embedding, relation, paired)
        alpha = attention(preference, picks.weight[..., None])
        gated = self.gated(relation, alpha)
        # W_i^T e_hat_u: e_hat_u . (W_i e_j) is a lookup for every item
        aimed = user @ self.item_tower.weight
        contribution = gated * project_pairs(aimed, self.item_embedding, neighbour, paired)
        own = project_pairs(aimed, self.item_embedding, items[:, None], paired).squeeze(1)
        bias = (user @ self.item_tower.bias)[:, None] if paired else user @ self.item_tower.bias
        pre_activation = own + contribution.sum(1) + bias
        score = pre_activation
        if self.config.activation != "linear":  # needs the D-vector of every pair
            score = torch.einsum(
                "nbd,nd->nb" if paired else "nbd,bd->nb", self.item_vectors(items, neighbour, gated), user
            )
        return alpha, contribution, own, bias, pre_activation, score

    def item_vectors(self, items: Tensor, neighbour: Tensor, gated: Tensor) -> Tensor:
        """e_hat_i|u `[N, b, D]`; `gated` `[N, S, b]` is attention times gate."""
        around = torch.einsum("nsb,nsd->nbd", gated, F.embedding(neighbour, self.item_embedding))
        return self.activate(self.item_tower(F.embedding(items, self.item_embedding)[:, None] + around))

    def gated(self, relation: Tensor, alpha: Tensor) -> Tensor:
        """alpha_j g_r `[N, S, b]` for the relations `[N, S]` and attention `[N, S, b]` of the slots."""
        return alpha if self.gate is None else alpha * self.gate[relation][..., None]

    def activate(self, x: Tensor) -> Tensor:
        return x if self.config.activation == "linear" else torch.tanh(x)

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
        """Scores of `items` `[N]` for `users` `[B]` with `history` `[B, H]`, as the equations above say.

        The reasons and the counterfactual search call it. Training (training/objectives.py) and ranking
        (evaluation/ranking.py) want scores alone: they call `user_hop` and `draw_items` and score by
        model/scoring.py, which sums the slots of a relation first. Explanations (serving/trained.py) call the
        hops one by one, with noise and K of their own. Tests hold all of them to the same numbers.

        Noise None: zeros, the K largest logits are picked. With `paired`, item n meets user n alone.
        """
        user = self.user_hop(users, history, user_noise)
        item = self.item_hop(user.output, items, self.draw_items(items, item_noise), paired)
        return Trace(user, item, item.score.squeeze(1) if paired else item.score.T)

    @torch.no_grad()
    def representation(self) -> tuple[Tensor, Tensor]:
        """Items before and after the graph, both `[I, D]`: e_i, and e_hat_i for a user without preference
        among relations.
        """
        indifferent = torch.zeros(1, self.config.width, device=self.item_embedding.device)
        items = torch.arange(len(self.item_embedding), device=indifferent.device)
        hop = self.item_hop(indifferent, items, self.draw_items(items))
        after = self.item_vectors(items, hop.neighbour, self.gated(hop.relation, hop.attention))
        return self.item_embedding.detach(), after.squeeze(1)
