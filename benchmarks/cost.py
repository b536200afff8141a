"""What training to a given validation NDCG@20 costs elsewhere: `python benchmarks/cost.py DATA --target .2`
(packages of requirements-bench.txt).

    LightGCN   e = mean_l (D^-1/2 A D^-1/2)^l e_0 over the whole graph in every step, BPR on batches of
               (user, liked, never seen)                                              (He et al., 2020)
    iALS       sum_ui c_ui (x_ui - p_u . q_i)^2 + lambda (|p|^2 + |q|^2), the sides in turn, by `implicit`
               (Hu, Koren, Volinsky, 2008)

Both train on the training fold alone. A method is an iterator: what it does until it yields its scorer is
training and is timed, asking the scorer is evaluation and is not. Curves of DSKReG come from the history of a
training run (`of_epochs`).
"""

from __future__ import annotations

import argparse
import math
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from dskreg.config import PRESETS
from dskreg.data.dataset import VALIDATION, Dataset
from dskreg.data.interactions import train_matrix
from dskreg.data.readers.load import load
from dskreg.errors import InputError
from dskreg.evaluation.evaluate import evaluate
from dskreg.evaluation.ranking import Scorer
from dskreg.pipeline import split
from dskreg.training.batches import TripleBatches
from dskreg.training.measure import STOP_ON
from dskreg.training.trainer import Epoch

if TYPE_CHECKING:
    from torch_geometric.nn.models import LightGCN


@dataclass(frozen=True)
class Point:
    """How good a model is after so much training."""

    seconds: float  # of training, evaluation left out
    ndcg: float  # validation, @20


@dataclass(frozen=True)
class Reached:
    """When a curve came to a target."""

    seconds: float | None  # None: never
    best: float  # the curve's highest NDCG; NaN of an empty one


@dataclass(frozen=True)
class LightGCNSettings:
    """As published, but for the learning rate: at 1e-3 dskreg-lastfm has .139 after 15 s, and at this one
    .176.
    """

    width: int = 64
    layers: int = 3
    batch: int = 2048  # pairs; every batch propagates over the whole graph
    learning_rate: float = 5e-3
    l2: float = 1e-4  # times the squared norm of the embeddings of a batch, per pair


@dataclass(frozen=True)
class IALSSettings:
    """Of a few tried on dskreg-lastfm, the best by validation."""

    factors: int = 128
    regularization: float = 100.0
    alpha: float = 40.0  # c_ui of a like


def reached(curve: Iterable[Point], target: float) -> Reached:
    """The first point at `target` or above. A NaN reaches nothing."""
    points = [point for point in curve if not math.isnan(point.ndcg)]
    return Reached(
        next((p.seconds for p in points if p.ndcg >= target), None),
        max((p.ndcg for p in points), default=math.nan),
    )


def of_epochs(history: Iterable[Epoch], start: float = 0.0) -> list[Point]:
    """The curve of a DSKReG training run; `start`: seconds before its first step, such as those of the
    SVD.
    """
    points, seconds = [], start
    for epoch in history:
        seconds += epoch.seconds
        points.append(Point(seconds, epoch.ndcg))
    return points


