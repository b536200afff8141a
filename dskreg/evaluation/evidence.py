"""How much the neighbours of an item weigh beside its own embedding, chosen on validation.

    k_i = scale * kappa / (n_i + kappa)          n_i likes; scale * boost where n_i = 0 (model/evidence.py)

kappa and scale: among the settings whose NDCG over all validation likes is within HARM of the best, the one
that ranks the likes of rare items best. boost: the largest at which warm items lose at most `cold.LOSS`.
Without validation likes they stay as they are at the start.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import torch
from scipy import sparse

from dskreg.data.dataset import Folds
from dskreg.data.interactions import evenly, only
from dskreg.evaluation.cold import ColdItems, best_boost, some
from dskreg.evaluation.metrics import ndcg_of
from dskreg.evaluation.ranking import noise_free, strangers
from dskreg.model.evidence import EvidenceDSKReG

KAPPAS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
SCALES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
HARM = 0.003
RARE = 0.4  # of the liked items are rare


@torch.no_grad()
def choose_evidence(
    model: EvidenceDSKReG, folds: Folds, users: int, seed: int, step: Callable[[], object] = lambda: None
) -> dict[str, Any]:
    """Set kappa, scale and boost in the model; returns them and the measured curve of the boost."""
    kappa, scale = _weights(model, folds, users, step)
    model.evidence.copy_(torch.tensor([kappa, scale, 1.0]))
    asked = ColdItems.among_all(folds.shown, folds.validation, some(folds.train, seed), users)
    boost, curve = best_boost(asked.by_boost(model))
    model.evidence[2] = boost
    return {
        "kappa": kappa,
        "scale": scale,
        "boost": boost,
        "hidden": len(asked.items),
        "users": asked.history.shape[0],
        "curve": curve,
    }


def _weights(
    model: EvidenceDSKReG, folds: Folds, users: int, step: Callable[[], object]
) -> tuple[float, float]:
    """(kappa, scale)"""
    history, target = folds.shown, folds.validation
    who = evenly(np.flatnonzero(np.diff(target.indptr) * np.diff(history.indptr)), users)
    if not len(who):
        kappa, scale, _ = model.evidence.tolist()
        return kappa, scale
    history, target = history[who], target[who]
    count = model.likes.cpu().numpy()
    rare = only(target, rarest(count, RARE))
    has_rare = np.diff(rare.indptr) > 0
    own, around = _parts(model, history)
    found = {}
    for kappa, scale in product(KAPPAS, SCALES):
        weight = np.where(count > 0, scale * kappa / (count + kappa), 0).astype(np.float32)
        score = own + weight * around
        every = ndcg_of(score, history, target).mean()
        of_rare = ndcg_of(score[has_rare], history[has_rare], rare[has_rare])
        found[kappa, scale] = (float(every), float(of_rare.mean()) if len(of_rare) else 0.0)
        step()
    best = max(every for every, _ in found.values())
    harmless = {key: of_rare for key, (every, of_rare) in found.items() if every >= (1 - HARM) * best}
    return max(harmless, key=lambda key: (harmless[key], -key[0] * key[1]))


def settings_tried() -> int:
    """How often `choose_evidence` calls `step`, at most."""
    return len(KAPPAS) * len(SCALES)


def _parts(model: EvidenceDSKReG, history: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Scores `[B, I]` by the items' own embeddings, and by their neighbours at full weight."""
    kept = model.evidence.clone()
    model.evidence.copy_(torch.tensor([1e12, 1.0, 1.0]))  # k_i = 1
    vectors = noise_free(model).vectors - model.item_embedding
    model.evidence.copy_(kept)
    user = strangers(model, history)
    return (user @ model.item_embedding.T).cpu().numpy(), (user @ vectors.T).cpu().numpy()


def rarest(count: np.ndarray, share: float) -> np.ndarray:
    """`[I]` bool: the share of the items with likes that fewest people like."""
    liked = np.flatnonzero(count)
    found = np.zeros(len(count), dtype=bool)
    order = np.argsort(count[liked], kind="stable")
    found[liked[order[: round(share * len(liked))]]] = True
    return found
