"""What is written and drawn over a map: the names of its regions, and arrows."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dskreg.ui.common.charts import LABEL, plain, shorten
from dskreg.ui.embeddings.scatter import LETTER, LINE

WIDE, NARROW = 560, 330  # pixels of a whole map on a desk and on a telephone


def name_regions(
    figure: go.Figure,
    regions: pd.DataFrame,
    extent: pd.DataFrame,
    dark: bool,
    clear: Sequence[tuple[float, float]] = (),
) -> int:
    """Write the regions' labels (x, y, label; the most important first) on the map, so that none covers
    another.

    Args:
        extent: the map's points, x and y.
        clear: places that no label may cover.

    Returns:
        How many of the labels, which come first, also fit on a telephone's screen.
    """
    span = max(float(np.ptp(extent["x"])), float(np.ptp(extent["y"])), 1e-9) if len(extent) else 1.0
    wide = _fitting(regions, span / WIDE, clear)
    narrow = [row for row in _fitting(regions, span / NARROW, clear) if row in wide]
    look = {
        "showarrow": False,
        "font": {"size": 12, "color": "#e8eeee" if dark else "#0f1718"},
        "bgcolor": "rgba(18,25,27,0.72)" if dark else "rgba(253,253,252,0.78)",
        "borderpad": 1,
    }
    named = regions.loc[[*narrow, *(row for row in wide if row not in narrow)]]
    labels = [
        {"x": row.x, "y": row.y, "text": plain(shorten(row.label, LABEL)), **look}
        for row in named.itertuples()
    ]
    # At once: one after another plotly would look at all of them each time
    figure.layout.annotations = [*figure.layout.annotations, *labels]
    return len(narrow)


def _fitting(regions: pd.DataFrame, pixel: float, clear: Sequence[tuple[float, float]]) -> list[Hashable]:
    """The rows whose labels stand free of those before them and of the places `clear`, where a pixel is so
    large on the map.
    """
    taken = [(x, y, 8 * pixel) for x, y in clear]
    rows = []
    for row, x, y, text in zip(
        regions.index,
        regions["x"],
        regions["y"],
        (shorten(label, LABEL) for label in regions["label"]),
        strict=True,
    ):
        half = (len(text) * LETTER / 2 + 4) * pixel
        if text and all(
            abs(x - other[0]) > half + other[2] or abs(y - other[1]) > LINE * pixel for other in taken
        ):
            taken.append((x, y, half))
            rows.append(row)
    return rows


def add_moves(figure: go.Figure, moves: pd.DataFrame, colour: str) -> None:
    """Arrows from each title's place before the graph (raw_x, raw_y) to that after it (x, y)."""
    for n, row in enumerate(moves.itertuples()):
        figure.add_trace(
            go.Scatter(
                x=[row.raw_x, row.x],
                y=[row.raw_y, row.y],
                mode="lines+markers",
                name="moved by the graph",
                showlegend=n == 0,
                legendgroup="moved",
                hoverinfo="skip",
                line={"color": colour, "width": 1.5},
                marker={
                    "symbol": ["circle-open", "arrow"],
                    "size": [6, 10],
                    "angleref": "previous",
                    "color": colour,
                },
            )
        )
