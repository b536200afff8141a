"""The sampled subgraph, derived by hand from the hand-drawn world (tests/worlds.py)."""

from collections.abc import Collection
from typing import Any

import pandas as pd
import pytest

from dskreg.explorer import Explorer
from dskreg.ui.sampling.graph import layers, marks, network
from tests.small import SMALL, opened
from tests.worlds import A, B, C, hand_drawn, hand_drawn_graph


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return opened(hand_drawn(), hand_drawn_graph(), SMALL["default"])


def around(explorer: Explorer, item: int) -> pd.DataFrame:
    """The candidates of an item."""
    return explorer.explain(explorer.profile(500), 100 + item).item_neighbours


def build(explorer: Explorer, item: int, second: Collection[int] = (), **more: Any) -> network.Graph:
    """The graph around an item; `second`: neighbours with a sample of their own."""
    hop = {100 + other: around(explorer, other) for other in second}
    colours = more.pop("colours", {})
    return network.build(around(explorer, item), (100 + item, "ABCDE"[item]), colours, second=hop, **more)


def drawn(graph: network.Graph) -> tuple[set[tuple[int, str]], set[tuple[str, str]]]:
    """The nodes (column, name) and the edges by name."""
    nodes = graph.subgraph.nodes
    names = [node.name or node.relation for node in nodes]
    edges = {(names[int(link["source"])], names[int(link["target"])]) for link in graph.links}
    return {(node.column, name) for node, name in zip(nodes, names, strict=True)}, edges


def test_an_item_is_joined_to_its_neighbours_through_the_entities_that_both_share(explorer: Explorer) -> None:
    nodes, edges = drawn(build(explorer, A))  # C has no embedding of its own, so it is nobody's candidate
    assert nodes == {(0, "A"), (1, "Mecha"), (1, "Space"), (2, "B")}
    assert edges == {("A", "Mecha"), ("A", "Space"), ("Mecha", "B"), ("Space", "B")}
    nodes, edges = drawn(build(explorer, C))
    assert nodes == {(0, "C"), (1, "Space"), (2, "A"), (2, "B")}
    assert edges == {("C", "Space"), ("Space", "A"), ("Space", "B")}


def test_the_second_hop_joins_what_the_neighbours_sample(explorer: Explorer) -> None:
    nodes, edges = drawn(build(explorer, C, second=(A, B)))  # A samples B, B samples A
    assert nodes == {(0, "C"), (1, "Space"), (2, "A"), (2, "B"), (3, "Mecha")}
    first = {("C", "Space"), ("Space", "A"), ("Space", "B")}
    assert edges == first | {("A", "Mecha"), ("B", "Mecha"), ("Mecha", "A"), ("Mecha", "B")}


def test_a_node_takes_colour_and_shape_of_its_relation(explorer: Explorer) -> None:
    colours = marks.colours(["sequel", "genre"])
    graph = build(explorer, C, colours=colours)
    (space,) = (n for n, node in enumerate(graph.subgraph.nodes) if node.is_entity)
    assert graph.nodes[space]["itemStyle"]["color"] == colours["genre"] == marks.COLOURS[False][1]
    assert (graph.nodes[space]["symbol"], graph.glyphs[space]) == marks.SHAPES[1]


def test_a_direct_triple_is_drawn_through_the_name_of_its_relation() -> None:
    row = {"item_id": 1, "title": "E", "relation": "sequel", "via": []}
    graph = layers.subgraph((0, "D"), [row], [row])
    assert [(node.column, node.name or node.relation) for node in graph.nodes] == [
        (0, "D"),
        (2, "E"),
        (1, "sequel"),
    ]
    assert [(edge.start, edge.end) for edge in graph.edges] == [(0, 2), (2, 1)]


def test_the_second_hop_counts_what_leads_back_to_the_item() -> None:
    def row(item_id: int, *via: str) -> dict[str, object]:
        return {"item_id": item_id, "title": str(item_id), "relation": "genre", "via": list(via)}

    first, own = [row(1, "Space")], [row(0, "Space"), row(2, "Mecha")]
    graph = layers.subgraph((0, "0"), first, first, {1: (own, own)})
    assert graph.back == 1 and [(node.column, node.name) for node in graph.nodes] == [
        (0, "0"),
        (2, "1"),
        (1, "Space"),
        (4, "2"),
        (3, "Mecha"),
    ]


def test_the_most_specific_entity_of_every_neighbour_is_kept() -> None:
    rows = [
        {
            "item_id": n,
            "title": str(n),
            "relation": "genre",
            "via": ["Action", *(f"{n}-{k}" for k in range(6))],
        }
        for n in range(5)
    ]
    graph = layers.subgraph((9, "item"), rows, rows)
    names = [node.name for node in graph.nodes if node.is_entity]
    assert len(names) == layers.MOST_ENTITIES and "Action" not in names
    assert {f"{n}-0" for n in range(5)} <= set(names)


def test_columns_have_room_and_entities_stand_beside_their_neighbours() -> None:
    rows = [
        {"item_id": n, "title": str(n), "relation": "genre", "via": [f"entity {n}"]} for n in (3, 1, 4, 0, 2)
    ]
    graph = layers.subgraph((9, "item"), rows, rows)
    heights = {node.name: node.y for node in graph.nodes}
    assert graph.height == 5 and [heights[str(n)] for n in (3, 1, 4, 0, 2)] == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert all(heights[f"entity {n}"] == heights[str(n)] for n in range(5))
