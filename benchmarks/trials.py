"""How a lever of benchmarks/levers.py is measured: trained on data from which some titles' likes are
withheld, asked of validation alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.changes import patched
from benchmarks.variants import setting
from dskreg.config import Config
from dskreg.data.dataset import OUTSIDE, TRAIN, VALIDATION, Dataset
from dskreg.data.interactions import train_matrix
from dskreg.evaluation.evaluate import evaluate
from dskreg.evaluation.metrics import Ranking, hits, ndcg, top_items
from dskreg.evaluation.ranking import Scorer, model_scorer
from dskreg.graph import candidates as graph
from dskreg.model.dskreg import DSKReG
from dskreg.training import trainer
from dskreg.training.start import Start

WITHHELD, ASKED = 0.2, 2000  # share of the items; users asked about them
SPLITS = 20  # halvings of the users who are asked
Context = Callable[[], AbstractContextManager[None]]


def before(**changes: object) -> Config:
    """The default preset without weight decay, some settings changed."""
    return setting(train__weight_decay=0.0, **changes)


PLAIN = before()


@dataclass(frozen=True)
class Lever:
    """A changed configuration, a change of the code while it trains, another start or another way to
    score.
    """

    config: Config = PLAIN
    around: Context = nullcontext
    start: Callable[[Start], Start | None] = lambda start: start
    scorer: Callable[[DSKReG], Scorer] | None = None


@dataclass(frozen=True)
class Withheld:
    """The data without the likes of some items; `likes` `[U, n]` of these items `[n]`, train and
    validation, test never.
    """

    dataset: Dataset
    titles: np.ndarray
    likes: sparse.csr_matrix

    @classmethod
    def of(cls, dataset: Dataset, seed: int = 0) -> Withheld:
        """A seeded WITHHELD of the items that a user likes; who else saw them is not known either."""
        likes = train_matrix(dataset, (TRAIN, VALIDATION))
        liked = np.random.default_rng([seed, 3]).permutation(np.flatnonzero(np.asarray(likes.sum(0)).ravel()))
        titles = liked[: round(WITHHELD * len(liked))]
        kept = ~np.isin(dataset.item, titles)
        columns = {name: getattr(dataset, name)[kept] for name in ("user", "item", "liked", "fold")}
        return cls(replace(dataset, **columns), titles, likes[:, titles])

    def ndcg(self, scorer: Scorer) -> float:
        """NDCG@20 of the items among themselves, in no order of their own."""
        history = train_matrix(self.dataset, (TRAIN, OUTSIDE))
        people = np.flatnonzero(np.diff(self.likes.indptr) * np.diff(history.indptr))
        people = people[np.linspace(0, len(people) - 1, min(len(people), ASKED)).astype(int)]
        found = []
        for who in np.array_split(people, 1 + len(people) // 128):
            ranked = top_items(scorer(who, history[who])[:, self.titles], None, 20)
            found.append(ndcg(hits(ranked, self.likes[who]), np.diff(self.likes[who].indptr), 20))
        return float(np.concatenate(found).mean())


@contextmanager
def watched(rows: list[np.ndarray]) -> Iterator[None]:
    """`rows` gets all users' validation NDCG@20 `[P]`, epoch by epoch."""
    real = trainer.evaluate

    def evaluate(*arguments: Any) -> Ranking:
        ranking = real(*arguments)
        rows.append(np.asarray(ranking.per_user["ndcg@20"]))
        return ranking

    with patched(trainer, "evaluate", evaluate):
        yield


def carried(epochs: np.ndarray) -> np.ndarray:
    """NDCG `[P]` of all users at the epoch that was best for others. `epochs` `[E, P]`.

    The best of many epochs is good by luck too, and the more so the farther a lever makes the model wander.
    So one half of the users chooses the epoch and the other half is asked, and the other way round; the mean
    over SPLITS seeded halvings.
    """
    found, rng = np.zeros(epochs.shape[1]), np.random.default_rng(0)
    for _ in range(SPLITS):
        half = rng.permutation(len(found)) < len(found) // 2
        for asked in (half, ~half):
            found[asked] += epochs[epochs[:, ~asked].mean(1).argmax(), asked]
    return found / SPLITS


def tried(lever: Lever, withheld: Withheld, start: Start) -> tuple[dict[str, Any], np.ndarray]:
    """Validation NDCG@20 `before` the first step, at the `best` epoch and `carried`; the withheld titles' at
    the best epoch is `cold`. And `carried`.
    """
    began, config, dataset, rows = time.perf_counter(), lever.config, withheld.dataset, list[np.ndarray]()
    with lever.around(), watched(rows):
        candidates = graph.build(dataset, config.graph, config.seed)
        found = trainer.train(dataset, candidates, config, start=lever.start(start))
    scorer, people = (lever.scorer or model_scorer)(found.model.eval()), carried(np.array(rows))
    if lever.scorer is not None:  # of another way to score counts what it adds at the same epoch
        people += (
            evaluate(scorer, dataset, VALIDATION, config.train.validation_users).per_user["ndcg@20"]
            - rows[found.best_epoch]
        )
    of_epochs = {
        "before": found.history[0].ndcg,
        "best": max(epoch.ndcg for epoch in found.history),
        "epoch": found.best_epoch,
    }
    return of_epochs | {
        "carried": float(people.mean()),
        "cold": withheld.ndcg(scorer),
        "seconds": round(time.perf_counter() - began, 1),
    }, people
