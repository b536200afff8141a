"""What must hold of the model whatever its weights: strangers, items and graphs with nothing in them,
company, what learns, what adds up.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from dskreg.config import PRESETS
from dskreg.explain.attribution import history_contributions
from dskreg.graph.candidates import build
from dskreg.model.dskreg import UNKNOWN_USER
from dskreg.model.evidence import EvidenceDSKReG, model_of
from tests.drawn_models import CATALOGUE, PADDED, USERS, crowded_graph, make, noises
from tests.tiny_runs import small
from tests.worlds import EVERYTHING, A, B, E, hand_drawn

FORMS = ("default", "paper")


@pytest.mark.parametrize("name", FORMS)
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
    model = model_of(replace(PRESETS["paper"].model, width=4, picks=3), graph, 2).eval()
    history = torch.arange(20)[None] * 3
    alone = model.user_hop(torch.tensor([0]), history)
    padded = model.user_hop(torch.tensor([0]), torch.nn.functional.pad(history, (0, width - 20), value=-1))
    assert padded.neighbour.tolist() == alone.neighbour.tolist() == [[3 * n for n in range(8)]]
    assert torch.equal(padded.output, alone.output)


@pytest.mark.parametrize("name", FORMS)
def test_a_candidate_left_out_leaves_the_other_picks_where_many_are_as_relevant(name: str) -> None:
    """Items that share one genre with twenty others have twenty equal candidates."""
    graph = small(2, 120)[1]
    model = model_of(replace(PRESETS[name].model, width=4, picks=8), graph, 2).eval()
    if isinstance(model, EvidenceDSKReG):
        model.likes.fill_(1)
    titles = torch.arange(120)
    before = model.draw_items(titles)
    equal = (before.key.gather(1, before.slot)[:, -1:] == before.key).sum(1)
    assert (equal > 8).any(), "nothing is tied here"
    for place in range(8):
        without = torch.zeros_like(before.logit, dtype=torch.bool).scatter_(
            1, before.slot[:, place : place + 1], True
        )
        after = model.draw_items(titles, without=without)
        for old, new in zip(before.slot.tolist(), after.slot.tolist(), strict=True):
            assert set(old) - {old[place]} <= set(new)


@pytest.mark.parametrize("name", FORMS)
def test_a_stranger_is_served_from_the_history_alone(name: str) -> None:
    model = make(replace(PRESETS[name].model, width=4))
    liked = torch.tensor([[A, B]])
    stranger, known = (model.user_hop(torch.tensor([u]), liked).base[0] for u in (UNKNOWN_USER, 0))
    if isinstance(model, EvidenceDSKReG):
        of_a, of_b = (model.history_weight[i] * model.item_embedding[i] for i in (A, B))
        assert torch.allclose(stranger, (of_a + of_b + model.prior) / 2**0.5) and torch.equal(stranger, known)
    else:
        assert torch.allclose(stranger, model.user_embedding.mean(0)) and not torch.equal(stranger, known)


@pytest.mark.parametrize("name", FORMS)
def test_a_title_without_candidates_stands_on_its_own(name: str) -> None:
    graph = build(hand_drawn(), replace(EVERYTHING, without=("sequel",)))
    model = make(replace(PRESETS[name].model, width=4), graph)
    trace = model(USERS, PADDED, CATALOGUE, *noises(model))
    assert not (graph.neighbour[E] >= 0).any()
    assert not trace.item.attention[E].any() and not trace.item.contribution[E].any()
    alone = trace.user.output @ model.project(model.item_embedding[E])
    assert torch.allclose(trace.score[:, E], alone)
    trace.score.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", FORMS)
def test_without_any_relation_the_model_still_scores(name: str) -> None:
    graph = build(hand_drawn(), replace(EVERYTHING, without=("genre", "sequel")))
    model = make(replace(PRESETS[name].model, width=4), graph)
    trace = model(USERS, PADDED, CATALOGUE)
    assert torch.allclose(trace.score, trace.user.output @ model.project(model.item_embedding).T)


@pytest.mark.parametrize("name", FORMS)
def test_a_candidate_left_out_is_one_that_never_was(name: str) -> None:
    graph = crowded_graph()
    fewer = replace(graph, neighbour=graph.neighbour.copy())
    fewer.neighbour[A, 0] = -1
    model, other = (make(replace(PRESETS[name].model, width=4, picks=2), g) for g in (graph, fewer))
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


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("relaxation", ["straight-through", "soft"])
def test_every_parameter_of_the_score_learns(name: str, relaxation: str) -> None:
    """Also those of the sampler, through picks that are hard; embeddings in closed form do not."""
    config = replace(PRESETS[name].model, width=4, picks=2, user_picks=2, temperature=1.0)
    model = make(replace(config, relaxation=relaxation))  # type: ignore[arg-type]
    model(USERS, PADDED, CATALOGUE, *noises(model)).score.square().sum().backward()
    learnt = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 1e-9}
    closed = {"item_embedding", "log_scale"} if name == "default" else set()
    assert learnt == {n for n, _ in model.named_parameters()} - closed


def test_a_single_pick_teaches_the_sampler_too() -> None:
    """With K = 1 the only pick has attention 1 whatever its weight: what is learnt comes from those that were
    not picked.
    """
    for name, parameter in (("default", "pair_relevance"), ("paper", "relevance_relation")):
        model = make(replace(PRESETS[name].model, width=4, picks=1, temperature=1.0))
        model(USERS, PADDED, CATALOGUE, *noises(model)).score.square().sum().backward()
        gradient = model.get_parameter(parameter).grad
        assert gradient is not None and gradient.abs().sum() > 1e-6, parameter


@pytest.mark.parametrize("name", FORMS)
def test_the_representation_is_what_a_viewer_without_preferences_sees(name: str) -> None:
    graph = crowded_graph()
    model = make(replace(PRESETS[name].model, width=4, picks=3), graph).float().eval()
    before, after = model.representation()
    assert torch.equal(before, model.item_embedding)
    hop = model.item_hop(torch.zeros(1, 4), CATALOGUE, model.draw_items(CATALOGUE))
    for title in range(5):
        around = model.item_embedding[title].clone()
        for slot in torch.nonzero(hop.draw.picked[title]).flatten().tolist():
            weight = hop.attention[title, slot, 0]
            if isinstance(model, EvidenceDSKReG):
                weight = weight * model.neighbour_weight[title]
            else:
                assert weight == 1 / hop.draw.picked[title].sum()
            around = around + weight * model.item_embedding[hop.neighbour[title, slot]]
        assert torch.allclose(after[title], model.project(around), atol=1e-6)


def test_what_the_history_adds_makes_up_the_users_part_of_the_score() -> None:
    model = make(replace(PRESETS["default"].model, width=4))
    with torch.no_grad():
        trace = model(USERS[1:2], PADDED[1:2], CATALOGUE)
        liked = history_contributions(model, trace, CATALOGUE, PADDED[1])
        weighed = model.weighed(CATALOGUE, trace.item.attention)
        seen = model.item_vectors(CATALOGUE, trace.item.neighbour, weighed)[:, 0]
    assert liked.shape == (3, 5)
    assert torch.allclose(liked.sum(0) + seen @ model.prior / 3**0.5, trace.score[0])


@pytest.mark.parametrize("name", FORMS)
def test_the_parts_of_a_user_and_of_a_title_add_up_before_the_activation(name: str) -> None:
    model = make(replace(PRESETS[name].model, width=4, picks=2, user_picks=2)).float()
    with torch.no_grad():
        hop = model.user_hop(USERS[1:2], PADDED[1:2])
        user = model.user_terms(hop, PADDED[1]).sum(0)
        assert torch.allclose(model.activate(user), hop.output[0])
        for item in range(5):
            asked = torch.tensor([item])
            seen = model.item_hop(hop.output, asked, model.draw_items(asked))
            terms = model.item_terms(seen, item)
            assert terms.shape == (2 + int(seen.draw.picked.sum()), 4)
            assert torch.allclose(model.activate(terms.sum(0)) @ hop.output[0], seen.score[0, 0], atol=1e-6)


def test_the_graph_travels_with_the_model_but_not_among_its_weights() -> None:
    for name in FORMS:
        assert not {"neighbour", "relation", "strengths"} & set(make(PRESETS[name].model).state_dict())


def test_without_neighbours_the_score_is_the_dot_product_with_the_history() -> None:
    model = make(replace(PRESETS["default"].model, width=4))
    model.evidence[1] = 0
    weighted = model.history_weight[:, None] * model.item_embedding
    expected = (weighted[A] + weighted[B] + model.prior) @ model.item_embedding.T / 2**0.5
    assert torch.allclose(model(USERS[:1], PADDED[:1], CATALOGUE).score[0], expected)
