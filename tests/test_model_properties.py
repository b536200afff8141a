"""What must hold of the model whatever its weights: strangers, items and graphs with nothing in them,
company, what learns, what adds up.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from dskreg.config import PRESETS
from dskreg.explain.explanation import history_contributions
from dskreg.graph.candidates import build
from dskreg.model.dskreg import UNKNOWN_USER, DSKReG
from tests.drawn_models import CATALOGUE, PADDED, USERS, make, noises
from tests.tiny_runs import small
from tests.worlds import EVERYTHING, A, B, E, hand_drawn, hand_drawn_graph


@pytest.mark.parametrize("name", PRESETS)
def test_wider_padding_and_more_company_change_nothing(name: str) -> None:
    model = make(replace(PRESETS[name].model, width=4))
    narrow, wide = (
        model(USERS, PADDED, CATALOGUE).score,
        model(USERS, torch.nn.functional.pad(PADDED, (0, 5), value=-1), CATALOGUE).score,
    )
    assert torch.allclose(narrow, wide)
    for user in range(4):
        assert torch.allclose(
            model(USERS[user : user + 1], PADDED[user : user + 1], CATALOGUE).score[0], narrow[user]
        )


@pytest.mark.parametrize("width", [30, 47, 200, 1000])
def test_padding_changes_nothing_where_all_titles_are_as_relevant(width: int) -> None:
    """Before training a = 0, and every liked item is drawn as readily as any other: which ones are picked is
    a matter of the history alone.
    """
    graph = small(2, 60)[1]
    model = DSKReG(replace(PRESETS["default"].model, width=4, picks=3), graph, 2).eval()
    history = torch.arange(20)[None] * 3
    alone = model.user_hop(torch.tensor([0]), history)
    padded = model.user_hop(torch.tensor([0]), torch.nn.functional.pad(history, (0, width - 20), value=-1))
    assert padded.neighbour.tolist() == alone.neighbour.tolist() == [[3 * n for n in range(8)]]
    assert torch.equal(padded.output, alone.output)


def test_a_candidate_left_out_leaves_the_other_picks_where_many_are_as_relevant() -> None:
    """Items that share one genre with twenty others have twenty equal candidates."""
    graph = small(2, 120)[1]
    model = DSKReG(replace(PRESETS["default"].model, width=4, picks=8), graph, 2).eval()
    titles = torch.arange(120)
    before = model.draw_items(titles)
    equal = (before.key.gather(1, before.slot)[:, :1] == before.key).sum(1)
    assert (equal > 8).any(), "nothing is tied here"
    for place in range(8):
        without = torch.zeros_like(before.logit, dtype=torch.bool).scatter_(
            1, before.slot[:, place : place + 1], True
        )
        after = model.draw_items(titles, without=without)
        for old, new in zip(before.slot.tolist(), after.slot.tolist(), strict=True):
            assert set(old) - {old[place]} <= set(new)


@pytest.mark.parametrize("name", PRESETS)
def test_a_stranger_is_served_from_the_history_alone(name: str) -> None:
    model = make(replace(PRESETS[name].model, width=4))
    base = model.user_hop(torch.tensor([UNKNOWN_USER]), torch.tensor([[A, B]])).base[0]
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
    assert torch.allclose(
        trace.score, trace.user.output @ model.activate(model.item_tower(model.item_embedding)).T
    )


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
            left_out = model.item_hop(
                user, CATALOGUE, model.draw_items(CATALOGUE, noise, without=without)
            ).score
            assert torch.allclose(
                left_out, other.item_hop(user, CATALOGUE, other.draw_items(CATALOGUE, noise)).score
            )
    assert model.item_logits(CATALOGUE, without)[A, 0] == -torch.inf


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("relaxation", ["straight-through", "soft"])
def test_every_parameter_learns(name: str, relaxation: str) -> None:
    """Also those of the sampler, through picks that are hard; and a free user embedding only where there is
    one.
    """
    config = replace(PRESETS[name].model, width=4, picks=2, user_picks=2, temperature=1.0)
    model = make(replace(config, relaxation=relaxation))  # type: ignore[arg-type]
    model(USERS, PADDED, CATALOGUE, *noises(model)).score.square().sum().backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 1e-9, parameter_name


def test_a_single_pick_teaches_the_sampler_too() -> None:
    """With K = 1 the only pick has attention 1 whatever its weight: what is learnt comes from those that were
    not picked.
    """
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
    """For a linear tower e_hat_u .

    e_hat_i = sum over the history + sum over the picks + b_u . e_hat_i (+ W_u e_u . e_hat_i where e_u is
    free).
    """
    model = make(replace(PRESETS[name].model, width=4, activation="linear"))
    with torch.no_grad():
        trace = model(USERS[1:2], PADDED[1:2], CATALOGUE)
        base, picked = history_contributions(model, trace, CATALOGUE, PADDED[1])
        seen = model.item_vectors(
            CATALOGUE, trace.item.neighbour, model.gated(trace.item.relation, trace.item.attention)
        )[:, 0]
        rest = seen @ model.user_tower.bias
        if model.user_embedding is not None:
            assert not base.any()
            rest = rest + seen @ model.user_tower.weight @ model.user_embedding[1]
        assert base.shape == (3, 5) and torch.allclose(base.sum(0) + picked.sum(0) + rest, trace.score[0])


def test_the_graph_travels_with_the_model_but_not_among_its_weights() -> None:
    assert not {"neighbour", "relation", "log_strength"} & set(make(PRESETS["paper"].model).state_dict())


def test_a_linear_model_starts_as_the_dot_product_with_the_history() -> None:
    model = DSKReG(replace(PRESETS["default"].model, width=4, gate_start=1e-8), hand_drawn_graph(), users=3)
    expected = (model.item_embedding[A] + model.item_embedding[B]) @ model.item_embedding.T / 2**0.5
    assert torch.allclose(model(USERS[:1], PADDED[:1], CATALOGUE).score[0], expected, atol=1e-6)
