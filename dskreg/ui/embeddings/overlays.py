"""Overlays of a map: region labels, and arrows that show displacement."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dskreg.ui.common.charts import LABEL, plain, shorten
from dskreg.ui.embeddings.scatter import LETTER, LINE

WIDE, NARROW = 560, 330  # width of the whole map in pixels on a desktop and on a phone


def label_regions(
    figure: go.Figure,
    regions: pd.DataFrame,
    extent: pd.DataFrame,
    dark: bool,
    clear: Sequence[tuple[float, float]] = (),
) -> int:
    """Draw the labels of the regions (x, y, label; the most important first) without overlaps.

    Args:
        extent: the map's points, x and y.
        clear: positions that no label may cover.

    Returns:
        The number of labels that also fit on a phone; these come first.
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
    labelled = regions.loc[[*narrow, *(row for row in wide if row not in narrow)]]
    labels = [
        {"x": row.x, "y": row.y, "text": plain(shorten(row.label, LABEL)), **look}
        for row in labelled.itertuples()
    ]
    # Assigned together: plotly validates all annotations at each assignment
    figure.layout.annotations = [*figure.layout.annotations, *labels]
    return len(narrow)


def _fitting(regions: pd.DataFrame, pixel: float, clear: Sequence[tuple[float, float]]) -> list[Hashable]:
    """The rows whose labels overlap neither earlier labels nor the positions `clear`.

    `pixel` is the size of a pixel in the map's units.
    """
    taken = [(x, y, 8 * pixel) for x, y in clear]
    rows = []
    texts = (shorten(label, LABEL) for label in regions["label"])
    for row, x, y, text in zip(regions.index, regions["x"], regions["y"], texts, strict=True):
        half = (len(text) * LETTER / 2 + 4) * pixel
        if text and all(
            abs(x - other[0]) > half + other[2] or abs(y - other[1]) > LINE * pixel for other in taken
        ):
            taken.append((x, y, half))
            rows.append(row)
    return rows


def add_shifts(figure: go.Figure, shifts: pd.DataFrame, colour: str) -> None:
    """Draw an arrow from each title's raw position (raw_x, raw_y) to its aggregated position (x, y)."""
    for n, row in enumerate(shifts.itertuples()):
        figure.add_trace(
            go.Scatter(
                x=[row.raw_x, row.x],
                y=[row.raw_y, row.y],
                mode="lines+markers",
                name="displacement",
                showlegend=n == 0,
                legendgroup="displacement",
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
