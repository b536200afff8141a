"""Scatter plots of thousands of points: a WebGL trace per group, and marked points on top."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dskreg.ui.common.charts import INK, LABEL, OTHER, OTHER_NAME, finish, plain, shorten
from dskreg.ui.common.figure import Figure

HOVER = "%{text}<extra></extra>"
AROUND = 10  # points that a focused figure shows at least
# The positions of a point's name
SIDES = {"top center": (0, 1), "bottom center": (0, -1), "middle right": (1, 0), "middle left": (-1, 0)}
# In pixels: width of a letter, height of a line, approximate size of a focused map
LETTER, LINE, FOCUSED = 7.5, 20, 500
LEGEND = 60  # characters of a group's name
SELECTED = 1.5  # factor on the size of selected points
FIRST, LAST = 1, 2000  # in the legend; other traces have plotly's rank of 1000
MARGIN = 0.03  # of the extent, on each side
RATIOS = (0.9, 1.6)  # of a map's width to its height


@dataclass(frozen=True)
class Glyph:
    """How the points of a group look; `symbol` as plotly calls it."""

    colour: str
    symbol: str


@dataclass(frozen=True)
class Mark:
    """Points to show larger and on top: those with these ids, or a point at the position `at`."""

    ids: Collection[object]
    colour: str
    symbol: str
    named: bool = False  # whether a focused map shows the points' names
    at: tuple[float, float] | None = None  # the position of a point that is not in the map


@dataclass(frozen=True)
class Look:
    """The appearance of a map."""

    lit: Collection[str] | None = None  # the groups in colour, others in grey; None: all
    selected: Collection[object] = ()  # ids of the points in colour, others in grey; (): all
    focus: object = None  # id of the point to zoom to
    drag: str = "pan"  # or "lasso", "select" (a box)
    dark: bool = False
    ratio: float = 1.0  # of the map's width to its height


def ratio(frame: pd.DataFrame) -> float:
    """The map's width, as a multiple of its height, at which its points (x, y) fill it."""
    (left, right), (low, high) = _extent(frame)
    return min(max((right - left) / (high - low), RATIOS[0]), RATIOS[1])


def _extent(frame: pd.DataFrame) -> list[tuple[float, float]]:
    """The limits of x and of y that hold all points with a narrow margin."""
    limits = []
    for name in ("x", "y"):
        low, high = (float(frame[name].min()), float(frame[name].max())) if len(frame) else (0.0, 0.0)
        room = MARGIN * (high - low) or 1.0
        limits.append((low - room, high + room))
    return limits


def _set_axes(figure: Figure, limits: Sequence[tuple[float, float]], ratio: float) -> None:
    """Let the axes hold these limits of x and of y, in equal scale on a map of this ratio.

    plotly's own scaleanchor widens the axes at the first size of the chart and keeps them wide.
    """
    height = max(limits[1][1] - limits[1][0], (limits[0][1] - limits[0][0]) / ratio)
    for (low, high), span, update in zip(
        limits, (height * ratio, height), (figure.x_axis, figure.y_axis), strict=True
    ):
        middle = (low + high) / 2
        update(visible=False, range=[middle - span / 2, middle + span / 2])


def scatter_map(
    frame: pd.DataFrame,
    ids: str,
    label: str,
    traces: Iterable[dict[str, Any]],
    marks: Mapping[str, Mark],
    look: Look = Look(),
) -> Figure:
    """A map of points with marked points on top and no legend.

    Both axes have the same scale and end where the points do.

    Args:
        frame: columns x, y, and those named by `ids` and `label`.
        traces: the points (`cloud`).
        marks: by name, drawn last and larger.
    """
    figure = Figure()
    figure.data = list(traces)
    _set_axes(figure, _extent(frame), look.ratio)
    centre = frame[frame[ids] == look.focus]
    names = _zoom(figure, frame, ids, label, centre, marks, look.ratio) if len(centre) else {}
    for name, mark in marks.items():
        _add_mark(figure, frame, ids, label, name, mark, names, INK[look.dark])
    finish(figure, height=None)  # that of the place of the chart
    return figure.update(
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        showlegend=False,
        dragmode=look.drag,
        clickmode="event+select" if look.drag == "pan" else "event",
        hovermode="closest",
        hoverdistance=12,
    )


def cloud(
    frame: pd.DataFrame,
    ids: str,
    label: str,
    groups: pd.Series,
    glyphs: Mapping[str, Glyph],
    look: Look = Look(),
    sizes: pd.Series | None = None,
) -> list[dict[str, Any]]:
    """The points as WebGL traces: a grey one of those outside the selection or highlight, one per group.

    Args:
        frame: columns x, y, and those named by `ids` and `label`.
        groups: the category of each row.
        glyphs: colour and shape of each group.
        sizes: size of each row in pixels; None: the same for all, smaller on larger maps.
    """
    if sizes is None:
        sizes = pd.Series(5 if len(frame) > 4000 else 6 if len(frame) > 1500 else 8, index=frame.index)
    traces = []
    some = bool(len(look.selected))
    inside = frame[ids].isin(list(look.selected)) if some else pd.Series(True, index=frame.index)
    order = sorted(groups.cat.categories, key=lambda name: name != OTHER_NAME)  # the grey ones below
    coloured = [
        name for name in order if ((groups == name) & inside).any() and (look.lit is None or name in look.lit)
    ]
    grey = ~(groups.isin(coloured) & inside)
    if grey.any():
        name = "not selected" if some else "not highlighted"
        trace = _points(frame[grey], ids, label, name, Glyph(OTHER, "circle"), 0.75 * sizes[grey], 0.3)
        traces.append(trace | {"legendrank": LAST})
    for name in coloured:
        rows = (groups == name) & inside
        size = sizes[rows] * (SELECTED if some else 1)
        trace = _points(frame[rows], ids, label, name, glyphs[name], size, 0.9)
        traces.append(trace | ({"legendrank": LAST} if name == OTHER_NAME else {}))
    # The browser greys what a lasso or box leaves out; a click has its own mark and greys nothing
    if look.drag != "pan":
        for trace in traces:
            trace["unselected"] = {"marker": {"color": OTHER, "opacity": 0.25}}
    return traces