def curve(
    method: Iterator[Scorer],
    dataset: Dataset,
    limit: float,
    most: int | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[Point]:
    """A point for everything that `method` yields, until it has trained `limit` seconds or ends; validation
    of `most` users at most.
    """
    spent = 0.0
    while spent < limit:
        began = clock()
        scorer = next(method, None)
        spent += clock() - began
        if scorer is None:
            return
        yield Point(spent, evaluate(scorer, dataset, VALIDATION, most).results()[STOP_ON])


def adjacency(likes: sparse.csr_matrix) -> Tensor:
    """D^-1/2 A D^-1/2 `[U + I, U + I]` of the likes `[U, I]` in both directions, users first; sparse.

    Nothing at who or what has no like.
    """
    both = sparse.csr_array(sparse.block_array([[None, likes], [likes.T, None]]), dtype=np.float32)
    root = sparse.diags_array(1 / np.sqrt(np.maximum(both.sum(1), 1)))
    normal = sparse.csr_array(root @ both @ root)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
        rows, columns, value = (
            torch.from_numpy(part) for part in (normal.indptr, normal.indices, normal.data.astype(np.float32))
        )
        return torch.sparse_csr_tensor(rows, columns, value, size=normal.shape, check_invariants=True)


def lightgcn(
    dataset: Dataset, settings: LightGCNSettings = LightGCNSettings(), seed: int = 0, epochs: int = 1
) -> Iterator[Scorer]:
    """LightGCN of torch_geometric with Adam on the CPU; yields after every so many `epochs` over the training
    likes, without end.
    """
    from torch_geometric.nn.models import LightGCN

    def training() -> Iterator[Scorer]:
        triples = TripleBatches(dataset, PRESETS["paper"], torch.device("cpu"))
        users, count = triples.likes.shape[0], sum(triples.likes.shape)
        # The normalised graph as one sparse matrix, made once: message passing over an edge list takes twice
        # as long.
        graph, rng = adjacency(triples.likes), np.random.default_rng(seed)
        with torch.random.fork_rng(devices=[]):  # the constructor draws from torch's global generator
            torch.manual_seed(seed)
            model = LightGCN(count, settings.width, settings.layers, normalize=False)
        optimiser = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
        while True:
            for _ in range(epochs):
                for chosen in np.array_split(
                    rng.permutation(len(triples.users)), -(-len(triples.users) // settings.batch)
                ):
                    who = triples.users[chosen].astype(np.int64)
                    user, liked, other = torch.from_numpy(
                        np.stack([who, users + triples.liked[chosen], users + triples.negatives(who, rng)])
                    )
                    optimiser.zero_grad()
                    score = model(graph, torch.stack([user.repeat(2), torch.cat([liked, other])]))
                    model.recommendation_loss(
                        *score.chunk(2), node_id=torch.cat([user, liked, other]), lambda_reg=settings.l2
                    ).backward()
                    optimiser.step()
            yield _propagated(model, graph, users)

    return training()  # what was imported is no training


def _propagated(model: LightGCN, graph: Tensor, users: int) -> Scorer:
    """Dot products of the embeddings after the layers, which are propagated at the first question: that is
    evaluation.
    """
    found: list[Tensor] = []

    @torch.no_grad()
    def scores(who: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
        if not found:
            found.append(model.get_embedding(graph))
        return (found[0][:users][torch.from_numpy(who.astype(np.int64))] @ found[0][users:].T).numpy()

    return scores


def ials(
    dataset: Dataset, settings: IALSSettings = IALSSettings(), seed: int = 0, sweeps: int = 1
) -> Iterator[Scorer]:
    """`implicit`'s iALS; yields after every so many `sweeps` over both sides, without end.

    Raises InputError where the package is missing.
    """
    try:
        from implicit.als import AlternatingLeastSquares
    except ImportError:
        raise InputError(
            "iALS needs the package implicit, which is not installed here; try pip install -r "
            "requirements-bench.txt"
        ) from None
    from threadpoolctl import threadpool_limits

    def training() -> Iterator[Scorer]:
        likes = train_matrix(dataset)
        with threadpool_limits(1, "blas"):  # it runs threads of its own, and warns of BLAS' beside them
            model = AlternatingLeastSquares(
                factors=settings.factors,
                regularization=settings.regularization,
                alpha=settings.alpha,
                iterations=sweeps,
                num_threads=torch.get_num_threads(),
                random_state=seed,
            )
        while True:
            with threadpool_limits(1, "blas"):
                model.fit(likes, show_progress=False)  # goes on from its factors
            yield lambda who, history: model.user_factors[who] @ model.item_factors.T

    return training()


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="what `dskreg train` takes")
    parser.add_argument(
        "--method",
        choices=("LightGCN", "iALS"),
        action="append",
        help="may be given several times; all of them if left out",
    )
    parser.add_argument(
        "--target",
        type=float,
        action="append",
        default=[],
        help="a validation NDCG@20; may be given several times",
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="of training, per method")
    parser.add_argument(
        "--every", type=int, default=1, help="epochs or sweeps from one evaluation to the next"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    config = PRESETS["default"]
    try:
        dataset = split(load(arguments.data, config.data), config.data)
        for name in arguments.method or ("LightGCN", "iALS"):
            seed, every = arguments.seed, arguments.every
            method = (
                lightgcn(dataset, seed=seed, epochs=every)
                if name == "LightGCN"
                else ials(dataset, seed=seed, sweeps=every)
            )
            points = list(curve(method, dataset, arguments.seconds, config.train.validation_users))
            top = max(points, key=lambda point: point.ndcg)
            print(
                f"{name:<10} best {STOP_ON} {top.ndcg:.4f} after {top.seconds:.1f} s of "
                f"{points[-1].seconds:.1f} s, {len(points)} evaluations"
            )
            for target in arguments.target:
                seconds = reached(points, target).seconds
                print(f"{'':<10} {target:.4f} {'never' if seconds is None else f'after {seconds:.2f} s'}")
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
