"""The rows of small covers below a list: “Because user 34 liked X” and “More like Y”."""

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, Profile
from dskreg.ui.common import cache
from dskreg.ui.common.widgets import plain
from dskreg.ui.recommendations import cards, panels
from dskreg.ui.recommendations.filters import Filters

BEYOND = 30  # recommendations after the list's last one among which the first row looks
LEAST, MOST = 3, 8  # titles in a row
NEAR = 20  # similar titles among which the second row looks
BECAUSE_HELP = (
    "Of the recommendations after the list's last one: those whose score this title contributes most to."
)
MORE_HELP = "Unseen titles with the embeddings most similar to that of the first recommendation."


def show(explorer: Explorer, profile: Profile, chosen: Filters, listed: pd.DataFrame, more: bool) -> None:
    """The rows that have at least LEAST titles; “More like” only where `more` and without filters.

    No title is in the list `listed` and in a row, or in both rows.
    """
    if not profile.history:
        return
    after: pd.DataFrame = cache.recommendations(explorer, profile, len(listed) + BEYOND, **chosen.by_score())
    liked, titles = following(listed, after)
    if len(titles):
        name = plain(explorer.item(liked)["title"])
        st.subheader(f"Because {plain(profile.called)} liked {name}", anchor=False, help=BECAUSE_HELP)
        cards.strip("because", titles, {"score": "Score"})
    if more and not chosen.narrow:
        first = listed.iloc[0]
        shown = {*listed["item_id"], *titles["item_id"]}
        near = unseen(panels.similar_titles(explorer, profile, first["item_id"], NEAR), shown)
        if len(near):
            st.subheader(f"More like {plain(first['title'])}", anchor=False, help=MORE_HELP)
            cards.strip("more", near, {"similarity": "Similarity", "score": "Score"})


def following(listed: pd.DataFrame, after: pd.DataFrame) -> tuple[object, pd.DataFrame]:
    """(a liked title's id, the rows of `after` outside `listed` that it contributes most to, best first).

    The liked title with the most such rows is chosen, the better ranked one among equals; (None, no rows)
    where each has fewer than LEAST.
    """
    rest = after[~after["item_id"].isin(listed["item_id"])]
    counts = rest["because"].dropna().value_counts(sort=False).sort_values(ascending=False, kind="stable")
    if counts.empty or counts.iloc[0] < LEAST:
        return None, rest.head(0)
    first = counts.index[0]
    return first, rest[rest["because"] == first].head(MOST)


def unseen(near: pd.DataFrame, shown: set[object]) -> pd.DataFrame:
    """The first MOST rows of `panels.similar_titles` with likes that are neither seen nor `shown`; none where
    they are fewer than LEAST. Titles without likes have a row of their own.
    """
    rest = near[~near["seen"] & (near["likes"] > 0) & ~near["item_id"].isin(shown)].head(MOST)
    return rest if len(rest) >= LEAST else rest.head(0)
