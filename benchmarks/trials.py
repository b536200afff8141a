"""How a lever of benchmarks/levers.py is measured: trained on data from which some titles' likes are
withheld, asked of validation alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from dskreg.config import PRESETS, Config
from dskreg.data.dataset import OUTSIDE, TRAIN, VALIDATION, Dataset
from dskreg.data.interactions import evenly, train_matrix
from dskreg.evaluation.evaluate import evaluate
from dskreg.evaluation.metrics import hits, ndcg, top_items
from dskreg.evaluation.ranking import Scorer, model_scorer
from dskreg.graph import candidates as graph
from dskreg.model.dskreg import DSKReG
from dskreg.training import trainer
from dskreg.training.closed_form import Start

WITHHELD, ASKED = 0.2, 2000  # share of the items; users asked about them
Context = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Lever:
    """A changed configuration, a change of the code while it trains, or another way to score."""

    config: Config = PRESETS["default"]
    around: Context = nullcontext
    begins: bool = False  # chooses a closed form of its own
    scorer: Callable[[DSKReG], Scorer] = model_scorer


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

    def ndcg(self, scorer: Scorer) -> np.ndarray:
        """NDCG@20 `[P]` of the items among themselves, in no order of their own."""
        history = train_matrix(self.dataset, (TRAIN, OUTSIDE))
        people = np.flatnonzero(np.diff(self.likes.indptr) * np.diff(history.indptr))
        people = evenly(people, ASKED)
        found = []
        for who in np.array_split(people, 1 + len(people) // 128):
            ranked = top_items(scorer(who, history[who])[:, self.titles], None, 20)
            found.append(ndcg(hits(ranked, self.likes[who]), np.diff(self.likes[who].indptr), 20))
        return np.concatenate(found)


def tried(lever: Lever, withheld: Withheld, start: Start) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Figures of a training, and the NDCG@20 of every user: `all`, of validation likes, and `cold`, of the
    withheld titles.
    """
    began, config, dataset = time.perf_counter(), lever.config, withheld.dataset
    with lever.around():
        candidates = graph.build(dataset, config.graph, config.seed)
        found = trainer.train(dataset, candidates, config, start=None if lever.begins else start)
        scorer = lever.scorer(found.model.eval())
    asked = evaluate(scorer, dataset, VALIDATION, config.train.validation_users)
    people = {"all": np.asarray(asked.per_user["ndcg@20"]), "cold": withheld.ndcg(scorer)}
    figures = {name: float(values.mean()) for name, values in people.items()}
    seconds = round(time.perf_counter() - began, 1)
    return figures | {"epoch": found.best_epoch, "seconds": seconds}, people
