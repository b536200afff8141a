"""A training run's state on disk after every epoch: whole or absent, tensors as safetensors, the rest as JSON."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from dskreg import parallel
from dskreg.config import Config
from dskreg.data.dataset import Dataset
from dskreg.errors import InputError
from dskreg.graph import CandidateGraph
from dskreg.model import DSKReG
from dskreg.tensors import save_tensors

Row = TypeVar("Row")
FREE = ("epochs", "patience", "device", "shard")  # of the training settings, these may change between the stop and the resumption


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


class Checkpoint:
    """The one checkpoint of a folder: model, best model so far, optimiser, history."""

    def __init__(self, folder: Path, config: Config, device: torch.device, data: str = "") -> None:
        self.folder, self.config, self.device, self.data = folder, config, device, data

    def save(self, model: DSKReG, optimiser: torch.optim.Optimizer, best: dict[str, Tensor], history: list[dict[str, Any]]) -> None:
        """Write the state, whole, under a temporary name, then put it in the place of the last one; of several processes the first writes."""
        tensors = {f"model.{k}": v for k, v in model.state_dict().items()} | {f"best.{k}": v for k, v in best.items()}
        for index, state in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{k}": torch.as_tensor(v) for k, v in state.items()}
        tensors = {k: parallel.full(v).detach().cpu() for k, v in tensors.items()}
        if parallel.leads():
            self._write(tensors, history)
        parallel.wait()

    def _write(self, state: dict[str, Tensor], history: list[dict[str, Any]]) -> None:
        new, old = self.folder.with_name(self.folder.name + ".new"), self.folder.with_name(self.folder.name + ".old")
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)
        new.mkdir(parents=True)
        save_tensors({k: v.numpy() for k, v in state.items()}, new / "state.safetensors")
        rows = [{k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()} for row in history]
        (new / "state.json").write_text(json.dumps({"config": _fingerprint(self.config), "data": self.data, "history": rows}), encoding="utf-8")
        if self.folder.exists():
            os.replace(self.folder, old)
        os.replace(new, self.folder)
        shutil.rmtree(old, ignore_errors=True)

    def load(self, model: DSKReG, optimiser: torch.optim.Optimizer, best: dict[str, Tensor], row: type[Row]) -> tuple[list[Row], dict[str, Tensor]]:
        """Restore `model` and `optimiser`; (history, best weights), or ([], `best`) when there is no checkpoint yet."""
        old = self.folder.with_name(self.folder.name + ".old")
        if parallel.leads() and not self.folder.exists() and old.exists():  # the run died between the two renames
            os.replace(old, self.folder)
        parallel.wait()
        if not self.folder.exists():
            return [], best
        try:
            document = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
            tensors = load_file(self.folder / "state.safetensors", device=str(self.device))
            made_with, made_from = document["config"], document["data"]
            history = [row(**{k: float("nan") if v is None else v for k, v in r.items()}) for r in document["history"]]
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise InputError(f"{self.folder}: the checkpoint cannot be read ({type(error).__name__}); delete the folder or train without --resume") from None
        if made_from != self.data:
            raise InputError(f"{self.folder}: the checkpoint was made with other data; train without --resume")
        if made_with != _fingerprint(self.config):
            raise InputError(f"{self.folder}: the checkpoint was made with other settings; train without --resume or restore them")
        part = {p: {k[len(p) + 1 :]: v for k, v in tensors.items() if k.startswith(p + ".")} for p in ("model", "best", "optimiser")}
        own = model.state_dict()
        model.load_state_dict({k: parallel.divided(v, own[k]) for k, v in part["model"].items()})
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in part["optimiser"].items():
            index, _, key = name.partition(".")
            state.setdefault(int(index), {})[key] = value.cpu() if key == "step" else parallel.divided(value, parameters[int(index)])
        optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
        return history, {k: parallel.divided(v, own[k]) for k, v in part["best"].items()}

    def clear(self) -> None:
        """Remove the checkpoint: the artifact is written."""
        for folder in (self.folder, self.folder.with_name(self.folder.name + ".old"), self.folder.with_name(self.folder.name + ".new")):
            shutil.rmtree(folder, ignore_errors=True)
