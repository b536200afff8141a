"""How good the model is beside simple baselines, how it was trained, what it has learnt to sample, and what data it has seen."""

import altair as alt
import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer
from dskreg.ui import panels
from dskreg.ui.panels import plain
from dskreg.ui.scoreboard import MEASURES, MODEL, comparison, marked, verdict
from dskreg.ui.sidebar import current


def show_comparison(document: dict) -> None:
    """The scoreboard, with who wins in words."""
    st.header("How good is it?", anchor=False)
    if not document.get("metrics"):
        st.info("This artifact holds no evaluation. Run: python -m dskreg evaluate ARTIFACT --baselines")
        return
    cutoffs = sorted({int(key.rpartition("@")[2]) for key in document["metrics"] if key.rpartition("@")[2].isdigit()})
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        default = 20 if 20 in cutoffs else cutoffs[0]
        cutoff = st.segmented_control("Among the first K", cutoffs, default=default, required=True, key="cutoff", bind="query-params") or default
    table = comparison(document, cutoff)
    text = marked(table).rename_axis("recommender").reset_index()
    st.markdown(plain(verdict(table, cutoff)))
    st.dataframe(
        text.style.apply(lambda column: ["font-weight: bold" if "★" in cell else "" for cell in column]),
        hide_index=True,
        alt=f"Test metrics of {MODEL} and the baselines among the first {cutoff}; a star marks the best of each column",
        column_config={"recommender": st.column_config.TextColumn("Recommender")}
        | {measure: st.column_config.TextColumn(f"{MEASURES[measure][0]}@{cutoff}", help=MEASURES[measure][1]) for measure in table.columns},
    )
    st.caption(
        f"★ the best of its column. Test titles of {document.get('users', 0):,} people, hidden in training and ranked against the whole catalogue, "
        "never against a sample of it. popularity: the best-known titles for everybody. item-kNN: titles that the same people like. "
        "EASE: a linear model of which titles go together."
    )


def curve(history: pd.DataFrame, column: str, heading: str, explanation: str) -> None:
    """One number over the epochs."""
    values = history[["epoch", column]].dropna()
    if values.empty:
        return
    st.markdown(f"**{heading}**", help=explanation)
    lines = (
        alt.Chart(values)
        .mark_line(point=len(values) == 1)
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y(f"{column}:Q", title=None, scale=alt.Scale(zero=False)),
            tooltip=["epoch", alt.Tooltip(column, title=heading, format=".4f")],
        )
    )
    first, last = values[column].iloc[0], values[column].iloc[-1]
    st.altair_chart(lines, height=200, alt=f"{heading} over {len(values)} epochs, from {first:.3f} to {last:.3f}")


def show_training(history: pd.DataFrame) -> None:
    """Loss, validation quality and entropy over the epochs."""
    st.header("How was it trained?", anchor=False)
    if history.empty:
        st.info("This artifact holds no training history.")
        return
    curves = (
        ("loss", "Training loss", "How badly liked titles are told from others, on the training pairs: falls as the model learns."),
        ("ndcg", "Validation NDCG", "Quality on held-out titles while training. Training stops once it no longer rises."),
        ("entropy", "Sampling entropy", "How undecided the sampler is: low, and it has settled on which neighbours to draw; high, and any of them may come."),
    )
    shown = [entry for entry in curves if entry[0] in history]
    for place, entry in zip(st.columns(len(shown) or 1, gap="medium"), shown, strict=False):
        with place:
            curve(history, *entry)
    with st.expander("The same numbers as a table", icon=":material/table:"):
        st.dataframe(history, hide_index=True, alt="Training history, one row per epoch")


def show_data(explorer: Explorer, info: dict) -> None:
    """Sizes, and what each relation is to the sampler."""
    st.header("What has it seen, and what did it learn to sample?", anchor=False)
    numbers = {"Viewers": info.get("users"), "Titles": info.get("items"), "Likes": info.get("interactions"), "Kinds of relation": len(explorer.relations)}
    with st.container(horizontal=True, gap="small"):
        for label, value in numbers.items():
            if isinstance(value, int):
                st.metric(label, f"{value:,}", border=True, width=170)
    if explorer.simulated:
        st.caption(panels.SIMULATED)
    statistics = explorer.graph_statistics().sort_values("mass", ascending=False)
    st.dataframe(
        statistics.assign(mass=100 * statistics["mass"]),
        hide_index=True,
        alt="The knowledge graph by relation: size, learnt gate and share of the sampling",
        column_config={
            "relation": st.column_config.TextColumn("Relation", help="How two titles are tied: through a shared genre, studio, franchise …"),
            "titles": st.column_config.NumberColumn("Titles", format="localized", help="Titles with at least one neighbour through this relation."),
            "candidates": st.column_config.NumberColumn("Candidates", format="localized", help="Pairs of neighbours the sampler may draw from."),
            "mean": st.column_config.NumberColumn("Per title", format="%.1f", help="Candidates per title, on average."),
            "gate": st.column_config.NumberColumn("Learnt gate", format="%.2f", help="The weight the model learnt for this relation."),
            "mass": st.column_config.ProgressColumn(
                "Share of the sampling", format="%.0f%%", min_value=0, max_value=100, help="Mean probability that the first draw falls on this relation."
            ),
            "picks": st.column_config.NumberColumn("Picks", format="%.2f", help="Neighbours of this relation among the picks of a title, without noise."),
        },
    )
    for note in info.get("notes") or ["Nothing was dropped while reading the data."]:
        st.text(f"• {note}")


def flat(values: dict, prefix: str = "") -> dict[str, str]:
    """Nested settings as dotted names."""
    rows: dict[str, str] = {}
    for key, value in values.items():
        rows |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": str(value)}
    return rows


def show_pairs(values: dict, first: str, second: str) -> None:
    """Settings as a table of two columns."""
    pairs = pd.DataFrame(flat(values).items(), columns=[first, second])
    st.dataframe(pairs, hide_index=True, height="content" if len(pairs) < 12 else 400, alt=f"{first} and {second}")


def show_provenance(info: dict) -> None:
    """Configuration, versions and hashes."""
    st.header("How was it made?", anchor=False)
    settings, versions, files = st.tabs(["Configuration", "Versions and hardware", "Files and hashes"])
    with settings:
        show_pairs(info.get("config", {}), "Setting", "Value")
    with versions:
        made = {key: info[key] for key in ("dataset", "created", "hardware") if info.get(key) not in (None, "")}
        if isinstance(seconds := info.get("seconds"), dict) and "total" in seconds:
            made["seconds"] = f"{seconds['total']:.0f}"
        show_pairs(made | dict(info.get("versions", {})), "What", "Value")
    with files:
        st.caption("SHA-256 of every file; they were checked when the model was opened.")
        show_pairs(info.get("files", {}) | {"content (all that is deterministic)": info.get("content", "")}, "File", "SHA-256")


selection = current(needs_profile=False)
st.title(f"The model “{plain(selection.explorer.name)}”", anchor=False)
st.caption("How good it is beside simple recommenders, how it was trained, and which relations of the knowledge graph it learnt to sample.")
information = selection.explorer.info()
show_comparison(selection.explorer.metrics())
show_training(selection.explorer.training_history())
show_data(selection.explorer, information)
show_provenance(information)
