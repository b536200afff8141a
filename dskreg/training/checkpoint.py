"""A training run's state on disk after every epoch: whole or absent, tensors as safetensors, the rest as
JSON.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import AfterValidator, Field, TypeAdapter
from torch import Tensor
from typing_extensions import TypedDict

from dskreg.config import STRICT, Config
from dskreg.data.dataset import Dataset
from dskreg.documents import quoted, read_json
from dskreg.errors import InputError
from dskreg.graph.candidates import CandidateGraph
from dskreg.model.dskreg import DSKReG
from dskreg.storage import folders, schema, tensors
from dskreg.storage.verify import read_tensors, tensors_form
from dskreg.training import distributed
from dskreg.training.closed_form import Start

# Of the training settings, these may change between the stop and the resumption
RESUMABLE_CHANGES = ("epochs", "patience", "device", "refit")
MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what AdamW remembers of a parameter
MEND = "delete the folder or train without --resume"


@dataclass(frozen=True)
class Epoch:
    """One line of the training history."""

    epoch: int  # 0 is the start, before any step
    loss: float | None  # mean of the steps; None for epoch 0
    # Mean entropy of softmax(s) over the items, relative to log(candidates): 1 samples uniformly, 0 always
    # takes the same
    entropy: float
    ndcg: float | None  # validation, @20; None where no user has a validation item
    recall: float | None  # the same
    # Validation among hidden items, @20; None for the paper's form, and where nothing can be hidden
    hidden: float | None
    seconds: float  # the steps alone
    evaluation_seconds: float


class Row(schema.Epoch):
    """An `Epoch`."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    seconds: schema.Amount
    evaluation_seconds: schema.Amount


def _consecutive(rows: list[Row]) -> list[Row]:
    numbers = [row["epoch"] for row in rows]
    if not rows or numbers != list(range(len(rows))):
        raise ValueError(f"expected the epochs 0, 1, 2, ... (got {quoted(numbers)})")
    return rows


class State(TypedDict):
    """state.json"""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    config: dict[str, Any]
    data: str  # digest
    # Of these parameters the optimiser remembers something
    moments: Annotated[list[schema.Count], Field(max_length=1000)]
    start: schema.Start | None  # None of a random one
    history: Annotated[list[Row], AfterValidator(_consecutive)]


FORM: TypeAdapter[State] = TypeAdapter(State)


@dataclass(frozen=True)
class Saved:
    """What a checkpoint says, beside its tensors."""

    history: list[Epoch]
    start: Start | None
    moments: list[int]


def _fingerprint(config: Config) -> dict[str, Any]:
    document = config.to_json()
    for name in RESUMABLE_CHANGES:
        del document["train"][name]
    del document["projection"]
    return document


def digest(dataset: Dataset, graph: CandidateGraph) -> str:
    """A hash of everything that training reads."""
    found = hashlib.sha256(repr((dataset.shape, dataset.relations, graph.relations, graph.shape)).encode())
    for array in (
        dataset.user,
        dataset.item,
        dataset.liked,
        dataset.fold,
        graph.neighbour,
        graph.relation,
        graph.strengths,
    ):
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


