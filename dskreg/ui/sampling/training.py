"""The sampler over the epochs of training: a slider through the probabilities of the item's candidates, with
the relations' weights and the entropy beside it.
"""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dskreg.ui.common import cache
from dskreg.ui.common.charts import COLOURS, LEGEND, OTHER, finish, plain, shorten, show_chart
from dskreg.ui.common.figure import Figure
from dskreg.ui.common.widgets import Notice, not_followed, one_of, show_notice
from dskreg.ui.sampling.draw import NOT_POSSIBLE, Sample

SHOWN = 12  # candidates in the chart
NO_SNAPSHOTS = (
    "This model keeps no snapshots of its training. Train it again to see its sampler at every epoch."
)
TABLE: dict[str, Any] = {
    "title": st.column_config.TextColumn("Candidate", pinned=True, width="medium"),
    "relation": "Relation r",
    **{
        name: st.column_config.NumberColumn(label, format="%.1f%%", help=text)
        for name, label, text in (
            ("first", "π before", "Inclusion probability at the first epoch that is kept, in percent."),
            ("then", "π at epoch", "Inclusion probability at the chosen epoch, in percent."),
            ("served", "π as served", "Inclusion probability of the served model, in percent."),
        )
    },
}


def show_training(sample: Sample) -> None:
    """What training did to the item's sampler, and the slider."""
    st.subheader("Sampling across training", anchor=False)
    found = cache.ask(sample.explorer, "sampler_history", sample.item_id)
    if found is None:
        st.info(NO_SNAPSHOTS, icon=":material/history:")
        return
    if found.candidates.empty:
        st.info("The item has no candidates, so no neighbour is sampled.", icon=":material/hub:")
        return
    st.markdown(in_words(found, int(sample.explorer.defaults["picks"])))
    epochs = found.epochs["epoch"]
    chosen = found.served
    asked = {"epoch": st.query_params["epoch"]} if "epoch" in st.query_params else {}
    if len(epochs) > 1:
        chosen = st.slider(
            "Epoch",
            int(epochs.iloc[0]),
            int(epochs.iloc[-1]),
            found.served,
            key="epoch",
            bind="query-params",
            help=f"Passes over the training likes; epoch {found.served} is the served model.",
        )
    if wrong := not_followed(asked, {"epoch": str(chosen)}):
        show_notice(Notice(NOT_POSSIBLE.format(", ".join(wrong))))
    row = found.place(chosen)
    view = one_of("View", ("Chart", "Table"), "epochs_as", label_visibility="collapsed")
    frame = found.candidates.assign(
        first=found.probability[0],
        then=found.probability[row],
        served=found.probability[found.place(found.served)],
    )
    if view == "Table":
        st.dataframe(
            frame.assign(**{name: 100 * frame[name] for name in ("first", "then", "served")}),
            column_config=TABLE,
            hide_index=True,
            key="epochs_table",
            alt=f"Inclusion probability of {len(frame)} candidates at epoch {epochs[row]} and as served",
            height=460,
        )
        return
    _show_charts(sample, found, frame, int(epochs[row]))


def in_words(found: Any, picks: int) -> str:
    """What training did to the item's sampler, in two sentences of Markdown."""
    first, served = found.probability[0], found.probability[found.place(found.served)]
    kept = min(picks, len(served))
    before, after = (set(np.argsort(-row, kind="stable")[:kept].tolist()) for row in (first, served))
    own = found.epochs["own"]
    start, end = own.iloc[0], own.iloc[found.place(found.served)]
    sentence = ""
    if np.isfinite(start):
        word = (
            "sharper"
            if end < start - 0.005
            else "less sharp"
            if end > start + 0.005
            else "neither sharper nor less sharp"
        )
        sentence = (
            f"Training made this choice **{word}**: its entropy goes from **{start:.2f}** to **{end:.2f}** "
            "(0: always the same neighbours, 1: uniform). "
        )
    return (
        f"{sentence}Of the **{kept}** candidates that are now the likeliest, **{len(before & after)}** were "
        "so before training."
    )


