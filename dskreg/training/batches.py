"""Batches of (user, liked, never seen) triples for the paper's objective.

Everything is laid out on the host, whose sizes are known there, and sent at once; nothing on the device has
to be read back. Randomness comes from (seed, epoch) alone, so that a resumed run repeats an uninterrupted
one. Of several processes each makes the whole batch and keeps its part of the triples. So the parts make up
the step that one process would have taken.
Letters: B triples of a batch, H longest history shown, N distinct items, M candidates per item.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dskreg.config import Config
from dskreg.data.dataset import OUTSIDE, SEEN, TRAIN, Dataset
from dskreg.data.interactions import rows
from dskreg.model.sampling import gumbel
from dskreg.training.distributed import WHOLE, Part


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
