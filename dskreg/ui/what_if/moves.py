"""Two lists of the same person, before and after a change: the moves in words, and as lines between two
rankings.
"""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dskreg.ui.common.charts import COLOURS, OTHER, finish, plain, shorten

LABEL = 26  # characters beside a line
ROW = 25  # pixels


def in_words(before: object, after: object, top: int) -> str:
    """up 3, down 2, stays; new (was 14) or gone (now 23) where the other list of `top` does not hold the
    title.
    """
    was, now = (None if pd.isna(rank) else int(rank) for rank in (before, after))  # type: ignore[call-overload]
    if now is None:
        return "gone (liked now)"
    if was is None or was > top:
        return "new" if was is None else f"new (was {was})"
    if now > top:
        return f"gone (now {now})"
    return "stays" if was == now else f"up {was - now}" if was > now else f"down {now - was}"


def with_words(moves: pd.DataFrame, top: int) -> pd.DataFrame:
    """`WhatIf.moves` with a column `words`."""
    return moves.assign(
        words=[in_words(b, a, top) for b, a in zip(moves["rank_before"], moves["rank_after"], strict=True)]
    )


def summary(moves: pd.DataFrame) -> str:
    """How many of each kind; `moves` as from `with_words`."""
    kind = moves["words"].str.split().str[0]
    names = {"up": "up", "down": "down", "stays": "in their place", "new": "new", "gone": "gone"}
    return ", ".join(f"{(kind == name).sum()} {text}" for name, text in names.items() if (kind == name).any())


def slopes(moves: pd.DataFrame, top: int) -> go.Figure:
    """A line for each title from its rank before to its rank after; what is outside the list of `top` stands
    below it.
    """
    left, right = _places(moves["rank_before"], top), _places(moves["rank_after"], top)
    figure = go.Figure()
    for start, end, row in zip(left, right, moves.itertuples(), strict=True):
        colour = OTHER if start == end else COLOURS[0] if end < start else COLOURS[1]
        figure.add_scatter(
            x=[0, 1], y=[start, end], mode="lines+markers", showlegend=False, hoverinfo="text", hovertext=plain(f"{row.title}: {row.words}"),
            line={"color": colour, "width": 1.5 if start == end else 2.5}, marker={"size": 7, "color": colour},
        )  # fmt: skip
    names = [f"{_rank(row.rank_after)} {shorten(row.title, LABEL)}" for row in moves.itertuples()]
    lowest = max([*left, *right, top])
    axis = {
        "range": [lowest + 0.6, 0.4],
        "showgrid": False,
        "zeroline": False,
        "automargin": True,
        "tickfont": {"size": 13},
        "ticks": "",
    }
    figure.update_layout(
        yaxis=axis | {"tickvals": left, "ticktext": [_rank(rank) for rank in moves["rank_before"]]},
        yaxis2=axis
        | {
            "tickvals": right,
            "ticktext": [plain(name) for name in names],
            "overlaying": "y",
            "side": "right",
        },
        xaxis={"range": [-0.06, 1.06], "visible": False, "fixedrange": True},
    )
    # An axis without a line is not drawn
    figure.add_scatter(x=[None], y=[None], yaxis="y2", showlegend=False)
    if lowest > top:
        figure.add_hline(y=top + 0.5, line={"color": OTHER, "width": 1, "dash": "dot"})
    return finish(figure, height=round(ROW * (lowest + 1)))


def _rank(rank: object) -> str:
    return "–" if pd.isna(rank) else str(rank)


def _places(ranks: pd.Series, top: int) -> list[int]:
    """The rank itself inside the list; below it, in order, one row each; titles without a rank last."""
    outside = sorted(
        (n for n, rank in enumerate(ranks) if pd.isna(rank) or rank > top),
        key=lambda n: float("inf") if pd.isna(ranks.iloc[n]) else ranks.iloc[n],
    )
    below = {n: top + 1 + place for place, n in enumerate(outside)}
    return [below[n] if n in below else int(rank) for n, rank in enumerate(ranks)]
