"""Vectors of users: e_hat_u of many at once, noise off."""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse

from dskreg.data.interactions import padded
from dskreg.model.dskreg import DSKReG

CHUNK = 256  # users at a time


@torch.no_grad()
def user_vectors(model: DSKReG, users: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
    """e_hat_u `[B, D]` of the users at the positions `users` `[B]`; `history` `[U, I]` holds all users."""
    parts = [np.zeros((0, model.config.width), dtype=np.float32)]
    for start in range(0, len(users), CHUNK):
        who = np.array(users[start : start + CHUNK], dtype=np.int64)
        parts.append(model.encode(torch.from_numpy(who), torch.from_numpy(padded(history[who]))).numpy())
    return np.concatenate(parts)
