"""The sampled subgraph in layers: item - entities - neighbours, and on demand the same of the neighbours.

A pair of a candidate and a relation is joined to the item through the entities that both share; a direct
triple through a node that bears the relation's name alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

MOST_ENTITIES = 14  # more only where a neighbour would have none
Row = Mapping[Hashable, Any]  # a candidate
Entity = tuple[str, str]  # relation and name; the name of a direct triple's node is empty


@dataclass
class Node:
    """An item or an entity; `y` is the position in its column, in rows from the top."""

    column: int
    name: str
    item_id: Any = None  # None: an entity
    relation: str = ""  # of an entity
    rows: list[Row] = field(default_factory=list)  # the candidates that it is, or that share it
    y: float = 0.5

    @property
    def is_entity(self) -> bool:
        return self.column % 2 == 1


@dataclass(frozen=True)
class Edge:
    """From left to right: an item to an entity (`row` None), an entity to a candidate."""

    start: int
    end: int
    row: Row | None
    hop: int = 1


@dataclass
class Subgraph:
    """Nodes, the item in question first, and edges between them by number."""

    nodes: list[Node]
    edges: list[Edge] = field(default_factory=list)
    back: int = 0  # sampled pairs of the second hop that lead back to the item, not drawn
    height: int = 1  # rows

    def add(self, source: int, rows: Sequence[Row], paths: Sequence[Sequence[Entity]], hop: int) -> None:
        """Join candidates to a node through entities, `paths` of each; a node that is there is used."""
        places: dict[Any, int] = {self._key(node): n for n, node in enumerate(self.nodes)}
        seen = {(edge.start, edge.end) for edge in self.edges}

        def place(node: Node) -> int:
            if self._key(node) not in places:
                places[self._key(node)] = len(self.nodes)
                self.nodes.append(node)
            return places[self._key(node)]

        for row, entities in zip(rows, paths, strict=True):
            end = place(Node(2 * hop, str(row["title"]), row["item_id"]))
            if end == 0:
                self.back += 1
                continue
            if self.nodes[end].column == 2 * hop:
                self.nodes[end].rows.append(row)
            for relation, name in entities:
                middle = place(Node(2 * hop - 1, name, relation=relation))
                self.nodes[middle].rows.append(row)
                if (source, middle) not in seen:
                    seen.add((source, middle))
                    self.edges.append(Edge(source, middle, None, hop))
                self.edges.append(Edge(middle, end, row, hop))

    @staticmethod
    def _key(node: Node) -> Hashable:
        return (node.column, node.relation, node.name) if node.is_entity else ("item", node.item_id)

    def arrange(self) -> None:
        """Spread each column over the height; entities and the second hop stand where their neighbours do."""
        columns: dict[int, list[int]] = {}
        for number, node in enumerate(self.nodes):
            columns.setdefault(node.column, []).append(number)
        self.height = max(map(len, columns.values()))
        for column in sorted(columns, key=(0, 2, 1, 3, 4).index):
            numbers = columns[column]
            if column in (1, 3, 4):
                toward = {1: 2, 3: 2, 4: 3}[column]
                numbers = sorted(numbers, key=lambda n, t=toward: self._middle(n, t))  # type: ignore[misc]
            for place, number in enumerate(numbers):
                self.nodes[number].y = (place + 0.5) * self.height / len(numbers)

    def _middle(self, number: int, column: int) -> float:
        """The mean height of a node's neighbours in a column."""
        ends = [edge.start + edge.end - number for edge in self.edges if number in (edge.start, edge.end)]
        return fmean([self.nodes[n].y for n in ends if self.nodes[n].column == column] or [0.0])


def subgraph(
    centre: tuple[Any, str],
    rows: Sequence[Row],
    candidates: Sequence[Row],
    second: Mapping[Hashable, tuple[Sequence[Row], Sequence[Row]]] | None = None,
) -> Subgraph:
    """The layers around `centre` (id, title).

    Args:
        rows: the candidates to draw, the sampled ones first.
        candidates: all candidates; the fewer of them share an entity, the more specific it is.
        second: of a neighbour's id, the same two for its own candidates.
    """
    graph = Subgraph([Node(0, centre[1], centre[0])])
    graph.add(0, rows, _paths(rows, candidates, MOST_ENTITIES), hop=1)
    numbers = {node.item_id: n for n, node in enumerate(graph.nodes) if node.column == 2}
    for item_id, (own, of) in (second or {}).items():
        graph.add(numbers[item_id], own, _paths(own, of, 0), hop=2)
    graph.arrange()
    return graph


def _paths(rows: Sequence[Row], candidates: Sequence[Row], most: int) -> list[list[Entity]]:
    """The entities through which each row is drawn: the most specific of every row, then the next ones while
    there are fewer than `most`.
    """
    common = Counter(entity for row in candidates for entity in _entities(row))
    shared = [sorted(_entities(row), key=lambda entity: common[entity]) for row in rows]
    kept = {entities[0] for entities in shared}
    for depth in range(1, max(map(len, shared), default=0)):
        for entities in shared:
            if depth < len(entities) and len(kept) < most:
                kept.add(entities[depth])
    return [[entity for entity in entities if entity in kept] for entities in shared]


def _entities(row: Row) -> list[Entity]:
    return [(row["relation"], str(name)) for name in dict.fromkeys(row["via"])] or [(row["relation"], "")]
