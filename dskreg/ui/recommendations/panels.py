"""What stands around a list of recommendations: what variety costs, titles near one of them, and what counts
for the model.
"""

from typing import Literal

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, InputError, Profile
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import Notice, listed, plain
from dskreg.ui.frame import sidebar
from dskreg.ui.recommendations import cards

NEAREST = 7
DIVERSITY_HELP = (
    "Each next title is the one with the most of (1 − d) · score − d · likeness to the titles above it (maximal marginal relevance; "
    "the score is scaled to 0 … 1). At 0 % the score alone decides."
)
NAMED_RELATIONS = 3
_INTO_VIEW = "<script>document.querySelector('.st-key-near_panel')?.scrollIntoView({block: 'start'})</script>"


# More like this


def more_like(item_id: object) -> None:
    """Callback: open the panel for this title."""
    st.session_state["near"], st.session_state["near_opened"] = str(item_id), True


def close_near() -> None:
    """Callback: close it."""
    st.session_state["near"] = ""


def near(explorer: Explorer, profile: Profile, item_id: object, count: int = NEAREST) -> pd.DataFrame:
    """item_id, title, type, genres, likes, similarity of the nearest titles, with this person's score and
    whether the title is seen or liked.
    """
    found = cache.ask(explorer, "maps.similar", item_id, count)
    scores = pd.Series(cache.ask(explorer, "scores", profile), index=explorer.items["item_id"])
    ids = found["item_id"]
    return found.assign(
        score=scores.loc[ids].to_numpy(), seen=ids.isin(profile.seen), liked=ids.isin(profile.history)
    )


def near_field() -> str:
    """The bound field that says whose neighbours are shown: always drawn, since only a drawn field writes and
    follows the address.
    """
    return st.text_input(
        "More like",
        key="near",
        bind="query-params",
        type="search",
        placeholder="a title's name or id",
        icon=":material/search:",
        width=230,
        help="Shows the titles that the model holds to be most like this one. “More like this” on a card does the same.",
    ).strip()


def show_near(explorer: Explorer, profile: Profile, wanted: str) -> None:
    """The panel of the titles nearest to the title `wanted`, by id or a part of its name; nothing where it is
    empty.
    """
    if not wanted:
        return
    panel = st.container(border=True, key="near_panel")
    with panel.container(horizontal=True, wrap=False, vertical_alignment="top", gap="small"):
        head = st.container(width="stretch", gap="xxsmall")
        st.button("Close", key="close_near", icon=":material/close:", on_click=close_near)
    try:
        item = explorer.item(sidebar.find_title(explorer, wanted[:80]))
    except InputError as error:
        with head:
            widgets.show_notice(Notice(f"{error}."))
        return
    if item["adult"] and not explorer.adult:
        head.caption("This is an adult title; these are hidden.")
        return
    titles = near(explorer, profile, item["item_id"])
    if st.session_state.pop("near_opened", False):  # from a card far below
        with panel:
            st.html(_INTO_VIEW, unsafe_allow_javascript=True)
    head.subheader(f"More like {plain(item['title'])}", anchor=False)
    head.caption(
        "The titles nearest to it in the model's own space, whoever asks; the score is this person's."
    )
    with panel:
        as_covers, table = st.tabs(["Covers", "As a table"])
        with as_covers:
            cards.strip(explorer, profile, titles, more_like)
        table.dataframe(
            titles,
            hide_index=True,
            alt=f"The titles nearest to {item['title']}, with likeness, this person's score and whether they are seen",
            column_order=["title", "similarity", "score", "seen", "liked", "type", "genres"],
            column_config={
                "title": st.column_config.TextColumn("Title", width=230),
                "similarity": st.column_config.NumberColumn(
                    "Alike", format="percent", help="Cosine of the two titles' vectors after the graph (ê)."
                ),
                "score": st.column_config.NumberColumn("Score", format="%.2f", help="This person's score."),
                "seen": st.column_config.CheckboxColumn("Seen"),
                "liked": st.column_config.CheckboxColumn("Liked"),
                "type": st.column_config.TextColumn("Type"),
                "genres": st.column_config.TextColumn("Genres"),
            },
        )


