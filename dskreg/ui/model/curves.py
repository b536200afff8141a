"""The curves of a training run: a chart per metric over the epochs, and the same metrics as a table."""

from typing import Any

import pandas as pd
import streamlit as st

from dskreg.ui.common import charts
from dskreg.ui.common.figure import Figure

CURVES = (  # ({column: name of the line}, heading, help)
    ({"loss": "Training loss"}, "Training loss", "Mean training objective of an epoch; lower is better."),
    (
        {"hidden": "hidden items", "ndcg": "all items"},
        "Validation NDCG@20",
        "Hidden items: their likes are hidden, and they are ranked among themselves by their neighbours. "
        "All items: validation likes, ranked among the whole catalogue.",
    ),
    (
        {"entropy": "Sampling entropy"},
        "Sampling entropy",
        "Entropy of the sampling distribution, 0 to 1: 0 is a deterministic and 1 a uniform choice.",
    ),
)
COLUMNS = {
    "epoch": st.column_config.NumberColumn(
        "Epoch", format="%d", help="Number of passes over the training likes; 0 is the initialisation."
    ),
    "loss": st.column_config.NumberColumn("Training loss", format="%.4f"),
    "hidden": st.column_config.NumberColumn(
        "NDCG@20, hidden items", format="%.4f", help="Among validation items whose likes are hidden."
    ),
    "ndcg": st.column_config.NumberColumn("Validation NDCG@20", format="%.4f"),
    "recall": st.column_config.NumberColumn("Validation recall@20", format="%.4f"),
    "entropy": st.column_config.NumberColumn("Sampling entropy", format="%.3f"),
}


def training_in_words(document: dict, validated: bool = True) -> str:
    """The initialisation, the best epoch and the final training; "" where the artifact does not say.

    Args:
        document: the result of Explorer.metrics.
        validated: whether there were validation items.
    """
    start, best = document.get("start"), document.get("best_epoch")
    sentences = _initialisation(start, validated) if start else []
    if not validated:
        sentences.append("No user has a validation item: the first settings and the last epoch were used.")
    elif best:
        among = " among the hidden items" * bool(start)
        sentences.append(f"Epoch {best} was best on validation{among}.")
    elif best is not None:
        sentences.append("No later epoch was better on validation.")
    if document.get("refit"):
        sentences.append(
            "The tested model was trained once more on training and validation items, like the baselines."
        )
    return " ".join(sentences)


def _initialisation(start: dict[str, Any], validated: bool) -> list[str]:
    ridge = "no shrinkage" if start["ridge"] is None else f"ridge {start['ridge']:g}"
    sentences = [
        "The embeddings of the items are in closed form, a spectral ridge regression of the likes and of "
        f"items seen without a like (degree exponent {start['exponent']:g}, {ridge}).",
        "They stay fixed; the epochs train the relevance of neighbours on items whose likes are hidden.",
    ]
    return [*sentences, "The settings were chosen on validation."] if validated else sentences


def curves(history: pd.DataFrame, key: str) -> None:
    """The charts of the metrics that the history holds, side by side."""
    shown = []
    for lines, heading, explanation in CURVES:
        there = {c: name for c, name in lines.items() if c in history and history[c].notna().any()}
        if there:
            shown.append((there, heading, explanation))
    if not shown:
        return
    columns = st.columns(len(shown), gap="medium")
    for place, (lines, heading, explanation) in zip(columns, shown, strict=True):
        with place:
            st.markdown(f"**{heading}**", help=explanation)
            charts.show_chart(
                st,
                _curve(history, lines),
                key=f"{key} {next(iter(lines))}",
                alt=f"{heading}: {'; '.join(_ends(history, column, lines[column]) for column in lines)}",
            )


def _ends(history: pd.DataFrame, column: str, name: str) -> str:
    values = history[column].dropna()
    return f"{name} over {len(values)} epochs, from {values.iloc[0]:.3f} to {values.iloc[-1]:.3f}"


def _curve(history: pd.DataFrame, lines: dict[str, str]) -> Figure:
    figure = Figure()
    for colour, (column, name) in zip(charts.COLOURS, lines.items(), strict=False):
        values = history[["epoch", column]].dropna()
        figure.add(
            "scatter",
            x=values["epoch"],
            y=values[column],
            mode="lines+markers" if len(values) == 1 else "lines",
            name=name,
            line={"color": colour, "width": 2},
            hovertemplate=f"epoch %{{x}}: {name} %{{y:.4f}}<extra></extra>",
        )
    # Few epochs have a tick each; plotly would otherwise write fractions of epochs
    few = history["epoch"].nunique() <= 10
    figure.x_axis(title="epoch", dtick=1 if few else None, tickformat="d", showgrid=False)
    shown = history[list(lines)].stack()
    figure.y_axis(automargin=True, nticks=5, **charts.from_zero(shown))
    figure.update(showlegend=len(lines) > 1, legend=charts.LEGEND)
    return charts.finish(figure, height=220)


def table(history: pd.DataFrame, key: str) -> None:
    """The metrics as a table, one row per epoch."""
    shown = [column for column in COLUMNS if column in history]
    st.dataframe(
        history[shown],
        hide_index=True,
        column_config=COLUMNS,
        alt="Training history, one row per epoch",
        key=key,
    )
