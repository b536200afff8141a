"""The `paper` preset learns tastes, not popularity alone: what kept it at popularity's level stays mended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from dskreg.config import PRESETS, TrainConfig
from dskreg.data.dataset import TRAIN, VALIDATION, Dataset
from dskreg.data.interactions import train_matrix
from dskreg.evaluation.evaluate import evaluate
from dskreg.graph.candidates import build
from dskreg.model.dskreg import DSKReG
from dskreg.training.trainer import parameter_groups, train
from tests.worlds import EVERYTHING, hand_drawn_graph, world

PAPER = PRESETS["paper"]
TOWERS = ("user_tower", "item_tower")


def tastes(users: int = 300, group: int = 15, groups: int = 20) -> Dataset:
    """Each user likes six items that everybody likes and six of an own group, two of them held out; the
    graph, shelves across the groups, says nothing.
    """
    rng = np.random.default_rng(0)
    pairs, famous, shelves = [], 18, 12

    def chosen(count: int) -> list[int]:
        weight = 1.0 / (1 + np.arange(count))
        return rng.choice(count, 6, replace=False, p=weight / weight.sum()).tolist()

    for user in range(users):
        pairs += [(user, item, TRAIN) for item in chosen(famous)]
        first = famous + user % groups * group
        own = rng.permutation(chosen(group)).tolist()
        pairs += [(user, first + n, VALIDATION if rank < 2 else TRAIN) for rank, n in enumerate(own)]
    items = famous + groups * group
    triples = [(item, 0, int(rng.integers(shelves))) for item in range(items)]
    names = [f"shelf {n}" for n in range(shelves)]
    return world(pairs, items, users, triples, ("shelf",), names, [-1] * shelves)


def learnt(dataset: Dataset, **changes: float) -> tuple[float, float]:
    """(the best validation NDCG@20, how far the item tower is from its start: the largest singular value of
    the change), of the preset in ten epochs of small batches at a learning rate of 0.01.
    """
    fixed = {"epochs": 10, "patience": 10, "batch": 128, "learning_rate": 1e-2, "device": "cpu"}
    changed: Any = fixed | changes
    config = replace(PAPER, train=replace(PAPER.train, **changed))
    found = train(dataset, build(dataset, EVERYTHING), config)
    moved = found.model.item_tower.weight.detach() - torch.eye(config.model.width)
    return max(epoch.ndcg or 0.0 for epoch in found.history), float(torch.linalg.matrix_norm(moved, 2))


def test_it_learns_tastes_and_its_towers_do_not_run_ahead_of_the_embeddings() -> None:
    """Towers at the embeddings' rate leave them behind: one direction, popularity, for everybody."""
    data = tastes()
    fame = np.asarray(train_matrix(data).sum(0)).ravel()
    famous = evaluate(lambda who, history: np.tile(fame, (len(who), 1)), data, VALIDATION).results()
    (quality, moved), (hasty, ran) = learnt(data), learnt(data, tower_rate=1.0)
    assert quality > 10 * (famous["ndcg@20"] or 0.0) > 0
    assert quality > 1.2 * hasty
    assert moved < 0.1 and ran > 10 * moved


def test_both_towers_start_as_the_identity() -> None:
    model = DSKReG(replace(PAPER.model, width=6), hand_drawn_graph(), 3)
    for tower in (model.user_tower, model.item_tower):
        assert torch.equal(tower.weight, torch.eye(6)) and torch.equal(tower.bias, torch.zeros(6))


def test_towers_and_the_sampler_move_at_rates_of_their_own() -> None:
    config = TrainConfig(learning_rate=0.1, sampler_learning_rate=0.2, tower_rate=0.05)
    model = DSKReG(replace(PAPER.model, width=4), hand_drawn_graph(), 3)
    name_of = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = parameter_groups(model, config)
    rates = {name_of[id(p)]: group["lr"] for group in groups for p in group["params"]}
    assert set(rates) == set(name_of.values())
    for name, rate in rates.items():
        sampled = name.startswith(("relation", "relevance"))
        assert rate == pytest.approx(0.005 if name.startswith(TOWERS) else 0.2 if sampled else 0.1), name
