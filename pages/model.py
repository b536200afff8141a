"""The test metrics of the model, its training, its data and what it samples, and how to reproduce it."""

from typing import Any

import streamlit as st

from dskreg.explorer import Explorer, sentences
from dskreg.ui.common import cache, notes, widgets
from dskreg.ui.common.widgets import plain
from dskreg.ui.frame.sidebar import current
from dskreg.ui.model import benchmark, curves, evidence, provenance, relations, slices, worth
from dskreg.ui.model.scoreboard import MEASURES, MODEL, comparison, marked, settings_in_words, verdict

BASELINES = (
    "popularity: the most liked items for every user. item-kNN: items that the same users like. "
    "EASE: a linear model of likes by the same users."
)


def show_comparison(document: dict[str, Any]) -> None:
    """The test metrics of the model and the baselines."""
    st.header("Test metrics", anchor=False)
    if not document.get("metrics"):
        st.info("This artifact has no test metrics. Run: dskreg evaluate ARTIFACT --baselines")
        return
    if all(value is None for value in document["metrics"].values()):
        st.info("No user has a held-out test item, so there are no test metrics.")
        return
    cutoffs = sorted(
        {int(key.rpartition("@")[2]) for key in document["metrics"] if key.rpartition("@")[2].isdigit()}
    )
    default = 20 if 20 in cutoffs else cutoffs[0]
    cutoff = widgets.one_of(
        "Cutoff K", cutoffs, "cutoff", default, help="Number of recommendations that the metrics count."
    )
    cache.draw_once(show_metrics, document, cutoff)


def show_metrics(document: dict[str, Any], cutoff: int) -> None:
    """The test metrics at this cutoff in words and as a table."""
    table = comparison(document, cutoff)
    text = marked(table).rename_axis("recommender").reset_index()
    st.markdown(plain(verdict(table, cutoff)))
    columns = {"recommender": st.column_config.TextColumn("Recommender")}
    for measure in table.columns:
        name, meaning, _ = MEASURES[measure]
        columns[measure] = st.column_config.TextColumn(f"{name}@{cutoff}", help=meaning)
    st.dataframe(
        text.style.apply(lambda column: ["font-weight: bold" if "★" in cell else "" for cell in column]),
        hide_index=True,
        alt=f"Test metrics of {MODEL} and the baselines at cutoff {cutoff}; a star marks the best",
        column_config=columns,
    )
    st.caption(
        f"★ marks the best of a column. The metrics are means over {document.get('users', 0):,} users with "
        f"held-out test items, which are ranked among the whole catalogue. {BASELINES}"
    )
    if document.get("baseline_settings"):
        st.caption(plain(settings_in_words(document["baseline_settings"])))


def show_training(explorer: Explorer, document: dict[str, Any]) -> None:
    """Loss, validation metrics and sampling entropy by epoch, and the epoch that was chosen."""
    history = explorer.training_history()
    st.header("Training", anchor=False)
    if history.empty:
        st.info("This artifact has no training history.")
        return
    charts, numbers = st.tabs(["Curves", "Table"])
    with charts:
        curves.curves(history, "model")
    with numbers:
        curves.table(history, "model_history")
    if text := curves.training_in_words(document, validated=bool(history["ndcg"].notna().any())):
        st.caption(plain(text))


def show_data(explorer: Explorer, resets: list[dict[str, Any]] | None) -> None:
    """The size of the dataset, and the relations with their shares of the sampling."""
    info = explorer.info()
    st.header("Data and sampling by relation", anchor=False)
    numbers = {
        "Users": info["users"],
        "Items": info["items"],
        "Interactions": info["interactions"],
        "Likes": info["likes"],
        "Relations": len(explorer.relations),
    }
    with st.container(horizontal=True, gap="small"):
        for label, value in numbers.items():
            st.metric(label, f"{value:,}", border=True, width=170)
    if explorer.simulated:
        st.caption(widgets.SIMULATED)
    if explorer.relations:
        relations.show(cache.ask(explorer, "graph_statistics"), resets)
    for note in info.get("notes") or ["No data was dropped while reading."]:
        st.text(f"• {note}")


explorer = current(needs_profile=False).explorer
st.title(f"Model “{plain(explorer.name)}”", anchor=False)
st.caption(
    "Test metrics, slices, the worth of each part, training, sampling by relation and reproducibility."
)
information, measured = explorer.info(), explorer.metrics()
show_comparison(measured)
sliced = st.container()  # filled last: it takes seconds on a large catalogue
cache.draw_once(benchmark.show, benchmark.read())
if explorer.relations or explorer.samples_likes:
    cache.draw_once(worth.show, measured["resets"])
    cache.draw_once(evidence.show, explorer, measured["evidence"])
else:
    st.info(sentences.NO_RELATIONS, icon=":material/hub:")
cache.draw_once(show_training, explorer, measured)
cache.draw_once(show_data, explorer, measured["resets"])
notes.section(explorer)
provenance.show(explorer, information)
with sliced:
    slices.show(explorer, measured["resets"])
