"""What a training step sees: batches of users with masked histories, or of (user, liked, never seen)
triples.

Everything is laid out on the host, whose sizes are known there, and sent at once; nothing on the device has
to be read back. Randomness comes from (seed, epoch) alone, so that a resumed run repeats an uninterrupted
one. Of several processes each makes the whole batch and keeps its
part: of a softmax step its items, of a BPR step its triples. So the parts make up the step that one process
would have taken.
Letters: B users of a batch, H longest history shown, N items that compete, M candidates per item.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from dskreg.config import Config, TrainConfig
from dskreg.data.dataset import OUTSIDE, SEEN, TRAIN, Dataset
from dskreg.data.interactions import ragged, rows
from dskreg.errors import InputError
from dskreg.model.sampling import gumbel
from dskreg.training.distributed import WHOLE, Part


@dataclass(frozen=True)
class Masked:
    """Users, what their histories show, and what they hide among the items that compete."""

    users: Tensor  # [B]
    history: Tensor  # [B, H] items shown, -1 filled
    titles: Tensor  # [N] of this process
    known: Tensor  # [2, k] (item's place in N, user's in B): shown
    hidden: Tensor  # [2, h] the same: hidden, to be predicted
    # [N] bool, the sample; the others are only hidden items of some user. None: all items compete
    sampled: Tensor | None
    stands_for: float  # items per sampled one
    user_noise: Tensor  # [B, H]
    item_noise: Tensor  # [N, M]


@dataclass(frozen=True)
class Triples:
    """Users, an item that each likes (not in the history given) and one never seen."""

    users: Tensor  # [B]
    history: Tensor  # [B, H]
    titles: Tensor  # [N] the distinct items of the batch: each is drawn once for all its triples
    liked: Tensor  # [B] places in N
    other: Tensor  # [B]
    user_noise: Tensor  # [B, H]
    item_noise: Tensor  # [N, M]
    share: float  # of the step's triples that are here


class MaskedBatches:
    """Batches of users with masked histories, against the items that have training likes (a sample of them,
    where there are many).
    """

    def __init__(self, dataset: Dataset, config: Config, device: torch.device, part: Part = WHOLE) -> None:
        self.likes, self.config, self.device, self.part = dataset.folds.train, config, device, part
        self.users = np.flatnonzero(np.diff(self.likes.indptr) >= 2)  # one item to show, one to predict
        if not len(self.users):
            raise InputError(
                f"{dataset.name}: expected a user with two training likes (one to show, one to predict); "
                "try train.objective=bpr"
            )
        self.titles = np.flatnonzero(np.bincount(self.likes.indices, minlength=self.likes.shape[1]))
        self._place = np.full(self.likes.shape[1], -1, dtype=np.int64)  # of an item among the step's

    def __len__(self) -> int:
        return max(1, -(-len(self.users) // self.config.train.batch))

    def epoch(self, epoch: int, candidates: int) -> Iterator[Masked]:
        """The batches of the epoch; `candidates`: M of the graph."""
        rng, generator = randomness(self.config.seed, epoch, self.device)
        for who in np.array_split(rng.permutation(self.users), len(self)):
            likes = self.likes[who]
            row, hidden = rows(likes), hide(likes, self.config.train, rng)
            titles, sampled = self._alternatives(likes.indices[hidden], rng)
            self._place[titles] = np.arange(len(titles))
            place = self._place[likes.indices]
            self._place[titles] = -1
            history = ragged(row[~hidden], likes.indices[~hidden], len(who))
            user_noise = gumbel(history.shape, generator, self.device)
            item_noise = gumbel((len(titles), candidates), generator, self.device)
            here = self.part.rows
            mine = (place >= 0) & (place % self.part.size == self.part.rank)
            entry = np.stack([place // self.part.size, row])
            yield Masked(
                users=send(who, self.device),
                history=send(history, self.device),
                titles=send(titles[here], self.device),
                known=send(entry[:, mine & ~hidden], self.device),
                hidden=send(entry[:, mine & hidden], self.device),
                sampled=None if sampled.all() else send(sampled[here], self.device),
                stands_for=len(self.titles) / sampled.sum(),
                user_noise=user_noise,
                item_noise=item_noise[here],
            )

    def _alternatives(self, hidden: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(the items of the step `[N]`, which of them are the sample `[N]` bool): all, or a uniform sample
        and the hidden items.
        """
        most = self.config.train.alternatives
        if len(self.titles) <= most:
            return self.titles, np.ones(len(self.titles), dtype=bool)
        sample = np.sort(rng.choice(self.titles, most, replace=False))
        others = np.setdiff1d(hidden, sample)
        return np.concatenate([sample, others]), np.arange(len(sample) + len(others)) < len(sample)


