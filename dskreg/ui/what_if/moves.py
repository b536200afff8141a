"""The recommendations before and after a change: each item's move in words, as a table and as a chart."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dskreg.explorer import WhatIf
from dskreg.ui.common import bump_chart, charts, widgets
from dskreg.ui.common.widgets import plain

KEPT = {"unchanged": ("keeps its rank", "keep their rank"), "up": ("moves up", "move up")}
KEPT |= {"down": ("moves down", "move down")}
NAMED = 2  # items that come in or drop out are named, if so few
DOWNLOADED = ["item_id", "title", "rank_before", "rank_after", "words", "score_before", "score_after"]


def in_words(before: object, after: object, top: int) -> str:
    """How an item moves between two lists of `top`; `before` and `after` are its ranks, missing for none."""
    was, now = (None if pd.isna(rank) else int(rank) for rank in (before, after))  # type: ignore[call-overload]
    if now is None:
        return "dropped out (liked now)"
    if was is None or was > top:
        return "new" if was is None else f"new (was {was})"
    if now > top:
        return f"dropped out (now {now})"
    return "unchanged" if was == now else f"up {was - now}" if was > now else f"down {now - was}"


def with_words(moves: pd.DataFrame, top: int) -> pd.DataFrame:
    """`WhatIf.moves` with a column `words`."""
    return moves.assign(
        words=[in_words(b, a, top) for b, a in zip(moves["rank_before"], moves["rank_after"], strict=True)]
    )


def summary(moves: pd.DataFrame, top: int) -> str:
    """What happens to the list, in a sentence of Markdown; `moves` as from `with_words`."""
    kind = moves["words"].str.split().str[0]
    count = kind.value_counts()
    if set(count.index) <= {"unchanged"}:
        return f"The top {top} stays as it was."
    kept = [
        f"**{count[name]}** {words[int(count[name] != 1)]}" for name, words in KEPT.items() if name in count
    ]
    exchanged = [
        f"{_named(moves.loc[kind == name, 'title'])} {words[int(count[name] != 1)]}"
        for name, words in (("dropped", ("drops out", "drop out")), ("new", ("comes in", "come in")))
        if name in count
    ]
    sentences = [f"of the top {top}, {widgets.listed(kept)}"] if kept else []
    text = "; ".join([*sentences, *([widgets.listed(exchanged)] if exchanged else [])])
    return f"{text[:1].upper()}{text[1:]}."


def _named(titles: pd.Series) -> str:
    return (
        f"**{len(titles)}**"
        if len(titles) > NAMED
        else widgets.listed([f"*{plain(title)}*" for title in titles])
    )


def show_moves(found: WhatIf, top: int) -> None:
    """The recommendations after the change, with the move of each item."""
    if found.moves.empty:
        st.caption("Nothing can be recommended to this user, neither before nor after the change.")
        return
    moves = with_words(found.moves, top)
    words = summary(moves, top).replace("*", "")
    st.subheader(f"Top {top} after the change", anchor=False)
    reached = f" The change affects the neighbours of {found.touched:,} item{'s' * (found.touched != 1)}."
    st.caption(
        "The chart shows the previous rank on the left and the new rank on the right."
        f"{reached if found.touched else ''}"
    )
    table, chart = st.columns([1.6, 1], gap="medium")
    _table(table, moves, words)
    charts.show_chart(
        chart,
        bump_chart.of_moves(moves, top),
        key="slopes",
        alt=f"A line from each item's previous rank to its new rank: {words} The table has the same ranks.",
    )


def _table(place: DeltaGenerator, moves: pd.DataFrame, words: str) -> None:
    number = st.column_config.NumberColumn
    place.dataframe(
        moves,
        hide_index=True,
        height="content",
        key="moves",
        placeholder="–",
        alt=f"The recommendations after the change and the move of each item: {words}",
        column_order=["rank_after", "title", "words", "rank_before", "score_before", "score_after"],
        column_config={
            "rank_after": number("#", width=36, help="Rank after the change."),
            "title": st.column_config.TextColumn("Item", width=154),
            "words": st.column_config.TextColumn("Move", width=156, help="Places up or down in the ranking."),
            "rank_before": number("Was", width=54, help="Rank before the change."),
            "score_before": number("Score before", format="%.3f", width=96, help="The model's score."),
            "score_after": number("Score after", format="%.3f", width=80, help="The model's score."),
        },
    )
    place.download_button(
        "Download CSV",
        widgets.safe_csv(moves[DOWNLOADED]),
        "what-if.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