# Diversity


def exchanged(by_score: pd.DataFrame, diverse: pd.DataFrame) -> pd.DataFrame:
    """change (in, out), title, score, score_rank of the titles that are in one of two lists only."""
    new = diverse[~diverse["item_id"].isin(by_score["item_id"])].assign(change="in")
    gone = by_score[~by_score["item_id"].isin(diverse["item_id"])].assign(change="out")
    return pd.concat([new, gone], ignore_index=True)[["change", "title", "score", "score_rank"]]


def show_cost(explorer: Explorer, by_score: pd.DataFrame, diverse: pd.DataFrame) -> None:
    """What variety costs in score, and what it brings."""
    swaps = exchanged(by_score, diverse)
    before, after = (
        cache.ask(explorer, "alikeness", tuple(table["item_id"].tolist())) for table in (by_score, diverse)
    )
    mean, best = float(diverse["score"].mean()), float(by_score["score"].mean())
    with st.container(horizontal=True, gap="small", vertical_alignment="distribute", key="cost"):
        _figure(
            "Mean score",
            mean,
            mean - best,
            "normal",
            "Beneath it, what variety costs beside the list by score alone.",
        )
        st.metric(
            "Titles exchanged",
            f"{(swaps['change'] == 'in').sum()} of {len(diverse)}",
            width=165,
            border=True,
            help="Not in the list by score alone.",
        )
        _figure(
            "Alikeness",
            after,
            after - before,
            "inverse",
            "Mean cosine of all pairs of titles in the list: 1 is the same thing again and again, 0 nothing in common.",
        )
    if len(swaps):
        with st.expander("Which titles were exchanged", icon=":material/swap_vert:"):
            st.dataframe(
                swaps,
                hide_index=True,
                alt="Titles that variety brought in and put out, with score and rank by score",
                column_config={
                    "change": st.column_config.TextColumn("In or out", width=80),
                    "title": st.column_config.TextColumn("Title"),
                    "score": st.column_config.NumberColumn("Score", format="%.2f"),
                    "score_rank": st.column_config.NumberColumn("Rank by score", format="%d"),
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
        width=165,
        border=True,
        help=explanation,
    )


# What counts


def show_weights(explorer: Explorer) -> None:
    """How often each relation is sampled and what weight it has, one line and a table."""
    relations = cache.ask(explorer, "graph_statistics").sort_values("mass", ascending=False, kind="stable")
    if relations.empty:
        return
    with st.expander("What counts for this model", icon=":material/balance:"):
        leading = [
            f"{plain(name)} ({share:.0%})"
            for name, share in zip(relations["relation"], relations["mass"], strict=True)
        ][:NAMED_RELATIONS]
        st.markdown(
            f"Reasons run through ties between titles. This model draws them mostly through {listed(leading)}.",
            help="A share of the probability mass: how likely the next neighbour drawn for a title comes through this tie, averaged over all titles.",
        )
        known = [] if relations["gate"].isna().all() else ["gate"]
        st.dataframe(
            relations.assign(mass=100 * relations["mass"]),
            hide_index=True,
            alt="Per relation: share of the sampling, weight and neighbours drawn",
            column_order=["relation", "mass", *known, "picks"],
            column_config={
                "relation": st.column_config.TextColumn("Tie (relation)"),
                "mass": st.column_config.ProgressColumn(
                    "Share of the sampling",
                    format="%.0f%%",
                    min_value=0,
                    max_value=100,
                    help="How likely the first neighbour drawn comes through it.",
                ),
                "gate": st.column_config.NumberColumn(
                    "Weight (g_r)",
                    format="%.3f",
                    help="The factor on what a neighbour drawn through it adds; chosen on validation.",
                ),
                "picks": st.column_config.NumberColumn(
                    "Drawn per title",
                    format="%.2f",
                    help="Neighbours drawn through it for a title, on average.",
                ),
            },
        )
