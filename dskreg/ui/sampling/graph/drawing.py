"""Nodes and links of a sampled subgraph in ECharts' terms.

ECharts draws labels and tooltips as text, so names need no escaping beyond its `{b}` placeholders.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dskreg.explorer import percent, signed
from dskreg.ui.common.charts import LIKED, OTHER, PAGE, shorten
from dskreg.ui.sampling.graph.layers import Edge, Node, Row, Subgraph
from dskreg.ui.sampling.graph.marks import NEGATIVE

TOOLTIP = 70  # characters of a line

# Colours of the app's themes (.streamlit/config.toml), by "is dark"
TEXT = {False: ("#0f1718", "#566364"), True: ("#e8eeee", "#a3b1b3")}  # sampled, unsampled
CENTRE = {False: "#0f6e6e", True: "#3fb0aa"}


@dataclass(frozen=True)
class Layout:
    """Columns in percent of the width, rows and labels in pixels."""

    columns: tuple[float, ...]
    row: int
    line: int  # characters of a label's line
    own: int  # width of the item's label
    label: int  # width of the other labels
    narrow: int  # the same on narrow screens
    font: int  # pixels
    small: int  # the same on narrow screens


LAYOUTS = {
    1: Layout((12, 40, 64), row=52, line=18, own=84, label=168, narrow=116, font=13, small=12),
    2: Layout((9, 29, 50, 71, 91), row=68, line=12, own=84, label=104, narrow=70, font=12, small=11),
}


class Drawing:
    """Nodes and links of a subgraph in ECharts' terms."""

    def __init__(
        self,
        layers: Subgraph,
        layout: Layout,
        colours: Mapping[str, str],
        marks: Mapping[str, tuple[str, str]],
        liked: Collection[Hashable],
        dark: bool,
    ) -> None:
        self.layers, self.layout, self.colours, self.marks = layers, layout, colours, marks
        self.liked, self.dark = liked, dark
        self.strongest = {  # absolute contribution of a hop
            hop: max(
                (abs(edge.row["contribution"]) for edge in layers.edges if edge.row and edge.hop == hop),
                default=0.0,
            )
            or 1.0
            for hop in (1, 2)
        }

    def nodes(self) -> list[dict[str, Any]]:
        made = []
        for number, node in enumerate(self.layers.nodes):
            look = (
                self._centre(node)
                if not number
                else self._entity(node)
                if node.is_entity
                else self._item(node)
            )
            value = [self.layout.columns[node.column], round(node.y, 3)]
            made.append({"id": str(number), "value": value, **look})
        return made

    def minus_signs(self) -> list[list[float]]:
        """Where a sampled neighbour's total contribution is negative."""
        return [
            [self.layout.columns[node.column], round(node.y, 3)]
            for node in self.layers.nodes
            if sum(row["contribution"] for row in node.rows) < 0 and not node.is_entity
        ]

    def _centre(self, node: Node) -> dict[str, Any]:
        label = self._under(TEXT[self.dark][0])
        label |= {"width": self.layout.own, "fontWeight": "bold"}
        return {
            "name": label_of(node.name, 12),
            "symbolSize": 30,
            "label": label,
            "itemStyle": {"color": CENTRE[self.dark]},
            "tooltip": {"formatter": text(node.name)},
        }

    def _entity(self, node: Node) -> dict[str, Any]:
        sampled = any(row["picked"] for row in node.rows)
        colour = self.colours.get(node.relation, OTHER)
        count = len({row["item_id"] for row in node.rows if row["picked"]})
        shared = f"shared with {count} sampled neighbour{'s' * (count != 1)}"
        what = f"{text(node.name)}\n{text(node.relation)}" if node.name else f"{text(node.relation)} (direct)"
        return {
            "name": label_of(node.name or node.relation, self.layout.line),
            "symbol": self.marks[node.relation][0],
            "symbolSize": 15 if sampled else 12,
            "label": self._under(TEXT[self.dark][0 if sampled else 1]),
            "itemStyle": {
                "color": colour if sampled else PAGE[self.dark],
                "borderColor": colour,
                "borderWidth": 0 if sampled else 2,
            },
            "tooltip": {"formatter": f"{what}\n{shared}"},
            "cursor": "default",
        }

    def _item(self, node: Node) -> dict[str, Any]:
        sampled, liked = any(row["picked"] for row in node.rows), node.item_id in self.liked
        probability = max(row["inclusion_probability"] for row in node.rows)
        total = sum(row["contribution"] for row in node.rows)
        figures = f"π {percent(probability)}"
        if sampled:
            figures = signed(total, 3 if abs(total) >= 5e-4 else 4) + f", {figures}" * (
                len(self.layout.columns) == 3
            )
        negative, inks = sampled and total < 0, TEXT[self.dark]
        colour = NEGATIVE[self.dark] if negative else inks[1]
        heart = "\u2665 " if liked else ""
        label = self._under(inks[0 if sampled else 1])
        if len(self.layout.columns) == 3:
            label = {"position": "right", "color": label["color"]}
        return {
            "name": f"{label_of(heart + node.name, self.layout.line)}\n{figures}",
            "symbolSize": 16 if negative else 14,
            "itemStyle": {
                "color": colour if sampled else PAGE[self.dark],
                "borderColor": LIKED if liked else colour,
                "borderWidth": 2,
            },
            "label": label,
            "tooltip": {
                "formatter": "\n".join([text(node.name) + " (liked)" * liked, *map(_facts, node.rows)])
            },
        }

    def _under(self, colour: str) -> dict[str, Any]:
        """A label below its node; edges pass behind it."""
        halo = {"textBorderColor": PAGE[self.dark], "textBorderWidth": 3}
        return {"position": "bottom", "distance": 3, "align": "center", "color": colour, **halo}

    def links(self) -> list[dict[str, Any]]:
        return [
            {"source": str(edge.start), "target": str(edge.end), **self._link(edge)}
            for edge in self.layers.edges
        ]

    def _link(self, edge: Edge) -> dict[str, Any]:
        start, end, row = self.layers.nodes[edge.start], self.layers.nodes[edge.end], edge.row
        if row is None:
            colour = self.colours.get(end.relation, OTHER)
            line = {"color": colour, "width": 1.5, "opacity": 0.8}
            if not any(each["picked"] for each in end.rows):
                line |= {"width": 1.2, "type": "dotted", "opacity": 0.8}
            facts = f"{text(start.name)}\n{text(': '.join(filter(None, (end.relation, end.name))))}"
            return {"lineStyle": line, "tooltip": {"formatter": facts}}
        line = {"color": self.colours.get(row["relation"], OTHER)}
        if row["picked"]:
            widest = 4.0 if edge.hop == 1 else 2.0
            share = abs(row["contribution"]) / self.strongest[edge.hop]
            line |= {"width": round(1.5 + widest * share, 2), "opacity": 0.85}
            if row["contribution"] < 0:
                line |= {"color": NEGATIVE[self.dark], "type": "dashed"}
        else:
            line |= {"width": 1.2, "type": "dotted", "opacity": 0.8}
        return {"lineStyle": line, "tooltip": {"formatter": f"{text(row['title'])}\n{_facts(row)}"}}


