"""A training step stays on its device. It runs here on the meta device, where tensors have no values: nothing
can ask it for a number, which would make a card wait for the host, and no operation may take another device.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dskreg.config import PRESETS
from dskreg.graph.candidates import build
from dskreg.model.evidence import model_of
from dskreg.training.trainer import _optimiser, _task
from tests.worlds import EVERYTHING, checkerboard

META = torch.device("meta")


class OneDevice(TorchDispatchMode):
    """Refuses operations on tensors of several devices, but for single numbers of the host."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        devices = {tensor.device for tensor in tensors if tensor.dim() or tensor.device.type != "cpu"}
        assert len(devices) <= 1, f"{func} takes tensors of {devices}"
        return func(*args, **(kwargs or {}))


def moved(batch: Any) -> Any:
    """The batch with its tensors on the meta device."""
    values = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return replace(batch, **{name: v.to(META) for name, v in values.items() if isinstance(v, torch.Tensor)})


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_a_step_lives_on_one_device_and_asks_it_for_no_number(preset: str) -> None:
    data, base = checkerboard(24, 20), PRESETS[preset]
    config = replace(base, model=replace(base.model, width=8))
    graph = build(data, EVERYTHING)
    model = model_of(config.model, graph, 24)
    batches, objective = _task(data, model, config, torch.device("cpu"), None)
    batch = moved(next(iter(batches.epoch(1, graph.shape[1]))))
    objective.to(META)
    optimiser, _ = _optimiser(model, config.train)
    with OneDevice():
        loss = objective(batch)
        loss.backward()
        optimiser.step()
    trained = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    assert loss.device == META and trained
    assert all(parameter.grad is not None and parameter.grad.device == META for parameter in trained)


def test_what_lies_elsewhere_or_asks_for_a_number_is_found() -> None:
    ones, chosen = torch.ones(3, device=META), torch.ones(3, dtype=torch.bool, device=META)
    with OneDevice():
        assert (ones * torch.tensor(2.0)).device == META
        with pytest.raises(AssertionError, match="takes tensors of"):
            ones + torch.ones(3)
        with pytest.raises(NotImplementedError):
            ones[chosen]
        with pytest.raises(RuntimeError):
            ones.sum().item()
