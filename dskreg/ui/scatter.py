"""The maps: thousands of points, one WebGL trace per group, marked points on top."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping

import pandas as pd
import plotly.graph_objects as go

from dskreg.ui.charts import COLOURS, LABEL, OTHER, OTHER_NAME, WARM_TO_COLD, finish, plain, shorten

HOVER = "%{text}<extra></extra>"
AROUND = 10  # points that a focused figure shows at least
SIDES = {"top center": (0, 1), "bottom center": (0, -1), "middle right": (1, 0), "middle left": (-1, 0)}  # where a point's name may stand
LETTER, LINE, FOCUSED = 7.5, 20, 500  # pixels: a letter's width, a line's height, and about the size of a focused map


def leading(values: pd.Series, most: int = len(COLOURS) - 1) -> pd.Series:
    """The most frequent values as they are, the rest and unknown ones as "other"; an ordered category, most frequent first."""
    text = values.fillna("").astype(str)
    names = list(text[text != ""].value_counts().head(most).index)
    return pd.Series(pd.Categorical(text.where(text.isin(names), OTHER_NAME), categories=[*names, OTHER_NAME], ordered=True), index=values.index)


def bands(values: pd.Series, unit: str) -> pd.Series:
    """Numbers as five bands of about equal size, named with their limits, the largest first."""
    band = pd.qcut(values, len(WARM_TO_COLD), labels=False, duplicates="drop").fillna(0) if values.nunique() > 1 else values * 0
    limits = {number: dict.fromkeys(f"{int(limit):,}" for limit in (group.min(), group.max())) for number, group in values.groupby(band)}
    names = {number: f"{' to '.join(pair)} {unit}" for number, pair in limits.items()}
    order = list(dict.fromkeys(names[number] for number in sorted(names, reverse=True)))
    return pd.Series(pd.Categorical(pd.Series(band, index=values.index).map(names), categories=order, ordered=True), index=values.index)


def scatter_map(
    frame: pd.DataFrame,
    ids: str,
    label: str,
    groups: pd.Series,
    colours: Mapping[str, str],
    marks: Mapping[str, tuple[Collection, str, str]],
    shown: Collection[str] | None = None,
    focus: object = None,
    named: Collection[str] = (),
    outline: str = "#ffffff",
) -> go.Figure:
    """A map of points, one WebGL trace per group, with marked points on top.

    Args:
        frame: columns x, y, and those named by `ids` and `label`.
        groups: a category per row, and `colours` for them.
        marks: name -> (ids, colour, symbol), drawn last and larger.
        shown: the groups in colour; the others stay visible in grey. None: all.
        focus: the id of a point to zoom to (a new figure forgets how far a person had zoomed); the marks in `named` then carry their labels.
        outline: the colour around marked points, one that stands out from the page.
    """
    figure, size = go.Figure(), 4 if len(frame) > 4000 else 5 if len(frame) > 1500 else 7
    grey = pd.Series(True, index=frame.index)
    coloured = [name for name in groups.cat.categories if (groups == name).any() and (shown is None or name in shown)]
    grey = ~groups.isin(coloured)
    if grey.any():
        figure.add_trace(_points(frame[grey], ids, label, "not highlighted", OTHER, size, 0.3))
    for name in coloured:
        figure.add_trace(_points(frame[groups == name], ids, label, name, colours[name], size, 0.75))
    centre = frame[frame[ids] == focus]
    reach, names = 0.0, {}
    if len(centre):
        distance = ((frame[["x", "y"]] - centre[["x", "y"]].iloc[0]) ** 2).sum(axis=1) ** 0.5
        reach = max(1.25 * distance.nsmallest(AROUND).max(), 1e-6)
        labelled = [centre.index[0], *(row for name in named if name in marks for row in frame.index[frame[ids].isin(list(marks[name][0]))])]
        names = _sides(frame.loc[list(dict.fromkeys(labelled))], label, reach)
    for name, (chosen, colour, symbol) in marks.items():
        rows = frame[frame[ids].isin(list(chosen))]
        if len(rows):
            trace = _points(rows, ids, label, name, colour, 15 if len(rows) == 1 else 11, 1.0)
            trace.update(marker={"symbol": symbol, "line": {"width": 1.5, "color": outline}})
            if names and name in named:
                shown_names = [names.pop(row, ("top center", "")) for row in rows.index]
                trace.update(mode="markers+text", textposition=[side for side, _ in shown_names], text=[text for _, text in shown_names])
                trace.update(hovertext=[plain(text) for text in rows[label]], hovertemplate="%{hovertext}<extra></extra>")
            figure.add_trace(trace)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x", scaleratio=1)
    if len(centre):
        figure.update_xaxes(range=[centre["x"].iloc[0] - reach, centre["x"].iloc[0] + reach])
        figure.update_yaxes(range=[centre["y"].iloc[0] - reach, centre["y"].iloc[0] + reach])
    figure.update_layout(
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "x": 0, "itemsizing": "constant", "font": {"size": 13}},
        dragmode="pan",
        clickmode="event+select",
        hovermode="closest",
        hoverdistance=12,
    )
    return finish(figure, height=640)


def _sides(rows: pd.DataFrame, label: str, reach: float) -> dict[Hashable, tuple[str, str]]:
    """Where each point's name stands (row -> side, text): the first side on which it fits and covers neither a point nor an earlier name, else nowhere.

    The first row is in the middle of the map.
    """
    pixel, middle = 2 * reach / FOCUSED, rows["x"].iloc[0]
    boxes = [(x, y, 8 * pixel) for x, y in zip(rows["x"], rows["y"], strict=True)]  # what is taken: middle x, middle y, half the width
    names: dict[Hashable, tuple[str, str]] = {}
    for row, x, y, text in zip(rows.index, rows["x"], rows["y"], (shorten(text, LABEL) for text in rows[label]), strict=True):
        half = len(text) * LETTER * pixel / 2
        for side, (right, up) in SIDES.items():
            box = (x + right * (half + 10 * pixel), y + up * LINE * pixel, half)
            free = all(abs(box[0] - other[0]) > half + other[2] or abs(box[1] - other[1]) > 0.8 * LINE * pixel for other in boxes)
            if free and abs(box[0] - middle) + half < 1.1 * reach:
                boxes.append(box)
                names[row] = (side, plain(text))
                break
    return names


def _points(rows: pd.DataFrame, ids: str, label: str, name: str, colour: str, size: int, opacity: float) -> go.Scattergl:
    return go.Scattergl(
        x=rows["x"].round(3),
        y=rows["y"].round(3),
        mode="markers",
        name=plain(name),
        customdata=rows[[ids]].to_numpy(),
        text=[plain(text) for text in rows[label]],
        hovertemplate=HOVER,
        marker={"color": colour, "size": size, "opacity": opacity},
        selected={"marker": {"opacity": 1.0}},
        unselected={"marker": {"opacity": opacity}},  # a selection must not dim the rest: the chosen point has its own mark
    )
