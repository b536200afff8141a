"""The sampling page's first panels: the decomposition of the score, the graph of the sample, all candidates,
and the relations.
"""

from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Explanation, percent, sentences
from dskreg.ui.common import cache, charts, widgets
from dskreg.ui.common.charts import is_dark, show_chart
from dskreg.ui.common.widgets import plain
from dskreg.ui.sampling import decomposition, frequency_charts
from dskreg.ui.sampling.draw import (
    COLUMNS,
    Sample,
    candidates_of,
    choose_side,
    cut,
    show_candidates,
    with_margin,
)
from dskreg.ui.sampling.graph import network

EDGES = ("title", "relation", "picked", "contribution", "inclusion_probability", "lift")
RELATIONS = {
    "expected_picks": ("Expected", "%.2f", "Mean number of its candidates in a random sample."),
    "share": ("Probability mass", "%.1f%%", "Share of softmax(s): the probability to be sampled first."),
    "weight": ("Weight v", "%.3f", "What a strength of 1 adds to the relevance of a candidate."),
    "attention": ("Attention α", "%.3f", "Total weight of its sampled neighbours; all relations sum to 1."),
    "contribution": ("Contribution", "%+.3f", "What its sampled neighbours add to the score."),
}


def show_graph(sample: Sample, explanation: Explanation) -> None:
    """One side of the sample as a graph and a table."""
    st.subheader("Sampled and unsampled neighbours", anchor=False)
    side = choose_side(sample)
    frame, profile = candidates_of(sample, explanation, side), sample.profile
    if side == "user":
        st.caption("The sampled liked items are added to the user's own embedding.")
        if sample.explorer.simulated and profile.user_id is not None:
            st.caption("The users of the demo are simulated.")
        if len(frame):
            st.markdown(sentences.summary(frame, "liked items", sample.seed is not None))
    if len(frame):
        title = explanation.title if side == "item" else profile.label
        _show_network(sample, frame, (explanation.item_id, title), side)
    else:
        st.info("There are no candidates on this side.", icon=":material/hub:")


def show_decomposition(explanation: Explanation) -> None:
    """The score as a sum, in words and with bars; nothing for a user without likes."""
    if explanation.basis == "popularity":
        return
    rows, words = explanation.bars, sentences.parts(explanation)
    st.markdown(words)
    decomposition.show(rows, f"Decomposition of the score of {explanation.title}. {words.replace('**', '')}")
    if explanation.activation != "linear":
        st.caption(f"Contributions add up before the activation, {explanation.activation}.")


def second_hop(sample: Sample, frame: pd.DataFrame) -> dict[Any, pd.DataFrame]:
    """The switch, and where it is on the candidates of each sampled neighbour, by the neighbour's id."""
    twice = st.toggle(
        "Second hop",
        key="second",
        bind="query-params",
        help="Also what the sampled neighbours sample themselves, three each.",
    )
    return {n: sample.explanation(n).item_neighbours for n in network.neighbours(frame)} if twice else {}


def _show_network(sample: Sample, frame: pd.DataFrame, centre: tuple[Any, str], side: str) -> None:
    liked = set(sample.profile.history) if side == "item" else set()
    second = second_hop(sample, frame) if side == "item" else {}
    graph = network.build(frame, centre, sample.colours(), liked, is_dark(), second=second)
    left, right = st.columns([3, 2])
    with left:
        st.echarts_chart(
            graph.option, height=graph.height, key=f"graph_{side}", renderer="svg", alt=graph.alt
        )
        st.caption(graph.caption)
        if graph.left_out:
            st.caption(f"{graph.left_out} more sampled neighbours are listed under Candidates.")
    with right:
        alt = f"The edges of the graph as a table. {graph.alt}"
        show_candidates(graph.edges, EDGES, f"edges_{side}", alt, compact=True)
        if graph.edges["item_id"].duplicated().any():
            st.caption("An item with several relations is one node; its label shows the total contribution.")


