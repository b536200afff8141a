"""The panels around a list of recommendations: similar titles, the cost of diversity, relation weights."""

from typing import Literal

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, InputError, Profile, percent
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import Notice, listed, plain
from dskreg.ui.frame import sidebar
from dskreg.ui.recommendations import cards

NEAREST = 7
DIVERSITY_HELP = (
    "Weight d of diversity against the score (maximal marginal relevance). "
    "Each next item maximises (1 − d) · score − d · similarity to the items above it, "
    "with the score scaled to 0 … 1. At 0% only the score counts."
)
LIST_SIMILARITY_HELP = "Mean cosine similarity of all pairs of items in the list: 1 identical, 0 unrelated."
NAMED_RELATIONS = 3
_INTO_VIEW = "<script>document.querySelector('.st-key-near_panel')?.scrollIntoView({block: 'start'})</script>"


# Similar titles


def more_like(item_id: object, _title: str = "") -> None:
    """Callback: open the panel for this title."""
    st.session_state["near"], st.session_state["near_opened"] = str(item_id), True


def close_near() -> None:
    """Callback: close it."""
    st.session_state["near"] = ""


def similar_titles(
    explorer: Explorer, profile: Profile, item_id: object, count: int = NEAREST
) -> pd.DataFrame:
    """item_id, title, type, genres, likes, similarity of the nearest titles; user's score, seen, liked."""
    found = cache.ask(explorer, "maps.similar", item_id, count)
    scores = pd.Series(cache.ask(explorer, "scores", profile), index=explorer.items["item_id"])
    ids = found["item_id"]
    return found.assign(
        score=scores.loc[ids].to_numpy(), seen=ids.isin(profile.seen), liked=ids.isin(profile.history)
    )


def near_field() -> None:
    """The bound field that holds the title whose neighbours are shown.

    Draw it on every run: only a drawn field writes and follows the URL.
    """
    st.text_input(
        "More like",
        key="near",
        bind="query-params",
        type="search",
        placeholder="name or id",
        icon=":material/search:",
        width=160,
    )


def show_near(explorer: Explorer, profile: Profile, wanted: str) -> None:
    """The panel of the titles most similar to `wanted`, an id or a part of a name; none where it is empty."""
    if not wanted:
        return
    try:
        item = explorer.item(sidebar.find_title(explorer, wanted[:80]))
    except InputError as error:
        widgets.show_notice(Notice(f"{error}.", "Clear “More like”", close_near))
        return
    panel = st.container(border=True, key="near_panel")
    with panel.container(horizontal=True, wrap=False, vertical_alignment="top", gap="small"):
        head = st.container(width="stretch", gap="xxsmall")
        st.button("Close", key="close_near", icon=":material/close:", on_click=close_near)
    if item["adult"] and not explorer.adult:
        head.caption("This is an adult item, which is hidden.")
        return
    titles = similar_titles(explorer, profile, item["item_id"])
    if st.session_state.pop("near_opened", False):  # by a card, which may be far below
        with panel:
            st.html(_INTO_VIEW, unsafe_allow_javascript=True)
    head.subheader(f"More like {plain(item['title'])}", anchor=False)
    head.caption("The nearest items in embedding space, the same for all users; the score is this user's.")
    with panel:
        covers, table = st.tabs(["Covers", "Table"])
        with covers:
            cards.strip("similar", titles, {"similarity": "Similarity", "score": "Score"}, more_like)
        with table:
            _similar_table(str(item["title"]), titles, widgets.genres_label(explorer))


def _similar_table(title: str, titles: pd.DataFrame, genres: str) -> None:
    st.dataframe(
        titles,
        hide_index=True,
        alt=f"The items most similar to {title}, with similarity, score and whether they are seen",
        column_order=["title", "similarity", "score", "seen", "liked", "type", "genres"],
        column_config={
            "title": st.column_config.TextColumn("Item", width=230),
            "similarity": st.column_config.NumberColumn(
                "Similarity", format="%.2f", help="Cosine similarity of the two aggregated embeddings (ê_i)."
            ),
            "score": st.column_config.NumberColumn("Score", format="%.2f", help="The score for this user."),
            "seen": st.column_config.CheckboxColumn("Seen"),
            "liked": st.column_config.CheckboxColumn("Liked"),
            "type": st.column_config.TextColumn("Type"),
            "genres": st.column_config.TextColumn(genres),
        },
    )


