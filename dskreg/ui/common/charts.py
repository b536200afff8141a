"""Colours, safe text, how a figure is shown, and a shared figure: the shares of the relations.

Backgrounds are transparent. plotly interprets some HTML (<b>, <a>, <br>) in every text, so text from files
goes through `plain`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import percent
from dskreg.ui.common.figure import Figure

# Any two of COLOURS, LIKED and OTHER differ by at least 10 in CIEDE2000, as do any two of WARM_TO_COLD, for
# everybody and under deuteranopia and protanopia. Each has a contrast of at least 3 : 1 with the light and
# with the dark page (tests/test_colours.py).
COLOURS = ("#318173", "#f75113", "#0257f4", "#9f9158", "#d01738", "#2886b8", "#b372ff")
WARM_TO_COLD = ("#c5243f", "#e4730b", "#9c8e86", "#4096af", "#0056fc")  # ordered values, the largest first
OTHER = "#868d98"
OTHER_NAME = "other"
LIKED, CHOSEN = "#e33e85", "#e08a00"
# Of text, and of the page below it (.streamlit/config.toml), by "is dark"
INK = {False: "#0f1718", True: "#e8eeee"}
PAGE = {False: "#fdfdfc", True: "#12191b"}
ZOOMED = "axis does not begin at 0"
LABEL = 30  # characters beside a bar or a point
LONGEST = 200  # characters of any text in a chart, tooltips included
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 13}}
QUIET = {"displayModeBar": False}  # plotly's configuration: without its buttons


def plain(text: object) -> str:
    """Text that plotly shows unchanged."""
    return html.escape(shorten(text, LONGEST), quote=False)


def is_dark() -> bool:
    """Whether the visitor sees the dark theme."""
    return bool(st.context.theme.type == "dark")


def show_chart(place: Any, figure: Figure, key: str, alt: str, **more: Any) -> None:
    """A figure in `place`, a container or `st`, with its text in the theme's darkest (lightest) colour.

    The grey of Streamlit's plotly theme has a contrast below 4.5 : 1. `more` goes to st.plotly_chart.
    """
    coloured = {"font": {"color": INK[is_dark()]}}
    axis = {"tickfont": coloured["font"], "title": coloured}
    axes = {name: axis for name in figure.layout if name.startswith(("xaxis", "yaxis"))}
    figure.update(legend=coloured, **coloured, **axes)
    place.plotly_chart(figure.unchecked(), key=key, alt=alt, **{"config": QUIET, **more})


def shorten(text: object, most: int) -> str:
    """One line of at most `most` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def from_zero(values: Iterable[float]) -> dict[str, str]:
    """Settings of an axis of these numbers: from 0, or with a title that says where it is zoomed.

    It is zoomed where all are above half of the largest, whose differences 0 would hide.
    """
    numbers = list(values)
    zoomed = bool(numbers) and min(numbers) > max(numbers) / 2
    return {"title": ZOOMED} if zoomed else {"rangemode": "tozero"}


def relation_shares(relations: pd.DataFrame) -> Figure:
    """Each relation's share of the candidates and of the softmax mass (`Explanation.relations`)."""
    candidates = relations["candidates"] / max(relations["candidates"].sum(), 1)
    names = [plain(shorten(name, LABEL)) for name in relations["relation"]]
    figure = Figure()
    for label, values, colour in (
        ("of the candidates", candidates, OTHER),
        ("of the probability mass", relations["share"], COLOURS[0]),
    ):
        figure.add(
            "bar",
            y=names,
            x=values,
            name=label,
            orientation="h",
            marker={"color": colour},
            text=[f"{percent(value)}" for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"%{{y}}: %{{x:.1%}} {label}<extra></extra>",
        )
    figure.y_axis(autorange="reversed", automargin=True, tickfont={"size": 13})
    figure.x_axis(tickformat=".0%", rangemode="tozero", automargin=True)
    figure.update(barmode="group", bargap=0.3, legend=LEGEND)
    return finish(figure, height=58 * len(relations) + 80, right=44)


def finish(figure: Figure, height: int | None, right: int = 8) -> Figure:
    """Apply the shared layout: transparent background, narrow margins (pixels), one text size."""
    margin = {"l": 8, "r": right, "t": 8, "b": 8}
    return figure.update(
        height=height,
        margin=margin,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 14},
    )
