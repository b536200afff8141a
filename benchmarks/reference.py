"""The paper written out densely, pair by pair, with the shapes of the authors' release: oracle of the fast
path, and what its speed is measured against.

    s(i,j,r) = [e_r, e_j] . [c, a]           every candidate of every pair: [B, M, 2D]        section 3.2
    y        = K-hot of the K largest s + G; backward the relaxation over all M, in K rounds
    ê_u      = act(W_u (e_u + sum_j beta_j e_j) + b_u),      beta_j ∝ y_j exp(e_u.e_j)        section 3.3
               over the padded history [B, H, D]
    ê_i|u    = act(W_i (e_i + sum_j alpha_j e_j) + b_i),     alpha_j ∝ y_j exp(ê_u.e_r)
               over the candidates [B, M, D]
    L        = mean of -log sigmoid(y(u,i+) - y(u,i-)) + lambda L2                            section 3.4

Everything is vectorised over the pairs, and nothing is simplified by algebra: nothing is computed once per
item or relation and looked up, the relaxation is not pruned. Beyond the release: faults mended
(docs/model.md), a chunk of pairs bounds the memory of ranking, ê_u is computed once per user when ranking,
and no relaxation is computed where nothing is learnt. Strangers (UNKNOWN_USER) are not served.
Letters: B pairs, U users, I items, R relations, M candidates, H longest history, K picks, D width.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from scipy import sparse
from torch import Tensor, nn

from dskreg.config import Config, ModelConfig
from dskreg.data.dataset import Dataset
from dskreg.data.interactions import padded, train_matrix
from dskreg.evaluation.ranking import Scorer, rankings
from dskreg.model.dskreg import DSKReG
from dskreg.training.batches import TripleBatches
from dskreg.training.objectives import Bpr
from dskreg.training.trainer import _optimiser

# Of a chunk when ranking: 4 MB of candidates each for neighbours and relations at D = 16, M = 500; larger
# ones are slower on two cores
PAIRS = 128


@dataclass(frozen=True)
class Rate:
    """So many things took so long."""

    count: int  # training pairs, or users ranked
    seconds: float

    @property
    def per_second(self) -> float:
        """Things per second."""
        return self.count / self.seconds


@dataclass(frozen=True)
class Triples:
    """One batch: a user, what she liked, what she never liked, and her history without the liked item."""

    users: Tensor  # [B]
    history: Tensor  # [B, H], -1 filled
    liked: Tensor  # [B]
    other: Tensor  # [B]


def k_hot(logit: Tensor, noise: Tensor | None, k: int, temperature: float, learning: bool) -> Tensor:
    """1 for the K largest keys of each row of `[B, M]`, 0 for the others (forward); the relaxed K-hot over
    all M backward, if `learning`.

    -inf is no candidate. A row with at most K candidates has nothing to choose, and no gradient.
    """
    candidate = torch.isfinite(logit)
    key = logit if noise is None else logit + noise
    hard = torch.zeros_like(key).scatter(1, key.topk(min(k, key.shape[1]), dim=1).indices, 1.0) * candidate
    if not learning:
        return hard
    alpha, relaxed = key.masked_fill(~candidate, -1e9), torch.zeros_like(key)
    for _ in range(k):
        p = torch.softmax(alpha / temperature, dim=1)
        relaxed = relaxed + p
        # The clamp keeps the logarithm of what is wholly taken finite
        alpha = alpha + torch.log((1 - p).clamp(min=1e-30))
    return hard + (relaxed - relaxed.detach()) * (candidate & (candidate.sum(1, keepdim=True) > k))


def attention(preference: Tensor, weight: Tensor) -> Tensor:
    """`[B, M]`: weight · exp(preference) normalised over the row; zeros where no candidate has weight."""
    grown = weight * torch.exp(preference - preference.amax(1, keepdim=True).detach())
    return grown / grown.sum(1, keepdim=True).clamp(min=torch.finfo(grown.dtype).tiny)


class Reference(nn.Module):
    """The parameters of `DSKReG` of the paper's form, under the same names, and the paper's computation
    without its short cuts.
    """

    def __init__(
        self, config: ModelConfig, neighbour: Tensor, relation: Tensor, relations: int, users: int
    ) -> None:
        """Args:
        config: of the paper's form.
        neighbour, relation: the candidate table `[I, M]`, -1 where there is no neighbour.
        relations: R.
        users: U.
        """
        super().__init__()
        self.config, d = config, config.width
        self.item_embedding = nn.Parameter(torch.randn(len(neighbour), d) / d**0.5)
        self.relation_embedding = nn.Parameter(torch.randn(relations, d) * 0.1)
        self.user_embedding = nn.Parameter(torch.randn(users, d) / d**0.5)
        self.relevance_item = nn.Parameter(torch.zeros(d))
        self.relevance_relation = nn.Parameter(torch.zeros(d))
        self.user_tower, self.item_tower = nn.Linear(d, d), nn.Linear(d, d)
        self.neighbour, self.relation = neighbour, relation.long()

    @classmethod
    def of(cls, model: DSKReG) -> Self:
        """The same graph and a copy of the weights of `model`, in its precision; on the CPU."""
        neighbour, relation = (table.cpu() for table in (model.neighbour, model.relation))
        users = len(model.user_embedding)
        reference = cls(model.config, neighbour, relation, model.relations, users).to(
            model.item_embedding.dtype
        )
        reference.load_state_dict(model.state_dict())
        return reference.train(model.training)

    def user(self, users: Tensor, history: Tensor, noise: Tensor | None = None) -> Tensor:
        """ê_u `[B, D]` of `users` `[B]` with their `history` `[B, H]`, -1 filled; `noise` `[B, H]`."""
        present = history >= 0
        embedded = F.embedding(history.clamp(min=0), self.item_embedding)  # [B, H, D]
        logit = (embedded @ self.relevance_item).masked_fill(~present, -torch.inf)
        base = F.embedding(users, self.user_embedding)
        beta = attention(
            torch.einsum("bhd,bd->bh", embedded, base), self._sample(logit, noise, self.config.user_picks)
        )
        return torch.tanh(self.user_tower(base + torch.einsum("bh,bhd->bd", beta, embedded)))

    def item(self, user: Tensor, items: Tensor, noise: Tensor | None = None) -> Tensor:
        """ê_i|u `[B, D]` of `items` `[B]`, each as the `user` `[B, D]` of its row sees it; `noise` `[B,
        M]`.
        """
        neighbour, relation = self.neighbour[items], self.relation[items]
        e_j = F.embedding(neighbour.clamp(min=0), self.item_embedding)  # [B, M, D]
        e_r = F.embedding(relation, self.relation_embedding)  # [B, M, D]
        # [B, M]
        logit = torch.cat([e_r, e_j], -1) @ torch.cat([self.relevance_relation, self.relevance_item])
        weight = self._sample(logit.masked_fill(neighbour < 0, -torch.inf), noise, self.config.picks)
        alpha = attention(torch.einsum("bmd,bd->bm", e_r, user), weight)
        return torch.tanh(
            self.item_tower(F.embedding(items, self.item_embedding) + torch.einsum("bm,bmd->bd", alpha, e_j))
        )

    def forward(
        self,
        users: Tensor,
        history: Tensor,
        items: Tensor,
        user_noise: Tensor | None = None,
        item_noise: Tensor | None = None,
    ) -> Tensor:
        """The scores `[B]` of the pairs (`users` `[B]`, `items` `[B]`)."""
        user = self.user(users, history, user_noise)
        return (user * self.item(user, items, item_noise)).sum(1)

    def loss(self, batch: Triples, user_noise: Tensor, item_noise: Tensor, l2: float) -> Tensor:
        """BPR of the batch plus `l2` times half the squared norm, per pair, of what it touched.

        `item_noise` `[2B, M]`: the liked titles', then the others'.
        """
        items = torch.cat([batch.liked, batch.other])
        user = self.user(batch.users, batch.history, user_noise).repeat(2, 1)
        liked, other = (user * self.item(user, items, item_noise)).sum(1).chunk(2)
        touched = [
            F.embedding(items, self.item_embedding),
            self.relation_embedding,
            F.embedding(batch.users, self.user_embedding),
        ]
        norm = torch.stack([part.square().sum() for part in touched]).sum() / (2 * len(items))
        return -F.logsigmoid(liked - other).mean() + l2 * norm

    def _sample(self, logit: Tensor, noise: Tensor | None, k: int) -> Tensor:
        return k_hot(logit, noise, k, self.config.temperature, self.training and torch.is_grad_enabled())


def batches(likes: sparse.csr_matrix, size: int, rng: np.random.Generator) -> Iterator[Triples]:
    """One epoch over the training likes `[U, I]` in random order, a uniform negative each, drawn again while
    it is among the user's likes.
    """
    pairs = np.stack(likes.nonzero(), 1).astype(np.int64)
    for batch in np.array_split(rng.permutation(pairs), -(-len(pairs) // size)):
        users, liked = batch.T
        other = rng.integers(likes.shape[1], size=len(users))
        for _ in range(20):  # who likes everything would never be done
            clash = np.asarray(likes[users, other]).ravel() > 0
            if not clash.any():
                break
            other[clash] = rng.integers(likes.shape[1], size=int(clash.sum()))
        history = padded(likes[users])
        history[history == liked[:, None]] = -1
        yield Triples(
            *(torch.from_numpy(np.ascontiguousarray(part)) for part in (users, history, liked, other))
        )


def gumbel(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """-log(-log U) `[...]`."""
    return -torch.log(-torch.log(torch.rand(shape, generator=generator).clamp(1e-20, 1 - 6e-8)))


def train_steps(model: Reference, dataset: Dataset, config: Config, steps: int, seed: int = 0) -> Rate:
    """Time `steps` steps of BPR with Adam, batches and noise included; the rate counts (user, liked item)
    pairs. The model learns.
    """
    likes, rng, generator = (
        train_matrix(dataset),
        np.random.default_rng(seed),
        torch.Generator().manual_seed(seed),
    )
    optimiser = torch.optim.Adam(model.parameters(), lr=config.train.learning_rate)
    model.train()
    pairs, began = 0, time.perf_counter()
    while steps:
        for batch in islice(batches(likes, config.train.batch, rng), steps):
            user_noise = gumbel(tuple(batch.history.shape), generator)
            item_noise = gumbel((2 * len(batch.users), model.neighbour.shape[1]), generator)
            optimiser.zero_grad()
            model.loss(batch, user_noise, item_noise, config.train.l2).backward()
            optimiser.step()
            steps, pairs = steps - 1, pairs + len(batch.users)
    return Rate(pairs, time.perf_counter() - began)


def fast_steps(model: DSKReG, dataset: Dataset, config: Config, steps: int, seed: int = 0) -> Rate:
    """What `train_steps` times, on the fast path: batches, objective and optimiser of `dskreg.training`.

    The model learns.
    """
    batches = TripleBatches(dataset, replace(config, seed=seed), model.item_embedding.device)
    objective = Bpr(model, config.train)
    optimiser = _optimiser(model, config.train)[0]
    model.train()
    pairs, epoch, began = 0, 0, time.perf_counter()
    while steps:
        epoch += 1
        for batch in islice(batches.epoch(epoch, model.neighbour.shape[1]), steps):
            optimiser.zero_grad(set_to_none=True)
            objective(batch).backward()
            optimiser.step()
            steps, pairs = steps - 1, pairs + len(batch.users)
    return Rate(pairs, time.perf_counter() - began)


def scorer(model: Reference, chunk: int = PAIRS) -> Scorer:
    """Noise-free scores of the whole catalogue, `chunk` (user, title) pairs at a time: for
    `dskreg.evaluation.evaluate` and `score_users`.
    """
    count = len(model.item_embedding)

    @torch.no_grad()
    def scores(users: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
        seen = model.user(torch.from_numpy(users.astype(np.int64)), torch.from_numpy(padded(history)))
        out = torch.empty(len(users) * count)
        for start in range(0, len(out), chunk):
            pair = torch.arange(start, min(start + chunk, len(out)))
            user = seen[pair // count]
            out[start : start + chunk] = (user * model.item(user, pair % count)).sum(1)
        return out.reshape(len(users), count).numpy()

    return scores


def score_users(scores: Scorer, dataset: Dataset, users: np.ndarray, top: int = 50) -> Rate:
    """Time the full ranking of `users` `[U']` by any scorer: scores of all items, training likes masked, the
    best `top`.
    """
    history = train_matrix(dataset)
    began = time.perf_counter()
    done = sum(len(who) for who, _, _ in rankings(scores, users, history, history, top))
    return Rate(done, time.perf_counter() - began)
