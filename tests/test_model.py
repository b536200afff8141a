"""The model against section 3 of docs/model.md written out as loops over one user and one title at a time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor
from worlds import EVERYTHING, A, B, C, D, E, hand_drawn, hand_drawn_graph

from dskreg.config import PRESETS, ModelConfig
from dskreg.graph import CandidateGraph, build
from dskreg.model import NOBODY, DSKReG
from dskreg.sampling import gumbel
from dskreg.scoring import SPREAD, Catalogue, pair_scores
from tests.tiny_runs import small

HISTORY = [[A, B], [A, B, D], [D], []]
USERS = torch.tensor([0, 1, 2, NOBODY])
PADDED = torch.tensor([[A, B, -1], [A, B, D], [D, -1, -1], [-1, -1, -1]])
CATALOGUE = torch.arange(5)
VARIANTS = [
    pytest.param(replace(PRESETS[name].model, width=4, picks=k, user_picks=min(k, 2), gates=gates), id=f"{name}-{k}-{'gates' if gates else 'no gates'}")
    for name, gates, k in itertools.product(PRESETS, (False, True), (1, 2, 8))
]


def make(config: ModelConfig, graph: CandidateGraph | None = None, seed: int = 0) -> DSKReG:
    """A model in float64 in which every parameter matters: drawn at random, none left at its start."""
    model = DSKReG(config, graph or hand_drawn_graph(), users=3).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.7)
        if model.history_weight is not None:
            model.history_weight.uniform_(0.5, 2, generator=generator)
    return model


def noises(model: DSKReG, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return gumbel((4, 3), generator).double(), gumbel((5, model.neighbour.shape[1]), generator).double()


@dataclass
class Oracle:
    """One user and one title, in numbers and loops."""

    attention: list[float]
    picked: list[tuple[int, int]]  # (neighbour, relation), largest key first
    contribution: list[float]
    own: float
    bias: float
    score: float


def oracle(model: DSKReG, graph: CandidateGraph, user: int, title: int, user_noise: Tensor, item_noise: Tensor) -> Oracle:
    config, p = model.config, {name: value.detach().numpy() for name, value in model.named_parameters()}
    e, e_r = p["item_embedding"], p["relation_embedding"]

    def dot(x: np.ndarray, y: np.ndarray) -> float:
        return float(sum(x[d] * y[d] for d in range(config.width)))

    def tower(name: str, x: list[float]) -> list[float]:
        y = [dot(p[f"{name}.weight"][row], np.array(x)) + float(p[f"{name}.bias"][row]) for row in range(config.width)]
        return y if config.activation == "linear" else [math.tanh(v) for v in y]

    def softmax(x: list[float]) -> list[float]:
        grown = [math.exp(v) for v in x]
        return [g / sum(grown) for g in grown]

    # The user.
    history = HISTORY[user]
    keys = [(dot(p["relevance_item"], e[j]) + float(user_noise[user, place]), j) for place, j in enumerate(history)]
    picks = [j for _, j in sorted(keys, reverse=True)[: config.user_picks]]
    if config.user == "free":
        stranger = np.mean(p["user_embedding"], axis=0)
        base = stranger if USERS[user] == NOBODY else p["user_embedding"][user]
    else:
        weight = model.history_weight
        assert weight is not None
        base = np.array([sum(float(weight[j]) * float(e[j][d]) for j in history) / math.sqrt(max(len(history), 1)) for d in range(config.width)])
    beta = softmax([dot(base, e[j]) for j in picks])
    gate = math.exp(p["log_user_gate"][0]) if config.gates else 1.0
    around = [sum(b * float(e[j][d]) for b, j in zip(beta, picks, strict=True)) for d in range(config.width)]
    viewer = np.array(tower("user_tower", [float(base[d]) + gate * around[d] for d in range(config.width)]))

    # The title, as this user sees it.
    found = []
    for place in range(graph.shape[1]):
        j, r, strength = int(graph.neighbour[title, place]), int(graph.relation[title, place]), float(graph.strength[title, place])
        if j >= 0:
            logit = dot(p["relevance_item"], e[j]) + dot(p["relevance_relation"], e_r[r])
            logit += float(p["log_gate"][r]) if config.gates else 0.0
            logit += float(p["prior"][r]) * math.log(strength) if config.prior else 0.0
            found.append((logit + float(item_noise[title, place]), j, r))
    picked = [(j, r) for _, j, r in sorted(found, reverse=True)[: config.picks]]
    alpha = softmax([dot(viewer, e_r[r]) for _, r in picked])
    gates = [math.exp(p["log_gate"][r]) if config.gates else 1.0 for _, r in picked]
    around = [float(e[title][d]) + sum(a * g * float(e[j][d]) for a, g, (j, _) in zip(alpha, gates, picked, strict=True)) for d in range(config.width)]
    turned = [[dot(p["item_tower.weight"][row], e[j]) for row in range(config.width)] for j in range(len(e))]
    contribution = [a * g * dot(viewer, np.array(turned[j])) for a, g, (j, _) in zip(alpha, gates, picked, strict=True)]
    own, bias = dot(viewer, np.array(turned[title])), dot(viewer, p["item_tower.bias"])
    return Oracle(alpha, picked, contribution, own, bias, dot(viewer, np.array(tower("item_tower", around))))


@pytest.fixture(params=[False, True], ids=["serving", "training"])
def gradient(request: pytest.FixtureRequest) -> Iterator[None]:
    """Both ways through the sampler: the hard draw, and the straight-through one, whose numbers must be the same."""
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
    alone = Catalogue.of(model, CATALOGUE, trace.item.draw).scores(trace.user.output)  # what trains and ranks: no slots
    pairs = pair_scores(model, trace.user.output.repeat_interleave(5, 0), CATALOGUE, trace.item.draw, CATALOGUE.repeat(4)).view(4, 5)
    assert trace.score.shape == (4, 5)
    for user, title in itertools.product(range(4), range(5)):
        expected = oracle(model, graph, user, title, user_noise, item_noise)
        count, hop = len(expected.picked), trace.item
        slots = list(zip(hop.neighbour[title].tolist(), hop.relation[title].tolist(), strict=True))
        assert hop.draw.picked[title].sum() == count and slots[:count] == expected.picked
        assert hop.attention[title, :count, user].tolist() == pytest.approx(expected.attention, abs=1e-6)
        assert hop.contribution[title, :count, user].tolist() == pytest.approx(expected.contribution, abs=1e-6)
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
    assert torch.allclose(pairs.item.self_contribution + pairs.item.contribution.sum(1) + pairs.item.bias, pairs.item.pre_activation)
    one = model(USERS[1:2], PADDED[1:2], titles[1:2], user_noise[1:2], item_noise[titles[1:2]])
    assert torch.allclose(one.score[0, 0], whole[1, titles[1]])


@pytest.mark.parametrize("relaxation", ["straight-through", "soft"])
@pytest.mark.parametrize("config", VARIANTS)
def test_contributions_add_up(config: ModelConfig, relaxation: str) -> None:
    model = make(replace(config, relaxation=relaxation))  # type: ignore[arg-type]
    hop = model(USERS, PADDED, CATALOGUE, *noises(model)).item
    assert torch.allclose(hop.self_contribution + hop.contribution.sum(1) + hop.bias, hop.pre_activation)
    assert torch.equal(hop.score, hop.pre_activation) == (config.activation == "linear")
    assert torch.allclose(hop.attention.sum(1), torch.ones(5, 4, dtype=torch.float64))  # everybody has a candidate here


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
        assert torch.allclose(Catalogue.of(model, CATALOGUE, trace.item.draw).scores(trace.user.output), trace.item.score, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", PRESETS)
def test_wider_padding_and_more_company_change_nothing(name: str) -> None:
    model = make(replace(PRESETS[name].model, width=4))
    narrow, wide = model(USERS, PADDED, CATALOGUE).score, model(USERS, torch.nn.functional.pad(PADDED, (0, 5), value=-1), CATALOGUE).score
    assert torch.allclose(narrow, wide)
    for user in range(4):
        assert torch.allclose(model(USERS[user : user + 1], PADDED[user : user + 1], CATALOGUE).score[0], narrow[user])


@pytest.mark.parametrize("width", [30, 47, 200, 1000])
def test_padding_changes_nothing_where_all_titles_are_as_relevant(width: int) -> None:
    """Before training a = 0, and every liked title is drawn as readily as any other: which ones are picked is a matter of the history alone."""
    graph = small(2, 60)[1]
    model = DSKReG(replace(PRESETS["default"].model, width=4, picks=3), graph, 2).eval()
    history = torch.arange(20)[None] * 3
    alone = model.user_hop(torch.tensor([0]), history)
    padded = model.user_hop(torch.tensor([0]), torch.nn.functional.pad(history, (0, width - 20), value=-1))
    assert padded.neighbour.tolist() == alone.neighbour.tolist() == [[3 * n for n in range(8)]]
    assert torch.equal(padded.output, alone.output)


def test_a_candidate_left_out_leaves_the_other_picks_where_many_are_as_relevant() -> None:
    """Titles that share one genre with twenty others have twenty equal candidates."""
    graph = small(2, 120)[1]
    model = DSKReG(replace(PRESETS["default"].model, width=4, picks=8), graph, 2).eval()
    titles = torch.arange(120)
    before = model.draw_items(titles)
    equal = (before.key.gather(1, before.slot)[:, :1] == before.key).sum(1)
    assert (equal > 8).any(), "nothing is tied here"
    for place in range(8):
        without = torch.zeros_like(before.logit, dtype=torch.bool).scatter_(1, before.slot[:, place : place + 1], True)
        after = model.draw_items(titles, without=without)
        for old, new in zip(before.slot.tolist(), after.slot.tolist(), strict=True):
            assert set(old) - {old[place]} <= set(new)


@pytest.mark.parametrize("name", PRESETS)
def test_a_stranger_is_served_from_the_history_alone(name: str) -> None:
    model = make(replace(PRESETS[name].model, width=4))
    base = model.user_hop(torch.tensor([NOBODY]), torch.tensor([[A, B]])).base[0]
    if model.user_embedding is None:
        assert model.history_weight is not None
        of_a, of_b = (model.history_weight[i] * model.item_embedding[i] for i in (A, B))
        assert torch.allclose(base, (of_a + of_b) / 2**0.5)
        assert torch.allclose(base, model.user_hop(torch.tensor([0]), torch.tensor([[A, B]])).base[0])
    else:
        assert torch.allclose(base, model.user_embedding.mean(0))


@pytest.mark.parametrize("name", PRESETS)
def test_a_title_without_candidates_stands_on_its_own(name: str) -> None:
    graph = build(hand_drawn(), replace(EVERYTHING, without=("sequel",)))
    model = make(replace(PRESETS[name].model, width=4), graph)
    trace = model(USERS, PADDED, CATALOGUE, *noises(model))
    assert not (graph.neighbour[E] >= 0).any()
    assert not trace.item.attention[E].any() and not trace.item.contribution[E].any()
    alone = trace.user.output @ model.activate(model.item_tower(model.item_embedding[E]))
    assert torch.allclose(trace.score[:, E], alone)
    trace.score.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", PRESETS)
def test_without_any_relation_the_model_still_scores(name: str) -> None:
    graph = build(hand_drawn(), replace(EVERYTHING, without=("genre", "sequel", "co-liked")))
    model = make(replace(PRESETS[name].model, width=4), graph)
    trace = model(USERS, PADDED, CATALOGUE)
    assert torch.allclose(trace.score, trace.user.output @ model.activate(model.item_tower(model.item_embedding)).T)


@pytest.mark.parametrize("name", PRESETS)
def test_a_candidate_left_out_is_one_that_never_was(name: str) -> None:
    graph = hand_drawn_graph()
    fewer = replace(graph, neighbour=graph.neighbour.copy())
    fewer.neighbour[A, 0] = -1
    model, other = (make(replace(PRESETS[name].model, width=4, picks=2), g) for g in (graph, fewer))
    other.log_strength.copy_(model.log_strength)  # the mean that centres it is the whole graph's
    without = torch.zeros(graph.shape, dtype=torch.bool)
    without[A, 0] = True
    user, noise = model.user_hop(USERS, PADDED).output, noises(model)[1]
    for grad in (False, True):
        with torch.set_grad_enabled(grad):
            left_out = model.item_hop(user, CATALOGUE, model.draw_items(CATALOGUE, noise, without=without)).score
            assert torch.allclose(left_out, other.item_hop(user, CATALOGUE, other.draw_items(CATALOGUE, noise)).score)
    assert model.item_logits(CATALOGUE, without)[A, 0] == -torch.inf


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("relaxation", ["straight-through", "soft"])
def test_every_parameter_learns(name: str, relaxation: str) -> None:
    """Also those of the sampler, through picks that are hard; and a free user embedding only where there is one."""
    config = replace(PRESETS[name].model, width=4, picks=2, user_picks=2, temperature=1.0)
    model = make(replace(config, relaxation=relaxation))  # type: ignore[arg-type]
    model(USERS, PADDED, CATALOGUE, *noises(model)).score.square().sum().backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 1e-9, parameter_name


def test_a_single_pick_teaches_the_sampler_too() -> None:
    """With K = 1 the only pick has attention 1 whatever its weight: what is learnt comes from those that were not picked."""
    model = make(replace(PRESETS["default"].model, width=4, picks=1, temperature=1.0))
    model(USERS, PADDED, CATALOGUE, *noises(model)).score.square().sum().backward()
    assert model.relevance_relation.grad is not None and model.relevance_relation.grad.abs().sum() > 1e-6


@pytest.mark.parametrize("name", PRESETS)
def test_the_representation_is_what_a_viewer_without_preferences_sees(name: str) -> None:
    graph = hand_drawn_graph()
    model = make(replace(PRESETS[name].model, width=4, picks=3), graph).float()
    before, after = model.representation()
    assert torch.equal(before, model.item_embedding)
    drawn = model.draw_items(CATALOGUE)
    for title in range(5):
        slots = drawn.slot[title][drawn.picked[title]].tolist()
        around = model.item_embedding[title].clone()
        for slot in slots:
            gate = 1.0 if model.gate is None else model.gate[int(graph.relation[title, slot])]
            around = around + gate * model.item_embedding[int(graph.neighbour[title, slot])] / len(slots)
        assert torch.allclose(after[title], model.activate(model.item_tower(around)), atol=1e-6)


@pytest.mark.parametrize("name", PRESETS)
def test_what_the_history_adds_makes_up_the_users_part_of_the_score(name: str) -> None:
    """For a linear tower e_hat_u . e_hat_i = sum over the history + sum over the picks + b_u . e_hat_i (+ W_u e_u . e_hat_i where e_u is free)."""
    model = make(replace(PRESETS[name].model, width=4, activation="linear"))
    with torch.no_grad():
        trace = model(USERS[1:2], PADDED[1:2], CATALOGUE)
        base, picked = model.history_contributions(trace, CATALOGUE, PADDED[1])
        seen = model.title_vectors(CATALOGUE, trace.item.neighbour, model.gated(trace.item.relation, trace.item.attention))[:, 0]
        rest = seen @ model.user_tower.bias
        if model.user_embedding is not None:
            assert not base.any()
            rest = rest + seen @ model.user_tower.weight @ model.user_embedding[1]
        assert base.shape == (3, 5) and torch.allclose(base.sum(0) + picked.sum(0) + rest, trace.score[0])


def test_the_graph_travels_with_the_model_but_not_among_its_weights() -> None:
    assert not {"neighbour", "relation", "log_strength"} & set(make(PRESETS["paper"].model).state_dict())


def test_a_linear_model_starts_as_the_dot_product_with_the_history() -> None:
    model = DSKReG(replace(PRESETS["default"].model, width=4, gate_start=1e-9), hand_drawn_graph(), users=3)
    expected = (model.item_embedding[A] + model.item_embedding[B]) @ model.item_embedding.T / 2**0.5
    assert torch.allclose(model(USERS[:1], PADDED[:1], CATALOGUE).score[0], expected, atol=1e-6)
