"""Scatter plots of thousands of points: a WebGL trace per group, and marked points on top."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from dskreg.ui.common.charts import COLOURS, LABEL, OTHER, OTHER_NAME, WARM_TO_COLD, finish, plain, shorten

HOVER = "%{text}<extra></extra>"
AROUND = 10  # points that a focused figure shows at least
# The positions of a point's name
SIDES = {"top center": (0, 1), "bottom center": (0, -1), "middle right": (1, 0), "middle left": (-1, 0)}
# In pixels: width of a letter, height of a line, approximate size of a focused map
LETTER, LINE, FOCUSED = 7.5, 20, 500
HEIGHT = 640  # pixels of the figure
NARROW = 360  # pixels of the figure's width on a phone
LEGEND = 60  # characters of a group's name
SELECTED = 1.5  # factor on the size of selected points
SYMBOLS = ("circle", "diamond", "cross")  # for groups that share a colour


def leading(values: pd.Series, most: int = len(COLOURS) - 1) -> pd.Series:
    """The most frequent values, with all others as "other": an ordered category, most frequent first."""
    text = values.fillna("").astype(str)
    names = list(text[text != ""].value_counts().head(most).index)
    return pd.Series(
        pd.Categorical(
            text.where(text.isin(names), OTHER_NAME), categories=[*names, OTHER_NAME], ordered=True
        ),
        index=values.index,
    )


def bands(values: pd.Series, unit: str, digits: int = 0) -> pd.Series:
    """Numbers as at most five bands, named by their limits: an ordered category, largest first."""
    band = (
        pd.qcut(values, len(WARM_TO_COLD), labels=False, duplicates="drop").fillna(0)
        if values.nunique() > 1
        else values * 0
    )
    limits = {
        number: dict.fromkeys(f"{limit:,.{digits}f}" for limit in (group.min(), group.max()))
        for number, group in values.groupby(band)
    }
    names = {number: f"{' to '.join(pair)} {unit}" for number, pair in limits.items()}
    order = list(dict.fromkeys(names[number] for number in sorted(names, reverse=True)))
    return pd.Series(
        pd.Categorical(pd.Series(band, index=values.index).map(names), categories=order, ordered=True),
        index=values.index,
    )


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
    legend: bool = True  # whether the groups are in the legend; marks always are


def scatter_map(
    frame: pd.DataFrame,
    ids: str,
    label: str,
    groups: pd.Series,
    colours: Mapping[str, str],
    marks: Mapping[str, Mark],
    look: Look = Look(),
    sizes: pd.Series | None = None,
) -> go.Figure:
    """A map of points, one WebGL trace per group, with marked points on top.

    Args:
        frame: columns x, y, and those named by `ids` and `label`.
        groups: the category of each row. Groups beyond the number of colours share a colour and differ in
            their symbol.
        colours: the colour of each group.
        marks: by name, drawn last and larger.
        sizes: size of each row in pixels; None: the same for all, smaller on larger maps.
    """
    figure = go.Figure()
    if sizes is None:
        sizes = pd.Series(4 if len(frame) > 4000 else 5 if len(frame) > 1500 else 7, index=frame.index)
    _add_groups(figure, frame, ids, label, groups, colours, look, sizes)
    # The browser greys what a lasso or box leaves out; a click has its own mark and greys nothing
    if look.drag != "pan":
        figure.update_traces(unselected={"marker": {"color": OTHER, "opacity": 0.25}})
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x", scaleratio=1)
    centre = frame[frame[ids] == look.focus]
    names = _zoom(figure, frame, ids, label, centre, marks) if len(centre) else {}
    for name, mark in marks.items():
        _add_mark(figure, frame, ids, label, name, mark, names, "#ffffff" if look.dark else "#0f1718")
    legend = {"orientation": "h", "x": 0, "y": -0.02, "yanchor": "top", "itemsizing": "constant"}
    figure.update_layout(
        legend=legend | {"font": {"size": 13}},
        dragmode=look.drag,
        clickmode="event+select" if look.drag == "pan" else "event",
        hovermode="closest",
        hoverdistance=12,
    )
    return finish(figure, height=HEIGHT)


def _add_groups(
    figure: go.Figure,
    frame: pd.DataFrame,
    ids: str,
    label: str,
    groups: pd.Series,
    colours: Mapping[str, str],
    look: Look,
    sizes: pd.Series,
) -> None:
    """A grey trace for the points outside the selection or highlight, and a trace for each other group."""
    some = bool(len(look.selected))
    inside = frame[ids].isin(list(look.selected)) if some else pd.Series(True, index=frame.index)
    order = list(groups.cat.categories)
    coloured = [
        name for name in order if ((groups == name) & inside).any() and (look.lit is None or name in look.lit)
    ]
    grey = ~(groups.isin(coloured) & inside)
    if grey.any():
        name = "not selected" if some else "not highlighted"
        figure.add_trace(_points(frame[grey], ids, label, name, OTHER, sizes[grey], 0.3))
    for name in coloured:
        rows = (groups == name) & inside
        size = sizes[rows] * (SELECTED if some else 1)
        trace = _points(frame[rows], ids, label, name, colours[name], size, 0.75)
        symbol = SYMBOLS[order.index(name) // len(COLOURS) % len(SYMBOLS)]
        figure.add_trace(trace.update(showlegend=look.legend, marker={"symbol": symbol}))


def _zoom(
    figure: go.Figure,
    frame: pd.DataFrame,
    ids: str,
    label: str,
    centre: pd.DataFrame,
    marks: Mapping[str, Mark],
) -> dict[Hashable, tuple[str, str]]:
    """Limit the axes to the surroundings of the row `centre`; return the names to show there."""
    point = centre[["x", "y"]].iloc[0]
    distance = ((frame[["x", "y"]] - point) ** 2).sum(axis=1) ** 0.5
    reach = max(1.25 * distance.nsmallest(AROUND).max(), 1e-6)
    figure.update_xaxes(range=[point["x"] - reach, point["x"] + reach])
    figure.update_yaxes(range=[point["y"] - reach, point["y"] + reach])
    named = [mark for mark in marks.values() if mark.named]
    rows = [row for mark in named for row in frame.index[frame[ids].isin(list(mark.ids))]]
    return _sides(frame.loc[list(dict.fromkeys([centre.index[0], *rows]))], label, reach)


def _add_mark(
    figure: go.Figure,
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
    trace = _points(
        rows, ids, label, name, mark.colour, pd.Series(16 if len(rows) == 1 else 11, index=rows.index), 1.0
    )
    trace.update(marker={"symbol": mark.symbol, "line": {"width": 1.5, "color": outline}})
    if mark.at is not None:
        trace.update(customdata=None)
    if names and mark.named:
        shown = [names.pop(row, ("top center", "")) for row in rows.index]
        trace.update(
            mode="markers+text", textposition=[side for side, _ in shown], text=[text for _, text in shown]
        )
        trace.update(
            hovertext=[plain(text) for text in rows[label]], hovertemplate="%{hovertext}<extra></extra>"
        )
    figure.add_trace(trace)


def sized(values: pd.Series, smallest: float = 4, largest: float = 20) -> pd.Series:
    """Sizes in pixels, where a point's area grows with its value."""
    top = values.max() if len(values) else 0
    share = values.clip(lower=0) / top if top > 0 else pd.Series(0.0, index=values.index)
    return smallest + (largest - smallest) * share.astype(float) ** 0.5


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
    rows: pd.DataFrame, ids: str, label: str, name: str, colour: str, sizes: pd.Series, opacity: float
) -> go.Scattergl:
    one = sizes.nunique() == 1
    return go.Scattergl(
        x=rows["x"].astype("float32").round(3).to_numpy(),
        y=rows["y"].astype("float32").round(3).to_numpy(),
        mode="markers",
        name=plain(shorten(name, LEGEND)),
        customdata=rows[[ids]].to_numpy(),
        text=[plain(text) for text in rows[label]],
        hovertemplate=HOVER,
        marker={
            "color": colour,
            "size": float(sizes.iloc[0]) if one else sizes.round(1).to_numpy(),
            "opacity": opacity,
            "line": {"width": 0},
        },
        selected={"marker": {"opacity": 1.0}},
        unselected={"marker": {"opacity": opacity}},
    )
