"""Training: the loop over epochs, early stopping, checkpoints.

`evidence` (default): embeddings in closed form (closed_form.py); then the relevance of neighbours is trained
on items whose likes are hidden (masked.py), and what neighbours weigh is chosen on validation
(evaluation/evidence.py). `paper`: everything by (user, liked, never seen) triples (batches.py,
objectives.py).
Under torchrun several processes share every step (distributed.py).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dskreg.config import DEVICE, DEVICES, Config, TrainConfig
from dskreg.console import Progress, silent, stepwise
from dskreg.data.dataset import KNOWN, OUTSIDE, TRAIN, VALIDATION, Dataset
from dskreg.errors import InputError
from dskreg.evaluation.cold import ColdItems, some
from dskreg.evaluation.evidence import choose_evidence, settings_tried
from dskreg.graph.candidates import CandidateGraph, build
from dskreg.model.dskreg import DSKReG
from dskreg.model.evidence import EvidenceDSKReG, model_of
from dskreg.training import closed_form, distributed
from dskreg.training.batches import TripleBatches
from dskreg.training.checkpoint import Checkpoint, Epoch, digest
from dskreg.training.closed_form import Start
from dskreg.training.masked import HiddenItems, HiddenSoftmax
from dskreg.training.measure import Diverged, Measure
from dskreg.training.objectives import Bpr

Report = Callable[[Epoch, DSKReG], object]
SLOWER_AFTER = 30  # steps: the learning rate of the evidence form falls as 1 / (1 + step / SLOWER_AFTER)

__all__ = ["Diverged", "Epoch", "Trained", "choose_device", "known", "refit", "train"]


@dataclass(frozen=True)
class Trained:
    """The best epoch's model and how it came about."""

    model: DSKReG
    history: tuple[Epoch, ...]
    best_epoch: int
    start: Start | None = None  # what the closed form chose on validation; None of the paper's form
    evidence: dict[str, Any] | None = None  # what neighbours weigh, chosen on validation (evidence.py)


