"""The graph of one sample, as an option object for ECharts: an item or a user in the middle, the sampled
neighbours on the right, the best unsampled candidates on the left.

ECharts draws labels and tooltips as text, so names need no escaping beyond its `{b}` placeholders.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import pandas as pd

from dskreg.ui.common.charts import LIKED, OTHER, shorten

MOST_SAMPLED, MOST_UNSAMPLED = 24, 8  # edges on either side
ROW, LEAST_HEIGHT, TOP, BOTTOM = 40, 440, 50, 30  # pixels
ACROSS = 80  # pixels from the centre to the arc of the nodes; small, so that narrow screens hardly shrink it
NARROW = 520  # pixels: below, labels are shorter
LABEL, LEGEND, TOOLTIP = 26, 20, 70  # characters of a line

# Colours of the app's themes (.streamlit/config.toml), by "is dark"
TEXT = {False: ("#0f1718", "#566364"), True: ("#e8eeee", "#a3b1b3")}  # sampled, unsampled
PAGE = {False: "#fdfdfc", True: "#12191b"}
CENTRE = {False: "#0f6e6e", True: "#3fb0aa"}
Row = Mapping[Hashable, Any]  # a candidate


@dataclass(frozen=True)
class Graph:
    """The drawing and the same content in other forms."""

    option: dict[str, Any]
    item_ids: list[Any]  # of each node; the centre first
    edges: pd.DataFrame  # one row per edge, sampled candidates first
    alt: str
    height: int  # pixels
    left_out: int  # sampled candidates beyond MOST_SAMPLED

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """The option's nodes; the centre first."""
        return self.option["series"][0]["data"]

    @property
    def links(self) -> list[dict[str, Any]]:
        """The option's links, one per row of `edges`."""
        return self.option["series"][0]["links"]


def build(
    candidates: pd.DataFrame,
    centre: tuple[Any, str],
    colours: Mapping[str, str],
    liked: Collection[Hashable] = (),
    dark: bool = False,
    clickable: bool = False,
) -> Graph:
    """The graph around `centre` (id, title).

    Args:
        candidates: one row per candidate, largest key first.
        colours: one for every relation.
        liked: ids of items that get a heart.
        clickable: whether a node can be selected.
    """
    sampled = candidates[candidates["picked"]]
    sampled = sampled.sort_values("contribution", key=abs, ascending=False, kind="stable")
    left_out = max(0, len(sampled) - MOST_SAMPLED)
    sampled = sampled.head(MOST_SAMPLED)
    unsampled = candidates[~candidates["picked"]].head(MOST_UNSAMPLED)
    edges = (pd.concat([sampled, unsampled]) if len(unsampled) else sampled).reset_index(drop=True)
    records = edges.to_dict("records")
    items: dict[Hashable, list[int]] = {}  # rows of `edges`
    for n, row in enumerate(records):
        items.setdefault(row["item_id"], []).append(n)
    # An item that is sampled under one relation and not under another stands on the right
    right = list(dict.fromkeys(sampled["item_id"]))
    left = [item_id for item_id in items if item_id not in set(right)]
    height = max(LEAST_HEIGHT, ROW * max(len(right), len(left)) + TOP + BOTTOM)
    half = (height - TOP - BOTTOM) / 2
    places = {**_places(right, 1, half), **_places(left, -1, half)}
    nodes = [_centre(centre[1], dark)]
    links: list[dict[str, Any]] = [{} for _ in records]
    strongest = max(float(sampled["contribution"].abs().max()), 1e-12) if len(sampled) else 1.0
    for item_id, numbers in items.items():
        rows = [records[n] for n in numbers]
        colour = colours.get(rows[0]["relation"], OTHER)
        number = str(len(nodes))
        nodes.append(_node(number, rows, places[item_id], colour, TEXT[dark], item_id in liked))
        for place, (n, row) in enumerate(zip(numbers, rows, strict=True)):
            link = _link(row, colours.get(row["relation"], OTHER), strongest, curveness=0.2 * place)
            links[n] = {"source": number, "target": "0", **link}
    alt = _sentence(centre[1], sampled, unsampled)
    option = _option(nodes, links, _legend(edges["relation"], colours), dark, clickable)
    return Graph(option, [centre[0], *items], edges, alt, height, left_out)


def _places(item_ids: Sequence[Hashable], side: int, half: float) -> dict[Hashable, tuple[float, float]]:
    """Positions on an arc beside the centre, evenly spaced in height so that labels do not overlap."""
    places = {}
    for place, item_id in enumerate(item_ids):
        y = 0.0 if len(item_ids) == 1 else 2 * place / (len(item_ids) - 1) - 1
        places[item_id] = (side * ACROSS * (0.55 + 0.45 * sqrt(max(0.0, 1 - 0.9 * y * y))), half * y)
    return places


def _centre(title: str, dark: bool) -> dict[str, Any]:
    label = {"position": "bottom", "color": TEXT[dark][0], "fontWeight": "bold", "fontSize": 13}
    label |= {"textBorderColor": PAGE[dark], "textBorderWidth": 3}  # the label crosses lines
    return {
        "id": "0",
        "name": _label(title),
        "value": title,
        "x": 0,
        "y": 0,
        "symbolSize": 34,
        "label": label,
        "itemStyle": {"color": CENTRE[dark]},
        "tooltip": {"formatter": _text(title)},
    }


