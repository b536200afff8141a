"""The model against the equations of docs/model.md written out as loops over one user and one item at a
time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from unittest.mock import patch

import numpy as np
import pytest
import torch
from torch import Tensor

from dskreg.config import PRESETS, ModelConfig
from dskreg.graph.candidates import CandidateGraph
from dskreg.model import scoring
from dskreg.model.dskreg import UNKNOWN_USER, DSKReG
from dskreg.model.evidence import EvidenceDSKReG
from dskreg.model.scoring import SPREAD, Catalogue, pair_scores
from tests.drawn_models import CATALOGUE, HISTORY, PADDED, USERS, crowded_graph, make, noises
from tests.worlds import A, C, D, E

VARIANTS = [
    pytest.param(
        replace(PRESETS[name].model, width=4, picks=k, user_picks=min(k, 2), relaxation="straight-through"),
        id=f"{name}-{k}",
    )
    for name, k in itertools.product(("default", "paper"), (1, 2, 8))
]


@dataclass
class Oracle:
    """One user and one title, in numbers and loops."""

    attention: list[float]
    picked: list[tuple[int, int]]  # (neighbour, relation), largest key first
    contribution: list[float]
    own: float
    bias: float
    score: float


def dot(x: np.ndarray, y: np.ndarray) -> float:
    return float(sum(a * b for a, b in zip(x.tolist(), y.tolist(), strict=True)))


def softmax(x: list[float]) -> list[float]:
    grown = [math.exp(v) for v in x]
    return [g / sum(grown) for g in grown]


def candidates(graph: CandidateGraph, title: int) -> list[tuple[int, int, int]]:
    """(place, neighbour, relation)"""
    rows = zip(graph.neighbour[title].tolist(), graph.relation[title].tolist(), strict=True)
    return [(place, j, r) for place, (j, r) in enumerate(rows) if j >= 0]


def numbers(model: DSKReG) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy() for name, value in model.state_dict().items()}


def oracle(
    model: DSKReG, graph: CandidateGraph, user: int, title: int, user_noise: Tensor, item_noise: Tensor
) -> Oracle:
    """Of either form."""
    return (of_evidence if isinstance(model, EvidenceDSKReG) else of_paper)(
        model, graph, user, title, user_noise, item_noise
    )


def of_evidence(
    model: DSKReG, graph: CandidateGraph, user: int, title: int, user_noise: Tensor, item_noise: Tensor
) -> Oracle:
    p, history = numbers(model), HISTORY[user]
    e, n, (kappa, scale, boost) = p["item_embedding"], p["likes"], p["evidence"].tolist()
    total = sum((p["history_weight"][h] * e[h] for h in history), p["prior"])
    viewer = total / max(len(history), 1) ** 0.5

    def features(place: int, j: int) -> np.ndarray:
        return np.array([*np.sqrt(graph.strengths[title, place]).tolist(), math.log(1 + n[j]) / 5])

    def relevance(place: int, j: int, r: int) -> float:
        v, f = p["pair_relevance"], features(place, j)
        return dot(v, f) + float(v[r] * f[r])

    found = [
        (8 * relevance(place, j, r) + float(item_noise[title, place]), j, r, place)
        for place, j, r in candidates(graph, title)
        if n[j]
    ]
    picked = sorted(found, reverse=True)[: model.config.picks]
    alpha = softmax([relevance(place, j, r) for _, j, r, place in picked])
    k = scale * (kappa / (n[title] + kappa) if n[title] else boost)
    contribution = [k * a * dot(viewer, e[j]) for a, (_, j, _, _) in zip(alpha, picked, strict=True)]
    own = dot(viewer, e[title])
    return Oracle(alpha, [(j, r) for _, j, r, _ in picked], contribution, own, 0.0, own + sum(contribution))


def of_paper(
    model: DSKReG, graph: CandidateGraph, user: int, title: int, user_noise: Tensor, item_noise: Tensor
) -> Oracle:
    config, p = model.config, numbers(model)
    e, e_r = p["item_embedding"], p["relation_embedding"]

    def tower(name: str, x: np.ndarray) -> np.ndarray:
        rows = zip(p[f"{name}.weight"], p[f"{name}.bias"].tolist(), strict=True)
        return np.array([math.tanh(dot(row, x) + b) for row, b in rows])

    # The user
    keys = [
        (dot(p["relevance_item"], e[j]) + float(user_noise[user, place]), j)
        for place, j in enumerate(HISTORY[user])
    ]
    picks = [j for _, j in sorted(keys, reverse=True)[: config.user_picks]]
    free = p["user_embedding"]
    base = free.mean(0) if USERS[user] == UNKNOWN_USER else free[user]
    beta = softmax([dot(base, e[j]) for j in picks])
    viewer = tower("user_tower", base + sum((b * e[j] for b, j in zip(beta, picks, strict=True)), 0 * base))

    # The title, as this user sees it
    found = [
        (
            dot(p["relevance_item"], e[j])
            + dot(p["relevance_relation"], e_r[r])
            + float(item_noise[title, place]),
            j,
            r,
        )
        for place, j, r in candidates(graph, title)
    ]
    picked = [(j, r) for _, j, r in sorted(found, reverse=True)[: config.picks]]
    alpha = softmax([dot(viewer, e_r[r]) for _, r in picked])
    around = sum((a * e[j] for a, (j, _) in zip(alpha, picked, strict=True)), e[title])
    turned = [np.array([dot(row, x) for row in p["item_tower.weight"]]) for x in e]
    contribution = [a * dot(viewer, turned[j]) for a, (j, _) in zip(alpha, picked, strict=True)]
    own, bias = dot(viewer, turned[title]), dot(viewer, p["item_tower.bias"])
    return Oracle(alpha, picked, contribution, own, bias, dot(viewer, tower("item_tower", around)))


@pytest.fixture(params=[False, True], ids=["serving", "training"])
def gradient(request: pytest.FixtureRequest) -> Iterator[None]:
    """Both ways through the sampler: the hard draw, and the straight-through one, whose numbers must be the
    same.
    """
    with torch.set_grad_enabled(request.param):
        yield


@pytest.mark.usefixtures("gradient")
@pytest.mark.parametrize("config", VARIANTS)
@pytest.mark.parametrize("noisy", [False, True], ids=["no noise", "noise"])
def test_the_fast_path_is_the_double_loop(config: ModelConfig, noisy: bool) -> None:
    graph = crowded_graph()
    model = make(config, graph)
    user_noise, item_noise = noises(model) if noisy else (torch.zeros(4, 3), torch.zeros(5, graph.shape[1]))
    trace = model(USERS, PADDED, CATALOGUE, user_noise, item_noise)
    # What trains and ranks: no slots
    with patch.object(scoring, "BLOCK", 1):  # an item at a time
        catalogue = Catalogue.of(model, CATALOGUE, trace.item.draw)
    alone, some = catalogue.scores(trace.user.output), torch.tensor([3, 1])
    part = catalogue.part(some)
    assert torch.allclose(part.scores(trace.user.output), alone[some], atol=1e-6)
    assert torch.equal(catalogue.with_part(some, part).scores(trace.user.output), alone)
    pairs = pair_scores(
        model, trace.user.output.repeat_interleave(5, 0), CATALOGUE, trace.item.draw, CATALOGUE.repeat(4)
    ).view(4, 5)
    assert trace.score.shape == (4, 5)
    for user, title in itertools.product(range(4), range(5)):
        expected = oracle(model, graph, user, title, user_noise, item_noise)
        count, hop = len(expected.picked), trace.item
        slots = list(zip(hop.neighbour[title].tolist(), hop.relation[title].tolist(), strict=True))
        assert hop.draw.picked[title].sum() == count and slots[:count] == expected.picked
        # Without preference for relations, the attention is every user's
        of_user = hop.attention.expand(-1, -1, 4)[title, :count, user]
        assert of_user.tolist() == pytest.approx(expected.attention, abs=1e-6)
        assert hop.contribution[title, :count, user].tolist() == pytest.approx(
            expected.contribution, abs=1e-6
        )
        assert not hop.contribution[title, count:, user].any()
        assert hop.self_contribution[title, user].tolist() == pytest.approx(expected.own, abs=1e-6)
        assert hop.bias[user].tolist() == pytest.approx(expected.bias, abs=1e-6)
        for score in (trace.score, alone.T, pairs):
            assert score[user, title].tolist() == pytest.approx(expected.score, abs=1e-6)


@pytest.mark.usefixtures("gradient")
@pytest.mark.parametrize("config", VARIANTS)
def test_a_pair_alone_is_its_place_in_all_pairs(config: ModelConfig) -> None:
    model = make(config)
    user_noise, item_noise = noises(model)
    whole = model(USERS, PADDED, CATALOGUE, user_noise, item_noise).score
    titles = torch.tensor([E, C, A, D])
    pairs = model(USERS, PADDED, titles, user_noise, item_noise[titles], paired=True)
    assert pairs.score.shape == (4,)
    assert torch.allclose(pairs.score, whole[torch.arange(4), titles])
    assert torch.allclose(
        pairs.item.self_contribution + pairs.item.contribution.sum(1) + pairs.item.bias,
        pairs.item.pre_activation,
    )
    one = model(USERS[1:2], PADDED[1:2], titles[1:2], user_noise[1:2], item_noise[titles[1:2]])
    assert torch.allclose(one.score[0, 0], whole[1, titles[1]])


@pytest.mark.parametrize("relaxation", ["straight-through", "soft"])
@pytest.mark.parametrize("config", VARIANTS)
def test_contributions_add_up(config: ModelConfig, relaxation: str) -> None:
    model = make(replace(config, relaxation=relaxation))  # type: ignore[arg-type]
    hop = model(USERS, PADDED, CATALOGUE, *noises(model)).item
    assert torch.allclose(hop.self_contribution + hop.contribution.sum(1) + hop.bias, hop.pre_activation)
    assert torch.equal(hop.score, hop.pre_activation) == (config.form == "evidence")
    # Every title has a candidate here
    assert torch.allclose(hop.attention.sum(1), torch.ones_like(hop.attention.sum(1)))


@pytest.mark.parametrize("config", VARIANTS)
def test_the_attention_over_the_history_sums_to_one_over_the_picks(config: ModelConfig) -> None:
    model = make(config)
    hop = model.user_hop(USERS, PADDED, noises(model)[0])
    assert torch.allclose(hop.attention.sum(1), torch.tensor([1.0, 1.0, 1.0, 0.0], dtype=torch.float64))
    most = config.user_picks if config.form == "paper" else 8
    assert hop.draw.picked.sum(1).tolist() == [min(len(h), most) for h in HISTORY]


@pytest.mark.parametrize("factor", [1.0, 1e4])
def test_scores_alone_hold_however_far_preferences_are_apart(factor: float) -> None:
    """Where float32 could no longer tell the summed relations apart, serving goes slot by slot."""
    model = make(replace(PRESETS["paper"].model, width=4, picks=2, user_picks=2))
    with torch.no_grad():
        model.relation_embedding.mul_(factor)
        trace = model(USERS, PADDED, CATALOGUE)
        preference = model.relation_embedding @ trace.user.output.T
        assert ((preference.amax(0) - preference.amin(0)).max() > SPREAD) == (factor > 1)
        assert torch.allclose(
            Catalogue.of(model, CATALOGUE, trace.item.draw).scores(trace.user.output),
            trace.item.score,
            rtol=1e-4,
            atol=1e-5,
        )
