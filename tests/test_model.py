"""The model against the equations of docs/model.md written out as loops over one user and one item at a
time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from dskreg.config import PRESETS, ModelConfig
from dskreg.graph.candidates import CandidateGraph
from dskreg.model.dskreg import UNKNOWN_USER, DSKReG
from dskreg.model.scoring import SPREAD, Catalogue, pair_scores
from tests.drawn_models import CATALOGUE, HISTORY, PADDED, USERS, make, noises
from tests.worlds import A, C, D, E, hand_drawn_graph

VARIANTS = [
    pytest.param(
        replace(PRESETS[name].model, width=4, picks=k, user_picks=min(k, 2), gates=gates),
        id=f"{name}-{k}-{'gates' if gates else 'no gates'}",
    )
    for name, gates, k in itertools.product(PRESETS, (False, True), (1, 2, 8))
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


def oracle(
    model: DSKReG, graph: CandidateGraph, user: int, title: int, user_noise: Tensor, item_noise: Tensor
) -> Oracle:
    config, p = model.config, {name: value.detach().numpy() for name, value in model.named_parameters()}
    e, e_r = p["item_embedding"], p["relation_embedding"]

    def dot(x: np.ndarray, y: np.ndarray) -> float:
        return float(sum(x[d] * y[d] for d in range(config.width)))

    def tower(name: str, x: list[float]) -> list[float]:
        y = [
            dot(p[f"{name}.weight"][row], np.array(x)) + float(p[f"{name}.bias"][row])
            for row in range(config.width)
        ]
        return y if config.activation == "linear" else [math.tanh(v) for v in y]

    def softmax(x: list[float]) -> list[float]:
        grown = [math.exp(v) for v in x]
        return [g / sum(grown) for g in grown]

    # The user.
    history = HISTORY[user]
    keys = [
        (dot(p["relevance_item"], e[j]) + float(user_noise[user, place]), j)
        for place, j in enumerate(history)
    ]
    picks = [j for _, j in sorted(keys, reverse=True)[: config.user_picks]]
    if config.user == "free":
        stranger = np.mean(p["user_embedding"], axis=0)
        base = stranger if USERS[user] == UNKNOWN_USER else p["user_embedding"][user]
    else:
        weight = model.history_weight
        assert weight is not None
        base = np.array(
            [
                sum(float(weight[j]) * float(e[j][d]) for j in history) / math.sqrt(max(len(history), 1))
                for d in range(config.width)
            ]
        )
    beta = softmax([dot(base, e[j]) for j in picks])
    gate = math.exp(p["log_user_gate"][0]) if config.gates else 1.0
    around = [sum(b * float(e[j][d]) for b, j in zip(beta, picks, strict=True)) for d in range(config.width)]
    viewer = np.array(tower("user_tower", [float(base[d]) + gate * around[d] for d in range(config.width)]))

    # The title, as this user sees it.
    found = []
    for place in range(graph.shape[1]):
        j, r, strength = (
            int(graph.neighbour[title, place]),
            int(graph.relation[title, place]),
            float(graph.strength[title, place]),
        )
        if j >= 0:
            logit = dot(p["relevance_item"], e[j]) + dot(p["relevance_relation"], e_r[r])
            logit += float(p["log_gate"][r]) if config.gates else 0.0
            logit += float(p["prior"][r]) * math.log(strength) if config.prior else 0.0
            found.append((logit + float(item_noise[title, place]), j, r))
    picked = [(j, r) for _, j, r in sorted(found, reverse=True)[: config.picks]]
    alpha = softmax([dot(viewer, e_r[r]) for _, r in picked])
    gates = [math.exp(p["log_gate"][r]) if config.gates else 1.0 for _, r in picked]
    around = [
        float(e[title][d])
        + sum(a * g * float(e[j][d]) for a, g, (j, _) in zip(alpha, gates, picked, strict=True))
        for d in range(config.width)
    ]
    turned = [[dot(p["item_tower.weight"][row], e[j]) for row in range(config.width)] for j in range(len(e))]
    contribution = [
        a * g * dot(viewer, np.array(turned[j])) for a, g, (j, _) in zip(alpha, gates, picked, strict=True)
    ]
    own, bias = dot(viewer, np.array(turned[title])), dot(viewer, p["item_tower.bias"])
    return Oracle(alpha, picked, contribution, own, bias, dot(viewer, np.array(tower("item_tower", around))))


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
    graph = hand_drawn_graph()
    model = make(config, graph)
    user_noise, item_noise = noises(model) if noisy else (torch.zeros(4, 3), torch.zeros(5, graph.shape[1]))
    trace = model(USERS, PADDED, CATALOGUE, user_noise, item_noise)
    # What trains and ranks: no slots
    alone = Catalogue.of(model, CATALOGUE, trace.item.draw).scores(trace.user.output)
    pairs = pair_scores(
        model, trace.user.output.repeat_interleave(5, 0), CATALOGUE, trace.item.draw, CATALOGUE.repeat(4)
    ).view(4, 5)
    assert trace.score.shape == (4, 5)
    for user, title in itertools.product(range(4), range(5)):
        expected = oracle(model, graph, user, title, user_noise, item_noise)
        count, hop = len(expected.picked), trace.item
        slots = list(zip(hop.neighbour[title].tolist(), hop.relation[title].tolist(), strict=True))
        assert hop.draw.picked[title].sum() == count and slots[:count] == expected.picked
        assert hop.attention[title, :count, user].tolist() == pytest.approx(expected.attention, abs=1e-6)
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
    assert torch.equal(hop.score, hop.pre_activation) == (config.activation == "linear")
    # All users has a candidate here
    assert torch.allclose(hop.attention.sum(1), torch.ones(5, 4, dtype=torch.float64))


@pytest.mark.parametrize("config", VARIANTS)
def test_the_attention_over_the_history_sums_to_one_over_the_picks(config: ModelConfig) -> None:
    model = make(config)
    hop = model.user_hop(USERS, PADDED, noises(model)[0])
    assert torch.allclose(hop.attention.sum(1), torch.tensor([1.0, 1.0, 1.0, 0.0], dtype=torch.float64))
    assert hop.draw.picked.sum(1).tolist() == [min(len(h), config.user_picks) for h in HISTORY]


@pytest.mark.parametrize("factor", [1.0, 1e4])
def test_scores_alone_hold_however_far_preferences_are_apart(factor: float) -> None:
    """Where float32 could no longer tell the summed relations apart, serving goes slot by slot."""
    model = make(replace(PRESETS["default"].model, width=4, picks=2, user_picks=2), hand_drawn_graph())
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
