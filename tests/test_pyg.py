"""The PyTorch Geometric layer and the factorised fast path: two ways to the same numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dskreg.config import PRESETS
from dskreg.data.dataset import SEEN, TRAIN
from dskreg.graph.candidates import build
from tests.drawn_models import CATALOGUE, PADDED, USERS, make, noises
from tests.worlds import EVERYTHING, hand_drawn, hand_drawn_graph

# torch_geometric's import, hence inside the tests
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


@pytest.mark.parametrize("relaxation", ["straight-through", "soft"])
def test_the_layer_is_the_fast_path(relaxation: str) -> None:
    from dskreg.model.pyg import PreferenceConv, picked_edges

    graph = build(hand_drawn(), replace(EVERYTHING, without=("sequel",)))  # E has no candidate
    config = replace(PRESETS["paper"].model, width=4, picks=2, temperature=0.5)
    model = make(replace(config, relaxation=relaxation), graph)  # type: ignore[arg-type]
    trace = model(USERS, PADDED, CATALOGUE, *noises(model))
    layer = PreferenceConv.of(model)
    edge_index, relation, weight = picked_edges(trace.item, CATALOGUE)
    for user, viewer in enumerate(trace.user.output):
        seen = layer(model.item_embedding, edge_index, relation, viewer, weight)
        assert torch.allclose(seen @ viewer, trace.score[user])
        if relaxation == "straight-through":
            assert torch.allclose(layer(model.item_embedding, edge_index, relation, viewer), seen)


def test_both_have_the_same_gradient() -> None:
    from dskreg.model.pyg import PreferenceConv, picked_edges

    model = make(replace(PRESETS["paper"].model, width=4, picks=2, relaxation="soft", temperature=0.5))
    trace = model(USERS[:1], PADDED[:1], CATALOGUE, noises(model)[0][:1], noises(model)[1])
    edge_index, relation, weight = picked_edges(trace.item, CATALOGUE)
    seen = PreferenceConv.of(model)(model.item_embedding, edge_index, relation, trace.user.output[0], weight)
    parameters = list(model.parameters())
    fast = torch.autograd.grad(trace.score.square().sum(), parameters, retain_graph=True)
    layer = torch.autograd.grad((seen @ trace.user.output[0]).square().sum(), parameters)
    for a, b in zip(fast, layer, strict=True):
        assert torch.allclose(a, b)


def test_the_picked_edges_are_the_picks() -> None:
    from dskreg.model.pyg import picked_edges

    model = make(replace(PRESETS["paper"].model, width=4, picks=2))
    items = torch.tensor([3, 0])
    with torch.no_grad():
        hop = model.item_hop(torch.zeros(1, 4, dtype=torch.float64), items, model.draw_items(items))
    edge_index, relation, weight = picked_edges(hop, items)
    expected = [
        (int(hop.neighbour[n, s]), int(items[n]), int(hop.relation[n, s])) for n in range(2) for s in range(2)
    ]
    assert [(j, i, r) for (j, i), r in zip(edge_index.T.tolist(), relation.tolist(), strict=True)] == expected
    assert weight.tolist() == [1.0] * 4


def test_the_hetero_graph_holds_everything() -> None:
    from dskreg.graph.pyg import to_hetero_data

    dataset, graph = hand_drawn(), hand_drawn_graph()
    data = to_hetero_data(dataset, graph)
    assert data.validate() and data.num_nodes == 3 + 5 + 4
    assert [" ".join(kind) for kind in data.edge_types] == [
        "user likes title",
        "user saw title",
        "title genre entity",
        "title sequel entity",
        "title candidate title",
    ]
    likes = data["user", "likes", "title"]
    assert likes.edge_index[:, likes.fold == TRAIN].T.tolist() == [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
        [1, 3],
        [2, 3],
    ]
    assert likes.edge_index.shape[1] == 9 and not (likes.fold == SEEN).any()
    assert data["user", "saw", "title"].edge_index.T.tolist() == [[2, 4]]
    assert data["title", "genre", "entity"].edge_index.T.tolist() == [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
        [2, 1],
        [3, 2],
    ]
    assert data["entity"].title.tolist() == [-1, -1, -1, 4]
    candidates = data["title", "candidate", "title"]
    there = np.nonzero(graph.neighbour >= 0)
    # From the neighbour to the item
    assert candidates.edge_index.tolist() == [graph.neighbour[there].tolist(), there[0].tolist()]
    assert (
        data.relations == list(graph.relations)
        and candidates.relation.tolist() == graph.relation[there].tolist()
    )
    assert candidates.strength.tolist() == graph.strength[there].tolist()


def test_the_layer_runs_on_the_hetero_graph_with_every_candidate_as_a_neighbour() -> None:
    from dskreg.graph.pyg import to_hetero_data
    from dskreg.model.pyg import PreferenceConv

    data = to_hetero_data(hand_drawn(), hand_drawn_graph())["title", "candidate", "title"]
    model = make(replace(PRESETS["paper"].model, width=4, picks=8), hand_drawn_graph())
    trace = model(USERS, PADDED, CATALOGUE)
    seen = PreferenceConv.of(model)(
        model.item_embedding, data.edge_index, data.relation, trace.user.output[1]
    )
    assert torch.allclose(seen @ trace.user.output[1], trace.score[1])
