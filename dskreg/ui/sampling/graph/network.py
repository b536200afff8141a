"""The graph of one sample, as an option object for ECharts: the item on the left, the entities that it shares
in the middle, the sampled neighbours and the best unsampled candidates on the right; on demand a second hop.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import pandas as pd

from dskreg.explorer import signed
from dskreg.ui.common.charts import OTHER, PAGE, shorten
from dskreg.ui.sampling.graph.drawing import LAYOUTS, TEXT, TOOLTIP, Drawing, text
from dskreg.ui.sampling.graph.layers import Row, Subgraph, subgraph
from dskreg.ui.sampling.graph.marks import shapes

MOST_SAMPLED, MOST_UNSAMPLED = 24, 4  # edges
SECOND_ITEMS, SECOND_EACH = 8, 3  # neighbours whose own sample is drawn, and edges of each
NARROW = 520  # pixels: below, labels are shorter
LEGEND = 20  # characters of a name
TOP, BOTTOM, LEAST_HEIGHT = 44, 26, 300  # pixels


@dataclass(frozen=True)
class Graph:
    """The drawing and the same content in other forms."""

    option: dict[str, Any]
    subgraph: Subgraph
    glyphs: list[str]  # the shape of each node as a character; empty for an item
    legend: list[str]  # the same of each relation in the legend
    edges: pd.DataFrame  # one row per candidate drawn, sampled candidates first
    alt: str
    height: int  # pixels
    left_out: int  # sampled candidates beyond MOST_SAMPLED

    @property
    def caption(self) -> str:
        """How to read the drawing."""
        liked = " \u2665: liked." if any("\u2665" in node["name"] for node in self.nodes) else ""
        lines = (
            "Each neighbour is linked to the item through the entities that both share. Edges are wider with "
            "the absolute contribution. Dashed vermilion, with a minus sign: negative."
        )
        if max(node.column for node in self.subgraph.nodes) > 2:
            back = self.subgraph.back
            hidden = f" Not drawn: {back} sampled edge{'s' * (back != 1)} back to the item." if back else ""
            return (
                f"{lines} Second hop: up to {SECOND_EACH} sampled edges of each neighbour, with their "
                f"contribution to its own score.{hidden}{liked}"
            )
        return (
            f"{lines} Solid: sampled. Dotted: the unsampled candidates with the largest keys. "
            f"π: inclusion probability.{liked}"
        )

    @property
    def item_ids(self) -> list[Any]:
        """Of each node, the item in question first; None for an entity."""
        return [node.item_id for node in self.subgraph.nodes]

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """The option's nodes."""
        return self.option["series"][0]["data"]

    @property
    def links(self) -> list[dict[str, Any]]:
        """The option's links, one per edge of the subgraph."""
        return self.option["series"][0]["links"]


def build(
    candidates: pd.DataFrame,
    centre: tuple[Any, str],
    colours: Mapping[str, str],
    liked: Collection[Hashable] = (),
    dark: bool = False,
    clickable: bool = False,
    second: Mapping[Hashable, pd.DataFrame] | None = None,
) -> Graph:
    """The graph around `centre` (id, title).

    Args:
        candidates: one row per candidate, largest key first.
        colours: one for every relation; their order decides the shapes.
        liked: ids of items that get a heart.
        clickable: whether a node can be selected.
        second: the candidates of neighbours, by their ids, for a second hop.
    """
    rows = candidates.to_dict("records")
    sampled = _sampled(rows)
    left_out = max(0, len(sampled) - MOST_SAMPLED)
    sampled = sampled[:MOST_SAMPLED]
    unsampled = [n for n, row in enumerate(rows) if not row["picked"]][: 0 if second else MOST_UNSAMPLED]
    edges = candidates.take([*sampled, *unsampled]).reset_index(drop=True)
    more = {}
    for item_id, frame in (second or {}).items():
        of = frame.to_dict("records")
        more[item_id] = [of[n] for n in _sampled(of)[:SECOND_EACH]], of
    layers = subgraph(centre, [rows[n] for n in (*sampled, *unsampled)], rows, more)
    relations = list(dict.fromkeys(node.relation for node in layers.nodes if node.is_entity))
    layout, marks = LAYOUTS[2 if more else 1], shapes([*colours, *relations])
    draw = Drawing(layers, layout, colours, marks, liked, dark)
    option = _option(draw, _legend(relations, colours), clickable)
    option["legend"]["data"] = [{"name": text(name, LEGEND), "icon": marks[name][0]} for name in relations]
    glyphs = [marks[node.relation][1] if node.is_entity else "" for node in layers.nodes]
    height = max(LEAST_HEIGHT, layout.row * layers.height + TOP + BOTTOM)
    alt = _sentence(centre[1], [rows[n] for n in sampled], len(unsampled), layers)
    legend = [marks[name][1] for name in relations]
    return Graph(option, layers, glyphs, legend, edges, alt, height, left_out)


