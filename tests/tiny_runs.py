"""Settings, worlds and data folders small enough to train within a second."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dskreg.config import PRESETS, Config
from dskreg.data.dataset import TEST, TRAIN, VALIDATION, Dataset
from dskreg.evaluation.ranking import Scorer
from dskreg.graph.candidates import CandidateGraph, build
from dskreg.model.dskreg import DSKReG
from tests.worlds import EVERYTHING, checkerboard

CPU = torch.device("cpu")


def settings(name: str, **changes: Any) -> Config:
    """A preset at the size of the small worlds; `changes` go to its training settings."""
    config = PRESETS[name]
    model, training_ = (
        replace(config.model, width=8, picks=3, user_picks=3),
        replace(config.train, device="cpu", batch=16, **changes),
    )
    return replace(config, graph=EVERYTHING, model=model, train=training_)


def small(users: int = 24, items: int = 16) -> tuple[Dataset, CandidateGraph]:
    data = checkerboard(users, items)
    return data, build(data, EVERYTHING)


def noisy(users: int = 40, items: int = 30) -> Dataset:
    """A small world with 0.5 of all pairs liked, a fifth of them in the test fold and a tenth in the
    validation fold.
    """
    rng = np.random.default_rng(7)
    user, item = np.nonzero(rng.random((users, items)) < 0.5)
    fold = rng.choice([TRAIN, VALIDATION, TEST], len(user), p=[0.7, 0.1, 0.2]).astype(np.int8)
    return replace(
        small(users, items)[0],
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        liked=np.ones(len(user), bool),
        fold=fold,
    )


def fixed_scorer(seed: int = 0) -> Scorer:
    """Scores that depend on the user and the item alone; each seed gives others."""
    table = np.random.default_rng(seed).random(10_000)
    return lambda who, history: np.stack([np.roll(table, 7 * int(user))[: history.shape[1]] for user in who])


def weights(model: DSKReG) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
