"""Where the default preset starts: item embeddings in closed form (spectral.py) and gates (gates.py), both
chosen on validation.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from dskreg.config import Config
from dskreg.console import Progress, silent
from dskreg.data.dataset import Dataset
from dskreg.model.dskreg import DSKReG
from dskreg.training.gates import choose_gates
from dskreg.training.spectral import Spectra, of_some
from dskreg.training.start import Start


def start_from_svd(
    model: DSKReG, dataset: Dataset, config: Config, chosen: Start | None = None, progress: Progress = silent
) -> Start:
    """Set the embeddings, the weights of items in histories and the gates; returns what was chosen, or
    `chosen` where that is given.

    Where `chosen` names no gates, those of the model are chosen all the same.

    Off the diagonal e_i . e_j is a ridge regression of every item on all the others, which is what EASE is
    before its columns are scaled (Steck, WWW 2019; entities as rows: Jeunen et al., RecSys 2020): for
    items outside the history the plain dot product ranks like it, from `width` numbers an item. An infinite
    ridge is S^2 itself. Everything is chosen by validation NDCG@20, first of that dot product, then of the
    model with its gates. The whole is scaled so that the softmax loss of a sample of histories is smallest:
    with scores far too small, training would first unlearn the start (docs/model.md).
    """
    spectra = Spectra(dataset, config)
    some = of_some(dataset)
    best = chosen or (spectra if some is dataset else Spectra(some, config)).choose(progress)
    vectors, weight = spectra.vectors(best)
    embedding = torch.zeros_like(model.item_embedding)
    embedding[:, : vectors.shape[1]] = torch.from_numpy(vectors).to(embedding.device)
    weight_ = torch.from_numpy(weight).to(embedding.device)
    with torch.no_grad():
        model.item_embedding.copy_(
            embedding * _best_scale(embedding, weight_, spectra.likes, config.seed) ** 0.5
        )
        if model.history_weight is not None:
            model.history_weight.copy_(weight_)
    if model.log_gate is not None and not best.gates:
        gates, user_gate = choose_gates(model, dataset, config, progress)
        best = replace(best, gates=gates, user_gate=user_gate)
    set_gates(model, best)
    return best


def set_gates(model: DSKReG, start: Start) -> None:
    """The gates of `start`, where it names any."""
    with torch.no_grad():
        if model.log_gate is not None and start.gates:
            model.log_gate.copy_(torch.tensor(start.gates).log())
        if model.log_user_gate is not None and start.user_gate is not None:
            model.log_user_gate.fill_(math.log(start.user_gate))


def _best_scale(embedding: Tensor, weight: Tensor, likes: sparse.csr_matrix, seed: int) -> float:
    sample = likes[np.random.default_rng(seed).permutation(likes.shape[0])[:512]]
    x = torch.from_numpy(sample.toarray()).to(embedding.device)
    x = x[x.sum(1) > 1]
    if not len(x):
        return 1.0
    total, count = (x * weight) @ embedding, x.sum(1, keepdim=True)
    own = x * weight * (embedding**2).sum(1)
    losses_ = {}
    for scale in np.geomspace(0.01, 1000, 31).tolist():
        # Each liked item is predicted from the others: its own share of the sum is taken out of its score.
        score = scale * (total @ embedding.T - own) / count**0.5
        losses_[scale] = float(-(torch.log_softmax(score, 1) * x / count).sum() / len(x))
    return min(losses_, key=lambda s: losses_[s])
