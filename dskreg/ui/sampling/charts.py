"""plotly figures of the sampler: two samples, two temperatures, the attribution of the score, and the degree
distribution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from dskreg.explorer import signed
from dskreg.ui.common.charts import COLOURS, LEGEND, OTHER, ZOOMED, finish, plain, shorten
from dskreg.ui.common.figure import Figure

UP, DOWN = COLOURS[0], COLOURS[4]
NODE = 22  # characters of a title in the attribution chart


def faded(colour: str, opacity: float) -> str:
    """A hexadecimal colour with an opacity."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


# Two samples


def change(before: tuple[str, float], parts: Sequence[tuple[str, float]], after: tuple[str, float]) -> Figure:
    """A waterfall from one score to another, one step per kind of change."""
    names = [plain(name) for name in (before[0], *(name for name, _ in parts), after[0])]
    figure = Figure().add(
        "waterfall",
        orientation="h",
        y=names,
        x=[before[1], *(value for _, value in parts), after[1]],
        measure=["absolute"] + ["relative"] * len(parts) + ["total"],
        text=[
            f"<b>{before[1]:.3f}</b>",
            *(signed(value) for _, value in parts),
            f"<b>{after[1]:.3f}</b>",
        ],
        textposition="outside",
        cliponaxis=False,
        increasing={"marker": {"color": UP}},
        decreasing={"marker": {"color": DOWN}},
        totals={"marker": {"color": OTHER}},
        connector={"line": {"color": OTHER, "width": 1, "dash": "dot"}},
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    reached = np.cumsum([before[1], *(value for _, value in parts)])
    room = max(np.ptp(reached), 1e-3)
    figure.y_axis(autorange="reversed", automargin=True, showgrid=False, tickfont={"size": 13})
    limits = [float(reached.min() - 0.6 * room), float(reached.max() + 0.6 * room)]
    figure.x_axis(
        title=ZOOMED if limits[0] * limits[1] > 0 else None,
        showgrid=False,
        showticklabels=False,
        zeroline=False,
        range=limits,
    )
    return finish(figure, height=36 * len(names) + 50, right=60)


def relaxed_weights(frame: pd.DataFrame, names: tuple[str, str]) -> Figure:
    """The relaxed weights of the same candidates at two temperatures: columns title, relaxed_a, relaxed_b."""
    figure, places = Figure(), list(range(len(frame)))
    for name, column, colour in zip(names, ("relaxed_a", "relaxed_b"), (UP, COLOURS[1]), strict=True):
        figure.add(
            "bar",
            y=places,
            x=frame[column],
            orientation="h",
            name=name,
            marker={"color": colour},
            customdata=[plain(title) for title in frame["title"]],
            hovertemplate="%{customdata}: %{x:.3f}<extra></extra>",
        )
    labels = [plain(shorten(title, 24)) for title in frame["title"]]
    figure.y_axis(
        autorange="reversed",
        automargin=True,
        tickvals=places,
        ticktext=labels,
        showgrid=False,
        tickfont={"size": 13},
    )
    figure.x_axis(rangemode="tozero", title="relaxed weight")
    figure.update(barmode="group", bargap=0.3, legend=LEGEND)
    return finish(figure, height=32 * len(frame) + 110, right=16)


# Attribution


def sankey(flow: pd.DataFrame, title: str, colours: Mapping[str, str]) -> Figure:
    """Sources -> terms of the item -> its score (`Explorer.flow`); widths are absolute contributions."""
    # None and ids of any kind group alike
    flow = flow.assign(**{name: [repr(x) for x in flow[name]] for name in ("source_id", "target_id")})
    parts = flow.groupby(["target_id", "target", "relation"], sort=False)["contribution"].sum().reset_index()
    parts = parts.sort_values("contribution", key=abs, ascending=False, kind="stable", ignore_index=True)
    sources = flow[["source_id", "source"]].drop_duplicates(ignore_index=True)
    left = {key: n for n, key in enumerate(_keys(sources, "source"))}
    middle = {key: len(left) + n for n, key in enumerate(_keys(parts, "target", "relation"))}
    end = len(left) + len(middle)
    totals = flow["contribution"].groupby(_keys(flow, "source")).sum()
    hover = [
        f"{plain(name)}: {signed(totals[key])} in total"
        for key, name in zip(_keys(sources, "source"), sources["source"], strict=True)
    ]
    hover += [
        f"{plain(name)}{f' ({plain(r)})' if r else ''}: {signed(value)}"
        for name, r, value in parts[["target", "relation", "contribution"]].to_numpy()
    ]
    names = [*sources["source"], *parts["target"], title]
    ends = [*(left[key] for key in _keys(flow, "source")), *middle.values()]
    to = [*(middle[key] for key in _keys(flow, "target", "relation")), *[end] * len(parts)]
    value = [*flow["contribution"], *parts["contribution"]]
    figure = Figure().add(
        "sankey",
        node={
            # On a phone the end's name would lie on a term's; the caption names it
            "label": [*(plain(shorten(name, NODE)) for name in names[:-1]), ""],
            "color": [OTHER] * len(left) + [colours.get(r, OTHER) for r in parts["relation"]] + [UP],
            "customdata": [*hover, f"{plain(title)}: {parts['contribution'].sum():.3f}"],
            "hovertemplate": "%{customdata}<extra></extra>",
            "pad": 12,
            "thickness": 12,
            "line": {"width": 0},
        },
        link={
            "source": ends,
            "target": to,
            "value": np.abs(value),
            "color": [faded(UP if v >= 0 else DOWN, 0.35) for v in value],
            "customdata": [
                f"{plain(names[one])} → {plain(names[other])}: {signed(part)}"
                for one, other, part in zip(ends, to, value, strict=True)
            ],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
        textfont={"size": 13, "shadow": "none"},
    )
    return finish(figure, height=max(380, 34 * max(len(left), len(middle)) + 40))


def _keys(frame: pd.DataFrame, name: str, *further: str) -> list[str]:
    """Keys of a node: two items may have the same title."""
    return [repr(tuple(row)) for row in frame[[f"{name}_id", name, *further]].to_numpy()]


# Degrees


def at_least(frame: pd.DataFrame, curves: Mapping[str, str], mark: Mapping[str, float]) -> Figure:
    """Number of items with at least a given value, both axes logarithmic.

    Args:
        curves: one curve per column of the frame (column: name).
        mark: the value of one item in each column, marked with a star.
    """
    figure = Figure()
    for place, (column, name) in enumerate(curves.items()):
        values, count = np.unique(frame[column].to_numpy(dtype=float), return_counts=True)
        reach = count[::-1].cumsum()[::-1]
        positive = values > 0
        colour = COLOURS[place]
        figure.add(
            "scatter",
            x=values[positive],
            y=reach[positive],
            mode="lines",
            line={"color": colour, "width": 2.5, "shape": "vh"},
            name=name,
            hovertemplate=f"%{{y:,}} items have at least %{{x:,.4g}} {name}<extra></extra>",
        )
        if mark[column] > 0:
            figure.add(
                "scatter",
                x=[mark[column]],
                y=[int((frame[column] >= mark[column]).sum())],
                mode="markers",
                showlegend=False,
                marker={"color": colour, "size": 13, "symbol": "star", "line": {"color": OTHER, "width": 1}},
                hovertemplate=f"this item: %{{x:,.4g}} {name}<extra></extra>",
            )
    figure.x_axis(type="log", title="value (log scale)", dtick=1, exponentformat="power")
    figure.y_axis(
        type="log", title="items with at least this value (log scale)", dtick=1, exponentformat="power"
    )
    figure.update(legend=LEGEND)
    return finish(figure, height=420, right=16)
