"""Training: batches, the two objectives, early stopping, checkpoints.

`softmax` (default): a step takes a batch of users, hides a random share of each history and predicts the hidden titles from the rest by
one softmax over the titles with training likes (a sample, where there are many). `bpr` (paper): (user, liked, never seen) triples. In both
the target is never part of the history that predicts it. Randomness is derived from (seed, epoch) alone, so a resumed run repeats an
uninterrupted one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from dskreg import losses
from dskreg.checkpoint import Checkpoint, digest
from dskreg.config import Config, TrainConfig
from dskreg.data.dataset import OUTSIDE, SEEN, TRAIN, VALIDATION, Dataset
from dskreg.errors import InputError
from dskreg.evaluation import evaluate
from dskreg.graph import CandidateGraph, train_matrix
from dskreg.model import DSKReG
from dskreg.sampling import gumbel
from dskreg.serving import model_scorer, padded
from dskreg.start import start_from_svd

STOP_ON = "ndcg@20"


@dataclass(frozen=True)
class Epoch:
    """One line of the training history."""

    epoch: int  # 0 is the start, before any step
    loss: float  # mean of the steps; nan for epoch 0
    entropy: float  # mean entropy of softmax(s) over the titles, relative to log(candidates): 1 draws uniformly, 0 always the same
    ndcg: float  # validation, @20
    recall: float  # validation, @20
    seconds: float  # the steps alone
    evaluation_seconds: float


@dataclass(frozen=True)
class Trained:
    """The best epoch's model and how it came about."""

    model: DSKReG
    history: tuple[Epoch, ...]
    best_epoch: int