# Diversity


def replaced(by_score: pd.DataFrame, diverse: pd.DataFrame) -> pd.DataFrame:
    """change (added, removed), title, score, score_rank of the titles that only one of two lists contains."""
    new = diverse[~diverse["item_id"].isin(by_score["item_id"])].assign(change="added")
    gone = by_score[~by_score["item_id"].isin(diverse["item_id"])].assign(change="removed")
    return pd.concat([new, gone], ignore_index=True)[["change", "title", "score", "score_rank"]]


def show_cost(explorer: Explorer, by_score: pd.DataFrame, diverse: pd.DataFrame) -> None:
    """How re-ranking changes the list: mean score, replaced items, intra-list similarity."""
    changes = replaced(by_score, diverse)
    before, after = (
        cache.ask(explorer, "intra_list_similarity", tuple(table["item_id"].tolist()))
        for table in (by_score, diverse)
    )
    mean, best = float(diverse["score"].mean()), float(by_score["score"].mean())
    with st.container(horizontal=True, gap="small", vertical_alignment="distribute", key="cost"):
        _figure(
            "Mean score",
            mean,
            mean - best,
            "normal",
            "Mean score of the list; below, the difference from the list by score.",
        )
        st.metric(
            "Items replaced",
            f"{(changes['change'] == 'added').sum()} of {len(diverse)}",
            width=200,
            border=True,
            help="Number of items that are not in the list by score.",
        )
        _figure(
            "Intra-list similarity",
            after,
            after - before,
            "inverse",
            LIST_SIMILARITY_HELP,
        )
    if len(changes):
        with st.expander("Replaced items", icon=":material/swap_vert:"):
            st.dataframe(
                changes,
                hide_index=True,
                alt="Items that re-ranking added and removed, with score and rank before re-ranking",
                column_config={
                    "change": st.column_config.TextColumn("Change", width=80),
                    "title": st.column_config.TextColumn("Item"),
                    "score": st.column_config.NumberColumn("Score", format="%.2f"),
                    "score_rank": st.column_config.NumberColumn("Rank before re-ranking", format="%d"),
                },
            )


def _figure(
    label: str, value: float, change: float, colour: Literal["normal", "inverse"], explanation: str
) -> None:
    delta = f"{change:+.2f}"
    st.metric(
        label,
        f"{value:.2f}",
        None if float(delta) == 0 else delta,
        delta_color=colour,
        width=200,
        border=True,
        help=explanation,
    )


# Relation weights


def show_weights(explorer: Explorer) -> None:
    """How often the model samples each relation, and with what weight: a line and a table."""
    relations = cache.ask(explorer, "graph_statistics").sort_values("mass", ascending=False, kind="stable")
    if relations.empty:
        return
    strip = st.expander("Relation weights", icon=":material/balance:", key="weights", on_change="rerun")
    if not strip.open:
        return
    with strip:
        leading = [
            f"{plain(name)} ({percent(share)})"
            for name, share in zip(relations["relation"], relations["mass"], strict=True)
        ][:NAMED_RELATIONS]
        st.markdown(
            f"The model samples neighbours mostly through {listed(leading)}: shares of the probability mass "
            "of the next sampled neighbour, averaged over all items."
        )
        known = [] if relations["weight"].isna().all() else ["weight"]
        st.dataframe(
            relations.assign(mass=100 * relations["mass"]),
            hide_index=True,
            alt="Per relation: share of the probability mass, weight and sampled neighbours per item",
            column_order=["relation", "mass", *known, "picks"],
            column_config={
                "relation": st.column_config.TextColumn("Relation"),
                "mass": st.column_config.ProgressColumn(
                    "Probability mass",
                    format="%.0f%%",
                    min_value=0,
                    max_value=100,
                    help="Probability that the first sampled neighbour has this relation, in percent.",
                ),
                "weight": st.column_config.NumberColumn(
                    "Weight (v)",
                    format="%.3f",
                    help="What a strength of 1 under this relation adds to the relevance of a candidate.",
                ),
                "picks": st.column_config.NumberColumn(
                    "Sampled per item",
                    format="%.2f",
                    help="Mean number of sampled neighbours with this relation per item.",
                ),
            },
        )
