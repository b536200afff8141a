"""plotly figures of the keys of one sample, and of many samples: convergence, empirical frequencies, and the
distribution of the score.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dskreg.ui.common.charts import CHOSEN, COLOURS, OTHER, ZOOMED, finish, plain, shorten
from dskreg.ui.common.figure import Figure
from dskreg.ui.sampling.charts import LEGEND, UP, faded

BINS = 40


def key_strip(frame: pd.DataFrame) -> Figure:
    """All keys on one axis with the cut after the K largest; with noise, the logits on a line above.

    Args:
        frame: candidates (title, logit, noise, key, picked), the largest key first; some are not sampled.
    """
    picked = frame["picked"].to_numpy(dtype=bool)
    noisy = bool(frame["noise"].any())
    figure = Figure()
    if noisy:
        served = frame["logit"].rank(ascending=False, method="first") <= picked.sum()
        ways = frame[picked | served]
        figure.add(
            "scatter",
            x=[x for s, key in zip(ways["logit"], ways["key"], strict=True) for x in (s, key, None)],
            y=[1, 0, None] * len(ways),
            mode="lines",
            line={"color": faded(OTHER, 0.6), "width": 1},
            hoverinfo="skip",
            showlegend=False,
        )
    tick = {"symbol": "line-ns-open", "size": 16, "color": OTHER, "line": {"width": 1.5}}
    shapes = (
        ("not sampled", ~picked, tick),
        ("sampled", picked, {"symbol": "circle", "size": 10, "color": UP}),
    )
    for name, rows, marker in shapes:
        chosen = frame[rows]
        for line, column in enumerate(("key", "logit") if noisy else ("key",)):
            figure.add(
                "scatter",
                x=chosen[column].tolist(),
                y=[line] * len(chosen),
                mode="markers",
                marker=marker,
                name=name,
                legendgroup=name,
                showlegend=line == 0,
                text=[plain(title) for title in chosen["title"]],
                hovertemplate=f"%{{text}}: {column} %{{x:.3f}}, {name}<extra></extra>",
            )
    between = float(frame["key"][picked].min() + frame["key"][~picked].max()) / 2
    figure.add_line({"color": CHOSEN, "width": 2, "dash": "dash"}, x0=between, x1=between, y0=-0.5, y1=0.5)
    figure.annotate(
        x=between,
        y=-0.5,
        yanchor="top",
        text=f"cut after the {picked.sum()} largest keys",
        font={"size": 13},
    )
    names = {0: "key s + G", 1: "logit s"} if noisy else {0: "key s"}
    figure.y_axis(
        range=[-0.95, 1.5 if noisy else 0.6],
        tickvals=list(names),
        ticktext=list(names.values()),
        tickfont={"size": 13},
        showgrid=False,
        zeroline=False,
        automargin=True,
    )
    figure.x_axis(side="bottom", zeroline=False, tickfont={"size": 12})
    figure.update(legend=LEGEND)
    return finish(figure, height=230 if noisy else 170, right=16)


def spread(probability: Sequence[float], parts: Sequence[float] = (1.0, 0.75, 0.5, 0.25, 0.1)) -> list[int]:
    """Positions of a few distinct probabilities for a chart: those nearest to these parts of the largest."""
    values, chosen = np.asarray(probability, dtype=float), list[int]()
    for part in parts[: len(values)]:
        order = np.argsort(np.abs(values - part * values.max()), kind="stable")
        chosen.append(next(int(place) for place in order if place not in chosen))
    return sorted(chosen)


def converging(frame: pd.DataFrame, running: pd.DataFrame, chosen: Sequence[int]) -> Figure:
    """Frequency of the chosen candidates among the first n samples, with exact probability and band.

    Args:
        running: candidate, n, frequency, low and high (`Repeats.running`).
    """
    figure = Figure()
    for place, candidate in enumerate(chosen):
        rows, colour = running[running["candidate"] == candidate], COLOURS[place % len(COLOURS)]
        name, exact = plain(shorten(frame["title"][candidate], 24)), frame["inclusion_probability"][candidate]
        around = [*rows["low"], *rows["high"][::-1]]
        both = {"legendgroup": name, "hoverinfo": "skip", "showlegend": False}
        figure.add(
            "scatter",
            x=[*rows["n"], *rows["n"][::-1]],
            y=around,
            fill="toself",
            fillcolor=faded(colour, 0.1),
            line={"width": 0},
            mode="lines",
            **both,
        )
        figure.add(
            "scatter",
            x=rows["n"],
            y=[exact] * len(rows),
            mode="lines",
            line={"color": colour, "dash": "dot", "width": 1.5},
            **both,
        )
        figure.add(
            "scatter",
            x=rows["n"],
            y=rows["frequency"],
            mode="lines",
            name=name,
            legendgroup=name,
            line={"color": colour, "width": 2},
            hovertemplate="%{y:.1%} of the first %{x:,} samples<extra></extra>",
        )
    figure.x_axis(type="log", title="samples (log scale)", dtick=1)
    figure.y_axis(tickformat=".0%", range=[-0.02, 1.02], title="empirical frequency")
    figure.update(legend=LEGEND, hovermode="closest")
    return finish(figure, height=420, right=16)


def exact_and_observed(frame: pd.DataFrame) -> Figure:
    """Each candidate's exact probability and empirical frequency; the whiskers are its 95% band."""
    figure = Figure()
    exact, seen = frame["inclusion_probability"], frame["frequency"]
    figure.add(
        "scatter",
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
    figure.add(
        "scatter",
        x=exact,
        y=exact,
        mode="markers",
        marker={"size": 1, "color": OTHER},
        error_y=whiskers,
        hoverinfo="skip",
        showlegend=False,
    )
    inside = (seen >= frame["low"]) & (seen <= frame["high"])
    for label, rows, colour in (("within the band", frame[inside], UP), ("outside", frame[~inside], CHOSEN)):
        figure.add(
            "scatter",
            x=rows["inclusion_probability"],
            y=rows["frequency"],
            mode="markers",
            name=label,
            marker={"color": colour, "size": 8},
            text=[plain(title) for title in rows["title"]],
            hovertemplate="%{text}: exact %{x:.1%}, observed %{y:.1%}<extra></extra>",
        )
    most = min(1.0, 1.08 * max(exact.max(), seen.max(), 0.05)) if len(frame) else 1.0
    figure.x_axis(
        title="exact inclusion probability π", tickformat=".0%", range=[0, most], rangemode="tozero"
    )
    figure.y_axis(title="empirical frequency", tickformat=".0%", range=[0, most])
    figure.update(legend=LEGEND)
    return finish(figure, height=420, right=16)


def score_spread(score: np.ndarray, without_noise: float) -> Figure:
    """The scores of many samples, with their mean and the score without noise."""
    figure = Figure().add(
        "histogram",
        x=score.tolist(),
        nbinsx=BINS,
        marker={"color": faded(UP, 0.75)},
        hovertemplate="%{x}: %{y} samples<extra></extra>",
    )
    mean = float(np.mean(score))
    lines = [("without noise", without_noise, CHOSEN, 1.0), ("mean of the samples", mean, OTHER, 1.09)]
    for label, value, colour, height in lines:
        dash = "dash" if label != "without noise" else "solid"
        figure.add_vertical(value, {"color": colour, "width": 2, "dash": dash})
        # The two labels point away from each other
        left = (without_noise < mean) == (label == "without noise")
        figure.annotate(
            x=value,
            y=height,
            yref="paper",
            yanchor="bottom",
            text=f"{label} {value:.3f}",
            xanchor="right" if left else "left",
            xshift=8 if left else -8,
        )
    figure.x_axis(title="score" if score.min() <= 0 <= score.max() else f"score ({ZOOMED})")
    figure.y_axis(title="samples")
    finish(figure, height=330)
    return figure.update(margin={"t": 52})  # the two labels stand above the bars


def rank_spread(rank: np.ndarray, served: int) -> Figure:
    """How many of the samples give the item each rank; the served rank has a colour of its own."""
    places, times = np.unique(rank, return_counts=True)
    figure = Figure()
    for name, here, colour in (("as served", places == served, CHOSEN), ("other", places != served, UP)):
        if here.any():
            figure.add(
                "bar",
                x=places[here].tolist(),
                y=(times[here] / len(rank)).tolist(),
                name=name,
                marker={"color": faded(colour, 0.85)},
                hovertemplate=f"rank %{{x}}: %{{y:.0%}} of the samples ({name})<extra></extra>",
            )
    figure.x_axis(title="rank", tickformat="d", dtick=1 if np.ptp(places) < 12 else None)
    figure.y_axis(title="samples", tickformat=".0%", rangemode="tozero")
    figure.update(legend=LEGEND, showlegend=True)
    return finish(figure, height=300, right=16)
