"""The bump chart: where the same titles stand in several ranked lists."""

from collections.abc import Collection, Hashable, Sequence
from itertools import pairwise

import plotly.graph_objects as go

from dskreg.ui.common.charts import COLOURS, LIKED, OTHER, finish, plain, shorten

TITLE = 18  # characters beside a point: two such columns leave a phone some room for the lines
NARROW = 12  # with more than two lists
ROW, TOP = 27, 46  # pixels: of a rank, of the space for the headings
INK = ("#1c2526", "#e8eeee")  # on a light, on a dark page: the theme's own grey is pale for text this small
KINDS = {"rises": COLOURS[0], "falls": COLOURS[1], "stays": OTHER}
ALONE, FOUND = "in one list only", "hidden title, found"
GUIDE = "A line joins the same title: teal rises to the right, orange falls, grey keeps its rank. Open circle: in one list only."

Entry = tuple[Hashable, str]
"""(key, title); the same key is the same title."""


def slope(
    lists: Sequence[tuple[str, Sequence[Entry]]], found: Collection[Hashable] = (), dark: bool = False
) -> go.Figure:
    """Lists (heading, entries, the best first) side by side, the same titles of neighbouring lists joined;
    `found` get a star; `dark` is the page.
    """
    ink = INK[dark]
    ranks = [{key: rank for rank, (key, _) in enumerate(entries, 1)} for _, entries in lists]
    figure = go.Figure()
    _lines(figure, ranks)
    _points(figure, lists, ranks, set(found))
    longest = max((len(entries) for _, entries in lists), default=1)
    most = TITLE if len(lists) == 2 else NARROW
    scale = {
        "range": [longest + 0.6, 0.4],
        "showgrid": False,
        "zeroline": False,
        "automargin": True,
        "tickfont": {"size": 12, "color": ink},
        "ticks": "",
    }
    figure.update_layout(
        yaxis=scale | _labels(lists[0][1], most),
        yaxis2=scale | _labels(lists[-1][1], most) | {"overlaying": "y", "side": "right"},
        showlegend=False,  # beside the titles it has no room on a phone: GUIDE says it
        hovermode="closest",
    )
    _headings(figure, [heading for heading, _ in lists], ink)
    figure.update_xaxes(
        range=[-0.06, len(lists) - 0.94], showgrid=False, zeroline=False, showticklabels=False
    )
    figure = finish(figure, height=ROW * longest + 60)
    return figure.update_layout(margin_t=TOP)


def _headings(figure: go.Figure, headings: Sequence[str], ink: str) -> None:
    """Names above the lists.

    The outer ones stand over their labels, the inner ones by turns on two lines: so they part on a phone as
    well.
    """
    last = len(headings) - 1
    for place, heading in enumerate(headings):
        side = "right" if place == 0 else "left" if place == last else "center"
        height = 22 if 0 < place < last and place % 2 else 4
        figure.add_annotation(
            x=place,
            y=1,
            yref="paper",
            yanchor="bottom",
            yshift=height,
            xanchor=side,
            showarrow=False,
            text=plain(shorten(heading, TITLE)),
            font={"size": 13, "color": ink},
        )


def _labels(entries: Sequence[Entry], most: int) -> dict[str, object]:
    return {
        "tickvals": list(range(1, len(entries) + 1)),
        "ticktext": [plain(f"{rank}. {shorten(title, most)}") for rank, (_, title) in enumerate(entries, 1)],
    }


def _lines(figure: go.Figure, ranks: list[dict[Hashable, int]]) -> None:
    """A line for every title that two neighbouring lists share, one trace for each direction."""
    across: dict[str, list[float | None]] = {kind: [] for kind in KINDS}
    down: dict[str, list[int | None]] = {kind: [] for kind in KINDS}
    for place, (left, right) in enumerate(pairwise(ranks)):
        for key in left:
            if key in right:
                up = left[key] - right[key]
                kind = list(KINDS)[0 if up > 0 else 1 if up < 0 else 2]
                across[kind] += [place, place + 1, None]
                down[kind] += [left[key], right[key], None]
    for kind, colour in KINDS.items():
        if across[kind]:
            figure.add_scatter(
                x=across[kind],
                y=down[kind],
                mode="lines",
                name=kind,
                line={"color": colour, "width": 2},
                hoverinfo="skip",
            )


def _points(
    figure: go.Figure,
    lists: Sequence[tuple[str, Sequence[Entry]]],
    ranks: list[dict[Hashable, int]],
    found: set[Hashable],
) -> None:
    """A point for every entry: filled where another list has it too, open where none has, a star for what was
    found.
    """
    styles = {"": ("circle", OTHER, 8), ALONE: ("circle-open", OTHER, 9), FOUND: ("star", LIKED, 13)}
    for place, (heading, entries) in enumerate(lists):
        for name, (symbol, colour, size) in styles.items():
            rows = [
                (rank, title)
                for rank, (key, title) in enumerate(entries, 1)
                if _style(key, ranks, found) == name
            ]
            if not rows and (name or place < len(lists) - 1):
                continue  # the last list keeps a trace, however empty: without one its axis is not drawn
            figure.add_scatter(
                x=[place] * len(rows), y=[rank for rank, _ in rows], mode="markers", name=name,
                marker={"symbol": symbol, "color": colour, "size": size}, cliponaxis=False, yaxis="y2" if place == len(lists) - 1 else "y",
                text=[plain(title) for _, title in rows], customdata=[plain(heading)] * len(rows),
                hovertemplate="%{text}: number %{y}, %{customdata}<extra></extra>",
            )  # fmt: skip


def _style(key: Hashable, ranks: list[dict[Hashable, int]], found: set[Hashable]) -> str:
    return FOUND if key in found else "" if sum(key in rank for rank in ranks) > 1 else ALONE
