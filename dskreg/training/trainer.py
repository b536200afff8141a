"""Training: the loop over epochs, early stopping, checkpoints.

`softmax` (default): a step takes a batch of users, hides a random share of each history and predicts the
hidden items from the rest by one softmax over the items with training likes (a sample, where there are
many). `bpr` (paper): (user, liked, never seen) triples. In both the target is never part of the history that
predicts it (batches.py, objectives.py). Under torchrun several processes share every step (distributed.py).
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dskreg.config import DEVICE, DEVICES, Config, TrainConfig
from dskreg.console import Progress, silent
from dskreg.data.dataset import KNOWN, OUTSIDE, TRAIN, VALIDATION, Dataset
from dskreg.errors import InputError
from dskreg.evaluation.evaluate import evaluate
from dskreg.evaluation.metrics import NotANumber
from dskreg.evaluation.ranking import model_scorer
from dskreg.graph.candidates import CandidateGraph, build
from dskreg.model.dskreg import DSKReG
from dskreg.storage import schema
from dskreg.training import distributed
from dskreg.training.batches import MaskedBatches, TripleBatches
from dskreg.training.checkpoint import Checkpoint, Epoch, digest
from dskreg.training.initialise import start_from_svd
from dskreg.training.objectives import Bpr, MaskedSoftmax
from dskreg.training.optimiser import optimiser_of
from dskreg.training.start import Start

STOP_ON = "ndcg@20"


@dataclass(frozen=True)
class Trained:
    """The best epoch's model and how it came about."""

    model: DSKReG
    history: tuple[Epoch, ...]
    best_epoch: int
    start: Start | None = None  # what the start chose on validation; None of a random one


class Diverged(InputError):
    """Loss, parameters or scores are no longer numbers. `last`: the last epoch in which all were."""

    def __init__(self, epoch: int, wrong: str, config: TrainConfig) -> None:
        rates = (
            f"train.learning_rate ({config.learning_rate:g}) or "
            f"train.sampler_learning_rate ({config.sampler_learning_rate:g})"
        )
        super().__init__(f"training diverged at epoch {epoch}, {wrong}: lower {rates}")
        self.last = epoch - 1


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
    report: Callable[[Epoch], object] = lambda epoch: None,
    progress: Progress = silent,
    start: Start | None = None,
) -> Trained:
    """Train on `dataset` (split) and `graph`; checkpoints of the start and of every epoch go to `folder`.

    `report` is called after each epoch, `progress` wraps the choice of the start and an epoch's steps. Raises
    InputError when there is nothing to train on, or when `resume` meets a checkpoint that is damaged or of
    other settings, and Diverged. `start`: what an earlier training chose on validation, to be used again.
    """
    device = choose_device(config.train.device)
    if not dataset.folds.train.nnz:
        raise InputError(
            f"{dataset.name}: no likes to train on (threshold {config.data.like_threshold:g}, core "
            f"{config.data.core}); lower data.core or data.like_threshold"
        )
    torch.manual_seed(config.seed)
    model = DSKReG(config.model, graph, len(dataset.user_ids)).to(device)
    checkpoint = Checkpoint(folder, config, device, digest(dataset, graph)) if folder else None
    saved = checkpoint.state(model) if checkpoint and resume else None
    if saved:
        start = saved.start
    elif config.train.start == "svd":
        start = start_from_svd(model, dataset, config, start, progress)
    batches, objective = _task(dataset, model, config, device)
    shared = distributed.share(objective, config.train.shard)
    optimiser = optimiser_of(model, config.train)
    if checkpoint and saved:
        history, best = saved.history, checkpoint.load(saved, model, optimiser)
    else:
        history, best = (
            [_measure(shared, model, dataset, config.train, 0, None, 0.0)],
            distributed.copy_of(model),
        )
        report(history[0])
        if checkpoint:
            checkpoint.save(model, optimiser, best, history, start)
    while (
        history[-1].epoch < config.train.epochs
        and history[-1].epoch - _best(history).epoch < config.train.patience
    ):
        epoch = history[-1].epoch + 1
        began, total = time.perf_counter(), torch.zeros((), device=device)
        steps = _run(shared, optimiser, batches.epoch(epoch, model.neighbour.shape[1]))
        for loss in progress(steps, len(batches), f"epoch {epoch}"):
            total += loss
        loss = float(distributed.total(total)) / len(batches)
        history.append(
            _measure(shared, model, dataset, config.train, epoch, loss, time.perf_counter() - began)
        )
        if _best(history) is history[-1]:
            best = distributed.copy_of(model)
        # First: who is killed in between reports the epoch again after --resume, but never leaves one out
        report(history[-1])
        if checkpoint:
            checkpoint.save(model, optimiser, best, history, start)
    whole = {name: distributed.full(value) for name, value in best.items()}
    if config.train.shard:
        model = DSKReG(config.model, graph, len(dataset.user_ids)).to(device)
    model.load_state_dict(whole)
    return Trained(model, tuple(history), _best(history).epoch, start)


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
    return graph, train(everything, graph, settings, folder, resume, progress=progress, start=start)


