"""DSKReG with one part taken away or changed, for benchmarks/accuracy.py --part share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.changes import patched, wrong_sign
from benchmarks.recommenders import Recommender, Settings, dskreg
from dskreg.config import PRESETS, Config
from dskreg.data.dataset import Dataset
from dskreg.evaluation.ranking import Scorer
from dskreg.graph.entities import choose_relations
from dskreg.model.evidence import EvidenceDSKReG


def shuffled(dataset: Dataset, seed: int = 0) -> Dataset:
    """The same triples with the tails of each relation dealt out anew: every item and every entity keeps its
    degree, and nothing means anything.
    """
    rng, tail = np.random.default_rng(seed), dataset.tail.copy()
    for relation in range(len(dataset.relations)):
        chosen = np.flatnonzero(dataset.relation == relation)
        tail[chosen] = rng.permutation(tail[chosen])
    return replace(dataset, tail=tail)


def uniform() -> AbstractContextManager[None]:
    """Draws take no notice of what was learnt: every candidate is as likely as any other, also at the test,
    where the draw is of a fixed seed.
    """
    relevance = EvidenceDSKReG.relevance

    def equal(
        self: EvidenceDSKReG, items: Tensor, neighbour: Tensor, relation: Tensor, slot: Tensor | None
    ) -> Tensor:
        # a fixed order, title for title
        turned = items[:, None] * 4.1414 + neighbour.double() * 12.9898 + relation.double() * 78.233
        spread = torch.frac(torch.sin(turned) * 43758.5453).float()
        return spread + 0 * relevance(self, items, neighbour, relation, slot)

    return patched(EvidenceDSKReG, "relevance", equal)


def within(around: Callable, recommender: Recommender) -> Recommender:
    """The same, chosen, trained and scored inside the context."""
    real = recommender.choose
    assert real is not None

    def choose(dataset: Dataset, settings: Settings) -> Settings:
        with around():
            return real(dataset, settings)

    def fit(dataset: Dataset, settings: Settings, seed: int) -> Scorer:
        with around():
            scorer = recommender.fit(dataset, settings, seed)

        def scores(who: np.ndarray, history: object) -> np.ndarray:
            with around():
                return scorer(who, history)  # type: ignore[arg-type]

        return scores

    return replace(recommender, fit=fit, choose=choose)


def shuffling(recommender: Recommender) -> Recommender:
    """The same on a shuffled graph."""
    fit, choose = recommender.fit, recommender.choose
    assert choose is not None
    return replace(
        recommender,
        fit=lambda dataset, settings, seed: fit(shuffled(dataset), settings, seed),
        choose=lambda dataset, settings: choose(shuffled(dataset), settings),
    )


def setting(**changes: object) -> Config:
    """The default preset with some settings changed, such as `train__epochs=0`."""
    config = PRESETS["default"]
    for name, value in changes.items():
        config = config.override(name.replace("__", "."), str(value))
    return config


def variants(dataset: Dataset) -> dict[str, Recommender]:
    """By name; `default` first."""
    base = PRESETS["default"]
    relations = [dataset.relations[r] for r in choose_relations(dataset, base.graph)]

    found = {
        "default": dskreg(base),
        "no knowledge graph": dskreg(setting(graph__without=",".join(relations))),
        "not trained": dskreg(setting(train__epochs=0)),
        "no sampling, all M": dskreg(setting(model__picks=base.graph.candidates)),
        "uniform sampling": within(uniform, dskreg(base)),
        "wrong sign of the noise": within(wrong_sign, dskreg(base)),
        "soft in the place of straight-through": dskreg(setting(model__relaxation="soft")),
    }
    found["shuffled knowledge graph"] = shuffling(found["default"])
    found |= {f"K = {k}": dskreg(setting(model__picks=k)) for k in (2, 4, 16, 32)}
    found |= {f"tau = {tau}": dskreg(setting(model__temperature=tau)) for tau in (0.03, 0.3, 1.0)}
    if len(relations) > 1:
        found |= {f"without {name}": dskreg(setting(graph__without=name)) for name in relations}
    return found
