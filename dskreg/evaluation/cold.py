"""Cold items: some liked items are treated as if nobody had liked them, and are ranked by their neighbours
alone, among themselves or among all.

Their own vectors, their likes and their part of every history are gone until the end of `hidden`; the other
items keep theirs, whose directions the hidden likes helped to find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from dskreg.data.interactions import evenly, only
from dskreg.evaluation.metrics import hits, ndcg, ndcg_of, top_items
from dskreg.evaluation.ranking import noise_free, strangers
from dskreg.model.evidence import EvidenceDSKReG
from dskreg.model.scoring import Catalogue

K = 20  # of NDCG
SHARE = 0.1  # of the liked items
USERS = 1000  # asked, at most
OCTAVE = 16  # steps of the boost from a power of 2 to the next
BOOSTS = tuple(
    m * 2.0**n / OCTAVE for n in range(-4, 5) for m in range(OCTAVE, 2 * OCTAVE)
)  # exact in float32
COARSE = OCTAVE // 2  # every so many are measured first
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
    def by_boost(self, model: EvidenceDSKReG) -> Callable[[float], dict[str, float]]:
        """What measures a boost: it, and the mean NDCG@20 of all, warm and cold held-out likes, every item
        ranked; at a boost of 0 cold items come last.
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
        of_cold = score[:, cold].copy()

        def measured(boost: float) -> dict[str, float]:
            score[:, cold] = of_cold * boost if boost else -np.inf
            ranked, row = top_items(score, self.history, K), {"boost": boost}
            for name, target in targets.items():
                total = np.diff(target.indptr)
                found = ndcg(hits(ranked, target), total, K)[total > 0]
                row[name] = float(found.mean()) if len(found) else 0.0
            return row

        return measured


def best_boost(measured: Callable[[float], dict[str, float]]) -> tuple[float, list[dict[str, float]]]:
    """(the largest of BOOSTS at which warm items lose at most LOSS of what they have where cold ones are
    unscored, everything measured, by rising boost).

    Of the boosts some are measured, then those between the largest of them that is harmless and the next; 0
    where none is, and 1 where warm items have nothing, which says nothing.
    """
    rows = {boost: measured(boost) for boost in (0.0, *BOOSTS[::COARSE])}

    def harmless(boost: float) -> bool:
        if boost not in rows:
            rows[boost] = measured(boost)
        return rows[boost]["warm"] >= (1 - LOSS) * rows[0.0]["warm"]

    best = max(filter(harmless, tuple(rows)))
    if not rows[0.0]["warm"]:
        best = 1.0
    elif best:
        low = BOOSTS.index(best)
        high = low + COARSE
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if harmless(BOOSTS[middle]) else (low, middle)
        best = BOOSTS[low]
    return best, [rows[boost] for boost in sorted(rows)]


def _mask(count: int, items: np.ndarray) -> np.ndarray:
    found = np.zeros(count, dtype=bool)
    found[items] = True
    return found