class TripleBatches:
    """Batches of (user, liked item, item never seen), one uniform negative each; the liked item is taken
    out of the history.
    """

    def __init__(self, dataset: Dataset, config: Config, device: torch.device, part: Part = WHOLE) -> None:
        self.likes, self.config, self.device, self.part = dataset.folds.train, config, device, part
        met = np.isin(dataset.fold, (TRAIN, OUTSIDE, SEEN))
        self.met = np.unique(dataset.user[met].astype(np.int64) * self.likes.shape[1] + dataset.item[met])
        self.users, self.liked = rows(self.likes), self.likes.indices.astype(np.int64)

    def __len__(self) -> int:
        return max(1, -(-len(self.users) // self.config.train.batch))

    def negatives(self, users: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One item per user, uniform among those never met; a few redraws leave at most a handful of
        collisions to users who have seen all.
        """
        count = self.likes.shape[1]
        other = rng.integers(count, size=len(users))
        for _ in range(20):
            code = users.astype(np.int64) * count + other
            clash = self.met[np.minimum(np.searchsorted(self.met, code), len(self.met) - 1)] == code
            if not clash.any():
                break
            other[clash] = rng.integers(count, size=int(clash.sum()))
        return other

    def epoch(self, epoch: int, candidates: int) -> Iterator[Triples]:
        """The batches of the epoch; `candidates`: M of the graph."""
        rng, generator = randomness(self.config.seed, epoch, self.device)
        for chosen in np.array_split(rng.permutation(len(self.users)), len(self)):
            users, liked = self.users[chosen], self.liked[chosen]
            other = self.negatives(users, rng)
            titles, place = np.unique(np.concatenate([liked, other]), return_inverse=True)
            history = self._histories(users, liked)
            user_noise = gumbel(history.shape, generator, self.device)
            item_noise = gumbel((len(titles), candidates), generator, self.device)
            here = self.part.rows
            sent = send(np.stack([users, place[: len(users)], place[len(users) :]])[:, here], self.device)
            yield Triples(
                users=sent[0],
                history=send(history[here], self.device),
                titles=send(titles, self.device),
                liked=sent[1],
                other=sent[2],
                user_noise=user_noise[here],
                item_noise=item_noise,
                share=sent.shape[1] / len(users),
            )

    def _histories(self, users: np.ndarray, without: np.ndarray) -> np.ndarray:
        """The users' likes `[B, H]` but for one item each."""
        start, length = self.likes.indptr[users], np.diff(self.likes.indptr)[users]
        column = np.arange(max(1, int(length.max(initial=0))))
        at = np.minimum(start[:, None] + column, len(self.liked) - 1)
        return np.where((column < length[:, None]) & (self.liked[at] != without[:, None]), self.liked[at], -1)


def hide(likes: sparse.csr_matrix, config: TrainConfig, rng: np.random.Generator) -> np.ndarray:
    """Which entries of the rows of `likes` `[B, I]` are hidden: `[nnz]` bool.

    At least one is hidden and one shown (of two or more).
    """
    length = np.diff(likes.indptr)
    share = rng.uniform(config.hide_least, config.hide_most, size=len(length))
    count = np.minimum(np.maximum(1, np.rint(share * length)), np.maximum(length - 1, 0))
    row = rows(likes)
    order = np.lexsort((rng.random(likes.nnz), row))
    rank = np.empty(likes.nnz, dtype=np.int64)
    rank[order] = np.arange(likes.nnz) - likes.indptr[:-1][row]
    return rank < count[row]


def send(array: np.ndarray, device: torch.device) -> Tensor:
    """The array on the device; on CUDA from pinned memory, so that the host need not wait."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def randomness(seed: int, epoch: int, device: torch.device) -> tuple[np.random.Generator, torch.Generator]:
    """The two generators of one epoch, from (seed, epoch) alone."""
    rng = np.random.default_rng([seed, epoch])
    generator = torch.Generator(device if device.type == "cuda" else "cpu").manual_seed(
        int(rng.integers(2**62))
    )
    return rng, generator