def _node(
    number: str,
    rows: Sequence[Row],
    place: tuple[float, float],
    colour: str,
    inks: tuple[str, str],
    liked: bool,
) -> dict[str, Any]:
    title, sampled = rows[0]["title"], any(row["picked"] for row in rows)
    probability = max(row["inclusion_probability"] for row in rows)
    figures = f"{sum(row['contribution'] for row in rows):+.3f}, π {probability:.0%}"
    heart = "\u2665 " if liked else ""
    return {
        "id": number,
        "name": f"{heart}{_label(title)}\n{figures if sampled else f'π {probability:.0%}'}",
        "value": title,
        "x": place[0],
        "y": place[1],
        "symbolSize": 12 + 12 * float(probability),
        "itemStyle": {
            "color": colour if sampled else "rgba(0,0,0,0)",
            "borderColor": LIKED if liked else colour,
            "borderWidth": 2,
        },
        "label": {"position": "right" if place[0] > 0 else "left", "color": inks[0 if sampled else 1]},
        "tooltip": {"formatter": "\n".join([_text(title) + " (liked)" * liked, *map(_facts, rows)])},
    }


def _link(row: Row, colour: str, strongest: float, curveness: float) -> dict[str, Any]:
    """Parallel edges of one item curve away from each other."""
    line = {"color": colour, "curveness": round(curveness, 2)}
    if row["picked"]:
        line["width"] = round(1.5 + 5 * abs(row["contribution"]) / strongest, 2)
    else:
        line |= {"width": 1.2, "type": "dashed", "opacity": 0.7}
    return {"lineStyle": line, "tooltip": {"formatter": f"{_text(row['title'])}\n{_facts(row)}"}}


def _facts(row: Row) -> str:
    """Lines on an edge: relation and shared entities, then the numbers of the sample."""
    via = f" ({', '.join(map(str, row['via'][:3]))})" if len(row["via"]) else ""
    outcome = f"sampled, contribution {row['contribution']:+.4f}" if row["picked"] else "not sampled"
    numbers = f"logit {row['logit']:.2f}, inclusion probability {row['inclusion_probability']:.1%}"
    numbers += f", lift {row['lift']:.1f}" if "lift" in row else ""
    return "\n".join((_text(f"{row['relation']}{via}"), outcome, numbers))


def _legend(relations: Iterable[str], colours: Mapping[str, str]) -> list[dict[str, Any]]:
    """One category per relation; ECharts draws the legend from them."""
    names = dict.fromkeys(relations)
    return [{"name": _text(name, LEGEND), "itemStyle": {"color": colours.get(name, OTHER)}} for name in names]


def _option(
    nodes: list[dict[str, Any]],
    links: list[dict[str, Any]],
    categories: list[dict[str, Any]],
    dark: bool,
    clickable: bool,
) -> dict[str, Any]:
    series = {
        "type": "graph",
        "layout": "none",
        "preserveAspect": "contain",  # otherwise ECharts stretches the symbols
        "data": nodes,
        "links": links,
        "categories": categories,
        "left": "30%",
        "right": "30%",
        "top": TOP,
        "bottom": BOTTOM,
        "cursor": "pointer" if clickable else "default",
        "label": {"show": True, "width": 175, "overflow": "truncate", "fontSize": 13, "lineHeight": 16},
        "selectedMode": "single" if clickable else False,
        "edgeSymbol": ["none", "arrow"],
        "edgeSymbolSize": 7,
        "select": {"itemStyle": {"borderWidth": 4}},
    }
    legend = {"type": "scroll", "top": 0, "left": 0, "selectedMode": False, "icon": "roundRect"}
    legend |= {"itemWidth": 14, "textStyle": {"color": TEXT[dark][1], "fontSize": 13}}
    narrow = {"series": [{"left": "33%", "right": "33%", "label": {"width": 112}}]}
    return {
        "animationDurationUpdate": 200,
        "tooltip": {"renderMode": "richText", "confine": True},
        "legend": legend,
        "series": [series],
        "media": [{"query": {"maxWidth": NARROW}, "option": narrow}],
    }


def _sentence(centre: str, sampled: pd.DataFrame, unsampled: pd.DataFrame) -> str:
    name = shorten(centre, TOOLTIP)
    if not len(sampled):
        return f"{name} has no candidates."
    strongest = ", ".join(
        f"{shorten(row.title, TOOLTIP)} ({shorten(row.relation, TOOLTIP)}, {row.contribution:+.3f})"
        for row in sampled.head(3).itertuples()
    )
    return (
        f"{name} with {len(sampled)} sampled neighbours on the right, largest contribution first: "
        f"{strongest}; {len(unsampled)} unsampled candidates on the left."
    )


def _label(title: object) -> str:
    return _text(title, LABEL) or "(no title)"


def _text(text: object, most: int = TOOLTIP) -> str:
    """One line without ECharts' placeholders and rich-text marks: a word joiner after each brace and bar."""
    return shorten(text, most).replace("{", "{\u2060").replace("|", "|\u2060")