def _facts(row: Row) -> str:
    """Lines on an edge: relation and shared entities, then the numbers of the sample."""
    via = f" ({', '.join(map(str, row['via'][:3]))})" if len(row["via"]) else ""
    outcome = f"sampled, contribution {signed(row['contribution'], 4)}" if row["picked"] else "not sampled"
    numbers = f"logit {row['logit']:.2f}, inclusion probability {row['inclusion_probability']:.1%}"
    numbers += f", lift {row['lift']:.1f}" if "lift" in row else ""
    return "\n".join((text(f"{row['relation']}{via}"), outcome, numbers))


def label_of(title: object, most: int) -> str:
    """A name as one or two lines of about `most` characters; of a long one the beginning and the end, since
    sequels begin alike.
    """
    whole = text(title, TOOLTIP * 4).split()
    words = [word[n : n + most] for word in whole for n in range(0, len(word), most)]
    first, last = _fill(words, most), _fill(words[::-1], most - 1)[::-1]
    rest = words[len(first) :]
    if len(rest) > len(_fill(rest, most)):
        rest = [f"…{last[0]}", *last[1:]]
    return "\n".join(shorten(" ".join(line), most) for line in (first, rest) if line) or "(no title)"


def _fill(words: Sequence[str], most: int) -> list[str]:
    """The first words that fit into a line, at least one."""
    count = 1
    while count < len(words) and len(" ".join(words[: count + 1])) <= most:
        count += 1
    return list(words[:count])


def text(text: object, most: int = TOOLTIP) -> str:
    """One line without ECharts' placeholders and rich-text marks: a word joiner after each brace and bar."""
    return shorten(text, most).replace("{", "{\u2060").replace("|", "|\u2060")
