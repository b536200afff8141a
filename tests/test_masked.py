"""Training on hidden titles: what a step hides, what it asks, and where its gradient goes."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse

from dskreg.config import Config
from dskreg.data.dataset import Dataset
from dskreg.errors import InputError
from dskreg.evaluation.cold import hidden
from dskreg.graph.candidates import CandidateGraph
from dskreg.model.evidence import SHARPNESS, EvidenceDSKReG, model_of
from dskreg.training.distributed import WHOLE, Part
from dskreg.training.masked import Hidden, HiddenItems, HiddenSoftmax
from tests.tiny_runs import CPU, same, settings, small, weights

KEPT = np.array([3, 10])
TRAINED = ("pair_relevance", "log_scale")


def likes_of(data: Dataset) -> np.ndarray:
    return data.folds.train.toarray() > 0


def model_for(data: Dataset, graph: CandidateGraph, config: Config) -> EvidenceDSKReG:
    """Random weights, in float64."""
    torch.manual_seed(0)
    model = model_of(config.model, graph, len(data.user_ids)).double()
    assert isinstance(model, EvidenceDSKReG)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.5)
        model.likes.copy_(torch.from_numpy(likes_of(data).sum(0)))
        model.history_weight.uniform_(0.5, 2)
        model.prior.uniform_(-1, 1)
    return model


def first_step(data: Dataset, graph: CandidateGraph, config: Config, part: Part = WHOLE) -> Hidden:
    step = next(HiddenItems(data.folds.train, KEPT, config, CPU, part).epoch(1, graph.shape[1]))
    return replace(step, noise=step.noise.double(), liked=step.liked.double())


def histories(step: Hidden) -> list[list[int]]:
    """The likes that are shown, by user."""
    return [part.tolist() for part in step.history.split(step.length.tolist())]


@pytest.mark.parametrize("share", [0.1, 0.3, 0.9])
def test_an_epoch_hides_every_title_once_but_those_of_validation(share: float) -> None:
    data, graph = small()
    likes = likes_of(data)
    config = settings("default", hide=share)
    config = replace(config, train=replace(config.train, batch=1000))
    steps = HiddenItems(data.folds.train, KEPT, config, CPU)
    orders = []
    for epoch in (1, 2):
        found = list(steps.epoch(epoch, graph.shape[1]))
        assert len(found) == len(steps) == min(max(1, round(1 / share)), 7)
        items = [i for step in found for i in step.items.tolist()]
        assert Counter(items) == Counter(set(range(16)) - set(KEPT.tolist()))
        orders.append(items)
        for step in found:
            gone, asked = step.items.numpy(), []
            for shown, liked in zip(histories(step), step.liked.bool().numpy(), strict=True):
                own = set(shown) | set(gone[liked].tolist())
                asked.append(next(u for u in range(24) if set(np.flatnonzero(likes[u])) == own))
                assert not set(shown) & set(gone.tolist()) and liked.any()
            assert step.noise.shape == (len(gone), graph.shape[1]) and step.share == 1.0
            # Everybody who likes a hidden title and another one: users alike stand for each other here
            others = np.setdiff1d(np.arange(16), gone)
            assert len(asked) == (likes[:, gone].any(1) & likes[:, others].any(1)).sum()
    assert orders[0] != orders[1]


def test_a_step_asks_no_more_users_than_a_batch_has() -> None:
    data, graph = small()
    step = first_step(data, graph, settings("default", hide=0.5))
    assert len(step.length) == 16 == settings("default").train.batch


def test_titles_of_few_likes_are_hidden_only_where_there_are_too_few_others() -> None:
    data, _ = small()
    likes = data.folds.train.toarray()
    likes[:, 8:] = 0
    likes[:4, 8:] = 1  # four likes each
    found = HiddenItems(sparse.csr_matrix(likes), KEPT, settings("default", hide=0.3), CPU)
    assert found.items.tolist() == [0, 1, 2, 4, 5, 6, 7]
    more = HiddenItems(sparse.csr_matrix(likes), KEPT, settings("default", hide=0.1), CPU)
    assert more.items.tolist() == sorted(set(range(16)) - set(KEPT.tolist()))


def test_where_nothing_can_be_hidden_there_is_a_message() -> None:
    data, _ = small()
    with pytest.raises(InputError, match="expected two liked titles and a user with two training likes"):
        HiddenItems(data.folds.train, np.arange(15), settings("default"), CPU)


def test_nobody_likes_what_is_hidden_and_it_is_restored_bit_for_bit() -> None:
    data, graph = small()
    model = model_for(data, graph, settings("default"))
    before, items = weights(model), torch.tensor([2, 5, 9])
    with hidden(model, items):
        assert not model.item_embedding[items].any() and not model.likes[items].any()
        logit, neighbour = model.item_logits(torch.arange(16)), model.neighbour
        gone = torch.isin(neighbour, items.to(neighbour.dtype))
        assert gone.any() and (logit[gone] == -torch.inf).all(), "they are nobody's neighbours"
        others = torch.isin(torch.arange(16), items, invert=True)
        assert torch.equal(model.item_embedding[others], before["item_embedding"][others])
    assert same(weights(model), before)
    with pytest.raises(ZeroDivisionError), hidden(model, items):
        raise ZeroDivisionError
    assert same(weights(model), before)


def test_the_loss_by_hand() -> None:
    """From the draw by hand: neighbours of the largest key, weighed by attention and the boost."""
    data, graph = small()
    config = settings("default", hide=0.3)
    model = model_for(data, graph, config)
    step = first_step(data, graph, config)
    loss = HiddenSoftmax(model)(step).item()
    p = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    gone, n = step.items.tolist(), p["likes"].copy()
    n[gone] = 0
    vectors = []
    for row, i in enumerate(gone):
        found = []
        for place in np.flatnonzero(graph.neighbour[i] >= 0).tolist():
            j, r = int(graph.neighbour[i, place]), int(graph.relation[i, place])
            f = np.array([*np.sqrt(graph.strengths[i, place]), math.log(1 + n[j]) / 5])
            if n[j]:
                v = p["pair_relevance"]
                a = v @ f + v[r] * f[r]
                found.append((8 * a + float(step.noise[row, place]), a, j))
        picked = sorted(found, reverse=True)[:3]
        total = sum(math.exp(a) for _, a, _ in picked)
        boost = p["evidence"][1] * p["evidence"][2]
        vectors.append(sum(boost * math.exp(a) / total * p["item_embedding"][j] for _, a, j in picked))
    expected = []
    for shown, liked in zip(histories(step), step.liked.numpy() > 0, strict=True):
        total = sum((p["history_weight"][h] * p["item_embedding"][h] for h in shown), p["prior"])
        user = total / len(shown) ** 0.5
        y = [math.exp(p["log_scale"][0]) * float(user @ v) for v in vectors]
        total = math.log(sum(math.exp(v) for v in y))
        expected.append(np.mean([total - v for v, mine in zip(y, liked, strict=True) if mine]))
    assert loss == pytest.approx(float(np.mean(expected)), rel=1e-6)


def test_the_gradient_is_the_one_of_finite_differences() -> None:
    """Of the relaxed form, whose loss is smooth, for everything that is trained; embeddings have none."""
    data, graph = small()
    config = settings("default", hide=0.3)
    config = replace(config, model=replace(config.model, relaxation="soft", temperature=1.0, picks=2))
    model = model_for(data, graph, config)
    step, objective = first_step(data, graph, config), HiddenSoftmax(model)
    objective(step).backward()
    assert model.item_embedding.grad is None
    rng = np.random.default_rng(0)
    for name in TRAINED:
        parameter = model.get_parameter(name)
        assert parameter.grad is not None
        direction = torch.from_numpy(rng.normal(size=tuple(parameter.shape)))
        values = []
        for by in (1e-5, -1e-5):
            with torch.no_grad():
                parameter += by * direction
                model.train()
            values.append(float(objective(step).detach()))
            with torch.no_grad():
                parameter -= by * direction
        slope = (values[0] - values[1]) / 2e-5
        expected = float((parameter.grad * direction).sum())
        assert abs(expected) > 1e-4 and slope == pytest.approx(expected, rel=1e-4, abs=1e-7), name


@pytest.mark.parametrize("size", [2, 3, 20])
def test_the_parts_of_a_step_make_up_the_step(size: int) -> None:
    """Several processes, one after the other: their losses and gradients add up to those of one; some may
    have no user.
    """
    data, graph = small()
    config = settings("default")
    model = model_for(data, graph, config)
    objective, found = HiddenSoftmax(model), []
    for part in (WHOLE, *(Part(rank, size) for rank in range(size))):
        loss = objective(first_step(data, graph, config, part))
        model.zero_grad()
        loss.backward()
        found.append((loss.item(), [model.get_parameter(name).grad.clone() for name in TRAINED]))
    (whole, gradient), *parts = found
    assert sum(loss for loss, _ in parts) == pytest.approx(whole, rel=1e-9)
    for n, expected in enumerate(gradient):
        assert torch.allclose(sum(part[n] for _, part in parts), expected, rtol=1e-7, atol=1e-12)


def test_training_samples_at_the_temperature_of_the_attention() -> None:
    """The noise of a step is Gumbel noise times SHARPNESS: its deviation is SHARPNESS pi / sqrt(6)."""
    data, _ = small()
    steps = HiddenItems(data.folds.train, KEPT, settings("default"), CPU)
    noise = torch.cat([step.noise.flatten() for epoch in range(20) for step in steps.epoch(epoch, 500)])
    assert noise.std().item() == pytest.approx(SHARPNESS * math.pi / 6**0.5, rel=0.05)
