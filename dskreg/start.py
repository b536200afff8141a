"""Where the title embeddings start: the regularised, truncated SVD of the training likes."""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from dskreg.config import Config
from dskreg.data.dataset import VALIDATION, Dataset
from dskreg.evaluation import evaluate
from dskreg.graph import train_matrix
from dskreg.model import DSKReG
from dskreg.serving import Scorer

SHIFTS, PARTS = (0.0, 0.2, 1.0, 3.0), (8, 4, 2, 1)  # tried on validation: multiples of the mean degree; shares of the width


def start_from_svd(model: DSKReG, dataset: Dataset, config: Config) -> None:
    """Embeddings from the truncated SVD of (D_u + s)^-1/2 X (D_i + s)^-1/2, columns scaled by the roots of the singular values.

    s is a multiple of the side's mean degree (regularised spectral clustering, Chaudhuri et al., COLT 2012): without it the leading vectors
    of sparse data are its islands, a user and a title that only meet each other. That multiple, and how many of the `width` columns are
    used, is chosen by validation NDCG@20 of the plain dot product: too many columns know the training likes by heart, and nothing is left to
    learn. The whole is scaled so that the softmax loss of a sample of histories is smallest: with scores far too small, training would first
    unlearn the SVD (docs/model.md).
    """
    likes = train_matrix(dataset)
    width = min(config.model.width, *likes.shape)
    ranks = sorted({max(1, width // part) for part in PARTS})
    best, best_ndcg = np.zeros((likes.shape[1], 0)), -1.0
    for shift in SHIFTS:
        vectors = _singular_vectors(likes, width, shift, config.seed)
        for rank in ranks:
            ndcg = evaluate(_dot_product(vectors[:, :rank]), dataset, VALIDATION, config.train.validation_users).results()["ndcg@20"]
            if ndcg > best_ndcg:
                best, best_ndcg = vectors[:, :rank], ndcg
    embedding = torch.zeros_like(model.item_embedding)
    embedding[:, : best.shape[1]] = torch.from_numpy(best).to(embedding.device)
    with torch.no_grad():
        model.item_embedding.copy_(embedding * _best_scale(embedding, likes, config.seed) ** 0.5)


def _singular_vectors(likes: sparse.csr_matrix, width: int, shift: float, seed: int) -> np.ndarray:
    """V S^1/2 `[I, width]` float32 of the normalised likes, columns by falling singular value."""
    from sklearn.utils.extmath import randomized_svd  # slow to import, and only needed here

    degrees = [np.asarray(likes.sum(axis)).ravel() for axis in (1, 0)]
    rows, columns = (1 / np.sqrt(np.maximum(d + shift * d[d > 0].mean(), 1)) for d in degrees)
    normal = sparse.csr_matrix(sparse.diags(rows) @ likes @ sparse.diags(columns))
    _, value, right = randomized_svd(normal, width, n_iter=10, random_state=seed)
    vectors = right.T * np.sqrt(np.where(value > 1e-6 * value.max(initial=0), value, 0))  # beyond the rank there is only rounding
    return (vectors * np.where(np.abs(vectors).max(0) == vectors.max(0), 1, -1)).astype(np.float32)  # the sign is arbitrary: fix it


def _dot_product(vectors: np.ndarray) -> Scorer:
    return lambda users, history: np.asarray((history @ vectors) @ vectors.T)


def _best_scale(embedding: Tensor, likes: sparse.csr_matrix, seed: int) -> float:
    sample = likes[np.random.default_rng(seed).permutation(likes.shape[0])[:512]]
    x = torch.from_numpy(sample.toarray()).to(embedding.device)
    x = x[x.sum(1) > 1]
    if not len(x):
        return 1.0
    total, count = x @ embedding, x.sum(1, keepdim=True)
    losses_ = {}
    for scale in np.geomspace(1, 1000, 19).tolist():
        # Each liked title is predicted from the others: its own share of the sum is taken out of its score.
        score = scale * (total @ embedding.T - x * (embedding**2).sum(1)) / count**0.5
        losses_[scale] = float(-(torch.log_softmax(score, 1) * x / count).sum() / len(x))
    return min(losses_, key=lambda s: losses_[s])
