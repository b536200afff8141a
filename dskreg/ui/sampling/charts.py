"""plotly figures of the sampler: many draws, two draws, two temperatures, the flow of the score, and how
unevenly titles are connected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dskreg.ui.common.charts import COLOURS, OTHER, finish, plain, shorten

UP, DOWN, CHOSEN = COLOURS[0], COLOURS[4], "#e08a00"
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 13}}
BINS = 40
NODE = 22  # characters of a title in the flow
INK = {False: "#0f1718", True: "#e8eeee"}  # on the flow's ribbons the theme's grey would be too faint


def faded(colour: str, opacity: float) -> str:
    """A hexadecimal colour with an opacity."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


# Many draws


def spread(probability: Sequence[float], parts: Sequence[float] = (1.0, 0.75, 0.5, 0.25, 0.1)) -> list[int]:
    """Places of a few probabilities that can be told apart on a chart: those nearest to these parts of the
    largest, each once.
    """
    values, chosen = np.asarray(probability, dtype=float), list[int]()
    for part in parts if len(values) else ():
        order = np.argsort(np.abs(values - part * values.max()), kind="stable")
        chosen += (
            [next(int(place) for place in order if place not in chosen)] if len(chosen) < len(values) else []
        )
    return sorted(chosen)


def converging(frame: pd.DataFrame, running: pd.DataFrame, chosen: Sequence[int]) -> go.Figure:
    """How often the chosen candidates were drawn among the first n draws (`Repeats.running`), each with its
    exact probability and band.
    """
    figure = go.Figure()
    for place, candidate in enumerate(chosen):
        rows, colour = running[running["candidate"] == candidate], COLOURS[place % len(COLOURS)]
        name, exact = plain(shorten(frame["title"][candidate], 24)), frame["inclusion_probability"][candidate]
        around = [*rows["low"], *rows["high"][::-1]]
        both = {"legendgroup": name, "hoverinfo": "skip", "showlegend": False}
        figure.add_scatter(
            x=[*rows["n"], *rows["n"][::-1]],
            y=around,
            fill="toself",
            fillcolor=faded(colour, 0.1),
            line_width=0,
            mode="lines",
            **both,
        )
        figure.add_scatter(
            x=rows["n"],
            y=[exact] * len(rows),
            mode="lines",
            line={"color": colour, "dash": "dot", "width": 1.5},
            **both,
        )
        figure.add_scatter(
            x=rows["n"], y=rows["frequency"], mode="lines", name=name, legendgroup=name, line={"color": colour, "width": 2},
            hovertemplate="%{y:.1%} of the first %{x:,} draws<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(type="log", title="draws", dtick=1)
    figure.update_yaxes(tickformat=".0%", range=[-0.02, 1.02], title="share that contain it")
    figure.update_layout(legend=LEGEND, hovermode="closest")
    return finish(figure, height=420, right=16)


def exact_and_observed(frame: pd.DataFrame) -> go.Figure:
    """Each candidate's exact probability against how often it came; the whiskers hold 95 % of what chance
    allows.
    """
    figure = go.Figure()
    exact, seen = frame["inclusion_probability"], frame["frequency"]
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": OTHER, "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
    )
    whiskers = {
        "type": "data",
        "array": frame["high"] - exact,
        "arrayminus": exact - frame["low"],
        "color": faded(OTHER, 0.7),
        "thickness": 1,
        "width": 0,
    }
    figure.add_scatter(
        x=exact,
        y=exact,
        mode="markers",
        marker_size=1,
        marker_color=OTHER,
        error_y=whiskers,
        hoverinfo="skip",
        showlegend=False,
    )
    inside = (seen >= frame["low"]) & (seen <= frame["high"])
    for label, rows, colour in (("within the band", frame[inside], UP), ("outside", frame[~inside], CHOSEN)):
        figure.add_scatter(
            x=rows["inclusion_probability"], y=rows["frequency"], mode="markers", name=label, marker={"color": colour, "size": 8},
            text=[plain(title) for title in rows["title"]], hovertemplate="%{text}: exact %{x:.1%}, observed %{y:.1%}<extra></extra>",
        )  # fmt: skip
    most = min(1.0, 1.08 * max(exact.max(), seen.max(), 0.05)) if len(frame) else 1.0
    figure.update_xaxes(title="exact probability π", tickformat=".0%", range=[0, most], rangemode="tozero")
    figure.update_yaxes(title="observed", tickformat=".0%", range=[0, most])
    figure.update_layout(legend=LEGEND)
    return finish(figure, height=420, right=16)


