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

from benchmarks.changes import patched
from benchmarks.recommenders import Recommender, Settings, dskreg
from dskreg.config import PRESETS, Config
from dskreg.data.dataset import Dataset
from dskreg.evaluation.ranking import Scorer
from dskreg.graph.entities import choose_relations
from dskreg.model import dskreg as model
from dskreg.training import batches


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
    logit = model.DSKReG.logits_of

    def equal(
        self: model.DSKReG, neighbour: Tensor, relation: Tensor, gone: Tensor, *log_strength: Tensor
    ) -> Tensor:
        # a fixed order, title for item
        spread = torch.frac(
            torch.sin(neighbour.double() * 12.9898 + relation.double() * 78.233) * 43758.5453
        ).float()
        return (
            spread + 0 * logit(self, neighbour, relation, gone, *log_strength).nan_to_num(neginf=0)
        ).masked_fill(gone, -torch.inf)

    return patched(model.DSKReG, "logits_of", equal)


def wrong_sign() -> AbstractContextManager[None]:
    """The release's noise: log(-log U), which draws far too deterministically."""
    gumbel = batches.gumbel
    return patched(batches, "gumbel", lambda *arguments: -gumbel(*arguments))


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


def beginning(recommender: Recommender, change: Callable[[list[dict]], list[dict]]) -> Recommender:
    """The same from another mixture of kernels: `change` makes it from the default's."""
    choose = recommender.choose
    assert choose is not None
    return replace(
        recommender,
        choose=lambda dataset, settings: choose(
            dataset, {"start": settings["start"] | {"kernels": change(settings["start"]["kernels"])}}
        ),
    )


FASTER, HELD = "the sampler learns ten times faster", "no weight decay"


def chooses_like_default(name: str) -> bool:
    """Does only training feel this change, so that the variant would choose the default's start?"""
    return name.startswith("tau = ") or name in (
        "wrong sign of the noise",
        "soft in the place of straight-through",
        FASTER,
        HELD,
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
        "no graph at all": dskreg(setting(graph__without=",".join([*relations, "co-liked"]))),
        "no knowledge graph": dskreg(setting(graph__without=",".join(relations))),
        "no co-liked": dskreg(setting(graph__without="co-liked")),
        "no sampling, all M": dskreg(setting(model__picks=base.graph.candidates)),
        "uniform sampling": within(uniform, dskreg(base)),
        "wrong sign of the noise": within(wrong_sign, dskreg(base)),
        "soft in the place of straight-through": dskreg(setting(model__relaxation="soft")),
        FASTER: dskreg(setting(train__sampler_learning_rate="3e-3")),
        HELD: dskreg(setting(train__weight_decay="0")),
        "one kernel": beginning(dskreg(base), lambda kernels: [kernels[0] | {"share": 1.0}]),
        "kernels of the likes alone": beginning(
            dskreg(base), lambda kernels: [kernel | {"seen": False, "knowledge": False} for kernel in kernels]
        ),
        "no gates": dskreg(setting(model__gates="false")),
        "no prior": dskreg(setting(model__prior="false")),
        "start at random": dskreg(setting(train__start="random", train__learning_rate="1e-3")),
    }
    found["shuffled knowledge graph"] = shuffling(found["default"])
    found |= {f"K = {k}": dskreg(setting(model__picks=k)) for k in (2, 4, 16, 32)}
    found |= {f"tau = {tau}": dskreg(setting(model__temperature=tau)) for tau in (0.03, 0.3, 1.0)}
    if len(relations) > 1:
        found |= {f"without {name}": dskreg(setting(graph__without=name)) for name in relations}
    return found
