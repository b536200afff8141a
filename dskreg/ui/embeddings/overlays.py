"""Overlays of a map: region labels, arrows of displacement, lines to neighbours, density contours."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from dskreg.ui.common.charts import INK, LABEL, OTHER, plain, shorten
from dskreg.ui.common.figure import Figure
from dskreg.ui.embeddings.scatter import FIRST, LETTER, LINE

WIDE, NARROW = 600, 370  # width of the whole map in pixels on a desktop and on a phone
CELLS, BLUR = 64, 2.0  # of the density's grid along the longer side; the kernel's deviation in cells
LEVELS = 8  # contours


def label_regions(
    figure: Figure,
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
    span = max(float(np.ptp(extent["x"])), 1e-9) if len(extent) else 1.0
    wide = _fitting(regions, span / WIDE, clear)
    narrow = [row for row in _fitting(regions, span / NARROW, clear) if row in wide]
    look = {
        "font": {"size": 12, "color": INK[dark]},
        "bgcolor": "rgba(18,25,27,0.72)" if dark else "rgba(253,253,252,0.78)",
        "borderpad": 1,
    }
    labelled = regions.loc[[*narrow, *(row for row in wide if row not in narrow)]]
    sides = extent["x"].min(), extent["x"].max()
    labels = [
        _inside(row.x, shorten(row.label, LABEL), sides, span / NARROW) | {"y": row.y} | look
        for row in labelled.itertuples()
    ]
    for label in labels:
        figure.annotate(**label)
    return len(narrow)


def _inside(x: float, text: str, sides: tuple[float, float], pixel: float) -> dict[str, object]:
    """A label at x, or at the side of the map that it would otherwise cross."""
    half = _half(text) * pixel
    left, right = sides
    at = (left, "left") if x - half < left else (right, "right") if x + half > right else (x, "center")
    return {"x": at[0], "xanchor": at[1], "text": plain(text)}


def _half(text: str) -> float:
    """Half the width of a label in pixels."""
    return len(text) * LETTER / 2 + 4


def _fitting(regions: pd.DataFrame, pixel: float, clear: Sequence[tuple[float, float]]) -> list[Hashable]:
    """The rows whose labels overlap neither earlier labels nor the positions `clear`.

    `pixel` is the size of a pixel in the map's units.
    """
    taken = [(x, y, 8 * pixel) for x, y in clear]
    rows = []
    texts = (shorten(label, LABEL) for label in regions["label"])
    for row, x, y, text in zip(regions.index, regions["x"], regions["y"], texts, strict=True):
        half = _half(text) * pixel
        if text and all(
            abs(x - other[0]) > half + other[2] or abs(y - other[1]) > LINE * pixel for other in taken
        ):
            taken.append((x, y, half))
            rows.append(row)
    return rows


def add_shifts(figure: Figure, shifts: pd.DataFrame, colour: str) -> None:
    """Draw an arrow from each title's raw position (raw_x, raw_y) to its aggregated position (x, y)."""
    for row in shifts.itertuples():
        figure.add(
            "scatter",
            x=[row.raw_x, row.x],
            y=[row.raw_y, row.y],
            mode="lines+markers",
            name="displacement",
            legendrank=FIRST,
            hoverinfo="skip",
            line={"color": colour, "width": 1.5},
            marker={
                "symbol": ["circle-open", "arrow"],
                "size": [6, 10],
                "angleref": "previous",
                "color": colour,
            },
        )


def add_lines(figure: Figure, start: tuple[float, float], ends: pd.DataFrame, colour: str) -> None:
    """Draw a line from the position `start` to each of the points `ends` (x, y)."""
    if not len(ends):
        return
    both = [(start[n], end, None) for n, name in enumerate("xy") for end in ends[name]]
    half = len(ends)
    figure.add(
        "scattergl",
        x=[place for line in both[:half] for place in line],
        y=[place for line in both[half:] for place in line],
        mode="lines",
        name="lines to neighbours",
        legendrank=FIRST,
        hoverinfo="skip",
        line={"color": colour, "width": 1.2},
        opacity=0.7,
    )


def density(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The density of the points (x, y) on a grid: middles of the columns, of the rows, points per cell.

    Points are counted in the cells of a square grid, which a Gaussian kernel then blurs.
    """
    spans = [max(float(np.ptp(frame[name])), 1e-9) for name in "xy"]
    cell = max(spans) / CELLS
    reach = int(4 * BLUR)
    edges = [
        frame[name].min() + cell * np.arange(-reach, int(span / cell) + reach + 2)
        for name, span in zip("xy", spans, strict=True)
    ]
    count = np.histogram2d(frame["y"], frame["x"], bins=[edges[1], edges[0]])[0]
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / BLUR) ** 2)
    for axis in (0, 1):
        count = np.apply_along_axis(np.convolve, axis, count, kernel / kernel.sum(), mode="same")
    across, down = (edge[:-1] + cell / 2 for edge in edges)
    return across, down, count


def add_density(figure: Figure, frame: pd.DataFrame) -> None:
    """Draw contours of the density of the points, below them."""
    if len(frame) < 2:
        return
    across, down, count = density(frame)
    step = float(count.max()) / (LEVELS + 1)
    figure.add(
        "contour",
        x=across.astype("float32"),
        y=down.astype("float32"),
        z=count.astype("float32").round(4),
        name="density contours",
        legendrank=FIRST,
        contours={"coloring": "lines", "start": step, "end": LEVELS * step, "size": step},
        colorscale=[[0, OTHER], [1, OTHER]],
        line={"width": 1.2},
        showscale=False,
        hoverinfo="skip",
    )