def choose_device(name: str) -> torch.device:
    """The device called `name`; `auto` takes CUDA, then MPS, then the CPU. Raises InputError for one that is not there."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device {name!r} is not usable here ({str(error).splitlines()[0]}); try --device cpu") from None
    return device


def train(
    dataset: Dataset,
    graph: CandidateGraph,
    config: Config,
    folder: Path | None = None,
    resume: bool = False,
    report: Callable[[Epoch], object] = lambda epoch: None,
    progress: Callable[[Iterator, int, str], Iterator] = lambda steps, count, label: steps,
) -> Trained:
    """Train on `dataset` (split) and `graph`; checkpoints of every epoch go to `folder`.

    `report` is called after each epoch, `progress` wraps an epoch's steps. Raises InputError when there is nothing to train on,
    or when `resume` meets a checkpoint of other settings.
    """
    device = choose_device(config.train.device)
    likes = train_matrix(dataset)
    if not likes.nnz:
        raise InputError(
            f"{dataset.name}: no likes to train on (threshold {config.data.like_threshold:g}, core {config.data.core}); lower data.core or data.like_threshold"
        )
    torch.manual_seed(config.seed)
    model = DSKReG(config.model, graph, len(dataset.user_ids)).to(device)
    if config.train.start == "svd":
        start_from_svd(model, dataset, config)
    optimiser = torch.optim.AdamW(parameter_groups(model, config.train), weight_decay=config.train.weight_decay)
    checkpoint = Checkpoint(folder, config, device, digest(dataset, graph)) if folder else None
    history: list[Epoch] = []
    best = {name: value.clone() for name, value in model.state_dict().items()}
    if checkpoint and resume:
        history, best = checkpoint.load(model, optimiser, best, Epoch)
    if not history:
        history.append(_measure(model, dataset, config.train, 0, float("nan"), 0.0))
        report(history[0])
    steps = SoftmaxSteps(dataset, config, device) if config.train.objective == "softmax" else BprSteps(dataset, config, device)
    while history[-1].epoch < config.train.epochs and history[-1].epoch - _best(history).epoch < config.train.patience:
        epoch = history[-1].epoch + 1
        began, total = time.perf_counter(), torch.zeros((), device=device)
        for loss in progress(_run(model, optimiser, steps, epoch), len(steps), f"epoch {epoch}"):
            total += loss
        history.append(_measure(model, dataset, config.train, epoch, float(total) / len(steps), time.perf_counter() - began))
        if _best(history) is history[-1]:
            best = {name: value.clone() for name, value in model.state_dict().items()}
        report(history[-1])  # first: who is killed in between reports the epoch again after --resume, but never leaves one out
        if checkpoint:
            checkpoint.save(model, optimiser, best, [asdict(e) for e in history])
    model.load_state_dict(best)
    return Trained(model, tuple(history), _best(history).epoch)


def _best(history: list[Epoch]) -> Epoch:
    """The first epoch with the highest validation NDCG; the last one where nobody has a validation title (NaN)."""
    return history[-1] if math.isnan(history[-1].ndcg) else max(history, key=lambda e: (e.ndcg, -e.epoch))


def parameter_groups(model: DSKReG, config: TrainConfig) -> list[dict]:
    """The embeddings and towers at one learning rate; the sampler's and the attention's few parameters at another, without decay."""
    small = {"relation_embedding", "relevance_item", "relevance_relation", "prior", "log_gate", "log_user_gate"}
    named = list(model.named_parameters())
    return [
        {"params": [p for n, p in named if n not in small], "lr": config.learning_rate},
        {"params": [p for n, p in named if n in small], "lr": config.sampler_learning_rate, "weight_decay": 0.0},
    ]


class SoftmaxSteps:
    """Batches of users with masked histories, scored against the titles that have training likes (a sample of them, where there are many)."""

    def __init__(self, dataset: Dataset, config: Config, device: torch.device) -> None:
        self.likes, self.config, self.device = train_matrix(dataset), config, device
        self.users = np.flatnonzero(np.diff(self.likes.indptr) >= 2)  # one title to show, one to predict
        if not len(self.users):
            raise InputError(f"{dataset.name}: expected somebody with two training likes (one to show, one to predict); try train.objective=bpr")
        self.titles = np.flatnonzero(np.diff(self.likes.tocsc().indptr)).astype(np.int64)

    def __len__(self) -> int:
        return max(1, -(-len(self.users) // self.config.train.batch))

    def losses(self, model: DSKReG, epoch: int) -> Iterator[Tensor]:
        """The loss of each step of the epoch, with gradient."""
        rng, generator = _randomness(self.config.seed, epoch, self.device)
        for who in np.array_split(rng.permutation(self.users), len(self)):
            shown, hidden = hide(self.likes[who], self.config.train, rng)
            items, sampled = self._alternatives(hidden, rng)
            history = torch.from_numpy(padded(shown)).to(self.device)
            target, known = (torch.from_numpy(m[:, items].toarray() > 0).to(self.device) for m in (hidden, shown))
            titles = torch.from_numpy(items).to(self.device)
            user_noise = gumbel(tuple(history.shape), generator, self.device)
            item_noise = gumbel((len(items), model.neighbour.shape[1]), generator, self.device)
            with precision(self.device, self.config.train):
                trace = model(torch.from_numpy(who.astype(np.int64)).to(self.device), history, titles, user_noise, item_noise)
            # A sampled alternative stands for several; a title that is only here as somebody else's target is no alternative.
            score = trace.score.float() + np.log(len(self.titles) / sampled.sum()) * ~target
            foreign = torch.from_numpy(~sampled).to(self.device) & ~target
            yield losses.masked_softmax(score, target, known | foreign)

    def _alternatives(self, hidden: sparse.csr_matrix, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(the titles of the step `[N]`, which of them are the sample `[N]` bool): all, or a uniform sample and the hidden titles."""
        most = self.config.train.alternatives
        if len(self.titles) <= most:
            return self.titles, np.ones(len(self.titles), dtype=bool)
        sample = np.sort(rng.choice(self.titles, most, replace=False))
        others = np.setdiff1d(hidden.indices, sample)
        return np.concatenate([sample, others]), np.arange(len(sample) + len(others)) < len(sample)


