"""The sampling page's first panels: the graph of the sample, the decomposition of the score, all candidates,
and the relations.
"""

from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Explanation
from dskreg.ui.common import cache, charts, widgets
from dskreg.ui.common.widgets import plain
from dskreg.ui.sampling.draw import COLUMNS, QUIET, Sample, candidates_of, choose_side, show_candidates
from dskreg.ui.sampling.graph import network

SMALLEST = 5e-4  # what three decimals show
SINGLE_TERMS = 7  # neighbours with a bar of their own in the decomposition
EDGES = ("title", "picked", "contribution", "inclusion_probability", "lift", "relation")
LIKED: dict[str, Any] = {
    "title": st.column_config.TextColumn("Liked title", pinned=True, width=330),
    "contribution": st.column_config.NumberColumn(
        "Contribution", format="%+.3f", help="Through the own embedding and the neighbours of this title."
    ),
    "share": st.column_config.NumberColumn("Of the score", format="%.1f %%"),
}
TERMS: dict[str, Any] = {
    "term": st.column_config.TextColumn("Term", pinned=True, width=190),
    "contribution": st.column_config.NumberColumn("Contribution", format="%+.3f"),
    "relation": "Relation",
}
RELATIONS = {
    "expected_picks": ("Expected", "%.2f", "Mean number of its candidates in a random sample."),
    "share": ("Probability mass", "%.1f%%", "Share of softmax(s), in percent."),
    "weight": ("Weight v", "%.3f", "What a strength of 1 adds to the relevance of a candidate."),
    "attention": ("Attention α", "%.3f", "Total weight of its sampled neighbours; all relations sum to 1."),
    "contribution": ("Contribution", "%+.3f", "What its sampled neighbours add to the score."),
}


def summary(frame: pd.DataFrame, what: str, random: bool) -> str:
    """How many candidates are sampled and which of them has the largest contribution, if any; Markdown."""
    sampled = frame[frame["picked"]]
    if len(sampled) == len(frame) == 1:
        opening = "The model samples the only candidate."
    elif len(sampled) == len(frame):
        opening = f"The model samples all **{len(frame)}** {what}, since there are no more than K."
    else:
        rule = "" if random else ", those with the largest logits"
        opening = f"The model samples **{len(sampled)}** of **{len(frame)}** {what}{rule}."
    if not sampled["contribution"].any():
        return opening
    most = sampled.loc[sampled["contribution"].abs().idxmax()]
    relation = "" if most["relation"] == "liked" else f" ({plain(most['relation'])})"
    together = (
        f" The sampled {what} contribute **{sampled['contribution'].sum():+.3f}** in total."
        if len(sampled) > 1
        else ""
    )
    return (
        f"{opening} *{plain(most['title'])}*{relation} has the largest contribution, "
        f"**{most['contribution']:+.3f}**, and inclusion probability "
        f"**{most['inclusion_probability']:.0%}**, {most['lift']:.1f} times that of a uniform draw.{together}"
    )


def score_terms(explanation: Explanation) -> list[tuple[str, str, float]]:
    """The terms of the score (name, relation, value): own embedding, sampled neighbours, bias.

    Neighbours beyond SINGLE_TERMS are one term.
    """
    frame = explanation.item_neighbours
    sampled = frame[frame["picked"]].sort_values("contribution", key=abs, ascending=False, kind="stable")
    single, rest = sampled.head(SINGLE_TERMS), sampled.iloc[SINGLE_TERMS:]
    terms = [("own embedding", "", explanation.self_contribution)]
    terms += list(zip(single["title"], single["relation"], single["contribution"], strict=True))
    if len(rest):
        name = f"{len(rest)} more neighbour{'s' * (len(rest) > 1)}"
        terms.append((name, "", rest["contribution"].sum()))
    return [*terms, ("bias", "", explanation.bias)] if explanation.bias else terms


def show_graph(sample: Sample, explanation: Explanation) -> None:
    """One side of the sample as a graph and a table; below, the score by term and by liked title."""
    st.subheader("Sampled and unsampled neighbours", anchor=False)
    side = choose_side(sample)
    frame, profile = candidates_of(sample, explanation, side), sample.profile
    if side == "user":
        st.caption("The sampled liked items are added to the user's own embedding.")
        if sample.explorer.simulated and profile.user_id is not None:
            st.caption("The users of the demo are simulated.")
        if len(frame):
            st.markdown(summary(frame, "liked items", sample.seed is not None))
    if len(frame):
        title = explanation.title if side == "item" else profile.label
        _show_network(sample, frame, (explanation.item_id, title), side)
    else:
        st.info("There are no candidates on this side.", icon=":material/hub:")
    st.subheader("Score decomposition", anchor=False)
    show_terms(explanation)
    show_liked(explanation)


