"""Colours, safe text and a shared plotly figure: the shares of the relations.

Backgrounds are transparent, and Streamlit's theme sets the fonts. plotly interprets some HTML (<b>, <a>,
<br>) in every text, so text from files goes through `plain`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

import pandas as pd
import plotly.graph_objects as go

from dskreg.explorer import percent

# Each has a contrast of at least 3 : 1 with white and with the dark page (tests/test_network.py).
COLOURS = (
    "#128c8c",
    "#c8641b",
    "#6f73d2",
    "#a07c16",
    "#d9534f",
    "#4f8a34",
    "#3b82d6",
    "#b05fc4",
    "#9a6b4a",
    "#2f9e78",
)
WARM_TO_COLD = ("#c8401f", "#d07f00", "#8a8a1f", "#1f9460", "#3b82d6")  # ordered values, the largest first
OTHER = "#868d98"
OTHER_NAME = "other"
LIKED, RECOMMENDED, CHOSEN = "#e0457b", "#0b9e8a", "#e08a00"
LABEL = 30  # characters beside a bar or a point
LONGEST = 200  # characters of any text in a chart, tooltips included
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 13}}
QUIET = {"displayModeBar": False}  # plotly's configuration: without its buttons


def plain(text: object) -> str:
    """Text that plotly shows unchanged."""
    return html.escape(shorten(text, LONGEST), quote=False)


def palette(names: Iterable[str]) -> dict[str, str]:
    """A colour for each of the first ten names, grey for the rest; the order decides the colours."""
    names = list(dict.fromkeys(names))
    return {
        name: COLOURS[place] if place < len(COLOURS) and name != OTHER_NAME else OTHER
        for place, name in enumerate(names)
    }


def ramp(names: Iterable[str]) -> dict[str, str]:
    """Colours for up to five ordered names, warm to cold."""
    return dict(zip(names, WARM_TO_COLD, strict=False))


def shorten(text: object, most: int) -> str:
    """One line of at most `most` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def relation_shares(relations: pd.DataFrame) -> go.Figure:
    """Each relation's share of the candidates and of the softmax mass (`Explanation.relations`)."""
    candidates = relations["candidates"] / max(relations["candidates"].sum(), 1)
    names = [plain(shorten(name, LABEL)) for name in relations["relation"]]
    figure = go.Figure()
    for label, values, colour in (
        ("of the candidates", candidates, OTHER),
        ("of the probability mass", relations["share"], COLOURS[0]),
    ):
        figure.add_bar(
            y=names,
            x=values,
            name=label,
            orientation="h",
            marker_color=colour,
            text=[f"{percent(value)}" for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"%{{y}}: %{{x:.1%}} {label}<extra></extra>",
        )
    figure.update_yaxes(autorange="reversed", automargin=True, tickfont={"size": 13})
    figure.update_xaxes(tickformat=".0%", rangemode="tozero", automargin=True)
    figure.update_layout(
        barmode="group", bargap=0.3, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    )
    return finish(figure, height=58 * len(relations) + 80, right=44)


def finish(figure: go.Figure, height: int, right: int = 8) -> go.Figure:
    """Apply the shared layout: transparent background, narrow margins (pixels), one text size."""
    margin = {"l": 8, "r": right, "t": 8, "b": 8}
    figure.update_layout(
        height=height,
        margin=margin,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 14},
    )
    return figure