def _show_charts(sample: Sample, found: Any, frame: pd.DataFrame, epoch: int) -> None:
    left, right = st.columns([1.25, 1], gap="medium")
    top = np.sort(np.argsort(-found.probability.max(0), kind="stable")[:SHOWN])
    left.markdown("**Inclusion probability π**")
    show_chart(
        left,
        candidates_chart(frame.iloc[top], epoch),
        key="epoch_candidates",
        alt=f"Inclusion probability of {len(top)} candidates at epoch {epoch} and as served",
    )
    right.markdown("**Relation weight**", help="What training learns of each relation; larger: sampled more.")
    weights = {str(name): rows for name, rows in found.weights.groupby("relation", sort=False)}
    colours = sample.colours()
    show_chart(
        right,
        lines(
            [
                (name, rows["epoch"], rows["weight"], colours.get(name, OTHER))
                for name, rows in weights.items()
            ],
            epoch,
        ),
        key="epoch_weights",
        alt=f"Weights of {len(weights)} relations over the epochs",
    )
    right.markdown("**Sampling entropy**", help="0: always the same neighbours; 1: uniform.")
    epochs = found.epochs
    named = [("this item", epochs["own"], COLOURS[1]), ("mean of all items", epochs["entropy"], COLOURS[0])]
    show_chart(
        right,
        lines([(name, epochs["epoch"], values, colour) for name, values, colour in named], epoch, zero=True),
        key="epoch_entropy",
        alt="Sampling entropy of this item and mean of all items over the epochs",
    )


def candidates_chart(frame: pd.DataFrame, epoch: int) -> Figure:
    """Each candidate's probability at the epoch and as served, joined by a line.

    Args:
        frame: title, relation, then, served of the candidates, the likeliest first.
    """
    # Titles need not differ; places do
    place = np.arange(len(frame))
    figure = Figure()
    figure.add(
        "scatter",
        x=[x for pair in zip(frame["then"], frame["served"], strict=True) for x in (*pair, None)],
        y=[y for row in place for y in (row, row, None)],
        mode="lines",
        line={"color": OTHER, "width": 2},
        hoverinfo="skip",
        showlegend=False,
    )
    served = {"symbol": "circle-open", "size": 13, "color": OTHER, "line": {"width": 2}}
    now = {"symbol": "circle", "size": 10, "color": COLOURS[0]}
    for name, column, marker in (("as served", "served", served), (f"at epoch {epoch}", "then", now)):
        figure.add(
            "scatter",
            x=frame[column],
            y=place,
            mode="markers",
            cliponaxis=False,
            marker=marker,
            name=name,
            text=[plain(title) for title in frame["title"]],
            hovertemplate=f"%{{text}}: %{{x:.1%}} {name}<extra></extra>",
        )
    names = [f"{shorten(t, 26)} · {r}" for t, r in zip(frame["title"], frame["relation"], strict=True)]
    figure.y_axis(
        tickvals=place,
        ticktext=[plain(name) for name in names],
        range=[len(frame) - 0.5, -0.5],
        automargin=True,
        showgrid=True,
        zeroline=False,
    )
    figure.x_axis(range=[-0.03, 1.03], tickformat=".0%", zeroline=False)
    figure.update(legend=LEGEND)
    return finish(figure, height=max(220, 34 * len(frame) + 90), right=16)


def lines(named: list[tuple[str, pd.Series, pd.Series, str]], epoch: int, zero: bool = False) -> Figure:
    """Lines (name, epochs, values, colour) over the epochs, and the chosen epoch; `zero`: from 0 on."""
    figure = Figure()
    for name, epochs, values, colour in named:
        figure.add(
            "scatter",
            x=epochs,
            y=values,
            mode="lines" if len(epochs) > 1 else "markers",
            name=plain(shorten(name, 24)),
            line={"color": colour, "width": 2},
            hovertemplate=f"epoch %{{x}}: {plain(shorten(name, 24))} %{{y:.3f}}<extra></extra>",
        )
    figure.add_vertical(epoch, {"color": OTHER, "width": 1.5, "dash": "dash"})
    figure.x_axis(title="epoch", tickformat="d", showgrid=False, zeroline=False)
    figure.y_axis(automargin=True, nticks=5, rangemode="tozero" if zero else "normal")
    figure.update(legend=LEGEND)
    return finish(figure, height=270, right=16)
