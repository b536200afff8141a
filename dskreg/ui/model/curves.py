"""A training run's curves: one number over the epochs each, and the same numbers as a table."""

import altair as alt
import pandas as pd
import streamlit as st

CURVES = (
    (
        "loss",
        "Training loss",
        "How badly liked titles are told from others, on the training pairs: falls as the model learns.",
    ),
    (
        "ndcg",
        "Validation NDCG",
        "Quality on held-out titles while training (NDCG@20). Training stops once it no longer rises.",
    ),
    (
        "entropy",
        "Sampling entropy",
        "How undecided the sampler is: low, and it has settled on which neighbours to draw; high, and any of them may come.",
    ),
)
COLUMNS = {
    "epoch": st.column_config.NumberColumn(
        "Epoch",
        format="%d",
        help="One pass over everybody's training likes. 0 is the start, before any step.",
    ),
    "loss": st.column_config.NumberColumn("Training loss", format="%.4f"),
    "ndcg": st.column_config.NumberColumn("Validation NDCG@20", format="%.4f"),
    "recall": st.column_config.NumberColumn("Validation recall@20", format="%.4f"),
    "entropy": st.column_config.NumberColumn("Sampling entropy", format="%.3f"),
}


def start_in_words(document: dict, validated: bool = True) -> str:
    """Where training began, which epoch won, and what was done with it; "" where the artifact does not say.

    `document`: Explorer.metrics; `validated`: did somebody have a validation title?
    """
    start, best, said = document.get("start"), document.get("best_epoch"), []
    if start:
        kernels = start.get("kernels") or [start]  # older artifacts have one, without a list
        taught = ["the likes"]
        taught += ["what was seen and not liked"] * any(kernel.get("seen") for kernel in kernels)
        taught += ["the knowledge graph"] * any(kernel.get("knowledge") for kernel in kernels)
        several = f", {len(kernels)} views of them mixed" * (len(kernels) > 1)
        rank = max(kernel.get("rank", 0) for kernel in kernels)
        said.append(
            f"Epoch 0 is a start in closed form: up to {rank} directions of {' and '.join(taught)}{several}"
            f"{', chosen on validation together with the relations’ first weights' * validated}."
        )
        if "what was seen and not liked" in taught:
            said.append("The baselines know the likes alone.")
    if not validated:
        said.append(
            "Nobody has a validation title: the first of the settings tried and the last epoch were taken."
        )
    elif best is not None:
        said.append(
            f"Epoch {best} was best on validation."
            if best or not start
            else "No later epoch was better on validation."
        )
    if document.get("refit"):
        said.append(
            "For the test the same was done once more with the validation titles included, as for the baselines."
        )
    return " ".join(said)


def curves(history: pd.DataFrame, key: str) -> None:
    """The curves that the history has numbers for, side by side, each with its end points in words."""
    shown = [entry for entry in CURVES if entry[0] in history and history[entry[0]].notna().any()]
    if not shown:
        return
    for place, (column, heading, explanation) in zip(
        st.columns(len(shown), gap="medium"), shown, strict=True
    ):
        with place:
            st.markdown(f"**{heading}**", help=explanation)
            values = history[["epoch", column]].dropna()
            first, last = values[column].iloc[0], values[column].iloc[-1]
            words = f"{heading} over {len(values)} epochs, from {first:.3f} to {last:.3f}"
            st.altair_chart(_curve(values, column, heading), height=200, alt=words, key=f"{key} {column}")


def _curve(values: pd.DataFrame, column: str, heading: str) -> alt.Chart:
    return (
        alt.Chart(values)
        .mark_line(point=len(values) == 1)
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y(f"{column}:Q", title=None, scale=alt.Scale(zero=False)),
            tooltip=["epoch", alt.Tooltip(column, title=heading, format=".4f")],
        )
    )


def table(history: pd.DataFrame, key: str) -> None:
    """One row per epoch."""
    shown = [column for column in COLUMNS if column in history]
    st.dataframe(
        history[shown],
        hide_index=True,
        column_config=COLUMNS,
        alt="Training history, one row per epoch",
        key=key,
    )