def _zoom(
    figure: Figure,
    frame: pd.DataFrame,
    ids: str,
    label: str,
    centre: pd.DataFrame,
    marks: Mapping[str, Mark],
    ratio: float,
) -> dict[Hashable, tuple[str, str]]:
    """Limit the axes to the surroundings of the row `centre`; return the names to show there."""
    point = centre[["x", "y"]].iloc[0]
    distance = ((frame[["x", "y"]] - point) ** 2).sum(axis=1) ** 0.5
    reach = max(1.25 * distance.nsmallest(AROUND).max(), 1e-6)
    _set_axes(figure, [(float(point[name]) - reach, float(point[name]) + reach) for name in "xy"], ratio)
    named = [mark for mark in marks.values() if mark.named]
    rows = [row for mark in named for row in frame.index[frame[ids].isin(list(mark.ids))]]
    return _sides(frame.loc[list(dict.fromkeys([centre.index[0], *rows]))], label, reach)


def _add_mark(
    figure: Figure,
    frame: pd.DataFrame,
    ids: str,
    label: str,
    name: str,
    mark: Mark,
    names: dict[Hashable, tuple[str, str]],
    outline: str,
) -> None:
    rows = frame[frame[ids].isin(list(mark.ids))]
    if mark.at is not None:
        rows = pd.DataFrame({"x": [mark.at[0]], "y": [mark.at[1]], ids: [None], label: [name]})
    if not len(rows):
        return
    size = pd.Series(16 if len(rows) == 1 else 11, index=rows.index)
    trace = _points(rows, ids, label, name, Glyph(mark.colour, mark.symbol), size, 1.0)
    trace["marker"]["line"] = {"width": 1.5, "color": outline}
    if mark.at is not None:
        trace["customdata"] = None
    if names and mark.named:
        shown = [names.pop(row, ("top center", "")) for row in rows.index]
        trace |= {
            "mode": "markers+text",
            "textposition": [side for side, _ in shown],
            "hovertext": trace["text"],
            "hovertemplate": "%{hovertext}<extra></extra>",
            "text": [text for _, text in shown],
        }
    figure.data.append(trace | {"legendrank": FIRST})


def _sides(rows: pd.DataFrame, label: str, reach: float) -> dict[Hashable, tuple[str, str]]:
    """The side and text of each point's name, by row.

    A name takes the first side on which it covers neither a point nor an earlier name, and is left out
    where there is none. The first row is in the middle of the map.
    """
    pixel, middle = 2 * reach / FOCUSED, rows["x"].iloc[0]
    # Occupied boxes: middle x, middle y, half the width
    boxes = [(x, y, 8 * pixel) for x, y in zip(rows["x"], rows["y"], strict=True)]
    names: dict[Hashable, tuple[str, str]] = {}
    for row, x, y, text in zip(
        rows.index, rows["x"], rows["y"], (shorten(text, LABEL) for text in rows[label]), strict=True
    ):
        half = len(text) * LETTER * pixel / 2
        for side, (right, up) in SIDES.items():
            box = (x + right * (half + 10 * pixel), y + up * LINE * pixel, half)
            free = all(
                abs(box[0] - other[0]) > half + other[2] or abs(box[1] - other[1]) > 0.8 * LINE * pixel
                for other in boxes
            )
            if free and abs(box[0] - middle) + half < 1.1 * reach:
                boxes.append(box)
                names[row] = (side, plain(text))
                break
    return names


def _points(
    rows: pd.DataFrame, ids: str, label: str, name: str, glyph: Glyph, sizes: pd.Series, opacity: float
) -> dict[str, Any]:
    one = sizes.nunique() == 1
    return {
        "type": "scattergl",
        "x": rows["x"].astype("float32").to_numpy(),
        "y": rows["y"].astype("float32").to_numpy(),
        "mode": "markers",
        "name": plain(shorten(name, LEGEND)),
        "customdata": rows[[ids]].to_numpy(),
        "text": [plain(text) for text in rows[label]],
        "hovertemplate": HOVER,
        "marker": {
            "color": glyph.colour,
            "symbol": glyph.symbol,
            "size": float(sizes.iloc[0]) if one else sizes.round(1).to_numpy(),
            "opacity": opacity,
            "line": {"width": 0},
        },
        "selected": {"marker": {"opacity": 1.0}},
        "unselected": {"marker": {"opacity": opacity}},
    }
