"""A user's top recommendations with the strongest reason for each, and rows of further titles below."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, Profile
from dskreg.ui.common import cache, notes, widgets
from dskreg.ui.common.widgets import Notice, plain
from dskreg.ui.frame import ahead
from dskreg.ui.frame.sidebar import Selection, current
from dskreg.ui.recommendations import cards, filters, newcomers, panels, rows, table, taste

CSV = ["rank", "item_id", "title", "type", "genres", "likes", "score", "score_rank"]
CSV += ["neighbour_share", "seen", "reason"]
COLD = {  # by "is this the paper's form?"
    False: "These items have no likes in training: the model ranks them by the knowledge graph alone.",
    True: "These items have no likes in training: their embeddings were trained as negatives only.",
}


def heading(selection: Selection) -> str:
    """The list's heading: without a history the list is by popularity."""
    if not selection.profile.history:
        return f"Top {selection.top} by popularity"
    return f"Top {selection.top} recommendations" if selection.top > 1 else "Top recommendation"


def before_edits(selection: Selection, arguments: dict[str, Any]) -> set[object]:
    """The ids that the list would have without the profile's edits; empty where there are none."""
    explorer, profile = selection.explorer, selection.profile
    if not profile.edited or profile.user_id is None:
        return set()
    unedited = explorer.profile(profile.user_id)
    return set(cache.recommendations(explorer, unedited, selection.top, **arguments)["item_id"])


def marks(profile: Profile, former: set[object], row: Any) -> list[str]:
    """The badges of a card."""
    by = "score" if profile.history else "popularity"
    return [
        *([f"#{row.score_rank} by {by}"] if row.score_rank != row.rank else []),
        *(["seen"] if row.seen else []),
        *(["held-out hit"] if row.held_out and row.seen else []),
        *(["New after edits"] if former and row.item_id not in former else []),
    ]


def table_columns(explorer: Explorer, profile: Profile, chosen: filters.Filters) -> list[str]:
    """The columns of the table; some data have no types or genres."""
    return [
        "rank",
        "title",
        *(["score", *["neighbour_share"] * bool(explorer.relations)] if profile.history else ["likes"]),
        *(["score_rank"] if chosen.diversity else []),
        "reason",
        *known_columns(explorer),
        *([] if explorer.hide_seen else ["seen", "held_out"]),
    ]


def known_columns(explorer: Explorer) -> list[str]:
    """Those of type and genres that the data have."""
    return [name for name, values in (("type", explorer.types), ("genres", explorer.genres)) if values]


def show_list(selection: Selection, chosen: filters.Filters, near: str) -> None:
    """The list with the cost of its diversity, the relation weights and the download."""
    explorer, profile, top = selection.explorer, selection.profile, selection.top
    recommended: pd.DataFrame = cache.recommendations(explorer, profile, top, **chosen.arguments())
    if recommended.empty:
        filters.show_nothing(chosen, explorer.hide_seen)
        return
    if len(recommended) < top:
        st.caption(f"Only {len(recommended)} items match the filters.")
    if filters.POPULARITY[chosen.popularity] == 0:
        st.caption(COLD[explorer.samples_likes])
    if chosen.diversity:
        panels.show_cost(
            explorer, cache.recommendations(explorer, profile, top, **chosen.by_score()), recommended
        )
    if chosen.view == "table":
        table.show(explorer, recommended, profile, table_columns(explorer, profile, chosen))
    else:
        badges: Callable[[Any], list[str]] = partial(
            marks, profile, before_edits(selection, chosen.arguments())
        )
        cards.show(explorer, profile, recommended, badges, panels.more_like)
    rows.show(explorer, profile, chosen, recommended, more=not near)
    if filters.POPULARITY[chosen.popularity] != 0:
        newcomers.show(explorer, profile, chosen, recommended)
    panels.show_weights(explorer)
    if profile.user_id is not None:
        notes.listing(explorer, "notes_of_user", user=str(profile.user_id))
    st.download_button(
        "Download CSV",
        widgets.safe_csv(pd.DataFrame(recommended[CSV])),
        file_name="recommendations.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def show(selection: Selection) -> None:
    """The page."""
    explorer, profile = selection.explorer, selection.profile
    cards.style()
    if changed := st.session_state.pop("changed", ""):
        st.toast(plain(changed), icon=":material/check:")
    widgets.profile_header(explorer, profile, "Recommendations for")
    above = st.container()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(heading(selection), anchor=False, width="stretch")
        view_place = st.container(width="content")
    with st.container(horizontal=True, gap="small", key="strips"):
        if profile.history:
            with st.container(key="strip_likes"):
                taste.show_likes(explorer, profile, known_columns(explorer))
        with st.container(key="strip_filters"):
            chosen, invalid = filters.choose(explorer, view_place)
    wanted = st.session_state["near"].strip()
    with above:
        panels.show_near(explorer, profile, wanted)
    if words := chosen.in_words():
        st.caption(f"Filters: {plain(words)}")
    if invalid:
        text = f"Invalid in the link: {', '.join(invalid)}. The filters show what is used instead."
        widgets.show_notice(Notice(text))
    show_list(selection, chosen, wanted)
    ahead.draw()


show(current())