def neighbours(candidates: pd.DataFrame) -> list[Any]:
    """Ids of the neighbours whose own sample belongs to a second hop, largest contribution first."""
    rows = candidates.to_dict("records")
    return list(dict.fromkeys(rows[n]["item_id"] for n in _sampled(rows)))[:SECOND_ITEMS]


def _sampled(rows: Sequence[Row]) -> list[int]:
    """The places of the sampled candidates, the largest contribution, positive or negative, first."""
    sampled = [n for n, row in enumerate(rows) if row["picked"]]
    return sorted(sampled, key=lambda n: -abs(rows[n]["contribution"]))


def _legend(relations: Iterable[str], colours: Mapping[str, str]) -> list[dict[str, Any]]:
    """One category per relation; ECharts draws the legend from them."""
    return [
        {"name": text(name, LEGEND), "itemStyle": {"color": colours.get(name, OTHER)}} for name in relations
    ]


def _option(draw: Drawing, categories: list[dict[str, Any]], clickable: bool) -> dict[str, Any]:
    layout, dark = draw.layout, draw.dark
    label = {"show": True, "width": layout.label, "overflow": "truncate", "fontSize": layout.font}
    small = {"label": {"width": layout.narrow, "fontSize": layout.small, "lineHeight": layout.small + 3}}
    series = {
        "type": "graph",
        "coordinateSystem": "cartesian2d",  # places follow the width; symbols and text keep their size
        "data": draw.nodes(),
        "links": draw.links(),
        "categories": categories,
        "cursor": "pointer" if clickable else "default",
        "label": {**label, "lineHeight": layout.font + 3},
        "selectedMode": "single" if clickable else False,
        "emphasis": {"focus": "adjacency"},
        "select": {"itemStyle": {"borderWidth": 4}},
    }
    signs = {
        "type": "scatter",
        "data": draw.minus_signs(),
        "symbol": "rect",
        "symbolSize": [8, 2.5],
        "itemStyle": {"color": PAGE[dark]},
        "silent": True,
        "z": 3,
    }
    legend = {"type": "scroll", "top": 0, "left": 0, "selectedMode": False, "itemWidth": 14}
    legend |= {"textStyle": {"color": TEXT[dark][1], "fontSize": 13}}
    axis = {"type": "value", "show": False, "min": 0}
    return {
        "animation": False,
        "tooltip": {"renderMode": "richText", "confine": True},
        "legend": legend,
        "grid": {"left": 0, "right": 0, "top": TOP, "bottom": BOTTOM, "outerBoundsMode": "none"},
        "xAxis": {**axis, "max": 100},
        "yAxis": {**axis, "max": draw.layers.height, "inverse": True},
        "series": [series, signs],
        "media": [{"query": {"maxWidth": NARROW}, "option": {"series": [small]}}],
    }


def _sentence(centre: str, sampled: Sequence[Row], unsampled: int, layers: Subgraph) -> str:
    name = shorten(centre, TOOLTIP)
    if not len(sampled):
        return f"{name} has no candidates."
    strongest = ", ".join(
        f"{shorten(title, TOOLTIP)} ({shorten(relation, TOOLTIP)}, {signed(contribution)})"
        for title, relation, contribution in map(itemgetter("title", "relation", "contribution"), sampled[:3])
    )
    named = [shorten(node.name, LEGEND) for node in layers.nodes if node.column == 1 and node.name]
    through = f" through {', '.join(named[:3])}{' and others' * (len(named) > 3)}" if named else ""
    return (
        f"{name} with {len(sampled)} sampled neighbours{through}, largest contribution first: "
        f"{strongest}; {unsampled} unsampled candidates."
    )
