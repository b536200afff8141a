"""A training run's state on disk after every epoch: whole or absent, tensors as safetensors, the rest as JSON."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass
from safetensors import SafetensorError, safe_open
from torch import Tensor

from dskreg import parallel
from dskreg.config import STRICT, Config
from dskreg.data.dataset import Dataset
from dskreg.documents import quoted, read_json, regular_size, shortened
from dskreg.errors import InputError
from dskreg.graph import CandidateGraph
from dskreg.model import DSKReG
from dskreg.spectra import Start
from dskreg.tensors import save_tensors

FREE = ("epochs", "patience", "device", "shard", "refit")  # of the training settings, these may change between the stop and the resumption
MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what AdamW remembers of a parameter
MEND = "delete the folder or train without --resume"

Mean = Annotated[float, Field(ge=0, le=1.001)]  # of shares; rounding included
Seconds = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, config=STRICT)
class Epoch:
    """One line of the training history."""

    epoch: Annotated[int, Field(ge=0)]  # 0 is the start, before any step
    loss: float | None  # mean of the steps; None for epoch 0
    entropy: float  # mean entropy of softmax(s) over the titles, relative to log(candidates): 1 draws uniformly, 0 always the same
    ndcg: Mean | None  # validation, @20; None where nobody has a validation title
    recall: Mean | None  # the same
    seconds: Seconds  # the steps alone
    evaluation_seconds: Seconds


@dataclass(frozen=True, config=STRICT)
class State:
    """What state.json says, beside the tensors."""

    config: dict[str, Any]
    data: str  # digest
    tensors: int  # how many there are
    start: Start | None  # None of a random one
    history: tuple[Epoch, ...]

    def __post_init__(self) -> None:
        numbers = [epoch.epoch for epoch in self.history]
        if not numbers or numbers != list(range(len(numbers))):
            raise ValueError(f"history: expected the epochs 0, 1, 2, ... (got {quoted(numbers)})")


FORM = TypeAdapter(State)


def _fingerprint(config: Config) -> dict[str, Any]:
    document = config.to_json()
    for name in FREE:
        del document["train"][name]
    del document["projection"]
    return document


def digest(dataset: Dataset, graph: CandidateGraph) -> str:
    """A hash of everything that training reads."""
    told = hashlib.sha256(repr((dataset.shape, dataset.relations, graph.relations, graph.shape)).encode())
    for array in (dataset.user, dataset.item, dataset.liked, dataset.fold, graph.neighbour, graph.relation, graph.strength):
        told.update(np.ascontiguousarray(array).tobytes())
    return told.hexdigest()


def _wrong(name: str, value: Tensor, kind: torch.dtype) -> str:
    """What is wrong with a tensor of the right shape; "" where nothing is."""
    if value.dtype != kind:
        return f"expected {kind} (got {value.dtype})"
    if not torch.isfinite(value).all():
        return "expected finite numbers, found NaN or infinity"
    least = {"step": 1.0, "exp_avg_sq": 0.0}.get(name.rpartition(".")[2]) if name.startswith("optimiser.") else None
    return f"expected at least {least:g} (got {float(value.min()):g})" if least is not None and (value < least).any() else ""


class Checkpoint:
    """The one checkpoint of a folder: model, best model so far, optimiser, history."""

    def __init__(self, folder: Path, config: Config, device: torch.device, data: str = "") -> None:
        self.folder, self.config, self.device, self.data = folder, config, device, data

    def save(
        self,
        model: DSKReG,
        optimiser: torch.optim.Optimizer,
        best: dict[str, Tensor],
        history: Sequence[Epoch],
        start: Start | None,
    ) -> None:
        """Write the state, whole, under a temporary name, then put it in the place of the last one; of several processes the first writes."""
        tensors = {f"model.{k}": v for k, v in model.state_dict().items()} | {f"best.{k}": v for k, v in best.items()}
        for index, state in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{k}": torch.as_tensor(v) for k, v in state.items()}
        tensors = {k: parallel.full(v).detach().cpu() for k, v in tensors.items()}
        if parallel.leads():
            self._write(tensors, history, start)
        parallel.wait()

    def _write(self, tensors: dict[str, Tensor], history: Sequence[Epoch], start: Start | None) -> None:
        new, old = self.folder.with_name(self.folder.name + ".new"), self.folder.with_name(self.folder.name + ".old")
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)
        new.mkdir(parents=True)
        save_tensors({k: v.numpy() for k, v in tensors.items()}, new / "state.safetensors")
        document = {
            "config": _fingerprint(self.config),
            "data": self.data,
            "tensors": len(tensors),
            "start": start.to_json() if start else None,
            "history": [asdict(epoch) for epoch in history],
        }
        (new / "state.json").write_text(json.dumps(document, allow_nan=False), encoding="utf-8")
        if self.folder.exists():
            os.replace(self.folder, old)
        os.replace(new, self.folder)
        shutil.rmtree(old, ignore_errors=True)

    def state(self) -> State | None:
        """What the checkpoint says, None where there is none yet. Raises InputError where it is damaged, or of other data or settings."""
        old = self.folder.with_name(self.folder.name + ".old")
        if parallel.leads() and not self.folder.exists() and old.exists():  # the run died between the two renames
            os.replace(old, self.folder)
        parallel.wait()
        if not self.folder.exists():
            return None
        state = read_json(self.folder / "state.json", FORM, MEND)
        if state.data != self.data:
            raise InputError(f"{self.folder}: the checkpoint was made with other data; train without --resume")
        if state.config != _fingerprint(self.config):
            raise InputError(f"{self.folder}: the checkpoint was made with other settings; train without --resume or restore them")
        if (state.start is None) != (self.config.train.start == "random"):
            raise self._damaged("state.json", f"start: expected what train.start={self.config.train.start} chose (got {quoted(state.start)})")
        return state

    def load(self, state: State, model: DSKReG, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
        """Restore `model` and `optimiser`; returns the best weights. Raises InputError, before anything is changed, where a tensor does not fit."""
        own = model.state_dict()
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        like = {f"{part}.{name}": value for part in ("model", "best") for name, value in own.items()}
        one = torch.zeros((), dtype=torch.float32)
        moments = {f"optimiser.{n}.{m}": one if m == "step" else p for n, p in enumerate(parameters) for m in MOMENTS}
        found = self._tensors(state.tensors, like, moments)
        gates = None if model.log_gate is None else len(model.log_gate)
        if state.start and state.start.gates and len(state.start.gates) != gates:
            raise self._damaged("state.json", f"start.gates: expected {gates} (got {len(state.start.gates)})")
        whole = {name: found[name].cpu() if name.endswith(".step") else parallel.divided(found[name], (like | moments)[name]) for name in found}
        kept = {n: {m: whole[f"optimiser.{n}.{m}"] for m in MOMENTS} for n in range(len(parameters)) if f"optimiser.{n}.step" in whole}
        model.load_state_dict({name: whole[f"model.{name}"] for name in own})
        optimiser.load_state_dict({"state": kept, "param_groups": optimiser.state_dict()["param_groups"]})
        return {name: whole[f"best.{name}"] for name in own}

    def _tensors(self, count: int, like: dict[str, Tensor], moments: dict[str, Tensor]) -> dict[str, Tensor]:
        """The file's tensors: all of `like`, and all or none of each parameter's `moments`. Names and shapes are checked before any is read."""
        path = self.folder / "state.safetensors"
        regular_size(path, MEND)
        try:
            with safe_open(path, framework="pt", device=str(self.device)) as file:
                names = set(file.keys())
                begun = {name.rpartition(".")[0] for name in names}
                needed = like | {name: value for name, value in moments.items() if name.rpartition(".")[0] in begun}
                for name in sorted(names ^ needed.keys()):
                    raise self._damaged(path.name, f"{quoted(name)}: {'missing' if name in needed else 'unknown'}")
                if len(names) != count:
                    raise self._damaged(path.name, f"expected {count} tensors (got {len(names)})")
                for name, value in needed.items():
                    if (shape := tuple(file.get_slice(name).get_shape())) != tuple(value.shape):
                        raise self._damaged(path.name, f"{name}: expected the shape {tuple(value.shape)} (got {shape})")
                found = {name: file.get_tensor(name) for name in needed}
        except (OSError, SafetensorError) as error:
            raise self._damaged(path.name, f"cannot be read ({shortened(str(error))})") from None
        for name, value in found.items():
            if wrong := _wrong(name, value, needed[name].dtype):
                raise self._damaged(path.name, f"{name}: {wrong}")
        return found

    def _damaged(self, file: str, wrong: str) -> InputError:
        return InputError(f"{self.folder / file}: {wrong}; {MEND}")

    def clear(self) -> None:
        """Remove the checkpoint: the artifact is written."""
        for folder in (self.folder, self.folder.with_name(self.folder.name + ".old"), self.folder.with_name(self.folder.name + ".new")):
            shutil.rmtree(folder, ignore_errors=True)
