"""Scores and lists of many users at once, noise off, in chunks of bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from dskreg.data.interactions import padded
from dskreg.errors import InputError
from dskreg.evaluation.metrics import top_items
from dskreg.model.aggregation import Picks
from dskreg.model.dskreg import UNKNOWN_USER, DSKReG
from dskreg.model.scoring import Catalogue

Scorer = Callable[[np.ndarray, sparse.csr_matrix], np.ndarray]
"""(user positions `[B]`, their histories `[B, I]`) -> scores `[B, I]`."""


def require_length(top: int) -> None:
    """Raise InputError where a list would have no place."""
    if top < 1:
        raise InputError(f"top: expected at least 1 (got {top})")


def ranks(by: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """`[I]` ranks from 1 among the items that are `shown` `[I]`, the largest `by` `[I]` first, equal ones by
    position as in the lists; of another item the rank that it would have.
    """
    order, rank = np.argsort(-by, kind="stable"), np.empty(len(by), dtype=np.int64)
    rank[order] = np.cumsum(shown[order]) - shown[order] + 1
    return rank


def strangers(model: DSKReG, history: sparse.csr_matrix) -> Tensor:
    """e_hat_u `[B, D]` of users outside the data, from their histories `[B, I]` alone."""
    unknown = torch.full((history.shape[0],), UNKNOWN_USER, device=model.item_embedding.device)
    return model.encode(unknown, torch.from_numpy(padded(history)).to(unknown.device))


def noise_free(model: DSKReG) -> Catalogue:
    """All items with the picks of the noise-free draw, the same for all users."""
    items = torch.arange(len(model.item_embedding), device=model.item_embedding.device)
    with torch.no_grad():
        return Catalogue.of(model, items, model.draw_items(items))


def picks_of(catalogue: Catalogue) -> dict[str, np.ndarray]:
    """The picks as an artifact keeps them: `neighbour` `[I, K]` int32, -1 where fewer were picked,
    `relation` `[I, K]` int16, and `weight` `[I, K]` float32.
    """
    picks = catalogue.picks
    neighbour = torch.where(picks.weight > 0, picks.neighbour.int(), -1)
    found = {"neighbour": neighbour, "relation": picks.relation.to(torch.int16), "weight": picks.weight}
    return {name: value.cpu().numpy() for name, value in found.items()}


def catalogue_of(model: DSKReG, picks: dict[str, np.ndarray]) -> Catalogue:
    """The inverse: items ready to be scored, without drawing."""
    neighbour, relation, weight = (
        torch.from_numpy(picks[name]) for name in ("neighbour", "relation", "weight")
    )
    items = torch.arange(len(neighbour))
    return Catalogue(model, items, Picks(neighbour.clamp(min=0).long(), relation.long(), weight))


def model_scorer(model: DSKReG, catalogue: Catalogue | None = None) -> Scorer:
    """The model's noise-free scores of the whole catalogue."""
    device = model.item_embedding.device
    titles = catalogue or noise_free(model)

    @torch.no_grad()
    def scores(users: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
        user = model.encode(
            torch.from_numpy(users.astype(np.int64)).to(device), torch.from_numpy(padded(history)).to(device)
        )
        return titles.scores(user).T.float().cpu().numpy()

    return scores


def rankings(
    scorer: Scorer,
    users: np.ndarray,
    history: sparse.csr_matrix,
    exclude: sparse.csr_matrix,
    top: int,
    chunk: int = 128,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(users `[b]`, their best items `[b, top]`, the scores) in chunks; `history` and `exclude` are `[U,
    I]`. -1 fills short lists.
    """
    for start in range(0, len(users), chunk):
        who = users[start : start + chunk]
        score = scorer(who, history[who])
        ranked = top_items(score, exclude[who], top)
        yield who, ranked, np.take_along_axis(score, np.maximum(ranked, 0), 1)
