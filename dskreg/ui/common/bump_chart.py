"""Bump charts: the ranks of the same items in several lists, or before and after a change."""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from dskreg.ui.common.charts import COLOURS, LIKED, OTHER, finish, plain, shorten
from dskreg.ui.common.figure import Figure

TITLE = 18  # characters beside a point: two such columns leave a phone some room for the lines
NARROW = 12  # with more than two lists
WIDE = 26  # with titles on one side alone
ROW, HEADINGS = 27, 46  # pixels: of a rank, of the space for the headings
KINDS = {"rises": COLOURS[0], "falls": COLOURS[1], "unchanged": OTHER}
SHARED, ALONE, FOUND = "in several lists", "in one list only", "held-out item"
STYLES = {SHARED: ("circle", OTHER, 8), ALONE: ("circle-open", OTHER, 9), FOUND: ("star", LIKED, 13)}
GUIDE = (
    "A line joins the same item: teal rises to the right, orange falls, grey keeps its rank. "
    "Open circle: in one list only."
)

Entry = tuple[Hashable, str]
"""(key, title); the same key is the same item."""


@dataclass(frozen=True)
class Point:
    """An item in one column of the chart.

    key:   the same key is the same item in every column
    row:   1 is the top
    label: the text beside the outer columns
    hover: the text where the mouse rests, after the title
    style: one of STYLES
    """

    key: Hashable
    row: int
    label: str
    hover: str
    style: str = SHARED


def of_lists(lists: Sequence[tuple[str, Sequence[Entry]]], found: Collection[Hashable] = ()) -> Figure:
    """Lists (heading, entries, the best first) side by side; the items in `found` get a star."""
    width = TITLE if len(lists) == 2 else NARROW
    times = [key for _, entries in lists for key, _ in entries]
    columns = [
        [
            Point(
                key,
                rank,
                f"{rank}. {shorten(title, width)}",
                f"{plain(title)}: rank {rank}, {plain(heading)}",
                FOUND if key in found else SHARED if times.count(key) > 1 else ALONE,
            )
            for rank, (key, title) in enumerate(entries, 1)
        ]
        for heading, entries in lists
    ]
    figure = bump_chart(columns)
    _headings(figure, [heading for heading, _ in lists])
    return figure.update(height=figure.layout["height"] + HEADINGS, margin={"t": HEADINGS})


def of_moves(moves: pd.DataFrame, top: int) -> Figure:
    """Each item's rank before and after a change (`WhatIf.moves` with a column `words`).

    Items outside the list of `top` stand below a dotted line, one row each.
    """
    hovers = [plain(f"{title}: {words}") for title, words in zip(moves["title"], moves["words"], strict=True)]
    labels = (
        [_rank(rank) for rank in moves["rank_before"]],
        [
            f"{_rank(rank)} {shorten(title, WIDE)}"
            for rank, title in zip(moves["rank_after"], moves["title"], strict=True)
        ],
    )
    columns = [
        [Point(*row) for row in zip(moves.index, _rows(moves[side], top), texts, hovers, strict=True)]
        for side, texts in zip(("rank_before", "rank_after"), labels, strict=True)
    ]
    figure = bump_chart(columns)
    if any(point.row > top for column in columns for point in column):
        below = {"x0": 0, "x1": 1, "xref": "x domain", "y0": top + 0.5, "y1": top + 0.5, "yref": "y"}
        figure.add_line({"color": OTHER, "width": 1, "dash": "dot"}, **below)
    return figure


def bump_chart(columns: Sequence[Sequence[Point]]) -> Figure:
    """A column of points for each ranking, and a line for each item that two neighbouring columns share."""
    figure = Figure()
    _lines(figure, [{point.key: point.row for point in column} for column in columns])
    _points(figure, columns)
    lowest = max((point.row for column in columns for point in column), default=1)
    scale = {
        "range": [lowest + 0.6, 0.4],
        "showgrid": False,
        "zeroline": False,
        "automargin": True,
        "tickfont": {"size": 12},
        "ticks": "",
    }
    figure.update(
        yaxis=scale | _labels(columns[0]),
        yaxis2=scale | _labels(columns[-1]) | {"overlaying": "y", "side": "right"},
        showlegend=False,  # a phone has no room for it beside the titles: GUIDE explains the marks
        hovermode="closest",
    )
    figure.x_axis(
        range=[-0.06, len(columns) - 0.94],
        showgrid=False,
        zeroline=False,
        showticklabels=False,
        fixedrange=True,
    )
    return finish(figure, height=ROW * lowest + 14)


def _headings(figure: Figure, headings: Sequence[str]) -> None:
    """Names above the lists.

    The outer ones stand over their labels. The inner ones alternate between two lines, so that they do not
    overlap on a phone.
    """
    last = len(headings) - 1
    for place, heading in enumerate(headings):
        side = "right" if place == 0 else "left" if place == last else "center"
        height = 22 if 0 < place < last and place % 2 else 4
        figure.annotate(
            x=place,
            y=1,
            yref="paper",
            yanchor="bottom",
            yshift=height,
            xanchor=side,
            text=plain(shorten(heading, TITLE)),
            font={"size": 13},
        )


def _labels(column: Sequence[Point]) -> dict[str, object]:
    return {
        "tickvals": [point.row for point in column],
        "ticktext": [plain(point.label) for point in column],
    }


def _lines(figure: Figure, columns: list[dict[Hashable, int]]) -> None:
    """One trace for each direction in which items move from a column to the next."""
    across: dict[str, list[float | None]] = {kind: [] for kind in KINDS}
    down: dict[str, list[int | None]] = {kind: [] for kind in KINDS}
    for place, (left, right) in enumerate(pairwise(columns)):
        for key in left:
            if key in right:
                up = left[key] - right[key]
                kind = list(KINDS)[0 if up > 0 else 1 if up < 0 else 2]
                across[kind] += [place, place + 1, None]
                down[kind] += [left[key], right[key], None]
    for kind, colour in KINDS.items():
        if across[kind]:
            figure.add(
                "scatter",
                x=across[kind],
                y=down[kind],
                mode="lines",
                name=kind,
                line={"color": colour, "width": 2},
                hoverinfo="skip",
            )


def _points(figure: Figure, columns: Sequence[Sequence[Point]]) -> None:
    """One trace for each column and style of point."""
    last = len(columns) - 1
    for place, column in enumerate(columns):
        for style, (symbol, colour, size) in STYLES.items():
            points = [point for point in column if point.style == style]
            if not points and (style != SHARED or place < last):
                continue  # the last column keeps an empty trace: plotly draws no axis without one
            figure.add(
                "scatter",
                x=[place] * len(points),
                y=[point.row for point in points],
                mode="markers",
                name=style,
                marker={"symbol": symbol, "color": colour, "size": size},
                cliponaxis=False,
                yaxis="y2" if place == last else "y",
                text=[point.hover for point in points],
                hovertemplate="%{text}<extra></extra>",
            )


def _rank(rank: object) -> str:
    return "–" if pd.isna(rank) else str(rank)


def _rows(ranks: pd.Series, top: int) -> list[int]:
    """The rank itself inside the list; below it, in order, one row each; items without a rank last."""
    outside = sorted(
        (n for n, rank in enumerate(ranks) if pd.isna(rank) or rank > top),
        key=lambda n: float("inf") if pd.isna(ranks.iloc[n]) else ranks.iloc[n],
    )
    below = {n: top + 1 + place for place, n in enumerate(outside)}
    return [below[n] if n in below else int(rank) for n, rank in enumerate(ranks)]