class Checkpoint:
    """The one checkpoint of a folder: model, best model so far, optimiser, history."""

    def __init__(
        self, folder: Path, config: Config, device: torch.device, data: str = "", users: int = 0
    ) -> None:
        self.folder, self.config, self.device, self.data, self.users = folder, config, device, data, users

    def save(
        self,
        model: DSKReG,
        optimiser: torch.optim.Optimizer,
        best: dict[str, Tensor],
        history: Sequence[Epoch],
        start: Start | None,
    ) -> None:
        """Put the state in the place of the last one; of several processes the first writes."""
        tensors = {f"model.{k}": v for k, v in model.state_dict().items()} | {
            f"best.{k}": v for k, v in best.items()
        }
        for index, state in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{k}": torch.as_tensor(v) for k, v in state.items()}
        tensors = {k: v.detach().cpu() for k, v in tensors.items()}
        if distributed.leads():
            document = {
                "config": _fingerprint(self.config),
                "data": self.data,
                "moments": sorted(optimiser.state_dict()["state"]),
                "start": start.to_json() if start else None,
                "history": [asdict(epoch) for epoch in history],
            }
            with folders.replacing(self.folder) as new:
                folders.save_tensors({k: v.numpy() for k, v in tensors.items()}, new / "state.safetensors")
                (new / "state.json").write_text(json.dumps(document, allow_nan=False), encoding="utf-8")
        distributed.wait()

    def state(self, model: DSKReG) -> Saved | None:
        """What the checkpoint says, None where there is none yet.

        Raises InputError where it is damaged, or of other data or settings.
        """
        if distributed.leads():
            folders.recover(self.folder)
        distributed.wait()
        if not self.folder.exists():
            return None
        path = self.folder / "state.json"
        found = read_json(path, FORM, MEND)
        if found["data"] != self.data:
            raise InputError(
                f"{self.folder}: the checkpoint was made with other data; train without --resume"
            )
        # True is not 1 here
        if json.dumps(found["config"], sort_keys=True) != json.dumps(
            _fingerprint(self.config), sort_keys=True
        ):
            raise InputError(
                f"{self.folder}: the checkpoint was made with other settings; train without --resume or "
                "restore them"
            )
        start = Start.from_json(dict(found["start"])) if found["start"] else None
        if (start is None) != (self.config.model.form == "paper"):
            raise InputError(
                f"{path}: start: expected what model.form={self.config.model.form} chooses (got "
                f"{quoted(found['start'])}); {MEND}"
            )
        rows: list[Any] = found["history"]
        if bool(found["moments"]) != (len(rows) > 1):
            raise InputError(
                f"{path}: moments: expected some after the first epoch, none before it (got "
                f"{quoted(found['moments'])}); {MEND}"
            )
        return Saved([Epoch(**row) for row in rows], start, found["moments"])

    def load(self, saved: Saved, model: DSKReG, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
        """Restore `model` and `optimiser`; returns the best weights.

        Raises InputError, before anything is changed, where a tensor does not fit.
        """
        own, parameters = model.state_dict(), [p for group in optimiser.param_groups for p in group["params"]]
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        order = [names[id(parameter)] for parameter in parameters]
        found = self._tensors(saved.moments, order, model)
        for name, like in own.items():
            for part in ("model", "best"):
                found[f"{part}.{name}"] = found[f"{part}.{name}"].to(like.device)
        moments: dict[int, dict[str, Tensor]] = {}
        for index in saved.moments:
            kept = {name: found[f"optimiser.{index}.{name}"] for name in MOMENTS}
            moments[index] = {k: v if k == "step" else v.to(self.device) for k, v in kept.items()}
        model.load_state_dict({name: found[f"model.{name}"] for name in own})
        optimiser.load_state_dict({"state": moments, "param_groups": optimiser.state_dict()["param_groups"]})
        return {name: found[f"best.{name}"] for name in own}

    def _tensors(self, moments: list[int], order: list[str], model: DSKReG) -> dict[str, Tensor]:
        """The file's tensors, checked: the model's and the best weights, and for the parameters `moments` of
        `order` what AdamW remembers.
        """
        path, weights = self.folder / "state.safetensors", tensors.weights(self.config.model)
        forms = {f"{part}.{name}": form for part in ("model", "best") for name, form in weights.items()}
        if not set(moments) <= set(range(len(order))):
            raise InputError(
                f"{self.folder / 'state.json'}: moments: expected numbers below {len(order)} (got "
                f"{quoted(moments)}); {MEND}"
            )
        for index in moments:
            shape = weights[order[index]].shape
            forms[f"optimiser.{index}.step"] = tensors.Tensor("F32", (), 1)
            forms[f"optimiser.{index}.exp_avg"] = tensors.Tensor("F32", shape, -math.inf)
            forms[f"optimiser.{index}.exp_avg_sq"] = tensors.Tensor("F32", shape, 0)
        sizes = dict(zip(("items", "width"), model.item_embedding.shape, strict=True))
        sizes |= {
            "graph relations": model.relations,
            "pair features": model.relations + 1,
            "users": self.users,
        }
        try:
            tensors_form(path, forms, sizes)
            return {name: torch.from_numpy(array) for name, array in read_tensors(path, forms, sizes).items()}
        except InputError as error:
            raise InputError(f"{error}; {MEND}") from None

    def clear(self) -> None:
        """Remove the checkpoint: the artifact is written."""
        folders.remove(self.folder)
