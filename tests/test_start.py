"""Where training starts: a truncated ridge regression of the likes, and gates, both the best of those "
"tried."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from dskreg.training.initialise import start_from_svd
from dskreg.training.start import Kernel, Start

from dskreg.config import Config, ModelConfig
from dskreg.data.dataset import Dataset
from dskreg.graph.candidates import build
from dskreg.model.dskreg import DSKReG
from tests.tiny_runs import in_full, settings, small
from tests.worlds import EVERYTHING


@pytest.fixture(scope="module")
def dense() -> tuple[Dataset, np.ndarray]:
    return in_full()


@pytest.mark.parametrize("ridge", [2.0, math.inf])
def test_the_start_is_the_leading_part_of_a_ridge_regression(
    dense: tuple[Dataset, np.ndarray], ridge: float
) -> None:
    data, likes = dense
    config = settings("default", epochs=0)
    model = DSKReG(config.model, build(data, EVERYTHING), 30)
    chosen = Start((Kernel(0.25, ridge, config.model.width),), popularity=0.1, discount=0.3)
    found = start_from_svd(model, data, config, chosen)
    assert replace(found, gates=(), user_gate=None) == chosen and len(found.gates) == len(
        model.relation_embedding
    ), "gates are chosen where none are named"
    assert start_from_svd(model, data, config, found) == found
    count = likes.sum(0)
    normal = likes / likes.sum(1, keepdims=True) ** 0.25 / count**0.25
    eigenvalue, vector = np.linalg.eigh(normal.T @ normal)
    eigenvalue, vector = eigenvalue[::-1][: config.model.width], vector[:, ::-1][:, : config.model.width]
    filtered = (
        eigenvalue / (eigenvalue + ridge * np.trace(normal.T @ normal) / 20)
        if math.isfinite(ridge)
        else eigenvalue
    )
    expected = (vector * filtered) @ vector.T * np.outer(count**0.1, count**0.1)
    gram = (model.item_embedding @ model.item_embedding.T).detach().numpy()  # V f V': whatever the signs
    scale = np.trace(gram) / np.trace(expected)
    assert scale > 0 and np.allclose(gram, expected * scale, atol=1e-4 * scale)
    weight = model.history_weight
    assert weight is not None
    np.testing.assert_allclose(weight, count**-0.3 / np.average(count**-0.3, weights=count), rtol=1e-5)


def test_a_width_beyond_the_rank_is_filled_with_zeros() -> None:
    data, graph = small(8, 6)
    model = DSKReG(ModelConfig(width=32), graph, 8)
    start_from_svd(model, data, replace(Config(), model=ModelConfig(width=32)))
    assert not model.item_embedding[:, 6:].any() and model.item_embedding[:, :2].any()


def test_what_was_chosen_before_is_used_again() -> None:
    data, graph = small(40, 30)
    config = replace(Config(), model=ModelConfig(width=16))
    models = []
    chosen = None
    for _ in range(2):
        torch.manual_seed(0)
        models.append(DSKReG(config.model, graph, 40))
        chosen = start_from_svd(models[-1], data, config, chosen)
    for name, value in models[0].state_dict().items():
        torch.testing.assert_close(value, models[1].state_dict()[name])