class BprSteps:
    """Batches of (user, liked title, title never seen), one uniform negative each; the liked title is taken out of the history."""

    def __init__(self, dataset: Dataset, config: Config, device: torch.device) -> None:
        self.likes, self.config, self.device = train_matrix(dataset), config, device
        met = np.isin(dataset.fold, (TRAIN, OUTSIDE, SEEN))
        self.met = np.unique(dataset.user[met].astype(np.int64) * self.likes.shape[1] + dataset.item[met])
        self.pairs = np.stack(self.likes.nonzero(), 1)

    def __len__(self) -> int:
        return max(1, -(-len(self.pairs) // self.config.train.batch))

    def _negatives(self, users: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One title per user, uniform among those never met; a few redraws leave at most a handful of collisions to those who met all."""
        count = self.likes.shape[1]
        other = rng.integers(count, size=len(users))
        for _ in range(20):
            code = users.astype(np.int64) * count + other
            clash = self.met[np.minimum(np.searchsorted(self.met, code), len(self.met) - 1)] == code
            if not clash.any():
                break
            other[clash] = rng.integers(count, size=int(clash.sum()))
        return other

    def losses(self, model: DSKReG, epoch: int) -> Iterator[Tensor]:
        """The loss of each step of the epoch, with gradient."""
        rng, generator = _randomness(self.config.seed, epoch, self.device)
        for batch in np.array_split(rng.permutation(self.pairs), len(self)):
            users, liked = batch[:, 0], batch[:, 1]
            other = self._negatives(users, rng)
            history = padded(self.likes[users])
            history[history == liked[:, None]] = -1
            u, h = torch.from_numpy(users.astype(np.int64)).to(self.device), torch.from_numpy(history).to(self.device)
            user_noise = gumbel(tuple(h.shape), generator, self.device)
            items = torch.from_numpy(np.concatenate([liked, other]).astype(np.int64)).to(self.device)
            noise = gumbel((len(items), model.neighbour.shape[1]), generator, self.device)
            with precision(self.device, self.config.train):
                user = model.user_hop(u, h, user_noise)
                hop = model.item_hop(user.output.repeat(2, 1), items, model.draw_items(items, noise), paired=True)
            positive, negative = hop.score.float().squeeze(1).chunk(2)
            loss = losses.bpr(positive, negative)
            if self.config.train.l2:
                touched = [model.item_embedding[items], model.relation_embedding]
                touched += [model.user_embedding[u]] if model.user_embedding is not None else []
                loss = loss + self.config.train.l2 * losses.l2(*touched)
            yield loss


def hide(likes: sparse.csr_matrix, config: TrainConfig, rng: np.random.Generator) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Each row's likes in two: what is shown and what is hidden, `[B, I]` both. At least one is hidden and one shown (of two or more)."""
    length = np.diff(likes.indptr)
    share = rng.uniform(config.hide_least, config.hide_most, size=len(length))
    count = np.minimum(np.maximum(1, np.rint(share * length)), np.maximum(length - 1, 0))
    row = np.repeat(np.arange(len(length)), length)
    order = np.lexsort((rng.random(likes.nnz), row))
    rank = np.empty(likes.nnz, dtype=np.int64)
    rank[order] = np.arange(likes.nnz) - likes.indptr[:-1][row]
    hidden = rank < count[row]

    def part(chosen: np.ndarray) -> sparse.csr_matrix:
        return sparse.csr_matrix((likes.data[chosen], (row[chosen], likes.indices[chosen])), shape=likes.shape)

    return part(~hidden), part(hidden)


def _randomness(seed: int, epoch: int, device: torch.device) -> tuple[np.random.Generator, torch.Generator]:
    """The two generators of one epoch, from (seed, epoch) alone."""
    rng = np.random.default_rng([seed, epoch])
    generator = torch.Generator(device if device.type == "cuda" else "cpu").manual_seed(int(rng.integers(2**62)))
    return rng, generator


def _run(model: DSKReG, optimiser: torch.optim.Optimizer, steps: SoftmaxSteps | BprSteps, epoch: int) -> Iterator[Tensor]:
    """The epoch's steps, one loss each."""
    for loss in steps.losses(model, epoch):
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        yield loss.detach()


def precision(device: torch.device, config: TrainConfig) -> torch.autocast:
    """bfloat16 for one forward pass on CUDA. Never around a step: autocast keeps the weights it cast until it ends."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda" and config.mixed_precision)


def _measure(model: DSKReG, dataset: Dataset, config: TrainConfig, epoch: int, loss: float, seconds: float) -> Epoch:
    began = time.perf_counter()
    ranking = evaluate(model_scorer(model), dataset, VALIDATION, config.validation_users)
    metrics = ranking.results() if len(ranking.counted) else {STOP_ON: math.nan, "recall@20": math.nan}
    return Epoch(epoch, loss, sampling_entropy(model), metrics[STOP_ON], metrics["recall@20"], seconds, time.perf_counter() - began)


@torch.no_grad()
def sampling_entropy(model: DSKReG) -> float:
    """Mean over titles with at least two candidates of H(softmax(s)) / log(candidates)."""
    logit = model.item_logits(torch.arange(len(model.item_embedding), device=model.item_embedding.device))
    count = torch.isfinite(logit).sum(1)
    logit, count = logit[count >= 2], count[count >= 2]
    if not len(count):
        return 0.0
    log_p = torch.log_softmax(logit, 1)
    return float((-(log_p.exp() * log_p.masked_fill(log_p == -torch.inf, 0)).sum(1) / count.log()).mean())
