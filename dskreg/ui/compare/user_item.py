"""One item for two users: what of its explanation depends on the user, and what does not."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dskreg.explorer import Explanation, Profile
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import plain
from dskreg.ui.frame.sidebar import Selection

KEYS = ["item_id", "relation"]
NAMED = 3  # likes of each user
CLOSE = 1e-6


def show_user_item(selection: Selection, other: Profile, headings: tuple[str, str]) -> None:
    """The selected item, else the first recommendation of the user on the left, for both users."""
    explorer, profile = selection.explorer, selection.profile
    item_id = selection.item()
    if item_id is None:
        return
    one, two = (cache.explanation(explorer, user, item_id) for user in (profile, other))
    st.header(f"One item: {plain(one.title)}", anchor=False)
    st.markdown(in_words(one, two, explorer.samples_likes))
    ranks = [cache.ask(explorer, "ranks", user)[item_id] for user in (profile, other)]
    for heading, found, rank, user in zip(headings, (one, two), ranks, (profile, other), strict=True):
        place = "not listed" if item_id in explorer.unlisted(user) else f"rank **{rank:,}**"
        liked = found.liked.head(NAMED)
        reasons = [
            f"*{plain(title)}* ({value:+.2f})"
            for title, value in zip(liked["title"], liked["contribution"], strict=True)
            if value > 0
        ]
        most = f"; most through the likes {widgets.listed(reasons)}" if reasons else ""
        st.markdown(f"- {plain(heading)}: score **{found.score:.3f}**, {place}{most}.")
    table = terms(one, two)
    number = st.column_config.NumberColumn
    config: dict[str, Any] = {
        "term": st.column_config.TextColumn("Term", pinned=True, width=190),
        "first": number(f"{headings[0]} adds", format="%+.3f", help="Its part of the score."),
        "second": number(f"{headings[1]} adds", format="%+.3f", help="Its part of the score."),
        "attention": number("Attention α", format="%.3f", help="Weight among the sampled neighbours."),
        "attention_second": number(f"Attention α, {headings[1]}", format="%.3f"),
        "relation": "Relation r",
    }
    alike = same(one, two, "attention")
    st.dataframe(
        table,
        hide_index=True,
        key="user_item",
        placeholder="–",
        height="content",
        column_order=[name for name in config if name != "attention_second" or not alike],
        column_config=config,
        alt="What the own embedding and each sampled neighbour add to the score of both users",
    )


def sampled(found: Explanation) -> pd.DataFrame:
    """The item's sampled neighbours by id and relation."""
    frame = found.item_neighbours
    return frame[frame["picked"]].set_index(KEYS).sort_index()


def same_neighbours(one: Explanation, two: Explanation) -> bool:
    """Do both sample the same neighbours with the same probabilities?"""
    left, right = (
        found.item_neighbours.set_index(KEYS).sort_index()[["picked", "inclusion_probability"]]
        for found in (one, two)
    )
    return left.index.equals(right.index) and bool(
        np.allclose(left.astype(float), right.astype(float), atol=CLOSE)
    )


def same(one: Explanation, two: Explanation, column: str) -> bool:
    """Do both have the same value of every sampled neighbour?"""
    left, right = sampled(one)[column], sampled(two)[column]
    return left.index.equals(right.index) and bool(np.allclose(left, right, atol=CLOSE))


def terms(one: Explanation, two: Explanation) -> pd.DataFrame:
    """term, relation, attention, attention_second, first, second: the parts of both scores, the item's own
    embedding first, then the neighbours that either samples, the largest first.
    """
    columns = ["title", "attention", "contribution"]
    left, right = sampled(one)[columns], sampled(two)[columns]
    both = left.merge(right, how="outer", on=KEYS, suffixes=("", "_second")).reset_index()
    neighbours = pd.DataFrame(
        {
            "term": both["title"].fillna(both["title_second"]),
            "relation": both["relation"],
            "attention": both["attention"].astype(float),
            "attention_second": both["attention_second"].astype(float),
            "first": both["contribution"].astype(float).fillna(0.0),
            "second": both["contribution_second"].astype(float).fillna(0.0),
        }
    )
    largest = neighbours[["first", "second"]].abs().max(axis=1)
    neighbours = neighbours.loc[largest.sort_values(ascending=False, kind="stable").index]
    single = [{"term": "own embedding", "first": one.self_contribution, "second": two.self_contribution}]
    if one.bias or two.bias:
        single.append({"term": "bias", "first": one.bias, "second": two.bias})
    return pd.concat([pd.DataFrame(single), neighbours], ignore_index=True)


def in_words(one: Explanation, two: Explanation, samples_likes: bool) -> str:
    """What depends on the user and what does not, as computed for these two, in Markdown.

    Args:
        samples_likes: is it the paper's form, whose attention depends on the user?
    """
    parts = {
        "which neighbours are sampled": same_neighbours(one, two),
        "their attention": same(one, two, "attention"),
        "what each of them adds": same(one, two, "contribution"),
        "the score": abs(one.score - two.score) < CLOSE,
    }
    shared, differs = ([name for name, value in parts.items() if value is wanted] for wanted in (True, False))
    sentences = []
    if shared:
        sentences.append(f"The same for both users: **{widgets.listed(shared)}**.")
    if differs:
        sentences.append(f"Different: **{widgets.listed(differs)}**.")
    why = (
        "Attention follows what a user likes of each relation; the samples do not."
        if samples_likes
        else "Likes decide only how much the item and its neighbours add, not which neighbours are sampled."
    )
    return " ".join([*sentences, why])
