"""How good the model is beside simple baselines, how it was trained, what it samples, and what data it has
seen.
"""

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer
from dskreg.ui.common import charts, widgets
from dskreg.ui.common.settings import flat
from dskreg.ui.common.widgets import plain
from dskreg.ui.frame.sidebar import current
from dskreg.ui.model import benchmark, curves
from dskreg.ui.model.scoreboard import MEASURES, MODEL, comparison, marked, settings_in_words, verdict


def show_comparison(document: dict) -> None:
    """The scoreboard, with who wins in words."""
    st.header("How good is it?", anchor=False)
    if not document.get("metrics"):
        st.info("This artifact holds no evaluation. Run: python -m dskreg evaluate ARTIFACT --baselines")
        return
    if all(value is None for value in document["metrics"].values()):
        st.info("Nobody has a test title, so nothing could be measured.")
        return
    cutoffs = sorted(
        {int(key.rpartition("@")[2]) for key in document["metrics"] if key.rpartition("@")[2].isdigit()}
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        default = 20 if 20 in cutoffs else cutoffs[0]
        cutoff = widgets.one_of("Among the first K", cutoffs, "cutoff", default)
    table = comparison(document, cutoff)
    text = marked(table).rename_axis("recommender").reset_index()
    st.markdown(plain(verdict(table, cutoff)))
    st.dataframe(
        text.style.apply(lambda column: ["font-weight: bold" if "★" in cell else "" for cell in column]),
        hide_index=True,
        alt=f"Test metrics of {MODEL} and the baselines among the first {cutoff}; a star marks the best of each column",
        column_config={"recommender": st.column_config.TextColumn("Recommender")}
        | {
            measure: st.column_config.TextColumn(
                f"{MEASURES[measure][0]}@{cutoff}", help=MEASURES[measure][1]
            )
            for measure in table.columns
        },
    )
    st.caption(
        f"★ the best of its column. Test titles of {document.get('users', 0):,} people, hidden in training and ranked against the whole catalogue, "
        "never against a sample of it. popularity: the best-known titles for everybody. item-kNN: titles that the same people like. "
        "EASE: a linear model of which titles go together."
    )
    if document.get("baseline_settings"):
        st.caption(plain(settings_in_words(document["baseline_settings"])))


def show_training(history: pd.DataFrame, document: dict) -> None:
    """Loss, validation quality and entropy over the epochs, and which of them it is."""
    st.header("How was it trained?", anchor=False)
    if history.empty:
        st.info("This artifact holds no training history.")
        return
    shown, numbers = st.tabs(["Curves", "The same as a table"])
    with shown:
        curves.curves(history, "model")
    with numbers:
        curves.table(history, "model_history")
    if text := curves.start_in_words(document, validated=bool(history["ndcg"].notna().any())):
        st.caption(plain(text))


def show_data(explorer: Explorer, info: dict, start: dict | None) -> None:
    """Sizes, and what each relation is to the sampler.

    `start`: what training began with, None for random numbers.
    """
    st.header("What has it seen, and what does it sample?", anchor=False)
    numbers = {
        "Viewers": info["users"],
        "Titles": info["items"],
        "Interactions": info["interactions"],
        "Likes": info["likes"],
        "Kinds of relation": len(explorer.relations),
    }
    with st.container(horizontal=True, gap="small"):
        for label, value in numbers.items():
            st.metric(label, f"{value:,}", border=True, width=170)
    if explorer.simulated:
        st.caption(widgets.SIMULATED)
    show_relations(explorer.graph_statistics(), start)
    for note in info.get("notes") or ["Nothing was dropped while reading the data."]:
        st.text(f"• {note}")


def show_relations(statistics: pd.DataFrame, start: dict | None) -> None:
    """What the sampler prefers: each relation's share of the candidates beside its share of the sampling, and
    its gate.
    """
    origin = gates_in_words(statistics, start)
    statistics = statistics.sort_values("mass", ascending=False, kind="stable")
    st.markdown(f"**Which relations it samples.** {plain(preference(statistics))}")
    alt = "Each relation's share of all candidates beside its share of the sampling"
    left, right = st.columns([2, 3], gap="medium")
    left.plotly_chart(
        charts.relation_shares(statistics.rename(columns={"mass": "share"})),
        key="relations",
        config={"displayModeBar": False},
        alt=alt,
    )
    right.dataframe(
        statistics.assign(mass=100 * statistics["mass"]),
        hide_index=True,
        key="relations_table",
        alt="The knowledge graph by relation: size, gate and share of the sampling",
        column_order=("relation", "mass", "gate", "picks", "candidates", "titles", "mean"),
        column_config={
            "relation": st.column_config.TextColumn(
                "Relation",
                pinned=True,
                help="How two titles are tied: through a shared genre, studio, franchise …",
            ),
            "titles": st.column_config.NumberColumn(
                "Titles", format="localized", help="Titles with at least one neighbour through this relation."
            ),
            "candidates": st.column_config.NumberColumn(
                "Candidates", format="localized", help="Pairs of neighbours the sampler may draw from."
            ),
            "mean": st.column_config.NumberColumn(
                "Per title", format="%.1f", help="Candidates per title, on average."
            ),
            "gate": st.column_config.NumberColumn(
                "Gate",
                format="%.2f",
                help="The factor on what neighbours of this relation add to a title (g): near 0, they hardly count.",
            ),
            "mass": st.column_config.ProgressColumn(
                "Sampling",
                format="%.0f%%",
                min_value=0,
                max_value=100,
                help="Mean probability that the first draw falls on this relation.",
            ),
            "picks": st.column_config.NumberColumn(
                "Picks",
                format="%.2f",
                help="Neighbours of this relation among the picks of a title, without noise.",
            ),
        },
    )
    st.caption(origin)


def gates_in_words(statistics: pd.DataFrame, start: dict | None) -> str:
    """Where the gates and the relation embeddings come from.

    `statistics`: in the order of the artifact's relations.
    """
    if statistics["gate"].isna().all():
        return "This model was trained without gates: every relation's neighbours count in full."
    first = pd.Series((start or {}).get("gates") or (), dtype=float)
    if len(first) < len(statistics):
        return "The gates and the relation embeddings (e_r) come from training."
    change = (statistics["gate"].reset_index(drop=True) / first - 1).abs().max()
    chosen = (
        f"The gates were chosen on validation; training then changed none of them by more than {change:.1%}."
    )
    return f"{chosen} The relation embeddings (e_r) are hardly trained."


def preference(statistics: pd.DataFrame) -> str:
    """The relation that is drawn most beyond its share of the candidates, and the one most below, in a
    sentence.
    """
    shares = statistics.assign(
        share=statistics["candidates"] / max(statistics["candidates"].sum(), 1)
    ).set_index("relation")
    if len(shares) < 2:
        return "There is only one kind of relation to draw from."
    lift = shares["mass"] - shares["share"]
    words = [
        f"“{name}” has {shares.loc[name, 'share']:.0%} of the candidates and {shares.loc[name, 'mass']:.0%} of the probability"
        for name in (lift.idxmax(), lift.idxmin())
    ]
    return f"It prefers some to others: {words[0]}, while {words[1]}. Drawn blindly, the two shares would be the same."


def show_pairs(values: dict, first: str, second: str) -> None:
    """Settings as a table of two columns."""
    pairs = pd.DataFrame(flat(values).items(), columns=[first, second])
    st.dataframe(
        pairs, hide_index=True, height="content" if len(pairs) < 12 else 400, alt=f"{first} and {second}"
    )


def show_provenance(info: dict) -> None:
    """Configuration, versions and hashes."""
    st.header("How was it made?", anchor=False)
    settings, versions, files = st.tabs(["Configuration", "Versions and hardware", "Files and hashes"])
    with settings:
        show_pairs(info.get("config", {}), "Setting", "Value")
    with versions:
        made = {
            key: info[key] for key in ("dataset", "created", "hardware") if info.get(key) not in (None, "")
        }
        if isinstance(seconds := info.get("seconds"), dict) and "total" in seconds:
            made["seconds"] = f"{seconds['total']:.0f}"
        show_pairs(made | dict(info.get("versions", {})), "What", "Value")
    with files:
        st.caption("SHA-256 of every file; they were checked when the model was opened.")
        show_pairs(
            info.get("files", {}) | {"content (all that is deterministic)": info.get("content", "")},
            "File",
            "SHA-256",
        )


selection = current(needs_profile=False)
st.title(f"The model “{plain(selection.explorer.name)}”", anchor=False)
st.caption(
    "How good it is beside simple recommenders, how it was trained, and which relations of the knowledge graph it samples."
)
information = selection.explorer.info()
tested = selection.explorer.metrics()
show_comparison(tested)
benchmark.show()
show_training(selection.explorer.training_history(), tested)
show_data(selection.explorer, information, tested.get("start"))
show_provenance(information)
