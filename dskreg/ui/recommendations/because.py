"""The row “Because user 34 liked X” below a list: the next recommendations whose score one liked title
contributes most to.
"""

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, Profile
from dskreg.ui.common import cache
from dskreg.ui.common.widgets import plain
from dskreg.ui.recommendations import cards
from dskreg.ui.recommendations.filters import Filters

BEYOND = 30  # recommendations after the list's last one among which the row looks
LEAST, MOST = 3, 8  # titles in the row
HELP = "Of the recommendations after the list's last one: those whose score this title contributes most to."


def following(listed: pd.DataFrame, more: pd.DataFrame) -> tuple[object, pd.DataFrame]:
    """(a liked title's id, the rows of `more` outside `listed` that it contributes most to, best first).

    The liked title with the most such rows is chosen, the better ranked one among equals; (None, no rows)
    where each has fewer than LEAST.
    """
    rest = more[~more["item_id"].isin(listed["item_id"])]
    counts = rest["because"].dropna().value_counts(sort=False).sort_values(ascending=False, kind="stable")
    if counts.empty or counts.iloc[0] < LEAST:
        return None, rest.head(0)
    first = counts.index[0]
    return first, rest[rest["because"] == first].head(MOST)


def show(explorer: Explorer, profile: Profile, chosen: Filters, listed: pd.DataFrame) -> None:
    """The row, under the list's filters; nothing where no liked title has enough of its own."""
    if not profile.history:
        return
    more: pd.DataFrame = cache.recommendations(explorer, profile, len(listed) + BEYOND, **chosen.by_score())
    liked, titles = following(listed, more)
    if titles.empty:
        return
    name = plain(explorer.item(liked)["title"])
    st.subheader(f"Because {plain(profile.called)} liked {name}", anchor=False, help=HELP)
    cards.strip("because", titles, {"score": "Score"})
