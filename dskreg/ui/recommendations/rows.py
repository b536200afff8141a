"""The rows of small covers below a list: “Because user 34 liked X” and “More like Y”."""

import numpy as np
import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, Profile
from dskreg.ui.common import cache
from dskreg.ui.common.widgets import plain
from dskreg.ui.recommendations import cards
from dskreg.ui.recommendations.filters import Filters

BEYOND = 30  # recommendations after the list's last one among which the first row looks
LEAST, MOST = 3, 8  # titles in a row


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
        st.subheader(f"Because {plain(profile.called)} liked {name}", anchor=False)
        st.caption(
            f"Of the next {BEYOND} recommendations, those to whose score it adds more than any other like."
        )
        cards.strip("because", titles, {"score": "Score"})
    if more and not chosen.narrow:
        first = listed.iloc[0]
        near = related(explorer, profile, first["item_id"], {*listed["item_id"], *titles["item_id"]})
        if len(near):
            st.subheader(f"More like {plain(first['title'])}", anchor=False)
            st.caption(
                "Unseen neighbours of the first recommendation in the knowledge graph, largest logit first."
            )
            cards.strip("more", near, {"score": "Score"})


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


def related(explorer: Explorer, profile: Profile, item_id: int | str, shown: set[object]) -> pd.DataFrame:
    """item_id, title, seen, score, shared of the item's candidate neighbours with the highest logits, MOST at
    most and unseen; none where they are fewer than LEAST.

    `shown` are left out, hidden adult titles, and titles without likes, which have a row of their own.
    `shared`: what connects the two, such as "studio: Bones".
    """
    candidates = cache.explanation(explorer, profile, item_id).item_neighbours
    items = explorer.items
    at = np.array([explorer.directory.item(key) for key in candidates["item_id"]], dtype=int)
    out = candidates["item_id"].isin({*shown, *explorer.unlisted(profile)}).to_numpy()
    hidden = items["adult"].to_numpy(bool)[at] & (not explorer.adult)
    kept = candidates[~out & ~hidden & (items["likes"].to_numpy()[at] > 0)]
    best = kept.sort_values("logit", ascending=False, kind="stable").drop_duplicates("item_id").head(MOST)
    if len(best) < LEAST:
        return best.head(0)
    shared = list(map(cards.connection, best["relation"], best["via"]))
    score = cache.ask(explorer, "scores", profile)[at[best.index]]
    return best[["item_id", "title"]].assign(seen=False, score=score, shared=shared)