def show_all(sample: Sample, explanation: Explanation) -> None:
    """Every candidate with every number of the sample: filtered, sorted, downloaded."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        side = choose_side(sample)
        frame = with_margin(candidates_of(sample, explanation, side))
        relations = list(dict.fromkeys(frame["relation"])) if side == "item" else []
        chosen = _filter(frame, relations)
    _show_keys(frame, side)
    few = "" if len(chosen) == len(frame) else f"**{len(chosen)}** of "
    st.markdown(f"{few}**{len(frame)}** candidates, largest key first. Click a column header to sort.")
    alt = f"Candidates of the {side} with every number of the sample"
    show_candidates(chosen, tuple(COLUMNS), f"candidates_{side}", alt)
    st.download_button(
        "Candidates (CSV)",
        widgets.safe_csv(chosen),
        f"candidates_{side}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _show_keys(frame: pd.DataFrame, side: str) -> None:
    """All keys on one axis, with the cut after the K largest; nothing where all candidates are sampled."""
    ends = cut(frame)
    if ends is None:
        return
    last, first = ends
    count = int(frame["picked"].sum())
    words = (
        f"The cut after the {count} largest keys lies between *{plain(last['title'])}* "
        f"({plain(last['relation'])}, **{last['key']:.3f}**) and *{plain(first['title'])}* "
        f"({plain(first['relation'])}, **{first['key']:.3f}**)."
    )
    st.markdown(words)
    show_chart(
        st,
        frequency_charts.key_strip(frame),
        key=f"keys_{side}",
        alt=f"Keys of {len(frame)} candidates; the {count} largest are sampled",
    )


def _filter(frame: pd.DataFrame, relations: list[str]) -> pd.DataFrame:
    """The candidates that the fields above the table select."""
    text = st.text_input(
        "Item contains", key="find", bind="query-params", type="search", live="300ms", width=220
    )
    wanted = (
        st.multiselect(
            "Relations", relations, key="relation", bind="query-params", placeholder="all", width=320
        )
        if relations
        else []
    )
    sampled = st.toggle("Sampled only", key="drawn", bind="query-params")
    chosen = frame["title"].str.contains((text or "").strip(), case=False, regex=False)
    if sampled:
        chosen &= frame["picked"]
    if wanted:
        chosen &= frame["relation"].isin(wanted)
    return frame[chosen]


def show_relations(sample: Sample, relations: pd.DataFrame) -> None:
    """Which relations hold the probability mass, and what their sampled neighbours contribute."""
    if relations.empty:
        st.info("The item has no candidates, so no relation has probability mass.", icon=":material/hub:")
        return
    weights = cache.ask(sample.explorer, "graph_statistics")[["relation", "weight"]]
    relations = relations.sort_values("share", ascending=False).merge(weights, on="relation")
    first = relations.iloc[0]
    portion = first["candidates"] / relations["candidates"].sum()
    st.markdown(
        f"*{plain(first['relation'])}* holds **{percent(first['share'])}** of the probability mass "
        f"with **{percent(portion)}** of the candidates. Where the mass exceeds the share of the candidates, "
        f"the relation is sampled first more often than uniformly. {_most_places(relations)}"
    )
    alt = f"Share of the probability mass and of the candidates for {len(relations)} relations"
    show_chart(st, charts.relation_shares(relations), key="relation_shares", alt=alt)
    config: dict[str, Any] = {
        "relation": st.column_config.TextColumn("Relation", pinned=True),
        "candidates": "Candidates",
        "drawn": "Sampled",
    }
    config |= {
        name: st.column_config.NumberColumn(label, format=form, help=text)
        for name, (label, form, text) in RELATIONS.items()
        if name != "weight" or relations["weight"].notna().any()
    }
    st.dataframe(
        relations.assign(share=100 * relations["share"])[list(config)],
        hide_index=True,
        key="relations",
        alt=f"{alt}, with the sampled neighbours of each",
        column_config=config,
        height="content",
    )


def _most_places(relations: pd.DataFrame) -> str:
    """Which relation a random sample takes most of: not always the one that is mostly sampled first."""
    most = relations.loc[relations["expected_picks"].idxmax()]
    return (
        f"A whole random sample takes most from *{plain(most['relation'])}*: on average "
        f"**{most['expected_picks']:.1f}** of **{relations['expected_picks'].sum():.0f}** neighbours."
    )