def score_spread(score: Sequence[float], without_noise: float) -> go.Figure:
    """The scores of many draws, with their mean and the score without noise."""
    figure = go.Figure(
        go.Histogram(
            x=list(score),
            nbinsx=BINS,
            marker_color=faded(UP, 0.75),
            hovertemplate="%{x}: %{y} draws<extra></extra>",
        )
    )
    mean = float(np.mean(score))
    lines = [("without noise", without_noise, CHOSEN, 1.0), ("mean of the draws", mean, OTHER, 1.09)]
    for label, value, colour, height in lines:
        figure.add_vline(
            value, line={"color": colour, "width": 2, "dash": "dash" if label != "without noise" else "solid"}
        )
        # The two labels point away from each other
        left = (without_noise < mean) == (label == "without noise")
        figure.add_annotation(
            x=value, y=height, yref="paper", yanchor="bottom", text=f"{label} {value:.3f}", showarrow=False, xanchor="right" if left else "left",
            xshift=8 if left else -8,
        )  # fmt: skip
    figure.update_xaxes(title="score")
    figure.update_yaxes(title="draws")
    finish(figure, height=330)
    return figure.update_layout(margin_t=52)  # the two labels stand above the bars


# Two draws


def change(
    before: tuple[str, float], parts: Sequence[tuple[str, float]], after: tuple[str, float]
) -> go.Figure:
    """A waterfall from one score to another: what each kind of change added."""
    names = [plain(name) for name in (before[0], *(name for name, _ in parts), after[0])]
    figure = go.Figure(
        go.Waterfall(
            orientation="h",
            y=names,
            x=[before[1], *(value for _, value in parts), after[1]],
            measure=["absolute"] + ["relative"] * len(parts) + ["total"],
            text=[
                f"<b>{before[1]:.3f}</b>",
                *(f"{value:+.3f}" for _, value in parts),
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
    )
    reached = np.cumsum([before[1], *(value for _, value in parts)])
    room = max(np.ptp(reached), 1e-3)
    figure.update_yaxes(autorange="reversed", automargin=True, showgrid=False, tickfont={"size": 13})
    figure.update_xaxes(
        showgrid=False,
        showticklabels=False,
        zeroline=False,
        range=[reached.min() - 0.6 * room, reached.max() + 0.6 * room],
    )
    return finish(figure, height=36 * len(names) + 30, right=60)


def relaxed_weights(frame: pd.DataFrame, names: tuple[str, str]) -> go.Figure:
    """The relaxed weights of the same candidates at two temperatures: columns title, one, other."""
    figure, places = go.Figure(), list(range(len(frame)))
    for name, column, colour in zip(names, ("one", "other"), (UP, COLOURS[1]), strict=True):
        figure.add_bar(
            y=places, x=frame[column], orientation="h", name=name, marker_color=colour, customdata=[plain(title) for title in frame["title"]],
            hovertemplate="%{customdata}: %{x:.3f}<extra></extra>",
        )  # fmt: skip
    labels = [plain(shorten(title, 24)) for title in frame["title"]]
    figure.update_yaxes(
        autorange="reversed",
        automargin=True,
        tickvals=places,
        ticktext=labels,
        showgrid=False,
        tickfont={"size": 13},
    )
    figure.update_xaxes(rangemode="tozero", title="relaxed weight")
    figure.update_layout(barmode="group", bargap=0.3, legend=LEGEND)
    return finish(figure, height=32 * len(frame) + 110, right=16)


# The flow


def sankey(flow: pd.DataFrame, title: str, colours: Mapping[str, str], dark: bool = False) -> go.Figure:
    """Who speaks for what: sources -> parts of the title -> its score (`Explorer.flow`).

    Widths are absolute contributions, colours their sign.
    """
    # None and ids of any kind group alike
    flow = flow.assign(**{name: [repr(x) for x in flow[name]] for name in ("source_id", "target_id")})
    parts = flow.groupby(["target_id", "target", "relation"], sort=False)["contribution"].sum().reset_index()
    parts = parts.sort_values("contribution", key=abs, ascending=False, kind="stable", ignore_index=True)
    sources = flow[["source_id", "source"]].drop_duplicates(ignore_index=True)
    left = {key: n for n, key in enumerate(_keys(sources, "source"))}
    middle = {key: len(left) + n for n, key in enumerate(_keys(parts, "target", "relation"))}
    end = len(left) + len(middle)
    totals = flow["contribution"].groupby(_keys(flow, "source")).sum()
    said = [
        f"{plain(name)}: {totals[key]:+.3f} in all"
        for key, name in zip(_keys(sources, "source"), sources["source"], strict=True)
    ]
    said += [
        f"{plain(name)}{f' ({plain(r)})' if r else ''}: {value:+.3f}"
        for name, r, value in parts[["target", "relation", "contribution"]].to_numpy()
    ]
    names = [*sources["source"], *parts["target"], title]
    ends = [*(left[key] for key in _keys(flow, "source")), *middle.values()]
    to = [*(middle[key] for key in _keys(flow, "target", "relation")), *[end] * len(parts)]
    value = [*flow["contribution"], *parts["contribution"]]
    figure = go.Figure(
        go.Sankey(
            node={
                "label": [plain(shorten(name, NODE)) for name in names],
                "color": [OTHER] * len(left) + [colours.get(r, OTHER) for r in parts["relation"]] + [UP],
                "customdata": [*said, f"{plain(title)}: {parts['contribution'].sum():.3f}"],
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
                "customdata": [f"{v:+.3f}" for v in value],
                "hovertemplate": "%{source.label} → %{target.label}: %{customdata}<extra></extra>",
            },
            textfont={"size": 13, "shadow": "none", "color": INK[dark]},
        )
    )
    return finish(figure, height=max(380, 34 * max(len(left), len(middle)) + 40))


def _keys(frame: pd.DataFrame, name: str, *further: str) -> list[str]:
    """What tells two ends apart: two titles may have the same name."""
    return [repr(tuple(row)) for row in frame[[f"{name}_id", name, *further]].to_numpy()]


# Degrees


def at_least(frame: pd.DataFrame, curves: Mapping[str, str], mark: Mapping[str, float]) -> go.Figure:
    """How many titles have at least so many (both axes logarithmic), one curve per column of `curves`
    (column: name); `mark` is one title's value.
    """
    figure = go.Figure()
    for place, (column, name) in enumerate(curves.items()):
        values, count = np.unique(frame[column].to_numpy(dtype=float), return_counts=True)
        reach = count[::-1].cumsum()[::-1]
        there = values > 0
        colour = COLOURS[place]
        figure.add_scatter(
            x=values[there], y=reach[there], mode="lines", line={"color": colour, "width": 2.5, "shape": "vh"}, name=name,
            hovertemplate=f"%{{y:,}} titles have at least %{{x:,.4g}} {name}<extra></extra>",
        )  # fmt: skip
        if mark[column] > 0:
            figure.add_scatter(
                x=[mark[column]], y=[int((frame[column] >= mark[column]).sum())], mode="markers", showlegend=False,
                marker={"color": colour, "size": 13, "symbol": "star", "line": {"color": OTHER, "width": 1}},
                hovertemplate=f"this title: %{{x:,.4g}} {name}<extra></extra>",
            )  # fmt: skip
    figure.update_xaxes(type="log", title="at least so many", dtick=1)
    figure.update_yaxes(type="log", title="titles", dtick=1)
    figure.update_layout(legend=LEGEND)
    return finish(figure, height=420, right=16)