def parts_in_words(explanation: Explanation) -> str:
    """How much of the score is the item's own embedding and how much its neighbours; Markdown."""
    own, around = explanation.self_contribution, explanation.neighbour_contribution
    words = [("own embedding", own), ("sampled neighbours", around)]
    words += [("bias", explanation.bias)] * bool(explanation.bias)
    total = sum(value for _, value in words)
    if explanation.basis == "popularity":
        return ""
    if total <= SMALLEST or min(own, around) < -SMALLEST:  # parts of a negative whole have no share
        return f"Terms: {', '.join(f'{name} **{value:+.3f}**' for name, value in words)}."
    parts = ", ".join(f"{name} **{value / total:.0%}** ({value:+.3f})" for name, value in words)
    whole = "score" if explanation.activation == "linear" else f"sum before {explanation.activation}"
    return f"Of the {whole}: {parts}."


def _show_network(sample: Sample, frame: pd.DataFrame, centre: tuple[Any, str], side: str) -> None:
    liked = set(sample.profile.history) if side == "item" else set()
    dark = st.context.theme.type == "dark"
    graph = network.build(frame, centre, sample.colours(), liked, dark)
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


def show_terms(explanation: Explanation) -> None:
    """The score as a sum: chart and table."""
    terms, linear = score_terms(explanation), explanation.activation == "linear"
    total = ("score" if linear else f"sum before {explanation.activation}", explanation.pre_activation_score)
    alt = f"Own embedding and sampled neighbours add up to {explanation.pre_activation_score:.3f}"
    left, right = st.columns([3, 2])
    left.plotly_chart(charts.score_sum(terms, total), key="score_sum", config=QUIET, alt=alt)
    table = pd.DataFrame([*terms, (total[0], "", total[1])], columns=["term", "relation", "contribution"])
    right.dataframe(
        table[list(TERMS)],
        hide_index=True,
        column_config=TERMS,
        alt=alt,
        key="score_table",
        height="content",
    )
    if not linear:
        st.caption(
            "Contributions add up before the activation only; "
            f"{explanation.activation} maps their sum to the score {explanation.score:.3f}."
        )


def show_liked(explanation: Explanation) -> None:
    """The score by liked title; of every user the same is what no liked title adds."""
    st.subheader("Score by liked title", anchor=False)
    liked = explanation.liked
    if liked.empty:
        st.info("The user has no likes, so no liked title contributes.", icon=":material/inbox:")
        return
    first, rest = liked.iloc[0], explanation.score - liked["contribution"].sum()
    adding = liked[liked["contribution"] != 0]  # of the paper's form those that were sampled
    which = "Each" if len(adding) == len(liked) else f"**{len(adding)}**"
    others = "" if abs(rest) < SMALLEST else f" From no liked title: **{rest:+.3f}**."
    st.markdown(
        f"{which} of the **{len(liked)}** liked titles adds a part, through the own embedding and the "
        f"neighbours of *{plain(explanation.title)}*. *{plain(first['title'])}* adds most: "
        f"**{first['contribution']:+.3f}** of **{explanation.score:.3f}**.{others}"
    )
    liked = adding
    share = 100 * liked["contribution"] / explanation.score if explanation.score > SMALLEST else None
    st.dataframe(
        liked.assign(share=share)[[name for name in LIKED if name != "share" or share is not None]],
        column_config=LIKED,
        hide_index=True,
        key="liked_parts",
        alt=f"The score of {explanation.title} by liked title, the largest contribution first",
        height="content" if len(liked) <= 8 else 320,
        width=680,
    )


def show_all(sample: Sample, explanation: Explanation) -> None:
    """Every candidate with every number of the sample: filtered, sorted, downloaded."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        side = choose_side(sample)
        frame = candidates_of(sample, explanation, side)
        relations = list(dict.fromkeys(frame["relation"])) if side == "item" else []
        chosen = _filter(frame, relations)
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


def _filter(frame: pd.DataFrame, relations: list[str]) -> pd.DataFrame:
    """The candidates that the fields above the table select."""
    text = st.text_input(
        "Title contains", key="find", bind="query-params", type="search", live="300ms", width=220
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
        f"*{plain(first['relation'])}* holds **{first['share']:.0%}** of the probability mass "
        f"with **{portion:.0%}** of the candidates. Where the mass exceeds the share of the candidates, "
        "the relation is sampled more often than uniformly."
    )
    alt = f"Share of the probability mass and of the candidates for {len(relations)} relations"
    st.plotly_chart(charts.relation_shares(relations), key="relation_shares", config=QUIET, alt=alt)
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
