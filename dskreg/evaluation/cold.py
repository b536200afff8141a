"""Cold items: some liked items are treated as if nobody had liked them, and are ranked by their neighbours
alone, among themselves or among all.

Their own vectors, their likes and their part of every history are gone until the end of `hidden`; the other
items keep theirs, whose directions the hidden likes helped to find.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from dskreg.data.interactions import evenly, only
from dskreg.evaluation.metrics import ndcg_of
from dskreg.evaluation.ranking import noise_free, strangers
from dskreg.model.evidence import EvidenceDSKReG
from dskreg.model.scoring import Catalogue

SHARE = 0.1  # of the liked items
USERS = 1000  # asked, at most
BOOSTS = (
    *(n / 8 for n in range(17)),
    *(n / 4 for n in range(9, 16)),
    *(n / 2 for n in range(8, 13)),
    8.0,
    11.0,
    16.0,
    22.0,
    32.0,
)  # exact in single precision
LOSS = 0.01  # of the NDCG of warm items that cold ones may cost


@contextmanager
def hidden(model: EvidenceDSKReG, items: Tensor) -> Iterator[None]:
    """Until the end of the block nobody has liked `items` `[N]`."""
    vectors, likes = model.item_embedding.detach()[items].clone(), model.likes[items].clone()
    with torch.no_grad():
        model.item_embedding[items] = 0
        model.likes[items] = 0
    try:
        yield
    finally:
        with torch.no_grad():
            model.item_embedding[items] = vectors
            model.likes[items] = likes


def some(likes: sparse.csr_matrix, seed: int) -> np.ndarray:
    """A share of the items with likes `[U, I]`, in a random order, since equal scores say nothing."""
    liked = np.flatnonzero(np.asarray(likes.sum(0)).ravel())
    return np.random.default_rng([seed, 2]).permutation(liked)[: round(SHARE * len(liked))]


def without(likes: sparse.csr_matrix, items: np.ndarray) -> sparse.csr_matrix:
    """`likes` `[U, I]` less those of `items`."""
    return only(likes, ~_mask(likes.shape[1], items))


@dataclass(frozen=True)
class ColdItems:
    """Items to be hidden and who is asked about them.

    items:   `[N]` positions
    history: `[B, I]` likes of the users asked, without those of the items
    wanted:  `[B, I]` what should be found: likes of the items, and of others
    """

    items: np.ndarray
    history: sparse.csr_matrix
    wanted: sparse.csr_matrix

    @classmethod
    def among_themselves(cls, likes: sparse.csr_matrix, items: np.ndarray, most: int = USERS) -> ColdItems:
        """The likes `[U, I]` of the items are what should be found, the others the histories."""
        history, target = without(likes, items), likes[:, items]
        users = evenly(np.flatnonzero(np.diff(target.indptr) * np.diff(history.indptr)), most)
        return cls(items, history[users], only(likes[users], _mask(likes.shape[1], items)))

    @classmethod
    def among_all(
        cls, shown: sparse.csr_matrix, held_out: sparse.csr_matrix, items: np.ndarray, most: int
    ) -> ColdItems:
        """The held-out likes `[U, I]` of all items are what should be found."""
        history = without(shown, items)
        users = evenly(np.flatnonzero(np.diff(held_out.indptr) * np.diff(history.indptr)), most)
        return cls(items, history[users], held_out[users])

    @torch.no_grad()
    def ndcg(self, model: EvidenceDSKReG) -> np.ndarray:
        """NDCG@20 `[B]` of the hidden items ranked among themselves."""
        items = torch.from_numpy(self.items).to(model.item_embedding.device)
        with hidden(model, items):
            score = Catalogue.of(model, items, model.draw_items(items)).scores(strangers(model, self.history))
        return ndcg_of(score.T.cpu().numpy(), None, self.wanted[:, self.items])

    @torch.no_grad()
    def curve(self, model: EvidenceDSKReG, boosts: tuple[float, ...] = BOOSTS) -> list[dict[str, float]]:
        """boost, and the mean NDCG@20 of all, warm and cold held-out likes, every item ranked; at a boost of
        0 cold items come last.
        """
        items = torch.from_numpy(self.items).to(model.item_embedding.device)
        used = model.evidence[2].clone()
        model.evidence[2] = 1  # the score of a cold item is as many times this as the boost
        with hidden(model, items):
            score = noise_free(model).scores(strangers(model, self.history)).T.cpu().numpy()
            cold = (model.likes == 0).cpu().numpy()
        model.evidence[2] = used
        targets = {
            "all": self.wanted,
            "warm": only(self.wanted, ~cold),
            "cold": only(self.wanted, cold),
        }
        rows = []
        for boost in boosts:
            changed = score.copy()
            changed[:, cold] = score[:, cold] * boost if boost else -np.inf
            row = {"boost": boost}
            for name, target in targets.items():
                asked = np.diff(target.indptr) > 0
                found = ndcg_of(changed[asked], self.history[asked], target[asked])
                row[name] = float(found.mean()) if len(found) else 0.0
            rows.append(row)
        return rows


def best_boost(curve: list[dict[str, float]]) -> float:
    """The largest boost at which warm items lose at most LOSS of what they have where cold ones are
    unscored; 1 where that is nothing, and so says nothing.
    """
    unscored = curve[0]["warm"]
    if not unscored:
        return 1.0
    return max(row["boost"] for row in curve if row["warm"] >= (1 - LOSS) * unscored)


def _mask(count: int, items: np.ndarray) -> np.ndarray:
    found = np.zeros(count, dtype=bool)
    found[items] = True
    return found
