"""The default preset's form of DSKReG: the neighbours of an item count the more the fewer people have liked
it, and the sampler sees everything that the graph says of a pair.

    relevance         a(i,j,r) = v . f_ij + v_r f_ijr
        f_ij      = square roots of the pair's strengths under all relations, and log(1 + n_j) / 5
    logit             s(i,j,r) = SHARPNESS a(i,j,r)
        picks     = the K largest s + Gumbel noise, per node            sampling.py
    the user          e_hat_u  = (sum_h w_h e_h + p) / sqrt(H)          over the liked items
    the item          e_hat_i  = e_i + k_i sum_picks alpha_j e_j
        alpha_j   ~ exp(a(i,j,r))
        k_i       = scale * kappa / (n_i + kappa), n_i likes of the item; scale * boost where n_i = 0
    score             y(u,i)   = e_hat_u . e_hat_i

A pair that shares several entities is a candidate under each relation; the second term of a draws it rather
under the relation that says most of it. e, w and p, what the average user likes, are in closed form
(training/closed_form.py) and stay as they are: e_i is a ridge regression, which has already shrunk the
embedding of a rarely liked item towards 0 (docs/model.md). v is trained on items whose likes are hidden
(training/masked.py); kappa, scale and boost are chosen on validation. Letters as in dskreg.py; F = R + 1
features of a pair.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dskreg.config import ModelConfig
from dskreg.graph.candidates import CandidateGraph
from dskreg.model.aggregation import Picks, UserHop
from dskreg.model.dskreg import DSKReG
from dskreg.model.sampling import Draw, draw

SHARPNESS = 8.0  # the attention is the softmax of the logits at this temperature
EVIDENCE = 5.0  # log(1 + likes) of the most liked items is about this: features of like size
START_KAPPA, START_SCALE, START_BOOST = 10.0, 0.3, 1.0


class EvidenceDSKReG(DSKReG):
    """DSKReG of the `evidence` form."""

    activation = "linear"
    likes: Tensor  # [I] n_i, of the likes that the model was made from
    history_weight: Tensor  # [I] w_h, 1 on average over the likes
    prior: Tensor  # [D] p, with which every history begins
    evidence: Tensor  # [3] kappa, scale, boost

    def _parameters_of(self, users: int) -> None:
        items, r = len(self.neighbour), self.relations
        self.relation_embedding = None
        self.item_embedding.requires_grad_(False)
        self.pair_relevance = nn.Parameter(torch.empty(r + 1))  # v
        self.forget_relevance()
        # Of the softmax among hidden items; no score that is served depends on it
        self.log_scale = nn.Parameter(torch.full((1,), -math.log(START_SCALE)))
        self.register_buffer("likes", torch.zeros(items))
        self.register_buffer("history_weight", torch.ones(items))
        self.register_buffer("prior", torch.zeros(self.config.width))
        self.register_buffer("evidence", torch.tensor([START_KAPPA, START_SCALE, START_BOOST]))

    @property
    def neighbour_weight(self) -> Tensor:
        """k_i `[I]`."""
        kappa, scale, boost = self.evidence
        return scale * torch.where(self.likes > 0, kappa / (self.likes + kappa), boost)

    def features(self, items: Tensor, neighbour: Tensor, slot: Tensor | None) -> Tensor:
        """f_ij `[N, S, F]` of the candidates `neighbour` `[N, S]` at the slots of `items`' rows."""
        strong = self.strengths.index_select(0, items)
        if slot is not None:
            strong = strong.gather(1, slot[..., None].expand(-1, -1, strong.shape[2]))
        if strong.shape[2] < self.relations:  # a graph without any relation
            strong = F.pad(strong, (0, self.relations - strong.shape[2]))
        evidence = torch.log1p(self.likes)[neighbour.long()] / EVIDENCE
        return torch.cat([strong.sqrt(), evidence[..., None]], -1)

    @torch.no_grad()
    def forget_relevance(self) -> None:
        """v as before training: what is strong under all relations together is relevant."""
        self.pair_relevance.fill_(1.0)
        self.pair_relevance[-1] = 0.0

    def pair(self, items: Tensor, neighbour: Tensor, relation: Tensor, slot: Tensor | None) -> Tensor:
        """a `[N, S]`."""
        features, relation = self.features(items, neighbour, slot), relation.long()
        own = features.gather(2, relation[..., None]).squeeze(2)
        return features @ self.pair_relevance + self.pair_relevance[relation] * own

    def relevance(self, items: Tensor, neighbour: Tensor, relation: Tensor, slot: Tensor | None) -> Tensor:
        """s `[N, S]`."""
        return SHARPNESS * self.pair(items, neighbour, relation, slot)

    def _silent(self, neighbour: Tensor, gone: Tensor) -> Tensor:
        """An item without likes has no embedding of its own, and so is no neighbour."""
        return gone | (self.likes[neighbour.long()] == 0)

    def picks(self, items: Tensor, drawn: Draw) -> Picks:
        """The slots' weights hold the pairs' part of the attention, relative to the largest of the row."""
        found = super().picks(items, drawn)
        x = self.pair(items, found.neighbour, found.relation, drawn.slot)
        largest = x.masked_fill(found.weight <= 0, -torch.inf).amax(1, keepdim=True).detach()
        # A slot that was not picked has the weight 0 and still a gradient: it may exceed the largest
        weight = found.weight * torch.exp((x - largest.nan_to_num(neginf=0.0)).clamp(max=20.0))
        return Picks(found.neighbour, found.relation, weight)

    def user_hop(
        self, users: Tensor, history: Tensor, noise: Tensor | None = None, picks: int | None = None
    ) -> UserHop:
        """e_hat_u from all liked items: with or without `noise` all are picked, whatever `picks` says."""
        present = history >= 0
        logit = torch.zeros(history.shape, device=history.device).masked_fill(~present, -torch.inf)
        drawn = draw(logit, noise, history.shape[1])
        title = history.clamp(min=0).gather(1, drawn.slot)
        weight = self.history_weight[title] * drawn.weight
        beta = weight / weight.sum(1, keepdim=True).clamp(min=1e-12)
        output = self.encode(users, history)
        return UserHop(drawn, title, beta, output, output)

    def encode(self, users: Tensor, history: Tensor) -> Tensor:
        """e_hat_u `[B, D]`; without a like, the prior alone."""
        present = history >= 0
        return self.encode_likes(history[present], present.sum(1))

    def encode_likes(self, liked: Tensor, length: Tensor) -> Tensor:
        """e_hat_u `[B, D]` from the likes of all users, one user after another `[L]`, and how many each has
        `[B]`.
        """
        total = F.embedding_bag(
            liked,
            self.item_embedding,
            F.pad(length.cumsum(0)[:-1], (1, 0)),
            mode="sum",
            per_sample_weights=self.history_weight[liked],
        )
        return (total + self.prior) / length.clamp(min=1)[:, None] ** 0.5

    def user_terms(self, hop: UserHop, history: Tensor) -> Tensor:
        """`[H + 2, D]`; the last one is the prior's, the one before it 0."""
        root = max(len(history), 1) ** 0.5
        liked = (self.history_weight[history] / root)[:, None] * self.item_embedding[history]
        return torch.cat([liked, torch.zeros_like(hop.base), self.prior[None] / root])

    def weighed(self, items: Tensor, alpha: Tensor) -> Tensor:
        """k_i alpha_j `[N, S, b]`."""
        return alpha * self.neighbour_weight[items][:, None, None]

    def _terms(self, parts: Tensor) -> Tensor:
        return F.pad(parts, (0, 0, 0, 1))

    def aimed(self, user: Tensor) -> Tensor:
        return user

    def bias(self, user: Tensor) -> Tensor:
        return user.new_zeros(len(user))

    def project_linear(self, x: Tensor) -> Tensor:
        return x

    def activate(self, x: Tensor) -> Tensor:
        return x


def model_of(config: ModelConfig, graph: CandidateGraph, users: int) -> DSKReG:
    """The model of these settings, its parameters as before training."""
    return (EvidenceDSKReG if config.form == "evidence" else DSKReG)(config, graph, users)
