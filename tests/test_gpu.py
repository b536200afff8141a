"""On a machine with a CUDA card: the same code gives the CPU's scores, and trains.

Elsewhere these are skipped.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dskreg.config import PRESETS, Config
from dskreg.graph.candidates import build
from dskreg.model.evidence import EvidenceDSKReG, model_of
from dskreg.training.trainer import choose_device, train
from tests.worlds import EVERYTHING, checkerboard

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_scores_on_the_card_are_the_cpus(preset: str) -> None:
    data = checkerboard(12, 10)
    graph = build(data, EVERYTHING)
    torch.manual_seed(0)
    model = model_of(replace(PRESETS[preset].model, width=16), graph, 12)
    if isinstance(model, EvidenceDSKReG):
        model.likes.copy_(torch.arange(10) % 4)
    users, items = torch.arange(12), torch.arange(10)
    history = torch.stack([torch.arange(u % 2, 10, 2) for u in range(12)])
    with torch.no_grad():
        here = model(users, history, items).score
        there = model.cuda()(users.cuda(), history.cuda(), items.cuda()).score.cpu()
    np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_training_on_the_card_learns(preset: str) -> None:
    base: Config = PRESETS[preset]
    config = replace(
        base,
        model=replace(base.model, width=8),
        train=replace(base.train, epochs=15, device="cuda"),
    )
    data = checkerboard(24, 20)
    trained = train(data, build(data, EVERYTHING), config)
    assert trained.model.item_embedding.device.type == "cuda" == choose_device("auto").type
    assert trained.history[-1].loss < trained.history[1].loss