def choose_device(name: str) -> torch.device:
    """The device called `name`; `auto` takes CUDA, then MPS, then the CPU.

    Raises InputError for one that is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if not re.fullmatch(DEVICE, name):
        raise InputError(f"device {name!r}: expected {DEVICES}")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"device {name!r} is not usable here ({str(error).splitlines()[0]}); try --device cpu"
        ) from None
    return device


def train(
    dataset: Dataset,
    graph: CandidateGraph,
    config: Config,
    folder: Path | None = None,
    resume: bool = False,
    report: Report = lambda epoch, model: None,
    progress: Progress = silent,
    start: Start | None = None,
    evidence: dict[str, Any] | None = None,
) -> Trained:
    """Train on `dataset` (split) and `graph`; checkpoints of the start and of every epoch go to `folder`.

    `report` is called after each epoch, `progress` wraps the choices and an epoch's steps. Raises InputError
    when there is nothing to train on, or when `resume` meets a checkpoint that is damaged or of other
    settings, and Diverged. `start` and `evidence`: what an earlier training chose, to be used again.
    """
    device = choose_device(config.train.device)
    if not dataset.folds.train.nnz:
        raise InputError(
            f"{dataset.name}: no likes to train on (data.core {config.data.core}); lower data.core or "
            "data.like_threshold"
        )
    torch.manual_seed(config.seed)
    users = len(dataset.user_ids)
    model = model_of(config.model, graph, users).to(device)
    checkpoint = Checkpoint(folder, config, device, digest(dataset, graph), users) if folder else None
    saved = checkpoint.state(model) if checkpoint and resume else None
    start = saved.start if saved else _begin(model, dataset, config, start, progress)
    hidden = _hidden(model, dataset, config)
    batches, objective = _task(dataset, model, config, device, hidden)
    shared = distributed.share(objective)
    optimiser, rate = _optimiser(model, config.train)
    measure = Measure(model, dataset, config, hidden)
    if checkpoint and saved:
        history, best = saved.history, checkpoint.load(saved, model, optimiser)
    else:
        history, best = [measure(0, None, 0.0)], _copy(model)
        report(history[0], model)
        if checkpoint:
            checkpoint.save(model, optimiser, best, history, start)
    while (
        history[-1].epoch < config.train.epochs
        and history[-1].epoch - _best(history).epoch < config.train.patience
    ):
        epoch = history[-1].epoch + 1
        began, total = time.perf_counter(), torch.zeros((), device=device)
        rate((epoch - 1) * len(batches))
        steps = _run(shared, optimiser, batches.epoch(epoch, model.neighbour.shape[1]))
        for step, loss in enumerate(progress(steps, len(batches), f"epoch {epoch}")):
            total += loss
            rate((epoch - 1) * len(batches) + step + 1)
        loss = float(distributed.total(total)) / len(batches)
        history.append(measure(epoch, loss, time.perf_counter() - began))
        if _best(history) is history[-1]:
            best = _copy(model)
        # First: who is killed in between reports the epoch again after --resume, but never leaves one out
        report(history[-1], model)
        if checkpoint:
            checkpoint.save(model, optimiser, best, history, start)
    model.load_state_dict(best)
    weighed = _weigh(model, dataset, config, evidence, progress)
    return Trained(model, tuple(history), _best(history).epoch, start, weighed)


def _begin(
    model: DSKReG, dataset: Dataset, config: Config, start: Start | None, progress: Progress
) -> Start | None:
    """Set the embeddings of the evidence form; returns what was chosen, or `start` where that is given."""
    if not isinstance(model, EvidenceDSKReG):
        return None
    folds, width = dataset.folds, config.model.width
    start = start or closed_form.choose(folds, width, config.train.validation_users, config.seed, progress)
    vectors, weight, prior = closed_form.embeddings(folds.train, folds.seen, start, width, config.seed)
    with torch.no_grad():
        model.item_embedding.copy_(torch.from_numpy(vectors))
        model.history_weight.copy_(torch.from_numpy(weight))
        model.prior.copy_(torch.from_numpy(prior))
        model.likes.copy_(torch.from_numpy(np.asarray(folds.train.sum(0)).ravel()))
    return start


def _hidden(model: DSKReG, dataset: Dataset, config: Config) -> ColdItems | None:
    """Items that training never asks for, by which its epochs are compared."""
    folds = dataset.folds
    if not isinstance(model, EvidenceDSKReG) or not folds.validation.nnz:
        return None
    found = ColdItems.among_themselves(folds.likes(TRAIN, VALIDATION), some(folds.train, config.seed))
    return found if found.history.shape[0] else None


def _weigh(
    model: DSKReG, dataset: Dataset, config: Config, evidence: dict[str, Any] | None, progress: Progress
) -> dict[str, Any] | None:
    """What neighbours weigh: as `evidence` says, or chosen on validation."""
    if not isinstance(model, EvidenceDSKReG):
        return None
    if evidence:
        with torch.no_grad():
            model.evidence.copy_(torch.tensor([evidence[name] for name in ("kappa", "scale", "boost")]))
        return evidence
    with stepwise(progress, settings_tried(), "weight of neighbours") as step:
        return choose_evidence(model, dataset.folds, config.train.validation_users, config.seed, step)


def known(dataset: Dataset) -> Dataset:
    """The data set with everything known before the test in the training fold, and nothing in the validation
    fold.
    """
    return replace(
        dataset, fold=np.where(np.isin(dataset.fold, KNOWN), TRAIN, dataset.fold).astype(dataset.fold.dtype)
    )


def refit(
    dataset: Dataset,
    config: Config,
    trained: Trained,
    folder: Path | None = None,
    resume: bool = False,
    report: Report = lambda epoch, model: None,
    progress: Progress = silent,
) -> tuple[CandidateGraph, Trained]:
    """Once more on everything known before the test: the settings and the number of epochs that won on
    validation, validation likes included.

    Where likes outside the core come in, items with fewer likes than the core asks for shape no direction of
    the start. Returns the candidate graph over the same likes and the model. It is what the baselines get too
    (tuning.py).
    """
    everything, start = known(dataset), trained.start
    if start is not None and (dataset.fold == OUTSIDE).any():
        start = replace(start, least=config.data.core)
    graph = build(everything, config.graph, config.seed)
    settings = replace(
        config, train=replace(config.train, epochs=trained.best_epoch, patience=max(1, trained.best_epoch))
    )
    found = train(everything, graph, settings, folder, resume, report, progress, start, trained.evidence)
    return graph, found


def _task(
    dataset: Dataset, model: DSKReG, config: Config, device: torch.device, hidden: ColdItems | None
) -> tuple[HiddenItems | TripleBatches, nn.Module]:
    """The steps, of which this process takes its part, and what is asked of the model."""
    part = distributed.part()
    if isinstance(model, EvidenceDSKReG):
        kept = hidden.items if hidden else np.zeros(0, dtype=np.int64)
        return HiddenItems(dataset.folds.train, kept, config, device, part), HiddenSoftmax(model)
    return TripleBatches(dataset, config, device, part), Bpr(model, config.train)


def _optimiser(model: DSKReG, config: TrainConfig) -> tuple[torch.optim.Optimizer, Callable[[int], object]]:
    """Adam over what is trained, and what sets its learning rate for a step, counted from the first epoch."""
    optimiser = torch.optim.Adam(parameter_groups(model, config))

    def rate(step: int) -> None:
        if isinstance(model, EvidenceDSKReG):
            for group in optimiser.param_groups:
                group["lr"] = config.learning_rate / (1 + step / SLOWER_AFTER)

    return optimiser, rate


def parameter_groups(model: DSKReG, config: TrainConfig) -> list[dict]:
    """What is trained, at which rate: of the paper's form the towers at a share of the learning rate, the
    logits and relations at a rate of their own.

    Adam moves every number by about its rate. An embedding of D numbers moves by rate * sqrt(D) when a batch
    touches it, a D x D matrix by up to rate * D in every step, and for all users and items at once.
    """
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            rate = config.learning_rate
            if "_tower." in name:
                rate *= config.tower_rate
            elif name.startswith("relation_embedding") or name.startswith("relevance"):
                rate = config.sampler_learning_rate
            groups.setdefault(rate, []).append(parameter)
    return [{"params": those, "lr": rate} for rate, those in groups.items()]


def _copy(model: DSKReG) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _best(history: list[Epoch]) -> Epoch:
    """The first epoch with the highest validation NDCG, among hidden items where they are asked; the last one
    without validation items.
    """
    if history[-1].ndcg is None:
        return history[-1]
    asked = "ndcg" if history[-1].hidden is None else "hidden"
    return max(history, key=lambda e: (getattr(e, asked) or 0.0, -e.epoch))


def _run(objective: nn.Module, optimiser: torch.optim.Optimizer, batches: Iterator) -> Iterator[Tensor]:
    """The epoch's steps, one loss each."""
    for batch in batches:
        optimiser.zero_grad(set_to_none=True)
        loss = objective(batch)
        # Gradients of several processes are averaged: of parts, the sum is wanted
        (loss * distributed.part().size).backward()
        optimiser.step()
        yield loss.detach()
