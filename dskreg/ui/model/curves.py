"""The curves of a training run: a chart per metric over the epochs, and the same metrics as a table."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dskreg.ui.common import charts
from dskreg.ui.common.widgets import listed

CURVES = (  # (column, heading, help)
    ("loss", "Training loss", "Mean training objective of an epoch; lower is better."),
    ("ndcg", "Validation NDCG", "NDCG@20 on the validation items; training ends when it stops rising."),
    (
        "entropy",
        "Sampling entropy",
        "Entropy of the sampling distribution, 0 to 1: 0 is a deterministic and 1 a uniform choice.",
    ),
)
COLUMNS = {
    "epoch": st.column_config.NumberColumn(
        "Epoch", format="%d", help="Number of passes over the training likes; 0 is the initialisation."
    ),
    "loss": st.column_config.NumberColumn("Training loss", format="%.4f"),
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
    elif best is not None and (best or not start):
        sentences.append(f"Epoch {best} was best on validation.")
    elif best is not None:
        sentences.append("No later epoch was better on validation.")
    if document.get("refit"):
        sentences.append(
            "The tested model was trained once more on training and validation items, like the baselines."
        )
    return " ".join(sentences)


def _initialisation(start: dict, validated: bool) -> list[str]:
    kernels = start.get("kernels") or [start]  # older artifacts have a single kernel, without a list
    rank = max(kernel.get("rank", 0) for kernel in kernels)
    seen = any(kernel.get("seen") for kernel in kernels)
    sources = ["the likes"]
    sources += ["items seen without a like"] * seen
    sources += ["the knowledge graph"] * any(kernel.get("knowledge") for kernel in kernels)
    mixture = f", as a mixture of {len(kernels)} kernels" if len(kernels) > 1 else ""
    sentences = [
        f"Epoch 0 is a closed-form (spectral, rank {rank}) initialisation.",
        f"It is computed from {listed(sources)}{mixture}.",
    ]
    if validated:
        sentences.append("Its settings and the initial relation weights were chosen on validation.")
    if seen:
        sentences.append("The baselines use the likes only.")
    return sentences


def curves(history: pd.DataFrame, key: str) -> None:
    """The charts of the metrics that the history holds, side by side."""
    shown = [entry for entry in CURVES if entry[0] in history and history[entry[0]].notna().any()]
    if not shown:
        return
    columns = st.columns(len(shown), gap="medium")
    for place, (column, heading, explanation) in zip(columns, shown, strict=True):
        with place:
            st.markdown(f"**{heading}**", help=explanation)
            values = history[["epoch", column]].dropna()
            first, last = values[column].iloc[0], values[column].iloc[-1]
            st.plotly_chart(
                _curve(values, column, heading),
                key=f"{key} {column}",
                config={"displayModeBar": False},
                alt=f"{heading} over {len(values)} epochs, from {first:.3f} to {last:.3f}",
            )


def _curve(values: pd.DataFrame, column: str, heading: str) -> go.Figure:
    figure = go.Figure(
        go.Scatter(
            x=values["epoch"],
            y=values[column],
            mode="lines+markers" if len(values) == 1 else "lines",
            line={"color": charts.COLOURS[0], "width": 2},
            hovertemplate=f"epoch %{{x}}: {heading} %{{y:.4f}}<extra></extra>",
        )
    )
    # Few epochs have a tick each; plotly would otherwise write fractions of epochs
    figure.update_xaxes(title="epoch", dtick=1 if len(values) <= 10 else None, tickformat="d", showgrid=False)
    figure.update_yaxes(automargin=True, nticks=5)
    return charts.finish(figure, height=200)


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