def _task(
    dataset: Dataset, model: DSKReG, config: Config, device: torch.device
) -> tuple[MaskedBatches | TripleBatches, nn.Module]:
    """The batches, of which this process takes its part, and what is asked of the model."""
    part = distributed.part()
    if config.train.objective == "softmax":
        gather = distributed.gather if part.size > 1 else None
        return MaskedBatches(dataset, config, device, part), MaskedSoftmax(model, config.train, gather)
    return TripleBatches(dataset, config, device, part), Bpr(model, config.train)


def _best(history: list[Epoch]) -> Epoch:
    """The first epoch with the highest validation NDCG; the last one without validation items."""
    return history[-1] if history[-1].ndcg is None else max(history, key=lambda e: (e.ndcg or 0.0, -e.epoch))


def _run(objective: nn.Module, optimiser: torch.optim.Optimizer, batches: Iterator) -> Iterator[Tensor]:
    """The epoch's steps, one loss each."""
    for batch in batches:
        optimiser.zero_grad(set_to_none=True)
        loss = objective(batch)
        # Gradients of several processes are averaged: of parts, the sum is wanted
        (loss * distributed.part().size).backward()
        optimiser.step()
        yield loss.detach()


def _measure(
    objective: nn.Module,
    model: DSKReG,
    dataset: Dataset,
    config: TrainConfig,
    epoch: int,
    loss: float | None,
    seconds: float,
) -> Epoch:
    """The epoch's line. Raises Diverged, in every process, where a number of it or of the model is none."""
    began = time.perf_counter()
    if loss is not None and not math.isfinite(loss):
        raise Diverged(epoch, f"the loss is {loss}", config)
    if broken := _out_of_range(model):
        raise Diverged(epoch, f"{broken} is out of range", config)
    with distributed.whole(objective):
        try:
            ranking = evaluate(
                model_scorer(model), dataset, VALIDATION, config.validation_users, distributed.part().rows
            )
            found = [ranking.per_user[name].sum() for name in (STOP_ON, "recall@20")]
            figures = [*found, len(ranking.counted), sampling_entropy(model)]
        except NotANumber:
            figures = [math.nan] * 4
    ndcg, recall, count, entropy = distributed.total(torch.tensor(figures, dtype=torch.float64)).tolist()
    if not math.isfinite(entropy):
        raise Diverged(epoch, "its scores are too large", config)
    means = (ndcg / count, recall / count) if count else (None, None)
    return Epoch(
        epoch,
        loss,
        entropy / distributed.part().size,
        means[0],
        means[1],
        seconds,
        time.perf_counter() - began,
    )


@torch.no_grad()
def _out_of_range(model: DSKReG) -> str:
    """The first parameter with a value that no artifact may hold, NaN among them, in any process; "" where
    there is none.
    """
    forms, values, broken = schema.weights(model.config), model.state_dict(), []
    for name, form in forms.items():
        value = distributed.local(values[name])
        broken.append(
            ~((value >= form.least) & (value <= (math.inf if form.most is None else form.most))).all()
        )
    found = distributed.total(torch.stack(broken).float()).tolist()
    return next((name for name, count in zip(forms, found, strict=True) if count), "")


@torch.no_grad()
def sampling_entropy(model: DSKReG) -> float:
    """Mean over items with at least two candidates of H(softmax(s)) / log(candidates)."""
    logit = model.item_logits(torch.arange(len(model.item_embedding), device=model.item_embedding.device))
    count = torch.isfinite(logit).sum(1)
    logit, count = logit[count >= 2], count[count >= 2]
    if not len(count):
        return 0.0
    log_p = torch.log_softmax(logit, 1)
    return float((-(log_p.exp() * log_p.masked_fill(log_p == -torch.inf, 0)).sum(1) / count.log()).mean())
