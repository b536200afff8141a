"""The knowledge graph for other tools: GraphML (Gephi, Cytoscape, networkx) or an edge list as CSV (Neo4j).

A node is `item:ID`, with the item's original id, or `entity:N` with the entity's number in the artifact. An
entity that is an item is the item's node.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pandas as pd

from dskreg.console import Progress, silent
from dskreg.serving.table_files import writing
from dskreg.serving.trained import TrainedModel
from dskreg.text import harmless, legible

FORMATS = (".graphml", ".csv")
TRIPLES = 1 << 16  # in a chunk
_KEYS = (
    *(("node", name, "string") for name in ("label", "kind", "item_id")),
    ("node", "likes", "int"),
    ("edge", "relation", "string"),
)


def edges(core: TrainedModel) -> Iterator[pd.DataFrame]:
    """head, head_label, relation, tail, tail_label of every triple, in chunks; those of items that the model
    keeps out of lists are left out.
    """
    data, (head, relation, tail) = core.directory.dataset, _triples(core)
    of_item, of_entity = _nodes(core)
    labels, names = core.directory.titles, core.directory.entities
    relations = np.array(data.relations, dtype=object)
    for start in range(0, max(len(head), 1), TRIPLES):
        h, r, t = (column[start : start + TRIPLES] for column in (head, relation, tail))
        yield pd.DataFrame(
            {
                "head": of_item[h],
                "head_label": labels[h],
                "relation": relations[r],
                "tail": of_entity[t],
                "tail_label": names[t],
            },
            dtype=str,
        )


def write_graph(core: TrainedModel, out: Path, progress: Progress = silent) -> tuple[int, int]:
    """Write a .graphml or .csv file, whole or not at all; (nodes, edges).

    Raises InputError where the file cannot be written.
    """
    head, _, tail = _triples(core)
    data = core.directory.dataset
    items = np.flatnonzero(~core.kept_out)
    entities = np.unique(tail)
    entities = entities[data.entity_item[entities] < 0]
    with writing(out) as part, part.open("w", encoding="utf-8", newline="") as file:
        parts: Iterator[str]
        if out.suffix == ".csv":
            parts = (
                harmless(chunk).to_csv(index=False, header=n == 0) for n, chunk in enumerate(edges(core))
            )
        else:
            parts = _graphml(core, items, entities)
        for text in progress(parts, -(-len(head) // TRIPLES), "graph"):
            file.write(text)
    met = np.unique(np.r_[head, data.entity_item[tail][data.entity_item[tail] >= 0]])
    return (len(met) if out.suffix == ".csv" else len(items)) + len(entities), len(head)


def _triples(core: TrainedModel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """head, relation and tail `[T]`, without those of items that are kept out."""
    data = core.directory.dataset
    item = data.entity_item[data.tail]
    kept = ~core.kept_out[data.head] & ~((item >= 0) & core.kept_out[np.maximum(item, 0)])
    return data.head[kept], data.relation[kept], data.tail[kept]


def _nodes(core: TrainedModel) -> tuple[np.ndarray, np.ndarray]:
    """The nodes' ids of the items `[I]` and of the entities `[E]`."""
    data = core.directory.dataset
    of_item = np.array([f"item:{legible(str(id_))}" for id_ in core.directory.item_ids], dtype=object)
    numbers = [f"entity:{n}" for n in range(len(data.entities))]
    own = np.where(data.entity_item >= 0, of_item[np.maximum(data.entity_item, 0)], numbers)
    return of_item, own.astype(object)


def _graphml(core: TrainedModel, items: np.ndarray, entities: np.ndarray) -> Iterator[str]:
    """The document: its nodes, then its edges, each with an id of its own (Gephi merges edges of one id)."""
    of_item, of_entity = _nodes(core)
    titles, likes, names = core.directory.titles, core.directory.likes, core.directory.entities
    keys = "".join(
        f'<key id="{name}" for="{of}" attr.name="{name}" attr.type="{type_}"/>\n' for of, name, type_ in _KEYS
    )
    nodes = [
        _node(of_item[i], label=titles[i], kind="item", item_id=core.directory.item_ids[i], likes=likes[i])
        for i in items
    ]
    nodes += [_node(of_entity[e], label=names[e], kind="entity") for e in entities]
    begin = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
    )
    text, number = begin + keys + '<graph edgedefault="directed">\n' + "".join(nodes), 0
    for chunk in edges(core):
        lines = []
        for row in chunk.itertuples(index=False):
            ends = f"source={quoteattr(row.head)} target={quoteattr(row.tail)}"
            lines.append(f'<edge id="e{number}" {ends}>{_data(relation=row.relation)}</edge>\n')
            number += 1
        yield text + "".join(lines)
        text = ""
    yield "</graph>\n</graphml>\n"


def _node(id_: str, **values: object) -> str:
    return f"<node id={quoteattr(id_)}>{_data(**values)}</node>\n"


def _data(**values: object) -> str:
    return "".join(
        f'<data key="{name}">{escape(legible(str(value)))}</data>' for name, value in values.items()
    )
